"""What a command does first: read the settings, set up the logs, make the home folder."""

import ctypes
import gc
import logging
import os
import sys
import traceback
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Any, TypeVar

import structlog
from structlog.typing import EventDict, Processor

from unihire.cli.console.ending import Ending, log_errors, run
from unihire.kit.request_id import name_request
from unihire.kit.tracing import find_trace_id, set_up_tracing
from unihire.settings import Settings, find_log_format, read_settings
from unihire.store import Pool
from unihire.store.database import open_database
from unihire.store.embedded.cluster import make_home

T = TypeVar("T")

log = structlog.get_logger()

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
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


def give_memory_back() -> None:
    """Let large blocks of memory go back to the system once they are freed, where the C library is GNU's.

    It would, having freed one of up to 32 MB, keep those of that size for later: after a vendor's few large answers a
    process held three times what it used.
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


class _Stderr:
    """Whatever sys.stderr is at the moment: a live display puts itself in its place."""

    def write(self, text: str) -> int:
        return sys.stderr.write(text)

    def flush(self) -> None:
        sys.stderr.flush()


def set_up_logs(level: str, form: str) -> None:
    """One line an event on stderr, for our logs and those of the libraries."""
    least = logging.getLevelNamesMapping()[level.upper()]
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        name_request,
        _name_trace,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    last: list[Processor] = [
        structlog.processors.ExceptionRenderer(_write_traceback),
        structlog.processors.JSONRenderer()
        if form == "json"
        else structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
        ),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(least),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(_Stderr())
    processors: list[Any] = [structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last]
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=processors))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(least)
    for name in ("asyncio", "uvicorn.error"):
        logging.getLogger(name).setLevel(max(least, logging.WARNING))


def _name_trace(_: Any, __: str, event: EventDict) -> EventDict:
    """Let a log line name the trace it belongs to, where there is one."""
    if (id := find_trace_id()) is not None:
        event["trace"] = id
    return event


def _write_traceback(exc_info: tuple[type[BaseException], BaseException, TracebackType | None]) -> str:
    """Where an error came from, causes first: without variables, and of a message the first line alone.

    Both may hold personal data; what follows the first line of a database's message are the contents of rows.
    """
    errors: list[BaseException] = []
    error: BaseException | None = exc_info[1]
    while error is not None and error not in errors:
        errors.append(error)
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return "\n\n".join(_write_error(error) for error in reversed(errors))


def _write_error(error: BaseException) -> str:
    first, *_ = str(error).splitlines() or [""]
    places = "".join(traceback.format_tb(error.__traceback__))
    return f"Traceback (most recent call last):\n{places}{type(error).__qualname__}: {first}"
