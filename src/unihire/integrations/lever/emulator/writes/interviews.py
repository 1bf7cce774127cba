"""Panels and their interviews, those alone that were made through the API."""

from unihire.integration.emulate import Row
from unihire.integrations.lever.emulator.api.answers import DELETED, Answer, refuse_input
from unihire.integrations.lever.emulator.api.bodies import check_entries
from unihire.integrations.lever.emulator.api.calls import Call, Endpoint

REMINDERS = "once|daily|frequently|none"
INTERVIEW = (
    "subject:text? note:text? interviewers:list! date:millis! duration:count! location:text? feedbackTemplate:text?"
    f" feedbackReminder:{REMINDERS}"
)


def _get_own_panel(call: Call, row: Row) -> Row:
    """Raises Refused for a panel that was not made through the API."""
    if row.get("externallyManaged") is not True:
        raise refuse_input("Only panels that were made through the API can be changed", "panel")
    return row


def _get_panel_of_body(call: Call, opportunity: Row) -> Row:
    panel = call.get_named("panels", "panel") or {}
    if panel.get("opportunityId") != opportunity["id"]:
        raise refuse_input("The panel is of another opportunity", "panel")
    return _get_own_panel(call, panel)


def _read_interview(call: Call, entry: Row, panel: Row, where: str) -> Row:
    """All members of an interview; what was left out is empty. Raises Refused."""
    given = check_entries("id:text! feedbackTemplate:text", entry["interviewers"], f"{where}interviewers")
    if not given:
        raise refuse_input("At least one interviewer is needed", f"{where}interviewers")
    template = entry.get("feedbackTemplate")
    for place, one in enumerate(given):
        if call.rows.find("users", one["id"]) is None:
            raise refuse_input(f"users {one['id'][:100]} was not found", f"{where}interviewers.{place}.id")
        _check_template(call, one.get("feedbackTemplate"), f"{where}interviewers.{place}.feedbackTemplate")
        one.setdefault("feedbackTemplate", template or "no-feedback")
    _check_template(call, template, f"{where}feedbackTemplate")
    return {
        "panel": panel["id"],
        "subject": entry.get("subject"),
        "note": entry.get("note"),
        "interviewers": given,
        "timezone": panel.get("timezone"),
        "date": entry["date"],
        "duration": entry["duration"],
        "location": entry.get("location"),
        "feedbackTemplate": template,
        "feedbackReminder": entry.get("feedbackReminder", panel.get("feedbackReminder", "daily")),
    }


def _check_template(call: Call, id_: object, where: str) -> None:
    if id_ not in (None, "no-feedback") and call.rows.find("feedback_templates", id_) is None:
        raise refuse_input("The feedback template was not found", where)


def _create_interview(call: Call, opportunity: Row, fields: Row) -> Row:
    application = call.rows.find_application(opportunity)
    beside = {
        "opportunityId": opportunity["id"],
        "user": call.actor,
        "stage": opportunity.get("stage"),
        "postings": [] if application is None else [application.get("posting")],
    }
    return call.rows.create("interviews", {**beside, **fields})


# Interviews one by one


def create_interview(call: Call) -> Answer:
    opportunity = call.get_opportunity()
    fields = _read_interview(call, call.body, _get_panel_of_body(call, opportunity), "")
    return call.answer("interviews", _create_interview(call, opportunity, fields), 201)


def update_interview(call: Call) -> Answer:
    row, opportunity = call.get_owned("interviews"), call.get_opportunity()
    _get_own_panel(call, call.rows.find("panels", row.get("panel")) or {})
    fields = _read_interview(call, call.body, _get_panel_of_body(call, opportunity), "")
    after = call.rows.change("interviews", row["id"], fields)
    return call.answer("interviews", after, int(call.site.options["put_status"]))


def delete_interview(call: Call) -> Answer:
    """With the last one its panel goes."""
    row = call.get_owned("interviews")
    panel = _get_own_panel(call, call.rows.find("panels", row.get("panel")) or {})
    call.rows.delete("interviews", row["id"])
    if not call.site.show.list_interviews(panel):
        call.rows.delete("panels", panel["id"])
    return DELETED


# Whole panels


def _read_panel(call: Call, opportunity: Row) -> Row:
    """Raises Refused."""
    body = call.body
    own = call.rows.find_application(opportunity)
    given = body.get("applications")
    if given is not None and (not given or own is None or any(one != own["id"] for one in given)):
        raise refuse_input("Name applications of this opportunity, or none", "applications")
    is_active = own is not None and opportunity.get("archived") is None
    return {
        "opportunityId": opportunity["id"],
        "applications": given if given is not None else [own["id"]] if own is not None and is_active else [],
        "timezone": body["timezone"],
        "feedbackReminder": body.get("feedbackReminder", "daily"),
        "note": body.get("note"),
        "externalUrl": body.get("externalUrl"),
    }


def _read_interviews(call: Call, panel: Row) -> list[tuple[str | None, Row]]:
    """(id of the one that stays, its members) of each interview of the body. Raises Refused."""
    entries = check_entries(f"id:text {INTERVIEW}", call.body["interviews"], "interviews")
    if not entries:
        raise refuse_input("At least one interview is needed", "interviews")
    return [
        (entry.get("id"), _read_interview(call, entry, panel, f"interviews.{place}."))
        for place, entry in enumerate(entries)
    ]


def create_panel(call: Call) -> Answer:
    opportunity = call.get_opportunity()
    fields = _read_panel(call, opportunity)
    # The interviews are checked before anything is made; they get the panel's id then.
    interviews = _read_interviews(call, {**fields, "id": None})
    made = call.rows.create("panels", {**fields, "user": call.actor, "stage": opportunity.get("stage")})
    for _, interview in interviews:
        _create_interview(call, opportunity, {**interview, "panel": made["id"]})
    return call.answer("panels", made, 201)


def update_panel(call: Call) -> Answer:
    """Interviews that are not named again are deleted."""
    row, opportunity = _get_own_panel(call, call.get_owned("panels")), call.get_opportunity()
    fields = _read_panel(call, opportunity)
    interviews = _read_interviews(call, {**fields, "id": row["id"]})
    own = [one["id"] for one in call.site.show.list_interviews(row)]
    named = [id_ for id_, _ in interviews if id_ is not None]
    if any(id_ not in own for id_ in named) or len(set(named)) != len(named):
        raise refuse_input("An interview is of another panel, or named twice", "interviews")
    call.rows.change("panels", row["id"], fields)
    for id_ in own:
        if id_ not in named:
            call.rows.delete("interviews", id_)
    for kept, interview in interviews:
        if kept is None:
            _create_interview(call, opportunity, interview)
        else:
            call.rows.change("interviews", kept, interview)
    return call.answer("panels", row)


def delete_panel(call: Call) -> Answer:
    row = _get_own_panel(call, call.get_owned("panels"))
    for interview in call.site.show.list_interviews(row):
        call.rows.delete("interviews", interview["id"])
    call.rows.delete("panels", row["id"])
    return DELETED


_OF = "/opportunities/{}"
_PANEL = f"applications:texts timezone:text! feedbackReminder:{REMINDERS} note:text? externalUrl:text? interviews:list!"
WRITES = (
    Endpoint(
        "POST", f"{_OF}/interviews", "interviews:write:admin", create_interview, f"panel:text! {INTERVIEW}", "must"
    ),
    Endpoint(
        "PUT", f"{_OF}/interviews/{{}}", "interviews:write:admin", update_interview, f"panel:text! {INTERVIEW}", "must"
    ),
    Endpoint("DELETE", f"{_OF}/interviews/{{}}", "interviews:write:admin", delete_interview, "", "must"),
    Endpoint("POST", f"{_OF}/panels", "panels:write:admin", create_panel, _PANEL, "must"),
    Endpoint("PUT", f"{_OF}/panels/{{}}", "panels:write:admin", update_panel, _PANEL, "must"),
    Endpoint("DELETE", f"{_OF}/panels/{{}}", "panels:write:admin", delete_panel, "", "must"),
)
