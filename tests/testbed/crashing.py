"""A server that crashes and takes back what was committed last: the tables of a sync, remembered and put back."""

from types import TracebackType
from typing import Self

from unihire.store import Pool

TABLES = ("record", "record_key", "seen", "joined", "stale", "stream_run")


class Crash:
    """What the tables hold at a moment, to be put back as a crash of the server would.

    Rows that did not change since are not touched, so an open transaction that is about to write them is not waited
    for.
    """

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        for table in TABLES:
            await self._pool.execute(f"DROP TABLE IF EXISTS before_{table}")

    async def remember(self) -> None:
        for table in TABLES:
            await self._pool.execute(f"CREATE TABLE before_{table} AS TABLE {table}")

    async def put_back(self) -> None:
        async with self._pool.acquire() as connection, connection.transaction():
            for table in TABLES:
                is_in = "EXISTS (SELECT FROM {} AS other WHERE other.* IS NOT DISTINCT FROM one.*)"
                await connection.execute(f"DELETE FROM {table} AS one WHERE NOT {is_in.format(f'before_{table}')}")
                await connection.execute(
                    f"INSERT INTO {table} SELECT one.* FROM before_{table} AS one WHERE NOT {is_in.format(table)}"
                )
