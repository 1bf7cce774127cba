"""New rows of each kind, and what customers do in their Greenhouse: the next incremental run shows it, and only it."""

from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
import pytest_asyncio

from testbed.databases import Databases
from testbed.harvest_link import HarvestLink, find_changed, link_harvest, open_vendor
from testbed.harvest_truth import OWN, STREAMS, Json
from testbed.small_company import SMALL
from testbed.tenants import read_all
from unihire.kit.seal import Sealer
from unihire.model import MODELS
from unihire.sync.joining import STORED_WHOLE

KEPT = ("custom_fields", "custom_field_options")
REFERRED = {
    "sources": ("applications", "source_id"),
    "referrers": ("applications", "referrer_id"),
    "application_stages": ("applications", "stage_id"),
    "job_interviews": ("interviews", "job_interview_id"),
}
"""Streams whose rows are shown by the records that name them, and how these do."""
LED_TO = ("candidate_attribute_types", "job_candidate_attributes", "scorecard_questions", "scorecard_question_options")
"""Streams whose rows are shown by records that other rows lead to them."""
OWNED = [stream for stream in STREAMS if stream not in (*KEPT, *REFERRED, *LED_TO)]
TRANSITIONS = MODELS["application_transition"].plural
"""Rows of application_stages are records of an application's beside being shown by it."""
FRESH = 10**12
"""An id that no row has."""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def company(databases: Databases, sealer: Sealer) -> AsyncIterator[HarvestLink]:
    async with link_harvest(databases, sealer, size=SMALL, seed=3) as link:
        await link.settle()
        yield link


@pytest_asyncio.fixture
async def link(company: HarvestLink) -> HarvestLink:
    """The company as it was last found to be right."""
    if not company.is_settled:
        await company.settle()
    return company


def get_rows(link: HarvestLink, stream: str) -> list[Json]:
    rows = link.rows[stream]
    assert rows
    return rows


async def write(link: HarvestLink, method: str, path: str, body: Json | None = None) -> Json:
    """What the vendor answers; signed in anew, as hours may have passed."""
    async with open_vendor(link.sandbox.ready) as client:
        answer = (await client.request(method, path, json=body)).raise_for_status()
    found: Json = answer.json() if answer.content else {}
    return found


async def create(link: HarvestLink, stream: str, fields: Json) -> int:
    given = {name: value for name, value in fields.items() if name not in ("id", "created_at", "updated_at")}
    answer = await link.control.post(f"rows/{stream}", json=given)
    return int(answer.raise_for_status().json()["id"])


def pick_new_row(link: HarvestLink, stream: str) -> Json:
    """The fields of a new row, much like another, that changes what is expected."""
    users = [user["id"] for user in get_rows(link, "users")]
    reasons = [reason["id"] for reason in get_rows(link, "rejection_reasons")]
    tags = [tag["id"] for tag in get_rows(link, "candidate_tags")]
    varied = {"user_id": users, "rejection_reason_id": reasons, "candidate_tag_id": tags, "min_cents": [100]}
    for row in get_rows(link, stream):
        for name, values in varied.items():
            for value in values[:3] if name in row else ():
                fields = row | {"id": FRESH, name: value}
                if find_changed(link.expected, link.expect(link.rows | {stream: [fields, *get_rows(link, stream)]})):
                    return fields
        fields = row | {"id": FRESH}
        if stream == "job_posts":
            fields["questions"] = [{**row["questions"][0], "id": FRESH}]
        if stream == "prospect_details":
            other = next(one["id"] for one in get_rows(link, "applications") if not one["prospect"])
            fields |= {"application_id": other, "prospect_owner_id": users[0]}
        if find_changed(link.expected, link.expect(link.rows | {stream: [fields, *get_rows(link, stream)]})):
            return fields
    raise AssertionError(f"no new row of {stream} would show")


@pytest.mark.parametrize("streams", [OWNED[place::4] for place in range(4)], ids=" ".join)
async def test_new_rows_are_there_with_the_next_run_wherever_they_show(link: HarvestLink, streams: list[str]) -> None:
    before = link.expected
    numbers = {stream: await create(link, stream, pick_new_row(link, stream)) for stream in streams}
    await link.follow(*streams)
    for stream, number in numbers.items():
        rows = [row for row in get_rows(link, stream) if row["id"] != number]
        assert find_changed(link.expect(link.rows | {stream: rows}), link.expected), stream
        if stream in OWN:
            plural = MODELS[OWN[stream]].plural
            assert str(number) in link.expected[plural].keys() - before[plural].keys()


@pytest.mark.parametrize("stream", REFERRED)
async def test_new_row_is_shown_by_a_record_that_comes_to_name_it(link: HarvestLink, stream: str) -> None:
    showing, member = REFERRED[stream]
    first, *_, last = get_rows(link, stream)
    number = await create(link, stream, first)
    own = {(MODELS[OWN[stream]].plural, str(number))} if stream in OWN else set()
    assert {place for place in await link.follow(stream) if place[0] != TRANSITIONS} == own
    row = next(row for row in get_rows(link, showing) if row[member] == last["id"] or row[member] is not None)
    (await link.control.patch(f"rows/{showing}/{row['id']}", json={member: number})).raise_for_status()
    assert await link.follow(showing) == {(MODELS[OWN[showing]].plural, str(row["id"]))}


@pytest.mark.parametrize("stream", REFERRED)
async def test_row_that_comes_after_the_record_that_names_it_is_shown(link: HarvestLink, stream: str) -> None:
    showing, member = REFERRED[stream]
    number = max(row["id"] for row in get_rows(link, stream)) + 1000 * 50
    rows = get_rows(link, showing)
    picked = [rows[0]["id"], rows[-1]["id"]]
    for id in picked:
        (await link.control.patch(f"rows/{showing}/{id}", json={member: number})).raise_for_status()
    await link.follow()
    await create_with_id(link, stream, number)
    own = {(MODELS[OWN[stream]].plural, str(number))} if stream in OWN else set()
    changed = {place for place in await link.follow(stream) if place[0] != TRANSITIONS}
    assert changed == own | {(MODELS[OWN[showing]].plural, str(id)) for id in picked}


async def create_with_id(link: HarvestLink, stream: str, number: int) -> None:
    """A row much like the newest of those that show something."""
    row = next(row for row in get_rows(link, stream) if row.get("user_id", 0) is not None)
    given = {name: value for name, value in row.items() if name not in ("created_at", "updated_at")}
    (await link.control.post(f"rows/{stream}", json=given | {"id": number})).raise_for_status()


@pytest.mark.parametrize("stream", KEPT)
async def test_row_that_is_kept_whole_changes_no_record(link: HarvestLink, stream: str) -> None:
    number = get_rows(link, stream)[0]["id"]
    (await link.control.patch(f"rows/{stream}/{number}", json={"name": "Changed"})).raise_for_status()
    await create(link, stream, get_rows(link, stream)[-1])
    assert await link.follow() == set()
    find = "SELECT row_id, data FROM joined WHERE stream = $1 AND name = $2"
    kept = {
        row["row_id"]: msgspec.json.decode(row["data"])
        for row in await link.tenant.pool.fetch(find, stream, STORED_WHOLE)
    }
    assert kept == {str(row["id"]): row for row in get_rows(link, stream)}


async def test_question_that_a_post_no_longer_asks_is_gone_with_the_next_run(link: HarvestLink) -> None:
    before = link.served
    post = max(get_rows(link, "job_posts"), key=lambda post: len(post["questions"]))
    fields = {"questions": post["questions"][1:3]}
    (await link.control.patch(f"rows/job_posts/{post['id']}", json=fields)).raise_for_status()
    await link.follow("job_posts")
    gone = before.records["screening-questions"].keys() - link.served.records["screening-questions"].keys()
    assert len(gone) == len(post["questions"]) - 2
    # And is there again when it is asked again.
    (await link.control.patch(f"rows/job_posts/{post['id']}", json={"questions": post["questions"]})).raise_for_status()
    assert {("screening-questions", id) for id in gone} <= await link.follow("job_posts")


async def test_many_changes_at_once_are_all_shown(link: HarvestLink) -> None:
    for stream in STREAMS:
        (await link.control.patch(f"rows/{stream}", json={"share": 0.3})).raise_for_status()
    changed = await link.follow()
    assert {plural for plural, _ in changed} >= {MODELS[model].plural for model in OWN.values()} - {"eeocs"}


# What customers do


async def test_job_that_is_edited(link: HarvestLink) -> None:
    job = get_rows(link, "jobs")[0]["id"]
    body = {"name": "Edited", "office_ids": [get_rows(link, "offices")[0]["id"]], "requisition_id": "E-1"}
    await write(link, "PATCH", f"/jobs/{job}", body)
    assert await link.follow() == {("jobs", str(job))}
    assert link.served.records["jobs"][str(job)]["code"] == "E-1"


async def test_application_that_is_moved_rejected_and_taken_back(link: HarvestLink) -> None:
    def served() -> Json:
        return link.served.records["applications"][str(row["id"])]

    async def do(verb: str, **body: Any) -> None:
        await write(link, "POST", f"/applications/{row['id']}/{verb}", body or None)
        assert ("applications", str(row["id"])) in await link.follow()

    stages = get_rows(link, "job_interview_stages")
    last = {
        stage["job_id"]: max(one["sort_order"] for one in stages if one["job_id"] == stage["job_id"])
        for stage in stages
    }
    order = {stage["id"]: stage["sort_order"] for stage in stages}
    row = next(
        row
        for row in get_rows(link, "applications")
        if row["status"] == "in_process"
        and row["job_id"]
        and order[row["job_interview_stage_id"]] < last[row["job_id"]]
    )
    stage = served()["current_stage"]
    await do("move", from_stage_id=row["stage_id"])
    assert served()["current_stage"] not in (stage, None)
    first, second = (reason["id"] for reason in get_rows(link, "rejection_reasons")[:2])
    await do("reject", rejection_reason_id=first, notes="Not now.")
    reason = served()["reject_reason"]
    assert reason is not None
    await do("unreject")
    assert (served()["reject_reason"], served()["rejected_at"]) == (None, None)
    await do("reject", rejection_reason_id=second)
    assert served()["reject_reason"] not in (reason, None)


async def test_candidate_who_gets_a_note_a_tag_and_a_file(link: HarvestLink) -> None:
    application = get_rows(link, "applications")[3]
    candidate = application["candidate_id"]
    body: Json = {"candidate_id": candidate, "body": "Called.", "visibility": "private"}
    note = (await write(link, "POST", "/notes", body))["id"]
    assert ("activities", str(note)) in await link.follow()
    tag = (await write(link, "POST", "/candidate_tags", {"name": "called"}))["id"]
    body = {"candidate_id": candidate, "candidate_tag_id": tag}
    await write(link, "POST", "/applied_candidate_tags", body)
    assert {("tags", str(tag)), ("candidates", str(candidate))} <= await link.follow()
    assert "called" in link.served.records["candidates"][str(candidate)]["tags"]
    body = {"application_id": application["id"], "filename": "cv.pdf", "type": "resume", "content": "aGk="}
    file = (await write(link, "POST", "/attachments", body))["id"]
    assert {("attachments", str(file)), ("candidates", str(candidate))} <= await link.follow()
    assert len(link.served.records["candidates"][str(candidate)]["attachments"]) >= 1


async def test_candidate_who_applies_is_interviewed_and_hired(link: HarvestLink) -> None:
    job = next(row for row in get_rows(link, "jobs") if row["status"] == "open")["id"]
    names = {"first_name": "Ada", "last_name": "Beispiel"}
    candidate = (await write(link, "POST", "/candidates", names))["id"]
    body: Json = {"candidate_id": candidate, "job_id": job}
    application = (await write(link, "POST", "/applications", body))["id"]
    assert {("candidates", str(candidate)), ("applications", str(application))} <= await link.follow()
    plan = next(row["id"] for row in get_rows(link, "job_interviews") if row["job_id"] == job)
    body = {
        "application_id": application, "job_interview_id": plan, "location": "Room 1",
        "interviewers": [{"user_id": row["id"], "response_status": "accepted"} for row in get_rows(link, "users")[:2]],
        "starts_at": "2027-06-01T15:00:00Z", "ends_at": "2027-06-01T16:00:00Z",
    }  # fmt: skip
    interview = (await write(link, "POST", "/interviews", body))["id"]
    assert ("scheduled-interviews", str(interview)) in await link.follow()
    assert len(link.served.records["scheduled-interviews"][str(interview)]["interviewers"]) == 2
    body = {"start_date": "2027-07-01T00:00:00Z"}
    await write(link, "POST", f"/applications/{application}/hire", body)
    await link.follow()
    offers = [
        record
        for record in link.served.records["offers"].values()
        if record["raw_data"]["application_id"] == application
    ]
    assert [(offer["status"], offer["start_date"]) for offer in offers] == [("SIGNED", "2027-07-01T00:00:00Z")]


async def test_candidates_who_are_merged_anonymized_and_deleted(link: HarvestLink) -> None:
    kept, merged, forgotten, deleted = (row["id"] for row in get_rows(link, "candidates")[10:14])
    body: Json = {"secondary_candidate_id": merged}
    await write(link, "POST", f"/candidates/{kept}/merge", body)
    body = {"fields": ["full_name", "email_addresses", "tags", "notes", "attachments"]}
    await write(link, "PATCH", f"/candidates/{forgotten}/anonymize", body)
    await write(link, "DELETE", f"/candidates/{deleted}")
    before = link.served.records["candidates"]
    # Deleted rows are in no list: the next run shows what changed, the next full one what is gone.
    await link.sync()
    now = {item["remote_id"]: item for item in await read_all(link.api, "candidates")}
    assert now[str(forgotten)]["first_name"] == "Anonymized"
    assert set(now[str(kept)]["applications"]) >= {*before[str(merged)]["applications"]} != set()
    assert now.keys() == before.keys()
    await link.settle()
    assert before.keys() - link.served.records["candidates"].keys() == {str(merged), str(deleted)}
