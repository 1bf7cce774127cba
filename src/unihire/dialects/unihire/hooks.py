"""Where vendors report changes: every hook's address, answered once the delivery is on the disk."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from unihire.dialects.common.admission import read_bytes
from unihire.dialects.common.describing import refer
from unihire.errors import BadRequest, TooLarge
from unihire.events.inbox.hooks import PATH
from unihire.events.inbox.receiving import REFUSED, Address, DeliveryOutcome, DeliveryReceiver, Taken, count_delivery
from unihire.integration.webhooks import MOST_BYTES, Delivery
from unihire.platform.limits import RateLimiter, refuse

READ_SECONDS = 10.0
"""How long a body may take to its last byte."""

MOST_AT_ONCE = 64
"""Deliveries whose bodies are read at once: they are in memory whole."""

STATUSES: Mapping[DeliveryOutcome, int] = {
    **dict.fromkeys(REFUSED, 401),
    DeliveryOutcome.UNKNOWN: 404,
    DeliveryOutcome.TOO_SLOW: 408,
    DeliveryOutcome.TOO_LARGE: 413,
    DeliveryOutcome.TOO_MANY: 429,
}
"""What a delivery is answered with that is not accepted."""

DETAILS: Mapping[DeliveryOutcome, str] = {
    DeliveryOutcome.FORGED: "The signature is not good",
    DeliveryOutcome.STALE: "The delivery was signed too long ago",
    DeliveryOutcome.NO_SECRET: "No secret is known to verify it with",
    DeliveryOutcome.UNKNOWN: "There is no such hook",
    DeliveryOutcome.TOO_LARGE: "The body is too large",
    DeliveryOutcome.TOO_SLOW: "The body did not come in time",
    DeliveryOutcome.TOO_MANY: "Too many deliveries",
}


class Hooks:
    """Answers deliveries. `limiter` counts those of each address, None: as many as come."""

    def __init__(self, receiver: DeliveryReceiver, limiter: RateLimiter | None) -> None:
        self._receiver = receiver
        self._limiter = limiter
        self._reading = asyncio.Semaphore(MOST_AT_ONCE)

    def list_routes(self) -> list[Route]:
        return [Route(PATH, self._answer, methods=["POST"])]

    async def _answer(self, request: Request) -> Response:
        vendor = request.path_params["vendor"]
        address = await self._receiver.find(vendor, request.path_params["token"])
        if address is None:
            return _refuse(DeliveryOutcome.UNKNOWN)
        if (wait := self._count(address)) is not None:
            return _refuse(DeliveryOutcome.TOO_MANY, vendor, {"Retry-After": str(wait)})
        taken = await self._take(request, address)
        if isinstance(taken, DeliveryOutcome):
            return _refuse(taken, vendor)
        if taken.outcome in STATUSES:
            return _answer_refused(taken.outcome)
        if taken.outcome is DeliveryOutcome.HANDSHAKE:
            return Response(taken.reply.body, 200, dict(taken.reply.headers))
        return Response(status_code=address.webhooks.accepted)

    def _count(self, address: Address) -> int | None:
        """Count a delivery; in how many seconds others are taken, where it is one too many."""
        if self._limiter is None:
            return None
        limit_state = self._limiter.take(address.hook.number)
        return None if limit_state.remaining >= 0 else refuse(limit_state).retry_after

    async def _take(self, request: Request, address: Address) -> Taken | DeliveryOutcome:
        most = address.webhooks.most_bytes
        if _find_length(request) > most:
            return DeliveryOutcome.TOO_LARGE
        try:
            async with asyncio.timeout(READ_SECONDS), self._reading:
                body = await read_bytes(request, most)
        except TimeoutError:
            return DeliveryOutcome.TOO_SLOW
        except TooLarge:
            return DeliveryOutcome.TOO_LARGE
        except BadRequest:
            return DeliveryOutcome.TOO_SLOW  # it hung up within the body
        headers = {name.lower(): value for name, value in request.headers.items()}
        return await self._receiver.take(address, Delivery(headers, body, datetime.now(UTC)))


def _find_length(request: Request) -> int:
    """What is announced of the body; 0 where nothing is."""
    text = request.headers.get("content-length", "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 20 else 0


def _refuse(outcome: DeliveryOutcome, integration: str = "", headers: Mapping[str, str] | None = None) -> Response:
    """Refuse a delivery that was not looked into, and count it."""
    count_delivery(outcome, integration)
    return _answer_refused(outcome, headers)


def _answer_refused(outcome: DeliveryOutcome, headers: Mapping[str, str] | None = None) -> Response:
    return JSONResponse({"detail": DETAILS[outcome]}, STATUSES[outcome], headers)


def describe_route() -> tuple[dict[str, Any], dict[str, Any]]:
    """Its OpenAPI path; it refers to no schemas of its own."""

    def describe_refusal(description: str) -> dict[str, Any]:
        return {"description": description, "content": {"application/json": {"schema": refer(("Error",))}}}

    parameters = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}, "description": description}
        for name, description in {
            "vendor": "The integration, as in its connectors.",
            "token": "Drawn at random, by `unihire hooks open` and `unihire hooks replace`.",
        }.items()
    ]
    operation = {
        "operationId": "receive_delivery",
        "tags": ["hooks"],
        "summary": "Take a delivery of a vendor's webhook",
        "description": "For vendors, who are given the address of a connector's hook: they sign what they send, so no "
        "API key is needed. It is answered once it is on the disk; a repeated delivery is ignored. The rows it names "
        "are then read again at the vendor.",
        "security": [],
        "parameters": parameters,
        "requestBody": {
            "required": True,
            "description": f"As the vendor writes it, of {MOST_BYTES // 1024:,} KiB at most.",
            "content": {"application/json": {"schema": {}}},
        },
        "responses": {
            "200": {"description": "It is on the disk. A vendor that wants another status of success is given that."},
            "401": describe_refusal("The signature is not good, or too old, or no secret is known yet."),
            "404": describe_refusal("The address is nobody's."),
            "408": describe_refusal(f"The body took longer than {READ_SECONDS:.0f} seconds."),
            "413": describe_refusal("The body is too large."),
            "429": describe_refusal("More deliveries than UNIHIRE_HOOK_RATE_LIMIT allows for an address."),
        },
    }
    return {PATH: {"post": operation}}, {}
