"""Who acts where a write names nobody: a user whom a connector is given, instead of its credential's own."""

from unihire.errors import ConfigError
from unihire.integration.declare import Stream
from unihire.integration.registry import get_integration, list_writes
from unihire.kit.text import ID_LENGTH
from unihire.model import MODELS
from unihire.outbound.auth import AuthorizationCode
from unihire.outbound.client import VendorClient
from unihire.platform.inputs import find_text_fault
from unihire.store import Pool
from unihire.store.accounts import tenancy
from unihire.store.accounts.tenancy import Connector
from unihire.store.audit import log_act
from unihire.sync.fetching import fetch_rows


async def set_acting_user(pool: Pool, connector: Connector, client: VendorClient, user: str) -> None:
    """Let writes that name nobody be done in the name of a user, by the vendor's id, whom the vendor is asked for.

    Raises ConfigError where there is no such user, or nobody can be named; VendorErrors where the vendor does not say.
    """
    integration = get_integration(connector.integration)
    users = _find_users(connector)
    if users is None or all(write.no_actor is not None for write in list_writes(integration.slug).values()):
        raise ConfigError(f"{integration.name} writes in nobody's name: no user can be named")
    if integration.acting_credential is not None and isinstance(client.target.auth, AuthorizationCode):
        raise ConfigError("the grant of this connector acts for the user who gave it, and for nobody else")
    if not user or len(user) > ID_LENGTH or find_text_fault(user):
        raise ConfigError(
            f"a user's id at {integration.name} has 1 to {ID_LENGTH} characters, none of them unprintable"
        )
    if not (await fetch_rows(client, users, [user])).rows:
        raise ConfigError(f"{integration.name} has no user {user!r}; `remote_id` of the remote users is what it takes")
    await _save(pool, connector, user)


async def forget_acting_user(pool: Pool, connector: Connector) -> None:
    """Let writes that name nobody be done as the connector's credential has it."""
    await _save(pool, connector, None)


async def _save(pool: Pool, connector: Connector, user: str | None) -> None:
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute(tenancy.SET_ACTING_USER, connector.number, user)
        before, after = {"acting_user": connector.acting_user}, {"acting_user": user}
        act = tenancy.describe_act(connector, "connector.acting_user_changed", before=before, after=after)
        await log_act(connection, act)


def _find_users(connector: Connector) -> Stream | None:
    """The stream of the vendor's users, of which one can be asked for by the id."""
    record = MODELS["remote_user"].record
    for stream in get_integration(connector.integration).streams:
        if stream.by_id is not None and any(one.is_whole and one.model is record for one in stream.mappings):
            return stream
    return None
