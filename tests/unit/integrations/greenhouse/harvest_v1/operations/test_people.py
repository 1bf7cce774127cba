"""The operations that read candidates and applications, on rows in memory: what is found, in which order."""

import random
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest

from testbed.operation_context import Json, MemoryContext
from unihire.integration.operate import Choices, Nothing, Operation, describe_type
from unihire.integrations.greenhouse.harvest_v1.operations.people import OPERATIONS, Applications, Candidates

NAMED = {operation.name: operation for operation in OPERATIONS}
START = datetime.fromisoformat("2026-01-01T00:00:00+00:00")


def write(days: float) -> str:
    return (START + timedelta(days=days)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def make_application(id: int, **more: Any) -> Json:
    base = {
        "id": id,
        "candidate_id": id,
        "job_id": 300,
        "prospect": False,
        "prospective_job_ids": [],
        "status": "in_process",
        "created_at": write(id),
        "last_activity_at": write(id + 5),
    }
    return {**base, **more}


def make_candidate(id: int, **more: Any) -> Json:
    base = {
        "id": id,
        "first_name": "Ann",
        "last_name": f"Example {id}",
        "created_at": write(id),
        "updated_at": write(id + 10),
        "private": False,
        "can_email": True,
        "email_addresses": [{"value": f"ann.{id}@example.com", "type": "work"}],
    }
    return {**base, **more}


async def call(name: str, context: MemoryContext, **input: Any) -> Any:
    operation: Operation = NAMED[name]
    return await operation.run(context, msgspec.convert(input, operation.input))


async def list_ids(name: str, context: MemoryContext, **input: Any) -> list[int]:
    found: Applications | Candidates = await call(name, context, **input)
    return [each.id for each in found.results]


async def test_one_candidate_is_found_or_is_not() -> None:
    context = MemoryContext(candidates=[make_candidate(1)])
    found = await call("get_candidate", context, candidate_id=1)
    assert (found.candidate_found, found.body.last_name) == (True, "Example 1")
    missing = await call("get_candidate", context, candidate_id=2)
    assert msgspec.to_builtins(missing) == {"candidate_found": False, "body": None}


async def test_one_application_is_found_or_is_not() -> None:
    context = MemoryContext(applications=[make_application(1)])
    found = await call("get_application", context, application_id=1)
    assert (found.application_found, found.body.status) == (True, "active")
    missing = await call("get_application", context, application_id=2)
    assert msgspec.to_builtins(missing) == {"application_found": False, "body": None}


async def test_lists_are_paged_newest_first_by_a_hundred_unless_told_otherwise() -> None:
    context = MemoryContext(
        applications=[make_application(id) for id in range(1, 231)],
        candidates=[make_candidate(id) for id in range(1, 231)],
    )
    for name in ("list_applications", "list_candidates"):
        assert await list_ids(name, context) == list(range(230, 130, -1))
        assert await list_ids(name, context, page=3) == list(range(30, 0, -1))
        assert await list_ids(name, context, page=2, results_per_page=7) == list(range(223, 216, -1))
        assert await list_ids(name, context, page=None, results_per_page=None) == list(range(230, 130, -1))
        assert await list_ids(name, context, page=4) == []


async def test_moments_after_are_inclusive_and_before_are_not() -> None:
    context = MemoryContext(
        applications=[make_application(id) for id in range(1, 10)],
        candidates=[make_candidate(id) for id in range(1, 10)],
    )
    window = {"created_after": write(3), "created_before": write(7)}
    assert await list_ids("list_applications", context, **window) == [6, 5, 4, 3]
    assert await list_ids("list_candidates", context, **window) == [6, 5, 4, 3]
    assert await list_ids("list_applications", context, last_activity_after=write(12), **window) == []
    assert await list_ids("list_applications", context, last_activity_after=write(10), **window) == [6, 5]
    assert await list_ids("list_candidates", context, updated_after=write(14), updated_before=write(16)) == [5, 4]


async def test_creation_and_update_together_are_asked_apart_and_paged_right() -> None:
    """The vendor takes one of them a call; the context in memory refuses both at once as well."""
    luck = random.Random(4)
    rows = [make_candidate(id, updated_at=write(id + luck.uniform(0, 900))) for id in range(1, 1301)]
    context = MemoryContext(candidates=rows)
    for window in (
        {"created_after": write(100), "updated_before": write(900)},
        {"created_before": write(900), "updated_after": write(500)},
        {
            "created_after": write(50),
            "created_before": write(1250),
            "updated_after": write(300),
            "updated_before": write(1200),
        },
    ):
        wanted = [
            row["id"]
            for row in reversed(rows)
            if window.get("created_after", "") <= row["created_at"] < window.get("created_before", "9")
            and window.get("updated_after", "") <= row["updated_at"] < window.get("updated_before", "9")
        ]
        assert len(wanted) > 300
        found = [
            await list_ids("list_candidates", context, page=page, results_per_page=90, **window)
            for page in range(1, 16)
        ]
        assert [id for page in found for id in page] == wanted


@pytest.mark.parametrize(
    ("status", "found"),
    [
        ("active", [1]),
        ("Active", [1]),
        ("HIRED", [2]),
        ("rejected", [3]),
        ("converted", [4]),
        ("in_process", []),
        ("x", []),
    ],
)
async def test_status_is_taken_in_any_letter_case_and_other_words_find_nothing(status: str, found: list[int]) -> None:
    words = ("in_process", "hired", "rejected", "converted")
    context = MemoryContext(applications=[make_application(id, status=word) for id, word in enumerate(words, 1)])
    assert await list_ids("list_applications", context, status=status) == found


async def test_applications_of_a_job_are_also_prospects_considered_for_it() -> None:
    context = MemoryContext(
        applications=[
            make_application(1),
            make_application(2, job_id=301),
            make_application(3, job_id=None, prospect=True, prospective_job_ids=[301, 300]),
            make_application(4, job_id=None, prospect=True, prospective_job_ids=[301]),
            make_application(5, prospect=True, prospective_job_ids=[300]),
            make_application(6, job_id=301, prospective_job_ids=[300]),
        ]
    )
    assert await list_ids("list_applications", context, job_id=300) == [5, 3, 1]
    assert await list_ids("list_applications", context, job_id=301) == [6, 4, 3, 2]


@pytest.mark.parametrize("share", [0, 0.05, 0.5, 0.95, 1])
@pytest.mark.parametrize("size", [1, 7, 50])
async def test_pages_of_a_jobs_applications_and_prospects_hold_each_once_in_order(share: float, size: int) -> None:
    luck = random.Random(size)
    rows = [
        make_application(id, job_id=None, prospect=True, prospective_job_ids=[300])
        if luck.random() < share
        else make_application(id, job_id=luck.choice([300, 300, 301]))
        for id in range(1, 121)
    ]
    context = MemoryContext(applications=rows)
    wanted = [row["id"] for row in reversed(rows) if row["job_id"] != 301]
    pages = range(1, len(wanted) // size + 4)
    found = [
        await list_ids("list_applications", context, job_id=300, page=page, results_per_page=size) for page in pages
    ]
    assert [id for page in found for id in page] == wanted
    assert all(len(page) == size for page in found[: len(wanted) // size])


async def test_a_deep_page_of_a_job_does_not_read_all_before_it() -> None:
    rows = [make_application(id) for id in range(1, 2001)]
    rows[1500] = make_application(1501, job_id=None, prospect=True, prospective_job_ids=[300])
    context = MemoryContext(applications=rows)
    assert await list_ids("list_applications", context, job_id=300, page=15) == list(range(600, 500, -1))
    assert context.calls["applications"] == 3  # the prospects, and the two pages around it


async def test_candidates_of_a_job_are_its_applicants_once_and_no_prospects() -> None:
    context = MemoryContext(
        candidates=[make_candidate(id) for id in range(1, 7)],
        applications=[
            make_application(1),
            make_application(2, candidate_id=1),
            make_application(3, job_id=301),
            make_application(4, prospect=True),
            make_application(5, job_id=None, prospect=True, prospective_job_ids=[300]),
            make_application(6),
        ],
    )
    assert await list_ids("list_candidates", context, job_id=300) == [6, 1]
    assert await list_ids("list_candidates", context, job_id=300, results_per_page=1, page=2) == [1]
    assert await list_ids("list_candidates", context, job_id=300, updated_before=write(16)) == [1]
    assert await list_ids("list_candidates", context, job_id=300, candidate_ids=["3", "1", "4"]) == [1]
    assert await list_ids("list_candidates", context, job_id=301, email="ann.3@example.com") == [3]
    assert await list_ids("list_candidates", context, job_id=300, email="ann.3@example.com") == []


async def test_candidates_are_found_by_ids_or_by_an_email_which_goes_first() -> None:
    context = MemoryContext(candidates=[make_candidate(id) for id in range(1, 7)])
    assert await list_ids("list_candidates", context, candidate_ids=["2", "5", "99"]) == [5, 2]
    assert await list_ids("list_candidates", context, candidate_ids=["2", "5"], created_after=write(4)) == [5]
    assert await list_ids("list_candidates", context, candidate_ids=["2", "5"], page=2, results_per_page=1) == [2]
    assert await list_ids("list_candidates", context, email="ann.4@example.com") == [4]
    assert await list_ids("list_candidates", context, email="ann.4@example.com", candidate_ids=["2"]) == [4]
    assert await list_ids("list_candidates", context, email="ann.4@example.com", created_before=write(4)) == []
    assert await list_ids("list_candidates", context, candidate_ids=[], email="") == [6, 5, 4, 3, 2, 1]


@pytest.mark.parametrize(
    ("name", "input", "place"),
    [
        ("get_candidate", {"candidate_id": "1"}, "candidate_id"),
        ("get_candidate", {}, "candidate_id"),
        ("list_candidates", {"candidate_ids": ["1", "one"]}, "candidate_ids"),
        ("list_candidates", {"candidate_ids": [str(id) for id in range(51)]}, "candidate_ids"),
        ("list_candidates", {"results_per_page": 501}, "results_per_page"),
        ("list_candidates", {"page": 0}, "page"),
        ("list_candidates", {"created_after": "soon"}, "created_after"),
        ("list_applications", {"per_page": 10}, "per_page"),
    ],
)
def test_bad_inputs_are_refused_naming_the_field(name: str, input: Json, place: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=place):
        msgspec.convert(input, NAMED[name].input)


def test_inputs_that_choices_exist_for_say_where_they_come_from() -> None:
    found = {
        (name, field): schema["lookup"]
        for name, operation in NAMED.items()
        for field, schema in describe_type(operation.input)["properties"].items()
        if "lookup" in schema
    }
    assert found == {
        ("get_candidate", "candidate_id"): {"operation": "list_candidates_ddl", "input": {}},
        ("list_applications", "job_id"): {"operation": "list_jobs_ddl", "input": {}},
        ("list_candidates", "job_id"): {"operation": "list_jobs_ddl", "input": {}},
    }


async def test_candidates_to_choose_from_are_all_by_name_oldest_first() -> None:
    rows = [make_candidate(id) for id in range(1, 601)]
    rows[1] |= {"first_name": None}
    rows[2] |= {"first_name": None, "last_name": None}
    context = MemoryContext(candidates=rows)
    chosen: Choices = await NAMED["list_candidates_ddl"].run(context, Nothing())
    assert [(each.text, each.value) for each in chosen.result[:4]] == [
        ("Ann Example 1", 1),
        ("Example 2", 2),
        ("3", 3),
        ("Ann Example 4", 4),
    ]
    assert len(chosen.result) == 600
    assert context.calls == {"candidates": 2}


async def test_custom_fields_to_choose_from_are_the_active_ones_of_candidates_in_their_order() -> None:
    def make_field(id: int, name: str, sort_order: int, **more: Any) -> Json:
        return {"id": id, "name": name, "sort_order": sort_order, "field_type": "candidate", "active": True, **more}

    context = MemoryContext(
        custom_fields=[
            make_field(1, "Salary", 2),
            make_field(2, "Notice", 1),
            make_field(3, "Fax", 0, active=False),
            make_field(4, "Budget", 0, field_type="job"),
        ]
    )
    chosen: Choices = await NAMED["list_candidate_custom_fields_ddl"].run(context, Nothing())
    assert msgspec.to_builtins(chosen) == {"result": [{"text": "Notice", "value": 2}, {"text": "Salary", "value": 1}]}
