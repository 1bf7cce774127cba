"""Writes through the unified API: what of the time to an answer is ours, and not the vendor's.

A process of its own, as the one that serves, writes to Greenhouse's emulator one candidate after another, each with a
job. The vendor's part is the time in which at least one exchange with it is under way: of the write, of looking for
what looks the same before, and of reading back what was made.
"""

from statistics import median

from bench.figures import Figures
from bench.place import Place
from bench.processes import start_child
from bench.sizes import Sizes
from bench.vendors import HARVEST, start_emulator

CANDIDATES = 100


async def measure_writing(place: Place, sizes: Sizes, figures: Figures) -> None:
    """The figures `writing.*`."""
    print(f"writing: {sizes.writes} candidates created, one after another", flush=True)
    async with (
        start_emulator(HARVEST.slug, CANDIDATES, rate_limit="0", token_rate_limit="0") as vendor,
        place.open_scratch("writing") as (database, _),
    ):
        order = {**HARVEST.order, **vendor.order, "home": str(place.home), "database": database, "writes": sizes.writes}
        async with start_child("bench.writing_ours", order) as ours:
            found = await ours.read()
    for name, seconds in found.items():
        figures.put(f"writing.{name}_ms", 1000 * median(seconds))
