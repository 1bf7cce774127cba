"""Processes that begin as forks of one that has loaded what they need: a new interpreter costs seconds of processor.

Whoever wants one sends its pipes through a socket, and has what subprocess would give. The fork itself has a keeper,
forked too, who tells its number and, when it has ended, its code.
"""

import os
import select
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import IO, NoReturn


class Running(subprocess.Popen[str]):
    """A fork that runs, as subprocess gives a process whose output and errors are piped."""

    def __init__(self, args: Sequence[str], door: socket.socket) -> None:  # not the base's: nothing is executed
        self.args = args
        self.returncode: int | None = None
        self.stdin = None
        self.pipesize = -1
        self.encoding = self.errors = None
        self.text_mode = True
        self._input = None
        self._communication_started = False
        self._sigint_wait_secs = 0.25
        pipes = [os.pipe() for _ in range(3)]
        socket.send_fds(door, [b"."], [written for _, written in pipes])
        for _, written in pipes:
            os.close(written)
        (output, _), (errors, _), (told, _) = pipes
        self.stdout = open(output, encoding="utf-8")  # noqa: SIM115 - closed as subprocess closes them
        self.stderr = open(errors, encoding="utf-8")  # noqa: SIM115
        self._told: IO[bytes] = open(told, "rb", buffering=0)  # noqa: SIM115
        self._heard = b""
        while b"\n" not in self._heard:
            self._hear()
        self._child_created = True
        self.pid = int(self._heard.split(b"\n")[0])

    def _hear(self) -> None:
        heard = self._told.read(100)
        if not heard:
            raise ChildProcessError("who keeps the process has gone without telling how it ended")
        self._heard += heard

    def _internal_poll(self, **_: object) -> int | None:
        with suppress(subprocess.TimeoutExpired):
            self._wait(timeout=0)
        return self.returncode

    def _wait(self, timeout: float | None) -> int:
        give_up_at = None if timeout is None else time.monotonic() + timeout
        while self.returncode is None:
            left = None if give_up_at is None else max(0.0, give_up_at - time.monotonic())
            if not select.select([self._told], [], [], left)[0]:
                raise subprocess.TimeoutExpired(self.args, timeout or 0)
            self._hear()
            _, *code = self._heard.split()
            if code:
                self.returncode = int(code[0])
                self._told.close()
        return self.returncode


class Keepers:
    """In the process that has loaded everything: forks what is asked for through its end of the socket."""

    def __init__(self, door: socket.socket) -> None:
        self._door = door
        self._alive: set[int] = set()

    def fork(self, work: Callable[[], NoReturn]) -> None:
        """Do this work in a fork, whose pipes are waiting at the door."""
        self.reap()
        _, files, _, _ = socket.recv_fds(self._door, 1, 3)
        keeper = os.fork()
        if keeper == 0:
            self._keep(files, work)
        self._alive.add(keeper)
        for file in files:
            os.close(file)

    def reap(self) -> None:
        """Let those go whose fork has ended; what it took is then counted as ours."""
        self._alive = {one for one in self._alive if os.waitpid(one, os.WNOHANG)[0] == 0}

    def _keep(self, files: Sequence[int], work: Callable[[], NoReturn]) -> NoReturn:
        output, errors, told = files
        self._door.close()
        os.dup2(os.open(os.devnull, os.O_RDWR), 0)
        os.dup2(0, 1)
        child = os.fork()
        if child == 0:
            os.dup2(output, 1)
            os.dup2(errors, 2)
            for file in files:
                os.close(file)
            work()
        for number in (signal.SIGINT, signal.SIGTERM):  # it stays until it has told
            signal.signal(number, signal.SIG_IGN)
        os.close(output)
        os.close(errors)
        with suppress(BrokenPipeError):
            os.write(told, b"%d\n" % child)
            _, status = os.waitpid(child, 0)
            os.write(told, b"%d\n" % os.waitstatus_to_exitcode(status))
        os._exit(0)
