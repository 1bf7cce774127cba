"""Ids: lower-case hexadecimal numbers that grow with time. Each stream's are a range of their own.

Jobs are addressed by a shortcode, ten upper-case digits that can be turned back into the job's number.
"""

import re
from collections.abc import Mapping
from typing import Any

FIRST_STAGE = 5_272_001
FIRST_SUBSCRIPTION = 104_001

RANGES = {
    "candidates": (0x27000000, 0x10000000),
    "activities": (0x90000000, 0x60000000),
    "events": (0x10000000, 0x10000000),
    "offers": (0x60000000, 0x10000000),
    "jobs": (0x5B0000, 0x10000),
    "members": (0x1F0000, 0x10000),
    "recruiters": (0x2C0000, 0x10000),
    "departments": (0x92B00, 0x400),
    "disqualification_reasons": (0xB29C00, 0x400),
    "custom_attributes": (0xCA0000, 0x400),
    "questions": (0xB90000000, 0x10000000),
    "requisitions": (0xD10000, 0x10000),
    "api_keys": (0xAB0000, 0x10000),
    "files": (0xF0000000, 0x10000000),
}
"""Stream → where its ids begin, and how many there can be."""

NUMERIC = {"stages": FIRST_STAGE, "subscriptions": FIRST_SUBSCRIPTION}
"""Streams whose ids are whole numbers → the first of them, which is the number of the row."""

_HEX = re.compile(r"[0-9a-f]{5,9}", re.ASCII)
_SHORTCODE = re.compile(r"[0-9A-F]{10}", re.ASCII)
_FORTY = (1 << 40) - 1
_FACTOR, _MASK = 0x5851F42D4D, 0x9CD658E13E
_BACK = pow(_FACTOR, -1, 1 << 40)


def make_id(stream: str, number: int) -> str:
    return f"{RANGES[stream][0] + number:x}"


def find_number(stream: str, id_: object) -> int | None:
    """The number this id has in the stream; None for an id of another one, and for anything else."""
    if stream in NUMERIC:
        if isinstance(id_, str) and id_.isascii() and id_.isdecimal() and len(id_) < 12:
            return int(id_)
        return id_ if isinstance(id_, int) and not isinstance(id_, bool) else None
    if not isinstance(id_, str) or not _HEX.fullmatch(id_):
        return None
    first, count = RANGES[stream]
    number = int(id_, 16) - first
    return number if 0 < number < count else None


def make_shortcode(number: int) -> str:
    return f"{(number * _FACTOR & _FORTY) ^ _MASK:010X}"


def name_job(job: Mapping[str, Any]) -> str:
    """The shortcode of a job, whatever its row says."""
    return make_shortcode(find_number("jobs", job["id"]) or 0)


def find_job_number(shortcode: object) -> int | None:
    if not isinstance(shortcode, str) or not _SHORTCODE.fullmatch(shortcode):
        return None
    number = (int(shortcode, 16) ^ _MASK) * _BACK & _FORTY
    return number if 0 < number < RANGES["jobs"][1] else None


def read_row_id(text: str) -> int | None:
    """The number of any id, for the control plane, whose paths name the stream."""
    if (job := find_job_number(text)) is not None:
        return job
    if not text.isdecimal() or len(text) > 7:
        for stream in RANGES:
            number = find_number(stream, text)
            if number is not None:
                return number
    return None
