"""Rows that cannot be asked for one by one, read again when they are touched; and what is read with a touched row."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
import pytest_asyncio

from testbed.tenants import Tenant, make_tenant
from testbed.vendor import ACME, IMPATIENT, Vendor, fill, job, person
from unihire.integration import registry
from unihire.integration.declare import Integration, ShortList
from unihire.integration.inspect_webhooks import _inspect_touch
from unihire.integration.webhooks import Touch
from unihire.kit.seal import Sealer
from unihire.outbound.client import VendorClient
from unihire.platform.connectors import open_client
from unihire.platform.context_live import LiveContext
from unihire.platform.context_synced import NotSynced, SyncedContext
from unihire.store import Pool
from unihire.sync.rows_by_id import Touched, sync_rows_by_id, sync_touched_rows

PIPELINES, JOBS, PEOPLE = ACME.streams
LISTED = replace(JOBS, by_id=None, listed_by=("owner",))
SHORT = replace(JOBS, by_id=ShortList())
LOOKUP = replace(PIPELINES, name="found", path="/found", mappings=())
NOTED = replace(PEOPLE, details=(replace(PEOPLE.details[0], again_within=7),))
RARELY_NOTED = replace(PEOPLE, details=(replace(NOTED.details[0], again=lambda row: False),))
BELOW = replace(LOOKUP, name="notes", path="/people/{person}/notes")


def integrate(*streams: object, **more: object) -> Integration:
    return replace(ACME, streams=streams, **more)  # type: ignore[arg-type]


class Opened:
    """A synced connector of a vendor that is made up, with a client."""

    def __init__(self, tenant: Tenant, client: VendorClient, vendor: Vendor) -> None:
        self.tenant, self.client, self.vendor = tenant, client, vendor

    @property
    def context(self) -> LiveContext:
        return LiveContext(
            pool=self.tenant.pool, client=self.client, connector=self.tenant.connector,
            integration=self.tenant.integration, steps={}, save_steps=lambda steps: asyncio.sleep(0),
        )  # fmt: skip

    async def read(self, **touched: Touched) -> None:
        tenant = self.tenant
        await sync_rows_by_id(tenant.pool, tenant.connector, tenant.integration, self.client, touched)

    async def names(self, model: str = "name") -> dict[str, str]:
        rows = await self.tenant.pool.fetch(
            "SELECT remote_id, convert_from(body, 'UTF8')::jsonb ->> $1 AS said FROM record "
            "WHERE deleted_at IS NULL AND stream IN ('jobs', 'people') AND remote_id !~ 'd'",
            model,
        )
        return {row["remote_id"]: row["said"] for row in rows}


@pytest_asyncio.fixture
async def opened(
    request: pytest.FixtureRequest, pool: Pool, sealer: Sealer, vendor: Vendor, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Opened]:
    integration: Integration = request.param
    monkeypatch.setattr(registry, "list_integrations", lambda: (integration,))
    fill(vendor)
    tenant = await make_tenant(pool, sealer, base_url=vendor.base_url, integration=integration)
    await tenant.sync()
    async with open_client(
        integration, tenant.credentials, vendor.base_url, is_base_url_trusted=True, retry=IMPATIENT
    ) as client:
        vendor.log.clear()
        yield Opened(tenant, client, vendor)


@pytest.mark.parametrize("opened", [integrate(LISTED)], indirect=True)
async def test_rows_are_read_by_a_member_where_they_have_no_call_of_their_own(opened: Opened) -> None:
    opened.vendor.lists["/jobs"].append(job("6", owner="ada"))
    opened.vendor.lists["/jobs"].append(job("7", owner="bob"))
    context = opened.context
    context.touch("jobs", ["ada"], by="owner")
    context.touch("jobs", ["7"])
    assert context.list_touched() == {"jobs": Touched(["7"], {"owner": ["ada"]})}
    await opened.read(**context.list_touched())
    assert {"6"} == (await opened.names()).keys() - set("12345")
    assert {query["owner"] for query in (request.query for request in opened.vendor.log) if query} == {"ada"}
    assert [row.get_text("id") for row in await context.find("jobs", "owner", ["bob"])] == ["7"]


@pytest.mark.parametrize("opened", [integrate(SHORT)], indirect=True)
async def test_row_of_a_short_list_is_found_in_the_whole_of_it(opened: Opened) -> None:
    opened.vendor.lists["/jobs"][4]["name"] = "Another"
    opened.vendor.lists["/jobs"].append(job("6"))
    await opened.read(jobs=Touched(["5"]))
    names = await opened.names()
    assert names["5"] == "Another"
    assert "6" not in names
    before = opened.vendor.count("/jobs")
    del opened.vendor.lists["/jobs"][4]
    tenant = opened.tenant
    reread = await sync_touched_rows(
        tenant.pool, tenant.connector, tenant.integration, opened.client, {"jobs": Touched(["5", "6"])}
    )
    assert reread.missing == {"jobs": {"5"}}
    assert opened.vendor.count("/jobs") - before == 6, "three pages, and again for what is missing"
    assert (await opened.names()).keys() >= {"6"}
    assert "5" not in await opened.names()


@pytest.mark.parametrize(
    ("opened", "is_seen"),
    [(integrate(NOTED), True), (integrate(RARELY_NOTED), True), (integrate(PEOPLE), False)],
    indirect=["opened"],
)
async def test_details_with_days_of_their_own_are_read_with_a_touched_row(opened: Opened, is_seen: bool) -> None:
    """A row that does not move with its details: they are asked for, though its version is the same.

    So they are of a row whose turn would not come by itself.
    """
    opened.vendor.lists["/people/1/notes"].append({"text": "likes coffee"})
    await opened.read(people=Touched(["1"]))
    assert ("coffee" in (await opened.names("tags"))["1"]) == is_seen


@pytest.mark.parametrize("opened", [integrate(JOBS, lookups=(LOOKUP,))], indirect=True)
async def test_lookup_is_asked_by_writes_and_read_by_nothing_else(opened: Opened) -> None:
    opened.vendor.lists["/found"] = [person("1")]
    assert [row.stream for row in await opened.context.all("found")] == ["found"]
    await opened.tenant.sync()
    assert opened.vendor.count("/found") == 1
    tenant = opened.tenant
    synced = SyncedContext(pool=tenant.pool, connector=tenant.connector, integration=tenant.integration)
    with pytest.raises(NotSynced):
        await synced.all("found")


@pytest.mark.parametrize("opened", [integrate(PEOPLE, lookups=(BELOW,))], indirect=True)
async def test_lookup_may_be_a_list_below_a_row(opened: Opened) -> None:
    opened.vendor.lists["/people/a/b/notes"] = [{"id": "n1"}]
    rows = await opened.context.all("notes", {"person": "a/b", "kind": "short"})
    assert [row.get_text("id") for row in rows] == ["n1"]
    assert opened.vendor.log[-1].query["kind"] == "short"
    assert "person" not in opened.vendor.log[-1].query


def test_webhook_may_touch_rows_by_a_member_of_theirs() -> None:
    integration = integrate(LISTED)
    assert list(_inspect_touch(integration, Touch(stream="jobs", id="ada", by="owner"))) == []
    assert list(_inspect_touch(integration, Touch(stream="jobs", id="1")))
    assert list(_inspect_touch(integration, Touch(stream="jobs", id="1", by="other")))
