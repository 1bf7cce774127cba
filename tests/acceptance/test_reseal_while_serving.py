"""`unihire keys reseal` beside a running `unihire serve`, and killed within."""

import time
from collections.abc import Iterator

import httpx
import pytest

from testbed.command import PATIENCE, Command, read_json_line
from testbed.databases import Databases, make_place
from testbed.harvest import serve_harvest
from unihire.integration.registry import get_integration
from unihire.kit.seal import Sealer, new_key
from unihire.platform.connectors import create_connector
from unihire.platform.organisations import ensure_organisation
from unihire.sandbox.runner import RunningSandbox
from unihire.store.accounts.sealed import count_marks
from unihire.store.database import open_database
from unihire.store.embedded.server import EmbeddedServer

OLD, NEW = new_key(), new_key()
BOTH = f"{NEW},{OLD}"
BACK = "https://partner.example.com/back"
MANY = 1_500


@pytest.fixture(scope="module")
def sandbox() -> Iterator[RunningSandbox]:
    with serve_harvest(size=100) as running:
        yield running


@pytest.fixture
def command(sandbox: RunningSandbox) -> Iterator[Command]:
    with make_place() as place, EmbeddedServer(place / "home"):
        yield Command(
            place / "home",
            UNIHIRE_GREENHOUSE_CLIENT_ID=sandbox.ready.client_id,
            UNIHIRE_GREENHOUSE_CLIENT_SECRET=sandbox.ready.client_secret,
            UNIHIRE_ENCRYPTION_KEYS=OLD,
            UNIHIRE_PORT="0",
        )


def connect_partner(command: Command, sandbox: RunningSandbox) -> str:
    connect = ["connect", "greenhouse", "--customer", "Example Ltd", "--base-url", sandbox.ready.base_url]
    connect += ["--partner", "--redirect-uri", BACK]
    (url,) = [line for line in command.run(*connect, code=3).stderr.splitlines() if line.startswith("http")]
    id: str = command.ask(*connect, "--code", httpx.get(url).headers["location"])["connector_id"]
    return id


def find_key(command: Command, **settings: str) -> tuple[str, str]:
    """What the doctor says of the encryption key."""
    found = command.ask("doctor", **settings)["findings"]
    (key,) = [one for one in found if one["name"] == "encryption key"]
    return key["status"], key["detail"]


def test_keys_are_changed_while_everything_runs_and_grants_are_renewed(
    command: Command, sandbox: RunningSandbox
) -> None:
    id = connect_partner(command, sandbox)
    command.ask("sync", id)
    assert find_key(command, UNIHIRE_ENCRYPTION_KEYS=BOTH)[0] == "warning"
    with command.start("serve", "--port", "0", "--json", UNIHIRE_ENCRYPTION_KEYS=BOTH) as process:
        read_json_line(process)
        for _ in range(3):  # the worker renews the grant while it is resealed
            sandbox.app.emulator.expire_tokens()
            command.ask("sync", id, "--queue", UNIHIRE_ENCRYPTION_KEYS=BOTH)
            told = command.ask("keys", "reseal", UNIHIRE_ENCRYPTION_KEYS=BOTH)
            assert told["left"] == []
        wait_until_done(command, id)
    assert command.ask("keys", "reseal", UNIHIRE_ENCRYPTION_KEYS=BOTH)["left"] == []
    status, said = find_key(command, UNIHIRE_ENCRYPTION_KEYS=BOTH)
    assert (status, "the 1 older key can go" in said) == ("ok", True)

    command.environment["UNIHIRE_ENCRYPTION_KEYS"] = NEW
    sandbox.app.emulator.expire_tokens()
    assert command.ask("sync", id)["connectors"][0]["status"] == "done"
    assert find_key(command)[0] == "ok"
    said = command.run("keys", "reseal", UNIHIRE_ENCRYPTION_KEYS=OLD, code=3).stderr
    assert "sealed under another key" in " ".join(said.split())


def wait_until_done(command: Command, id: str) -> None:
    give_up_at = time.monotonic() + PATIENCE
    while (found := command.ask("connectors", "show", id)["latest_sync"]["status"]) != "done":
        assert time.monotonic() < give_up_at, found
        time.sleep(0.2)


async def test_killed_within_it_leaves_each_value_whole_and_goes_on(databases: Databases) -> None:
    async with databases.create() as name:
        settings = databases.settings(name)
        async with open_database(settings) as pool:
            owner, sealer = await ensure_organisation(pool, "default"), Sealer([OLD])
            for number in range(MANY):
                await create_connector(
                    pool, sealer, organisation=owner, environment="production",
                    integration=get_integration("personio"), end_user=f"Example {number}",
                    credentials={"client_id": str(number), "client_secret": "b"},
                )  # fmt: skip
            assert settings.database_url is not None
            url = settings.database_url.get_secret_value()
            with make_place() as place:
                command = Command(place / "home", UNIHIRE_DATABASE_URL=url, UNIHIRE_ENCRYPTION_KEYS=BOTH)
                with command.start("keys", "reseal") as process:
                    while not (done := (await count_marks(pool, "credentials")).get(Sealer([NEW]).current, 0)):
                        assert process.poll() is None, process.communicate()
                    process.kill()
                    assert process.wait() == -9
                killed_at = (await count_marks(pool, "credentials"))[Sealer([NEW]).current]
                assert 0 < done <= killed_at < MANY
                told = command.ask("keys", "reseal")
                resealed = {
                    "credentials": MANY - killed_at,
                    "grant": 0,
                    "hook": 0,
                    "webhook": 0,
                    "partner": 0,
                    "pending": 0,
                }
                assert told == {"resealed": resealed, "left": []}
                assert (await count_marks(pool, "credentials")) == {Sealer([NEW]).current: MANY}

                await pool.execute("UPDATE connector SET credentials = '\\x00'::bytea || credentials WHERE number = 7")
                again = command.run("keys", "reseal", code=1)
                assert "✗ credentials of connector" in again.stdout
