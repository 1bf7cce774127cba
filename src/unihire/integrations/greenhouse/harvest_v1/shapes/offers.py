"""Offers in the shape of Harvest v1."""

from typing import Any

from unihire.integration.operate import OperationContext, Output
from unihire.integration.vendor_row import VendorRow, by_id, list_ids
from unihire.integrations.greenhouse.harvest_v1.shapes.jobs import Opening, read_close_reasons, shape_opening
from unihire.integrations.greenhouse.harvest_v1.values import KeyedField, to_custom_fields, to_keyed_fields, to_moment


class Offer(Output):
    id: int
    version: int
    application_id: int
    job_id: int | None
    candidate_id: int | None
    opening: Opening | None
    created_at: str | None
    updated_at: str | None
    sent_at: str | None
    resolved_at: str | None
    starts_at: str | None
    status: str
    custom_fields: dict[str, Any]
    keyed_custom_fields: dict[str, KeyedField]


async def shape_offers(context: OperationContext, rows: list[VendorRow]) -> list[Offer]:
    """Offers with their openings: 1 call for 50 openings, and 1 for the close reasons of those."""
    openings = await context.find("openings", "id", list_ids(rows, "opening_id"))
    reasons = await read_close_reasons(context, openings)
    filled = {id: shape_opening(row, reasons) for id, row in by_id(openings).items()}
    return [
        Offer(
            id=row.get_number("id"),
            version=row.get_number("version"),
            application_id=row.get_number("application_id"),
            job_id=row.find_number("job_id"),
            candidate_id=row.find_number("candidate_id"),
            opening=filled.get(row.find_number("opening_id") or 0),
            created_at=to_moment(row.find_moment("created_at")),
            updated_at=to_moment(row.find_moment("updated_at")),
            sent_at=row.find_text("sent_on"),
            resolved_at=to_moment(row.find_moment("resolved_at")),
            starts_at=row.find_text("starts_on"),
            status=row.get_text("status").lower(),
            custom_fields=to_custom_fields(row),
            keyed_custom_fields=to_keyed_fields(row),
        )
        for row in rows
    ]


def choose_current(rows: list[VendorRow]) -> VendorRow | None:
    """The newest version among the offers of one application."""
    return max(rows, key=lambda row: (row.get_number("version"), row.get_number("id")), default=None)
