"""Where the embedded server's socket is: a path of it is limited in length, and stands in an address."""

import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from testbed.databases import make_place
from unihire.store.embedded.cluster import ServerUser, make_socket_folder

OURSELVES = ServerUser(os.geteuid(), os.getegid(), {})


@pytest.fixture
def place() -> Iterator[Path]:
    with make_place() as folder:
        yield folder


@pytest.mark.parametrize("name", ["x" * 90, "what?", "a#b", "ü"])
def test_path_that_is_too_long_or_too_odd_gets_a_folder_in_tmp(place: Path, name: str) -> None:
    base = place / name
    base.mkdir()
    made = make_socket_folder(base, OURSELVES)
    try:
        assert made.parent == Path("/tmp")
        assert made == make_socket_folder(base, OURSELVES)
        assert stat.S_IMODE(made.stat().st_mode) == 0o700
    finally:
        shutil.rmtree(made)


def test_path_that_fits_is_beside_the_data(place: Path) -> None:
    assert make_socket_folder(place, OURSELVES) == place / "socket"
