"""Fixtures of the embedded server's own tests."""

import contextlib
import functools
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from testbed.databases import make_place
from testbed.server_users import Users, make_users, wait_until


@pytest.fixture
def place() -> Iterator[Path]:
    with make_place() as folder:
        yield folder


@pytest.fixture(scope="module")
def prepared_homes() -> Iterator[Callable[[str], Path]]:
    """Homes with an empty cluster in them, to be copied: initdb takes longer than most tests."""
    with contextlib.ExitStack() as stack:

        @functools.cache
        def prepare(kind: str) -> Path:
            users = make_users(kind, stack.enter_context(make_place()))
            users.run_briefly()
            return users.home

        yield prepare


@pytest.fixture
def users(request: pytest.FixtureRequest, place: Path, prepared_homes: Callable[[str], Path]) -> Iterator[Users]:
    """Users of a home whose cluster is there and not running; afterwards no process of theirs may be left."""
    kind = getattr(request, "param", "as ourselves")
    users = make_users(kind, place)
    subprocess.run(["cp", "-a", prepared_homes(kind), users.home], check=True)
    yield users
    for user in users.started:
        if user.process.returncode is None:
            user.kill()
    try:
        wait_until(users.has_ended)
    finally:
        for process in users.processes():
            process.kill()
