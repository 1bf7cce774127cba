"""Postings, applications to them, requisitions and their fields."""

import re
from typing import Any

from unihire.integration.emulate import Row
from unihire.integrations.lever.emulator.api.answers import DELETED, Answer, refuse_input, refuse_missing
from unihire.integrations.lever.emulator.api.bodies import check_body, check_entries
from unihire.integrations.lever.emulator.api.calls import Call, Endpoint
from unihire.integrations.lever.emulator.reads.lists import STATES
from unihire.integrations.lever.emulator.reads.single import find_requisition_field, list_questions
from unihire.integrations.lever.emulator.rows.forms import EEO_ANSWERS
from unihire.integrations.lever.emulator.rows.ids import make_id
from unihire.integrations.lever.emulator.rows.values import list_objects, list_texts, pick, read_object, read_text
from unihire.integrations.lever.emulator.writes.opportunities import find_upload
from unihire.integrations.lever.emulator.writes.persons import (
    add_resume,
    create_opportunity,
    find_contact,
    refuse_anonymized,
    unique,
)

MOST_FIELDS = 100
CHANNELS = ("public", "internal")
RANGE = "min:any! max:any! currency:text! interval:text!"

# Postings


def _to_plain(html: str) -> str:
    return re.sub("<[^<>]*>", "", html).strip()


def _read_posting(call: Call, before: Row) -> Row:
    """What a write changes of a posting. Raises Refused."""
    body = call.body
    for name in ("owner", "hiringManager"):
        call.get_named("users", name)
    fields = pick(body, "text", "owner", "hiringManager", "tags", "workplaceType", "requisitionCodes")
    if "categories" in body:
        texts = "team:text? department:text? location:text? allLocations:texts commitment:text? level:text?"
        given = check_body(texts, body["categories"], "categories.")
        categories = {**read_object(before, "categories"), **given}
        if given.get("location") and "allLocations" not in given:
            categories["allLocations"] = unique((given["location"], *list_texts(categories, "allLocations")[1:]))
        fields["categories"] = categories
    if "content" in body:
        fields["content"] = _read_content(body["content"], read_object(before, "content"))
    if "salaryDescriptionHtml" in body:
        fields["salaryDescriptionHtml"] = body["salaryDescriptionHtml"]
        fields["salaryDescription"] = _to_plain(body["salaryDescriptionHtml"])
    if "salaryRange" in body:
        fields["salaryRange"] = _read_range(body["salaryRange"], "salaryRange")
    state = body.get("state", before.get("state", "draft"))
    is_open = state in ("published", "internal")
    channels = body.get("distributionChannels") or list_texts(before, "distributionChannels") or list(CHANNELS)
    if not set(channels) <= set(CHANNELS):
        raise refuse_input("Expected public or internal", "distributionChannels")
    return {**fields, "state": state, "distributionChannels": channels if is_open else None}


def _read_content(given: Row, before: Row) -> Row:
    content = dict(before)
    checked = check_body("descriptionHtml:text lists:list closingPostingHtml:text closingHtml:text", given, "content.")
    if "descriptionHtml" in checked:
        html = checked["descriptionHtml"]
        content |= {"descriptionHtml": html, "description": _to_plain(html)}
    closing = checked.get("closingPostingHtml", checked.get("closingHtml"))
    if closing is not None:
        content |= {"closingHtml": closing, "closing": _to_plain(closing)}
    if "lists" in checked:
        content["lists"] = check_entries("text:text! content:text!", checked["lists"], "content.lists")
    return content


def _read_range(given: Row, where: str) -> Row:
    """All four are given together."""
    found = check_body(RANGE, given, f"{where}.")
    for name in ("min", "max"):
        if isinstance(found[name], bool) or not isinstance(found[name], int | float):
            raise refuse_input("Expected number", f"{where}.{name}")
    return found


def create_posting(call: Call) -> Answer:
    fields = {"owner": call.actor, "user": call.actor, **_read_posting(call, {})}
    empty = {"description": "", "descriptionHtml": "", "lists": [], "closing": "", "closingHtml": ""}
    if "content" in fields:
        fields["content"] = {**empty, **fields["content"]}
    if "categories" in fields:
        names = ("team", "department", "location", "commitment", "level")
        fields["categories"] = {**dict.fromkeys(names), "allLocations": [], **fields["categories"]}
    return call.answer("postings", call.rows.create("postings", fields), 201)


def update_posting(call: Call) -> Answer:
    """What is left out stays."""
    row = call.get("postings", call.ids[0])
    return call.answer("postings", call.rows.change("postings", row["id"], _read_posting(call, row)))


# Applying


def apply(call: Call) -> Answer:
    """Every time a new opportunity; the e-mail address decides whose."""
    posting, body = call.get("postings", call.ids[0]), call.body
    if posting.get("state") not in ("published", "internal"):
        raise refuse_input("The posting takes no applications")
    personal = _read_named(body["personalInformation"], "personalInformation")
    name, email = personal.get("fullName"), personal.get("email")
    for member, value in (("fullName", name), ("email", email)):
        if not isinstance(value, str) or not value.strip():
            raise refuse_input(f"Missing required field {member}", "personalInformation")
    answers = _read_answers(call, posting)
    links = [str(value) for value in _read_named(body.get("urls", []), "urls").values() if value]
    uri = personal.get("resume")
    resume = find_upload(call, uri) if isinstance(uri, str) and uri else None
    eeo = {key: value for key, value in body.get("eeoResponses", {}).items() if isinstance(value, str)}
    wrong = [key for key, words in EEO_ANSWERS.items() if key in eeo and eeo[key] not in words]
    if wrong:
        raise refuse_input("This is no answer of the question", f"eeoResponses.{wrong[0]}")
    contact = find_contact(call, [str(email)])
    if contact is None:
        contact = call.rows.create("contacts", _make_contact(personal))
    refuse_anonymized(contact)
    now, phone = call.rows.now(), personal.get("phone")
    fields: Row = {
        "stage": "applicant-new",
        "origin": body.get("origin", "applied"),
        "sources": unique([body.get("source")]),
        "owner": posting.get("owner"),
        "followers": unique([posting.get("owner")]),
        "links": unique(links),
        "createdAt": now,
    }
    if "consent" in body:
        fields["dataProtection"] = _read_consent(body["consent"])
    application: Row = {
        "type": "posting",
        "name": name,
        "email": email,
        "phone": {"type": None, "value": phone} if isinstance(phone, str) and phone else None,
        "company": personal.get("currentCompany"),
        "comments": personal.get("additionalInformation"),
        "links": unique(links),
        "customQuestions": answers,
        **pick(body, "ipAddress", "timezone", "userAgent", "acceptLanguage", "referer"),
    }
    opportunity, made = create_opportunity(call, contact, posting, fields, application)
    if resume is not None:
        size = resume.get("size")
        file = read_text(resume, "filename") or "resume"
        row = add_resume(call, opportunity, file, size if type(size) is int else 0)
        call.site.files.copy(resume["id"], row["id"])
    if any(key in EEO_ANSWERS for key in eeo):
        answered = pick(eeo, *EEO_ANSWERS, "disabilitySignatureDate")
        ids = {"opportunityId": opportunity["id"], "applicationId": made["id"]}
        call.rows.create("eeo_responses", {**ids, "eeoResponseSource": "api", "eeoSurveyRespondedAt": now, **answered})
    return Answer({"applicationId": made["id"]}, 201)


def _read_named(entries: list[Any], where: str) -> dict[str, Any]:
    return {entry["name"]: entry.get("value") for entry in check_entries("name:text! value:any", entries, where)}


def _make_contact(personal: dict[str, Any]) -> Row:
    phone, company = personal.get("phone"), personal.get("currentCompany")
    place = personal.get("currentLocation")
    return {
        "name": personal["fullName"],
        "emails": [personal["email"]],
        "headline": company if isinstance(company, str) else "",
        "phones": [{"value": phone}] if isinstance(phone, str) and phone else [],
        "location": {"name": place if isinstance(place, str) else ""},
    }


def _read_answers(call: Call, posting: Row) -> list[Row]:
    """Values are matched by their place in each question set. Raises Refused where one is needed and missing."""
    given = {
        entry["id"]: check_entries("value:any", entry.get("fields", []), "customQuestions.fields")
        for entry in check_entries("id:text! fields:list", call.body.get("customQuestions", []), "customQuestions")
    }
    found, now = [], call.rows.now()
    for place, questions in enumerate(list_questions(posting)):
        values = given.get(questions["id"], [])
        fields = []
        for number, field in enumerate(questions["fields"]):
            value = values[number].get("value") if number < len(values) else None
            if field.get("required") and value in (None, "", []):
                raise refuse_input(f"An answer is needed: {field['text']}", f"customQuestions.{place}.fields.{number}")
            fields.append({**field, "value": value})
        found.append(
            {
                "type": "posting",
                "id": make_id("events", 1_000_000_000 + call.rows.count * 10 + place),
                "text": questions["text"],
                "instructions": "",
                "fields": fields,
                "baseTemplateId": questions["id"],
                "user": None,
                "createdAt": now,
                "completedAt": now,
                "deletedAt": None,
            }
        )
    return found


def _read_consent(consent: Row) -> Row:
    """Each is true or false, or an object that says so."""
    found: Row = {}
    for name, member in (("store", "store"), ("marketing", "contact")):
        given = consent.get(name)
        is_given = given.get("provided") if isinstance(given, dict) else given
        found[member] = {"allowed": is_given is True, "expiresAt": None}
    return found


# Requisitions


def _read_requisition(call: Call, id_: str | None) -> Row:
    """Raises Refused."""
    body = call.body
    for name in ("owner", "hiringManager"):
        call.get_named("users", name)
    for posting in body.get("postingIds", []):
        if call.rows.find("postings", posting) is None:
            raise refuse_input(f"postings {posting[:100]} was not found", "postingIds")
    same = (row for row in call.rows.list_all("requisitions") if row.get("requisitionCode") == body["requisitionCode"])
    if any(row["id"] != id_ for row in same):
        raise refuse_input("A requisition with this code exists", "requisitionCode")
    names = ("employmentStatus", "hiringManager", "location", "owner", "team", "department")
    band, total = body.get("compensationBand"), body["headcountTotal"]
    fields: Row = {
        **dict.fromkeys(names),
        "backfill": False,
        "customFields": {},
        "internalNotes": "",
        "status": "open",
        **{name: value for name, value in body.items() if name not in ("postingIds", "createdAt")},
        "compensationBand": None if band is None else _read_range(band, "compensationBand"),
        "headcountInfinite": total == "unlimited",
    }
    fields["closedAt"] = call.rows.now() if fields["status"] == "closed" else None
    if "postingIds" in body:
        fields["postings"] = body["postingIds"]
    return fields


def _echo(row: Row) -> Row:
    """Writes are answered with a shape of their own."""
    total, at = row.get("headcountTotal"), row.get("updatedAt")
    history = {"beginAt": at, "status": row.get("status"), "attribution": {"timestamp": at, "service": "data-api"}}
    optional = {name: row[name] for name in ("employmentStatus", "location", "team") if row.get(name) is not None}
    names = ("id", "backfill", "createdAt", "internalNotes", "name", "requisitionCode", "status", "updatedAt")
    return {
        **pick(row, *names, "headcountInfinite", "headcountHired", "customFields"),
        **optional,
        "accountId": make_id("accounts", 1),
        "creatorUserId": row.get("creator"),
        "ownerUserId": row.get("owner"),
        "hasConfidentialPosting": row.get("confidentiality") == "confidential",
        "postingIds": row.get("postings", []),
        "reservedOfferIds": row.get("offerIds", []),
        "stateHistory": [history],
        "headcountTotal": total if type(total) is int else 0,
        "search": {"nameCodeTokens": f"{row.get('name')} {row.get('requisitionCode')}".lower().split()},
    }


def create_requisition(call: Call) -> Answer:
    fields = _read_requisition(call, None) | pick(call.body, "createdAt")
    return Answer(_echo(call.rows.create("requisitions", fields)), 201)


def update_requisition(call: Call) -> Answer:
    """Whatever is left out is emptied, but for the postings."""
    row = call.get("requisitions", call.ids[0])
    after = call.rows.change("requisitions", row["id"], _read_requisition(call, row["id"]))
    return Answer(_echo(after), int(call.site.options["put_status"]))


def delete_requisition(call: Call) -> Answer:
    call.rows.delete("requisitions", call.get("requisitions", call.ids[0])["id"])
    return DELETED


# Fields of requisitions


def _read_field(call: Call) -> Row:
    """Options get an id where they have none. Raises Refused."""
    body = call.body
    if not re.fullmatch("[a-z0-9_]{1,50}", body["id"], re.ASCII):
        raise refuse_input("Expected snake_case of at most 50 characters", "id")
    fields: Row = {"key": body["id"], **pick(body, "text", "type"), "isRequired": body.get("isRequired", False)}
    if body["type"] == "dropdown":
        fields["options"] = _read_options(call, body.get("options", []), "options")
    if body["type"] == "object":
        fields["subfields"] = check_entries("id:text! text:text! type:text!", body.get("subfields", []), "subfields")
    return fields


def _read_options(call: Call, entries: list[Any], where: str) -> list[Row]:
    given = check_entries("id:text text:text!", entries, where)
    return [{"id": f"option_{call.rows.count}_{place}", **option} for place, option in enumerate(given)]


def create_field(call: Call) -> Answer:
    fields, known = _read_field(call), call.rows.list_all("requisition_fields")
    if any(row.get("key") == fields["key"] for row in known) or len(known) >= MOST_FIELDS:
        raise refuse_input("There is such a field, or there are too many", "id")
    return call.answer("requisition_fields", call.rows.create("requisition_fields", fields), 201)


def update_field(call: Call) -> Answer:
    row = find_requisition_field(call)
    fields = _read_field(call)
    if fields["key"] != row.get("key"):
        raise refuse_input("The id cannot be changed", "id")
    return call.answer("requisition_fields", call.rows.change("requisition_fields", row["id"], fields), 201)


def delete_field(call: Call) -> Answer:
    call.rows.delete("requisition_fields", find_requisition_field(call)["id"])
    return DELETED


def _get_dropdown(call: Call) -> Row:
    row = find_requisition_field(call)
    if row.get("type") != "dropdown":
        raise refuse_input("Only a dropdown has options")
    return row


def add_options(call: Call) -> Answer:
    row = _get_dropdown(call)
    made = _read_options(call, call.body["values"], "values")
    call.rows.change("requisition_fields", row["id"], {"options": [*list_objects(row, "options"), *made]})
    return Answer(made, 201)


def update_options(call: Call) -> Answer:
    row = _get_dropdown(call)
    texts = {one["id"]: one["text"] for one in check_entries("id:text! text:text!", call.body["values"], "values")}
    own = list_objects(row, "options")
    if missing := texts.keys() - {str(one.get("id")) for one in own}:
        raise refuse_missing("options", sorted(missing)[0])
    options = [{**one, "text": texts.get(str(one.get("id")), one.get("text"))} for one in own]
    after = call.rows.change("requisition_fields", row["id"], {"options": options})
    return call.answer("requisition_fields", after)


def delete_options(call: Call) -> Answer:
    row, gone = _get_dropdown(call), call.body["values"]
    options = [one for one in list_objects(row, "options") if one.get("id") not in gone]
    call.rows.change("requisition_fields", row["id"], {"options": options})
    return DELETED


_POSTING = (
    f"state:{'|'.join(STATES)} distributionChannels:texts owner:text hiringManager:text categories:object tags:texts"
    " content:object workplaceType:onsite|remote|hybrid requisitionCodes:texts salaryDescriptionHtml:text"
    " salaryRange:object"
)
_REQUISITION = (
    "requisitionCode:text! name:text! headcountTotal:headcount! backfill:bool compensationBand:object?"
    " createdAt:millis customFields:object employmentStatus:text? hiringManager:text? internalNotes:text"
    " location:text? owner:text? status:draft|open|closed|onHold team:text? department:text? postingIds:texts"
)
_FIELD = "id:text! text:text! type:number|text|date|object|dropdown! isRequired:bool subfields:list options:list"
_FIELDS = "requisition_fields:write:admin"
WRITES = (
    Endpoint("POST", "/postings", "postings:write:admin", create_posting, f"text:text! {_POSTING}", "must"),
    Endpoint("POST", "/postings/{}", "postings:write:admin", update_posting, f"text:text {_POSTING}", "must"),
    Endpoint(
        "POST",
        "/postings/{}/apply",
        "postings:write:admin",
        apply,
        "customQuestions:list personalInformation:list! eeoResponses:object urls:list ipAddress:text source:text"
        " consent:object diversitySurvey:object origin:applied|internal timezone:text userAgent:text"
        " acceptLanguage:text referer:text",
    ),
    Endpoint("POST", "/requisitions", "requisitions:write:admin", create_requisition, _REQUISITION),
    Endpoint("PUT", "/requisitions/{}", "requisitions:write:admin", update_requisition, _REQUISITION),
    Endpoint("DELETE", "/requisitions/{}", "requisitions:write:admin", delete_requisition),
    Endpoint("POST", "/requisition_fields", _FIELDS, create_field, _FIELD),
    Endpoint("PUT", "/requisition_fields/{}", _FIELDS, update_field, _FIELD),
    Endpoint("DELETE", "/requisition_fields/{}", _FIELDS, delete_field),
    Endpoint("POST", "/requisition_fields/{}/options", _FIELDS, add_options, "values:list!"),
    Endpoint("PUT", "/requisition_fields/{}/options", _FIELDS, update_options, "values:list!"),
    Endpoint("DELETE", "/requisition_fields/{}/options", _FIELDS, delete_options, "values:texts!"),
)
