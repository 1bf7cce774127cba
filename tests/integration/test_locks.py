"""Who works on a connector: the session that all locks of a process share."""

import asyncpg
import pytest

from testbed.tenants import Tenant
from unihire.errors import Busy
from unihire.store import locks
from unihire.store.locks import lock_connector


def count_used(tenant: Tenant) -> int:
    return tenant.pool.get_size() - tenant.pool.get_idle_size()


async def test_locks_share_one_session_which_goes_back_with_the_last_of_them(tenant: Tenant) -> None:
    async with lock_connector(tenant.pool, 1, otherwise="taken"):
        async with lock_connector(tenant.pool, 2, otherwise="taken"):
            assert count_used(tenant) == 1
            with pytest.raises(Busy, match="taken"):
                async with lock_connector(tenant.pool, 2, otherwise="taken"):
                    raise AssertionError
        assert count_used(tenant) == 1
    assert count_used(tenant) == 0


async def test_session_that_cannot_be_prepared_goes_back_and_the_next_is_tried(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locks, "SILENT_SECONDS", -5)  # PostgreSQL refuses such a limit
    with pytest.raises(asyncpg.PostgresError):
        async with lock_connector(tenant.pool, 1, otherwise="taken"):
            raise AssertionError
    assert count_used(tenant) == 0
    monkeypatch.undo()
    async with lock_connector(tenant.pool, 1, otherwise="taken"):
        assert count_used(tenant) == 1
