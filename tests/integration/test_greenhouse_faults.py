"""Each fault of a Greenhouse while it is read, and each permission missing: nothing is lost, what fails is told."""

from collections import Counter
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

import pytest
import pytest_asyncio

from testbed.databases import Databases
from testbed.harvest_link import HarvestLink, link_harvest, read_served
from testbed.harvest_truth import STREAMS
from unihire.errors import ReauthorizeNeeded, RetryLater
from unihire.integration.registry import get_integration
from unihire.kit.clock import MovableClock
from unihire.kit.seal import Sealer
from unihire.outbound.client import Retry
from unihire.sandbox.faults import FAULTS

PERSISTENT = Retry(attempts=20, first=0.001, longest=0.01, timeout=0.25)
SOON_TIRED = Retry(attempts=2, first=0.001, longest=0.01, timeout=0.25)
ALL = get_integration("greenhouse").streams
LISTS = [f"/v3/{stream}" for stream in STREAMS]

PASSING: dict[str, list[dict[str, Any]]] = {
    "429": [{"word": "429", "next": 1, "path": path} for path in LISTS[12::10]],
    "429 first of all": [{"word": "429", "next": 2}],
    "500": [{"word": "500", "probability": 0.3}],
    "slow": [{"word": "slow", "probability": 0.05, "seconds": 0.4}],
    "cut-body": [{"word": "cut-body", "probability": 0.3}],
    "invalid-json": [{"word": "invalid-json", "probability": 0.3}],
    "expired-token": [{"word": "expired-token", "next": 1, "path": path} for path in LISTS],
    "self-next": [{"word": "self-next"}],
    "empty-page": [{"word": "empty-page"}],
}
MOVING = ("update-row", "delete-row")
LASTING = {
    "429": (RetryLater, "GET /v3/jobs: the vendor answers 429"),
    "500": (RetryLater, "GET /v3/jobs: the vendor answers 500"),
    "slow": (RetryLater, "GET /v3/jobs: no answer after 2 tries"),
    "cut-body": (RetryLater, "GET /v3/jobs: no answer after 2 tries"),
    "expired-token": (ReauthorizeNeeded, "GET /v3/jobs: the vendor refuses a fresh token"),
}


class LateClock(MovableClock):
    """A clock that is always in the last second of a minute: who is refused waits no longer."""

    def now(self) -> datetime:
        return super().now().replace(second=59)


@pytest_asyncio.fixture
async def link(databases: Databases, sealer: Sealer) -> AsyncIterator[HarvestLink]:
    """A company that was never synced."""
    async with link_harvest(databases, sealer, size=150, seed=11, clock=LateClock()) as link:
        yield link


async def let(link: HarvestLink, faults: list[dict[str, Any]]) -> None:
    (await link.control.put("faults", json=faults)).raise_for_status()


async def count_fired(link: HarvestLink) -> int:
    """How often the faults struck; they do no more."""
    fired = (await link.control.get("faults")).raise_for_status().json()["fired"]
    await let(link, [])
    return sum(fired.values())


def test_every_fault_is_tried() -> None:
    assert {rule["word"] for rules in PASSING.values() for rule in rules} | {*MOVING} == FAULTS.keys()


@pytest.mark.parametrize("name", PASSING)
async def test_full_sync_ends_with_what_the_vendor_holds(link: HarvestLink, name: str) -> None:
    await let(link, PASSING[name])
    report = await link.sync(retry=PERSISTENT)
    assert (report.status, report.errors) == ("done", {})
    assert await count_fired(link) >= 2
    await link.look()
    await link.check()
    before = link.served
    await let(link, PASSING[name])
    report = await link.sync(full=True, retry=PERSISTENT)
    assert await count_fired(link) >= 2
    assert report.status == "done"
    assert [part for part in report.streams if part.added or part.changed or part.deleted] == []
    await link.check()
    assert link.served == before


async def test_rows_that_change_during_the_walk_are_served_as_they_ended(link: HarvestLink) -> None:
    await let(link, [{"word": "update-row", "next": 2, "path": path} for path in LISTS])
    assert (await link.sync()).status == "done"
    assert await count_fired(link) == 2 * len(LISTS)
    await link.look()
    await link.check()


async def test_rows_that_disappear_during_the_walk_take_no_other_with_them(link: HarvestLink) -> None:
    assert (await link.sync()).status == "done"
    await let(link, [{"word": "delete-row", "next": 3, "path": path} for path in LISTS])
    assert (await link.sync(full=True)).status == "done"
    assert await count_fired(link) >= 2 * len(LISTS)
    await link.look()
    served = await read_served(link.api)
    for plural, records in link.expected.items():
        assert records.keys() <= served.records[plural].keys(), plural
    await link.settle()


@pytest.mark.parametrize("word", LASTING)
async def test_sync_that_cannot_go_on_says_why_and_goes_on_later(link: HarvestLink, word: str) -> None:
    kind, text = LASTING[word]
    await let(link, [{"word": word, "path": "/v3/jobs"}])
    with pytest.raises(kind) as raised:
        await link.sync(retry=SOON_TIRED)
    assert text in str(raised.value)
    await let(link, [])
    report = await link.sync()
    assert report.status == "done"
    assert report.is_resumed == (kind is RetryLater)
    await link.look()
    await link.check()


@pytest.mark.parametrize("word", ["429", "500", "cut-body", "slow"])
async def test_token_server_that_does_not_answer_stops_the_sync_for_now(link: HarvestLink, word: str) -> None:
    await let(link, [{"word": word, "path": "/token"}])
    with pytest.raises(RetryLater):
        await link.sync(retry=SOON_TIRED)
    await let(link, [])
    assert (await link.sync()).status == "done"
    await link.look()
    await link.check()


async def test_token_that_is_no_json_stops_the_run_which_is_gone_on_with(link: HarvestLink) -> None:
    await let(link, [{"word": "invalid-json", "path": "/token"}])
    with pytest.raises(RetryLater, match="POST /token: the body is not JSON"):
        await link.sync(retry=SOON_TIRED)
    await let(link, [])
    await link.settle()


async def test_list_that_is_no_json_is_told_and_all_others_are_read(link: HarvestLink) -> None:
    await let(link, [{"word": "invalid-json", "path": "/v3/job_posts"}])
    report = await link.sync(retry=SOON_TIRED)
    assert (report.status, report.errors) == ("partial", {"job_posts": "GET /v3/job_posts: the body is not JSON"})
    await let(link, [])
    await link.look()
    await check_without(link, "job_posts")
    report = await link.sync()
    assert (report.status, report.errors) == ("done", {})
    await link.look()
    await link.check()


async def check_without(link: HarvestLink, stream: str) -> None:
    """What is served is what is expected of somebody who cannot read this stream."""
    link.rows[stream] = None
    link.expected = link.expect(link.rows)
    await link.check()


# Permissions


@pytest.mark.parametrize("stream", STREAMS)
async def test_missing_permission_is_named_and_closes_its_stream_alone(
    databases: Databases, sealer: Sealer, stream: str
) -> None:
    lacking = {"without_scopes": f"{stream}:list"}
    async with link_harvest(databases, sealer, size=100, seed=11, options=lacking) as link:
        report = await link.sync()
        assert report.status == "partial"
        closed = [part.name for part in ALL if part.path == f"/v3/{stream}"]
        assert list(report.errors) == closed
        assert f"harvest:{stream}:list" in report.errors[stream]
        await link.look()
        assert [name for name in STREAMS if link.rows[name] is None] == [stream]
        await link.check()
        for plural, name in FED.get(stream, ()):
            assert {record[name] for record in link.served.records[plural].values()} == {None}
        # It stays so, until the permission is given.
        assert list((await link.sync()).errors) == closed
        await link.check()
        link.restart()
        await link.wait_an_hour()
        report = await link.sync()
        assert (report.status, report.is_full, report.errors) == ("done", False, {})
        await link.look()
        await link.check()


async def test_permission_taken_away_leaves_what_was_known(databases: Databases, sealer: Sealer) -> None:
    async with link_harvest(databases, sealer, size=100, seed=11) as link:
        await link.settle()
        before = link.served
        link.restart(options={"without_scopes": "offers:list,job_owners:list,attachments:list,job_posts:list"})
        report = await link.sync(full=True)
        assert report.status == "partial"
        assert list(report.errors) == ["job_owners", "job_posts", "attachments", "offers"]
        assert await read_served(link.api) == before
        link.restart()
        assert (await link.sync()).status == "done"
        assert await read_served(link.api) == before


async def test_change_of_what_a_closed_list_shows_is_not_lost(databases: Databases, sealer: Sealer) -> None:
    async with link_harvest(databases, sealer, size=100, seed=11) as link:
        await link.settle()
        shown = {"sources": "name", "interviewers": "user_id", "job_posts": "content", "attachments": "candidate_id"}
        numbers = {stream: (link.rows[stream] or [])[0]["id"] for stream in shown}
        lacking = "applications:list,interviews:list,jobs:list,candidates:list"
        for settings in ({"options": {"without_scopes": lacking}}, {}):
            link.restart(**settings)
            for stream, name in shown.items():
                (await link.control.patch(f"rows/{stream}/{numbers[stream]}", json={name: None})).raise_for_status()
            await link.wait_an_hour()
            report = await link.sync()
            assert report.status == ("partial" if settings else "done")
        await link.look()
        await link.check()


async def test_administrator_reads_everything(databases: Databases, sealer: Sealer) -> None:
    async with link_harvest(databases, sealer, size=100, seed=11) as link:
        await link.look()
        user = next(row["id"] for row in link.rows["users"] or () if row["site_admin"])
        link.tenant.credentials["sub"] = str(user)
        assert (await link.sync()).status == "done"
        await link.check()


async def test_user_who_may_read_nothing_is_told_of_every_list(databases: Databases, sealer: Sealer) -> None:
    async with link_harvest(databases, sealer, size=100, seed=11) as link:
        await link.look()
        user = next(row["id"] for row in link.rows["users"] or () if not row["site_admin"])
        link.tenant.credentials["sub"] = str(user)
        report = await link.sync()
        assert report.status == "failed"
        assert list(report.errors) == [part.name for part in ALL]
        assert all(f"harvest:{part.path[4:]}:list" in report.errors[part.name] for part in ALL)
        link.rows = dict.fromkeys(STREAMS)
        link.expected = link.expect(link.rows)
        await link.check()


FED: dict[str, list[tuple[str, str]]] = {
    "job_posts": [("jobs", "description"), ("jobs", "job_posting_urls")],
    "job_hiring_managers": [("jobs", "hiring_managers")],
    "job_owners": [("jobs", "recruiters")],
    "sources": [("applications", "source")],
    "referrers": [("applications", "credited_to")],
    "application_stages": [("applications", "current_stage")],
    "rejection_details": [("applications", "reject_reason")],
    "applications": [("candidates", "applications")],
    "attachments": [("candidates", "attachments")],
    "job_interviews": [("scheduled-interviews", "job_interview_stage")],
    "interviewers": [("scheduled-interviews", "interviewers"), ("scorecards", "interview")],
}
"""The fields that a stream alone can fill, of records of others."""


# The rate window


async def test_window_of_calls_is_used_to_its_end_and_never_overrun(databases: Databases, sealer: Sealer) -> None:
    """The slow one: the vendor's real window of 30 seconds, three of them, so 35 to 65 seconds."""
    limit = len(ALL) - 1  # each list is asked twice by a first sync
    async with link_harvest(databases, sealer, size=100, seed=11, options={"rate_limit": str(limit)}) as link:
        report = await link.sync(retry=Retry())
        log = link.sandbox.app.log
        asked = [entry for entry in log.last if entry["path"].startswith("/v3/")]
        assert report.status == "done"
        assert set(log.by_status) == {200}
        assert len(asked) + 1 == log.total == report.requests  # and one for the token, which is counted apart
        windows = Counter(datetime.fromisoformat(entry["at"]).timestamp() // 30 for entry in asked)
        first, *full, _ = (windows[number] for number in sorted(windows))
        assert full
        assert all(0.95 * limit <= used <= limit for used in full)
        assert first <= limit
        assert max(windows) - min(windows) == len(windows) - 1
