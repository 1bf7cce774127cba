"""The operations that read jobs and offers against the emulator: structure, every value, and the vendor's calls."""

from collections import Counter
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import pytest_asyncio

from testbed.company_truth import AHEAD, Truth, by_order, check_bounded, check_whole, list_all
from testbed.databases import Databases
from testbed.harvest import Row
from testbed.operating import Operating, open_operations
from unihire.kit.seal import Sealer

SIZE = 1500

# The samples people built on, restated.
PERSON = {"id": 1, "first_name": "", "last_name": "", "name": "", "employee_id": ""}
DEPARTMENT = {"id": 1, "name": "", "parent_id": 1, "child_ids": [1], "external_id": ""}
FIELDS = {"custom_fields": {}, "keyed_custom_fields": {}}
JOB = {
    "id": 1,
    "name": "",
    "requisition_id": "",
    "notes": "",
    "confidential": False,
    "status": "",
    "created_at": "",
    "opened_at": "",
    "closed_at": "",
    "departments": [DEPARTMENT],
    "offices": [{**DEPARTMENT, "location": {"name": ""}, "primary_contact_user_id": 1}],
    "hiring_team": {
        "hiring_managers": [PERSON],
        "recruiters": [{**PERSON, "responsible": True}],
        "coordinators": [PERSON],
        "sourcers": [PERSON],
    },
    **FIELDS,
    "openings": [
        {
            "id": 1,
            "opening_id": "",
            "status": "",
            "opened_at": "",
            "closed_at": "",
            "application_id": 1,
            "close_reason": {"id": 1, "name": ""},
        }
    ],
}
STAGE = {
    "id": 1,
    "name": "",
    "created_at": "",
    "updated_at": "",
    "job_id": 1,
    "interviews": [
        {"id": 1, "name": "", "interview_kit": {"id": 1, "content": "", "questions": [{"id": 1, "question": ""}]}}
    ],
}
OFFER = {
    "starts_at": "",
    **FIELDS,
    "created_at": "",
    "application_id": 1,
    "status": "",
    "candidate_id": 1,
    "updated_at": "",
    "version": 1,
    "resolved_at": "",
    "sent_at": "",
    "id": 1,
    "job_id": 1,
}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def operating(databases: Databases, sealer: Sealer) -> AsyncIterator[Operating]:
    async with open_operations(databases, sealer, size=SIZE, seed=7) as opened:
        yield opened


@pytest.fixture(scope="module")
def truth(operating: Operating) -> Truth:
    return Truth(operating)


# Jobs and their stages


async def test_every_job_of_the_list_holds_what_the_vendor_has(operating: Operating, truth: Truth) -> None:
    found, calls = await list_all(operating, "list_jobs")
    assert [each["id"] for each in found] == [row["id"] for row in truth.rows["jobs"]]
    for shown, row in zip(found, truth.rows["jobs"], strict=True):
        assert shown == truth.expect_job(row)
    check_whole(found, JOB)
    assert len(found) > 100
    check_bounded(
        calls, jobs=AHEAD, departments=1, offices=1, openings=2, job_hiring_managers=2, job_owners=2, users=2,
        close_reasons=1,
    )  # fmt: skip


async def test_one_job_is_what_the_list_shows(operating: Operating, truth: Truth) -> None:
    for row in truth.rows["jobs"][::40]:
        assert await operating.call("get_job", job_id=row["id"]) == {"job_found": True, "body": truth.expect_job(row)}
        assert set(operating.calls.values()) == {1}
        assert len(operating.calls) <= 8


async def test_jobs_are_filtered_as_v1_filtered_them(operating: Operating, truth: Truth) -> None:
    rows = truth.rows["jobs"]
    middle = rows[len(rows) // 2]
    since, until = middle["created_at"], rows[10]["updated_at"]
    department = next(row for row in truth.rows["departments"] if row["external_id"])
    office = next(
        row
        for row in truth.rows["offices"]
        if row["external_id"] and any(row["id"] in job["office_ids"] for job in rows)
    )
    opening = next(row for row in truth.rows["openings"] if row["opening_id"])
    requisition = next(row["requisition_id"] for row in rows if row["requisition_id"])
    field = next(row for row in truth.rows["custom_fields"] if row["name_key"] == "working_languages")
    language = truth.where("custom_field_options", custom_field_id=field["id"])[0]
    with_opening = {row["job_id"] for row in truth.where("openings", opening_id=opening["opening_id"])}
    cases: list[tuple[dict[str, Any], Callable[[Row], bool]]] = [
        ({"status": "closed"}, lambda row: row["status"] == "closed"),
        ({"created_after": since}, lambda row: row["created_at"] >= since),
        ({"created_before": since}, lambda row: row["created_at"] < since),
        ({"updated_after": until}, lambda row: row["updated_at"] >= until),
        (
            {"created_after": since, "updated_before": until, "status": "open"},
            lambda row: row["created_at"] >= since and row["updated_at"] < until and row["status"] == "open",
        ),
        ({"requisition_id": requisition}, lambda row: row["requisition_id"] == requisition),
        ({"department_id": middle["department_id"]}, lambda row: row["department_id"] == middle["department_id"]),
        ({"external_department_id": department["external_id"]}, lambda row: row["department_id"] == department["id"]),
        ({"office_id": office["id"]}, lambda row: office["id"] in row["office_ids"]),
        ({"external_office_id": office["external_id"]}, lambda row: office["id"] in row["office_ids"]),
        ({"opening_id": opening["opening_id"]}, lambda row: row["id"] in with_opening),
        (
            {"custom_field_option_id": language["id"], "office_id": office["id"]},
            lambda row: (
                language["name"] in (row["custom_fields"]["working_languages"]["value"] or [])
                and office["id"] in row["office_ids"]
            ),
        ),
    ]
    for given, holds in cases:
        found, _ = await list_all(operating, "list_jobs", **given)
        expected = [row["id"] for row in rows if holds(row)]
        assert [each["id"] for each in found] == expected, given
        assert 0 < len(expected) < len(rows), given


async def test_every_stage_holds_its_interviews_kits_and_questions(operating: Operating, truth: Truth) -> None:
    found, calls = await list_all(operating, "list_job_stages")
    assert [each["id"] for each in found] == [row["id"] for row in truth.rows["job_interview_stages"]]
    for shown, row in zip(found, truth.rows["job_interview_stages"], strict=True):
        assert shown == truth.expect_stage(row)
    check_whole(found, STAGE)
    check_bounded(
        calls, job_interview_stages=AHEAD, job_interviews=1, interview_kits=1, scorecard_questions=2,
        default_interviewers=2, users=2,
    )  # fmt: skip


async def test_the_stages_of_one_job(operating: Operating, truth: Truth) -> None:
    job = truth.rows["jobs"][3]["id"]
    rows = by_order(truth.where("job_interview_stages", job_id=job))
    found = await operating.call("list_job_stages_for_job", job_id=job)
    assert found == {"results": [truth.expect_stage(row) for row in rows]}
    assert set(operating.calls.values()) == {1}
    assert len(operating.calls) == 6
    choices = await operating.call("list_job_stages_for_job_ddl", job_id=job)
    assert choices == {"result": [{"text": row["name"], "value": row["id"]} for row in rows]}
    assert operating.calls == {"job_interview_stages": 1}


# Offers


async def test_every_offer_holds_what_the_vendor_has(operating: Operating, truth: Truth) -> None:
    found, calls = await list_all(operating, "list_offers")
    assert [each["id"] for each in found] == [row["id"] for row in truth.rows["offers"]]
    for shown, row in zip(found, truth.rows["offers"], strict=True):
        assert shown == truth.expect_offer(row)
    check_whole(found, OFFER)
    assert {each["status"] for each in found} >= {"created", "accepted", "rejected"}
    assert any(each["opening"] for each in found)
    check_bounded(calls, offers=AHEAD, openings=2, close_reasons=1)


async def test_offers_are_found_by_id_and_by_application(operating: Operating, truth: Truth) -> None:
    versions = Counter(row["application_id"] for row in truth.rows["offers"])
    application, count = versions.most_common(1)[0]
    assert count > 1
    rows = truth.where("offers", application_id=application)
    found = await operating.call("list_offers_by_application", application_id=application)
    assert found == {"results": [truth.expect_offer(row) for row in rows]}
    second = await operating.call("list_offers_by_application", application_id=application, results_per_page=1, page=2)
    assert second == {"results": [truth.expect_offer(rows[1])]}
    newest = max(rows, key=lambda row: int(row["version"]))
    current = await operating.call("get_current_offer_by_application", application_id=application)
    assert current == {"offer_found": True, "body": truth.expect_offer(newest)}
    check_bounded(operating.calls, offers=1, openings=1, close_reasons=1)
    one = await operating.call("get_offer", offer_id=rows[-1]["id"])
    assert one == {"offer_found": True, "body": truth.expect_offer(rows[-1])}
    check_bounded(operating.calls, offers=1, openings=1, close_reasons=1)


async def test_offers_are_filtered_as_v1_filtered_them(operating: Operating, truth: Truth) -> None:
    rows = truth.rows["offers"]
    sent = sorted(row["sent_on"] for row in rows if row["sent_on"])
    resolved = sorted(row["resolved_at"] for row in rows if row["resolved_at"])
    first, last = sent[len(sent) // 4], sent[len(sent) // 2]
    early, late = resolved[len(resolved) // 4], resolved[len(resolved) // 2]
    starts, updated = rows[30]["starts_on"], rows[20]["updated_at"]
    cases: list[tuple[dict[str, Any], Callable[[Row], bool]]] = [
        ({"status": "unresolved"}, lambda row: row["status"] == "Created"),
        ({"status": "accepted"}, lambda row: row["status"] == "Accepted"),
        (
            {"sent_after": first, "sent_before": last},
            lambda row: row["sent_on"] is not None and first <= row["sent_on"] <= last,
        ),
        ({"starts_after": starts}, lambda row: row["starts_on"] is not None and row["starts_on"] >= starts),
        (
            {"resolved_after": early, "resolved_before": late},
            lambda row: row["resolved_at"] is not None and early <= row["resolved_at"] <= late,
        ),
        ({"updated_before": updated}, lambda row: row["updated_at"] <= updated),
        (
            {"updated_before": updated, "created_after": rows[-10]["created_at"]},
            lambda row: row["updated_at"] <= updated and row["created_at"] >= rows[-10]["created_at"],
        ),
    ]
    for given, holds in cases:
        found, _ = await list_all(operating, "list_offers", **given)
        expected = [row["id"] for row in rows if holds(row)]
        assert [each["id"] for each in found] == expected, given
        assert 0 < len(expected) < len(rows), given
