"""Rows that are known to have changed, read by their ids and saved at once, without waiting for the next run."""

import contextlib
from collections.abc import Mapping, Sequence

from unihire.errors import CredentialsReplaced, PermissionMissing
from unihire.integration.declare import Integration
from unihire.outbound.client import VendorClient
from unihire.outbound.paging import Row
from unihire.store import Connection, Pool
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
            async with pages.transaction() as connection:
                await _confirm(connection, connector)
                counts.add(await pages.save(connection, page))
        while stream.joins:
            async with pages.take_stale() as (connection, stale):
                await _confirm(connection, connector)
                if stale is None:
                    break
                counts.add(await pages.save_again(connection, await pages.prepare(stale.rows, connection), stale))
        told.append(counts)
    return told


async def _confirm(connection: Connection, connector: Connector) -> None:
    if not await is_current(connection, connector.number, connector.credentials_version):
        raise CredentialsReplaced
