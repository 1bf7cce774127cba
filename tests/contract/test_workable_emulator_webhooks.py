"""The Workable emulator's webhooks: subscribed to over the API, filtered, signed, tried again."""

import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from testbed.receiver import Receiver, answer_with, run_receiver
from testbed.workable_line import RefusedCall, Row, WorkableLine, open_workable
from unihire.integrations.workable.emulator.webhooks.messages import EVENTS, OTHERS, WAITS

ADMIN = "1f0001"
ADA: Row = {"firstname": "Ada", "lastname": "Muster", "email": "ada.muster@example.com"}


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with run_receiver() as running:
        yield running


@pytest.fixture
def line() -> WorkableLine:
    return open_workable(size=100, seed=4)


async def deliver(line: WorkableLine) -> None:
    assert line.app.outbox is not None
    await line.app.outbox.run_due()


async def take(line: WorkableLine, receiver: Receiver, path: str = "/hook") -> list[Row]:
    """What arrives of what was done until now."""
    await deliver(line)
    found = [json.loads(one.body) for one in receiver.list(path)]
    receiver.received.clear()
    return found


def subscribe(line: WorkableLine, receiver: Receiver, event: str, **args: Any) -> int:
    number = line.post("/subscriptions", target=receiver.at(), event=event, args={"account_id": "example", **args})[
        "id"
    ]
    assert isinstance(number, int)
    return number


async def test_message_is_signed_over_its_bytes_with_the_token_that_subscribed(
    line: WorkableLine, receiver: Receiver
) -> None:
    partner = line.with_token(line.tokens["partner_token"])
    subscribe(partner, receiver, "candidate_created")
    assert receiver.list() == [], "no ping is documented"
    job = line.walk("/jobs", state="published")[0]["shortcode"]
    made = line.post(f"/jobs/{job}/candidates", candidate=ADA)["candidate"]
    await deliver(line)
    (message,) = receiver.list()
    digest = hmac.new(line.tokens["partner_token"].encode(), message.body, hashlib.sha256).hexdigest()
    assert message.headers["X-Workable-Signature"] == digest
    body = json.loads(message.body)
    assert set(body) == {"id", "event_type", "resource_type", "fired_at", "data"}
    assert (body["event_type"], body["resource_type"]) == ("candidate_created", "candidate")
    assert (body["data"]["id"], body["data"]["stage_kind"]) == (made["id"], "sourced")


async def test_client_that_signed_in_is_sent_messages_signed_with_its_secret(
    line: WorkableLine, receiver: Receiver
) -> None:
    await line.control_async(
        "POST", "rows/api_keys", {"token": "handed out", "kind": "oauth", "scopes": [], "signs_with": "client's secret"}
    )
    subscribe(line.with_token("handed out"), receiver, "candidate_deleted")
    await line.control_async("DELETE", f"rows/candidates/{line.walk('/candidates')[0]['id']}")
    await deliver(line)
    (message,) = receiver.list()
    digest = hmac.new(b"client's secret", message.body, hashlib.sha256).hexdigest()
    assert message.headers["X-Workable-Signature"] == digest


async def test_signature_may_be_in_base64(receiver: Receiver) -> None:
    line = open_workable(100, signature="base64")
    subscribe(line, receiver, "candidate_deleted")
    line_id = line.walk("/candidates")[0]["id"]
    await line.control_async("DELETE", f"rows/candidates/{line_id}")
    await deliver(line)
    (message,) = receiver.list()
    digest = hmac.new(line.tokens["api_token"].encode(), message.body, hashlib.sha256).digest()
    assert message.headers["X-Workable-Signature"] == base64.b64encode(digest).decode()


async def test_moves_are_reported_and_other_changes_are_not(line: WorkableLine, receiver: Receiver) -> None:
    for event in EVENTS:
        subscribe(line, receiver, event)
    row = next(row for row in line.walk("/candidates") if row["stage"] == "Applied" and not row["disqualified"])
    path = f"/candidates/{row['id']}"
    line.ask("PATCH", path, {"candidate": {"headline": "x"}})
    line.post(f"{path}/comments", member_id=ADMIN, comment={"body": "x"})
    line.ask("PUT", f"{path}/tags", {"tags": ["x"]})
    line.post(f"{path}/disqualify", member_id=ADMIN)
    line.post(f"{path}/revert", member_id=ADMIN)
    assert await take(line, receiver) == []
    line.post(f"{path}/move", member_id=ADMIN, target_stage="offer")
    (moved,) = await take(line, receiver)
    assert (moved["event_type"], moved["data"]["id"], moved["data"]["stage"]) == ("candidate_moved", row["id"], "Offer")
    await line.control_async("PATCH", f"rows/candidates/{row['id']}", {"stage_slug": "applied"})
    await line.control_async("PATCH", f"rows/candidates/{row['id']}", {"headline": "y"})
    await line.control_async("DELETE", f"rows/candidates/{row['id']}")
    assert [one["event_type"] for one in await take(line, receiver)] == ["candidate_moved", "candidate_deleted"]


async def test_relocation_is_a_new_candidate_and_one_less(line: WorkableLine, receiver: Receiver) -> None:
    for event in EVENTS:
        subscribe(line, receiver, event)
    row = line.walk("/candidates")[0]
    other = next(job["shortcode"] for job in line.walk("/jobs") if job["shortcode"] != row["job"]["shortcode"])
    where = {"member_id": ADMIN, "target_job_shortcode": other, "target_stage": "applied"}
    new = line.post(f"/candidates/{row['id']}/relocate", **where)["candidate"]["id"]
    found = {one["event_type"]: one["data"]["id"] for one in await take(line, receiver)}
    assert found == {"candidate_created": new, "candidate_deleted": row["id"]}


async def test_subscription_may_be_for_one_job_or_stage(line: WorkableLine, receiver: Receiver) -> None:
    row = next(row for row in line.walk("/candidates") if row["stage"] == "Applied" and not row["disqualified"])
    job = row["job"]["shortcode"]
    other = next(one["job"]["shortcode"] for one in line.walk("/candidates") if one["job"]["shortcode"] != job)
    subscribe(line, receiver, "candidate_moved", job_shortcode=job, stage_slug="hired")
    subscribe(line, receiver, "candidate_moved", job_shortcode=other, stage_slug="")
    line.post(f"/candidates/{row['id']}/move", member_id=ADMIN, target_stage="offer")
    assert await take(line, receiver) == []
    line.post(f"/candidates/{row['id']}/move", member_id=ADMIN, target_stage="hired")
    assert len(await take(line, receiver)) == 1


async def test_what_is_not_answered_with_200_is_sent_again(line: WorkableLine, receiver: Receiver) -> None:
    subscribe(line, receiver, "candidate_deleted")
    ids = [row["id"] for row in line.walk("/candidates")]
    receiver.answers["/hook"] = [answer_with(500), answer_with(204), answer_with(302)]
    await line.control_async("DELETE", f"rows/candidates/{ids[0]}")
    for tries, wait in enumerate(WAITS[:3], 1):
        await deliver(line)
        await deliver(line)
        assert len(receiver.list()) == tries
        await line.control_async("POST", "clock", {"advance_seconds": wait})
    await deliver(line)
    assert len({one.body for one in receiver.list()}) == 1
    assert (await line.control_async("GET", "deliveries"))[-1]["state"] == "delivered"
    receiver.received.clear()
    receiver.otherwise["/hook"] = answer_with(500)
    await line.control_async("DELETE", f"rows/candidates/{ids[1]}")
    for wait in (*WAITS, 100_000):
        await deliver(line)
        await line.control_async("POST", "clock", {"advance_seconds": wait})
    await deliver(line)
    assert len(receiver.list()) == len(WAITS) + 1
    assert (await line.control_async("GET", "deliveries"))[-1]["state"] == "given up"


async def test_subscriptions_are_listed_and_removed_and_none_is_a_404(line: WorkableLine, receiver: Receiver) -> None:
    with pytest.raises(RefusedCall, match="404"):
        line.get("/subscriptions")
    numbers = [subscribe(line, receiver, event) for event in EVENTS]
    rows = line.walk("/subscriptions", limit=2)
    assert [row["id"] for row in rows] == numbers == sorted(numbers)
    assert rows[0] == {
        "id": numbers[0], "event": EVENTS[0], "target": receiver.at(), "stage_slug": None, "job_shortcode": None,
    }  # fmt: skip
    assert line.ask("DELETE", f"/subscriptions/{numbers[2]}") == {}
    with pytest.raises(RefusedCall, match="404"):
        line.ask("DELETE", f"/subscriptions/{numbers[2]}")
    await line.control_async("DELETE", f"rows/candidates/{line.walk('/candidates')[0]['id']}")
    assert await take(line, receiver) == []


async def test_subscription_that_is_wrong_or_there_already_is_refused(line: WorkableLine, receiver: Receiver) -> None:
    good = {"target": receiver.at(), "event": "candidate_moved", "args": {"account_id": "example"}}
    line.post("/subscriptions", **good)
    for body, status in (
        ({}, 409), ({"event": "job_deleted"}, 422), ({"event": None}, 422), ({"target": "https://example.com/"}, 422),
        ({"target": "nothing"}, 422), ({"args": {"account_id": "other"}}, 422), ({"args": {"job_shortcode": "x"}}, 422),
        ({"event": "employee_created", "args": {"stage_slug": "offer"}}, 422), ({"args": {"stage_slug": 1}}, 422),
    ):  # fmt: skip
        with pytest.raises(RefusedCall) as refused:
            line.post("/subscriptions", **{**good, **body})
        assert refused.value.status == status, body
    assert len(line.walk("/subscriptions")) == 1
    for event in OTHERS:
        assert subscribe(line, receiver, event)
    assert line.with_token(line.tokens["partner_token"]).post("/subscriptions", **good)["id"]


async def test_receiver_of_the_control_plane_hears_of_everything(line: WorkableLine, receiver: Receiver) -> None:
    await line.control_async("POST", "receivers", {"url": receiver.at(), "secret": "mine"})
    (ping,) = receiver.list()
    assert json.loads(ping.body)["event_type"] == "ping"
    receiver.received.clear()
    await line.control_async("DELETE", f"rows/candidates/{line.walk('/candidates')[0]['id']}")
    await deliver(line)
    (message,) = receiver.list()
    digest = hmac.new(b"mine", message.body, hashlib.sha256).hexdigest()
    assert message.headers["X-Workable-Signature"] == digest
