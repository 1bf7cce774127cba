"""One program over every vendor there is: it is written against the API alone, and does the same job with each."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from testbed.command import Command, end, read_json_line
from testbed.databases import make_place
from unihire.integration.registry import list_integrations

SCRIPT = Path(__file__).parents[2] / "docs" / "howto" / "source_anywhere.py"
SLUGS = [integration.slug for integration in list_integrations()]

WITHIN = 90
"""Seconds from the start of a demo of all vendors until each is connected, synced and served, on two cores."""


@pytest.fixture(scope="module")
def demo() -> Iterator[dict[str, Any]]:
    with make_place() as place:
        begun = time.monotonic()
        with Command(place / "home").start(
            "demo", "--json", "--port", "0", "--size", "100", "--vendors", "all"
        ) as process:
            told = read_json_line(process)
            assert time.monotonic() - begun < WITHIN
            yield told
            assert end(process, signal.SIGTERM)[0] == 0


def test_program_names_no_vendor() -> None:
    text = SCRIPT.read_text().lower()
    assert len(text.partition('"""\n\nimport')[2].splitlines()) <= 40
    assert not [slug for slug in SLUGS if slug in text]


@pytest.mark.parametrize("slug", SLUGS)
def test_program_brings_a_candidate_to_a_job_of_any_vendor_once(slug: str, demo: dict[str, Any]) -> None:
    (connector,) = [one for one in demo["connectors"] if one["integration"] == slug]
    place = {
        "UNIHIRE_URL": demo["base_url"], "API_KEY": demo["api_key"], "CONNECTOR_TOKEN": connector["connector_token"],
    }  # fmt: skip
    said = [run(place, f"jane.{slug}@example.com") for _ in range(2)]
    for lines in said:
        assert " applied for " in lines[0]
        assert lines[-1].startswith("Jane Doe is in ")
    (first, again) = (int(lines[0].split()[0]) for lines in said)
    assert again == first + 1, said


def run(place: dict[str, str], email: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, str(SCRIPT), email],
        check=False,
        env={**os.environ, **place},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()
