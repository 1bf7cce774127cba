"""The generated part of docs/writes.md: `python -m testbed.writes_page --write` puts it in its place."""

import sys
from pathlib import Path

from unihire.dialects.common.markup import to_markdown
from unihire.dialects.unihire.writes_page import describe_every_system

PAGE = Path(__file__).parents[2] / "docs" / "writes.md"
START, END = "<!-- what each system takes -->", "<!-- end of what each system takes -->"


def place_systems(page: str) -> str:
    """The page with what each system takes in its place."""
    before, _, rest = page.partition(START)
    return f"{before}{START}\n\n{to_markdown(describe_every_system())}\n{END}{rest.partition(END)[2]}"


if __name__ == "__main__":
    assert sys.argv[1:] == ["--write"]
    PAGE.write_text(place_systems(PAGE.read_text()))
