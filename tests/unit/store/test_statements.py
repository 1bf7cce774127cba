"""What is recorded of a release are all statements of the store, wherever their modules are."""

import ast
from pathlib import Path

import unihire.store
from testbed.statements import list_statements

STORE = Path(unihire.store.__path__[0])


def test_statements_of_modules_in_packages_are_recorded_too() -> None:
    written = {
        f"{'.'.join(path.relative_to(STORE).with_suffix('').parts)}.{node.targets[0].id}"
        for path in STORE.rglob("*.py")
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id.isupper()
        if isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
    }
    assert any(name.startswith("feed.") for name in written)
    assert written - list_statements().keys() == set()
