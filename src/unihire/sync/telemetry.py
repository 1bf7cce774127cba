"""Runs, streams and pages measured, traced, and named in every log line."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import structlog

from unihire.errors import RetryLater, Stopped
from unihire.kit import metrics
from unihire.kit.tracing import Fact, Span, span
from unihire.outbound.client import VendorClient
from unihire.store.accounts.tenancy import Connector
from unihire.store.work.runs import Run


@dataclass(slots=True)
class Watch:
    """The outcome of a piece of work, set by the code that knows it."""

    status: str = ""


@contextmanager
def watch_job(connector: Connector) -> Iterator[None]:
    """The block works on the connector once."""
    id = str(connector.id)
    facts = {"unihire.connector": id, "unihire.integration": connector.integration}
    with structlog.contextvars.bound_contextvars(connector=id), span("job", facts):
        yield


@contextmanager
def watch_run(connector: Connector, run: Run, client: VendorClient) -> Iterator[Watch]:
    """The block works on the run, to its end or until it is deferred."""
    watch, started_at = Watch(), time.perf_counter()
    facts: dict[str, Fact] = {
        "unihire.run": str(run.id),
        "unihire.run.number": run.number,
        "unihire.run.is_full": run.is_full,
        "unihire.connector": str(connector.id),
        "unihire.integration": connector.integration,
    }
    with (
        structlog.contextvars.bound_contextvars(run=str(run.id), connector=str(connector.id)),
        span("sync run", facts) as traced,
    ):
        try:
            yield watch
        except (RetryLater, Stopped):
            watch.status = "deferred"
            raise
        finally:
            watch.status = watch.status or "failed"
            traced.set_attributes({"unihire.run.status": watch.status, "unihire.requests": client.calls})
            seconds = time.perf_counter() - started_at
            metrics.RUN_SECONDS.labels(connector.integration, watch.status).observe(seconds)


@contextmanager
def watch_stream(integration: str, stream: str) -> Iterator[Span]:
    """The block reads the stream, or what is left of it."""
    facts = {"unihire.stream": stream, "unihire.integration": integration}
    with structlog.contextvars.bound_contextvars(stream=stream), span("sync stream", facts) as traced:
        yield traced


@contextmanager
def watch_page(step: str, client: VendorClient, stream: str) -> Iterator[Span]:
    """The block does a `step` of a page: fetch, map or save."""
    started_at = time.perf_counter()
    with span(f"{step} page", {"unihire.stream": stream}) as traced:
        yield traced
    metrics.PAGE_SECONDS.labels(client.target.integration, step).observe(time.perf_counter() - started_at)


def count_saved(
    client: VendorClient, stream: str, *, rows: int, quarantined: int, incomplete: int, **records: int
) -> None:
    """Count what was committed; `records` by what became of them."""
    integration = client.target.integration
    metrics.ROWS_READ.labels(integration, stream).inc(rows)
    if quarantined:
        metrics.ROWS_QUARANTINED.labels(integration, stream).inc(quarantined)
    if incomplete:
        metrics.ROWS_INCOMPLETE.labels(integration, stream).inc(incomplete)
    for kind, count in records.items():
        if count:
            metrics.RECORDS.labels(integration, stream, kind).inc(count)
