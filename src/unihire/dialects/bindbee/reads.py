"""The thirty-two data reads: sixteen lists and sixteen records by id.

A request is checked in this order, and the first fault is answered: API key (401), connector-token header (422),
connector token (401, 403), rate (429), query (422), record (404).
"""

from collections.abc import Awaitable, Callable, Mapping

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from unihire.dialects.bindbee import cursors, params
from unihire.dialects.bindbee.expansion import expand_bodies
from unihire.errors import ApiError, Invalid, NotFound, RateLimited, Unauthorized
from unihire.kit.clock import to_micros
from unihire.model import MODELS, ModelSpec
from unihire.platform.access import Access, Scope
from unihire.platform.limits import RateLimiter, Standing, refuse
from unihire.store import Pool, reading
from unihire.store.keys import FilterKeys, derive_ids

CATEGORY = "ATS"
TOKEN_HEADER = "x-connector-token"  # noqa: S105 (the header's name)
MODELS_BY_PATH: Mapping[str, ModelSpec] = {spec.plural: spec for spec in MODELS.values()}

_MISSING_TOKEN = {"type": "missing", "loc": ["header", TOKEN_HEADER], "msg": "Field required", "input": None}


class Reads:
    """Answers data reads from the store."""

    def __init__(self, pool: Pool, access: Access, limiter: RateLimiter | None) -> None:
        self._pool = pool
        self._access = access
        self._limiter = limiter

    async def answer(self, request: Request) -> Response:
        """Any of the thirty-two; the path's `{plural}` and, where it has one, `{id}` say which."""
        spec = MODELS_BY_PATH.get(request.path_params["plural"])
        if spec is None:
            return answer_error(NotFound("Not Found"), self._limiter.look() if self._limiter else None)
        id = request.path_params.get("id")
        query: bytes = request.scope["query_string"]

        async def read(scope: Scope) -> bytes:
            return await (self._list(spec, scope, query) if id is None else self._one(spec, scope, id, query))

        return await answer_read(request, self._access, self._limiter, read)

    async def _list(self, spec: ModelSpec, scope: Scope, query: bytes) -> bytes:
        asked = params.read_list_query(spec, query)
        wanted = self._narrow(spec, scope, asked)
        found = await reading.list_records(self._pool, wanted)
        bodies = found.bodies
        if asked.expand:
            bodies = await expand_bodies(self._pool, scope, bodies, asked.expand, raw=wanted.raw, custom=wanted.custom)
        cursor = b"null"
        if found.last is not None:
            cursor = b'"%b"' % cursors.write_cursor(scope.connector, spec.name, found.last).encode()
        return b'{"cursor":%b,"page_size":%d,"items":[%b]}' % (cursor, len(bodies), b",".join(bodies))

    def _narrow(self, spec: ModelSpec, scope: Scope, asked: params.ListQuery) -> reading.Wanted:
        after = 0
        if asked.cursor:
            place = cursors.read_cursor(scope.connector, spec.name, asked.cursor)
            if place is None:
                raise Invalid([_bad_cursor(spec, asked.cursor)])
            after = place
        if asked.modified_after is not None:
            after = max(after, to_micros(asked.modified_after))
        ids: list[str] | None = None
        if asked.ids is not None:
            ids = [id for id in map(params.parse_id, params.split_commas(asked.ids)) if id is not None]
        if asked.remote_id is not None and spec.has_remote_id_filter:
            named = derive_ids(scope.connector, spec.name).text(asked.remote_id)
            ids = [named] if ids is None or named in ids else []
        fields = {field.name: field for field in spec.filters}
        keys = []
        for name, values in params.read_filters(spec, asked):
            hashed = FilterKeys(scope.number, spec.number, fields[name])
            keys.append([hashed.key(value) for value in values])
        return reading.Wanted(
            scope.number,
            spec.number,
            after,
            asked.page_size,
            keys,
            ids,
            raw=asked.include_raw_data,
            custom=asked.include_custom_fields,
        )

    async def _one(self, spec: ModelSpec, scope: Scope, text: str, query: bytes) -> bytes:
        asked = params.read_record_query(spec, query)
        raw, custom = asked.include_raw_data, asked.include_custom_fields
        id = params.parse_id(text)
        body = None
        if id is not None:
            body = await reading.find_record(self._pool, scope.number, spec.number, id, raw=raw, custom=custom)
        if body is None:
            raise NotFound(f"There is no {spec.noun} with this id")
        if asked.expand:
            (body,) = await expand_bodies(self._pool, scope, [body], asked.expand, raw=raw, custom=custom)
        return body


async def answer_read(
    request: Request, access: Access, limiter: RateLimiter | None, read: Callable[[Scope], Awaitable[bytes]]
) -> Response:
    """What `read` gives of the connector the request reaches, or the error that kept it from that."""
    standing: Standing | None = None
    try:
        scope = await _admit(access, request)
        standing = limiter.take(scope.number) if limiter else None
        if standing is not None and standing.remaining < 0:
            raise refuse(standing)
        return Response(await read(scope), media_type="application/json", headers=rate_headers(standing))
    except ApiError as error:
        if standing is None and limiter is not None:
            standing = limiter.look()  # not let in: no connector's call
        return answer_error(error, standing)


async def _admit(access: Access, request: Request) -> Scope:
    caller = await access.check_key(request.headers.get("authorization"))
    token = request.headers.get(TOKEN_HEADER)
    if token is None:
        raise Invalid([_MISSING_TOKEN])
    return await access.check_token(caller, token, CATEGORY)


def _bad_cursor(spec: ModelSpec, cursor: str) -> dict[str, object]:
    return {
        "type": "value_error",
        "loc": ["query", "cursor"],
        "msg": f"Value error, this is not a cursor of this list of {spec.plural}",
        "input": cursor,
    }


def rate_headers(standing: Standing | None) -> dict[str, str]:
    if standing is None:
        return {}
    return {
        "X-RateLimit-Limit": str(standing.limit),
        "X-RateLimit-Remaining": str(max(0, standing.remaining)),
        "X-RateLimit-Reset": str(standing.reset),
    }


def answer_error(error: ApiError, standing: Standing | None = None) -> Response:
    """An error as the contract writes it: `detail` is text, or the list of problems of a 422."""
    headers = rate_headers(standing)
    if isinstance(error, Unauthorized):
        headers["WWW-Authenticate"] = "Bearer"
    if isinstance(error, RateLimited):
        headers["Retry-After"] = str(error.retry_after)
    detail: object = error.problems if isinstance(error, Invalid) else error.detail
    return Response(msgspec.json.encode({"detail": detail}), error.status, headers, "application/json")
