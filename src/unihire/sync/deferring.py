"""Runs that cannot go on now: for how long they are deferred, why, and whom it concerns."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus

import asyncpg
import structlog

from unihire.errors import BudgetSpent, ConfigError, RetryLater
from unihire.kit.logs import get_logger
from unihire.outbound.budget_store import BudgetUnavailable
from unihire.store import Pool, issues
from unihire.store.accounts.tenancy import Connector
from unihire.store.outages import is_disk_full, is_outage
from unihire.store.work import runs
from unihire.store.work.runs import LONGEST_WAIT, Run
from unihire.sync.issues import IssueKind, find_kind

log = get_logger()

FIRST_PAUSE = timedelta(seconds=15)
"""How long a run is deferred after a failure, doubled with each further one in a row."""

FULL_PAUSE = timedelta(minutes=1)
"""How long a run is deferred when the database's disk is full."""

SHORT_PAUSE = timedelta(minutes=5)
"""A vendor's rate limit that is over sooner is no issue: many limits count by the minute."""

LONG_PAUSE = LONGEST_WAIT - timedelta(minutes=1)
"""A remaining pause of this length was an hour or more: pauses are cut to an hour, and time has passed since."""

MOST_FAULTS = 3
"""So often in a row what our own code did not foresee may end an attempt before the run ends with it."""

RATE_LIMIT = "the vendor's rate limit"
LONG_LIMIT = f"{RATE_LIMIT}: it asks for an hour or more, and is asked again every hour"
DISK_FULL = "the disk of the database is full"


@dataclass(frozen=True, slots=True)
class Deferral:
    """How long a run waits and why; `kind` is that of the issue to open, if it is one.

    `is_last`: the run is not deferred any more but ends with the reason.
    """

    after: timedelta
    reason: str
    failures: int
    kind: IssueKind | None
    is_last: bool = False


def is_away(error: Exception) -> bool:
    """Whether the database does not answer, so that there is nobody to note anything; chores see to the run."""
    return isinstance(error, BudgetUnavailable) or (is_outage(error) and not is_disk_full(error))


def plan_deferral(error: Exception, failures: int, *, has_moved: bool) -> Deferral:
    """What becomes of a run over this error; `failures` it has had in a row, unless it has moved since."""
    if is_disk_full(error):
        return Deferral(FULL_PAUSE, DISK_FULL, failures, IssueKind.DISK_FULL)
    if (rest := _find_rest(error)) is not None:
        reason = RATE_LIMIT if rest < LONG_PAUSE else LONG_LIMIT
        kind = IssueKind.VENDOR_LIMIT if rest >= SHORT_PAUSE else None
        return Deferral(rest, reason, 0 if has_moved else failures, kind)
    failures = 1 if has_moved else failures + 1
    pause = min(LONGEST_WAIT, FIRST_PAUSE * 2 ** min(failures - 1, 10))
    if isinstance(error, RetryLater):
        return Deferral(max(pause, _bound(error.after)), str(error), failures, find_kind(error))
    if isinstance(error, ConfigError):
        return Deferral(pause, str(error), failures, IssueKind.FAULT)
    return Deferral(pause, explain_fault(error), failures, IssueKind.FAULT, is_last=failures >= MOST_FAULTS)


async def defer_run(pool: Pool, connector: Connector, run: Run, deferral: Deferral) -> timedelta | None:
    """Defer the run, and open the issue that it is; returns for how long, None where the run has ended.

    Where the database has no room even for that, it is logged, and chores see that the run is looked after again.
    """
    with structlog.contextvars.bound_contextvars(run=str(run.id), connector=str(connector.id)):
        try:
            return await _defer(pool, connector, run, deferral)
        except Exception as error:
            if not (is_disk_full(error) and deferral.kind == IssueKind.DISK_FULL):
                raise
            log.error("the disk of the database is full: there is no room to note it")
            return deferral.after


async def _defer(pool: Pool, connector: Connector, run: Run, deferral: Deferral) -> timedelta | None:
    if deferral.is_last:
        await runs.finish_run(pool, run, "failed", deferral.reason)
        log.error("sync run ended", status="failed", reason=deferral.reason)
        until: datetime | None = None
    else:
        until = await runs.defer_run(pool, run, deferral.after, deferral.reason, deferral.failures)
        log.info("sync run deferred", until=until and until.isoformat(), reason=deferral.reason)
    if deferral.kind is not None:
        then = "" if until is None else f"; the sync goes on at {until:%Y-%m-%d %H:%M} UTC"
        reason, version = deferral.reason + then, connector.credentials_version
        await issues.open_issue(pool, connector.number, deferral.kind, reason, version=version)
    return None if until is None else deferral.after


def explain_fault(error: Exception) -> str:
    """What our own code did not foresee, without what the error says: that may be of a row."""
    if isinstance(error, asyncpg.PostgresError):
        return f"the database refuses what was read ({type(error).__name__}, {error.sqlstate})"
    return f"a fault of ours ({type(error).__name__})"


def _find_rest(error: Exception) -> timedelta | None:
    """How long until there are calls again, where an error says that there is none within the vendor's rate limit."""
    if not isinstance(error, RetryLater) or error.after is None:
        return None
    is_limit = isinstance(error, BudgetSpent) or error.status == HTTPStatus.TOO_MANY_REQUESTS
    return _bound(error.after) if is_limit else None


def _bound(seconds: float | None) -> timedelta:
    """What is no number that a run could wait for is bounded before it becomes a span of time."""
    longest = LONGEST_WAIT.total_seconds()
    return timedelta(seconds=min(seconds, longest) if seconds is not None and seconds > 0 else 0)
