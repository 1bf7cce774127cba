"""When the database cannot do what it is asked, now: how that shows itself, and what is to be said of it."""

import asyncpg
import psycopg
from procrastinate.exceptions import ConnectorException

from unihire.store.connections import LOST

_UNABLE = (
    *LOST,
    asyncpg.InsufficientResourcesError,  # no connection left, no memory, no room on the disk
    asyncpg.DeadlockDetectedError,  # one side of two had to give way
    psycopg.Error,
    ConnectorException,
)


def is_outage(error: BaseException) -> bool:
    """Whether the database is away or cannot answer now, so that the same may go well in a while."""
    return isinstance(error, _UNABLE)


def is_disk_full(error: BaseException | None) -> bool:
    """Whether the database has no room left on its disk."""
    while error is not None:
        if isinstance(error, asyncpg.DiskFullError | psycopg.errors.DiskFull):
            return True
        error = error.__cause__
    return False
