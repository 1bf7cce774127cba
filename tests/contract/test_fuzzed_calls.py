"""Calls of operations made up from our own description of them: one that is as described is taken."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from testbed.databases import Databases
from testbed.fuzzing import fuzz
from testbed.harvest import serve_harvest
from testbed.harvest_link import make_harvest_tenant
from testbed.serving import serve_on_socket
from testbed.tenants import Tenant
from unihire.app import create_app, describe_api
from unihire.kit.seal import Sealer


@pytest_asyncio.fixture
async def served(databases: Databases, sealer: Sealer) -> AsyncIterator[tuple[str, Tenant]]:
    with serve_harvest(size=100) as sandbox:
        async with databases.open() as pool:
            tenant = await make_harvest_tenant(pool, sealer, sandbox.ready)
            async with serve_on_socket(create_app(databases.settings("migrated"), pool, sealer)) as url:
                yield url, tenant


async def test_calls_as_described_are_taken_and_answered_as_described(
    served: tuple[str, Tenant], tmp_path: Path
) -> None:
    url, tenant = served
    document = describe_api()
    for name, schema in document["components"]["schemas"].items():
        if name.startswith("Call_"):
            schema["properties"]["authId"] = {"const": str(tenant.connector.id)}
    said = await fuzz(document, url, {"Authorization": f"Bearer {tenant.key}"}, tmp_path, "--include-tag=operations")
    assert not said, said
