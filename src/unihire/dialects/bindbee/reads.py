"""The thirty-two data reads: sixteen lists and sixteen records by id.

What a read itself checks: query (422), record (404).
"""

from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import Response

from unihire.dialects.bindbee import cursors, params
from unihire.dialects.common.calls import Entrance, Reply, describe_problem
from unihire.dialects.common.lists import parse_id
from unihire.errors import Invalid, NotFound
from unihire.kit.clock import to_micros
from unihire.model import MODELS, ModelSpec
from unihire.platform.access import Scope
from unihire.platform.reads import Query, Reader, Show

MODELS_BY_PATH: Mapping[str, ModelSpec] = {spec.plural: spec for spec in MODELS.values()}


class Reads:
    """Answers data reads in the words of the native API."""

    def __init__(self, reader: Reader, entrance: Entrance) -> None:
        self._reader = reader
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
        page = await self._reader.list_records(scope, _translate(spec, scope, asked))
        cursor = b"null"
        if page.last is not None:
            cursor = b'"%b"' % cursors.write_cursor(scope.connector, spec.name, page.last).encode()
        return b'{"cursor":%b,"page_size":%d,"items":[%b]}' % (cursor, len(page.bodies), b",".join(page.bodies))

    async def _one(self, spec: ModelSpec, scope: Scope, text: str, query: bytes) -> bytes:
        asked = params.read_record_query(spec, query, self._entrance.check_names)
        id = parse_id(text)
        body = None if id is None else await self._reader.find_record(scope, spec, id, _read_show(asked))
        if body is None:
            raise NotFound(f"There is no {spec.noun} with this id")
        return body


def _translate(spec: ModelSpec, scope: Scope, asked: params.ListQuery) -> Query:
    """The query that the parameters of a list mean. Raises Invalid."""
    after = 0
    if asked.cursor:
        place = cursors.read_cursor(scope.connector, spec.name, asked.cursor)
        if place is None:
            raise Invalid([_bad_cursor(spec, asked.cursor)])
        after = place
    if asked.modified_after is not None:
        after = max(after, to_micros(asked.modified_after))
    return Query(
        model=spec,
        limit=asked.page_size,
        after=after,
        filters=params.read_filters(spec, asked),
        ids=None if asked.ids is None else params.parse_ids(asked.ids),
        remote_id=asked.remote_id if spec.has_remote_id_filter else None,
        show=_read_show(asked),
    )


def _read_show(asked: params.RecordQuery) -> Show:
    return Show(raw=asked.include_raw_data, custom=asked.include_custom_fields, expand=asked.expand)


def _bad_cursor(spec: ModelSpec, cursor: str) -> dict[str, object]:
    return describe_problem("query", "cursor", f"this is not a cursor of this list of {spec.plural}", cursor)
