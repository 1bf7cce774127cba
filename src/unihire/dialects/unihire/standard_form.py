"""Messages as Standard Webhooks has them (https://www.standardwebhooks.com): id, timestamp and body are signed."""

import base64
import binascii
import os
from collections import deque
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import msgspec
from standardwebhooks import Webhook

from unihire.dialects.unihire.records import WithMore
from unihire.events.deliveries.lane_look import LaneLook
from unihire.events.deliveries.messages import LaneStep, Message
from unihire.kit.clock import from_micros, to_text
from unihire.model import MODELS
from unihire.store.events.endpoints import Endpoint
from unihire.store.events.log import ChangeEvent
from unihire.store.events.notices import Notice
from unihire.store.events.packing import Unpacked
from unihire.store.feed.changes import ChangeKind
from unihire.sync.issues import ADVICE

SECRET_PREFIX = "whsec_"  # noqa: S105 - how all begin
SECRET_BYTES = 32
_LEAST_BYTES, _MOST_BYTES = 24, 64
"""Bytes of a secret, as the specification has it."""

TEST_EVENT = "webhook.test"

RECORDS_BYTES = 1_000_000
"""Bytes of records in one message; the receiver reads others by their ids."""

_PROJECTION = WithMore()

RECORDS_AT_ONCE = 100
"""Records in one message. If it changed, messages that are sent again would contain other records under their ids."""

_ADVICE: Mapping[str, str] = {kind.value: advice for kind, advice in ADVICE.items()}
_MODEL_NAMES = {spec.number: spec.name for spec in MODELS.values()}


class StandardForm:
    """Events by Unihire's own names. Each valid secret makes a signature; the receiver may verify any of them."""

    name = "standard"
    events = (
        "record.created",
        "record.updated",
        "record.deleted",
        "connector.linked",
        "connector.relink_needed",
        "connector.deleted",
        "sync.started",
        "sync.finished",
        "sync.failed",
        "write.finished",
        "issue.opened",
        "issue.resolved",
    )

    has_records = True
    secret_pattern = f"^{SECRET_PREFIX}([A-Za-z0-9+/]{{4}}){{8,20}}([A-Za-z0-9+/]{{3}}=|[A-Za-z0-9+/]{{2}}==)?$"

    def draw_secret(self) -> str:
        return SECRET_PREFIX + base64.b64encode(os.urandom(SECRET_BYTES)).decode()

    def check_secret(self, secret: str) -> None:
        encoded = secret.removeprefix(SECRET_PREFIX)
        try:
            length = len(base64.b64decode(encoded, validate=True)) if encoded != secret else 0
        except (binascii.Error, ValueError):
            length = 0
        if not _LEAST_BYTES <= length <= _MOST_BYTES:
            raise ValueError(f"it must be {SECRET_PREFIX} and {_LEAST_BYTES} to {_MOST_BYTES} bytes in base64")

    def sign(self, message: Message, secrets: Sequence[str], at: datetime) -> Mapping[str, str]:
        text = message.body.decode()
        return {
            "webhook-id": message.id,
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": " ".join(Webhook(secret).sign(message.id, at, text) for secret in secrets),
        }

    async def plan(self, look: LaneLook) -> AsyncGenerator[LaneStep, None]:
        """Notices and pages of changes in the order of commits."""
        position, notice = look.lane.position, look.lane.notice
        waiting = deque(look.notices)
        while pages := await look.read_pages(position, look.bound):
            for page in pages:
                while waiting and waiting[0].after_seq < page.last_seq:
                    notice = waiting[0].number
                    yield LaneStep(position, notice, _write_notice(look, waiting.popleft()))
                for group in split_page(look.pick(page)):
                    first, last = group[0].seq, group[-1].seq
                    if position < last and first <= look.bound:
                        message = await self._write_records(look, group)
                        position = min(last, look.bound)
                        yield LaneStep(position, notice, message)
                position = min(page.last_seq, look.bound)
                yield LaneStep(position, notice)
        for one in waiting:
            yield LaneStep(position, one.number, _write_notice(look, one))
        yield LaneStep(max(position, look.bound), waiting[-1].number if waiting else notice)

    async def _write_records(self, look: LaneLook, group: Sequence[Unpacked]) -> Message | None:
        """The message of changes of one kind in one page; None if it is not wanted, or all records are gone."""
        event = f"record.{group[0].kind}"
        if not look.wants(event):
            return None
        found = await look.name_records(group)
        if not found:
            return None
        records = [_describe_record(one) for one in found]
        if look.endpoint.includes_records and group[0].kind != ChangeKind.DELETED:
            await _add_records(look, found, records)
        data = {**_describe_source(look), "records": records}
        body = {"type": event, "timestamp": to_text(from_micros(group[-1].seq)), "data": data}
        return Message(look.name("records", group[0].seq), event, msgspec.json.encode(body))

    def write_test(self, endpoint: Endpoint) -> Message:
        said = {"webhook_id": endpoint.id, "name": endpoint.name}
        body = {"type": TEST_EVENT, "timestamp": to_text(datetime.now(UTC)), "data": said}
        return Message(f"msg_{uuid4().hex}", TEST_EVENT, msgspec.json.encode(body))


STANDARD = StandardForm()


class _Identified(msgspec.Struct):
    id: str


def split_page(events: Sequence[Unpacked]) -> Iterator[list[Unpacked]]:
    """The events of a page in groups of one kind, at most `RECORDS_AT_ONCE` each, in feed order."""
    group: list[Unpacked] = []
    for event in events:
        if group and (event.kind != group[0].kind or len(group) == RECORDS_AT_ONCE):
            yield group
            group = []
        group.append(event)
    if group:
        yield group


def _describe_source(look: LaneLook) -> dict[str, Any]:
    return {"connector_id": look.lane.connector_id, "origin_id": None if look.source is None else look.source.origin_id}


def _describe_record(event: ChangeEvent) -> dict[str, Any]:
    found = {
        "model": _MODEL_NAMES[event.model],
        "id": event.id,
        "remote_id": event.remote_id,
        "modified_at": to_text(event.at),
    }
    if event.write is not None:
        found["write_id"] = str(event.write)
    return {**found, "changed": event.changed} if event.kind == ChangeKind.UPDATED else found


async def _add_records(look: LaneLook, events: Sequence[ChangeEvent], described: Sequence[dict[str, Any]]) -> None:
    """Add the records as they are now to their events; null if one is gone by now, or there is no room for it."""
    bodies: dict[str, bytes] = {}
    for number in {event.model for event in events}:
        ids = [event.id for event in events if event.model == number]
        for body in await look.read_records(MODELS[_MODEL_NAMES[number]], ids, _PROJECTION):
            bodies[msgspec.json.decode(body, type=_Identified).id] = body
    left = RECORDS_BYTES
    for event, one in zip(events, described, strict=True):
        found = bodies.get(event.id, b"")
        left -= len(found)
        one["record"] = msgspec.Raw(found) if found and left >= 0 else None


def _write_notice(look: LaneLook, notice: Notice) -> Message | None:
    if not look.wants(notice.kind):
        return None
    data = {**_describe_source(look), **notice.data}
    if "issue" in data:
        data["issue"] = {**data["issue"], "advice": _ADVICE.get(data["issue"]["kind"])}
    body = {"type": notice.kind, "timestamp": to_text(notice.at), "data": data}
    return Message(look.name("notice", notice.number), notice.kind, msgspec.json.encode(body))
