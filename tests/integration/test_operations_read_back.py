"""What an operation wrote, read into the store: it may wait, or fail, and the call is what it was."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import timedelta

import pytest
import pytest_asyncio

from testbed.creating import Company, Creating, open_creating
from testbed.databases import Databases
from testbed.tenants import Tenant
from testbed.waiting import within
from unihire.kit.seal import Sealer
from unihire.platform import operations
from unihire.store.feed import gate
from unihire.store.feed.gate import lock_feed

TAG_IT = "create_candidate"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def creating(databases: Databases, sealer: Sealer) -> AsyncIterator[Creating]:
    async with open_creating(databases, sealer, size=100, seed=5) as opened:
        yield opened


@pytest.fixture
def company(creating: Creating) -> Company:
    creating.line.calls.clear()
    return Company(creating)


def count_people(creating: Creating, name: str) -> int:
    return sum(row["last_name"] == name for row in creating.read("candidates"))


async def test_a_call_does_not_wait_long_for_a_feed_that_somebody_locks(creating: Creating, company: Company) -> None:
    """Who waits for an answer gives up after half a minute or so, and writes again."""
    begun_at = time.monotonic()
    async with lock_feed(creating.tenant.pool, creating.tenant.connector.number):
        outcome = await creating.operations.call(
            creating.tenant.connector,
            TAG_IT,
            company.make_person("Locked", applications=[{"job_id": company.jobs[0]["id"]}]),
        )
    assert outcome.is_success, outcome.output
    assert time.monotonic() - begun_at < 20
    assert count_people(creating, "Locked") == 1


async def test_the_answer_is_there_for_a_repeat_before_what_was_written_is_read_back(
    creating: Creating, company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(operations, "LONGEST_READ_BACK", timedelta(seconds=60), raising=False)
    person, pool = (
        company.make_person("Repeated", applications=[{"job_id": company.jobs[0]["id"]}]),
        creating.tenant.pool,
    )
    async with lock_feed(pool, creating.tenant.connector.number):
        first = asyncio.create_task(
            creating.operations.call(creating.tenant.connector, TAG_IT, person, idempotency_key="one")
        )
        async with asyncio.timeout(20):
            while not await pool.fetchval("SELECT count(*) FROM operation_call WHERE answer IS NOT NULL"):  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        again = await creating.operations.call(creating.tenant.connector, TAG_IT, person, idempotency_key="one")
        assert (again.is_success, again.is_repeat) == (True, True)
        assert not first.done()
    assert (await first).output == again.output
    assert count_people(creating, "Repeated") == 1


async def test_an_undone_save_waits_for_no_server_that_does_not_answer(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gate, "ROLLBACK_SECONDS", 0.3, raising=False)
    frozen = 0

    async def save() -> None:
        nonlocal frozen
        async with lock_feed(tenant.pool, tenant.connector.number) as connection:
            frozen = connection.get_server_pid()
            os.kill(frozen, signal.SIGSTOP)
            raise TimeoutError("whoever waited gave up")

    saving = asyncio.create_task(save())
    try:
        done, _ = await asyncio.wait([saving], timeout=8)
    finally:
        os.kill(frozen, signal.SIGCONT)
    assert done
    with pytest.raises(TimeoutError):
        await saving


async def test_a_save_that_is_cancelled_while_it_is_undone_leaves_no_transaction_open(tenant: Tenant) -> None:
    frozen = 0
    is_begun = asyncio.Event()
    complaints: list[str] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: complaints.append(context["message"]))

    async def save() -> None:
        nonlocal frozen
        async with lock_feed(tenant.pool, tenant.connector.number) as connection:
            frozen = connection.get_server_pid()
            os.kill(frozen, signal.SIGSTOP)
            is_begun.set()
            await asyncio.sleep(30)

    saving = asyncio.create_task(save())
    try:
        await within(is_begun.wait())
        for _ in range(2):
            saving.cancel()
            await asyncio.sleep(0.3)
        done, _ = await asyncio.wait([saving], timeout=3)
        os.kill(frozen, signal.SIGCONT)
        assert done
        async with asyncio.timeout(10), lock_feed(tenant.pool, tenant.connector.number) as connection:
            assert await connection.fetchval("SELECT 1") == 1
        assert complaints == []
    finally:
        loop.set_exception_handler(None)
        with suppress(ProcessLookupError):
            os.kill(frozen, signal.SIGCONT)
