"""The change log of a connector, read whole and held against what is stored."""

from itertools import pairwise

from testbed.tenants import Tenant
from unihire.store.events.log import Event, read_events
from unihire.store.feed.changes import ChangeKind

LIST_RECORDS = """
    SELECT id::text, model, remote_id, seq, deleted_at IS NOT NULL AS is_deleted FROM record WHERE connector = $1
"""

FOLLOWS = {
    None: {ChangeKind.CREATED},
    ChangeKind.CREATED: {ChangeKind.UPDATED, ChangeKind.DELETED},
    ChangeKind.UPDATED: {ChangeKind.UPDATED, ChangeKind.DELETED},
    ChangeKind.DELETED: {ChangeKind.CREATED},
}
"""What may happen to a record after what."""


async def read_log(tenant: Tenant, after_seq: int = 0, *, limit: int = 1000) -> list[Event]:
    """Every event behind a position, some at a time."""
    found: list[Event] = []
    while some := await read_events(tenant.pool, tenant.connector.number, after_seq, limit):
        assert len(some) <= limit
        found += some
        after_seq = some[-1].seq
    return found


async def check_log(tenant: Tenant) -> list[Event]:
    """The log, which says of every record how it came to be what is stored, and of no other."""
    events = await read_log(tenant)
    assert all(one.seq < other.seq for one, other in pairwise(events))
    last: dict[str, Event] = {}
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


async def count_pages(tenant: Tenant) -> int:
    """How many rows the connector's log has."""
    count = "SELECT count(*) FROM event_page WHERE connector = $1"
    return int(await tenant.pool.fetchval(count, tenant.connector.number))
