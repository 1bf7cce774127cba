"""A connector moved to another environment of its organisation."""

from unihire.errors import ConfigError
from unihire.platform.organisations import ENVIRONMENTS
from unihire.store import Pool
from unihire.store.accounts.tenancy import MOVE_CONNECTOR, Connector, announce_access, describe_act
from unihire.store.audit import log_act
from unihire.store.events.lanes import move_lanes
from unihire.store.feed.gate import lock_feed_row


async def move_connector(pool: Pool, connector: Connector, environment: str) -> None:
    """Let keys of another environment reach a connector, and those of its own no longer; nothing else of it changes.

    Webhooks of the old environment are sent nothing more of it, those of the new one what happens from now on. The
    audit trails of both have a line. Raises ConfigError where the connector is gone.
    """
    if environment not in ENVIRONMENTS:
        raise ConfigError(f"there is no environment {environment!r}; there are: {', '.join(ENVIRONMENTS)}")
    number = connector.number
    async with pool.acquire() as connection, connection.transaction():
        if not await lock_feed_row(connection, number):
            raise ConfigError(f"connector {connector.id} was removed meanwhile")
        before = await connection.fetchval(MOVE_CONNECTOR, number, environment)
        if before is None:
            raise ConfigError(f"connector {connector.id} was removed meanwhile")
        if before == environment:
            return
        said = {"before": {"environment": before}, "after": {"environment": environment}}
        for each in (before, environment):
            await log_act(connection, describe_act(connector, "connector.moved", environment=each, **said))
        await announce_access(connection)
        await move_lanes(connection, number, connector.id, connector.organisation, environment)
