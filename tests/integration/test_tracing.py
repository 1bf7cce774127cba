"""Spans: what a run, an operation or a request did, as a tree."""

from collections import Counter
from collections.abc import Iterator, Sequence

import httpx
import pytest
import pytest_asyncio
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from testbed.tenants import Tenant, make_tenant
from testbed.vendor import Vendor, fill, person, say
from testbed.working import Works
from unihire.errors import ReauthorizeNeeded
from unihire.kit.seal import Sealer
from unihire.kit.tracing import find_trace_id, span, trace_with
from unihire.store import Pool


class Heard:
    """The spans that have ended."""

    def __init__(self, exporter: InMemorySpanExporter) -> None:
        self._exporter = exporter

    @property
    def spans(self) -> Sequence[ReadableSpan]:
        return self._exporter.get_finished_spans()

    def find(self, name: str) -> list[ReadableSpan]:
        return [span for span in self.spans if span.name == name]

    def list_children(self, of: ReadableSpan) -> list[ReadableSpan]:
        return [span for span in self.spans if span.parent and span.parent.span_id == of.context.span_id]


@pytest.fixture
def heard() -> Iterator[Heard]:
    provider, exporter = TracerProvider(shutdown_on_exit=False), InMemorySpanExporter()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    trace_with(provider)
    yield Heard(exporter)
    trace_with(None)


@pytest_asyncio.fixture
async def tenant(pool: Pool, sealer: Sealer, vendor: Vendor) -> Tenant:
    fill(vendor)
    return await make_tenant(pool, sealer, base_url=vendor.base_url)


async def test_run_is_a_tree_of_streams_pages_and_calls(tenant: Tenant, heard: Heard, vendor: Vendor) -> None:
    vendor.will("/jobs", lambda request: say({}, 503))
    await tenant.sync()
    (run,) = heard.find("sync run")
    facts = dict(run.attributes or {})
    assert run.parent is None
    assert facts["unihire.connector"] == str(tenant.connector.id)
    assert (facts["unihire.run.status"], facts["unihire.run.number"]) == ("done", 1)
    assert facts["unihire.requests"] == len(vendor.log)
    streams = {dict(span.attributes or {})["unihire.stream"]: span for span in heard.list_children(run)}
    assert set(streams) == {"pipelines", "jobs", "people"}
    assert {span.name for span in streams.values()} == {"sync stream"}
    steps = Counter(span.name for span in heard.list_children(streams["jobs"]))
    assert steps["map page"] == steps["save page"] >= 3
    assert steps["fetch page"] - steps["save page"] == 1  # the last page has no rows, and leaves nothing to save
    first, *_ = heard.list_children(streams["jobs"])
    assert first.name == "fetch page"
    calls = [call for call in heard.list_children(first) if call.name == "GET /jobs"]
    assert [dict(call.attributes or {})["http.response.status_code"] for call in calls] == [503, 200]
    assert [call.status.status_code for call in calls] == [StatusCode.ERROR, StatusCode.UNSET]
    assert {call.kind for call in calls} == {SpanKind.CLIENT}
    maps = [step for step in heard.list_children(streams["people"]) if step.name == "map page"]
    assert [call.name for step in maps for call in heard.list_children(step)] == ["GET /people/{id}/notes"]
    assert {span.context.trace_id for span in heard.spans} == {run.context.trace_id}


async def test_spans_tell_no_query_no_body_and_nothing_personal(tenant: Tenant, heard: Heard, vendor: Vendor) -> None:
    vendor.lists["/people"].append(person("9", name="Hush-Name", email="hush@example.com"))
    vendor.will("/jobs", lambda request: say({"error": "hush-answer"}, 400))
    assert (await tenant.sync()).status == "partial"
    vendor.will("/token", lambda request: say({"error": "invalid_client"}, 401))
    with pytest.raises(ReauthorizeNeeded):
        await tenant.sync()
    told = " ".join(span.to_json() for span in heard.spans)
    for secret in ("hush", "Hush", "?", "limit", "secret-of-the-vendor", "token-1", "Customer", tenant.token):
        assert secret not in told
    failed, *_ = [span for span in heard.find("sync stream") if span.status.status_code == StatusCode.ERROR]
    assert failed.status.description == "VendorRefused"
    assert [run.status.description for run in heard.find("sync run")] == [None, "ReauthorizeNeeded"]
    assert not [event for span in heard.spans for event in span.events]


async def test_request_belongs_to_the_trace_it_came_with(api: httpx.AsyncClient, heard: Heard) -> None:
    trace, parent = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
    await api.get("/api/ats/v1/jobs?remote_id=hush", headers={"traceparent": f"00-{trace}-{parent}-01"})
    await api.get("/nowhere/hush")
    request, lost = heard.spans
    assert (request.name, request.kind) == ("GET /api/ats/v1/jobs", SpanKind.SERVER)
    assert f"{request.context.trace_id:032x}" == trace
    assert request.parent is not None
    assert f"{request.parent.span_id:016x}" == parent
    assert dict(request.attributes or {}) == {
        "http.request.method": "GET", "http.route": "/api/ats/v1/jobs", "http.response.status_code": 200,
    }  # fmt: skip
    assert (lost.name, lost.parent) == ("GET none", None)
    assert "hush" not in request.to_json() + lost.to_json()


async def test_what_a_worker_does_is_below_the_job_that_woke_it(
    pool: Pool, sealer: Sealer, vendor: Vendor, monkeypatch: pytest.MonkeyPatch, heard: Heard
) -> None:
    fill(vendor)
    works = Works(pool, sealer, vendor, monkeypatch)
    customer = await works.connect()
    async with works.work():
        await works.ask(customer)
        await works.wait_for(customer)
    (job,) = heard.find("job")
    assert [run.name for run in heard.list_children(job)] == ["sync run"]
    assert dict(job.attributes or {})["unihire.connector"] == str(customer.connector.id)


async def test_without_a_collector_nothing_is_told_and_no_trace_named() -> None:
    with span("work", {"a": 1}) as told:
        told.set_attributes({"b": 2})
        assert find_trace_id() is None
    assert told is span("other work")
