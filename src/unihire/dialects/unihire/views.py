"""Runs and schedules as the API shows them: the structs of the responses, made from rows of the store."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from unihire.kit.durations import write_duration
from unihire.platform import syncs
from unihire.store.work import schedules
from unihire.store.work.fast_schedules import FastSchedule

Status = Literal["queued", "running", "waiting", "paused", "done", "partial", "failed", "cancelled"]


class SyncCounts(msgspec.Struct, frozen=True, kw_only=True):
    """What was done, in numbers."""

    read: Annotated[int, Meta(description="Rows the vendor gave.")]
    new: Annotated[int, Meta(description="Records made.")]
    changed: Annotated[int, Meta(description="Records whose content changed.")]
    deleted: Annotated[int, Meta(description="Records deleted at the vendor.")]
    quarantined: Annotated[int, Meta(description="Rows that did not map; see the quarantine.")]
    incomplete: Annotated[
        int, Meta(description="Rows that are served without some part that does not map; see the quarantine.")
    ]
    wrong_answers: Annotated[
        int, Meta(description="Rows in responses to requests by id that were of other ids; they were not used.")
    ]
    requests: Annotated[int, Meta(description="Calls to the vendor.")]
    waited_seconds: Annotated[float, Meta(description="Seconds those calls waited for the rate budget, added up.")]


class SyncStream(SyncCounts, frozen=True, kw_only=True):
    """A list's part in a run."""

    stream: Annotated[str, Meta(description="The list at the vendor.")]
    phase: Annotated[
        str,
        Meta(
            description="`walk` reads it, `catch_up` reads again what changed meanwhile, `refresh` maps records again "
            "that show changed rows of other lists, `absent` finds deletions, `done` is the end."
        ),
    ]
    since: Annotated[
        datetime | None, Meta(description="What changed since then was read; null where the list is read whole.")
    ]
    error: Annotated[
        str | None, Meta(description="Why it could not be read to its end, or what of its rows could not be read.")
    ]
    started_at: datetime
    finished_at: datetime | None


class SyncProgress(msgspec.Struct, frozen=True):
    """How far a run is; an estimate by what the latest complete reads found."""

    done: Annotated[float, Meta(ge=0, le=1, description="The part that is done, of 1.")]
    seconds_left: Annotated[float | None, Meta(description="Null before anything is done.")]


class SyncRun(msgspec.Struct, frozen=True, kw_only=True):
    """A sync run of the connector."""

    id: UUID
    number: Annotated[int, Meta(description="The connector's runs are numbered from 1.")]
    status: Annotated[
        Status,
        Meta(
            description="`queued` until a worker takes it up. `waiting` while it is deferred: see `waits_until`. "
            "`paused` while the connector is. `partial` where some lists could not be read, or a part of their rows; "
            "`failed` where none could."
        ),
    ]
    full: Annotated[bool, Meta(description="Whether every list is read whole.")]
    only_streams: Annotated[
        list[str] | None, Meta(description="The lists it reads, where models were named; null: all.")
    ]
    triggered_by: Annotated[
        Literal["schedule", "fast_schedule", "request"],
        Meta(description="`fast_schedule`: a fast run; of those that ended only the latest is there."),
    ]
    asked_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    waits_until: Annotated[datetime | None, Meta(description="When it continues, while it is waiting.")]
    waits_for: Annotated[str | None, Meta(description="Why it waits.")]
    error: Annotated[str | None, Meta(description="What ended it, where it failed as a whole.")]
    progress: Annotated[
        SyncProgress | None,
        Meta(
            description="Of a full run under way, once every list it reads has been read whole before; else null: how "
            "much has changed at a vendor, nobody can say."
        ),
    ]
    totals: SyncCounts


class SyncRunDetail(SyncRun, frozen=True, kw_only=True):
    """A sync run with the part of each list."""

    streams: list[SyncStream]


class Schedule(msgspec.Struct, frozen=True, kw_only=True):
    """When the connector is synced."""

    every: Annotated[str, Meta(description="Between two runs.", examples=["15m", "1h", "7d"])]
    full_every: Annotated[str, Meta(description="Between two runs that read every list whole.")]
    next_at: Annotated[datetime | None, Meta(description="When the next run is requested; null while paused.")]
    fast_models: Annotated[
        list[str], Meta(description="The models whose changes are read by fast runs, between these; empty: none.")
    ]
    fast_every: Annotated[str, Meta(description="Between two fast runs, where there are any.", examples=["1m"])]
    paused: Annotated[bool, Meta(description="A paused connector is not synced, by schedule or request.")]


class SyncState(msgspec.Struct, frozen=True, kw_only=True):
    """The state of a connector's syncs."""

    schedule: Schedule
    run: Annotated[SyncRun | None, Meta(description="The latest run.")]


def run_view(row: Mapping[str, Any], progress: syncs.RunProgress | None) -> SyncRun:
    """`row` as store.history has it."""
    return SyncRun(**_describe_run(row, progress))


def run_detail_view(
    row: Mapping[str, Any], parts: Sequence[Mapping[str, Any]], progress: syncs.RunProgress | None
) -> SyncRunDetail:
    """`parts` are its rows of stream_run."""
    return SyncRunDetail(**_describe_run(row, progress), streams=[_stream_view(part) for part in parts])


def _describe_run(row: Mapping[str, Any], progress: syncs.RunProgress | None) -> dict[str, Any]:
    status = syncs.find_status(row, is_paused=row["is_paused"])
    is_waiting = status == "waiting"
    return {
        "id": row["id"],
        "number": row["number"],
        "status": status,
        "full": row["is_full"],
        "only_streams": row["streams"],
        "triggered_by": _find_trigger(row),
        "asked_at": row["asked_at"],
        "started_at": row["started_at"],
        "finished_at": row["finished_at"],
        "waits_until": row["waits_until"] if is_waiting else None,
        "waits_for": row["waits_for"] if is_waiting else None,
        "error": row["error"],
        "progress": _progress_view(progress),
        "totals": SyncCounts(**_count(row)),
    }


def _find_trigger(row: Mapping[str, Any]) -> str:
    if row["is_fast"]:
        return "fast_schedule"
    return "schedule" if row["is_scheduled"] else "request"


def _progress_view(progress: syncs.RunProgress | None) -> SyncProgress | None:
    if progress is None or progress.done is None:
        return None
    return SyncProgress(progress.done, progress.seconds_left)


def _stream_view(part: Mapping[str, Any]) -> SyncStream:
    return SyncStream(
        stream=part["stream"],
        phase=part["phase"],
        since=part["window_start"],
        error=part["error"],
        started_at=part["started_at"],
        finished_at=part["finished_at"],
        **_count(part),
    )


def _count(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "read": row["read"],
        "new": row["added"],
        "changed": row["changed"],
        "deleted": row["deleted"],
        "quarantined": row["quarantined"],
        "wrong_answers": row["wrong_answers"],
        "incomplete": row["incomplete"],
        "requests": row["requests"],
        "waited_seconds": row["waited"],
    }


def schedule_view(schedule: schedules.StoredSchedule, fast: FastSchedule) -> Schedule:
    return Schedule(
        every=write_duration(schedule.every),
        full_every=write_duration(schedule.full_every),
        next_at=None if schedule.is_paused else schedule.next_at,
        fast_models=list(fast.models),
        fast_every=write_duration(fast.every),
        paused=schedule.is_paused,
    )
