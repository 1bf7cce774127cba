"""Unified writes on a connector to a Personio sandbox, over a line that loses answers when told to."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx

from testbed.databases import Databases
from testbed.losing import Line, run_line
from testbed.personio_v1 import APPLICATIONS, Company, Json, serve_company
from testbed.tenants import Tenant, make_tenant
from unihire.cli.demo.pasting import pick_credentials
from unihire.errors import VendorError
from unihire.integration.registry import get_integration, list_writes
from unihire.integration.vendor_row import VendorRow
from unihire.integration.write import Given
from unihire.kit.seal import Sealer
from unihire.outbound.client import Retry
from unihire.platform.connectors import open_client
from unihire.platform.context_live import LiveContext
from unihire.platform.writing.planning import DryContext
from unihire.store.calls.operations import WriteStep
from unihire.sync.rows_by_id import sync_rows_by_id

HASTY = Retry(attempts=3, first=0.01, longest=0.05, timeout=20.0)


@dataclass
class Written:
    """What a write came to. `id` is the row's, `refused` the parts the vendor refused, by step."""

    row: VendorRow
    touched: dict[str, list[str]]
    refused: Mapping[str, VendorError]
    made: dict[str, Any]

    @property
    def id(self) -> str:
        return self.row.get_text("id")


@dataclass
class Writing:
    """`credentials` are all that the sandbox has, until a test takes some away."""

    company: Company
    line: Line
    tenant: Tenant
    credentials: dict[str, str] = field(default_factory=dict)

    async def write(
        self,
        name: str,
        input: Any,
        params: Any = None,
        *,
        steps: dict[str, WriteStep] | None = None,
        patience: float | None = None,
        is_read_back: bool = False,
        **credentials: str,
    ) -> Written:
        """Do one write, `candidate.create`; `steps` are those of an earlier try, and become those of this one."""
        tenant, model, verb = self.tenant, *name.split(".")
        given = {**self.credentials, **credentials}
        known = {} if steps is None else steps

        async def save(_: Mapping[str, WriteStep]) -> None:
            pass

        client = open_client(
            tenant.integration, {name: text for name, text in given.items() if text}, self.line.base_url,
            is_base_url_trusted=True, retry=HASTY, patience=patience,
        )  # fmt: skip
        async with client:
            context = LiveContext(
                pool=tenant.pool, client=client, connector=tenant.connector, integration=tenant.integration,
                steps=known, save_steps=save,
            )  # fmt: skip
            row = await list_writes("personio")[model, verb].run(context, Given(input=input, params=params))
            if is_read_back:
                await sync_rows_by_id(tenant.pool, tenant.connector, tenant.integration, client, context.touched)
        return Written(row, context.touched, context.refused, context.report_progress().made)

    async def plan(self, name: str, input: Any) -> list[Json]:
        """What a dry run of a write would send."""
        tenant, model, verb = self.tenant, *name.split(".")
        client = open_client(
            tenant.integration, self.credentials, self.line.base_url, is_base_url_trusted=True, retry=HASTY
        )
        async with client:
            live = LiveContext(
                pool=tenant.pool, client=client, connector=tenant.connector, integration=tenant.integration, steps={},
                save_steps=lambda _: asyncio.sleep(0),
            )  # fmt: skip
            context = DryContext(live)
            await list_writes("personio")[model, verb].run(context, Given(input=input))
        return context.calls

    @property
    def sent(self) -> int:
        """How many applications were sent."""
        return self.line.count(APPLICATIONS)

    def find_applications(self, email: str) -> list[Json]:
        return self.company.find_applications(email)

    def read_submission(self, application: str) -> Json:
        """What the vendor was sent, without the ids it made."""
        row: Json = self.company.look(f"rows/submissions/{application}")
        return {name: value for name, value in row.items() if name not in ("id", "candidate_id")}

    def count(self, stream: str) -> int:
        """How many rows of a stream were created."""
        number: int = self.company.look("streams")[stream]["created"]
        return number

    def break_down(self, *faults: Json) -> None:
        """From now on the sandbox has these faults, and no others."""
        httpx.put(self.company.ready.control_url + "faults", json=list(faults)).raise_for_status()

    def change_candidate(self, id: str, **fields: Any) -> None:
        path = f"{self.company.ready.control_url}rows/candidates/{id}"
        httpx.patch(path, json=fields).raise_for_status()

    def find_stages(self, job: str) -> list[Json]:
        category = self.company.v2.get(f"/v2/recruiting/jobs/{job}").json()["category"]["id"]
        stages: list[Json] = self.company.v2.get(f"/v2/recruiting/categories/{category}").json()["stages"]
        return stages


@asynccontextmanager
async def open_writing(databases: Databases, sealer: Sealer) -> AsyncIterator[Writing]:
    """A small company without limits, and a connector to it that was never synced."""
    with serve_company() as company:
        async with run_line(company.ready.base_url) as line, databases.open() as pool:
            credentials = pick_credentials(get_integration("personio"), company.ready)
            tenant = await make_tenant(
                pool, sealer, integration=get_integration("personio"), base_url=line.base_url, credentials=credentials
            )
            yield Writing(company, line, tenant, credentials)
