"""Keys in every call, and companies in addresses: sent where they belong, and stored and shown nowhere."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
import pytest_asyncio

from testbed.tenants import Tenant, make_tenant
from testbed.vendor import ACME, HERE, IMPATIENT, Vendor, fill, say
from unihire.errors import ConfigError, ReauthorizeNeeded, Stopped
from unihire.kit.seal import Sealer
from unihire.outbound.auth import ApiKey, Credential, Probe
from unihire.outbound.budget import DeclaredRate, RouteLimit, TokenBucketHeaders
from unihire.platform.connectors import open_client
from unihire.store import Pool
from unihire.sync.pages import Counts

IN_HEADERS = TokenBucketHeaders(remaining="left", per_second="rate")
SECRET = "key-that-nobody-sees"
IN_QUERY = replace(
    ACME,
    auth=ApiKey(
        credentials=(Credential("api_key", "Key", "", is_secret=True),),
        probe=Probe(path="/me?fields=id"),
        params={"apikey": "{api_key}"},
    ),
)
COMPANY = Credential("company", "Company", "", pattern=r"[a-z0-9-]{1,63}", shape="a name")
REGION = Credential("region", "Region", "", is_optional=True, choices={"us": "", "eu": "eu."})
AT_COMPANY = replace(
    ACME,
    base_url="https://{company}.{region}acme.example/c/{company}",
    auth=replace(ACME.auth, credentials=(*ACME.auth.credentials, COMPANY, REGION)),
)


@pytest_asyncio.fixture
async def tenant(pool: Pool, sealer: Sealer, vendor: Vendor) -> AsyncIterator[Tenant]:
    fill(vendor)
    yield await make_tenant(
        pool, sealer, base_url=vendor.base_url, integration=IN_QUERY, credentials={"api_key": SECRET}
    )


async def test_key_in_the_query_goes_out_with_each_call_and_is_stored_in_no_position(
    tenant: Tenant, vendor: Vendor, capsys: pytest.CaptureFixture[str]
) -> None:
    seen: list[str | None] = []

    def stop(counts: Counts) -> None:
        if counts.stream == "jobs":
            raise Stopped("here")

    with pytest.raises(Stopped):
        await tenant.sync(watch=stop)
    async with tenant.pool.acquire() as connection:
        seen += [row["position"] for row in await connection.fetch("SELECT position FROM stream_run")]
    assert any("from=2" in position for position in seen if position)
    assert SECRET not in str(seen)
    vendor.will("/people", *[lambda _: say({"error": SECRET}, 400)] * 9)
    report = await tenant.sync()
    assert SECRET not in str(report.errors)
    assert all(request.query["apikey"] == SECRET for request in vendor.log)
    assert vendor.tokens == 0
    printed = capsys.readouterr()
    assert SECRET not in printed.out + printed.err


@pytest.mark.parametrize("ends", ["", "keys last a year"])
async def test_refused_key_is_explained_by_how_the_vendors_keys_end(vendor: Vendor, ends: str) -> None:
    integration = replace(IN_QUERY, auth=replace(IN_QUERY.auth, ends=ends))  # type: ignore[type-var]
    vendor.will("/me", *[lambda _: say({"error": "who are you?"}, 401)] * 9)
    client = open_client(integration, {"api_key": SECRET}, vendor.base_url, is_base_url_trusted=True, retry=IMPATIENT)
    async with client:
        with pytest.raises(ReauthorizeNeeded) as caught:
            await client.check()
    assert str(caught.value).endswith("the vendor refuses the key (401)" + (f"; {ends}" if ends else ""))


async def test_probe_tries_the_key(vendor: Vendor) -> None:
    vendor.will("/me", lambda _: say({"id": 1}))
    client = open_client(IN_QUERY, {"api_key": SECRET}, vendor.base_url, is_base_url_trusted=True, retry=IMPATIENT)
    async with client:
        await client.check()
    (asked,) = vendor.log
    assert (asked.method, dict(asked.query)) == ("GET", {"fields": "id", "apikey": SECRET})


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"company": "evil.example/"}, "company is not a name"),
        ({"company": "acme", "region": "mars"}, "region is none of: us, eu"),
        ({}, "also needs: company"),
    ],
)
async def test_credential_that_fits_no_address_is_refused_when_it_is_given(
    pool: Pool, sealer: Sealer, given: dict[str, str], said: str
) -> None:
    credentials = {"client_id": "id", "client_secret": "secret", **given}
    with pytest.raises(ConfigError, match=said):
        await make_tenant(pool, sealer, integration=AT_COMPANY, credentials=credentials)
    assert await pool.fetchval("SELECT count(*) FROM connector") == 0


def test_company_and_region_are_in_the_address() -> None:
    credentials = {"client_id": "id", "client_secret": "secret", "company": "example"}
    assert open_client(AT_COMPANY, credentials).target.base_url == "https://example.acme.example/c/example"
    client = open_client(AT_COMPANY, {**credentials, "region": "eu"}, networks=HERE.networks)
    assert client.target.origin == "https://example.eu.acme.example"
    with pytest.raises(ConfigError, match="company is not a name"):
        open_client(AT_COMPANY, {**credentials, "company": "a.b"})


async def test_connectors_of_one_company_share_a_budget_and_those_of_one_region_do_not(
    pool: Pool, sealer: Sealer
) -> None:
    base = {"client_secret": "secret", "region": "eu"}
    made = [
        await make_tenant(pool, sealer, integration=AT_COMPANY, credentials={**base, "client_id": id, "company": name})
        for id, name in (("1", "one"), ("1", "one"), ("2", "two"))
    ]
    budgets = [one.connector.budget_of for one in made]
    assert budgets[0] == budgets[1] != budgets[2]


def test_documented_rate_is_kept_to_unless_the_operator_says_otherwise() -> None:
    rate = DeclaredRate(per_second=1, burst=1)
    limited = replace(IN_QUERY, budget_rule=rate, route_limits=(RouteLimit(path="/offers", rate=rate),))
    kept = open_client(limited, {"api_key": SECRET}, "https://api.example/v1").target
    assert (kept.budget_rule, [one.path for one in kept.routes]) == (rate, ["/v1/offers"])
    dropped = open_client(limited, {"api_key": SECRET}, keeps_rates=False).target
    assert (dropped.budget_rule, list(dropped.routes)) == (None, [])
    told = open_client(replace(limited, budget_rule=IN_HEADERS), {"api_key": SECRET}, keeps_rates=False).target
    assert told.budget_rule == IN_HEADERS
