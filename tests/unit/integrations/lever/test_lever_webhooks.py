"""Lever's webhooks: the signature in the body, what harms nothing, and how they are asked for."""

import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from unihire.errors import VendorChanged, VendorRefused
from unihire.integration.declare import Data
from unihire.integration.webhooks import Delivery, Touch, Verdict
from unihire.integrations.lever.webhooks import EVENTS, TOLERANCE, WEBHOOKS, subscribe, unsubscribe
from unihire.kit.clock import EPOCH

NOW = datetime(2026, 7, 2, 6, 40, tzinfo=UTC)
TRIGGERED = 1782974063000
URL = "https://hooks.example.com/1"


def sign(secret: str, token: str = "made-up", triggered: Any = TRIGGERED, **others: Any) -> Delivery:
    signature = hmac.new(secret.encode(), f"{token}{triggered}".encode(), hashlib.sha256).hexdigest()
    body = {"id": "e-1", "event": "candidateHired", "triggeredAt": triggered, "token": token, "signature": signature}
    body |= {"data": {"opportunityId": "o"}} | others
    return Delivery({}, json.dumps(body).encode(), NOW)


def verify(delivery: Delivery, *secrets: str) -> Verdict:
    assert WEBHOOKS.verify is not None
    return WEBHOOKS.verify(delivery, secrets or ("secret",))


def test_token_and_moment_are_signed_under_the_secret_of_any_of_the_webhooks() -> None:
    """contract.json, webhooks.signature: hex of HMAC-SHA256 over token and triggeredAt as decimal text."""
    assert verify(sign("secret")) is Verdict.GOOD
    assert verify(sign("two"), "one", "two") is Verdict.GOOD
    assert verify(sign("other")) is Verdict.FORGED
    assert verify(sign("secret", token="x", signature=json.loads(sign("secret").body)["signature"])) is Verdict.FORGED


@pytest.mark.parametrize("others", [{"token": None}, {"token": ""}, {"token": "x" * 300}, {"triggeredAt": "1"},
                                    {"triggeredAt": True}, {"triggeredAt": None}, {"signature": 7}])  # fmt: skip
def test_delivery_without_what_is_signed_is_forged(others: dict[str, Any]) -> None:
    assert verify(sign("secret", **others)) is Verdict.FORGED


def test_delivery_is_good_for_a_day_and_never_for_a_moment_that_is_none() -> None:
    def at(moment: datetime) -> Verdict:
        return verify(sign("secret", triggered=(moment - EPOCH) // timedelta(milliseconds=1)))

    assert at(NOW - TOLERANCE + timedelta(minutes=1)) is Verdict.GOOD
    assert at(NOW - TOLERANCE - timedelta(minutes=1)) is Verdict.STALE
    assert verify(sign("secret", triggered=10**30)) is Verdict.FORGED


def read(event: Any, data: Any, **others: Any) -> Any:
    return WEBHOOKS.read(Delivery({}, json.dumps({"event": event, "data": data, **others}).encode(), NOW))


def test_event_that_was_added_since_touches_nothing() -> None:
    found = read("contactDeleted", {"contactId": "c"}, id="e-1")
    assert (found.touches, found.id) == ((), "e-1")
    assert read("contactUpdated", {"contactId": "c"}, id=7).id is None


def test_older_accounts_name_the_opportunity_a_candidate() -> None:
    touches = read("candidateStageChange", {"candidateId": "o", "opportunityId": None}).touches
    assert touches == (Touch(stream="opportunities", id="o"),)


@pytest.mark.parametrize("event", EVENTS)
@pytest.mark.parametrize("data", [{}, [], None, {"opportunityId": 7, "contactId": []}, {"opportunityId": ""}])
def test_event_that_is_not_as_documented_is_refused(event: str, data: Any) -> None:
    with pytest.raises((KeyError, TypeError, ValueError)):
        read(event, data)


class Api:
    """An account with webhooks; it refuses those for `refused`."""

    def __init__(self, refused: str = "") -> None:
        self.hooks: dict[str, Data] = {"old": {"id": "old", "url": URL}, "foreign": {"id": "foreign", "url": "other"}}
        self.refused = refused

    async def get(self, path: str, params: Mapping[str, str]) -> Any:
        assert path == "/webhooks"
        return {"data": list(self.hooks.values())}

    async def send(self, method: str, path: str, body: Data | None = None) -> Any:
        if method == "DELETE":
            if self.hooks.pop(path.removeprefix("/webhooks/"), None) is None:
                raise VendorRefused("none", status=404, body=b"")
            return None
        assert body is not None
        if body["event"] == self.refused:
            raise VendorRefused("no", status=400, body=b"")
        id = f"hook-{body['event']}"
        self.hooks[id] = {"id": id, **body}
        return {"data": {"id": id, **body, "configuration": {"signatureToken": f"secret-{body['event']}"}}}


async def test_each_event_has_a_webhook_whose_secret_is_taken_and_older_ones_of_the_address_go() -> None:
    api = Api()
    made = await subscribe(api, URL, None)
    assert made.ids == tuple(f"hook-{event}" for event in EVENTS)
    assert made.secrets == tuple(f"secret-{event}" for event in EVENTS)
    assert api.hooks.keys() == {"foreign", *made.ids}
    await unsubscribe(api, [*made.ids, "gone before"])
    assert api.hooks.keys() == {"foreign"}


async def test_webhooks_made_before_a_refusal_are_ended() -> None:
    api = Api(refused="interviewDeleted")
    with pytest.raises(VendorRefused):
        await subscribe(api, URL, None)
    assert api.hooks.keys() == {"foreign"}


@pytest.mark.parametrize("answer", [None, {}, {"data": {"id": "a"}}, {"data": {"id": "a", "configuration": None}},
                                    {"data": {"id": "a", "configuration": {"signatureToken": ""}}}])  # fmt: skip
async def test_webhook_without_a_secret_is_a_change_of_the_vendors(answer: Any) -> None:
    api = Api()
    api.send = lambda *_: give(answer)  # type: ignore[method-assign]
    with pytest.raises(VendorChanged):
        await subscribe(api, "https://new.example.com", None)


@pytest.mark.parametrize("answer", [None, {}, {"data": None}, {"data": [7]}, {"data": [{"url": URL}]}])
async def test_list_that_is_none_of_webhooks_is_a_change_of_the_vendors(answer: Any) -> None:
    api = Api()
    api.get = lambda *_: give(answer)  # type: ignore[method-assign]
    with pytest.raises(VendorChanged):
        await subscribe(api, URL, None)
    assert api.hooks.keys() == {"old", "foreign"}


async def give(answer: Any) -> Any:
    return answer
