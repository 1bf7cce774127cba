"""Lever's Data API v1 as facts. Sources: the published documentation and what is known around it, in quirks.md."""

import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from unihire.integration.declare import (
    CallById,
    Data,
    DeletedFeed,
    Detail,
    Integration,
    Join,
    RecordMapping,
    Stream,
    Volatile,
    always,
)
from unihire.integrations.lever.cannot import CANNOT
from unihire.integrations.lever.failures import FAILURES
from unihire.integrations.lever.lookups import LOOKUPS, declare_stored
from unihire.integrations.lever.mapping import company, hiring, interviews, jobs, people, surveys
from unihire.integrations.lever.mapping.values import get_id, get_text, get_text_id
from unihire.integrations.lever.paging import CONTACTS, LIST, ONE, PAGE, PAGE_AS_ROW
from unihire.integrations.lever.refusals import read_refusal
from unihire.kit.clock import EPOCH
from unihire.model import (
    EEOC,
    Activity,
    Application,
    ApplicationTransition,
    Attachment,
    Candidate,
    Department,
    HiringSource,
    Job,
    JobInterviewStage,
    JobPosting,
    Offer,
    Office,
    RejectReason,
    RemoteUser,
    ScheduledInterview,
    Scorecard,
    ScreeningQuestion,
    Tag,
)
from unihire.outbound.auth import ApiKey, Credential, Probe
from unihire.outbound.budget import DeclaredRate

PLACE = "Settings > Integrations and API > API Credentials"
"""Where a customer makes a key and chooses what it may read and write."""

CONFIDENTIAL_TOO = {"confidentiality": "all"}
"""Lists leave out what is confidential, also for a key that may see it."""

DAYS = 7
"""Days within which what belongs to an open opportunity is read again: most of it does not move the opportunity."""

LONGEST_FEED = timedelta(days=30)
"""The longest stretch that the lists of what was deleted take."""

COUNT = re.compile(rb'"count": ?\d{1,20}')
"""How often a tag or a source is used, which is no part of it."""


def permit(*names: str) -> str:
    return ", ".join(f"{name} (List and Retrieve)" for name in names) + f" in {PLACE}"


def to_millis(moment: datetime) -> str:
    return str((moment - EPOCH) // timedelta(milliseconds=1))


def updated_since(moment: datetime) -> Mapping[str, str]:
    return {"updated_at_start": to_millis(moment)}


def created_since(moment: datetime) -> Mapping[str, str]:
    return {"created_at_start": to_millis(moment)}


def deleted_between(start: datetime, end: datetime) -> Mapping[str, str]:
    """From a moment on, and before another."""
    return {"deleted_at_start": to_millis(start), "deleted_at_end": to_millis(end)}


def find_one(path: str, query: str = "") -> CallById:
    return CallById(path=f"{path}/{{id}}{query}", item="data")


def find_version(row: Data) -> str:
    """Of a row that was never touched since rows have it, the moment of its last change is null."""
    return str(row.get("updatedAt"))


def list_deleted(id_of: Callable[[Data], str]) -> DeletedFeed:
    """The opportunities that were deleted: what `id_of` names of each is looked for."""
    return DeletedFeed(
        path="/opportunities/deleted", paging=LIST, id_of=id_of, between=deleted_between, longest=LONGEST_FEED
    )


def get_contact(row: Data) -> str:
    """The contact of an opportunity. Raises as `get_id`."""
    return get_text_id(row, "contact")


def name_stages(row: Data) -> str:
    return "stages"


def belong(name: str, permission: str) -> Detail:
    """What belongs to an opportunity, a list of its own: read when that moves, and on a slow cycle while it is open."""
    return Detail(
        name=name,
        path=f"/opportunities/{{id}}/{name}",
        paging=LIST,
        needed=always,
        version=find_version,
        again=hiring.is_open,
        again_within=DAYS,
        permission=permit(permission),
    )


def declare(
    name: str,
    path: str,
    permission: str,
    *mappings: RecordMapping,
    id_of: Callable[[Data], str] = get_id,
    **more: Any,
) -> Stream:
    return Stream(
        name=name, path=path, id_of=id_of, mappings=mappings, permission=permission, **{"paging": LIST, **more}
    )


STREAMS = (
    declare(
        "users",
        "/users",
        permit("Users"),
        RecordMapping(RemoteUser, company.to_remote_user, words={"access_role": "accessRole"}),
        params={"includeDeactivated": "true"},
        by_id=find_one("/users"),
    ),
    declare(
        "archive_reasons",
        "/archive_reasons",
        permit("Archive reasons"),
        RecordMapping(RejectReason, company.to_reject_reason, split=company.list_reject_reasons, is_owned=True),
        by_id=find_one("/archive_reasons"),
    ),
    # The answer is read as one row, for a stage's place in the order is nowhere else.
    declare(
        "stages",
        "/stages",
        permit("Stages"),
        RecordMapping(JobInterviewStage, company.to_job_interview_stage, split=company.list_stages, is_owned=True),
        id_of=name_stages,
        paging=PAGE_AS_ROW,
        params=PAGE,
    ),
    declare(
        "tags",
        "/tags",
        permit("Tags"),
        RecordMapping(Tag, company.to_tag),
        id_of=get_text,
        volatile=Volatile(pattern=COUNT),
    ),
    declare(
        "sources",
        "/sources",
        permit("Sources"),
        RecordMapping(HiringSource, company.to_hiring_source),
        id_of=get_text,
        volatile=Volatile(pattern=COUNT),
    ),
    # For how many are to be hired.
    declare(
        "requisitions",
        "/requisitions",
        permit("Requisitions"),
        params=CONFIDENTIAL_TOO,
        by_id=find_one("/requisitions"),
        is_optional=True,
    ),
    # Read whole: those that changed cannot be asked for together with those that are published only internally.
    declare(
        "postings",
        "/postings",
        permit("Postings"),
        RecordMapping(
            Job,
            jobs.to_job,
            words={"status": "state", "employment_type": "categories.commitment", "workplace": "workplaceType"},
        ),
        RecordMapping(
            JobPosting, jobs.to_job_posting, split=jobs.list_posting, words={"status": "state"}, is_owned=True
        ),
        RecordMapping(Department, company.to_department, split=company.list_departments, is_alone=True),
        RecordMapping(Office, company.to_office, split=company.list_offices, is_alone=True),
        RecordMapping(
            ScreeningQuestion,
            jobs.to_screening_question,
            of=jobs.FORM,
            split=jobs.list_questions,
            words={"type": "type"},
            is_owned=True,
        ),
        params={**CONFIDENTIAL_TOO, "distributionChannel": ["public", "internal"]},
        by_id=find_one("/postings"),
        details=(
            Detail(
                name=jobs.FORM,
                path="/postings/{id}/apply",
                paging=ONE,
                needed=jobs.is_open,
                version=find_version,
                again_within=DAYS,
            ),
        ),
        joins=(
            Join(
                name=jobs.REQUISITIONS,
                stream="requisitions",
                on="requisitionCode",
                key="requisitionCodes.0",
                members=("headcountTotal",),
            ),
        ),
    ),
    declare(
        "opportunities",
        "/opportunities",
        permit("Opportunities", "Applications", "Notes", "Resumes", "Files", "Interviews", "Feedback", "Offers"),
        RecordMapping(Application, hiring.to_application),
        RecordMapping(ApplicationTransition, hiring.to_application_transition, split=hiring.list_steps, is_owned=True),
        RecordMapping(Activity, people.to_activity, of=people.NOTES, split=people.list_notes, is_owned=True),
        RecordMapping(
            Attachment, people.to_resume, of=people.RESUMES, split=people.list_files_of_resume, is_owned=True
        ),
        RecordMapping(Attachment, people.to_file, of=people.FILES, is_owned=True),
        RecordMapping(ScheduledInterview, interviews.to_scheduled_interview, of=interviews.INTERVIEWS, is_owned=True),
        RecordMapping(
            Scorecard,
            interviews.to_scorecard,
            of=interviews.FEEDBACK,
            split=interviews.list_scorecards,
            is_owned=True,
        ),
        RecordMapping(
            Offer,
            hiring.to_offer,
            of=hiring.OFFERS,
            words={"status": "status"},
            custom=hiring.read_offer_fields,
            is_owned=True,
        ),
        RecordMapping(
            Attachment, hiring.to_offer_letter, of=hiring.OFFERS, split=hiring.list_offer_files, is_owned=True
        ),
        params={**CONFIDENTIAL_TOO, "expand": "applications"},
        changed_since=updated_since,
        by_id=find_one("/opportunities", "?expand=applications"),
        deleted_feed=list_deleted(get_id),
        details=(
            belong(people.NOTES, "Notes"),
            belong(people.RESUMES, "Resumes"),
            belong(people.FILES, "Files"),
            belong(interviews.INTERVIEWS, "Interviews"),
            belong(interviews.FEEDBACK, "Feedback"),
            belong(hiring.OFFERS, "Offers"),
        ),
        joins=(Join(name=hiring.REASON, stream="archive_reasons", on="id", key="archived.reason", members=("type",)),),
    ),
    # There is no list of contacts: they are shown in the list of opportunities, which move when their contact does.
    declare(
        "contacts",
        "/opportunities",
        permit("Opportunities", "Contacts"),
        RecordMapping(Candidate, people.to_candidate),
        paging=CONTACTS,
        params={**CONFIDENTIAL_TOO, "expand": "contact"},
        changed_since=updated_since,
        by_id=find_one("/contacts"),
        # A contact may go with its last opportunity.
        deleted_feed=list_deleted(get_contact),
        joins=(
            Join(
                name=people.OPPORTUNITIES,
                stream="opportunities",
                on="contact",
                members=(
                    "lastInteractionAt",
                    "confidentiality",
                    "dataProtection",
                    "createdAt",
                    "updatedAt",
                    "origin",
                    "urls",
                    "links",
                    "tags",
                    "sources",
                ),
            ),
        ),
    ),
    # Without a beginning it has those of the last week only.
    declare(
        "eeo_responses",
        "/eeo/responses/pii",
        permit("EEO Responses (PII)"),
        RecordMapping(
            EEOC,
            surveys.to_eeoc,
            words={
                "race": "race",
                "gender": "gender",
                "veteran_status": "veteran",
                "disability_status": "disability",
            },
        ),
        params={"created_at_start": "0"},
        changed_since=created_since,
    ),
    *declare_stored(permit("Feedback templates")),
)

INTEGRATION = Integration(
    slug="lever",
    name="Lever",
    website="https://www.lever.co",
    base_url="https://{region}/v1",
    auth=ApiKey(
        credentials=(
            Credential(
                "api_key",
                "API key",
                f"{PLACE} > Generate new key; choose what is listed under permissions, with confidential data where "
                "that is to be read, and for writes what they need",
                is_secret=True,
            ),
            Credential(
                "region",
                "Region",
                "Where the account is: us, eu, or sandbox for a sandbox account",
                is_optional=True,
                choices={"us": "api.lever.co", "eu": "api.eu.lever.co", "sandbox": "api.sandbox.lever.co"},
            ),
        ),
        probe=Probe(path="/stages?limit=1"),
        basic=("{api_key}", ""),
    ),
    # Ten calls a second for each key, twenty at once [official]; no header says how many are left.
    budget_rule=DeclaredRate(per_second=9.8, burst=18),
    failures=FAILURES,
    read_refusal=read_refusal,
    signs_files=True,
    streams=STREAMS,
    lookups=LOOKUPS,
    # Ids are unique everywhere, and so the oldest of the users and postings identify an account.
    known_by=("postings", "users", "opportunities"),
    made_at="createdAt",
    cannot=CANNOT,
)
