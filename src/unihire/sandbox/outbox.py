"""Webhooks that an emulator sends to receivers on this machine: on the vendor's schedule, by the movable clock."""

import asyncio
import ipaddress
from base64 import b64encode
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit
from uuid import NAMESPACE_URL, uuid5

import aiohttp

from unihire.errors import ConfigError
from unihire.integration.emulate import OutboxRules, Receiver, Row
from unihire.kit.clock import Clock, to_text
from unihire.outbound.addresses import AddressPolicy, make_connector

MOST_DELIVERIES = 1000
TIMEOUT_SECONDS = 10
LONGEST_NAP = 0.5

_THIS_MACHINE = AddressPolicy((ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1/128")))


@dataclass
class OutgoingDelivery:
    """One event on its way to one receiver."""

    id: str
    event: str
    receiver: Receiver
    body: bytes
    due_at: datetime | None
    """None once it arrived or was given up."""
    attempts: list[dict[str, Any]] = field(default_factory=list)
    is_ping: bool = False
    """Tried once; a receiver that does not accept it is disabled."""

    def show(self) -> dict[str, Any]:
        arrived = bool(self.attempts) and self.attempts[-1]["accepted"]
        return {
            "id": self.id,
            "event": self.event,
            "receiver": self.receiver.id,
            "state": "waiting" if self.due_at is not None else "delivered" if arrived else "given up",
            "due_at": None if self.due_at is None else to_text(self.due_at),
            "attempts": self.attempts,
            "body": self.body.decode(),
        }


class SandboxOutbox:
    """An Outbox (see integration/emulate.py). Must be used from one event loop."""

    def __init__(self, rules: OutboxRules, clock: Clock, seed: int) -> None:
        self.rules = rules
        self._clock = clock
        self._seed = seed
        self._announce: Callable[[str, Row | None, Row | None], None] | None = None
        self._task: asyncio.Task[None] | None = None
        self._wake = asyncio.Event()
        self._lock = asyncio.Lock()
        self.reset()

    def reset(self) -> None:
        """Forget receivers and deliveries."""
        self._receivers: dict[int, tuple[Receiver, bool]] = {}
        self._waiting: list[OutgoingDelivery] = []
        self._deliveries: deque[OutgoingDelivery] = deque(maxlen=MOST_DELIVERIES)
        self._numbers = 0
        self._events = 0

    def watch(self, announce: Callable[[str, Row | None, Row | None], None]) -> None:
        self._announce = announce

    def announce(self, stream: str, before: Row | None, after: Row | None) -> None:
        """Let the emulator send what this change is to its vendor's receivers, where there are any."""
        if self._announce is not None and self._receivers:
            self._announce(stream, before, after)

    # Receivers

    def next_number(self) -> int:
        self._numbers += 1
        return self._numbers

    def add_receiver(self, receiver: Receiver) -> None:
        host = urlsplit(receiver.url).hostname or ""
        if urlsplit(receiver.url).scheme not in ("http", "https") or not _is_loopback(host):
            raise ConfigError(f"{receiver.url}: a receiver is an http address on this machine")
        unknown = set(receiver.events) - set(self.rules.events)
        if unknown:
            raise ConfigError(f"unknown event {', '.join(sorted(unknown))}: there are {', '.join(self.rules.events)}")
        self._receivers[receiver.id] = (receiver, True)

    def add_pinged(self, receiver: Receiver) -> None:
        self.add_receiver(receiver)
        delivery = self._make_ping(receiver)
        delivery.is_ping = True
        self._waiting.append(delivery)
        self._deliveries.append(delivery)
        self._wake.set()

    def remove_receiver(self, number: int) -> bool:
        self._waiting = [delivery for delivery in self._waiting if delivery.receiver.id != number]
        return self._receivers.pop(number, None) is not None

    def set_enabled(self, number: int, is_enabled: bool) -> bool:
        if number not in self._receivers:
            return False
        self._receivers[number] = (self._receivers[number][0], is_enabled)
        return True

    def find_enabled(self, number: int) -> bool | None:
        found = self._receivers.get(number)
        return None if found is None else found[1]

    def list_receivers(self) -> list[dict[str, Any]]:
        return [
            {
                **asdict(receiver),
                "secret": "…",
                "password": None if receiver.password is None else "…",
                "enabled": is_on,
            }
            for receiver, is_on in self._receivers.values()
        ]

    # Sending

    def has_receiver(self, event: str) -> bool:
        return any(True for _ in self._find_receivers(event))

    def _find_receivers(self, event: str) -> Iterator[Receiver]:
        for receiver, is_enabled in self._receivers.values():
            if is_enabled and (not receiver.events or event in receiver.events):
                yield receiver

    def publish(self, event: str, body: bytes, accepts: Callable[[Receiver], bool] | None = None) -> None:
        for receiver in self._find_receivers(event):
            if accepts is not None and not accepts(receiver):
                continue
            number = self._make_id()
            sealed = self.rules.seal(receiver, number, body)
            if sealed is not None:
                delivery = OutgoingDelivery(number, event, receiver, sealed, self._clock.now())
                self._waiting.append(delivery)
                self._deliveries.append(delivery)
        self._wake.set()

    def _make_id(self) -> str:
        self._events += 1
        return str(uuid5(NAMESPACE_URL, f"delivery {self._seed} {self._events}"))

    def _make_ping(self, receiver: Receiver) -> OutgoingDelivery:
        body = self.rules.ping(receiver, True, to_text(self._clock.now()))
        return OutgoingDelivery(self._make_id(), "ping", receiver, body, self._clock.now())

    async def ping(self, number: int) -> bool:
        """Send the set-up message, once; a receiver that does not accept it is disabled."""
        receiver, _ = self._receivers[number]
        delivery = self._make_ping(receiver)
        self._deliveries.append(delivery)
        async with _open_session() as session:
            await self._attempt(session, delivery)
        delivery.due_at = None
        is_accepted = bool(delivery.attempts[-1]["accepted"])
        self.set_enabled(number, is_accepted)
        return is_accepted

    async def run_due(self) -> list[OutgoingDelivery]:
        """Try everything that is due; each receiver gets its own in the order of the events."""
        async with self._lock:
            now = self._clock.now()
            due = [one for one in self._waiting if one.due_at is not None and one.due_at <= now]
            by_receiver: dict[int, list[OutgoingDelivery]] = {}
            for delivery in due:
                by_receiver.setdefault(delivery.receiver.id, []).append(delivery)
            if due:
                async with _open_session() as session:
                    await asyncio.gather(*(self._attempt_all(session, own) for own in by_receiver.values()))
            self._waiting = [delivery for delivery in self._waiting if delivery.due_at is not None]
            return due

    async def _attempt_all(self, session: aiohttp.ClientSession, deliveries: list[OutgoingDelivery]) -> None:
        for delivery in deliveries:
            if self.find_enabled(delivery.receiver.id) or delivery.is_ping:
                await self._attempt(session, delivery)
            else:
                delivery.due_at = None

    async def _attempt(self, session: aiohttp.ClientSession, delivery: OutgoingDelivery) -> None:
        receiver, at = delivery.receiver, self._clock.now()
        headers = {"content-type": "application/json", **self.rules.sign(receiver, delivery.id, delivery.body)}
        if receiver.user is not None:
            pair = f"{receiver.user}:{receiver.password or ''}"
            headers["authorization"] = f"Basic {b64encode(pair.encode()).decode()}"
        attempt: dict[str, Any] = {"at": to_text(at), "status": None, "error": None, "accepted": False}
        try:
            timeout = aiohttp.ClientTimeout(total=TIMEOUT_SECONDS)
            async with session.post(
                receiver.url, data=delivery.body, headers=headers, timeout=timeout, allow_redirects=False
            ) as answer:
                attempt["status"] = answer.status
                attempt["accepted"] = self.rules.is_accepted(answer.status)
        except (aiohttp.ClientError, TimeoutError) as error:
            attempt["error"] = f"{type(error).__name__}: {error}"
        delivery.attempts.append(attempt)
        tried = len(delivery.attempts)
        is_over = attempt["status"] is not None and self.rules.ends(attempt["status"])
        if attempt["accepted"] or is_over or delivery.is_ping or tried > len(self.rules.waits):
            delivery.due_at = None
        else:
            delivery.due_at = at + timedelta(seconds=self.rules.waits[tried - 1])
        if delivery.is_ping and not attempt["accepted"]:
            self.set_enabled(receiver.id, False)

    def list_deliveries(self) -> list[dict[str, Any]]:
        return [delivery.show() for delivery in self._deliveries]

    def start(self) -> None:
        """Send what is due by itself from now on; to be called from the event loop, and often."""
        if self._receivers and (self._task is None or self._task.done()):
            self._task = asyncio.get_running_loop().create_task(self._run())

    async def _run(self) -> None:
        while self._receivers:
            self._wake.clear()
            await self.run_due()
            try:
                # The clock can be moved meanwhile, so a pause is short whatever the schedule says.
                await asyncio.wait_for(self._wake.wait(), LONGEST_NAP)
            except TimeoutError:
                continue


def _open_session() -> aiohttp.ClientSession:
    return aiohttp.ClientSession(connector=make_connector(_THIS_MACHINE))


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
