"""What a command does first: read the settings, set up the logs, make the home folder."""

import ctypes
import gc
import logging
import os
import sys
from collections.abc import Awaitable, Callable
from typing import TypeVar

from unihire.cli.console.ending import Ending, log_errors, run
from unihire.kit.logs import get_logger, set_up_later, set_up_now
from unihire.settings import Settings, find_log_format, read_settings
from unihire.store import Pool
from unihire.store.database import open_database
from unihire.store.embedded.cluster import make_home

T = TypeVar("T")

log = get_logger()

MMAP_THRESHOLD, LARGE_BLOCK = -3, 1 << 20
"""The option of mallopt(3) that says from which size on a block is one of the system's own, and that size."""


def start(*, is_service: bool = False, makes_home: bool = True) -> Settings:
    """The settings, with logs and, unless nothing is to be made, the home folder ready.

    A service logs from `log_level` on. A command for people prints its own progress, so it logs warnings only, unless
    UNIHIRE_LOG_LEVEL says otherwise. Where a service logs JSON, the error that ends it is a line of its log too.
    Raises ConfigError for a bad setting or a home that cannot be made.
    """
    if is_service and find_log_format() == "json":
        set_up_logs("info", "json")
        log_errors()
    settings = read_settings()
    is_set = is_service or "log_level" in settings.model_fields_set
    set_up_logs(settings.log_level if is_set else "warning", settings.log_format)
    if any(name.startswith("OTEL_") for name in os.environ):
        from unihire.kit.tracing import set_up_tracing  # here: few ask for traces

        if (problem := set_up_tracing(os.environ)) is not None:
            log.warning("no traces are sent", reason=problem)
    if makes_home and (settings.database_url is None or settings.encryption_keys is None):
        make_home(settings.home)
    calm_collector()
    give_memory_back()
    return settings


def calm_collector() -> None:
    """Spare the garbage collector what lives as long as the process, and let it look less often.

    Pages of rows are many small objects without cycles: looking at them after every few hundred, as Python does unless
    shown, is a tenth of a sync's time.
    """
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


def give_memory_back() -> None:
    """Let large blocks of memory go back to the system once they are freed, where the C library is GNU's.

    It would, having freed one of up to 32 MB, keep those of that size for later: after a vendor's few large answers a
    process kept three times the memory it used.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is not None:
        mallopt(MMAP_THRESHOLD, LARGE_BLOCK)


def run_on_database(work: Callable[[Pool], Awaitable[T]], settings: Settings) -> T:
    """The result of work on the configured database; a signal ends it."""

    async def open_and_work(_: Ending) -> T:
        async with open_database(settings) as pool:
            return await work(pool)

    return run(open_and_work)


class _FirstLine(logging.Handler):
    """Sets up what writes log lines when a library logs its first, and hands that over."""

    def emit(self, record: logging.LogRecord) -> None:
        set_up_now()
        logging.getLogger().handle(record)


def set_up_logs(level: str, form: str) -> None:
    """One line an event on stderr, for our logs and those of the libraries: set up with the first line."""
    least = logging.getLevelNamesMapping()[level.upper()]
    root = logging.getLogger()
    root.handlers[:] = [_FirstLine()]
    root.setLevel(least)
    for name in ("asyncio", "uvicorn.error"):
        logging.getLogger(name).setLevel(max(least, logging.WARNING))

    def set_up() -> None:
        from unihire.cli.console.log_lines import set_up_lines  # here: most commands log nothing

        set_up_lines(least, form)

    set_up_later(set_up)
