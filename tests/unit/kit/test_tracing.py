import sys
from collections.abc import Mapping

import pytest

from unihire.kit import tracing
from unihire.kit.tracing import is_tracing, set_up_tracing

ENDPOINT = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"}


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {**ENDPOINT, "OTEL_TRACES_EXPORTER": "none"},
        {**ENDPOINT, "OTEL_SDK_DISABLED": "TRUE"},
        {"OTEL_SERVICE_NAME": "hiring"},
    ],
    ids=str,
)
def test_nothing_is_traced_unless_it_is_asked_for(environ: Mapping[str, str]) -> None:
    assert set_up_tracing(environ) is None
    assert not is_tracing()


@pytest.mark.parametrize(
    ("environ", "word"),
    [
        ({"OTEL_TRACES_EXPORTER": "zipkin"}, "zipkin"),
        ({**ENDPOINT, "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, "grpc"),
    ],
)
def test_what_cannot_be_had_is_told(environ: Mapping[str, str], word: str) -> None:
    problem = set_up_tracing(environ)
    assert problem is not None
    assert word in problem
    assert not is_tracing()


@pytest.mark.parametrize(
    "missing", ["opentelemetry.sdk.trace", "opentelemetry.exporter.otlp.proto.http.trace_exporter"]
)
def test_traces_asked_for_without_the_extra_are_told_with_what_to_install(
    missing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, missing, None)
    problem = set_up_tracing(ENDPOINT)
    assert problem is not None
    assert "pip install 'unihire[tracing]'" in problem
    assert not is_tracing()


def test_a_span_that_nobody_hears_is_always_the_same() -> None:
    assert tracing.span("work") is tracing.span("other work", {"fact": 1})
