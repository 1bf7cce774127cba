"""docs/writes.md: its generated part, its statuses, and the settings and limits that it names."""

import re

import pytest

from testbed.writes_page import PAGE, place_systems
from unihire.app import describe_api
from unihire.dialects.bindbee.face import NATIVE
from unihire.dialects.bindbee.write_routes import WRITE_PATHS
from unihire.dialects.common.write_options import MOST_BODY
from unihire.dialects.common.write_words import ENDED, OPEN
from unihire.integration.registry import list_integrations, list_unwritable, list_writes
from unihire.model import INPUTS
from unihire.platform.writing.sent_files import MOST_BYTES
from unihire.settings import Settings

TEXT = PAGE.read_text()


def test_what_each_system_takes_is_what_the_declarations_make() -> None:
    assert place_systems(TEXT) == TEXT, "run `make docs`"


@pytest.mark.parametrize("integration", list_integrations(), ids=lambda one: one.slug)
def test_every_write_is_on_the_page_once_for_each_system(integration: object) -> None:
    slug, name = integration.slug, integration.name  # type: ignore[attr-defined]
    part = TEXT.partition(f"\n## {name}\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `(\w+\.\w+)` \|", part, re.MULTILINE)
    assert sorted(rows) == sorted(spec.name for spec in INPUTS.values())
    assert len(list_writes(slug)) + len(list_unwritable(slug)) == len(INPUTS)


def test_every_status_of_a_write_and_every_outcome_is_in_the_tables() -> None:
    paths = describe_api()["paths"]
    statuses = {
        status
        for path in WRITE_PATHS
        for status in paths[f"{NATIVE.path}/{path.path}"][path.method.lower()]["responses"]
    }
    named = {status for row in re.findall(r"^\| ([\d, ]+) \|", TEXT, re.MULTILINE) for status in row.split(", ")}
    assert named == statuses
    outcomes = {
        word for row in re.findall(r"^\| ((?:`\w+`(?:, )?)+) \|", TEXT, re.MULTILINE) for word in row.split(", ")
    }
    assert {f"`{name}`" for name in (*ENDED, *OPEN)} <= outcomes


def test_limits_are_those_of_the_code() -> None:
    assert f"at most {MOST_BYTES >> 20} MiB each and\n{MOST_BODY >> 20} MiB a body" in TEXT
    assert f"`UNIHIRE_WRITES_DAYS` ({Settings.model_fields['writes_days'].default}) days" in TEXT
