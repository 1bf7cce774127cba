"""Keys and tokens rotated by command, beside a running `unihire serve`."""

from collections.abc import Iterator

import httpx
import pytest

from testbed.command import Command, read_json_line
from testbed.databases import make_place
from unihire.store.embedded.server import EmbeddedServer

JOBS = "/api/ats/v1/jobs"


@pytest.fixture(scope="module")
def command() -> Iterator[Command]:
    with make_place() as place, EmbeddedServer(place / "home"):
        yield Command(
            place / "home",
            UNIHIRE_PERSONIO_CLIENT_ID="a",
            UNIHIRE_PERSONIO_CLIENT_SECRET="b",
            UNIHIRE_PORT="0",
        )


def test_keys_and_tokens_are_changed_over_while_it_serves(command: Command) -> None:
    made = command.ask("connect", "personio", "--customer", "Example Ltd", "--no-check")
    id, token = made["connector_id"], made["connector_token"]
    first = command.ask("keys", "create", "--name", "backend")
    with command.start("serve", "--port", "0", "--json", "--no-worker") as process:
        base_url = read_json_line(process)["base_url"]

        def ask(key: str, token: str) -> int:
            headers = {"Authorization": f"Bearer {key}", "X-Connector-Token": token}
            return httpx.get(base_url + JOBS, headers=headers).status_code

        assert ask(first["key"], token) == 200
        second = command.ask("keys", "rotate", first["id"][:8], "--old-valid-for", "1h")
        assert (second["old_id"], second["old_valid_for"]) == (first["id"], "1h")
        rotated = command.ask("keys", "rotate-token", id[:8], "--old-valid-for", "1h")
        assert (rotated["connector_id"], rotated["old_valid_for"]) == (id, "1h")
        pairs = [(key, it) for key in (first["key"], second["key"]) for it in (token, rotated["connector_token"])]
        assert [ask(*pair) for pair in pairs] == [200] * 4

        shown = command.run("connectors", "show", id).stdout
        assert "old token     good until 20" in shown
        (listed,) = command.ask("connectors")
        assert len(listed["old_tokens_end_at"]) == 1
        assert [key["ends_at"] is None for key in command.ask("keys")] == [False, True]
        assert token not in shown
        assert command.ask("doctor")["findings"]

        third = command.ask("keys", "rotate", second["id"], "--old-valid-for", "0")
        only = command.ask("keys", "rotate-token", id, "--old-valid-for", "0")["connector_token"]
        assert [ask(*pair) for pair in ((second["key"], only), (third["key"], rotated["connector_token"]))] == [401] * 2
        assert [ask(third["key"], it) for it in (token, only)] == [401, 200]
    assert command.ask("connectors", "show", id)["old_tokens_end_at"] == []
    command.ask("keys", "create", "--valid-for", "90d", "--name", "for a while")
    assert command.ask("keys")[-1]["ends_at"] is not None


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["rotate", "3f", "--old-valid-for", "31d"], "from 0s to 30d"),
        (["rotate-token", "3f", "--old-valid-for", "31d"], "from 0s to 30d"),
        (["rotate-token", "3f", "--old-valid-for", "-1h"], "a duration is"),
        (["create", "--valid-for", "0"], "from 1s to 3650d"),
        (["create", "--valid-for", "soon"], "a duration is"),
    ],
)
def test_durations_beyond_bounds_are_refused(command: Command, arguments: list[str], words: str) -> None:
    said = command.run("keys", *arguments, code=2).stderr
    assert words in " ".join(said.replace("│", " ").split())


def test_what_there_is_not_cannot_be_rotated(command: Command) -> None:
    for arguments in (["rotate", "ffff"], ["rotate-token", "ffff"]):
        said = command.run("keys", *arguments, code=3).stderr
        assert "begins with 'ffff'" in " ".join(said.split())
