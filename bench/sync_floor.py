"""The floor of syncing: a hand-written loop that only fetches pages and upserts raw rows.

As good as such a loop gets: the next page is fetched while this one is saved, a page is one transaction that copies
its rows to a temporary table and upserts them from there, and commits do not wait for the disk (nor do ours).
"""

import asyncio
import time
from typing import Any

import aiohttp
import asyncpg
import msgspec

from bench.hosting import run
from bench.processes import answer, find_peak_memory, read_order

CREATE_RAW = "CREATE TABLE raw_row (stream text, id text, raw bytea NOT NULL, PRIMARY KEY (stream, id))"

CREATE_INCOMING = "CREATE TEMPORARY TABLE incoming (id text, raw bytea) ON COMMIT DELETE ROWS"

UPSERT_RAW = """
    INSERT INTO raw_row SELECT 'candidates', id, raw FROM incoming
    ON CONFLICT (stream, id) DO UPDATE SET raw = excluded.raw
"""


class _Id(msgspec.Struct):
    id: str


class _Href(msgspec.Struct):
    href: str


class _Links(msgspec.Struct):
    next: _Href | None = None


class _Meta(msgspec.Struct):
    links: _Links


class _Page(msgspec.Struct):
    data: list[msgspec.Raw] = msgspec.field(name="_data")
    meta: _Meta = msgspec.field(name="_meta")


_PAGES = msgspec.json.Decoder(_Page)
_IDS = msgspec.json.Decoder(_Id)


async def load(base_url: str, connection: Any) -> int:
    """Load every page; returns how many rows."""
    count = 0
    async with aiohttp.ClientSession() as session:
        async with session.post(f"{base_url}/v2/auth/token", data={"grant_type": "client_credentials"}) as got:
            token = (await got.json())["access_token"]
        headers = {"Authorization": f"Bearer {token}", "Beta": "true"}

        async def fetch(url: str) -> bytes:
            async with session.get(url, headers=headers) as got:
                got.raise_for_status()
                return await got.read()

        ahead = asyncio.create_task(fetch(f"{base_url}/v2/recruiting/candidates?limit=200"))
        while True:
            page = _PAGES.decode(await ahead)
            if page.meta.links.next is not None:
                ahead = asyncio.create_task(fetch(page.meta.links.next.href))
            rows = [(_IDS.decode(raw).id, bytes(raw)) for raw in page.data]
            async with connection.transaction():
                await connection.copy_records_to_table("incoming", records=rows, columns=("id", "raw"))
                await connection.execute(UPSERT_RAW)
            count += len(rows)
            if page.meta.links.next is None:
                return count


async def main() -> None:
    order = read_order()
    connection = await asyncpg.connect(order["dsn"], server_settings={"synchronous_commit": "off", "jit": "off"})
    await connection.execute(CREATE_RAW)
    await connection.execute(CREATE_INCOMING)
    started = time.perf_counter()
    rows = await load(order["base_url"], connection)
    answer({"seconds": time.perf_counter() - started, "rows": rows, "peak_mb": find_peak_memory(), "failed": []})
    await connection.close()


if __name__ == "__main__":
    run(main())
