"""Calling operations: found, checked, run with a context, and reported as an outcome."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from hashlib import blake2b
from typing import Any

import msgspec

from unihire.errors import (
    ApiError,
    BadRequest,
    ConfigError,
    Conflict,
    NotFound,
    PermissionMissing,
    ReauthorizeNeeded,
    ReferenceMissing,
    RetryLater,
    ScopeMissing,
    Unanswered,
    VendorChanged,
    VendorError,
    VendorRefused,
    shorten,
)
from unihire.integration.operate import Operation, Output
from unihire.integration.registry import get_integration, list_operations, list_writing
from unihire.integration.scopes import find_granted, list_missing
from unihire.kit.logs import get_logger
from unihire.outbound.decoding import ANYTHING, Undecodable, decode
from unihire.platform.clients import Clients
from unihire.platform.context_live import LiveContext
from unihire.platform.context_synced import NotSynced, SyncedContext
from unihire.platform.context_writes import WriteProgress
from unihire.platform.inputs import IDEMPOTENCY_KEY, LONGEST_KEY, SOURCE, SYNCED, find_text_fault, read_input
from unihire.platform.read_back import read_back
from unihire.platform.telemetry import watch_operation
from unihire.store import Pool
from unihire.store.accounts.tenancy import Connector
from unihire.store.calls import operations
from unihire.store.calls.operations import WriteStep
from unihire.store.connections import UNAVAILABLE
from unihire.store.events.notices import NewNotice, NoticeKind

log = get_logger()

Release = Callable[["Outcome", Sequence[NewNotice]], Awaitable[None]]
"""Stores the outcome of a call under its key, with what happened."""

LONGEST = timedelta(seconds=110)
"""How long a call may take; its worker locks its idempotency key a little longer."""

LONGEST_WORDS = 20_000
"""Of a vendor's refusal: beyond it the body is shown as a text that is cut."""

_CLAIM = LONGEST + timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a call came to: the operation's output, or what the vendor said instead, as data.

    `is_fault` where neither is, but an exception nobody foresaw: the output says what was written before it.
    """

    is_success: bool
    output: Any
    is_repeat: bool = False
    is_fault: bool = False


class Operations:
    """Runs operations on connectors."""

    def __init__(self, pool: Pool, clients: Clients) -> None:
        self._pool = pool
        self._clients = clients

    async def call(self, connector: Connector, name: str, data: Any, *, idempotency_key: str | None = None) -> Outcome:
        """Run one operation.

        Raises NotFound, telling which there are, for an unknown one, BadInput for a bad input, and Conflict for an
        idempotency key that is in use; then nothing has reached the vendor. Under an idempotency key a repeat gives
        the first answer; where the first try did not end, it continues after the writes that are done.
        """
        operation = find_operation(connector.integration, name)
        given, options = read_input(operation, data)
        with watch_operation(connector, name) as watch:
            outcome = await self._call(connector, operation, given, options, idempotency_key)
            if not outcome.is_fault:
                watch.status = "done" if outcome.is_success else "refused"
            return outcome

    async def _call(
        self,
        connector: Connector,
        operation: Operation,
        given: Any,
        options: Mapping[str, Any],
        idempotency_key: str | None,
    ) -> Outcome:
        if options.get(SOURCE) == SYNCED:
            return await self._run_on_store(connector, operation, given)
        key = idempotency_key or options.get(IDEMPOTENCY_KEY)
        if not operation.is_write or key is None:
            return await self._run(connector, operation, given, {}, None)
        if len(key) > LONGEST_KEY:
            raise Conflict(f"An idempotency key has at most {LONGEST_KEY} characters")
        if fault := find_text_fault(key):
            raise BadRequest(f"The idempotency key {fault}")
        return await self._run_once(connector, operation, given, key)

    async def _run_on_store(self, connector: Connector, operation: Operation, given: Any) -> Outcome:
        integration = get_integration(connector.integration)
        context = SyncedContext(pool=self._pool, connector=connector, integration=integration)
        try:
            async with asyncio.timeout(LONGEST.total_seconds()):
                output: Output = await operation.run(context, given)
            return Outcome(True, msgspec.to_builtins(output))
        except NotSynced as error:
            return Outcome(False, _describe_error("not_synced", str(error)))
        except TimeoutError:
            message = f"{operation.name}: the store did not answer in time"
            return Outcome(False, _describe_error("api_timeout", message))
        except VendorError as error:
            return _fail(error, WriteProgress())
        except Exception as error:  # noqa: BLE001 - logged, or raised again
            return _fail_unforeseen(operation, error, WriteProgress())

    async def _run_once(self, connector: Connector, operation: Operation, given: Any, key: str) -> Outcome:
        number = connector.number
        digest = blake2b(msgspec.json.encode([operation.name, given]), digest_size=16).digest()
        call = await operations.claim_call(
            self._pool, number, key, operation=operation.name, input_hash=digest, claim=_CLAIM
        )
        if call is None:
            raise Conflict("A call under this idempotency key is being worked on; ask again in a moment")
        is_released = False

        async def release(outcome: Outcome | None, happened: Sequence[NewNotice] = ()) -> None:
            nonlocal is_released
            answer = write_json(outcome.output) if outcome is not None and outcome.is_success else None
            is_released = True
            await operations.release_call(self._pool, number, key, answer, happened)

        try:
            if (call.operation, call.input_hash) != (operation.name, digest):
                raise Conflict("This idempotency key was used for another call")
            if call.answer is not None:
                return Outcome(True, msgspec.json.decode(call.answer), is_repeat=True)
            return await self._run(connector, operation, given, call.steps, key, release)
        finally:
            if not is_released:
                await release(None)

    async def _run(
        self,
        connector: Connector,
        operation: Operation,
        given: Any,
        steps: dict[str, WriteStep],
        key: str | None,
        release: Release | None = None,
    ) -> Outcome:
        """Run the operation; `release` stores its answer, before what was written is read into the store."""

        async def save_steps(now: Mapping[str, WriteStep]) -> None:
            if key is not None:
                await operations.save_steps(self._pool, connector.number, key, now)

        partner_auth = get_integration(connector.integration).partner_auth
        granted = find_granted(partner_auth, list_writing(connector.integration), connector.scopes)
        if missing := list_missing(operation.scopes, granted):
            return _fail(ScopeMissing(f"{operation.name} was not called", missing), WriteProgress())
        integration = get_integration(connector.integration)
        async with self._clients.use(connector) as client:
            context = LiveContext(
                pool=self._pool, client=client, connector=connector, integration=integration, steps=steps,
                save_steps=save_steps,
            )  # fmt: skip
            try:
                outcome = await self._run_live(connector, operation, given, context)
                if operation.is_write:
                    happened = _describe_write(operation, outcome, context.report_progress(), key)
                    await self._end_write(connector, outcome, happened, release)
                return outcome
            finally:
                await read_back(self._pool, connector, client, context.list_touched())

    async def _end_write(
        self, connector: Connector, outcome: Outcome, happened: NewNotice, release: Release | None
    ) -> None:
        """Store the answer and what happened. What was written is written: a database that is away is no error here.

        A repeat continues after the writes that are noted.
        """
        try:
            if release is None:
                await operations.note_call(self._pool, connector.number, [happened])
            else:
                await release(outcome, [happened])
        except UNAVAILABLE as error:
            log.warning("the answer of a call could not be stored", kind=type(error).__name__)

    async def _run_live(self, connector: Connector, operation: Operation, given: Any, context: LiveContext) -> Outcome:
        try:
            async with asyncio.timeout(LONGEST.total_seconds()):
                output: Output = await operation.run(context, given)
            return Outcome(True, msgspec.to_builtins(output))
        except TimeoutError:
            return _fail(RetryLater(f"{operation.name}: the vendor did not answer in time"), context.report_progress())
        except VendorError as error:
            if isinstance(error, ReauthorizeNeeded):
                await self._clients.forget(connector.id)
            return _fail(error, context.report_progress())
        except Exception as error:  # noqa: BLE001 - logged, or raised again
            return _fail_unforeseen(operation, error, context.report_progress())


def _describe_write(operation: Operation, outcome: Outcome, progress: WriteProgress, key: str | None) -> NewNotice:
    """That a write ended: `outcome` is perhaps_made where something may be at the vendor that it did not confirm."""
    if outcome.is_success:
        ended = "done"
    elif progress.unsure:
        ended = "perhaps_made"
    else:
        ended = "partly_done" if progress.made else "refused"
    said = None if outcome.is_success else outcome.output["message"]
    write = {"operation": operation.name, "outcome": ended, "made": progress.made, "idempotency_key": key}
    return NewNotice(NoticeKind.WRITE_FINISHED, {"write": {**write, "message": said}})


def write_json(value: Any) -> bytes:
    """JSON, also of integers beyond 64 bits, as a vendor's custom fields may have them."""
    try:
        return msgspec.json.encode(value)
    except OverflowError:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def find_operation(integration: str, name: str) -> Operation:
    """Raises NotFound, which lists the operations."""
    found = list_operations(integration)
    if name not in found:
        there = ", ".join(found) or "none"
        raise NotFound(f"There is no operation {name!r} on {integration}; there are: {there}")
    return found[name]


_CODES: Mapping[int, str] = {
    400: "bad_request",
    401: "unauthorized",
    403: "forbidden",
    404: "not_found",
    409: "conflict",
    410: "gone",
    422: "unprocessable_entity_web_dav",
    429: "too_many_requests",
}


_RAISED = (ApiError, ConfigError)
"""What a call may raise besides: the answer to it is known."""


def _fail_unforeseen(operation: Operation, error: Exception, progress: WriteProgress) -> Outcome:
    """An exception nobody foresaw, logged with its traceback; raised where it has an answer of its own."""
    if isinstance(error, _RAISED) or (isinstance(error, UNAVAILABLE) and not progress.has_begun):
        raise error
    log.error("an operation ended by a fault of ours", exc_info=error)
    message = f"{operation.name}: a fault of ours ended the call; the log says more ({type(error).__name__})"
    return Outcome(False, _add_progress(_describe_error("internal_error", message), progress), is_fault=True)


def _describe_error(code: str, message: str, response: Mapping[str, Any] | None = None) -> dict[str, Any]:
    return {"response": response or {}, "expects": {"statusCode": ["2xx"]}, "code": code, "message": message}


def _add_progress(output: dict[str, Any], progress: WriteProgress) -> dict[str, Any]:
    """What was written before the error, and what was not, as data and in words."""
    if not progress.has_begun:
        return output
    message = "; ".join((output["message"], *_describe_progress(progress)))
    made = {"made": progress.made, "perhaps_made": progress.unsure, "not_made": progress.missing}
    return {**output, "message": message, **made}


def _fail(error: VendorError, progress: WriteProgress) -> Outcome:
    """A vendor's refusal as an output: its status and words where it has some, ours, and what was written before."""
    status, body = _find_answer(error)
    response = {} if status is None else {"statusCode": status, "body": body}
    if isinstance(error, RetryLater | Unanswered) and status is None:
        code = "api_timeout"
    elif isinstance(error, ReferenceMissing):
        code = "not_found"
    elif isinstance(error, ScopeMissing):
        code = "forbidden"
    else:
        code = _CODES.get(status or 0, "invalid_response_status_code")
    return Outcome(False, _add_progress(_describe_error(code, str(error), response), progress))


def _describe_progress(progress: WriteProgress) -> Iterable[str]:
    if progress.made:
        yield "made: " + ", ".join(f"{step} {id}" for step, id in progress.made.items())
    if progress.unsure:
        yield "perhaps made: " + ", ".join(progress.unsure)
    if progress.missing:
        yield "not made: " + ", ".join(progress.missing)


def _find_answer(error: VendorError) -> tuple[int | None, Any]:
    match error:
        case VendorRefused():
            return error.status, _decode(error.body)
        case ScopeMissing():
            return None, None
        case PermissionMissing():
            return 403, _decode(error.body)
        case ReauthorizeNeeded():
            return 401, None
        case RetryLater():
            return error.status, None
        case Unanswered():
            return error.status, _decode(error.body)
        case VendorChanged():
            return 200, None
        case _:
            return None, None


def _decode(body: bytes) -> Any:
    if not body:
        return None
    if len(body) > LONGEST_WORDS:
        return shorten(body[: LONGEST_WORDS * 4].decode(errors="replace"), LONGEST_WORDS)
    try:
        return decode(body, ANYTHING)
    except Undecodable:
        return body.decode(errors="replace")
