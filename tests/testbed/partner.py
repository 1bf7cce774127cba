"""A vendor that gives partners tokens: refresh tokens work once, and nothing is forgiven."""

import asyncio
from dataclasses import dataclass, field, replace
from typing import Any

from aiohttp import web

from testbed.vendor import ACME, Vendor, say
from unihire.integration.declare import Integration
from unihire.kit.clock import SystemClock
from unihire.kit.seal import Sealer
from unihire.outbound.auth import AuthorizationCode, Grant
from unihire.platform.connectors import create_connector
from unihire.platform.organisations import ensure_organisation
from unihire.store import Pool
from unihire.store.accounts.tenancy import Connector, get_connector

SECRETS = {"client_id": "the-partner", "client_secret": "the-secret"}
PARTNER: Integration = replace(
    ACME,
    partner_auth=AuthorizationCode(
        authorize_path="/authorize",
        token_path="/token",
        credentials=ACME.auth.credentials,
        scopes=("jobs:read", "people:read"),
    ),
)


@dataclass
class TokenEndpoint:
    """The vendor's token endpoint and a row behind it, at /jobs/1."""

    vendor: Vendor
    refresh: str = "refresh-0"
    access: str = ""
    spent: list[str] = field(default_factory=list)
    refused: int = 0
    calls: list[str] = field(default_factory=list)
    pause: float = 0.0
    was_asked: asyncio.Event = field(default_factory=asyncio.Event)
    """For a token."""

    def open(self, times: int = 1000) -> None:
        self.vendor.will("/token", *[self.hand_out] * times)
        self.vendor.will("/jobs/1", *[self.serve] * times)

    async def hand_out(self, request: web.Request) -> web.StreamResponse:
        self.was_asked.set()
        form: dict[str, Any] = dict(await request.post())
        assert request.headers["Authorization"].startswith("Basic ")
        if form["grant_type"] == "authorization_code":
            is_good = (form["code"], form["redirect_uri"]) == ("the-code", "https://partner.example.com/back")
        else:
            is_good = form == {"grant_type": "refresh_token", "refresh_token": self.refresh}
        if not is_good:
            self.refused += 1
            return say({"error": "invalid_grant"}, 400)
        self.spent.append(self.refresh)
        self.access, self.refresh = f"access-{len(self.spent)}", f"refresh-{len(self.spent)}"
        answer = say({"access_token": self.access, "expires_in": 3600, "refresh_token": self.refresh})
        await asyncio.sleep(self.pause)
        return answer

    async def serve(self, request: web.Request) -> web.StreamResponse:
        token = request.headers["Authorization"].removeprefix("Bearer ")
        self.calls.append(token)
        return say({"id": "1"}) if token == self.access else say({}, 401)

    def expire(self) -> None:
        """No access token is good any more."""
        self.access = ""


async def connect_partner(
    pool: Pool, sealer: Sealer, *, integration: Integration, base_url: str, credentials: dict[str, str], grant: Grant
) -> Connector:
    made = await create_connector(
        pool,
        sealer,
        organisation=await ensure_organisation(pool, "Example"),
        environment="production",
        integration=integration,
        end_user="Customer Ltd",
        credentials=credentials,
        base_url=base_url,
        is_base_url_trusted=True,
        grant=grant,
    )
    connector = await get_connector(pool, made.id)
    assert connector is not None
    return connector


def make_grant(refresh: str | None = "refresh-0") -> Grant:
    """One whose access token is to be bought anew at once."""
    return Grant("access-0", SystemClock().now(), refresh)
