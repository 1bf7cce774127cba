"""Personio's rows as its documents let them be: whatever comes is a record or an error the engine expects."""

from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unihire.integration.declare import RecordMapping, Source
from unihire.integration.inspect import list_cases
from unihire.integration.registry import get_integration
from unihire.integrations.personio import connector, mapping
from unihire.kit.clock import parse_moment
from unihire.model import MODELS, TeamMember
from unihire.outbound.paging import Row
from unihire.sync.rendering import Renderer

INTEGRATION = get_integration("personio")
CASES = [(case.stream, case.given) for case in list_cases(INTEGRATION)]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)
RENDERER = Renderer(UUID("0b6f4c1e-8f3a-4a5e-9d34-1c2f3e4d5a6b"), 1)


@st.composite
def damaged(draw: st.DrawFn) -> tuple[str, dict[str, Any], dict[str, Any]]:
    """A row of a fixture with one value, wherever in it, replaced by anything."""
    stream, given_ = draw(st.sampled_from(CASES))
    whole = msgspec.json.decode(msgspec.json.encode({"row": given_.row, "details": given_.details}))
    place = whole["row"] if not whole["details"] or draw(st.booleans()) else whole["details"]
    while True:
        keys = list(place) if isinstance(place, dict) else range(len(place))
        if not keys:
            break
        key = draw(st.sampled_from(list(keys)))
        if isinstance(place[key], dict | list) and place[key] and draw(st.booleans()):
            place = place[key]
            continue
        place[key] = draw(JSON)
        break
    return stream, whole["row"], whole["details"]


@given(case=damaged())
def test_damaged_row_is_mapped_or_set_aside(case: tuple[str, dict[str, Any], dict[str, Any]]) -> None:
    name, row, details = case
    stream = INTEGRATION.get_stream(name)
    raw = msgspec.json.encode(row)
    found = {detail: rows for detail, rows in details.items() if isinstance(rows, list)}
    records, misfits = RENDERER.render_rows(stream, [Row(row, raw)], {str(row.get("id")): found})
    assert len(misfits) <= 1
    for record in records:
        fields = msgspec.json.decode(b"{" + record.members + b"}")
        spec = next(spec for spec in MODELS.values() if spec.number == record.model)
        msgspec.convert(fields, spec.members_struct, strict=True)
        for field in ("applied_at", "rejected_at", "remote_created_at", "remote_updated_at"):
            if fields.get(field) is not None:
                assert fields[field].endswith("Z")
                parse_moment(fields[field])


@given(value=st.one_of(st.none(), st.just(""), st.just({}), st.just({"timezone": "UTC"}), st.just({"date-time": None})))
def test_moment_that_is_not_told_is_null(value: Any) -> None:
    assert mapping.to_moment(value) is None


def test_moment_without_offset_is_in_the_zone_beside_it() -> None:
    berlin = {"date-time": "2026-07-01T10:00:00", "timezone": "Europe/Berlin"}
    assert mapping.to_moment(berlin) == "2026-07-01T08:00:00Z"
    assert mapping.to_moment({**berlin, "date-time": "2026-07-01T10:00:00Z"}) == "2026-07-01T10:00:00Z"
    assert mapping.to_moment({**berlin, "timezone": None}) == "2026-07-01T10:00:00Z"


@pytest.mark.parametrize("role", ["Recruiter", "RECRUITER", " recruiter "])
def test_role_is_read_without_letter_case_and_blanks(role: str) -> None:
    row = {"hiring_team": [{"person": {"id": "7"}, "role": {"name": role}}]}
    assert mapping.read_team(row) == [TeamMember(user="7", role="RECRUITER", role_name=role)]


def test_role_that_is_not_known_has_its_name_alone_and_needs_no_person() -> None:
    row = {"hiring_team": [{"person": {"id": 7}, "role": {"name": "HR manager"}}, {"role": {"name": "Buddy"}}]}
    assert mapping.read_team(row) == [
        TeamMember(user="7", role_name="HR manager"),
        TeamMember(role_name="Buddy"),
    ]


@pytest.mark.parametrize(
    ("value", "day"),
    [
        ("2026-09-01", "2026-09-01"),
        ("2026-09-01T00:00:00+02:00", "2026-09-01"),
        ({"date-time": "2026-09-01T00:00:00+02:00", "timezone": "Europe/Berlin"}, "2026-09-01"),
        (" ", None),
        (None, None),
    ],
)
def test_day_stays_the_day_it_is_written_as(value: Any, day: str | None) -> None:
    assert mapping.to_day(value) == day


def test_text_that_is_no_day_is_refused_without_being_repeated() -> None:
    with pytest.raises(ValueError, match=r"^no day$"):
        mapping.to_day("as soon as Robin lets me go")


@pytest.mark.parametrize(
    ("flags", "said"), [([True, True], True), ([True, False], False), ([True, None], None), ([], None)]
)
def test_candidate_is_anonymised_when_all_applications_are(flags: list[bool | None], said: bool | None) -> None:
    assert mapping.find_anonymized([{"id": "1", "is_anonymized": flag} for flag in flags]) is said
    assert mapping.find_anonymized(None) is None


@pytest.mark.parametrize("name", ["", " ", None, 7, "x" * 501])
def test_channel_whose_name_cannot_be_an_id_is_no_source(name: Any) -> None:
    row = {"id": "1", "channel": {"id": "61", "name": name}}
    assert not list(mapping.list_channels(row))
    assert mapping.to_application(Source(row, row)).source_record is None


def test_steps_at_one_moment_are_told_apart_and_have_their_neighbours() -> None:
    moment = "2026-01-01T10:00:00Z"
    steps = [
        {"stage": {"id": "2", "type": "CUSTOM"}, "entered_at": moment},
        {"stage": {"id": None, "type": "unassigned"}, "entered_at": moment},
        {"entered_at": None},
    ]
    row = {"id": 9}
    made = [
        mapping.to_application_transition(Source(step, row, {"stage-transitions": steps}, place))
        for place, step in enumerate(steps)
    ]
    assert [one.remote_id for one in made] == [f"9:{moment}:2", f"9:{moment}:UNASSIGNED", "9::"]
    assert [one.left_at for one in made] == [None, moment, moment]
    assert [one.from_stage for one in made] == [None, None, None]


def test_window_is_sent_without_offset_and_never_too_late() -> None:
    moment = parse_moment("2026-01-31T10:30:00.999999+01:00")
    assert connector.updated_after(moment) == {"updated_at.gt": "2026-01-31T09:30:00"}


def test_every_stream_says_beta_while_the_vendor_may_ask_for_it() -> None:
    assert INTEGRATION.headers == {"Beta": "true"}


def test_models_that_are_rows_can_be_confirmed_by_their_id() -> None:
    for stream in INTEGRATION.streams:
        if any(isinstance(mapping, RecordMapping) and mapping.split is None for mapping in stream.mappings):
            assert stream.by_id, stream.name
