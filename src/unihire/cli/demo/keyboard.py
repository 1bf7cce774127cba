"""Enter, pressed while something else goes on."""

import asyncio
import contextlib
import os
import sys
from collections.abc import Iterator


def can_read_enter() -> bool:
    """Whether a person sits there, and this is the program they type to."""
    try:
        return sys.stdin.isatty() and os.tcgetpgrp(sys.stdin.fileno()) == os.getpgrp()
    except (AttributeError, OSError, ValueError):  # no job control here, or no standard input
        return False


@contextlib.contextmanager
def read_enters() -> Iterator["asyncio.Queue[None]"]:
    """A queue that gets an entry for each line typed; it stays empty where nobody can type."""
    enters: asyncio.Queue[None] = asyncio.Queue()
    if not can_read_enter():
        yield enters
        return
    loop, descriptor = asyncio.get_running_loop(), sys.stdin.fileno()

    def take() -> None:
        # Moved to the background meanwhile: reading would suspend the whole program.
        if not can_read_enter() or not os.read(descriptor, 4096):
            loop.remove_reader(descriptor)
            return
        enters.put_nowait(None)

    loop.add_reader(descriptor, take)
    try:
        yield enters
    finally:
        loop.remove_reader(descriptor)
