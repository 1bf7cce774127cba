"""Workers on a real database and a vendor over a socket: what is asked for is done, whatever comes between."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
import structlog
from aiohttp import web

from testbed.accounts import believe_at_once
from testbed.databases import Databases
from testbed.passing import let_pass
from testbed.tenants import Tenant
from testbed.vendor import ACME, job, say
from testbed.waiting import until, within
from testbed.working import QUICK, Works, keep_waiting
from unihire.cli.doctor.engine import look_at_engine
from unihire.integration.declare import Integration, RecordMapping, Source
from unihire.kit.clock import MovableClock, to_micros
from unihire.kit.seal import Sealer, new_key
from unihire.model import Candidate
from unihire.outbound.budget import FixedWindowHeaders
from unihire.outbound.budget_store import BudgetState
from unihire.platform.budgets import StoredBudgets
from unihire.platform.syncs import cancel_sync, pause_syncs, resume_syncs
from unihire.settings import Settings
from unihire.store import Connection, Pool, issues
from unihire.store.accounts import budgets
from unihire.store.database import get_address, open_database
from unihire.store.feed import saving
from unihire.store.work import jobs, runs, schedules
from unihire.sync import chores, deferring
from unihire.sync.run import sync_connector

PEOPLE = ["1", "2", "3"]
JOBS = ["1", "2", "3", "4", "5"]


async def test_a_run_that_is_asked_for_is_done_and_leaves_no_job(works: Works, customer: Tenant) -> None:
    async with works.work():
        await works.ask(customer)
        run = await works.wait_for(customer)
        await until(lambda: is_empty(works))
    assert (run["attempt"], run["failures"], run["is_scheduled"]) == (1, 0, False)
    assert await works.list_names("people") == PEOPLE
    assert await works.list_names("jobs") == JOBS


async def is_empty(works: Works) -> bool:
    return not await works.list_jobs()


async def test_a_schedule_asks_for_runs_and_for_a_full_one_where_the_last_is_too_old(
    works: Works, customer: Tenant
) -> None:
    await works.pool.execute("UPDATE connector SET sync_every = '1 hour'")
    async with works.work():
        runs = []
        for number, span in enumerate([timedelta(days=7), timedelta(hours=2), timedelta(days=1)], 1):
            await let_pass(works.pool, span)
            runs.append(await works.wait_for(customer, number=number))
    assert [run["is_scheduled"] for run in runs] == [True] * 3
    assert [run["is_full"] for run in runs] == [False, False, True]


async def test_asking_for_what_is_due_leaves_a_job_and_only_for_that(works: Works, customer: Tenant) -> None:
    resting = await works.connect(organisation="Another")
    due = "UPDATE connector SET next_sync_at = now() - interval '1 minute' WHERE number = $1"
    await works.pool.execute(due, customer.connector.number)
    for _ in range(2):
        await chores.ask_for_due(works.pool, QUICK)
        waiting = await works.pool.fetch("SELECT lock, status::text FROM procrastinate_jobs")
        assert [tuple(row) for row in waiting] == [(f"sync:{customer.connector.number}", "todo")]
        assert [run["is_scheduled"] for run in await works.list_runs(customer)] == [True]
    assert await works.list_runs(resting) == []


async def test_a_list_that_is_closed_for_good_does_not_make_every_run_a_full_one(
    works: Works, customer: Tenant
) -> None:
    await works.pool.execute("UPDATE connector SET sync_every = '1 hour'")
    async with works.work():
        await let_pass(works.pool, timedelta(days=7))
        await works.wait_for(customer)
        works.vendor.will("/pipelines", *[lambda request: say({}, 403)] * 9)
        runs = []
        for number, span in enumerate([timedelta(days=1), *[timedelta(hours=2)] * 2, timedelta(days=1)], 2):
            await let_pass(works.pool, span)
            runs.append(await works.wait_for(customer, "partial", number=number))
    assert [run["is_full"] for run in runs] == [True, False, False, True]


async def test_a_paused_run_rests_after_its_page_and_goes_on_when_resumed(works: Works, customer: Tenant) -> None:
    works.vendor.lists["/jobs"] = [job(str(number)) for number in range(20)]
    gate = keep_waiting(works.vendor, "/jobs", after=1)
    async with works.work():
        await works.ask(customer)
        await within(gate.arrived.wait())
        await pause_syncs(works.pool, customer.connector)
        gate.opened.set()
        await until(lambda: is_empty(works))
        resting = await works.get_run(customer)
        saved = await works.count_saved(customer, "jobs")
        assert (resting["status"], saved < 10) == ("running", True)  # a page or two were on their way
        await asyncio.sleep(0.3)
        assert await works.count_saved(customer, "jobs") == saved
        await resume_syncs(works.pool, customer.connector)
        done = await works.wait_for(customer)
    assert done["id"] == resting["id"]
    assert await works.count_saved(customer, "jobs") == 20


async def test_a_cancelled_run_ends_and_the_page_under_way_is_not_saved(works: Works, customer: Tenant) -> None:
    gate = keep_waiting(works.vendor, "/jobs", after=1)
    async with works.work():
        await works.ask(customer)
        await within(gate.arrived.wait())
        await until(lambda: works.count_saved(customer, "jobs"))
        await cancel_sync(works.pool, customer.connector)
        gate.opened.set()
        await until(lambda: is_empty(works))
        assert (await works.get_run(customer))["status"] == "cancelled"
        assert await works.list_names("jobs") == JOBS[:2]
        assert await works.list_issues(customer) == []
        await works.ask(customer)
        await works.wait_for(customer, number=2)
    assert await works.list_names("jobs") == JOBS


async def test_two_workers_make_one_run_of_one_connector(works: Works, customer: Tenant, databases: Databases) -> None:
    gate = keep_waiting(works.vendor, "/jobs")
    settings = Settings(_env_file=None, home=databases.home, database_url=get_address(works.pool))
    async with open_database(settings) as other, works.work(), works.work(pool=other):
        await works.ask(customer)
        await within(gate.arrived.wait())
        for _ in range(3):  # jobs may come twice
            await works.look_after(customer)
            await asyncio.sleep(0.05)
        gate.opened.set()
        run = await works.wait_for(customer)
        await until(lambda: is_empty(works))
    assert run["attempt"] == 1
    assert [one["number"] for one in await works.list_runs(customer)] == [1]
    assert works.vendor.count("/jobs") == 3 + 1  # its pages, and once more for what changed meanwhile


async def test_a_vendor_that_cannot_answer_puts_the_run_off_for_longer_each_time_and_an_issue_tells(
    works: Works, customer: Tenant
) -> None:
    works.vendor.will("/pipelines", *[lambda request: say({}, 503)] * 12)
    async with works.work():
        pauses = []
        for number in (1, 2):
            asked_at = datetime.now(UTC)
            await works.ask(customer)
            run = await works.wait_for_putting_off(customer)
            assert run["failures"] in (number, 1)
            pauses.append((run["waits_until"] - asked_at).total_seconds())
            assert await works.list_issues(customer) == ["vendor_unavailable"]
            works.vendor.answers["/pipelines"] = works.vendor.answers["/pipelines"][:6]
        assert 15 <= pauses[0] < 20
        works.vendor.answers.clear()
        await works.ask(customer)  # nobody waits for the pause to end
        await works.wait_for(customer)
    assert await works.list_issues(customer) == []
    assert await works.list_issues(customer, with_resolved=True) == ["vendor_unavailable"]


async def test_a_spent_budget_puts_the_run_off_until_it_is_back_without_a_failure(
    works: Works, customer: Tenant
) -> None:
    headers = FixedWindowHeaders(limit="limit", remaining="left", reset="reset", seconds=240)
    works.install(replace(ACME, budget_rule=headers))
    asked_at = datetime.now(UTC)
    reset = str(int(asked_at.timestamp()) // 240 * 240 + 240)

    def spend(request: web.Request) -> web.StreamResponse:
        answer = works.vendor.page(request)
        answer.headers.update({"limit": "2", "left": "0", "reset": reset})
        return answer

    works.vendor.will("/pipelines", spend)
    works.vendor.will("/jobs", spend)
    async with works.work():
        await works.ask(customer)
        run = await works.wait_for_putting_off(customer)
    assert (run["failures"], run["waits_for"]) == (0, "the vendor's rate limit")
    assert run["waits_until"].timestamp() == pytest.approx(int(reset), abs=10)
    assert await works.list_issues(customer, with_resolved=True) == []


async def test_a_vendor_that_wants_a_long_rest_is_asked_hourly_and_at_once_by_hand(
    works: Works, customer: Tenant
) -> None:
    works.vendor.will("/pipelines", *[lambda request: say({}, 429, Retry_After="86400")] * 3)
    async with works.work():
        for number in (1, 2):  # twice: who asks by hand is not refused by what was remembered
            asked_at = datetime.now(UTC)
            await works.ask(customer)
            run = await works.wait_for_putting_off(customer)
            assert timedelta(minutes=59) < run["waits_until"] - asked_at < timedelta(minutes=61)
            assert run["waits_for"] == deferring.LONG_LIMIT
            assert works.vendor.count("/pipelines") == number
        (issue,) = await issues.list_issues(works.pool, customer.connector.number)
        assert (issue["kind"], issue["times"]) == ("vendor_limit", 2)
        assert issue["message"].endswith(f"; the sync goes on at {run['waits_until']:%Y-%m-%d %H:%M} UTC")
        await works.pool.execute("UPDATE connector SET next_sync_at = now()")  # the schedule does not insist
        await asyncio.sleep(0.5)
        assert works.vendor.count("/pipelines") == 2
        works.vendor.answers.clear()
        await works.ask(customer)
        await works.wait_for(customer)
    assert await works.list_issues(customer) == []


async def test_a_deferred_run_is_gone_on_with_by_a_command_at_once(works: Works, customer: Tenant) -> None:
    works.vendor.will("/jobs", lambda request: say({}, 429, Retry_After="3000"))
    async with works.work():
        await works.ask(customer)
        await works.wait_for_putting_off(customer)
    client = works.open_client(customer.connector)
    report = await sync_connector(works.pool, customer.connector, ACME, client)
    assert (report.number, report.is_resumed, report.status) == (1, True, "done")
    assert await works.list_issues(customer) == []


@pytest.mark.parametrize("is_command", [False, True])
async def test_a_new_run_by_hand_asks_a_vendor_that_wanted_a_rest_of_a_run_that_is_over(
    works: Works, customer: Tenant, *, is_command: bool
) -> None:
    works.vendor.will("/jobs", lambda request: say({}, 429, Retry_After="3000"))
    async with works.work():
        await works.ask(customer)
        await works.wait_for_putting_off(customer)
        await cancel_sync(works.pool, customer.connector)
        if not is_command:
            await works.ask(customer)
            await works.wait_for(customer, number=2)
    if is_command:
        await sync_connector(works.pool, customer.connector, ACME, works.open_client(customer.connector))
    found = await works.pool.fetchrow("SELECT number, status, waits_for FROM sync_run ORDER BY number DESC LIMIT 1")
    assert found is not None
    assert tuple(found) == (2, "done", None)


async def test_who_asks_by_hand_while_a_run_is_under_way_forgets_a_rest_and_nothing_else(
    works: Works, customer: Tenant
) -> None:
    keeper = StoredBudgets(works.pool, number=customer.connector.number)

    def hold(rest: float, state: BudgetState, now: float) -> None:
        state.block(now + rest, now)

    for rest, is_kept in ((3000, False), (-1, True)):
        await works.ask(customer)
        await keeper.change(partial(hold, rest))
        asked = await works.ask(customer)
        assert (asked.is_new, asked.was_deferred) == (False, False)
        known = await budgets.read_budget(works.pool, customer.connector.number)
        assert (known.state is not None) == is_kept


@pytest.mark.parametrize("after", ["9" * 400, "1e308", "nan", "-5", "Fri, 31 Dec 9999 23:59:59 GMT"])
async def test_no_number_of_a_vendor_defers_a_run_for_longer_than_an_hour(
    works: Works, customer: Tenant, after: str
) -> None:
    works.vendor.will("/pipelines", *[lambda request: say({}, 429, Retry_After=after)] * 9)
    async with works.work():
        asked_at = datetime.now(UTC)
        await works.ask(customer)
        run = await works.wait_for_putting_off(customer)
    assert run["waits_until"] - asked_at < timedelta(minutes=61)
    assert await works.list_issues(customer)


async def test_a_spent_budget_does_not_make_forget_how_often_a_list_did_not_answer(
    works: Works, customer: Tenant
) -> None:
    works.vendor.will("/pipelines", *[lambda request: say({}, 503)] * 6)
    async with works.work():
        await works.ask(customer)
        assert (await works.wait_for_putting_off(customer))["failures"] == 1
        works.vendor.will("/pipelines", lambda request: say({}, 429, Retry_After="600"))
        await works.ask(customer)
        await until(lambda: works.pool.fetchval("SELECT attempt = 2 AND waits_for IS NOT NULL FROM sync_run"))
        run = await works.wait_for_putting_off(customer)
    assert (run["failures"], run["waits_for"]) == (1, "the vendor's rate limit")


@pytest.mark.parametrize("is_database_away", [False, True])
async def test_a_run_makes_room_after_its_slice_while_others_wait(
    works: Works, customer: Tenant, monkeypatch: pytest.MonkeyPatch, *, is_database_away: bool
) -> None:
    look = jobs.has_waiting

    async def fail_once(pool: Pool) -> bool:
        monkeypatch.setattr(jobs, "has_waiting", look)
        raise ConnectionResetError

    if is_database_away:
        monkeypatch.setattr(jobs, "has_waiting", fail_once)
    other = await works.connect(organisation="Another")
    works.vendor.lists["/jobs"] = [job(str(number)) for number in range(40)]

    async def slowly(request: web.Request) -> web.Response:
        await asyncio.sleep(0.05)
        return works.vendor.page(request)

    works.vendor.will("/jobs", *[slowly] * 40)
    async with works.work(slots=1, pace=replace(QUICK, slice=0.3)):
        await works.ask(customer)
        await until(lambda: works.count_saved(customer, "jobs"))
        await works.ask(other)
        await until(lambda: works.count_saved(other, "jobs"))
        assert (await works.get_run(customer))["status"] == "running"
        await works.wait_for(customer)
        await works.wait_for(other)
    assert (await works.get_run(customer))["attempt"] > 1
    assert await works.count_saved(customer, "jobs") == 40


async def test_rows_set_aside_are_tried_again_once_by_each_version_of_the_mapping(
    works: Works, customer: Tenant
) -> None:
    works.vendor.lists["/people"].append({"id": "4", "state": "plain", "called": "Person 4"})
    async with works.work():
        await works.ask(customer)
        await works.wait_for(customer)
        assert await works.list_issues(customer) == ["rows_quarantined"]
        assert await works.list_names("people") == PEOPLE
        works.install(mend(ACME))
        await works.look_after(customer)
        await until(lambda: is_empty(works))
        assert await works.list_names("people") == PEOPLE
        asked = len(works.vendor.log)
        works.version = "2"
        await works.look_after(customer)
        await until(lambda: is_empty(works))
    assert await works.list_names("people") == [*PEOPLE, "4"]
    assert len(works.vendor.log) == asked


def mend(integration: Integration) -> Integration:
    """The integration, with a mapping that can do without the name of a person."""
    streams = [
        replace(stream, mappings=(RecordMapping(Candidate, to_called),)) if stream.name == "people" else stream
        for stream in integration.streams
    ]
    return replace(integration, streams=tuple(streams))


def to_called(source: Source) -> Candidate:
    name = source.row.get("name") or source.row["called"]
    return Candidate(remote_id=source.row["id"], first_name=name, tags=[])


async def test_a_connector_of_an_unknown_integration_tells_so_and_stops_nobody(works: Works, customer: Tenant) -> None:
    other = await works.connect(organisation="Another")
    await works.pool.execute("UPDATE connector SET integration = 'gone' WHERE id = $1", customer.connector.id)
    async with works.work():
        await works.ask(customer)
        run = await works.wait_for_putting_off(customer)
        assert await works.list_issues(customer) == ["fault"]
        await works.ask(other)
        await works.wait_for(other)
    assert run["failures"] == 1
    assert run["waits_for"].startswith("there is no integration 'gone'")


async def test_credentials_that_no_key_opens_wait_for_the_key_and_the_issue_says_so(
    works: Works, sealer: Sealer, customer: Tenant
) -> None:
    other = await works.connect(organisation="Another")
    sealed = customer.connector.credentials
    lost = Sealer([new_key()]).seal(sealer.open(sealed, customer.connector.id.bytes), customer.connector.id.bytes)
    put = "UPDATE connector SET credentials = $2 WHERE number = $1"
    await works.pool.execute(put, customer.connector.number, lost)
    async with works.work():
        await works.ask(customer)
        run = await works.wait_for_putting_off(customer)
        assert "UNIHIRE_ENCRYPTION_KEYS" in run["waits_for"]
        assert await works.list_issues(customer) == ["fault"]
        await works.ask(other)
        await works.wait_for(other)
        await works.pool.execute(put, customer.connector.number, sealed)
        await works.ask(customer)
        await works.wait_for(customer)
    assert await works.list_issues(customer) == []


async def test_a_vendor_that_is_back_and_refuses_the_credentials_is_not_told_as_unavailable(
    works: Works, customer: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    believe_at_once(monkeypatch)
    works.vendor.will("/token", *[lambda request: say({}, 503)] * 60)
    async with works.work():
        await works.ask(customer)
        await works.wait_for_putting_off(customer)
        assert await works.list_issues(customer) == ["vendor_unavailable"]
        works.vendor.answers.clear()
        works.vendor.will("/token", *[lambda request: say({"error": "invalid_client"}, 401)] * 12)
        await works.ask(customer)
        await works.wait_for(customer, "failed")
    assert await works.list_issues(customer) == ["reauthorize"]


class Faulty:
    """Saving with a fault that no row explains, so many times in a row: a mapping's own would cost its row alone."""

    def __init__(self, times: int) -> None:
        self.times = times
        self._save = saving.save_found

    async def save(
        self, connection: Connection, connector: int, stream: str, records: Any, *given: Any, **more: Any
    ) -> saving.Saved:
        if stream == "jobs" and self.times:
            self.times -= 1
            raise SystemError("no row of anybody is in this text")
        return await self._save(connection, connector, stream, records, *given, **more)

    def spoil(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(saving, "save_found", self.save)


async def test_a_fault_of_ours_is_tried_again_and_leaves_no_trace(
    works: Works, customer: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("unihire.sync.run.FAULT_PAUSES", (0.01,))
    faulty = Faulty(2)
    faulty.spoil(monkeypatch)
    async with works.work():
        await works.ask(customer)
        await works.wait_for(customer)
    assert faulty.times == 0
    assert await works.list_issues(customer, with_resolved=True) == []
    assert await works.list_names("jobs") == JOBS


async def test_a_fault_of_ours_that_stays_fails_its_list_and_neither_the_others_nor_the_next_run(
    works: Works, customer: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("unihire.sync.run.FAULT_PAUSES", (0.01,))
    faulty = Faulty(1000)
    faulty.spoil(monkeypatch)
    async with works.work():
        await works.ask(customer)
        await works.wait_for(customer, "partial")
        find = "SELECT kind, stream, message FROM issue WHERE resolved_at IS NULL"
        assert [tuple(row) for row in await works.pool.fetch(find)] == [
            ("fault", "jobs", "a fault of ours (SystemError)")
        ]
        assert await works.list_names("people") == PEOPLE
        faulty.times = 0
        await works.ask(customer)
        await works.wait_for(customer, number=2)
    assert await works.list_issues(customer) == []
    assert await works.list_names("jobs") == JOBS


async def test_tries_of_a_faulty_list_are_counted_over_the_deaths_of_workers(
    works: Works, customer: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    Faulty(1000).spoil(monkeypatch)

    async def has_failed(times: int) -> bool:
        count = "SELECT failures FROM stream_run WHERE stream = 'jobs'"
        return await works.pool.fetchval(count) == times

    for number in (1, 2):
        async with works.work():
            if number == 1:
                await works.ask(customer)
            await until(partial(has_failed, number))  # and ends while it waits to try again
    monkeypatch.setattr("unihire.sync.run.FAULT_PAUSES", (60.0,))
    async with works.work():
        await works.wait_for(customer, "partial")


async def test_what_the_database_refuses_of_no_row_fails_the_list_with_the_reason(
    works: Works, customer: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("unihire.sync.run.FAULT_PAUSES", (0.01,))
    move = runs.move_stream

    async def refuse(connection: Connection, run: runs.Run, stream: str, *given: Any, **named: Any) -> bool:
        if stream == "jobs":
            await connection.execute("SELECT convert_from('\\x00', 'UTF8')")
        if stream == "pipelines":
            await connection.fetch("SELECT $1::int", 2**40)  # what its driver refuses
        return await move(connection, run, stream, *given, **named)

    monkeypatch.setattr(runs, "move_stream", refuse)
    with structlog.testing.capture_logs() as lines:
        async with works.work():
            await works.ask(customer)
            await works.wait_for(customer, "partial")
    faults = [line for line in lines if line["event"] == "a stream failed by a fault of ours"]
    assert sorted((line["failures"], line["exc_info"]) for line in faults) == [(n, True) for n in (1, 1, 2, 2, 3, 3)]
    find = "SELECT stream, error FROM stream_run WHERE error IS NOT NULL ORDER BY stream"
    assert [tuple(row) for row in await works.pool.fetch(find)] == [
        ("jobs", "the database refuses what was read (CharacterNotInRepertoireError, 22021)"),
        ("pipelines", "the database refuses what was read (DataError, 22000)"),
    ]
    assert await works.list_names("people") == PEOPLE


async def test_a_fault_outside_of_all_lists_ends_the_run_after_some_tries(
    works: Works, customer: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deferring, "FIRST_PAUSE", timedelta(seconds=0.01))

    async def fail(pool: Pool) -> None:
        raise SystemError("no row of anybody is in this text")

    monkeypatch.setattr("unihire.sync.run.read_clock", fail)
    async with works.work():
        await works.ask(customer)
        ended = await works.wait_for(customer, "failed")
        assert (ended["error"], ended["attempt"]) == ("a fault of ours (SystemError)", 3)
        assert await works.list_issues(customer) == ["fault"]
        monkeypatch.undo()
        works.install(ACME)
        await works.ask(customer)
        await works.wait_for(customer, number=2)
    assert await works.list_issues(customer) == []


async def test_asking_brings_a_job_forward_that_waits_for_later(works: Works, customer: Tenant) -> None:
    number = customer.connector.number
    async with works.pool.acquire() as connection, connection.transaction():
        await jobs.defer_sync(connection, number, timedelta(hours=1))
        await jobs.defer_sync(connection, number, timedelta(hours=2))
    assert not await jobs.has_waiting(works.pool)
    await works.ask(customer)
    assert await jobs.has_waiting(works.pool)
    assert await works.list_jobs() == ["todo"]
    assert not (await schedules.get_schedule(works.pool, number)).is_paused


async def test_a_clock_that_was_ahead_for_a_moment_delays_neither_schedules_nor_deferred_runs(
    works: Works, customer: Tenant
) -> None:
    works.vendor.will("/pipelines", lambda request: say({}, 429, Retry_After="3000"))
    async with works.work():
        await works.ask(customer)
        await works.wait_for_putting_off(customer)
    month = timedelta(days=30)
    await works.pool.execute("UPDATE connector SET sync_every = '1 hour', next_sync_at = now() + '1 hour'")
    await let_pass(works.pool, -month)  # as it was written while the clock was ahead
    assert (await look_at_engine(works.pool)).too_late == 1
    is_right = """
        SELECT bool_and(next_sync_at BETWEEN now() AND now() + interval '1 hour') AND bool_and(
            waits_until < now() + interval '1 hour 1 minute'
        ) FROM connector JOIN sync_run ON connector.number = connector AND sync_run.status = 'running'
    """
    with structlog.testing.capture_logs() as lines:
        async with works.work():
            await until(lambda: works.pool.fetchval(is_right))
    assert [line["event"] for line in lines if "brought forward" in line["event"]] == [
        "schedules were due later than they allow; they are brought forward",
        "runs were deferred for longer than can be; they are brought forward",
    ]
    assert (await look_at_engine(works.pool)).too_late == 0


async def test_a_run_by_hand_mends_a_schedule_that_is_due_too_late(works: Works, customer: Tenant) -> None:
    await works.pool.execute("UPDATE connector SET sync_every = '1 hour', next_sync_at = now() + '30 days'")
    await works.ask(customer)
    schedule = await schedules.get_schedule(works.pool, customer.connector.number)
    assert schedule.next_at - datetime.now(UTC) < timedelta(hours=2)


async def test_a_process_whose_clock_is_ahead_changes_nothing_that_is_stored(works: Works, customer: Tenant) -> None:
    assert (await customer.sync(clock=MovableClock(timedelta(days=30)))).status == "done"
    moments = await works.pool.fetchrow("""
        SELECT max(last_read_at), min(last_read_at), max(asked_at), max(finished_at), min(next_sync_at)
        FROM stream_state, sync_run, connector
    """)
    latest = datetime.now(UTC)
    # A schedule of seven days is due after one and a half of them at most.
    assert all(abs(moment - latest) < timedelta(days=11) for moment in moments)
    assert await works.pool.fetchval("SELECT max(seq) FROM record") <= to_micros(datetime.now(UTC)) + 1000
