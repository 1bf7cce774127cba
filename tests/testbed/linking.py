"""Customers at the link page: forms found in it, filled in and sent, as a browser without script does."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urljoin

import httpx

from unihire.integration.registry import get_integration
from unihire.sandbox.runner import Ready

NAVIGATION = {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "navigate"}


@dataclass
class PageForm:
    """A form of a page: what it sends unless something is filled in."""

    method: str
    action: str
    members: dict[str, str] = field(default_factory=dict)
    fields: list[str] = field(default_factory=list)
    buttons: list[str] = field(default_factory=list)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[PageForm] = []
        self.texts: list[str] = []
        self.body: dict[str, str | None] = {}
        self.links: list[str] = []
        self._within: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "body":
            self.body = given
        if tag == "a" and given.get("href"):
            self.links.append(str(given["href"]))
        if tag == "form":
            self.forms.append(PageForm(str(given["method"]), str(given["action"])))
            self._within.append("form")
        name = given.get("name")
        if not name or "form" not in self._within:
            return
        if tag == "input":
            self.forms[-1].members[name] = given.get("value") or ""
            if given.get("type") != "hidden":
                self.forms[-1].fields.append(name)
        elif tag == "select":
            self.forms[-1].members[name] = ""
            self.forms[-1].fields.append(name)
        elif tag == "button":
            self.forms[-1].buttons.append(str(given.get("value")))

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._within.pop()

    def handle_data(self, data: str) -> None:
        if data.strip():
            self.texts.append(" ".join(data.split()))


@dataclass
class LinkPageView:
    """A page as it was answered."""

    response: httpx.Response
    forms: list[PageForm]
    text: str
    body: Mapping[str, str | None]
    links: list[str]

    @property
    def status(self) -> int:
        return self.response.status_code

    @property
    def temporary_token(self) -> str | None:
        return self.body.get("data-temporary")

    def find_form(self, step: str) -> PageForm:
        """The form of a step; AssertionError where the page has none."""
        for form in self.forms:
            if form.members.get("step") == step:
                return form
        raise AssertionError(f"no form for {step}: {self.text[:500]}")

    def has_form(self, step: str) -> bool:
        return any(form.members.get("step") == step for form in self.forms)


def read_page(response: httpx.Response) -> LinkPageView:
    reader = _Reader()
    reader.feed(response.text)
    return LinkPageView(response, reader.forms, " ".join(reader.texts), reader.body, reader.links)


class LinkBrowser:
    """One browser window at the page of a link."""

    def __init__(self, client: httpx.AsyncClient, token: str, **query: str) -> None:
        self._client = client
        self._query = {"link_token": token, **query}
        self.page: LinkPageView

    async def load(self) -> LinkPageView:
        """The page, asked for anew."""
        self.page = read_page(await self._client.get("/embed", params=self._query, headers=NAVIGATION))
        return self.page

    async def send(self, step: str, **filled: str) -> LinkPageView:
        """The form of a step, sent as the page has it but for what is filled in; redirects are followed."""
        form = self.page.find_form(step)
        url = urljoin("/embed", form.action)
        answer = await self._client.post(
            url, data={**form.members, **filled}, headers=NAVIGATION, follow_redirects=True
        )
        self.page = read_page(answer)
        return self.page

    async def enter(self, **credentials: str) -> LinkPageView:
        return await self.send("enter", **{f"c-{name}": value for name, value in credentials.items()})


def pick_entered(slug: str, ready: Ready) -> dict[str, str]:
    """What a customer of an emulator enters."""
    known = ready.list_credentials()
    return {one.name: known[one.name] for one in get_integration(slug).list_credentials() if one.name in known}


async def create_link(client: httpx.AsyncClient, key: str, **body: Any) -> str:
    """A link token, asked for over the API."""
    user = {"org_name": "Customer Ltd", "origin_id": "customer-1", "email": "ops@customer.example"}
    asked = {"end_user_data": user, "category": "ATS", **body}
    answer = await client.post(
        "/api/embedded/v1/link/create-link-token", json=asked, headers={"Authorization": f"Bearer {key}"}
    )
    assert answer.status_code == 200, answer.text
    return str(answer.json()["link_token"])
