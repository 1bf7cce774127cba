"""Rate budgets in PostgreSQL: one for each connector, for all processes."""

import asyncio
import random
import time
from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar
from weakref import WeakValueDictionary

import msgspec

from unihire.outbound.budget_store import BudgetState, BudgetUnavailable, read_state
from unihire.store import Pool
from unihire.store.accounts import budgets
from unihire.store.accounts.budgets import StoredBudget
from unihire.store.connections import LOST

T = TypeVar("T")

TRY_SECONDS = 5.0
"""How long one change may take; who holds the last connection of the pool may be waiting for this very call."""

PAUSES = (0.0, 0.1, 0.2, 0.5, 1.0, 2.0, 4.0)
"""Seconds before each further try: a restarted database answers again by then."""

GIVE_UP_SECONDS = 10.0

KNOWN_SECONDS = 5.0
"""For so long the state that this process saved last counts as the latest, and the server's clock as running like its
own."""


class _Shared:
    """What those of this process who use one connector's budget have in common.

    They take turns, so that at most one reads the store, and share the state that one of them saved last.
    """

    def __init__(self) -> None:
        self.turn = asyncio.Lock()
        self._latest: StoredBudget | None = None
        self._latest_at = 0.0

    def recall(self) -> StoredBudget | None:
        """The state that was saved last, with the time as it is now."""
        elapsed = time.monotonic() - self._latest_at
        if self._latest is None or elapsed > KNOWN_SECONDS:
            return None
        return replace(self._latest, now=self._latest.now + elapsed)

    def note(self, stored: StoredBudget | None) -> None:
        self._latest, self._latest_at = stored, time.monotonic()


_shared: WeakValueDictionary[tuple[Pool, int], _Shared] = WeakValueDictionary()


class StoredBudgets:
    """A BudgetStore (see outbound/budget_store.py) for one connector.

    Nothing is locked while the work is done: a process that is paused or killed in the middle of it stops nobody. The
    state is saved if the stored one is still the one that was read, or saved here last; else it is read and the work
    done again.
    """

    def __init__(self, pool: Pool, *, number: int) -> None:
        self._pool = pool
        self._number = number
        self._shared = _shared.setdefault((pool, number), _Shared())

    async def change(self, work: Callable[[BudgetState, float], T]) -> T:
        give_up_at, pauses = time.monotonic() + GIVE_UP_SECONDS, iter(PAUSES)
        while True:
            try:
                async with asyncio.timeout(TRY_SECONDS), self._shared.turn:
                    return await self._try(work)
            except LOST as error:  # or it took too long: TimeoutError is an OSError
                pause = next(pauses, None)
                if pause is None or time.monotonic() + pause > give_up_at:
                    raise BudgetUnavailable("the database, which stores the rate budget, does not answer") from error
                await asyncio.sleep(pause)

    async def _try(self, work: Callable[[BudgetState, float], T]) -> T:
        known = self._shared.recall()
        self._shared.note(None)  # what becomes of it is not known where this is cut off
        while True:
            stored = known or await budgets.read_budget(self._pool, self._number)
            state = read_state(stored.state)
            made = work(state, stored.now)
            changed = msgspec.msgpack.encode(state)
            if changed != stored.state:
                saved = await budgets.replace_budget(self._pool, self._number, stored.version, changed)
                if saved is not None:
                    self._shared.note(saved)
                    return made
                if stored.version == 0 and await self._is_unknown():
                    return made
                await asyncio.sleep(0 if known else random.uniform(0, 0.005))  # noqa: S311
            elif known is None:
                self._shared.note(stored)
                return made
            known = None

    async def _is_unknown(self) -> bool:
        """Whether the connector is gone: then nothing can be stored, and the work is done all the same."""
        return (await budgets.read_budget(self._pool, self._number)).version == 0
