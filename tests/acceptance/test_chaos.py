"""Workers killed, frozen and cut off, the server crashed, the network gone: nothing is lost, doubled or stuck.

The whole of it is `make chaos`. CHAOS_KILLS says how many workers are killed, CHAOS_SEED repeats a run's luck.
"""

import asyncio
import os
import random
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from itertools import zip_longest
from pathlib import Path

import asyncpg
import httpx
import pytest
import pytest_asyncio

from testbed.chaos import QUICK, Chaos, Process, Server, Watch, Workers, insist
from testbed.databases import Databases, make_place
from testbed.disturbing import COMPANIES, change_rows, delete_rows, read_content
from testbed.tenants import Tenant
from unihire.errors import VendorError
from unihire.kit.seal import Sealer, new_key
from unihire.platform.connectors import open_connector_client
from unihire.platform.syncs import ask_sync, cancel_sync
from unihire.sandbox.runner import Ready, start_sandbox
from unihire.store import Pool
from unihire.store.connections import LOST
from unihire.store.database import open_database
from unihire.sync.chores import Pace
from unihire.sync.rows_by_id import sync_rows_by_id
from unihire.sync.run import sync_connector

KILLS = int(os.environ.get("CHAOS_KILLS", "4"))
SEED = int(os.environ.get("CHAOS_SEED", random.randrange(1_000_000)))
IS_WHOLE = KILLS >= 100
KILLS_A_ROUND = 12 if IS_WHOLE else 2
SIZES = {"personio": 300 if IS_WHOLE else 210, "greenhouse": 100}
"""Candidates: a list of more than a page, 200 rows, at one of them."""
SLOW = [{"word": "slow", "probability": 0.5, "seconds": 0.3 if IS_WHOLE else 0.1}]


@dataclass
class Scene:
    """The same connectors twice, in a database each on one server: those to be disturbed, and those not."""

    folder: Path
    databases: Databases
    disturbed: str
    undisturbed: str
    key: str
    sandboxes: list[Ready]
    tenants: list[Tenant]


@pytest.fixture(scope="module")
def sandboxes() -> Iterator[list[Ready]]:
    with ExitStack() as stack:
        yield [
            stack.enter_context(
                start_sandbox(company.slug, size=SIZES[company.slug], seed=2, options=company.options)
            ).ready
            for company in COMPANIES
        ]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def scene(sandboxes: list[Ready]) -> AsyncIterator[Scene]:
    key = new_key()
    async with AsyncExitStack() as stack:
        folder = stack.enter_context(make_place())
        databases = Databases(folder / "home")
        stack.callback(databases.server.close)
        await databases.prepare()
        first = await stack.enter_async_context(databases.create())
        async with open_database(databases.settings(first)) as pool:
            tenants = [
                await company.connect(pool, Sealer([key]), ready)
                for company, ready in zip(COMPANIES, sandboxes, strict=True)
            ]
            await pool.execute("UPDATE connector SET next_sync_at = now() + '1 day'")
        second = await stack.enter_async_context(databases.create(template=first))
        yield Scene(folder, databases, first, second, key, sandboxes, tenants)


async def set_faults(scene: Scene, faults: list[dict[str, object]]) -> None:
    for ready in scene.sandboxes:
        async with httpx.AsyncClient(base_url=ready.control_url) as control:
            (await control.put("faults", json=faults)).raise_for_status()


async def sync_undisturbed(scene: Scene, *, full: bool) -> None:
    async with open_database(scene.databases.settings(scene.undisturbed)) as pool:
        for tenant in scene.tenants:
            client = open_connector_client(pool, tenant.connector, Sealer([scene.key]))
            report = await sync_connector(pool, tenant.connector, tenant.integration, client, full=full)
            assert report.status == "done"


async def align_windows(scene: Scene, moment: datetime) -> None:
    """Let the next runs ask for the same changes: rows may show others that changed, and not count as changed."""
    for name in (scene.disturbed, scene.undisturbed):
        async with open_database(scene.databases.settings(name)) as pool:
            await pool.execute("UPDATE stream_state SET last_read_at = $1", moment)


async def check(scene: Scene) -> int:
    """What was disturbed holds what the other holds, byte for byte; returns how many records that is."""
    # Read again where it was cut off: workers end sessions whose client takes long, and here after a moment.
    left = await insist(partial(read_content, scene.databases.settings(scene.disturbed)))
    expected = await read_content(scene.databases.settings(scene.undisturbed))
    wrong = {
        name: [pair for pair in zip_longest(left[name], rows) if pair[0] != pair[1]][:1]
        for name, rows in expected.items()
        if left[name] != rows
    }
    assert not wrong, "\n".join(
        f"{name}: {len(left[name])} for {len(expected[name])}: {one}" for name, one in wrong.items()
    )
    return len(expected["records"])


def tell(line: str) -> None:
    """Shown by `make chaos`, and where the test fails."""
    sys.stdout.write(line + "\n")


async def test_whatever_happens_to_workers_and_database_the_records_are_those_of_undisturbed_runs(
    scene: Scene,
) -> None:
    tell(f"\nCHAOS_SEED={SEED} CHAOS_KILLS={KILLS}")
    begun_at = time.monotonic()
    chance = random.Random(SEED)
    settings = scene.databases.settings(scene.disturbed)
    workers = Workers(settings, scene.key, scene.folder, QUICK)
    try:
        async with open_database(settings) as pool:
            watch = Watch(pool, workers.is_one_ready)
            chaos = Chaos(chance, workers, Server(scene.databases), watch, scene.sandboxes)
            rounds = 0
            while chaos.done["kills"] < KILLS:
                full, begun = rounds == 0 or chance.random() < 0.4, datetime.now(UTC)
                if rounds:
                    for company, ready in zip(COMPANIES, scene.sandboxes, strict=True):
                        await change_rows(ready, company.streams)
                        if full:
                            await delete_rows(ready, company.streams, 0.03)
                await set_faults(scene, SLOW)
                for tenant in scene.tenants:
                    await insist(partial(ask_sync, pool, tenant.connector, tenant.integration, full=full))
                reading = asyncio.create_task(read_rows_again(scene, pool, chance, chaos.done))
                await chaos.disturb(min(KILLS_A_ROUND, KILLS - chaos.done["kills"]))
                reading.cancel()
                await asyncio.gather(reading, return_exceptions=True)
                workers.keep(2)
                await set_faults(scene, [])
                assert not await watch.wait_for_pages(1_000_000, 90), await pool.fetch("SELECT * FROM sync_run")
                for tenant in scene.tenants:  # what changed while those runs went on is the next one's to find
                    await insist(partial(ask_sync, pool, tenant.connector, tenant.integration))
                assert not await watch.wait_for_pages(1_000_000, 90), await pool.fetch("SELECT * FROM sync_run")
                ended = await pool.fetch("SELECT DISTINCT status, error FROM sync_run")
                assert [tuple(row) for row in ended] == [("done", None)]
                await sync_undisturbed(scene, full=full)
                records = await check(scene)
                await align_windows(scene, begun)
                rounds += 1
            await wait_for_no_jobs(scene)
    finally:
        workers.end()
    problems = workers.list_problems()
    told = ", ".join(f"{count} {what}" for what, count in sorted(chaos.done.items()))
    tell(
        f"{told}; {rounds} rounds, {len(watch.rests)} takeovers, the worst {max(watch.rests, default=0):.1f} s; "
        f"{records} records; {time.monotonic() - begun_at:.0f} s"
    )
    for problem, count in problems.items():
        tell(f"  {count} times {problem}")
    assert not [problem for problem in problems if "fault of ours" in problem or "stumbled" in problem]


# Ids of rows that are records, or shown by others.
LIST_STORED = """
    SELECT row_id FROM (
        SELECT remote_id AS row_id FROM record WHERE connector = $1 AND stream = $2 AND deleted_at IS NULL
        UNION SELECT row_id FROM joined WHERE connector = $1 AND origin = $2
    ) AS stored ORDER BY row_id
"""


REPEATING = {"personio": {"applications", "candidates"}}
"""Lists whose rows repeat what others say, and do not count as changed with it: what is stored of them hangs on when
they were read. So none of them are read by their ids here, and nothing that they repeat changes meanwhile."""


async def read_rows_again(scene: Scene, pool: Pool, chance: random.Random, done: Counter[str]) -> None:
    """Until cancelled: a few rows of a list change at a vendor, and some of the list are read by their ids."""
    while True:
        await asyncio.sleep(chance.uniform(0.0, 0.3))
        company, ready, tenant = chance.choice(list(zip(COMPANIES, scene.sandboxes, scene.tenants, strict=True)))
        repeating = REPEATING.get(company.slug, set())
        asked_by_id = [name for name in company.streams if tenant.integration.get_stream(name).by_id]
        name = chance.choice([name for name in asked_by_id if name not in repeating])
        try:
            if not repeating:
                await change_rows(ready, (name,), 0.05)
            stored = [row[0] for row in await pool.fetch(LIST_STORED, tenant.connector.number, name)]
            ids = chance.sample(stored, min(len(stored), 20))
            async with open_connector_client(pool, tenant.connector, Sealer([scene.key])) as client:
                await sync_rows_by_id(pool, tenant.connector, tenant.integration, client, {name: ids})
        except (VendorError, httpx.HTTPError, *LOST, asyncpg.CannotConnectNowError):
            done["readings by id in vain"] += 1
        else:
            done["readings by id"] += 1


async def wait_for_no_jobs(scene: Scene) -> None:
    async with open_database(scene.databases.settings(scene.disturbed)) as pool:
        for _ in range(100):
            if not await pool.fetchval("SELECT count(*) FROM procrastinate_jobs"):
                return
            await asyncio.sleep(0.1)
    raise AssertionError("a job stays")


@pytest.mark.parametrize("pace", [QUICK, None] if IS_WHOLE else [QUICK], ids=lambda pace: "quick" if pace else "real")
async def test_a_run_whose_worker_or_database_goes_is_gone_on_with_within_a_minute(
    scene: Scene, pace: Pace | None
) -> None:
    settings = scene.databases.settings(scene.disturbed)
    workers = Workers(settings, scene.key, scene.folder, pace)
    server, tenant = Server(scene.databases), scene.tenants[1]  # whose pages take one call each
    try:
        async with open_database(settings) as pool:
            watch = Watch(pool, workers.is_one_ready)
            await insist(partial(cancel_sync, pool, tenant.connector))
            await set_faults(scene, [{"word": "slow", "seconds": 1.5 if pace else 8.0}])
            workers.keep(2)
            await ask_sync(pool, tenant.connector, tenant.integration, full=True)

            async def find_busy() -> Process:
                assert await watch.wait_for_pages(2, 30)
                return max(workers.alive, key=Process.find_begun)

            async def wait_for_others(what: str, within: float) -> None:
                told = len(watch.rests)
                while len(watch.rests) == told:
                    if not watch.is_resting:  # what the killed one had sent was committed after all
                        await watch.begin()
                    assert await watch.wait_for_pages(1, 1), "the run ended too soon to tell"
                tell(f"{'real' if pace is None else 'quick'} times, {what}: {watch.rests[-1]:.1f} s")
                assert watch.rests[-1] < within

            workers.kill(await find_busy())
            await watch.begin()
            await wait_for_others("a worker killed", 20 if pace else 60)
            workers.keep(2)
            frozen = await find_busy()
            workers.freeze(frozen)
            await watch.begin()
            await wait_for_others("a worker frozen", 20 if pace else 60)
            workers.thaw(frozen)
            await find_busy()
            await watch.begin()
            await server.crash(1.0)
            await watch.count_from_now()
            await wait_for_others("the database crashed", 20 if pace else 60)
            await insist(partial(cancel_sync, pool, tenant.connector))
    finally:
        workers.end()
    assert not [problem for problem in workers.list_problems() if "fault of ours" in problem]
