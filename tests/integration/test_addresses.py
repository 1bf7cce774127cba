"""Where connections lead, on real sockets: what must not be connected to is not, however it is asked for."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from ipaddress import ip_network
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from structlog.testing import capture_logs

from testbed.addresses import REFUSED, Listener, Resolver, watch_connections
from testbed.creating import PATH
from testbed.databases import Databases
from testbed.migrating import FILL_CONNECTOR, FILL_ORGANISATION
from testbed.tenants import make_tenant, serve_app
from testbed.vendor import ACME, IMPATIENT, Vendor, say
from testbed.working import Works
from unihire.app import create_app
from unihire.errors import AddressRefused, RetryLater, Unanswered
from unihire.integration.registry import get_integration
from unihire.kit.seal import Sealer
from unihire.outbound.addresses import AddressPolicy, make_connector
from unihire.outbound.client import Target, VendorClient
from unihire.platform.connectors import create_connector, open_client
from unihire.platform.organisations import ensure_organisation
from unihire.store import Connection, Pool, migrate
from unihire.store.accounts.tenancy import get_connector, list_connectors
from unihire.store.database import open_database

SECRETS = {"client_id": "the-id", "client_secret": "the-secret"}
NAME = "hook.example.com"
NOBODY = AddressPolicy()
LITERALS = [text for text in REFUSED if "%" not in text]  # no address of a page has the zone of a link
ODD = [
    "127.1",
    "127.0.1",
    "2130706433",
    "017700000001",
    "0x7f000001",
    "0x7f.1",
    "0177.0.0.1",
    "127.0.0.1.",
    "localhost",
    "LOCALHOST",
    "localhost.",
    "user:word@127.0.0.1",
    "example.com@127.0.0.1",
    "①②⑦.⓪.⓪.①",
    "127。0。0。1",
    "[0:0:0:0:0:0:0:1]",
    "[::ffff:7f00:1]",
    "[0:0:0:0:0:ffff:127.0.0.1]",
    "[::127.0.0.1]",
    "[::]",
]


@pytest.fixture
def listener() -> Iterator[Listener]:
    """Nobody may have called it by the end."""
    with closing(Listener()) as there:
        yield there
        assert there.count_callers() == 0


@pytest.fixture
def connected() -> Iterator[list[Any]]:
    with watch_connections() as addresses:
        yield addresses


def write_host(text: str) -> str:
    return f"[{text}]" if ":" in text else text


def open_session(policy: AddressPolicy = NOBODY, **options: Any) -> aiohttp.ClientSession:
    timeout = aiohttp.ClientTimeout(total=2)  # for what is connected to by mistake, and does not answer
    return aiohttp.ClientSession(connector=make_connector(policy, **options), timeout=timeout)


@pytest.mark.parametrize("text", LITERALS)
async def test_literal_is_not_connected_to(text: str, listener: Listener, connected: list[Any]) -> None:
    async with open_session() as session:
        with pytest.raises(AddressRefused, match=REFUSED[text]):
            await session.get(f"http://{write_host(text)}:{listener.port}/")
    assert connected == []


@pytest.mark.parametrize("text", ODD)
async def test_this_machine_is_not_connected_to_however_it_is_written(
    text: str, listener: Listener, connected: list[Any]
) -> None:
    async with open_session() as session:
        with pytest.raises((AddressRefused, aiohttp.InvalidURL, aiohttp.ClientConnectorDNSError)):
            await session.get(f"http://{text}:{listener.port}/")
    assert connected == []


@pytest.mark.parametrize("text", REFUSED)
async def test_name_does_not_lead_there(text: str, listener: Listener, connected: list[Any]) -> None:
    async with open_session(resolver=Resolver([text])) as session:
        with pytest.raises(AddressRefused, match=REFUSED[text]) as refused:
            await session.get(f"http://{NAME}:{listener.port}/")
    assert connected == []
    assert f"{NAME}:{listener.port}" in str(refused.value)
    assert text not in str(refused.value).replace(NAME, ""), "it would tell a stranger of names within"


@pytest.mark.parametrize("text", REFUSED)
async def test_name_that_led_to_a_good_address_before_does_not_lead_there(text: str, connected: list[Any]) -> None:
    good = AddressPolicy((ip_network("127.0.0.2/32"),))
    resolver = Resolver(["127.0.0.2"], [text])
    async with (
        TestServer(web.Application(), host="127.0.0.2") as server,
        open_session(good, resolver=resolver, use_dns_cache=False, force_close=True) as session,
    ):
        port = server.make_url("/").port
        url = f"http://{NAME}:{port}/"
        async with session.get(url) as answer:
            assert answer.status == 404
        assert connected == [("127.0.0.2", port)]
        with pytest.raises(AddressRefused, match=REFUSED[text]):
            await session.get(url)
    assert connected == [("127.0.0.2", port)]
    assert resolver.asked == [NAME, NAME]


@pytest.mark.parametrize("text", LITERALS)
async def test_redirect_does_not_lead_there(text: str, listener: Listener, connected: list[Any]) -> None:
    async def redirect(request: web.Request) -> web.Response:
        raise web.HTTPFound(f"http://{write_host(text)}:{listener.port}/")

    app = web.Application()
    app.router.add_get("/", redirect)
    async with TestServer(app) as server:
        here = str(server.make_url("/"))
        async with open_session(NOBODY.allow_origin(here)) as session:
            with pytest.raises(AddressRefused, match=REFUSED[text]):
                await session.get(here)
        assert connected == [("127.0.0.1", server.make_url("/").port)]


async def test_name_is_connected_to_at_those_of_its_addresses_that_are_good(
    vendor: Vendor, connected: list[Any]
) -> None:
    vendor.lists["/"] = []
    good = AddressPolicy((ip_network("127.0.0.1/32"),))
    port = int(vendor.base_url.rpartition(":")[2])
    resolver = Resolver(["10.0.0.1", "::1", "127.0.0.1", "169.254.169.254"])
    async with open_session(good, resolver=resolver) as session, session.get(f"http://{NAME}:{port}/") as answer:
        assert answer.status == 200
    assert connected == [("127.0.0.1", port)]


async def test_address_that_is_good_and_away_is_no_refused_one() -> None:
    with closing(Listener()) as gone:
        pass
    good = AddressPolicy((ip_network("127.0.0.1/32"),))
    async with open_session(good, resolver=Resolver(["10.0.0.1", "127.0.0.1"])) as session:
        with pytest.raises(aiohttp.ClientConnectorError):
            await session.get(f"http://{NAME}:{gone.port}/")


async def test_proxy_of_the_environment_is_not_asked_and_one_that_is_given_is_refused(
    vendor: Vendor, listener: Listener, connected: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{listener.port}")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    async with open_vendor(vendor) as client:
        await client.check()
    async with open_session(NOBODY.allow_origin(vendor.base_url)) as session:
        with pytest.raises(AddressRefused, match="proxy"):
            await session.get(vendor.base_url, proxy=f"http://127.0.0.1:{listener.port}")
    assert {port for _, port in connected} == {int(vendor.base_url.rpartition(":")[2])}


# A vendor's client


def open_vendor(vendor: Vendor, url: str | None = None, **others: Any) -> VendorClient:
    return open_client(
        ACME, SECRETS, url or vendor.base_url, **{"is_base_url_trusted": True, "retry": IMPATIENT, **others}
    )


async def test_address_that_is_not_the_operators_is_refused_at_once_and_not_tried_again(
    vendor: Vendor, connected: list[Any], capsys: pytest.CaptureFixture[str]
) -> None:
    async with open_vendor(vendor, is_base_url_trusted=False) as client:
        for ask in (client.check, lambda: client.get("/jobs"), lambda: client.send("POST", "/jobs", b"{}")):
            asked = client.calls
            with pytest.raises(AddressRefused, match="this machine"):
                await ask()
            assert client.calls == asked + 1
    assert connected == []


async def test_address_that_the_operator_gave_is_allowed_at_that_host_and_port_alone(
    vendor: Vendor, listener: Listener, connected: list[Any]
) -> None:
    port = int(vendor.base_url.rpartition(":")[2])
    for url in (f"http://127.0.0.1:{port}", f"http://localhost:{port}"):
        async with open_vendor(vendor, url) as client:
            await client.check()
            client.target = replace(client.target, base_url=f"http://127.0.0.1:{listener.port}")
            with pytest.raises(AddressRefused):
                await client.check()
    async with open_vendor(vendor, f"http://127.0.0.1:{port}") as client:
        client.target = replace(client.target, base_url=f"http://localhost:{port}")
        with pytest.raises(AddressRefused):
            await client.check()
    assert {address[1] for address in connected} == {port}


async def test_network_that_the_operator_allows_is_connected_to_whoever_gave_the_address(vendor: Vendor) -> None:
    networks = [ip_network("127.0.0.0/8")]
    async with open_vendor(vendor, is_base_url_trusted=False, networks=networks) as client:
        await client.check()


async def test_token_server_that_is_not_the_operators_is_not_asked(vendor: Vendor, listener: Listener) -> None:
    target = Target(
        base_url=vendor.base_url, auth=ACME.auth, retry=IMPATIENT, addresses=NOBODY.allow_origin(vendor.base_url),
        token_base_url=f"http://127.0.0.1:{listener.port}",
    )  # fmt: skip
    async with VendorClient(target, SECRETS) as client:
        with pytest.raises(AddressRefused):
            await client.get("/jobs")
    assert vendor.log == []


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_redirect_of_a_vendor_is_not_followed(
    status: int, vendor: Vendor, listener: Listener, connected: list[Any]
) -> None:
    for path in ("/jobs", "/token"):
        vendor.will(path, *[lambda request: say({}, status, Location=f"http://127.0.0.1:{listener.port}/")] * 20)
    async with open_vendor(vendor) as client:
        with pytest.raises(RetryLater, match="redirect"):
            await client.check()
        vendor.answers["/token"].clear()
        with pytest.raises(RetryLater, match="redirect"):
            await client.get("/jobs")
        with pytest.raises(Unanswered):
            await client.send("POST", "/jobs", b"{}")
    assert {port for _, port in connected} == {int(vendor.base_url.rpartition(":")[2])}


# What is stored, and what a refusal becomes


FORGET_TRUST = "UPDATE connector SET is_base_url_trusted = false"


async def test_connectors_of_earlier_versions_keep_the_addresses_they_were_given(
    databases: Databases, connection: Connection, empty: str
) -> None:
    await migrate.migrate(connection, upto=42)
    await connection.execute(FILL_ORGANISATION)
    await connection.execute(FILL_CONNECTOR, 1, 0)
    await migrate.migrate(connection)
    await connection.execute(FILL_CONNECTOR, 2, 0)  # by an earlier program, which is still at work
    async with open_database(databases.settings(empty)) as pool:
        assert [one.is_base_url_trusted for one in await list_connectors(pool)] == [True, True]


async def test_address_is_stored_as_the_operators_only_where_that_is_said(pool: Pool, sealer: Sealer) -> None:
    owner = await ensure_organisation(pool, "Example")
    new = await create_connector(
        pool, sealer, organisation=owner, environment="production", integration=ACME, end_user="Example",
        credentials=SECRETS, base_url="http://127.0.0.1:9",
    )  # fmt: skip
    found = await get_connector(pool, new.id)
    assert found is not None
    assert not found.is_base_url_trusted


async def test_run_whose_vendor_is_at_a_refused_address_is_deferred_and_says_so(
    works: Works, connected: list[Any]
) -> None:
    customer = await works.connect()
    await works.pool.execute(FORGET_TRUST)
    async with works.work():
        await works.ask(customer)
        run = await works.wait_for_putting_off(customer)
        assert "this machine" in run["waits_for"]
        assert run["failures"] == 1
        assert await works.list_issues(customer) == ["fault"]
        assert works.vendor.log == []
        await works.pool.execute("UPDATE connector SET is_base_url_trusted = true")
        await works.ask(customer)
        await works.wait_for(customer)
    assert await works.list_issues(customer) == []


async def test_operation_at_a_refused_address_is_unavailable_and_tells_nothing_of_the_network(
    pool: Pool, sealer: Sealer, vendor: Vendor, databases: Databases
) -> None:
    tenant = await make_tenant(pool, sealer, integration=get_integration("greenhouse"), base_url=vendor.base_url)
    await pool.execute(FORGET_TRUST)
    body = {"operation": "list_jobs", "authId": str(tenant.connector.id), "input": {}}
    async with serve_app(create_app(databases.settings("migrated"), pool, sealer)) as api:
        with capture_logs() as lines:
            answer = await api.post(PATH, json=body, headers=tenant.headers)
    assert answer.status_code == 503
    assert "127.0.0.1" not in answer.text
    assert [line["event"] for line in lines[:2]] == ["an address was refused", "a call could not be served"]
    assert (lines[0]["address"], lines[0]["reason"]) == ("127.0.0.1", "this machine")
    assert vendor.log == []
