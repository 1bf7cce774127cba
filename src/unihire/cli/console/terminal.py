"""What people and scripts read: results on stdout, everything else on stderr."""

import inspect
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
import typer
from rich.console import Console
from rich.text import Text

from unihire.kit.clock import to_text

OUT = Console(highlight=False)
ERR = Console(stderr=True, highlight=False)

Json = Annotated[bool, typer.Option("--json", help="Answer with one JSON document on stdout.")]


def print_json(value: Any, *, pretty: bool = False) -> None:
    """One JSON document on stdout, on a line of its own unless `pretty`."""
    text = msgspec.json.encode(value)
    sys.stdout.buffer.write((msgspec.json.format(text) if pretty else text) + b"\n")
    sys.stdout.buffer.flush()


def print_plain(text: str = "") -> None:
    """A line exactly as it is: nothing is wrapped or coloured, so it can be copied."""
    OUT.out(text, highlight=False)


def print_line(text: str | Text, console: Console = OUT) -> None:
    """A line for people, in rich's markup: broken between words in a terminal, whole in a file or a pipe."""
    console.print(text, soft_wrap=not console.is_terminal)


def note(text: str) -> None:
    """A line for people, beside the result."""
    print_line(text, ERR)


def examples(*lines: str) -> str:
    """The part of a command's help that shows it at work."""
    return "\n".join(["[bold]Examples[/bold]", *(f"$ {line}".replace("[", "\\[") for line in lines)])


def explain(function: Callable[..., object]) -> str:
    """A command's help from its docstring, whose lines are as wide as code: the terminal wraps them again."""
    paragraphs = inspect.cleandoc(function.__doc__ or "").split("\n\n")
    return "\n\n".join(" ".join(paragraph.split("\n")) for paragraph in paragraphs)


def show_moment(moment: datetime | None) -> str:
    return "never" if moment is None else to_text(moment.astimezone(UTC).replace(microsecond=0)).replace("T", " ")


def write_moment(moment: datetime | None) -> str | None:
    """As JSON has it, to the second; None where there is none."""
    return None if moment is None else to_text(moment.replace(microsecond=0))
