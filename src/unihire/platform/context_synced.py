"""What an operation works with when the vendor is not to be asked: one connector's rows as last synced."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from unihire.errors import UnihireError
from unihire.integration.declare import Data, Integration, RowFilter, Stream, has_deleted, list_values
from unihire.integration.vendor_row import VendorRow, read_rows
from unihire.kit.logs import get_logger
from unihire.kit.text import normalise_text
from unihire.outbound.paging import decode_row
from unihire.store import Pool
from unihire.store import rows as stored
from unihire.store.accounts.tenancy import Connector
from unihire.store.record_keys import MemberKeys, find_key, find_member_keys, name_member
from unihire.store.rows import ById, ByKey, ByText, RowLocation, RowLookup
from unihire.sync.joining import STORED_WHOLE
from unihire.sync.rendering import Renderer, model_numbers

log = get_logger()

ID = "id"

Listing = tuple[str, int, tuple[tuple[str, str], ...]]
"""A stream, a page size and filters."""


class NotSynced(UnihireError):
    """What is asked for is not in the store, or cannot be found there; the vendor may have it."""


@dataclass(frozen=True, slots=True)
class _Question:
    """Rows of a stream that are wanted by values of a member, and where the answer goes."""

    stream: Stream
    member: str
    values: list[str]
    answer: asyncio.Future[list[Data]]


class SyncedContext:
    """The store, asked instead of the vendor.

    What is asked for at the same moment is found in one query. Rows that are quarantined and not served are as they
    last were, or missing; a stored row that cannot be decoded is left out, and logged. Raises NotSynced for a list that
    never was read well and for what the store cannot be asked.
    """

    def __init__(self, *, pool: Pool, connector: Connector, integration: Integration) -> None:
        self._pool = pool
        self._connector = connector
        self._integration = integration
        self._renderer = Renderer(connector.id, connector.number)
        self._reading = asyncio.Lock()
        self._unread: dict[str, str | None] | None = None
        self._questions: list[_Question] = []
        self._finding: set[asyncio.Task[None]] = set()
        self._ends: dict[Listing, tuple[int, str]] = {}

    async def page(self, stream: str, number: int, size: int, filters: Mapping[str, Any]) -> list[VendorRow]:
        declared, match = self._read_filters(stream, filters)
        place = await self._find_place(declared)
        skip = (number - 1) * size
        if match is None:
            rows = await stored.list_rows(self._pool, self._connector.number, place, skip=skip, limit=size)
            return read_rows(stream, _decode(stream, rows))
        found = await self._find_matching(declared, match)
        if found is not None:
            return read_rows(stream, found)[skip : skip + size]
        listing = (stream, size, tuple(sorted(filters.items())))
        return read_rows(stream, await self._walk_to(place, match, number, size, listing))

    async def all(self, stream: str, filters: Mapping[str, Any] | None = None) -> list[VendorRow]:
        declared, match = self._read_filters(stream, filters or {})
        place = await self._find_place(declared)
        if match is None:
            rows = await stored.list_rows(self._pool, self._connector.number, place)
            return read_rows(stream, _decode(stream, rows))
        found = await self._find_matching(declared, match)
        if found is not None:
            return read_rows(stream, found)
        async with aclosing(stored.walk_rows(self._pool, self._connector.number, place)) as walk:
            decoded = _decode(stream, [row async for _, row in walk])
        return read_rows(stream, filter(match.accepts, decoded))

    async def find(self, stream: str, member: str, values: Iterable[object]) -> list[VendorRow]:
        wanted = list(dict.fromkeys(str(value) for value in values if value is not None))
        if not wanted:
            return []
        declared = self._integration.get_list(stream)
        if member != ID and member not in declared.found_by:
            raise NotSynced(f"the store does not find rows of {stream} by {member}; ask the vendor")
        await self._find_place(declared)
        return read_rows(stream, await self._ask(declared, member, wanted))

    def _read_filters(self, stream: str, filters: Mapping[str, str]) -> tuple[Stream, RowFilter | None]:
        """The stream whose rows are to be looked at, and what they must be like."""
        if not filters:
            return self._integration.get_list(stream), None
        if self._integration.match_filters is None:
            raise NotSynced(f"the store does not filter {stream}; ask the vendor")
        try:
            match = self._integration.match_filters(stream, filters)
        except KeyError as error:
            raise NotSynced(f"the store does not filter {stream} by {error.args[0]}; ask the vendor") from error
        return self._integration.get_stream(match.instead or stream), match

    async def _find_place(self, stream: Stream) -> RowLocation:
        """Where the stream's rows are, all of which must have been read once."""
        own = model_numbers(stream, rows_only=True)
        if not own and not stream.is_stored:
            raise NotSynced(f"the store does not have the rows of {stream.name}; ask the vendor")
        async with self._reading:
            if self._unread is None:
                names = [one.name for one in self._integration.streams]
                self._unread = await stored.find_unread(self._pool, self._connector.number, names)
        if stream.name in self._unread:
            reason = self._unread[stream.name] or "no sync has come to its end"
            raise NotSynced(f"the list {stream.name} is not in the store: {reason}")
        is_volatile = stream.volatile is not None
        return RowLocation(stream.name, own[0] if own else None, STORED_WHOLE, has_deleted(stream), is_volatile)

    async def _find_matching(self, stream: Stream, match: RowFilter) -> list[Data] | None:
        """The rows that match, where a value is known by which they are found."""
        for member in (ID, *stream.found_by):
            if member in match.values:
                found = await self._ask(stream, member, list(match.values[member]))
                return [row for row in found if match.accepts(row)]
        return None

    async def _walk_to(
        self, place: RowLocation, match: RowFilter, number: int, size: int, listing: Listing
    ) -> list[Data]:
        """A page of what matches: after the last page read of the same listing, or from the beginning."""
        page, below = 1, None
        if listing in self._ends and self._ends[listing][0] < number:
            page, below = self._ends[listing]
            page += 1
        found: list[Data] = []
        async with aclosing(stored.walk_rows(self._pool, self._connector.number, place, below=below)) as walk:
            async for id, raw in walk:
                accepted = list(filter(match.accepts, _decode(place.stream, [raw])))
                if not accepted:
                    continue
                found += accepted
                if len(found) == size:
                    self._ends[listing] = (page, id)
                    if page == number:
                        return found
                    page, found = page + 1, []
        return found if page == number else []

    async def _ask(self, stream: Stream, member: str, values: list[str]) -> list[Data]:
        loop = asyncio.get_running_loop()
        question = _Question(stream, member, values, loop.create_future())
        self._questions.append(question)
        if len(self._questions) == 1:
            loop.call_soon(self._begin_finding)
        return await question.answer

    def _begin_finding(self) -> None:
        questions, self._questions = self._questions, []
        task = asyncio.create_task(self._find(questions))
        self._finding.add(task)
        task.add_done_callback(self._finding.discard)

    async def _find(self, questions: Sequence[_Question]) -> None:
        """Answer them all, in one query."""
        try:
            wanted = RowLookup()
            for number, question in enumerate(questions):
                self._want(wanted, number, question)
            is_volatile = any(question.stream.volatile is not None for question in questions)
            found = await stored.find_rows(
                self._pool, self._connector.number, wanted, STORED_WHOLE, is_volatile=is_volatile
            )
            for number, question in enumerate(questions):
                if not question.answer.done():
                    question.answer.set_result(_sort(question, found.get(number, ())))
        except Exception as error:  # noqa: BLE001 - whoever asked raises it
            for question in questions:
                if not question.answer.done():
                    question.answer.set_exception(error)

    def _want(self, wanted: RowLookup, number: int, question: _Question) -> None:
        stream, name = question.stream, question.stream.name
        own = model_numbers(stream, rows_only=True)
        if not own or has_deleted(stream):
            if question.member == ID:
                entry, keys = STORED_WHOLE, [*filter(None, map(find_key, question.values))]
            else:
                entry = name_member(question.member)
                keys = [key for value in question.values for key in find_member_keys(value)]
            wanted.texts.extend(ByText(number, name, entry, key) for key in keys)
        if not own:
            return
        if question.member == ID:
            wanted.ids.extend(ById(number, name, self._renderer.seen_id(stream, value)) for value in question.values)
        else:
            hashed = MemberKeys(self._connector.number, name, question.member)
            wanted.keys.extend(ByKey(number, name, own[0], key) for key in hashed.list_asked(question.values))


def _decode(stream: str, rows: Iterable[bytes]) -> list[Data]:
    """The rows but those that cannot be decoded: damaged ones, and ones a version before took that was less strict."""
    found = []
    for raw in rows:
        row = decode_row(raw)
        if row.fault is None:
            found.append(row.data)
        else:
            log.warning("a stored row cannot be decoded and is left out", stream=stream, reason=row.fault)
    return found


def _sort(question: _Question, found: Iterable[bytes]) -> list[Data]:
    """The rows asked for, each once, newest id first; a row only its key's hash let through is left out."""
    values, by_id = set(map(normalise_text, question.values)), dict[str, Data]()
    for row in _decode(question.stream.name, found):
        id = question.stream.id_of(row)
        if id in by_id:
            continue
        if question.member == ID or not values.isdisjoint(map(normalise_text, list_values(row, question.member))):
            by_id[id] = row
    return [by_id[id] for id in sorted(by_id, key=lambda id: (len(id), id), reverse=True)]
