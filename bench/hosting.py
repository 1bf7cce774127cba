"""Runs an app as the measured services all run: one process, uvicorn on uvloop with httptools."""

import asyncio
import socket
from typing import Any

import uvicorn
import uvloop

from bench.processes import answer, end_with_parent


class _Server(uvicorn.Server):
    """Tells the parent its port once it takes requests."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        assert sockets is not None
        answer({"port": sockets[0].getsockname()[1]})
        end_with_parent()


async def host(app: Any) -> None:
    """Serve on a free port, told to the parent, until the parent is done."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(256)
        config = uvicorn.Config(
            app, http="httptools", ws="none", log_config=None, access_log=False, timeout_graceful_shutdown=1
        )
        await _Server(config).serve(sockets=[listener])


def run(main: Any) -> None:
    """Run a coroutine on uvloop."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main)
