"""List connectors, list a connector's operations, call one.

A connector here is an integration that offers operations; the `authId` of a call is the id of a customer's connector to
it. A request is checked in this order, and the first fault is answered: API key (401), its scope `operations` (403),
name and version (404), body (400), authId (400, 404), rate (429), operation (404), input (400), idempotency key (409).
What the vendor says, be it a refusal, is a 200 with an `outcome`.

A call counts against the connector's rate, together with its reads over the other faces; the two lists against that of
the key's organisation and environment.
"""

from collections.abc import Sequence
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from unihire.dialects.common.admission import Reply, RequestGate, read_bytes
from unihire.dialects.common.telemetry import name_fault
from unihire.errors import ApiError, BadRequest, NotFound
from unihire.integration.declare import Integration
from unihire.integration.operate import Operation, describe_type
from unihire.integration.registry import list_integrations, list_operations
from unihire.kit.nesting import NestedTooDeeply, decode_bounded, has_many_values
from unihire.platform.access import EVERY_MODEL, Caller, Need
from unihire.platform.inputs import describe_input
from unihire.platform.operations import Operations, write_json
from unihire.store import Pool
from unihire.store.accounts.tenancy import Connector, get_connector

VERSION = "1.0"
PATH = "/core/v1/connectors"
MOST_BYTES = 32 * 1024 * 1024
"""Of a call's body: files travel in it."""
MOST_VALUES = 1_000_000
"""Of a call's body; of more it is not looked at what they are."""

KEY_HEADERS = ("idempotency-key", "x-idempotency-key")
REPLAYED = "Idempotency-Replayed"

INPUT_DIALECT = "https://api.tray.io/core/v1/connectors/operations/input-schema#"
OUTPUT_DIALECT = "https://api.tray.io/core/v1/connectors/operations/output-schema#"


class CallBody(msgspec.Struct, rename="camel"):
    """The body of a call. `returnOutputSchema` changes nothing: no operation's output depends on its input."""

    operation: str
    input: Any
    auth_id: str | None = None
    return_output_schema: bool = False


def write_message(error: ApiError) -> dict[str, Any]:
    """An error as this face writes it."""
    return write_text(error.detail)


def write_text(detail: object) -> dict[str, Any]:
    """The same of what is known of it in words alone."""
    return {"message": detail, "code": None}


class Connectors:
    """Answers the three calls. The errors of `gate` are written by `write_message`."""

    def __init__(self, pool: Pool, gate: RequestGate, operations: Operations) -> None:
        self._pool = pool
        self._gate = gate
        self._operations = operations

    def list_routes(self) -> Sequence[Route]:
        one = PATH + "/{name}/versions/{version}"
        return [
            Route(PATH, self._list, methods=["GET"]),
            Route(one + "/operations", self._describe, methods=["GET"]),
            Route(one + "/call", self._answer_call, methods=["POST"]),
        ]

    async def _list(self, request: Request) -> Response:
        async def work(caller: Caller) -> Reply:
            return _write_elements([describe_connector(integration) for integration in find_connectors()])

        return await self._gate.serve_caller(request, work, needs=Need.OPERATIONS, model=EVERY_MODEL)

    async def _describe(self, request: Request) -> Response:
        async def work(caller: Caller) -> Reply:
            operations = list_operations(_find_connector(request).slug).values()
            return _write_elements([describe_operation(operation) for operation in operations])

        return await self._gate.serve_caller(request, work, needs=Need.OPERATIONS, model=EVERY_MODEL)

    async def _answer_call(self, request: Request) -> Response:
        async def admit(caller: Caller) -> tuple[object, tuple[Connector, CallBody]]:
            integration = _find_connector(request)
            call = await _read_call(request)
            connector = await self._find_link(caller, integration, call.auth_id)
            return connector.number, (connector, call)

        async def work(admitted: tuple[Connector, CallBody]) -> Reply:
            connector, call = admitted
            key = next((key for name in KEY_HEADERS if (key := request.headers.get(name))), None)
            outcome = await self._operations.call(connector, call.operation, call.input, idempotency_key=key)
            if outcome.is_fault:
                fault = {"message": name_fault(outcome.output["message"]), "code": "internal_error"}
                return Reply(msgspec.json.encode(fault), 500)
            body = {"outcome": "success" if outcome.is_success else "error", "output": outcome.output}
            return Reply(write_json(body), headers={REPLAYED: "true"} if outcome.is_repeat else {})

        return await self._gate.serve(request, admit, work, needs=Need.OPERATIONS, model=EVERY_MODEL)

    async def _find_link(self, caller: Caller, integration: Integration, auth_id: str | None) -> Connector:
        """The connector the call goes through. One of somebody else is as unknown as one there is not."""
        if auth_id is None:
            raise BadRequest("authId is missing: send the id of the connector to call through")
        try:
            id = UUID(auth_id)
        except ValueError:
            raise BadRequest("authId is not a UUID") from None
        connector = await get_connector(self._pool, id)
        if (
            connector is None
            or (connector.organisation, connector.environment) != (caller.organisation, caller.environment)
            or connector.integration != integration.slug
        ):
            raise NotFound(f"There is no {integration.slug} connector with the id {id}")
        return connector


def find_connectors() -> list[Integration]:
    """The integrations that offer operations."""
    return [integration for integration in list_integrations() if list_operations(integration.slug)]


def _write_elements(elements: list[dict[str, Any]]) -> Reply:
    return Reply(msgspec.json.encode({"elements": elements}))


def describe_connector(integration: Integration) -> dict[str, Any]:
    return {
        "name": integration.slug,
        "version": VERSION,
        "title": integration.name,
        "description": f"{len(list_operations(integration.slug))} operations on {integration.name}",
        "service": {"id": str(uuid5(NAMESPACE_URL, integration.website)), "name": integration.slug, "version": 1},
    }


def describe_operation(operation: Operation) -> dict[str, Any]:
    return {
        "name": operation.name,
        "title": operation.title,
        "description": operation.description,
        "hasDynamicOutput": False,
        "inputSchema": {"$schema": INPUT_DIALECT, **describe_input(operation)},
        "outputSchema": {"$schema": OUTPUT_DIALECT, **describe_type(operation.output)},
    }


def _find_connector(request: Request) -> Integration:
    name, version = request.path_params["name"], request.path_params["version"]
    for integration in find_connectors():
        if (integration.slug, VERSION) == (name, version):
            return integration
    there = ", ".join(f"{integration.slug} {VERSION}" for integration in find_connectors())
    raise NotFound(f"There is no connector {name} {version}; there are: {there}")


async def _read_call(request: Request) -> CallBody:
    body = await read_bytes(request, MOST_BYTES)
    if has_many_values(body, MOST_VALUES):
        raise BadRequest(f"The body has more than {MOST_VALUES:,} values")
    try:
        return decode_bounded(body, CallBody)
    except NestedTooDeeply as error:
        raise BadRequest(f"The body is {error}, or not JSON") from None
    except msgspec.ValidationError as error:
        raise BadRequest(f"The body does not fit: {error}") from None
    except ValueError:
        raise BadRequest("The body is not JSON") from None
