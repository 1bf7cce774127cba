"""Vendors' webhooks: from a change at the vendor to the webhook that says so, beside a first sync.

Greenhouse's emulator reports candidates that change there, so many a second; a service takes the deliveries, a worker
reads the rows again, saves them and sends what changed to a receiver. What arrives there is readable by API: a message
is sent only when its page is committed.
"""

import asyncio
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from statistics import median, quantiles
from typing import Any

import aiohttp

from bench.deliveries import A_SECOND, LONGEST_SECONDS, LOOPBACK
from bench.figures import Figures
from bench.place import Place
from bench.processes import Child, Mismatch, start_child
from bench.sizes import Sizes
from bench.vendors import HARVEST, Lists, Vendor, start_emulator, start_pages
from bench.workers import Site, open_site
from unihire.events.endpoints import EndpointOwner, Endpoints, EndpointSettings
from unihire.events.inbox.hooks import get_webhooks, open_hook
from unihire.kit.seal import Sealer
from unihire.model import MODELS
from unihire.outbound.addresses import AddressPolicy
from unihire.store.accounts.tenancy import Connector, get_numbered
from unihire.webhook_forms import FORMS

BESIDE = Lists("personio", ("candidates",))
BESIDE_MOST = 40
"""More first syncs than are over by the end."""

CALLS_AT_ONCE = 8

# The candidates of a connector: the vendor's ids and ours.
LIST_CANDIDATES = """
    SELECT remote_id, id::text FROM record WHERE connector = $1 AND model = $2 AND deleted_at IS NULL ORDER BY remote_id
"""


async def measure_reported(place: Place, sizes: Sizes, figures: Figures) -> None:
    """The figures `reported.*`."""
    count = max(100, round(A_SECOND * sizes.delivery_seconds))
    print(f"reported: {A_SECOND} changes a second of {count:,} candidates, beside a first sync", flush=True)
    async with (
        open_site(place, "reported") as site,
        start_emulator(HARVEST.slug, count, rate_limit="0") as vendor,
        start_pages(BESIDE, sizes.first_sync) as (origin, _),
        start_child("bench.receiver", {}) as receiver,
    ):
        ports = await receiver.read()
        connector = await _connect(site, vendor)
        pages = Vendor(f"{origin}/{sizes.first_sync}", vendor.credentials)
        beside = await site.connect(BESIDE.slug, pages, BESIDE_MOST)
        await _add_endpoint(site, connector, f"http://127.0.0.1:{ports['port']}/reported")
        environment = {
            **site.environment,
            "UNIHIRE_ALLOWED_NETWORKS": LOOPBACK, "UNIHIRE_PORT": "0", "UNIHIRE_PUBLIC_URL": "http://127.0.0.1:1",
        }  # fmt: skip
        async with (
            start_child("bench.worker_ours", {}, environment, ["serve", "--json", "--no-worker"]) as service,
            start_child("bench.worker_ours", {}, environment, ["worker", "--json"]) as worker,
        ):
            base_url = (await service.read())["base_url"]
            await worker.read()
            await _report_to(site, connector, vendor, base_url)
            syncing = asyncio.create_task(_sync_each(site, beside))
            try:
                taken = await _change_candidates(site, connector, vendor, receiver, sizes.delivery_seconds)
                if syncing.done():
                    raise Mismatch("the first syncs beside it ended before the last message")
            finally:
                syncing.cancel()
                await asyncio.gather(syncing, return_exceptions=True)
    figures.put("reported.p50_seconds", median(taken))
    figures.put("reported.p99_seconds", quantiles(taken, n=100)[98])


async def _sync_each(site: Site, numbers: Sequence[int]) -> None:
    """Let one connector after the other have its first sync, so that there is always one."""
    for number in numbers:
        due = datetime.now(UTC)
        await site.make_due([number], due, full=True)
        await site.wait([number], due)


async def _connect(site: Site, vendor: Vendor) -> Connector:
    """A connector to the emulator whose first sync is done."""
    numbers = await site.connect(HARVEST.slug, vendor, 1)
    async with site.start_workers(1, 1):
        due = datetime.now(UTC)
        await site.make_due(numbers, due, full=True)
        await site.wait(numbers, due)
    await site.make_due(numbers, datetime.now(UTC) + timedelta(days=7))
    connector = await get_numbered(site.pool, numbers[0])
    assert connector is not None
    return connector


async def _add_endpoint(site: Site, connector: Connector, url: str) -> None:
    endpoints = Endpoints(site.pool, Sealer([site.key]), FORMS, AddressPolicy())
    what = EndpointSettings(url=url, is_trusted=True, events=["record.updated"], models=["candidate"])
    await endpoints.create(EndpointOwner(connector.organisation, connector.environment), what, format="standard")


async def _report_to(site: Site, connector: Connector, vendor: Vendor, base_url: str) -> None:
    """Let the vendor send its events to the service."""
    new = await open_hook(site.pool, Sealer([site.key]), connector, get_webhooks(connector))
    async with aiohttp.ClientSession() as session:
        order = {"url": base_url + new.path, "secret": new.secret}
        async with session.post(f"{vendor.control_url}receivers", json=order) as answer:
            if not (await answer.json())["enabled"]:
                raise Mismatch("the service did not take the vendor's ping")


async def _change_candidates(
    site: Site, connector: Connector, vendor: Vendor, receiver: Child, seconds: float
) -> list[float]:
    """Change each candidate once at an even pace; the seconds from each change to its message's arrival."""
    rows = await site.pool.fetch(LIST_CANDIDATES, connector.number, MODELS["candidate"].number)
    rows = rows[: round(A_SECOND * seconds)]
    changed: dict[str, float] = {}
    room = asyncio.Semaphore(CALLS_AT_ONCE)
    async with await _sign_in(vendor) as api:

        async def change(remote_id: str, id: str) -> None:
            async with room, api.patch(f"/v3/candidates/{remote_id}", json={"first_name": "Renamed"}) as answer:
                answer.raise_for_status()
                await answer.read()
                changed[id] = time.monotonic()

        begun_at = time.monotonic()
        async with asyncio.TaskGroup() as under_way:
            for nth, row in enumerate(rows):
                await asyncio.sleep(max(0.0, begun_at + nth / A_SECOND - time.monotonic()))
                under_way.create_task(change(row["remote_id"], row["id"]))
    arrived: dict[str, float] = {}
    give_up_at = time.monotonic() + LONGEST_SECONDS
    while len(arrived) < len(changed):
        if time.monotonic() > give_up_at:
            raise Mismatch(f"{len(arrived)} of {len(changed)} changes have arrived")
        await asyncio.sleep(0.2)
        for _path, id, at in await receiver.ask({}):
            arrived.setdefault(id, at)
    return [max(0.0, arrived[id] - at) for id, at in changed.items()]


async def _sign_in(vendor: Vendor) -> aiohttp.ClientSession:
    """A client of the emulator's API."""
    auth = aiohttp.BasicAuth(vendor.credentials["client_id"], vendor.credentials["client_secret"])
    async with aiohttp.ClientSession() as session:
        form = {"grant_type": "client_credentials"}
        async with session.post(f"{vendor.base_url}/token", data=form, auth=auth) as answer:
            said: dict[str, Any] = await answer.json()
    return aiohttp.ClientSession(vendor.base_url, headers={"Authorization": f"Bearer {said['access_token']}"})
