"""Reconciling: counts every record at the vendor beside those in the store, and changes nothing."""

from collections.abc import Callable, Collection
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from unihire.errors import PermissionMissing, VendorChanged, VendorRefused
from unihire.integration.declare import Integration, Stream, has_deleted
from unihire.model import MODELS
from unihire.outbound.client import VendorClient
from unihire.outbound.paging import Row
from unihire.store import Connection, Pool, counting, streams
from unihire.store.accounts.tenancy import Connector
from unihire.store.counting import VendorRecord
from unihire.store.database import read_clock
from unihire.store.record_keys import derive_ids
from unihire.store.work import runs
from unihire.sync.fetching import fetch_rows, find_lead, first_page, is_older, walk
from unihire.sync.pages import Counts
from unihire.sync.quarantine import find_fault, find_row_id
from unihire.sync.rendering import Renderer, beside_numbers, model_numbers
from unihire.sync.run import explain_failure

SHOWN_IDS = 5
"""How many ids are shown of a model's records that are on one side only."""

CONFIRMED = 500
"""How many records of a stream that its lists do not show are requested by id; beyond that the lists decide."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """The records of one model: at the vendor and in the store."""

    model: str
    there: int
    """Records at the vendor."""
    here: int
    """Records in the store that are not deleted."""
    quarantined: int
    """Records at the vendor whose rows are quarantined: in the store they are missing, or as they last were. Neither
    `missing` nor `gone` counts them."""
    missing: int
    """Records at the vendor that are not in the store."""
    gone: int
    """Records in the store that the vendor no longer has."""
    unconfirmed: int
    """Records in the store that no row showed, but that a row may show which is quarantined or not whole. They stay."""
    missing_ids: list[str]
    gone_ids: list[str]
    """The vendor's ids of a few of each."""

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
    """Read every list of records whole at the vendor, now, and compare with the live records here, by id.

    Records that are rows of details or joins are not compared: the rows of the lists do not have their ids.

    A sync may go on meanwhile; it is not blocked. Raises RetryLater when the vendor cannot answer now and
    ReauthorizeNeeded when it refuses the credentials.
    """
    started_at = await read_clock(pool)
    skew = started_at - client.clock.now()
    found = Reconciliation()
    read: list[_StreamCount] = []
    async with counting.open_count(pool) as connection, client:
        for stream in integration.streams:
            if not stream.mappings:
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
    found.has_synced = await runs.has_synced_since(pool, connector.number, started_at)
    return found


_NAMES = {spec.number: spec.name for spec in MODELS.values()}


async def _compare(
    connection: Connection, connector: Connector, read: list["_StreamCount"], left_out: set[str]
) -> list[Comparison]:
    """The models that the streams read give, but for those of which a stream could not be read."""
    given = {number for count in read for number in set(model_numbers(count.stream)) - beside_numbers(count.stream)}
    models = sorted(number for number in given if _NAMES[number] not in left_out)
    # Parts are marked deleted only when no row of their stream hides any: one that does not map may well mention them.
    rows = {number for count in read for number in model_numbers(count.stream, rows_only=True)}
    unconfirmed = {number for count in read for number in count.hidden} - rows
    compared = await counting.compare(connection, connector.number, models)
    found = []
    for number in models:
        row = compared.get(number) or dict.fromkeys(("there", "here", "quarantined", "missing", "gone"), 0)
        gone = 0 if number in unconfirmed else row["gone"]
        found.append(
            Comparison(
                model=_NAMES[number],
                there=row["there"],
                here=row["here"],
                quarantined=row["quarantined"],
                missing=row["missing"],
                gone=gone,
                unconfirmed=row["gone"] - gone,
                missing_ids=await counting.find_missing(connection, connector.number, number, SHOWN_IDS)
                if row["missing"]
                else [],
                gone_ids=await counting.find_gone(connection, connector.number, number, SHOWN_IDS) if gone else [],
            )
        )
    return found


class _StreamCount:
    """Notes the records that one stream's rows show."""

    def __init__(
        self,
        connection: Connection,
        client: VendorClient,
        connector: Connector,
        stream: Stream,
        watch: Callable[[Counts], None],
    ) -> None:
        self.stream = stream
        self.hidden: set[int] = set()
        self._connection = connection
        self._client = client
        self._connector = connector.number
        self._watch = watch
        self._counts = Counts(stream.name)
        self._has_quarantine = False
        self._token: str | None = None
        self._renderer = Renderer(connector.id, connector.number)
        self._has_deleted = has_deleted(stream)
        self._every = model_numbers(stream)
        own = model_numbers(stream, rows_only=True)
        self._own = [(number, derive_ids(connector.id, _NAMES[number])) for number in own]
        self._parts = set(self._every) - set(own) - beside_numbers(stream)

    async def read(self, started_at: datetime, skew: timedelta) -> None:
        """Read the list, then what changed since: a list newest first moves changed rows to pages already read."""
        stream = self.stream
        self._has_quarantine = await self._connection.fetchval(streams.HAS_QUARANTINE, self._connector, stream.name)
        await self._walk("walk", first_page(self._client, stream, {}))
        if stream.is_incremental:
            since = started_at - stream.overlap - find_lead(self._client, skew)
            await self._walk(
                "catch_up", first_page(self._client, stream, stream.ask_changed(since, self._token)), since
            )
        own = model_numbers(stream, rows_only=True)
        if own and stream.by_id is not None:
            # What a list leaves out and the vendor shows by its id is not gone.
            self._report("absent")
            unlisted = await counting.find_unlisted(self._connection, self._connector, stream.name, own, CONFIRMED)
            found = await fetch_rows(self._client, stream, unlisted)
            await self._note(found.rows)
            await self._note_ids(found.unsure)
        self._report("done")

    async def _walk(self, phase: str, start: str, since: datetime | None = None) -> None:
        async with aclosing(walk(self._client, self.stream, start)) as pages:
            async for page in pages:
                await self._note(page.rows)
                if phase == "walk":
                    self._counts.read += len(page.rows)
                self._report(phase)
                self._token = page.token or self._token
                if since is not None and is_older(self.stream, page.rows, since):
                    break

    def _report(self, phase: str) -> None:
        self._counts.phase = phase
        self._watch(self._counts)

    async def _note_ids(self, ids: Collection[str]) -> None:
        """Nobody knows whether the vendor still has the rows of these ids: they are not compared as gone."""
        listed = {VendorRecord(number, derived.text(id), id, False) for number, derived in self._own for id in ids}
        await counting.note_vendor_records(self._connection, listed)

    async def _note(self, rows: list[Row]) -> None:
        unserved: set[str] = set()
        if self._has_quarantine:
            ids = [find_row_id(self.stream, row) for row in rows]
            found = await self._connection.fetch(streams.FIND_UNSERVED, self._connector, self.stream.name, ids)
            unserved = {row["row_id"] for row in found}
        listed: set[VendorRecord] = set()
        for row in rows:
            row_id = find_row_id(self.stream, row)
            is_unserved = row_id in unserved or find_fault(row) is not None
            parts = set[tuple[int, str, str]]()
            if self._parts and not is_unserved:
                parts, is_unserved = self._list_parts(row)
            if is_unserved:
                self.hidden.update(self._every)
            deleted = self._renderer.deleted_ids(self.stream, row) if self._has_deleted else []
            own = {(number, id, row_id) for number, ids in self._own if (id := ids.text(row_id)) not in deleted}
            listed |= {VendorRecord(*one, is_unserved) for one in own | parts}
        await counting.note_vendor_records(self._connection, listed)

    def _list_parts(self, row: Row) -> tuple[set[tuple[int, str, str]], bool]:
        """The records that are parts of a row, as model, id and vendor's id, and whether the row becomes nothing.

        Its details and joins change nothing in their ids.
        """
        records, quarantined = self._renderer.render_rows(self.stream, [row], {})
        self.hidden.update(number for one in quarantined for number in one.hides)
        parts = {(one.model, one.id, one.remote_id) for one in records if one.model in self._parts}
        return parts, any(not one.is_served for one in quarantined)
