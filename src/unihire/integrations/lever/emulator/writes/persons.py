"""What several writes do to people: contacts found or made, opportunities with their application, tags and sources."""

from collections.abc import Iterable

from unihire.integration.emulate import Row
from unihire.integrations.lever.emulator.api.answers import Refused, refuse_input
from unihire.integrations.lever.emulator.api.bodies import check_entries
from unihire.integrations.lever.emulator.api.calls import Call
from unihire.integrations.lever.emulator.rows.ids import make_id
from unihire.integrations.lever.emulator.rows.values import find_millis, list_texts, read_object, read_text
from unihire.kit.posted_forms import FormPart

PHONES = "type:mobile|home|work|skype|other value:text!"
ANONYMIZED = "The contact is anonymized"


def check_phones(call: Call) -> list[Row]:
    return check_entries(PHONES, call.body.get("phones", []), "phones")


def check_past(call: Call, name: str = "createdAt") -> int:
    """A moment that was given, or now. Raises Refused for one to come."""
    at = call.body.get(name)
    now = call.rows.now()
    if at is None:
        return now
    if at > now:
        raise refuse_input("Must be in the past", name)
    return int(at)


def refuse_anonymized(contact: Row) -> None:
    """Raises Refused: such a contact is not written to."""
    if contact.get("isAnonymized") is True:
        raise refuse_input(ANONYMIZED, "contact")


def find_contact(call: Call, emails: Iterable[str]) -> Row | None:
    """The person whose e-mail address one of these is."""
    for email in emails:
        found = call.rows.find_by_email("contacts", email)
        if found is not None:
            return found
    return None


def add_texts(call: Call, stream: str, texts: Iterable[str], by: int = 1) -> None:
    """Count the uses of tags or sources; unknown ones are made."""
    for text in texts:
        row = call.rows.find_by_text(stream, text)
        if row is None:
            if by > 0:
                call.rows.create(stream, {"text": text, "count": by})
        else:
            count = row.get("count")
            call.rows.change(stream, row["id"], {"count": max(count + by, 0) if type(count) is int else max(by, 0)})


def get_stage(call: Call, name: str = "stage") -> str | None:
    """The stage that the body names. Raises Refused."""
    id_: str | None = call.body.get(name)
    if id_ is not None and call.rows.find("stages", id_) is None:
        raise Refused(404, "Stage was not found")
    return id_


def unique(texts: Iterable[str | None]) -> list[str]:
    return list(dict.fromkeys(text for text in texts if text))


def list_posting_tags(posting: Row) -> list[str]:
    """What an opportunity for a posting is tagged with."""
    categories = read_object(posting, "categories")
    names = ("department", "team", "location", "commitment")
    return unique((read_text(posting, "text"), *(read_text(categories, name) for name in names)))


def create_opportunity(call: Call, contact: Row, posting: Row | None, fields: Row, application: Row) -> tuple[Row, Row]:
    """The opportunity, and its application if there is a posting (else an empty row)."""
    tags = unique((*fields.pop("tags", ()), *(list_posting_tags(posting) if posting is not None else ())))
    place = read_text(read_object(posting or {}, "categories"), "location")
    beside: Row = {"opportunityLocation": place} if place is not None and "opportunityLocation" not in fields else {}
    if posting is not None:
        beside["confidentiality"] = posting.get("confidentiality", "non-confidential")
    at = find_millis(fields.get("createdAt"))
    if at is not None:
        beside |= {"lastAdvancedAt": at, "lastInteractionAt": at}
    row = call.rows.create("opportunities", {"contact": contact["id"], **beside, **fields, "tags": tags})
    add_texts(call, "tags", tags)
    add_texts(call, "sources", list_texts(row, "sources"))
    made: Row = {}
    if posting is not None:
        own = {"createdAt": row["createdAt"], **application}
        made = call.rows.create("applications", {"opportunityId": row["id"], "posting": posting["id"], **own})
    return row, made


# Files


def split_name(name: str) -> tuple[str, str]:
    stem, dot, ext = name.rpartition(".")
    return (stem, ext) if dot and stem else (name, "")


def add_file(call: Call, opportunity: Row, part: FormPart) -> Row:
    call.site.files.check(part)
    name, now = part.filename or "file", call.rows.now()
    ext = split_name(name)[1]
    fields = {"name": name, "ext": f".{ext}" if ext else "", "uploadedAt": now, "size": len(part.content)}
    row = call.rows.create("files", {"opportunityId": opportunity["id"], **fields})
    call.site.files.store(row["id"], part)
    note_file(call, opportunity, "file-added", row["id"])
    return row


def note_file(call: Call, opportunity: Row, type_: str, file: str) -> None:
    now, user = call.rows.now(), None if call.actor is None else {"id": call.actor}
    times = {"occurredAt": now, "createdAt": now}
    fields = {"opportunityId": opportunity["id"], "type": type_, "user": user, "meta": {"fileId": file}, **times}
    call.rows.create("file_actions", fields)


def add_resume(call: Call, opportunity: Row, name: str, size: int, *, is_parsed: bool = False) -> Row:
    now = call.rows.now()
    file = {"name": name, "ext": split_name(name)[1], "uploadedAt": now, "status": "processed", "size": size}
    parsed: Row | None = {"positions": [], "schools": []} if is_parsed else None
    fields = {"opportunityId": opportunity["id"], "file": file, "parsedData": parsed}
    row = call.rows.create("resumes", fields)
    note_file(call, opportunity, "resume-imported", row["id"])
    return row


def make_field_id(call: Call, place: int) -> str:
    """Of a field of a template that the API makes."""
    return make_id("fields", 1_000_000 + call.rows.count * 100 + place)
