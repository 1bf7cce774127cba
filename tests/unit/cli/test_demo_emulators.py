"""A signal that comes while an emulator is being started ends that one too."""

import asyncio
import sys

import pytest

from unihire.cli.demo import emulators
from unihire.cli.demo.emulators import start_emulators


async def test_process_that_was_being_started_when_it_was_cancelled_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[asyncio.subprocess.Process] = []

    async def start(slug: str, *, size: int, seed: int) -> asyncio.subprocess.Process:
        await asyncio.sleep(0.3)
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", "input()", stdin=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
        )
        started.append(process)
        return process

    async def use() -> None:
        async with start_emulators(["greenhouse"], size=100, seed=1):
            await asyncio.sleep(60)

    monkeypatch.setattr(emulators, "_start", start)
    using = asyncio.create_task(use())
    await asyncio.sleep(0.1)
    using.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(using, 20)
    (process,) = started
    assert process.returncode is not None
