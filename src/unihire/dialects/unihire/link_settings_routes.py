"""How links look and who may frame them, of the key's organisation and environment.

Calls are checked as every call is that names no connector: API key (401), rate (429), body (413, 422).
"""

from collections.abc import Sequence
from typing import Annotated, Any, NoReturn

import msgspec
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from unihire.dialects.common.admission import Reply, RequestGate, describe_problem, read_body, read_bytes
from unihire.dialects.common.describing import describe_refusals, describe_response
from unihire.errors import AddressRefused, ConfigError, Conflict, Invalid
from unihire.outbound.addresses import AddressPolicy
from unihire.platform.access import Caller, Need
from unihire.platform.linking.link_rules import (
    LANGUAGES,
    LOGO_BYTES,
    LOGO_TYPES,
    LONGEST_NAME,
    MOST_ORIGINS,
    WantedSettings,
    fetch_logo,
    find_setting_faults,
    save_logo,
    save_settings,
)
from unihire.store import Pool
from unihire.store.accounts.link_settings import get_settings, list_link_integrations

PATH = "/api/v1/link-settings"
LOGO_PATH = f"{PATH}/logo"


_WEB = "^https?://"


class SettingsBody(BaseModel):
    """All settings; one that is left out, or null, is as if nothing had been said."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str | None = None
    colour: str | None = None
    language: str | None = None
    origins: Annotated[list[Annotated[str, Field(max_length=300)]], Field(max_length=1000)] = []


class LogoBody(BaseModel):
    """Where the logo is fetched, once."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: Annotated[str, Field(pattern=_WEB, max_length=2000)]


class LinkSettingsRoutes:
    """Answers the calls. `policy` says where the address of a logo may lead."""

    def __init__(self, pool: Pool, gate: RequestGate, policy: AddressPolicy) -> None:
        self._pool = pool
        self._gate = gate
        self._policy = policy

    def list_routes(self) -> Sequence[Route]:
        return [
            Route(PATH, self._answer_get, methods=["GET"]),
            Route(PATH, self._answer_put, methods=["PUT"]),
            Route(LOGO_PATH, self._answer_logo, methods=["PUT"]),
            Route(LOGO_PATH, self._answer_no_logo, methods=["DELETE"]),
        ]

    async def _answer_get(self, request: Request) -> Response:
        return await self._gate.serve_caller(request, self._show, needs=Need.READ)

    async def _show(self, caller: Caller) -> Reply:
        found = await get_settings(self._pool, caller.organisation, caller.environment)
        said = await list_link_integrations(self._pool, caller.organisation, caller.environment)
        shown = {
            "name": found.name,
            "colour": found.colour,
            "language": found.language,
            "origins": list(found.origins),
            "logo_type": found.logo_type,
            "integrations": [
                {"integration": one.integration, "base_url": one.base_url, "has_partner": one.partner is not None}
                for one in said.values()
            ],
        }
        return Reply(msgspec.json.encode(shown))

    async def _answer_put(self, request: Request) -> Response:
        async def put(caller: Caller) -> Reply:
            asked = await read_body(request, SettingsBody)
            wanted = WantedSettings(asked.name, asked.colour, asked.language, tuple(asked.origins))
            if faults := find_setting_faults(wanted):
                raise Invalid(
                    [describe_problem("body", name, fault, getattr(asked, name)) for name, fault in faults.items()]
                )
            await save_settings(self._pool, caller.organisation, caller.environment, wanted)
            return await self._show(caller)

        return await self._gate.serve_caller(request, put, needs=Need.MANAGE)

    async def _answer_logo(self, request: Request) -> Response:
        async def put(caller: Caller) -> Reply:
            kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
            try:
                if kind in LOGO_TYPES:
                    content = await read_bytes(request, LOGO_BYTES)
                else:
                    content = await self._fetch_logo((await read_body(request, LogoBody)).url)
                await save_logo(self._pool, caller.organisation, caller.environment, content)
            except ConfigError as error:
                _refuse_logo(error)
            return await self._show(caller)

        return await self._gate.serve_caller(request, put, needs=Need.MANAGE)

    async def _fetch_logo(self, url: str) -> bytes:
        """Raises AddressRefused, and Conflict where the address does not give it now."""
        try:
            return await fetch_logo(self._policy, url)
        except AddressRefused:
            raise
        except ConfigError as error:
            raise Conflict(str(error)) from None

    async def _answer_no_logo(self, request: Request) -> Response:
        async def remove(caller: Caller) -> Reply:
            await save_logo(self._pool, caller.organisation, caller.environment, None)
            return await self._show(caller)

        return await self._gate.serve_caller(request, remove, needs=Need.MANAGE)


def _refuse_logo(error: ConfigError) -> NoReturn:
    raise Invalid([describe_problem("body", "url", str(error), None)]) from None


def describe_routes() -> tuple[dict[str, Any], dict[str, Any]]:
    """Their OpenAPI paths, and the schemas they refer to."""
    refusals = describe_refusals()
    refusals["403"] = describe_response("The key lacks the scope.", "Error")
    shown = {"200": describe_response("The settings as they are now.", "LinkSettings"), **refusals}
    whole = {**shown, "413": describe_response("The body is too large.", "Error")}
    common = {"tags": ["link"], "security": [{"ApiKey": []}]}

    def body(schema: str, **others: Any) -> dict[str, Any]:
        content = {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}}, **others}
        return {"required": True, "content": content}

    return {
        PATH: {
            "get": {**common, "operationId": "get_link_settings", "summary": "Read how links look", "responses": shown},
            "put": {
                **common,
                "operationId": "set_link_settings",
                "summary": "Say how links look",
                "description": "All settings but the logo are replaced. `base_url` and the credentials as a partner "
                "are the operator's: `unihire links` sets them.",
                "requestBody": body("LinkSettingsBody"),
                "responses": whole,
            },
        },
        LOGO_PATH: {
            "put": {
                **common,
                "operationId": "set_link_logo",
                "summary": "Set the logo",
                "description": f"The image itself, {LOGO_BYTES // 1024 // 1024} MiB at most, or an address that it is "
                "fetched from once.",
                "requestBody": body(
                    "LinkLogoBody",
                    **{kind: {"schema": {"type": "string", "format": "binary"}} for kind in LOGO_TYPES},
                ),
                "responses": {**whole, "409": describe_response("The address does not give it now.", "Error")},
            },
            "delete": {
                **common,
                "operationId": "remove_link_logo",
                "summary": "Remove the logo",
                "responses": shown,
            },
        },
    }, _SCHEMAS


_BODY: dict[str, Any] = {
    "name": {
        "type": ["string", "null"],
        "maxLength": LONGEST_NAME,
        "pattern": r"^[^\u0000-\u001f\u007f-\u009f]*[^\u0000-\u0020\u007f-\u00a0][^\u0000-\u001f\u007f-\u009f]*$",
        "description": "Who asks the customer to connect; null: the organisation's name.",
    },
    "colour": {
        "type": ["string", "null"],
        "pattern": "^#[0-9a-fA-F]{6}$",
        "description": "The colour of what is pressed, as #rrggbb.",
    },
    "language": {
        "type": ["string", "null"],
        "enum": [*LANGUAGES, None],
        "description": "The language where the customer's browser asks for none that there is.",
    },
    "origins": {
        "type": "array",
        "maxItems": MOST_ORIGINS,
        "items": {"type": "string", "pattern": r"^https://[a-z0-9]{1,63}(\.[a-z0-9]{1,63}){1,3}(:[1-9][0-9]{3})?$"},
        "description": "Origins that may frame the page and are sent its messages: https://host[:port], or http of a "
        "loopback address.",
    },
}

_SCHEMAS: dict[str, Any] = {
    "LinkSettingsBody": {
        "type": "object",
        "description": "How links look.",
        "properties": _BODY,
        "additionalProperties": False,
    },
    "LinkLogoBody": {
        "type": "object",
        "required": ["url"],
        "properties": {
            "url": {
                "type": "string",
                "pattern": _WEB,
                "maxLength": 2000,
                "description": "Where the logo is.",
            }
        },
        "additionalProperties": False,
    },
    "LinkSettings": {
        "type": "object",
        "description": "How links look, and where integrations are asked.",
        "required": [*_BODY, "logo_type", "integrations"],
        "properties": {
            **_BODY,
            "logo_type": {"type": ["string", "null"], "description": "The type of the logo; null where there is none."},
            "integrations": {
                "type": "array",
                "description": "What the operator said of integrations.",
                "items": {
                    "type": "object",
                    "required": ["integration", "base_url", "has_partner"],
                    "properties": {
                        "integration": {"type": "string", "description": "The slug."},
                        "base_url": {
                            "type": ["string", "null"],
                            "description": "Where new links are asked; null: at the vendor's own address.",
                        },
                        "has_partner": {"type": "boolean", "description": "Whether links offer consent."},
                    },
                },
            },
        },
    },
}
