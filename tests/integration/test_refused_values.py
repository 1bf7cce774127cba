"""Values that PostgreSQL refuses: they cost the rows they are of, never the page, its list or the lists beside it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
import pytest_asyncio

from testbed.tenants import Tenant, make_tenant
from testbed.vendor import ACME, LIST, Vendor, fill, job
from unihire.integration.declare import Join, RecordMapping, Source, Stream
from unihire.kit.seal import Sealer
from unihire.model import Candidate, Department
from unihire.store import Pool

# The database refuses the rows of a table in whose column stands a word, as it refuses what no index entry holds.
REFUSE = """
    CREATE OR REPLACE FUNCTION refuse_{table}() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN IF NEW.{column} IN ({words}) THEN RAISE EXCEPTION 'a secret of {column}' USING ERRCODE = '{code}'; END IF;
        RETURN NEW; END
    $$;
    CREATE OR REPLACE TRIGGER refuse BEFORE INSERT OR UPDATE ON {table} FOR EACH ROW EXECUTE FUNCTION refuse_{table}()
"""
ACCEPT = "DROP TRIGGER refuse ON {table}"

TOO_LONG, BAD_DATE, NOT_UNIQUE = "54000", "22008", "23505"


@asynccontextmanager
async def refusing(pool: Pool, table: str, column: str, *values: str, code: str = TOO_LONG) -> AsyncIterator[None]:
    words = ", ".join(f"'{value}'" for value in values)
    await pool.execute(REFUSE.format(table=table, column=column, words=words, code=code))
    try:
        yield
    finally:
        await pool.execute(ACCEPT.format(table=table))


@pytest_asyncio.fixture
async def tenant(pool: Pool, sealer: Sealer, vendor: Vendor) -> Tenant:
    fill(vendor)
    vendor.lists["/jobs"] = [job(str(number)) for number in range(1, 8)]
    return await make_tenant(pool, sealer, base_url=vendor.base_url)


async def list_served(tenant: Tenant, stream: str) -> list[str]:
    rows = await tenant.pool.fetch(
        "SELECT remote_id FROM record WHERE stream = $1 AND deleted_at IS NULL AND remote_id !~ 'd' ORDER BY remote_id",
        stream,
    )
    return [row["remote_id"] for row in rows]


async def list_quarantined(tenant: Tenant) -> list[tuple[Any, ...]]:
    rows = await tenant.pool.fetch("SELECT stream, row_id, reason, is_served FROM quarantine ORDER BY stream, row_id")
    return [tuple(row) for row in rows]


@pytest.mark.parametrize(
    ("code", "name"),
    [(TOO_LONG, "ProgramLimitExceededError"), (BAD_DATE, "DatetimeFieldOverflowError"),
     (NOT_UNIQUE, "UniqueViolationError")],
)  # fmt: skip
async def test_a_record_that_the_database_refuses_costs_its_row_and_nothing_else(
    tenant: Tenant, code: str, name: str
) -> None:
    async with refusing(tenant.pool, "record", "remote_id", "3", "6", code=code):
        report = await tenant.sync()
        assert (report.status, report.errors) == ("done", {})
        assert await list_served(tenant, "jobs") == ["1", "2", "4", "5", "7"]
        assert await list_served(tenant, "people") == ["1", "2"]
        reason = f"the database refuses what was read ({name}, {code})"
        assert await list_quarantined(tenant) == [
            ("jobs", "3", reason, False), ("jobs", "6", reason, False), ("people", "3", reason, False),
        ]  # fmt: skip
        assert {part.stream: part.quarantined for part in report.streams} == {"pipelines": 0, "jobs": 2, "people": 1}
    assert (await tenant.sync(full=True)).status == "done"
    assert await list_served(tenant, "jobs") == ["1", "2", "3", "4", "5", "6", "7"]
    assert await list_quarantined(tenant) == []


async def test_a_row_that_is_refused_now_stays_what_it_was_before(tenant: Tenant, vendor: Vendor) -> None:
    await tenant.sync()
    vendor.lists["/jobs"][2]["name"] = "Refused"
    vendor.lists["/jobs"][3]["name"] = "Renamed"
    async with refusing(tenant.pool, "record", "remote_id", "3"):
        report = await tenant.sync(full=True)
    assert report.status == "done"
    bodies = await tenant.pool.fetch("SELECT convert_from(body, 'UTF8') FROM record WHERE stream = 'jobs'")
    text = "\n".join(row[0] for row in bodies)
    assert "Renamed" in text
    assert "Refused" not in text
    assert await list_served(tenant, "jobs") == ["1", "2", "3", "4", "5", "6", "7"]


async def test_a_quarantined_row_that_the_quarantine_refuses_too_is_noted_by_what_stands_for_it(
    tenant: Tenant,
) -> None:
    async with (
        refusing(tenant.pool, "record", "remote_id", "3"),
        refusing(tenant.pool, "quarantine", "row_id", "3"),
    ):
        report = await tenant.sync()
    assert report.status == "done"
    assert await list_served(tenant, "jobs") == ["1", "2", "4", "5", "6", "7"]
    noted = await list_quarantined(tenant)
    assert [stream for stream, *_ in noted] == ["jobs", "people"]
    assert all(row_id.startswith("?") for _, row_id, *_ in noted)


async def test_a_detail_that_the_database_refuses_costs_its_row(tenant: Tenant) -> None:
    async with refusing(tenant.pool, "detail", "row_id", "1"):
        report = await tenant.sync()
    assert report.status == "done"
    assert await list_served(tenant, "people") == ["2", "3"]
    assert [row[:2] for row in await list_quarantined(tenant)] == [("people", "1")]


@pytest.mark.parametrize("column", ["row_id", "key"])
async def test_a_row_for_others_to_show_that_the_database_refuses_costs_what_shows_it(
    pool: Pool, sealer: Sealer, vendor: Vendor, column: str
) -> None:
    def to_person(source: Source) -> Candidate:
        return Candidate(remote_id=source.row["id"], tags=[file["name"] for file in source.details.get("files", [])])

    people = Stream(
        name="people", path="/people", paging=LIST, id_of=lambda row: row["id"],
        mappings=(RecordMapping(Candidate, to_person),),
        joins=(Join(name="files", stream="files", on="person", members=("name",)),),
    )  # fmt: skip
    files = Stream(name="files", path="/files", paging=LIST, id_of=lambda row: row["id"])
    vendor.lists = {
        "/people": [{"id": number} for number in "123"],
        "/files": [{"id": f"f{number}", "person": number, "name": f"file {number}"} for number in "123"],
    }
    integration = replace(ACME, streams=(files, people))
    tenant = await make_tenant(pool, sealer, base_url=vendor.base_url, integration=integration)
    async with refusing(pool, "joined", column, "f2" if column == "row_id" else "2"):
        report = await tenant.sync()
    assert (report.status, report.errors) == ("done", {})
    assert [row[:2] for row in await list_quarantined(tenant)] == [("files", "f2")]
    bodies = await pool.fetch("SELECT remote_id, convert_from(body, 'UTF8')::jsonb -> 'tags' FROM record ORDER BY 1")
    assert [tuple(row) for row in bodies] == [("1", '["file 1"]'), ("2", "[]"), ("3", '["file 3"]')]


async def test_ids_that_no_column_or_index_holds_cost_their_rows(tenant: Tenant, vendor: Vendor) -> None:
    odd = ["a\0b", "x" * 6000, " ", "é" * 501, "𝄞" * 500]
    vendor.lists["/jobs"][2:2] = [job(id) for id in odd]
    for _ in range(2):
        report = await tenant.sync(full=True)
        assert (report.status, report.errors) == ("done", {})
        served = await list_served(tenant, "jobs")
        assert sorted(served) == sorted(["1", "2", "3", "4", "5", "6", "7", odd[-1]])
        assert [stream for stream, *_ in await list_quarantined(tenant)] == ["jobs"] * 4


async def test_a_part_under_a_member_that_no_text_column_holds_is_noted(
    pool: Pool, sealer: Sealer, vendor: Vendor
) -> None:
    """The place of what was left out is told in the quarantine by the vendor's own words."""

    def to_part(source: Source) -> Department:
        return Department(remote_id=source.row["id"], name=source.row["name"])

    fill(vendor)
    vendor.lists["/jobs"] = [job("1"), job("2") | {"parts": {"a\0b": {"id": {}, "name": "x"}}}, job("3")]
    jobs = ACME.get_stream("jobs")
    split = RecordMapping(Department, to_part, split=lambda row: list(row.get("parts", {}).values()))
    odd = replace(jobs, mappings=(jobs.mappings[0], split))
    integration = replace(ACME, streams=tuple(odd if one is jobs else one for one in ACME.streams))
    tenant = await make_tenant(pool, sealer, base_url=vendor.base_url, integration=integration)
    report = await tenant.sync()
    assert (report.status, report.errors) == ("done", {})
    assert await list_served(tenant, "jobs") == ["1", "2", "3"]
    assert [row[:2] + row[3:] for row in await list_quarantined(tenant)] == [("jobs", "2", True)]


async def test_what_is_refused_whatever_the_rows_is_no_row_s_fault(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such as a position that cannot be stored: the list fails with the reason, and nothing is quarantined for it."""
    monkeypatch.setattr("unihire.sync.run.FAULT_PAUSES", (0.01,))
    await tenant.pool.execute(
        """CREATE OR REPLACE FUNCTION refuse_moves() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '22001'; END $$;
        CREATE TRIGGER refuse BEFORE UPDATE OF position ON stream_run FOR EACH ROW
        WHEN (NEW.stream = 'jobs' AND NEW.error IS NULL) EXECUTE FUNCTION refuse_moves()"""
    )
    try:
        report = await tenant.sync()
    finally:
        await tenant.pool.execute(ACCEPT.format(table="stream_run"))
    assert report.status == "partial"
    assert report.errors == {"jobs": "the database refuses what was read (StringDataRightTruncationError, 22001)"}
    assert await list_quarantined(tenant) == []
