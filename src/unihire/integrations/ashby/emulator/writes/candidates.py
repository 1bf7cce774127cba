"""Candidates: made, changed, tagged, noted, anonymized."""

from typing import Any

from unihire.integration.emulate import Row
from unihire.integrations.ashby.emulator.api.bodies import check_entries
from unihire.integrations.ashby.emulator.api.calls import Call
from unihire.integrations.ashby.emulator.api.envelope import Answer, Refused, refuse_input
from unihire.integrations.ashby.emulator.rows.find import DROP
from unihire.integrations.ashby.emulator.rows.ids import make_id
from unihire.integrations.ashby.emulator.rows.people import empty_candidate
from unihire.integrations.ashby.emulator.rows.values import (
    find_millis,
    from_millis,
    list_objects,
    list_texts,
    read_flag,
    read_text,
)
from unihire.integrations.ashby.emulator.writes.declaring import Write

LINK_TYPES = "LinkedIn|GitHub|Twitter|Medium|StackOverflow|YouTube|CodePen|Website"
ANONYMOUS = "Anonymized candidate"
MOST_NOTE = 100_000


def create_candidate(call: Call) -> Answer:
    body = call.body
    if not body["name"].strip():
        raise refuse_input("name must not be empty", "name")
    fields: Row = {"name": body["name"].strip(), "_addedAt": call.rows.now()}
    emails = [body["email"]] if body.get("email") else []
    emails += [email for email in body.get("alternateEmailAddresses", ()) if email not in emails]
    fields["emailAddresses"] = [make_contact(email, is_primary=place == 0) for place, email in enumerate(emails)]
    check_emails(emails)
    if body.get("phoneNumber"):
        fields["phoneNumbers"] = [make_contact(body["phoneNumber"], is_primary=True)]
    links = (("LinkedIn", "linkedInUrl"), ("GitHub", "githubUrl"), ("Website", "website"))
    fields["socialLinks"] = [{"type": type_, "url": body[name]} for type_, name in links if body.get(name)]
    fields |= _read_shared(call)
    row = call.rows.create("candidates", fields)
    return call.answer("candidates", row)


def make_contact(value: str, *, is_primary: bool) -> Row:
    return {"value": value.strip(), "type": "Personal", "isPrimary": is_primary}


def check_emails(emails: list[str]) -> None:
    for email in emails:
        name, _, domain = email.strip().partition("@")
        if not name or not domain or " " in email.strip():
            raise refuse_input(f"{email[:100]} is no e-mail address", "email")


def _read_shared(call: Call) -> Row:
    """What creating and updating have in common. Raises Refused for a source or user that is not there."""
    body, found = call.body, Row()
    if "sourceId" in body:
        found["sourceId"] = call.get_named("sources", "sourceId")["id"]
    if "creditedToUserId" in body:
        found["creditedToUserId"] = call.get_named("users", "creditedToUserId")["id"]
    if "createdAt" in body:
        found["createdAt"] = from_millis(find_millis(body["createdAt"]) or 0)
    if "location" in body:
        found["location"] = _read_location(call, body["location"])
    return found


def _read_location(call: Call, given: Row) -> Any:
    parts = (("Country", "country"), ("Region", "region"), ("City", "city"))
    named = [(type_, given[name]) for type_, name in parts if isinstance(given.get(name), str) and given[name].strip()]
    if not named:
        return DROP
    return {
        "id": make_id("places", (1 << 40) + call.rows.count),
        "locationSummary": ", ".join(name for _, name in reversed(named)),
        "locationComponents": [{"type": type_, "name": name} for type_, name in named],
    }


def update_candidate(call: Call) -> Answer:
    """An address given becomes the primary one; an alternate one is added."""
    body, row = call.body, call.get_named("candidates", "candidateId")
    fields = _read_shared(call)
    if "name" in body:
        if not body["name"].strip():
            raise refuse_input("name must not be empty", "name")
        fields["name"] = body["name"].strip()
    check_emails([body[name] for name in ("email", "alternateEmail") if body.get(name)])
    emails = [dict(entry) for entry in list_objects(row, "emailAddresses")]
    if body.get("email"):
        emails = _replace_primary(emails, body["email"])
    if body.get("alternateEmail") and body["alternateEmail"] not in [entry.get("value") for entry in emails]:
        emails.append(make_contact(body["alternateEmail"], is_primary=not emails))
    fields["emailAddresses"] = emails
    if body.get("phoneNumber"):
        phones = [dict(entry) for entry in list_objects(row, "phoneNumbers")]
        fields["phoneNumbers"] = _replace_primary(phones, body["phoneNumber"])
    fields["socialLinks"] = _read_links(body, row)
    return call.answer("candidates", call.rows.change("candidates", row["id"], fields))


def _replace_primary(entries: list[Row], value: str) -> list[Row]:
    rest = [entry for entry in entries if not read_flag(entry, "isPrimary") and entry.get("value") != value.strip()]
    return [make_contact(value, is_primary=True), *rest]


def _read_links(body: Row, row: Row) -> list[Row]:
    """All of socialLinks, where it is given; otherwise the single ones replace those of their kind."""
    if "socialLinks" in body:
        return check_entries(f"type:{LINK_TYPES}! url:text!", body["socialLinks"], "socialLinks")
    links = [dict(entry) for entry in list_objects(row, "socialLinks")]
    for type_, name in (("LinkedIn", "linkedInUrl"), ("GitHub", "githubUrl"), ("Website", "websiteUrl")):
        if body.get(name):
            links = [entry for entry in links if entry.get("type") != type_]
            links.append({"type": type_, "url": body[name]})
    return links


# Tags and projects


def _add(call: Call, stream: str, member: str, named: str) -> Answer:
    row, other = call.get_named("candidates", "candidateId"), call.get_named(stream, named)
    ids = list_texts(row, member)
    if other["id"] not in ids:
        call.rows.change("candidates", row["id"], {member: [*ids, other["id"]]})
    return call.answer("candidates", row)


def _remove(call: Call, stream: str, member: str, named: str) -> Answer:
    row, other = call.get_named("candidates", "candidateId"), call.get_named(stream, named)
    ids = list_texts(row, member)
    if other["id"] in ids:
        call.rows.change("candidates", row["id"], {member: [one for one in ids if one != other["id"]]})
    return call.answer("candidates", row)


def set_fraud_status(call: Call) -> Answer:
    row = call.get_named("candidates", "candidateId")
    return call.answer(
        "candidates", call.rows.change("candidates", row["id"], {"fraudStatus": call.body["fraudStatus"]})
    )


# Notes and e-mails


def create_note(call: Call) -> Answer:
    body, note = call.body, call.body["note"]
    row = call.get_named("candidates", "candidateId")
    if isinstance(note, dict):
        if note.get("type") not in ("text/plain", "text/html") or not isinstance(note.get("value"), str):
            raise refuse_input("note must be a text, or have type and value", "note")
        note = note["value"]
    if not isinstance(note, str) or len(note) > MOST_NOTE:
        raise refuse_input("note must be a text, or have type and value", "note")
    if body.get("isPrivate") and not call.caller.has_switch("private"):
        raise Refused("missing_endpoint_permission", "this key may not write private notes", status=403)
    fields: Row = {
        "candidateId": row["id"],
        "content": note,
        "isPrivate": body.get("isPrivate", False),
        "authorId": call.caller.actor_id,
    }
    if "createdAt" in body:
        fields["createdAt"] = from_millis(find_millis(body["createdAt"]) or 0)
    return call.answer("notes", call.rows.create("notes", fields))


def add_email_message(call: Call) -> Answer:
    """Its id at the provider is unique for a key."""
    body, row = call.body, call.get_named("candidates", "candidateId")
    if "userId" in body:
        call.get_named("users", "userId")
    provider_id = body["emailProviderEmailId"]
    for _, message in call.rows.walk("email_messages"):
        if message.get("emailProviderEmailId") == provider_id and message.get("_keyId") == call.caller.key["id"]:
            raise refuse_input("this emailProviderEmailId was used before", "emailProviderEmailId")
    own = [read_text(entry, "value") for entry in list_objects(row, "emailAddresses")]
    sent_at = body.get("sentAt")
    fields: Row = {
        "candidateId": row["id"],
        "emailProviderEmailId": provider_id,
        "subject": body["subject"],
        "from": body["from"],
        "to": body["to"],
        "body": body["body"],
        "sentAt": from_millis(call.rows.now() if sent_at is None else find_millis(sent_at) or 0),
        "cc": body.get("cc"),
        "messageUrl": body.get("messageUrl"),
        "messageIdHeader": body.get("messageIdHeader"),
        "threadId": body.get("threadId", provider_id),
        "isPrivate": body.get("isPrivate", False),
        "userIsSender": body["from"] not in own,
        "_keyId": call.caller.key["id"],
    }
    return call.answer("email_messages", call.rows.create("email_messages", fields))


def anonymize(call: Call) -> Answer:
    """Only where every application ended; nothing brings it back."""
    row = call.get_named("candidates", "candidateId")
    applications = call.rows.list_applications(row)
    if any(call.rows.find_status(one) not in ("Archived", "Hired") for one in applications):
        raise refuse_input("every application must be archived or hired", "candidateId")
    gone: Row = {
        name: DROP for name in ("position", "company", "school", "location", "externalMappingId") if name in row
    }
    call.rows.change("candidates", row["id"], {**empty_candidate(), **gone, "name": ANONYMOUS})
    for application in applications:
        call.rows.change("applications", application["id"], {"formSubmissions": []})
    return call.answer("candidates", row)


_SHARED = (
    "sourceId:uuid creditedToUserId:uuid location:object createdAt:moment email:text phoneNumber:text"
    " linkedInUrl:text githubUrl:text"
)

WRITES = (
    Write(
        "candidate.create",
        "candidatesWrite",
        f"name:text! website:text alternateEmailAddresses:texts {_SHARED}",
        create_candidate,
    ),
    Write(
        "candidate.update",
        "candidatesWrite",
        f"candidateId:uuid! name:text websiteUrl:text alternateEmail:text socialLinks:list {_SHARED}"
        " sendNotifications:bool",
        update_candidate,
    ),
    Write(
        "candidate.addTag",
        "candidatesWrite",
        "candidateId:uuid! tagId:uuid!",
        lambda call: _add(call, "candidate_tags", "tagIds", "tagId"),
    ),
    Write(
        "candidate.removeTag",
        "candidatesWrite",
        "candidateId:uuid! tagId:uuid!",
        lambda call: _remove(call, "candidate_tags", "tagIds", "tagId"),
        is_strict=True,
    ),
    Write(
        "candidate.addProject",
        "candidatesWrite",
        "candidateId:uuid! projectId:uuid!",
        lambda call: _add(call, "projects", "projectIds", "projectId"),
    ),
    Write(
        "candidate.removeProject",
        "candidatesWrite",
        "candidateId:uuid! projectId:uuid!",
        lambda call: _remove(call, "projects", "projectIds", "projectId"),
        is_strict=True,
    ),
    Write(
        "candidate.setFraudStatus",
        "candidatesWrite",
        "candidateId:uuid! fraudStatus:Fraudulent|NotFraudulent|Unsure!",
        set_fraud_status,
    ),
    Write(
        "candidate.createNote",
        "candidatesWrite",
        "candidateId:uuid! note:any! sendNotifications:bool isPrivate:bool createdAt:moment",
        create_note,
    ),
    Write(
        "candidate.addEmailMessage",
        "candidatesWrite",
        "candidateId:uuid! emailProviderEmailId:text! subject:text! from:text! to:text! body:text! userId:uuid"
        " sentAt:moment cc:text messageUrl:text messageIdHeader:text threadId:text isPrivate:bool",
        add_email_message,
        is_strict=True,
    ),
    Write("candidate.anonymize", "candidatesWrite", "candidateId:uuid!", anonymize),
)
