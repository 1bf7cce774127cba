"""Records to serve, made up and saved through the store as a sync saves them; every filter has something to find."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from bench.sizes import Sizes
from unihire.dialects.bindbee.face import NATIVE
from unihire.integration.declare import Data, RecordMapping, Source, Stream
from unihire.integration.registry import get_integration
from unihire.kit.clock import to_text
from unihire.kit.seal import Sealer, new_key
from unihire.model import NATIVE_MODELS, FieldSpec, ModelSpec
from unihire.outbound.paging import Row, WholeList
from unihire.platform.connectors import create_connector
from unihire.platform.organisations import create_key, ensure_organisation
from unihire.store import Pool
from unihire.store.accounts.tenancy import Connector, get_connector
from unihire.store.feed import saving
from unihire.store.feed.gate import lock_feed
from unihire.store.record_keys import derive_ids
from unihire.sync.rendering import Renderer

BATCH = 2000

ANY_CREDENTIALS = {"client_id": "bench", "client_secret": "bench"}
"""Nobody looks at them."""

SHARES = {"candidate": 1.0, "application": 0.3, "job": 0.1}
"""How many records a model has, against the candidates; those not named have OTHERS."""
OTHERS = 0.02

WIDE_SHARE = 60
"""Of a hundred records, those that have a filter's most common value: wide enough for a page 10,000 in a million."""
NARROW = 500
"""Different values the other records have."""

FIRST_CREATED = datetime(2025, 1, 1, tzinfo=UTC)
CREATED_EVERY = timedelta(seconds=30)
CHANGED_WITHIN = 10_000_000
"""Seconds after it was created within which a record was last changed, any of them."""

_MOMENT = "2026-01-31T09:30:00Z"
_ENCODER = msgspec.json.Encoder()


@dataclass(frozen=True, slots=True)
class Tenant:
    """Who asks: an API key and a connector with its token."""

    key: str
    token: str
    connector: Connector

    @property
    def headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.key}", "x-connector-token": self.token}


async def create_tenant(
    pool: Pool,
    slug: str = "personio",
    *,
    base_url: str | None = None,
    credentials: Mapping[str, str] = ANY_CREDENTIALS,
) -> tuple[Tenant, Sealer]:
    """An organisation with a key and a connector, and the sealer that opens the connector's credentials."""
    sealer = Sealer([new_key()])
    organisation = await ensure_organisation(pool, "Example")
    _, key = await create_key(pool, organisation, "development", "bench")
    integration = get_integration(slug)
    made = await create_connector(
        pool, sealer, organisation=organisation, environment="development", integration=integration,
        end_user="Example customer", base_url=base_url, is_base_url_trusted=True, credentials=credentials,
    )  # fmt: skip
    connector = await get_connector(pool, made.id)
    assert connector is not None
    return Tenant(key, made.token, connector), sealer


def count_records(sizes: Sizes, spec: ModelSpec) -> int:
    """How many records of a model are made."""
    return max(200, int(sizes.records * SHARES.get(spec.name, OTHERS)))


async def seed_model(pool: Pool, connector: Connector, spec: ModelSpec, count: int) -> None:
    """Save `count` made-up records of a model."""

    def to_record(source: Source) -> Any:
        return msgspec.convert(source.row, spec.record)

    stream = Stream(
        name=spec.plural,
        path="/",
        paging=WholeList(items="items"),
        mappings=(RecordMapping(spec.record, to_record),),
        id_of=lambda row: str(row["remote_id"]),
    )
    renderer = Renderer(connector.id, connector.number)
    for start in range(0, count, BATCH):
        rows = [Row(data, _ENCODER.encode(data)) for data in make_rows(spec, range(start, min(count, start + BATCH)))]
        records, misfits = renderer.render_rows(stream, rows, {})
        assert not misfits, misfits[0].reason
        async with lock_feed(pool, connector.number) as connection:
            await saving.save_records(connection, connector.number, stream.name, records)


def make_rows(spec: ModelSpec, numbers: range) -> Iterator[Data]:
    """Made-up vendor rows of a model: every field filled, relations as vendor ids."""
    for number in numbers:
        row: Data = {"remote_id": name_row(spec.name, number)}
        for place, field in enumerate((*spec.fields, *spec.more)):
            if field.name != "remote_id":
                row[field.name] = _make_value(field, number, place)
        yield row


def name_row(model: str, number: int) -> str:
    """The vendor's id of a made-up record."""
    return f"{model}-{number}"


def name_value(field: FieldSpec, value: int) -> str:
    """The text of one of a filter field's values; number 0 is the most common one."""
    if field.to:
        return name_row(field.to, value)
    if field.words:
        return field.words[value % len(field.words)]
    return f"{field.name.replace('_', ' ').title()} {value}"


def choose_value(number: int, place: int) -> int:
    """Which value of a field a record has: 0 for WIDE_SHARE in a hundred, otherwise one of NARROW.

    Spread as if by chance, and another way in every field, so that filters are independent of one another.
    """
    mixed = ((number + 1) * 2654435761 + (place + 1) * 40503 * (number ^ 0x5BD1E995)) & 0xFFFFFFFF
    mixed = ((mixed ^ (mixed >> 15)) * 2246822519) & 0xFFFFFFFF
    mixed ^= mixed >> 13
    return 0 if mixed % 100 < WIDE_SHARE else 1 + (mixed // 100) % NARROW


def _make_value(field: FieldSpec, number: int, place: int) -> Any:
    if field.type == "boolean":
        return number % 2 == 0
    if field.type == "integer":
        return number % 7
    if field.type == "number":
        return number / 4
    if field.name == "email_addresses":
        return [name_email(number)]
    if field.name == "emails":
        return [{"value": name_email(number), "type": "PERSONAL", "is_primary": True}]
    if field.items == "url":
        return [{"value": f"https://www.example.com/in/{number}", "type": "LINKEDIN", "url_type": "SOCIAL_MEDIA"}]
    if field.parts:
        parts = {part.name: _make_value(part, number, place) for part in field.parts}
        return [parts] if field.type == "array" else parts
    if field.items == "object":
        return [{"name": "choice"}]
    if field.name in ("remote_created_at", "remote_updated_at"):
        return to_text(tell_moment(field.name, number))
    if field.example == _MOMENT:
        return f"2026-{1 + number % 12:02d}-{1 + number % 28:02d}T09:30:00Z"
    if field.filter is None and not field.to and not field.words:
        return [f"{field.example[0]} {number}"] if field.type == "array" else f"{field.example} {number}"
    value = name_value(field, choose_value(number, place))
    return [value] if field.type == "array" else value


def tell_moment(name: str, number: int) -> datetime:
    """When the vendor created a made-up record, each a little later than the one before, or last changed it."""
    created = FIRST_CREATED + number * CREATED_EVERY
    return created if name == "remote_created_at" else created + timedelta(seconds=number * 7919 % CHANGED_WITHIN)


def name_email(number: int) -> str:
    """The e-mail address of a made-up candidate: everyone has an own one."""
    return f"person{number}@example.com"


async def seed_all(pool: Pool, connector: Connector, sizes: Sizes) -> None:
    """Save records of every model that has a filter, and tidy up as the server does by itself in time."""
    for spec in NATIVE_MODELS.values():
        if spec.filters or NATIVE.has_remote_id_filter(spec):
            await seed_model(pool, connector, spec, count_records(sizes, spec))
    await settle(pool)


async def settle(pool: Pool) -> None:
    """What autovacuum and the checkpointer do a little later, done now: nothing of it falls into what is timed."""
    await pool.execute("VACUUM (ANALYZE)")
    await pool.execute("CHECKPOINT")


def find_id(connector: UUID, model: str, number: int) -> str:
    """Our id of a made-up record."""
    return derive_ids(connector, model).text(name_row(model, number))
