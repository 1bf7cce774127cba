"""What Personio's rows must become, said a second time from the vendor's documents: the mapping's own code is not used.

Rows are read from the emulator's API with a client of the test's own; records are the API's answers.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid5

import httpx

from testbed.tenants import Tenant, make_tenant, read_all
from unihire.integration.registry import get_integration
from unihire.kit.seal import Sealer
from unihire.model import MODELS, NATIVE_MODELS
from unihire.sandbox.runner import Ready
from unihire.store import Pool

Json = dict[str, Any]
CLOSING = ("REJECTED", "WITHDRAWN")
STREAMS = ("jobs", "candidates", "applications", "categories")


@dataclass(frozen=True, slots=True)
class Raw:
    """Everything the emulator holds, by stream, and the history of each application, latest first."""

    rows: dict[str, list[Json]]
    history: dict[str, list[Json]]


async def make_emulated_tenant(pool: Pool, sealer: Sealer, ready: Ready) -> Tenant:
    return await make_tenant(
        pool,
        sealer,
        integration=get_integration("personio"),
        base_url=ready.base_url,
        credentials={"client_id": ready.client_id, "client_secret": ready.client_secret},
    )


@asynccontextmanager
async def open_vendor(ready: Ready) -> AsyncIterator[httpx.AsyncClient]:
    """A signed-in client of the emulator."""
    async with httpx.AsyncClient(base_url=ready.base_url) as client:
        form = {"grant_type": "client_credentials", "client_id": ready.client_id, "client_secret": ready.client_secret}
        token = (await client.post("/v2/auth/token", data=form)).raise_for_status().json()["access_token"]
        client.headers["Authorization"] = f"Bearer {token}"
        yield client


async def read_vendor(ready: Ready, *, with_history: bool = True) -> Raw:
    async with open_vendor(ready) as client:
        rows = {stream: await _read_list(client, stream) for stream in STREAMS}
        history = {}
        for application in rows["applications"] if with_history else ():
            path = f"/v2/recruiting/applications/{application['id']}/stage-transitions"
            history[application["id"]] = (await client.get(path)).raise_for_status().json()["_data"]
    return Raw(rows, history)


async def _read_list(client: httpx.AsyncClient, stream: str) -> list[Json]:
    found: list[Json] = []
    asked = f"/v2/recruiting/{stream}" + ("" if stream == "categories" else "?limit=200")
    while asked:
        page = (await client.get(asked)).raise_for_status().json()
        found += page["_data"]
        asked = page["_meta"]["links"].get("next", {}).get("href")
    return found


def expect_records(raw: Raw, connector: UUID) -> dict[str, dict[str, Json]]:
    """By plural and vendor id: the records the API must serve, without modified_at."""
    found: dict[str, dict[str, Json]] = {spec.plural: {} for spec in NATIVE_MODELS.values()}

    def ours(model: str, remote_id: str) -> str:
        return str(uuid5(connector, f"{model}:{remote_id}"))

    def tell(model: str, row: Json, **fields: Any) -> None:
        spec = MODELS[model]
        record = {field.name: None for field in spec.fields}
        record |= {"id": ours(model, row["id"]), "remote_id": row["id"], "custom_fields": None, "raw_data": row}
        assert fields.keys() <= record.keys()
        found[spec.plural][row["id"]] = {**record, **fields}

    for category in raw.rows["categories"]:
        for place, stage in enumerate(category["stages"]):
            if stage.get("id") is not None:
                tell("job_interview_stage", stage, name=stage["name"], stage_order=place)
    for job in raw.rows["jobs"]:
        team = job.get("hiring_team")
        by_role: dict[str, list[str]] = {"hiring manager": [], "recruiter": []}
        for member in team or ():
            tell("remote_user", member["person"])
            by_role.setdefault(member["role"]["name"].lower(), []).append(ours("remote_user", member["person"]["id"]))
        department = job.get("department")
        if department:
            tell("department", department, name=department["name"])
        tell(
            "job",
            job,
            name=job["name"],
            departments=[ours("department", department["id"])] if department else None,
            hiring_managers=None if team is None else by_role["hiring manager"],
            recruiters=None if team is None else by_role["recruiter"],
            remote_created_at=read_moment(job["created_at"]),
            remote_updated_at=read_moment(job["updated_at"]),
        )
    applications: dict[str, list[str]] = {person["id"]: [] for person in raw.rows["candidates"]}
    for row in sorted(raw.rows["applications"], key=lambda row: int(row["id"])):
        applications.setdefault(row["candidate"]["id"], []).append(ours("application", row["id"]))
    for person in raw.rows["candidates"]:
        profile = person.get("linkedin_profile")
        tell(
            "candidate",
            person,
            first_name=person["first_name"] or None,
            last_name=person["last_name"] or None,
            email_addresses=_one(person["email"]),
            phone_numbers=_one(person.get("phone")),
            locations=_one(person.get("location")),
            urls=[{"value": profile, "type": "LINKEDIN", "url_type": "SOCIAL_MEDIA"}] if profile else None,
            applications=applications[person["id"]],
            remote_created_at=read_moment(person["created_at"]),
            remote_updated_at=read_moment(person["updated_at"]),
        )
    for row in raw.rows["applications"]:
        stage = row["current_stage"]
        history = raw.history[row["id"]] if stage["type"] in CLOSING else []
        stages = [step["stage"] for step in history] or [stage]
        numbered = [stage["id"] for stage in stages if stage.get("id") is not None]
        rejections = [step["entered_at"] for step in history if step["stage"]["type"] == "REJECTED"]
        is_rejected = stage["type"] == "REJECTED"
        tell(
            "application",
            row,
            candidate=ours("candidate", row["candidate"]["id"]),
            job=ours("job", row["job"]["id"]),
            applied_at=row["application_date"] + "T00:00:00Z",
            rejected_at=read_moment(rejections[0]) if is_rejected else None,
            source=row["channel"]["name"] if "channel" in row else None,
            current_stage=ours("job_interview_stage", numbered[0]) if numbered else None,
        )
    return found


def _one(value: str | None) -> list[str] | None:
    return [value] if value else None


def read_moment(value: Any) -> str:
    text = value["date-time"] if isinstance(value, dict) else value
    return datetime.fromisoformat(text).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


async def read_served(api: httpx.AsyncClient, *, raw: bool = True) -> dict[str, dict[str, Json]]:
    """By plural and vendor id: everything served, without modified_at. Nothing may come twice."""
    served: dict[str, dict[str, Json]] = {}
    for spec in NATIVE_MODELS.values():
        items = await read_all(api, spec.plural, include_raw_data=raw)
        for item in items:
            del item["modified_at"]
        served[spec.plural] = {item["remote_id"]: item for item in items}
        assert len(served[spec.plural]) == len(items)
    return served


def check_same(served: dict[str, dict[str, Json]], expected: dict[str, dict[str, Json]]) -> None:
    """As an assertion of the whole, but the first difference is told, not thousands of lines."""
    for plural, records in expected.items():
        missing, surplus = records.keys() - served[plural].keys(), served[plural].keys() - records.keys()
        assert not missing, f"{plural} not served: {sorted(missing)[:5]}"
        assert not surplus, f"{plural} served, but not there: {sorted(surplus)[:5]}"
        for remote_id, record in records.items():
            found = served[plural][remote_id]
            assert found.keys() == record.keys(), f"{plural} {remote_id}: {found.keys() ^ record.keys()}"
            odd = {name: (found[name], value) for name, value in record.items() if found[name] != value}
            assert not odd, f"{plural} {remote_id}, served and expected: {odd}"


async def read_versions(pool: Pool) -> dict[str, list[Any]]:
    """Every row that syncing may write, with the transaction that wrote it."""
    tables = ("record", "record_key", "detail", "quarantine", "connector")
    return {
        table: [tuple(row) for row in await pool.fetch(f"SELECT xmin::text, ctid::text FROM {table} ORDER BY 1, 2")]
        for table in tables
    }
