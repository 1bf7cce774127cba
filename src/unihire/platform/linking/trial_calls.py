"""Calls of the vendor that show whether what a customer gave works, and which lists it does not reach."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from unihire.errors import (
    AddressRefused,
    ConfigError,
    CredentialsRefused,
    LinkRefused,
    PermissionMissing,
    ReauthorizeNeeded,
    RetryLater,
    VendorError,
)
from unihire.integration.declare import Integration, Stream
from unihire.kit.logs import get_logger
from unihire.model import spec_of
from unihire.outbound.addresses import Network
from unihire.outbound.auth import Grant, MemoryGrants
from unihire.outbound.client import Retry, VendorClient
from unihire.platform.connectors import open_client
from unihire.sync.fetching import fetch_page, first_page

log = get_logger()

TRIAL = Retry(attempts=2, timeout=15)
"""A person waits for these calls."""

TRIAL_SECONDS = 30.0
"""How long the lists are tried; what was not reached by then counts as reachable, and the first sync shows it."""

AT_ONCE = 6


class MissingList(msgspec.Struct, frozen=True):
    """A list that is closed to the credentials: the models made of it, and the permission it needs."""

    stream: str
    models: tuple[str, ...]
    permission: str


@dataclass(frozen=True, slots=True)
class LinkTarget:
    """Whom a link calls, and how."""

    integration: Integration
    base_url: str | None = None
    is_base_url_trusted: bool = False
    networks: Sequence[Network] = ()
    keeps_rates: bool = True

    def open(
        self, credentials: Mapping[str, str], *, is_partner: bool = False, grants: MemoryGrants | None = None
    ) -> VendorClient:
        return open_client(
            self.integration,
            credentials,
            self.base_url,
            is_base_url_trusted=self.is_base_url_trusted,
            networks=self.networks,
            is_partner=is_partner,
            grants=grants,
            retry=TRIAL,
            keeps_rates=self.keeps_rates,
        )


@dataclass(frozen=True, slots=True)
class TrialResult:
    """What the calls showed. `grant` is the latest that was bought for a partner."""

    missing: tuple[MissingList, ...]
    reached: int
    grant: Grant | None = field(default=None, repr=False)


async def try_credentials(
    target: LinkTarget, credentials: Mapping[str, str], *, grant: Grant | None = None
) -> TrialResult:
    """Prove credentials, or a partner's grant, by calls that change nothing. Raises LinkRefused where they fail."""
    stored = MemoryGrants(grant)
    try:
        client = target.open(credentials, is_partner=grant is not None, grants=stored)
        async with client:
            if grant is None:
                try:
                    await client.check()
                except PermissionMissing:  # the credentials are good: which lists are closed is seen below
                    log.info("link_probe_closed", integration=target.integration.slug)
            missing, reached = await _try_lists(client, target.integration)
    except (VendorError, ConfigError) as error:
        raise explain_failure(error) from None
    return TrialResult(missing, reached, stored.grant if grant is not None else None)


def explain_failure(error: VendorError | ConfigError) -> LinkRefused:
    """What the customer is told of a failed call: the word by which the page knows."""
    match error:
        case ReauthorizeNeeded() | CredentialsRefused():
            return LinkRefused("credentials")
        case RetryLater():
            return LinkRefused("later")
        case AddressRefused() | ConfigError():
            log.warning("link_not_set_up", reason=str(error))
            return LinkRefused("set_up")
    log.warning("link_unexpected", reason=str(error))
    return LinkRefused("unexpected")


async def _try_lists(client: VendorClient, integration: Integration) -> tuple[tuple[MissingList, ...], int]:
    """Each list asked for one row: those that are closed, and how many were reached."""
    lists = {stream.path: stream for stream in reversed(integration.streams) if "{" not in stream.path}
    gate = asyncio.Semaphore(AT_ONCE)
    found: dict[str, bool] = {}

    async def ask(stream: Stream) -> None:
        async with gate:
            try:
                await fetch_page(client, stream, first_page(client, stream, {}, 1))
            except PermissionMissing:
                found[stream.path] = False
            except (ReauthorizeNeeded, CredentialsRefused):
                raise
            except VendorError as error:  # says nothing of the permission: the first sync shows what it is
                log.info("link_list_not_tried", stream=stream.name, reason=str(error))
            else:
                found[stream.path] = True

    tasks: list[asyncio.Task[Any]] = [asyncio.create_task(ask(stream)) for stream in lists.values()]
    try:
        async with asyncio.timeout(TRIAL_SECONDS):
            await asyncio.gather(*tasks)
    except TimeoutError:
        log.info("link_lists_not_all_tried", integration=integration.slug, tried=len(found))
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    missing = tuple(
        MissingList(
            stream.name,
            tuple(dict.fromkeys(spec_of(mapping.model).name for mapping in stream.mappings)),
            stream.permission or "",
        )
        for stream in integration.streams
        if found.get(stream.path) is False
    )
    return missing, sum(found.values())
