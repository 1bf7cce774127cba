"""The change log of a connector, read whole and held against what is stored."""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from itertools import pairwise
from typing import Any

from testbed.records import id_in, render
from testbed.tenants import Tenant
from testbed.waiting import until
from unihire.model import MODELS
from unihire.store import Pool
from unihire.store.events.log import ChangeEvent, log_changes, read_events
from unihire.store.feed import saving
from unihire.store.feed.changes import Change, ChangeKind
from unihire.store.feed.gate import Feed, write_feed

LIST_RECORDS = """
    SELECT id::text, model, remote_id, seq, deleted_at IS NOT NULL AS is_deleted FROM record WHERE connector = $1
"""

# The server's own sessions that have a transaction id.
COUNT_BACKGROUND = """
    SELECT count(*) FROM pg_stat_activity WHERE backend_xid IS NOT NULL AND backend_type <> 'client backend'
"""

FOLLOWS = {
    None: {ChangeKind.CREATED},
    ChangeKind.CREATED: {ChangeKind.UPDATED, ChangeKind.DELETED},
    ChangeKind.UPDATED: {ChangeKind.UPDATED, ChangeKind.DELETED},
    ChangeKind.DELETED: {ChangeKind.CREATED},
}
"""What may happen to a record after what."""


async def read_log(tenant: Tenant, after_seq: int = 0, *, limit: int = 1000) -> list[ChangeEvent]:
    """Every event behind a position, some at a time."""
    found: list[ChangeEvent] = []
    while some := await read_events(tenant.pool, tenant.connector.number, after_seq, limit):
        assert len(some) <= limit
        found += some
        after_seq = some[-1].seq
    return found


async def check_log(tenant: Tenant) -> list[ChangeEvent]:
    """The log, which says of every record how it came to be what is stored, and of no other."""
    events = await read_log(tenant)
    assert all(one.seq < other.seq for one, other in pairwise(events))
    last: dict[str, ChangeEvent] = {}
    for event in events:
        known = last.get(event.id)
        assert event.kind in FOLLOWS[known and known.kind], (known, event)
        assert bool(event.changed) is (event.kind is ChangeKind.UPDATED), event
        last[event.id] = event
    stored = {row["id"]: row for row in await tenant.pool.fetch(LIST_RECORDS, tenant.connector.number)}
    assert last.keys() == stored.keys()
    for id, event in last.items():
        row = stored[id]
        assert (event.seq, event.model, event.remote_id) == (row["seq"], row["model"], row["remote_id"])
        assert (event.kind is ChangeKind.DELETED) is row["is_deleted"]
    return events


async def save_logged(
    tenant: Tenant,
    model: str,
    *rows: dict[str, Any],
    gone: Sequence[str] = (),
    before_end: Callable[[], Awaitable[Any]] | None = None,
) -> list[Change]:
    """Save rows and bury records in a transaction, as a run does; what that changed. `before_end` is awaited in it."""
    records, number = render(tenant, model, rows), tenant.connector.number

    async def work(feed: Feed) -> list[Change]:
        if records:
            found = await saving.find_stored(feed.connection, number, records)
            await saving.save_found(feed.connection, number, MODELS[model].plural, records, found, feed.changes)
        await saving.mark_deleted(feed.connection, number, [id_in(tenant, model, one) for one in gone], feed.changes)
        if before_end is not None:
            await before_end()
        return list(feed.changes or ())

    made = await write_feed(tenant.pool, number, work, log_changes=log_changes)
    await until(partial(_has_no_background, tenant.pool))
    return made


async def _has_no_background(pool: Pool) -> bool:
    """Whether the server's own sessions, such as one that analyses a table, hold no reader back."""
    return not await pool.fetchval(COUNT_BACKGROUND)


async def count_pages(tenant: Tenant) -> int:
    """How many rows the connector's log has."""
    count = "SELECT count(*) FROM event_page WHERE connector = $1"
    return int(await tenant.pool.fetchval(count, tenant.connector.number))
