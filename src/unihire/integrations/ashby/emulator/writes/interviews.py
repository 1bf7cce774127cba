"""Interview schedules and feedback."""

from typing import Any

from unihire.integration.emulate import Row
from unihire.integrations.ashby.emulator.api.bodies import check_body
from unihire.integrations.ashby.emulator.api.calls import Call
from unihire.integrations.ashby.emulator.api.envelope import Answer, refuse_input, refuse_missing
from unihire.integrations.ashby.emulator.reads.single import find_by_email
from unihire.integrations.ashby.emulator.rows.ids import make_id
from unihire.integrations.ashby.emulator.rows.values import (
    find_millis,
    from_millis,
    list_objects,
    read_flag,
    read_object,
)
from unihire.integrations.ashby.emulator.writes.declaring import Write
from unihire.integrations.ashby.emulator.writes.submissions import make_submission, read_submissions

MOST_EVENTS = 20
_EVENT = "startTime:moment! endTime:moment! interviewers:list! extraData:object interviewId:uuid interviewEventId:uuid"


def create_schedule(call: Call) -> Answer:
    """At the stage where the application stands."""
    row = call.get_named("applications", "applicationId")
    given = call.body["interviewEvents"]
    if not 1 <= len(given) <= MOST_EVENTS:
        raise refuse_input(f"interviewEvents must have 1 to {MOST_EVENTS} entries", "interviewEvents")
    events = [_read_event(call, one) for one in given]
    fields: Row = {
        "applicationId": row["id"],
        "candidateId": row.get("candidateId"),
        "interviewStageId": row.get("interviewStageId"),
        "status": "Scheduled",
        "keyId": call.caller.key["id"],
        "events": [],
    }
    schedule = call.rows.create("interview_schedules", fields)
    placed = [_place_event(call, schedule, event, None, place) for place, event in enumerate(events)]
    return call.answer(
        "interview_schedules", call.rows.change("interview_schedules", schedule["id"], {"events": placed})
    )


def _read_event(call: Call, given: Any) -> Row:
    """What was said of an event. Raises Refused for times that end before they begin, and for unknown people."""
    if not isinstance(given, dict):
        raise refuse_input("an interview event must be an object", "interviewEvents")
    body = check_body(_EVENT, given, where="interviewEvent.")
    start, end = find_millis(body["startTime"]) or 0, find_millis(body["endTime"]) or 0
    if end <= start:
        raise refuse_input("endTime must be later than startTime", "endTime")
    people = []
    for one in body["interviewers"]:
        if not isinstance(one, dict):
            raise refuse_input("an interviewer must be an object", "interviewers")
        person = check_body("email:text! feedbackRequired:bool", one, where="interviewers.")
        found = [user for user in find_by_email(call, "users", person["email"]) if read_flag(user, "isEnabled")]
        if not found:
            raise refuse_missing("user")
        people.append(
            {
                "userId": found[0]["id"],
                "trainingRole": None,
                "poolId": None,
                "isFeedbackRequired": person.get("feedbackRequired", True),
            }
        )
    if not people:
        raise refuse_input("an interview event needs an interviewer", "interviewers")
    if "interviewId" in body:
        call.get("interviews", body["interviewId"])
    extra = body.get("extraData", {})
    if not all(isinstance(value, str) for value in extra.values()):
        raise refuse_input("extraData must have texts alone", "extraData")
    found_event: Row = {"startTime": from_millis(start), "endTime": from_millis(end), "interviewers": people}
    return found_event | {name: body[name] for name in ("interviewId", "extraData", "interviewEventId") if name in body}


def _place_event(call: Call, schedule: Row, event: Row, before: Row | None, place: int) -> Row:
    """An event of a schedule, new or changed."""
    now = from_millis(call.rows.now())
    if before is not None:
        return {**before, **event, "updatedAt": now}
    number = (1 << 40) + call.rows.count * MOST_EVENTS + place
    first = next(iter(call.rows.list_all("interviews")), None)
    id_ = make_id("interview_events", number)
    return {
        "id": id_,
        "interviewId": event.get("interviewId") or (None if first is None else first["id"]),
        "interviewScheduleId": schedule["id"],
        "createdAt": now,
        "updatedAt": now,
        "feedbackLink": f"https://ats.example.com/interview-briefings/{id_}/feedback",
        "location": None,
        "meetingLink": f"https://meet.example.com/{number}",
        "hasSubmittedFeedback": False,
        "extraData": {},
        "notetakerTranscriptId": None,
        "interviewerCalendarEventId": None,
        **event,
    }


def update_schedule(call: Call) -> Answer:
    """Only of one that this key made: events added, changed, cancelled."""
    body = call.body
    row = _find_schedule(call)
    if row.get("keyId") != call.caller.key["id"]:
        raise refuse_input("only schedules made with this key can be changed", "interviewScheduleId")
    events = [dict(event) for event in list_objects(row, "events")]
    given = body.get("interviewEvent")
    entries = given if isinstance(given, list) else [] if given is None else [given]
    if len(events) + len(entries) > MOST_EVENTS:
        raise refuse_input(f"a schedule has {MOST_EVENTS} events at most", "interviewEvent")
    for place, entry in enumerate(_read_event(call, one) for one in entries):
        at = next((one for one, event in enumerate(events) if event.get("id") == entry.get("interviewEventId")), None)
        if at is None and "interviewEventId" in entry:
            raise refuse_missing("interview_event")
        own = {name: value for name, value in entry.items() if name != "interviewEventId"}
        placed = _place_event(call, row, own, None if at is None else events[at], place)
        if at is None:
            events.append(placed)
        else:
            events[at] = placed
    events = _cancel_events(call, row, events)
    fields: Row = {"events": events}
    if not events:
        fields["status"] = "Cancelled"
    elif row.get("status") in ("NeedsScheduling", "Cancelled"):
        fields["status"] = "Scheduled"
    return call.answer("interview_schedules", call.rows.change("interview_schedules", row["id"], fields))


def _find_schedule(call: Call) -> Row:
    """The named schedule, or that of the named event."""
    body = call.body
    if "interviewScheduleId" in body:
        return call.get_named("interview_schedules", "interviewScheduleId")
    given = body.get("interviewEvent")
    ids = [given.get("interviewEventId")] if isinstance(given, dict) else []
    ids += _list_cancelled(call)
    for _, row in call.rows.list_moved("interview_schedules", 0, None):
        if any(event.get("id") in ids for event in list_objects(row, "events")):
            return row
    raise refuse_input("interviewScheduleId is required", "interviewScheduleId")


def _list_cancelled(call: Call) -> list[str]:
    given = call.body.get("interviewEventIdToCancel")
    ids = given if isinstance(given, list) else [] if given is None else [given]
    if not all(isinstance(one, str) for one in ids):
        raise refuse_input("interviewEventIdToCancel must be a UUID, or a list of them", "interviewEventIdToCancel")
    return ids


def _cancel_events(call: Call, row: Row, events: list[Row]) -> list[Row]:
    """Without those that were named. One with feedback stays, unless its feedback may go too."""
    ids = _list_cancelled(call)
    if not set(ids) <= {event.get("id") for event in events}:
        raise refuse_missing("interview_event")
    feedback = [one for _, one in call.rows.walk_linked("feedback", "_application", row.get("applicationId"))]
    given = [one for one in feedback if one.get("interviewEventId") in ids]
    if given and not call.body.get("allowFeedbackDeletion"):
        raise refuse_input("this event has feedback: allowFeedbackDeletion deletes it", "allowFeedbackDeletion")
    for one in given:
        call.rows.delete("feedback", one["id"])
    return [event for event in events if event.get("id") not in ids]


def cancel_schedule(call: Call) -> Answer:
    """One that may be planned again waits for that."""
    row = call.get_named("interview_schedules", "id")
    status = "NeedsScheduling" if call.body.get("allowReschedule") else "Cancelled"
    fields: Row = {"status": status}
    if status == "NeedsScheduling":
        fields["events"] = []
    return call.answer("interview_schedules", call.rows.change("interview_schedules", row["id"], fields))


# Feedback


def submit_feedback(call: Call) -> Answer:
    body = call.body
    application = call.get_named("applications", "applicationId")
    form = call.get_named("feedback_forms", "formDefinitionId")
    user = call.get_named("users", "userId")["id"] if "userId" in body else call.caller.actor_id
    event = schedule = None
    if "interviewEventId" in body:
        event, schedule = _find_event(call, application)
        if "userId" not in body:
            raise refuse_input("userId is required with interviewEventId", "userId")
        if user not in [one.get("userId") for one in list_objects(event, "interviewers")]:
            raise refuse_input("this user is no interviewer of the event", "userId")
    definition = read_object(form, "formDefinition")
    values = read_submissions(definition, body["feedbackForm"], "feedbackForm")
    now = from_millis(call.rows.now())
    history = call.rows.list_history(application)
    fields: Row = {
        "applicationId": application["id"],
        "feedbackFormDefinitionId": form["id"],
        "formDefinition": definition,
        "submittedValues": values,
        "submittedByUserId": user,
        "submittedAt": now,
    }
    if history:
        fields["applicationHistoryId"] = history[-1].get("id")
    if event is not None and schedule is not None:
        fields["interviewEventId"], fields["interviewId"] = event["id"], event.get("interviewId")
        _note_feedback(call, schedule, event["id"])
    row = call.rows.create("feedback", fields)
    submission = make_submission(call.rows.count, definition, values)
    return Answer({"submittedFormInstance": {**submission, "id": row["id"]}})


def _find_event(call: Call, application: Row) -> tuple[Row, Row]:
    wanted = call.body["interviewEventId"]
    for _, schedule in call.rows.walk_linked("interview_schedules", "_application", application["id"]):
        for event in list_objects(schedule, "events"):
            if event.get("id") == wanted:
                return event, schedule
    raise refuse_missing("interview_event")


def _note_feedback(call: Call, schedule: Row, event: str) -> None:
    events = [
        {**one, "hasSubmittedFeedback": True} if one.get("id") == event else dict(one)
        for one in list_objects(schedule, "events")
    ]
    call.rows.change("interview_schedules", schedule["id"], {"events": events})


WRITES = (
    Write("interviewSchedule.create", "interviewsWrite", "applicationId:uuid! interviewEvents:list!", create_schedule),
    Write(
        "interviewSchedule.update",
        "interviewsWrite",
        "interviewScheduleId:uuid interviewEvent:any interviewEventIdToCancel:any allowFeedbackDeletion:bool",
        update_schedule,
    ),
    Write("interviewSchedule.cancel", "interviewsWrite", "id:uuid! allowReschedule:bool", cancel_schedule),
    Write(
        "applicationFeedback.submit",
        "candidatesWrite",
        "feedbackForm:object! formDefinitionId:uuid! applicationId:uuid! userId:uuid interviewEventId:uuid",
        submit_feedback,
    ),
)
