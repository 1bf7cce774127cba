"""Ids: UUIDs that say which stream and which number they are of, so that nothing is looked up by id.

The sixty bits of stream and number are mixed by steps that can be undone; the other bits are a check.
"""

from functools import lru_cache

STREAMS = (
    "candidates", "applications", "jobs", "job_postings", "openings", "offers", "offer_processes",
    "interview_schedules", "interview_events", "feedback", "notes", "email_messages", "files", "users",
    "departments", "locations", "sources", "source_types", "archive_reasons", "close_reasons", "candidate_tags",
    "custom_fields", "interview_plans", "interview_stages", "interview_stage_groups", "interviews",
    "feedback_forms", "survey_forms", "survey_requests", "survey_submissions", "hiring_roles",
    "communication_templates", "brands", "job_boards", "job_templates", "projects", "interviewer_pools",
    "tracking_links", "api_keys", "webhooks", "history", "form_submissions", "form_fields", "versions",
    "offer_forms", "places", "activities", "organizations", "compensation", "client_info", "training_paths",
    "training_stages", "referral_forms", "uploads",
)  # fmt: skip
"""Every kind of thing with an id; the place is part of the id, so a new one goes to the end."""

_CODES = {name: code for code, name in enumerate(STREAMS, 1)}
_SIXTY = (1 << 60) - 1
_FIRST, _SECOND = 0x5851F42D4C957F3 | 1, 0x14057B7EF767815 | 1
_FIRST_BACK, _SECOND_BACK = pow(_FIRST, -1, 1 << 60), pow(_SECOND, -1, 1 << 60)
_LOW = (1 << 62) - 1
_NUMBERS = 48


def _mix(bits: int) -> int:
    bits ^= bits >> 30
    bits = bits * _FIRST & _SIXTY
    bits ^= bits >> 27
    bits = bits * _SECOND & _SIXTY
    return bits ^ bits >> 31


def _unmix(bits: int) -> int:
    bits ^= bits >> 31
    bits = bits * _SECOND_BACK & _SIXTY
    bits ^= bits >> 27 ^ bits >> 54
    bits = bits * _FIRST_BACK & _SIXTY
    return bits ^ bits >> 30


def _check(bits: int) -> int:
    bits = (bits + 0x9E3779B97F4A7C15) * 0xBF58476D1CE4E5B9 & (1 << 64) - 1
    return (bits ^ bits >> 29) & _LOW


@lru_cache(maxsize=16384)
def make_id(stream: str, number: int) -> str:
    """The id of this number; the same for every seed."""
    high = _mix(_CODES[stream] << _NUMBERS | number)
    text, low = f"{high:015x}", f"{2 << 62 | _check(high):016x}"
    return f"{text[:8]}-{text[8:12]}-4{text[12:]}-{low[:4]}-{low[4:]}"


def read_id(text: object) -> tuple[str, int] | None:
    """Stream and number; None for what is no id of ours."""
    return _read_id(text) if isinstance(text, str) and len(text) == 36 else None


@lru_cache(maxsize=16384)
def _read_id(text: str) -> tuple[str, int] | None:
    digits = text.replace("-", "").lower()
    if len(digits) != 32 or digits[12] != "4":
        return None
    try:
        high, low = int(digits[:12] + digits[13:16], 16), int(digits[16:], 16)
    except ValueError:
        return None
    if low != 2 << 62 | _check(high):
        return None
    bits = _unmix(high)
    code, number = bits >> _NUMBERS, bits & (1 << _NUMBERS) - 1
    return (STREAMS[code - 1], number) if 1 <= code <= len(STREAMS) else None


def find_number(stream: str, text: object) -> int | None:
    """The number this id has in the stream; None for an id of another one, and for anything else."""
    found = read_id(text)
    return found[1] if found is not None and found[0] == stream else None


def read_row_id(text: str) -> int | None:
    """The number of any id, for the control plane, whose paths name the stream."""
    found = read_id(text)
    return None if found is None else found[1]
