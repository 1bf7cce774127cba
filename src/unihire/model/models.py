"""The sixteen models. Every field may be null, and null means: the vendor does not say.

Moments are text in ISO 8601, UTC (`2026-01-31T09:30:00Z`). Relations hold ids.
"""

from typing import Annotated, Any

import msgspec

from unihire.model import words
from unihire.model.spec import Field, Match, Record, model

Text = str | None
Flag = bool | None
Texts = list[str] | None

_MOMENT = "2026-01-31T09:30:00Z"
_ID = "5b0f7a52-3c1e-5d0b-9f57-6a4f6a0f9d11"
_BY_ID = Match.ID
_BY_TEXT = Match.EXACT
_BY_NAME = Match.FOLDED


class Url(msgspec.Struct, kw_only=True, gc=False):
    """A web address and what kind it is.

    `type` is the vendor-near word (LINKEDIN), `url_type` the normalised one (SOCIAL_MEDIA); older readers of the
    contract look for the first, newer ones for the second.
    """

    value: Annotated[Text, Field("The address.", "https://www.example.com/in/jane")] = None
    type: Annotated[Text, Field("Kind of address, close to the vendor's word.", "LINKEDIN")] = None
    url_type: Annotated[Text, Field("Kind of address, normalised.", "SOCIAL_MEDIA", words.URL_TYPES)] = None


@model("activity", plural="activities", number=1)
class Activity(Record):
    """Something that happened around a candidate: a note, an e-mail, another event."""

    user: Annotated[Text, Field("User who wrote it.", _ID, to="remote_user", filter=_BY_ID)] = None
    activity_type: Annotated[Text, Field("Kind of activity.", "NOTE", words.ACTIVITY_TYPES)] = None
    subject: Annotated[Text, Field("Subject line.", "Phone call with Jane")] = None
    body: Annotated[Text, Field("Text of the activity.", "Jane asked about remote work.")] = None
    visibility: Annotated[Text, Field("Who may see it.", "PUBLIC", words.VISIBILITIES)] = None
    candidate: Annotated[Text, Field("Candidate it is about.", _ID, to="candidate", filter=_BY_ID)] = None
    remote_created_at: Annotated[Text, Field("When the vendor created it.", _MOMENT)] = None


@model("application", plural="applications", number=2)
class Application(Record):
    """One candidate's way through one job; stage and rejection live here."""

    candidate: Annotated[Text, Field("Who applied.", _ID, to="candidate", filter=_BY_ID)] = None
    job: Annotated[Text, Field("Job applied for.", _ID, to="job", filter=_BY_ID)] = None
    applied_at: Annotated[Text, Field("When the application was made.", _MOMENT)] = None
    rejected_at: Annotated[Text, Field("When it was rejected; null while it is alive.", _MOMENT)] = None
    source: Annotated[Text, Field("Where it came from, in the customer's words.", "LinkedIn", filter=_BY_TEXT)] = None
    credited_to: Annotated[Text, Field("User credited with it.", _ID, to="remote_user", filter=_BY_ID)] = None
    current_stage: Annotated[
        Text,
        Field("Stage it stands at, or stood at when it was rejected.", _ID, to="job_interview_stage", filter=_BY_ID),
    ] = None
    reject_reason: Annotated[Text, Field("Why it was rejected.", _ID, to="reject_reason", filter=_BY_ID)] = None


@model("attachment", plural="attachments", number=3)
class Attachment(Record):
    """A file that belongs to a candidate."""

    file_name: Annotated[Text, Field("Name of the file.", "resume.pdf")] = None
    file_url: Annotated[Text, Field("Where it can be fetched.", "https://files.example.com/resume.pdf")] = None
    attachment_type: Annotated[Text, Field("Kind of file.", "RESUME", words.ATTACHMENT_TYPES)] = None
    candidate: Annotated[Text, Field("Candidate it belongs to.", _ID, to="candidate", filter=_BY_ID)] = None


@model("candidate", plural="candidates", number=4)
class Candidate(Record):
    """A person known to the ATS: one record, however many applications."""

    first_name: Annotated[Text, Field("Given name.", "Jane", filter=_BY_NAME)] = None
    last_name: Annotated[Text, Field("Family name.", "Doe", filter=_BY_NAME)] = None
    company: Annotated[Text, Field("Company on the record.", "Example Ltd", filter=_BY_NAME)] = None
    title: Annotated[Text, Field("Job title on the record.", "Engineer")] = None
    last_interaction_at: Annotated[Text, Field("Last contact.", _MOMENT)] = None
    is_private: Annotated[Flag, Field("Marked private at the vendor; reported, not enforced.", False)] = None
    can_email: Annotated[Flag, Field("May be e-mailed; reported, not enforced.", True)] = None
    locations: Annotated[Texts, Field("Places.", ["Berlin"])] = None
    phone_numbers: Annotated[Texts, Field("Telephone numbers.", ["+49 30 0000000"])] = None
    email_addresses: Annotated[Texts, Field("E-mail addresses.", ["jane@example.com"], filter=_BY_NAME)] = None
    urls: Annotated[list[Url] | None, Field("Web addresses.")] = None
    tags: Annotated[Texts, Field("Tag texts, not ids.", ["JUNIOR"], filter=_BY_TEXT)] = None
    applications: Annotated[Texts, Field("Applications of the candidate.", [_ID], to="application")] = None
    attachments: Annotated[Texts, Field("Files of the candidate.", [_ID], to="attachment")] = None
    remote_created_at: Annotated[Text, Field("When the vendor created it.", _MOMENT)] = None
    remote_updated_at: Annotated[Text, Field("When the vendor last changed it.", _MOMENT)] = None
    avatar: Annotated[Text, Field("Address of a picture.", "https://www.example.com/jane.png")] = None


@model("department", plural="departments", number=5)
class Department(Record):
    """A department in the ATS's own structure."""

    name: Annotated[Text, Field("Name of the department.", "Engineering")] = None


@model("eeoc", plural="eeocs", number=6, noun="EEOC record")
class EEOC(Record):
    """A candidate's answers to equal-opportunity questions."""

    candidate: Annotated[Text, Field("Candidate who answered.", _ID, to="candidate", filter=_BY_ID)] = None
    submitted_at: Annotated[Text, Field("When the answers were given.", _MOMENT)] = None
    race: Annotated[Text, Field("Answer on race.", "WHITE", words.RACES)] = None
    gender: Annotated[Text, Field("Answer on gender.", "FEMALE", words.GENDERS)] = None
    veteran_status: Annotated[
        Text, Field("Answer on military service.", "I_AM_NOT_A_PROTECTED_VETERAN", words.VETERAN_STATUSES)
    ] = None
    disability_status: Annotated[
        Text, Field("Answer on disability.", "I_DONT_WISH_TO_ANSWER", words.DISABILITY_STATUSES)
    ] = None


@model("job_interview_stage", plural="job-interview-stages", number=7)
class JobInterviewStage(Record):
    """One step of a hiring process."""

    name: Annotated[Text, Field("Name of the stage.", "Phone screen")] = None
    job: Annotated[Text, Field("Job whose process it belongs to.", _ID, to="job", filter=_BY_ID)] = None
    stage_order: Annotated[int | None, Field("Position in the process.", 3)] = None


@model("job", plural="jobs", number=8)
class Job(Record):
    """A job a company hires for."""

    name: Annotated[Text, Field("Title of the job.", "Software Engineer")] = None
    description: Annotated[Text, Field("What the job is about.", "You will build our product.")] = None
    code: Annotated[Text, Field("Job code, internal or external.", "ENG-7", filter=_BY_TEXT)] = None
    status: Annotated[Text, Field("Status of the job.", "OPEN", words.JOB_STATUSES, filter=_BY_TEXT)] = None
    job_posting_urls: Annotated[list[Url] | None, Field("Where the job is advertised.")] = None
    remote_created_at: Annotated[Text, Field("When the vendor created it.", _MOMENT)] = None
    remote_updated_at: Annotated[Text, Field("When the vendor last changed it.", _MOMENT)] = None
    confidential: Annotated[Flag, Field("Whether the job is confidential.", False)] = None
    departments: Annotated[Texts, Field("Departments of the job.", [_ID], to="department")] = None
    offices: Annotated[Texts, Field("Offices of the job.", [_ID], to="office", filter=_BY_ID)] = None
    hiring_managers: Annotated[Texts, Field("Hiring managers.", [_ID], to="remote_user")] = None
    recruiters: Annotated[Texts, Field("Recruiters.", [_ID], to="remote_user")] = None


@model("offer", plural="offers", number=9)
class Offer(Record):
    """A job offer made on an application."""

    application: Annotated[Text, Field("Application it was made on.", _ID, to="application", filter=_BY_ID)] = None
    creator: Annotated[Text, Field("User who made it.", _ID, to="remote_user", filter=_BY_ID)] = None
    remote_created_at: Annotated[Text, Field("When the vendor created it.", _MOMENT)] = None
    closed_at: Annotated[Text, Field("When it was closed.", _MOMENT)] = None
    sent_at: Annotated[Text, Field("When it went to the candidate.", _MOMENT)] = None
    start_date: Annotated[Text, Field("Proposed first day.", _MOMENT)] = None
    status: Annotated[Text, Field("Status of the offer.", "APPROVED", words.OFFER_STATUSES)] = None


@model("office", plural="offices", number=10)
class Office(Record):
    """A place of the company."""

    name: Annotated[Text, Field("Name of the office.", "Berlin")] = None
    location: Annotated[Text, Field("Address or place.", "1 Example Street, Berlin")] = None


@model("reject_reason", plural="reject-reasons", number=11)
class RejectReason(Record):
    """A reason for rejecting, in the customer's words."""

    name: Annotated[Text, Field("The reason.", "Position filled")] = None


@model("remote_user", plural="remote-users", number=12)
class RemoteUser(Record):
    """A member of staff as the ATS knows them: recruiter, hiring manager, interviewer."""

    first_name: Annotated[Text, Field("Given name.", "Robin")] = None
    last_name: Annotated[Text, Field("Family name.", "Roe")] = None
    email: Annotated[Text, Field("E-mail address.", "robin@example.com", filter=_BY_NAME)] = None
    disabled: Annotated[Flag, Field("Whether the account is switched off.", False)] = None
    remote_created_at: Annotated[Text, Field("When the vendor created the account.", _MOMENT)] = None
    access_role: Annotated[Text, Field("What the account may do.", "RECRUITER", words.ACCESS_ROLES)] = None


@model("scheduled_interview", plural="scheduled-interviews", number=13)
class ScheduledInterview(Record):
    """An interview in the calendar."""

    application: Annotated[Text, Field("Application it is about.", _ID, to="application", filter=_BY_ID)] = None
    job_interview_stage: Annotated[
        Text, Field("Stage it belongs to.", _ID, to="job_interview_stage", filter=_BY_ID)
    ] = None
    organizer: Annotated[Text, Field("User who arranged it.", _ID, to="remote_user", filter=_BY_ID)] = None
    interviewers: Annotated[Texts, Field("Users who interview.", [_ID], to="remote_user")] = None
    location: Annotated[Text, Field("Where it takes place.", "Room 1")] = None
    start_at: Annotated[Text, Field("Start.", _MOMENT)] = None
    end_at: Annotated[Text, Field("End.", _MOMENT)] = None
    remote_created_at: Annotated[Text, Field("When the vendor created it.", _MOMENT)] = None
    remote_updated_at: Annotated[Text, Field("When the vendor last changed it.", _MOMENT)] = None
    status: Annotated[Text, Field("Booked, held, or held and judged.", "SCHEDULED", words.INTERVIEW_STATUSES)] = None


@model("scorecard", plural="scorecards", number=14)
class Scorecard(Record):
    """An interviewer's judgement."""

    application: Annotated[Text, Field("Application judged.", _ID, to="application", filter=_BY_ID)] = None
    interview: Annotated[Text, Field("Interview it comes from.", _ID, to="scheduled_interview", filter=_BY_ID)] = None
    interviewer: Annotated[Text, Field("Who filled it in.", _ID, to="remote_user", filter=_BY_ID)] = None
    remote_created_at: Annotated[Text, Field("When the vendor created it.", _MOMENT)] = None
    submitted_at: Annotated[Text, Field("When it was handed in.", _MOMENT)] = None
    overall_recommendation: Annotated[Text, Field("The verdict.", "YES", words.RECOMMENDATIONS)] = None


@model("screening_question", plural="screening-questions", number=15)
class ScreeningQuestion(Record):
    """A question on a job's application form."""

    job: Annotated[Text, Field("Job whose form asks it.", _ID, to="job", filter=_BY_ID)] = None
    description: Annotated[Text, Field("The long text.", "Tell us what you did with Python.")] = None
    title: Annotated[Text, Field("The short text.", "Python")] = None
    type: Annotated[Text, Field("What kind of answer it takes.", "SINGLE_LINE_TEXT", words.QUESTION_TYPES)] = None
    required: Annotated[Flag, Field("Whether it must be answered.", True)] = None
    options: Annotated[list[dict[str, Any]] | None, Field("Choices, as the vendor describes them.")] = None


@model("tag", plural="tags", number=16)
class Tag(Record):
    """A tag of the ATS."""

    name: Annotated[Text, Field("Text of the tag.", "JUNIOR")] = None
