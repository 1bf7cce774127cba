"""Connectors: made with sealed credentials and a token that is shown once, opened for the work."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import msgspec

from unihire.errors import ConfigError
from unihire.integration.declare import Integration
from unihire.integration.registry import get_integration
from unihire.kit.clock import Clock
from unihire.kit.ids import hash_token, new_token
from unihire.kit.seal import Sealer
from unihire.outbound.addresses import AddressPolicy, Network
from unihire.outbound.answers import ANSWER_BYTES
from unihire.outbound.auth import ApiKey, Auth, Grant, GrantStore
from unihire.outbound.budget import DeclaredRate
from unihire.outbound.budget_store import BudgetStore
from unihire.outbound.client import Retry, Target, VendorClient
from unihire.platform.budgets import StoredBudgets
from unihire.platform.grants import StoredGrants, seal_grant
from unihire.platform.organisations import ENVIRONMENTS
from unihire.platform.sealing import make_credentials_context
from unihire.settings import Settings
from unihire.store import Pool, issues
from unihire.store.accounts import tenancy
from unihire.store.accounts.grants import save_grant
from unihire.store.accounts.tenancy import Connector
from unihire.store.audit import Act, log_act
from unihire.store.commits import INSIST_ON_COMMIT
from unihire.store.events.lanes import open_lanes_of_new
from unihire.store.events.notices import NewNotice, NoticeKind, add_notices
from unihire.store.work import jobs, runs, schedules
from unihire.sync.issues import OF_CREDENTIALS

FIRST_VERSION = 1
"""Of a new connector's credentials."""

_ADDRESS_LENGTH = 2000
_ADDRESS_FORM = "http(s)://host[:port][/path]"


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
    is_base_url_trusted: bool = False,
    grant: Grant | None = None,
) -> NewConnector:
    """Store a customer's link, its credentials sealed and its token hashed.

    `is_base_url_trusted`: the operator gave that address at the terminal, so it may be one of a private network; never
    say so of one that came in any other way. With `grant` it is one to which the customer let a partner in, whose
    credentials these are; they are stored in one transaction. Raises ConfigError for a missing credential or a bad
    address, and where one credential of a write key comes without the others.
    """
    if environment not in ENVIRONMENTS:
        raise ConfigError(f"there is no environment {environment!r}; there are: {', '.join(ENVIRONMENTS)}")
    id, token = uuid4(), new_token(48)
    sealed = _seal_credentials(sealer, id, integration, credentials, is_partner=grant is not None)
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute(INSIST_ON_COMMIT)
        number = await connection.fetchval(
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
            grant is not None,
            _name_account(organisation, integration, base_url, credentials, is_partner=grant is not None),
            is_base_url_trusted,
        )
        if grant is not None:
            await save_grant(connection, number, FIRST_VERSION, seal_grant(sealer, grant, id), grant.scopes)
        said = {
            "integration_slug": integration.slug,
            "end_user": end_user,
            "origin_id": origin_id,
            "is_relinked": False,
        }
        act = Act(
            organisation=organisation, environment=environment, act="connector.connected", kind="connector", object=id,
            after={name: said[name] for name in ("integration_slug", "end_user", "origin_id")},
        )  # fmt: skip
        await log_act(connection, act)
        if await open_lanes_of_new(connection, number, id, organisation, environment):
            await add_notices(connection, number, [NewNotice(NoticeKind.LINKED, said)])
    return NewConnector(id, token)


async def reconnect_connector(
    pool: Pool,
    sealer: Sealer,
    connector: Connector,
    integration: Integration,
    credentials: Mapping[str, str],
    *,
    grant: Grant | None = None,
) -> None:
    """Give a connector new credentials, and of a partner's the new grant; a full run is asked for with them.

    In one transaction: id, token and records stay; what was bought with the old credentials goes, and a run under way
    is cancelled, as its pages may be another account's. From its commit on nothing is saved for the connector that was
    asked for with the old ones. Raises ConfigError for a missing credential, and where the connector is gone.
    """
    sealed = _seal_credentials(sealer, connector.id, integration, credentials, is_partner=connector.is_partner)
    account = _name_account(
        connector.organisation, integration, connector.base_url, credentials, is_partner=connector.is_partner
    )
    async with pool.acquire() as connection, connection.transaction():
        version = await tenancy.replace_credentials(connection, connector.number, sealed, account)
        if version is None:
            raise ConfigError(f"connector {connector.id} was removed meanwhile")
        if grant is not None:
            sealed = seal_grant(sealer, grant, connector.id)
            await save_grant(connection, connector.number, version, sealed, grant.scopes)
        said = {**tenancy.describe_link(connector), "is_relinked": True}
        happened = [NewNotice(NoticeKind.LINKED, said)]
        happened += await issues.resolve_issues_within(connection, connector.number, OF_CREDENTIALS)
        happened += (await runs.cancel_run(connection, connector.number))[1]
        await runs.ask_run(connection, connector.number, full=True)
        await schedules.restart_schedule(connection, connector)
        await jobs.defer_sync(connection, connector.number)
        await tenancy.announce_access(connection)
        after = {"credentials_version": version}
        await log_act(connection, tenancy.describe_act(connector, "connector.reconnected", after=after))
        await add_notices(connection, connector.number, happened)


def _seal_credentials(
    sealer: Sealer, id: UUID, integration: Integration, credentials: Mapping[str, str], *, is_partner: bool
) -> bytes:
    get_auth(integration, is_partner=is_partner)  # or the vendor has no partners
    asked = integration.list_credentials(is_partner=is_partner)
    missing = [item.name for item in asked if not item.is_optional and not credentials.get(item.name)]
    if missing:
        raise ConfigError(f"{integration.name} also needs: {', '.join(missing)}")
    for item in asked:
        fault = item.find_fault(credentials.get(item.name) or "")
        if fault is not None:
            raise ConfigError(f"{integration.name}: {item.name} {fault}")
    if integration.write_key is not None and (gap := integration.write_key.find_gap(credentials)) is not None:
        raise ConfigError(f"{integration.name}: {gap}")
    given = {name: value for name, value in credentials.items() if value}
    return sealer.seal(msgspec.json.encode(given), make_credentials_context(id))


def _name_account(
    organisation: UUID,
    integration: Integration,
    base_url: str | None,
    credentials: Mapping[str, str],
    *,
    is_partner: bool,
) -> bytes | None:
    """Stands for whom the vendor counts calls of, by the credentials that are no secrets; None: for nobody else.

    Those of a write key do not count: its calls are outside the budget, and it may come later.
    """
    names = [one.name for one in integration.auth.credentials if not (one.is_secret or one.choices)]
    asked_with = [(name, credentials[name]) for name in names if credentials.get(name)]
    if is_partner or not asked_with:
        return None
    described = msgspec.json.encode([integration.slug, base_url or "", asked_with])
    return blake2b(described, key=organisation.bytes, digest_size=16).digest()


def check_base_url(url: str) -> str:
    """The address without a closing slash. Raises ConfigError for anything but http(s)://host[:port][/path].

    The text is no part of the error: it may contain a password.
    """
    if len(url) > _ADDRESS_LENGTH or not re.fullmatch(r"[\x21-\x7e]+", url):
        raise ConfigError(
            f"not an address: write it without spaces, in {_ADDRESS_LENGTH:,} characters at most, "
            "and what is not ASCII percent-encoded"
        )
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ConfigError(f"not an address: it must be {_ADDRESS_FORM}") from None
    if "@" in parts.netloc:
        raise ConfigError(f"not an address: a user or a password has no place in it; it must be {_ADDRESS_FORM}")
    host = parts.hostname or ""
    is_host = re.fullmatch(r"[0-9a-f:.]+", host) if ":" in host else re.fullmatch(r"[a-z0-9._-]{1,253}", host)
    if parts.scheme not in ("http", "https") or not is_host or parts.query or parts.fragment or port == 0:
        raise ConfigError(f"not an address of the form {_ADDRESS_FORM}")
    host = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{host}{f':{port}' if port else ''}{parts.path.rstrip('/')}"


def get_auth(integration: Integration, *, is_partner: bool) -> Auth:
    """How a connector proves who it is. Raises ConfigError where the integration knows no partners."""
    if not is_partner:
        return integration.auth
    if integration.partner_auth is None:
        raise ConfigError(f"{integration.name} cannot be connected as a partner: leave out --partner")
    return integration.partner_auth


def _locate(integration: Integration, base_url: str | None, credentials: Mapping[str, str]) -> str:
    """The address that paths are joined to."""
    if base_url is None:
        return integration.locate(credentials)
    if urlsplit(base_url).path.strip("/") or not urlsplit(integration.base_url).path.strip("/"):
        return base_url
    return base_url.rstrip("/") + urlsplit(integration.locate(credentials)).path


def open_client(
    integration: Integration,
    credentials: Mapping[str, str],
    base_url: str | None = None,
    *,
    is_base_url_trusted: bool = False,
    networks: Sequence[Network] = (),
    is_partner: bool = False,
    grants: GrantStore | None = None,
    budgets: BudgetStore | None = None,
    is_background: bool = False,
    patience: float | None = None,
    retry: Retry | None = None,
    answer_bytes: int = ANSWER_BYTES,
    keeps_rates: bool = True,
    clock: Clock | None = None,
) -> VendorClient:
    """A client for one customer's link, to be used in `async with`.

    Without `grants` its token is not shared, and without `budgets` its rate budget is not. A link with
    an address of its own gets its tokens there as well; where that has no path, it stands for the vendor's host. It
    may be one of a private network where the operator gave it at the terminal (`is_base_url_trusted`), or allows these
    `networks`. `keeps_rates`: rates that the vendor only documents are kept to.
    """
    addresses = AddressPolicy(tuple(networks))
    if base_url is not None and is_base_url_trusted:
        addresses = addresses.allow_origin(base_url)
    auth = get_auth(integration, is_partner=is_partner)
    where = _locate(integration, base_url, credentials)
    rule = integration.budget_rule
    routes = [replace(one, path=urlsplit(where).path.rstrip("/") + one.path) for one in integration.route_limits]
    target = Target(
        base_url=where,
        auth=auth,
        token_base_url=None if base_url or isinstance(auth, ApiKey) else auth.token_host,
        headers=integration.headers,
        budget_rule=rule if keeps_rates or not isinstance(rule, DeclaredRate) else None,
        routes=routes if keeps_rates else (),
        calls_at_once=integration.calls_at_once,
        failures=integration.failures,
        retry=retry or Retry(),
        answer_bytes=answer_bytes,
        integration=integration.slug,
        addresses=addresses,
    )
    return VendorClient(
        target, credentials, grants=grants, budgets=budgets, is_background=is_background, patience=patience, clock=clock
    )


def open_connector_client(
    pool: Pool,
    connector: Connector,
    sealer: Sealer,
    *,
    settings: Settings | None = None,
    is_background: bool = False,
    patience: float | None = None,
) -> VendorClient:
    """A client for a stored connector; all of them, in every process, share one grant and one rate budget.

    `settings` bound its answers, and say which networks it may reach. Those in the background, which nobody waits for,
    let the others go first; see VendorClient for `patience`. Raises ConfigError where its credentials do not open.
    """
    return open_client(
        get_integration(connector.integration),
        open_credentials(connector, sealer),
        connector.base_url,
        is_base_url_trusted=connector.is_base_url_trusted,
        networks=() if settings is None else settings.list_allowed_networks(),
        is_partner=connector.is_partner,
        grants=StoredGrants(
            pool, sealer, connector=connector.id, number=connector.number, version=connector.credentials_version
        ),
        budgets=StoredBudgets(pool, number=connector.budget_of),
        is_background=is_background,
        patience=patience,
        retry=None if settings is None else Retry(timeout=settings.answer_seconds),
        answer_bytes=ANSWER_BYTES if settings is None else settings.answer_bytes,
        keeps_rates=settings is None or settings.documented_rates,
    )


def open_credentials(connector: Connector, sealer: Sealer) -> dict[str, str]:
    """Raises ConfigError where they do not open."""
    context = make_credentials_context(connector.id)
    return msgspec.json.decode(sealer.open(connector.credentials, context), type=dict[str, str])
