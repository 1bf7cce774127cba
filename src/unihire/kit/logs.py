"""Loggers that cost nothing until a line is written: most commands write none, and structlog takes a while to load."""

from collections.abc import Callable
from typing import Any

_set_up: list[Callable[[], None]] = []
"""What is still to be done before the first line."""


class LateLogger:
    """structlog's logger, which is loaded with its first line."""

    def __getattr__(self, name: str) -> Any:
        set_up_now()
        import structlog  # here: see above

        return getattr(structlog.get_logger(), name)


def get_logger() -> Any:
    """The logger of a module, for a constant at its top."""
    return LateLogger()


def set_up_later(set_up: Callable[[], None]) -> None:
    """Let `set_up` run before the first line is written, in place of what was to run before it."""
    _set_up[:] = [set_up]


def set_up_now() -> None:
    """Run what is still to be done before a first line; once."""
    if _set_up:
        _set_up.pop()()
