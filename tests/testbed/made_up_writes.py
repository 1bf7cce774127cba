"""Writes that a vendor of the tests declares: every one of the vocabulary, each of which ends without a call."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from unihire.integration import registry
from unihire.integration.operate import WriteContext
from unihire.integration.vendor_row import VendorRow
from unihire.integration.write import CustomField, Given, Params, Write
from unihire.model import INPUTS, InputSpec

STREAM = "jobs"
"""The stream of the vendor of the tests whose rows all these writes return."""


class AnyParams(Params):
    """Parameters of its own."""

    region: str = "eu"
    """Where it is stored."""


async def pretend(context: WriteContext, given: Given[Any]) -> VendorRow:
    """What was changed, or a row that no list has."""
    return VendorRow(STREAM, {"id": given.target or "made"})


async def list_custom_fields(context: Any) -> Sequence[CustomField]:
    return (CustomField(name="level", title="Level", kind="text"),)


def take_everything(spec: InputSpec, **others: Any) -> Write:
    """A write that takes every field there is."""
    fields: dict[str, Any] = {
        "model": spec.model, "verb": spec.verb, "run": pretend, "stream": STREAM, "lost_answer": "listed",
        "takes": tuple(field.name for field in spec.fields), "params": AnyParams, "custom_fields": list_custom_fields,
    }  # fmt: skip
    return Write(**(fields | others))


EVERY_WRITE = tuple(take_everything(spec) for spec in INPUTS.values())


@contextmanager
def declare_writes(writes: Sequence[Write], cannot: dict[str, str] | None = None) -> Iterator[None]:
    """Every vendor declares these writes, and why not the others."""
    before = registry._read_writes
    declared = {"WRITES": tuple(writes), "CANNOT_WRITE": cannot or {}}
    registry._read_writes = lambda slug, name, otherwise: declared[name]
    _forget()
    try:
        yield
    finally:
        registry._read_writes = before
        _forget()


def _forget() -> None:
    registry.list_writes.cache_clear()
    registry.list_unwritable.cache_clear()
