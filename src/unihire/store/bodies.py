"""What is read of records: bodies as they are stored, or in the parts they are stored in."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple

import asyncpg
import msgspec

from unihire.kit.clock import from_micros
from unihire.store.copying import read_micros
from unihire.store.feed.rendered import EMPTY_ENDING, MEMBERS_AT
from unihire.store.volatile import PARTS_COLUMN, fill_content, read_parts

# The driver takes as long to read one moment as all else of a record; the records of a page were mostly saved together,
# so the eight bytes that PostgreSQL sends are read once for all of them.
WHOLE_COLUMNS = ", record.more, record.words, timestamptz_send(record.first_saved_at) AS first_saved_at"


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What is read of a record besides its members.

    `is_volatile`: what is no content of it may be stored beside it (store/volatile.py). `in_parts`: it is wanted as it
    is stored, not as a body.
    """

    raw: bool = False
    custom: bool = False
    is_volatile: bool = False
    in_parts: bool = False


BODY = Content()
"""A body as it is stored."""


class Stored(NamedTuple):
    """What is stored of a live record.

    `members` is its JSON object without the brace at the end. `more`, `words`, `custom` and `raw` are JSON, None where
    there is none; `raw` and `custom` also where they are not asked for, and `custom` is an empty object where they are.
    """

    members: bytes
    more: bytes | None
    words: bytes | None
    first_saved_at: datetime
    custom: bytes | None
    raw: bytes | None


def list_columns(content: Content) -> str:
    """What a query selects besides the body; each begins with a comma."""
    columns = (", record.raw" if content.raw else "") + (", record.custom" if content.custom else "")
    columns += WHOLE_COLUMNS if content.in_parts else ""
    return columns + PARTS_COLUMN if content.is_volatile else columns


def count_columns(content: Content) -> int:
    return content.raw + content.custom + 3 * content.in_parts + content.is_volatile


def read_bodies(rows: Sequence[asyncpg.Record], content: Content) -> list[bytes]:
    """The bodies of rows that have them in their second column."""
    if content.raw or content.custom:
        return [splice(row[1], row, content) for row in rows]
    if content.is_volatile:  # few are
        return [row[1] if row["parts"] is None else splice(row[1], row, content) for row in rows]
    return [row[1] for row in rows]


def splice(body: bytes, row: asyncpg.Record, content: Content) -> bytes:
    """A stored body with raw data and custom fields put in where they were asked for, and what is volatile of all."""
    if not (content.raw or content.custom):
        return _fill(body, row, content)[0] if content.is_volatile else body
    body, fields, sent = _fill(body, row, content)
    return b'%b,"custom_fields":%b,"raw_data":%b}' % (
        body[: -len(EMPTY_ENDING)], b"null" if fields is None else fields, b"null" if sent is None else sent,
    )  # fmt: skip


def take_apart(body: bytes, row: asyncpg.Record, content: Content) -> Stored:
    """What is stored of a record, with what is volatile of it."""
    more: bytes | None = row["more"]
    fields = sent = None
    is_filled = content.is_volatile and row["parts"] is not None
    if is_filled or content.raw or content.custom:
        if is_filled and more is not None:
            parts = read_parts(row["parts"])
            more = fill_content(more, parts.more, parts.texts)
        body, fields, sent = _fill(body, row, content)
    saved_at = _read_moment(row["first_saved_at"])
    return Stored(body[: -len(EMPTY_ENDING)], more, row["words"], saved_at, fields, sent)


@lru_cache(maxsize=4096)
def _read_moment(sent: bytes) -> datetime:
    """A moment as PostgreSQL sends it."""
    return read_micros(int.from_bytes(sent, "big", signed=True))


def _fill(body: bytes, row: asyncpg.Record, content: Content) -> tuple[bytes, bytes | None, bytes | None]:
    """Body, custom fields and raw data with what is volatile; the last two None where they are not asked for."""
    fields = (row["custom"] or b"{}") if content.custom else None
    sent = row["raw"] if content.raw else None
    if content.is_volatile and row["parts"] is not None:
        parts = read_parts(row["parts"])
        body = fill_content(body, parts.members, parts.texts, MEMBERS_AT, len(EMPTY_ENDING))
        fields = None if fields is None else fill_content(fields, parts.custom, parts.texts)
        sent = None if sent is None else fill_content(sent, parts.raw, parts.texts)
    return body, fields, sent


def write_tombstone(row: asyncpg.Record) -> bytes:
    """What is shown of a deleted record, of a row with its `id`, `remote_id` and `seq`."""
    modified_at = from_micros(row["seq"]).replace(tzinfo=None).isoformat(timespec="microseconds")
    return b'{"id":"%b","remote_id":%b,"modified_at":"%bZ","deleted":true}' % (
        str(row["id"]).encode(),
        msgspec.json.encode(row["remote_id"]),
        modified_at.encode(),
    )
