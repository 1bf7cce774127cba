"""Reconciling with an emulator: counts as its documents say, whatever changes there."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest
import pytest_asyncio

from testbed.counting import count, get, numbers
from testbed.personio import expect_records, make_emulated_tenant, read_vendor
from testbed.personio_more import expect_more
from testbed.tenants import Tenant
from unihire.kit.seal import Sealer
from unihire.model import NATIVE_MODELS
from unihire.sandbox.runner import Ready, start_sandbox
from unihire.store import Pool

SIZE = 150


@pytest.fixture(scope="module")
def ready() -> Iterator[Ready]:
    with start_sandbox("personio", size=SIZE, seed=7) as sandbox:
        yield sandbox.ready


@pytest_asyncio.fixture
async def control(ready: Ready) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=ready.control_url) as client:
        (await client.post("reset")).raise_for_status()
        yield client


@pytest_asyncio.fixture
async def emulated(pool: Pool, sealer: Sealer, ready: Ready, control: httpx.AsyncClient) -> Tenant:
    made = await make_emulated_tenant(pool, sealer, ready)
    assert (await made.sync()).status == "done"
    return made


async def expect_counts(tenant: Tenant, ready: Ready) -> dict[str, int]:
    """By model, from the vendor's documents and not from the mapping: what it has."""
    raw = await read_vendor(ready)
    expected = expect_records(raw, tenant.connector.id)
    native = {name: len(expected[spec.plural]) for name, spec in NATIVE_MODELS.items() if expected[spec.plural]}
    return {**native, "source": len(expect_more(raw, tenant.connector.id)["source"])}


async def test_emulated_vendor_is_counted_as_its_documents_say(emulated: Tenant, ready: Ready) -> None:
    found = await count(emulated)
    assert {model: row[0] for model, row in numbers(found).items()} == await expect_counts(emulated, ready)
    assert found.is_equal
    assert get(found, "candidate").here == SIZE


async def test_emulated_vendor_that_went_on_differs_until_the_next_full_sync(
    emulated: Tenant, ready: Ready, control: httpx.AsyncClient
) -> None:
    for stream, share in (("candidates", 0.1), ("jobs", 0.2), ("applications", 0.1)):
        (await control.request("DELETE", f"rows/{stream}", json={"share": share})).raise_for_status()
    (await control.delete("rows/categories/13415")).raise_for_status()
    fields = {"first_name": "Ada", "last_name": "New", "email": "ada.new@example.com"}
    new = (await control.post("rows/candidates", json=fields)).json()["id"]
    found = await count(emulated)
    expected = await expect_counts(emulated, ready)
    assert {model: row[0] for model, row in numbers(found).items()} == expected
    for one in found.models:
        assert one.there == one.here - one.gone + one.missing, one
        assert len(one.gone_ids) == min(one.gone, 5)
    assert get(found, "candidate").missing_ids == [new]
    assert all(get(found, model).gone for model in ("candidate", "job", "application", "job_interview_stage"))
    await emulated.sync(full=True)
    assert (await count(emulated)).is_equal
    assert {model: row[1] for model, row in numbers(await count(emulated)).items()} == expected


def nest(depth: int) -> list[Any]:
    found: list[Any] = []
    for _ in range(depth):
        found = [found]
    return found


async def test_emulated_row_that_nothing_can_be_made_of_is_quarantined(
    emulated: Tenant, control: httpx.AsyncClient
) -> None:
    fields = {"first_name": "Ada", "last_name": "Odd", "email": "ada.odd@example.com"}
    odd = (await control.post("rows/candidates", json=fields)).raise_for_status().json()["id"]
    (await control.patch(f"rows/candidates/{odd}", json={"phone": nest(200)})).raise_for_status()
    for _ in range(2):  # before it was read, and when it is in the quarantine
        found = await count(emulated)
        assert numbers(found)["candidate"] == (SIZE + 1, SIZE, 1, 0, 0)
        assert found.is_equal
        await emulated.sync()


async def test_rows_changing_while_they_are_counted_are_not_taken_for_gone(
    emulated: Tenant, control: httpx.AsyncClient
) -> None:
    (await control.post("clock", json={"advance_seconds": 3600})).raise_for_status()
    await control.put("faults", json=[{"word": "update-row"}])
    found = await count(emulated)
    assert found.is_equal
