"""Budgets that are kept in the store: one for each connector, for all processes."""

import asyncio
import random
import time
from collections.abc import Callable
from typing import TypeVar
from uuid import UUID
from weakref import WeakValueDictionary

import msgspec

from unihire.outbound.keeping import BudgetState, BudgetUnknown
from unihire.store import Pool
from unihire.store.accounts import budgets
from unihire.store.accounts.budgets import KeptBudget
from unihire.store.connections import LOST

T = TypeVar("T")

TRY_SECONDS = 5.0
"""How long one change may take; who holds the last connection of the pool may be waiting for this very call."""

PAUSES = (0.0, 0.1, 0.2, 0.5, 1.0, 2.0, 4.0)
"""Seconds before each further try: a database that is started anew is back by then."""

GIVE_UP_SECONDS = 10.0

_turns: WeakValueDictionary[UUID, asyncio.Lock] = WeakValueDictionary()
"""Those of this process who use one connector's budget go one after another, so that one at most asks the store."""


class StoredBudgets:
    """A BudgetKeeper (see outbound/keeping.py) for one connector.

    Nothing is locked while the work is done: a process that is paused or killed in the middle of it stops nobody. The
    state is saved if it still is what was read, or else the work is done again.
    """

    def __init__(self, pool: Pool, *, connector: UUID, number: int) -> None:
        self._pool = pool
        self._connector = connector
        self._number = number

    async def change(self, work: Callable[[BudgetState, float], T]) -> T:
        turn = _turns.setdefault(self._connector, asyncio.Lock())
        give_up_at, pauses = time.monotonic() + GIVE_UP_SECONDS, iter(PAUSES)
        while True:
            try:
                async with asyncio.timeout(TRY_SECONDS), turn:
                    return await self._try(work)
            except LOST as error:  # or it took too long: TimeoutError is an OSError
                pause = next(pauses, None)
                if pause is None or time.monotonic() + pause > give_up_at:
                    raise BudgetUnknown("the database, which keeps the rate budget, does not answer") from error
                await asyncio.sleep(pause)

    async def _try(self, work: Callable[[BudgetState, float], T]) -> T:
        while True:
            kept = await budgets.read_budget(self._pool, self._number)
            state = _decode(kept)
            made = work(state, kept.now)
            changed = msgspec.msgpack.encode(state)
            if changed == kept.state or await self._save(kept.version, changed):
                return made
            await asyncio.sleep(random.uniform(0, 0.005))  # noqa: S311

    async def _save(self, version: int, state: bytes) -> bool:
        """Whether the work stands; it does, too, where the connector is gone and nothing can be kept."""
        if await budgets.replace_budget(self._pool, self._number, version, state):
            return True
        return version == 0 and (await budgets.read_budget(self._pool, self._number)).version == 0


def _decode(kept: KeptBudget) -> BudgetState:
    """As it was saved; unknown where another version of this program saved it in another shape."""
    try:
        return BudgetState() if kept.state is None else msgspec.msgpack.decode(kept.state, type=BudgetState)
    except msgspec.DecodeError:
        return BudgetState()
