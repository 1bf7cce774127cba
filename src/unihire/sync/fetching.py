"""Asking the vendor: lists walked page by page, the next one under way while this one is worked on."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Iterable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol, TypeVar

from unihire.errors import AnswerTooLarge, PermissionMissing, VendorChanged, VendorRefused
from unihire.integration.declare import CallById, IdFilter, ShortList, Stream, list_values
from unihire.kit.logs import get_logger
from unihire.kit.text import fold_text
from unihire.outbound.asked import fill_path, fill_texts, place_params, write_asked
from unihire.outbound.client import VendorClient
from unihire.outbound.paging import Page, Row, VendorResponse, read_row
from unihire.sync.growth import Growth
from unihire.sync.quarantine import find_row_id
from unihire.sync.telemetry import watch_page

T = TypeVar("T")

log = get_logger()

DRIFT = timedelta(minutes=1)
"""So far clocks may differ: the overlap of the windows covers it."""

CALLS_AT_ONCE = 8
"""Calls for single rows that are under way at once."""

ROW_SHARE, ROW_BYTES = 16, 1 << 20
"""What is asked for single rows may have this part of the bytes that an answer may have, or so many if that is more:
those of a whole page's rows are in memory at once."""

GATHERED, GATHERED_BYTES, SOON = 500, 1 << 20, 0.05
"""Pages are yielded as one while they have together no more rows and bytes, and the next arrives within so many
seconds. To save a page of few rows costs as much as mapping sixty of them."""

SURE_AFTER = 2
"""How many times a vendor must answer that there is no such row, or send one that cannot be decoded, before that is
acted on: a single such answer can be a mistake."""


def find_lead(client: VendorClient, skew: timedelta) -> timedelta:
    """How far the database's clock runs ahead of the vendor's, by which rows are dated, where it matters.

    `skew` is how far it runs ahead of the client's.
    """
    lead = client.ahead + skew
    return lead if lead > DRIFT else timedelta()


def first_page(client: VendorClient, stream: Stream, filters: Mapping[str, Any], size: int | None = None) -> str:
    """What to ask (see `outbound.asked`) for a list's first page, of `size` rows or as many as the stream declares."""
    path, others = place_params(stream.path, filters)
    return stream.paging.first(client.target.locate(path), {**stream.params, **others}, size)


def is_older(stream: Stream, rows: Sequence[Row], since: datetime) -> bool:
    """Whether every row of a page changed before a moment, in a list that has the newest first.

    A row that does not show when it changed may be newer.
    """
    if stream.moment_of is None:
        return False
    try:
        return all(stream.moment_of(row.data) < since for row in rows)
    except Exception:  # noqa: BLE001 - whatever it raises over a row
        return False


Mark = Callable[[Sequence[Row]], Awaitable[None]]
"""Says of the rows of a page which are unchanged: those are not decoded."""


class Expect(Protocol):
    """Called with each page that has arrived; with `joins_last` it is yielded as one with the page before."""

    def __call__(self, rows: Sequence[Row], *, joins_last: bool) -> None: ...


async def fetch_page(client: VendorClient, stream: Stream, asked: str, mark: Mark | None = None) -> Page:
    """One page of a list, at this path with query; asked for once more where a row of it cannot be decoded."""
    with watch_page("fetch", client, stream.name):
        for _ in range(SURE_AFTER):
            page = await client.read_page(stream.paging, asked)
            rows = page.rows
            if mark is not None:
                await mark(rows)
                rows = [row for row in rows if not row.is_unchanged]
            Row.decode_together(rows)
            if all(row.fault is None for row in rows):
                break
        return page


async def walk(
    client: VendorClient,
    stream: Stream,
    start: str,
    growth: Growth | None = None,
    *,
    mark: Mark | None = None,
    expect: Expect | None = None,
    gathers: bool = False,
) -> AsyncGenerator[Page, None]:
    """The pages of a list from `start` (path with query) on.

    Raises VendorChanged where the list does not end: its rows come again, one page after the other has none, or a link
    leads back to a page that was read. `growth` is that of the pages before `start`; each page is added to it
    before it is yielded. `expect` is called with each page before the next one is marked. With `gathers` a page of few
    rows is yielded as one with those after it that arrive at once.
    """
    growth, visited = growth or Growth(), {start}
    ahead: asyncio.Task[Page] | None = asyncio.create_task(fetch_page(client, stream, start, mark))

    def take(page: Page, *, joins_last: bool) -> asyncio.Task[Page] | None:
        """Note a page that has arrived; returns the request of the next one, which is sent now."""
        if expect is not None:
            expect(page.rows, joins_last=joins_last)
        growth.note([row.row_id or find_row_id(stream, row) for row in page.rows])
        if not joins_last:  # what was read before is yielded first
            growth.check(stream.path)
        if page.next is None or page.next in visited:
            return None
        visited.add(page.next)
        return asyncio.create_task(fetch_page(client, stream, page.next, mark))

    try:
        while ahead is not None:
            page = added = await ahead
            ahead = take(page, joins_last=False)
            while gathers and ahead is not None and _has_room(page, added) and await _arrives_soon(ahead):
                added = await ahead
                page = Page([*page.rows, *added.rows], added.next, added.token or page.token)
                ahead = take(added, joins_last=True)
            yield page
            if ahead is None and page.next is not None:
                raise VendorChanged(
                    f"{stream.path}: the list does not end: its link leads back to a page that was read"
                )
    finally:
        if ahead is not None:
            ahead.cancel()
            await asyncio.gather(ahead, return_exceptions=True)


def _has_room(page: Page, latest: Page) -> bool:
    """Whether a page may have the rows of another added, if that is as large as the latest one."""
    if not latest.rows or len(page.rows) + len(latest.rows) > GATHERED:
        return False
    return sum(len(row.raw) for row in (*page.rows, *latest.rows)) <= GATHERED_BYTES


async def _arrives_soon(ahead: asyncio.Task[Page]) -> bool:
    """Whether a page that was requested arrives within SOON seconds."""
    await asyncio.wait((ahead,), timeout=SOON)
    return ahead.done() and not ahead.cancelled() and ahead.exception() is None


@dataclass(slots=True)
class FetchedRows:
    """What the vendor returned for ids: rows, and in `missing` the ids it had no row for in two requests.

    `unsure` are ids for which it returned other rows, or one too large to read. `wrong_answers` counts the other rows.
    """

    rows: list[Row] = field(default_factory=list)
    missing: set[str] = field(default_factory=set)
    unsure: set[str] = field(default_factory=set)
    wrong_answers: int = 0


async def fetch_rows(client: VendorClient, stream: Stream, ids: Sequence[str]) -> FetchedRows:
    """The rows of these ids, requested one by one or in batches.

    An id is missing only if the vendor had no row for it more than once: its records are then deleted. A row with
    another id is ignored, unless the integration declares that the requested row was merged into it.

    An id that the vendor refuses to be asked for counts as missing if it returns a row that it lists: then it refuses
    only that id. Raises VendorRefused if it refuses the listed one too.
    """
    try:
        found = await _fetch_by_id(client, stream, ids)
    except VendorRefused:
        if not await _shows_listed(client, stream):
            raise
        found = await _fetch_by_id(client, stream, ids, can_refuse=True)
    if found.wrong_answers:
        log.warning("calls by id were answered with other rows", stream=stream.name, rows=found.wrong_answers)
    return found


async def _fetch_by_id(
    client: VendorClient, stream: Stream, ids: Sequence[str], *, can_refuse: bool = False
) -> FetchedRows:
    """With `can_refuse` an id has no row if the vendor refuses to be asked for it alone."""
    if isinstance(stream.by_id, ShortList):
        return await _fetch_listed(client, stream, ids)
    if isinstance(stream.by_id, IdFilter):
        return await _fetch_batches(client, stream, stream.by_id, ids, can_refuse=can_refuse)
    assert stream.by_id is not None
    call = CallById(path=stream.by_id) if isinstance(stream.by_id, str) else stream.by_id
    return await _fetch_each(client, stream, call, ids, can_refuse=can_refuse)


async def _shows_listed(client: VendorClient, stream: Stream) -> bool:
    """Whether the vendor can be asked for the first row of its list by id; a list without rows proves nothing else."""
    listed = await fetch_page(client, stream, first_page(client, stream, {}, 1))
    try:
        await _fetch_by_id(client, stream, [find_row_id(stream, row) for row in listed.rows[:1]])
    except VendorRefused:
        return False
    return True


async def _fetch_each(
    client: VendorClient, stream: Stream, call: CallById, ids: Sequence[str], *, can_refuse: bool
) -> FetchedRows:
    found = FetchedRows()

    def is_good(row_id: str, row: Row) -> bool:
        is_merged = stream.is_merged is not None and stream.is_merged(row_id, row.data)
        return is_merged or find_row_id(stream, row) == row_id

    def read(answer: VendorResponse) -> Row:
        return read_row(answer, of=call.path, item=call.item, without=call.unlisted)

    async def ask(row_id: str, most: int) -> Row | None:
        path = client.target.locate(fill_path(call.path, lambda _: row_id))
        body = None if call.body is None else fill_texts(call.body, lambda _: row_id)
        return await client.find(write_asked(path, body=body), read, most=most)

    oversized: dict[str, AnswerTooLarge] = {}
    for row_id, row in await ask_each(client, ask, ids, is_good, oversized, refused={} if can_refuse else None):
        if row_id in oversized:
            log.warning("a row asked for by id is too large", stream=stream.name, error=str(oversized[row_id]))
            found.unsure.add(row_id)
        elif row is None:
            found.missing.add(row_id)
        elif is_good(row_id, row):
            found.rows.append(row)
            if find_row_id(stream, row) != row_id:
                found.missing.add(row_id)
        else:
            found.unsure.add(row_id)
            found.wrong_answers += 1
    return found


async def _fetch_listed(client: VendorClient, stream: Stream, ids: Sequence[str]) -> FetchedRows:
    """The rows of these ids, of the whole list."""
    found = FetchedRows(missing=set(ids))
    for _ in range(SURE_AFTER):
        if not found.missing:
            break
        async with aclosing(walk(client, stream, first_page(client, stream, {}))) as pages:
            async for page in pages:
                found.rows += [row for row in page.rows if find_row_id(stream, row) in found.missing]
        found.missing -= {find_row_id(stream, row) for row in found.rows}
    return found


async def _fetch_batches(
    client: VendorClient, stream: Stream, by: IdFilter, ids: Sequence[str], *, can_refuse: bool
) -> FetchedRows:
    found = FetchedRows(missing=set(ids))
    for _ in range(SURE_AFTER):
        asked = sorted(found.missing - found.unsure)
        for batch, rows, wrong in await _ask_batches(
            client, stream, by.params, asked, most=by.most, is_strict=True, can_refuse=can_refuse
        ):
            found.rows += rows
            found.missing -= {find_row_id(stream, row) for row in rows}
            if wrong:
                found.wrong_answers += wrong
                found.unsure |= found.missing & set(batch)
    found.missing -= found.unsure
    return found


async def fetch_where(
    client: VendorClient, stream: Stream, params: Sequence[str], values: Sequence[str], *, most: int, member: str = "id"
) -> list[Row]:
    """The rows that have any of the values in `member`, asked for by a filter, `most` values at a time, all at once.

    Rows that the filter should not have let through are left out.
    """
    found = await _ask_batches(client, stream, params, values, most=most, member=member)
    return [row for _, rows, _ in found for row in rows]


async def _ask_batches(
    client: VendorClient,
    stream: Stream,
    params: Sequence[str],
    values: Sequence[str],
    *,
    most: int,
    member: str = "id",
    is_strict: bool = False,
    can_refuse: bool = False,
) -> list[tuple[Sequence[str], list[Row], int]]:
    """Of each batch of values, the rows that have one of them, and how many others there were.

    With `is_strict` no page is asked for after one with others: whatever it shows, it is not what was asked for. With
    `can_refuse` a batch that the vendor refuses is asked for by halves, and a value that it refuses alone has no rows.
    """

    async def ask(batch: Sequence[str]) -> list[tuple[Sequence[str], list[Row], int]]:
        try:
            return [await ask_whole(batch)]
        except VendorRefused:
            if not can_refuse:
                raise
        if len(batch) == 1:
            return [(batch, [], 0)]
        half = len(batch) // 2
        return await ask(batch[:half]) + await ask(batch[half:])

    async def ask_whole(batch: Sequence[str]) -> tuple[Sequence[str], list[Row], int]:
        start, rows, wrong = first_page(client, stream, dict.fromkeys(params, ",".join(batch))), list[Row](), 0
        wanted = {fold_text(value) for value in batch}
        async with aclosing(walk(client, stream, start)) as pages:
            async for page in pages:
                good = [row for row in page.rows if not wanted.isdisjoint(_list_values(stream, row, member))]
                rows += good
                wrong += len(page.rows) - len(good)
                if wrong and (is_strict or len(params) > 1):  # a range that is not kept to is a whole list
                    break
        return batch, rows, wrong

    batches = [values[start : start + most] for start in range(0, len(values), most)]
    return [part for parts in await gather_all(ask(batch) for batch in batches) for part in parts]


def _list_values(stream: Stream, row: Row, member: str) -> list[str]:
    found = [find_row_id(stream, row)] if member == "id" else list_values(row.data, member)
    return [fold_text(value) for value in found]


async def ask_each(
    client: VendorClient,
    ask_for: Callable[[str, int], Awaitable[T | None]],
    ids: Iterable[str],
    is_good: Callable[[str, T], bool],
    oversized: dict[str, AnswerTooLarge],
    *,
    refused: dict[str, VendorRefused] | None = None,
    closed: dict[str, PermissionMissing] | None = None,
) -> list[tuple[str, T | None]]:
    """What `ask_for` finds for each id, in so many bytes at most; None where there is none (404) or too much.

    What is there is asked for again where it is not good. `oversized` takes the ids of which there is too much. Raises
    the first error, once all have ended, but for refusals of single ids where `refused` takes them, or `closed` those
    for lack of a permission: such ids have nothing.
    """
    gate = asyncio.Semaphore(CALLS_AT_ONCE)
    most = min(client.target.answer_bytes, max(client.target.answer_bytes // ROW_SHARE, ROW_BYTES))

    async def ask(row_id: str) -> tuple[str, T | None]:
        found: T | None = None
        async with gate:
            for _ in range(SURE_AFTER):
                try:
                    found = await ask_for(row_id, most)
                except AnswerTooLarge as error:
                    oversized[row_id] = error
                    break
                except VendorRefused as refusal:
                    if refused is None:
                        raise
                    refused[row_id] = refusal
                    break
                except PermissionMissing as refusal:
                    if closed is None:
                        raise
                    closed[row_id] = refusal
                    break
                if found is not None and is_good(row_id, found):
                    break
        return row_id, found

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
