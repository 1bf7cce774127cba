"""A vendor with several customers: a token opens the rows of whoever's credentials bought it."""

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from aiohttp import web

from testbed.vendor import ACME, Vendor, job, say
from testbed.waiting import within
from unihire.kit.seal import Sealer
from unihire.platform.connectors import reconnect_connector
from unihire.store import Pool
from unihire.store.accounts.tenancy import Connector, get_connector

OLD = {"client_id": "old", "client_secret": "old-secret"}
NEW = {"client_id": "new", "client_secret": "new-secret"}


@dataclass
class Pause:
    """A call that the vendor has answered, and whose answer it holds back."""

    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    opened: asyncio.Event = field(default_factory=asyncio.Event)
    instead: web.Response | None = None
    """Another answer in its place."""


@dataclass
class Accounts:
    """`jobs` by client id. What was bought is `<client id>-<number>`; `log` has who asked for what, in order."""

    vendor: Vendor
    jobs: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    refused: set[str] = field(default_factory=set)
    """Client ids that buy nothing."""
    log: list[tuple[str, str, str]] = field(default_factory=list)
    bought: int = 0
    _pauses: dict[tuple[str, str], Pause] = field(default_factory=dict)

    def open(self) -> None:
        for name in ("old", "new"):
            self.jobs.setdefault(name, [job(f"{name}-{number}") for number in range(1, 6)])
        self.vendor.lists = {"/pipelines": [], "/people": [], "/jobs": []}
        for path in ("/token", "/pipelines", "/people", "/jobs", *(f"/jobs/{name}-1" for name in self.jobs)):
            self.vendor.will(path, *[self.answer] * 1000)

    def pause(self, path: str, account: str) -> Pause:
        """Hold the next answer to this account's call of the path back."""
        self._pauses[path, account] = made = Pause()
        return made

    def list_asked(self, account: str) -> list[str]:
        """What was asked for with an account's token, or for one."""
        return [path for path, name, _ in self.log if name == account]

    async def answer(self, request: web.Request) -> web.StreamResponse:
        if request.path == "/token":
            form = await request.post()
            account = str(form["client_id"])
            self.bought += 1
            is_refused = account in self.refused
            said = {"error": "invalid_client"} if is_refused else {
                "access_token": f"{account}-{self.bought}", "expires_in": 3600
            }  # fmt: skip
            answer = say(said, 401 if is_refused else 200)
        else:
            account = request.headers["Authorization"].removeprefix("Bearer ").rpartition("-")[0]
            self.vendor.lists["/jobs"] = self.jobs[account]
            path, _, id = request.path.rpartition("/")
            if path == "/jobs":
                found = [row for row in self.jobs[account] if row["id"] == id]
                answer = say(found[0]) if found else say({}, 404)
            elif request.method == "POST":
                answer = say({"id": "made"}, 201)
            else:
                answer = self.vendor.page(request)
        self.log.append((request.path, account, request.method))
        pause = self._pauses.pop((request.path, account), None)
        if pause is not None:
            pause.arrived.set()
            await within(pause.opened.wait())
        return answer if pause is None or pause.instead is None else pause.instead


async def reconnect(
    pool: Pool, sealer: Sealer, connector: Connector, credentials: dict[str, str], **settings: Any
) -> Connector:
    """The connector with its new credentials."""
    await reconnect_connector(pool, sealer, connector, settings.pop("integration", ACME), credentials, **settings)
    found = await get_connector(pool, connector.id)
    assert found is not None
    return found


def believe_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """One refusal of the stored credentials is enough."""
    monkeypatch.setattr("unihire.platform.grants.REFUSALS", 1)
    monkeypatch.setattr("unihire.platform.grants.REFUSED_FOR", timedelta())
