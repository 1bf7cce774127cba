"""What an operation works with, live: one connector's rows, asked of the vendor now, and writing to it."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Any

import msgspec

from unihire.errors import (
    PermissionMissing,
    ReauthorizeNeeded,
    ReferenceMissing,
    RetryLater,
    Unanswered,
    VendorChanged,
    VendorRefused,
)
from unihire.integration.declare import Data, IdFilter, Integration, Stream
from unihire.integration.operate import Look
from unihire.integration.vendor_row import VendorRow
from unihire.kit.clock import Clock
from unihire.outbound.auth import AuthorizationCode
from unihire.outbound.client import VendorClient
from unihire.outbound.paging import Answer, Row, read_row
from unihire.store import Pool, operations
from unihire.store.operations import Step
from unihire.store.rows import find_unread
from unihire.store.tenancy import Connector
from unihire.sync.fetching import fetch_page, fetch_where, first_page, walk
from unihire.sync.rendering import model_numbers

LOOK_BACK = timedelta(minutes=2)
"""How far the vendor's clock may be behind ours when we look for what a write has made."""

LOOK_PAUSES = (0.0, 1.0, 3.0)
"""Seconds before each look for what a write has made whose answer was lost."""

ACCEPTED_PAUSES = (0.0, 1.0, 2.0, 4.0, 8.0, 15.0)
"""Seconds before each look for what a vendor is making that has only said that it will."""

FORWARD_STEPS = 3
"""Pages that are rather walked over than looked up."""

SaveSteps = Callable[[Mapping[str, Step]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the writes of a call came, by their steps: `made` has the ids of what is there, `unsure` may be there."""

    made: dict[str, Any] = field(default_factory=dict)
    unsure: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)

    @property
    def has_begun(self) -> bool:
        return bool(self.made or self.unsure)


class LiveDesk:
    """The vendor, asked now. Opens no client of its own; the one it is given is inside its `async with`."""

    def __init__(
        self,
        *,
        pool: Pool,
        client: VendorClient,
        connector: Connector,
        integration: Integration,
        clock: Clock,
        steps: dict[str, Step],
        save_steps: SaveSteps,
    ) -> None:
        self._pool = pool
        self._client = client
        self._connector = connector
        self._integration = integration
        self._clock = clock
        self._steps = steps
        self._save_steps = save_steps
        self._planned: list[str] = []
        self.touched: dict[str, list[str]] = {}

    async def page(self, stream: str, number: int, size: int, filters: Mapping[str, str]) -> list[VendorRow]:
        """Page `number` of a list: from the nearest page whose beginning is known, or from where the store knows it.

        Each page read marks where the next begins, so reading on takes one call a page.
        """
        declared = self._integration.get_stream(stream)
        version = self._connector.credentials_version  # another account's marks lead nowhere
        told = msgspec.json.encode([stream, size, sorted(filters.items()), version])
        listing = blake2b(told, digest_size=16).digest()
        known = await operations.find_mark(self._pool, self._connector.number, listing, number, self._clock.now()) or (
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
                await operations.save_mark(
                    self._pool, self._connector.number, listing, page + 1, read.next, self._clock.now()
                )
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

    async def all(self, stream: str, filters: Mapping[str, str] | None = None) -> list[VendorRow]:
        declared = self._integration.get_stream(stream)
        async with aclosing(walk(self._client, declared, first_page(self._client, declared, filters or {}))) as pages:
            return _hand_out(stream, [row async for page in pages for row in page.rows])

    async def find(self, stream: str, member: str, values: Iterable[object]) -> list[VendorRow]:
        """The rows that show one of these values: a row that shows another is no answer, whoever sends it."""
        declared = self._integration.get_stream(stream)
        by = declared.by_id
        assert isinstance(by, IdFilter)
        wanted = list(dict.fromkeys(str(value) for value in values if value is not None))
        param = by.param if member == "id" else (by.by or "{member}").format(member=member)
        rows = await fetch_where(self._client, declared, param, wanted, most=by.most, member=member)
        return _hand_out(stream, rows)

    def touch(self, stream: str, ids: Iterable[object]) -> None:
        self.touched.setdefault(stream, []).extend(str(id) for id in ids)

    @property
    def can_act(self) -> bool:
        is_partner = isinstance(self._client.target.auth, AuthorizationCode)
        return self._integration.acting_credential is not None and not is_partner

    def plan(self, steps: Iterable[str]) -> None:
        self._planned = list(steps)

    def tell_progress(self) -> Progress:
        """How far the writes that were planned came."""
        told = Progress()
        for step in dict.fromkeys((*self._steps, *self._planned)):
            done = self._steps.get(step)
            if done is None:
                told.missing.append(step)
            elif done.row is None:
                told.unsure.append(step)
            else:
                told.made[step] = done.row["id"]
        return told

    async def create(
        self, step: str, path: str, body: Data, *, stream: str, look: Look, acting_as: int | None = None
    ) -> VendorRow:
        done = self._steps.get(step)
        row = VendorRow(stream, done.row) if done is not None and done.row is not None else None
        if row is None and done is not None:
            row = await _look_patiently(look, done.sent_at, LOOK_PAUSES)
        if row is None:
            row = await self._write(step, path, body, stream, look, acting_as)
        self._steps[step] = Step(sent_at=self._steps[step].sent_at, row=row.data)
        await self._save_steps(self._steps)
        self.touch(stream, [row.find_value("id")])
        return row

    async def _write(
        self, step: str, path: str, body: Data, stream: str, look: Look, acting_as: int | None
    ) -> VendorRow:
        sent_at = self._clock.now()
        self._steps[step] = Step(sent_at=sent_at)
        await self._save_steps(self._steps)
        try:
            return VendorRow(stream, await self._send(path, body, acting_as))
        except (VendorRefused, PermissionMissing, ReauthorizeNeeded, ReferenceMissing, RetryLater):
            del self._steps[step]  # it made nothing, so a repeat may try again
            await self._save_steps(self._steps)
            raise
        except (Unanswered, VendorChanged) as error:
            is_lost = isinstance(error, Unanswered)
            found = await _look_patiently(look, sent_at, LOOK_PAUSES if is_lost else ACCEPTED_PAUSES)
            if found is not None:
                return found
            raise RetryLater(
                f"POST {path}: {'its answer was lost' if is_lost else 'it was answered without an id'}, and nothing "
                "that it made is there yet; repeat the call under its idempotency key, or look first"
            ) from error

    async def _send(self, path: str, body: Data, acting_as: int | None) -> Data:
        client = self._client
        if acting_as is not None and self._integration.acting_credential is not None:
            client = client.act_as({self._integration.acting_credential: str(acting_as)})
        try:
            answer = await client.send("POST", client.target.locate(path), msgspec.json.encode(body))
        except ReauthorizeNeeded as error:
            if client is self._client:
                raise
            await self._client.check()  # it raises where it is not the user that is refused
            raise ReferenceMissing(f"POST {path}: the vendor lets nobody act as user {acting_as}") from error
        return _read_row(answer, path)


def _hand_out(stream: str, rows: Iterable[Row]) -> list[VendorRow]:
    """The rows. Raises VendorChanged for one that cannot be decoded, of which the vendor may have sent anything."""
    found = []
    for row in rows:
        found.append(VendorRow(stream, row.data))
        if row.fault is not None:
            raise VendorChanged(f"{found[-1].name}: the row cannot be decoded: {row.fault}")
    return found


async def _look_patiently(look: Look, sent_at: datetime, pauses: Iterable[float]) -> VendorRow | None:
    """What the write made: looked for after each pause, as it may show only after a while."""
    for pause in pauses:
        await asyncio.sleep(pause)
        found = await look(sent_at - LOOK_BACK)
        if found is not None:
            return found
    return None


def _read_row(answer: Answer, path: str) -> Data:
    row = read_row(answer, of=f"POST {path}")
    if row.fault is not None:
        raise VendorChanged(f"POST {path}: the answer cannot be decoded: {row.fault}")
    if "id" not in row.data:
        raise VendorChanged(f"POST {path}: the answer has no id")
    return row.data
