"""How a client comes by the token it asks with: what others have bought, or one bought now and saved for them."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import NoReturn

import aiohttp

from unihire.errors import (
    CredentialsRefused,
    NoToken,
    PermissionMissing,
    ReauthorizeNeeded,
    RetryLater,
    VendorChanged,
    VendorRefused,
)
from unihire.kit.clock import Clock
from unihire.outbound.auth import AuthorizationCode, Grant, GrantStore, OAuth, read_grant, write_token_request
from unihire.outbound.budget import Budget
from unihire.outbound.judging import judge
from unihire.outbound.paging import VendorResponse

CONFIRMED_SECONDS = 1.0
"""For so long it is taken for granted that credentials that were the connector's still are; not for writes."""

REFUSED_AGAIN_SECONDS = 60.0
"""How long to wait before a vendor that refuses the credentials is asked again."""

TokenCall = Callable[[Mapping[str, str], Mapping[str, str]], Awaitable[VendorResponse]]
"""One call of the token endpoint with these headers and this form."""


class _Refused(Exception):
    """The vendor itself refuses what was to buy a token; the text says what and why."""


class Standing:
    """Whether a client's credentials are the connector's still, and what the vendor thinks of them.

    A refusal by the vendor itself is noted with the grant; before it is acted on it raises CredentialsRefused, then
    ReauthorizeNeeded.
    """

    def __init__(self, grants: GrantStore) -> None:
        self._grants = grants
        self._confirmed_until = 0.0

    async def confirm(self, *, is_write: bool) -> None:
        """To be called before anything is asked. Raises CredentialsReplaced where the connector has others by now."""
        now = time.monotonic()
        if is_write or now >= self._confirmed_until:
            await self._grants.confirm()
            self._confirmed_until = now + CONFIRMED_SECONDS

    async def accept(self) -> None:
        """The vendor accepts the credentials."""
        await self._grants.note_acceptance()

    async def refuse(self, reason: str) -> NoReturn:
        """The vendor refuses the credentials, or a token they have just bought."""
        if await self._grants.note_refusal():
            raise ReauthorizeNeeded(reason)
        raise CredentialsRefused(
            f"{reason}; it is asked again for some minutes before that is acted on",
            after=REFUSED_AGAIN_SECONDS,
            status=HTTPStatus.UNAUTHORIZED,
        )


class Tokens:
    """The tokens of one client, which other clients share through `grants`.

    A purchase is made to the end, also when the call that needed it is cancelled: a refresh token spent for nothing
    would be lost. The token endpoint is outside the API's rate budget.
    """

    def __init__(
        self,
        auth: OAuth,
        credentials: Mapping[str, str],
        grants: GrantStore,
        standing: Standing,
        call: TokenCall,
        clock: Clock,
    ) -> None:
        self.purchases = 0
        """How often this client bought."""
        self._auth = auth
        self._credentials = credentials
        self._grants = grants
        self._standing = standing
        self._call = call
        self._clock = clock
        self._grant: Grant | None = None
        self._latest = ""  # the access token that this client bought last
        self._buying: asyncio.Task[Grant] | None = None
        self._budget = Budget(None)

    async def close(self) -> None:
        """End a purchase under way: one that spends a refresh token when it is made, any other at once."""
        if self._buying is not None:
            if not isinstance(self._auth, AuthorizationCode):
                self._buying.cancel()
            await asyncio.wait([self._buying])

    def is_fresh(self, grant: Grant, purchases: int) -> bool:
        """Whether this client bought it since it had bought so often."""
        return self.purchases > purchases and grant.access_token == self._latest

    async def get(self, *, refused: Grant | None = None) -> Grant:
        """The grant to use now: not the one the vendor refused, unless it hands out the same again."""
        while True:
            if self._grant is not None and self._is_good(self._grant, refused):
                return self._grant
            purchases = self.purchases
            if self._buying is None or self._buying.done():
                self._buying = asyncio.create_task(self._renew(refused))
                self._buying.add_done_callback(self._end_renewal)
            grant = await asyncio.shield(self._buying)
            if self.purchases > purchases or refused is None or grant.access_token != refused.access_token:
                return grant

    async def buy_new(self) -> Grant:
        """A grant other than the stored one."""
        return await self.get(refused=await self._grants.find())

    async def redeem(self, code: str, redirect_uri: str, verifier: str | None = None) -> Grant:
        """The grant for which a customer was sent back with this code. The caller stores it."""
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri}
        if verifier is not None:
            form["code_verifier"] = verifier
        try:
            return await self._purchase(form, by="the code")
        except _Refused as refusal:
            await self._standing.refuse(str(refusal))

    def _end_renewal(self, renewal: asyncio.Task[Grant]) -> None:
        self._buying = None
        if not renewal.cancelled():
            renewal.exception()  # seen by those who wait for it, if somebody does

    def _is_good(self, grant: Grant, refused: Grant | None) -> bool:
        is_refused = refused is not None and grant.access_token == refused.access_token
        return not is_refused and grant.renew_at > self._clock.now()

    async def _renew(self, refused: Grant | None) -> Grant:
        """The grant another client has bought meanwhile, or else one bought now and saved."""
        grant = await self._grants.find()
        if grant is None or not self._is_good(grant, refused):
            await self._budget.take()
            try:
                grant = await self._renew_alone(refused)
            except _Refused as refusal:  # noted once the lock is released
                await self._standing.refuse(str(refusal))
        self._grant = grant
        return grant

    async def _renew_alone(self, refused: Grant | None) -> Grant:
        async with self._grants.lock() as locked:
            grant = locked.grant
            if grant is None or not self._is_good(grant, refused):
                grant = await self._buy(grant, refused)
                await locked.save(grant)
                self.purchases += 1
                self._latest = grant.access_token
            return grant

    async def _buy(self, stored: Grant | None, refused: Grant | None) -> Grant:
        if not isinstance(self._auth, AuthorizationCode):
            return await self._purchase(self._auth.form, by="the credentials")
        if stored is None or stored.refresh_token is None:
            reason = "the vendor has given no refresh token: the customer must connect again"
            if refused is None:  # it has ended, and nothing can change that
                raise ReauthorizeNeeded(reason)
            raise _Refused(reason)
        form = {"grant_type": "refresh_token", "refresh_token": stored.refresh_token}
        return await self._purchase(form, by="the refresh token", spent=stored.refresh_token)

    async def _purchase(self, form: Mapping[str, str], *, by: str, spent: str | None = None) -> Grant:
        """One call of the token endpoint. `by` names for an error what is sent."""
        call = "POST " + self._auth.token_path
        try:
            answer = await self._call(*write_token_request(self._auth, self._credentials, form))
        except (aiohttp.ClientError, TimeoutError) as error:
            raise NoToken(f"{call}: no answer ({type(error).__name__})") from error
        except VendorChanged as error:
            raise NoToken(str(error)) from error
        try:
            if not 200 <= answer.status < 300:
                judge(call, answer)
            return read_grant(answer.body, now=self._clock.now(), spent=spent)
        except VendorChanged as error:
            raise NoToken(f"{call}: {error}") from error
        except RetryLater as error:
            if error.after is not None:
                await self._budget.block(error.after)
            raise NoToken(str(error), after=error.after, status=error.status) from error
        except (VendorRefused, PermissionMissing) as error:
            word = self._auth.find_refusal(answer.body)
            if word is not None:
                raise _Refused(f"the vendor refuses {by} ({answer.status}, {word})") from error
            raise NoToken(
                f"{call}: the answer is {answer.status}, and not in the form in which the vendor refuses credentials; "
                "a firewall or a proxy may have given it"
            ) from error
