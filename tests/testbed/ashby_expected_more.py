"""What only richer faces show of Ashby's rows, said a second time from the vendor's documents and the vocabulary."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Protocol

from testbed.ashby import Row

Submitted = list[tuple[Row, Any]]
"""The fields of a form, each with what was answered; None where nothing was."""


class Names(Protocol):
    """Our ids, and the rows of the vendor."""

    raw: Any

    def ours(self, model: str, remote_id: Any) -> str | None: ...

    def all_ours(self, model: str, ids: Iterable[Any]) -> list[str | None]: ...


def text(value: str | None) -> str | None:
    return value or None


def moment(value: str | None) -> str | None:
    """A moment or a day, in UTC."""
    if not value:
        return None
    if re.fullmatch(r"\d{4}-\d\d-\d\d", value):
        return value + "T00:00:00Z"
    return datetime.fromisoformat(value).astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"


def dates(row: Row) -> Row:
    return {"remote_created_at": moment(row["createdAt"]), "remote_updated_at": moment(row["updatedAt"])}


def to_address(row: Row) -> Row | None:
    """The postal address of a location, in parts and as one text."""
    postal = row.get("address", {}).get("postalAddress")
    if not postal:
        return None
    names = ("streetAddress", "postalCode", "addressLocality", "addressRegion", "addressCountry")
    street, code, city, region, country = (text(postal.get(name)) for name in names)
    return {
        "text": ", ".join(part for part in (street, code, city, region, country) if part),
        "street": street,
        "postal_code": code,
        "city": city,
        "region": region,
        "country_code": country if country is not None and re.fullmatch("[A-Z]{2}", country) else None,
    }


def list_team(truth: Names, team: list[Row]) -> list[Row]:
    return [
        {
            "user": truth.ours("remote_user", one["userId"]),
            "role": TEAM_ROLES.get(one["role"], "RECRUITER" if "recruiter" in (one["role"] or "").lower() else None),
            "role_name": text(one["role"]),
        }
        for one in team
    ]


def list_history(truth: Names, application: Row) -> list[Row]:
    """The stages an application was in, in the order it came there."""
    steps: list[Row] = truth.raw.applications[application["id"]]["applicationHistory"]
    return sorted(steps, key=lambda step: (step["enteredStageAt"], step["stageNumber"]))


# Forms


def list_entries(form: Row | None) -> Iterator[Row]:
    for section in (form or {}).get("sections") or ():
        yield from section["fields"]


def list_questions(posting: Row | None) -> Iterator[tuple[str, Row]]:
    """Path and entry of what a posting asks: its application form, then its surveys."""
    if posting is None:
        return
    for form in (
        posting["applicationFormDefinition"],
        *(one["formDefinition"] for one in posting["surveyFormDefinitions"]),
    ):
        for entry in list_entries(form):
            yield entry["field"]["path"], entry


def read_form(submission: Row) -> Submitted:
    values = submission["submittedValues"]
    return [
        (entry["field"], values.get(entry["field"]["path"])) for entry in list_entries(submission["formDefinition"])
    ]


read_scorecard = read_form


def is_verdict(field: Row) -> bool:
    return any(
        "overall recommendation" in (field.get(name) or "").lower().replace("_", " ") for name in ("title", "path")
    )


def find_verdict(submitted: Submitted) -> str | None:
    """The recommendation; no decision where a form asks for one that was not given, null where it asks for none."""
    for field, value in submitted:
        if is_verdict(field):
            if value is None:
                return "NO_DECISION"
            points = find_points(value)
            return SCORES[points] if points is not None else VERDICTS[label_of(field, value)]
    return None


def find_points(value: Any) -> int | None:
    inner = value["score"] if isinstance(value, dict) else value
    return int(inner) if isinstance(inner, int) or inner.isdecimal() else None


def label_of(field: Row, value: str) -> str:
    labels = {one["value"]: one["label"] for one in field["selectableValues"]}
    label: str = labels.get(value, value)
    return label


def tell_answer(field: Row, value: Any, question: str | None) -> Row:
    values = None
    if field["type"] in ("ValueSelect", "MultiValueSelect"):
        values = [label_of(field, one) for one in (value if isinstance(value, list) else [value])]
    return {
        "question": question,
        "question_remote_id": field["id"],
        "title": field["title"],
        "type": QUESTION_TYPES[field["type"]],
        "text": tell_value(field["type"], value) if values is None else ", ".join(values),
        "values": values,
    }


def tell_value(kind: str, value: Any) -> str:
    """An answer as one text, by the type of its field."""
    match kind:
        case "Boolean":
            return "Yes" if value else "No"
        case "RichText":
            return str(value["value"])
        case "Currency":
            return f"{value['value']} {value['currencyCode']}"
        case "Location":
            return ", ".join(value[name] for name in ("city", "region", "country") if name in value)
        case "EducationHistory":
            schools = [[one[name] for name in ("schoolName", "degree", "major") if name in one] for one in value]
            return "; ".join(", ".join(parts) for parts in schools)
    return str(value)


# By model


def _user(truth: Names, row: Row, within: Row) -> Row:
    label = row["globalRole"]
    return {
        "roles": [{"remote_id": None, "label": label, "type": ROLES.get(label, label)}],
        "remote_updated_at": moment(row["updatedAt"]),
    }


def _job(truth: Names, row: Row, within: Row) -> Row:
    postings = [
        one for one in truth.raw.rows["job_postings"] if one["jobId"] == row["id"] and one["status"] == "Published"
    ]
    location = truth.raw.find("locations", row.get("locationId")) or {}
    work = {one["workplaceType"] for one in postings} or {location.get("workplaceType")}
    visibility = None
    if row["confidential"]:
        visibility = "CONFIDENTIAL"
    elif postings:
        visibility = "PUBLIC" if any(one["isListed"] for one in postings) else "UNLISTED"
    address = to_address(location)
    return {
        "hiring_team": list_team(truth, row["hiringTeam"]),
        "employment_type": EMPLOYMENT[row["employmentType"]],
        "workplace": WORKPLACES[work.pop()] if len(work) == 1 else None,
        "pay": _find_pay(row["compensation"]["compensationTiers"]),
        "places": None if address is None else [address],
        "visibility": visibility,
        "opened_at": moment(row["openedAt"]),
        "closed_at": moment(row["closedAt"]),
        "openings_count": len([one for one in row["openings"] if not one["isArchived"]]),
    }


def _find_pay(tiers: list[Row]) -> Row | None:
    """The salary, where all tiers have the same."""
    names = ("minValue", "maxValue", "currencyCode", "interval")
    parts = [part for tier in tiers for part in tier["components"] if part["compensationType"] == "Salary"]
    said = {tuple(part[name] for name in names) for part in parts}
    if len(said) != 1:
        return None
    ((least, most, currency, interval),) = said
    return {
        "amount": None,
        "minimum": least,
        "maximum": most,
        "currency": currency,
        "period": PERIODS.get(interval, interval),
    }


def _stage(truth: Names, row: Row, within: Row) -> Row:
    jobs = [one["id"] for one in truth.raw.rows["jobs"] if one.get("defaultInterviewPlanId") == within["id"]]
    return {
        "jobs": truth.all_ours("job", sorted(jobs)),
        "pipeline": within["id"],
        "stage_type": STAGE_TYPES[row["type"]],
    }


def _question(truth: Names, row: Row, within: Row) -> Row:
    posting, field = truth.raw.postings[within["id"]], row["field"]
    asked = [path for path, _ in list_questions(posting)]
    options, category = field.get("selectableValues"), None
    for survey in posting["surveyFormDefinitions"]:
        if field["path"] in [entry["field"]["path"] for entry in list_entries(survey["formDefinition"])]:
            category = SURVEYS[survey["surveyType"]]
    return {
        "choices": None if options is None else [{"remote_id": one["value"], "label": one["label"]} for one in options],
        "position": asked.index(field["path"]),
        "posting": truth.ours("job_posting", within["id"]),
        "category": category,
    }


def _application(truth: Names, row: Row, within: Row) -> Row:
    status, reason, steps = row["status"], row["archiveReason"], list_history(truth, row)
    ours, side = STATUSES.get(status, status), None
    if status == "Archived":
        kind = None if reason is None else reason["reasonType"]
        side = (
            None
            if kind is None
            else {"RejectedByOrg": "COMPANY", "RejectedByCandidate": "CANDIDATE"}.get(kind, "OTHER")
        )
        ours = "ARCHIVED" if kind is None else "WITHDRAWN" if side == "CANDIDATE" else "REJECTED"
    stage = row["currentInterviewStage"] or {"id": None, "type": None}
    there = [one for one in steps if (one["stageId"] == stage["id"]) == (stage["type"] != "Archived")]
    entered = moment(there[-1]["enteredStageAt"]) if there else None
    posting = row["appliedViaJobPostingId"]
    return {
        "status": ours,
        "ended_by": side,
        "is_prospect": status == "Lead",
        "hired_at": entered if ours == "HIRED" else None,
        "withdrawn_at": moment(row.get("archivedAt")) if ours == "WITHDRAWN" else None,
        "stage_entered_at": entered,
        "answers": [
            tell_answer(
                field, value, truth.ours("screening_question", f"{posting}:{field['path']}") if posting else None
            )
            for form in truth.raw.applications[row["id"]]["applicationFormSubmissions"]
            for field, value in read_form(form)
            if value is not None
        ],
        "job_posting": truth.ours("job_posting", posting),
        "source_record": truth.ours("source", row["source"]["id"] if row["source"] else None),
        "hiring_team": list_team(truth, row["hiringTeam"]),
        **dates(row),
    }


def _candidate(truth: Names, row: Row, within: Row) -> Row:
    place, school = row.get("location"), text(row.get("school"))
    company, position = text(row.get("company")), text(row.get("position"))
    parts = {one["type"]: one["name"] for one in place["locationComponents"]} if place else {}
    blank = {"remote_id": None, "start": None, "end": None}
    return {
        "name": text(row["name"]),
        "places": None
        if not place
        else [
            {
                "text": place["locationSummary"],
                "street": None,
                "postal_code": None,
                "city": parts.get("City"),
                "region": parts.get("Region"),
                "country_code": None,
            }
        ],
        "phones": _contacts(row["phoneNumbers"]),
        "emails": _contacts(row["emailAddresses"]),
        "tag_records": truth.all_ours("tag", [tag["id"] for tag in row["tags"]]),
        "sources": [row["source"]["title"]] if row["source"] else None,
        "educations": [{**blank, "school": school, "degree": None, "field": None}] if school else None,
        "employments": [{**blank, "company": company, "title": position, "is_current": None, "description": None}]
        if company or position
        else None,
        "remote_url": text(row["profileUrl"]),
    }


def _contacts(entries: list[Row]) -> list[Row]:
    return [
        {"value": one["value"], "type": one["type"].upper(), "is_primary": one["isPrimary"]}
        for one in entries
        if one["value"]
    ]


def _attachment(truth: Names, row: Row, within: Row) -> Row:
    return {"application": truth.ours("application", within.get("applicationId"))}


def _interview(truth: Names, row: Row, within: Row) -> Row:
    return {
        "is_cancelled": within["status"] == "Cancelled",
        "video_url": text(row["meetingLink"]),
        "attendees": [
            {
                "user": truth.ours("remote_user", one["id"]),
                "email": text(one.get("email")),
                "name": text(f"{one['firstName']} {one['lastName']}".strip()),
                "status": None,
            }
            for one in row["interviewers"]
        ],
        "group": within["id"],
        "external_id": (row["extraData"] or {}).get("external_id"),
    }


def _scorecard(truth: Names, row: Row, within: Row) -> Row:
    submitted = read_form(row)
    points = [
        find_points(value)
        for field, value in submitted
        if is_verdict(field) and field["type"] == "Score" and value is not None
    ]
    others = [(field, value) for field, value in submitted if not is_verdict(field) and value is not None]
    return {
        "score": points[0] if points else None,
        "score_max": 4 if points else None,
        "attributes": [
            {"name": field["title"], "kind": "ATTRIBUTE", "rating": None, "score": find_points(value), "note": None}
            for field, value in others
            if field["type"] == "Score"
        ],
        "answers": [tell_answer(field, value, None) for field, value in others if field["type"] != "Score"],
    }


def _offer(truth: Names, row: Row, within: Row) -> Row:
    salary = row["latestVersion"].get("salary")
    return {
        "version": len(truth.raw.offers[row["id"]]["versions"]),
        "is_current": True,
        "pay": None
        if salary is None
        else {
            "amount": salary["value"],
            "minimum": None,
            "maximum": None,
            "currency": salary["currencyCode"],
            "period": None,
        },
    }


MORE: Mapping[str, Callable[..., Row]] = {
    "remote_user": _user,
    "department": lambda truth, row, within: {"parent": truth.ours("department", row["parentId"]), **dates(row)},
    "office": lambda truth, row, within: {
        "place": to_address(row),
        "parent": truth.ours("office", row.get("parentLocationId")),
    },
    "reject_reason": lambda truth, row, within: {
        "ended_by": {"RejectedByOrg": "COMPANY", "RejectedByCandidate": "CANDIDATE", "Other": "OTHER"}[
            row["reasonType"]
        ],
        "is_active": not row["isArchived"],
    },
    "job": _job,
    "job_interview_stage": _stage,
    "screening_question": _question,
    "application": _application,
    "candidate": _candidate,
    "attachment": _attachment,
    "scheduled_interview": _interview,
    "scorecard": _scorecard,
    "offer": _offer,
}

ROLES = {
    "Organization Admin": "ADMIN",
    "Elevated Access": "TEAM_MEMBER",
    "Limited Access": "LIMITED_TEAM_MEMBER",
    "External Recruiter": "RECRUITER",
}
TEAM_ROLES = {
    "Hiring Manager": "HIRING_MANAGER",
    "Recruiter": "RECRUITER",
    "Coordinator": "COORDINATOR",
    "Sourcer": "SOURCER",
}
EMPLOYMENT = {
    "FullTime": "FULL_TIME",
    "PartTime": "PART_TIME",
    "Intern": "INTERNSHIP",
    "Contract": "CONTRACT",
    "Temporary": "TEMPORARY",
}
WORKPLACES = {"OnSite": "ON_SITE", "Hybrid": "HYBRID", "Remote": "REMOTE", None: None}
PERIODS = {
    "1 YEAR": "YEAR",
    "1 MONTH": "MONTH",
    "2 WEEK": "TWO_WEEKS",
    "1 WEEK": "WEEK",
    "1 DAY": "DAY",
    "1 HOUR": "HOUR",
}
STATUSES = {"Lead": "ACTIVE", "Active": "ACTIVE", "Hired": "HIRED"}
SIDES = {"RejectedByOrg": "COMPANY", "RejectedByCandidate": "CANDIDATE", "Other": "OTHER"}
STAGE_TYPES = {
    "Lead": "LEAD",
    "PreInterviewScreen": "SCREEN",
    "Active": "INTERVIEW",
    "Offer": "OFFER",
    "Hired": "HIRED",
    "Archived": "ENDED",
}
SURVEYS = {"EEOC": "EEO", "Diversity": "DEMOGRAPHIC", "CandidateDataConsent": "CONSENT", "Questionnaire": None}
SCORES = {4: "STRONG_YES", 3: "YES", 2: "NO", 1: "DEFINITELY_NO"}
VERDICTS = {
    "Strong Hire": "STRONG_YES",
    "Hire": "YES",
    "No Hire": "NO",
    "Strong No Hire": "DEFINITELY_NO",
}
QUESTION_TYPES = {
    word: kind
    for kind, words in {
        "BOOLEAN": "Boolean",
        "DATE": "Date",
        "FILE": "File",
        "SINGLE_SELECT": "ValueSelect",
        "MULTI_SELECT": "MultiValueSelect",
        "NUMERIC": "Number Score Currency NumberRange CompensationRange",
        "MULTI_LINE_TEXT": "LongText RichText EducationHistory",
        "SINGLE_LINE_TEXT": "String Email Phone Url UUID Location SocialLink",
    }.items()
    for word in words.split()
}
