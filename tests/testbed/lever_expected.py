"""What Lever's rows must become, said a second time from the vendor's documents and the vocabulary.

The mapping's own code is not used: everything is computed from the emulator's answers. What belongs to an opportunity
is in testbed/lever_expected_below.py.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from testbed.lever_expected_below import BELOW, LeverRaw, Truth, find_application, moment, tell_all, text
from testbed.lever_line import LeverLine, Row
from unihire.model import MODELS

Records = dict[str, dict[str, Row]]
"""By plural and vendor id: records as our own face answers them, without modified_at."""

OWN = {
    "users": "remote_user",
    "tags": "tag",
    "sources": "source",
    "postings": "job",
    "opportunities": "application",
    "contacts": "candidate",
    "eeo_responses": "eeoc",
}
"""The lists whose rows are records each, and of which model."""

KINDS = ("notes", "resumes", "files", "interviews", "feedback", "offers")

ALL = {"confidentiality": "all"}


def read_vendor(line: LeverLine) -> LeverRaw:
    """All of it, asked for without a socket."""
    postings = line.walk("/postings", distributionChannel=["public", "internal"], **ALL)
    opportunities = line.walk("/opportunities", expand="applications", **ALL)
    contacts = dict.fromkeys(row["contact"] for row in opportunities)
    return LeverRaw(
        {
            "users": line.walk("/users", includeDeactivated="true"),
            "archive_reasons": line.walk("/archive_reasons"),
            "stages": line.walk("/stages"),
            "tags": line.walk("/tags"),
            "sources": line.walk("/sources"),
            "requisitions": line.walk("/requisitions", **ALL),
            "postings": postings,
            "opportunities": opportunities,
            "contacts": [line.get(f"/contacts/{id}") for id in contacts],
            "eeo_responses": line.walk("/eeo/responses/pii", created_at_start="0"),
        },
        forms={
            row["id"]: line.get(f"/postings/{row['id']}/apply")
            for row in postings
            if row["state"] in ("published", "internal")
        },
        below={
            (kind, row["id"]): line.walk(f"/opportunities/{row['id']}/{kind}")
            for kind in KINDS
            for row in opportunities
        },
    )


def expect_records(raw: LeverRaw, connector: Any) -> Records:
    """All records that must be served."""
    truth = Truth(raw, connector)
    found: Records = {spec.plural: {} for spec in MODELS.values()}

    def put(model: str, remote_id: str, row: Row, fields: Row, custom: Row | None = None) -> None:
        spec = MODELS[model]
        native = {field.name: None for field in spec.fields}
        beside = {field.name: None for field in spec.more}
        assert fields.keys() <= native.keys() | beside.keys(), (model, fields.keys())
        assert remote_id not in found[spec.plural], f"{model} {remote_id} twice"
        more = beside | {name: value for name, value in fields.items() if name in beside}
        record = native | {name: value for name, value in fields.items() if name in native}
        record |= {"id": truth.ours(model, remote_id), "remote_id": remote_id, "more": more}
        found[spec.plural][remote_id] = record | {"custom_fields": custom or {}, "raw_data": row}

    for stream, model in OWN.items():
        for row in raw.rows[stream]:
            put(model, row.get("id") or row["text"], row, NATIVE[model](truth, row))
    for row in raw.rows["archive_reasons"]:
        if row["type"] != "hired":
            put("reject_reason", row["id"], row, {"name": row["text"], "is_active": row["status"] == "active"})
    for place, row in enumerate(raw.rows["stages"]):
        put("job_interview_stage", row["id"], row, _tell_stage(raw.rows["stages"], place))
    _put_texts(raw, put)
    for row in raw.rows["postings"]:
        put("job_posting", row["id"], row, _tell_posting(truth, row))
        for place, field in enumerate(list_questions(raw.forms.get(row["id"]))):
            name = f"eeo:{field['eeo']}" if "eeo" in field else field["id"]
            put("screening_question", f"{row['id']}:{name}", field, _tell_question(truth, field, row, place))
    for opportunity in raw.rows["opportunities"]:
        for tell in BELOW:
            for model, remote_id, part, fields, custom in tell(truth, opportunity):
                put(model, remote_id, part, fields, custom)
    return found


def _put_texts(raw: LeverRaw, put: Callable[..., None]) -> None:
    """Departments and places, which are texts of postings."""
    departments, offices = dict[str, None](), dict[str, None]()
    for row in raw.rows["postings"]:
        departments |= dict.fromkeys(filter(None, [row["categories"]["department"]]))
        offices |= dict.fromkeys(list_places(row))
    for name in departments:
        put("department", name, {"text": name}, {"name": name})
    for name in offices:
        put("office", name, {"text": name}, {"name": name, "location": name})


def list_places(posting: Row) -> list[str]:
    categories = posting["categories"]
    return list(dict.fromkeys(filter(None, [*categories["allLocations"], categories["location"]])))


def _tell_stage(stages: list[Row], place: int) -> Row:
    id, ids = stages[place]["id"], [one["id"] for one in stages]
    kind = {"applicant-new": "APPLIED", "offer": "OFFER"}.get(id)
    if place < ids.index("applicant-new"):
        kind = "LEAD"
    return {"name": stages[place]["text"], "stage_order": place, "stage_type": kind}


def split(name: str) -> tuple[str | None, str | None]:
    first, _, last = name.strip().rpartition(" ")
    return (first.strip(), last) if first else (last or None, None)


def _tell_user(truth: Truth, row: Row) -> Row:
    first, last = split(row["name"])
    role = ROLES.get(row["accessRole"])
    return {
        "first_name": first,
        "last_name": last,
        "name": text(row["name"]),
        "email": text(row["email"]),
        "disabled": row["deactivatedAt"] is not None,
        "remote_created_at": moment(row["createdAt"]),
        "access_role": role or row["accessRole"],
        "roles": [
            {"remote_id": None, "label": row["accessRole"], "type": role}
            if role
            else {"remote_id": row["accessRole"], "label": None, "type": None}
        ],
        "title": text(row["jobTitle"]),
        "employee_id": text(row["externalDirectoryId"]),
    }


def tell_content(row: Row) -> str | None:
    content = row["content"]
    lists = [
        f"<h3>{one['text']}</h3><ul>{one['content']}</ul>" for one in content["lists"] if one["text"] and one["content"]
    ]
    return "\n".join(filter(None, [content["descriptionHtml"], *lists, content["closingHtml"]])) or None


def list_urls(row: Row) -> list[Row]:
    urls = [row["urls"].get("show"), row["urls"].get("apply")]
    return [{"value": one, "type": "JOB_POSTING", "url_type": "JOB_POSTING"} for one in urls if one]


def is_internal(row: Row) -> bool | None:
    channels = row["distributionChannels"]
    return None if channels is None else "public" not in channels


def _tell_job(truth: Truth, row: Row) -> Row:
    places, code, salary = list_places(row), next(iter(row["requisitionCodes"]), row["reqCode"]), row.get("salaryRange")
    seats = [one["headcountTotal"] for one in truth.raw.rows["requisitions"] if one["requisitionCode"] in [code]]
    seats = seats if row["requisitionCodes"] else []
    manager, owner = truth.ours("remote_user", row["hiringManager"]), truth.ours("remote_user", row["owner"])
    commitment = row["categories"]["commitment"]
    team = [(manager, "HIRING_MANAGER", "Hiring manager"), (owner, "RECRUITER", "Owner")]
    by_state = {"internal": "UNLISTED", "published": "INTERNAL" if is_internal(row) else "PUBLIC"}
    department = row["categories"]["department"]
    return {
        "name": text(row["text"]),
        "description": tell_content(row),
        "code": text(code),
        "status": JOBS[row["state"]],
        "job_posting_urls": list_urls(row)[:1],
        "remote_created_at": moment(row["createdAt"]),
        "remote_updated_at": moment(row["updatedAt"]),
        "confidential": row["confidentiality"] == "confidential",
        "departments": truth.all_ours("department", [department] if department else []),
        "offices": truth.all_ours("office", places),
        "hiring_managers": [manager] if manager else [],
        "recruiters": [owner] if owner else [],
        "hiring_team": [{"user": user, "role": role, "role_name": name} for user, role, name in team if user],
        "employment_type": EMPLOYMENT.get(commitment.lower(), commitment) if commitment else None,
        "workplace": WORKPLACES[row["workplaceType"]],
        "pay": None
        if salary is None
        else {
            "amount": None,
            "minimum": salary["min"],
            "maximum": salary["max"],
            "currency": salary["currency"],
            "period": PERIODS[salary["interval"]],
        },
        "places": [_tell_place(one, row["country"] if len(places) == 1 else None) for one in places],
        "visibility": "CONFIDENTIAL" if row["confidentiality"] == "confidential" else by_state.get(row["state"]),
        "openings_count": seats[0] if seats and seats[0] != "unlimited" else None,
        "seniority": text(row["categories"]["level"]),
        "team": text(row["categories"]["team"]),
    }


def _tell_place(name: str, country: str | None = None) -> Row:
    place = dict.fromkeys(("text", "street", "postal_code", "city", "region", "country_code"))
    return {**place, "text": name, "country_code": country}


def _tell_posting(truth: Truth, row: Row) -> Row:
    return {
        "title": text(row["text"]),
        "content": tell_content(row),
        "status": "rejected" if row["state"] == "rejected" else row["state"].upper(),
        "is_internal": is_internal(row),
        "job": truth.ours("job", row["id"]),
        "urls": list_urls(row),
        "remote_created_at": moment(row["createdAt"]),
        "remote_updated_at": moment(row["updatedAt"]),
    }


def list_questions(form: Row | None) -> Iterable[Row]:
    if form is None:
        return
    for one in form["customQuestions"]:
        yield from one["fields"]
    for name in ("gender", "race", "veteran", "disability", "disabilitySignature", "disabilitySignatureDate"):
        if (field := (form.get("eeoQuestions") or {}).get(name)) is not None:
            yield {**field, "eeo": name}


def _tell_question(truth: Truth, field: Row, posting: Row, place: int) -> Row:
    options = field.get("options")
    return {
        "job": truth.ours("job", posting["id"]),
        "posting": truth.ours("job_posting", posting["id"]),
        "title": text(field.get("text")) or field.get("eeo"),
        "description": text(field.get("description")),
        "type": QUESTIONS.get(field["type"], field["type"]),
        "required": field["required"],
        "options": options,
        "choices": None
        if options is None
        else [{"remote_id": one.get("optionId"), "label": text(one["text"])} for one in options],
        "position": place,
        "category": "EEO" if "eeo" in field else None,
    }


def _tell_application(truth: Truth, row: Row) -> Row:
    application, archived = find_application(row), row["archived"]
    reasons = {one["id"]: one["type"] for one in truth.raw.rows["archive_reasons"]}
    kind = None if archived is None else reasons.get(archived["reason"])
    status = "ACTIVE" if archived is None else {"hired": "HIRED", "non-hired": "REJECTED"}.get(kind or "", "ARCHIVED")
    ended, posting = moment((archived or {}).get("archivedAt")), application.get("posting")
    reached = [one["updatedAt"] for one in truth.steps(row) if one["toStageId"] == row["stage"]]
    owner, source = truth.ours("remote_user", row["owner"]), next(iter(row["sources"]), None)
    referrer = application["user"] if application.get("type") == "referral" else None
    return {
        "candidate": truth.ours("candidate", row["contact"]),
        "job": truth.ours("job", posting),
        "job_posting": truth.ours("job_posting", posting),
        "applied_at": moment(application.get("createdAt") or row["createdAt"]),
        "rejected_at": ended if status == "REJECTED" else None,
        "hired_at": ended if status == "HIRED" else None,
        "reject_reason": truth.ours("reject_reason", archived["reason"]) if status == "REJECTED" else None,
        "status": status,
        "source": source,
        "source_record": truth.ours("source", source),
        "credited_to": truth.ours("remote_user", row["sourcedBy"] or referrer),
        "current_stage": truth.ours("job_interview_stage", row["stage"]),
        "is_prospect": posting is None or row["stage"].startswith("lead-"),
        "stage_entered_at": moment(reached[-1] if reached else row["lastAdvancedAt"]),
        "answers": list(truth.list_answers(application)) if application else None,
        "hiring_team": [{"user": owner, "role": "OWNER", "role_name": "Owner"}] if owner else [],
        "is_anonymized": row["isAnonymized"],
        "remote_created_at": moment(row["createdAt"]),
        "remote_updated_at": moment(row["updatedAt"]),
        "remote_url": row["urls"]["show"],
    }


def _tell_candidate(truth: Truth, row: Row) -> Row:
    own = [one for one in truth.raw.rows["opportunities"] if one["contact"] == row["id"]]
    first, last = split(row["name"])
    place = text(row["location"]["name"])
    store = [one["dataProtection"]["store"] for one in own if (one["dataProtection"] or {}).get("store")]
    contact = [one["dataProtection"]["contact"] for one in own if (one["dataProtection"] or {}).get("contact")]
    latest = max(store, key=lambda one: one["expiresAt"] or 0, default=None)
    touched = [one["updatedAt"] for one in own if one["updatedAt"] is not None]
    tags = tell_all(own, "tags")
    newest = max(own, key=lambda one: (one["createdAt"], one["id"]))
    return {
        "first_name": first,
        "last_name": last,
        "name": text(row["name"]),
        "locations": [place] if place else [],
        "places": [_tell_place(place)] if place else [],
        "phone_numbers": [one["value"] for one in row["phones"] if one["value"]],
        "phones": [
            {"value": text(one["value"]), "type": (one.get("type") or "").upper() or None, "is_primary": None}
            for one in row["phones"]
        ],
        "email_addresses": row["emails"],
        "emails": [{"value": one, "type": None, "is_primary": None} for one in row["emails"]],
        "urls": [_tell_link(link) for link in tell_all(own, "links")],
        "tags": tags,
        "tag_records": truth.all_ours("tag", tags),
        "sources": tell_all(own, "sources"),
        "applications": truth.all_ours("application", [one["id"] for one in own]),
        "last_interaction_at": moment(max(one["lastInteractionAt"] for one in own)),
        "is_private": any(one["confidentiality"] == "confidential" for one in own),
        "can_email": all(one["allowed"] for one in contact) if contact else None,
        "consent": None
        if latest is None
        else {"given": latest["allowed"], "given_at": None, "expires_at": moment(latest["expiresAt"])},
        "is_internal": any(one["origin"] == "internal" for one in own),
        "is_anonymized": row["isAnonymized"],
        "remote_created_at": moment(min(one["createdAt"] for one in own)),
        "remote_updated_at": moment(max(touched, default=None)),
        "remote_url": newest["urls"]["show"],
    }


def _tell_link(link: str) -> Row:
    host = (link.partition("//")[2] or link).partition("/")[0]
    for name, kind in LINKS.items():
        if name in host.split("."):
            return {"value": link, "type": name.upper(), "url_type": kind}
    return {"value": link, "type": None, "url_type": "BLOG" if "blog" in host else "OTHER"}


def _tell_answers(truth: Truth, row: Row) -> Row:
    race, disability = row.get("race"), row.get("disability")
    return {
        "candidate": truth.ours("candidate", row["contact"]),
        "application": truth.ours("application", row["opportunityId"]),
        "submitted_at": moment(row["eeoSurveyRespondedAt"]),
        "gender": GENDERS[row["gender"]] if "gender" in row else None,
        "race": None if race is None else next((ours for word, ours in RACES.items() if race.startswith(word)), race),
        "veteran_status": VETERANS.get(row["veteran"], row["veteran"]) if "veteran" in row else None,
        "disability_status": None
        if disability is None
        else next(ours for word, ours in DISABILITIES.items() if disability.startswith(word)),
    }


NATIVE: Mapping[str, Callable[[Truth, Row], Row]] = {
    "remote_user": _tell_user,
    "tag": lambda truth, row: {"name": row["text"]},
    "source": lambda truth, row: {"name": row["text"]},
    "job": _tell_job,
    "application": _tell_application,
    "candidate": _tell_candidate,
    "eeoc": _tell_answers,
}

ROLES = {
    "super admin": "SUPER_ADMIN",
    "admin": "ADMIN",
    "team member": "TEAM_MEMBER",
    "limited team member": "LIMITED_TEAM_MEMBER",
    "interviewer": "INTERVIEWER",
}
JOBS = {
    "published": "OPEN",
    "internal": "OPEN",
    "closed": "CLOSED",
    "draft": "DRAFT",
    "pending": "PENDING",
    "rejected": "ARCHIVED",
}
EMPLOYMENT = {
    "full-time": "FULL_TIME",
    "part-time": "PART_TIME",
    "permanent": "PERMANENT",
    "internship": "INTERNSHIP",
    "intern": "INTERNSHIP",
    "contract": "CONTRACT",
    "temporary": "TEMPORARY",
}
WORKPLACES = {"onsite": "ON_SITE", "hybrid": "HYBRID", "remote": "REMOTE", "unspecified": None}
PERIODS = {
    "per-year-salary": "YEAR",
    "per-month-salary": "MONTH",
    "per-week-salary": "WEEK",
    "per-day-wage": "DAY",
    "per-hour-wage": "HOUR",
}
QUESTIONS = {
    "date": "DATE",
    "file-upload": "FILE",
    "dropdown": "SINGLE_SELECT",
    "multiple-choice": "SINGLE_SELECT",
    "university": "SINGLE_SELECT",
    "multiple-select": "MULTI_SELECT",
    "text": "SINGLE_LINE_TEXT",
    "textarea": "MULTI_LINE_TEXT",
    "code": "MULTI_LINE_TEXT",
    "currency": "NUMERIC",
    "score": "NUMERIC",
    "yes-no": "BOOLEAN",
}
LINKS = {
    **dict.fromkeys(("linkedin", "twitter", "facebook"), "SOCIAL_MEDIA"),
    **dict.fromkeys(("github", "dribbble", "behance"), "PORTFOLIO"),
    "medium": "BLOG",
}
GENDERS = {"Male": "MALE", "Female": "FEMALE", "Decline to self-identify": "PREFER_NOT_TO_DISCLOSE"}
RACES = {
    "Hispanic or Latino": "HISPANIC_OR_LATINO",
    "White": "WHITE",
    "Black": "BLACK_OR_AFRICAN_AMERICAN",
    "Native Hawaiian": "NATIVE_HAWAIIAN_OR_OTHER_PACIFIC_ISLANDER",
    "Asian": "ASIAN_OR_INDIAN_SUBCONTINENT",
    "American Indian": "AMERICAN_INDIAN_OR_ALASKA_NATIVE",
    "Two or More": "TWO_OR_MORE_RACES",
    "Decline": "PREFER_NOT_TO_DISCLOSE",
}
VETERANS = {
    "I am a Protected Veteran": "I_IDENTIFY_AS_ONE_OR_MORE_OF_THE_CLASSIFICATIONS_OF_A_PROTECTED_VETERAN",
    "I am not a Protected Veteran": "I_AM_NOT_A_PROTECTED_VETERAN",
    "I am not a veteran": "I_AM_NOT_A_PROTECTED_VETERAN",
    "Decline to self-identify": "I_DONT_WISH_TO_ANSWER",
}
DISABILITIES = {
    "Yes": "YES_I_HAVE_A_DISABILITY_OR_PREVIOUSLY_HAD_A_DISABILITY",
    "No": "NO_I_DONT_HAVE_A_DISABILITY",
    "I don't wish": "I_DONT_WISH_TO_ANSWER",
}
