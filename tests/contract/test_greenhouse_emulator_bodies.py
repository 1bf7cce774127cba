"""Bodies of writes to the Greenhouse emulator: nulls, files, what no parser reads, rows that point nowhere."""

import base64

import httpx

from testbed.harvest_rows import find, patch, post, show
from unihire.sandbox.runner import RunningSandbox


def test_null_in_a_change_empties_what_the_schema_calls_nullable_and_is_refused_elsewhere(client: httpx.Client) -> None:
    candidate = find(client, "candidates")
    path = f"/candidates/{candidate['id']}"
    patch(client, path, {"company": "Example", "title": "Clerk"})
    emptied = patch(client, path, {"company": None, "title": None})
    assert (emptied["company"], emptied["title"]) == (None, None)
    refused = patch(client, path, {"tags": None, "can_email": None, "first_name": "Kept"}, status=422)
    assert refused["errors"] == [
        {"can_email": "`null` is not of type: boolean"},
        {"tags": "`null` is not of type: array"},
    ]
    left = show(client, "candidates", candidate["id"])
    assert left is not None
    assert (left["tags"], left["first_name"]) == (candidate["tags"], candidate["first_name"])
    job, office = find(client, "jobs"), find(client, "offices")
    patch(client, f"/jobs/{job['id']}", {"name": None}, status=422)
    assert patch(client, f"/jobs/{job['id']}", {"requisition_id": None, "notes": None})["requisition_id"] is None
    patch(client, f"/offices/{office['id']}", {"name": None}, status=422)
    assert patch(client, f"/offices/{office['id']}", {"location": None})["location"] is None


def test_null_in_what_makes_a_row_is_a_field_left_out(client: httpx.Client) -> None:
    application = find(client, "applications", status="active", prospect="false")
    body = {"application_id": application["id"], "filename": "cv.pdf", "type": "resume"}
    made = post(client, "/attachments", {**body, "content": "aGk=", "url": None})
    assert made["url"]
    note = {"candidate_id": application["candidate_id"], "body": "x", "note_type": None, "application_id": None}
    assert post(client, "/notes", note)["type"] == "NOTE"
    assert (
        post(client, "/candidates", {"first_name": "A", "last_name": "B", "tags": None, "can_email": None})["tags"]
        == []
    )
    post(client, "/departments", {"name": None}, status=422)


def test_file_of_32_mebibytes_is_taken(client: httpx.Client) -> None:
    application = find(client, "applications", status="active", prospect="false")
    content = base64.b64encode(b"x" * 32 * 2**20).decode()
    body = {"application_id": application["id"], "filename": "cv.pdf", "type": "resume", "content": content}
    assert post(client, "/attachments", body)["filename"] == "cv.pdf"


def test_body_that_no_parser_reads_is_refused(client: httpx.Client) -> None:
    for content in (b"[" * 100_000, b"\xff", b'{"a":' * 5000):
        answer = client.post("/candidates", content=content)
        assert answer.status_code == 422


def test_what_a_changed_row_points_at_may_be_gone(client: httpx.Client, sandbox: RunningSandbox) -> None:
    application = find(client, "applications", status="active", prospect="false")
    control = sandbox.ready.control_url
    httpx.patch(f"{control}rows/applications/{application['id']}", json={"candidate_id": 7}).raise_for_status()
    answer = client.post(
        "/attachments",
        json={"application_id": application["id"], "filename": "x", "type": "other", "url": "https://x.example"},
    )
    assert answer.status_code in (201, 422)
    post(client, f"/applications/{application['id']}/reject", {}, status=204)
