"""Deliveries written down: those of a connector that come while others are being written, together."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import asyncpg

from unihire.store import Pool
from unihire.store.commits import INSIST_ON_COMMIT
from unihire.store.events.inbox import WrittenTouch, insert_deliveries, touch_rows

MOST_AT_ONCE = 500
"""Deliveries that one transaction writes."""


class HookGone(Exception):
    """The connector was removed meanwhile."""


@dataclass(slots=True, eq=False)
class _Entry:
    event: bytes
    touches: Sequence[WrittenTouch]
    written: "asyncio.Future[bool]"


class DeliveryWriter:
    """Writes deliveries down, of a connector one transaction at a time: a burst waits for the disk a few times."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._waiting: dict[int, list[_Entry]] = {}
        self._writing: dict[int, asyncio.Task[None]] = {}

    async def write(self, connector: int, event: bytes, touches: Sequence[WrittenTouch]) -> bool:
        """Whether the event is new; with what it touches it is on the disk when this returns.

        Raises HookGone, and what the database raises: then it may be there or not.
        """
        entry = _Entry(event, touches, asyncio.get_running_loop().create_future())
        self._waiting.setdefault(connector, []).append(entry)
        if connector not in self._writing:
            self._writing[connector] = asyncio.create_task(self._write_waiting(connector))
        return await entry.written

    async def _write_waiting(self, connector: int) -> None:
        try:
            while waiting := self._waiting.pop(connector, None):
                some, left = waiting[:MOST_AT_ONCE], waiting[MOST_AT_ONCE:]
                if left:
                    self._waiting[connector] = left + self._waiting.pop(connector, [])
                await self._write_some(connector, some)
        finally:
            del self._writing[connector]

    async def _write_some(self, connector: int, entries: Sequence[_Entry]) -> None:
        try:
            new = await self._store(connector, entries)
        except asyncpg.ForeignKeyViolationError:
            _fail(entries, HookGone())
        except Exception as error:  # noqa: BLE001 - whoever waits for one of them raises it
            _fail(entries, error)
        else:
            for entry in entries:
                if not entry.written.done():
                    entry.written.set_result(entry.event in new)
                new.discard(entry.event)

    async def _store(self, connector: int, entries: Sequence[_Entry]) -> set[bytes]:
        """Write entries down; the events that are new."""
        async with self._pool.acquire() as connection, connection.transaction():
            await connection.execute(INSIST_ON_COMMIT)
            new = await insert_deliveries(connection, connector, [entry.event for entry in entries])
            touched: dict[tuple[str, str, str], WrittenTouch] = {}
            for entry in entries:
                for touch in entry.touches if entry.event in new else ():
                    before = touched.get(touch[:3])
                    is_wide = touch.is_wide or (before is not None and before.is_wide)
                    touched[touch[:3]] = touch._replace(is_wide=is_wide)
            if touched:
                await touch_rows(connection, connector, list(touched.values()))
        return new


def _fail(entries: Sequence[_Entry], error: Exception) -> None:
    for entry in entries:
        if not entry.written.done():
            entry.written.set_exception(error)
