"""Reconciling: every record the vendor tells of now, counted beside those served here, which stay as they are."""

from collections.abc import Callable, Collection, Iterator
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from unihire.errors import PermissionMissing, RecordError, VendorChanged, VendorRefused
from unihire.integration.declare import Integration, Maps, Source, Stream
from unihire.kit.ids import DerivedIds
from unihire.model import MODELS, spec_of
from unihire.outbound.client import VendorClient
from unihire.outbound.paging import Row
from unihire.store import Connection, Pool, counting, runs, streams
from unihire.store.counting import Met
from unihire.store.database import read_clock
from unihire.store.keys import derive_ids
from unihire.store.tenancy import Connector
from unihire.sync.fetching import fetch_rows, find_lead, first_page, walk
from unihire.sync.pages import Counts
from unihire.sync.rendering import MISFITS, find_row_id, model_numbers
from unihire.sync.run import explain_failure

TOLD = 5
"""Ids told of the records of a model that are on one side only."""

CONFIRMED = 500
"""Records of a stream that its lists do not tell of and that are asked for by their ids; of more, the lists decide."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """The records of one model, there (at the vendor) and here.

    `aside` are those there whose rows will not map: here they are missing, or as they last were. They are neither
    `missing` nor `gone`. `held` are here and not told there, but perhaps in a row set aside, so they stay. The ids are
    the vendor's, a few of each.
    """

    model: str
    there: int
    here: int
    aside: int
    missing: int
    gone: int
    held: int
    missing_ids: list[str]
    gone_ids: list[str]

    @property
    def is_equal(self) -> bool:
        return not (self.missing or self.gone)


@dataclass(frozen=True, slots=True)
class Unread:
    """A stream that could not be read: the models its rows become are not compared.

    `is_closed` where the credentials do not reach it, which the customer may mean.
    """

    stream: str
    reason: str
    models: list[str]
    is_closed: bool


@dataclass(slots=True)
class Reconciliation:
    """What was found. `has_synced`: a sync went on meanwhile, so that the two sides are of different moments."""

    models: list[Comparison] = field(default_factory=list)
    unread: list[Unread] = field(default_factory=list)
    has_synced: bool = False

    @property
    def is_equal(self) -> bool:
        """Whether every model that was compared is."""
        return all(one.is_equal for one in self.models)


async def reconcile(
    pool: Pool,
    connector: Connector,
    integration: Integration,
    client: VendorClient,
    *,
    watch: Callable[[Counts], None] = lambda counts: None,
) -> Reconciliation:
    """Read every list of records whole at the vendor, now, and compare with the living records here, by id.

    A sync may go on meanwhile; it is not held up. Raises RetryLater when the vendor cannot answer now and
    ReauthorizeNeeded when it refuses the credentials.
    """
    begun_at = await read_clock(pool)
    skew = begun_at - client.clock.now()
    found = Reconciliation()
    read: list[_StreamCount] = []
    async with counting.open_count(pool) as connection, client:
        for stream in integration.streams:
            if not stream.maps:
                continue
            count = _StreamCount(connection, client, connector, stream, watch)
            try:
                await count.read(await read_clock(pool), skew)
            except (PermissionMissing, VendorRefused, VendorChanged) as error:
                names = [_NAMES[number] for number in dict.fromkeys(model_numbers(stream))]
                reason = explain_failure(stream, error)
                found.unread.append(Unread(stream.name, reason, names, isinstance(error, PermissionMissing)))
            else:
                read.append(count)
        left_out = {name for one in found.unread for name in one.models}
        found.models = await _compare(connection, connector, read, left_out)
    found.has_synced = await runs.has_synced_since(pool, connector.number, begun_at)
    return found


_NAMES = {spec.number: spec.name for spec in MODELS.values()}


async def _compare(
    connection: Connection, connector: Connector, read: list["_StreamCount"], left_out: set[str]
) -> list[Comparison]:
    """The models that the streams read give, but for those of which a stream could not be read."""
    given = {number for count in read for number in model_numbers(count.stream)}
    models = sorted(number for number in given if _NAMES[number] not in left_out)
    # Parts are let go only when every row of their stream maps: one that does not may well mention them.
    rows = {number for count in read for number in model_numbers(count.stream, rows_only=True)}
    held = {number for count in read if count.has_aside for number in model_numbers(count.stream)} - rows
    compared = await counting.compare(connection, connector.number, models)
    found = []
    for number in models:
        row = compared.get(number) or dict.fromkeys(("there", "here", "aside", "missing", "gone"), 0)
        gone = 0 if number in held else row["gone"]
        found.append(
            Comparison(
                model=_NAMES[number],
                there=row["there"],
                here=row["here"],
                aside=row["aside"],
                missing=row["missing"],
                gone=gone,
                held=row["gone"] - gone,
                missing_ids=await counting.find_missing(connection, connector.number, number, TOLD)
                if row["missing"]
                else [],
                gone_ids=await counting.find_gone(connection, connector.number, number, TOLD) if gone else [],
            )
        )
    return found


@dataclass(frozen=True, slots=True)
class _Told:
    """One of a stream's `maps`, with what derives the ids of its records."""

    maps: Maps
    number: int
    ids: DerivedIds


class _StreamCount:
    """Notes the records that one stream's rows tell of."""

    def __init__(
        self,
        connection: Connection,
        client: VendorClient,
        connector: Connector,
        stream: Stream,
        watch: Callable[[Counts], None],
    ) -> None:
        self.stream = stream
        self.has_aside = False
        self._connection = connection
        self._client = client
        self._connector = connector.number
        self._watch = watch
        self._counts = Counts(stream.name)
        self._has_quarantine = False
        specs = [(maps, spec_of(maps.model)) for maps in stream.maps]
        self._told = [_Told(maps, spec.number, derive_ids(connector.id, spec.name)) for maps, spec in specs]

    async def read(self, begun_at: datetime, skew: timedelta) -> None:
        """Read the list, then what changed since: a list newest first moves changed rows to pages already read."""
        stream = self.stream
        self._has_quarantine = await self._connection.fetchval(streams.HAS_QUARANTINE, self._connector, stream.name)
        await self._walk("walk", first_page(self._client, stream, {}))
        if stream.changed_since is not None:
            since = stream.changed_since(begun_at - stream.overlap - find_lead(self._client, skew))
            await self._walk("catch_up", first_page(self._client, stream, since))
        own = model_numbers(stream, rows_only=True)
        if own and stream.by_id is not None:
            # What a list leaves out and the vendor shows by its id is not gone.
            self._tell("absent")
            unmet = await counting.find_unmet(self._connection, self._connector, stream.name, own, CONFIRMED)
            found = await fetch_rows(self._client, stream, unmet)
            await self._note(found.rows)
            await self._note_ids(found.unsure)
        self._tell("done")

    async def _walk(self, phase: str, start: str) -> None:
        async with aclosing(walk(self._client, self.stream, start)) as pages:
            async for page in pages:
                await self._note(page.rows)
                if phase == "walk":
                    self._counts.read += len(page.rows)
                self._tell(phase)

    def _tell(self, phase: str) -> None:
        self._counts.phase = phase
        self._watch(self._counts)

    async def _note_ids(self, ids: Collection[str]) -> None:
        """Nobody knows whether the vendor still has the rows of these ids: they are not compared as gone."""
        own = [told for told in self._told if told.maps.each is None]
        await counting.note_met(
            self._connection, {Met(told.number, told.ids.text(id), id, False) for told in own for id in ids}
        )

    async def _note(self, rows: list[Row]) -> None:
        aside: set[str] = set()
        if self._has_quarantine:
            ids = [find_row_id(self.stream, row) for row in rows]
            found = await self._connection.fetch(streams.FIND_QUARANTINED, self._connector, self.stream.name, ids)
            aside = {row["row_id"] for row in found}
        met: set[Met] = set()
        for row in rows:
            row_id = find_row_id(self.stream, row)
            is_aside = row_id in aside
            try:
                parts = list(self._list_parts(row))
            except MISFITS:
                parts, is_aside = [], True
            self.has_aside = self.has_aside or is_aside
            own = [(told, row_id) for told in self._told if told.maps.each is None]
            met |= {Met(told.number, told.ids.text(id), id, is_aside) for told, id in (*own, *parts)}
        await counting.note_met(self._connection, met)

    def _list_parts(self, row: Row) -> Iterator[tuple[_Told, str]]:
        """The records that are parts of a row, by their vendor ids, which its details and joins do not change."""
        for told in self._told:
            if told.maps.each is None:
                continue
            for part in told.maps.each(row.data):
                id = told.maps.to(Source(part, row.data)).remote_id
                if not isinstance(id, str) or not id:
                    raise RecordError("a part without an id")
                yield told, id
