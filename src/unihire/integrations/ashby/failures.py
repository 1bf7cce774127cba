"""What Ashby's answers say of failures: most are a 200 with a code in its body. Sources: quirks.md."""

import re
from typing import Any

import msgspec

from unihire.outbound.failures import FailureKind, Failures

SUCCESS = re.compile(rb'\s*\{\s*"success"\s*:\s*true\b')
"""How a success begins: of a page of a hundred rows nothing else is looked at."""

CODE = re.compile(r"[a-z0-9_]{1,100}")
"""A code, and no sentence."""

FOUND = (
    "application", "application_feedback", "candidate", "department", "interview", "interview_plan",
    "interview_schedule", "interview_stage", "job", "job_posting", "location", "offer", "user", "webhook",
)  # fmt: skip
"""What is asked for by its id; codes are `<thing>_not_found` [official], for some of these only guessed."""

KINDS = {
    "missing_endpoint_permission": FailureKind.PERMISSION,
    # A submission that was blocked: no application was made of it.
    "application_blocked": FailureKind.MISSING,
    **dict.fromkeys(("not_found", *(f"{thing}_not_found" for thing in FOUND)), FailureKind.MISSING),
    # From its beginning: the token or the position has expired, is damaged, or shows more than the vendor lists by it.
    **dict.fromkeys(
        (
            "sync_token_expired", "sync_token_invalid", "incremental_sync_too_large", "next_cursor_expired",
            "cursor_invalid", "invalid_next_cursor",
        ),
        FailureKind.START_OVER,
    ),
}  # fmt: skip


class _Answer(msgspec.Struct):
    """What an answer says of its success."""

    success: Any = None
    errorInfo: Any = None  # noqa: N815 - the vendor's name
    errors: Any = None


_DECODER = msgspec.json.Decoder(_Answer)


def find_code(body: bytes) -> str | None:
    """The code of a failure; None where the answer is a success, or is not Ashby's.

    It is in `errorInfo`, in older answers in `errors`: a text there, or the `code` or `message` of an object.
    """
    if SUCCESS.match(body):
        return None
    try:
        answer = _DECODER.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    if answer.success is not False:
        return None
    said = [answer.errorInfo, *(answer.errors if isinstance(answer.errors, list) else ())]
    found = [code for one in said for code in _list_codes(one)]
    return next((code for code in found if code in KINDS), next(iter(found), "failure"))


def _list_codes(said: Any) -> list[str]:
    """The codes in one part of a failure."""
    named = [said.get("code"), said.get("message")] if isinstance(said, dict) else [said]
    return [code for code in named if isinstance(code, str) and CODE.fullmatch(code)]


FAILURES = Failures(
    find_code=find_code,
    kinds=KINDS,
    # Without a key 401; with a wrong or revoked one 403, as without a permission, which has a code [official].
    statuses={401: FailureKind.CREDENTIALS, 403: FailureKind.CREDENTIALS},
)
