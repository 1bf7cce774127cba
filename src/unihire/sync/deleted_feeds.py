"""Lists in which a vendor tells what was deleted: asked for stretch by stretch, and each row looked for once more."""

from datetime import datetime

from unihire.integration.declare import DeletedFeed, Integration, Stream
from unihire.kit.logs import get_logger
from unihire.outbound.client import VendorClient
from unihire.store import Pool
from unihire.store.accounts.tenancy import Connector
from unihire.sync.rows_by_id import Touched, sync_touched_rows

log = get_logger()

MOST_STRETCHES = 1000
"""Stretches of time that are asked for in one run; what was deleted before them is found by a complete read."""

IDS_AT_ONCE = 500


async def delete_told(
    pool: Pool, connector: Connector, integration: Integration, client: VendorClient, stream: Stream, since: datetime,
    until: datetime,
) -> int:  # fmt: skip
    """Delete the records of rows that the vendor says were deleted since a moment; returns how many it named.

    Each is asked for by its id first: one that is there again is saved. Nothing of it is lost by a crash, as the next
    run asks for the same time again. Call inside the client's `async with`, before the stream is read.
    """
    feed = stream.deleted_feed
    assert feed is not None
    ids: dict[str, None] = {}
    start = max(since, until - MOST_STRETCHES * feed.longest)
    while start < until:
        end = min(start + feed.longest, until)
        ids |= dict.fromkeys(await _read_stretch(client, feed, start, end))
        start = end
    named = list(ids)
    for place in range(0, len(named), IDS_AT_ONCE):
        touched = {stream.name: Touched(named[place : place + IDS_AT_ONCE])}
        await sync_touched_rows(pool, connector, integration, client, touched)
    return len(named)


async def _read_stretch(client: VendorClient, feed: DeletedFeed, start: datetime, end: datetime) -> list[str]:
    ids, unnamed = list[str](), 0
    asked: str | None = feed.paging.first(client.target.locate(feed.path), feed.between(start, end))
    visited: set[str] = set()

    while asked is not None and asked not in visited:
        visited.add(asked)
        page = await client.read_page(feed.paging, asked)
        for row in page.rows:
            try:
                ids.append(feed.id_of(row.data))
            except Exception:  # noqa: BLE001 - whatever it raises, the row names nothing; a complete read finds it
                unnamed += 1
        asked = page.next
    if unnamed:
        log.warning("rows of a list of deletions have no id", path=feed.path, rows=unnamed)
    return ids
