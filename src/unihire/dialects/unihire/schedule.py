"""The connector's schedule: read, and changed."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated, Any

import msgspec
from pydantic import BaseModel, BeforeValidator, ConfigDict, model_validator
from pydantic_core import PydanticCustomError
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from unihire.dialects.common.admission import MOST_BYTES, Reply, RequestGate, read_body
from unihire.dialects.common.describing import TOKENED, describe_response, describe_responses
from unihire.dialects.unihire.syncs import find_connector
from unihire.dialects.unihire.views import Schedule, schedule_view
from unihire.errors import ConfigError
from unihire.kit.durations import parse_duration
from unihire.platform.access import Scope
from unihire.store import Pool
from unihire.store.work.schedules import check_interval, get_schedule, set_schedule

PATH = "/api/v1/schedule"

INTERVAL_PATTERN = (
    "^([1-7]d"
    "|([1-9]|[1-9][0-9]|1[0-5][0-9]|16[0-8])h"
    "|(1[5-9]|[2-9][0-9]|[1-9][0-9]{2,3}|100[0-7][0-9]|10080)m"
    "|(9[0-9]{2}|[1-9][0-9]{3,4}|[1-5][0-9]{5}|60[0-3][0-9]{3}|604[0-7][0-9]{2}|604800)s)$"
)
"""Durations of 15 minutes to 7 days."""


def _parse_interval(text: object) -> timedelta:
    if not isinstance(text, str):
        raise PydanticCustomError("string_type", "Input should be a valid string")
    try:
        return check_interval(parse_duration(text))
    except (ValueError, ConfigError) as error:
        raise PydanticCustomError("value_error", "Value error, {reason}", {"reason": str(error)}) from None


Interval = Annotated[timedelta | None, BeforeValidator(_parse_interval)]


class ScheduleBody(BaseModel):
    """What is to be changed."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    every: Interval = None
    full_every: Interval = None

    @model_validator(mode="after")
    def check(self) -> "ScheduleBody":
        if not self.model_fields_set:
            raise PydanticCustomError("value_error", "Value error, send every, full_every or both")
        return self


class Schedules:
    """Answers the two calls."""

    def __init__(self, pool: Pool, gate: RequestGate) -> None:
        self._pool = pool
        self._gate = gate

    def list_routes(self) -> Sequence[Route]:
        return [Route(PATH, self._answer, methods=["GET", "PUT"])]

    async def _answer(self, request: Request) -> Response:
        async def work(scope: Scope) -> Reply:
            connector = await find_connector(self._pool, scope)
            if request.method == "PUT":
                asked = await read_body(request, ScheduleBody)
                schedule = await set_schedule(self._pool, connector, every=asked.every, full_every=asked.full_every)
            else:
                schedule = await get_schedule(self._pool, scope.number)
            return Reply(msgspec.json.encode(schedule_view(schedule)))

        return await self._gate.serve_connector(request, work)


def describe_route() -> tuple[dict[str, Any], dict[str, Any]]:
    """Its OpenAPI path, and the schemas it refers to."""
    common = {"tags": ["syncs"], "security": TOKENED}
    interval = {"type": "string", "pattern": INTERVAL_PATTERN, "examples": ["15m", "1h", "7d"]}
    body = {
        "type": "object",
        "additionalProperties": False,
        "minProperties": 1,
        "properties": {
            "every": {**interval, "description": "Between two runs: 15 minutes to 7 days."},
            "full_every": {
                **interval,
                "description": "How long after the latest run that read every list whole one does so again: 15 minutes "
                "to 7 days.",
            },
        },
    }
    get = {
        **common,
        "operationId": "get_schedule",
        "summary": "When the connector is synced",
        "responses": describe_responses("Schedule", found=False),
    }
    put = {
        **common,
        "operationId": "set_schedule",
        "summary": "Change when the connector is synced",
        "description": "What is left out stays. A new `every` counts from now.",
        "requestBody": {"required": True, "content": {"application/json": {"schema": body}}},
        "responses": {
            **describe_responses("Schedule", found=False),
            "413": describe_response(f"The body is larger than {MOST_BYTES // 1024} KiB.", "Error"),
        },
    }
    _, schemas = msgspec.json.schema_components([Schedule], ref_template="#/components/schemas/{name}")
    return {PATH: {"get": get, "put": put}}, schemas
