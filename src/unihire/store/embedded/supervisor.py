"""The supervisor: a small process that runs the embedded PostgreSQL for as long as a process uses it.

`embedded.py` runs this file as a script; it uses the standard library only, so that it starts in a few hundredths of a
second. It ends, and the server with it, when the last user's lock on `users.lock` is gone. The
kernel drops the lock of a process however that process dies, so there is no message that could be lost.

While there are users it restarts a server that ended, at once and then with growing pauses: the cause may be over, such
as a full disk. While it cannot be started, the reason is the text of `keeper.lock`.

The supervisor itself:
- ignores signals that ask it to stop: it ends with its users;
- when it is killed with -9, on Linux the kernel asks the server for a fast shutdown, elsewhere the next start
  does; one of the users starts another supervisor;
- when the disk has no room for the log, the server goes on and the lines are lost.
"""

import contextlib
import ctypes
import errno
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

try:
    import fcntl
except ImportError:  # Windows, where `EmbeddedServer` refuses to start
    fcntl = None  # type: ignore[assignment]

LOG_BYTES = 5_000_000  # the log is rotated at this size, and one older file stays
REPORTED_LINES = 12
FAST_SECONDS = 3.0  # a fast shutdown writes a checkpoint; past this the crash recovery of the next start is cheaper
QUIT_SECONDS = 0.7
LEFTOVER_SECONDS = 10.0
STEP_SECONDS = 0.02
QUICK_SECONDS = 10.0  # a server that ended sooner after its start than this counts as one that ended quickly
SHORTEST_PAUSE, LONGEST_PAUSE = 0.25, 30.0
TEXT_BYTES = 4000  # what keeper.lock has at most: one block, which it never gives back
FAILING = "error: "  # how the text of keeper.lock begins while no server can be started
NO_SPACE = os.strerror(errno.ENOSPC)
LEAST_BYTES = 1_000_000  # with less than this free, a server that ended without a word had no room
PR_SET_PDEATHSIG = 1


class LeftoverError(Exception):
    """A server that an earlier supervisor left behind does not end."""


class Supervisor:
    """One server process, its log and its end."""

    def __init__(self, plan: dict[str, Any], supervisor_fd: int) -> None:
        self.base = Path(plan["base"])
        self.data = Path(plan["data"])
        self.sockets = Path(plan["sockets"])
        self.command: list[str] = plan["command"]
        self.identity: dict[str, Any] = plan["identity"]
        self.supervisor_fd = supervisor_fd
        self.events: queue.SimpleQueue[tuple[str, int]] = queue.SimpleQueue()
        self.last_lines: deque[str] = deque(maxlen=REPORTED_LINES)
        self.die_with_supervisor = _make_death_signal_setter()

    def run(self, report: Callable[[dict[str, str]], None]) -> None:
        """Start the server, report once, keep it running until the users have left, stop it."""
        users_fd = os.open(self.base / "users.lock", os.O_RDWR)
        watcher = threading.Thread(target=self.watch_users, args=(users_fd,), daemon=True)
        was_ready, quick_ends = False, 0
        while True:
            started_at = time.monotonic()
            trouble = ""
            try:
                process = self.launch()
            except (OSError, LeftoverError) as error:
                trouble = explain(self.base, str(error))
            else:
                if not watcher.is_alive():
                    watcher.start()
                event = self.wait_until_ready(process)
                is_ready = event is None
                if event is None:
                    was_ready = True
                    self.announce(report)
                    event = self.next_event(process)
                clear(self.supervisor_fd)
                if event == "left":
                    self.stop(process)
                    return
                if not is_ready:
                    trouble = self.explain_end(process)
            if not was_ready:
                report({"error": trouble})
                return
            # Somebody killed the leading process (it survives the death of any other), or the disk is full: the users
            # get a new one.
            quick_ends = quick_ends + 1 if time.monotonic() - started_at < QUICK_SECONDS else 0
            pause = min(SHORTEST_PAUSE * 2.0 ** min(quick_ends - 2, 16), LONGEST_PAUSE) if quick_ends > 1 else 0.0
            self.log_pause(trouble, pause)
            if self.have_users_left(pause):
                return

    def explain_end(self, process: "subprocess.Popen[bytes]") -> str:
        """Why the server ended before it was ready."""
        if self.last_lines:
            return explain(self.base, "\n".join(("the server ended at once:", *self.last_lines)))
        code = process.returncode
        how = f"by signal {-code} ({signal.strsignal(-code)})" if code < 0 else f"with code {code}"
        return explain(self.base, f"the server ended at once {how}, and said nothing")

    def log_pause(self, trouble: str, pause: float) -> None:
        """Say in the log that the server is started again, and in keeper.lock why that did not work the last time."""
        reason = trouble.splitlines()[0] if trouble else "it was killed, or failed"
        # Without room nobody reads of it, and the server is started all the same.
        with contextlib.suppress(OSError), (self.base / "server.log").open("a") as log:
            log.write(f"unihire: the server ended ({reason}); it is started again in {pause:.1f} s\n")
        if trouble:
            clear(self.supervisor_fd)
            os.pwrite(self.supervisor_fd, (FAILING + trouble).encode(errors="replace")[:TEXT_BYTES], 0)

    def have_users_left(self, pause: float) -> bool:
        """Whether they have, by the end of the pause."""
        deadline = time.monotonic() + pause
        while (left := deadline - time.monotonic()) > 0:
            with contextlib.suppress(queue.Empty):
                event, _ = self.events.get(timeout=left)
                if event == "left":
                    return True
        return False

    def launch(self) -> "subprocess.Popen[bytes]":
        """The server process, started once every process of an earlier server on this data is gone.

        All processes of a server inherit the descriptor of `server.lock` and with it the lock. So a lock that can be
        taken proves that the files an earlier server left are stale, whichever process has its id by now.
        """
        self.last_lines.clear()
        lock_fd = os.open(self.base / "server.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            self.end_leftovers(lock_fd)
            for stale in (self.data / "postmaster.pid", *self.sockets.glob(".s.PGSQL.*")):
                stale.unlink(missing_ok=True)
            process = subprocess.Popen(  # noqa: S603
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                env={"LC_ALL": "C", "TZ": "UTC"},
                cwd="/",
                pass_fds=(lock_fd,),
                preexec_fn=self.die_with_supervisor,  # noqa: PLW1509 - one call into libc; no lock is taken there
                umask=0o077,
                **self.identity,
            )
        finally:
            os.close(lock_fd)
        threading.Thread(target=self.watch_server, args=(process,), daemon=True).start()
        return process

    def end_leftovers(self, lock_fd: int) -> None:
        """Stop a server whose supervisor died; raises LeftoverError when it outlives all asking."""
        signals = iter([(0.0, signal.SIGINT), (FAST_SECONDS, signal.SIGQUIT), (FAST_SECONDS + 1, signal.SIGKILL)])
        after, number = next(signals)
        waiting_since = time.monotonic()
        while not _try_lock(lock_fd):
            waited = time.monotonic() - waiting_since
            if waited > LEFTOVER_SECONDS:
                raise LeftoverError(f"an earlier server still runs on {self.data}; end its processes, then start again")
            if waited >= after:
                for pid in self.leftover_pids():
                    with contextlib.suppress(OSError):
                        os.kill(pid, number)
                after, number = next(signals, (LEFTOVER_SECONDS, signal.SIGKILL))
            time.sleep(STEP_SECONDS)

    def leftover_pids(self) -> list[int]:
        """The leading process of the earlier server or, where it is gone, those it left (Linux)."""
        with contextlib.suppress(OSError, ValueError, IndexError):
            pid = int((self.data / "postmaster.pid").read_text().splitlines()[0])
            os.kill(pid, 0)
            if not sys.platform.startswith("linux") or _works_in(pid, self.data):
                return [pid]
        pids = [int(entry.name) for entry in Path("/proc").glob("[0-9]*")]
        return [pid for pid in pids if _works_in(pid, self.data)]

    def watch_users(self, users_fd: int) -> None:
        fcntl.flock(users_fd, fcntl.LOCK_EX)
        self.events.put(("left", 0))

    def watch_server(self, process: "subprocess.Popen[bytes]") -> None:
        """Write what the server says to the log, and say when it has ended."""
        assert process.stderr is not None
        path = self.base / "server.log"
        log = None
        for line in process.stderr:
            self.last_lines.append(line.decode(errors="replace").rstrip())
            with contextlib.suppress(OSError):
                if log is not None and log.tell() > LOG_BYTES:
                    log.close()
                    log = None
                    path.replace(path.with_name("server.log.1"))
                if log is None:
                    log = path.open("ab", buffering=0)
                log.write(line)
        if log is not None:
            log.close()
        process.wait()
        self.events.put(("died", process.pid))

    def wait_until_ready(self, process: "subprocess.Popen[bytes]") -> str | None:
        """None once the server takes connections, else what came first; crash recovery may take its time."""
        pid_file = self.data / "postmaster.pid"
        while True:
            with contextlib.suppress(queue.Empty):
                return self.next_event(process, timeout=STEP_SECONDS)
            with contextlib.suppress(OSError):
                lines = pid_file.read_text().splitlines()
                # Line 8 is the status that pg_ctl reads; src/include/utils/pidfile.h.
                if len(lines) > 7 and lines[0] == str(process.pid) and lines[7].strip() == "ready":
                    return None

    def next_event(self, process: "subprocess.Popen[bytes]", timeout: float | None = None) -> str:
        while True:
            event, pid = self.events.get(timeout=timeout)
            if event == "left" or pid == process.pid:
                return event

    def announce(self, report: Callable[[dict[str, str]], None]) -> None:
        """Write where the server listens for every later user, and report it to the one who waits."""
        clear(self.supervisor_fd)
        os.pwrite(self.supervisor_fd, os.fsencode(self.sockets), 0)
        report({"sockets": str(self.sockets)})

    def stop(self, process: "subprocess.Popen[bytes]") -> None:
        """End the server; immediate after FAST_SECONDS, which loses nothing that was committed."""
        for number, patience in ((signal.SIGINT, FAST_SECONDS), (signal.SIGQUIT, QUIT_SECONDS), (signal.SIGKILL, 1.0)):
            process.send_signal(number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(patience)
                break
        with contextlib.suppress(OSError):
            self.sockets.rmdir()  # nobody can be about to use it: we still hold keeper.lock


def clear(fd: int) -> None:
    """Leave nothing in keeper.lock that means anything, but its block: on a full disk there would not be another."""
    os.pwrite(fd, b"-", 0)
    os.ftruncate(fd, 1)


def explain(base: Path, said: str) -> str:
    """What was said, after the sentence that it comes from a full disk where it does."""
    with contextlib.suppress(OSError):
        found = os.statvfs(base)
        is_full = found.f_bavail * found.f_frsize < LEAST_BYTES or not (found.f_favail or not found.f_files)
        if is_full or NO_SPACE in said:
            return f"the disk of {base} is full: make room there\n{said}"
    return said


def _make_death_signal_setter() -> Callable[[], None] | None:
    """What the server process calls before it becomes PostgreSQL: ask to be shut down when the supervisor dies."""
    if not sys.platform.startswith("linux"):
        return None
    libc = ctypes.CDLL(None)
    supervisor = os.getpid()

    def set_death_signal() -> None:
        libc.prctl(PR_SET_PDEATHSIG, int(signal.SIGINT), 0, 0, 0)
        if os.getppid() != supervisor:
            os._exit(1)

    return set_death_signal


def _works_in(pid: int, folder: Path) -> bool:
    """Whether the process has this working folder, as every process of a PostgreSQL server has its data."""
    try:
        return os.path.samefile(f"/proc/{pid}/cwd", folder)
    except OSError:
        return False


def _try_lock(fd: int) -> bool:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def main() -> None:
    """Arguments: the descriptor to report on, the descriptor that holds keeper.lock, the plan as JSON."""
    report_fd, supervisor_fd = int(sys.argv[1]), int(sys.argv[2])
    if os.fork() > 0:
        os._exit(0)  # the starter reaps this one; the supervisor belongs to nobody who would have to
    os.umask(0o077)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: None)

    def report(words: dict[str, str]) -> None:
        nonlocal report_fd
        if report_fd >= 0:
            with contextlib.suppress(OSError):  # the starter is gone; its lock shows the rest
                os.write(report_fd, json.dumps(words).encode() + b"\n")
            os.close(report_fd)
            report_fd = -1

    try:
        Supervisor(json.loads(sys.argv[3]), supervisor_fd).run(report)
    except Exception as error:  # noqa: BLE001 - whatever it was, the starter learns of it instead of waiting on
        report({"error": explain(Path(json.loads(sys.argv[3])["base"]), f"its supervisor failed: {error!r}")})
    # First keeper.lock, then with the process users.lock: a process that waits for the second must find the first free.
    os.close(supervisor_fd)
    os._exit(0)


if __name__ == "__main__":
    main()
