"""`unihire serve`: the API on the configured database, and the server that the demo runs too."""

import asyncio
import contextlib
import errno
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Generator, Sequence
from typing import Annotated

import typer
import uvicorn
from starlette.applications import Starlette

from unihire.app import create_app, make_deliverer, make_processor, make_worker, make_write_queue
from unihire.cli.console.ending import Ending, run
from unihire.cli.console.starting import start
from unihire.cli.console.terminal import ERR, Json, examples, note, print_json
from unihire.cli.protocol import BoundedProtocol
from unihire.errors import ConfigError, UnihireError
from unihire.events.deliveries.deliverer import Deliverer
from unihire.events.inbox.processing import Processor
from unihire.kit.logs import get_logger
from unihire.kit.seal import Sealer
from unihire.platform.sealing import open_sealer
from unihire.platform.writing.queue import WriteQueue
from unihire.settings import Settings
from unihire.store import Pool
from unihire.store.database import open_database
from unihire.sync.worker import Worker, calm_library_logs

GRACE_SECONDS = 2
"""How long a request under way may take when the server is asked to end."""

EPILOG = examples("unihire serve", "unihire serve --host 0.0.0.0 --port 8080", "UNIHIRE_LOG_FORMAT=json unihire serve")

log = get_logger()


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on.", show_default="UNIHIRE_HOST")] = None,
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="0 picks a free one.", show_default="UNIHIRE_PORT")
    ] = None,
    with_worker: Annotated[
        bool, typer.Option("--worker/--no-worker", help="Also sync what is due and what is asked for.")
    ] = True,
    is_json: Json = False,
) -> None:
    """Serve the API, and keep what it serves up to date.

    Ctrl-C and SIGTERM end it, and requests under way are answered first. The
    database is the embedded one unless UNIHIRE_DATABASE_URL names another.
    """
    settings = start(is_service=True)
    chosen_host = host if host is not None else settings.host
    chosen_port = port if port is not None else settings.port
    with contextlib.closing(bind(chosen_host, chosen_port)) as door:
        run(lambda ending: _serve(settings, door, ending, with_worker=with_worker, is_json=is_json))


async def _serve(settings: Settings, door: socket.socket, ending: Ending, *, with_worker: bool, is_json: bool) -> None:
    url = address_of(door)
    async with contextlib.AsyncExitStack() as running:
        pool = await running.enter_async_context(open_database(settings))
        sealer = await open_sealer(settings, pool)
        ends = {await running.enter_async_context(serve_api(create_app(settings, pool, sealer), door))}
        if with_worker:
            ends.add(await running.enter_async_context(run_worker(settings, pool, sealer)))
        ending.good = frozenset({signal.SIGTERM})
        log.info("serving", url=url)
        if is_json:
            print_json({"base_url": url, "pid": os.getpid()})
        elif ERR.is_terminal:
            note(f"Serving on [bold]{url}[/bold]; the API is described at {url}/docs. Ctrl-C ends.")
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        raise UnihireError("the server ended by itself")


def bind(host: str, port: int, *, option: str = "--port") -> socket.socket:
    """A socket bound to the address; nobody is let in before a server listens. Raises ConfigError.

    `option` is the one that chooses the port.
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        door = socket.socket(family, socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise ConfigError(f"cannot listen on {host}: {getattr(error, 'strerror', None) or error}") from None
    try:
        if sys.platform != "win32":
            door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        door.bind(address)
        # Without this two processes could bind the same address and learn of it only when they listen.
        door.listen(2048)
    except OSError as error:
        door.close()
        if error.errno == errno.EADDRINUSE:
            raise PortTaken(
                f"port {port} of {host} is taken: choose another with {option}, or 0 for a free one"
            ) from None
        raise ConfigError(f"cannot listen on {host} port {port}: {error.strerror or error}") from None
    door.setblocking(False)
    return door


class PortTaken(ConfigError):
    """Another process listens there."""


def address_of(door: socket.socket) -> str:
    """Where a client on this machine reaches the socket."""
    host, port = door.getsockname()[:2]
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared, not bound
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


class _Server(uvicorn.Server):
    """uvicorn without its own signal handling: the command decides when to stop."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


@contextlib.asynccontextmanager
async def serve_api(app: Starlette, door: socket.socket) -> AsyncIterator["asyncio.Task[None]"]:
    """Serve for as long as the block lasts; yields, once requests are answered, what ends only with the server."""
    config = uvicorn.Config(
        app,
        http=BoundedProtocol,
        ws="none",
        log_config=None,
        access_log=False,  # an address with its query can contain personal data
        server_header=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    server = _Server(config)
    serving = asyncio.create_task(server.serve(sockets=[door]))
    try:
        while not server.started:
            if serving.done():
                await serving
                raise UnihireError("the server did not start")
            await asyncio.sleep(0.005)
        yield serving
    finally:
        server.should_exit = True
        await asyncio.gather(serving, return_exceptions=True)


@contextlib.asynccontextmanager
async def run_worker(settings: Settings, pool: Pool, sealer: Sealer) -> AsyncIterator["asyncio.Task[None]"]:
    """A worker for as long as the block lasts, and what works beside it; what each is at then ends as soon as it may.

    Yields what ends when the first of them does.
    """
    calm_library_logs()
    working: list[Worker | Processor | Deliverer | WriteQueue] = [
        make_worker(settings, pool, sealer),
        make_processor(settings, pool, sealer),
        make_deliverer(settings, pool, sealer),
        make_write_queue(settings, pool, sealer),
    ]
    tasks = [asyncio.create_task(one.run()) for one in working]
    ended = asyncio.create_task(_wait_for_first(tasks))
    try:
        yield ended
    finally:
        for one in working:
            one.stop()
        await asyncio.gather(*tasks, ended, return_exceptions=True)


async def _wait_for_first(tasks: "Sequence[asyncio.Task[None]]") -> None:
    """Until one of them ends; its error is raised here."""
    done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in done:
        task.result()
