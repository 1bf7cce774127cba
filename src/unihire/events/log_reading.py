"""The change log, read: of one connector in the order of its feed, or of all connectors of an environment."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import NamedTuple
from uuid import UUID

import asyncpg

from unihire.errors import UnihireError
from unihire.kit.clock import from_micros, to_micros
from unihire.model import MODELS, ModelSpec
from unihire.platform.hiding import Hidden
from unihire.store import Connection, Pool
from unihire.store.database import read_clock
from unihire.store.events import log
from unihire.store.events.eras import Era, get_era
from unihire.store.events.log import ChangeEvent
from unihire.store.events.order import (
    BEGINNING,
    Durable,
    LogPlace,
    find_all_remote_ids,
    find_last_place,
    has_page,
    is_cut_behind,
    list_ordered,
)  # fmt: skip
from unihire.store.events.packing import Unpacked, unpack
from unihire.store.feed.changes import ChangeKind

_SPECS = {spec.number: spec for spec in MODELS.values()}

FIRST_PAGES, MOST_PAGES, MOST_WALKED = 8, 512, 4_096
"""Pages that are read at first, and at once at most; and in all, before what was found is answered: few or none of them
may fit a filter, or be of the environment."""

MARGIN = timedelta(days=1)
"""So much earlier than what a reader saw last begins what it is to list again: transactions overlap, clocks are set."""


TOO_OLD = "the events after this cursor are older than events are stored for"


class EventsMissed(UnihireError):
    """Events after a place are not in the log.

    `last` is the place after all events of now, of the era `era`. Who lists all that was modified after
    `modified_after`, deleted records included, and goes on from there, has missed nothing; None: all there is must be
    listed, and what is not among it is gone.
    """

    def __init__(self, message: str, era: Era, last: LogPlace, modified_after: int | None) -> None:
        super().__init__(message)
        self.era = era
        self.last = last
        self.modified_after = None if modified_after is None else from_micros(modified_after)


@dataclass(frozen=True, slots=True, kw_only=True)
class EventQuery:
    """Events of an organisation's environment, or of one `connector` of it: its id and number.

    They are those of a model, of a kind, and that changed a field, where these are given. What is `hidden` is not
    among the changed fields, and of no use to find events by.
    """

    organisation: UUID
    environment: str
    connector: tuple[UUID, int] | None = None
    model: ModelSpec | None = None
    kind: ChangeKind | None = None
    changed: str | None = None
    hidden: Hidden | None = None

    def show_changed(self, kind: ChangeKind, model: int, changed: tuple[str, ...]) -> tuple[str, ...] | None:
        """The changed fields that are shown of such events; None where they are not wanted."""
        spec = _SPECS.get(model)  # None: a newer program's
        if spec is None or (self.model is not None and spec is not self.model):
            return None
        if self.hidden is not None and not self.hidden.shows(spec.name):
            return None
        if self.kind is not None and kind is not self.kind:
            return None
        names = frozenset[str]() if self.hidden is None else self.hidden.names(spec)
        if names or (self.hidden is not None and self.hidden.models is not None):
            changed = tuple(name for name in changed if name.removeprefix("more.") not in names and name != "raw_data")
        return changed if self.changed is None or self.changed in changed else None


class PlacedEvent(NamedTuple):
    """An event with its place in the log and the id of its connector."""

    place: LogPlace
    connector_id: UUID
    event: ChangeEvent


@dataclass(frozen=True, slots=True)
class EventPage:
    """Events in order, and the place after which to continue; `has_more`: there are further pages to look at now."""

    era: Era
    events: Sequence[PlacedEvent]
    place: LogPlace
    has_more: bool


class EventReader:
    """Reads the change log. What it answers outlasts a crash of the server."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._durable = Durable()

    async def read(self, wanted: EventQuery, after: tuple[Era, LogPlace] | None, limit: int) -> EventPage:
        """The first events after a place, `limit` at most; of all that are stored without one.

        Raises EventsMissed where some after the place are not there any more.
        """
        era = await get_era(self._pool)
        place = BEGINNING if after is None else after[1]
        async with self._pool.acquire() as connection:
            found = await _Walk(connection, wanted, place, limit).go()
        if after is not None:  # afterwards: what was cut while it was read counts as well
            await self._refuse_missed(wanted, after[0], place, era)
        if found.place != place:
            await self._durable.wait(self._pool, era, found.place.xid)
        return EventPage(era, found.events, found.place, found.has_more)

    async def find_end(self, wanted: EventQuery) -> tuple[Era, LogPlace]:
        """The place after every event of now, from which on a reader misses nothing that it does not find in lists."""
        era = await get_era(self._pool)
        place = await find_last_place(self._pool) if wanted.connector is None else await self._find_end(wanted)
        await self._durable.wait(self._pool, era, place.xid)
        return era, place

    async def _find_end(self, wanted: EventQuery) -> LogPlace:
        assert wanted.connector is not None
        return await log.find_last_place(self._pool, wanted.connector[1])

    async def _refuse_missed(self, wanted: EventQuery, given_in: Era, place: LogPlace, era: Era) -> None:
        if given_in.epoch != era.epoch:
            message = "the events are of another database than the one that gave this cursor: it was restored, or moved"
            raise await self._make_missed(wanted, message, None)
        if await self._is_cut_behind(wanted, place):
            raise await self._make_missed(wanted, TOO_OLD, place)
        is_known = place == BEGINNING or await has_page(self._pool, place)
        if given_in.token != era.token and not is_known and not await log.is_cut(self._pool, place):
            message = "the database lost its latest changes, and this cursor is of one of them"
            raise await self._make_missed(wanted, message, None)

    async def _is_cut_behind(self, wanted: EventQuery, place: LogPlace) -> bool:
        if wanted.connector is not None:
            return await log.find_first_position(self._pool, wanted.connector[1]) > place.seq
        return await is_cut_behind(self._pool, wanted.organisation, wanted.environment, place)

    async def _make_missed(self, wanted: EventQuery, message: str, place: LogPlace | None) -> EventsMissed:
        era, last = await self.find_end(wanted)
        after: int | None = None
        if place is not None and place != BEGINNING and place.seq < to_micros(await read_clock(self._pool)):
            after = max(0, place.seq - MARGIN // timedelta(microseconds=1))
        return EventsMissed(message, era, last, after)


class _Walk:
    """One reading: from a place on, page by page, until there are enough events."""

    def __init__(self, connection: Connection, wanted: EventQuery, place: LogPlace, limit: int) -> None:
        self._connection = connection
        self._wanted = wanted
        self._place = place
        self._limit = limit
        self._found: list[tuple[LogPlace, UUID, Unpacked]] = []

    async def go(self) -> "_WalkedPages":
        began, walked, step, own = self._place, 0, min(FIRST_PAGES, self._limit), 0
        while True:
            rows = await self._list(step)
            own += sum(row["packed"] is not None for row in rows)
            walked += len(rows)
            if self._take(rows):
                return await self._end(self._found[-1][0], has_more=True)
            has_more = len(rows) == step
            if not has_more or walked >= MOST_WALKED:
                # Others' pages are passed again: so who finds nothing has nothing to store.
                place = began if not own and not has_more and walked < FIRST_PAGES else self._place
                return await self._end(place, has_more=has_more)
            step = min(4 * step, MOST_PAGES)

    async def _list(self, count: int) -> Sequence[asyncpg.Record]:
        wanted = self._wanted
        if wanted.connector is None:
            return await list_ordered(self._connection, wanted.organisation, wanted.environment, self._place, count)
        return await log.list_pages(self._connection, wanted.connector[1], self._place.seq, count)

    def _take(self, rows: Sequence[asyncpg.Record]) -> bool:
        """Take the wanted events of pages; whether there were more than wanted."""
        for row in rows:
            at = partial(LogPlace, row["xid"], row["connector"])
            if row["packed"] is not None:
                after = self._place.seq if self._place[:2] == (row["xid"], row["connector"]) else -1
                id = row["id"] if self._wanted.connector is None else self._wanted.connector[0]
                for one in unpack(row["packed"], after, self._wanted.show_changed):
                    if len(self._found) == self._limit:
                        return True
                    self._found.append((at(one.seq), id, one))
            self._place = at(row["last_seq"])
        return False

    async def _end(self, place: LogPlace, *, has_more: bool) -> "_WalkedPages":
        keys = list({(at.connector, one.id) for at, _, one in self._found})
        remote_ids = await find_all_remote_ids(self._connection, keys)
        events = [
            PlacedEvent(
                at,
                id,
                ChangeEvent(at.connector, one.seq, one.model, one.kind, one.id, remote_id, one.changed, one.write),
            )
            for at, id, one in self._found
            if (remote_id := remote_ids.get((at.connector, one.id))) is not None  # None: the connector is gone
        ]
        return _WalkedPages(events, place, has_more)


@dataclass(frozen=True, slots=True)
class _WalkedPages:
    events: Sequence[PlacedEvent]
    place: LogPlace
    has_more: bool
