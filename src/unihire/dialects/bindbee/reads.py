"""The thirty-two data reads: sixteen lists and sixteen records by id.

What a read itself checks: query (422), record (404).
"""

from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import Response

from unihire.dialects.bindbee import cursors, params
from unihire.dialects.bindbee.expansion import expand_bodies
from unihire.dialects.calls import Entrance, Reply, describe_problem
from unihire.errors import Invalid, NotFound
from unihire.kit.clock import to_micros
from unihire.model import MODELS, ModelSpec
from unihire.platform.access import Scope
from unihire.store import Pool, reading
from unihire.store.keys import FilterKeys, derive_ids

MODELS_BY_PATH: Mapping[str, ModelSpec] = {spec.plural: spec for spec in MODELS.values()}


class Reads:
    """Answers data reads from the store."""

    def __init__(self, pool: Pool, entrance: Entrance) -> None:
        self._pool = pool
        self._entrance = entrance

    async def answer(self, request: Request) -> Response:
        """Any of the thirty-two; the path's `{plural}` and, where it has one, `{id}` say which."""
        spec = MODELS_BY_PATH.get(request.path_params["plural"])
        if spec is None:
            return self._entrance.refuse(NotFound("Not Found"))
        id = request.path_params.get("id")
        query: bytes = request.scope["query_string"]

        async def read(scope: Scope) -> Reply:
            return Reply(await (self._list(spec, scope, query) if id is None else self._one(spec, scope, id, query)))

        return await self._entrance.serve_connector(request, read)

    async def _list(self, spec: ModelSpec, scope: Scope, query: bytes) -> bytes:
        asked = params.read_list_query(spec, query, self._entrance.check_names)
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
            ids = params.parse_ids(asked.ids)
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
        asked = params.read_record_query(spec, query, self._entrance.check_names)
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


def _bad_cursor(spec: ModelSpec, cursor: str) -> dict[str, object]:
    return describe_problem("query", "cursor", f"this is not a cursor of this list of {spec.plural}", cursor)
