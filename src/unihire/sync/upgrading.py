"""After an upgrade: rows that were quarantined are tried again by the mapping of now, and those become records that are
stored whole and were none before."""

from unihire.errors import ConfigError
from unihire.integration.registry import get_integration
from unihire.kit.logs import get_logger
from unihire.store import Pool, streams
from unihire.store.accounts import tenancy
from unihire.store.accounts.tenancy import Connector
from unihire.sync.remap import find_left_over, remap_locked
from unihire.sync.versions import find_mapping_version

log = get_logger()


async def retry_quarantined(pool: Pool, connector: Connector) -> None:
    """Map what is quarantined again, once for each version of the mapping. Call with the connector locked."""
    try:
        integration = get_integration(connector.integration)
    except ConfigError:
        return  # the run itself reports that the integration is gone
    version = find_mapping_version(integration.slug)
    if await pool.fetchval(tenancy.GET_MAPPED_BY, connector.number) == version:
        return
    left_over = await find_left_over(pool, connector.number, integration.streams)
    if left_over or await pool.fetch(streams.COUNT_QUARANTINE, connector.number):
        result = await remap_locked(pool, connector, integration, only_quarantined=True)
        released, left = sum(one.released for one in result), sum(one.quarantined + one.incomplete for one in result)
        log.info("quarantined rows were tried again", released=released, left=left)
    await pool.execute(tenancy.SET_MAPPED_BY, connector.number, version)
