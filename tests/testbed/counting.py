"""Counting at a vendor in tests."""

from typing import Any

from testbed.tenants import Tenant
from testbed.vendor import IMPATIENT
from unihire.platform.connectors import open_client
from unihire.sync.reconcile import Comparison, Reconciliation, reconcile

Numbers = tuple[int, int, int, int, int]


async def count(tenant: Tenant, **settings: Any) -> Reconciliation:
    client = open_client(
        tenant.integration, tenant.credentials, tenant.connector.base_url, is_base_url_trusted=True, retry=IMPATIENT
    )
    return await reconcile(tenant.pool, tenant.connector, tenant.integration, client, **settings)


def numbers(found: Reconciliation) -> dict[str, Numbers]:
    """By model: there, here, quarantined, missing, gone."""
    return {one.model: (one.there, one.here, one.quarantined, one.missing, one.gone) for one in found.models}


def get(found: Reconciliation, model: str) -> Comparison:
    return next(one for one in found.models if one.model == model)
