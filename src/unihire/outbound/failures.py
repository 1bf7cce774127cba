"""How a vendor says in an answer's body what went wrong, where the status does not say it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto


class FailureKind(Enum):
    """What a failure means for whoever asked."""

    CREDENTIALS = auto()
    """The vendor does not know the credentials, or no longer takes them."""
    PERMISSION = auto()
    """The credentials do not reach what was asked for."""
    MISSING = auto()
    """There is no such thing."""
    START_OVER = auto()
    """The position or the sync token is no longer taken: the list is to be read from its beginning."""
    LATER = auto()
    """The vendor cannot answer now."""
    REFUSED = auto()
    """The vendor understood and said no."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failures:
    """A vendor's failures by the codes in its answers.

    `find_code` reads the body of any answer: None where a 2xx is a success, or another answer has no code. It is called
    with every page, so it must be quick about a success. A code that is not in `kinds` is REFUSED in a 2xx; in another
    answer it means what `statuses` say of its status, and without that what HTTP does.
    """

    find_code: Callable[[bytes], str | None]
    kinds: Mapping[str, FailureKind]
    statuses: Mapping[int, FailureKind] = field(default_factory=dict)

    def find(self, status: int, body: bytes) -> tuple[FailureKind, str] | None:
        """What the answer means, and the code or status that says so; None where it says nothing of its own."""
        code = self.find_code(body)
        if code is not None and (kind := self.kinds.get(code)) is not None:
            return kind, code
        if 200 <= status < 300:
            return None if code is None else (FailureKind.REFUSED, code)
        kind = self.statuses.get(status)
        return None if kind is None else (kind, code or str(status))
