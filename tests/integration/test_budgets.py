"""One rate budget for all processes of a connector, over the real store: shared to the last call, and hard to break."""

import asyncio
import json
import os
import signal
import time
from collections import Counter
from collections.abc import Callable
from contextlib import AsyncExitStack
from datetime import datetime
from email.utils import formatdate
from typing import Any

import pytest
from aiohttp import web

from testbed.budget_sharer import open_sharer, read_line, run_sharer, write_line
from testbed.databases import Databases, make_place
from testbed.effort import pick
from testbed.harvest import serve_harvest
from testbed.harvest_link import make_harvest_tenant
from testbed.tenants import Tenant, make_tenant
from testbed.vendor import ACME, HERE, IMPATIENT, Vendor, say
from unihire.errors import BudgetSpent, RetryLater
from unihire.integrations.greenhouse.emulator import app
from unihire.kit.seal import Sealer, new_key
from unihire.outbound.budget import FixedWindowHeaders
from unihire.outbound.budget_store import BudgetState, BudgetUnavailable
from unihire.outbound.client import Retry, Target, VendorClient
from unihire.outbound.tally import TALLY, Tally
from unihire.outbound.window_meter import Window
from unihire.platform.budgets import StoredBudgets, _Shared
from unihire.sandbox.faults import FaultRule
from unihire.store import Pool
from unihire.store.accounts import budgets
from unihire.store.database import open_database

HEADERS = FixedWindowHeaders(limit="x-limit", remaining="x-left", reset="x-reset", seconds=30)
SECONDS, LIMIT = 4, 40
JOBS = "/v3/jobs?per_page=1"


def open_shared(vendor: Vendor, tenant: Tenant, *, headers: Any = HEADERS, **settings: Any) -> VendorClient:
    """A client of the vendor that shares the tenant's budget."""
    retry = settings.pop("retry", IMPATIENT)
    target = Target(base_url=vendor.base_url, addresses=HERE, auth=ACME.auth, budget_rule=headers, retry=retry)
    return VendorClient(target, tenant.credentials, budgets=keep(tenant), **settings)


def keep(tenant: Tenant) -> StoredBudgets:
    return StoredBudgets(tenant.pool, number=tenant.connector.number)


async def wait_until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not is_so():  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.02)


class Windows:
    """Answers to `/jobs/1` with the headers of windows by the system's clock."""

    def __init__(self, limit: int, seconds: int = 30) -> None:
        self.limit, self.seconds = limit, seconds
        self.counts = Counter[int]()
        self.refused = 0

    def __call__(self, request: web.Request) -> web.Response:
        window = int(time.time() // self.seconds)
        self.counts[window] += 1
        is_refused = self.counts[window] > self.limit
        self.refused += is_refused
        left, reset = max(0, self.limit - self.counts[window]), (window + 1) * self.seconds
        said = {"x_limit": str(self.limit), "x_left": str(left), "x_reset": str(reset)}
        return say({"id": "1"}, 429 if is_refused else 200, Date=formatdate(usegmt=True), **said)


def make_order(databases: Databases, name: str, tenant: Tenant, **asked: Any) -> dict[str, Any]:
    """An order to a process that shares the tenant's budget; see testbed/budget_sharer.py."""
    return {
        "home": str(databases.home),
        "dsn": databases.server.dsn(name),
        "connector": str(tenant.connector.id),
        "credentials": tenant.credentials,
        "timeout": 60,
        **asked,
    }


def count_whole(log: Any, seconds: int) -> list[int]:
    """Calls in each window but the first and the last."""
    moments = [datetime.fromisoformat(entry["at"]) for entry in log.last if entry["path"].startswith("/v3/")]
    counts = Counter(int(moment.timestamp()) // seconds for moment in moments)
    return [counts[window] for window in range(min(counts) + 1, max(counts))]


@pytest.mark.parametrize("processes", pick([4, 2], 1))
async def test_processes_spend_each_window_together_and_let_go_first_whoever_waits(
    databases: Databases, monkeypatch: pytest.MonkeyPatch, processes: int
) -> None:
    monkeypatch.setattr(app, "WINDOW_SECONDS", SECONDS)
    async with databases.create() as name, open_database(databases.settings(name)) as pool, AsyncExitStack() as stack:
        sandbox = stack.enter_context(serve_harvest(size=100, options={"rate_limit": str(LIMIT)}))
        tenant = await make_harvest_tenant(pool, Sealer([new_key()]), sandbox.ready)
        order = make_order(databases, name, tenant, seconds=SECONDS, abreast=4, path=JOBS)
        running = [await stack.enter_async_context(run_sharer(order)) for _ in range(processes)]
        client = open_sharer(pool, tenant.connector, tenant.credentials, seconds=SECONDS)
        await stack.enter_async_context(client)
        for process in running:
            write_line(process)
        for _ in range(3):
            await asyncio.sleep(SECONDS - time.time() % SECONDS + 0.4 * SECONDS)
            window = time.time() // SECONDS
            await client.get(JOBS)
            assert time.time() // SECONDS == window
        await asyncio.sleep(SECONDS - time.time() % SECONDS + 0.5)
        for process in running:
            write_line(process)
        told = [json.loads(await read_line(process)) for process in running]
    assert [each["errors"] for each in told] == [[]] * processes
    assert sandbox.app.log.by_status.keys() == {200}
    assert min(each["calls"] for each in told) > LIMIT / processes / 2  # none starved
    whole = count_whole(sandbox.app.log, SECONDS)
    assert len(whole) >= 2
    assert min(whole) >= 0.95 * LIMIT, whole


async def test_process_that_is_killed_keeps_nobody_back_for_long(
    databases: Databases, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All that the window allows is under way when it dies; what it held is free after its timeout."""
    monkeypatch.setattr(app, "WINDOW_SECONDS", 2)
    slow = FaultRule("slow", path="/v3/departments", seconds=4)
    async with databases.create() as name, open_database(databases.settings(name)) as pool, AsyncExitStack() as stack:
        sandbox = stack.enter_context(serve_harvest(size=100, options={"rate_limit": "6"}))
        tenant = await make_harvest_tenant(pool, Sealer([new_key()]), sandbox.ready)
        client = open_sharer(pool, tenant.connector, tenant.credentials, seconds=2, retry=Retry(timeout=3))
        await stack.enter_async_context(client)
        await client.get(JOBS)
        sandbox.app.faults.set([slow])
        asked = {"seconds": 2, "timeout": 1, "abreast": 10, "path": "/v3/departments?per_page=1"}
        async with run_sharer(make_order(databases, name, tenant, **asked)) as process:
            write_line(process)
            await wait_until(lambda: sandbox.app.faults.fired.get("slow", 0) >= 5)
            process.kill()
        died_at = time.monotonic()
        assert len(await read_under_way(tenant)) >= 5
        await asyncio.gather(*(client.get(JOBS) for _ in range(6)))
        assert time.monotonic() - died_at < 2 + 2 + 2  # its timeout, a window, and what a window may turn late
        assert await read_under_way(tenant) == {}


async def read_under_way(tenant: Tenant) -> dict[int, tuple[float, float]]:
    def work(state: BudgetState, now: float) -> dict[int, tuple[float, float]]:
        assert isinstance(state.meter, Window)
        return state.meter.under_way

    return await keep(tenant).change(work)


async def test_database_that_is_started_anew_fails_no_call_and_forgets_the_budget(vendor: Vendor) -> None:
    """A backend that is killed takes the server down for a moment, and with it what is not logged."""
    windows, done = Windows(10_000), 0
    vendor.will("/jobs/1", *[windows] * 10_000)
    with make_place() as folder:
        own = Databases(folder / "home")
        await own.prepare()
        try:
            async with own.open() as pool:
                tenant = await make_tenant(pool, Sealer([new_key()]), base_url=vendor.base_url)
                async with open_shared(vendor, tenant) as client:
                    stop = asyncio.Event()

                    async def ask() -> None:
                        nonlocal done
                        while not stop.is_set():
                            await client.get("/jobs/1")
                            done += 1

                    async with asyncio.TaskGroup() as tasks:
                        for _ in range(4):
                            tasks.create_task(ask())
                        await wait_until(lambda: done > 20)
                        born_at, before = await read_birth(tenant), done
                        os.kill(await pool.fetchval("SELECT pg_backend_pid()"), signal.SIGKILL)
                        await wait_until(lambda: done >= before + 100)
                        stop.set()
                    assert await read_birth(tenant) > born_at
        finally:
            own.server.close()
    assert before > 20
    assert windows.refused == 0


async def read_birth(tenant: Tenant) -> float:
    return await keep(tenant).change(lambda state, now: state.born_at)


async def test_vendor_without_a_limit_costs_the_store_next_to_nothing(
    vendor: Vendor, pool: Pool, sealer: Sealer, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, read = 0, budgets.read_budget

    async def count(*given: Any) -> budgets.StoredBudget:
        nonlocal asked
        asked += 1
        return await read(*given)

    monkeypatch.setattr(budgets, "read_budget", count)
    vendor.lists["/jobs"] = [{"id": "1"}]
    tenant = await make_tenant(pool, sealer, base_url=vendor.base_url)
    async with open_shared(vendor, tenant) as client:
        started_at = time.monotonic()
        for _ in range(50):
            await asyncio.gather(*(client.get("/jobs/1") for _ in range(4)))
        took = time.monotonic() - started_at
    assert asked <= 6 + 2 * took  # the first calls, and then one a second


async def test_call_of_a_process_alone_costs_two_statements_and_what_others_kept_meanwhile_is_read(
    vendor: Vendor, pool: Pool, sealer: Sealer, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = Counter[str]()

    def count(name: str) -> None:
        ask = getattr(budgets, name)

        async def asks(*given: Any) -> Any:
            asked[name] += 1
            return await ask(*given)

        monkeypatch.setattr(budgets, name, asks)

    count("read_budget")
    count("replace_budget")
    windows = Windows(10_000)
    vendor.will("/jobs/1", *[windows] * 50)
    tenant = await make_tenant(pool, sealer, base_url=vendor.base_url)
    async with open_shared(vendor, tenant) as client:
        await client.get("/jobs/1")
        asked.clear()
        for _ in range(20):
            await client.get("/jobs/1")
        assert asked["replace_budget"] == 40
        assert asked["read_budget"] <= 2  # where the test is held up for long
        other = VendorClient(client.target, tenant.credentials, budgets=KeptElsewhere(tenant))
        async with other:
            await other.get("/jobs/1")
        await client.get("/jobs/1")
        assert (await keep(tenant).change(lambda state, now: state.calls)) == 23


class KeptElsewhere(StoredBudgets):
    """The keeper of another process."""

    def __init__(self, tenant: Tenant) -> None:
        super().__init__(tenant.pool, number=tenant.connector.number)
        self._shared = _Shared()


async def test_sync_that_would_wait_long_gives_its_place_up(vendor: Vendor, pool: Pool, sealer: Sealer) -> None:
    windows = Windows(3)
    vendor.will("/jobs/1", *[windows] * 10)
    tenant = await make_tenant(pool, sealer, base_url=vendor.base_url)
    if (left := 30 - time.time() % 30) < 4:
        await asyncio.sleep(left)
    async with open_shared(vendor, tenant, is_background=True, patience=1.0) as client:
        for _ in range(3):
            await client.get("/jobs/1")
        started_at = time.monotonic()
        with pytest.raises(BudgetSpent, match="rate budget is spent: the next call can be made in") as spent:
            await client.get("/jobs/1")
        assert time.monotonic() - started_at < 0.5
        assert spent.value.after == pytest.approx(30 - time.time() % 30, abs=1.5)
        with pytest.raises(BudgetSpent):  # and not Unanswered: it never left
            await client.send("POST", "/jobs/1", b"{}")
    assert windows.counts.total() == 3


@pytest.mark.parametrize("status", [429, 503])
async def test_rest_that_is_longer_than_the_patience_gives_the_place_up_and_is_kept_by_all(
    vendor: Vendor, pool: Pool, sealer: Sealer, status: int
) -> None:
    vendor.will("/jobs/1", lambda request: say({}, status, Retry_After="2"), Windows(50), Windows(50))
    tenant = await make_tenant(pool, sealer, base_url=vendor.base_url)
    async with (
        open_shared(vendor, tenant, is_background=True, patience=1.0) as sync,
        open_shared(vendor, tenant, headers=HEADERS) as interactive,
    ):
        with pytest.raises(RetryLater) as told:
            await sync.get("/jobs/1")
        assert (told.value.after, told.value.status) == (2, status)
        started_at = time.monotonic()
        with pytest.raises(BudgetSpent) as spent:
            await sync.get("/jobs/1")
        assert spent.value.after == pytest.approx(2, abs=0.3)
        await interactive.get("/jobs/1")
        assert time.monotonic() - started_at > 1.5


async def test_pauses_between_tries_are_told_of_the_piece_of_work(vendor: Vendor, tenant: Tenant) -> None:
    vendor.will("/jobs/1", lambda request: say({}, 500), Windows(50))
    TALLY.set(tally := Tally())
    retry = Retry(attempts=3, first=0.2, longest=0.2, timeout=5)
    async with open_shared(vendor, tenant, retry=retry) as client:
        await client.get("/jobs/1")
    assert tally.calls == 2
    assert tally.waited == pytest.approx(0.15, abs=0.1)


async def test_clients_that_act_for_somebody_share_the_budget(vendor: Vendor, pool: Pool, sealer: Sealer) -> None:
    windows = Windows(5)
    vendor.will("/jobs/1", *[windows] * 10)
    tenant = await make_tenant(pool, sealer, base_url=vendor.base_url)
    if (left := 30 - time.time() % 30) < 4:
        await asyncio.sleep(left)
    async with open_shared(vendor, tenant, patience=0.5) as client:
        acting = client.act_as({"user": "1"})
        for _ in range(2):
            await client.get("/jobs/1")
            await acting.get("/jobs/1")
        await acting.get("/jobs/1")
        with pytest.raises(BudgetSpent):
            await client.get("/jobs/1")
    assert windows.refused == 0


async def test_connector_that_is_deleted_meanwhile_stops_no_call(vendor: Vendor, pool: Pool, sealer: Sealer) -> None:
    vendor.will("/jobs/1", *[Windows(50)] * 4)
    tenant = await make_tenant(pool, sealer, base_url=vendor.base_url)
    async with open_shared(vendor, tenant) as client, asyncio.timeout(5):
        await client.get("/jobs/1")
        await pool.execute("DELETE FROM connector WHERE number = $1", tenant.connector.number)
        for _ in range(3):
            await client.get("/jobs/1")
    assert await pool.fetchval("SELECT count(*) FROM budget") == 0


async def test_state_of_another_shape_is_a_budget_nobody_knows(pool: Pool, tenant: Tenant) -> None:
    for state in (b"", b"\x01", b"\x81\xa5meter\x81\xa4type\xa5other"):
        await pool.execute(
            "INSERT INTO budget VALUES ($1, 1, $2) ON CONFLICT (connector) DO UPDATE SET state = excluded.state",
            tenant.connector.number,
            state,
        )
        assert await keep(tenant).change(lambda state, now: state.meter) is None


async def test_changes_at_once_are_all_kept(pool: Pool, tenant: Tenant) -> None:
    """Of those who read the same version one saves, and the others begin again."""

    def count(state: BudgetState, now: float) -> int:
        state.calls += 1
        return state.calls

    assert await keep(tenant).change(count) == 1
    kept = await budgets.read_budget(pool, tenant.connector.number)
    assert await keep(tenant).change(count) == 2
    assert kept.state is not None
    assert not await budgets.replace_budget(pool, tenant.connector.number, kept.version, kept.state)
    assert await keep(tenant).change(count) == 3


async def test_database_that_stays_away_is_a_reason_to_try_later(
    vendor: Vendor, pool: Pool, sealer: Sealer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("unihire.platform.budgets.GIVE_UP_SECONDS", 0.1)

    async def fail(*given: Any) -> budgets.StoredBudget:
        raise ConnectionRefusedError

    monkeypatch.setattr(budgets, "read_budget", fail)
    tenant = await make_tenant(pool, sealer, base_url=vendor.base_url)
    async with open_shared(vendor, tenant, retry=Retry(attempts=1)) as client:
        with pytest.raises(BudgetUnavailable, match="the database, which stores the rate budget, does not answer"):
            await client.get("/jobs/1")
        with pytest.raises(BudgetUnavailable):  # and not Unanswered: it never left
            await client.send("POST", "/jobs/1", b"{}")
    assert vendor.count("/jobs/1") == 0


async def test_connectors_with_the_same_credentials_share_a_budget_and_others_do_not(
    pool: Pool, sealer: Sealer, vendor: Vendor
) -> None:
    one = await make_tenant(pool, sealer, base_url=vendor.base_url)
    same = await make_tenant(pool, sealer, base_url=vendor.base_url, environment="development")
    other_address = await make_tenant(pool, sealer, base_url=f"{vendor.base_url}/eu")
    other_name = await make_tenant(
        pool, sealer, base_url=vendor.base_url, credentials={"client_id": "another", "client_secret": "x"}
    )
    elsewhere = await make_tenant(pool, sealer, base_url=vendor.base_url, organisation="Another")
    found = [tenant.connector.budget_of for tenant in (one, same, other_address, other_name, elsewhere)]
    numbers = [tenant.connector.number for tenant in (one, one, other_address, other_name, elsewhere)]
    assert found == numbers
