"""Whole stores of before, filled with what richer faces show: no native byte changes, no record moves."""

from typing import Any

import pytest

from testbed.change_log import hang_log
from testbed.harvest_link import make_harvest_tenant
from testbed.personio import make_emulated_tenant
from testbed.tenants import Tenant
from unihire.integration.registry import get_integration
from unihire.kit.seal import Sealer
from unihire.model import NATIVE_MODELS
from unihire.sandbox.runner import start_sandbox
from unihire.store import Pool
from unihire.sync.remap import remap_connector

MAKERS = {"greenhouse": make_harvest_tenant, "personio": make_emulated_tenant}
NATIVE = [spec.number for spec in NATIVE_MODELS.values()]

# As a program stored them that knew nothing of this: no record of the other models, and its rows are mapped again.
FORGET = "UPDATE record SET more = NULL, more_hash = NULL, row_hash = NULL WHERE model = ANY($1)"
DROP = "DELETE FROM record WHERE NOT model = ANY($1)"
DROP_KEYS = """
    DELETE FROM record_key AS k WHERE NOT EXISTS (
        SELECT FROM record AS r WHERE r.connector = k.connector AND r.seq = k.seq AND k.key = ANY(r.keys)
    )
"""


async def read_native(tenant: Tenant) -> dict[str, tuple[Any, ...]]:
    """All that was stored of native records before, by id."""
    find = """
        SELECT id::text, seq, deleted_at, first_saved_at, fingerprint, body, raw, custom FROM record
        WHERE model = ANY($1) ORDER BY seq
    """
    return {row["id"]: tuple(row) for row in await tenant.pool.fetch(find, NATIVE)}


async def read_more(tenant: Tenant) -> dict[str, tuple[Any, ...]]:
    find = """
        SELECT id::text, more, words, (SELECT array_agg(key ORDER BY key) FROM unnest(keys) AS key), more_hash
        FROM record
    """
    found = await tenant.pool.fetch(find)
    return {row["id"]: tuple(row) for row in found}


@pytest.mark.parametrize("slug", MAKERS)
async def test_store_of_before_is_filled_without_moving_anything(
    pool: Pool, sealer: Sealer, slug: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = hang_log(monkeypatch)
    with start_sandbox(slug, size=120, seed=7) as sandbox:
        tenant = await MAKERS[slug](pool, sealer, sandbox.ready)
        assert (await tenant.sync()).status == "done"
        native, more = await read_native(tenant), await read_more(tenant)
        assert len(native) > 300
        async with pool.acquire() as connection, connection.transaction():
            await connection.execute(FORGET, NATIVE)
            await connection.execute(DROP, NATIVE)
            await connection.execute(DROP_KEYS)
        log.take()

        # By what is stored already.
        for result in await remap_connector(pool, tenant.connector, get_integration(slug)):
            assert result.changed == result.deleted == 0, result
        assert await read_native(tenant) == native
        remapped = await read_more(tenant)
        filled = [id for id in native if remapped[id][1] is not None]
        assert len(filled) > 0.9 * len(native)
        # Its hash waits for a complete read where rows of other lists are shown as well.
        assert all(remapped[id][:-1] == more[id][:-1] for id in filled)

        # By a complete read.
        assert (await tenant.sync(full=True)).status == "done"
        assert await read_native(tenant) == native
        assert await read_more(tenant) == more
        assert {change for change in log.take() if change[0] != "created" or int(change[1]) in NATIVE} == set()
