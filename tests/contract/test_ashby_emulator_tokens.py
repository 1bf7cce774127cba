"""The Ashby emulator's sync tokens and cursors: what they show, what they are bound to, and how they end."""

from datetime import timedelta
from typing import Any

import httpx
import pytest

from testbed.ashby import AshbyLine, Refusal, Row, list_ids, open_ashby, sign
from unihire.sandbox.faults import PAGING


@pytest.fixture(scope="module")
def served() -> AshbyLine:
    return open_ashby(size=150, seed=4)


@pytest.fixture
def line(served: AshbyLine) -> AshbyLine:
    served.reset()
    return served


def start(line: AshbyLine, name: str, **body: Any) -> str:
    """The token of a complete reading."""
    _, token = line.walk_whole(name, **body)
    assert token is not None
    return token


def follow(line: AshbyLine, name: str, token: str, **body: Any) -> list[str]:
    """The ids of what changed, and nothing more with the next token."""
    rows, following = line.walk_whole(name, syncToken=token, **body)
    assert following is not None
    assert line.walk(name, syncToken=following, **body) == []
    return list_ids(rows)


# What tokens show


def test_token_shows_what_changed_since(line: AshbyLine) -> None:
    token = start(line, "candidate.list")
    assert follow(line, "candidate.list", token) == []
    old = line.ask("candidate.list", limit=40)[-1]
    new = line.ask("candidate.create", name="Ada")
    line.ask("candidate.update", candidateId=old["id"], name="Bo")
    assert follow(line, "candidate.list", token) == [new["id"], old["id"]]
    rows, _ = line.walk_whole("candidate.list", syncToken=token)
    assert rows == [line.ask("candidate.info", id=new["id"]), line.ask("candidate.info", id=old["id"])]


def test_candidate_moves_with_its_tags_files_fields_and_applications_but_not_with_notes(line: AshbyLine) -> None:
    row = line.ask("candidate.list", limit=10)[-1]
    token = start(line, "candidate.list")
    line.ask("candidate.createNote", candidateId=row["id"], note="x")
    assert follow(line, "candidate.list", token) == []
    tag = line.ask("candidateTag.create", title="New tag")
    field = next(one for one in line.walk("customField.list") if one["objectType"] == "Candidate")
    job = line.ask("job.list", status=["Open"])[0]
    for name, body in (
        ("candidate.addTag", {"candidateId": row["id"], "tagId": tag["id"]}),
        (
            "customField.setValue",
            {"objectId": row["id"], "objectType": "Candidate", "fieldId": field["id"], "fieldValue": None},
        ),
        ("application.create", {"candidateId": row["id"], "jobId": job["id"]}),
    ):
        token = start(line, "candidate.list")
        line.ask(name, **body)
        assert follow(line, "candidate.list", token) == [row["id"]], name


def test_application_moves_with_stage_source_team_and_fields(line: AshbyLine) -> None:
    row = line.walk("application.list", status="Active")[3]
    plan = row["currentInterviewStage"]["interviewPlanId"]
    stage = line.ask("interviewStage.list", interviewPlanId=plan)[3]
    field = next(one for one in line.walk("customField.list") if one["objectType"] == "Application")
    user, role = line.ask("user.list")[0], line.ask("applicationHiringTeamRole.list")[0]
    own = {"applicationId": row["id"]}
    for name, body in (
        ("application.changeStage", {**own, "interviewStageId": stage["id"]}),
        ("application.changeSource", {**own, "sourceId": None}),
        ("application.addHiringTeamMember", {**own, "teamMemberId": user["id"], "roleId": role["id"]}),
        (
            "customField.setValue",
            {"objectId": row["id"], "objectType": "Application", "fieldId": field["id"], "fieldValue": None},
        ),
    ):
        token = start(line, "application.list")
        line.ask(name, **body)
        assert follow(line, "application.list", token) == [row["id"]], name


def test_changes_over_the_control_plane_move_rows_and_deletions_never_show(line: AshbyLine) -> None:
    token = start(line, "candidate.list")
    one, other = line.ask("candidate.list", limit=2)
    line.change("candidates", one["id"], company="Other Ltd")
    line.control("DELETE", f"rows/candidates/{other['id']}")
    assert follow(line, "candidate.list", token) == [one["id"]]
    line.control("PATCH", "rows/users", {"count": 3})
    assert len(line.control("GET", "streams")["users"]) == 4
    token = start(line, "user.list", includeDeactivated=True)
    line.control("PATCH", "rows/users", {"count": 3})
    assert len(follow(line, "user.list", token, includeDeactivated=True)) == 3


def test_row_that_was_archived_shows_only_where_archived_ones_are_asked_for(line: AshbyLine) -> None:
    token = start(line, "department.list")
    row = line.ask("department.list")[0]
    line.ask("department.archive", departmentId=row["id"])
    assert follow(line, "department.list", token) == []
    assert follow(line, "department.list", token, includeArchived=True) == [row["id"]]


def test_what_changes_while_pages_are_read_comes_with_the_next_token(line: AshbyLine) -> None:
    first = line.page("candidate.list", limit=50)
    line.ask("candidate.update", candidateId=first["results"][0]["id"], name="Changed meanwhile")
    new = line.ask("candidate.create", name="New meanwhile")
    page = first
    while page["moreDataAvailable"]:
        page = line.page("candidate.list", limit=50, cursor=page["nextCursor"])
        assert new["id"] not in list_ids(page["results"])
    assert follow(line, "candidate.list", page["syncToken"]) == [new["id"], first["results"][0]["id"]]


def test_pages_under_a_token_go_on_with_the_cursor_with_and_without_it(line: AshbyLine) -> None:
    token = start(line, "candidate.list")
    line.control("PATCH", "rows/candidates", {"count": 25})
    whole = follow(line, "candidate.list", token)
    assert len(whole) == 25
    for more in ({"syncToken": token}, {}):
        page = line.page("candidate.list", limit=10, syncToken=token)
        found = list_ids(page["results"])
        while page["moreDataAvailable"]:
            page = line.page("candidate.list", limit=10, cursor=page["nextCursor"], **more)
            found += list_ids(page["results"])
        assert found == whole


def test_notes_and_events_have_tokens_of_their_own(line: AshbyLine) -> None:
    one, other = line.ask("candidate.list", limit=2)
    token = start(line, "candidate.listNotes", candidateId=one["id"])
    note = line.ask("candidate.createNote", candidateId=one["id"], note="x")
    line.ask("candidate.createNote", candidateId=other["id"], note="y")
    assert follow(line, "candidate.listNotes", token, candidateId=one["id"]) == [note["id"]]
    with pytest.raises(Refusal, match="sync_token_invalid"):
        line.ask("candidate.listNotes", candidateId=other["id"], syncToken=token)
    schedule = next(row for row in line.walk("interviewSchedule.list") if row["interviewEvents"])
    token = start(line, "interviewEvent.list", interviewScheduleId=schedule["id"])
    assert line.walk("interviewEvent.list", interviewScheduleId=schedule["id"], syncToken=token) == []
    line.change("interview_schedules", schedule["id"], status="Complete")
    assert line.walk("interviewEvent.list", interviewScheduleId=schedule["id"], syncToken=token)


# How they end


def test_token_of_another_list_or_nobodys_is_invalid(line: AshbyLine) -> None:
    token = start(line, "candidate.list")
    for name, wrong in (("job.list", token), ("candidate.list", "nonsense"), ("candidate.list", token[:-1] + "!")):
        with pytest.raises(Refusal, match="200 sync_token_invalid"):
            line.ask(name, syncToken=wrong)
    with pytest.raises(Refusal, match="sync_token_invalid"):
        open_ashby(100, seed=5).ask("candidate.list", syncToken=token)


def test_token_expires_after_a_month_and_when_it_is_told_to(line: AshbyLine) -> None:
    token = start(line, "candidate.list")
    line.app.clock.advance(timedelta(days=29))
    assert follow(line, "candidate.list", token) == []
    line.app.clock.advance(timedelta(days=2))
    with pytest.raises(Refusal, match="200 sync_token_expired"):
        line.ask("candidate.list", syncToken=token)
    token = start(line, "candidate.list")
    line.app.emulator.expire_tokens()
    with pytest.raises(Refusal, match="sync_token_expired"):
        line.ask("candidate.list", syncToken=token)
    assert follow(line, "candidate.list", start(line, "candidate.list")) == []


def test_token_from_before_a_reset_has_expired(line: AshbyLine) -> None:
    line.control("PATCH", "rows/candidates", {"count": 5})
    token = start(line, "candidate.list")
    line.reset()
    with pytest.raises(Refusal, match="sync_token_expired"):
        line.ask("candidate.list", syncToken=token)


def test_only_so_many_pages_are_read_under_a_token() -> None:
    line = open_ashby(100, sync_pages="2")
    token = start(line, "candidate.list")
    line.control("PATCH", "rows/candidates", {"count": 25})
    body: Row = {"syncToken": token, "limit": 10}
    for _ in range(2):
        page = line.page("candidate.list", **body)
        body = {"cursor": page["nextCursor"], "limit": 10}
    with pytest.raises(Refusal, match="200 incremental_sync_too_large"):
        line.ask("candidate.list", **body)
    assert len(line.walk("candidate.list", limit=10)) == 100


def test_cursor_is_bound_to_list_and_filters_and_expires(line: AshbyLine) -> None:
    page = line.page("application.list", limit=5, status="Archived")
    cursor = page["nextCursor"]
    assert line.ask("application.list", limit=7, status="Archived", cursor=cursor)
    for name, body in (
        ("application.list", {}),
        ("application.list", {"status": "Active"}),
        ("candidate.list", {}),
    ):
        with pytest.raises(Refusal, match="200 invalid_next_cursor"):
            line.ask(name, cursor=cursor, **body)
    for wrong in ("nonsense", cursor + "x", "https://stranger.example.com/"):
        with pytest.raises(Refusal, match="200 cursor_invalid"):
            line.ask("application.list", status="Archived", cursor=wrong)
    line.app.clock.advance(timedelta(days=2))
    with pytest.raises(Refusal, match="200 next_cursor_expired"):
        line.ask("application.list", status="Archived", cursor=cursor)


def test_page_goes_on_where_it_was_though_rows_come_and_go(line: AshbyLine) -> None:
    rows = list_ids(line.walk("candidate.list"))
    page = line.page("candidate.list", limit=10)
    line.control("DELETE", f"rows/candidates/{rows[10]}")
    line.control("DELETE", f"rows/candidates/{rows[3]}")
    line.ask("candidate.create", name="Ada")
    assert list_ids(line.ask("candidate.list", limit=10, cursor=page["nextCursor"])) == rows[11:21]


# Faults, which strike reads by POST like any others


async def ask(line: AshbyLine, name: str, body: Row) -> httpx.Response:
    transport = httpx.ASGITransport(app=line.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://sandbox") as client:
        return await client.post(f"/{name}", json=body, headers={"authorization": sign(line.keys["api_key"])})


async def walk_wire(line: AshbyLine, name: str, limit: int) -> list[str]:
    found: list[str] = []
    cursor: Row = {}
    for _ in range(60):
        page = (await ask(line, name, {"limit": limit, **cursor})).json()
        found += list_ids(page["results"])
        if not page["moreDataAvailable"]:
            return found
        cursor = {"cursor": page["nextCursor"]}
    raise AssertionError(f"{name} does not end")


@pytest.mark.parametrize("name", ["candidate.list", "application.list", "user.list", "interviewSchedule.list"])
@pytest.mark.parametrize("word", PAGING)
async def test_paging_goes_wrong_where_it_was_asked_for(name: str, word: str) -> None:
    line = open_ashby(100, seed=4)
    rows = await walk_wire(line, name, 10)
    await line.control_async("PUT", "faults", [{"word": word, "next": 1, "path": f"/{name}"}])
    found = await walk_wire(line, name, 10)
    assert (await line.control_async("GET", "faults"))["fired"] == {word: 1}
    assert set(found) <= set(rows)
    assert len(set(rows) - set(found)) == (word == "skip-row")
    if word in ("repeat-row", "repeat-rows", "self-next"):
        assert len(found) > len(rows)


@pytest.mark.parametrize("status", [401, 403, 404, 429, 500])
async def test_refusals_strike_calls_with_a_key(status: int) -> None:
    line = open_ashby(100, seed=4)
    await line.control_async("PUT", "faults", [{"word": str(status), "next": 1, "path": "/candidate.*"}])
    assert (await ask(line, "job.list", {})).status_code == 200
    answer = await ask(line, "candidate.list", {})
    assert (answer.status_code, answer.json()["success"]) == (status, False)
    assert (await ask(line, "candidate.list", {})).status_code == 200


async def test_other_faults_strike_too() -> None:
    line = open_ashby(100, seed=4)
    token = start(line, "candidate.list")
    await line.control_async("PUT", "faults", [{"word": "update-row", "next": 2}])
    answer = (await ask(line, "candidate.list", {"syncToken": token})).json()
    assert len(answer["results"]) == 1
    await line.control_async("PUT", "faults", [{"word": "expired-token", "next": 1}])
    answer = (await ask(line, "candidate.list", {"syncToken": token})).json()
    assert answer["errorInfo"]["code"] == "sync_token_expired"
    before = (await line.control_async("GET", "streams"))["jobs"]["rows"]
    await line.control_async("PUT", "faults", [{"word": "delete-row", "next": 1}])
    await ask(line, "job.list", {})
    assert (await line.control_async("GET", "streams"))["jobs"]["rows"] == before - 1


@pytest.mark.parametrize("word", ["missing-member", "odd-row", "huge-row", "other-row", "null-member", "text-ids"])
async def test_rows_are_spoiled_in_lists_and_alone(word: str) -> None:
    line = open_ashby(100, seed=4)
    rows = (await ask(line, "job.list", {})).json()["results"]
    for name, body in (("job.list", {}), ("job.info", {"id": rows[0]["id"]})):
        good = (await ask(line, name, body)).content
        await line.control_async("PUT", "faults", [{"word": word, "next": 1, "megabytes": 0.1}])
        bad = (await ask(line, name, body)).content
        fired = (await line.control_async("GET", "faults"))["fired"]
        if name == "job.list" or word not in ("text-ids", "other-row"):
            assert fired == {word: 1}, (word, name)
            assert bad != good or word == "text-ids"
