"""A vendor's pages, read once from its emulator and served as they are, so that no reader waits for the vendor.

Speaks what a reader needs, in the vendor's way as its integration declares it: a token, lists that lead from page to
page, and the filter for what changed since. The path begins with how many rows a list shows at most:
`/20000/v2/recruiting/candidates`. What changed is nothing, until `POST /change` makes it every hundredth row that has
a first name.
"""

import tempfile
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import IO, Any
from urllib.parse import parse_qs

import msgspec

from bench.hosting import host, run
from bench.processes import Mismatch, answer, read_order
from bench.vendors import pick_lists
from unihire.integration.declare import Integration, Stream
from unihire.outbound.client import VendorClient
from unihire.outbound.paging import LinkHeader, NextLink, Paging
from unihire.platform.connectors import open_client
from unihire.sync.fetching import first_page, walk

CHANGED_EVERY = 100

_TOKEN = "made-up-token"
_EDITED = "first_name"
_ENCODER = msgspec.json.Encoder()


class RecordedList:
    """The rows of one list, in pages kept in a file that the system holds in memory."""

    def __init__(self, stream: Stream, file: IO[bytes]) -> None:
        self.stream = stream
        self.count = 0
        self.page_rows = 0
        self._file = file
        self._places: list[tuple[int, int]] = []
        self._changed: list[bytes] = []
        marker = stream.changed_since(datetime.now(UTC)) if stream.changed_since else {}
        self._markers = frozenset(marker)

    async def record(self, client: VendorClient) -> None:
        """Read every page from the emulator."""
        async for page in walk(client, self.stream, first_page(client, self.stream, {})):
            rows = b"[" + b",".join(row.raw for row in page.rows) + b"]"
            self._places.append((self._file.tell(), len(rows)))
            self._file.write(rows)
            named = [row.data for row in page.rows if row.data.get(_EDITED)]
            self._changed += [_edit(row) for row in named[::CHANGED_EVERY]]
            self.count += len(page.rows)
            self.page_rows = self.page_rows or len(page.rows)
        if len(self._places) != max(1, -(-self.count // max(1, self.page_rows))):
            raise Mismatch(f"the emulator's {self.stream.name} come in pages of unequal length")

    def answer(
        self, query: Mapping[str, list[str]], most: int, url: str, *, is_changed: bool
    ) -> tuple[bytes, list[tuple[bytes, bytes]]]:
        """Body and further headers of the page that the query asks for, of a list with at most `most` rows."""
        place, _, kind = query.get("cursor", ["0"])[0].partition(".")
        number = int(place)
        if kind or not self._markers.isdisjoint(query):
            rows = self._changed[: most // CHANGED_EVERY] if is_changed else []
            total = len(rows)
            page = b"[" + b",".join(rows[number * self.page_rows : (number + 1) * self.page_rows]) + b"]"
            kind = ".changed"
        else:
            total, page = min(most, self.count), self._read_page(number)
        goes_on = (number + 1) * self.page_rows < total
        return write_page(self.stream.paging, page, f"{url}?cursor={number + 1}{kind}" if goes_on else None)

    def _read_page(self, number: int) -> bytes:
        start, length = self._places[number]
        self._file.seek(start)
        return self._file.read(length)


def write_page(paging: Paging, rows: bytes, following: str | None) -> tuple[bytes, list[tuple[bytes, bytes]]]:
    """Body and further headers of a page, as a vendor sends it whose lists are walked so."""
    match paging:
        case NextLink(items=items, link=link):
            linked: Any = following or {}
            for name in reversed(link if following else link[:-2]):
                linked = {name: linked}
            return _ENCODER.encode({items: msgspec.Raw(rows), **linked}), []
        case LinkHeader():
            return rows, [] if following is None else [(b"link", f'<{following}>; rel="next"'.encode())]
    raise TypeError(f"no pages are made of lists that are walked by {type(paging).__name__}")


def _edit(row: dict[str, Any]) -> bytes:
    """The row as it would be sent after somebody edited it."""
    return _ENCODER.encode({**row, _EDITED: f"{row[_EDITED]} Edited"})


class PageServer:
    """An ASGI app over the recorded lists of one vendor."""

    def __init__(self, integration: Integration, lists: Iterable[RecordedList]) -> None:
        self._token_path = integration.auth.token_path
        self._lists = {each.stream.path: each for each in lists}
        self._is_changed = False

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            while True:
                event = (await receive())["type"]
                await send({"type": f"{event}.complete"})
                if event == "lifespan.shutdown":
                    return
        while (await receive()).get("more_body"):
            pass
        status, body, further = self._answer(scope)
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body)), *further]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    def _answer(self, scope: Any) -> tuple[int, bytes, list[tuple[bytes, bytes]]]:
        path: str = scope["path"]
        if path == "/change":
            self._is_changed = True
            return 200, b"{}", []
        most, _, rest = path[1:].partition("/")
        if f"/{rest}" == self._token_path:
            return 200, _ENCODER.encode({"access_token": _TOKEN, "token_type": "Bearer", "expires_in": 86400}), []
        headers = dict(scope["headers"])
        if headers.get(b"authorization") != f"Bearer {_TOKEN}".encode():
            return 401, b"{}", []
        found = self._lists.get(f"/{rest}")
        if found is None:
            return 404, b"{}", []
        url = f"http://{headers[b'host'].decode()}{path}"
        query = parse_qs(scope["query_string"].decode())
        return 200, *found.answer(query, int(most), url, is_changed=self._is_changed)


async def main() -> None:
    """Record the lists of the order, tell how many rows each has, and serve them."""
    order = read_order()
    integration = pick_lists(order)
    with tempfile.TemporaryFile() as file:
        lists = [RecordedList(stream, file) for stream in integration.streams]
        async with open_client(
            integration, order["credentials"], order["base_url"], is_base_url_trusted=True
        ) as client:
            for each in lists:
                await each.record(client)
        file.flush()
        answer({each.stream.name: each.count for each in lists})
        await host(PageServer(integration, lists))


if __name__ == "__main__":
    run(main())
