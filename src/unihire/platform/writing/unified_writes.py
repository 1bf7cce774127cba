"""Writes through the unified API: each checked, noted, done once, read back, and answered with the record."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from unihire.errors import (
    ApiError,
    BadRequest,
    Conflict,
    Invalid,
    NotFound,
    NotNow,
    ReauthorizeNeeded,
    RetryLater,
    ScopeMissing,
    Unsupported,
    VendorError,
    shorten,
)
from unihire.integration.declare import Integration
from unihire.integration.registry import get_integration, list_unwritable, list_writes, list_writing
from unihire.integration.scopes import find_granted, list_missing
from unihire.integration.vendor_row import VendorRow
from unihire.integration.write import Given, Write
from unihire.kit.clock import parse_moment, to_micros
from unihire.kit.file_contents import FileBytes
from unihire.kit.ids import new_ordered_id
from unihire.kit.logs import get_logger
from unihire.model import INPUTS, MODELS, ModelSpec
from unihire.outbound.client import VendorClient
from unihire.platform.access import Scope
from unihire.platform.clients import Clients
from unihire.platform.context_live import LiveContext
from unihire.platform.context_writes import NothingMade, WriteProgress
from unihire.platform.inputs import LONGEST_KEY, find_text_fault
from unihire.platform.operations import LONGEST
from unihire.platform.read_back import read_back
from unihire.platform.reads import Reader, RecordView
from unihire.platform.writing import body_checks, outcomes
from unihire.platform.writing.body_schema import ACTOR
from unihire.platform.writing.planning import DryContext
from unihire.platform.writing.sent_files import Files
from unihire.store import Pool
from unihire.store.accounts.tenancy import Connector, describe_act
from unihire.store.audit import Act
from unihire.store.calls import requested_writes as store
from unihire.store.calls.operations import WriteStep
from unihire.store.calls.requested_writes import Begun, NewWrite, StoredWrite, WriteEnd
from unihire.store.connections import UNAVAILABLE
from unihire.store.events.notices import NewNotice, NoticeKind
from unihire.store.record_keys import derive_ids

log = get_logger()

WAIT_SECONDS = 30.0
"""How long a queued write waits that the vendor cannot take now, where it does not say."""

TAKEN_PAUSE = timedelta(seconds=5)
"""Before it is looked again at a queued write that somebody else does."""

_CLAIM = LONGEST + timedelta(seconds=20)
"""For how long nobody else takes up a write that a process is at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteRequest:
    """A write that a caller asks for.

    `data` is the body, JSON; where it has the hash of a file, `file` is its content. `target` is our id of the record
    that is changed, and `within` names the field that has it where a new thing belongs to it. `expected` is the
    record's modified_at as the caller knows it.
    """

    connector: Connector
    scope: Scope
    model: ModelSpec
    verb: str
    data: Any
    target: str | None = None
    within: str | None = None
    key: str | None = None
    asked_by: UUID | None = None
    expected: str | None = None
    shows_vendor: bool = False
    file: FileBytes | None = None
    actor: str | None = None
    """The vendor's id of the user who acts where the body names nobody; the connector's where nothing is said."""

    @property
    def default_actor(self) -> str | None:
        return self.actor or self.connector.acting_user

    @property
    def name(self) -> str:
        return f"{self.model.name}.{self.verb}"


@dataclass(frozen=True, slots=True)
class WriteAnswer:
    """What the caller is answered: a JSON object. `is_repeat`: it was done before, under the same key."""

    body: bytes
    is_repeat: bool = False


class UnifiedWrites:
    """Does writes on connectors. `keeps_bodies`: what was sent stays in the log when a write is over."""

    def __init__(
        self, pool: Pool, clients: Clients, reader: Reader, files: Files, *, keeps_bodies: bool = False
    ) -> None:
        self._pool = pool
        self._clients = clients
        self._reader = reader
        self._files = files
        self._keeps_bodies = keeps_bodies

    async def write(self, request: WriteRequest) -> WriteAnswer:
        """Do a write now.

        Raises Unsupported with the vendor's reason; Invalid, NotFound and Conflict before anything reached the vendor;
        after that Invalid, Forbidden, Conflict, NotNow and Uncertain, whose members say how far it came. Killed at any
        moment, a repeat under the same key goes on after the steps that are done.
        """
        write, data = self._check(request)
        repeated = await self._find_repeated(request)
        if repeated is not None:
            return repeated
        given = await self._prepare(request, write, data)
        begun = await self._begin(request, given, status=outcomes.RUNNING)
        return begun if isinstance(begun, WriteAnswer) else await self._do(request, write, given, begun)

    async def plan(self, request: WriteRequest) -> bytes:
        """What a write would send, as JSON, with everything checked that can be; nothing is written."""
        write, data = self._check(request)
        given = await self._prepare(request, write, data)
        async with self._clients.use(request.connector) as client:
            live = self._open_context(request.connector, client, {}, None)
            context = DryContext(live)
            try:
                self._check_grant(request, write, given, live)
                async with asyncio.timeout(LONGEST.total_seconds()):
                    await write.run(context, given)
            except VendorError as error:
                failed = self._fail(request, write, error, new_ordered_id(), None).error
                failed.members = {}  # nothing was noted
                raise failed from error
        refused = [outcomes.Step(name, outcomes.REFUSED, error=str(why)) for name, why in context.refused.items()]
        return msgspec.json.encode({"dry_run": True, "calls": context.calls, "steps": msgspec.to_builtins(refused)})

    async def enqueue(self, request: WriteRequest) -> UUID | WriteAnswer:
        """Let a write be done later. Returns its id, or the answer where it was done before under the same key."""
        write, data = self._check(request)
        repeated = await self._find_repeated(request)
        if repeated is not None:
            return repeated
        given = await self._prepare(request, write, data)
        begun = await self._begin(request, given, status=outcomes.WAITING)
        return begun if isinstance(begun, WriteAnswer) else begun.id

    async def work_on_queued(self, connector: Connector, scope: Scope, id: UUID) -> timedelta | None:
        """Do a write that waits. Returns for how long it is to wait, where it cannot be done now.

        None where it is over, or is gone.
        """
        stored = await store.take_up_write(self._pool, connector.number, id, _CLAIM)
        if stored is None:  # somebody does it, who asked for it once more
            return TAKEN_PAUSE
        try:
            return await self._work_on_queued(connector, scope, stored)
        finally:
            await self._release(connector.number, id)

    async def _work_on_queued(self, connector: Connector, scope: Scope, stored: StoredWrite) -> timedelta | None:
        request, begun = _take_up(connector, scope, stored)
        try:
            write, data = self._check(request)
            given = await self._prepare(request, write, data)
            await self._do(request, write, given, begun)
        except NotNow as error:
            return timedelta(seconds=error.retry_after or WAIT_SECONDS)
        except ApiError as error:
            await self._end_refused(request, begun, error)
        return None

    async def resolve(self, connector: Connector, scope: Scope, stored: StoredWrite) -> None:
        """Look once more whether a write that was perhaps made is there, and note it; nothing is written.

        Raises Conflict where it is not open to that: it is over, or under way, or what was sent is not known any more.
        """
        async with self._take_unsettled(connector, stored.id) as taken:
            if taken.body is None:
                raise Conflict("What was sent is not known any more; say how it ended")
            await self._look_again(connector, scope, taken)

    @asynccontextmanager
    async def _take_unsettled(self, connector: Connector, id: UUID) -> AsyncIterator[StoredWrite]:
        """A write that was perhaps made, which nobody else takes up meanwhile. Raises Conflict."""
        taken = await store.take_up_write(self._pool, connector.number, id, _CLAIM)
        if taken is None:
            raise Conflict("This write is being worked on: there is nothing to settle yet")
        try:
            if taken.status not in (outcomes.PERHAPS_MADE, outcomes.RUNNING):
                raise Conflict(f"This write is {taken.status}: there is nothing to settle")
            yield taken
        finally:
            await self._release(connector.number, id)

    async def _look_again(self, connector: Connector, scope: Scope, stored: StoredWrite) -> None:
        request, begun = _take_up(connector, scope, stored)
        write, data = self._check(request)
        given = await self._prepare(request, write, data)
        steps = begun.steps
        async with self._clients.use(connector) as client:
            context = self._open_context(connector, client, steps, begun.id, looks_only=True)
            try:
                async with asyncio.timeout(LONGEST.total_seconds()):
                    row = await write.run(context, given)
            except NothingMade as error:
                made = any(step.row is not None for step in steps.values())
                status = outcomes.PARTLY_DONE if made else outcomes.NOT_MADE
                kept = {name: step for name, step in steps.items() if step.row is not None}
                await self._end(request, begun, WriteEnd(status=status, steps=kept, message=str(error)))
                return
            except VendorError as error:
                raise self._fail(request, write, error, begun.id, context).error from error
            finally:
                await read_back(self._pool, connector, client, context.list_touched(), write=begun.id)
        await self._end_done(request, write, row, begun, context, steps)

    async def settle(
        self, connector: Connector, scope: Scope, stored: StoredWrite, *, is_done: bool, remote_id: str | None
    ) -> None:
        """Note how a write ended that was perhaps made, as somebody says who looked. Raises Conflict as `resolve`."""
        async with self._take_unsettled(connector, stored.id) as taken:
            await self._settle(connector, scope, taken, is_done=is_done, remote_id=remote_id)

    async def _settle(
        self, connector: Connector, scope: Scope, stored: StoredWrite, *, is_done: bool, remote_id: str | None
    ) -> None:
        request, begun = _take_up(connector, scope, stored)
        kept = {name: step for name, step in begun.steps.items() if step.row is not None}
        said = {"write_id": str(begun.id), "outcome": outcomes.DONE if is_done else outcomes.NOT_MADE}
        act = describe_act(connector, "write.settled", after=said)
        if not is_done:
            ending = WriteEnd(status=outcomes.NOT_MADE, steps=kept, message="settled by hand")
            await self._end(request, begun, ending, act)
            return
        id = None if remote_id is None else derive_ids(connector.id, request.model.name).text(remote_id)
        body = None if id is None else await self._reader.find_record(scope, request.model, id, RecordView())
        if id is not None and remote_id is not None and body is None:
            body = outcomes.write_empty(request.model, id, remote_id)
        members = {"write_id": str(begun.id), "outcome": outcomes.DONE, "steps": []}
        answer = outcomes.write_answer(body, members) if body is not None else msgspec.json.encode(members)
        ending = WriteEnd(status=outcomes.DONE, steps=kept, answer=answer, record=id, message="settled by hand")
        await self._end(request, begun, ending, act)

    async def give_up(self, connector: Connector, scope: Scope, id: UUID) -> None:
        """End a queued write that ends by a fault of ours, however often it is tried; it may be settled."""
        stored = await store.get_write(self._pool, connector.number, id)
        if stored is None:
            return
        request, begun = _take_up(connector, scope, stored)
        status = outcomes.PERHAPS_MADE if begun.steps else outcomes.NOT_MADE
        message = "A fault of ours ended each try; the log of the service says more"
        await self._end(request, begun, WriteEnd(status=status, steps=begun.steps, message=message, keeps_body=True))

    def _check(self, request: WriteRequest) -> tuple[Write, dict[str, Any]]:
        """The declaration and the checked body. Raises Unsupported, Invalid and BadRequest."""
        integration = get_integration(request.connector.integration)
        write = find_write(integration, request.model.name, request.verb)
        if request.key is not None:
            if not request.key or len(request.key) > LONGEST_KEY:
                raise BadRequest(f"An idempotency key has 1 to {LONGEST_KEY} characters")
            if fault := find_text_fault(request.key):
                raise BadRequest(f"The idempotency key {fault}")
        if request.expected is not None and (request.target is None or request.within is not None):
            raise BadRequest("If-Match is taken where a record is changed, and this creates one")
        data = request.data
        if request.within is not None and isinstance(data, dict):
            data = {**data, request.within: request.target}
        has_actor = request.default_actor is not None
        return write, body_checks.check_body(write, integration.name, data, has_actor=has_actor)

    async def _find_repeated(self, request: WriteRequest) -> WriteAnswer | None:
        """The answer of an earlier call under the key, where it was done. Raises Conflict where that was another."""
        if request.key is None:
            return None
        found = await store.find_under_key(self._pool, request.connector.number, request.key)
        if found is None:
            return None
        if found.input_hash != _hash(request):
            raise Conflict("This idempotency key was used for another write")
        return None if found.answer is None else WriteAnswer(found.answer, is_repeat=True)

    async def _prepare(self, request: WriteRequest, write: Write, data: dict[str, Any]) -> Given[Any]:
        """The input with its relations resolved and its files read. Raises Invalid, NotFound and Conflict."""
        remote_id = ""
        if request.target is not None:
            found = await self._find_target(request)
            remote_id = found if request.within is None else ""
        given = await body_checks.resolve(self._pool, request.connector.number, write, data, remote_id)
        if given.actor is None and write.no_actor is None:
            given = replace(given, actor=request.default_actor)
        files = {name: value for name, value in data.items() if name in FILE_MEMBERS}
        filled, contents = await self._files.fill(files, request.file)
        if filled:
            sent = msgspec.to_builtins(given.input) | filled
            spec = INPUTS[write.model, write.verb]
            given = replace(given, input=msgspec.convert(sent, spec.struct), contents=contents)
        if request.expected is not None:
            await self._check_expected(request, remote_id)
        return given

    async def _find_target(self, request: WriteRequest) -> str:
        """The vendor's id of the record in the path. Raises NotFound."""
        assert request.target is not None
        model = request.model if request.within is None else MODELS[request.within]
        known = await store.find_remote_ids(self._pool, request.connector.number, [request.target])
        found = known.get(request.target)
        if found is None or found.is_deleted or found.model != model.number:
            raise NotFound(f"There is no {model.noun} with this id")
        return found.remote_id

    async def _check_expected(self, request: WriteRequest, remote_id: str) -> None:
        """Read the record anew. Raises Conflict where it is not the version the caller knows."""
        assert request.target is not None
        assert request.expected is not None
        try:
            expected = to_micros(parse_moment(request.expected.strip().removeprefix("W/").strip('"')))
        except ValueError:
            raise BadRequest("If-Match must be the record's modified_at in quotes") from None
        integration = get_integration(request.connector.integration)
        streams = [
            stream.name
            for stream in integration.streams
            if any(mapping.is_whole and mapping.model is request.model.record for mapping in stream.mappings)
        ]
        async with self._clients.use(request.connector) as client:
            await read_back(self._pool, request.connector, client, {name: [remote_id] for name in streams})
        position = await store.find_position(self._pool, request.connector.number, request.target)
        if position != expected:
            raise Conflict(f"The {request.model.noun} has changed since {request.expected}; read it again")

    async def _begin(self, request: WriteRequest, given: Given[Any], *, status: str) -> Begun | WriteAnswer:
        """Note the write. Raises Conflict where another call under the key is under way.

        Returns the answer where such a one has ended meanwhile.
        """
        waits = status == outcomes.WAITING
        body = await _encode_asked(request, is_later=waits)
        new = NewWrite(
            id=new_ordered_id(), key=request.key, model=request.model.number, verb=request.verb, target=request.target,
            asked_by=request.asked_by, actor=given.actor, input_hash=_hash(request), body=body, status=status,
        )  # fmt: skip
        number = request.connector.number
        try:
            if waits:
                begun = await store.enqueue_write(self._pool, number, new, _CLAIM)
            else:
                begun = await store.begin_write(self._pool, number, new, _CLAIM)
        except asyncpg.ForeignKeyViolationError:
            raise Conflict("The connector was removed meanwhile") from None
        if begun is not None:
            return begun
        repeated = await self._find_repeated(request)
        if repeated is None:
            raise Conflict("A write under this idempotency key is being worked on; ask again in a moment")
        return repeated

    async def _do(self, request: WriteRequest, write: Write, given: Given[Any], begun: Begun) -> WriteAnswer:
        number, steps = request.connector.number, begun.steps

        async with self._clients.use(request.connector) as client:
            context = self._open_context(request.connector, client, steps, begun.id)
            try:
                self._check_grant(request, write, given, context)
                async with asyncio.timeout(LONGEST.total_seconds()):
                    row = await write.run(context, given)
            except TimeoutError:
                error = RetryLater(f"{write.name}: the vendor did not answer in time")
                raise await self._end_failed(request, write, error, begun, context, steps) from None
            except VendorError as error:
                if isinstance(error, ReauthorizeNeeded):
                    await self._clients.forget(request.connector.id)
                raise await self._end_failed(request, write, error, begun, context, steps) from error
            except ApiError as error:  # such as a connector that was removed meanwhile
                await self._end_refused(request, begun, error)
                raise
            except BaseException:
                await self._release(number, begun.id)
                raise
            finally:
                await read_back(self._pool, request.connector, client, context.list_touched(), write=begun.id)
        return await self._end_done(request, write, row, begun, context, steps)

    def _open_context(
        self,
        connector: Connector,
        client: VendorClient,
        steps: dict[str, WriteStep],
        id: UUID | None,
        *,
        looks_only: bool = False,
    ) -> LiveContext:
        async def save_steps(now: Mapping[str, WriteStep]) -> None:
            if id is not None:
                await store.save_write_steps(self._pool, connector.number, id, now)

        notes = None if id is None else _Notes(self._pool, connector.number, id)
        return LiveContext(
            pool=self._pool, client=client, connector=connector, integration=get_integration(connector.integration),
            steps=steps, save_steps=save_steps, notes=notes, looks_only=looks_only,
        )  # fmt: skip

    def _check_grant(self, request: WriteRequest, write: Write, given: Given[Any], context: LiveContext) -> None:
        """Raises ScopeMissing where the grant is known not to have what the write needs, Invalid for who cannot act."""
        integration = get_integration(request.connector.integration)
        acts_by_token = integration.acting_credential is not None
        if given.actor is not None and acts_by_token and not context.can_act:
            words = "the grant of this connector acts for the user who gave it, and for nobody else"
            raise Invalid([body_checks.describe(("body", ACTOR), words, None)])
        granted = find_granted(integration.partner_auth, list_writing(integration.slug), request.connector.scopes)
        if missing := list_missing(write.scopes, granted):
            raise ScopeMissing(f"{write.name} was not done", missing)

    async def _end_done(
        self, request: WriteRequest, write: Write, row: VendorRow, begun: Begun, context: LiveContext,
        steps: Mapping[str, WriteStep],
    ) -> WriteAnswer:  # fmt: skip
        integration = get_integration(request.connector.integration)
        record_model = request.model
        shown_in = None if write.stream is None else integration.get_stream(write.stream)
        remote_id = row.get_text("id") if shown_in is None else shown_in.id_of(row.data)
        id = derive_ids(request.connector.id, record_model.name).text(remote_id)
        body = await self._reader.find_record(request.scope, record_model, id, RecordView())
        status = outcomes.PARTLY_DONE if context.refused else outcomes.DONE
        listed = outcomes.list_done(context.report_progress(), context.refused)
        members: dict[str, Any] = {
            "write_id": str(begun.id), "outcome": status, "steps": msgspec.to_builtins(listed),
        }  # fmt: skip
        if request.shows_vendor:
            members["vendor_response"] = outcomes.show_steps(steps)
        answer = outcomes.write_answer(body or outcomes.write_empty(record_model, id, remote_id), members)
        ending = WriteEnd(status=status, steps=steps, answer=answer, record=id, keeps_body=self._keeps_bodies)
        await self._end(request, begun, ending)
        return WriteAnswer(answer)

    async def _end_failed(
        self, request: WriteRequest, write: Write, error: VendorError, begun: Begun, context: LiveContext,
        steps: Mapping[str, WriteStep],
    ) -> ApiError:  # fmt: skip
        failure = self._fail(request, write, error, begun.id, context)
        if isinstance(failure.error, NotNow) and begun.status == outcomes.WAITING:
            return failure.error  # it goes on waiting
        refusal = getattr(error, "body", b"")[: outcomes.MOST_REFUSAL] or None
        message = shorten(failure.error.detail, 4_000)
        keeps_body = self._keeps_bodies or failure.status == outcomes.PERHAPS_MADE  # it may be resolved
        ending = WriteEnd(status=failure.status, steps=steps, message=message, refusal=refusal, keeps_body=keeps_body)
        await self._end(request, begun, ending)
        return failure.error

    def _fail(
        self, request: WriteRequest, write: Write, error: VendorError, id: UUID, context: LiveContext | None
    ) -> outcomes.Failure:
        integration = get_integration(request.connector.integration)
        progress = context.report_progress() if context is not None else WriteProgress()
        steps = outcomes.list_steps(progress, context.refused if context is not None else {}, str(error))
        return outcomes.make_failure(error, id, write, integration, progress, steps)

    async def _end_refused(self, request: WriteRequest, begun: Begun, error: ApiError) -> None:
        """A queued write that was refused before it was begun, and is noted as over."""
        found = await store.get_write(self._pool, request.connector.number, begun.id)
        if found is None or found.ended_at is not None:
            return
        ending = WriteEnd(status=outcomes.REFUSED, steps=begun.steps, message=str(error), keeps_body=self._keeps_bodies)
        await self._end(request, begun, ending)

    async def _end(self, request: WriteRequest, begun: Begun, ending: WriteEnd, act: Act | None = None) -> None:
        """Store how a write ended. What was written is written: a database that is away is no error here."""
        made = {name: step.row["id"] for name, step in ending.steps.items() if step.row is not None}
        said = {
            "operation": request.name,
            "outcome": ending.status,
            "made": made,
            "idempotency_key": request.key,
            "message": ending.message,
            "id": str(begun.id),
            "record": ending.record,
        }
        happened = [NewNotice(NoticeKind.WRITE_FINISHED, {"write": said})]
        try:
            await store.end_write(self._pool, request.connector.number, begun.id, ending, happened, act)
        except UNAVAILABLE as error:
            log.warning("the end of a write could not be stored", kind=type(error).__name__)

    async def _release(self, connector: int, id: UUID) -> None:
        """Let others take up a write that this process gives up."""
        try:
            await asyncio.shield(store.release_write(self._pool, connector, id))
        except UNAVAILABLE as error:
            log.warning("a write could not be given back", kind=type(error).__name__)


@dataclass(frozen=True, slots=True)
class _Notes:
    """The notes of the steps of one write."""

    pool: Pool
    connector: int
    id: UUID

    async def open(self, steps: Mapping[str, WriteStep], write: UUID, stream: str) -> bool:
        return await store.open_step(self.pool, self.connector, self.id, steps, write, stream)

    async def note_row(self, steps: Mapping[str, WriteStep], write: UUID, row_id: str) -> None:
        await store.note_step_row(self.pool, self.connector, self.id, steps, write, row_id)


FILE_MEMBERS = frozenset(("attachments", "file_name", "file_url", "file_content", "content_type"))
"""The members of bodies that are files or say something of one."""


async def _encode_asked(request: WriteRequest, *, is_later: bool) -> bytes:
    """What is stored of a body: a file beside it only where the write is done later, else its size."""
    asked: dict[str, Any] = {"data": request.data, "within": request.within}
    if request.file is not None and is_later:
        asked["data"] = {**request.data, "file_content": await request.file.to_base64()}
    elif request.file is not None:
        asked["forgotten"] = request.file.size
    return msgspec.json.encode(asked)


def _take_up(connector: Connector, scope: Scope, stored: StoredWrite) -> tuple[WriteRequest, Begun]:
    """A stored write as it was asked for, and how far it came."""
    sent = msgspec.json.decode(stored.body or b"{}")
    model = next(spec for spec in MODELS.values() if spec.number == stored.model)
    request = WriteRequest(
        connector=connector, scope=scope, model=model, verb=stored.verb, data=sent.get("data"),
        target=None if stored.target is None else str(stored.target), within=sent.get("within"), key=stored.key,
        asked_by=stored.asked_by, actor=stored.actor,
    )  # fmt: skip
    if (size := sent.get("forgotten")) is not None:
        request = replace(request, file=FileBytes.forget(size))
    return request, Begun(stored.id, stored.input_hash, stored.steps, stored.answer, stored.status)


def find_write(integration: Integration, model: str, verb: str) -> Write:
    """Raises Unsupported, with the vendor's reason, where it has no such write."""
    found = list_writes(integration.slug).get((model, verb))
    if found is None:
        said = list_unwritable(integration.slug).get(f"{model}.{verb}", "Writing is not declared for it.")
        raise Unsupported(f"{integration.name} cannot do this. {said}")
    return found


def _hash(request: WriteRequest) -> bytes:
    asked = [request.name, request.target, request.data]
    return blake2b(msgspec.json.encode(asked, order="deterministic"), digest_size=16).digest()


def is_open(stored: StoredWrite, now: datetime) -> bool:
    """Whether somebody works on a write, or will."""
    if stored.status == outcomes.WAITING:
        return True
    return stored.status == outcomes.RUNNING and stored.claimed_until is not None and stored.claimed_until > now
