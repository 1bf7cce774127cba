"""The data reads of a face: a list and records by id of each of its models.

What a read itself checks: query (422), record (404).
"""

from collections.abc import Sequence
from functools import partial

from msgspec import structs
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

REMEMBERED_LENGTH, REMEMBERED_BYTES = 2_500, 1 << 20
"""Queries of at most so many bytes are remembered, fifty ids in one, and so many bytes of them together."""

OVERHEAD = 1_000
"""Bytes that one of them takes besides."""


class Reads:
    """Answers data reads in the words of a face.

    The pages of a list are asked for with the same words but for the cursor: what short ones mean is remembered.
    """

    def __init__(self, face: Face, reader: Reader, gate: RequestGate) -> None:
        self._face = face
        self._reader = reader
        self._gate = gate
        self._queries: dict[tuple[ModelSpec, bytes], Query] = {}
        self._remembered = 0

    def list_routes(self) -> Sequence[Route]:
        """The two reads of each model."""
        routes = []
        for spec in self._face.models:
            path, answer = f"{self._face.path}/{spec.plural}", partial(self._answer, spec)
            routes += [Route(path, answer), Route(f"{path}/{{id}}", answer)]
        return routes

    async def refuse_list(self, request: Request) -> Response:
        """There is no such list."""
        return self._gate.refuse(NotFound("Not Found"))

    async def _answer(self, spec: ModelSpec, request: Request) -> Response:
        id = request.path_params.get("id")
        query: bytes = request.scope["query_string"]

        async def read(scope: Scope) -> Reply:
            return Reply(await (self._list(spec, scope, query) if id is None else self._one(spec, scope, id, query)))

        return await self._gate.serve_connector(request, read, needs=Need.READ, model=spec.name)

    async def _list(self, spec: ModelSpec, scope: Scope, query: bytes) -> bytes:
        wanted = self._read_query(spec, scope, query)
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

    def _read_query(self, spec: ModelSpec, scope: Scope, query: bytes) -> Query:
        """The query that the parameters of a list mean. Raises Invalid."""
        words, cursor = params.split_cursor(query)
        wanted = self._queries.get((spec, words))
        if wanted is None:
            asked = params.read_list_query(self._face, spec, words, self._gate.check_names)
            wanted = self._translate(spec, asked)
            if asked.cursor:  # it is not plain
                cursor = params.read_list_query(self._face, spec, query, self._gate.check_names).cursor or ""
            elif len(words) <= REMEMBERED_LENGTH:
                self._remember(spec, words, wanted)
        return self._place(spec, scope, wanted, cursor) if cursor else wanted

    def _remember(self, spec: ModelSpec, words: bytes, wanted: Query) -> None:
        self._remembered += len(words) + OVERHEAD
        if self._remembered > REMEMBERED_BYTES:
            self._queries.clear()
            self._remembered = len(words) + OVERHEAD
        self._queries[spec, words] = wanted

    def _translate(self, spec: ModelSpec, asked: params.ListQuery) -> Query:
        """What is asked for, from the beginning of the list. Raises Invalid."""
        return Query(
            model=spec,
            limit=asked.page_size,
            after=0 if asked.modified_after is None else max(0, to_micros(asked.modified_after)),
            filters=params.read_filters(self._face, spec, asked),
            ids=None if asked.ids is None else params.parse_ids(asked.ids),
            remote_id=asked.remote_id if self._face.has_remote_id_filter(spec) else None,
            show=self._read_show(asked),
            with_deleted=asked.include_deleted,
            spans=params.read_spans(self._face, spec, asked),
        )

    def _place(self, spec: ModelSpec, scope: Scope, wanted: Query, cursor: str) -> Query:
        """The query from where the cursor says on. Raises Invalid."""
        if wanted.spans:
            place = cursors.read_moment_cursor(scope.connector, spec.name, wanted.spans[0].name, cursor)
            if place is not None:
                return structs.replace(wanted, place=place)
        elif (position := cursors.read_cursor(scope.connector, spec.name, cursor)) is not None:
            return structs.replace(wanted, after=max(wanted.after, position))
        raise Invalid([_bad_cursor(spec, cursor)])

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
