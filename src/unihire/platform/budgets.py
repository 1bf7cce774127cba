"""Budgets that are kept in the store: one for each connector, for all processes."""

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
"""Seconds before each further try: a database that is started anew is back by then."""

GIVE_UP_SECONDS = 10.0

KNOWN_SECONDS = 5.0
"""For so long what was kept last is taken to be the latest, and the server's clock to run like this process's."""


class _Shared:
    """What those of this process who use one connector's budget have in common.

    They go one after another, so that one at most asks the store, and know what one of them kept last.
    """

    def __init__(self) -> None:
        self.turn = asyncio.Lock()
        self._kept: StoredBudget | None = None
        self._kept_at = 0.0

    def recall(self) -> StoredBudget | None:
        """What was kept last, with the time as it is now."""
        elapsed = time.monotonic() - self._kept_at
        if self._kept is None or elapsed > KNOWN_SECONDS:
            return None
        return replace(self._kept, now=self._kept.now + elapsed)

    def note(self, kept: StoredBudget | None) -> None:
        self._kept, self._kept_at = kept, time.monotonic()


_shared: WeakValueDictionary[tuple[Pool, int], _Shared] = WeakValueDictionary()


class StoredBudgets:
    """A BudgetStore (see outbound/keeping.py) for one connector.

    Nothing is locked while the work is done: a process that is paused or killed in the middle of it stops nobody. The
    state is saved if it still is what was read, or kept here last, or else it is read and the work done again.
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
                    raise BudgetUnavailable("the database, which keeps the rate budget, does not answer") from error
                await asyncio.sleep(pause)

    async def _try(self, work: Callable[[BudgetState, float], T]) -> T:
        known = self._shared.recall()
        self._shared.note(None)  # what becomes of it is not known where this is cut off
        while True:
            kept = known or await budgets.read_budget(self._pool, self._number)
            state = read_state(kept.state)
            made = work(state, kept.now)
            changed = msgspec.msgpack.encode(state)
            if changed != kept.state:
                saved = await budgets.replace_budget(self._pool, self._number, kept.version, changed)
                if saved is not None:
                    self._shared.note(saved)
                    return made
                if kept.version == 0 and await self._is_unknown():
                    return made
                await asyncio.sleep(0 if known else random.uniform(0, 0.005))  # noqa: S311
            elif known is None:
                self._shared.note(kept)
                return made
            known = None

    async def _is_unknown(self) -> bool:
        """Whether the connector is gone: then nothing can be kept, and the work stands."""
        return (await budgets.read_budget(self._pool, self._number)).version == 0
