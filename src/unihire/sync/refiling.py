"""Filter keys of earlier versions, rebuilt beside the running service: texts were compared as they were written.

A connector is looked over twice. The first time its records get the keys of now beside those they have, for programs of
the version before may be at work still and ask for those. An hour later all is looked over once more, what they saved
meanwhile among it, and the earlier keys are removed. Until then nothing is missed: who asks for a text asks for
both (store/record_keys.py). Records are read without a lock, a batch at a time. Only those are written that have other
keys, which few have, with the feed locked as for a page. After a kill it continues after the last batch that was noted.
"""

import time
from collections.abc import Iterator, Sequence
from datetime import timedelta
from itertools import chain
from typing import Any

import asyncpg

from unihire.errors import ConfigError
from unihire.integration.declare import Stream, has_deleted, list_values
from unihire.integration.registry import get_integration
from unihire.kit.logs import get_logger
from unihire.model import MODELS, FieldSpec, FilterMatch
from unihire.outbound.decoding import OBJECT, Undecodable, decode
from unihire.store import Pool
from unihire.store.accounts.tenancy import get_numbered
from unihire.store.feed import refiling
from unihire.store.feed.gate import Removed
from unihire.store.feed.refiling import Filed
from unihire.store.outages import is_outage
from unihire.store.record_keys import FilterKeys, MemberKeys, find_member_keys, name_member

log = get_logger()

BATCH = 500
LAST_AFTER = timedelta(hours=1)
AGAIN_AFTER = timedelta(minutes=10)
"""When a connector is looked over again that could not be."""

TEXT_FIELDS: dict[int, list[FieldSpec]] = {
    spec.number: fields
    for spec in MODELS.values()
    if (fields := [one for one in spec.filters if one.filter is not FilterMatch.ID])
}
"""The fields that are filtered by text, by model. Records of other models are found by ids alone, whose keys stay."""


async def refile_some(pool: Pool, seconds: float) -> None:
    """Rebuild keys for about so long; nothing is done where none are to be rebuilt."""
    end = time.monotonic() + seconds
    while (due := await refiling.find_due(pool, LAST_AFTER)) is not None:
        number: int = due["connector"]
        try:
            await _Refiling(pool, number, await _find_streams(pool, number), is_last=due["is_last"]).go_on(
                due["after"], end
            )
        except Removed:
            continue
        except Exception as error:
            if is_outage(error):
                raise
            log.exception("filter keys could not be rebuilt yet", number=number)
            await pool.execute(refiling.DEFER_REFILING, number, AGAIN_AFTER)
        if time.monotonic() > end:
            return


async def _find_streams(pool: Pool, number: int) -> dict[str, Stream]:
    """The connector's streams by name; none where its integration is gone."""
    connector = await get_numbered(pool, number)
    try:
        streams = () if connector is None else get_integration(connector.integration).streams
    except ConfigError:
        return {}
    return {stream.name: stream for stream in streams}


class _Refiling:
    """One connector's keys, rebuilt."""

    def __init__(self, pool: Pool, number: int, streams: dict[str, Stream], *, is_last: bool) -> None:
        self._pool = pool
        self._number = number
        self._streams = streams
        self._is_last = is_last
        self._filters = {
            model: [(field, FilterKeys(number, model, field)) for field in fields]
            for model, fields in TEXT_FIELDS.items()
        }
        self._members = {
            name: [(member, MemberKeys(number, name, member)) for member in stream.found_by]
            for name, stream in streams.items()
        }

    async def go_on(self, after: int, end: float) -> None:
        """Continue after a place in the feed, until `end` of time.monotonic() or of the feed."""
        while True:
            found = await self._pool.fetch(refiling.LIST_FILED, self._number, list(TEXT_FIELDS), after, BATCH)
            filed = list(self._find_filed(found))
            if filed:
                count = await refiling.refile(self._pool, self._number, filed)
                log.info("filter keys were rebuilt", number=self._number, records=count)
            if len(found) < BATCH:
                return await self._end()
            after = found[-1]["seq"]
            await self._pool.execute(refiling.NOTE_PROGRESS, self._number, after)
            if time.monotonic() > end:
                return None

    async def _end(self) -> None:
        for stream in self._streams.values():
            if stream.is_stored or has_deleted(stream):
                for member in stream.found_by:
                    await self._refile_member(stream.name, name_member(member))
        if self._is_last:
            await self._pool.execute(refiling.END_REFILING, self._number)
        else:
            await self._pool.execute(refiling.BEGIN_LAST, self._number, LAST_AFTER)

    def _find_filed(self, found: Sequence[asyncpg.Record]) -> Iterator[Filed]:
        for row in found:
            moved = dict(chain(self._list_fields(row), self._list_members(row)))
            if not moved:
                continue
            staying = [key for key in row["keys"] if not self._is_last or key not in moved]
            now = list(dict.fromkeys([*staying, *moved.values()]))
            if now != row["keys"]:
                yield Filed(row["id"], row["seq"], row["keys"], now)

    def _list_fields(self, row: asyncpg.Record) -> Iterator[tuple[int, int]]:
        """The earlier keys and today's, of what the record can be filtered by."""
        body = _read_object(row["body"])
        for field, keys in self._filters[row["model"]]:
            value = body.get(field.name)
            for text in value if isinstance(value, list) else [value]:
                if isinstance(text, str) and (moved := keys.find_moved(text)) is not None:
                    yield moved

    def _list_members(self, row: asyncpg.Record) -> Iterator[tuple[int, int]]:
        """The same of what the row is found by that the record was made of."""
        members = self._members.get(row["stream"])
        if not members:
            return
        data = _read_object(row["raw"])
        for member, keys in members:
            for text in list_values(data, member):
                if (moved := keys.find_moved(text)) is not None:
                    yield moved

    async def _refile_member(self, stream: str, name: str) -> None:
        found = await self._pool.fetch(refiling.LIST_MEMBER_KEYS, self._number, stream, name)
        moved = [
            (row["row_id"], row["key"], key) for row in found if (key := find_member_keys(row["key"])[0]) != row["key"]
        ]
        for start in range(0, len(moved), BATCH):
            await refiling.refile_members(self._pool, self._number, stream, name, moved[start : start + BATCH])


def _read_object(text: bytes) -> dict[str, Any]:
    """A stored body or row; an empty one where it cannot be read."""
    try:
        return decode(text, OBJECT)
    except Undecodable:
        return {}
