"""Writes through the unified API: once under a key, told apart where they are lost, planned, queued and settled."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from testbed.tenants import read_pages
from testbed.waiting import within
from testbed.writing import Json, Writing, create_applicant, create_candidate, draw_name, find_open_job
from unihire.app import make_write_queue
from unihire.dialects.bindbee.write_routes import WRITE_PATHS
from unihire.errors import Conflict, Unanswered
from unihire.kit.ids import new_ordered_id
from unihire.model import INPUTS, NATIVE_MODELS
from unihire.outbound.client import VendorClient
from unihire.platform import context_writes
from unihire.platform.operations import LONGEST
from unihire.platform.writing.unified_writes import WriteAnswer
from unihire.store.calls import operations
from unihire.store.calls.requested_writes import BEGIN_WRITE, NewWrite, begin_write

AT_ONCE = int(os.environ.get("SAME_KEY_TIMES", "60"))
"""How often two clients ask the same at once."""

CANDIDATES = "/api/ats/v1/candidates"


@pytest.fixture(autouse=True)
def hasten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(context_writes, "LOOK_PAUSES", (0.0, 0.02))


def name_person() -> Json:
    name = draw_name()
    return {"first_name": "Kim", "last_name": name, "email_addresses": [f"{name.lower()}@example.com"]}


def count_people(writing: Writing) -> int:
    found: int = writing.count_rows()["candidates"]["rows"]
    return found


class Losing:
    """Loses the answers of writes: what the vendor did, it did."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, reaches_vendor: bool) -> None:
        send = VendorClient.send

        async def lose(client: VendorClient, method: str, path: str, body: bytes | None, **more: Any) -> Any:
            if reaches_vendor:
                await send(client, method, path, body, **more)
            raise Unanswered(f"{method} {path}: sent, and no answer came back")

        monkeypatch.setattr(VendorClient, "send", lose)


# Creates


async def test_what_a_write_made_is_read_back_in_one_transaction(writing: Writing) -> None:
    """A page of the change log is a transaction; what shows what was saved is made in it, not noted."""
    pool, number = writing.tenant.pool, writing.tenant.connector.number
    count = "SELECT (SELECT count(*) FROM event_page WHERE connector = $1), count(*) FROM stale WHERE connector = $1"
    before = await pool.fetchrow(count, number)
    answer = await writing.api.post(CANDIDATES, json={**name_person(), "job": find_open_job(writing)["id"]})
    assert answer.status_code == 200, answer.text
    pages, stale = await pool.fetchrow(count, number)
    assert (pages - before[0], stale - before[1]) == (1, 0)


async def test_candidate_with_a_job_is_read_everywhere_at_once(writing: Writing) -> None:
    job = find_open_job(writing)
    answer = await writing.api.post(CANDIDATES, json={**name_person(), "job": job["id"], "tags": ["Made here"]})
    assert answer.status_code == 200, answer.text
    made = answer.json()
    assert (made["outcome"], [step["outcome"] for step in made["steps"]]) == ("done", ["done"])
    read = (await writing.api.get(f"{CANDIDATES}/{made['id']}")).json()
    assert {name: made[name] for name in read} == read
    application = (await writing.api.get(f"/api/ats/v1/applications/{read['applications'][0]}")).json()
    assert (application["candidate"], application["job"]) == (made["id"], job["id"])
    operation = await writing.api.post(
        "/core/v1/connectors/greenhouse/versions/1.0/call",
        json={"operation": "get_candidate", "authId": str(writing.tenant.connector.id),
              "input": {"candidate_id": int(made["remote_id"])}},
    )  # fmt: skip
    assert operation.json()["output"]["body"]["last_name"] == made["last_name"]
    events = [one for one in await list_events(writing) if one["write_id"] == made["write_id"]]
    assert {("candidate", made["id"]), ("application", application["id"])} <= {
        (one["model"], one["id"]) for one in events
    }


async def list_events(writing: Writing) -> list[Json]:
    found: list[Json] = []
    params: Json = {"page_size": 200}
    while True:
        page = (await writing.api.get("/api/v1/events", params=params)).json()
        if not page["items"]:
            return found
        found += page["items"]
        params["cursor"] = page["cursor"]


async def test_both_shapes_of_a_candidate_are_taken(writing: Writing) -> None:
    job = find_open_job(writing)["id"]
    wrapped = {"data": {**name_person(), "job_id": job}, "remote_user_id": None}
    for body in (wrapped, {**name_person(), "job": {"remote_id": find_open_job(writing)["remote_id"]}}):
        made = (await writing.api.post(CANDIDATES, json=body)).json()
        application = (await writing.api.get(f"/api/ats/v1/applications/{made['applications'][0]}")).json()
        assert application["job"] == job


async def test_file_that_is_refused_leaves_the_candidate(writing: Writing, monkeypatch: pytest.MonkeyPatch) -> None:
    send = VendorClient.send

    async def refuse_files(client: VendorClient, method: str, path: str, body: bytes | None, **more: Any) -> Any:
        if path.endswith("/attachments"):
            body = b"{}"
        return await send(client, method, path, body, **more)

    monkeypatch.setattr(VendorClient, "send", refuse_files)
    body = {**name_person(), "job": find_open_job(writing)["id"],
            "attachments": [{"file_name": "cv.pdf", "file_content": "JVBERi0xLjQ="}]}  # fmt: skip
    answer = await writing.api.post(CANDIDATES, json=body)
    assert (answer.status_code, answer.json()["outcome"]) == (200, "partly_done")
    assert [(step["step"], step["outcome"]) for step in answer.json()["steps"]] == [
        ("candidate", "done"), ("attachment.0", "refused"),
    ]  # fmt: skip
    assert "422" in answer.json()["steps"][1]["error"]


async def test_every_create_of_the_contract_is_answered(writing: Writing) -> None:
    for spec in NATIVE_MODELS.values():
        answer = await writing.api.post(f"/api/ats/v1/{spec.plural}", json={"no_such_member": 1})
        assert answer.status_code in (422, 501), (spec.name, answer.text)
        if answer.status_code == 422:
            assert answer.json()["detail"][0]["loc"][0] == "body"
        else:
            assert answer.json()["detail"].startswith("Greenhouse cannot do this.")


# Once


async def test_repeat_under_a_key_gives_the_first_answer(writing: Writing) -> None:
    body, key = name_person(), {"X-Idempotency-Key": draw_name()}
    before = count_people(writing)
    first = await writing.api.post(CANDIDATES, json=body, headers=key)
    again = await writing.api.post(CANDIDATES, json=body, headers=key)
    assert (again.content, again.headers["idempotency-replayed"]) == (first.content, "true")
    assert "idempotency-replayed" not in first.headers
    other = await writing.api.post(CANDIDATES, json=name_person(), headers=key)
    assert other.status_code == 409
    assert count_people(writing) == before + 1


async def test_two_clients_with_one_key_make_one_thing(writing: Writing) -> None:
    async with writing.open_writes() as one, writing.open_writes() as other:
        for _ in range(AT_ONCE):
            data, key = name_person(), draw_name()
            before = count_people(writing)
            request = writing.request("candidate", "create", data, key=key)
            answers = await asyncio.gather(one.write(request), other.write(request), return_exceptions=True)
            done = [answer for answer in answers if isinstance(answer, WriteAnswer)]
            assert done, answers
            assert all(isinstance(answer, WriteAnswer | Conflict) for answer in answers), answers
            assert len({answer.body for answer in done}) == 1
            assert count_people(writing) == before + 1


async def test_claim_that_was_made_meanwhile_is_no_claim_of_a_wrong_clock(writing: Writing) -> None:
    """Whoever asks first may come second: their `now()` is that of the beginning of their transaction."""
    pool, number, key = writing.tenant.pool, writing.tenant.connector.number, draw_name()
    new = NewWrite(
        id=new_ordered_id(),
        key=key,
        model=4,
        verb="create",
        target=None,
        asked_by=None,
        actor=None,
        input_hash=b"",
        body=None,
    )
    async with pool.acquire() as earlier, earlier.transaction():
        await earlier.fetchval("SELECT now()")
        assert await begin_write(pool, number, new, LONGEST) is not None
        arguments = (new.id, key, 4, "create", None, None, None, b"", None, "running", LONGEST, LONGEST)
        assert await earlier.fetchrow(BEGIN_WRITE, number, *arguments) is None
    async with pool.acquire() as earlier, earlier.transaction():
        await earlier.fetchval("SELECT now()")
        begun = await operations.claim_call(pool, number, key, operation="x", input_hash=b"", claim=LONGEST)
        assert begun is not None
        assert await earlier.fetchrow(operations.CLAIM_CALL, number, key, "x", b"", LONGEST) is None


async def test_refused_write_may_be_tried_again_under_its_key(writing: Writing) -> None:
    _, application = await create_applicant(writing)
    url, key = f"/api/ats/v1/applications/{application}/unreject", {"X-Idempotency-Key": draw_name()}
    refused = await writing.api.post(url, json={}, headers=key)
    assert (refused.status_code, refused.json()["outcome"]) == (422, "refused")
    assert (await writing.api.post(f"/api/ats/v1/applications/{application}/reject", json={})).status_code == 200
    assert (await writing.api.post(url, json={}, headers=key)).status_code == 200


# Lost answers


async def test_lost_answer_is_resolved_by_looking(writing: Writing, monkeypatch: pytest.MonkeyPatch) -> None:
    before = count_people(writing)
    with monkeypatch.context() as patch:
        Losing(patch, reaches_vendor=True)
        answer = await writing.api.post(CANDIDATES, json=name_person())
    assert (answer.status_code, answer.json()["outcome"]) == (200, "done"), answer.text
    assert count_people(writing) == before + 1


async def test_what_cannot_be_told_is_settled_later(writing: Writing, monkeypatch: pytest.MonkeyPatch) -> None:
    before, person = count_people(writing), name_person()
    with monkeypatch.context() as patch:
        Losing(patch, reaches_vendor=False)
        answer = await writing.api.post(CANDIDATES, json=person)
    told = answer.json()
    assert (answer.status_code, told["outcome"]) == (502, "perhaps_made"), answer.text
    assert f"/api/v1/writes/{told['write_id']}/resolve" in told["detail"]
    log = f"/api/v1/writes/{told['write_id']}"
    assert (await writing.api.get(log)).json()["outcome"] == "perhaps_made"
    settled = await writing.api.post(f"{log}/resolve", json={})
    assert (settled.status_code, settled.json()["outcome"]) == (200, "not_made"), settled.text
    assert (await writing.api.post(f"{log}/resolve", json={})).status_code == 409
    assert count_people(writing) == before


async def test_late_thing_is_found_when_it_is_settled(writing: Writing, monkeypatch: pytest.MonkeyPatch) -> None:
    """The vendor did it, and showed it only later."""
    find = context_writes.Writes._find_lost

    async def see_nothing(*_: Any) -> Any:
        return None, None

    with monkeypatch.context() as patch:
        Losing(patch, reaches_vendor=True)
        patch.setattr(context_writes.Writes, "_find_lost", see_nothing)
        answer = await writing.api.post(CANDIDATES, json=name_person())
    assert answer.status_code == 502
    assert context_writes.Writes._find_lost is find
    log = f"/api/v1/writes/{answer.json()['write_id']}"
    settled = (await writing.api.post(f"{log}/resolve", json={})).json()
    assert settled["outcome"] == "done", settled
    assert (await writing.api.get(f"{CANDIDATES}/{settled['record']}")).status_code == 200


async def test_somebody_who_looked_says_how_it_ended(writing: Writing, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        Losing(patch, reaches_vendor=False)
        answer = await writing.api.post(CANDIDATES, json=name_person())
    other = await create_candidate(writing)
    log = f"/api/v1/writes/{answer.json()['write_id']}/resolve"
    assert (await writing.api.post(log, json={"outcome": "maybe"})).status_code == 422
    settled = (await writing.api.post(log, json={"outcome": "done", "remote_id": other["remote_id"]})).json()
    assert (settled["outcome"], settled["record"]) == ("done", other["id"])


# What moved meanwhile


async def test_change_of_a_record_that_moved_is_refused(writing: Writing) -> None:
    person = await create_candidate(writing)
    url, expected = f"{CANDIDATES}/{person['id']}", {"If-Match": f'"{person["modified_at"]}"'}
    first = await writing.api.patch(url, json={"title": "First"}, headers=expected)
    assert (first.status_code, first.json()["title"]) == (200, "First")
    second = await writing.api.patch(url, json={"title": "Second"}, headers=expected)
    assert second.status_code == 409
    assert (await writing.api.get(url)).json()["title"] == "First"
    assert (await writing.api.patch(url, json={}, headers={"If-Match": '"yesterday"'})).status_code == 400


async def test_change_at_the_vendor_that_no_sync_has_seen_counts(writing: Writing) -> None:
    person = await create_candidate(writing)
    writing.sandbox.app.emulator.streams["candidates"].change(int(person["remote_id"]), {"title": "By somebody else"})
    answer = await writing.api.patch(
        f"{CANDIDATES}/{person['id']}", json={"title": "Mine"}, headers={"If-Match": f'"{person["modified_at"]}"'}
    )
    assert answer.status_code == 409


# What is not sent


async def test_dry_run_lists_the_calls_and_makes_none(writing: Writing) -> None:
    before = writing.count_rows()
    body = {**name_person(), "job": find_open_job(writing)["id"],
            "attachments": [{"file_name": "cv.pdf", "file_content": "JVBERi0xLjQ="}]}  # fmt: skip
    planned = (await writing.api.post(f"{CANDIDATES}?dry_run=true", json=body)).json()
    assert planned["dry_run"] is True
    assert [(call["step"], call["method"], call["path"]) for call in planned["calls"]] == [
        ("candidate", "POST", "/v3/candidates"), ("attachment.0", "POST", "/v3/attachments"),
    ]  # fmt: skip
    assert writing.count_rows() == before
    bad = await writing.api.post(f"{CANDIDATES}?dry_run=true", json={"first_name": 7})
    assert bad.status_code == 422
    unknown = {**name_person(), "job": find_open_job(writing)["id"], "custom_fields": {"no such field": 1}}
    refused = await writing.api.post(f"{CANDIDATES}?dry_run=true", json=unknown)
    assert (refused.status_code, refused.json().keys()) == (422, {"detail"}), refused.text


@pytest.mark.parametrize(
    ("change", "place", "words"),
    [
        ({"job": "5b0f7a52-3c1e-5d0b-9f57-6a4f6a0f9d11"}, "job", "there is no job with this id"),
        ({"job": "7"}, "job", "must be the id of a record"),
        ({"last_name": ""}, "last_name", "shorter than 1 character"),
        ({"last_name": None}, "last_name", "is not of type"),
        ({"nickname": "x"}, "nickname", "not permitted"),
        ({"email_addresses": ["nobody"]}, "email_addresses", "email"),
        ({"attachments": [{"file_name": "a.exe", "file_content": "aGk="}]}, "attachments", "are not taken"),
        ({"attachments": [{"file_name": "a.pdf", "file_content": "?"}]}, "attachments", "base64"),
        ({"attachments": [{"file_name": "a.pdf"}]}, "attachments", "either file_url or file_content"),
        ({"attachments": [{"file_url": "http://169.254.169.254/a.pdf"}]}, "attachments", "not connected to"),
    ],
    ids=lambda part: str(part)[:40],
)
async def test_bad_member_is_named_and_nothing_is_sent(
    writing: Writing, change: Json, place: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(*_: Any, **__: Any) -> Any:
        raise AssertionError("the vendor was called")

    monkeypatch.setattr(VendorClient, "send", refuse)
    job = find_open_job(writing)["id"]
    answer = await writing.api.post(CANDIDATES, json={**name_person(), "job": job, **change})
    assert answer.status_code == 422, answer.text
    found = [problem for problem in answer.json()["detail"] if problem["loc"][1] == place]
    assert any(words in problem["msg"] for problem in found), answer.text


async def test_relation_to_another_model_is_refused(writing: Writing) -> None:
    wrong = writing.records["candidates"][0]["id"]
    answer = await writing.api.post(CANDIDATES, json={**name_person(), "job": wrong})
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["msg"] == "this is the id of a candidate, and must be that of a job"


async def test_record_that_is_not_there_is_not_found(writing: Writing) -> None:
    for id in ("5b0f7a52-3c1e-5d0b-9f57-6a4f6a0f9d11", "no-id"):
        answer = await writing.api.patch(f"{CANDIDATES}/{id}", json={"title": "x"})
        assert answer.status_code == 404, answer.text


# Later


async def test_queued_write_is_done_and_told(writing: Writing) -> None:
    body, key = name_person(), {"X-Idempotency-Key": draw_name(), "Prefer": "respond-async"}
    accepted = await writing.api.post(CANDIDATES, json=body, headers=key)
    assert (accepted.status_code, accepted.headers["preference-applied"]) == (202, "respond-async")
    log = accepted.json()["status_url"]
    assert (await writing.api.get(log)).json()["outcome"] == "waiting"
    bad = await writing.api.post(f"{CANDIDATES}?async=true", json={"first_name": 7})
    assert bad.status_code == 422
    async with run_queue(writing):
        told = await wait_until_over(writing, log)
    assert told["outcome"] == "done", told
    assert (await writing.api.get(f"{CANDIDATES}/{told['record']}")).json()["last_name"] == body["last_name"]
    again = await writing.api.post(CANDIDATES, json=body, headers=key)
    assert (again.status_code, again.json()["write_id"]) == (200, told["id"])
    left = await writing.tenant.pool.fetchval("SELECT count(*) FROM write_queue")
    assert left == 0


class Holding:
    """Holds the next write to the vendor until it is let go."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.arrived, self.go = asyncio.Event(), asyncio.Event()
        send = VendorClient.send

        async def hold(client: VendorClient, *args: Any, **more: Any) -> Any:
            self.arrived.set()
            await within(self.go.wait())
            return await send(client, *args, **more)

        monkeypatch.setattr(VendorClient, "send", hold)


@asynccontextmanager
async def run_queue(writing: Writing) -> AsyncIterator[None]:
    queue = make_write_queue(writing.databases.settings("migrated"), writing.tenant.pool, writing.sealer)
    working = asyncio.create_task(queue.run())
    try:
        yield
    finally:
        queue.stop()
        await asyncio.wait_for(working, 20)


async def wait_until_over(writing: Writing, log: str) -> Json:
    async with asyncio.timeout(30):
        while (told := (await writing.api.get(log)).json())["ended_at"] is None:  # noqa: ASYNC110 - over the API
            await asyncio.sleep(0.05)
    found: Json = told
    return found


async def test_key_of_a_queued_write_that_is_being_done_is_taken(
    writing: Writing, monkeypatch: pytest.MonkeyPatch
) -> None:
    body, key, before = name_person(), {"X-Idempotency-Key": draw_name()}, count_people(writing)
    holding = Holding(monkeypatch)
    async with run_queue(writing):
        log = (await writing.api.post(f"{CANDIDATES}?async=true", json=body, headers=key)).json()["status_url"]
        await asyncio.wait_for(holding.arrived.wait(), 20)
        assert (await writing.api.post(CANDIDATES, json=body, headers=key)).status_code == 409
        assert (await writing.api.post(f"{log}/resolve", json={"outcome": "not_made"})).status_code == 409
        holding.go.set()
        assert (await wait_until_over(writing, log))["outcome"] == "done"
    assert count_people(writing) == before + 1


async def test_write_under_way_cannot_be_queued_under_its_key(
    writing: Writing, monkeypatch: pytest.MonkeyPatch
) -> None:
    body, key, before = name_person(), {"X-Idempotency-Key": draw_name()}, count_people(writing)
    holding = Holding(monkeypatch)
    async with run_queue(writing):
        doing = asyncio.create_task(writing.api.post(CANDIDATES, json=body, headers=key))
        await asyncio.wait_for(holding.arrived.wait(), 20)
        assert (await writing.api.post(f"{CANDIDATES}?async=true", json=body, headers=key)).status_code == 409
        holding.go.set()
        assert (await doing).status_code == 200
    assert count_people(writing) == before + 1


async def test_write_that_waits_may_be_done_at_once_instead(writing: Writing) -> None:
    body, key, before = name_person(), {"X-Idempotency-Key": draw_name()}, count_people(writing)
    accepted = await writing.api.post(f"{CANDIDATES}?async=true", json=body, headers=key)
    assert (await writing.api.post(CANDIDATES, json=body, headers=key)).status_code == 200
    async with run_queue(writing):
        assert (await wait_until_over(writing, accepted.json()["status_url"]))["outcome"] == "done"
    assert count_people(writing) == before + 1
    assert await writing.tenant.pool.fetchval("SELECT count(*) FROM write_queue") == 0


async def test_refused_write_that_is_asked_for_again_later_is_done(writing: Writing) -> None:
    _, application = await create_applicant(writing)
    url, key = f"/api/ats/v1/applications/{application}", {"X-Idempotency-Key": draw_name()}
    assert (await writing.api.post(f"{url}/unreject", json={}, headers=key)).status_code == 422
    assert (await writing.api.post(f"{url}/reject", json={})).status_code == 200
    accepted = await writing.api.post(f"{url}/unreject?async=true", json={}, headers=key)
    assert accepted.status_code == 202
    assert (await writing.api.get(accepted.json()["status_url"])).json()["outcome"] == "waiting"
    async with run_queue(writing):
        assert (await wait_until_over(writing, accepted.json()["status_url"]))["outcome"] == "done"


async def test_what_was_perhaps_made_at_a_second_try_can_be_settled(
    writing: Writing, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, application = await create_applicant(writing)
    url, key = f"/api/ats/v1/applications/{application}", {"X-Idempotency-Key": draw_name()}
    assert (await writing.api.post(f"{url}/unreject", json={}, headers=key)).status_code == 422
    assert (await writing.api.post(f"{url}/reject", json={})).status_code == 200
    with monkeypatch.context() as patch:
        Losing(patch, reaches_vendor=False)
        told = await writing.api.post(f"{url}/unreject", json={}, headers=key)
    assert (told.status_code, told.json()["outcome"]) == (502, "perhaps_made"), told.text
    settled = await writing.api.post(f"/api/v1/writes/{told.json()['write_id']}/resolve", json={})
    assert (settled.status_code, settled.json()["outcome"]) == (200, "not_made"), settled.text


async def test_log_of_writes_goes_on_where_a_page_ends(writing: Writing) -> None:
    for _ in range(3):
        await create_candidate(writing)
    whole = await read_pages(writing.api, "/api/v1/writes", page_size=200)
    pages = await read_pages(writing.api, "/api/v1/writes", page_size=2)
    assert [one["id"] for one in pages] == [one["id"] for one in whole]
    assert [one["asked_at"] for one in whole] == sorted((one["asked_at"] for one in whole), reverse=True)
    assert whole[0]["asked_by"] == str(writing.tenant.key_id)
    one = (await writing.api.get(f"/api/v1/writes/{whole[0]['id']}")).json()
    assert (one["body"], one["answer"]["id"]) == (None, whole[0]["record"])


def test_every_input_is_one_of_a_path() -> None:
    assert {(path.model, path.verb) for path in WRITE_PATHS} == set(INPUTS)
