"""The change log: written by the transaction that saves records, read in feed order, cut by retention."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

import asyncpg

from unihire.kit.clock import from_micros
from unihire.store import Connection, Pool
from unihire.store.events.lanes import wake_lanes
from unihire.store.events.order import BEGINNING, LogPlace
from unihire.store.events.packing import MOST_PACKED, Unpacked, pack_changes, unpack
from unihire.store.feed.changes import CAUSE, Change, ChangeKind

CONNECTORS_AT_ONCE = 20

FIRST_PAGES = 4
"""So many pages are read at first; while they do not have as many events as were asked for, four times as many."""

# Add a page of events; whether the connector has lanes, which are to be woken for it.
INSERT_PAGE = """
    WITH page AS (INSERT INTO event_page (connector, last_seq, packed) VALUES ($1, $2, $3))
    SELECT has_lanes FROM feed WHERE connector = $1
"""

# Pages of a connector's events after a position.
LIST_PAGES = """
    SELECT connector, last_seq, xid, packed FROM event_page
    WHERE connector = $1 AND last_seq > $2 ORDER BY last_seq LIMIT $3
"""

# The vendor's ids of records.
FIND_REMOTE_IDS = "SELECT id::text, remote_id FROM record WHERE connector = $1 AND id = ANY($2::text[]::uuid[])"

# Up to where a connector's log was cut.
FIND_CUT = "SELECT xid, connector, seq FROM event_cut WHERE connector = $1"

# The last page of a connector's log.
FIND_LAST_PAGE = """
    SELECT xid, connector, last_seq AS seq FROM event_page WHERE connector = $1 ORDER BY last_seq DESC LIMIT 1
"""

# Connectors that have pages older than they may be.
LIST_WITH_OLD = """
    SELECT number FROM connector CROSS JOIN LATERAL (
        SELECT FROM event_page
        WHERE connector = number AND last_seq < (extract(epoch FROM now() - $1::interval) * 1000000)::bigint
        LIMIT 1 OFFSET 0
    ) AS old
    ORDER BY number LIMIT $2
"""

# Delete such pages of one connector, the oldest first.
DELETE_OLD = """
    DELETE FROM event_page WHERE connector = $1 AND ctid = ANY(ARRAY(
        SELECT ctid FROM event_page
        WHERE connector = $1 AND last_seq < (extract(epoch FROM now() - $2::interval) * 1000000)::bigint
        ORDER BY last_seq LIMIT $3
    )) RETURNING last_seq, xid
"""

# Note up to where a connector's log was cut.
NOTE_CUT = """
    INSERT INTO event_cut (connector, seq, xid) VALUES ($1, $2, $3) ON CONFLICT (connector) DO UPDATE
    SET seq = greatest(event_cut.seq, excluded.seq), xid = greatest(event_cut.xid, excluded.xid)
"""


class ChangeEvent(NamedTuple):
    """What became of a record. `seq` is its place in the connector's feed, `model` the number of its model, `write` the
    id of the write through the unified API that caused it.

    `changed` are the names of an update's changed fields, those that only richer faces show as `more.x`;
    `custom_fields` and `raw_data` may be among them. A record that was deleted and is there again is created.
    """

    connector: int
    seq: int
    model: int
    kind: ChangeKind
    id: str
    remote_id: str
    changed: tuple[str, ...]
    write: UUID | None = None

    @property
    def at(self) -> datetime:
        """The record's `modified_at` as of this event."""
        return from_micros(self.seq)


async def log_changes(connection: Connection, connector: int, changes: Sequence[Change]) -> None:
    """Write down what a transaction changed, in feed order; call at its end and within it (`changes.ChangeLog`).

    Where there are lanes they are woken for it: those that are idle, by one statement more.
    """
    pages = [
        (connector, some[-1].seq, pack_changes(some, CAUSE.get()))
        for some in (changes[start : start + MOST_PACKED] for start in range(0, len(changes), MOST_PACKED))
    ]
    if len(pages) > 1:
        await connection.executemany(INSERT_PAGE, pages[:-1])
    if pages and await connection.fetchval(INSERT_PAGE, *pages[-1]):
        await wake_lanes(connection, connector)


class LoggedPage(NamedTuple):
    """Events that were saved together, `MOST_PACKED` at most; the last of them has the position `last_seq`."""

    last_seq: int
    events: Sequence[Unpacked]


async def read_pages(source: Pool | Connection, connector: int, after_seq: int, limit: int) -> list[LoggedPage]:
    """The next pages of a connector that end after a position, whole: as `read_events` reads their events."""
    rows = await source.fetch(LIST_PAGES, connector, after_seq, limit)
    return [LoggedPage(row["last_seq"], list(unpack(row["packed"]))) for row in rows]


async def read_events(source: Pool | Connection, connector: int, after_seq: int, limit: int) -> list[ChangeEvent]:
    """A connector's events after a position, in feed order, `limit` at most; none where there is no later one.

    A reader that continues after the last one's `seq` misses nothing, however many save meanwhile: commit order is
    feed order. Where the log was cut after `after_seq` the missing are skipped: `find_first_position` says so. An
    event may be undone by a crash of the server until a commit that waits for the disk follows it.
    """
    found: list[Unpacked] = []
    step = min(FIRST_PAGES, limit)
    while len(found) < limit:
        rows = await list_pages(source, connector, after_seq, step)
        for row in rows:
            found += unpack(row["packed"], after_seq)
            after_seq = row["last_seq"]
        if len(rows) < step:
            break
        step = min(4 * step, limit)
    return await find_remote_ids(source, connector, found[:limit])


async def list_pages(source: Pool | Connection, connector: int, after_seq: int, limit: int) -> Sequence[asyncpg.Record]:
    """Packed pages with events after a position, in feed order; of the first some may be before it."""
    return await source.fetch(LIST_PAGES, connector, after_seq, limit)


async def find_remote_ids(source: Pool | Connection, connector: int, found: Sequence[Unpacked]) -> list[ChangeEvent]:
    """These events of a connector, with their records' remote ids; without those whose record no longer exists."""
    if not found:
        return []
    rows = await source.fetch(FIND_REMOTE_IDS, connector, list({one.id for one in found}))
    remote_ids = {row["id"]: row["remote_id"] for row in rows}
    return [
        ChangeEvent(connector, one.seq, one.model, one.kind, one.id, remote_ids[one.id], one.changed, one.write)
        for one in found
        if one.id in remote_ids
    ]


async def find_first_position(source: Pool | Connection, connector: int) -> int:
    """The position after which every event is stored: 0, or that of the last event that retention cut."""
    row = await source.fetchrow(FIND_CUT, connector)
    return 0 if row is None else int(row["seq"])


async def find_last_position(source: Pool | Connection, connector: int) -> int:
    """The position of the newest event; the first position where there is none."""
    return (await find_last_place(source, connector)).seq


async def find_last_place(source: Pool | Connection, connector: int) -> LogPlace:
    """The place of a connector's newest event, or of the last that was cut; the beginning where there was none."""
    row = await source.fetchrow(FIND_LAST_PAGE, connector) or await source.fetchrow(FIND_CUT, connector)
    return BEGINNING if row is None else LogPlace(*row)


async def is_cut(source: Pool | Connection, place: LogPlace) -> bool:
    """Whether retention cut the event that the place is after."""
    return place.seq <= await find_first_position(source, place.connector)


async def cut_events(connection: Connection, older: timedelta, limit: int) -> bool:
    """Delete events that are older, `limit` pages at most of each of `CONNECTORS_AT_ONCE`; whether there may be more.

    Call inside a transaction. Up to where a log was cut is noted with it.
    """
    found = await connection.fetch(LIST_WITH_OLD, older, CONNECTORS_AT_ONCE)
    has_more = len(found) == CONNECTORS_AT_ONCE
    for row in found:
        gone = await connection.fetch(DELETE_OLD, row["number"], older, limit)
        if gone:
            seq, xid = max(one["last_seq"] for one in gone), max(one["xid"] for one in gone)
            await connection.execute(NOTE_CUT, row["number"], seq, xid)
        has_more = has_more or len(gone) == limit
    return has_more
