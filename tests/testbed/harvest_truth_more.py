"""What richer faces must show of Harvest's rows beside the native fields, said from the contract a second time."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

Json = dict[str, Any]


class Lookup(Protocol):
    """The rows, and how they belong together (harvest_truth.Truth)."""

    def ours(self, model: str, number: Any) -> str | None: ...

    def children(self, stream: str, member: str, number: Any) -> list[Json] | None: ...


Tell = Callable[[Lookup, Json], Json]

STATUSES = {"in_process": "ACTIVE", "hired": "HIRED", "converted": "CONVERTED", "rejected": "REJECTED"}
SIDES = {
    "WE_REJECTED_THEM": "COMPANY", "SECURITY_CONCERN": "COMPANY", "THEY_REJECTED_US": "CANDIDATE",
    "NONE_SPECIFIED": "OTHER",
}  # fmt: skip
REPLIES = {"needs_action": "PENDING"} | {word: word.upper() for word in ("accepted", "declined", "tentative")}
VERDICTS = {
    "definitely_not": "DEFINITELY_NO", "no": "NO", "no_decision": "NO_DECISION", "yes": "YES",
    "strong_yes": "STRONG_YES",
}  # fmt: skip
ANSWER_TYPES = {
    "text": "MULTI_LINE_TEXT", "yes_no": "BOOLEAN", "single_select": "SINGLE_SELECT", "multi_select": "MULTI_SELECT",
}  # fmt: skip
KINDS = {"Full-time": "FULL_TIME", "Part-time": "PART_TIME", "Contract": "CONTRACT"}
ADDRESSES = {word: word.upper() for word in ("personal", "home", "work", "mobile", "skype", "other")}


def text(value: str | None) -> str | None:
    return None if value is None or not value.strip() else value


def moment(value: str | None) -> str | None:
    if not value:
        return None
    if len(value) == len("2026-01-31"):
        return f"{value}T00:00:00Z"
    found = datetime.fromisoformat(value)
    assert found.tzinfo is not None
    return (found - (found.utcoffset() or found - found)).replace(tzinfo=None).isoformat() + "Z"


def only(truth: Lookup, stream: str, number: Any) -> Json:
    """The row of this id, an empty one where there is none."""
    return next(iter(truth.children(stream, "id", number) or ()), {})


def members(truth: Lookup, people: Iterable[tuple[Any, str | None, str | None]]) -> list[Json]:
    found = [
        {"user": truth.ours("remote_user", user), "role": role, "role_name": name}
        for user, role, name in people
        if user is not None
    ]
    return [one for place, one in enumerate(found) if one not in found[:place]]


def contacts(entries: list[Json] | None) -> list[Json] | None:
    if entries is None:
        return None
    return [
        {"value": entry["value"], "type": ADDRESSES.get(entry["type"], entry["type"]), "is_primary": None}
        for entry in entries
        if entry["value"]
    ]


def dates(row: Json) -> Json:
    return {"remote_created_at": moment(row["created_at"]), "remote_updated_at": moment(row["updated_at"])}


def tell_application(truth: Lookup, row: Json) -> Json:
    rejections = truth.children("rejection_details", "application_id", row["id"]) or []
    reason = only(truth, "rejection_reasons", rejections[-1]["rejection_reason_id"]) if rejections else {}
    side = None
    if row["status"] == "rejected" and reason:
        side = SIDES.get(reason["type"]["key"], reason["type"]["key"])
    status = "WITHDRAWN" if side == "CANDIDATE" else STATUSES.get(row["status"], row["status"])
    filled = truth.children("openings", "application_id", row["id"]) or []
    closed = sorted(one["closed_at"] for one in filled if one["closed_at"])
    prospects = truth.children("prospect_details", "application_id", row["id"]) or [{"prospect_owner_id": None}]
    team = [
        (row["recruiter_id"], "RECRUITER", None),
        (row["coordinator_id"], "COORDINATOR", None),
        (prospects[0]["prospect_owner_id"], "OWNER", None),
    ]
    blank = {"question": None, "question_remote_id": None, "type": None, "values": None}
    answers = row["answers"]
    return {
        "status": status,
        "ended_by": side,
        "is_prospect": row["prospect"],
        "hired_at": moment(closed[-1]) if closed and row["status"] == "hired" else None,
        "withdrawn_at": moment(row["rejected_at"]) if status == "WITHDRAWN" else None,
        "stage_entered_at": moment(only(truth, "application_stages", row["stage_id"]).get("entered_at")),
        "answers": None
        if answers is None
        else [{**blank, "title": text(one["question"]), "text": text(one["answer"])} for one in answers],
        "job_posting": truth.ours("job_posting", row["job_post_id"]),
        "source_record": truth.ours("source", row["source_id"]),
        "hiring_team": members(truth, team),
        **dates(row),
    }


def tell_candidate(truth: Lookup, row: Json) -> Json:
    number = row["id"]
    tags = truth.children("applied_candidate_tags", "candidate_id", number)
    schools = truth.children("candidate_educations", "candidate_id", number)
    posts = truth.children("candidate_employments", "candidate_id", number)

    def option(number: Any) -> str | None:
        return text(only(truth, "custom_field_options", number).get("name"))

    def partly(one: Json, end: str) -> str | None:
        year, month = one[f"{end}_date_year"], one[f"{end}_date_month"]
        if year is None:
            return None if one[f"{end}_at"] is None else str(one[f"{end}_at"])[:10]
        return f"{year}" if month is None else f"{year}-{month:02d}"

    return {
        "phones": contacts(row["phone_numbers"]),
        "emails": contacts(row["email_addresses"]),
        "tag_records": None
        if tags is None
        else list(dict.fromkeys(truth.ours("tag", one["candidate_tag_id"]) for one in tags)),
        "is_anonymized": (row["first_name"], row["last_name"]) == ("Anonymized", str(number)),
        "educations": None
        if schools is None
        else [
            {
                "remote_id": str(one["id"]),
                "school": option(one["school_name_custom_field_option_id"]),
                "degree": option(one["degree_custom_field_option_id"]),
                "field": option(one["discipline_custom_field_option_id"]),
                "start": partly(one, "start"),
                "end": partly(one, "end"),
            }
            for one in schools
        ],
        "employments": None
        if posts is None
        else [
            {
                "remote_id": str(one["id"]),
                "company": text(one["company_name"]),
                "title": text(one["title"]),
                "start": one["start_date"],
                "end": one["end_date"],
                "is_current": None,
                "description": None,
            }
            for one in posts
        ],
    }


def tell_job(truth: Lookup, row: Json) -> Json:
    number = row["id"]
    posts = [post for post in truth.children("job_posts", "job_id", number) or () if post["active"]]
    managers, owners = (truth.children(name, "job_id", number) for name in ("job_hiring_managers", "job_owners"))
    roles = {word: word.upper() for word in ("recruiter", "coordinator", "sourcer")}
    people = [(one["user_id"], "HIRING_MANAGER", None) for one in managers or ()]
    people += [
        (one["user_id"], roles.get(one["type"]), None if one["type"] in roles else one["type"]) for one in owners or ()
    ]
    openings = truth.children("openings", "job_id", number)
    said = {
        (one["min_cents"], one["max_cents"], one["currency_type"])
        for post in posts
        for one in truth.children("pay_input_ranges", "job_post_id", post["id"]) or ()
    }
    pay = None
    if len(said) == 1:
        ((least, most, currency),) = said
        pay = {"amount": None, "minimum": least / 100, "maximum": most / 100, "currency": currency, "period": None}
    live = [post for post in posts if post["live"]]
    visibility = "CONFIDENTIAL" if row["confidential"] else None
    if live and visibility is None:
        visibility = "PUBLIC" if any(not post["internal"] for post in live) else "INTERNAL"
    kind = ((row["custom_fields"] or {}).get("employment_type") or {}).get("value")
    return {
        "hiring_team": None if managers is None or owners is None else members(truth, people),
        "employment_type": KINDS.get(kind, kind),
        "pay": pay,
        "visibility": visibility,
        "opened_at": moment(row["opened_at"]),
        "closed_at": moment(row["closed_at"]),
        "openings_count": None if openings is None else len(openings),
    }


def tell_interview(truth: Lookup, row: Json) -> Json:
    seats = truth.children("interviewers", "interview_id", row["id"])
    return {
        "title": text(only(truth, "job_interviews", row["job_interview_id"]).get("name")),
        "video_url": text(row["video_conferencing_url"]),
        "attendees": None
        if seats is None
        else [
            {
                "user": truth.ours("remote_user", one["user_id"]),
                "email": text(one["email"]),
                "name": None,
                "status": REPLIES.get(one["response_status"], one["response_status"]),
            }
            for one in seats
        ],
        "external_id": text(row["external_event_id"]),
    }


def tell_scorecard(truth: Lookup, row: Json) -> Json:
    ratings = truth.children("scorecard_candidate_attributes", "scorecard_id", row["id"])
    answers = truth.children("scorecard_question_answers", "scorecard_id", row["id"])

    def rate(one: Json) -> Json:
        attribute = only(truth, "job_candidate_attributes", one["job_candidate_attribute_id"])
        kind = only(truth, "candidate_attribute_types", attribute.get("candidate_attribute_type_id")).get("name")
        return {
            "name": text(attribute.get("name")),
            "kind": kind and ("SKILL" if kind == "Skills" else "ATTRIBUTE"),
            "rating": VERDICTS.get(one["candidate_attribute_rating"], one["candidate_attribute_rating"]),
            "score": None,
            "note": text(one["note"]),
        }

    def answer(one: Json) -> Json:
        question = only(truth, "scorecard_questions", one["scorecard_question_id"])
        chosen = truth.children("scorecard_question_answer_options", "scorecard_question_answer_id", one["id"]) or []
        options = [only(truth, "scorecard_question_options", each["scorecard_question_option_id"]) for each in chosen]
        labels = [each["name"] for each in options if each.get("name")]
        plain = text(one["answer"]) if one["boolean_value"] is None else "Yes" if one["boolean_value"] else "No"
        return {
            "question": None,
            "question_remote_id": str(one["scorecard_question_id"]),
            "title": text(question.get("question")),
            "type": ANSWER_TYPES.get(question.get("answer_type", ""), question.get("answer_type")),
            "text": ", ".join(labels) or plain,
            "values": labels or None,
        }

    return {
        "attributes": None if ratings is None else [rate(one) for one in ratings],
        "answers": None if answers is None else [answer(one) for one in answers],
        "notes": text(row["notes"]),
        "status": row["status"].upper() if row["status"] in ("draft", "complete") else row["status"],
        "remote_updated_at": moment(row["updated_at"]),
    }


def tell_offer(truth: Lookup, row: Json) -> Json:
    versions = truth.children("offers", "application_id", row["application_id"]) or []
    return {
        "version": row["version"],
        "is_current": row["version"] == max(one["version"] for one in versions),
        "remote_updated_at": moment(row["updated_at"]),
    }


def tell_user(truth: Lookup, row: Json) -> Json:
    role = {"remote_id": None, "label": None, "type": "SUPER_ADMIN"}
    return {
        "roles": [role] if row["site_admin"] else None,
        "title": text(row["job_title"]),
        "employee_id": text(row["employee_id"]),
        "remote_updated_at": moment(row["updated_at"]),
    }


def tell_with(model: str | None = None, member: str = "", field: str = "parent") -> Tell:
    """The moments of the row, and a relation to a record of this model."""

    def tell(truth: Lookup, row: Json) -> Json:
        return dates(row) | ({} if model is None else {field: truth.ours(model, row[member])})

    return tell


def tell_reason(truth: Lookup, row: Json) -> Json:
    return {"ended_by": SIDES.get(row["type"]["key"], row["type"]["key"]), **dates(row)}


def tell_note(truth: Lookup, row: Json) -> Json:
    return {
        "application": truth.ours("application", row["application_id"]),
        "remote_updated_at": moment(row["updated_at"]),
    }


def tell_question(truth: Lookup, post: Json, place: int) -> Json:
    options = post["questions"][place]["options"]
    return {
        "choices": None
        if options is None
        else [{"remote_id": str(one["id"]), "label": text(one["label"])} for one in options],
        "position": place,
        "posting": truth.ours("job_posting", post["id"]),
    }


MORE: Mapping[str, Tell] = {
    "remote_user": tell_user,
    "department": tell_with("department", "parent_id"),
    "office": tell_with("office", "parent_id"),
    "reject_reason": tell_reason,
    "tag": tell_with(),
    "job": tell_job,
    "job_interview_stage": tell_with(),
    "attachment": tell_with("application", "application_id", "application"),
    "application": tell_application,
    "candidate": tell_candidate,
    "scheduled_interview": tell_interview,
    "scorecard": tell_scorecard,
    "offer": tell_offer,
    "eeoc": tell_with("application", "application_id", "application"),
    "activity": tell_note,
}
"""By model of a row, what is shown beside its native fields; nulls may be left out."""


# The models that the native face does not have


def tell_posting(truth: Lookup, row: Json) -> Json:
    shown = "INTERNAL" if row["internal"] else "PUBLISHED"
    status = shown if row["live"] else "CLOSED" if row["first_published_at"] else "DRAFT"
    url = text(row["public_url"])
    return {
        "title": text(row["title"]),
        "content": text(row["content"]),
        "status": None if row["live"] is None else status,
        "is_internal": row["internal"],
        "job": truth.ours("job", row["job_id"]),
        "urls": [] if url is None else [{"value": url, "type": "JOB_POSTING", "url_type": "JOB_POSTING"}],
        "language": text(row["language"]),
        "published_at": moment(row["first_published_at"]),
        **dates(row),
    }


def tell_source(truth: Lookup, row: Json) -> Json:
    return {"name": text(row["name"]), "category": text((row["type"] or {}).get("name")), **dates(row)}


def list_transitions(truth: Lookup, application: Json) -> Sequence[tuple[Json, Json]]:
    """Each step of an application that was entered, as it is stored, and its fields."""
    steps = truth.children("application_stages", "application_id", application["id"]) or []
    entered = [step for step in steps if step["entered_at"] is not None]
    found = []
    for step in entered:
        before = [one for one in entered if (one["entered_at"], one["id"]) < (step["entered_at"], step["id"])]
        last = max(before, key=lambda one: (one["entered_at"], one["id"]), default={"job_interview_stage_id": None})
        fields = {
            "application": truth.ours("application", application["id"]),
            "from_stage": truth.ours("job_interview_stage", last["job_interview_stage_id"]),
            "to_stage": truth.ours("job_interview_stage", step["job_interview_stage_id"]),
            "entered_at": moment(step["entered_at"]),
            "left_at": moment(step["exited_at"]),
            **dates(step),
        }
        found.append(({name: value for name, value in step.items() if name != "days_in_stage"}, fields))
    return found
