"""Worker processes that are killed, frozen and cut off at random, on a server that is, too."""

import asyncio
import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import asyncpg
import httpx
import psutil

from testbed.databases import Databases
from unihire.outbound.client import Retry
from unihire.sandbox.runner import Ready
from unihire.settings import Settings
from unihire.store import Pool
from unihire.store.connections import LOST
from unihire.sync.chores import Pace

T = TypeVar("T")

QUICK = Pace(heartbeat=0.3, silent=1.5, chores=0.3, poll=0.1, slice=3.0, busy=0.2)

# Forks into the command of each line, with what the line gives: to load the program takes longer than most lives.
NURSERY = """
import dataclasses, functools, json, os, signal, sys
from datetime import timedelta
import unihire.app, unihire.cli.working
from unihire.cli import main
from unihire.events.deliveries import deliverer
from unihire.integration.registry import list_integrations
from unihire.outbound.client import Retry
from unihire.platform import connectors
from unihire.store import database, locks
from unihire.sync import chores, deferring, details

def set_pace(given):
    database.SESSION["idle_in_transaction_session_timeout"] = f"{given['silent']}s"
    locks.BEAT_SECONDS, locks.SILENT_SECONDS = given["heartbeat"], given["silent"]
    chores.PACE = chores.Pace(**given)
    chores.STUCK_FOR = timedelta(seconds=given["silent"])
    deferring.FIRST_PAUSE, deferring.LONGEST_WAIT = timedelta(seconds=0.3), timedelta(seconds=1)
    lease = deliverer.DeliveryPace(lease=2 * given["silent"], slice=1.0, poll=0.1, reload=1.0, rest=0.1)
    deliverer.Deliverer.__init__.__kwdefaults__ |= {"pace": lease, "timeout": given["silent"]}

def set_page(rows):
    for integration in list_integrations():
        for stream in integration.streams:
            size = getattr(stream.paging, "page_size", None)
            if size:
                small = {**size, next(iter(size)): str(rows)}
                object.__setattr__(stream, "paging", dataclasses.replace(stream.paging, page_size=small))

list_integrations()
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
for line in sys.stdin:
    given = json.loads(line)
    child = os.fork()
    if not child:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        log = os.open(given["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(log, 1)
        os.dup2(log, 2)
        if given["pace"]:
            set_pace(given["pace"])
        if given["retry"]:
            connectors.Retry = functools.partial(Retry, **given["retry"])
        if given["page"]:
            set_page(given["page"])
            details.ASKED_AGAIN_WITHIN = 1
        sys.argv = ["unihire", *given["command"]]
        main()
        os._exit(0)
    print(child, flush=True)
"""

# How far each unfinished run is: whose turn it is, and what changes with every page.
LOOK = """
    SELECT id, attempt,
        (SELECT md5(string_agg(xmin::text, ',' ORDER BY stream)) FROM stream_run WHERE run = id) AS pages
    FROM sync_run WHERE status IN ('queued', 'running')
"""


@dataclass(eq=False)
class Process:
    """A worker: killed, it is gone at once."""

    process: psutil.Process
    log: Path
    was_ready: bool = False

    @property
    def is_ready(self) -> bool:
        """Whether it takes up jobs."""
        self.was_ready = self.was_ready or '"event": "working"' in self.log.read_text(errors="replace")
        return self.was_ready

    @property
    def is_at_work(self) -> bool:
        """Whether it has begun a run that it has not told the end of."""
        said = self.log.read_text(errors="replace")
        return said.count('"event": "sync run"') > said.count('"event": "sync run ended"')

    def find_begun(self) -> str:
        """When it took a run up last, as text that sorts; empty where it never did."""
        lines = self.log.read_text(errors="replace").splitlines()
        begun = [line for line in lines if line.startswith("{") and '"event": "sync run"' in line]
        return str(json.loads(begun[-1])["timestamp"]) if begun else ""

    def kill(self) -> None:
        with contextlib.suppress(psutil.NoSuchProcess):
            self.process.kill()
            self.process.wait(10)


class Workers:
    """Processes of `unihire worker`, or another command that works, on one database; `retry`: less patient calls,
    `page`: rows of a page; whole reads ask for all details again, as they do within a month."""

    def __init__(
        self,
        settings: Settings,
        key: str,
        folder: Path,
        pace: Pace | None,
        *,
        retry: Retry | None = None,
        page: int | None = None,
        command: Sequence[str] = ("worker", "--slots", "2"),
    ) -> None:
        assert settings.database_url is not None
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("UNIHIRE_")}
        environment = {
            **inherited,
            "UNIHIRE_HOME": str(settings.home),
            "UNIHIRE_DATABASE_URL": settings.database_url.get_secret_value(),
            "UNIHIRE_ANSWER_BYTES": str(settings.answer_bytes),
            "UNIHIRE_RATE_LIMIT": str(settings.rate_limit),
            "UNIHIRE_ENCRYPTION_KEYS": key,
            "UNIHIRE_DATABASE_POOL": "8",
            "UNIHIRE_LOG_FORMAT": "json",
        }
        self._given = {
            "pace": None if pace is None else asdict(pace),
            "retry": None if retry is None else asdict(retry),
            "page": page,
            "command": list(command),
        }
        self._folder = folder
        self._nursery = subprocess.Popen(
            [sys.executable, "-c", NURSERY],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
            cwd=folder,
        )
        self._started = len(list(folder.glob("worker-*.log")))
        self.alive: list[Process] = []
        self.frozen: list[Process] = []

    def start(self) -> Process:
        self._started += 1
        log = self._folder / f"worker-{self._started}.log"
        log.touch()
        assert self._nursery.stdin is not None
        assert self._nursery.stdout is not None
        self._nursery.stdin.write(json.dumps({**self._given, "log": str(log)}) + "\n")
        self._nursery.stdin.flush()
        made = Process(psutil.Process(int(self._nursery.stdout.readline())), log)
        self.alive.append(made)
        return made

    def keep(self, count: int) -> None:
        """So many at work, besides those that are frozen; one that began while the database was away has ended."""
        self.alive = [worker for worker in self.alive if worker.process.is_running()]
        while len(self.alive) < count:
            self.start()

    def is_one_ready(self) -> bool:
        return any(worker.is_ready for worker in self.alive if worker.process.is_running())

    def kill(self, worker: Process) -> None:
        self.alive.remove(worker)
        worker.kill()

    def freeze(self, worker: Process) -> None:
        self.alive.remove(worker)
        self.frozen.append(worker)
        with contextlib.suppress(psutil.NoSuchProcess):
            worker.process.suspend()

    def thaw(self, worker: Process) -> None:
        self.frozen.remove(worker)
        self.alive.append(worker)
        with contextlib.suppress(psutil.NoSuchProcess):
            worker.process.resume()

    def end(self) -> None:
        for worker in [*self.alive, *self.frozen]:
            worker.kill()
        self._nursery.communicate()

    def list_problems(self) -> Counter[str]:
        """What the workers logged as errors, and how often."""
        found: Counter[str] = Counter()
        for log in self._folder.glob("worker-*.log"):
            for line in log.read_text(errors="replace").splitlines():
                if line.startswith("{"):
                    said = json.loads(line)
                    if said.get("level") in ("error", "critical"):
                        last = str(said.get("exception", "")).strip().splitlines()
                        found[f"{said['event']}: {last[-1] if last else ''}"] += 1
                elif line.startswith("Traceback"):
                    found[line] += 1
        return found


class Server:
    """The embedded server of a home of its own, shut down as by a crash; its supervisor starts it anew."""

    LEAST_SECONDS = 11.0
    """Between two crashes: a server that dies soon after its start several times is not started again."""

    def __init__(self, databases: Databases) -> None:
        self._base = databases.home / "postgresql"
        self._crashed_at = time.monotonic() - self.LEAST_SECONDS

    @property
    def may_crash(self) -> bool:
        return time.monotonic() - self._crashed_at > self.LEAST_SECONDS

    async def crash(self, away: float) -> None:
        """Shut the server down at once, and keep it away for so many seconds."""
        supervisor = next(process for process in psutil.process_iter() if self._is_supervisor(process))
        leader = int((self._base / "data" / "postmaster.pid").read_text().split()[0])
        self._crashed_at = time.monotonic() + away
        supervisor.suspend()
        try:
            os.kill(leader, signal.SIGQUIT)
            await asyncio.sleep(away)
        finally:
            supervisor.resume()

    def _is_supervisor(self, process: psutil.Process) -> bool:
        try:
            words = process.cmdline()
        except psutil.Error:
            return False
        return any("embedded/supervisor.py" in word for word in words) and any(
            str(self._base) in word for word in words
        )


async def insist(work: Callable[[], Awaitable[T]], seconds: float = 60.0) -> T:
    """What the work gives, tried again while the database is away."""
    give_up_at = time.monotonic() + seconds
    while True:
        try:
            return await work()
        except (*LOST, asyncpg.CannotConnectNowError):
            if time.monotonic() > give_up_at:
                raise
            await asyncio.sleep(0.05)


@dataclass
class _Rest:
    """A run whose worker something may have happened to; `since` is None until another worker is there."""

    attempt: int
    pages: str | None
    since: float | None
    is_taken: bool = False


@dataclass
class Watch:
    """How long runs rest after something happened to their worker, until another one has committed a page."""

    pool: Pool
    is_one_ready: Callable[[], bool]
    rests: list[float] = field(default_factory=list)
    _resting: dict[Any, _Rest] = field(default_factory=dict)

    async def look(self) -> dict[Any, asyncpg.Record]:
        """The unfinished runs; notes which have been taken over and gone on with."""
        found = {row["id"]: row for row in await insist(lambda: self.pool.fetch(LOOK))}
        now = time.monotonic()
        for run, rest in list(self._resting.items()):
            row = found.get(run)
            if rest.since is None and self.is_one_ready():
                rest.since = now
            if row is not None and row["attempt"] > rest.attempt:
                rest.attempt, rest.pages, rest.is_taken = row["attempt"], row["pages"], True
            elif row is None or row["pages"] != rest.pages:
                # Gone on with: after somebody took it over, or by the worker it had, which was another one.
                if rest.is_taken and rest.since is not None:
                    self.rests.append(now - rest.since)
                del self._resting[run]
        return found

    async def begin(self) -> None:
        """Something has happened to a worker just now."""
        runs = await self.look()
        since = time.monotonic() if self.is_one_ready() else None
        for run, row in runs.items():
            if row["attempt"]:
                self._resting[run] = _Rest(row["attempt"], row["pages"], since)

    @property
    def is_resting(self) -> bool:
        """Whether a run is yet to be gone on with."""
        return bool(self._resting)

    async def count_from_now(self) -> None:
        """A server that crashed answers again: whoever commits a page from now on has gone on."""
        for row in await insist(lambda: self.pool.fetch(LOOK)):
            if row["id"] in self._resting:
                self._resting[row["id"]] = _Rest(row["attempt"], row["pages"], time.monotonic(), is_taken=True)

    async def wait_for_pages(self, pages: int, seconds: float) -> bool:
        """Watch until so many pages are committed, or for so long; False as soon as no run is left."""
        until, last = time.monotonic() + seconds, None
        while runs := await self.look():
            state = [(row["attempt"], row["pages"]) for row in runs.values()]
            pages -= state != last
            last = state
            if pages < 0 or time.monotonic() >= until:
                return True
            await asyncio.sleep(0.03)
        return False


class Chaos:
    """Disturbs what runs, by rng that a seed gives."""

    def __init__(
        self, chance: random.Random, workers: Workers, server: Server, watch: Watch, sandboxes: Sequence[Ready]
    ) -> None:
        self.done: Counter[str] = Counter()
        self._chance = chance
        self._workers = workers
        self._server = server
        self._watch = watch
        self._sandboxes = sandboxes
        self._tasks: set[asyncio.Task[None]] = set()

    async def disturb(self, kills: int) -> None:
        """Until so many workers have been killed, or no run is left."""
        wanted = self.done["kills"] + kills
        while self.done["kills"] < wanted:
            self._workers.keep(self._chance.choices((1, 2, 3, 4), (4, 3, 2, 1))[0])
            if not await self._watch.wait_for_pages(self._chance.randint(1, 6), 6.0):
                break
            await asyncio.sleep(self._chance.uniform(0, 0.1))
            await self._do_something()
        await self._reset_if_outdated()

    async def _do_something(self) -> None:
        """Mostly kill a worker."""
        rng = self._chance.random()
        self._workers.keep(1)
        at_work = [worker for worker in self._workers.alive if worker.is_at_work] or self._workers.alive
        if rng < 0.7:
            self._workers.kill(self._chance.choice(at_work))
            self.done["kills"] += 1
            await self._watch.begin()
        elif rng < 0.8 and not self._workers.frozen:
            process = self._chance.choice(at_work)
            self._workers.freeze(process)
            self.done["freezes"] += 1
            await self._watch.begin()
            self._go(self._thaw(process))
        elif rng < 0.88 and self._server.may_crash:
            self.done["restarts"] += 1
            self._go(self._server.crash(self._chance.uniform(0.0, 2.0)))
        elif rng < 0.94:
            self.done["cut connections"] += await self._cut_connections()
        else:
            self.done["cut networks"] += 1
            self._go(self._cut_network(self._chance.choice(self._sandboxes)))

    def _go(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _reset_if_outdated(self) -> None:
        """What was begun is over."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def _thaw(self, process: Process) -> None:
        await asyncio.sleep(QUICK.silent * self._chance.uniform(1.2, 2.5))
        self._workers.thaw(process)

    async def _cut_connections(self) -> int:
        """Some of the workers' connections to the database."""
        rows = await insist(
            lambda: self._watch.pool.fetch(
                "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() "
                "ORDER BY pid"
            )
        )
        pids = [row["pid"] for row in rows if self._chance.random() < 0.5]
        await insist(
            lambda: self._watch.pool.fetch("SELECT pg_terminate_backend(pid) FROM unnest($1::int[]) AS pid", pids)
        )
        return len(pids)

    async def _cut_network(self, ready: Ready) -> None:
        async with httpx.AsyncClient(base_url=ready.control_url) as control:
            before = (await control.get("faults")).raise_for_status().json()["faults"]
            cut = [{"word": "cut-body", "probability": 0.7}, {"word": "500"}]
            (await control.put("faults", json=cut)).raise_for_status()
            await asyncio.sleep(self._chance.uniform(0.3, 1.5))
            (await control.put("faults", json=before)).raise_for_status()
