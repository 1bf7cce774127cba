"""What a line of the log looks like: an object of JSON or a line for people, on stderr, of ours and of libraries."""

import logging
import sys
import traceback
from types import TracebackType
from typing import Any

import structlog
from structlog.typing import EventDict, Processor

from unihire.kit.request_id import name_request
from unihire.kit.tracing import find_trace_id


class _Stderr:
    """Whatever sys.stderr is at the moment: a live display puts itself in its place."""

    def write(self, text: str) -> int:
        return sys.stderr.write(text)

    def flush(self) -> None:
        sys.stderr.flush()


def set_up_lines(level: int, form: str) -> None:
    """One line an event on stderr, for our logs and those of the libraries; `form` is `json` or `console`."""
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
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(_Stderr())
    processors: list[Any] = [structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last]
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=processors))
    logging.getLogger().handlers[:] = [handler]


def _name_trace(_: Any, __: str, event: EventDict) -> EventDict:
    """Let a log line name the trace it belongs to, where there is one."""
    if (id := find_trace_id()) is not None:
        event["trace"] = id
    return event


def _write_traceback(exc_info: tuple[type[BaseException], BaseException, TracebackType | None]) -> str:
    """Where an error came from, causes first: without variables, and of a message the first line alone.

    Both may contain personal data; what follows the first line of a database's message are the contents of rows.
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
