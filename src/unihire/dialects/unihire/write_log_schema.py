"""The OpenAPI description of the log of writes."""

from unihire.dialects.common.admission import MOST_BYTES
from unihire.dialects.common.describing import (
    ID,
    TOKENED,
    Json,
    describe_cursor,
    describe_param,
    describe_refusals,
    describe_response,
    describe_responses,
)
from unihire.dialects.common.write_words import ENDED, OPEN, STEPS, VENDOR_RESPONSE
from unihire.dialects.unihire.list_pages import describe_page
from unihire.dialects.unihire.write_log import PAGE_SIZE_MOST, PATH, WritesQuery
from unihire.kit.text import ID_LENGTH
from unihire.model import INPUTS, MODELS

_HEX = "[0-9A-Fa-f]"
_CURSOR = f"^({_HEX}{{8}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{12}})?$"
_OUTCOMES = {"type": "string", "enum": [*OPEN, *ENDED]}
_VERBS = list(dict.fromkeys(verb for _, verb in INPUTS))


def describe_routes() -> tuple[Json, Json]:
    """Their OpenAPI paths, and the schemas they refer to."""
    size = {
        "type": "integer", "minimum": 1, "maximum": PAGE_SIZE_MOST,
        "default": WritesQuery.model_fields["page_size"].default,
    }  # fmt: skip
    listing = {
        "operationId": "list_writes",
        "summary": "List writes",
        "description": "Of the connector, the latest first; the last page is the one whose `cursor` is null. What the "
        "vendor answered is shown of one.",
        "parameters": [
            describe_param("page_size", "Most writes in a page.", schema=size),
            describe_cursor(_CURSOR),
            describe_param(
                "outcome", "Only those that ended so, or are there. One whose process died has the status `running`.",
                schema=_OUTCOMES,
            ),
        ],
        "responses": describe_responses("WritePage", found=False),
    }  # fmt: skip
    id = {"name": "id", "in": "path", "required": True, "schema": ID, "description": "The write's id."}
    one = {
        "operationId": "get_write",
        "summary": "One write, with its steps",
        "description": "With what the caller was answered and the vendor said, and what was sent where that is stored.",
        "parameters": [id],
        "responses": describe_responses("WriteDetail", found=True),
    }
    missing = {"404": describe_response("There is no such write on this connector.", "Error")}
    resolve = {
        "operationId": "resolve_write",
        "summary": "Settle a write that was perhaps made",
        "description": "Without a body it is looked at the vendor once more, and nothing is written. With `outcome` it "
        "is noted how the write ended, as somebody says who looked.",
        "parameters": [id],
        "requestBody": {"required": False, "content": {"application/json": {"schema": _SETTLEMENT}}},
        "responses": {
            "200": describe_response("The write as it is now.", "WriteDetail"),
            **describe_refusals(),
            **missing,
            "409": describe_response(
                "There is nothing to settle: it is over or under way, or what was sent is not known any more.", "Error"
            ),
            "413": describe_response(f"The body is larger than {MOST_BYTES // 1024} KiB.", "Error"),
            "501": describe_response("The vendor cannot do this; the text says why.", "Error", status=501),
            "502": describe_response("It still cannot be known.", "WriteError", status=502),
            "503": describe_response("The vendor cannot be asked now.", "WriteError", status=503),
        },
    }
    paths = {
        PATH: {"get": _finish(listing)},
        f"{PATH}/{{id}}": {"get": _finish(one)},
        f"{PATH}/{{id}}/resolve": {"post": _finish(resolve)},
    }
    return paths, {
        "WriteSummary": _describe_object(_SUMMARY, "A write, and how it ended."),
        "WriteDetail": _describe_object({**_SUMMARY, **_DETAIL}, "A write with its steps."),
        "WritePage": describe_page("WriteSummary"),
    }


def _finish(operation: Json) -> Json:
    return {"tags": ["writes"], "security": TOKENED, **operation}


def _describe_object(properties: Json, description: str) -> Json:
    return {"type": "object", "description": description, "required": list(properties), "properties": properties}


def _describe_text(description: str) -> Json:
    return {"type": ["string", "null"], "description": description}


def _describe_id(description: str) -> Json:
    return {"type": ["string", "null"], "format": "uuid", "description": description}


def _describe_moment(description: str, *, is_null: bool) -> Json:
    return {"type": ["string", "null"] if is_null else "string", "format": "date-time", "description": description}


_SUMMARY: Json = {
    "id": ID,
    "model": {"type": ["string", "null"], "enum": [*MODELS, None], "description": "What is written."},
    "verb": {"type": "string", "enum": _VERBS, "description": "What is done to it."},
    "outcome": {**_OUTCOMES, "description": "How it ended, or where it is."},
    "record": _describe_id("The record that was written."),
    "target": _describe_id("The record that was to be changed."),
    "asked_by": _describe_id("The API key."),
    "acting_user": _describe_text("The vendor's id of the user who acts."),
    "idempotency_key": _describe_text("The caller's key."),
    "message": _describe_text("Why it was not done."),
    "asked_at": _describe_moment("When it was asked for.", is_null=False),
    "ended_at": _describe_moment("When it was over.", is_null=True),
}

_DETAIL: Json = {
    "steps": {**STEPS, "description": "The calls that the write is made of; empty before it is answered."},
    "answer": {"type": ["object", "null"], "description": "What the caller was answered, where it was done."},
    "vendor_response": VENDOR_RESPONSE,
    "refusal": _describe_text("What the vendor said to a write that it refused."),
    "body": {"description": "What was sent, while it waits; after that where the operator has it stored; else null."},
}

_SETTLEMENT: Json = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "outcome": {
            "type": ["string", "null"],
            "enum": ["done", "not_made", None],
            "description": "How it ended. Without it, it is looked at the vendor.",
        },
        "remote_id": {
            "type": ["string", "null"],
            "minLength": 1,
            "maxLength": ID_LENGTH,
            "description": "The vendor's id of what was made, with the outcome done.",
        },
    },
}
