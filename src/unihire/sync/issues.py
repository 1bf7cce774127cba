"""The kinds of issues, what to do about each, and which a run opens and resolves."""

from enum import StrEnum

from unihire.errors import PermissionMissing, ReauthorizeNeeded, RetryLater, VendorChanged, VendorRefused
from unihire.kit.words import count_of
from unihire.store import Pool, issues
from unihire.store.accounts.tenancy import Connector, lock_credentials, set_status


class Kind(StrEnum):
    REAUTHORIZE = "reauthorize"
    PERMISSION_MISSING = "permission_missing"
    VENDOR_REFUSED = "vendor_refused"
    VENDOR_CHANGED = "vendor_changed"
    VENDOR_UNAVAILABLE = "vendor_unavailable"
    VENDOR_LIMIT = "vendor_limit"
    ROWS_SET_ASIDE = "rows_set_aside"
    WRONG_ANSWERS = "wrong_answers"
    DISK_FULL = "disk_full"
    FAULT = "fault"


ADVICE = {
    Kind.REAUTHORIZE: "The vendor refuses the stored credentials. Let the customer make new ones, or agree again, "
    "and give them to `unihire reconnect`: the connector keeps its id, its token and its records.",
    Kind.PERMISSION_MISSING: "The customer's administrator must give the credentials this permission at the vendor; "
    "the next sync then reads the list by itself.",
    Kind.VENDOR_REFUSED: "The vendor understood the request and declined it. Every sync tries again; if it stays, "
    "ask the vendor's support with this message.",
    Kind.VENDOR_CHANGED: "The vendor's answers are not as documented. Every sync tries again; if it stays, the "
    "integration needs an update.",
    Kind.VENDOR_UNAVAILABLE: "The vendor gives no good answer now, and the sync goes on by itself once it does. If it "
    "keeps refusing credentials, this becomes `reauthorize` within minutes.",
    Kind.VENDOR_LIMIT: "The vendor lets nothing more be asked for a while; then the sync goes on by itself. "
    "`unihire sync` asks at once, whatever rest the vendor wanted.",
    Kind.ROWS_SET_ASIDE: "Rows are not as documented. `unihire quarantine` shows them with the reason: those that "
    "became nothing, and those that are served without some part. They are tried again when they change, after an "
    "upgrade and by `unihire remap`.",
    Kind.WRONG_ANSWERS: "Rows that a list left out were asked for by id, and the vendor answered with other rows. "
    "What is stored of them stays as it is; every complete read asks again. If it stays, ask the vendor's support.",
    Kind.DISK_FULL: "Make room on the disk of the database, or give it a larger one: nothing new can be stored before. "
    "The sync then goes on by itself within a minute.",
    Kind.FAULT: "The operator must set right what the message says; where it says no more than that it is a fault of "
    "ours, the log has the traceback. The sync is tried again by itself.",
}
"""What to do, by kind."""

OF_STREAMS = (Kind.PERMISSION_MISSING, Kind.VENDOR_REFUSED, Kind.VENDOR_CHANGED, Kind.VENDOR_UNAVAILABLE, Kind.FAULT)
"""Kinds that a stream's good end resolves."""

OF_CONNECTORS = (Kind.REAUTHORIZE, Kind.VENDOR_UNAVAILABLE, Kind.VENDOR_LIMIT, Kind.DISK_FULL, Kind.FAULT)
"""Kinds that the end of a run resolves."""

OF_CREDENTIALS = (Kind.REAUTHORIZE, Kind.VENDOR_UNAVAILABLE, Kind.VENDOR_LIMIT)
"""Kinds that new credentials resolve; of whatever else was wrong, the next run finds out."""

_KINDS: tuple[tuple[type[Exception], Kind], ...] = (
    (ReauthorizeNeeded, Kind.REAUTHORIZE),
    (PermissionMissing, Kind.PERMISSION_MISSING),
    (VendorRefused, Kind.VENDOR_REFUSED),
    (VendorChanged, Kind.VENDOR_CHANGED),
    (RetryLater, Kind.VENDOR_UNAVAILABLE),
)


def say_quarantined(stream: str, rows: int, incomplete: int) -> str:
    """How many rows of a stream became nothing, and how many are served without some part; empty where none is."""
    said = []
    if rows:
        said.append(f"{count_of(rows, 'row')} of {stream} quarantined for not mapping")
    if incomplete:
        said.append(f"{count_of(incomplete, 'row')} of {stream} served without some part that does not map")
    return "; ".join(said)


def find_kind(error: Exception) -> Kind:
    """The kind of issue that an error is."""
    return next((kind for error_type, kind in _KINDS if isinstance(error, error_type)), Kind.FAULT)


async def ask_for_relink(pool: Pool, connector: Connector, reason: str) -> None:
    """The vendor refuses the connector's credentials; said of none that it was given meanwhile."""
    async with pool.acquire() as connection, connection.transaction():
        if await lock_credentials(connection, connector):
            await set_status(connection, connector, "RELINK_NEEDED")
            await issues.open_issue(connection, connector.number, Kind.REAUTHORIZE, reason)
            over = [Kind.VENDOR_UNAVAILABLE, Kind.VENDOR_LIMIT]  # it has answered
            await issues.resolve_issues(connection, connector.number, over)


async def open_failure(pool: Pool, connector: Connector, stream: str, kind: Kind, reason: str) -> None:
    """A list could not be read to its end."""
    number, version = connector.number, connector.credentials_version
    others = [one for one in OF_STREAMS if one != kind]
    await issues.open_issue(pool, number, kind, reason, stream=stream, version=version)
    await issues.resolve_issues(pool, number, others, stream=stream, version=version)


async def settle_issues(
    pool: Pool, connector: Connector, stream: str, *, quarantined: tuple[int, int], wrong: int | None
) -> None:
    """A list was read well: what is left to report are quarantined rows, and `wrong` answers to calls by id.

    `quarantined` are how many became nothing and how many are served without some part. No calls by id
    were made where `wrong` is None.
    """
    number, version = connector.number, connector.credentials_version
    await issues.resolve_issues(pool, number, OF_STREAMS, stream=stream, version=version)
    left = {Kind.ROWS_SET_ASIDE: say_quarantined(stream, *quarantined) or None}
    if wrong is not None:
        left[Kind.WRONG_ANSWERS] = f"{wrong:,} calls of {stream} by id were answered with other rows" if wrong else None
    for kind, message in left.items():
        if message is None:
            await issues.resolve_issues(pool, number, [kind], stream=stream, version=version)
        else:
            await issues.open_issue(pool, number, kind, message, stream=stream, version=version)
