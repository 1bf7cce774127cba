"""`unihire events`: what it lists, how that is narrowed, how it looks, and what is said where events are missing."""

import itertools
import json
import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio
from rich.console import Console

from testbed.databases import Databases
from testbed.event_log import save_logged
from testbed.shell import Shell
from testbed.tenants import Tenant, make_tenant, open_api
from unihire.kit.seal import Sealer
from unihire.store import Pool
from unihire.store.database import get_address
from unihire.store.events.log import cut_events
from unihire.store.retention import Retention

CURSOR = re.compile(r"^To go on: --after ([A-Za-z0-9_-]{48})$", re.MULTILINE)
PATH = "/api/v1/events"


@dataclass(frozen=True)
class Log:
    """An environment whose log has events, those the API lists of it, and the command on its database."""

    shell: Shell
    tenant: Tenant
    other: Tenant
    items: Sequence[dict[str, Any]]
    cursor: str

    def show(self, *arguments: str) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.shell.run("events", *arguments, "--json").stdout.splitlines()]

    def narrow(self, **wanted: Any) -> list[dict[str, Any]]:
        return [item for item in self.items if all(item[name] == value for name, value in wanted.items())]


def make_shell(databases: Databases, pool: Pool) -> Shell:
    return Shell(databases.home, UNIHIRE_DATABASE_URL=get_address(pool))


@pytest_asyncio.fixture
async def filled(databases: Databases, sealer: Sealer, pool: Pool, tenant: Tenant) -> AsyncIterator[Log]:
    other = await make_tenant(pool, sealer)
    await save_logged(tenant, "candidate", {"remote_id": "1", "first_name": "Kim"}, {"remote_id": "2"})
    await save_logged(other, "candidate", {"remote_id": "9\x1b[31m"})
    await save_logged(tenant, "job", {"remote_id": "j", "name": "Chemist"})
    await save_logged(tenant, "candidate", {"remote_id": "1", "first_name": "Sam", "last_name": "Lee", "title": "Dr"})
    await save_logged(tenant, "job", {"remote_id": "j", "name": "Chemist", "category": "Science"})
    await save_logged(tenant, "candidate", gone=["2"])
    async with open_api(databases.settings("migrated"), tenant) as api:
        page = (await api.get(PATH, headers={"X-Connector-Token": ""})).json()
        api.headers.pop("X-Connector-Token")
        page = (await api.get(PATH)).raise_for_status().json()
    yield Log(make_shell(databases, pool), tenant, other, page["items"], page["cursor"])


def test_events_are_those_of_the_api_one_a_line_and_the_cursor_leads_on(filled: Log) -> None:
    ran = filled.shell.run("events", "--json")
    assert [json.loads(line) for line in ran.stdout.splitlines()] == filled.items
    assert len(filled.items) == 7
    assert CURSOR.findall(ran.stderr) == [filled.cursor]
    again = filled.shell.run("events", "--json", "--after", filled.cursor)
    assert (again.stdout, CURSOR.findall(again.stderr)) == ("", [filled.cursor])
    for number, item in enumerate(filled.items, 1):
        assert filled.show("--after", item["position"]) == filled.items[number:]
    end = filled.shell.run("events", "--after", "end")
    assert (end.stdout, CURSOR.findall(end.stderr)) == ("", [filled.cursor])


def test_long_logs_are_read_in_pages(filled: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("unihire.cli.events.READ_AT_ONCE", 2)
    assert filled.show() == filled.items


def test_events_are_narrowed_as_the_api_does(filled: Log) -> None:
    own = filled.narrow(connector_id=str(filled.tenant.connector.id))
    for name, value in (("model", "job"), ("kind", "deleted"), ("kind", "created")):
        found = filled.narrow(**{name: value})
        assert found
        assert filled.show(f"--{name}", value) == found
    assert filled.show("--connector", str(filled.tenant.connector.id)) == own
    assert filled.show("--connector", str(filled.other.connector.id)[:13]) == [
        item for item in filled.items if item not in own
    ]
    assert [item["remote_id"] for item in filled.show("--changed", "first_name")] == ["1"]
    assert [item["remote_id"] for item in filled.show("--changed", "more.category", "--model", "job")] == ["j"]
    assert filled.show("--environment", "development") == []


def test_an_event_is_a_line_in_a_pipe_without_control_characters(filled: Log) -> None:
    lines = filled.shell.run("events").stdout.splitlines()
    assert len(lines) == len(filled.items)
    id = str(filled.tenant.connector.id)[:8]
    assert re.fullmatch(rf"\d{{4}}-\d\d-\d\d \d\d:\d\d:\d\d  {id}  created  candidate 1", lines[0])
    assert re.search(rf"{id}  updated  candidate 1  {', '.join(filled.items[4]['changed'])}$", lines[4])
    assert len(lines[4]) > 80
    assert "\x1b" not in "".join(lines)


def test_what_changed_is_below_where_a_terminal_of_80_columns_is_too_narrow(
    filled: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("unihire.cli.events.OUT", Console(width=80, force_terminal=True, color_system=None))
    lines = filled.shell.run("events").stdout.splitlines()
    assert max(map(len, lines)) <= 80
    (at,) = [number for number, line in enumerate(lines) if line.endswith("updated  candidate 1")]
    below = list(itertools.takewhile(lambda line: line.startswith("    "), lines[at + 1 :]))
    assert " ".join(" ".join(below).split()) == ", ".join(filled.items[4]["changed"])
    assert [line for line in lines if line.endswith("  updated  job j  more.category, raw_data")]


def test_what_is_not_there_is_refused_in_a_sentence(filled: Log) -> None:
    shell, elsewhere = filled.shell, filled.narrow(connector_id=str(filled.other.connector.id))[0]["position"]
    for arguments, code, said in (
        (("--connector", "zz"), 3, "no connector begins"),
        (("--organisation", "Example Two"), 3, "there is no organisation 'Example Two'"),
        (("--model", "candidates"), 2, "there is no model"),
        (("--changed", "no_such_field"), 2, "no model has a field"),
        (("--kind", "moved"), 2, "moved"),
        (("--after", "x"), 2, "is not a cursor of these events"),
        (("--environment", "development", "--after", filled.cursor), 2, "is not a cursor of these events"),
        (("--connector", str(filled.tenant.connector.id), "--after", elsewhere), 2, "is not a cursor"),
    ):
        ran = shell.run("events", *arguments, code=code)
        assert said in " ".join(re.sub("[│\n]", " ", ran.stderr).split()), (arguments, ran.stderr)
        assert ran.stdout == ""


def test_environment_without_an_organisation_has_no_events_yet(databases: Databases, pool: Pool) -> None:
    assert "There is no event yet" in make_shell(databases, pool).run("events").stderr


@pytest_asyncio.fixture
async def two_organisations(sealer: Sealer, filled: Log) -> Log:
    await make_tenant(filled.tenant.pool, sealer, organisation="Example Two")
    return filled


def test_one_of_several_organisations_is_named(two_organisations: Log) -> None:
    assert "--organisation" in two_organisations.shell.run("events", code=3).stderr
    assert two_organisations.show("--organisation", "Example") == two_organisations.items
    assert two_organisations.show("--organisation", "Example Two") == []


@pytest_asyncio.fixture
async def cut(filled: Log) -> Log:
    """The log, of which nothing is stored any more."""
    async with filled.tenant.pool.acquire() as connection, connection.transaction():
        await cut_events(connection, Retention().events * 0, 1000)
    return filled


@pytest.mark.parametrize("follow", [[], ["--follow"]], ids=["listed", "followed"])
def test_events_that_are_no_longer_stored_are_an_error_with_the_way_back(cut: Log, follow: list[str]) -> None:
    ran = cut.shell.run("events", "--after", cut.items[0]["position"], *follow, code=1)
    assert ran.stdout == ""
    assert "older than events are stored for" in ran.stderr
    assert re.search(r"modified_after=\d{4}-\d\d-\d\dT\S+ and include_deleted=true", ran.stderr)
    (cursor,) = set(re.findall(r"continue with --after (\S{48})", ran.stderr))
    assert cut.show("--after", cursor) == []
    assert cut.show() == []
