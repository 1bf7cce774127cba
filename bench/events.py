"""Saving with the change log against saving without it: pages of new records, and pages in which each has changed.

Two connectors of one database are saved in turn, page by page, one of them with the log: what slows the machine down
slows both.
"""

import time
from collections.abc import Sequence
from statistics import median

import msgspec

from bench.figures import Figures
from bench.place import Place
from bench.seeding import create_tenant, make_rows, settle
from bench.sizes import Sizes
from unihire.integration.declare import RecordMapping, Source, Stream
from unihire.model import MODELS, Record
from unihire.outbound.paging import Row, WholeList
from unihire.store import Pool
from unihire.store.accounts.tenancy import Connector
from unihire.store.events.log import log_changes
from unihire.store.feed import saving
from unihire.store.feed.changes import ChangeLog
from unihire.store.feed.gate import Feed, write_feed
from unihire.store.feed.rendered import Rendered
from unihire.sync.rendering import Renderer

SPEC = MODELS["candidate"]
PAGE = 200
"""Records of a page, as Personio gives them."""

MEASURE_LOG = "SELECT count(*) AS pages, sum(pg_column_size(event_page.*)) AS bytes FROM event_page"

WITHOUT, WITH = 0, 1


async def measure_events(place: Place, sizes: Sizes, figures: Figures) -> None:
    """The figures `events.*`."""
    pages = max(4, sizes.first_sync // 10 // PAGE)
    print(f"events: {pages} pages of {PAGE} candidates, with and without the change log", flush=True)
    async with place.open_scratch("events") as (_, pool):
        tenants = [(await create_tenant(pool))[0] for _ in (WITHOUT, WITH)]
        savers = [
            CandidateSaver(pool, tenant.connector, log)
            for tenant, log in zip(tenants, (None, log_changes), strict=True)
        ]
        for kind, version in (("new", 0), ("changed", 1)):
            await settle(pool)
            ratio, seconds = await _compare(savers, pages, version)
            figures.put(f"events.save_{kind}", ratio)
            figures.put(f"events.page_ms.{kind}", seconds[WITH] * 1000)
            figures.put(f"events.page_ms.{kind}_without", seconds[WITHOUT] * 1000)
            (log,) = await pool.fetch(MEASURE_LOG)
            figures.put(f"events.bytes.{kind}", log["bytes"] / pages / PAGE)
            await pool.execute("TRUNCATE event_page")


async def _compare(savers: Sequence["CandidateSaver"], pages: int, version: int) -> tuple[float, list[float]]:
    """The median of the pages' ratios, time without by time with, and the medians of both in seconds."""
    taken: list[list[float]] = [[], []]
    for number in range(pages):
        numbers = range(number * PAGE, (number + 1) * PAGE)
        made = [saver.render(numbers, version) for saver in savers]
        for which in (WITHOUT, WITH) if number % 2 else (WITH, WITHOUT):
            began = time.perf_counter()
            await savers[which].save(made[which])
            taken[which].append(time.perf_counter() - began)
    ratios = (without / with_ for without, with_ in zip(*taken, strict=True))
    return median(ratios), [median(some) for some in taken]


class CandidateSaver:
    """Saves pages of one connector."""

    def __init__(self, pool: Pool, connector: Connector, log: ChangeLog | None) -> None:
        self._pool = pool
        self._number = connector.number
        self._log = log
        self._renderer = Renderer(connector.id, connector.number)
        self._stream = Stream(
            name=SPEC.plural,
            path="/",
            paging=WholeList(items="items"),
            mappings=(RecordMapping(SPEC.record, _to_record),),
            id_of=lambda row: str(row["remote_id"]),
        )

    def render(self, numbers: range, version: int) -> list[Rendered]:
        """Records of these numbers; of a later version each differs in two fields."""
        rows = []
        for data in make_rows(SPEC, numbers):
            changed = {"first_name": f"Kim {version}", "title": f"Title {version}"} if version else {}
            rows.append(Row(data | changed, msgspec.json.encode(data | changed)))
        records, quarantined = self._renderer.render_rows(self._stream, rows, {})
        assert not quarantined, quarantined[0].reason
        return records

    async def save(self, records: Sequence[Rendered]) -> None:
        async def work(feed: Feed) -> None:
            found = await saving.find_stored(feed.connection, self._number, records)
            saved = await saving.save_found(
                feed.connection, self._number, self._stream.name, records, found, feed.changes
            )
            assert saved.added + saved.changed == len(records)

        await write_feed(self._pool, self._number, work, log_changes=self._log)


def _to_record(source: Source) -> Record:
    return msgspec.convert(source.row, SPEC.record)
