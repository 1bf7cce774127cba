"""Native fields that a richer one says too: derived from it in this one place, so that the two never drift."""

from collections.abc import Callable, Mapping, Sequence

from unihire.model.models import Candidate, Job, ScheduledInterview
from unihire.model.spec import Record
from unihire.model.structs import Attendee, Contact, TeamMember


def derive_native(record: Record) -> None:
    """Fill the native fields of a record that richer ones of it say, where these are filled.

    A mapping that fills the richer field leaves the native one alone: what it has there is replaced. Relations are the
    vendor's ids still.
    """
    derive = _DERIVATIONS.get(type(record))
    if derive is not None:
        derive(record)


def _derive_candidate(record: Candidate) -> None:
    if record.emails is not None:
        record.email_addresses = list_values(record.emails)
    if record.phones is not None:
        record.phone_numbers = list_values(record.phones)


def _derive_job(record: Job) -> None:
    if record.hiring_team is not None:
        record.hiring_managers = list_members(record.hiring_team, "HIRING_MANAGER")
        record.recruiters = list_members(record.hiring_team, "RECRUITER")


def _derive_interview(record: ScheduledInterview) -> None:
    if record.attendees is not None:
        record.interviewers = list_users(record.attendees)


def list_values(contacts: Sequence[Contact]) -> list[str]:
    """The numbers or addresses, in order."""
    return [contact.value for contact in contacts if contact.value is not None]


def list_members(team: Sequence[TeamMember], role: str) -> list[str]:
    """The users of a team that have a role, in order."""
    return [member.user for member in team if member.role == role and member.user is not None]


def list_users(attendees: Sequence[Attendee]) -> list[str]:
    """The users among those who take part, in order."""
    return [attendee.user for attendee in attendees if attendee.user is not None]


DERIVED_FROM: Mapping[tuple[str, str], str] = {
    ("candidate", "email_addresses"): "emails",
    ("candidate", "phone_numbers"): "phones",
    ("job", "hiring_managers"): "hiring_team",
    ("job", "recruiters"): "hiring_team",
    ("scheduled_interview", "interviewers"): "attendees",
}
"""The richer field that says what a native one does, by model and native field."""

_DERIVATIONS: Mapping[type[Record], Callable[..., None]] = {
    Candidate: _derive_candidate,
    Job: _derive_job,
    ScheduledInterview: _derive_interview,
}
