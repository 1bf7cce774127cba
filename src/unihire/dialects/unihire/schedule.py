"""The connector's schedule: read, and changed."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Annotated, Any

import msgspec
from pydantic import BaseModel, BeforeValidator, ConfigDict, model_validator
from pydantic_core import PydanticCustomError
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from unihire.dialects.common.admission import BY_ID, MOST_BYTES, Reply, RequestGate, describe_problem, read_body
from unihire.dialects.common.describing import TOKENED, describe_response, describe_responses
from unihire.dialects.unihire.syncs import find_connector
from unihire.dialects.unihire.views import Schedule, schedule_view
from unihire.errors import ConfigError, Invalid
from unihire.kit.durations import parse_duration, write_duration
from unihire.model import MODELS
from unihire.platform.access import Need, Scope
from unihire.store import Pool
from unihire.store.accounts.tenancy import Connector
from unihire.store.work.fast_schedules import FastSchedule, check_fast_interval, get_fast, set_fast
from unihire.store.work.schedules import check_interval, get_schedule, set_schedule
from unihire.sync.fast_runs import plan_fast

PATH = "/api/v1/schedule"

INTERVAL_PATTERN = (
    "^([1-7]d"
    "|([1-9]|[1-9][0-9]|1[0-5][0-9]|16[0-8])h"
    "|(1[5-9]|[2-9][0-9]|[1-9][0-9]{2,3}|100[0-7][0-9]|10080)m"
    "|(9[0-9]{2}|[1-9][0-9]{3,4}|[1-5][0-9]{5}|60[0-3][0-9]{3}|604[0-7][0-9]{2}|604800)s)$"
)
"""Durations of 15 minutes to 7 days."""

FAST_PATTERN = (
    "^(1d"
    "|([1-9]|1[0-9]|2[0-4])h"
    "|([1-9]|[1-9][0-9]{1,2}|1[0-3][0-9]{2}|14[0-3][0-9]|1440)m"
    "|([3-9][0-9]|[1-9][0-9]{2,3}|[1-7][0-9]{4}|8[0-5][0-9]{3}|86[0-3][0-9]{2}|86400)s)$"
)
"""Durations of 30 seconds to 1 day."""


def _parse_interval(text: object, check: Callable[[timedelta], timedelta] = check_interval) -> timedelta:
    if not isinstance(text, str):
        raise PydanticCustomError("string_type", "Input should be a valid string")
    try:
        return check(parse_duration(text))
    except (ValueError, ConfigError) as error:
        raise PydanticCustomError("value_error", "Value error, {reason}", {"reason": str(error)}) from None


def _parse_fast_interval(text: object) -> timedelta:
    return _parse_interval(text, check_fast_interval)


Interval = Annotated[timedelta | None, BeforeValidator(_parse_interval)]
FastInterval = Annotated[timedelta | None, BeforeValidator(_parse_fast_interval)]


class ScheduleBody(BaseModel):
    """What is to be changed."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    every: Interval = None
    full_every: Interval = None
    fast_models: list[str] | None = None
    fast_every: FastInterval = None

    @model_validator(mode="after")
    def check(self) -> "ScheduleBody":
        if not self.model_fields_set:
            raise PydanticCustomError("value_error", "Value error, send every, full_every, fast_models or fast_every")
        return self


class Schedules:
    """Answers the two calls."""

    def __init__(self, pool: Pool, gate: RequestGate, fast: FastSchedule) -> None:
        """`fast` is what the settings say of fast runs."""
        self._pool = pool
        self._gate = gate
        self._fast = fast

    def list_routes(self) -> Sequence[Route]:
        """As those of syncs."""
        return [Route(path, self._answer, methods=["GET", "PUT"]) for path in (PATH, f"{BY_ID}/schedule")]

    async def _answer(self, request: Request) -> Response:
        async def work(scope: Scope) -> Reply:
            connector = await find_connector(self._pool, scope)
            if request.method == "PUT":
                asked = await read_body(request, ScheduleBody)
                await self._change(connector, asked)
            schedule = await get_schedule(self._pool, scope.number)
            fast = await get_fast(self._pool, scope.number, self._fast)
            return Reply(msgspec.json.encode(schedule_view(schedule, fast)))

        needs = Need.MANAGE if request.method == "PUT" else Need.READ
        return await self._gate.serve_connector(request, work, needs=needs)

    async def _change(self, connector: Connector, asked: ScheduleBody) -> None:
        is_fast_changed = bool(asked.model_fields_set & {"fast_models", "fast_every"})
        is_by_setting = "fast_models" in asked.model_fields_set and asked.fast_models is None
        fast = None
        if is_by_setting and asked.fast_every is not None:
            problem = "where fast_models is null the settings say how often"
            raise Invalid([describe_problem("body", "fast_every", problem, write_duration(asked.fast_every))])
        if is_fast_changed and not is_by_setting:
            try:
                fast = await plan_fast(
                    self._pool, connector, self._fast, models=asked.fast_models, every=asked.fast_every
                )
            except ConfigError as error:
                raise Invalid([describe_problem("body", "fast_models", str(error), asked.fast_models)]) from None
        if asked.every is not None or asked.full_every is not None:
            await set_schedule(self._pool, connector, every=asked.every, full_every=asked.full_every)
        if is_fast_changed:
            await set_fast(self._pool, connector, fast)


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
            "fast_models": {
                "type": ["array", "null"],
                "items": {"type": "string", "enum": list(MODELS)},
                "description": "The models whose changes are read by fast runs, between these: the lists they are made "
                "of, and those whose rows they show. Empty: none; null: as the service's settings say. A model that "
                "the connector's integration does not give, or whose changes it cannot ask for, is a 422.",
                "examples": [["candidate"]],
            },
            "fast_every": {
                "type": "string",
                "pattern": FAST_PATTERN,
                "description": "Between two fast runs: 30 seconds to 1 day. A run under way does their work.",
                "examples": ["1m"],
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
        "description": "What is left out stays. A new `every` counts from now, a new fast run is due at once.",
        "requestBody": {"required": True, "content": {"application/json": {"schema": body}}},
        "responses": {
            **describe_responses("Schedule", found=False),
            "413": describe_response(f"The body is larger than {MOST_BYTES // 1024} KiB.", "Error"),
        },
    }
    _, schemas = msgspec.json.schema_components([Schedule], ref_template="#/components/schemas/{name}")
    return {PATH: {"get": get, "put": put}}, schemas
