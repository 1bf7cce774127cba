"""Ashby's webhooks: every documented event is read, what is not harms nothing, and how they are asked for."""

import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from unihire.errors import VendorChanged, VendorRefused
from unihire.integration.declare import Data
from unihire.integration.webhooks import Delivery, Touch, Verdict
from unihire.integrations.ashby.emulator.webhooks import messages
from unihire.integrations.ashby.webhooks import EVENTS, ONLY_IN_PAGES, WEBHOOKS, subscribe, unsubscribe

NOW = datetime(2026, 1, 31, tzinfo=UTC)
NOT_READ = "surveySubmit"


def read(action: Any, data: Any) -> Any:
    body = {"webhookActionId": "a-1", "action": action, "data": data}
    return WEBHOOKS.read(Delivery({}, json.dumps(body).encode(), NOW))


def test_every_event_of_the_contract_is_read_but_answers_to_surveys() -> None:
    assert {*EVENTS, NOT_READ} == set(messages.EVENTS)
    assert set(ONLY_IN_PAGES) == set(messages.EVENTS) - set(messages.CREATABLE)


def test_signature_is_the_documented_one() -> None:
    """contract.json, webhooks: `sha256=` and lower-case hex over the raw body."""
    body, secret = b'{"action":"ping","data":{"webhookActionType":"ping"}}', "made-up secret"
    assert WEBHOOKS.verify is not None
    good = "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    assert WEBHOOKS.verify(Delivery({"ashby-signature": good}, body, NOW), [secret]) is Verdict.GOOD
    for bad in (good.replace("sha256=", ""), good.replace("=", " "), good[:-1], good + "00"):
        assert WEBHOOKS.verify(Delivery({"ashby-signature": bad}, body, NOW), [secret]) is Verdict.FORGED
    assert WEBHOOKS.verify(Delivery({}, body, NOW), [secret]) is Verdict.FORGED


def test_id_that_several_events_share_is_no_events_id() -> None:
    assert read("ping", {"webhookActionType": "ping"}).id is None
    assert read("applicationUpdate", {"application": {"id": "a"}}).id is None


def test_ping_and_events_that_were_added_since_touch_nothing() -> None:
    for action in ("ping", NOT_READ, "candidateUpdate"):
        assert read(action, {"application": {"id": "a"}}).touches == ()


@pytest.mark.parametrize("action", EVENTS)
def test_what_is_not_as_documented_is_refused_as_such(action: str) -> None:
    noun = {"application": 7, "candidate": [], "offer": "x", "job": None, "jobPosting": 1, "interviewSchedule": []}
    for data in (None, [], 7, {}, noun, {"jobId": 7, "opening": {"id": 7}}):
        with pytest.raises((ValueError, KeyError, TypeError)):
            read(action, data)
    for given in (7, None, ["x"]):
        with pytest.raises(TypeError):
            read(given, {})


def test_what_may_be_missing_may_be() -> None:
    assert read("applicationSubmit", {"application": {"id": "a"}}).touches == (Touch(stream="applications", id="a"),)
    assert read("candidateHire", {"application": {"id": "a"}, "offer": None}).touches == (
        Touch(stream="applications", id="a"),
    )
    assert read("jobPostingDelete", {"jobPosting": {"id": "p"}}).touches == (
        Touch(stream="job_postings", id="p", is_gone=True),
    )
    assert read("openingCreate", {"opening": {"id": "o"}}).touches == ()


class Api:
    """The vendor's API, which refuses what it is told to."""

    def __init__(self, *, refuses: Mapping[str, int] | None = None, answers: bool = True) -> None:
        self.refuses, self.answers = refuses or {}, answers
        self.made: dict[str, Data] = {}

    async def get(self, path: str, params: Mapping[str, str]) -> Any:
        raise AssertionError(path)

    async def send(self, method: str, path: str, body: Data | None = None) -> Any:
        assert method == "POST"
        assert body is not None
        named = str(body.get("webhookType", body.get("webhookId")))
        if named in self.refuses:
            raise VendorRefused(path, status=self.refuses[named])
        if path == "/webhook.delete":
            del self.made[named]
            return {"success": True, "results": {"webhookId": named}}
        id = f"h-{len(self.made)}"
        self.made[id] = body
        return {"success": True, "results": {"id": id} if self.answers else {}}


async def test_every_event_that_can_be_asked_for_is() -> None:
    api = Api()
    done = await subscribe(api, "https://hooks.example.com/1", "made-up secret")
    assert list(done.ids) == list(api.made)
    assert {one["webhookType"] for one in api.made.values()} == set(messages.CREATABLE) - {NOT_READ}
    first = next(iter(api.made.values()))
    assert (first["requestUrl"], first["secretToken"]) == ("https://hooks.example.com/1", "made-up secret")
    await unsubscribe(api, done.ids)
    assert api.made == {}


async def test_event_whose_name_is_a_guess_may_be_refused() -> None:
    api = Api(refuses={"jobPostingDelete": 400})
    assert len((await subscribe(api, "https://hooks.example.com/1", "s")).ids) == len(messages.CREATABLE) - 2


async def test_webhooks_of_an_attempt_that_fails_are_ended_again() -> None:
    api = Api(refuses={"offerUpdate": 400})
    with pytest.raises(VendorRefused):
        await subscribe(api, "https://hooks.example.com/1", "s")
    assert api.made == {}
    with pytest.raises(VendorChanged):
        await subscribe(Api(answers=False), "https://hooks.example.com/1", "s")


async def test_webhook_that_is_gone_is_passed_over_and_another_refusal_is_not() -> None:
    await unsubscribe(Api(refuses={"gone": 404}), ["gone"])
    with pytest.raises(VendorRefused):
        await unsubscribe(Api(refuses={"odd": 400}), ["odd"])
