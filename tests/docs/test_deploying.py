"""The files in deploy/ name what there is."""

import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
import typer

from unihire.cli.commands import app
from unihire.settings import Settings

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / "deploy").iterdir())


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_every_setting_and_command_exists(file: Path) -> None:
    text = file.read_text()
    named = {name.lower() for name in re.findall(r"\bUNIHIRE_([A-Z_]+)", text)}
    assert named <= set(Settings.model_fields)
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    used = re.findall(r"bin/unihire (\w+)|(?:command: |CMD )\[\"(\w+)\"(?!, \"-c\")", text)
    assert {one or other for one, other in used} - {"pg_isready"} <= set(commands)


def read_pins(name: str) -> dict[str, str]:
    return dict(re.findall(r"^([\w.-]+)==([\w.]+)", (ROOT / "requirements" / name).read_text(), re.MULTILINE))


def test_what_the_container_installs_is_what_is_declared_as_it_is_tested() -> None:
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = {
        re.split(r"[^\w.-]", line, maxsplit=1)[0]
        for line in (*declared["dependencies"], *declared["optional-dependencies"]["tracing"])
    }
    pinned = read_pins("run.txt")
    assert wanted <= set(pinned)
    assert pinned.items() <= read_pins("dev.txt").items()


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd here")
def test_the_units_are_such_as_systemd_takes(tmp_path: Path) -> None:
    units = []
    for file in FILES:
        if file.suffix == ".service":
            unit = tmp_path / file.name
            unit.write_text(re.sub("/opt/unihire/bin/unihire", "/bin/true", file.read_text()))
            units.append(unit)
    assert len(units) == 2
    done = subprocess.run(["systemd-analyze", "verify", *units], capture_output=True, text=True, check=False)
    assert (done.returncode, "Unknown" in done.stderr) == (0, False), done.stderr
