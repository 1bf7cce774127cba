"""Spans: what a piece of work did and how long it took, sent to a collector where one is configured.

Without one a span costs next to nothing. Facts of spans are ids, names and numbers; never a query, a body or the text
of an error.
"""

import atexit
import importlib
import threading
from asyncio import CancelledError
from collections.abc import Mapping
from contextvars import Token
from types import TracebackType
from typing import Any, Protocol, Self

from opentelemetry import context as contexts
from opentelemetry import propagate
from opentelemetry.context import Context
from opentelemetry.trace import (
    SpanKind,
    Status,
    StatusCode,
    Tracer,
    TracerProvider,
    get_current_span,
    set_span_in_context,
)

from unihire import __version__
from unihire.errors import Stopped

SERVICE = "unihire"
EXTRA = "unihire[tracing]"

FLUSH_SECONDS = 2.0
"""How long the last spans of a process may take to be sent: a collector that is away does not keep it from ending."""

Fact = str | int | float | bool


class Span(Protocol):
    """A piece of work, as a context manager; within it, others become its children.

    It ends as an error where an exception leaves it, of which only the type is sent; cancellation is no error.
    """

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def set_attributes(self, facts: Mapping[str, Fact]) -> None:
        """Add facts that are known now."""

    def rename(self, name: str) -> None: ...

    def fail(self, reason: str) -> None:
        """It did not do what it should, though no exception leaves it."""


class _NoSpan:
    """What a span is where nobody listens."""

    __slots__ = ()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        pass

    def set_attributes(self, facts: Mapping[str, Fact]) -> None:
        pass

    def rename(self, name: str) -> None:
        pass

    def fail(self, reason: str) -> None:
        pass


class _RealSpan:
    __slots__ = ("_span", "_token")

    def __init__(self, tracer: Tracer, name: str, kind: SpanKind, facts: Mapping[str, Fact], parent: Context | None):
        self._span = tracer.start_span(name, parent, kind=kind, attributes=facts)
        self._token: Token[Context] | None = None

    def __enter__(self) -> Self:
        self._token = contexts.attach(set_span_in_context(self._span))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._token is not None
        contexts.detach(self._token)
        if kind is not None:
            self._span.set_attribute("error.type", kind.__name__)
            if not issubclass(kind, (Stopped, CancelledError)):
                self.fail(kind.__name__)
        self._span.end()

    def set_attributes(self, facts: Mapping[str, Fact]) -> None:
        self._span.set_attributes(facts)

    def rename(self, name: str) -> None:
        self._span.update_name(name)

    def fail(self, reason: str) -> None:
        self._span.set_status(Status(StatusCode.ERROR, reason))


_NO_SPAN = _NoSpan()
_NOTHING: Mapping[str, Fact] = {}

_tracer: Tracer | None = None


def span(
    name: str,
    facts: Mapping[str, Fact] = _NOTHING,
    *,
    kind: SpanKind = SpanKind.INTERNAL,
    came_with: Mapping[str, str] | None = None,
) -> Span:
    """A span, to be used in `with`; `came_with` are the headers of a request, which may name the span it belongs to."""
    if _tracer is None:
        return _NO_SPAN
    parent = None if came_with is None else propagate.extract(came_with)
    return _RealSpan(_tracer, name, kind, facts, parent)


def is_tracing() -> bool:
    return _tracer is not None


def find_trace_id() -> str | None:
    """The id of the trace that the work at hand belongs to, as collectors write it."""
    if _tracer is None:
        return None
    current = get_current_span().get_span_context()
    return f"{current.trace_id:032x}" if current.is_valid else None


def trace_with(provider: TracerProvider | None) -> None:
    """Let spans go there from now on; None: nowhere."""
    global _tracer  # noqa: PLW0603 - one a process, like the provider
    _tracer = None if provider is None else provider.get_tracer(SERVICE, __version__)


def set_up_tracing(environ: Mapping[str, str]) -> str | None:
    """Send spans where the OTEL_* variables say. Returns why not, where they ask for what cannot be had.

    They are those of the OpenTelemetry SDK, which reads most of them itself. The last spans are sent when the process
    ends.
    """
    exporter = environ.get("OTEL_TRACES_EXPORTER", "").strip().lower()
    endpoint = environ.get("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") or environ.get("OTEL_EXPORTER_OTLP_ENDPOINT")
    is_disabled = environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true"
    if is_disabled or exporter == "none" or not (exporter or endpoint):
        return None
    if exporter not in ("", "otlp"):
        return f"OTEL_TRACES_EXPORTER is {exporter}: spans are sent by otlp alone"
    protocol = environ.get("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL") or environ.get("OTEL_EXPORTER_OTLP_PROTOCOL")
    if protocol not in (None, "", "http/protobuf"):
        return f"OTEL_EXPORTER_OTLP_PROTOCOL is {protocol}: spans are sent by http/protobuf alone"
    try:
        trace = importlib.import_module("opentelemetry.sdk.trace")
        export = importlib.import_module("opentelemetry.sdk.trace.export")
        resources = importlib.import_module("opentelemetry.sdk.resources")
        otlp = importlib.import_module("opentelemetry.exporter.otlp.proto.http.trace_exporter")
    except ImportError:
        return f"OTEL_* asks for traces, and what sends them is not installed: pip install '{EXTRA}'"
    is_named = "OTEL_SERVICE_NAME" in environ or "service.name=" in environ.get("OTEL_RESOURCE_ATTRIBUTES", "")
    own = {"service.version": __version__, **({} if is_named else {"service.name": SERVICE})}
    provider = trace.TracerProvider(resource=resources.Resource.create(own), shutdown_on_exit=False)
    provider.add_span_processor(export.BatchSpanProcessor(otlp.OTLPSpanExporter()))
    _send_last_at_exit(provider)
    trace_with(provider)
    return None


def _send_last_at_exit(provider: Any) -> None:
    """When the process ends, send what is left, unless that takes too long."""
    is_over = threading.Event()

    def send() -> None:
        is_over.wait()
        provider.shutdown()

    sending = threading.Thread(target=send, name="last spans", daemon=True)  # none can be started when it is needed
    sending.start()

    def end() -> None:
        is_over.set()
        sending.join(FLUSH_SECONDS)

    atexit.register(end)
