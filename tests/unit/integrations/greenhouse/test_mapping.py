"""Greenhouse's rows as they may come: whatever comes is a record or an error the engine expects."""

from types import ModuleType
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unihire.integration.declare import RecordMapping, Source
from unihire.integration.inspect import list_cases
from unihire.integration.registry import get_integration
from unihire.integrations.greenhouse.mapping import company, hiring, interviews, jobs, people
from unihire.integrations.greenhouse.mapping.values import list_ids, read_custom_fields, to_moment
from unihire.kit.clock import parse_moment
from unihire.model import enums

INTEGRATION = get_integration("greenhouse")
CASES = [(case.stream, case.given) for case in list_cases(INTEGRATION)]
EXPECTED = (LookupError, TypeError, ValueError, AttributeError)
MOMENTS = {
    *("applied_at", "rejected_at", "submitted_at", "sent_at", "closed_at", "start_date", "start_at", "end_at"),
    *("last_interaction_at", "remote_created_at", "remote_updated_at", "entered_at", "left_at", "published_at"),
    *("hired_at", "withdrawn_at", "stage_entered_at", "opened_at"),
}
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(max_size=5)
    | st.sampled_from(["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "http://[", "2026-06-01"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)


@st.composite
def damaged(draw: st.DrawFn) -> tuple[str, dict[str, Any], dict[str, Any]]:
    """A row of a fixture with one value, wherever in it or its joins, replaced by anything or left out."""
    stream, given_ = draw(st.sampled_from(CASES))
    whole = msgspec.json.decode(msgspec.json.encode({"row": given_.row, "details": given_.details}))
    place: Any = whole["row"] if not whole["details"] or draw(st.booleans()) else whole["details"]
    while True:
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        if not keys:
            break
        key = draw(st.sampled_from(keys))
        if isinstance(place[key], dict | list) and place[key] and draw(st.booleans()):
            place = place[key]
            continue
        if draw(st.booleans()):
            place[key] = draw(JSON)
        else:
            del place[key]
        break
    joined = {name: rows for name, rows in whole["details"].items() if _are_rows(rows)}
    return stream, whole["row"], joined


def _are_rows(found: Any) -> bool:
    return isinstance(found, list) and all(isinstance(row, dict) for row in found)


def map_row(mapping: RecordMapping, row: dict[str, Any], joined: dict[str, Any]) -> list[dict[str, Any]]:
    """The records of a row, each checked as the engine does it; raises what a mapping may raise."""
    found = []
    for place, part in enumerate((row,) if mapping.is_whole else mapping.list_parts(row, joined)):
        source = Source(part, row, joined, place)
        record = mapping.make(source)
        encoded = msgspec.json.encode(record)
        msgspec.json.decode(encoded, type=mapping.model)
        if mapping.custom is not None:
            msgspec.json.encode(mapping.custom(source))
        found.append(msgspec.json.decode(encoded))
    return found


@settings(deadline=None)
@given(case=damaged())
def test_damaged_row_is_mapped_or_refused_in_a_known_way(
    case: tuple[str, dict[str, Any], dict[str, Any]],
) -> None:
    stream, row, joined = case
    for mapping in INTEGRATION.get_stream(stream).mappings:
        try:
            records = map_row(mapping, row, joined)
        except EXPECTED:
            continue
        for record in records:
            assert record["remote_id"]
            for name in MOMENTS & record.keys():
                if record[name] is not None:
                    assert record[name].endswith("Z")
                    parse_moment(record[name])


@pytest.mark.parametrize(
    "stream", [stream for stream in INTEGRATION.streams if stream.mappings], ids=lambda one: one.name
)
@pytest.mark.parametrize("row", [{}, {"id": None}, {"id": 1, "questions": [{}]}, {"id": 1, "questions": [None]}])
def test_row_without_what_it_must_have_is_a_record_without_it_or_refused(stream: Any, row: dict[str, Any]) -> None:
    for mapping in stream.mappings:
        try:
            records = map_row(mapping, row, {})
        except EXPECTED:
            continue
        assert all(record["remote_id"] == "1" for record in records)


@pytest.mark.parametrize(
    ("given_", "moment"),
    [
        ("2026-05-05T22:36:04.296Z", "2026-05-05T22:36:04.296000Z"),
        ("2026-05-05T22:36:04.000Z", "2026-05-05T22:36:04Z"),
        ("2026-05-05T22:36:04-04:00", "2026-05-06T02:36:04Z"),
        ("2026-06-01", "2026-06-01T00:00:00Z"),
        ("", None),
        (None, None),
    ],
)
def test_moment_is_utc_and_a_day_its_midnight(given_: str | None, moment: str | None) -> None:
    assert to_moment(given_) == moment


@pytest.mark.parametrize(
    ("fields", "read"),
    [
        (None, {}),
        ({}, {}),
        ({"a": {"name": "A", "type": "number", "value": 0}}, {"a": 0}),
        ({"a": {"name": "A", "type": "multi_select", "value": []}, "b": None}, {"a": [], "b": None}),
        (
            {"a": {"name": "A", "type": "user", "value": {"user_id": 1, "name": "R"}}},
            {"a": {"user_id": 1, "name": "R"}},
        ),
    ],
)
def test_custom_fields_are_their_values_by_key(fields: Any, read: dict[str, Any]) -> None:
    row = {"id": 1, "custom_fields": fields}
    assert read_custom_fields(Source(row, row)) == read


def test_custom_fields_are_read_wherever_a_record_has_them() -> None:
    having = {case.stream for case in list_cases(INTEGRATION) if isinstance(case.given.row.get("custom_fields"), dict)}
    reading = {stream.name for stream in INTEGRATION.streams for mapping in stream.mappings if mapping.custom}
    assert reading == having == {"users", "jobs", "applications", "candidates", "offers"}


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        ("https://www.linkedin.com/in/kaylee", "LINKEDIN"),
        ("HTTP://LinkedIn.com", "LINKEDIN"),
        ("//linkedin.com?x=1", "LINKEDIN"),
        ("  linkedin.com/in/kaylee ", "LINKEDIN"),
        ("uk.linkedin.com:443/in/kaylee", "LINKEDIN"),
        ("linkedin.com.example.com", "SOCIAL_MEDIA"),
        ("https://linkedin.computer", "SOCIAL_MEDIA"),
        ("https://fakelinkedin.com", "SOCIAL_MEDIA"),
        ("https://social.example.com/?to=linkedin.com/in/kaylee", "SOCIAL_MEDIA"),
        ("http://[", "SOCIAL_MEDIA"),
    ],
)
def test_profile_is_told_by_its_host(address: str, kind: str) -> None:
    assert people.to_profile(address).type == kind


@pytest.mark.parametrize(
    ("table", "answer", "word"),
    [
        *[
            ("RACES", answer, word)
            for answer, word in [
                ("American Indian or Alaska Native", "AMERICAN_INDIAN_OR_ALASKA_NATIVE"),
                ("American Indian or Alaskan Native", "AMERICAN_INDIAN_OR_ALASKA_NATIVE"),
                ("Black or African American", "BLACK_OR_AFRICAN_AMERICAN"),
                ("Hispanic or Latino", "HISPANIC_OR_LATINO"),
                ("Native Hawaiian or Other Pacific Islander", "NATIVE_HAWAIIAN_OR_OTHER_PACIFIC_ISLANDER"),
                ("White", "WHITE"),
            ]
        ],
        ("GENDERS", "Non-binary", "NON-BINARY"),
        ("GENDERS", "Other", "OTHER"),
        (
            "VETERAN_STATUSES",
            "I identify as one or more of the classifications of a protected veteran",
            "I_IDENTIFY_AS_ONE_OR_MORE_OF_THE_CLASSIFICATIONS_OF_A_PROTECTED_VETERAN",
        ),
        (
            "DISABILITY_STATUSES",
            "Yes, I have a disability, or have had one in the past",
            "YES_I_HAVE_A_DISABILITY_OR_PREVIOUSLY_HAD_A_DISABILITY",
        ),
        (
            "DISABILITY_STATUSES",
            "No, I do not have a disability and have not had one in the past",
            "NO_I_DONT_HAVE_A_DISABILITY",
        ),
        ("DISABILITY_STATUSES", "I don\N{RIGHT SINGLE QUOTATION MARK}t wish to answer", "I_DONT_WISH_TO_ANSWER"),
        ("GENDERS", "Something else", "Something else"),
    ],
)
def test_answer_is_told_by_its_text(table: str, answer: str, word: str) -> None:
    assert people.to_answer(getattr(people, table), {"id": 1, "description": answer}) == word


@pytest.mark.parametrize("module", [company, jobs, people, hiring, interviews], ids=lambda module: module.__name__)
def test_tables_hold_words_of_the_vocabulary_only(module: ModuleType) -> None:
    tables = [name for name in dir(module) if name.isupper() and hasattr(enums, name)]
    assert tables
    for name in tables:
        assert set(getattr(module, name).values()) <= set(getattr(enums, name)), name


POSTS = {
    "internal": {"internal": True, "live": True, "content": "internal"},
    "offline": {"internal": False, "live": False, "content": "offline"},
    "first": {"internal": False, "live": True, "content": "first"},
    "second": {"internal": False, "live": True, "content": "second"},
    "silent": {"internal": False, "live": True, "content": ""},
}


@pytest.mark.parametrize(
    ("names", "chosen"),
    [
        (["internal", "offline", "first", "second"], "first"),
        (["second", "first"], "second"),
        (["internal", "offline"], "offline"),
        (["internal"], "internal"),
        (["silent", "first"], None),
        ([], None),
    ],
)
def test_description_is_of_the_first_post_that_is_public_and_live(names: list[str], chosen: str | None) -> None:
    assert jobs.find_description([POSTS[name] for name in names]) == chosen


@pytest.mark.parametrize("odd", ["12", {"1": 2}, 7, None, True])
def test_ids_are_those_of_a_list_and_of_nothing_else(odd: Any) -> None:
    assert list_ids([3, None, "4", 3]) == ["3", "4"]
    with pytest.raises(TypeError, match=f"a list is a {type(odd).__name__}"):
        list_ids(odd)
