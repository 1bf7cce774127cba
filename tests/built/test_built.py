"""What a package index would hand out: built, installed somewhere else with what it declares alone, and used.

It asks the machine's package index for the newest and the oldest versions allowed, so `make wheel-test` runs it,
and `make test`, which needs no network, does not.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tarfile
import threading
import time
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from packaging.metadata import Metadata

from testbed.command import PATIENCE, Command, end, read_json_line
from testbed.databases import make_place
from testbed.interpreters import list_interpreters
from testbed.server_users import IS_ROOT, NOBODY, NOBODY_IDENTITY
from unihire import __version__

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "unihire"
UV = Path(sys.executable).with_name("uv")
INSTALL_SECONDS = 300

IMPORT_ALL = """
import importlib, pkgutil, unihire
names = [module.name for module in pkgutil.walk_packages(unihire.__path__, "unihire.") if "__main__" not in module.name]
for name in names:
    importlib.import_module(name)
print(len(names))
"""


@dataclass(frozen=True, slots=True)
class Built:
    """The files that a release uploads."""

    wheel: Path
    sdist: Path


@dataclass(frozen=True, slots=True)
class Way:
    """How somebody installs and runs it."""

    name: str
    python: str
    resolution: str = "highest"
    is_from_source: bool = False
    has_tracing: bool = False
    identity: dict[str, Any] = field(default_factory=dict)


def list_ways() -> list[Way]:
    """The newest versions allowed and the oldest, on the oldest Python here and the newest; and as no administrator."""
    pythons = list_interpreters()
    ways = []
    for version in sorted({min(pythons), max(pythons)}):
        named = ".".join(map(str, version))
        ways.append(Way(f"newest-on-{named}", pythons[version]))
        ways.append(Way(f"oldest-from-source-on-{named}", pythons[version], "lowest-direct", is_from_source=True))
    others = list_interpreters(NOBODY_IDENTITY) if IS_ROOT else {}
    if others:
        ways.append(Way("ordinary-user-with-tracing", others[max(others)], has_tracing=True, identity=NOBODY_IDENTITY))
    else:  # we are one, or the only Python here is closed to them
        ways.append(Way("with-tracing", pythons[max(pythons)], has_tracing=True))
    return ways


def run(*command: str | Path, **environment: str) -> str:
    finished = subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=INSTALL_SECONDS,
        check=False,
        cwd="/",
        env={**os.environ, **environment},
    )
    assert finished.returncode == 0, (command, finished.stdout, finished.stderr)
    return finished.stdout


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    with make_place() as folder:
        yield folder


@pytest.fixture(scope="module")
def built(place: Path) -> Built:
    """Those in the folder that BUILT names, as `make release` built them, or built now."""
    folder = Path(os.environ.get("BUILT") or place / "dist")
    if "BUILT" not in os.environ:
        subprocess.run([sys.executable, "-m", "hatchling", "build", "-d", folder], cwd=ROOT, check=True)
    (wheel,), (sdist,) = folder.glob("*.whl"), folder.glob("*.tar.gz")
    for file in (wheel, sdist):  # another user installs them, who cannot look into our folders
        shutil.copy(file, place)
    return Built(place / wheel.name, place / sdist.name)


@pytest.fixture(
    scope="module",
    params=[pytest.param(way, id=way.name, marks=pytest.mark.xdist_group(way.name)) for way in list_ways()],
)
def installed(request: pytest.FixtureRequest, place: Path, built: Built) -> Iterator[tuple[Way, Command]]:
    """The command, installed in an empty environment, with a home of its own."""
    way: Way = request.param
    own = place / way.name
    own.mkdir(0o755)
    environment = own / "environment"
    run(UV, "venv", "--quiet", "--seed", "--python", way.python, environment)
    given = f"{built.sdist if way.is_from_source else built.wheel}{'[tracing]' if way.has_tracing else ''}"
    if way.has_tracing:  # as its users do
        run(environment / "bin" / "python", "-m", "pip", "install", "--quiet", given)
    else:
        run(
            *(UV, "pip", "install", "--quiet", "--python", environment / "bin" / "python"),
            *("--resolution", way.resolution, "--only-binary", ":all:"),
            *(("--no-binary", "unihire") if way.is_from_source else ()),
            given,
        )
    if way.identity:
        os.chown(own, NOBODY, NOBODY)
    command = Command(own / "home", program=environment / "bin" / "unihire", identity=way.identity)
    for name in ("PYTHONPATH", "PYTHONWARNINGS", "VIRTUAL_ENV"):  # what others warn of is not ours to mend
        command.environment.pop(name, None)
    command.environment["HOME"] = str(own)
    yield way, command
    assert command.list_remains(time.monotonic() + 5) == []


class Collector(ThreadingHTTPServer):
    """Takes traces, and counts."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Collecting)
        self.taken = 0


class _Collecting(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.server.taken += 1
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextlib.contextmanager
def collect() -> Iterator[Collector]:
    with Collector() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def list_source() -> set[str]:
    """Every file of the package, as a wheel names it."""
    files = (path for path in SOURCE.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {path.relative_to(SOURCE.parent).as_posix() for path in files}


def read_wheel(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as wheel:
        return {name: wheel.read(name) for name in wheel.namelist() if not name.endswith("/RECORD")}


def test_wheel_has_every_file_of_the_package_and_no_other(built: Built) -> None:
    about = {name for name in read_wheel(built.wheel) if ".dist-info/" in name}
    assert set(read_wheel(built.wheel)) - about == list_source()
    assert any(name.endswith("/licenses/LICENSE") for name in about)


def test_sdist_has_what_the_wheel_is_made_of_and_nothing_of_the_work_tree(built: Built, place: Path) -> None:
    unpacked = place / "unpacked"
    with tarfile.open(built.sdist) as sdist:
        sdist.extractall(unpacked, filter="data")
    (folder,) = unpacked.iterdir()
    named = {"src", "docs", "README.md", "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "pyproject.toml"}
    assert {path.name for path in folder.iterdir()} == named | {"PKG-INFO", ".gitignore"}
    again = place / "again"
    subprocess.run([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", again], cwd=folder, check=True)
    assert read_wheel(next(again.glob("*.whl"))) == read_wheel(built.wheel)


def test_metadata_is_such_as_an_index_takes(built: Built) -> None:
    (name,) = (name for name in read_wheel(built.wheel) if name.endswith(".dist-info/METADATA"))
    with tarfile.open(built.sdist) as sdist:
        info = sdist.extractfile(f"unihire-{__version__}/PKG-INFO")
        assert info is not None
        texts = [read_wheel(built.wheel)[name], info.read()]
    for text in texts:
        told = Metadata.from_email(text, validate=True)
        assert (told.name, str(told.version)) == ("unihire", __version__)
        assert (told.description_content_type, told.license_expression) == ("text/markdown", "Apache-2.0")
        assert told.description == (ROOT / "README.md").read_text()
        assert told.summary
    assert built.wheel.name == f"unihire-{__version__}-py3-none-any.whl"


def test_every_module_imports(installed: tuple[Way, Command]) -> None:
    way, command = installed
    python = command.program.with_name("python")
    counted = run(python, "-I", "-c", IMPORT_ALL)
    assert int(counted) > 150
    (where,) = run(python, "-I", "-c", "import unihire; print(unihire.__file__)").splitlines()
    assert Path(where).is_relative_to(command.program.parents[1]), way


def test_demo_runs_the_main_job_from_end_to_end(installed: tuple[Way, Command]) -> None:
    _, command = installed
    told = command.ask("demo", "--once", "--size", "100")
    assert len(told["connectors"]) == 2
    assert {call["status"] for call in told["calls"]} == {200, 404}


def test_what_a_worker_syncs_is_served(installed: tuple[Way, Command]) -> None:
    way, command = installed
    with contextlib.ExitStack() as running:
        vendor = read_json_line(running.enter_context(command.start("sandbox", "personio", "--json", "--size", "100")))
        collector = running.enter_context(collect())
        traced = {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{collector.server_port}"}
        serving = running.enter_context(command.start("serve", "--no-worker", "--port", "0", "--json", **traced))
        url = read_json_line(serving)["base_url"]
        key = command.ask("keys", "create")["key"]
        credentials = {f"UNIHIRE_PERSONIO_{name.upper()}": vendor[name] for name in ("client_id", "client_secret")}
        made = command.ask(
            *("connect", "personio", "--customer", "ACME GmbH", "--base-url", vendor["base_url"]), **credentials
        )
        working = running.enter_context(command.start("worker", "--json"))
        read_json_line(working)
        headers = {"Authorization": f"Bearer {key}", "x-connector-token": made["connector_token"]}
        seen = wait_for_candidates(f"{url}/api/ats/v1/candidates?page_size=50", headers)
        assert seen == 50
        assert httpx.get(f"{url}/docs/files/swagger-ui.css").status_code == 200
        assert end(working, signal.SIGTERM)[0] == 0
        code, said = end(serving, signal.SIGTERM)
        assert code == 0
    assert (collector.taken > 0) == way.has_tracing
    assert ("pip install 'unihire[tracing]'" in said) != way.has_tracing


def wait_for_candidates(url: str, headers: dict[str, str]) -> int:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        items = httpx.get(url, headers=headers).raise_for_status().json()["items"]
        if items:
            return len(items)
        time.sleep(0.1)
    pytest.fail("nothing was synced")
