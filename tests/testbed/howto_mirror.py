"""The program of docs/howto/mirror.md as a process, and its copy held against what the lists serve."""

import json
import os
import re
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx

from testbed.tenants import Tenant, read_pages
from unihire.dialects.unihire.records import OWN

PAGE = Path(__file__).parents[2] / "docs" / "howto" / "mirror.md"

Copy = dict[str, dict[str, dict[str, Any]]]
"""Records by their model and id."""


def read_program() -> str:
    """The one block of Python in the page."""
    (program,) = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(), re.DOTALL | re.MULTILINE)
    return str(program)


class MirrorProgram:
    """Runs it on a tenant's connector, in a folder of its own; the copy outlives each run."""

    def __init__(self, folder: Path, url: str, tenant: Tenant) -> None:
        self.copy = folder / "copy.db"
        self.log = folder / "mirror.log"
        self._program = folder / "mirror.py"
        self._program.write_text(read_program())
        place = {"UNIHIRE_URL": url, "API_KEY": tenant.key, "CONNECTOR_TOKEN": tenant.token}
        self._environment = {**os.environ, **place, "PYTHONWARNINGS": "error"}
        self._process: subprocess.Popen[bytes] | None = None

    def keep_running(self) -> None:
        """Start it unless it runs. Raises AssertionError where it has ended by itself."""
        if self._process is None:
            with self.log.open("ab") as log:
                command = [sys.executable, str(self._program), str(self.copy)]
                self._process = subprocess.Popen(command, env=self._environment, stdout=log, stderr=log)
        assert self._process.poll() is None, self.log.read_text()

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait(10)
            self._process = None

    def read_places(self) -> dict[str, str]:
        """Where it is to go on: lists that are yet to be read, and the events."""
        rows = self._read("SELECT places FROM state")
        return json.loads(rows[0][0]) if rows else {}

    def read_copy(self) -> Copy:
        found: Copy = {model.name: {} for model in OWN.models}
        for model, id, body in self._read("SELECT model, id, body FROM record"):
            found[model][id] = json.loads(body)
        return found

    def add_stray(self) -> str:
        """Put a record into the copy that is in no list, while the program does not run; returns its id."""
        with closing(sqlite3.connect(self.copy)) as copy, copy:
            copy.execute("INSERT INTO record VALUES ('stray', 'candidate', '{}')")
        return "stray"

    def _read(self, query: str) -> list[Any]:
        if not self.copy.exists():
            return []
        with closing(sqlite3.connect(self.copy)) as copy:
            try:
                return copy.execute(query).fetchall()
            except sqlite3.OperationalError as error:
                if "no such table" not in str(error):
                    raise
                return []  # it was killed before it had made its tables

    async def has_caught_up(self, api: httpx.AsyncClient) -> bool:
        """Whether it has read all lists, and no event comes after its place."""
        places = self.read_places()
        if places.keys() != {"events"} or places["events"] == "end":
            return False
        try:
            answer = await api.get("/api/v1/events", params={"cursor": places["events"]})
        except httpx.TransportError:
            return False
        page = answer.json() if answer.status_code == 200 else {"items": [], "more": True}
        return not page["items"] and not page["more"]


async def read_served(api: httpx.AsyncClient) -> Copy:
    """What the lists of our own face serve."""
    return {
        model.name: {
            record["id"]: record for record in await read_pages(api, f"{OWN.path}/{model.plural}", page_size=200)
        }
        for model in OWN.models
    }


async def count_deleted(api: httpx.AsyncClient) -> int:
    """How many records the lists have as deleted."""
    pages = [
        await read_pages(api, f"{OWN.path}/{model.plural}", page_size=200, include_deleted=True) for model in OWN.models
    ]
    return sum("deleted" in record for page in pages for record in page)


def find_difference(copy: Copy, served: Copy) -> list[str]:
    """A line for each record that is not the same in both."""
    return [
        f"{model} {id}: {copy[model].get(id)} for {served[model].get(id)}"
        for model in served
        for id in copy[model].keys() | served[model].keys()
        if copy[model].get(id) != served[model].get(id)
    ]
