"""Notes, feedback, forms of a profile, and the templates of these."""

from collections.abc import Callable, Sequence

from unihire.integration.emulate import Row
from unihire.integrations.lever.emulator.api.answers import DELETED, Answer, refuse_input
from unihire.integrations.lever.emulator.api.bodies import check_entries
from unihire.integrations.lever.emulator.api.calls import Call, Endpoint
from unihire.integrations.lever.emulator.rows.forms import put_values
from unihire.integrations.lever.emulator.rows.ids import make_id
from unihire.integrations.lever.emulator.rows.values import list_objects, pick
from unihire.integrations.lever.emulator.writes.persons import check_past, make_field_id

TYPES = (
    "code|currency|date|dropdown|file-upload|multiple-choice|multiple-select|note|score|score-system|scorecard|text"
    "|textarea|university|yes-no"
)

# Notes


def create_note(call: Call) -> Answer:
    """With `note_id` it is a comment more of that note."""
    opportunity, body = call.get_opportunity(), call.body
    at = check_past(call)
    comment = {
        "type": "note",
        "text": "Comment",
        "value": body["value"],
        "createdAt": at,
        "user": call.actor,
        "score": body.get("score"),
        "stage": opportunity.get("stage"),
    }
    thread = call.query.find("note_id")
    if thread is not None:
        row = call.rows.find("notes", thread)
        if row is None or row.get("opportunityId") != opportunity["id"]:
            raise refuse_input(f"notes {thread[:100]} was not found", "note_id")
        call.rows.change("notes", row["id"], {"fields": [*list_objects(row, "fields"), comment]})
    else:
        fields = {"fields": [comment], "user": call.actor, "secret": body.get("secret", False)}
        times = {"createdAt": at, "completedAt": at}
        row = call.rows.create("notes", {"opportunityId": opportunity["id"], **fields, **times})
    answer = call.answer("notes", row, 201)
    note_id = {"noteId": row["id"]}
    return answer._replace(data=note_id if call.site.options["note_answer"] == "id" else {**answer.data, **note_id})


def _get_own_note(call: Call) -> Row:
    """Raises Refused for a note that was not made through the API."""
    row = call.get_owned("notes")
    if row.get("viaApi") is not True:
        raise refuse_input("Only notes that were made through the API can be changed")
    return row


def update_note(call: Call) -> Answer:
    """Every comment is replaced."""
    row, opportunity = _get_own_note(call), call.get_opportunity()
    given = check_entries(
        "value:text! createdAt:millis user:text secret:bool completedAt:millis score:score",
        call.body["values"],
        "values",
    )
    if not given:
        raise refuse_input("At least one value is needed", "values")
    now = call.rows.now()
    comments = [
        {
            "type": "note",
            "text": "Comment",
            "value": entry["value"],
            "createdAt": entry.get("createdAt", now),
            "user": entry.get("user", row.get("user")),
            "score": entry.get("score"),
            "stage": opportunity.get("stage"),
        }
        for entry in given
    ]
    call.rows.change("notes", row["id"], {"fields": comments, **pick(given[0], "secret", "completedAt")})
    return Answer({"noteId": row["id"]})


def delete_note(call: Call) -> Answer:
    """It stays readable."""
    row = _get_own_note(call)
    call.rows.change("notes", row["id"], {"deletedAt": call.rows.now()})
    return DELETED


# Feedback and forms of a profile


def _fill(call: Call, template: Row) -> list[Row]:
    """Fields of a template with the values given. Raises Refused for a value of no field."""
    values = check_entries("id:text! value:any", call.body.get("fieldValues", []), "fieldValues")
    fields = [{**field, "value": None} for field in list_objects(template, "fields")]
    _check_values(fields, values)
    return put_values(fields, values)


def _check_values(fields: list[Row], values: list[Row]) -> None:
    known = {str(field.get("id")): field for field in fields}
    for place, value in enumerate(values):
        field = known.get(value["id"])
        if field is None:
            raise refuse_input("There is no such field", f"fieldValues.{place}.id")
        options = [one.get("text") for one in list_objects(field, "options")]
        given = value.get("value")
        chosen = given if field.get("type") == "multiple-select" and isinstance(given, list) else [given]
        if options and any(one is not None and one not in options for one in chosen):
            raise refuse_input("This is no option of the field", f"fieldValues.{place}.value")


def _make_creating(stream: str, templates: str) -> Callable[[Call], Answer]:
    def create(call: Call) -> Answer:
        opportunity, template = call.get_opportunity(), call.get_named(templates, "baseTemplateId") or {}
        beside: Row = {}
        if stream == "feedback":
            beside = _check_interview(call)
        at = check_past(call)
        fields = {
            "opportunityId": opportunity["id"],
            "text": template.get("text", ""),
            "instructions": template.get("instructions", ""),
            "fields": _fill(call, template),
            "baseTemplateId": template["id"],
            "user": call.actor,
            "createdAt": at,
            "completedAt": call.body.get("completedAt", at),
            **beside,
        }
        return call.answer(stream, call.rows.create(stream, fields), 201)

    return create


def _check_interview(call: Call) -> Row:
    """Interview and panel are named together, or neither."""
    body = call.body
    if ("interview" in body) is not ("panel" in body):
        raise refuse_input("interview and panel are given together", "panel" if "interview" in body else "interview")
    interview, panel = call.get_named("interviews", "interview"), call.get_named("panels", "panel")
    if interview is not None and panel is not None and interview.get("panel") != panel["id"]:
        raise refuse_input("The interview is of another panel", "interview")
    return pick(body, "interview", "panel")


def update_feedback(call: Call) -> Answer:
    """The answer has a shape of its own."""
    row = call.get_owned("feedback")
    fields = list_objects(row, "fields")
    values = check_entries("id:text! value:any", call.body.get("fieldValues", []), "fieldValues")
    _check_values(fields, values)
    changed = {"fields": put_values(fields, values), **pick(call.body, "completedAt")}
    after = call.rows.change("feedback", row["id"], changed)
    echo = [
        {**field, "type": "score" if field.get("type") == "score-system" else field.get("type"), "isSummary": False}
        for field in list_objects(after, "fields")
    ]
    return Answer(
        {
            **pick(
                after, "id", "baseTemplateId", "text", "instructions", "type", "createdAt", "completedAt", "updatedAt"
            ),
            "accountId": make_id("accounts", 1),
            "profileId": after["opportunityId"],
            "userId": after.get("user"),
            "fields": echo,
            "panelId": after.get("panel"),
            "interviewId": after.get("interview"),
            "isCompleted": after.get("completedAt") is not None,
        }
    )


def delete_feedback(call: Call) -> Answer:
    """It stays readable."""
    row = call.get_owned("feedback")
    call.rows.change("feedback", row["id"], {"deletedAt": call.rows.now()})
    return DELETED


# Templates


def _read_template(call: Call, stream: str) -> Row:
    fields = check_entries(
        f"id:text type:{TYPES}! text:text! description:text? required:bool prompt:text options:list scores:list",
        call.body["fields"],
        "fields",
    )
    ratings = sum(field["type"] == "score-system" for field in fields)
    if stream == "feedback_templates" and ratings != 1:
        raise refuse_input("Exactly one field of the type score-system is needed", "fields")
    made = [
        {"id": make_field_id(call, place), "description": "", "required": False, **field}
        for place, field in enumerate(fields)
    ]
    group = call.body.get("group")
    return {
        **pick(call.body, "text"),
        "instructions": call.body.get("instructions", ""),
        "group": {"id": group, "name": "Group"} if group else None,
        "fields": made,
        **({"secretByDefault": call.body.get("secretByDefault", False)} if stream == "form_templates" else {}),
    }


def _make_template_writes(stream: str) -> Sequence[Endpoint]:
    permission = f"{stream}:write:admin"
    body = "text:text! instructions:text group:text? fields:list!"
    if stream == "form_templates":
        body += " secretByDefault:bool"

    def create(call: Call) -> Answer:
        return call.answer(stream, call.rows.create(stream, _read_template(call, stream)), 201)

    def update(call: Call) -> Answer:
        row = _get_own(call)
        return call.answer(stream, call.rows.change(stream, row["id"], _read_template(call, stream)))

    def delete(call: Call) -> Answer:
        call.rows.delete(stream, _get_own(call)["id"])
        return DELETED

    def _get_own(call: Call) -> Row:
        row = call.get(stream, call.ids[0])
        if row.get("viaApi") is not True:
            raise refuse_input("Only templates that were made through the API can be changed")
        return row

    return (
        Endpoint("POST", f"/{stream}", permission, create, body),
        Endpoint("PUT", f"/{stream}/{{}}", permission, update, body),
        Endpoint("DELETE", f"/{stream}/{{}}", permission, delete),
    )


_OF = "/opportunities/{}"
_FORM = "baseTemplateId:text! fieldValues:list createdAt:millis completedAt:millis"
WRITES = (
    Endpoint(
        "POST",
        f"{_OF}/notes",
        "notes:write:admin",
        create_note,
        "value:text! secret:bool score:score? notifyFollowers:bool createdAt:millis",
        "may",
    ),
    Endpoint("PUT", f"{_OF}/notes/{{}}", "notes:write:admin", update_note, "values:list!"),
    Endpoint("DELETE", f"{_OF}/notes/{{}}", "notes:write:admin", delete_note),
    Endpoint(
        "POST",
        f"{_OF}/feedback",
        "feedback:write:admin",
        _make_creating("feedback", "feedback_templates"),
        f"{_FORM} panel:text interview:text",
        "must",
    ),
    Endpoint(
        "PUT",
        f"{_OF}/feedback/{{}}",
        "feedback:write:admin",
        update_feedback,
        "completedAt:millis fieldValues:list",
        "must",
    ),
    Endpoint("DELETE", f"{_OF}/feedback/{{}}", "feedback:write:admin", delete_feedback, "", "must"),
    Endpoint("POST", f"{_OF}/forms", "forms:write:admin", _make_creating("forms", "form_templates"), _FORM, "must"),
    *_make_template_writes("feedback_templates"),
    *_make_template_writes("form_templates"),
)
