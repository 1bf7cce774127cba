"""Workable's webhooks: every event about candidates is read, what is not harms nothing, and how they are asked for."""

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
from unihire.integrations.workable.webhooks import EVENTS, WEBHOOKS, subscribe, unsubscribe

NOW = datetime(2026, 1, 31, tzinfo=UTC)
HERE = "https://unihire.example.com/hooks/1"
ARGS = {"account_id": "example", "job_shortcode": "", "stage_slug": ""}


def read(kind: Any, data: Any) -> Any:
    return WEBHOOKS.read(Delivery({}, json.dumps({"event_type": kind, "data": data}).encode(), NOW))


def test_signature_is_small_hex_under_the_token_over_the_raw_body() -> None:
    """corrections.md, 1."""
    body, token = b'{"event_type": "candidate_moved",  "data": {"id": "1"}}', "made-up token"
    assert WEBHOOKS.verify is not None
    assert WEBHOOKS.secret is not None
    assert WEBHOOKS.secret.credentials == ("api_token",)
    good = hmac.new(token.encode(), body, hashlib.sha256).hexdigest()
    assert WEBHOOKS.verify(Delivery({"x-workable-signature": good}, body, NOW), [token]) is Verdict.GOOD
    for bad in (good[:-1], good + "00", "sha256=" + good, ""):
        assert WEBHOOKS.verify(Delivery({"x-workable-signature": bad}, body, NOW), [token]) is Verdict.FORGED
    assert WEBHOOKS.verify(Delivery({"x-workable-signature": good}, body + b" ", NOW), [token]) is Verdict.FORGED
    assert WEBHOOKS.verify(Delivery({}, body, NOW), [token]) is Verdict.FORGED


def test_only_a_deletion_says_that_a_candidate_is_gone() -> None:
    found = {kind: read(kind, {"id": "2727030b"}).touches for kind in EVENTS}
    here = (Touch(stream="candidates", id="2727030b"),)
    gone = (Touch(stream="candidates", id="2727030b", is_gone=True),)
    assert found == {"candidate_created": here, "candidate_moved": here, "candidate_deleted": gone}


def test_id_may_be_a_number() -> None:
    assert read("candidate_moved", {"id": 27}).touches == (Touch(stream="candidates", id="27"),)


def test_events_of_employees_and_those_that_were_added_since_touch_nothing() -> None:
    for kind in ("employee_created", "job_deleted", "candidate_updated"):
        assert read(kind, {"id": "1"}).touches == ()


@pytest.mark.parametrize("kind", EVENTS)
def test_what_is_not_as_documented_is_refused_as_such(kind: str) -> None:
    odd: list[Any] = [None, [], 7, {}, {"id": None}, {"id": True}, {"id": ["x"]}, {"id": ""}]
    for data in odd:
        with pytest.raises((ValueError, KeyError, TypeError)):
            read(kind, data)
    for given in (7, None, ["x"]):
        with pytest.raises(TypeError):
            read(given, {"id": "1"})


class Subscriptions:
    """The vendor's API with its subscriptions; it refuses the events it is told to."""

    def __init__(self, *rows: Data, accounts: int = 1, refuses: str = "", has_ids: bool = True) -> None:
        self.rows, self.accounts, self.refuses, self.has_ids = list(rows), accounts, refuses, has_ids
        self.pages = 0

    async def get(self, path: str, params: Mapping[str, str]) -> Any:
        if path == "/accounts":
            return {"accounts": [{"id": "b4e8e", "subdomain": "example"}] * self.accounts}
        assert path == "/subscriptions"
        self.pages += 1
        if not self.rows:
            raise VendorRefused(path, status=404)
        after = int(params.get("since_id", "0"))
        return {"subscriptions": [row for row in self.rows if row["id"] >= after][:2]}

    async def send(self, method: str, path: str, body: Data | None = None) -> Any:
        if method == "DELETE":
            id = int(path.removeprefix("/subscriptions/"))
            if all(row["id"] != id for row in self.rows):
                raise VendorRefused(path, status=404)
            self.rows = [row for row in self.rows if row["id"] != id]
            return {}
        assert (method, path) == ("POST", "/subscriptions")
        assert body is not None
        if body["event"] == self.refuses:
            raise VendorRefused(path, status=422)
        row = {"id": max([100, *(one["id"] for one in self.rows)]) + 1, **body, **body.get("args", {})}
        self.rows.append(row)
        return {"id": row["id"]} if self.has_ids else {}


async def test_each_event_is_asked_for_of_all_jobs_and_stages() -> None:
    api = Subscriptions()
    made = await subscribe(api, HERE, None)
    assert made.ids == ("101", "102", "103")
    assert made.secrets == ()
    assert [(row["event"], row["target"], row["args"]) for row in api.rows] == [(kind, HERE, ARGS) for kind in EVENTS]
    await unsubscribe(api, [*made.ids, "999"])
    assert api.rows == []


async def test_account_is_not_named_where_the_token_has_several() -> None:
    api = Subscriptions(accounts=2)
    await subscribe(api, HERE, None)
    assert all("args" not in row for row in api.rows)


async def test_subscriptions_of_an_earlier_attempt_are_found_over_pages_and_others_left_alone() -> None:
    others = [
        {"id": 1, "event": "candidate_moved", "target": "https://other.example.com"},
        {"id": 2, "event": "candidate_moved", "target": HERE, "job_shortcode": "9CD658E13E"},
        {"id": 3, "event": "employee_created", "target": "https://other.example.com"},
    ]
    api = Subscriptions(*others, {"id": 4, "event": "candidate_moved", "target": HERE, "stage_slug": None})
    made = await subscribe(api, HERE, None)
    assert made.ids == ("101", "4", "102")
    assert api.rows[:3] == others
    assert api.pages == 4


async def test_refused_event_ends_those_that_were_made_before_it() -> None:
    kept = {"id": 7, "event": "candidate_created", "target": HERE}
    api = Subscriptions(kept, refuses="candidate_deleted")
    with pytest.raises(VendorRefused):
        await subscribe(api, HERE, None)
    assert api.rows == [kept]


async def test_answer_without_an_id_is_no_subscription() -> None:
    with pytest.raises(VendorChanged):
        await subscribe(Subscriptions(has_ids=False), HERE, None)


@pytest.mark.parametrize("row", [{"id": 1}, {"event": "x"}, {"id": None, "event": "x"}])
async def test_subscription_that_is_none_is_not_passed_over(row: Data) -> None:
    class Odd(Subscriptions):
        async def get(self, path: str, params: Mapping[str, str]) -> Any:
            return {"accounts": []} if path == "/accounts" else {"subscriptions": [row]}

    with pytest.raises(VendorChanged):
        await subscribe(Odd(), HERE, None)
