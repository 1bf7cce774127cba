"""The operations that read users and what a company sets up against the emulator: structure, values, calls."""

import math
from collections import Counter
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from testbed.company_truth import AHEAD, Truth, by_order, check_bounded, check_each, check_whole, list_all
from testbed.databases import Databases
from testbed.harvest import Row
from testbed.operating import Operating, open_operations
from unihire.kit.seal import Sealer

SIZE = 1500

# The samples people built on, restated.
DEPARTMENT = {"id": 1, "name": "", "parent_id": 1, "child_ids": [1], "external_id": ""}
USER = {
    "id": 1,
    "name": "",
    "first_name": "",
    "last_name": "",
    "updated_at": "",
    "created_at": "",
    "disabled": False,
    "site_admin": False,
    "emails": [""],
    "employee_id": "",
}
FIELD = {
    "id": 1,
    "name": "",
    "active": True,
    "field_type": "",
    "priority": 1,
    "value_type": "",
    "private": True,
    "required": True,
    "require_approval": True,
    "trigger_new_version": True,
    "name_key": "",
    "custom_field_options": [{"id": 1, "name": "", "priority": 1}],
}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def operating(databases: Databases, sealer: Sealer) -> AsyncIterator[Operating]:
    async with open_operations(databases, sealer, size=SIZE, seed=7) as opened:
        yield opened


@pytest.fixture(scope="module")
def truth(operating: Operating) -> Truth:
    return Truth(operating)


# Users


async def test_every_user_holds_what_the_vendor_has(operating: Operating, truth: Truth) -> None:
    found, calls = await list_all(operating, "list_users", user_attributes=True)
    assert found == [truth.expect_user(row, with_fields=True) for row in truth.people]
    check_whole(found, USER)
    check_bounded(calls, users=AHEAD, departments=1, offices=1)
    bare, _ = await list_all(operating, "list_users")
    assert bare == [truth.expect_user(row, with_fields=False) for row in truth.people]
    choices = await operating.call("list_users_ddl")
    expected = [{"text": row["name"], "value": row["id"]} for row in reversed(truth.people)]
    assert choices == {"result": expected}
    assert operating.calls == {"users": 1}


async def test_users_are_found_by_id_address_and_employee_id(operating: Operating, truth: Truth) -> None:
    emails = Counter(row["user_id"] for row in truth.rows["user_emails"])
    user = truth.get("users", emails.most_common(1)[0][0])
    other = next(address for address in user["emails"] if address != user["primary_email"])
    found = await operating.call("get_user", user_id=user["id"])
    assert found == {"user_found": True, "body": truth.expect_user(user, with_fields=True)}
    check_bounded(operating.calls, users=1, departments=1, offices=1)
    expected = {"results": [truth.expect_user(user, with_fields=False)]}
    for email in (other, user["primary_email"]):
        assert await operating.call("list_users", email=email) == expected
        check_bounded(operating.calls, user_emails=1, users=1, departments=1, offices=1)
    employee = next(row for row in truth.people if row["employee_id"])
    listed = await operating.call("list_users", employee_id=employee["employee_id"])
    assert listed == {"results": [truth.expect_user(employee, with_fields=False)]}
    since, until = truth.people[40]["created_at"], truth.people[5]["updated_at"]
    both, _ = await list_all(operating, "list_users", created_after=since, updated_before=until)
    within = [row["id"] for row in truth.people if row["created_at"] >= since and row["updated_at"] < until]
    assert [each["id"] for each in both] == within
    assert within


async def test_what_the_vendor_has_not_is_not_found(operating: Operating) -> None:
    for id, asked in ((7, 1), (-7, 0), (-(2**63), 0)):
        assert await operating.call("get_job", job_id=id) == {"job_found": False, "body": None}
        assert operating.calls.total() == asked
        assert await operating.call("get_offer", offer_id=id) == {"offer_found": False, "body": None}
        assert await operating.call("get_user", user_id=id) == {"user_found": False, "body": None}
        current = await operating.call("get_current_offer_by_application", application_id=id)
        assert current == {"offer_found": False, "body": None}
        assert operating.calls.total() == asked
        assert await operating.call("list_offers_by_application", application_id=id) == {"results": []}
        assert await operating.call("list_job_stages_for_job", job_id=id) == {"results": []}


# What the company sets up


async def test_departments_as_a_list_and_as_a_tree(operating: Operating, truth: Truth) -> None:
    rows = truth.rows["departments"]
    found, calls = await list_all(operating, "list_departments")
    assert found == [truth.expect_department(row["id"]) for row in rows]
    check_whole(found, DEPARTMENT)
    check_bounded(calls, departments=1)
    tree = (await operating.call("list_departments", render_as="tree"))["results"]

    def grow(row: Row) -> Row:
        below = [grow(each) for each in truth.where("departments", parent_id=row["id"])]
        return {"id": row["id"], "name": row["name"], "children": below, "external_id": row["external_id"]}

    assert tree == [grow(row) for row in truth.where("departments", parent_id=None)]
    assert any(each["children"] for each in tree)


async def test_offices_are_flat_and_counted_on_every_page(operating: Operating, truth: Truth) -> None:
    rows = truth.rows["offices"]
    flat = [
        {
            "id": row["id"],
            "name": row["name"],
            "location": row["location"],
            "primary_contact_id": row["primary_in_house_contact_user_id"],
            "parent_id": row["parent_id"],
        }
        for row in rows
    ]
    meta = {"total": len(rows), "page": 1, "per_page": 100}
    assert await operating.call("list_offices") == {"offices": flat, "meta": meta}
    check_bounded(operating.calls, offices=1)
    second = await operating.call("list_offices", results_per_page=7, page=2)
    assert second == {"offices": flat[7:14], "meta": {"total": len(rows), "page": 2, "per_page": 7}}


async def test_sources_with_their_strategies(operating: Operating, truth: Truth) -> None:
    rows = sorted(truth.rows["sources"], key=lambda row: int(row["type"]["id"]))
    found, calls = await list_all(operating, "list_sources")
    assert found == [{"id": row["id"], "name": row["name"], "type": row["type"]} for row in rows]
    check_bounded(calls, sources=1)
    choices = await operating.call("list_sources_ddl")
    expected = [{"text": row["name"], "value": row["id"]} for row in reversed(truth.rows["sources"])]
    assert choices == {"result": expected}


@pytest.mark.parametrize(
    "kind",
    [
        "job", "candidate", "application", "offer", "opening", "rejection_question", "referral_question",
        "user_attribute",
    ],
)  # fmt: skip
async def test_custom_fields_of_every_type(operating: Operating, truth: Truth, kind: str) -> None:
    rows = by_order(truth.where("custom_fields", field_type=kind))
    found = (await operating.call("list_custom_fields", field_type=kind, include_inactive=True))["results"]
    assert found == [truth.expect_field(row) for row in rows]
    assert found
    check_each(found, FIELD)
    check_bounded(
        operating.calls, custom_fields=1, custom_field_options=1, custom_field_offices=1, custom_field_departments=1,
        departments=1, offices=1,
    )  # fmt: skip
    used = (await operating.call("list_custom_fields", field_type=kind))["results"]
    assert used == [each for each in found if each["active"]]


async def test_custom_fields_of_all_types_where_none_is_named(operating: Operating, truth: Truth) -> None:
    kinds = [
        "job", "candidate", "application", "offer", "opening", "rejection_question", "referral_question",
        "user_attribute",
    ]  # fmt: skip
    others = [row for row in truth.rows["custom_fields"] if row["field_type"] not in (*kinds, "standard")]
    rows = [row for kind in kinds for row in by_order(truth.where("custom_fields", field_type=kind))]
    rows += by_order(others)
    assert {row["field_type"] for row in rows} > set(kinds)
    for given in ({}, {"field_type": None}):
        found = (await operating.call("list_custom_fields", **given, include_inactive=True))["results"]
        assert found == [truth.expect_field(row) for row in rows]
        assert operating.calls["custom_fields"] == 1
    used = (await operating.call("list_custom_fields"))["results"]
    assert used == [each for each in found if each["active"]]


async def test_choices_feed_the_inputs_they_are_for(operating: Operating, truth: Truth) -> None:
    jobs = (await operating.call("list_jobs_ddl"))["result"]
    assert jobs == [{"text": row["name"], "value": row["id"]} for row in reversed(truth.rows["jobs"])]
    assert operating.calls == {"jobs": math.ceil(len(jobs) / 500)}
    assert (await operating.call("get_job", job_id=jobs[5]["value"]))["body"]["name"] == jobs[5]["text"]
    users = (await operating.call("list_users_ddl"))["result"]
    assert (await operating.call("get_user", user_id=users[5]["value"]))["body"]["name"] == users[5]["text"]
    fields = (await operating.call("list_job_custom_fields_ddl"))["result"]
    assert operating.calls == {"custom_fields": 1}
    selects = {row["id"] for row in truth.rows["custom_fields"] if row["value_type"].endswith("select")}
    chosen = next(field for field in fields if field["value"] in selects)
    options = (await operating.call("list_job_custom_field_options_ddl", custom_field=chosen["value"]))["result"]
    assert operating.calls == {"custom_field_options": 1}
    rows = by_order(truth.where("custom_field_options", custom_field_id=chosen["value"]))
    assert options == [{"text": row["name"], "value": row["id"]} for row in rows]
    found = await operating.call("list_jobs", custom_field_option_id=options[0]["value"])
    values = [each["custom_fields"][chosen["text"].lower().replace(" ", "_")] for each in found["results"]]
    assert values
    assert all(options[0]["text"] in value for value in values)


async def test_content_types_take_no_call(operating: Operating) -> None:
    found = (await operating.call("list_attachment_content_types_ddl"))["result"]
    assert [each["text"] for each in found] == ["PDF", "Word Document", "Image (JPEG)", "Image (PNG)", "Plain Text"]
    assert not operating.calls
