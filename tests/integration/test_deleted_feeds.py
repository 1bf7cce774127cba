"""A list in which the vendor tells what was deleted."""

import itertools
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio

from testbed.tenants import Tenant, make_tenant
from testbed.vendor import ACME, LIST, Vendor, counts, fill, person, say
from unihire.integration.declare import DeletedFeed
from unihire.kit.seal import Sealer
from unihire.store import Pool

MONTH = timedelta(days=30)


def between(start: datetime, end: datetime) -> Mapping[str, str]:
    return {"after": start.astimezone(UTC).isoformat(), "before": end.astimezone(UTC).isoformat()}


FEED = DeletedFeed(path="/people/deleted", paging=LIST, id_of=lambda row: row["id"], between=between, longest=MONTH)
TELLING = replace(
    ACME,
    streams=tuple(replace(stream, deleted_feed=FEED) if stream.name == "people" else stream for stream in ACME.streams),
)


@pytest_asyncio.fixture
async def tenant(pool: Pool, sealer: Sealer, vendor: Vendor) -> Tenant:
    fill(vendor)
    vendor.lists["/people/deleted"] = []
    made = await make_tenant(pool, sealer, base_url=vendor.base_url, integration=TELLING)
    assert (await made.sync()).status == "done"
    return made


async def list_living(tenant: Tenant) -> list[str]:
    query = "SELECT remote_id FROM record WHERE deleted_at IS NULL AND stream = 'people' ORDER BY remote_id"
    return [row["remote_id"] for row in await tenant.pool.fetch(query)]


async def test_whole_read_asks_for_no_deletions(tenant: Tenant, vendor: Vendor) -> None:
    assert vendor.count("/people/deleted") == 0


async def test_rows_that_are_told_deleted_go_with_the_next_run(
    tenant: Tenant, vendor: Vendor, capsys: pytest.CaptureFixture[str]
) -> None:
    vendor.lists["/people"] = [person("3")]
    vendor.lists["/people/deleted"] = [{"id": "1"}, {"id": "2"}, {"no": "id"}]
    assert (await tenant.sync()).status == "done"
    assert await list_living(tenant) == ["3"]
    assert vendor.count("/people/deleted") == 2  # two pages
    assert "rows of a list of deletions have no id" in capsys.readouterr().out


async def test_row_that_is_told_deleted_and_is_there_stays(tenant: Tenant, vendor: Vendor) -> None:
    vendor.lists["/people/deleted"] = [{"id": "1"}]
    report = await tenant.sync()
    assert counts(report, "people")[2] == 0
    assert await list_living(tenant) == ["1", "2", "3"]


async def test_long_time_is_asked_for_in_stretches_that_leave_nothing_out(tenant: Tenant, vendor: Vendor) -> None:
    await tenant.pool.execute("UPDATE stream_state SET last_read_at = last_read_at - interval '70 days'")
    vendor.log.clear()
    await tenant.sync()
    asked = [(request.query["after"], request.query["before"]) for request in vendor.log if "after" in request.query]
    moments = [tuple(map(datetime.fromisoformat, pair)) for pair in asked]
    assert len(moments) == 3
    assert all(end - start <= MONTH for start, end in moments)
    assert all(one[1] == other[0] for one, other in itertools.pairwise(moments))
    assert datetime.now(UTC) - moments[-1][1] < timedelta(minutes=1)


async def test_feed_that_is_refused_is_told_and_asked_for_again(tenant: Tenant, vendor: Vendor) -> None:
    vendor.will("/people/deleted", lambda _: say({"error": "no"}, 400))
    vendor.lists["/people"] = [person("3")]
    vendor.lists["/people/deleted"] = [{"id": "1"}]
    report = await tenant.sync()
    assert "/people/deleted" in report.errors["people"]
    assert await list_living(tenant) == ["1", "2", "3"]
    await tenant.sync()
    assert await list_living(tenant) == ["2", "3"]
