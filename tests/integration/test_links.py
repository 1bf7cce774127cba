"""Customers connect themselves, with nothing but the API and the page, at every vendor there is."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx
import pytest

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
from unihire.integration.registry import get_integration, list_integrations
from unihire.kit.seal import Sealer
from unihire.platform.connectors import open_client
from unihire.platform.linking.link_rules import save_base_url
from unihire.platform.organisations import create_key, ensure_organisation
from unihire.sandbox.runner import RunningSandbox
from unihire.store import Pool
from unihire.store.accounts.tenancy import get_connector
from unihire.sync.run import sync_connector

SLUGS = [one.slug for one in list_integrations()]

OPTIONS = {"greenhouse": NO_LIMITS, **{kind.slug: kind.options for kind in (AshbyLink, LeverLink, WorkableLink)}}
"""Of emulators that limit calls by default."""

CLOSED = {
    "ashby": ("/offer.list", "Offers"),
    "greenhouse": ("/v3/offers", "Offers"),
    "lever": ("/v1/tags", "Tags"),
    "personio": ("/v2/recruiting/categories", "Interview stages"),
    "workable": ("/spi/v3/events", "Interviews"),
}
"""The path of a list that a permission is missing for, and what a customer knows it as."""


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
    databases: Databases, pool: Pool, sealer: Sealer, slug: str, **options: Any
) -> AsyncIterator[Company]:
    with start_small(slug, size=SMALL, options=OPTIONS.get(slug, {}), **options) as sandbox:
        organisation = await ensure_organisation(pool, "Example")
        _, key = await create_key(pool, organisation, "production", "test")
        await save_base_url(pool, organisation, "production", slug, sandbox.ready.base_url)
        settings = databases.settings("migrated", documented_rates=False)
        async with serve_app(create_app(settings, pool, sealer)) as client:
            entered = pick_entered(slug, sandbox.ready)
            yield Company(client, pool, key, organisation, sandbox, slug, entered)


@pytest.mark.parametrize("slug", SLUGS)
async def test_customer_connects_reads_and_relinks(databases: Databases, pool: Pool, sealer: Sealer, slug: str) -> None:
    async with open_company(databases, pool, sealer, slug) as company:
        browser = await company.link()
        assert "Which recruiting system" in browser.page.text
        page = await browser.send("pick", integration=slug)
        secret = next(one.name for one in get_integration(slug).list_credentials() if one.is_secret)

        page = await browser.enter(**{**company.entered, secret: "wrong-" + "0" * 32})
        assert page.status == 422
        assert "does not accept these credentials" in page.text
        assert "wrong-000" not in page.response.text
        assert (await company.list_connectors())[0]["status"] == "INCOMPLETE"

        closed, known_as = CLOSED[slug]
        await company.control("PUT", "faults", json=[{"word": "403", "path": closed}])
        page = await browser.enter(**company.entered)
        assert page.status == 200, page.text
        assert "Missing permissions" in page.text
        assert known_as in page.text
        permission = next(one.permission for one in get_integration(slug).streams if closed.endswith(one.path))
        assert permission is not None
        assert permission in page.text
        await company.control("PUT", "faults", json=[])
        page = await browser.send("check")
        assert "Everything that is needed can be read" in page.text
        page = await browser.send("connect")
        assert "is connected" in page.text

        incomplete = await company.list_connectors()
        exchanged = await company.exchange(page.temporary_token)
        assert exchanged.status_code == 200, exchanged.text
        made = exchanged.json()
        assert [(one["id"], one["status"], one["origin_id"]) for one in incomplete] == [
            (made["connector_id"], "COMPLETE", "customer-1")
        ]
        assert (await company.exchange(page.temporary_token)).status_code == 404

        assert await pool.fetchval("SELECT count(*) FROM sync_run") == 1  # the first sync is asked for
        assert await company.sync(made["connector_id"]) == "done"
        headers = {"Authorization": f"Bearer {company.key}", "X-Connector-Token": made["connector_token"]}
        records = (await company.client.get("/api/ats/v1/candidates", headers=headers)).json()["items"]
        assert records

        await pool.execute("UPDATE connector SET status = 'RELINK_NEEDED', relink_needed_at = now()")
        again = await company.link(connector_id=made["connector_id"])
        assert "again" in again.page.text
        page = await again.enter(**company.entered)
        page = await again.send("connect")
        relinked = (await company.exchange(page.temporary_token)).json()
        assert relinked["connector_id"] == made["connector_id"]
        assert [(one["id"], one["status"]) for one in await company.list_connectors()] == [
            (made["connector_id"], "COMPLETE")
        ]
        for token in (made["connector_token"], relinked["connector_token"]):
            headers["X-Connector-Token"] = token
            listed = (await company.client.get("/api/ats/v1/candidates", headers=headers)).json()["items"]
            assert [one["id"] for one in listed] == [one["id"] for one in records]
