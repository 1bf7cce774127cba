"""What Harvest's rows must become, said a second time from the contract: the mapping's own code is not used."""

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID, uuid5

from testbed.harvest_truth_more import MORE, list_transitions, tell_posting, tell_question, tell_source
from unihire.model import MODELS

Json = dict[str, Any]
Rows = dict[str, list[Json] | None]
"""The vendor's rows by stream; None for a stream the credentials may not read."""
Records = dict[str, dict[str, Json]]
"""By plural and vendor id: records as our own face answers them, without modified_at; `more` of what mappings fill."""

# The lists that make records or show in them, and one of those that are kept for operations.
STREAMS = [
    "users", "departments", "offices", "rejection_reasons", "candidate_tags", "sources", "referrers", "custom_fields",
    "custom_field_options", "openings", "job_hiring_managers", "job_owners", "job_posts", "pay_input_ranges", "jobs",
    "job_interview_stages", "job_interviews", "application_stages", "rejection_details", "prospect_details",
    "attachments", "applications", "applied_candidate_tags", "candidate_educations", "candidate_employments",
    "candidates", "interviewers", "interviews", "candidate_attribute_types", "job_candidate_attributes",
    "scorecard_candidate_attributes", "scorecard_questions", "scorecard_question_options",
    "scorecard_question_answers", "scorecard_question_answer_options", "scorecards", "offers", "eeoc", "notes",
]  # fmt: skip

OWN = {
    "users": "remote_user",
    "departments": "department",
    "offices": "office",
    "rejection_reasons": "reject_reason",
    "candidate_tags": "tag",
    "sources": "source",
    "job_posts": "job_posting",
    "jobs": "job",
    "job_interview_stages": "job_interview_stage",
    "attachments": "attachment",
    "applications": "application",
    "candidates": "candidate",
    "interviews": "scheduled_interview",
    "scorecards": "scorecard",
    "offers": "offer",
    "eeoc": "eeoc",
    "notes": "activity",
}
"""The streams whose rows are records, and of which model."""

LISTED_WHEN_DELETED = ("job_interview_stages", "job_posts")
"""Streams that go on listing deleted rows, as not active."""


def expect_records(rows: Rows, connector: UUID | None, models: Collection[str] = MODELS.keys()) -> Records:
    """The records of these models the API must serve of these rows.

    Without a connector all ids in them are the vendor's.
    """
    truth = Truth(rows, connector)
    found: Records = {MODELS[model].plural: {} for model in models}
    for stream, model in OWN.items():
        for row in (rows[stream] or ()) if model in models else ():
            if stream in LISTED_WHEN_DELETED and not row["active"]:
                continue  # deleted
            fields = TELL[model](truth, row)
            custom = _tell_custom(row) if model in CUSTOM else {}
            more = MORE[model](truth, row) if model in MORE else {}
            truth.put(found, model, str(row["id"]), row, custom, fields, more)
    for post in (rows["job_posts"] or ()) if "screening_question" in models else ():
        for place, question in enumerate(post["questions"] if post["active"] else ()):
            number = question["id"]
            remote_id = f"{post['id']}:{question['name']}" if number is None else str(number)
            fields = _tell_question(truth, question) | {"job": truth.ours("job", post["job_id"])}
            more = tell_question(truth, post, place)
            truth.put(found, "screening_question", remote_id, question, {}, fields, more)
    for application in (rows["applications"] or ()) if "application_transition" in models else ():
        for step, fields in list_transitions(truth, application):
            truth.put(found, "application_transition", str(step["id"]), step, {}, fields, {})
    return found


class Truth:
    """The rows and how they belong together."""

    def __init__(self, rows: Rows, connector: UUID | None) -> None:
        self._rows = rows
        self._connector = connector
        self._groups: dict[tuple[str, str], dict[Any, list[Json]]] = {}

    def ours(self, model: str, number: Any) -> str | None:
        if self._connector is None or number is None:
            return None if number is None else str(number)
        return _derive(self._connector, f"{model}:{number}")

    def all_ours(self, model: str, numbers: Iterable[Any]) -> list[str | None]:
        return [self.ours(model, number) for number in numbers]

    def children(self, stream: str, member: str, number: Any) -> list[Json] | None:
        """The rows with this number in that member, by id; None where the stream may not be read."""
        rows = self._rows[stream]
        if rows is None:
            return None
        if (stream, member) not in self._groups:
            groups = self._groups[stream, member] = {}
            for row in sorted(rows, key=lambda row: int(row["id"])):
                groups.setdefault(row[member], []).append(row)
        return [] if number is None else self._groups[stream, member].get(number, [])

    def put(
        self, found: Records, model: str, remote_id: str, raw: Json, custom: Json, fields: Json, more: Json
    ) -> None:
        spec = MODELS[model]
        record: Json = {field.name: None for field in spec.fields}
        beside: Json = {field.name: None for field in spec.more}
        assert fields.keys() <= record.keys()
        assert more.keys() <= beside.keys()
        assert remote_id not in found[spec.plural]
        record |= {"id": self.ours(model, remote_id), "remote_id": remote_id, "custom_fields": custom, "raw_data": raw}
        record["more"] = beside | more
        found[spec.plural][remote_id] = {**record, **fields}


@cache
def _derive(connector: UUID, name: str) -> str:
    return str(uuid5(connector, name))


def _text(value: str | None) -> str | None:
    return value or None


def _moment(value: str | None) -> str | None:
    """A moment or a day, in UTC."""
    if not value:
        return None
    if re.fullmatch(r"\d{4}-\d\d-\d\d", value):
        return value + "T00:00:00Z"
    return datetime.fromisoformat(value).astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"


def _values(entries: list[Json] | None) -> list[str] | None:
    """The values there are; an empty one says nothing."""
    return None if entries is None else [entry["value"] for entry in entries if entry["value"]]


def _users(truth: Truth, rows: list[Json] | None) -> list[str | None] | None:
    """The users of these rows, each once."""
    if rows is None:
        return None
    return truth.all_ours("remote_user", dict.fromkeys(row["user_id"] for row in rows if row["user_id"] is not None))


def _tell_custom(row: Json) -> Json:
    return {key: field["value"] for key, field in (row["custom_fields"] or {}).items()}


def _tell_user(truth: Truth, row: Json) -> Json:
    return {
        "first_name": _text(row["first_name"]),
        "last_name": _text(row["last_name"]),
        "email": _text(row["primary_email"]),
        "disabled": row["deactivated"],
        "remote_created_at": _moment(row["created_at"]),
        "access_role": "SUPER_ADMIN" if row["site_admin"] else None,
    }


def _tell_name(truth: Truth, row: Json) -> Json:
    return {"name": _text(row["name"])}


def _tell_job(truth: Truth, row: Json) -> Json:
    posts = truth.children("job_posts", "job_id", row["id"])
    if posts is not None:
        posts = [post for post in posts if post["active"]]  # the others are deleted
    owners = truth.children("job_owners", "job_id", row["id"])
    told = sorted(posts or (), key=lambda post: (post["internal"], not post["live"], post["id"]))
    if told and told[0]["internal"]:
        told = posts or []
    public = [post["public_url"] for post in posts or () if post["live"] and post["public_url"]]
    urls = [{"value": url, "type": "JOB_POSTING", "url_type": "JOB_POSTING"} for url in public]
    department = row["department_id"]
    return {
        "name": _text(row["name"]),
        "code": _text(row["requisition_id"]),
        "status": {"open": "OPEN", "draft": "DRAFT", "closed": "CLOSED"}.get(row["status"], row["status"]),
        "confidential": row["confidential"],
        "departments": [] if department is None else truth.all_ours("department", [department]),
        "offices": None if row["office_ids"] is None else truth.all_ours("office", row["office_ids"]),
        "description": _text(told[0]["content"]) if told else None,
        "job_posting_urls": None if posts is None else urls,
        "hiring_managers": _users(truth, truth.children("job_hiring_managers", "job_id", row["id"])),
        "recruiters": _users(truth, owners and [owner for owner in owners if owner["type"] == "recruiter"]),
        "remote_created_at": _moment(row["created_at"]),
        "remote_updated_at": _moment(row["updated_at"]),
    }


def _tell_question(truth: Truth, part: Json) -> Json:
    return {
        "title": _text(part["label"]),
        "description": _text(part["description"]),
        "type": QUESTION_TYPES.get(part["answer_type"], part["answer_type"]),
        "required": part["required"],
        "options": part["options"],
    }


def _tell_application(truth: Truth, row: Json) -> Json:
    def only(stream: str, number: Any, member: str) -> Any:
        """That member of the row with this id."""
        return next((found[member] for found in truth.children(stream, "id", number) or ()), None)

    details = truth.children("rejection_details", "application_id", row["id"])
    reason = details[-1]["rejection_reason_id"] if details and row["status"] == "rejected" else None
    stage = only("application_stages", row["stage_id"], "job_interview_stage_id")
    return {
        "candidate": truth.ours("candidate", row["candidate_id"]),
        "job": truth.ours("job", row["job_id"]),
        "applied_at": _moment(row["created_at"]),
        "rejected_at": _moment(row["rejected_at"]),
        "source": _text(only("sources", row["source_id"], "name")),
        "credited_to": truth.ours("remote_user", only("referrers", row["referrer_id"], "user_id")),
        "current_stage": truth.ours("job_interview_stage", stage),
        "reject_reason": truth.ours("reject_reason", reason),
    }


def _tell_candidate(truth: Truth, row: Json) -> Json:
    def show(stream: str, model: str) -> list[str | None] | None:
        shown = truth.children(stream, "candidate_id", row["id"])
        return None if shown is None else truth.all_ours(model, [one["id"] for one in shown])

    sites = [_tell_url(url["value"], url["type"].upper(), WEB.get(url["type"])) for url in row["website_addresses"]]
    social = [
        _tell_url(url["value"], "LINKEDIN" if _is_linkedin(url["value"]) else "SOCIAL_MEDIA", "SOCIAL_MEDIA")
        for url in row["social_media_addresses"]
    ]
    return {
        "first_name": _text(row["first_name"]),
        "last_name": _text(row["last_name"]),
        "company": _text(row["company"]),
        "title": _text(row["title"]),
        "is_private": row["private"],
        "can_email": row["can_email"],
        "last_interaction_at": _moment(row["last_activity_at"]),
        "phone_numbers": _values(row["phone_numbers"]),
        "email_addresses": _values(row["email_addresses"]),
        "locations": _values(row["addresses"]),
        "tags": row["tags"],
        "urls": [url for url in sites + social if url["value"]],
        "applications": show("applications", "application"),
        "attachments": show("attachments", "attachment"),
        "remote_created_at": _moment(row["created_at"]),
        "remote_updated_at": _moment(row["updated_at"]),
    }


def _tell_url(value: str, type: str, url_type: str | None) -> Json:
    return {"value": value, "type": type, "url_type": url_type or type}


def _is_linkedin(url: str) -> bool:
    host = urlsplit(url if "//" in url else f"//{url}").hostname or ""
    return f".{host}".endswith(".linkedin.com")


def _tell_attachment(truth: Truth, row: Json) -> Json:
    return {
        "file_name": _text(row["filename"]),
        "file_url": _text(row["url"]),
        "attachment_type": FILES.get(row["type"], row["type"]),
        "candidate": truth.ours("candidate", row["candidate_id"]),
    }


def _tell_interview(truth: Truth, row: Json) -> Json:
    plans = truth.children("job_interviews", "id", row["job_interview_id"])
    return {
        "application": truth.ours("application", row["application_id"]),
        "job_interview_stage": truth.ours("job_interview_stage", plans[0]["job_interview_stage_id"] if plans else None),
        "organizer": truth.ours("remote_user", row["organizer_id"]),
        "interviewers": _users(truth, truth.children("interviewers", "interview_id", row["id"])),
        "location": _text(row["location"]) or _text(row["video_conferencing_url"]),
        "start_at": _moment(row["starts_at"] or row["all_day_start_on"]),
        "end_at": _moment(row["ends_at"] or row["all_day_end_on"]),
        "status": row["status"].upper() if row["status"] in INTERVIEWS else row["status"],
        "remote_created_at": _moment(row["created_at"]),
        "remote_updated_at": _moment(row["updated_at"]),
    }


def _tell_scorecard(truth: Truth, row: Json) -> Json:
    seats = truth.children("interviewers", "scorecard_id", row["id"])
    rating = row["candidate_rating"]
    return {
        "application": truth.ours("application", row["application_id"]),
        "interview": truth.ours("scheduled_interview", seats[0]["interview_id"] if seats else None),
        "interviewer": truth.ours("remote_user", row["interviewer_id"]),
        "submitted_at": _moment(row["submitted_at"]),
        "overall_recommendation": RATINGS.get(rating, rating),
        "remote_created_at": _moment(row["created_at"]),
    }


def _tell_offer(truth: Truth, row: Json) -> Json:
    created = "SENT" if row["sent_on"] else "DRAFT"
    words = {"Accepted": "SIGNED", "Rejected": "DENIED", "Deprecated": "DEPRECATED", "Created": created}
    return {
        "application": truth.ours("application", row["application_id"]),
        "status": words.get(row["status"], row["status"]),
        "sent_at": _moment(row["sent_on"]),
        "start_date": _moment(row["starts_on"]),
        "closed_at": _moment(row["resolved_at"]),
        "remote_created_at": _moment(row["created_at"]),
    }


def _tell_eeoc(truth: Truth, row: Json) -> Json:
    def answer(member: str) -> str | None:
        text = _text((row[member] or {}).get("description"))
        return None if text is None else ANSWERS[member].get(text, text)

    return {
        "candidate": truth.ours("candidate", row["candidate_id"]),
        "submitted_at": _moment(row["submitted_at"]),
        **{member: answer(member) for member in ANSWERS},
    }


def _tell_note(truth: Truth, row: Json) -> Json:
    return {
        "user": truth.ours("remote_user", row["user_id"]),
        "activity_type": row["type"],
        "subject": _text(row["subject"]),
        "body": _text(row["body"]),
        "visibility": VISIBILITIES.get(row["visibility"], row["visibility"]),
        "candidate": truth.ours("candidate", row["candidate_id"]),
        "remote_created_at": _moment(row["created_at"]),
    }


TELL: Mapping[str, Callable[[Truth, Json], Json]] = {
    "remote_user": _tell_user,
    "department": _tell_name,
    "office": lambda truth, row: {"name": _text(row["name"]), "location": _text(row["location"])},
    "reject_reason": _tell_name,
    "tag": _tell_name,
    "job": _tell_job,
    "job_interview_stage": lambda truth, row: {
        "name": _text(row["name"]),
        "job": truth.ours("job", row["job_id"]),
        "stage_order": row["sort_order"],
    },
    "attachment": _tell_attachment,
    "application": _tell_application,
    "candidate": _tell_candidate,
    "scheduled_interview": _tell_interview,
    "scorecard": _tell_scorecard,
    "offer": _tell_offer,
    "eeoc": _tell_eeoc,
    "activity": _tell_note,
    "job_posting": tell_posting,
    "source": tell_source,
}

CUSTOM = ("job", "candidate", "application", "offer", "remote_user")
QUESTION_TYPES = {
    "short_text": "SINGLE_LINE_TEXT", "long_text": "MULTI_LINE_TEXT", "boolean": "BOOLEAN",
    "single_select": "SINGLE_SELECT", "multi_select": "MULTI_SELECT", "attachment": "FILE",
}  # fmt: skip
FILES = {
    "resume": "RESUME", "cover_letter": "COVER_LETTER", "offer_packet": "OFFER_LETTER",
    "offer_letter": "OFFER_LETTER", "signed_offer_letter": "OFFER_LETTER", "other": "OTHER",
}  # fmt: skip
WEB = {kind: kind.upper() for kind in ("personal", "company", "portfolio", "blog", "other")}
INTERVIEWS = ("scheduled", "awaiting_feedback", "complete")
RATINGS = {
    "strong_no": "DEFINITELY_NO", "no": "NO", "no_decision": "NO_DECISION", "yes": "YES", "strong_yes": "STRONG_YES",
}  # fmt: skip
VISIBILITIES = {"admin_only_visible": "ADMIN_ONLY", "privately_visible": "PRIVATE", "publicly_visible": "PUBLIC"}
ANSWERS: Mapping[str, Mapping[str, str]] = {
    "race": {
        "American Indian or Alaska Native": "AMERICAN_INDIAN_OR_ALASKA_NATIVE",
        "Asian": "ASIAN_OR_INDIAN_SUBCONTINENT",
        "Black or African American": "BLACK_OR_AFRICAN_AMERICAN",
        "Hispanic or Latino": "HISPANIC_OR_LATINO",
        "White": "WHITE",
        "Native Hawaiian or Other Pacific Islander": "NATIVE_HAWAIIAN_OR_OTHER_PACIFIC_ISLANDER",
        "Two or More Races": "TWO_OR_MORE_RACES",
        "Decline To Self Identify": "PREFER_NOT_TO_DISCLOSE",
    },
    "gender": {"Male": "MALE", "Female": "FEMALE", "Decline To Self Identify": "PREFER_NOT_TO_DISCLOSE"},
    "veteran_status": {
        "I am not a protected veteran": "I_AM_NOT_A_PROTECTED_VETERAN",
        "I identify as one or more of the classifications of a protected veteran": (
            "I_IDENTIFY_AS_ONE_OR_MORE_OF_THE_CLASSIFICATIONS_OF_A_PROTECTED_VETERAN"
        ),
        "I don't wish to answer": "I_DONT_WISH_TO_ANSWER",
    },
    "disability_status": {
        text: word
        for word, texts in {
            "YES_I_HAVE_A_DISABILITY_OR_PREVIOUSLY_HAD_A_DISABILITY": (
                "Yes, I have a disability, or have had one in the past",
                "Yes, I have a disability, or have a history/record of having a disability",
            ),
            "NO_I_DONT_HAVE_A_DISABILITY": ("No, I do not have a disability and have not had one in the past",),
            "I_DONT_WISH_TO_ANSWER": ("I do not want to answer",),
        }.items()
        for text in texts
    },
}
