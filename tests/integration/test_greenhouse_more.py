"""The models that only our own face has, of a whole Greenhouse: listed, filtered, expanded, changed, deleted."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from testbed.databases import Databases
from testbed.harvest_link import HarvestLink, link_harvest, open_vendor
from testbed.harvest_truth import Json
from testbed.small_company import SMALL
from testbed.tenants import read_pages
from unihire.kit.seal import Sealer
from unihire.model import MODELS

NEW = ("job_posting", "source", "application_transition")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def company(databases: Databases, sealer: Sealer) -> AsyncIterator[HarvestLink]:
    async with link_harvest(databases, sealer, size=SMALL, seed=5) as link:
        await link.settle()
        yield link


@pytest_asyncio.fixture
async def link(company: HarvestLink) -> HarvestLink:
    """The company as it was last found to be right."""
    if not company.is_settled:
        await company.settle()
    return company


async def read(link: HarvestLink, model: str, **params: Any) -> dict[str, Json]:
    """The records of our own face, by the vendor's id."""
    items = await read_pages(link.api, f"/api/v1/{MODELS[model].plural}", page_size=SMALL, **params)
    return {item["remote_id"]: item for item in items}


async def test_transitions_are_filtered_by_each_relation_and_expanded(link: HarvestLink) -> None:
    every = await read(link, "application_transition", expand="application[id,more],to_stage[id,name],from_stage[id]")
    assert every.keys() == link.expected["application-transitions"].keys()
    some = next(one for one in every.values() if one["from_stage"] and one["left_at"])
    assert some["application"]["more"]["status"]
    assert some["to_stage"]["name"]
    for relation in ("application", "from_stage", "to_stage"):
        id = some[relation]["id"]
        found = await read(link, "application_transition", **{relation: id})
        assert found.keys() == {
            remote_id for remote_id, one in link.expected["application-transitions"].items() if one[relation] == id
        }
    assert list(await read(link, "application_transition", remote_id=some["remote_id"])) == [some["remote_id"]]


async def test_postings_are_filtered_and_shown_by_what_names_them(link: HarvestLink) -> None:
    postings = link.expected["job-postings"]
    assert {one["status"] for one in postings.values()} >= {"PUBLISHED", "INTERNAL"}
    for field, value in (("status", "INTERNAL"), ("job", next(iter(postings.values()))["job"])):
        found = await read(link, "job_posting", **{field: value})
        assert found.keys() == {id for id, one in postings.items() if one[field] == value}
    applications = await read(link, "application", expand="job_posting[title],source_record[name]")
    shown = [one["more"] for one in applications.values() if one["more"]["job_posting"]]
    assert {more["job_posting"]["title"] for more in shown} <= {one["title"] for one in postings.values()}
    told = {one["source"] == one["more"]["source_record"]["name"] for one in applications.values() if one["source"]}
    assert told == {True}
    questions = (await read(link, "screening_question", expand="posting[id]")).values()
    assert {one["more"]["posting"]["id"] for one in questions} <= {one["id"] for one in postings.values()}


async def test_sources_are_found_by_their_names(link: HarvestLink) -> None:
    for remote_id, source in link.expected["sources"].items():
        assert list(await read(link, "source", name=source["name"])) == [remote_id]


async def test_application_that_moves_and_is_rejected_shows_its_way(link: HarvestLink) -> None:
    row = next(row for row in link.rows["applications"] or () if row["status"] == "in_process" and row["stage_id"])
    stages = [one for one in link.rows["job_interview_stages"] or () if one["job_id"] == row["job_id"]]
    current = row["job_interview_stage_id"]
    following = next(one["id"] for one in stages if one["id"] != current)
    reason = next(one["id"] for one in link.rows["rejection_reasons"] or () if one["type"]["key"] == "THEY_REJECTED_US")
    async with open_vendor(link.sandbox.ready) as vendor:
        moved = {"from_stage_id": current, "to_stage_id": following}
        (await vendor.post(f"/applications/{row['id']}/move", json=moved)).raise_for_status()
        body = {"rejection_reason_id": reason}
        (await vendor.post(f"/applications/{row['id']}/reject", json=body)).raise_for_status()
    before = link.served.records["application-transitions"]
    changed = await link.follow()
    new = link.served.records["application-transitions"].keys() - before.keys()
    (step,) = [link.served.records["application-transitions"][id] for id in new]
    application = link.served.records["applications"][str(row["id"])]
    assert step["application"] == application["id"]
    assert step["to_stage"] == application["current_stage"]
    left = {id for plural, id in changed if plural == "application-transitions"} - new
    assert [link.served.records["application-transitions"][id]["left_at"] for id in left] == [step["entered_at"]]
    assert [step["from_stage"]] == [link.served.records["application-transitions"][id]["to_stage"] for id in left]
    assert (application["more"]["status"], application["more"]["ended_by"]) == ("WITHDRAWN", "CANDIDATE")
    assert application["more"]["withdrawn_at"] == application["rejected_at"]


@pytest.mark.parametrize("model", NEW)
async def test_what_goes_is_told_as_deleted(link: HarvestLink, model: str) -> None:
    stream = {"application_transition": "application_stages", "job_posting": "job_posts", "source": "sources"}[model]
    plural = MODELS[model].plural
    remote_id = next(iter(link.served.records[plural]))
    id = link.served.records[plural][remote_id]["id"]
    (await link.control.delete(f"rows/{stream}/{remote_id}")).raise_for_status()
    await link.settle()
    assert remote_id not in await read(link, model)
    told = (await read(link, model, include_deleted="true"))[remote_id]
    assert told.keys() == {"id", "remote_id", "modified_at", "deleted"}
    assert (told["id"], told["deleted"]) == (id, True)


async def test_post_that_the_vendor_lists_as_deleted_is_gone_with_the_next_run(link: HarvestLink) -> None:
    remote_id = next(iter(link.served.records["job-postings"]))
    (await link.control.patch(f"rows/job_posts/{remote_id}", json={"active": False})).raise_for_status()
    assert ("job-postings", remote_id) not in await link.follow("job_posts")
    assert remote_id not in await read(link, "job_posting")
    assert (await read(link, "job_posting", include_deleted="true"))[remote_id]["deleted"] is True


async def test_credentials_without_the_new_scopes_leave_fields_null_and_the_run_whole(
    databases: Databases, sealer: Sealer
) -> None:
    closed = "applied_candidate_tags:list,candidate_educations:list,scorecard_candidate_attributes:list"
    async with link_harvest(databases, sealer, size=SMALL, seed=5, options={"without_scopes": closed}) as link:
        await link.settle()
        candidates = (await read(link, "candidate")).values()
        assert {(one["more"]["tag_records"], one["more"]["educations"]) for one in candidates} == {(None, None)}
        assert any(one["more"]["employments"] for one in candidates)
        assert {one["more"]["attributes"] for one in (await read(link, "scorecard")).values()} == {None}
