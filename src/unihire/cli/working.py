"""`unihire worker`: syncs what is due and what is asked for, beside any number of others."""

import asyncio
import os
import signal
import socket
from contextlib import AsyncExitStack, closing, nullcontext
from typing import Annotated

import typer

from unihire.app import create_metrics_app
from unihire.cli.console.ending import Ending, run
from unihire.cli.console.starting import start
from unihire.cli.console.terminal import ERR, Json, examples, note, print_json
from unihire.cli.serving import address_of, bind, run_worker, serve_api
from unihire.errors import UnihireError
from unihire.kit.logs import get_logger
from unihire.kit.phrases import count_of
from unihire.platform.sealing import open_sealer
from unihire.settings import Settings
from unihire.store.database import open_database

EPILOG = examples(
    "unihire worker",
    "unihire worker --slots 16 --metrics-port 9100",
    "UNIHIRE_DATABASE_URL=postgresql://… unihire worker",
)

log = get_logger()


def worker(
    slots: Annotated[
        int | None,
        typer.Option(min=1, max=100, help="Connectors synced at once.", show_default="UNIHIRE_WORKER_SLOTS"),
    ] = None,
    metrics_port: Annotated[
        int | None,
        typer.Option(
            min=0, max=65535, help="Serve metrics there; 0 picks a port.", show_default="UNIHIRE_METRICS_PORT"
        ),
    ] = None,
    is_json: Json = False,
) -> None:
    """Sync what is due and what is asked for.

    As many workers as you like, on as many machines, share the work of one database; `unihire serve` is one too. A
    worker that dies is replaced by the others, which go on from the last saved page. Ctrl-C and SIGTERM end it after
    the pages it is on.
    """
    settings = start(is_service=True)
    if slots is not None:
        settings = settings.model_copy(update={"worker_slots": slots})
    port = metrics_port if metrics_port is not None else settings.metrics_port
    with nullcontext() if port is None else closing(bind(settings.host, port, option="--metrics-port")) as door:
        run(lambda ending: _work(settings, ending, door, is_json=is_json))


async def _work(settings: Settings, ending: Ending, door: socket.socket | None, *, is_json: bool) -> None:
    async with AsyncExitStack() as running:
        pool = await running.enter_async_context(open_database(settings))
        sealer = await open_sealer(settings, pool)
        ends = {await running.enter_async_context(run_worker(settings, pool, sealer))}
        metrics_url = None
        if door is not None:
            metrics_url = f"{address_of(door)}/metrics"
            ends.add(await running.enter_async_context(serve_api(create_metrics_app(settings, pool), door)))
        ending.good = frozenset({signal.SIGTERM})
        log.info("working", slots=settings.worker_slots, metrics=metrics_url)
        if is_json:
            print_json({"slots": settings.worker_slots, "metrics_url": metrics_url, "pid": os.getpid()})
        elif ERR.is_terminal:
            note(f"Working on up to {count_of(settings.worker_slots, 'connector')} at once. Ctrl-C ends.")
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        raise UnihireError("the worker ended by itself")
