"""Programs of the bench as processes of their own: each says one JSON line a result, and ends with its standard input.

A child lives in its own session, so Ctrl-C reaches this process alone; it ends its children, and should it be killed
their standard input ends and so do they.
"""

import asyncio
import os
import queue
import resource
import signal
import sys
import threading
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec

ROOT = Path(__file__).resolve().parent.parent
_END_SECONDS = 5.0
_LINE_LIMIT = 64 * 1024 * 1024


class ChildFailed(Exception):
    """A child ended without its answer; what it said is on standard error."""


class Mismatch(Exception):
    """A program answered, but not what it must: nothing measured of it would mean anything."""


class Child:
    """A running child: orders go in and answers come out as JSON lines."""

    def __init__(self, module: str, process: asyncio.subprocess.Process) -> None:
        self.pid = process.pid
        self._module = module
        self._process = process

    async def ask(self, order: object) -> Any:
        """Send an order and read its answer."""
        assert self._process.stdin is not None
        self._process.stdin.write(msgspec.json.encode(order) + b"\n")
        await self._process.stdin.drain()
        return await self.read()

    async def read(self) -> Any:
        """The next answer. Raises ChildFailed where the child ended instead."""
        assert self._process.stdout is not None
        line = await self._process.stdout.readline()
        if not line:
            raise ChildFailed(f"{self._module} ended with code {await self._process.wait()}")
        return msgspec.json.decode(line)

    async def end(self) -> None:
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            async with asyncio.timeout(_END_SECONDS):
                await self._process.wait()
        except TimeoutError:
            self._process.kill()
            await self._process.wait()


@asynccontextmanager
async def start_child(
    module: str, order: object, environment: dict[str, str] | None = None, arguments: Sequence[str] = ()
) -> AsyncIterator[Child]:
    """Run `python -m <module>` with `order` as its first line, for as long as the block lasts."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", module, *arguments,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, cwd=ROOT, limit=_LINE_LIMIT,
        start_new_session=True, env={**os.environ, **(environment or {})},
    )  # fmt: skip
    child = Child(module, process)
    try:
        assert process.stdin is not None
        process.stdin.write(msgspec.json.encode(order) + b"\n")
        await process.stdin.drain()
        yield child
    finally:
        await child.end()


def read_order() -> Any:
    """In a child: the next order; None when the parent is done or gone."""
    line = sys.stdin.buffer.readline()
    return msgspec.json.decode(line) if line else None


def answer(result: object) -> None:
    """In a child: send a result."""
    sys.stdout.buffer.write(msgspec.json.encode(result) + b"\n")
    sys.stdout.buffer.flush()


def read_orders() -> Iterator[Any]:
    """In a child that takes many orders: each as it comes. The process ends with standard input, even amid an order."""
    orders: queue.SimpleQueue[Any] = queue.SimpleQueue()

    def read() -> None:
        while (order := read_order()) is not None:
            orders.put(order)
        os._exit(0)

    threading.Thread(target=read, daemon=True).start()
    while True:
        yield orders.get()


def end_with_parent() -> None:
    """In a child that takes no more orders: SIGTERM when standard input ends."""

    def wait() -> None:
        sys.stdin.buffer.read()
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, daemon=True).start()


def find_peak_memory() -> float:
    """The most memory this process ever held, in MB.

    On Linux from the kernel's count for this program alone: the one of getrusage starts with what the parent held when
    it forked.
    """
    peak = find_memory(os.getpid(), "VmHWM")
    if peak:
        return peak
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1024 * 1024 if sys.platform == "darwin" else 1024)


def find_memory(pid: int, kind: str) -> float:
    """One of the kernel's counts of a process's memory, in MB; 0 where it does not tell."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith(f"{kind}:")), 0.0)
