"""What an operation is given of a vendor whose rows are asked for one by one, by their paths."""

import asyncio

import pytest

from testbed.tenants import make_tenant
from testbed.vendor import ACME, Vendor, fill
from unihire.integration import registry
from unihire.kit.seal import Sealer
from unihire.platform.connectors import open_connector_client
from unihire.platform.context_live import LiveContext
from unihire.store import Pool


async def test_rows_are_found_by_their_ids_where_the_vendor_has_a_path_for_each(
    pool: Pool, sealer: Sealer, vendor: Vendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "list_integrations", lambda: (ACME,))
    fill(vendor)
    tenant = await make_tenant(pool, sealer, base_url=vendor.base_url)
    async with open_connector_client(pool, tenant.connector, sealer) as client:
        context = LiveContext(
            pool=pool, client=client, connector=tenant.connector, integration=ACME, steps={},
            save_steps=lambda steps: asyncio.sleep(0),
        )  # fmt: skip
        found = await context.find("jobs", "id", ["2", None, "1", "2", "gone"])
        assert sorted(row.get_text("id") for row in found) == ["1", "2"]
        with pytest.raises(AssertionError, match="by their ids alone"):
            await context.find("jobs", "name", ["x"])
