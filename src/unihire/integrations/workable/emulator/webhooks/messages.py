"""How webhooks travel: which events there are, how a message is signed, and when it is tried again."""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from functools import partial
from uuid import NAMESPACE_URL, uuid5

import msgspec

from unihire.integration.emulate import OutboxRules, Receiver, Row

EVENTS = ("candidate_created", "candidate_moved", "candidate_deleted")
OTHERS = (
    "employee_created", "employee_updated", "employee_published", "onboarding_completed", "timeoff_updated",
    "timeoff_request_approved", "timeoff_request_reverted",
)  # fmt: skip
"""Events that can be subscribed to and never happen here: nobody is employed."""

WAITS = (60, 300, 1800, 7200, 21600)
"""Seconds from each failed attempt to the next."""


def encode(event: str, number: int, moment: str, data: Row) -> bytes:
    id_ = str(uuid5(NAMESPACE_URL, f"event {number} {moment}"))
    return msgspec.json.encode(
        {"id": id_, "event_type": event, "resource_type": "candidate", "fired_at": moment, "data": data}
    )


def sign(form: str, receiver: Receiver, _event_id: str, body: bytes) -> Mapping[str, str]:
    """The key is the token that subscribed, or the secret of the client that signed in for it."""
    digest = hmac.new(receiver.secret.encode(), body, hashlib.sha256)
    text = digest.hexdigest() if form == "hex" else base64.b64encode(digest.digest()).decode()
    return {"X-Workable-Signature": text}


def ping(receiver: Receiver, _is_enabled: bool, moment: str) -> bytes:
    """Sent for receivers of the control plane alone: the vendor documents none."""
    return msgspec.json.encode({"id": f"ping-{receiver.id}", "event_type": "ping", "fired_at": moment, "data": {}})


def make_rules(form: str) -> OutboxRules:
    return OutboxRules(WAITS, partial(sign, form), lambda status: status == 200, ping, EVENTS + OTHERS)
