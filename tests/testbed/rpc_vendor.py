"""A vendor that is asked by POST with a key, and says in 200s what went wrong: lists with cursors and sync tokens."""

import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer

from unihire.integration.declare import CallById, Detail, Integration, RecordMapping, Source, Stream
from unihire.model import Candidate, Tag
from unihire.outbound.auth import ApiKey, Credential, Probe
from unihire.outbound.failures import FailureKind, Failures
from unihire.outbound.paging_by_token import NextToken

KEY = "key-of-the-customer"


@dataclass
class RpcVendor:
    """`rows` by category; `change` moves the counter that sync tokens name. `asked` are the calls with their bodies.

    `fails` are codes that the next calls of a method fail with, one at a time, None for one that succeeds;
    `dead_tokens`: no sync token is taken; `gives_tokens`: lists end with one.
    """

    base_url: str = ""
    rows: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    fails: dict[str, list[str | None]] = field(default_factory=dict)
    dead_tokens: bool = False
    gives_tokens: bool = True
    key: str = KEY
    moved: dict[tuple[str, str], int] = field(default_factory=dict)
    counter: int = 0

    def put(self, category: str, id: str, **row: Any) -> None:
        self.counter += 1
        self.rows.setdefault(category, {})[id] = {"id": id, **row}
        self.moved[category, id] = self.counter

    def list_asked(self, method: str) -> list[dict[str, Any]]:
        return [body for name, body in self.asked if name == method]

    async def handle(self, request: web.Request) -> web.Response:
        method = request.path.removeprefix("/")
        signed = base64.b64decode(request.headers.get("Authorization", "").removeprefix("Basic ")).decode()
        if signed != f"{self.key}:":
            return web.json_response({"success": False, "errorInfo": {"code": "key_unknown"}}, status=403)
        body = json.loads(await request.read())
        self.asked.append((method, body))
        queued = self.fails.get(method)
        code = queued.pop(0) if queued else None
        if code is not None:
            return web.json_response({"success": False, "errorInfo": {"code": code}})
        return web.json_response(self._answer(method, body))

    def _answer(self, method: str, body: dict[str, Any]) -> dict[str, Any]:
        category, _, verb = method.partition(".")
        rows = self.rows.get(category, {})
        if verb == "probe":
            return {"success": True, "results": {}}
        if verb == "info":
            row = rows.get(body["id"])
            if row is None:
                return {"success": False, "errorInfo": {"code": "not_found"}}
            return {"success": True, "results": row}
        listed = [row for row in rows.values() if row.get("of") == body.get("candidateId")]
        token = body.get("syncToken")
        if token is not None:
            if self.dead_tokens:
                return {"success": False, "errorInfo": {"code": "token_dead"}}
            listed = [row for row in listed if self.moved[category, row["id"]] > int(token)]
        start = int(body.get("cursor") or 0)
        end = start + body["limit"]
        answer: dict[str, Any] = {"success": True, "results": listed[start:end]}
        answer["moreDataAvailable"] = end < len(listed)
        if end < len(listed):
            answer["nextCursor"] = str(end)
        elif self.gives_tokens:
            answer["syncToken"] = str(self.counter)
        return answer


@asynccontextmanager
async def run_rpc_vendor() -> AsyncIterator[RpcVendor]:
    vendor = RpcVendor()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", vendor.handle)
    async with TestServer(app) as server:
        vendor.base_url = str(server.make_url("")).rstrip("/")
        yield vendor


def find_code(body: bytes) -> str | None:
    answer = json.loads(body)
    code: str | None = None if answer["success"] else answer["errorInfo"]["code"]
    return code


def to_candidate(source: Source) -> Candidate:
    notes = source.details.get("notes", [])
    return Candidate(remote_id=source.row["id"], first_name=source.row["name"], tags=[note["text"] for note in notes])


def to_tag(source: Source) -> Tag:
    return Tag(remote_id=source.row["id"], name=source.row["name"])


PAGES = NextToken(
    items="results", token=("nextCursor",), param="cursor", page_size={"limit": 2}, more=("moreDataAvailable",),
    in_body=True, sync=("syncToken",),
)  # fmt: skip
RPC = Integration(
    slug="acme",
    name="Acme Call",
    website="https://acme.example",
    base_url="https://api.acme.example",
    auth=ApiKey(
        credentials=(Credential("api_key", "API key", "", is_secret=True),),
        probe=Probe(path="/key.probe", body={}),
        basic=("{api_key}", ""),
    ),
    failures=Failures(
        find_code=find_code,
        kinds={
            "key_unknown": FailureKind.CREDENTIALS,
            "no_permission": FailureKind.PERMISSION,
            "not_found": FailureKind.MISSING,
            "token_dead": FailureKind.START_OVER,
            "cursor_dead": FailureKind.START_OVER,
            "busy": FailureKind.LATER,
        },
    ),
    streams=(
        Stream(
            name="tags", path="/tag.list", paging=PAGES, id_of=lambda row: row["id"], sync_param="syncToken",
            by_id=CallById(path="/tag.info", body={"id": "{id}"}, item="results"), permission="tags",
            mappings=(RecordMapping(Tag, to_tag),),
        ),
        Stream(
            name="candidates", path="/candidate.list", paging=PAGES, id_of=lambda row: row["id"],
            params={"includeArchived": True}, sync_param="syncToken", permission="candidates",
            by_id=CallById(path="/candidate.info", body={"id": "{id}"}, item="results"),
            mappings=(RecordMapping(Candidate, to_candidate),),
            details=(
                Detail(
                    name="notes", path="/note.list", paging=PAGES, params={"candidateId": "{id}"},
                    needed=lambda row: row["noted"], version=lambda row: str(row["version"]), of="of",
                ),
            ),
        ),
    ),
    cannot={},
)  # fmt: skip
"""An integration of it."""
