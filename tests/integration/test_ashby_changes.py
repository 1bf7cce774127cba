"""Each thing that can change at an Ashby, alone in its row: the next run shows it, or a complete read, and only it."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio

from testbed.ashby_link import AshbyLink, link_ashby
from testbed.databases import Databases
from testbed.harvest_link import find_changed, read_served
from testbed.vendor_link import find_differing, flatten
from unihire.integration.registry import get_integration
from unihire.kit.seal import Sealer
from unihire.model import MODELS

Row = dict[str, Any]
Edit = Callable[[Row, AshbyLink], Row]

SIZE = 40
CANNOT = get_integration("ashby").cannot


@dataclass(frozen=True)
class Change:
    """What becomes of some members of a row, and the fields of records that the next run shows then.

    What only a complete read shows is `later`: with its token the vendor does not list those records. `where` says of
    which rows this is so.
    """

    stream: str
    edit: Row | Edit
    next: str = ""
    later: str = ""
    where: Callable[[Row], Any] = lambda row: True


def other(stream: str, member: str, place: int = -1) -> Edit:
    """The id of another row of a stream."""
    return lambda row, link: {
        member: [one["id"] for one in list_rows(link, stream) if one["id"] != row.get(member)][place]
    }


def edit_version(**fields: Any) -> Edit:
    return lambda row, link: {"versions": [*row["versions"][:-1], {**row["versions"][-1], **fields}]}


def edit_event(**fields: Any) -> Edit:
    return lambda row, link: {"events": [{**row["events"][0], **fields}, *row["events"][1:]]}


def edit_question(**fields: Any) -> Edit:
    """The last question of a posting's form, changed in its entry, and in its field."""

    def edit(row: Row, link: AshbyLink) -> Row:
        form: Row = row["applicationFormDefinition"]
        (*sections, last) = form["sections"]
        (*entries, entry) = last["fields"]
        within = {name: value for name, value in fields.items() if name in ("title", "type", "selectableValues")}
        around = {name: value for name, value in fields.items() if name not in within}
        changed = {**entry, **around, "field": {**entry["field"], **within}}
        return {"applicationFormDefinition": {"sections": [*sections, {**last, "fields": [*entries, changed]}]}}

    return edit


def give_custom(object_type: str) -> Edit:
    def edit(row: Row, link: AshbyLink) -> Row:
        fields = link.line.walk("customField.list")
        field = next(one for one in fields if one["objectType"] == object_type and one["fieldType"] == "String")
        return {"customFieldValues": {**row.get("customFieldValues", {}), field["id"]: "changed"}}

    return edit


def give_team(row: Row, link: AshbyLink) -> Row:
    roles = {role["title"]: role["id"] for role in link.line.ask("hiringTeamRole.list", namesOnly=False)}
    users = [user["id"] for user in link.list_rows("users")]
    return {
        "team": [
            {"userId": users[-1 - place], "roleId": roles[title]}
            for place, title in enumerate(("Hiring Manager", "Recruiter", "Coordinator"))
        ]
    }


def fill_form(row: Row, link: AshbyLink) -> Row:
    field = {"id": "f", "path": "f", "title": "Why", "type": "String"}
    form = {"sections": [{"fields": [{"isRequired": True, "field": field}]}]}
    return {"formSubmissions": [{"id": "s", "formDefinition": form, "submittedValues": {"f": "changed"}}]}


TIER: Row = {
    "id": "1", "title": "", "tierSummary": "", "components": [{
        "id": "2", "compensationType": "Salary", "interval": "1 MONTH", "currencyCode": "CHF", "minValue": 1,
        "maxValue": 2, "summary": "",
    }],
}  # fmt: skip
DAY = "2026-11-21T09:00:00.500Z"
POSTAL = {"address": {"postalAddress": {"streetAddress": "1 Example Street", "addressLocality": "Berlin"}}}


def is_ended(row: Row) -> bool:
    return bool(row["status"] == "Archived" and row["archiveReason"]["reasonType"] == "RejectedByOrg")


def is_active(row: Row) -> bool:
    return bool(row["status"] == "Active")


def is_published(row: Row) -> bool:
    return bool(row["status"] == "Published")


def has_events(row: Row) -> bool:
    return bool(row["interviewEvents"])


def takes_points(row: Row) -> bool:
    fields = [entry["field"] for section in row["formDefinition"]["sections"] for entry in section["fields"]]
    return len([one for one in fields if one["type"] == "Score"]) > 1


def points(row: Row, link: AshbyLink) -> Row:
    fields = [entry["field"] for section in row["formDefinition"]["sections"] for entry in section["fields"]]
    return {"submittedValues": {field["path"]: {"score": 1} if field["type"] == "Score" else False for field in fields}}


CHANGES = (
    Change("users", {"firstName": "Changed"}, "remote-users.first_name", "jobs.raw_data"),
    Change("users", {"lastName": "Changed"}, "remote-users.last_name",
        "scheduled-interviews.attendees"),
    Change("users", {"email": "changed@example.com"}, "remote-users.email"),
    Change("users", {"isEnabled": False}, "remote-users.disabled", where=lambda row: row["isEnabled"]),
    Change("users", {"globalRole": "External Recruiter"}, "remote-users.access_role remote-users.roles",
        where=lambda row: row["globalRole"] == "Limited Access"),
    Change("departments", {"name": "Changed"}, "departments.name"),
    Change("departments", other("departments", "parentId"), "departments.parent"),
    Change("departments", {"isArchived": True}, "departments.raw_data", where=lambda row: not row["isArchived"]),
    Change("locations", {"name": "Changed"}, "offices.name"),
    Change("locations", POSTAL, "offices.location offices.place"),
    Change("locations", other("locations", "parentLocationId"), "offices.parent"),
    Change("locations", {"workplaceType": "Hybrid", **POSTAL}, "offices.raw_data jobs.places",
        where=lambda row: row["name"] == "Berlin"),
    Change("archive_reasons", {"text": "Changed"}, "reject-reasons.name", "applications.raw_data"),
    Change("archive_reasons", {"reasonType": "RejectedByCandidate"}, "reject-reasons.ended_by",
        "applications.status applications.ended_by", where=lambda row: row["reasonType"] == "RejectedByOrg"),
    Change("archive_reasons", {"isArchived": True}, "reject-reasons.is_active",
        where=lambda row: not row["isArchived"]),
    Change("candidate_tags", {"title": "Changed"}, "tags.name", "candidates.tags"),
    Change("sources", {"title": "Changed"}, "sources.name", "applications.source candidates.sources"),
    Change("sources", {"isArchived": True}, "sources.is_active", where=lambda row: not row["isArchived"]),
    Change("sources", {"sourceTypeId": None}, "sources.category"),
    Change("job_postings", {"title": "Changed"}, "job-postings.title"),
    Change("job_postings", {"status": "Published"}, "job-postings.status job-postings.content jobs.job_posting_urls",
        where=lambda row: not is_published(row)),
    Change("job_postings", {"description": {"descriptionBody": {"html": "<p>Changed</p>", "plain": "Changed"}}},
        "job-postings.content", "jobs.description", where=is_published),
    Change("job_postings", {"externalLink": "https://jobs.example.com/changed"},
        "job-postings.urls jobs.job_posting_urls", where=is_published),
    Change("job_postings", {"publishedDate": "2026-11-21"}, "job-postings.published_at"),
    Change("job_postings", other("jobs", "jobId"), "job-postings.job screening-questions.job", where=is_published),
    Change("job_postings", {"isListed": False}, "jobs.visibility", where=lambda row: row["isListed"]),
    Change("job_postings", {"workplaceType": "Remote"}, "jobs.workplace",
        where=lambda row: is_published(row) and row["workplaceType"] == "OnSite"),
    Change("job_postings", edit_question(title="Changed"), "screening-questions.title", where=is_published),
    Change("job_postings", edit_question(descriptionPlain="Changed"), "screening-questions.description",
        where=is_published),
    Change("job_postings", edit_question(type="File"), "screening-questions.type", where=is_published),
    Change("job_postings", edit_question(isRequired=True), "screening-questions.required", where=is_published),
    Change("job_postings", edit_question(selectableValues=[{"label": "Yes", "value": "yes"}]),
        "screening-questions.options screening-questions.choices", where=is_published),
    Change("job_postings", lambda row, link: {
        "surveyFormIds": [
            form["id"] for form in link.line.walk("surveyFormDefinition.list")
            if form["surveyType"] == "CandidateDataConsent"
        ]
    }, "screening-questions.category screening-questions.id", where=is_published),
    Change("jobs", {"title": "Changed"}, "jobs.name", "applications.raw_data"),
    Change("jobs", {"customRequisitionId": "CHANGED-1"}, "jobs.code"),
    Change("jobs", {"status": "Draft"}, "jobs.status", where=lambda row: row["status"] == "Open"),
    Change("jobs", {"confidential": True}, "jobs.confidential jobs.visibility",
        where=lambda row: not row["confidential"]),
    Change("jobs", other("departments", "departmentId"), "jobs.departments"),
    Change("jobs", other("locations", "locationId", 0), "jobs.offices jobs.places",
        where=lambda row: row.get("locationId")),
    Change("jobs", give_team, "jobs.hiring_team jobs.hiring_managers jobs.recruiters"),
    Change("jobs", {"employmentType": "Temporary"}, "jobs.employment_type",
        where=lambda row: row["employmentType"] != "Temporary"),
    Change("jobs", {"compensationTiers": [TIER]}, "jobs.pay"),
    Change("jobs", {"openedAt": DAY, "closedAt": DAY}, "jobs.opened_at jobs.closed_at"),
    Change("jobs", give_custom("Job"), "jobs.custom_fields"),
    Change("jobs", lambda row, link: {
        "defaultInterviewPlanId": next(
            plan["id"] for plan in list_rows(link, "interview_plans") if plan["id"] != row.get("defaultInterviewPlanId")
        )
    }, later="job-interview-stages.jobs"),  # plans are read once an hour
    Change("openings", {"isArchived": True}, later="jobs.openings_count", where=lambda row: not row["isArchived"]),
    Change("interview_plans", {"title": "Changed"}),
    Change("interview_stages", {"title": "Changed"}, later="job-interview-stages.name"),
    Change("interview_stages", {"orderInInterviewPlan": 77}, later="job-interview-stages.stage_order"),
    Change("interview_stages", {"type": "Offer"}, later="job-interview-stages.stage_type",
        where=lambda row: row["type"] == "Active"),
    Change("interview_stages", other("interview_plans", "interviewPlanId"), later="job-interview-stages.pipeline"),
    Change("applications", other("candidates", "candidateId"), "applications.candidate candidates.applications"),
    Change("applications", other("jobs", "jobId"), "applications.job"),
    Change("applications", lambda row, link: {
        "interviewStageId": next(
            stage["id"] for stage in list_rows(link, "interview_stages")
            if stage["type"] == "Active" and stage["id"] != row["interviewStageId"]
        )
    }, "applications.current_stage applications.stage_entered_at application-transitions.id"
        " application-transitions.left_at", where=is_active),
    Change("applications", lambda row, link: {
        "interviewStageId": next(one["id"] for one in list_rows(link, "interview_stages") if one["type"] == "Hired")
    }, "applications.status applications.hired_at", where=is_active),
    Change("applications", other("sources", "sourceId"), "applications.source applications.source_record"),
    Change("applications", other("users", "creditedToUserId"), "applications.credited_to"),
    Change("applications", lambda row, link: {
        "archiveReasonId": next(
            one["id"] for one in link.list_rows("archive_reasons") if one["reasonType"] == "RejectedByCandidate"
        )
    }, "applications.reject_reason applications.status applications.ended_by applications.withdrawn_at",
        where=is_ended),
    Change("applications", {"archivedAt": DAY}, "applications.rejected_at", where=is_ended),
    Change("applications", {"status": "Lead"}, "applications.is_prospect", where=is_active),
    Change("applications", give_team, "applications.hiring_team"),
    Change("applications", {"appliedViaJobPostingId": None}, "applications.job_posting applications.answers",
        where=lambda row: row["appliedViaJobPostingId"]),
    Change("applications", fill_form, "applications.answers"),
    Change("applications", give_custom("Application"), "applications.custom_fields"),
    Change("applications", {"createdAt": DAY}, "applications.applied_at"),
    Change("applications", lambda row, link: {
        "history": [{
            "id": "1", "stageId": row["interviewStageId"], "enteredStageAt": DAY, "stageNumber": 0,
            "actorId": link.list_rows("users")[0]["id"],
        }]
    }, "application-transitions.id"),
    Change("candidates", {"name": "Changed Name"}, "candidates.first_name candidates.last_name candidates.name",
        "applications.raw_data"),
    Change("candidates", {"company": "Changed Ltd"}, "candidates.company candidates.employments"),
    Change("candidates", {"position": "Changed"}, "candidates.title candidates.employments"),
    Change("candidates", {"emailAddresses": [{"value": "c@example.com", "type": "Work", "isPrimary": True}]},
        "candidates.emails candidates.email_addresses"),
    Change("candidates", {"phoneNumbers": [{"value": "+49 30 0000000", "type": "Other", "isPrimary": False}]},
        "candidates.phones candidates.phone_numbers"),
    Change("candidates", {"socialLinks": [{"type": "Medium", "url": "https://medium.example.com/c"}]},
        "candidates.urls"),
    Change("candidates", lambda row, link: {"tagIds": [link.list_rows("candidate_tags")[-1]["id"]]},
        "candidates.tags candidates.tag_records"),
    Change("candidates", {"location": {
        "id": "1", "locationSummary": "Changed", "locationComponents": [{"type": "City", "name": "Changed"}],
    }}, "candidates.locations candidates.places"),
    Change("candidates", {"school": "Changed"}, "candidates.educations"),
    Change("candidates", other("sources", "sourceId"), "candidates.sources"),
    Change("candidates", {"files": [{"id": "77777777-7777-4777-8777-777777777777", "name": "new.pdf"}]},
        "candidates.attachments attachments.id"),
    Change("candidates", {"resumeFileId": None}, "attachments.attachment_type",
        where=lambda row: "resumeFileHandle" in row),
    Change("candidates", lambda row, link: {"files": [{**file, "name": "changed.pdf"} for file in row["files"]]},
        "attachments.file_name", where=lambda row: row["fileHandles"]),
    Change("candidates", give_custom("Candidate"), "candidates.custom_fields"),
    Change("candidates", {"profileUrl": "https://ats.example.com/changed"}, "candidates.remote_url"),
    Change("notes", {"content": "Changed"}, later="activities.body"),
    Change("notes", {"isPrivate": True}, later="activities.visibility", where=lambda row: not row["isPrivate"]),
    Change("notes", other("users", "authorId"), later="activities.user"),
    Change("notes", other("candidates", "candidateId"), later="activities.candidate"),
    Change("interview_schedules", {"status": "Cancelled"},
        "scheduled-interviews.status scheduled-interviews.is_cancelled",
        where=lambda row: has_events(row) and row["status"] != "Cancelled"),
    Change("interview_schedules", other("applications", "applicationId"), "scheduled-interviews.application",
        where=has_events),
    Change("interview_schedules", lambda row, link: {
        "interviewStageId": next(
            one["id"] for one in list_rows(link, "interview_stages") if one["id"] != row["interviewStageId"]
        )
    }, "scheduled-interviews.job_interview_stage", where=has_events),
    Change("interview_schedules", edit_event(interviewers=[]),
        "scheduled-interviews.attendees scheduled-interviews.interviewers", where=has_events),
    Change("interview_schedules", edit_event(location="Room 7"), "scheduled-interviews.location", where=has_events),
    Change("interview_schedules", edit_event(meetingLink="https://meet.example.com/7"),
        "scheduled-interviews.video_url", where=has_events),
    Change("interview_schedules", edit_event(startTime=DAY, endTime=DAY),
        "scheduled-interviews.start_at scheduled-interviews.end_at", where=has_events),
    Change("interview_schedules", edit_event(extraData={"external_id": "17"}), "scheduled-interviews.external_id",
        where=has_events),
    Change("interview_schedules", edit_event(id="77777777-7777-4777-8777-777777777778"), "scheduled-interviews.id",
        where=has_events),
    Change("feedback", points, "scorecards.score scorecards.overall_recommendation scorecards.answers",
        where=takes_points),
    Change("feedback", lambda row, link: {"submittedValues": {}},
        "scorecards.overall_recommendation scorecards.attributes scorecards.score_max", where=takes_points),
    Change("feedback", other("users", "submittedByUserId"), "scorecards.interviewer"),
    Change("feedback", other("applications", "applicationId"), "scorecards.application"),
    Change("feedback", {"interviewEventId": None}, "scorecards.interview"),
    Change("feedback", {"submittedAt": DAY}, "scorecards.submitted_at"),
    Change("offers", edit_version(startDate=DAY), "offers.start_date"),
    Change("offers", edit_version(salary={"currencyCode": "CHF", "value": 1}), "offers.pay"),
    Change("offers", lambda row, link: edit_version(authorId=link.list_rows("users")[-1]["id"])(row, link),
        "offers.creator"),
    Change("offers", edit_version(files=[]), "attachments.gone"),
    Change("offers", edit_version(files=[{"id": "77777777-7777-4777-8777-777777777779", "name": "letter.pdf"}]),
        "attachments.id"),
    Change("offers", lambda row, link: {"versions": [*row["versions"], {
        **row["versions"][-1], "id": "77777777-7777-4777-8777-777777777780", "createdAt": DAY,
    }]}, "offers.version"),
    Change("offers", {"decidedAt": DAY}, "offers.closed_at"),
    Change("offers", {"offerStatus": "CandidateRejected"}, "offers.status",
        where=lambda row: row["offerStatus"] != "CandidateRejected"),
    Change("offers", other("applications", "applicationId"), "offers.application attachments.application"),
    Change("offers", lambda row, link: edit_version(**give_custom("Offer")(row["versions"][-1], link))(row, link),
        "offers.custom_fields"),
)  # fmt: skip

STREAMS = list(dict.fromkeys(change.stream for change in CHANGES))
TURNS = max(sum(change.stream == stream for change in CHANGES) for stream in STREAMS)
FIXED = {"remote_id", "remote_created_at", "remote_updated_at"}
"""What no change can be made of alone: the last moves with every change of its row."""
DERIVED = {
    "applications.is_prospect", "offers.is_current", "scheduled-interviews.group", "screening-questions.posting",
    "screening-questions.position", "attachments.candidate", "activities.activity_type", "scheduled-interviews.title",
    "application-transitions.application", "application-transitions.from_stage", "application-transitions.to_stage",
    "application-transitions.entered_at", "application-transitions.user",
}  # fmt: skip
"""What is part of a record that comes or goes, or follows from the row it is in."""


def list_rows(link: AshbyLink, stream: str) -> list[Row]:
    """Rows that the vendor shows, also of those streams that no list of the connector's reads."""
    assert link.raw is not None
    if stream == "notes":
        return [note for notes in link.raw.notes.values() for note in notes]
    if stream == "interview_stages":
        return [stage for stages in link.raw.stages.values() for stage in stages]
    return link.line.walk("opening.list") if stream == "openings" else link.list_rows(stream)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def link(databases: Databases, sealer: Sealer) -> AsyncIterator[AshbyLink]:
    async with link_ashby(databases, sealer, size=SIZE, seed=5) as link:
        await link.settle()
        yield link


async def make_changes(link: AshbyLink, turn: int) -> list[Change]:
    """The change of each stream whose turn it is, each of a row that no other turn changes."""
    made = []
    for stream in STREAMS:
        of_stream = [change for change in CHANGES if change.stream == stream]
        if turn < len(of_stream):
            change, rows = of_stream[turn], list_rows(link, stream)
            places = [place for place, row in enumerate(rows) if change.where(row)]
            assert places, change
            id = rows[places[turn % len(places)]]["id"]
            stored = (await link.control.get(f"rows/{stream}/{id}")).raise_for_status().json()
            edit = change.edit if isinstance(change.edit, dict) else change.edit(stored, link)
            await link.change(stream, id, **edit)
            made.append(change)
    return made


@pytest.mark.parametrize("turn", range(TURNS))
async def test_each_field_that_changes_is_shown_and_nothing_else_moves(link: AshbyLink, turn: int) -> None:
    if not link.is_settled:
        await link.settle()
    await link.wait_an_hour()
    before, expected = link.served, link.expected
    made = await make_changes(link, turn)
    await link.look()
    differing = find_differing(expected, link.expected)
    for change in made:
        assert differing >= {*change.next.split(), *change.later.split()}, change
    assert (await link.sync()).status == "done"
    served = await read_served(link.api)
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


def test_every_field_that_is_filled_is_changed() -> None:
    shown = {field for change in CHANGES for field in (*change.next.split(), *change.later.split())}
    specs = [spec for model, spec in MODELS.items() if model not in CANNOT]
    fields = {
        f"{spec.plural}.{field.name}"
        for spec in specs
        for field in (*spec.fields, *spec.more)
        if field.name not in FIXED and f"{spec.name}.{field.name}" not in CANNOT
    }
    assert fields - shown - DERIVED == set()
