"""Ashby's public API as facts. Sources: the published API description and what is known around it, in quirks.md."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from unihire.integration.declare import (
    CallById,
    Data,
    Detail,
    Integration,
    Join,
    RecordMapping,
    ShortList,
    Stream,
    always,
    version_of,
)
from unihire.integrations.ashby.cannot import CANNOT
from unihire.integrations.ashby.failures import FAILURES
from unihire.integrations.ashby.lookups import LOOKUPS, declare_stored
from unihire.integrations.ashby.mapping import company, hiring, interviews, jobs, people
from unihire.integrations.ashby.mapping.values import get_id, read_custom_fields
from unihire.integrations.ashby.paging import LIST, ONE, SYNC_TOKEN, WHOLE
from unihire.integrations.ashby.refusals import read_refusal
from unihire.model import (
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
from unihire.outbound.paging import Paging

VERSION = "2026-01-01"

PLACE = "Admin > Integrations > API Keys"
"""Where a customer makes a key and gives it permissions."""

ARCHIVED_TOO = {"includeArchived": True}
"""Lists leave out what is archived; records point there."""

DAYS = 7
"""Days within which notes and histories are read again, though the row that has them has not changed: it is not
documented that it changes with them."""


def permit(name: str) -> str:
    return f"{name}: Read (permissions of the API key, in {PLACE})"


CANDIDATES, JOBS, INTERVIEWS, OFFERS, ORGANIZATION, PROCESS = map(
    permit, ("Candidates", "Jobs", "Interviews", "Offers", "Organization", "Hiring Process Metadata")
)


def declare(
    name: str,
    call: str,
    permission: str,
    *mappings: RecordMapping,
    paging: Paging = LIST,
    params: Mapping[str, Any] | None = None,
    by_id: CallById | ShortList | None = None,
    listed_by: tuple[str, ...] = (),
    details: tuple[Detail, ...] = (),
    joins: tuple[Join, ...] = (),
    is_incremental: bool = True,
    every: timedelta | None = None,
    is_stored: bool = False,
) -> Stream:
    """A list of Ashby's, by the name of its call: `job.list`."""
    return Stream(
        name=name,
        path=f"/{call}",
        paging=paging,
        id_of=get_id,
        mappings=mappings,
        params=params or {},
        sync_param=SYNC_TOKEN if is_incremental else None,
        every=every,
        is_stored=is_stored,
        by_id=by_id,
        listed_by=listed_by,
        details=details,
        joins=joins,
        permission=permission,
    )


def find_one(call: str, param: str, unlisted: tuple[str, ...] = (), **params: Any) -> CallById:
    return CallById(path=f"/{call}", body={param: "{id}", **params}, item="results", unlisted=unlisted)


def has_posting(row: Data) -> bool:
    return bool(row.get("jobPostingIds"))


def find_offer_version(row: Data) -> str:
    return get_id(row["latestVersion"])


def has_version(row: Data) -> bool:
    return row.get("latestVersion") is not None


STREAMS = (
    declare(
        "users",
        "user.list",
        ORGANIZATION,
        RecordMapping(RemoteUser, company.to_remote_user, words={"access_role": "globalRole"}),
        params={"includeDeactivated": True},
        by_id=find_one("user.info", "userId"),
    ),
    declare(
        "departments",
        "department.list",
        ORGANIZATION,
        RecordMapping(Department, company.to_department),
        params=ARCHIVED_TOO,
        by_id=find_one("department.info", "departmentId"),
    ),
    declare(
        "locations",
        "location.list",
        ORGANIZATION,
        RecordMapping(Office, company.to_office),
        params={**ARCHIVED_TOO, "includeLocationHierarchy": True},
        by_id=find_one("location.info", "locationId"),
    ),
    declare(
        "archive_reasons",
        "archiveReason.list",
        PROCESS,
        RecordMapping(RejectReason, company.to_reject_reason, words={"ended_by": "reasonType"}),
        paging=WHOLE,
        params=ARCHIVED_TOO,
        is_incremental=False,
    ),
    declare(
        "candidate_tags",
        "candidateTag.list",
        PROCESS,
        RecordMapping(Tag, company.to_tag),
        params=ARCHIVED_TOO,
        by_id=ShortList(),
    ),
    declare(
        "sources",
        "source.list",
        PROCESS,
        RecordMapping(HiringSource, company.to_hiring_source),
        paging=WHOLE,
        params=ARCHIVED_TOO,
        is_incremental=False,
    ),
    declare(
        "job_postings",
        "jobPosting.list",
        JOBS,
        RecordMapping(JobPosting, jobs.to_job_posting, words={"status": "status"}),
        RecordMapping(
            ScreeningQuestion,
            jobs.to_screening_question,
            of=jobs.FORM,
            split=jobs.list_questions,
            words={"type": "field.type"},
            is_owned=True,
        ),
        paging=WHOLE,
        params={"includeUnpublishedJobPostings": True},
        by_id=ShortList(),
        details=(
            Detail(
                name=jobs.FORM,
                path="/jobPosting.info",
                paging=ONE,
                params={"jobPostingId": "{id}"},
                needed=jobs.is_published,
                version=version_of("updatedAt"),
                of="id",
                again_within=DAYS,
            ),
        ),
        is_incremental=False,
    ),
    declare(
        "jobs",
        "job.list",
        JOBS,
        RecordMapping(
            Job,
            jobs.to_job,
            words={"status": "status", "employment_type": "employmentType"},
            custom=read_custom_fields,
        ),
        # Drafts are left out unless they are named.
        params={"status": ["Draft", "Open", "Closed", "Archived"], "expand": ["openings"]},
        by_id=find_one("job.info", "id", expand=["openings"]),
        details=(
            Detail(
                name=jobs.POSTING,
                path="/jobPosting.info",
                paging=ONE,
                params={"jobPostingId": "{jobPostingIds.0}"},
                needed=has_posting,
                version=version_of("updatedAt", "jobPostingIds"),
                of="jobId",
                again_within=1,
            ),
        ),
        joins=(
            Join(
                name=jobs.POSTINGS,
                stream="job_postings",
                on="jobId",
                members=("status", "isListed", "workplaceType", "externalLink", "applyLink"),
            ),
            Join(
                name=jobs.LOCATION,
                stream="locations",
                on="id",
                key="locationId",
                members=("address", "workplaceType"),
            ),
        ),
    ),
    # Read whole, with all stages: whether a plan changes with its stages is not documented.
    declare(
        "interview_plans",
        "interviewPlan.list",
        INTERVIEWS,
        RecordMapping(
            JobInterviewStage,
            company.to_job_interview_stage,
            of=company.STAGES,
            words={"stage_type": "type"},
            is_owned=True,
        ),
        params=ARCHIVED_TOO,
        details=(
            Detail(
                name=company.STAGES,
                path="/interviewStage.list",
                paging=WHOLE,
                params={"interviewPlanId": "{id}"},
                needed=always,
                version=version_of("updatedAt"),
                of="interviewPlanId",
                again_within=1,
            ),
        ),
        joins=(Join(name="jobs", stream="jobs", on="defaultInterviewPlanId"),),
        is_incremental=False,
        every=timedelta(hours=1),
        is_stored=True,  # so that the stages of a plan go with it
    ),
    declare(
        "applications",
        "application.list",
        CANDIDATES,
        RecordMapping(
            Application,
            hiring.to_application,
            words={"status": "status", "ended_by": "archiveReason.reasonType"},
            custom=read_custom_fields,
        ),
        RecordMapping(
            ApplicationTransition,
            hiring.to_application_transition,
            of=hiring.INFO,
            split=hiring.list_history,
            is_owned=True,
        ),
        by_id=find_one("application.info", "applicationId", ("applicationHistory", "resumeFileHandle")),
        details=(
            Detail(
                name=hiring.INFO,
                path="/application.info",
                paging=ONE,
                params={"applicationId": "{id}", "expand": ["applicationFormSubmissions"]},
                needed=always,
                version=version_of("updatedAt"),
                of="id",
            ),
        ),
    ),
    declare(
        "candidates",
        "candidate.list",
        CANDIDATES,
        RecordMapping(Candidate, people.to_candidate, custom=read_custom_fields),
        RecordMapping(Attachment, people.to_attachment, split=people.list_files, is_owned=True),
        RecordMapping(Activity, people.to_activity, of=people.NOTES, is_owned=True),
        by_id=find_one("candidate.info", "id"),
        details=(
            Detail(
                name=people.NOTES,
                path="/candidate.listNotes",
                paging=LIST,
                params={"candidateId": "{id}"},
                needed=always,
                version=version_of("updatedAt"),
                again_within=DAYS,
            ),
        ),
    ),
    declare(
        "interview_schedules",
        "interviewSchedule.list",
        INTERVIEWS,
        RecordMapping(
            ScheduledInterview, interviews.to_scheduled_interview, split=interviews.list_events, is_owned=True
        ),
        listed_by=("applicationId",),
    ),
    declare(
        "feedback",
        "applicationFeedback.list",
        CANDIDATES,
        RecordMapping(Scorecard, interviews.to_scorecard),
        listed_by=("applicationId",),
    ),
    declare(
        "offers",
        "offer.list",
        OFFERS,
        RecordMapping(Offer, hiring.to_offer, words={"status": "offerStatus"}, custom=hiring.read_offer_fields),
        RecordMapping(Attachment, hiring.to_offer_letter, split=hiring.list_offer_files, is_owned=True),
        by_id=find_one("offer.info", "offerId", ("versions", "formDefinition")),
        details=(
            Detail(
                name=hiring.INFO,
                path="/offer.info",
                paging=ONE,
                params={"offerId": "{id}"},
                needed=has_version,
                version=find_offer_version,
                of="id",
            ),
        ),
        joins=(
            Join(
                name=hiring.APPLICATION,
                stream="applications",
                on="id",
                key="applicationId",
                members=("candidate.id",),
            ),
        ),
    ),
    *declare_stored(PROCESS),
)

INTEGRATION = Integration(
    slug="ashby",
    name="Ashby",
    website="https://www.ashbyhq.com",
    base_url="https://api.ashbyhq.com",
    auth=ApiKey(
        credentials=(
            Credential(
                "api_key",
                "API key",
                f"{PLACE} > New; it needs Read for Candidates, Jobs, Interviews, Offers, Organization, Hiring Process "
                "Metadata and API Keys, and its switches for confidential jobs and private fields to see those; to "
                "write, Write for the same, and for webhooks over the API that of API Keys",
                is_secret=True,
            ),
        ),
        probe=Probe(path="/apiKey.info", body={}),
        basic=("{api_key}", ""),
    ),
    headers={"Ashby-Version": VERSION, "Accept": "application/json; version=1"},
    # A thousand calls a minute for each key, by one source; the guides name no number. No minute has more than 997.
    budget_rule=DeclaredRate(per_second=16.2, burst=25),
    failures=FAILURES,
    read_refusal=read_refusal,
    streams=STREAMS,
    lookups=LOOKUPS,
    # Ids are unique everywhere. Of these the jobs, and candidates by when they were added, come in a stable order.
    known_by=("jobs", "departments", "applications", "candidates"),
    made_at="createdAt",
    cannot=CANNOT,
)
