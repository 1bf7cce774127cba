"""Each thing that can change at a Greenhouse, one at a time: the next incremental run shows it, and only it."""

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
import pytest_asyncio

from testbed.databases import Databases
from testbed.harvest_link import HarvestLink, find_changed, link_harvest
from testbed.harvest_truth import Json, Records, Rows
from unihire.kit.seal import Sealer
from unihire.model import NATIVE_MODELS

Value = Any
"""What a field becomes: a value, `Other` or a function of what it is."""


class Other(str):
    """The id of another row of this stream."""


def edit(**fields: Any) -> Callable[[list[Json]], list[Json]]:
    """The questions of a post, the last one changed."""
    return lambda questions: [*questions[:-1], questions[-1] | fields]


NAMED = {"name": "Made up", "type": "short_text", "value": "new"}
QUESTION = {
    "id": 77, "description": "Tell us.", "answer_type": "long_text", "required": True, "private": False,
    "label": "Why?", "name": "question_77", "options": [],
}  # fmt: skip

# Stream, field, what it becomes, and the field of a record that shows it. The row is the first for which it does.
CHANGES: tuple[tuple[str, str, Value, str], ...] = (
    ("users", "first_name", "Ada", "remote-users.first_name"),
    ("users", "last_name", None, "remote-users.last_name"),
    ("users", "primary_email", "ada@example.com", "remote-users.email"),
    ("users", "deactivated", True, "remote-users.disabled"),
    ("users", "site_admin", True, "remote-users.access_role"),
    ("users", "site_admin", False, "remote-users.access_role"),
    ("users", "custom_fields", {"made_up": NAMED}, "remote-users.custom_fields"),
    ("users", "job_title", "In raw data alone", "remote-users.raw_data"),
    ("departments", "name", "Changed", "departments.name"),
    ("offices", "name", "Changed", "offices.name"),
    ("offices", "location", "1 Example Street", "offices.location"),
    ("rejection_reasons", "name", "Changed", "reject-reasons.name"),
    ("candidate_tags", "name", "changed", "tags.name"),
    ("sources", "name", "Changed", "applications.source"),
    ("referrers", "user_id", Other("users"), "applications.credited_to"),
    ("referrers", "user_id", None, "applications.credited_to"),
    ("job_hiring_managers", "user_id", Other("users"), "jobs.hiring_managers"),
    ("job_hiring_managers", "job_id", Other("jobs"), "jobs.hiring_managers"),
    ("job_owners", "user_id", Other("users"), "jobs.recruiters"),
    ("job_owners", "job_id", Other("jobs"), "jobs.recruiters"),
    ("job_owners", "type", "recruiter", "jobs.recruiters"),
    ("job_owners", "type", "coordinator", "jobs.recruiters"),
    ("job_posts", "job_id", Other("jobs"), "screening-questions.job"),
    ("job_posts", "job_id", Other("jobs"), "jobs.description"),
    ("job_posts", "content", "<p>Changed</p>", "jobs.description"),
    ("job_posts", "live", False, "jobs.job_posting_urls"),
    ("job_posts", "public_url", "https://jobs.example.com/1", "jobs.job_posting_urls"),
    ("job_posts", "internal", True, "jobs.description"),
    ("job_posts", "questions", edit(label="Changed"), "screening-questions.title"),
    ("job_posts", "questions", edit(description="Changed"), "screening-questions.description"),
    ("job_posts", "questions", edit(answer_type="boolean"), "screening-questions.type"),
    ("job_posts", "questions", edit(required=True), "screening-questions.required"),
    ("job_posts", "questions", edit(options=[{"id": 1, "label": "Yes"}]), "screening-questions.options"),
    ("job_posts", "questions", lambda questions: [*questions, QUESTION], "screening-questions.id"),
    ("jobs", "name", "Changed", "jobs.name"),
    ("jobs", "requisition_id", "CHANGED-1", "jobs.code"),
    ("jobs", "status", "draft", "jobs.status"),
    ("jobs", "status", "closed", "jobs.status"),
    ("jobs", "status", "open", "jobs.status"),
    ("jobs", "confidential", True, "jobs.confidential"),
    ("jobs", "department_id", Other("departments"), "jobs.departments"),
    ("jobs", "department_id", None, "jobs.departments"),
    ("jobs", "office_ids", lambda ids: ids[1:], "jobs.offices"),
    ("jobs", "custom_fields", {"made_up": NAMED}, "jobs.custom_fields"),
    ("job_interview_stages", "name", "Changed", "job-interview-stages.name"),
    ("job_interview_stages", "job_id", Other("jobs"), "job-interview-stages.job"),
    ("job_interview_stages", "sort_order", 77, "job-interview-stages.stage_order"),
    ("job_interviews", "job_interview_stage_id", Other("job_interview_stages"),
        "scheduled-interviews.job_interview_stage"),
    ("application_stages", "job_interview_stage_id", Other("job_interview_stages"), "applications.current_stage"),
    ("rejection_details", "rejection_reason_id", Other("rejection_reasons"), "applications.reject_reason"),
    ("rejection_details", "application_id", Other("applications"), "applications.reject_reason"),
    ("attachments", "filename", "changed.pdf", "attachments.file_name"),
    ("attachments", "url", "https://files.example.com/changed.pdf", "attachments.file_url"),
    ("attachments", "type", "other", "attachments.attachment_type"),
    ("attachments", "candidate_id", Other("candidates"), "attachments.candidate"),
    ("attachments", "candidate_id", Other("candidates"), "candidates.attachments"),
    ("applications", "candidate_id", Other("candidates"), "applications.candidate"),
    ("applications", "candidate_id", Other("candidates"), "candidates.applications"),
    ("applications", "job_id", Other("jobs"), "applications.job"),
    ("applications", "rejected_at", "2026-11-21T09:00:00.500Z", "applications.rejected_at"),
    ("applications", "source_id", Other("sources"), "applications.source"),
    ("applications", "source_id", None, "applications.source"),
    ("applications", "referrer_id", Other("referrers"), "applications.credited_to"),
    ("applications", "stage_id", Other("application_stages"), "applications.current_stage"),
    ("applications", "stage_id", None, "applications.current_stage"),
    ("applications", "status", "in_process", "applications.reject_reason"),
    ("applications", "custom_fields", {"made_up": NAMED}, "applications.custom_fields"),
    ("candidates", "first_name", "Ada", "candidates.first_name"),
    ("candidates", "last_name", "Changed", "candidates.last_name"),
    ("candidates", "company", "Changed Ltd", "candidates.company"),
    ("candidates", "title", "Changed", "candidates.title"),
    ("candidates", "private", True, "candidates.is_private"),
    ("candidates", "can_email", False, "candidates.can_email"),
    ("candidates", "last_activity_at", "2026-11-21T09:00:00.000Z", "candidates.last_interaction_at"),
    ("candidates", "phone_numbers", [{"value": "+49 30 0000000", "type": "home"}], "candidates.phone_numbers"),
    ("candidates", "email_addresses", [{"value": "c@example.com", "type": "work"}], "candidates.email_addresses"),
    ("candidates", "addresses", [{"value": "2 Example Street", "type": "home"}], "candidates.locations"),
    ("candidates", "tags", ["changed"], "candidates.tags"),
    ("candidates", "website_addresses", [{"value": "https://c.example.com", "type": "blog"}], "candidates.urls"),
    ("candidates", "social_media_addresses", [{"value": "www.linkedin.com/in/c"}], "candidates.urls"),
    ("candidates", "custom_fields", {"made_up": NAMED}, "candidates.custom_fields"),
    ("interviewers", "user_id", Other("users"), "scheduled-interviews.interviewers"),
    ("interviewers", "user_id", None, "scheduled-interviews.interviewers"),
    ("interviewers", "interview_id", Other("interviews"), "scheduled-interviews.interviewers"),
    ("interviewers", "interview_id", Other("interviews"), "scorecards.interview"),
    ("interviewers", "scorecard_id", Other("scorecards"), "scorecards.interview"),
    ("interviewers", "scorecard_id", None, "scorecards.interview"),
    ("interviews", "application_id", Other("applications"), "scheduled-interviews.application"),
    ("interviews", "job_interview_id", Other("job_interviews"), "scheduled-interviews.job_interview_stage"),
    ("interviews", "organizer_id", Other("users"), "scheduled-interviews.organizer"),
    ("interviews", "location", "Room 7", "scheduled-interviews.location"),
    ("interviews", "video_conferencing_url", "https://video.example.com/7", "scheduled-interviews.location"),
    ("interviews", "starts_at", "2026-12-01T09:00:00.000Z", "scheduled-interviews.start_at"),
    ("interviews", "ends_at", "2026-12-01T10:00:00.000Z", "scheduled-interviews.end_at"),
    ("interviews", "all_day_start_on", "2026-12-01", "scheduled-interviews.start_at"),
    ("interviews", "all_day_end_on", "2026-12-02", "scheduled-interviews.end_at"),
    ("interviews", "status", "scheduled", "scheduled-interviews.status"),
    ("interviews", "status", "complete", "scheduled-interviews.status"),
    ("interviews", "status", "awaiting_feedback", "scheduled-interviews.status"),
    ("scorecards", "application_id", Other("applications"), "scorecards.application"),
    ("scorecards", "interviewer_id", Other("users"), "scorecards.interviewer"),
    ("scorecards", "submitted_at", "2026-11-21T09:00:00.000Z", "scorecards.submitted_at"),
    ("scorecards", "candidate_rating", "strong_no", "scorecards.overall_recommendation"),
    ("scorecards", "candidate_rating", "strong_yes", "scorecards.overall_recommendation"),
    ("scorecards", "candidate_rating", None, "scorecards.overall_recommendation"),
    ("offers", "application_id", Other("applications"), "offers.application"),
    ("offers", "status", "Created", "offers.status"),
    ("offers", "sent_on", None, "offers.status"),
    ("offers", "sent_on", "2026-11-21", "offers.sent_at"),
    ("offers", "status", "Rejected", "offers.status"),
    ("offers", "starts_on", "2027-01-01", "offers.start_date"),
    ("offers", "resolved_at", "2026-11-21T09:00:00.000Z", "offers.closed_at"),
    ("offers", "custom_fields", {"made_up": NAMED}, "offers.custom_fields"),
    ("eeoc", "candidate_id", Other("candidates"), "eeocs.candidate"),
    ("eeoc", "submitted_at", "2026-11-21T09:00:00.000Z", "eeocs.submitted_at"),
    ("eeoc", "race", {"id": 7, "description": "Two or More Races"}, "eeocs.race"),
    ("eeoc", "gender", None, "eeocs.gender"),
    ("eeoc", "veteran_status", {"id": 3, "description": "I don't wish to answer"}, "eeocs.veteran_status"),
    ("eeoc", "disability_status", {"id": 9, "description": "Another answer"}, "eeocs.disability_status"),
    ("notes", "user_id", Other("users"), "activities.user"),
    ("notes", "subject", "Changed", "activities.subject"),
    ("notes", "body", "Changed", "activities.body"),
    ("notes", "candidate_id", Other("candidates"), "activities.candidate"),
    ("notes", "type", "EMAIL", "activities.activity_type"),
    ("notes", "visibility", "admin_only_visible", "activities.visibility"),
    ("notes", "visibility", None, "activities.visibility"),
)  # fmt: skip

FIXED = {"remote_id", "remote_created_at", "remote_updated_at", "applied_at"}
"""What no change can be made of alone: the last moves with every change of its row."""
NEVER = {"candidates.avatar", "offers.creator"}
MODEL_OF = {spec.plural: spec.name for spec in NATIVE_MODELS.values()}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def company(databases: Databases, sealer: Sealer) -> AsyncIterator[HarvestLink]:
    async with link_harvest(databases, sealer, size=72, seed=5) as link:
        await link.look()
        for post in link.rows["job_posts"] or ():  # a second post for each, which says something else
            second = {
                "job_id": post["job_id"],
                "active": True,
                "live": True,
                "content": "<p>Second</p>",
                "questions": [],
            }
            (await link.control.post("rows/job_posts", json=second)).raise_for_status()
        await link.settle()
        yield link


@pytest_asyncio.fixture
async def link(company: HarvestLink) -> HarvestLink:
    """The company as it was last found to be right."""
    if not company.is_settled:
        await company.settle()
    return company


def find_differing(before: Records, after: Records) -> set[str]:
    """The fields (`jobs.name`) that differ, or of records that are new."""
    return {
        f"{plural}.{name}"
        for plural, id in find_changed(before, after)
        for name, value in after[plural][id].items()
        if before[plural].get(id, {}).get(name, ...) != value
    }


def list_candidates(rows: Rows, stream: str, field: str, value: Value) -> Iterator[tuple[Json, Any]]:
    """Rows of the stream, each with what its field would become."""
    for row in rows[stream] or ():
        if isinstance(value, Other):
            others = [other["id"] for other in rows[value] or () if other["id"] != row[field]]
            yield row, others[0]
            yield row, others[-1]
        elif callable(value):
            if row[field]:
                yield row, value(row[field])
        elif row[field] != value:
            yield row, value


def expect_shown(link: HarvestLink, rows: Rows, shows: str) -> Records:
    """The records of the one model, what the rows must become, that a field is of."""
    return link.expect(rows, MODEL_OF[shows.partition(".")[0]])


def pick_change(link: HarvestLink, rows: Rows, stream: str, field: str, value: Value, shows: str) -> tuple[int, Any]:
    """The id of a row and what its field becomes, so that what it shows changes."""
    expected = expect_shown(link, rows, shows)
    for row, new in list_candidates(rows, stream, field, value):
        after = expect_shown(link, change(rows, stream, row["id"], row | {field: new}), shows)
        if shows in find_differing(expected, after):
            return row["id"], new
    raise AssertionError(f"no row of {stream} shows {field} = {value} as {shows}")


def change(rows: Rows, stream: str, number: int, row: Json) -> Rows:
    """The rows, one of them another."""
    return rows | {stream: [row if one["id"] == number else one for one in rows[stream] or ()]}


def find_row(rows: Rows, stream: str, number: int) -> Json:
    return next(row for row in rows[stream] or () if row["id"] == number)


def make_batches() -> list[list[tuple[str, str, Value, str]]]:
    """All changes, in as few batches as hold no two of one stream."""
    batches: list[list[tuple[str, str, Value, str]]] = []
    for one in CHANGES:
        free = next((batch for batch in batches if one[0] not in [other[0] for other in batch]), None)
        if free is None:
            batches.append([one])
        else:
            free.append(one)
    return batches


BATCHES = make_batches()


def test_every_field_that_is_given_is_changed() -> None:
    fields = {
        f"{spec.plural}.{field.name}"
        for spec in NATIVE_MODELS.values()
        for field in spec.fields
        if field.name not in FIXED
    }
    assert fields - NEVER <= {shows for *_, shows in CHANGES}


@pytest.mark.parametrize("batch", BATCHES, ids=[str(number) for number in range(len(BATCHES))])
async def test_next_run_shows_changed_fields_and_nothing_else(
    link: HarvestLink, batch: list[tuple[str, str, Value, str]]
) -> None:
    before, rows, picked = link.rows, link.rows, []
    for stream, field, value, shows in batch:
        number, new = pick_change(link, rows, stream, field, value, shows)
        (await link.control.patch(f"rows/{stream}/{number}", json={field: new})).raise_for_status()
        picked.append((stream, number, shows))
        rows = change(rows, stream, number, find_row(rows, stream, number) | {field: new})
    assert await link.follow(*(stream for stream, *_ in batch))
    for stream, number, shows in picked:
        undone = expect_shown(link, change(link.rows, stream, number, find_row(before, stream, number)), shows)
        now = {plural: link.expected[plural] for plural in undone}
        assert shows in find_differing(undone, now), f"{stream} {number} no longer shows as {shows}"
