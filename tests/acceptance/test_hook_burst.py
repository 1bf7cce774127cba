"""A burst of a vendor's deliveries: five for each candidate, at once, as an import at the customer's sends them.

`BURST=2000` in the environment makes it 10,000 deliveries of 2,000 candidates, `BURST_AT_ONCE` says how many are under
way at once; `-s` prints what it came to.
"""

import asyncio
import os
import sys
import time
from collections.abc import Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from statistics import quantiles
from threading import Thread
from typing import Any

import aiohttp
import httpx
import pytest

from testbed.command import Command, find_free_port, read_json_line
from testbed.databases import make_place
from unihire.store.embedded.server import EmbeddedServer

ROWS = int(os.environ.get("BURST", "100"))
EACH = 5
AT_ONCE = int(os.environ.get("BURST_AT_ONCE", "50"))
LISTS = 6
"""Of one event: candidates, and lists of what is theirs."""
PATIENCE = 240.0

Message = tuple[dict[str, str], bytes]
KEPT = ("content-type", "signature", "greenhouse-event-id", "user-agent")


@pytest.fixture(scope="module")
def command() -> Iterator[Command]:
    with make_place() as place, EmbeddedServer(place / "home"):
        port = find_free_port()
        yield Command(place / "home", UNIHIRE_PORT=port, UNIHIRE_PUBLIC_URL=f"http://127.0.0.1:{port}")


def catch_messages(vendor: dict[str, Any], secret: str) -> list[Message]:
    """What the vendor sends while every candidate is changed `EACH` times, signed with the secret."""
    caught: list[Message] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            caught.append(({name.lower(): text for name, text in self.headers.items()}, body))
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        receiver = {"url": f"http://127.0.0.1:{server.server_port}/", "secret": secret, "events": ["update_candidate"]}
        with httpx.Client(base_url=vendor["control_url"], timeout=60) as control:
            control.post("receivers", json=receiver).raise_for_status()
            caught.clear()  # the ping
            for number in range(1, EACH + 1):
                body = {"share": 1, "fields": {"first_name": f"Burst {number}"}}
                assert control.patch("rows/candidates", json=body).json() == {"changed": ROWS}
        give_up_at = time.monotonic() + PATIENCE
        while len(caught) < EACH * ROWS:
            assert time.monotonic() < give_up_at, len(caught)
            time.sleep(0.05)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
    return caught


async def deliver(url: str, messages: Sequence[Message]) -> list[float]:
    """Send them, so many at once; how long each answer took."""
    left, seconds = iter(messages), list[float]()

    async def work(session: aiohttp.ClientSession) -> None:
        for headers, body in left:
            began_at = time.perf_counter()
            async with session.post(url, data=body, headers={name: headers[name] for name in KEPT}) as answer:
                await answer.read()
                assert answer.status == 200
            seconds.append(time.perf_counter() - began_at)

    async with aiohttp.ClientSession() as session:
        await asyncio.gather(*(work(session) for _ in range(AT_ONCE)))
    return seconds


def test_burst_of_deliveries_becomes_few_calls(command: Command) -> None:
    with command.start("sandbox", "greenhouse", "--json", "--size", str(ROWS)) as sandbox:
        vendor = read_json_line(sandbox)
        given = {f"UNIHIRE_GREENHOUSE_{name.upper()}": vendor[name] for name in ("client_id", "client_secret")}
        made = command.ask("connect", "greenhouse", "--customer", "Example", "--base-url", vendor["base_url"], **given)
        command.run("sync", made["connector_id"])
        hook = command.ask("hooks", "open", made["connector_id"])
        messages = catch_messages(vendor, hook["secret"])
        httpx.delete(f"{vendor['control_url']}requests").raise_for_status()
        with command.start("serve", "--json") as process:
            read_json_line(process)
            began_at = time.monotonic()
            seconds = asyncio.run(deliver(hook["url"], messages))
            sent_after = time.monotonic() - began_at
            while command.ask("hooks")[0]["rows_to_read"]:
                assert time.monotonic() - began_at < PATIENCE
                time.sleep(0.2)
            read_after = time.monotonic() - began_at
            key = command.ask("keys", "create", "--name", "reader")["key"]
            headers = {"Authorization": f"Bearer {key}", "X-Connector-Token": made["connector_token"]}
            names = read_names(f"http://127.0.0.1:{command.environment['UNIHIRE_PORT']}", headers)
        calls = httpx.get(f"{vendor['control_url']}requests").json()["total"]
    assert names == [f"Burst {EACH}"] * ROWS
    p50, p99 = (round(1000 * quantiles(seconds, n=100)[place]) for place in (49, 98))
    sys.stdout.write(
        f"\n{len(messages):,} deliveries of {ROWS:,} candidates, {AT_ONCE} at once: sent in {sent_after:.1f} s, "
        f"answered in {p50} ms p50, {p99} ms p99, {1000 * max(seconds):.0f} ms at most; "
        f"read in {read_after:.1f} s by {calls} calls\n"
    )
    each_once = LISTS * -(-ROWS // 50)
    assert calls <= 2 * each_once + 12 * LISTS, "rows by fifties, and again those that are reported while they are read"


def read_names(base_url: str, headers: dict[str, str]) -> list[str]:
    names: list[str] = []
    query: dict[str, str] = {"page_size": "200"}
    with httpx.Client(base_url=base_url, headers=headers) as client:
        while True:
            page = client.get("/api/ats/v1/candidates", params=query).raise_for_status().json()
            names += [item["first_name"] for item in page["items"]]
            if page["cursor"] is None:
                return names
            query["cursor"] = page["cursor"]
