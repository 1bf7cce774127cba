"""A vendor's sandbox, a connector to it and a client of the API: what is there, what is served, and syncs between."""

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, ClassVar, TypeVar

import httpx
import msgspec
import pytest

from testbed.databases import Databases
from testbed.harvest_link import Served, find_changed, read_served
from testbed.harvest_truth import Records
from testbed.personio import check_same
from testbed.small_company import start_small
from testbed.tenants import Tenant, open_api
from testbed.vendor import IMPATIENT
from unihire.kit.clock import MovableClock
from unihire.kit.seal import Sealer
from unihire.model import MODELS
from unihire.outbound.client import Retry
from unihire.platform.connectors import open_client
from unihire.platform.grants import StoredGrants
from unihire.sandbox.runner import Ready, RunningSandbox
from unihire.store import Pool
from unihire.sync.run import Report, sync_connector

MakeTenant = Callable[[Pool, Sealer, Ready], Awaitable[Tenant]]


@contextmanager
def ask_for_all_details() -> Iterator[None]:
    """Complete reads ask for all details again, not those of one day's rows."""
    today = datetime.now(UTC).toordinal()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("unihire.sync.details.crc32", lambda id: -today)
        yield


@dataclass
class VendorLink(ABC):
    """What each vendor's link does alike. `expected` is what the vendor's rows must become as they were last looked at,
    `served` what was last read here; they are equal, if `is_settled`.
    """

    slug: ClassVar[str]
    options: ClassVar[dict[str, str]]
    """Of the sandbox: those without a limit of calls."""

    sandbox: RunningSandbox
    control: httpx.AsyncClient
    tenant: Tenant
    sealer: Sealer
    api: httpx.AsyncClient
    expected: Records = field(default_factory=dict)
    served: Served = field(default_factory=lambda: Served({}, {}))
    is_settled: bool = False

    @abstractmethod
    async def look(self) -> None:
        """Read what the vendor has now."""

    def count_rows_served(self) -> dict[str, tuple[int, int]]:
        """By stream how many records are served of a model that its rows alone become, and how many rows there are."""
        return {}

    def view(self, records: Records) -> Records:
        """Records as `check` compares them."""
        return flatten(records)

    async def read_served(self) -> Served:
        return await read_served(self.api)

    async def read_records(self) -> Records:
        return (await self.read_served()).records

    async def sync(self, *, full: bool = False, retry: Retry = IMPATIENT) -> Report:
        self.is_settled = False
        tenant, connector = self.tenant, self.tenant.connector
        grants = StoredGrants(
            tenant.pool,
            self.sealer,
            connector=connector.id,
            number=connector.number,
            version=connector.credentials_version,
        )
        client = open_client(
            tenant.integration,
            tenant.credentials,
            connector.base_url,
            is_base_url_trusted=True,
            retry=retry,
            grants=grants,
        )
        return await sync_connector(tenant.pool, connector, tenant.integration, client, full=full)

    async def sync_slow_cycle(self) -> Report:
        """A complete read as on the day on which every detail is asked for again."""
        with self.ask_for_everything():
            return await self.sync(full=True)

    @contextmanager
    def ask_for_everything(self) -> Iterator[None]:
        """Complete reads ask for every detail again."""
        with ask_for_all_details():
            yield

    async def change(self, stream: str, id: str, **fields: Any) -> None:
        (await self.control.patch(f"rows/{stream}/{id}", json=fields)).raise_for_status()

    async def create(self, stream: str, **fields: Any) -> dict[str, Any]:
        made: dict[str, Any] = (await self.control.post(f"rows/{stream}", json=fields)).raise_for_status().json()
        return made

    async def delete(self, stream: str, id: str) -> None:
        (await self.control.delete(f"rows/{stream}/{id}")).raise_for_status()

    async def wait_an_hour(self) -> None:
        """For the vendor: what changes from now on has other moments than what changed before."""
        (await self.control.post("clock", json={"advance_seconds": 3600})).raise_for_status()

    async def settle(self) -> None:
        """Read all of it whole, every detail too, and check it."""
        await self.wait_an_hour()
        assert (await self.sync_slow_cycle()).status == "done"
        await self.look()
        await self.check()

    async def check(self) -> None:
        """What is served is what the rows must become; raises AssertionError where it is not."""
        self.served = await self.read_served()
        check_same(self.view(self.served.records), self.view(self.expected))
        for stream, (served, rows) in self.count_rows_served().items():
            assert served == rows, stream
        self.is_settled = True


def flatten(records: Records) -> Records:
    """With the fields of `more` beside the others, so that a difference shows one of them."""
    return {
        plural: {id: {**record, **(record.get("more") or {}), "more": None} for id, record in items.items()}
        for plural, items in records.items()
    }


def find_fields(records: Records) -> dict[str, set[bytes]]:
    """By `model.field`: the values there are, as JSON."""
    found: dict[str, set[bytes]] = {}
    for model, spec in MODELS.items():
        for record in records[spec.plural].values():
            for name, value in (record | record["more"]).items():
                found.setdefault(f"{model}.{name}", set()).add(msgspec.json.encode(value))
    return found


def find_differing(before: Records, after: Records) -> set[str]:
    """The fields (`jobs.name`) that differ; `jobs.id` of records that are new, `jobs.gone` of those no longer there."""
    old, new = flatten(before), flatten(after)
    return {
        f"{plural}.{name}"
        for plural, id in find_changed(old, new)
        for name, value in new[plural][id].items()
        if old[plural].get(id, {}).get(name, ...) != value
    } | {f"{plural}.gone" for plural, records in old.items() if records.keys() - new[plural].keys()}


Link = TypeVar("Link", bound=VendorLink)


@asynccontextmanager
async def link_vendor(
    kind: type[Link],
    make_tenant: MakeTenant,
    databases: Databases,
    sealer: Sealer,
    *,
    pool: Pool | None = None,
    **settings: Any,
) -> AsyncIterator[Link]:
    """A sandbox of these settings, its connector never synced, in this database or in one of its own."""
    options = {**kind.options, **settings.pop("options", {})}
    async with AsyncExitStack() as stack:
        chosen = await stack.enter_async_context(databases.open()) if pool is None else pool
        started = {"clock": MovableClock(), "options": options, **settings}
        sandbox = stack.enter_context(start_small(kind.slug, **started))
        control = await stack.enter_async_context(httpx.AsyncClient(base_url=sandbox.ready.control_url))
        tenant = await make_tenant(chosen, sealer, sandbox.ready)
        api = await stack.enter_async_context(open_api(databases.settings("migrated"), tenant))
        yield kind(sandbox, control, tenant, sealer, api)
