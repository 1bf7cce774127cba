"""What the store knows of a vendor's listings: where pages begin, and which rows a list has far down."""

from datetime import timedelta

import pytest

from testbed.records import bury, save
from testbed.tenants import Tenant
from unihire.model import MODELS
from unihire.store.calls import operations

LISTING, ANOTHER = b"listing", b"another"


async def list_ids(tenant: Tenant, *, offset: int = 0, limit: int = 10) -> list[str]:
    rows = await tenant.pool.fetch(
        operations.LIST_REMOTE_IDS, tenant.connector.number, "jobs", MODELS["job"].number, offset, limit
    )
    return [row["remote_id"] for row in rows]


async def test_ids_of_a_stream_come_as_numbers_the_highest_first(tenant: Tenant, other_tenant: Tenant) -> None:
    await save(tenant, "job", *({"remote_id": id} for id in ("9", "100", "12", "7", "11")))
    await save(tenant, "tag", {"remote_id": "50"})
    await save(other_tenant, "job", {"remote_id": "60"})
    await bury(tenant, "job", "12")
    assert await list_ids(tenant) == ["100", "11", "9", "7"]
    assert await list_ids(tenant, offset=1, limit=2) == ["11", "9"]


async def test_the_nearest_mark_is_the_last_one_up_to_the_page(tenant: Tenant, other_tenant: Tenant) -> None:
    pool, number = tenant.pool, tenant.connector.number
    for page in (2, 4, 7):
        await operations.save_mark(pool, number, LISTING, page, f"place {page}")
    await operations.save_mark(pool, number, ANOTHER, 5, "elsewhere")
    await operations.save_mark(pool, other_tenant.connector.number, LISTING, 6, "somebody else's")
    found = [await operations.find_mark(pool, number, LISTING, page) for page in (1, 2, 3, 6, 7, 100)]
    assert found == [None, (2, "place 2"), (2, "place 2"), (4, "place 4"), (7, "place 7"), (7, "place 7")]
    await operations.save_mark(pool, number, LISTING, 7, "moved")
    assert await operations.find_mark(pool, number, LISTING, 8) == (7, "moved")


@pytest.mark.parametrize("off", [-operations.MARKED_FOR - timedelta(minutes=1), timedelta(minutes=1)])
async def test_a_mark_that_is_old_or_of_the_future_is_not_trusted_and_goes_when_a_listing_is_begun_anew(
    tenant: Tenant, other_tenant: Tenant, off: timedelta
) -> None:
    pool, number = tenant.pool, tenant.connector.number
    for connector in (number, other_tenant.connector.number):
        await operations.save_mark(pool, connector, LISTING, 3, "place 3")
    await pool.execute("UPDATE page_mark SET noted_at = now() + $1::interval", off)
    assert await operations.find_mark(pool, number, LISTING, 9) is None
    await operations.save_mark(pool, number, ANOTHER, 3, "place 3")
    assert await pool.fetchval("SELECT count(*) FROM page_mark WHERE connector = $1", number) == 2
    await operations.save_mark(pool, number, ANOTHER, 2, "place 2")
    left = await pool.fetch("SELECT page FROM page_mark WHERE connector = $1 ORDER BY page", number)
    assert [row["page"] for row in left] == [2, 3]
    assert await pool.fetchval("SELECT count(*) FROM page_mark") == 3
