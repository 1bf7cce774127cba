"""Waits of tests: each has an end, so that what never comes fails its test by name."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

T = TypeVar("T")

LONGEST = 30.0
"""Seconds: no measure of how quick anything is, and enough on a machine that is busy with four other suites."""


async def within(awaited: Awaitable[T], seconds: float = LONGEST) -> T:
    """What it gives. Raises TimeoutError where it takes longer."""
    async with asyncio.timeout(seconds):
        return await awaited


async def until(holds: Callable[[], Awaitable[Any]], seconds: float = LONGEST) -> Any:
    """What it gives once that is true. Raises AssertionError where it does not become true."""
    give_up_at = time.monotonic() + seconds
    while not (found := await holds()):
        assert time.monotonic() < give_up_at, f"not within {seconds} s: {holds}"
        await asyncio.sleep(0.02)
    return found
