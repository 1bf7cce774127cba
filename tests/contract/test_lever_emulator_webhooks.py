"""The Lever emulator's webhooks: registered over the API, signed in the body, by origin, tried again as documented."""

import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from testbed.lever_line import LeverLine, LeverRefusal, Row, open_lever
from testbed.receiver import Receiver, answer_with, run_receiver
from unihire.integrations.lever.emulator.webhooks.messages import EVENTS, WAITS


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with run_receiver() as running:
        yield running


@pytest.fixture(scope="module")
def served() -> LeverLine:
    return open_lever()


@pytest.fixture
async def line(served: LeverLine) -> LeverLine:
    await served.control_async("POST", "reset")
    return served


def register(line: LeverLine, receiver: Receiver, *events: str, **conditions: Any) -> dict[str, Row]:
    found = {}
    for event in events:
        body = {"url": receiver.at(), "event": event, "configuration": {"conditions": conditions}}
        found[event] = line.act("POST", "/webhooks", body)
    return found


async def take(line: LeverLine, receiver: Receiver) -> list[Row]:
    """What arrives of what was done until now."""
    assert line.app.outbox is not None
    await line.app.outbox.run_due()
    found = [json.loads(one.body) for one in receiver.list()]
    receiver.received.clear()
    return found


async def test_message_is_signed_in_its_body_for_each_receiver(line: LeverLine, receiver: Receiver) -> None:
    made = register(line, receiver, "candidateStageChange", "candidateArchiveChange")
    token = made["candidateStageChange"]["configuration"]["signatureToken"]
    assert len(token) == 48
    row = line.get("/opportunities")[0]
    line.act("PUT", f"/opportunities/{row['id']}/stage", {"stage": "offer"})
    (message,) = await take(line, receiver)
    text = f"{message['token']}{message['triggeredAt']}"
    assert message["signature"] == hmac.new(token.encode(), text.encode(), hashlib.sha256).hexdigest()
    assert len(message["token"]) == 48
    assert (message["event"], message["data"]) == (
        "candidateStageChange",
        {
            "opportunityId": row["id"],
            "contactId": row["contact"],
            "candidateId": row["id"],
            "fromStageId": row["stage"],
            "toStageId": "offer",
        },
    )
    assert set(message) == {"id", "event", "triggeredAt", "token", "signature", "data"}


async def test_every_event_is_sent_by_what_it_is_of(line: LeverLine, receiver: Receiver) -> None:
    register(line, receiver, *EVENTS)
    posting = line.get("/postings", state="published")[0]["id"]
    row = line.act("POST", "/opportunities", {"name": "Ada", "emails": ["ada@example.com"], "postings": [posting]})
    assert [one["event"] for one in await take(line, receiver)] == ["contactCreated", "applicationCreated"]
    path = f"/opportunities/{row['id']}"
    hired = line.get("/archive_reasons", type="hired")[0]["id"]
    line.act("PUT", f"{path}/archived", {"reason": hired})
    changed, hire = await take(line, receiver)
    assert (changed["event"], hire["event"]) == ("candidateArchiveChange", "candidateHired")
    assert (changed["data"]["fromArchived"], changed["data"]["toArchived"]["reason"]) == (None, hired)
    line.act("PUT", f"/contacts/{row['contact']}", {"name": "Ada Changed"})
    assert [one["event"] for one in await take(line, receiver)] == ["contactUpdated"]
    line.act("PUT", f"/contacts/{row['contact']}", {"name": "Ada Changed"})
    assert await take(line, receiver) == []
    interview = {"interviewers": [{"id": line.keys["perform_as"]}], "date": 1_800_000_000_000, "duration": 30}
    panel = line.act("POST", f"{path}/panels", {"timezone": "UTC", "interviews": [interview]})
    (message,) = await take(line, receiver)
    own = panel["interviews"][0]["id"]
    assert (message["event"], message["data"]["interviewId"], message["data"]["panelId"]) == (
        "interviewCreated", own, panel["id"],
    )  # fmt: skip
    line.act("PUT", f"{path}/interviews/{own}", {**interview, "panel": panel["id"], "location": "x"})
    line.act("DELETE", f"{path}/interviews/{own}")
    assert [one["event"] for one in await take(line, receiver)] == ["interviewUpdated", "interviewDeleted"]
    line.act("POST", f"{path}/notes", {"value": "x"})
    line.act("POST", f"{path}/addTags", {"tags": ["x"]})
    assert await take(line, receiver) == []
    await line.control_async("DELETE", f"rows/opportunities/{row['id']}")
    (message,) = await take(line, receiver)
    assert (message["event"], message["data"]["contactId"]) == ("candidateDeleted", row["contact"])
    other = line.act("POST", "/opportunities", {"name": "Bea", "emails": ["bea@example.com"]})
    await take(line, receiver)
    await line.control_async("DELETE", f"rows/contacts/{other['contact']}")
    (message,) = await take(line, receiver)
    assert (message["event"], message["data"]["opportunityId"]) == ("candidateDeleted", other["id"])


async def test_webhook_of_some_origins_hears_of_those_alone(line: LeverLine, receiver: Receiver) -> None:
    register(line, receiver, "candidateStageChange", origins=["referred", "agency"])
    for origin in ("applied", "agency"):
        row = line.act("POST", "/opportunities", {"origin": origin})
        line.act("PUT", f"/opportunities/{row['id']}/stage", {"stage": "offer"})
        assert len(await take(line, receiver)) == (origin == "agency")


async def test_message_is_tried_six_times_with_a_growing_delay(line: LeverLine, receiver: Receiver) -> None:
    register(line, receiver, "contactCreated")
    receiver.otherwise["/hook"] = answer_with(500)
    line.act("POST", "/opportunities", {"name": "Ada"})
    messages = await take(line, receiver)
    for wait in (*WAITS, 86_400):
        line.app.clock.advance(timedelta(seconds=wait - 1))
        assert await take(line, receiver) == []
        line.app.clock.advance(timedelta(seconds=2))
        messages += await take(line, receiver)
    assert len(messages) == 6
    assert all(message == messages[0] for message in messages)


async def test_webhooks_are_listed_without_their_token_changed_together_and_deleted(
    line: LeverLine, receiver: Receiver
) -> None:
    made = register(line, receiver, "contactCreated", "contactUpdated")
    rows = line.get("/webhooks")
    assert [row["id"] for row in rows] == [one["id"] for one in made.values()]
    assert all("signatureToken" not in row["configuration"] for row in rows)
    assert "hasNext" not in line.ask_whole("GET", "/webhooks")
    data = [{"id": rows[0]["id"], "event": "candidateDeleted"}, {"id": rows[1]["id"], "url": receiver.at("/other")}]
    assert line.act("PUT", "/webhooks", {"data": data})[0]["event"] == "candidateDeleted"
    line.act("POST", "/opportunities", {"name": "Ada"})
    assert await take(line, receiver) == []
    for row in rows:
        assert line.send("DELETE", f"/webhooks/{row['id']}").status == 204
    assert line.get("/webhooks") == []
    for wrong in (
        {"url": "https://example.com/x", "event": "contactCreated"},
        {"url": receiver.at(), "event": "noteCreated"},
        {"url": receiver.at(), "event": "contactCreated", "configuration": {"conditions": {"origins": ["x"]}}},
        {"event": "contactCreated"},
    ):
        with pytest.raises(LeverRefusal, match="400"):
            line.act("POST", "/webhooks", wrong)
    assert line.get("/webhooks") == []


async def test_receiver_of_the_control_plane_hears_of_everything(line: LeverLine, receiver: Receiver) -> None:
    await line.control_async("POST", "receivers", {"url": receiver.at(), "secret": "made-up secret"})
    receiver.received.clear()
    row = line.get("/opportunities")[0]
    await line.control_async("PATCH", f"rows/opportunities/{row['id']}", {"stage": "offer"})
    (message,) = await take(line, receiver)
    text = f"{message['token']}{message['triggeredAt']}"
    assert message["signature"] == hmac.new(b"made-up secret", text.encode(), hashlib.sha256).hexdigest()
