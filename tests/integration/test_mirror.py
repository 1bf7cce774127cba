"""Consumers that follow the feed with deleted records have what the vendor has, at every vendor."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from testbed.databases import Databases
from testbed.harvest_link import HarvestLink, link_harvest
from testbed.mirror import Mirror
from testbed.personio import check_same
from testbed.personio_link import PersonioLink, link_personio
from unihire.dialects.unihire.records import OWN
from unihire.kit.seal import Sealer

SIZE = 30
ROUNDS = 3

LINKS: dict[str, Any] = {"greenhouse": link_harvest, "personio": link_personio}

# Streams of each vendor whose rows change and go.
MUTATED = {
    "greenhouse": ("candidates", "applications", "jobs", "notes", "attachments", "scorecards"),
    "personio": ("candidates", "applications", "jobs"),
}
CANDIDATES, APPLICATIONS = "/api/ats/v1/candidates", "/api/ats/v1/applications"

Link = HarvestLink | PersonioLink


@pytest_asyncio.fixture(params=LINKS)
async def link(request: pytest.FixtureRequest, databases: Databases, sealer: Sealer) -> AsyncIterator[Link]:
    async with LINKS[request.param](databases, sealer, size=SIZE, seed=7) as linked:
        assert (await linked.sync()).status == "done"
        yield linked


def list_mutated(link: Link) -> tuple[str, ...]:
    return MUTATED[link.tenant.integration.slug]


async def mutate(link: Link, *, deletes: bool = True) -> None:
    """Change some rows of each stream and delete some others."""
    await link.wait_an_hour()
    for stream in list_mutated(link):
        (await link.control.patch(f"rows/{stream}", json={"count": 5})).raise_for_status()
        if deletes:
            (await link.control.request("DELETE", f"rows/{stream}", json={"count": 3})).raise_for_status()


async def expect_exact(mirror: Mirror, link: Link) -> None:
    """The mirror has what is served, and that is what the vendor has."""
    await mirror.follow()
    assert mirror.records == await mirror.read_live()
    await link.look()
    check_same(await link.read_records(), link.expected)


async def test_mirror_is_exact_after_every_run_that_reads_all(link: Link) -> None:
    mirror, own = Mirror(link.api), Mirror(link.api, [f"{OWN.path}/{spec.plural}" for spec in OWN.models])
    await expect_exact(mirror, link)
    for _ in range(ROUNDS):
        removed = mirror.removed
        await mutate(link)
        await link.sync()  # what changed; what is gone a vendor need not tell
        await mirror.follow()
        assert (await link.sync(full=True)).status == "done"
        await expect_exact(mirror, link)
        assert mirror.removed > removed
        await own.follow()
        assert own.records == await own.read_live()
    assert own.removed
    again = Mirror(link.api)
    await again.follow()
    assert again.records == mirror.records


async def test_mirror_that_is_read_while_rows_change_misses_nothing(link: Link) -> None:
    mirror = Mirror(link.api)
    for deletes in (False, True, True):
        for _ in range(4):
            await mirror.follow_page(CANDIDATES)
            await mirror.follow_page(APPLICATIONS)
        await mutate(link, deletes=deletes)
        await link.sync(full=True)
    await expect_exact(mirror, link)


async def test_records_that_come_back_are_in_the_mirror_again(link: Link) -> None:
    mirror = Mirror(link.api)
    await mirror.follow()
    before = {path: dict(records) for path, records in mirror.records.items()}
    for _ in range(2):
        await mutate(link)
        await link.sync(full=True)
        await mirror.follow()
        gone = [id for id in before[CANDIDATES] if id not in mirror.records[CANDIDATES]]
        assert gone
        (await link.control.post("reset")).raise_for_status()  # every row is as it was
        await link.sync(full=True)
        await expect_exact(mirror, link)
        assert mirror.records[CANDIDATES].keys() == before[CANDIDATES].keys()
        assert all(mirror.records[CANDIDATES][id] != before[CANDIDATES][id] for id in gone)  # modified_at moved


async def test_mirror_of_a_filtered_list_keeps_nothing_that_is_deleted(link: Link) -> None:
    applications = (await link.api.get(APPLICATIONS, params={"page_size": 100})).json()["items"]
    jobs = ",".join(sorted({item["job"] for item in applications if item["job"]})[:4])
    mirror = Mirror(link.api, [APPLICATIONS], narrowed={"job": jobs})
    await mirror.follow()
    before = dict(mirror.records[APPLICATIONS])
    assert before
    for id in list(before)[:2]:
        (await link.control.delete(f"rows/applications/{before[id]['remote_id']}")).raise_for_status()
    await mutate(link)
    await link.sync(full=True)
    await mirror.follow()
    assert mirror.records == await mirror.read_live()
    assert before.keys() - mirror.records[APPLICATIONS].keys()
