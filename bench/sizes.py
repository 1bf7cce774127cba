"""How much is measured: the full run, the quick one, and one so small that it only shows that all works."""

from dataclasses import dataclass

PAGE = 50
"""Records of a served page."""

DEEP_PAGE = 10_000
"""The page that must not be slower than the first, in a list that has as many."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """Records, rounds and seconds of a run.

    `records` are the candidates served; the other models have a share of them. `first_sync` are the candidates of the
    timed first syncs, the same for all, of which dlt takes part in `dlt_rounds`; `large_sync` those of the sync whose
    memory is compared with that of a tenth of them. `harvest_sync` are the candidates of the company whose every list
    is synced, some 27 rows for each of them; `budget_sync` those of the company that is synced within the vendor's
    real rate budget, enough for three whole windows, or 0, since windows take their time. `fair_small` and `fair_big`
    are the connectors that are due at once, `fair_big_candidates` what a big one has; the queue is
    measured with as many as `queue_connectors` say. `nth_connectors` are the connectors a new one is the last of, which
    has `nth_candidates` and is measured `nth_tries` times. Events are sent to `delivery_endpoints`, in rounds of
    `delivery_seconds`. `writes` are candidates created. Without `with_rivals` only we and the floors are measured: what
    runs without the bench's own dependencies.
    """

    name: str
    records: int
    rounds: int
    round_seconds: float
    filter_rounds: int
    sync_rounds: int
    dlt_rounds: int
    first_sync: int
    large_sync: int
    harvest_sync: int
    budget_sync: int
    fair_small: int
    fair_big: int
    fair_big_candidates: int
    queue_connectors: tuple[int, ...]
    nth_candidates: int
    nth_connectors: tuple[int, ...]
    delivery_endpoints: int
    delivery_seconds: float
    with_rivals: bool = True
    writes: int = 200
    nth_tries: int = 2


FULL = Sizes(
    "full",
    1_000_000,
    9,
    3.0,
    40,
    3,
    2,
    150_000,
    1_000_000,
    2_500,
    11_000,
    492,
    8,
    20_000,
    (500, 10_000),
    1_200,
    (2, 5, 50, 120),
    1_000,
    20.0,
)
QUICK = Sizes(
    "quick", 40_000, 4, 1.0, 15, 3, 1, 20_000, 40_000, 500, 0, 16, 8, 200, (500,), 600, (2, 5, 50, 120), 200, 8.0
)
TINY = Sizes(
    "tiny", 500, 1, 0.1, 1, 1, 0,
    first_sync=200, large_sync=2_000, harvest_sync=100, budget_sync=100, fair_small=2, fair_big=1,
    fair_big_candidates=100, queue_connectors=(50,), nth_candidates=100, nth_connectors=(3,), delivery_endpoints=20,
    delivery_seconds=0.4, with_rivals=False, writes=5, nth_tries=1,
)  # fmt: skip
"""Lists of a vendor's page, 200 rows, at least: a load of fewer is another number of rows."""
