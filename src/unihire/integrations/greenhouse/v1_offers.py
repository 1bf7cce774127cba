"""Offers in the shape of Harvest v1."""

from typing import Any

from unihire.integration.declare import Data
from unihire.integration.operate import Desk, Output
from unihire.integrations.greenhouse.v1_jobs import Opening, shape_openings
from unihire.integrations.greenhouse.v1_values import KeyedField, to_custom_fields, to_keyed_fields, to_moment


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


async def shape_offers(desk: Desk, rows: list[Data]) -> list[Offer]:
    """Offers with their openings: 1 call for 50 openings, and 1 for the close reasons of those."""
    openings = await shape_openings(desk, await desk.find("openings", "id", [row.get("opening_id") for row in rows]))
    return [
        Offer(
            id=row["id"],
            version=row["version"],
            application_id=row["application_id"],
            job_id=row.get("job_id"),
            candidate_id=row.get("candidate_id"),
            opening=openings.get(row.get("opening_id") or 0),
            created_at=to_moment(row.get("created_at")),
            updated_at=to_moment(row.get("updated_at")),
            sent_at=row.get("sent_on"),
            resolved_at=to_moment(row.get("resolved_at")),
            starts_at=row.get("starts_on"),
            status=row["status"].lower(),
            custom_fields=to_custom_fields(row),
            keyed_custom_fields=to_keyed_fields(row),
        )
        for row in rows
    ]


def choose_current(rows: list[Data]) -> Data | None:
    """The newest version among the offers of one application."""
    return max(rows, key=lambda row: (row["version"], row["id"]), default=None)
