"""The JSON Schema of a write's body, made of its declaration: what is checked, and what meta begins with."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from unihire.integration.operate import describe_type
from unihire.integration.write import Write
from unihire.kit.text import ID_LENGTH
from unihire.model import INPUTS, FieldSpec, InputSpec

Schema = dict[str, Any]

PARAMS = "integration_params"
"""The member of a body that has the vendor's own parameters."""

ACTOR = "remote_user_id"
"""The member that says who acts."""

RELATION = "x-relation"
"""The keyword that names the model whose records a field takes."""

MOST_ITEMS = 100
"""Of a list in a body."""

LONGEST_TEXT = 100_000
"""Characters of a text in a body; a file's content may be longer."""

LONGEST_NAME = 1_000
"""Characters of a text that has a format, and of one in a list."""

URI_PATTERN = r"^https?://\S+$"


@cache
def describe_body(write: Write, *, has_actor: bool = False) -> Schema:
    """The schema of the body that a write takes, whoever the customer is.

    `has_actor`: who acts is known where the body does not say.
    """
    spec = INPUTS[write.model, write.verb]
    required = list(dict.fromkeys((*spec.requires, *write.requires)))
    never_empty = {*required, *write.cannot_empty}
    properties: Schema = {}
    for field in spec.fields:
        if field.name in write.takes:
            properties[field.name] = _describe_field(field, write.words, is_needed=field.name in never_empty)
    if write.params is not None:
        params = describe_type(write.params)
        properties[PARAMS] = {**params, "description": "The vendor's own parameters."}
        if params.get("required"):
            required.append(PARAMS)
    if write.no_actor is None:
        is_needed = write.needs_actor and not has_actor
        properties[ACTOR] = {
            **_describe_relation("remote_user", is_needed=is_needed),
            "description": "The user who acts.",
        }
        if is_needed:
            required.append(ACTOR)
    schema: Schema = {"type": "object", "properties": properties, "additionalProperties": False}
    if write.rules:
        schema["allOf"] = [dict(rule) for rule in write.rules]
    return {**schema, "required": required} if required else schema


@cache
def describe_widest(spec: InputSpec) -> Schema:
    """The schema of a body with all that some vendor may take, and what every vendor needs."""
    properties: Schema = {
        field.name: _describe_field(field, {}, is_needed=field.name in spec.requires) for field in spec.fields
    }
    properties[PARAMS] = {"type": "object", "description": "The vendor's own parameters, by the names that meta lists."}
    properties[ACTOR] = {**_describe_relation("remote_user", is_needed=False), "description": "The user who acts."}
    schema: Schema = {"type": "object", "properties": properties, "additionalProperties": False}
    return {**schema, "required": list(spec.requires)} if spec.requires else schema


def list_known(spec: InputSpec) -> frozenset[str]:
    """Every member that a body of this kind may have for some vendor."""
    return frozenset((*(field.name for field in spec.fields), PARAMS, ACTOR))


def _describe_field(field: FieldSpec, words: Mapping[str, tuple[str, ...]], *, is_needed: bool) -> Schema:
    described: Schema = {"description": field.meaning}
    if field.example is not None and field.to is None:
        described["examples"] = [field.example]
    if field.type == "array":
        kind = {"type": "array" if is_needed else ["array", "null"], "maxItems": MOST_ITEMS}
        if is_needed:
            kind["minItems"] = 1
        return {**kind, "items": _describe_item(field), **described}
    if field.to is not None:
        return {**_describe_relation(field.to, is_needed=is_needed), **described}
    if field.type == "string":
        return {**_describe_text(field, words.get(field.name), is_needed=is_needed), **described}
    bounds = {"minimum": -(2**31), "maximum": 2**31 - 1} if field.type == "integer" else {}
    return {"type": field.type if is_needed else [field.type, "null"], **bounds, **described}


def _describe_item(field: FieldSpec) -> Schema:
    if field.to is not None:
        return _describe_relation(field.to, is_needed=True)
    if field.parts:
        parts = {part.name: _describe_field(part, {}, is_needed=False) for part in field.parts}
        return {"type": "object", "properties": parts, "additionalProperties": False}
    return {"type": "string", "minLength": 1, "maxLength": LONGEST_NAME, **_describe_format(field.format)}


def _describe_relation(to: str, *, is_needed: bool) -> Schema:
    """An id of ours, or the vendor's own."""
    remote: Schema = {"type": "string", "minLength": 1, "maxLength": ID_LENGTH}
    ways: list[Schema] = [
        {"type": "string", "format": "uuid"},
        {
            "type": "object",
            "properties": {"remote_id": remote},
            "required": ["remote_id"],
            "additionalProperties": False,
        },
    ]
    return {"anyOf": ways if is_needed else [*ways, {"type": "null"}], RELATION: to}


def _describe_text(field: FieldSpec, taken: tuple[str, ...] | None, *, is_needed: bool) -> Schema:
    if taken is not None:
        return {"enum": [*taken] if is_needed else [*taken, None]}
    kind = "string" if is_needed else ["string", "null"]
    if field.format == "byte":
        return {"type": kind, "minLength": 1, "contentEncoding": "base64"}
    if field.format is not None:
        return {"type": kind, "minLength": 1, "maxLength": LONGEST_NAME, **_describe_format(field.format)}
    described: Schema = {"type": kind, "minLength": 1, "maxLength": LONGEST_TEXT}
    if field.words:
        described["examples"] = list(field.words)
    return described


def _describe_format(name: str | None) -> Schema:
    match name:
        case None:
            return {}
        case "email":
            return {"format": "email"}
        case "uri":
            return {"pattern": URI_PATTERN}
        case "date":  # the contract writes days as moments, too
            return {"anyOf": [{"format": "date"}, {"format": "date-time"}]}
        case _:
            return {"format": name}
