"""A vendor that answers as told, over a real socket: what a test puts in its lists is what a sync reads."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from ipaddress import ip_network
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer

from unihire.integration.declare import Detail, Integration, RecordMapping, Source, Stream
from unihire.model import Candidate, Department, Job, JobInterviewStage
from unihire.outbound.addresses import AddressPolicy
from unihire.outbound.auth import ClientCredentials, Credential
from unihire.outbound.client import Retry
from unihire.outbound.paging import NextLink, WholeList
from unihire.sync.run import Report

TOO_DEEP: Any = json.loads("[" * 150 + "]" * 150)
"""With this in it, a row is refused before it is mapped, and its id is known."""

HERE = AddressPolicy((ip_network("127.0.0.0/8"),))
"""Where the servers of tests are."""

IMPATIENT = Retry(attempts=6, first=0.005, longest=0.02, timeout=30)
LIST = NextLink(items="rows", link=("next",), page_size={"limit": "2"})

Answerer = Callable[[web.Request], Any]


@dataclass
class Vendor:
    """The vendor's server: `lists` by path, each a list of rows; `answers` come before them, by path, one at a time.

    `behind` is how far its clock is behind ours.
    """

    base_url: str = ""
    lists: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    answers: dict[str, list[Answerer]] = field(default_factory=dict)
    log: list[web.Request] = field(default_factory=list)
    token_seconds: float = 3600
    behind: timedelta = timedelta()
    tokens: int = 0

    def will(self, path: str, *answers: Answerer) -> None:
        """Let the next calls of `path` be answered so."""
        self.answers.setdefault(path, []).extend(answers)

    def count(self, path: str) -> int:
        """How often it was asked for."""
        return sum(1 for request in self.log if request.path == path)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        answer = await self._answer(request)
        if self.behind:
            answer.headers["Date"] = format_datetime(datetime.now(UTC) - self.behind, usegmt=True)
        return answer

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        await request.read()  # so that a test can look at it later
        self.log.append(request)
        queued = self.answers.get(request.path)
        if queued:
            answer = queued.pop(0)(request)
            return await answer if asyncio.iscoroutine(answer) else answer
        if request.path == "/token":
            self.tokens += 1
            return say({"access_token": f"token-{self.tokens}", "expires_in": self.token_seconds})
        path, _, row_id = request.path.rpartition("/")
        if request.path in self.lists:
            return self.page(request)
        row = next((row for row in self.lists.get(path, []) if str(row.get("id")) == row_id), None)
        return say({"error": "none"}, 404) if row is None else say(row)

    def page(self, request: web.Request) -> web.Response:
        """A page of the list asked for: of rows since a moment, of these ids, with these values in another member."""
        rows = self.lists[request.path]
        since = request.query.get("since")
        if since is not None:
            rows = [row for row in rows if row.get("at", "") > since]
        for name in ("ids", *(name for name in request.query if name.endswith("_ids"))):
            if name in request.query:
                member, wanted = name.removesuffix("s"), request.query[name].split(",")
                rows = [row for row in rows if str(row.get(member)) in wanted]
        start, limit = int(request.query.get("from", 0)), int(request.query.get("limit", 1000))
        following = None
        if start + limit < len(rows):
            following = f"{self.base_url}{request.path}?" + "&".join(
                f"{name}={value}" for name, value in {**request.query, "from": start + limit}.items()
            )
        return say({"rows": rows[start : start + limit], "next": following})


def say(body: Any, status: int = 200, **headers: str) -> web.Response:
    """An answer; `body` bytes as they are, anything else as JSON."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return web.Response(body=data, status=status, headers=named, content_type="application/json")


async def cut(request: web.Request) -> web.StreamResponse:
    """Announce more than is sent, then hang up."""
    response = web.StreamResponse(headers={"Content-Length": "1000"})
    await response.prepare(request)
    await response.write(b'{"rows": [')
    assert request.transport is not None
    request.transport.close()
    return response


@asynccontextmanager
async def run_vendor() -> AsyncIterator[Vendor]:
    vendor = Vendor()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", vendor.handle)
    async with TestServer(app) as server:
        vendor.base_url = str(server.make_url("")).rstrip("/")
        yield vendor


def to_job(source: Source) -> Job:
    row = source.row
    department = row.get("department")
    return Job(
        remote_id=row["id"],
        name=row["name"],
        code=row.get("code"),
        departments=[department["id"]] if department else None,
    )


def to_department(source: Source) -> Department:
    return Department(remote_id=source.row["id"], name=source.row["name"])


def to_stage(source: Source) -> JobInterviewStage:
    return JobInterviewStage(remote_id=source.row["id"], name=source.row["name"])


def to_candidate(source: Source) -> Candidate:
    notes = source.details.get("notes", [])
    return Candidate(remote_id=source.row["id"], first_name=source.row["name"], tags=[note["text"] for note in notes])


def list_departments(row: dict[str, Any]) -> list[dict[str, Any]]:
    return [row["department"]] if row.get("department") else []


def since(moment: datetime) -> dict[str, str]:
    return {"since": moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")}


ACME = Integration(
    slug="acme",
    name="Acme Hire",
    website="https://acme.example",
    base_url="https://api.acme.example",
    auth=ClientCredentials(
        token_path="/token",
        credentials=(Credential("client_id", "Id", ""), Credential("client_secret", "Secret", "", is_secret=True)),
    ),
    streams=(
        Stream(
            name="pipelines",
            path="/pipelines",
            paging=WholeList(items="rows"),
            id_of=lambda row: row["id"],
            mappings=(RecordMapping(JobInterviewStage, to_stage, split=lambda row: row["stages"]),),
        ),
        Stream(
            name="jobs",
            path="/jobs",
            by_id="/jobs/{id}",
            paging=LIST,
            id_of=lambda row: row["id"],
            changed_since=since,
            mappings=(RecordMapping(Job, to_job), RecordMapping(Department, to_department, split=list_departments)),
            permission="jobs:read",
        ),
        Stream(
            name="people",
            path="/people",
            by_id="/people/{id}",
            paging=LIST,
            id_of=lambda row: row["id"],
            changed_since=since,
            mappings=(RecordMapping(Candidate, to_candidate),),
            details=(
                Detail(
                    name="notes",
                    path="/people/{id}/notes",
                    paging=WholeList(items="rows"),
                    needed=lambda row: row["state"].lower() == "noted",
                    version=lambda row: str(row.get("at")),
                ),
            ),
        ),
    ),
    cannot={},
)
"""An integration like any other, with a list without marker, parts of rows and details of rows."""


def stage(id: str) -> dict[str, Any]:
    return {"id": id, "name": f"Stage {id}"}


def job(id: str, department: str = "d1", at: str = "2026-01-01T00:00:00", **others: Any) -> dict[str, Any]:
    return {"id": id, "name": f"Job {id}", "at": at, "department": {"id": department, "name": "D"}, **others}


def person(id: Any, state: Any = "plain", **others: Any) -> dict[str, Any]:
    return {"id": id, "name": f"Person {id}", "state": state, "at": "2026-01-01T00:00:00", **others}


def fill(vendor: Vendor) -> None:
    """Two pipelines, five jobs on three pages, and three people, one with notes."""
    vendor.lists = {
        "/pipelines": [{"id": "p1", "stages": [stage("s1"), stage("s2")]}, {"id": "p2", "stages": [stage("s3")]}],
        "/jobs": [job(number, department="d1" if number < "4" else f"d{number}") for number in "12345"],
        "/people": [person("1", state="noted"), person("2"), person("3")],
        "/people/1/notes": [{"text": "likes tea"}],
    }


def counts(report: Report, stream: str) -> tuple[int, int, int, int]:
    """Added, changed, deleted, quarantined."""
    found = next(part for part in report.streams if part.stream == stream)
    return found.added, found.changed, found.deleted, found.quarantined
