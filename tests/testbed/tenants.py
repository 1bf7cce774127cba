"""Organisations with a key and a connector, and clients of the API that carry both."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx
import msgspec
from starlette.applications import Starlette

from testbed.vendor import ACME, IMPATIENT
from unihire.app import create_app
from unihire.integration.declare import Integration
from unihire.kit.seal import Sealer
from unihire.platform.access import SCOPES
from unihire.platform.connectors import create_connector, open_client
from unihire.platform.organisations import create_key, ensure_organisation
from unihire.settings import Settings
from unihire.store import Pool
from unihire.store.accounts.tenancy import Connector, get_connector
from unihire.sync.run import Report, sync_connector


@dataclass(frozen=True, slots=True)
class Tenant:
    """A connector with what opens it."""

    pool: Pool
    organisation: UUID
    key_id: UUID
    key: str
    connector: Connector
    token: str
    integration: Integration
    credentials: dict[str, str]

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}", "X-Connector-Token": self.token}

    async def sync(self, **settings: Any) -> Report:
        """A sync run, impatient with a vendor that does not answer; `clock` is the one of this process."""
        client = open_client(
            self.integration,
            self.credentials,
            self.connector.base_url,
            is_base_url_trusted=True,
            retry=IMPATIENT,
            clock=settings.pop("clock", None),
        )
        return await sync_connector(self.pool, self.connector, self.integration, client, **settings)


async def make_tenant(
    pool: Pool,
    sealer: Sealer,
    *,
    organisation: str = "Example",
    environment: str = "production",
    integration: Integration = ACME,
    base_url: str | None = None,
    credentials: dict[str, str] | None = None,
) -> Tenant:
    credentials = credentials or {"client_id": "id", "client_secret": "secret-of-the-vendor"}
    owner = await ensure_organisation(pool, organisation)
    key_id, key = await create_key(pool, owner, environment, "test", scopes=SCOPES)
    made = await create_connector(
        pool,
        sealer,
        organisation=owner,
        environment=environment,
        integration=integration,
        end_user="Customer Ltd",
        credentials=credentials,
        base_url=base_url,
        is_base_url_trusted=base_url is not None,
    )
    connector = await get_connector(pool, made.id)
    assert connector is not None
    return Tenant(pool, owner, key_id, key, connector, made.token, integration, credentials)


@asynccontextmanager
async def serve_app(app: Starlette) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the app with its background tasks running; an error inside the app is a 500, as on a socket."""
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://api") as client,
    ):
        yield client


@asynccontextmanager
async def open_api(
    settings: Settings, tenant: Tenant, sealer: Sealer | None = None
) -> AsyncIterator[httpx.AsyncClient]:
    """A client of an app of its own, carrying the tenant's key and token."""
    async with serve_app(create_app(settings, tenant.pool, sealer)) as client:
        client.headers.update(tenant.headers)
        yield client


async def read_all(
    client: httpx.AsyncClient, plural: str, *, page_size: int = 100, **params: Any
) -> list[dict[str, Any]]:
    """Every record of a list, page by page."""
    return await read_pages(client, f"/api/ats/v1/{plural}", page_size=page_size, **params)


async def read_pages(client: httpx.AsyncClient, path: str, **params: Any) -> list[dict[str, Any]]:
    """Every item of a list with cursors, page by page. A list that leads back to where it was fails at once."""
    items: list[dict[str, Any]] = []
    cursors: list[str] = []
    cursor: str | None = None
    while cursor not in cursors:
        cursors += [] if cursor is None else [cursor]
        answer = await client.get(path, params={**params, **({"cursor": cursor} if cursor else {})})
        assert answer.status_code == 200, answer.text
        page = msgspec.json.decode(answer.content)
        assert page["page_size"] == len(page["items"])
        items += page["items"]
        cursor = page["cursor"]
        if cursor is None:
            return items
    raise AssertionError(f"{path} goes round: the page after {cursor} has been read before")
