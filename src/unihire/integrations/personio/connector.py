"""Personio Recruiting as facts. Sources: the published API description and notes, quoted in quirks.md."""

from collections.abc import Mapping
from datetime import UTC, datetime

from unihire.integration.declare import Data, Detail, Integration, Join, RecordMapping, Stream
from unihire.integrations.personio import mapping
from unihire.integrations.personio.refusals import is_accepted, read_refusal
from unihire.model import (
    Application,
    ApplicationTransition,
    Candidate,
    Department,
    HiringSource,
    Job,
    JobInterviewStage,
    RemoteUser,
)
from unihire.outbound.auth import ClientCredentials, Credential, WriteKey
from unihire.outbound.budget import TokenBucketHeaders
from unihire.outbound.paging import NextLink, WholeList

PERMISSION = "personio:recruiting:read (Recruiting: read, in the integration's API access)"

JOB_FEED_ONLY = "Only in the public XML job feed, which is not connected; API v2 does not return it"
NO_PAGE = "API v2 has no address of its page in Personio."
PERSONS = "Needs the permission to read persons, which the recruiting permission does not include."

LIST = NextLink(items="_data", link=("_meta", "links", "next", "href"), page_size={"limit": "200"})
WHOLE = WholeList(items="_data")


def id_of(row: Data) -> str:
    return str(row["id"])


def updated_after(moment: datetime) -> Mapping[str, str]:
    """The filter of an incremental read: exclusive, and sent without offset as the documented examples are."""
    return {"updated_at.gt": moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")}


def has_history(row: Data) -> bool:
    """Always: the time an application reached a stage or was hired is only in its stage transitions."""
    return True


def updated_version(row: Data) -> str:
    return str(row.get("updated_at"))


INTEGRATION = Integration(
    slug="personio",
    name="Personio",
    is_in_demo=True,
    website="https://www.personio.com",
    base_url="https://api.personio.de",
    auth=ClientCredentials(
        token_path="/v2/auth/token",
        credentials=(
            Credential("client_id", "Client ID", "Marketplace > Connected integrations > your custom integration"),
            Credential("client_secret", "Client secret", "Shown beside the client ID", is_secret=True),
        ),
    ),
    # API v1's own [official]; where it is shown: Personio's documents for the key, a client's for the company id.
    write_key=WriteKey(
        credentials=(
            Credential(
                "recruiting_api_key",
                "Recruiting API key",
                "only for writing: Settings > Integrations > API credentials > Recruiting API key",
                is_secret=True,
                is_optional=True,
            ),
            Credential(
                "company_id",
                "Company ID",
                "only for writing: a number, shown beside the recruiting API key",
                is_optional=True,
            ),
        ),
        headers={"Authorization": "Bearer {recruiting_api_key}", "X-Company-ID": "{company_id}"},
        rest=60.0,  # "wait 60 s" [official]; its 429 has no Retry-After
    ),
    read_refusal=read_refusal,
    is_acceptance=is_accepted,
    # Needed while the API was in beta, accepted since; notes on general availability are undated.
    headers={"Beta": "true"},
    budget_rule=TokenBucketHeaders(remaining="x-ratelimit-remaining", per_second="x-ratelimit-replenish-rate"),
    streams=(
        Stream(
            name="jobs",
            path="/v2/recruiting/jobs",
            by_id="/v2/recruiting/jobs/{id}",
            paging=LIST,
            id_of=id_of,
            changed_since=updated_after,
            mappings=(
                RecordMapping(Job, mapping.to_job),
                RecordMapping(Department, mapping.to_department, split=mapping.list_departments, is_alone=True),
                RecordMapping(RemoteUser, mapping.to_remote_user, split=mapping.list_team, is_alone=True),
            ),
            permission=PERMISSION,
        ),
        Stream(
            name="categories",
            path="/v2/recruiting/categories",
            paging=WHOLE,
            id_of=id_of,
            mappings=(
                RecordMapping(
                    JobInterviewStage,
                    mapping.to_job_interview_stage,
                    split=mapping.list_stages,
                    words={"stage_type": "type"},
                ),
            ),
            joins=(Join(name="jobs", stream="jobs", on="category.id"),),
            permission=PERMISSION,
        ),
        Stream(
            name="applications",
            path="/v2/recruiting/applications",
            by_id="/v2/recruiting/applications/{id}",
            paging=LIST,
            id_of=id_of,
            changed_since=updated_after,
            mappings=(
                RecordMapping(Application, mapping.to_application, words={"status": "current_stage.type"}),
                RecordMapping(
                    ApplicationTransition, mapping.to_application_transition, of=mapping.HISTORY, is_owned=True
                ),
                RecordMapping(HiringSource, mapping.to_source, split=mapping.list_channels, is_alone=True),
            ),
            details=(
                Detail(
                    name=mapping.HISTORY,
                    path="/v2/recruiting/applications/{id}/stage-transitions",
                    paging=WHOLE,
                    needed=has_history,
                    version=updated_version,
                    again=mapping.is_closed,
                ),
            ),
            permission=PERMISSION,
        ),
        Stream(
            name="candidates",
            path="/v2/recruiting/candidates",
            by_id="/v2/recruiting/candidates/{id}",
            paging=LIST,
            id_of=id_of,
            changed_since=updated_after,
            mappings=(RecordMapping(Candidate, mapping.to_candidate),),
            joins=(Join(name="applications", stream="applications", on="candidate.id", members=("is_anonymized",)),),
            permission=PERMISSION,
        ),
    ),
    known_by=("jobs", "candidates", "applications"),
    cannot={
        "activity": "API v2 has no notes, messages or events.",
        "attachment": "Files are in document management, which needs rights of its own and lists no owner's kind.",
        "eeoc": "A candidate's gender is a profile attribute, not as an equal-opportunity answer.",
        "job_posting": f"{JOB_FEED_ONLY}.",
        "office": "API v2 has no office or location of a job.",
        "offer": "API v2 has no offers; an application at the stage of type OFFER is all it has.",
        "reject_reason": "API v2 does not return why an application was rejected.",
        "scheduled_interview": "API v2 has no interviews.",
        "scorecard": "API v2 has no evaluations.",
        "screening_question": "API v2 has no application form questions.",
        "tag": "API v2 does not return tags.",
        "application.answers": "API v2 has no application form answers.",
        "application.cover_letter": "Files are in document management, which needs rights of its own.",
        "application.credited_to": "API v2 names no person an application is credited to.",
        "application.is_prospect": "API v2 has no prospects: it does not distinguish those who applied from others.",
        "application.job_posting": "API v2 does not name the posting an application came through.",
        "application.reject_reason": "API v2 does not return why an application was rejected.",
        "application.remote_url": NO_PAGE,
        "application.start_date": "Not in API v2.",
        "application_transition.remote_created_at": "A stage transition has only the time of the move.",
        "application_transition.remote_updated_at": "A stage transition has only the time of the move.",
        "application_transition.user": "API v2 does not name who moved an application.",
        "candidate.attachments": "Files are in document management, which needs rights of its own.",
        "candidate.avatar": "Not in API v2.",
        "candidate.can_email": "Not in API v2.",
        "candidate.company": "Not in API v2.",
        "candidate.consent": "Not in API v2.",
        "candidate.educations": "Not in API v2.",
        "candidate.employments": "Not in API v2.",
        "candidate.is_internal": "Not in API v2.",
        "candidate.is_private": "Not in API v2.",
        "candidate.last_interaction_at": "Not in API v2.",
        "candidate.name": "First and last name are separate fields.",
        "candidate.places": "A candidate has one location text; it is in locations.",
        "candidate.remote_url": NO_PAGE,
        "candidate.salary_expectation": "Accepted when an application is created, never returned.",
        "candidate.sources": "A channel belongs to an application; see application.source.",
        "candidate.tag_records": "API v2 does not return tags.",
        "candidate.tags": "API v2 does not return tags.",
        "candidate.title": "Not in API v2.",
        "department.parent": "A department comes inside jobs, by its id and name alone.",
        "department.remote_created_at": "A department comes inside jobs, by its id and name alone.",
        "department.remote_updated_at": "A department comes inside jobs, by its id and name alone.",
        "job.closed_at": "Not in API v2.",
        "job.code": "Not in API v2.",
        "job.confidential": "Not in API v2.",
        "job.description": f"{JOB_FEED_ONLY}.",
        "job.employment_type": f"{JOB_FEED_ONLY}.",
        "job.job_posting_urls": f"{JOB_FEED_ONLY}.",
        "job.offices": f"{JOB_FEED_ONLY}.",
        "job.opened_at": "Not in API v2.",
        "job.openings_count": "Not in API v2.",
        "job.pay": "Not in API v2.",
        "job.places": f"{JOB_FEED_ONLY}, as the names of offices.",
        "job.remote_url": NO_PAGE,
        "job.seniority": f"{JOB_FEED_ONLY}.",
        "job.status": "API v2 has no status of a job.",
        "job.team": "Not in API v2.",
        "job.visibility": "Not in API v2.",
        "job.workplace": "Not in API v2.",
        "job_interview_stage.job": "Stages belong to a category that many jobs share, not to one job.",
        "job_interview_stage.remote_created_at": "A stage has no timestamps.",
        "job_interview_stage.remote_updated_at": "A stage has no timestamps.",
        "remote_user.access_role": "Roles in a hiring team are per job, not per person.",
        "remote_user.disabled": PERSONS,
        "remote_user.email": PERSONS,
        "remote_user.employee_id": PERSONS,
        "remote_user.first_name": PERSONS,
        "remote_user.last_name": PERSONS,
        "remote_user.name": "First and last name are separate fields, and need the permission to read persons.",
        "remote_user.remote_created_at": PERSONS,
        "remote_user.remote_updated_at": PERSONS,
        "remote_user.roles": "Roles in a hiring team are per job, not per person.",
        "remote_user.title": PERSONS,
        "source.category": "A channel has a name and no kind.",
        "source.is_active": "Channels are known from applications alone, those no longer in use too.",
        "source.remote_created_at": "A channel has no timestamps.",
        "source.remote_updated_at": "A channel has no timestamps.",
    },
)
