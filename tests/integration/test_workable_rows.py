"""Workable's rows through a sync: found by lists, by their ids and with what belongs to them, and gone with it."""

from collections.abc import AsyncIterator

import httpx
import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestServer

from testbed.tenants import Tenant, make_tenant, open_api, read_all
from testbed.vendor import IMPATIENT, say
from unihire.integration.declare import Data
from unihire.integration.inspect import list_cases
from unihire.integration.registry import get_integration
from unihire.kit.seal import Sealer
from unihire.model import MODELS
from unihire.platform.connectors import open_client
from unihire.settings import Settings
from unihire.store import Pool
from unihire.sync.rows_by_id import Touched, sync_touched_rows

WORKABLE = get_integration("workable")
CASES = {(case.stream, case.name): case.given for case in list_cases(WORKABLE)}
PEOPLE = [
    CASES["candidates", name]
    for name in (
        "everything",
        "hired_with_an_offer",
        "ended_for_a_reason_that_is_gone",
        "in_the_talent_pool",
        "rated_negative",
    )
]
PAGE = 2
BASE = "/spi/v3/"
"""What paths begin with."""


class Account:
    """An account with the rows of the fixtures, and their details."""

    def __init__(self) -> None:
        self.base_url = ""
        self.people = {f"2727{at}": {**given.row, "id": f"2727{at}"} for at, given in enumerate(PEOPLE)}
        self.details = {f"2727{at}": given.details for at, given in enumerate(PEOPLE)}
        self.jobs = {"9CD658E13E": CASES["jobs", "everything"]}
        self.signed = 0
        self.asked: list[str] = []

    async def answer(self, request: web.Request) -> web.StreamResponse:
        assert request.headers["Authorization"] == "Bearer made-up-token"
        self.asked.append(request.path)
        assert request.path.startswith(BASE)
        match request.path.removeprefix(BASE).split("/"):
            case ["candidates"]:
                return self._page(request)
            case ["candidates", id, *rest] if id in self.people:
                return self._show(id, rest)
            case ["jobs"]:
                return say({"jobs": [given.row for given in self.jobs.values()]})
            case ["jobs", code] if code in self.jobs:
                return say(self.jobs[code].details["info"][0])
            case ["jobs", code, part] if code in self.jobs:
                name = "team" if part == "members" else part
                return say({part: self.jobs[code].details[name]})
            case ["departments" | "disqualification_reasons" as name]:
                return say(list_rows(name))
            case ["members" | "events" as name]:
                return say({name: list_rows(name)})
            case ["stages"]:
                return say({"stages": CASES["jobs", "everything"].details["stages"]})
            case ["custom_attributes"]:
                return say({"custom_attributes": []})
        return say({"error": "Not found"}, 404)

    def _page(self, request: web.Request) -> web.StreamResponse:
        first, last = request.query.get("since_id", ""), request.query.get("max_id", "9")
        since = request.query.get("updated_after", "")
        rows = [row for id, row in self.people.items() if first <= id <= last and row["updated_at"] >= since]
        following = (
            {"paging": {"next": f"{self.base_url}{BASE}candidates?since_id={rows[PAGE]['id']}"}} if rows[PAGE:] else {}
        )
        return say({"candidates": rows[:PAGE], **following})

    def _show(self, id: str, rest: list[str]) -> web.StreamResponse:
        details = self.details[id]
        match rest:
            case []:
                self.signed += 1
                known = dict(details.get("profile", [{}])[0])
                if known.get("resume_url"):
                    known["resume_url"] = f"https://files.example.com/cv.pdf?X-Amz-Signature={self.signed:02x}"
                return say({"candidate": {**self.people[id], **known, "id": id}})
            case ["offer"]:
                return say({**details.get("offer", [{}])[0], "candidate": {"id": id}})
            case [name]:
                return say({name: details.get(name, [])})
        raise AssertionError(rest)

    def remove(self, id: str) -> None:
        del self.people[id]


def list_rows(stream: str) -> list[Data]:
    """One row of each id among the fixtures of a stream."""
    return list({given.row["id"]: given.row for (name, _), given in CASES.items() if name == stream}.values())


@pytest_asyncio.fixture
async def account() -> AsyncIterator[Account]:
    account, app = Account(), web.Application()
    app.router.add_route("*", "/{path:.*}", account.answer)
    async with TestServer(app) as server:
        account.base_url = str(server.make_url("")).rstrip("/")
        yield account


@pytest_asyncio.fixture
async def tenant(pool: Pool, sealer: Sealer, account: Account) -> Tenant:
    return await make_tenant(
        pool, sealer, integration=WORKABLE, base_url=account.base_url,
        credentials={"subdomain": "example", "api_token": "made-up-token"},
    )  # fmt: skip


@pytest_asyncio.fixture
async def api(tenant: Tenant) -> AsyncIterator[httpx.AsyncClient]:
    async with open_api(Settings(), tenant) as client:
        yield client


async def touch(tenant: Tenant, *ids: str) -> list[tuple[int, int, int]]:
    """Read candidates by their ids: what was added, changed and deleted, of streams in which something was."""
    client = open_client(
        WORKABLE, tenant.credentials, tenant.connector.base_url, is_base_url_trusted=True, retry=IMPATIENT
    )
    async with client:
        reread = await sync_touched_rows(tenant.pool, tenant.connector, WORKABLE, client, {"candidates": Touched(ids)})
    found = [(one.added, one.changed, one.deleted) for one in reread.counts]
    return [one for one in found if any(one)]


async def ids_of(api: httpx.AsyncClient, plural: str) -> set[str]:
    return {record["remote_id"] for record in await read_all(api, plural)}


async def test_every_model_is_read_and_read_again_nothing_has_changed(
    tenant: Tenant, account: Account, api: httpx.AsyncClient
) -> None:
    report = await tenant.sync()
    assert (report.status, report.errors) == ("done", {})
    assert [one.quarantined for one in report.streams] == [0] * len(report.streams)
    given = {name: await read_all(api, spec.plural) for name, spec in MODELS.items() if spec.is_native}
    assert {name for name, records in given.items() if not records} == {"eeoc", "tag"}
    stages = {record["id"] for record in given["job_interview_stage"]}
    (jane,) = [record for record in given["application"] if record["remote_id"] == "27270"]
    assert jane["current_stage"] in stages
    assert jane["job"] == given["job"][0]["id"]
    again = await tenant.sync(full=True)
    assert [(one.added, one.changed, one.deleted) for one in again.streams] == [(0, 0, 0)] * len(again.streams)


async def test_candidate_asked_for_by_the_id_is_the_one_of_the_list(
    tenant: Tenant, account: Account, api: httpx.AsyncClient
) -> None:
    await tenant.sync()
    account.asked.clear()
    assert await touch(tenant, "27270", "27271") == []
    assert account.signed > len(PEOPLE), "profiles were read again, with other signatures"
    assert account.asked.count(f"{BASE}candidates") == 2


async def test_candidate_that_is_gone_goes_with_all_that_is_the_candidates(
    tenant: Tenant, account: Account, api: httpx.AsyncClient
) -> None:
    await tenant.sync()
    account.remove("27270")
    (found,) = await touch(tenant, "27270")
    assert found[:2] == (0, 0)
    account.remove("27271")
    report = await tenant.sync(full=True)
    assert (report.status, report.errors) == ("done", {})
    assert await ids_of(api, "candidates") == await ids_of(api, "applications") == {"27272", "27273", "27274"}
    assert await ids_of(api, "offers") == set()
    people = {record["id"] for record in await read_all(api, "candidates")}
    for plural in ("activities", "attachments"):
        assert {record["candidate"] for record in await read_all(api, plural)} <= people


async def test_job_that_no_complete_read_shows_goes_with_its_stages_and_questions(
    tenant: Tenant, account: Account, api: httpx.AsyncClient
) -> None:
    await tenant.sync()
    assert await ids_of(api, "screening-questions")
    account.jobs = {}
    await tenant.sync(full=True)
    for plural in ("jobs", "job-interview-stages", "screening-questions"):
        assert await ids_of(api, plural) == set()
