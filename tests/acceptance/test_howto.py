"""The scripts of docs/howto, run as they stand against a service and an emulated vendor."""

import asyncio
import os
import sys
from pathlib import Path

from testbed.databases import Databases
from testbed.harvest import connect_harvest, serve_harvest, walk
from testbed.harvest_link import make_harvest_tenant
from testbed.serving import serve_on_socket
from testbed.waiting import within
from unihire.app import create_app
from unihire.kit.seal import Sealer

SCRIPT = Path(__file__).parents[2] / "docs" / "howto" / "source_a_candidate.py"


async def test_candidate_is_sourced_in_ten_operations_and_once_only(databases: Databases, sealer: Sealer) -> None:
    with serve_harvest(size=100) as sandbox, connect_harvest(sandbox) as vendor:
        async with databases.open() as pool:
            tenant = await make_harvest_tenant(pool, sealer, sandbox.ready)
            async with serve_on_socket(create_app(databases.settings("migrated"), pool, sealer)) as url:
                place = {"UNIHIRE_URL": url, "API_KEY": tenant.key, "CONNECTOR_ID": str(tenant.connector.id)}
                said = [await run_script({**os.environ, **place}) for _ in range(2)]
        made = [row for row in walk(vendor, "candidates") if "jane@example.com" in str(row["email_addresses"])]
        assert len(made) == 1
        assert len(walk(vendor, "applications", candidate_ids=made[0]["id"])) == 2
        assert len(walk(vendor, "notes", candidate_ids=made[0]["id"])) == 1
    assert said[0] == said[1]
    assert said[0].count("Jane Doe: ") == 2
    assert SCRIPT.read_text().count("call(\n") + SCRIPT.read_text().count('call("') == 10


async def run_script(environment: dict[str, str]) -> str:
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(SCRIPT), "jane@example.com", env=environment,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    said, errors = await within(process.communicate(), 120)
    assert process.returncode == 0, errors.decode()
    return said.decode()
