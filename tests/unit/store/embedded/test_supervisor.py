"""What the embedded server's supervisor does where no server has to run for it."""

import signal
from pathlib import Path
from types import SimpleNamespace

import pytest

from unihire.store.embedded import supervisor
from unihire.store.embedded.supervisor import LeftoverError, Supervisor


def test_server_whose_supervisor_died_is_stopped_by_ever_harder_signals(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, sent = [0.0], []

    def sleep(seconds: float) -> None:
        clock[0] += seconds

    monkeypatch.setattr(supervisor, "time", SimpleNamespace(monotonic=lambda: clock[0], sleep=sleep))
    monkeypatch.setattr(supervisor, "_try_lock", lambda fd: False)
    monkeypatch.setattr("os.kill", lambda pid, number: sent.append((round(clock[0]), pid, number)))
    places = {name: str(tmp_path / name) for name in ("base", "data", "sockets")}
    made = Supervisor({**places, "command": [], "identity": {}}, -1)
    monkeypatch.setattr(made, "leftover_pids", lambda: [7])
    with pytest.raises(LeftoverError):
        made.end_leftovers(-1)
    assert sent[:3] == [(0, 7, signal.SIGINT), (3, 7, signal.SIGQUIT), (4, 7, signal.SIGKILL)]
