"""The OpenAPI description of the log of webhooks, of refused messages and of replays."""

from typing import Any

import msgspec

from unihire.dialects.common.describing import ID, describe_cursor, describe_param, describe_response
from unihire.dialects.common.lists import PAGE_SIZE, PAGE_SIZE_MOST
from unihire.dialects.unihire.delivery_log import (
    LOG_PAGE_SIZE,
    LOG_PAGE_SIZE_MOST,
    LOGS_PATH,
    MOST_LOGS,
    RefusedMessage,
    ReplayResult,
    WebhookLog,
    WebhookLogDetail,
)
from unihire.dialects.unihire.endpoint_schema import describe_call
from unihire.dialects.unihire.endpoints import PATH
from unihire.dialects.unihire.list_pages import describe_page
from unihire.events.deliveries.replaying import REFUSED_AT_ONCE
from unihire.store.events.replays import MOST_REPLAYS

CURSOR_PATTERN = "^[A-Za-z0-9_-]*$"
_MOMENT = {"type": "string", "format": "date-time"}


def describe_routes() -> tuple[dict[str, Any], dict[str, Any]]:
    """Their OpenAPI paths, and the schemas they refer to."""
    logs = describe_call(
        "list_webhook_logs", "List attempts to deliver",
        "Latest first. A page may be short although the list continues: the last page is the one whose `cursor` is "
        "null.",
        {"200": describe_response("Found.", "WebhookLogPage")}, params=_describe_params(),
    )  # fmt: skip
    log = describe_call(
        "get_webhook_log", "One attempt, with request and response",
        "Both are cut. Signatures are left out, and of the response's headers all that may contain secrets.",
        {
            "200": describe_response("Found.", "WebhookLogDetail"),
            "404": describe_response("The environment's log has no such attempt.", "Error"),
        },
        params=[{"name": "id", "in": "path", "required": True, "schema": ID, "description": "The attempt's id."}],
    )  # fmt: skip
    refused = describe_call(
        "list_refused_messages", "Messages that a webhook refused",
        "Passed over after 35 minutes of responses with a client error (4xx), so that later ones are sent; the oldest "
        "first.",
        {"200": describe_response("Found.", "RefusedMessagePage")},
        params=[
            describe_param(
                "page_size", "Most messages in a page.",
                schema={"type": "integer", "minimum": 1, "maximum": PAGE_SIZE_MOST, "default": PAGE_SIZE},
            ),
            describe_cursor(CURSOR_PATTERN),
        ],
        has_id=True,
    )  # fmt: skip
    replay = describe_call(
        "replay_webhook", "Send again",
        "With the ids that the messages had, concurrently with new ones: the messages of attempts in the log, "
        f"those that were refused (the oldest {REFUSED_AT_ONCE}), or all since a given time.",
        {
            "202": describe_response("It will be sent again.", "ReplayResult"),
            "409": describe_response(f"{MOST_REPLAYS:,} replays of the webhook are under way.", "Error"),
        },
        body=_REPLAY, has_id=True,
    )  # fmt: skip
    _, schemas = msgspec.json.schema_components(
        [WebhookLog, WebhookLogDetail, RefusedMessage, ReplayResult], ref_template="#/components/schemas/{name}"
    )
    paths = {
        LOGS_PATH: {"get": logs},
        f"{LOGS_PATH}/{{id}}": {"get": log},
        f"{PATH}/{{id}}/refused": {"get": refused},
        f"{PATH}/{{id}}/replay": {"post": replay},
    }
    pages = {"WebhookLogPage": describe_page("WebhookLog"), "RefusedMessagePage": describe_page("RefusedMessage")}
    return paths, {**schemas, **pages}


def _describe_params() -> list[dict[str, Any]]:
    return [
        describe_param(
            "page_size", "Most attempts in a page.",
            schema={"type": "integer", "minimum": 1, "maximum": LOG_PAGE_SIZE_MOST, "default": LOG_PAGE_SIZE},
        ),
        describe_cursor(CURSOR_PATTERN),
        describe_param("webhook_id", "Only of this webhook.", schema=ID),
        describe_param("connector_id", "Only about this connector.", schema=ID),
        describe_param("webhook_action", "Only of these events, comma-separated.", example="record.created"),
        describe_param(
            "response_code", "Only with these statuses, comma-separated.",
            schema={"type": "string", "pattern": "^ *([0-9]{3} *(, *|$))*$"}, example="200,503",
        ),
        describe_param("created_at_from", "Only from this moment on; UTC where it names no offset.", schema=_MOMENT),
        describe_param("created_at_to", "Only up to this moment; UTC where it names no offset.", schema=_MOMENT),
        describe_param(
            "errors_only", "Only those without a response, or with a status from 400 on.",
            schema={"type": "boolean", "default": False},
        ),
    ]  # fmt: skip


def _describe_one_of(**members: dict[str, Any]) -> dict[str, Any]:
    """An object that has the first of these members, and may have the others."""
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": members,
        "required": [next(iter(members))],
    }


_REPLAY = {
    "anyOf": [
        _describe_one_of(
            log_ids={
                "type": "array",
                "items": ID,
                "minItems": 1,
                "maxItems": MOST_LOGS,
                "description": "The messages of these attempts, each once.",
            }
        ),
        _describe_one_of(refused={"const": True, "description": "The oldest messages that were refused."}),
        _describe_one_of(
            since={**_MOMENT, "description": "Events since this time; UTC if it has no offset."},
            until={**_MOMENT, "description": "And before this one."},
            connector_ids={"type": "array", "items": ID, "minItems": 1, "description": "And to these connectors."},
        ),
    ]
}
