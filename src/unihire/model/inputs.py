"""What can be written: for each model and verb, what may be said, field by field.

An input has the fields of the record where it says the same. A vendor takes some of them (`integration/write.py`).
Relations are ids. Beside these fields each write takes `integration_params` and `remote_user_id`, which are not here.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

import msgspec

from unihire.model import enums
from unihire.model.spec import Field, FieldSpec, resolve_fields
from unihire.model.structs import Url

Text = str | None
Flag = bool | None
Texts = list[str] | None

_ID = "5b0f7a52-3c1e-5d0b-9f57-6a4f6a0f9d11"
_MOMENT = "2026-01-31T09:30:00Z"


class FileInput(msgspec.Struct, kw_only=True, gc=False):
    """A file: at an address, or its content."""

    file_name: Annotated[Text, Field("File name with its ending.", "resume.pdf")] = None
    file_url: Annotated[Text, Field("Public address to fetch it from.", format="uri")] = None
    file_content: Annotated[Text, Field("Its content, base64.", "SGVsbG8=", format="byte")] = None
    content_type: Annotated[Text, Field("MIME type.", "application/pdf")] = None
    attachment_type: Annotated[Text, Field("Kind of file.", "RESUME", enums.ATTACHMENT_TYPES)] = None


class WriteInput(msgspec.Struct, kw_only=True, gc=False):
    """What every input has."""

    custom_fields: Annotated[
        dict[str, Any] | None, Field("The customer's own fields, by the names that meta lists.", {"level": "L3"})
    ] = None


@dataclass(frozen=True, slots=True, eq=False)
class InputSpec:
    """What a verb takes of a model. `requires` are the fields without which it means nothing, whatever the vendor."""

    model: str
    verb: str
    meaning: str
    struct: type[WriteInput]
    fields: tuple[FieldSpec, ...]
    requires: tuple[str, ...]

    @property
    def name(self) -> str:
        return f"{self.model}.{self.verb}"


INPUTS: dict[tuple[str, str], InputSpec] = {}
"""Every input, by model and verb."""

I = TypeVar("I", bound=WriteInput)  # noqa: E741


def enter(model: str, verb: str, meaning: str, *requires: str) -> Callable[[type[I]], type[I]]:
    """Enter a struct into the vocabulary of writes; `requires` as in InputSpec."""

    def register(struct: type[I]) -> type[I]:
        INPUTS[model, verb] = InputSpec(model, verb, meaning, struct, resolve_fields(struct), requires)
        return struct

    return register


@enter("activity", "create", "Add a note, or another activity, to a candidate.", "candidate", "body")
class ActivityInput(WriteInput):
    user: Annotated[Text, Field("Its author.", _ID, to="remote_user")] = None
    activity_type: Annotated[Text, Field("What kind it is.", "NOTE", enums.ACTIVITY_TYPES)] = None
    subject: Annotated[Text, Field("Subject line.", "Phone screen")] = None
    body: Annotated[Text, Field("Text.", "Spoke on the phone.")] = None
    visibility: Annotated[Text, Field("Who sees it.", "PUBLIC", enums.VISIBILITIES)] = None
    candidate: Annotated[Text, Field("The candidate it is about.", _ID, to="candidate")] = None
    application: Annotated[Text, Field("The application it is about.", _ID, to="application")] = None


@enter("candidate", "comment", "Add a comment to a candidate.", "body")
class CommentInput(WriteInput):
    body: Annotated[Text, Field("Text.", "Spoke on the phone.")] = None
    visibility: Annotated[Text, Field("Who sees it.", "PUBLIC", enums.VISIBILITIES)] = None
    user: Annotated[Text, Field("Its author.", _ID, to="remote_user")] = None


class HiringInput(WriteInput):
    """Who works on an application, and where it came from."""

    source_record: Annotated[Text, Field("Where the candidate came from.", _ID, to="source")] = None
    credited_to: Annotated[Text, Field("User credited with it.", _ID, to="remote_user")] = None
    recruiter: Annotated[Text, Field("User who recruits.", _ID, to="remote_user")] = None
    coordinator: Annotated[Text, Field("User who coordinates.", _ID, to="remote_user")] = None


@enter("application", "create", "Let a candidate apply for a job.", "candidate", "job")
class ApplicationInput(HiringInput):
    candidate: Annotated[Text, Field("Who applies.", _ID, to="candidate")] = None
    job: Annotated[Text, Field("For which job.", _ID, to="job")] = None
    current_stage: Annotated[Text, Field("Stage to begin in.", _ID, to="job_interview_stage")] = None


@enter("application", "update", "Change an application.")
class ApplicationChanges(HiringInput):
    """Those who are named are changed."""


@enter("application", "move", "Move an application to a stage.", "current_stage")
class MoveInput(WriteInput):
    current_stage: Annotated[Text, Field("The stage to move to.", _ID, to="job_interview_stage")] = None
    job: Annotated[Text, Field("The job of that stage, where it is another.", _ID, to="job")] = None


@enter("application", "reject", "Reject an application.")
class RejectInput(WriteInput):
    reject_reason: Annotated[Text, Field("Why.", _ID, to="reject_reason")] = None
    rejected_at: Annotated[Text, Field("When.", _MOMENT, format="date-time")] = None
    note: Annotated[Text, Field("A text beside the reason.", "Not enough experience.")] = None


@enter("application", "unreject", "Open a rejected application again.")
class UnrejectInput(WriteInput):
    current_stage: Annotated[Text, Field("The stage it comes back to.", _ID, to="job_interview_stage")] = None


@enter("application", "hire", "Hire the candidate of an application.")
class HireInput(WriteInput):
    start_date: Annotated[Text, Field("First day of work.", "2026-03-01", format="date")] = None


@enter("application", "convert", "Make a prospect a candidate for a job.", "job")
class ConvertInput(WriteInput):
    job: Annotated[Text, Field("For which job.", _ID, to="job")] = None
    current_stage: Annotated[Text, Field("Stage to begin in.", _ID, to="job_interview_stage")] = None


@enter("attachment", "create", "Add a file to a candidate or an application.", "file_name")
class AttachmentInput(WriteInput):
    file_name: Annotated[Text, Field("File name with its ending.", "resume.pdf")] = None
    file_url: Annotated[Text, Field("Public address to fetch it from.", format="uri")] = None
    file_content: Annotated[Text, Field("Its content, base64.", "SGVsbG8=", format="byte")] = None
    content_type: Annotated[Text, Field("MIME type.", "application/pdf")] = None
    attachment_type: Annotated[Text, Field("Kind of file.", "RESUME", enums.ATTACHMENT_TYPES)] = None
    candidate: Annotated[Text, Field("Whose file it is.", _ID, to="candidate")] = None
    application: Annotated[Text, Field("The application it belongs to.", _ID, to="application")] = None


class PersonInput(WriteInput):
    """What is said of a person."""

    first_name: Annotated[Text, Field("First name.", "Jane")] = None
    last_name: Annotated[Text, Field("Last name.", "Doe")] = None
    company: Annotated[Text, Field("Current employer.", "Example Ltd")] = None
    title: Annotated[Text, Field("Current job title.", "Engineer")] = None
    is_private: Annotated[Flag, Field("Whether only some users see the candidate.", False)] = None
    can_email: Annotated[Flag, Field("Whether the candidate may be e-mailed.", True)] = None
    locations: Annotated[Texts, Field("Places, as texts.", ["Berlin"])] = None
    phone_numbers: Annotated[Texts, Field("Telephone numbers.", ["+49 30 1234567"])] = None
    email_addresses: Annotated[Texts, Field("E-mail addresses.", ["jane@example.com"], format="email")] = None
    urls: Annotated[list[Url] | None, Field("Web addresses.")] = None
    tags: Annotated[Texts, Field("Tags, by name.", ["Senior"])] = None


@enter("candidate", "create", "Create a candidate; with a job, an application to it as well.")
class CandidateInput(PersonInput):
    attachments: Annotated[list[FileInput] | None, Field("Files.")] = None
    job: Annotated[Text, Field("The job to apply for.", _ID, to="job")] = None
    job_interview_stage: Annotated[Text, Field("Stage to begin in.", _ID, to="job_interview_stage")] = None
    source_record: Annotated[Text, Field("Where the candidate came from.", _ID, to="source")] = None
    credited_to: Annotated[Text, Field("User credited with the application.", _ID, to="remote_user")] = None


@enter("candidate", "update", "Change a candidate: only the members that are sent. A list is replaced as a whole.")
class CandidateChanges(PersonInput):
    """A member that is sent as null is cleared."""


@enter("candidate", "tag", "Give a candidate a tag, which is made where it is not there.", "name")
class TagCandidateInput(WriteInput):
    name: Annotated[Text, Field("The tag's name.", "Senior")] = None


@enter("candidate", "untag", "Take a tag from a candidate.", "name")
class UntagCandidateInput(WriteInput):
    name: Annotated[Text, Field("The tag's name.", "Senior")] = None


@enter("department", "create", "Create a department.", "name")
class DepartmentInput(WriteInput):
    name: Annotated[Text, Field("Name.", "Engineering")] = None
    parent: Annotated[Text, Field("The department it is part of.", _ID, to="department")] = None


@enter("eeoc", "create", "Store what a candidate said of themselves for equal opportunity reports.", "candidate")
class EEOCInput(WriteInput):
    candidate: Annotated[Text, Field("Who said it.", _ID, to="candidate")] = None
    race: Annotated[Text, Field("Race.", None, enums.RACES)] = None
    gender: Annotated[Text, Field("Gender.", None, enums.GENDERS)] = None
    veteran_status: Annotated[Text, Field("Veteran status.", None, enums.VETERAN_STATUSES)] = None
    disability_status: Annotated[Text, Field("Disability status.", None, enums.DISABILITY_STATUSES)] = None


@enter("job", "create", "Create a job.")
class JobInput(WriteInput):
    name: Annotated[Text, Field("Name.", "Software engineer")] = None
    description: Annotated[Text, Field("Text of the job.", "We build.")] = None
    code: Annotated[Text, Field("The company's own code.", "SE-2026-01")] = None
    status: Annotated[Text, Field("Status.", "OPEN", enums.JOB_STATUSES)] = None
    confidential: Annotated[Flag, Field("Whether few may see it.", False)] = None
    departments: Annotated[Texts, Field("Departments.", [_ID], to="department")] = None
    offices: Annotated[Texts, Field("Offices.", [_ID], to="office")] = None
    hiring_managers: Annotated[Texts, Field("Hiring managers.", [_ID], to="remote_user")] = None
    recruiters: Annotated[Texts, Field("Recruiters.", [_ID], to="remote_user")] = None
    template_id: Annotated[Text, Field("The vendor's id of the job it is a copy of.", "4033879009")] = None
    openings: Annotated[int | None, Field("How many are to be hired.", 1)] = None


@enter("job_interview_stage", "create", "Add a stage to a job.", "name", "job")
class StageInput(WriteInput):
    name: Annotated[Text, Field("Name.", "Phone screen")] = None
    job: Annotated[Text, Field("The job.", _ID, to="job")] = None
    stage_order: Annotated[int | None, Field("Its place, from 0.", 1)] = None


@enter("offer", "create", "Make an offer on an application.", "application")
class OfferInput(WriteInput):
    application: Annotated[Text, Field("The application.", _ID, to="application")] = None
    start_date: Annotated[Text, Field("First day of work.", "2026-03-01", format="date")] = None
    sent_at: Annotated[Text, Field("When it was sent.", _MOMENT, format="date-time")] = None


@enter("office", "create", "Create an office.", "name")
class OfficeInput(WriteInput):
    name: Annotated[Text, Field("Name.", "Berlin")] = None
    location: Annotated[Text, Field("Where it is.", "Berlin, Germany")] = None
    parent: Annotated[Text, Field("The office it is part of.", _ID, to="office")] = None


@enter("reject_reason", "create", "Add a reason for rejections.", "name")
class RejectReasonInput(WriteInput):
    name: Annotated[Text, Field("Name.", "Not enough experience")] = None


@enter("remote_user", "create", "Create a user.", "email")
class RemoteUserInput(WriteInput):
    first_name: Annotated[Text, Field("First name.", "Rita")] = None
    last_name: Annotated[Text, Field("Last name.", "Example")] = None
    email: Annotated[Text, Field("E-mail address.", "rita@example.com", format="email")] = None
    title: Annotated[Text, Field("Job title.", "Recruiter")] = None
    employee_id: Annotated[Text, Field("The company's number of the person.", "E-17")] = None
    offices: Annotated[Texts, Field("Offices.", [_ID], to="office")] = None
    departments: Annotated[Texts, Field("Departments.", [_ID], to="department")] = None


@enter("scheduled_interview", "create", "Schedule an interview.", "application", "start_at", "end_at")
class InterviewInput(WriteInput):
    application: Annotated[Text, Field("The application.", _ID, to="application")] = None
    job_interview_stage: Annotated[Text, Field("The stage it belongs to.", _ID, to="job_interview_stage")] = None
    organizer: Annotated[Text, Field("Who organises it.", _ID, to="remote_user")] = None
    interviewers: Annotated[Texts, Field("Who interviews.", [_ID], to="remote_user")] = None
    location: Annotated[Text, Field("Where.", "Room 2")] = None
    video_url: Annotated[Text, Field("Address of the video call.", "https://meet.example.com/1", format="uri")] = None
    start_at: Annotated[Text, Field("Beginning.", _MOMENT, format="date-time")] = None
    end_at: Annotated[Text, Field("End.", "2026-01-31T10:30:00Z", format="date-time")] = None
    time_zone: Annotated[Text, Field("Time zone, an IANA name.", "Europe/Berlin")] = None


@enter("scorecard", "create", "Store what an interviewer found.", "application")
class ScorecardInput(WriteInput):
    application: Annotated[Text, Field("The application.", _ID, to="application")] = None
    interview: Annotated[Text, Field("The interview.", _ID, to="scheduled_interview")] = None
    interviewer: Annotated[Text, Field("Who interviewed.", _ID, to="remote_user")] = None
    overall_recommendation: Annotated[Text, Field("The verdict.", "YES", enums.RECOMMENDATIONS)] = None
    notes: Annotated[Text, Field("Text.", "Knows the field.")] = None


@enter("screening_question", "create", "Add a question to a job.", "job", "title")
class QuestionInput(WriteInput):
    job: Annotated[Text, Field("The job.", _ID, to="job")] = None
    title: Annotated[Text, Field("The question.", "When could you start?")] = None
    description: Annotated[Text, Field("Text beside it.", "A month is enough.")] = None
    type: Annotated[Text, Field("Kind of answer.", "SINGLE_LINE_TEXT", enums.QUESTION_TYPES)] = None
    required: Annotated[Flag, Field("Whether it must be answered.", True)] = None


@enter("tag", "create", "Create a tag.", "name")
class TagInput(WriteInput):
    name: Annotated[Text, Field("Name.", "Senior")] = None


def list_inputs(model: str) -> Mapping[str, InputSpec]:
    """The inputs of a model, by verb."""
    return {verb: spec for (name, verb), spec in INPUTS.items() if name == model}
