"""A company that has its customers connect themselves, beside a vendor's emulator that its links reach."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx
from starlette.applications import Starlette

from testbed.ashby_link import AshbyLink
from testbed.databases import Databases
from testbed.harvest import NO_LIMITS
from testbed.lever_link import LeverLink
from testbed.linking import LinkBrowser, create_link, pick_entered
from testbed.small_company import SMALL, start_small
from testbed.tenants import serve_app
from testbed.vendor import IMPATIENT
from testbed.workable_link import WorkableLink
from unihire.app import create_app
from unihire.integration.registry import get_integration
from unihire.kit.seal import Sealer
from unihire.platform.connectors import open_client
from unihire.platform.linking.link_rules import save_base_url, save_partner
from unihire.platform.organisations import create_key, ensure_organisation
from unihire.sandbox.runner import RunningSandbox
from unihire.store import Pool
from unihire.store.accounts.tenancy import get_connector
from unihire.sync.run import sync_connector

OPTIONS = {"greenhouse": NO_LIMITS, **{kind.slug: kind.options for kind in (AshbyLink, LeverLink, WorkableLink)}}
"""Of emulators that limit calls by default."""


@dataclass
class Company:
    """The company that has the page, with a vendor's emulator that its links reach."""

    client: httpx.AsyncClient
    pool: Pool
    key: str
    organisation: UUID
    sandbox: RunningSandbox
    slug: str
    entered: dict[str, str]

    async def link(self, **body: Any) -> LinkBrowser:
        browser = LinkBrowser(self.client, await create_link(self.client, self.key, **body))
        await browser.load()
        return browser

    async def exchange(self, token: str | None) -> httpx.Response:
        return await self.client.get(
            f"/api/embedded/v1/connectors/connector_token/{token}", headers={"Authorization": f"Bearer {self.key}"}
        )

    async def list_connectors(self, key: str | None = None) -> list[dict[str, Any]]:
        headers = {"Authorization": f"Bearer {key or self.key}"}
        answer = await self.client.get("/api/ats/v1/connectors", headers=headers)
        items: list[dict[str, Any]] = answer.json()["items"]
        return items

    async def sync(self, id: str) -> str:
        connector = await get_connector(self.pool, UUID(id))
        assert connector is not None
        client = open_client(
            get_integration(self.slug), self.entered, connector.base_url, is_base_url_trusted=True, retry=IMPATIENT,
            keeps_rates=False,
        )  # fmt: skip
        return (await sync_connector(self.pool, connector, get_integration(self.slug), client)).status

    async def control(self, method: str, path: str, **options: Any) -> None:
        async with httpx.AsyncClient(base_url=self.sandbox.ready.control_url) as control:
            (await control.request(method, path, **options)).raise_for_status()


@asynccontextmanager
async def open_company(
    databases: Databases,
    pool: Pool,
    sealer: Sealer,
    slug: str,
    *,
    serve: Callable[[Starlette], AbstractAsyncContextManager[httpx.AsyncClient]] = serve_app,
    has_partner: bool = False,
) -> AsyncIterator[Company]:
    """`has_partner`: links offer consent, too, where the vendor has partners."""
    with start_small(slug, size=SMALL, options=OPTIONS.get(slug, {})) as sandbox:
        organisation = await ensure_organisation(pool, "Example")
        _, key = await create_key(pool, organisation, "production", "test")
        await save_base_url(pool, organisation, "production", slug, sandbox.ready.base_url)
        if has_partner:
            known = sandbox.ready.list_credentials()
            given = {name: known[name] for name in ("client_id", "client_secret")}
            await save_partner(pool, sealer, organisation, "production", slug, given)
        settings = databases.settings("migrated", documented_rates=False)
        async with serve(create_app(settings, pool, sealer)) as client:
            entered = pick_entered(slug, sandbox.ready)
            yield Company(client, pool, key, organisation, sandbox, slug, entered)
