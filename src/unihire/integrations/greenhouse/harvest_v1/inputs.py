"""What the creates of Harvest v1 took, under the names workflows have for it: `type2` is `type`."""

from datetime import date, datetime
from typing import Annotated, Any, Literal

from msgspec import Meta

from unihire.integration.operate import Input, SearchText, choose_from

USERS = choose_from("list_users_ddl")
JOBS = choose_from("list_jobs_ddl")
SOURCES = choose_from("list_sources_ddl")
STAGES = choose_from("list_job_stages_for_job_ddl", job_id="{{job_id}}")

ActingUser = Annotated[int, Meta(title="User", description="The user who does it.", extra_json_schema=USERS)]
Job = Annotated[int, Meta(title="Job", extra_json_schema=JOBS)]
Source = Annotated[
    int | None, Meta(title="Source", description="Where the application comes from.", extra_json_schema=SOURCES)
]
InitialStage = Annotated[
    int | None,
    Meta(
        title="Initial stage",
        description="The job's stage to begin in; without one, the first.",
        extra_json_schema=STAGES,
    ),
]
Visibility = Annotated[Literal["admin_only", "private", "public"], Meta(title="Visibility")]
Value = Annotated[str | None, Meta(title="Value")]


class PhoneNumber(Input):
    type2: Annotated[Literal["home", "work", "mobile", "skype", "other"] | None, Meta(title="Type")] = None
    value: Value = None


class Address(Input):
    type2: Annotated[Literal["home", "work", "other"] | None, Meta(title="Type")] = None
    value: Value = None


class EmailAddress(Input):
    type2: Annotated[Literal["personal", "work", "other"] | None, Meta(title="Type")] = None
    value: Value = None


class WebsiteAddress(Input):
    type2: Annotated[Literal["personal", "company", "portfolio", "blog", "other"] | None, Meta(title="Type")] = None
    value: Value = None


class CustomValue(Input):
    """A custom field of the candidate; `key` is its id, its key or its name."""

    key: Annotated[
        int | SearchText | None,
        Meta(
            title="Field",
            description="Its id, its key or its name.",
            extra_json_schema=choose_from("list_candidate_custom_fields_ddl"),
        ),
    ] = None
    value: Annotated[Any, Meta(title="Value", description="As the field's type has it.")] = None

    def __post_init__(self) -> None:
        if self.key in (None, "") and self.value is not None:
            raise ValueError("the value of a custom field needs the key of one")


class UserRef(Input):
    """A user, by id or else by address."""

    id: Annotated[int | None, Meta(title="ID", extra_json_schema=USERS)] = None
    email: Annotated[SearchText | None, Meta(title="Email", description="Looked up where there is no id.")] = None


class NewNote(Input):
    user_id: Annotated[int, Meta(title="User", description="The author.", extra_json_schema=USERS)]
    body: Annotated[str, Meta(title="Body")]
    visibility: Visibility


class Referrer(Input):
    """Who is credited: a user by `id` or `email`, or by name somebody from `outside`."""

    type2: Annotated[Literal["id", "email", "outside"] | None, Meta(title="Type")] = None
    value: Annotated[
        int | SearchText | None,
        Meta(title="Value", description="The user's id or address, or the name of the one outside."),
    ] = None

    def __post_init__(self) -> None:
        if (self.type2 is None) != (self.value in (None, "")):
            raise ValueError("a referrer has both type2 and value")
        if self.type2 == "id" and not str(self.value).isdecimal():
            raise ValueError("the value of a referrer of type2 id is the id of a user")


class NewAttachment(Input):
    """A file: `content` in Base64, or `url` to get it from."""

    filename: Annotated[str, Meta(title="Filename")]
    type2: Annotated[Literal["resume", "cover_letter", "admin_only"], Meta(title="Type")]
    content: Annotated[str | None, Meta(title="Content", description="The file in Base64.")] = None
    url: Annotated[str | None, Meta(title="URL", description="Where to get it, in place of the content.")] = None
    content_type: Annotated[
        str | None,
        Meta(
            title="Content type",
            description="Of the content. Harvest v3 does not ask for it.",
            extra_json_schema=choose_from("list_attachment_content_types_ddl"),
        ),
    ] = None

    def __post_init__(self) -> None:
        if bool(self.content) == bool(self.url):
            raise ValueError("an attachment has either content or url")


class NewEducation(Input):
    """`start_date` or else month and year; likewise the end. Of a moment only the day counts."""

    school_id: Annotated[int | None, Meta(title="School")] = None
    discipline_id: Annotated[int | None, Meta(title="Discipline")] = None
    degree_id: Annotated[int | None, Meta(title="Degree")] = None
    start_date: Annotated[str | None, Meta(title="Start date")] = None
    end_date: Annotated[str | None, Meta(title="End date")] = None
    start_month: Annotated[Annotated[int, Meta(ge=1, le=12)] | None, Meta(title="Start month")] = None
    start_year: Annotated[Annotated[int, Meta(ge=1000, le=9999)] | None, Meta(title="Start year")] = None
    end_month: Annotated[Annotated[int, Meta(ge=1, le=12)] | None, Meta(title="End month")] = None
    end_year: Annotated[Annotated[int, Meta(ge=1000, le=9999)] | None, Meta(title="End year")] = None

    def __post_init__(self) -> None:
        for at, month, year in (("start", self.start_month, self.start_year), ("end", self.end_month, self.end_year)):
            if (month is None) != (year is None):
                raise ValueError(f"{at}_month and {at}_year belong together")
        self.start_day()
        self.end_day()

    def start_day(self) -> str | None:
        return read_day(self.start_date) or _first_day(self.start_year, self.start_month)

    def end_day(self) -> str | None:
        return read_day(self.end_date) or _first_day(self.end_year, self.end_month)


class NewEmployment(Input):
    """Of a timestamp only the day counts; without an end they still work there."""

    company_name: Annotated[str, Meta(title="Company name")]
    title: Annotated[str, Meta(title="Title")]
    start_date: Annotated[str, Meta(title="Start date")]
    end_date: Annotated[str | None, Meta(title="End date")] = None

    def __post_init__(self) -> None:
        if read_day(self.start_date) is None:
            raise ValueError("start_date is empty")
        self.end_day()

    def start_day(self) -> str | None:
        return read_day(self.start_date)

    def end_day(self) -> str | None:
        return read_day(self.end_date)


class NewApplication(Input):
    job_id: Job
    source_id: Source = None
    initial_stage_id: InitialStage = None
    referrer: Annotated[Referrer | None, Meta(title="Referrer")] = None
    attachments: Annotated[list[NewAttachment] | None, Meta(title="Attachments")] = None


class NewProspectApplication(Input):
    """What a prospect is considered for. The pool's stage must be one of the pool."""

    job_ids: Annotated[list[Job] | None, Meta(title="Jobs", description="None, one or several.")] = None
    source_id: Source = None
    referrer: Annotated[Referrer | None, Meta(title="Referrer")] = None
    attachments: Annotated[list[NewAttachment] | None, Meta(title="Attachments")] = None
    prospect_pool_id: Annotated[int | None, Meta(title="Prospect pool")] = None
    prospect_pool_stage_id: Annotated[int | None, Meta(title="Prospect pool stage")] = None
    prospect_owner_id: Annotated[int | None, Meta(title="Prospect owner", extra_json_schema=USERS)] = None
    prospective_department_id: Annotated[
        int | None, Meta(title="Prospective department", description="Passed on; Harvest v3 is not known to take it.")
    ] = None
    prospective_office_id: Annotated[
        int | None, Meta(title="Prospective office", description="Passed on; Harvest v3 is not known to take it.")
    ] = None


TYPED = "Each a value and what it is for, in type2."
TEAM = "A user, by id or email."


class NewPerson(Input):
    """What a candidate and a prospect are given alike."""

    user_id: ActingUser
    first_name: Annotated[str, Meta(title="First name")]
    last_name: Annotated[str, Meta(title="Last name")]
    company: Annotated[str | None, Meta(title="Company")] = None
    title: Annotated[str | None, Meta(title="Title", description="What they do there.")] = None
    phone_numbers: Annotated[list[PhoneNumber] | None, Meta(title="Phone numbers", description=TYPED)] = None
    addresses: Annotated[list[Address] | None, Meta(title="Addresses", description=TYPED)] = None
    email_addresses: Annotated[list[EmailAddress] | None, Meta(title="Email addresses", description=TYPED)] = None
    website_addresses: Annotated[list[WebsiteAddress] | None, Meta(title="Website addresses", description=TYPED)] = None
    social_media_addresses: Annotated[list[str] | None, Meta(title="Social media addresses")] = None
    tags: Annotated[list[str] | None, Meta(title="Tags", description="By name; new ones are made.")] = None
    custom_fields: Annotated[
        list[CustomValue] | None,
        Meta(title="Custom fields", description="Each a key, which is an id, key or name, and a value."),
    ] = None
    recruiter: Annotated[UserRef | None, Meta(title="Recruiter", description=TEAM)] = None
    coordinator: Annotated[UserRef | None, Meta(title="Coordinator", description=TEAM)] = None
    activity_feed_notes: Annotated[
        list[NewNote] | None, Meta(title="Notes", description="Each a user_id, who writes it, a body and a visibility.")
    ] = None
    is_private: Annotated[bool | None, Meta(title="Private", description="Whether few may see them.")] = None


class CreateCandidate(NewPerson, kw_only=True):
    educations: Annotated[
        list[NewEducation] | None,
        Meta(
            title="Educations", description="Each a school_id, discipline_id and degree_id, a start_date and end_date."
        ),
    ] = None
    employments: Annotated[
        list[NewEmployment] | None,
        Meta(
            title="Employments", description="Each a company_name, a title, a start_date, and an end_date if it ended."
        ),
    ] = None
    applications: Annotated[
        list[NewApplication],
        Meta(min_length=1, title="Applications", description="One for each job, and at least one."),
    ]


class CreateProspect(NewPerson, kw_only=True):
    application: Annotated[
        NewProspectApplication | None, Meta(title="Application", description="Without it they are on no job.")
    ] = None


class CreateApplication(Input):
    user_id: ActingUser
    candidate_id: Annotated[int, Meta(title="Candidate", extra_json_schema=choose_from("list_candidates_ddl"))]
    job_id: Job
    source_id: Source = None
    initial_stage_id: InitialStage = None
    referrer: Annotated[Referrer | None, Meta(title="Referrer")] = None
    attachments: Annotated[list[NewAttachment] | None, Meta(title="Attachments")] = None
    recruiter_id: Annotated[int | None, Meta(title="Recruiter", extra_json_schema=choose_from("list_users_ddl"))] = None
    coordinator_id: Annotated[
        int | None, Meta(title="Coordinator", extra_json_schema=choose_from("list_users_ddl"))
    ] = None


class CreateNote(Input):
    candidate_id: Annotated[int, Meta(title="Candidate", extra_json_schema=choose_from("list_candidates_ddl"))]
    user_id: Annotated[
        int,
        Meta(title="User", description="The author, who does it.", extra_json_schema=choose_from("list_users_ddl")),
    ]
    body: Annotated[str, Meta(title="Body")]
    visibility: Visibility


def read_day(text: str | None) -> str | None:
    """`2001-09-15` of a date or of a moment, as it is written there. Raises ValueError for anything else."""
    if not text:
        return None
    try:
        datetime.fromisoformat(text)
        return date.fromisoformat(text[:10]).isoformat()
    except ValueError:
        raise ValueError("a date is written 2001-09-15 or 2001-09-15T00:00:00.000Z") from None


def _first_day(year: int | None, month: int | None) -> str | None:
    return None if year is None or month is None else date(year, month, 1).isoformat()
