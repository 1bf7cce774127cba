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


def list_imports(path: Path) -> set[str]:
    """The modules of ours that a file imports, wherever in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{path}: a relative import"
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return {name for name in found if name.startswith("unihire.")}


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_emulator_and_connector_know_nothing_of_one_another(folder: Path) -> None:
    package = f"unihire.integrations.{folder.name}"
    modules = sorted(folder.glob("*.py"))
    for path in modules:
        siblings = {name.split(".")[3] for name in list_imports(path) if name.startswith(f"{package}.")}
        is_emulator = path.name.startswith("emulator")
        for sibling in siblings & {module.stem for module in modules}:
            assert sibling.startswith("emulator") == is_emulator, f"{path.name} imports {sibling}"


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_folder_imports_nothing_of_ours_but_the_contract_and_what_lies_below(folder: Path) -> None:
    allowed = ("integration.declare", "integration.emulate", "integration", "model", "outbound", "kit", "errors")
    for path in folder.glob("*.py"):
        for name in list_imports(path):
            inside = name.removeprefix("unihire.")
            is_own = inside.split(".")[:2] == ["integrations", folder.name] or inside == "integrations"
            assert is_own or inside.startswith(allowed), f"{path.name} imports {name}"
