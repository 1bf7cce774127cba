"""The write gate: whoever saves, changes, buries or moves a record of a connector comes through here.

One transaction at a time writes for a connector. It locks the row of the connector's feed first and holds it until it
commits, so commit order is feed order and a reader that stores its last position misses nothing. Who locks the row of
the connector as well does so behind it.
"""

import asyncio
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeVar
from weakref import WeakValueDictionary

import asyncpg

from unihire.errors import Stopped
from unihire.kit.logs import get_logger
from unihire.store import Connection, Pool
from unihire.store.feed.changes import Change, ChangeLog
from unihire.store.feed.position import LATEST

LOCKED = "SELECT 1"
"""What the statement that locks the feed answers when it does."""

T = TypeVar("T")

log = get_logger()

ROLLBACK_SECONDS = 5.0
"""How long an undone transaction waits for a server that does not answer."""

# Begin a transaction with the connector's feed: others who save for it wait until this one ends. Its
# commit need not reach the disk at once: what a crash of the server takes back is the latest pages together with the
# position that stands for them, so they are read again. Plans are made for each statement: one that was cached when
# the tables were empty would read much of them for each row, when they have grown. No row is locked where rows were
# read by their ids since a position.
BEGIN_SAVING = """
    BEGIN;
    SET LOCAL synchronous_commit TO off;
    SET LOCAL plan_cache_mode TO force_custom_plan;
    SELECT FROM feed WHERE connector = {connector:d} AND rows_read_seq <= {asked:d} FOR NO KEY UPDATE
"""

# The same where that found none: rows were read by their ids since, nothing was ever saved, or the connector is gone.
LOCK_FEED = "SELECT FROM feed WHERE connector = $1 FOR NO KEY UPDATE"

# A feed for a connector that has none. The connector's row is not locked before the feed's.
OPEN_FEED = """
    INSERT INTO feed (connector) SELECT number FROM connector WHERE number = $1 ON CONFLICT (connector) DO NOTHING
"""


class Removed(Stopped):
    """The connector is gone: nothing is saved for it any more."""

    def __init__(self, connector: int) -> None:
        super().__init__(f"connector {connector} was removed: nothing more is saved for it")


_turns: WeakValueDictionary[tuple[int, int], asyncio.Lock] = WeakValueDictionary()
"""Whose turn it is to save in this process, by the pool's identity and the connector."""


@asynccontextmanager
async def lock_feed(pool: Pool, connector: int) -> AsyncIterator[Connection]:
    """A transaction that alone saves for the connector. After a crash of the server its commit may be undone.

    Raises Removed where the connector is gone.

    No transaction can be begun within. Others of this process wait for their turn without a session: of a process that
    is frozen the server would end one waiting session after the other.
    """
    async with _open_feed(pool, connector, LATEST, is_careful=False) as feed:
        yield feed.connection


REFUSED = (
    asyncpg.CardinalityViolationError,
    asyncpg.DataError,  # its own, and its driver's
    asyncpg.IntegrityConstraintViolationError,
    asyncpg.ProgramLimitExceededError,
    UnicodeError,
    OverflowError,
    struct.error,
)
"""How PostgreSQL, its driver and our own writing of COPY's rows refuse a value. Nothing passes by itself among them."""


class Feed:
    """A connector's feed while it is locked: what is written to it, in one transaction.

    `refused` are the rows that PostgreSQL refuses, as far as they were found. `is_careful`: they are looked for.
    `has_newer`: rows were read by their ids after what is to be saved was asked for. `outdated` are rows that were not
    saved, for a newer version is stored. `changes` are there where a log is.
    """

    def __init__(
        self, connection: Connection, connector: int, *, is_careful: bool, has_newer: bool, has_log: bool = False
    ) -> None:
        self.changes: list[Change] | None = [] if has_log else None
        self.connection = connection
        self.connector = connector
        self.is_careful = is_careful
        self.has_newer = has_newer
        self.refused: set[str] = set()
        self.outdated: set[str] = set()


async def write_feed(
    pool: Pool,
    connector: int,
    work: Callable[[Feed], Awaitable[T]],
    *,
    asked: int = LATEST,
    log_changes: ChangeLog | None = None,
) -> T:
    """What `work` gives, done in one transaction that alone saves for the connector.

    `asked` is the position before which what is to be saved was asked for. Where PostgreSQL refuses a value, the
    transaction is undone and the work done once more, carefully: it must change nothing but the database before its
    end. `log_changes` is called after it with what changed, in the transaction. Raises Removed where the connector is
    gone.
    """
    try:
        async with _open_feed(pool, connector, asked, is_careful=False, log_changes=log_changes) as feed:
            return await work(feed)
    except REFUSED as error:
        log.warning("the database refuses something of a page: its rows are saved apart", reason=name_refusal(error))
    async with _open_feed(pool, connector, asked, is_careful=True, log_changes=log_changes) as feed:
        return await work(feed)


@asynccontextmanager
async def _open_feed(
    pool: Pool, connector: int, asked: int, *, is_careful: bool, log_changes: ChangeLog | None = None
) -> AsyncIterator[Feed]:
    turn = _turns.setdefault((id(pool), connector), asyncio.Lock())
    async with turn, pool.acquire() as connection:
        try:
            has_newer = await _begin_saving(connection, connector, asked)
            feed = Feed(
                connection, connector, is_careful=is_careful, has_newer=has_newer, has_log=log_changes is not None
            )
            yield feed
            if log_changes is not None and feed.changes:
                await log_changes(connection, connector, feed.changes)
            await connection.execute("COMMIT")
        except BaseException:
            await _roll_back(connection)
            raise


async def _begin_saving(connection: Connection, connector: int, asked: int) -> bool:
    """Begin a transaction with the feed locked; whether rows were read by their ids since `asked`. Raises Removed.

    The transaction has no id before the feed is its own: of two that save for a connector the later one has the higher.
    So a feed is made in a transaction before it.
    """
    begin = BEGIN_SAVING.format(connector=connector, asked=asked)
    if await connection.execute(begin) == LOCKED:
        return False
    if await connection.execute(LOCK_FEED, connector) == LOCKED:
        return True
    if not await lock_feed_row(connection, connector):
        raise Removed(connector)
    await connection.execute("COMMIT")
    if await connection.execute(begin) == LOCKED:
        return False
    if not await lock_feed_row(connection, connector):
        raise Removed(connector)
    return True


async def lock_feed_row(connection: Connection, connector: int) -> bool:
    """Let nobody save for the connector until the transaction ends. False: it is gone; the transaction may be undone.

    Call before the connector's row is locked.
    """
    if await connection.execute(LOCK_FEED, connector) == LOCKED:
        return True
    try:
        await connection.execute(OPEN_FEED, connector)
    except asyncpg.ForeignKeyViolationError:  # it was removed at the same moment
        return False
    return await connection.execute(LOCK_FEED, connector) == LOCKED


async def _roll_back(connection: Connection) -> None:
    """End the transaction; with its session where the server does not answer, or whoever waits is cancelled."""
    try:
        if not connection.is_closed():
            await connection.execute("ROLLBACK", timeout=ROLLBACK_SECONDS)
    except TimeoutError:
        connection.terminate()
    except asyncio.CancelledError:
        connection.terminate()
        raise


def name_refusal(error: BaseException) -> str:
    """The kind of a refusal, without what it says: that may be of a row."""
    kind = type(error).__name__
    return f"{kind}, {error.sqlstate}" if isinstance(error, asyncpg.PostgresError) else kind


@asynccontextmanager
async def savepoint(connection: Connection) -> AsyncIterator[None]:
    """The block is done whole or not at all, whatever becomes of the transaction around it."""
    await connection.execute("SAVEPOINT part")
    try:
        yield
    except REFUSED:
        await connection.execute("ROLLBACK TO SAVEPOINT part; RELEASE SAVEPOINT part")
        raise
    await connection.execute("RELEASE SAVEPOINT part")
