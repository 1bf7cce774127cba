"""What is written for COPY is what PostgreSQL reads."""

from datetime import UTC, datetime
from struct import Struct

from unihire.store import Pool
from unihire.store.copying import copy_rows, count_micros, write_bigints, write_fields

CREATE = "CREATE TEMPORARY TABLE copied (moment timestamptz, keys bigint[], name text, raw bytea)"

MOMENTS = (datetime(1999, 12, 31, 23, 59, 59, 999999, UTC), datetime(2026, 1, 31, 9, 30, tzinfo=UTC))
KEYS = ((), (0,), (1, -1, 2**63 - 1, -(2**63)))
NAMES = ("", "Zoë Özdemir 李", None)
RAWS = (b"", b"\0\xff" * 4000, None)


async def test_written_rows_come_back_as_they_were(pool: Pool) -> None:
    rows = [(moment, list(keys), name, raw) for moment in MOMENTS for keys in KEYS for name in NAMES for raw in RAWS]
    start = Struct(">hiq").pack
    pieces = list[bytes]()
    for moment, keys, name, raw in rows:
        pieces += start(4, 8, count_micros(moment)), write_bigints(keys)
        pieces += (write_fields(None if name is None else name.encode(), raw),)
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute(CREATE)
        await copy_rows(connection, "copied", ("moment", "keys", "name", "raw"), pieces)
        assert [tuple(row) for row in await connection.fetch("SELECT * FROM copied")] == rows
        await connection.execute("DROP TABLE copied")
