"""A row is mapped again when anything differs by which it becomes a record, be it ours or the vendor's mapping."""

import ast
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

import unihire
from testbed.vendor import ACME
from unihire.integration.declare import RecordMapping, Source
from unihire.integration.registry import list_integrations
from unihire.model import Candidate
from unihire.sync.versions import MAKERS, digest_makers, find_making_version

PACKAGE = Path(unihire.__path__[0])

APART = {
    "errors.py": "what is raised over a row keeps it from having a hash",
    "integration/registry.py": "finds folders",
    "kit/clock.py": "moments of ours, and positions: no part of a row's",
    "kit/durations.py": "no rows",
    "outbound/auth.py": "how a vendor is asked",
    "outbound/budget.py": "how a vendor is asked",
    "outbound/links.py": "which page comes next",
    "settings.py": "no rows",
    "store/copying.py": "sends what is made, as it is",
    "store/feed/changes.py": "tells what was saved",
    "store/feed/position.py": "where a record is saved, not as what",
    "store/feed/replacing.py": "names the fields that changed",
    "store/feed/refreshing.py": "volatile texts, which no hash is of",
    "store/feed/hashes.py": "compares and stores the hashes",
    "outbound/asked.py": "what is asked for, not what is answered",
    "outbound/failures.py": "answers that are none",
    "sync/pruning.py": "parts of rows that do not map: these have no hash",
    "sync/quarantine.py": "as above",
}
"""Modules that those which make records import, and why they are not among them. The vocabulary is in the mapping's
version."""


def list_imports(path: str) -> set[str]:
    """The modules of ours that a module imports, as paths in the package."""
    found = set()
    for node in ast.walk(ast.parse((PACKAGE / path).read_text())):
        names = []
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        for name in names:
            if name.startswith("unihire."):
                place = name.removeprefix("unihire.").replace(".", "/")
                found |= {one for one in (f"{place}.py",) if (PACKAGE / one).is_file()}
    return found


def test_each_module_that_makes_records_of_rows_is_among_the_makers() -> None:
    known, wanted = set[str](), ["sync/rendering.py"]
    while wanted:
        path = wanted.pop()
        if path in known or path.startswith("model/"):
            continue
        known.add(path)
        if path not in APART:
            wanted += list_imports(path)
    assert sorted(known - set(MAKERS) - APART.keys()) == []
    assert [path for path in MAKERS if not (PACKAGE / path).is_file()] == []


@pytest.mark.parametrize("path", MAKERS)
def test_version_differs_with_each_of_the_makers(path: str, tmp_path: Path) -> None:
    for name in MAKERS:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes((PACKAGE / name).read_bytes())
    before = digest_makers(tmp_path)
    assert before == digest_makers(PACKAGE)
    with (tmp_path / path).open("a") as module:
        module.write("# changed\n")
    assert digest_makers(tmp_path) != before


def test_version_is_of_one_stream_of_one_integration_with_the_joins_it_has() -> None:
    found = [
        find_making_version(integration.slug, stream, others)
        for integration in (*list_integrations(), ACME)
        for stream in integration.streams
        for others in ((), ("applications",))
    ]
    assert len(set(found)) == len(found)


def test_stream_that_is_not_as_its_folder_declares_it_is_known_by_what_it_declares() -> None:
    def to_other(source: Source) -> Candidate:
        return Candidate(remote_id=source.row["id"], first_name="other")

    for integration in (*list_integrations(), ACME):
        stream = integration.streams[-1]
        other = replace(stream, mappings=(RecordMapping(Candidate, to_other),))
        again = replace(stream)
        assert find_making_version(integration.slug, other, ()) != find_making_version(integration.slug, stream, ())
        twice = {find_making_version(integration.slug, one, ()) for one in (again, replace(again))}
        assert len(twice) == 1


def test_version_is_the_same_in_every_process() -> None:
    script = (
        "from unihire.integration.registry import list_integrations\n"
        "from unihire.sync.versions import find_making_version\n"
        "for one in list_integrations():\n"
        "    for stream in one.streams:\n"
        "        print(find_making_version(one.slug, stream, ('a', 'b')).hex())\n"
    )
    told = {
        subprocess.run(
            [sys.executable, "-c", script], capture_output=True, text=True, check=True, env={"PYTHONHASHSEED": seed}
        ).stdout
        for seed in "12"
    }
    assert len(told) == 1
    assert all(re.fullmatch("[0-9a-f]{32}", line) for line in told.pop().split())
