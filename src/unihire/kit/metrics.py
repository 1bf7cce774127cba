"""What a process measures of its own work, in a registry of ours.

Labels have few values and show nothing of a customer: integration, stream, kind, status, route and method. No
organisation, no connector, no id.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from prometheus_client.metrics_core import HistogramMetricFamily, Metric

from unihire import __version__

REGISTRY = CollectorRegistry()

_CALL_BUCKETS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
_PAGE_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_RUN_BUCKETS = (1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0, 14400.0, 86400.0)
_REQUEST_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

VENDOR_REQUESTS = Counter(
    "unihire_vendor_requests", "Requests to vendors; status is 2xx, 3xx, 4xx, 5xx, or none where no answer came.",
    ["integration", "status"], registry=REGISTRY,
)  # fmt: skip
VENDOR_SECONDS = Histogram(
    "unihire_vendor_request_seconds", "Seconds from a request to the whole answer of a vendor.",
    ["integration"], registry=REGISTRY, buckets=_CALL_BUCKETS,
)  # fmt: skip
VENDOR_RETRIES = Counter(
    "unihire_vendor_retries", "Requests that are made again after a problem that passes by itself.",
    ["integration"], registry=REGISTRY,
)  # fmt: skip
VENDOR_WAITS = Counter(
    "unihire_vendor_wait_seconds", "Seconds that requests waited for a vendor's rate limit, of all requests together.",
    ["integration"], registry=REGISTRY,
)  # fmt: skip
ROWS_READ = Counter(
    "unihire_sync_rows_read", "Rows that syncs read of vendors and saved.",
    ["integration", "stream"], registry=REGISTRY,
)  # fmt: skip
RECORDS = Counter(
    "unihire_sync_records", "Records that syncs saved; kind is new, changed or deleted.",
    ["integration", "stream", "kind"], registry=REGISTRY,
)  # fmt: skip
ROWS_QUARANTINED = Counter(
    "unihire_sync_rows_quarantined", "Rows that would not map, each time they were read.",
    ["integration", "stream"], registry=REGISTRY,
)  # fmt: skip
ROWS_INCOMPLETE = Counter(
    "unihire_sync_rows_incomplete", "Rows served without some part that does not map, each time they were read.",
    ["integration", "stream"], registry=REGISTRY,
)  # fmt: skip
PAGE_SECONDS = Histogram(
    "unihire_page_seconds", "Seconds that a page of a list took; kind is fetch, map or save, which overlap.",
    ["integration", "kind"], registry=REGISTRY, buckets=_PAGE_BUCKETS,
)  # fmt: skip
RUN_SECONDS = Histogram(
    "unihire_sync_run_seconds",
    "Seconds that a stretch of a run took; status is done, partial, failed, or deferred: left before its end.",
    ["integration", "status"], registry=REGISTRY, buckets=_RUN_BUCKETS,
)  # fmt: skip
OPERATION_SECONDS = Histogram(
    "unihire_operation_seconds", "Seconds that operations took; kind is the operation, status done, refused or error.",
    ["integration", "kind", "status"], registry=REGISTRY, buckets=_CALL_BUCKETS,
)  # fmt: skip
HOOK_DELIVERIES = Counter(
    "unihire_hook_deliveries",
    "Deliveries of vendors' webhooks; status is accepted, duplicate, test, handshake, unreadable, or why it was "
    "refused: forged, stale, no_secret, unknown, too_large, too_slow, too_many.",
    ["integration", "status"], registry=REGISTRY,
)  # fmt: skip
HOOK_SECONDS = Histogram(
    "unihire_hook_read_seconds", "Seconds from a delivery that was written down to the row it touches, read again.",
    ["integration"], registry=REGISTRY, buckets=_PAGE_BUCKETS,
)  # fmt: skip
WEBHOOK_DELIVERIES = Counter(
    "unihire_webhook_deliveries", "Messages sent to webhooks; status is 2xx, 3xx, 4xx, 5xx or, without response, none.",
    ["format", "status"], registry=REGISTRY,
)  # fmt: skip
WEBHOOK_SECONDS = Histogram(
    "unihire_webhook_delivery_seconds", "Seconds from a message to the response of a webhook.",
    ["format"], registry=REGISTRY, buckets=_CALL_BUCKETS,
)  # fmt: skip
_BUILD = Gauge("unihire_build_info", "1, with the version of the program.", ["version"], registry=REGISTRY)
_BUILD.labels(__version__).set(1)

ProcessCollector(registry=REGISTRY)


class RequestSeconds:
    """The histogram of the requests answered, cheaper than the library's: one thread, no locks."""

    name = "unihire_api_request_seconds"
    help = "Seconds that requests of the API took; route is its template, or none."
    labels = ("method", "route", "status")

    def __init__(self) -> None:
        self._noted: dict[tuple[str, str, int], list[float]] = {}  # how many in each bucket, and the sum at the end

    def note(self, method: str, route: str, status: int, seconds: float) -> None:
        """Call from the event loop alone."""
        noted = self._noted.get((method, route, status))
        if noted is None:
            method = method if method in _METHODS else "other"  # a caller could send any word
            noted = self._noted.setdefault((method, route, status), [0.0] * (len(_REQUEST_BUCKETS) + 2))
        noted[bisect_left(_REQUEST_BUCKETS, seconds)] += 1
        noted[-1] += seconds

    def collect(self) -> Iterator[Metric]:
        family = HistogramMetricFamily(self.name, self.help, labels=self.labels)
        for (method, route, status), (*counts, total) in self._noted.items():
            family.add_metric([method, route, str(status)], list(_accumulate(counts)), total)
        yield family


def _accumulate(counts: Sequence[float]) -> Iterator[tuple[str, float]]:
    total = 0.0
    for bound, count in zip((*map(str, _REQUEST_BUCKETS), "+Inf"), counts, strict=True):
        total += count
        yield bound, total


REQUEST_SECONDS = RequestSeconds()
REGISTRY.register(REQUEST_SECONDS)


def name_class(status: int) -> str:
    """The class of an HTTP status: 2xx, 3xx, 4xx or 5xx."""
    return f"{status // 100}xx"
