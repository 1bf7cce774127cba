"""A sync run of one connector: every stream in order, resumable, at most one at a time."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

import structlog

from unihire.errors import (
    PermissionMissing,
    ReauthorizeNeeded,
    VendorChanged,
    VendorRefused,
)
from unihire.integration.declare import Integration, Stream
from unihire.kit.clock import Clock, SystemClock
from unihire.outbound.client import VendorClient
from unihire.store import Pool, rows, runs
from unihire.store.tenancy import Connector, set_status
from unihire.sync.joining import Keeping
from unihire.sync.pages import Counts, Pages
from unihire.sync.rendering import Renderer, model_numbers
from unihire.sync.streaming import MEASURED_FROM, StreamSync

log = structlog.get_logger()


@dataclass(slots=True)
class Report:
    """What a run did: `status` is done, partial (some streams failed) or failed (all did).

    Streams that only operations read count in neither; why they could not be read is among the `errors`.
    """

    run: UUID
    number: int
    is_full: bool
    is_resumed: bool
    status: str = "running"
    streams: list[Counts] = field(default_factory=list)
    errors: dict[str, str] = field(default_factory=dict)
    requests: int = 0
    waited_seconds: float = 0.0


async def sync_connector(
    pool: Pool,
    connector: Connector,
    integration: Integration,
    client: VendorClient,
    *,
    full: bool = False,
    clock: Clock | None = None,
    watch: Callable[[Counts], None] = lambda counts: None,
    stop: asyncio.Event | None = None,
) -> Report:
    """Bring a connector's records up to date; `full` reads every list whole.

    An unfinished run is gone on with, from its last committed page. A stream the vendor refuses ends with its reason
    and the others go on. Raises ConfigError while another run of the connector is under way, RetryLater when the
    vendor cannot answer now and Stopped when asked to end (both leave the run to be gone on with), and
    ReauthorizeNeeded when the credentials are refused (the run is over and the connector needs a relink).
    """
    clock = clock or SystemClock()
    busy = f"connector {connector.id} is being synced already"
    async with runs.hold_connector(pool, connector.number, otherwise=busy):
        run = await runs.open_run(pool, connector.number, full=full, now=clock.now())
        told = log.bind(run=str(run.id), connector=str(connector.id))
        told.info("sync run", number=run.number, full=run.is_full, resumed=run.is_resumed)
        report = Report(run.id, run.number, run.is_full, run.is_resumed)
        renderer = Renderer(connector.id, connector.number)
        try:
            async with client:
                for stream in integration.streams:
                    since = await _find_window(pool, connector, stream, full=run.is_full)
                    state = await runs.open_stream(
                        pool, run, connector.number, stream.name,
                        window_start=since, models=model_numbers(stream), now=clock.now(),
                    )  # fmt: skip
                    if state["phase"] == "done":
                        report.streams.append(Counts.read_from(state))
                        if state["error"] is not None:
                            report.errors[stream.name] = state["error"]
                        continue
                    pages = Pages(
                        pool=pool, client=client, renderer=renderer, connector=connector.number, stream=stream,
                        keeping=Keeping.of(integration, stream), clock=clock,
                    )  # fmt: skip
                    part = StreamSync(
                        pool=pool, client=client, connector=connector.number, run=run, pages=pages, clock=clock,
                        watch=watch, stop=stop or asyncio.Event(),
                    )  # fmt: skip
                    try:
                        await part.sync(state)
                    except (PermissionMissing, VendorRefused, VendorChanged) as error:
                        reason = explain_failure(stream, error)
                        told.warning("stream failed", stream=stream.name, reason=reason)
                        await part.fail(reason)
                        report.errors[stream.name] = reason
                    report.streams.append(part.counts)
        except ReauthorizeNeeded:
            await set_status(pool, connector.id, "RELINK_NEEDED")
            await pool.execute(runs.FINISH_RUN, run.id, "failed", clock.now())
            raise
        finally:
            report.requests, report.waited_seconds = client.calls, client.budget.waited
        if sum(counts.added for counts in report.streams) > MEASURED_FROM:
            await pool.execute(rows.MEASURE)
        needed = {stream.name for stream in integration.streams if not stream.is_optional}
        failed = needed & report.errors.keys()
        report.status = "done" if not failed else "failed" if failed == needed else "partial"
        await pool.execute(runs.FINISH_RUN, run.id, report.status, clock.now())
        await set_status(pool, connector.id, "COMPLETE")
        told.info("sync run ended", status=report.status, requests=report.requests)
        return report


async def _find_window(pool: Pool, connector: Connector, stream: Stream, *, full: bool) -> datetime | None:
    """Where an incremental read starts: the start of the last good one, less the overlap. None: read it whole.

    A stream is read whole once more when one it joins was first read after it: every record may show its rows now.
    """
    if full or stream.changed_since is None:
        return None
    last: datetime | None = await pool.fetchval(runs.FIND_LAST_READ, connector.number, stream.name)
    if last is None:
        return None
    joined = await runs.find_first_reads(pool, connector.number, {join.stream for join in stream.joins})
    return None if any(first > last for first in joined.values()) else last - stream.overlap


def explain_failure(stream: Stream, error: Exception) -> str:
    """Why a stream could not be read, in the customer's words where a permission is missing."""
    if isinstance(error, PermissionMissing) and stream.permission:
        return f"the credentials lack {stream.permission}"
    return str(error)
