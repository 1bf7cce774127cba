"""What is told of operations: a measure, a span, and the connector in every line."""

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio
import structlog
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from testbed.tenants import Tenant, make_tenant
from testbed.vendor import ACME, Vendor, fill, say
from unihire.errors import NotFound
from unihire.integration import registry
from unihire.integration.operate import Input, Operation, OperationContext, Output
from unihire.kit.metrics import REGISTRY
from unihire.kit.seal import Sealer
from unihire.kit.tracing import trace_with
from unihire.platform import operations
from unihire.platform.clients import Clients
from unihire.platform.connectors import open_connector_client
from unihire.platform.operations import Operations
from unihire.store import Pool


class Given(Input):
    pass


class Counted(Output):
    jobs: int


async def count_jobs(context: OperationContext, given: Given) -> Counted:
    structlog.get_logger().info("counting")
    return Counted(jobs=len(await context.all("jobs")))


COUNT = Operation(
    name="count_jobs", title="Count", description="", calls="one", input=Given, output=Counted, run=count_jobs
)


@pytest_asyncio.fixture
async def tenant(pool: Pool, sealer: Sealer, vendor: Vendor, monkeypatch: pytest.MonkeyPatch) -> Tenant:
    monkeypatch.setattr(registry, "list_integrations", lambda: (ACME,))
    monkeypatch.setattr(operations, "list_operations", lambda slug: {COUNT.name: COUNT})
    fill(vendor)
    return await make_tenant(pool, sealer, base_url=vendor.base_url)


@pytest_asyncio.fixture
async def calls(pool: Pool, sealer: Sealer, tenant: Tenant) -> AsyncIterator[Operations]:
    clients = Clients(lambda connector: open_connector_client(pool, connector, sealer))
    yield Operations(pool, clients)
    await clients.close()


@pytest.fixture
def spans() -> Iterator[InMemorySpanExporter]:
    provider, exporter = TracerProvider(shutdown_on_exit=False), InMemorySpanExporter()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    trace_with(provider)
    yield exporter
    trace_with(None)


def count(status: str) -> float:
    labels = {"integration": "acme", "kind": COUNT.name, "status": status}
    return REGISTRY.get_sample_value("unihire_operation_seconds_count", labels) or 0.0


async def test_operations_are_timed_by_what_they_came_to(calls: Operations, tenant: Tenant, vendor: Vendor) -> None:
    done, refused = count("done"), count("refused")
    assert (await calls.call(tenant.connector, COUNT.name, {})).output == {"jobs": 5}
    vendor.will("/jobs", lambda request: say({}, 403))
    assert not (await calls.call(tenant.connector, COUNT.name, {})).is_success
    with pytest.raises(NotFound):
        await calls.call(tenant.connector, "any word a caller sends", {})
    assert (count("done") - done, count("refused") - refused) == (1, 1)
    assert "any word" not in str(list(REGISTRY.collect()))


async def test_calls_of_an_operation_are_below_its_span_and_its_lines_name_it(
    calls: Operations, tenant: Tenant, spans: InMemorySpanExporter
) -> None:
    with structlog.testing.capture_logs([structlog.contextvars.merge_contextvars]) as lines:
        await calls.call(tenant.connector, COUNT.name, {})
    (line,) = [line for line in lines if line["event"] == "counting"]
    assert (line["connector"], line["operation"]) == (str(tenant.connector.id), COUNT.name)
    by_name = {span.name: span for span in spans.get_finished_spans()}
    operation = by_name["operation"]
    assert dict(operation.attributes or {}) == {
        "unihire.operation": COUNT.name, "unihire.operation.status": "done",
        "unihire.integration": "acme", "unihire.connector": str(tenant.connector.id),
    }  # fmt: skip
    assert by_name["GET /jobs"].context.trace_id == operation.context.trace_id
