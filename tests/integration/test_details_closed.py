"""Credentials that reach a list and not what is asked for with each of its rows: the rest of the rows is read, what was
read of it stays, and the run says which permission is missing.
"""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any

import pytest

from testbed.ashby_link import link_ashby
from testbed.databases import Databases
from testbed.lever_link import link_lever
from testbed.vendor_link import VendorLink
from testbed.workable_link import link_workable
from unihire.kit.seal import Sealer
from unihire.store import issues


@dataclass(frozen=True)
class Closed:
    """A detail of a stream that the vendor refuses: its path there, and the model that is made of it alone."""

    link: Callable[..., AbstractAsyncContextManager[VendorLink]]
    stream: str
    detail: str
    path: str
    model: str
    permission: str


CLOSED = {
    "ashby": Closed(link_ashby, "candidates", "notes", "/candidate.listNotes", "activities", "Candidates: Read"),
    "lever": Closed(link_lever, "opportunities", "notes", "/notes", "activities", "Notes (List and Retrieve)"),
    "workable": Closed(link_workable, "candidates", "files", "/files", "attachments", "r_candidates"),
}


async def close(link: VendorLink, closed: Closed) -> None:
    (await link.control.put("faults", json=[{"word": "403", "path": f"*{closed.path}"}])).raise_for_status()


async def open_again(link: VendorLink) -> None:
    (await link.control.delete("faults")).raise_for_status()


async def count_calls(link: VendorLink, closed: Closed) -> int:
    """The calls for that detail so far that were refused."""
    asked = (await link.control.get("requests")).json()
    calls = [call for call in asked["last"] if call["status"] == 403]
    assert all(call["path"].endswith(closed.path) for call in calls)
    return len(calls)


async def find_issues(link: VendorLink) -> dict[str, str]:
    found = await issues.list_issues(link.tenant.pool, link.tenant.connector.number)
    return {row["stream"]: row["message"] for row in found}


@pytest.mark.parametrize("slug", CLOSED)
async def test_rows_are_read_without_a_detail_that_is_closed_and_it_comes_once_it_is_open(
    databases: Databases, sealer: Sealer, slug: str
) -> None:
    closed = CLOSED[slug]
    async with closed.link(databases, sealer, size=20, seed=5) as link:
        await close(link, closed)
        report = await link.sync()
        said = report.errors.pop(closed.stream)
        assert (report.status, report.errors) == ("partial", {})
        assert closed.permission in said
        assert closed.detail in said
        assert await count_calls(link, closed) == 1
        assert list(await find_issues(link)) == [f"{closed.stream}.{closed.detail}"]
        rows = next(one for one in report.streams if one.stream == closed.stream)
        assert (rows.quarantined, rows.incomplete) == (0, 0)
        assert rows.read > 1
        await link.look()
        await open_again(link)
        assert (await link.sync(full=True)).status == "done"
        await link.check()
        assert await find_issues(link) == {}


@pytest.mark.parametrize("slug", CLOSED)
async def test_what_was_read_stays_when_a_detail_is_closed(databases: Databases, sealer: Sealer, slug: str) -> None:
    closed = CLOSED[slug]
    async with closed.link(databases, sealer, size=20, seed=5) as link:
        assert (await link.sync()).status == "done"
        await link.sync_slow_cycle()
        await link.look()
        await link.check()
        before: Any = link.served.records[closed.model]
        assert before
        await close(link, closed)
        report = await link.sync_slow_cycle()
        assert (report.status, list(report.errors)) == ("partial", [closed.stream])
        assert await count_calls(link, closed) == 1
        await link.check()
        assert link.served.records[closed.model] == before
        report = await link.sync_slow_cycle()
        assert await count_calls(link, closed) == 2
        assert sum(one.deleted + one.changed for one in report.streams) == 0
