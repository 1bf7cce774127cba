"""Each part of Workable's rows changed by itself: the records that show it change, and nothing else does.

Each change is of a row that no other one touches, so that a few runs show all of them.
"""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
import pytest_asyncio

from testbed.databases import Databases
from testbed.harvest_link import Served, find_changed, read_served
from testbed.vendor_link import flatten
from testbed.workable_expected import Records
from testbed.workable_line import Row
from testbed.workable_link import WorkableLink, leave_out_links, link_workable
from unihire.errors import CredentialsRefused
from unihire.integration.registry import get_integration
from unihire.kit.seal import Sealer
from unihire.model import MODELS

SIZE = 48
CANNOT = get_integration("workable").cannot


@dataclass(frozen=True)
class Change:
    """`fields` of a row of the emulator's stream are set; `shows` are fields, `plural.field`, that then differ."""

    stream: str
    fields: Row
    shows: str
    where: Callable[[Row], Any] = field(default=lambda row: True)


def is_active(row: Row) -> bool:
    return row["job_shortcode"] is not None and not row["disqualified"] and row["stage_slug"] not in ("hired", "offer")


def is_early(row: Row) -> bool:
    return is_active(row) and row["stage_slug"] != "sourced"


def is_unused(row: Row) -> bool:
    """Of the reasons, one that nobody was rejected for: candidates have a reason's text, whatever its name is now."""
    return bool(row["description"] == "Salary too low")


PLACE: Row = {
    "shortcode": "JADFFFFAFA", "country_code": "CH", "country_name": "Switzerland", "state_code": "ZH",
    "subregion": "Zürich", "zip_code": "8001", "city": "Zürich",
}  # fmt: skip
DAY = "2026-11-21T09:00:00.000Z"
ENDED = {"disqualified": True, "disqualified_at": DAY}
ANSWER = {"question": {"id": "b90000061", "body": "Why?"}, "answer": {"number": 7}}

NEXT = (
    *(
        Change("candidates", {name: value}, shows, is_active)
        for name, value, shows in (
            ("firstname", "Changed", "candidates.first_name"),
            ("lastname", "Changed", "candidates.last_name"),
            ("headline", "Changed", "candidates.title"),
            ("email", "changed@example.com", "candidates.email_addresses candidates.emails"),
            ("phone", "+1 555 0199", "candidates.phone_numbers candidates.phones"),
            ("address", "Changed", "candidates.locations"),
            ("tags", ["changed"], "candidates.tags"),
            ("image_url", "https://example.com/changed.png", "candidates.avatar"),
            ("cover_letter", "Changed", "applications.cover_letter"),
            ("location", {"city": "Changed", "country_code": "CH", "zip_code": "8001"}, "candidates.places"),
            ("social_profiles", [{"type": "github", "url": "https://example.com/changed"}], "candidates.urls"),
            ("education_entries", [{"id": "1", "school": "Changed", "degree": "", "field_of_study": None,
                "start_date": None, "end_date": None}], "candidates.educations"),
            ("experience_entries", [{"id": "1", "company": "Changed", "title": "", "summary": "x", "current": True,
                "start_date": None, "end_date": None}], "candidates.employments candidates.company"),
            ("uploader_id", "1f0003", "applications.credited_to"),
            ("answers", [ANSWER], "applications.answers"),
            ("anonymized", True, "candidates.is_anonymized applications.is_anonymized"),
            ("common_source", "changed.example.com",
                "applications.source applications.source_record candidates.sources"),
        )
    ),
    Change("candidates", {"common_source": "internal", "common_source_category": "Internal applications"},
        "candidates.is_internal", is_active),
    Change("candidates", {**ENDED, "disqualification_reason": "Position filled"},
        "applications.status applications.rejected_at applications.ended_by applications.reject_reason", is_active),
    Change("candidates", {**ENDED, "withdrew": True}, "applications.withdrawn_at", is_active),
    Change("candidates", {"stage_slug": "hired", "hired_at": "2026-11-20T09:00:00Z"},
        "applications.hired_at applications.current_stage applications.stage_entered_at", is_early),
    Change("candidates", {"stage_slug": "sourced"}, "applications.is_prospect", is_early),
    Change("candidates", {"resume_metadata": {"filename": "changed.docx", "filetype": "docx", "created_at": DAY,
        "updated_at": DAY}},
        "attachments.file_name attachments.content_type attachments.remote_created_at attachments.remote_updated_at",
        lambda row: is_active(row) and row["resume_metadata"]),
    *(
        Change("jobs", {name: value}, shows, lambda row: row["state"] == "published")
        for name, value, shows in (
            ("title", "Changed", "jobs.name job-postings.title"),
            ("code", "CHANGED", "jobs.code"),
            ("state", "archived", "jobs.status jobs.visibility job-postings.status"),
            ("confidential", True, "jobs.confidential"),
            ("description", "<p>Changed</p>", "jobs.description job-postings.content"),
            ("workplace_type", "Changed", "jobs.workplace"),
            ("employment_type", "Internship", "jobs.employment_type"),
            ("function", "Changed", "jobs.category"),
            ("experience", "Changed", "jobs.seniority"),
            ("salary", {"salary_from": 1, "salary_to": 2, "salary_currency": "chf"}, "jobs.pay"),
            ("locations", [PLACE], "jobs.places jobs.offices"),
            ("department_hierarchy", [{"id": "92b01", "name": "x"}], "jobs.departments"),
        )
    ),
    Change("members", {"email": "changed@example.com"}, "remote-users.email"),
    Change("members", {"active": False}, "remote-users.disabled", lambda row: row["active"]),
    Change("members", {"role": "reviewer"}, "remote-users.access_role", lambda row: row["role"] == "simple"),
    Change("members", {"roles": ["changed"]}, "remote-users.roles"),
    Change("members", {"headline": "Changed"}, "remote-users.title"),
    Change("departments", {"name": "Changed"}, "departments.name", lambda row: row["parent_id"]),
    Change("departments", {"parent_id": "92b02"}, "departments.parent", lambda row: row["parent_id"] is None),
    Change("disqualification_reasons", {"description": "Changed"}, "reject-reasons.name", is_unused),
    Change("disqualification_reasons", {"candidate_withdrew": True}, "reject-reasons.ended_by",
        lambda row: row["description"] == "Duplicate"),
)  # fmt: skip
"""What the next run shows: of candidates and jobs their own change, of short lists because they are read whole."""


def is_comment(row: Row) -> bool:
    return bool(row["action"] == "comment")


def is_rating(row: Row) -> bool:
    return bool(row["action"] == "rating")


def is_move(row: Row) -> bool:
    return row.get("target_stage") is not None


LATER = (
    Change("members", {"name": "Changed Twice"}, "remote-users.name remote-users.first_name remote-users.last_name "
        "scheduled-interviews.attendees", lambda row: row["id"] == "1f0003"),
    Change("stages", {"name": "Changed"}, "job-interview-stages.name", lambda row: row["kind"] == "assessment"),
    Change("stages", {"kind": "other"}, "job-interview-stages.stage_type", lambda row: row["kind"] == "assessment"),
    Change("stages", {"position": 17}, "job-interview-stages.stage_order", lambda row: row["kind"] == "assessment"),
    Change("questions", {"body": "Changed?"}, "screening-questions.title"),
    Change("questions", {"required": False}, "screening-questions.required", lambda row: row["required"]),
    Change("questions", {"type": "short_text"}, "screening-questions.type", lambda row: row["type"] == "free_text"),
    Change("questions", {"choices": [{"id": "1", "body": "Changed"}]},
        "screening-questions.choices screening-questions.options", lambda row: "choices" in row),
    Change("activities", {"body": "Changed"}, "activities.body", is_comment),
    Change("activities", {"visibility_roles": ["admin"]}, "activities.visibility", is_comment),
    Change("activities", {"action": "message"}, "activities.activity_type", is_comment),
    Change("activities", {"member_id": "1f0003"}, "activities.user", is_comment),
    Change("activities", {"rating": {"score": "definite", "scale": "numbers", "grade": 8}},
        "scorecards.overall_recommendation scorecards.score scorecards.score_max", is_rating),
    Change("activities", {"body": "Changed"}, "scorecards.notes", is_rating),
    Change("activities", {"member_id": "1f0003"}, "scorecards.interviewer", is_rating),
    Change("activities", {"member_id": "1f0003"}, "application-transitions.user", is_move),
    Change("activities", {"created_at": DAY}, "application-transitions.entered_at application-transitions.left_at "
        "candidates.last_interaction_at activities.remote_created_at", is_move),
    Change("files", {"name": "changed.pdf"}, "candidates.attachments"),
    Change("files", {"kind": "cover_letter"}, "attachments.attachment_type", lambda row: row["kind"] == "resume"),
    Change("offers", {"state": "sent"}, "offers.status", lambda row: row["state"] == "draft"),
    Change("offers", {"created_at": "2026-11-20T09:00:00Z"}, "offers.remote_created_at"),
    Change("offers", {"document_variables": [{
        "document_variable": {"name": "Start date", "slug": "start_date"}, "value": {"body": "2027-01-01"}}]},
        "offers.start_date offers.custom_fields"),
    Change("events", {"title": "Changed"}, "scheduled-interviews.title"),
    Change("events", {"type": "MeetingEvent"}, "scheduled-interviews.kind"),
    Change("events", {"starts_at": DAY}, "scheduled-interviews.start_at"),
    Change("events", {"ends_at": DAY}, "scheduled-interviews.end_at"),
    Change("events", {"cancelled": True}, "scheduled-interviews.status scheduled-interviews.is_cancelled"),
    Change("events", {"members": [{"id": "1f0004", "status": "declined"}]}, "scheduled-interviews.interviewers"),
    Change("events", {"conference": {"url": "https://example.com/x"}},
        "scheduled-interviews.location scheduled-interviews.video_url"),
    Change("events", {"candidate_id": "27000002"}, "scheduled-interviews.application"),
)  # fmt: skip
"""What moves no candidate and no job: shown when details are asked for again, events when their list is."""

FIXED = {
    "application.candidate", "application.job", "application.applied_at", "application.remote_created_at",
    "application.remote_updated_at", "application.remote_url", "candidate.applications", "candidate.remote_created_at",
    "candidate.remote_updated_at", "candidate.remote_url", "job.remote_created_at", "job.remote_updated_at",
    "job.job_posting_urls", "job.hiring_team", "job.hiring_managers", "job.recruiters", "job_posting.job",
    "job_posting.urls", "job_posting.remote_created_at", "job_posting.remote_updated_at", "job_interview_stage.job",
    "screening_question.job", "screening_question.posting", "screening_question.position", "activity.candidate",
    "activity.application", "activity.remote_updated_at", "scorecard.application", "scorecard.remote_created_at",
    "scorecard.submitted_at", "scorecard.remote_updated_at", "application_transition.application",
    "application_transition.from_stage", "application_transition.to_stage", "offer.application",
    "attachment.file_url", "attachment.candidate", "attachment.application", "office.name", "office.location",
    "office.place", "source.name", "source.category",
}  # fmt: skip
"""Ids, addresses and moments that nobody changes, and what the emulator works out of other fields."""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def link(databases: Databases, sealer: Sealer) -> AsyncIterator[WorkableLink]:
    async with link_workable(databases, sealer, size=SIZE, seed=5) as opened:
        for row in [row for row in list_truth(opened, "candidates") if is_active(row)][-4:]:
            await opened.change("candidates", row["id"], moved_to_offer_at="2026-11-01T09:00:00Z")
            made = {"candidate_id": row["id"], "state": "draft", "document_names": ["offer.pdf"]}
            (await opened.control.post("rows/offers", json={**made, "document_variables": []})).raise_for_status()
        assert (await opened.sync()).status == "done"
        await opened.look()
        await opened.check()
        yield opened


def list_truth(link: WorkableLink, stream: str) -> list[Row]:
    """The emulator's own rows."""
    rows: Any = link.sandbox.app.emulator.streams[stream]
    return [row for _, row in rows.walk_earliest(start=0, since=None)]


async def apply(link: WorkableLink, changes: tuple[Change, ...]) -> None:
    used = set[tuple[str, str]]()
    await link.wait_an_hour()
    for change in changes:
        rows = [row for row in list_truth(link, change.stream) if change.where(row)]
        row = next((one for one in rows if (change.stream, one["id"]) not in used), None)
        assert row is not None, change
        used.add((change.stream, row["id"]))
        await link.change(change.stream, row["id"], **change.fields)


def list_differing(before: Records, after: Records, name: str) -> list[str]:
    plural, member = name.split(".")
    known = before[plural]
    return [id for id, one in after[plural].items() if id in known and known[id][member] != one[member]]


def flat(records: Records) -> Records:
    return leave_out_links(flatten(records))


async def test_what_changes_is_shown_by_the_next_run_and_nothing_else_moves(link: WorkableLink) -> None:
    before, expected = link.served, link.expected
    await apply(link, NEXT)
    assert (await link.sync()).status == "done"
    await link.look()
    served = await read_again(link)
    for change in NEXT:
        for name in change.shows.split():
            differing, (plural, member) = list_differing(flat(expected), flat(link.expected), name), name.split(".")
            assert differing, (name, "nothing shows this")
            for id in differing:
                now, wanted = flat(served.records)[plural][id], flat(link.expected)[plural][id]
                assert now[member] == wanted[member], (name, id)
    assert served.changed_since(before) <= find_changed(flat(expected), flat(link.expected))
    await link.settle()


async def test_what_moves_no_row_is_shown_by_the_slow_cycle(link: WorkableLink) -> None:
    before, expected = link.served, link.expected
    await apply(link, LATER)
    await link.sync()
    served = await read_again(link)
    shown = {plural for plural, _ in served.changed_since(before)}
    assert shown <= {"remote-users", "applications"}, "a list that is read whole, and stages of the account"
    await link.sync_slow_cycle()
    await link.look()
    await link.check()
    for change in LATER:
        for name in change.shows.split():
            assert list_differing(flat(expected), flat(link.expected), name), (name, "nothing shows this")
    assert link.served.changed_since(before) <= find_changed(flat(expected), flat(link.expected))


async def read_again(link: WorkableLink) -> Served:
    return await read_served(link.api)


def test_every_field_that_is_read_is_changed_above() -> None:
    plurals = {spec.plural: spec.name for spec in MODELS.values()}
    shown = {
        f"{plurals[plural]}.{member}"
        for change in (*NEXT, *LATER)
        for plural, member in (name.split(".") for name in change.shows.split())
    }
    fields = {
        f"{spec.name}.{one.name}"
        for spec in MODELS.values()
        if spec.name not in CANNOT
        for one in (*spec.fields, *spec.more)
        if one.name != "remote_id" and f"{spec.name}.{one.name}" not in CANNOT
    }
    assert fields - shown == FIXED


async def test_token_that_was_switched_off_deletes_nothing(link: WorkableLink) -> None:
    keys = link.sandbox.app.emulator.streams["api_keys"]
    keys.change_some(keys.count()["rows"], {"isEnabled": False})
    served = await read_again(link)
    try:
        for full in (False, True):
            with pytest.raises(CredentialsRefused):
                await link.sync(full=full)
    finally:
        keys.change_some(keys.count()["rows"], {"isEnabled": True})
    assert await read_again(link) == served
    assert (await link.sync()).status == "done"
