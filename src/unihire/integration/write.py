"""What a vendor folder's `writes` declares: what can be written through the unified API, and how.

`WRITES` there is a tuple of `Write`, and `CANNOT_WRITE` says of every other pair of the vocabulary (`model/inputs.py`)
why the vendor cannot do it, by `model.verb`. From both come the endpoints, the checking of bodies, meta, the capability
matrix and the documentation page.
"""

import binascii
from base64 import b64decode
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, TypeVar

import msgspec

from unihire.errors import ReferenceMissing
from unihire.integration.operate import OperationContext, WriteContext
from unihire.integration.vendor_row import VendorRow
from unihire.kit.file_contents import FileBytes
from unihire.model import WriteInput

GivenInput = TypeVar("GivenInput", bound=WriteInput)

LostAnswer = Literal["listed", "marked", "refused", "state", "unknown"]
"""How a write is known again whose answer was lost: it is in a list, with what was sent; it shows a mark that was sent;
the vendor refuses a second one; the state that was asked for is there; or it cannot be known."""


class Params(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """The vendor's own parameters of a write, `integration_params` in a body. One without default is required."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferedValue:
    """A value that may be sent, and what it is called."""

    value: str | int
    title: str
    job: str | None = None
    """The vendor's id of the job it belongs to: other jobs' applications cannot have it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomField:
    """A field that the customer made: its name in `custom_fields`, and what it takes."""

    name: str
    title: str
    kind: Literal["text", "number", "integer", "boolean", "date", "url", "choice", "choices", "any"]
    """`choice` is one of `options`, `choices` a list of them."""
    options: tuple[OfferedValue, ...] = ()
    is_required: bool = False
    shape: Mapping[str, Any] = field(default_factory=dict)
    """What `any` takes here, as JSON Schema: an amount, a range."""


ReadCustomFields = Callable[[OperationContext], Awaitable[Sequence[CustomField]]]
"""The customer's fields that a write takes, of stored rows: the context is that of the store."""

ReadOptions = Callable[[OperationContext], Awaitable[Sequence[OfferedValue]]]
"""The values that a parameter or a field takes, of stored rows; those of a relation are the vendor's ids."""

Rule = Mapping[str, Any]
"""What a body must keep over several fields, as JSON Schema."""

_SENT: Rule = {"not": {"type": "null"}}


def needs(field: str, *others: str) -> Rule:
    """A rule: where this field is sent, so are the others."""
    there = {"required": list(others), "properties": dict.fromkeys(others, _SENT)}
    return {"if": {"required": [field], "properties": {field: _SENT}}, "then": there}


def needs_one_of(*fields: str) -> Rule:
    """A rule: one of these fields is sent."""
    return {"anyOf": [{"required": [field], "properties": {field: _SENT}} for field in fields]}


def needs_value(field: str, other: str, value: str) -> Rule:
    """A rule: where this field is sent, the other one has this value."""
    there = {"required": [other], "properties": {other: {"const": value}}}
    return {"if": {"required": [field], "properties": {field: _SENT}}, "then": there}


def at_most(field: str, count: int) -> Rule:
    """A rule: a list has so many items at most."""
    return {"properties": {field: {"maxItems": count}}}


@dataclass(frozen=True, slots=True)
class SentFile:
    """A file that is written."""

    file_name: str
    content_type: str | None
    attachment_type: str | None
    content: FileBytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Given(Generic[GivenInput]):
    """A checked input. Relations are the vendor's ids, texts are not empty, and files have their content."""

    input: GivenInput
    sent: frozenset[str] = frozenset()
    """The fields that the caller sent, those sent as null included: to clear them, where something is changed."""
    target: str = ""
    """The vendor's id of what is changed; empty where something is created."""
    actor: str | None = None
    """The vendor's id of the user who acts; None: nobody is named."""
    params: Any = None
    """The `Params` of the write; None where it declares none."""
    contents: tuple[FileBytes, ...] = ()
    """The content of each file of the input; where there is none, it is in the input."""

    @property
    def files(self) -> "Sequence[SentFile]":
        """The files of the input, each with its content. Raises ReferenceMissing for what is no base64."""
        input: Any = self.input
        files = [input] if hasattr(input, "file_name") else getattr(input, "attachments", None) or []
        contents = self.contents or [_decode(place, file.file_content) for place, file in enumerate(files)]
        return [
            SentFile(file.file_name or "file", file.content_type, file.attachment_type, content)
            for file, content in zip(files, contents, strict=True)
        ]


def _decode(place: int, content: str | None) -> FileBytes:
    try:
        return FileBytes(b64decode(content or "", validate=True))
    except (binascii.Error, ValueError):
        raise ReferenceMissing(f"attachments/{place}/file_content: it is no base64") from None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Write:
    """One write."""

    model: str
    """The model that is written, by its name in the vocabulary."""
    verb: str
    """What is done: `create`, `update`, `move`."""
    run: Callable[[WriteContext, Given[Any]], Awaitable[VendorRow]]
    """Does the steps, and returns the row of `stream` that was made or changed. Raises VendorErrors."""
    stream: str | None
    """The stream whose row, or a part of it, `run` returns, and becomes a record of the model; None where the vendor
    takes the thing and never shows it: then the answer has its id alone."""
    takes: tuple[str, ...]
    """The fields of the input that the vendor takes. Another one is refused, with its name."""
    requires: tuple[str, ...] = ()
    """Those of them that the vendor needs, beside those that every vendor does."""
    cannot_empty: tuple[str, ...] = ()
    """Those of them that a change cannot empty: null, and a list without items, are refused where they are sent."""
    params: type[Params] | None = None
    """The vendor's own parameters."""
    options: Mapping[str, ReadOptions] = field(default_factory=dict)
    """The values that are the customer's own, by parameter, or by field where a relation takes only some records."""
    rules: tuple[Rule, ...] = ()
    """What bodies must keep over several fields."""
    custom_fields: ReadCustomFields | None = None
    """The customer's own fields; None where the write takes none."""
    words: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """The values of an open field that the vendor takes, where it does not take every one of the vocabulary."""
    no_actor: str | None = None
    """Why no user can be named who acts; None where one can."""
    needs_actor: bool = False
    """Whether a user must be named."""
    lost_answer: LostAnswer
    """How it is known again whose answer was lost."""
    scopes: tuple[str, ...] = ()
    """The OAuth scopes without which nothing can be written."""
    more_scopes: tuple[str, ...] = ()
    """Those that only some inputs need."""
    named: Mapping[str, str] = field(default_factory=dict)
    """The field of the input that a member of the vendor's stands for, where a refusal names that."""
    note: str = ""
    """What a caller should know of it, in a sentence."""
    credential: str | None = None
    """The optional credential without which the vendor does not write; None where the connector's are enough."""

    @property
    def name(self) -> str:
        return f"{self.model}.{self.verb}"
