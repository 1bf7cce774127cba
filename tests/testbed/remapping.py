"""Integrations that map otherwise than they did, and what is stored before and after."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import httpx

from testbed.tenants import Tenant, make_tenant, read_all
from testbed.vendor import ACME, LIST, Vendor, to_department, to_job
from unihire.integration.declare import Integration, Join, RecordMapping, Source, Stream
from unihire.kit.seal import Sealer
from unihire.model import Application, Department, Job
from unihire.store import Pool
from unihire.sync.remap import RemapResult, remap_connector

NEW = "2027-01-01T00:00:00"
Mapping = Callable[[Source], Any]


def to_loud_job(source: Source) -> Job:
    made = to_job(source)
    return replace_fields(made, name=(made.name or "").upper())


def to_loud_department(source: Source) -> Department:
    made = to_department(source)
    return replace_fields(made, name=f"{made.name}!")


def replace_fields(record: Any, **fields: Any) -> Any:
    for name, value in fields.items():
        setattr(record, name, value)
    return record


def with_stream(integration: Integration, name: str, **changes: Any) -> Integration:
    streams = tuple(replace(one, **changes) if one.name == name else one for one in integration.streams)
    return replace(integration, streams=streams)


def with_mappings(integration: Integration, name: str, *mappings: RecordMapping) -> Integration:
    return with_stream(integration, name, mappings=mappings)


def list_departments(row: dict[str, Any]) -> list[dict[str, Any]]:
    return [row["department"]] if row.get("department") else []


JOBS = RecordMapping(Job, to_job)
DEPARTMENTS = RecordMapping(Department, to_department, split=list_departments)
LOUD_JOBS = with_mappings(ACME, "jobs", RecordMapping(Job, to_loud_job), DEPARTMENTS)


async def run(tenant: Tenant, integration: Integration = ACME, **settings: Any) -> dict[str, RemapResult]:
    """A remap as this integration maps; by stream."""
    result = await remap_connector(tenant.pool, tenant.connector, integration, **settings)
    return {one.stream: one for one in result}


async def read_stored(tenant: Tenant) -> list[tuple[Any, ...]]:
    """All that is stored of records, in feed order."""
    find = """
        SELECT seq, id, remote_id, deleted_at, fingerprint, keys, body, raw, custom, words FROM record
        WHERE connector = $1 ORDER BY seq
    """
    return [tuple(row) for row in await tenant.pool.fetch(find, tenant.connector.number)]


async def read_keys(tenant: Tenant) -> list[tuple[int, int]]:
    """The whole filter index, which has what the records say and nothing else."""
    kept = await tenant.pool.fetch("SELECT key, seq FROM record_key ORDER BY seq, key")
    told = await tenant.pool.fetch(
        "SELECT key, seq FROM record CROSS JOIN unnest(keys) AS key WHERE deleted_at IS NULL ORDER BY seq, key"
    )
    assert [tuple(row) for row in kept] == [tuple(row) for row in told]
    return [tuple(row) for row in kept]


async def read_quarantine(tenant: Tenant) -> dict[str, str]:
    find = "SELECT row_id, reason FROM quarantine WHERE connector = $1"
    return {row["row_id"]: row["reason"] for row in await tenant.pool.fetch(find, tenant.connector.number)}


async def read_names(api: httpx.AsyncClient, plural: str, field: str = "name") -> dict[str, Any]:
    return {item["remote_id"]: item[field] for item in await read_all(api, plural)}


def to_application(source: Source) -> Application:
    (label,) = source.details.get("label") or [{}]
    return Application(remote_id=str(source.row["id"]), source=label.get("name"), credited_to=None)


def to_labelled(source: Source) -> Application:
    (label,) = source.details.get("label") or [{}]
    return Application(remote_id=str(source.row["id"]), source=f"{label.get('name')} {label.get('colour')}")


def list_plainly(name: str, **others: Any) -> Stream:
    return Stream(name=name, path=f"/{name}", paging=LIST, id_of=lambda row: str(row["id"]), **others)


LABEL = Join(name="label", stream="labels", on="id", key="label", members=("name",))
JOINED = replace(
    ACME,
    streams=(
        list_plainly("labels", is_stored=True),
        list_plainly("entries", mappings=(RecordMapping(Application, to_application),), joins=(LABEL,)),
    ),
)


async def make_joined_tenant(pool: Pool, sealer: Sealer, vendor: Vendor) -> Tenant:
    """A tenant of JOINED, synced."""
    vendor.lists = {
        "/labels": [{"id": id, "name": f"Label {id}", "colour": "red"} for id in (1, 2)],
        "/entries": [{"id": id, "label": label} for id, label in enumerate([1, 1, 2, None], 1)],
    }
    made = await make_tenant(pool, sealer, base_url=vendor.base_url, integration=JOINED)
    assert (await made.sync()).status == "done"
    return made
