"""How webhooks travel: which events there are, how a message is signed, and when it is tried again."""

import hashlib
import hmac
from typing import Any

import msgspec

from unihire.integration.emulate import OutboxRules, Receiver, Row
from unihire.kit.clock import parse_moment, to_micros

EVENTS = (
    "applicationCreated", "candidateHired", "candidateStageChange", "candidateArchiveChange", "candidateDeleted",
    "interviewCreated", "interviewUpdated", "interviewDeleted", "contactCreated", "contactUpdated",
)  # fmt: skip
ORIGINS = ("agency", "applied", "internal", "referred", "sourced", "university")
CONDITIONED = ("applicationCreated", "candidateArchiveChange", "candidateHired", "candidateStageChange")
"""Events of which a webhook may ask for those of some origins alone."""
WAITS = (10, 60, 300, 1800, 7200)
"""Seconds from each failed attempt to the next."""


def encode(event: str, triggered_at: int, origin: str | None, data: Row) -> bytes:
    """A message before it is signed for its receiver."""
    return msgspec.json.encode({"event": event, "triggeredAt": triggered_at, "origin": origin, "data": data})


def sign(secret: str, token: str, triggered_at: int) -> str:
    """Over the token and the moment; what happened is not signed."""
    return hmac.new(secret.encode(), f"{token}{triggered_at}".encode(), hashlib.sha256).hexdigest()


def _seal_body(receiver: Receiver, event_id: str, event: str, triggered_at: int, data: Any) -> bytes:
    token = hashlib.blake2b(f"{event_id} {receiver.id}".encode(), digest_size=24).hexdigest()
    return msgspec.json.encode(
        {
            "id": event_id,
            "event": event,
            "triggeredAt": triggered_at,
            "token": token,
            "signature": sign(receiver.secret, token, triggered_at),
            "data": data,
        }
    )


def seal(receiver: Receiver, event_id: str, body: bytes) -> bytes | None:
    """The message for this receiver, whose name says which origins it wants, if not all of them."""
    found = msgspec.json.decode(body)
    origins = receiver.name.split(",") if receiver.name.startswith(tuple(ORIGINS)) else ORIGINS
    if found["event"] in CONDITIONED and found["origin"] in ORIGINS and found["origin"] not in origins:
        return None
    return _seal_body(receiver, event_id, found["event"], found["triggeredAt"], found["data"])


def ping(receiver: Receiver, _is_enabled: bool, moment: str) -> bytes:
    """What is sent when the control plane sets up a receiver: the vendor has no such message."""
    return _seal_body(receiver, f"ping {receiver.id}", "ping", to_micros(parse_moment(moment)) // 1000, {})


RULES = OutboxRules(
    WAITS,
    lambda _receiver, _event_id, _body: {"user-agent": "Lever-Webhooks"},
    lambda status: 200 <= status < 300,
    ping,
    EVENTS,
    seal=seal,
)
