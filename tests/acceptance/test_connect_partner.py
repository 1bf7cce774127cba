"""A partner's connector from the customer's yes to its syncs, through the command."""

from collections.abc import Iterator

import httpx
import pytest

from testbed.command import Command
from testbed.databases import make_place
from testbed.harvest import serve_harvest
from unihire.sandbox.runner import RunningSandbox
from unihire.store.embedded import EmbeddedServer

BACK = "https://partner.example.com/back"


@pytest.fixture(scope="module")
def sandbox() -> Iterator[RunningSandbox]:
    with serve_harvest(size=100) as running:
        yield running


@pytest.fixture(scope="module")
def command(sandbox: RunningSandbox) -> Iterator[Command]:
    with make_place() as place, EmbeddedServer(place / "home"):
        yield Command(
            place / "home",
            UNIHIRE_GREENHOUSE_CLIENT_ID=sandbox.ready.client_id,
            UNIHIRE_GREENHOUSE_CLIENT_SECRET=sandbox.ready.client_secret,
        )


def list_connect(sandbox: RunningSandbox, *more: str) -> list[str]:
    base = ["connect", "greenhouse", "--customer", "Example Ltd", "--base-url", sandbox.ready.base_url]
    return [*base, "--partner", "--redirect-uri", BACK, *more]


def agree(url: str) -> str:
    """Where the customer who opens the address is sent on to."""
    return httpx.get(url).headers["location"]


def test_customer_lets_a_partner_in_and_its_tokens_are_renewed_from_sync_to_sync(
    command: Command, sandbox: RunningSandbox
) -> None:
    shown = command.run(*list_connect(sandbox), code=3).stderr
    (url,) = [line for line in shown.splitlines() if line.startswith("http")]
    assert url.startswith(f"{sandbox.ready.base_url}/authorize?")
    assert "give the address they are sent on to, or its code, as --code" in " ".join(shown.split())

    back = agree(url)
    made = command.ask(*list_connect(sandbox, "--code", back))
    assert made["integration"] == "greenhouse"
    for _ in range(2):
        sandbox.app.emulator.expire_tokens()
        sandbox.app.log.clear()
        report = command.ask("sync", made["connector_id"])["connectors"][0]
        assert report["status"] == "done", report
        assert dict(sandbox.app.log.by_route["POST /token"]) == {200: 1}

    again = command.run(*list_connect(sandbox, "--code", back), code=4).stderr
    assert "the vendor refuses the code (400, invalid_grant)" in again
    assert "Nothing was saved" in again
    assert len(command.ask("connectors", "list")) == 1


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["greenhouse", "--redirect-uri", BACK], "goes with --partner"),
        (["greenhouse", "--code", "x"], "goes with --partner"),
        (["greenhouse", "--partner"], "needs the one you gave the vendor"),
        (["greenhouse", "--partner", "--redirect-uri", BACK, "--no-check"], "by the vendor only"),
    ],
)
def test_options_that_do_not_go_together_are_told(command: Command, more: list[str], words: str) -> None:
    said = command.run("connect", *more, "--customer", "Example Ltd", code=2).stderr
    assert words in " ".join(said.replace("│", " ").split())


def test_vendor_without_partners_is_told(command: Command) -> None:
    said = command.run("connect", "personio", "--partner", "--customer", "Example Ltd", code=3).stderr
    assert "cannot be connected as a partner" in " ".join(said.split())
