"""Filter keys that an earlier version made from texts as written, replaced by keys of their normalised form."""

from collections.abc import Sequence
from datetime import timedelta
from typing import NamedTuple

import asyncpg

from unihire.store import Pool
from unihire.store.feed.gate import lock_feed
from unihire.store.feed.saving import DELETE_KEYS, INSERT_KEYS

# The next connector to rebuild, its last `seq` done, and whether this is the second and final pass. A due time further
# ahead than any delay we set comes from a wrong clock, and counts as due.
FIND_DUE = """
    SELECT connector, after, is_last FROM refiling WHERE due_at NOT BETWEEN now() AND now() + $1::interval
    ORDER BY connector LIMIT 1
"""

# Live records of these models with `seq` > $3, in feed order.
LIST_FILED = """
    SELECT step.seq, step.model, found.*
    FROM (
        SELECT seq, kind.model FROM unnest($2::smallint[]) AS kind (model) CROSS JOIN LATERAL (
            SELECT seq FROM record
            WHERE connector = $1 AND model = kind.model AND seq > $3 AND deleted_at IS NULL ORDER BY seq LIMIT $4
        ) AS later
        ORDER BY seq LIMIT $4
    ) AS step
    CROSS JOIN LATERAL (
        SELECT id::text, stream, keys, body, raw FROM record
        WHERE connector = $1 AND model = step.model AND seq = step.seq AND deleted_at IS NULL OFFSET 0
    ) AS found
    ORDER BY step.seq
"""

# Of these records, those that are live and still have the `seq` they had when they were read.
LIST_UNMOVED = """
    SELECT found.id::text FROM unnest($2::text[]::uuid[], $3::bigint[]) AS known (id, seq) CROSS JOIN LATERAL (
        SELECT id, seq, deleted_at FROM record WHERE connector = $1 AND id = known.id OFFSET 0
    ) AS found
    WHERE found.seq = known.seq AND found.deleted_at IS NULL
"""

SET_KEYS = "UPDATE record SET keys = $3 WHERE connector = $1 AND id = $2::text::uuid"

# The keys by which stored rows are found through a member, unless the key is one word of printable ASCII.
LIST_MEMBER_KEYS = """
    SELECT row_id, key FROM joined
    WHERE connector = $1 AND stream = $2 AND name = $3 AND key IS NOT NULL AND key !~ '^[!-~]*$'
"""

SET_MEMBER_KEY = """
    UPDATE joined SET key = $6
    WHERE connector = $1 AND origin = $2 AND row_id = $3 AND stream = $2 AND name = $4 AND key = $5
"""

NOTE_PROGRESS = "UPDATE refiling SET after = $2 WHERE connector = $1"

BEGIN_LAST = "UPDATE refiling SET after = 0, is_last = true, due_at = now() + $2::interval WHERE connector = $1"

DEFER_REFILING = "UPDATE refiling SET due_at = now() + $2::interval WHERE connector = $1"

END_REFILING = "DELETE FROM refiling WHERE connector = $1"


class Filed(NamedTuple):
    """A record as it was read, its keys `before`, and the keys it is to have `now`."""

    id: str
    seq: int
    before: Sequence[int]
    now: Sequence[int]


async def find_due(pool: Pool, latest: timedelta) -> asyncpg.Record | None:
    """`connector`, `after` and `is_last` of the next one due; `latest` is the longest delay we set."""
    return await pool.fetchrow(FIND_DUE, latest)


async def refile(pool: Pool, connector: int, filed: Sequence[Filed]) -> int:
    """Replace records' filter keys; returns how many.

    A record that changed since it was read is skipped: the write that changed it set its keys.
    """
    async with lock_feed(pool, connector) as connection:
        known = [one.id for one in filed], [one.seq for one in filed]
        unmoved = {row["id"] for row in await connection.fetch(LIST_UNMOVED, connector, *known)}
        own = [one for one in filed if one.id in unmoved]
        for query, keys in (
            (DELETE_KEYS, [(key, one.seq) for one in own for key in one.before if key not in one.now]),
            (INSERT_KEYS, [(key, one.seq) for one in own for key in one.now if key not in one.before]),
        ):
            if keys:
                await connection.execute(query, connector, *map(list, zip(*keys, strict=True)))
        await connection.executemany(SET_KEYS, [(connector, one.id, list(one.now)) for one in own])
    return len(own)


async def refile_members(
    pool: Pool, connector: int, stream: str, name: str, moved: Sequence[tuple[str, str, str]]
) -> None:
    """Replace the keys of stored rows: `(row id, key before, key now)`."""
    async with lock_feed(pool, connector) as connection:
        await connection.executemany(SET_MEMBER_KEY, [(connector, stream, id, name, *keys) for id, *keys in moved])
