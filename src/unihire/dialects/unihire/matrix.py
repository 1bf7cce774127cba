"""What every integration can do, derived from its declarations and the vocabulary: models, fields, filters, writes.

These structs are what is published: their names are its keys, their docstrings its descriptions.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta, Struct

from unihire.dialects.common.filters import FilterParam
from unihire.dialects.unihire.records import OWN
from unihire.dialects.unihire.write_matrix import WriteCapability, list_write_capabilities
from unihire.integration.declare import Integration, RecordMapping, Stream
from unihire.integration.operate import Operation
from unihire.integration.registry import (
    find_webhooks,
    get_integration,
    list_integrations,
    list_operations,
    list_writing,
)
from unihire.integration.scopes import find_granted, list_missing, list_scopes
from unihire.integration.webhooks import Webhooks
from unihire.model import MODELS, FieldSpec, FilterMatch, ModelSpec, spec_of
from unihire.outbound.auth import ApiKey, Auth, AuthorizationCode, ClientCredentials

Kind = Literal["exact", "any_case", "ids", "moment"]

KINDS: Mapping[FilterMatch, Kind] = {FilterMatch.EXACT: "exact", FilterMatch.FOLDED: "any_case", FilterMatch.ID: "ids"}
FLOWS: Mapping[type, str] = {
    ApiKey: "api_key",
    ClientCredentials: "client_credentials",
    AuthorizationCode: "authorization_code",
}
"""The flows by the names OAuth 2.0 has for them."""

Reason = Annotated[str | None, Meta(description="Why it stays empty, where it does.")]
Write = Annotated[bool, Meta(description="Whether an operation writes it; `writes` has what the unified API does.")]


class CredentialAsked(Struct, frozen=True, kw_only=True, rename={"is_secret": "secret", "is_optional": "optional"}):
    """Something to be given when a connector is made."""

    name: str
    title: str
    is_secret: bool
    is_optional: bool


class AuthFlow(Struct, frozen=True, kw_only=True):
    """A way to let a connector in. `credentials_of` says whose credentials they are."""

    flow: Annotated[str, Meta(description="By its name in OAuth 2.0, or `api_key`.", examples=list(FLOWS.values()))]
    credentials_of: Literal["customer", "partner"]
    credentials: list[CredentialAsked]
    scopes: Annotated[list[str], Meta(description="What reads need.")]
    write_scopes: Annotated[list[str], Meta(description="Additional scopes for writes, where they are requested.")]


class StreamCapability(Struct, frozen=True, kw_only=True, rename={"is_incremental": "incremental"}):
    """A list that is read at the vendor. One that is not `incremental` is read whole each time and compared."""

    name: str
    permission: Annotated[str | None, Meta(description="The right it needs, in the customer's words.")]
    is_incremental: bool
    models: Annotated[list[str], Meta(description="What its rows become; nothing, where other streams show them.")]
    joins: Annotated[list[str], Meta(description="Streams whose rows its records show as well.")]


class FilterCapability(Struct, frozen=True, kw_only=True, rename={"is_given": "given"}):
    """A query parameter that narrows a list. It is `given` where records can be found by it."""

    param: str
    field: Annotated[str | None, Meta(description="What it looks at; null where that is no field of the vendor's.")]
    kind: Annotated[Kind, Meta(description="What its value is compared with, and how.")]
    several: Annotated[Literal["comma", "repeat"] | None, Meta(description="How several values are given.")]
    words: Annotated[list[str], Meta(description="The only values it takes; empty where it takes any.")]
    is_given: bool


class FieldCapability(
    Struct, frozen=True, kw_only=True, rename={"is_more": "more", "is_given": "given", "can_write": "write"}
):
    """A field of a model."""

    name: str
    is_more: Annotated[bool, Meta(description="Whether our own face alone shows it, in `more`.")]
    is_given: bool
    reason: Reason
    words: Annotated[
        list[str], Meta(description="Its normalised words; another than these is the vendor's, passed through.")
    ]
    vendor_words: Annotated[
        list[str], Meta(description="Members of the vendor's row whose original value is stored too.")
    ]
    filter: Annotated[str | None, Meta(description="The parameter of the list that filters by it.")]
    can_write: Write


class ModelCapability(
    Struct,
    frozen=True,
    kw_only=True,
    rename={
        "is_native": "native", "is_given": "given", "has_custom_fields": "custom_fields", "can_write": "write",
    },
):  # fmt: skip
    """A model of the vocabulary at one vendor."""

    name: str
    plural: Annotated[str, Meta(description="Its noun in paths.")]
    is_native: Annotated[bool, Meta(description="Whether the native face has it; our own has every one.")]
    is_given: bool
    reason: Reason
    streams: Annotated[list[str], Meta(description="Where its records come from.")]
    joins: Annotated[list[str], Meta(description="Other streams whose rows they show.")]
    has_custom_fields: Annotated[bool, Meta(description="Whether the customer's own fields are read.")]
    can_write: Write
    written_by: Annotated[list[str], Meta(description="The operations that write it.")]
    fields: list[FieldCapability]
    filters: list[FilterCapability]


class OperationCapability(Struct, frozen=True, kw_only=True, rename={"is_write": "write"}):
    """A named call that is offered on a connector. A `ddl` one fills the choices of an input of another."""

    name: str
    title: str
    kind: Literal["public", "ddl"]
    is_write: Annotated[bool, Meta(description="Whether it writes at the vendor.")]
    scopes: Annotated[list[str], Meta(description="OAuth scopes without which it can write nothing.")]
    more_scopes: Annotated[list[str], Meta(description="OAuth scopes that only some inputs need.")]


class EventCapability(Struct, frozen=True, kw_only=True):
    """Something that a vendor reports when it happens."""

    kind: Annotated[str, Meta(description="The vendor's word for it.")]
    name: Annotated[str, Meta(description="As the vendor's settings name it.")]


class WebhooksCapability(Struct, frozen=True, kw_only=True, rename={"is_verified": "verified"}):
    """A vendor's webhooks: the rows they name are read again at once. Without them rows are read by schedule."""

    is_verified: Annotated[bool, Meta(description="Whether deliveries are signed, or carry a secret.")]
    made_by: Annotated[list[Literal["customer", "api"]], Meta(description="The customer, or we over the API.")]
    events: list[EventCapability]


class IntegrationCapabilities(Struct, frozen=True, kw_only=True):
    """A vendor that can be connected."""

    slug: str
    name: str
    website: str
    category: str
    auth: list[AuthFlow]
    streams: list[StreamCapability]
    models: Annotated[list[ModelCapability], Meta(description="Every model of the vocabulary, given or not.")]
    operations: list[OperationCapability]
    writes: Annotated[
        list[WriteCapability], Meta(description="Every write of the unified API, whether it can be done or not.")
    ]
    webhooks: Annotated[WebhooksCapability | None, Meta(description="Null where the vendor reports nothing.")]


class OperationGrant(Struct, frozen=True, kw_only=True, rename={"is_allowed": "allowed"}):
    """A write as the connector's grant allows it."""

    name: str
    is_allowed: Annotated[
        bool | None,
        Meta(
            description="Null where the vendor did not say what it granted, or not in words we know: only a call shows."
        ),
    ]
    missing_scopes: Annotated[list[str], Meta(description="Scopes the grant does not have, without which it cannot.")]
    missing_more: Annotated[list[str], Meta(description="Scopes it does not have, which only some inputs need.")]
    reason: Annotated[str | None, Meta(description="Why it is not allowed, or in part, and what to do.")]


class ConnectorGrant(Struct, frozen=True, kw_only=True):
    """What a connector's grant allows."""

    connector_id: UUID
    scopes: Annotated[list[str] | None, Meta(description="What was granted; null where the vendor did not say.")]
    writes: Annotated[list[OperationGrant], Meta(description="The operations of its integration that write.")]


class Capabilities(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The capability matrix: what each integration gives, by model and field, and how it can be asked for.

    With a connector token it is that of the connector's integration, and `connector` says what its grant allows.
    """

    integrations: list[IntegrationCapabilities]
    connector: ConnectorGrant | None = None


def list_capabilities(slug: str | None = None) -> Capabilities:
    """Of every integration there is, or of one. Raises ConfigError for a slug there is not."""
    integrations = list_integrations() if slug is None else [get_integration(slug)]
    return Capabilities(
        integrations=[
            describe_integration(one, list(list_operations(one.slug).values()), find_webhooks(one.slug))
            for one in integrations
        ]
    )


def describe_grant(slug: str, connector: UUID, named: Sequence[str] | None) -> ConnectorGrant:
    """What a grant allows at an integration whose vendor named these scopes; None where it named none."""
    operations = list_operations(slug).values()
    granted = find_granted(get_integration(slug).partner_auth, list_writing(slug), named)
    writes = [
        _judge_write(one, list_missing(one.scopes, granted), list_missing(one.more_scopes, granted), granted)
        for one in operations
        if one.is_write
    ]
    return ConnectorGrant(connector_id=connector, scopes=None if named is None else list(named), writes=writes)


def _judge_write(
    operation: Operation, missing: list[str], missing_more: list[str], granted: Collection[str] | None
) -> OperationGrant:
    reason = None
    if missing or missing_more:
        part = "" if missing else " for some inputs"
        reason = (
            f"The customer has not granted {', '.join(missing or missing_more)}, which it needs{part}: connect again, "
            "asking for reading and writing (unihire reconnect with --access read-write)."
        )
    return OperationGrant(
        name=operation.name,
        is_allowed=None if granted is None else not missing,
        missing_scopes=missing,
        missing_more=missing_more,
        reason=reason,
    )


def describe_integration(
    integration: Integration, operations: Sequence[Operation] = (), webhooks: Webhooks | None = None
) -> IntegrationCapabilities:
    return IntegrationCapabilities(
        slug=integration.slug,
        name=integration.name,
        website=integration.website,
        category=integration.category,
        auth=_list_flows(integration, operations, webhooks),
        streams=[_describe_stream(stream) for stream in integration.streams],
        models=[_describe_model(integration, spec, operations) for spec in MODELS.values()],
        operations=[
            OperationCapability(
                name=one.name,
                title=one.title,
                kind=one.kind,
                is_write=one.is_write,
                scopes=list(one.scopes),
                more_scopes=list(one.more_scopes),
            )
            for one in operations
        ],
        writes=list_write_capabilities(integration.slug),
        webhooks=None if webhooks is None else _describe_webhooks(webhooks),
    )


def _describe_webhooks(webhooks: Webhooks) -> WebhooksCapability:
    return WebhooksCapability(
        is_verified=webhooks.verify is not None,
        made_by=["customer"] if webhooks.subscription is None else ["customer", "api"],
        events=[EventCapability(kind=kind, name=name) for kind, name in webhooks.events.items()],
    )


def list_writers(operations: Sequence[Operation], spec: ModelSpec, field: FieldSpec | None = None) -> list[str]:
    """The operations that write a model, or one field of it."""
    return [
        one.name
        for one in operations
        if spec.name in one.writes and (field is None or field.name in one.writes[spec.name])
    ]


def _list_flows(integration: Integration, operations: Sequence[Operation], webhooks: Webhooks | None) -> list[AuthFlow]:
    flows = [_describe_flow(integration, integration.auth, "customer", (), None)]
    if integration.partner_auth is not None:
        flows.append(_describe_flow(integration, integration.partner_auth, "partner", operations, webhooks))
    return flows


def _describe_flow(
    integration: Integration,
    auth: Auth,
    owner: Literal["customer", "partner"],
    operations: Sequence[Operation],
    webhooks: Webhooks | None,
) -> AuthFlow:
    reads: tuple[str, ...] = ()
    every: tuple[str, ...] = ()
    if isinstance(auth, AuthorizationCode):
        reads, every = auth.scopes, list_scopes(auth, operations, "read-write", webhooks)
    return AuthFlow(
        flow=FLOWS[type(auth)],
        credentials_of=owner,
        credentials=[
            CredentialAsked(
                name=asked.name, title=asked.title, is_secret=asked.is_secret, is_optional=asked.is_optional
            )
            for asked in integration.list_credentials(is_partner=owner == "partner")
        ],
        scopes=list(reads),
        write_scopes=[scope for scope in every if scope not in reads],
    )


def _describe_stream(stream: Stream) -> StreamCapability:
    return StreamCapability(
        name=stream.name,
        permission=stream.permission,
        is_incremental=stream.is_incremental,
        models=_once(spec_of(mapping.model).name for mapping in stream.mappings),
        joins=_once(join.stream for join in stream.joins),
    )


def _describe_model(integration: Integration, spec: ModelSpec, operations: Sequence[Operation]) -> ModelCapability:
    """A model is given where a stream maps to it; a field of it, where `cannot` has no reason against it."""
    sources = [
        (stream, mapping)
        for stream in integration.streams
        for mapping in stream.mappings
        if mapping.model is spec.record
    ]
    mappings = [mapping for _, mapping in sources]
    every = (*spec.fields, *spec.more)
    fields = [_describe_field(integration, spec, field, mappings, operations) for field in every]
    writers = list_writers(operations, spec)
    given = {field.name for field in fields if field.is_given}
    return ModelCapability(
        name=spec.name,
        plural=spec.plural,
        is_native=spec.is_native,
        is_given=bool(sources),
        reason=None if sources else integration.cannot.get(spec.name),
        streams=_once(stream.name for stream, _ in sources),
        joins=_once(join.stream for stream, _ in sources for join in stream.joins),
        has_custom_fields=any(mapping.custom is not None for _, mapping in sources),
        can_write=bool(writers),
        written_by=writers,
        fields=fields,
        filters=_list_filters(spec, given),
    )


def _describe_field(
    integration: Integration,
    spec: ModelSpec,
    field: FieldSpec,
    sources: Sequence[RecordMapping],
    operations: Sequence[Operation],
) -> FieldCapability:
    reason = integration.cannot.get(f"{spec.name}.{field.name}" if sources else spec.name)
    params = {param.field.name: param.name for param in OWN.filters[spec]}
    if OWN.has_remote_id_filter(spec):
        params["remote_id"] = "remote_id"
    return FieldCapability(
        name=field.name,
        is_more=field.is_more,
        is_given=bool(sources) and reason is None,
        reason=reason,
        words=list(field.words),
        vendor_words=_once(mapping.words[field.name] for mapping in sources if field.name in mapping.words),
        filter=params.get(field.name),
        can_write=bool(list_writers(operations, spec, field)),
    )


def _list_filters(spec: ModelSpec, given: set[str]) -> list[FilterCapability]:
    """Those every list has, then those of the model."""
    every: list[tuple[str, Kind, Literal["comma"] | None]] = [
        ("ids", "ids", "comma"),
        ("modified_after", "moment", None),
    ]
    found = [
        FilterCapability(param=param, field=None, kind=kind, several=several, words=[], is_given=bool(given))
        for param, kind, several in every
    ]
    if OWN.has_remote_id_filter(spec):
        is_given = "remote_id" in given
        found.append(
            FilterCapability(
                param="remote_id", field="remote_id", kind="exact", several=None, words=[], is_given=is_given
            )
        )
    return [*found, *(_describe_filter(param, is_given=param.field.name in given) for param in OWN.filters[spec])]


def _describe_filter(param: FilterParam, *, is_given: bool) -> FilterCapability:
    return FilterCapability(
        param=param.name,
        field=param.field.name,
        kind=KINDS[param.match],
        several="repeat" if param.grammar.is_repeated else "comma" if param.is_list else None,
        words=list(param.field.words) if param.grammar.is_closed else [],
        is_given=is_given,
    )


def _once(names: Iterable[str]) -> list[str]:
    """Each name once, in order."""
    return list(dict.fromkeys(names))
