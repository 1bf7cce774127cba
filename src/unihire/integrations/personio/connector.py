"""Personio Recruiting as facts. Sources: the published API description and notes, quoted in quirks.md."""

from collections.abc import Mapping
from datetime import UTC, datetime

from unihire.integration.declare import Data, Detail, Integration, Join, Maps, Stream
from unihire.integrations.personio import mapping
from unihire.model import Application, Candidate, Department, Job, JobInterviewStage, RemoteUser
from unihire.outbound.auth import ClientCredentials, Credential
from unihire.outbound.budget import TokenBucketHeaders
from unihire.outbound.paging import NextLink, WholeList

PERMISSION = "personio:recruiting:read (Recruiting: read, in the integration's API access)"

LIST = NextLink(items="_data", link=("_meta", "links", "next", "href"), page_size={"limit": "200"})
WHOLE = WholeList(items="_data")


def id_of(row: Data) -> str:
    return str(row["id"])


def updated_after(moment: datetime) -> Mapping[str, str]:
    """The filter of an incremental read: exclusive, and sent without offset as the documented examples are."""
    return {"updated_at.gt": moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")}


def updated_version(row: Data) -> str:
    return str(row.get("updated_at"))


INTEGRATION = Integration(
    slug="personio",
    name="Personio",
    website="https://www.personio.com",
    base_url="https://api.personio.de",
    auth=ClientCredentials(
        token_path="/v2/auth/token",
        credentials=(
            Credential("client_id", "Client ID", "Marketplace > Connected integrations > your custom integration"),
            Credential("client_secret", "Client secret", "Shown beside the client ID", is_secret=True),
        ),
    ),
    # Needed while the API was in beta, accepted since; notes on general availability are undated.
    headers={"Beta": "true"},
    budget_headers=TokenBucketHeaders(remaining="x-ratelimit-remaining", per_second="x-ratelimit-replenish-rate"),
    streams=(
        Stream(
            name="categories",
            path="/v2/recruiting/categories",
            paging=WHOLE,
            id_of=id_of,
            maps=(Maps(JobInterviewStage, mapping.to_job_interview_stage, each=mapping.list_stages),),
            permission=PERMISSION,
        ),
        Stream(
            name="jobs",
            path="/v2/recruiting/jobs",
            by_id="/v2/recruiting/jobs/{id}",
            paging=LIST,
            id_of=id_of,
            changed_since=updated_after,
            maps=(
                Maps(Job, mapping.to_job),
                Maps(Department, mapping.to_department, each=mapping.list_departments),
                Maps(RemoteUser, mapping.to_remote_user, each=mapping.list_team),
            ),
            permission=PERMISSION,
        ),
        Stream(
            name="applications",
            path="/v2/recruiting/applications",
            by_id="/v2/recruiting/applications/{id}",
            paging=LIST,
            id_of=id_of,
            changed_since=updated_after,
            maps=(Maps(Application, mapping.to_application),),
            details=(
                Detail(
                    name="stage-transitions",
                    path="/v2/recruiting/applications/{id}/stage-transitions",
                    paging=WHOLE,
                    needed=mapping.is_closed,
                    version=updated_version,
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
            maps=(Maps(Candidate, mapping.to_candidate),),
            joins=(Join(name="applications", stream="applications", on="candidate.id"),),
            permission=PERMISSION,
        ),
    ),
    known_by=("jobs", "candidates", "applications"),
    cannot={
        "activity": "API v2 has no notes, messages or events.",
        "attachment": "Files are in document management, which needs rights of its own and lists no owner's kind.",
        "eeoc": "A candidate's gender is kept as a profile attribute, not as an equal-opportunity answer.",
        "office": "API v2 tells no office or location of a job.",
        "offer": "API v2 has no offers; an application at the stage of type OFFER is all it tells.",
        "reject_reason": "API v2 does not return why an application was rejected.",
        "scheduled_interview": "API v2 has no interviews.",
        "scorecard": "API v2 has no evaluations.",
        "screening_question": "API v2 has no application form questions.",
        "tag": "API v2 does not return tags.",
        "application.credited_to": "API v2 names no person an application is credited to.",
        "application.reject_reason": "API v2 does not return why an application was rejected.",
        "candidate.attachments": "Files are in document management, which needs rights of its own.",
        "candidate.avatar": "Not in API v2.",
        "candidate.can_email": "Not in API v2.",
        "candidate.company": "Not in API v2.",
        "candidate.is_private": "Not in API v2.",
        "candidate.last_interaction_at": "Not in API v2.",
        "candidate.tags": "API v2 does not return tags.",
        "candidate.title": "Not in API v2.",
        "job.code": "Not in API v2.",
        "job.confidential": "Not in API v2.",
        "job.description": "Only in the public job feed, not in API v2.",
        "job.job_posting_urls": "Only in the public job feed, not in API v2.",
        "job.offices": "Only in the public job feed, not in API v2.",
        "job.status": "API v2 tells no status of a job.",
        "job_interview_stage.job": "Stages belong to a category that many jobs share, not to one job.",
        "remote_user.access_role": "Roles in a hiring team are per job, not per person.",
        "remote_user.disabled": "Needs the right to read persons, which recruiting does not include.",
        "remote_user.email": "Needs the right to read persons, which recruiting does not include.",
        "remote_user.first_name": "Needs the right to read persons, which recruiting does not include.",
        "remote_user.last_name": "Needs the right to read persons, which recruiting does not include.",
        "remote_user.remote_created_at": "Needs the right to read persons, which recruiting does not include.",
    },
)
