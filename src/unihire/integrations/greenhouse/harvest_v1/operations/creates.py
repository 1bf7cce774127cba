"""Operations that create: candidates, prospects, applications and notes, each made of the writes v3 has for it."""

import asyncio
from collections.abc import Sequence

from unihire.integration.declare import Data
from unihire.integration.operate import Operation, Output, WriteContext
from unihire.integration.vendor_row import by_id, list_ids
from unihire.integrations.greenhouse.harvest_v1.bodies import (
    write_attachment,
    write_contacts,
    write_education,
    write_employment,
    write_note,
)
from unihire.integrations.greenhouse.harvest_v1.inputs import (
    CreateApplication,
    CreateCandidate,
    CreateNote,
    CreateProspect,
    NewAttachment,
    NewEducation,
    NewEmployment,
    NewNote,
    NewPerson,
    NewProspectApplication,
)
from unihire.integrations.greenhouse.harvest_v1.references import (
    check_there,
    find_referrer_id,
    find_user_id,
    write_custom_values,
)
from unihire.integrations.greenhouse.harvest_v1.shapes.applications import Application, shape_applications
from unihire.integrations.greenhouse.harvest_v1.shapes.people import Candidate, shape_candidates
from unihire.integrations.greenhouse.harvest_v1.values import UserSummary, show_user, to_moment
from unihire.integrations.greenhouse.writes.making import VISIBILITIES, Writer, leave_out_nones, scope_to

V1_VISIBILITIES = {shown: written for written, shown in VISIBILITIES.items()}


class Note(Output):
    """A note; v1 wrote `visiblity` beside `visibility`, and so it stays."""

    id: int
    created_at: str | None
    body: str | None
    user: UserSummary | None
    private: bool
    visiblity: str | None
    visibility: str | None


async def create_candidate(context: WriteContext, given: CreateCandidate) -> Candidate:
    referrers = [
        find_referrer_id(context, one.referrer, f"#/applications/{number}/referrer")
        for number, one in enumerate(given.applications)
    ]
    further = {f"#/applications/{number}/job_id": one.job_id for number, one in enumerate(given.applications) if number}
    base, team, credited, _ = await asyncio.gather(
        _write_person(context, given),
        _find_team(context, given),
        asyncio.gather(*referrers),
        check_there(context, "jobs", further),
    )
    applications = [
        leave_out_nones(
            job_id=one.job_id,
            source_id=one.source_id,
            initial_stage_id=one.initial_stage_id,
            referrer_id=referrer,
            **team,
        )
        for one, referrer in zip(given.applications, credited, strict=True)
    ]
    files = [one.attachments or [] for one in given.applications]
    return await _make_person(
        context, given, base, applications, files, given.educations or [], given.employments or []
    )


async def create_prospect(context: WriteContext, given: CreateProspect) -> Candidate:
    wanted = given.application or NewProspectApplication()
    base, team, referrer = await asyncio.gather(
        _write_person(context, given),
        _find_team(context, given),
        find_referrer_id(context, wanted.referrer, "#/application/referrer"),
    )
    application = leave_out_nones(
        prospect=True,
        job_ids=wanted.job_ids,
        source_id=wanted.source_id,
        referrer_id=referrer,
        prospect_pool_id=wanted.prospect_pool_id,
        prospect_pool_stage_id=wanted.prospect_pool_stage_id,
        prospect_owner_id=wanted.prospect_owner_id,
        prospective_department_id=wanted.prospective_department_id,
        prospective_office_id=wanted.prospective_office_id,
        **team,
    )
    return await _make_person(context, given, base, [application], [wanted.attachments or []])


async def _write_person(context: WriteContext, given: NewPerson) -> tuple[Data, dict[int, str]]:
    """The body of a candidate, and the keys of its custom fields by their ids.

    By then it is sure that there are the authors of the notes, who write them later.
    """
    notes = enumerate(given.activity_feed_notes or ())
    authors = {f"#/activity_feed_notes/{number}/user_id": note.user_id for number, note in notes}
    others = {place: id for place, id in authors.items() if id != given.user_id}
    written, _ = await asyncio.gather(
        write_custom_values(context, given.custom_fields or (), "#/custom_fields"),
        check_there(context, "users", others),
    )
    body = leave_out_nones(
        first_name=given.first_name,
        last_name=given.last_name,
        company=given.company,
        title=given.title,
        private=given.is_private,
        phone_numbers=write_contacts(given.phone_numbers),
        addresses=write_contacts(given.addresses),
        email_addresses=write_contacts(given.email_addresses),
        website_addresses=write_contacts(given.website_addresses),
        social_media_addresses=[{"value": value} for value in given.social_media_addresses or ()] or None,
        tags=given.tags or None,
        custom_fields=written.values or None,
    )
    return body, written.keys


async def _find_team(context: WriteContext, given: NewPerson) -> dict[str, int | None]:
    """The recruiter and coordinator of the person, which v3 has with each application."""
    recruiter, coordinator = await asyncio.gather(
        find_user_id(context, given.recruiter, "#/recruiter"), find_user_id(context, given.coordinator, "#/coordinator")
    )
    return {"recruiter_id": recruiter, "coordinator_id": coordinator}


async def _make_person(
    context: WriteContext,
    given: NewPerson,
    base: tuple[Data, dict[int, str]],
    applications: Sequence[Data],
    files: Sequence[Sequence[NewAttachment]],
    educations: Sequence[NewEducation] = (),
    employments: Sequence[NewEmployment] = (),
) -> Candidate:
    """The candidate with all that comes along. `files` are in the order of `applications`.

    The first application is written with the candidate: where its job does not fit, nobody is left behind.
    """
    notes = given.activity_feed_notes or []
    _plan(
        context,
        [
            "candidate",
            *(f"application.{number}" for number in range(1, len(applications))),
            *(f"education.{number}" for number in range(len(educations))),
            *(f"employment.{number}" for number in range(len(employments))),
            *(f"attachment.{place}.{number}" for place, group in enumerate(files) for number in range(len(group))),
            *(f"note.{number}" for number in range(len(notes))),
        ],
    )
    writer = Writer(context, given.user_id)
    body, field_keys = base
    person = await writer.make_candidate({**body, "application": applications[0]}, field_keys)
    id = person.get_number("id")
    application_ids = [await writer.find_first_application(person)]
    for number, more in enumerate(applications[1:], 1):
        row = await writer.make_application(f"application.{number}", {"candidate_id": id, **more}, within="candidate")
        application_ids.append(row.get_number("id"))
    for number, education in enumerate(educations):
        body = write_education(id, education)
        await writer.make_education(f"education.{number}", body, within="candidate")
    for number, employment in enumerate(employments):
        body = write_employment(id, employment)
        await writer.make_employment(f"employment.{number}", body, within="candidate")
    for place, group in enumerate(files):
        for number, file in enumerate(group):
            body = write_attachment(application_ids[place], file)
            await writer.make_attachment(f"attachment.{place}.{number}", body, within="candidate")
    for number, note in enumerate(notes):
        body = write_note(id, note)
        await writer.make_note(f"note.{number}", body, author=note.user_id, within="candidate")
    rows, _ = await asyncio.gather(context.find("candidates", "id", [id]), writer.touch_new_tags(person, given.tags))
    return (await shape_candidates(context, rows or [person]))[0]


def _plan(context: WriteContext, steps: Sequence[str]) -> None:
    """Plan the writes, each with the scope of its kind: `note.0` is one of notes."""
    kinds = dict.fromkeys(step.partition(".")[0] for step in steps)
    context.plan(steps, scopes=[CREATE_SCOPES[kind] for kind in kinds])


async def create_candidate_application(context: WriteContext, given: CreateApplication) -> Application:
    referrer = await find_referrer_id(context, given.referrer, "#/referrer")
    files = given.attachments or []
    _plan(context, ["application", *(f"attachment.{number}" for number in range(len(files)))])
    writer = Writer(context, given.user_id)
    body = leave_out_nones(
        candidate_id=given.candidate_id,
        job_id=given.job_id,
        source_id=given.source_id,
        initial_stage_id=given.initial_stage_id,
        referrer_id=referrer,
        recruiter_id=given.recruiter_id,
        coordinator_id=given.coordinator_id,
    )
    row = await writer.make_application("application", body)
    context.touch("candidates", [given.candidate_id])
    for number, file in enumerate(files):
        body = write_attachment(row.get_number("id"), file)
        await writer.make_attachment(f"attachment.{number}", body, within="application")
    rows = await context.find("applications", "id", list_ids([row]))
    return (await shape_applications(context, rows or [row]))[0]


async def create_candidate_note(context: WriteContext, given: CreateNote) -> Note:
    _plan(context, ["note"])
    note = NewNote(user_id=given.user_id, body=given.body, visibility=given.visibility)
    body = write_note(given.candidate_id, note)
    row = await Writer(context, given.user_id).make_note("note", body, author=given.user_id)
    context.touch("candidates", [given.candidate_id])
    author = row.find_number("user_id")
    users = by_id(await context.find("users", "id", [author]))
    shown = row.find_text("visibility")
    visibility = V1_VISIBILITIES.get(str(shown), shown)
    return Note(
        id=row.get_number("id"),
        created_at=to_moment(row.find_moment("created_at")),
        body=row.find_text("body"),
        user=None if author is None else show_user(users, author),
        private=visibility == "private",
        visiblity=visibility,
        visibility=visibility,
    )


CREATE_SCOPES = {
    kind: scope_to("create", stream)
    for kind, stream in {
        "candidate": "candidates",
        "application": "applications",
        "education": "candidate_educations",
        "employment": "candidate_employments",
        "attachment": "attachments",
        "note": "notes",
    }.items()
}
"""The scope of each kind of step; harvest_v3.json, endpoints. What comes with a candidate needs its own."""

PERSON_CALLS = (
    "1 for each address of recruiter or coordinator, 1 or 2 for each referrer, 1 for custom fields, 1 for the jobs of "
    "further applications, 1 for the authors of notes where they are others than the user; 1 for who was made just "
    "before, 1 to write the person with an application, 1 for each further application, education, employment, "
    "attachment and note; 1 and those of Get candidate to read it back, 1 for tags; 1 for each list written to, so "
    "that the unified reads show it"
)
PERSON = (
    "first_name", "last_name", "company", "title", "is_private", "locations", "phone_numbers", "email_addresses",
    "urls", "tags", "applications", "attachments",
)  # fmt: skip
APPLICATION = ("candidate", "job", "source", "credited_to", "current_stage")
ATTACHMENT = ("file_name", "file_url", "attachment_type", "candidate")
ACTIVITY = ("user", "activity_type", "body", "visibility", "candidate")

OPERATIONS = (
    Operation(
        name="create_candidate",
        title="Create candidate",
        description="Makes a candidate together with at least one job application.",
        input=CreateCandidate,
        output=Candidate,
        run=create_candidate,
        calls=PERSON_CALLS,
        is_write=True,
        scopes=(CREATE_SCOPES["candidate"],),
        more_scopes=tuple(scope for kind, scope in CREATE_SCOPES.items() if kind != "candidate"),
        writes={
            "candidate": PERSON,
            "application": APPLICATION,
            "attachment": ATTACHMENT,
            "activity": ACTIVITY,
            "tag": ("name",),
        },
    ),
    Operation(
        name="create_candidate_application",
        title="Create candidate application",
        description="Adds an application for a job to an existing person. A prospect keeps its prospect application.",
        input=CreateApplication,
        output=Application,
        run=create_candidate_application,
        calls=(
            "1 or 2 for a referrer; 1 for what was made just before, 1 to write the application, 1 for each "
            "attachment; 1 and those of Get application to read it back; 1 for each list written to, so that the "
            "unified reads show it"
        ),
        is_write=True,
        scopes=(CREATE_SCOPES["application"],),
        more_scopes=(CREATE_SCOPES["attachment"],),
        writes={"application": APPLICATION, "attachment": ATTACHMENT, "candidate": ("applications", "attachments")},
    ),
    Operation(
        name="create_candidate_note",
        title="Create candidate note",
        description="Writes a note on the activity feed of a candidate.",
        input=CreateNote,
        output=Note,
        run=create_candidate_note,
        calls="1 for what was written just before, 1 to write it, 1 for its author; 2 so that unified reads show it",
        is_write=True,
        scopes=(CREATE_SCOPES["note"],),
        writes={"activity": ACTIVITY},
    ),
    Operation(
        name="create_prospect",
        title="Create prospect",
        description="Makes a prospect, on no job, one or several.",
        input=CreateProspect,
        output=Candidate,
        run=create_prospect,
        calls=PERSON_CALLS,
        is_write=True,
        scopes=(CREATE_SCOPES["candidate"],),
        more_scopes=(CREATE_SCOPES["attachment"], CREATE_SCOPES["note"]),
        writes={
            "candidate": PERSON,
            "application": ("candidate", "source", "credited_to"),
            "attachment": ATTACHMENT,
            "activity": ACTIVITY,
            "tag": ("name",),
        },
    ),
)
