"""Credentials that a vendor refuses: one refusal may be an accident, and a firewall's page is none of the vendor's."""

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web

from testbed.databases import Databases
from testbed.partner import PARTNER, SECRETS, TokenEndpoint, connect_partner, make_grant
from testbed.tenants import Tenant, make_tenant
from testbed.vendor import ACME, HERE, IMPATIENT, Answerer, Vendor, fill, say
from testbed.waiting import until
from testbed.working import Works
from unihire.errors import CredentialsRefused, NoToken, PermissionMissing, ReauthorizeNeeded, RetryLater
from unihire.integration import registry
from unihire.kit.seal import Sealer
from unihire.outbound.client import Target, VendorClient
from unihire.platform.connectors import open_connector_client
from unihire.store import Pool
from unihire.store.accounts.tenancy import Connector
from unihire.store.database import open_database
from unihire.sync.run import sync_connector

OAUTH = {"error": "invalid_client", "error_description": "secret-of-the-vendor is wrong"}

FOREIGN: list[tuple[int, Any]] = [
    (400, b"<html>Request blocked</html>"),
    (401, {}),
    (401, {"error": "Forbidden"}),
    (401, {"error": 401}),
    (401, {"error": ["invalid_client"]}),
    (401, ["invalid_client"]),
    (403, {"message": "Forbidden"}),
    (403, b"[" * 100_000),
    (400, {"error": "temporarily_unavailable"}),
    (404, {"message": "no route"}),
    (405, b""),
    (410, {}),
    (422, b"\xff"),
]
"""Answers of a token endpoint that say nothing of the credentials."""


def refuse(status: int = 401, body: Any = None) -> Answerer:
    return lambda request: say(OAUTH if body is None else body, status)


@pytest.fixture(autouse=True)
def _integrations(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "list_integrations", lambda: (PARTNER,))


@pytest_asyncio.fixture
async def tenant(pool: Pool, sealer: Sealer, vendor: Vendor) -> Tenant:
    fill(vendor)
    return await make_tenant(pool, sealer, base_url=vendor.base_url)


Open = Callable[[], VendorClient]


@pytest.fixture
def open_client(pool: Pool, sealer: Sealer, tenant: Tenant) -> Open:
    """Opens a client as another process would: all it knows of refusals is in the store."""

    def open_one() -> VendorClient:
        client = open_connector_client(pool, tenant.connector, sealer)
        client.target = replace(client.target, retry=IMPATIENT)
        return client

    return open_one


async def ask(open_client: Open) -> None:
    async with open_client() as client:
        await client.get("/jobs/1")


async def let_pass(pool: Pool, by: timedelta) -> None:
    """As if what was refused had been refused so much earlier."""
    await pool.execute("UPDATE connector_grant SET refused_since = refused_since - $1::interval", by)


async def find_refusals(pool: Pool) -> int:
    times: int = await pool.fetchval("SELECT coalesce(max(refused_times), 0) FROM connector_grant")
    return times


@pytest.mark.parametrize(("status", "body"), FOREIGN, ids=lambda value: repr(value)[:30])
async def test_answer_that_is_no_refusal_of_the_vendors_is_tried_again_and_never_believed(
    vendor: Vendor, pool: Pool, open_client: Open, status: int, body: Any
) -> None:
    vendor.will("/token", *[refuse(status, body)] * IMPATIENT.attempts * 4)
    for _ in range(4):
        with pytest.raises(NoToken, match=str(status)) as later:
            await ask(open_client)
        assert not isinstance(later.value, CredentialsRefused)
    assert vendor.count("/token") == IMPATIENT.attempts * 4
    assert vendor.count("/jobs/1") == 0
    assert await find_refusals(pool) == 0
    await ask(open_client)


async def test_operator_who_connects_is_answered_at_once(vendor: Vendor, tenant: Tenant) -> None:
    """Nothing is stored yet, so nothing is asked again in minutes."""
    target = Target(base_url=vendor.base_url, addresses=HERE, auth=ACME.auth, retry=IMPATIENT)
    async with VendorClient(target, tenant.credentials) as client:
        vendor.will("/token", refuse())
        with pytest.raises(ReauthorizeNeeded, match=r"refuses the credentials \(401, invalid_client\)"):
            await client.check()
        vendor.will("/token", *[refuse(403, b"<html>")] * IMPATIENT.attempts)
        with pytest.raises(NoToken, match="403, and not in the form in which the vendor refuses credentials"):
            await client.check()


async def test_one_refusal_is_not_believed_and_one_purchase_later_forgotten(
    vendor: Vendor, pool: Pool, open_client: Open
) -> None:
    vendor.will("/token", refuse())
    with pytest.raises(CredentialsRefused, match=r"\(401, invalid_client\)") as doubted:
        await ask(open_client)
    assert vendor.count("/token") == 1  # refused credentials are not tried again at once
    assert doubted.value.after == 60
    assert "secret-of-the-vendor" not in str(doubted.value)
    assert await find_refusals(pool) == 1
    await ask(open_client)
    assert await find_refusals(pool) == 0


async def test_refusals_are_believed_once_there_were_several_over_minutes(
    vendor: Vendor, pool: Pool, open_client: Open
) -> None:
    vendor.will("/token", *[refuse()] * 50)
    for _ in range(4):  # often, but all at once
        with pytest.raises(CredentialsRefused):
            await ask(open_client)
    await let_pass(pool, timedelta(minutes=4, seconds=50))
    with pytest.raises(CredentialsRefused):
        await ask(open_client)
    await let_pass(pool, timedelta(seconds=10))
    with pytest.raises(ReauthorizeNeeded):
        await ask(open_client)


async def test_two_refusals_far_apart_are_too_few(vendor: Vendor, pool: Pool, open_client: Open) -> None:
    vendor.will("/token", *[refuse()] * 3)
    for raised in (CredentialsRefused, CredentialsRefused, ReauthorizeNeeded):
        with pytest.raises(raised):
            await ask(open_client)
        await let_pass(pool, timedelta(hours=1))


async def test_call_that_is_let_in_between_refusals_makes_them_begin_anew(
    vendor: Vendor, pool: Pool, open_client: Open
) -> None:
    vendor.will("/token", refuse(), refuse())
    for _ in range(2):
        with pytest.raises(CredentialsRefused):
            await ask(open_client)
    await let_pass(pool, timedelta(hours=1))
    await ask(open_client)
    await pool.execute("UPDATE connector_grant SET sealed = NULL")
    vendor.will("/token", refuse())
    with pytest.raises(CredentialsRefused):
        await ask(open_client)
    assert await find_refusals(pool) == 1


async def test_fresh_token_that_is_refused_is_no_more_believed_at_once(
    vendor: Vendor, pool: Pool, open_client: Open
) -> None:
    vendor.will("/jobs/1", *[refuse(401, {})] * 5 * 3)
    for raised in (CredentialsRefused, CredentialsRefused, ReauthorizeNeeded):
        with pytest.raises(raised, match=r"refuses a fresh token \(401\)"):
            await ask(open_client)
        await let_pass(pool, timedelta(hours=1))
    assert await find_refusals(pool) == 3  # tokens were bought in between, which proves nothing
    vendor.answers.clear()
    await ask(open_client)
    assert await find_refusals(pool) == 0


async def test_refusal_in_a_list_s_own_words_is_that_list_s(vendor: Vendor, open_client: Open) -> None:
    vendor.will("/jobs/1", refuse(403, {}))
    with pytest.raises(PermissionMissing):
        await ask(open_client)


@pytest.mark.parametrize("status", [404, 403, 429, 500, 302])
async def test_token_endpoint_that_is_away_for_a_moment_ends_no_list(
    vendor: Vendor, pool: Pool, tenant: Tenant, open_client: Open, status: int
) -> None:
    vendor.will("/token", refuse(status, b"<html>"))
    report = await sync_connector(pool, tenant.connector, ACME, open_client())
    assert (report.status, report.errors) == ("done", {})


async def test_token_endpoint_that_stays_away_leaves_the_run_to_be_gone_on_with(
    vendor: Vendor, pool: Pool, tenant: Tenant, open_client: Open
) -> None:
    vendor.will("/token", *[refuse(404, {})] * 50)
    with pytest.raises(RetryLater, match="404"):
        await sync_connector(pool, tenant.connector, ACME, open_client())
    assert await pool.fetchval("SELECT status FROM sync_run") == "running"
    assert await pool.fetchval("SELECT count(*) FROM stream_run WHERE error IS NOT NULL") == 0
    vendor.answers.clear()
    report = await sync_connector(pool, tenant.connector, ACME, open_client())
    assert (report.status, report.is_resumed) == ("done", True)


async def test_sync_whose_credentials_are_refused_once_goes_on_and_the_connector_stands_well(
    works: Works, customer: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("unihire.outbound.granting.REFUSED_AGAIN_SECONDS", 0.1)
    monkeypatch.setattr("unihire.sync.deferring.FIRST_PAUSE", timedelta(milliseconds=10))
    works.vendor.will("/token", refuse())
    async with works.work():
        await works.ask(customer)
        run = await works.wait_for(customer)
    assert run["attempt"] == 2
    assert await works.pool.fetchval("SELECT status FROM connector") == "COMPLETE"
    assert await works.list_issues(customer, with_resolved=True) == ["vendor_unavailable"]


async def test_sync_whose_credentials_stay_refused_waits_says_why_and_then_asks_for_others(
    works: Works, customer: Tenant
) -> None:
    works.vendor.will("/token", *[refuse()] * 50)
    async with works.work():
        await works.ask(customer)
        run = await works.wait_for_putting_off(customer)
        assert "refuses the credentials (401, invalid_client)" in run["waits_for"]
        assert timedelta(seconds=50) < run["waits_until"] - datetime.now(UTC) < timedelta(seconds=61)
        assert await works.pool.fetchval("SELECT status FROM connector") == "COMPLETE"
        assert await works.list_issues(customer) == ["vendor_unavailable"]
        await let_pass(works.pool, timedelta(minutes=3))
        await works.ask(customer)
        await until(lambda: has_refused(works.pool, 2))
        await works.wait_for_putting_off(customer)
        await let_pass(works.pool, timedelta(minutes=3))
        await works.ask(customer)
        await works.wait_for(customer, "failed")
    assert await works.pool.fetchval("SELECT status FROM connector") == "RELINK_NEEDED"
    assert await works.list_issues(customer) == ["reauthorize"]


async def has_refused(pool: Pool, times: int) -> bool:
    return await find_refusals(pool) == times


async def test_write_with_refused_credentials_is_not_sent_and_says_so(works: Works, customer: Tenant) -> None:
    """The caller hears of it at once; the connector needs no relink for it."""
    works.vendor.will("/token", refuse())
    async with works.open_client(customer.connector) as client:
        with pytest.raises(CredentialsRefused) as doubted:
            await client.send("POST", "/jobs", b"{}")
    assert doubted.value.status == 401
    assert works.vendor.count("/jobs") == 0
    assert await works.pool.fetchval("SELECT status FROM connector") == "COMPLETE"


async def test_partner_s_refresh_token_is_doubted_likewise(
    works: Works, sealer: Sealer, monkeypatch: pytest.MonkeyPatch
) -> None:
    works.install(PARTNER)
    endpoint = TokenEndpoint(works.vendor)
    endpoint.open()
    made = await connect_partner(
        works.pool, sealer, integration=PARTNER, base_url=works.vendor.base_url, credentials=SECRETS,
        grant=make_grant(),
    )  # fmt: skip
    works.vendor.answers["/token"].insert(0, refuse(400, {"error": "invalid_grant"}))
    await works.pool.execute("UPDATE connector SET next_sync_at = now() + '5 hours'")
    await works.pool.execute("UPDATE connector_grant SET saved_at = now() - '9 hours'::interval")
    monkeypatch.setattr("unihire.sync.chores.RENEW_AGAIN_AFTER", timedelta(milliseconds=200))
    async with works.work():
        await until(lambda: has_spent(endpoint))
    assert endpoint.spent == ["refresh-0"]
    assert await works.pool.fetchval("SELECT status FROM connector WHERE number = $1", made.number) == "COMPLETE"


async def has_spent(endpoint: TokenEndpoint) -> bool:
    return bool(endpoint.spent)


async def test_access_token_of_a_partner_that_is_refused_once_is_used_again_where_nothing_can_replace_it(
    pool: Pool, sealer: Sealer, vendor: Vendor
) -> None:
    grant = replace(make_grant(None), renew_at=make_grant().renew_at + timedelta(hours=1))
    made = await connect_partner(
        pool, sealer, integration=PARTNER, base_url=vendor.base_url, credentials=SECRETS, grant=grant
    )
    vendor.lists["/jobs"] = [{"id": "1"}]
    vendor.will("/jobs/1", refuse(401, b"<html>"))
    async with open_connector_client(pool, made, sealer) as client:
        with pytest.raises(CredentialsRefused, match="connect again"):
            await client.get("/jobs/1")
        assert (await client.get("/jobs/1")).status == 200


async def test_refused_connectors_wait_for_no_connection_that_another_of_them_has(
    databases: Databases, sealer: Sealer, vendor: Vendor
) -> None:
    """The smallest pool, and more connectors than it has connections, all refused in one moment."""
    asked, arrived = asyncio.Event(), 0

    async def refuse_all_at_once(request: web.Request) -> web.Response:
        nonlocal arrived
        arrived += 1
        if arrived == 4:
            asked.set()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(asked.wait(), 1)
        return say(OAUTH, 401)

    vendor.will("/token", *[refuse_all_at_once] * 50)
    async with databases.create() as name, open_database(databases.settings(name, database_pool=4)) as pool:
        made = [await make_tenant(pool, sealer, base_url=vendor.base_url) for _ in range(6)]

        async def ask_one(connector: Connector) -> None:
            async with open_connector_client(pool, connector, sealer) as client:
                await client.get("/jobs/1")

        async with asyncio.timeout(10):
            raised = await asyncio.gather(*(ask_one(one.connector) for one in made), return_exceptions=True)
    assert [type(error) for error in raised] == [CredentialsRefused] * 6
