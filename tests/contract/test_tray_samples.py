"""The inputs that the connector's published samples show, called as they stand."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from testbed.databases import Databases
from testbed.operating import Operating, open_operations
from unihire.integration.registry import list_operations
from unihire.kit.seal import Sealer

WINDOW = {"created_after": "2023-01-01T00:00:00Z", "updated_before": "2023-06-30T23:59:59Z"}

READS: dict[str, dict[str, Any]] = {
    "get_application": {"application_id": 22222},
    "get_candidate": {"candidate_id": 12345},
    "get_current_offer_by_application": {"application_id": 12345},
    "get_job": {"job_id": 12345},
    "get_offer": {"offer_id": 12345},
    "get_user": {"user_id": 12345},
    "list_applications": {
        "job_id": 12345,
        "created_after": "2023-01-01T00:00:00Z",
        "created_before": "2023-06-30T23:59:59Z",
        "last_activity_after": "2023-05-01T00:00:00Z",
        "status": "Active",
        "results_per_page": 10,
        "page": 1,
    },
    "list_candidates": {
        "job_id": 12345,
        "candidate_ids": ["67890", "78901"],
        "email": "johndoe@example.com",
        **WINDOW,
        "results_per_page": 10,
        "page": 1,
    },
    "list_custom_fields": {},
    "list_departments": {"render_as": "tree", "results_per_page": 10, "page": 1},
    "list_job_stages": {**WINDOW, "per_page": 50, "page": 1},
    "list_job_stages_for_job": {"job_id": 12345, **WINDOW},
    "list_jobs": {},
    "list_offers": {},
    "list_offers_by_application": {"application_id": 12345, "results_per_page": 2, "page": 1},
    "list_offices": {},
    "list_sources": {"per_page": 50, "page": 1},
    "list_users": {"results_per_page": 2, "page": 1, "email": "john.doe@example.com", **WINDOW},
    "list_attachment_content_types_ddl": {},
    "list_candidate_custom_fields_ddl": {},
    "list_candidates_ddl": {},
    "list_job_custom_field_options_ddl": {"custom_field": 12345},
    "list_job_custom_fields_ddl": {},
    "list_job_stages_for_job_ddl": {"job_id": 12345},
    "list_jobs_ddl": {},
    "list_sources_ddl": {},
    "list_users_ddl": {},
}
"""A published sample that is empty is an empty input."""

PERSON: dict[str, Any] = {
    "user_id": 12345,
    "first_name": "Ada",
    "last_name": "Example",
    "title": "Software Engineer",
    "company": "Example Inc.",
    "phone_numbers": [{"type2": "mobile", "value": "+1 (555) 123-4567"}],
    "addresses": [{"type2": "work", "value": "1 Example Street"}],
    "email_addresses": [{"type2": "work", "value": "ada@example.com"}],
    "website_addresses": [{"type2": "portfolio", "value": "https://ada.example.com"}],
    "social_media_addresses": ["https://social.example.com/ada"],
    "tags": ["Java", "Python", "Cloud Computing"],
    "custom_fields": [{"key": "Years of Experience", "value": "5"}],
    "recruiter": {"email": "recruiter@example.com"},
    "activity_feed_notes": [{"user_id": 67890, "body": "Strong.", "visibility": "private"}],
}
RESUME = {
    "filename": "resume.pdf",
    "type2": "resume",
    "content": "base64encodedcontent...",
    "content_type": "application/pdf",
}

CREATES: dict[str, dict[str, Any]] = {
    "create_candidate": {
        **PERSON,
        "company": None,
        "title": None,
        "applications": [
            {
                "job_id": 54321,
                "source_id": 11111,
                "initial_stage_id": 98765,
                "referrer": {"type2": "id", "value": 67890},
                "attachments": [RESUME],
            }
        ],
    },
    "create_candidate_application": {
        "user_id": 12345,
        "candidate_id": 67890,
        "job_id": 54321,
        "source_id": 9876,
        "initial_stage_id": 1234,
        "referrer": {"type2": "id", "value": 770},
        "attachments": [RESUME],
    },
    "create_candidate_note": {"candidate_id": 12345, "user_id": 214, "body": "Went well.", "visibility": "public"},
    "create_prospect": {
        **PERSON,
        "application": {"job_ids": [1001, 1002], "source_id": 5001, "attachments": [RESUME]},
    },
}
"""The things they name are not there; what is checked is that the inputs fit."""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def operating(databases: Databases, sealer: Sealer) -> AsyncIterator[Operating]:
    async with open_operations(databases, sealer, size=100) as opened:
        assert (await opened.tenant.sync()).status == "done"
        yield opened


def test_every_operation_has_a_sample() -> None:
    assert READS.keys() | CREATES.keys() == list_operations("greenhouse").keys()


@pytest.mark.parametrize("source", ["vendor", "synced"])
@pytest.mark.parametrize("name", READS)
async def test_sample_of_an_operation_that_reads_succeeds(operating: Operating, name: str, source: str) -> None:
    output = await operating.call(name, **READS[name], source=source)
    assert output == await operating.call(name, **READS[name])


@pytest.mark.parametrize("name", CREATES)
async def test_sample_of_an_operation_that_writes_fits_and_is_refused_for_what_it_names(
    operating: Operating, name: str
) -> None:
    outcome = await operating.operations.call(operating.connector, name, CREATES[name])
    assert not outcome.is_success
    assert (outcome.output["code"], outcome.output.get("made")) == ("not_found", None), outcome.output
