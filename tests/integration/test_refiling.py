"""Filter keys of earlier versions, rebuilt beside the running service."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import asyncpg
import httpx
import pytest
import pytest_asyncio

from testbed.databases import Databases
from testbed.operating import Operating, open_operations
from testbed.passing import let_pass
from testbed.records import bury, find_ids, make_row, save
from testbed.spelled import compare_as_written
from testbed.tenants import Tenant, make_tenant, open_api, read_all
from testbed.waiting import within
from unihire.kit.seal import Sealer
from unihire.model import MODELS
from unihire.store import Pool
from unihire.store.feed import refiling as stored
from unihire.store.feed.gate import lock_feed
from unihire.store.feed.refiling import Filed
from unihire.store.migrate import list_migrations, migrate
from unihire.store.retention import Retention
from unihire.store.work.fast_schedules import FastSchedule
from unihire.sync import chores, refiling

COMPOSED, DECOMPOSED = "José", "Jose\u0301"
SPELLINGS = (COMPOSED, DECOMPOSED, f"\u00a0{COMPOSED}\t", "Jane")

CONNECTOR_OF_BEFORE = (
    "INSERT INTO organisation (id, name) VALUES (gen_random_uuid(), 'Example')",
    """
    INSERT INTO connector (id, organisation, environment, integration, category, end_user, token_hash, credentials)
    SELECT gen_random_uuid(), id, 'production', 'acme', 'ATS', 'Example', 'hash', 'sealed' FROM organisation
    """,
)
ADD = "INSERT INTO refiling (connector) VALUES ($1)"
READ_KEYS = "SELECT remote_id, keys FROM record WHERE connector = $1 AND deleted_at IS NULL ORDER BY model, remote_id"
READ_FILED = """
    SELECT remote_id, array_agg(key ORDER BY key) AS keys FROM record JOIN record_key USING (connector, seq)
    WHERE connector = $1 AND deleted_at IS NULL AND key = ANY(keys) GROUP BY model, remote_id ORDER BY model, remote_id
"""
COUNT_FILED = "SELECT count(*) FROM record_key"


@pytest_asyncio.fixture
async def tenant(pool: Pool, sealer: Sealer) -> Tenant:
    return await make_tenant(pool, sealer)


@pytest_asyncio.fixture
async def api(databases: Databases, tenant: Tenant) -> AsyncIterator[httpx.AsyncClient]:
    async with open_api(databases.settings("migrated"), tenant) as client:
        yield client


def make_people(start: int = 0) -> list[dict[str, Any]]:
    spec = MODELS["candidate"]
    return [
        {
            **make_row(spec, start + number),
            "first_name": spelling,
            "tags": [spelling, "other"],
            "email_addresses": [f"{spelling}@example.com", f"{spelling}@example.com "],
        }
        for number, spelling in enumerate(SPELLINGS)
    ]


async def fill_as_before(tenant: Tenant, start: int = 0) -> None:
    with compare_as_written():
        await save(tenant, "candidate", *make_people(start))
        await save(
            tenant,
            "job",
            *(
                {**make_row(MODELS["job"], start + number), "code": spelling}
                for number, spelling in enumerate(SPELLINGS)
            ),
        )


async def find(api: httpx.AsyncClient, **params: Any) -> list[str]:
    return find_ids(await read_all(api, "jobs" if "code" in params else "candidates", **params))


async def go_on(tenant: Tenant) -> None:
    await refiling.refile_some(tenant.pool, 0)


async def finish(tenant: Tenant) -> None:
    """Both times, the hour between them passed."""
    await refiling.refile_some(tenant.pool, 10)
    await let_pass(tenant.pool, timedelta(hours=1, minutes=1))
    await refiling.refile_some(tenant.pool, 10)
    assert await tenant.pool.fetchval("SELECT count(*) FROM refiling") == 0


async def read_keys(tenant: Tenant) -> list[tuple[Any, ...]]:
    """Of every record the keys it is to have, which must be those it is found by."""
    kept = [
        (row["remote_id"], sorted(row["keys"])) for row in await tenant.pool.fetch(READ_KEYS, tenant.connector.number)
    ]
    assert [tuple(row) for row in await tenant.pool.fetch(READ_FILED, tenant.connector.number)] == kept
    assert await tenant.pool.fetchval(COUNT_FILED) == sum(len(keys) for _, keys in kept)
    return kept


async def test_connectors_of_before_are_due_and_those_made_later_are_not(
    databases: Databases, pool: Pool, sealer: Sealer
) -> None:
    (version,) = [one.version for one in list_migrations() if one.name.endswith("_refiling.sql")]
    async with databases.create(template="template0") as name:
        connection = await asyncpg.connect(databases.server.dsn(name))
        try:
            await migrate(connection, upto=version - 1)
            for statement in CONNECTOR_OF_BEFORE:
                await connection.execute(statement)
            await migrate(connection)
            (due,) = await connection.fetch(stored.FIND_DUE, refiling.LAST_AFTER)
            assert tuple(due) == (1, 0, False)
        finally:
            await connection.close()
    await make_tenant(pool, sealer)
    assert await stored.find_due(pool, refiling.LAST_AFTER) is None


async def test_what_was_found_before_is_found_at_every_step_and_what_was_not_after_the_first(
    tenant: Tenant, api: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refiling, "BATCH", 3)
    await fill_as_before(tenant)
    await tenant.pool.execute(ADD, tenant.connector.number)
    asked = ({"first_name": SPELLINGS}, {"tag": SPELLINGS}, {"code": SPELLINGS})

    async def check(*, is_rebuilt: bool) -> None:
        for filters in asked:
            for name, spellings in filters.items():
                for number, spelling in enumerate(spellings[:3]):
                    found = await find(api, **{name: spelling})
                    assert str(number) in found
                    assert not is_rebuilt or found == ["0", "1", "2"]
                assert await find(api, **{name: "Jane"}) == ["3"]
                assert await find(api, **{name: "Jane "}) == ["3"]

    await check(is_rebuilt=False)
    assert await find(api, first_name=COMPOSED) == ["0"]  # it is not rebuilt yet
    for _ in range(3):  # batches of three, each by a process that goes on where the one before was killed
        await go_on(tenant)
        await check(is_rebuilt=False)
    await check(is_rebuilt=True)
    assert await tenant.pool.fetchval("SELECT is_last FROM refiling") is True
    await go_on(tenant)  # before the hour is over nothing is done
    assert await tenant.pool.fetchval("SELECT after FROM refiling") == 0
    await let_pass(tenant.pool, timedelta(hours=1, minutes=1))
    for _ in range(3):
        await go_on(tenant)
        await check(is_rebuilt=True)
    assert await tenant.pool.fetchval("SELECT count(*) FROM refiling") == 0


async def test_rebuilt_keys_are_those_of_a_new_store_and_nothing_moves_in_the_feed(
    tenant: Tenant, api: httpx.AsyncClient, pool: Pool, sealer: Sealer
) -> None:
    await fill_as_before(tenant)
    await bury(tenant, "candidate", "3")
    before = await read_all(api, "candidates") + await read_all(api, "jobs")
    await pool.execute(ADD, tenant.connector.number)
    await finish(tenant)
    rebuilt = await read_keys(tenant)
    assert await read_all(api, "candidates") + await read_all(api, "jobs") == before
    await save(tenant, "candidate", *({**row, "title": "moved"} for row in make_people()[:3]))
    await save(
        tenant,
        "job",
        *(
            {**make_row(MODELS["job"], number), "code": spelling, "name": "moved"}
            for number, spelling in enumerate(SPELLINGS)
        ),
    )
    assert await read_keys(tenant) == rebuilt


async def test_so_many_batches_are_done_as_there_is_time_for(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refiling, "BATCH", 1)
    await fill_as_before(tenant)
    await tenant.pool.execute(ADD, tenant.connector.number)
    first = await tenant.pool.fetchval("SELECT min(seq) FROM record WHERE connector = $1", tenant.connector.number)
    await refiling.refile_some(tenant.pool, 0)
    assert tuple(await tenant.pool.fetchrow("SELECT after, is_last FROM refiling")) == (first, False)
    await refiling.refile_some(tenant.pool, 10)
    assert tuple(await tenant.pool.fetchrow("SELECT after, is_last FROM refiling")) == (0, True)


@pytest.mark.parametrize("is_away", [True, False])
async def test_database_that_is_away_is_no_reason_to_put_a_connector_off(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch, is_away: bool
) -> None:
    await tenant.pool.execute(ADD, tenant.connector.number)

    async def fail(*_: object) -> None:
        raise asyncpg.ConnectionDoesNotExistError("gone") if is_away else ValueError("odd")

    monkeypatch.setattr(refiling, "get_numbered", fail)
    if is_away:
        with pytest.raises(asyncpg.ConnectionDoesNotExistError):
            await refiling.refile_some(tenant.pool, 10)
    else:
        await refiling.refile_some(tenant.pool, 10)
    assert await tenant.pool.fetchval("SELECT due_at <= now() FROM refiling") is is_away


async def test_batch_that_was_done_and_not_noted_is_done_again_without_harm(tenant: Tenant) -> None:
    await fill_as_before(tenant)
    await tenant.pool.execute(ADD, tenant.connector.number)
    await refiling.refile_some(tenant.pool, 10)
    once = await read_keys(tenant)
    await tenant.pool.execute("UPDATE refiling SET is_last = false, due_at = now() - '1 second'::interval")
    await refiling.refile_some(tenant.pool, 10)
    assert await read_keys(tenant) == once


async def test_what_a_worker_of_before_saves_meanwhile_is_rebuilt_the_last_time(
    tenant: Tenant, api: httpx.AsyncClient
) -> None:
    await fill_as_before(tenant)
    await tenant.pool.execute(ADD, tenant.connector.number)
    await refiling.refile_some(tenant.pool, 10)
    await fill_as_before(tenant, start=4)
    assert "5" not in await find(api, first_name=COMPOSED)
    await let_pass(tenant.pool, timedelta(hours=1, minutes=1))
    await refiling.refile_some(tenant.pool, 10)
    assert await find(api, first_name=COMPOSED) == ["0", "1", "2", "4", "5", "6"]
    await read_keys(tenant)


async def test_record_that_moved_since_it_was_read_is_left_as_it_was_saved(tenant: Tenant) -> None:
    await fill_as_before(tenant)
    number = tenant.connector.number
    read = await tenant.pool.fetch("SELECT id::text, seq, keys FROM record WHERE connector = $1", number)
    await save(tenant, "candidate", *({**row, "title": "moved"} for row in make_people()))
    await save(tenant, "job", *({**make_row(MODELS["job"], number), "name": "moved"} for number in range(4)))
    before = await read_keys(tenant)
    assert await stored.refile(tenant.pool, number, [Filed(*row, now=[1, 2]) for row in read]) == 0
    assert await read_keys(tenant) == before


async def test_records_whose_keys_stay_are_looked_over_while_somebody_saves(tenant: Tenant) -> None:
    await save(tenant, "candidate", *(make_row(MODELS["candidate"], number) for number in range(5)))
    await tenant.pool.execute(ADD, tenant.connector.number)
    async with lock_feed(tenant.pool, tenant.connector.number):
        await asyncio.wait_for(refiling.refile_some(tenant.pool, 10), 10)
    assert await tenant.pool.fetchval("SELECT is_last FROM refiling") is True


async def test_connector_that_cannot_be_looked_over_keeps_no_other_waiting(
    tenant: Tenant, pool: Pool, sealer: Sealer, api: httpx.AsyncClient
) -> None:
    other = await make_tenant(pool, sealer, organisation="Other")
    await fill_as_before(tenant)
    await fill_as_before(other)
    await pool.execute("UPDATE record SET body = '{' WHERE connector = $1", other.connector.number)
    await pool.executemany(ADD, [(tenant.connector.number,), (other.connector.number,)])
    await finish(tenant)
    assert await find(api, first_name=COMPOSED) == ["0", "1", "2"]


async def test_workers_rebuild_keys_between_their_other_chores(tenant: Tenant, api: httpx.AsyncClient) -> None:
    await fill_as_before(tenant)
    await tenant.pool.execute(ADD, tenant.connector.number)
    for chore in chores.list_common(Retention(), FastSchedule()):
        await chore(tenant.pool, chores.PACE)
    assert await find(api, first_name=COMPOSED) == ["0", "1", "2"]


# Operations from the store

USERS = "\u00a0Robin.Roe\u0301@example.com"


@pytest_asyncio.fixture
async def operating(databases: Databases, sealer: Sealer) -> AsyncIterator[Operating]:
    async with open_operations(databases, sealer, size=100) as opened:
        yield opened


async def spell(operating: Operating) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """A candidate, a user's address and a job whose texts are written oddly at the vendor."""
    person, address = operating.read("candidates")[0], operating.read("user_emails")[0]
    job = operating.read("jobs")[0]
    for place, change in (
        (
            f"candidates/{person['id']}",
            {"email_addresses": [{"value": f"{DECOMPOSED}@example.com\u00a0", "type": "work"}]},
        ),
        (f"user_emails/{address['id']}", {"email": USERS}),
        (f"jobs/{job['id']}", {"requisition_id": f"\t{DECOMPOSED}-7"}),
    ):
        (await operating.control.patch(f"rows/{place}", json=change)).raise_for_status()
    return person, address, job


async def call(operating: Operating, name: str, **input: Any) -> list[int]:
    outcome = await operating.operations.call(operating.connector, name, {**input, "source": "synced"})
    assert outcome.is_success, outcome.output
    return [row["id"] for row in outcome.output["results"]]


async def check_operations(
    operating: Operating, person: int, user: int, job: int, *, texts: tuple[str, str, str]
) -> None:
    assert await call(operating, "list_candidates", email=texts[0]) == [person]
    assert await call(operating, "list_users", email=texts[1]) == [user]
    assert await call(operating, "list_jobs", requisition_id=texts[2]) == [job]


AS_WRITTEN = (f"{DECOMPOSED}@example.com\u00a0", USERS, f"\t{DECOMPOSED}-7")
OTHERWISE = (f" {COMPOSED}@example.com", "Robin.Roé@example.com\t", f"{COMPOSED}-7\u3000")


async def test_operations_from_the_store_find_texts_in_either_form(operating: Operating) -> None:
    person, address, job = await spell(operating)
    await within(operating.tenant.sync(), 60)
    for texts in (AS_WRITTEN, OTHERWISE):
        await check_operations(operating, person["id"], address["user_id"], job["id"], texts=texts)
    assert await call(operating, "list_candidates", email="\u00a0") == []


async def test_operations_from_a_store_of_before_miss_nothing_until_it_is_rebuilt(operating: Operating) -> None:
    person, address, job = await spell(operating)
    with compare_as_written():
        await within(operating.tenant.sync(), 60)
    rows = person["id"], address["user_id"], job["id"]
    await check_operations(operating, *rows, texts=AS_WRITTEN)
    assert await call(operating, "list_candidates", email=OTHERWISE[0]) == []
    await operating.tenant.pool.execute(ADD, operating.connector.number)
    await refiling.refile_some(operating.tenant.pool, 10)
    for texts in (AS_WRITTEN, OTHERWISE):
        await check_operations(operating, *rows, texts=texts)
    await finish(operating.tenant)
    for texts in (AS_WRITTEN, OTHERWISE):
        await check_operations(operating, *rows, texts=texts)
