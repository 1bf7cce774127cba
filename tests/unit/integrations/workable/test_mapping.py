"""Workable's rows as they may come, and what is told of a stage, an end, a file that the row itself does not say."""

from typing import Any

import msgspec
import pytest

from unihire.integration.declare import Data, RecordMapping, Source
from unihire.integration.registry import get_integration
from unihire.integrations.workable.mapping import activities, company, hiring, jobs, people
from unihire.integrations.workable.mapping.values import split_name, to_id
from unihire.model import Record, enums

INTEGRATION = get_integration("workable")

TABLES: list[tuple[dict[str, str], tuple[str, ...]]] = [
    (company.ACCESS_ROLES, enums.ACCESS_ROLES),
    (company.STAGE_TYPES, enums.STAGE_TYPES),
    (jobs.JOB_STATUSES, enums.JOB_STATUSES),
    (jobs.POSTING_STATUSES, enums.POSTING_STATUSES),
    (jobs.EMPLOYMENT_TYPES, enums.EMPLOYMENT_TYPES),
    (jobs.WORKPLACES, enums.WORKPLACES),
    (jobs.TEAM_ROLES, enums.TEAM_ROLES),
    (jobs.QUESTION_TYPES, enums.QUESTION_TYPES),
    (people.URL_TYPES, enums.URL_TYPES),
    (people.FILE_KINDS, enums.ATTACHMENT_TYPES),
    (hiring.OFFER_STATUSES, enums.OFFER_STATUSES),
    (hiring.INTERVIEW_KINDS, enums.INTERVIEW_KINDS),
    (hiring.ATTENDANCES, enums.ATTENDANCES),
    (hiring.ANSWER_KINDS, enums.QUESTION_TYPES),
    (activities.ACTIVITY_TYPES, enums.ACTIVITY_TYPES),
    (activities.RECOMMENDATIONS, enums.RECOMMENDATIONS),
]


@pytest.mark.parametrize(("table", "words"), TABLES)
def test_tables_have_words_of_the_vocabulary(table: dict[str, str], words: tuple[str, ...]) -> None:
    assert set(table.values()) <= set(words)


def map_row(mapping: RecordMapping, row: Data, beside: dict[str, list[Data]]) -> list[Record]:
    parts = (row,) if mapping.is_whole else mapping.list_parts(row, beside)
    found = [mapping.make(Source(part, row, beside, place)) for place, part in enumerate(parts)]
    for record in found:
        msgspec.json.decode(msgspec.json.encode(record), type=mapping.model)
    return found


@pytest.mark.parametrize("stream", INTEGRATION.streams, ids=lambda one: one.name)
def test_row_that_has_its_id_alone_is_a_record(stream: Any) -> None:
    row = {"id": "1", "shortcode": "1"}
    for mapping in stream.mappings:
        found = [record.remote_id for record in map_row(mapping, row, {})]
        assert found == (["1"] if mapping.is_whole else [])


def map_candidate(model: str, row: Data, **beside: list[Data]) -> list[Any]:
    """All records of a model that a candidate's row becomes."""
    stream = INTEGRATION.get_stream("candidates")
    whole = {"id": "27", "job": {"shortcode": "A1"}} | row
    found = [mapping for mapping in stream.mappings if mapping.model.__name__ == model]
    return [record for mapping in found for record in map_row(mapping, whole, beside)]


def act(id: str, at: str, action: str = "comment", **members: Any) -> Data:
    return {"id": id, "action": action, "created_at": f"2026-01-{at}T00:00:00Z", **members}


def stage(slug: str, name: str) -> Data:
    return {"slug": slug, "name": name}


def test_stage_is_that_of_the_newest_activity_that_shows_its_name() -> None:
    lines = [
        act("1", "01", action_stage=stage("talk-1", "Talk")),
        act("2", "03", target_stage=stage("talk-2", "Talk"), action_stage=stage("applied", "Applied")),
        act("3", "04", action_stage=stage("other", "Other")),
    ]
    own = [{"id": "9", "slug": "talk"}]
    (found,) = map_candidate("Application", {"stage": "Talk"}, activities=lines, account_stages=own)
    assert (found.current_stage, found.stage_entered_at) == ("A1:talk-2", "2026-01-03T00:00:00Z")


def test_stage_that_the_timeline_does_not_name_is_that_of_the_accounts_pipeline() -> None:
    own = [{"id": "9", "slug": "talk"}]
    lines = [act("1", "01", action_stage=stage("applied", "Applied"))]
    for beside in ({"activities": lines}, {}):
        (found,) = map_candidate("Application", {"stage": "Talk"}, account_stages=own, **beside)
        assert found.current_stage == "A1:talk"
    (found,) = map_candidate("Application", {"stage": "Talk"}, activities=lines, account_stages=[])
    assert found.current_stage is None


def test_nobody_in_the_talent_pool_is_at_a_stage_of_a_job() -> None:
    lines = [act("1", "01", action_stage=stage("sourced", "Sourced"))]
    (found,) = map_candidate("Application", {"stage": "Sourced", "job": None}, activities=lines)
    assert (found.job, found.current_stage, found.is_prospect) == (None, None, True)


def test_stays_follow_one_another_in_the_order_of_time() -> None:
    lines = [
        act("12", "05", "done", target_stage=stage("done", "Done"), action_stage=stage("talk", "Talk")),
        act("9", "02", "talk", target_stage=stage("talk", "Talk"), action_stage=stage("applied", "Applied")),
        act("10", "03"),
        act("8", "01", "applied", action_stage=stage("applied", "Applied")),
    ]
    found = map_candidate("ApplicationTransition", {}, activities=lines)
    shown = {one.remote_id: (one.from_stage, one.to_stage, one.entered_at[8:10], one.left_at) for one in found}
    assert shown == {
        "8": (None, "A1:applied", "01", "2026-01-02T00:00:00Z"),
        "9": ("A1:applied", "A1:talk", "02", "2026-01-05T00:00:00Z"),
        "12": ("A1:talk", "A1:done", "05", None),
    }


def test_first_stay_that_is_a_move_came_from_where_it_says() -> None:
    lines = [act("9", "02", "talk", target_stage=stage("talk", "Talk"), action_stage=stage("applied", "Applied"))]
    (found,) = map_candidate("ApplicationTransition", {}, activities=lines)
    assert (found.from_stage, found.to_stage) == ("A1:applied", "A1:talk")


COMPANYS, CANDIDATES = {"id": "b1", "candidate_withdrew": False}, {"id": "b2", "candidate_withdrew": True}


@pytest.mark.parametrize(
    ("withdrew", "reasons", "expected"),
    [
        (False, [COMPANYS], ("REJECTED", "COMPANY", "b1", None)),
        (True, [COMPANYS, CANDIDATES], ("WITHDRAWN", "CANDIDATE", "b2", "2026-01-05T00:00:00Z")),
        (False, [CANDIDATES], ("REJECTED", "COMPANY", "b2", None)),
        (None, [CANDIDATES], ("WITHDRAWN", "CANDIDATE", "b2", "2026-01-05T00:00:00Z")),
        (None, [COMPANYS, CANDIDATES], ("REJECTED", None, "b1", None)),
        (None, [], ("REJECTED", None, None, None)),
    ],
)
def test_end_is_whose_the_candidate_or_else_the_reason_says(
    withdrew: bool | None, reasons: list[Data], expected: tuple[Any, ...]
) -> None:
    profile = {"id": "27", "withdrew": withdrew, "disqualified_at": "2026-01-05T00:00:00Z"}
    row = {"disqualified": True, "disqualification_reason": "x", "stage_kind": "hired"}
    (found,) = map_candidate("Application", row, profile=[profile], reasons=reasons)
    assert (found.status, found.ended_by, found.reject_reason, found.withdrawn_at) == expected
    assert found.rejected_at == "2026-01-05T00:00:00Z"
    assert found.hired_at is None
    (again,) = map_candidate("Application", {**row, "disqualified": False}, profile=[profile], reasons=reasons)
    assert (again.status, again.rejected_at, again.ended_by, again.reject_reason) == ("HIRED", None, None, None)


@pytest.mark.parametrize(
    ("roles", "visibility"),
    [
        (None, None),
        ([], None),
        (["admin"], "ADMIN_ONLY"),
        (["admin", "recruiting_admin"], "ADMIN_ONLY"),
        (["admin", "hiring_manager"], "PRIVATE"),
        (["admin", "simple"], "PRIVATE"),
        (["simple", "reviewer", "admin"], "PUBLIC"),
    ],
)
def test_activity_is_seen_by_all_whom_those_with_few_rights_are_among(roles: Any, visibility: str | None) -> None:
    (found,) = map_candidate("Activity", {}, activities=[act("1", "01", visibility_roles=roles)])
    assert found.visibility == visibility


def test_offer_is_there_once_it_has_a_state_and_begins_on_a_day_that_is_one() -> None:
    assert map_candidate("Offer", {}, offer=[{"candidate": {"id": "27"}}]) == []
    for text, day in (("2026-06-01", "2026-06-01T00:00:00Z"), ("soon", None), ("", None), (7, None)):
        variable = {"document_variable": {"name": "Begin", "slug": "start_date"}, "value": {"body": text}}
        (found,) = map_candidate("Offer", {}, offer=[{"state": "sent", "document_variables": [variable]}])
        assert (found.remote_id, found.status, found.start_date) == ("27", "SENT", day)


def test_files_are_known_by_their_names_and_listed_once_all_kinds_were_read() -> None:
    files: list[Data] = [{"name": "a"}, {"name": "b"}, {"name": "a"}, {"name": None}]
    found = map_candidate("Attachment", {}, files=files, profile=[{"resume_url": "https://x.example.com/cv"}])
    names = ["27:resume", "27:a", "27:b", "27:a:2", "27:file"]
    assert [one.remote_id for one in found] == names
    (person,) = map_candidate("Candidate", {}, files=files, profile=[{"resume_url": "https://x.example.com/cv"}])
    assert person.attachments == names
    (person,) = map_candidate("Candidate", {}, files=[{"name": "a\x00"}, *files[:2]], profile=[{}])
    assert person.attachments == names[1:3]
    (person,) = map_candidate("Candidate", {}, files=files)
    assert person.attachments is None


def test_source_is_the_common_name_or_the_site() -> None:
    for row, name in (({"common_source": "Job board", "domain": "x"}, "Job board"), ({"domain": "x"}, "x")):
        (found,) = map_candidate("HiringSource", row)
        assert (found.remote_id, found.name) == (name, name)
    assert map_candidate("HiringSource", {"common_source": "", "domain": None}) == []


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ({"checked": False}, "No"),
        ({"number": 0}, "0"),
        ({"number": 1.5}, "1.5"),
        ({"choices": []}, None),
        ({"body": ""}, None),
        (["a", "b"], "a, b"),
        (None, None),
    ],
)
def test_answer_of_whatever_kind_is_a_text(answer: Any, said: str | None) -> None:
    profile = {"answers": [{"question": {"id": "q"}, "answer": answer}]}
    (found,) = map_candidate("Application", {}, profile=[profile])
    (one,) = found.answers
    assert (one.question, one.text) == ("A1:q", said)


@pytest.mark.parametrize(
    ("name", "parts"),
    [("Jane van Doe", ("Jane van", "Doe")), (" Jane ", ("Jane", None)), ("", (None, None)), (None, (None, None))],
)
def test_name_of_a_user_is_divided_at_its_last_space(name: Any, parts: tuple[Any, Any]) -> None:
    assert split_name(name) == parts


def test_id_is_text_or_a_number() -> None:
    assert [to_id(one) for one in ("1f", 7, "", None, " ")] == ["1f", "7", None, None, None]
    for bad in (True, 1.5, [], "\x00"):
        with pytest.raises((TypeError, ValueError)):
            to_id(bad)


def test_file_that_an_answer_has_twice_is_one_and_another_of_its_name_is_not() -> None:
    one = {"name": "cv.pdf", "preview_url": "https://files.example.com/1/cv.pdf?X-Amz-Signature=1"}
    again = {**one, "preview_url": "https://files.example.com/1/cv.pdf?X-Amz-Signature=2"}
    other = {**one, "preview_url": "https://files.example.com/2/cv.pdf"}
    nowhere = {"name": "cv.pdf"}
    files = [one, again, other, one, nowhere, nowhere]
    found = [people.name_file("7", file, files[:at]) for at, file in enumerate(files)]
    assert found == ["7:cv.pdf", "7:cv.pdf", "7:cv.pdf:2", "7:cv.pdf", "7:cv.pdf:3", "7:cv.pdf:4"]
