"""The order of events over all connectors, and what a place in it is worth.

Pages are in the order of the transactions that saved them, and a reader sees those of which no earlier transaction is
under way any more: what commits later comes later (docs/decisions/0035-events-over-all-connectors.md).
"""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

import asyncpg

from unihire.store import Connection, Pool
from unihire.store.events.eras import Era

# Pages after a place in the order over all connectors; those of other environments without content.
LIST_ORDERED = """
    SELECT page.connector, page.last_seq, page.xid, mine.id,
        CASE WHEN mine.id IS NOT NULL THEN page.packed END AS packed
    FROM (
        SELECT connector, last_seq, xid, packed FROM event_page
        WHERE xid > '0'::xid8 AND (xid, connector, last_seq) > ($3::xid8, $4::integer, $5::bigint)
            AND xid < pg_snapshot_xmin(pg_current_snapshot())
        ORDER BY xid, connector, last_seq LIMIT $6
    ) AS page LEFT JOIN LATERAL (
        SELECT id FROM (
            SELECT id, organisation, environment FROM connector WHERE number = page.connector OFFSET 0
        ) AS found WHERE organisation = $1 AND environment = $2
    ) AS mine ON true
    ORDER BY page.xid, page.connector, page.last_seq
"""

# The last page of which no earlier transaction is under way.
FIND_LAST_ORDERED = """
    SELECT xid, connector, last_seq AS seq FROM event_page
    WHERE xid > '0'::xid8 AND xid < pg_snapshot_xmin(pg_current_snapshot())
    ORDER BY xid DESC, connector DESC, last_seq DESC LIMIT 1
"""

# The last page that retention cut, of any connector.
FIND_LAST_CUT = """
    SELECT xid, connector, seq FROM event_cut WHERE xid > '0'::xid8 ORDER BY xid DESC, connector DESC, seq DESC LIMIT 1
"""

# Whether retention cut pages of an organisation's environment after a place.
IS_CUT_AFTER = """
    SELECT EXISTS (
        SELECT FROM event_cut JOIN connector ON number = event_cut.connector
        WHERE xid > '0'::xid8 AND (xid, event_cut.connector, seq) > ($3::xid8, $4::integer, $5::bigint)
            AND organisation = $1 AND environment = $2
    )
"""

# The page that has a position, or the next one.
FIND_PAGE = "SELECT xid FROM event_page WHERE connector = $1 AND last_seq >= $2 ORDER BY last_seq LIMIT 1"

# The vendor's ids of records of several connectors.
FIND_ALL_REMOTE_IDS = """
    SELECT one.connector, found.id::text, remote_id
    FROM unnest($1::integer[], $2::text[]::uuid[]) AS one (connector, id)
    CROSS JOIN LATERAL (
        SELECT id, remote_id FROM record WHERE connector = one.connector AND id = one.id OFFSET 0
    ) AS found
"""

# Below it no transaction is under way.
GET_HORIZON = "SELECT pg_snapshot_xmin(pg_current_snapshot())"

# Wait until what was committed is on the disk, and on that of a standby where commits wait for one.
FLUSH = """
    BEGIN; SET LOCAL synchronous_commit TO on; SELECT pg_logical_emit_message(true, 'unihire', ''); COMMIT
"""


class LogPlace(NamedTuple):
    """A place in the order over all connectors, and in that of its connector: after the event at `seq`."""

    xid: int
    connector: int
    seq: int


BEGINNING = LogPlace(0, 0, 0)


async def list_ordered(
    connection: Connection, organisation: UUID, environment: str, after: LogPlace, limit: int
) -> Sequence[asyncpg.Record]:
    """Pages after a place; `packed` and the connector's `id` are null where they are another environment's."""
    return await connection.fetch(LIST_ORDERED, organisation, environment, *after, limit)


async def find_last_place(source: Pool | Connection) -> LogPlace:
    """The place after every event that a reader sees now."""
    row = await source.fetchrow(FIND_LAST_ORDERED) or await source.fetchrow(FIND_LAST_CUT)
    return BEGINNING if row is None else LogPlace(*row)


async def is_cut_behind(source: Pool | Connection, organisation: UUID, environment: str, place: LogPlace) -> bool:
    """Whether events after the place are gone, cut by retention."""
    found: bool = await source.fetchval(IS_CUT_AFTER, organisation, environment, *place)
    return found


async def has_page(source: Pool | Connection, place: LogPlace) -> bool:
    """Whether the page that has the place is stored."""
    return bool(await source.fetchval(FIND_PAGE, place.connector, place.seq) == place.xid)


async def find_all_remote_ids(source: Pool | Connection, keys: Sequence[tuple[int, str]]) -> dict[tuple[int, str], str]:
    """The remote ids of records, by the number of their connector and their id."""
    if not keys:
        return {}
    rows = await source.fetch(FIND_ALL_REMOTE_IDS, [key[0] for key in keys], [key[1] for key in keys])
    return {(row["connector"], row["id"]): row["remote_id"] for row in rows}


class Durable:
    """Knows of this process up to which transaction everything is on the disk."""

    def __init__(self) -> None:
        self._era: Era | None = None
        self._horizon = 0

    async def wait(self, pool: Pool, era: Era, xid: int) -> None:
        """Wait until what a transaction committed, and all that was committed before, outlasts a crash."""
        if era == self._era and xid < self._horizon:
            return
        horizon: int = await pool.fetchval(GET_HORIZON)
        await pool.execute(FLUSH)
        self._era, self._horizon = era, horizon
