"""What a vendor folder's `operations` declare: named calls with an input and an output, on one connector.

`OPERATIONS` there is a tuple of `Operation`. From it come the HTTP endpoints, the checking of inputs, the `call`
command and the documentation page.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any, Literal, Protocol, TypeVar

import msgspec
from msgspec import Meta

from unihire.integration.declare import Data
from unihire.integration.vendor_row import VendorRow
from unihire.outbound.paging import VendorResponse
from unihire.outbound.streamed_body import Body

Result = TypeVar("Result")

SearchText = Annotated[str, Meta(max_length=1_000)]
"""A text that rows are found by: it travels in the address of a call, which has an end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """How a thing is known again whose creation was not answered.

    `look` gives the rows at the vendor that were made since a moment of its clock and show what was sent. `confirm`
    looks once more at one of them, for what its row alone does not show. `within` names the step that made the parent
    of this one: where the same call has just made that, nothing else was in it before. `is_there` is for a vendor that
    takes the same thing only once: it reads the body of a refusal, and says whether that is because the thing is there.
    """

    look: Callable[[datetime], Awaitable[list[VendorRow]]]
    confirm: Callable[[VendorRow], Awaitable[bool]] | None = None
    within: str | None = None
    is_there: Callable[[bytes], bool] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VendorCall:
    """One call that writes at a vendor."""

    path: str
    """A declared path, with its ids filled in."""
    body: Data | Body | None = None
    """A JSON object, in which the content of a file may be one member, or something else, of `content_type`."""
    method: str = "POST"
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)
    """Headers besides those of every call."""
    query: Mapping[str, str] = field(default_factory=dict)
    acting_as: str | None = None
    """The vendor's id of the user in whose name it is made, where a token says that."""
    by_key: bool = False
    """Whether the integration's `write_key` is sent, and no token."""
    url: str | None = None
    """Instead of the path: an address that the vendor gave for this, of a file store perhaps. Nothing of the
    connector's credentials is sent there, and `path` is what it is called in errors. For `send_aside` alone."""
    item: str | None = None
    """The member of the answer that has the row, where the answer is not the row itself: `result`, or `result.job`."""
    example_answer: bytes = b"{}"
    """What a dry run takes for the answer, where `send_aside` reads it."""

    @property
    def name(self) -> str:
        """What it is in errors, without its query: `POST /v3/candidates`."""
        return f"{self.method} {self.path}"


class Input(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What an operation is given. A field without default is required; a member nobody knows is refused."""


class Output(msgspec.Struct, kw_only=True):
    """What an operation gives, or an object in it: every member is always there."""


class OperationContext(Protocol):
    """What an operation works with: one connector's rows, from the vendor now or as last synced.

    Rows are as the vendor sends them, newest id first. Errors are the VendorErrors of the outbound client.
    """

    async def page(self, stream: str, number: int, size: int, filters: Mapping[str, Any]) -> list[VendorRow]:
        """Page `number`, from 1, of a list; empty after the last."""
        ...

    async def all(self, stream: str, filters: Mapping[str, Any] | None = None) -> list[VendorRow]:
        """Every row of a list."""
        ...

    async def find(self, stream: str, member: str, values: Iterable[object]) -> list[VendorRow]:
        """The rows whose `member` is one of these, asked for many at a time; None among the values is passed over.

        Of a stream that cannot be filtered by ids, by `id` and by what is in its `listed_by` alone.
        """
        ...


class WriteContext(OperationContext, Protocol):
    """An operation context that writes too: what an operation that `is_write` works with."""

    def touch(self, stream: str, ids: Iterable[object], *, by: str | None = None) -> None:
        """Say that rows changed by what was written: they are read into the store before the operation answers.

        With `by`, a member in the stream's `listed_by`, the rows that have one of the values there.
        """
        ...

    @property
    def can_act(self) -> bool:
        """Whether `acting_as` counts: a partner's grant always acts for the user who gave it."""
        ...

    def plan(self, steps: Iterable[str], *, scopes: Iterable[str] = ()) -> None:
        """Announce which things `create` will make, by their steps, in order: the report of a failure names those made.

        `scopes` are those the steps need. Raises ScopeMissing where the grant is known not to have one: then nothing
        is made, where otherwise a part would be.
        """
        ...

    def mark(self, step: str) -> str:
        """A text to send with what a step creates, which shows in the row: of this write and no other.

        It is the same for each try of the write that may have sent it.
        """
        ...

    async def create(self, step: str, call: VendorCall, *, stream: str, trace: Trace) -> VendorRow:
        """Make one thing at the vendor, once, and return its row.

        `step` names it among the writes of the operation: a repeat of the call under the same idempotency key goes on
        after the steps that are done. Where the answer is lost, or has no row, `trace` finds out whether the thing is
        there; it is never written twice. What was made is read into the store before the operation answers, as a row
        of `stream`; that may be the name of a kind of row that no list has, which is then not read.
        """
        ...

    async def change(
        self, step: str, call: VendorCall, *, stream: str, id: str, holds: Callable[[], Awaitable[bool]]
    ) -> None:
        """Bring the row `id` of `stream` into a state. Where the answer is lost, `holds` says whether it is in it.

        It is sent once more where it does not hold, so the call must do no harm when it is made twice.
        """
        ...

    async def send_aside(self, step: str, call: VendorCall) -> VendorResponse:
        """Send what is harmless when it is sent twice, such as a file that nothing refers to yet; the 2xx answer."""
        ...

    async def attempt(self, step: str, work: Awaitable[Result]) -> Result | None:
        """The result of a part without which the rest stands. None where the vendor refuses it: the report says so.

        What is unsure is no refusal, and is raised.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Operation:
    """A named call.

    `run` takes a OperationContext, or a WriteContext where the operation `is_write`, and the input.

    `public` operations are offered to people; a `ddl` one fills the choices of an input of another. `calls` says in
    words how many calls to the vendor it takes. `writes` names the fields of the vocabulary it sets, by model:
    `{"candidate": ("first_name",)}`; one that `is_write` has some. `advanced` names inputs a form may hide at first.
    `scopes` are the OAuth scopes without which it can write nothing, `more_scopes` those that only some inputs need.
    """

    name: str
    title: str
    description: str
    input: type[Input]
    output: type[Output]
    run: Callable[[Any, Any], Awaitable[Output]]
    calls: str
    kind: Literal["public", "ddl"] = "public"
    is_write: bool = False
    writes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    advanced: tuple[str, ...] = field(default=())
    scopes: tuple[str, ...] = ()
    more_scopes: tuple[str, ...] = ()


class Choice(Output):
    """One choice of a drop-down: what is shown, and what is stored."""

    text: str
    value: int | str


class Choices(Output):
    """What every DDL operation gives."""

    result: list[Choice]


class Nothing(Input):
    """No input."""


def choose_from(operation: str, **input: str) -> dict[str, Any]:
    """The schema of an input that a DDL operation offers choices for; `input` is that one's, `{{field}}` filled in."""
    return {"lookup": {"operation": operation, "input": input}}


def describe_type(of: Any) -> dict[str, Any]:
    """The JSON Schema of an input or output, in one piece."""
    schema = msgspec.json.schema(of)
    definitions: dict[str, Any] = schema.pop("$defs", {})

    def resolve(part: Any) -> Any:
        if isinstance(part, list):
            return [resolve(one) for one in part]
        if not isinstance(part, dict):
            return part
        name = part.get("$ref", "").removeprefix("#/$defs/")
        if name:
            target = {key: value for key, value in definitions[name].items() if key != "title"}
            part = {**target, **{key: value for key, value in part.items() if key != "$ref"}}
        return {key: resolve(value) for key, value in part.items()}

    found: dict[str, Any] = resolve(schema)
    return found
