"""How a command's work ends: one line for each error, and signals that are obeyed within five seconds."""

import asyncio
import os
import signal
import sys
import threading
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import asyncpg

from unihire.cli.console.exits import CONFIGURATION, CREDENTIALS, FAILED, LATER, Interrupted
from unihire.errors import ConfigError, ReauthorizeNeeded, RetryLater, Stopped, UnihireError
from unihire.kit.logs import get_logger

LAST_SECONDS = 4.2
"""After this long the process ends whatever it still waits for: the database and the emulators notice by themselves."""

LONGEST = 4000
"""Characters that are shown of an error: it may repeat what was given."""

T = TypeVar("T")

_CODES: tuple[tuple[type[BaseException], int], ...] = (
    (ConfigError, CONFIGURATION),
    (ReauthorizeNeeded, CREDENTIALS),
    (RetryLater, LATER),
    (UnihireError, FAILED),
    (asyncpg.PostgresError, CONFIGURATION),
    (asyncpg.InterfaceError, CONFIGURATION),
    (OSError, CONFIGURATION),
)
EXPECTED = tuple(kind for kind, _ in _CODES)


class Ending:
    """Whether a signal asked the command to end. `is_asked` may be waited for; work that ignores it is cancelled."""

    def __init__(self) -> None:
        self.is_asked = asyncio.Event()
        self.good: frozenset[int] = frozenset()
        """The signals that end it well, exit code 0: none while it works, some once it serves."""
        self.number: int | None = None

    @property
    def code(self) -> int:
        """What a command ended by the signal exits with."""
        assert self.number is not None
        return 0 if self.number in self.good else 128 + self.number


def run(work: Callable[[Ending], Coroutine[Any, Any, T]], *, patience: float = 0.0) -> T:
    """Run a command's work to its end, or until SIGINT or SIGTERM.

    The first signal sets `Ending.is_asked` and cancels the work `patience` seconds later, so that everything it opened
    is closed on the way out; the second ends the process at once. Raises Interrupted once a signal has ended the work.
    """
    with asyncio.Runner(loop_factory=_make_loop) as runner:
        return runner.run(_run(work, patience))


def _make_loop() -> asyncio.AbstractEventLoop:
    if sys.platform == "win32":
        return asyncio.ProactorEventLoop()
    import uvloop  # here: Windows has none

    return uvloop.new_event_loop()


async def _run(work: Callable[[Ending], Coroutine[Any, Any, T]], patience: float) -> T:
    loop = asyncio.get_running_loop()
    ending = Ending()
    task = asyncio.ensure_future(work(ending))

    def ask(number: int) -> None:
        if ending.number is not None:
            os._exit(128 + number)
        ending.number = number
        ending.is_asked.set()
        _end_at_last(ending.code)
        loop.call_later(patience, task.cancel)

    for number in (signal.SIGINT, signal.SIGTERM):
        try:
            loop.add_signal_handler(number, ask, number)
        except NotImplementedError:  # Windows
            signal.signal(number, lambda number, _: loop.call_soon_threadsafe(ask, number))
    try:
        return await task
    except (asyncio.CancelledError, Stopped):
        if ending.number is None:
            raise
        raise Interrupted(ending.code) from None
    finally:
        # What is left to do is short; a further signal need not wait for it, nor show where it struck.
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)
            signal.signal(number, lambda number, _: os._exit(128 + number))


def _end_at_last(code: int) -> None:
    last = threading.Timer(LAST_SECONDS, os._exit, (code,))
    last.daemon = True
    last.start()


_logs: list[Any] = []


def log_errors() -> None:
    """From now on an error that ends the command is a line of its log, which is set up already."""
    _logs.append(get_logger())


def log_end(error: BaseException) -> int | None:
    """Log what ends the command, an unexpected error with its traceback; returns the exit code, None where nothing
    is logged."""
    if not _logs:
        return None
    is_expected = isinstance(error, EXPECTED)
    code = code_of(error) if is_expected else FAILED
    reason = _shorten(describe_error(error)) if is_expected else type(error).__name__
    _logs[-1].error("the command ended", reason=reason, exit_code=code, exc_info=None if is_expected else error)
    return code


def show_error(error: BaseException) -> int:
    """Write an expected error as one line on stderr; returns its exit code."""
    said = _shorten(describe_error(error))
    shown = "".join(one if one.isprintable() or one == "\n" else repr(one)[1:-1] for one in said)
    sys.stderr.write(f"error: {shown}\n")
    return code_of(error)


def _shorten(said: str) -> str:
    return said if len(said) <= LONGEST else f"{said[:LONGEST]}…"


def code_of(error: BaseException) -> int:
    return next(code for kind, code in _CODES if isinstance(error, kind))


def describe_error(error: BaseException) -> str:
    """What happened, without the row contents that a database error may carry in its details."""
    if isinstance(error, asyncpg.PostgresError | asyncpg.InterfaceError):
        first = str(error.args[0]).splitlines()[0] if error.args else type(error).__name__
        return f"the database did not do what was asked: {first}"
    return str(error) or type(error).__name__
