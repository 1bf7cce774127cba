"""One rule for what any operation makes of any row, over every member of every list: null where the shape allows that,
else an error that names the row and the member; never an exception, never an invented value.
"""

from collections.abc import Iterator
from functools import cache
from typing import Any

import jsonschema_rs
import msgspec
import pytest

from testbed.effort import IS_THOROUGH
from testbed.harvest import connect_harvest, serve_harvest, walk
from testbed.operation_context import Json
from testbed.spoiled_rows import SpoiledContext, list_paths, list_spoils
from unihire.errors import ReferenceMissing, VendorChanged
from unihire.integration.operate import Operation, describe_type
from unihire.integration.registry import get_integration, list_operations

FILTERING = {"created_after", "sent_after", "email", "external_office_id", "custom_field_option_id"}
FILTERED = {"candidates", "offers", "jobs", "job_interview_stages", "offices", "custom_fields", "custom_field_options"}
"""Inputs for which rows of these lists are looked at, besides being shown."""

OPERATIONS = list_operations("greenhouse")
Rows = dict[str, list[Json]]


@pytest.fixture(scope="module")
def rows() -> Rows:
    """Every row of every list."""
    found: Rows = {}
    with serve_harvest(size=100, seed=7) as sandbox, connect_harvest(sandbox) as vendor:
        for stream in get_integration("greenhouse").streams:
            path = stream.path.rpartition("/")[2]
            query = {"users": {"show_service_accounts": "true"}, "rejection_reasons": {"include_defaults": "true"}}
            found[stream.name] = walk(vendor, path, **query.get(path, {}))
    return found


@cache
def get_validator(operation: Operation) -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator(describe_type(operation.output))


def list_inputs(name: str, rows: Rows) -> Iterator[Json]:
    """Inputs among which is one that leads to much."""
    applications = [*[row for row in rows["applications"] if row["prospect"]][:4], *rows["applications"][:12]]
    hired = [{"application_id": row["application_id"]} for row in rows["offers"] if row["opening_id"]][:4]
    person = {"user_id": rows["users"][0]["id"], "first_name": "A", "last_name": "B", "tags": ["x"]}
    job = rows["jobs"][0]["id"]
    match name:
        case "get_candidate":
            yield from ({"candidate_id": row["candidate_id"]} for row in applications)
        case "get_application":
            yield from ({"application_id": row["id"]} for row in applications)
        case "get_job" | "list_job_stages_for_job" | "list_job_stages_for_job_ddl":
            yield from ({"job_id": row["id"]} for row in rows["jobs"][:8])
        case "get_offer":
            yield from ({"offer_id": row["id"]} for row in rows["offers"] if row["opening_id"])
        case "get_user":
            yield from ({"user_id": row["id"]} for row in rows["users"][:8])
        case "get_current_offer_by_application" | "list_offers_by_application":
            yield from hired
        case "list_job_custom_field_options_ddl":
            yield from ({"custom_field": row["custom_field_id"]} for row in rows["custom_field_options"][:20])
        case "list_custom_fields":
            yield from ({"field_type": kind} for kind in ("candidate", "job", "offer"))
        case "create_candidate":
            yield {
                **person,
                "applications": [{"job_id": job}, {"job_id": job}],
                "custom_fields": [{"key": "nickname", "value": 1}],
                "recruiter": {"email": rows["user_emails"][0]["email"]},
                "activity_feed_notes": [{"user_id": person["user_id"], "body": "x", "visibility": "public"}],
                "educations": [{"school_id": 1}],
                "employments": [{"company_name": "x", "title": "y", "start_date": "2001-01-01"}],
            }
        case "create_prospect":
            file = {"filename": "x", "type2": "resume", "content": "eA=="}
            yield {**person, "application": {"job_ids": [job], "attachments": [file]}}
        case "create_candidate_application":
            outside = next(row["name"] for row in rows["referrers"] if row["user_id"] is None)
            yield {"user_id": person["user_id"], "candidate_id": applications[0]["candidate_id"], "job_id": job,
                   "referrer": {"type2": "outside", "value": outside}}  # fmt: skip
        case "create_candidate_note":
            yield {"user_id": person["user_id"], "candidate_id": 1, "body": "x", "visibility": "public"}
        case "list_departments" | "list_offices":
            yield {}
            yield {"render_as": "tree"}
        case "list_users":
            yield {"user_attributes": True}
            yield {"email": rows["user_emails"][0]["email"]}
            yield {"employee_id": next(row["employee_id"] for row in rows["users"] if row["employee_id"])}
        case "list_candidates":
            window = {"created_after": "2000-01-01T00:00:00Z", "updated_after": "2000-01-01T00:00:00Z"}
            yield {"results_per_page": 8, **window}
            yield {"job_id": job, "email": rows["candidates"][3]["email_addresses"][0]["value"]}
            yield {"job_id": job, "candidate_ids": [str(row["candidate_id"]) for row in applications]}
        case "list_applications":
            yield {"results_per_page": 15}
            yield {"job_id": job, "results_per_page": 15}
        case "list_offers":
            days = {
                "sent_after": "2000-01-01",
                "starts_before": "2100-01-01",
                "resolved_before": "2100-01-01T00:00:00Z",
            }
            yield {"results_per_page": 20}
            yield {**days, "updated_after": "2000-01-01T00:00:00Z", "created_before": "2100-01-01T00:00:00Z"}
        case "list_jobs":
            span = {"created_after": "2000-01-01T00:00:00Z", "updated_before": "2100-01-01T00:00:00Z"}
            yield {"results_per_page": 5, **span}
            yield {"opening_id": next(row["opening_id"] for row in rows["openings"] if row["opening_id"])}
            yield {
                "external_department_id": next(row["external_id"] for row in rows["departments"] if row["external_id"])
            }
            yield {"external_office_id": next(row["external_id"] for row in rows["offices"] if row["external_id"])}
            fields = {row["id"] for row in rows["custom_fields"] if row["field_type"] == "job"}
            options = (row["id"] for row in rows["custom_field_options"] if row["custom_field_id"] in fields)
            yield {"custom_field_option_id": next(options)}
        case "list_job_stages":
            yield {"per_page": 5, "created_after": "2000-01-01T00:00:00Z", "updated_before": "2100-01-01T00:00:00Z"}
        case _:
            yield {}


async def run(operation: Operation, given: Json, context: SpoiledContext) -> Any:
    """The output, which must be as the schema says."""
    output = msgspec.to_builtins(await operation.run(context, msgspec.convert(given, operation.input)))
    faults = [f"{error.instance_path}: {error.message}" for error in get_validator(operation).iter_errors(output)]
    assert faults == []
    return output


def check_error(error: VendorChanged, stream: str, path: tuple[str, ...], rows: Rows) -> None:
    """That it names the list, the row and the member."""
    words = str(error)
    if words == "POST /v3/candidates: the candidate is there, and its application is not":
        assert (stream, path) in (("applications", ("id",)), ("applications", ("candidate_id",)))
        return
    assert words.startswith(stream), words
    assert f"`{path[0]}`" in words or f": {path[0]}" in words or path[0] == "id", (words, path)
    if path != ("id",):
        ids = {str(row["id"]) for row in rows[stream]}
        named = words.removeprefix(f"{stream} ").partition(":")[0]
        assert named in ids or int(named) >= 10**12, words


@pytest.mark.parametrize("name", OPERATIONS)
async def test_row_with_any_member_spoiled_is_null_there_or_named(rows: Rows, name: str) -> None:
    operation = OPERATIONS[name]
    refused = shown = 0
    met: set[str] = set()
    for given in list_inputs(name, rows):
        plain = SpoiledContext({stream: list(held) for stream, held in rows.items()})
        texts = str(await run(operation, given, plain))
        again = FILTERED if FILTERING & given.keys() else set()
        spoiled = (plain.handed - met) | (plain.handed & again)
        met |= plain.handed
        for stream in spoiled:
            for place, (path, value) in enumerate(list_paths(rows[stream]).items()):
                puts = list_spoils(path, value)
                for put in puts if IS_THOROUGH else puts[place % len(puts) :][:1]:  # each member, in one way of each
                    held = {each: list(some) for each, some in rows.items()} if operation.is_write else rows
                    context = SpoiledContext(held, stream, path, put)
                    try:
                        output = await run(operation, given, context)
                        shown += 1
                    except VendorChanged as error:
                        check_error(error, stream, path, rows)
                        refused += 1
                        continue
                    except ReferenceMissing:  # the vendor does not show what the input names
                        continue
                    assert str(output).count("'None'") == texts.count("'None'"), (stream, path, put)
    if name not in ("list_attachment_content_types_ddl",):
        assert shown > 0
        assert refused > 0
