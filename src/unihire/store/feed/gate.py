"""The write gate: every write to a connector's records goes through here (insert, update, delete, filter keys).

The removal of a connector is the exception: it deletes the records in a transaction of its own, after `lock_feed_row`.

One transaction at a time writes for a connector. It locks the row of the connector's feed first and holds it until it
commits, so commit order is feed order and a reader that stores its last position misses nothing. A transaction that
also locks the connector's row locks the feed's row first.
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
from unihire.store.feed.notes import Notes
from unihire.store.feed.position import LATEST

LOCKED = "SELECT 1"
"""`execute`'s status when the feed's row was locked: one row."""

UNMOVED = "SELECT 2"
"""The status of BEGIN_SAVING_WITH when, besides, nothing was saved at a position higher than `asked_seq`."""

T = TypeVar("T")

log = get_logger()

ROLLBACK_SECONDS = 5.0
"""How long a ROLLBACK waits for a server that does not answer."""

# Begin a transaction and lock the connector's feed row: other writers of the connector wait until it ends. The commit
# is asynchronous: a crash of the server loses the last pages together with the cursor that was saved with them, so they
# are read again. Custom plans: a generic plan made while the tables were empty would scan them once they are large. The
# SELECT returns no row if rows were saved by id at a position higher than `asked_seq`.
BEGIN_SAVING = """
    BEGIN;
    SET LOCAL synchronous_commit TO off;
    SET LOCAL plan_cache_mode TO force_custom_plan;
    SELECT FROM feed WHERE connector = {connector:d} AND rows_read_seq <= {asked_seq:d} FOR NO KEY UPDATE
"""

# The same for who works with credentials of a version; the last SELECT, which sees what was committed before the lock,
# returns no row either if the connector has others now, and two rows if the feed did not move since `asked_seq`.
BEGIN_SAVING_WITH = """
    BEGIN;
    SET LOCAL synchronous_commit TO off;
    SET LOCAL plan_cache_mode TO force_custom_plan;
    SELECT FROM feed WHERE connector = {connector:d} FOR NO KEY UPDATE;
    SELECT FROM feed JOIN connector ON connector.number = feed.connector
    CROSS JOIN LATERAL generate_series(1, CASE WHEN feed.last_seq <= {asked_seq:d} THEN 2 ELSE 1 END)
    WHERE feed.connector = {connector:d} AND feed.rows_read_seq <= {asked_seq:d}
        AND connector.credentials_version = {credentials:d}
"""

# Lock the feed when that returned no row: rows were saved by id since, the feed does not exist yet, or the connector
# was removed.
LOCK_FEED = "SELECT FROM feed WHERE connector = $1 FOR NO KEY UPDATE"

# Insert the feed of a connector that has none. The connector's row is not locked before the feed's.
OPEN_FEED = """
    INSERT INTO feed (connector) SELECT number FROM connector WHERE number = $1 ON CONFLICT (connector) DO NOTHING
"""


class Removed(Stopped):
    """The connector was removed: nothing is saved for it any more."""

    def __init__(self, connector: int) -> None:
        super().__init__(f"connector {connector} was removed: nothing more is saved for it")


_write_locks: WeakValueDictionary[tuple[int, int], asyncio.Lock] = WeakValueDictionary()
"""One asyncio lock per pool and connector."""


@asynccontextmanager
async def lock_feed(pool: Pool, connector: int) -> AsyncIterator[Connection]:
    """Opens a transaction that holds the feed lock. A crash of the server may undo its commit.

    Raises Removed if the connector was removed. Do not begin another transaction inside.

    Other tasks of this process wait on an asyncio lock, without a connection. If each waited with its own session and
    the process froze, PostgreSQL would have to end those sessions one by one (`idle_in_transaction_session_timeout`)
    before another process could write.
    """
    async with _open_feed(pool, connector, LATEST, isolates_rows=False) as feed:
        yield feed.connection


VALUE_ERRORS = (
    asyncpg.CardinalityViolationError,
    asyncpg.DataError,  # its own, and its driver's
    asyncpg.IntegrityConstraintViolationError,
    asyncpg.ProgramLimitExceededError,
    UnicodeError,
    OverflowError,
    struct.error,
)
"""How PostgreSQL, asyncpg and our COPY encoder refuse a value. None of these is transient."""

RECORD_IDENTITY = "record_pkey"
"""The constraint that refuses a record which is stored and was not looked up (`StreamWriter.expects_nothing`)."""


class Feed:
    """A connector's feed while it is locked: what is written to it, in one transaction.

    `refused` are ids of rows with a value that PostgreSQL refused. `isolates_rows`: this is the second try, which saves
    rows in savepoints to find them. `has_newer`: rows were saved by id at a position higher than `asked_seq`.
    `is_current`: the connector has the credentials that the feed was locked for; if False, they are to be checked.
    `is_unmoved`: nobody saved anything at a position higher than `asked_seq` before it was locked, as far as is known.
    `outdated` are ids of rows left unsaved because a newer version is stored. `stale` are streams with records to make
    again, as they show what changed. `rows_read_seq` is the position at which rows were saved by id in this
    transaction. `notes` are stored at its end, if it saves several streams. `changes` is None if there is no change
    log.
    """

    def __init__(
        self,
        connection: Connection,
        connector: int,
        *,
        isolates_rows: bool,
        has_newer: bool,
        has_log: bool = False,
        is_current: bool = False,
        is_unmoved: bool = False,
    ) -> None:
        self.changes: list[Change] | None = [] if has_log else None
        self.is_unmoved = is_unmoved
        self.notes: Notes | None = None
        self.connection = connection
        self.connector = connector
        self.isolates_rows = isolates_rows
        self.has_newer = has_newer
        self.is_current = is_current
        self.refused: set[str] = set()
        self.outdated: set[str] = set()
        self.stale: set[str] = set()
        self.rows_read_seq: int | None = None

    def open_part(self, notes: Notes) -> "Feed":
        """The same transaction for the rows of one stream among several; what changed is logged with the whole.

        What is to be noted at its end is added to `notes`.
        """
        part = Feed(
            self.connection, self.connector, isolates_rows=self.isolates_rows, has_newer=self.has_newer,
            is_current=self.is_current, is_unmoved=self.is_unmoved,
        )  # fmt: skip
        part.changes, part.notes = self.changes, notes
        return part


async def write_feed(
    pool: Pool,
    connector: int,
    work: Callable[[Feed], Awaitable[T]],
    *,
    asked_seq: int = LATEST,
    credentials: int | None = None,
    log_changes: ChangeLog | None = None,
) -> T:
    """Call `work` in one transaction that holds the feed lock. Returns what it returns.

    `asked_seq` is a feed position: what others saved up to it was committed before the rows were requested. What was
    saved at a higher position may be newer than they are. LATEST: nothing is newer. `credentials` is the version of the
    credentials they were requested with, if `work` asks for the feed's `is_current`.

    If PostgreSQL refuses a value, the transaction is rolled back and `work` is called a second time with
    `isolates_rows` set. So until it returns, `work` must change nothing outside the database. `log_changes` is called
    after `work`, in the same transaction. Raises Removed if the connector was removed.
    """
    try:
        async with _open_feed(
            pool, connector, asked_seq, isolates_rows=False, credentials=credentials, log_changes=log_changes
        ) as feed:
            return await work(feed)
    except VALUE_ERRORS as error:
        if getattr(error, "constraint_name", None) == RECORD_IDENTITY:
            log.info("records of a page that were taken for new are stored: it is saved again")
        else:
            reason = name_refusal(error)
            log.warning("the database refuses something of a page: its rows are saved apart", reason=reason)
    async with _open_feed(
        pool, connector, asked_seq, isolates_rows=True, credentials=credentials, log_changes=log_changes
    ) as feed:
        return await work(feed)


@asynccontextmanager
async def _open_feed(
    pool: Pool,
    connector: int,
    asked_seq: int,
    *,
    isolates_rows: bool,
    credentials: int | None = None,
    log_changes: ChangeLog | None = None,
) -> AsyncIterator[Feed]:
    write_lock = _write_locks.setdefault((id(pool), connector), asyncio.Lock())
    async with write_lock, pool.acquire() as connection:
        try:
            has_newer, is_unmoved = await _begin_saving(connection, connector, asked_seq, credentials)
            feed = Feed(
                connection, connector, isolates_rows=isolates_rows, has_newer=has_newer,
                has_log=log_changes is not None, is_current=credentials is not None and not has_newer,
                is_unmoved=is_unmoved,
            )  # fmt: skip
            yield feed
            if log_changes is not None and feed.changes:
                await log_changes(connection, connector, feed.changes)
            await connection.execute("COMMIT")
        except BaseException:
            await _roll_back(connection)
            raise


async def _begin_saving(
    connection: Connection, connector: int, asked_seq: int, credentials: int | None
) -> tuple[bool, bool]:
    """Begin a transaction and lock the feed. Returns whether rows were saved by id at a position higher than
    `asked_seq`, or the connector may have other credentials than of this version; and whether it is known that nothing
    at all was saved at a higher one. Raises Removed.

    PostgreSQL assigns the transaction's xid only at its first write, here after the feed is locked. So of two
    transactions that save for a connector, the later one has the higher xid. For the same reason a missing feed row is
    inserted and committed in a transaction of its own first.
    """
    begin = BEGIN_SAVING.format(connector=connector, asked_seq=asked_seq)
    if credentials is not None:
        begin = BEGIN_SAVING_WITH.format(connector=connector, asked_seq=asked_seq, credentials=credentials)
    status = await connection.execute(begin)
    if status in (LOCKED, UNMOVED):
        return False, status == UNMOVED
    if await connection.execute(LOCK_FEED, connector) == LOCKED:
        return True, False
    if not await lock_feed_row(connection, connector):
        raise Removed(connector)
    await connection.execute("COMMIT")
    status = await connection.execute(begin)
    if status in (LOCKED, UNMOVED):
        return False, status == UNMOVED
    if not await lock_feed_row(connection, connector):
        raise Removed(connector)
    return True, False


async def lock_feed_row(connection: Connection, connector: int) -> bool:
    """Lock the feed until the transaction ends: nobody else saves for the connector. Call before locking its row.

    Returns False if the connector was removed; the transaction may then be aborted.
    """
    if await connection.execute(LOCK_FEED, connector) == LOCKED:
        return True
    try:
        await connection.execute(OPEN_FEED, connector)
    except asyncpg.ForeignKeyViolationError:  # it was removed at the same moment
        return False
    return await connection.execute(LOCK_FEED, connector) == LOCKED


async def _roll_back(connection: Connection) -> None:
    """Roll back; close the session instead if the server does not answer or this task is cancelled."""
    try:
        if not connection.is_closed():
            await connection.execute("ROLLBACK", timeout=ROLLBACK_SECONDS)
    except TimeoutError:
        connection.terminate()
    except asyncio.CancelledError:
        connection.terminate()
        raise


def name_refusal(error: BaseException) -> str:
    """The error's class and SQLSTATE, without its message, which may quote a row."""
    kind = type(error).__name__
    return f"{kind}, {error.sqlstate}" if isinstance(error, asyncpg.PostgresError) else kind


@asynccontextmanager
async def savepoint(connection: Connection) -> AsyncIterator[None]:
    """Run the block in a savepoint. If PostgreSQL refuses a value in it, only the block is rolled back."""
    await connection.execute("SAVEPOINT part")
    try:
        yield
    except VALUE_ERRORS:
        await connection.execute("ROLLBACK TO SAVEPOINT part; RELEASE SAVEPOINT part")
        raise
    await connection.execute("RELEASE SAVEPOINT part")
