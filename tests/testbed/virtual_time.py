"""Time that passes only while everybody waits: hours of waiting take milliseconds, in an order that never varies."""

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, Self, TypeVar

import pytest

from unihire.outbound import budget, budget_store, tally

T = TypeVar("T")
TICK = 1e-9
"""Seconds that pass whenever the loop turns: without, a rest too small for a float would never pass."""


class VirtualTime:
    """Stands in for the module `time`, and runs on a loop of its own."""

    def __init__(self) -> None:
        self.now = 1000.0
        self._runner = asyncio.Runner(loop_factory=lambda: _Loop(self))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._runner.close()

    def monotonic(self) -> float:
        return self.now

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """The result of work whose sleeps, timeouts and budgets go by this time."""
        with pytest.MonkeyPatch.context() as patch:
            for module in (budget, budget_store, tally):
                patch.setattr(module, "time", self)
            return self._runner.run(work)


class _Loop(asyncio.SelectorEventLoop):
    def __init__(self, virtual: VirtualTime) -> None:
        super().__init__(_Selector(virtual))
        self._virtual = virtual

    def time(self) -> float:
        return self._virtual.now


class _Selector(selectors.SelectSelector):
    """Passes the time a loop wants to wait."""

    def __init__(self, virtual: VirtualTime) -> None:
        super().__init__()
        self._virtual = virtual

    def select(self, timeout: float | None = None) -> list[Any]:
        assert timeout is not None, "everybody waits, and for nothing"
        assert timeout < 3600, "a wait without end"
        self._virtual.now += max(timeout, 0) + TICK
        return super().select(0)
