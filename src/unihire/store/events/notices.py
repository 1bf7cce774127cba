"""Notices: what happened to a connector besides changes of its records, as webhooks are sent it.

A notice is written in the transaction of what it is about, as the last statement, and only if the connector has lanes.
Notices of a connector are numbered in commit order; each follows the changes that were committed before it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec

from unihire.store import Connection, Pool
from unihire.store.events.lanes import HAS_LANES, LANE_LOCKS, LOCK_LANES, wake_lanes


class NoticeKind(StrEnum):
    """What a notice is about."""

    LINKED = "connector.linked"
    RELINK_NEEDED = "connector.relink_needed"
    DELETED = "connector.deleted"
    WRITE_FINISHED = "write.finished"
    SYNC_STARTED = "sync.started"
    SYNC_FINISHED = "sync.finished"
    SYNC_FAILED = "sync.failed"
    ISSUE_OPENED = "issue.opened"
    ISSUE_RESOLVED = "issue.resolved"


# Append notices of a connector; call with its lanes locked.
INSERT_NOTICES = """
    INSERT INTO notice (connector, number, kind, data, after_seq)
    SELECT $1,
        coalesce((SELECT number FROM notice WHERE connector = $1 ORDER BY number DESC LIMIT 1), 0) + happened.place,
        kind, data, coalesce((SELECT last_seq FROM feed WHERE connector = $1), 0)
    FROM unnest($2::text[], $3::bytea[]) WITH ORDINALITY AS happened (kind, data, place)
"""

# The next notices of lanes: by connector and the number after which they come.
LIST_NOTICES = """
    SELECT place, found.* FROM unnest($1::integer[], $2::bigint[]) WITH ORDINALITY AS lane (connector, number, place)
    CROSS JOIN LATERAL (
        SELECT number, at, kind, after_seq, data FROM notice
        WHERE connector = lane.connector AND number > lane.number ORDER BY number LIMIT $3 OFFSET 0
    ) AS found
    ORDER BY place, found.number
"""

# The last notice of a connector up to a number that is of one of these kinds.
FIND_LAST = """
    SELECT number, at, kind, after_seq, data FROM notice
    WHERE connector = $1 AND number <= $2 AND kind = ANY($3) ORDER BY number DESC LIMIT 1
"""

# Old notices, some at a time, but the last of each connector: their numbers go on.
DROP_OLD_NOTICES = """
    DELETE FROM notice WHERE (connector, number) IN (
        SELECT connector, number FROM notice AS old WHERE at < now() - $1::interval AND (
            number < (SELECT max(number) FROM notice WHERE connector = old.connector)
            OR NOT EXISTS (SELECT FROM connector WHERE connector.number = old.connector)
        )
        LIMIT $2
    )
"""

SYNC_KINDS = (NoticeKind.SYNC_STARTED, NoticeKind.SYNC_FINISHED, NoticeKind.SYNC_FAILED)

NOTICES_AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class Notice:
    """What happened, with its data. It follows the changes up to `after_seq` of the feed."""

    number: int
    at: datetime
    kind: str
    after_seq: int
    data: dict[str, Any]


@dataclass(frozen=True, slots=True)
class NewNotice:
    """What a transaction does, to be written as a notice at its end."""

    kind: NoticeKind
    data: dict[str, Any]


async def add_notices(connection: Connection, connector: int, happened: Sequence[NewNotice]) -> None:
    """Write notices if the connector has lanes, and wake these; call within the transaction that they are about.

    Call it once, at the end: no statement may follow that locks a row.
    """
    if not happened or not await connection.fetchval(HAS_LANES, connector):
        return
    kinds, data = [one.kind for one in happened], [msgspec.json.encode(one.data) for one in happened]
    await connection.execute(LOCK_LANES, LANE_LOCKS, connector)
    await connection.execute(INSERT_NOTICES, connector, kinds, data)
    await wake_lanes(connection, connector)


async def list_notices(pool: Pool, places: Sequence[tuple[int, int]]) -> list[list[Notice]]:
    """For each connector and number the notices after it, at most `NOTICES_AT_ONCE`."""
    found: list[list[Notice]] = [[] for _ in places]
    connectors, numbers = [connector for connector, _ in places], [number for _, number in places]
    for row in await pool.fetch(LIST_NOTICES, connectors, numbers, NOTICES_AT_ONCE):
        found[row["place"] - 1].append(_read_notice(row))
    return found


async def find_last_sync(pool: Pool, connector: int, number: int) -> Notice | None:
    """The last notice of a sync, up to a number."""
    row = await pool.fetchrow(FIND_LAST, connector, number, SYNC_KINDS)
    return None if row is None else _read_notice(row)


def _read_notice(row: Any) -> Notice:
    return Notice(row["number"], row["at"], row["kind"], row["after_seq"], msgspec.json.decode(row["data"]))
