"""The seed calls of the demo, made over HTTP against the running server, shown and checked."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from uuid import UUID

import aiohttp
import msgspec
from rich.console import Console
from rich.syntax import Syntax
from rich.text import Text

from unihire.cli.console.terminal import print_line
from unihire.dialects.bindbee.face import NATIVE
from unihire.integration.declare import Integration
from unihire.model import MODELS, ModelSpec
from unihire.outbound.addresses import AddressPolicy, make_connector

SHOWN_LINES = 32
_NOBODY = UUID(int=0)


@dataclass(slots=True)
class DemoCall:
    """A request, its answer, why it was made and what is wrong with the answer."""

    method: str
    path: str
    status: int
    body: Any
    seconds: float
    remark: str = ""
    faults: list[str] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        return {"method": self.method, "path": self.path, "status": self.status, "body": self.body}


async def make_calls(base_url: str, key: str, token: str, integration: Integration) -> list[DemoCall]:
    """The three calls for one connector: the list of jobs, one offer by id, one candidate by id.

    A call whose answer is not as it must be carries its faults.
    """
    headers = {"Authorization": f"Bearer {key}", "x-connector-token": token}
    timeout = aiohttp.ClientTimeout(total=30)
    here = AddressPolicy().allow_origin(base_url)
    async with aiohttp.ClientSession(
        base_url, connector=make_connector(here), headers=headers, timeout=timeout
    ) as session:
        jobs = await _get(session, "jobs?page_size=2")
        jobs.faults = list(find_list_faults(MODELS["job"], jobs))
        return [jobs, await _get_offer(session, integration), await _get_candidate(session)]


async def _get_offer(session: aiohttp.ClientSession, integration: Integration) -> DemoCall:
    id = await _find_id(session, "offers")
    call = await _get(session, f"offers/{id or _NOBODY}")
    if id is not None:
        call.remark = "The id is that of the first offer in the list."
        call.faults = list(find_record_faults(MODELS["offer"], call, id))
        return call
    why = integration.cannot.get("offer", "the list has none")
    call.remark = f"{integration.name}: {why.rstrip('.')}. So no offer has an id, and a 404 is right."
    if call.status != HTTPStatus.NOT_FOUND or not isinstance(call.body, dict) or "detail" not in call.body:
        call.faults = ["an id that nothing has must be answered 404 with a detail"]
    return call


async def _get_candidate(session: aiohttp.ClientSession) -> DemoCall:
    id = await _find_id(session, "candidates")
    call = await _get(session, f"candidates/{id or _NOBODY}")
    if id is None:
        call.faults = ["the list of candidates is empty"]
    else:
        call.remark = "The id is that of the first candidate in the list."
        call.faults = list(find_record_faults(MODELS["candidate"], call, id))
    return call


async def _get(session: aiohttp.ClientSession, rest: str) -> DemoCall:
    path, started_at = f"/api/ats/v1/{rest}", time.perf_counter()
    async with session.get(path) as answer:
        body = await answer.read()
        seconds = time.perf_counter() - started_at
        try:
            return DemoCall("GET", path, answer.status, msgspec.json.decode(body), seconds)
        except msgspec.DecodeError:
            return DemoCall("GET", path, answer.status, body.decode(errors="replace"), seconds)


async def _find_id(session: aiohttp.ClientSession, plural: str) -> str | None:
    """The id of the first record in a list."""
    page = (await _get(session, f"{plural}?page_size=1")).body
    items = page.get("items") if isinstance(page, dict) else None
    return items[0]["id"] if items else None


def find_list_faults(spec: ModelSpec, call: DemoCall) -> Iterator[str]:
    """What is wrong with the first page of a list that cannot be empty."""
    if call.status != HTTPStatus.OK or not isinstance(call.body, dict):
        yield f"expected 200 with an object, got {call.status}"
        return
    if set(call.body) != {"cursor", "page_size", "items"}:
        yield f"a page has cursor, page_size and items; this one has {', '.join(call.body)}"
        return
    items = call.body["items"]
    if not items:
        yield "the list is empty"
    if call.body["page_size"] != len(items):
        yield f"page_size is {call.body['page_size']} with {len(items)} items"
    for item in items:
        yield from _find_key_faults(spec, item)


def find_record_faults(spec: ModelSpec, call: DemoCall, id: str) -> Iterator[str]:
    """What is wrong with the answer to a record's id."""
    if call.status != HTTPStatus.OK or not isinstance(call.body, dict):
        yield f"expected 200 with an object, got {call.status}"
        return
    yield from _find_key_faults(spec, call.body)
    if call.body.get("id") != id:
        yield f"asked for {id}, got {call.body.get('id')}"


def _find_key_faults(spec: ModelSpec, record: dict[str, Any]) -> Iterator[str]:
    expected = set(NATIVE.list_keys(spec))
    if missing := expected - set(record):
        yield f"keys missing from a {spec.noun}: {', '.join(sorted(missing))}"
    if surplus := set(record) - expected:
        yield f"keys that a {spec.noun} does not have: {', '.join(sorted(surplus))}"


def show_calls(console: Console, calls: Sequence[DemoCall]) -> None:
    """Requests and answers for people, long answers cut."""
    for call in calls:
        good = not call.faults
        status = f"{call.status} {HTTPStatus(call.status).phrase}"
        console.print()
        print_line(Text.assemble((call.method, "bold"), " ", (call.path, "bold")), console)
        if call.remark:
            console.print(Text(call.remark, "dim"))
        console.print(Text.assemble((status, "green" if good else "red"), f"  {call.seconds * 1000:.0f} ms"))
        lines = msgspec.json.format(msgspec.json.encode(call.body)).decode().splitlines()
        shown = "\n".join(lines[:SHOWN_LINES])
        if console.is_terminal:
            console.print(Syntax(shown, "json", theme="ansi_dark", background_color="default", word_wrap=True))
        else:
            console.out(shown, highlight=False)
        if len(lines) > SHOWN_LINES:
            console.print(Text(f"… and {len(lines) - SHOWN_LINES} more lines", "dim"))
        for fault in call.faults:
            console.print(Text(f"wrong: {fault}", "red"))
