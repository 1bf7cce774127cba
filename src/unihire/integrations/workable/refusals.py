"""What Workable says where it refuses: `{"error": …, "validation_errors": {"email": ["…"]}}`; contract.json, errors."""

from collections.abc import Iterator
from typing import Any

from unihire.outbound.decoding import OBJECT, Undecodable, decode

ALREADY_THERE = "already exists"
"""In the words about an address that is on the job already [client]."""


def read_refusal(body: bytes) -> Iterator[tuple[str | None, str]]:
    """Each fault as the member it names and its words; the error alone where it names none.

    Nothing for a body of another shape.
    """
    try:
        said = decode(body, OBJECT)
    except Undecodable:
        return
    named = said.get("validation_errors")
    faults = [
        (member, words)
        for member, entries in (named.items() if isinstance(named, dict) else ())
        if (words := join_words(entries))
    ]
    yield from faults
    error = said.get("error")
    if not faults and isinstance(error, str) and error:
        yield None, error


def join_words(entries: Any) -> str:
    """The texts about one member."""
    found = entries if isinstance(entries, list) else [entries]
    return ", ".join(one for one in found if isinstance(one, str) and one)


def is_already_there(body: bytes) -> bool:
    """Whether a refusal says that the address is on the job already."""
    return any(member == "email" and ALREADY_THERE in words for member, words in read_refusal(body))
