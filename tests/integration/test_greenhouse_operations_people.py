"""The operations that read candidates and applications, against the emulator: structure, every value, vendor calls."""

import math
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import pytest_asyncio

from testbed.databases import Databases
from testbed.harvest import Row
from testbed.operating import Operating, open_operations
from testbed.shapes import check_equal, check_structure
from unihire.kit.seal import Sealer
from unihire.platform.inputs import BadInput

SIZE = 240
AHEAD = 2
"""A page, and the next one, which is asked for while it is read."""
CATALOGS = dict.fromkeys(
    (
        "departments", "jobs", "offices", "prospect_pool_stages", "prospect_pools", "referrers", "rejection_reasons",
        "sources", "users",
    ),
    1,
)  # fmt: skip
NO_PROSPECT = {"prospect_pool": None, "prospect_stage": None, "prospect_owner": None}
KEPT_USER = ("id", "first_name", "last_name", "name", "employee_id")

# The samples people built on, restated.
APPLICATION = {
    "credited_to": {"id": 1, "first_name": "", "last_name": "", "name": "", "employee_id": ""},
    "prospect_detail": NO_PROSPECT,
    "rejection_details": None,
    "prospect": False,
    "status": "active",
    "rejected_at": "",
    "answers": [{"question": "", "answer": ""}],
    "applied_at": "2023-05-15T10:30:00Z",
    "location": {"address": ""},
    "jobs": [{"id": 1, "name": ""}],
    "candidate_id": 1,
    "current_stage": {"id": 1, "name": ""},
    "rejection_reason": {"id": 1, "name": "", "type": {"id": 1, "name": ""}},
    "last_activity_at": "",
    "source": {"id": 1, "public_name": ""},
    "id": 1,
}
TYPED = [{"value": "", "type": ""}]
PERSON = {"id": 1, "first_name": "", "last_name": "", "name": "", "employee_id": ""}
CANDIDATE = {
    "id": 1,
    "first_name": "",
    "last_name": "",
    "company": "",
    "title": "",
    "created_at": "",
    "updated_at": "",
    "last_activity": "",
    "is_private": False,
    "photo_url": None,
    "attachments": [{"filename": "", "url": "", "type": ""}],
    "application_ids": [1],
    "phone_numbers": TYPED,
    "addresses": TYPED,
    "email_addresses": TYPED,
    "website_addresses": TYPED,
    "social_media_addresses": [{"value": ""}],
    "recruiter": PERSON,
    "coordinator": PERSON,
    "tags": [""],
    "applications": [APPLICATION],
    "educations": [],
    "employments": [],
    "custom_fields": {"desired_salary": None},
    "keyed_custom_fields": {"desired_salary": None},
}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def operating(databases: Databases, sealer: Sealer) -> AsyncIterator[Operating]:
    async with open_operations(databases, sealer, size=SIZE, seed=5) as opened:
        yield opened


@pytest.fixture(scope="module")
def truth(operating: Operating) -> "Truth":
    return Truth(operating)


class Truth:
    """What the operations must give, worked out from the vendor's rows once more."""

    def __init__(self, operating: Operating) -> None:
        self.read: Callable[..., list[Row]] = operating.read
        self.applications = self.read("applications")
        self.candidates = self.read("candidates")
        self.jobs = self._index("jobs")
        self.users = self._index("users", show_service_accounts="true")
        self.sources = self._index("sources")
        self.referrers = self._index("referrers")
        self.reasons = self._index("rejection_reasons", include_defaults="true")
        self.passings = self._index("application_stages")
        self.offices, self.departments = self._index("offices"), self._index("departments")
        self.options = self._index("custom_field_options")
        self.named = {name: self._index(name) for name in ("prospect_pools", "prospect_pool_stages")}
        self.rejections = {row["application_id"]: row for row in self.read("rejection_details")}
        self.prospects = {row["application_id"]: row for row in self.read("prospect_details")}
        self.attachments = self.read("attachments")
        self.educations = self.read("candidate_educations")
        self.employments = self.read("candidate_employments")

    def _index(self, stream: str, **query: str) -> dict[Any, Row]:
        return {row["id"]: row for row in self.read(stream, **query)}

    def expect_application(self, row: Row) -> Row:
        prospect, rejection = self.prospects.get(row["id"]), None
        if row["status"] == "rejected":
            rejection = self.rejections[row["id"]]
        job_ids = ([row["job_id"]] if row["job_id"] else []) + (row["prospective_job_ids"] if row["prospect"] else [])
        source = self.sources.get(row["source_id"])
        return {
            "id": row["id"],
            "candidate_id": row["candidate_id"],
            "prospect": row["prospect"],
            "applied_at": row["created_at"],
            "rejected_at": row["rejected_at"],
            "last_activity_at": row["last_activity_at"],
            "location": row["location_address"] and {"address": row["location_address"]},
            "source": source and {"id": source["id"], "public_name": source["name"]},
            "credited_to": self.expect_credited(row["referrer_id"]),
            "recruiter": self.expect_user(row["recruiter_id"]),
            "coordinator": self.expect_user(row["coordinator_id"]),
            "rejection_reason": rejection and self.expect_reason(rejection["rejection_reason_id"]),
            "rejection_details": rejection and expect_fields(rejection["question_custom_fields"]),
            "jobs": [{"id": id, "name": self.jobs[id]["name"]} for id in job_ids],
            "job_post_id": row["job_post_id"],
            "status": {"in_process": "active"}.get(row["status"], row["status"]),
            "current_stage": row["stage_id"]
            and {"id": self.passings[row["stage_id"]]["job_interview_stage_id"], "name": row["stage_name"]},
            "answers": row["answers"],
            "prospective_office": prospect and self.expect_office(prospect["office_id"]),
            "prospective_department": prospect and self.expect_department(prospect["department_id"]),
            "prospect_detail": self.expect_prospect(prospect) if prospect else NO_PROSPECT,
            **expect_fields(row["custom_fields"]),
            "attachments": [expect_file(file) for file in self.attachments if file["application_id"] == row["id"]],
        }

    def expect_user(self, id: int | None) -> Row | None:
        return None if id is None else {name: self.users[id][name] for name in KEPT_USER}

    def expect_credited(self, id: int | None) -> Row | None:
        if id is None:
            return None
        referrer = self.referrers[id]
        return self.expect_user(referrer["user_id"]) or dict.fromkeys(KEPT_USER) | {"name": referrer["name"]}

    def expect_reason(self, id: int) -> Row:
        reason = self.reasons[id]
        kind = {name: reason["type"][name] for name in ("id", "name")}
        return {"id": id, "name": reason["name"], "type": kind}

    def expect_prospect(self, prospect: Row) -> Row:
        pool, stage = prospect["pool_id"], prospect["pool_stage_id"]
        owner = self.expect_user(prospect["prospect_owner_id"])
        return {
            "prospect_pool": pool and {"id": pool, "name": self.named["prospect_pools"][pool]["name"]},
            "prospect_stage": stage and {"id": stage, "name": self.named["prospect_pool_stages"][stage]["name"]},
            "prospect_owner": owner and {"id": owner["id"], "name": owner["name"]},
        }

    def expect_department(self, id: int | None) -> Row | None:
        return None if id is None else expect_branch("department", self.departments, id)

    def expect_office(self, id: int | None) -> Row | None:
        if id is None:
            return None
        own = {
            "location": {"name": self.offices[id]["location"]},
            "primary_contact_user_id": self.offices[id]["primary_in_house_contact_user_id"],
        }
        return expect_branch("office", self.offices, id) | own

    def expect_candidate(self, row: Row) -> Row:
        applications = [
            self.expect_application(each) for each in self.applications if each["candidate_id"] == row["id"]
        ]
        assigned = {
            role: next((each[role] for each in applications if each[role]), None)
            for role in ("recruiter", "coordinator")
        }
        fields = expect_fields(row["custom_fields"])
        keyed = fields["keyed_custom_fields"]
        same = (
            "id", "first_name", "last_name", "company", "title", "created_at", "updated_at", "can_email", "tags",
            "linked_user_ids", "phone_numbers", "addresses", "email_addresses", "website_addresses",
            "social_media_addresses",
        )  # fmt: skip
        return {
            **{name: row[name] for name in same},
            **assigned,
            **fields,
            "keyed_custom_fields": {key: None if field["value"] is None else field for key, field in keyed.items()},
            "last_activity": row["last_activity_at"],
            "is_private": row["private"],
            "photo_url": None,
            "attachments": [file for each in applications for file in each["attachments"]],
            "application_ids": [each["id"] for each in applications],
            "applications": applications,
            "educations": [
                self.expect_education(each) for each in self.educations if each["candidate_id"] == row["id"]
            ],
            "employments": [
                {
                    "id": each["id"],
                    "company_name": each["company_name"],
                    "title": each["title"],
                    "start_date": expect_midnight(each["start_date"]),
                    "end_date": expect_midnight(each["end_date"]),
                }
                for each in self.employments
                if each["candidate_id"] == row["id"]
            ],
        }

    def expect_education(self, row: Row) -> Row:
        chosen = {name: row[f"{name}_custom_field_option_id"] for name in ("school_name", "degree", "discipline")}
        names = {name: id and self.options[id]["name"] for name, id in chosen.items()}
        return {"id": row["id"], "start_date": row["start_at"], "end_date": row["end_at"], **names}


def expect_midnight(day: str | None) -> str | None:
    return day and f"{day}T00:00:00.000Z"


def expect_file(file: Row) -> Row:
    return {name: file[name] for name in ("filename", "url", "type", "created_at")}


def expect_fields(fields: Row) -> Row:
    plain = {field["name"].lower().replace(" ", "_"): field["value"] for field in fields.values()}
    return {"custom_fields": plain, "keyed_custom_fields": fields}


def expect_branch(kind: str, rows: dict[Any, Row], id: int) -> Row:
    row, below = rows[id], [each for each in rows.values() if each["parent_id"] == id]
    above = rows.get(row["parent_id"])
    return {
        **{name: row[name] for name in ("id", "name", "parent_id", "external_id")},
        f"parent_{kind}_external_id": above and above["external_id"],
        "child_ids": [each["id"] for each in below],
        f"child_{kind}_external_ids": [each["external_id"] for each in below if each["external_id"]],
    }


async def list_all(operating: Operating, name: str, size: int, **input: Any) -> list[Row]:
    found: list[Row] = []
    for page in range(1, 1000):
        results = (await operating.call(name, page=page, results_per_page=size, **input))["results"]
        found += results
        if len(results) < size:
            break
    return found


async def test_every_application_of_the_list_holds_what_the_vendor_has(operating: Operating, truth: Truth) -> None:
    found = await list_all(operating, "list_applications", 90)
    assert [each["id"] for each in found] == [row["id"] for row in truth.applications]
    for shown, row in zip(found, truth.applications, strict=True):
        check_equal(shown, truth.expect_application(row))
        check_structure(APPLICATION, shown)
    check_whole(found, APPLICATION)
    assert any(each["credited_to"] and each["credited_to"]["id"] is None for each in found)
    assert {each["status"] for each in found} == {"active", "rejected", "hired", "converted"}
    for member in ("prospect_pool", "prospect_stage", "prospect_owner"):
        assert any(each["prospect_detail"][member] for each in found)
    for member in ("prospective_office", "prospective_department", "recruiter", "coordinator"):
        assert any(each[member] for each in found)


async def test_every_candidate_of_the_list_holds_what_the_vendor_has(operating: Operating, truth: Truth) -> None:
    found = await list_all(operating, "list_candidates", 100)
    assert [each["id"] for each in found] == [row["id"] for row in truth.candidates]
    for shown, row in zip(found, truth.candidates, strict=True):
        check_equal(shown, truth.expect_candidate(row))
        check_structure(CANDIDATE, shown)
    check_whole(found, CANDIDATE)
    assert any(len(each["applications"]) > 1 for each in found)
    assert any(not each["applications"] for each in found)
    for member in ("educations", "employments", "linked_user_ids"):
        assert any(each[member] for each in found)


def check_whole(found: list[Row], sample: Row) -> None:
    """That each member of the sample is something in one of the results at least: none is always empty."""
    for name, value in sample.items():
        if value:
            assert any(each[name] for each in found), name


async def test_one_candidate_and_one_application_are_what_the_lists_show(operating: Operating, truth: Truth) -> None:
    for row in truth.candidates[::40]:
        found = await operating.call("get_candidate", candidate_id=row["id"])
        check_equal(found, {"candidate_found": True, "body": truth.expect_candidate(row)})
    for row in truth.applications[::60]:
        found = await operating.call("get_application", application_id=row["id"])
        check_equal(found, {"application_found": True, "body": truth.expect_application(row)})


async def test_what_the_vendor_has_not_is_not_found(operating: Operating) -> None:
    assert await operating.call("get_candidate", candidate_id=7) == {"candidate_found": False, "body": None}
    assert operating.calls == {"candidates": 1}
    assert await operating.call("get_application", application_id=7) == {"application_found": False, "body": None}
    assert operating.calls == {"applications": 1}


async def test_filters_let_through_what_v1_let_through(operating: Operating, truth: Truth) -> None:
    rows, middle = truth.applications, truth.applications[len(truth.applications) // 2]
    since, until = middle["created_at"], rows[20]["created_at"]
    job = next(row["job_id"] for row in rows if row["job_id"] and not row["prospect"])
    wished = next(row["prospective_job_ids"][0] for row in rows if row["prospective_job_ids"])
    cases: list[tuple[dict[str, Any], Callable[[Row], bool]]] = [
        ({"created_after": since}, lambda row: row["created_at"] >= since),
        ({"created_after": since, "created_before": until}, lambda row: since <= row["created_at"] < until),
        ({"last_activity_after": since}, lambda row: row["last_activity_at"] >= since),
        ({"status": "Active"}, lambda row: row["status"] == "in_process"),
        ({"status": "converted"}, lambda row: row["status"] == "converted"),
        ({"status": "in_process"}, lambda row: False),
        ({"job_id": job}, lambda row: row["job_id"] == job or (row["prospect"] and job in row["prospective_job_ids"])),
        (
            {
                "job_id": wished,
                "status": "active",
                "created_after": rows[-1]["created_at"],
                "last_activity_after": since,
            },
            lambda row: (
                (row["job_id"] == wished or wished in row["prospective_job_ids"])
                and row["status"] == "in_process"
                and row["last_activity_at"] >= since
            ),
        ),
    ]
    for given, holds in cases:
        found = await list_all(operating, "list_applications", 60, **given)
        assert [each["id"] for each in found] == [row["id"] for row in rows if holds(row)], given


async def test_candidates_are_filtered_as_v1_filtered_them(operating: Operating, truth: Truth) -> None:
    rows, middle = truth.candidates, truth.candidates[len(truth.candidates) // 2]
    since, until = middle["created_at"], rows[20]["updated_at"]
    job = next(row["job_id"] for row in truth.applications if row["job_id"] and not row["prospect"])
    applied = {row["candidate_id"] for row in truth.applications if row["job_id"] == job and not row["prospect"]}
    email = next(row["email_addresses"][0]["value"] for row in rows if row["email_addresses"])
    ids = [row["id"] for row in rows[10:70]][:50]
    cases: list[tuple[dict[str, Any], Callable[[Row], bool]]] = [
        ({"created_after": since}, lambda row: row["created_at"] >= since),
        ({"updated_before": until}, lambda row: row["updated_at"] < until),
        (
            {"created_after": since, "updated_before": until},
            lambda row: row["created_at"] >= since and row["updated_at"] < until,
        ),
        ({"job_id": job}, lambda row: row["id"] in applied),
        ({"job_id": job, "updated_after": since}, lambda row: row["id"] in applied and row["updated_at"] >= since),
        ({"email": email}, lambda row: any(each["value"] == email for each in row["email_addresses"])),
        ({"candidate_ids": [str(id) for id in ids]}, lambda row: row["id"] in ids),
        (
            {"candidate_ids": [str(id) for id in ids], "job_id": job, "created_before": until},
            lambda row: row["id"] in ids and row["id"] in applied and row["created_at"] < until,
        ),
    ]
    for given, holds in cases:
        found = await list_all(operating, "list_candidates", 60, **given)
        assert [each["id"] for each in found] == [row["id"] for row in rows if holds(row)], given


async def test_a_page_of_a_hundred_asks_for_fifty_ids_a_call(operating: Operating) -> None:
    """Nothing is asked once for each candidate or application; what they name is asked once for all of them."""
    shown = (await operating.call("list_candidates"))["results"]
    applications = [each for candidate in shown for each in candidate["applications"]]
    by_candidate, by_application = math.ceil(len(shown) / 50), math.ceil(len(applications) / 50)
    check_calls(
        operating,
        candidates=AHEAD,
        applications=by_candidate,
        candidate_educations=by_candidate,
        candidate_employments=by_candidate,
        attachments=by_application,
        application_stages=by_application,
        rejection_details=by_application,
        prospect_details=by_application,
        **CATALOGS,
        custom_field_options=1,
    )
    shown = (await operating.call("list_applications"))["results"]
    check_calls(
        operating,
        applications=AHEAD,
        attachments=2,
        application_stages=2,
        rejection_details=1,
        prospect_details=1,
        **CATALOGS,
    )


async def test_one_candidate_and_one_application_take_a_call_a_list(operating: Operating, truth: Truth) -> None:
    for row in truth.candidates[::60]:
        await operating.call("get_candidate", candidate_id=row["id"])
        assert set(operating.calls.values()) == {1}
        assert len(operating.calls) <= 18
    for row in truth.applications[::60]:
        await operating.call("get_application", application_id=row["id"])
        assert set(operating.calls.values()) == {1}
        assert len(operating.calls) <= 14


async def test_filters_that_the_vendor_lacks_cost_few_calls(operating: Operating, truth: Truth) -> None:
    row = next(row for row in truth.applications if row["job_id"] and not row["prospect"])
    await operating.call("list_applications", job_id=row["job_id"])
    assert operating.calls["applications"] == 2  # the job's own, and the prospects considered for it
    await operating.call("list_candidates", job_id=row["job_id"], created_after="2020-01-01T00:00:00Z")
    assert operating.calls["applications"] == 2  # the job's, and those of its candidates
    assert operating.calls["candidates"] == 1
    await operating.call("list_candidates", candidate_ids=[str(row["candidate_id"])], job_id=row["job_id"])
    assert operating.calls["applications"] == 2
    assert operating.calls["candidates"] == 1


async def test_bad_inputs_reach_no_vendor(operating: Operating) -> None:
    await operating.call("get_candidate", candidate_id=7)
    before = (await operating.control.get("requests")).json()["total"]
    for name, given, place in (
        ("get_candidate", {}, "candidate_id"),
        ("get_application", {"application_id": "7"}, "application_id"),
        ("list_candidates", {"candidate_ids": ["one"]}, "candidate_ids/0"),
        ("list_candidates", {"updated_after": "yesterday"}, "updated_after"),
        ("list_applications", {"results_per_page": 0}, "results_per_page"),
        ("list_applications", {"email": "ann@example.com"}, "email"),
    ):
        with pytest.raises(BadInput, match=place):
            await operating.operations.call(operating.connector, name, given)
    assert (await operating.control.get("requests")).json()["total"] == before


def check_calls(operating: Operating, **most: int) -> None:
    over = {name: count for name, count in operating.calls.items() if count > most.get(name, 0)}
    assert not over, f"more calls than {most}"


async def test_choices_are_all_candidates_and_the_active_custom_fields(operating: Operating, truth: Truth) -> None:
    choices = (await operating.call("list_candidates_ddl"))["result"]
    assert operating.calls == {"candidates": 1}
    assert choices == [
        {"text": f"{row['first_name']} {row['last_name']}", "value": row["id"]} for row in reversed(truth.candidates)
    ]
    found = await operating.call("get_candidate", candidate_id=choices[7]["value"])
    assert found["candidate_found"]
    fields = [row for row in operating.read("custom_fields", field_type="candidate") if row["active"]]
    choices = (await operating.call("list_candidate_custom_fields_ddl"))["result"]
    assert operating.calls == {"custom_fields": 1}
    assert choices == [
        {"text": row["name"], "value": row["id"]} for row in sorted(fields, key=lambda row: row["sort_order"])
    ]
