"""Rows for COPY in PostgreSQL's binary format, written at once: the driver's way, value by value, takes several times
as long.

A row is its number of fields and, for each, its length and the value as its type is sent (PostgreSQL's manual, "COPY",
"Binary Format"), in network byte order.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import UTC, datetime
from itertools import islice
from struct import Struct

from unihire.kit.clock import from_micros, to_micros
from unihire.store import Connection

AT_ONCE = 50
"""So many rows are sent at once."""

NULL = b"\xff\xff\xff\xff"
_SIGNATURE = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_END = b"\xff\xff"
write_length = Struct(">i").pack
"""What precedes a field's bytes; `write_fields` writes it itself."""
_BIGINT = 20
"""The number of the type in every PostgreSQL."""
_ARRAY = Struct(">6i").pack
_NO_BIGINTS = Struct(">4i").pack(12, 0, 0, _BIGINT)
write_bigint = Struct(">iq").pack
"""A field that is a bigint, of its length, 8, and its value."""
_FROM_2000 = to_micros(datetime(2000, 1, 1, tzinfo=UTC))


def write_fields(*values: bytes | None) -> bytes:
    """Fields of bytes, or of text in UTF-8."""
    return b"".join([NULL if value is None else write_length(len(value)) + value for value in values])


def write_hash(value: int | None) -> bytes | None:
    """A bigint as one of `write_fields`."""
    return None if value is None else value.to_bytes(8, "big", signed=True)


def write_bigints(values: Sequence[int]) -> bytes:
    """A field that is an array of bigints: its length, its dimensions, and the values with a length each."""
    if not values:
        return _NO_BIGINTS
    items = b"".join([write_bigint(8, value) for value in values])
    return _ARRAY(20 + len(items), 1, 0, _BIGINT, len(values), 1) + items


def count_micros(moment: datetime) -> int:
    """A moment as a timestamptz stores it."""
    return to_micros(moment) - _FROM_2000


def read_micros(count: int) -> datetime:
    """The moment that a timestamptz stores so."""
    return from_micros(count + _FROM_2000)


async def copy_rows(connection: Connection, table: str, columns: Sequence[str], rows: Iterable[bytes]) -> None:
    """Append written rows, or pieces of them, to a table.

    They are sent a few at a time, and others go on in between: rows that are written while they are sent stop nobody.
    """
    await connection.copy_to_table(table, source=_send(rows), columns=columns, format="binary")


async def _send(rows: Iterable[bytes]) -> AsyncIterator[bytes]:
    left = iter(rows)
    written = _SIGNATURE + b"".join(islice(left, AT_ONCE))
    while some := b"".join(islice(left, AT_ONCE)):
        yield written
        await asyncio.sleep(0)
        written = some
    yield written + _END  # few rows are one message
