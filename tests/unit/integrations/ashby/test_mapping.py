"""Ashby's rows as they may come: whatever comes is a record or an error the engine expects."""

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unihire.integration.declare import RecordMapping, Source
from unihire.integration.inspect import list_cases
from unihire.integration.registry import get_integration
from unihire.integrations.ashby.mapping import company, forms, hiring, interviews, jobs, people, places, teams
from unihire.integrations.ashby.mapping.values import read_custom_values, to_moment, to_rank
from unihire.kit.clock import parse_moment
from unihire.model import enums

INTEGRATION = get_integration("ashby")
CASES = [(case.stream, case.given) for case in list_cases(INTEGRATION)]
EXPECTED = (LookupError, TypeError, ValueError, AttributeError)
MOMENTS = {
    *("applied_at", "rejected_at", "submitted_at", "closed_at", "start_date", "start_at", "end_at", "hired_at"),
    *("remote_created_at", "remote_updated_at", "entered_at", "left_at", "published_at", "withdrawn_at"),
    *("stage_entered_at", "opened_at"),
}
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(max_size=5)
    | st.sampled_from(["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2026-06-01"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)


@st.composite
def damaged(draw: st.DrawFn) -> tuple[str, dict[str, Any], dict[str, Any]]:
    """A row of a fixture with one value, wherever in it or beside it, replaced by anything or left out."""
    stream, given_ = draw(st.sampled_from(CASES))
    whole = msgspec.json.decode(msgspec.json.encode({"row": given_.row, "details": given_.details}))
    place: Any = whole["row"] if not whole["details"] or draw(st.booleans()) else whole["details"]
    while keys := list(place) if isinstance(place, dict) else list(range(len(place))):
        key = draw(st.sampled_from(keys))
        if isinstance(place[key], dict | list) and place[key] and draw(st.booleans()):
            place = place[key]
            continue
        if draw(st.booleans()):
            place[key] = draw(JSON)
        else:
            del place[key]
        break
    beside = {name: rows for name, rows in whole["details"].items() if _are_rows(rows)}
    return stream, whole["row"], beside


def _are_rows(found: Any) -> bool:
    return isinstance(found, list) and all(isinstance(row, dict) for row in found)


def map_row(mapping: RecordMapping, row: dict[str, Any], beside: dict[str, Any]) -> list[dict[str, Any]]:
    """The records of a row, each checked as the engine does it; raises what a mapping may raise."""
    found = []
    for place, part in enumerate((row,) if mapping.is_whole else mapping.list_parts(row, beside)):
        source = Source(part, row, beside, place)
        encoded = msgspec.json.encode(mapping.make(source))
        msgspec.json.decode(encoded, type=mapping.model)
        if mapping.custom is not None:
            msgspec.json.encode(mapping.custom(source))
        found.append(msgspec.json.decode(encoded))
    return found


@settings(deadline=None)
@given(case=damaged())
def test_damaged_row_is_mapped_or_refused_in_a_known_way(case: tuple[str, dict[str, Any], dict[str, Any]]) -> None:
    stream, row, beside = case
    for mapping in INTEGRATION.get_stream(stream).mappings:
        try:
            records = map_row(mapping, row, beside)
        except EXPECTED:
            continue
        for record in records:
            assert record["remote_id"]
            for name in MOMENTS & record.keys():
                if record[name] is not None:
                    assert record[name].endswith("Z")
                    parse_moment(record[name])


@pytest.mark.parametrize("stream", INTEGRATION.streams, ids=lambda one: one.name)
def test_row_that_has_its_id_alone_is_a_record(stream: Any) -> None:
    for mapping in stream.mappings:
        records = map_row(mapping, {"id": "1"}, {})
        assert [record["remote_id"] for record in records] == (["1"] if mapping.is_whole else [])


def map_one(stream: str, row: dict[str, Any], at: int = 0, **beside: Any) -> dict[str, Any]:
    (record,) = map_row(INTEGRATION.get_stream(stream).mappings[at], {"id": "1"} | row, beside)
    return record


TABLES = [
    (company.ACCESS_ROLES, enums.ACCESS_ROLES),
    (company.ENDED_BY, enums.ENDED_BY),
    (company.STAGE_TYPES, enums.STAGE_TYPES),
    (forms.QUESTION_TYPES, enums.QUESTION_TYPES),
    (hiring.APPLICATION_STATUSES, enums.APPLICATION_STATUSES),
    (hiring.ENDED_STATUSES, enums.APPLICATION_STATUSES),
    (hiring.OFFER_STATUSES, enums.OFFER_STATUSES),
    (hiring.ACCEPTANCE_STATUSES, enums.OFFER_STATUSES),
    (interviews.INTERVIEW_STATUSES, (*enums.INTERVIEW_STATUSES, "CANCELLED", None)),
    (interviews.SCORES, enums.RECOMMENDATIONS),
    (interviews.VERDICTS, enums.RECOMMENDATIONS),
    (jobs.JOB_STATUSES, enums.JOB_STATUSES),
    (jobs.EMPLOYMENT_TYPES, enums.EMPLOYMENT_TYPES),
    (jobs.PERIODS, (*enums.PAY_PERIODS, None)),
    (jobs.POSTING_STATUSES, enums.POSTING_STATUSES),
    (jobs.CATEGORIES, (*enums.QUESTION_CATEGORIES, None)),
    (people.CONTACT_TYPES, enums.CONTACT_TYPES),
    (people.URL_TYPES, enums.URL_TYPES),
    (places.WORKPLACES, enums.WORKPLACES),
    (teams.ROLES, enums.TEAM_ROLES),
]


@pytest.mark.parametrize(("table", "words"), TABLES)
def test_tables_have_words_of_the_vocabulary(table: dict[str, str], words: tuple[str, ...]) -> None:
    assert set(table.values()) <= set(words)


@pytest.mark.parametrize("word", ["", " ", None])
def test_blank_word_is_null(word: Any) -> None:
    assert map_one("jobs", {"status": word, "employmentType": word})["status"] is None
    assert map_one("users", {"globalRole": word})["access_role"] is None


@pytest.mark.parametrize(
    ("title", "role"),
    [
        ("Hiring Manager", "HIRING_MANAGER"),
        (" hiring manager ", "HIRING_MANAGER"),
        ("Recruiter", "RECRUITER"),
        ("Lead Recruiter (EMEA)", "RECRUITER"),
        ("Recruiting Coordinator", "COORDINATOR"),
        ("Bar raiser", None),
        ("", None),
        (None, None),
    ],
)
def test_role_is_read_of_the_customers_text(title: Any, role: str | None) -> None:
    assert teams.to_role(title) == role


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("Jane Doe", ("Jane", "Doe")),
        ("Jane van der Doe", ("Jane van der", "Doe")),
        (" Jane  Doe ", ("Jane", "Doe")),
        ("Plato", ("Plato", None)),
        (None, (None, None)),
    ],
)
def test_name_is_divided_at_its_last_space(name: Any, parts: tuple[Any, Any]) -> None:
    assert people.split_name(name) == parts


@pytest.mark.parametrize(("is_private", "visibility"), [(True, "PRIVATE"), (False, "PUBLIC"), (None, None)])
def test_private_note_is_private(is_private: bool | None, visibility: str | None) -> None:
    (note,) = map_row(
        INTEGRATION.get_stream("candidates").mappings[2],
        {"id": "1"},
        {"notes": [{"id": "2", "isPrivate": is_private, "content": "Text", "author": {"firstName": "Robin"}}]},
    )
    assert (note["visibility"], note["user"], note["candidate"]) == (visibility, None, "1")


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ({"id": "2", "reasonType": "RejectedByOrg"}, ("REJECTED", "COMPANY", None)),
        ({"id": "2", "reasonType": "RejectedByCandidate"}, ("WITHDRAWN", "CANDIDATE", "2026-06-01T08:00:00Z")),
        ({"id": "2", "reasonType": "Other"}, ("REJECTED", "OTHER", None)),
        ({"id": "2", "reasonType": "RejectedByRobot"}, ("REJECTED", "RejectedByRobot", None)),
        ({"id": "2"}, ("REJECTED", None, None)),
        (None, ("ARCHIVED", None, None)),
    ],
)
def test_archived_application_ended_as_its_reason_says(reason: Any, expected: tuple[Any, ...]) -> None:
    found = map_one(
        "applications", {"status": "Archived", "archivedAt": "2026-06-01T08:00:00.000Z", "archiveReason": reason}
    )
    assert (found["status"], found["ended_by"], found["withdrawn_at"]) == expected
    assert found["rejected_at"] == "2026-06-01T08:00:00Z"
    assert found["reject_reason"] == (reason and "2")


def step(id: str, stage: str, entered: str) -> dict[str, Any]:
    return {"id": id, "stageId": stage, "enteredStageAt": f"2026-06-0{entered}T08:00:00.000Z"}


@pytest.mark.parametrize("history", [["a1", "b2", "x3"], ["x3", "b2", "a1"], ["b2", "x3", "a1"]])
def test_stage_of_an_archived_application_is_the_last_one_before(history: list[str]) -> None:
    row = {"status": "Archived", "currentInterviewStage": {"id": "x", "type": "Archived"}}
    info = [{"id": "1", "applicationHistory": [step(name, name[0], name[1]) for name in history]}]
    found = map_one("applications", row, info=info)
    assert (found["current_stage"], found["stage_entered_at"]) == ("b", "2026-06-02T08:00:00Z")
    assert map_one("applications", row)["current_stage"] is None
    moves = map_row(INTEGRATION.get_stream("applications").mappings[1], {"id": "1"}, {"info": info})
    assert {one["to_stage"]: one["from_stage"] for one in moves} == {"a": None, "b": "a", "x": "b"}


def test_hire_is_when_the_application_came_to_its_stage_and_only_while_it_is_hired() -> None:
    row = {"status": "Hired", "currentInterviewStage": {"id": "h", "type": "Hired"}}
    info = [{"id": "1", "applicationHistory": [step("1", "h", "1"), step("2", "a", "2"), step("3", "h", "3")]}]
    assert map_one("applications", row, info=info)["hired_at"] == "2026-06-03T08:00:00Z"
    assert map_one("applications", row | {"status": "Active"}, info=info)["hired_at"] is None
    assert map_one("applications", row)["hired_at"] is None


def test_question_of_an_answer_is_that_of_the_posting_it_came_through() -> None:
    fields = [{"field": {"id": "f", "type": "String", "path": "p", "title": "Why?"}}]
    form = {"sections": [{"fields": fields}]}
    info = [{"id": "1", "applicationFormSubmissions": [{"formDefinition": form, "submittedValues": {"p": "So"}}]}]
    (answer,) = map_one("applications", {"appliedViaJobPostingId": "7"}, info=info)["answers"]
    (question,) = map_row(
        INTEGRATION.get_stream("job_postings").mappings[1],
        {"id": "7"},
        {"form": [{"id": "7", "applicationFormDefinition": form, "surveyFormDefinitions": None}]},
    )
    assert answer["question"] == question["remote_id"] == "7:p"
    (answer,) = map_one("applications", {}, info=info)["answers"]
    assert (answer["question"], answer["question_remote_id"], answer["text"]) == (None, "f", "So")


VERDICT = {"id": "f", "type": "Score", "path": "overall_recommendation", "title": "Verdict"}


@pytest.mark.parametrize(
    ("value", "verdict", "score"),
    [
        ({"score": 4}, "STRONG_YES", 4),
        ({"score": "3"}, "YES", 3),
        (2, "NO", 2),
        ("1", "DEFINITELY_NO", 1),
        (3.0, "YES", 3),
        (5, "5", 5),
        ({}, "NO_DECISION", None),
        (None, "NO_DECISION", None),
    ],
)
def test_points_are_a_verdict(value: Any, verdict: str, score: int | None) -> None:
    form = {"sections": [{"fields": [{"field": VERDICT}]}]}
    found = map_one("feedback", {"formDefinition": form, "submittedValues": {"overall_recommendation": value}})
    assert (found["overall_recommendation"], found["score"]) == (verdict, score)
    assert found["score_max"] == (None if score is None else 4)


@pytest.mark.parametrize("label", [*interviews.VERDICTS, "Strong Hire", " NO "])
def test_labels_of_choices_are_verdicts(label: str) -> None:
    field = {"id": "f", "type": "ValueSelect", "title": "Overall Recommendation", "path": "p"}
    options = [{"label": label, "value": "v"}]
    form = {"sections": [{"fields": [{"field": field | {"selectableValues": options}}]}]}
    found = map_one("feedback", {"formDefinition": form, "submittedValues": {"p": "v"}})
    assert found["overall_recommendation"] == interviews.VERDICTS[label.strip().casefold()]


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (None, None),
        ("", None),
        (True, "Yes"),
        (0, "0"),
        (2.5, "2.5"),
        (["a", None, "b"], "a; b"),
        ({"value": 5000, "currencyCode": "EUR"}, "5000 EUR"),
        ({"type": "number-range", "minValue": 1, "maxValue": 2.5}, "1 to 2.5"),
        ({"type": "compensation-range", "minValue": 1, "maxValue": 2, "currencyCode": "EUR"}, "1 to 2 EUR"),
        ({"country": "Germany", "city": "Berlin"}, "Berlin, Germany"),
        ({"name": "letter.pdf", "handle": "x"}, "letter.pdf"),
        ({"shape": "cube"}, '{"shape":"cube"}'),
        ({}, None),
    ],
)
def test_answer_of_whatever_type_is_a_text(value: Any, said: str | None) -> None:
    assert forms.to_said(value) == said


@pytest.mark.parametrize("status", ["OnHold", "Unknown", None])
def test_schedule_that_says_nothing_of_a_time_gives_its_events_no_status(status: Any) -> None:
    (event,) = map_row(
        INTEGRATION.get_stream("interview_schedules").mappings[0],
        {"id": "1", "status": status, "interviewEvents": [{"id": "2"}]},
        {},
    )
    assert (event["status"], event["group"], event["is_cancelled"]) == (None, "1", False if status else None)


def test_custom_fields_are_values_by_title_and_choices_their_labels() -> None:
    fields = [
        {"id": "a", "title": "Level", "value": "l1", "valueLabel": "First"},
        {"id": "b", "title": "Team", "value": ["t1"], "valueLabel": ["Search"]},
        {"id": "c", "title": "Level", "value": 0},
        {"id": "d", "title": "Range", "value": {"minValue": 1}},
    ]
    assert read_custom_values({"customFields": fields}) == {
        "Level": "First", "Team": ["Search"], "Level (c)": 0, "Range": {"minValue": 1},
    }  # fmt: skip
    assert read_custom_values({}) == read_custom_values({"customFields": None}) == {}


@pytest.mark.parametrize(
    ("given_", "moment"),
    [
        ("2026-05-05T22:36:04.296Z", "2026-05-05T22:36:04.296000Z"),
        ("2026-05-05T22:36:04.000-04:00", "2026-05-06T02:36:04Z"),
        ("2026-06-01", "2026-06-01T00:00:00Z"),
        ("", None),
        (None, None),
    ],
)
def test_moment_is_utc_and_a_day_its_midnight(given_: str | None, moment: str | None) -> None:
    assert to_moment(given_) == moment


def test_moments_of_one_second_are_told_apart() -> None:
    moments = ["2026-05-05T22:36:04Z", "2026-05-05T22:36:04.296Z", "2026-05-05T22:36:05.000Z"]
    ranks = [to_rank(moment) for moment in moments]
    assert ranks == sorted(set(ranks))


@pytest.mark.parametrize(
    ("tiers", "pay"),
    [
        ([], None),
        ([(1, 2, "1 YEAR")], (1, 2, "YEAR")),
        ([(1, 2, "1 YEAR"), (1, 2, "1 YEAR")], (1, 2, "YEAR")),
        ([(1, 2, "1 YEAR"), (1, 3, "1 YEAR")], None),
        ([(None, 2, "NONE")], (None, 2, None)),
        ([(1, None, "6 MONTH")], (1, None, "6 MONTH")),
    ],
)
def test_pay_is_what_all_tiers_say(tiers: list[tuple[Any, Any, str]], pay: Any) -> None:
    components = [
        {"compensationType": "Salary", "minValue": least, "maxValue": most, "interval": interval, "currencyCode": "EUR"}
        for least, most, interval in tiers
    ]
    bonus = {"compensationType": "Bonus", "minValue": 5, "maxValue": 6, "interval": "1 TIME"}
    row = {"compensation": {"compensationTiers": [{"components": [one, bonus]} for one in components]}}
    found = map_one("jobs", row)["pay"]
    assert (found and (found["minimum"], found["maximum"], found["period"])) == pay
