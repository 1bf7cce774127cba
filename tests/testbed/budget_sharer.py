"""A process that asks a vendor for one connector, within the budget it shares with others.

Started with an order as JSON: where the database and the vendor are, the seconds of its windows, calls abreast. It says
`ready`, asks from the first line it reads on, and with its input closed it ends and says how many calls it made.
"""

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import structlog

from testbed.waiting import within
from unihire.integration.registry import get_integration
from unihire.outbound.budget import FixedWindowHeaders
from unihire.outbound.client import Retry, VendorClient
from unihire.platform.budgets import StoredBudgets
from unihire.platform.connectors import open_client
from unihire.settings import Settings
from unihire.store import Pool
from unihire.store.accounts.tenancy import Connector, get_connector
from unihire.store.database import open_database


def open_sharer(
    pool: Pool, connector: Connector, credentials: dict[str, str], *, seconds: int, **settings: Any
) -> VendorClient:
    """A client of the Greenhouse emulator with windows of so many seconds."""
    integration = get_integration("greenhouse")
    assert isinstance(integration.budget_rule, FixedWindowHeaders)
    return open_client(
        replace(integration, budget_rule=replace(integration.budget_rule, seconds=seconds)),
        credentials,
        connector.base_url,
        is_base_url_trusted=True,
        budgets=StoredBudgets(pool, number=connector.number),
        **settings,
    )


async def main() -> None:
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))  # what is said here is read as JSON
    given = json.loads(sys.argv[1])
    settings = Settings(_env_file=None, home=given["home"], database_url=given["dsn"], database_pool=4)
    async with open_database(settings) as pool:
        connector = await get_connector(pool, UUID(given["connector"]))
        assert connector is not None
        client = open_sharer(
            pool,
            connector,
            given["credentials"],
            seconds=given["seconds"],
            is_background=True,
            retry=Retry(timeout=given["timeout"]),
        )
        async with client:
            await client.check()
            _say("ready")
            await asyncio.to_thread(sys.stdin.readline)
            asking = [asyncio.create_task(_ask(client, given["path"])) for _ in range(given["abreast"])]
            await asyncio.to_thread(sys.stdin.readline)
            for task in asking:
                task.cancel()
            ended = await asyncio.gather(*asking, return_exceptions=True)
            errors = [repr(error) for error in ended if not isinstance(error, asyncio.CancelledError)]
            _say(json.dumps({"calls": client.calls, "errors": errors}))


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


async def _ask(client: VendorClient, path: str) -> None:
    while True:
        await client.get(path)


@asynccontextmanager
async def run_sharer(order: dict[str, Any]) -> AsyncIterator[asyncio.subprocess.Process]:
    """Such a process, ready; killed at the end if it lives."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "testbed.budget_sharer", json.dumps(order)),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={"PYTHONPATH": str(Path(__file__).parent.parent)},
    )
    try:
        assert await read_line(process) == "ready"
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await within(process.wait())


async def read_line(process: asyncio.subprocess.Process) -> str:
    assert process.stdout is not None
    return (await asyncio.wait_for(process.stdout.readline(), 30)).decode().strip()


def write_line(process: asyncio.subprocess.Process) -> None:
    assert process.stdin is not None
    process.stdin.write(b"\n")


if __name__ == "__main__":
    asyncio.run(main())
