"""Positions in a connector's feed: the database's clock in microseconds, strictly increasing.

A page commits with `synchronous_commit` off, so a crash of the server can lose positions that readers have already
seen. A later position must never be lower than one of those, even if the clock was set back. So every position given
is below `feed.reserved_seq`, which is raised ten seconds at a time by a synchronous commit. After a crash the UNLOGGED
table `feed_alive` is empty, and the first position given is `reserved_seq + 1` or later.
"""

import asyncpg

from unihire.kit.clock import to_micros
from unihire.store import Connection

LATEST = 2**63 - 1
"""Greater than every position."""

RESERVE_MICROS = 10_000_000
"""How many microseconds of positions are reserved at once."""

RESERVE_WHEN_LEFT = 5_000_000
"""Reserve more when fewer than this are left: a replica that lags less than this has already replayed the reservation
when it is promoted."""

# The columns of a query on `feed` that `take_positions` needs.
POSITION_COLUMNS = """
    last_seq, reserved_seq, EXISTS (SELECT FROM feed_alive WHERE feed_alive.connector = $1) AS is_alive,
    statement_timestamp() AS now
"""

# The last position given in the connector's feed.
GET_LAST_SEQ = "SELECT last_seq FROM feed WHERE connector = $1"

# Set the last position given in the connector's feed.
MOVE_FEED = "UPDATE feed SET last_seq = $2 WHERE connector = $1"

FIND_POSITION = f"SELECT {POSITION_COLUMNS} FROM feed WHERE connector = $1"  # noqa: S608 - of constants

# Reserve the positions up to $2; a crash empties `feed_alive`.
RESERVE_POSITIONS = """
    WITH alive AS (INSERT INTO feed_alive (connector) VALUES ($1) ON CONFLICT (connector) DO NOTHING)
    UPDATE feed SET reserved_seq = $2 WHERE connector = $1
"""

# A reservation is on disk before a reader can see one of its positions.
WAIT_FOR_DISK = "SET LOCAL synchronous_commit TO on"


async def take_positions(connection: Connection, connector: int, position: asyncpg.Record, count: int) -> int:
    """Returns the first of `count` new positions in the feed. Call with the feed locked.

    `position` has POSITION_COLUMNS of the feed. The caller sets `last_seq` to the last of the new positions, in the
    same transaction.
    """
    start: int = max(position["last_seq"] + 1, to_micros(position["now"]))
    if not position["is_alive"]:
        start = max(start, position["reserved_seq"] + 1)
    last = start + count - 1
    if not position["is_alive"] or last > position["reserved_seq"] - RESERVE_WHEN_LEFT:
        await connection.execute(WAIT_FOR_DISK)
        await connection.execute(RESERVE_POSITIONS, connector, last + RESERVE_MICROS)
    return start
