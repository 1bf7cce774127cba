"""What Ashby reports of changes: signed over the raw body where a secret is set, one event a webhook; contract.json.

A payload has rows as calls show them. All that is taken of it are ids: of the rows it is about, and of those that show
what it says. Changed candidates, notes and deleted applications have no event [official, by omission].
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
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

Reader = Callable[[Data], Iterable[Touch]]
"""Reads the data of one kind of event."""


def get_id(row: Any, name: str = "id") -> str:
    """Raises KeyError or TypeError where there is no id."""
    value = row[name]
    if not is_id(value):
        raise TypeError(f"{name} is no id")
    return str(value)


def find_id(row: Any, *names: str) -> list[str]:
    """An id, perhaps in an object, that may be missing or null."""
    for name in names[:-1]:
        row = row.get(name) or {}
    return [] if row.get(names[-1]) is None else [get_id(row, names[-1])]


def touch_application(id: str) -> Touch:
    return Touch(stream="applications", id=id)


def touch_job(id: str) -> Touch:
    return Touch(stream="jobs", id=id)


def read_new_application(data: Data) -> Iterator[Touch]:
    """With the candidate, of whom nothing else is sent."""
    yield from read_application(data)
    for id in find_id(data["application"], "candidate", "id"):
        yield Touch(stream="candidates", id=id)


def read_application(data: Data) -> Iterator[Touch]:
    yield touch_application(get_id(data["application"]))


def read_hire(data: Data) -> Iterator[Touch]:
    """With the offer, where there is one."""
    yield from read_application(data)
    for id in find_id(data, "offer", "id"):
        yield Touch(stream="offers", id=id)


def read_deleted_candidate(data: Data) -> Iterator[Touch]:
    yield Touch(stream="candidates", id=get_id(data["candidate"]), is_gone=True)


def read_merge(data: Data) -> Iterator[Touch]:
    """What the one had is the other's now."""
    yield Touch(stream="candidates", id=get_id(data["deletedCandidate"]), is_gone=True)
    for id in find_id(data, "mergedCandidate", "id"):
        yield Touch(stream="candidates", id=id, is_wide=True)


def read_transition(data: Data) -> Iterator[Touch]:
    """Another plan of a job: its applications are at stages of that now."""
    yield Touch(stream="jobs", id=get_id(data, "jobId"), is_wide=True)


def read_schedule(data: Data) -> Iterator[Touch]:
    """Schedules can be asked for by their application."""
    id = get_id(data["interviewSchedule"], "applicationId")
    yield Touch(stream="interview_schedules", id=id, by="applicationId")
    yield touch_application(id)


def read_job(data: Data) -> Iterator[Touch]:
    yield touch_job(get_id(data["job"]))


def read_posting(data: Data) -> Iterator[Touch]:
    """With its job, whose text it has."""
    yield Touch(stream="job_postings", id=get_id(data["jobPosting"]))
    for id in find_id(data["jobPosting"], "jobId"):
        yield touch_job(id)


def read_deleted_posting(data: Data) -> Iterator[Touch]:
    yield Touch(stream="job_postings", id=get_id(data["jobPosting"]), is_gone=True)
    for id in find_id(data["jobPosting"], "jobId"):
        yield touch_job(id)


def read_offer(data: Data) -> Iterator[Touch]:
    yield Touch(stream="offers", id=get_id(data["offer"]))


def read_deleted_offer(data: Data) -> Iterator[Touch]:
    yield Touch(stream="offers", id=get_id(data["offer"]), is_gone=True)


def read_opening(data: Data) -> Iterator[Touch]:
    """Its jobs show it."""
    opening = data["opening"]
    get_id(opening)
    for id in (opening.get("latestVersion") or {}).get("jobIds") or ():
        yield touch_job(get_id({"id": id}))


EVENTS: Mapping[str, tuple[str, Reader]] = {
    "applicationSubmit": ("Application submitted", read_new_application),
    "applicationUpdate": ("Application updated", read_application),
    "candidateStageChange": ("Candidate stage changed", read_application),
    "candidateHire": ("Candidate hired", read_hire),
    "candidateDelete": ("Candidate deleted", read_deleted_candidate),
    "candidateMerge": ("Candidates merged", read_merge),
    "interviewPlanTransition": ("Interview plan changed", read_transition),
    "interviewScheduleCreate": ("Interview schedule created", read_schedule),
    "interviewScheduleUpdate": ("Interview schedule updated", read_schedule),
    "jobPostingUpdate": ("Job posting updated", read_posting),
    "jobPostingPublish": ("Job posting published", read_posting),
    "jobPostingUnpublish": ("Job posting unpublished", read_posting),
    "jobPostingDelete": ("Job posting deleted", read_deleted_posting),
    "offerCreate": ("Offer created", read_offer),
    "offerUpdate": ("Offer updated", read_offer),
    "offerDelete": ("Offer deleted", read_deleted_offer),
    "pushToHRIS": ("Candidate pushed to HRIS", read_application),
    "jobCreate": ("Job created", read_job),
    "jobUpdate": ("Job updated", read_job),
    "openingCreate": ("Opening created", read_opening),
}
"""What is sent, by `action`: its name in the settings, and how its data is read. Answers to surveys are not read."""

ONLY_IN_PAGES = ("jobCreate", "jobUpdate", "openingCreate")
"""Events that webhook.create does not take [official]."""

UNSURE = ("jobPostingDelete",)
"""Events whose names are not documented [guess]: that they are refused is no failure."""

PING = "ping"
"""Sent, signed, when a webhook is made or edited: one whose ping is not answered is stored disabled."""


def read_event(delivery: Delivery) -> WebhookEvent:
    """An action that is not known touches nothing. `webhookActionId` is shared by several events: it is no event's."""
    action, data = delivery.data["action"], delivery.data["data"]
    if not isinstance(action, str) or not isinstance(data, dict):
        raise TypeError("no action with data")
    known = EVENTS.get(action)
    try:
        touches = () if known is None else tuple(dict.fromkeys(known[1](data)))
    except AttributeError as error:
        raise TypeError(f"{action}: something in its data is no object") from error
    return WebhookEvent(kind=action, id=None, touches=touches)


async def subscribe(api: VendorApi, url: str, secret: str | None) -> Subscribed:
    """One webhook for each event that may be asked for; there is no list of those there are.

    Where one is refused, those that were made before it are ended again.
    """
    made: list[str] = []
    try:
        for action in EVENTS:
            if action not in ONLY_IN_PAGES:
                made += await _subscribe_to(api, action, url, secret)
    except VendorError:
        await unsubscribe(api, made)
        raise
    return Subscribed(ids=tuple(made))


async def _subscribe_to(api: VendorApi, action: str, url: str, secret: str | None) -> list[str]:
    body = {"webhookType": action, "requestUrl": url, "secretToken": secret}
    try:
        answer = await api.send("POST", "/webhook.create", body)
    except VendorRefused:
        if action in UNSURE:
            return []
        raise
    try:
        return [get_id(answer["results"])]
    except (KeyError, TypeError) as error:
        raise VendorChanged("/webhook.create: the webhook has no id") from error


async def unsubscribe(api: VendorApi, ids: Sequence[str]) -> None:
    for id in ids:
        try:
            await api.send("POST", "/webhook.delete", {"webhookId": id})
        except VendorRefused as error:
            if error.status != HTTPStatus.NOT_FOUND:
                raise


WEBHOOKS = Webhooks(
    events={action: name for action, (name, _) in EVENTS.items()},
    read=read_event,
    verify=Signature(header="Ashby-Signature", prefix="sha256=").verify,
    secret=Secret(drawn_by="us"),
    steps=(
        "Open Admin > Integrations > Webhooks, as a user who may manage integrations.",
        "Create a webhook for each event below: Ashby takes one event a webhook.",
        "In each, enter the address above as the request URL and the secret above as the secret token.",
        "Save it: Ashby calls the address at once, and a webhook whose call is not answered stays disabled.",
        "Where the webhooks were made over the API, add those for created and updated jobs and for created openings "
        "here: they cannot be asked for otherwise.",
    ),
    subscription=Subscription(subscribe=subscribe, unsubscribe=unsubscribe),
)
