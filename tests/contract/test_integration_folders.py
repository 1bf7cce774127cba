"""Every vendor's folder: in order by the inspector's eyes, and every fixture becomes what is written beside it."""

import ast
from pathlib import Path

import pytest

import unihire.integrations
from unihire.integration.declare import Integration
from unihire.integration.inspect import find_folder, inspect_all, list_cases, map_case
from unihire.integration.registry import get_integration, list_integrations

FOLDERS = sorted(path.parent for path in Path(unihire.integrations.__path__[0]).glob("*/__init__.py"))
CASES = [(integration.slug, case) for integration in list_integrations() for case in list_cases(integration)]
EACH = pytest.mark.parametrize("integration", list_integrations(), ids=lambda integration: integration.slug)


@EACH
def test_folder_is_in_order(integration: Integration) -> None:
    assert inspect_all()[integration.slug] == []


@pytest.mark.parametrize(("slug", "case"), CASES, ids=[f"{slug}/{case.stream}/{case.name}" for slug, case in CASES])
def test_row_becomes_the_records_written_beside_it(slug: str, case: object) -> None:
    found = map_case(get_integration(slug), case)  # type: ignore[arg-type]
    assert found == case.expected  # type: ignore[attr-defined]


@EACH
def test_mapping_leaves_the_row_as_it_was(integration: Integration) -> None:
    for case, again in zip(list_cases(integration), list_cases(integration), strict=True):
        map_case(integration, case)
        assert case == again


@EACH
def test_quirks_name_their_sources(integration: Integration) -> None:
    text = (find_folder(integration) / "quirks.md").read_text()
    assert len(text) > 200
    assert text.startswith("# ")


# What a module of a vendor's folder may import of ours besides its own folder.
BELOW = (
    "integration.declare", "integration.emulate", "integration.operate", "integration.vendor_row",
    "integration.webhooks", "integration.write",
)  # fmt: skip
BELOW_ALL = ("model", "outbound", "kit", "errors")
BELOW_EMULATORS = ("integration.emulate", "kit", "errors")


def list_imports(path: Path) -> set[str]:
    """The modules of ours that a file imports, wherever in it, and the names it takes from them."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return {name for name in found if name.startswith("unihire.")}


def list_breaches(folder: Path) -> list[str]:
    """Each import across a wall, by any module however deep in the folder: `emulator/rows/find.py imports …`."""
    found = []
    for path in sorted(folder.rglob("*.py")):
        place = path.relative_to(folder)
        for name in sorted(list_imports(path)):
            if not may_import(place, name.removeprefix("unihire."), folder.name):
                found.append(f"{place.as_posix()} imports {name}")
    return found


def may_import(place: Path, name: str, slug: str) -> bool:
    """Whether the module at this place of the folder may import `kit.clock.now`.

    The emulator sees nothing of its folder but itself, and nothing beside it sees the emulator; a mapping sees itself
    alone, for its version follows its own modules.
    """
    own, room = f"integrations.{slug}.", place.parts[0].removesuffix(".py")
    if not name.startswith(own):
        below = BELOW_EMULATORS if room == "emulator" else (*BELOW, *BELOW_ALL)
        return any(f"{name}.".startswith(f"{top}.") for top in below)
    asked = name.removeprefix(own).split(".")[0]
    if room in ("emulator", "mapping"):
        return asked == room
    return asked != "emulator"


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_folder_keeps_its_walls(folder: Path) -> None:
    assert list_breaches(folder) == []


WALLS = [
    ("emulator/rows/people.py", "from unihire.integrations.acmehire.mapping import people"),
    ("emulator/rows/people.py", "from unihire.integrations.acmehire import connector"),
    ("emulator/rows/people.py", "from unihire.model import Candidate"),
    ("emulator/rows/people.py", "from unihire.integration.vendor_row import VendorRow"),
    ("emulator.py", "from unihire.integrations.acmehire.harvest.shapes.jobs import Job"),
    ("mapping/people.py", "from unihire.integrations.acmehire.emulator.rows import people"),
    ("mapping/people.py", "import unihire.integrations.acmehire.filters as filters"),
    ("emulator/messages.py", "from unihire.integration.webhooks import Signature"),
    ("emulator/messages.py", "from unihire.integrations.acmehire.webhooks import WEBHOOKS"),
    ("webhooks.py", "from unihire.integrations.acmehire.emulator.messages import sign"),
    ("mapping/people.py", "from unihire.integrations.acmehire.webhooks import EVENTS"),
    ("writes.py", "def find():\n    from unihire.integrations.acmehire import emulator"),
    ("harvest/shapes/jobs.py", "from unihire.integrations.acmehire.emulator import EMULATOR"),
    ("harvest/shapes/jobs.py", "from unihire.integrations.otherhire.mapping import to_job"),
    ("harvest/shapes/jobs.py", "from unihire.integrations import otherhire"),
    ("harvest/shapes/jobs.py", "from unihire.integration.registry import list_integrations"),
    ("connector.py", "from unihire.store import Pool"),
]


@pytest.mark.parametrize(("place", "line"), WALLS)
def test_import_across_a_wall_is_found_however_deep_it_is(place: str, line: str, tmp_path: Path) -> None:
    module = tmp_path / "acmehire" / place
    module.parent.mkdir(parents=True)
    module.write_text(f"from unihire.kit.clock import now\n{line}\n")
    assert len(list_breaches(tmp_path / "acmehire")) == 1
