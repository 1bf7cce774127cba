"""Customers at the link page in a real browser: at a phone's width and a desktop's, light and dark, in each language.

`SHOTS`, in the environment, names a folder that pictures of every step are put in.
"""

import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiohttp import web
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, FrameLocator, Page, expect
from starlette.applications import Starlette

from testbed.databases import Databases
from testbed.link_company import Company, open_company
from testbed.linking import create_link
from testbed.serving import serve_on_socket
from unihire.integration.registry import get_integration, list_integrations
from unihire.kit.seal import Sealer
from unihire.pages.languages import make_gettext
from unihire.platform.linking.link_rules import WantedSettings, save_settings
from unihire.store import Pool

SLUGS = [one.slug for one in list_integrations()]
WIDTHS, SCHEMES, LANGUAGES = (390, 1280), ("light", "dark"), ("en", "de")
RULES = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")
CLOSED = {
    "ashby": "/offer.list",
    "greenhouse": "/v3/offers",
    "lever": "/v1/tags",
    "personio": "/v2/recruiting/categories",
    "workable": "/spi/v3/events",
}

FRAMING = """<!doctype html><html lang="en"><title>An application</title><h1>Integrations</h1>
<button id="open">Connect</button><pre id="heard"></pre>
<script>
const page = "%s", token = new URLSearchParams(location.search).get("token");
const heard = document.getElementById("heard");
document.getElementById("open").onclick = () => {
  const id = "0123-4567-89ab-cdef", frame = document.createElement("iframe");
  frame.id = "magic-link-flow";
  frame.style = "position:fixed;top:0;left:0;width:100%%;height:100%%;border:0;z-index:8460";
  frame.src = `${page}/embed?link_token=${token}&server_url=https://elsewhere.example.com&instanceId=${id}`;
  document.body.prepend(frame);
  window.addEventListener("message", (event) => {
    if (event.origin !== page) return;
    const said = JSON.parse(event.data);
    if (said.instanceId !== id) return;
    heard.textContent += JSON.stringify(said) + "\\n";
    if (said.type === "CLOSE") frame.remove();
  });
};
</script></html>"""


@asynccontextmanager
async def serve_client(app: Starlette) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the app on a real socket, where a browser reaches it too."""
    async with (
        app.router.lifespan_context(app),
        serve_on_socket(app) as url,
        httpx.AsyncClient(base_url=url) as client,
    ):
        yield client


@asynccontextmanager
async def serve_framing(api: str) -> AsyncIterator[str]:
    """A page of another origin and site that does what link clients do."""

    async def answer(request: web.Request) -> web.Response:
        return web.Response(text=FRAMING % api, content_type="text/html")

    app = web.Application()
    app.router.add_get("/", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://localhost:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def look(page: Page, name: str) -> None:
    """The page as it is, in every width and scheme: no violation, and nothing to be scrolled sideways."""
    await page.wait_for_load_state("load")  # its stylesheet, too
    for width in WIDTHS:
        await page.set_viewport_size({"width": width, "height": 844 if width < 1000 else 900})
        for scheme in SCHEMES:
            await page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            found = await Axe().run(page, options={"runOnly": list(RULES)})
            assert found.violations_count == 0, f"{name} {width} {scheme}: {found.generate_report()}"
            assert await page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), f"{name} {width}"
            if "SHOTS" in os.environ:
                path = Path(os.environ["SHOTS"]) / f"{name}-{width}-{scheme}.png"
                await page.screenshot(path=path, full_page=True)


async def press(page: Page, name: str) -> None:
    """Press a button, and be on the page that it leads to."""
    async with page.expect_navigation():
        await page.get_by_role("button", name=name).click()


async def fill(at: Page | FrameLocator, company: Company, **others: str) -> None:
    for name, value in {**company.entered, **others}.items():
        await at.locator(f'[name="c-{name}"]').fill(value)


async def read_candidates(company: Company, temporary: str) -> list[dict[str, Any]]:
    """What the company has of its customer in the end."""
    made = (await company.exchange(temporary)).json()
    assert await company.sync(made["connector_id"]) == "done"
    headers = {"Authorization": f"Bearer {company.key}", "X-Connector-Token": made["connector_token"]}
    found = (await company.client.get("/api/ats/v1/candidates", headers=headers)).json()
    items: list[dict[str, Any]] = found["items"]
    return items


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("slug", SLUGS)
async def test_customer_connects_by_credentials(
    browser: Browser, databases: Databases, pool: Pool, sealer: Sealer, slug: str, language: str
) -> None:
    say = make_gettext(language)
    async with open_company(databases, pool, sealer, slug, serve=serve_client) as company:
        settings = WantedSettings("Example Inc.", "#0b6e5c" if language == "de" else None)
        await save_settings(pool, company.organisation, "production", settings)
        token = await create_link(company.client, company.key)
        context = await browser.new_context(locale=language)
        page = await context.new_page()
        errors: list[str] = []
        page.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
        await page.goto(f"{company.client.base_url}/embed?link_token={token}")
        await look(page, f"{slug}-{language}-1-pick")
        await press(page, get_integration(slug).name)
        await look(page, f"{slug}-{language}-2-empty")
        secret = next(one.name for one in get_integration(slug).list_credentials() if one.is_secret)
        await fill(page, company, **{secret: "wrong-" + "0" * 32})
        await page.get_by_role("button", name=say("Check access")).click()
        await expect(page.get_by_role("alert")).to_be_focused()
        await look(page, f"{slug}-{language}-3-refused")
        await company.control("PUT", "faults", json=[{"word": "403", "path": CLOSED[slug]}])
        await fill(page, company)
        await page.keyboard.press("Enter")
        await expect(page.get_by_text(say("Missing permissions"))).to_be_visible()
        await page.locator("summary").click()
        await look(page, f"{slug}-{language}-4-missing")
        await company.control("PUT", "faults", json=[])
        await page.get_by_role("button", name=say("I have granted them: check again")).click()
        await expect(page.get_by_text(say("Everything that is needed can be read."))).to_be_visible()
        await look(page, f"{slug}-{language}-5-review")
        await press(page, say("Send this step to somebody else"))
        await look(page, f"{slug}-{language}-6-handed")
        await press(page, say("Go on here"))
        await page.get_by_role("button", name=say("Connect"), exact=True).click()
        await expect(page.get_by_role("status")).to_contain_text("Customer Ltd")
        await look(page, f"{slug}-{language}-7-done")
        temporary = await page.locator("body").get_attribute("data-temporary")
        assert await read_candidates(company, temporary or "")
        assert await context.cookies() == []
        refused = [error for error in errors if "422" not in error]  # the browser's line for the wrong credentials
        assert refused == []
        await context.close()


async def test_link_client_frames_the_page_from_another_origin(
    browser: Browser, databases: Databases, pool: Pool, sealer: Sealer
) -> None:
    async with (
        open_company(databases, pool, sealer, "personio", serve=serve_client) as company,
        serve_framing(str(company.client.base_url).rstrip("/")) as origin,
    ):
        named = WantedSettings("Example Inc.", origins=[origin])
        token = await create_link(company.client, company.key, integration="personio")
        context = await browser.new_context(locale="en")
        page = await context.new_page()

        await page.goto(f"{origin}/?token={token}")  # not named yet: the browser shows no page of ours
        await page.locator("#open").click()
        frame = page.frame_locator("#magic-link-flow")
        await expect(frame.get_by_role("heading", level=1)).to_have_count(0)

        await save_settings(pool, company.organisation, "production", named)
        await page.goto(f"{origin}/?token={token}")
        await page.locator("#open").click()
        await fill(frame, company)
        await frame.get_by_role("button", name="Check access").click()
        await frame.get_by_role("button", name="Connect", exact=True).click()
        heard = page.locator("#heard")
        await expect(heard).to_contain_text('"type":"SUCCESS"')
        await frame.get_by_role("main").get_by_role("button", name="Close").click()
        await expect(heard).to_contain_text('"type":"CLOSE"')
        await expect(page.locator("iframe")).to_have_count(0)
        said = [json.loads(line) for line in (await heard.inner_text()).splitlines()]
        assert [one["type"] for one in said] == ["SUCCESS", "CLOSE"]
        assert await read_candidates(company, said[0]["temporary_token"])
        assert await context.cookies() == []
        await context.close()


@pytest.mark.parametrize("slug", [one.slug for one in list_integrations() if one.partner_auth is not None])
@pytest.mark.parametrize("language", LANGUAGES)
async def test_customer_connects_by_consent_in_a_window_of_its_own(
    browser: Browser, databases: Databases, pool: Pool, sealer: Sealer, slug: str, language: str
) -> None:
    say = make_gettext(language)
    name = get_integration(slug).name
    async with (
        open_company(databases, pool, sealer, slug, serve=serve_client, has_partner=True) as company,
        serve_framing(str(company.client.base_url).rstrip("/")) as origin,
    ):
        named = WantedSettings("Example Inc.", origins=[origin])
        await save_settings(pool, company.organisation, "production", named)
        token = await create_link(company.client, company.key, integration=slug)
        context = await browser.new_context(locale=language)
        page = await context.new_page()
        await page.goto(f"{company.client.base_url}/embed?link_token={token}")
        await look(page, f"{slug}-{language}-consent-3-offered")
        await page.get_by_role("button", name=say("Sign in at %(system)s") % {"system": name}).click()
        await look(page, f"{slug}-{language}-consent-4-waiting")
        await page.get_by_role("button", name=say("Begin this step again")).click()
        await page.goto(f"{origin}/?token={token}")
        await page.locator("#open").click()
        frame = page.frame_locator("#magic-link-flow")
        await frame.get_by_role("button", name=say("Sign in at %(system)s") % {"system": name}).click()
        async with context.expect_page() as opening:
            await frame.get_by_role("link").filter(has_text=name).click()
        window = await opening.value
        await look(window, f"{slug}-{language}-consent-1-asked")
        await window.get_by_role("button", name=say("Yes, go on")).click()
        await expect(window.get_by_role("heading", level=1)).to_have_text(say("Thank you"))
        await look(window, f"{slug}-{language}-consent-2-received")
        connect = frame.get_by_role("button", name=say("Connect"), exact=True)
        await expect(connect).to_be_visible(timeout=20_000)  # the page found out by itself
        await window.close()
        await connect.click()
        await expect(page.locator("#heard")).to_contain_text('"type":"SUCCESS"')
        assert await context.cookies() == []
        await context.close()
        (made,) = await company.list_connectors()
        assert made["status"] == "COMPLETE"


async def test_every_step_works_without_script(
    browser: Browser, databases: Databases, pool: Pool, sealer: Sealer
) -> None:
    async with open_company(databases, pool, sealer, "personio", serve=serve_client) as company:
        token = await create_link(company.client, company.key)
        context = await browser.new_context(locale="en", java_script_enabled=False)
        page = await context.new_page()
        await page.goto(f"{company.client.base_url}/embed?link_token={token}")
        await page.get_by_role("button", name="Personio").click()
        await fill(page, company)
        await page.get_by_role("button", name="Check access").click()
        await page.get_by_role("link", name="Deutsch").click()
        await page.get_by_role("button", name="Verbinden").click()
        await expect(page.get_by_role("heading", level=1)).to_have_text("Personio ist verbunden")
        await context.close()


async def test_links_that_do_not_work_say_so(
    browser: Browser, databases: Databases, pool: Pool, sealer: Sealer
) -> None:
    async with open_company(databases, pool, sealer, "personio", serve=serve_client) as company:
        token = await create_link(company.client, company.key)
        await pool.execute("UPDATE link_session SET ends_at = now() - interval '1 second'")
        context = await browser.new_context(locale="en")
        page = await context.new_page()
        for name, shown, heading in (
            ("ended", token, "This link has ended"),
            ("guessed", "guessed", "This link does not work"),
        ):
            await page.goto(f"{company.client.base_url}/embed?link_token={shown}")
            await expect(page.get_by_role("heading", level=1)).to_have_text(heading)
            await look(page, name)
        await context.close()
