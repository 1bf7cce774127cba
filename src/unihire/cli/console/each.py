"""Work on one connector after the other: picked, reported, and summed up in one exit code."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import typer

from unihire.cli.console.ending import EXPECTED, code_of, describe_error, show_error
from unihire.cli.console.exits import FAILED
from unihire.cli.console.picking import name_connector, pick_connectors
from unihire.cli.console.terminal import note, print_json
from unihire.errors import Stopped
from unihire.settings import Settings
from unihire.store import Pool
from unihire.store.accounts.tenancy import Connector, list_connectors
from unihire.store.database import open_database


@dataclass(frozen=True, slots=True)
class Done:
    """What came of one connector: the exit code alone, what --json shows of it, and how it is shown to people."""

    code: int
    shown: Mapping[str, Any]
    show: Callable[[], None]


def check_choice(ids: Sequence[str] | None, *, is_all: bool) -> None:
    """Raises BadParameter unless connectors are named or all are meant, and not both."""
    if bool(ids) == is_all:
        raise typer.BadParameter("name connectors, or give --all", param_hint="CONNECTOR_ID")


async def work_on_each(
    settings: Settings,
    ids: Sequence[str],
    work: Callable[[Pool, Connector], Awaitable[Done]],
    *,
    stopped: str,
    failed: Mapping[str, Any],
    is_json: bool,
) -> int:
    """Work on the connectors named, or on all; returns the exit code, FAILED where they went wrong in different ways.

    `stopped` is printed if the work is stopped; `failed` is what --json adds for a connector that failed.
    """
    codes: set[int] = set()
    results: list[dict[str, Any]] = []
    async with open_database(settings) as pool:
        connectors = await (pick_connectors(pool, ids) if ids else list_connectors(pool))
        if not connectors:
            note("There is no connector yet: unihire connect makes one.")
        for connector in connectors:
            name = name_connector(connector)
            try:
                done = await work(pool, connector)
            except (Stopped, asyncio.CancelledError):
                note(stopped)
                raise
            except EXPECTED as error:
                show_error(error)
                codes.add(code_of(error))
                results.append({**name, "status": "failed", "error": describe_error(error), **failed})
                continue
            codes.add(done.code)
            results.append({**name, **done.shown})
            if not is_json:
                done.show()
    if is_json:
        print_json({"connectors": results})
    bad = codes - {0}
    return min(bad) if len(bad) == 1 else FAILED if bad else 0
