"""Single rows, downloads, and the form that a posting asks applicants to fill in."""

from collections.abc import Callable

from unihire.integration.emulate import Row
from unihire.integrations.lever.emulator.api.answers import Answer, Download, Refused, refuse_missing
from unihire.integrations.lever.emulator.api.calls import Call, Endpoint
from unihire.integrations.lever.emulator.rows.forms import EEO_ANSWERS, QUESTION_SETS
from unihire.integrations.lever.emulator.rows.ids import find_number, make_id
from unihire.integrations.lever.emulator.rows.values import list_texts, read_object, read_text

PLAIN = {
    "opportunities": "opportunities",
    "contacts": "contact",
    "archive_reasons": "archive_reasons",
    "stages": "stages",
    "users": "users",
    "postings": "postings",
    "requisitions": "requisitions",
    "feedback_templates": "feedback_templates",
    "form_templates": "form_templates",
}
"""Stream → the resource of the permission to read its rows one by one."""
OWNED = ("applications", "notes", "feedback", "interviews", "panels", "referrals", "forms", "files", "resumes")
PERSONAL = (
    ("fullName", "Full name", "text", True),
    ("email", "Email", "text", True),
    ("currentCompany", "Current company", "text", False),
    ("currentLocation", "Current location", "text", False),
    ("phone", "Phone", "text", False),
    ("resume", "Resume", "file-upload", False),
    ("additionalInformation", "Additional information", "textarea", False),
)
URLS = ("LinkedIn", "Github", "Other")


def _read_plain(stream: str) -> Callable[[Call], Answer]:
    return lambda call: call.answer(stream, call.get(stream, call.ids[0]))


def _read_owned(stream: str) -> Callable[[Call], Answer]:
    return lambda call: call.answer(stream, call.get_owned(stream))


def find_requisition_field(call: Call) -> Row:
    """By its key. Raises Refused."""
    for row in call.rows.list_all("requisition_fields"):
        if row.get("key") == call.ids[0]:
            return row
    raise refuse_missing("requisition_fields", call.ids[0])


def read_disposition_stages(call: Call) -> Answer:
    """Stages with their pipeline; a reason that is not of a hire has no type here."""
    stages = [
        {name: row.get(name) for name in ("id", "text", "pipeline", "rank", "hasInterview")}
        for row in call.rows.list_all("stages")
    ]
    reasons = [
        {
            "id": row["id"],
            "text": row.get("text"),
            "type": "hired" if row.get("type") == "hired" else None,
            "status": row.get("status"),
        }
        for row in call.rows.list_all("archive_reasons")
    ]
    return Answer({"stages": stages, "archiveReasons": reasons})


# Downloads


def download_file(call: Call) -> Download:
    row = call.get_owned("files")
    return _download(call, row, row)


def download_resume(call: Call) -> Download:
    row = call.get_owned("resumes")
    if not isinstance(row.get("file"), dict):
        raise refuse_missing("resumes", row["id"])
    return _download(call, row, read_object(row, "file"))


def _download(call: Call, row: Row, file: Row) -> Download:
    if file.get("status") in ("error", "unsupported", "processing"):
        raise Refused(422, "The file could not be processed.")
    return call.site.files.read(row["id"], read_text(file, "name") or "")


def download_offer(call: Call) -> Download:
    """The signed document if there is one, unless the one that was sent is asked for."""
    row = call.get_owned("offers")
    wanted = call.query.find_word("status", ("sent", "signed"))
    for name, status in (("signedDocument", "signed"), ("sentDocument", "sent")):
        if wanted in (None, status) and isinstance(row.get(name), dict):
            return call.site.files.read(row["id"], read_text(row[name], "fileName") or "")
    raise refuse_missing("offers", row["id"])


# The form of a posting


def list_questions(posting: Row) -> list[Row]:
    """The question sets of a posting, without answers."""
    found = []
    for id_ in list_texts(posting, "questionSets"):
        number = find_number("question_sets", id_)
        if number is not None and 1 <= number <= len(QUESTION_SETS):
            text, fields = QUESTION_SETS[number - 1]
            asked = [{**field, "value": None} for field in fields]
            found.append({"id": id_, "text": text, "fields": asked, "distribution": ["external", "internal"]})
    return found


def read_application_form(call: Call) -> Answer:
    """Questions for statistics are asked for every other posting."""
    posting = call.get("postings", call.ids[0])
    number = find_number("postings", posting["id"]) or 0
    personal: list[Row] = [
        {"text": text, "name": name, "type": type_, "required": required, "value": None}
        for name, text, type_, required in PERSONAL
    ]
    locations = list_texts(read_object(posting, "categories"), "allLocations")
    if len(locations) > 1:
        options = [{"text": location} for location in locations]
        place: Row = {"text": "Preferred location", "name": "preferredPostingLocation", "type": "dropdown"}
        personal.append({**place, "required": False, "options": options, "value": None})
    policy = make_id("policies", 1)
    statement = "We store your application for two years."
    store = {"statement": statement, "statementHtml": f"<p>{statement}</p>", "compliancePolicyId": policy}
    form: Row = {
        "id": posting["id"],
        "text": posting.get("text"),
        "customQuestions": list_questions(posting),
        "personalInformation": personal,
        "urls": [{"text": name, "name": name, "type": "text", "required": False, "value": None} for name in URLS],
        "consentDisclosures": {
            "store": {**store, "displayState": "MANDATORY_DISCLOSURE_SHOWN"},
            "marketing": {"displayState": "ASSUMED_DISCLOSURE_HIDDEN", "compliancePolicyId": policy},
        }
        if number % 3
        else None,
    }
    if number % 2:
        form["eeoQuestions"] = {
            name: {
                "type": "dropdown",
                "text": name.capitalize(),
                "required": False,
                "options": [{"text": text, "optionId": text} for text in options],
                "value": None,
            }
            for name, options in EEO_ANSWERS.items()
        }
    return Answer(form)


def make_reads() -> list[Endpoint]:
    of = "/opportunities/{}/"
    downloads = (("files", download_file), ("resumes", download_resume), ("offers", download_offer))
    return [
        *(
            Endpoint("GET", f"/{stream}/{{}}", f"{resource}:read:admin", _read_plain(stream))
            for stream, resource in PLAIN.items()
        ),
        *(Endpoint("GET", f"{of}{stream}/{{}}", f"{stream}:read:admin", _read_owned(stream)) for stream in OWNED),
        *(
            Endpoint("GET", f"{of}{stream}/{{}}/download", f"{stream}:read:admin", answer)
            for stream, answer in downloads
        ),
        Endpoint("GET", "/disposition_stages", "stages:read:admin", read_disposition_stages),
        Endpoint(
            "GET",
            "/requisition_fields/{}",
            "requisition_fields:read:admin",
            lambda call: call.answer("requisition_fields", find_requisition_field(call)),
        ),
        Endpoint("GET", "/postings/{}/apply", "postings:read:admin", read_application_form),
    ]
