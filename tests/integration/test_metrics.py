"""Metrics, scraped as Prometheus scrapes them: what a sync did, what was answered, how things stand."""

from collections.abc import Mapping

import httpx
import pytest
import pytest_asyncio
from prometheus_client.parser import text_string_to_metric_families
from starlette.applications import Starlette

from testbed.databases import Databases
from testbed.tenants import Tenant, make_tenant, open_api, serve_app
from testbed.vendor import Vendor, fill, person, say
from unihire.app import create_app, create_metrics_app
from unihire.dialects.unihire.metrics import LOOK_EVERY, Metrics
from unihire.errors import RetryLater
from unihire.kit.seal import Sealer
from unihire.store import Pool
from unihire.store.database import open_database
from unihire.store.work.schedules import SET_PAUSED

Samples = Mapping[tuple[str, frozenset[tuple[str, str]]], float]


async def scrape(client: httpx.AsyncClient, **headers: str) -> Samples:
    answer = await client.get("/metrics", headers=headers)
    assert answer.status_code == 200, answer.text
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def find(samples: Samples, name: str, **labels: str) -> float:
    return samples.get((name, frozenset(labels.items())), 0.0)


class Grown:
    """What grew between two scrapes."""

    def __init__(self, before: Samples, after: Samples) -> None:
        self.before, self.after = before, after

    def __call__(self, name: str, **labels: str) -> float:
        return find(self.after, name, **labels) - find(self.before, name, **labels)


@pytest_asyncio.fixture
async def tenant(pool: Pool, sealer: Sealer, vendor: Vendor) -> Tenant:
    fill(vendor)
    return await make_tenant(pool, sealer, base_url=vendor.base_url)


async def test_sync_counts_calls_rows_records_and_pages(api: httpx.AsyncClient, tenant: Tenant, vendor: Vendor) -> None:
    vendor.lists["/people"].append(person("8", name=["no text"]))
    vendor.will("/jobs", lambda request: say({}, 503))
    before = await scrape(api)
    first = await tenant.sync()
    del vendor.lists["/people"][1]
    vendor.lists["/jobs"][0]["name"] = "Another name"
    second = await tenant.sync(full=True)
    grown = Grown(before, await scrape(api))
    by = {"integration": "acme"}
    assert grown("unihire_vendor_requests_total", **by, status="5xx") == 1
    assert grown("unihire_vendor_requests_total", **by, status="4xx") == 2  # who is gone, asked for twice by the id
    assert grown("unihire_vendor_requests_total", **by, status="2xx") == len(vendor.log) - 3
    assert grown("unihire_vendor_request_seconds_count", **by) == len(vendor.log)
    assert grown("unihire_vendor_retries_total", **by) == 1
    for stream in ("pipelines", "jobs", "people"):
        of = {**by, "stream": stream}
        parts = [part for report in (first, second) for part in report.streams if part.stream == stream]
        assert grown("unihire_sync_rows_read_total", **of) == sum(part.read for part in parts) > 0
        assert grown("unihire_sync_rows_quarantined_total", **of) == sum(part.quarantined for part in parts)
        records = [grown("unihire_sync_records_total", **of, kind=kind) for kind in ("new", "changed", "deleted")]
        totals = [(part.added, part.changed, part.deleted) for part in parts]
        assert records == [sum(column) for column in zip(*totals, strict=True)]
    assert grown("unihire_sync_records_total", **by, stream="jobs", kind="changed") == 1
    assert grown("unihire_sync_records_total", **by, stream="people", kind="deleted") == 1
    assert grown("unihire_sync_run_seconds_count", **by, status="done") == 2
    for kind in ("fetch", "map", "save"):
        assert grown("unihire_page_seconds_count", **by, kind=kind) >= 10


async def test_requests_are_timed_by_the_template_of_their_route(api: httpx.AsyncClient) -> None:
    before = await scrape(api)
    for path in ("/api/ats/v1/candidates", "/api/ats/v1/jobs?page_size=1", "/api/ats/v1/jobs/some-id", "/nowhere/7"):
        await api.get(path)
    grown = Grown(before, await scrape(api))
    name = "unihire_api_request_seconds_count"
    assert grown(name, method="GET", route="/api/ats/v1/candidates", status="200") == 1
    assert grown(name, method="GET", route="/api/ats/v1/jobs", status="200") == 1
    assert grown(name, method="GET", route="/api/ats/v1/jobs/{id}", status="404") == 1
    assert grown(name, method="GET", route="none", status="404") == 1
    assert grown("unihire_api_request_seconds_bucket", method="GET", route="none", status="404", le="+Inf") == 1


async def test_database_tells_how_things_stand(
    databases: Databases, pool: Pool, sealer: Sealer, vendor: Vendor
) -> None:
    fill(vendor)
    vendor.lists["/people"] += [person("8", name=["no text"]), person("x" * 600)]
    tenant = await make_tenant(pool, sealer, base_url=vendor.base_url)
    other = await make_tenant(pool, sealer, organisation="Another")
    await tenant.sync()
    await pool.execute(SET_PAUSED, other.connector.number, True)
    await pool.execute("UPDATE connector SET next_sync_at = now() - interval '90 s'")
    async with open_api(databases.settings("migrated"), tenant) as client:
        told = await scrape(client)
    assert find(told, "unihire_connectors", integration="acme", status="complete") == 2
    assert find(told, "unihire_connectors_paused", integration="acme") == 1
    assert find(told, "unihire_issues_open", integration="acme", kind="rows_quarantined") == 1
    assert find(told, "unihire_quarantine_rows", integration="acme") == 1
    assert find(told, "unihire_incomplete_rows", integration="acme") == 1
    assert 90 <= find(told, "unihire_schedule_overdue_seconds") < 100
    assert find(told, "unihire_database_up") == 1
    assert ("unihire_jobs", frozenset({("status", "waiting")})) in told


async def test_unfinished_runs_are_told_by_what_they_wait_for(
    databases: Databases, pool: Pool, tenant: Tenant, vendor: Vendor
) -> None:
    settings = databases.settings("migrated")
    vendor.will("/jobs", *[lambda request: say({}, 503)] * 20)
    with pytest.raises(RetryLater):
        await tenant.sync()
    async with serve_app(create_metrics_app(settings, pool)) as client:
        assert find(await scrape(client), "unihire_runs_unfinished", integration="acme", status="deferred") == 1
    await pool.execute("UPDATE sync_run SET waits_until = NULL")
    async with serve_app(create_metrics_app(settings, pool)) as client:
        assert find(await scrape(client), "unihire_runs_unfinished", integration="acme", status="running") == 1


async def test_database_is_asked_every_ten_seconds_at_most(pool: Pool, sealer: Sealer) -> None:
    now = 100.0
    async with serve_app(Starlette(routes=Metrics(pool, None, lambda: now).list_routes())) as client:
        assert find(await scrape(client), "unihire_connectors", integration="acme", status="complete") == 0
        await make_tenant(pool, sealer)
        now += LOOK_EVERY - 0.1
        assert find(await scrape(client), "unihire_connectors", integration="acme", status="complete") == 0
        now += 0.2
        assert find(await scrape(client), "unihire_connectors", integration="acme", status="complete") == 1


async def test_metrics_are_told_while_the_database_is_away(databases: Databases) -> None:
    async with databases.create() as name:
        settings = databases.settings(name)
        async with open_database(settings) as pool:
            app = create_metrics_app(settings, pool)
    async with serve_app(app) as client:
        told = await scrape(client)
    assert ("unihire_database_up", frozenset()) in told
    assert find(told, "unihire_database_up") == 0
    assert not [name for name, _ in told if name.startswith("unihire_connectors")]
    assert [name for name, _ in told if name.startswith("unihire_build_info")]


async def test_metrics_with_a_token_are_told_to_who_carries_it(databases: Databases, pool: Pool) -> None:
    settings = databases.settings("migrated", metrics_token="watcher")
    async with serve_app(create_app(settings, pool)) as client:
        for headers in ({}, {"Authorization": "Bearer another"}, {"Authorization": "watcher"}):
            refused = await client.get("/metrics", headers=headers)
            assert refused.status_code == 401
            assert refused.headers["WWW-Authenticate"] == "Bearer"
            assert "unihire_" not in refused.text
        assert await scrape(client, Authorization="Bearer watcher")


async def test_metrics_tell_nothing_of_customers(api: httpx.AsyncClient, tenant: Tenant) -> None:
    await tenant.sync()
    await api.get("/api/ats/v1/candidates?email_addresses=somebody@example.com")
    text = (await api.get("/metrics")).text
    for secret in ("Customer", "Example", "somebody", str(tenant.connector.id), tenant.token, tenant.key):
        assert secret not in text
    labels = {
        label for family in text_string_to_metric_families(text) for sample in family.samples for label in sample.labels
    }
    assert labels <= {"integration", "stream", "status", "kind", "route", "method", "le", "version", "format"}
