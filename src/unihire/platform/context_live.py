"""What an operation works with, live: one connector's rows, asked of the vendor now, and writing to it."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Any

import msgspec

from unihire.errors import PermissionMissing, ReferenceMissing, ScopeMissing, VendorChanged, VendorError, VendorRefused
from unihire.integration.declare import IdFilter, Integration, Stream
from unihire.integration.operate import Result, Trace, VendorCall
from unihire.integration.registry import list_writing
from unihire.integration.scopes import find_granted, list_missing
from unihire.integration.vendor_row import VendorRow
from unihire.outbound.asked import name_asked
from unihire.outbound.auth import AuthorizationCode
from unihire.outbound.client import VendorClient
from unihire.outbound.decoding import ANYTHING, Undecodable, decode
from unihire.outbound.paging import Page, Paging, Row, VendorResponse
from unihire.platform.context_writes import SaveSteps, StepNotes, WriteProgress, Writes
from unihire.store import Pool
from unihire.store.accounts.tenancy import Connector
from unihire.store.calls import operations
from unihire.store.calls.operations import WriteStep
from unihire.store.rows import find_unread
from unihire.sync.fetching import fetch_page, fetch_rows, fetch_where, first_page, walk
from unihire.sync.rendering import model_numbers
from unihire.sync.rows_by_id import Touched

FORWARD_STEPS = 3
"""Pages that are rather walked over than looked up."""


@dataclass(frozen=True, slots=True)
class RefusalAwarePaging:
    """A stream's paging, which also knows a refusal in words in a 2xx answer.

    It raises VendorRefused for one, which is not tried again: somebody waits for the answer. A sync does not use it: it
    tries again, as after any other answer without rows.
    """

    paging: Paging
    is_refusal: Callable[[Any], bool]

    def first(self, path: str, params: Mapping[str, Any], size: int | None = None) -> str:
        return self.paging.first(path, params, size)

    def read(self, answer: VendorResponse, *, origin: str, asked: str) -> Page:
        try:
            return self.paging.read(answer, origin=origin, asked=asked)
        except VendorChanged:
            if self._refuses(answer.body):
                words = f"{name_asked(asked)}: the vendor answers {answer.status}, and refuses"
                raise VendorRefused(words, status=answer.status, body=answer.body) from None
            raise

    def _refuses(self, body: bytes) -> bool:
        try:
            return self.is_refusal(decode(body, ANYTHING))
        except Undecodable:
            return False


class LiveContext:
    """The vendor, asked now. Opens no client of its own; the one it is given is inside its `async with`."""

    def __init__(
        self,
        *,
        pool: Pool,
        client: VendorClient,
        connector: Connector,
        integration: Integration,
        steps: dict[str, WriteStep],
        save_steps: SaveSteps,
        notes: StepNotes | None = None,
        looks_only: bool = False,
    ) -> None:
        """`notes` and `looks_only` as of Writes."""
        self._pool = pool
        self._client = client
        self._connector = connector
        self._integration = integration
        self._writes = Writes(
            pool=pool, client=client, connector=connector, integration=integration, steps=steps, save_steps=save_steps,
            notes=notes, looks_only=looks_only,
        )  # fmt: skip
        self.touched: dict[str, list[str]] = {}
        """The ids of rows that changed, by stream."""
        self.touched_by: dict[str, dict[str, list[str]]] = {}
        """By stream and member, values there of rows that changed."""

    def _get_stream(self, name: str) -> Stream:
        """The stream, whose lists raise VendorRefused for a refusal in words."""
        stream, is_refusal = self._integration.get_list(name), self._integration.is_refusal
        return stream if is_refusal is None else replace(stream, paging=RefusalAwarePaging(stream.paging, is_refusal))

    async def page(self, stream: str, number: int, size: int, filters: Mapping[str, Any]) -> list[VendorRow]:
        """Page `number` of a list: from the nearest page whose beginning is known, or from where the store knows it.

        Each page read marks where the next begins, so reading on takes one call a page.
        """
        declared = self._get_stream(stream)
        version = self._connector.credentials_version  # another account's marks lead nowhere
        asked = msgspec.json.encode([stream, size, sorted(filters.items()), version])
        listing = blake2b(asked, digest_size=16).digest()
        known = await operations.find_mark(self._pool, self._connector.number, listing, number) or (
            1,
            first_page(self._client, declared, filters, size),
        )
        if not filters and number - known[0] > FORWARD_STEPS:
            stored = await self._find_stored(declared, number, size)
            if stored is not None:
                return stored
        return await self._walk_to(declared, listing, number, *known)

    async def _walk_to(self, stream: Stream, listing: bytes, number: int, page: int, position: str) -> list[VendorRow]:
        following: str | None = position
        while following is not None:
            read = await fetch_page(self._client, stream, following)
            if read.next is not None:
                await operations.save_mark(self._pool, self._connector.number, listing, page + 1, read.next)
            if page == number:
                return _hand_out(stream.name, read.rows)
            following, page = read.next, page + 1
        return []

    async def _find_stored(self, stream: Stream, number: int, size: int) -> list[VendorRow] | None:
        """The page by the ids the store has, None where it has none so far down, or not all of the list yet."""
        connector, own = self._connector.number, model_numbers(stream, rows_only=True)
        if not own or await find_unread(self._pool, connector, [stream.name]):
            return None
        rows = await self._pool.fetch(
            operations.LIST_REMOTE_IDS, connector, stream.name, own[0], (number - 1) * size, size
        )
        if not rows:
            return None
        wanted = [row["remote_id"] for row in rows]
        found = {str(row.find_value("id")): row for row in await self.find(stream.name, "id", wanted)}
        return [found[id] for id in wanted if id in found]

    async def all(self, stream: str, filters: Mapping[str, Any] | None = None) -> list[VendorRow]:
        declared = self._get_stream(stream)
        async with aclosing(walk(self._client, declared, first_page(self._client, declared, filters or {}))) as pages:
            return _hand_out(stream, [row async for page in pages for row in page.rows])

    async def find(self, stream: str, member: str, values: Iterable[object]) -> list[VendorRow]:
        """The rows that show one of these values: a row that shows another is no answer."""
        declared = self._get_stream(stream)
        by = declared.by_id
        wanted = list(dict.fromkeys(str(value) for value in values if value is not None))
        if member in declared.listed_by:
            return _hand_out(
                stream, await fetch_where(self._client, declared, (member,), wanted, most=1, member=member)
            )
        if not isinstance(by, IdFilter):
            assert by is not None, f"{stream} has no way to ask for rows"
            assert member == "id", f"rows of {stream} can be asked for by their ids alone"
            return _hand_out(stream, (await fetch_rows(self._client, declared, wanted)).rows)
        params = by.params if member == "id" else ((by.by or "{member}").format(member=member),)
        rows = await fetch_where(self._client, declared, params, wanted, most=by.most, member=member)
        return _hand_out(stream, rows)

    def touch(self, stream: str, ids: Iterable[object], *, by: str | None = None) -> None:
        named = self.touched if by is None else self.touched_by.setdefault(stream, {})
        named.setdefault(stream if by is None else by, []).extend(str(id) for id in ids)

    def list_touched(self) -> Mapping[str, Touched]:
        """All rows that changed, by stream."""
        names = dict.fromkeys((*self.touched, *self.touched_by))
        return {name: Touched(self.touched.get(name, ()), self.touched_by.get(name, {})) for name in names}

    @property
    def can_act(self) -> bool:
        is_partner = isinstance(self._client.target.auth, AuthorizationCode)
        return self._integration.acting_credential is not None and not is_partner

    def plan(self, steps: Iterable[str], *, scopes: Iterable[str] = ()) -> None:
        self._writes.plan(steps)
        writing = list_writing(self._integration.slug)
        missing = list_missing(scopes, find_granted(self._integration.partner_auth, writing, self._connector.scopes))
        if missing:
            raise ScopeMissing("Nothing was written", missing)

    def report_progress(self) -> WriteProgress:
        """How far the writes that were planned came."""
        return self._writes.report_progress()

    def mark(self, step: str) -> str:
        return self._writes.mark(step)

    async def create(self, step: str, call: VendorCall, *, stream: str, trace: Trace) -> VendorRow:
        row = await self._writes.make(step, call, stream=stream, trace=trace)
        self.touch(stream, [row.find_value("id")])
        return row

    async def change(
        self, step: str, call: VendorCall, *, stream: str, id: str, holds: Callable[[], Awaitable[bool]]
    ) -> None:
        await self._writes.bring(step, call, stream=stream, id=id, holds=holds)
        self.touch(stream, [id])

    async def send_aside(self, step: str, call: VendorCall) -> VendorResponse:
        return await self._writes.send_aside(step, call)

    async def attempt(self, step: str, work: Awaitable[Result]) -> Result | None:
        try:
            return await work
        except (VendorRefused, PermissionMissing, ReferenceMissing) as error:
            self._writes.note_refused(step, error)
            return None

    @property
    def refused(self) -> Mapping[str, VendorError]:
        """The parts that were refused without which the rest stands, by their steps."""
        return self._writes.refused


def _hand_out(stream: str, rows: Iterable[Row]) -> list[VendorRow]:
    """The rows. Raises VendorChanged for one that cannot be decoded, of which the vendor may have sent anything."""
    found = []
    for row in rows:
        found.append(VendorRow(stream, row.data))
        if row.fault is not None:
            raise VendorChanged(f"{found[-1].name}: the row cannot be decoded: {row.fault}")
    return found
