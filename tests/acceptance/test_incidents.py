"""docs/incidents.md: what it says commands say, they say of a sandbox with that fault."""

import re
import signal
from collections.abc import Callable
from pathlib import Path

import httpx

from testbed.command import Command, end, read_json_line
from testbed.databases import make_place
from unihire.store.embedded.server import EmbeddedServer

PAGE = (Path(__file__).parents[2] / "docs" / "incidents.md").read_text()

SANDBOX = ("sandbox", "personio", "--json", "--size", "200", "--client-id", "example")


def read_story(title: str) -> list[tuple[str, list[str]]]:
    """The commands of a section, each with the pieces of text that it says."""
    (section,) = re.findall(rf"^## {title}\n(.*?)(?:^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
    story: list[tuple[str, list[str]]] = []
    for line in "".join(re.findall(r"```text\n(.*?)```", section, re.DOTALL)).splitlines():
        if line.startswith("$ "):
            story.append((line.removeprefix("$ "), []))
        else:
            story[-1][1].append(line)
    return story


def play(command: Command, title: str, id: str, before: Callable[[int], None] = lambda number: None) -> None:
    for number, (line, said) in enumerate(read_story(title)):
        before(number)
        words = line.replace("3f2c", id[:8]).split()
        at = words.index("unihire")
        settings = dict(word.split("=", 1) for word in words[:at])
        ran = command.run(*words[at + 1 :], code=CODES.get((title, number), 0), **settings)
        for piece in said:
            assert piece.replace("3f2c", id[:8]) in ran.stdout + ran.stderr, (line, ran.stdout, ran.stderr)


CODES = {
    ("Missing records", 0): 6,
    ("Missing records", 2): 1,
    ("Refused credentials", 0): 5,
    ("The database", 0): 1,
}
"""What a command of a story exits with where that is not 0."""


def test_every_story_is_true() -> None:
    with make_place() as place, EmbeddedServer(place / "home"):
        command = Command(place / "home", COLUMNS="200", UNIHIRE_PORT="0")
        with command.start(*SANDBOX, "--client-secret", "example") as process:
            vendor = read_json_line(process)
            port = vendor["base_url"].rpartition(":")[2]
            credentials = {"UNIHIRE_PERSONIO_CLIENT_ID": "example", "UNIHIRE_PERSONIO_CLIENT_SECRET": "example"}
            id = command.ask(
                *("connect", "personio", "--customer", "Example Ltd", "--base-url", vendor["base_url"]), **credentials
            )["connector_id"]
            command.run("sync", id)

            def fault(*faults: dict[str, object]) -> None:
                httpx.put(f"{vendor['control_url']}faults", json=faults).raise_for_status()

            def lose_candidates(number: int) -> None:
                if number == 2:
                    fault()
                    command.run("sync", id)
                    rows = f"{vendor['control_url']}rows/candidates"
                    httpx.request("DELETE", rows, json={"count": 2}).raise_for_status()

            fault({"word": "403", "path": "/v2/recruiting/applications*"})
            play(command, "Missing records", id, lose_candidates)
            command.run("sync", "--full", id)
            fault({"word": "impossible-time", "path": "/v2/recruiting/applications*"})
            play(command, "Quarantine", id)
            fault()
            play(command, "No worker", id)
            play(command, "The database", id)
            assert end(process, signal.SIGINT)[0] == 130
        with command.start(*SANDBOX, "--client-secret", "another", "--port", port) as process:
            read_json_line(process)
            play(command, "Refused credentials", id)
            play(command, "The vendor", id)
            assert end(process, signal.SIGINT)[0] == 130
