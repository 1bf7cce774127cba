"""Asking the vendor: lists walked page by page, the next one under way while this one is worked on."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any, TypeVar
from urllib.parse import quote, urlencode

from unihire.integration.declare import Data, Detail, IdFilter, Stream
from unihire.outbound.client import VendorClient
from unihire.outbound.paging import Answer, Page, Row, decode_rows, read_row
from unihire.store import Connection, Pool
from unihire.sync.rendering import MISFITS, Misfit, find_row_id
from unihire.sync.watching import watch_page

T = TypeVar("T")

DRIFT = timedelta(minutes=1)
"""So far clocks may differ: the overlap of the windows covers it."""

ABREAST = 8
"""Calls for single rows that are under way at once."""

SURE_AFTER = 2
"""So often a vendor must say that there is no such row, or send one that cannot be decoded, before it is believed: now
and then one does so by mistake."""

EMPTY_PAGES = 3
"""So many pages without rows in a row are passed over: a vendor may page first and filter then, or never stop."""

# The stored details of some rows.
FIND_DETAILS = """
    SELECT row_id, version, raw FROM detail WHERE connector = $1 AND stream = $2 AND name = $3 AND row_id = ANY($4)
"""


@dataclass(slots=True)
class Details:
    """The details of a page's rows: by row id and name, and those newly asked for, to be stored with the page.

    `misfits` are rows so odd that nobody can say whether they need details.
    """

    found: dict[str, dict[str, list[Data]]] = field(default_factory=dict)
    fresh: list[tuple[str, str, str, bytes]] = field(default_factory=list)
    misfits: list[Misfit] = field(default_factory=list)


def find_lead(client: VendorClient, skew: timedelta) -> timedelta:
    """How far the database's clock runs ahead of the vendor's, by which rows are dated, where it matters.

    `skew` is how far it runs ahead of the client's.
    """
    lead = client.ahead + skew
    return lead if lead > DRIFT else timedelta()


def first_page(client: VendorClient, stream: Stream, filters: Mapping[str, str], size: int | None = None) -> str:
    """Path and query of a list's first page, of `size` rows or as many as the stream declares."""
    path, params = stream.paging.first(client.target.locate(stream.path), filters, size)
    return path + (f"?{urlencode(params)}" if params else "")


async def fetch_page(client: VendorClient, stream: Stream, asked: str) -> Page:
    """One page of a list, at this path with query; asked for once more where a row of it cannot be decoded."""
    origin = client.target.origin
    with watch_page("fetch", client, stream.name):
        for _ in range(SURE_AFTER):
            page = await client.read(asked, lambda answer: stream.paging.read(answer, origin=origin, asked=asked))
            if all(row.fault is None for row in page.rows):
                break
        return page


async def walk(client: VendorClient, stream: Stream, start: str) -> AsyncGenerator[Page, None]:
    """The pages of a list from `start` (path with query) on.

    Ends on the last page, where the vendor's link leads back to a page already read, and where one page after the
    other is empty.
    """
    visited, empty = {start}, 0
    ahead: asyncio.Task[Page] | None = asyncio.create_task(fetch_page(client, stream, start))
    try:
        while ahead is not None:
            page = await ahead
            empty = 0 if page.rows else empty + 1
            if page.next in visited or empty > EMPTY_PAGES:
                page = Page(page.rows, None)
            ahead = None
            if page.next is not None:
                visited.add(page.next)
                ahead = asyncio.create_task(fetch_page(client, stream, page.next))
            yield page
    finally:
        if ahead is not None:
            ahead.cancel()
            await asyncio.gather(ahead, return_exceptions=True)


async def fetch_details(
    client: VendorClient, pool: Pool | Connection, connector: int, stream: Stream, rows: Sequence[Row]
) -> Details:
    """The details of those rows that need them, from the store where they are of the row's version."""
    details = Details()
    for detail in stream.details:
        wanted: dict[str, str] = {}
        for row in rows:
            row_id = find_row_id(stream, row)
            try:
                if detail.needed(row.data):
                    wanted[row_id] = detail.version(row.data)
            except MISFITS as error:
                details.misfits.append(Misfit.of(row_id, row, error))
        if not wanted:
            continue
        stored = await pool.fetch(FIND_DETAILS, connector, stream.name, detail.name, list(wanted))
        for known in stored:
            if known["version"] == wanted[known["row_id"]]:
                del wanted[known["row_id"]]
                kept = decode_rows(known["raw"], of=detail.name)
                details.found.setdefault(known["row_id"], {})[detail.name] = [one.data for one in kept]
        for row_id, answered in await _ask_each(client, detail.path, wanted, partial(_read_detail, client, detail)):
            read = answered or []  # none where the row it belongs to is gone meanwhile
            details.found.setdefault(row_id, {})[detail.name] = [one.data for one in read]
            joined = b"[" + b",".join(one.raw for one in read) + b"]"
            details.fresh.append((detail.name, row_id, wanted[row_id], joined))
    return details


async def find_details(
    pool: Pool | Connection, connector: int, stream: Stream, rows: Sequence[Row]
) -> tuple[Details, dict[str, str]]:
    """The stored details of those rows that need them, of whatever version, without a call.

    Beside them the rows that need one which is not stored: its name, by row id.
    """
    details, lacking = Details(), dict[str, str]()
    for detail in stream.details:
        wanted: set[str] = set()
        for row in rows:
            row_id = find_row_id(stream, row)
            try:
                if detail.needed(row.data):
                    wanted.add(row_id)
            except MISFITS as error:
                details.misfits.append(Misfit.of(row_id, row, error))
        for known in await pool.fetch(FIND_DETAILS, connector, stream.name, detail.name, list(wanted)):
            wanted.discard(known["row_id"])
            kept = decode_rows(known["raw"], of=detail.name)
            details.found.setdefault(known["row_id"], {})[detail.name] = [one.data for one in kept]
        lacking |= dict.fromkeys(wanted, detail.name)
    return details, lacking


def _read_detail(client: VendorClient, detail: Detail, answer: Answer) -> list[Row]:
    return detail.paging.read(answer, origin=client.target.origin, asked=detail.path).rows


async def fetch_rows(client: VendorClient, stream: Stream, ids: Sequence[str]) -> tuple[list[Row], set[str]]:
    """The rows of these ids, asked for one by one or in batches, and the ids the vendor has no row for.

    That there is none must have been said more than once: a record is let go on the strength of it.
    A vendor may answer with the row another one was merged into: the id asked for then has none.
    """
    assert stream.by_id is not None
    if isinstance(stream.by_id, IdFilter):
        rows, missing = list[Row](), set(ids)
        for _ in range(SURE_AFTER):
            if missing:
                rows += await fetch_where(client, stream, stream.by_id.param, sorted(missing), most=stream.by_id.most)
                missing -= {find_row_id(stream, row) for row in rows}
    else:
        path = stream.by_id
        found = await _ask_each(client, path, ids, lambda answer: read_row(answer, of=path))
        rows = [row for _, row in found if row is not None]
    return rows, set(ids) - {find_row_id(stream, row) for row in rows}


async def fetch_where(
    client: VendorClient, stream: Stream, param: str, values: Sequence[str], *, most: int
) -> list[Row]:
    """The rows that a filter lets through for any of the values, asked for `most` values at a time, all at once."""

    async def ask(batch: Sequence[str]) -> list[Row]:
        start = first_page(client, stream, {param: ",".join(batch)})
        async with aclosing(walk(client, stream, start)) as pages:
            return [row async for page in pages for row in page.rows]

    batches = [values[start : start + most] for start in range(0, len(values), most)]
    return [row for rows in await gather_all(ask(batch) for batch in batches) for row in rows]


async def _ask_each(
    client: VendorClient, path: str, ids: Iterable[str], read: Callable[[Answer], T]
) -> list[tuple[str, T | None]]:
    """What `read` makes of what is at `path` for each id, None where there is none (404).

    Raises the first error, once all have ended.
    """
    gate = asyncio.Semaphore(ABREAST)

    async def ask(row_id: str) -> tuple[str, T | None]:
        asked = client.target.locate(path.format(id=quote(row_id, safe="")))
        async with gate:
            for _ in range(SURE_AFTER):
                found = await client.find(asked, read)
                if found is not None:
                    return row_id, found
        return row_id, None

    return await gather_all(ask(row_id) for row_id in ids)


async def gather_all(calls: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """All results in order; after the first error the others are cancelled and waited for."""
    tasks = [asyncio.create_task(call) for call in calls]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
