"""Deliveries of vendors: verified, read into the rows they touch, and written down before they are answered."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from hashlib import blake2b
from typing import TypeVar

from unihire.errors import ConfigError
from unihire.events.inbox.delivery_writer import DeliveryWriter, HookGone
from unihire.events.inbox.hooks import TOKEN_BYTES, list_secrets
from unihire.integration.declare import Integration
from unihire.integration.registry import find_webhooks, get_integration
from unihire.integration.webhooks import Delivery, Touch, Verdict, WebhookEvent, WebhookReply, Webhooks
from unihire.kit.ids import hash_token
from unihire.kit.logs import get_logger
from unihire.kit.metrics import HOOK_DELIVERIES
from unihire.kit.seal import Sealer
from unihire.kit.text import ID_LENGTH, is_writable
from unihire.store import Pool
from unihire.store.events.hooks import FoundHook, find_hook
from unihire.store.events.inbox import WrittenTouch

T = TypeVar("T")

log = get_logger()

MOST_TOUCHES = 1_000
"""Rows that one delivery touches; of more, a run finds the others."""

_TOKEN = re.compile(rf"[A-Za-z0-9_-]{{{-(-TOKEN_BYTES * 4 // 3)}}}")

_ODD = (ValueError, KeyError, TypeError, AttributeError, IndexError)
"""What reading a delivery raises that is not as documented."""


class DeliveryOutcome(StrEnum):
    """What became of a delivery, as it is counted."""

    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"
    """It was written down before: the vendor, or somebody who listened, sent it again."""
    HANDSHAKE = "handshake"
    TEST = "test"
    UNREADABLE = "unreadable"
    """It is the vendor's, and not as documented: it touches nothing."""
    FORGED = "forged"
    STALE = "stale"
    NO_SECRET = "no_secret"  # noqa: S105 - a word
    """Nobody knows what to verify it with."""
    UNKNOWN = "unknown"
    """The address is nobody's."""
    TOO_LARGE = "too_large"
    TOO_SLOW = "too_slow"
    TOO_MANY = "too_many"


REFUSED = frozenset({DeliveryOutcome.FORGED, DeliveryOutcome.STALE, DeliveryOutcome.NO_SECRET})
"""Those of a delivery that is not let in."""


@dataclass(frozen=True, slots=True)
class Address:
    """Whose an address is."""

    hook: FoundHook
    integration: Integration
    webhooks: Webhooks


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a delivery, and the reply that its vendor waits for where it wants one."""

    outcome: DeliveryOutcome
    reply: WebhookReply = field(default_factory=WebhookReply)


class DeliveryReceiver:
    """Takes deliveries. `get_sealer` gives what opens secrets, and raises ConfigError where there is none."""

    def __init__(self, pool: Pool, get_sealer: Callable[[], Sealer]) -> None:
        self._pool = pool
        self._get_sealer = get_sealer
        self._writer = DeliveryWriter(pool)

    async def find(self, vendor: str, token: str) -> Address | None:
        """Whose an address is: None where it is nobody's."""
        if _TOKEN.fullmatch(token) is None:
            return None
        hook = await find_hook(self._pool, hash_token(token))
        if hook is None or hook.integration != vendor:
            return None
        webhooks = find_webhooks(vendor)
        return None if webhooks is None else Address(hook, get_integration(vendor), webhooks)

    async def take(self, address: Address, delivery: Delivery) -> Taken:
        """What becomes of a delivery; where it is accepted, it is on the disk by then.

        Raises ConfigError where the secrets do not open, and what the database raises.
        """
        taken = await self._take(address, delivery)
        count_delivery(taken.outcome, address.integration.slug)
        return taken

    async def _take(self, address: Address, delivery: Delivery) -> Taken:
        webhooks = address.webhooks
        if (reply := _ask(webhooks.handshake, delivery)) is not None:
            return Taken(DeliveryOutcome.HANDSHAKE, reply)
        if _ask(webhooks.is_test, delivery):
            return Taken(DeliveryOutcome.TEST)
        refusal = self._verify(address, delivery)
        if refusal is not None:
            return Taken(refusal)
        try:
            event = webhooks.read(delivery)
        except _ODD as error:
            slug = address.integration.slug
            log.warning("a delivery is not as documented", integration=slug, error=type(error).__name__)
            return Taken(DeliveryOutcome.UNREADABLE)
        touches = _list_touches(address.integration, event)
        try:
            is_new = await self._writer.write(address.hook.number, _hash_event(event, delivery), touches)
        except HookGone:
            return Taken(DeliveryOutcome.UNKNOWN)
        return Taken(DeliveryOutcome.ACCEPTED if is_new else DeliveryOutcome.DUPLICATE)

    def _verify(self, address: Address, delivery: Delivery) -> DeliveryOutcome | None:
        """Why a delivery is not let in; None: it is the vendor's."""
        if address.webhooks.verify is None:
            return None
        try:
            secrets = list_secrets(self._get_sealer(), address.hook, address.webhooks)
        except ConfigError as error:
            log.error("the secrets of a hook do not open", connector=str(address.hook.connector), reason=str(error))
            raise
        if not secrets:
            return DeliveryOutcome.NO_SECRET
        verdict = address.webhooks.verify(delivery, secrets)
        return {Verdict.FORGED: DeliveryOutcome.FORGED, Verdict.STALE: DeliveryOutcome.STALE}.get(verdict)


def count_delivery(outcome: DeliveryOutcome, integration: str = "") -> None:
    """Count a delivery; `integration` is empty where nobody knows whose it was."""
    HOOK_DELIVERIES.labels(integration, outcome).inc()


def _ask(slot: Callable[[Delivery], T] | None, delivery: Delivery) -> T | None:
    """What a vendor's function says of a delivery nobody has verified; None where it fails."""
    try:
        return None if slot is None else slot(delivery)
    except _ODD:
        return None


def _hash_event(event: WebhookEvent, delivery: Delivery) -> bytes:
    """Stands for the event, however often it is delivered."""
    if event.id:
        return blake2b(event.id.encode("utf-8", "surrogatepass"), digest_size=16, person=b"id").digest()
    return blake2b(delivery.body, digest_size=16, person=b"body").digest()


def _list_touches(integration: Integration, event: WebhookEvent) -> list[WrittenTouch]:
    """What is to be written of the rows it touches: those that can be stored, of streams there are."""
    streams = {stream.name for stream in integration.streams if stream.by_id is not None or stream.listed_by}
    return [_write(touch) for touch in event.touches[:MOST_TOUCHES] if touch.stream in streams and _is_good(touch.id)]


def _is_good(id: str) -> bool:
    return 0 < len(id) <= ID_LENGTH and is_writable(id)


def _write(touch: Touch) -> WrittenTouch:
    return WrittenTouch(touch.stream, touch.by or "", touch.id, touch.is_gone, touch.is_wide)
