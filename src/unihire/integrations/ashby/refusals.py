"""What Ashby says where it refuses a write, most often in a 200; contract.json, errors."""

from collections.abc import Iterator
from typing import Any

from unihire.outbound.decoding import OBJECT, Undecodable, decode


def read_refusal(body: bytes) -> Iterator[tuple[str | None, str]]:
    """Each fault as the member it names and its words; nothing for a body of another shape.

    `errors` has objects with `message` and `parameter`, or texts; the words of `errorInfo` count where no object has
    some. A code alone is said as it is.
    """
    try:
        said = decode(body, OBJECT)
    except Undecodable:
        return
    errors = said.get("errors")
    entries = errors if isinstance(errors, list) else []
    named = [(find_text(one, "parameter"), words) for one in entries if (words := find_text(one, "message"))]
    if any(member is not None for member, _ in named):
        yield from named
        return
    words = find_text(said.get("errorInfo"), "message") or next((words for _, words in named), None)
    texts = [one for one in entries if isinstance(one, str) and one]
    code = find_text(said.get("errorInfo"), "code")
    if words or not (texts or code):
        texts = [words] if words else []
    for one in texts or [code or ""]:
        if one:
            yield None, one


def find_text(said: Any, member: str) -> str | None:
    value = said.get(member) if isinstance(said, dict) else None
    return value if isinstance(value, str) and value else None


def names_member(body: bytes, member: str) -> bool:
    """Whether a refusal is about this member of what was sent."""
    return any(found == member for found, _ in read_refusal(body))
