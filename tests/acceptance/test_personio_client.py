"""The public client `personio_client`, unmodified, does all it can do against the emulator.

The client lives in an environment of its own (made by `make test`), so it runs as another process.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from unihire.sandbox.runner import Ready, start_sandbox

ENVIRONMENT = Path(sys.prefix) / "clients"
PYTHON = ENVIRONMENT / ("Scripts/python.exe" if os.name == "nt" else "bin/python")

START = """
import asyncio, json, sys
from datetime import UTC, datetime
from personio_client import *
ready = json.loads(sys.argv[1])
def make_client(**settings):
    given = {"client_id": ready["client_id"], "client_secret": ready["client_secret"], **settings}
    return PersonioClient(base_url=ready["base_url"], app_id="UNIHIRE_TEST", partner_id="UNIHIRE", **given)
async def collect(iterator):
    return [item async for item in iterator]
async def main():
"""


@pytest.fixture(scope="module")
def ready() -> Iterator[Ready]:
    with start_sandbox("personio", size=2000) as sandbox:
        yield sandbox.ready


def run_client(ready: Ready, body: str) -> Any:
    """What `main`, whose body this is, returns in the client's environment."""
    lines = "\n".join(f"    {line}" for line in body.strip().splitlines())
    program = f"{START}{lines}\nprint(json.dumps(asyncio.run(main()), default=str))"
    details = json.dumps(
        {"base_url": ready.base_url, "client_id": ready.client_id, "client_secret": ready.client_secret}
    )
    run = subprocess.run([PYTHON, "-c", program, details], capture_output=True, text=True, timeout=60, check=False)
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


def test_client_walks_all_persons_page_by_page(ready: Ready) -> None:
    persons = run_client(
        ready,
        """
async with make_client() as client:
    first = await client.get_persons()
    second = await client.get_persons(cursor=first.next_cursor)
    everyone = await collect(client.iter_persons(limit=7))
    return [len(first.data), len(second.data), [person.model_dump() for person in everyone]]
""",
    )
    assert persons[:2] == [10, 10]
    rows = persons[2]
    assert len({row["id"] for row in rows}) == len(rows) == 100
    assert {"3003", "98765"} <= {row["id"] for row in rows}
    assert all(row["email"] and row["created_at"] and row["status"] for row in rows)


def test_client_filters_persons_by_everything_it_offers(ready: Ready) -> None:
    found = run_client(
        ready,
        """
async with make_client() as client:
    everyone = await collect(client.iter_persons())
    one = everyone[40]
    middle = one.updated_at
    answers = {
        "id": await client.get_persons(id=[one.id, "3003"]),
        "email": await client.get_persons(email=[one.email]),
        "names": await client.get_persons(
            first_name=one.first_name, last_name=one.last_name, preferred_name=one.preferred_name, limit=50
        ),
        "created": await client.get_persons(created_at=one.created_at),
        "between": await client.get_persons(created_at_gt=one.created_at, created_at_lt=one.created_at),
        "updated": await client.get_persons(updated_at=middle),
        "status": await client.get_persons(status="INACTIVE", limit=50),
    }
    newer = await collect(client.iter_persons(updated_at_gt=middle))
    older = await collect(client.iter_persons(updated_at_lt=middle))
    return {
        "one": one.id, "newer": len(newer), "older": len(older), "everyone": len(everyone),
        **{name: [person.id for person in page.data] for name, page in answers.items()},
        "inactive": sum(person.status == "INACTIVE" for person in everyone),
    }
""",
    )
    assert set(found["id"]) == {found["one"], "3003"}
    assert found["email"] == found["created"] == found["updated"] == [found["one"]]
    assert found["one"] in found["names"]
    assert found["between"] == []
    assert len(found["status"]) == found["inactive"] > 0
    assert found["newer"] + 1 + found["older"] == found["everyone"]


def test_client_reads_one_person_and_the_employments(ready: Ready) -> None:
    rows = run_client(
        ready,
        """
async with make_client(scope=["personio:persons:read"]) as client:
    token = await client.obtain_access_token(scope=["personio:persons:read"])
    person = await client.get_person("3003")
    employments = {}
    for other in await collect(client.iter_persons()):
        employments[other.id] = [row.model_dump() for row in await collect(client.iter_employments(other.id, limit=1))]
    page = await client.get_employments("3003", updated_at_gt=datetime(2000, 1, 1, tzinfo=UTC))
    single = await client.get_employment("3003", page.data[0].id)
    rows = [row.model_dump() for row in (person, single, page.data[0])]
    return [token.scope, token.expires_in, employments, *rows]
""",
    )
    scope, expires_in, employments, person, single, listed = rows
    assert scope == "personio:persons:read"
    assert 86_300 < expires_in <= 86_400
    assert person["id"] == "3003"
    assert {len(rows) for rows in employments.values()} == {1, 2}
    assert all(row["person"]["id"] == owner for owner, rows in employments.items() for row in rows)
    assert single == listed


def test_client_understands_the_errors(ready: Ready) -> None:
    errors = run_client(
        ready,
        """
seen = {}
async def attempt(name, call):
    try:
        await call
    except PersonioAPIError as error:
        seen[name] = [type(error).__name__, error.status_code, error.message, bool(error.trace_id)]
async with make_client() as client:
    await attempt("person", client.get_person("404"))
    await attempt("slash", client.get_person("a/b"))
    await attempt("employment", client.get_employment("3003", "1"))
    await attempt("limit", client.get_persons(limit=51))
    await attempt("cursor", client.get_persons(cursor="cur_unknown"))
async with make_client(client_secret="papi-wrong") as client:
    await attempt("secret", client.get_persons())
async with make_client(scope=["personio:recruiting:read"]) as client:
    await attempt("scope", client.get_persons())
return seen
""",
    )
    assert errors["person"] == [
        "PersonioAPIError",
        404,
        "Resource not found: There is no resource for the specified id.",
        True,
    ]
    assert {name: error[:2] for name, error in errors.items()} == {
        "person": ["PersonioAPIError", 404],
        "slash": ["PersonioAPIError", 404],
        "employment": ["PersonioAPIError", 404],
        "limit": ["PersonioAPIError", 400],
        "cursor": ["PersonioAPIError", 400],
        "secret": ["PersonioAuthenticationError", 400],
        "scope": ["PersonioAuthenticationError", 401],
    }
    assert all(error[3] for error in errors.values())


def test_client_waits_out_429_and_notices_a_walk_in_circles() -> None:
    with start_sandbox("personio", size=100, faults=["429,next=1,path=/v2/persons"]) as sandbox:
        count = run_client(
            sandbox.ready,
            """
async with make_client() as client:
    return len(await collect(client.iter_persons()))
""",
        )
    assert count == 20
    with start_sandbox("personio", size=100, faults=["self-next"]) as sandbox:
        message = run_client(
            sandbox.ready,
            """
async with make_client() as client:
    try:
        await collect(client.iter_persons(limit=5))
    except PersonioClientError as error:
        return str(error)
""",
        )
    assert "twice" in message
