"""Serving: pages of 50 from many candidates, by the product, by a hand-written service and by the floor."""

import asyncio
import random
import urllib.request
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from statistics import median
from typing import Any

import msgspec
import psutil

from bench import load
from bench.figures import Figures, find_ratio
from bench.filters import measure_filters
from bench.place import Place
from bench.processes import Child, Mismatch, start_child
from bench.ranges import measure_deleted, measure_ranges
from bench.seeding import Tenant, create_tenant, seed_all, settle
from bench.sizes import PAGE, Sizes
from unihire.dialects.bindbee.face import NATIVE
from unihire.dialects.common.cursors import write_cursor
from unihire.dialects.unihire.records import MORE, OWN
from unihire.model import MODELS
from unihire.store import Pool

CONNECTIONS = 12
PLACES = 4000
"""Most places of the walk a round goes through, spread by chance over the whole list."""

CANDIDATE = MODELS["candidate"]

# The table of the hand-written service, filled from the same records.
CREATE_HANDWRITTEN = """
    CREATE TABLE handwritten_candidate AS
    SELECT fields.*, record.connector, record.seq
    FROM record, jsonb_to_record(convert_from(body, 'UTF8')::jsonb) AS fields (
        id uuid, modified_at timestamptz, remote_id text, first_name text, last_name text, company text, title text,
        last_interaction_at timestamptz, is_private boolean, can_email boolean, locations jsonb, phone_numbers jsonb,
        email_addresses jsonb, urls jsonb, tags jsonb, applications jsonb, attachments jsonb,
        remote_created_at timestamptz, remote_updated_at timestamptz, avatar text)
    WHERE record.connector = $1 AND record.model = $2 AND record.deleted_at IS NULL ORDER BY record.seq
"""

# The last position of every page of a list.
LIST_PAGE_ENDS = """
    SELECT seq FROM (
        SELECT seq, row_number() OVER (ORDER BY seq) AS place FROM record
        WHERE connector = $1 AND model = $2 AND deleted_at IS NULL
    ) AS walk WHERE place % $3 = 0 ORDER BY seq
"""


@dataclass(frozen=True, slots=True)
class Service:
    """A running service and the pages it is asked for."""

    name: str
    child: Child
    port: int
    headers: Mapping[str, str]
    paths: Sequence[str]


async def measure_serving(place: Place, sizes: Sizes, figures: Figures) -> None:
    """The figures `serve.*`."""
    async with place.open_scratch("serve") as (database, pool):
        tenant, _ = await create_tenant(pool)
        print(f"serving: saving {sizes.records:,} candidates and the other models", flush=True)
        await seed_all(pool, tenant.connector, sizes)
        if sizes.with_rivals:
            await make_handwritten_table(pool, tenant)
        ends = await _choose_places(pool, tenant)
        async with AsyncExitStack() as running:
            services = [
                await running.enter_async_context(start_service(*each))
                for each in _list_services(place, database, tenant, ends)
                if sizes.with_rivals or each[0] != "handwritten"
            ]
            services.append(_make_own_face(services[0]))
            await check_equal(services)
            loader = await running.enter_async_context(start_child("bench.load", {}))
            print(f"serving: {sizes.rounds} rounds of {len(services)} services", flush=True)
            await _measure_pages(services, loader, sizes, figures)
            ours = services[0]
            await measure_filters(pool, tenant, loader, ours.port, sizes, figures)
            await measure_ranges(pool, tenant, loader, ours.port, sizes, figures)
            await measure_deleted(pool, tenant, loader, ours.port, sizes, figures)


async def make_handwritten_table(pool: Pool, tenant: Tenant) -> None:
    """Give the hand-written service its own table, indexed as its engineer would."""
    query = CREATE_HANDWRITTEN.replace("$1", str(tenant.connector.number)).replace("$2", str(CANDIDATE.number))
    await pool.execute(query, timeout=600)
    await pool.execute("ALTER TABLE handwritten_candidate ADD PRIMARY KEY (id)")
    await pool.execute("CREATE INDEX ON handwritten_candidate (connector, seq)")
    await settle(pool)


async def _choose_places(pool: Pool, tenant: Tenant) -> list[int]:
    """Positions to go on from: the start, and ends of pages in an order that has none."""
    rows = await pool.fetch(LIST_PAGE_ENDS, tenant.connector.number, CANDIDATE.number, PAGE)
    ends = [row["seq"] for row in rows[:-1]]
    return [0, *random.Random(7).sample(ends, min(PLACES, len(ends)))]


def _list_services(
    place: Place, database: str, tenant: Tenant, ends: Sequence[int]
) -> list[tuple[str, str, dict[str, Any], Mapping[str, str], list[str]]]:
    """Name, module, order, headers and paths of each service; the product first."""
    connector = tenant.connector
    cursors = [write_cursor(connector.id, CANDIDATE.name, end) if end else "" for end in ends]
    dsn = place.server.dsn(database)
    number, model = connector.number, CANDIDATE.number
    return [
        (
            "ours", "bench.service_ours", {"home": str(place.home), "database": database}, tenant.headers,
            [f"/api/ats/v1/candidates?page_size={PAGE}" + (f"&cursor={cursor}" if cursor else "")
             for cursor in cursors],
        ),
        (
            "handwritten", "bench.rival_handwritten", {"dsn": dsn, "connector": number}, {},
            [f"/candidates?page_size={PAGE}&after={end}" for end in ends],
        ),
        (
            "floor", "bench.rival_floor", {"dsn": dsn, "connector": number, "model": model}, {},
            [f"/candidates?after={end}" for end in ends],
        ),
    ]  # fmt: skip


def _make_own_face(ours: Service) -> Service:
    """The same pages of the same process on our own face, where records have `more`."""
    paths = [path.replace(NATIVE.path, OWN.path) for path in ours.paths]
    return Service("own_face", ours.child, ours.port, ours.headers, paths)


@asynccontextmanager
async def start_service(
    name: str, module: str, order: dict[str, Any], headers: Mapping[str, str], paths: Sequence[str]
) -> AsyncIterator[Service]:
    """A service that takes requests, for as long as the block lasts."""
    async with start_child(module, order) as child:
        ready = await child.read()
        yield Service(name, child, ready["port"], headers, paths)


async def check_equal(services: Sequence[Service]) -> None:
    """Prove on some pages that all answer the same records with the same content, but for `more`. Raises Mismatch."""
    for number in range(min(5, len(services[0].paths))):
        answers = [await asyncio.to_thread(_fetch, service, service.paths[number]) for service in services]
        for service, found in zip(services, answers, strict=True):
            if not found or found != answers[0]:
                raise Mismatch(f"{service.name} answers {service.paths[number]} otherwise than {services[0].name}")


def _fetch(service: Service, path: str) -> list[dict[str, Any]]:
    request = urllib.request.Request(f"http://127.0.0.1:{service.port}{path}", headers=dict(service.headers))
    with urllib.request.urlopen(request, timeout=30) as got:
        items: list[dict[str, Any]] = msgspec.json.decode(got.read())["items"]
    if service.name == "own_face" and not all(item.pop(MORE)["emails"] for item in items):
        raise Mismatch(f"{path} answers records without their more")
    return items


async def _measure_pages(services: Sequence[Service], loader: Child, sizes: Sizes, figures: Figures) -> None:
    rates: dict[str, list[float]] = {service.name: [] for service in services}
    costs: dict[str, list[float]] = {service.name: [] for service in services}
    for number in range(-1, sizes.rounds):
        for service in services:
            rate, cost = await _run_round(service, loader, sizes.round_seconds / (2 if number < 0 else 1))
            if number >= 0:  # the first round warms up
                rates[service.name].append(rate)
                costs[service.name].append(cost)
    for name in rates.keys() - {"ours"}:
        figures.put(f"serve.to_{name}", find_ratio(rates["ours"], rates[name]))
    for name, each in rates.items():
        figures.put(f"serve.pages_per_second.{name}", median(each))
    for name, each in costs.items():
        figures.put(f"serve.cpu_ms_per_page.{name}", median(each))
    figures.put("serve.to_floor_cpu", find_ratio(costs["floor"], costs["ours"]))


async def _run_round(service: Service, loader: Child, seconds: float) -> tuple[float, float]:
    """Pages a second, and milliseconds of the service's own processor time a page."""
    process = psutil.Process(service.child.pid)
    order = load.Order(
        port=service.port, paths=list(service.paths), headers=dict(service.headers), connections=CONNECTIONS,
        seconds=seconds,
    )  # fmt: skip
    before = process.cpu_times()
    got = msgspec.convert(await loader.ask(order), load.Answer)
    after = process.cpu_times()
    if got.failed or not got.pages:
        raise Mismatch(f"{service.name} failed under load: {got.failed}")
    used = (after.user - before.user) + (after.system - before.system)
    return got.pages / got.seconds, used * 1000 / got.pages
