"""The public tap `tap-lever`, unmodified but for its base address, copies the emulator's company whole.

The tap lives in an environment of its own (made by `make test`), so it runs as another process.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from unihire.kit.clock import to_text
from unihire.sandbox.runner import RunningSandbox, start_sandbox

ENVIRONMENT = Path(sys.prefix) / "clients"
PYTHON = ENVIRONMENT / ("Scripts/python.exe" if os.name == "nt" else "bin/python")

START = """
import sys
import tap_lever
from tap_lever import client
base, ask = sys.argv.pop(1), client.requests.request
client.requests.request = lambda method, url, **rest: ask(method, url.replace("https://api.lever.co", base, 1), **rest)
tap_lever.main()
"""

LISTS = ("archive_reasons", "stages", "sources", "users")
"""Streams that the tap reads whole."""

SINCE = datetime(2026, 4, 1, tzinfo=UTC)
"""The tap reads what changed since, a week at a time."""


@pytest.fixture(scope="module")
def sandbox() -> Iterator[RunningSandbox]:
    options = {"rate_limit": "0", "apply_limit": "0"}
    with start_sandbox("lever", size=100, seed=4, options=options) as running:
        yield running


def run_tap(sandbox: RunningSandbox, folder: Path, *arguments: str, token: str | None = None) -> Any:
    config = folder / "config.json"
    key = sandbox.ready.list_credentials()["api_key"] if token is None else token
    config.write_text(json.dumps({"token": key, "start_date": to_text(SINCE)}))
    command = [str(PYTHON), "-c", START, sandbox.ready.base_url, "--config", str(config), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=180, check=False)


def read_messages(printed: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in printed.splitlines() if line.startswith("{")]


def test_tap_copies_every_stream_it_knows(sandbox: RunningSandbox, tmp_path: Path) -> None:
    discovered = run_tap(sandbox, tmp_path, "--discover")
    assert discovered.returncode == 0, discovered.stderr
    catalog = json.loads(discovered.stdout)
    for stream in catalog["streams"]:
        (whole,) = [one for one in stream["metadata"] if not one["breadcrumb"]]
        whole["metadata"]["selected"] = True
    chosen = tmp_path / "catalog.json"
    chosen.write_text(json.dumps(catalog))
    done = run_tap(sandbox, tmp_path, "--catalog", str(chosen))
    assert done.returncode == 0, done.stderr[-3000:]
    rows: dict[str, set[str]] = {}
    for message in read_messages(done.stdout):
        if message["type"] == "RECORD":
            rows.setdefault(message["stream"], set()).add(find_id(message["record"]))
    for name in LISTS:
        assert rows[name] == list_ids(sandbox, name), name
    changed = list_ids(sandbox, "opportunities", updated_at_start=int(1000 * SINCE.timestamp()))
    assert rows["opportunities"] == changed
    assert len(changed) > 5
    for name in ("resumes", "offers"):
        below = [list_ids(sandbox, f"opportunities/{id}/{name}") for id in sorted(changed)]
        assert rows[f"opportunity_{name}"] == set().union(*below), name


def find_id(row: dict[str, Any]) -> str:
    """Sources are known by their texts."""
    found: str = row["id"] if "id" in row else row["text"]
    return found


def list_ids(sandbox: RunningSandbox, path: str, **asked: Any) -> set[str]:
    """The ids of a list's rows, as the vendor's API gives them without the tap."""
    found, more = set[str](), {}
    while True:
        answer = httpx.get(
            f"{sandbox.ready.base_url}/v1/{path}",
            params={**asked, **more, "limit": 100},
            auth=(sandbox.ready.list_credentials()["api_key"], ""),
        )
        page = answer.raise_for_status().json()
        found |= {find_id(row) for row in page["data"]}
        if not page.get("hasNext"):
            return found
        more = {"offset": page["next"]}


def test_tap_says_that_its_key_is_refused(sandbox: RunningSandbox, tmp_path: Path) -> None:
    discovered = run_tap(sandbox, tmp_path, "--discover")
    catalog = json.loads(discovered.stdout)
    (users,) = [one for one in catalog["streams"] if one["stream"] == "users"]
    (whole,) = [one for one in users["metadata"] if not one["breadcrumb"]]
    whole["metadata"]["selected"] = True
    chosen = tmp_path / "catalog.json"
    chosen.write_text(json.dumps({"streams": [users]}))
    refused = run_tap(sandbox, tmp_path, "--catalog", str(chosen), token="wrong")
    assert refused.returncode != 0
    assert "nauthorized" in refused.stderr
