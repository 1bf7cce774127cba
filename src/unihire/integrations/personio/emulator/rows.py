"""The emulator's rows: the made-up company in the vendor's shapes, and what may be changed in them.

Rows are stored without links; links are added when a row is sent, for they begin with the caller's own base URL.
An optional key that has no value is left out, never null (the example responses do so).
"""

from collections.abc import Mapping
from typing import Any

from unihire.integration.emulate import ApplicationFacts, Company, CompanyRows, HistoryEntry, Row, Rows, Shape, Tools
from unihire.integrations.personio.emulator.changes import (
    merge,
    revise_application,
    revise_category,
    revise_job,
    revise_person,
    stamp,
    vary_application,
    vary_candidate,
    vary_category,
    vary_job,
    vary_person,
)
from unihire.integrations.personio.emulator.documented import (
    COMPANY_ID,
    CUSTOM_STAGE_WORDS,
    DOCUMENTED_APPLICATION,
    DOCUMENTED_AT,
    DOCUMENTED_CANDIDATE,
    DOCUMENTED_CATEGORY,
    DOCUMENTED_DEPARTMENT,
    DOCUMENTED_JOBS,
    DOCUMENTED_PERSONS,
    DOCUMENTED_TEAM,
    FIRST_CATEGORY_ID,
    FIRST_DEPARTMENT_ID,
    GENDERS,
    SYSTEM_STAGES,
)
from unihire.integrations.personio.emulator.persons import document_persons, list_employments, make_person
from unihire.integrations.personio.emulator.times import to_day, to_moment

FIRST_STAGE_ID = 41000
FIRST_CHANNEL_ID = 5101


def _link(base_url: str, path: str) -> dict[str, Any]:
    return {"links": {"self": {"href": f"{base_url}/v2{path}"}}}


def _take(row: Row, *names: str) -> Row:
    return {name: row[name] for name in names if name in row}


def _link_team(team: Any, base_url: str) -> Any:
    """The team with a link for each person; what people put there instead of one is sent as it is."""
    return [_link_member(member, base_url) for member in team] if isinstance(team, list) else team


def _link_member(member: Any, base_url: str) -> Any:
    person = member.get("person") if isinstance(member, dict) else None
    if not isinstance(person, dict) or "id" not in person:
        return member
    return {**member, "person": {**person, "_meta": _link(base_url, f"/persons/{person['id']}")}}


class PersonioRows:
    """The streams, and how each row is sent."""

    def __init__(self, tools: Tools) -> None:
        self._times_are_text = tools.options["candidate_times"] == "text"
        job_count = min(max(tools.size // 10, 10), 5000)
        person_count = min(max(tools.size // 20, 20), 500)
        self.company: Company = tools.make_company(
            candidates=tools.size - 1,
            jobs=job_count - len(DOCUMENTED_JOBS),
            applications=tools.size * 3 // 2 - 1,
            employees=person_count - len(DOCUMENTED_PERSONS),
        )
        company = self.company
        # Far enough apart that ids of the five kinds and of the documents' examples never meet.
        self._job_source = CompanyRows(company.jobs, 1_000_003, 11, self._shape_job)
        self._candidate_source = CompanyRows(company.candidates, 10_000_001, 3, self._shape_candidate)
        self._application_source = CompanyRows(company.applications, 20_000_002, 2, self._shape_application)
        self._person_source = CompanyRows(company.employees, 100_001, 7, self._shape_person)
        make = tools.make_rows
        self.jobs = make(self._job_source, _document_jobs(), Shape(revise_job, vary_job))
        self.candidates = make(
            self._candidate_source,
            self._document_candidate(),
            Shape(self._revise_candidate, vary_candidate, lambda row: str(row["email"]).lower()),
        )
        self.applications = make(
            self._application_source,
            self._document_application(),
            Shape(revise_application, vary_application, lambda row: str(row["candidate"]["id"])),
        )
        self.categories = make(None, self._list_categories(), Shape(revise_category, vary_category))
        self.persons = make(self._person_source, document_persons(), Shape(revise_person, vary_person))
        self.streams: Mapping[str, Rows] = {
            "jobs": self.jobs,
            "candidates": self.candidates,
            "applications": self.applications,
            "categories": self.categories,
            "persons": self.persons,
        }

    # From facts to rows

    def _shape_job(self, index: int) -> Row:
        facts = self.company.job(index)
        timeline = self.company.jobs
        row: Row = {"id": str(self._job_source.number(index)), "name": facts.title}
        if facts.category is not None:
            row["category"] = self._refer_category(facts.category)
        row["company"] = {"id": COMPANY_ID}
        if facts.department is not None:
            row["department"] = self._refer_department(facts.department)
        if facts.team:
            row["hiring_team"] = [
                {
                    "person": {"id": str(self._person_source.number(person))},
                    "role": {"name": self.company.roles[role]},
                }
                for person, role in facts.team
            ]
        row["created_at"] = to_moment(timeline.created_at(index), facts.bits)
        row["updated_at"] = to_moment(timeline.updated_at(index), facts.bits)
        return row

    def _refer_category(self, place: int) -> Row:
        return {"id": str(FIRST_CATEGORY_ID + place), "name": self.company.categories[place].name}

    def _refer_department(self, place: int) -> Row:
        return {"id": str(FIRST_DEPARTMENT_ID + place), "name": self.company.departments[place]}

    def _time_candidate(self, seconds: int, bits: int = 0) -> Any:
        moment = to_moment(seconds, bits)
        return moment["date-time"] if self._times_are_text else moment

    def _shape_candidate(self, index: int) -> Row:
        facts = self.company.candidate(index)
        timeline = self.company.candidates
        row: Row = {
            "id": str(self._candidate_source.number(index)),
            "first_name": facts.first_name,
            "last_name": facts.last_name,
            "email": facts.email,
        }
        if facts.gender is not None:
            row["gender"] = GENDERS[facts.gender]
        if facts.phone is not None:
            row["phone"] = facts.phone
        if facts.city is not None:
            row["location"] = facts.city
        if facts.birthday is not None:
            row["birthday"] = facts.birthday
        if facts.linkedin is not None:
            row["linkedin_profile"] = facts.linkedin
        created = timeline.created_at(index)
        if facts.bits >> 20 & 7 == 5 and not facts.is_anonymized:
            row["available_from"] = to_day(created // 86400 + 30 + (facts.bits >> 24))
        row["created_at"] = self._time_candidate(created, facts.bits)
        row["updated_at"] = self._time_candidate(timeline.updated_at(index), facts.bits)
        return row

    def _shape_application(self, index: int) -> Row:
        company = self.company
        facts = company.application(index)
        job = company.job(facts.job)
        candidate = company.candidate(facts.candidate)
        created = company.applications.created_at(index)
        job_ref: Row = {"id": str(self._job_source.number(facts.job)), "name": job.title}
        if job.department is not None:
            job_ref["department"] = self._refer_department(job.department)
        if job.category is not None:
            job_ref["category"] = self._refer_category(job.category)
        candidate_ref: Row = {
            "id": str(self._candidate_source.number(facts.candidate)),
            "email": candidate.email,
            "first_name": candidate.first_name,
            "last_name": candidate.last_name,
        }
        if candidate.gender is not None:
            candidate_ref["gender"] = GENDERS[candidate.gender]
        row: Row = {
            "id": str(self._application_source.number(index)),
            "application_date": to_day(created // 86400),
            "candidate": candidate_ref,
            "job": job_ref,
            "current_stage": self._place(job.category, facts.reached, facts.outcome),
            "is_anonymized": candidate.is_anonymized,
            "created_at": to_moment(created, facts.bits),
            "updated_at": to_moment(company.applications.updated_at(index), facts.bits),
        }
        if facts.channel is not None:
            row["channel"] = {"id": str(FIRST_CHANNEL_ID + facts.channel), "name": company.channels[facts.channel]}
        if job.team and facts.bits >> 28 & 3:
            person, role = job.team[0]
            row["hiring_team"] = [
                {"person": {"id": str(self._person_source.number(person))}, "role": {"name": company.roles[role]}}
            ]
        return row

    def _place(self, category: int | None, position: int, outcome: str | None) -> Row:
        """The stage object of a place in the pipeline; a job without category uses the first one's."""
        if outcome is not None:
            return SYSTEM_STAGES[outcome]
        if position == 0:
            return SYSTEM_STAGES["new"]
        return self._name_stage(category or 0, position)

    def _name_stage(self, category: int, position: int) -> Row:
        name = self.company.categories[category].stages[position - 1]
        return {"id": str(FIRST_STAGE_ID + 20 * category + position), "name": name, **CUSTOM_STAGE_WORDS}

    def _list_categories(self) -> dict[int, tuple[int, Row]]:
        rows = {}
        for place, facts in enumerate(self.company.categories):
            stages = [
                SYSTEM_STAGES["new"],
                *(self._name_stage(place, position + 1) for position in range(len(facts.stages))),
                *(SYSTEM_STAGES[word] for word in ("offer", "hired", "rejected", "withdrawn")),
            ]
            row = {**self._refer_category(place), "company": {"id": COMPANY_ID}, "stages": stages}
            rows[FIRST_CATEGORY_ID + place] = (DOCUMENTED_AT, row)
        return rows

    def _shape_person(self, index: int) -> Row:
        facts = self.company.employee(index)
        timeline = self.company.employees
        return make_person(
            self._person_source.number(index),
            (facts.first_name, facts.last_name, facts.email),
            GENDERS[facts.gender] if facts.gender is not None else "UNSPECIFIED",
            "INACTIVE" if facts.bits & 7 == 6 else "ACTIVE",
            timeline.created_at(index),
            timeline.updated_at(index),
        )

    # Rows of the documents

    def _document_candidate(self) -> dict[int, tuple[int, Row]]:
        row: Row = {
            "id": str(DOCUMENTED_CANDIDATE),
            "first_name": "Alex",
            "last_name": "Beispiel",
            "email": "alex.beispiel@example.com",
            "phone": "+49 30 23125 000",
            "created_at": self._time_candidate(DOCUMENTED_AT),
            "updated_at": self._time_candidate(DOCUMENTED_AT),
        }
        return {DOCUMENTED_CANDIDATE: (DOCUMENTED_AT, row)}

    def _document_application(self) -> dict[int, tuple[int, Row]]:
        stage = self._name_stage(0, 1)
        row: Row = {
            "id": str(DOCUMENTED_APPLICATION),
            "application_date": to_day(DOCUMENTED_AT // 86400),
            "candidate": {"id": str(DOCUMENTED_CANDIDATE)},
            "job": {"id": str(DOCUMENTED_APPLICATION)},
            "current_stage": stage,
            "channel": {"id": str(FIRST_CHANNEL_ID), "name": self.company.channels[0]},
            "is_anonymized": False,
            "created_at": to_moment(DOCUMENTED_AT),
            "updated_at": to_moment(DOCUMENTED_AT),
            "_moves": [
                {"stage": stage, "entered_at": to_moment(DOCUMENTED_AT)},
                {"stage": SYSTEM_STAGES["new"], "entered_at": to_moment(DOCUMENTED_AT)},
            ],
        }
        return {DOCUMENTED_APPLICATION: (DOCUMENTED_AT, row)}

    # Sending

    def send_job(self, row: Row, base_url: str) -> Row:
        sent = {**row, "_meta": _link(base_url, f"/recruiting/jobs/{row['id']}")}
        if "hiring_team" in row:
            sent["hiring_team"] = _link_team(row["hiring_team"], base_url)
        return sent

    def send_candidate(self, row: Row, base_url: str) -> Row:
        sent = {**row, "_meta": _link(base_url, f"/recruiting/candidates/{row['id']}")}
        applications = self._list_applications_of(int(row["id"]))
        if applications and "applications" not in row:
            sent["applications"] = applications
        return sent

    def _list_applications_of(self, candidate: int) -> list[Row]:
        refs = []
        timeline, source = self.company.applications, self._application_source
        index = self._candidate_source.find_index(candidate)
        for application in self.company.applications_of(index) if index is not None else ():
            number = source.number(application)
            if not self.applications.is_touched(number):
                refs.append({"id": str(number), "application_date": to_day(timeline.created_at(application) // 86400)})
        for number in self.applications.find_touched(str(candidate)):
            row = self.applications.find(number)
            if row is not None:
                refs.append({"id": row["id"], "application_date": row["application_date"]})
        return refs

    def send_application(self, row: Row, base_url: str) -> Row:
        sent = {key: value for key, value in row.items() if key != "_moves"}
        sent["_meta"] = _link(base_url, f"/recruiting/applications/{row['id']}")
        candidate, job = row["candidate"], row["job"]
        # Rows that were changed are looked up, so that what an application repeats of them is never old.
        if self.candidates.is_touched(int(candidate["id"])) or "email" not in candidate:
            found = self.candidates.find(int(candidate["id"])) or {"email": "", "first_name": "", "last_name": ""}
            sent["candidate"] = {"id": candidate["id"], **_take(found, "email", "first_name", "last_name", "gender")}
        if self.jobs.is_touched(int(job["id"])) or "name" not in job:
            found = self.jobs.find(int(job["id"])) or {"name": job.get("name", "")}
            sent["job"] = {"id": job["id"], **_take(found, "name", "department", "category")}
        if "hiring_team" in row:
            sent["hiring_team"] = _link_team(row["hiring_team"], base_url)
        return sent

    def send_category(self, row: Row, base_url: str) -> Row:
        sent = {key: value for key, value in row.items() if key not in ("created_at", "updated_at")}
        return {**sent, "_meta": _link(base_url, f"/recruiting/categories/{row['id']}")}

    def send_person(self, row: Row, base_url: str) -> Row:
        links = {"employments": {"href": f"{base_url}/v2/persons/{row['id']}/employments"}}
        return {**row, "_meta": {"links": links}}

    def find_applications_by_email(self, email: str) -> list[int]:
        """Numbers of the applications whose candidate has this e-mail address."""
        numbers = set()
        for candidate in self.find_candidates_by_email(email):
            for ref in self._list_applications_of(candidate):
                numbers.add(int(ref["id"]))
        return sorted(numbers)

    def find_candidates_by_email(self, email: str) -> list[int]:
        numbers = self.candidates.find_touched(email.lower())
        index = self.company.find_candidate(email)
        if index is not None:
            number = self._candidate_source.number(index)
            if not self.candidates.is_touched(number):
                numbers.append(number)
        return numbers

    def list_stages(self, job: int) -> list[Row]:
        """The stages of the job's category; a job without category uses the first one's."""
        ref = (self.jobs.find(job) or {}).get("category")
        id_ = str(ref.get("id")) if isinstance(ref, dict) else ""
        number = int(id_) if id_.isascii() and id_.isdecimal() and len(id_) < 16 else FIRST_CATEGORY_ID
        stages = (self.categories.find(number) or {}).get("stages")
        return [stage for stage in stages if isinstance(stage, dict)] if isinstance(stages, list) else []

    def list_transitions(self, number: int) -> list[Row] | None:
        """An application's stages, the latest first; None when there is no such application."""
        row = self.applications.find(number)
        if row is None:
            return None
        moves: list[Row] = list(row.get("_moves", ()))
        index = self._application_source.find_index(number)
        if index is not None:
            facts = self.company.application(index)
            moves.extend(self._move(facts, step) for step in reversed(self.company.steps(index)))
        return moves

    def _move(self, facts: ApplicationFacts, step: HistoryEntry) -> Row:
        category = self.company.job(facts.job).category
        return {
            "stage": self._place(category, step.position, step.outcome),
            "entered_at": to_moment(step.entered_at, facts.bits),
        }

    def list_employments(self, number: int) -> list[Row] | None:
        """A person's employments; None when there is no such person."""
        person = self.persons.find(number)
        if person is None:
            return None
        return list_employments(person, str(FIRST_DEPARTMENT_ID + number % len(self.company.departments)))

    def send_employment(self, row: Row, base_url: str) -> Row:
        return {**row, "_meta": _link(base_url, f"/persons/{row['person']['id']}/employments/{row['id']}")}

    # Changing

    def _revise_candidate(self, number: int, before: Row | None, fields: Row, now: int) -> Row:
        row = merge(number, before, fields, ("first_name", "last_name", "email"))
        return stamp(row, before, self._time_candidate(now))


def _document_jobs() -> dict[int, tuple[int, Row]]:
    rows = {}
    for number, has_team in DOCUMENTED_JOBS.items():
        row: Row = {
            "id": str(number),
            "name": "Software Developer",
            "category": DOCUMENTED_CATEGORY,
            "company": {"id": COMPANY_ID},
            "department": DOCUMENTED_DEPARTMENT,
        }
        if has_team:
            row["hiring_team"] = DOCUMENTED_TEAM
        rows[number] = (DOCUMENTED_AT, stamp(row, None, to_moment(DOCUMENTED_AT)))
    return rows
