"""Which rows point at which, what a new row begins with, and which rows change with others."""

import copy
from collections.abc import Iterator
from typing import Any

from unihire.integration.emulate import Row
from unihire.integrations.ashby.emulator.rows.ids import find_number
from unihire.integrations.ashby.emulator.rows.people import empty_application, empty_candidate
from unihire.integrations.ashby.emulator.rows.values import list_objects, list_texts, read_object

_OF_APPLICATION = {"_application": "applications"}
LINKS: dict[str, dict[str, str]] = {
    "applications": {"_candidate": "candidates", "_job": "jobs"},
    "candidates": {"_merged": "candidates", "_emails": "candidates"},
    "notes": {"_candidate": "candidates"},
    "email_messages": {"_candidate": "candidates"},
    "interview_schedules": _OF_APPLICATION,
    "feedback": _OF_APPLICATION,
    "offers": _OF_APPLICATION,
    "offer_processes": _OF_APPLICATION,
    "survey_requests": _OF_APPLICATION,
    "survey_submissions": {"_application": "applications", "_candidate": "candidates"},
    "job_postings": {"_job": "jobs"},
    "openings": {"_jobs": "jobs"},
    "users": {"_emails": "users"},
    "api_keys": {"_key": "api_keys"},
}
"""Stream → the emulator's notes on its rows with numbers of rows they point at, and of which stream those are."""

APPLICATION_OF = frozenset(stream for stream, links in LINKS.items() if "_application" in links)
"""Streams whose rows belong to an application."""

_MEMBERS = {"_candidate": "candidateId", "_job": "jobId", "_application": "applicationId", "_merged": "mergedIntoId"}

UPDATED = frozenset(
    ("candidates", "applications", "jobs", "job_postings", "openings", "offers", "interview_schedules", "users",
     "departments", "interview_plans", "communication_templates", "job_templates")
)  # fmt: skip
"""Streams whose rows have `updatedAt`."""
CREATED = UPDATED - {"users", "job_postings", "openings"} | {"notes", "projects", "api_keys"}


def hash_text(text: str) -> int:
    """A number that a text can be looked up by."""
    value = 0xCBF29CE484222325
    for byte in text.strip().lower().encode("utf-8", "replace"):
        value = (value ^ byte) * 0x100000001B3 & (1 << 60) - 1
    return value


def list_links(stream: str, row: Row) -> Row:
    """The notes on a row, by what is in it now."""
    found: Row = {}
    for note, target in LINKS.get(stream, {}).items():
        value: Any = None
        if note == "_emails" and stream == "users":
            value = [hash_text(email)] if isinstance(email := row.get("email"), str) else []
        elif note == "_key":
            value = hash_text(key) if isinstance(key := row.get("key"), str) else None
        elif note == "_emails":
            values = (entry.get("value") for entry in list_objects(row, "emailAddresses"))
            value = [hash_text(email) for email in values if isinstance(email, str)]
        elif note == "_jobs":
            numbers = (find_number(target, id_) for id_ in list_texts(read_object(row, "latestVersion"), "jobIds"))
            value = [number for number in numbers if number is not None]
        else:
            value = find_number(target, row.get(_MEMBERS[note]))
        found[note] = value
    return found


def list_parents(stream: str, before: Row | None, row: Row) -> Iterator[tuple[str, object]]:
    """(stream, id) of rows that show something of this one, and so change with it."""
    if stream == "applications" and (before is None or before.get("candidateId") != row.get("candidateId")):
        yield "candidates", row.get("candidateId")
    if stream == "candidates" and row.get("mergedIntoId") is not None:
        yield "candidates", row["mergedIntoId"]
    if stream == "job_postings" and (before is None or before.get("status") != row.get("status")):
        yield "jobs", row.get("jobId")


def make_defaults(stream: str, now: str) -> Row:
    """What a row has that is created with nothing said."""
    row: Row = {"createdAt": now} if stream in CREATED else {}
    if stream == "candidates":
        return row | empty_candidate()
    if stream == "applications":
        return row | {"candidateId": None, "jobId": None, "interviewStageId": None, **empty_application()}
    return row | copy.deepcopy(DEFAULTS.get(stream, {}))


_TITLED: Row = {"title": "", "isArchived": False}
DEFAULTS: dict[str, Row] = {
    "jobs": {
        "title": "",
        "confidential": False,
        "status": "Draft",
        "employmentType": "FullTime",
        "interviewPlanIds": [],
        "customFieldValues": {},
        "customRequisitionId": None,
        "team": [],
        "authorId": None,
        "openedAt": None,
        "closedAt": None,
        "compensationTiers": [],
    },
    "candidate_tags": _TITLED,
    "sources": _TITLED,
    "departments": {"name": "", "externalName": None, "isArchived": False, "parentId": None, "extraData": None},
    "locations": {"name": "", "isArchived": False, "isRemote": False, "type": "Location"},
    "users": {"firstName": "", "lastName": "", "globalRole": "Limited Access", "isEnabled": True},
    "notes": {"isPrivate": False, "content": "", "candidateId": None, "authorId": None},
    "interview_schedules": {"status": "NeedsScheduling", "events": [], "keyId": None},
    "offers": {"acceptanceStatus": "Created", "versions": []},
    "job_postings": {"title": "", "status": "Draft", "isListed": False},
    "archive_reasons": {"text": "", "reasonType": "Other", "isArchived": False},
    "openings": {"isArchived": False, "openingState": "Draft"},
    "api_keys": {"title": "", "key": "", "permissions": [], "switches": [], "isEnabled": True},
}
