"""Rows that belong to a candidate or a user."""

from collections.abc import Mapping, Sequence

from unihire.integration.emulate import PartRows, PersonFacts, Row
from unihire.integrations.greenhouse.emulator.rows.catalog import (
    CANDIDATE_TAGS,
    DEGREES,
    DISCIPLINES,
    INTERVIEWER_TAGS,
    SCHOOLS,
)
from unihire.integrations.greenhouse.emulator.rows.times import to_day, to_moment
from unihire.integrations.greenhouse.emulator.rows.world import YEAR, CandidateProfile, World, to_millis

_COMPANIES = ("Example Foods", "Sample Robotics", "Placeholder Energy", "Specimen Travel", "Pattern Software")
_TITLES = ("Engineer", "Team Lead", "Analyst", "Editor", "Planner", "Technician", "Consultant", "Clerk")
_JOB_TITLES = ("Recruiter", "Hiring Manager", "Coordinator", "Engineer", "Head of Department", None)
_ZONES = ("Europe/Berlin", "Europe/London", "America/New_York", None)
LINK_STEP = 10
"""Every tenth user is linked to the candidate they were."""


def count_tags(profile: CandidateProfile) -> int:
    return 0 if profile.is_anonymized else (0, 1, 0, 2)[profile.variant & 3]


def count_educations(profile: CandidateProfile) -> int:
    return 0 if profile.is_anonymized else (1, 1, 0, 2)[profile.variant >> 2 & 3]


def count_employments(profile: CandidateProfile) -> int:
    return 0 if profile.is_anonymized else (0, 1, 2, 1)[profile.variant >> 4 & 3]


def pick_tag(bits: int, place: int) -> int:
    return (bits >> 11) % 4 + 4 * place


class PeopleRows:
    """Makes the rows; a place counts a person's rows of a stream from 0."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._ids = world.ids
        self._users = world.company.employees.count

    def list_parts(self) -> Mapping[str, Sequence[PartRows]]:
        world = self._world
        candidates, users = world.make_candidate_part, world.make_user_part
        bits = self._find_user_bits
        return {
            "candidates": [candidates(1, self._shape_candidate)],
            "applied_candidate_tags": [candidates(2, self._shape_tag, count_tags)],
            "candidate_educations": [candidates(2, self._shape_education, count_educations)],
            "candidate_employments": [candidates(2, self._shape_employment, count_employments)],
            "users": [users(1, self._shape_user), world.make_table("users", [self._describe_service_user()], 1)],
            "user_emails": [users(2, self._shape_email, lambda index: 1 + int(bits(index) & 3 == 1))],
            "future_job_permissions": [users(1, self._shape_future, lambda index: int(bits(index) & 7 == 2))],
            "referrers": [
                users(1, self._shape_referrer),
                world.make_table("referrers", [{"user_id": None, "name": name} for name in _AGENTS], 1),
            ],
        }

    # Candidates

    def _shape_candidate(self, index: int, _place: int) -> Row:
        world = self._world
        timeline = world.company.candidates
        facts = world.company.candidate(index)
        profile = world.candidate_profile(facts)
        millis = to_millis(index)
        updated = to_moment(timeline.updated_at(index), millis)
        row: Row = {
            "id": self._ids["candidates"](index),
            "created_at": to_moment(timeline.created_at(index), millis),
            "updated_at": updated,
            **self._describe_person(facts, profile, index),
            "last_activity_at": updated,
            "private": facts.bits >> 9 & 31 == 1,
            "can_email": facts.bits >> 10 & 15 != 1,
            "time_zone": _ZONES[facts.bits >> 13 & 3],
        }
        linked = index // 7 if index % (7 * LINK_STEP) == 0 and index // 7 < self._users else None
        row["linked_user_ids"] = [] if linked is None else [self._ids["users"](linked)]
        row["custom_fields"] = world.values["candidate"][profile.variant]
        return row

    def _describe_person(self, facts: PersonFacts, profile: CandidateProfile, index: int) -> Row:
        bits = facts.bits
        if facts.is_anonymized:
            # "names become Anonymized + id; lists are emptied": webhooks.md, candidate_anonymized.
            return {
                "first_name": "Anonymized",
                "last_name": str(self._ids["candidates"](index)),
                **_NOTHING_ELSE,
            }
        employed = count_employments(profile)
        sites = bits >> 14 & 3 == 1
        return {
            "first_name": facts.first_name,
            "last_name": facts.last_name,
            "preferred_name": facts.first_name[:3] if bits >> 15 & 7 == 1 else None,
            "company": _COMPANIES[bits % len(_COMPANIES)] if employed else None,
            "title": _TITLES[bits >> 3 & 7] if employed else None,
            "tags": [CANDIDATE_TAGS[pick_tag(bits, place)] for place in range(count_tags(profile))],
            "phone_numbers": []
            if facts.phone is None
            else [{"value": facts.phone, "type": ("mobile", "home", "work", "other")[bits >> 5 & 3]}],
            "addresses": [] if facts.city is None else [{"value": f"1 Example Street, {facts.city}", "type": "home"}],
            "email_addresses": _list_emails(facts.email, bits),
            "website_addresses": [{"value": f"https://www.example.com/~{index}", "type": "personal"}] if sites else [],
            "social_media_addresses": [] if facts.linkedin is None else [{"value": facts.linkedin}],
        }

    def _begin(self, stream: str, index: int, place: int) -> Row:
        timeline = self._world.company.candidates
        created = timeline.created_at(index)
        return self._world.begin(self._ids[stream](index, place), created, created, to_millis(index))

    def _shape_tag(self, index: int, place: int) -> Row:
        bits = self._world.company.candidate(index).bits
        return {
            **self._begin("applied_candidate_tags", index, place),
            "candidate_tag_id": self._ids["candidate_tags"](pick_tag(bits, place)),
            "candidate_id": self._ids["candidates"](index),
        }

    def _shape_education(self, index: int, place: int) -> Row:
        facts = self._world.company.candidate(index)
        options, bits = self._ids["custom_field_options"], facts.bits >> place
        begins = 1985 + bits % 30 - 4 * place
        is_known = bits >> 7 & 7 != 1
        return {
            **self._begin("candidate_educations", index, place),
            "candidate_id": self._ids["candidates"](index),
            "school_name_custom_field_option_id": options(bits % len(SCHOOLS)) if is_known else None,
            "degree_custom_field_option_id": options(len(SCHOOLS) + bits % len(DEGREES)),
            "discipline_custom_field_option_id": options(len(SCHOOLS) + len(DEGREES) + bits % len(DISCIPLINES)),
            "start_at": f"{begins}-09-01T00:00:00.000Z",
            "end_at": f"{begins + 4}-05-01T00:00:00.000Z" if is_known else None,
            "latest": place == 0,
            "start_date_month": 9,
            "start_date_year": begins,
            "end_date_month": 5 if is_known else None,
            "end_date_year": begins + 4 if is_known else None,
        }

    def _shape_employment(self, index: int, place: int) -> Row:
        facts = self._world.company.candidate(index)
        created = self._world.company.candidates.created_at(index)
        begins = (created - (place + 1) * 3 * YEAR) // 86400 - facts.bits % 300
        return {
            **self._begin("candidate_employments", index, place),
            "candidate_id": self._ids["candidates"](index),
            "company_name": _COMPANIES[(facts.bits + place) % len(_COMPANIES)],
            "title": _TITLES[(facts.bits >> 3) + place & 7],
            "start_date": to_day(begins),
            "end_date": None if place == 0 else to_day(begins + 900),
            "latest": place == 0,
        }

    # Users

    def _find_user_bits(self, index: int) -> int:
        return self._world.company.employee(index).bits

    def _begin_user(self, stream: str, index: int, place: int = 0, *, is_changed: bool = False) -> Row:
        timeline = self._world.company.employees
        created = timeline.created_at(index)
        updated = timeline.updated_at(index) if is_changed else created
        return self._world.begin(self._ids[stream](index, place), created, updated, to_millis(index))

    def _list_user_emails(self, facts: PersonFacts) -> list[str]:
        return [facts.email, "second." + facts.email][: 1 + int(facts.bits & 3 == 1)]

    def _shape_user(self, index: int, _place: int) -> Row:
        world, ids = self._world, self._ids
        facts = world.company.employee(index)
        bits = facts.bits
        linked = index * 7 if index % LINK_STEP == 0 and index * 7 < world.company.candidates.count else None
        tag = bits >> 8 & 7
        return {
            **self._begin_user("users", index, is_changed=True),
            "first_name": facts.first_name,
            "last_name": facts.last_name,
            "primary_email": facts.email,
            "job_title": _JOB_TITLES[(bits >> 3) % len(_JOB_TITLES)],
            "agency_id": None,
            "name": f"{facts.first_name} {facts.last_name}",
            "deactivated": bits & 15 == 6,
            "site_admin": index % 9 == 0,
            "employee_id": f"E{index:05d}" if bits & 3 else None,
            "linked_candidate_ids": [] if linked is None else [ids["candidates"](linked)],
            "office_ids": [ids["offices"](bits >> 5 & 15)] if bits & 32 else [],
            "department_ids": [ids["departments"](bits % len(world.company.departments))] if bits & 64 else [],
            "interviewer_tags": [{"id": ids["interviewer_tags"](tag), "name": INTERVIEWER_TAGS[tag]}]
            if tag < 4
            else [],
            "emails": self._list_user_emails(facts),
            "custom_fields": world.values["user_attribute"][bits >> 4 & 63],
        }

    def _describe_service_user(self) -> Row:
        """The integration service user: who acts when a token names nobody. Hidden unless asked for."""
        return {
            "first_name": "Integration",
            "last_name": "Service",
            "primary_email": "integration.service@staff.example.com",
            "job_title": None,
            "agency_id": None,
            "name": "Integration Service",
            "deactivated": False,
            "site_admin": True,
            "employee_id": None,
            "linked_candidate_ids": [],
            "office_ids": [],
            "department_ids": [],
            "interviewer_tags": [],
            "emails": ["integration.service@staff.example.com"],
            "custom_fields": {},
            "_is_service": True,
        }

    def _shape_email(self, index: int, place: int) -> Row:
        facts = self._world.company.employee(index)
        row = self._begin_user("user_emails", index, place)
        return {
            **row,
            "user_id": self._ids["users"](index),
            "email": self._list_user_emails(facts)[place],
            "verified": place == 0 or bool(facts.bits & 4),
            "verification_token_sent_at": row["created_at"] if place else None,
        }

    def _shape_future(self, index: int, _place: int) -> Row:
        bits = self._find_user_bits(index)
        return {
            **self._begin_user("future_job_permissions", index),
            "department_id": self._ids["departments"](bits % 10) if bits & 16 else None,
            "user_id": self._ids["users"](index),
            "office_id": self._ids["offices"](bits >> 5 & 15) if bits & 32 else None,
            "role_id": self._ids["user_roles"](1 + (bits >> 6 & 1)),
        }

    def _shape_referrer(self, index: int, _place: int) -> Row:
        facts = self._world.company.employee(index)
        return {
            **self._begin_user("referrers", index),
            "user_id": self._ids["users"](index),
            "name": f"{facts.first_name} {facts.last_name}",
        }


def _list_emails(email: str, bits: int) -> list[Row]:
    emails = [{"value": email, "type": ("personal", "work", "other", "personal")[bits >> 6 & 3]}]
    if bits >> 8 & 7 == 1:
        emails.append({"value": "work." + email, "type": "work"})
    return emails


_AGENTS = ("Example Agency, Ada", "Example Agency, Ben", "Sample Search, Cleo", "A former colleague")
_NOTHING_ELSE: Row = {
    "preferred_name": None,
    "company": None,
    "title": None,
    "tags": [],
    "phone_numbers": [],
    "addresses": [],
    "email_addresses": [],
    "website_addresses": [],
    "social_media_addresses": [],
}
