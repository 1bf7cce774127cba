"""What a sync shows: a line for each stream while it runs, a table when it is done."""

import time
from collections.abc import Mapping
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from unihire.integration.declare import Integration
from unihire.sync.pages import Counts

_PHASES = {
    "walk": "reading",
    "catch_up": "catching up",
    "refresh": "renewing",
    "absent": "looking for deleted",
    "done": "done",
}


class ProgressBars:
    """Shows a sync on a terminal, and takes it away again where a table follows; elsewhere it stays silent.

    `totals` are the rows to expect, for the streams where that is known.
    """

    def __init__(
        self,
        console: Console,
        integration: Integration,
        totals: Mapping[str, int] | None = None,
        *,
        is_transient: bool,
        is_shown: bool = True,
    ) -> None:
        self._totals = totals or {}
        self._tasks: dict[str, TaskID] = {}
        self._begun: dict[str, tuple[float, int]] = {}
        width = max((len(stream.name) for stream in integration.streams), default=8)
        self._progress = Progress(
            SpinnerColumn(finished_text="[green]✓[/green]"),
            TextColumn(f"{{task.description:<{width}}}"),
            BarColumn(bar_width=12),
            TextColumn("{task.completed:>9,} rows"),
            TextColumn("[dim]{task.fields[state]:<19}[/dim]"),
            TimeElapsedColumn(),
            console=console,
            disable=not (is_shown and console.is_terminal),
            transient=is_transient,
        )

    def watch(self, counts: Counts) -> None:
        """Take in what a stream did so far."""
        now = time.monotonic()
        if counts.stream not in self._tasks:
            total = self._totals.get(counts.stream)
            self._tasks[counts.stream] = self._progress.add_task(counts.stream, total=total, state="")
            self._begun[counts.stream] = (now, counts.read)
        started_at, begun_with = self._begun[counts.stream]
        task = self._tasks[counts.stream]
        if counts.phase == "done":
            self._progress.update(task, completed=counts.read, total=max(counts.read, 1), state="done")
            if not counts.read:
                self._progress.update(task, total=0)
            return
        state = _PHASES.get(counts.phase, counts.phase)
        if counts.phase == "walk" and now - started_at > 1:
            state = f"{(counts.read - begun_with) / (now - started_at):,.0f} a second"
        self._progress.update(task, completed=counts.read, state=state)

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()
