"""The README's commands, run as they are written."""

import re
import signal
import subprocess
from pathlib import Path

from testbed.command import PATIENCE, PROGRAM, Command, end, find_free_port
from testbed.databases import make_place
from unihire.store.embedded.server import EmbeddedServer

README = (Path(__file__).parents[2] / "README.md").read_text()


def read_blocks(title: str) -> list[str]:
    """The shell blocks of a section; the command is the one under test."""
    (section,) = re.findall(rf"^## {title}\n(.*?)^## ", README, re.MULTILINE | re.DOTALL)
    blocks: list[str] = re.findall(r"```sh\n(.*?)```", section, re.DOTALL)
    return [block.replace(".venv/bin/unihire", str(PROGRAM)) for block in blocks]


def test_everything_can_be_tried_without_a_vendor_account() -> None:
    blocks = read_blocks("Try all of it without a vendor account")
    port = find_free_port()  # 8900 may be somebody's
    vendor, commands = (block.replace("8900", port) for block in blocks)
    with make_place() as place, EmbeddedServer(place / "home"):
        command = Command(place / "home", UNIHIRE_PORT="0")
        with command.start(*vendor.split()[1:], PYTHONUNBUFFERED="1") as process:
            assert process.stdout is not None
            while "Ctrl-C" not in (line := process.stdout.readline()):
                assert line
            ran = subprocess.run(
                ["bash", "-ec", commands],
                capture_output=True,
                text=True,
                timeout=PATIENCE,
                check=False,
                cwd=place,
                env=command.environment,
            )
            assert ran.returncode == 0, (ran.stdout, ran.stderr)
            assert end(process, signal.SIGINT)[0] == 130
    assert "Example Ltd (Personio): sync 1 done" in ran.stdout
    assert re.search(r"^candidates +3 +0 +3 +0", ran.stdout, re.MULTILINE)
    assert "; the same\n" in ran.stdout
