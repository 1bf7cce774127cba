"""What is stored that has to do with others: records that relate to a record, rows by the value of a member."""

from collections.abc import Sequence

from unihire.store import Connection, Pool

# The streams and vendor's ids of live records of these models that have one of these keys, of so many at most.
FIND_KEYED_ROWS = """
    SELECT DISTINCT found.stream, found.remote_id
    FROM unnest($2::smallint[], $3::bigint[]) AS wanted (model, key) CROSS JOIN LATERAL (
        SELECT seq FROM record_key AS k WHERE k.connector = $1 AND k.key = wanted.key LIMIT $4
    ) AS step CROSS JOIN LATERAL (
        SELECT stream, remote_id FROM record
        WHERE connector = $1 AND model = wanted.model AND seq = step.seq AND deleted_at IS NULL OFFSET 0
    ) AS found
    LIMIT $4
"""

# The ids of rows of a stream that are stored for joins of these streams and names under these keys.
FIND_JOINED_ROWS = """
    SELECT DISTINCT found.row_id FROM unnest($3::text[], $4::text[], $5::text[]) AS wanted (stream, name, key)
    CROSS JOIN LATERAL (
        SELECT row_id, origin FROM joined
        WHERE connector = $1 AND stream = wanted.stream AND name = wanted.name AND key = wanted.key OFFSET 0
    ) AS found
    WHERE found.origin = $2
"""


async def find_keyed_rows(
    pool: Pool | Connection, connector: int, wanted: Sequence[tuple[int, int]], *, most: int
) -> list[tuple[str, str]]:
    """Stream and vendor's id of the live records that have one of the keys, each given with its model."""
    models, keys = [model for model, _ in wanted], [key for _, key in wanted]
    found = await pool.fetch(FIND_KEYED_ROWS, connector, models, keys, most)
    return [(row["stream"], row["remote_id"]) for row in found]


async def find_joined_rows(
    pool: Pool | Connection, connector: int, origin: str, wanted: Sequence[tuple[str, str, str]]
) -> list[str]:
    """The ids of rows of the stream `origin` that joins, each `(stream, name, key)`, find."""
    columns = [[one[place] for one in wanted] for place in range(3)]
    return [row["row_id"] for row in await pool.fetch(FIND_JOINED_ROWS, connector, origin, *columns)]
