"""What a save changed, as a change log is told it: in feed order, in the transaction that made it, and nothing more."""

import pytest
import pytest_asyncio

from testbed.change_log import Log, hang_log
from testbed.tenants import Tenant, make_tenant
from testbed.vendor import Vendor, fill, job
from unihire.kit.seal import Sealer
from unihire.store import Pool


@pytest_asyncio.fixture
async def tenant(pool: Pool, sealer: Sealer, vendor: Vendor) -> Tenant:
    fill(vendor)
    return await make_tenant(pool, sealer, base_url=vendor.base_url)


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> Log:
    return hang_log(monkeypatch)


async def test_created_updated_and_deleted_records_are_told_with_the_fields_that_changed(
    tenant: Tenant, vendor: Vendor, log: Log
) -> None:
    await tenant.sync()
    first = {change.id: change for change in log.changes}
    assert len(first) == len(log.changes) == await tenant.pool.fetchval("SELECT count(*) FROM record")
    assert {tuple(row) for row in await tenant.pool.fetch("SELECT id::text, model, seq FROM record")} == {
        (change.id, change.model, change.seq) for change in log.changes
    }
    assert {word for word, *_ in log.take()} == {"created"}
    await tenant.sync(full=True)
    assert log.take() == []
    vendor.lists["/jobs"][0] |= {"name": "Renamed", "code": "x"}
    vendor.lists["/jobs"][1]["unknown"] = 1
    del vendor.lists["/people"][2]
    await tenant.sync(full=True)
    told = log.take()
    assert [one for one in told if one[0] == "deleted"] == [("deleted", "4")]
    updated = [set(one[2:]) for one in told if one[0] == "updated"]
    assert sorted(map(sorted, updated)) == [["code", "name", "raw_data"], ["raw_data"]]
    vendor.lists["/people"].append({"id": "3", "name": "Person 3", "state": "plain", "at": "2026-01-01T00:00:00"})
    await tenant.sync(full=True)
    assert log.take() == [("created", "4")]


async def test_what_is_undone_is_not_told(tenant: Tenant, log: Log) -> None:
    await tenant.pool.execute("""
        CREATE FUNCTION refuse_one() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN IF NEW.remote_id = '4' THEN RAISE EXCEPTION 'no' USING ERRCODE = '22008'; END IF; RETURN NEW; END $$;
        CREATE TRIGGER refuse BEFORE INSERT ON record FOR EACH ROW EXECUTE FUNCTION refuse_one()
    """)
    try:
        await tenant.sync()
    finally:
        await tenant.pool.execute("DROP TRIGGER refuse ON record; DROP FUNCTION refuse_one")
    stored = {row[0] for row in await tenant.pool.fetch("SELECT seq FROM record")}
    assert {change.seq for change in log.changes} == stored
    assert len(log.changes) == len(stored)


async def test_shared_part_that_is_settled_at_the_end_of_a_whole_read_is_told(
    tenant: Tenant, vendor: Vendor, log: Log
) -> None:
    """No row says anything new of it; the row that described it as it is stored has it no longer."""
    one, other = ({"department": {"id": "d1", "name": name}} for name in ("Sales", "wrong"))
    vendor.lists["/jobs"] = [job("1") | one, job("2") | one]
    await tenant.sync()
    vendor.lists["/jobs"][1] = job("2") | other
    await tenant.sync(full=True)
    vendor.lists["/jobs"][1] = job("2", at="2027-01-01T00:00:00") | {"department": None}
    await tenant.sync()  # reads job 2 alone
    log.take()
    await tenant.sync(full=True)
    (told,) = log.changes
    row = await tenant.pool.fetchrow("SELECT id::text, seq FROM record WHERE remote_id = 'd1'")
    assert (str(told.kind), told.id, told.seq) == ("updated", row["id"], row["seq"])
    assert "name" in told.fields
