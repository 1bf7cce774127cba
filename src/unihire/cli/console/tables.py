"""Tables whose rows may have something to say that is wider than a column."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

GAP = 2
"""Between two columns."""

RARE = frozenset(("quarantined", "incomplete"))
"""Columns of numbers that are 0 in nearly every line."""


@dataclass(frozen=True, slots=True)
class Line:
    """A row of a table, and the text below it over its whole width; both in rich's markup."""

    cells: Sequence[str]
    notes: Sequence[str] = ()


def make_table(*, title: str | None = None) -> Table:
    """A table without a frame, whose last column ends it; columns and rows are the caller's to add."""
    return Table(
        box=None, padding=(0, GAP, 0, 0), pad_edge=False, header_style="dim", title=title, title_justify="left"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class NotedTable:
    """A table without a frame; the columns from `numbers_from` on are numbers, notes are set in by `indent`.

    Where it is wider than the terminal, the columns of RARE become notes of the lines that have such a number.
    """

    titles: Sequence[str]
    lines: Sequence[Line]
    indent: int
    numbers_from: int

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        rows = [[Text.from_markup(cell) for cell in line.cells] for line in self.lines]
        head = [Text(title, style="dim") for title in self.titles]
        widths = [max(cell_len(row[at].plain) for row in (head, *rows)) for at in range(len(head))]
        shown = list(range(len(head)))
        if sum(widths) + GAP * (len(widths) - 1) > options.max_width:
            shown = [at for at in shown if self.titles[at] not in RARE]

        def lay_out(row: Sequence[Text]) -> Text:
            for at in shown:
                row[at].align("right" if at >= self.numbers_from else "left", widths[at])
            laid = Text(" " * GAP).join(row[at] for at in shown)
            laid.rstrip()
            return laid

        yield lay_out(head)
        for line, row in zip(self.lines, rows, strict=True):
            yield lay_out(row)
            rare = [
                f"{row[at].plain} {title}"
                for at, title in enumerate(self.titles)
                if at not in shown and row[at].plain != "0"
            ]
            notes = [f"[yellow]{', '.join(rare)}[/yellow]"] if rare else []
            for said in (*notes, *line.notes):
                yield Padding(Text.from_markup(said), (0, 0, 0, self.indent), expand=False)


def make_stream_table(rows: Sequence[Mapping[str, Any]]) -> NotedTable:
    """What a run did, a line for each stream; `rows` have the fields of Counts, and `error`."""
    lines = []
    for row in rows:
        names = ("read", "added", "changed", "deleted", "quarantined", "incomplete")
        numbers = (row[name] for name in names)
        notes = [f"[red]{escape(row['error'])}[/red]"] if row.get("error") else []
        lines.append(Line((row["stream"], *(f"{number:,}" for number in numbers)), notes))
    titles = ("stream", "read", "added", "changed", "deleted", "quarantined", "incomplete")
    return NotedTable(titles=titles, lines=lines, indent=2, numbers_from=1)
