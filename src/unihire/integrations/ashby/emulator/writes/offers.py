"""Offers: a process is started, then an offer, then it is filled in; afterwards it is changed and approved."""

from typing import Any

from unihire.integration.emulate import Row
from unihire.integrations.ashby.emulator.api.calls import Call
from unihire.integrations.ashby.emulator.api.envelope import Answer, refuse_input, refuse_missing
from unihire.integrations.ashby.emulator.rows.hiring import VERSIONS_FIRST
from unihire.integrations.ashby.emulator.rows.ids import find_number, make_id
from unihire.integrations.ashby.emulator.rows.values import find_millis, from_millis, list_objects, read_object
from unihire.integrations.ashby.emulator.writes.declaring import Write
from unihire.integrations.ashby.emulator.writes.submissions import read_submissions

MOST_VERSIONS = 50
UNDECIDED = ("WaitingOnApprovalStart", "WaitingOnOfferApproval", "WaitingOnApprovalDefinition")


def start_process(call: Call) -> Answer:
    application = call.get_named("applications", "applicationId")
    if call.rows.find_status(application) not in ("Active", "Lead"):
        raise refuse_input("this application has ended", "applicationId")
    fields = {"applicationId": application["id"], "status": "WaitingOnOfferCreation"}
    row = call.rows.create("offer_processes", fields)
    return Answer({"id": row["id"], **fields})


def start_offer(call: Call) -> Answer:
    """The form to fill in. Its id is the `offerFormId` of offer.create."""
    call.get_named("offer_processes", "offerProcessId")
    for form in call.rows.list_all("offer_forms"):
        return Answer({"id": form["id"], "formDefinition": form.get("formDefinition")})
    raise refuse_missing("offer_form")


def create_offer(call: Call) -> Answer:
    process, form = call.get_named("offer_processes", "offerProcessId"), call.get_named("offer_forms", "offerFormId")
    if process.get("status") != "WaitingOnOfferCreation":
        raise refuse_input("this offer process has an offer", "offerProcessId")
    definition = read_object(form, "formDefinition")
    values = read_submissions(definition, call.body["offerForm"], "offerForm")
    fields: Row = {
        "applicationId": process.get("applicationId"),
        "offerProcessId": process["id"],
        "acceptanceStatus": "Created",
        "offerStatus": UNDECIDED[0],
        "formDefinition": definition,
        "versions": [_make_version(call, values, None)],
    }
    row = call.rows.create("offers", fields)
    call.rows.change("offer_processes", process["id"], {"status": UNDECIDED[0]})
    return call.answer("offers", row)


def _make_version(call: Call, values: dict[str, Any], before: Row | None) -> Row:
    """What the form says; of a later version what it does not say stays."""
    opening = values.get("_systemfield_opening")
    if opening is not None:
        call.get("openings", opening)
    version: Row = {"customFieldValues": {}, "files": [], **(before or {})}
    if values.get("_systemfield_start_date"):
        version["startDate"] = from_millis(find_millis(values["_systemfield_start_date"]) or 0)
    if values.get("_systemfield_salary"):
        version["salary"] = values["_systemfield_salary"]
    if opening is not None:
        version["openingId"] = opening
    version |= {
        "id": make_id("versions", (1 << 40) + call.rows.count),
        "createdAt": from_millis(call.rows.now()),
        "authorId": call.caller.actor_id,
        "approvalStatus": "Pending",
        "_values": {**read_object(before or {}, "_values"), **values},
    }
    return version


def update_offer(call: Call) -> Answer:
    """A new version, which is to be approved again."""
    row = call.get_named("offers", "offerId")
    definition, versions = read_object(row, "formDefinition"), list_objects(row, "versions")
    values = read_submissions(definition, call.body["offerForm"], "offerForm", is_partial=True)
    version = _make_version(call, values, versions[-1] if versions else None)
    fields: Row = {"versions": [*versions, version][-MOST_VERSIONS:]}
    if row.get("acceptanceStatus") not in ("Accepted", "Declined", "Cancelled"):
        fields |= {"acceptanceStatus": "Created", "offerStatus": UNDECIDED[0]}
    return call.answer("offers", call.rows.change("offers", row["id"], fields))


def _find_version(call: Call, id_: object) -> tuple[Row, Row]:
    """Offer and version, if it is the offer's latest."""
    number = find_number("versions", id_) or 0
    computed = call.rows.find("offers", make_id("offers", max(number - VERSIONS_FIRST, 0)))
    written = (row for _, row in call.rows.list_moved("offers", 0, None))
    for row in (*written, *([] if computed is None else [computed])):
        versions = list_objects(row, "versions")
        if versions and versions[-1].get("id") == id_ and call.can_see("offers", row):
            return row, versions[-1]
    raise refuse_missing("offer_version")


def start_approval(call: Call) -> Answer:
    row = call.get_named("offers", "offerId")
    if row.get("offerStatus") not in (UNDECIDED[0], UNDECIDED[2]):
        raise refuse_input("this offer does not wait for its approval to start", "offerId")
    fields = {"offerStatus": "WaitingOnOfferApproval", "acceptanceStatus": "Pending"}
    return _change_state(call, row, fields)


def approve_offer(call: Call) -> Answer:
    """The latest version: the offer then waits for the candidate."""
    row, version = _find_version(call, call.body["offerVersionId"])
    if "userId" in call.body:
        call.get_named("users", "userId")
    if row.get("offerStatus") not in UNDECIDED:
        raise refuse_input("this offer does not wait for an approval", "offerVersionId")
    versions = [*list_objects(row, "versions")[:-1], {**version, "approvalStatus": "Approved"}]
    fields: Row = {
        "versions": versions,
        "offerStatus": "WaitingOnCandidateResponse",
        "acceptanceStatus": "WaitingOnResponse",
    }
    return _change_state(call, row, fields)


def _change_state(call: Call, row: Row, fields: Row) -> Answer:
    process = call.rows.find("offer_processes", row.get("offerProcessId"))
    if process is not None:
        call.rows.change("offer_processes", process["id"], {"status": fields["offerStatus"]})
    return call.answer("offers", call.rows.change("offers", row["id"], fields))


WRITES = (
    Write("offerProcess.start", "offersWrite", "applicationId:uuid!", start_process),
    Write("offer.start", "offersWrite", "offerProcessId:uuid!", start_offer),
    Write("offer.create", "offersWrite", "offerProcessId:uuid! offerFormId:uuid! offerForm:object!", create_offer),
    Write("offer.update", "offersWrite", "offerId:uuid! offerForm:object!", update_offer),
    Write("offer.startApprovalProcess", "offersWrite", "offerId:uuid!", start_approval),
    Write("offer.approve", "offersWrite", "offerVersionId:uuid! approvalStepId:uuid userId:uuid", approve_offer),
)
