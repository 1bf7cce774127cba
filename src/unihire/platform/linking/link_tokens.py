"""Tokens of links: the one that opens a customer's page, and the one that is exchanged for the connector's token."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID, uuid4

from unihire.errors import Invalid, NotFound
from unihire.integration.registry import list_integrations
from unihire.kit.ids import hash_token, new_token
from unihire.store import Pool
from unihire.store.accounts import link_sessions
from unihire.store.accounts.tenancy import Connector, get_connector
from unihire.store.accounts.tokens import add_token

LINK_TOKEN_BYTES = 40
"""320 random bits: 54 url-safe characters. A guess is right once in 2**320."""

TEMPORARY_TOKEN_BYTES = 40

LINK_LASTS = timedelta(days=7)
"""A customer may go on the next day, and an administrator be away over a weekend."""

TEMPORARY_LASTS = timedelta(hours=1)

MOST_TEMPORARY = 20
"""Of one session: a page that is loaded again is given another."""

LONGEST_TOKEN = 200
"""Characters of a token that is looked up."""


@dataclass(frozen=True, slots=True)
class EndUser:
    """The customer: what they are called, your own id of them, and whom the link is for."""

    org_name: str
    origin_id: str | None
    email: str | None = None


async def create_link_token(
    pool: Pool,
    *,
    organisation: UUID,
    environment: str,
    category: str,
    integration: str | None = None,
    end_user: EndUser | None = None,
    connector_id: UUID | None = None,
    lasts: timedelta = LINK_LASTS,
) -> str:
    """A token for one session of one customer; only its hash is stored. With `connector_id` it relinks that connector.

    Raises Invalid for a system that is not offered or not that connector's, or without a customer, and NotFound for a
    connector that is not one of this organisation and environment.
    """
    if integration is not None and all(one.slug != integration for one in list_integrations()):
        known = ", ".join(one.slug for one in list_integrations())
        raise Invalid([_describe("integration", f"there is no such integration; there are: {known}", integration)])
    if connector_id is not None:
        relinked = await _find_relinked(pool, organisation, environment, connector_id)
        if integration not in (None, relinked.integration):
            raise Invalid([_describe("integration", f"the connector is of {relinked.integration}", integration)])
        integration = relinked.integration
        end_user = EndUser(relinked.end_user, relinked.origin_id, None if end_user is None else end_user.email)
    if end_user is None:
        raise Invalid([{"type": "missing", "loc": ["body", "end_user_data"], "msg": "Field required", "input": None}])
    token = new_token(LINK_TOKEN_BYTES)
    await link_sessions.insert_session(
        pool,
        hash_token(token),
        id=uuid4(),
        organisation=organisation,
        environment=environment,
        category=category,
        integration=integration,
        relinks=connector_id,
        connector_id=uuid4(),
        end_user=end_user.org_name,
        origin_id=end_user.origin_id,
        email=end_user.email,
        lasts=lasts,
    )
    return token


async def _find_relinked(pool: Pool, organisation: UUID, environment: str, id: UUID) -> Connector:
    found = await get_connector(pool, id)
    if found is None or found.organisation != organisation or found.environment != environment:
        raise NotFound("There is no such connector")
    return found


def _describe(name: str, message: str, given: object) -> dict[str, object]:
    return {"type": "value_error", "loc": ["body", name], "msg": f"Value error, {message}", "input": given}


async def exchange_token(pool: Pool, organisation: UUID, environment: str, temporary_token: str) -> tuple[str, UUID]:
    """The connector's token and id for a temporary token, which works once. Raises NotFound for any other.

    The token is drawn now, as only hashes are stored. Of a connector that was linked anew the tokens that open it
    already go on to do so.
    """
    if len(temporary_token) > LONGEST_TOKEN or not temporary_token.isascii():
        raise NotFound("There is no such temporary token")
    token = new_token(48)
    async with pool.acquire() as connection, connection.transaction():
        found = await link_sessions.exchange(connection, hash_token(temporary_token), organisation, environment)
        if found is None or not await add_token(connection, found[0], hash_token(token), instead_of=found[1]):
            raise NotFound("There is no such temporary token")
    return token, found[0]


async def end_unfinished_link(pool: Pool, organisation: UUID, environment: str, connector_id: str) -> bool:
    """End the link that is listed as an INCOMPLETE connector of this id; False where there is none."""
    try:
        id = UUID(connector_id)
    except ValueError:
        return False
    return await link_sessions.end_listed(pool, organisation, environment, id)
