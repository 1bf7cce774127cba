"""What a new connector's first sync, full run, reads and operations take beside others of very different sizes, against
the same of the first connector of a store."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from bench.figures import Figures
from bench.place import Place
from bench.processes import Mismatch
from bench.seeding import ANY_CREDENTIALS, create_tenant, settle
from bench.sizes import Sizes
from bench.vendors import HARVEST, pick_lists, start_pages
from unihire.model import MODELS
from unihire.platform.clients import Clients
from unihire.platform.connectors import open_connector_client
from unihire.platform.operations import Operations
from unihire.store import Pool, reading
from unihire.store.accounts.tenancy import Connector
from unihire.store.bodies import BODY
from unihire.store.list_queries import RecordSelection
from unihire.sync.run import sync_connector

BIGGEST = 5
"""So many times what the first connector has, the biggest of the others has."""
READS = 40
CALLS = 10

# Another connector that has the first one's rows, so many of a thousand, and so often.
COPIES = (
    """
    INSERT INTO record (seq, connector, model, id, first_saved_at, remote_id, stream, fingerprint, keys, body, raw)
    SELECT seq + nth * 1000000000::bigint, $2::int, model, md5(id::text || $2 || ':' || nth)::uuid, first_saved_at,
        remote_id || nth, stream, fingerprint,
        ARRAY(SELECT hashint8extended(key, $2 * 1000 + nth) FROM unnest(keys) AS key), body, raw
    FROM record, generate_series(1, $4::int) AS nth
    WHERE connector = $1 AND deleted_at IS NULL AND abs(hashtext(id::text)) % 1000 < $3::int
    """,
    """
    INSERT INTO record_key (connector, key, seq) SELECT connector, key, seq FROM record CROSS JOIN unnest(keys) AS key
    WHERE connector = $2::int AND $1::int + $3::int + $4::int IS NOT NULL
    """,
    """
    INSERT INTO joined (connector, origin, row_id, stream, name, key, id, data)
    SELECT $2::int, origin, row_id || ':' || nth, stream, name, key || ':' || nth,
        md5(id::text || $2 || ':' || nth)::uuid, data
    FROM joined, generate_series(1, $4::int) AS nth
    WHERE connector = $1 AND abs(hashtext(row_id)) % 1000 < $3::int
    """,
)


async def measure_nth(place: Place, sizes: Sizes, figures: Figures) -> None:
    """The figures `nth_connector.*`."""
    print(f"the nth connector: the emulator renders every list of {sizes.nth_candidates:,} candidates", flush=True)
    async with start_pages(HARVEST, sizes.nth_candidates, rate_limit="0") as (origin, _):
        base_url = f"{origin}/{sizes.nth_candidates}"
        first: dict[str, float] = {}
        for _ in range(sizes.nth_tries):
            async with place.open_scratch("nth") as (_, pool):
                await settle(pool)
                _keep_least(first, await _measure_one(pool, base_url))
        for what, seconds in first.items():
            figures.put(f"nth_connector.seconds.{what}.1", seconds)
        worst = 0.0
        async with place.open_scratch("nth") as (_, pool):
            source = await _sync_first(pool, base_url)
            others = 1
            for count in sizes.nth_connectors:
                print(f"the nth connector: beside {count - 1} others", flush=True)
                for nth in range(others, count - 1):
                    await _copy(pool, source, nth)
                others = count - 1
                await settle(pool)  # from now on the statistics know the others
                found: dict[str, float] = {}
                for _ in range(sizes.nth_tries):
                    _keep_least(found, await _measure_one(pool, base_url))
                for what, seconds in found.items():
                    figures.put(f"nth_connector.seconds.{what}.{count}", seconds)
                    figures.put(f"nth_connector.{what}.{count}", seconds / first[what])
                    worst = max(worst, seconds / first[what])
    figures.put("nth_connector", worst)


def _keep_least(least: dict[str, float], found: dict[str, float]) -> None:
    for what, seconds in found.items():
        least[what] = min(seconds, least.get(what, seconds))


async def _copy(pool: Pool, source: Connector, nth: int) -> None:
    """Make one more connector: the first has most, each further one less."""
    tenant, _ = await create_tenant(pool, "greenhouse")
    times, share = (BIGGEST, 1000) if nth == 1 else (1, max(10, 1000 // nth))
    for statement in COPIES:
        await pool.execute(statement, source.number, tenant.connector.number, share, times)


@asynccontextmanager
async def _time(found: dict[str, float], what: str) -> AsyncIterator[None]:
    started = time.perf_counter()
    yield
    found[what] = time.perf_counter() - started


async def _sync_first(pool: Pool, base_url: str) -> Connector:
    integration = pick_lists(HARVEST.order)
    tenant, sealer = await create_tenant(pool, "greenhouse", base_url=base_url, credentials=ANY_CREDENTIALS)
    client = open_connector_client(pool, tenant.connector, sealer, is_background=True)
    await sync_connector(pool, tenant.connector, integration, client)
    return tenant.connector


async def _measure_one(pool: Pool, base_url: str) -> dict[str, float]:
    """Seconds of a new connector's first sync, of a full run after it, of reads and of operations from the store."""
    integration = pick_lists(HARVEST.order)
    tenant, sealer = await create_tenant(pool, "greenhouse", base_url=base_url, credentials=ANY_CREDENTIALS)
    connector, found = tenant.connector, dict[str, float]()
    for what in ("first_sync", "full_run"):
        client = open_connector_client(pool, connector, sealer, is_background=True)
        async with _time(found, what):
            report = await sync_connector(pool, connector, integration, client, full=what == "full_run")
        if report.errors:
            raise Mismatch(f"the {what} of a connector failed: {report.errors}")
    async with _time(found, "reads"):
        await _read(pool, connector)
    clients = Clients(lambda connector: open_connector_client(pool, connector, sealer))
    try:
        async with _time(found, "operations"):
            await _call(Operations(pool, clients), connector)
    finally:
        await clients.close()
    return found


async def _read(pool: Pool, connector: Connector) -> None:
    """Pages, pages by ids, targets of relations and single records, of candidates and applications."""
    for model in (MODELS["candidate"].number, MODELS["application"].number):
        rows = await pool.fetch(
            "SELECT id::text, keys[1] AS key FROM record WHERE connector = $1 AND model = $2 AND deleted_at IS NULL "
            "ORDER BY seq LIMIT 50",
            connector.number,
            model,
        )
        ids, keys = [row["id"] for row in rows], [row["key"] for row in rows]
        for nth in range(READS):
            wanted = partial(RecordSelection, connector=connector.number, model=model, after=0, limit=50)
            own = keys[nth % len(keys)]
            for one in (wanted(), wanted(ids=ids), wanted(keys=[[own]]), wanted(keys=[keys[:3]])):
                if not (await reading.list_records(pool, one)).bodies:
                    raise Mismatch("a list of a new connector has nothing in it")
            await reading.find_targets(pool, connector.number, model, ids, BODY)
            await reading.find_record(pool, connector.number, model, ids[nth % len(ids)], BODY)


async def _call(operations: Operations, connector: Connector) -> None:
    for _ in range(CALLS):
        for name in ("list_candidates", "list_applications"):
            outcome = await operations.call(connector, name, {"results_per_page": 50, "source": "synced"})
            if not outcome.is_success:
                raise Mismatch(f"{name} of a new connector: {outcome.output}")
