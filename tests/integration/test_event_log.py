"""The change log: every writer's changes are in it, in the transaction that makes them, and nothing else."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
import pytest_asyncio

from testbed.event_log import check_log, count_pages, read_log
from testbed.remapping import DEPARTMENTS, JOINED, LOUD_JOBS, make_joined_tenant, replace_fields, run, with_mappings
from testbed.tenants import Tenant, make_tenant
from testbed.vendor import ACME, IMPATIENT, Vendor, fill, job, person, stage, to_job
from unihire.integration.declare import RecordMapping, Source
from unihire.kit.seal import Sealer
from unihire.model import Job
from unihire.platform.connectors import open_client
from unihire.store import Connection, Pool
from unihire.store.accounts.tenancy import delete_connector
from unihire.store.events import log, packing
from unihire.store.feed import changes
from unihire.store.feed.position import MOVE_FEED
from unihire.sync.pages import Pages
from unihire.sync.rows_by_id import sync_rows_by_id

NEW = "2027-01-01T00:00:00"
WEEK, MICROSECOND = timedelta(days=7), timedelta(microseconds=1)


@pytest_asyncio.fixture
async def tenant(pool: Pool, sealer: Sealer, vendor: Vendor) -> Tenant:
    fill(vendor)
    return await make_tenant(pool, sealer, base_url=vendor.base_url)


async def count_new(tenant: Tenant, seen: int) -> dict[str, int]:
    """How many events of each kind are behind the first so many, in a log that agrees with the records."""
    return dict(Counter(str(event.kind) for event in (await check_log(tenant))[seen:]))


async def test_what_runs_save_and_find_gone_is_in_the_log(tenant: Tenant, vendor: Vendor) -> None:
    await tenant.sync()
    assert await count_new(tenant, 0) == {"created": 14}
    vendor.lists["/jobs"][0] |= {"name": "Renamed", "code": "x", "at": NEW}
    await tenant.sync()  # what changed alone
    vendor.lists["/people/1/notes"] = [{"text": "likes coffee"}]
    vendor.lists["/people"][0]["at"] = NEW
    del vendor.lists["/people"][2]
    vendor.lists["/jobs"].pop()  # and the department that it alone had
    vendor.lists["/pipelines"][0]["stages"] = [stage("s1"), stage("s4")]
    await tenant.sync(full=True)
    assert await count_new(tenant, 14) == {"updated": 2, "deleted": 4, "created": 1}
    changed = [set(event.changed) for event in await read_log(tenant) if event.changed]
    assert changed == [{"name", "code", "raw_data"}, {"tags", "raw_data"}]
    vendor.lists["/people"].append(person("3"))
    await tenant.sync(full=True)
    assert await count_new(tenant, 21) == {"created": 1}


async def test_run_that_finds_nothing_changed_writes_nothing(tenant: Tenant) -> None:
    await tenant.sync()
    pages, events = await count_pages(tenant), await read_log(tenant)
    await tenant.sync()
    await tenant.sync(full=True)
    assert (await count_pages(tenant), await read_log(tenant)) == (pages, events)


async def test_rows_read_by_their_ids_and_the_records_that_show_them_are_in_the_log(
    pool: Pool, sealer: Sealer, vendor: Vendor
) -> None:
    by_id = tuple(replace(stream, by_id=f"/{stream.name}/{{id}}") for stream in JOINED.streams)
    joined = replace(await make_joined_tenant(pool, sealer, vendor), integration=replace(JOINED, streams=by_id))
    assert await count_new(joined, 0) == {"created": 4}
    vendor.lists["/labels"][0]["name"] = "Changed"
    vendor.lists["/entries"].append({"id": 5, "label": 2})
    client = open_client(
        joined.integration, joined.credentials, vendor.base_url, is_base_url_trusted=True, retry=IMPATIENT
    )
    async with client:
        await sync_rows_by_id(pool, joined.connector, joined.integration, client, {"labels": ["1"], "entries": ["5"]})
    assert await count_new(joined, 4) == {"created": 1, "updated": 2}


async def test_records_that_show_rows_which_a_run_found_changed_are_in_the_log(
    pool: Pool, sealer: Sealer, vendor: Vendor
) -> None:
    joined = await make_joined_tenant(pool, sealer, vendor)
    vendor.lists["/labels"][0]["name"] = "Changed"
    await joined.sync(full=True)
    assert await count_new(joined, 4) == {"updated": 2}
    assert {event.changed for event in (await read_log(joined))[4:]} == {("source",)}


async def test_records_made_again_by_a_new_mapping_are_in_the_log(tenant: Tenant) -> None:
    await tenant.sync()
    await run(tenant, LOUD_JOBS)
    assert await count_new(tenant, 14) == {"updated": 5}
    await run(tenant, LOUD_JOBS)
    assert await count_new(tenant, 19) == {}

    def to_renamed(source: Source) -> Job:
        return replace_fields(to_job(source), remote_id=f"job-{source.row['id']}")

    await run(tenant, with_mappings(ACME, "jobs", RecordMapping(Job, to_renamed), DEPARTMENTS))
    assert await count_new(tenant, 19) == {"created": 5, "deleted": 5}


async def test_shared_part_settled_at_the_end_of_a_read_is_in_the_log(tenant: Tenant, vendor: Vendor) -> None:
    one, other = ({"department": {"id": "d1", "name": name}} for name in ("Sales", "wrong"))
    vendor.lists["/jobs"] = [job("1") | one, job("2") | one]
    await tenant.sync()
    vendor.lists["/jobs"][1] = job("2") | other
    await tenant.sync(full=True)
    vendor.lists["/jobs"][1] = job("2", at=NEW) | {"department": None}
    await tenant.sync()
    seen = len(await check_log(tenant))
    await tenant.sync(full=True)
    assert await count_new(tenant, seen) == {"updated": 1}


async def test_rows_that_the_database_refuses_are_not_in_the_log_and_the_others_of_the_page_are(
    tenant: Tenant,
) -> None:
    await tenant.pool.execute("""
        CREATE FUNCTION refuse_one() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN IF NEW.remote_id = '4' THEN RAISE EXCEPTION 'no' USING ERRCODE = '22008'; END IF; RETURN NEW; END $$;
        CREATE TRIGGER refuse BEFORE INSERT ON record FOR EACH ROW EXECUTE FUNCTION refuse_one()
    """)
    try:
        await tenant.sync()
    finally:
        await tenant.pool.execute("DROP TRIGGER refuse ON record; DROP FUNCTION refuse_one")
    events = await check_log(tenant)
    assert "4" not in {event.remote_id for event in events}
    assert {"1", "2", "3", "5"} <= {event.remote_id for event in events}


async def test_page_whose_events_cannot_be_written_is_not_saved_either(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    make = Pages.__init__

    async def fail(connection: Connection, connector: int, made: Sequence[changes.Change]) -> None:
        await log.log_changes(connection, connector, made)
        raise ConnectionResetError

    def make_failing(pages: Pages, **given: object) -> None:
        make(pages, **given)  # type: ignore[arg-type]
        pages.log_changes = fail

    with monkeypatch.context() as patch:
        patch.setattr(Pages, "__init__", make_failing)
        with pytest.raises(ConnectionResetError):
            await tenant.sync()
    assert await check_log(tenant) == []
    await tenant.sync()
    assert await count_new(tenant, 0) == {"created": 14}


@pytest.mark.parametrize("limit", [1, 2, 3, 5, 1000])
async def test_log_is_read_whole_in_steps_of_any_length(
    tenant: Tenant, vendor: Vendor, monkeypatch: pytest.MonkeyPatch, limit: int
) -> None:
    monkeypatch.setattr(log, "MOST_PACKED", 2)
    for name in "abcdefgh":
        vendor.lists["/people"][0] |= {"name": name, "at": f"2027-01-01T00:00:0{ord(name) - ord('a')}"}
        await tenant.sync()
    assert await count_pages(tenant) > 3 * log.FIRST_PAGES
    events = await check_log(tenant)
    assert await read_log(tenant, limit=limit) == events
    middle = events[len(events) // 2]
    assert await read_log(tenant, middle.seq, limit=limit) == events[len(events) // 2 + 1 :]


async def test_transaction_of_many_changes_is_written_in_rows_of_bounded_length(tenant: Tenant, vendor: Vendor) -> None:
    many = 2 * packing.MOST_PACKED
    vendor.lists["/pipelines"][0]["stages"] = [stage(f"s{number}") for number in range(many)]
    await tenant.sync()
    assert len(await check_log(tenant)) == many + 11
    longest = await tenant.pool.fetchval("SELECT max(octet_length(packed)) FROM event_page")
    assert longest < 20 * packing.MOST_PACKED


async def test_log_is_cut_by_age_and_says_up_to_where(tenant: Tenant, vendor: Vendor) -> None:
    """The later events lie in the future, which is what days that passed make of the earlier ones."""
    number, pool = tenant.connector.number, tenant.pool
    assert (await log.find_first_position(pool, number), await log.find_last_position(pool, number)) == (0, 0)
    await tenant.sync()
    old = await read_log(tenant)
    assert await log.find_last_position(pool, number) == old[-1].seq
    await pool.execute(MOVE_FEED, number, old[-1].seq + WEEK // MICROSECOND)
    vendor.lists["/people"][0] |= {"name": "Later", "at": NEW}
    await tenant.sync()
    (new,) = await read_log(tenant, old[-1].seq)
    async with pool.acquire() as connection:
        assert not await log.cut_events(connection, WEEK, 500)
        assert await log.find_first_position(pool, number) == 0
        assert await log.cut_events(connection, -WEEK / 2, 1)  # some at a time, the oldest first
        assert 0 < await log.find_first_position(pool, number) < old[-1].seq
        while await log.cut_events(connection, -WEEK / 2, 1):
            pass
    assert await read_log(tenant) == [new]
    assert (await log.find_first_position(pool, number), await log.find_last_position(pool, number)) == (
        old[-1].seq, new.seq,
    )  # fmt: skip
    async with pool.acquire() as connection:
        await log.cut_events(connection, -2 * WEEK, 500)
    assert await read_log(tenant) == []
    assert await log.find_last_position(pool, number) == await log.find_first_position(pool, number) == new.seq


async def test_removed_connector_leaves_no_events(tenant: Tenant) -> None:
    await tenant.sync()
    await tenant.pool.execute(log.NOTE_CUT, tenant.connector.number, 1, 3)
    await delete_connector(tenant.pool, tenant.connector)
    assert await count_pages(tenant) == 0
    assert await tenant.pool.fetchval("SELECT count(*) FROM event_cut") == 0
