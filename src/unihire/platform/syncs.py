"""Syncs requested, paused, resumed and cancelled, and the progress of each run."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from unihire.integration.declare import Integration
from unihire.integration.model_streams import find_streams
from unihire.store import Pool
from unihire.store.accounts.tenancy import Connector, describe_act
from unihire.store.audit import log_act
from unihire.store.events.notices import add_notices
from unihire.store.work import jobs, runs, schedules
from unihire.store.work.runs import RequestedRun
from unihire.sync.asking import ask_run

UNFINISHED = ("queued", "running")
"""The statuses a run has in the store until it has ended."""


@dataclass(frozen=True, slots=True)
class RunProgress:
    """How far a run is: `done` of 1, and the seconds that are left, both None where nobody can know.

    Of a full run it is known once every list has been read whole before: it finds about as many rows again. How much
    has changed at a vendor, nobody can say.
    """

    done: float | None
    seconds_left: float | None


async def ask_sync(
    pool: Pool,
    connector: Connector,
    integration: Integration,
    *,
    full: bool = False,
    models: Collection[str] | None = None,
) -> RequestedRun:
    """Ask the workers for a run, or name the one under way that does what is asked for.

    `full` reads every list whole, `models` only the lists these are made of. It is asked for when this returns, and
    survives any crash. The vendor is called at once, whatever pause it asked for. Raises ConfigError for a model
    the integration does not fill, Busy where a run that does something else is under way.
    """
    names = None if models is None else find_streams(integration, models)
    async with pool.acquire() as connection, connection.transaction():
        asked = await ask_run(connection, connector, full=full, streams=names)
        await jobs.defer_sync(connection, connector.number)
        if asked.is_new:
            said = {"run": str(asked.id), "full": full, "models": None if models is None else sorted(models)}
            await log_act(connection, describe_act(connector, "sync.requested", after=said))
        await add_notices(connection, connector.number, asked.happened)
    return asked


async def pause_syncs(pool: Pool, connector: Connector) -> None:
    """No run is started or resumed until `resume_syncs`; one under way pauses after the page it is on."""
    async with pool.acquire() as connection, connection.transaction():
        await schedules.set_paused(connection, connector.number, is_paused=True)
        await log_act(connection, describe_act(connector, "syncs.paused"))


async def resume_syncs(pool: Pool, connector: Connector) -> None:
    """The schedule applies again, and a paused run resumes."""
    async with pool.acquire() as connection, connection.transaction():
        await schedules.set_paused(connection, connector.number, is_paused=False)
        await log_act(connection, describe_act(connector, "syncs.resumed"))
        await jobs.defer_sync(connection, connector.number)


async def cancel_sync(pool: Pool, connector: Connector) -> UUID | None:
    """End the run that has not ended, if there is one; what it saved stays, the page it is on is not saved."""
    async with pool.acquire() as connection, connection.transaction():
        row, happened = await runs.cancel_run(connection, connector.number)
        if row is not None:
            await log_act(connection, describe_act(connector, "sync.cancelled", after={"run": str(row["id"])}))
        await add_notices(connection, connector.number, happened)
    return None if row is None else row["id"]


def find_status(run: Mapping[str, Any], *, is_paused: bool) -> str:
    """How a run is: its status in the store, or `paused` with its connector, or `waiting` while it is deferred.

    `run` is a row of sync_run with `now`, when it was read.
    """
    status: str = run["status"]
    if status not in UNFINISHED:
        return status
    if is_paused:
        return "paused"
    return "waiting" if run["waits_until"] is not None and run["waits_until"] > run["now"] else status


def find_progress(
    run: Mapping[str, Any], parts: Sequence[Mapping[str, Any]], known: Mapping[str, int | None]
) -> RunProgress:
    """How far a run, as `find_status` takes it, is.

    `parts` are its rows of stream_run, `known` the rows each list to be read had last time.
    """
    if run["status"] not in UNFINISHED:
        return RunProgress(1.0, 0.0)
    if not run["is_full"] or run["started_at"] is None:
        return RunProgress(None, None)
    read = {part["stream"]: part["read"] for part in parts}
    ended = {part["stream"] for part in parts if part["phase"] == "done"}
    total = 0
    for stream, rows in known.items():
        if rows is None and stream not in ended:
            return RunProgress(None, None)
        total += read[stream] if stream in ended else max(rows or 0, read.get(stream, 0))
    if not total:
        return RunProgress(None, None)
    done = min(sum(read.values()) / total, 0.99)
    spent = (run["now"] - run["started_at"]) / timedelta(seconds=1)
    return RunProgress(done, spent * (1 - done) / done if done else None)


async def list_known_rows(pool: Pool, connector: Connector, streams: Collection[str]) -> dict[str, int | None]:
    """How many rows the latest complete read of each of these lists found; None where there was none."""
    found = {row["stream"]: row["rows"] for row in await pool.fetch(runs.LIST_STATES, connector.number)}
    return {stream: found.get(stream) for stream in streams}


async def measure_progress(
    pool: Pool, connector: Connector, integration: Integration, run: Mapping[str, Any]
) -> RunProgress:
    """How far a run, as `find_status` takes it, is."""
    parts = await runs.list_stream_runs(pool, connector.number, run["id"])
    every = [stream.name for stream in integration.streams]
    known = await list_known_rows(pool, connector, every if run["streams"] is None else run["streams"])
    return find_progress(run, parts, known)
