"""Break the code in one place at a time, run the tests that run that place, and count what they notice.

A sample of the mutations of lines that changed since a commit, the same for the same seed. Each is tried in a copy of
the tree, by the tests that coverage has seen running its lines; for a statement of SQL, those of the functions that use
it. Which tests those are is measured once for a commit and remembered.
"""

import argparse
import ast
import importlib.util
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from queue import Queue

from coverage import CoverageData

from mutate.mutations import Mutation, find_mutations, find_users

ROOT = Path(__file__).resolve().parents[1]
MEASURED = ROOT / ".venv" / "mutate"
SOURCE = "src/unihire/"
APART = ("src/unihire/sandbox/", "src/unihire/cli/", "emulator")
"""Not mutated: what serves tests, and commands, which run in processes of their own where coverage sees nothing."""

BY_PROCESS = {
    "src/unihire/store/embedded/supervisor.py": (
        "tests/integration/test_embedded_life.py",
        "tests/integration/test_embedded_home.py",
    )
}
"""The tests of programs that run in processes of their own, too, and are mutated all the same."""

TESTS = ("tests/unit", "tests/contract", "tests/integration")
RUN_SECONDS = 1800
"""How long the tests of one mutation may take; each test has a limit of its own."""

SIZE = 70


def run_git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=ROOT, check=True, capture_output=True, text=True).stdout


def list_changed(since: str) -> dict[str, set[int]]:
    """The lines of each source file that are new since a commit."""
    changed: dict[str, set[int]] = {}
    path = ""
    for line in run_git("diff", "--unified=0", since, "--", SOURCE).splitlines():
        if line.startswith("+++ "):
            path = line.removeprefix("+++ b/")
        elif line.startswith("@@"):
            start, _, count = line.split("+")[1].split(" ")[0].partition(",")
            changed.setdefault(path, set()).update(range(int(start), int(start) + int(count or 1)))
    return changed


def choose(since: str | None, size: int, seed: int, only: list[str]) -> list[Mutation]:
    changed = None if since is None else list_changed(since)
    found: list[Mutation] = []
    for path in run_git("ls-files", "--", SOURCE).splitlines():
        is_meant = path.endswith(".py") and not any(part in path for part in APART)
        if not is_meant or (only and not any(path.startswith(one) for one in only)):
            continue
        if changed is None or path in changed:
            lines = None if changed is None else changed[path]
            found += find_mutations(path, (ROOT / path).read_bytes(), lines)
    random.seed(seed)
    return random.sample(found, min(size, len(found)))


def measure() -> CoverageData:
    """Which tests run which lines, as of this commit and its changes."""
    state = run_git("rev-parse", "HEAD").strip()
    file = MEASURED / f"{state}.coverage"
    if not file.exists():
        shutil.rmtree(MEASURED, ignore_errors=True)
        MEASURED.mkdir(parents=True)
        print("measuring which tests run which lines", flush=True)
        command = [sys.executable, "-m", "pytest", "-n", "2", "--dist", "loadfile", "-p", "no:cacheprovider"]
        subprocess.run(
            [*command, "--cov=unihire", "--cov-report=", "--cov-context=test", *TESTS],
            cwd=ROOT,
            env={**os.environ, "COVERAGE_FILE": str(file)},
            stdout=subprocess.DEVNULL,
            check=False,  # a test that fails now only counts for less
        )
    data = CoverageData(basename=str(file))
    data.read()
    return data


def find_tests(data: CoverageData, modules: dict[str, ast.Module], mutation: Mutation) -> list[str]:
    """The tests that run the mutated lines, those of few tests a file last: they are the slow ones."""
    places: Iterable[tuple[str, range]] = [(mutation.path, mutation.lines)]
    if mutation.statement is not None:
        places = find_users(modules, mutation.statement)
    tests: set[str] = set()
    for path, lines in places:
        tests.update(BY_PROCESS.get(path, ()))
        by_line = data.contexts_by_lineno(str(ROOT / path))
        for line in lines:
            tests |= {context.partition("|")[0] for context in by_line.get(line, ()) if context}
    order = {name: place for place, name in enumerate(TESTS)}
    return sorted(tests, key=lambda test: (order.get("/".join(test.split("/")[:2]), len(order)), test))


@contextmanager
def copy_tree() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="unihire-mutate-") as name:
        place = Path(name)
        place.chmod(0o711)
        for path in run_git("ls-files", "--cached", "--others", "--exclude-standard").splitlines():
            if (ROOT / path).is_file():
                (place / path).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / path, place / path)
        yield place


def try_mutation(place: Path, mutation: Mutation, tests: list[str]) -> str:
    """What the tests make of it: caught, survived or hung."""
    file = place / mutation.path
    source = file.read_bytes()
    compiled = Path(importlib.util.cache_from_source(str(file)))
    try:
        file.write_bytes(mutation.apply(source))
        compiled.unlink(missing_ok=True)
        run = subprocess.Popen(
            [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *tests],
            cwd=place,
            env={**os.environ, "PYTHONPATH": str(place / "src")},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        try:
            output, _ = run.communicate(timeout=RUN_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(run.pid, signal.SIGKILL)
            run.communicate()
            return "hung"
        if run.returncode == 0:
            return "survived"
        return "hung" if "Failed: Timeout" in output else "caught"
    finally:
        file.write_bytes(source)
        compiled.unlink(missing_ok=True)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m mutate", description=__doc__)
    parser.add_argument("--since", help="mutate lines that changed since this commit; without it, any line")
    parser.add_argument("--size", type=int, default=SIZE, help="how many mutations")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2, help="how many are tried at once")
    parser.add_argument("only", nargs="*", help="beginnings of paths")
    asked = parser.parse_args()
    chosen = choose(asked.since, asked.size, asked.seed, asked.only)
    data = measure()
    modules = {
        path: ast.parse((ROOT / path).read_bytes())
        for path in run_git("ls-files", "--", SOURCE).splitlines()
        if path.endswith(".py")
    }
    results: dict[str, int] = {}

    def attempt(mutation: Mutation) -> None:
        started_at, tests = time.monotonic(), find_tests(data, modules, mutation)
        place = places.get()
        try:
            result = try_mutation(place, mutation, tests) if tests else "not run by any test"
        finally:
            places.put(place)
        results[result] = results.get(result, 0) + 1
        line = mutation.describe((ROOT / mutation.path).read_bytes())
        print(f"{result:9} {time.monotonic() - started_at:5.0f} s {len(tests):4} tests  {line}", flush=True)

    places: Queue[Path] = Queue()
    with copy_tree() as first, copy_tree() as second:
        for place in (first, second)[: asked.jobs]:
            places.put(place)
        with ThreadPoolExecutor(min(asked.jobs, 2)) as pool:
            list(pool.map(attempt, chosen))
    total = ", ".join(f"{number} {result}" for result, number in sorted(results.items()))
    print(f"seed {asked.seed}, {len(chosen)} mutations: {total}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
