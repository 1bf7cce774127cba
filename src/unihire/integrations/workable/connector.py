"""Workable's SPI v3 as facts. Sources: the published documents, recordings, and what clients do; in quirks.md."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from unihire.integration.declare import (
    CallById,
    Data,
    Detail,
    IdFilter,
    Integration,
    Join,
    RecordMapping,
    ShortList,
    Stream,
    Volatile,
    always,
    version_of,
)
from unihire.integrations.workable.cannot import CANNOT
from unihire.integrations.workable.lookups import LOOKUPS, declare_stored
from unihire.integrations.workable.mapping import activities, company, hiring, jobs, people
from unihire.integrations.workable.mapping.values import get_id, get_shortcode
from unihire.integrations.workable.paging import BARE, ONE, paged
from unihire.integrations.workable.refusals import read_refusal
from unihire.kit.clock import to_text
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
)
from unihire.outbound.auth import ApiKey, Credential, Probe
from unihire.outbound.budget import FixedWindowHeaders
from unihire.outbound.paging import WholeList
from unihire.outbound.signed_links import S3_SIGNATURE, find_end

PLACE = "Settings > Integrations > Apps > API access tokens"
"""Where a customer makes a token and gives it scopes."""

DAYS = 7
"""Days within which what belongs to a row is read again, though the row has not changed: it is not documented that it
changes with that."""

MONTH = 30
"""The same where it is likely that the row changes with it. What is written is read again at once."""

PROFILE = "/candidates/{id}"


def permit(scope: str) -> str:
    return f"{scope} (scopes of the token, in {PLACE})"


JOBS, CANDIDATES = permit("r_jobs"), permit("r_candidates")


def updated_since(moment: datetime) -> Mapping[str, Any]:
    return {"updated_after": to_text(moment)}


def may_have_offer(row: Data) -> bool:
    """Whether a candidate has come to the stage of offers once."""
    return row.get("moved_to_offer_at") is not None or row.get("stage_kind") in ("offer", hiring.HIRED)


def detail_job(name: str, path: str, items: str, days: int = DAYS) -> Detail:
    """What belongs to a job: it is not documented that the job changes with it."""
    return Detail(
        name=name,
        path=f"/jobs/{{shortcode}}/{path}",
        paging=WholeList(items=items),
        needed=always,
        version=version_of("updated_at"),
        again_within=days,
    )


STREAMS = (
    Stream(
        name="members",
        path="/members",
        paging=paged("members"),
        id_of=get_id,
        mappings=(RecordMapping(RemoteUser, company.to_remote_user, words={"access_role": "role"}),),
        params={"status": "all"},  # without it inactive ones are left out
        by_id=ShortList(),
        permission=JOBS,
    ),
    Stream(
        name="departments",
        path="/departments",
        paging=BARE,
        id_of=get_id,
        mappings=(RecordMapping(Department, company.to_department),),
        by_id=ShortList(),
        permission=JOBS,
    ),
    Stream(
        name="disqualification_reasons",
        path="/disqualification_reasons",
        paging=BARE,
        id_of=get_id,
        mappings=(RecordMapping(RejectReason, company.to_reject_reason),),
        by_id=ShortList(),
        permission=CANDIDATES,
    ),
    # The account's own pipeline, which new jobs begin with: for candidates whose timeline does not name their stage.
    Stream(
        name="stages",
        path="/stages",
        paging=WholeList(items="stages"),
        id_of=get_id,
        permission=JOBS,
    ),
    Stream(
        name="jobs",
        path="/jobs",
        paging=paged("jobs"),
        id_of=get_shortcode,
        mappings=(
            RecordMapping(Job, jobs.to_job, words={"status": "state", "workplace": "workplace_type"}),
            RecordMapping(JobPosting, jobs.to_job_posting, words={"status": "state"}),
            RecordMapping(Office, company.to_office, split=jobs.list_places, is_alone=True),
            RecordMapping(
                JobInterviewStage,
                company.to_job_interview_stage,
                of=jobs.STAGES,
                words={"stage_type": "kind"},
                is_owned=True,
            ),
            RecordMapping(
                ScreeningQuestion,
                jobs.to_screening_question,
                of=jobs.QUESTIONS,
                words={"type": "type"},
                is_owned=True,
            ),
        ),
        changed_since=updated_since,
        by_id=CallById(
            path="/jobs/{id}",
            unlisted=(
                "full_description",
                "description",
                "requirements",
                "benefits",
                "employment_type",
                "industry",
                "function",
                "experience",
                "education",
            ),
        ),
        details=(
            Detail(
                name=jobs.INFO,
                path="/jobs/{shortcode}",
                paging=ONE,
                needed=always,
                version=version_of("updated_at"),
                of="shortcode",
            ),
            detail_job(jobs.STAGES, "stages", "stages", days=1),
            detail_job(jobs.QUESTIONS, "questions", "questions"),
            detail_job(jobs.TEAM, "members", "members"),
        ),
        joins=(Join(name=jobs.DEPARTMENT, stream="departments", on="name", key="department"),),
        permission=JOBS,
    ),
    Stream(
        name="candidates",
        path="/candidates",
        paging=paged("candidates"),
        id_of=get_id,
        mappings=(
            RecordMapping(Candidate, people.to_candidate),
            RecordMapping(Application, hiring.to_application),
            RecordMapping(HiringSource, company.to_hiring_source, split=company.list_sources, is_alone=True),
            RecordMapping(
                Activity,
                activities.to_activity,
                of=activities.ACTIVITIES,
                words={"activity_type": "action"},
                is_owned=True,
            ),
            RecordMapping(
                ApplicationTransition,
                activities.to_application_transition,
                of=activities.ACTIVITIES,
                split=activities.list_steps,
                is_owned=True,
            ),
            RecordMapping(
                Scorecard,
                activities.to_scorecard,
                of=activities.ACTIVITIES,
                split=activities.list_ratings,
                words={"overall_recommendation": "rating.score"},
                is_owned=True,
            ),
            RecordMapping(
                Offer,
                hiring.to_offer,
                of=people.OFFER,
                split=hiring.list_offers,
                words={"status": "state"},
                custom=hiring.read_offer_fields,
                is_owned=True,
            ),
            RecordMapping(Attachment, people.to_resume, of=people.PROFILE, split=people.list_resumes, is_owned=True),
            RecordMapping(
                Attachment, people.to_file, of=people.FILES, words={"attachment_type": "kind"}, is_owned=True
            ),
            RecordMapping(
                Attachment,
                people.to_offer_letter,
                of=people.OFFER,
                split=people.list_documents,
                words={"attachment_type": "kind"},
                is_owned=True,
            ),
        ),
        changed_since=updated_since,
        # Asked for alone, a candidate lacks what the list has of the résumé.
        by_id=IdFilter(param="since_id", until="max_id", most=1),
        details=(
            Detail(
                name=people.PROFILE,
                path=PROFILE,
                paging=WholeList(items="candidate", may_be_lone=True),
                needed=always,
                version=version_of("updated_at"),
                of="id",
                again_within=MONTH,
            ),
            Detail(
                name=activities.ACTIVITIES,
                path=f"{PROFILE}/activities",
                paging=paged("activities"),
                needed=always,
                version=version_of("updated_at"),
                again_within=DAYS,
            ),
            Detail(
                name=people.FILES,
                path=f"{PROFILE}/files",
                paging=WholeList(items="files"),
                needed=always,
                version=version_of("updated_at"),
                again_within=MONTH,
            ),
            Detail(
                name=people.OFFER,
                path=f"{PROFILE}/offer",
                paging=ONE,
                needed=may_have_offer,
                version=version_of("updated_at", "moved_to_offer_at"),
                of="candidate.id",
                again_within=DAYS,
            ),
        ),
        joins=(
            Join(
                name=hiring.REASONS,
                stream="disqualification_reasons",
                on="description",
                key="disqualification_reason",
                members=("candidate_withdrew",),
            ),
            Join(name=hiring.ACCOUNT_STAGES, stream="stages", on="name", key="stage", members=("slug",)),
        ),
        volatile=Volatile(pattern=S3_SIGNATURE, find_end=find_end),
        permission=CANDIDATES,
    ),
    # It shows no changes; cancelled ones stay in it where they are asked for.
    Stream(
        name="events",
        path="/events",
        paging=paged("events"),
        id_of=get_id,
        mappings=(RecordMapping(ScheduledInterview, hiring.to_scheduled_interview, words={"kind": "type"}),),
        params={"include_cancelled": "true"},
        by_id="/events/{id}",
        every=timedelta(hours=1),
        permission=CANDIDATES,
    ),
    *declare_stored(JOBS),
)

SUBDOMAIN = Credential(
    "subdomain",
    "Subdomain",
    "the first part of the address of your account: example of example.workable.com",
    pattern="[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?",
    shape="the first part of a host: small letters, digits and hyphens",
)

INTEGRATION = Integration(
    slug="workable",
    name="Workable",
    website="https://www.workable.com",
    base_url="https://{subdomain}.workable.com/spi/v3",
    auth=ApiKey(
        credentials=(
            SUBDOMAIN,
            Credential(
                "api_token",
                "API access token",
                f"{PLACE} > Generate new token; it needs the scopes r_jobs and r_candidates, and to write "
                "w_candidates. It ends on the day that is chosen when it is made: note it down",
                is_secret=True,
            ),
        ),
        probe=Probe(path="/accounts"),
        headers={"Authorization": "Bearer {api_token}"},
        ends="a token ends on the day that was chosen when it was made, or when it is revoked",
    ),
    headers={"Accept": "application/json"},
    # Ten calls in ten seconds for a token of an account, fifty for those of partners: the headers say which.
    budget_rule=FixedWindowHeaders(
        limit="X-Rate-Limit-Limit", remaining="X-Rate-Limit-Remaining", reset="X-Rate-Limit-Reset", seconds=10
    ),
    read_refusal=read_refusal,
    streams=STREAMS,
    lookups=LOOKUPS,
    # Candidates come in the order in which they were made; a shortcode is made up at random.
    known_by=("jobs", "candidates"),
    cannot=CANNOT,
)
