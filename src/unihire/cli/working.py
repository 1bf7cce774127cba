"""`unihire worker`: syncs what is due and what is asked for, beside any number of others."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

import structlog
import typer

from unihire.app import make_worker
from unihire.cli.ending import Ending, run
from unihire.cli.starting import start
from unihire.cli.terminal import ERR, Json, examples, note, print_json
from unihire.errors import UnihireError
from unihire.settings import Settings
from unihire.store import Pool
from unihire.store.database import open_database
from unihire.sync.worker import calm_library_logs

EPILOG = examples(
    "unihire worker",
    "unihire worker --slots 16",
    "UNIHIRE_DATABASE_URL=postgresql://… unihire worker",
)

log = structlog.get_logger()


def worker(
    slots: Annotated[
        int | None,
        typer.Option(min=1, max=100, help="Connectors synced at once.", show_default="UNIHIRE_WORKER_SLOTS"),
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
    run(lambda ending: _work(settings, ending, is_json=is_json))


async def _work(settings: Settings, ending: Ending, *, is_json: bool) -> None:
    async with open_database(settings) as pool, run_worker(settings, pool) as ended:
        ending.is_serving = True
        log.info("working", slots=settings.worker_slots)
        if is_json:
            print_json({"slots": settings.worker_slots, "pid": os.getpid()})
        elif ERR.is_terminal:
            note(f"Working on up to {settings.worker_slots} connectors at once. Ctrl-C ends.")
        await asyncio.wait({ended})
        raise UnihireError("the worker ended by itself")


@asynccontextmanager
async def run_worker(settings: Settings, pool: Pool) -> AsyncIterator["asyncio.Task[None]"]:
    """A worker for as long as the block lasts; what it is at then ends after the page it is on."""
    calm_library_logs()
    working = make_worker(settings, pool)
    task = asyncio.create_task(working.run())
    try:
        yield task
    finally:
        working.stop()
        await asyncio.gather(task, return_exceptions=True)
