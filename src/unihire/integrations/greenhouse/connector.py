"""Greenhouse Harvest v3 as facts. Sources: the published API description and what is known around it, in quirks.md."""

from collections.abc import Mapping
from datetime import datetime

from unihire.integration.declare import IdFilter, Integration, Join, RecordMapping, Stream, Volatile
from unihire.integrations.greenhouse.cannot import CANNOT
from unihire.integrations.greenhouse.filters import PEOPLE, SERVICE_ACCOUNTS, match_filters, write_bounds
from unihire.integrations.greenhouse.mapping import company, hiring, interviews, jobs, people
from unihire.integrations.greenhouse.mapping.values import get_id, is_deleted, read_custom_fields
from unihire.integrations.greenhouse.refusals import read_refusal
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
from unihire.outbound.auth import (
    AuthorizationCode,
    ClientCredentials,
    Credential,
    find_oauth_refusal,
    read_object,
)
from unihire.outbound.budget import FixedWindowHeaders
from unihire.outbound.paging import LinkHeader
from unihire.outbound.signed_links import S3_SIGNATURE, find_end

AUTH_HOST = "https://auth.greenhouse.io"

PLACE = "Configure > Dev Center > API Credential Management"
"""Where a customer makes credentials and gives them scopes."""

PAGE = {"per_page": "500"}
LIST = LinkHeader(page_size=PAGE)

# What a list leaves out unless asked: rows of other lists point there.
USERS = LinkHeader(page_size={**PAGE, SERVICE_ACCOUNTS: "true"})
PEOPLE_ALONE = LinkHeader(page_size={**PAGE, SERVICE_ACCOUNTS: "false"})
REASONS = LinkHeader(page_size={**PAGE, "include_defaults": "true"})


def has_errors(body: object) -> bool:
    """Whether an answer says no in `errors`, whatever its status; harvest_v3.md, errors."""
    return isinstance(body, dict) and bool(body.get("errors"))


def has_message(body: object) -> bool:
    """Whether an answer to a create is a `message` alone: the vendor makes it later, clients say."""
    return isinstance(body, dict) and isinstance(body.get("message"), str)


def updated_since(moment: datetime) -> Mapping[str, str]:
    """The filter of an incremental read: inclusive, in whole seconds; a day without a time would be refused."""
    return {"updated_at": write_bounds(gte=moment.replace(microsecond=0))}


def find_refusal(body: bytes) -> str | None:
    """OAuth's codes, and texts before them: `{"message": …, "errorId": "err-…"}` for a client id that is none."""
    error_id = read_object(body).get("errorId")
    is_own = isinstance(error_id, str) and error_id.startswith("err-")
    return find_oauth_refusal(body) or ("the client id is none" if is_own else None)


def scope_of(name: str) -> str:
    return f"harvest:{name}:list"


def declare(
    name: str,
    *mappings: RecordMapping,
    joins: tuple[Join, ...] = (),
    paging: LinkHeader = LIST,
    path: str | None = None,
    is_stored: bool = False,
    found_by: tuple[str, ...] = (),
    is_optional: bool = False,
    volatile: Volatile | None = None,
) -> Stream:
    """A list of Harvest's: all are asked in one way, under the path and the scope of their name.

    `path` is the name of the list where the stream's is another.
    """
    return Stream(
        name=name,
        path=f"/v3/{path or name}",
        paging=paging,
        id_of=get_id,
        mappings=mappings,
        changed_since=updated_since,
        by_id=IdFilter(param="ids", most=50, by="{member}s"),
        joins=joins,
        is_stored=is_stored,
        found_by=found_by,
        is_optional=is_optional,
        volatile=volatile,
        permission=f"{scope_of(path or name)} (Manage scopes of the credentials, in {PLACE})",
    )


# What is shown of an option of a custom field: schools, degrees and disciplines are such.
OPTION = ("name",)


def join_option(name: str, kind: str) -> Join:
    """The option of a custom field that an education names."""
    return Join(
        name=name,
        stream="custom_field_options",
        on="id",
        via="candidate_educations",
        key=f"{kind}_custom_field_option_id",
        members=OPTION,
    )


STREAMS = (
    declare(
        "users",
        RecordMapping(RemoteUser, company.to_remote_user, custom=read_custom_fields),
        paging=USERS,
        found_by=("employee_id",),
    ),
    declare("departments", RecordMapping(Department, company.to_department)),
    declare("offices", RecordMapping(Office, company.to_office)),
    declare(
        "rejection_reasons",
        RecordMapping(RejectReason, company.to_reject_reason, words={"ended_by": "type.key"}),
        paging=REASONS,
    ),
    declare("candidate_tags", RecordMapping(Tag, company.to_tag)),
    declare("sources", RecordMapping(HiringSource, company.to_hiring_source)),
    declare("referrers", is_stored=True),
    declare("custom_fields", is_stored=True),
    declare("custom_field_options", is_stored=True, found_by=("custom_field_id",)),
    declare("openings", is_stored=True, found_by=("job_id", "opening_id")),
    declare("job_hiring_managers", is_stored=True, found_by=("job_id",)),
    declare("job_owners", is_stored=True, found_by=("job_id",)),
    declare(
        "job_posts",
        RecordMapping(JobPosting, jobs.to_job_posting, is_deleted=is_deleted),
        RecordMapping(
            ScreeningQuestion,
            jobs.to_screening_question,
            split=jobs.list_questions,
            words={"type": "answer_type"},
            is_owned=True,
        ),
    ),
    declare("pay_input_ranges", is_optional=True),
    declare(
        "jobs",
        RecordMapping(
            Job,
            jobs.to_job,
            words={"status": "status", "employment_type": "custom_fields.employment_type.value"},
            custom=read_custom_fields,
        ),
        joins=(
            Join(
                name="job_posts",
                stream="job_posts",
                on="job_id",
                members=("internal", "active", "live", "content", "public_url"),
            ),
            Join(name="job_hiring_managers", stream="job_hiring_managers", on="job_id", members=("user_id",)),
            Join(name="job_owners", stream="job_owners", on="job_id", members=("user_id", "type")),
            Join(name="openings", stream="openings", on="job_id"),
            Join(
                name="pay_input_ranges",
                stream="pay_input_ranges",
                on="job_post_id",
                via="job_posts",
                key="id",
                members=("job_post_id", "currency_type", "min_cents", "max_cents"),
            ),
        ),
    ),
    declare(
        "job_interview_stages",
        RecordMapping(JobInterviewStage, company.to_job_interview_stage, is_deleted=is_deleted),
        found_by=("job_id",),
    ),
    declare("job_interviews", is_stored=True, found_by=("job_id",)),
    declare("application_stages", is_stored=True),
    declare("rejection_details", is_stored=True, found_by=("application_id",)),
    declare("prospect_details", is_stored=True, found_by=("application_id",), is_optional=True),
    declare(
        "attachments",
        RecordMapping(Attachment, people.to_attachment, words={"attachment_type": "type"}),
        found_by=("application_id",),
        volatile=Volatile(pattern=S3_SIGNATURE, find_end=find_end),
    ),
    declare(
        "applications",
        RecordMapping(Application, hiring.to_application, words={"status": "status"}, custom=read_custom_fields),
        RecordMapping(ApplicationTransition, hiring.to_application_transition, of="stages", is_owned=True),
        found_by=("candidate_id", "job_id", "prospective_job_ids"),
        joins=(
            Join(name="sources", stream="sources", on="id", key="source_id", members=("name",)),
            Join(name="referrers", stream="referrers", on="id", key="referrer_id", members=("user_id",)),
            Join(
                name="application_stages",
                stream="application_stages",
                on="id",
                key="stage_id",
                members=("job_interview_stage_id", "entered_at"),
            ),
            Join(
                name="stages",
                stream="application_stages",
                on="application_id",
                # All but days_in_stage, which counts on while nothing happens.
                members=(
                    "created_at",
                    "updated_at",
                    "application_id",
                    "job_interview_stage_id",
                    "entered_at",
                    "exited_at",
                    "current",
                ),
                where=hiring.was_entered,
            ),
            Join(
                name="rejection_details",
                stream="rejection_details",
                on="application_id",
                members=("rejection_reason_id",),
            ),
            Join(
                name="rejection_reasons",
                stream="rejection_reasons",
                on="id",
                via="rejection_details",
                key="rejection_reason_id",
                members=("type",),
            ),
            Join(name="openings", stream="openings", on="application_id", members=("closed_at",)),
            Join(
                name="prospect_details", stream="prospect_details", on="application_id", members=("prospect_owner_id",)
            ),
        ),
    ),
    declare("applied_candidate_tags", is_optional=True),
    declare("candidate_educations", is_stored=True, found_by=("candidate_id",), is_optional=True),
    declare("candidate_employments", is_stored=True, found_by=("candidate_id",), is_optional=True),
    declare(
        "candidates",
        RecordMapping(Candidate, people.to_candidate, custom=read_custom_fields),
        found_by=("email_addresses.value",),
        joins=(
            Join(name="applications", stream="applications", on="candidate_id"),
            Join(name="attachments", stream="attachments", on="candidate_id"),
            Join(
                name="applied_candidate_tags",
                stream="applied_candidate_tags",
                on="candidate_id",
                members=("candidate_tag_id",),
            ),
            Join(
                name="candidate_educations",
                stream="candidate_educations",
                on="candidate_id",
                members=(
                    "school_name_custom_field_option_id",
                    "degree_custom_field_option_id",
                    "discipline_custom_field_option_id",
                    "start_at",
                    "end_at",
                    "start_date_month",
                    "start_date_year",
                    "end_date_month",
                    "end_date_year",
                ),
            ),
            join_option("schools", "school_name"),
            join_option("degrees", "degree"),
            join_option("disciplines", "discipline"),
            Join(
                name="candidate_employments",
                stream="candidate_employments",
                on="candidate_id",
                members=("company_name", "title", "start_date", "end_date"),
            ),
        ),
    ),
    declare("interviewers"),
    declare(
        "interviews",
        RecordMapping(ScheduledInterview, interviews.to_scheduled_interview, words={"status": "status"}),
        joins=(
            Join(
                name="job_interviews",
                stream="job_interviews",
                on="id",
                key="job_interview_id",
                members=("job_interview_stage_id", "name"),
            ),
            Join(
                name="interviewers",
                stream="interviewers",
                on="interview_id",
                members=("user_id", "email", "response_status"),
            ),
        ),
    ),
    declare("candidate_attribute_types", is_optional=True),
    declare("job_candidate_attributes", is_optional=True),
    declare("scorecard_candidate_attributes", is_optional=True),
    declare("scorecard_questions", is_stored=True, found_by=("interview_kit_id",), is_optional=True),
    declare("scorecard_question_options", is_optional=True),
    declare("scorecard_question_answers", is_optional=True),
    declare("scorecard_question_answer_options", is_optional=True),
    declare(
        "scorecards",
        RecordMapping(
            Scorecard,
            interviews.to_scorecard,
            words={"overall_recommendation": "candidate_rating", "status": "status"},
        ),
        joins=(
            Join(name="interviewers", stream="interviewers", on="scorecard_id", members=("interview_id",)),
            Join(
                name="attributes",
                stream="scorecard_candidate_attributes",
                on="scorecard_id",
                members=("candidate_attribute_rating", "job_candidate_attribute_id", "note"),
            ),
            Join(
                name="attribute_names",
                stream="job_candidate_attributes",
                on="id",
                via="attributes",
                key="job_candidate_attribute_id",
                members=("candidate_attribute_type_id", "name"),
            ),
            Join(
                name="attribute_types",
                stream="candidate_attribute_types",
                on="id",
                via="attribute_names",
                key="candidate_attribute_type_id",
                members=("name",),
            ),
            Join(
                name="answers",
                stream="scorecard_question_answers",
                on="scorecard_id",
                members=("scorecard_question_id", "answer", "boolean_value"),
            ),
            Join(
                name="questions",
                stream="scorecard_questions",
                on="id",
                via="answers",
                key="scorecard_question_id",
                members=("question", "answer_type"),
            ),
            Join(
                name="choices",
                stream="scorecard_question_answer_options",
                on="scorecard_question_answer_id",
                via="answers",
                key="id",
                members=("scorecard_question_option_id", "scorecard_question_answer_id"),
            ),
            Join(
                name="options",
                stream="scorecard_question_options",
                on="id",
                via="choices",
                key="scorecard_question_option_id",
                members=("name",),
            ),
        ),
    ),
    declare(
        "offers",
        RecordMapping(Offer, hiring.to_offer, words={"status": "status"}, custom=read_custom_fields),
        found_by=("application_id",),
        joins=(
            Join(name="versions", stream="offers", on="application_id", key="application_id", members=("version",)),
        ),
    ),
    declare(
        "eeoc",
        RecordMapping(
            EEOC,
            people.to_eeoc,
            words={
                "race": "race.description",
                "gender": "gender.description",
                "veteran_status": "veteran_status.description",
                "disability_status": "disability_status.description",
            },
        ),
    ),
    declare(
        "notes",
        RecordMapping(Activity, people.to_activity, words={"activity_type": "type", "visibility": "visibility"}),
    ),
    # What else the shapes of Harvest v1 have.
    *(
        declare(name, is_stored=True, found_by=found_by, is_optional=True)
        for name, found_by in {
            "close_reasons": (),
            "custom_field_departments": ("custom_field_id",),
            "custom_field_offices": ("custom_field_id",),
            "default_interviewers": ("interview_kit_id",),
            "interview_kits": ("job_id",),
            "prospect_pool_stages": (),
            "prospect_pools": (),
            "user_emails": ("email",),
        }.items()
    ),
    declare(PEOPLE, path="users", paging=PEOPLE_ALONE, is_stored=True, is_optional=True),
)

INTEGRATION = Integration(
    slug="greenhouse",
    name="Greenhouse",
    is_in_demo=True,
    website="https://www.greenhouse.com",
    base_url="https://harvest.greenhouse.io",
    auth=ClientCredentials(
        token_path="/token",
        token_host=AUTH_HOST,
        sent_as="basic",
        find_refusal=find_refusal,
        credentials=(
            Credential("client_id", "Client ID", f"{PLACE} > Create new API credentials, of type Harvest v3 (OAuth)"),
            Credential("client_secret", "Client secret", "Shown once, beside the client ID", is_secret=True),
            Credential(
                "sub",
                "User ID",
                "A Site Admin's, to read as that user; left out, the service user made with the credentials reads",
                is_optional=True,
            ),
        ),
    ),
    partner_auth=AuthorizationCode(
        authorize_path="/authorize",
        token_path="/token",
        token_host=AUTH_HOST,
        credentials=(
            Credential("client_id", "Partner client ID", "Given to partners by Greenhouse's partner support"),
            Credential("client_secret", "Partner client secret", "Given with the client ID", is_secret=True),
        ),
        scopes=tuple(dict.fromkeys(scope_of(stream.path.rpartition("/")[2]) for stream in STREAMS)),
        find_refusal=find_refusal,
    ),
    budget_rule=FixedWindowHeaders(
        limit="X-RateLimit-Limit", remaining="X-RateLimit-Remaining", reset="X-RateLimit-Reset", seconds=30
    ),
    streams=STREAMS,
    match_filters=match_filters,
    acting_credential="sub",
    is_refusal=has_errors,
    read_refusal=read_refusal,
    is_acceptance=has_message,
    # Not by rejection reasons: the built-in ones may be the same in every account.
    known_by=("jobs", "users", "departments", "candidates"),
    cannot=CANNOT,
)
