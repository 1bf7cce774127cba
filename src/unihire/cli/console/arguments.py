"""What is typed on a command line, or read because of it: bounded, and refused in a sentence."""

import sys
from pathlib import Path
from typing import Any, Literal

import msgspec
import typer

from unihire.errors import ConfigError
from unihire.kit.files import decode_text, find_fault, read_file
from unihire.kit.nesting import NestedTooDeeply, decode_bounded

INPUT_BYTES = 32 * 2**20
"""The largest JSON document that is read."""

NAME_LENGTH = 1000

Environment = Literal["production", "development"]


def check_arguments(arguments: list[str]) -> None:
    """Raises ConfigError where one is not text in UTF-8: it could be neither stored nor shown."""
    for number, argument in enumerate(arguments, 1):
        try:
            argument.encode()
        except UnicodeEncodeError:
            raise ConfigError(f"argument {number} of the command line is not text in UTF-8") from None


def check_name(text: str | None) -> str | None:
    """A name as it was given. Raises BadParameter for one with invisible or control characters."""
    if text is not None and (fault := find_fault(text, limit=NAME_LENGTH)) is not None:
        raise typer.BadParameter(f"give another: {fault}")
    return text


def make_name_option(help: str, **others: Any) -> Any:
    """An option that takes a name."""
    return typer.Option(help=help, callback=check_name, **others)


def read_document(text: str, *, option: str) -> Any:
    """The JSON document that is meant: by itself, as @FILE or, with -, on standard input.

    Raises BadParameter for what is no JSON, and ConfigError for what cannot be read.
    """
    if text == "-":
        name, found = "standard input", sys.stdin.buffer.read(INPUT_BYTES + 1)
        if len(found) > INPUT_BYTES:
            raise ConfigError(f"cannot read {name}: it has more than {INPUT_BYTES:,} bytes")
    elif text.startswith("@"):
        name = text[1:]
        found = read_file(Path(name), limit=INPUT_BYTES, can_be_pipe=True)
    else:
        name, found = option, text.encode()
    try:
        return decode_bounded(decode_text(found, name).encode())
    except NestedTooDeeply as error:
        raise ConfigError(f"cannot read {name}: its JSON is {error}") from None
    except msgspec.DecodeError as error:
        raise typer.BadParameter(f"it is not JSON: {error}", param_hint=option) from None
