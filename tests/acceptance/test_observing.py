"""A worker and a server, watched from outside: log lines, metrics, and a collector of traces."""

import json
import signal
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from testbed.command import PATIENCE, Command, end, read_json_line
from testbed.databases import make_place
from unihire.store.embedded.server import EmbeddedServer

JSON_LOGS = {"UNIHIRE_LOG_FORMAT": "json"}


@pytest.fixture(scope="module")
def command() -> Iterator[Command]:
    with make_place() as place, EmbeddedServer(place / "home"):
        yield Command(place / "home")


@pytest.fixture(scope="module")
def vendor(command: Command) -> Iterator[dict[str, Any]]:
    """One whose every tenth answer or so is an error, and whose rate limit is soon met."""
    with command.start("sandbox", "personio", "--json", "--size", "300", "--fault", "500,probability=0.1") as process:
        yield read_json_line(process)


@pytest.fixture
def connector(command: Command, vendor: dict[str, Any]) -> dict[str, Any]:
    """One that was never synced: its first run is due."""
    credentials = {f"UNIHIRE_PERSONIO_{name.upper()}": vendor[name] for name in ("client_id", "client_secret")}
    return command.ask(
        *("connect", "personio", "--customer", "Hush GmbH", "--base-url", vendor["base_url"]), **credentials
    )


class Collector(ThreadingHTTPServer):
    """Takes traces as OTLP over HTTP."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Collecting)
        self.taken: list[ExportTraceServiceRequest] = []

    @property
    def names(self) -> set[str]:
        return {
            span.name
            for taken in self.taken
            for resource in taken.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        }

    @property
    def services(self) -> set[str]:
        return {
            fact.value.string_value
            for taken in self.taken
            for resource in taken.resource_spans
            for fact in resource.resource.attributes
            if fact.key == "service.name"
        }


class _Collecting(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path == "/v1/traces":
            assert isinstance(self.server, Collector)
            self.server.taken.append(ExportTraceServiceRequest.FromString(body))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def collector() -> Iterator[Collector]:
    with Collector() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def wait_for_run(url: str) -> str:
    """The metrics, once they tell that a run ended well, and of the worker: it is counted by its first beat."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        text = httpx.get(url).text
        is_over = 'unihire_sync_run_seconds_count{integration="personio",status="done"} 1.0' in text
        if is_over and "unihire_workers 1.0" in text:
            return text
        time.sleep(0.1)
    pytest.fail("no run ended")


def test_a_worker_tells_what_it_does_in_logs_metrics_and_traces(
    command: Command, connector: dict[str, Any], collector: Collector
) -> None:
    traced = {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{collector.server_port}"}
    with command.start("worker", "--metrics-port", "0", "--json", **JSON_LOGS, **traced) as worker:
        metrics_url = read_json_line(worker)["metrics_url"]
        metrics = wait_for_run(metrics_url)
        code, errors = end(worker, signal.SIGTERM)
    assert code == 0
    assert 'unihire_vendor_requests_total{integration="personio",status="5xx"}' in metrics
    lines = [json.loads(line) for line in errors.splitlines()]
    of_run = [line for line in lines if line["event"] not in ("working", "migrated")]
    assert {"sync run", "a call is tried again", "sync run ended"} <= {line["event"] for line in of_run}
    (run,) = {line["run"] for line in of_run}
    assert {line["connector"] for line in of_run} == {connector["connector_id"]}
    tried = [line for line in of_run if line["event"] == "a call is tried again"]
    assert {line["stream"] for line in tried} <= {"jobs", "candidates", "applications", "categories"}
    assert len({line["trace"] for line in of_run}) == 1
    assert run
    assert "Hush" not in errors + metrics
    assert {"job", "sync run", "sync stream", "fetch page", "map page", "save page"} <= collector.names
    assert "GET /v2/recruiting/candidates" in collector.names
    assert collector.services == {"unihire"}


def test_a_port_for_metrics_that_is_taken_is_told(command: Command, collector: Collector) -> None:
    refused = command.run("worker", UNIHIRE_METRICS_PORT=str(collector.server_port), code=3)
    assert f"port {collector.server_port} of 127.0.0.1 is taken: choose another with --metrics-port" in refused.stderr


def test_a_server_tells_its_metrics_and_traces_requests(command: Command, collector: Collector) -> None:
    traced = {
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": f"http://127.0.0.1:{collector.server_port}/v1/traces",
        "OTEL_SERVICE_NAME": "hiring",
    }
    settings = {"UNIHIRE_METRICS_TOKEN": "watcher", **JSON_LOGS, **traced}
    with command.start("serve", "--port", "0", "--no-worker", "--json", **settings) as server:
        url = read_json_line(server)["base_url"]
        assert httpx.get(f"{url}/api/ats/v1/jobs").status_code == 401
        assert httpx.get(f"{url}/metrics").status_code == 401
        metrics = httpx.get(f"{url}/metrics", headers={"Authorization": "Bearer watcher"}).text
        assert end(server, signal.SIGTERM)[0] == 0
    assert 'unihire_api_request_seconds_count{method="GET",route="/api/ats/v1/jobs",status="401"} 1.0' in metrics
    assert collector.names == {"GET /api/ats/v1/jobs", "GET /metrics"}
    assert collector.services == {"hiring"}


def test_a_collector_that_is_away_keeps_no_command_from_ending(command: Command, connector: dict[str, Any]) -> None:
    away = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"}
    started_at = time.monotonic()
    ran = command.run("sync", connector["connector_id"], **away)
    assert "sync 1" in ran.stdout
    assert time.monotonic() - started_at < 30
