"""Which rows point at which, what a new row begins with, and believable changes."""

import copy
from collections.abc import Callable
from typing import Any

from unihire.integration.emulate import Row
from unihire.integrations.lever.emulator.rows.ids import find_number
from unihire.integrations.lever.emulator.rows.values import hash_email, hash_text, list_texts

OF_OPPORTUNITY = (
    "applications", "notes", "feedback", "interviews", "panels", "offers", "referrals", "resumes", "files",
    "file_actions", "forms", "eeo_responses",
)  # fmt: skip
"""Streams whose rows belong to an opportunity."""
_OPPORTUNITY = {"_opportunity": "opportunities"}
LINKS: dict[str, dict[str, str]] = {
    **dict.fromkeys(OF_OPPORTUNITY, _OPPORTUNITY),
    "applications": {**_OPPORTUNITY, "_posting": "postings"},
    "opportunities": {"_contact": "contacts"},
    "contacts": {"_emails": "contacts"},
    "users": {"_emails": "users"},
    "tags": {"_text": "tags"},
    "sources": {"_text": "sources"},
    "api_keys": {"_key": "api_keys"},
}
"""Stream → the emulator's notes on its rows with numbers they can be looked up by, and of which stream those are."""
_MEMBERS = {"_opportunity": "opportunityId", "_posting": "posting", "_contact": "contact"}

UPDATED = frozenset(
    ("opportunities", "postings", "requisitions", "feedback", "feedback_templates", "form_templates", "webhooks")
)
CREATED = UPDATED | {
    "applications",
    "users",
    "notes",
    "interviews",
    "panels",
    "offers",
    "referrals",
    "resumes",
    "forms",
}

MOVING = frozenset(
    ("applications", "archived", "confidentiality", "contact", "dataProtection", "emails", "followers", "headline",
     "isAnonymized", "lastAdvancedAt", "lastInteractionAt", "links", "location", "name", "origin", "owner", "phones",
     "snoozedUntil", "sourcedBy", "sources", "stage", "stageChanges", "tags", "createdAt")
)  # fmt: skip
"""Members of an opportunity that move its `updatedAt`."""


def list_links(stream: str, row: Row) -> Row:
    """The notes on a row, by what is in it now."""
    found: Row = {}
    for note, target in LINKS.get(stream, {}).items():
        value: Any = None
        if note == "_emails" and stream == "users":
            value = [hash_email(email)] if isinstance(email := row.get("email"), str) else []
        elif note == "_emails":
            value = [hash_email(email) for email in list_texts(row, "emails")]
        elif note in ("_text", "_key"):
            value = hash_text(text) if isinstance(text := row.get(note[1:]), str) else None
        else:
            value = find_number(target, row.get(_MEMBERS[note]))
        found[note] = value
    return found


def make_defaults(stream: str, now: int) -> Row:
    """What a row has that is created with nothing said."""
    row: Row = copy.deepcopy(DEFAULTS.get(stream, {}))
    if stream in CREATED:
        row["createdAt"] = now
    if stream == "opportunities":
        row |= {"lastInteractionAt": now, "lastAdvancedAt": now}
    return row


_FORM: Row = {"text": "", "instructions": "", "fields": [], "completedAt": None, "deletedAt": None, "user": None}
DEFAULTS: dict[str, Row] = {
    "contacts": {
        "name": "",
        "headline": "",
        "isAnonymized": False,
        "location": {"name": ""},
        "emails": [],
        "phones": [],
        "dataProtection": {"interviewIntelligence": {"allowed": True, "expiresAt": None}},
    },
    "opportunities": {
        "contact": None,
        "stage": "lead-new",
        "confidentiality": "non-confidential",
        "links": [],
        "archived": None,
        "tags": [],
        "sources": [],
        "origin": "sourced",
        "sourcedBy": None,
        "owner": None,
        "followers": [],
        "snoozedUntil": None,
        "dataProtection": None,
    },
    "applications": {
        "type": "user",
        "opportunityId": None,
        "posting": None,
        "name": None,
        "company": None,
        "phone": None,
        "email": None,
        "links": [],
        "comments": None,
        "user": None,
        "customQuestions": [],
        "requisitionForHire": None,
        "ipAddress": None,
        "referer": None,
        "userAgent": None,
        "acceptLanguage": None,
        "timezone": None,
    },
    "postings": {
        "text": "",
        "state": "draft",
        "distributionChannels": None,
        "user": None,
        "owner": None,
        "hiringManager": None,
        "categories": {"team": None, "department": None, "location": None, "allLocations": [], "commitment": None,
                       "level": None},
        "tags": [],
        "content": {"description": "", "descriptionHtml": "", "lists": [], "closing": "", "closingHtml": ""},
        "country": None,
        "followers": [],
        "reqCode": None,
        "requisitionCodes": [],
        "confidentiality": "non-confidential",
        "workplaceType": "unspecified",
        "transcribeInterviews": False,
        "screening": {"enabled": False},
        "questionSets": [],
    },
    "requisitions": {
        "requisitionCode": "",
        "name": "",
        "backfill": False,
        "confidentiality": "non-confidential",
        "creator": None,
        "headcountTotal": 1,
        "headcountHired": 0,
        "headcountInfinite": False,
        "status": "open",
        "hiringManager": None,
        "owner": None,
        "compensationBand": None,
        "employmentStatus": None,
        "location": None,
        "internalNotes": "",
        "postings": [],
        "department": None,
        "team": None,
        "offerIds": [],
        "approval": {"status": None, "steps": []},
        "customFields": {},
        "closedAt": None,
        "timeToFillStartAt": None,
        "timeToFillEndAt": None,
    },
    "users": {
        "name": "",
        "username": "",
        "email": "",
        "accessRole": "interviewer",
        "photo": None,
        "deactivatedAt": None,
        "externalDirectoryId": None,
        "linkedContactIds": None,
        "jobTitle": None,
        "managerId": None,
    },
    "notes": {"text": "Note", "fields": [], "user": None, "secret": False, "deletedAt": None, "viaApi": True},
    "feedback": {**_FORM, "type": "interview", "interview": None, "panel": None},
    "forms": {**_FORM, "type": "form"},
    "referrals": {**_FORM, "type": "referral", "referrer": None, "stage": None},
    "feedback_templates": {"text": "", "group": None, "instructions": "", "fields": [], "stage": None, "viaApi": True},
    "form_templates": {"text": "", "group": None, "instructions": "", "fields": [], "secretByDefault": False,
                       "viaApi": True},
    "interviews": {
        "panel": None,
        "subject": None,
        "note": None,
        "interviewers": [],
        "timezone": "UTC",
        "date": 0,
        "duration": 30,
        "location": None,
        "feedbackTemplate": None,
        "feedbackReminder": "daily",
        "user": None,
        "stage": None,
        "canceledAt": None,
        "postings": [],
        "gcalEventUrl": None,
    },
    "panels": {
        "applications": [],
        "canceledAt": None,
        "externallyManaged": True,
        "externalUrl": None,
        "feedbackReminder": "daily",
        "note": None,
        "stage": None,
        "timezone": "UTC",
        "user": None,
    },
    "offers": {"status": "draft", "fields": [], "signatures": None, "approvedAt": None, "sentAt": None},
    "files": {"name": "", "ext": "", "status": "processed", "size": 0},
    "resumes": {"file": None, "parsedData": None},
    "tags": {"text": "", "count": 0},
    "sources": {"text": "", "count": 0},
    "stages": {"text": "", "pipeline": "screen", "rank": 150, "hasInterview": False},
    "archive_reasons": {"text": "", "status": "active", "type": "non-hired"},
    "requisition_fields": {"key": "", "text": "", "type": "text", "isRequired": False},
    "api_keys": {"title": "", "key": "", "permissions": [], "isEnabled": True},
}  # fmt: skip

_VARIED: dict[str, Callable[[int], Row]] = {
    "contacts": lambda bits: {"headline": f"Example {bits % 1000} Ltd"},
    "opportunities": lambda bits: {"links": [f"https://example.com/people/{bits % 1000}"]},
    "applications": lambda bits: {"comments": f"Changed comment {bits % 1000}"},
    "requisitions": lambda bits: {"name": f"Changed requisition {bits % 1000}"},
    "users": lambda bits: {"jobTitle": f"Changed {bits % 1000}"},
    "notes": lambda bits: {"secret": bits & 1 == 1},
    "interviews": lambda bits: {"location": f"Room {bits % 100}"},
    "panels": lambda bits: {"note": f"Changed note {bits % 1000}"},
    "offers": lambda bits: {"status": ("sent", "opened", "approved")[bits % 3]},
    "files": lambda bits: {"name": f"changed-{bits % 1000}.pdf"},
    "file_actions": lambda bits: {"meta": {"draw": bits % 1000}},
    "resumes": lambda bits: {"parsedData": {"positions": [], "schools": [], "draw": bits % 1000}},
    "eeo_responses": lambda bits: {"gender": ("Female", "Male")[bits & 1]},
    "webhooks": lambda bits: {"url": f"http://127.0.0.1:9/{bits % 1000}"},
    "api_keys": lambda bits: {"title": f"Changed {bits % 1000}"},
}


def make_varier(stream: str) -> Callable[[int], Row]:
    return _VARIED.get(stream, lambda bits: {"text": f"Changed {bits % 1000}"})
