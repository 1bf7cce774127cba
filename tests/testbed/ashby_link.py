"""An Ashby sandbox, a connector to it and a client of the API: what is there, what is served, and syncs between."""

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from typing import Any

from testbed.ashby import AshbyLine
from testbed.ashby_expected import OWN, Raw, expect_records, read_vendor
from testbed.databases import Databases
from testbed.tenants import Tenant, make_tenant
from testbed.vendor_link import VendorLink, link_vendor
from unihire.integration.registry import get_integration
from unihire.kit.seal import Sealer
from unihire.model import MODELS
from unihire.sandbox.runner import Ready
from unihire.store import Pool

NO_LIMIT = {"rate_limit": "0"}


async def make_ashby_tenant(pool: Pool, sealer: Sealer, ready: Ready) -> Tenant:
    """A connector that calls as fast as it can: the emulator has no limit, and the vendor's is only documented."""
    made = await make_tenant(
        pool,
        sealer,
        integration=get_integration("ashby"),
        base_url=ready.base_url,
        credentials={"api_key": ready.list_credentials()["api_key"]},
    )
    return replace(made, integration=replace(made.integration, budget_rule=None))


@dataclass
class AshbyLink(VendorLink):
    """`raw` is the vendor's as last looked at."""

    slug = "ashby"
    options = NO_LIMIT

    raw: Raw | None = None

    @property
    def line(self) -> AshbyLine:
        """The same emulator, asked without a socket."""
        return AshbyLine(self.sandbox.app)

    def list_rows(self, stream: str) -> list[dict[str, Any]]:
        assert self.raw is not None, "look first"
        return self.raw.rows[stream]

    async def look(self) -> None:
        self.is_settled = False
        self.raw = read_vendor(self.line)
        self.expected = expect_records(self.raw, self.tenant.connector.id)

    def count_rows_served(self) -> dict[str, tuple[int, int]]:
        served = {stream: len(self.served.records[MODELS[model].plural]) for stream, model in OWN.items()}
        return {stream: (count, len(self.list_rows(stream))) for stream, count in served.items()}


def link_ashby(databases: Databases, sealer: Sealer, **settings: Any) -> AbstractAsyncContextManager[AshbyLink]:
    """As `link_vendor`."""
    return link_vendor(AshbyLink, make_ashby_tenant, databases, sealer, **settings)
