"""What the native face shows of a Greenhouse is, byte by byte, what it showed before fields were added beside it.

`test_greenhouse_native_bytes.json` has a digest of each record's members as they were rendered then, 8 digits each, by
model in the order of the vendor's ids: of a whole made-up company with odd rows in it, once with all its lists read and
once with none that others show; of jobs also with one of the two lists of their team.
"""

import json
from collections.abc import Collection
from hashlib import blake2b
from pathlib import Path
from typing import Any

import pytest

from testbed.harvest_rendered import Rows, read_rows, render_rows
from unihire.integration.registry import get_integration
from unihire.model import MODELS

BEFORE: dict[str, dict[str, str]] = json.loads(Path(__file__).with_suffix(".json").read_text())
SHOWN = {join.stream for stream in get_integration("greenhouse").streams for join in stream.joins}
NAMES = {spec.number: name for name, spec in MODELS.items()}

# What the contract allows and the made-up company has not: stream, place from the end, members.
ODD: tuple[tuple[str, int, dict[str, Any]], ...] = (
    ("candidates", 1, {"email_addresses": [{"value": "", "type": "work"}, {"value": "a@example.com", "type": None}]}),
    ("candidates", 2, {"phone_numbers": [{"value": "030 0", "type": "fax"}, {"value": "030 0", "type": "fax"}]}),
    ("candidates", 3, {"phone_numbers": None, "email_addresses": None, "addresses": None, "tags": None}),
    ("candidates", 4, {"email_addresses": [{"type": "work"}], "phone_numbers": [{"value": "1"}]}),
    ("job_owners", 1, {"type": "sourcer"}),
    ("job_owners", 2, {"type": "sponsor"}),
    ("job_owners", 3, {"user_id": None}),
    ("job_hiring_managers", 1, {"user_id": None}),
    ("interviewers", 1, {"user_id": None, "email": None, "response_status": None}),
    ("interviewers", 2, {"response_status": "maybe"}),
    ("job_posts", 1, {"active": False}),
    ("job_posts", 2, {"questions": [], "live": None, "internal": None}),
    ("application_stages", 1, {"entered_at": None, "exited_at": None, "current": False}),
    ("applications", 1, {"status": "paused"}),
    ("applications", 2, {"stage_id": None, "answers": None, "source_id": 1}),
    ("interviews", 1, {"status": "moved", "location": "", "video_conferencing_url": ""}),
    ("scorecards", 1, {"candidate_rating": "perhaps", "status": "lost"}),
    ("offices", 1, {"parent_id": None, "location": ""}),
    ("users", 1, {"site_admin": None, "job_title": ""}),
)


def make_odd(rows: Rows) -> Rows:
    odd = {name: list(each) for name, each in rows.items()}
    for name, place, fields in ODD:
        odd[name][-place] = {**odd[name][-place], **fields}
    return odd


def digest(unread: Collection[str], models: Collection[str]) -> dict[str, dict[str, str]]:
    """By model and vendor's id."""
    found: dict[str, dict[str, str]] = {name: {} for name in models}
    for record in render_rows(make_odd(read_rows(160, 7)), unread=unread):
        digests = found.get(NAMES[record.model])
        if digests is not None:
            assert record.remote_id not in digests
            digests[record.remote_id] = blake2b(record.members, digest_size=4).hexdigest()
    return found


CASES: dict[str, Collection[str]] = {
    "all": (),
    "none": SHOWN,
    "no owners": ("job_owners",),
    "no managers": ("job_hiring_managers",),
}
"""By name: the streams that were never read."""


@pytest.mark.parametrize(("case", "unread"), CASES.items())
def test_native_bytes_are_those_of_before(case: str, unread: Collection[str]) -> None:
    for name, digests in digest(unread, BEFORE[case]).items():
        ids = sorted(digests, key=lambda id: (len(id), id))
        before = [BEFORE[case][name][start : start + 8] for start in range(0, len(BEFORE[case][name]), 8)]
        assert len(ids) == len(before), name
        assert [(name, id) for id, was in zip(ids, before, strict=True) if digests[id] != was] == []
