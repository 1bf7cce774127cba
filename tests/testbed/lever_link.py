"""A Lever sandbox, a connector to it and a client of the API: what is there, what is served, and syncs between."""

from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from dataclasses import dataclass, replace
from typing import Any

from testbed.databases import Databases
from testbed.harvest_link import Served
from testbed.lever_expected import OWN, Records, expect_records, read_vendor
from testbed.lever_expected_below import LeverRaw
from testbed.lever_line import LeverLine
from testbed.tenants import Tenant, make_tenant
from testbed.vendor_link import VendorLink, ask_for_all_details, link_vendor
from unihire.integration.declare import Integration
from unihire.integration.registry import get_integration
from unihire.kit.seal import Sealer
from unihire.model import MODELS
from unihire.sandbox.runner import Ready
from unihire.store import Pool

NO_LEVER_LIMIT = {"rate_limit": "0", "apply_limit": "0"}


async def make_lever_tenant(pool: Pool, sealer: Sealer, ready: Ready) -> Tenant:
    """A connector that calls as fast as it can: the emulator has no limit, and the vendor's is only documented."""
    made = await make_tenant(
        pool,
        sealer,
        integration=get_integration("lever"),
        base_url=ready.base_url,
        credentials={"api_key": ready.list_credentials()["api_key"]},
    )
    return replace(made, integration=replace(made.integration, budget_rule=None))


def read_all_again(integration: Integration) -> Integration:
    """The same, with no row whose details are never due again."""
    streams = [
        replace(one, details=tuple(replace(detail, again=lambda row: True) for detail in one.details))
        for one in integration.streams
    ]
    return replace(integration, streams=tuple(streams))


@dataclass
class LeverLink(VendorLink):
    """`raw` is the vendor's as last looked at."""

    slug = "lever"
    options = NO_LEVER_LIMIT

    raw: LeverRaw | None = None

    @property
    def line(self) -> LeverLine:
        """The same emulator, asked without a socket."""
        return LeverLine(self.sandbox.app, origin=self.sandbox.ready.base_url.removesuffix("/v1"))

    def list_rows(self, stream: str) -> list[dict[str, Any]]:
        """Rows of a list, or all that belongs to opportunities of a kind."""
        assert self.raw is not None, "look first"
        if stream in self.raw.rows:
            return self.raw.rows[stream]
        return [row for (kind, _), rows in self.raw.below.items() if kind == stream for row in rows]

    def list_of_open(self, kind: str) -> list[dict[str, Any]]:
        """What belongs to opportunities that are not archived: a slow cycle reads it again."""
        assert self.raw is not None, "look first"
        is_open = {row["id"]: row["archived"] is None for row in self.raw.rows["opportunities"]}
        return [row for (one, id), rows in self.raw.below.items() if one == kind and is_open[id] for row in rows]

    async def look(self) -> None:
        self.is_settled = False
        self.raw = read_vendor(self.line)
        self.expected = settle_order(expect_records(self.raw, self.tenant.connector.id))

    async def read_served(self) -> Served:
        served = await super().read_served()
        return Served(settle_order(served.records), served.times)

    @contextmanager
    def ask_for_everything(self) -> Iterator[None]:
        """Also those of what is archived, which otherwise stay unread."""
        tenant = self.tenant
        self.tenant = replace(tenant, integration=read_all_again(tenant.integration))
        try:
            with ask_for_all_details():
                yield
        finally:
            self.tenant = tenant

    async def wait_an_hour(self) -> None:
        """Not here: what was deleted is asked for by our clock, from which the vendor's must not differ."""

    def count_rows_served(self) -> dict[str, tuple[int, int]]:
        served = {stream: len(self.served.records[MODELS[model].plural]) for stream, model in OWN.items()}
        return {stream: (count, len(self.list_rows(stream))) for stream, count in served.items()}


SETS = ("applications", "sources", "tags", "urls")
"""Lists of a candidate that join those of opportunities: in no order of their own."""


def settle_order(records: Records) -> Records:
    """With such lists in one order, and without how often tags and sources are used, which is no part of them."""
    found = drop_counts(records)
    found["candidates"] = {id: _sort(record) for id, record in records["candidates"].items()}
    return found


def _sort(record: dict[str, Any]) -> dict[str, Any]:
    more = {name: _order(name, value) for name, value in record["more"].items()}
    return {**{name: _order(name, value) for name, value in record.items()}, "more": more}


def _order(name: str, value: Any) -> Any:
    return sorted(value, key=str) if name in (*SETS, "tag_records") and value else value


def drop_counts(records: Records) -> Records:
    for plural in ("tags", "sources"):
        for record in records[plural].values():
            record["raw_data"] = {**record["raw_data"], "count": 0}
    return records


def link_lever(databases: Databases, sealer: Sealer, **settings: Any) -> AbstractAsyncContextManager[LeverLink]:
    """As `link_vendor`."""
    return link_vendor(LeverLink, make_lever_tenant, databases, sealer, **settings)
