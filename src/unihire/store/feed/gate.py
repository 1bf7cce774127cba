"""The write gate: whoever saves, changes, buries or moves a record of a connector comes through here.

One transaction at a time writes for a connector. It locks the connector's row first and holds it until it commits, so
commit order is feed order and a reader that stores its last position misses nothing.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from weakref import WeakValueDictionary

from unihire.store import Connection, Pool

# Begin a transaction with the connector's place in the feed: others who save for it wait until this one ends. Its
# commit need not reach the disk at once: what a crash of the server takes back is the latest pages together with the
# position that stands for them, so they are read again. Plans are made for each statement: one that was kept from when
# the tables were empty would read much of them for each row, when they have grown.
BEGIN_SAVING = """
    BEGIN;
    SET LOCAL synchronous_commit TO off;
    SET LOCAL plan_cache_mode TO force_custom_plan;
    SELECT FROM connector WHERE number = {connector:d} FOR NO KEY UPDATE
"""


_turns: WeakValueDictionary[tuple[int, int], asyncio.Lock] = WeakValueDictionary()
"""Whose turn it is to save in this process, by the pool's identity and the connector."""


@asynccontextmanager
async def lock_feed(pool: Pool, connector: int) -> AsyncIterator[Connection]:
    """A transaction that alone saves for the connector. After a crash of the server its commit may be undone.

    No transaction can be begun within. Others of this process wait for their turn without a session: of a process that
    is frozen the server would end one waiting session after the other.
    """
    turn = _turns.setdefault((id(pool), connector), asyncio.Lock())
    async with turn, pool.acquire() as connection:
        try:
            await connection.execute(BEGIN_SAVING.format(connector=connector))
            yield connection
        except BaseException:
            if not connection.is_closed():
                await connection.execute("ROLLBACK")
            raise
        await connection.execute("COMMIT")
