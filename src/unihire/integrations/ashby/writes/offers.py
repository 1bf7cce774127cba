"""Offers: a process is started, then an offer, whose form is filled in."""

from typing import Any

from unihire.errors import VendorChanged
from unihire.integration.declare import Data
from unihire.integration.operate import Trace, VendorCall, WriteContext
from unihire.integration.vendor_row import VendorRow
from unihire.integration.write import Given, Write
from unihire.integrations.ashby.mapping.forms import find_path
from unihire.integrations.ashby.writes.calling import NOT_MADE, call, get_id, look_nowhere, trace
from unihire.integrations.ashby.writes.forms import iterate_fields, write_answers, write_submission
from unihire.kit.clock import parse_moment
from unihire.model.inputs import OfferInput
from unihire.outbound.decoding import OBJECT, Undecodable, decode

OFFERS, PROCESSES = "offers", "offer_processes"
START_DATE = "_systemfield_start_date"
EXAMPLE = b'{"results": {"id": "made up", "formDefinition": {"sections": []}}}'
"""A form, made up."""


async def create_offer(context: WriteContext, given: Given[OfferInput]) -> VendorRow:
    """The offer. A process that has none yet is shown nowhere: where its answer is lost, a repeat starts another."""
    input, actor = given.input, given.actor
    context.plan(["process", "offer"])
    started = call("offerProcess.start", {"applicationId": input.application}, actor)
    process = await context.create("process", started, stream=PROCESSES, trace=Trace(look=look_nowhere))
    form_id, form = await _start_offer(context, get_id(process), actor)
    is_made = get_id(process) != NOT_MADE  # of a dry run nobody knows the form
    answers = write_answers(form, input.custom_fields) if is_made else dict(input.custom_fields or {})
    if input.start_date is not None:
        answers[_find_start(form)] = parse_moment(input.start_date).date().isoformat()
    body = {"offerProcessId": get_id(process), "offerFormId": form_id, "offerForm": write_submission(answers)}

    async def look() -> list[VendorRow]:
        return await context.all(OFFERS, {"applicationId": input.application})

    sent = call("offer.create", body, actor)
    return await context.create("offer", sent, stream=OFFERS, trace=trace(look, lambda _: True))


async def _start_offer(context: WriteContext, process: str, actor: str | None) -> tuple[str, Data | None]:
    """The form of the offer, and its id: asking for it twice does no harm."""
    asked = call("offer.start", {"offerProcessId": process}, actor)
    got = await context.send_aside(
        "form", VendorCall(path=asked.path, body=asked.body, headers=asked.headers, example_answer=EXAMPLE)
    )
    try:
        said: Any = decode(got.body, OBJECT)["results"]
        id, form = said["id"], said.get("formDefinition")
        assert isinstance(id, str)
    except (Undecodable, LookupError, TypeError, AttributeError, AssertionError) as error:
        raise VendorChanged(f"{asked.path}: the answer has no form") from error
    return id, form


def _find_start(form: Data | None) -> str:
    """The path of the first day of work: the vendor's own, or that of the first date."""
    dates = [find_path(field) or "" for field in iterate_fields(form) if field.get("type") == "Date"]
    return START_DATE if START_DATE in dates or not dates else dates[0]


OFFER_WRITES = (
    Write(
        model="offer",
        verb="create",
        run=create_offer,
        stream=OFFERS,
        takes=("application", "start_date", "custom_fields"),
        lost_answer="listed",
        named={"applicationId": "application", "offerForm": "custom_fields"},
        note="The customer's form of offers is filled in, whose fields are named by title or path in custom_fields: "
        "the vendor shows it only once a process is started, which stays where the form is refused.",
    ),
)
