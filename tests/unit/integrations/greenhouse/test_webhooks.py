"""Greenhouse's webhooks: every documented event is read, and what is not as documented harms nothing."""

import hashlib
import hmac
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from unihire.integration.inspect import find_folder
from unihire.integration.registry import get_integration
from unihire.integration.webhooks import Delivery, Touch, Verdict
from unihire.integrations.greenhouse.webhooks import EVENTS, WEBHOOKS

NOW = datetime(2026, 1, 31, tzinfo=UTC)
FIXTURES = find_folder(get_integration("greenhouse")) / "fixtures" / "webhooks"
DOCUMENTED = """
    new_candidate_application application_updated delete_application new_prospect_application candidate_stage_change
    hire_candidate unhire_candidate reject_candidate unreject_candidate update_candidate delete_candidate
    merge_candidate candidate_anonymized offer_created offer_approved offer_updated offer_deleted interview_deleted
    scorecard_deleted job_created job_updated job_approved job_deleted job_post_created job_post_updated
    job_post_deleted job_interview_stage_deleted department_deleted office_deleted
"""
"""The table of events in the vendor's documents, without the ping."""


def read(action: Any, payload: Any, **headers: str) -> Any:
    return WEBHOOKS.read(Delivery(headers, json.dumps({"action": action, "payload": payload}).encode(), NOW))


def test_every_event_of_the_contract_is_read_and_no_other() -> None:
    assert EVENTS.keys() == set(DOCUMENTED.split())


def test_signature_is_the_documented_one() -> None:
    """webhooks.md, Signature: the algorithm, one space, lower-case hex over the raw body."""
    body, secret = b'{"action":"ping","payload":{"name":"Zo\\u00eb \\u003cb\\u003e"}}', "made-up secret"
    assert WEBHOOKS.verify is not None
    good = "sha256 " + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    assert WEBHOOKS.verify(Delivery({"signature": good}, body, NOW), [secret]) is Verdict.GOOD
    for bad in (good.replace("sha256 ", ""), good.replace("sha256", "sha1"), good[:-1], good + "00"):
        assert WEBHOOKS.verify(Delivery({"signature": bad}, body, NOW), [secret]) is Verdict.FORGED


def test_event_is_known_by_the_header_of_the_vendor() -> None:
    event = read("ping", {"active": True}, **{"greenhouse-event-id": "e-1"})
    assert (event.id, event.kind, event.touches) == ("e-1", "ping", ())
    assert read("ping", {}).id is None


def test_event_that_was_added_since_touches_nothing() -> None:
    assert read("hiring_team_updated", {"job": {"id": 1}}).touches == ()


@pytest.mark.parametrize("action", EVENTS)
def test_what_is_not_as_documented_is_refused_as_such(action: str) -> None:
    for payload in (None, [], 7, {}, {"application": None}, {"id": "7"}, {"id": True}, {"id": 2**63}, {"id": -1}):
        with pytest.raises((ValueError, KeyError, TypeError)):
            read(action, payload)
    for given in (7, None, ["x"]):
        with pytest.raises(TypeError):
            read(given, {})


@pytest.mark.parametrize("path", sorted(FIXTURES.glob("*[!t].json")), ids=lambda path: path.stem)
def test_what_may_be_missing_from_a_payload_may_be(path: Path) -> None:
    """With nothing but the id of what it is about, an event touches that."""
    message = json.loads(path.read_text())["body"]
    event = read(message["action"], _keep_ids(message["payload"]))
    whole = read(message["action"], message["payload"])
    assert event.touches
    assert event.touches[0] == whole.touches[0]


def _keep_ids(payload: Any) -> Any:
    """A payload without anything but the first id in it."""
    name, first = next(
        (name, value) for name, value in payload.items() if name in ("id", "candidate_id") or "id" in _as_object(value)
    )
    return {name: first if not isinstance(first, dict) else {"id": first["id"]}}


def _as_object(value: Any) -> Any:
    return value if isinstance(value, dict) else {}


def test_person_who_is_deleted_goes_with_the_applications_that_are_named() -> None:
    event = read("delete_candidate", {"person": {"id": 1, "deleted_application_ids": [2, 3]}})
    assert event.touches == (
        Touch(stream="candidates", id="1", is_gone=True),
        Touch(stream="applications", id="2", is_gone=True),
        Touch(stream="applications", id="3", is_gone=True),
    )
