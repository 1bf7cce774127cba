"""What the connector makes of a whole Greenhouse in memory: rows read from the emulator, joined and rendered."""

from collections.abc import Collection, Iterable, Iterator
from functools import cache
from typing import Any
from uuid import UUID

import msgspec

from testbed.harvest import Row, connect_harvest, serve_harvest, walk
from unihire.integration.declare import Integration, Join, Stream, find_member
from unihire.integration.registry import get_integration
from unihire.model import Record
from unihire.outbound.paging import decode_row
from unihire.store.feed.rendered import Rendered
from unihire.sync.joining import list_answerable
from unihire.sync.rendering import Renderer

CONNECTOR = UUID("00000000-0000-4000-8000-000000000001")
WHOLE = {"users": {"show_service_accounts": "true"}, "rejection_reasons": {"include_defaults": "true"}}
ADDRESS = "https://ats.example.com"

Rows = dict[str, list[Row]]


@cache
def read_rows(size: int, seed: int) -> Rows:
    """Every list the connector reads, each by its path's last part, newest first. Not to be changed."""
    names = {stream.path.rpartition("/")[2] for stream in get_integration("greenhouse").streams}
    with (
        serve_harvest(size=size, seed=seed, options={"public_url": ADDRESS}) as sandbox,
        connect_harvest(sandbox) as client,
    ):
        # A link to a next page would lead to the address the rows name.
        client.event_hooks["request"].append(lambda request: _turn(request, str(client.base_url)))
        return {name: walk(client, name, **WHOLE.get(name, {})) for name in sorted(names)}


def _turn(request: Any, base_url: str) -> None:
    text = str(request.url)
    if text.startswith(ADDRESS):
        request.url = type(request.url)(base_url.removesuffix("/").removesuffix("/v3") + text[len(ADDRESS) :])
        request.headers["host"] = request.url.netloc.decode()


def render_rows(rows: Rows, *, unread: Collection[str] = ()) -> Iterator[Rendered]:
    """The records of these rows, in the order of the streams; rows of `unread` streams are shown by no record."""
    integration = get_integration("greenhouse")
    renderer = Renderer(CONNECTOR, 1)
    read = {stream.name for stream in integration.streams} - set(unread)
    for stream in integration.streams:
        if not stream.mappings:
            continue
        own = _list_rows(integration, stream.name, rows)
        encoded = [decode_row(msgspec.json.encode(row)) for row in own]
        details = join_rows(integration, stream, rows, list_answerable(stream, read))
        records, quarantined = renderer.render_rows(stream, encoded, details)
        assert not quarantined, quarantined[0]
        yield from records


def make_records(rows: Rows) -> Iterator[Record]:
    """The records as the mapping fills them, with the vendor's ids in their relations."""
    integration = get_integration("greenhouse")
    for stream in integration.streams:
        details = join_rows(integration, stream, rows, stream.joins)
        for mapping in stream.mappings:
            for row in _list_rows(integration, stream.name, rows):
                if mapping.is_deleted is not None and mapping.is_deleted(row):
                    continue
                told = details[str(row["id"])]
                parts = (row,) if mapping.is_whole else mapping.list_parts(row, told)
                yield from (
                    mapping.make(mapping.make_source(part, row, told, place)) for place, part in enumerate(parts)
                )


def join_rows(
    integration: Integration, stream: Stream, rows: Rows, joins: Iterable[Join]
) -> dict[str, dict[str, list[Row]]]:
    """By row id: the rows of each join, in the order of their ids, as the store would keep them."""
    found: dict[str, dict[str, list[Row]]] = {str(row["id"]): {} for row in _list_rows(integration, stream.name, rows)}
    for join in joins:
        index: dict[str, list[Row]] = {}
        for other in sorted(_list_rows(integration, join.stream, rows), key=lambda row: int(row["id"])):
            key = find_member(other, join.on)
            if key is not None and (join.where is None or join.where(other)):
                kept = {name: other[name] for name in ("id", *join.members) if name in other}
                index.setdefault(str(key), []).append(kept)
        for row in _list_rows(integration, stream.name, rows):
            shown = found[str(row["id"])]
            leading = [row] if join.via is None else shown[join.via]
            keys = dict.fromkeys(find_member(one, join.key or "id") for one in leading)
            joined = [other for key in keys if key is not None for other in index.get(str(key), ())]
            shown[join.name] = sorted(joined, key=lambda row: int(row["id"]))
    return found


def _list_rows(integration: Integration, name: str, rows: Rows) -> list[Row]:
    return rows[integration.get_stream(name).path.rpartition("/")[2]]
