"""A list is a change feed: who keeps the last place misses nothing, whatever is saved meanwhile."""

import asyncio
import random
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from testbed.databases import Databases
from testbed.effort import count
from testbed.records import bury, find_ids, id_in, save
from testbed.tenants import Tenant, make_tenant, open_api, read_all
from testbed.vendor import Vendor, fill
from unihire.kit.clock import MovableClock, to_micros
from unihire.kit.seal import Sealer
from unihire.store import Pool
from unihire.store.database import read_clock
from unihire.store.feed.gate import lock_feed_row

TAGS = "/api/ats/v1/tags"


class Reader:
    """Follows a list: walks to its end, page by page, again and again, keeping the last place and what it was told."""

    def __init__(self, api: httpx.AsyncClient, plural: str = "tags", size: int = 3) -> None:
        self.api = api
        self.path = f"/api/ats/v1/{plural}"
        self.size = size
        self.cursor: str | None = None
        self.after: str | None = None
        self.known: dict[str, Any] = {}

    async def read_page(self) -> bool:
        """Whether the walk has come to an end, for now."""
        params = {"cursor": self.cursor, "modified_after": self.after, "page_size": self.size}
        answer = await self.api.get(self.path, params={name: value for name, value in params.items() if value})
        page = answer.raise_for_status().json()
        for item in page["items"]:
            self.known[item["remote_id"]] = item["name"]
        if page["items"]:
            self.newest = page["items"][-1]["modified_at"]
        self.cursor = page["cursor"]
        if self.cursor is None and page["items"]:
            self.after = self.newest
        return self.cursor is None

    async def finish(self) -> None:
        while not await self.read_page():
            pass


async def list_seqs(tenant: Tenant) -> dict[str, int]:
    rows = await tenant.pool.fetch("SELECT remote_id, seq FROM record WHERE connector = $1", tenant.connector.number)
    return {row["remote_id"]: row["seq"] for row in rows}


async def test_walk_meets_a_record_again_that_changed_behind_it(api: httpx.AsyncClient, tenant: Tenant) -> None:
    for number in "123456":
        await save(tenant, "tag", {"remote_id": number, "name": "old"})
    reader = Reader(api, size=2)
    await reader.read_page()
    await save(tenant, "tag", {"remote_id": "1", "name": "new"}, {"remote_id": "5", "name": "new"})
    await reader.finish()
    assert reader.known == {"1": "new", "2": "old", "3": "old", "4": "old", "5": "new", "6": "old"}


async def test_record_that_did_not_change_keeps_its_place_and_its_row(api: httpx.AsyncClient, tenant: Tenant) -> None:
    await save(tenant, "tag", {"remote_id": "1", "name": "a"}, {"remote_id": "2", "name": "b"})
    before = await read_all(api, "tags")
    version = await tenant.pool.fetch("SELECT ctid, xmin FROM record ORDER BY 1")
    saved = await save(tenant, "tag", {"remote_id": "1", "name": "a"}, {"remote_id": "2", "name": "b"})
    assert (saved.added, saved.changed) == (0, 0)
    assert await read_all(api, "tags") == before
    assert await tenant.pool.fetch("SELECT ctid, xmin FROM record ORDER BY 1") == version
    saved = await save(tenant, "tag", {"remote_id": "1", "name": "a"}, {"remote_id": "2", "name": "c"})
    assert (saved.added, saved.changed) == (0, 1)
    first, second = await read_all(api, "tags")
    assert first == before[0]
    assert second["modified_at"] > before[1]["modified_at"]


async def test_change_of_raw_data_alone_is_a_change(api: httpx.AsyncClient, tenant: Tenant) -> None:
    await save(tenant, "tag", {"remote_id": "1", "name": "a"})
    (before,) = await read_all(api, "tags", include_raw_data=True)
    await save(tenant, "tag", {"remote_id": "1", "name": "a", "colour": "red"})
    (after,) = await read_all(api, "tags", include_raw_data=True, modified_after=before["modified_at"])
    assert after["raw_data"]["colour"] == "red"


async def test_tombstone_is_skipped_keeps_its_content_and_can_live_again(
    api: httpx.AsyncClient, tenant: Tenant
) -> None:
    await save(tenant, "tag", {"remote_id": "1", "name": "a"}, {"remote_id": "2", "name": "b"})
    before = await read_all(api, "tags")
    assert await bury(tenant, "tag", "1") == 1
    assert find_ids(await read_all(api, "tags")) == ["2"]
    assert (await api.get(f"{TAGS}/{before[0]['id']}")).status_code == 404
    body, raw, deleted_at, seq = await tenant.pool.fetchrow(
        "SELECT body, raw, deleted_at, seq FROM record WHERE deleted_at IS NOT NULL"
    )
    assert b'"name":"a"' in body
    assert b'"name":"a"' in raw
    assert deleted_at is not None
    assert seq > to_micros(datetime.fromisoformat(before[1]["modified_at"]))
    await save(tenant, "tag", {"remote_id": "1", "name": "a"})
    second, first = await read_all(api, "tags")
    assert (first["id"], first["name"], second) == (before[0]["id"], "a", before[1])
    assert first["modified_at"] > before[0]["modified_at"]


async def test_first_save_is_remembered_through_changes(tenant: Tenant) -> None:
    started_at = datetime.now(UTC)
    await save(tenant, "tag", {"remote_id": "1", "name": "a"})
    first = await tenant.pool.fetchval("SELECT first_saved_at FROM record")
    assert started_at - timedelta(seconds=1) < first < datetime.now(UTC) + timedelta(seconds=1)
    await save(tenant, "tag", {"remote_id": "1", "name": "b"})
    assert await tenant.pool.fetchval("SELECT first_saved_at FROM record") == first


async def test_same_vendor_ids_give_the_same_ids_when_everything_is_built_again(
    tenant: Tenant, api: httpx.AsyncClient
) -> None:
    await save(tenant, "tag", {"remote_id": "1"})
    before = find_ids(await read_all(api, "tags")), [item["id"] for item in await read_all(api, "tags")]
    await tenant.pool.execute("TRUNCATE record, record_key")
    await save(tenant, "tag", {"remote_id": "1"})
    assert (find_ids(await read_all(api, "tags")), [item["id"] for item in await read_all(api, "tags")]) == before


async def test_clock_that_stands_still_or_goes_back_never_gives_a_place_twice(tenant: Tenant) -> None:
    for number, at in enumerate([datetime.now(UTC) + timedelta(days=1), None, None, None]):
        await save(tenant, "tag", {"remote_id": f"{number}-a"}, {"remote_id": f"{number}-b"}, at=at)
    await bury(tenant, "tag", "0-a")
    seqs = await list_seqs(tenant)
    assert len(set(seqs.values())) == 8
    del seqs["0-a"]
    assert sorted(seqs, key=seqs.__getitem__) == ["0-b", "1-a", "1-b", "2-a", "2-b", "3-a", "3-b"]


async def test_saves_under_a_clock_that_stands_still_file_each_record_once(
    api: httpx.AsyncClient, tenant: Tenant
) -> None:
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    for number, at in enumerate([tomorrow, None, None]):
        await save(tenant, "job", *({"remote_id": f"{number}-{one}", "code": "x"} for one in "ab"), at=at)
    await save(tenant, "job", {"remote_id": "0-b", "code": "x", "name": "changed"})
    found = find_ids(await read_all(api, "jobs", code="x", page_size=2))
    assert found == ["0-a", "1-a", "1-b", "2-a", "2-b", "0-b"]
    filed = "SELECT count(*), count(DISTINCT (key, seq)) FROM record_key"
    counted = await tenant.pool.fetchrow(filed)
    expected = await tenant.pool.fetchval("SELECT sum(cardinality(keys)) FROM record")
    assert tuple(counted) == (expected, expected)


@pytest.mark.parametrize("ahead", [timedelta(days=3650), timedelta(minutes=1), timedelta(minutes=-1)])
async def test_clock_of_a_worker_moves_no_position(
    pool: Pool, sealer: Sealer, vendor: Vendor, ahead: timedelta
) -> None:
    fill(vendor)
    tenant = await make_tenant(pool, sealer, base_url=vendor.base_url)
    begun = await read_clock(pool)
    await tenant.sync(clock=MovableClock(ahead))
    vendor.lists["/jobs"][0]["name"] = "Renamed"
    await tenant.sync(clock=MovableClock(ahead), full=True)
    seqs = (await list_seqs(tenant)).values()
    ended = await read_clock(pool)
    assert to_micros(begun) < min(seqs)
    assert max(seqs) < to_micros(ended)


async def test_two_writers_of_one_connector_commit_in_the_order_of_the_feed(
    api: httpx.AsyncClient, tenant: Tenant
) -> None:
    """A reader that polls while two write must never be shown a place below one it has already been shown."""
    done = False

    async def write(name: str) -> None:
        for round_ in range(60):
            rows = [{"remote_id": f"{name}-{round_}-{number}", "name": "x"} for number in range(random.randint(1, 5))]
            await save(tenant, "tag", *rows)

    async def read() -> Reader:
        reader = Reader(api, size=7)
        while not done:
            await reader.read_page()
        await reader.finish()
        return reader

    readers = [asyncio.create_task(read()) for _ in range(2)]
    await asyncio.gather(write("a"), write("b"))
    done = True
    expected = (await list_seqs(tenant)).keys()
    for reader in readers:
        assert (await reader).known.keys() == expected


async def test_writers_of_different_connectors_do_not_wait_for_one_another(
    tenant: Tenant, other_tenant: Tenant
) -> None:
    async with tenant.pool.acquire() as connection, connection.transaction():
        assert await lock_feed_row(connection, tenant.connector.number)
        async with asyncio.timeout(5):
            await save(other_tenant, "tag", {"remote_id": "1"})


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def shared(databases: Databases, sealer: Sealer) -> AsyncIterator[tuple[Tenant, httpx.AsyncClient]]:
    """A tenant for many examples, emptied before each."""
    async with databases.open() as pool:
        tenant = await make_tenant(pool, sealer)
        async with open_api(databases.settings("migrated"), tenant) as client:
            yield tenant, client


PEOPLE = st.sampled_from([str(number) for number in range(8)])
STEP = st.one_of(
    st.tuples(st.just("save"), st.dictionaries(PEOPLE, st.sampled_from(["x", "y", "z"]), min_size=1, max_size=5)),
    st.tuples(st.just("bury"), st.sets(PEOPLE, min_size=1, max_size=3)),
    st.tuples(st.just("read"), st.integers(1, 4)),
)


@settings(max_examples=count(60, 25), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(STEP, max_size=25))
async def test_any_interleaving_of_saves_deletions_and_reads_misses_nothing(
    shared: tuple[Tenant, httpx.AsyncClient], steps: list[tuple[str, Any]]
) -> None:
    tenant, api = shared
    await tenant.pool.execute("TRUNCATE record, record_key")
    living: dict[str, str] = {}
    modified: dict[str, str] = {}
    reader = Reader(api, "jobs")
    for word, what in steps:
        if word == "save":
            await save(tenant, "job", *({"remote_id": id, "name": name, "code": name} for id, name in what.items()))
            living |= what
        elif word == "bury":
            gone = [id for id in what if id in living]
            await bury(tenant, "job", *gone)
            for id in gone:
                del living[id]
        else:
            reader.size = what
            await reader.read_page()
        for item in await read_all(api, "jobs"):
            before = modified.get(item["remote_id"], "")
            assert item["modified_at"] >= before
            modified[item["remote_id"]] = item["modified_at"]
    await reader.finish()
    assert {id: name for id, name in reader.known.items() if id in living} == living
    items = await read_all(api, "jobs", page_size=2)
    assert {item["remote_id"]: item["name"] for item in items} == living
    stamps = [item["modified_at"] for item in items]
    assert stamps == sorted(set(stamps))
    for id in {str(number) for number in range(8)}:
        status = (await api.get(f"/api/ats/v1/jobs/{id_in(tenant, 'job', id)}")).status_code
        assert status == (200 if id in living else 404)
    for code in "xyz":
        found = find_ids(await read_all(api, "jobs", code=code, page_size=2))
        assert sorted(found) == sorted(id for id, name in living.items() if name == code)
