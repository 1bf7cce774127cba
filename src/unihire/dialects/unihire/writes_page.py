"""What each system takes of writes, as a part of a page: its writes, and the vendor's own parameters of each."""

from collections.abc import Iterator, Mapping
from typing import Any

from unihire.dialects.common.markup import Block, Code, Heading, Paragraph, Table
from unihire.dialects.unihire.write_matrix import describe_unified_writes, list_write_capabilities
from unihire.integration.declare import Integration
from unihire.integration.registry import list_integrations, list_writes
from unihire.integration.write import Write
from unihire.model import INPUTS
from unihire.platform.writing.body_schema import PARAMS, describe_body


def describe_every_system() -> list[Block]:
    """Of every integration there is."""
    return [block for integration in list_integrations() for block in describe_system(integration)]


def describe_system(integration: Integration) -> Iterator[Block]:
    """One integration's writes in a table, and the own parameters of each that has some."""
    yield Heading(2, integration.name)
    yield from describe_unified_writes(integration.name, list_write_capabilities(integration.slug))
    for write in list_writes(integration.slug).values():
        yield from _describe_details(integration, write)


def _describe_details(integration: Integration, write: Write) -> Iterator[Block]:
    """The values of words and the own parameters, where the write has either."""
    params = describe_body(write)["properties"].get(PARAMS, {})
    if not params.get("properties") and not write.words:
        return
    yield Heading(3, f"{integration.name}: {write.name}")
    yield Paragraph((INPUTS[write.model, write.verb].meaning,))
    if write.words:
        yield Table(
            ("field", "takes"),
            tuple(((Code(name),), (", ".join(words),)) for name, words in write.words.items()),
        )
    if params.get("properties"):
        needed = params.get("required", ())
        yield Table(
            ("own parameter", "type", "needed", "about"),
            tuple(
                (
                    (Code(name),),
                    (_name_type(schema),),
                    ("yes" if name in needed else "",),
                    (_describe_param(schema),),
                )
                for name, schema in params["properties"].items()
            ),
        )


def _name_type(schema: Mapping[str, Any]) -> str:
    """The type in words: `integer`, `array of strings`."""
    if "anyOf" in schema:
        return " or ".join(name for one in schema["anyOf"] if (name := _name_type(one)) != "null")
    if "enum" in schema:
        return "one of " + ", ".join(str(word) for word in schema["enum"] if word is not None)
    if schema.get("type") == "array":
        return f"array of {_name_type(schema.get('items', {}))}s"
    return str(schema.get("format") or schema.get("type", "any"))


def _describe_param(schema: Mapping[str, Any]) -> str:
    parts = (schema, *schema.get("anyOf", ()))
    return next((str(one["description"]) for one in parts if one.get("description")), "")
