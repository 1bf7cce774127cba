"""Twenty clients in two processes, one refresh token that works once, and every client told at once to renew it.

RACE_ROUNDS says how often; `make chaos` does it 1,000 times.
"""

import asyncio
import contextlib
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping
from functools import partial
from pathlib import Path

import httpx
import pytest

from testbed.databases import Databases
from testbed.harvest import serve_harvest
from testbed.partner import connect_partner
from testbed.waiting import until, within
from unihire.integration.registry import get_integration
from unihire.kit.seal import Sealer, new_key
from unihire.outbound.auth import Grant
from unihire.platform.connectors import open_client, open_connector_client
from unihire.sandbox.runner import RunningSandbox
from unihire.store.database import open_database

BACK = "https://partner.example.com/back"
GREENHOUSE = get_integration("greenhouse")
ROUNDS = int(os.environ.get("RACE_ROUNDS", "15"))
CLIENTS = 10

RACER = """
import asyncio, contextlib, json, sys
from uuid import UUID
from unihire.kit.seal import Sealer
from unihire.platform.connectors import open_connector_client
from unihire.settings import Settings
from unihire.store.database import open_database
from unihire.store.accounts.tenancy import get_connector

given = json.loads(sys.argv[1])

async def main():
    settings = Settings(_env_file=None, home=given["home"], database_url=given["dsn"], database_pool=4)
    async with open_database(settings) as pool, contextlib.AsyncExitStack() as stack:
        connector, sealer = await get_connector(pool, UUID(given["connector"])), Sealer([given["key"]])
        clients = [
            await stack.enter_async_context(open_connector_client(pool, connector, sealer))
            for _ in range(given["clients"])
        ]
        print("ready", flush=True)
        while await asyncio.to_thread(sys.stdin.readline):
            rows = await asyncio.gather(*(client.get("/v3/jobs?per_page=1") for client in clients))
            print("asked", len(rows), flush=True)

asyncio.run(main())
"""


@pytest.fixture(scope="module")
def sandbox() -> Iterator[RunningSandbox]:
    with serve_harvest(size=100) as running:
        yield running


async def let_in(sandbox: RunningSandbox) -> Grant:
    """What a partner gets when a customer agrees."""
    ready = sandbox.ready
    credentials = {"client_id": ready.client_id, "client_secret": ready.client_secret}
    async with open_client(
        GREENHOUSE, credentials, ready.base_url, is_base_url_trusted=True, is_partner=True
    ) as client:
        url = client.write_authorize_url(BACK, "the-state", ())
        location = httpx.URL((await asyncio.to_thread(httpx.get, url)).headers["location"])
        assert location.params["state"] == "the-state"
        return await client.redeem(location.params["code"], BACK, ())


@contextlib.asynccontextmanager
async def run_racer(given: dict[str, object]) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", RACER, json.dumps(given)),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={"PYTHONPATH": str(Path(__file__).parent.parent)},
    )
    try:
        yield process
        assert process.stdin is not None
        process.stdin.close()
        assert await asyncio.wait_for(process.wait(), 10) == 0
    finally:
        if process.returncode is None:
            process.kill()
            await within(process.wait())


async def read_line(process: asyncio.subprocess.Process) -> str:
    assert process.stdout is not None
    return (await asyncio.wait_for(process.stdout.readline(), 20)).decode().strip()


async def has_answered(asked: Mapping[str, Counter[int]]) -> bool:
    return asked.get("GET /v3/jobs", Counter())[200] == 2 * CLIENTS


async def test_one_refresh_token_is_spent_once_a_round_by_twenty_clients_of_two_processes(
    databases: Databases, sandbox: RunningSandbox
) -> None:
    key, ready = new_key(), sandbox.ready
    sealer = Sealer([key])
    async with databases.create() as name, open_database(databases.settings(name)) as pool:
        connector = await connect_partner(
            pool,
            sealer,
            integration=GREENHOUSE,
            base_url=ready.base_url,
            credentials={"client_id": ready.client_id, "client_secret": ready.client_secret},
            grant=await let_in(sandbox),
        )
        given = {
            "home": str(databases.home),
            "dsn": databases.server.dsn(name),
            "connector": str(connector.id),
            "key": key,
            "clients": CLIENTS,
        }
        async with run_racer(given) as one, run_racer(given) as other:
            assert [await read_line(one), await read_line(other)] == ["ready", "ready"]
            survived = 0
            for _ in range(ROUNDS):
                sandbox.app.emulator.expire_tokens()
                sandbox.app.log.clear()
                for process in (one, other):
                    assert process.stdin is not None
                    process.stdin.write(b"go\n")
                said = await asyncio.gather(read_line(one), read_line(other))
                assert said == [f"asked {CLIENTS}"] * 2
                asked = sandbox.app.log.by_route
                await until(partial(has_answered, asked))  # an answer is logged when it was sent
                assert dict(asked["POST /token"]) == {200: 1}
                survived += 1
            sys.stdout.write(f"\nthe grant survived {survived:,} races of {ROUNDS:,}\n")
        async with open_connector_client(pool, connector, sealer) as client:
            sandbox.app.emulator.expire_tokens()
            await client.get("/v3/jobs?per_page=1")
