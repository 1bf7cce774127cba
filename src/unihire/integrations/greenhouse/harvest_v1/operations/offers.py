"""Operations that read offers, in the shape of Harvest v1."""

from datetime import date
from typing import Annotated, Literal

from msgspec import Meta

from unihire.integration.operate import Input, Operation, OperationContext, Output
from unihire.integrations.greenhouse.harvest_v1.filters import Window
from unihire.integrations.greenhouse.harvest_v1.operations import lists
from unihire.integrations.greenhouse.harvest_v1.shapes.offers import Offer, choose_current, shape_offers

STATUSES = {
    "created": "Created",
    "unresolved": "Created",
    "accepted": "Accepted",
    "rejected": "Rejected",
    "deprecated": "Deprecated",
}
"""The statuses one can ask for: v1's words, and `created`, which is the one answered for those not resolved yet."""

ApplicationId = Annotated[int, Meta(title="Application ID", description="The application's id.")]


class GetOffer(Input):
    offer_id: Annotated[int, Meta(title="Offer ID", description="The offer's id.")]


class OfferFound(Output):
    offer_found: bool
    body: Offer | None


async def get_offer(context: OperationContext, input: GetOffer) -> OfferFound:
    offers = await shape_offers(context, (await lists.find_by_id(context, "offers", "id", input.offer_id))[:1])
    return OfferFound(offer_found=bool(offers), body=offers[0] if offers else None)


class GetCurrentOffer(Input):
    application_id: ApplicationId


async def get_current_offer(context: OperationContext, input: GetCurrentOffer) -> OfferFound:
    current = choose_current(await lists.find_by_id(context, "offers", "application_id", input.application_id))
    offers = await shape_offers(context, [current] if current is not None else [])
    return OfferFound(offer_found=bool(offers), body=offers[0] if offers else None)


class ListOffers(Input):
    created_before: lists.CreatedBefore = None
    created_after: lists.CreatedAfter = None
    updated_before: Annotated[
        lists.Moment | None, Meta(title="Updated before", description="Last updated at this moment or earlier.")
    ] = None
    updated_after: lists.UpdatedAfter = None
    resolved_after: Annotated[
        lists.Moment | None, Meta(title="Resolved after", description="Accepted or rejected at this moment or later.")
    ] = None
    resolved_before: Annotated[
        lists.Moment | None,
        Meta(title="Resolved before", description="Accepted or rejected at this moment or earlier."),
    ] = None
    status: Annotated[
        Literal["unresolved", "created", "accepted", "rejected", "deprecated"] | None,
        Meta(title="Status", description="The status; unresolved and created are the same."),
    ] = None
    sent_after: Annotated[date | None, Meta(title="Sent after", description="Sent on this day or later.")] = None
    sent_before: Annotated[date | None, Meta(title="Sent before", description="Sent on this day or earlier.")] = None
    starts_after: Annotated[date | None, Meta(title="Starts after", description="Starts on this day or later.")] = None
    starts_before: Annotated[date | None, Meta(title="Starts before", description="Starts on this day or earlier.")] = (
        None
    )
    results_per_page: lists.PageSize = lists.DEFAULT_PAGE
    page: lists.PageNumber = 1


class Offers(Output):
    results: list[Offer]


async def list_offers(context: OperationContext, input: ListOffers) -> Offers:
    """A page of offers, newest first. What v1 calls before includes the moment itself here, but for the creation."""
    conditions = [
        *lists.within(
            created=Window(input.created_after, input.created_before),
            updated=Window(input.updated_after, input.updated_before, includes_before=True),
        ),
        *lists.within_moments("resolved_at", Window(input.resolved_after, input.resolved_before, includes_before=True)),
        *lists.equals("status", STATUSES[input.status] if input.status else None, param="status"),
        *lists.within_days("sent_on", input.sent_after, input.sent_before),
        *lists.within_days("starts_on", input.starts_after, input.starts_before),
    ]
    rows = await lists.list_page(context, "offers", conditions, page=input.page, size=input.results_per_page)
    return Offers(results=await shape_offers(context, rows))


class ListOffersByApplication(Input):
    application_id: ApplicationId
    results_per_page: lists.PageSize = lists.DEFAULT_PAGE
    page: lists.PageNumber = 1


async def list_offers_by_application(context: OperationContext, input: ListOffersByApplication) -> Offers:
    """All versions of the offers of one application, newest first."""
    rows = await lists.find_by_id(context, "offers", "application_id", input.application_id)
    return Offers(results=await shape_offers(context, lists.cut(rows, page=input.page, size=input.results_per_page)))


ONE = "1, and where it fills an opening 1 or 2: the opening, the reason it was closed for"

OPERATIONS = (
    Operation(
        name="get_current_offer_by_application",
        title="Get current offer by application",
        description="Retrieve the current offer for an application.",
        input=GetCurrentOffer,
        output=OfferFound,
        run=get_current_offer,
        calls=ONE,
    ),
    Operation(
        name="get_offer",
        title="Get offer",
        description="Retrieve an offer by its ID.",
        input=GetOffer,
        output=OfferFound,
        run=get_offer,
        calls=ONE,
    ),
    Operation(
        name="list_offers",
        title="List offers",
        description="Retrieve a list of offers, newest first. Can be filtered if required.",
        input=ListOffers,
        output=Offers,
        run=list_offers,
        calls=(
            "1, and for 100 offers up to 3: openings 2, the reasons they were closed for 1. By creation and update "
            "at once, pages of 500 offers are read up to the one wanted"
        ),
    ),
    Operation(
        name="list_offers_by_application",
        title="List offers by application",
        description="Retrieve a list of offers by application ID.",
        input=ListOffersByApplication,
        output=Offers,
        run=list_offers_by_application,
        calls=ONE,
    ),
)
