"""The models. Every field may be null, and null means: the vendor does not say; an empty list, that there are none.

Moments are text in ISO 8601, UTC (`2026-01-31T09:30:00Z`), days are `2026-01-31`. Relations are ids. The fields of a
model that is on the native face come first; those of richer faces alone follow, marked `more`. Where one of
these says the same as a native field and more, the native one is derived from it (deriving.py).
"""

from typing import Annotated, Any

from unihire.model import enums
from unihire.model.spec import Field, FilterMatch, Record, model
from unihire.model.structs import (
    Answer,
    Attendee,
    Choice,
    Consent,
    Contact,
    Education,
    Employment,
    Pay,
    Place,
    Rating,
    Role,
    TeamMember,
    Url,
)

Text = str | None
Flag = bool | None
Texts = list[str] | None

_MOMENT = "2026-01-31T09:30:00Z"
_DAY = "2026-01-31"
_ID = "5b0f7a52-3c1e-5d0b-9f57-6a4f6a0f9d11"
_BY_ID = FilterMatch.ID
_BY_TEXT = FilterMatch.EXACT
_BY_NAME = FilterMatch.FOLDED
_CREATED = "When the vendor created it."
_UPDATED = "When the vendor last changed it."


@model("activity", plural="activities", number=1)
class Activity(Record):
    """Something that happened around a candidate: a note, an e-mail, another event."""

    user: Annotated[Text, Field("User who wrote it.", _ID, to="remote_user", filter=_BY_ID)] = None
    activity_type: Annotated[Text, Field("Kind of activity.", "NOTE", enums.ACTIVITY_TYPES)] = None
    subject: Annotated[Text, Field("Subject line.", "Phone call with Jane")] = None
    body: Annotated[Text, Field("Text of the activity.", "Jane asked about remote work.")] = None
    visibility: Annotated[Text, Field("Who may see it.", "PUBLIC", enums.VISIBILITIES)] = None
    candidate: Annotated[Text, Field("Candidate it is about.", _ID, to="candidate", filter=_BY_ID)] = None
    remote_created_at: Annotated[Text, Field("When the vendor created it.", _MOMENT)] = None

    application: Annotated[Text, Field("Application it is about.", _ID, to="application", more=True)] = None
    body_format: Annotated[Text, Field("What the body is written in.", "TEXT", enums.BODY_FORMATS, more=True)] = None
    remote_updated_at: Annotated[Text, Field(_UPDATED, _MOMENT, more=True)] = None


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
        Field("Its current stage, or the one in which it was rejected.", _ID, to="job_interview_stage", filter=_BY_ID),
    ] = None
    reject_reason: Annotated[Text, Field("Why it was rejected.", _ID, to="reject_reason", filter=_BY_ID)] = None

    status: Annotated[Text, Field("Status of the application.", "ACTIVE", enums.APPLICATION_STATUSES, more=True)] = None
    ended_by: Annotated[
        Text, Field("Who ended it, if it ended without a hire.", "COMPANY", enums.ENDED_BY, more=True)
    ] = None
    is_prospect: Annotated[
        Flag, Field("Whether it is of somebody who did not apply, or not for a job.", False, more=True)
    ] = None
    hired_at: Annotated[Text, Field("When the candidate was hired, where the vendor says so.", _MOMENT, more=True)] = (
        None
    )
    withdrawn_at: Annotated[Text, Field("When the candidate withdrew.", _MOMENT, more=True)] = None
    stage_entered_at: Annotated[Text, Field("When it entered its current stage.", _MOMENT, more=True)] = None
    start_date: Annotated[Text, Field("First day of work.", _DAY, more=True)] = None
    answers: Annotated[list[Answer] | None, Field("Answers to the questions of the application form.", more=True)] = (
        None
    )
    job_posting: Annotated[Text, Field("Posting it came through.", _ID, to="job_posting", more=True)] = None
    source_record: Annotated[Text, Field("Where it came from, as a record.", _ID, to="source", more=True)] = None
    hiring_team: Annotated[list[TeamMember] | None, Field("Users responsible for it, with their roles.", more=True)] = (
        None
    )
    cover_letter: Annotated[Text, Field("Text of the cover letter.", "I would like to work with you.", more=True)] = (
        None
    )
    is_anonymized: Annotated[
        Flag, Field("Whether the vendor has taken the personal data out of it.", False, more=True)
    ] = None
    remote_created_at: Annotated[Text, Field(_CREATED, _MOMENT, more=True)] = None
    remote_updated_at: Annotated[Text, Field(_UPDATED, _MOMENT, more=True)] = None
    remote_url: Annotated[Text, Field("Its page in the ATS.", "https://ats.example.com/applications/1", more=True)] = (
        None
    )


@model("attachment", plural="attachments", number=3)
class Attachment(Record):
    """A file that belongs to a candidate."""

    file_name: Annotated[Text, Field("Name of the file.", "resume.pdf")] = None
    file_url: Annotated[Text, Field("Where it can be fetched.", "https://files.example.com/resume.pdf")] = None
    attachment_type: Annotated[Text, Field("Kind of file.", "RESUME", enums.ATTACHMENT_TYPES)] = None
    candidate: Annotated[Text, Field("Candidate it belongs to.", _ID, to="candidate", filter=_BY_ID)] = None

    application: Annotated[Text, Field("Application it belongs to.", _ID, to="application", more=True)] = None
    content_type: Annotated[Text, Field("Media type of the file.", "application/pdf", more=True)] = None
    size: Annotated[int | None, Field("Bytes in the file.", 48213, more=True)] = None
    remote_created_at: Annotated[Text, Field(_CREATED, _MOMENT, more=True)] = None
    remote_updated_at: Annotated[Text, Field(_UPDATED, _MOMENT, more=True)] = None


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

    name: Annotated[Text, Field("The vendor's own full name, where it has no two parts.", "Jane Doe", more=True)] = None
    places: Annotated[list[Place] | None, Field("Where the candidate lives.", more=True)] = None
    phones: Annotated[list[Contact] | None, Field("Telephone numbers, each with its kind.", more=True)] = None
    emails: Annotated[list[Contact] | None, Field("E-mail addresses, each with its kind.", more=True)] = None
    tag_records: Annotated[Texts, Field("Tags, as records.", [_ID], to="tag", more=True)] = None
    is_internal: Annotated[Flag, Field("Whether the candidate works for the company.", False, more=True)] = None
    is_anonymized: Annotated[
        Flag, Field("Whether the vendor has taken the personal data out of it.", False, more=True)
    ] = None
    sources: Annotated[Texts, Field("Where the candidate came from.", ["LinkedIn"], more=True)] = None
    educations: Annotated[list[Education] | None, Field("Schools and degrees.", more=True)] = None
    employments: Annotated[list[Employment] | None, Field("Earlier jobs.", more=True)] = None
    available_from: Annotated[Text, Field("First day on which the candidate can begin.", _DAY, more=True)] = None
    salary_expectation: Annotated[Pay | None, Field("Pay the candidate asks for.", more=True)] = None
    consent: Annotated[Consent | None, Field("Consent to storing the data.", more=True)] = None
    remote_url: Annotated[Text, Field("Its page in the ATS.", "https://ats.example.com/candidates/1", more=True)] = None


@model("department", plural="departments", number=5)
class Department(Record):
    """A department in the ATS's own structure."""

    name: Annotated[Text, Field("Name of the department.", "Engineering")] = None

    parent: Annotated[Text, Field("Department it is part of.", _ID, to="department", more=True)] = None
    remote_created_at: Annotated[Text, Field(_CREATED, _MOMENT, more=True)] = None
    remote_updated_at: Annotated[Text, Field(_UPDATED, _MOMENT, more=True)] = None


@model("eeoc", plural="eeocs", number=6, noun="EEOC record")
class EEOC(Record):
    """A candidate's answers to equal-opportunity questions."""

    candidate: Annotated[Text, Field("Candidate who answered.", _ID, to="candidate", filter=_BY_ID)] = None
    submitted_at: Annotated[Text, Field("When the answers were given.", _MOMENT)] = None
    race: Annotated[Text, Field("Answer on race.", "WHITE", enums.RACES)] = None
    gender: Annotated[Text, Field("Answer on gender.", "FEMALE", enums.GENDERS)] = None
    veteran_status: Annotated[
        Text, Field("Answer on military service.", "I_AM_NOT_A_PROTECTED_VETERAN", enums.VETERAN_STATUSES)
    ] = None
    disability_status: Annotated[
        Text, Field("Answer on disability.", "I_DONT_WISH_TO_ANSWER", enums.DISABILITY_STATUSES)
    ] = None

    application: Annotated[
        Text, Field("Application with which the answers were given.", _ID, to="application", more=True)
    ] = None
    remote_created_at: Annotated[Text, Field(_CREATED, _MOMENT, more=True)] = None
    remote_updated_at: Annotated[Text, Field(_UPDATED, _MOMENT, more=True)] = None


@model("job_interview_stage", plural="job-interview-stages", number=7)
class JobInterviewStage(Record):
    """One step of a hiring process."""

    name: Annotated[Text, Field("Name of the stage.", "Phone screen")] = None
    job: Annotated[Text, Field("Job whose process it belongs to.", _ID, to="job", filter=_BY_ID)] = None
    stage_order: Annotated[int | None, Field("Position in the process.", 3)] = None

    jobs: Annotated[
        Texts, Field("Jobs whose process it belongs to, where several share it.", [_ID], to="job", more=True)
    ] = None
    pipeline: Annotated[Text, Field("The vendor's id of the process it is a step of.", "4021", more=True)] = None
    stage_type: Annotated[Text, Field("What the step is for.", "INTERVIEW", enums.STAGE_TYPES, more=True)] = None
    remote_created_at: Annotated[Text, Field(_CREATED, _MOMENT, more=True)] = None
    remote_updated_at: Annotated[Text, Field(_UPDATED, _MOMENT, more=True)] = None


@model("job", plural="jobs", number=8)
class Job(Record):
    """A job a company hires for."""

    name: Annotated[Text, Field("Title of the job.", "Software Engineer")] = None
    description: Annotated[Text, Field("What the job is about.", "You will build our product.")] = None
    code: Annotated[Text, Field("Job code, internal or external.", "ENG-7", filter=_BY_TEXT)] = None
    status: Annotated[Text, Field("Status of the job.", "OPEN", enums.JOB_STATUSES, filter=_BY_TEXT)] = None
    job_posting_urls: Annotated[list[Url] | None, Field("Where the job is advertised.")] = None
    remote_created_at: Annotated[Text, Field("When the vendor created it.", _MOMENT)] = None
    remote_updated_at: Annotated[Text, Field("When the vendor last changed it.", _MOMENT)] = None
    confidential: Annotated[Flag, Field("Whether the job is confidential.", False)] = None
    departments: Annotated[Texts, Field("Departments of the job.", [_ID], to="department")] = None
    offices: Annotated[Texts, Field("Offices of the job.", [_ID], to="office", filter=_BY_ID)] = None
    hiring_managers: Annotated[Texts, Field("Hiring managers.", [_ID], to="remote_user")] = None
    recruiters: Annotated[Texts, Field("Recruiters.", [_ID], to="remote_user")] = None

    hiring_team: Annotated[list[TeamMember] | None, Field("Users who hire for it, and as what.", more=True)] = None
    employment_type: Annotated[Text, Field("Kind of employment.", "FULL_TIME", enums.EMPLOYMENT_TYPES, more=True)] = (
        None
    )
    workplace: Annotated[Text, Field("Where the work is done.", "HYBRID", enums.WORKPLACES, more=True)] = None
    pay: Annotated[Pay | None, Field("What it pays.", more=True)] = None
    places: Annotated[list[Place] | None, Field("Places of work.", more=True)] = None
    visibility: Annotated[Text, Field("Who may see it.", "PUBLIC", enums.JOB_VISIBILITIES, more=True)] = None
    opened_at: Annotated[Text, Field("When it was opened.", _MOMENT, more=True)] = None
    closed_at: Annotated[Text, Field("When it was closed.", _MOMENT, more=True)] = None
    openings_count: Annotated[int | None, Field("How many are to be hired.", 2, more=True)] = None
    category: Annotated[Text, Field("The vendor's category of it.", "Engineering", more=True)] = None
    seniority: Annotated[Text, Field("Required experience.", "Senior", more=True)] = None
    team: Annotated[Text, Field("Team it is in.", "Search", more=True)] = None
    remote_url: Annotated[Text, Field("Its page in the ATS.", "https://ats.example.com/jobs/1", more=True)] = None


@model("offer", plural="offers", number=9)
class Offer(Record):
    """A job offer made on an application."""

    application: Annotated[Text, Field("Application it was made on.", _ID, to="application", filter=_BY_ID)] = None
    creator: Annotated[Text, Field("User who made it.", _ID, to="remote_user", filter=_BY_ID)] = None
    remote_created_at: Annotated[Text, Field("When the vendor created it.", _MOMENT)] = None
    closed_at: Annotated[Text, Field("When it was closed.", _MOMENT)] = None
    sent_at: Annotated[Text, Field("When it went to the candidate.", _MOMENT)] = None
    start_date: Annotated[Text, Field("Proposed first day.", _MOMENT)] = None
    status: Annotated[Text, Field("Status of the offer.", "APPROVED", enums.OFFER_STATUSES)] = None

    version: Annotated[int | None, Field("Number of the version, from 1 on.", 1, more=True)] = None
    is_current: Annotated[Flag, Field("Whether it is the latest version.", True, more=True)] = None
    pay: Annotated[Pay | None, Field("What it offers.", more=True)] = None
    remote_updated_at: Annotated[Text, Field(_UPDATED, _MOMENT, more=True)] = None


@model("office", plural="offices", number=10)
class Office(Record):
    """A location of the company."""

    name: Annotated[Text, Field("Name of the office.", "Berlin")] = None
    location: Annotated[Text, Field("Address or place.", "1 Example Street, Berlin")] = None

    place: Annotated[Place | None, Field("Its address, in parts.", more=True)] = None
    parent: Annotated[Text, Field("Office it is part of.", _ID, to="office", more=True)] = None
    remote_created_at: Annotated[Text, Field(_CREATED, _MOMENT, more=True)] = None
    remote_updated_at: Annotated[Text, Field(_UPDATED, _MOMENT, more=True)] = None


@model("reject_reason", plural="reject-reasons", number=11)
class RejectReason(Record):
    """A reason for rejecting, in the customer's words."""

    name: Annotated[Text, Field("The reason.", "Position filled")] = None

    ended_by: Annotated[
        Text, Field("Whose reason: the company's or the candidate's.", "COMPANY", enums.ENDED_BY, more=True)
    ] = None
    is_active: Annotated[Flag, Field("Whether it can still be chosen.", True, more=True)] = None
    remote_created_at: Annotated[Text, Field(_CREATED, _MOMENT, more=True)] = None
    remote_updated_at: Annotated[Text, Field(_UPDATED, _MOMENT, more=True)] = None


@model("remote_user", plural="remote-users", number=12)
class RemoteUser(Record):
    """A member of staff as the ATS knows them: recruiter, hiring manager, interviewer."""

    first_name: Annotated[Text, Field("Given name.", "Robin")] = None
    last_name: Annotated[Text, Field("Family name.", "Roe")] = None
    email: Annotated[Text, Field("E-mail address.", "robin@example.com", filter=_BY_NAME)] = None
    disabled: Annotated[Flag, Field("Whether the account is switched off.", False)] = None
    remote_created_at: Annotated[Text, Field("When the vendor created the account.", _MOMENT)] = None
    access_role: Annotated[Text, Field("Access role of the account.", "RECRUITER", enums.ACCESS_ROLES)] = None

    roles: Annotated[list[Role] | None, Field("Access roles of the account.", more=True)] = None
    name: Annotated[Text, Field("The vendor's own full name, where it has no two parts.", "Robin Roe", more=True)] = (
        None
    )
    title: Annotated[Text, Field("Job title.", "Recruiter", more=True)] = None
    employee_id: Annotated[Text, Field("The company's own number of the person.", "E-17", more=True)] = None
    remote_updated_at: Annotated[Text, Field(_UPDATED, _MOMENT, more=True)] = None


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
    status: Annotated[
        Text, Field("Scheduled, awaiting feedback, or complete.", "SCHEDULED", enums.INTERVIEW_STATUSES)
    ] = None

    is_cancelled: Annotated[Flag, Field("Whether it was cancelled.", False, more=True)] = None
    time_zone: Annotated[Text, Field("Time zone it was arranged in, by its IANA name.", "Europe/Berlin", more=True)] = (
        None
    )
    title: Annotated[Text, Field("What the calendar says.", "Technical interview", more=True)] = None
    kind: Annotated[
        Text, Field("Kind of interview, or the vendor's own word.", "MEETING", enums.INTERVIEW_KINDS, more=True)
    ] = None
    video_url: Annotated[Text, Field("The video meeting's address.", "https://video.example.com/1", more=True)] = None
    attendees: Annotated[
        list[Attendee] | None, Field("Who takes part for the company, and whether they will.", more=True)
    ] = None
    group: Annotated[Text, Field("The vendor's id of the round that several interviews share.", "811", more=True)] = (
        None
    )
    external_id: Annotated[Text, Field("Identifier set by the program that wrote it.", "calendar-17", more=True)] = None


@model("scorecard", plural="scorecards", number=14)
class Scorecard(Record):
    """An interviewer's judgement."""

    application: Annotated[Text, Field("Application judged.", _ID, to="application", filter=_BY_ID)] = None
    interview: Annotated[Text, Field("Interview it comes from.", _ID, to="scheduled_interview", filter=_BY_ID)] = None
    interviewer: Annotated[Text, Field("Who filled it in.", _ID, to="remote_user", filter=_BY_ID)] = None
    remote_created_at: Annotated[Text, Field("When the vendor created it.", _MOMENT)] = None
    submitted_at: Annotated[Text, Field("When it was handed in.", _MOMENT)] = None
    overall_recommendation: Annotated[Text, Field("The verdict.", "YES", enums.RECOMMENDATIONS)] = None

    score: Annotated[float | None, Field("Points given.", 3, more=True)] = None
    score_max: Annotated[float | None, Field("Most points that can be given.", 5, more=True)] = None
    attributes: Annotated[list[Rating] | None, Field("Judgement of single attributes and skills.", more=True)] = None
    answers: Annotated[list[Answer] | None, Field("Answers to the questions of the scorecard.", more=True)] = None
    notes: Annotated[Text, Field("What the interviewer wrote.", "Knows Python well.", more=True)] = None
    status: Annotated[Text, Field("Whether it was submitted.", "COMPLETE", enums.SCORECARD_STATUSES, more=True)] = None
    remote_updated_at: Annotated[Text, Field(_UPDATED, _MOMENT, more=True)] = None


@model("screening_question", plural="screening-questions", number=15)
class ScreeningQuestion(Record):
    """A question on a job's application form."""

    job: Annotated[Text, Field("Job whose application form has it.", _ID, to="job", filter=_BY_ID)] = None
    description: Annotated[Text, Field("The long text.", "Tell us what you did with Python.")] = None
    title: Annotated[Text, Field("The short text.", "Python")] = None
    type: Annotated[Text, Field("What kind of answer it takes.", "SINGLE_LINE_TEXT", enums.QUESTION_TYPES)] = None
    required: Annotated[Flag, Field("Whether it must be answered.", True)] = None
    options: Annotated[list[dict[str, Any]] | None, Field("Choices, as the vendor describes them.")] = None

    choices: Annotated[list[Choice] | None, Field("Choices, each with its id and text.", more=True)] = None
    position: Annotated[int | None, Field("Position in the form, from 0 on.", 0, more=True)] = None
    posting: Annotated[Text, Field("Posting whose application form has it.", _ID, to="job_posting", more=True)] = None
    category: Annotated[
        Text,
        Field(
            "What the question is for, where that is not the job.",
            "CONSENT",
            enums.QUESTION_CATEGORIES,
            more=True,
        ),
    ] = None
    remote_created_at: Annotated[Text, Field(_CREATED, _MOMENT, more=True)] = None
    remote_updated_at: Annotated[Text, Field(_UPDATED, _MOMENT, more=True)] = None


@model("tag", plural="tags", number=16)
class Tag(Record):
    """A tag of the ATS."""

    name: Annotated[Text, Field("Text of the tag.", "JUNIOR")] = None

    remote_created_at: Annotated[Text, Field(_CREATED, _MOMENT, more=True)] = None
    remote_updated_at: Annotated[Text, Field(_UPDATED, _MOMENT, more=True)] = None


@model("job_posting", plural="job-postings", number=17, is_native=False)
class JobPosting(Record):
    """An advertisement of a job: what candidates see of it, in one language and place of publication."""

    title: Annotated[Text, Field("Title of the advertisement.", "Software Engineer")] = None
    content: Annotated[Text, Field("Its text, mostly HTML.", "<p>You will build our product.</p>")] = None
    status: Annotated[Text, Field("Whether it is published.", "PUBLISHED", enums.POSTING_STATUSES, filter=_BY_TEXT)] = (
        None
    )
    is_internal: Annotated[Flag, Field("Whether only the company's own people see it.", False)] = None
    job: Annotated[Text, Field("Job it advertises.", _ID, to="job", filter=_BY_ID)] = None
    urls: Annotated[list[Url] | None, Field("Where it can be read.")] = None
    language: Annotated[Text, Field("Language it is written in.", "en")] = None
    published_at: Annotated[Text, Field("When it was first published.", _MOMENT)] = None
    remote_created_at: Annotated[Text, Field(_CREATED, _MOMENT)] = None
    remote_updated_at: Annotated[Text, Field(_UPDATED, _MOMENT)] = None


@model("source", plural="sources", number=18, is_native=False)
class HiringSource(Record):
    """Where candidates come from, as the customer has named it."""

    name: Annotated[Text, Field("Name of the source.", "LinkedIn", filter=_BY_TEXT)] = None
    category: Annotated[Text, Field("Kind of source, in the vendor's words.", "Social media")] = None
    is_active: Annotated[Flag, Field("Whether it can still be chosen.", True)] = None
    remote_created_at: Annotated[Text, Field(_CREATED, _MOMENT)] = None
    remote_updated_at: Annotated[Text, Field(_UPDATED, _MOMENT)] = None


@model("application_transition", plural="application-transitions", number=19, is_native=False)
class ApplicationTransition(Record):
    """An application's stay at one stage of its way: when it came, from where, and when it left."""

    application: Annotated[Text, Field("Application that moved.", _ID, to="application", filter=_BY_ID)] = None
    from_stage: Annotated[Text, Field("Stage it came from.", _ID, to="job_interview_stage", filter=_BY_ID)] = None
    to_stage: Annotated[Text, Field("Stage it came to.", _ID, to="job_interview_stage", filter=_BY_ID)] = None
    entered_at: Annotated[Text, Field("When it came there.", _MOMENT)] = None
    left_at: Annotated[Text, Field("When it left; null while it is there.", _MOMENT)] = None
    user: Annotated[Text, Field("User who moved it.", _ID, to="remote_user", filter=_BY_ID)] = None
    remote_created_at: Annotated[Text, Field(_CREATED, _MOMENT)] = None
    remote_updated_at: Annotated[Text, Field(_UPDATED, _MOMENT)] = None
