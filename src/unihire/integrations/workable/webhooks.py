"""What Workable reports of changes: signed with the token that asked for it, over the raw body; contract.json.

A delivery has the candidate as it is when it is sent. All that is taken of it is the id. Changed candidates, and
everything about jobs, have no event [official, by omission].
"""

from collections.abc import Mapping, Sequence
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
from unihire.kit.text import is_id

DELETED = "candidate_deleted"

EVENTS: Mapping[str, str] = {
    "candidate_created": "Candidate created",
    "candidate_moved": "Candidate moved",
    DELETED: "Candidate deleted",
}
"""Those about candidates; others are about employees. `job_deleted` is on no list any more."""

PATH = "/subscriptions"

MOST_PAGES = 20
"""Pages of subscriptions that are looked through."""


def read_event(delivery: Delivery) -> WebhookEvent:
    """An event that is not known touches nothing. There is no id of an event."""
    kind, data = delivery.data["event_type"], delivery.data["data"]
    if not isinstance(kind, str) or not isinstance(data, dict):
        raise TypeError("no event with data")
    touches: tuple[Touch, ...] = ()
    if kind in EVENTS:
        touches = (Touch(stream="candidates", id=get_id(data), is_gone=kind == DELETED),)
    return WebhookEvent(kind=kind, id=None, touches=touches)


def get_id(row: Data) -> str:
    """Text, or a number, as that of a subscription. Raises KeyError or TypeError where there is no id."""
    value = row["id"]
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if not is_id(text):
        raise TypeError("id is no id")
    return text


async def subscribe(api: VendorApi, url: str, secret: str | None) -> Subscribed:
    """One subscription for each event, to all jobs and stages; those there are already for the address are taken.

    Where one is refused, those that were made before it are ended again.
    """
    known, made = await _find_known(api, url), list[str]()
    args = await _find_account(api)
    try:
        for event in EVENTS:
            if event not in known:
                known[event] = await _subscribe_to(api, event, url, args)
                made.append(known[event])
    except VendorError:
        await unsubscribe(api, made)
        raise
    return Subscribed(ids=tuple(known[event] for event in EVENTS))


async def _subscribe_to(api: VendorApi, event: str, url: str, args: Data) -> str:
    answer = await api.send("POST", PATH, {"target": url, "event": event, **args})
    try:
        return get_id(answer)
    except (KeyError, TypeError) as error:
        raise VendorChanged(f"{PATH}: the subscription has no id") from error


async def _find_account(api: VendorApi) -> Data:
    """What a subscription says of the account, where the token has one account alone."""
    answer = await api.get("/accounts", {})
    try:
        found = [account["subdomain"] for account in answer["accounts"]]
    except (KeyError, TypeError) as error:
        raise VendorChanged("/accounts: an account has no subdomain") from error
    if len(found) != 1:
        return {}
    return {"args": {"account_id": found[0], "job_shortcode": "", "stage_slug": ""}}


async def _find_known(api: VendorApi, url: str) -> dict[str, str]:
    """The ids of the subscriptions there are for an address, by event; an account without any is answered with 404."""
    found: dict[str, str] = {}
    after: str | None = None
    for _ in range(MOST_PAGES):
        rows = await _list_subscriptions(api, after)
        ids = [get_subscription(row) for row in rows]
        found |= {row["event"]: id for row, id in zip(rows, ids, strict=True) if is_of_all(row, url)}
        if not ids or ids[-1] == after or len(ids) < 2:
            break
        after = ids[-1]
    return found


async def _list_subscriptions(api: VendorApi, after: str | None) -> list[Data]:
    """Those from an id on."""
    try:
        answer = await api.get(PATH, {"limit": "100", **({} if after is None else {"since_id": after})})
    except VendorRefused as error:
        if error.status == HTTPStatus.NOT_FOUND:
            return []
        raise
    try:
        rows: list[Data] = answer["subscriptions"]
        return [row for row in rows if row["event"]]
    except (KeyError, TypeError) as error:
        raise VendorChanged(f"{PATH}: a subscription has no event") from error


def get_subscription(row: Data) -> str:
    try:
        return get_id(row)
    except (KeyError, TypeError) as error:
        raise VendorChanged(f"{PATH}: a subscription has no id") from error


def is_of_all(row: Data, url: str) -> bool:
    """Whether a subscription is for an address, and for every job and stage."""
    filters: list[Any] = [row.get("job_shortcode"), row.get("stage_slug")]
    return row.get("target") == url and not any(filters)


async def unsubscribe(api: VendorApi, ids: Sequence[str]) -> None:
    for id in ids:
        try:
            await api.send("DELETE", f"{PATH}/{id}")
        except VendorRefused as error:
            if error.status != HTTPStatus.NOT_FOUND:
                raise


WEBHOOKS = Webhooks(
    events=EVENTS,
    read=read_event,
    verify=Signature(header="X-Workable-Signature").verify,
    secret=Secret(credentials=("api_token",)),
    steps=(
        "Workable takes webhooks over its API alone: let Unihire subscribe, which needs no step of yours.",
        "Where a token is replaced by a new one, subscribe again: deliveries are signed with the token that asked.",
    ),
    subscription=Subscription(subscribe=subscribe, unsubscribe=unsubscribe),
)
