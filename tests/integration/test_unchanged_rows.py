"""Rows that a whole read finds as they are stored: passed over, and whatever may have changed besides is found."""

import json
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web

from testbed.tenants import Tenant, make_tenant
from testbed.vendor import ACME, IMPATIENT, Vendor, counts, fill
from unihire.integration.declare import Join, RecordMapping, Source, Stream
from unihire.kit.seal import Sealer
from unihire.model import Candidate
from unihire.outbound.client import VendorClient
from unihire.outbound.paging import NextLink, Row
from unihire.platform.connectors import open_client
from unihire.store import Pool, streams
from unihire.store.streams import StreamStates
from unihire.sync import rows_by_id
from unihire.sync.rows_by_id import sync_rows_by_id
from unihire.sync.unchanged import UnchangedRows

LIST = NextLink(items="rows", link=("next",), page_size={"limit": "2"})

mapped: list[str] = []


def to_person(source: Source) -> Candidate:
    mapped.append(source.row["id"])
    files = source.details.get("files", [])
    return Candidate(remote_id=source.row["id"], first_name=source.row["name"], tags=[file["name"] for file in files])


def to_loud_person(source: Source) -> Candidate:
    mapped.append(source.row["id"])
    return Candidate(remote_id=source.row["id"], first_name=source.row["name"].upper())


def id_of(row: dict[str, Any]) -> str:
    return str(row["id"])


FILES = Stream(name="files", path="/files", by_id="/files/{id}", paging=LIST, id_of=id_of)
PEOPLE = Stream(
    name="people", path="/people", by_id="/people/{id}", paging=LIST, id_of=id_of,
    mappings=(RecordMapping(Candidate, to_person),),
    joins=(Join(name="files", stream="files", on="person_id", members=("name",)),),
)  # fmt: skip
GAMMA = replace(ACME, streams=(FILES, PEOPLE))


def person(id: str, name: str) -> dict[str, Any]:
    return {"id": id, "name": name}


def file(id: str, person_id: str, name: str) -> dict[str, Any]:
    return {"id": id, "person_id": person_id, "name": name}


@pytest.fixture(autouse=True)
def forget_mapped() -> Iterator[None]:
    mapped.clear()
    yield
    mapped.clear()


@pytest_asyncio.fixture
async def tenant(pool: Pool, sealer: Sealer, vendor: Vendor) -> Tenant:
    fill(vendor)
    vendor.lists = {
        "/people": [person(number, "old") for number in "123456"],
        "/files": [file("1", "1", "old"), file("2", "5", "old"), file("3", "5", "old")],
    }
    return await make_tenant(pool, sealer, base_url=vendor.base_url, integration=GAMMA)


@pytest_asyncio.fixture
async def client(tenant: Tenant, vendor: Vendor) -> AsyncIterator[VendorClient]:
    opened = open_client(GAMMA, tenant.credentials, vendor.base_url, is_base_url_trusted=True, retry=IMPATIENT)
    async with opened:
        yield opened


async def sync_again(tenant: Tenant) -> list[str]:
    """A whole read; gives the rows that it mapped."""
    mapped.clear()
    report = await tenant.sync(full=True)
    assert report.status == "done"
    assert [part.read for part in report.streams] == [3, 6]
    return sorted(mapped)


async def list_people(tenant: Tenant) -> dict[str, tuple[str, list[str]]]:
    """Name and tags of the living, by the vendor's id."""
    rows = await tenant.pool.fetch("SELECT remote_id, body FROM record WHERE deleted_at IS NULL")
    bodies = {row["remote_id"]: json.loads(row["body"]) for row in rows}
    return {id: (body["first_name"], body["tags"] or []) for id, body in bodies.items()}


async def list_moments(tenant: Tenant) -> list[tuple[Any, ...]]:
    rows = await tenant.pool.fetch("SELECT id, seq, body, raw FROM record ORDER BY id")
    return [tuple(row) for row in rows]


async def test_rows_that_did_not_change_are_not_mapped_again_and_count_as_met(tenant: Tenant, vendor: Vendor) -> None:
    await tenant.sync()
    before = await list_moments(tenant)
    assert await sync_again(tenant) == []
    assert await list_moments(tenant) == before
    assert not [one for one in vendor.log if one.path.startswith("/people/")]  # none of them was looked for by its id


async def test_row_that_changed_among_those_that_did_not_is_mapped_alone(tenant: Tenant, vendor: Vendor) -> None:
    await tenant.sync()
    vendor.lists["/people"][2]["name"] = "new"
    assert await sync_again(tenant) == ["3"]
    assert (await list_people(tenant))["3"] == ("new", [])
    assert await sync_again(tenant) == []


async def test_joined_row_that_changed_makes_only_those_records_again_that_show_it(
    tenant: Tenant, vendor: Vendor
) -> None:
    await tenant.sync()
    vendor.lists["/files"][1]["name"] = "new"
    assert await sync_again(tenant) == ["5"]
    assert (await list_people(tenant))["5"] == ("old", ["new", "old"])


async def test_row_of_a_changed_mapping_is_mapped_again_though_it_did_not_change(tenant: Tenant) -> None:
    await tenant.sync()
    loud = replace(GAMMA, streams=(FILES, replace(PEOPLE, mappings=(RecordMapping(Candidate, to_loud_person),))))
    assert await sync_again(replace(tenant, integration=loud)) == list("123456")
    assert (await list_people(tenant))["1"] == ("OLD", [])


async def test_rows_are_mapped_again_when_another_join_can_be_answered(tenant: Tenant, vendor: Vendor) -> None:
    alone = replace(tenant, integration=replace(GAMMA, streams=(PEOPLE,)))
    await alone.sync()
    assert (await list_people(tenant))["1"] == ("old", [])
    await sync_again(tenant)
    assert (await list_people(tenant))["1"] == ("old", ["old"])


async def test_store_of_before_is_filled_by_the_first_whole_read_without_moving_a_record(tenant: Tenant) -> None:
    await tenant.sync()
    await tenant.pool.execute("UPDATE record SET row_hash = NULL")
    await tenant.pool.execute("UPDATE joined SET row_hash = NULL")
    before = await list_moments(tenant)
    assert await sync_again(tenant) == list("123456")
    assert await list_moments(tenant) == before
    assert await tenant.pool.fetchval("SELECT count(*) FROM joined WHERE row_hash IS NULL") == 0
    assert await sync_again(tenant) == []


async def test_row_that_was_quarantined_and_is_as_before_again_is_released_and_shown(
    tenant: Tenant, vendor: Vendor
) -> None:
    await tenant.sync()
    vendor.lists["/people"][0] = {"id": "1", "name": 7}
    report = await tenant.sync(full=True)
    assert counts(report, "people")[3] + sum(part.incomplete for part in report.streams) == 1
    assert await tenant.pool.fetchval("SELECT count(*) FROM quarantine") == 1
    for _ in range(2):  # it stays noted while it comes so, though its record is stored
        await tenant.sync(full=True)
        assert await tenant.pool.fetchval("SELECT count(*) FROM quarantine") == 1
    vendor.lists["/people"][0] = person("1", "old")
    assert await sync_again(tenant) == ["1"]
    assert await tenant.pool.fetchval("SELECT count(*) FROM quarantine") == 0
    assert (await list_people(tenant))["1"] == ("old", ["old"])
    assert await sync_again(tenant) == []


@pytest.mark.parametrize("place", [0, 1])
async def test_row_that_became_nothing_and_is_as_before_again_is_released(
    tenant: Tenant, vendor: Vendor, place: int
) -> None:
    """Its record, and the hash of the row that it was made of, are those of before all the time."""
    await tenant.sync()
    before, row = await list_moments(tenant), vendor.lists["/people"][place]
    vendor.lists["/people"][place] = {"id": row["id"]}
    await tenant.sync(full=True)
    assert [found["row_id"] for found in await tenant.pool.fetch("SELECT row_id FROM quarantine")] == [row["id"]]
    vendor.lists["/people"][place] = row
    assert await sync_again(tenant) == [row["id"]]
    assert await tenant.pool.fetchval("SELECT count(*) FROM quarantine") == 0
    assert await list_moments(tenant) == before


async def test_row_that_is_as_before_again_on_a_later_page_of_one_read_wins(tenant: Tenant, vendor: Vendor) -> None:
    await tenant.sync()
    rows = vendor.lists["/people"]
    vendor.lists["/people"] = [person("1", "new"), rows[1], person("1", "old"), *rows[2:]]
    mapped.clear()
    await tenant.sync(full=True)
    assert (await list_people(tenant))["1"] == ("old", ["old"])
    assert mapped == ["1", "1"]


async def test_row_read_by_its_id_after_it_was_passed_over_is_settled_by_who_asked_later(
    tenant: Tenant, client: VendorClient, vendor: Vendor
) -> None:
    """The page has the row as it was stored when it was looked for, and it is another before the page is saved."""
    await tenant.sync()
    rows = vendor.lists["/people"]
    old = [dict(row) for row in rows]

    async def answer_old(request: web.Request) -> web.Response:
        rows[0]["name"] = "new"
        await sync_rows_by_id(tenant.pool, tenant.connector, GAMMA, client, {"people": ["1"]})
        return web.json_response({"rows": old[:2], "next": f"{vendor.base_url}/people?limit=2&from=2"})

    vendor.will("/people", answer_old)
    await tenant.sync(full=True)
    assert (await list_people(tenant))["1"] == ("new", ["old"])


async def test_row_asked_for_by_its_id_before_its_page_and_saved_after_that_was_passed_over_is_saved_once_more(
    tenant: Tenant, client: VendorClient, vendor: Vendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    await tenant.sync()
    row, mark, is_first = vendor.lists["/people"][0], UnchangedRows.mark, True
    before = await rows_by_id.get_position(tenant.pool, tenant.connector.number)
    find_states = rows_by_id.find_states

    async def mark_and_wait(self: UnchangedRows, rows: Sequence[Row], *, has_quarantine: bool) -> None:
        nonlocal is_first
        await mark(self, rows, has_quarantine=has_quarantine)
        if is_first and rows and b"person_id" not in rows[0].raw:
            is_first = False
            row["name"] = "other"
            await sync_rows_by_id(tenant.pool, tenant.connector, GAMMA, client, {"people": ["1"]})
            row["name"] = "old"
            assert (await list_people(tenant))["1"] == ("other", ["old"])

    async def find_earlier(pool: Pool, connector: int, names: Iterable[str]) -> StreamStates:
        return replace(await find_states(pool, connector, names), position=before - 1)

    monkeypatch.setattr(UnchangedRows, "mark", mark_and_wait)
    monkeypatch.setattr(rows_by_id, "find_states", find_earlier)
    await tenant.sync(full=True)
    assert not is_first
    assert (await list_people(tenant))["1"] == ("old", ["old"])


async def test_rows_that_a_program_of_before_has_met_one_by_one_are_not_absent(tenant: Tenant, vendor: Vendor) -> None:
    await tenant.sync()
    number = tenant.connector.number
    ids = [str(row["id"]) for row in await tenant.pool.fetch("SELECT id FROM record ORDER BY seq")]
    model = await tenant.pool.fetchval("SELECT model FROM record LIMIT 1")
    await tenant.pool.execute(
        "INSERT INTO seen (connector, stream, id) SELECT $1, 'people', unnest($2::text[])::uuid", number, ids[:2]
    )
    async with tenant.pool.acquire() as connection:
        await streams.note_seen(connection, number, "people", ids[2:4])
        await streams.note_seen(connection, number, "people", ids[3:5])
    absent = [row async for found in streams.walk_absent(tenant.pool, number, "people", [model], 500) for row in found]
    assert [str(row["id"]) for row in absent] == ids[5:]
    await streams.forget_seen(tenant.pool, number, "people")
    assert await tenant.pool.fetchval("SELECT count(*) FROM seen") == 0
    assert await tenant.pool.fetchval("SELECT count(*) FROM seen_page") == 0
