"""Every line of a run says which run of which connector it is about, and of which stream."""

import asyncio

import pytest
import structlog

from testbed.vendor import Vendor, fill, say
from testbed.working import Works
from unihire.kit.metrics import REGISTRY
from unihire.kit.seal import Sealer
from unihire.outbound import telemetry
from unihire.outbound.telemetry import watch_wait
from unihire.store import Pool

CONTEXT = [structlog.contextvars.merge_contextvars]


async def test_every_line_of_a_run_that_is_deferred_names_it(
    pool: Pool, sealer: Sealer, vendor: Vendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(vendor)
    vendor.will("/jobs", *[lambda request: say({}, 503)] * 6)
    works = Works(pool, sealer, vendor, monkeypatch)
    customer = await works.connect()
    with structlog.testing.capture_logs(CONTEXT) as lines:
        async with works.work():
            await works.ask(customer)
            run = await works.wait_for_putting_off(customer)
    told = [line["event"] for line in lines]
    assert told.count("a call is tried again") == 5
    assert told[0] == "sync run"
    assert told[-1] == "sync run deferred"
    assert {(line["run"], line["connector"]) for line in lines} == {(str(run["id"]), str(customer.connector.id))}
    assert {line["stream"] for line in lines if line["event"] == "a call is tried again"} == {"jobs"}


async def test_line_of_a_stream_that_failed_names_it(
    pool: Pool, sealer: Sealer, vendor: Vendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(vendor)
    vendor.will("/people", lambda request: say({}, 403))
    works = Works(pool, sealer, vendor, monkeypatch)
    customer = await works.connect()
    with structlog.testing.capture_logs(CONTEXT) as lines:
        await customer.sync()
    (failed,) = [line for line in lines if line["event"] == "stream failed"]
    assert (failed["stream"], failed["log_level"]) == ("people", "warning")
    (ended,) = [line for line in lines if line["event"] == "sync run ended"]
    assert (ended["status"], ended["rows"], ended["new"], ended["deleted"]) == ("partial", 7, 11, 0)


async def test_long_waits_for_a_rate_limit_are_told_and_all_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telemetry, "LONG_SECONDS", 0.02)
    labels = {"integration": "a vendor"}
    with structlog.testing.capture_logs(CONTEXT) as lines:
        for seconds in (0.0, 0.03):
            with watch_wait("a vendor"):
                await asyncio.sleep(seconds)
    assert [line["event"] for line in lines] == ["waited for the vendor's rate limit"]
    assert 0.03 <= (REGISTRY.get_sample_value("unihire_vendor_wait_seconds_total", labels) or 0.0) < 1
