"""Rows that are known to have changed, read by their ids and saved at once, without waiting for the next run."""

import contextlib
from collections.abc import Mapping, Sequence

from unihire.errors import CredentialsReplaced, PermissionMissing
from unihire.integration.declare import Integration
from unihire.outbound.client import VendorClient
from unihire.outbound.paging import Row
from unihire.store import Pool
from unihire.store.feed.gate import Feed
from unihire.store.feed.page import Page
from unihire.store.grants import is_current
from unihire.store.tenancy import Connector
from unihire.sync.fetching import fetch_rows
from unihire.sync.joining import Keeping
from unihire.sync.pages import Counts, Pages
from unihire.sync.rendering import Renderer


async def sync_rows_by_id(
    pool: Pool,
    connector: Connector,
    integration: Integration,
    client: VendorClient,
    changed: Mapping[str, Sequence[str]],
) -> list[Counts]:
    """Read the rows of these ids, by stream, save what they become and make those records again that show them.

    Streams are taken in their order, each saved in transactions of its own: what was saved stays after a crash, and
    the records that show it are made again by the next run at the latest. Ids the vendor has no row for are passed
    over, as are streams the credentials do not reach; a run finds out whether they are gone. Only streams that can be
    asked by id take part. Call inside the client's `async with`. Raises CredentialsReplaced where the connector was
    given new credentials: what was read with the others is not saved.
    """
    renderer = Renderer(connector.id, connector.number)
    told = []
    for stream in integration.streams:
        pages = Pages(
            pool=pool, client=client, renderer=renderer, connector=connector.number, stream=stream,
            keeping=Keeping.of(integration, stream),
        )  # fmt: skip
        counts = Counts(stream.name)
        ids = list(dict.fromkeys(changed.get(stream.name, ()))) if stream.by_id is not None else []
        if ids or stream.joins:
            await pages.open()
        rows: list[Row] = []
        if ids:
            with contextlib.suppress(PermissionMissing):
                found = await fetch_rows(client, stream, ids)
                rows, counts.wrong_answers = found.rows, found.wrong
        if rows:
            page = await pages.prepare(rows)

            async def save(feed: Feed, pages: Pages = pages, page: Page = page) -> Counts:
                await _confirm(feed, connector)
                return await pages.save(feed, page)

            counts.add(await pages.write(save))

        async def save_some(feed: Feed, pages: Pages = pages) -> Counts | None:
            await _confirm(feed, connector)
            stale = await pages.find_stale(feed)
            if stale is None:
                return None
            return await pages.save_again(feed, await pages.prepare(stale.rows, feed.connection), stale)

        while stream.joins and (saved := await pages.write(save_some)) is not None:
            counts.add(saved)
        told.append(counts)
    return told


async def _confirm(feed: Feed, connector: Connector) -> None:
    if not await is_current(feed.connection, connector.number, connector.credentials_version):
        raise CredentialsReplaced
