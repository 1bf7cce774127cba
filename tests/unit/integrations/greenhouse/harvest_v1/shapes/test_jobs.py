"""Jobs, their stages and offers in the shapes of Harvest v1, from rows of v3 made by hand."""

import asyncio
from typing import Any

import msgspec

from testbed.operation_context import Json, MemoryContext
from unihire.integration.vendor_row import read_rows
from unihire.integrations.greenhouse.harvest_v1.shapes.jobs import shape_jobs, shape_stages
from unihire.integrations.greenhouse.harvest_v1.shapes.offers import choose_current, shape_offers

WHEN = "2026-03-05T09:30:00Z"
SHOWN = "2026-03-05T09:30:00.000Z"
ROW = {"created_at": WHEN, "updated_at": WHEN}
FIELD = {"level": {"name": "Level:", "type": "single_select", "value": "Senior"}}
PLAIN, KEYED = {"level:": "Senior"}, FIELD

USERS = [
    {"id": 91, "first_name": "Kim", "last_name": "Doe", "name": "Kim Doe", "employee_id": "E91"},
    {"id": 92, "first_name": "Lee", "last_name": "Roe", "name": "Lee Roe", "employee_id": None},
]
KIM, LEE = USERS

DEPARTMENTS = [
    {"id": 11, "name": "Product", "parent_id": None, "external_id": "P"},
    {"id": 12, "name": "Design", "parent_id": 11, "external_id": "D"},
    {"id": 13, "name": "Research", "parent_id": 12, "external_id": None},
]
EUROPE = {
    "id": 21,
    "name": "Europe",
    "parent_id": None,
    "external_id": None,
    "location": None,
    "primary_in_house_contact_user_id": None,
}
BERLIN = {
    "id": 22,
    "name": "Berlin",
    "parent_id": 21,
    "external_id": "B",
    "location": "Berlin, Germany",
    "primary_in_house_contact_user_id": 91,
}

OPENING = {
    **ROW,
    "id": 41,
    "job_id": 31,
    "opened_at": WHEN,
    "closed_at": None,
    "sort_order": 0,
    "opening_id": "3-1",
    "application_id": None,
    "close_reason_id": None,
    "open": True,
    "custom_fields": FIELD,
}
CLOSED = {**OPENING, "id": 42, "open": False, "closed_at": WHEN, "application_id": 71, "close_reason_id": 51}
REASONS = [{**ROW, "id": 51, "name": "Hire"}]

SHOWN_OPENING = {
    "id": 41,
    "opening_id": "3-1",
    "status": "open",
    "opened_at": SHOWN,
    "closed_at": None,
    "application_id": None,
    "close_reason": None,
    "custom_fields": PLAIN,
    "keyed_custom_fields": KEYED,
}
SHOWN_CLOSED = {
    **SHOWN_OPENING,
    "id": 42,
    "status": "closed",
    "closed_at": SHOWN,
    "application_id": 71,
    "close_reason": {"id": 51, "name": "Hire"},
}


def make_job(id: int = 31, **more: Any) -> Json:
    return {
        **ROW,
        "id": id,
        "name": "Designer",
        "requisition_id": "R-1",
        "notes": None,
        "confidential": False,
        "status": "open",
        "opened_at": WHEN,
        "closed_at": None,
        "is_template": False,
        "copied_from_id": None,
        "department_id": 12,
        "office_ids": [22],
        "custom_fields": FIELD,
        **more,
    }


def make_owner(id: int, user: int, kind: str, *, job: int = 31, is_responsible: bool = False) -> Json:
    return {"id": id, "job_id": job, "user_id": user, "type": kind, "responsible": is_responsible}


def make_context(**more: list[Json]) -> MemoryContext:
    rows: dict[str, list[Json]] = {
        "users": USERS,
        "departments": DEPARTMENTS,
        "offices": [EUROPE, BERLIN],
        "openings": [OPENING, CLOSED],
        "close_reasons": REASONS,
        "job_hiring_managers": [{"id": 61, "job_id": 31, "user_id": 91}],
        "job_owners": [
            make_owner(62, 91, "recruiter", is_responsible=True),
            make_owner(63, 92, "coordinator"),
            make_owner(64, 92, "sourcer"),
        ],
    }
    return MemoryContext(**{**rows, **more})


def show_jobs(context: MemoryContext, *rows: Json) -> list[Json]:
    shown: list[Json] = msgspec.to_builtins(asyncio.run(shape_jobs(context, read_rows("jobs", rows))))
    return shown


def test_a_job_holds_all_that_v1_nested_in_it() -> None:
    kim = {"id": 91, "first_name": "Kim", "last_name": "Doe", "name": "Kim Doe", "employee_id": "E91"}
    lee = {"id": 92, "first_name": "Lee", "last_name": "Roe", "name": "Lee Roe", "employee_id": None}
    assert show_jobs(make_context(), make_job()) == [
        {
            "id": 31,
            "name": "Designer",
            "requisition_id": "R-1",
            "notes": None,
            "confidential": False,
            "status": "open",
            "created_at": SHOWN,
            "opened_at": SHOWN,
            "closed_at": None,
            "updated_at": SHOWN,
            "is_template": False,
            "copied_from_id": None,
            "departments": [
                {
                    "id": 12,
                    "name": "Design",
                    "parent_id": 11,
                    "parent_department_external_id": "P",
                    "child_ids": [13],
                    "child_department_external_ids": [],
                    "external_id": "D",
                }
            ],
            "offices": [
                {
                    "id": 22,
                    "name": "Berlin",
                    "location": {"name": "Berlin, Germany"},
                    "primary_contact_user_id": 91,
                    "parent_id": 21,
                    "parent_office_external_id": None,
                    "child_ids": [],
                    "child_office_external_ids": [],
                    "external_id": "B",
                }
            ],
            "custom_fields": PLAIN,
            "keyed_custom_fields": KEYED,
            "hiring_team": {
                "hiring_managers": [kim],
                "recruiters": [{**kim, "responsible": True}],
                "coordinators": [{**lee, "responsible": False}],
                "sourcers": [lee],
            },
            "openings": [SHOWN_CLOSED, SHOWN_OPENING],
        }
    ]


def test_a_job_that_has_nothing_has_empty_lists() -> None:
    context = MemoryContext()
    [job] = show_jobs(context, make_job(department_id=None, office_ids=None, custom_fields=None))
    assert (job["departments"], job["offices"], job["openings"]) == ([], [], [])
    assert job["hiring_team"] == {"hiring_managers": [], "recruiters": [], "coordinators": [], "sourcers": []}
    assert (job["custom_fields"], job["keyed_custom_fields"]) == ({}, {})
    assert set(context.calls) == {"openings", "job_hiring_managers", "job_owners"}


def test_a_user_the_vendor_hides_keeps_the_place_in_the_team() -> None:
    context = make_context(users=[], job_owners=[])
    [job] = show_jobs(context, make_job())
    hidden = {"id": 91, "first_name": None, "last_name": None, "name": None, "employee_id": None}
    assert job["hiring_team"]["hiring_managers"] == [hidden]


def test_a_hundred_jobs_take_as_many_calls_as_batches_of_fifty_allow() -> None:
    ids = range(1, 101)
    context = make_context(
        openings=[{**CLOSED, "id": 1000 + id, "job_id": id} for id in ids],
        job_hiring_managers=[{"id": 2000 + id, "job_id": id, "user_id": 91} for id in ids],
        job_owners=[make_owner(3000 + id, 92, "recruiter", job=id) for id in ids],
    )
    shown = show_jobs(context, *[make_job(id) for id in ids])
    assert [job["openings"][0]["id"] - job["id"] for job in shown] == [1000] * 100
    assert context.calls == {
        "departments": 1,
        "offices": 1,
        "openings": 2,
        "job_hiring_managers": 2,
        "job_owners": 2,
        "close_reasons": 1,
        "users": 1,
    }


# Stages


def make_interview(id: int, stage: int, **more: Any) -> Json:
    return {
        **ROW,
        "id": id,
        "job_interview_stage_id": stage,
        "job_id": 31,
        "sort_order": 0,
        "scheduling_type": "needs_scheduling",
        "duration": 30,
        "name": f"Interview {id}",
        "active": True,
        **more,
    }


def make_stage(id: int, **more: Any) -> Json:
    return {**ROW, "id": id, "job_id": 31, "sort_order": 1, "name": f"Stage {id}", "active": True, **more}


def make_question(id: int, kit: int, **more: Any) -> Json:
    return {"id": id, "interview_kit_id": kit, "question": f"Why {id}?", "sort_order": id, "active": True, **more}


def make_stages_context() -> MemoryContext:
    return MemoryContext(
        users=USERS,
        job_interviews=[
            make_interview(202, 81, sort_order=2),
            make_interview(203, 81, sort_order=1, scheduling_type="take_home_test", duration=None),
            make_interview(204, 81, active=False),
            make_interview(205, 99),
        ],
        interview_kits=[
            {"id": 302, "job_id": 31, "job_interview_id": 202, "exercises": "<p>Ask.</p>"},
            {"id": 305, "job_id": 31, "job_interview_id": 205, "exercises": None},
        ],
        scorecard_questions=[
            make_question(402, 302, sort_order=7),
            make_question(401, 302, sort_order=8),
            make_question(403, 302, active=False),
        ],
        default_interviewers=[{"id": 502, "interview_kit_id": 302, "user_id": 91}],
    )


def test_a_stage_holds_its_interviews_their_kits_and_questions_in_order() -> None:
    shown = msgspec.to_builtins(
        asyncio.run(shape_stages(make_stages_context(), read_rows("job_interview_stages", [make_stage(81)])))
    )
    assert shown == [
        {
            "id": 81,
            "name": "Stage 81",
            "created_at": SHOWN,
            "updated_at": SHOWN,
            "active": True,
            "job_id": 31,
            "priority": 1,
            "interviews": [
                {
                    "id": 203,
                    "name": "Interview 203",
                    "schedulable": False,
                    "estimated_minutes": None,
                    "default_interviewer_users": [],
                    "interview_kit": None,
                    "created_at": SHOWN,
                    "updated_at": SHOWN,
                    "job_id": 31,
                },
                {
                    "id": 202,
                    "name": "Interview 202",
                    "schedulable": True,
                    "estimated_minutes": 30,
                    "default_interviewer_users": [KIM],
                    "interview_kit": {
                        "id": 302,
                        "content": "<p>Ask.</p>",
                        "questions": [{"id": 402, "question": "Why 402?"}, {"id": 401, "question": "Why 401?"}],
                    },
                    "created_at": SHOWN,
                    "updated_at": SHOWN,
                    "job_id": 31,
                },
            ],
        }
    ]


def test_a_stage_without_interviews_takes_no_call_for_kits() -> None:
    context = make_stages_context()
    shown = asyncio.run(shape_stages(context, read_rows("job_interview_stages", [make_stage(82)])))
    assert shown[0].interviews == []
    assert context.calls == {"job_interviews": 1, "interview_kits": 1}


# Offers


def make_offer(id: int, **more: Any) -> Json:
    return {
        **ROW,
        "id": id,
        "version": 1,
        "application_id": 71,
        "job_id": 31,
        "candidate_id": 1,
        "opening_id": 42,
        "status": "Accepted",
        "starts_on": "2026-06-01",
        "sent_on": None,
        "resolved_at": WHEN,
        "custom_fields": FIELD,
        **more,
    }


def test_an_offer_is_shown_with_its_opening() -> None:
    shown = msgspec.to_builtins(asyncio.run(shape_offers(make_context(), read_rows("offers", [make_offer(5)]))))
    assert shown == [
        {
            "id": 5,
            "version": 1,
            "application_id": 71,
            "job_id": 31,
            "candidate_id": 1,
            "opening": SHOWN_CLOSED,
            "created_at": SHOWN,
            "updated_at": SHOWN,
            "sent_at": None,
            "resolved_at": SHOWN,
            "starts_at": "2026-06-01",
            "status": "accepted",
            "custom_fields": PLAIN,
            "keyed_custom_fields": KEYED,
        }
    ]


def test_an_offer_for_no_opening_takes_no_further_call() -> None:
    context = make_context()
    [offer] = asyncio.run(
        shape_offers(context, read_rows("offers", [make_offer(5, opening_id=None, status="Created")]))
    )
    assert offer.opening is None
    assert offer.status == "created"
    assert not context.calls


def test_the_current_offer_is_the_newest_version() -> None:
    offers = [make_offer(7, version=2), make_offer(8, version=3), make_offer(9, version=1)]
    current = choose_current(read_rows("offers", offers))
    assert current is not None
    assert current.data == offers[1]
    assert choose_current([]) is None
