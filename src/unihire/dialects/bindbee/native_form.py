"""Messages as the native contract has them: one signature of the body, by a key that is text."""

import base64
import hashlib
import hmac
from collections.abc import AsyncGenerator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import NAMESPACE_URL, uuid4, uuid5

import msgspec

from unihire.dialects.bindbee.run_words import SYNC_WORDS
from unihire.dialects.common.category import CATEGORY
from unihire.events.deliveries.lane_look import LaneLook
from unihire.events.deliveries.messages import LaneStep, Message
from unihire.integration.registry import get_integration
from unihire.kit.ids import new_token
from unihire.model import NATIVE_MODELS
from unihire.store.events.endpoints import Endpoint
from unihire.store.events.notices import SYNC_KINDS, Notice, NoticeKind
from unihire.store.feed.changes import ChangeKind

SIGNATURE_HEADER = "X-Bindbee-Webhook-Signature"
LEAST_LENGTH, MOST_LENGTH = 16, 200
"""Characters of a secret."""

SYNC_STARTED = "connector_sync_started"
SYNCED = "connector_synced"
SYNC_ERROR = "connector_sync_error"
DATA_MODIFIED = "connector_data_modified"

_EVENTS = {"running": SYNC_STARTED, "done": SYNCED, "partial": SYNCED, "failed": SYNC_ERROR}
"""By the status of the run."""

IDS_AT_ONCE = 20_000
"""Ids in one message, or a page more: about 800 KB."""

_MODELS = {spec.number: f"{CATEGORY.lower()}_{spec.name}" for spec in NATIVE_MODELS.values()}

_SAMPLE = uuid5(NAMESPACE_URL, "https://example.com/connector")


class NativeForm:
    """The contract's events of an ATS. There is one signature, by the newest secret."""

    name = "bindbee"
    events = (SYNC_STARTED, SYNCED, SYNC_ERROR, DATA_MODIFIED)

    has_records = False
    secret_pattern = f"^[ -~]{{{LEAST_LENGTH},{MOST_LENGTH}}}$"

    def draw_secret(self) -> str:
        return new_token(32)

    def check_secret(self, secret: str) -> None:
        if not LEAST_LENGTH <= len(secret) <= MOST_LENGTH or not secret.isascii() or not secret.isprintable():
            raise ValueError(f"it must be {LEAST_LENGTH} to {MOST_LENGTH} printable ASCII characters")

    def sign(self, message: Message, secrets: Sequence[str], at: datetime) -> Mapping[str, str]:
        return {SIGNATURE_HEADER: sign_body(secrets[0], message.body)}

    async def plan(self, look: LaneLook) -> AsyncGenerator[LaneStep, None]:
        """What a run changed is sent when it has ended, in few messages; other changes are sent page by page.

        A receiver recognises a message by its sync and its event, so no two of a run may have both in common.
        """
        position, notice = look.lane.position, look.lane.notice
        run = await look.find_last_sync(notice)
        for one in look.notices:
            if run is not None and run.kind != NoticeKind.SYNC_STARTED:
                run = None
            async for step in self._plan_changes(look, position, notice, one.after_seq, run):
                position = step.position
                yield step
            if one.kind in SYNC_KINDS:
                yield LaneStep(position, one.number, _write_sync(look, one))
                run = one
            notice = one.number
            yield LaneStep(position, notice)
        is_running = run is not None and run.kind == NoticeKind.SYNC_STARTED
        if look.has_all_notices and (look.lane.is_replay or not is_running):
            async for step in self._plan_changes(look, position, notice, look.bound, run if is_running else None):
                yield step

    async def _plan_changes(
        self, look: LaneLook, position: int, notice: int, until: int, run: Notice | None
    ) -> AsyncGenerator[LaneStep, None]:
        """The changes up to a position: those of a run together, others page by page, each as a sync of its own."""
        until = min(until, look.bound)
        ids: dict[int, dict[str, None]] = {}
        first = position
        while pages := await look.read_pages(position, until):
            for page in pages:
                for event in look.pick(page):
                    if event.kind != ChangeKind.DELETED and position < event.seq <= until and event.model in _MODELS:
                        ids.setdefault(event.model, {})[event.id] = None
                position = min(page.last_seq, until)
                if run is None or sum(map(len, ids.values())) >= IDS_AT_ONCE:
                    yield LaneStep(position, notice, await _write_changes(look, ids, first, run))
                    ids, first = {}, position
        if ids:
            yield LaneStep(position, notice, await _write_changes(look, ids, first, run))
        if position < until:
            yield LaneStep(until, notice)

    def write_test(self, endpoint: Endpoint) -> Message:
        """The beginning of a sync, of a connector that does not exist: the contract has no test event."""
        id = uuid4()
        body = {
            "webhook": {"webhook_id": endpoint.id, "url": endpoint.url, "event": SYNC_STARTED},
            "connector": {
                "id": _SAMPLE,
                "display_name": "Test",
                "integration_slug": "test",
                "categories": [CATEGORY],
                "org_name": "Test",
                "origin_id": None,
                "connector_status": "COMPLETE",
                "end_user_name": "Test",
                "end_user_email": None,
            },
            "data": {
                "id": id,
                "integration_name": "test",
                "category": CATEGORY,
                "display_status": "Syncing",
                "last_sync_start_time": write_moment(datetime.now(UTC)),
            },
            "sync": {"sync_id": id, "sync_type": "MANUAL", "sync_name": "#1"},
        }
        return Message(f"msg_{id.hex}", SYNC_STARTED, msgspec.json.encode(body))


async def _write_changes(
    look: LaneLook, ids: Mapping[int, Mapping[str, None]], first: int, run: Notice | None
) -> Message | None:
    if not ids or not look.wants(DATA_MODIFIED):
        return None
    id = look.name("changes", first)
    if run is not None:
        sync = _describe_sync(run.data["sync"])
    else:  # rows that were read by their ids: after an operation, or a webhook of the vendor's
        last = await look.find_last_sync(look.lane.notice)
        number = 0 if last is None else last.data["sync"]["number"]
        sync = {"sync_id": uuid5(NAMESPACE_URL, id), "sync_type": "AUTOMATED", "sync_name": f"#{number}"}
    data = {_MODELS[model]: list(found) for model, found in sorted(ids.items())}
    return _write(look, id, DATA_MODIFIED, {"data": data, "sync": sync})


def _write_sync(look: LaneLook, notice: Notice) -> Message | None:
    """The beginning or the end of a run; None for one that was cancelled: the contract has no event for it."""
    sync = notice.data["sync"]
    event = _EVENTS.get(sync["status"])
    if event is None or not look.wants(event):
        return None
    data: dict[str, Any] = {
        "id": sync["id"],
        "integration_name": look.source.integration if look.source else "",
        "category": CATEGORY,
        "display_status": SYNC_WORDS[sync["status"]],
    }
    said: dict[str, Any] = {"data": data}
    if event == SYNC_ERROR:
        failed: dict[str, Any] = {
            "failed_at": write_moment(notice.at),
            "message": sync["error"] or "The sync failed.",
            "detail": {},
        }
        said["error"] = failed
    else:
        data["last_sync_start_time"] = write_moment(datetime.fromisoformat(sync["started_at"]))
    return _write(look, look.name("notice", notice.number), event, {**said, "sync": _describe_sync(sync)})


def _describe_sync(sync: Mapping[str, Any]) -> dict[str, Any]:
    kind = "AUTOMATED" if sync["triggered_by"] == "schedule" else "MANUAL"
    return {"sync_id": sync["id"], "sync_type": kind, "sync_name": f"#{sync['number']}"}


def _write(look: LaneLook, id: str, event: str, said: Mapping[str, Any]) -> Message | None:
    """The body, its members in the contract's order; None if the connector was deleted: nothing is known of it."""
    source = look.source
    if source is None:
        return None
    connector = {
        "id": source.id,
        "display_name": get_integration(source.integration).name,
        "integration_slug": source.integration,
        "categories": [source.category],
        "org_name": source.organisation,
        "origin_id": source.origin_id,
        "connector_status": source.status,
        "end_user_name": source.end_user,
        "end_user_email": None,
    }
    webhook = {"webhook_id": look.endpoint.id, "url": look.endpoint.url, "event": event}
    return Message(id, event, msgspec.json.encode({"webhook": webhook, "connector": connector, **said}))


def sign_body(key: str, body: bytes) -> str:
    """HMAC-SHA256 of the exact bytes under the key as UTF-8, in base64url with padding."""
    return base64.urlsafe_b64encode(hmac.digest(key.encode(), body, hashlib.sha256)).decode()


def write_moment(moment: datetime) -> str:
    """A moment as in the contract's samples: with microseconds and the full offset."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


NATIVE = NativeForm()
