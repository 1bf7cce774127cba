"""The Python interpreters of this machine that Unihire may run on, one of each minor version.

`python tests/testbed/interpreters.py --others` prints those besides its own: version and path, a line each.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

OLDEST = (3, 11)
NEWEST = (3, 13)
_TELL = "import sys; print(*sys.version_info[:2]); print(sys.executable)"


def list_interpreters(identity: Mapping[str, Any] | None = None) -> dict[tuple[int, int], str]:
    """Version → path, oldest first; with `identity`, what subprocess needs to become a user, those the user can run."""
    found: dict[tuple[int, int], str] = {}
    for place in _list_places():
        told = _ask(place, identity or {})
        if told is not None and OLDEST <= told[0] <= NEWEST:
            found.setdefault(*told)
    return dict(sorted(found.items()))


def _list_places() -> list[str]:
    """Where an interpreter may be: our own, on the path, in the system's folders, among those pyenv made."""
    names = [f"python{major}.{minor}" for major, minor in _list_versions()]
    system = os.pathsep.join(("/usr/bin", "/usr/local/bin"))
    made = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    places = [getattr(sys, "_base_executable", sys.executable)]
    places += [place for name in names for path in (None, system) if (place := shutil.which(name, path=path))]
    return [*places, *(str(path / "bin" / "python3") for path in sorted(made.glob("*")))]


def _list_versions() -> list[tuple[int, int]]:
    return [(OLDEST[0], minor) for minor in range(OLDEST[1], NEWEST[1] + 1)]


def _ask(place: str, identity: Mapping[str, Any]) -> tuple[tuple[int, int], str] | None:
    """Which version is there and where it really is; None where there is none: pyenv's names may lead nowhere."""
    try:
        said = subprocess.run(
            [place, "-I", "-c", _TELL], capture_output=True, text=True, check=True, timeout=30, cwd="/", **identity
        ).stdout
        version, path = said.splitlines()
        major, minor = version.split()
    except (OSError, subprocess.SubprocessError, ValueError):
        return None
    return (int(major), int(minor)), path


def main() -> None:
    for (major, minor), path in list_interpreters().items():
        if sys.argv[1:] != ["--others"] or (major, minor) != sys.version_info[:2]:
            sys.stdout.write(f"{major}.{minor} {path}\n")


if __name__ == "__main__":
    main()
