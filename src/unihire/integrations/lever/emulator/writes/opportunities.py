"""Opportunities made, moved, archived and labelled; contacts changed; files added."""

from collections.abc import Callable

from unihire.integration.emulate import Row
from unihire.integrations.lever.emulator.api.answers import DELETED, Answer, Refused, refuse_input
from unihire.integrations.lever.emulator.api.bodies import check_body
from unihire.integrations.lever.emulator.api.calls import Call, Endpoint
from unihire.integrations.lever.emulator.api.files import UPLOAD_LIFE
from unihire.integrations.lever.emulator.rows.values import find_millis, list_texts, pick, read_text
from unihire.integrations.lever.emulator.webhooks.messages import ORIGINS
from unihire.integrations.lever.emulator.writes.persons import (
    add_file,
    add_resume,
    add_texts,
    check_past,
    check_phones,
    create_opportunity,
    find_contact,
    get_stage,
    note_file,
    refuse_anonymized,
    split_name,
    unique,
)
from unihire.kit.posted_forms import FormPart

WRITE = "opportunities:write:admin"
EXTENDED = ("approval-sent", "approved", "sent", "sent-manually", "opened")
"""States of an offer that is neither a draft nor decided."""


def create(call: Call) -> Answer:
    """Never refused as a duplicate: the person is found by the contact or an e-mail address, and stays as stored."""
    body, rows = call.body, call.rows
    postings = body.get("postings", [])
    if len(postings) > 1:
        raise refuse_input("Only one posting can be given", "postings")
    posting = rows.find("postings", postings[0]) if postings else None
    if postings and posting is None:
        raise refuse_input(f"postings {postings[0][:100]} was not found", "postings")
    phones, stage, created = check_phones(call), get_stage(call), check_past(call)
    for name in ("owner", "contact"):
        call.get_named({"owner": "users", "contact": "contacts"}[name], name)
    owner = body.get("owner", call.actor)
    if call.query.find_bool("perform_as_posting_owner"):
        if posting is None:
            raise refuse_input("Exactly one posting is needed", "postings")
        owner = posting.get("owner")
    archived = _read_archived(call, created)
    resumes = [part for part in call.parts if part.name == "resumeFile" and part.filename is not None]
    files = [part for part in call.parts if part.name in ("files", "files[]") and part.filename is not None]
    for part in (*resumes, *files):
        call.site.files.check(part)
    is_parsed = call.query.find_bool("parse") is True
    contact = call.get_named("contacts", "contact") or find_contact(call, body.get("emails", []))
    is_known = contact is not None
    if contact is None:
        name = body.get("name", "")
        if not name and is_parsed and resumes:
            name = split_name(resumes[0].filename or "")[0]
        fields = {"name": name, **pick(body, "headline", "emails"), "phones": phones}
        contact = rows.create("contacts", {**fields, "location": {"name": body.get("location", "")}})
    refuse_anonymized(contact)
    fields = pick(body, "links", "tags", "origin", "opportunityLocation")
    fields |= {"sources": unique(body.get("sources", [])), "owner": owner, "createdAt": created, "archived": archived}
    fields |= {"followers": unique((*body.get("followers", []), owner)), "stage": stage or "lead-new"}
    if call.actor is not None and fields.get("origin", "sourced") == "sourced":
        fields["sourcedBy"] = call.actor
    application: Row = {"type": "user", "user": call.actor, "name": contact.get("name")}
    application["email"] = next(iter(list_texts(contact, "emails")), None)
    row, _ = create_opportunity(call, contact, posting, fields, application)
    for part in resumes[:1]:
        _store_resume(call, row, part, is_parsed=is_parsed)
    for part in files:
        add_file(call, row, part)
    answer = call.answer("opportunities", row, 201)
    return answer._replace(beside={"deduped": is_known})


def _read_archived(call: Call, created: int) -> Row | None:
    """Without a reason it means nothing."""
    given = call.body.get("archived")
    if given is None or "reason" not in given:
        return None
    checked = check_body("reason:text! archivedAt:millis", given, "archived.")
    if call.rows.find("archive_reasons", checked["reason"]) is None:
        raise refuse_input("The archive reason was not found", "archived.reason")
    at = checked.get("archivedAt", call.rows.now())
    if "archivedAt" in checked and ("createdAt" not in call.body or not created < at <= call.rows.now()):
        raise refuse_input("Must be later than createdAt, and in the past", "archived.archivedAt")
    return {"reason": checked["reason"], "archivedAt": at}


def _store_resume(call: Call, opportunity: Row, part: FormPart, *, is_parsed: bool) -> None:
    name = part.filename or "resume"
    row = add_resume(call, opportunity, name, len(part.content), is_parsed=is_parsed)
    call.site.files.store(row["id"], part)


def move(call: Call) -> Answer:
    """An archived one stays archived."""
    row, stage = call.get_opportunity(), get_stage(call)
    if row.get("stage") != stage:
        call.rows.change("opportunities", row["id"], {"stage": stage, "_actorId": call.actor})
    return call.answer("opportunities", row)


def archive(call: Call) -> Answer:
    """Without a reason it is active again."""
    row, body = call.get_opportunity(), call.body
    reason_id = body["reason"]
    reason = None if reason_id is None else call.get_named("archive_reasons", "reason")
    is_hire = reason is not None and reason.get("type") == "hired"
    if "requisitionId" in body:
        if not is_hire:
            raise refuse_input("Only with the reason of a hire", "requisitionId")
        _fill_requisition(call, row)
    now = call.rows.now()
    archived = None if reason is None else {"reason": reason_id, "archivedAt": now}
    call.rows.change("opportunities", row["id"], {"archived": archived, "lastInteractionAt": now})
    if body.get("cleanInterviews") and reason is not None:
        for interview in call.rows.list_owned("interviews", row["id"]):
            if (find_millis(interview.get("date")) or 0) > now:
                call.rows.delete("interviews", interview["id"])
    return call.answer("opportunities", row)


def _fill_requisition(call: Call, row: Row) -> None:
    """Raises Refused where the hire cannot count for the requisition."""
    requisition = call.get_named("requisitions", "requisitionId") or {}
    if requisition.get("status") == "closed":
        raise refuse_input("The requisition is closed", "requisitionId")
    application = call.rows.find_application(row)
    if application is None:
        raise refuse_input("There is no application", "requisitionId")
    if any(offer.get("status") in EXTENDED for offer in call.rows.list_owned("offers", row["id"])):
        raise refuse_input("An extended offer is not signed", "requisitionId")
    hired = {
        "id": requisition["id"],
        "requisitionCode": requisition.get("requisitionCode"),
        "hiringManagerOnHire": requisition.get("hiringManager"),
    }
    call.rows.change("applications", application["id"], {"requisitionForHire": hired})
    count = requisition.get("headcountHired")
    call.rows.change("requisitions", requisition["id"], {"headcountHired": count + 1 if type(count) is int else 1})


def _make_labelling(name: str, *, is_added: bool) -> Callable[[Call], Answer]:
    def label(call: Call) -> Answer:
        row, given = call.get_opportunity(), call.body[name]
        own = list_texts(row, name)
        if is_added:
            if name == "links":
                refuse_anonymized(call.rows.find("contacts", row.get("contact")) or {})
            after = unique((*own, *given))
            changed = [text for text in after if text not in own]
        else:
            after = [text for text in own if text not in given]
            changed = [text for text in own if text in given]
        if changed:
            call.rows.change("opportunities", row["id"], {name: after})
        if name != "links":
            add_texts(call, name, changed, 1 if is_added else -1)
        return call.answer("opportunities", row)

    return label


def update_contact(call: Call) -> Answer:
    """Whatever is left out is blanked; the answer has less than a read."""
    row = call.get("contacts", call.ids[0])
    refuse_anonymized(row)
    body = call.body
    fields: Row = {name: body.get(name, "") for name in ("name", "headline")}
    fields |= {"emails": body.get("emails", []), "phones": check_phones(call)}
    fields["location"] = {"name": body.get("location", "")}
    call.rows.change("contacts", row["id"], fields)
    return Answer({"id": row["id"], **fields})


# Files


def upload_file(call: Call) -> Answer:
    row = call.get_opportunity()
    return call.answer("files", add_file(call, row, get_file(call)), 201)


def get_file(call: Call) -> FormPart:
    """The one file of the form. Raises Refused."""
    for part in call.parts:
        if part.name == "file" and part.filename is not None:
            return part
    raise refuse_input("Missing required property file", "file")


def delete_file(call: Call) -> Answer:
    opportunity, row = call.get_opportunity(), call.get_owned("files")
    call.rows.delete("files", row["id"])
    call.site.files.remove(row["id"])
    note_file(call, opportunity, "file-remove", row["id"])
    return DELETED


def upload(call: Call) -> Answer:
    """A file that an application can name within a day."""
    part = get_file(call)
    call.site.files.check(part)
    name = part.filename or "file"
    fields = {"filename": name, "size": len(part.content), "expiresAt": call.rows.now() + UPLOAD_LIFE}
    row = call.rows.create("uploads", fields)
    uri = f"{call.request.base_url}/v1/uploads/{row['id']}-{name}"
    call.rows.change("uploads", row["id"], {"uri": uri})
    call.site.files.store(row["id"], part)
    return call.answer("uploads", row, 201)


def find_upload(call: Call, uri: str) -> Row:
    """The upload that an address names. Raises Refused for one that is unknown or too old."""
    row = call.rows.find("uploads", uri.rpartition("/uploads/")[2][:36])
    if row is None or read_text(row, "uri") != uri or (find_millis(row.get("expiresAt")) or 0) < call.rows.now():
        raise Refused(400, "The upload is unknown or expired at /personalInformation")
    return row


_OF = "/opportunities/{}"
_CREATE = (
    "name:text headline:text stage:text location:text phones:list emails:texts links:texts tags:texts sources:texts"
    f" origin:{'|'.join(ORIGINS)} owner:text followers:texts postings:texts createdAt:millis archived:object?"
    " contact:text opportunityLocation:text"
)
WRITES = (
    Endpoint("POST", "/opportunities", WRITE, create, _CREATE, "must", takes_form=True),
    Endpoint("PUT", f"{_OF}/stage", WRITE, move, "stage:text!", "may"),
    Endpoint("PUT", f"{_OF}/archived", WRITE, archive, "reason:text!? cleanInterviews:bool requisitionId:text", "may"),
    *(
        Endpoint(
            "POST",
            f"{_OF}/{'add' if is_added else 'remove'}{name.capitalize()}",
            WRITE,
            _make_labelling(name, is_added=is_added),
            f"{name}:texts!",
            "may",
        )
        for name in ("links", "tags", "sources")
        for is_added in (True, False)
    ),
    Endpoint(
        "PUT",
        "/contacts/{}",
        "contact:write:admin",
        update_contact,
        "name:text headline:text location:text emails:texts phones:list",
    ),
    Endpoint("POST", f"{_OF}/files", "files:write:admin", upload_file, "", "must", takes_form=True),
    Endpoint("DELETE", f"{_OF}/files/{{}}", "files:write:admin", delete_file, "", "must"),
    Endpoint("POST", "/uploads", "uploads:write:admin", upload, "", takes_form=True),
)
