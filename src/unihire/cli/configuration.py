"""`unihire config`: what this installation is set to."""

import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from dotenv import dotenv_values
from pydantic import SecretStr
from rich.text import Text

from unihire.cli.console.terminal import OUT, Json, examples, print_json, print_line
from unihire.settings import DOTENV, Settings, read_settings

PREFIX = "UNIHIRE_"
HIDDEN = "(hidden)"

EPILOG = examples("unihire config", "unihire config --json", "UNIHIRE_PORT=9000 unihire config")


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting as it is now; `value` is never a secret, and `source` is environment, .env or default."""

    name: str
    value: str | int | None
    source: str
    description: str


def config(is_json: Json = False) -> None:
    """Print every setting, and where it comes from.

    Secrets are hidden. Settings are read from the environment, then from the file .env in the current folder.
    """
    found = list(list_settings(read_settings()))
    if is_json:
        print_json([asdict(setting) for setting in found])
        return
    for setting in found:
        value = "unset" if setting.value is None else str(setting.value)
        print_line(Text.assemble((setting.name, "bold"), " = ", value, (f"  {setting.source}", "cyan")))
        OUT.print(Text(f"    {setting.description}", "dim"))


def list_settings(settings: Settings) -> Iterator[Setting]:
    """Every setting there is, in the order they are declared."""
    in_environment = {name.upper() for name in os.environ}
    for field, info in Settings.model_fields.items():
        name, value = PREFIX + field.upper(), getattr(settings, field)
        if isinstance(value, SecretStr):
            value = HIDDEN
        elif isinstance(value, Path):
            value = str(value)
        source = "default"
        if field in settings.model_fields_set:
            source = "environment" if name in in_environment else ".env"
        yield Setting(name, value, source, info.description or "")


def list_unknown_variables(known: set[str]) -> list[str]:
    """Variables that look like ours and mean nothing: misspelt, most likely. `known` are those that have a meaning."""
    names = {name.upper() for name in (*os.environ, *dotenv_values(DOTENV))}
    settings = {PREFIX + field.upper() for field in Settings.model_fields}
    return sorted(name for name in names if name.startswith(PREFIX) and name not in settings | known)
