"""What a connector asks the store by a statement, and how much may be read for it."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from unihire.store import Connection, counting, list_queries

PEOPLE = 4
NOTES = 1
ASKED = 50
"""So many rows are asked for at once."""

NOW = datetime(2026, 1, 31, tzinfo=UTC)
HOUR = timedelta(hours=1)
LAST = 2**62

MAKE_IDS = "SELECT md5($1::int || ':' || $2::text || ':' || i)::uuid::text FROM generate_series(1, $3::int) AS i"
MAKE_KEYS = "SELECT hashtextextended($1::int || ':4:' || $2::text || ':' || i, 0) FROM generate_series(0, $3::int) AS i"
MAKE_RUN = "SELECT md5('run' || $1::int || ':20')::uuid"
FILL_VENDOR_RECORD = """
    INSERT INTO vendor_record SELECT model, id, remote_id, false FROM record
    WHERE connector = $1 AND model = ANY(ARRAY[1, 4]) AND seq % 50 <> 7
"""


@dataclass(frozen=True, slots=True)
class Case:
    """A statement as a connector asks it.

    `looks` is how often an index must be looked into, `walked` how many rows besides must be read one after the other,
    `written` how many are written. `before` is done first.
    """

    name: str
    query: str
    arguments: tuple[Any, ...]
    looks: int = 1
    walked: int = 0
    written: int = 0
    before: str = ""

    @property
    def most_rows(self) -> int:
        """So many rows may be read: those asked for, with something for versions that are dead and not yet gone."""
        return 20 + 3 * (self.looks + self.walked + self.written)

    @property
    def most_blocks(self) -> int:
        """So many blocks may be read: an index of some levels and a row for each look."""
        return 30 + 6 * self.looks + 2 * self.walked + 30 * self.written


@dataclass(frozen=True, slots=True)
class Asker:
    """A connector that has `size` of each kind, or none yet, in streams whose names begin with `streams`."""

    number: int
    size: int
    streams: str
    run: Any
    ids: list[str]
    notes: list[str]
    writes: list[str]
    own: list[int]
    shared: list[int]
    connectors: int
    by_array: tuple[bool, ...]

    @property
    def row_ids(self) -> list[str]:
        return [str(number) for number in range(1, ASKED + 1)]

    def name(self, stream: str) -> str:
        return self.streams + stream


async def make_asker(connection: Connection, number: int, size: int, streams_begin: str, connectors: int) -> Asker:
    """Call on a connection that is the caller's own: it gets a table of its session."""

    async def list_ids(of: str) -> list[str]:
        return [row[0] for row in await connection.fetch(MAKE_IDS, number, of, ASKED)]

    async def list_keys(of: str, most: int) -> list[int]:
        return [row[0] for row in await connection.fetch(MAKE_KEYS, number, of, most)]

    await connection.execute(counting.DROP_VENDOR_RECORD)
    await connection.execute(counting.CREATE_VENDOR_RECORD)
    await connection.execute(FILL_VENDOR_RECORD, number)
    has_arrays = connection.get_server_version().major >= list_queries.ARRAYS_FROM
    return Asker(
        number, size, streams_begin, await connection.fetchval(MAKE_RUN, number), await list_ids("4"),
        await list_ids("1"), await list_ids("write"), (await list_keys("own", ASKED))[1:],
        await list_keys("shared", 9), connectors, (True, False) if has_arrays else (False,),
    )  # fmt: skip
