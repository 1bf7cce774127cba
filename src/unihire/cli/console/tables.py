"""Tables whose rows may have something to say that is wider than a column."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.cells import cell_len
from rich.console import Group, RenderableType
from rich.markup import escape
from rich.padding import Padding
from rich.text import Text

GAP = 2
"""Between two columns."""


@dataclass(frozen=True, slots=True)
class Line:
    """A row of a table, and what stands below it over its whole width; both in rich's markup."""

    cells: Sequence[str]
    notes: Sequence[str] = ()


def make_noted_table(titles: Sequence[str], lines: Sequence[Line], *, indent: int, numbers_from: int) -> Group:
    """A table without a frame; the columns from `numbers_from` on are numbers, notes are set in by `indent`."""
    rows = [[Text.from_markup(cell) for cell in line.cells] for line in lines]
    head = [Text(title, style="dim") for title in titles]
    widths = [max(cell_len(row[at].plain) for row in (head, *rows)) for at in range(len(titles))]

    def lay_out(row: Sequence[Text]) -> Text:
        for at, (cell, width) in enumerate(zip(row, widths, strict=True)):
            cell.align("right" if at >= numbers_from else "left", width)
        laid = Text(" " * GAP).join(row)
        laid.rstrip()
        return laid

    drawn: list[RenderableType] = [lay_out(head)]
    for line, row in zip(lines, rows, strict=True):
        drawn.append(lay_out(row))
        drawn += [Padding(Text.from_markup(said), (0, 0, 0, indent), expand=False) for said in line.notes]
    return Group(*drawn)


def make_stream_table(rows: Sequence[Mapping[str, Any]]) -> RenderableType:
    """What a run did, a line for each stream; `rows` have the fields of Counts, and `error`."""
    lines = []
    for row in rows:
        names = ("read", "added", "changed", "deleted", "quarantined", "incomplete")
        numbers = (row[name] for name in names)
        notes = [f"[red]failed: {escape(row['error'])}[/red]"] if row.get("error") else []
        lines.append(Line((row["stream"], *(f"{number:,}" for number in numbers)), notes))
    titles = ("stream", "read", "added", "changed", "deleted", "quarantined", "incomplete")
    return make_noted_table(titles, lines, indent=2, numbers_from=1)
