"""Words of a list that all faces use: the sizes of pages, ids of ours."""

import re

PAGE_SIZE_MOST = 200
PAGE_SIZE = 50

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


def parse_id(text: str) -> str | None:
    """A record's id; None for text that is none."""
    lowered = text.lower()
    return lowered if UUID.fullmatch(lowered) else None
