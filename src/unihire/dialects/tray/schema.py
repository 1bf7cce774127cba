"""The OpenAPI description of the connectors API."""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from unihire.dialects.common.describing import describe_response
from unihire.dialects.tray.connectors import KEY_HEADERS, PATH, VERSION, find_connectors
from unihire.integration.registry import list_operations
from unihire.platform.inputs import describe_input

_KEYED: list[dict[str, list[str]]] = [{"ApiKey": []}]
_TEXT = {"type": "string"}
_OBJECT = {"type": "object"}
_ONE = PATH + "/{name}/versions/{version}"

_KEY_PARAMETERS = [
    {
        "name": name,
        "in": "header",
        "required": False,
        "schema": {**_TEXT, "minLength": 1, "maxLength": 255},
        "description": "For operations that write: a repeat under the same key gives the first answer.",
    }
    for name in KEY_HEADERS
]


def describe_calls() -> tuple[dict[str, Any], dict[str, Any]]:
    """Paths and schemas."""
    place = [
        {"name": name, "in": "path", "required": True, "schema": {**_TEXT, "enum": words}, "description": meaning}
        for name, words, meaning in (
            ("name", [integration.slug for integration in find_connectors()], "The integration, as listed."),
            ("version", [VERSION], "Its version, as listed."),
        )
    ]
    paths = {
        PATH: {
            "get": _describe("list_connectors", "Integrations that offer operations", "ConnectorList"),
        },
        _ONE + "/operations": {
            "get": {
                **_describe("list_operations", "The operations of an integration", "OperationList", (404,)),
                "parameters": place,
            },
        },
        _ONE + "/call": {
            "post": {
                **_describe("call_operation", "Call an operation", "CallOutcome", (400, 404, 409, 413)),
                "parameters": [*place, *_KEY_PARAMETERS],
                "requestBody": {"required": True, "content": _as_json("Call")},
            },
        },
    }
    return paths, {**_SCHEMAS, **_describe_each()}


def _describe_each() -> dict[str, Any]:
    """A call and its output for each operation, and the schemas they share."""
    calls: dict[str, Any] = {}
    inputs: dict[str, Any] = {}
    outputs: dict[str, Any] = {}
    shared: dict[str, Any] = {}
    for integration in find_connectors():
        operations = list_operations(integration.slug)
        reference = f"#/components/schemas/Shape_{integration.slug}_{{name}}"
        found, parts = msgspec.json.schema_components(
            [operation.output for operation in operations.values()], ref_template=reference
        )
        shared |= {f"Shape_{integration.slug}_{name}": _name_by_key(part) for name, part in parts.items()}
        for operation, output in zip(operations.values(), found, strict=True):
            name = f"{integration.slug}_{operation.name}"
            outputs[f"Output_{name}"] = output
            inputs[f"Input_{name}"] = _name_by_key(describe_input(operation))
            calls[f"Call_{name}"] = {
                **_CALL,
                "description": operation.description,
                "properties": {
                    **_CALL["properties"],
                    "operation": {"type": "string", "const": operation.name},
                    "input": {"$ref": f"#/components/schemas/Input_{name}"},
                },
            }
    return {
        **calls,
        **inputs,
        **outputs,
        **shared,
        "Call": {"oneOf": _list_references(calls)},
        "CallOutcome": {"oneOf": _list_references(["CallSuccess", "CallFailure"])},
        "CallSuccess": _outcome("success", _list_references(outputs)),
        "CallFailure": _outcome("error", _list_references(["CallError"])),
        "CallError": _ERROR,
    }


def _name_by_key(schema: dict[str, Any]) -> dict[str, Any]:
    """Without the title, by which generators would name a type: several types may have the same."""
    return {name: part for name, part in schema.items() if name != "title"}


def _outcome(word: str, outputs: list[dict[str, Any]]) -> dict[str, Any]:
    return _object({"outcome": {"type": "string", "const": word}, "output": {"anyOf": outputs}})


def _list_references(schemas: Iterable[str]) -> list[dict[str, Any]]:
    return [{"$ref": f"#/components/schemas/{name}"} for name in schemas]


def _describe(id: str, summary: str, answer: str, refusals: tuple[int, ...] = ()) -> dict[str, Any]:
    return {
        "operationId": id,
        "tags": ["operations"],
        "summary": summary,
        "security": _KEYED,
        "responses": {
            "200": describe_response("The answer.", answer),
            **{str(status): _describe_refusal(status) for status in sorted((401, 403, 429, *refusals))},
        },
    }


def _describe_refusal(status: int) -> dict[str, Any]:
    return describe_response(_REFUSALS[status], "ConnectorsError", status=status)


def _as_json(schema: str) -> dict[str, Any]:
    return {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}}}


_REFUSALS: Mapping[int, str] = {
    400: "The body or the input does not fit; the message says where.",
    401: "The API key is missing or not valid.",
    403: "The key lacks the scope `operations`.",
    404: "There is no such integration, version, operation or connector.",
    409: "The idempotency key is in use.",
    413: "The body is too large.",
    429: "The calls of this minute are spent: of the connector, or for the lists of the organisation and environment.",
}


def _object(properties: Mapping[str, Any], *optional: str) -> dict[str, Any]:
    required = [name for name in properties if name not in optional]
    return {"type": "object", "required": required, "properties": dict(properties)}


_SCHEMAS: dict[str, Any] = {
    "ConnectorList": _object({
        "elements": {
            "type": "array",
            "items": _object({
                "name": _TEXT, "version": _TEXT, "title": _TEXT, "description": _TEXT,
                "service": _object({"id": _TEXT, "name": _TEXT, "version": {"type": "integer"}}),
            }),
        },
    }),
    "OperationList": _object({
        "elements": {
            "type": "array",
            "items": _object({
                "name": _TEXT, "title": _TEXT, "description": _TEXT, "hasDynamicOutput": {"type": "boolean"},
                "inputSchema": _OBJECT, "outputSchema": _OBJECT,
            }),
        },
    }),
    "ConnectorsError": _object({"message": _TEXT, "code": {"type": ["string", "null"]}}),
}  # fmt: skip

_CALL = _object(
    {
        "operation": _TEXT,
        "authId": {**_TEXT, "format": "uuid", "description": "The id of the connector to call through."},
        "input": _OBJECT,
        "returnOutputSchema": {"type": "boolean", "description": "Changes nothing."},
    },
    "returnOutputSchema",
)

_ERROR = {
    **_object({
        "response": {**_OBJECT, "description": "statusCode and body of the vendor's answer, where there is one."},
        "expects": {**_OBJECT, "description": "The status codes that would have been good."},
        "code": {**_TEXT, "description": "What kind of error it is."},
        "message": {**_TEXT, "description": "What happened, and what to do."},
    }),
    "description": "Of a write in several steps also what was made, what perhaps was, and what was not.",
}  # fmt: skip
