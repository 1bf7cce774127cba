"""The data reads of a face: a list and records by id of each of its models.

What a read itself checks: query (422), record (404).
"""

from collections.abc import Awaitable, Callable, Sequence

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from unihire.dialects.common import cursors, params
from unihire.dialects.common.admission import Reply, RequestGate, describe_problem
from unihire.dialects.common.faces import Face
from unihire.dialects.common.lists import parse_id
from unihire.errors import Invalid, NotFound
from unihire.kit.clock import to_micros
from unihire.model import ModelSpec
from unihire.platform.access import Need, Scope
from unihire.platform.reads import Query, Reader, RecordView


class Reads:
    """Answers data reads in the words of a face."""

    def __init__(self, face: Face, reader: Reader, gate: RequestGate) -> None:
        self._face = face
        self._reader = reader
        self._gate = gate

    def list_routes(self) -> Sequence[Route]:
        """The two reads of each model, at paths of their own: others may stand beside them."""
        routes = []
        for spec in self._face.models:
            path, answer = f"{self._face.path}/{spec.plural}", self._answer_model(spec)
            routes += [Route(path, answer), Route(f"{path}/{{id}}", answer)]
        return routes

    async def answer(self, request: Request) -> Response:
        """Any of the reads, at `{plural}` or `{plural}/{id}`; 404 where the face has no such list."""
        spec = self._face.by_plural.get(request.path_params["plural"])
        if spec is None:
            return self._gate.refuse(NotFound("Not Found"))
        return await self._answer(spec, request)

    def _answer_model(self, spec: ModelSpec) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            return await self._answer(spec, request)

        return answer

    async def _answer(self, spec: ModelSpec, request: Request) -> Response:
        id = request.path_params.get("id")
        query: bytes = request.scope["query_string"]

        async def read(scope: Scope) -> Reply:
            return Reply(await (self._list(spec, scope, query) if id is None else self._one(spec, scope, id, query)))

        return await self._gate.serve_connector(request, read, needs=Need.READ, model=spec.name)

    async def _list(self, spec: ModelSpec, scope: Scope, query: bytes) -> bytes:
        asked = params.read_list_query(self._face, spec, query, self._gate.check_names)
        wanted = self._translate(spec, scope, asked)
        page = await self._reader.list_records(scope, wanted)
        cursor = b"null"
        if page.last is not None:
            cursor = b'"%b"' % _write_cursor(scope, wanted, page.last, page.moment).encode()
        return b'{"cursor":%b,"page_size":%d,"items":[%b]}' % (cursor, len(page.bodies), b",".join(page.bodies))

    async def _one(self, spec: ModelSpec, scope: Scope, text: str, query: bytes) -> bytes:
        asked = params.read_record_query(self._face, spec, query, self._gate.check_names)
        id = parse_id(text)
        body = None
        if id is not None:
            show = self._read_show(asked)
            body = await self._reader.find_record(scope, spec, id, show, with_deleted=asked.include_deleted)
        if body is None:
            raise NotFound(f"There is no {spec.noun} with this id")
        return body

    def _translate(self, spec: ModelSpec, scope: Scope, asked: params.ListQuery) -> Query:
        """The query that the parameters of a list mean. Raises Invalid."""
        after, place = 0, None
        spans = params.read_spans(self._face, spec, asked)
        if asked.cursor and spans:
            place = cursors.read_moment_cursor(scope.connector, spec.name, spans[0].name, asked.cursor)
            if place is None:
                raise Invalid([_bad_cursor(spec, asked.cursor)])
        elif asked.cursor:
            position = cursors.read_cursor(scope.connector, spec.name, asked.cursor)
            if position is None:
                raise Invalid([_bad_cursor(spec, asked.cursor)])
            after = position
        if asked.modified_after is not None:
            after = max(after, to_micros(asked.modified_after))
        return Query(
            model=spec,
            limit=asked.page_size,
            after=after,
            filters=params.read_filters(self._face, spec, asked),
            ids=None if asked.ids is None else params.parse_ids(asked.ids),
            remote_id=asked.remote_id if self._face.has_remote_id_filter(spec) else None,
            show=self._read_show(asked),
            with_deleted=asked.include_deleted,
            spans=spans,
            place=place,
        )

    def _read_show(self, asked: params.RecordQuery) -> RecordView:
        return RecordView(
            raw=asked.include_raw_data,
            custom=asked.include_custom_fields,
            expand=asked.expand,
            projection=self._face.projection,
        )


def _write_cursor(scope: Scope, query: Query, last: int, moment: str | None) -> str:
    """Where the next page begins, in the order of the query."""
    if moment is None:
        return cursors.write_cursor(scope.connector, query.model.name, last)
    return cursors.write_moment_cursor(scope.connector, query.model.name, query.spans[0].name, (moment, last))


def _bad_cursor(spec: ModelSpec, cursor: str) -> dict[str, object]:
    return describe_problem("query", "cursor", f"this is not a cursor of this list of {spec.plural}", cursor)
