"""What Lever's failures mean beside their status: an offset that it no longer takes is a 400 in words; notes.md."""

from unihire.outbound.failures import FailureKind, Failures

SUCCESS = b'{"data"'
"""How a page begins: nothing else of it is looked at."""

BAD_OFFSET = "Invalid offset token"
"""What the message of that refusal has in it [clients]."""

LONGEST = 4096
"""Bytes of an answer in which it is looked for: a refusal is short."""


def find_code(body: bytes) -> str | None:
    """The words about an offset; None of any other answer."""
    if body.startswith(SUCCESS) or len(body) > LONGEST:
        return None
    return BAD_OFFSET if b'"message"' in body and BAD_OFFSET.encode() in body else None


FAILURES = Failures(
    find_code=find_code,
    kinds={BAD_OFFSET: FailureKind.START_OVER},
    # Without a key and with a wrong one; a 403 is a right that the key does not have [official].
    statuses={401: FailureKind.CREDENTIALS},
)
