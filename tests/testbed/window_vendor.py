"""A vendor that counts calls in fixed windows, in virtual time."""

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.utils import formatdate

from testbed.virtual_time import VirtualTime
from unihire.outbound.budget import Budget, FixedWindowHeaders

SECONDS, LIMIT = 30, 50
NAMES = FixedWindowHeaders(limit="limit", remaining="left", reset="reset", seconds=SECONDS)


@dataclass
class WindowVendor:
    """Counts calls in windows by a clock that is `ahead` of ours; the one of its `Date` is another `skew` ahead."""

    time: VirtualTime
    ahead: float = 1_764_000_007.3
    skew: float = 0.0
    has_date: bool = True
    is_silent: Callable[[int], bool] = lambda call: False
    latency: Callable[[random.Random], float] = lambda chance: chance.uniform(0.005, 0.08)
    chance: random.Random = field(default_factory=lambda: random.Random(1))
    counts: Counter[int] = field(default_factory=Counter)
    refused: int = 0
    calls: int = 0

    @property
    def now(self) -> float:
        return self.time.now + self.ahead

    def answer(self) -> Mapping[str, str]:
        """The headers of one call's answer."""
        self.calls += 1
        window = int(self.now // SECONDS)
        self.counts[window] += 1
        self.refused += self.counts[window] > LIMIT
        said = {
            "limit": str(LIMIT),
            "left": str(max(0, LIMIT - self.counts[window])),
            "reset": str((window + 1) * SECONDS),
        }
        if self.has_date:
            said["Date"] = formatdate(int(self.now + self.skew), usegmt=True)
        return {} if self.is_silent(self.calls) else said

    async def serve(self, rules: Budget) -> None:
        """One call of a client with that budget, from its waiting to its answer."""
        call = await rules.take()
        try:
            await asyncio.sleep(self.latency(self.chance))
            headers = self.answer()
            await asyncio.sleep(self.latency(self.chance))
            await rules.end(call, headers)
        finally:
            await rules.end(call)

    def use(self, calls: int, abreast: int, rules: Budget | None = None) -> Budget:
        """Make so many calls, so many at a time."""
        budget = rules or Budget(NAMES)

        async def work() -> None:
            turns = iter(range(calls))

            async def take_turns() -> None:
                for _ in turns:
                    await self.serve(budget)

            await asyncio.gather(*(take_turns() for _ in range(abreast)))

        self.time.run(work())
        return budget

    def list_whole(self) -> list[int]:
        """Calls in each window but the first and the last."""
        return [self.counts[window] for window in sorted(self.counts)][1:-1]
