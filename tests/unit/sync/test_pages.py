"""Pages prepared without a store: rows that need nothing of it."""

import asyncio
from typing import Any
from uuid import uuid4

import msgspec

from testbed.records import PLURALS, stream_of
from unihire.outbound.paging import Row
from unihire.sync.joining import RowStorage
from unihire.sync.pages import ROWS_AT_ONCE, Pages
from unihire.sync.rendering import Renderer

TAGS = stream_of(PLURALS["tags"])


def open_pages() -> Pages:
    nothing: Any = object()
    return Pages(
        pool=nothing, client=nothing, renderer=Renderer(uuid4(), 1), connector=1, stream=TAGS,
        storage=RowStorage("acme", TAGS, ()),
    )  # fmt: skip


def list_rows(*names: str) -> list[Row]:
    return [Row({"remote_id": name}, msgspec.json.encode({"remote_id": name})) for name in names]


async def test_others_go_on_while_a_page_is_mapped() -> None:
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    counting = asyncio.create_task(count())
    page = await open_pages().prepare(list_rows(*map(str, range(10 * ROWS_AT_ONCE))))
    counting.cancel()
    assert len(page.records) == 10 * ROWS_AT_ONCE
    assert turns >= 9


async def test_record_that_rows_far_apart_tell_is_there_once_as_the_first_tells_it() -> None:
    names = [str(number) for number in range(3 * ROWS_AT_ONCE)]
    rows = list_rows(*names, "0")
    rows[-1] = Row({"remote_id": "0", "name": "later"}, b"{}")
    page = await open_pages().prepare(rows)
    assert [record.remote_id for record in page.records] == names
    assert page.records[0].raw == rows[0].raw
