"""The content of attachments: fetched with a link that the vendor makes now, and handed through."""

from collections.abc import Sequence
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from unihire.dialects.bindbee.face import NATIVE
from unihire.dialects.common.admission import Reply, RequestGate
from unihire.dialects.common.lists import parse_id
from unihire.errors import NotFound
from unihire.platform.access import Need, Scope
from unihire.platform.writing.contents import Contents
from unihire.store import Pool
from unihire.store.accounts.tenancy import get_connector


class ContentRoutes:
    """Answers `attachments/{id}/content`."""

    def __init__(self, pool: Pool, gate: RequestGate, contents: Contents) -> None:
        self._pool = pool
        self._gate = gate
        self._contents = contents

    def list_routes(self) -> Sequence[Route]:
        return [Route(f"{NATIVE.path}/attachments/{{id}}/content", self._answer)]

    async def _answer(self, request: Request) -> Response:
        async def work(scope: Scope) -> Reply:
            self._gate.check_names(dict(request.query_params), set())
            id = parse_id(request.path_params["id"])
            connector = await get_connector(self._pool, scope.connector)
            if id is None or connector is None:
                raise NotFound("There is no attachment with this id")
            found = await self._contents.open(connector, scope, id)
            headers = {
                "Content-Disposition": f"attachment; filename*=UTF-8''{quote(found.name, safe='')}",
                "X-Content-Type-Options": "nosniff",
                "Cache-Control": "private, no-store",
            }
            if found.size is not None:
                headers["Content-Length"] = str(found.size)
            return Reply(b"", headers=headers, stream=found.stream, media_type=found.content_type)

        return await self._gate.serve_connector(request, work, needs=Need.READ, model="attachment")
