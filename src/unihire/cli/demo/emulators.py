"""Emulators as child processes: started together, gone with their parent however it ends."""

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec

from unihire.errors import UnihireError
from unihire.sandbox.runner import Ready, get_emulator

CLOSE_SECONDS = 1.5

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Child:
    slug: str
    process: asyncio.subprocess.Process


class Emulators:
    """Running emulators; `wait_until_ready` before the first use."""

    def __init__(self, children: Sequence[_Child]) -> None:
        self._children = children

    async def wait_until_ready(self) -> list[Ready]:
        """Where each listens, once it does. Raises UnihireError where one does not start."""
        return [await self._read_ready(child) for child in self._children]

    async def _read_ready(self, child: _Child) -> Ready:
        assert child.process.stdout is not None
        line = await child.process.stdout.readline()
        if not line:
            raise UnihireError(f"the {child.slug} emulator did not start (exit code {await child.process.wait()})")
        return msgspec.json.decode(line, type=Ready)

    async def guard(self, work: Coroutine[Any, Any, T]) -> T:
        """The work's result. Raises UnihireError as soon as an emulator ends under it."""
        task = asyncio.create_task(work)
        ends = {asyncio.create_task(child.process.wait()): child for child in self._children}
        try:
            done, _ = await asyncio.wait({task, *ends}, return_when=asyncio.FIRST_COMPLETED)
            if task in done:
                return task.result()
            child = ends[next(end for end in ends if end in done)]
            raise UnihireError(f"the {child.slug} emulator ended (exit code {child.process.returncode})")
        finally:
            for pending in (task, *ends):
                pending.cancel()
            await asyncio.gather(task, *ends, return_exceptions=True)

    async def close(self) -> None:
        """End them all and wait until they are gone."""
        await asyncio.gather(*(_close(child.process) for child in self._children))


@contextlib.asynccontextmanager
async def start_emulators(slugs: Sequence[str], *, size: int, seed: int) -> AsyncIterator[Emulators]:
    """An emulator for each slug, on free ports and in no hurry to refuse, for as long as the block lasts."""
    children: list[_Child] = []
    emulators = Emulators(children)
    try:
        for slug in slugs:
            starting = asyncio.ensure_future(_start(slug, size=size, seed=seed))
            try:
                process = await asyncio.shield(starting)
            except (
                asyncio.CancelledError
            ):  # by a signal: the process may be there already, and is ended with the others
                children.append(_Child(slug, await starting))
                raise
            children.append(_Child(slug, process))
        yield emulators
    finally:
        await emulators.close()


async def _start(slug: str, *, size: int, seed: int) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "unihire.sandbox", slug, "--json", "--exit-with-parent"),
        *("--port", "0", "--size", str(size), "--seed", str(seed)),
        *_list_demo_options(slug),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        start_new_session=True,  # Ctrl-C is for us: we end them when nobody needs them any more
    )


def _list_demo_options(slug: str) -> list[str]:
    options = get_emulator(slug).options
    return [f"--option={name}={option.in_demo}" for name, option in options.items() if option.in_demo is not None]


async def _close(process: asyncio.subprocess.Process) -> None:
    if process.stdin is not None:
        process.stdin.close()
    for end in (process.terminate, process.kill):
        try:
            await asyncio.wait_for(process.wait(), CLOSE_SECONDS)
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                end()
        else:
            return
    await process.wait()
