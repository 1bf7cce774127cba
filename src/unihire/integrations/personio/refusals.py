"""How API v1 says no: the bodies of refused writes, read. Codes and both shapes: [official], the description of v1."""

import re
from collections.abc import Iterable, Iterator
from typing import Any

from unihire.outbound.decoding import ANYTHING, OBJECT, Undecodable, decode

ALREADY_APPLIED = "errors.applicant-already-exists"

MEANINGS = {
    "errors.attribute-validation.unknown": "there is no such attribute",
    "errors.attribute-validation.required-attribute": "it is required, and is missing or blank",
    "errors.attribute-validation.invalid-date-format": "it is no date of the form YYYY-MM-DD",
    "errors.attribute-validation.invalid-email-format": "it is no e-mail address",
    "errors.attribute-validation.invalid-type": "attributes of this type are not supported",
    "errors.attribute-validation.unknown-attribute-option": "it is none of the values that are offered",
    "errors.date-validation.date-in-the-future": "the day is in the future",
    "errors.phase-validation.invalid-system-phase": "there is no such system phase",
    "errors.file-validation.file-not-exists": "there is no such file",
    "errors.file-validation.unknown-file-category": "there is no such category of files",
    "errors.invalid-file-type": "files of this type are not taken",
    "errors.file-too-big": "the file is too big",
    ALREADY_APPLIED: "this e-mail address may have applied for this job already",
    "errors.posting-validation.posting-not-found": "there is no such posting, or not of that channel",
    "errors.posting-validation.channel-not-found": "there is no such channel",
    "errors.job-position.not-published": "the job is not published",
    "feature.recruiting.disabled": "the company does not have the recruiting feature",
    "feature.public-api.disabled": "the company does not have the recruiting API",
}
"""What each code means, in words: [official]."""

_NESTED = re.compile(r"[.\[]")


def read_refusal(body: bytes) -> Iterator[tuple[str | None, str]]:
    """Each fault in the body of a refused write: the member it names, and what is wrong with it.

    Of a member in another, `files[0].category`, the outer one is named, and the words begin with the place. How v1
    spells such places is not documented.
    """
    for entry in list_errors(body):
        field = entry.get("field")
        if not isinstance(field, str) or not field:
            words = entry.get("detail") or entry.get("title")
            if isinstance(words, str):
                yield None, words
            continue
        member = _NESTED.split(field, maxsplit=1)[0]
        for code in _list_codes(entry):
            said = f"{MEANINGS[code]} ({code})" if code in MEANINGS else code
            yield member, said if member == field else f"{field}: {said}"


def has_applied(body: bytes) -> bool:
    """Whether a refusal says that the e-mail address has applied for the job already."""
    return any(ALREADY_APPLIED in _list_codes(entry) for entry in list_errors(body))


def list_errors(body: bytes) -> list[dict[str, Any]]:
    """The entries of `errors`; none where the body is something else."""
    try:
        errors = decode(body, OBJECT).get("errors")
    except Undecodable:
        return []
    return [entry for entry in errors if isinstance(entry, dict)] if isinstance(errors, list) else []


def _list_codes(entry: dict[str, Any]) -> list[str]:
    found: Any = entry.get("errors")
    reasons: Iterable[Any] = found if isinstance(found, list) else ()
    codes = (one.get("reason") for one in reasons if isinstance(one, dict))
    return [code for code in codes if isinstance(code, str)]


def is_accepted(said: Any) -> bool:
    """Whether a 2xx answer to a write is v1's, which has no body [official]: what was made is then shown by v2."""
    return said is None


def find_uuid(body: bytes) -> str | None:
    """The `uuid` in the answer to an upload [official]; None where there is none."""
    try:
        answer = decode(body, ANYTHING)
    except Undecodable:
        return None
    uuid = answer.get("uuid") if isinstance(answer, dict) else None
    return uuid if isinstance(uuid, str) and uuid else None
