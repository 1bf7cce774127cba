"""Values of Lever's rows that no fixture shows: what cannot be read is left out, and nothing is made up."""

from typing import Any

import pytest

from unihire.integration.declare import Source
from unihire.integrations.lever.mapping import company, forms, interviews, people
from unihire.integrations.lever.mapping.values import list_texts, split_name, to_id, to_moment


@pytest.mark.parametrize(
    ("value", "moment"),
    [(1782974063000, "2026-07-02T06:34:23Z"), ("1782974063001", "2026-07-02T06:34:23.001000Z"), (None, None),
     ("", None), (-1000, "1969-12-31T23:59:59Z")],
)  # fmt: skip
def test_moments_are_milliseconds(value: Any, moment: str | None) -> None:
    assert to_moment(value) == moment


@pytest.mark.parametrize("value", [True, 1.5, "2026-07-02", [], {}, "9" * 30])
def test_what_is_no_moment_is_refused(value: Any) -> None:
    with pytest.raises(TypeError):
        to_moment(value)


def test_moment_outside_the_calendar_is_refused() -> None:
    with pytest.raises(ValueError, match="years"):
        to_moment(10**18)


@pytest.mark.parametrize(
    ("name", "parts"),
    [("Jane Maria Doe", ("Jane Maria", "Doe")), ("Jane", ("Jane", None)), ("  ", (None, None)), (None, (None, None)),
     (" Jane  Doe ", ("Jane", "Doe"))],
)  # fmt: skip
def test_name_is_split_at_its_last_blank(name: Any, parts: tuple[str | None, str | None]) -> None:
    assert split_name(name) == parts


@pytest.mark.parametrize("value", [7, ["a"], {}])
def test_what_is_no_text_is_refused(value: Any) -> None:
    for read in (to_id, split_name, lambda one: list_texts([one])):
        with pytest.raises(TypeError):
            read(value)


def test_stages_beyond_one_page_are_not_passed_over_in_silence() -> None:
    with pytest.raises(ValueError, match="hundred"):
        company.list_stages({"data": [{"id": f"stage-{number}"} for number in range(100)], "hasNext": True})


def test_stage_that_comes_twice_counts_once_and_a_page_that_is_not_full_is_the_last() -> None:
    stages = [{"id": "lead-new"}, {"id": "offer"}, {"id": "offer"}]
    assert company.list_stages({"data": stages, "hasNext": True}) == stages[:2]


@pytest.mark.parametrize(
    ("file", "name"),
    [({"name": "a", "ext": ".pdf"}, "a.pdf"), ({"name": "a.PDF", "ext": "pdf"}, "a.PDF"),
     ({"name": None, "ext": "x"}, None), ({"name": "a", "ext": None}, "a")],
)  # fmt: skip
def test_file_is_named_with_its_ending_once(file: dict[str, Any], name: str | None) -> None:
    assert people.name_file(file) == name


@pytest.mark.parametrize(
    ("value", "text"),
    [(True, "Yes"), (2.0, "2"), (2.5, "2.5"), (["a", None, 3], "a; 3"), ({"odd": [1]}, '{"odd":[1]}'), ({}, None),
     ({"amount": 5, "currency": "EUR"}, "5 EUR"), ("", None)],
)  # fmt: skip
def test_answer_of_any_type_is_a_text(value: Any, text: str | None) -> None:
    assert forms.write_value(value) == text


@pytest.mark.parametrize(
    ("value", "points"), [("3 - Yes", 3), (" 4", 4), ("Yes", None), ("", None), (2, 2), (None, None), ("٣", None)]
)
def test_verdict_begins_with_its_points(value: Any, points: int | None) -> None:
    assert interviews.read_points(value) == points


def test_verdict_of_another_scale_is_as_it_was_said() -> None:
    field = {"id": "f", "type": "score-system", "value": "7 - Splendid"}
    row = {"id": "s", "type": "interview", "fields": [field]}
    card = interviews.to_scorecard(Source(row, {"id": "o"}))
    assert (card.overall_recommendation, card.score, card.score_max) == ("7 - Splendid", 7, None)
