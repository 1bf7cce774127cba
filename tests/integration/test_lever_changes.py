"""Each thing that can change at a Lever, alone in its row: the next run shows it, or the slow cycle, and only it."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio

from testbed.databases import Databases
from testbed.effort import pick
from testbed.harvest_link import find_changed
from testbed.lever_expected import KINDS
from testbed.lever_link import LeverLink, link_lever
from testbed.vendor_link import find_differing, flatten
from unihire.integration.registry import get_integration
from unihire.kit.seal import Sealer
from unihire.model import MODELS

Row = dict[str, Any]
Edit = Callable[[Row, LeverLink], Row]

SIZE = 24
CANNOT = get_integration("lever").cannot


@dataclass(frozen=True)
class Change:
    """What becomes of some members of a row, and the fields of records that the next run shows then.

    What only the slow cycle shows is `later`: the vendor does not list those rows as changed. `where` says of which
    rows this is so.
    """

    stream: str
    edit: Row | Edit
    next: str = ""
    later: str = ""
    where: Callable[[Row], Any] = lambda row: True


def other(stream: str, member: str) -> Edit:
    """The id of another row of a stream."""
    return lambda row, link: {member: [one["id"] for one in link.list_rows(stream) if one["id"] != row.get(member)][-1]}


def edit_category(**fields: Any) -> Edit:
    return lambda row, link: {"categories": {**row["categories"], **fields}}


def edit_field(member: str, **fields: Any) -> Edit:
    """The first entry of a list, changed."""
    return lambda row, link: {member: [{**row[member][0], **fields}, *row[member][1:]]}


def judge(row: Row, link: LeverLink) -> Row:
    """Another verdict, and a text."""
    fields = [
        {**one, "value": "1 - Strong No Hire" if one["type"] == "score-system" else "Changed"}
        if one["type"] in ("score-system", "textarea")
        else one
        for one in row["fields"]
    ]
    return {"fields": fields}


def rate(row: Row, link: LeverLink) -> Row:
    field = {
        "id": "r", "type": "scorecard", "text": "Skills", "scores": [{"text": "Care"}],
        "value": [{"score": 3, "comment": "Changed"}],
    }  # fmt: skip
    return {"fields": [*row["fields"], field]}


def start_later(row: Row, link: LeverLink) -> Row:
    return {
        "fields": [
            {**one, "value": DAY if one["identifier"] == "anticipated_start_date" else one["value"]}
            for one in row["fields"]
        ]
    }


def pay_more(row: Row, link: LeverLink) -> Row:
    return {"fields": [{**row["fields"][0], "value": "Changed"}, *row["fields"][1:]]}


DAY = 1_790_000_000_000
URLS = {"show": "https://jobs.example.com/changed", "apply": "https://jobs.example.com/changed/apply"}


def is_active(row: Row) -> bool:
    return row["archived"] is None


def is_rejected(row: Row) -> bool:
    return row["archived"] is not None


def is_published(row: Row) -> bool:
    return bool(row["state"] == "published" and row["confidentiality"] != "confidential")


def is_judged(row: Row) -> bool:
    kinds = {one["type"] for one in row["fields"]}
    return row["type"] == "interview" and row["deletedAt"] is None and {"score-system", "textarea"} <= kinds


def is_there(row: Row) -> bool:
    return row["deletedAt"] is None


def archive(kind: str) -> Edit:
    def edit(row: Row, link: LeverLink) -> Row:
        now = (row["archived"] or {}).get("reason")
        reasons = [one["id"] for one in link.list_rows("archive_reasons") if one["type"] == kind and one["id"] != now]
        return {"archived": {"reason": reasons[0], "archivedAt": DAY}}

    return edit


CHANGES = (
    Change("users", {"name": "Rita Changed"}, "remote-users.first_name remote-users.last_name remote-users.name"),
    Change("users", {"email": "changed@staff.example.com"}, "remote-users.email"),
    Change("users", {"deactivatedAt": DAY}, "remote-users.disabled", where=lambda row: row["deactivatedAt"] is None),
    Change("users", {"accessRole": "super admin"}, "remote-users.access_role remote-users.roles",
        where=lambda row: row["accessRole"] != "super admin"),
    Change("users", {"jobTitle": "Changed", "externalDirectoryId": "c"}, "remote-users.title remote-users.employee_id"),
    Change("archive_reasons", {"text": "Changed"}, "reject-reasons.name", where=lambda row: row["type"] != "hired"),
    Change("archive_reasons", {"status": "inactive"}, "reject-reasons.is_active",
        where=lambda row: row["status"] == "active" and row["type"] != "hired"),
    Change("stages", {"text": "Changed"}, "job-interview-stages.name"),
    Change("tags", {"text": "Changed"}, "tags.name tags.gone"),
    Change("sources", {"text": "Changed"}, "sources.name sources.gone"),
    Change("requisitions", {"headcountTotal": 77}, "jobs.openings_count", where=lambda row: row["postings"]),
    Change("postings", {"text": "Changed"}, "jobs.name job-postings.title"),
    Change("postings", {"state": "closed"}, "jobs.status job-postings.status jobs.visibility",
        where=is_published),
    Change("postings", {"state": "published", "distributionChannels": ["internal"]},
        "job-postings.is_internal jobs.visibility", where=is_published),
    Change("postings", {"content": {"description": "c", "descriptionHtml": "<p>c</p>", "lists": [], "closing": "",
        "closingHtml": ""}}, "jobs.description job-postings.content"),
    Change("postings", {"urls": URLS}, "jobs.job_posting_urls job-postings.urls"),
    Change("postings", {"confidentiality": "confidential"}, "jobs.confidential jobs.visibility", where=is_published),
    Change("postings", {"requisitionCodes": ["CHANGED-1"]}, "jobs.code"),
    Change("postings", edit_category(department="Changed"), "jobs.departments departments.name"),
    Change("postings", edit_category(location="Changed", allLocations=["Changed"]),
        "jobs.offices jobs.places offices.name offices.location"),
    Change("postings", edit_category(commitment="Temporary", level="Changed", team="Changed"),
        "jobs.employment_type jobs.seniority jobs.team"),
    Change("postings", lambda row, link: {
        "hiringManager": link.list_rows("users")[-1]["id"], "owner": link.list_rows("users")[-2]["id"],
    }, "jobs.hiring_team jobs.hiring_managers jobs.recruiters"),
    Change("postings", {"workplaceType": "hybrid"}, "jobs.workplace",
        where=lambda row: row["workplaceType"] != "hybrid"),
    Change("postings", {"salaryRange": {"min": 1, "max": 2, "currency": "CHF", "interval": "per-hour-wage"}},
        "jobs.pay"),
    Change("contacts", {"name": "Robin Changed"}, "candidates.first_name candidates.last_name candidates.name"),
    Change("contacts", {"location": {"name": "Changed"}}, "candidates.locations candidates.places"),
    Change("contacts", {"phones": [{"type": "work", "value": "+49 30 0000000"}]},
        "candidates.phones candidates.phone_numbers"),
    Change("contacts", {"emails": ["changed@example.com"]}, "candidates.emails candidates.email_addresses"),
    Change("contacts", {"isAnonymized": True}, "candidates.is_anonymized applications.is_anonymized",
        where=lambda row: not row["isAnonymized"]),
    Change("opportunities", {"links": ["https://medium.com/changed"]}, "candidates.urls"),
    Change("opportunities", {"tags": ["Changed tag"]}, "candidates.tags candidates.tag_records"),
    Change("opportunities", {"sources": ["Changed source"]},
        "applications.source applications.source_record candidates.sources"),
    Change("opportunities", {"confidentiality": "confidential"}, "candidates.is_private",
        where=lambda row: row["confidentiality"] != "confidential"),
    Change("opportunities", {"dataProtection": {
        "store": {"allowed": False, "expiresAt": DAY}, "contact": {"allowed": False, "expiresAt": None},
    }}, "candidates.consent"),
    Change("opportunities", {"origin": "internal"}, "candidates.is_internal",
        where=lambda row: row["origin"] == "sourced"),
    Change("opportunities", {"lastInteractionAt": DAY}, "candidates.last_interaction_at"),
    Change("opportunities", {"stage": "offer"}, "applications.current_stage applications.stage_entered_at "
        "application-transitions.id application-transitions.left_at",
        where=lambda row: is_active(row) and row["stage"] not in ("offer", "lead-new")),
    Change("opportunities", {"stage": "applicant-new"}, "applications.is_prospect",
        where=lambda row: row["stage"].startswith("lead-") and row["applications"]),
    Change("opportunities", archive("non-hired"), "applications.status applications.rejected_at "
        "applications.reject_reason", where=is_active),
    Change("opportunities", archive("hired"), "applications.status applications.hired_at", where=is_active),
    Change("opportunities", other("users", "sourcedBy"), "applications.credited_to"),
    Change("opportunities", other("users", "owner"), "applications.hiring_team"),
    Change("opportunities", other("contacts", "contact"), "applications.candidate candidates.applications"),
    Change("opportunities", {"stageChanges": [{"toStageId": "offer", "toStageIndex": 1, "updatedAt": DAY}]},
        "application-transitions.entered_at"),
    Change("applications", other("postings", "posting"), "applications.job applications.job_posting"),
    Change("applications", {"createdAt": DAY}, "applications.applied_at"),
    Change("applications", {"customQuestions": [{"id": "q", "text": "", "fields": [
        {"id": "f", "type": "text", "text": "Why?", "value": "Changed"},
    ]}]}, "applications.answers"),
    Change("eeo_responses", {"gender": "Decline to self-identify"}, later="eeocs.gender",
        where=lambda row: row.get("gender") not in (None, "Decline to self-identify")),
    Change("eeo_responses", {"race": "Decline to self-identify"}, later="eeocs.race",
        where=lambda row: row.get("race") not in (None, "Decline to self-identify")),
    Change("eeo_responses", {"veteran": "Decline to self-identify", "disability": "Yes, I have"},
        later="eeocs.veteran_status eeocs.disability_status",
        where=lambda row: row.get("veteran", "D")[0] != "D" and row.get("disability", "Y")[0] != "Y"),
    Change("notes", edit_field("fields", value="Changed"), later="activities.body", where=is_there),
    Change("notes", {"secret": True}, later="activities.visibility",
        where=lambda row: is_there(row) and not row["secret"]),
    Change("notes", lambda row, link: edit_field("fields", user=link.list_rows("users")[-1]["id"])(row, link),
        later="activities.user", where=is_there),
    Change("notes", {"deletedAt": DAY}, later="activities.gone", where=is_there),
    Change("interviews", {"subject": "Changed", "location": "Room 7", "timezone": "Europe/Paris"},
        later="scheduled-interviews.title scheduled-interviews.location scheduled-interviews.time_zone"),
    Change("interviews", {"date": DAY, "duration": 77},
        later="scheduled-interviews.start_at scheduled-interviews.end_at"),
    Change("interviews", {"canceledAt": DAY}, later="scheduled-interviews.status scheduled-interviews.is_cancelled",
        where=lambda row: row["canceledAt"] is None),
    Change("interviews", {"interviewers": []},
        later="scheduled-interviews.interviewers scheduled-interviews.attendees"),
    Change("interviews", other("stages", "stage"), later="scheduled-interviews.job_interview_stage"),
    Change("interviews", other("users", "user"), later="scheduled-interviews.organizer"),
    Change("feedback", judge, later="scorecards.overall_recommendation scorecards.score scorecards.notes "
        "scorecards.answers", where=is_judged),
    Change("feedback", rate, later="scorecards.attributes", where=is_judged),
    Change("feedback", {"completedAt": None}, later="scorecards.submitted_at scorecards.status", where=is_judged),
    Change("feedback", other("users", "user"), later="scorecards.interviewer", where=is_judged),
    Change("feedback", {"interview": None}, later="scorecards.interview", where=is_judged),
    Change("files", {"name": "changed.pdf", "size": 7}, later="attachments.file_name attachments.size"),
    Change("offers", {"status": "denied", "sentAt": DAY}, later="offers.status offers.sent_at"),
    Change("offers", start_later, later="offers.start_date"),
    Change("offers", pay_more, later="offers.custom_fields"),
    Change("offers", other("users", "creator"), later="offers.creator"),
    Change("offers", {"sentDocument": {"downloadUrl": "https://x.example/1", "fileName": "c.pdf", "uploadedAt": DAY}},
        later="attachments.file_url"),
    Change("offers", {"signatures": {"candidate": {"signed": True, "signedAt": DAY}}}, later="offers.closed_at"),
)  # fmt: skip

STREAMS = list(dict.fromkeys(change.stream for change in CHANGES))
TURNS = max(sum(change.stream == stream for change in CHANGES) for stream in STREAMS)


def list_rows(link: LeverLink, stream: str) -> list[Row]:
    if stream in KINDS:
        return link.list_of_open(stream)
    if stream == "applications":
        return [one for row in link.list_rows("opportunities") for one in row["applications"]]
    return link.list_rows(stream)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def link(databases: Databases, sealer: Sealer) -> AsyncIterator[LeverLink]:
    async with link_lever(databases, sealer, size=SIZE, seed=5) as link:
        await link.look()
        (row, *_) = [one for one in link.list_rows("opportunities") if one["archived"] is None and one["applications"]]
        user = link.list_rows("users")[0]["id"]
        document = {"downloadUrl": "https://x.example/0", "fileName": "a.pdf", "uploadedAt": DAY}
        await link.create(
            "offers", opportunityId=row["id"], posting=row["applications"][0]["posting"], creator=user, status="sent",
            fields=[{"text": "Job", "identifier": "job_title", "value": "x"},
                {"text": "Start", "identifier": "anticipated_start_date", "value": DAY - 1000}],
            signatures=None, approved=True, approvedAt=DAY, sentAt=DAY - 1000, sentDocument=document,
            signedDocument=None,
        )  # fmt: skip
        await link.settle()
        yield link


async def make_changes(link: LeverLink, turn: int) -> list[Change]:
    """The change of each stream whose turn it is."""
    made = []
    for stream in STREAMS:
        of_stream = [change for change in CHANGES if change.stream == stream]
        if turn < len(of_stream):
            change, rows = of_stream[turn], list_rows(link, stream)
            places = [place for place, row in enumerate(rows) if change.where(row)]
            assert places, change
            id = rows[places[turn % len(places)]].get("id") or find_id(link, stream)
            stored = (await link.control.get(f"rows/{stream}/{id}")).raise_for_status().json()
            edit = change.edit if isinstance(change.edit, dict) else change.edit(stored, link)
            await link.change(stream, id, **edit)
            made.append(change)
    return made


def find_id(link: LeverLink, stream: str) -> str:
    """The sandbox's own id of a row that the vendor shows by its text alone."""
    row = link.sandbox.app.emulator.streams[stream].find(1)
    assert row is not None
    return str(row["id"])


@pytest.mark.parametrize("turn", pick(range(TURNS), 8))
async def test_each_field_that_changes_is_shown_and_nothing_else_moves(link: LeverLink, turn: int) -> None:
    if not link.is_settled:
        await link.settle()
    before, expected = link.served, link.expected
    made = await make_changes(link, turn)
    await link.look()
    differing = find_differing(expected, link.expected)
    for change in made:
        assert differing >= {*change.next.split(), *change.later.split()}, change
    assert (await link.sync()).status == "done"
    served = await link.read_served()
    moved = served.changed_since(before)
    assert moved <= find_changed(expected, link.expected)
    shown = find_differing(before.records, served.records)
    for change in made:
        assert shown >= set(change.next.split()), change
    was, now, wanted = flatten(before.records), flatten(served.records), flatten(link.expected)
    for plural, id in moved:
        for name, value in now[plural][id].items():
            assert value in (was[plural].get(id, {}).get(name, ...), wanted[plural][id][name]), (plural, id, name)
    assert (await link.sync_slow_cycle()).status == "done"
    await link.check()
    assert link.served.changed_since(before) == find_changed(expected, link.expected)


FIXED = {"remote_id", "remote_created_at", "remote_updated_at"}
"""What no change can be made of alone: the last moves with every change of its row."""
DERIVED = {
    "job-interview-stages.stage_order", "job-interview-stages.stage_type", "candidates.can_email",
    "candidates.remote_url", "applications.remote_url", "activities.activity_type", "activities.body_format",
    "activities.candidate", "activities.application", "attachments.attachment_type", "attachments.candidate",
    "attachments.application", "scheduled-interviews.application", "scheduled-interviews.group",
    "scorecards.application", "scorecards.score_max", "offers.application", "eeocs.candidate", "eeocs.application",
    "eeocs.submitted_at", "application-transitions.application", "application-transitions.from_stage",
    "application-transitions.to_stage", "application-transitions.user", "job-postings.job",
    "screening-questions.job", "screening-questions.posting", "screening-questions.title",
    "screening-questions.description", "screening-questions.type", "screening-questions.required",
    "screening-questions.options", "screening-questions.choices", "screening-questions.position",
    "screening-questions.category", "application-transitions.left_at",
}  # fmt: skip
"""What is part of a record that comes or goes, or follows from the row it is in; forms are not the emulator's rows."""


def test_every_field_that_is_filled_is_changed() -> None:
    shown = {field for change in CHANGES for field in (*change.next.split(), *change.later.split())}
    fields = {
        f"{spec.plural}.{field.name}"
        for model, spec in MODELS.items()
        if model not in CANNOT
        for field in (*spec.fields, *spec.more)
        if field.name not in FIXED and f"{spec.name}.{field.name}" not in CANNOT
    }
    assert fields - shown - DERIVED == set()
