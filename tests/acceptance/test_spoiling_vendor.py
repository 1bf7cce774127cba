"""A vendor that spoils types, sizes, headers, encodings, links and times at random: nothing breaks, and all heals.

Some seconds of it are in `make test`, always the same, with each word there is; ten minutes in `make chaos`, other ones
each time. SPOIL_SECONDS says how
long, SPOIL_SEED repeats a run's luck.
"""

import asyncio
import os
import random
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
import pytest_asyncio

from testbed.chaos import QUICK, Process, Workers
from testbed.databases import Databases, make_place
from testbed.harvest import NO_LIMITS
from testbed.harvest_link import BEHIND, make_harvest_tenant
from testbed.personio import make_emulated_tenant
from testbed.spoiling import WORDS, Mixer, Vendor, find_wrong
from testbed.tenants import open_api
from testbed.waiting import until
from unihire.errors import Busy
from unihire.kit.clock import MovableClock
from unihire.kit.seal import Sealer, new_key
from unihire.outbound.client import Retry
from unihire.platform.syncs import ask_sync
from unihire.sandbox.runner import start_sandbox
from unihire.store import Pool
from unihire.store.database import open_database

SECONDS = float(os.environ.get("SPOIL_SECONDS", "24"))
SEED = int(os.environ.get("SPOIL_SEED", "5"))
ROUND_SECONDS = 12.0 if SECONDS >= 60 else 8.0
WORDS_OF_A_MIX = (3, 12) if SECONDS >= 60 else (10, 10)
"""In a short run so many that its rounds have every word."""
MOST_MEGABYTES = 700
"""Of memory for a worker at any moment, whatever a vendor sends: some 100 are its own, and it may hold answers of a
dozen lists at once, each as sent, unpacked, decoded and rendered."""

REST_MEGABYTES = 250
"""Of memory for a worker that has nothing to do: what was sent before has left nothing."""

MOST_ANSWER_BYTES = 16 << 20
"""As an operator sets it: a worker may hold one answer a list that it reads, as sent, unpacked and decoded."""

EAGER = Retry(attempts=4, first=0.02, longest=0.2, timeout=5.0)
PAGE = 60
SIZES = {"greenhouse": 100, "personio": 130}
HEALED_WITHIN = 120.0

UNFINISHED = "SELECT count(*) FROM sync_run WHERE connector = $1 AND status IN ('queued', 'running')"
LATEST = "SELECT status, error, is_full FROM sync_run WHERE connector = $1 ORDER BY asked_at DESC LIMIT 1"
LAST_RUNS = """
    SELECT status, error, waits_for, waits_until FROM sync_run WHERE connector = $1 ORDER BY asked_at DESC LIMIT 3
"""
OPEN_ISSUES = "SELECT connector, kind, stream, message FROM issue WHERE resolved_at IS NULL"
BURIED = "SELECT stream, remote_id FROM record WHERE deleted_at IS NOT NULL AND connector = $1"


@dataclass
class Scene:
    """Both vendors, a database, and the workers on it."""

    folder: Path
    pool: Pool
    workers: Workers
    vendors: list[Vendor]
    chance: random.Random
    struck: Counter[str] = field(default_factory=Counter)
    most_megabytes: float = 0.0
    rest_megabytes: float = 0.0
    started: list[Process] = field(default_factory=list)


@pytest_asyncio.fixture
async def scene() -> AsyncIterator[Scene]:
    key = new_key()
    options = {"greenhouse": {**NO_LIMITS, "rate_limit": "100000"}, "personio": {"token_requests": "0"}}
    async with AsyncExitStack() as stack:
        folder = stack.enter_context(make_place())
        databases = Databases(folder / "home")
        stack.callback(databases.server.close)
        await databases.prepare()
        database = await stack.enter_async_context(databases.create())
        settings = databases.settings(database, answer_bytes=MOST_ANSWER_BYTES)
        pool = await stack.enter_async_context(open_database(settings))
        vendors = []
        for slug, connect in (("greenhouse", make_harvest_tenant), ("personio", make_emulated_tenant)):
            sandbox = stack.enter_context(
                start_sandbox(slug, size=SIZES[slug], seed=SEED, options=options[slug], clock=MovableClock(BEHIND))
            )
            tenant = await connect(pool, Sealer([key]), sandbox.ready)
            api = await stack.enter_async_context(open_api(settings, tenant))
            vendors.append(Vendor(tenant, sandbox.ready, api))
        await pool.execute("UPDATE connector SET next_sync_at = now() + '1 day'")
        workers = Workers(settings, key, folder, QUICK, retry=EAGER, page=PAGE)
        stack.callback(workers.end)
        yield Scene(folder, pool, workers, vendors, random.Random(SEED))


def tell(line: str) -> None:
    """Shown by `make chaos`, and where the test fails."""
    sys.stdout.write(line + "\n")


@pytest.mark.timeout(SECONDS * 6 + 300)
async def test_vendor_that_spoils_at_random_breaks_nothing_and_all_is_right_again_after_it(scene: Scene) -> None:
    tell(f"\nSPOIL_SEED={SEED} SPOIL_SECONDS={SECONDS:.0f}")
    scene.workers.keep(2)
    scene.started = list(scene.workers.alive)
    for vendor in scene.vendors:
        await vendor.look()
    await heal(scene, "before anything is spoiled")
    spoiled = 0.0
    rounds = 0
    mixer, tried = Mixer(scene.chance), set[str]()
    while spoiled < SECONDS:
        touched = [await vendor.change(scene.chance) for vendor in scene.vendors]
        mixes = [mixer.make(*WORDS_OF_A_MIX) for _ in scene.vendors]
        tried.update(rule["word"] for mix in mixes for rule in mix)
        told = " | ".join(
            f"{vendor.slug}: " + ", ".join(f"{rule['word']} {rule['probability']}" for rule in mix)
            for vendor, mix in zip(scene.vendors, mixes, strict=True)
        )
        begun_at = time.monotonic()
        await spoil(scene, mixes, told)
        spoiled += time.monotonic() - begun_at
        for vendor, known in zip(scene.vendors, touched, strict=True):
            fired, ids = await vendor.end_faults()
            scene.struck.update(fired)
            for stream, others in ids.items():
                known.setdefault(stream, set()).update(others)
            await check_untouched(scene, vendor, known, told)
        await heal(scene, f"after round {rounds}, {told}")
        await rest(scene)
        rounds += 1
    scene.workers.end()
    struck = ", ".join(f"{word} {count}" for word, count in scene.struck.most_common())
    tell(
        f"{rounds} rounds; a worker took {scene.most_megabytes:.0f} MB at most, {scene.rest_megabytes:.0f} at rest; "
        f"{struck}"
    )
    problems = scene.workers.list_problems()
    for problem, count in problems.items():
        tell(f"  {count} times {problem}")
    assert sum(scene.struck.values()) > 20
    assert tried == set(WORDS) or "SPOIL_SECONDS" in os.environ
    assert not problems


async def spoil(scene: Scene, mixes: list[list[dict[str, object]]], told: str) -> None:
    """Let the vendors spoil while runs are asked for one after the other."""
    for vendor, mix in zip(scene.vendors, mixes, strict=True):
        await vendor.let(mix)
    end_at = time.monotonic() + ROUND_SECONDS
    while time.monotonic() < end_at:
        for vendor in scene.vendors:
            await ask(scene, vendor, full=scene.chance.random() < 0.5)
        for _ in range(5):
            await asyncio.sleep(0.3)
            look_at_workers(scene, told)


async def ask(scene: Scene, vendor: Vendor, *, full: bool) -> None:
    """As somebody would who waits for a sync; one that is under way and does something else is let be."""
    with suppress(Busy):
        await ask_sync(scene.pool, vendor.tenant.connector, vendor.tenant.integration, full=full)


def look_at_workers(scene: Scene, told: str) -> None:
    for worker in scene.started:
        assert worker.process.is_running(), f"a worker died: {worker.log.read_text(errors='replace')[-3000:]}"
        megabytes = worker.process.memory_info().rss / 2**20
        scene.most_megabytes = max(scene.most_megabytes, megabytes)
        assert megabytes < MOST_MEGABYTES, f"a worker takes {megabytes:.0f} MB: {told}"


async def rest(scene: Scene) -> None:
    """What the workers take, once they have had a moment."""

    async def is_little() -> bool:
        taken = [worker.process.memory_info().rss / 2**20 for worker in scene.started]
        if max(taken) >= REST_MEGABYTES:
            return False
        scene.rest_megabytes = max(scene.rest_megabytes, *taken)
        return True

    await until(is_little)


async def check_untouched(scene: Scene, vendor: Vendor, touched: dict[str, set[str]], told: str) -> None:
    """Records none of whose rows was spoiled or changed are as the vendor has them, and none of them is gone."""
    expected = vendor.find_untouched(touched)
    wrong = find_wrong(await vendor.read_records(), expected)
    assert not wrong, f"{vendor.slug}, {len(wrong)} siblings of spoiled rows are wrong: {wrong[0]}; {told}"


async def heal(scene: Scene, when: str) -> None:
    """The vendor is right again: full runs end well, all that is served is what the vendor has, and no issue stays."""
    for vendor in scene.vendors:
        await vendor.wait_an_hour()
        await sync_whole(scene, vendor, when)
        served = await vendor.read_records()
        wrong = find_wrong(served, vendor.expected)
        surplus = [
            f"{plural} {id_}"
            for plural, records in vendor.expected.items()
            for id_ in served[plural].keys() - records.keys()
        ]
        assert not wrong, f"{vendor.slug} {when}: {len(wrong)} records are wrong: {wrong[0]}"
        assert not surplus, f"{vendor.slug} {when}: served though not there: {surplus[:3]}"
        assert await scene.pool.fetchval(UNFINISHED, vendor.tenant.connector.number) == 0
    if await scene.pool.fetch(OPEN_ISSUES):  # of a row that was spoiled and then went, for one: the next run ends it
        for vendor in scene.vendors:
            await sync_whole(scene, vendor, when)
    issues = [tuple(row) for row in await scene.pool.fetch(OPEN_ISSUES)]
    assert not issues, f"{when}: {issues}"
    held = [tuple(row) for row in await scene.pool.fetch("SELECT stream, row_id, reason FROM quarantine")]
    assert not held, f"{when}: {held[:3]}"
    statuses = {row["status"] for row in await scene.pool.fetch("SELECT status FROM connector")}
    assert statuses == {"COMPLETE"}, when


async def sync_whole(scene: Scene, vendor: Vendor, when: str) -> None:
    """A full run that begins and ends while nothing is spoiled."""
    connector = vendor.tenant.connector
    give_up_at = time.monotonic() + HEALED_WITHIN
    # One under way has read some lists while they were spoiled: it goes on at once where it is deferred, and ends.
    if await scene.pool.fetchval(UNFINISHED, connector.number):
        await ask(scene, vendor, full=False)
        await wait_for_end(scene, vendor, give_up_at, when)
    while time.monotonic() < give_up_at:
        await ask(scene, vendor, full=True)
        await wait_for_end(scene, vendor, give_up_at, when)
        row = await scene.pool.fetchrow(LATEST, connector.number)
        if row is not None and row["status"] == "done" and row["is_full"]:
            return
    state = [dict(row) for row in await scene.pool.fetch(LAST_RUNS, connector.number)]
    budget = await scene.pool.fetchval("SELECT state FROM budget WHERE connector = $1", connector.number)
    logs = "\n".join("\n".join(worker.log.read_text(errors="replace").splitlines()[-60:]) for worker in scene.started)
    raise AssertionError(
        f"{vendor.slug} {when}: at {datetime.now(UTC)} no full run had ended well: {state}; "
        f"its budget {budget and msgspec.msgpack.decode(budget)}\n{logs}"
    )


async def wait_for_end(scene: Scene, vendor: Vendor, give_up_at: float, when: str) -> None:
    """Until no run of this connector is left, or until then."""
    while time.monotonic() < give_up_at and await scene.pool.fetchval(UNFINISHED, vendor.tenant.connector.number):
        look_at_workers(scene, when)
        await asyncio.sleep(0.05)
