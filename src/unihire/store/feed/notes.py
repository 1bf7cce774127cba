"""What a transaction that saves rows of several streams notes of them at its end, by one statement each."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from unihire.store import Connection
from unihire.store.feed.recency import RowRead, note_rows_read
from unihire.store.joins import Key, note_stale


@dataclass(slots=True)
class Notes:
    """`stale` are keys whose records are to be made again, unless this transaction makes them too. `rows_read` are the
    rows that were fetched by their ids.
    """

    stale: set[Key] = field(default_factory=set)
    rows_read: list[RowRead] = field(default_factory=list)

    @staticmethod
    async def store_stale(connection: Connection, connector: int, keys: Iterable[Key]) -> None:
        """Store keys at once, with the feed locked: they are to be made again with others that are stored."""
        await note_stale(connection, connector, keys)

    async def store(self, connection: Connection, connector: int) -> int | None:
        """Store them at the end of the transaction, with the feed locked. Returns the position of the rows read."""
        await self.store_stale(connection, connector, self.stale)
        return await note_rows_read(connection, connector, self.rows_read) if self.rows_read else None
