"""A Greenhouse that does not answer while it is read, and each permission missing: what fails is told."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from testbed.databases import Databases
from testbed.effort import IS_THOROUGH
from testbed.faulting import HASTY_AND_SOON_TIRED, SOON_TIRED, LateClock
from testbed.harvest_link import BEHIND, HarvestLink, Served, link_harvest, read_served
from testbed.harvest_truth import STREAMS
from testbed.small_company import SMALL
from unihire.errors import ReauthorizeNeeded, RetryLater
from unihire.integration.registry import get_integration
from unihire.kit.seal import Sealer
from unihire.store import Pool

IMPATIENT = {"slow": HASTY_AND_SOON_TIRED}
"""Who waits long sees no fault in a slow answer."""
ALL = get_integration("greenhouse").streams

SIXTHS = [STREAMS[place::6] for place in range(6)]
"""The lists, a few at a time: none with one that shows its rows."""

CLOSED = SIXTHS if IS_THOROUGH else [SIXTHS[0] + SIXTHS[1], SIXTHS[2], SIXTHS[3], SIXTHS[4] + SIXTHS[5]]

LASTING = {
    "429": (RetryLater, "GET /v3/jobs: the vendor answers 429"),
    "500": (RetryLater, "GET /v3/jobs: the vendor answers 500"),
    "slow": (RetryLater, "GET /v3/jobs: no answer after 2 tries"),
    "cut-body": (RetryLater, "GET /v3/jobs: no answer after 2 tries"),
    # Lists read side by side use one token: it may be another one that meets the end of it.
    "expired-token": (ReauthorizeNeeded, ": the vendor refuses a fresh token"),
}


@pytest_asyncio.fixture
async def link(databases: Databases, sealer: Sealer, pool: Pool) -> AsyncIterator[HarvestLink]:
    """A company that was never synced."""
    async with link_harvest(databases, sealer, pool=pool, size=SMALL, seed=11, clock=LateClock(BEHIND)) as link:
        yield link


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def company(databases: Databases, sealer: Sealer) -> AsyncIterator[HarvestLink]:
    async with link_harvest(databases, sealer, size=SMALL, seed=11, clock=LateClock(BEHIND)) as link:
        yield link


@pytest_asyncio.fixture
async def known(company: HarvestLink) -> HarvestLink:
    """A company all of which was read, shared by the tests that leave it whole."""
    await let(company, [])
    if not company.is_settled:
        await company.settle()
    return company


async def let(link: HarvestLink, faults: list[dict[str, Any]]) -> None:
    (await link.control.put("faults", json=faults)).raise_for_status()


@pytest.mark.parametrize("word", LASTING)
async def test_sync_that_cannot_go_on_says_why_and_goes_on_later(link: HarvestLink, word: str) -> None:
    kind, text = LASTING[word]
    await let(link, [{"word": word, "path": "/v3/jobs"}])
    with pytest.raises(kind) as raised:
        await link.sync(retry=IMPATIENT.get(word, SOON_TIRED))
    assert text in str(raised.value)
    await let(link, [])
    report = await link.sync()
    assert report.status == "done"
    assert report.is_resumed == (kind is RetryLater)
    await link.look()
    await link.check()


@pytest.mark.parametrize("word", ["429", "500", "cut-body", "slow"])
async def test_token_server_that_does_not_answer_stops_the_sync_for_now(known: HarvestLink, word: str) -> None:
    before = await change_candidates(known)
    await let(known, [{"word": word, "path": "/token"}])
    with pytest.raises(RetryLater):
        await known.sync(retry=IMPATIENT.get(word, SOON_TIRED))
    assert await read_served(known.api) == before
    await let(known, [])
    report = await known.sync()
    assert (report.status, report.is_resumed) == ("done", True)
    await known.look("candidates")
    await known.check()
    assert known.served != before


async def test_token_that_is_no_json_stops_the_run_which_is_gone_on_with(known: HarvestLink) -> None:
    before = await change_candidates(known)
    await let(known, [{"word": "invalid-json", "path": "/token"}])
    with pytest.raises(RetryLater, match="POST /token: the token answer is not JSON"):
        await known.sync(retry=SOON_TIRED)
    await let(known, [])
    await known.settle()
    assert known.served != before


async def change_candidates(link: HarvestLink) -> Served:
    """What was served before some of them were changed."""
    await link.wait_an_hour()
    (await link.control.patch("rows/candidates", json={"count": 3})).raise_for_status()
    return link.served


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


@pytest.mark.parametrize("streams", CLOSED, ids=" ".join)
async def test_missing_permission_is_named_and_closes_its_stream_alone(
    databases: Databases, sealer: Sealer, pool: Pool, streams: list[str]
) -> None:
    lacking = {"without_scopes": ",".join(f"{stream}:list" for stream in streams)}
    async with link_harvest(databases, sealer, pool=pool, size=SMALL, seed=11, options=lacking) as link:
        report = await link.sync()
        assert report.status == "partial"
        closed = {part.name: part.path[4:] for part in ALL if part.path[4:] in streams}
        assert report.errors.keys() == closed.keys()
        assert all(f"harvest:{path}:list" in report.errors[name] for name, path in closed.items())
        await link.look()
        assert [name for name in STREAMS if link.rows[name] is None] == [name for name in STREAMS if name in streams]
        await link.check()
        for plural, name in (shown for stream in streams for shown in FED.get(stream, ())):
            assert {record[name] for record in link.served.records[plural].values()} <= {None}
        # It stays so, until the permission is given.
        assert (await link.sync()).errors.keys() == closed.keys()
        link.restart()
        await link.wait_an_hour()
        report = await link.sync()
        assert (report.status, report.is_full, report.errors) == ("done", False, {})
        await link.look()
        await link.check()


async def test_permission_taken_away_leaves_what_was_known(known: HarvestLink) -> None:
    known.restart()
    await known.settle()
    before = known.served
    known.restart(options={"without_scopes": "offers:list,job_owners:list,attachments:list,job_posts:list"})
    report = await known.sync(full=True)
    assert report.status == "partial"
    assert report.errors.keys() == {"job_owners", "job_posts", "attachments", "offers"}
    assert await read_served(known.api) == before
    known.restart()
    assert (await known.sync()).status == "done"
    await known.check()
    assert known.served == before


async def test_change_of_what_a_closed_list_shows_is_not_lost(known: HarvestLink) -> None:
    shown = {"sources": "name", "interviewers": "user_id", "job_posts": "content", "attachments": "candidate_id"}
    numbers = {stream: (known.rows[stream] or [])[0]["id"] for stream in shown}
    lacking = "applications:list,interviews:list,jobs:list,candidates:list"
    for settings in ({"options": {"without_scopes": lacking}}, {}):
        known.restart(**settings)
        for stream, name in shown.items():
            (await known.control.patch(f"rows/{stream}/{numbers[stream]}", json={name: None})).raise_for_status()
        await known.wait_an_hour()
        report = await known.sync()
        assert report.status == ("partial" if settings else "done")
    await known.look()
    await known.check()


async def test_administrator_reads_everything(databases: Databases, sealer: Sealer, pool: Pool) -> None:
    async with link_harvest(databases, sealer, pool=pool, size=SMALL, seed=11) as link:
        await link.look()
        user = next(row["id"] for row in link.rows["users"] or () if row["site_admin"])
        link.tenant.credentials["sub"] = str(user)
        assert (await link.sync()).status == "done"
        await link.check()


async def test_user_who_may_read_nothing_is_told_of_every_list(
    databases: Databases, sealer: Sealer, pool: Pool
) -> None:
    async with link_harvest(databases, sealer, pool=pool, size=SMALL, seed=11) as link:
        await link.look()
        user = next(row["id"] for row in link.rows["users"] or () if not row["site_admin"])
        link.tenant.credentials["sub"] = str(user)
        report = await link.sync()
        assert report.status == "failed"
        assert report.errors.keys() == {part.name for part in ALL}
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
