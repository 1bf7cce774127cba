"""Urgent work of a process goes before what can wait: what a vendor has just reported, before the pages of a sync.

Both run on one event loop. A sync that never waits takes most of it, and each step of other work waits for its turn.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

PAUSE_SECONDS = 0.02
"""For how long a page makes way: about as long as a page takes, so a sync keeps a third of its speed at least."""

_under_way = 0


@contextmanager
def be_urgent() -> Iterator[None]:
    """Have pages of syncs in this process make way during the block."""
    global _under_way  # noqa: PLW0603 - one event loop, one process
    _under_way += 1
    try:
        yield
    finally:
        _under_way -= 1


async def make_way() -> None:
    """Wait a moment while urgent work is under way."""
    if _under_way:
        await asyncio.sleep(PAUSE_SECONDS)
