"""The operations as a page for people."""

from collections.abc import Iterator, Mapping
from typing import Any

from unihire.dialects.common.markup import Block, Code, Heading, Line, Link, Paragraph, Table
from unihire.dialects.tray.connectors import PATH, VERSION, find_connectors
from unihire.integration.declare import Integration
from unihire.integration.operate import Operation, describe_type
from unihire.integration.registry import list_operations
from unihire.platform.inputs import describe_input

TITLE = "Operations"


def describe_operations() -> list[Block]:
    """The whole page."""
    blocks: list[Block] = [
        Heading(1, TITLE),
        Paragraph((
            "Named calls on a connector, through Tray's connectors API: ", Code(f"GET {PATH}"),
            " lists what offers some, ", Code(f"GET {PATH}/<integration>/versions/{VERSION}/operations"),
            " describes them, and ", Code(f"POST {PATH}/<integration>/versions/{VERSION}/call"), " makes one, with ",
            Code('{"operation", "authId", "input"}'), ": ", Code("authId"), " is the id of the connector and the "
            "bearer token one of your API keys that has the scope ", Code("operations"), ". The answer is ",
            Code('{"outcome", "output"}'), ". From a terminal: ",
            Code("unihire call <integration> <operation> --input '{…}'"), ".",
        )),
        Paragraph((
            "An operation asks the vendor when it is called; with ", Code('"source": "synced"'), " one that reads "
            "answers from what was last synced. One that writes takes an ", Code("Idempotency-Key"), " header, or ",
            Code("idempotency_key"), " among its input: a repeat gives the first answer and writes nothing. "
            "Operations of the kind ddl fill the drop-down of an input of another, named in its ", Code("lookup"), ". "
            "Calls count against the connector's rate (", Code("UNIHIRE_RATE_LIMIT"), ") together with its reads; "
            "what is left of it is in the headers ", Code("X-RateLimit-*"), ", and one call too many is a 429 with ",
            Code("Retry-After"), ".",
        )),
        Paragraph((
            "A workflow of ten operations as one script: ",
            Link("source_a_candidate.py", "howto/source_a_candidate.py"), ".",
        )),
    ]  # fmt: skip
    for integration in find_connectors():
        blocks += describe_integration(integration)
    return blocks


def describe_integration(integration: Integration) -> Iterator[Block]:
    """One integration's operations: all in a table, and each with its inputs and outputs."""
    operations = list_operations(integration.slug).values()
    yield Heading(2, integration.name)
    yield Table(
        ("operation", "kind", "what it does"),
        tuple(((Code(one.name),), (one.kind,), (one.description,)) for one in operations),
    )
    for operation in operations:
        yield from describe_operation(operation)


def describe_operation(operation: Operation) -> Iterator[Block]:
    yield Heading(3, operation.name)
    yield Paragraph((f"{operation.description} Calls to the vendor: {operation.calls}.",))
    given = describe_input(operation)
    yield Table(
        ("input", "type", "needed", "about"),
        tuple(
            (
                (Code(name),),
                (_name_type(schema),),
                ("yes" if name in given["required"] else "",),
                _describe_field(schema),
            )
            for name, schema in given["properties"].items()
        ),
    )
    gives = describe_type(operation.output)["properties"]
    yield Paragraph(("Gives: ", *_list_members(gives)))


def _describe_field(schema: Mapping[str, Any]) -> Line:
    parts: list[str | Code] = []
    described = schema.get("description") or schema.get("title") or ""
    if described:
        parts.append(described.rstrip("."))
    words = next((one["enum"] for one in (schema, *schema.get("anyOf", ())) if "enum" in one), ())
    if words:
        parts += ["; one of " if parts else "one of ", Code(", ".join(str(word) for word in words if word is not None))]
    if schema.get("default") is not None and schema["default"] != []:
        parts += ["; otherwise ", Code(str(schema["default"]))]
    if "lookup" in schema:
        parts += ["; choices from ", Code(schema["lookup"]["operation"])]
    return tuple(parts)


def _name_type(schema: Mapping[str, Any]) -> str:
    """The type in words: `integer`, `array of objects`."""
    if "anyOf" in schema:
        return " or ".join(name for one in schema["anyOf"] if (name := _name_type(one)) != "null")
    kind = schema.get("type", "string" if "enum" in schema else "any")
    if kind == "array":
        items = _name_type(schema.get("items", {}))
        return "array" if items == "any" else f"array of {items}s"
    return " or ".join(name for name in kind if name != "null") if isinstance(kind, list) else str(kind)


def _list_members(properties: Mapping[str, Any]) -> Line:
    """The members of an object, each with those in it."""
    parts: list[str | Code] = []
    for name, schema in properties.items():
        parts += [", ", Code(name)] if parts else [Code(name)]
        inner = _find_members(schema)
        if inner:
            parts.append(f" ({', '.join(inner)})")
    return (*parts, ".")


def _find_members(schema: Mapping[str, Any]) -> list[str]:
    for one in (schema, schema.get("items", {}), *schema.get("anyOf", ())):
        if isinstance(one, Mapping) and one.get("properties"):
            return list(one["properties"])
    return []
