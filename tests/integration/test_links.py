"""Customers connect themselves, with nothing but the API and the page, at every vendor there is."""

import pytest

from testbed.databases import Databases
from testbed.link_company import open_company
from unihire.integration.registry import get_integration, list_integrations
from unihire.kit.seal import Sealer
from unihire.store import Pool

SLUGS = [one.slug for one in list_integrations()]

CLOSED = {
    "ashby": ("/offer.list", "Offers"),
    "greenhouse": ("/v3/offers", "Offers"),
    "lever": ("/v1/tags", "Tags"),
    "personio": ("/v2/recruiting/categories", "Interview stages"),
    "workable": ("/spi/v3/events", "Interviews"),
}
"""The path of a list that a permission is missing for, and what a customer knows it as."""


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
