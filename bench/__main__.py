"""`python -m bench`: measure, print the figures against their bars, and write them where asked."""

import argparse
import asyncio
import contextlib
import importlib.util
import signal
import sys
import time
from pathlib import Path

import structlog

from bench.budget import measure_budget
from bench.deliveries import measure_deliveries
from bench.events import measure_events
from bench.fair import measure_fairness
from bench.figures import BARS, Figures, render_bars, render_rest
from bench.nth import measure_nth
from bench.place import open_place
from bench.processes import ChildFailed, Mismatch
from bench.queue import measure_queue
from bench.reported import measure_reported
from bench.rereads import measure_rereads
from bench.serve import measure_serving
from bench.sizes import FULL, QUICK, TINY, Sizes
from bench.sync import measure_syncing
from bench.writing import measure_writing

NEEDED = ("dlt", "greenlet", "psutil", "psycopg2", "sqlalchemy")
PARTS = ("serve", "sync", "rereads", "events", "deliveries", "reported", "writing", "nth", "fair", "queue", "budget")


async def measure(sizes: Sizes, parts: tuple[str, ...], figures: Figures) -> None:
    """Measure the parts of a run; whatever it starts is ended on the way out."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger("error"))
    async with open_place() as place:
        if "serve" in parts:
            await measure_serving(place, sizes, figures)
        if "sync" in parts:
            await measure_syncing(place, sizes, figures)
        if "rereads" in parts:
            await measure_rereads(place, sizes, figures)
        if "events" in parts:
            await measure_events(place, sizes, figures)
        if "deliveries" in parts:
            await measure_deliveries(place, sizes, figures)
        if "reported" in parts:
            await measure_reported(place, sizes, figures)
        if "writing" in parts:
            await measure_writing(place, sizes, figures)
        if "nth" in parts:
            await measure_nth(place, sizes, figures)
        if "fair" in parts:
            await measure_fairness(place, sizes, figures)
        if "queue" in parts:
            await measure_queue(place, sizes, figures)
        if "budget" in parts:
            await measure_budget(place, sizes, figures)


async def _measure_until_told(sizes: Sizes, parts: tuple[str, ...], figures: Figures) -> None:
    """As `measure`, ended in good order by SIGINT and SIGTERM. Raises CancelledError then.

    A cancellation that lands while a connection is being given back may be lost on the way; it is raised in the end.
    """
    task = asyncio.current_task()
    assert task is not None
    is_told = False

    def stop() -> None:
        nonlocal is_told
        is_told = True
        task.cancel()

    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):  # Windows
            asyncio.get_running_loop().add_signal_handler(number, stop)
    await measure(sizes, parts, figures)
    if is_told:
        raise asyncio.CancelledError


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="smaller data, in a few minutes")
    parser.add_argument("--json", type=Path, metavar="PATH", help="also write the figures there")
    parser.add_argument("--only", choices=PARTS, help="measure that part alone")
    parser.add_argument("--tiny", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    sizes = TINY if given.tiny else QUICK if given.quick else FULL
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing and sizes.with_rivals:
        sys.stderr.write(
            f"the bench needs {', '.join(missing)}: `make bench` installs what requirements/bench.txt names\n"
        )
        return 2
    if given.json is not None and not given.json.resolve().parent.is_dir():
        sys.stderr.write(f"there is no folder {given.json.resolve().parent} to write the figures to\n")
        return 2
    figures = Figures()
    started = time.monotonic()
    try:
        asyncio.run(_measure_until_told(sizes, (given.only,) if given.only else PARTS, figures))
    except (KeyboardInterrupt, asyncio.CancelledError):
        sys.stderr.write("stopped; nothing was measured to the end\n")
        return 130
    except (ChildFailed, Mismatch) as error:
        sys.stderr.write(f"the bench failed: {error}\n")
        return 1
    print(f"\nRatios of one {sizes.name} run, {time.monotonic() - started:.0f} s\n{render_bars(figures.values)}")
    print(f"\nHere and now, without a bar\n{render_rest(figures.values)}")
    for remark in figures.remarks:
        print(f"  {remark}")
    bars = [bar for bar in BARS if bar.is_set]
    short = [bar.name for bar in bars if bar.name in figures.values and not bar.is_met(figures.values[bar.name])]
    print(f"\n{len(short)} of {len(bars)} bars are missed{': ' if short else ''}{', '.join(short)}")
    if given.json is not None:
        figures.write(given.json)
    return 0


if __name__ == "__main__":
    sys.exit(main())
