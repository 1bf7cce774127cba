"""Records of any model, saved as a sync would save them."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from testbed.tenants import Tenant
from unihire.integration.declare import RecordMapping, Source, Stream
from unihire.kit.clock import to_micros
from unihire.model import MODELS, NATIVE_MODELS, FieldSpec, ModelSpec, Record, derive_native
from unihire.outbound.paging import Row, WholeList
from unihire.store.feed.gate import lock_feed
from unihire.store.feed.position import MOVE_FEED
from unihire.store.feed.rendered import Rendered
from unihire.store.feed.saving import Saved, mark_deleted, save_records
from unihire.sync.rendering import Renderer, derive_ids

PLURALS = {spec.plural: spec for spec in NATIVE_MODELS.values()}


def stream_of(spec: ModelSpec) -> Stream:
    """A stream whose rows are already records of the model, relations as vendor ids."""

    def to_record(source: Source) -> Record:
        return msgspec.convert(source.row, spec.record)

    return Stream(
        name=spec.plural,
        path=f"/{spec.plural}",
        paging=WholeList(items="rows"),
        mappings=(RecordMapping(spec.record, to_record),),
        id_of=lambda row: str(row["remote_id"]),
    )


def id_in(tenant: Tenant, model: str, remote_id: str) -> str:
    """Our id of the vendor's."""
    return derive_ids(tenant.connector.id, model).text(remote_id)


def render(tenant: Tenant, model: str, rows: Sequence[dict[str, Any]]) -> list[Rendered]:
    """Rows, each a record's fields, as a sync would save them."""
    renderer = Renderer(tenant.connector.id, tenant.connector.number)
    pages = [Row(row, msgspec.json.encode(row)) for row in rows]
    records, misfits = renderer.render_rows(stream_of(MODELS[model]), pages, {})
    assert not misfits, misfits
    return records


async def save(tenant: Tenant, model: str, *rows: dict[str, Any], at: datetime | None = None) -> Saved:
    """Save rows in one transaction; each is a record's fields.

    `at` is the place in the feed from which on they are saved, beyond the present: as if the clock was set back since.
    """
    records = render(tenant, model, rows)
    async with lock_feed(tenant.pool, tenant.connector.number) as connection:
        if at is not None:
            assert at > datetime.now(UTC) + timedelta(minutes=1), "the clock has come as far"
            await connection.execute(MOVE_FEED, tenant.connector.number, to_micros(at) - 1)
        return await save_records(connection, tenant.connector.number, MODELS[model].plural, records)


async def bury(tenant: Tenant, model: str, *remote_ids: str) -> int:
    """Make tombstones."""
    ids = [id_in(tenant, model, remote_id) for remote_id in remote_ids]
    async with lock_feed(tenant.pool, tenant.connector.number) as connection:
        return await mark_deleted(connection, tenant.connector.number, ids)


def find_ids(items: Sequence[dict[str, Any]]) -> list[str]:
    return [item["remote_id"] for item in items]


def make_row(spec: ModelSpec, number: int) -> dict[str, Any]:
    """A row that fills every field of a model, different for each number; relations point to rows of that number."""
    return {field.name: _make_value(field, number) for field in spec.fields}


def make_whole_row(spec: ModelSpec, number: int) -> dict[str, Any]:
    """The same with the fields of `more`, and with what is derived of these in their place."""
    row = make_row(spec, number) | {field.name: _make_value(field, number) for field in spec.more}
    users = (str(number), str(number + 1))
    if "hiring_team" in row:
        roles = ("HIRING_MANAGER", "RECRUITER")
        row["hiring_team"] = [{"user": user, "role": role, "role_name": None} for role in roles for user in users]
    if "attendees" in row:
        row["attendees"] = [{"user": user, "email": None, "name": user, "status": "PENDING"} for user in users]
    if "emails" in row:
        row["emails"] = [{"value": f"person{number}@example.com", "type": "WORK", "is_primary": True}]
    record = msgspec.convert(row, spec.record)
    derive_native(record)
    return row | {field.name: getattr(record, field.name) for field in spec.fields if field.name in DERIVED}


DERIVED = {"email_addresses", "phone_numbers", "hiring_managers", "recruiters", "interviewers"}


def make_more(spec: ModelSpec, number: int) -> dict[str, Any]:
    """The same of the fields that only richer faces show."""
    return {field.name: _make_value(field, number) for field in spec.more}


def _make_value(field: FieldSpec, number: int) -> Any:
    if field.name == "remote_id":
        return str(number)
    if field.to:
        return [str(number), str(number + 1)] if field.type == "array" else str(number)
    if field.words:
        return field.words[number % len(field.words)]
    if field.items == "url":
        return [{"value": f"https://example.com/{number}", "type": "LINKEDIN", "url_type": "SOCIAL_MEDIA"}]
    if field.parts:
        parts = {part.name: _make_value(part, number) for part in field.parts}
        return [parts] if field.type == "array" else parts
    if field.items == "object":
        return [{"label": f"choice {number}"}]
    values = {
        "string": f"{field.name} {number}",
        "boolean": number % 2 == 0,
        "integer": number,
        "number": number / 4,
        "array": [f"{field.name} {number}", f"{field.name} {number} again"],
    }
    return values[field.type]
