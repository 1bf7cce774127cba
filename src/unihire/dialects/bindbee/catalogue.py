"""The catalogues: which systems can be connected, and which models there are.

Every organisation may connect every system, so what is listed is the same for all; a row's `id` is derived from the
organisation and the system.
"""

from collections.abc import Sequence
from typing import Annotated, Any, Literal
from uuid import NAMESPACE_URL, uuid5

import msgspec
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from unihire.dialects.bindbee.face import NATIVE
from unihire.dialects.common.admission import Reply, RequestGate, describe_problem
from unihire.dialects.common.category import CATEGORY
from unihire.dialects.common.cursors import CURSOR_PATTERN, read_cursor, write_cursor
from unihire.dialects.common.describing import ID, describe_cursor, describe_param, describe_refusals, describe_response
from unihire.dialects.common.lists import PAGE_SIZE, PAGE_SIZE_MOST
from unihire.errors import Invalid
from unihire.integration.declare import Integration
from unihire.integration.registry import list_integrations
from unihire.model import ModelSpec
from unihire.platform.access import Caller, Need

PATH = "/api/ats/v1/integrations"
LOOKUP_INTEGRATIONS = "/api/v1/lookup/integrations"
LOOKUP_MODELS = "/api/v1/lookup/models"
CATEGORIES = ("HRIS", "ATS", "LMS")
"""Those of the contract: of the others there is nothing here."""
_LIST = "integrations"


class CatalogueQuery(BaseModel):
    """What the paged catalogue may be asked for."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    page_size: Annotated[int, Field(ge=1, le=PAGE_SIZE_MOST)] = PAGE_SIZE
    cursor: str | None = None


class LookupQuery(BaseModel):
    """What a lookup may be asked for."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    category: Literal["HRIS", "ATS", "LMS"] | None = None


class Catalogue:
    """Answers the three calls."""

    def __init__(self, gate: RequestGate) -> None:
        self._gate = gate

    def list_routes(self) -> Sequence[Route]:
        return [
            Route(PATH, self._answer_list, methods=["GET"]),
            Route(LOOKUP_INTEGRATIONS, self._answer_integrations, methods=["GET"]),
            Route(LOOKUP_MODELS, self._answer_models, methods=["GET"]),
        ]

    async def _answer_list(self, request: Request) -> Response:
        async def read(caller: Caller) -> Reply:
            asked = self._gate.read_query(request, CatalogueQuery)
            after: int | None = 0
            if asked.cursor:
                after = read_cursor(caller.organisation, _LIST, asked.cursor)
                if after is None:
                    problem = describe_problem("query", "cursor", "this is not a cursor of this list", asked.cursor)
                    raise Invalid([problem])
            known = _list_known()[after or 0 :]
            shown = known[: asked.page_size]
            is_last = len(known) == len(shown)
            cursor = None if is_last else write_cursor(caller.organisation, _LIST, (after or 0) + len(shown))
            items = [describe_integration(caller, integration) for integration in shown]
            return Reply(msgspec.json.encode({"cursor": cursor, "page_size": len(items), "items": items}))

        return await self._gate.serve_caller(request, read, needs=Need.READ)

    async def _answer_integrations(self, request: Request) -> Response:
        async def read(caller: Caller) -> Reply:
            asked = self._gate.read_query(request, LookupQuery)
            found = [
                {"slug": integration.slug, "display_name": integration.name, "categories": [integration.category]}
                for integration in _list_known()
                if asked.category in (None, integration.category)
            ]
            return Reply(msgspec.json.encode({"integrations": found}))

        return await self._gate.serve_caller(request, read, needs=Need.READ)

    async def _answer_models(self, request: Request) -> Response:
        async def read(caller: Caller) -> Reply:
            asked = self._gate.read_query(request, LookupQuery)
            models = NATIVE.models if asked.category in (None, CATEGORY) else ()
            return Reply(msgspec.json.encode({"models": [describe_model(spec) for spec in models]}))

        return await self._gate.serve_caller(request, read, needs=Need.READ)


def _list_known() -> list[Integration]:
    return sorted(list_integrations(), key=lambda integration: integration.slug)


def describe_integration(caller: Caller, integration: Integration) -> dict[str, Any]:
    """A system as the contract shows it. We have no pictures of systems: `icon_url` is empty."""
    return {
        "id": str(uuid5(caller.organisation, f"{CATEGORY}:{integration.slug}")),
        "integration_id": str(uuid5(NAMESPACE_URL, integration.website)),
        "is_enabled": True,
        "integration_slug": integration.slug,
        "integration_type": "API",
        "category": integration.category,
        "display_name": integration.name,
        "icon_url": "",
        "description": None,
    }


def describe_model(spec: ModelSpec) -> dict[str, Any]:
    words = spec.name.replace("_", " ")
    return {"slug": spec.name, "display_name": words[:1].upper() + words[1:], "category": CATEGORY}


def describe_routes() -> tuple[dict[str, Any], dict[str, Any]]:
    """Their OpenAPI paths, and the schemas they refer to."""
    size = {"type": "integer", "minimum": 1, "maximum": PAGE_SIZE_MOST, "default": PAGE_SIZE}
    category = describe_param(
        "category", "Only those of this category.", schema={"type": "string", "enum": list(CATEGORIES)}
    )
    listing = _describe(
        "list_integrations", "List systems", "The systems that can be connected, in the order of their names here.",
        "IntegrationPage",
        [describe_param("page_size", "Most systems in a page.", schema=size), describe_cursor(CURSOR_PATTERN)],
    )  # fmt: skip
    integrations = _describe(
        "lookup_integrations", "Look up systems", "All of them, a row each.", "IntegrationLookup", [category]
    )
    models = _describe("lookup_models", "Look up models", "The models that are served.", "ModelLookup", [category])
    paths = {PATH: {"get": listing}, LOOKUP_INTEGRATIONS: {"get": integrations}, LOOKUP_MODELS: {"get": models}}
    return paths, _SCHEMAS


def _describe(id: str, summary: str, description: str, schema: str, params: list[dict[str, Any]]) -> dict[str, Any]:
    refusals = describe_refusals()
    refusals["403"] = describe_response("The key lacks the scope.", "Error")
    return {
        "operationId": id,
        "tags": ["connector"],
        "summary": summary,
        "description": description,
        "security": [{"ApiKey": []}],
        "parameters": params,
        "responses": {"200": describe_response("Found.", schema), **refusals},
    }


def _object(properties: dict[str, Any], description: str) -> dict[str, Any]:
    return {"type": "object", "description": description, "required": list(properties), "properties": properties}


def _text(description: str) -> dict[str, Any]:
    return {"type": "string", "description": description}


_SLUG = _text("Its name here.")
_CATEGORY = {"type": "string", "enum": [CATEGORY], "description": "What kind of system it is."}
_ROW = {
    "id": {**ID, "description": "Of the organisation's row."},
    "integration_id": {**ID, "description": "Of the system: the same for all organisations."},
    "is_enabled": {"type": "boolean", "description": "True."},
    "integration_slug": _SLUG,
    "integration_type": _text("How it is read: API."),
    "category": _CATEGORY,
    "display_name": _text("Its name."),
    "icon_url": _text("Empty: there are no pictures of systems here."),
    "description": {"type": ["string", "null"], "description": "Null."},
}

_SCHEMAS: dict[str, Any] = {
    "IntegrationRow": _object(_ROW, "A system that can be connected."),
    "IntegrationPage": _object(
        {
            "cursor": {"type": ["string", "null"], "description": "Where to continue; null on the last page."},
            "page_size": {"type": "integer", "description": "How many systems this page has."},
            "items": {"type": "array", "items": {"$ref": "#/components/schemas/IntegrationRow"}},
        },
        "A page of systems.",
    ),
    "IntegrationLookup": _object(
        {
            "integrations": {
                "type": "array",
                "items": _object(
                    {
                        "slug": _SLUG,
                        "display_name": _text("Its name."),
                        "categories": {"type": "array", "items": _CATEGORY},
                    },
                    "A system.",
                ),
            }
        },
        "The systems that can be connected.",
    ),
    "ModelLookup": _object(
        {
            "models": {
                "type": "array",
                "items": _object(
                    {"slug": _SLUG, "display_name": _text("Its name in words."), "category": _CATEGORY}, "A model."
                ),
            }
        },
        "The models that are served.",
    ),
}
