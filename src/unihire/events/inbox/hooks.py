"""Hooks made, changed and ended: the address a vendor calls, and the secrets that its deliveries are verified with."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec

from unihire.errors import ConfigError
from unihire.integration.declare import Data
from unihire.integration.registry import find_webhooks
from unihire.integration.webhooks import Subscription, Webhooks
from unihire.kit.durations import write_duration
from unihire.kit.ids import hash_token, new_token
from unihire.kit.seal import Sealer
from unihire.kit.text import is_writable
from unihire.outbound.client import VendorClient
from unihire.platform.sealing import make_credentials_context, make_hook_context
from unihire.store import Pool
from unihire.store.accounts.tenancy import Connector, describe_act
from unihire.store.audit import log_act
from unihire.store.events import hooks as stored
from unihire.store.events.hooks import FoundHook

PATH = "/hooks/{vendor}/{token}"
"""Where vendors call, below the public address."""

TOKEN_BYTES = 32

MOST_SECRETS = 3
"""Secrets of a hook that are good at once."""

SECRET_LENGTH = 1_000


@dataclass(frozen=True, slots=True)
class NewHook:
    """An address that was made, as a path, and the secret that was drawn for it: both are shown now and never again."""

    path: str = field(repr=False)
    secret: str | None = field(default=None, repr=False)


def get_webhooks(connector: Connector) -> Webhooks:
    """What the connector's vendor reports. Raises ConfigError where that is nothing."""
    webhooks = find_webhooks(connector.integration)
    if webhooks is None:
        raise ConfigError(
            f"{connector.integration} reports nothing of changes: let lists be read more often instead, with "
            "`unihire schedule`"
        )
    return webhooks


def get_subscription(connector: Connector, webhooks: Webhooks) -> Subscription:
    """How the vendor's API is asked. Raises ConfigError where that cannot be done for this connector."""
    subscription = webhooks.subscription
    if subscription is None:
        raise ConfigError(f"the API of {connector.integration} sets no webhooks up: the customer does, by the steps")
    if subscription.is_for_partners and not connector.is_partner:
        raise ConfigError(
            f"the API of {connector.integration} sets webhooks up for partners alone: the customer does, by the steps"
        )
    return subscription


def check_secret(secret: str) -> str:
    """Raises ConfigError for what cannot be one."""
    text = secret.strip()
    if not text or len(text) > SECRET_LENGTH or not is_writable(text) or "\n" in text:
        raise ConfigError(f"the secret cannot be right: it is one line of up to {SECRET_LENGTH:,} characters")
    return text


async def open_hook(
    pool: Pool, sealer: Sealer, connector: Connector, webhooks: Webhooks, *, secret: str | None = None
) -> NewHook:
    """Make the connector's hook. `secret` is what the vendor drew, or the operator chose; where none is given and it is
    ours to draw one, we do.

    Raises ConfigError where there is a hook already.
    """
    token, drawn = new_token(TOKEN_BYTES), _draw_secret(webhooks, secret)
    known = secret or drawn
    sealed = None if known is None else seal_secrets(sealer, connector.id, [known])
    async with pool.acquire() as connection, connection.transaction():
        if not await stored.add_hook(connection, connector.number, hash_token(token), sealed):
            raise ConfigError(f"connector {connector.id} has a hook: `unihire hooks replace` gives it another address")
        await log_act(connection, describe_act(connector, "hook.created"))
    return NewHook(_write_path(connector, token), drawn)


async def replace_address(pool: Pool, connector: Connector, *, old_valid_for: timedelta) -> NewHook:
    """Give the hook another address; the old one is good for so long still. Raises ConfigError where there is none."""
    token = new_token(TOKEN_BYTES)
    async with pool.acquire() as connection, connection.transaction():
        if not await stored.replace_token(connection, connector.number, hash_token(token), old_valid_for):
            raise _tell_none(connector)
        after = {"old_valid_for": write_duration(old_valid_for)}
        await log_act(connection, describe_act(connector, "hook.address_replaced", after=after))
    return NewHook(_write_path(connector, token))


async def add_secret(
    pool: Pool,
    sealer: Sealer,
    connector: Connector,
    webhooks: Webhooks,
    *,
    secret: str | None = None,
    is_only: bool = False,
) -> str | None:
    """Verify deliveries with this secret too, or alone; one is drawn, and given back, where none is given.

    The newest few are good. Raises ConfigError where there is no hook, or the vendor must draw it.
    """
    drawn = _draw_secret(webhooks, secret)
    known = secret or drawn
    if known is None:
        raise ConfigError(f"{connector.integration} draws the secret itself: give it, with --secret-file")
    async with pool.acquire() as connection, connection.transaction():
        found = await stored.lock_hook(connection, connector.number)
        if found is None:
            raise _tell_none(connector)
        before = [] if is_only or found[0] is None else open_secrets(sealer, connector.id, found[0])
        secrets = list(dict.fromkeys([known, *before]))[:MOST_SECRETS]
        await stored.set_secrets(connection, connector.number, seal_secrets(sealer, connector.id, secrets))
        await log_act(connection, describe_act(connector, "hook.secret_added", after={"is_only": is_only}))
    return drawn


class _Api:
    """A connector's client as a folder's webhooks are given it (`integration.webhooks.VendorApi`)."""

    def __init__(self, client: VendorClient) -> None:
        self._client = client

    async def get(self, path: str, params: Mapping[str, str]) -> Any:
        return msgspec.json.decode((await self._client.get(self._client.target.locate(path), params)).body)

    async def send(self, method: str, path: str, body: Data | None = None) -> Any:
        sent = b"" if body is None else msgspec.json.encode(body)
        answer = await self._client.send(method, self._client.target.locate(path), sent)
        return msgspec.json.decode(answer.body) if answer.body else None


async def subscribe(
    pool: Pool, sealer: Sealer, connector: Connector, webhooks: Webhooks, client: VendorClient, url: str
) -> int:
    """Have the vendor's API send deliveries to an address of the hook, in place of those it sent before; how many
    subscriptions there are.

    What was made by an attempt that did not come to its end is taken as it is, where the address is the same. Call
    inside the client's `async with`. Raises VendorError, and ConfigError as `get_subscription` does.
    """
    subscription = get_subscription(connector, webhooks)
    hook = await stored.get_hook(pool, connector.number)
    if hook is None:
        raise _tell_none(connector)
    secrets = [] if hook.secrets is None else open_secrets(sealer, connector.id, hook.secrets)
    made = await subscription.subscribe(_Api(client), url, secrets[0] if secrets else None)
    for secret in made.secrets:
        await add_secret(pool, sealer, connector, webhooks, secret=secret)
    before = [id for id in hook.subscriptions if id not in made.ids]
    await stored.set_subscriptions(pool, connector.number, [*made.ids, *before])
    await subscription.unsubscribe(_Api(client), before)
    await stored.set_subscriptions(pool, connector.number, made.ids)
    return len(made.ids)


async def end_subscriptions(pool: Pool, connector: Connector, webhooks: Webhooks, client: VendorClient) -> None:
    """Have the vendor's API send nothing more. Call inside the client's `async with`."""
    hook = await stored.get_hook(pool, connector.number)
    if hook is not None and hook.subscriptions:
        await get_subscription(connector, webhooks).unsubscribe(_Api(client), hook.subscriptions)
        await stored.set_subscriptions(pool, connector.number, [])


async def close_hook(pool: Pool, connector: Connector) -> None:
    """End the hook: its address is nobody's from now on. Raises ConfigError where there is none."""
    async with pool.acquire() as connection, connection.transaction():
        if not await stored.delete_hook(connection, connector.number):
            raise _tell_none(connector)
        await log_act(connection, describe_act(connector, "hook.closed"))


def list_secrets(sealer: Sealer, hook: FoundHook, webhooks: Webhooks) -> list[str]:
    """What deliveries to a hook are verified with. Raises ConfigError where it does not open."""
    names = () if webhooks.secret is None else webhooks.secret.credentials
    if names:
        opened = sealer.open(hook.credentials, make_credentials_context(hook.connector))
        credentials = msgspec.json.decode(opened, type=dict[str, str])
        return [credentials[name] for name in names if name in credentials][:1]
    return [] if hook.secrets is None else open_secrets(sealer, hook.connector, hook.secrets)


def seal_secrets(sealer: Sealer, connector: UUID, secrets: Sequence[str]) -> bytes:
    return sealer.seal(msgspec.json.encode(secrets), make_hook_context(connector))


def open_secrets(sealer: Sealer, connector: UUID, sealed: bytes) -> list[str]:
    """Raises ConfigError where they do not open."""
    return msgspec.json.decode(sealer.open(sealed, make_hook_context(connector)), type=list[str])


def _draw_secret(webhooks: Webhooks, given: str | None) -> str | None:
    secret = webhooks.secret
    is_ours = secret is not None and secret.drawn_by == "us" and not secret.credentials
    return new_token(TOKEN_BYTES) if is_ours and given is None else None


def _write_path(connector: Connector, token: str) -> str:
    return PATH.format(vendor=connector.integration, token=token)


def _tell_none(connector: Connector) -> ConfigError:
    return ConfigError(f"connector {connector.id} has no hook: `unihire hooks open` makes one")
