"""A write tried dry: everything is read and checked as for a real one, and what would be sent is noted instead."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any
from urllib.parse import urlencode

from unihire.errors import PermissionMissing, ReferenceMissing, VendorError, VendorRefused
from unihire.integration.declare import Data
from unihire.integration.operate import Result, Trace, VendorCall
from unihire.integration.vendor_row import VendorRow
from unihire.kit.file_contents import FileBytes
from unihire.outbound.paging import VendorResponse
from unihire.outbound.streamed_body import StreamedBody
from unihire.platform.context_live import LiveContext

SHORT = 100
"""Characters of a member's data that are shown."""

NOT_MADE_YET = 0
"""The id of what a dry run would have made."""


class DryContext:
    """A write context that reads at the vendor and writes nothing."""

    def __init__(self, live: LiveContext) -> None:
        self._live = live
        self.calls: list[dict[str, Any]] = []
        """What would be sent, in order."""
        self.refused: dict[str, VendorError] = {}
        """The parts that could not be sent as they are, by their steps."""

    async def page(self, stream: str, number: int, size: int, filters: Mapping[str, Any]) -> list[VendorRow]:
        return await self._live.page(stream, number, size, filters)

    async def all(self, stream: str, filters: Mapping[str, Any] | None = None) -> list[VendorRow]:
        return await self._live.all(stream, filters)

    async def find(self, stream: str, member: str, values: Iterable[object]) -> list[VendorRow]:
        wanted = [value for value in values if str(value) != str(NOT_MADE_YET)]
        return await self._live.find(stream, member, wanted) if wanted else []

    def touch(self, stream: str, ids: Iterable[object], *, by: str | None = None) -> None:
        """Nothing was written."""

    @property
    def can_act(self) -> bool:
        return self._live.can_act

    def plan(self, steps: Iterable[str], *, scopes: Iterable[str] = ()) -> None:
        self._live.plan(steps, scopes=scopes)

    async def create(self, step: str, call: VendorCall, *, stream: str, trace: Trace) -> VendorRow:
        self._note(step, call)
        return VendorRow(stream, _make_row(call.body if isinstance(call.body, dict) else {}))

    async def change(
        self, step: str, call: VendorCall, *, stream: str, id: str, holds: Callable[[], Awaitable[bool]]
    ) -> None:
        self._note(step, call)

    async def send_aside(self, step: str, call: VendorCall) -> VendorResponse:
        self._note(step, call)
        return VendorResponse(200, {}, call.example_answer)

    async def attempt(self, step: str, work: Awaitable[Result]) -> Result | None:
        try:
            return await work
        except (VendorRefused, PermissionMissing, ReferenceMissing) as error:
            self.refused[step] = error
            return None

    def mark(self, step: str) -> str:
        return self._live.mark(step)

    def _note(self, step: str, call: VendorCall) -> None:
        path = call.path + (f"?{urlencode(call.query)}" if call.query else "")
        body: Any = call.body
        if isinstance(body, bytes | StreamedBody):
            size = len(body) if isinstance(body, bytes) else body.size
            body = f"{size:,} bytes of {call.content_type}"
        self.calls.append({"step": step, "method": call.method, "path": path, "body": _shorten_files(body)})


def _make_row(body: Data) -> Data:
    """The row that a vendor would make of a body, as far as that is known."""
    nested = {name: {**value, "id": NOT_MADE_YET} for name, value in body.items() if isinstance(value, dict)}
    return {**body, **nested, "id": NOT_MADE_YET}


def _shorten_files(body: Any) -> Any:
    """The body without the content of files."""
    if not isinstance(body, dict):
        return body
    return {name: _shorten_content(name, value) for name, value in body.items()}


def _shorten_content(name: str, value: Any) -> Any:
    if isinstance(value, FileBytes):
        return f"{(value.size + 2) // 3 * 4:,} characters of base64"
    if isinstance(value, str) and (name == "content" or (name == "data" and len(value) > SHORT)):
        return f"{len(value):,} characters of base64"
    return _shorten_files(value)
