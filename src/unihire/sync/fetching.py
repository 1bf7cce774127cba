"""Asking the vendor: lists walked page by page, the next one under way while this one is worked on."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Iterable, Mapping, Sequence, Set
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any, TypeVar
from zlib import crc32

from unihire.errors import AnswerTooLarge, VendorChanged, VendorRefused
from unihire.integration.declare import CallById, Data, Detail, IdFilter, ShortList, Stream, find_member, list_values
from unihire.kit.logs import get_logger
from unihire.kit.text import fold_text
from unihire.outbound.asked import fill_path, fill_texts, place_params, write_asked
from unihire.outbound.client import VendorClient
from unihire.outbound.paging import Page, Row, VendorResponse, decode_rows, read_row
from unihire.store import Connection, Pool
from unihire.store.record_keys import find_key
from unihire.sync.growth import Growth
from unihire.sync.pruning import DETAIL, LeftOut, explain_error
from unihire.sync.quarantine import Quarantined, find_row_id
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

SURE_AFTER = 2
"""How many times a vendor must answer that there is no such row, or send one that cannot be decoded, before that is
acted on: a single such answer can be a mistake."""

NO_VERSION = "to be asked for again"
"""Stands for the version of stored details that are not accepted: no row has it."""

EMPTY = b"[]"

ASKED_AGAIN_WITHIN = 30
"""Days within which daily whole reads ask for all details once more, where a detail does not say other: what a vendor
left out of one by mistake, so that it maps, would stay as long as the row's version."""

DETAIL_PAGES = 1000
"""Pages of one row's detail that are read at most."""

# The stored details of some rows.
FIND_DETAILS = """
    SELECT found.* FROM unnest($4::text[]) AS wanted (row_id) CROSS JOIN LATERAL (
        SELECT row_id, version, raw FROM detail
        WHERE connector = $1 AND stream = $2 AND name = $3 AND row_id = wanted.row_id OFFSET 0
    ) AS found
"""


@dataclass(slots=True)
class Details:
    """The details of a page's rows: by row id and name, and those newly asked for, to be stored with the page.

    `stored` are those of the row's version that were stored before. `quarantined` are rows of which nobody can say
    whether they need details: they have none. `unsure` are the ids of rows whose details are not sure to be those of
    their version.
    """

    found: dict[str, dict[str, list[Data]]] = field(default_factory=dict)
    fresh: list[tuple[str, str, str, bytes]] = field(default_factory=list)
    stored: list[tuple[str, str, str, bytes]] = field(default_factory=list)
    quarantined: list[Quarantined] = field(default_factory=list)
    unsure: set[str] = field(default_factory=set)

    def unset_versions(self, quarantined: Iterable[Quarantined]) -> None:
        """Those details that do not map are to be stored as of no version: the next who reads the row asks again.

        The vendor may have sent them broken once, and the row's version does not move when it sends them whole.
        """
        noted = {one.row_id: one for one in quarantined}
        if not noted:
            return
        for details in (self.fresh, self.stored):
            for place, (name, row_id, _, raw) in enumerate(details):
                one = noted.get(row_id)
                if one is not None and one.may_lack(f"{DETAIL}{name}"):
                    details[place] = (name, row_id, NO_VERSION, raw)
        self.fresh += [one for one in self.stored if one[2] == NO_VERSION and one not in self.fresh]


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
    expect: Callable[[Sequence[Row]], None] = lambda rows: None,
) -> AsyncGenerator[Page, None]:
    """The pages of a list from `start` (path with query) on.

    Raises VendorChanged where the list does not end: its rows come again, one page after the other has none, or a link
    leads back to a page that was read. `growth` is that of the pages before `start`; each page is added to it
    before it is yielded. `expect` is called with each page before the next one is marked.
    """
    growth, visited = growth or Growth(), {start}
    ahead: asyncio.Task[Page] | None = asyncio.create_task(fetch_page(client, stream, start, mark))
    try:
        while ahead is not None:
            page = await ahead
            expect(page.rows)
            growth.note([find_row_id(stream, row) for row in page.rows])
            growth.check(stream.path)
            ahead = None
            if page.next is not None and page.next not in visited:
                visited.add(page.next)
                ahead = asyncio.create_task(fetch_page(client, stream, page.next, mark))
            yield page
            if ahead is None and page.next is not None:
                raise VendorChanged(
                    f"{stream.path}: the list does not end: its link leads back to a page that was read"
                )
    finally:
        if ahead is not None:
            ahead.cancel()
            await asyncio.gather(ahead, return_exceptions=True)


async def fetch_details(
    client: VendorClient,
    pool: Pool | Connection,
    connector: int,
    stream: Stream,
    rows: Sequence[Row],
    *,
    day: int | None = None,
    is_touched: bool = False,
) -> Details:
    """The details of those rows that need them, from the store where they are of the row's version.

    That a row which needs them has none is accepted when two reads of the row have found it so. With `day`, a number
    of it, some are asked for though they are stored: each on one of `ASKED_AGAIN_WITHIN` days in a row. So are those
    with days of their own where the rows are known to be touched: they may have changed, and their rows not.
    """
    details = Details()
    for detail in stream.details:
        wanted, due = _find_wanted(details, stream, detail, rows, day, is_touched=is_touched)
        if not wanted:
            continue
        was_empty = set[str]()
        for known in await pool.fetch(FIND_DETAILS, connector, stream.name, detail.name, list(wanted)):
            row_id = known["row_id"]
            if known["version"] == wanted[row_id] and row_id not in due:
                del wanted[row_id]
                details.stored.append((detail.name, row_id, known["version"], known["raw"]))
                stored = decode_rows(known["raw"], of=detail.name)
                details.found.setdefault(row_id, {})[detail.name] = [one.data for one in stored]
            elif known["version"] in (NO_VERSION, wanted[row_id]) and known["raw"] == EMPTY:
                was_empty.add(row_id)
        await _ask_details(details, client, stream, detail, rows, wanted, was_empty)
    return details


def is_due(row_id: str, day: int | None, detail: Detail) -> bool:
    """Whether it is the day on which the row's detail may be asked for though it is stored."""
    within = detail.again_within or ASKED_AGAIN_WITHIN
    return day is not None and (crc32(row_id.encode()) + day) % within == 0


async def _ask_details(
    details: Details,
    client: VendorClient,
    stream: Stream,
    detail: Detail,
    rows: Sequence[Row],
    wanted: Mapping[str, str],
    was_empty: Set[str],
) -> None:
    """Ask the vendor for this detail of the rows `wanted`: their ids, each with its version."""

    def is_good(row_id: str, read: list[Row]) -> bool:
        return bool(read) and _is_of(detail, row_id, read)

    refused: dict[str, VendorRefused] = {}
    oversized: dict[str, AnswerTooLarge] = {}
    by_id = {find_row_id(stream, row): row.data for row in rows}

    async def ask(row_id: str, most: int) -> list[Row] | None:
        return await _read_detail(client, detail, _write_detail(client, detail, row_id, by_id[row_id]), most)

    asked = await _ask_each(client, ask, wanted, is_good, oversized, refused=refused)
    if len(refused) == len(wanted) > 1:  # no row's fault
        raise next(iter(refused.values()))
    for row_id, answered in asked:
        read = [one for one in answered or () if one.fault is None]  # none where its row is gone meanwhile
        reason = None
        if row_id in refused:
            reason = f"its {detail.name} are refused: the vendor answers {refused[row_id].status}"
        elif row_id in oversized:
            reason = f"its {detail.name} are too large: {oversized[row_id]}"
        elif not _is_of(detail, row_id, read):
            reason = f"its {detail.name} were answered with those of another row"
        if reason is not None:
            details.quarantined += [
                Quarantined(row_id, reason, row.raw) for row in rows if find_row_id(stream, row) == row_id
            ]
            continue
        if answered and len(read) < len(answered):
            details.quarantined.append(_lack_parts(detail, row_id, answered, rows, stream))
        details.found.setdefault(row_id, {})[detail.name] = [one.data for one in read]
        raw = b"[" + b",".join(one.raw for one in read) + b"]"
        version = NO_VERSION if raw == EMPTY and row_id not in was_empty else wanted[row_id]
        details.fresh.append((detail.name, row_id, version, raw))
        if version == NO_VERSION:
            details.unsure.add(row_id)


def _find_wanted(
    details: Details,
    stream: Stream,
    detail: Detail,
    rows: Sequence[Row],
    day: int | None = None,
    *,
    is_touched: bool = False,
) -> tuple[dict[str, str], set[str]]:
    """The ids of those rows that need the detail, each with the version it is needed of.

    Beside them those for which it is asked on this day, or as they are touched, though it is stored.
    """
    asks_all = is_touched and detail.again_within is not None
    wanted: dict[str, str] = {}
    due = set[str]()
    for row in rows:
        row_id = find_row_id(stream, row)
        try:
            if detail.needed(row.data):
                wanted[row_id] = find_key(detail.version(row.data)) or ""
                is_again = is_due(row_id, day, detail) and (detail.again is None or detail.again(row.data))
                if asks_all or is_again:
                    due.add(row_id)
        except Exception as error:  # noqa: BLE001 - whatever it raises over a row costs that row its detail
            left_out = LeftOut(detail.name, explain_error(error, row.data))
            details.quarantined.append(Quarantined.of_parts(row_id, row, [left_out]))
    return wanted, due


def _lack_parts(
    detail: Detail, row_id: str, answered: Sequence[Row], rows: Sequence[Row], stream: Stream
) -> Quarantined:
    """What is noted of a row some of whose details cannot be decoded."""
    left_out = [
        LeftOut(f"{DETAIL}{detail.name}[{at}]", one.fault) for at, one in enumerate(answered) if one.fault is not None
    ]
    row = next(row for row in rows if find_row_id(stream, row) == row_id)
    return Quarantined.of_parts(row_id, row, left_out)


async def find_details(
    pool: Pool | Connection, connector: int, stream: Stream, rows: Sequence[Row]
) -> tuple[Details, dict[str, str]]:
    """The stored details of those rows that need them, of whatever version, without a call.

    Beside them the rows that need one which is not stored: its name, by row id.
    """
    details, lacking = Details(), dict[str, str]()
    for detail in stream.details:
        wanted, _ = _find_wanted(details, stream, detail, rows)
        for known in await pool.fetch(FIND_DETAILS, connector, stream.name, detail.name, list(wanted)):
            if known["version"] != wanted.pop(known["row_id"], None):
                details.unsure.add(known["row_id"])
            stored = decode_rows(known["raw"], of=detail.name)
            details.found.setdefault(known["row_id"], {})[detail.name] = [one.data for one in stored]
        lacking |= dict.fromkeys(wanted, detail.name)
    return details, lacking


def _write_detail(client: VendorClient, detail: Detail, row_id: str, row: Data) -> str:
    """What to ask for the first page of a row's detail."""

    def find(name: str) -> str:
        if name == "id":
            return row_id
        value = find_member(row, name)
        return "" if value is None else str(value)

    path = client.target.locate(fill_path(detail.path, find))
    return detail.paging.first(path, fill_texts(detail.params, find))


async def _read_detail(client: VendorClient, detail: Detail, asked: str, most: int) -> list[Row] | None:
    """All pages of one row's detail; None where the vendor says there is none. Raises AnswerTooLarge over `most` bytes
    or too many pages.
    """

    try:
        page = await client.read_page(detail.paging, asked, most=most)
    except VendorRefused as error:
        if error.status == HTTPStatus.NOT_FOUND:
            return None
        raise
    rows, visited = page.rows, {asked}
    while page.next is not None and page.next not in visited:
        asked = page.next
        visited.add(asked)
        if len(visited) > DETAIL_PAGES or sum(len(row.raw) for row in rows) > most:
            raise AnswerTooLarge(f"{detail.path}: its pages are more than is read of one row")
        page = await client.read_page(detail.paging, asked, most=most)
        rows += page.rows
    return rows


def _is_of(detail: Detail, row_id: str, rows: Sequence[Row]) -> bool:
    """Whether a detail is that of the row it was asked for, as far as its rows name one; a lone one has to."""
    if detail.of is None:
        return True
    named = (find_member(row.data, detail.of) for row in rows)
    return all(str(one) == row_id for one in named if one is not None or getattr(detail.paging, "may_be_lone", False))


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
    for row_id, row in await _ask_each(client, ask, ids, is_good, oversized, refused={} if can_refuse else None):
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


async def _ask_each(
    client: VendorClient,
    ask_for: Callable[[str, int], Awaitable[T | None]],
    ids: Iterable[str],
    is_good: Callable[[str, T], bool],
    oversized: dict[str, AnswerTooLarge],
    *,
    refused: dict[str, VendorRefused] | None = None,
) -> list[tuple[str, T | None]]:
    """What `ask_for` finds for each id, in so many bytes at most; None where there is none (404) or too much.

    What is there is asked for again where it is not good. `oversized` takes the ids of which there is too much. Raises
    the first error, once all have ended, but for refusals of single ids where `refused` takes them: those have nothing.
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
