"""Positions in a connector's feed: moments of the database's clock in microseconds, each behind all before it.

A page's commit need not reach the disk at once, so a crash of the server may take back positions that readers were
shown. None of those given afterwards may lie before them, also where the clock stands before them. So every position
lies below one that is on the disk (`feed.reserved_seq`), which is raised a few seconds at a time by a commit that waits
for the disk; and the first after a crash, which an empty `feed_alive` shows, lies behind it.
"""

import asyncpg

from unihire.kit.clock import to_micros
from unihire.store import Connection

LATEST = 2**63 - 1
"""Behind every position."""

RESERVED = 10_000_000
"""So many microseconds are reserved at a time."""

LEAST_LEFT = 5_000_000
"""With less than so many left, further ones are reserved: a replica that lags by less has them too."""

# What is to be known of a connector's feed before a position in it is given. The pieces of a query on `feed`.
PLACE = """
    last_seq, reserved_seq, EXISTS (SELECT FROM feed_alive WHERE feed_alive.connector = $1) AS is_alive,
    statement_timestamp() AS now
"""

# The connector's place in the feed.
GET_LAST_SEQ = "SELECT last_seq FROM feed WHERE connector = $1"

# Move the connector's place in the feed.
MOVE_FEED = "UPDATE feed SET last_seq = $2 WHERE connector = $1"

FIND_PLACE = f"SELECT {PLACE} FROM feed WHERE connector = $1"  # noqa: S608 - of constants

# Reserve positions, from now on until a crash.
RESERVE_POSITIONS = """
    WITH alive AS (INSERT INTO feed_alive (connector) VALUES ($1) ON CONFLICT (connector) DO NOTHING)
    UPDATE feed SET reserved_seq = $2 WHERE connector = $1
"""

# What is reserved is on the disk before anybody is shown a position of it.
WAIT_FOR_DISK = "SET LOCAL synchronous_commit TO on"


async def take_positions(connection: Connection, connector: int, place: asyncpg.Record, count: int) -> int:
    """The first of so many positions at the end of the feed, which is at `place`; call with the feed locked.

    Whoever takes them moves the feed behind them in the same transaction.
    """
    start: int = max(place["last_seq"] + 1, to_micros(place["now"]))
    if not place["is_alive"]:
        start = max(start, place["reserved_seq"] + 1)
    last = start + count - 1
    if not place["is_alive"] or last > place["reserved_seq"] - LEAST_LEFT:
        await connection.execute(WAIT_FOR_DISK)
        await connection.execute(RESERVE_POSITIONS, connector, last + RESERVED)
    return start
