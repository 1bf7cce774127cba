"""Calls to vendors measured and traced, and logged where they are repeated or wait for long."""

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from urllib.parse import urlsplit

from opentelemetry.trace import SpanKind

from unihire.kit import metrics
from unihire.kit.logs import get_logger
from unihire.kit.tracing import is_tracing, span

log = get_logger()

LONG_SECONDS = 5.0
"""A wait for a rate limit that is worth a line."""

_VERSION = re.compile(r"v\d{1,2}")
_HAS_DIGIT = re.compile(r"\d")


class Exchange:
    """A request and what came of it; the code that has read the whole response sets its status."""

    __slots__ = ("status",)

    def __init__(self) -> None:
        self.status: int | None = None


@contextmanager
def watch_exchange(integration: str, method: str, url: str) -> Iterator[Exchange]:
    """The block sends the request and reads the answer."""
    exchange, started_at = Exchange(), time.perf_counter()
    template = to_template(urlsplit(url).path) if is_tracing() else ""
    facts = {"http.request.method": method, "url.template": template, "unihire.integration": integration}
    with span(f"{method} {template}", facts, kind=SpanKind.CLIENT) as traced:
        try:
            yield exchange
        finally:
            status = exchange.status
            word = "none" if status is None else metrics.name_class(status)
            metrics.VENDOR_REQUESTS.labels(integration, word).inc()
            metrics.VENDOR_SECONDS.labels(integration).observe(time.perf_counter() - started_at)
            if status is not None:
                traced.set_attributes({"http.response.status_code": status})
                if status >= HTTPStatus.BAD_REQUEST:
                    traced.fail(str(status))


@contextmanager
def watch_wait(integration: str) -> Iterator[None]:
    """The block waits until the vendor's rate limit lets a call go."""
    started_at = time.perf_counter()
    try:
        yield
    finally:
        waited = time.perf_counter() - started_at
        metrics.VENDOR_WAITS.labels(integration).inc(waited)
        if waited >= LONG_SECONDS:
            log.info("waited for the vendor's rate limit", seconds=round(waited, 1))


def log_retry(integration: str, call: str, *, attempt: int, pause: float, error: Exception) -> None:
    """The call will be made again after a pause."""
    metrics.VENDOR_RETRIES.labels(integration).inc()
    reason = getattr(error, "status", None) or type(error).__name__
    log.info("a call is tried again", call=call, attempt=attempt, after=round(pause, 3), reason=reason)


def to_template(path: str) -> str:
    """A path without the ids in it: parts that contain a digit and are no version."""
    return "/".join(
        "{id}" if _HAS_DIGIT.search(part) and not _VERSION.fullmatch(part) else part for part in path.split("/")
    )
