"""Keys, tokens and ids open their own organisation's doors only, and stop at once when they end."""

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any
from urllib.parse import quote

import asyncpg
import httpx
import msgspec
import pytest
import pytest_asyncio

from testbed.databases import Databases
from testbed.effort import pick
from testbed.records import id_in, make_row, save
from testbed.tenants import Tenant, make_tenant, open_api, read_all, read_pages
from testbed.waiting import within
from unihire.app import create_app
from unihire.dialects.bindbee.face import NATIVE
from unihire.dialects.common.faces import Face
from unihire.dialects.unihire.records import OWN
from unihire.errors import ConfigError
from unihire.kit.seal import Sealer, new_key
from unihire.model import ModelSpec
from unihire.outbound.auth import Grant
from unihire.platform.access import REMEMBERED_SECONDS, Access
from unihire.platform.connectors import NewConnector, open_connector_client
from unihire.platform.organisations import create_key, ensure_organisation, list_keys, list_organisations, revoke_key
from unihire.settings import Settings
from unihire.store import Pool
from unihire.store.accounts.tenancy import delete_connector

JOBS = "/api/ats/v1/jobs"


async def wait_until_closed(client: httpx.AsyncClient, *, seconds: float) -> None:
    async with asyncio.timeout(seconds):
        for _ in itertools.count():
            if (await client.get(JOBS)).status_code == 401:
                return
            await asyncio.sleep(0.005)


LISTENERS = """
    SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state = 'idle' AND query LIKE 'LISTEN%'
"""


async def wait_until_listening(pool: Pool, apps: int) -> None:
    """An app that begins to listen forgets what it remembered: only after that is it the news that closes a door."""
    async with asyncio.timeout(5):
        for _ in itertools.count():
            if await pool.fetchval(LISTENERS) == apps:
                return
            await asyncio.sleep(0.01)


@pytest_asyncio.fixture
async def filled(tenant: Tenant, other_tenant: Tenant) -> AsyncIterator[tuple[Tenant, Tenant]]:
    """Two tenants with a record of each model, the vendor's ids the same."""
    for owner in (tenant, other_tenant):
        for spec in OWN.models:
            await save(owner, spec.name, make_row(spec, 1))
    yield tenant, other_tenant


@pytest.mark.parametrize(
    ("face", "spec"),
    [(face, spec) for face in (NATIVE, OWN) for spec in pick(face.models, 4)],
    ids=lambda value: getattr(value, "name", None) or value.path,
)
async def test_id_of_another_organisation_is_not_there_whatever_way_it_is_asked_for(
    api: httpx.AsyncClient, filled: tuple[Tenant, Tenant], face: Face, spec: ModelSpec
) -> None:
    _, other = filled
    path, foreign = f"{face.path}/{spec.plural}", id_in(other, spec.name, "1")
    assert (await api.get(f"{path}/{foreign}", headers=other.headers)).status_code == 200
    assert (await api.get(f"{path}/{foreign}")).status_code == 404
    assert await read_pages(api, path, ids=foreign) == []
    assert len(await read_pages(api, path)) == 1
    for param in face.filters[spec]:
        if param.field.to:
            assert await read_pages(api, path, **{param.name: id_in(other, param.field.to, "1")}) == []


async def test_relation_never_expands_into_another_connector(tenant: Tenant, other_tenant: Tenant, api: Any) -> None:
    await save(other_tenant, "job", {"remote_id": "j", "name": "Secret"})
    await save(tenant, "application", {"remote_id": "a", "job": "j"})
    ours, theirs = id_in(tenant, "job", "j"), id_in(other_tenant, "job", "j")
    body = await tenant.pool.fetchval("SELECT body FROM record WHERE model = 2")
    await tenant.pool.execute(
        "UPDATE record SET body = $1 WHERE model = 2", body.replace(ours.encode(), theirs.encode())
    )
    (item,) = await read_all(api, "applications", expand="job")
    assert item["job"] == theirs  # an id that leads nowhere from here


async def test_key_and_token_must_be_of_one_organisation_and_environment(
    api: httpx.AsyncClient, pool: Pool, sealer: Sealer, tenant: Tenant, other_tenant: Tenant
) -> None:
    development = await make_tenant(pool, sealer, environment="development")
    assert development.organisation == tenant.organisation
    tenants = [tenant, other_tenant, development]
    for keys in tenants:
        for tokens in tenants:
            headers = {"Authorization": f"Bearer {keys.key}", "X-Connector-Token": tokens.token}
            expected = 200 if keys is tokens else 401
            assert (await api.get(JOBS, headers=headers)).status_code == expected


@pytest.mark.parametrize("written", ["{key}", "Basic {key}", "Bearer", "Bearer ", "", "Token {key}", "{key} Bearer"])
async def test_key_is_good_as_a_bearer_and_in_no_other_way(
    tenant: Tenant, api: httpx.AsyncClient, written: str
) -> None:
    good = tenant.headers["Authorization"]
    for header, status in ((good, 200), (good.replace("Bearer", "bearer  "), 200)):
        assert (await api.get(JOBS, headers={**tenant.headers, "Authorization": header})).status_code == status
    odd = written.format(key=good.removeprefix("Bearer "))
    answer = await api.get(JOBS, headers={**tenant.headers, "Authorization": odd})
    assert (answer.status_code, "Not authenticated" in answer.json()["detail"]) == (401, True)


async def test_refusal_does_not_tell_whether_a_token_exists_elsewhere(
    api: httpx.AsyncClient, other_tenant: Tenant
) -> None:
    answers = [await api.get(JOBS, headers={"X-Connector-Token": token}) for token in (other_tenant.token, "made-up")]
    assert answers[0].json() == answers[1].json()


async def test_revoked_key_stops_at_once_in_every_process(databases: Databases, tenant: Tenant) -> None:
    settings = databases.settings("migrated")
    async with open_api(settings, tenant) as first, open_api(settings, tenant) as second:
        await wait_until_listening(tenant.pool, 2)
        for client in (first, second):
            assert (await client.get(JOBS)).status_code == 200  # and remembered
        await revoke_key(tenant.pool, tenant.key_id)
        for client in (first, second):
            await wait_until_closed(client, seconds=2)  # far less than what is remembered without news
            assert (await client.get(JOBS)).status_code == 401
    with pytest.raises(ConfigError, match="no valid API key"):
        await revoke_key(tenant.pool, tenant.key_id)


async def test_key_revoked_while_it_is_looked_up_is_not_remembered(tenant: Tenant) -> None:
    class SlowPool:
        """Answers what was true when it was asked, late."""

        async def fetchrow(self, query: str, *arguments: Any) -> Any:
            row = await tenant.pool.fetchrow(query, *arguments)
            asked.set()
            await within(told.wait())
            return row

    asked, told = asyncio.Event(), asyncio.Event()
    access = Access(SlowPool())  # type: ignore[arg-type]
    under_way = asyncio.create_task(access.check_key(f"Bearer {tenant.key}"))
    await within(asked.wait())
    await revoke_key(tenant.pool, tenant.key_id)
    access.forget()  # the news arrives before the answer
    told.set()
    await under_way
    with pytest.raises(Exception, match="not valid"):
        await access.check_key(f"Bearer {tenant.key}")


async def test_news_is_heard_again_after_the_listening_connection_was_lost(
    databases: Databases, tenant: Tenant
) -> None:
    async with open_api(databases.settings("migrated"), tenant) as client:
        await wait_until_listening(tenant.pool, 1)
        assert (await client.get(JOBS)).status_code == 200
        await tenant.pool.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() "
            "AND query LIKE 'LISTEN%'"
        )
        await revoke_key(tenant.pool, tenant.key_id)  # nobody hears it
        await wait_until_closed(client, seconds=REMEMBERED_SECONDS / 4)


async def test_deleted_connector_is_closed_and_leaves_no_row(
    databases: Databases, api: httpx.AsyncClient, filled: tuple[Tenant, Tenant]
) -> None:
    tenant, other = filled
    await wait_until_listening(tenant.pool, 1)
    assert await read_all(api, "jobs")
    await delete_connector(tenant.pool, tenant.connector)
    await wait_until_closed(api, seconds=2)
    rows = await tenant.pool.fetch("SELECT connector, count(*) FROM record GROUP BY 1")
    assert [(row["connector"], row["count"]) for row in rows] == [(other.connector.number, len(OWN.models))]
    orphans = await tenant.pool.fetchval(
        "SELECT count(*) FROM record_key AS k WHERE NOT EXISTS (SELECT FROM record WHERE connector = k.connector "
        "AND record.seq = k.seq AND k.key = ANY (record.keys))"
    )
    assert orphans == 0
    for spec in OWN.models:
        for param in OWN.filters[spec]:
            field = param.field
            value = id_in(other, field.to, "1") if field.to else make_row(spec, 1)[field.name]
            value = quote(value[0] if isinstance(value, list) else value)
            answer = await api.get(f"{OWN.path}/{spec.plural}?{param.name}={value}", headers=other.headers)
            assert answer.json()["page_size"] == 1, param.name


async def test_database_holds_keys_and_tokens_as_hashes_and_credentials_sealed(
    pool: Pool, databases: Databases, sealer: Sealer
) -> None:
    secrets = {"client_id": "the-client-id-in-clear", "client_secret": "the-client-secret-in-clear"}
    tenant = await make_tenant(pool, sealer, credentials=secrets)
    dump = ""
    for (table,) in await pool.fetch(
        "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
    ):
        dump += "\n".join(await pool.fetchval(f'SELECT array_agg(t::text) FROM "{table}" AS t') or [])
    stored = dump.encode() + b"".join(
        bytes.fromhex(part.split('"')[0].split(",")[0].rstrip(")")) for part in dump.split("\\x")[1:] if part
    )
    assert tenant.connector.end_user in dump
    for secret in (*secrets.values(), tenant.key, tenant.token):
        assert secret.encode() not in stored
    listed = msgspec.json.encode([{**row, "id": str(row["id"])} for row in await list_keys(pool)])
    assert tenant.key.encode() not in listed


async def test_sealed_credentials_open_under_their_key_and_in_their_place_only(
    pool: Pool, sealer: Sealer, tenant: Tenant, other_tenant: Tenant
) -> None:
    real = replace(tenant.connector, integration="personio")
    open_connector_client(pool, real, sealer)
    with pytest.raises(ConfigError, match="no longer contains"):
        open_connector_client(pool, real, Sealer([new_key()]))
    moved = replace(real, id=other_tenant.connector.id)
    with pytest.raises(ConfigError, match="altered or moved"):
        open_connector_client(pool, moved, sealer)


async def test_reprs_tell_no_secret(tenant: Tenant, sealer: Sealer) -> None:
    shown = [
        repr(Grant("the-access-token", tenant.connector.created_at, "the-refresh-token")),
        repr(NewConnector(tenant.connector.id, "the-connector-token")),
        repr(sealer),
    ]
    assert not [text for text in shown if "the-" in text]


async def test_unknown_environment_and_missing_credentials_are_refused(pool: Pool, sealer: Sealer) -> None:
    with pytest.raises(ConfigError, match="production, development"):
        await create_key(pool, (await make_tenant(pool, sealer)).organisation, "staging", "x")
    with pytest.raises(ConfigError, match="production, development"):
        await make_tenant(pool, sealer, environment="staging")
    with pytest.raises(ConfigError, match="client_secret"):
        await make_tenant(pool, sealer, credentials={"client_id": "only"})


@pytest.mark.parametrize(
    "error",
    [
        asyncpg.AdminShutdownError("terminating connection"),
        asyncpg.CannotConnectNowError("the database system is starting up"),
        asyncpg.TooManyConnectionsError("sorry, too many clients already"),
        asyncpg.ConnectionDoesNotExistError("connection was closed"),
        asyncpg.InterfaceError("connection is closed"),
        ConnectionRefusedError(),
        FileNotFoundError(),
        TimeoutError(),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_answer_without_a_database_is_a_503_that_says_to_come_back(
    databases: Databases, error: Exception
) -> None:
    class AbsentPool:
        async def fail(self, *arguments: Any) -> None:
            raise error

        fetchrow = fetchval = fetch = fail

    app = create_app(databases.settings("migrated"), AbsentPool())  # type: ignore[arg-type]
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://api") as client:
        answer = await client.get(JOBS, headers={"Authorization": "Bearer x"})
        assert answer.status_code == 503
        assert int(answer.headers["retry-after"]) > 0
        assert answer.json() == {"detail": "The database does not answer; try again"}
        for path in ("", "/greenhouse/versions/1.0/operations"):  # in the shape of the errors of this face
            answer = await client.get(f"/core/v1/connectors{path}", headers={"Authorization": "Bearer x"})
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
            assert answer.json() == {"message": "The database does not answer; try again", "code": None}
        assert (await client.get("/health")).status_code == 503


async def test_lost_connections_are_replaced(api: httpx.AsyncClient, tenant: Tenant) -> None:
    assert (await api.get(JOBS)).status_code == 200
    with contextlib.suppress(asyncpg.PostgresError, asyncpg.InterfaceError):
        await tenant.pool.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
        )
    statuses = [(await api.get(JOBS)).status_code for _ in range(5)]
    assert set(statuses) <= {200, 503}
    assert statuses[-1] == 200
    assert (await api.get("/health")).json() == {"status": "ok"}


def test_pool_too_small_for_a_listener_and_a_sync_is_refused() -> None:
    # Each keeps a connection for itself, and a sync saves one page while it prepares the next.
    with pytest.raises(ValueError, match="greater than or equal to 4"):
        Settings(_env_file=None, database_pool=3)


async def test_organisation_that_several_make_at_once_is_one(pool: Pool) -> None:
    made = await within(asyncio.gather(*(ensure_organisation(pool, "Made at once") for _ in range(8))))
    assert len(set(made)) == 1
    assert list((await list_organisations(pool)).values()).count("Made at once") == 1
