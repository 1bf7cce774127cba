"""A signed-in client of the Greenhouse emulator and how its lists are walked."""

import base64
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import msgspec

from testbed.small_company import start_small
from unihire.sandbox.runner import Ready, RunningSandbox

Row = dict[str, Any]
NO_LIMITS = {"rate_limit": "0", "token_rate_limit": "0"}


@contextmanager
def serve_harvest(**settings: Any) -> Iterator[RunningSandbox]:
    """A Greenhouse sandbox without rate limits, unless they are set."""
    options = {**NO_LIMITS, **settings.pop("options", {})}
    with start_small("greenhouse", options=options, **settings) as sandbox:
        yield sandbox


def ask_for_token(ready: Ready, **form: str) -> httpx.Response:
    form = {"grant_type": "client_credentials", **form}
    return httpx.post(f"{ready.base_url}/token", data=form, auth=(ready.client_id, ready.client_secret))


def connect_harvest(sandbox: RunningSandbox, **form: str) -> httpx.Client:
    token = ask_for_token(sandbox.ready, **form).raise_for_status().json()["access_token"]
    return httpx.Client(base_url=f"{sandbox.ready.base_url}/v3", headers={"Authorization": f"Bearer {token}"})


def find_next(page: httpx.Response) -> str | None:
    """The next link, which holds a cursor and nothing else."""
    if "link" not in page.headers:
        return None
    match = re.fullmatch(r'<([^>]+\?cursor=[^&>]+)>; rel="next"', page.headers["link"])
    assert match is not None, page.headers["link"]
    return match[1]


def walk(client: httpx.Client, resource: str, **query: Any) -> list[Row]:
    """All rows, by following the next links as they are."""
    rows: list[Row] = []
    page = client.get(f"/{resource}", params={"per_page": 500, **query}).raise_for_status()
    seen = set()
    while True:
        rows.extend(page.json())
        url = find_next(page)
        if url is None:
            return rows
        assert url not in seen, "the walk goes in a circle"
        seen.add(url)
        page = client.get(url).raise_for_status()


def read_cursor(url: str) -> Row:
    text = str(httpx.URL(url).params["cursor"])
    cursor: Row = msgspec.json.decode(base64.b64decode(text, validate=True))
    return cursor
