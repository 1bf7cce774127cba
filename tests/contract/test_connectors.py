"""The list of connectors, in the contract's shape, and the whole sync that is asked for."""

import asyncio
import json
from pathlib import Path
from typing import Any

import httpx
import jsonschema_rs
import pytest

from testbed.databases import Databases
from testbed.tenants import Tenant, make_tenant, open_api
from testbed.vendor import Vendor, fill
from unihire.errors import Busy
from unihire.kit.seal import Sealer
from unihire.platform.syncs import ask_sync, cancel_sync, pause_syncs
from unihire.store import Pool
from unihire.store.accounts.tenancy import set_status

PATH = "/api/ats/v1/connectors"
RESYNC = "/api/embedded/v1/connectors/resync"
CONTRACT = jsonschema_rs.validator_for(json.loads(Path(__file__).with_name("test_connectors_schema.json").read_text()))

pytestmark = pytest.mark.usefixtures("acme")


@pytest.fixture
async def tenant(pool: Pool, sealer: Sealer, vendor: Vendor) -> Tenant:
    fill(vendor)
    return await make_tenant(pool, sealer, base_url=vendor.base_url)


async def read(api: httpx.AsyncClient, **params: Any) -> dict[str, Any]:
    """A page, which is as the contract says but for the tokens that are not shown."""
    answer = await api.get(PATH, params=params)
    assert answer.status_code == 200, answer.text
    page: dict[str, Any] = answer.json()
    assert page["page_size"] == len(page["items"])
    as_if_shown = [{**item, "connector_token": item["connector_token"] or "hidden"} for item in page["items"]]
    CONTRACT.validate({**page, "items": as_if_shown})
    return page


async def read_one(api: httpx.AsyncClient) -> dict[str, Any]:
    (item,) = (await read(api))["items"]
    assert isinstance(item, dict)
    return item


async def test_new_connector_is_listed_as_linked_and_not_yet_synced(api: httpx.AsyncClient, tenant: Tenant) -> None:
    item = await read_one(api)
    assert item.pop("created_at") == item.pop("completed_at")
    assert item.pop("next_sync_start_time").endswith("Z")
    assert item == {
        "id": str(tenant.connector.id),
        "is_active": True,
        "status": "COMPLETE",
        "integration_slug": "acme",
        "end_user": "Customer Ltd",
        "origin_id": None,
        "sync_status": None,
        "last_sync_start_time": None,
        "connector_token": None,
        "category": "ATS",
        "relink_needed_at": None,
        "is_test_connector": False,
    }


async def test_key_is_enough_and_the_token_header_changes_nothing(api: httpx.AsyncClient, tenant: Tenant) -> None:
    key = {"Authorization": f"Bearer {tenant.key}"}
    async with httpx.AsyncClient(transport=api._transport, base_url="http://api") as plain:
        for headers in (key, {**key, "X-Connector-Token": "wrong"}):
            answer = await plain.get(PATH, headers=headers)
            assert [item["id"] for item in answer.json()["items"]] == [str(tenant.connector.id)]
        for headers in ({}, {"Authorization": "Bearer wrong"}, {"X-Connector-Token": tenant.token}):
            refused = await plain.get(PATH, headers=headers)
            assert (refused.status_code, refused.headers["WWW-Authenticate"]) == (401, "Bearer")


async def test_token_is_shown_to_who_names_it_and_the_answer_is_then_the_contracts(
    api: httpx.AsyncClient, tenant: Tenant, pool: Pool, sealer: Sealer
) -> None:
    await make_tenant(pool, sealer)
    page = (await api.get(PATH, params={"connector_token": tenant.token})).json()
    CONTRACT.validate(page)
    assert [(item["id"], item["connector_token"]) for item in page["items"]] == [
        (str(tenant.connector.id), tenant.token)
    ]


async def test_filters_narrow_the_list(
    api: httpx.AsyncClient, tenant: Tenant, other_tenant: Tenant, pool: Pool, sealer: Sealer
) -> None:
    twin = await make_tenant(pool, sealer)
    await pool.execute("UPDATE connector SET origin_id = 'user_123' WHERE id = $1", twin.connector.id)
    ours, twins = str(tenant.connector.id), str(twin.connector.id)
    for params, expected in (
        ({}, [ours, twins]),
        ({"is_active": "true"}, [ours, twins]),
        ({"is_active": "false"}, []),
        ({"origin_id": "user_123"}, [twins]),
        ({"origin_id": "user_12"}, []),
        ({"origin_id": "\0"}, []),
        ({"connector_token": tenant.token, "origin_id": "user_123"}, []),
        ({"connector_token": tenant.token[:-1]}, []),
        ({"connector_token": ""}, []),
        ({"connector_token": other_tenant.token}, []),
    ):
        assert [item["id"] for item in (await read(api, **params))["items"]] == expected, params


async def test_other_environment_and_organisation_are_lists_of_their_own(
    api: httpx.AsyncClient, tenant: Tenant, other_tenant: Tenant, pool: Pool, sealer: Sealer
) -> None:
    development = await make_tenant(pool, sealer, environment="development")
    for _ in range(2):
        await make_tenant(pool, sealer)
    assert development.organisation == tenant.organisation
    answer = await api.get(PATH, headers=development.headers)
    (item,) = answer.json()["items"]
    assert (item["id"], item["is_test_connector"]) == (str(development.connector.id), True)
    cursor = (await read(api, page_size=1))["cursor"]
    for headers in (development.headers, other_tenant.headers):
        assert (await api.get(PATH, params={"cursor": cursor}, headers=headers)).status_code == 422


@pytest.mark.parametrize("size", [1, 2, 3, 100])
async def test_pages_have_every_connector_once(
    api: httpx.AsyncClient, tenant: Tenant, pool: Pool, sealer: Sealer, size: int
) -> None:
    made = [tenant, *[await make_tenant(pool, sealer) for _ in range(2)]]
    found: list[str] = []
    cursor = None
    for _ in range(1_000):  # no walk that goes round is waited for
        page = await read(api, page_size=size, **({"cursor": cursor} if cursor else {}))
        found += [item["id"] for item in page["items"]]
        cursor = page["cursor"]
        if cursor is None:
            break
    assert found == [str(one.connector.id) for one in made]


async def test_sync_is_told_from_its_asking_to_its_end(api: httpx.AsyncClient, tenant: Tenant, vendor: Vendor) -> None:
    await ask_sync(tenant.pool, tenant.connector, tenant.integration)
    item = await read_one(api)
    assert (item["sync_status"], item["last_sync_start_time"]) == ("Syncing", None)
    await tenant.sync()
    item = await read_one(api)
    assert item["sync_status"] == "Done"
    assert item["last_sync_start_time"] > item["created_at"]
    await ask_sync(tenant.pool, tenant.connector, tenant.integration)
    again = await read_one(api)
    assert (again["sync_status"], again["last_sync_start_time"]) == ("Syncing", item["last_sync_start_time"])
    await cancel_sync(tenant.pool, tenant.connector)
    assert await read_one(api) | {"next_sync_start_time": None} == item | {"next_sync_start_time": None}


@pytest.mark.parametrize(
    ("status", "told"), [("done", "Done"), ("partial", "Done"), ("failed", "Failed"), ("cancelled", None)]
)
async def test_every_end_of_a_run_has_the_contracts_word(
    api: httpx.AsyncClient, tenant: Tenant, status: str, told: str | None
) -> None:
    await ask_sync(tenant.pool, tenant.connector, tenant.integration)
    await tenant.pool.execute("UPDATE sync_run SET status = $1", status)
    assert (await read_one(api))["sync_status"] == told


async def test_connector_whose_credentials_are_refused_says_since_when(api: httpx.AsyncClient, tenant: Tenant) -> None:
    await set_status(tenant.pool, tenant.connector, "RELINK_NEEDED")
    item = await read_one(api)
    assert item["status"] == "RELINK_NEEDED"
    assert item["relink_needed_at"] > item["created_at"]
    assert item["completed_at"] == item["created_at"]


async def test_paused_connector_has_no_next_sync(api: httpx.AsyncClient, tenant: Tenant) -> None:
    await pause_syncs(tenant.pool, tenant.connector)
    assert (await read_one(api))["next_sync_start_time"] is None


@pytest.mark.parametrize(
    ("params", "where"),
    [
        ({"page_size": "0"}, "page_size"),
        ({"page_size": "201"}, "page_size"),
        ({"is_active": "perhaps"}, "is_active"),
        ({"cursor": "x"}, "cursor"),
        ({"cursor": "AAAAAAAAAAAAAAAAAAAAAA"}, "cursor"),
    ],
)
async def test_query_that_cannot_be_is_told_by_its_parameter(
    api: httpx.AsyncClient, params: dict[str, str], where: str
) -> None:
    answer = await api.get(PATH, params=params)
    assert answer.status_code == 422
    assert [problem["loc"] for problem in answer.json()["detail"]] == [["query", where]]


async def test_calls_count_by_organisation_and_environment(
    databases: Databases, tenant: Tenant, other_tenant: Tenant
) -> None:
    async with open_api(databases.settings("migrated", rate_limit=1), tenant) as api:
        assert (await api.get(PATH)).headers["X-RateLimit-Remaining"] == "0"
        refused = await api.get(PATH)
        assert (refused.status_code, refused.json()) == (429, {"detail": "Rate limit exceeded"})
        assert (await api.get(PATH, headers=other_tenant.headers)).status_code == 200
        assert (await api.get("/api/ats/v1/jobs")).status_code == 200


async def test_resync_starts_a_whole_run_and_answers_in_words(api: httpx.AsyncClient, tenant: Tenant) -> None:
    answer = await api.post(RESYNC)
    assert (answer.status_code, answer.json()) == (200, "The sync has been started")
    (run,) = await tenant.pool.fetch("SELECT number, is_full, streams, status FROM sync_run")
    assert tuple(run) == (1, True, None, "queued")
    assert (await read_one(api))["sync_status"] == "Syncing"


async def test_resync_joins_the_whole_run_under_way_and_replaces_any_other(
    api: httpx.AsyncClient, tenant: Tenant
) -> None:
    await ask_sync(tenant.pool, tenant.connector, tenant.integration, full=True, models=["job"])
    answers = await asyncio.gather(*(api.post(RESYNC) for _ in range(5)))
    assert {answer.status_code for answer in answers} == {200}
    rows = await tenant.pool.fetch("SELECT number, is_full, streams, status FROM sync_run ORDER BY number")
    assert [tuple(row) for row in rows] == [(1, True, ["jobs"], "cancelled"), (2, True, None, "queued")]
    assert (await tenant.sync()).number == 2


async def test_resync_of_a_connector_that_is_being_synced_does_not_disturb_a_whole_run(
    api: httpx.AsyncClient, tenant: Tenant, vendor: Vendor
) -> None:
    async def answer(request: Any) -> Any:
        assert (await api.post(RESYNC)).status_code == 200
        with pytest.raises(Busy):
            await tenant.sync()
        return vendor.page(request)

    vendor.will("/jobs", answer)
    report = await tenant.sync(full=True)
    assert (report.status, report.number) == ("done", 1)
