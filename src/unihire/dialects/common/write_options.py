"""What a call that writes says beside its body: whether it is to be done later, or dry, and under which key."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.requests import Request

from unihire.dialects.common.admission import RequestGate, list_problems
from unihire.errors import BadRequest, Invalid, NotNow
from unihire.kit.nesting import NestedTooDeeply, decode_bounded, has_many_values

KEY_HEADERS = ("x-idempotency-key", "idempotency-key")

MOST_BODY = 30 * 1024 * 1024
"""Bytes of a body: files travel in it."""

MOST_VALUES = 100_000


LARGE_BODY = 1024 * 1024
"""Bytes of a body from which on only so many are in memory at once."""

LARGE_AT_ONCE = 4
"""Large bodies that a process has in memory at once; others wait, for a while."""

FORMS_AT_ONCE = 32
"""The same of forms, whose files are on disk."""

WAIT_SECONDS, AGAIN_SECONDS = 20.0, 5.0
"""How long a large body waits for its turn, and after which time its caller may ask again."""

READ_SECONDS = 120.0
"""How long the reading of a large body may take."""


class LargeBodies:
    """Lets in only some large bodies at once: each is in memory, or on disk, until its write is over."""

    def __init__(self) -> None:
        self._in_memory = asyncio.Semaphore(LARGE_AT_ONCE)
        self._on_disk = asyncio.Semaphore(FORMS_AT_ONCE)

    @asynccontextmanager
    async def enter(self, request: Request, *, is_on_disk: bool) -> AsyncIterator[None]:
        """Wait for a turn where the body is large, or may be. Raises NotNow where none comes."""
        turns = self._on_disk if is_on_disk else self._in_memory
        if not _is_large(request):
            yield
            return
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                await turns.acquire()
        except TimeoutError:
            raise NotNow("There is no room for such a large body now", AGAIN_SECONDS) from None
        try:
            yield
        finally:
            turns.release()

    @asynccontextmanager
    async def bound(self, request: Request) -> AsyncIterator[None]:
        """Bound the reading of a large body. Raises BadRequest where it takes too long."""
        if not _is_large(request):
            yield
            return
        try:
            async with asyncio.timeout(READ_SECONDS):
                yield
        except TimeoutError:
            raise BadRequest(f"The body did not come within {READ_SECONDS:.0f} seconds") from None


def _is_large(request: Request) -> bool:
    said = request.headers.get("content-length", "")
    if "transfer-encoding" in request.headers:
        return True
    return said.isdecimal() and int(said[:12]) > LARGE_BODY


class WriteQuery(BaseModel):
    """The query of a write."""

    model_config = ConfigDict(extra="ignore", populate_by_name=True)

    is_later: bool = Field(False, alias="async")
    dry_run: bool = False
    include_vendor_response: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteOptions:
    """How a write is to be done. `expected` is the version of the record that the caller knows."""

    key: str | None
    expected: str | None
    is_later: bool
    is_dry: bool
    shows_vendor: bool


def read_options(request: Request, gate: RequestGate) -> WriteOptions:
    """Of query and headers. Raises Invalid."""
    given = dict(request.query_params)
    gate.check_names(given, {"async", "dry_run", "include_vendor_response"})
    try:
        query = WriteQuery.model_validate(given)
    except ValidationError as error:
        raise Invalid(list_problems("query", error)) from None
    prefers = [part.strip().lower() for part in request.headers.get("prefer", "").split(",")]
    return WriteOptions(
        key=next((key for name in KEY_HEADERS if (key := request.headers.get(name)) is not None), None),
        expected=request.headers.get("if-match"),
        is_later=query.is_later or "respond-async" in prefers,
        is_dry=query.dry_run,
        shows_vendor=query.include_vendor_response,
    )


def read_json(body: bytes) -> Any:
    """The JSON of a body; an empty one is an empty object. Raises BadRequest."""
    if has_many_values(body, MOST_VALUES):
        raise BadRequest(f"The body has more than {MOST_VALUES:,} values")
    try:
        return decode_bounded(body or b"{}")
    except NestedTooDeeply as error:
        raise BadRequest(f"The body is {error}, or not JSON") from None
    except ValueError:
        raise BadRequest("The body is not JSON") from None
