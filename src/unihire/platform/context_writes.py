"""What an operation writes: each thing once, and known again where its answer was lost.

A write that was not answered is looked for among the rows the vendor shows. Taken for it is only a row that
- was not there before the sending: the rows that look the same are listed before it, unless their parent was made by
  this very call;
- no other write made: every write notes its row in the store, where a row belongs to one of them;
- shows all that was sent.
While another write to the same list is under way, a row may be its, and nothing is taken. What is not found so is
reported to the caller as perhaps made: sending it again could create it twice.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import msgspec

from unihire.errors import (
    AddressRefused,
    Conflict,
    PermissionMissing,
    ReauthorizeNeeded,
    ReferenceMissing,
    RetryLater,
    Unanswered,
    VendorRefused,
)
from unihire.integration.declare import Data, Integration
from unihire.integration.operate import Trace
from unihire.integration.vendor_row import VendorRow
from unihire.kit.logs import get_logger
from unihire.kit.text import is_id
from unihire.outbound.client import VendorClient
from unihire.outbound.decoding import ANYTHING, Undecodable, decode
from unihire.outbound.paging import VendorResponse
from unihire.store import Pool
from unihire.store.accounts.tenancy import Connector
from unihire.store.calls import writes
from unihire.store.calls.operations import WriteStep
from unihire.store.connections import UNAVAILABLE

log = get_logger()

LOOK_BACK = timedelta(minutes=2)
"""How far apart the clocks of a vendor may be that its `Date` and its rows are written by."""

LOOK_PAUSES = (0.0, 1.0, 3.0)
"""Seconds before each look for what a write has made whose answer was lost."""

ACCEPTED_PAUSES = (0.0, 1.0, 2.0, 4.0, 8.0, 15.0)
"""Seconds before each look for what a vendor is making that has only said that it will."""

ADVICE = "repeat the call under its idempotency key, or look first"

SaveSteps = Callable[[Mapping[str, WriteStep]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class WriteProgress:
    """How far the writes of a call came, by their steps: `made` has the ids of what is there, `unsure` may be there."""

    made: dict[str, Any] = field(default_factory=dict)
    unsure: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)

    @property
    def has_begun(self) -> bool:
        return bool(self.made or self.unsure)


class Writes:
    """The writes of one call. `steps` are those an earlier try of the call has made or sent."""

    def __init__(
        self,
        *,
        pool: Pool,
        client: VendorClient,
        connector: Connector,
        integration: Integration,
        steps: dict[str, WriteStep],
        save_steps: SaveSteps,
    ) -> None:
        self._pool = pool
        self._client = client
        self._connector = connector
        self._integration = integration
        self._steps = steps
        self._save_steps = save_steps
        self._planned: list[str] = []
        self._fresh: set[str] = set()

    def plan(self, steps: Iterable[str]) -> None:
        self._planned = list(steps)

    def report_progress(self) -> WriteProgress:
        """How far the writes that were planned came."""
        progress = WriteProgress()
        for step in dict.fromkeys((*self._steps, *self._planned)):
            done = self._steps.get(step)
            if done is None:
                progress.missing.append(step)
            elif done.row is None:
                progress.unsure.append(step)
            else:
                progress.made[step] = done.row["id"]
        return progress

    async def make(
        self, step: str, path: str, body: Data, *, stream: str, trace: Trace, acting_as: int | None
    ) -> VendorRow:
        """The row of the thing: made by an earlier try, found, or made now."""
        done = self._steps.get(step)
        if done is not None and done.row is not None:
            return VendorRow(stream, done.row)
        row = None
        if done is not None:
            row, unclear = await self._find_lost(stream, done, trace, LOOK_PAUSES)
            if unclear is not None:
                raise Unanswered(f"POST {path}: an earlier try sent it, and {unclear}; {ADVICE}")
        if row is None:
            row = await self._write(step, path, body, stream, trace, acting_as)
        self._fresh.add(step)
        await self._note_row(step, row)
        return row

    async def _write(
        self, step: str, path: str, body: Data, stream: str, trace: Trace, acting_as: int | None
    ) -> VendorRow:
        sent = await self._look_before(stream, trace)
        self._steps[step] = sent
        await self._save_steps(self._steps)
        if not await writes.open_write(self._pool, self._connector.number, sent.write, stream):
            raise Conflict("The connector was removed meanwhile")
        try:
            return await self._send(path, body, stream, acting_as)
        except (VendorRefused, PermissionMissing, ReauthorizeNeeded, ReferenceMissing, RetryLater, AddressRefused):
            del self._steps[step]  # it made nothing, so a repeat may try again
            await writes.drop_write(self._pool, self._connector.number, sent.write)
            await self._save_steps(self._steps)
            raise
        except Unanswered as error:
            await writes.close_write(self._pool, self._connector.number, sent.write)
            pauses = ACCEPTED_PAUSES if error.is_accepted else LOOK_PAUSES
            found, unclear = await self._find_lost(stream, sent, trace, pauses)
            if found is not None:
                return found
            words = f"{error}, and {unclear or 'nothing that it made is there yet'}; {ADVICE}"
            raise Unanswered(words, status=error.status, body=error.body) from error

    async def _look_before(self, stream: str, trace: Trace) -> WriteStep:
        """What is known of a write before it is sent: since when to look for it, and what looks the same already."""
        now, skew = self._client.clock.now(), self._client.skew
        since = now - skew - LOOK_BACK
        if trace.within in self._fresh:
            return WriteStep(sent_at=now, since=since)
        try:
            rows = await trace.look(since)
            if abs(self._client.skew - skew) > LOOK_BACK / 2:  # only now it is known how the clocks differ
                since = now - self._client.skew - LOOK_BACK
                rows = await trace.look(since)
        except PermissionMissing:
            return WriteStep(sent_at=now, since=since, before=None)  # so it cannot be looked for afterwards either
        return WriteStep(sent_at=now, since=since, before=list_ids(rows))

    async def _find_lost(
        self, stream: str, sent: WriteStep, trace: Trace, pauses: Iterable[float]
    ) -> tuple[VendorRow | None, str | None]:
        """The row a write made, looked for after each pause, as it may show only after a while; or why it may be there.

        Neither where it is not there.
        """
        if sent.before is None:
            return None, f"the credentials may not list {stream}, so it cannot be looked for"
        connector, is_unsure = self._connector.number, False
        for pause in pauses:
            await asyncio.sleep(pause)
            rows = await trace.look(sent.since or sent.sent_at - LOOK_BACK)
            new = {id: row for row in rows if (id := id_of(row)) is not None and id not in sent.before}
            taken = await writes.list_taken(self._pool, connector, stream, new, sent.write) if new else set()
            free = [(id, row) for id, row in new.items() if id not in taken]
            is_unsure = bool(free) and await writes.has_open(self._pool, connector, stream, sent.write)
            if is_unsure:
                continue
            for id, row in free:
                is_it = trace.confirm is None or await trace.confirm(row)
                if is_it and await writes.set_row(self._pool, connector, sent.write, id):
                    return row, None
        return None, f"a row of {stream} is its, or that of another call under way" if is_unsure else None

    async def _note_row(self, step: str, row: VendorRow) -> None:
        """Remember what was made. It is made, whatever the store says: its errors are logged."""
        done = self._steps[step]
        self._steps[step] = msgspec.structs.replace(done, row=row.data)
        try:
            await writes.set_row(self._pool, self._connector.number, done.write, id_of(row) or "")
            await self._save_steps(self._steps)
        except UNAVAILABLE as error:
            log.warning("what was made could not be noted", step=step, kind=type(error).__name__)

    async def _send(self, path: str, body: Data, stream: str, acting_as: int | None) -> VendorRow:
        client = self._client
        if acting_as is not None and self._integration.acting_credential is not None:
            client = client.act_as({self._integration.acting_credential: str(acting_as)})
        try:
            answer = await client.send("POST", client.target.locate(path), msgspec.json.encode(body))
        except ReauthorizeNeeded as error:
            if client is self._client:
                raise
            await self._client.check()  # it raises where it is not the user that is refused
            raise ReferenceMissing(f"POST {path}: the vendor lets nobody act as user {acting_as}") from error
        return self._read_made(answer, path, stream)

    def _read_made(self, answer: VendorResponse, path: str, stream: str) -> VendorRow:
        """The row in a 2xx answer. Raises VendorRefused where it says no in words, Unanswered where it has no row."""
        try:
            said = decode(answer.body, ANYTHING) if answer.body else None
        except Undecodable as error:
            raise Unanswered(f"POST {path}: sent, and the answer cannot be decoded: {error}") from error
        if isinstance(said, dict) and id_of(row := VendorRow(stream, said)) is not None:
            return row
        words = f"POST {path}: the vendor answers {answer.status}"
        if self._integration.is_refusal is not None and self._integration.is_refusal(said):
            raise VendorRefused(f"{words}, and refuses", status=answer.status, body=answer.body)
        is_accepted = self._integration.is_acceptance is not None and self._integration.is_acceptance(said)
        raise Unanswered(
            f"{words} without the row it made", status=answer.status, body=answer.body, is_accepted=is_accepted
        )


def id_of(row: VendorRow) -> str | None:
    """The vendor's id of a row as text; None for what can be none."""
    id = row.find_value("id")
    text = str(id) if isinstance(id, int) and not isinstance(id, bool) else id
    return text if is_id(text) else None


def list_ids(rows: Iterable[VendorRow]) -> list[str]:
    return [id for row in rows if (id := id_of(row)) is not None]
