"""What a folder's webhooks.py declares: how a vendor's deliveries are verified and read, and how they are asked for.

A delivery is a hint: it says which rows to read again, and nothing of its content is stored.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cached_property
from typing import Any, Literal, Protocol

from unihire.integration.declare import Data, find_member
from unihire.kit.nesting import decode_bounded

MOST_BYTES = 1 << 20
"""Of a delivery's body, unless a vendor sends larger ones."""

MOST_SIGNATURES = 20
"""Signatures of one delivery that are looked at."""


@dataclass(frozen=True)
class Delivery:
    """A request to a hook's address, as it came."""

    headers: Mapping[str, str]
    """By names in lower case; of a header that came several times the last."""
    body: bytes
    """Before anything is decoded: signatures are over these bytes."""
    received_at: datetime
    """By our clock."""

    def find_header(self, name: str) -> str | None:
        return self.headers.get(name.lower())

    @cached_property
    def data(self) -> Any:
        """The body, decoded. Raises ValueError where it is no JSON, or nested too deeply."""
        return decode_bounded(self.body)

    def find_member(self, name: str) -> Any:
        """A member of the body, `payload` or further in `payload.id`; None where there is none, or no JSON."""
        try:
            data = self.data
        except ValueError:
            return None
        return find_member(data, name) if isinstance(data, dict) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Touch:
    """A row that an event says has changed."""

    stream: str
    """The name of its stream, which can be asked by id."""
    id: str
    """The row's id, or a value of the member in `by`."""
    by: str | None = None
    """Another member than the id: all rows with the value there are meant, found by `IdFilter.by`."""
    is_gone: bool = False
    """Whether the event says that the row is no longer there. What counts is what the vendor answers; where that
    differs from what was said, it is asked again a little later."""
    is_wide: bool = False
    """Whether stored records that relate to the row's own are to be read again as well."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookEvent:
    """What a delivery says."""

    kind: str
    """The vendor's word for what happened."""
    id: str | None
    """The vendor's id of the event, the same each time it is delivered. None: a hash of the body is used."""
    touches: tuple[Touch, ...] = ()
    """The rows to read again; none of an event that is not known, or concerns nothing that is read."""


class Verdict(StrEnum):
    """What verifying a delivery came to."""

    GOOD = "good"
    FORGED = "forged"
    STALE = "stale"
    """It is the vendor's, and was signed longer ago, or further ahead, than the signature allows."""


def get_body(delivery: Delivery) -> bytes:
    """The raw body, which most vendors sign."""
    return delivery.body


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """An HMAC-SHA256 under the hook's secret, in a header or in the body."""

    header: str | None = None
    """The header that has the signature."""
    member: str | None = None
    """The member of the body that has it, instead: `signature`."""
    prefix: str = ""
    """Text before the signature: `sha256=`. Texts without it are none."""
    encoding: Literal["hex", "base64"] = "hex"
    """How the 32 bytes are written."""
    separator: str | None = None
    """Text between several signatures, one of which must be good: a secret is being replaced."""
    unpack: Callable[[str], str] | None = None
    """Turns the header's or member's text into that with the signatures, where it is packed once more. Raises
    ValueError."""
    signed: Callable[[Delivery], bytes] = get_body
    """The bytes that are signed: headers and members joined with the body, where a vendor signs those. Raises
    ValueError where something of them is missing."""
    signed_at: Callable[[Delivery], datetime | None] | None = None
    """The moment of signing, where it is among what is signed; None, or ValueError, where it is missing."""
    tolerance: timedelta = timedelta(minutes=5)
    """How far `signed_at` may lie from now."""

    def verify(self, delivery: Delivery, secrets: Sequence[str]) -> Verdict:
        """Compare every signature that came with that of every secret, in constant time."""
        try:
            text, signed = self._find_text(delivery), self.signed(delivery)
            at = None if self.signed_at is None else self.signed_at(delivery)
        except ValueError:
            return Verdict.FORGED
        given = [] if text is None else text.split(self.separator) if self.separator else [text]
        found = [digest for one in given[:MOST_SIGNATURES] if (digest := self._decode(one)) is not None]
        expected = [hmac.new(secret.encode(), signed, hashlib.sha256).digest() for secret in secrets]
        if not any(hmac.compare_digest(one, other) for one in found for other in expected):
            return Verdict.FORGED
        if self.signed_at is not None and (at is None or abs(delivery.received_at - at) > self.tolerance):
            return Verdict.STALE
        return Verdict.GOOD

    def _find_text(self, delivery: Delivery) -> str | None:
        if self.header is not None:
            text = delivery.find_header(self.header)
        else:
            found = delivery.find_member(self.member or "")
            text = found if isinstance(found, str) else None
        return text if text is None or self.unpack is None else self.unpack(text)

    def _decode(self, text: str) -> bytes | None:
        text = text.strip()
        if not text.startswith(self.prefix):
            return None
        try:
            if self.encoding == "hex":
                return bytes.fromhex(text.removeprefix(self.prefix))
            return base64.b64decode(text.removeprefix(self.prefix).translate(_URL_SAFE), validate=True)
        except (ValueError, binascii.Error):
            return None


_URL_SAFE = str.maketrans("-_", "+/")


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedToken:
    """The hook's secret itself, sent along in a header: what vendors do that sign nothing."""

    header: str
    """The header that has it."""
    prefix: str = ""
    """Text before it: `Bearer `."""

    def verify(self, delivery: Delivery, secrets: Sequence[str]) -> Verdict:
        given = (delivery.find_header(self.header) or "").encode()
        expected = [f"{self.prefix}{secret}".encode() for secret in secrets]
        is_good = any(hmac.compare_digest(given, one) for one in expected)
        return Verdict.GOOD if is_good else Verdict.FORGED


Verify = Callable[[Delivery, Sequence[str]], Verdict]


@dataclass(frozen=True, slots=True, kw_only=True)
class Secret:
    """What deliveries are verified with, where they are."""

    drawn_by: Literal["us", "vendor"] = "us"
    """Who makes it up: we, and the customer enters it at the vendor, or the vendor, and it is given to us."""
    credentials: tuple[str, ...] = ()
    """The connector's credentials that are the secret, the first that it has; then nobody makes one up."""


class VendorApi(Protocol):
    """The vendor's API, asked with the connector's credentials, within its rate limit. Paths are as streams have them.

    Raises VendorError; VendorRefused has the vendor's status.
    """

    async def get(self, path: str, params: Mapping[str, str]) -> Any:
        """The answer's JSON."""
        ...

    async def send(self, method: str, path: str, body: Data | None = None) -> Any:
        """Write, once; the answer's JSON, None where it has no body. Raises Unanswered where it may have been done."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscribed:
    """What subscribing over the vendor's API made."""

    ids: tuple[str, ...]
    """The vendor's ids of the subscriptions, by which they are ended."""
    secrets: tuple[str, ...] = ()
    """The secrets that the vendor drew for them, where it does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """How a vendor is asked over its API to send deliveries."""

    subscribe: Callable[[VendorApi, str, str | None], Awaitable[Subscribed]]
    """(the API, address, secret where we draw it) → what was made, for every event. What was made for this address
    before, by an attempt that did not come to its end, is taken as it is."""
    unsubscribe: Callable[[VendorApi, Sequence[str]], Awaitable[None]]
    """(the API, ids) → nothing. Ids that the vendor no longer has are passed over."""
    scopes: tuple[str, ...] = ()
    """OAuth scopes that it needs, asked of a customer with those of the writes."""
    is_for_partners: bool = False
    """Whether it takes a partner's grant."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookReply:
    """An answer that a vendor waits for: status 200, with these headers and this body."""

    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhooks:
    """A vendor's webhooks."""

    events: Mapping[str, str]
    """The kinds of events that are read, each with its name in the vendor's settings."""
    read: Callable[[Delivery], WebhookEvent]
    """Reads a delivery that is verified. Raises ValueError, KeyError or TypeError where it is not as documented."""
    verify: Verify | None
    """How deliveries are verified: a `Signature`'s or a `SharedToken`'s `verify`, or a function. None where the vendor
    sends nothing to verify: then the address alone is the secret."""
    secret: Secret | None
    """What they are verified with; None beside `verify` None."""
    steps: tuple[str, ...]
    """What the customer does in the vendor's settings, a sentence each; the address and the secret are shown above
    them."""
    subscription: Subscription | None = None
    """How it is done over the vendor's API instead, where it has one for this."""
    handshake: Callable[[Delivery], WebhookReply | None] | None = None
    """The reply to a request that is no event and wants more than a status, before it is verified; else None."""
    is_test: Callable[[Delivery], bool] | None = None
    """Whether it is the vendor's unsigned test call, which must be accepted before the secret can be had."""
    accepted: int = 200
    """The status that the vendor takes for success."""
    most_bytes: int = MOST_BYTES
    """Of a body; a larger one is refused."""


def decode_base64(text: str) -> str:
    """The text in base64; ValueError where it is none. For `Signature.unpack`."""
    return base64.b64decode(text, validate=True).decode()
