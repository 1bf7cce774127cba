"""Webhooks: from the commit of an event to its arrival, with all receivers alive and with a tenth of them dead.

A worker process delivers what this process saves: so many new records a second, each a saved page of a connector of
its own, to five endpoints each. Rounds with and without dead receivers alternate; half of the dead refuse connections,
half accept them and say nothing. Every receiver has a host of its own.
"""

import asyncio
import ipaddress
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from statistics import median, quantiles
from uuid import UUID

from bench.events import CandidateSaver
from bench.figures import Figures
from bench.place import Place
from bench.processes import Child, Mismatch, start_child
from bench.seeding import ANY_CREDENTIALS
from bench.sizes import Sizes
from bench.workers import Site, open_site
from unihire.events.endpoints import EndpointOwner, Endpoints, EndpointSettings
from unihire.integration.registry import get_integration
from unihire.kit.seal import Sealer
from unihire.outbound.addresses import AddressPolicy
from unihire.platform.connectors import create_connector
from unihire.platform.organisations import ensure_organisation
from unihire.store import Pool
from unihire.store.accounts.tenancy import get_connector
from unihire.store.events.endpoints import announce_endpoints
from unihire.store.events.log import log_changes
from unihire.webhook_forms import FORMS

EACH = 5
"""Endpoints that each event is sent to."""

A_SECOND = 50
"""Events."""

DEAD_SHARE = 10
"""One of so many receivers is dead."""

ROUNDS = 2
LOOPBACK = "127.0.0.0/8"
LONGEST_SECONDS = 60.0

# Lead endpoints to another address, as if nothing had happened to them.
MOVE_ENDPOINTS = """
    UPDATE endpoint SET url = made.url, failures = 0, failing_since = NULL, held_until = NULL, is_enabled = true
    FROM unnest($1::uuid[], $2::text[]) AS made (id, url) WHERE endpoint.id = made.id
"""

# What was not delivered in a round is none of the next one's.
FORGET_UNSENT = """
    UPDATE lane SET due_at = NULL, claim = NULL, tries = 0, failing_since = NULL,
        position = coalesce((SELECT last_seq FROM feed WHERE feed.connector = lane.connector), 0)
"""

# Schedules that ask for no syncs meanwhile.
REST_SCHEDULES = "UPDATE connector SET next_sync_at = now() + interval '7 days'"


@dataclass(frozen=True, slots=True)
class Target:
    """An endpoint; its number is its path and its host."""

    id: UUID
    number: int

    def at(self, port: int) -> str:
        return f"http://127.1.{self.number // 250}.{self.number % 250 + 1}:{port}/{self.number}"


async def measure_deliveries(place: Place, sizes: Sizes, figures: Figures) -> None:
    """The figures `deliveries.*`."""
    count = sizes.delivery_endpoints
    print(f"deliveries: {A_SECOND} events a second to {EACH} of {count:,} endpoints each", flush=True)
    async with open_site(place, "deliveries") as site, start_child("bench.receiver", {}) as receiver:
        ports = await receiver.read()
        targets, savers = await _prepare(site, count // EACH, ports["port"])
        dead = targets[::DEAD_SHARE]
        where = islice(cycle((ports["silent_port"], ports["closed_port"])), len(dead))
        dead_urls = {target.id: target.at(port) for target, port in zip(dead, where, strict=True)}
        alive_urls = {target.id: target.at(ports["port"]) for target in dead}
        sending = _Sending(savers, receiver, {f"/{target.number}" for target in dead})
        without: list[float] = []
        among: list[float] = []
        environment = {**site.environment, "UNIHIRE_ALLOWED_NETWORKS": LOOPBACK}
        async with start_child("bench.worker_ours", {}, environment, ["worker", "--json"]) as worker:
            await worker.read()
            await sending.measure(sizes.delivery_seconds)  # connections are opened
            for _ in range(ROUNDS):
                for urls, into in ((alive_urls, without), (dead_urls, among)):
                    await _move(site.pool, urls)
                    into += await sending.measure(sizes.delivery_seconds)
        figures.put("deliveries.p50_ms", median(without) * 1000)
        figures.put("deliveries.p99_ms", _find_p99(without) * 1000)
        figures.put("deliveries.p99_ms_among_dead", _find_p99(among) * 1000)
        figures.put("deliveries.among_dead", _find_p99(among) / _find_p99(without))


async def _prepare(site: Site, connectors: int, port: int) -> tuple[list[Target], list[CandidateSaver]]:
    """Organisations with a connector and its endpoints each, and who saves for each connector."""
    sealer, policy = Sealer([site.key]), AddressPolicy((ipaddress.ip_network(LOOPBACK),))
    endpoints = Endpoints(site.pool, sealer, FORMS, policy)
    integration = get_integration("personio")
    targets: list[Target] = []
    savers = []
    for number in range(connectors):
        organisation = await ensure_organisation(site.pool, f"Example {number}")
        made = await create_connector(
            site.pool, sealer, organisation=organisation, environment="development", integration=integration,
            end_user="Example customer", credentials=ANY_CREDENTIALS,
        )  # fmt: skip
        connector = await get_connector(site.pool, made.id)
        assert connector is not None
        savers.append(CandidateSaver(site.pool, connector, log_changes))
        owner = EndpointOwner(organisation, connector.environment)
        for _ in range(EACH):
            address = Target(UUID(int=0), len(targets)).at(port)
            what = EndpointSettings(url=address, events=["record.created"])
            endpoint, _secret = await endpoints.create(owner, what, format="standard")
            targets.append(Target(endpoint.id, len(targets)))
    await site.pool.execute(REST_SCHEDULES)
    return targets, savers


async def _move(pool: Pool, urls: dict[UUID, str]) -> None:
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute(MOVE_ENDPOINTS, list(urls), list(urls.values()))
        await connection.execute(FORGET_UNSENT)
        await announce_endpoints(connection)
    await asyncio.sleep(0.5)  # every process has read them


class _Sending:
    """Saves at an even pace, and asks the receiver what arrived when. `left_out` are paths that may be dead."""

    def __init__(self, savers: Sequence[CandidateSaver], receiver: Child, left_out: set[str]) -> None:
        self._savers = savers
        self._receiver = receiver
        self._left_out = left_out
        self._number = 0

    async def measure(self, seconds: float) -> list[float]:
        """The seconds from each commit to its arrival at each receiver that is not left out."""
        due: dict[tuple[str, str], float] = {}
        begun_at = time.monotonic()
        async with asyncio.TaskGroup() as under_way:
            for nth in range(round(seconds * A_SECOND)):
                await asyncio.sleep(max(0.0, begun_at + nth / A_SECOND - time.monotonic()))
                under_way.create_task(self._save(self._number, due))
                self._number += 1
        return await self._collect(due)

    async def _save(self, number: int, due: dict[tuple[str, str], float]) -> None:
        whose = number % len(self._savers)
        saver = self._savers[whose]
        (record,) = saver.render(range(number, number + 1), 0)
        await saver.save([record])
        now = time.monotonic()
        paths = {f"/{whose * EACH + place}" for place in range(EACH)}
        due |= {(path, record.id): now for path in paths - self._left_out}

    async def _collect(self, due: dict[tuple[str, str], float]) -> list[float]:
        arrived: dict[tuple[str, str], float] = {}
        give_up_at = time.monotonic() + LONGEST_SECONDS
        while len(arrived) < len(due):
            if time.monotonic() > give_up_at:
                raise Mismatch(f"{len(arrived)} of {len(due)} messages have arrived")
            await asyncio.sleep(0.2)
            for path, id, at in await self._receiver.ask({}):
                if (path, id) in due:
                    arrived.setdefault((path, id), at)
        return [at - due[which] for which, at in arrived.items()]


def _find_p99(values: Sequence[float]) -> float:
    return quantiles(values, n=100)[98]
