"""What the operations on jobs, offers, users and the company must give, worked out from the emulator's rows."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

from testbed.harvest import Row
from testbed.operating import Operating
from testbed.shapes import check_structure

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


def check_each(found: list[Row], sample: Row) -> None:
    """That all have the structure of the sample."""
    for each in found:
        check_structure(sample, each)


def check_whole(found: list[Row], sample: Row) -> None:
    """That all have the structure of the sample, and each of its members is something in one of them at least."""
    check_each(found, sample)
    for name in sample:
        assert any(each[name] not in (None, [], {}) for each in found), name


def check_bounded(calls: Counter[str], **most: int) -> None:
    """That these lists were asked, each no more often."""
    assert calls.keys() <= most.keys()
    assert {name: count for name, count in calls.items() if count > most[name]} == {}
