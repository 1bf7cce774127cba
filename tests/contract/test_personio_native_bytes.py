"""What the native face shows of a Personio is, byte by byte, what it showed before fields were added beside it.

`test_personio_native_bytes.json` has a digest of each record's members as they were rendered then, 8 digits each, by
model in the order of the vendor's ids: of a whole made-up company with odd rows in it, once with its applications read
before its candidates and once without. Histories of applications that had not ended were not read then.
"""

import json
from hashlib import blake2b
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import pytest

from testbed.personio import Json, Raw, read_vendor
from unihire.integration.registry import get_integration
from unihire.model import MODELS
from unihire.outbound.paging import decode_row
from unihire.sandbox.runner import start_sandbox
from unihire.sync.rendering import Renderer

BEFORE: dict[str, dict[str, str]] = json.loads(Path(__file__).with_suffix(".json").read_text())
CONNECTOR = UUID("00000000-0000-4000-8000-000000000001")
NAMES = {spec.number: name for name, spec in MODELS.items()}
PERSON = {"person": {"id": "7"}}

# What documents allow or clients have seen and the made-up company has not, and what is wrong: stream, place from the
# end, members.
ODD: tuple[tuple[str, int, Json], ...] = (
    ("jobs", 1, {"hiring_team": []}),
    ("jobs", 2, {"hiring_team": [{**PERSON, "role": {"name": " hiring MANAGER "}}, {**PERSON}]}),
    ("jobs", 3, {"hiring_team": [{"role": {"name": "Recruiter"}}, {**PERSON, "role": {"name": "Recruiter"}}]}),
    ("jobs", 4, {"hiring_team": [{"role": {"name": "Buddy"}}, {**PERSON, "role": {"name": "Recruiter"}}] * 2}),
    ("jobs", 5, {"hiring_team": [{**PERSON, "role": None}, {"person": {"id": 8}, "role": {"name": "Recruiter"}}]}),
    ("jobs", 6, {"category": "Technology", "department": None}),
    ("jobs", 7, {"hiring_team": {"name": "all"}, "category": {}}),
    ("candidates", 1, {"email": "", "phone": " ", "available_from": "soon"}),
    ("candidates", 2, {"email": None, "phone": None, "available_from": 5}),
    ("candidates", 3, {"email": ["a@example.com"], "phone": 49, "applications": None}),
    ("candidates", 4, {"available_from": {"date-time": "2026-09-01T00:00:00", "timezone": "Europe/Berlin"}}),
    ("applications", 1, {"current_stage": None, "channel": None}),
    ("applications", 2, {"current_stage": {"type": None}, "channel": {"id": "1", "name": ""}}),
    ("applications", 3, {"current_stage": {"type": "withdrawn", "id": 4}, "channel": {"id": "1", "name": "x" * 600}}),
    ("applications", 4, {"current_stage": {"type": 5}, "channel": {"id": "1", "name": 8}, "is_anonymized": "no"}),
    ("applications", 5, {"current_stage": "rejected", "channel": "LinkedIn", "hiring_team": "all"}),
    ("applications", 6, {"created_at": "yesterday", "updated_at": 3}),
    ("categories", 1, {"stages": [{"id": "1", "type": "OFFER"}, {"id": 2, "name": "", "type": 3}, {"name": "x"}]}),
    ("categories", 2, {"id": None}),
)


def make_odd(raw: Raw) -> Raw:
    rows = {name: list(each) for name, each in raw.rows.items()}
    for name, place, members in ODD:
        rows[name][-place] = {**rows[name][-place], **members}
    return Raw(rows, raw.history)


def digest(raw: Raw, *, is_joined: bool) -> dict[str, dict[str, str]]:
    """By model and vendor's id."""
    integration, renderer = get_integration("personio"), Renderer(CONNECTOR, 1)
    found: dict[str, dict[str, str]] = {name: {} for name in MODELS}
    for stream in integration.streams:
        details: dict[str, dict[str, list[Any]]] = {}
        for row in raw.rows[stream.name]:
            known = details[str(row["id"])] = dict[str, list[Any]]()
            if stream.name == "applications":
                known["stage-transitions"] = raw.history[row["id"]]
            for join in stream.joins if is_joined else ():
                known[join.name] = _join(raw.rows[join.stream], join.on, row["id"], join.members)
        rows = [decode_row(msgspec.json.encode(row)) for row in raw.rows[stream.name]]
        for record in renderer.render_rows(stream, rows, details)[0]:
            digests = found[NAMES[record.model]]
            digests.setdefault(record.remote_id, blake2b(record.members, digest_size=4).hexdigest())
    return found


def _join(rows: list[Json], on: str, key: Any, keep: tuple[str, ...]) -> list[Json]:
    outer, inner = on.split(".")
    shown = [row for row in rows if isinstance(row.get(outer), dict) and row[outer].get(inner) == key]
    return [
        {name: row[name] for name in ("id", *keep) if name in row} for row in sorted(shown, key=lambda row: row["id"])
    ]


@pytest.fixture(scope="module")
async def raw() -> Raw:
    with start_sandbox("personio", size=160, seed=7) as sandbox:
        return make_odd(await read_vendor(sandbox.ready))


@pytest.mark.parametrize("case", ["joined", "alone"])
async def test_native_bytes_are_those_of_before(raw: Raw, case: str) -> None:
    found = digest(raw, is_joined=case == "joined")
    for name, before in BEFORE[case].items():
        ids = sorted(found[name], key=lambda id: (len(id), id))
        digests = [before[start : start + 8] for start in range(0, len(before), 8)]
        assert len(ids) == len(digests), name
        assert [id for id, then in zip(ids, digests, strict=True) if found[name][id] != then] == [], name
