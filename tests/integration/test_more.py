"""What only richer faces show, stored beside the records: filled without moving them, and moved by later changes."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import httpx
import msgspec
import pytest
import pytest_asyncio

from testbed.change_log import Log, hang_log
from testbed.databases import Databases
from testbed.remapping import list_departments, read_keys, replace_fields, run, with_maps, with_stream
from testbed.tenants import Tenant, make_tenant, open_api, read_all
from testbed.vendor import ACME, Vendor, fill, to_department, to_job
from unihire.integration.declare import Maps, Source
from unihire.kit.seal import Sealer
from unihire.model import Department, Job, Pay
from unihire.store import Pool
from unihire.store.feed.saving import CONTENT_BYTES

# As a program stored records that knew nothing of this; its rows are mapped again, for other code made them.
FORGET = "UPDATE record SET more = NULL, more_hash = NULL, row_hash = NULL"


def to_rich_job(source: Source) -> Job:
    row = source.row
    return replace_fields(to_job(source), category=row.get("category"), pay=Pay(amount=float(row["id"])))


def to_rich_department(source: Source) -> Department:
    return replace_fields(to_department(source), parent=source.row.get("parent"))


RICH = with_maps(ACME, "jobs", Maps(Job, to_rich_job), Maps(Department, to_rich_department, each=list_departments))


@pytest_asyncio.fixture
async def tenant(pool: Pool, sealer: Sealer, vendor: Vendor) -> Tenant:
    fill(vendor)
    return await make_tenant(pool, sealer, base_url=vendor.base_url, integration=RICH)


@pytest_asyncio.fixture
async def api(databases: Databases, tenant: Tenant) -> AsyncIterator[httpx.AsyncClient]:
    async with open_api(databases.settings("migrated"), tenant) as client:
        yield client


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> Log:
    return hang_log(monkeypatch)


async def read_stored(tenant: Tenant, *, whole: bool = True) -> list[tuple[Any, ...]]:
    """All that is stored of records, in feed order; or without what was not stored before."""
    beside = ", more, more_hash" if whole else ""
    find = f"""
        SELECT seq, id, deleted_at, fingerprint, keys, body, raw, custom, words, first_saved_at{beside}
        FROM record WHERE connector = $1 ORDER BY seq
    """
    return [tuple(row) for row in await tenant.pool.fetch(find, tenant.connector.number)]


async def read_more(tenant: Tenant, model: int) -> dict[str, Any]:
    rows = await tenant.pool.fetch("SELECT remote_id, more FROM record WHERE model = $1", model)
    return {row["remote_id"]: None if row["more"] is None else msgspec.json.decode(row["more"]) for row in rows}


async def forget(tenant: Tenant) -> list[tuple[Any, ...]]:
    """Take what is stored of it out; what is stored besides."""
    await tenant.pool.execute(FORGET)
    return await read_stored(tenant, whole=False)


@pytest.mark.parametrize("how", ["full", "remap"])
async def test_filling_it_in_a_store_of_before_moves_no_record_and_is_not_told(
    tenant: Tenant, vendor: Vendor, log: Log, how: str
) -> None:
    vendor.lists["/jobs"][0]["department"] = {"id": "d1", "name": "Sales", "parent": "d2"}
    await tenant.sync()
    filled, before = await read_stored(tenant), await forget(tenant)
    last = await tenant.pool.fetchval("SELECT last_seq FROM feed")
    log.take()
    asked = len(vendor.log)
    if how == "full":
        await tenant.sync(full=True)
    else:
        remade = await run(tenant, RICH)
        assert len(vendor.log) == asked
        assert {name: one.changed for name, one in remade.items()} == {"pipelines": 0, "jobs": 0, "people": 0}
    assert await read_stored(tenant, whole=False) == before
    # No row of the pipelines is stored: what is made of parts of them waits for the next complete read.
    left = len(await read_more(tenant, 7)) if how == "remap" else 0
    assert sum(one != other for one, other in zip(await read_stored(tenant), filled, strict=True)) == left
    assert log.take() == []
    assert await tenant.pool.fetchval("SELECT last_seq FROM feed") == last
    assert (await read_more(tenant, 8))["1"]["pay"]["amount"] == 1
    assert (await read_more(tenant, 5))["d1"] != {}
    await read_keys(tenant)


async def test_words_and_keys_are_filled_with_it(tenant: Tenant) -> None:
    """What it is found by now, when a row that it shows changes, is not all that it was found by before."""
    await replace(tenant, integration=ACME).sync()
    before = await forget(tenant)
    maps = RICH.get_stream("jobs").maps
    richer = with_stream(
        RICH, "jobs", maps=(replace(maps[0], words={"employment_type": "name"}), *maps[1:]), found_by=("name",)
    )
    await replace(tenant, integration=richer).sync(full=True)
    after = await read_stored(tenant, whole=False)
    assert [row[:4] for row in after] == [row[:4] for row in before]
    jobs = await tenant.pool.fetch("SELECT words, keys FROM record WHERE model = 8 ORDER BY remote_id")
    assert [row["words"] for row in jobs] == [b'{"employment_type":"Job %d"}' % n for n in range(1, len(jobs) + 1)]
    assert len(await read_keys(tenant)) == sum(len(row[4]) for row in before) + len(jobs)


async def test_native_answers_are_those_of_before_it_was_filled(tenant: Tenant, api: httpx.AsyncClient) -> None:
    plain = replace(tenant, integration=ACME)
    await plain.sync()
    await forget(tenant)
    before = {plural: await read_all(api, plural, include_raw_data=True) for plural in ("jobs", "candidates")}
    await run(tenant, RICH)
    assert (await read_more(tenant, 8))["1"]["pay"]["amount"] == 1
    assert {plural: await read_all(api, plural, include_raw_data=True) for plural in before} == before


async def test_a_later_change_in_it_moves_the_record_and_is_told(tenant: Tenant, log: Log) -> None:
    await tenant.sync()
    before = await read_stored(tenant)
    log.take()

    def to_dearer_job(source: Source) -> Job:
        made = to_rich_job(source)
        changed = {"pay": Pay(amount=7.5), "opened_at": "2026-01-31T09:30:00Z"} if made.remote_id == "2" else {}
        return replace_fields(made, **changed)

    dearer = with_maps(ACME, "jobs", Maps(Job, to_dearer_job), *RICH.get_stream("jobs").maps[1:])
    assert (await run(tenant, dearer))["jobs"].changed == 1
    after = await read_stored(tenant)
    assert log.take() == [("updated", "8", "pay", "opened_at")]
    (moved,) = [row for row in after if row not in before]
    assert moved is after[-1]
    assert moved[3:5] in [row[3:5] for row in before]
    assert (await read_more(tenant, 8))["2"]["pay"]["amount"] == 7.5
    assert (await run(tenant, dearer))["jobs"].changed == 0
    await read_keys(tenant)


async def test_what_changed_before_it_was_filled_is_told_without_it(tenant: Tenant, vendor: Vendor, log: Log) -> None:
    await tenant.sync()
    await forget(tenant)
    log.take()
    vendor.lists["/jobs"][0] |= {"name": "Renamed", "category": "Sales"}
    await tenant.sync(full=True)
    assert log.take() == [("updated", "8", "name", "raw_data")]
    assert (await read_more(tenant, 8))["1"]["category"] == "Sales"


async def test_change_of_row_and_fields_is_told_with_both(tenant: Tenant, vendor: Vendor, log: Log) -> None:
    await tenant.sync()
    log.take()
    vendor.lists["/jobs"][0] |= {"name": "Renamed", "category": "Sales"}
    await tenant.sync(full=True)
    assert log.take() == [("updated", "8", "name", "category", "raw_data")]


async def test_tombstone_keeps_it_and_what_is_back_has_it(tenant: Tenant, vendor: Vendor) -> None:
    await tenant.sync()
    whole = (await read_more(tenant, 8))["1"]
    row = vendor.lists["/jobs"].pop(0)
    await tenant.sync(full=True)
    assert (await read_more(tenant, 8))["1"] == whole
    await tenant.pool.execute(FORGET)
    vendor.lists["/jobs"].append(row)
    await tenant.sync(full=True)
    assert (await read_more(tenant, 8))["1"] == whole
    (stored,) = await tenant.pool.fetch(
        "SELECT deleted_at, fingerprint, more_hash FROM record WHERE model = 8 AND remote_id = '1'"
    )
    assert stored["deleted_at"] is None
    assert stored["more_hash"] is not None
    assert len(stored["fingerprint"]) == CONTENT_BYTES  # what programs of before compare
