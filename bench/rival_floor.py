"""The floor of serving: bare Starlette and asyncpg hand on the bytes that lie in the store. No key, no limit, no check.

Its pool has our settings, so that both save the round trip that resets a connection.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bench.hosting import host, run
from bench.processes import read_order
from bench.sizes import PAGE

LIST_BODIES = """
    SELECT seq, body FROM record
    WHERE connector = $1 AND model = $2 AND deleted_at IS NULL AND seq > $3 ORDER BY seq LIMIT $4
"""


async def _keep(connection: Any) -> None:
    """Leave a connection as it is when it goes back to the pool."""


def make_app(dsn: str, connector: int, model: int) -> Starlette:
    pools: list[Any] = []

    async def list_page(request: Request) -> Response:
        after = int(request.query_params.get("after", 0))
        rows = await pools[0].fetch(LIST_BODIES, connector, model, after, PAGE + 1)
        cursor = b"null"
        if len(rows) > PAGE:
            rows.pop()
            cursor = b'"%d"' % rows[-1][0]
        bodies = b",".join([row[1] for row in rows])
        return Response(
            b'{"cursor":%b,"page_size":%d,"items":[%b]}' % (cursor, len(rows), bodies), media_type="application/json"
        )

    @asynccontextmanager
    async def live(app: Starlette) -> AsyncIterator[None]:
        async with asyncpg.create_pool(
            dsn, min_size=1, max_size=8, reset=_keep, server_settings={"jit": "off"}
        ) as pool:
            pools.append(pool)
            yield

    return Starlette(routes=[Route("/candidates", list_page)], lifespan=live)


async def main() -> None:
    order = read_order()
    await host(make_app(order["dsn"], order["connector"], order["model"]))


if __name__ == "__main__":
    run(main())
