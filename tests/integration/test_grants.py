"""Tokens kept in the store: bought once, sealed, and never lost when they are rotated."""

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio
from aiohttp import web

from testbed.accounts import believe_at_once
from testbed.databases import Databases
from testbed.partner import PARTNER, SECRETS, TokenEndpoint, connect_partner, make_grant
from testbed.tenants import Tenant, make_tenant
from testbed.vendor import ACME, HERE, IMPATIENT, Vendor, say
from testbed.waiting import until, within
from unihire.errors import ConfigError, CredentialsReplaced, ReauthorizeNeeded
from unihire.kit.clock import MovableClock
from unihire.kit.seal import Sealer, new_key
from unihire.outbound.client import Target, VendorClient
from unihire.platform.connectors import open_client
from unihire.platform.grants import StoredGrants
from unihire.store import Pool
from unihire.store.accounts import grants, tenancy
from unihire.store.accounts.grants import lock_grant
from unihire.store.accounts.tenancy import Connector
from unihire.store.database import open_database
from unihire.store.feed.gate import lock_feed_row


def keep(pool: Pool, sealer: Sealer, connector: Connector) -> StoredGrants:
    return StoredGrants(
        pool, sealer, connector=connector.id, number=connector.number, version=connector.credentials_version
    )


def open_partner(pool: Pool, sealer: Sealer, connector: Connector) -> VendorClient:
    return open_client(
        PARTNER,
        SECRETS,
        connector.base_url,
        is_base_url_trusted=True,
        is_partner=True,
        grants=keep(pool, sealer, connector),
        retry=IMPATIENT,
    )


@pytest_asyncio.fixture
async def endpoint(vendor: Vendor) -> TokenEndpoint:
    made = TokenEndpoint(vendor)
    made.open()
    return made


@pytest_asyncio.fixture
async def partner(pool: Pool, sealer: Sealer, vendor: Vendor) -> Connector:
    """A connector whose refresh token is good for one purchase, and whose access token has ended."""
    return await connect_partner(
        pool, sealer, integration=PARTNER, base_url=vendor.base_url, credentials=SECRETS, grant=make_grant()
    )


@pytest_asyncio.fixture
async def customer(pool: Pool, sealer: Sealer, vendor: Vendor) -> Tenant:
    vendor.lists["/jobs"] = [{"id": "1"}]
    return await make_tenant(pool, sealer, base_url=vendor.base_url)


@contextlib.asynccontextmanager
async def open_many(
    count: int, pool: Pool, sealer: Sealer, tenant: Tenant, clock: MovableClock | None = None
) -> AsyncIterator[list[VendorClient]]:
    assert tenant.connector.base_url is not None
    target = Target(base_url=tenant.connector.base_url, addresses=HERE, auth=ACME.auth, retry=IMPATIENT)
    async with contextlib.AsyncExitStack() as stack:
        clients = []
        for _ in range(count):
            kept = keep(pool, sealer, tenant.connector)
            client = VendorClient(target, tenant.credentials, grants=kept, clock=clock)
            clients.append(await stack.enter_async_context(client))
        yield clients


async def test_grant_is_on_the_disk_at_its_commit_where_the_server_s_default_is_another(
    tenant: Tenant,
) -> None:
    async with tenant.pool.acquire() as connection:
        await connection.execute("SET synchronous_commit TO off")
        async with connection.transaction():
            assert await grants.save_grant(connection, tenant.connector.number, 1, b"sealed")
            assert await connection.fetchval("SHOW synchronous_commit") == "on"  # what the commit goes by


async def test_token_is_bought_once_for_all_clients_and_those_to_come(
    vendor: Vendor, pool: Pool, sealer: Sealer, customer: Tenant
) -> None:
    async with open_many(20, pool, sealer, customer) as clients:
        await asyncio.gather(*(client.get("/jobs/1") for client in clients))
    async with open_many(1, pool, sealer, customer) as (late,):
        await late.get("/jobs/1")
    assert vendor.tokens == 1
    assert {request.headers["Authorization"] for request in vendor.log if request.path == "/jobs/1"} == {
        "Bearer token-1"
    }


async def test_token_that_ends_is_bought_anew_by_one_client(
    vendor: Vendor, pool: Pool, sealer: Sealer, customer: Tenant
) -> None:
    clock = MovableClock()
    async with open_many(20, pool, sealer, customer, clock) as clients:
        for round in range(1, 4):
            await asyncio.gather(*(client.get("/jobs/1") for client in clients))
            assert vendor.tokens == round
            clock.advance(timedelta(hours=1))


async def test_refused_token_is_bought_anew_only_while_it_is_the_kept_one(
    vendor: Vendor, pool: Pool, sealer: Sealer, customer: Tenant
) -> None:
    """The first client is refused and buys; the second is refused the same token and finds the new one kept."""

    def serve(request: web.Request) -> web.Response:
        is_current = request.headers["Authorization"] == f"Bearer token-{vendor.tokens}"
        return say({"id": "1"}) if is_current else say({}, 401)

    vendor.will("/jobs/1", *[serve] * 20)
    async with open_many(2, pool, sealer, customer) as (one, other):
        await one.get("/jobs/1")
        await other.get("/jobs/1")
        vendor.tokens += 1  # token-1 is good no more
        await one.get("/jobs/1")
        assert vendor.tokens == 3
        await other.get("/jobs/1")
        assert vendor.tokens == 3


async def test_stale_token_of_another_client_is_not_taken_for_a_fresh_one(
    vendor: Vendor, pool: Pool, sealer: Sealer, customer: Tenant
) -> None:
    async with open_many(2, pool, sealer, customer) as (one, other):
        await one.get("/jobs/1")
        await other.get("/jobs/1")

        def refuse_all_but(number: int) -> None:
            def serve(request: web.Request) -> web.Response:
                is_good = request.headers["Authorization"] == f"Bearer token-{number}"
                return say({"id": "1"}) if is_good else say({}, 401)

            vendor.answers["/jobs/1"] = [serve] * 20

        refuse_all_but(2)
        await one.get("/jobs/1")
        refuse_all_but(3)
        await other.get("/jobs/1")  # refused with token-1, then with token-2, which it found; then it buys
        assert vendor.tokens == 3


async def test_token_endpoint_that_wants_a_rest_does_not_stop_the_api(
    vendor: Vendor, pool: Pool, sealer: Sealer, customer: Tenant
) -> None:
    async with open_many(1, pool, sealer, customer) as (client,):
        await client.get("/jobs/1")
        asked = asyncio.Event()

        def refuse(request: web.Request) -> web.Response:
            asked.set()
            return say({}, 429, Retry_After="30")

        vendor.will("/token", refuse)
        checking = asyncio.create_task(client.check())
        await within(asked.wait())
        async with asyncio.timeout(2):
            await client.get("/jobs/1")
        checking.cancel()


async def test_kept_grant_is_sealed_in_its_place(
    vendor: Vendor, endpoint: TokenEndpoint, pool: Pool, sealer: Sealer, partner: Connector, other_tenant: Tenant
) -> None:
    async with open_partner(pool, sealer, partner) as client:
        await client.get("/jobs/1")
    held = await grants.find_grant(pool, partner.number, 1)
    assert held is not None
    stored = held.sealed
    assert stored is not None
    assert b"access-" not in stored
    assert b"refresh-" not in stored
    kept = await keep(pool, sealer, partner).find()
    assert kept is not None
    assert (kept.access_token, kept.refresh_token) == ("access-1", "refresh-1")
    assert "ess-1" not in repr(kept)
    assert "esh-1" not in repr(kept)
    with pytest.raises(ConfigError, match="no longer contains"):
        await keep(pool, Sealer([new_key()]), partner).find()
    async with pool.acquire() as connection:
        assert await grants.save_grant(connection, other_tenant.connector.number, 1, stored)
    with pytest.raises(ConfigError, match="altered or moved"):
        await keep(pool, sealer, other_tenant.connector).find()


async def test_rotated_token_is_saved_before_it_is_used(
    vendor: Vendor, endpoint: TokenEndpoint, pool: Pool, sealer: Sealer, partner: Connector
) -> None:
    kept = keep(pool, sealer, partner)

    async def serve(request: web.Request) -> web.StreamResponse:
        grant = await kept.find()
        assert grant is not None
        assert f"Bearer {grant.access_token}" == request.headers["Authorization"]
        assert grant.refresh_token == endpoint.refresh
        return await endpoint.serve(request)

    async with open_partner(pool, sealer, partner) as client:
        for round in range(1, 5):
            vendor.answers["/jobs/1"] = [endpoint.serve, serve] if round > 1 else [serve]
            await client.get("/jobs/1")
            assert len(endpoint.spent) == round
            endpoint.expire()
    assert endpoint.refused == 0


async def test_refresh_token_that_is_refused_needs_the_customer(
    vendor: Vendor,
    endpoint: TokenEndpoint,
    pool: Pool,
    sealer: Sealer,
    partner: Connector,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    believe_at_once(monkeypatch)
    endpoint.refresh = "another"
    async with open_partner(pool, sealer, partner) as client:
        with pytest.raises(ReauthorizeNeeded, match=r"refuses the refresh token \(400, invalid_grant\)") as caught:
            await client.get("/jobs/1")
    assert "refresh-0" not in str(caught.value)
    assert endpoint.refused == 1


async def test_grant_without_a_refresh_token_ends_with_its_access_token(
    vendor: Vendor, endpoint: TokenEndpoint, pool: Pool, sealer: Sealer, partner: Connector
) -> None:
    async with keep(pool, sealer, partner).lock() as held:
        await held.save(make_grant(None))
    async with open_partner(pool, sealer, partner) as client:
        with pytest.raises(ReauthorizeNeeded, match="connect again"):
            await client.get("/jobs/1")
    assert vendor.count("/token") == 0


async def test_call_that_is_cancelled_does_not_lose_the_token_it_waited_for(
    vendor: Vendor, endpoint: TokenEndpoint, pool: Pool, sealer: Sealer, partner: Connector
) -> None:
    endpoint.pause = 0.2
    async with open_partner(pool, sealer, partner) as client:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await client.get("/jobs/1")
    kept = await keep(pool, sealer, partner).find()
    assert kept is not None
    assert kept.refresh_token == endpoint.refresh == "refresh-1"


async def test_client_that_is_cancelled_outright_does_not_lose_the_token_either(
    vendor: Vendor, endpoint: TokenEndpoint, pool: Pool, sealer: Sealer, partner: Connector
) -> None:
    endpoint.pause = 0.2

    async def work() -> None:
        async with open_partner(pool, sealer, partner) as client:
            await client.get("/jobs/1")

    task = asyncio.create_task(work())
    await within(endpoint.was_asked.wait())
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    kept = await keep(pool, sealer, partner).find()
    assert kept is not None
    assert kept.refresh_token == endpoint.refresh == "refresh-1"


async def test_connection_lost_during_a_purchase_does_not_lose_the_token(
    vendor: Vendor, endpoint: TokenEndpoint, pool: Pool, sealer: Sealer, partner: Connector
) -> None:
    async def cut_the_holder_off(request: web.Request) -> web.StreamResponse:
        ended = await pool.fetch(
            "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND classid = $1 AND granted",
            grants.GRANT_LOCKS,
        )
        assert len(ended) == 1
        return await endpoint.hand_out(request)

    vendor.answers["/token"].insert(0, cut_the_holder_off)
    async with open_partner(pool, sealer, partner) as client:
        await client.get("/jobs/1")
        endpoint.expire()
        await client.get("/jobs/1")
    assert (endpoint.spent, endpoint.refused) == (["refresh-0", "refresh-1"], 0)


async def test_renewing_leaves_connections_to_others(
    databases: Databases, vendor: Vendor, endpoint: TokenEndpoint, sealer: Sealer
) -> None:
    """The smallest pool, two connections held as by syncs, and twelve clients of one connector that all renew."""
    endpoint.pause = 0.05
    async with (
        databases.create() as name,
        open_database(databases.settings(name, database_pool=4)) as pool,
        contextlib.AsyncExitStack() as stack,
        asyncio.timeout(10),
    ):
        connector = await connect_partner(
            pool, sealer, integration=PARTNER, base_url=vendor.base_url, credentials=SECRETS, grant=make_grant()
        )
        clients = [await stack.enter_async_context(open_partner(pool, sealer, connector)) for _ in range(12)]
        async with pool.acquire(), pool.acquire():
            asking = asyncio.gather(*(client.get("/jobs/1") for client in clients))
            await within(endpoint.was_asked.wait())
            async with asyncio.timeout(0.04):  # while the purchase is under way
                await pool.fetchval("SELECT 1")
            await asking
    assert len(endpoint.spent) == 1


async def test_lock_of_a_feed_does_not_wait_for_a_renewal_nor_the_other_way_round(
    vendor: Vendor, endpoint: TokenEndpoint, pool: Pool, sealer: Sealer, partner: Connector
) -> None:
    await pool.execute("DELETE FROM connector_grant")
    async with pool.acquire() as connection, connection.transaction(), asyncio.timeout(2):
        assert await lock_feed_row(connection, partner.number)
        async with keep(pool, sealer, partner).lock() as held:
            await held.save(make_grant())


async def test_grant_goes_with_its_connector(pool: Pool, sealer: Sealer, partner: Connector) -> None:
    async with keep(pool, sealer, partner).lock() as held:
        await pool.execute("DELETE FROM connector WHERE number = $1", partner.number)
        with pytest.raises(CredentialsReplaced):
            await held.save(make_grant())
    assert await pool.fetchval("SELECT count(*) FROM connector_grant") == 0


COUNT_WAITING = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


async def has_waiter(pool: Pool) -> bool:
    return bool(await pool.fetchval(COUNT_WAITING))


async def test_saved_grant_with_other_scopes_waits_for_new_credentials_and_they_not_for_it(
    pool: Pool, sealer: Sealer, partner: Connector
) -> None:
    async with pool.acquire() as saving, pool.acquire() as replacing, asyncio.TaskGroup() as tasks:
        async with replacing.transaction():
            assert await lock_feed_row(replacing, partner.number)
            await replacing.execute("SELECT FROM connector WHERE number = $1 FOR NO KEY UPDATE", partner.number)
            save = tasks.create_task(grants.save_grant(saving, partner.number, 1, b"sealed", ["jobs:create"]))
            await until(lambda: has_waiter(pool))
            assert await tenancy.replace_credentials(replacing, partner.number, b"other", None) == 2
        assert not await within(save)
    assert await pool.fetchval("SELECT sealed FROM connector_grant WHERE connector = $1", partner.number) is None
    assert await pool.fetchval("SELECT scopes FROM connector WHERE number = $1", partner.number) is None


async def test_what_is_saved_of_a_connector_that_is_being_removed_is_not(pool: Pool, partner: Connector) -> None:
    await pool.execute("DELETE FROM connector_grant")
    async with pool.acquire() as saving, pool.acquire() as noting, pool.acquire() as removing:
        await removing.execute("BEGIN")
        await removing.execute(tenancy.LOCK_CONNECTOR, partner.number)
        save = asyncio.create_task(grants.save_grant(saving, partner.number, 1, b"sealed"))
        note = asyncio.create_task(grants.note_refusal(noting, partner.number, 1))
        await until(lambda: has_waiter(pool))
        await removing.execute("DELETE FROM connector WHERE number = $1", partner.number)
        await removing.execute("COMMIT")
        assert not await within(save)
        assert await within(note) is None


RENEWER = """
import asyncio, json, os, signal, sys
from uuid import UUID
from testbed.partner import PARTNER, SECRETS
from unihire.kit.seal import Sealer
from unihire.outbound.client import Target, VendorClient
from unihire.platform.connectors import open_client
from unihire.platform.grants import StoredGrants
from unihire.settings import Settings
from unihire.store.database import open_database
from unihire.store.accounts.tenancy import get_connector

given = json.loads(sys.argv[1])

async def die(*args, **options):
    os.kill(os.getpid(), signal.SIGKILL)

async def main():
    settings = Settings(_env_file=None, home=given["home"], database_url=given["dsn"])
    async with open_database(settings) as pool:
        connector = await get_connector(pool, UUID(given["connector"]))
        keeper = StoredGrants(
            pool, Sealer([given["key"]]), connector=connector.id, number=connector.number, version=1
        )
        trusted = connector.is_base_url_trusted
        async with open_client(
            PARTNER, SECRETS, connector.base_url, is_base_url_trusted=trusted, is_partner=True, grants=keeper
        ) as client:
            if given["dies"]:
                client._ask = die
            await client.get("/jobs/1")

asyncio.run(main())
"""


@contextlib.asynccontextmanager
async def run_renewer(databases: Databases, name: str, key: str, connector: Connector, *, dies: bool) -> AsyncIterator:
    given = {"home": str(databases.home), "dsn": databases.server.dsn(name), "connector": str(connector.id), "key": key}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", RENEWER, json.dumps({**given, "dies": dies})),
        env={"PYTHONPATH": str(Path(__file__).parent.parent)},
        stderr=subprocess.PIPE,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await within(process.wait())


@pytest.mark.parametrize("moment", ["before the answer", "after the saving"])
async def test_process_that_is_killed_leaves_the_grant_alive(
    databases: Databases, vendor: Vendor, endpoint: TokenEndpoint, moment: str
) -> None:
    key = new_key()
    sealer = Sealer([key])
    asked = asyncio.Event()

    async def hang(request: web.Request) -> web.StreamResponse:
        asked.set()
        await asyncio.sleep(30)
        raise AssertionError("nobody waits for this")

    async with databases.create() as name, open_database(databases.settings(name)) as pool:
        connector = await connect_partner(
            pool, sealer, integration=PARTNER, base_url=vendor.base_url, credentials=SECRETS, grant=make_grant()
        )
        if moment == "before the answer":
            vendor.answers["/token"].insert(0, hang)
            async with run_renewer(databases, name, key, connector, dies=False) as process:
                await asyncio.wait_for(asked.wait(), 10)
                process.kill()
                await within(process.wait())
            assert endpoint.spent == []
        else:
            async with run_renewer(databases, name, key, connector, dies=True) as process:
                assert await within(process.wait()) == -9, (await process.stderr.read()).decode()
            assert endpoint.spent == ["refresh-0"]
        async with asyncio.timeout(5), open_partner(pool, sealer, connector) as client:
            await client.get("/jobs/1")  # the lock died with the process
            endpoint.expire()
            await client.get("/jobs/1")
    assert endpoint.refused == 0


async def test_database_that_stays_away_is_told(
    vendor: Vendor,
    endpoint: TokenEndpoint,
    pool: Pool,
    sealer: Sealer,
    partner: Connector,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("unihire.platform.grants.SAVE_PAUSES", (0.0, 0.01))

    async def fail(*args: object) -> None:
        raise asyncpg.CannotConnectNowError("the database system is starting up")

    monkeypatch.setattr(grants, "save_grant", fail)
    async with open_partner(pool, sealer, partner) as client:
        with pytest.raises(asyncpg.CannotConnectNowError):
            await client.get("/jobs/1")


async def test_renewer_that_is_cancelled_while_it_lets_go_waits_for_no_server_that_does_not_answer(
    pool: Pool, partner: Connector
) -> None:
    frozen = 0
    is_leaving = asyncio.Event()

    async def hold() -> None:
        nonlocal frozen
        async with lock_grant(pool, partner.number) as connection:
            frozen = connection.get_server_pid()
            os.kill(frozen, signal.SIGSTOP)
            is_leaving.set()

    holding = asyncio.create_task(hold())
    try:
        await within(is_leaving.wait())
        await asyncio.sleep(0.2)
        holding.cancel()
        done, _ = await asyncio.wait([holding], timeout=3)
    finally:
        os.kill(frozen, signal.SIGCONT)
    assert done
    async with asyncio.timeout(10), lock_grant(pool, partner.number) as connection:
        assert await connection.fetchval("SELECT 1") == 1
