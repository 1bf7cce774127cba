"""Quarantined rows are tried again when a module that maps has changed, wherever it is in the folder."""

import shutil
from pathlib import Path

import pytest

import unihire.integrations
import unihire.model
from unihire.integration.registry import list_integrations
from unihire.sync.versions import digest_mapping, find_mapping_version

VENDORS, VOCABULARY = Path(unihire.integrations.__path__[0]), Path(unihire.model.__path__[0])
SLUGS = [integration.slug for integration in list_integrations()]
PLACES = [path.relative_to(VENDORS) for slug in SLUGS for path in sorted((VENDORS / slug).rglob("*.py"))]


def maps(place: Path) -> bool:
    """Whether the module is one that mapping reads: the connector, the mapping, or in the mapping's package."""
    return place.parts[1] in ("connector.py", "mapping.py", "mapping")


@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.as_posix())
def test_version_differs_with_modules_that_map_and_with_no_other(place: Path, tmp_path: Path) -> None:
    slug = place.parts[0]
    shutil.copytree(VENDORS / slug, tmp_path / slug, ignore=shutil.ignore_patterns("fixtures", "__pycache__"))
    before = digest_mapping(tmp_path / slug, VOCABULARY)
    assert before == find_mapping_version(slug)
    with (tmp_path / place).open("a") as module:
        module.write("# changed\n")
    assert (digest_mapping(tmp_path / slug, VOCABULARY) != before) == maps(place)


@pytest.mark.parametrize("slug", SLUGS)
def test_version_differs_with_the_vocabulary(slug: str, tmp_path: Path) -> None:
    for module in sorted(VOCABULARY.glob("*.py")):
        shutil.copytree(VOCABULARY, tmp_path / module.stem)
        with (tmp_path / module.stem / module.name).open("a") as changed:
            changed.write("# changed\n")
        assert digest_mapping(VENDORS / slug, tmp_path / module.stem) != find_mapping_version(slug)


def test_version_differs_with_a_module_deep_in_the_mapping_and_with_where_it_is(tmp_path: Path) -> None:
    folder = tmp_path / "acmehire"
    deep = folder / "mapping" / "people" / "names.py"
    deep.parent.mkdir(parents=True)
    empty = digest_mapping(folder, VOCABULARY)
    deep.write_text("TITLES = {}\n")
    first = digest_mapping(folder, VOCABULARY)
    deep.write_text("TITLES = {'dr': 'Dr'}\n")
    changed = digest_mapping(folder, VOCABULARY)
    deep.rename(folder / "mapping" / "names.py")
    moved = digest_mapping(folder, VOCABULARY)
    assert len({empty, first, changed, moved}) == 4
