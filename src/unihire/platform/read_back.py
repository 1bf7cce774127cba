"""What was written to a vendor, read into the store before the caller is answered."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import timedelta
from uuid import UUID

from unihire.errors import Stopped, VendorError
from unihire.integration.registry import get_integration
from unihire.kit.logs import get_logger
from unihire.outbound.client import VendorClient
from unihire.store import Pool
from unihire.store.accounts.tenancy import Connector
from unihire.store.connections import UNAVAILABLE
from unihire.store.feed.changes import CAUSE
from unihire.sync.rows_by_id import Touched, sync_rows_by_id

log = get_logger()

LONGEST_READ_BACK = timedelta(seconds=10)
"""How long a call waits for what it wrote to be in the store: its answer is known, and who waits for it may give up."""


async def read_back(
    pool: Pool,
    connector: Connector,
    client: VendorClient,
    touched: Mapping[str, Sequence[str] | Touched],
    *,
    write: UUID | None = None,
) -> None:
    """Read rows, by stream, into the store; where that fails, or takes long, the next sync does.

    The events of what changed name `write` as their cause.

    What was written is written: no error of this says anything else to the caller, who would write it again.
    """
    if not touched:
        return
    integration = get_integration(connector.integration)
    token = CAUSE.set(write)
    try:
        async with asyncio.timeout(LONGEST_READ_BACK.total_seconds()):
            await sync_rows_by_id(pool, connector, integration, client, touched)
    except (VendorError, Stopped, TimeoutError, *UNAVAILABLE) as error:
        reason = str(error) or type(error).__name__
        log.warning("what was written is not in the store yet", connector=str(connector.id), reason=reason)
    except Exception as error:
        log.error("what was written could not be stored", connector=str(connector.id), exc_info=error)
    finally:
        CAUSE.reset(token)
