"""The kinds of issues, what to do about each, and which a run opens and resolves."""

from collections.abc import Collection, Mapping
from enum import StrEnum

from unihire.errors import PermissionMissing, ReauthorizeNeeded, RetryLater, VendorChanged, VendorRefused
from unihire.kit.phrases import count_of
from unihire.store import Pool, issues
from unihire.store.accounts.tenancy import Connector, describe_link, lock_credentials, set_status
from unihire.store.events.notices import NewNotice, NoticeKind, add_notices


class IssueKind(StrEnum):
    REAUTHORIZE = "reauthorize"
    PERMISSION_MISSING = "permission_missing"
    VENDOR_REFUSED = "vendor_refused"
    VENDOR_CHANGED = "vendor_changed"
    VENDOR_UNAVAILABLE = "vendor_unavailable"
    VENDOR_LIMIT = "vendor_limit"
    ROWS_QUARANTINED = "rows_quarantined"
    WRONG_ANSWERS = "wrong_answers"
    DISK_FULL = "disk_full"
    FAULT = "fault"
    WEBHOOK_OFF = "webhook_off"
    WEBHOOK_REFUSED = "webhook_refused"
    WEBHOOK_BEHIND = "webhook_behind"


ADVICE = {
    IssueKind.REAUTHORIZE: "The vendor refuses the stored credentials. Let the customer make new ones, or agree again, "
    "and give them to `unihire reconnect`: the connector keeps its id, its token and its records.",
    IssueKind.PERMISSION_MISSING: "The customer's administrator must give the credentials this permission at the "
    "vendor; the next sync then reads the list. What is asked for with each row comes with the next full sync.",
    IssueKind.VENDOR_REFUSED: "The vendor understood the request and declined it. Every sync tries again; if it stays, "
    "ask the vendor's support with this message.",
    IssueKind.VENDOR_CHANGED: "The vendor's answers are not as documented. Every sync tries again; if it stays, the "
    "integration needs an update.",
    IssueKind.VENDOR_UNAVAILABLE: "The vendor gives no usable response now. The sync continues when it does. If it "
    "keeps refusing credentials, this becomes `reauthorize` within minutes.",
    IssueKind.VENDOR_LIMIT: "The vendor's rate limit is used up. The sync continues at the moment that the vendor "
    "gave; `unihire sync` calls the vendor at once.",
    IssueKind.ROWS_QUARANTINED: "Rows are not as documented. `unihire quarantine` lists them with the reason: those "
    "that became no record, and those that are served without some part. They are mapped again when they change, after "
    "an upgrade and by `unihire remap`.",
    IssueKind.WRONG_ANSWERS: "Rows that a list left out were requested by id, and the vendor returned other rows. "
    "The stored records stay as they are; every complete read asks again. If it stays, ask the vendor's support.",
    IssueKind.DISK_FULL: "Free space on the disk of the database, or give it a larger one: until then nothing is "
    "stored. The sync continues within a minute after that.",
    IssueKind.FAULT: "The operator must correct what the message names. Where it names an internal fault, the log "
    "has the traceback. The sync is tried again.",
    IssueKind.WEBHOOK_OFF: "Repair the receiver, and enable the webhook again (`unihire webhooks resume`): it "
    "continues where it stopped, as far back as events are stored.",
    IssueKind.WEBHOOK_REFUSED: "The receiver answers some messages with a client error (4xx). `unihire webhooks "
    "refused` lists them; repair the receiver and have them sent again (`unihire webhooks replay --refused`).",
    IssueKind.WEBHOOK_BEHIND: "List with `modified_after` and `include_deleted=true` to find what the webhook missed. "
    "Enabling the webhook again closes this.",
}
"""What to do, by kind."""

OF_STREAMS = (
    IssueKind.PERMISSION_MISSING,
    IssueKind.VENDOR_REFUSED,
    IssueKind.VENDOR_CHANGED,
    IssueKind.VENDOR_UNAVAILABLE,
    IssueKind.FAULT,
)
"""Kinds that a stream's good end resolves."""

OF_CONNECTORS = (
    IssueKind.REAUTHORIZE,
    IssueKind.VENDOR_UNAVAILABLE,
    IssueKind.VENDOR_LIMIT,
    IssueKind.DISK_FULL,
    IssueKind.FAULT,
)
"""Kinds that the end of a run resolves."""

OF_WEBHOOKS = (IssueKind.WEBHOOK_OFF, IssueKind.WEBHOOK_REFUSED, IssueKind.WEBHOOK_BEHIND)
"""Kinds about a webhook, whose id is in place of a stream."""

OF_CREDENTIALS = (IssueKind.REAUTHORIZE, IssueKind.VENDOR_UNAVAILABLE, IssueKind.VENDOR_LIMIT)
"""Kinds that new credentials resolve; of whatever else was wrong, the next run finds out."""

_KINDS: tuple[tuple[type[Exception], IssueKind], ...] = (
    (ReauthorizeNeeded, IssueKind.REAUTHORIZE),
    (PermissionMissing, IssueKind.PERMISSION_MISSING),
    (VendorRefused, IssueKind.VENDOR_REFUSED),
    (VendorChanged, IssueKind.VENDOR_CHANGED),
    (RetryLater, IssueKind.VENDOR_UNAVAILABLE),
)


def say_quarantined(stream: str, rows: int, incomplete: int) -> str:
    """How many rows of a stream became nothing, and how many are served without some part; empty where none is."""
    said = []
    if rows:
        said.append(f"{count_of(rows, 'row')} of {stream} quarantined for not mapping")
    if incomplete:
        said.append(f"{count_of(incomplete, 'row')} of {stream} served without some part that does not map")
    return "; ".join(said)


def find_kind(error: Exception) -> IssueKind:
    """The kind of issue that an error is."""
    return next((kind for error_type, kind in _KINDS if isinstance(error, error_type)), IssueKind.FAULT)


async def ask_for_relink(pool: Pool, connector: Connector, reason: str) -> None:
    """The vendor refuses the connector's credentials; said of none that it was given meanwhile."""
    async with pool.acquire() as connection, connection.transaction():
        if await lock_credentials(connection, connector):
            number, happened = connector.number, list[NewNotice]()
            if await set_status(connection, connector, "RELINK_NEEDED"):
                happened.append(NewNotice(NoticeKind.RELINK_NEEDED, {**describe_link(connector), "reason": reason}))
            happened += await issues.open_issue_within(connection, number, IssueKind.REAUTHORIZE, reason)
            over = [IssueKind.VENDOR_UNAVAILABLE, IssueKind.VENDOR_LIMIT]  # it has answered
            happened += await issues.resolve_issues_within(connection, number, over)
            await add_notices(connection, number, happened)


async def open_failure(pool: Pool, connector: Connector, stream: str, kind: IssueKind, reason: str) -> None:
    """A list could not be read to its end."""
    number, version = connector.number, connector.credentials_version
    others = [one for one in OF_STREAMS if one != kind]
    await issues.open_issue(pool, number, kind, reason, stream=stream, version=version)
    await issues.resolve_issues(pool, number, others, stream=stream, version=version)


async def update_detail_issues(
    pool: Pool, connector: Connector, stream: str, lacking: Mapping[str, str], answered: Collection[str]
) -> None:
    """Details of a list's rows were refused for lack of a permission, by name with the reason; others were answered.

    The issue of a detail is that of `<stream>.<detail>`.
    """
    number, version = connector.number, connector.credentials_version
    for name, reason in lacking.items():
        await issues.open_issue(
            pool, number, IssueKind.PERMISSION_MISSING, reason, stream=f"{stream}.{name}", version=version
        )
    for name in answered:
        if name not in lacking:
            kinds = [IssueKind.PERMISSION_MISSING]
            await issues.resolve_issues(pool, number, kinds, stream=f"{stream}.{name}", version=version)


async def update_issues(
    pool: Pool, connector: Connector, stream: str, *, quarantined: tuple[int, int], wrong: int | None
) -> None:
    """A list was read well: what is left to report are quarantined rows, and `wrong` answers to calls by id.

    `quarantined` are how many became nothing and how many are served without some part. No calls by id
    were made where `wrong` is None.
    """
    number, version = connector.number, connector.credentials_version
    await issues.resolve_issues(pool, number, OF_STREAMS, stream=stream, version=version)
    left = {IssueKind.ROWS_QUARANTINED: say_quarantined(stream, *quarantined) or None}
    if wrong is not None:
        left[IssueKind.WRONG_ANSWERS] = (
            f"{wrong:,} calls of {stream} by id were answered with other rows" if wrong else None
        )
    for kind, message in left.items():
        if message is None:
            await issues.resolve_issues(pool, number, [kind], stream=stream, version=version)
        else:
            await issues.open_issue(pool, number, kind, message, stream=stream, version=version)
