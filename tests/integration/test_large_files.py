"""Large files of writes: on disk on their way, whole at the vendor, known again by their hash, bounded in number."""

import asyncio
import base64
import contextlib
import hashlib
import json
import os
import sys
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
import pytest_asyncio
from aiohttp import BodyPartReader, web
from aiohttp.test_utils import TestServer

from testbed.databases import Databases
from testbed.large_files import send_file
from testbed.made_up_writes import declare_writes, take_everything
from testbed.tenants import make_tenant, open_api
from testbed.vendor import ACME
from testbed.waiting import until, within
from unihire.app import make_write_queue
from unihire.dialects.common import write_options
from unihire.integration import registry
from unihire.integration.operate import VendorCall, WriteContext
from unihire.integration.vendor_row import VendorRow
from unihire.integration.write import Given
from unihire.kit import file_contents
from unihire.kit.seal import Sealer
from unihire.model import INPUTS
from unihire.platform import context_writes
from unihire.platform.writing import sent_files
from unihire.settings import Settings
from unihire.store import Pool

MIB = 1024 * 1024
AT_ONCE = 20
LARGE = 20 * MIB - 1
MOST_GROWN = 64 * MIB
ATTACHMENTS = "/api/ats/v1/attachments"


@dataclass
class FileVendor:
    """A vendor that takes files and remembers their hashes, none of which it holds in memory; `/file/N` has N bytes."""

    base_url: str = ""
    taken: list[tuple[str, int, str]] = field(default_factory=list)
    """Path, size and hash of each file, in JSON of the whole body."""
    at_once: int = 1
    """How many large bodies are waited for, a while, before any of them is read."""
    waiting: Counter[str] = field(default_factory=Counter)
    there: dict[str, asyncio.Event] = field(default_factory=dict)

    async def take(self, request: web.Request) -> web.Response:
        if request.content_length is not None and request.content_length > LARGE:
            await self._wait_for_others(request.path)
        size, hashed = 0, hashlib.sha256()
        if request.path == "/form":
            part = await (await request.multipart()).next()
            assert isinstance(part, BodyPartReader)
            while chunk := await part.read_chunk(64 * 1024):
                size += len(chunk)
                hashed.update(chunk)
        else:
            async for chunk in request.content.iter_chunked(64 * 1024):
                size += len(chunk)
                hashed.update(chunk)
        self.taken.append((request.path, size, hashed.hexdigest()))
        return web.json_response({})

    async def _wait_for_others(self, path: str) -> None:
        there = self.there.setdefault(path, asyncio.Event())
        self.waiting[path] += 1
        if self.waiting[path] >= self.at_once:
            there.set()
        with contextlib.suppress(TimeoutError):
            await within(there.wait(), 10)

    async def give(self, request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse(headers={"Content-Type": "application/pdf"})
        await answer.prepare(request)
        left = int(request.match_info["size"])
        while left > 0:
            await answer.write(bytes(min(left, 64 * 1024)))
            left -= 64 * 1024
        return answer

    async def lose(self, request: web.Request) -> web.Response:
        return web.json_response({}, status=500)

    async def sign_in(self, request: web.Request) -> web.Response:
        return web.json_response({"access_token": "token", "expires_in": 3600})


@pytest_asyncio.fixture
async def vendor() -> AsyncIterator[FileVendor]:
    found = FileVendor()
    app = web.Application()
    app.router.add_post("/token", found.sign_in)
    app.router.add_post("/form", found.take)
    app.router.add_post("/json", found.take)
    app.router.add_post("/lost", found.lose)
    app.router.add_get("/file/{size}", found.give)
    async with TestServer(app) as server:
        found.base_url = str(server.make_url("")).rstrip("/")
        yield found


# Memory


@pytest.mark.parametrize("way", ["form", "address"])
async def test_large_files_at_once_are_in_no_memory(databases: Databases, vendor: FileVendor, way: str) -> None:
    vendor.at_once = AT_ONCE
    async with databases.create() as name:
        asked = {
            "database": databases.server.dsn(name), "home": str(databases.home), "vendor": vendor.base_url,
            "way": way, "count": AT_ONCE, "size": LARGE,
        }  # fmt: skip
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "testbed.large_files", stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )  # fmt: skip
        said, _ = await child.communicate(json.dumps(asked).encode())
    assert child.returncode == 0
    found = json.loads(said.splitlines()[-1])
    assert found["statuses"] == [200] * AT_ONCE
    large = [size for path, size, _ in vendor.taken if path == "/form" and size == LARGE]
    in_json = [size for path, size, _ in vendor.taken if path == "/json" and size > LARGE]
    assert (len(large), len(in_json)) == (AT_ONCE, AT_ONCE)
    assert vendor.waiting == {"/form": AT_ONCE, "/json": AT_ONCE}
    assert found["grown"] < MOST_GROWN, f"{found['grown'] // MIB} MiB"


# One large file


@dataclass(frozen=True)
class Writing:
    """A connector to the vendor, to whose attachments files are written twice: in a form and in JSON."""

    api: httpx.AsyncClient
    vendor: FileVendor
    settings: Settings
    pool: Pool
    sealer: Sealer

    async def post(self, content: bytes, key: str | None = None, **query: str) -> httpx.Response:
        headers = {} if key is None else {"X-Idempotency-Key": key}
        files = {"file": ("cv.pdf", content, "application/pdf")}
        return await self.api.post(ATTACHMENTS, files=files, headers=headers, params=query)


def list_sent(content: bytes) -> list[tuple[str, str]]:
    """What the vendor remembers of a file."""
    return [("/form", hash_of(content)), ("/json", hash_of(b'{"content":"' + base64.b64encode(content) + b'"}'))]


def hash_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@pytest_asyncio.fixture
async def writing(
    databases: Databases, vendor: FileVendor, sealer: Sealer, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Writing]:
    monkeypatch.setattr(registry, "list_integrations", lambda: (ACME,))
    settings = databases.settings("migrated", allowed_networks="127.0.0.0/8")
    write = take_everything(INPUTS["attachment", "create"], run=send_file, rules=(), stream="jobs")
    with declare_writes([write]):
        async with databases.open() as pool:
            tenant = await make_tenant(pool, sealer, base_url=vendor.base_url)
            async with open_api(settings, tenant, sealer) as api:
                yield Writing(api, vendor, settings, pool, sealer)


async def test_large_file_of_a_form_is_whole_at_the_vendor(writing: Writing) -> None:
    for size in (file_contents.IN_MEMORY, file_contents.IN_MEMORY + 1, 3 * MIB + 1):
        content = os.urandom(size)
        writing.vendor.taken.clear()
        answer = await writing.post(content)
        assert answer.status_code == 200, answer.text
        assert [(path, hashed) for path, _, hashed in writing.vendor.taken] == list_sent(content)


async def test_large_file_is_the_same_write_under_its_key_and_another_one_is_not(writing: Writing) -> None:
    content = os.urandom(2 * MIB)
    first = await writing.post(content, "one")
    again = await writing.post(content, "one")
    assert (again.status_code, again.json()) == (200, first.json())
    assert again.headers["Idempotency-Replayed"] == "true"
    assert len(writing.vendor.taken) == 2
    assert (await writing.post(content[:-1] + b"x", "one")).status_code == 409


async def test_large_file_that_is_written_later_is_whole(writing: Writing) -> None:
    content = os.urandom(2 * MIB)
    answer = await writing.post(content, **{"async": "true"})
    assert answer.status_code == 202, answer.text
    queue = make_write_queue(writing.settings, writing.pool, writing.sealer)
    working = asyncio.create_task(queue.run())

    async def is_over() -> bool:
        noted = await writing.api.get(f"/api/v1/writes/{answer.json()['write_id']}")
        return noted.json()["outcome"] == "done"

    try:
        await until(is_over)
    finally:
        queue.stop()
        await working
    assert [(path, hashed) for path, _, hashed in writing.vendor.taken] == list_sent(content)


async def test_large_file_is_shown_by_its_size_where_nothing_is_sent(writing: Writing) -> None:
    planned = (await writing.post(bytes(2 * MIB), dry_run="true")).json()
    form, in_json = (call["body"] for call in planned["calls"])
    assert " bytes of multipart/form-data" in form
    assert in_json == {"content": f"{len(base64.b64encode(bytes(2 * MIB))):,} characters of base64"}
    assert writing.vendor.taken == []


async def test_lost_write_of_a_large_file_is_looked_for_without_it(
    writing: Writing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(context_writes, "LOOK_PAUSES", (0.0,))
    sizes = []

    async def is_there() -> bool:
        return False

    async def lose(context: WriteContext, given: Given[Any]) -> VendorRow:
        sizes.append(given.files[0].content.size)
        context.plan(["attachment"])
        await context.change("attachment", VendorCall(path="/lost"), stream="jobs", id="1", holds=is_there)
        return VendorRow("jobs", {"id": "1"})

    write = take_everything(INPUTS["attachment", "create"], run=lose, rules=(), stream="jobs")
    with declare_writes([write]):
        lost = await writing.post(bytes(2 * MIB))
        assert lost.status_code == 502, lost.text
        (stored,) = await writing.pool.fetch("SELECT body FROM unified_write")
        assert len(stored["body"]) < 1_000
        settled = await writing.api.post(f"/api/v1/writes/{lost.json()['write_id']}/resolve")
        assert settled.json()["outcome"] == "not_made"
    assert sizes == [2 * MIB, 2 * MIB]


async def test_file_that_is_too_large_is_refused_by_its_field(writing: Writing) -> None:
    sent = await writing.post(bytes(20 * MIB + 1))
    assert (sent.status_code, sent.json()["detail"][0]["loc"]) == (422, ["body", "file_content"])
    url = f"{writing.vendor.base_url}/file/{20 * MIB + 1}"
    fetched = await writing.api.post(ATTACHMENTS, json={"file_name": "cv.pdf", "file_url": url})
    assert (fetched.status_code, fetched.json()["detail"][0]["loc"]) == (422, ["body", "file_url"])


async def test_files_of_one_write_are_fetched_up_to_a_sum(writing: Writing, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sent_files, "MOST_FETCHED", 3 * MIB)
    write = take_everything(INPUTS["candidate", "create"], rules=(), stream="people")
    with declare_writes([write]):
        files = [{"file_name": "cv.pdf", "file_url": f"{writing.vendor.base_url}/file/{2 * MIB}"}] * 2
        answer = await writing.api.post("/api/ats/v1/candidates", json={"first_name": "Kim", "attachments": files})
    assert answer.status_code == 422, answer.text
    assert "larger than 3 MiB together" in answer.json()["detail"][0]["msg"]


async def test_file_without_room_on_disk_may_be_sent_again(writing: Writing, monkeypatch: pytest.MonkeyPatch) -> None:
    used = file_contents._Disk.used
    monkeypatch.setattr(file_contents, "MOST_ON_DISK", used + 3 * MIB)
    url = f"{writing.vendor.base_url}/file/{4 * MIB}"
    for answer in (
        await writing.post(bytes(4 * MIB)),
        await writing.api.post(ATTACHMENTS, json={"file_name": "cv.pdf", "file_url": url}),
    ):
        assert answer.status_code == 503, answer.text
        assert answer.headers["Retry-After"] == "5"
    assert (await writing.post(bytes(2 * MIB))).status_code == 200
    assert file_contents._Disk.used == used


async def test_large_bodies_in_memory_take_turns(writing: Writing, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(write_options, "WAIT_SECONDS", 0.2)
    running, most, goes_on = 0, 0, asyncio.Event()

    async def wait(context: WriteContext, given: Given[Any]) -> VendorRow:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await within(goes_on.wait())
        return VendorRow("jobs", {"id": "made"})

    write = take_everything(INPUTS["attachment", "create"], run=wait, rules=(), stream="jobs")
    body = {"file_name": "cv.pdf", "file_content": base64.b64encode(bytes(2 * MIB)).decode()}
    with declare_writes([write]):
        asked = [
            asyncio.create_task(writing.api.post(ATTACHMENTS, json=body))
            for _ in range(write_options.LARGE_AT_ONCE + 2)
        ]
        late, _ = await asyncio.wait(asked, return_when=asyncio.FIRST_COMPLETED)
        assert {one.result().status_code for one in late} == {503}

        async def are_refused() -> bool:
            return sum(one.done() for one in asked) == 2

        await until(are_refused)
        small = {"file_name": "cv.pdf", "file_content": "aGk="}
        beside = asyncio.create_task(writing.api.post(ATTACHMENTS, json=small))

        async def is_running() -> bool:
            return running == write_options.LARGE_AT_ONCE + 1

        await until(is_running)
        goes_on.set()
        answers = [*(await asyncio.gather(*asked)), await beside]
    assert Counter(one.status_code for one in answers) == {200: write_options.LARGE_AT_ONCE + 1, 503: 2}
    assert most == write_options.LARGE_AT_ONCE + 1
