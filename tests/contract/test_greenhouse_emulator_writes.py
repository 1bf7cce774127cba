"""Writes to the Greenhouse emulator: each takes the documented body, shows in later reads, refuses what cannot be."""

from datetime import timedelta
from typing import Any

import httpx
import pytest

from testbed.harvest import Row, connect_harvest, serve_harvest, walk
from testbed.harvest_rows import find, patch, post, show
from unihire.integrations.greenhouse.emulator.resources import RESOURCES
from unihire.integrations.greenhouse.emulator.writes.actions import ACTIONS
from unihire.integrations.greenhouse.emulator.writes.plain import WRITES
from unihire.sandbox.runner import RunningSandbox


def test_reads_and_writes_are_the_documented_hundred_and_sixty_one() -> None:
    writes = sum(
        (one.create is not None) + (one.update is not None) + one.destroys + len(one.bulk) for one in WRITES.values()
    )
    verbs = sum(map(len, ACTIONS.values()))
    assert len(RESOURCES) + 1 + writes + verbs == 161


def make_bodies(client: httpx.Client) -> dict[str, Row]:
    """For each resource that can be created plainly, a body as the documents show it."""
    application = find(client, "applications", status="active", prospect="false")
    candidate, job = application["candidate_id"], application["job_id"]
    user, role = find(client, "users")["id"], find(client, "user_roles")["id"]
    interview = find(client, "job_interviews", job_ids=job)["id"]
    field = find(client, "custom_fields", field_type="candidate")["id"]
    school = find(client, "custom_field_options", custom_field_key="school_name")["id"]
    department, office = find(client, "departments")["id"], find(client, "offices")["id"]
    return {
        "candidates": {
            "first_name": "Ada",
            "last_name": "Beispiel",
            "email_addresses": [{"value": "ada@example.com", "type": "personal"}],
        },
        "applications": {"candidate_id": candidate, "job_id": find(client, "jobs", status="open")["id"]},
        "attachments": {"application_id": application["id"], "filename": "cv.pdf", "type": "resume", "content": "aGk="},
        "notes": {"candidate_id": candidate, "body": "Called.", "note_type": "NOTE", "visibility": "private"},
        "candidate_educations": {
            "candidate_id": candidate,
            "school_name_custom_field_option_id": school,
            "start_date": "2007-09-01",
        },
        "candidate_employments": {
            "candidate_id": candidate,
            "company_name": "Example",
            "title": "Clerk",
            "start_date": "2007-09-01",
        },
        "candidate_tags": {"name": "brand new"},
        "applied_candidate_tags": {"candidate_id": candidate, "candidate_tag_id": find(client, "candidate_tags")["id"]},
        "jobs": {"template_job_id": job, "number_of_openings": 2, "job_name": "Copied", "department_id": department},
        "openings": {"job_id": job, "opening_id": "3-1"},
        "job_posts": {"job_id": job, "title": "Wanted"},
        "job_post_locations": {"job_post_id": find(client, "job_posts")["id"], "type": "free_text", "value": "Berlin"},
        "job_owners": {"job_id": job, "user_id": user, "type": "sourcer", "candidate_responsibility": "active"},
        "job_hiring_managers": {"job_id": job, "user_id": user},
        "job_notes": {"job_id": job, "body": "x", "visibility": "private"},
        "offers": {"application_id": application["id"], "starts_on": "2027-06-01"},
        "interviews": {
            "application_id": application["id"],
            "job_interview_id": interview,
            "interviewers": [{"user_id": user, "response_status": "needs_action"}],
            "starts_at": "2027-06-01T15:00:00Z",
            "ends_at": "2027-06-01T16:00:00Z",
        },
        "departments": {"name": "New department", "parent_id": department},
        "offices": {"name": "New office", "location": "New York, NY", "primary_in_house_contact_user_id": user},
        "custom_fields": {
            "name": "Shoe size",
            "field_type": "candidate",
            "value_type": "single_select",
            "custom_field_options": [{"name": "A", "sort_order": 0}],
        },
        "custom_field_options": {"custom_field_id": field, "name": "A", "sort_order": 0},
        "custom_field_departments": {"custom_field_id": field, "department_id": department},
        "custom_field_offices": {"custom_field_id": field, "office_id": office},
        "approval_flows": {
            "job_id": job,
            "approval_type": "open_job",
            "sequential": True,
            "approver_groups": [{"approvals_required": 1, "approvers": [{"user_id": user}]}],
        },
        "users": {"first_name": "Bo", "last_name": "Muster", "primary_email": "bo@staff.example.com"},
        "user_emails": {"user_id": user, "email": "other@staff.example.com"},
        "user_job_permissions": {"user_id": user, "job_id": job, "role_id": role},
        "future_job_permissions": {"user_id": user, "role_id": role, "office_id": None},
        "blocked_spam_sources": {"source_type": "domain", "value": "spam2.example"},
    }


def test_what_is_created_is_read_back_first_changed_and_gone_when_deleted(
    sandbox: RunningSandbox, client: httpx.Client
) -> None:
    bodies = make_bodies(client)
    assert set(bodies) == {name for name, writes in WRITES.items() if writes.create is not None} - {"webhooks"}
    for name, body in bodies.items():
        plain = find(client, name)
        created = post(client, f"/{name}", body)
        created.pop("application", None)
        assert find(client, name) == show(client, name, created["id"]) == created
        assert set(created) == set(plain), name
        assert created["id"] > plain["id"]
        assert created["created_at"] == created["updated_at"]
        for field, value in body.items():
            if field in created and field not in ("visibility", "interviewers"):
                assert created[field] in (value, str(value).replace("Z", ".000Z")), field
        if WRITES[name].update is not None and "name" in created:
            sandbox.app.clock.advance(timedelta(seconds=5))
            if "name" in (WRITES[name].update or "").split():
                changed = patch(client, f"/{name}/{created['id']}", {"name": "Renamed"})
                assert changed["name"] == "Renamed"
                assert changed["updated_at"] > created["updated_at"]
                since = walk(client, name, updated_at=f"gte|{changed['updated_at']}")
                assert created["id"] in [row["id"] for row in since]
        if WRITES[name].destroys:
            assert client.delete(f"/{name}/{created['id']}").status_code == 204
            assert show(client, name, created["id"]) is None
            assert client.delete(f"/{name}/{created['id']}").status_code == 404


def test_change_shows_alone_in_the_next_update_window(sandbox: RunningSandbox, client: httpx.Client) -> None:
    since = sandbox.app.clock.now().isoformat()
    application = find(client, "applications", status="active")
    source = find(client, "sources")["id"]
    patch(client, f"/applications/{application['id']}", {"source_id": source})
    found = walk(client, "applications", updated_at=f"gte|{since}")
    assert [row["id"] for row in found] == [application["id"]]
    assert found[0]["source_id"] == source
    assert walk(client, "applications", source_ids=source)[0]["id"] >= application["id"]


def test_required_fields_types_and_references_are_checked_together(client: httpx.Client) -> None:
    answer = client.post("/candidate_employments", json={"candidate_id": 1, "title": 5, "start_date": "2020-1-1"})
    assert answer.status_code == 422
    assert answer.json() == {
        "message": "Unprocessable Content",
        "errors": [
            {"candidate_id": "`1` does not exist"},
            {"company_name": "is missing"},
            {"title": "`5` is not of type: string"},
            {"start_date": "`2020-1-1` is not a date"},
        ],
    }
    headers = {"content-type": "application/json"}
    assert client.post("/candidates", content=b"{", headers=headers).status_code == 422
    assert client.post("/candidates", content=b"[]", headers=headers).status_code == 422
    assert client.patch("/candidates/12", json={}).status_code == 404
    assert client.patch("/sources/12", json={}).status_code == 404


def test_unknown_body_fields_are_refused_when_asked_to() -> None:
    with (
        serve_harvest(size=100, options={"unknown_parameters": "refuse"}) as sandbox,
        connect_harvest(sandbox) as client,
    ):
        answer = client.post("/candidate_tags", json={"name": "x", "colour": "red"})
        assert answer.json()["errors"] == [{"colour": "is not a field of this request"}]


def test_write_needs_its_scope() -> None:
    options = {"without_scopes": "candidate_tags:create"}
    with serve_harvest(size=100, options=options) as sandbox, connect_harvest(sandbox) as client:
        answer = client.post("/candidate_tags", json={"name": "x"})
        assert (answer.status_code, "harvest:candidate_tags:create" in answer.text) == (403, True)


# Candidates


def test_candidate_comes_with_an_application_tags_and_custom_fields(client: httpx.Client) -> None:
    job = find(client, "jobs", status="open")["id"]
    stage = walk(client, "job_interview_stages", job_ids=job)[-2]
    field = find(client, "custom_fields", name_key="t_shirt_size")
    option = find(client, "custom_field_options", custom_field_ids=field["id"])
    body = {
        "first_name": "Jane",
        "last_name": "Doe",
        "tags": ["2026-grad", "unheard of"],
        "custom_fields": [
            {"custom_field_id": field["id"], "value": option["id"]},
            {"name_key": "languages", "value": ["German"]},
        ],
        "application": {"job_id": job, "initial_stage_id": stage["id"]},
    }
    created = post(client, "/candidates", body)
    application = created.pop("application")
    assert application["candidate_id"] == created["id"]
    assert (application["status"], application["stage_name"]) == ("in_process", stage["name"])
    assert created["custom_fields"]["t_shirt_size"]["value"] == option["name"]
    assert created["custom_fields"]["languages"]["value"] == ["German"]
    assert created["custom_fields"]["nickname"]["value"] is None
    tags = walk(client, "applied_candidate_tags", candidate_ids=created["id"])
    names = {row["id"]: row["name"] for row in walk(client, "candidate_tags")}
    assert sorted(names[row["candidate_tag_id"]] for row in tags) == ["2026-grad", "unheard of"]
    changed = patch(client, f"/candidates/{created['id']}", {"tags": ["2026-grad"], "custom_fields": []})
    assert changed["custom_fields"]["t_shirt_size"]["value"] is None
    assert len(walk(client, "applied_candidate_tags", candidate_ids=created["id"])) == 1


@pytest.mark.parametrize(
    "entry",
    [
        {"name_key": "nonsense", "value": 1},
        {"name_key": "t_shirt_size", "value": "XXXL"},
        {"name_key": "years_of_experience", "value": "many"},
        {"name_key": "available_from", "value": "soon"},
        {"name_key": "known_by", "value": 1},
    ],
)
def test_custom_values_that_do_not_fit_are_refused(client: httpx.Client, entry: Row) -> None:
    number = find(client, "candidates")["id"]
    answer = client.patch(f"/candidates/{number}", json={"custom_fields": [entry]})
    assert answer.status_code == 422
    assert list(answer.json()["errors"][0]) == ["custom_fields"]


@pytest.mark.parametrize("value", ["somebody", 1, {"user_id": 1}, {"name": "x"}, [1]])
def test_custom_value_that_is_no_user_is_refused(client: httpx.Client, value: Any) -> None:
    field = next(row for row in walk(client, "custom_fields", field_type="job") if row["value_type"] == "user")
    body = {"custom_fields": [{"custom_field_id": field["id"], "value": value}]}
    answer = patch(client, f"/jobs/{find(client, 'jobs')['id']}", body, 422)
    assert "is not a user" in str(answer["errors"])


def test_nothing_is_created_when_the_nested_application_does_not_fit(client: httpx.Client) -> None:
    newest = find(client, "candidates")["id"]
    body = {"first_name": "A", "last_name": "B", "application": {"job_id": 1}}
    assert client.post("/candidates", json=body).status_code == 422
    assert find(client, "candidates")["id"] == newest


def test_deleted_candidate_takes_everything_along(client: httpx.Client) -> None:
    application = find(client, "applications", status="hired")
    number = application["candidate_id"]
    assert client.delete(f"/candidates/{number}").status_code == 204
    for name, declared in RESOURCES.items():
        for filter_, value in (("candidate_ids", number), ("application_ids", application["id"])):
            if filter_ in declared.filters.split():
                assert walk(client, name, **{filter_: value}) == [], name


def test_merged_candidate_brings_what_it_had(client: httpx.Client) -> None:
    rows = [row for row in walk(client, "candidates") if row["email_addresses"]]
    kept, other = rows[3], rows[5]
    theirs = [row["id"] for row in walk(client, "applications", candidate_ids=other["id"])]
    merged = post(client, f"/candidates/{kept['id']}/merge", {"secondary_candidate_id": other["id"]}, 200)
    assert merged["id"] == kept["id"]
    assert merged["email_addresses"] == kept["email_addresses"] + other["email_addresses"]
    assert show(client, "candidates", other["id"]) is None
    assert set(theirs) <= {row["id"] for row in walk(client, "applications", candidate_ids=kept["id"])}
    assert (
        client.post(f"/candidates/{kept['id']}/merge", json={"secondary_candidate_id": kept["id"]}).status_code == 422
    )


def test_anonymized_candidate_loses_what_was_named_and_nothing_else(client: httpx.Client) -> None:
    application = find(client, "attachments")
    number = application["candidate_id"]
    before = show(client, "candidates", number)
    assert before is not None
    fields = ["full_name", "email_addresses", "attachments", "notes"]
    done = patch(client, f"/candidates/{number}/anonymize", {"fields": fields})
    assert (done["first_name"], done["last_name"], done["email_addresses"]) == ("Anonymized", str(number), [])
    assert done["phone_numbers"] == before["phone_numbers"]
    assert walk(client, "attachments", candidate_ids=number) == []
    assert client.patch(f"/candidates/{number}/anonymize", json={"fields": ["shoe_size"]}).status_code == 422


# Applications


def test_application_moves_by_compare_and_swap(sandbox: RunningSandbox, client: httpx.Client) -> None:
    application = next(
        row for row in walk(client, "applications", status="active", prospect="false") if row["stage_name"] != "Offer"
    )
    path, here = f"/applications/{application['id']}/move", application["job_interview_stage_id"]
    assert client.post(path, json={"from_stage_id": here + 1}).status_code == 422
    sandbox.app.clock.advance(timedelta(seconds=5))
    assert client.post(path, json={"from_stage_id": here}).content == b""
    moved = show(client, "applications", application["id"])
    assert moved is not None
    stages = walk(client, "application_stages", application_ids=application["id"])
    assert [row["current"] for row in stages] == [True] + [False] * (len(stages) - 1)
    assert moved["stage_id"] == stages[0]["id"] != application["stage_id"]
    left = show(client, "application_stages", application["stage_id"])
    assert left is not None
    assert left["exited_at"] == stages[0]["entered_at"] == moved["updated_at"]
    assert client.post(path, json={"from_stage_id": here}).status_code == 422
    other = next(row for row in walk(client, "jobs", status="open") if row["id"] != application["job_id"])
    post(client, path, {"from_stage_id": moved["job_interview_stage_id"], "to_job_id": other["id"]}, 204)
    again = show(client, "applications", application["id"])
    assert again is not None
    assert (again["job_id"], again["stage_name"]) == (other["id"], "Application Review")
    assert application["id"] in [row["id"] for row in walk(client, "applications", job_ids=other["id"])]
    assert application["id"] not in [row["id"] for row in walk(client, "applications", job_ids=application["job_id"])]


def test_rejection_can_be_taken_back(client: httpx.Client) -> None:
    number = find(client, "applications", status="active")["id"]
    reason = find(client, "rejection_reasons")["id"]
    post(client, f"/applications/{number}/reject", {"rejection_reason_id": reason, "notes": "Not now."}, 204)
    (detail,) = walk(client, "rejection_details", application_ids=number)
    rejected = show(client, "applications", number)
    assert rejected is not None
    assert (rejected["status"], rejected["rejected_at"]) == ("rejected", detail["rejected_at"])
    note = show(client, "notes", detail["rejection_note_id"])
    assert note is not None
    assert (note["body"], note["user_id"]) == ("Not now.", detail["rejected_by_id"])
    assert client.post(f"/applications/{number}/reject", json={}).status_code == 422
    other = walk(client, "rejection_reasons")[-1]["id"]
    assert (
        patch(client, f"/rejection_details/{detail['id']}", {"rejection_reason_id": other})["rejection_reason_id"]
        == other
    )
    post(client, f"/applications/{number}/unreject", None, 204)
    assert walk(client, "rejection_details", application_ids=number) == []
    active = show(client, "applications", number)
    assert active is not None
    assert (active["status"], active["rejected_at"]) == ("in_process", None)


def test_hire_accepts_the_offer_and_fills_an_opening(client: httpx.Client) -> None:
    offer = next(row for row in walk(client, "offers", status="Created") if row["opening_id"] is not None)
    number = offer["application_id"]
    post(client, f"/applications/{number}/hire", {"start_date": "2027-06-01T00:00:00Z"}, 204)
    accepted = show(client, "offers", offer["id"])
    opening = show(client, "openings", offer["opening_id"])
    application = show(client, "applications", number)
    assert accepted is not None
    assert opening is not None
    assert application is not None
    assert (accepted["status"], accepted["starts_on"]) == ("Accepted", "2027-06-01")
    assert (opening["open"], opening["application_id"]) == (False, number)
    assert application["status"] == "hired"
    assert client.post(f"/applications/{number}/hire", json={}).status_code == 422


def test_prospect_becomes_a_candidate(client: httpx.Client) -> None:
    prospect = find(client, "applications", prospect="true", status="active")
    assert walk(client, "prospect_details", application_ids=prospect["id"])
    job = prospect["prospective_job_ids"][0]
    done = post(client, f"/applications/{prospect['id']}/convert_to_candidate", {"job_id": job}, 200)
    assert (done["prospect"], done["job_id"], done["stage_name"]) == (False, job, "Application Review")
    assert walk(client, "prospect_details", application_ids=prospect["id"]) == []
    assert client.post(f"/applications/{prospect['id']}/convert_to_candidate", json={"job_id": job}).status_code == 422


def test_prospect_is_created_with_a_pool(client: httpx.Client) -> None:
    pool = find(client, "prospect_pools")["id"]
    candidate = find(client, "candidates")["id"]
    body = {
        "candidate_id": candidate,
        "prospect": True,
        "prospect_pool_id": pool,
        "job_ids": [find(client, "jobs")["id"]],
    }
    created = post(client, "/applications", body)
    assert (created["prospect"], created["job_id"]) == (True, None)
    assert created["prospective_job_ids"] == body["job_ids"]
    (details,) = walk(client, "prospect_details", application_ids=created["id"])
    assert details["pool_id"] == pool
    assert client.post("/applications", json={"candidate_id": candidate}).status_code == 422


# The rest


def test_note_and_attachment_are_read_back_in_the_vendor_s_words(client: httpx.Client) -> None:
    application = find(client, "applications")
    body = {"candidate_id": application["candidate_id"], "body": "x", "note_type": "EMAIL", "visibility": "admin_only"}
    note = post(client, "/notes", {**body, "email_to": ["a@example.com", "b@example.com"], "subject": "Hello"})
    assert (note["type"], note["visibility"]) == ("EMAIL", "admin_only_visible")
    assert note["email_to"] == "a@example.com, b@example.com"
    service = walk(client, "users", show_service_accounts="true")[0]["id"]
    assert note["user_id"] == service
    file = {"application_id": application["id"], "filename": "cv.pdf", "type": "resume"}
    assert client.post("/attachments", json=file).status_code == 422
    assert (
        client.post("/attachments", json={**file, "url": "https://x.example.com", "content": "aGk="}).status_code == 422
    )
    kept = post(client, "/attachments", {**file, "content": "aGk="})
    assert httpx.get(kept["url"]).status_code == 200
    assert post(client, "/attachments", {**file, "url": "https://x.example.com/cv.pdf"})["url"].startswith("https://x.")


def test_job_is_copied_from_its_template_with_pipeline_plan_openings_and_post(client: httpx.Client) -> None:
    template = find(client, "jobs", status="open")["id"]
    job = post(client, "/jobs", {"template_job_id": template, "number_of_openings": 3, "job_post_name": "Wanted"})["id"]
    for name in ("job_interview_stages", "job_interviews", "interview_kits"):
        assert len(walk(client, name, job_ids=job)) == len(walk(client, name, job_ids=template))
    stages = walk(client, "job_interview_stages", job_ids=job)
    assert sorted(row["sort_order"] for row in stages) == list(range(len(stages)))
    assert len(walk(client, "openings", job_ids=job, open="true")) == 3
    assert [row["title"] for row in walk(client, "job_posts", job_ids=job)] == ["Wanted"]
    candidate = find(client, "candidates")["id"]
    created = post(client, "/applications", {"candidate_id": candidate, "job_id": job})
    assert created["stage_name"] == "Application Review"


def test_opening_is_closed_by_its_status(client: httpx.Client) -> None:
    opening = find(client, "openings", open="true")["id"]
    reason = find(client, "close_reasons")["id"]
    closed = patch(client, f"/openings/{opening}", {"status": "closed", "close_reason_id": reason})
    assert (closed["open"], closed["closed_at"], closed["close_reason_id"]) == (False, closed["updated_at"], reason)
    assert patch(client, f"/openings/{opening}", {"status": "open"})["closed_at"] is None


def test_new_offer_takes_the_place_of_the_one_before(client: httpx.Client) -> None:
    offer = find(client, "offers", status="Created")
    made = post(client, "/offers", {"application_id": offer["application_id"], "starts_on": "2027-01-01"})
    older = show(client, "offers", offer["id"])
    assert older is not None
    assert (made["version"], made["status"], older["status"]) == (offer["version"] + 1, "Created", "Deprecated")
    assert find(client, "offers", current_only="true", application_ids=offer["application_id"])["id"] == made["id"]


def test_panel_of_an_interview_is_replaced_as_a_whole(client: httpx.Client) -> None:
    interview = find(client, "interviews", status="scheduled")["id"]
    users = [row["id"] for row in walk(client, "users")][:2]
    body = {"interviewers": [{"user_id": user, "response_status": "accepted"} for user in users]}
    patch(client, f"/interviews/{interview}", body)
    panel = walk(client, "interviewers", interview_ids=interview)
    assert sorted(row["user_id"] for row in panel) == sorted(users)
    patch(client, f"/interviews/{interview}", {"location": "Room 9"})
    assert walk(client, "interviewers", interview_ids=interview) == panel
    assert client.patch(f"/interviews/{interview}", json={"interviewers": [{"user_id": 1}]}).status_code == 422
    wrong = {"starts_at": "2027-01-01T10:00:00Z", "ends_at": "2027-01-01T09:00:00Z"}
    assert client.patch(f"/interviews/{interview}", json=wrong).status_code == 422


def test_approvals_are_asked_for_replaced_and_reassigned(client: httpx.Client) -> None:
    users = [row for row in walk(client, "users") if row["employee_id"]][:3]
    job = find(client, "jobs")["id"]
    groups = [
        {"approvals_required": 1, "approvers": [{"user_id": users[0]["id"]}]},
        {"approvers": [{"email": users[1]["primary_email"]}]},
    ]
    body = {"job_id": job, "approval_type": "open_job", "sequential": True, "approver_groups": groups}
    flow = post(client, "/approval_flows", body)["id"]
    post(client, f"/approval_flows/{flow}/request_approvals", None, 204)
    own = sorted(walk(client, "approver_groups", approval_flow_ids=flow), key=lambda row: row["sort_order"])
    statuses = [find(client, "approvers", approver_group_ids=row["id"])["status"] for row in own]
    assert statuses == ["due", "waiting"]
    swap = {"remove_user_id": users[0]["id"], "add_user_id": users[2]["id"]}
    assert client.put(f"/approver_groups/{own[0]['id']}/replace_approver", json=swap).status_code == 200
    assert find(client, "approvers", approver_group_ids=own[0]["id"])["user_id"] == users[2]["id"]
    new = {"approver_groups": [{"approvers": [{"employee_id": users[1]["employee_id"]}]}]}
    assert client.put(f"/approval_flows/{flow}/replace_approver_groups", json=new).status_code == 200
    assert len(walk(client, "approver_groups", approval_flow_ids=flow)) == 1


def test_users_are_switched_off_and_on_and_lose_their_permissions(client: httpx.Client) -> None:
    permission = find(client, "user_job_permissions")
    user = permission["user_id"]
    post(client, f"/users/{user}/deactivate", None, 204)
    assert (show(client, "users", user) or {})["deactivated"] is True
    post(client, f"/users/{user}/activate", None, 204)
    assert (show(client, "users", user) or {})["deactivated"] is False
    post(client, f"/users/{user}/revoke_permissions", None, 204)
    assert walk(client, "user_job_permissions", user_ids=user) == []
    assert client.patch(f"/users/{user}", json={"primary_email": "nobody@staff.example.com"}).status_code == 422
    post(client, "/user_emails", {"user_id": user, "email": "third@staff.example.com"})
    assert "third@staff.example.com" in (show(client, "users", user) or {})["emails"]


@pytest.mark.parametrize("resource", ["openings", "custom_field_options"])
def test_bulk_requests_are_done_and_reported(client: httpx.Client, resource: str) -> None:
    if resource == "openings":
        entry: Row = {"job_id": find(client, "jobs")["id"]}
    else:
        entry = {"custom_field_id": find(client, "custom_fields")["id"], "name": "A"}
    before = {row["id"] for row in walk(client, resource)}
    answer = client.post(
        f"/{resource}/bulk", json={"data": [entry, entry, {"job_id": 1}], "callback_url": "https://x.example.com"}
    )
    assert answer.status_code == 202
    report = client.get(f"/bulk_requests/{answer.json()['bulk_action_uuid']}").json()
    assert [report[f"{word}_count"] for word in ("record", "success", "failure")] == [3, 2, 1]
    assert (report["status"], report["callback_url"]) == ("completed", "https://x.example.com")
    added = [row["id"] for row in walk(client, resource) if row["id"] not in before]
    assert len(added) == 2
    change = {"opening_id": "9-9"} if resource == "openings" else {"name": "B"}
    client.patch(f"/{resource}/bulk", json={"data": [{"id": added[0], **change}]})
    assert (show(client, resource, added[0]) or {}).items() >= change.items()
    client.request("DELETE", f"/{resource}/bulk", json={"data": added})
    assert {row["id"] for row in walk(client, resource)} == before
    assert len(walk(client, "bulk_requests")) == 3
    assert client.get("/bulk_requests/nonsense").status_code == 404
    assert client.post(f"/{resource}/bulk", json={"data": []}).status_code == 422


def test_rows_are_changed_over_the_control_plane_too(sandbox: RunningSandbox, client: httpx.Client) -> None:
    control = sandbox.ready.control_url
    since = sandbox.app.clock.now().isoformat(timespec="milliseconds")  # as rows have their times
    for name in RESOURCES:
        if name in ("webhooks", "bulk_requests"):
            continue
        count = httpx.patch(f"{control}rows/{name}", json={"count": 2}).json()["changed"]
        hidden = {"show_service_accounts": "true"} if name == "users" else {}
        hidden = {"include_defaults": "true"} if name == "rejection_reasons" else hidden
        if RESOURCES[name].has_times:
            assert len(walk(client, name, updated_at=f"gte|{since}", **hidden)) == count > 0, name
    number = find(client, "jobs")["id"]
    assert httpx.patch(f"{control}rows/jobs/{number}", json={"colour": "red"}).status_code == 400
    assert httpx.patch(f"{control}rows/jobs/{number}", json={"name": "Set"}).json()["name"] == "Set"
    assert httpx.delete(f"{control}rows/jobs/{number}").json() == {"deleted": 1}
    assert show(client, "jobs", number) is None
    made = httpx.post(f"{control}rows/jobs", json={"name": "Made"}).json()
    assert find(client, "jobs")["id"] == made["id"]
