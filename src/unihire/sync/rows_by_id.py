"""Rows that are known to have changed, read by their ids and saved at once, without waiting for the next run."""

import contextlib
from collections.abc import Mapping, Sequence

from unihire.errors import CredentialsReplaced, PermissionMissing
from unihire.integration.declare import Integration
from unihire.outbound.client import VendorClient
from unihire.store import Pool
from unihire.store.accounts.grants import is_current
from unihire.store.accounts.tenancy import Connector
from unihire.store.feed.gate import Feed
from unihire.store.feed.recency import get_position
from unihire.sync.fetching import fetch_rows
from unihire.sync.joining import RowStorage
from unihire.sync.pages import Counts, MappedPage, Pages
from unihire.sync.rendering import Renderer

TRIES = 3
"""So often a row is read that others save at the same time; then it stays as they saved it until the next run."""


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
    counted = []
    for stream in integration.streams:
        pages = Pages(
            pool=pool, client=client, renderer=renderer, connector=connector.number, stream=stream,
            storage=RowStorage.of(integration, stream),
        )  # fmt: skip
        counts = Counts(stream.name)
        ids = list(dict.fromkeys(changed.get(stream.name, ()))) if stream.by_id is not None else []
        if ids or stream.joins:
            await pages.open()
        if ids:
            with contextlib.suppress(PermissionMissing):
                await _sync_rows(pool, connector, client, pages, ids, counts)

        async def save_some(feed: Feed, pages: Pages = pages) -> Counts | None:
            await _confirm(feed, connector)
            stale = await pages.find_stale(feed)
            if stale is None:
                return None
            return await pages.save_again(feed, await pages.prepare(stale.rows, feed.connection), stale)

        while stream.joins and (saved := await pages.write(save_some)) is not None:
            counts.add(saved)
        counted.append(counts)
    return counted


async def _sync_rows(
    pool: Pool, connector: Connector, client: VendorClient, pages: Pages, ids: Sequence[str], counts: Counts
) -> None:
    """Read and save rows of one stream; those that somebody saved meanwhile are read once more."""
    for _ in range(TRIES):
        asked = await get_position(pool, connector.number)
        found = await fetch_rows(client, pages.stream, ids)
        counts.wrong_answers += found.wrong
        if not found.rows:
            return
        page = await pages.prepare(found.rows, asked=asked)

        async def save(feed: Feed, page: MappedPage = page) -> tuple[Counts, set[str]]:
            await _confirm(feed, connector)
            return await pages.save_by_id(feed, page), feed.outdated

        saved, outdated = await pages.write(save, page)
        counts.add(saved)
        if not outdated:
            return
        ids = sorted(outdated)


async def _confirm(feed: Feed, connector: Connector) -> None:
    if not await is_current(feed.connection, connector.number, connector.credentials_version):
        raise CredentialsReplaced
