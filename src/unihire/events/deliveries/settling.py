"""What follows an attempt: the lane is moved, deferred or led past the message, or its endpoint switched off."""

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import msgspec

from unihire.events.deliveries.known_endpoints import KnownEndpoint
from unihire.events.deliveries.lane_look import LaneLook
from unihire.events.deliveries.message_sender import MessageSender, SendOutcome
from unihire.events.deliveries.messages import LaneStep, Message
from unihire.events.deliveries.verdicts import PAUSES, SUSPECT_AFTER, Judgement, MessageVerdict, judge
from unihire.kit.clock import from_micros, to_text
from unihire.kit.ids import new_ordered_id
from unihire.kit.logs import get_logger
from unihire.kit.metrics import WEBHOOK_DELIVERIES, WEBHOOK_SECONDS, name_class
from unihire.store import Connection, Pool
from unihire.store.events import endpoints as stored
from unihire.store.events import lanes
from unihire.store.events.deliveries import (
    DROP_UNDELIVERED,
    HAS_UNDELIVERED,
    DeliveryAttempt,
    LaneSpan,
    note_attempt,
    note_undelivered,
)
from unihire.store.events.lanes import Lane, LaneSource
from unihire.store.events.notices import add_notices
from unihire.store.issues import open_issue, open_issue_within, resolve_issues
from unihire.sync.issues import IssueKind

log = get_logger()

REQUEST_BYTES = 4_000
"""Bytes of a message that are logged."""

SENT_EVERY = 10.0
"""Seconds between two updates by one deliverer of when something was last sent to an endpoint."""

NEVER = 2**31 - 1
"""More failures in a row than there can be."""

HIDDEN = "…"
"""In the log, instead of signatures."""


class Settling:
    """A claimed lane while it is worked on: its place, and what follows each attempt."""

    def __init__(
        self,
        pool: Pool,
        sender: MessageSender,
        known: KnownEndpoint,
        lane: Lane,
        *,
        has_source: bool,
        lease: float,
        sent_at: dict[UUID, float],
    ) -> None:
        self.known = known
        self.lane = lane
        self.has_source = has_source
        self.position, self.notice = lane.position, lane.notice
        self._pool = pool
        self._sender = sender
        self._lease = timedelta(seconds=lease)
        self._sent_at = sent_at
        self._claimed_at = time.monotonic()

    def pass_to(self, step: LaneStep) -> None:
        """Move the lane past this step; stored with the next update of the lane."""
        self.position, self.notice = step.position, step.notice

    async def note_lost(self, source: LaneSource) -> None:
        """Events that were to be sent are no longer stored: continue with those that are, and open an issue."""
        endpoint = self.known.endpoint
        reason = (
            f"the webhook {endpoint.name or endpoint.id} was off or behind for so long that the log no longer has some "
            f"changes it was to be sent; it continues with those after {to_text(from_micros(source.cut_seq))}"
        )
        await open_issue(self._pool, self.lane.connector, IssueKind.WEBHOOK_BEHIND, reason, stream=str(endpoint.id))
        self.position = source.cut_seq
        self.lane = replace(self.lane, position=source.cut_seq)

    async def send(self, step: LaneStep) -> bool:
        """Send the message of a step; returns whether to continue after it. Otherwise the lane is released."""
        message, endpoint = step.message, self.known.endpoint
        assert message is not None
        tried_at = self._read_clock()
        headers = self.known.form.sign(message, self.known.secrets, datetime.now(UTC))
        outcome = await self._sender.send(endpoint, message.body, headers)
        delivery = self._describe(step, message, dict.fromkeys(headers, HIDDEN), outcome)
        self._measure(outcome)
        await note_attempt(self._pool, endpoint.organisation, endpoint.environment, delivery)
        await self._note_sent()
        judgement = judge(
            outcome,
            tries=self.lane.tries,
            failing_for=_since(self.lane.failing_since, tried_at),
            down_for=_since(self.lane.down_since, tried_at),
        )
        match judgement.verdict:
            case MessageVerdict.DELIVERED:
                return await self._move(step, message)
            case MessageVerdict.LATER:
                await self._defer(judgement, tried_at)
            case MessageVerdict.PASSED_OVER:
                return await self._pass_over(step, delivery, judgement, tried_at)
            case MessageVerdict.OFF:
                await self._switch_off(judgement)
        return False

    async def finish(self, look: LaneLook) -> None:
        """Everything as of the claim is sent: the lane ends, is idle, or is due again for what was added since."""
        lane = self.lane
        if lane.is_replay:
            if self.position >= (lane.until_position or 0) and self.notice >= (lane.until_notice or 0):
                await self._pool.execute(lanes.DELETE_LANE, *lane.key)
            else:
                await self.defer_by(timedelta())
        elif look.source is None and look.has_all_notices:
            await self._pool.execute(lanes.DELETE_LANE, *lane.key)
        elif look.source is None:
            await self.defer_by(timedelta())
        else:
            seen = look.source.last_seq, look.notices[-1].number if look.notices else lane.notice
            await lanes.rest_lane(self._pool, lane, self.position, self.notice, seen=seen)

    async def defer_by(self, wait: timedelta) -> None:
        """Defer the lane, as it is."""
        place = self.position, self.notice
        tries, since = self.lane.tries, self.lane.failing_since
        await self._pool.execute(lanes.DEFER_LANE, *self.lane.key, *place, wait, tries, since)

    async def _move(self, step: LaneStep, message: Message) -> bool:
        place = step.position, step.notice
        if await self._pool.fetchrow(lanes.MOVE_LANE, *self.lane.key, *place, self._lease) is None:
            log.warning("a lane was taken over", webhook=str(self.lane.endpoint), number=self.lane.connector)
            return False
        if self.lane.is_replay:
            await self._note_taken(message)
        if self.lane.down_since is not None:
            failures = await self._pool.fetchval(stored.NOTE_SUCCESS, self.lane.endpoint)
            if failures is not None and failures >= SUSPECT_AFTER:
                await self._pool.execute(lanes.HURRY_LANES, self.lane.endpoint)
        self.lane = replace(self.lane, tries=0, failing_since=None, down_since=None)
        return True

    async def _note_taken(self, message: Message) -> None:
        """A message that may have been refused before is accepted."""
        whose = self.lane.connector, self.lane.endpoint
        done = await self._pool.execute(DROP_UNDELIVERED, *whose, message.id)
        if done != "DELETE 0" and not await self._pool.fetchval(HAS_UNDELIVERED, *whose):
            await resolve_issues(self._pool, whose[0], [IssueKind.WEBHOOK_REFUSED], stream=str(whose[1]))

    async def _defer(self, judgement: Judgement, tried_at: datetime) -> None:
        lane, place = self.lane, (self.position, self.notice)
        tries = lane.tries + judgement.counts
        since = lane.failing_since or tried_at
        await self._pool.execute(lanes.DEFER_LANE, *lane.key, *place, judgement.wait, tries, since)
        await self._note_trouble(judgement, tried_at)

    async def _note_trouble(self, judgement: Judgement, tried_at: datetime) -> None:
        if judgement.is_down:
            # An endpoint that says how long to wait is not deferred by the schedule as well.
            waits_from = SUSPECT_AFTER if judgement.pause is None else NEVER
            await self._pool.execute(stored.NOTE_FAILURE, self.lane.endpoint, waits_from, PAUSES, tried_at)
        if judgement.pause is not None:
            await self._pool.execute(stored.DEFER_ENDPOINT, self.lane.endpoint, judgement.pause)

    async def _pass_over(
        self, step: LaneStep, delivery: DeliveryAttempt, judgement: Judgement, tried_at: datetime
    ) -> bool:
        """Lead the lane past a message, which is listed as refused, so that later ones are sent."""
        lane, endpoint = self.lane, self.known.endpoint
        reason = f"the webhook {endpoint.name or endpoint.id} refuses some messages: {judgement.reason}"
        async with self._pool.acquire() as connection, connection.transaction():
            if await connection.fetchrow(lanes.PASS_LANE, *lane.key, step.position, step.notice, self._lease) is None:
                return False
            since = lane.failing_since or tried_at
            await note_undelivered(connection, delivery, since=since, reason=judgement.reason)
            await self._open_issue(connection, IssueKind.WEBHOOK_REFUSED, reason)
        await self._note_trouble(judgement, tried_at)
        log.warning("a message was passed over", webhook=str(endpoint.id), kind=delivery.event)
        self.lane = replace(lane, tries=0, failing_since=None)
        return True

    async def _switch_off(self, judgement: Judgement) -> None:
        lane, endpoint = self.lane, self.known.endpoint
        reason = f"the webhook {endpoint.name or endpoint.id} is switched off: {judgement.reason}"
        async with self._pool.acquire() as connection, connection.transaction():
            place = self.position, self.notice
            await connection.execute(lanes.DEFER_LANE, *lane.key, *place, timedelta(), lane.tries, lane.failing_since)
            if await connection.fetchval(stored.SWITCH_OFF, endpoint.id, judgement.reason, lane.connector) is None:
                return
            await stored.announce_endpoints(connection)
            await self._open_issue(connection, IssueKind.WEBHOOK_OFF, reason)
        log.warning("a webhook was switched off", webhook=str(endpoint.id), reason=judgement.reason)

    async def _open_issue(self, connection: Connection, kind: IssueKind, reason: str) -> None:
        """Open an issue of the lane's connector, at the end of a transaction; none if the connector was deleted."""
        if self.has_source:
            connector, stream = self.lane.connector, str(self.lane.endpoint)
            happened = await open_issue_within(connection, connector, kind, reason, stream=stream)
            await add_notices(connection, connector, happened)

    def _describe(
        self, step: LaneStep, message: Message, headers: dict[str, str], outcome: SendOutcome
    ) -> DeliveryAttempt:
        lane = self.lane
        answer = {"headers": dict(outcome.headers), "body": outcome.body.decode("utf-8", "replace")}
        body = message.body[:REQUEST_BYTES].decode("utf-8", "ignore")
        return DeliveryAttempt(
            id=new_ordered_id(), connector=lane.connector, connector_id=lane.connector_id, endpoint=lane.endpoint,
            message=message.id, event=message.event, url=self.known.endpoint.url,
            span=LaneSpan(self.position, self.notice, step.position, step.notice),
            seconds=outcome.seconds, status=outcome.status, error=outcome.error,
            request=msgspec.json.encode({"headers": headers, "body": body, "bytes": len(message.body)}),
            answer=b"" if outcome.status is None else msgspec.json.encode(answer),
        )  # fmt: skip

    def _measure(self, outcome: SendOutcome) -> None:
        status = "none" if outcome.status is None else name_class(outcome.status)
        name = self.known.form.name
        WEBHOOK_DELIVERIES.labels(name, status).inc()
        WEBHOOK_SECONDS.labels(name).observe(outcome.seconds)

    async def _note_sent(self) -> None:
        now, id = time.monotonic(), self.lane.endpoint
        if now - self._sent_at.get(id, -SENT_EVERY) >= SENT_EVERY:
            self._sent_at[id] = now
            await self._pool.execute(stored.NOTE_SENT, id)

    def _read_clock(self) -> datetime:
        """Now, by the database's clock."""
        return self.lane.claimed_at + timedelta(seconds=time.monotonic() - self._claimed_at)


def _since(moment: datetime | None, now: datetime) -> timedelta:
    return timedelta() if moment is None else now - moment
