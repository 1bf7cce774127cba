"""The capability matrix as a page for people: what it says, whichever way it is written down."""

from collections.abc import Iterator, Mapping

from unihire.dialects.common.markup import Block, Code, Heading, Line, Link, Paragraph, Table, join_codes
from unihire.dialects.unihire.matrix import (
    Capabilities,
    FieldCapability,
    FilterCapability,
    IntegrationCapabilities,
    Kind,
    ModelCapability,
)
from unihire.dialects.unihire.records import MORE, OWN
from unihire.dialects.unihire.write_matrix import describe_unified_writes

TITLE = "What each system gives"

KINDS: Mapping[Kind, str] = {"exact": "exact", "any_case": "any letter case", "ids": "ids of ours", "moment": "moment"}
SEVERAL = {"comma": "several by comma", "repeat": "several by repeating it"}


def describe_all(capabilities: Capabilities) -> list[Block]:
    """The whole page."""
    return [
        Heading(1, TITLE),
        Paragraph(
            (
                "Drawn from what each integration declares: ", Code("unihire capabilities"), " prints it, a running "
                "service shows it at ", Code("/capabilities"), " and, as JSON, at ", Code("/api/v1/capabilities"), ". "
                "A field that is not given is null. Where a vendor's word is named, that member of its row is stored "
                "beside the normalised word. Every list also takes ",
                Code("ids"), " and ", Code("modified_after"), "; every record has the vendor's raw data. What stands ",
                "in ", Code("more"), " is shown by our own face alone, under ", Code(OWN.path), "; so are ",
                *join_codes(spec.plural for spec in OWN.models if not spec.is_native), ".",
            )
        ),
        *describe_overview(capabilities),
        *(block for integration in capabilities.integrations for block in describe_one(integration)),
        *_describe_words(capabilities),
    ]  # fmt: skip


def describe_overview(capabilities: Capabilities) -> Iterator[Block]:
    """Model by integration: how many of the fields are given, and whether any can be written."""
    found = capabilities.integrations
    rows = zip(*(integration.models for integration in found), strict=True)
    yield Table(
        ("model", *(integration.name for integration in found)),
        tuple(
            (
                (Code(row[0].name),),
                *(_sum_up(integration, model) for integration, model in zip(found, row, strict=True)),
            )
            for row in rows
        ),
    )


def _sum_up(integration: IntegrationCapabilities, model: ModelCapability) -> Line:
    if not model.is_given:
        return ("no",)
    members = [field for field in model.fields if not field.is_more]
    more = [field for field in model.fields if field.is_more]
    text = f"{sum(field.is_given for field in members)} of {len(members)} fields"
    if more:
        text += f", {sum(field.is_given for field in more)} of {len(more)} of more"
    text += ", can be written" if model.can_write else ""
    return (Link(text, f"#{_head(integration, model).anchor}"),)


def describe_one(integration: IntegrationCapabilities) -> Iterator[Block]:
    """One integration: how it is connected, what is read, and what becomes of it."""
    yield Heading(2, integration.name)
    yield Paragraph((
        Link(integration.website, integration.website), ", ", integration.category, ", connected by ",
        Code(f"unihire connect {integration.slug}"), ". ", *_describe_writes(integration),
    ))  # fmt: skip
    yield Table(
        ("flow", "whose", "asks for", "scopes", "for writes besides"),
        tuple(
            (
                (flow.flow.replace("_", " "),),
                (f"the {flow.credentials_of}'s",),
                (", ".join(asked.title + (" (optional)" if asked.is_optional else "") for asked in flow.credentials),),
                join_codes(flow.scopes),
                join_codes(flow.write_scopes),
            )
            for flow in integration.auth
        ),
    )
    yield Table(
        ("stream", "permission", "read again", "becomes", "shows as well"),
        tuple(
            (
                (Code(stream.name),),
                (stream.permission or "none",),
                ("what changed" if stream.is_incremental else "whole",),
                join_codes(stream.models) or ("no record of its own",),
                join_codes(stream.joins),
            )
            for stream in integration.streams
        ),
    )
    yield from _describe_operations(integration)
    yield from describe_unified_writes(integration.name, integration.writes)
    yield from _describe_webhooks(integration)
    for model in integration.models:
        if model.is_given:
            yield from _describe_model(integration, model)
    missing = [model for model in integration.models if not model.is_given]
    if missing:
        yield Heading(3, f"{integration.name}: not given")
        yield Table(("model", "why"), tuple(((Code(model.name),), (model.reason or "",)) for model in missing))


def _describe_writes(integration: IntegrationCapabilities) -> Line:
    writers = [operation.name for operation in integration.operations if operation.is_write]
    if writers:
        return ("What is written goes through ", *join_codes(writers), ".")
    can_write = any(write.is_possible for write in integration.writes)
    return ("No operation writes; the unified API does.",) if can_write else ("Nothing can be written.",)


def _describe_operations(integration: IntegrationCapabilities) -> Iterator[Block]:
    if integration.operations:
        yield Paragraph(("Operations, to be called by name:",))
        yield Table(
            ("operation", "does", "kind", "write"),
            tuple(
                (
                    (Code(operation.name),),
                    (operation.title,),
                    ("choices for an input" if operation.kind == "ddl" else "",),
                    ("yes" if operation.is_write else "no",),
                )
                for operation in integration.operations
            ),
        )


def _describe_webhooks(integration: IntegrationCapabilities) -> Iterator[Block]:
    webhooks = integration.webhooks
    if webhooks is None:
        yield Paragraph(("It reports nothing of changes: they are found by schedule.",))
        return
    signed = "signed or carry a secret" if webhooks.is_verified else "not signed: their address is the secret"
    made = " Set up by the customer, or over the vendor's API." if "api" in webhooks.made_by else ""
    yield Paragraph((f"What it reports of changes, and is read again at once. Deliveries are {signed}.{made}",))
    rows = tuple(((Code(event.kind),), (event.name,)) for event in webhooks.events)
    yield Table(("event", "name in its settings"), rows)


def _head(integration: IntegrationCapabilities, model: ModelCapability) -> Heading:
    return Heading(3, f"{integration.name}: {model.name.replace('_', ' ')}")


def _describe_model(integration: IntegrationCapabilities, model: ModelCapability) -> Iterator[Block]:
    yield _head(integration, model)
    joins: Line = (", with rows of ", *join_codes(model.joins)) if model.joins else ()
    written: Line = (" Written by ", *join_codes(model.written_by), ".") if model.written_by else ()
    custom = "read" if model.has_custom_fields else "not read"
    yield Paragraph(
        ("From ", *join_codes(model.streams), *joins, f". The customer's own fields are {custom}.", *written)
    )
    filters = {known.field: known for known in model.filters if known.field}
    yield Table(
        ("field", "given", "filter", "vendor's word", "write"),
        tuple(
            (
                (Code(_name_field(field)),),
                _describe_given(field),
                _describe_filter(filters.get(field.name)),
                join_codes(field.vendor_words),
                ("yes" if field.can_write else "no",),
            )
            for field in model.fields
        ),
    )


def _name_field(field: FieldCapability) -> str:
    """Its place in a record."""
    return f"{MORE}.{field.name}" if field.is_more else field.name


def _describe_given(field: FieldCapability) -> Line:
    return ("yes",) if field.is_given else (f"no: {field.reason}",)


def _describe_filter(found: FilterCapability | None) -> Line:
    if found is None:
        return ()
    if not found.is_given:
        return (Code(found.param), " finds nothing")
    several = f", {SEVERAL[found.several]}" if found.several else ""
    closed = ", its words only" if found.words else ""
    return (Code(found.param), f": {KINDS[found.kind]}{several}{closed}")


def _describe_words(capabilities: Capabilities) -> Iterator[Block]:
    """The normalised words, which are the same for every integration."""
    if not capabilities.integrations:
        return
    yield Heading(2, "Normalised words")
    yield Paragraph(("The same for every system. Any other value is the vendor's own, passed through.",))
    yield Table(
        ("field", "words"),
        tuple(
            ((Code(f"{model.name}.{_name_field(field)}"),), join_codes(field.words))
            for model in capabilities.integrations[0].models
            for field in model.fields
            if field.words
        ),
    )
