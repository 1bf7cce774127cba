"""The operations that read jobs, offers, users and what a company sets up against the emulator: structure, every value,
and the vendor's calls."""

import math
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable
from typing import Any

import pytest
import pytest_asyncio

from testbed.databases import Databases
from testbed.harvest import Row
from testbed.operating import Operating, check_structure, open_operations
from unihire.kit.seal import Sealer

SIZE = 1500
KEPT_USER = ("id", "first_name", "last_name", "name", "employee_id")
WHOLE = {"users": {"show_service_accounts": "true"}}
LISTS = (
    "jobs", "departments", "offices", "openings", "close_reasons", "job_hiring_managers", "job_owners",
    "job_interview_stages", "job_interviews", "interview_kits", "scorecard_questions", "default_interviewers",
    "offers", "sources", "users", "user_emails", "custom_fields", "custom_field_options", "custom_field_departments",
    "custom_field_offices",
)  # fmt: skip
AHEAD = 2
"""Most calls for a page: while one is read, the next may be under way."""

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
USER = {
    "id": 1,
    "name": "",
    "first_name": "",
    "last_name": "",
    "updated_at": "",
    "created_at": "",
    "disabled": False,
    "site_admin": False,
    "emails": [""],
    "employee_id": "",
}
FIELD = {
    "id": 1,
    "name": "",
    "active": True,
    "field_type": "",
    "priority": 1,
    "value_type": "",
    "private": True,
    "required": True,
    "require_approval": True,
    "trigger_new_version": True,
    "name_key": "",
    "custom_field_options": [{"id": 1, "name": "", "priority": 1}],
}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def operating(databases: Databases, sealer: Sealer) -> AsyncIterator[Operating]:
    async with open_operations(databases, sealer, size=SIZE, seed=7) as opened:
        yield opened


@pytest.fixture(scope="module")
def truth(operating: Operating) -> "Truth":
    return Truth(operating)


class Truth:
    """What the operations must give, worked out from the vendor's rows once more."""

    def __init__(self, operating: Operating) -> None:
        self.rows = {stream: operating.read(stream, **WHOLE.get(stream, {})) for stream in LISTS}
        self.people = operating.read("users")

    def get(self, stream: str, id: int) -> Row:
        return next(row for row in self.rows[stream] if row["id"] == id)

    def where(self, stream: str, **members: Any) -> list[Row]:
        return [row for row in self.rows[stream] if all(row[name] == value for name, value in members.items())]

    def expect_job(self, row: Row) -> Row:
        job = row["id"]
        same = (
            "id", "name", "requisition_id", "notes", "confidential", "status", "created_at", "opened_at", "closed_at",
            "updated_at", "is_template", "copied_from_id",
        )  # fmt: skip
        team: dict[str, list[Row]] = {"recruiter": [], "coordinator": [], "sourcer": []}
        for owner in self.where("job_owners", job_id=job):
            more = {} if owner["type"] == "sourcer" else {"responsible": owner["responsible"]}
            team[owner["type"]].append(self.expect_person(owner["user_id"]) | more)
        return {
            **{name: row[name] for name in same},
            **expect_fields(row),
            "departments": [self.expect_department(row["department_id"])] if row["department_id"] else [],
            "offices": [self.expect_office(id) for id in row["office_ids"]],
            "hiring_team": {
                "hiring_managers": [
                    self.expect_person(each["user_id"]) for each in self.where("job_hiring_managers", job_id=job)
                ],
                **{f"{kind}s": people for kind, people in team.items()},
            },
            "openings": [self.expect_opening(each) for each in self.where("openings", job_id=job)],
        }

    def expect_person(self, id: int) -> Row:
        return {name: self.get("users", id)[name] for name in KEPT_USER}

    def expect_opening(self, row: Row) -> Row:
        reason = row["close_reason_id"] and self.get("close_reasons", row["close_reason_id"])
        return {
            **{name: row[name] for name in ("id", "opening_id", "opened_at", "closed_at", "application_id")},
            "status": "open" if row["open"] else "closed",
            "close_reason": reason and {"id": reason["id"], "name": reason["name"]},
            **expect_fields(row),
        }

    def expect_department(self, id: int) -> Row:
        return self.expect_branch("department", id)

    def expect_office(self, id: int) -> Row:
        row = self.get("offices", id)
        return {
            **self.expect_branch("office", id),
            "location": {"name": row["location"]},
            "primary_contact_user_id": row["primary_in_house_contact_user_id"],
        }

    def expect_branch(self, kind: str, id: int) -> Row:
        row, below = self.get(f"{kind}s", id), self.where(f"{kind}s", parent_id=id)
        return {
            **{name: row[name] for name in ("id", "name", "parent_id", "external_id")},
            f"parent_{kind}_external_id": row["parent_id"] and self.get(f"{kind}s", row["parent_id"])["external_id"],
            "child_ids": [each["id"] for each in below],
            f"child_{kind}_external_ids": [each["external_id"] for each in below if each["external_id"]],
        }

    def expect_stage(self, row: Row) -> Row:
        interviews = self.where("job_interviews", job_interview_stage_id=row["id"])
        return {
            **{name: row[name] for name in ("id", "name", "created_at", "updated_at", "active", "job_id")},
            "priority": row["sort_order"],
            "interviews": [self.expect_interview(each) for each in by_order(interviews)],
        }

    def expect_interview(self, row: Row) -> Row:
        [kit] = self.where("interview_kits", job_interview_id=row["id"])
        questions = by_order(self.where("scorecard_questions", interview_kit_id=kit["id"]))
        interviewers = self.where("default_interviewers", interview_kit_id=kit["id"])
        return {
            **{name: row[name] for name in ("id", "name", "created_at", "updated_at", "job_id")},
            "schedulable": row["scheduling_type"] and row["scheduling_type"] == "needs_scheduling",
            "estimated_minutes": row["duration"],
            "default_interviewer_users": [self.expect_person(each["user_id"]) for each in interviewers],
            "interview_kit": {
                "id": kit["id"],
                "content": kit["exercises"],
                "questions": [{"id": each["id"], "question": each["question"]} for each in questions],
            },
        }

    def expect_offer(self, row: Row) -> Row:
        same = (
            "id", "version", "application_id", "job_id", "candidate_id", "created_at", "updated_at", "resolved_at",
        )  # fmt: skip
        return {
            **{name: row[name] for name in same},
            **expect_fields(row),
            "opening": row["opening_id"] and self.expect_opening(self.get("openings", row["opening_id"])),
            "sent_at": row["sent_on"],
            "starts_at": row["starts_on"],
            "status": row["status"].lower(),
        }

    def expect_user(self, row: Row, *, with_fields: bool) -> Row:
        same = (
            *KEPT_USER, "created_at", "updated_at", "site_admin", "emails", "linked_candidate_ids",
        )  # fmt: skip
        return {
            **{name: row[name] for name in same},
            "primary_email_address": row["primary_email"],
            "disabled": row["deactivated"],
            "offices": [self.expect_office(id) for id in row["office_ids"]],
            "departments": [self.expect_department(id) for id in row["department_ids"]],
            **(expect_fields(row) if with_fields else {}),
        }

    def expect_field(self, row: Row) -> Row:
        same = (
            "id", "name", "active", "field_type", "value_type", "private", "required", "require_approval",
            "trigger_new_version", "name_key", "description", "expose_in_job_board_api", "api_only",
            "template_token_string",
        )  # fmt: skip
        offices = self.where("custom_field_offices", custom_field_id=row["id"])
        departments = self.where("custom_field_departments", custom_field_id=row["id"])
        options = by_order(self.where("custom_field_options", custom_field_id=row["id"]))
        return {
            **{name: row[name] for name in same},
            "priority": row["sort_order"],
            "offices": [self.expect_office(each["office_id"]) for each in offices],
            "departments": [self.expect_department(each["department_id"]) for each in departments],
            "custom_field_options": [
                {
                    "id": each["id"],
                    "name": each["name"],
                    "priority": each["sort_order"],
                    "external_id": each["external_id"],
                }
                for each in options
            ],
        }


def expect_fields(row: Row) -> Row:
    fields = row["custom_fields"]
    plain = {field["name"].lower().replace(" ", "_"): field["value"] for field in fields.values()}
    return {"custom_fields": plain, "keyed_custom_fields": fields}


def by_order(rows: Iterable[Row]) -> list[Row]:
    return sorted(rows, key=lambda row: (row["sort_order"], row["id"]))


async def list_all(operating: Operating, name: str, **input: Any) -> tuple[list[Row], Counter[str]]:
    """All results, a hundred a page, and the calls of the first page."""
    found: list[Row] = []
    first: Counter[str] = Counter()
    paging = "per_page" if name in ("list_job_stages", "list_sources") else "results_per_page"
    for page in range(1, 1000):
        results = (await operating.call(name, page=page, **{paging: 100}, **input))["results"]
        first = first or Counter(operating.calls)
        found += results
        if len(results) < 100:
            break
    return found, first


def check_whole(found: list[Row], sample: Row) -> None:
    """That all have the structure of the sample, and each of its members is something in one of them at least."""
    for each in found:
        check_structure(sample, each)
    for name in sample:
        assert any(each[name] not in (None, [], {}) for each in found), name


def check_bounded(calls: Counter[str], **most: int) -> None:
    """That these lists were asked, each no more often."""
    assert calls.keys() <= most.keys()
    assert {name: count for name, count in calls.items() if count > most[name]} == {}


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


# Users


async def test_every_user_holds_what_the_vendor_has(operating: Operating, truth: Truth) -> None:
    found, calls = await list_all(operating, "list_users", user_attributes=True)
    assert found == [truth.expect_user(row, with_fields=True) for row in truth.people]
    check_whole(found, USER)
    check_bounded(calls, users=AHEAD, departments=1, offices=1)
    bare, _ = await list_all(operating, "list_users")
    assert bare == [truth.expect_user(row, with_fields=False) for row in truth.people]
    choices = await operating.call("list_users_ddl")
    expected = [{"text": row["name"], "value": row["id"]} for row in reversed(truth.people)]
    assert choices == {"result": expected}
    assert operating.calls == {"users": 1}


async def test_users_are_found_by_id_address_and_employee_id(operating: Operating, truth: Truth) -> None:
    emails = Counter(row["user_id"] for row in truth.rows["user_emails"])
    user = truth.get("users", emails.most_common(1)[0][0])
    other = next(address for address in user["emails"] if address != user["primary_email"])
    found = await operating.call("get_user", user_id=user["id"])
    assert found == {"user_found": True, "body": truth.expect_user(user, with_fields=True)}
    check_bounded(operating.calls, users=1, departments=1, offices=1)
    expected = {"results": [truth.expect_user(user, with_fields=False)]}
    for email in (other, user["primary_email"]):
        assert await operating.call("list_users", email=email) == expected
        check_bounded(operating.calls, user_emails=1, users=1, departments=1, offices=1)
    employee = next(row for row in truth.people if row["employee_id"])
    listed = await operating.call("list_users", employee_id=employee["employee_id"])
    assert listed == {"results": [truth.expect_user(employee, with_fields=False)]}
    since, until = truth.people[40]["created_at"], truth.people[5]["updated_at"]
    both, _ = await list_all(operating, "list_users", created_after=since, updated_before=until)
    within = [row["id"] for row in truth.people if row["created_at"] >= since and row["updated_at"] < until]
    assert [each["id"] for each in both] == within
    assert within


async def test_what_the_vendor_has_not_is_not_found(operating: Operating) -> None:
    for id, asked in ((7, 1), (-7, 0), (2**70, 0)):
        assert await operating.call("get_job", job_id=id) == {"job_found": False, "body": None}
        assert operating.calls.total() == asked
        assert await operating.call("get_offer", offer_id=id) == {"offer_found": False, "body": None}
        assert await operating.call("get_user", user_id=id) == {"user_found": False, "body": None}
        current = await operating.call("get_current_offer_by_application", application_id=id)
        assert current == {"offer_found": False, "body": None}
        assert operating.calls.total() == asked
        assert await operating.call("list_offers_by_application", application_id=id) == {"results": []}
        assert await operating.call("list_job_stages_for_job", job_id=id) == {"results": []}


# What the company sets up


async def test_departments_as_a_list_and_as_a_tree(operating: Operating, truth: Truth) -> None:
    rows = truth.rows["departments"]
    found, calls = await list_all(operating, "list_departments")
    assert found == [truth.expect_department(row["id"]) for row in rows]
    check_whole(found, DEPARTMENT)
    check_bounded(calls, departments=1)
    tree = (await operating.call("list_departments", render_as="tree"))["results"]

    def grow(row: Row) -> Row:
        below = [grow(each) for each in truth.where("departments", parent_id=row["id"])]
        return {"id": row["id"], "name": row["name"], "children": below, "external_id": row["external_id"]}

    assert tree == [grow(row) for row in truth.where("departments", parent_id=None)]
    assert any(each["children"] for each in tree)


async def test_offices_are_flat_and_counted_on_every_page(operating: Operating, truth: Truth) -> None:
    rows = truth.rows["offices"]
    flat = [
        {
            "id": row["id"],
            "name": row["name"],
            "location": row["location"],
            "primary_contact_id": row["primary_in_house_contact_user_id"],
            "parent_id": row["parent_id"],
        }
        for row in rows
    ]
    meta = {"total": len(rows), "page": 1, "per_page": 100}
    assert await operating.call("list_offices") == {"offices": flat, "meta": meta}
    check_bounded(operating.calls, offices=1)
    second = await operating.call("list_offices", results_per_page=7, page=2)
    assert second == {"offices": flat[7:14], "meta": {"total": len(rows), "page": 2, "per_page": 7}}


async def test_sources_with_their_strategies(operating: Operating, truth: Truth) -> None:
    rows = sorted(truth.rows["sources"], key=lambda row: int(row["type"]["id"]))
    found, calls = await list_all(operating, "list_sources")
    assert found == [{"id": row["id"], "name": row["name"], "type": row["type"]} for row in rows]
    check_bounded(calls, sources=1)
    choices = await operating.call("list_sources_ddl")
    expected = [{"text": row["name"], "value": row["id"]} for row in reversed(truth.rows["sources"])]
    assert choices == {"result": expected}


@pytest.mark.parametrize(
    "kind",
    [
        "job", "candidate", "application", "offer", "opening", "rejection_question", "referral_question",
        "user_attribute",
    ],
)  # fmt: skip
async def test_custom_fields_of_every_type(operating: Operating, truth: Truth, kind: str) -> None:
    rows = by_order(truth.where("custom_fields", field_type=kind))
    found = (await operating.call("list_custom_fields", field_type=kind, include_inactive=True))["results"]
    assert found == [truth.expect_field(row) for row in rows]
    assert found
    for each in found:
        check_structure(FIELD, each)
    check_bounded(
        operating.calls, custom_fields=1, custom_field_options=1, custom_field_offices=1, custom_field_departments=1,
        departments=1, offices=1,
    )  # fmt: skip
    used = (await operating.call("list_custom_fields", field_type=kind))["results"]
    assert used == [each for each in found if each["active"]]


async def test_choices_feed_the_inputs_they_are_for(operating: Operating, truth: Truth) -> None:
    jobs = (await operating.call("list_jobs_ddl"))["result"]
    assert jobs == [{"text": row["name"], "value": row["id"]} for row in reversed(truth.rows["jobs"])]
    assert operating.calls == {"jobs": math.ceil(len(jobs) / 500)}
    assert (await operating.call("get_job", job_id=jobs[5]["value"]))["body"]["name"] == jobs[5]["text"]
    users = (await operating.call("list_users_ddl"))["result"]
    assert (await operating.call("get_user", user_id=users[5]["value"]))["body"]["name"] == users[5]["text"]
    fields = (await operating.call("list_job_custom_fields_ddl"))["result"]
    assert operating.calls == {"custom_fields": 1}
    selects = {row["id"] for row in truth.rows["custom_fields"] if row["value_type"].endswith("select")}
    chosen = next(field for field in fields if field["value"] in selects)
    options = (await operating.call("list_job_custom_field_options_ddl", custom_field=chosen["value"]))["result"]
    assert operating.calls == {"custom_field_options": 1}
    rows = by_order(truth.where("custom_field_options", custom_field_id=chosen["value"]))
    assert options == [{"text": row["name"], "value": row["id"]} for row in rows]
    found = await operating.call("list_jobs", custom_field_option_id=options[0]["value"])
    values = [each["custom_fields"][chosen["text"].lower().replace(" ", "_")] for each in found["results"]]
    assert values
    assert all(options[0]["text"] in value for value in values)


async def test_content_types_take_no_call(operating: Operating) -> None:
    found = (await operating.call("list_attachment_content_types_ddl"))["result"]
    assert [each["text"] for each in found] == ["PDF", "Word Document", "Image (JPEG)", "Image (PNG)", "Plain Text"]
    assert not operating.calls
