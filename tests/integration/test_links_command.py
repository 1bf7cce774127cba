"""`unihire links`: what is set, what is shown, and links that open."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from testbed.databases import Databases
from testbed.linking import LinkPageView, read_page
from testbed.shell import Shell
from testbed.tenants import Tenant, make_tenant, serve_app
from unihire.app import create_app
from unihire.integration.registry import get_integration
from unihire.kit.seal import Sealer, new_key
from unihire.store import Pool
from unihire.store.database import get_address, open_database

PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 20


@pytest_asyncio.fixture
async def shell(databases: Databases, pool: Pool) -> AsyncIterator[Shell]:
    settings = {"UNIHIRE_DATABASE_URL": get_address(pool), "UNIHIRE_ENCRYPTION_KEYS": new_key()}
    yield Shell(databases.home, **settings, UNIHIRE_PUBLIC_URL="https://hire.example.com/ats")


@pytest_asyncio.fixture
async def tenant(pool: Pool, sealer: Sealer) -> Tenant:
    return await make_tenant(pool, sealer, integration=get_integration("personio"))


def open_page(databases: Databases, pool: Pool, token: str) -> LinkPageView:
    """The page of a link, on the database of the command; its loop has ended, so that another can run here."""

    async def ask() -> LinkPageView:
        settings = databases.settings("migrated", database_url=get_address(pool))
        async with open_database(settings) as opened, serve_app(create_app(settings, opened)) as client:
            return read_page(await client.get("/embed", params={"link_token": token}))

    return asyncio.run(ask())


def test_link_that_is_made_at_the_terminal_opens(shell: Shell, databases: Databases, pool: Pool) -> None:
    made = shell.ask("links", "create", "--customer", "ACME GmbH", "--origin-id", "acme", "--integration", "personio")
    assert made["url"] == f"https://hire.example.com/ats/embed?link_token={made['link_token']}"
    page = open_page(databases, pool, made["link_token"])
    assert page.has_form("enter")
    assert "ACME GmbH" in page.text
    assert shell.run("links", "create", "--customer", "ACME GmbH").stdout.startswith(
        "https://hire.example.com/ats/embed"
    )


def test_connector_is_linked_anew_from_the_terminal(
    shell: Shell, databases: Databases, pool: Pool, tenant: Tenant
) -> None:
    made = shell.ask("links", "create", "--relink", str(tenant.connector.id)[:8])
    assert "Connect Personio again" in open_page(databases, pool, made["link_token"]).text


def test_settings_are_changed_one_by_one(shell: Shell, tmp_path: Path) -> None:
    logo = tmp_path / "logo.png"
    logo.write_bytes(PNG)
    shell.run("links", "settings", "--name", "Example Inc.", "--colour", "#1F5FBF", "--origin", "https://a.example.com")
    shown = shell.ask("links", "settings", "--language", "de", "--logo", str(logo))
    assert (shown["name"], shown["colour"], shown["language"]) == ("Example Inc.", "#1f5fbf", "de")
    assert (shown["origins"], shown["logo_type"]) == (["https://a.example.com"], "image/png")
    shown = shell.ask("links", "settings", "--no-origins", "--logo", "-")
    assert (shown["origins"], shown["logo_type"]) == ([], None)
    shell.run("links", "address", "personio", "http://127.0.0.1:8800/")
    assert shell.ask("links")["integrations"] == [
        {"integration": "personio", "base_url": "http://127.0.0.1:8800", "has_partner": False}
    ]
    shell.run("links", "address", "personio", "--default")
    assert shell.ask("links", "show")["integrations"][0]["base_url"] is None


def test_credentials_of_a_partner_are_sealed_and_never_shown(shell: Shell, tmp_path: Path) -> None:
    path = tmp_path / "partner.json"
    path.write_text(json.dumps({"client_id": "the-id", "client_secret": "the-secret"}))
    shell.run("links", "partner", "greenhouse", "--credentials-file", str(path))
    shown = shell.run("links", "show", "--json").stdout
    assert json.loads(shown)["integrations"][0]["has_partner"] is True
    assert "the-secret" not in shown
    shell.run("links", "partner", "greenhouse", "--remove")
    assert shell.ask("links")["integrations"][0]["has_partner"] is False


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("create",), 2, "give one of the two"),
        (("create", "--customer", "A", "--integration", "acmehire"), 3, "there is no integration"),
        (("settings", "--colour", "red"), 3, "#rrggbb"),
        (("settings", "--origin", "http://a.example.com"), 3, "is not an origin"),
        (("settings", "--logo", "/dev/null"), 3, ""),
        (("settings", "--logo", "http://127.0.0.1:1/x"), 3, ""),
        (("address", "personio"), 2, "give one of the two"),
        (("address", "personio", "ftp://x"), 3, "not an address"),
        (("partner", "personio", "--remove"), 3, "has no partners"),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(
    shell: Shell, arguments: tuple[str, ...], code: int, said: str
) -> None:
    assert said in shell.run("links", *arguments, code=code).stderr
