"""Operations measured, traced, and named in every log line."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import structlog

from unihire.kit import metrics
from unihire.kit.tracing import span
from unihire.store.accounts.tenancy import Connector


@dataclass(slots=True)
class OperationWatch:
    """What an operation came to: done, refused, or error where an exception left it."""

    status: str = "error"


@contextmanager
def watch_operation(connector: Connector, name: str) -> Iterator[OperationWatch]:
    """The block runs the operation, which is one there is."""
    watch, started_at, id = OperationWatch(), time.perf_counter(), str(connector.id)
    facts = {"unihire.operation": name, "unihire.connector": id, "unihire.integration": connector.integration}
    with structlog.contextvars.bound_contextvars(connector=id, operation=name), span("operation", facts) as traced:
        try:
            yield watch
        finally:
            traced.set_attributes({"unihire.operation.status": watch.status})
            seconds = time.perf_counter() - started_at
            metrics.OPERATION_SECONDS.labels(connector.integration, name, watch.status).observe(seconds)
