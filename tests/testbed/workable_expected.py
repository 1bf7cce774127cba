"""What Workable's rows must become, said a second time from the vendor's documents and the vocabulary.

The mapping's own code is not used: everything is computed from the emulator's answers.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any
from uuid import UUID, uuid5

from testbed.workable_line import Row, WorkableLine
from unihire.model import MODELS

Records = dict[str, dict[str, Row]]
"""By plural and vendor id: records as our own face answers them, without modified_at."""

OWN = {
    "members": "remote_user",
    "departments": "department",
    "disqualification_reasons": "reject_reason",
    "jobs": "job",
    "candidates": "candidate",
    "events": "scheduled_interview",
}
"""The lists whose rows are records, and of which model."""


@dataclass(frozen=True, slots=True)
class Raw:
    """Everything the vendor shows to a token that may read: lists by name, and what is beside rows by their ids."""

    rows: dict[str, list[Row]]
    infos: dict[str, Row]
    stages: dict[str, list[Row]]
    questions: dict[str, list[Row]]
    teams: dict[str, list[Row]]
    profiles: dict[str, Row]
    timelines: dict[str, list[Row]]
    files: dict[str, list[Row]]
    offers: dict[str, Row]


def read_vendor(line: WorkableLine) -> Raw:
    """All of it, asked for without a socket."""
    rows = {
        "members": line.walk("/members", status="all"),
        "departments": line.get("/departments"),
        "disqualification_reasons": line.get("/disqualification_reasons"),
        "stages": line.walk("/stages"),
        "jobs": line.walk("/jobs", limit=100),
        "candidates": line.walk("/candidates", limit=100),
        "events": line.walk("/events", include_cancelled="true"),
    }
    jobs = [row["shortcode"] for row in rows["jobs"]]
    people = [row["id"] for row in rows["candidates"]]
    return Raw(
        rows,
        infos={id: line.get(f"/jobs/{id}") for id in jobs},
        stages={id: line.walk(f"/jobs/{id}/stages") for id in jobs},
        questions={id: line.walk(f"/jobs/{id}/questions") for id in jobs},
        teams={id: line.walk(f"/jobs/{id}/members") for id in jobs},
        profiles={id: line.candidate(id) for id in people},
        timelines={id: line.walk(f"/candidates/{id}/activities") for id in people},
        files={id: line.walk(f"/candidates/{id}/files") for id in people},
        offers={id: line.get(f"/candidates/{id}/offer") for id in people},
    )


def text(value: Any) -> Any:
    return value or None


def moment(value: str | None) -> str | None:
    """A moment or a day, in UTC."""
    if not value:
        return None
    if re.fullmatch(r"\d{4}-\d\d-\d\d", value):
        return value + "T00:00:00Z"
    return datetime.fromisoformat(value).astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"


@cache
def _derive(connector: UUID, name: str) -> str:
    return str(uuid5(connector, name))


class Truth:
    """The rows, and our ids of what they point at."""

    def __init__(self, raw: Raw, connector: UUID) -> None:
        self.raw = raw
        self._connector = connector

    def ours(self, model: str, remote_id: Any) -> str | None:
        return None if remote_id is None else _derive(self._connector, f"{model}:{remote_id}")

    def all_ours(self, model: str, ids: Iterable[Any]) -> list[str | None]:
        return [self.ours(model, one) for one in dict.fromkeys(ids)]


def expect_records(raw: Raw, connector: UUID) -> Records:
    """The records that must be served."""
    truth = Truth(raw, connector)
    found: Records = {spec.plural: {} for spec in MODELS.values()}

    def put(model: str, remote_id: str, row: Row, fields: Row, custom: Row | None = None) -> None:
        spec = MODELS[model]
        record: Row = {field.name: None for field in spec.fields}
        beside: Row = {field.name: None for field in spec.more}
        assert fields.keys() <= record.keys() | beside.keys(), fields.keys() - record.keys() - beside.keys()
        assert remote_id not in found[spec.plural], f"{model} {remote_id} twice"
        # A field that is both says what it says in one place.
        record |= {name: value for name, value in fields.items() if name in record}
        beside |= {name: value for name, value in fields.items() if name in beside}
        record |= {"id": truth.ours(model, remote_id), "remote_id": remote_id}
        record |= {"custom_fields": custom or {}, "raw_data": row, "more": beside}
        found[spec.plural][remote_id] = record

    for row in raw.rows["members"]:
        put("remote_user", row["id"], row, tell_user(row))
    for row in raw.rows["departments"]:
        fields = {"name": text(row["name"]), "parent": truth.ours("department", row["parent_id"])}
        put("department", row["id"], row, fields)
    for row in raw.rows["disqualification_reasons"]:
        fields = {"name": row["description"], "ended_by": tell_ender(row["candidate_withdrew"])}
        put("reject_reason", row["id"], row, fields)
    for row in raw.rows["jobs"]:
        _put_job(truth, put, found, row)
    for row in raw.rows["candidates"]:
        _put_candidate(truth, put, found, row)
    for row in raw.rows["events"]:
        put("scheduled_interview", row["id"], row, tell_event(truth, row))
    return found


def tell_ender(withdrew: bool | None) -> str | None:
    return None if withdrew is None else "CANDIDATE" if withdrew else "COMPANY"


ROLES = {
    "admin": "ADMIN", "recruiting_admin": "ADMIN", "simple": "TEAM_MEMBER", "hiring_manager": "TEAM_MEMBER",
    "reviewer": "INTERVIEWER",
}  # fmt: skip


def tell_user(row: Row) -> Row:
    first, last = re.fullmatch(r"(?:(.*\S)\s)?\s*(\S*)\s*", row["name"]).groups()  # type: ignore[union-attr]
    labels = row.get("roles")
    is_super = "workable.superadmin" in (labels or ())
    return {
        "first_name": text(first if first else last),
        "last_name": text(last) if first else None,
        "name": text(row["name"]),
        "email": text(row["email"]),
        "disabled": not row["active"],
        "access_role": "SUPER_ADMIN" if is_super else ROLES.get(row["role"], row["role"]),
        "roles": None if labels is None else [{"remote_id": None, "label": label, "type": None} for label in labels],
        "title": text(row.get("headline")),
    }


# Jobs


def tell_place(row: Row) -> Row:
    city, region, code = text(row.get("city")), text(row.get("subregion")), text(row.get("country_code"))
    parts = dict.fromkeys(part for part in (city, region, row.get("country_name") or code) if part)
    return {
        "text": text(", ".join(parts)), "street": None, "postal_code": text(row.get("zip_code")), "city": city,
        "region": region or text(row.get("state_code")), "country_code": code,
    }  # fmt: skip


STATUSES = {"draft": "DRAFT", "published": "OPEN", "closed": "CLOSED", "archived": "ARCHIVED"}
POSTINGS = {"draft": "DRAFT", "published": "PUBLISHED", "closed": "CLOSED", "archived": "CLOSED"}
KINDS = {
    "sourced": "LEAD", "applied": "APPLIED", "shortlisted": "SCREEN", "phone-screen": "SCREEN",
    "assessment": "ASSESSMENT", "interview": "INTERVIEW", "offer": "OFFER", "hired": "HIRED", "other": "OTHER",
}  # fmt: skip
QUESTIONS = {
    "free_text": "MULTI_LINE_TEXT", "short_text": "SINGLE_LINE_TEXT", "multiple_choice": "MULTI_SELECT",
    "dropdown": "SINGLE_SELECT", "boolean": "BOOLEAN", "numeric": "NUMERIC", "date": "DATE", "file": "FILE",
}  # fmt: skip
WORKPLACES = {"on_site": "ON_SITE", "hybrid": "HYBRID", "remote": "REMOTE"}
TEAMS = {
    "hiring_manager": "HIRING_MANAGER", "recruiting_admin": "RECRUITER", "recruiter": "RECRUITER",
    "reviewer": "INTERVIEWER",
}  # fmt: skip


def _put_job(truth: Truth, put: Any, found: Records, row: Row) -> None:
    raw, id = truth.raw, row["shortcode"]
    info, ours = raw.infos[id], truth.ours("job", id)
    urls = [
        {"value": row[name], "type": "JOB_POSTING", "url_type": "JOB_POSTING"}
        for name in ("shortlink", "application_url")
        if row[name]
    ]
    dates = {"remote_created_at": moment(row["created_at"]), "remote_updated_at": moment(row["updated_at"])}
    told = text(info.get("full_description")) or text(info.get("description"))
    put("job", id, row, {**_tell_job(truth, row, info), "description": told, "job_posting_urls": urls, **dates})
    posting = {"title": text(row["title"]), "content": told, "status": POSTINGS[row["state"]], "job": ours}
    put("job_posting", id, row, {**posting, "urls": urls, **dates})
    for place in row["locations"]:
        if place["shortcode"] not in found["offices"]:
            where = tell_place(place)
            fields = {"name": where["text"], "location": where["text"], "place": where}
            put("office", place["shortcode"], place, fields)
    for stage in raw.stages[id]:
        fields = {"name": stage["name"], "job": ours, "stage_order": stage["position"]}
        put("job_interview_stage", f"{id}:{stage['slug']}", stage, {**fields, "stage_type": KINDS[stage["kind"]]})
    for number, question in enumerate(raw.questions[id]):
        kind, choices = QUESTIONS[question["type"]], question.get("choices")
        if kind == "MULTI_SELECT" and question["single_answer"]:
            kind = "SINGLE_SELECT"
        fields = {
            "job": ours, "title": question["body"], "type": kind, "required": question["required"],
            "options": choices, "position": number, "posting": truth.ours("job_posting", id),
            "choices": None if choices is None else [
                {"remote_id": one["id"], "label": one["body"]} for one in choices
            ],
        }  # fmt: skip
        put("screening_question", f"{id}:{question['id']}", question, fields)


def _tell_job(truth: Truth, row: Row, info: Row) -> Row:
    hierarchy, named = row["department_hierarchy"] or [], text(row["department"])
    known = [one["id"] for one in truth.raw.rows["departments"] if one["name"] == named]
    department = hierarchy[-1]["id"] if hierarchy else known[0] if named and known else None
    team = [
        {
            "user": truth.ours("remote_user", one["id"]),
            "role": TEAMS.get(one["collaboration_role"]),
            "role_name": text(one["collaboration_role"]),
        }
        for one in truth.raw.teams[row["shortcode"]]
    ]
    salary = row.get("salary") or {}
    least, most, currency = (salary.get(f"salary_{name}") for name in ("from", "to", "currency"))
    return {
        "name": text(row["title"]),
        "code": text(row["code"]),
        "status": STATUSES[row["state"]],
        "confidential": row["confidential"],
        # Which one is not known where it names one that is no department.
        "departments": truth.all_ours("department", [department]) if department else None if named else [],
        "offices": truth.all_ours("office", [one["shortcode"] for one in row["locations"]]),
        "hiring_managers": [one["user"] for one in team if one["role"] == "HIRING_MANAGER"],
        "recruiters": [one["user"] for one in team if one["role"] == "RECRUITER"],
        "hiring_team": team,
        "employment_type": (info["employment_type"] or "").replace("-", "_").replace("Contract", "CONTRACT").upper()
        or None,
        "workplace": WORKPLACES.get(row["workplace_type"], row["workplace_type"]),
        "pay": None
        if least is None and most is None
        else {
            "minimum": least, "maximum": most, "amount": None, "currency": currency and currency.upper(),
            "period": None,
        },
        "places": [tell_place(one) for one in row["locations"]],
        "visibility": "CONFIDENTIAL" if row["confidential"] else "PUBLIC" if row["state"] == "published" else None,
        "category": text(info["function"]),
        "seniority": text(info["experience"]),
    }  # fmt: skip


# Candidates

NETWORKS = {
    "linkedin": "SOCIAL_MEDIA", "twitter": "SOCIAL_MEDIA", "facebook": "SOCIAL_MEDIA", "github": "PORTFOLIO",
    "stackoverflow": "PORTFOLIO", "dribbble": "PORTFOLIO", "behance": "PORTFOLIO",
}  # fmt: skip
TYPES = {
    "pdf": "application/pdf", "doc": "application/msword",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
}  # fmt: skip
OFFERS = {
    "draft": "DRAFT", "pending": "APPROVAL-SENT", "approved": "APPROVED", "sent": "SENT", "accepted": "SIGNED",
    "rejected": "DENIED",
}  # fmt: skip
SCORES = {"negative": "NO", "positive": "YES", "definite": "STRONG_YES"}
HIGHEST = {"thumbs": 2, "stars": 4, "numbers": 9}


def find_stage(raw: Raw, candidate: Row) -> str | None:
    """The id of the stage that a candidate is at: the stage of their job that has the name and the kind."""
    if candidate.get("job") is None:
        return None
    job = candidate["job"]["shortcode"]
    slugs = [
        one["slug"]
        for one in raw.stages.get(job, ())
        if (one["name"], one["kind"]) == (candidate["stage"], candidate["stage_kind"])
    ]
    return f"{job}:{slugs[0]}" if slugs else None


def _put_candidate(truth: Truth, put: Any, found: Records, row: Row) -> None:
    raw, id = truth.raw, row["id"]
    profile, timeline, offer = raw.profiles[id], raw.timelines[id], raw.offers[id]
    application, candidate = truth.ours("application", id), truth.ours("candidate", id)
    files = _list_files(raw, row)
    for name, (file, fields) in files.items():
        put("attachment", name, file, {**fields, "candidate": candidate, "application": application})
    put("candidate", id, row, _tell_candidate(truth, row, profile, list(files)))
    put("application", id, row, _tell_application(truth, row, profile))
    source = text(row.get("common_source")) or text(row.get("domain"))
    if source is not None and source not in found["sources"]:
        known = {"id": source, "category": row.get("common_source_category")}
        put("source", source, known, {"name": source, "category": text(known["category"])})
    for entry in timeline:
        _put_activity(truth, put, row, entry)
    if "state" in offer:
        put("offer", id, offer, _tell_offer(truth, offer, id), _read_variables(offer))


def _list_files(raw: Raw, row: Row) -> dict[str, tuple[Row, Row]]:
    """By id: the part of an answer that says it, and its fields."""
    id, found = row["id"], dict[str, tuple[Row, Row]]()
    link = raw.profiles[id]["resume_url"]
    if link:
        known = row.get("resume_metadata") or {}
        found[f"{id}:resume"] = (
            {"resume_url": link},
            {
                "file_name": text(known.get("filename")),
                "file_url": link,
                "attachment_type": "RESUME",
                "content_type": TYPES.get(known.get("filetype", "")),
                "remote_created_at": moment(known.get("created_at")),
                "remote_updated_at": moment(known.get("updated_at")),
            },
        )
    for kind, files in (("", raw.files[id]), ("offer:", raw.offers[id].get("documents") or [])):
        for at, file in enumerate(files):
            same = sum(one["name"] == file["name"] for one in files[:at])
            name = f"{id}:{kind}{file['name']}{f':{same + 1}' if same else ''}"
            said = {"resume": "RESUME", "cover_letter": "COVER_LETTER"}.get(file["kind"], "OTHER")
            fields = {"file_name": file["name"], "file_url": file["preview_url"]}
            found[name] = file, {**fields, "attachment_type": "OFFER_LETTER" if kind else said}
    return found


def _tell_candidate(truth: Truth, row: Row, profile: Row, files: list[str]) -> Row:
    location = profile.get("location") or {}
    place = {
        "text": text(location.get("location_str")) or text(", ".join(
            location[name] for name in ("city", "region", "country") if location.get(name)
        )),
        "street": None, "postal_code": text(location.get("zip_code")),
        "city": text(location.get("city")), "region": text(location.get("region")),
        "country_code": text(location.get("country_code")),
    }  # fmt: skip
    has_place = any((place["text"], place["postal_code"], place["country_code"]))
    address = text(row.get("address")) or place["text"]
    jobs = profile["experience_entries"]
    source = text(row.get("common_source")) or text(row.get("domain"))
    emails, phones = ([one] if one else [] for one in (row["email"], row["phone"]))
    return {
        "first_name": text(row["firstname"]),
        "last_name": text(row["lastname"]),
        "company": next((one["company"] for one in jobs if one["current"] and one["company"]), None),
        "title": text(row["headline"]),
        "last_interaction_at": moment(
            max((one["created_at"] for one in truth.raw.timelines[row["id"]]), default=None, key=_as_moment)
        ),
        "locations": [address] if address else None,
        "phone_numbers": phones,
        "phones": [{"value": one, "type": None, "is_primary": None} for one in phones],
        "email_addresses": emails,
        "emails": [{"value": one, "type": None, "is_primary": None} for one in emails],
        "urls": [
            {"value": one["url"], "type": one["type"].upper(), "url_type": NETWORKS.get(one["type"], "OTHER")}
            for one in profile.get("social_profiles") or []
        ],
        "tags": profile["tags"],
        "applications": [truth.ours("application", row["id"])],
        "attachments": truth.all_ours("attachment", files),
        "remote_created_at": moment(row["created_at"]),
        "remote_updated_at": moment(row["updated_at"]),
        "avatar": text(profile["image_url"]),
        "places": [place] if has_place else None,
        "is_internal": True if row.get("common_source_category") == "Internal applications" else None,
        "is_anonymized": row.get("anonymized"),
        "sources": [source] if source else None,
        "educations": [
            {
                "remote_id": one["id"], "school": text(one["school"]), "degree": text(one["degree"]),
                "field": text(one["field_of_study"]), "start": text(one["start_date"]), "end": text(one["end_date"]),
            }
            for one in profile["education_entries"]
        ],
        "employments": [
            {
                "remote_id": one["id"], "company": text(one["company"]), "title": text(one["title"]),
                "start": text(one["start_date"]), "end": text(one["end_date"]), "is_current": one["current"],
                "description": text(one["summary"]),
            }
            for one in jobs
        ],
        "remote_url": text(row["profile_url"]),
    }  # fmt: skip


def _as_moment(value: str) -> datetime:
    return datetime.fromisoformat(value)


def _tell_application(truth: Truth, row: Row, profile: Row) -> Row:
    raw, is_over = truth.raw, row["disqualified"]
    ender = tell_ender(profile["withdrew"]) if is_over else None
    reasons = [
        one["id"]
        for one in raw.rows["disqualification_reasons"]
        if one["description"] == row["disqualification_reason"]
        and tell_ender(one["candidate_withdrew"]) == (ender or "COMPANY")
    ]
    is_hired = row["stage_kind"] == "hired" and not is_over
    stage, job = find_stage(raw, row), None if row.get("job") is None else row["job"]["shortcode"]
    source = truth.ours("source", text(row.get("common_source")) or text(row.get("domain")))
    entered = [one["entered_at"] for one in list_steps(raw, row) if one["to"] == stage and stage is not None]
    ended_at = moment(profile["disqualified_at"]) if is_over else None
    return {
        "candidate": truth.ours("candidate", row["id"]),
        "job": truth.ours("job", job),
        "applied_at": moment(row["created_at"]),
        "rejected_at": ended_at,
        "source": text(row.get("common_source")) or text(row.get("domain")),
        "credited_to": truth.ours("remote_user", profile["uploader_id"]),
        "current_stage": truth.ours("job_interview_stage", stage),
        "reject_reason": truth.ours("reject_reason", reasons[0]) if is_over and reasons else None,
        "status": "HIRED" if is_hired else "ACTIVE" if not is_over else "WITHDRAWN" if profile["withdrew"]
        else "REJECTED",
        "ended_by": ender,
        "is_prospect": job is None or row["stage_kind"] == "sourced",
        "hired_at": moment(row.get("hired_at")) if is_hired else None,
        "withdrawn_at": ended_at if ender == "CANDIDATE" else None,
        "stage_entered_at": entered[-1] if entered else None,
        "answers": [_tell_answer(truth, one, job) for one in profile["answers"]],
        "source_record": source,
        "cover_letter": text(profile["cover_letter"]),
        "is_anonymized": row.get("anonymized"),
        "remote_created_at": moment(row["created_at"]),
        "remote_updated_at": moment(row["updated_at"]),
        "remote_url": text(row["profile_url"]),
    }  # fmt: skip


def _tell_answer(truth: Truth, entry: Row, job: str | None) -> Row:
    question, answer = entry["question"], entry["answer"]
    kind, said, values = None, None, None
    if "choices" in answer:
        kind, values = "MULTI_SELECT", [one["body"] for one in answer["choices"]]
        said = ", ".join(values)
    elif "checked" in answer:
        kind, said = "BOOLEAN", "Yes" if answer["checked"] else "No"
    elif "number" in answer:
        kind, said = "NUMERIC", str(answer["number"])
    elif "date" in answer:
        kind, said = "DATE", answer["date"]
    elif "file_url" in answer:
        kind, said = "FILE", answer["file_url"]
    else:
        said = answer["body"]
    return {
        "question": None if job is None else truth.ours("screening_question", f"{job}:{question['id']}"),
        "question_remote_id": question["id"], "title": question["body"], "type": kind, "text": text(said),
        "values": values,
    }  # fmt: skip


def list_steps(raw: Raw, candidate: Row) -> list[Row]:
    """The stages that a candidate came to, in the order of time, each with the activity it began with."""
    job, found = (candidate.get("job") or {}).get("shortcode"), list[Row]()
    beginnings = ("applied", "uploaded", "copied", "referral", "recommended", "sourced")
    for entry in raw.timelines[candidate["id"]]:
        stage = entry["target_stage"]
        if stage is None and entry["action"] in beginnings:
            stage = entry["action_stage"]
        if stage is not None:
            found.append({"entry": entry, "to": job and f"{job}:{stage['slug']}"})
    found.sort(key=lambda one: (_as_moment(one["entry"]["created_at"]), len(one["entry"]["id"]), one["entry"]["id"]))
    for one in found:
        one["entered_at"] = moment(one["entry"]["created_at"])
    return found


def _put_activity(truth: Truth, put: Any, row: Row, entry: Row) -> None:
    raw, id = truth.raw, entry["id"]
    application = truth.ours("application", row["id"])
    user = truth.ours("remote_user", entry["member"]["id"] if entry.get("member") else None)
    roles, made = entry.get("visibility_roles"), moment(entry["created_at"])
    seen_by = None
    if roles:
        is_public = {"simple", "reviewer"} <= set(roles)
        seen_by = "ADMIN_ONLY" if set(roles) <= {"admin", "recruiting_admin"} else "PUBLIC" if is_public else "PRIVATE"
    fields = {
        "user": user, "activity_type": {"comment": "NOTE", "message": "EMAIL"}.get(entry["action"], "OTHER"),
        "body": text(entry["body"]), "visibility": seen_by, "candidate": truth.ours("candidate", row["id"]),
        "remote_created_at": made, "application": application, "remote_updated_at": moment(entry["updated_at"]),
    }  # fmt: skip
    put("activity", id, entry, fields)
    if entry.get("rating"):
        rating = entry["rating"]
        fields = {
            "application": application, "interviewer": user, "remote_created_at": made, "submitted_at": made,
            "overall_recommendation": SCORES[rating["score"]], "score": rating["grade"],
            "score_max": HIGHEST[rating["scale"]], "notes": text(entry["body"]),
            "remote_updated_at": moment(entry["updated_at"]),
        }  # fmt: skip
        put("scorecard", id, entry, fields)
    steps = list_steps(raw, row)
    at = next((at for at, one in enumerate(steps) if one["entry"] is entry), None)
    if at is not None:
        fields = {
            "application": application,
            "from_stage": truth.ours("job_interview_stage", steps[at - 1]["to"]) if at else None,
            "to_stage": truth.ours("job_interview_stage", steps[at]["to"]),
            "entered_at": steps[at]["entered_at"],
            "left_at": steps[at + 1]["entered_at"] if at + 1 < len(steps) else None,
            "user": user,
        }
        put("application_transition", id, entry, fields)


def _tell_offer(truth: Truth, offer: Row, id: str) -> Row:
    days = [
        one["value"]["body"] for one in offer["document_variables"] if one["document_variable"]["slug"] == "start_date"
    ]
    return {
        "application": truth.ours("application", id),
        "remote_created_at": moment(offer["created_at"]),
        "start_date": moment(days[0]) if days else None,
        "status": OFFERS[offer["state"]],
    }


def _read_variables(offer: Row) -> Row:
    found: Row = {}
    for one in offer["document_variables"]:
        value = one["value"]
        name = text(one["document_variable"].get("name")) or one["document_variable"]["slug"]
        found[name] = value["body"] if value.get("body") is not None else value.get("data")
    return found


def tell_event(truth: Truth, row: Row) -> Row:
    members = row["members"]
    link = (row.get("conference") or {}).get("url")
    statuses = {"needs-action": "PENDING"}
    return {
        "application": truth.ours("application", row["candidate"]["id"] if row["candidate"] else None),
        "interviewers": truth.all_ours("remote_user", [one["id"] for one in members]),
        "attendees": [
            {
                "user": truth.ours("remote_user", one["id"]), "email": None, "name": one.get("name"),
                "status": statuses.get(one["status"], one["status"].upper()),
            }
            for one in members
        ],
        "location": text(link),
        "video_url": text(link),
        "start_at": moment(row["starts_at"]),
        "end_at": moment(row["ends_at"]),
        "status": "CANCELLED" if row["cancelled"] else "SCHEDULED",
        "is_cancelled": row["cancelled"],
        "title": text(row["title"]),
        "kind": {"CallEvent": "CALL", "InterviewEvent": "INTERVIEW", "MeetingEvent": "MEETING"}[row["type"]],
    }  # fmt: skip
