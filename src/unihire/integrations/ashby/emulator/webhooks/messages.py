"""How webhooks travel: which events there are, how a message is signed, and when it is tried again."""

import hashlib
import hmac
from collections.abc import Mapping
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import msgspec

from unihire.integration.emulate import OutboxRules, Receiver

CREATABLE = (
    "applicationSubmit", "applicationUpdate", "candidateHire", "candidateStageChange", "candidateDelete",
    "candidateMerge", "interviewPlanTransition", "interviewScheduleCreate", "interviewScheduleUpdate",
    "jobPostingUpdate", "jobPostingPublish", "jobPostingUnpublish", "jobPostingDelete", "offerCreate", "offerUpdate",
    "offerDelete", "pushToHRIS", "surveySubmit",
)  # fmt: skip
"""What webhook.create takes."""
EVENTS = (*CREATABLE, "jobCreate", "jobUpdate", "openingCreate")
"""Every event; the last ones can be asked for in the product alone, which the control plane stands for."""

ATTEMPTS = 10
WAITS = tuple((2**attempt - 1) * 10 for attempt in range(1, ATTEMPTS))
"""Seconds from each failed attempt to the next."""
ENDED = frozenset((401, 403, 404, 405, 410))
"""Statuses after which nothing more is tried."""


def encode(action_id: str, action: str, data: Any) -> bytes:
    return msgspec.json.encode({"webhookActionId": action_id, "action": action, "data": data})


def make_action_id(seed: int, count: int) -> str:
    return str(uuid5(NAMESPACE_URL, f"webhook action {seed} {count}"))


def sign(receiver: Receiver, _event_id: str, body: bytes) -> Mapping[str, str]:
    """Only where a secret is set."""
    if not receiver.secret:
        return {}
    digest = hmac.new(receiver.secret.encode(), body, hashlib.sha256).hexdigest()
    return {"Ashby-Signature": f"sha256={digest}"}


def ping(receiver: Receiver, _is_enabled: bool, moment: str) -> bytes:
    action_id = str(uuid5(NAMESPACE_URL, f"ping {receiver.id} {moment}"))
    return encode(action_id, "ping", {"webhookActionType": "ping"})


RULES = OutboxRules(WAITS, sign, lambda status: 200 <= status < 300, ping, EVENTS, ends=lambda status: status in ENDED)
