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
from testbed.remapping import JOINED, list_departments, read_keys, replace_fields, run, with_mappings, with_stream
from testbed.tenants import Tenant, make_tenant, open_api, read_all
from testbed.vendor import ACME, Vendor, fill, to_department, to_job
from unihire.integration.declare import RecordMapping, Source
from unihire.kit.seal import Sealer
from unihire.model import Application, Department, Job, Pay
from unihire.store import Pool
from unihire.store.feed.rendered import CONTENT_BYTES

# As a program stored records that knew nothing of this; its rows are mapped again, for other code made them.
FORGET = "UPDATE record SET more = NULL, more_hash = NULL, row_hash = NULL"


def to_rich_job(source: Source) -> Job:
    row = source.row
    return replace_fields(to_job(source), category=row.get("category"), pay=Pay(amount=float(row["id"])))


def to_rich_department(source: Source) -> Department:
    return replace_fields(to_department(source), parent=source.row.get("parent"))


RICH = with_mappings(
    ACME, "jobs", RecordMapping(Job, to_rich_job), RecordMapping(Department, to_rich_department, split=list_departments)
)


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
        result = await run(tenant, RICH)
        assert len(vendor.log) == asked
        assert {name: one.changed for name, one in result.items()} == {"pipelines": 0, "jobs": 0, "people": 0}
    assert await read_stored(tenant, whole=False) == before
    if how == "remap":
        # No row of the pipelines is stored, and the rows of people are mapped with details: what is made of parts waits
        # for the next complete read, and so do the hashes of people.
        assert {name for name, one in (await read_more(tenant, 7)).items() if one is not None} == set()
        await tenant.sync(full=True)
    assert await read_stored(tenant) == filled
    assert log.take() == []
    assert await tenant.pool.fetchval("SELECT last_seq FROM feed") == last
    assert (await read_more(tenant, 8))["1"]["pay"]["amount"] == 1
    assert (await read_more(tenant, 5))["d1"] != {}
    await read_keys(tenant)


async def test_rows_that_are_read_after_it_was_filled_move_nothing_until_a_complete_read(
    pool: Pool, sealer: Sealer, vendor: Vendor
) -> None:
    """A list that only the new mapping shows was never read; what it adds is filled in, too. Later changes move."""

    def to_letter(source: Source) -> Application:
        letter = "".join(label["name"] for label in source.details.get("label") or ())
        return Application(remote_id=str(source.row["id"]), cover_letter=letter or None, is_prospect=False)

    def to_entry(source: Source) -> Application:
        return Application(remote_id=str(source.row["id"]))

    later = with_stream(JOINED, "entries", mappings=(RecordMapping(Application, to_letter),))
    plain = with_stream(JOINED, "entries", mappings=(RecordMapping(Application, to_entry),), joins=())
    vendor.lists["/labels"] = [{"id": 1, "name": "Label 1"}]
    vendor.lists["/entries"] = [{"id": 1, "label": 1}, {"id": 2}]
    made = await make_tenant(
        pool, sealer, base_url=vendor.base_url, integration=replace(plain, streams=plain.streams[1:])
    )
    await made.sync()
    before = await forget(made)
    await run(made, later)
    assert await read_more(made, 2) == {"1": {"is_prospect": False}, "2": {"is_prospect": False}}
    renewed = replace(made, integration=later)
    await renewed.sync(full=True)
    of_one = {"cover_letter": "Label 1", "is_prospect": False}
    assert await read_more(made, 2) == {"1": of_one, "2": {"is_prospect": False}}
    assert [row[:4] for row in await read_stored(made, whole=False)] == [row[:4] for row in before]
    vendor.lists["/labels"][0]["name"] = "Renamed"
    await renewed.sync(full=True)
    after = await read_stored(made, whole=False)
    assert [row[1] for row in after if row[0] not in {one[0] for one in before}] == [before[0][1]]
    assert (await read_more(made, 2))["1"]["cover_letter"] == "Renamed"


async def test_words_and_keys_are_filled_with_it(tenant: Tenant) -> None:
    """What it is found by now, when a row that it shows changes, is not all that it was found by before."""
    await replace(tenant, integration=ACME).sync()
    before = await forget(tenant)
    mappings = RICH.get_stream("jobs").mappings
    richer = with_stream(
        RICH,
        "jobs",
        mappings=(replace(mappings[0], words={"employment_type": "name"}), *mappings[1:]),
        found_by=("name",),
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

    dearer = with_mappings(ACME, "jobs", RecordMapping(Job, to_dearer_job), *RICH.get_stream("jobs").mappings[1:])
    assert (await run(tenant, dearer))["jobs"].changed == 1
    after = await read_stored(tenant)
    assert log.take() == [("updated", "8", "more.pay", "more.opened_at")]
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
    assert log.take() == [("updated", "8", "name", "more.category", "raw_data")]


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
