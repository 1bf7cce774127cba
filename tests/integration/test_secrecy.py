"""What must not be told is told nowhere: not in logs, not in errors, not in what is stored for looking at."""

import io
import logging
from collections.abc import Iterator

import pytest
import pytest_asyncio
import structlog

from testbed.databases import Databases
from testbed.tenants import Tenant, make_tenant, open_api
from testbed.vendor import Vendor, cut, fill, person, say
from unihire.errors import ReauthorizeNeeded, RetryLater
from unihire.kit.seal import Sealer
from unihire.store import Pool

SECRETS = {"client_id": "hush-client-id", "client_secret": "hush-client-secret"}
PERSONAL = ("Hush-Name", "hush@example.com")


@pytest.fixture
def heard(caplog: pytest.LogCaptureFixture) -> Iterator[io.StringIO]:
    """Everything logged, by structlog and by the standard library, at every level."""
    lines = io.StringIO()
    before = structlog.get_config()
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(lines), cache_logger_on_first_use=False)
    handler = logging.StreamHandler(lines)
    root = logging.getLogger()
    root.addHandler(handler)
    caplog.set_level(logging.DEBUG)
    yield lines
    root.removeHandler(handler)
    structlog.configure(**before)


@pytest_asyncio.fixture
async def tenant(pool: Pool, sealer: Sealer, vendor: Vendor) -> Tenant:
    fill(vendor)
    vendor.lists["/people"].append(person("9", name=PERSONAL[0], email=PERSONAL[1]))
    return await make_tenant(pool, sealer, base_url=vendor.base_url, credentials=SECRETS)


def check_silent(text: str, tenant: Tenant) -> None:
    for secret in (*SECRETS.values(), *PERSONAL, tenant.key, tenant.token, "token-1", "token-2"):
        assert secret not in text


async def test_sync_tells_no_secret_and_nothing_personal_however_it_ends(
    tenant: Tenant, vendor: Vendor, heard: io.StringIO
) -> None:
    assert (await tenant.sync()).status == "done"
    vendor.lists["/people"].append(person("8", name=["Hush-Name"], email=PERSONAL[1]))  # set aside
    vendor.will("/jobs", lambda request: say({"error": f"{PERSONAL[1]} hush-client-secret"}, 400))
    assert (await tenant.sync(full=True)).status == "partial"
    vendor.will("/people", cut, lambda request: say(b"Hush-Name"), *[lambda request: say({}, 500)] * 6)
    with pytest.raises(RetryLater) as later:
        await tenant.sync()
    refusal = {"error": "invalid_client", "error_description": "hush-client-secret is wrong"}
    vendor.will("/token", lambda request: say(refusal, 401))
    with pytest.raises(ReauthorizeNeeded) as refused:
        await tenant.sync()
    said = heard.getvalue()
    assert "stream failed" in said
    check_silent(said + str(later.value) + str(refused.value), tenant)
    told = await tenant.pool.fetch("SELECT error FROM stream_run WHERE error IS NOT NULL")
    assert told
    check_silent(" ".join(row["error"] for row in told), tenant)


async def test_api_logs_neither_keys_nor_what_was_asked_for(
    databases: Databases, tenant: Tenant, heard: io.StringIO
) -> None:
    await tenant.sync()
    async with open_api(databases.settings("migrated"), tenant) as client:
        for query in ("first_name=Hush-Name&email_addresses=hush@example.com", "page_size=0", "include_raw_data=true"):
            await client.get(f"/api/ats/v1/candidates?{query}")
        await client.get("/api/ats/v1/candidates", headers={"X-Connector-Token": "token-1"})
    own = "\n".join(line for line in heard.getvalue().splitlines() if "HTTP Request:" not in line)  # httpx's, not ours
    check_silent(own, tenant)


async def test_database_server_logs_no_personal_data(databases: Databases, tenant: Tenant) -> None:
    await tenant.sync()
    check_silent(databases.server.log.read_text(errors="replace"), tenant)
