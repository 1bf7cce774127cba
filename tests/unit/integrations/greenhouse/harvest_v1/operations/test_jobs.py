"""Operations on jobs, offers, users and what a company sets up: their filters and pages, on rows made by hand."""

import asyncio
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec
import pytest

from testbed.operation_context import Json, MemoryContext
from unihire.integration.operate import Input
from unihire.integrations.greenhouse.operations import OPERATIONS, ORDER
from unihire.platform.inputs import BadInput, describe_input, read_input

BY_NAME = {operation.name: operation for operation in OPERATIONS}
START = datetime(2026, 1, 1, tzinfo=UTC)


def call(context: MemoryContext, name: str, **data: Any) -> Any:
    """The output of an operation, its input checked as a caller's is."""
    given, _ = read_input(BY_NAME[name], data)
    return msgspec.to_builtins(asyncio.run(_run(context, name, given)))


async def _run(context: MemoryContext, name: str, given: Input) -> Any:
    return await BY_NAME[name].run(context, given)


def day(number: int) -> str:
    return (START + timedelta(days=number)).isoformat().replace("+00:00", "Z")


def ids(output: Any) -> list[int]:
    return [row["id"] for row in output["results"]]


def make_rows(count: int, **more: Callable[[int], Any]) -> list[Json]:
    """Rows 1 to `count`, each created on its day and updated as many days after the last."""
    return [
        {
            "id": id,
            "created_at": day(id),
            "updated_at": day(2 * count - id),
            **{name: tell(id) for name, tell in more.items()},
        }
        for id in range(1, count + 1)
    ]


def make_jobs(count: int, **more: Callable[[int], Any]) -> list[Json]:
    told: dict[str, Callable[[int], Any]] = {
        "name": "Job {}".format,
        "requisition_id": "R-{}".format,
        "status": lambda id: "open" if id % 2 else "closed",
        "confidential": lambda id: False,
        "department_id": lambda id: 11 if id <= 3 else 12,
        "office_ids": lambda id: [21, 22] if id <= 2 else [22],
        "custom_fields": lambda id: {
            "kind": {"name": "Kind", "type": "single_select", "value": "New" if id == 4 else "Old"},
            "tongues": {"name": "Tongues", "type": "multi_select", "value": ["Basic"] if id == 5 else []},
        },
    }
    return make_rows(count, **{**told, **more})


def make_company(jobs: list[Json]) -> MemoryContext:
    return MemoryContext(
        jobs=jobs,
        departments=[
            {"id": 11, "name": "One", "parent_id": None, "external_id": "D1"},
            {"id": 12, "name": "Two", "parent_id": 11, "external_id": None},
            {"id": 13, "name": "Three", "parent_id": 12, "external_id": "D3"},
        ],
        offices=[
            {"id": 21, "name": "North", "parent_id": None, "external_id": "77", "location": "Oslo"},
            {"id": 22, "name": "South", "parent_id": 21, "external_id": None, "location": None},
        ],
        openings=[
            {"id": 31, "job_id": 2, "opening_id": "3-1", "open": True},
            {"id": 32, "job_id": 3, "opening_id": "3-1", "open": True},
        ],
        custom_fields=[
            {"id": 41, "field_type": "job", "name_key": "kind"},
            {"id": 42, "field_type": "job", "name_key": "tongues"},
            {"id": 43, "field_type": "candidate", "name_key": "kind"},
        ],
        custom_field_options=[
            {"id": 51, "custom_field_id": 41, "name": "New"},
            {"id": 52, "custom_field_id": 42, "name": "Basic"},
            {"id": 53, "custom_field_id": 43, "name": "New"},
        ],
    )


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({}, [6, 5, 4, 3, 2, 1]),
        ({"results_per_page": 2, "page": 2}, [4, 3]),
        ({"results_per_page": None, "page": None, "status": None}, [6, 5, 4, 3, 2, 1]),
        ({"status": "open"}, [5, 3, 1]),
        ({"requisition_id": "R-3"}, [3]),
        ({"requisition_id": 3}, []),
        ({"department_id": 11}, [3, 2, 1]),
        ({"external_department_id": "D1"}, [3, 2, 1]),
        ({"external_department_id": "D1", "department_id": 12}, []),
        ({"external_department_id": "none"}, []),
        ({"office_id": 21}, [2, 1]),
        ({"external_office_id": 77}, [2, 1]),
        ({"external_office_id": 78}, []),
        ({"custom_field_option_id": 51}, [4]),
        ({"custom_field_option_id": 52}, [5]),
        ({"custom_field_option_id": 53}, []),
        ({"custom_field_option_id": 54}, []),
        ({"opening_id": "3-1"}, [3, 2]),
        ({"opening_id": "3-1", "office_id": 21, "status": "closed"}, [2]),
        ({"opening_id": "3-1", "results_per_page": 1, "page": 2}, [2]),
        ({"opening_id": 9}, []),
        ({"created_after": day(5)}, [6, 5]),
        ({"created_before": day(2)}, [1]),
        ({"updated_after": day(10), "updated_before": day(11)}, [2]),
        ({"created_after": day(2), "updated_after": day(9)}, [3, 2]),
        ({"created_after": day(2), "updated_after": day(9), "results_per_page": 1, "page": 2}, [2]),
    ],
)
def test_jobs_are_listed_by_every_filter_of_v1(asked: Json, found: list[int]) -> None:
    assert ids(call(make_company(make_jobs(6)), "list_jobs", **asked)) == found


def test_pages_that_are_filtered_here_hold_every_row_once() -> None:
    jobs = make_jobs(1200, status=lambda id: "open")
    context = make_company(jobs)
    asked = {"created_after": day(100), "updated_before": day(2200), "results_per_page": 400}
    pages = [ids(call(context, "list_jobs", page=page, **asked)) for page in range(1, 5)]
    assert [len(page) for page in pages] == [400, 400, 200, 0]
    assert [id for page in pages for id in page] == list(range(1200, 200, -1))


def test_of_a_page_filtered_here_no_more_pages_are_read_than_fill_it() -> None:
    context = make_company(make_jobs(1200))
    call(context, "list_jobs", created_after=day(100), updated_before=day(2300), results_per_page=10)
    assert context.calls["jobs"] == 1


def test_a_job_is_found_or_not() -> None:
    context = make_company(make_jobs(2))
    found = call(context, "get_job", job_id=2)
    assert (found["job_found"], found["body"]["id"]) == (True, 2)
    assert call(context, "get_job", job_id=3) == {"job_found": False, "body": None}


@pytest.mark.parametrize(
    ("name", "data", "told"),
    [
        ("get_job", {}, "job_id"),
        ("get_job", {"job_id": "2"}, "#/job_id"),
        ("list_jobs", {"status": "new"}, "#/status"),
        ("list_jobs", {"created_after": "2026-01-01"}, "#/created_after"),
        ("list_jobs", {"results_per_page": 501}, "#/results_per_page"),
        ("list_jobs", {"per_page": 10}, "per_page"),
        ("list_job_stages", {"results_per_page": 10}, "results_per_page"),
        ("list_sources", {"page": 0}, "#/page"),
        ("list_custom_fields", {"field_type": "standard"}, "#/field_type"),
        ("list_departments", {"render_as": "forest"}, "#/render_as"),
        ("list_offers", {"sent_after": "soon"}, "#/sent_after"),
        ("list_job_custom_field_options_ddl", {"custom_field": None}, "#/custom_field"),
    ],
)
def test_a_bad_input_is_refused_by_its_name(name: str, data: Json, told: str) -> None:
    with pytest.raises(BadInput, match=told):
        read_input(BY_NAME[name], data)


def test_operations_come_in_the_order_of_the_page_they_are_from() -> None:
    names = [operation.name for operation in OPERATIONS]
    assert names == [name for name in ORDER if name in BY_NAME]
    assert [operation.kind for operation in OPERATIONS if operation.name.endswith("_ddl")] == ["ddl"] * 9
    assert all(operation.title.endswith(" DDL") == (operation.kind == "ddl") for operation in OPERATIONS)


def test_every_choice_offered_is_that_of_a_drop_down_there_is() -> None:
    for operation in OPERATIONS:
        for field in describe_input(operation)["properties"].values():
            if "lookup" in field:
                asked = BY_NAME[field["lookup"]["operation"]]
                assert asked.kind == "ddl"
                assert field["lookup"]["input"].keys() == set(asked.input.__struct_fields__)


# Stages


def test_the_stages_of_a_job_come_in_their_order_those_out_of_use_last() -> None:
    stages = make_rows(
        4,
        name="Stage {}".format,
        job_id=lambda id: 1 if id < 4 else 2,
        sort_order=lambda id: 9 - id,
        active=lambda id: id != 2,
    )
    context = MemoryContext(job_interview_stages=stages)
    assert ids(call(context, "list_job_stages_for_job", job_id=1)) == [3, 1, 2]
    assert ids(call(context, "list_job_stages_for_job", job_id=1, created_after=day(2))) == [3, 2]
    assert call(context, "list_job_stages_for_job", job_id=5) == {"results": []}
    assert call(context, "list_job_stages_for_job_ddl", job_id=1) == {
        "result": [{"text": "Stage 3", "value": 3}, {"text": "Stage 1", "value": 1}]
    }
    assert ids(call(context, "list_job_stages", per_page=3)) == [4, 3, 2]


# Offers


def make_offers() -> MemoryContext:
    return MemoryContext(
        offers=make_rows(
            4,
            version=lambda id: 5 - id,
            application_id=lambda id: 71 if id < 4 else 72,
            status=lambda id: ["Created", "Accepted", "Rejected", "Deprecated"][id - 1],
            sent_on=lambda id: None if id == 1 else str(date(2026, 1, id)),
            starts_on=lambda id: str(date(2026, 2, id)),
            resolved_at=lambda id: None if id == 1 else day(id),
        )
    )


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({}, [4, 3, 2, 1]),
        ({"status": "unresolved"}, [1]),
        ({"status": "created"}, [1]),
        ({"status": "accepted"}, [2]),
        ({"created_before": day(3)}, [2, 1]),
        ({"updated_before": day(5)}, [4, 3]),
        ({"created_before": day(5), "updated_before": day(5)}, [4, 3]),
        ({"resolved_after": day(2), "resolved_before": day(3)}, [3, 2]),
        ({"sent_after": "2026-01-03"}, [4, 3]),
        ({"sent_before": "2026-01-03"}, [3, 2]),
        ({"starts_after": "2026-02-02", "starts_before": "2026-02-03"}, [3, 2]),
    ],
)
def test_offers_are_listed_by_every_filter_of_v1(asked: Json, found: list[int]) -> None:
    assert ids(call(make_offers(), "list_offers", **asked)) == found


def test_the_offers_of_an_application_are_listed_and_the_current_one_given() -> None:
    context = make_offers()
    assert ids(call(context, "list_offers_by_application", application_id=71)) == [3, 2, 1]
    assert ids(call(context, "list_offers_by_application", application_id=71, results_per_page=2, page=2)) == [1]
    current = call(context, "get_current_offer_by_application", application_id=71)
    assert (current["offer_found"], current["body"]["version"]) == (True, 4)
    nothing = {"offer_found": False, "body": None}
    assert call(context, "get_current_offer_by_application", application_id=73) == nothing
    assert call(context, "get_offer", offer_id=9) == nothing
    assert call(context, "get_offer", offer_id=2)["body"]["status"] == "accepted"


# What a company sets up


def test_departments_are_a_list_or_a_tree() -> None:
    context = make_company([])
    listed = call(context, "list_departments")["results"]
    assert listed[1] == {
        "id": 12,
        "name": "Two",
        "parent_id": 11,
        "parent_department_external_id": "D1",
        "child_ids": [13],
        "child_department_external_ids": ["D3"],
        "external_id": None,
    }
    assert ids(call(context, "list_departments", results_per_page=2, page=2)) == [11]
    assert ids(call(context, "list_departments", external_id="D3")) == [13]
    three = {"id": 13, "name": "Three", "children": [], "external_id": "D3"}
    two = {"id": 12, "name": "Two", "children": [three], "external_id": None}
    one = {"id": 11, "name": "One", "children": [two], "external_id": "D1"}
    assert call(context, "list_departments", render_as="tree") == {"results": [one]}
    assert call(context, "list_departments", render_as="tree", external_id="D3") == {"results": [three]}


def test_a_department_whose_parent_is_not_shown_is_on_top_of_the_tree() -> None:
    context = MemoryContext(departments=[{"id": 12, "name": "Two", "parent_id": 11, "external_id": None}])
    assert ids(call(context, "list_departments", render_as="tree")) == [12]


def test_offices_are_flat_and_counted() -> None:
    context = make_company([])
    south = {"id": 22, "name": "South", "location": None, "primary_contact_id": None, "parent_id": 21}
    north = {"id": 21, "name": "North", "location": "Oslo", "primary_contact_id": None, "parent_id": None}
    assert call(context, "list_offices") == {
        "offices": [south, north],
        "meta": {"total": 2, "page": 1, "per_page": 100},
    }
    assert call(context, "list_offices", results_per_page=1, page=2) == {
        "offices": [north],
        "meta": {"total": 2, "page": 2, "per_page": 1},
    }
    assert call(context, "list_offices", render_as="tree")["offices"] == [
        {**north, "children": [{**south, "children": []}]}
    ]


def test_sources_of_one_strategy_come_together() -> None:
    kinds = {1: {"id": 9, "name": "Campus"}, 2: {"id": 5, "name": "Boards"}, 3: {"id": 9, "name": "Campus"}, 4: None}
    context = MemoryContext(sources=make_rows(4, name="Source {}".format, type=kinds.__getitem__))
    assert ids(call(context, "list_sources")) == [4, 2, 3, 1]
    assert call(context, "list_sources", per_page=2, page=2)["results"] == [
        {"id": 3, "name": "Source 3", "type": {"id": 9, "name": "Campus"}},
        {"id": 1, "name": "Source 1", "type": {"id": 9, "name": "Campus"}},
    ]
    assert [choice["value"] for choice in call(context, "list_sources_ddl")["result"]] == [1, 2, 3, 4]


def make_users() -> MemoryContext:
    return MemoryContext(
        users=make_rows(
            3,
            first_name="First{}".format,
            last_name="Last{}".format,
            name=lambda id: None if id == 2 else f"First{id} Last{id}",
            primary_email="user{}@example.com".format,
            deactivated=lambda id: id == 3,
            site_admin=lambda id: id == 1,
            employee_id="E{}".format,
            linked_candidate_ids=lambda id: [],
            office_ids=lambda id: [22] if id == 1 else [],
            department_ids=lambda id: [12] if id == 1 else [],
            emails=lambda id: None if id == 2 else [f"user{id}@example.com", f"also{id}@example.com"],
            custom_fields=lambda id: {"desk": {"name": "Desk No", "type": "number", "value": id}},
        ),
        user_emails=[{"id": 81, "user_id": 3, "email": "also3@example.com"}],
        departments=make_company([]).rows["departments"],
        offices=make_company([]).rows["offices"],
    )


def test_a_user_is_shown_with_offices_departments_and_fields() -> None:
    found = call(make_users(), "get_user", user_id=1)
    assert found == {
        "user_found": True,
        "body": {
            "id": 1,
            "name": "First1 Last1",
            "first_name": "First1",
            "last_name": "Last1",
            "primary_email_address": "user1@example.com",
            "updated_at": "2026-01-06T00:00:00.000Z",
            "created_at": "2026-01-02T00:00:00.000Z",
            "disabled": False,
            "site_admin": True,
            "emails": ["user1@example.com", "also1@example.com"],
            "employee_id": "E1",
            "linked_candidate_ids": [],
            "offices": [
                {
                    "id": 22,
                    "name": "South",
                    "location": {"name": None},
                    "primary_contact_user_id": None,
                    "parent_id": 21,
                    "parent_office_external_id": "77",
                    "child_ids": [],
                    "child_office_external_ids": [],
                    "external_id": None,
                }
            ],
            "departments": [
                {
                    "id": 12,
                    "name": "Two",
                    "parent_id": 11,
                    "parent_department_external_id": "D1",
                    "child_ids": [13],
                    "child_department_external_ids": ["D3"],
                    "external_id": None,
                }
            ],
            "custom_fields": {"desk_no": 1},
            "keyed_custom_fields": {"desk": {"name": "Desk No", "type": "number", "value": 1}},
        },
    }
    assert call(make_users(), "get_user", user_id=4) == {"user_found": False, "body": None}


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({}, [3, 2, 1]),
        ({"results_per_page": 1, "page": 2}, [2]),
        ({"employee_id": "E2"}, [2]),
        ({"employee_id": 2}, []),
        ({"email": "also3@example.com"}, [3]),
        ({"email": "nobody@example.com"}, []),
        ({"email": "also3@example.com", "employee_id": "E2"}, []),
        ({"email": "also3@example.com", "created_after": day(4)}, []),
        ({"created_after": day(2), "updated_before": day(4)}, [3]),
    ],
)
def test_users_are_listed_by_every_filter_of_v1(asked: Json, found: list[int]) -> None:
    assert ids(call(make_users(), "list_users", **asked)) == found


def test_a_users_fields_are_listed_only_if_asked_for() -> None:
    context = make_users()
    assert "custom_fields" not in call(context, "list_users")["results"][0]
    assert call(context, "list_users", user_attributes=True)["results"][0]["custom_fields"] == {"desk_no": 3}


def test_a_user_without_a_name_is_chosen_by_what_there_is() -> None:
    assert call(make_users(), "list_users_ddl")["result"] == [
        {"text": "First1 Last1", "value": 1},
        {"text": "First2 Last2", "value": 2},
        {"text": "First3 Last3", "value": 3},
    ]


def make_fields() -> MemoryContext:
    return MemoryContext(
        custom_fields=make_rows(
            4,
            name="Field {}".format,
            active=lambda id: id != 3,
            field_type=lambda id: "offer" if id == 4 else "job",
            sort_order=lambda id: 9 - id,
            value_type=lambda id: "single_select" if id == 2 else "short_text",
            private=lambda id: False,
            required=lambda id: False,
            require_approval=lambda id: True,
            trigger_new_version=lambda id: False,
            name_key="field_{}".format,
            description=lambda id: "",
            expose_in_job_board_api=lambda id: False,
            api_only=lambda id: None,
            template_token_string=lambda id: None,
        ),
        custom_field_options=make_rows(
            3,
            custom_field_id=lambda id: 2,
            name="Option {}".format,
            external_id=lambda id: None,
            sort_order=lambda id: 9 - id,
            active=lambda id: id != 1,
        ),
        custom_field_departments=[{"id": 1, "custom_field_id": 2, "department_id": 12}],
        custom_field_offices=[{"id": 1, "custom_field_id": 2, "office_id": 22}],
        departments=make_company([]).rows["departments"],
        offices=make_company([]).rows["offices"],
    )


def test_custom_fields_are_listed_with_options_offices_and_departments() -> None:
    context = make_fields()
    [shown, other] = call(context, "list_custom_fields", field_type="job")["results"]
    assert (other["id"], other["custom_field_options"], other["offices"], other["departments"]) == (1, [], [], [])
    assert [office["id"] for office in shown.pop("offices")] == [22]
    assert [department["id"] for department in shown.pop("departments")] == [12]
    assert shown == {
        "id": 2,
        "name": "Field 2",
        "active": True,
        "field_type": "job",
        "priority": 7,
        "value_type": "single_select",
        "private": False,
        "required": False,
        "require_approval": True,
        "trigger_new_version": False,
        "name_key": "field_2",
        "description": "",
        "expose_in_job_board_api": False,
        "api_only": None,
        "template_token_string": None,
        "custom_field_options": [
            {"id": 3, "name": "Option 3", "priority": 6, "external_id": None},
            {"id": 2, "name": "Option 2", "priority": 7, "external_id": None},
        ],
    }
    assert ids(call(context, "list_custom_fields", field_type="job", include_inactive=True)) == [3, 2, 1]


def test_choices_of_job_fields_and_their_options() -> None:
    context = make_fields()
    assert call(context, "list_job_custom_fields_ddl") == {
        "result": [{"text": "Field 2", "value": 2}, {"text": "Field 1", "value": 1}]
    }
    assert call(context, "list_job_custom_field_options_ddl", custom_field=2) == {
        "result": [{"text": "Option 3", "value": 3}, {"text": "Option 2", "value": 2}]
    }


def test_jobs_to_choose_from_are_all_there_are_oldest_first() -> None:
    context = make_company(make_jobs(3))
    assert call(context, "list_jobs_ddl")["result"] == [
        {"text": "Job 1", "value": 1},
        {"text": "Job 2", "value": 2},
        {"text": "Job 3", "value": 3},
    ]


def test_content_types_are_those_of_the_page_they_are_from() -> None:
    assert call(MemoryContext(), "list_attachment_content_types_ddl") == {
        "result": [
            {"text": "PDF", "value": "application/pdf"},
            {"text": "Word Document", "value": "application/msword"},
            {"text": "Image (JPEG)", "value": "image/jpeg"},
            {"text": "Image (PNG)", "value": "image/png"},
            {"text": "Plain Text", "value": "text/plain"},
        ]
    }
