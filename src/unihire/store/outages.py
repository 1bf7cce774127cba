"""When the database cannot do what it is asked, now: how that shows itself, and what is to be said of it."""

import sys

import asyncpg

from unihire.store.connections import LOST

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
