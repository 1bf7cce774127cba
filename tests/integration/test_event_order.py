"""The order of events over all connectors: a reader misses nothing, whoever commits before whom, and after a crash."""

import asyncio
import itertools
import random
from collections.abc import AsyncIterator
from functools import partial
from uuid import UUID

import asyncpg
import pytest
import pytest_asyncio

from testbed.databases import Databases
from testbed.event_log import save_logged
from testbed.tenants import Tenant, make_tenant
from testbed.waiting import until, within
from unihire.events.log_reading import EventQuery, EventReader, EventsMissed, PlacedEvent
from unihire.kit.seal import Sealer
from unihire.store import Pool
from unihire.store.accounts.tenancy import delete_connector
from unihire.store.events import eras, log, order
from unihire.store.events.eras import Era, ensure_epoch, get_era
from unihire.store.events.order import BEGINNING, LogPlace
from unihire.store.feed import gate

MANY = 8

# Sessions of ours that have a transaction id.
COUNT_BEGUN = """
    SELECT count(*) FROM pg_stat_activity WHERE backend_xid IS NOT NULL AND backend_type = 'client backend'
"""

# As OPEN_FEED, with a while between the transaction's id and what it finds.
SLOW_OPEN_FEED = """
    WITH begun AS MATERIALIZED (SELECT pg_current_xact_id(), pg_advisory_lock_shared(77))
    INSERT INTO feed (connector) SELECT number FROM connector CROSS JOIN begun WHERE number = $1
    ON CONFLICT (connector) DO NOTHING
"""


class Consumer:
    """Follows the events of an environment, a few at a time."""

    def __init__(self, pool: Pool, organisation: UUID, environment: str = "production", limit: int = 3) -> None:
        self.wanted = EventQuery(organisation=organisation, environment=environment)
        self.after: tuple[Era, LogPlace] | None = None
        self.seen: list[PlacedEvent] = []
        self._reader = EventReader(pool)
        self._limit = limit

    async def follow(self) -> list[PlacedEvent]:
        """What is new."""
        began = len(self.seen)
        has_more = True
        while has_more:
            found = await self._reader.read(self.wanted, self.after, self._limit)
            assert len(found.events) <= self._limit
            self.seen += found.events
            self.after = found.era, found.place
            has_more = found.has_more
        return self.seen[began:]

    def list_seqs(self, number: int) -> list[int]:
        """The positions seen of a connector."""
        return [one.event.seq for one in self.seen if one.event.connector == number]


@pytest_asyncio.fixture
async def tenants(pool: Pool, sealer: Sealer) -> list[Tenant]:
    return [await make_tenant(pool, sealer) for _ in range(MANY)]


@pytest_asyncio.fixture
async def fresh(databases: Databases) -> AsyncIterator[Pool]:
    """A database of its own: what is done to its eras concerns no other test."""
    async with databases.open() as pool:
        yield pool


async def save_held(tenant: Tenant, round: int, count: int) -> tuple[asyncio.Task[list[log.Change]], asyncio.Event]:
    """A transaction that has saved and does not end until the event is set."""
    has_saved, may_end = asyncio.Event(), asyncio.Event()

    async def hold() -> None:
        has_saved.set()
        await within(may_end.wait())

    rows = [{"remote_id": f"{round}-{number}", "first_name": "Kim"} for number in range(count)]
    task = asyncio.create_task(save_logged(tenant, "candidate", *rows, before_end=hold))
    await within(has_saved.wait())
    return task, may_end


@pytest.mark.parametrize("seed", range(5))
async def test_reader_misses_nothing_in_whatever_order_connectors_commit(
    pool: Pool, tenants: list[Tenant], seed: int
) -> None:
    """Each round all of them begin in one order and commit in another, and the reader reads after each."""
    drawn, consumer = random.Random(seed), Consumer(pool, tenants[0].organisation)
    made: dict[int, list[int]] = {tenant.connector.number: [] for tenant in tenants}
    for round in range(4):
        begun = []
        for tenant in drawn.sample(tenants, MANY):
            begun.append((tenant, *await save_held(tenant, round, drawn.choice([1, 1, 2, 7]))))
            await consumer.follow()
        for tenant, task, may_end in drawn.sample(begun, MANY):
            may_end.set()
            made[tenant.connector.number] += [change.seq for change in await task]
            await consumer.follow()
    assert {number: consumer.list_seqs(number) for number in made} == made
    places = [one.place for one in consumer.seen]
    assert places == sorted(places)


async def test_event_is_seen_when_no_earlier_transaction_is_under_way(pool: Pool, tenants: list[Tenant]) -> None:
    consumer = Consumer(pool, tenants[0].organisation)
    task, may_end = await save_held(tenants[0], 0, 1)
    await save_logged(tenants[1], "candidate", {"remote_id": "1"})
    assert await consumer.follow() == []
    # Its own connector's log shows it at once: there commit order is feed order.
    assert len(await log.read_events(pool, tenants[1].connector.number, 0, 10)) == 1
    may_end.set()
    await task
    assert [one.event.connector for one in await consumer.follow()] == [
        tenants[0].connector.number, tenants[1].connector.number,
    ]  # fmt: skip


async def test_transaction_that_only_reads_holds_nothing_back(pool: Pool, tenants: list[Tenant]) -> None:
    consumer = Consumer(pool, tenants[0].organisation)
    async with pool.acquire() as connection, connection.transaction(isolation="repeatable_read"):
        await connection.fetchval("SELECT count(*) FROM record")
        await save_logged(tenants[1], "candidate", {"remote_id": "1"})
        assert len(await consumer.follow()) == 1


async def test_events_of_others_are_not_seen_however_many_they_are(
    pool: Pool, sealer: Sealer, tenants: list[Tenant]
) -> None:
    other = await make_tenant(pool, sealer, organisation="Example Two")
    test = await make_tenant(pool, sealer, environment="development")
    consumer = Consumer(pool, tenants[0].organisation)
    for number in range(60):  # more pages than are read at once
        await save_logged(other, "candidate", {"remote_id": str(number)})
    await save_logged(test, "candidate", {"remote_id": "1"})
    await save_logged(tenants[0], "candidate", {"remote_id": "1"})
    assert [one.connector_id for one in await consumer.follow()] == [tenants[0].connector.id]
    of_test = Consumer(pool, tenants[0].organisation, "development")
    assert [one.connector_id for one in await of_test.follow()] == [test.connector.id]


@pytest_asyncio.fixture
async def twins(databases: Databases, pool: Pool, sealer: Sealer) -> AsyncIterator[tuple[Tenant, Tenant]]:
    """One connector in two processes: those of one process wait for each other before they ask the server."""
    tenant = await make_tenant(pool, sealer)
    async with asyncpg.create_pool(databases.server.dsn(await pool.fetchval("SELECT current_database()"))) as second:
        yield tenant, Tenant(**{name: getattr(tenant, name) for name in Tenant.__slots__} | {"pool": second})


async def list_pages(tenant: Tenant) -> list[tuple[int, int]]:
    """The pages of its log in feed order, with the transactions that saved them."""
    rows = await tenant.pool.fetch(
        "SELECT xid, last_seq FROM event_page WHERE connector = $1 ORDER BY last_seq", tenant.connector.number
    )
    return [tuple(row) for row in rows]


async def is_anybody_waiting(pool: Pool) -> bool:
    return bool(await pool.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"))


async def test_who_waits_for_a_feed_has_no_transaction_id_yet(twins: tuple[Tenant, Tenant]) -> None:
    """So of two pages of a connector the later one is later over all connectors, too."""
    one, other = twins
    pool = one.pool
    for round in range(2):
        task, may_end = await save_held(one, 2 * round, 1)
        waiting = asyncio.create_task(save_held(other, 2 * round + 1, 1))
        await until(partial(is_anybody_waiting, pool))
        assert await pool.fetchval(COUNT_BEGUN) == 1
        may_end.set()
        await task
        task, may_end = await waiting
        may_end.set()
        await task
    pages = await list_pages(one)
    assert len(pages) == 4
    assert pages == sorted(pages)


async def test_first_pages_of_a_connector_are_in_its_order_too(
    twins: tuple[Tenant, Tenant], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who makes the feed has a transaction id, and may find that another was quicker."""
    one, other = twins
    async with one.pool.acquire() as holder:
        await holder.execute("SELECT pg_advisory_lock(77)")
        with monkeypatch.context() as patch:
            patch.setattr(gate, "OPEN_FEED", SLOW_OPEN_FEED)
            slow = asyncio.create_task(save_logged(other, "candidate", {"remote_id": "1"}))
            await until(partial(is_anybody_waiting, one.pool))
        await save_logged(one, "candidate", {"remote_id": "2"})
        await holder.execute("SELECT pg_advisory_unlock(77)")
        await slow
    pages = await list_pages(one)
    assert len(pages) == 2
    assert pages == sorted(pages)


async def test_what_was_shown_outlasts_a_crash(fresh: Pool, sealer: Sealer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages commit without waiting for the disk; a reader waits for it, once for all that came before."""
    tenant = await make_tenant(fresh, sealer)
    await save_logged(tenant, "candidate", {"remote_id": "1"})  # it reserves positions, and waits for that
    await save_logged(tenant, "candidate", {"remote_id": "2"})
    consumer = Consumer(fresh, tenant.organisation)
    flushed = "SELECT pg_current_wal_flush_lsn() >= $1::pg_lsn"
    written = await fresh.fetchval("SELECT pg_current_wal_insert_lsn()::text")
    await consumer.follow()
    assert await fresh.fetchval(flushed.replace("$1", f"'{written}'"))
    done: list[str] = []
    monkeypatch.setattr(order, "FLUSH", "SELECT 1")
    monkeypatch.setattr(Pool, "execute", lambda pool, query, *args: _note(done, query))
    await consumer.follow()
    again = Consumer(fresh, tenant.organisation)
    again._reader = consumer._reader
    assert len(await again.follow()) == 2
    assert done == []


async def _note(done: list[str], query: str) -> None:
    done.append(query)


async def count_all(consumer: Consumer) -> int:
    await consumer.follow()
    return len(consumer.seen)


async def test_reader_goes_on_after_a_crash_that_lost_nothing_it_was_shown(fresh: Pool, sealer: Sealer) -> None:
    tenant = await make_tenant(fresh, sealer)
    consumer, new = Consumer(fresh, tenant.organisation), Consumer(fresh, tenant.organisation)
    await new.follow()  # at the beginning, which no crash takes back
    await save_logged(tenant, "candidate", {"remote_id": "1"}, {"remote_id": "2"})
    assert len(await consumer.follow()) == 2
    before = await get_era(fresh)
    await fresh.execute("TRUNCATE event_alive")  # as a crash does
    await save_logged(tenant, "candidate", {"remote_id": "3"})
    assert [one.event.remote_id for one in await consumer.follow()] == ["3"]
    assert len(await new.follow()) == 3
    after = await get_era(fresh)
    assert (before.epoch, before.token) == (after.epoch, before.token) != tuple(after)


async def test_place_that_a_failover_lost_is_refused_and_the_way_on_misses_nothing(fresh: Pool, sealer: Sealer) -> None:
    tenant = await make_tenant(fresh, sealer)
    await save_logged(tenant, "candidate", {"remote_id": "1"})
    consumer = Consumer(fresh, tenant.organisation)
    await consumer.follow()
    await save_logged(tenant, "candidate", {"remote_id": "lost"})
    await consumer.follow()
    # A standby that had not come so far: the same transaction ids are given once more.
    await fresh.execute("TRUNCATE event_alive")
    await fresh.execute("DELETE FROM event_page WHERE xid = (SELECT max(xid) FROM event_page)")
    with pytest.raises(EventsMissed, match="lost its latest changes") as missed:
        await consumer.follow()
    assert missed.value.modified_after is None
    consumer.after = missed.value.era, missed.value.last
    await save_logged(tenant, "candidate", {"remote_id": "2"})
    assert [one.event.remote_id for one in await consumer.follow()] == ["2"]


async def test_log_of_another_server_is_another_epoch_in_which_old_pages_come_first(
    fresh: Pool, sealer: Sealer
) -> None:
    tenants = [await make_tenant(fresh, sealer) for _ in range(2)]
    for number, tenant in enumerate(reversed(tenants)):
        await save_logged(tenant, "candidate", {"remote_id": f"old {number}"})
    consumer = Consumer(fresh, tenants[0].organisation)
    assert len(await consumer.follow()) == 2
    # As restored on a server whose transactions are counted from lower on.
    await fresh.execute("UPDATE event_page SET xid = (xid::text::bigint + 1000000)::text::xid8")
    await fresh.execute("UPDATE event_epoch SET server = 'another'")
    async with fresh.acquire() as connection:
        await ensure_epoch(connection)
        epoch = await connection.fetchval("SELECT epoch FROM event_epoch")
        await ensure_epoch(connection)
        assert await connection.fetchval("SELECT epoch FROM event_epoch") == epoch
    await save_logged(tenants[0], "candidate", {"remote_id": "new"})
    with pytest.raises(EventsMissed, match="another database") as missed:
        await consumer.follow()
    assert missed.value.modified_after is None
    again = Consumer(fresh, tenants[0].organisation)
    assert [one.event.remote_id for one in await again.follow()] == ["old 1", "old 0", "new"]


async def test_pages_of_this_server_stay_in_their_order_where_it_gets_another_epoch(
    fresh: Pool, sealer: Sealer
) -> None:
    tenants = [await make_tenant(fresh, sealer) for _ in range(2)]
    for tenant in reversed(tenants):
        await save_logged(tenant, "candidate", {"remote_id": "1"})
    before = await fresh.fetch("SELECT xid, connector FROM event_page ORDER BY xid")
    await fresh.execute("UPDATE event_epoch SET server = 'another'")
    async with fresh.acquire() as connection:
        await ensure_epoch(connection)
    assert await fresh.fetch("SELECT xid, connector FROM event_page ORDER BY xid") == before


async def test_reader_behind_what_was_cut_is_refused_and_one_at_its_edge_is_not(
    pool: Pool, tenants: list[Tenant]
) -> None:
    one, other = tenants[:2]
    behind, edge = Consumer(pool, one.organisation), Consumer(pool, one.organisation)
    await behind.follow()
    await save_logged(one, "candidate", {"remote_id": "1"})
    await save_logged(other, "candidate", {"remote_id": "1"})
    await edge.follow()
    await pool.execute("DELETE FROM event_page")
    for place in {seen.place for seen in edge.seen}:
        await pool.execute(log.NOTE_CUT, place.connector, place.seq, place.xid)
    assert await edge.follow() == []
    with pytest.raises(EventsMissed, match="older than"):
        await behind.follow()
    between = Consumer(pool, one.organisation)
    between.after = await get_era(pool), edge.seen[0].place
    with pytest.raises(EventsMissed) as missed:
        await between.follow()
    assert missed.value.modified_after is not None
    assert missed.value.modified_after < edge.seen[0].event.at
    assert missed.value.last == edge.seen[-1].place
    assert await Consumer(pool, one.organisation).follow() == []  # from the oldest there is


async def test_removed_connector_holds_nobody_back(pool: Pool, tenants: list[Tenant]) -> None:
    consumer = Consumer(pool, tenants[0].organisation)
    for tenant in tenants[:2]:
        await save_logged(tenant, "candidate", {"remote_id": "1"})
    await consumer.follow()
    await delete_connector(pool, tenants[1].connector)  # whose page the place is of
    await save_logged(tenants[0], "candidate", {"remote_id": "2"})
    assert [one.event.remote_id for one in await consumer.follow()] == ["2"]


def test_beginning_is_before_every_place() -> None:
    assert min(BEGINNING, LogPlace(3, 1, 1)) == BEGINNING
    assert all(one < other for one, other in itertools.pairwise([BEGINNING, LogPlace(3, 1, 5), LogPlace(3, 2, 1)]))
    assert eras.Era(1, 2) != eras.Era(1, 3)
