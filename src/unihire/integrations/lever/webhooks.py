"""What Lever reports of changes: signed in the body, one event a webhook; contract.json.

The signature covers the moment and a random text, and nothing of what is said: all that is taken of it are ids, and
what they name is read at the vendor. Changed notes, feedback, offers, files and postings have no event [official, by
omission].
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any

from unihire.errors import VendorChanged, VendorError, VendorRefused
from unihire.integration.declare import Data
from unihire.integration.webhooks import (
    Delivery,
    Secret,
    Signature,
    Subscribed,
    Subscription,
    Touch,
    VendorApi,
    WebhookEvent,
    Webhooks,
)
from unihire.kit.clock import EPOCH
from unihire.kit.text import is_id

TOLERANCE = timedelta(days=1)
"""A delivery is tried five times with growing pauses, of unknown length, under the moment of the event. Whoever repeats
an old one makes us read a row again, and nothing else."""

LONGEST = 200
"""Characters of the random text."""

Reader = Callable[[Data], Iterable[Touch]]
"""Reads the data of one kind of event."""


def get_id(data: Any, *names: str) -> str:
    """The first of these ids that is there. Raises KeyError where none is, TypeError for what is none."""
    name = next((name for name in names if data.get(name) is not None), names[0])
    value = data[name]
    if not is_id(value):
        raise TypeError(f"{name} is no id")
    return str(value)


def touch_contact(data: Data, *, is_needed: bool = False) -> Iterator[Touch]:
    if is_needed or data.get("contactId") is not None:
        yield Touch(stream="contacts", id=get_id(data, "contactId"))


def read_opportunity(data: Data) -> Iterator[Touch]:
    """Older accounts call it a candidate; the id is the same."""
    yield Touch(stream="opportunities", id=get_id(data, "opportunityId", "candidateId"))


def read_application(data: Data) -> Iterator[Touch]:
    """With the person, who may be new."""
    yield from read_opportunity(data)
    yield from touch_contact(data)


def read_deleted(data: Data) -> Iterator[Touch]:
    """An opportunity is gone, and with the last one its contact."""
    yield Touch(stream="opportunities", id=get_id(data, "opportunityId", "candidateId"), is_gone=True)
    yield from touch_contact(data)


def read_contact(data: Data) -> Iterator[Touch]:
    yield from touch_contact(data, is_needed=True)


EVENTS: Mapping[str, tuple[str, Reader]] = {
    "applicationCreated": ("Application created", read_application),
    "candidateHired": ("Candidate hired", read_opportunity),
    "candidateStageChange": ("Candidate stage change", read_opportunity),
    "candidateArchiveChange": ("Candidate archive state change", read_opportunity),
    "candidateDeleted": ("Candidate deleted", read_deleted),
    "interviewCreated": ("Interview created", read_opportunity),
    "interviewUpdated": ("Interview updated", read_opportunity),
    "interviewDeleted": ("Interview deleted", read_opportunity),
    "contactCreated": ("Contact created", read_contact),
    "contactUpdated": ("Contact updated", read_contact),
}
"""What is sent, by `event`: its name in the settings, and how its data is read."""


def read_event(delivery: Delivery) -> WebhookEvent:
    """An event that is not known touches nothing."""
    body = delivery.data
    event, data, id = body["event"], body["data"], body.get("id")
    if not isinstance(event, str) or not isinstance(data, dict):
        raise TypeError("no event with data")
    known = EVENTS.get(event)
    touches = () if known is None else tuple(dict.fromkeys(known[1](data)))
    return WebhookEvent(kind=event, id=id if is_id(id) else None, touches=touches)


def read_triggered(delivery: Delivery) -> int:
    """Milliseconds since 1970. Raises ValueError where they are missing."""
    millis = delivery.find_member("triggeredAt")
    if not isinstance(millis, int) or isinstance(millis, bool):
        raise ValueError("triggeredAt is no number")
    return millis


def read_signed(delivery: Delivery) -> bytes:
    """The random text and the moment, which is all that is signed."""
    token = delivery.find_member("token")
    if not isinstance(token, str) or not 0 < len(token) <= LONGEST:
        raise ValueError("no token")
    return f"{token}{read_triggered(delivery)}".encode()


def read_signed_at(delivery: Delivery) -> datetime:
    try:
        return EPOCH + timedelta(milliseconds=read_triggered(delivery))
    except OverflowError:
        raise ValueError("triggeredAt is no moment") from None


PATH = "/webhooks"


async def subscribe(api: VendorApi, url: str, secret: str | None) -> Subscribed:
    """One webhook for each event. The secret of one is shown when it is made and never again, so those that an earlier
    attempt made for this address are ended first; where one is refused, those that were made before it.
    """
    await unsubscribe(api, read_listed(await api.get(PATH, {}), url))
    made: list[str] = []
    secrets: dict[str, None] = {}
    try:
        for event in EVENTS:
            answer = await api.send("POST", PATH, {"url": url, "event": event})
            id, token = read_made(answer)
            made.append(id)
            secrets[token] = None
    except VendorError:
        await unsubscribe(api, made)
        raise
    return Subscribed(ids=tuple(made), secrets=tuple(secrets))


def read_listed(answer: Any, url: str) -> list[str]:
    """The ids of the webhooks of an address. Raises VendorChanged where the answer is no list of webhooks."""
    try:
        return [get_id(one, "id") for one in answer["data"] if one.get("url") == url]
    except (KeyError, TypeError, AttributeError) as error:
        raise VendorChanged(f"{PATH}: the answer has no list of webhooks") from error


def read_made(answer: Any) -> tuple[str, str]:
    """The id of a new webhook and its secret. Raises VendorChanged where the answer lacks one."""
    try:
        hook = answer["data"]
        token = hook["configuration"]["signatureToken"]
        if not isinstance(token, str) or not token:
            raise TypeError("no secret")
        return get_id(hook, "id"), token
    except (KeyError, TypeError, AttributeError) as error:
        raise VendorChanged(f"{PATH}: the webhook has no id or no secret") from error


async def unsubscribe(api: VendorApi, ids: Sequence[str]) -> None:
    for id in ids:
        try:
            await api.send("DELETE", f"{PATH}/{id}")
        except VendorRefused as error:
            if error.status != HTTPStatus.NOT_FOUND:
                raise


WEBHOOKS = Webhooks(
    events={event: name for event, (name, _) in EVENTS.items()},
    read=read_event,
    verify=Signature(member="signature", signed=read_signed, signed_at=read_signed_at, tolerance=TOLERANCE).verify,
    secret=Secret(drawn_by="vendor"),
    steps=(
        "Open Settings > Integrations and API > Webhooks, as a super admin.",
        "Switch on each event below, with the address above as its webhook URL.",
        "Copy the signature token that Lever shows there, and enter it here as the secret.",
        "Keep all origins of candidates ticked, so that changes of every application are sent.",
    ),
    subscription=Subscription(subscribe=subscribe, unsubscribe=unsubscribe),
)
