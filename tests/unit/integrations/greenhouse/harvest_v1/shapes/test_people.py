"""Candidates and applications in the shapes of Harvest v1, from rows of v3 made by hand."""

from typing import Any

import msgspec

from testbed.operation_context import Json, MemoryContext
from testbed.shapes import check_equal
from unihire.integration.vendor_row import read_rows
from unihire.integrations.greenhouse.harvest_v1.shapes.applications import shape_applications
from unihire.integrations.greenhouse.harvest_v1.shapes.people import shape_candidates

WHEN = "2026-03-05T09:30:00Z"
SHOWN = "2026-03-05T09:30:00.000Z"
ROW = {"created_at": WHEN, "updated_at": WHEN}

KIM = {"id": 92, "first_name": "Kim", "last_name": "Doe", "name": "Kim Doe", "employee_id": "E92"}
LEE = {"id": 93, "first_name": "Lee", "last_name": "Roe", "name": "Lee Roe", "employee_id": None}
MAX = {"id": 94, "first_name": "Max", "last_name": "Poe", "name": "Max Poe", "employee_id": None}

FIELDS = {
    "date_of_birth": {"name": "Birth day", "type": "date", "value": "1992-01-27"},
    "bio": {"name": "Bio:", "type": "long_text", "value": None},
}


def make_application(id: int, **more: Any) -> Json:
    return {
        **ROW,
        "id": id,
        "candidate_id": 1,
        "coordinator_id": None,
        "job_id": 300,
        "job_post_id": None,
        "recruiter_id": None,
        "referrer_id": None,
        "source_id": None,
        "stage_id": None,
        "stage_name": None,
        "status": "in_process",
        "prospect": False,
        "rejected_at": None,
        "last_activity_at": WHEN,
        "location_address": None,
        "answers": None,
        "prospective_job_ids": [],
        "custom_fields": None,
        **more,
    }


def make_candidate(id: int, **more: Any) -> Json:
    lists = ("phone_numbers", "addresses", "email_addresses", "website_addresses", "social_media_addresses")
    return {
        **ROW,
        "id": id,
        "first_name": "Ann",
        "last_name": "Example",
        "company": None,
        "title": None,
        "last_activity_at": WHEN,
        "private": False,
        "can_email": True,
        "tags": [],
        "linked_user_ids": [],
        "custom_fields": None,
        **{name: [] for name in lists},
        **more,
    }


def make_company(**more: Any) -> MemoryContext:
    """A context with users, jobs and catalogs, and these rows."""
    catalogs: dict[str, list[Json]] = {
        "users": [KIM, LEE, MAX],
        "jobs": [{"id": 300, "name": "Baker"}, {"id": 301, "name": "Miller"}],
        "sources": [{"id": 16, "name": "A fair"}],
        "referrers": [{"id": 56, "user_id": 94, "name": "Max Poe"}, {"id": 57, "user_id": None, "name": "A friend"}],
        "rejection_reasons": [
            {"id": 8, "name": "No skill", "type": {"id": 1, "key": "WE_REJECTED_THEM", "name": "We rejected them"}},
            {"id": 9, "name": "Too late", "type": {"id": 2, "key": "NONE_SPECIFIED", "name": "None specified"}},
        ],
        "prospect_pools": [{"id": 227, "name": "Fairs"}],
        "prospect_pool_stages": [{"id": 826, "name": "In talks"}],
        "offices": [
            {"id": 1, "name": "All", "parent_id": None, "external_id": None, "location": None},
            {
                "id": 2,
                "name": "Porto",
                "parent_id": 1,
                "external_id": "office-2",
                "location": "Porto, Portugal",
                "primary_in_house_contact_user_id": 92,
            },
            {"id": 4, "name": "Porto, upstairs", "parent_id": 2, "external_id": None, "location": None},
            {"id": 3, "name": "Porto, downstairs", "parent_id": 2, "external_id": None, "location": None},
        ],
        "departments": [
            {"id": 5, "name": "Kitchen", "parent_id": None, "external_id": "dep-5"},
            {"id": 6, "name": "Ovens", "parent_id": 5, "external_id": None},
        ],
    }
    return MemoryContext(**{**catalogs, **more})


async def shape_application(context: MemoryContext, row: Json) -> Any:
    return msgspec.to_builtins((await shape_applications(context, read_rows("applications", [row])))[0])


async def shape_candidate(context: MemoryContext, row: Json) -> Any:
    return msgspec.to_builtins((await shape_candidates(context, read_rows("candidates", [row])))[0])


async def test_an_application_is_whole_as_v1_showed_it() -> None:
    row = make_application(
        10,
        updated_at="2026-03-06T00:00:00Z",
        coordinator_id=93,
        job_post_id=77,
        recruiter_id=92,
        referrer_id=56,
        source_id=16,
        stage_id=500,
        stage_name="Phone Screen",
        status="rejected",
        rejected_at="2026-03-06T10:00:00.5Z",
        location_address="Porto",
        answers=[{"question": "Why?", "answer": "Bread"}, {"question": "When?", "answer": None}],
        custom_fields=FIELDS,
    )
    context = make_company(
        application_stages=[{"id": 500, "job_interview_stage_id": 41}],
        attachments=[
            {
                **ROW,
                "id": 1,
                "application_id": 10,
                "type": "resume",
                "filename": "a.pdf",
                "url": "https://example.com/a",
            },
            {
                **ROW,
                "id": 2,
                "application_id": 11,
                "type": "resume",
                "filename": "b.pdf",
                "url": "https://example.com/b",
            },
        ],
        rejection_details=[
            {"id": 70, "application_id": 10, "rejection_reason_id": 8, "question_custom_fields": FIELDS},
            {"id": 69, "application_id": 10, "rejection_reason_id": 9, "question_custom_fields": None},
        ],
    )
    keyed = {
        "date_of_birth": {"name": "Birth day", "type": "date", "value": "1992-01-27"},
        "bio": {"name": "Bio:", "type": "long_text", "value": None},
    }
    expected = {
        "id": 10,
        "candidate_id": 1,
        "prospect": False,
        "applied_at": SHOWN,
        "rejected_at": "2026-03-06T10:00:00.500Z",
        "last_activity_at": SHOWN,
        "location": {"address": "Porto"},
        "source": {"id": 16, "public_name": "A fair"},
        "credited_to": MAX,
        "recruiter": KIM,
        "coordinator": LEE,
        "rejection_reason": {"id": 8, "name": "No skill", "type": {"id": 1, "name": "We rejected them"}},
        "rejection_details": {
            "custom_fields": {"birth_day": "1992-01-27", "bio:": None},
            "keyed_custom_fields": keyed,
        },
        "jobs": [{"id": 300, "name": "Baker"}],
        "job_post_id": 77,
        "status": "rejected",
        "current_stage": {"id": 41, "name": "Phone Screen"},
        "answers": [{"question": "Why?", "answer": "Bread"}, {"question": "When?", "answer": None}],
        "prospective_office": None,
        "prospective_department": None,
        "prospect_detail": {"prospect_pool": None, "prospect_stage": None, "prospect_owner": None},
        "custom_fields": {"birth_day": "1992-01-27", "bio:": None},
        "keyed_custom_fields": keyed,
        "attachments": [
            {"filename": "a.pdf", "url": "https://example.com/a", "type": "resume", "created_at": SHOWN},
        ],
    }
    check_equal(await shape_application(context, row), expected)


async def test_an_application_with_nothing_known_has_every_member() -> None:
    context = make_company()
    shown = await shape_application(
        context, make_application(10, candidate_id=None, job_id=None, last_activity_at=None)
    )
    assert shown == {
        **dict.fromkeys(shown),
        "id": 10,
        "prospect": False,
        "applied_at": SHOWN,
        "jobs": [],
        "status": "active",
        "answers": [],
        "prospect_detail": {"prospect_pool": None, "prospect_stage": None, "prospect_owner": None},
        "custom_fields": {},
        "keyed_custom_fields": {},
        "attachments": [],
    }
    assert +context.calls == {"attachments": 1}


async def test_an_application_in_process_is_active_and_other_words_pass() -> None:
    words = ("in_process", "hired", "rejected", "converted", "paused")
    rows = [make_application(id, status=word) for id, word in enumerate(words)]
    shown = [each.status for each in await shape_applications(make_company(), read_rows("applications", rows))]
    assert shown == ["active", "hired", "rejected", "converted", "paused"]


async def test_a_rejection_that_was_taken_back_is_not_shown() -> None:
    details = [{"id": 70, "application_id": 10, "rejection_reason_id": 8, "question_custom_fields": {}}]
    context = make_company(rejection_details=details)
    shown = await shape_application(context, make_application(10, status="in_process"))
    assert (shown["rejection_reason"], shown["rejection_details"]) == (None, None)
    shown = await shape_application(context, make_application(10, status="rejected"))
    assert shown["rejection_reason"]["name"] == "No skill"
    assert shown["rejection_details"] == {"custom_fields": {}, "keyed_custom_fields": {}}


async def test_who_is_credited_without_being_a_user_has_a_name_alone() -> None:
    shown = await shape_application(make_company(), make_application(10, referrer_id=57))
    assert shown["credited_to"] == {
        "id": None,
        "first_name": None,
        "last_name": None,
        "name": "A friend",
        "employee_id": None,
    }


async def test_who_is_credited_as_a_user_not_shown_keeps_id_and_name() -> None:
    context = make_company(referrers=[{"id": 58, "user_id": 99, "name": "Sam Moe"}])
    shown = await shape_application(context, make_application(10, referrer_id=58))
    assert (shown["credited_to"]["id"], shown["credited_to"]["name"]) == (99, "Sam Moe")
    shown = await shape_application(context, make_application(10, referrer_id=59))
    assert shown["credited_to"] is None


async def test_a_prospect_has_the_jobs_it_is_considered_for_and_its_pool() -> None:
    row = make_application(10, prospect=True, job_id=None, prospective_job_ids=[301, 300])
    details = {
        "id": 53,
        "application_id": 10,
        "pool_id": 227,
        "pool_stage_id": 826,
        "prospect_owner_id": 92,
        "department_id": 5,
        "office_id": 2,
    }
    context = make_company(prospect_details=[details])
    shown = await shape_application(context, row)
    assert shown["jobs"] == [{"id": 301, "name": "Miller"}, {"id": 300, "name": "Baker"}]
    assert shown["current_stage"] is None
    assert shown["prospect_detail"] == {
        "prospect_pool": {"id": 227, "name": "Fairs"},
        "prospect_stage": {"id": 826, "name": "In talks"},
        "prospect_owner": {"id": 92, "name": "Kim Doe"},
    }
    assert shown["prospective_office"] == {
        "id": 2,
        "name": "Porto",
        "location": {"name": "Porto, Portugal"},
        "primary_contact_user_id": 92,
        "parent_id": 1,
        "parent_office_external_id": None,
        "child_ids": [4, 3],
        "child_office_external_ids": [],
        "external_id": "office-2",
    }
    assert shown["prospective_department"] == {
        "id": 5,
        "name": "Kitchen",
        "parent_id": None,
        "parent_department_external_id": None,
        "child_ids": [6],
        "child_department_external_ids": [],
        "external_id": "dep-5",
    }


async def test_jobs_once_considered_are_not_those_of_a_candidate() -> None:
    shown = await shape_application(make_company(), make_application(10, job_id=300, prospective_job_ids=[301]))
    assert [job["id"] for job in shown["jobs"]] == [300]


async def test_things_the_vendor_does_not_show_keep_their_id() -> None:
    row = make_application(10, job_id=999, source_id=998, recruiter_id=997, stage_id=996, stage_name="Offer")
    shown = await shape_application(make_company(), row)
    assert shown["jobs"] == [{"id": 999, "name": None}]
    assert shown["source"] == {"id": 998, "public_name": None}
    assert shown["current_stage"] == {"id": None, "name": "Offer"}
    assert shown["recruiter"] == {**dict.fromkeys(KIM), "id": 997}


async def test_a_candidate_is_whole_as_v1_showed_it() -> None:
    row = make_candidate(
        1,
        preferred_name="Annie",
        company="Example Bakery",
        title="Baker",
        updated_at="2026-03-07T00:00:00Z",
        last_activity_at="2026-03-06T00:00:00Z",
        private=True,
        can_email=False,
        tags=["Bread", "Cake"],
        linked_user_ids=[93],
        phone_numbers=[{"value": "+1 555 0100", "type": "mobile"}],
        addresses=[{"value": "1 Example Street", "type": "home"}],
        email_addresses=[{"value": "ann@example.com", "type": "personal"}],
        website_addresses=[{"value": "https://ann.example.com", "type": "blog"}],
        social_media_addresses=[{"value": "https://social.example.com/ann"}],
        custom_fields=FIELDS,
    )
    older, newer = make_application(10, recruiter_id=92, coordinator_id=93), make_application(11, recruiter_id=93)
    other = make_application(12, candidate_id=2)
    file = {**ROW, "type": "resume"}
    context = make_company(
        applications=[older, newer, other],
        attachments=[
            {**file, "id": 1, "application_id": 10, "filename": "old.pdf", "url": "https://example.com/old"},
            {**file, "id": 2, "application_id": 11, "filename": "new.pdf", "url": "https://example.com/new"},
            {**file, "id": 3, "application_id": 12, "filename": "other.pdf", "url": "https://example.com/other"},
        ],
        candidate_educations=[
            {
                "id": 20,
                "candidate_id": 1,
                "school_name_custom_field_option_id": 31,
                "degree_custom_field_option_id": 32,
                "discipline_custom_field_option_id": None,
                "start_at": "2012-08-15T00:00:00Z",
                "end_at": None,
            }
        ],
        candidate_employments=[
            {
                "id": 25,
                "candidate_id": 1,
                "company_name": "Example Mill",
                "title": "Miller",
                "start_date": "2012-08-15",
                "end_date": None,
            }
        ],
        custom_field_options=[{"id": 31, "name": "Example School"}, {"id": 32, "name": "Master"}],
    )
    applications = msgspec.to_builtins(await shape_applications(context, read_rows("applications", [newer, older])))
    expected = {
        "id": 1,
        "first_name": "Ann",
        "last_name": "Example",
        "company": "Example Bakery",
        "title": "Baker",
        "created_at": SHOWN,
        "updated_at": "2026-03-07T00:00:00.000Z",
        "last_activity": "2026-03-06T00:00:00.000Z",
        "is_private": True,
        "photo_url": None,
        "attachments": [
            {"filename": "new.pdf", "url": "https://example.com/new", "type": "resume", "created_at": SHOWN},
            {"filename": "old.pdf", "url": "https://example.com/old", "type": "resume", "created_at": SHOWN},
        ],
        "application_ids": [11, 10],
        "phone_numbers": [{"value": "+1 555 0100", "type": "mobile"}],
        "addresses": [{"value": "1 Example Street", "type": "home"}],
        "email_addresses": [{"value": "ann@example.com", "type": "personal"}],
        "website_addresses": [{"value": "https://ann.example.com", "type": "blog"}],
        "social_media_addresses": [{"value": "https://social.example.com/ann"}],
        "recruiter": LEE,
        "coordinator": LEE,
        "can_email": False,
        "tags": ["Bread", "Cake"],
        "applications": applications,
        "educations": [
            {
                "id": 20,
                "school_name": "Example School",
                "degree": "Master",
                "discipline": None,
                "start_date": "2012-08-15T00:00:00.000Z",
                "end_date": None,
            }
        ],
        "employments": [
            {
                "id": 25,
                "company_name": "Example Mill",
                "title": "Miller",
                "start_date": "2012-08-15T00:00:00.000Z",
                "end_date": None,
            }
        ],
        "linked_user_ids": [93],
        "custom_fields": {"birth_day": "1992-01-27", "bio:": None},
        "keyed_custom_fields": {
            "date_of_birth": {"name": "Birth day", "type": "date", "value": "1992-01-27"},
            "bio": None,
        },
    }
    check_equal(await shape_candidate(context, row), expected)


async def test_a_candidate_without_applications_has_nobody_assigned() -> None:
    shown = await shape_candidate(make_company(), make_candidate(1, first_name=None, last_name=None, private=None))
    assert (shown["recruiter"], shown["coordinator"], shown["applications"]) == (None, None, [])
    assert (shown["first_name"], shown["is_private"], shown["keyed_custom_fields"]) == (None, False, {})


async def test_each_candidate_gets_its_own_and_the_order_is_kept() -> None:
    applications = [make_application(10 + id, candidate_id=id % 3) for id in range(6)]
    context = make_company(applications=applications)
    shaped = await shape_candidates(context, read_rows("candidates", [make_candidate(id) for id in (1, 2, 0, 7)]))
    assert [(each.id, each.application_ids) for each in shaped] == [
        (1, [14, 11]),
        (2, [15, 12]),
        (0, [13, 10]),
        (7, []),
    ]


async def test_nothing_is_asked_for_nobody() -> None:
    context = make_company()
    assert await shape_candidates(context, []) == []
    assert await shape_applications(context, []) == []
    assert not +context.calls
