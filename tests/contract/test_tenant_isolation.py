"""Two organisations with two environments of two connectors: nothing of one shows to a key of another, on any route.

Requests are made up from the seed: a route of the application's table, a key of one environment, and ids, tokens,
cursors and names of another in every place that takes some. What is looked for in the answer is everything that names
the other environment's things and was not in the request itself.
"""

import asyncio
import json
import random
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
import pytest_asyncio

from testbed.databases import Databases
from testbed.effort import count
from testbed.event_log import save_logged
from testbed.every_route import RouteCall, list_closed_calls
from testbed.records import id_in
from testbed.tenants import make_tenant, serve_app
from testbed.vendor import ACME
from unihire.app import create_app
from unihire.kit.seal import Sealer
from unihire.platform.access import SCOPES
from unihire.platform.connectors import create_connector
from unihire.platform.organisations import create_key
from unihire.settings import Settings
from unihire.store import Pool
from unihire.store.issues import open_issue
from unihire.store.work.runs import ask_run

REQUESTS = count(100_000, 2_000)
SEED = 20_261_201
AT_ONCE = 16


@dataclass(frozen=True, slots=True)
class Owner:
    """An organisation's environment: what calls it, what names its things, and what of these opens something."""

    name: str
    key: str
    tokens: Sequence[str]
    connectors: Sequence[str]
    marks: frozenset[str]
    """Texts that name its things, and nobody else's."""
    ids: dict[str, list[str]] = field(default_factory=dict)
    """Ids of its things, by what they are of."""
    cursors: list[str] = field(default_factory=list)
    weak_keys: Sequence[str] = ()
    """Other keys of it: of one scope each, and one that is limited to a model."""


async def make_owner(api: httpx.AsyncClient, pool: Pool, sealer: Sealer, organisation: str, environment: str) -> Owner:
    """With two connectors, records, runs, issues, webhooks, keys and lines of the audit trail."""
    name = f"{organisation}-{environment}"
    first = await make_tenant(pool, sealer, organisation=organisation, environment=environment)
    made = await create_connector(
        pool, sealer, organisation=first.organisation, environment=environment, integration=ACME,
        end_user=f"customer-{name}", origin_id=f"origin-{name}", credentials=first.credentials,
    )  # fmt: skip
    key_id, key = await create_key(pool, first.organisation, environment, f"key-{name}", scopes=SCOPES)
    weak = [await create_key(pool, first.organisation, environment, f"key-{name}", scopes=[one]) for one in SCOPES]
    weak.append(await create_key(pool, first.organisation, environment, f"key-{name}", models=["candidate"]))
    number = await pool.fetchval("SELECT number FROM connector WHERE id = $1", made.id)
    await pool.execute("UPDATE connector SET end_user = $2 WHERE id = $1", first.connector.id, f"client-{name}")
    ids: dict[str, list[str]] = {"keys": [str(key_id)], "records": [], "runs": [], "webhooks": []}
    for model in ("candidate", "application", "job", "tag", "offer"):
        row = {"remote_id": f"remote-{name}"}
        row |= {"candidate": {"first_name": f"first-{name}"}, "job": {"name": f"title-{name}"}}.get(model, {})
        await save_logged(first, model, row)
        ids["records"].append(id_in(first, model, row["remote_id"]))
    async with pool.acquire() as connection, connection.transaction():
        ids["runs"].append(str((await ask_run(connection, first.connector.number, full=True)).id))
    await open_issue(pool, number, "fault", f"issue-{name}")
    await open_issue(pool, first.connector.number, "fault", f"trouble-{name}")
    headers = {"Authorization": f"Bearer {key}"}
    hook = await api.post(
        "/api/v1/webhooks", headers=headers,
        json={"url": f"https://example.com/url-{name}", "name": f"hook-{name}", "description": f"words-{name}"},
    )  # fmt: skip
    assert hook.status_code == 201, hook.text
    ids["webhooks"].append(hook.json()["webhook_id"])
    cursors = [(await api.get("/api/v1/events", headers=headers)).json()["cursor"]]
    for path in ("/api/v1/keys", "/api/v1/audit", "/api/ats/v1/connectors", "/api/ats/v1/integrations"):
        page = await api.get(path, params={"page_size": 1}, headers=headers)
        cursors += [page.json()["cursor"]] if page.json()["cursor"] else []
    connectors = [str(first.connector.id), str(made.id)]
    weak_keys = [one for _, one in weak]
    ids["keys"] += [str(id) for id, _ in weak]
    secrets = [key, *weak_keys, first.key, first.token, made.token, hook.json()["secret"]]
    known = [one for some in ids.values() for one in some]
    words = [f"{word}-{name}" for word in WORDS]
    return Owner(
        name, key, (first.token, made.token), connectors, frozenset((*connectors, *secrets, *known, *words)), ids,
        cursors, weak_keys,
    )  # fmt: skip


WORDS = (
    "customer", "origin", "client", "remote", "first", "title", "issue", "trouble", "key", "url", "hook", "words",
)  # fmt: skip
"""What its names begin with."""


@dataclass(frozen=True, slots=True)
class Request:
    """A made-up request, and all that it says."""

    call: RouteCall
    url: str
    params: dict[str, str]
    headers: dict[str, str]
    body: str | None

    @property
    def text(self) -> str:
        return " ".join((self.url, json.dumps(self.params), json.dumps(self.headers), self.body or ""))


class RequestMaker:
    """Makes requests of one owner about another's things."""

    def __init__(self, calls: Sequence[RouteCall], seed: int) -> None:
        self._calls = calls
        self._random = random.Random(seed)

    def make(self, at: int, caller: Owner, other: Owner) -> Request:
        """Every route comes in turn."""
        call, pick = self._calls[at % len(self._calls)], self._random
        foreign = [one for some in other.ids.values() for one in some] + list(other.connectors)
        values = {name: pick.choice(self._choose(name, call, other, foreign)) for name in call.params}
        key = pick.choice(caller.weak_keys) if pick.random() < 0.3 else caller.key
        headers = {"Authorization": f"Bearer {key}"}
        if pick.random() < 0.9:
            headers["X-Connector-Token"] = pick.choice(other.tokens if pick.random() < 0.5 else caller.tokens)
        params = {}
        for name in pick.sample(PARAMS, pick.choice((0, 0, 1, 1, 2))):
            params[name] = pick.choice(self._choose(name, call, other, foreign))
        body = None
        if call.method in ("POST", "PUT", "PATCH"):
            body = pick.choice(("", "{}", json.dumps(self._make_body(other, foreign))))
        return Request(call, call.fill(values), params, headers, body)

    def _choose(self, name: str, call: RouteCall, other: Owner, foreign: list[str]) -> Sequence[str]:
        match name:
            case "connector_id":
                return other.connectors
            case "name":
                return ("acme", f"tag-of-{other.name}")
            case "version":
                return ("1.0",)
            case "cursor":
                return other.cursors
            case "connector_token":
                return other.tokens
            case "origin_id" | "remote_id" | "first_name":
                return (f"origin-{other.name}", f"remote-{other.name}", f"first-{other.name}")
            case "expand":
                return ("candidate", "job", "applications")
            case "include_record" | "include_raw_data":
                return ("true",)
            case "id" if "webhooks" in call.path:
                return other.ids["webhooks"]
            case "id" if "keys" in call.path:
                return other.ids["keys"]
            case "id" if "syncs" in call.path:
                return other.ids["runs"]
            case "id" if call.path == "/api/ats/v1/connectors/{id}":
                return other.connectors
        return foreign

    def _make_body(self, other: Owner, foreign: list[str]) -> dict[str, Any]:
        pick = self._random
        members: dict[str, Any] = {
            "url": "https://example.com/mine", "name": "mine", "connector_ids": [pick.choice(other.connectors)],
            "environment": "development", "candidate": pick.choice(foreign), "job": pick.choice(foreign),
            "operation": "list_jobs", "input": {}, "authId": pick.choice(other.connectors), "scopes": ["read"],
            "log_ids": [pick.choice(foreign)], "old_valid_for": "0", "data": {"first_name": "x"}, "every": "1h",
        }  # fmt: skip
        return {name: members[name] for name in pick.sample(list(members), pick.choice((1, 2, 3)))}


PARAMS = (
    "connector_id", "cursor", "origin_id", "remote_id", "first_name", "connector_token", "ids", "candidate",
    "object_id", "webhook_id", "expand", "include_record", "include_raw_data",
)  # fmt: skip

# Everything that a request of another could have changed.
READ_STATE = """
    SELECT (SELECT json_agg(c ORDER BY c.id) FROM (
            SELECT id, organisation, environment, end_user, token_hash, sync_every, is_paused, credentials_version
            FROM connector WHERE id = ANY($1::text[]::uuid[])) AS c)::text
        || (SELECT json_agg(k ORDER BY k.id) FROM (
            SELECT id, name, scopes, models, ends_at, revoked_at
            FROM api_key WHERE id = ANY($2::text[]::uuid[])) AS k)::text
        || (SELECT json_agg(e ORDER BY e.id) FROM (
            SELECT id, url, name, events, is_enabled FROM endpoint WHERE id = ANY($3::text[]::uuid[])) AS e)::text
        || (SELECT json_agg(r ORDER BY r.id) FROM (
            SELECT id, status FROM sync_run WHERE id = ANY($4::text[]::uuid[])) AS r)::text
        || (SELECT count(*) FROM record WHERE connector IN (
            SELECT number FROM connector WHERE id = ANY($1::text[]::uuid[])))::text
"""


async def read_state(pool: Pool, owner: Owner) -> str:
    ids = owner.ids
    found: str = await pool.fetchval(READ_STATE, owner.connectors, ids["keys"], ids["webhooks"], ids["runs"])
    return found


@pytest_asyncio.fixture
async def served(
    databases: Databases, pool: Pool, sealer: Sealer, acme: None
) -> AsyncIterator[tuple[httpx.AsyncClient, Sequence[RouteCall]]]:
    settings: Settings = databases.settings("migrated")
    app = create_app(settings, pool, sealer)
    async with serve_app(app) as client:
        yield client, list_closed_calls(app)


@pytest.mark.timeout(1_800)
async def test_nothing_of_one_environment_shows_to_a_key_of_another(
    served: tuple[httpx.AsyncClient, Sequence[RouteCall]], pool: Pool, sealer: Sealer
) -> None:
    api, calls = served
    owners = [
        await make_owner(api, pool, sealer, organisation, environment)
        for organisation in ("alpha", "beta")
        for environment in ("production", "development")
    ]
    maker = RequestMaker(calls, SEED)
    statuses: dict[int, int] = {}
    room = asyncio.Semaphore(AT_ONCE)

    async def ask(request: Request, caller: Owner, others: Sequence[Owner]) -> None:
        async with room:
            answer = await api.request(
                request.call.method, request.url, params=request.params, headers=request.headers, content=request.body
            )
        assert answer.status_code < 500 or answer.status_code == 501, (request, answer.text)
        statuses[answer.status_code] = statuses.get(answer.status_code, 0) + 1
        shown = answer.text + " ".join(f"{name}: {value}" for name, value in answer.headers.items())
        said = request.text
        for other in others:
            leaked = [mark for mark in other.marks if mark in shown and mark not in said]
            assert not leaked, (request, leaked, answer.text)

    # Before requests of its own would change it: each owner is only ever asked about by the others.
    before = [await read_state(pool, owner) for owner in owners]
    pairs = [(caller, other) for caller in owners for other in owners if caller is not other]
    asked = []
    for at in range(REQUESTS):
        caller, other = pairs[at % len(pairs)]
        request = maker.make(at // len(pairs) + at, caller, other)
        if is_about_itself(request):
            continue
        asked.append(ask(request, caller, [one for one in owners if one is not caller]))
        if len(asked) == 500:
            await asyncio.gather(*asked)
            asked.clear()
    await asyncio.gather(*asked)
    assert [await read_state(pool, owner) for owner in owners] == before
    assert {401, 403, 404, 422} - {403} <= statuses.keys(), statuses
    assert statuses.get(200, 0) > REQUESTS // 20, statuses


CHANGES = ("/pause", "/resume", "/cancel", "/resync", "/api/v1/syncs", "/api/v1/schedule")
"""The ends of calls that change what the caller's own token opens."""


def is_about_itself(request: Request) -> bool:
    """Whether the call would change the caller's own connector, which the state of others is not compared for."""
    return (
        request.call.method in ("POST", "PUT")
        and request.call.path.endswith(CHANGES)
        and ("connector_id" not in request.call.params)
    )
