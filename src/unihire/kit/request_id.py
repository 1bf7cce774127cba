"""The id of the request that is being answered, and how log lines get it."""

from contextvars import ContextVar
from typing import Any

from structlog.typing import EventDict

REQUEST_ID: ContextVar[bytes | None] = ContextVar("request_id", default=None)
"""That of the request which is being answered."""


def name_request(_: Any, __: str, event: EventDict) -> EventDict:
    """Let a log line name the request it belongs to; a processor of structlog."""
    if (id := REQUEST_ID.get()) is not None:
        event.setdefault("request", id.decode())
    return event
