"""Words of an OpenAPI document that all faces use."""

from collections.abc import Sequence
from typing import Any

Json = dict[str, Any]

TOKENED: list[Json] = [{"ApiKey": [], "ConnectorToken": []}]
"""What a call that reaches a connector carries."""

ID: Json = {"type": "string", "format": "uuid"}


def describe_cursor(pattern: str) -> Json:
    """The parameter of a list that says where to continue."""
    meaning = (
        "Where to continue: the `cursor` of the page before, with every other parameter unchanged. Empty: from the "
        "beginning. A text that this list did not issue is a 422."
    )
    return describe_param("cursor", meaning, schema={"type": "string", "pattern": pattern})


def describe_param(name: str, description: str, *, schema: Json | None = None, example: object = None) -> Json:
    """A parameter of the query; text unless a schema says otherwise."""
    param: Json = {"name": name, "in": "query", "schema": schema or {"type": "string"}, "description": description}
    return param if example is None else {**param, "example": example}


def refer(schemas: Sequence[str]) -> Json:
    """What is of one of these schemas."""
    each: list[Json] = [{"$ref": f"#/components/schemas/{schema}"} for schema in schemas]
    return each[0] if len(each) == 1 else {"anyOf": each}


def describe_responses(*schemas: str, found: bool) -> Json:
    """What a read answers: `schemas` name what is found, any of them; with `found`, there may be none."""
    responses = {"200": describe_response("Found.", *schemas), **describe_refusals()}
    if found:
        responses["404"] = describe_response("There is no such record on this connector.", "Error")
    return responses


def describe_refusals() -> Json:
    """How any call that names a connector is refused."""
    return {
        "401": describe_response(
            "The key or the token is missing, wrong or of another environment.", "Error", status=401
        ),
        "403": describe_response(
            "The key lacks the scope or is limited to other models, or the token is of another category.", "Error"
        ),
        "422": describe_response("A parameter is missing or has a value it cannot have.", "HTTPValidationError"),
        "429": describe_response("The connector's calls of this minute are spent.", "Error", status=429),
    }


def describe_response(description: str, *schemas: str, status: int = 200) -> Json:
    """An answer with the headers that all have, and those of its status."""
    headers = {
        "X-RateLimit-Limit": _header("Calls allowed in a minute.", "integer"),
        "X-RateLimit-Remaining": _header("Calls left in this minute.", "integer"),
        "X-RateLimit-Reset": _header("Unix second at which the minute ends.", "integer"),
    }
    if status == 401:
        headers["WWW-Authenticate"] = _header("The challenge.", "string")
    if status == 429:
        headers["Retry-After"] = _header("Seconds to wait.", "integer")
    return {
        "description": description,
        "content": {"application/json": {"schema": refer(schemas)}},
        "headers": headers,
    }


def _header(description: str, kind: str) -> Json:
    return {"description": description, "schema": {"type": kind}}
