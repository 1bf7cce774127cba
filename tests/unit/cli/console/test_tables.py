from rich.console import Console

from unihire.cli.console.tables import Line, NotedTable


def draw(*lines: Line, width: int = 80) -> list[str]:
    console = Console(width=width, color_system=None)
    with console.capture() as capture:
        console.print(NotedTable(titles=("name", "rows"), lines=lines, indent=2, numbers_from=1))
    return [line.rstrip() for line in capture.get().splitlines()]


def test_columns_are_as_wide_as_their_widest_cell_and_numbers_are_right() -> None:
    assert draw(Line(("jobs", "1,234,567")), Line(("candidates", "5"))) == [
        "name             rows",
        "jobs        1,234,567",
        "candidates          5",
    ]


def test_a_note_widens_no_column_and_is_broken_at_the_edge() -> None:
    drawn = draw(Line(("jobs", "5"), ["a reason that is longer than the whole table"]), width=24)
    assert drawn == ["name  rows", "jobs     5", "  a reason that is", "  longer than the whole", "  table"]


def test_markup_counts_for_nothing() -> None:
    assert draw(Line(("[red]jobs[/red]", "[bold]5[/bold]"))) == ["name  rows", "jobs     5"]


COUNTED = ("stream", "read", "added", "changed", "deleted", "quarantined", "incomplete")


def draw_counted(width: int) -> list[str]:
    console = Console(width=width, color_system=None)
    well = Line(("custom_field_departments", "14,260", "0", "0", "0", "0", "0"))
    troubled = Line(("jobs", "1", "0", "0", "0", "2", "1,024"), ["failed: refused"])
    with console.capture() as capture:
        console.print(NotedTable(titles=COUNTED, lines=(well, troubled), indent=2, numbers_from=1))
    return [line.rstrip() for line in capture.get().splitlines()]


def test_a_table_that_is_too_wide_has_its_rare_numbers_as_notes() -> None:
    assert draw_counted(80) == [
        "stream                      read  added  changed  deleted",
        "custom_field_departments  14,260      0        0        0",
        "jobs                           1      0        0        0",
        "  2 quarantined, 1,024 incomplete",
        "  failed: refused",
    ]


def test_a_table_that_fits_has_all_its_columns() -> None:
    drawn = draw_counted(84)
    assert drawn[0] == "stream                      read  added  changed  deleted  quarantined  incomplete"
    assert drawn[2:] == [
        "jobs                           1      0        0        0            2       1,024",
        "  failed: refused",
    ]
