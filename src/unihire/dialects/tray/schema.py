"""The OpenAPI description of the connectors API."""

from collections.abc import Mapping
from typing import Any

from unihire.dialects.tray.connectors import KEY_HEADERS, PATH

_KEYED: list[dict[str, list[str]]] = [{"ApiKey": []}]
_TEXT = {"type": "string"}
_OBJECT = {"type": "object"}
_ONE = PATH + "/{name}/versions/{version}"

_PLACE = [
    {"name": name, "in": "path", "required": True, "schema": _TEXT, "description": meaning}
    for name, meaning in (("name", "The integration, as listed."), ("version", "Its version, as listed."))
]

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
    paths = {
        PATH: {
            "get": _describe("list_connectors", "Integrations that offer operations", "ConnectorList"),
        },
        _ONE + "/operations": {
            "get": {
                **_describe("list_operations", "The operations of an integration", "OperationList", (404,)),
                "parameters": _PLACE,
            },
        },
        _ONE + "/call": {
            "post": {
                **_describe("call_operation", "Call an operation", "CallOutcome", (400, 404, 409, 413)),
                "parameters": [*_PLACE, *_KEY_PARAMETERS],
                "requestBody": {"required": True, "content": _as_json("Call")},
            },
        },
    }
    return paths, _SCHEMAS


def _describe(id: str, summary: str, answer: str, refusals: tuple[int, ...] = ()) -> dict[str, Any]:
    return {
        "operationId": id,
        "tags": ["operations"],
        "summary": summary,
        "security": _KEYED,
        "responses": {
            "200": {"description": "The answer.", "content": _as_json(answer)},
            **{
                str(status): {"description": _REFUSALS[status], "content": _as_json("ConnectorsError")}
                for status in (401, *refusals)
            },
        },
    }


def _as_json(schema: str) -> dict[str, Any]:
    return {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}}}


_REFUSALS: Mapping[int, str] = {
    400: "The body or the input does not fit; the message says where.",
    401: "The API key is missing or not valid.",
    404: "There is no such integration, version, operation or connector.",
    409: "The idempotency key is in use.",
    413: "The body is too large.",
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
    "Call": _object(
        {
            "operation": {**_TEXT, "description": "Its name, as listed.", "examples": ["list_jobs"]},
            "authId": {**_TEXT, "description": "The id of the connector to call through."},
            "input": {"description": "What the operation's inputSchema says."},
            "returnOutputSchema": {"type": "boolean", "description": "Changes nothing."},
        },
        "returnOutputSchema",
    ),
    "CallOutcome": _object({
        "outcome": {**_TEXT, "enum": ["success", "error"]},
        "output": {
            **_OBJECT,
            "description": "What the operation's outputSchema says; of an error: response, expects, code and message.",
        },
    }),
    "ConnectorsError": _object({"message": _TEXT, "code": {"type": ["string", "null"]}}),
}  # fmt: skip
