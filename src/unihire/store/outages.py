"""When the database cannot serve now: which errors say so, and how workers continue."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress

import asyncpg

from unihire.kit.logs import get_logger
from unihire.store.connections import LOST

log = get_logger()

_UNABLE = (
    *LOST,
    asyncpg.InsufficientResourcesError,  # no connection left, no memory, no room on the disk
    asyncpg.DeadlockDetectedError,  # one side of two had to give way
)


def is_outage(error: BaseException) -> bool:
    """Whether the database is away or cannot answer now, so that the same may go well in a while."""
    queue = _list_loaded(("psycopg", "Error"), ("procrastinate.exceptions", "ConnectorException"))
    return isinstance(error, (*_UNABLE, *queue))


def is_disk_full(error: BaseException | None) -> bool:
    """Whether the database has no room left on its disk."""
    full: tuple[type[BaseException], ...] = (asyncpg.DiskFullError, *_list_loaded(("psycopg.errors", "DiskFull")))
    while error is not None:
        if isinstance(error, full):
            return True
        error = error.__cause__
    return False


def _list_loaded(*places: tuple[str, str]) -> list[type[BaseException]]:
    """Errors of the job queue's libraries, where these are loaded: else nobody raised one."""
    return [getattr(sys.modules[module], name) for module, name in places if module in sys.modules]


async def work_through_outages(
    work: Callable[[], Awaitable[None]], ending: asyncio.Event, *, name: str, pause: float
) -> None:
    """Do `work`, and again `pause` seconds after it has ended, until `ending` is set.

    A database that goes away is logged, and so is a fault of ours: neither ends it. `name` is who works.
    """
    while not ending.is_set():
        try:
            await work()
        except Exception as error:
            if is_outage(error):
                log.warning(f"the {name} lost the database", error=type(error).__name__)
            else:
                log.exception(f"the {name} stumbled")
        if not ending.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(ending.wait(), pause)
