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
    memory is compared with that of a tenth of them. Without `with_rivals` only we and the floors are measured: what
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
    with_rivals: bool = True


FULL = Sizes("full", 1_000_000, 9, 3.0, 40, 3, 2, 200_000, 1_000_000)
QUICK = Sizes("quick", 40_000, 4, 1.0, 15, 3, 1, 20_000, 40_000)
TINY = Sizes("tiny", 500, 1, 0.1, 1, 1, 0, 1_000, 2_000, with_rivals=False)
