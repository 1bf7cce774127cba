import io

from rich.console import Console
from rich.text import Text

from unihire.cli.console.terminal import print_line

LONG = "The demo has ended. It left an empty PostgreSQL in /tmp/one/two, which the next command uses."


def draw(text: str | Text, *, is_terminal: bool) -> list[str]:
    file = io.StringIO()
    print_line(text, Console(file=file, width=40, force_terminal=is_terminal, color_system=None))
    return file.getvalue().splitlines()


def test_a_terminal_breaks_a_line_between_words() -> None:
    drawn = draw(LONG, is_terminal=True)
    assert len(drawn) > 1
    assert max(map(len, drawn)) <= 40
    assert " ".join(line.rstrip() for line in drawn) == LONG


def test_a_file_has_a_line_whole() -> None:
    assert draw(Text(LONG), is_terminal=False) == [LONG]
