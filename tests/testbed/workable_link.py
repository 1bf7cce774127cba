"""A Workable sandbox, a connector to it and a client of the API: what is there, what is served, syncs between."""

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any

from testbed.ashby_link import NO_LIMIT
from testbed.databases import Databases
from testbed.tenants import Tenant, make_tenant
from testbed.vendor_link import VendorLink, flatten, link_vendor
from testbed.workable_expected import Raw, Records, expect_records, read_vendor
from testbed.workable_line import Row, WorkableLine
from unihire.cli.demo.pasting import pick_credentials
from unihire.integration.registry import get_integration
from unihire.kit.seal import Sealer
from unihire.sandbox.runner import Ready
from unihire.store import Pool


async def make_workable_tenant(pool: Pool, sealer: Sealer, ready: Ready) -> Tenant:
    integration = get_integration("workable")
    return await make_tenant(
        pool, sealer, integration=integration, base_url=ready.base_url, credentials=pick_credentials(integration, ready)
    )


@dataclass
class WorkableLink(VendorLink):
    """`raw` is the vendor's as last looked at."""

    slug = "workable"
    options = NO_LIMIT

    raw: Raw | None = None

    @property
    def line(self) -> WorkableLine:
        """The same emulator, asked without a socket."""
        return WorkableLine(self.sandbox.app)

    def list_rows(self, stream: str) -> list[Row]:
        assert self.raw is not None, "look first"
        return self.raw.rows[stream]

    async def look(self) -> None:
        self.is_settled = False
        self.raw = read_vendor(self.line)
        self.expected = expect_records(self.raw, self.tenant.connector.id)

    async def list_asked(self) -> list[str]:
        return [entry["path"] for entry in (await self.control.get("requests")).json()["last"]]

    def view(self, records: Records) -> Records:
        return leave_out_links(flatten(records))


def leave_out_links(records: Records) -> Records:
    """Of the addresses of files what is not signed: each answer signs them anew."""
    files = {
        id: {**one, "file_url": cut(one["file_url"]), "raw_data": None} for id, one in records["attachments"].items()
    }
    offers = {id: {**one, "raw_data": None} for id, one in records["offers"].items()}
    return {**records, "attachments": files, "offers": offers}


def cut(address: str | None) -> str | None:
    return None if address is None else address.partition("?")[0].partition("/files/")[2]


def link_workable(databases: Databases, sealer: Sealer, **settings: Any) -> AbstractAsyncContextManager[WorkableLink]:
    """As `link_vendor`."""
    return link_vendor(WorkableLink, make_workable_tenant, databases, sealer, **settings)
