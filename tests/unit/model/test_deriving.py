"""Native fields made of richer ones."""

from unihire.model import (
    Attendee,
    Candidate,
    Contact,
    Job,
    ScheduledInterview,
    Tag,
    TeamMember,
    derive_native,
)


def test_addresses_and_numbers_are_those_of_the_contacts() -> None:
    emails = [Contact(value="jane@example.com", type="WORK"), Contact(type="PERSONAL"), Contact(value="")]
    candidate = Candidate(emails=emails, phones=[Contact(value="+49 30 0000000", type="MOBILE")])
    derive_native(candidate)
    assert candidate.email_addresses == ["jane@example.com", ""]
    assert candidate.phone_numbers == ["+49 30 0000000"]


def test_no_contacts_are_no_addresses_and_null_leaves_what_is_there() -> None:
    candidate = Candidate(emails=[], phone_numbers=["+49 30 0000000"])
    derive_native(candidate)
    assert candidate.email_addresses == []
    assert candidate.phone_numbers == ["+49 30 0000000"]


def test_managers_and_recruiters_are_of_the_team() -> None:
    team = [
        TeamMember(user="1", role="RECRUITER"),
        TeamMember(user="2", role="HIRING_MANAGER"),
        TeamMember(user="3", role_name="Referee"),
        TeamMember(role="RECRUITER"),
        TeamMember(user="2", role="RECRUITER"),
    ]
    job = Job(hiring_team=team)
    derive_native(job)
    assert (job.hiring_managers, job.recruiters) == (["2"], ["1", "2"])


def test_interviewers_are_the_users_who_take_part() -> None:
    interview = ScheduledInterview(attendees=[Attendee(user="1"), Attendee(email="guest@example.com")])
    derive_native(interview)
    assert interview.interviewers == ["1"]


def test_other_records_are_left_alone() -> None:
    tag = Tag(remote_id="1", name="JUNIOR")
    derive_native(tag)
    assert tag == Tag(remote_id="1", name="JUNIOR")
