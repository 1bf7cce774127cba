"""Whether a first sync's memory grows with the account: `python -m bench.memory --vendors lever,workable`.

A whole account is synced, with every list and detail, from the vendor's emulator without its limit of calls. The most
memory that the syncing process held until a fifth of the rows were saved is compared with the most it held at all.
"""

import argparse
import asyncio
import sys
from pathlib import Path

import msgspec
import structlog

from bench.figures import Bar, Figures
from bench.place import Place, open_place
from bench.processes import ChildFailed, Mismatch, start_child
from bench.seeding import settle
from bench.vendors import start_emulator
from unihire.sandbox.runner import get_emulator, list_emulators

SIZE = 100_000
"""Candidates of an account."""

EARLY = 0.2
"""The part of the rows after which the memory of later ones is compared with what was held until then."""

GROWTH = Bar("memory.growth", "the most memory at all / until a fifth of the rows were saved", most=1.1)

NO_LIMIT = {"rate_limit": "0", "apply_limit": "0"}
"""Options by which emulators have no limit of calls, where they have them."""


class Synced(msgspec.Struct):
    """What a sync did: `samples` are pairs of rows saved so far, of all lists, and the MB held then."""

    status: str
    errors: list[str]
    seconds: float
    calls: int
    samples: list[tuple[int, float]]
    peak_mb: float

    @property
    def rows(self) -> int:
        return max((rows for rows, _ in self.samples), default=0)

    def find_most(self, part: float = 1.0) -> float:
        """The most MB held until this part of the rows was saved."""
        return max((held for rows, held in self.samples if rows <= part * self.rows), default=0.0)


async def measure_memory(place: Place, slug: str, size: int, figures: Figures) -> float:
    """The figures `memory.<slug>.*`; returns by how much the memory grew. Raises Mismatch where the sync failed."""
    print(f"memory: {size:,} candidates of {slug}, every list and detail", flush=True)
    options = {name: value for name, value in NO_LIMIT.items() if name in get_emulator(slug).options}
    async with start_emulator(slug, size, **options) as vendor, place.open_scratch("memory") as (database, pool):
        await settle(pool)
        order = {"home": str(place.home), "database": database, "slug": slug, **vendor.order}
        async with start_child("bench.memory_ours", order) as child:
            synced = msgspec.convert(await child.read(), Synced)
    early = synced.find_most(EARLY)
    if synced.status != "done" or not early:
        raise Mismatch(f"the sync of {slug} ended {synced.status} after {synced.rows} rows: {synced.errors}")
    growth = synced.find_most() / early
    for name, value in {
        "growth": growth,
        "early_mb": early,
        "most_mb": synced.find_most(),
        "last_mb": synced.samples[-1][1],
        "peak_mb": synced.peak_mb,
        "rows": synced.rows,
        "calls": synced.calls,
        "seconds": synced.seconds,
    }.items():
        figures.put(f"memory.{slug}.{name}", value)
        print(f"  memory.{slug + '.' + name:<39} {value:>12,.3f}", flush=True)
    return growth


async def measure(slugs: list[str], size: int, figures: Figures) -> list[str]:
    """Measure one vendor after the other; those whose memory grew by more than the bar."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger("error"))
    async with open_place() as place:
        return [slug for slug in slugs if not GROWTH.is_met(await measure_memory(place, slug, size, figures))]


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.memory", description=__doc__)
    parser.add_argument("--vendors", default=",".join(list_emulators()), help="which, by comma (default: %(default)s)")
    parser.add_argument("--size", type=int, default=SIZE, help="candidates of an account (default: %(default)s)")
    parser.add_argument("--json", type=Path, metavar="PATH", help="also write the figures there")
    given = parser.parse_args(arguments)
    slugs, figures = given.vendors.split(","), Figures()
    if unknown := set(slugs) - set(list_emulators()):
        parser.error(f"no emulator of {', '.join(sorted(unknown))}: there are {', '.join(list_emulators())}")
    try:
        grown = asyncio.run(measure(slugs, given.size, figures))
    except KeyboardInterrupt:
        return 130
    except (ChildFailed, Mismatch) as error:
        sys.stderr.write(f"the bench failed: {error}\n")
        return 1
    outcome = f"missed by {', '.join(grown)}" if grown else "met by all"
    print(f"{GROWTH.meaning}, {GROWTH}: {outcome}")
    if given.json is not None:
        figures.write(given.json)
    return 1 if grown else 0


if __name__ == "__main__":
    sys.exit(main())
