"""A partner's connector from the customer's yes to its syncs, through the command."""

import json
from collections.abc import Iterator

import httpx
import pytest

from testbed.command import Command
from testbed.databases import make_place
from testbed.harvest import connect_harvest, serve_harvest, walk
from unihire.integration.registry import list_writes
from unihire.sandbox.runner import RunningSandbox
from unihire.store.embedded.server import EmbeddedServer

WRITES = ("create_candidate", "create_candidate_application", "create_candidate_note", "create_prospect")
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


def find_address(shown: str) -> str:
    """The consent's, in what the command shows."""
    (url,) = [line for line in shown.splitlines() if line.startswith("http")]
    return url


def agree(url: str) -> str:
    """Where the customer who opens the address is sent on to."""
    return httpx.get(url).headers["location"]


def test_customer_lets_a_partner_in_and_its_tokens_are_renewed_from_sync_to_sync(
    command: Command, sandbox: RunningSandbox
) -> None:
    before = len(command.ask("connectors", "list"))
    shown = command.run(*list_connect(sandbox), code=3).stderr
    url = find_address(shown)
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
    assert len(command.ask("connectors", "list")) == before + 1


def test_customer_is_asked_for_reads_alone_or_for_writes_as_well(command: Command, sandbox: RunningSandbox) -> None:
    shown = command.run(*list_connect(sandbox), code=3).stderr
    made = command.ask(*list_connect(sandbox, "--code", agree(find_address(shown))))
    id = made["connector_id"]
    command.ask("sync", id)
    show = command.ask("connectors", "show", id)
    assert show["access"] == "read"
    unified = [write.name for write in list_writes("greenhouse").values() if write.scopes]
    assert show["not_allowed"] == [*WRITES, *unified]
    assert "candidate.create" in unified

    with connect_harvest(sandbox) as vendor:
        user, candidate = walk(vendor, "users")[0]["id"], walk(vendor, "candidates")[0]["id"]
    note = json.dumps({"candidate_id": candidate, "user_id": user, "body": "Hello", "visibility": "public"})
    call = ["call", "greenhouse", "create_candidate_note", "--connector", id, "--input", note]
    sandbox.app.log.clear()
    refused = json.loads(command.run(*call, code=1).stdout)
    assert (refused["code"], refused["response"]) == ("forbidden", {})
    assert "harvest:notes:create" in refused["message"]
    assert "--access read-write" in refused["message"]
    assert dict(sandbox.app.log.by_route) == {}

    reconnect = ["reconnect", id, "--redirect-uri", BACK]
    address = find_address(command.run(*reconnect, "--access", "read-write", code=3).stderr)
    back = agree(address)
    said = command.run(*reconnect, "--code", back, code=3).stderr
    assert "asked for read-write, by that address" in " ".join(said.split())
    command.ask(*reconnect, "--access", "read-write", "--code", back)
    show = command.ask("connectors", "show", id)
    assert (show["access"], show["not_allowed"]) == ("read-write", [])
    assert json.loads(command.run(*call).stdout)["body"] == "Hello"

    # Once more, by the access of before.
    assert "notes%3Acreate" in find_address(command.run(*reconnect, code=3).stderr)


def test_customer_comes_back_below_the_public_address_unless_another_is_given(
    command: Command, sandbox: RunningSandbox
) -> None:
    public = {"UNIHIRE_PUBLIC_URL": "https://hire.example.com/ats/"}
    own = [part for part in list_connect(sandbox) if part not in ("--redirect-uri", BACK)]
    address = find_address(command.run(*own, code=3, **public).stderr)
    back = agree(address)
    assert back.startswith("https://hire.example.com/ats/consent?")
    made = json.loads(command.run(*own, "--code", back, "--json", **public).stdout)
    assert agree(find_address(command.run(*list_connect(sandbox), code=3, **public).stderr)).startswith(f"{BACK}?")

    reconnect = ["reconnect", made["connector_id"]]
    back = agree(find_address(command.run(*reconnect, code=3, **public).stderr))
    assert back.startswith("https://hire.example.com/ats/consent?")
    command.run(*reconnect, "--code", back, **public)
    given = find_address(command.run(*reconnect, "--redirect-uri", BACK, code=3, **public).stderr)
    assert agree(given).startswith(f"{BACK}?")
    said = command.run(*reconnect, code=2).stderr
    assert "UNIHIRE_PUBLIC_URL" in said


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["greenhouse", "--access", "read-write"], "goes with --partner"),
        (["greenhouse", "--redirect-uri", BACK], "goes with --partner"),
        (["greenhouse", "--code", "x"], "goes with --partner"),
        (["greenhouse", "--partner"], "needs the one you gave the vendor, or UNIHIRE_PUBLIC_URL"),
        (["greenhouse", "--partner", "--redirect-uri", BACK, "--no-check"], "by the vendor only"),
    ],
)
def test_options_that_do_not_go_together_are_told(command: Command, more: list[str], words: str) -> None:
    said = command.run("connect", *more, "--customer", "Example Ltd", code=2).stderr
    assert words in " ".join(said.replace("│", " ").split())


def test_vendor_without_partners_is_told(command: Command) -> None:
    said = command.run("connect", "personio", "--partner", "--customer", "Example Ltd", code=3).stderr
    assert "cannot be connected as a partner" in " ".join(said.split())
