"""Links as they are used otherwise than meant: late, twice, by others, in two windows, abandoned, from other sites."""

import asyncio
import json
from collections.abc import AsyncIterator
from html import unescape
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
import pytest_asyncio

from testbed.addresses import REFUSED, watch_connections
from testbed.databases import Databases
from testbed.link_company import Company, open_company
from testbed.linking import NAVIGATION, LinkBrowser, create_link, read_page
from testbed.tenants import serve_app
from unihire.app import create_app
from unihire.kit.seal import Sealer, new_key
from unihire.platform.linking.link_flow import MOST_ATTEMPTS, MOST_HANDED
from unihire.platform.linking.link_tokens import MOST_TEMPORARY
from unihire.platform.organisations import create_key, ensure_organisation
from unihire.store import Pool

PERSONIO = {"integration": "personio"}
USER = {"org_name": "Ab", "origin_id": "ab"}


@pytest_asyncio.fixture
async def company(databases: Databases, pool: Pool, sealer: Sealer) -> AsyncIterator[Company]:
    async with open_company(databases, pool, sealer, "personio") as opened:
        yield opened


async def connect(company: Company) -> tuple[LinkBrowser, str]:
    """A connected customer: the window, and the temporary token that its page has."""
    browser = await company.link(**PERSONIO)
    await browser.enter(**company.entered)
    page = await browser.send("connect")
    assert page.temporary_token is not None
    return browser, page.temporary_token


async def test_link_that_has_ended_says_so_and_takes_nothing(company: Company, pool: Pool) -> None:
    browser = await company.link(**PERSONIO)
    await browser.enter(**company.entered)
    assert [one["status"] for one in await company.list_connectors()] == ["INCOMPLETE"]
    await pool.execute("UPDATE link_session SET ends_at = now()")
    page = await browser.send("connect")
    assert (page.status, page.temporary_token) == (410, None)
    assert "has ended" in page.text
    assert "Ask Example for a new one" in page.text
    assert await company.list_connectors() == []
    assert (await browser.load()).status == 410


async def test_link_that_is_listed_is_ended_by_deleting_what_is_listed(company: Company, pool: Pool) -> None:
    browser = await company.link(**PERSONIO)
    await browser.enter(**company.entered)
    (listed,) = await company.list_connectors()
    path = f"/api/ats/v1/connectors/{listed['id']}/delete"
    headers = {"Authorization": f"Bearer {company.key}"}
    _, stranger = await create_key(pool, await ensure_organisation(pool, "Other"), "production", "x")
    assert (await company.client.delete(path, headers={"Authorization": f"Bearer {stranger}"})).status_code == 404
    assert (await browser.load()).status == 200
    ended = await company.client.delete(path, headers=headers)
    assert (ended.status_code, "link is ended" in ended.json()["message"]) == (200, True)
    assert (await browser.send("connect")).status == 410
    assert await company.list_connectors() == []
    assert (await company.client.delete(path, headers=headers)).status_code == 404
    assert await pool.fetchval("SELECT pending FROM link_session") is None
    acts = (await company.client.get("/api/v1/audit", headers=headers)).json()["items"]
    assert acts[0]["act"] == "link.ended"


async def test_token_that_was_guessed_opens_nothing(company: Company) -> None:
    for token in ("", "guessed", "x" * 5000, "ä", "null\0"):
        answer = await company.client.get("/embed", params={"link_token": token})
        assert answer.status_code == 404
        assert "never issued" in answer.text
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
        state = await company.client.post("/embed/state", data={"link_token": token})
        assert state.status_code == 404


async def test_link_that_was_used_shows_what_it_did_and_connects_nothing_more(company: Company, pool: Pool) -> None:
    browser, first = await connect(company)
    form = (await company.link(**PERSONIO)).page.find_form("enter").members
    page = await browser.load()
    assert page.status == 200
    assert "is connected" in page.text
    second = page.temporary_token
    token = browser.page.response.request.url.params["link_token"]
    again = await company.client.post(
        "/embed", data={**form, "link_token": token, "step": "connect", "version": "2"}, headers=NAVIGATION
    )
    assert "is connected" in again.text
    assert await pool.fetchval("SELECT count(*) FROM connector") == 1
    assert (await company.exchange(second)).status_code == 200
    assert [(await company.exchange(one)).status_code for one in (first, second)] == [404, 404]
    assert (await browser.load()).temporary_token is None


async def test_audit_trail_says_who_made_the_link_and_that_the_customer_connected(company: Company, pool: Pool) -> None:
    await connect(company)
    lines = await pool.fetch(
        "SELECT act, actor, key, after FROM audit WHERE act LIKE 'link%' OR act LIKE 'conn%' ORDER BY id"
    )
    said = [(line["act"], line["actor"]) for line in lines]
    assert said[-2:] == [("link.created", "test"), ("connector.connected", "link")]
    assert not any(
        secret in str(dict(line)) for line in lines for secret in company.entered.values() if len(secret) > 8
    )


async def test_temporary_token_works_with_a_key_of_its_own_environment_alone(company: Company, pool: Pool) -> None:
    _, temporary = await connect(company)
    other = await ensure_organisation(pool, "Another")
    _, theirs = await create_key(pool, other, "production", "theirs")
    _, development = await create_key(pool, company.organisation, "development", "development")
    for key in (theirs, development, "wrong"):
        answer = await company.client.get(
            f"/api/embedded/v1/connectors/connector_token/{temporary}", headers={"Authorization": f"Bearer {key}"}
        )
        assert answer.status_code == (401 if key == "wrong" else 404)
    assert await company.list_connectors(theirs) == []
    await pool.execute("UPDATE link_exchange SET ends_at = now()")
    assert (await company.exchange(temporary)).status_code == 404


async def test_temporary_tokens_of_a_page_that_is_loaded_for_ever_are_bounded(company: Company, pool: Pool) -> None:
    browser, _ = await connect(company)
    for _ in range(MOST_TEMPORARY + 3):
        await browser.load()
    assert await pool.fetchval("SELECT count(*) FROM link_exchange") == MOST_TEMPORARY


async def test_connector_of_another_organisation_cannot_be_linked_anew(company: Company, pool: Pool) -> None:
    _, temporary = await connect(company)
    id = (await company.exchange(temporary)).json()["connector_id"]
    other = await ensure_organisation(pool, "Another")
    _, theirs = await create_key(pool, other, "production", "theirs")
    asked = {"category": "ATS", "connector_id": id}
    for key, status in ((theirs, 404), (company.key, 200)):
        answer = await company.client.post(
            "/api/embedded/v1/link/create-link-token", json=asked, headers={"Authorization": f"Bearer {key}"}
        )
        assert answer.status_code == status
    wrong = await company.client.post(
        "/api/embedded/v1/link/create-link-token",
        json={**asked, "integration": "greenhouse"},
        headers={"Authorization": f"Bearer {company.key}"},
    )
    assert wrong.status_code == 422


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ({"category": "ATS"}, "end_user_data"),
        ({"end_user_data": {"org_name": "A", "origin_id": "ab"}, "category": "ATS"}, "end_user_data.org_name"),
        ({"end_user_data": {"org_name": "Ab", "origin_id": "a"}, "category": "ATS"}, "end_user_data.origin_id"),
        ({"end_user_data": {"org_name": "Ab", "origin_id": "ab\0"}, "category": "ATS"}, "end_user_data.origin_id"),
        (
            {"end_user_data": {"org_name": "Ab", "origin_id": "ab", "email": "x"}, "category": "ATS"},
            "end_user_data.email",
        ),
        ({"end_user_data": USER, "category": "HRIS"}, "category"),
        ({"end_user_data": USER}, "category"),
        ({"end_user_data": USER, "category": "ATS", "integration": "x"}, "integration"),
        ({"category": "ATS", "connector_id": "x"}, "connector_id"),
    ],
)
async def test_link_for_nobody_is_refused(company: Company, body: dict[str, object], place: str) -> None:
    answer = await company.client.post(
        "/api/embedded/v1/link/create-link-token", json=body, headers={"Authorization": f"Bearer {company.key}"}
    )
    assert answer.status_code == 422, answer.text
    assert [problem["loc"] for problem in answer.json()["detail"]] == [["body", *place.split(".")]]


async def test_two_windows_that_connect_at_once_make_one_connector(company: Company, pool: Pool) -> None:
    token = await create_link(company.client, company.key, **PERSONIO)
    windows = [LinkBrowser(company.client, token) for _ in range(2)]
    await windows[0].load()
    await windows[0].enter(**company.entered)
    await windows[1].load()
    pages = await asyncio.gather(*(window.send("connect") for window in windows))
    assert all("is connected" in page.text for page in pages)
    assert await pool.fetchval("SELECT count(*) FROM connector") == 1


async def test_what_another_window_changed_is_shown_before_it_is_connected(company: Company, pool: Pool) -> None:
    token = await create_link(company.client, company.key)
    first, second = LinkBrowser(company.client, token), LinkBrowser(company.client, token)
    await first.load()
    await first.send("pick", integration="personio")
    await first.enter(**company.entered)
    await second.load()
    await second.send("again")
    page = await first.send("connect")
    assert page.status == 422
    assert "changed in another window" in page.text
    assert page.has_form("enter")
    await second.enter(**company.entered)
    await first.load()
    await second.send("again")
    await second.enter(**company.entered)
    page = await first.send("connect")
    assert page.has_form("connect")
    assert await pool.fetchval("SELECT count(*) FROM connector") == 0


async def test_link_that_was_abandoned_goes_on_the_next_day_in_another_browser(company: Company, pool: Pool) -> None:
    browser = await company.link()
    await browser.send("pick", integration="personio")
    await browser.enter(**company.entered)
    await pool.execute(
        "UPDATE link_session SET created_at = created_at - interval '1 day', ends_at = ends_at - interval '1 day'"
    )
    another = LinkBrowser(company.client, browser.page.response.request.url.params["link_token"], lang="de")
    page = await another.load()
    assert "Personio akzeptiert den Zugang" in page.text
    assert "ist verbunden" in (await another.send("connect")).text


async def test_unfinished_step_is_handed_on_and_the_first_page_hears_of_its_end(company: Company) -> None:
    browser = await company.link()
    await browser.send("pick", integration="personio")
    version = browser.page.body["data-version"]
    page = await browser.send("hand")
    handed = unescape(page.response.text.partition('readonly value="')[2].partition('"')[0])
    token = parse_qs(urlsplit(handed).query)["link_token"][0]
    assert token != browser.page.response.request.url.params.get("link_token")
    administrator = LinkBrowser(company.client, token)
    page = await administrator.load()
    assert page.has_form("enter")
    await administrator.enter(**company.entered)
    await administrator.send("connect")
    await browser.load()
    state = await company.client.post(
        "/embed/state", data={"link_token": str(browser.page.forms[-1].members["link_token"])}
    )
    assert state.json()["is_done"] is True
    assert str(state.json()["version"]) != version
    assert browser.page.temporary_token is not None


async def test_a_step_is_handed_on_a_few_times_only(company: Company) -> None:
    browser = await company.link(**PERSONIO)
    for _ in range(MOST_HANDED):
        assert (await browser.send("hand")).status == 200
        await browser.load()
    assert (await browser.send("hand")).status == 429


async def test_credentials_are_tried_so_often_in_an_hour(company: Company, pool: Pool) -> None:
    browser = await company.link(**PERSONIO)
    await pool.execute("UPDATE link_session SET attempts = $1, attempts_since = now()", MOST_ATTEMPTS)
    page = await browser.enter(**company.entered)
    assert page.status == 429
    assert "Wait an hour" in page.text
    await pool.execute("UPDATE link_session SET attempts_since = now() - interval '61 minutes'")
    assert "Connect" in (await browser.enter(**company.entered)).text


async def test_what_is_entered_is_bounded_and_refused_by_field(company: Company) -> None:
    browser = await company.link(**PERSONIO)
    secret = company.entered["client_secret"]
    page = await browser.enter(client_id="", client_secret=secret)
    assert page.status == 422
    assert "This is needed." in page.text
    assert 'aria-invalid="true"' in page.response.text
    assert secret not in page.response.text
    page = await browser.enter(client_id="x" * 30_000, client_secret=secret)
    assert page.status == 422
    assert "too long" in page.text
    page = await browser.enter(client_id="id", client_secret=secret, company_id="1", recruiting_api_key="")
    assert "all of it, or none" in page.text
    assert (await browser.enter(client_id="x" * 300_000, client_secret=secret)).status == 413


async def test_vendor_that_does_not_answer_is_said_to(company: Company) -> None:
    browser = await company.link(**PERSONIO)
    await company.control("PUT", "faults", json=[{"word": "500"}])
    page = await browser.enter(**company.entered)
    assert page.status == 422
    assert "does not answer at the moment" in page.text


async def test_credentials_that_reach_nothing_are_not_connected(company: Company) -> None:
    browser = await company.link(**PERSONIO)
    await company.control("PUT", "faults", json=[{"word": "403", "path": "/v2/recruiting/*"}])
    page = await browser.enter(**company.entered)
    assert page.status == 422
    assert "nothing can be read" in page.text
    assert "personio:recruiting:read" in page.text
    assert not page.has_form("connect")


async def test_page_carries_no_cookie_and_no_referrer_and_is_framed_by_nobody_unasked(company: Company) -> None:
    answer = await company.client.get(
        "/embed", params={"link_token": await create_link(company.client, company.key), "server_url": "https://x.y"}
    )
    assert "set-cookie" not in answer.headers
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["referrer-policy"] == "no-referrer"
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:")
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy


async def test_named_origins_alone_may_frame_the_page(company: Company) -> None:
    headers = {"Authorization": f"Bearer {company.key}"}
    origins = ["https://app.example.com", "http://localhost:3000"]
    said = {"name": "Example Inc.", "colour": "#AABBCC", "language": "de", "origins": origins}
    answer = await company.client.put("/api/v1/link-settings", json=said, headers=headers)
    assert answer.status_code == 200, answer.text
    assert answer.json()["colour"] == "#aabbcc"
    page = (await company.link(**PERSONIO)).page
    assert f"frame-ancestors {' '.join(origins)}" in page.response.headers["content-security-policy"]
    assert json.loads(str(page.body["data-origins"])) == origins
    assert "Example Inc. möchte sich" in page.text
    shade = await company.client.get("/embed/colour.css", params={"c": "aabbcc"})
    assert shade.text == ":root{--accent:#aabbcc;--on-accent:#000000}\n"
    odd = await company.client.get("/embed/colour.css", params={"c": "fff}body{display:none"})
    assert odd.text == ""


@pytest.mark.parametrize(
    "origin",
    [
        "*",
        "https://*.example.com",
        "https://app.example.com/",
        "https://app.example.com/path",
        "http://app.example.com",
        "https://app.example.com:443",
        "https://user@app.example.com",
        "https://APP.example.com",
        "null",
        "https://a.example.com; script-src *",
        "https://a.example.com https://b.example.com",
        "ftp://app.example.com",
        "http://10.0.0.1",
        "",
    ],
)
async def test_origins_are_exact_and_of_https(company: Company, origin: str) -> None:
    answer = await company.client.put(
        "/api/v1/link-settings", json={"origins": [origin]}, headers={"Authorization": f"Bearer {company.key}"}
    )
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"] == ["body", "origins"]


async def test_instance_of_a_client_is_carried_on_and_anything_else_left_out(company: Company) -> None:
    token = await create_link(company.client, company.key, **PERSONIO)
    for given, carried in (("0123-4567-89ab-cdef", True), ('"><script>', False), ("0123-4567", False), ("", False)):
        browser = LinkBrowser(company.client, token, instanceId=given)
        page = await browser.load()
        assert page.body["data-instance"] == (given if carried else "")
        assert "<script>" not in page.response.text
        assert ("instanceId" in page.find_form("enter").members) is carried


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example.com"},
    ],
)
async def test_form_that_another_site_sends_is_refused(company: Company, headers: dict[str, str]) -> None:
    browser = await company.link()
    form = browser.page.find_form("pick")
    for path in ("/embed", "/embed/state", "/consent"):
        answer = await company.client.post(path, data={**form.members, "integration": "personio"}, headers=headers)
        assert answer.status_code == 403
    assert (await browser.load()).has_form("pick")


async def test_system_that_is_not_offered_is_not_picked_and_another_can_be(company: Company) -> None:
    browser = await company.link()
    assert (await browser.send("pick", integration="acmehire")).status == 422
    page = await browser.send("pick", integration="personio")
    assert page.has_form("back")
    page = await browser.send("back")
    assert page.has_form("pick")
    preset = await company.link(**PERSONIO)
    assert not preset.page.has_form("back")


async def test_markup_in_a_name_is_text(company: Company) -> None:
    user = {"org_name": "<img src=x onerror=alert(1)>{{ 7*7 }}", "origin_id": "ab"}
    page = (await company.link(end_user_data=user)).page
    assert "<img" not in page.response.text
    assert "<img src=x onerror=alert(1)>{{ 7*7 }}" in page.text


async def test_what_was_proven_under_a_key_that_is_gone_is_entered_again(
    company: Company, databases: Databases, pool: Pool
) -> None:
    browser = await company.link(**PERSONIO)
    await browser.enter(**company.entered)
    token = browser.page.forms[-1].members["link_token"]
    async with serve_app(create_app(databases.settings("migrated"), pool, Sealer([new_key()]))) as client:
        later = LinkBrowser(client, token)
        await later.load()
        page = await later.send("connect")
        assert page.status == 422
        assert "can no longer be opened" in page.text
        assert page.has_form("enter")


async def test_another_account_is_no_relink(company: Company, pool: Pool) -> None:
    _, temporary = await connect(company)
    made = (await company.exchange(temporary)).json()
    assert await company.sync(made["connector_id"]) == "done"
    await pool.execute(
        "UPDATE record SET raw = convert_to(replace(convert_from(raw, 'UTF8'), "
        "'\"date-time\":\"20', '\"date-time\":\"19'), 'UTF8')"
    )
    browser = await company.link(connector_id=made["connector_id"])
    page = await browser.enter(**company.entered)
    assert page.status == 422
    assert "of another account" in page.text


async def test_connector_that_is_gone_cannot_be_linked_anew(company: Company, pool: Pool) -> None:
    _, temporary = await connect(company)
    made = (await company.exchange(temporary)).json()
    browser = await company.link(connector_id=made["connector_id"])
    await pool.execute("DELETE FROM connector")
    page = await browser.enter(**company.entered)
    assert page.status == 410
    assert "no longer there" in page.text


async def test_relink_is_given_a_token_beside_and_rotation_ends_both(company: Company, pool: Pool) -> None:
    _, temporary = await connect(company)
    made = (await company.exchange(temporary)).json()
    tokens = [made["connector_token"]]
    for _ in range(7):
        browser = await company.link(connector_id=made["connector_id"])
        await browser.enter(**company.entered)
        page = await browser.send("connect")
        tokens.append((await company.exchange(page.temporary_token)).json()["connector_token"])

    async def is_good(token: str) -> bool:
        headers = {"Authorization": f"Bearer {company.key}", "X-Connector-Token": token}
        return (await company.client.get("/api/ats/v1/jobs", headers=headers)).status_code == 200

    assert [await is_good(token) for token in tokens] == [True, False, False, *[True] * 5]


LOGOS = {
    "image/png": b"\x89PNG\r\n\x1a\n" + b"0" * 50,
    "image/jpeg": b"\xff\xd8\xff\xe0" + b"0" * 50,
    "image/gif": b"GIF89a" + b"0" * 50,
    "image/webp": b"RIFF1234WEBPVP8 ",
}


async def test_logo_is_shown_as_what_it_is(company: Company) -> None:
    headers = {"Authorization": f"Bearer {company.key}"}
    for kind, content in LOGOS.items():
        put = await company.client.put(
            "/api/v1/link-settings/logo", content=content, headers={**headers, "Content-Type": kind}
        )
        assert put.json()["logo_type"] == kind
        token = await create_link(company.client, company.key)
        shown = await company.client.get("/embed/logo", params={"link_token": token})
        assert (shown.content, shown.headers["content-type"]) == (content, kind)
        assert "sandbox" in shown.headers["content-security-policy"]
    assert 'class="logo"' in (await company.link()).page.response.text
    for content in (b"<svg onload=alert(1)>", b"", LOGOS["image/png"] + b"0" * (1 << 20)):
        bad = await company.client.put(
            "/api/v1/link-settings/logo", content=content, headers={**headers, "Content-Type": "image/png"}
        )
        assert bad.status_code in (413, 422)
    assert (await company.client.delete("/api/v1/link-settings/logo", headers=headers)).json()["logo_type"] is None
    assert (await company.client.get("/embed/logo", params={"link_token": token})).status_code == 404


async def test_logo_is_fetched_from_no_address_of_the_inside(company: Company) -> None:
    hosts = [f"[{address.replace('%', '%25')}]" if ":" in address else address for address in REFUSED]
    urls = [f"{scheme}://{host}/logo.png" for host in hosts for scheme in ("http", "https")]
    headers = {"Authorization": f"Bearer {company.key}"}
    with watch_connections() as connected:
        for url in (*urls, "file:///etc/passwd", "ftp://example.com/logo.png", "logo.png"):
            put = await company.client.put("/api/v1/link-settings/logo", json={"url": url}, headers=headers)
            assert put.status_code == 422, url
            assert put.json()["detail"][0]["loc"] == ["body", "url"]
    assert connected == []


async def test_consent_of_a_link_goes_on_once_and_for_its_own_session(
    databases: Databases, pool: Pool, sealer: Sealer
) -> None:
    async with open_company(databases, pool, sealer, "greenhouse", has_partner=True) as company:
        browser = await company.link(integration="greenhouse")
        page = await browser.send("consent")
        (url,) = [link for link in page.links if link.startswith("http")]
        async with httpx.AsyncClient() as client:
            back = urlsplit((await client.get(url)).headers["location"])
        query = {name: values[0] for name, values in parse_qs(back.query).items()}
        assert back.path == "/consent"

        forged = await company.client.get("/consent", params={**query, "state": query["state"] + "x"})
        assert forged.status_code == 410
        asked = await company.client.get("/consent", params=query)
        assert "Is Example to get access to the system of Customer Ltd?" in read_page(asked).text
        assert await pool.fetchval("SELECT pending FROM link_session") is None
        received = await company.client.post("/consent", data=query, headers=NAVIGATION)
        assert received.status_code == 200, received.text
        assert "goes on by itself" in received.text
        again = await company.client.post("/consent", data=query, headers=NAVIGATION)
        assert again.status_code == 410

        state = await company.client.post("/embed/state", data={"link_token": page.forms[-1].members["link_token"]})
        assert str(state.json()["version"]) != page.body["data-version"]
        page = await browser.load()
        assert page.has_form("connect")
        page = await browser.send("connect")
        assert (await company.exchange(page.temporary_token)).status_code == 200
        assert await pool.fetchval("SELECT is_partner FROM connector") is True

        (made,) = await company.list_connectors()
        again = await company.link(connector_id=made["id"])
        assert again.page.has_form("consent")
        assert not again.page.has_form("enter")  # what it was linked with stays what it is linked with
        page = await again.send("consent")
        (url,) = [link for link in page.links if link.startswith("http")]
        async with httpx.AsyncClient() as client:
            back = urlsplit((await client.get(url)).headers["location"])
        query = {name: values[0] for name, values in parse_qs(back.query).items()}
        assert (await company.client.post("/consent", data=query, headers=NAVIGATION)).status_code == 200
        await again.load()
        page = await again.send("connect")
        assert (await company.exchange(page.temporary_token)).json()["connector_id"] == made["id"]
        assert await pool.fetchval("SELECT credentials_version FROM connector WHERE is_partner") == 2


async def test_consent_that_is_refused_or_late_is_told_to_both_windows(
    databases: Databases, pool: Pool, sealer: Sealer
) -> None:
    async with open_company(databases, pool, sealer, "greenhouse", has_partner=True) as company:
        browser = await company.link(integration="greenhouse")
        page = await browser.send("consent")
        state = parse_qs(urlsplit(next(link for link in page.links if link.startswith("http"))).query)["state"][0]
        refused = await company.client.get("/consent", params={"state": state, "error": "access_denied"})
        assert refused.status_code == 422
        assert "You did not agree at Greenhouse" in refused.text
        assert "You did not agree at Greenhouse" in (await browser.load()).text

        page = await browser.send("consent")
        state = parse_qs(urlsplit(next(link for link in page.links if link.startswith("http"))).query)["state"][0]
        wrong = await company.client.post("/consent", data={"state": state, "code": "guessed"}, headers=NAVIGATION)
        assert wrong.status_code == 422
        assert "took too long" in wrong.text

        page = await browser.send("consent") if browser.page.has_form("consent") else await browser.load()
        page = page if not page.has_form("consent") else await browser.send("consent")
        await pool.execute("UPDATE link_session SET consent_ends_at = now()")
        state = parse_qs(urlsplit(next(link for link in page.links if link.startswith("http"))).query)["state"][0]
        late = await company.client.get("/consent", params={"state": state, "code": "code-1"})
        assert late.status_code == 410
        assert (await browser.load()).has_form("enter")
