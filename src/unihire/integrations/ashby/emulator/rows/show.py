"""Rows as the vendor sends them: what they point at is put in, the emulator's own members are left out.

A member of the vendor's name that somebody put into the row is sent as it is, whatever it is.
"""

import base64
import hashlib
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import msgspec

from unihire.integration.emulate import Row
from unihire.integrations.ashby.emulator.rows.find import AshbyRows
from unihire.integrations.ashby.emulator.rows.show_postings import show_posting, show_summary
from unihire.integrations.ashby.emulator.rows.values import (
    list_objects,
    list_texts,
    pick,
    read_flag,
    read_object,
    read_text,
)

PROFILES = "https://ats.example.com/candidates/"


class View(NamedTuple):
    """What the reader may see, and what it asked for beside the row itself."""

    is_private: bool = True
    """Whether private custom fields and notes are shown."""
    is_confidential: bool = True
    """Whether confidential jobs and projects are shown, and what belongs to them."""
    expand: frozenset[str] = frozenset()
    is_detail: bool = False
    """Whether this is one row that was asked for by its id."""
    unpublished: bool = False
    """Whether jobs name their unpublished postings."""
    has_pay: bool = True
    """Whether jobs show their compensation: the answers of writes and webhooks do not."""


PLAIN = View()

HIDDEN: Mapping[str, frozenset[str]] = {
    stream: frozenset(names.split())
    for stream, names in {
        "candidates": "tagIds files resumeFileId sourceId creditedToUserId customFieldValues mergedIntoId"
        " externalMappingId projectIds",
        "applications": "candidateId jobId interviewStageId sourceId archiveReasonId archiveReasonCustomFields"
        " creditedToUserId customFieldValues team formSubmissions referrals history openingIds interviewPlanId",
        "jobs": "customFieldValues team authorId compensationTiers secondaryLocationIds",
        "job_postings": "description locationId secondaryLocationIds publishedAt surveyFormIds"
        " applicationFormDefinition suppressDescriptionOpening suppressDescriptionClosing",
        "openings": "updatedAt latestVersion",
        "offers": "createdAt updatedAt versions formDefinition offerProcessId",
        "interview_schedules": "createdAt updatedAt events keyId",
        "feedback": "submittedByUserId",
        "notes": "authorId candidateId",
        "users": "dailyLimit weeklyLimit",
        "sources": "sourceTypeId",
        "archive_reasons": "createdAt updatedAt",
        "survey_submissions": "surveyFormId",
        "interviewer_pools": "memberIds traineeIds",
    }.items()
}
"""Members of stored rows that are the emulator's own."""

LISTED = {"job_postings": frozenset(("status", "shouldDisplayCompensationOnJobBoard"))}
"""Members that only lists show."""


class Show:
    """Makes what is sent of a row."""

    def __init__(self, rows: AshbyRows) -> None:
        self._rows = rows
        self._makers: dict[str, Callable[[Row, View], Row]] = {
            "candidates": self._candidate,
            "applications": self._application,
            "jobs": self._job,
            "job_postings": self._posting,
            "openings": self._opening,
            "offers": self._offer,
            "interview_schedules": self._schedule,
            "feedback": self._feedback,
            "notes": self._note,
            "sources": self._source,
            "survey_submissions": self._survey_submission,
            "interviewer_pools": self._pool,
        }

    def row(self, stream: str, row: Row, view: View = PLAIN) -> Row:
        make, hidden = self._makers.get(stream), HIDDEN.get(stream, frozenset())
        if view.is_detail and stream in LISTED:
            hidden |= LISTED[stream]
        found = {} if make is None else make(row, view)
        for name, value in row.items():
            if name not in hidden and not name.startswith("_"):
                found[name] = value
        return found

    def one(self, stream: str, id_: object, view: View = PLAIN) -> Row | None:
        """What is sent of a row that another points at; None where there is none."""
        row = self._rows.find(stream, id_)
        return None if row is None else self.row(stream, row, view)

    # People

    def _candidate(self, row: Row, view: View) -> Row:
        emails, phones = list_objects(row, "emailAddresses"), list_objects(row, "phoneNumbers")
        owner = row.get("id")
        handles = [self.file_handle(file, owner) for file in list_objects(row, "files")]
        found: Row = {
            "tags": [tag for id_ in list_texts(row, "tagIds") if (tag := self.one("candidate_tags", id_)) is not None],
            "applicationIds": self._rows.list_application_ids(row)
            if view.is_confidential
            else [
                application["id"]
                for application in self._rows.list_applications(row)
                if not self.is_of_confidential_job(application)
            ],
            "fileHandles": handles,
            "customFields": self.custom_fields(row, view),
            "profileUrl": f"{PROFILES}{owner}",
            "source": self.one("sources", row.get("sourceId")),
            "creditedToUser": self.one("users", row.get("creditedToUserId")),
        }
        for name, entries in (("primaryEmailAddress", emails), ("primaryPhoneNumber", phones)):
            first = next((entry for entry in entries if read_flag(entry, "isPrimary")), None)
            if first is not None:
                found[name] = first
        resume = row.get("resumeFileId")
        handle = next((handle for handle in handles if handle["id"] == resume), None)
        if handle is not None:
            found["resumeFileHandle"] = handle
        return found

    def file_handle(self, file: Row, owner: object, kind: str = "CandidateFile") -> Row:
        """Id, name and handle of a file; the handle is a signed text that clients need not understand."""
        return {"id": file.get("id"), "name": file.get("name"), "handle": self.make_handle(kind, file.get("id"), owner)}

    def make_handle(self, kind: str, file: object, owner: object) -> str:
        inner = {"type": kind, "fileId": file, "ownerId": owner}
        text = f"{self._rows.world.seed} {kind} {file} {owner}"
        signature = base64.b64encode(hashlib.blake2b(text.encode(), digest_size=18).digest()).decode()
        raw = msgspec.json.encode({"handle": inner, "signature": signature, "version": "1"})
        return base64.urlsafe_b64encode(raw).decode().rstrip("=")

    def custom_fields(self, row: Row, view: View) -> list[Row]:
        """Values of custom fields: private ones only for who may see them, those of deleted fields for nobody."""
        found = []
        for id_, value in read_object(row, "customFieldValues").items():
            field = self._rows.find("custom_fields", id_)
            if field is not None and (view.is_private or not read_flag(field, "isPrivate")):
                found.append(self.custom_value(field, value))
        return found

    @staticmethod
    def custom_value(field: Row, value: Any) -> Row:
        """A value with its field's title; a chosen option with its label."""
        found: Row = {
            "id": field.get("id"),
            "isPrivate": read_flag(field, "isPrivate"),
            "title": field.get("title"),
            "value": value,
        }
        options = {str(option.get("value")): option.get("label") for option in list_objects(field, "selectableValues")}
        if field.get("fieldType") == "ValueSelect" and isinstance(value, str):
            found["valueLabel"] = options.get(value, value)
        elif field.get("fieldType") == "MultiValueSelect" and isinstance(value, list):
            found["valueLabel"] = [options.get(str(one), one) for one in value]
        return found

    def _note(self, row: Row, _view: View) -> Row:
        return {"author": self.person(row.get("authorId"))}

    def person(self, id_: object) -> Row | None:
        """Who wrote something, in short."""
        user = self.user(id_)
        return None if user is None else pick(user, "id", "firstName", "lastName", "email")

    def user(self, id_: object) -> Row | None:
        """A user, or the key that was used, which is one of a kind."""
        key = self._rows.find("api_keys", id_)
        if key is None:
            return self.one("users", id_)
        names = {"firstName": key.get("title"), "lastName": "API key"}
        rest = {"globalRole": "Organization Admin", "isEnabled": True, "updatedAt": key.get("createdAt")}
        return {"id": key["id"], **names, **rest}

    # Applications

    def _application(self, row: Row, view: View) -> Row:
        candidate = self._rows.resolve_candidate(row.get("candidateId"))
        brief = None if candidate is None else self.row_brief(candidate)
        job = self._rows.find("jobs", row.get("jobId"))
        reason = self._rows.find("archive_reasons", row.get("archiveReasonId"))
        found: Row = {
            "status": self._rows.find_status(row),
            "customFields": self.custom_fields(row, view),
            "candidate": brief,
            "currentInterviewStage": self.one("interview_stages", row.get("interviewStageId")),
            "source": self.one("sources", row.get("sourceId")),
            "archiveReason": None
            if reason is None
            else {**self.row("archive_reasons", reason), "customFields": row.get("archiveReasonCustomFields") or []},
            "job": None if job is None else pick(job, "id", "title", "locationId", "departmentId", "brandId"),
            "creditedToUser": self.one("users", row.get("creditedToUserId")),
            "hiringTeam": self.team(row),
        }
        if "openings" in view.expand:
            found["openings"] = self._list_openings(list_texts(row, "openingIds"), view)
        if view.is_detail:
            found["applicationHistory"] = self.history(row)
            handle = None if candidate is None else self._candidate(candidate, view).get("resumeFileHandle")
            if handle is not None:
                found["resumeFileHandle"] = handle
        if "applicationFormSubmissions" in view.expand:
            found["applicationFormSubmissions"] = self._rows.list_submissions(row)
        if "referrals" in view.expand:
            found["referrals"] = [
                {"user": self.one("users", entry.get("userId")), "referredAt": entry.get("referredAt")}
                for entry in list_objects(row, "referrals")
            ]
        return found

    def row_brief(self, candidate: Row) -> Row:
        """A candidate within an application."""
        found = pick(candidate, "id", "name")
        for name, entries in (("primaryEmailAddress", "emailAddresses"), ("primaryPhoneNumber", "phoneNumbers")):
            first = next((one for one in list_objects(candidate, entries) if read_flag(one, "isPrimary")), None)
            if first is not None:
                found[name] = first
        return found

    def history(self, row: Row) -> list[Row]:
        found = []
        for entry in self._rows.list_history(row):
            stage = self._rows.find("interview_stages", entry.get("stageId"))
            found.append({**entry, "title": None if stage is None else stage.get("title")})
        return found

    def team(self, row: Row) -> list[Row]:
        """The hiring team of a job or an application."""
        found = []
        for member in list_objects(row, "team"):
            user = self._rows.find("users", member.get("userId"))
            role = self._rows.find("hiring_roles", member.get("roleId"))
            if user is not None:
                person = pick(user, "email", "firstName", "lastName")
                found.append({**person, "role": None if role is None else role.get("title"), "userId": user["id"]})
        return found

    def is_of_confidential_job(self, row: Row) -> bool:
        job = self._rows.find("jobs", row.get("jobId"))
        return job is not None and read_flag(job, "confidential")

    # Jobs

    def _job(self, row: Row, view: View) -> Row:
        postings = [posting for _, posting in self._rows.walk_linked("job_postings", "_job", row.get("id"))][::-1]
        found: Row = {
            "customFields": self.custom_fields(row, view),
            "jobPostingIds": [
                posting["id"] for posting in postings if view.unpublished or posting.get("status") == "Published"
            ],
            "hiringTeam": self.team(row),
            "author": self.user(row.get("authorId")),
        }
        if view.has_pay:
            found["compensation"] = {"compensationTiers": list_objects(row, "compensationTiers")}
        if "location" in view.expand:
            found["location"] = self.one("locations", row.get("locationId"))
        if "openings" in view.expand:
            found["openings"] = [
                self.row("openings", opening, view)
                for _, opening in self._rows.walk_linked("openings", "_jobs", row.get("id"))
            ][::-1]
        return found

    def _posting(self, row: Row, view: View) -> Row:
        if not view.is_detail:
            return show_summary(self._rows, row)
        forms = (self.one("survey_forms", id_) for id_ in list_texts(row, "surveyFormIds"))
        found = show_posting(self._rows, row)
        found["surveyFormDefinitions"] = [form for form in forms if form is not None]
        if "job" in view.expand:
            found["job"] = self.one("jobs", row.get("jobId"), View(view.is_private, view.is_confidential))
        return found

    def _list_openings(self, ids: list[str], view: View) -> list[Row]:
        return [opening for id_ in ids if (opening := self.one("openings", id_, view)) is not None]

    def _opening(self, row: Row, view: View) -> Row:
        version = row.get("latestVersion")
        if not isinstance(version, dict):
            return {"latestVersion": version}
        shown = {name: value for name, value in version.items() if name != "customFieldValues"}
        return {"latestVersion": {**shown, "customFields": self.custom_fields(version, view)}}

    # Hiring

    def _offer(self, row: Row, view: View) -> Row:
        versions = [self._version(version, row, view) for version in list_objects(row, "versions")]
        found: Row = {"latestVersion": versions[-1]} if versions else {}
        if view.is_detail:
            found["versions"] = versions
            found["formDefinition"] = row.get("formDefinition")
        return found

    def _version(self, version: Row, offer: Row, view: View) -> Row:
        shown = {
            name: value
            for name, value in version.items()
            if name not in ("customFieldValues", "files", "authorId") and not name.startswith("_")
        }
        return {
            **shown,
            "customFields": self.custom_fields(version, view),
            "fileHandles": [
                self.file_handle(file, offer.get("id"), "OfferFile") for file in list_objects(version, "files")
            ],
            "author": self.user(version.get("authorId")),
        }

    def _schedule(self, row: Row, view: View) -> Row:
        return {"interviewEvents": [self.event(event, view) for event in list_objects(row, "events")]}

    def event(self, event: Row, view: View) -> Row:
        interviewers = [self._interviewer(one) for one in list_objects(event, "interviewers")]
        found = {**event, "interviewers": [one for one in interviewers if one is not None]}
        found["interviewerUserIds"] = [one["id"] for one in found["interviewers"]]
        if "interview" in view.expand:
            found["interview"] = self.one("interviews", event.get("interviewId"))
        return found

    def _interviewer(self, entry: Row) -> Row | None:
        user = self.one("users", entry.get("userId"))
        if user is None:
            return None
        pool = self._rows.find("interviewer_pools", entry.get("poolId"))
        return {
            **user,
            "trainingRole": entry.get("trainingRole"),
            "interviewerPool": None if pool is None else pick(pool, "id", "title", "isArchived", "trainingPath"),
            "isFeedbackRequired": entry.get("isFeedbackRequired", False),
        }

    def _feedback(self, row: Row, _view: View) -> Row:
        return {"submittedByUser": self.user(row.get("submittedByUserId"))}

    def _survey_submission(self, row: Row, _view: View) -> Row:
        form = self._rows.find("survey_forms", row.get("surveyFormId"))
        return {"formDefinition": None if form is None else form.get("formDefinition")}

    # What a company sets up

    def _source(self, row: Row, _view: View) -> Row:
        return {"sourceType": self.one("source_types", row.get("sourceTypeId"))}

    def _pool(self, row: Row, view: View) -> Row:
        if not view.is_detail:
            return {}
        path = read_object(row, "trainingPath")
        stages = list_objects(path, "trainingStages")
        progress = {
            "trainingPathId": path.get("id"),
            "trainingStageId": stages[0].get("id") if stages else None,
            "interviewsCompleted": 0,
        }
        members = (self.one("users", id_) for id_ in list_texts(row, "memberIds"))
        trainees = (self.one("users", id_) for id_ in list_texts(row, "traineeIds"))
        return {
            "qualifiedMembers": [user for user in members if user is not None],
            "trainees": [{**user, "currentProgress": progress} for user in trainees if user is not None],
        }


def read_handle(text: object) -> Row | None:
    """What a handle says, unchecked; None for what is none."""
    if not isinstance(text, str) or len(text) > 2000:
        return None
    try:
        raw = msgspec.json.decode(base64.urlsafe_b64decode(text.encode() + b"=" * (-len(text) % 4)))
    except (ValueError, RecursionError):
        return None
    inner = raw.get("handle") if isinstance(raw, dict) else None
    return inner if isinstance(inner, dict) and read_text(inner, "fileId") is not None else None
