"""What Harvest v3 says where it refuses a write; harvest_v3.md, errors."""

from collections.abc import Iterable
from typing import Any

from unihire.outbound.decoding import ANYTHING, Undecodable, decode


def read_refusal(body: bytes) -> Iterable[tuple[str | None, str]]:
    """Each fault as the member it is about and the words: `{"message": …, "errors": ["…", {"job_id": "is missing"}]}`.

    The message alone where it names no faults, as 401, 403 and 404 do; nothing for a body of another shape.
    """
    try:
        said = decode(body, ANYTHING)
    except Undecodable:
        return []
    if not isinstance(said, dict):
        return []
    errors = said.get("errors")
    found = [fault for error in (errors if isinstance(errors, list) else [errors]) for fault in _read_fault(error)]
    message = said.get("message")
    return found or ([(None, message)] if isinstance(message, str) and message else [])


def _read_fault(error: Any) -> Iterable[tuple[str | None, str]]:
    if isinstance(error, dict):
        for member, words in error.items():
            yield member, ", ".join(map(str, words)) if isinstance(words, list) else str(words)
    elif error:
        yield None, str(error)
