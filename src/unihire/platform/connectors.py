"""Connectors: made with sealed credentials and a token that is shown once, opened for the work."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import msgspec

from unihire.errors import ConfigError
from unihire.integration.declare import Integration
from unihire.integration.registry import get_integration
from unihire.kit.ids import hash_token, new_token
from unihire.kit.seal import Sealer
from unihire.outbound.client import Retry, Target, VendorClient
from unihire.platform.organisations import ENVIRONMENTS
from unihire.store import Pool, tenancy
from unihire.store.tenancy import Connector


@dataclass(frozen=True, slots=True)
class NewConnector:
    """What connecting gives: `token` is shown now and never again."""

    id: UUID
    token: str = field(repr=False)


async def create_connector(
    pool: Pool,
    sealer: Sealer,
    *,
    organisation: UUID,
    environment: str,
    integration: Integration,
    end_user: str,
    credentials: Mapping[str, str],
    origin_id: str | None = None,
    base_url: str | None = None,
) -> NewConnector:
    """Store a customer's link, its credentials sealed and its token hashed.

    Raises ConfigError for a missing credential or a bad address.
    """
    if environment not in ENVIRONMENTS:
        raise ConfigError(f"there is no environment {environment!r}; there are: {', '.join(ENVIRONMENTS)}")
    missing = [item.name for item in integration.auth.credentials if not credentials.get(item.name)]
    if missing:
        raise ConfigError(f"{integration.name} also needs: {', '.join(missing)}")
    id, token = uuid4(), new_token(48)
    sealed = sealer.seal(msgspec.json.encode(dict(credentials)), id.bytes)
    await pool.execute(
        tenancy.INSERT_CONNECTOR,
        id,
        organisation,
        environment,
        integration.slug,
        integration.category,
        end_user,
        origin_id,
        None if base_url is None else check_base_url(base_url),
        hash_token(token),
        sealed,
    )
    return NewConnector(id, token)


def check_base_url(url: str) -> str:
    """The address without a closing slash. Raises ConfigError for anything but http(s)://host[:port][/path]."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ConfigError(f"not an address: {url}") from None
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment or parts.username:
        raise ConfigError(f"not an address of the form https://host[:port][/path]: {url}")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}{f':{port}' if port else ''}{parts.path.rstrip('/')}"


def open_client(
    integration: Integration, credentials: Mapping[str, str], base_url: str | None = None, *, retry: Retry | None = None
) -> VendorClient:
    """A client for one customer's link, to be used in `async with`."""
    target = Target(
        base_url=base_url or integration.base_url,
        auth=integration.auth,
        headers=integration.headers,
        budget_headers=integration.budget_headers,
        retry=retry or Retry(),
    )
    return VendorClient(target, credentials)


def open_connector_client(connector: Connector, sealer: Sealer) -> VendorClient:
    """A client for a stored connector. Raises ConfigError where its credentials do not open."""
    credentials = msgspec.json.decode(sealer.open(connector.credentials, connector.id.bytes), type=dict[str, str])
    return open_client(get_integration(connector.integration), credentials, connector.base_url)
