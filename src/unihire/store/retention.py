"""How long history is stored, by setting: without an end it would grow for ever."""

from dataclasses import dataclass
from datetime import timedelta

from unihire.store import Connection, Pool
from unihire.store.accounts.tenancy import DROP_OLD_KEYS
from unihire.store.accounts.tokens import DROP_ALL_ENDED
from unihire.store.audit import DROP_OLD_LINES
from unihire.store.calls.operations import DROP_OLD_CALLS, DROP_OLD_MARKS, MARKED_FOR
from unihire.store.calls.requested_writes import DROP_OLD_UNIFIED
from unihire.store.calls.writes import DROP_OLD_WRITES
from unihire.store.events import hooks
from unihire.store.events.deliveries import DROP_OLD_DELIVERIES, DROP_OLD_UNDELIVERED
from unihire.store.events.inbox import cut_deliveries
from unihire.store.events.log import cut_events
from unihire.store.events.notices import DROP_OLD_NOTICES
from unihire.store.feed.erasing import erase_deleted
from unihire.store.issues import DROP_OLD_ISSUES

CUT_EVERY = timedelta(hours=1)

PLAUSIBLE = timedelta(days=2)
"""Where history was deleted longer ago than this, or never, the clock may be wrong: nothing is deleted for an hour. So
a clock that is wrong for less than an hour deletes nothing."""

AT_ONCE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """How long history is stored."""

    history: timedelta = timedelta(days=30)
    """Runs that ended and issues that were resolved."""
    calls: timedelta = timedelta(days=7)
    """Responses under idempotency keys, and their writes."""
    writes: timedelta = timedelta(days=30)
    """Writes through the unified API, with their idempotency keys and answers."""
    events: timedelta = timedelta(days=30)
    """Events of the change log, notices, and messages that webhooks refused."""
    deliveries: timedelta = timedelta(days=7)
    """The log of messages that were sent to webhooks."""
    audit: timedelta = timedelta(days=365)
    """Lines of the audit trail, and API keys that ended."""
    deleted: timedelta | None = timedelta(days=365)
    """The content of deleted records; None: for ever."""


# How long ago history was cut last.
FIND_LAST_CUT = "SELECT now() - done_at FROM chore WHERE name = 'retention'"

NOTE_CUT = """
    INSERT INTO chore (name, done_at) VALUES ('retention', now()) ON CONFLICT (name) DO UPDATE SET done_at = now()
"""

# Ended runs, some at a time, but the latest of each connector.
DROP_OLD_RUNS = """
    DELETE FROM sync_run WHERE (connector, id) IN (
        SELECT connector, id FROM sync_run AS old
        WHERE finished_at < now() - $1::interval
            AND number < (SELECT max(number) FROM sync_run WHERE connector = old.connector)
        LIMIT $2
    )
"""


async def delete_expired(connection: Connection, pool: Pool, retention: Retention) -> None:
    """Delete expired history, some of it at a time; does nothing until `CUT_EVERY` is over.

    Call inside a transaction, as the only one. Records are written in transactions of their own.
    """
    since: timedelta | None = await connection.fetchval(FIND_LAST_CUT)
    if since is not None and timedelta() <= since < CUT_EVERY:
        return
    if since is not None and CUT_EVERY <= since <= PLAUSIBLE:
        has_more = retention.deleted is not None and await erase_deleted(pool, retention.deleted, AT_ONCE)
        has_more = await cut_events(connection, retention.events, AT_ONCE) or has_more
        has_more = await cut_deliveries(connection) or has_more
        for query, older in (
            (DROP_OLD_RUNS, retention.history),
            (DROP_OLD_ISSUES, retention.history),
            (DROP_OLD_CALLS, retention.calls),
            (DROP_OLD_NOTICES, retention.events),
            (DROP_OLD_UNDELIVERED, retention.events),
            (DROP_OLD_DELIVERIES, retention.deliveries),
            (DROP_OLD_WRITES, retention.calls),
            (DROP_OLD_UNIFIED, retention.writes),
            (DROP_OLD_MARKS, MARKED_FOR),
            (DROP_OLD_LINES, retention.audit),
            (DROP_OLD_KEYS, retention.audit),
            (DROP_ALL_ENDED, timedelta()),
            (hooks.DROP_ALL_ENDED, timedelta()),
        ):
            done = await connection.execute(query, older, AT_ONCE)
            has_more = has_more or int(done.split()[-1]) == AT_ONCE
        if has_more:
            return  # the next call deletes more
    await connection.execute(NOTE_CUT)
