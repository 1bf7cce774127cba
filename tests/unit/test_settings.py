"""What the operator can set."""

import os
from pathlib import Path

import pytest

from unihire.settings import Settings


@pytest.mark.parametrize(
    ("user", "data", "home"),
    [
        (0, "/data", "/var/lib/unihire"),
        (1000, "/data", "/data/unihire"),
        (1000, None, "/home/example/.local/share/unihire"),
        (None, "/data", "/data/unihire"),
    ],
    ids=["root", "another", "without XDG_DATA_HOME", "Windows"],
)
def test_home_is_the_users_and_that_of_root_is_reached_by_others(
    monkeypatch: pytest.MonkeyPatch, user: int | None, data: str | None, home: str
) -> None:
    monkeypatch.setenv("HOME", "/home/example")
    monkeypatch.delenv("UNIHIRE_HOME", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", data) if data else monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    if user is None:
        monkeypatch.delattr(os, "geteuid")
    else:
        monkeypatch.setattr(os, "geteuid", lambda: user)
    assert Settings(_env_file=None).home == Path(home)
