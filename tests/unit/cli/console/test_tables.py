from rich.console import Console

from unihire.cli.console.tables import Line, make_noted_table


def draw(*lines: Line, width: int = 80) -> list[str]:
    console = Console(width=width, color_system=None)
    with console.capture() as capture:
        console.print(make_noted_table(("name", "rows"), lines, indent=2, numbers_from=1))
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
