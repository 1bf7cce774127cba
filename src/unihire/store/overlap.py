"""Work of ours while the server is at work."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


async def work_beside(statement: Coroutine[Any, Any, object], work: Callable[[], T]) -> T:
    """The result of `work`, which is done while the server executes the statement; returns when both are done.

    The connection is the caller's alone meanwhile. Raises what either raises, when the statement has ended.
    """
    sent = asyncio.ensure_future(statement)
    try:
        await asyncio.sleep(0)  # it is sent
        done = work()
    except BaseException:
        sent.cancel()
        await asyncio.gather(sent, return_exceptions=True)
        raise
    await sent
    return done
