"""What an operation writes: each thing once, and known again where its answer was lost.

A write that was not answered is looked for among the rows the vendor shows. Taken for it is only a row that
- was not there before the sending: the rows that look the same are listed before it, unless their parent was made by
  this very call;
- no other write made: every write notes its row in the store, where a row belongs to one of them;
- shows all that was sent.
While another write to the same list is under way, a row may be its, and nothing is taken, unless the vendor takes the
same thing only once. A repeat that such a vendor refuses finds what an earlier try made. What is not found so is
reported to the caller as perhaps made: sending it again could create it twice.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Protocol
from urllib.parse import urlencode
from uuid import UUID, uuid4

import msgspec

from unihire.errors import (
    AddressRefused,
    Conflict,
    PermissionMissing,
    ReauthorizeNeeded,
    ReferenceMissing,
    RetryLater,
    Unanswered,
    VendorError,
    VendorRefused,
)
from unihire.integration.declare import Integration, find_member
from unihire.integration.operate import Trace, VendorCall
from unihire.integration.vendor_row import VendorRow
from unihire.kit.logs import get_logger
from unihire.kit.text import is_id
from unihire.outbound.client import VendorClient
from unihire.outbound.decoding import ANYTHING, Undecodable, decode
from unihire.outbound.paging import VendorResponse
from unihire.outbound.streamed_body import encode_json
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

_NOT_DONE = (VendorRefused, PermissionMissing, ReauthorizeNeeded, ReferenceMissing, RetryLater, AddressRefused)
"""What a call raises that did nothing."""


class NothingMade(VendorError):
    """Looking for what a write may have made found nothing."""


SaveSteps = Callable[[Mapping[str, WriteStep]], Awaitable[None]]


class StepNotes(Protocol):
    """Stores the steps of a call by one statement with what is noted of the write that a step is."""

    async def open(self, steps: Mapping[str, WriteStep], write: UUID, stream: str) -> bool:
        """Before it is sent; on disk when this returns. False: the connector is gone."""
        ...

    async def note_row(self, steps: Mapping[str, WriteStep], write: UUID, row_id: str) -> None:
        """When its row is known."""
        ...


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
        notes: StepNotes | None = None,
        looks_only: bool = False,
    ) -> None:
        """Without `notes` the steps and what is noted of a write are stored one after the other.

        With `looks_only` nothing is sent: what an earlier try has not made raises NothingMade.
        """
        self._notes = notes
        self._looks_only = looks_only
        self._pool = pool
        self._client = client
        self._connector = connector
        self._integration = integration
        self._steps = steps
        self._save_steps = save_steps
        self._planned: list[str] = []
        self.refused: dict[str, VendorError] = {}
        """The parts that were refused without which the rest stands, by their steps."""
        self._fresh: set[str] = set()
        self._marks: dict[str, UUID] = {}

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

    def mark(self, step: str) -> str:
        """The id of the write that the step is, or will be when it is sent."""
        done = self._steps.get(step)
        if done is not None:
            return str(done.write)
        return str(self._marks.setdefault(step, uuid4()))

    async def make(self, step: str, call: VendorCall, *, stream: str, trace: Trace) -> VendorRow:
        """The row of the thing: made by an earlier try, found, or made now."""
        done = self._steps.get(step)
        if done is not None and done.row is not None:
            return VendorRow(stream, done.row)
        row = None
        if done is not None:
            row, unclear = await self._find_lost(stream, done, trace, LOOK_PAUSES)
            if unclear is not None:
                raise Unanswered(f"{call.name}: an earlier try sent it, and {unclear}; {ADVICE}")
        if row is None:
            self._check_sending(call)
            row = await self._write(step, call, stream, trace, earlier=done)
        self._fresh.add(step)
        await self._note_row(step, row)
        return row

    async def bring(
        self, step: str, call: VendorCall, *, stream: str, id: str, holds: Callable[[], Awaitable[bool]]
    ) -> None:
        """Bring a row into a state: it is by an earlier try, or is brought into it now."""
        done = self._steps.get(step)
        if done is not None and done.row is not None:
            return
        is_there = done is not None and await self._look_whether(holds, LOOK_PAUSES)
        if not is_there:
            self._check_sending(call)
            await self._change(step, call, holds, was_sent=done is not None)
        await self._note_row(step, VendorRow(stream, {"id": id}))

    async def _change(
        self, step: str, call: VendorCall, holds: Callable[[], Awaitable[bool]], *, was_sent: bool
    ) -> None:
        """Send a change; where its answer is lost and it does not hold, once more."""
        self._steps[step] = WriteStep(sent_at=self._client.clock.now())
        await self._save_steps(self._steps)
        for is_last in (False, True):
            try:
                answer = await self._send(call)
            except _NOT_DONE:
                if was_sent and await self._look_whether(holds, LOOK_PAUSES[:1]):
                    return  # an earlier one that was not answered did it
                del self._steps[step]
                await self._save_steps(self._steps)
                raise
            except Unanswered as error:
                was_sent = True
                if await self._look_whether(holds, LOOK_PAUSES):
                    return
                if is_last:
                    words = f"{error}, and the change is not there yet; {ADVICE}"
                    raise Unanswered(words, status=error.status, body=error.body) from error
            else:
                self._check_words(answer, call)
                return

    def _check_sending(self, call: VendorCall) -> None:
        if self._looks_only:
            raise NothingMade(f"{call.name}: nothing that it made is there")

    def _check_words(self, answer: VendorResponse, call: VendorCall) -> None:
        """Raises VendorRefused for a 2xx answer that says no in words."""
        if self._integration.is_refusal is None or not answer.body:
            return
        try:
            said = decode(answer.body, ANYTHING)
        except Undecodable:
            return
        if self._integration.is_refusal(said):
            words = f"{call.name}: the vendor answers {answer.status}, and refuses"
            raise VendorRefused(words, status=answer.status, body=answer.body)

    async def _look_whether(self, holds: Callable[[], Awaitable[bool]], pauses: Iterable[float]) -> bool:
        """Whether a state is there, looked for after each pause; that it cannot be seen means no."""
        for pause in pauses:
            await asyncio.sleep(pause)
            try:
                if await holds():
                    return True
            except PermissionMissing:
                return False
        return False

    async def send_aside(self, step: str, call: VendorCall) -> VendorResponse:
        """What is harmless when it is sent twice: it is not noted, and a repeat sends it again."""
        if self._looks_only:
            return VendorResponse(200, {}, call.example_answer)
        for is_last in (False, True):
            try:
                return await self._send(call)
            except Unanswered as error:
                if is_last:
                    raise RetryLater(f"{call.name}: no answer to a part that stands alone") from error
        raise AssertionError("the last try returns or raises")

    def note_refused(self, step: str, error: VendorError) -> None:
        """Remember that a part was refused without which the rest stands."""
        self.refused[step] = error

    async def _write(
        self, step: str, call: VendorCall, stream: str, trace: Trace, *, earlier: WriteStep | None
    ) -> VendorRow:
        """Send it. `earlier` is how an earlier try sent it, of which nothing was found."""
        sent = await self._look_before(stream, trace)
        if (mark := self._marks.get(step)) is not None:
            sent.write = mark
        self._steps[step] = sent
        if not await self._open(sent.write, stream):
            raise Conflict("The connector was removed meanwhile")
        try:
            return self._read_made(await self._send(call), call, stream)
        except _NOT_DONE as error:
            if earlier is not None and _is_there_already(trace, error):
                return await self._find_earlier(step, call, stream, trace, sent, earlier, error)
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

    async def _open(self, write: UUID, stream: str) -> bool:
        """Store the steps, and that one is about to be sent. False: the connector is gone."""
        if self._notes is not None:
            return await self._notes.open(self._steps, write, stream)
        await self._save_steps(self._steps)
        return await writes.open_write(self._pool, self._connector.number, write, stream)

    async def _find_earlier(
        self,
        step: str,
        call: VendorCall,
        stream: str,
        trace: Trace,
        sent: WriteStep,
        earlier: WriteStep,
        error: Exception,
    ) -> VendorRow:
        """What an earlier try made, as the vendor refuses a second one. Raises Unanswered where it is not seen yet."""
        sent = msgspec.structs.replace(sent, since=earlier.since, before=earlier.before)
        self._steps[step] = sent
        await writes.close_write(self._pool, self._connector.number, sent.write)
        await self._save_steps(self._steps)
        found, unclear = await self._find_lost(stream, sent, trace, ACCEPTED_PAUSES)
        if found is not None:
            return found
        words = f"{call.name}: the vendor says that an earlier try made it, and {unclear or 'it is not seen yet'}"
        raise Unanswered(f"{words}; {ADVICE}") from error

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
            # What a vendor takes once is no other write's of the same: that one is refused.
            can_be_others = bool(free) and trace.is_there is None
            is_unsure = can_be_others and await writes.has_open(self._pool, connector, stream, sent.write)
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
            if self._notes is not None:
                await self._notes.note_row(self._steps, done.write, id_of(row) or "")
                return
            await writes.set_row(self._pool, self._connector.number, done.write, id_of(row) or "")
            await self._save_steps(self._steps)
        except UNAVAILABLE as error:
            log.warning("what was made could not be noted", step=step, kind=type(error).__name__)

    async def _send(self, call: VendorCall) -> VendorResponse:
        client, acting_as = self._client, call.acting_as
        if acting_as is not None and self._integration.acting_credential is not None:
            client = client.act_as({self._integration.acting_credential: acting_as})
        path = client.target.locate(call.path) + (f"?{urlencode(call.query)}" if call.query else "")
        body = encode_json(call.body) if isinstance(call.body, dict) else call.body
        headers = {**({} if body is None else {"Content-Type": call.content_type}), **call.headers}
        if call.url is not None:
            return await client.send_elsewhere(call.method, call.url, body, headers, of=call.name)
        key = self._integration.write_key if call.by_key else None
        try:
            return await client.send(call.method, path, body, headers=headers, by_key=key)
        except ReauthorizeNeeded as error:
            if client is self._client:
                raise
            await self._client.check()  # it raises where it is not the user that is refused
            raise ReferenceMissing(f"{call.name}: the vendor lets nobody act as user {acting_as}") from error

    def _read_made(self, answer: VendorResponse, call: VendorCall, stream: str) -> VendorRow:
        """The row in a 2xx answer. Raises VendorRefused where it says no in words, Unanswered where it has no row."""
        try:
            said = decode(answer.body, ANYTHING) if answer.body else None
        except Undecodable as error:
            raise Unanswered(f"{call.name}: sent, and the answer cannot be decoded: {error}") from error
        if call.item is not None:
            said = find_member(said, call.item) if isinstance(said, dict) else None
        if isinstance(said, dict) and id_of(row := VendorRow(stream, said)) is not None:
            return row
        words = f"{call.name}: the vendor answers {answer.status}"
        if self._integration.is_refusal is not None and self._integration.is_refusal(said):
            raise VendorRefused(f"{words}, and refuses", status=answer.status, body=answer.body)
        is_accepted = self._integration.is_acceptance is not None and self._integration.is_acceptance(said)
        raise Unanswered(
            f"{words} without the row it made", status=answer.status, body=answer.body, is_accepted=is_accepted
        )


def _is_there_already(trace: Trace, error: Exception) -> bool:
    return trace.is_there is not None and isinstance(error, VendorRefused) and trace.is_there(error.body)


def id_of(row: VendorRow) -> str | None:
    """The vendor's id of a row as text; None for what can be none."""
    id = row.find_value("id")
    text = str(id) if isinstance(id, int) and not isinstance(id, bool) else id
    return text if is_id(text) else None


def list_ids(rows: Iterable[VendorRow]) -> list[str]:
    return [id for row in rows if (id := id_of(row)) is not None]
