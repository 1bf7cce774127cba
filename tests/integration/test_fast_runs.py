"""Fast runs: what changed of a few models is read between the runs of the schedule, and nothing else suffers."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiohttp import web

from testbed.databases import Databases
from testbed.harvest_link import link_harvest
from testbed.tenants import Tenant, open_api
from testbed.vendor import ACME, IMPATIENT, job, person, say
from testbed.waiting import until, within
from testbed.working import QUICK, Works, keep_waiting
from unihire.app import FORMS
from unihire.errors import ConfigError
from unihire.events.endpoints import EndpointOwner, Endpoints, EndpointSettings
from unihire.integration.registry import get_integration
from unihire.kit.seal import Sealer
from unihire.outbound.addresses import AddressPolicy
from unihire.outbound.budget import FixedWindowHeaders
from unihire.platform.connectors import open_client
from unihire.settings import Settings
from unihire.store.accounts.tenancy import set_status
from unihire.store.work import runs
from unihire.store.work.fast_schedules import FastSchedule, ask_fast_run, set_fast
from unihire.store.work.schedules import set_paused
from unihire.sync import chores
from unihire.sync.fast_runs import find_fast_streams, read_fast_setting
from unihire.sync.remap import remap_connector
from unihire.sync.run import Report, work_on_run

PEOPLE = FastSchedule(("candidate",), timedelta(seconds=30))
NOW = "2026-06-01T00:00:00"


@pytest.fixture
async def synced(works: Works, customer: Tenant) -> Tenant:
    """A customer whose lists were read, ten minutes ago by the vendor's marker."""
    await customer.sync()
    await works.pool.execute("UPDATE stream_state SET last_read_at = '2026-05-31'")
    works.vendor.log.clear()
    return customer


async def make_due(works: Works) -> None:
    await works.pool.execute("UPDATE connector SET next_fast_at = now() - interval '1 second'")


async def ask_due(works: Works, by_setting: FastSchedule | None = None) -> None:
    await make_due(works)
    await chores.ask_for_fast_due(works.pool, QUICK, by_setting)


async def list_fast(works: Works) -> list[tuple[str, Sequence[str]]]:
    rows = await works.pool.fetch("SELECT status, streams FROM sync_run WHERE is_fast ORDER BY number")
    return [(row["status"], row["streams"]) for row in rows]


async def until_ended(works: Works, tenant: Tenant, *, status: str = "done") -> dict[str, Any]:
    async def find() -> dict[str, Any] | None:
        found = await works.pool.fetch("SELECT * FROM sync_run WHERE is_fast AND status = $1", status)
        return dict(found[0]) if found and not await works.list_jobs() else None

    ended: dict[str, Any] = await until(find)
    return ended


async def find_name(works: Works, stream: str, remote_id: str) -> str | None:
    find = "SELECT convert_from(raw, 'UTF8')::json ->> 'name' FROM record WHERE stream = $1 AND remote_id = $2"
    name: str | None = await works.pool.fetchval(find, stream, remote_id)
    return name


async def test_what_changed_of_chosen_models_is_read_and_nothing_else(works: Works, synced: Tenant) -> None:
    await set_fast(works.pool, synced.connector, PEOPLE)
    works.vendor.lists["/people"] = [person("1"), person("2", at=NOW) | {"name": "Renamed"}]  # the third is gone
    works.vendor.lists["/jobs"].append(job("6", at=NOW))
    async with works.work():
        run = await until_ended(works, synced)
    assert (run["is_full"], run["streams"], run["number"]) == (False, ["people"], 2)
    assert await find_name(works, "people", "2") == "Renamed"
    assert await works.list_names("people") == ["1", "2", "3"]
    assert await works.list_names("jobs") == ["1", "2", "3", "4", "5"]
    assert works.vendor.count("/jobs") == 0
    assert works.vendor.count("/people") == 1


async def test_fast_runs_come_as_often_as_asked_and_only_the_latest_is_stored(works: Works, synced: Tenant) -> None:
    await set_fast(works.pool, synced.connector, PEOPLE)
    async with works.work():
        numbers = []
        for name in ("First", "Second", "Third"):
            works.vendor.lists["/people"][1] = person("2", at=NOW) | {"name": name}
            await works.pool.execute("UPDATE stream_state SET last_read_at = '2026-05-31'")
            await make_due(works)

            async def is_read(name: str = name) -> bool:
                return await find_name(works, "people", "2") == name

            await until(is_read)
            numbers.append((await until_ended(works, synced))["number"])
    assert len(await works.list_runs(synced)) == 2
    assert numbers == [2, 2, 2]  # each takes the place of the one before
    next_at = await works.pool.fetchval("SELECT next_fast_at - now() FROM connector")
    assert timedelta(seconds=10) < next_at <= timedelta(seconds=45)


async def test_no_fast_run_before_the_lists_were_read_whole_while_paused_or_refused(
    works: Works, customer: Tenant
) -> None:
    await set_fast(works.pool, customer.connector, PEOPLE)
    await ask_due(works)
    assert await list_fast(works) == []
    await customer.sync()
    async with works.pool.acquire() as connection:
        await set_paused(connection, customer.connector.number, is_paused=True)
        await ask_due(works)
        await set_paused(connection, customer.connector.number, is_paused=False)
    await set_status(works.pool, customer.connector, "RELINK_NEEDED")
    await ask_due(works)
    assert await list_fast(works) == []
    await set_status(works.pool, customer.connector, "COMPLETE")
    await ask_due(works)
    assert await list_fast(works) == [("queued", ["people"])]


async def test_run_under_way_does_the_work_of_a_fast_one(works: Works, synced: Tenant) -> None:
    await set_fast(works.pool, synced.connector, PEOPLE)
    await works.ask(synced)
    await ask_due(works)
    assert await list_fast(works) == []
    assert await works.pool.fetchval("SELECT next_fast_at > now() FROM connector")


@pytest.mark.parametrize("asked", [{}, {"models": ["job"]}, {"models": ["candidate"]}, {"full": True}])
async def test_fast_run_makes_way_for_any_other(works: Works, synced: Tenant, asked: dict[str, Any]) -> None:
    await set_fast(works.pool, synced.connector, PEOPLE)
    gate = keep_waiting(works.vendor, "/people")
    async with works.work():
        await within(gate.arrived.wait())
        made = await works.ask(synced, **asked)
        assert made.is_new
        gate.opened.set()
        await works.wait_for(synced, number=made.number)
    assert await list_fast(works) in ([("cancelled", ["people"])], [])
    assert await works.list_issues(synced, with_resolved=True) == []


async def test_schedule_does_not_wait_for_a_fast_run(works: Works, synced: Tenant) -> None:
    async with works.pool.acquire() as connection, connection.transaction():
        assert await ask_fast_run(connection, synced.connector.number, ["people"])
    await works.pool.execute("UPDATE sync_run SET waits_until = now() + interval '1 hour' WHERE is_fast")
    await works.pool.execute("UPDATE connector SET next_sync_at = now()")
    await chores.ask_for_due(works.pool, QUICK)
    run = await works.get_run(synced)
    assert (run["is_fast"], run["is_scheduled"], run["status"], run["streams"]) == (False, True, "queued", None)


@pytest.mark.parametrize("work", ["sync", "remap"])
async def test_work_in_the_foreground_does_not_find_its_connector_taken_by_a_fast_run(
    works: Works, synced: Tenant, work: str
) -> None:
    await set_fast(works.pool, synced.connector, PEOPLE)
    gate = keep_waiting(works.vendor, "/people")
    async with works.work():
        await within(gate.arrived.wait())
        doing: asyncio.Task[Any] = asyncio.create_task(
            synced.sync() if work == "sync" else remap_connector(works.pool, synced.connector, ACME)
        )
        await asyncio.sleep(0.3)
        gate.opened.set()
        await within(doing)


async def test_nobody_is_sent_notices_of_fast_runs(works: Works, synced: Tenant, sealer: Sealer) -> None:
    endpoints = Endpoints(works.pool, sealer, FORMS, AddressPolicy())
    wanted = EndpointSettings(url="http://127.0.0.1:9/", is_trusted=True)
    await endpoints.create(EndpointOwner(synced.organisation, "production"), wanted, format="standard", secret=None)
    await set_fast(works.pool, synced.connector, PEOPLE)
    works.vendor.lists["/people"][1] = person("2", at=NOW) | {"name": "Renamed"}
    async with works.work():
        await until_ended(works, synced)
    assert await works.pool.fetchval("SELECT count(*) FROM notice") == 0
    async with works.work():
        await works.ask(synced)
        await works.wait_for(synced, number=3)
    assert await works.pool.fetchval("SELECT array_agg(kind ORDER BY number) FROM notice") == [
        "sync.started",
        "sync.finished",
    ]


async def test_spent_budget_defers_a_fast_run_without_a_failure(works: Works, synced: Tenant) -> None:
    headers = FixedWindowHeaders(limit="limit", remaining="left", reset="reset", seconds=240)
    works.install(replace(ACME, budget_rule=headers))
    reset = str(int(datetime.now(UTC).timestamp()) // 240 * 240 + 240)

    def spend(request: web.Request) -> web.StreamResponse:
        answer = works.vendor.page(request)
        answer.headers.update({"limit": "2", "left": "0", "reset": reset})
        return answer

    works.vendor.lists["/people"] = [person(str(number), at=NOW) for number in range(9)]
    works.vendor.will("/people", spend)
    await set_fast(works.pool, synced.connector, PEOPLE)
    async with works.work():
        run = await works.wait_for_putting_off(synced)
        for _ in range(2):
            await ask_due(works)
    assert (run["is_fast"], run["failures"], run["waits_for"]) == (True, 0, "the vendor's rate limit")
    assert len(await works.list_runs(synced)) == 2
    assert await works.list_issues(synced, with_resolved=True) == []


async def test_settings_apply_where_a_connector_says_nothing_and_its_vendor_reports_nothing(
    works: Works, synced: Tenant
) -> None:
    number = synced.connector.number
    await ask_due(works, FastSchedule())
    assert await list_fast(works) == []
    await works.pool.execute("INSERT INTO hook (connector) VALUES ($1)", number)
    await works.pool.execute("INSERT INTO inbox (connector, last_delivery_at) VALUES ($1, now())", number)
    await ask_due(works, PEOPLE)
    assert await list_fast(works) == []
    assert await works.pool.fetchval("SELECT next_fast_at > now() + interval '7 minutes' FROM connector")
    await works.pool.execute("UPDATE inbox SET last_delivery_at = NULL")  # made, and not entered at the vendor yet
    await ask_due(works, PEOPLE)
    assert await list_fast(works) == [("queued", ["people"])]
    await works.pool.execute("DELETE FROM sync_run WHERE is_fast")
    await set_fast(works.pool, synced.connector, FastSchedule(()))
    await ask_due(works, PEOPLE)
    assert await list_fast(works) == []
    await set_fast(works.pool, synced.connector, None)
    await chores.ask_for_fast_due(works.pool, QUICK, replace(PEOPLE, models=("candidate", "scorecard")))
    assert await list_fast(works) == [("queued", ["people"])]  # of what the integration fills


async def test_list_that_would_be_read_whole_is_left_to_the_schedule(works: Works, synced: Tenant) -> None:
    async with works.pool.acquire() as connection, connection.transaction():
        assert await ask_fast_run(connection, synced.connector.number, ["people", "jobs"])
    await works.pool.execute("DELETE FROM stream_state WHERE stream = 'jobs'")
    await works.look_after(synced)
    async with works.work():
        await until_ended(works, synced)
    assert works.vendor.count("/jobs") == 0
    assert works.vendor.count("/people") == 1


async def test_fast_run_that_fails_is_an_issue_and_hides_no_run_of_the_schedule(
    works: Works, synced: Tenant, databases: Databases, sealer: Sealer
) -> None:
    works.vendor.will("/people", lambda request: say({}, 403))
    await set_fast(works.pool, synced.connector, PEOPLE)
    async with works.work():
        await until_ended(works, synced, status="failed")
    assert await works.list_issues(synced) == ["permission_missing"]
    async with open_api(databases.settings("migrated"), synced, sealer) as api:
        listed = (await api.get("/api/v1/syncs")).json()["items"]
        assert [(run["number"], run["triggered_by"]) for run in listed] == [(2, "fast_schedule"), (1, "request")]
        linked = (await api.get("/api/ats/v1/connectors")).json()["items"]
    assert "FAIL" not in str(linked).upper()


async def test_fast_moment_too_far_ahead_is_brought_forward(works: Works, synced: Tenant) -> None:
    await set_fast(works.pool, synced.connector, PEOPLE)
    await works.pool.execute("UPDATE connector SET next_fast_at = now() + interval '3 minutes'")
    await chores.correct_due_times(works.pool, QUICK)
    assert await works.pool.fetchval("SELECT next_fast_at <= now() FROM connector")


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"fast_models": "candidates"}, "UNIHIRE_FAST_MODELS: there is no model candidates"),
        ({"fast_every": "5s"}, "UNIHIRE_FAST_EVERY: fast runs come every 30 seconds to every day"),
    ],
)
def test_setting_that_cannot_be_is_refused_by_name(settings: dict[str, str], reason: str) -> None:
    with pytest.raises(ConfigError, match=reason):
        read_fast_setting(Settings(_env_file=None, **settings))


def test_fast_runs_read_what_records_show_too() -> None:
    named = set(find_fast_streams(get_integration("greenhouse"), ["application"]))
    assert {"applications", "sources", "application_stages"} < named
    assert "candidates" not in named
    assert find_fast_streams(get_integration("personio"), ["candidate"]) == ["applications", "candidates"]
    with pytest.raises(ConfigError, match="cannot be asked for what changed of job_interview_stage"):
        find_fast_streams(get_integration("personio"), ["job_interview_stage"])


async def test_fast_run_leaves_the_records_that_a_run_of_the_schedule_would(
    databases: Databases, sealer: Sealer
) -> None:
    async with link_harvest(databases, sealer, size=100, seed=3) as link:
        assert (await link.sync()).status == "done"
        await link.wait_an_hour()
        for stream in ("candidates", "applications", "attachments", "sources", "application_stages", "offers", "jobs"):
            (await link.control.patch(f"rows/{stream}", json={"share": 0.1})).raise_for_status()
        (await link.control.post("rows/candidates", json={"first_name": "New", "last_name": "One"})).raise_for_status()
        models = ("candidate", "application")
        report = await run_fast(link.tenant, find_fast_streams(link.tenant.integration, models))
        assert report.status == "done"
        assert sum(part.changed + part.added for part in report.streams) > 10
        await link.look()
        served = await link.read_records()
        expected = link.expected
        for plural in ("candidates", "applications"):
            assert {id: one["more"] for id, one in served[plural].items()} == {
                id: one["more"] for id, one in expected[plural].items()
            }
        following = {part.stream: (part.added, part.changed) for part in (await link.sync()).streams}
        assert (following["candidates"], following["applications"]) == ((0, 0), (0, 0))
        assert following["offers"][1] > 0


async def run_fast(tenant: Tenant, streams: Sequence[str]) -> Report:
    async with tenant.pool.acquire() as connection, connection.transaction():
        assert await ask_fast_run(connection, tenant.connector.number, streams)
    run = await runs.take_run(tenant.pool, tenant.connector.number, version=1)
    assert run is not None
    client = open_client(
        tenant.integration, tenant.credentials, tenant.connector.base_url, is_base_url_trusted=True, retry=IMPATIENT
    )
    return await work_on_run(tenant.pool, tenant.connector, tenant.integration, client, run)
