"""What else would grow without end: how long it is stored, and that each table is bounded or says why not."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import msgspec
import pytest
import pytest_asyncio

from testbed.databases import Databases
from testbed.passing import let_pass
from testbed.records import bury, find_ids, id_in, make_more, make_row, save
from testbed.tenants import Tenant, make_tenant, open_api, read_all
from unihire.app import make_worker
from unihire.kit.ids import new_ordered_id
from unihire.kit.seal import Sealer
from unihire.model import MODELS
from unihire.store import Pool, issues, retention, streams
from unihire.store.accounts import tokens
from unihire.store.calls import operations
from unihire.store.events.deliveries import DeliveryAttempt, LaneSpan, note_attempt, note_undelivered
from unihire.store.feed.gate import lock_feed
from unihire.store.retention import Retention, delete_expired

CANDIDATE = MODELS["candidate"]
YEAR = timedelta(days=365)
READ = "SELECT * FROM record WHERE connector = $1 ORDER BY remote_id"

RULES = {
    "sync_run": "store/retention.py: DROP_OLD_RUNS",
    "stream_run": "with its run",
    "issue": "store/issues.py: DROP_OLD_ISSUES",
    "operation_call": "store/calls/operations.py: DROP_OLD_CALLS",
    "operation_write": "store/calls/writes.py: DROP_OLD_WRITES",
    "unified_write": "store/calls/requested_writes.py: DROP_OLD_UNIFIED",
    "write_queue": "one for each write that waits; gone when the write is over, or taken up and not there any more",
    "page_mark": "store/calls/operations.py: DROP_OLD_MARKS",
    "replaced_token": "store/accounts/tokens.py: at most MOST_REPLACED of a connector, and DROP_ALL_ENDED",
    "record": "one row for each record there ever was: a deleted one stays known; its content: feed/forgetting.py",
    "detail": "those of living rows, and of deleted ones for as long as their content",
    "record_key": "those of live records",
    "record_volatile": "those of live records",
    "joined": "rows the vendor has",
    "quarantine": "rows the vendor has: what a complete read does not meet is released (streams.RELEASE_UNMET)",
    "stale": "settled by the run that makes the records again",
    "seen": "emptied when the read ends",
    "seen_page": "emptied when the read ends",
    "row_read": "emptied when a run is taken up",
    "stream_state": "one for each stream of a connector",
    "refiling": "one for each connector of an earlier version; none is added",
    "feed": "one for each connector",
    "event_page": "store/events/log.py: DELETE_OLD",
    "event_cut": "one for each connector",
    "event_epoch": "one row",
    "event_alive": "one row",
    "hook": "one for each connector, made by the operator",
    "hook_token": "made by the operator; store/events/hooks.py: DROP_ALL_ENDED",
    "endpoint": "made and removed by the caller, store/events/endpoints.py: MOST_ENDPOINTS",
    "endpoint_secret": "store/events/endpoints.py: MOST_SECRETS",
    "lane": "one for each connector of an endpoint; replays end, store/events/replays.py: MOST_REPLAYS",
    "notice": "store/events/notices.py: DROP_OLD_NOTICES",
    "delivery": "store/events/deliveries.py: DROP_OLD_DELIVERIES",
    "undelivered": "store/events/deliveries.py: DROP_OLD_UNDELIVERED",
    "inbox": "one for each connector",
    "inbox_delivery": "store/events/inbox.py: DELETE_OLD_DELIVERIES",
    "inbox_touch": "rows the vendor has, or had; forgotten when they are read again",
    "feed_alive": "one for each connector",
    "connector_grant": "one for each connector",
    "budget": "one for each connector",
    "connector": "made and deleted by the operator",
    "organisation": "made by the operator",
    "api_key": "platform/own_keys.py: MOST_KEYS; an ended one: store/accounts/tenancy.py: DROP_OLD_KEYS",
    "audit": "store/audit.py: DROP_OLD_LINES",
    "chore": "one for each kind of chore",
    "job_schema": "one for each version",
    "schema_version": "one for each version",
    "procrastinate_jobs": "deleted when they end",
    "procrastinate_events": "with their job",
    "procrastinate_periodic_defers": "nothing is put there",
    "procrastinate_workers": "dropped when they give no sign",
}
"""What bounds each table."""


@pytest_asyncio.fixture
async def tenant(pool: Pool, sealer: Sealer) -> Tenant:
    return await make_tenant(pool, sealer)


@pytest_asyncio.fixture
async def api(databases: Databases, tenant: Tenant) -> AsyncIterator[httpx.AsyncClient]:
    async with open_api(databases.settings("migrated"), tenant) as client:
        yield client


async def cut_when_due(pool: Pool, **kept: Any) -> bool:
    """Cut once, two hours after the last time; whether all is cut."""
    await pool.execute("INSERT INTO chore VALUES ('retention', now()) ON CONFLICT DO NOTHING")
    await pool.execute("UPDATE chore SET done_at = now() - '2 hours'::interval")
    async with pool.acquire() as connection, connection.transaction():
        await delete_expired(connection, pool, Retention(**kept))
    done: bool = await pool.fetchval("SELECT done_at = now() OR now() - done_at < '1 minute' FROM chore")
    return done


async def read(tenant: Tenant) -> list[asyncpg.Record]:
    return await tenant.pool.fetch(READ, tenant.connector.number)


async def add_details(tenant: Tenant, *row_ids: str) -> None:
    async with lock_feed(tenant.pool, tenant.connector.number) as connection:
        for stream in (CANDIDATE.plural, "others"):
            found = [(name, row_id, "1", b"{}") for name in ("text", "more") for row_id in row_ids]
            await streams.save_details(connection, tenant.connector.number, stream, found)


async def test_every_table_is_bounded_or_says_why_not(pool: Pool) -> None:
    found = await pool.fetch(
        "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'"
    )
    assert {row["relname"] for row in found} == RULES.keys()


async def test_content_of_what_was_deleted_long_ago_goes_and_the_tombstone_stays(
    tenant: Tenant, api: httpx.AsyncClient
) -> None:
    rows = (make_more(CANDIDATE, number) | make_row(CANDIDATE, number) for number in range(3))
    await save(tenant, "candidate", *rows)
    await add_details(tenant, "0", "1", "2")
    await bury(tenant, "candidate", "0", "1")
    await let_pass(tenant.pool, YEAR - timedelta(hours=1))
    before = await read(tenant)
    assert await cut_when_due(tenant.pool)
    assert await read(tenant) == before
    await let_pass(tenant.pool, timedelta(hours=2))
    before = await read(tenant)
    living = await read_all(api, "candidates")
    assert await cut_when_due(tenant.pool)
    after = await read(tenant)
    emptied = {"body", "raw", "custom", "words", "more", "more_hash", "keys", "fingerprint"}
    for row, known in zip(after[:2], before[:2], strict=True):
        assert {name for name in row.keys() if row[name] != known[name]} <= emptied  # noqa: SIM118 - a row of the driver's
        shown, was = msgspec.json.decode(row["body"]), msgspec.json.decode(known["body"])
        assert shown == {name: was[name] if name in ("id", "modified_at", "remote_id") else None for name in was}
        assert list(shown) == list(was)
        assert known["more"] != b"{}"
        assert (row["raw"], row["custom"], row["words"], row["more"], row["keys"]) == (b"{}", None, None, None, [])
        assert (await api.get(f"/api/ats/v1/candidates/{row['id']}")).status_code == 404
    assert after[2] == before[2]
    assert await read_all(api, "candidates") == living
    left = await tenant.pool.fetch("SELECT stream, row_id FROM detail ORDER BY stream, row_id, name")
    everything = [("others", id) for id in "001122"]
    assert [tuple(row) for row in left] == [("candidates", "2")] * 2 + everything
    await save(tenant, "candidate", make_row(CANDIDATE, 1))  # it is back
    again = (await read(tenant))[1]
    assert (again["first_saved_at"], again["deleted_at"]) == (before[1]["first_saved_at"], None)
    assert find_ids(await read_all(api, "candidates", first_name="first_name 1")) == ["1"]
    assert str(again["id"]) == id_in(tenant, "candidate", "1")


async def test_content_is_stored_for_good_where_that_is_set(tenant: Tenant) -> None:
    await save(tenant, "candidate", make_row(CANDIDATE, 1))
    await bury(tenant, "candidate", "1")
    await let_pass(tenant.pool, 100 * YEAR)
    before = await read(tenant)
    assert await cut_when_due(tenant.pool, deleted=None)
    assert await read(tenant) == before


async def test_content_goes_in_batches_of_each_connector(
    tenant: Tenant, pool: Pool, sealer: Sealer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "AT_ONCE", 2)
    other = await make_tenant(pool, sealer, organisation="Other")
    for one in (tenant, other):
        await save(one, "candidate", *(make_row(CANDIDATE, number) for number in range(5)))
        await bury(one, "candidate", *"01234")
    await let_pass(pool, 2 * YEAR)
    counts = []
    for is_done in (False, False, True):
        assert await cut_when_due(pool, audit=4 * YEAR) is is_done
        counts.append([sum(row["raw"] == b"{}" for row in await read(one)) for one in (tenant, other)])
    assert counts == [[2, 2], [4, 4], [5, 5]]


async def test_history_and_calls_are_stored_as_long_as_is_set(tenant: Tenant, pool: Pool) -> None:
    number = tenant.connector.number
    await issues.open_issue(pool, number, "fault", "text")
    await issues.resolve_issues(pool, number, ["fault"])
    await issues.open_issue(pool, number, "fault", "still there")
    call: dict[str, Any] = {"operation": "x", "input_hash": b"", "claim": timedelta(minutes=2)}
    await operations.claim_call(pool, number, "old", **call)
    await operations.save_mark(pool, number, b"list", 3, "/next")
    await let_pass(pool, timedelta(days=3))
    count = (
        "SELECT (SELECT count(*) FROM issue), (SELECT count(*) FROM operation_call), (SELECT count(*) FROM page_mark)"
    )
    assert await cut_when_due(pool, history=timedelta(days=4), calls=timedelta(days=4))
    assert tuple(*await pool.fetch(count)) == (2, 1, 0)
    assert await cut_when_due(pool, history=timedelta(days=4), calls=timedelta(days=2))
    assert tuple(*await pool.fetch(count)) == (2, 0, 0)
    assert await cut_when_due(pool, history=timedelta(days=2), calls=timedelta(days=2))
    assert tuple(*await pool.fetch(count)) == (1, 0, 0)


async def test_log_of_webhooks_and_refused_messages_are_stored_as_long_as_is_set(tenant: Tenant, pool: Pool) -> None:
    number, endpoint = tenant.connector.number, uuid4()
    await pool.execute(
        """
        INSERT INTO endpoint (
            id, organisation, environment, url, name, description, format, includes_records, is_trusted
        )
        VALUES ($1, $2, 'production', 'https://example.com', '', '', 'standard', false, false)
        """,
        endpoint,
        tenant.organisation,
    )
    span = LaneSpan(0, 0, 0, 1)
    attempt = DeliveryAttempt(
        new_ordered_id(), number, tenant.connector.id, endpoint, "msg", "issue.opened", "https://example.com", span,
        0.1, 400, None, b"{}", b"{}",
    )  # fmt: skip
    await note_attempt(pool, tenant.organisation, "production", attempt)
    async with pool.acquire() as connection, connection.transaction():
        await note_undelivered(connection, attempt, since=datetime.now(UTC), reason="refused")
    await pool.execute(
        "INSERT INTO notice (connector, number, kind, after_seq, data) "
        "SELECT $1, number, 'issue.opened', 0, '{}' FROM generate_series(1, 3) AS number",
        number,
    )
    for table in ("delivery", "undelivered", "notice"):
        await pool.execute(f"UPDATE {table} SET at = now() - '3 days'::interval")
    count = "SELECT (SELECT count(*) FROM delivery), (SELECT count(*) FROM undelivered), (SELECT count(*) FROM notice)"
    assert await cut_when_due(pool)
    assert tuple(*await pool.fetch(count)) == (1, 1, 3)
    assert await cut_when_due(pool, deliveries=timedelta(days=2))
    assert tuple(*await pool.fetch(count)) == (0, 1, 3)
    assert await cut_when_due(pool, events=timedelta(days=2))
    assert tuple(*await pool.fetch(count)) == (0, 0, 1)
    assert await pool.fetchval("SELECT number FROM notice") == 3  # numbers go on behind it
    await pool.execute("UPDATE notice SET connector = 2147483647")  # whose connector is gone
    assert await cut_when_due(pool, events=timedelta(days=2))
    assert tuple(*await pool.fetch(count)) == (0, 0, 0)


async def test_worker_stores_as_long_as_is_set(databases: Databases, pool: Pool, sealer: Sealer) -> None:
    settings = databases.settings("migrated").model_copy(update={"history_days": 3, "calls_days": 2, "deleted_days": 0})
    kept = make_worker(settings, pool, sealer)._retention
    assert kept == Retention(history=timedelta(days=3), calls=timedelta(days=2), deleted=None)
    assert make_worker(databases.settings("migrated"), pool, sealer)._retention == Retention()


async def test_replaced_tokens_of_a_connector_are_few_and_the_latest_among_them(tenant: Tenant, pool: Pool) -> None:
    number = tenant.connector.number
    hashes = [bytes([place]) for place in range(9)]
    for one in hashes:
        async with pool.acquire() as connection, connection.transaction():
            assert await tokens.replace_token(connection, number, one, timedelta(days=1))
    found = await pool.fetch("SELECT hash FROM replaced_token WHERE connector = $1", number)
    assert len(found) == tokens.MOST_REPLACED
    assert hashes[-2] in {row["hash"] for row in found}
    await let_pass(pool, timedelta(days=2))
    assert await cut_when_due(pool)
    assert await pool.fetchval("SELECT count(*) FROM replaced_token") == 0
