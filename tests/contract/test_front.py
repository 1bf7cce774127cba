"""What the service says of itself, at its root and behind a prefix; the methods it has."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest

from testbed.databases import Databases
from testbed.serving import serve_on_socket
from unihire import __version__
from unihire.app import create_app
from unihire.store import Pool


@asynccontextmanager
async def serve(databases: Databases, pool: Pool, **settings: object) -> AsyncIterator[httpx.AsyncClient]:
    async with (
        serve_on_socket(create_app(databases.settings("migrated", **settings), pool)) as url,
        httpx.AsyncClient(base_url=url) as client,
    ):
        yield client


async def check_links(client: httpx.AsyncClient, text: str, prefix: str) -> None:
    """Every address on the page begins with the prefix and, as a proxy that leaves it on asks for it, is there."""
    links = re.findall(r"""(?:src|href|url)\s*[=:]\s*["'](?!data:)([^"']+)["']""", text)
    assert len(links) >= 4
    for link in links:
        assert link.startswith(f"{prefix}/"), link
        assert (await client.get(link)).status_code == 200, link


async def test_first_page_shows_where_to_look(databases: Databases, pool: Pool) -> None:
    async with serve(databases, pool) as client:
        answer = (await client.get("/")).json()
        assert answer == {
            "name": "Unihire", "version": __version__, "docs": "/docs", "openapi": "/openapi.json",
            "capabilities": "/capabilities", "health": "/health",
        }  # fmt: skip
        page = await client.get("/", headers={"Accept": "text/html,*/*;q=0.8"})
        assert page.headers["content-type"].startswith("text/html")
        await check_links(client, page.text, "")


@pytest.mark.parametrize("asked", ["/ats", ""], ids=["left on", "taken off"])
async def test_pages_work_behind_a_prefix(databases: Databases, pool: Pool, asked: str) -> None:
    async with serve(databases, pool, root_path="/ats") as client:
        for path in ("/docs", "/"):
            page = await client.get(f"{asked}{path}", headers={"Accept": "text/html"})
            await check_links(client, page.text, "/ats")
        assert (await client.get(f"{asked}/openapi.json")).json()["servers"] == [{"url": "/ats"}]
        assert (await client.get(f"{asked}/api/ats/v1/jobs")).status_code == 401
        assert (await client.get(f"{asked}/")).json()["docs"] == "/ats/docs"


async def test_prefix_that_a_proxy_says_is_believed_where_the_operator_names_the_proxy(
    databases: Databases, pool: Pool
) -> None:
    said = {"X-Forwarded-Prefix": "/ats"}
    for trusted, prefix in (("", ""), ("192.0.2.0/24", ""), ("127.0.0.0/8", "/ats")):
        async with serve(databases, pool, trusted_proxies=trusted) as client:
            assert (await client.get("/", headers=said)).json()["docs"] == f"{prefix}/docs"


@pytest.mark.parametrize(
    ("path", "methods"),
    [
        ("/api/ats/v1/jobs", "GET, HEAD, OPTIONS, POST"),
        ("/api/ats/v1/candidates/5b0f7a52-3c1e-5d0b-9f57-6a4f6a0f9d11", "GET, HEAD, OPTIONS, PATCH"),
        ("/api/v1/syncs", "GET, HEAD, OPTIONS, POST"),
        ("/api/v1/schedule", "GET, HEAD, OPTIONS, PUT"),
        ("/core/v1/connectors/greenhouse/versions/1.0/call", "OPTIONS, POST"),
        ("/", "GET, HEAD, OPTIONS"),
    ],
)
async def test_methods_that_exist_are_shown(databases: Databases, pool: Pool, path: str, methods: str) -> None:
    async with serve(databases, pool) as client:
        asked = await client.options(path)
        assert (asked.status_code, asked.headers["allow"], asked.content) == (204, methods, b"")
        refused = await client.request("TRACE", path)
        assert (refused.status_code, refused.headers["allow"]) == (405, methods)
        assert refused.json() == {"detail": "Method Not Allowed"}


async def test_options_of_no_path_is_not_found(databases: Databases, pool: Pool) -> None:
    async with serve(databases, pool) as client:
        assert (await client.options("/nowhere")).status_code == 404


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("?code=secret-code&state=read.x", "Copy the whole address"),
        ("", "Not connected"),
        ("?error=access_denied", "Not connected"),
        ("?code=", "Not connected"),
    ],
)
async def test_customer_who_comes_back_from_consent_sees_what_to_do(
    databases: Databases, pool: Pool, query: str, words: str
) -> None:
    async with serve(databases, pool, root_path="/ats") as client:
        for path in ("/consent", "/ats/consent"):
            page = await client.get(path + query)
            assert page.status_code == 200
            assert words in page.text
            assert "secret-code" not in page.text
            assert (page.headers["cache-control"], page.headers["referrer-policy"]) == ("no-store", "no-referrer")
