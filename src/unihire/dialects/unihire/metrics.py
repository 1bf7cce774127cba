"""What Prometheus reads: the measures of this process, and the state of the installation from the database."""

import asyncio
import hmac
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import asyncpg
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from unihire.kit.logs import get_logger
from unihire.kit.metrics import REGISTRY
from unihire.store import Pool
from unihire.store.connections import LOST
from unihire.store.gauges import GaugeValue, count_gauges

log = get_logger()

PATH = "/metrics"

LOOK_EVERY = 10.0
"""Seconds for which values from the database are used again."""

LOOK_SECONDS = 3.0
"""How long the database may take to answer."""


class Gauge(NamedTuple):
    """A number from the database; `labels` are integration and what its kind is called, where it has them."""

    name: str
    help: str
    labels: tuple[str, ...] = ()


GAUGES: Mapping[str, Gauge] = {
    "connectors": Gauge(
        "unihire_connectors",
        "Connectors; status is complete, incomplete or relink_needed.",
        ("integration", "status"),
    ),
    "paused": Gauge("unihire_connectors_paused", "Connectors that are paused.", ("integration",)),
    "runs": Gauge(
        "unihire_runs_unfinished",
        "Runs that have not ended; status is waiting (never taken up), running or deferred.",
        ("integration", "status"),
    ),
    "jobs": Gauge(
        "unihire_jobs",
        "Jobs of workers; status is waiting (may start now), deferred (until its time) or doing.",
        ("status",),
    ),
    "workers": Gauge("unihire_workers", "Workers that gave a sign within the last 20 seconds."),
    "overdue": Gauge(
        "unihire_schedule_overdue_seconds",
        "Seconds since the run that is overdue for longest should have been asked for.",
    ),
    "issues": Gauge("unihire_issues_open", "Issues that are open, by kind.", ("integration", "kind")),
    "quarantine": Gauge("unihire_quarantine_rows", "Rows that do not map and became nothing.", ("integration",)),
    "incomplete": Gauge(
        "unihire_incomplete_rows", "Rows that are served without some part that does not map.", ("integration",)
    ),
    "touched": Gauge(
        "unihire_hook_rows_waiting", "Rows that vendors say have changed and that are yet to be read.", ("integration",)
    ),
    "touched_for": Gauge("unihire_hook_wait_seconds", "Seconds for which the first of these has waited."),
    "lanes": Gauge(
        "unihire_webhook_lanes",
        "Connectors with events yet to be sent, of each webhook; status is waiting, or retrying after a failure.",
        ("status",),
    ),
    "lanes_for": Gauge(
        "unihire_webhook_wait_seconds", "Seconds since the first of these, whose webhook takes messages, was due."
    ),
}
UP = Gauge("unihire_database_up", "1 where the database returned the numbers above; else 0, and they are missing.")

ALWAYS: Mapping[str, Sequence[str]] = {"jobs": ("waiting", "deferred", "doing")}
"""Kinds that are shown as 0 where there are none."""


class Metrics:
    """Answers scrapes; `token`, where there is one, must come with them as a bearer token."""

    def __init__(self, pool: Pool, token: str | None, clock: Callable[[], float] = time.monotonic) -> None:
        self._pool = pool
        self._token = token
        self._clock = clock
        self._looking = asyncio.Lock()
        self._looked_at = float("-inf")
        self._values: Sequence[GaugeValue] | None = None

    def list_routes(self) -> list[Route]:
        return [Route(PATH, self.answer)]

    async def answer(self, request: Request) -> Response:
        if not self._is_let_in(request.headers.get("authorization", "")):
            return JSONResponse({"detail": "Not a token for metrics"}, 401, {"WWW-Authenticate": "Bearer"})
        values = await self._look()
        encode, content_type = choose_encoder(request.headers.get("accept", ""))
        return Response(encode(_Registry(values)), headers={"Content-Type": content_type})

    def _is_let_in(self, authorization: str) -> bool:
        if self._token is None:
            return True
        scheme, _, given = authorization.partition(" ")
        return scheme.lower() == "bearer" and hmac.compare_digest(given.strip().encode(), self._token.encode())

    async def _look(self) -> Sequence[GaugeValue] | None:
        """The latest values from the database, read again when they are old; None where it does not answer."""
        async with self._looking:
            if self._clock() - self._looked_at >= LOOK_EVERY:
                try:
                    async with asyncio.timeout(LOOK_SECONDS):
                        self._values = await count_gauges(self._pool)
                except (asyncpg.PostgresError, *LOST) as error:  # TimeoutError is an OSError
                    log.warning("the database did not return the values", kind=type(error).__name__)
                    self._values = None
                self._looked_at = self._clock()
            return self._values


class _Registry:
    """Both kinds of measures as one registry, which is what an encoder takes."""

    def __init__(self, values: Sequence[GaugeValue] | None) -> None:
        self._values = values

    def collect(self) -> Iterator[Metric]:
        yield from REGISTRY.collect()
        yield from list_gauges(self._values)


def list_gauges(values: Sequence[GaugeValue] | None) -> Iterator[Metric]:
    """The values as Prometheus has them; None: the database did not answer."""
    for name, gauge in GAUGES.items() if values is not None else ():
        family = GaugeMetricFamily(gauge.name, gauge.help, labels=gauge.labels)
        for labels, value in _list_values(name, gauge, values or ()):
            family.add_metric(labels, value)
        yield family
    yield GaugeMetricFamily(UP.name, UP.help, value=0 if values is None else 1)


def _list_values(name: str, gauge: Gauge, values: Sequence[GaugeValue]) -> Iterable[tuple[list[str], float]]:
    missing = dict.fromkeys(ALWAYS.get(name, ()))
    for one in values:
        if one.name == name:
            missing.pop(one.kind, None)
            yield (
                [one.integration if label == "integration" else one.kind for label in gauge.labels],
                one.value,
            )
    for kind in missing:
        yield [kind], 0.0
