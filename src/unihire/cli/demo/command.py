"""`unihire demo`: the main job on made-up data, from a vendor's API to ours, on this machine alone."""

import asyncio
import contextlib
import os
import secrets
import signal
import socket
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Annotated

import aiohttp
import msgspec
import typer
from rich.markup import escape

from unihire import __version__
from unihire.app import create_app
from unihire.cli.console.ending import Ending, run, show_error
from unihire.cli.console.exits import Interrupted
from unihire.cli.console.progress import ProgressBars
from unihire.cli.console.starting import start
from unihire.cli.console.terminal import ERR, OUT, Json, examples, note, print_json
from unihire.cli.demo.emulators import start_emulators
from unihire.cli.demo.keyboard import read_enters
from unihire.cli.demo.pasting import DemoLink, pick_credentials
from unihire.cli.demo.seed_calls import DemoCall, make_calls, show_calls
from unihire.cli.demo.story import describe_demo, show_ended, show_keys, show_ready, show_step, show_synced
from unihire.cli.serving import PortTaken, address_of, bind, run_worker, serve_api
from unihire.errors import Busy, ConfigError, UnihireError
from unihire.integration.registry import get_integration, list_integrations
from unihire.kit.seal import Sealer, new_key
from unihire.outbound.addresses import AddressPolicy, make_connector
from unihire.platform.access import SCOPES
from unihire.platform.connectors import create_connector, open_connector_client
from unihire.platform.organisations import create_key, ensure_organisation
from unihire.sandbox.runner import DEFAULT_SEED, DEFAULT_SIZE, GREATEST_SIZE, LEAST_SIZE, Ready, list_emulators
from unihire.settings import Settings
from unihire.store import Pool
from unihire.store.accounts.tenancy import get_connector
from unihire.store.database import describe_database, open_scratch_database
from unihire.store.embedded.server import is_made
from unihire.sync.run import sync_connector

DATABASE_PREFIX = "demo_"
CUSTOMER = "Example customer"

EPILOG = examples(
    "unihire demo", "unihire demo --size 100000 --port 0", "unihire demo --vendors all --once", "unihire demo --json"
)


def demo(
    size: Annotated[
        int, typer.Option(min=LEAST_SIZE, max=GREATEST_SIZE, help="Candidates in the made-up company.")
    ] = DEFAULT_SIZE,
    seed: Annotated[int, typer.Option(min=0, help="The same seed makes up the same company.")] = DEFAULT_SEED,
    port: Annotated[
        int | None,
        typer.Option(min=0, max=65535, help="0 picks a free one.", show_default="UNIHIRE_PORT, or a free one"),
    ] = None,
    vendors: Annotated[
        str | None,
        typer.Option(help="Which vendors, by their slugs with commas between, or all.", show_default="a few"),
    ] = None,
    once: Annotated[bool, typer.Option("--once", help="Make three calls, check the answers, and end.")] = False,
    is_json: Json = False,
) -> None:
    """See the main job done: made-up vendors, synced and served as one API.

    Starts an emulator of each vendor, connects and syncs it into a database of its own, and serves the API beside a
    worker until Ctrl-C. Nothing of it stays when it ends, and it does not touch your own database.

    With --json, one line with addresses, keys and tokens is printed once everything is ready.
    """
    slugs = pick_vendors(vendors)
    settings = start()
    with contextlib.closing(_bind(settings, port)) as door:
        was_made = is_made(settings.home)
        play = Demo(settings, door, is_json=is_json)
        try:
            is_good = run(lambda ending: play.run(ending, slugs, size=size, seed=seed, once=once))
        except Interrupted as interrupted:
            if not interrupted.code and not is_json:
                show_ended(settings.home, was_made=was_made)
            raise
    if not is_good:
        raise UnihireError("an answer was not as it must be")


def _bind(settings: Settings, port: int | None) -> socket.socket:
    """The door to the API: on the port asked for, else on the configured one or, where that is taken, a free one."""
    if port is not None:
        return bind("127.0.0.1", port)
    try:
        return bind("127.0.0.1", settings.port)
    except PortTaken:
        door = bind("127.0.0.1", 0)
        note(f"Port {settings.port} is taken, so this demo uses {door.getsockname()[1]}.")
        return door


class Demo:
    """One demo, from the first emulator to the last."""

    def __init__(self, settings: Settings, door: socket.socket, *, is_json: bool) -> None:
        # An emulator of the demo has no limits: what a vendor only documents is not kept to either.
        self._settings = settings.model_copy(update={"documented_rates": False})
        self._door = door
        self._is_json = is_json
        self._console = ERR if is_json else OUT
        self._sealer = Sealer([new_key()])
        self._url = address_of(door)

    async def run(self, ending: Ending, slugs: Sequence[str], *, size: int, seed: int, once: bool) -> bool:
        """Do everything with these vendors; returns whether every answer was right."""
        self._show_step(f"[bold]Unihire {__version__}[/bold] demo, {size:,} made-up candidates\n", done=False)
        started_at = time.monotonic()
        async with (
            start_emulators(slugs, size=size, seed=seed) as emulators,
            self._open_database() as pool,
        ):
            key, links = await self._connect(pool, await emulators.wait_until_ready())
            await emulators.guard(self._sync(pool, links))
            async with (
                serve_api(create_app(self._settings, pool, self._sealer), self._door) as ended,
                run_worker(self._settings, pool, self._sealer) as worked,
            ):
                self._show_step(
                    f"API at [bold]{self._url}[/bold], {time.monotonic() - started_at:.1f} s after the start"
                )
                if once:
                    return await self._call_once(key, links)
                ending.good = frozenset({signal.SIGINT, signal.SIGTERM})
                if self._is_json:
                    print_json(describe_demo(self._url, key, links))
                else:
                    show_ready(self._url, key, links)
                await emulators.guard(self._serve_on(pool, links, {ended, worked}))
        return True

    def _show_step(self, text: str, *, done: bool = True) -> None:
        """A line of the story for people; beside JSON only where somebody watches."""
        if not self._is_json or ERR.is_terminal:
            show_step(self._console, text, done=done)

    @contextlib.asynccontextmanager
    async def _open_database(self) -> AsyncIterator[Pool]:
        name = f"{os.getpid()}_{secrets.token_hex(4)}"
        with contextlib.ExitStack() as waiting:
            if ERR.is_terminal:
                waiting.enter_context(ERR.status("Starting PostgreSQL and the emulators; the first time takes longer"))
            async with open_scratch_database(self._settings, prefix=DATABASE_PREFIX, name=name) as pool:
                waiting.close()
                version, _ = await describe_database(pool)
                self._show_step(f"PostgreSQL {version}, with a database for this demo alone")
                yield pool

    async def _connect(self, pool: Pool, readies: Sequence[Ready]) -> tuple[str, list[DemoLink]]:
        """An API key, and a connector to each emulator."""
        organisation = await ensure_organisation(pool, "Demo")
        _, key = await create_key(pool, organisation, "development", "demo", scopes=SCOPES)
        links = []
        for ready in readies:
            integration = get_integration(ready.emulator)
            new = await create_connector(
                pool,
                self._sealer,
                organisation=organisation,
                environment="development",
                integration=integration,
                end_user=CUSTOMER,
                credentials=pick_credentials(integration, ready),
                base_url=ready.base_url,
                is_base_url_trusted=True,
            )
            connector = await get_connector(pool, new.id)
            assert connector is not None
            links.append(DemoLink(connector, integration, new.token, ready))
            self._show_step(f"{integration.name} emulator at {ready.base_url}, connected")
        return key, links

    async def _sync(self, pool: Pool, links: Sequence[DemoLink], *, is_first: bool = True) -> None:
        for link in links:
            name, started_at = link.integration.name, time.monotonic()
            client = open_connector_client(
                pool, link.connector, self._sealer, settings=self._settings, is_background=True
            )
            totals = await _count_rows(link.ready)
            try:
                with ProgressBars(
                    ERR, link.integration, totals, is_transient=not self._is_json, is_shown=is_first
                ) as progress:
                    report = await sync_connector(pool, link.connector, link.integration, client, watch=progress.watch)
            except Busy:  # what the API was asked for
                self._show_step(f"{name} is being synced by the worker", done=False)
                continue
            if report.status != "done":
                reasons = "; ".join(f"{stream}: {error}" for stream, error in report.errors.items())
                raise UnihireError(f"the sync of {name} ended {report.status}: {reasons}")
            if not self._is_json or ERR.is_terminal:
                show_synced(self._console, link, report, time.monotonic() - started_at, is_first=is_first)

    async def _call_once(self, key: str, links: Sequence[DemoLink]) -> bool:
        calls: list[DemoCall] = []
        for link in links:
            calls += await make_calls(self._url, key, link.token, link.integration)
        is_good = not any(call.faults for call in calls)
        if self._is_json:
            print_json({**describe_demo(self._url, key, links), "calls": [call.to_json() for call in calls]})
            for call in calls:
                for fault in call.faults:
                    note(f"wrong: {call.method} {call.path}: {escape(fault)}")
        else:
            show_calls(OUT, calls)
            if is_good:
                OUT.print()
                self._show_step(f"{len(calls)} calls, answered as they must be")
        return is_good

    async def _serve_on(self, pool: Pool, links: Sequence[DemoLink], ends: "set[asyncio.Task[None]]") -> None:
        """Serve until the server or the worker ends; Enter syncs again."""
        with read_enters() as enters:
            while True:
                entered = asyncio.create_task(enters.get())
                try:
                    await asyncio.wait({entered, *ends}, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    entered.cancel()
                if any(end.done() for end in ends):
                    raise UnihireError("the server or its worker ended by itself")
                try:
                    await self._sync(pool, links, is_first=False)
                    show_keys(self._url)
                except UnihireError as error:  # what was synced before is still served
                    show_error(error)


def list_playable() -> list[str]:
    """The vendors that have both parts, the emulator and the connector."""
    connected = {integration.slug for integration in list_integrations()}
    return [slug for slug in list_emulators() if slug in connected]


def pick_vendors(asked: str | None) -> list[str]:
    """The slugs of the vendors to play: those asked for, with commas between, all of them, or else the usual ones.

    Raises ConfigError that lists them for one there is not.
    """
    playable = list_playable()
    if asked is None:
        usual = {integration.slug for integration in list_integrations() if integration.is_in_demo}
        return [slug for slug in playable if slug in usual]
    if asked.strip() == "all":
        return playable
    wanted = list(dict.fromkeys(slug.strip() for slug in asked.split(",") if slug.strip()))
    unknown = [slug for slug in wanted if slug not in playable]
    if unknown or not wanted:
        what = f"there is no {', '.join(unknown)} to play" if unknown else "--vendors names none"
        raise ConfigError(f"{what}; there are: {', '.join(playable)}, or all")
    return wanted


async def _count_rows(ready: Ready) -> Mapping[str, int]:
    """How many rows the emulator's streams have, to measure progress by."""
    here = AddressPolicy().allow_origin(ready.control_url)
    async with (
        aiohttp.ClientSession(connector=make_connector(here)) as session,
        session.get(f"{ready.control_url}streams") as answer,
    ):
        counted = msgspec.json.decode(await answer.read(), type=dict[str, dict[str, int]])
    return {stream: counts["rows"] for stream, counts in counted.items()}
