"""What Ashby's rows must become, said a second time from the vendor's documents and the vocabulary.

The mapping's own code is not used: everything is computed from the emulator's answers. Fields that only richer faces
show are in testbed/ashby_expected_more.py.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any
from uuid import UUID, uuid5

from testbed.ashby import AshbyLine, Row
from testbed.ashby_expected_more import (
    MORE,
    QUESTION_TYPES,
    ROLES,
    Names,
    find_verdict,
    list_history,
    list_questions,
    list_team,
    moment,
    read_scorecard,
    text,
    to_address,
)
from unihire.model import MODELS

Records = dict[str, dict[str, Row]]
"""By plural and vendor id: records as our own face answers them, without modified_at."""

OWN = {
    "users": "remote_user",
    "departments": "department",
    "locations": "office",
    "archive_reasons": "reject_reason",
    "candidate_tags": "tag",
    "sources": "source",
    "job_postings": "job_posting",
    "jobs": "job",
    "applications": "application",
    "candidates": "candidate",
    "feedback": "scorecard",
    "offers": "offer",
}
"""The lists whose rows are records, and of which model."""


@dataclass(frozen=True, slots=True)
class Raw:
    """Everything the vendor shows to a key that may read all: lists by name, and what is beside rows by their ids."""

    rows: dict[str, list[Row]]
    postings: dict[str, Row]
    """Published postings, asked for by their ids."""
    stages: dict[str, list[Row]]
    applications: dict[str, Row]
    notes: dict[str, list[Row]]
    offers: dict[str, Row]

    def find(self, stream: str, id: object) -> Row | None:
        return next((row for row in self.rows[stream] if row["id"] == id), None)


def read_vendor(line: AshbyLine) -> Raw:
    """All of it, asked for without a socket."""
    archived = {"includeArchived": True}
    rows = {
        "users": line.walk("user.list", includeDeactivated=True),
        "departments": line.walk("department.list", **archived),
        "locations": line.walk("location.list", includeLocationHierarchy=True, **archived),
        "archive_reasons": line.ask("archiveReason.list", **archived),
        "candidate_tags": line.walk("candidateTag.list", **archived),
        "sources": line.ask("source.list", **archived),
        "job_postings": line.ask("jobPosting.list", includeUnpublishedJobPostings=True),
        "jobs": line.walk("job.list", status=["Draft", "Open", "Closed", "Archived"], expand=["openings"]),
        "interview_plans": line.walk("interviewPlan.list", **archived),
        "interviews": line.walk("interview.list", includeNonSharedInterviews=True, **archived),
        "applications": line.walk("application.list"),
        "candidates": line.walk("candidate.list"),
        "interview_schedules": line.walk("interviewSchedule.list"),
        "feedback": line.walk("applicationFeedback.list"),
        "offers": line.walk("offer.list"),
    }
    return Raw(
        rows,
        postings={
            row["id"]: line.ask("jobPosting.info", jobPostingId=row["id"])
            for row in rows["job_postings"]
            if row["status"] == "Published"
        },
        stages={
            row["id"]: line.ask("interviewStage.list", interviewPlanId=row["id"]) for row in rows["interview_plans"]
        },
        applications={
            row["id"]: line.ask("application.info", applicationId=row["id"], expand=["applicationFormSubmissions"])
            for row in rows["applications"]
        },
        notes={row["id"]: line.walk("candidate.listNotes", candidateId=row["id"]) for row in rows["candidates"]},
        offers={row["id"]: line.ask("offer.info", offerId=row["id"]) for row in rows["offers"]},
    )


def expect_records(raw: Raw, connector: UUID, models: Collection[str] = MODELS.keys()) -> Records:
    """The records of these models that must be served."""
    truth = Truth(raw, connector)
    found: Records = {MODELS[model].plural: {} for model in models}

    def put(model: str, remote_id: str, row: Row, within: Row, custom: Row | None = None) -> None:
        if model not in models:
            return
        spec = MODELS[model]
        fields, more = NATIVE[model](truth, row, within), MORE.get(model, _tell_nothing)(truth, row, within)
        record: Row = {field.name: None for field in spec.fields}
        beside: Row = {field.name: None for field in spec.more}
        assert fields.keys() <= record.keys()
        assert more.keys() <= beside.keys()
        assert remote_id not in found[spec.plural], f"{model} {remote_id} twice"
        record |= {"id": truth.ours(model, remote_id), "remote_id": remote_id}
        record |= {"custom_fields": custom or {}, "raw_data": row, "more": beside | more}
        found[spec.plural][remote_id] = record | fields

    for stream, model in OWN.items():
        for row in raw.rows[stream]:
            customised = row["latestVersion"] if stream == "offers" else row
            put(model, row["id"], row, row, _read_custom(customised))
    for posting in raw.rows["job_postings"]:
        for path, entry in list_questions(raw.postings.get(posting["id"])):
            put("screening_question", f"{posting['id']}:{path}", entry, posting)
    for plan in raw.rows["interview_plans"]:
        for stage in raw.stages[plan["id"]]:
            put("job_interview_stage", stage["id"], stage, plan)
    for application in raw.rows["applications"]:
        for step in raw.applications[application["id"]]["applicationHistory"]:
            put("application_transition", step["id"], step, application)
    for candidate in raw.rows["candidates"]:
        for file in candidate["fileHandles"]:
            put("attachment", file["id"], file, candidate)
        for note in raw.notes[candidate["id"]]:
            put("activity", note["id"], note, candidate)
    for offer in raw.rows["offers"]:
        for file in offer["latestVersion"]["fileHandles"]:
            put("attachment", file["id"], file, offer)
    for schedule in raw.rows["interview_schedules"]:
        for event in schedule["interviewEvents"]:
            put("scheduled_interview", event["id"], event, schedule)
    return found


class Truth(Names):
    """The rows, and our ids of what they point at."""

    def __init__(self, raw: Raw, connector: UUID) -> None:
        self.raw = raw
        self._connector = connector

    def ours(self, model: str, remote_id: Any) -> str | None:
        return None if remote_id is None else _derive(self._connector, f"{model}:{remote_id}")

    def all_ours(self, model: str, ids: Iterable[Any]) -> list[str | None]:
        return [self.ours(model, one) for one in dict.fromkeys(ids)]


@cache
def _derive(connector: UUID, name: str) -> str:
    return str(uuid5(connector, name))


def _tell_nothing(truth: Truth, row: Row, within: Row) -> Row:
    return {}


def _read_custom(row: Row) -> Row:
    """By title; of a choice its label. Titles of the made-up company are unique."""
    return {field["title"]: field.get("valueLabel", field["value"]) for field in row.get("customFields") or ()}


def _id_of(row: Row | None) -> str | None:
    return None if row is None else row["id"]


def _tell_user(truth: Truth, row: Row, within: Row) -> Row:
    return {
        "first_name": text(row["firstName"]),
        "last_name": text(row["lastName"]),
        "email": text(row.get("email")),
        "disabled": not row["isEnabled"],
        "access_role": ROLES.get(row["globalRole"], row["globalRole"]),
    }


def _tell_job(truth: Truth, row: Row, within: Row) -> Row:
    raw, first = truth.raw, next(iter(row["jobPostingIds"]), None)
    postings = [one for one in raw.rows["job_postings"] if one["jobId"] == row["id"] and one["status"] == "Published"]
    addresses = [text(one.get("externalLink")) or text(one["applyLink"]) for one in sorted(postings, key=_by_id)]
    team = list_team(truth, row["hiringTeam"])
    return {
        "name": text(row["title"]),
        "description": None if first is None else text(raw.postings[first]["descriptionHtml"]),
        "code": text(row["customRequisitionId"]),
        "status": row["status"].upper(),
        "job_posting_urls": [tell_address(one) for one in addresses if one],
        "remote_created_at": moment(row["createdAt"]),
        "remote_updated_at": moment(row["updatedAt"]),
        "confidential": row["confidential"],
        "departments": truth.all_ours("department", [row["departmentId"]] if row.get("departmentId") else []),
        "offices": truth.all_ours("office", [row["locationId"]] if row.get("locationId") else []),
        "hiring_managers": [one["user"] for one in team if one["role"] == "HIRING_MANAGER"],
        "recruiters": [one["user"] for one in team if one["role"] == "RECRUITER"],
    }


def _by_id(row: Row) -> str:
    id: str = row["id"]
    return id


def tell_address(value: str) -> Row:
    return {"value": value, "type": "JOB_POSTING", "url_type": "JOB_POSTING"}


def _tell_posting(truth: Truth, row: Row, within: Row) -> Row:
    whole = truth.raw.postings.get(row["id"])
    addresses = [text(row.get("externalLink")), text(row.get("applyLink"))]
    return {
        "title": text(row["title"]),
        "content": None if whole is None else text(whole["descriptionHtml"]),
        "status": row["status"].upper(),
        "job": truth.ours("job", row["jobId"]),
        "urls": [tell_address(one) for one in addresses if one],
        "published_at": moment(row["publishedDate"]),
        "remote_updated_at": moment(row["updatedAt"]),
    }


def _tell_question(truth: Truth, row: Row, within: Row) -> Row:
    field = row["field"]
    return {
        "job": truth.ours("job", within["jobId"]),
        "title": text(field["title"]),
        "description": text(row.get("descriptionPlain")),
        "type": QUESTION_TYPES.get(field["type"], field["type"]),
        "required": row["isRequired"],
        "options": field.get("selectableValues"),
    }


def _tell_application(truth: Truth, row: Row, within: Row) -> Row:
    stage, reason = row["currentInterviewStage"], row["archiveReason"]
    is_over = row["status"] == "Archived"
    stage_id = _id_of(stage)
    if stage is not None and stage["type"] == "Archived":
        before = [step["stageId"] for step in list_history(truth, row) if step["stageId"] != stage_id]
        stage_id = before[-1] if before else None
    return {
        "candidate": truth.ours("candidate", _id_of(row["candidate"])),
        "job": truth.ours("job", _id_of(row["job"])),
        "applied_at": moment(row["createdAt"]),
        "rejected_at": moment(row.get("archivedAt")) if is_over else None,
        "source": text(row["source"]["title"]) if row["source"] else None,
        "credited_to": truth.ours("remote_user", _id_of(row["creditedToUser"])),
        "current_stage": truth.ours("job_interview_stage", stage_id),
        "reject_reason": truth.ours("reject_reason", _id_of(reason)) if is_over else None,
    }


def _tell_candidate(truth: Truth, row: Row, within: Row) -> Row:
    first, _, last = row["name"].rpartition(" ")
    location = row.get("location")
    return {
        "first_name": text(first.strip()) or text(last),
        "last_name": text(last) if first else None,
        "company": text(row.get("company")),
        "title": text(row.get("position")),
        "locations": [location["locationSummary"]] if location else None,
        "phone_numbers": [one["value"] for one in row["phoneNumbers"] if one["value"]],
        "email_addresses": [one["value"] for one in row["emailAddresses"] if one["value"]],
        "urls": [
            {"value": one["url"], "type": one["type"].upper(), "url_type": LINKS.get(one["type"], one["type"])}
            for one in row["socialLinks"]
        ],
        "tags": [tag["title"] for tag in row["tags"]],
        "applications": truth.all_ours("application", row["applicationIds"]),
        "attachments": truth.all_ours("attachment", [file["id"] for file in row["fileHandles"]]),
        "remote_created_at": moment(row["createdAt"]),
        "remote_updated_at": moment(row["updatedAt"]),
    }


def _tell_attachment(truth: Truth, row: Row, within: Row) -> Row:
    if "applicationId" in within:
        application = truth.raw.find("applications", within["applicationId"])
        kind, candidate = "OFFER_LETTER", None if application is None else application["candidate"]["id"]
    else:
        is_resume = within.get("resumeFileHandle", {}).get("id") == row["id"]
        kind, candidate = ("RESUME" if is_resume else "OTHER"), within["id"]
    return {
        "file_name": text(row["name"]),
        "attachment_type": kind,
        "candidate": truth.ours("candidate", candidate),
    }


def _tell_note(truth: Truth, row: Row, within: Row) -> Row:
    return {
        "user": truth.ours("remote_user", _id_of(row["author"])),
        "activity_type": "NOTE",
        "body": text(row["content"]),
        "visibility": "PRIVATE" if row["isPrivate"] else "PUBLIC",
        "candidate": truth.ours("candidate", within["id"]),
        "remote_created_at": moment(row["createdAt"]),
    }


def _tell_interview(truth: Truth, row: Row, within: Row) -> Row:
    return {
        "application": truth.ours("application", within["applicationId"]),
        "job_interview_stage": truth.ours("job_interview_stage", within["interviewStageId"]),
        "interviewers": truth.all_ours("remote_user", [one["id"] for one in row["interviewers"]]),
        "location": text(row["location"]) or text(row["meetingLink"]),
        "start_at": moment(row["startTime"]),
        "end_at": moment(row["endTime"]),
        "remote_created_at": moment(row["createdAt"]),
        "remote_updated_at": moment(row["updatedAt"]),
        "status": INTERVIEWS.get(within["status"], within["status"]),
    }


def _tell_scorecard(truth: Truth, row: Row, within: Row) -> Row:
    return {
        "application": truth.ours("application", row["applicationId"]),
        "interview": truth.ours("scheduled_interview", row.get("interviewEventId")),
        "interviewer": truth.ours("remote_user", _id_of(row["submittedByUser"])),
        "submitted_at": moment(row.get("submittedAt")),
        "overall_recommendation": find_verdict(read_scorecard(row)),
    }


def _tell_offer(truth: Truth, row: Row, within: Row) -> Row:
    latest = row["latestVersion"]
    return {
        "application": truth.ours("application", row["applicationId"]),
        "creator": truth.ours("remote_user", _id_of(latest["author"])),
        "remote_created_at": min(moment(one["createdAt"]) or "" for one in truth.raw.offers[row["id"]]["versions"]),
        "closed_at": moment(row.get("decidedAt")),
        "start_date": moment(latest.get("startDate")),
        "status": OFFERS[row["offerStatus"]] if "offerStatus" in row else ACCEPTANCES[row["acceptanceStatus"]],
    }


def _tell_transition(truth: Truth, row: Row, within: Row) -> Row:
    steps = list_history(truth, within)
    place = [step["id"] for step in steps].index(row["id"])
    return {
        "application": truth.ours("application", within["id"]),
        "from_stage": truth.ours("job_interview_stage", steps[place - 1]["stageId"]) if place else None,
        "to_stage": truth.ours("job_interview_stage", row["stageId"]),
        "entered_at": moment(row["enteredStageAt"]),
        "left_at": moment(row.get("leftStageAt")),
        "user": truth.ours("remote_user", row["actorId"]),
    }


NATIVE: Mapping[str, Callable[[Truth, Row, Row], Row]] = {
    "remote_user": _tell_user,
    "department": lambda truth, row, within: {"name": text(row["name"])},
    "office": lambda truth, row, within: {"name": text(row["name"]), "location": (to_address(row) or {}).get("text")},
    "reject_reason": lambda truth, row, within: {"name": text(row["text"])},
    "tag": lambda truth, row, within: {"name": text(row["title"])},
    "source": lambda truth, row, within: {
        "name": text(row["title"]),
        "category": row["sourceType"]["title"] if row["sourceType"] else None,
        "is_active": not row["isArchived"],
    },
    "job_posting": _tell_posting,
    "job": _tell_job,
    "job_interview_stage": lambda truth, row, within: {
        "name": text(row["title"]),
        "stage_order": row["orderInInterviewPlan"],
    },
    "screening_question": _tell_question,
    "application": _tell_application,
    "application_transition": _tell_transition,
    "candidate": _tell_candidate,
    "attachment": _tell_attachment,
    "activity": _tell_note,
    "scheduled_interview": _tell_interview,
    "scorecard": _tell_scorecard,
    "offer": _tell_offer,
}

LINKS = {
    **dict.fromkeys(("LinkedIn", "Twitter", "YouTube"), "SOCIAL_MEDIA"),
    **dict.fromkeys(("GitHub", "StackOverflow", "CodePen"), "PORTFOLIO"),
    "Medium": "BLOG",
    "Website": "PERSONAL",
}
INTERVIEWS = {
    "Scheduled": "SCHEDULED",
    "WaitingOnFeedback": "AWAITING_FEEDBACK",
    "Complete": "COMPLETE",
    "Cancelled": "CANCELLED",
    "OnHold": None,
    "Unknown": None,
}
OFFERS = {
    "WaitingOnApprovalStart": "DRAFT",
    "WaitingOnApprovalDefinition": "DRAFT",
    "WaitingOnOfferApproval": "APPROVAL-SENT",
    "WaitingOnCandidateResponse": "SENT",
    "CandidateAccepted": "SIGNED",
    "CandidateRejected": "DENIED",
    "OfferCancelled": "DEPRECATED",
}
ACCEPTANCES = {
    "Created": "DRAFT",
    "Pending": "APPROVAL-SENT",
    "WaitingOnResponse": "SENT",
    "Accepted": "SIGNED",
    "Declined": "DENIED",
    "Cancelled": "DEPRECATED",
}
