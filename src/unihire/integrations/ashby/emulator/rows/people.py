"""Candidates, their notes and files; users; applications and the stages they were in."""

from functools import lru_cache
from typing import Any

from unihire.integration.emulate import PartRows, PersonFacts, Row
from unihire.integrations.ashby.emulator.rows.catalog import (
    COUNTRY_OF,
    MORE_SOURCES,
    TAGS,
    make_custom_values,
)
from unihire.integrations.ashby.emulator.rows.forms import APPLICATION_FORMS, fill_form
from unihire.integrations.ashby.emulator.rows.ids import make_id
from unihire.integrations.ashby.emulator.rows.values import to_moment
from unihire.integrations.ashby.emulator.rows.world import Progress, World, to_millis

FILES = 4
"""Files a candidate of the made-up company can have: so many numbers of files are reserved for each."""
EXPERIENCE = (("Engineer", "Example Ltd"), ("Buyer", "Sample GmbH"), ("Nurse", "Placeholder AG"))
ROLES = (("Organization Admin", 1), ("Elevated Access", 3), ("Limited Access", 7), ("External Recruiter", 8))
HISTORY = 16
"""Entries an application's history can have: so many numbers of entries are reserved for each."""


class People:
    """The parts of the streams of people."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._sources = len(world.company.channels) + len(MORE_SOURCES)

    def list_parts(self) -> dict[str, list[PartRows]]:
        world, company = self._world, self._world.company
        return {
            "candidates": [PartRows(company.candidates.count, 1, self._make_candidate, timeline=company.candidates)],
            "notes": [
                PartRows(company.candidates.count, 2, self._make_note, world.count_notes, timeline=company.candidates)
            ],
            "users": [
                PartRows(company.employees.count, 1, lru_cache(1024)(self._make_user), timeline=company.employees)
            ],
            "applications": [world.make_application_part(1, self._make_application, None)],
        }

    # Candidates

    def _make_candidate(self, index: int, _place: int) -> Row:
        timeline, millis = self._world.company.candidates, to_millis(index)
        person, bits = self._world.company.candidate(index), self._world.company.candidate(index).bits
        row: Row = {
            "id": make_id("candidates", 1 + index),
            "createdAt": to_moment(timeline.created_at(index), millis),
            "updatedAt": to_moment(timeline.updated_at(index), millis),
            **empty_candidate(),
            "name": f"{person.first_name} {person.last_name}" if not person.is_anonymized else "Anonymized candidate",
        }
        return row if person.is_anonymized else row | self._describe(index, person, bits)

    def _describe(self, index: int, person: PersonFacts, bits: int) -> Row:
        """All that anonymizing takes away."""
        found: Row = {
            "emailAddresses": [{"value": person.email, "type": "Personal", "isPrimary": True}],
            "socialLinks": [],
            "tagIds": [make_id("candidate_tags", 1 + place) for place in range(len(TAGS)) if not bits >> place * 3 & 7],
            "sourceId": make_id("sources", 1 + bits % (self._sources - 1)) if bits >> 5 & 15 else None,
            "creditedToUserId": self._world.pick_user(bits >> 3) if not bits >> 9 & 7 else None,
            "timezone": "Europe/Berlin" if bits >> 12 & 3 else None,
            "fraudStatus": None if bits >> 14 & 15 else "Unreviewed",
            "customFieldValues": make_custom_values("Candidate", bits),
        }
        if bits & 31 == 9:
            found["emailAddresses"].append(
                {"value": f"work.{index}@staff.example.com", "type": "Work", "isPrimary": False}
            )
        if bits & 63 == 5:
            found["emailAddresses"] = []
        if person.phone is not None:
            found["phoneNumbers"] = [{"value": person.phone, "type": "Personal", "isPrimary": True}]
        if person.linkedin is not None:
            found["socialLinks"].append({"type": "LinkedIn", "url": person.linkedin})
        if bits >> 20 & 7 == 0:
            found["socialLinks"].append({"type": "GitHub", "url": f"https://github.com/example-{index:08d}"})
            found["socialLinks"].append({"type": "Website", "url": f"https://example.com/people/{index}"})
        if bits >> 23 & 3:
            found["position"], found["company"] = EXPERIENCE[bits % len(EXPERIENCE)]
        if bits >> 25 & 1:
            found["school"] = "Example University"
        if person.city is not None:
            found["location"] = self._locate(index, person.city)
        files = [self.make_file(index, 0, f"resume-{index}.pdf")] if bits >> 26 & 7 else []
        if bits >> 28 & 3 == 0:
            files.append(self.make_file(index, 1, f"portfolio-{index}.pdf"))
        found["files"] = files
        if bits >> 26 & 7:
            found["resumeFileId"] = files[0]["id"]
        return found

    @staticmethod
    def make_file(candidate: int, place: int, name: str) -> Row:
        return {"id": make_id("files", 1 + candidate * FILES + place), "name": name}

    @staticmethod
    def _locate(index: int, city: str) -> Row:
        country, region = COUNTRY_OF.get(city, (None, None))
        parts = (("Country", country), ("Region", region), ("City", city))
        return {
            "id": make_id("places", 1 + index),
            "locationSummary": city if country is None else f"{city}, {country}",
            "locationComponents": [{"type": type_, "name": name} for type_, name in parts if name is not None],
        }

    def _make_note(self, candidate: int, place: int) -> Row:
        timeline = self._world.company.candidates
        created, updated = timeline.created_at(candidate), timeline.updated_at(candidate)
        bits = self._world.company.candidate(candidate).bits >> place
        return {
            "id": make_id("notes", 1 + candidate * 2 + place),
            "createdAt": to_moment(created + (updated - created) * place // 2, to_millis(candidate)),
            "isPrivate": bits >> 7 & 7 == 1,
            "content": f"Made-up note {place + 1}: called, will call again.",
            "authorId": self._world.pick_user(bits >> 4),
            "candidateId": make_id("candidates", 1 + candidate),
        }

    # Users

    def _make_user(self, index: int, _place: int) -> Row:
        person, timeline = self._world.company.employee(index), self._world.company.employees
        row: Row = {
            "id": make_id("users", 1 + index),
            "firstName": person.first_name,
            "lastName": person.last_name,
            "email": person.email,
            "globalRole": next(role for role, limit in ROLES if index % 9 < limit or role == ROLES[-1][0]),
            "isEnabled": index % 8 != 5,
            "updatedAt": to_moment(timeline.updated_at(index), to_millis(index)),
            "dailyLimit": None,
            "weeklyLimit": 10 if index % 3 == 0 else None,
        }
        if index % 4 and index > 4:
            row["managerId"] = make_id("users", 1 + index // 5)
        return row

    # Applications

    def _make_application(self, index: int, _place: int) -> Row:
        facts = self._world.application(index)
        bits, millis = facts.bits, to_millis(index)
        row: Row = {
            "id": make_id("applications", 1 + index),
            "createdAt": to_moment(facts.created, millis),
            "updatedAt": to_moment(facts.updated, millis),
            "candidateId": make_id("candidates", 1 + facts.candidate),
            "jobId": make_id("jobs", 1 + facts.job),
            "interviewStageId": self._world.stage_id(facts.plan, facts.position),
            "sourceId": None if facts.channel is None else make_id("sources", 1 + facts.channel),
            "archiveReasonId": self._pick_reason(facts),
            "archiveReasonCustomFields": [],
            "creditedToUserId": self._world.pick_user(bits >> 3) if not bits >> 10 & 7 else None,
            "customFieldValues": make_custom_values("Application", bits),
            "team": self._list_team(facts),
            "appliedViaJobPostingId": None
            if self._world.is_sourced(facts)
            else make_id("job_postings", 1 + facts.job * 2),
            "submitterClientIp": None,
            "submitterUserAgent": None,
            "referrals": [],
        }
        if row["archiveReasonId"] is not None:
            passed = self._world.list_passed(facts)
            row["archivedAt"] = to_moment(passed[-1][1], millis)
        return row

    @staticmethod
    def _pick_reason(facts: Progress) -> str | None:
        if facts.outcome == "rejected":
            return make_id("archive_reasons", (1, 2, 3, 6, 7)[facts.bits >> 12 & 3 if facts.bits >> 17 & 7 else 4])
        return make_id("archive_reasons", 4 + (facts.bits >> 12 & 1)) if facts.outcome == "withdrawn" else None

    def _list_team(self, facts: Progress) -> list[Row]:
        if facts.bits >> 13 & 3:
            return []
        return [{"userId": self._world.pick_user(facts.bits >> 5), "roleId": make_id("hiring_roles", 1)}]

    def list_submissions(self, index: int) -> list[Row]:
        """The application form that a computed application came with, if it came with one."""
        facts = self._world.application(index)
        return [] if self._world.is_sourced(facts) else [self._fill_form(facts)]

    def _fill_form(self, facts: Progress) -> Row:
        place = facts.job % len(APPLICATION_FORMS)
        answers = fill_form(APPLICATION_FORMS[place], facts.bits)
        person = self._world.company.candidate(facts.candidate)
        answers["_systemfield_name"] = f"{person.first_name} {person.last_name}".strip() or "Anonymized candidate"
        answers["_systemfield_email"] = person.email or "gone@example.com"
        return {
            "id": make_id("form_submissions", 1 + facts.index),
            "formDefinition": APPLICATION_FORMS[place],
            "submittedValues": answers,
        }

    def list_history(self, index: int) -> list[Row]:
        """The stages that a computed application was in, oldest first."""
        facts, millis = self._world.application(index), to_millis(index)
        passed = self._world.list_passed(facts)
        found: list[Row] = []
        for place, (position, entered_at) in enumerate(passed):
            entry: Row = {
                "id": make_id("history", 1 + index * HISTORY + place),
                "stageId": self._world.stage_id(facts.plan, position),
                "enteredStageAt": to_moment(entered_at, millis),
                "stageNumber": place,
                "allowedActions": ["set_entered_at"] if place == len(passed) - 1 else ["delete", "set_entered_at"],
                "actorId": None if place == 0 and not self._world.is_sourced(facts) else self._world.pick_user(place),
            }
            if place:
                found[-1]["leftStageAt"] = entry["enteredStageAt"]
            found.append(entry)
        return found


def empty_application() -> dict[str, Any]:
    """What an application has before anybody says something about it."""
    return {
        "sourceId": None,
        "archiveReasonId": None,
        "archiveReasonCustomFields": [],
        "creditedToUserId": None,
        "customFieldValues": {},
        "team": [],
        "appliedViaJobPostingId": None,
        "submitterClientIp": None,
        "submitterUserAgent": None,
        "formSubmissions": [],
        "referrals": [],
    }


def empty_candidate() -> dict[str, Any]:
    return {
        "name": "",
        "emailAddresses": [],
        "phoneNumbers": [],
        "socialLinks": [],
        "tagIds": [],
        "files": [],
        "resumeFileId": None,
        "sourceId": None,
        "creditedToUserId": None,
        "timezone": None,
        "fraudStatus": None,
        "customFieldValues": {},
    }
