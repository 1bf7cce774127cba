"""Every error Unihire raises, sorted by who must act.

    UnihireError
    ├── ConfigError             the operator: a setting, a file, a database
    │   ├── Busy                nobody: somebody else works on the connector now
    │   ├── OtherAccount        the customer: new credentials are not those of the account a connector was synced from
    │   └── AddressRefused      the person who gave an address: connecting there is not allowed, and nothing was sent
    ├── ApiError                the caller of our API; one HTTP status each
    │   ├── BadRequest          400
    │   ├── Unauthorized        401
    │   ├── Forbidden           403
    │   ├── NotFound            404
    │   ├── Conflict            409
    │   ├── Gone                410, with the way on
    │   ├── TooLarge            413
    │   ├── Invalid             422
    │   ├── RateLimited         429
    │   ├── Unsupported         501: the vendor cannot do it, and why
    │   ├── Uncertain           502: a write was perhaps made
    │   └── NotNow              503: the vendor cannot take a write now; nothing was made
    ├── VendorError             the engine: the class says what it does next
    │   ├── RetryLater          wait, then ask again
    │   │   ├── BudgetSpent     our own rate budget for the vendor is; nothing was sent
    │   │   └── NoToken         no token can be had now; nothing was asked with one
    │   │       ├── CredentialsRefused   the vendor refuses the credentials, but not yet for long enough to be final
    │   │       └── CredentialsReplaced  the connector was given others meanwhile; what was begun with these is over
    │   ├── ReauthorizeNeeded   the credentials no longer work; the customer must connect again
    │   ├── PermissionMissing   this stream is closed to these credentials; the others go on
    │   │   └── ScopeMissing    the grant is known not to have a scope; the vendor was not asked
    │   ├── VendorRefused       the vendor understood and said no
    │   │   └── StartOver       the position or sync token is no longer taken; the list is read from its beginning
    │   ├── ReferenceMissing    the vendor has no such thing as the caller names; nothing was written
    │   ├── VendorChanged       the answer is not what the vendor documents
    │   │   └── AnswerTooLarge  the answer is larger than we read; asking again would not help
    │   └── Unanswered          a write was sent and its answer lost: look before writing again
    ├── LinkRefused             the customer at the link page: what they gave is not taken
    ├── RecordError             one record: it will not map
    └── Stopped                 nobody: the work was asked to end

Messages say what happened, to what, and what to do. None carries a secret or personal data. What an answer repeats of
a request is bounded here, for every error: a caller may have sent megabytes.
"""

import itertools
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

LONGEST_DETAIL = 4_000
"""Characters of an error's text."""

LONGEST_ECHO = 300
"""Characters of a text of the caller's that an error repeats."""

MOST_PROBLEMS = 20
"""Problems of a request that are listed."""

MOST_ECHOED = 50
"""Values, at all levels together, that a problem repeats."""


def shorten(text: str, most: int = LONGEST_ECHO) -> str:
    """The text where it is no longer than `most`, else its beginning and how long it is; always encodable."""
    shown = text if len(text) <= most else f"{text[:most]}… ({len(text):,} characters)"
    return shown if shown.isascii() else shown.encode("utf-8", "replace").decode()


def truncate_value(value: Any) -> Any:
    """A JSON value as an error repeats it: long texts are cut, and what comes after the first values is left out."""
    return _truncate_value(value, itertools.count(1))


def _truncate_value(value: Any, counted: "itertools.count[int]") -> Any:
    if next(counted) > MOST_ECHOED:
        return "…"
    match value:
        case str():
            return shorten(value)
        case Mapping():
            few = itertools.islice(value.items(), MOST_ECHOED)
            return {shorten(str(name)): _truncate_value(each, counted) for name, each in few}
        case list() | tuple():
            return [_truncate_value(each, counted) for each in value[:MOST_ECHOED]]
        case int() if abs(value) >= 2**63:
            return shorten(str(value) if value.bit_length() < 4_000 else "an integer of more than 1,000 digits")
        case _:
            return value


class UnihireError(Exception):
    """Base of every error raised on purpose."""


class ConfigError(UnihireError):
    """Something the operator must set right before the work can start."""


class Busy(ConfigError):
    """Somebody else works on the connector; try again when they have ended."""


class OtherAccount(ConfigError):
    """New credentials are of another account than the connector's records, or it cannot be seen that they are not."""


class AddressRefused(ConfigError):
    """An address leads where nothing may connect to (outbound/addresses.py); nothing was sent, nor is it tried again.

    The message names what was asked for and what kind of network it leads to; the address that a name led to is in the
    log alone.
    """


class ApiError(UnihireError):
    """An answer to the caller of our API: `status`, the text in `detail`, and further members of the answer."""

    status: ClassVar[int]

    def __init__(self, detail: str) -> None:
        self.detail = shorten(detail, LONGEST_DETAIL)
        self.members: Mapping[str, Any] = {}
        super().__init__(self.detail)


class BadRequest(ApiError):
    status = 400


class Unauthorized(ApiError):
    status = 401


class Forbidden(ApiError):
    status = 403


class NotFound(ApiError):
    status = 404


class Conflict(ApiError):
    """What is asked for cannot be while something else is; the text says what, and what to do."""

    status = 409


class Gone(ApiError):
    """What was asked for was there once; `way_on` are further members of the answer, which say how to go on."""

    status = 410

    def __init__(self, detail: str, way_on: Mapping[str, Any]) -> None:
        super().__init__(detail)
        self.members = way_on


class TooLarge(ApiError):
    status = 413


class Invalid(ApiError):
    """A path, query, header or body value failed validation.

    `problems` are entries in the shape FastAPI answers: `{"type", "loc", "msg", "input"}`; the first ones, abridged.
    """

    status = 422

    def __init__(self, problems: Sequence[dict[str, Any]]) -> None:
        self.problems: list[dict[str, Any]] = [truncate_value(problem) for problem in problems[:MOST_PROBLEMS]]
        super().__init__("; ".join(str(problem["msg"]) for problem in self.problems))


class RateLimited(ApiError):
    """The caller's window is spent; `retry_after` is whole seconds until it opens again."""

    status = 429

    def __init__(self, retry_after: int) -> None:
        super().__init__("Rate limit exceeded")
        self.retry_after = retry_after


class Unsupported(ApiError):
    """The vendor has no way to do what is asked for; the text is the declared reason."""

    status = 501


class Uncertain(ApiError):
    """Something was sent to the vendor, and it is not known whether it is done: look before doing it again."""

    status = 502


class NotNow(ApiError):
    """The vendor cannot take a write now, and nothing was made: repeat it, in `retry_after` seconds if it says so."""

    status = 503

    def __init__(self, detail: str, retry_after: float | None = None) -> None:
        super().__init__(detail)
        self.retry_after = retry_after


class VendorError(UnihireError):
    """A call to a vendor did not give what was asked for."""


class RetryLater(VendorError):
    """The vendor cannot answer now; `after` is the seconds it asked us to wait, `status` its answer, if there are."""

    def __init__(self, message: str, *, after: float | None = None, status: int | None = None) -> None:
        super().__init__(message)
        self.after = after
        self.status = status


class BudgetSpent(RetryLater):
    """The vendor's rate budget has no call left that may be waited for; in `after` seconds it has."""

    def __init__(self, after: float) -> None:
        super().__init__(f"the vendor's rate budget is spent: the next call can be made in {after:.1f} s", after=after)


class NoToken(RetryLater):
    """No token can be had now, so nothing was asked with one."""


class CredentialsRefused(NoToken):
    """The vendor refuses the stored credentials, but a single refusal may pass: it is not yet taken for the truth."""


class CredentialsReplaced(NoToken):
    """The connector was given new credentials, or removed, since these were read; nothing is asked with them."""

    def __init__(self) -> None:
        super().__init__(
            "the connector was given new credentials, or removed, while this was under way: repeat it to use those"
        )


class ReauthorizeNeeded(VendorError):
    """The stored credentials are refused; only the customer can fix that."""


class PermissionMissing(VendorError):
    """The credentials work but do not reach this stream; the message names the permission, `body` is the vendor's."""

    def __init__(self, message: str, *, body: bytes = b"") -> None:
        super().__init__(message)
        self.body = body


class ScopeMissing(PermissionMissing):
    """What the customer granted does not have the OAuth scopes in `scopes`, so nothing was written."""

    def __init__(self, what: str, scopes: Sequence[str]) -> None:
        self.scopes = tuple(scopes)
        words = f"the scope {scopes[0]}" if len(scopes) == 1 else f"the scopes {', '.join(scopes)}"
        super().__init__(
            f"{what}: the customer has not granted {words}; connect again, asking for reading and writing "
            "(unihire reconnect with --access read-write)"
        )


class VendorRefused(VendorError):
    """The vendor understood the request and declined it; `status` and `body` are the vendor's.

    The body can contain personal data: it goes to the caller who asked, never into a log.
    """

    def __init__(self, message: str, *, status: int, body: bytes = b"") -> None:
        super().__init__(message)
        self.status = status
        self.body = body


class StartOver(VendorRefused):
    """The vendor no longer takes a list's position or sync token: the list is to be read from its beginning."""


class ReferenceMissing(VendorError):
    """The vendor has no such thing as the caller refers to; the message says where, and nothing was written."""


class VendorChanged(VendorError):
    """The answer does not have the shape the vendor documents."""


class AnswerTooLarge(VendorChanged):
    """The answer is larger than this installation reads, sent or unpacked; it is not asked for again at once."""


class Unanswered(VendorError):
    """A write was sent and its answer does not say what it made, or none came back: it may have been done.

    `status` and `body` are the vendor's where it answered; `is_accepted` where it said that it will do it.
    """

    def __init__(
        self, message: str, *, status: int | None = None, body: bytes = b"", is_accepted: bool = False
    ) -> None:
        super().__init__(message)
        self.status = status
        self.body = body
        self.is_accepted = is_accepted


class LinkRefused(UnihireError):
    """A step of a link is not taken; `reason` is the word by which the page knows what to say.

    `field` is the credential that is wrong, where one is, and `detail` says what is wrong with it.
    """

    def __init__(self, reason: str, *, field: str | None = None, detail: str = "") -> None:
        super().__init__(f"{reason}: {field} {detail}".strip() if field else reason)
        self.reason = reason
        self.field = field
        self.detail = detail


class RecordError(UnihireError):
    """A row cannot be mapped. It is quarantined with its raw data, and the stream goes on."""


class Stopped(UnihireError):
    """The work was asked to end; what was committed stays, the rest is done next time."""
