"""The vendor's pages, rendered once by its emulator and served as they are, so that no reader waits for the vendor.

Speaks what a reader needs: a token, a list with links to the next page, and the filter for what changed since. The
path begins with how many candidates there are: `/20000/v2/recruiting/candidates`. What changed is nothing, until
`POST /change` makes it every hundredth candidate.
"""

import http.client
import json
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import IO, Any
from urllib.parse import parse_qs, urlencode

import msgspec

from bench.hosting import host, run
from bench.processes import read_order
from unihire.sandbox.runner import start_sandbox

PAGE_ROWS = 200
"""Rows of a vendor page: what the vendor gives a reader who asks for the most."""
CHANGED_EVERY = 100

_TOKEN = "made-up-token"
_LIST = "/v2/recruiting/candidates"
_ENCODER = msgspec.json.Encoder()


class VendorPages:
    """Rows of `count` candidates, in pages kept in a file that the system holds in memory."""

    def __init__(self, count: int, file: IO[bytes]) -> None:
        self.count = count
        self._file = file
        self._places: list[tuple[int, int]] = []
        self._changed: list[bytes] = []

    def render(self) -> None:
        """Read every page from the emulator."""
        with start_sandbox("personio", size=self.count) as running:
            for rows in _read_emulator(running.ready.base_url, running.ready):
                self._places.append((self._file.tell(), len(rows)))
                self._file.write(rows)
                each = msgspec.json.decode(rows, type=list[msgspec.Raw])
                self._changed += [_change(row) for row in each[::CHANGED_EVERY]]
        self._file.flush()

    def read_page(self, number: int) -> bytes:
        start, length = self._places[number]
        self._file.seek(start)
        return self._file.read(length)

    def read_changed(self, count: int, number: int) -> bytes:
        """A page of the rows that changed among the first `count`."""
        rows = self._changed[: count // CHANGED_EVERY]
        return b"[" + b",".join(rows[number * PAGE_ROWS : (number + 1) * PAGE_ROWS]) + b"]"


def _read_emulator(base_url: str, ready: Any) -> Iterator[bytes]:
    """The rows of each page, as the JSON array they are sent in."""
    connection = http.client.HTTPConnection(base_url.removeprefix("http://"))
    form = {"grant_type": "client_credentials", "client_id": ready.client_id, "client_secret": ready.client_secret}
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    token = msgspec.json.decode(_ask(connection, "POST", "/v2/auth/token", kind, urlencode(form)))["access_token"]
    headers = {"Authorization": f"Bearer {token}", "Beta": "true"}
    link: str | None = f"{_LIST}?{urlencode({'limit': PAGE_ROWS})}"
    while link is not None:
        page = msgspec.json.decode(_ask(connection, "GET", link, headers), type=dict[str, msgspec.Raw])
        yield bytes(page["_data"])
        following = msgspec.json.decode(page["_meta"])["links"].get("next")
        link = following["href"].removeprefix(base_url) if following else None
    connection.close()


def _ask(
    connection: http.client.HTTPConnection, method: str, path: str, headers: dict[str, str], body: str | None = None
) -> bytes:
    connection.request(method, path, body, headers)
    answer = connection.getresponse()
    content = answer.read()
    if answer.status != 200:
        raise ValueError(f"the emulator answers {answer.status} to {path}")
    return content


def _change(raw: msgspec.Raw) -> bytes:
    """The row as it would be sent after somebody edited the candidate."""
    row = json.loads(bytes(raw))
    row["first_name"] = f"{row['first_name']} Edited"
    row["updated_at"] = {"date-time": datetime.now(UTC).isoformat(timespec="seconds"), "timezone": "UTC"}
    return _ENCODER.encode(row)


class PageServer:
    """An ASGI app over the pages."""

    def __init__(self, pages: VendorPages) -> None:
        self._pages = pages
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
        status, body = self._answer(scope)
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    def _answer(self, scope: Any) -> tuple[int, bytes]:
        path: str = scope["path"]
        if path == "/change":
            self._is_changed = True
            return 200, b"{}"
        count, _, rest = path[1:].partition("/")
        if rest == "v2/auth/token":
            return 200, _ENCODER.encode({"access_token": _TOKEN, "token_type": "Bearer", "expires_in": 86400})
        headers = dict(scope["headers"])
        if headers.get(b"authorization") != f"Bearer {_TOKEN}".encode():
            return 401, b"{}"
        if f"/{rest}" != _LIST:
            return 404, b"{}"
        return 200, self._list(int(count), parse_qs(scope["query_string"].decode()), headers[b"host"].decode())

    def _list(self, count: int, query: dict[str, list[str]], origin: str) -> bytes:
        number = int(query.get("cursor", ["0"])[0])
        since = query.get("updated_at.gt")
        kept = {"updated_at.gt": since[0]} if since else {}
        if since is None:
            total, rows = count, self._pages.read_page(number)
        elif self._is_changed:
            total, rows = count // CHANGED_EVERY, self._pages.read_changed(count, number)
        else:
            total, rows = 0, b"[]"
        links: dict[str, Any] = {"self": {"href": f"http://{origin}/{count}{_LIST}"}}
        if (number + 1) * PAGE_ROWS < total:
            cursor = urlencode({"limit": PAGE_ROWS, "cursor": number + 1, **kept})
            links["next"] = {"href": f"http://{origin}/{count}{_LIST}?{cursor}"}
        return b'{"_data":%b,"_meta":%b}' % (rows, _ENCODER.encode({"links": links}))


async def main() -> None:
    with tempfile.TemporaryFile() as file:
        pages = VendorPages(read_order()["count"], file)
        pages.render()
        await host(PageServer(pages))


if __name__ == "__main__":
    run(main())
