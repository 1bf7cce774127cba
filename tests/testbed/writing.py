"""Writes through the unified API on a synced connector to a sandbox, and every write of a vendor as a case."""

import itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import httpx

from testbed.databases import Databases
from testbed.small_company import start_small
from testbed.tenants import Tenant, make_tenant, open_api, read_all
from unihire.app import make_writes
from unihire.dialects.bindbee.write_routes import WRITE_PATHS, WritePath
from unihire.integration.registry import get_integration, list_volatile_models
from unihire.kit.seal import Sealer
from unihire.model import MODELS
from unihire.outbound.client import Retry
from unihire.platform.access import Scope
from unihire.platform.clients import Clients
from unihire.platform.connectors import open_client, open_credentials
from unihire.platform.writing.unified_writes import UnifiedWrites, WriteRequest
from unihire.sandbox.runner import RunningSandbox

Json = dict[str, Any]

HASTY = Retry(attempts=3, first=0.01, longest=0.05, timeout=5.0)

OPTIONS = {
    "ashby": {"rate_limit": "0"},
    "lever": {"rate_limit": "0", "apply_limit": "0"},
    "greenhouse": {"rate_limit": "0", "token_rate_limit": "0"},
    "personio": {"v1_application_requests": "0", "v1_document_requests": "0"},
    "workable": {"rate_limit": "0"},
}

NUMBERS = itertools.count(1)


@dataclass
class Writing:
    """A synced connector; `api` is the whole application, `records` has what was synced, by plural."""

    tenant: Tenant
    api: httpx.AsyncClient
    sandbox: RunningSandbox
    databases: Databases
    sealer: Sealer
    records: dict[str, list[Json]] = field(default_factory=dict)

    @property
    def scope(self) -> Scope:
        connector = self.tenant.connector
        return Scope(connector.id, connector.number, list_volatile_models(connector.integration))

    @asynccontextmanager
    async def open_writes(self) -> AsyncIterator[UnifiedWrites]:
        """What a process does writes with, of its own."""

        def open_hastily(connector: Any) -> Any:
            credentials = open_credentials(connector, self.sealer)
            return open_client(
                self.tenant.integration, credentials, connector.base_url, is_base_url_trusted=True, retry=HASTY
            )

        clients = Clients(open_hastily)
        try:
            yield make_writes(self.databases.settings("migrated"), self.tenant.pool, clients)
        finally:
            await clients.close()

    def request(self, model: str, verb: str, data: Json, *, target: str | None = None, **more: Any) -> WriteRequest:
        return WriteRequest(
            connector=self.tenant.connector, scope=self.scope, model=MODELS[model], verb=verb, data=data, target=target,
            **more,
        )  # fmt: skip

    def count_rows(self) -> dict[str, Any]:
        """How many rows of each kind the vendor has."""
        return {name: rows.count() for name, rows in self.sandbox.app.emulator.streams.items()}

    async def look(self, *plurals: str) -> None:
        for plural in plurals:
            self.records[plural] = await read_all(self.api, plural)

    async def forget_claims(self) -> None:
        """As if the processes that worked on writes had died long ago."""
        await self.tenant.pool.execute("UPDATE unified_write SET claimed_until = NULL")
        await self.tenant.pool.execute("UPDATE operation_write SET sent_at = now() - '1 hour'::interval WHERE is_open")


@asynccontextmanager
async def open_writing(
    databases: Databases, sealer: Sealer, slug: str, *, size: int = 100, keeps_rates: bool = True, **options: str
) -> AsyncIterator[Writing]:
    """`keeps_rates`: whether the rates that the vendor only documents are kept."""
    chosen = {**OPTIONS[slug], **options}
    with start_small(slug, size=size, seed=5, options=chosen) as sandbox:
        ready = sandbox.ready
        credentials = {
            "client_id": ready.client_id, "client_secret": ready.client_secret,
            **sandbox.app.emulator.credentials.others,
        }  # fmt: skip
        async with databases.open() as pool:
            tenant = await make_tenant(
                pool, sealer, integration=get_integration(slug), base_url=ready.base_url, credentials=credentials
            )
            if not keeps_rates:
                tenant = replace(tenant, integration=replace(tenant.integration, budget_rule=None))
            settings = databases.settings("migrated").model_copy(update={"documented_rates": keeps_rates})
            async with open_api(settings, tenant, sealer) as api:
                await tenant.sync()
                writing = Writing(tenant, api, sandbox, databases, sealer)
                await writing.look("jobs", "candidates", "applications", "job-interview-stages", "remote-users")
                yield writing


@dataclass(frozen=True, slots=True)
class WriteCase:
    """One write: what makes its target and body anew, so that it can be done again and again."""

    model: str
    verb: str
    make: Callable[[Writing], Awaitable[tuple[Json, str | None]]]
    within: str | None = None

    @property
    def name(self) -> str:
        return f"{self.model}.{self.verb}{'' if self.within is None else ' of a ' + self.within}"


def draw_name() -> str:
    return f"Ex{next(NUMBERS)}"


def find_open_job(writing: Writing) -> Json:
    return next(job for job in writing.records["jobs"] if job["status"] in ("OPEN", None))


def list_stages(writing: Writing, job: str) -> list[Json]:
    stages = [stage for stage in writing.records["job-interview-stages"] if stage["job"] == job]
    return sorted(stages, key=lambda stage: stage["stage_order"] or 0)


async def create_candidate(writing: Writing, **more: Any) -> Json:
    name = draw_name()
    body = {"first_name": "Kim", "last_name": name, "email_addresses": [f"{name.lower()}@example.com"], **more}
    answer = await writing.api.post("/api/ats/v1/candidates", json=body)
    assert answer.status_code == 200, answer.text
    found: Json = answer.json()
    return found


async def create_applicant(writing: Writing) -> tuple[Json, str]:
    """A candidate, and the id of the application to an open job."""
    made = await create_candidate(writing, job=find_open_job(writing)["id"])
    return made, made["applications"][0]


def find_path(model: str, verb: str) -> WritePath:
    return next(path for path in WRITE_PATHS if (path.model, path.verb, path.within) == (model, verb, None))


async def send(writing: Writing, model: str, verb: str, body: Json, target: str | None = None) -> Any:
    """The answer to a write over HTTP."""
    path = find_path(model, verb)
    url = f"/api/ats/v1/{path.path.format(id=target, name=body.get('name'))}"
    return await writing.api.request(path.method, url, json=None if path.member == "name" else body)


COUNTED = ("rows", "created", "deleted")


def find_difference(before: Json, after: Json) -> Json:
    """By how much the vendor has more rows of each kind."""
    counted = {name: {kind: after[name][kind] - before[name][kind] for kind in COUNTED} for name in after}
    return {name: more for name, more in counted.items() if any(more.values())}
