"""How webhooks travel: which events there are, how a message is encoded and signed, and when it is tried again.

Source: webhooks.md.
"""

import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any

from unihire.integration.emulate import OutboxRules, Receiver

# Seconds from each failed attempt to the next; the seventh is the last (webhooks.md, Retries).
WAITS = (60, 900, 3600, 7200, 14400, 28800)
EVENTS: Mapping[str, str] = {
    "new_candidate_application": "Candidate has submitted application",
    "new_prospect_application": "Prospect created",
    "application_updated": "Application updated",
    "delete_application": "Application deleted",
    "candidate_stage_change": "Candidate has changed stage",
    "hire_candidate": "Candidate has been hired",
    "unhire_candidate": "Candidate has been unhired",
    "reject_candidate": "Candidate or prospect rejected",
    "unreject_candidate": "Candidate or prospect unrejected",
    "update_candidate": "Candidate or prospect updated",
    "delete_candidate": "Candidate or prospect deleted",
    "merge_candidate": "Candidate merged with another candidate",
    "candidate_anonymized": "Candidate anonymized",
    "offer_created": "Offer created",
    "offer_approved": "Offer approved",
    "offer_updated": "Offer updated",
    "offer_deleted": "Offer deleted",
    "interview_deleted": "Interview deleted",
    "scorecard_deleted": "Scorecard deleted",
    "job_created": "Job created",
    "job_updated": "Job updated",
    "job_approved": "Job approved",
    "job_deleted": "Job deleted",
    "job_post_created": "Job post created",
    "job_post_updated": "Job post updated",
    "job_post_deleted": "Job post deleted",
    "job_interview_stage_deleted": "Job interview stage deleted",
    "department_deleted": "Department deleted",
    "office_deleted": "Office deleted",
}


def encode(body: Any) -> bytes:
    """JSON as the vendor sends it: non-ASCII and angle brackets escaped. These bytes are what is signed."""
    text = json.dumps(body, ensure_ascii=True, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").encode()


def sign(receiver: Receiver, event_id: str, body: bytes) -> Mapping[str, str]:
    digest = hmac.new(receiver.secret.encode(), body, hashlib.sha256).hexdigest()
    return {
        "Signature": f"sha256 {digest}",
        "Greenhouse-Event-ID": event_id,
        "User-Agent": "Greenhouse-Webhooks-Sandbox",  # the real value was not found
    }


def ping(receiver: Receiver, is_enabled: bool, moment: str) -> bytes:
    event = receiver.events[0] if receiver.events else "hire_candidate"
    payload = {
        "active": is_enabled,
        "created_at": moment,
        "web_hook_id": receiver.id,
        "name": receiver.name,
        "endpoint_url": receiver.url,
        "content-type": event,
        "updated_at": moment,
        "event": EVENTS[event],
    }
    return encode({"action": "ping", "payload": payload})


RULES = OutboxRules(WAITS, sign, lambda status: status == 200, ping, tuple(EVENTS))
