"""New credentials of a connector are of the account its records are from, or nothing is saved."""

import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from typing import Any
from uuid import uuid4

import pytest
from aiohttp import web

from testbed.databases import Databases
from testbed.small_company import start_small
from testbed.tenants import Tenant, make_tenant
from testbed.vendor import ACME, IMPATIENT, Vendor, fill, say
from unihire.cli.demo.pasting import pick_credentials
from unihire.errors import ConfigError
from unihire.integration.registry import get_integration, list_integrations
from unihire.kit.clock import MovableClock
from unihire.kit.seal import Sealer
from unihire.platform.accounts import check_account
from unihire.platform.connectors import open_client
from unihire.sandbox.runner import Ready, get_emulator
from unihire.store import Pool

KNOWN = replace(ACME, known_by=("jobs",), made_at="at")


async def check(tenant: Tenant, base_url: str, credentials: dict[str, str], *, is_confirmed: bool = False) -> None:
    client = open_client(tenant.integration, credentials, base_url, is_base_url_trusted=True, retry=IMPATIENT)
    await check_account(tenant.pool, tenant.connector, tenant.integration, client, is_confirmed=is_confirmed)


@asynccontextmanager
async def serve(slug: str, **settings: Any) -> AsyncIterator[Ready]:
    options = {name: option.in_demo for name, option in get_emulator(slug).options.items() if option.in_demo}
    with start_small(slug, size=24, clock=MovableClock(), options=options, **settings) as sandbox:
        yield sandbox.ready


def credentials_of(ready: Ready) -> dict[str, str]:
    return pick_credentials(get_integration(ready.emulator), ready)


# As if the rows stored were of an account that counts its ids the same way.
MOVE_MOMENTS = """
    UPDATE record SET raw = convert_to(
        replace(convert_from(raw, 'UTF8'), $2, $2 || '"1999-01-01T00:00:00Z","was":'), 'UTF8'
    ) WHERE connector = $1
"""


@pytest.mark.parametrize("slug", [integration.slug for integration in list_integrations()])
async def test_each_vendor_tells_its_accounts_apart(slug: str, databases: Databases, sealer: Sealer) -> None:
    async with databases.open() as pool, serve(slug) as ready:
        credentials = credentials_of(ready)
        integration = replace(get_integration(slug), budget_rule=None)
        tenant = await make_tenant(
            pool, sealer, integration=integration, base_url=ready.base_url, credentials=credentials
        )
        assert (await tenant.sync()).status == "done"
        await check(tenant, ready.base_url, credentials)
        stranger = replace(tenant, connector=replace(tenant.connector, id=uuid4()))
        with pytest.raises(ConfigError, match=r"none of the .* rows .* is known here; .*a connector of its own"):
            await check(stranger, ready.base_url, credentials)
        known_by = tenant.integration.known_by[0]
        await pool.execute(MOVE_MOMENTS, tenant.connector.number, f'"{tenant.integration.made_at}":')
        with pytest.raises(ConfigError, match=rf"of another account: .* of {known_by} made at another moment"):
            await check(tenant, ready.base_url, credentials)


async def test_where_nothing_is_stored_nobody_is_asked(pool: Pool, sealer: Sealer, vendor: Vendor) -> None:
    fresh = await make_tenant(pool, sealer, integration=KNOWN, base_url=vendor.base_url)
    await check(fresh, vendor.base_url, fresh.credentials)
    assert vendor.log == []


@pytest.fixture
async def tenant(pool: Pool, sealer: Sealer, vendor: Vendor) -> Tenant:
    fill(vendor)
    vendor.lists["/jobs"] = [{"id": str(number), "name": "x", "at": f"2026-01-0{number}"} for number in range(1, 4)]
    made = await make_tenant(pool, sealer, integration=KNOWN, base_url=vendor.base_url)
    await made.sync()
    return made


async def look(tenant: Tenant, vendor: Vendor, *jobs: dict[str, Any], is_confirmed: bool = False) -> None:
    vendor.lists["/jobs"] = list(jobs)
    await check(tenant, vendor.base_url, tenant.credentials, is_confirmed=is_confirmed)


async def test_one_row_that_is_known_and_made_at_the_same_moment_is_enough(tenant: Tenant, vendor: Vendor) -> None:
    await look(tenant, vendor, {"id": "9", "at": "2026-01-09"}, {"id": "2", "name": "renamed", "at": "2026-01-02"})


async def test_same_ids_made_at_other_moments_are_another_account_whoever_vouches(
    tenant: Tenant, vendor: Vendor
) -> None:
    for is_confirmed in (False, True):
        with pytest.raises(ConfigError, match="2 rows of jobs made at another moment than what is stored"):
            await look(
                tenant,
                vendor,
                {"id": "1", "at": "2020-01-01"},
                {"id": "2", "at": "2020-01-02"},
                is_confirmed=is_confirmed,
            )


async def test_row_without_a_moment_tells_nothing(tenant: Tenant, vendor: Vendor) -> None:
    with pytest.raises(ConfigError, match="--same-account"):
        await look(tenant, vendor, {"id": "1"}, {"id": "2", "name": "x"})
    await look(tenant, vendor, {"id": "1"}, {"id": "2", "at": "2026-01-02"})


async def test_no_row_that_is_known_needs_somebody_who_vouches(tenant: Tenant, vendor: Vendor) -> None:
    with pytest.raises(ConfigError, match=r"none of the 1 row it shows first is known here.*--same-account"):
        await look(tenant, vendor, {"id": "9", "at": "2026-01-09"})
    await look(tenant, vendor, {"id": "9", "at": "2026-01-09"}, is_confirmed=True)


async def test_no_row_at_all_and_a_closed_list_need_it_too(tenant: Tenant, vendor: Vendor) -> None:
    with pytest.raises(ConfigError, match="shows no row to compare"):
        await look(tenant, vendor)
    for body, status in (({}, 403), ({}, 404), ({}, 422), ({"rows": 7}, 200)):
        for is_confirmed in (False, True):
            vendor.will("/jobs", *[partial(answer, body, status)] * 20)
            with contextlib.nullcontext() if is_confirmed else pytest.raises(ConfigError, match="no row to compare"):
                await look(tenant, vendor, {"id": "1", "at": "2026-01-01"}, is_confirmed=is_confirmed)
            vendor.answers["/jobs"].clear()


def answer(body: dict[str, Any], status: int, request: web.Request) -> web.Response:
    return say(body, status)


def test_each_integration_says_by_which_lists_its_accounts_are_known() -> None:
    for integration in list_integrations():
        assert integration.known_by, integration.slug
        for name in integration.known_by:
            assert any(mapping.is_whole for mapping in integration.get_stream(name).mappings), name


@pytest.mark.parametrize("same", ["2026-01-02T00:00:00Z", "2026-01-02T00:00:00.512Z", "2026-01-02 01:00:00 +0100"])
async def test_moment_that_the_vendor_writes_otherwise_by_now_is_the_same(
    tenant: Tenant, vendor: Vendor, same: str
) -> None:
    await look(tenant, vendor, {"id": "2", "at": same})


@pytest.mark.parametrize("at", ["soon", "", "x" * 100_000, 5, [], {}, True])
async def test_what_is_no_moment_is_another(tenant: Tenant, vendor: Vendor, at: Any) -> None:
    with pytest.raises(ConfigError, match="of another account"):
        await look(tenant, vendor, {"id": "2", "at": at}, is_confirmed=True)


async def test_stored_row_that_is_not_decoded_any_more_tells_nothing(tenant: Tenant, vendor: Vendor) -> None:
    deep = b'{"id":"1","at":"2020-01-01","x":' + b"[" * 150 + b"]" * 150 + b"}"
    await tenant.pool.execute(
        "UPDATE record SET raw = $2 WHERE connector = $1 AND remote_id = '1'", tenant.connector.number, deep
    )
    await look(tenant, vendor, {"id": "1", "at": "2026-01-01"}, {"id": "2", "at": "2026-01-02"})
