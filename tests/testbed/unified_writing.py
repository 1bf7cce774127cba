"""Writes of the unified API, run on a connector to a Greenhouse sandbox as the platform runs them."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from testbed.creating import Creating
from unihire.errors import VendorError
from unihire.integration.registry import list_writes
from unihire.integration.vendor_row import VendorRow
from unihire.integration.write import Given, Write
from unihire.model.inputs import INPUTS
from unihire.platform.context_live import LiveContext
from unihire.platform.writing.planning import DryContext
from unihire.store.calls.operations import WriteStep


@dataclass
class Written:
    """What a write came to: its row, or its error; the rows it touched, and the parts that were refused."""

    row: VendorRow | None
    error: VendorError | None
    touched: Mapping[str, list[str]]
    refused: Mapping[str, VendorError]
    steps: dict[str, WriteStep] = field(default_factory=dict)

    @property
    def id(self) -> int:
        assert self.row is not None, self.error
        return self.row.get_number("id")


class ScopedContext(LiveContext):
    """A context that notes the scopes that were asked for."""

    def plan(self, steps: Iterable[str], *, scopes: Iterable[str] = ()) -> None:
        self.planned = (*getattr(self, "planned", ()), *scopes)
        super().plan(steps, scopes=self.planned)


def find_write(name: str) -> Write:
    model, _, verb = name.partition(".")
    return list_writes("greenhouse")[model, verb]


async def try_write(
    creating: Creating,
    name: str,
    input: Mapping[str, Any],
    *,
    target: object = "",
    actor: object = None,
    params: Mapping[str, Any] | None = None,
    steps: dict[str, WriteStep] | None = None,
    is_dry: bool = False,
) -> Written:
    """Run a write, or try it dry; ids in the input are the vendor's. `steps` are those of an earlier try."""
    write, connector = find_write(name), creating.tenant.connector
    struct = INPUTS[write.model, write.verb].struct
    given = Given(
        input=msgspec.convert(dict(input), struct),
        sent=frozenset(input),
        target=str(target),
        actor=None if actor is None else str(actor),
        params=None if write.params is None else msgspec.convert(dict(params or {}), write.params),
    )
    noted = {} if steps is None else steps
    async with creating.clients.use(connector) as client:
        context = ScopedContext(
            pool=creating.tenant.pool, client=client, connector=connector, integration=creating.tenant.integration,
            steps=noted, save_steps=lambda now: asyncio.sleep(0),
        )  # fmt: skip
        row, failed = None, None
        try:
            row = await write.run(DryContext(context) if is_dry else context, given)
        except VendorError as error:
            failed = error
    check_scopes(write, context)
    if row is not None:
        assert row.stream == write.stream
    return Written(row, failed, context.touched, context.refused, noted)


def check_scopes(write: Write, context: LiveContext) -> None:
    """What is planned is declared; what is always needed is asked for before anything is written."""
    planned = set(getattr(context, "planned", ()))
    assert planned <= {*write.scopes, *write.more_scopes}
    has_written = context.report_progress().has_begun
    assert not has_written or planned >= set(write.scopes)


async def write_unified(creating: Creating, name: str, input: Mapping[str, Any], **more: Any) -> Written:
    """Run a write that must succeed."""
    written = await try_write(creating, name, input, **more)
    if written.error is not None:
        raise written.error
    return written
