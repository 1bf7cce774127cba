"""The end of a connector."""

import asyncio
import contextlib

from unihire.errors import Busy
from unihire.platform.syncs import cancel_sync, pause_syncs
from unihire.store import Pool
from unihire.store.accounts import tenancy
from unihire.store.accounts.tenancy import Connector

REMOVAL_SECONDS, POLL_SECONDS = 20.0, 0.2
"""How long a removal waits for a run under way to end, and how often it looks."""


async def remove_connector(pool: Pool, connector: Connector) -> None:
    """Remove a connector with every record it has; a run under way is cancelled and its end waited for.

    Raises Busy where that does not end in time; the connector is paused then, and nothing of it is gone.
    """
    await pause_syncs(pool, connector)
    for _ in range(round(REMOVAL_SECONDS / POLL_SECONDS)):
        await cancel_sync(pool, connector)
        with contextlib.suppress(Busy):
            return await tenancy.delete_connector(pool, connector)
        await asyncio.sleep(POLL_SECONDS)
    raise Busy("the connector is being synced and that does not end: stop the process that does it")
