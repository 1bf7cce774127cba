"""Applications: made, moved, rejected, hired, transferred, deleted; their history and hiring team."""

from typing import Any

from unihire.integration.emulate import Row
from unihire.integrations.ashby.emulator.api.bodies import check_body, check_entries
from unihire.integrations.ashby.emulator.api.calls import Call
from unihire.integrations.ashby.emulator.api.envelope import Answer, Refused, refuse_input, refuse_missing
from unihire.integrations.ashby.emulator.reads.single import find_plan, list_stages
from unihire.integrations.ashby.emulator.rows.ids import make_id
from unihire.integrations.ashby.emulator.rows.values import (
    find_millis,
    from_millis,
    list_objects,
    list_texts,
    read_object,
)
from unihire.integrations.ashby.emulator.writes.declaring import Write

FIRST_SCREEN = "FirstPreInterviewScreen"
"""A literal that application.create takes for a stage's id."""
MOST_HISTORY = 16
BELONGING = ("offers", "feedback", "interview_schedules", "offer_processes", "survey_requests", "survey_submissions")
"""Streams whose rows go with their application."""
_HISTORY = "stageId:uuid! stageNumber:int! enteredStageAt:moment! applicationHistoryId:uuid archiveReasonId:uuid"


def create_application(call: Call) -> Answer:
    body = call.body
    candidate, job = call.get_named("candidates", "candidateId"), call.get_named("jobs", "jobId")
    if job.get("status") == "Archived":
        raise refuse_input("this job is archived", "jobId")
    plan = find_plan(call, job, body.get("interviewPlanId"))
    fields = _read_origin(call)
    stage = _pick_stage(call, plan, body.get("interviewStageId"))
    if stage.get("type") == "Archived":
        raise refuse_input("an application does not begin in an archived stage", "interviewStageId")
    fields |= {"candidateId": candidate["id"], "jobId": job["id"], "interviewStageId": stage["id"]}
    if "applicationHistory" in body:
        fields["history"] = _read_history(call, plan, body["applicationHistory"])
        fields["interviewStageId"] = fields["history"][-1]["stageId"]
    row = call.rows.create("applications", {**fields, "_actorId": call.caller.actor_id})
    return call.answer("applications", row)


def _pick_stage(call: Call, plan: Row, id_: str | None) -> Row:
    """The named stage of this plan; the first lead without one."""
    stages = list_stages(call, plan["id"])
    if id_ is not None and id_ != FIRST_SCREEN:
        found = next((stage for stage in stages if stage["id"] == id_.lower()), None)
    else:
        wanted = "PreInterviewScreen" if id_ == FIRST_SCREEN else "Lead"
        found = next((stage for stage in stages if stage.get("type") == wanted), None)
    if found is None:
        raise refuse_missing("interview_stage")
    return found


def _read_origin(call: Call) -> Row:
    """Source, credit and date. Raises Refused for a source or user that is not there."""
    body, found = call.body, Row()
    if body.get("sourceId") is not None:
        found["sourceId"] = call.get_named("sources", "sourceId")["id"]
    if "creditedToUserId" in body:
        found["creditedToUserId"] = call.get_named("users", "creditedToUserId")["id"]
    if "createdAt" in body:
        found["createdAt"] = from_millis(find_millis(body["createdAt"]) or 0)
    return found


def _read_history(call: Call, plan: Row, given: list[Any]) -> list[Row]:
    """The whole history. Raises Refused for stages of other plans and for times that fall."""
    if not call.caller.has_switch("history"):
        raise Refused("missing_endpoint_permission", "this key may not write the history", status=403)
    entries = check_entries(_HISTORY, given, "applicationHistory")
    if not 1 <= len(entries) <= MOST_HISTORY:
        raise refuse_input(f"applicationHistory must have 1 to {MOST_HISTORY} entries", "applicationHistory")
    known = {stage["id"] for stage in list_stages(call, plan["id"])}
    entries.sort(key=lambda entry: entry["stageNumber"])
    found: list[Row] = []
    last = None
    for place, entry in enumerate(entries):
        entered = find_millis(entry["enteredStageAt"]) or 0
        if entry["stageId"] not in known:
            raise refuse_missing("interview_stage")
        if last is not None and entered < last:
            raise refuse_input("a later stage is entered before an earlier one", "applicationHistory")
        last = entered
        if found:
            found[-1]["leftStageAt"] = from_millis(entered)
        found.append(
            {
                "id": entry.get("applicationHistoryId")
                or make_id("history", (1 << 41) + call.rows.count * MOST_HISTORY + place),
                "stageId": entry["stageId"],
                "enteredStageAt": from_millis(entered),
                "stageNumber": place,
                "allowedActions": ["set_entered_at"],
                "actorId": call.caller.actor_id,
            }
        )
    return found


def _find_own_plan(call: Call, row: Row) -> Row:
    """The plan that the application's stage is of."""
    stage = call.rows.find("interview_stages", row.get("interviewStageId")) or {}
    plan = call.rows.find("interview_plans", stage.get("interviewPlanId"))
    if plan is not None:
        return plan
    job = call.rows.find("jobs", row.get("jobId"))
    return find_plan(call, job or {})


def change_stage(call: Call) -> Answer:
    """To an archived stage with a reason, to any other without one."""
    body, row = call.body, call.get_named("applications", "applicationId")
    stage = _pick_stage(call, _find_own_plan(call, row), body["interviewStageId"])
    is_archived, reason = stage.get("type") == "Archived", body.get("archiveReasonId")
    if is_archived and reason is None:
        raise refuse_input("archiveReasonId is required for an archived stage", "archiveReasonId")
    if not is_archived and reason is not None:
        raise refuse_input("archiveReasonId is for archived stages only", "archiveReasonId")
    if not is_archived and "archiveEmail" in body:
        raise refuse_input("archiveEmail is for archived stages only", "archiveEmail")
    if "archiveEmail" in body:
        _check_email(call, body["archiveEmail"])
    fields: Row = {"interviewStageId": stage["id"], "_actorId": call.caller.actor_id}
    if reason is not None:
        fields["archiveReasonId"] = call.get("archive_reasons", reason)["id"]
    row = call.rows.change("applications", row["id"], fields)
    return call.answer("applications", row, is_detail=False)


def _check_email(call: Call, given: Row) -> None:
    email = check_body("communicationTemplateId:uuid! sendAt:moment", given, where="archiveEmail.")
    template = call.get("communication_templates", email["communicationTemplateId"])
    if "email" not in list_texts(template, "intendedTypes"):
        raise Refused("communication_template_not_allowed", "this template is for no e-mails")


def change_source(call: Call) -> Answer:
    row = call.get_named("applications", "applicationId")
    source = None if call.body["sourceId"] is None else call.get_named("sources", "sourceId")["id"]
    return call.answer(
        "applications", call.rows.change("applications", row["id"], {"sourceId": source}), is_detail=False
    )


def transfer(call: Call) -> Answer:
    """Another job, plan and stage; the application stays the same one."""
    row, job = call.get_named("applications", "applicationId"), call.get_named("jobs", "jobId")
    plan = call.get_named("interview_plans", "interviewPlanId")
    if plan["id"] not in (job.get("defaultInterviewPlanId"), *list_texts(job, "interviewPlanIds")):
        raise Refused("interview_plan_not_found", "this job does not have this interview plan")
    stage = _pick_stage(call, plan, call.body["interviewStageId"])
    if stage.get("type") == "Archived":
        raise refuse_input("nothing is transferred to an archived stage", "interviewStageId")
    fields = {"jobId": job["id"], "interviewStageId": stage["id"], "_actorId": call.caller.actor_id}
    return call.answer("applications", call.rows.change("applications", row["id"], fields), is_detail=False)


def update_application(call: Call) -> Answer:
    row = call.get_named("applications", "applicationId")
    return call.answer("applications", call.rows.change("applications", row["id"], _read_origin(call)), is_detail=False)


def update_history(call: Call) -> Answer:
    row = call.get_named("applications", "applicationId")
    history = _read_history(call, _find_own_plan(call, row), call.body["applicationHistory"])
    fields: Row = {"history": history, "interviewStageId": history[-1]["stageId"]}
    stage = call.rows.find("interview_stages", fields["interviewStageId"]) or {}
    reasons = [entry.get("archiveReasonId") for entry in list_objects(call.body, "applicationHistory")]
    if stage.get("type") == "Archived":
        reason = reasons[-1] or row.get("archiveReasonId")
        if reason is None:
            raise refuse_input("archiveReasonId is required for an archived stage", "applicationHistory")
        fields["archiveReasonId"] = call.get("archive_reasons", reason)["id"]
        fields["archivedAt"] = history[-1]["enteredStageAt"]
    return call.answer("applications", call.rows.change("applications", row["id"], fields))


def delete_application(call: Call) -> Answer:
    """With all that belongs to it."""
    row = call.get_named("applications", "applicationId")
    for stream in BELONGING:
        for _, one in list(call.rows.walk_linked(stream, "_application", row["id"])):
            call.rows.delete(stream, one["id"])
    call.rows.delete("applications", row["id"])
    call.rows.note_moved("candidates", row.get("candidateId"))
    return Answer({"applicationId": row["id"]})


# Hiring teams


def _change_team(call: Call, *, adds: bool) -> Answer:
    """Of an application, a job or an opening, whichever is named."""
    places = (("applications", "applicationId"), ("jobs", "jobId"), ("openings", "openingId"))
    stream, member = next((place for place in places if place[1] in call.body), (None, ""))
    if stream is None:
        raise refuse_input("applicationId, jobId or openingId is required", "applicationId")
    row = call.get_named(stream, member)
    user, role = call.get_named("users", "teamMemberId"), call.get_named("hiring_roles", "roleId")
    person = {name: user.get(name) for name in ("email", "firstName", "lastName")}
    shown = {**person, "role": role.get("title"), "userId": user["id"]}
    if stream == "openings":
        version = read_object(row, "latestVersion")
        team = [one for one in list_objects(version, "hiringTeam") if one != shown]
        fields: Row = {"latestVersion": {**version, "hiringTeam": [*team, shown] if adds else team}}
    else:
        entry = {"userId": user["id"], "roleId": role["id"]}
        team = [one for one in list_objects(row, "team") if one != entry]
        fields = {"team": [*team, entry] if adds else team}
    call.rows.change(stream, row["id"], fields)
    return Answer(shown)


def find_first_screen(call: Call, plan: Row) -> Row:
    return _pick_stage(call, plan, FIRST_SCREEN)


_TEAM = "teamMemberId:uuid! roleId:uuid!"

WRITES = (
    Write(
        "application.create",
        "candidatesWrite",
        "candidateId:uuid! jobId:uuid! interviewPlanId:uuid interviewStageId:text sourceId:uuid creditedToUserId:uuid"
        " createdAt:moment applicationHistory:list",
        create_application,
    ),
    Write(
        "application.changeStage",
        "candidatesWrite",
        "applicationId:uuid! interviewStageId:uuid! archiveReasonId:uuid archiveEmail:object",
        change_stage,
    ),
    Write("application.changeSource", "candidatesWrite", "applicationId:uuid! sourceId:uuid?!", change_source),
    Write(
        "application.transfer",
        "candidatesWrite",
        "applicationId:uuid! jobId:uuid! interviewPlanId:uuid! interviewStageId:uuid! startAutomaticActivities:bool",
        transfer,
    ),
    Write(
        "application.update",
        "candidatesWrite",
        "applicationId:uuid! sourceId:uuid creditedToUserId:uuid createdAt:moment sendNotifications:bool",
        update_application,
    ),
    Write(
        "application.updateHistory", "candidatesWrite", "applicationId:uuid! applicationHistory:list!", update_history
    ),
    Write("application.delete", "candidatesDelete", "applicationId:uuid!", delete_application),
    Write(
        "application.addHiringTeamMember",
        "candidatesWrite",
        f"applicationId:uuid! {_TEAM}",
        lambda call: _change_team(call, adds=True),
    ),
    Write(
        "application.removeHiringTeamMember",
        "candidatesWrite",
        f"applicationId:uuid! {_TEAM}",
        lambda call: _change_team(call, adds=False),
    ),
    Write(
        "hiringTeam.addMember",
        "organizationWrite",
        f"applicationId:uuid jobId:uuid openingId:uuid {_TEAM}",
        lambda call: _change_team(call, adds=True),
    ),
    Write(
        "hiringTeam.removeMember",
        "organizationWrite",
        f"applicationId:uuid jobId:uuid openingId:uuid {_TEAM}",
        lambda call: _change_team(call, adds=False),
    ),
)
