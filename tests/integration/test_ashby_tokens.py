"""Sync tokens and cursors of Ashby that die, and rows that are archived: whatever happens, the truth is served."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
import pytest_asyncio

from testbed.ashby_link import AshbyLink, link_ashby
from testbed.databases import Databases
from testbed.disturbing import read_in_small_pages
from testbed.faulting import SOON_TIRED
from testbed.harvest_link import find_changed
from unihire.errors import RetryLater
from unihire.kit.seal import Sealer

SIZE = 45
CANDIDATES, APPLICATIONS = "/candidate.list", "/application.list"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def company(databases: Databases, sealer: Sealer) -> AsyncIterator[AshbyLink]:
    """A company with lists of several pages: two pages may be read under a token, and a cursor lives ten minutes."""
    options = {"sync_pages": "2", "cursor_minutes": "10"}
    async with link_ashby(databases, sealer, size=SIZE, seed=9, options=options) as link:
        link.tenant = replace(link.tenant, integration=read_in_small_pages(link.tenant.integration))
        await link.settle()
        yield link


@pytest_asyncio.fixture
async def link(company: AshbyLink) -> AshbyLink:
    await company.control.delete("faults")
    if not company.is_settled:
        await company.settle()
    await company.control.delete("requests")
    return company


async def change_some(link: AshbyLink, stream: str, count: int) -> None:
    (await link.control.patch(f"rows/{stream}", json={"count": count})).raise_for_status()


async def list_asked(link: AshbyLink, path: str) -> list[int]:
    """The statuses of the latest calls of a list."""
    asked = (await link.control.get("requests")).json()["last"]
    return [entry["status"] for entry in asked if entry["path"] == path]


async def check_whole(link: AshbyLink) -> None:
    """What an incremental run left is the truth, to the last field; raises AssertionError where it is not."""
    before, expected = link.served, link.expected
    await link.look()
    await link.check()
    assert link.served.changed_since(before) == find_changed(expected, link.expected)


@pytest.mark.parametrize("form", ["texts", "objects", "info"])
async def test_token_that_expired_means_a_whole_read_in_the_same_run(link: AshbyLink, form: str) -> None:
    link.sandbox.app.settings["options"]["error_form"] = form  # where the code is that says so
    await link.wait_an_hour()
    await change_some(link, "candidates", 3)
    gone = link.list_rows("candidate_tags")[0]["id"]
    await link.delete("candidate_tags", gone)
    link.sandbox.app.emulator.expire_tokens()
    report = await link.sync()
    assert (report.status, report.errors) == ("done", {})
    assert gone not in (await link.read_records())["tags"], "the list was not read whole"
    # Whole reads show what repeats other rows, too.
    await check_whole(link)
    await link.control.delete("requests")
    assert (await link.sync()).status == "done"
    assert len(await list_asked(link, CANDIDATES)) == 1, "the whole read left no token"


async def test_token_that_nobody_used_for_a_month_has_expired(link: AshbyLink) -> None:
    (await link.control.post("clock", json={"advance_seconds": 31 * 86400})).raise_for_status()
    await change_some(link, "applications", 2)
    assert (await link.sync()).status == "done"
    await check_whole(link)


async def test_more_changed_than_is_listed_under_a_token_means_a_whole_read(link: AshbyLink) -> None:
    await link.wait_an_hour()
    gone = next(row["id"] for row in link.list_rows("candidates") if not row["applicationIds"])
    await link.delete("candidates", gone)
    for stream in ("candidates", "applications"):
        (await link.control.patch(f"rows/{stream}", json={"share": 1})).raise_for_status()
    report = await link.sync()
    assert (report.status, report.errors) == ("done", {})
    assert gone not in (await link.read_records())["candidates"], "the list was not read whole"
    await check_whole(link)


@pytest.mark.parametrize("full", [True, False])
async def test_run_that_is_resumed_with_a_cursor_that_died_begins_its_list_again(link: AshbyLink, full: bool) -> None:
    await link.wait_an_hour()
    await change_some(link, "candidates", SIZE - 10)
    await cut_after_a_page(link, CANDIDATES, full=full)
    (await link.control.post("clock", json={"advance_seconds": 3600})).raise_for_status()
    await link.control.delete("faults")
    await change_some(link, "candidates", 10)
    report = await link.sync(full=full)
    assert (report.status, report.errors, report.is_resumed) == ("done", {}, True)
    await check_whole(link)


async def test_token_that_expires_between_two_pages_of_a_run_is_no_error(link: AshbyLink) -> None:
    await link.wait_an_hour()
    await change_some(link, "applications", 35)
    await cut_after_a_page(link, APPLICATIONS, full=False)
    link.sandbox.app.emulator.expire_tokens()
    await link.control.delete("faults")
    report = await link.sync()
    assert (report.status, report.errors, report.is_resumed) == ("done", {}, True)
    await check_whole(link)


async def cut_after_a_page(link: AshbyLink, path: str, *, full: bool) -> None:
    """A run that ends when the second page of a list is asked for."""
    count = 0
    answer = link.sandbox.app.emulator.answer

    def cut(request: Any) -> Any:
        nonlocal count
        if request.path == path and b'"cursor"' in request.body:
            count += 1
            return link.sandbox.app.emulator.refuse(500, request)
        return answer(request)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(link.sandbox.app.emulator, "answer", cut)
        with pytest.raises(RetryLater):
            await link.sync(full=full, retry=SOON_TIRED)
    assert count


async def test_archived_and_disabled_rows_are_served_still(link: AshbyLink) -> None:
    await link.wait_an_hour()
    ids = {}
    for stream in ("departments", "locations", "archive_reasons", "candidate_tags", "sources"):
        ids[stream] = next(row["id"] for row in link.list_rows(stream) if not row["isArchived"])
        await link.change(stream, ids[stream], isArchived=True)
    plan = next(row["id"] for row in link.list_rows("interview_plans") if not row["isArchived"])
    await link.change("interview_plans", plan, isArchived=True)
    user = next(row["id"] for row in link.list_rows("users") if row["isEnabled"])
    await link.change("users", user, isEnabled=False)
    job = next(row["id"] for row in link.list_rows("jobs") if row["status"] == "Open")
    await link.change("jobs", job, status="Archived")
    assert (await link.sync()).status == "done"
    records = await link.read_records()
    plurals = ("departments", "offices", "reject-reasons", "tags", "sources")
    for (stream, id), plural in zip(ids.items(), plurals, strict=True):
        assert records[plural][id]["raw_data"]["isArchived"] is True, stream
    assert records["remote-users"][user]["disabled"] is True
    assert records["jobs"][job]["status"] == "ARCHIVED"
    await link.settle()
