"""What vendors say has changed is read again: soon, once for all that waits, and whatever goes wrong meanwhile."""

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import asyncpg
import httpx
import pytest
import pytest_asyncio
from aiohttp import web

from testbed.databases import Databases
from testbed.hooking import Hook, hurry, install, list_waiting, make_hook, process, row, until_read
from testbed.tenants import Tenant, make_tenant, open_api, read_all
from testbed.touching import DELTA, fill, remove
from testbed.vendor import Vendor, say
from testbed.waiting import until, within
from unihire.events.inbox import processing
from unihire.kit import urgency
from unihire.kit.metrics import REGISTRY
from unihire.kit.seal import Sealer
from unihire.store import Pool
from unihire.store.accounts.tenancy import set_status
from unihire.store.events import inbox
from unihire.store.work.schedules import set_paused


@pytest_asyncio.fixture
async def tenant(pool: Pool, sealer: Sealer, vendor: Vendor, monkeypatch: pytest.MonkeyPatch) -> Tenant:
    install(monkeypatch)
    hurry(monkeypatch)
    fill(vendor)
    made = await make_tenant(pool, sealer, integration=DELTA, base_url=vendor.base_url)
    await made.sync()
    vendor.log.clear()
    return made


@pytest_asyncio.fixture
async def api(databases: Databases, tenant: Tenant, sealer: Sealer) -> AsyncIterator[httpx.AsyncClient]:
    async with open_api(databases.settings("migrated"), tenant, sealer) as client:
        yield client


@pytest_asyncio.fixture
async def hook(tenant: Tenant, sealer: Sealer, api: httpx.AsyncClient) -> Hook:
    return await make_hook(tenant, sealer, api)


async def list_names(api: httpx.AsyncClient) -> dict[str, str]:
    return {item["remote_id"]: item["first_name"] for item in await read_all(api, "candidates")}


async def until_waiting(tenant: Tenant, **expected: Any) -> asyncpg.Record:
    """The one touch that waits, once its columns are these."""

    async def find() -> asyncpg.Record | None:
        for one in await tenant.pool.fetch("SELECT *, due_at - now() AS after FROM inbox_touch"):
            if all(one[name] == value for name, value in expected.items()):
                return one
        return None

    found: asyncpg.Record = await until(find)
    return found


async def test_row_that_is_reported_is_read_again_and_served_at_once(
    hook: Hook, tenant: Tenant, vendor: Vendor, sealer: Sealer, api: httpx.AsyncClient
) -> None:
    vendor.lists["/people"][0]["name"] = "Renamed"
    vendor.lists["/people"].append({"id": "4", "name": "New"})
    async with process(tenant, sealer):
        await hook.send(row("people", "1"), row("people", "4"))
        await until_read(tenant)
    assert await list_names(api) == {"1": "Renamed", "2": "Person 2", "3": "Person 3", "4": "New"}
    lag = REGISTRY.get_sample_value("unihire_hook_read_seconds_count", {"integration": "acme"})
    assert lag is not None
    assert lag >= 2


async def test_pages_of_syncs_make_way_while_rows_are_read_again(
    hook: Hook, tenant: Tenant, vendor: Vendor, sealer: Sealer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(urgency, "PAUSE_SECONDS", 0.2)
    waited: list[float] = []

    async def answer(request: web.Request) -> web.Response:
        begun_at = time.monotonic()
        await urgency.make_way()  # as the page of a sync does
        waited.append(time.monotonic() - begun_at)
        return vendor.page(request)

    vendor.will("/people", answer)
    async with process(tenant, sealer):
        await hook.send(row("people", "1"))
        await until_read(tenant)
    assert waited[0] >= 0.2
    begun_at = time.monotonic()
    await urgency.make_way()
    assert time.monotonic() - begun_at < 0.2


async def test_row_that_is_gone_is_deleted_whatever_was_said_of_it(
    hook: Hook, tenant: Tenant, vendor: Vendor, sealer: Sealer, api: httpx.AsyncClient
) -> None:
    remove(vendor, "/people", "1", "2")
    async with process(tenant, sealer):
        await hook.send(row("people", "1", is_gone=True), row("people", "2"), row("people", "3", is_gone=True))

        async def has_only_the_third() -> bool:
            return list(await list_names(api)) == ["3"]

        await until(has_only_the_third)
        await until_waiting(tenant, value="2", tries=1)
        await until_waiting(tenant, value="3", tries=1)


async def test_row_that_is_not_as_was_said_is_asked_for_again_a_few_times(
    hook: Hook, tenant: Tenant, vendor: Vendor, sealer: Sealer, api: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A vendor may report what its own lists do not show yet."""
    monkeypatch.setattr(processing, "AGAIN_AFTER", (timedelta(seconds=0.3),) * 3)
    async with process(tenant, sealer):
        await hook.send(row("people", "4"))
        await until_waiting(tenant, value="4", tries=2)
        vendor.lists["/people"].append({"id": "4", "name": "Late"})
        await until_read(tenant)
        assert (await list_names(api))["4"] == "Late"
        vendor.log.clear()
        await hook.send(row("people", "5"))
        await until_waiting(tenant, value="5", tries=3)
        await until_read(tenant)
    assert vendor.count("/people") == 2 * 4, "each time a row is missing, it is asked for twice"


async def test_burst_becomes_few_calls(
    hook: Hook, tenant: Tenant, vendor: Vendor, sealer: Sealer, api: httpx.AsyncClient
) -> None:
    vendor.lists["/people"] = [{"id": str(number), "name": f"Burst {number}"} for number in range(1, 501)]
    answers = await asyncio.gather(*(hook.send(row("people", str(1 + number % 500))) for number in range(2000)))
    assert {answer.status_code for answer in answers} == {200}
    async with process(tenant, sealer):
        await until_read(tenant)
    assert len(await list_names(api)) == 500
    assert vendor.count("/people") <= 12, "500 rows by fifties, and no row twice"


async def test_touch_that_comes_while_its_row_is_read_is_read_after_it(
    hook: Hook, tenant: Tenant, vendor: Vendor, sealer: Sealer, api: httpx.AsyncClient
) -> None:
    asked, may_answer = asyncio.Event(), asyncio.Event()

    async def wait(request: web.Request) -> web.Response:
        answer = vendor.page(request)
        asked.set()
        await within(may_answer.wait())
        return answer

    vendor.will("/people", wait)
    async with process(tenant, sealer):
        await hook.send(row("people", "1"))
        await within(asked.wait())
        vendor.lists["/people"][0]["name"] = "Renamed"
        await hook.send(row("people", "1"))
        may_answer.set()
        await until_read(tenant)
    assert (await list_names(api))["1"] == "Renamed"


async def test_one_that_was_at_it_and_died_is_followed_by_another(
    hook: Hook, tenant: Tenant, vendor: Vendor, sealer: Sealer, api: httpx.AsyncClient
) -> None:
    vendor.lists["/people"][0]["name"] = "Renamed"
    await hook.send(row("people", "1"))
    (claim,) = await inbox.claim_inboxes(tenant.pool, 5, timedelta(seconds=0.5))
    assert await inbox.claim_inboxes(tenant.pool, 5, timedelta(seconds=0.5)) == []
    async with process(tenant, sealer):
        await until_read(tenant)
    assert (await list_names(api))["1"] == "Renamed"
    await inbox.finish_claim(tenant.pool, claim, pause=timedelta(hours=1), failures=3)
    assert await tenant.pool.fetchval("SELECT failures FROM inbox") == 0, "it has nothing to say any more"


async def test_one_that_is_slow_is_not_taken_for_dead(
    hook: Hook, tenant: Tenant, vendor: Vendor, sealer: Sealer
) -> None:
    """The first call takes longer than a claim lasts: it is held meanwhile, and nobody else asks."""

    async def dawdle(request: web.Request) -> web.Response:
        await asyncio.wait({asyncio.ensure_future(asyncio.Event().wait())}, timeout=2.5)
        return vendor.page(request)

    vendor.will("/people", dawdle)
    async with process(tenant, sealer), process(tenant, sealer):
        await hook.send(row("people", "1"))
        await until_read(tenant)
    assert vendor.count("/people") == 1


async def test_one_that_is_asked_to_end_gives_back_what_it_is_at(
    hook: Hook, tenant: Tenant, vendor: Vendor, sealer: Sealer
) -> None:
    asked = asyncio.Event()

    async def hang(request: web.Request) -> web.Response:
        asked.set()
        await asyncio.wait({asyncio.ensure_future(asyncio.Event().wait())}, timeout=20)
        return vendor.page(request)

    vendor.will("/people", hang)
    async with process(tenant, sealer):
        await hook.send(row("people", "1"))
        await within(asked.wait())
    assert await tenant.pool.fetchval("SELECT claim IS NULL AND due_at <= now() FROM inbox")
    assert await list_waiting(tenant.pool) == {("people", "", "1")}


@pytest.mark.parametrize("status", [500, 200], ids=["does not answer", "answers oddly"])
async def test_row_that_cannot_be_read_keeps_no_other_waiting(
    hook: Hook, tenant: Tenant, vendor: Vendor, sealer: Sealer, api: httpx.AsyncClient, status: int
) -> None:
    page = vendor.page

    def refuse_second(request: web.Request) -> web.Response:
        return say({"odd": True}, status) if "2" in request.query.get("ids", "").split(",") else page(request)

    vendor.page = refuse_second  # type: ignore[method-assign]
    for person in vendor.lists["/people"]:
        person["name"] = "Renamed"
    async with process(tenant, sealer):
        await hook.send(*(row("people", number) for number in "123"))

        async def are_renamed() -> bool:
            return await list_names(api) == {"1": "Renamed", "2": "Person 2", "3": "Renamed"}

        await until(are_renamed)
        if status == 500:
            await until_waiting(tenant, value="2")
            vendor.page = page  # type: ignore[method-assign]
        await until_read(tenant)
    if status == 500:
        assert (await list_names(api))["2"] == "Renamed"


async def test_vendor_that_is_away_for_a_while_is_asked_again_and_nothing_is_lost(
    hook: Hook, tenant: Tenant, vendor: Vendor, sealer: Sealer, api: httpx.AsyncClient
) -> None:
    vendor.will("/people", *[lambda request: say({}, 503)] * 60)
    vendor.lists["/people"][0]["name"] = "Renamed"
    async with process(tenant, sealer):
        await hook.send(row("people", "1"), row("people", "2"))

        async def has_asked_often() -> bool:
            return vendor.count("/people") >= 60

        await until(has_asked_often)
        await until_read(tenant)
    assert (await list_names(api))["1"] == "Renamed"


async def test_vendor_that_says_when_to_come_again_is_obeyed(
    hook: Hook, tenant: Tenant, vendor: Vendor, sealer: Sealer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processing, "LONGEST_PAUSE", inbox.LONGEST_PAUSE)
    vendor.will("/people", *[lambda request: say({}, 429, Retry_After="100")] * 2)
    async with process(tenant, sealer):
        await hook.send(row("people", "1"))

        async def waits() -> bool:
            seconds = await tenant.pool.fetchval(
                "SELECT extract(epoch FROM due_at - now()) FROM inbox WHERE claim IS NULL"
            )
            return seconds is not None and seconds > 60

        await until(waits)
        asked = vendor.count("/people")
        await hook.send(row("people", "2"))
        assert await tenant.pool.fetchval("SELECT due_at > now() + interval '1 minute' FROM inbox")
    assert vendor.count("/people") == asked


async def test_connector_that_is_paused_rests_and_goes_on_later(
    hook: Hook, tenant: Tenant, vendor: Vendor, sealer: Sealer, api: httpx.AsyncClient
) -> None:
    vendor.lists["/people"][0]["name"] = "Renamed"
    async with tenant.pool.acquire() as connection:
        await set_paused(connection, tenant.connector.number, is_paused=True)
    async with process(tenant, sealer):
        assert (await hook.send(row("people", "1"))).status_code == 200

        async def was_looked_at() -> bool:
            return bool(await tenant.pool.fetchval("SELECT not_before IS NOT NULL FROM inbox"))

        await until(was_looked_at)
        assert await list_waiting(tenant.pool) == {("people", "", "1")}
        async with tenant.pool.acquire() as connection:
            await set_paused(connection, tenant.connector.number, is_paused=False)
        await until_read(tenant)
    assert (await list_names(api))["1"] == "Renamed"


async def test_credentials_that_are_refused_are_the_customers_to_mend(
    hook: Hook, tenant: Tenant, vendor: Vendor, sealer: Sealer, api: httpx.AsyncClient
) -> None:
    vendor.lists["/people"][0]["name"] = "Renamed"
    refused = [lambda request: say({"error": "invalid_client"}, 401)] * 200
    vendor.will("/token", *refused)
    async with process(tenant, sealer):
        await tenant.pool.execute(
            "INSERT INTO connector_grant (connector, credentials_version, refused_times, refused_since) "
            "SELECT number, credentials_version, 9, now() - interval '1 day' FROM connector"
        )
        await hook.send(row("people", "1"))

        async def is_to_mend() -> bool:
            return bool(await tenant.pool.fetchval("SELECT status = 'RELINK_NEEDED' FROM connector"))

        await until(is_to_mend)
        assert await list_waiting(tenant.pool) == {("people", "", "1")}
        vendor.answers["/token"].clear()
        await tenant.pool.execute("DELETE FROM connector_grant")
        await set_status(tenant.pool, tenant.connector, "COMPLETE")
        await until_read(tenant)
    assert (await list_names(api))["1"] == "Renamed"


async def test_database_that_goes_away_is_waited_for(
    hook: Hook, tenant: Tenant, vendor: Vendor, sealer: Sealer, api: httpx.AsyncClient
) -> None:
    end_all = """
        SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid()
    """
    async with process(tenant, sealer):
        for number, name in (("1", "First"), ("2", "Second")):
            async with tenant.pool.acquire() as connection:
                await connection.execute(end_all)
            vendor.lists["/people"][int(number) - 1]["name"] = name

            async def is_sent(number: str = number) -> bool:
                return (await hook.send(row("people", number), id=number)).status_code == 200

            await until(is_sent)
            await until_read(tenant)
    assert (await list_names(api))["2"] == "Second"


async def test_moment_that_a_wrong_clock_gave_is_not_waited_for(
    hook: Hook, tenant: Tenant, vendor: Vendor, sealer: Sealer
) -> None:
    await hook.send(row("people", "1"))
    await tenant.pool.execute("UPDATE inbox SET due_at = now() + '1 year', not_before = now() + '1 year'")
    await tenant.pool.execute("UPDATE inbox_touch SET due_at = now() + '1 year'")
    async with process(tenant, sealer):
        await until_read(tenant)
    await tenant.pool.execute("UPDATE inbox SET not_before = now() + '1 year'")
    await hook.send(row("people", "1"))
    assert await tenant.pool.fetchval("SELECT due_at <= now() + interval '1 hour' FROM inbox")


async def test_several_connectors_are_read_side_by_side_and_none_by_two(
    hook: Hook, tenant: Tenant, vendor: Vendor, sealer: Sealer, api: httpx.AsyncClient
) -> None:
    others = [
        await make_tenant(tenant.pool, sealer, organisation=name, integration=DELTA, base_url=vendor.base_url)
        for name in "BCD"
    ]
    sent = [hook, *[await make_hook(other, sealer, api) for other in others]]
    async with process(tenant, sealer), process(tenant, sealer):
        for number in range(5):
            await asyncio.gather(*(one.send(row("people", str(1 + number % 3))) for one in sent))
        await until_read(tenant)

        async def is_calm() -> bool:
            return bool(await tenant.pool.fetchval("SELECT bool_and(claim IS NULL AND due_at IS NULL) FROM inbox"))

        await until(is_calm)
    stored = "SELECT count(*) FROM record WHERE stream = 'people' AND deleted_at IS NULL"
    assert await tenant.pool.fetchval(stored) == 4 * 3
