"""Ids: UUIDs that say which stream and which number they are of, so that nothing is looked up by id.

The sixty bits of stream and number are mixed by steps that can be undone; the other bits are a check. A few stages
have words for ids, as the vendor has them.
"""

from functools import lru_cache

STREAMS = (
    "contacts", "opportunities", "applications", "postings", "stages", "archive_reasons", "tags", "sources", "users",
    "notes", "feedback", "feedback_templates", "interviews", "panels", "offers", "referrals", "resumes", "files",
    "file_actions", "forms", "form_templates", "requisitions", "requisition_fields", "webhooks", "uploads",
    "api_keys", "eeo_responses", "fields", "groups", "policies", "accounts", "approvals", "question_sets", "events",
)  # fmt: skip
"""Every kind of thing with an id; the place is part of the id, so a new one goes to the end."""

FIXED_STAGES = {"lead-new": 1, "lead-reached-out": 2, "lead-responded": 3, "applicant-new": 4, "offer": 9}
"""Stages whose id is a word → their number."""
_FIXED_WORDS = {number: word for word, number in FIXED_STAGES.items()}

_CODES = {name: code for code, name in enumerate(STREAMS, 1)}
_SIXTY = (1 << 60) - 1
_FIRST, _SECOND = 0x6C62272E07BB014 | 1, 0x27D4EB2F165667C | 1
_FIRST_BACK, _SECOND_BACK = pow(_FIRST, -1, 1 << 60), pow(_SECOND, -1, 1 << 60)
_LOW = (1 << 62) - 1
_NUMBERS = 48


def _mix(bits: int) -> int:
    bits ^= bits >> 30
    bits = bits * _FIRST & _SIXTY
    bits ^= bits >> 31
    return bits * _SECOND & _SIXTY


def _unmix(bits: int) -> int:
    bits = bits * _SECOND_BACK & _SIXTY
    bits ^= bits >> 31
    bits = bits * _FIRST_BACK & _SIXTY
    return bits ^ bits >> 30


def _check(bits: int) -> int:
    bits = (bits + 0x9E3779B97F4A7C15) * 0xBF58476D1CE4E5B9 & (1 << 64) - 1
    return (bits ^ bits >> 29) & _LOW


@lru_cache(maxsize=16384)
def make_id(stream: str, number: int) -> str:
    """The id of this number; the same for every seed."""
    if stream == "stages" and number in _FIXED_WORDS:
        return _FIXED_WORDS[number]
    high = _mix(_CODES[stream] << _NUMBERS | number)
    text, low = f"{high:015x}", f"{2 << 62 | _check(high):016x}"
    return f"{text[:8]}-{text[8:12]}-4{text[12:]}-{low[:4]}-{low[4:]}"


def read_id(text: object) -> tuple[str, int] | None:
    """Stream and number; None for what is no id of ours."""
    if not isinstance(text, str):
        return None
    if text in FIXED_STAGES:
        return "stages", FIXED_STAGES[text]
    return _read_id(text) if len(text) == 36 else None


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
