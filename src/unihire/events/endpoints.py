"""Webhook endpoints: made, changed, given other secrets, and removed, by API or command."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import astuple, dataclass
from datetime import timedelta
from ipaddress import ip_address
from urllib.parse import urlsplit
from uuid import UUID, uuid4

from unihire.errors import ConfigError
from unihire.events.deliveries.forms import DeliveryForm, DeliveryForms
from unihire.kit.durations import write_duration
from unihire.kit.seal import Sealer
from unihire.kit.text import is_writable
from unihire.model import MODELS
from unihire.outbound.addresses import AddressPolicy
from unihire.platform.organisations import ENVIRONMENTS
from unihire.platform.sealing import make_secret_context
from unihire.store import Connection, Pool
from unihire.store.audit import Act, log_act
from unihire.store.commits import INSIST_ON_COMMIT
from unihire.store.events import endpoints as stored
from unihire.store.events.endpoints import Endpoint, EndpointSecret
from unihire.store.events.lanes import LIST_OF_ENDPOINT, RESTART_LANES, open_lanes, unflag_feeds
from unihire.store.issues import LIST_CONNECTORS_OF, resolve_issues
from unihire.sync.issues import OF_WEBHOOKS

ADDRESS_LENGTH = 2_000
NAME_LENGTH = 200
DESCRIPTION_LENGTH = 2_000
MOST_CONNECTORS = 1_000
"""Connectors that one endpoint names at most."""

LONGEST_OVERLAP = timedelta(days=7)
"""How long a replaced secret stays valid at most."""

_NUMBERS = {spec.name: spec.number for spec in MODELS.values()}
_NAMES = {spec.number: spec.name for spec in MODELS.values()}

# Which of these are connectors of the environment.
FIND_CONNECTORS = (
    "SELECT id, number FROM connector WHERE id = ANY($1::uuid[]) AND organisation = $2 AND environment = $3"
)


@dataclass(frozen=True, slots=True)
class EndpointOwner:
    """The organisation and environment of endpoints."""

    organisation: UUID
    environment: str


@dataclass(frozen=True, slots=True)
class EndpointSettings:
    """What an endpoint is to be. `events`, `models` (by name) and `connectors` None: all.

    An address that is `is_trusted` was given by the operator at the terminal.
    """

    url: str
    name: str = ""
    description: str = ""
    events: Sequence[str] | None = None
    models: Sequence[str] | None = None
    connectors: Sequence[UUID] | None = None
    includes_records: bool = False
    is_trusted: bool = False


class EndpointRefused(ValueError):
    """A value of an endpoint is not acceptable; `member` names it as the API does, the message says why."""

    def __init__(self, member: str, reason: str) -> None:
        super().__init__(reason)
        self.member = member


class TooManyEndpoints(ConfigError):
    """The environment has `MOST_ENDPOINTS` already."""


def name_models(endpoint: Endpoint) -> list[str] | None:
    """The names of the models an endpoint is sent; None: of all."""
    return None if endpoint.models is None else [_NAMES[number] for number in endpoint.models]


class Endpoints:
    """The rules of endpoints, on a database. `policy` says where addresses may lead."""

    def __init__(self, pool: Pool, sealer: Sealer, forms: DeliveryForms, policy: AddressPolicy) -> None:
        self._pool = pool
        self._sealer = sealer
        self.forms = forms
        self.policy = policy

    async def create(
        self, owner: EndpointOwner, wanted: EndpointSettings, *, format: str, secret: str | None = None
    ) -> tuple[Endpoint, str]:
        """Create an endpoint; returns it and its secret. Raises EndpointRefused and TooManyEndpoints.

        It is sent what happens from when this returns.
        """
        if owner.environment not in ENVIRONMENTS:
            raise EndpointRefused("environment", f"there are: {', '.join(ENVIRONMENTS)}")
        form = self.forms.get(format)
        if form is None:
            raise EndpointRefused("format", f"there are: {', '.join(self.forms)}")
        chosen = _choose_secret(form, secret)
        id, secret_id = uuid4(), uuid4()
        async with self._pool.acquire() as connection, connection.transaction():
            values = await self._check(connection, owner, form, wanted)
            whose = owner.organisation, owner.environment
            await connection.execute(INSIST_ON_COMMIT)
            await connection.execute(stored.LOCK_ENVIRONMENT, stored.ENDPOINT_LOCKS, str(whose[0]), whose[1])
            count = await connection.fetchval(stored.COUNT_ENDPOINTS, *whose)
            if count >= stored.MOST_ENDPOINTS:
                raise TooManyEndpoints(f"there are {count:,} webhooks already, which is the most: remove one first")
            await connection.execute(stored.INSERT_ENDPOINT, id, *whose, format, *values.as_arguments())
            sealed = self._sealer.seal(chosen.encode(), make_secret_context(id))
            await connection.execute(stored.INSERT_SECRET, id, secret_id, sealed)
            await log_act(connection, _describe_act(owner, id, "webhook.created", after=values.describe()))
            await stored.announce_endpoints(connection)
        endpoint = await self.get(owner, id)
        await open_lanes(self._pool, endpoint)
        return endpoint, chosen

    async def get(self, owner: EndpointOwner, id: UUID) -> Endpoint:
        """Raises LookupError where the environment has no such endpoint."""
        found = await stored.find_endpoint(self._pool, id, owner.organisation, owner.environment)
        if found is None:
            raise LookupError(f"there is no webhook {id}")
        return found

    async def change(
        self,
        owner: EndpointOwner,
        id: UUID,
        change: Callable[[EndpointSettings], EndpointSettings],
        *,
        is_enabled: bool | None = None,
    ) -> Endpoint:
        """Change an endpoint, and enable or disable it. Raises EndpointRefused and LookupError.

        One that is enabled again continues where it stopped, as far back as events are stored.
        """
        async with self._pool.acquire() as connection, connection.transaction():
            before = await _lock(connection, owner, id)
            now = await self._check(connection, owner, self.forms[before.format], change(_want(before)))
            is_other = now.filters != (before.events, before.models, before.connectors)
            await connection.execute(stored.CHANGE_ENDPOINT, id, *now.as_arguments(), int(is_other))
            if is_enabled is False:
                await connection.execute(stored.PAUSE_ENDPOINT, id)
            elif is_enabled:
                await connection.execute(stored.RESUME_ENDPOINT, id)
                await connection.execute(RESTART_LANES, id)
            said = {} if is_enabled is None else {"is_enabled": is_enabled}
            after = {**now.describe(), **said, "is_url_changed": now.url != before.url}
            act = _describe_act(owner, id, "webhook.changed", before=_Values.of(before).describe(), after=after)
            await log_act(connection, act)
            await stored.announce_endpoints(connection)
        if is_enabled:
            await self._resolve_issues(id)
        endpoint = await self.get(owner, id)
        if endpoint.version != before.version:
            await open_lanes(self._pool, endpoint)
        return endpoint

    async def remove(self, owner: EndpointOwner, id: UUID) -> None:
        """Delete an endpoint with its lanes and refused messages; its log expires. Raises LookupError."""
        async with self._pool.acquire() as connection, connection.transaction():
            before = await _lock(connection, owner, id)
            await log_act(connection, _describe_act(owner, id, "webhook.deleted", before=_Values.of(before).describe()))
            rows = await connection.fetch(LIST_OF_ENDPOINT, id)
            await connection.execute(stored.DELETE_ENDPOINT, id)
            await stored.announce_endpoints(connection)
        await unflag_feeds(self._pool, [row["connector"] for row in rows])
        await self._resolve_issues(id)

    async def rotate_secret(
        self, owner: EndpointOwner, id: UUID, *, old_valid_for: timedelta, secret: str | None = None
    ) -> str:
        """Replace the secret; the earlier ones sign as well for `old_valid_for`. Returns the new one.

        Raises EndpointRefused and LookupError.
        """
        endpoint = await self.get(owner, id)
        chosen, secret_id = _choose_secret(self.forms[endpoint.format], secret), uuid4()
        sealed = self._sealer.seal(chosen.encode(), make_secret_context(id))
        async with self._pool.acquire() as connection, connection.transaction():
            await _lock(connection, owner, id)
            await connection.execute(INSIST_ON_COMMIT)
            await stored.add_secret(connection, id, secret_id, sealed, old_valid_for)
            after = {"old_valid_for": write_duration(old_valid_for)}
            await log_act(connection, _describe_act(owner, id, "webhook.secret_rotated", after=after))
            await stored.announce_endpoints(connection)
        return chosen

    async def list_secrets(self, endpoints: Sequence[Endpoint]) -> dict[UUID, list[EndpointSecret]]:
        """The valid secrets of each, sealed, the newest first."""
        return await stored.list_secrets(self._pool, [endpoint.id for endpoint in endpoints])

    def open_secret(self, secret: EndpointSecret) -> str:
        """Raises ConfigError where it does not open."""
        return self._sealer.open(secret.sealed, make_secret_context(secret.endpoint)).decode()

    async def _resolve_issues(self, id: UUID) -> None:
        """Resolve the issues about an endpoint."""
        for row in await self._pool.fetch(LIST_CONNECTORS_OF, OF_WEBHOOKS, str(id)):
            await resolve_issues(self._pool, row["connector"], OF_WEBHOOKS, stream=str(id))

    async def _check(
        self, connection: Connection, owner: EndpointOwner, form: DeliveryForm, wanted: EndpointSettings
    ) -> "_Values":
        """The values as they are stored. Raises EndpointRefused."""
        url = check_address(wanted.url, None if wanted.is_trusted else self.policy)
        name = _check_text("name", wanted.name, NAME_LENGTH)
        description = _check_text("description", wanted.description, DESCRIPTION_LENGTH)
        events = _check_words("events", wanted.events, form.events)
        models = _check_words("models", wanted.models, tuple(_NUMBERS))
        numbers = None if models is None else tuple(sorted(_NUMBERS[model] for model in models))
        connectors = None
        if wanted.connectors is not None:
            connectors = tuple(sorted(set(wanted.connectors)))
            await _check_connectors(connection, owner, connectors)
        if wanted.includes_records and not form.has_records:
            raise EndpointRefused("include_record", f"the format {form.name} has no place for records")
        return _Values(url, name, description, events, numbers, connectors, wanted.includes_records, wanted.is_trusted)


@dataclass(frozen=True, slots=True)
class _Values:
    """The values of `EndpointSettings` as they are stored, in the order of the statements."""

    url: str
    name: str
    description: str
    events: tuple[str, ...] | None
    models: tuple[int, ...] | None
    connectors: tuple[UUID, ...] | None
    includes_records: bool
    is_trusted: bool

    @property
    def filters(self) -> tuple[object, ...]:
        return self.events, self.models, self.connectors

    @classmethod
    def of(cls, endpoint: Endpoint) -> "_Values":
        return cls(
            endpoint.url, endpoint.name, endpoint.description, endpoint.events, endpoint.models, endpoint.connectors,
            endpoint.includes_records, endpoint.is_trusted,
        )  # fmt: skip

    def describe(self) -> dict[str, object]:
        """What the audit trail says of them: not the address, which may be a secret."""
        models = None if self.models is None else [name for name, number in _NUMBERS.items() if number in self.models]
        return {
            "name": self.name,
            "events": self.events,
            "models": models,
            "connector_ids": self.connectors,
            "include_record": self.includes_records,
        }

    def as_arguments(self) -> tuple[object, ...]:
        return astuple(self)


def _describe_act(
    owner: EndpointOwner,
    id: UUID,
    act: str,
    *,
    before: Mapping[str, object] | None = None,
    after: Mapping[str, object] | None = None,
) -> Act:
    return Act(
        organisation=owner.organisation, environment=owner.environment, act=act, kind="webhook", object=id,
        before=before, after=after,
    )  # fmt: skip


def check_address(url: str, policy: AddressPolicy | None) -> str:
    """The address as it was given. Raises EndpointRefused for what cannot be sent to.

    The error shows no part of it: it may be a secret.
    One that is a literal is refused where the policy does; None: the operator gave it. A name is checked when it is
    connected to, for each connection again.
    """
    if len(url) > ADDRESS_LENGTH or not url.isascii() or not url.isprintable() or " " in url:
        raise EndpointRefused("url", f"it must be ASCII without spaces, at most {ADDRESS_LENGTH:,} characters")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise EndpointRefused("url", "it must be http(s)://host[:port][/path][?query]") from None
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0:
        raise EndpointRefused("url", "it must be http(s)://host[:port][/path][?query]")
    if "@" in parts.netloc or parts.fragment:
        raise EndpointRefused("url", "a user, a password or a fragment has no place in it")
    try:
        literal = ip_address(parts.hostname)
    except ValueError:
        return url
    if policy is not None and (words := policy.find_refusal(literal)) is not None:
        raise EndpointRefused(
            "url",
            f"it leads to {words}; where that is meant, the operator allows the network by UNIHIRE_ALLOWED_NETWORKS",
        )
    return url


async def _lock(connection: Connection, owner: EndpointOwner, id: UUID) -> Endpoint:
    """The endpoint, locked until the transaction ends. Raises LookupError."""
    row = await connection.fetchrow(stored.LOCK_ENDPOINT, id, owner.organisation, owner.environment)
    if row is None:
        raise LookupError(f"there is no webhook {id}")
    return stored.read_endpoint(row)


def _want(endpoint: Endpoint) -> EndpointSettings:
    return EndpointSettings(
        url=endpoint.url, name=endpoint.name, description=endpoint.description, events=endpoint.events,
        models=name_models(endpoint), connectors=endpoint.connectors, includes_records=endpoint.includes_records,
        is_trusted=endpoint.is_trusted,
    )  # fmt: skip


def _choose_secret(form: DeliveryForm, secret: str | None) -> str:
    if secret is None:
        return form.draw_secret()
    try:
        form.check_secret(secret)
    except ValueError as error:
        raise EndpointRefused("secret", str(error)) from None
    return secret


def _check_text(member: str, text: str, most: int) -> str:
    if len(text) > most or not is_writable(text):
        raise EndpointRefused(member, f"it must be text of at most {most:,} characters")
    return text


def _check_words(member: str, words: Sequence[str] | None, known: Sequence[str]) -> tuple[str, ...] | None:
    if words is None:
        return None
    if not words or (unknown := set(words) - set(known)):
        named = f"there is no {', '.join(sorted(unknown))}; " if words else "name one at least, or null for all; "
        raise EndpointRefused(member, f"{named}there are: {', '.join(known)}")
    return tuple(word for word in known if word in set(words))


async def _check_connectors(connection: Connection, owner: EndpointOwner, connectors: Sequence[UUID]) -> None:
    if not 0 < len(connectors) <= MOST_CONNECTORS:
        raise EndpointRefused("connector_ids", f"name 1 to {MOST_CONNECTORS:,}, or null for all")
    rows = await connection.fetch(FIND_CONNECTORS, connectors, owner.organisation, owner.environment)
    if unknown := set(connectors) - {row["id"] for row in rows}:
        raise EndpointRefused(
            "connector_ids", f"there is no connector {', '.join(sorted(map(str, unknown)))} in this environment"
        )
