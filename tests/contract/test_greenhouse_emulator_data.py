"""The Greenhouse emulator's data: every row has the documented shape, and the rows fit together."""

import json
import re
from collections import defaultdict
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from testbed.harvest import Row, connect_harvest, serve_harvest, walk
from unihire.integrations.greenhouse.emulator.resources import RESOURCES

Rows = dict[str, dict[int, Row]]
SCHEMA: dict[str, dict[str, str]] = json.loads(
    Path(__file__).with_name("test_greenhouse_emulator_schema.json").read_text()
)
TYPES: dict[str, Any] = {
    "integer": int,
    "string": str,
    "boolean": bool,
    "array": list,
    "object": dict,
    "number": (int, float),
    "anyOf": object,
}
SHAPES = {"date": r"\d{4}-\d\d-\d\d", "date-time": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"}
HIDDEN = {"users": {"show_service_accounts": "true"}, "rejection_reasons": {"include_defaults": "true"}}


@pytest.fixture(scope="module")
def rows() -> Iterator[Rows]:
    with serve_harvest(size=600, seed=11) as sandbox, connect_harvest(sandbox) as client:
        yield {
            name: {row["id"]: row for row in walk(client, name, **HIDDEN.get(name, {}))} if name != "webhooks" else {}
            for name in RESOURCES
        }


def fits(value: Any, declared: str) -> bool:
    type_, _, rest = declared.partition(" ")
    if value is None:
        return type_.endswith("?") or type_ == "anyOf"
    type_ = type_.rstrip("?")
    if not isinstance(value, TYPES[type_]) or (type_ in ("integer", "number") and isinstance(value, bool)):
        return False
    if rest in SHAPES:
        return re.fullmatch(SHAPES[rest], value) is not None
    return not rest or value in rest.split("|")


def pick(row: Any, path: str) -> Iterator[Any]:
    """The values at a path such as `answers[].question`, `type.id` or `custom_fields.{name_key}.type`."""
    first, _, rest = path.partition(".")
    if row is None:
        return
    if first.endswith("[]"):
        held = row[first[:-2]] or []
    elif first == "{name_key}":
        held = row.values()
    else:
        held = [row[first]]
    for one in held:
        yield from pick(one, rest) if rest else [one]


def test_there_are_the_documented_resources() -> None:
    assert set(RESOURCES) == set(SCHEMA)
    assert len(RESOURCES) == 71


@pytest.mark.parametrize("name", SCHEMA)
def test_rows_have_the_documented_fields_and_types(rows: Rows, name: str) -> None:
    declared = SCHEMA[name]
    fields = {path.partition(".")[0].partition("[")[0] for path in declared}
    for row in rows[name].values():
        assert set(row) - {"job_interview_stage_id"} == fields - {"job_interview_stage_id"} or name != "applications"
        assert name == "applications" or set(row) == fields
        for path, type_ in declared.items():
            for value in pick(row, path):
                assert fits(value, type_), (path, value)


@pytest.mark.parametrize("name", RESOURCES)
def test_references_lead_to_rows(rows: Rows, name: str) -> None:
    for field, target in RESOURCES[name].links.items():
        for row in rows[name].values():
            value = row[field]
            for number in value if isinstance(value, list) else [value]:
                assert number is None or number in rows[target], (field, number)


def test_ids_of_one_resource_are_never_those_of_another(rows: Rows) -> None:
    ids = [number for found in rows.values() for number in found]
    assert len(ids) == len(set(ids))


def test_nothing_was_updated_before_it_was_created(rows: Rows) -> None:
    for found in rows.values():
        assert all(row["created_at"] <= row["updated_at"] for row in found.values())


def group(found: dict[int, Row], field: str) -> dict[int, list[Row]]:
    grouped = defaultdict(list)
    for row in sorted(found.values(), key=lambda row: row["id"]):
        grouped[row[field]].append(row)
    return grouped


def test_stages_tell_the_application_s_way(rows: Rows) -> None:
    stages = group(rows["application_stages"], "application_id")
    names = {number: row["name"] for number, row in rows["job_interview_stages"].items()}
    for number, application in rows["applications"].items():
        own = stages.get(number, [])
        if application["prospect"]:
            assert (own, application["job_id"], application["stage_id"]) == ([], None, None)
            assert application["prospective_job_ids"]
            continue
        current = own[-1]
        assert [row["current"] for row in own] == [False] * (len(own) - 1) + [True]
        assert application["stage_id"] == current["id"]
        assert application["stage_name"] == names[current["job_interview_stage_id"]]
        assert own[0]["entered_at"] == application["created_at"]
        assert current["exited_at"] is None
        assert current["entered_at"] <= application["updated_at"]
        for one, following in pairwise(own):
            assert one["exited_at"] == following["entered_at"] >= one["entered_at"]
        job = {rows["job_interview_stages"][row["job_interview_stage_id"]]["job_id"] for row in own}
        assert job == {application["job_id"]}


def test_rejections_belong_to_the_rejected(rows: Rows) -> None:
    details = {row["application_id"]: row for row in rows["rejection_details"].values()}
    rejected = {number for number, row in rows["applications"].items() if row["status"] == "rejected"}
    assert set(details) == rejected
    for number, row in rows["applications"].items():
        assert row["rejected_at"] == (details[number]["rejected_at"] if number in details else None)
    types = {rows["rejection_reasons"][row["rejection_reason_id"]]["type"]["key"] for row in details.values()}
    assert types == {"WE_REJECTED_THEM", "THEY_REJECTED_US"}
    for row in details.values():
        assert rows["notes"][row["rejection_note_id"]]["application_id"] == row["application_id"]


def test_offers_and_openings_belong_to_the_hired(rows: Rows) -> None:
    offers = group(rows["offers"], "application_id")
    accepted = {row["application_id"] for row in rows["offers"].values() if row["status"] == "Accepted"}
    assert accepted == {number for number, row in rows["applications"].items() if row["status"] == "hired"}
    for number, versions in offers.items():
        assert [row["version"] for row in versions] == list(range(1, len(versions) + 1))
        assert {row["status"] for row in versions[:-1]} <= {"Deprecated"}
        application = rows["applications"][number]
        assert {(row["candidate_id"], row["job_id"]) for row in versions} == {
            (application["candidate_id"], application["job_id"])
        }
    filled = {row["application_id"] for row in rows["openings"].values() if row["application_id"] is not None}
    assert filled == accepted
    for number in accepted:
        opening = rows["openings"][offers[number][-1]["opening_id"]]
        assert (opening["application_id"], opening["open"]) == (number, False)


def test_interviews_are_of_stages_that_were_reached_and_scorecards_of_those_who_held_them(rows: Rows) -> None:
    reached = defaultdict(set)
    for row in rows["application_stages"].values():
        reached[row["application_id"]].add(row["job_interview_stage_id"])
    for row in rows["interviews"].values():
        planned = rows["job_interviews"][row["job_interview_id"]]
        assert planned["job_interview_stage_id"] in reached[row["application_id"]]
        assert planned["job_id"] == row["job_id"] == rows["applications"][row["application_id"]]["job_id"]
        if row["status"] == "scheduled":
            assert row["starts_at"] > row["updated_at"]
    by_card = {row["scorecard_id"]: row for row in rows["interviewers"].values() if row["scorecard_id"]}
    assert set(by_card) == set(rows["scorecards"])
    for number, row in rows["scorecards"].items():
        interview = rows["interviews"][by_card[number]["interview_id"]]
        assert row["interviewer_id"] == by_card[number]["user_id"]
        assert row["application_id"] == interview["application_id"]
        kit = rows["interview_kits"][row["interview_kit_id"]]
        assert kit["job_interview_id"] == interview["job_interview_id"]
        assert (row["status"] == "complete") == (interview["status"] == "complete")
    for row in rows["scorecard_question_answers"].values():
        kit_id = rows["scorecard_questions"][row["scorecard_question_id"]]["interview_kit_id"]
        assert kit_id == rows["scorecards"][row["scorecard_id"]]["interview_kit_id"]


def test_tags_links_and_addresses_agree_on_both_sides(rows: Rows) -> None:
    names = {number: row["name"] for number, row in rows["candidate_tags"].items()}
    applied = group(rows["applied_candidate_tags"], "candidate_id")
    linked = {(one, number) for number, row in rows["users"].items() for one in row["linked_candidate_ids"]}
    for number, row in rows["candidates"].items():
        assert row["tags"] == [names[one["candidate_tag_id"]] for one in applied.get(number, [])]
    assert linked == {(number, one) for number, row in rows["candidates"].items() for one in row["linked_user_ids"]}
    assert linked
    emails = group(rows["user_emails"], "user_id")
    for number, row in rows["users"].items():
        if row["first_name"] != "Integration":
            assert row["emails"] == [one["email"] for one in emails[number]]


def test_jobs_are_open_closed_and_draft(rows: Rows) -> None:
    assert {row["status"] for row in rows["jobs"].values()} == {"open", "closed", "draft"}
    applied = {row["job_id"] for row in rows["applications"].values()}
    for number, row in rows["jobs"].items():
        assert (row["closed_at"] is not None) == (row["status"] == "closed")
        assert row["status"] != "draft" or number not in applied


def test_custom_fields_carry_every_kind_of_value_and_fit_their_definitions(rows: Rows) -> None:
    defined = {(row["field_type"], row["name_key"]): row for row in rows["custom_fields"].values()}
    options = group(rows["custom_field_options"], "custom_field_id")
    kinds = {
        "application": "applications",
        "candidate": "candidates",
        "job": "jobs",
        "opening": "openings",
        "offer": "offers",
        "rejection_question": "rejection_details",
        "user_attribute": "users",
    }
    seen: dict[str, set[type]] = defaultdict(set)
    for kind, name in kinds.items():
        for row in rows[name].values():
            for key, entry in (row.get("custom_fields") or row.get("question_custom_fields") or {}).items():
                field = defined[kind, key]
                assert (entry["name"], entry["type"]) == (field["name"], field["value_type"])
                value = entry["value"]
                seen[entry["type"]].add(type(value))
                if entry["type"] in ("single_select", "multi_select") and value is not None:
                    names = {option["name"] for option in options[field["id"]]}
                    assert set(value if isinstance(value, list) else [value]) <= names
    values = {kind for kind, types in seen.items() if types - {type(None)}}
    assert values == set(SCHEMA["custom_fields"]["value_type"].partition(" ")[2].split("|")) - {
        "linked",
        "header",
        "statement",
    }


def test_words_of_the_documents_are_met() -> None:
    """Each status, in the data of a company of ordinary size."""
    with serve_harvest(size=600, seed=11) as sandbox:
        for name, field in {
            "applications": "status",
            "interviews": "status",
            "offers": "status",
            "scorecards": "status",
            "jobs": "status",
            "approval_flows": "approval_type",
            "approvers": "status",
            "interviewers": "response_status",
            "job_owners": "type",
            "job_post_locations": "type",
        }.items():
            words = set(SCHEMA[name][field].partition(" ")[2].split("|"))
            assert {row[field] for _, row in sandbox.app.emulator.streams[name].walk_latest()} == words, name
