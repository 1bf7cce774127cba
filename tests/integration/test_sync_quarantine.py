"""Rows of the emulator of which a part turns into something else: served without it, noted, released when mended."""

import re
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest
import pytest_asyncio

from testbed.databases import Databases
from testbed.personio import check_same, expect_records, make_emulated_tenant, open_vendor, read_served, read_vendor
from testbed.tenants import Tenant, open_api
from unihire.kit.seal import Sealer
from unihire.sandbox.runner import Ready, start_sandbox
from unihire.store import Pool

ODD: dict[str, list[dict[str, Any]]] = {
    "candidates": [
        {"phone": 5},
        {"linkedin_profile": {"url": "x"}},
        {"location": ["Berlin"]},
    ],
    "jobs": [
        {"department": "Engineering"},
        {"department": {"name": "no id"}},
        {"department": {"id": "", "name": "empty id"}},
        {"department": {"id": ["5"], "name": "a list"}},
    ],
    "applications": [
        {"current_stage": "REJECTED"},
        {"current_stage": ["REJECTED"]},
        {"current_stage": {"type": "CUSTOM", "id": ["5"]}},
        {"channel": {"id": "1", "name": 7}},
        {"channel": "LinkedIn"},
        {"application_date": "tomorrow"},
    ],
    "categories": [{"stages": [{"id": "1", "name": 5}]}, {"stages": "none"}, {"stages": [None]}],
}


PLURALS = {"candidates": "candidates", "jobs": "jobs", "applications": "applications", "categories": ""}

MAY_CHANGE = {
    "modified_at", "remote_updated_at", "phone_numbers", "urls", "locations", "departments", "current_stage", "source",
    "applied_at", "rejected_at",
}  # fmt: skip


@pytest.fixture(scope="module")
def ready() -> Iterator[Ready]:
    with start_sandbox("personio", size=150, seed=7) as sandbox:
        yield sandbox.ready


@pytest_asyncio.fixture
async def control(ready: Ready) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=ready.control_url) as client:
        (await client.post("reset")).raise_for_status()
        yield client


@pytest_asyncio.fixture
async def tenant(pool: Pool, sealer: Sealer, ready: Ready, control: httpx.AsyncClient) -> Tenant:
    made = await make_emulated_tenant(pool, sealer, ready)
    assert (await made.sync()).status == "done"
    return made


@pytest_asyncio.fixture
async def api(databases: Databases, tenant: Tenant) -> AsyncIterator[httpx.AsyncClient]:
    async with open_api(databases.settings("migrated"), tenant) as client:
        yield client


@pytest.mark.parametrize("stream", ODD)
async def test_part_of_another_type_costs_that_part_until_it_maps_again(
    api: httpx.AsyncClient, tenant: Tenant, ready: Ready, control: httpx.AsyncClient, stream: str
) -> None:
    before = await read_served(api, raw=False)
    async with open_vendor(ready) as vendor:
        rows = (await vendor.get(f"/v2/recruiting/{stream}")).json()["_data"]
    if stream == "applications":  # open ones: what an odd stage leaves in the history of others would be read later
        rows = [row for row in rows if row["current_stage"]["type"] == "CUSTOM"]
    odd = dict(zip([row["id"] for row in rows[2:]], ODD[stream], strict=False))
    assert len(odd) == len(ODD[stream])
    for id, fields in odd.items():
        (await control.patch(f"rows/{stream}/{id}", json=fields)).raise_for_status()
    report = await tenant.sync(full=True)
    assert report.status == "done"
    noted = await tenant.pool.fetch("SELECT stream, row_id, reason, raw, is_served, left_out FROM quarantine")
    assert {(row["stream"], row["row_id"]) for row in noted} == {(stream, id) for id in odd}
    for row in noted:
        assert f'"id":"{row["row_id"]}"'.encode() in row["raw"].replace(b": ", b":")
        assert row["is_served"]
        members = {re.split(r"[.\[]", path)[0] for path in row["left_out"]}
        assert members <= {
            *odd[row["row_id"]],
            "stage-transitions",
            "joined:stage-transitions",
            "a department",
            "a application transition",
        }
    now = await read_served(api, raw=False)
    for plural, records in before.items():
        assert records.keys() <= now[plural].keys(), plural
        for id, record in records.items():
            changed = {name for name, value in record.items() if now[plural][id][name] != value}
            assert changed <= (MAY_CHANGE if plural == PLURALS[stream] and id in odd else set()), (plural, id, changed)
    for row in rows:
        if row["id"] in odd:
            mended = {name: row.get(name) for name in odd[row["id"]]}
            (await control.patch(f"rows/{stream}/{row['id']}", json=mended)).raise_for_status()
    await tenant.sync()
    # An odd stage stays in the history of its application, which tells it as a step of its own.
    remembered = {id for id, fields in odd.items() if "current_stage" in fields}
    noted = await tenant.pool.fetch("SELECT row_id, left_out FROM quarantine")
    assert {row["row_id"] for row in noted} == remembered
    assert all(path.startswith(("joined:", "a application transition")) for row in noted for path in row["left_out"])
    await tenant.sync(full=True)
    check_same(await read_served(api), expect_records(await read_vendor(ready), tenant.connector.id))
