"""The commands of docs/deploying.md, Changing keys, as they are written there."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from testbed.command import Command
from testbed.databases import make_place
from unihire.store.embedded.server import EmbeddedServer

GUIDE = Path(__file__).parents[2] / "docs" / "deploying.md"


@pytest.fixture(scope="module")
def command() -> Iterator[Command]:
    with make_place() as place, EmbeddedServer(place / "home"):
        yield Command(
            place / "home",
            UNIHIRE_PERSONIO_CLIENT_ID="a",
            UNIHIRE_PERSONIO_CLIENT_SECRET="b",
            UNIHIRE_PORT="0",
        )


def list_commands() -> list[list[str]]:
    """The arguments of each command of the guide, in order."""
    section = GUIDE.read_text().partition("## Changing keys\n")[2].partition("\n## ")[0]
    blocks = re.findall(r"```sh\n(.*?)```", section, re.DOTALL)
    lines = [line.strip() for block in blocks for line in block.splitlines() if line.strip()]
    assert all(line.startswith("unihire ") for line in lines)
    return [shlex.split(line, comments=True)[1:] for line in lines]


def test_guide_of_changing_keys_is_true(command: Command) -> None:
    connector = command.ask("connect", "personio", "--customer", "Example Ltd", "--no-check")["connector_id"]
    ids = {"3f2c": connector[:8], "5d1a": command.ask("keys", "create")["id"][:8]}
    old = (command.home / "encryption.key").read_text().strip()
    new = command.ask("keys", "seal")["key"]
    command.environment["UNIHIRE_ENCRYPTION_KEYS"] = f"{new},{old}"
    said = {}
    for arguments in list_commands():
        said[" ".join(arguments)] = command.run(*(ids.get(one, one) for one in arguments)).stdout
    assert "credentials of 1 connector and 0 grants brought under the newest key" in said["keys reseal"]
    assert "old token     good until" in said["connectors show 3f2c"]
    command.environment["UNIHIRE_ENCRYPTION_KEYS"] = new
    (key,) = [one for one in command.ask("doctor")["findings"] if one["name"] == "encryption key"]
    assert key["status"] == "ok"
    assert [one["is_good"] for one in command.ask("keys")] == [False, True, True]
