"""Rules of the house that no linter knows."""

import ast
import re
import sys
import tomllib
from collections.abc import Iterator, Set
from importlib.metadata import packages_distributions
from pathlib import Path
from textwrap import indent

import pytest

import unihire
from unihire.integration.registry import list_integrations

SOURCE = Path(unihire.__file__).parent
ROOT = Path(__file__).parents[2]
VENDORS = SOURCE / "integrations"
FILES = sorted([*SOURCE.rglob("*.py"), *(ROOT / "tests").rglob("*.py")])


def list_vendor_words() -> set[str]:
    """What vendors are called: their folders' names and their own."""
    folders = {path.parent.name for path in VENDORS.glob("*/__init__.py")}
    return folders | {integration.name.lower() for integration in list_integrations()}


def test_no_vendor_is_named_outside_its_folder() -> None:
    words = re.compile("|".join(map(re.escape, sorted(list_vendor_words()))), re.IGNORECASE)
    named = []
    for path in SOURCE.rglob("*"):
        if not path.is_file() or path.suffix == ".pyc" or "node_modules" in path.parts:
            continue
        own = path.relative_to(VENDORS).parts[0] if path.is_relative_to(VENDORS) and path.parent != VENDORS else ""
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1):
            named += [f"{path.relative_to(SOURCE)}:{number}" for word in words.findall(line) if word.lower() != own]
    assert named == []


def read_tree(text: str) -> dict[str, str]:
    """A drawn tree, indented by two: path → what it is said to be for. It ends where a line is not indented."""
    found: dict[str, str] = {}
    place: list[str] = []
    for line in text.splitlines():
        if not line.startswith("  "):
            break  # tests/ and the rest
        name, _, meaning = line.strip().partition(" ")
        depth = (len(line) - len(line.lstrip())) // 2 - 1
        place = [*place[:depth], name.rstrip("/")]
        found["/".join(place) + ("/" if name.endswith("/") else "")] = meaning.strip()
    return found


def list_modules(root: Path) -> set[str]:
    """Every folder and module in a package, as trees write them."""
    files = {path.relative_to(root) for path in root.rglob("*.py") if path.name not in ("__init__.py", "__main__.py")}
    folders = {path.parent.relative_to(root) for path in root.rglob("__init__.py")} - {Path()}
    return {path.as_posix() for path in files} | {f"{path.as_posix()}/" for path in folders}


def list_trees() -> dict[Path, dict[str, str]]:
    """Every drawn tree, by the package it draws: ours, and those of vendors' folders, in their docstrings."""
    text = (ROOT / "docs" / "architecture.md").read_text()
    drawn = re.search(r"```\nsrc/unihire/\n(.*?)```", text, re.DOTALL)
    assert drawn, "docs/architecture.md has a block that begins with src/unihire/"
    trees = {SOURCE: read_tree(drawn.group(1))}
    for path in sorted(VENDORS.glob("*/__init__.py")):
        has_packages = any(path.parent.glob("*/__init__.py"))
        _, _, tree = (ast.get_docstring(ast.parse(path.read_text())) or "").partition("\n\n")
        if has_packages or tree:
            trees[path.parent] = read_tree(indent(tree, "  "))
    return trees


TREES = list_trees()
EACH_TREE = pytest.mark.parametrize("root", TREES, ids=lambda root: root.name)


@EACH_TREE
def test_tree_in_the_documents_is_the_tree_on_disk(root: Path) -> None:
    drawn, there = TREES[root], list_modules(root)
    # A folder drawn without anything in it is told as a whole: the vendors' draw what is in them themselves.
    whole = {
        path
        for path in drawn
        if path.endswith("/") and not any(other.startswith(path) for other in drawn.keys() - {path})
    }
    covered = {path for path in there if any(path.startswith(folder) and path != folder for folder in whole)}
    assert sorted(drawn.keys() - there) == [], "drawn, but not there"
    assert sorted(there - drawn.keys() - covered) == [], "there, but not drawn"


@EACH_TREE
def test_every_module_in_the_tree_is_told_what_it_is_for(root: Path) -> None:
    assert [path for path, meaning in TREES[root].items() if not meaning and path.endswith(".py")] == []


def test_only_the_vendors_are_drawn_as_a_whole_in_the_tree() -> None:
    drawn = TREES[SOURCE]
    folders = {path for path in drawn if path.endswith("/")}
    assert {path for path in folders if not any(other.startswith(path) for other in drawn.keys() - {path})} == {
        "integrations/"
    }


def test_what_is_drawn_beside_the_source_is_there() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text()
    beside = read_tree("  tests/\n  " + text.partition("\ntests/\n")[2].partition("```")[0].replace("\n", "\n  "))
    assert [path for path in beside if not (ROOT / path).is_dir()] == []
    assert {f"tests/{path.parent.name}/" for path in (ROOT / "tests").glob("*/*.py")} <= beside.keys()


def test_every_file_is_short_enough_to_read() -> None:
    lengths = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in FILES}
    assert len(lengths) > 500
    assert {path: lines for path, lines in lengths.items() if lines > 600} == {}, "split them"


def test_no_module_hides_behind_a_name_that_says_nothing() -> None:
    empty = {"utils", "util", "helpers", "helper", "common", "manager", "misc"}
    assert not [path for path in FILES if path.stem in empty]


LAYOUT = {"__init__", "__main__", "app", "command", "telemetry"}
"""What the layout repeats: how a package is opened, run and measured."""

FLOORS = {
    "budgets", "capabilities", "connectors", "endpoints", "events", "grants", "hooks", "inputs", "issues", "metrics",
    "operations", "quarantine", "refiling", "remapping", "runs", "schedules", "syncs",
}  # fmt: skip
"""One thing each, under one name on every floor that has to do with it."""


def list_repeated(names: Iterator[tuple[str, Path]]) -> dict[str, list[str]]:
    """Each name that stands in two places, with these. Vendors' folders have names of their own."""
    places: dict[str, list[str]] = {}
    for name, path in names:
        if not path.is_relative_to(VENDORS):
            places.setdefault(name, []).append(path.relative_to(SOURCE).as_posix())
    return {name: sorted(found) for name, found in places.items() if len(found) > 1}


def test_no_two_modules_have_one_name() -> None:
    repeated = list_repeated((path.stem, path) for path in SOURCE.rglob("*.py"))
    assert repeated.keys() - LAYOUT == FLOORS, repeated
    for name in sorted(FLOORS):
        floors = [re.sub(r"^(dialects/\w+|\w+)/.*", r"\1", path) for path in repeated[name]]
        assert len({*floors}) == len(floors), (name, "two on one floor", repeated[name])


def test_no_two_classes_have_one_name() -> None:
    classes = (
        (node.name, path)
        for path in SOURCE.rglob("*.py")
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
    )
    published = {"Choice"}  # of an input and of a record: both are names in the OpenAPI document
    assert list_repeated(classes).keys() == published


OURS = {"unihire", "testbed", *(path.parent.name for path in ROOT.glob("*/__init__.py"))}
"""What is imported from the repository itself."""


def walk_statements(node: ast.AST) -> Iterator[ast.AST]:
    """Every statement, also inside functions; what they are made of takes most of the time to walk."""
    for part in ("body", "orelse", "finalbody", "handlers", "cases"):
        for inner in getattr(node, part, ()):
            yield inner
            yield from walk_statements(inner)


def list_imports(folder: Path) -> Iterator[tuple[str, str]]:
    """Every module of others that is imported there, also inside functions, and where."""
    for path in sorted(folder.rglob("*.py")):
        for node in walk_statements(ast.parse(path.read_text())):
            modules: list[str] = []
            if isinstance(node, ast.Import):
                modules = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and not node.level:
                modules = [node.module or ""]
            for module in modules:
                top = module.partition(".")[0]
                if top not in sys.stdlib_module_names | OURS:
                    yield top, str(path.relative_to(ROOT))


def read_distributions(requirements: list[str]) -> set[str]:
    """The names in a list of requirements, in their one way of writing."""
    names = (re.match(r"[\w.-]+", line.strip()) for line in requirements)
    return {name[0].lower().replace("_", "-") for name in names if name is not None}


def list_undeclared(folder: Path, declared: Set[str]) -> list[tuple[str, str]]:
    owners = packages_distributions()
    return [
        (module, where)
        for module, where in list_imports(folder)
        if not {name.lower().replace("_", "-") for name in owners.get(module, [module])} & declared
    ]


PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
DECLARED = read_distributions(PROJECT["dependencies"])


def test_what_the_package_imports_it_declares() -> None:
    assert list_undeclared(SOURCE, DECLARED) == []


def test_what_tests_and_bench_import_is_asked_for() -> None:
    asked = DECLARED | read_distributions(PROJECT["optional-dependencies"]["tracing"])
    for name in ("dev", "bench", "browser"):
        asked |= read_distributions((ROOT / "requirements" / f"{name}.in").read_text().splitlines())
    asked |= {"psycopg2", "psycopg2-binary"}  # comes with dlt[postgres]
    assert list_undeclared(ROOT / "tests", asked) == []
    assert list_undeclared(ROOT / "bench", asked) == []


ENDLESS = {("testbed/hostile.py", "ended"), ("testbed/losing.py", "request.app[ENDED]")}
"""Answers that are never given, until their server ends."""


def list_endless_waits(text: str) -> list[str]:
    """What is waited for, of each wait for an event or a process that has no end of its own."""
    if not re.search(r"\b(?:wait|communicate)\b", text):
        return []
    return [
        ast.unparse(node.value.func.value)
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Await) and isinstance(node.value, ast.Call)
        if isinstance(node.value.func, ast.Attribute) and node.value.func.attr in ("wait", "communicate")
        if not node.value.args and not node.value.keywords
    ]


def test_a_wait_of_a_test_has_an_end() -> None:
    tests = ROOT / "tests"
    found = {
        (path.relative_to(tests).as_posix(), awaited)
        for path in tests.rglob("*.py")
        for awaited in list_endless_waits(path.read_text())
    }
    assert found == ENDLESS, "await testbed.waiting.within(...)"


CONNECTING = re.compile(
    r"\b(?:TCPConnector|UnixConnector|create_connection|open_connection|open_unix_connection|sock_connect|urlopen)\b|"
    r"^(?:import|from) (?:urllib\.request|http\.client|requests|httpx|urllib3|websockets|smtplib|ftplib)\b",
    re.MULTILINE,
)
"""What opens a connection to others, aiohttp's sessions apart."""


def list_unguarded(text: str) -> list[str]:
    """What opens connections past the address guard."""
    sessions = [
        ast.unparse(node)
        for node in (ast.walk(ast.parse(text)) if "ClientSession" in text else ())
        if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] == "ClientSession"
        if "make_connector(" not in "".join(ast.unparse(one.value) for one in node.keywords if one.arg == "connector")
    ]
    return [*CONNECTING.findall(text), *sessions]


def test_every_connection_to_others_goes_through_the_address_guard() -> None:
    found = {
        path.relative_to(SOURCE).as_posix(): unguarded
        for path in SOURCE.rglob("*.py")
        if path != SOURCE / "outbound" / "addresses.py" and (unguarded := list_unguarded(path.read_text()))
    }
    assert found == {}, "give the session a connector of make_connector"


@pytest.mark.parametrize(
    "text",
    [
        "aiohttp.ClientSession()",
        "ClientSession(timeout=1)",
        "aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=1))",
        "aiohttp.ClientSession(connector=another)",
        "import httpx",
        "from urllib.request import Request",
        "asyncio.open_connection(host, port)",
    ],
)
def test_connection_past_the_address_guard_is_seen(text: str) -> None:
    assert list_unguarded(text)


def test_records_are_written_in_one_place() -> None:
    """Through the write gate, a connector's removal apart; a remap notes there what no fingerprint tells."""
    writes = re.compile(r"\b(?:INSERT INTO|UPDATE|DELETE FROM) (?:record|record_key|joined|stale)\b|\bcopy_rows\(")
    found = {
        path.relative_to(SOURCE).as_posix()
        for path in SOURCE.rglob("*.py")
        if writes.search(path.read_text()) and "feed" not in path.parts
    }
    assert found == {"store/accounts/tenancy.py", "store/copying.py", "store/joins.py", "store/remapping.py"}


def test_what_writes_joined_rows_is_called_by_the_write_gate_alone() -> None:
    calls = re.compile(r"\b(?:save_records|save_found|mark_deleted|store_joined_rows|note_stale|save_details)\(")
    callers = {
        path.relative_to(SOURCE).as_posix()
        for path in SOURCE.rglob("*.py")
        if any(calls.search(line) and "def " not in line for line in path.read_text().splitlines())
    }
    assert callers == {"store/feed/notes.py", "store/feed/saving.py", "store/feed/writing.py"}
