"""The OpenAPI description of webhooks: the calls, and the bodies they take."""

from collections.abc import Sequence
from typing import Any

import msgspec

from unihire.dialects.common.admission import MOST_BYTES
from unihire.dialects.common.describing import ID, describe_cursor, describe_param, describe_refusals, describe_response
from unihire.dialects.unihire.endpoints import (
    DURATION_PATTERN,
    PAGE_SIZE,
    PAGE_SIZE_MOST,
    PATH,
    CreateBody,
    NewSecret,
    NewWebhook,
    TestResult,
)
from unihire.dialects.unihire.list_pages import describe_page
from unihire.dialects.unihire.webhook_view import Webhook
from unihire.events.deliveries.forms import DeliveryForm, DeliveryForms
from unihire.events.endpoints import (
    ADDRESS_LENGTH,
    DESCRIPTION_LENGTH,
    LONGEST_OVERLAP,
    MOST_CONNECTORS,
    NAME_LENGTH,
)
from unihire.kit.durations import write_duration
from unihire.model import MODELS
from unihire.store.events.endpoints import MOST_ENDPOINTS

KEYED: list[dict[str, Any]] = [{"ApiKey": []}]
"""The security of a call that names no connector."""


def describe_routes(forms: DeliveryForms) -> tuple[dict[str, Any], dict[str, Any]]:
    """Their OpenAPI paths, and the schemas they refer to."""
    one = PATH + "/{id}"
    listing = describe_call(
        "list_webhooks", "List webhooks",
        "Those of the key's organisation and environment, in the order of their creation; the last page is the one "
        "whose `cursor` is null.",
        {"200": describe_response("Found.", "WebhookPage")},
        params=[
            describe_param("is_active", "Only those that are, or are not, enabled.", schema={"type": "boolean"}),
            describe_param(
                "page_size", "Most webhooks in a page.",
                schema={"type": "integer", "minimum": 1, "maximum": PAGE_SIZE_MOST, "default": PAGE_SIZE},
            ),
            describe_cursor("^[A-Za-z0-9_-]*$"),
        ],
    )  # fmt: skip
    create = describe_call(
        "create_webhook", "Create a webhook",
        "It is sent what happens from the response on, in the environment of the key. The secret is shown only here.",
        {
            "201": describe_response("Created.", "NewWebhook"),
            "409": describe_response(f"The environment has {MOST_ENDPOINTS:,} webhooks already.", "Error"),
        },
        body=_describe_create(forms),
    )  # fmt: skip
    get = describe_call(
        "get_webhook", "One webhook", "", {"200": describe_response("Found.", "Webhook")}, has_id=True,
    )  # fmt: skip
    change = describe_call(
        "change_webhook", "Change a webhook",
        "What is left out stays. With `is_enabled` false nothing is sent until it is true again; then it continues "
        "where it stopped, as far back as events are stored.",
        {"200": describe_response("As it is now.", "Webhook")},
        body=_describe_change(forms), has_id=True,
    )  # fmt: skip
    delete = describe_call(
        "delete_webhook", "Remove a webhook", "With its refused messages; the log of its deliveries expires.",
        {"204": {"description": "Removed."}}, has_id=True,
    )  # fmt: skip
    rotate = describe_call(
        "rotate_webhook_secret", "Replace the secret",
        "In the format standard the earlier secrets sign as well for `old_valid_for`: a message has a signature of "
        "each. In the format bindbee there is one signature, and the new secret makes it at once.",
        {"200": describe_response("The new secret.", "NewSecret")}, body=_describe_rotation(forms), has_id=True,
    )  # fmt: skip
    test = describe_call(
        "test_webhook", "Send a test message",
        "At once and only once, also to a webhook that is not enabled; the response has the outcome.",
        {"200": describe_response("Sent, or not: see the body.", "TestResult")}, has_id=True,
    )  # fmt: skip
    _, schemas = msgspec.json.schema_components(
        [Webhook, NewWebhook, NewSecret, TestResult], ref_template="#/components/schemas/{name}"
    )
    paths = {
        PATH: {"get": listing, "post": create},
        one: {"get": get, "patch": change, "delete": delete},
        f"{one}/secret": {"post": rotate},
        f"{one}/test": {"post": test},
    }
    return paths, {**schemas, "WebhookPage": describe_page("Webhook")}


def describe_call(
    operation_id: str,
    summary: str,
    description: str,
    responses: dict[str, Any],
    *,
    params: list[dict[str, Any]] | None = None,
    body: dict[str, Any] | None = None,
    has_id: bool = False,
    tag: str = "webhooks",
    thing: str = "webhook",
    id_name: str = "id",
) -> dict[str, Any]:
    """A call that carries a key and no token; `has_id`: the id of the thing it is about is in its path."""
    refusals = describe_refusals()
    refusals["403"] = describe_response("The key lacks the scope.", "Error")
    if has_id:
        refusals["404"] = describe_response(f"The environment has no such {thing}.", "Error")
    if body is not None:
        refusals["413"] = describe_response(f"The body is larger than {MOST_BYTES // 1024} KiB.", "Error")
    id = {"name": id_name, "in": "path", "required": True, "schema": ID, "description": f"The {thing}'s id."}
    found = {
        "operationId": operation_id,
        "tags": [tag],
        "summary": summary,
        "security": KEYED,
        "parameters": [*([id] if has_id else []), *(params or [])],
        "responses": {**responses, **refusals},
    }
    if description:
        found["description"] = description
    if body is not None:
        is_needed = "anyOf" in body or "required" in body
        found["requestBody"] = {"required": is_needed, "content": {"application/json": {"schema": body}}}
    return found


def _describe_members(events: Sequence[str]) -> dict[str, Any]:
    """The members of an endpoint; `events` are those it may be sent."""
    text = {"type": "string", "pattern": r"^[^\u0000]*$"}
    ids = {"type": "array", "items": ID, "minItems": 1, "maxItems": MOST_CONNECTORS}
    return {
        "url": {
            "type": "string",
            "pattern": "^https?://",
            "maxLength": ADDRESS_LENGTH,
            "description": "Where messages are posted: http(s)://host[:port][/path][?query]. It may lead to the public "
            "internet, and to networks that the operator allows.",
        },
        "name": {**text, "maxLength": NAME_LENGTH, "description": "What you call it."},
        "description": {**text, "maxLength": DESCRIPTION_LENGTH, "description": "What it is for."},
        "events": _nullable(
            {"type": "array", "items": {"type": "string", "enum": list(events)}, "minItems": 1},
            "Which events of its format it is sent; null: all.",
        ),
        "models": _nullable(
            {"type": "array", "items": {"type": "string", "enum": list(MODELS)}, "minItems": 1},
            "The models whose changes it is sent; null: all.",
        ),
        "connector_ids": _nullable(ids, "The connectors whose events it is sent; null: all, later ones too."),
        "include_record": {
            "type": "boolean",
            "description": "Whether messages include the records; in the format standard only.",
        },
        "is_enabled": {"type": "boolean", "description": "Whether anything is sent."},
    }


def _describe_change(forms: DeliveryForms) -> dict[str, Any]:
    events = [event for form in forms.values() for event in form.events]
    return {"type": "object", "additionalProperties": False, "properties": _describe_members(events)}


def _describe_create(forms: DeliveryForms) -> dict[str, Any]:
    return {"anyOf": [_describe_create_in(form) for form in forms.values()]}


def _describe_create_in(form: DeliveryForm) -> dict[str, Any]:
    """The body in one form; a body that names no format is of the first."""
    is_default = form.name == CreateBody.model_fields["format"].default
    members = _describe_members(form.events)
    if not form.has_records:
        members["include_record"] = {"const": False}
    meaning = "The form of messages: Standard Webhooks, or Bindbee's own events."
    format = {"const": form.name, "description": meaning, **({"default": form.name} if is_default else {})}
    return {
        "type": "object",
        "title": form.name,
        "additionalProperties": False,
        "required": ["url"] if is_default else ["url", "format"],
        "properties": {**members, "format": format, "secret": _describe_secret([form])},
    }


def _describe_secret(forms: Sequence[DeliveryForm]) -> dict[str, Any]:
    chosen = [{"type": "string", "pattern": form.secret_pattern} for form in forms]
    return {
        "anyOf": [*chosen, {"type": "null"}],
        "description": "The secret, if you choose it; otherwise a random one.",
    }


def _nullable(schema: dict[str, Any], description: str) -> dict[str, Any]:
    return {"anyOf": [schema, {"type": "null"}], "description": description}


def _describe_rotation(forms: DeliveryForms) -> dict[str, Any]:
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "old_valid_for": {
                "type": "string",
                "pattern": DURATION_PATTERN,
                "default": "1d",
                "description": f"How long the earlier secrets sign as well: 0 to {write_duration(LONGEST_OVERLAP)}.",
                "examples": ["0", "1h", "1d"],
            },
            "secret": _describe_secret(list(forms.values())),
        },
    }
