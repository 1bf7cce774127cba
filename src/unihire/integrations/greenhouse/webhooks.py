"""What Greenhouse reports of changes: signed over the raw body, one event a webhook; facts and gaps in quirks.md.

A payload has the nested shapes of the API before v3. All that is taken of it are ids: of the rows it is about, and of
those whose lists show what it says.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from unihire.errors import VendorChanged, VendorRefused
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

APPLICATION, CANDIDATE, JOB = "application_id", "candidate_id", "job_id"

Reader = Callable[[Data], Iterable[Touch]]
"""Reads the payload of one kind of event."""


def get_number(row: Any, name: str) -> str:
    """An id, a whole number. Raises KeyError or TypeError where there is none."""
    value = row[name]
    if type(value) is not int or not 0 < value < 2**63:
        raise TypeError(f"{name} is no id")
    return str(value)


def find_number(row: Any, name: str) -> list[str]:
    """An id that may be missing, or null."""
    return [] if row.get(name) is None else [get_number(row, name)]


def list_numbers(row: Any, name: str) -> list[str]:
    """Ids in a list that may be missing."""
    return [get_number({"id": value}, "id") for value in row.get(name) or ()]


def touch_by(member: str, id: str, *streams: str) -> Iterator[Touch]:
    """The rows of these streams that have the id in a member."""
    for stream in streams:
        yield Touch(stream=stream, id=id, by=member)


OF_PERSON = ("candidate_educations", "candidate_employments", "applied_candidate_tags", "attachments")
"""Lists of what belongs to a person; nothing is sent for a row of theirs."""


def touch_person(id: str) -> Iterator[Touch]:
    yield Touch(stream="candidates", id=id)
    yield from touch_by(CANDIDATE, id, *OF_PERSON)


def touch_application(payload: Data, *more: str) -> Iterator[Touch]:
    """An application, its stage, and its candidate: a person's last activity moves with it.

    `more` are lists besides that show what happened.
    """
    application = payload["application"]
    id = get_number(application, "id")
    yield Touch(stream="applications", id=id)
    yield from touch_by(APPLICATION, id, "application_stages", *more)
    for person in find_number(application.get("candidate") or {}, "id"):
        yield Touch(stream="candidates", id=person)


def read_new_application(payload: Data) -> Iterator[Touch]:
    """With the person, of whom nothing else is sent when they are new."""
    yield from touch_application(payload, "prospect_details")
    for person in find_number(payload["application"].get("candidate") or {}, "id"):
        yield from touch_person(person)


def read_edited_application(payload: Data) -> Iterator[Touch]:
    yield from touch_application(payload, "rejection_details", "prospect_details", "attachments")


def read_moved_application(payload: Data) -> Iterator[Touch]:
    yield from touch_application(payload)


def read_ended_application(payload: Data) -> Iterator[Touch]:
    yield from touch_application(payload, "rejection_details")


def read_hire(payload: Data) -> Iterator[Touch]:
    """The offer is accepted and the opening filled, or the reverse; of neither anything need be sent."""
    yield from touch_application(payload, "offers", "openings")
    for job in payload["application"].get("jobs") or ():
        yield Touch(stream="jobs", id=get_number(job, "id"))


def read_deleted_application(payload: Data) -> Iterator[Touch]:
    application = payload["application"]
    yield Touch(stream="applications", id=get_number(application, "id"), is_gone=True)
    for id in find_number(application, CANDIDATE):
        yield Touch(stream="candidates", id=id)


def read_candidate(payload: Data) -> Iterator[Touch]:
    """A person's recruiter and coordinator are their applications' in v3."""
    id = get_number(payload["candidate"], "id")
    yield from touch_person(id)
    yield from touch_by(CANDIDATE, id, "applications")


def read_deleted_candidate(payload: Data) -> Iterator[Touch]:
    """No delete_application is sent for the applications of a person: those named here are all there is."""
    person = payload["person"]
    yield Touch(stream="candidates", id=get_number(person, "id"), is_gone=True)
    for id in list_numbers(person, "deleted_application_ids"):
        yield Touch(stream="applications", id=id, is_gone=True)


def read_merge(payload: Data) -> Iterator[Touch]:
    """What the one had is the other's now."""
    person = payload["person"]
    yield Touch(stream="candidates", id=get_number(person, "id"), is_gone=True)
    for id in find_number(person, "new_candidate_id"):
        yield from touch_person(id)
        yield from touch_by(CANDIDATE, id, "applications", "notes")


def read_anonymization(payload: Data) -> Iterator[Touch]:
    """Whatever is stored of a person may be another now, or gone."""
    id = get_number(payload, CANDIDATE)
    yield Touch(stream="candidates", id=id, is_wide=True)
    yield from touch_by(CANDIDATE, id, *OF_PERSON, "applications", "notes", "offers")


def read_offer(payload: Data) -> Iterator[Touch]:
    """The offers of its application: a new version deprecates the one before."""
    yield Touch(stream="offers", id=get_number(payload, "id"))
    for id in find_number(payload, APPLICATION):
        yield from touch_by(APPLICATION, id, "offers")


def read_deleted_offer(payload: Data) -> Iterator[Touch]:
    yield Touch(stream="offers", id=get_number(payload["offer"], "id"), is_gone=True)
    for id in find_number(payload["offer"], APPLICATION):
        yield from touch_by(APPLICATION, id, "offers")


def read_deleted_interview(payload: Data) -> Iterator[Touch]:
    id = get_number(payload["interview"], "id")
    yield Touch(stream="interviews", id=id, is_gone=True)
    yield from touch_by("interview_id", id, "interviewers")


def read_deleted_scorecard(payload: Data) -> Iterator[Touch]:
    id = get_number(payload["scorecard"], "id")
    yield Touch(stream="scorecards", id=id, is_gone=True)
    yield from touch_by("scorecard_id", id, "interviewers")


OF_JOB = ("openings", "job_hiring_managers", "job_owners", "job_posts", "job_interview_stages", "job_interviews")
"""Lists of what belongs to a job; of what a copied or deleted job has nothing else is sent."""


def read_job(payload: Data) -> Iterator[Touch]:
    id = get_number(payload["job"], "id")
    yield Touch(stream="jobs", id=id)
    yield from touch_by(JOB, id, *OF_JOB)


def read_deleted_job(payload: Data) -> Iterator[Touch]:
    id = get_number(payload["job"], "id")
    yield Touch(stream="jobs", id=id, is_gone=True)
    yield from touch_by(JOB, id, *OF_JOB)


def read_post(payload: Data) -> Iterator[Touch]:
    """A post without a job is a prospect post."""
    id = get_number(payload, "id")
    yield Touch(stream="job_posts", id=id)
    yield from touch_by("job_post_id", id, "pay_input_ranges")


def read_deleted_post(payload: Data) -> Iterator[Touch]:
    """The list goes on showing it, as deleted."""
    yield from read_post(payload["job_post"])


def read_deleted_stage(payload: Data) -> Iterator[Touch]:
    """As a post: the list shows it as deleted, perhaps."""
    stage = payload["job_interview_stage"]
    yield Touch(stream="job_interview_stages", id=get_number(stage, "id"))
    for id in find_number(stage, JOB):
        yield from touch_by(JOB, id, "job_interviews")


def read_deleted_unit(payload: Data, noun: str) -> Iterator[Touch]:
    """A department or an office. Those below it may hang on another now."""
    unit, stream = payload[noun], f"{noun}s"
    yield Touch(stream=stream, id=get_number(unit, "id"), is_gone=True)
    for id in list_numbers(unit, "child_ids"):
        yield Touch(stream=stream, id=id)


def read_deleted_department(payload: Data) -> Iterator[Touch]:
    yield from read_deleted_unit(payload, "department")


def read_deleted_office(payload: Data) -> Iterator[Touch]:
    yield from read_deleted_unit(payload, "office")


EVENTS: Mapping[str, tuple[str, Reader]] = {
    "new_candidate_application": ("Candidate has submitted application", read_new_application),
    "new_prospect_application": ("Prospect created", read_new_application),
    "application_updated": ("Application updated", read_edited_application),
    "delete_application": ("Application deleted", read_deleted_application),
    "candidate_stage_change": ("Candidate has changed stage", read_moved_application),
    "hire_candidate": ("Candidate has been hired", read_hire),
    "unhire_candidate": ("Candidate has been unhired", read_hire),
    "reject_candidate": ("Candidate or prospect rejected", read_ended_application),
    "unreject_candidate": ("Candidate or prospect unrejected", read_ended_application),
    "update_candidate": ("Candidate or prospect updated", read_candidate),
    "delete_candidate": ("Candidate or prospect deleted", read_deleted_candidate),
    "merge_candidate": ("Candidate merged with another candidate", read_merge),
    "candidate_anonymized": ("Candidate anonymized", read_anonymization),
    "offer_created": ("Offer created", read_offer),
    "offer_approved": ("Offer approved", read_offer),
    "offer_updated": ("Offer updated", read_offer),
    "offer_deleted": ("Offer deleted", read_deleted_offer),
    "interview_deleted": ("Interview deleted", read_deleted_interview),
    "scorecard_deleted": ("Scorecard deleted", read_deleted_scorecard),
    "job_created": ("Job created", read_job),
    "job_updated": ("Job updated", read_job),
    "job_approved": ("Job approved", read_job),
    "job_deleted": ("Job deleted", read_deleted_job),
    "job_post_created": ("Job post created", read_post),
    "job_post_updated": ("Job post updated", read_post),
    "job_post_deleted": ("Job post deleted", read_deleted_post),
    "job_interview_stage_deleted": ("Job interview stage deleted", read_deleted_stage),
    "department_deleted": ("Department deleted", read_deleted_department),
    "office_deleted": ("Office deleted", read_deleted_office),
}
"""What is sent, by `action`: its name in the settings, and how its payload is read."""

PING = "ping"
"""Sent, signed, when a webhook is saved: one that is not answered with 200 is stored disabled."""


def read_event(delivery: Delivery) -> WebhookEvent:
    """An action that is not known, such as one that was added since, touches nothing."""
    action, payload = delivery.data["action"], delivery.data["payload"]
    if not isinstance(action, str) or not isinstance(payload, dict):
        raise TypeError("no action with a payload")
    known = EVENTS.get(action)
    touches = () if known is None else tuple(dict.fromkeys(known[1](payload)))
    return WebhookEvent(kind=action, id=delivery.find_header("Greenhouse-Event-ID"), touches=touches)


WEBHOOKS_PATH = "/v3/webhooks"


async def subscribe(api: VendorApi, url: str, secret: str | None) -> Subscribed:
    """One webhook for each event, as the vendor has them; those there are already for the address are taken."""
    rows = await api.get(WEBHOOKS_PATH, {"per_page": "500"})
    try:
        known = {row["event"]: get_number(row, "id") for row in rows if row["url"] == url}
        for action, (name, _) in EVENTS.items():
            if action not in known:
                body = {"name": f"Unihire: {name}", "url": url, "event": action, "secret": secret}
                known[action] = get_number(await api.send("POST", WEBHOOKS_PATH, body), "id")
    except (KeyError, TypeError) as error:
        raise VendorChanged(f"{WEBHOOKS_PATH}: a webhook has no id, event or url") from error
    return Subscribed(ids=tuple(known[action] for action in EVENTS))


async def unsubscribe(api: VendorApi, ids: Sequence[str]) -> None:
    for id in ids:
        try:
            await api.send("DELETE", f"{WEBHOOKS_PATH}/{id}")
        except VendorRefused as error:
            if error.status != HTTPStatus.NOT_FOUND:
                raise


WEBHOOKS = Webhooks(
    events={action: name for action, (name, _) in EVENTS.items()},
    read=read_event,
    verify=Signature(header="Signature", prefix="sha256 ").verify,
    secret=Secret(drawn_by="us"),
    steps=(
        "Open Configure > Dev Center > Web Hooks, as a user who may manage web hooks.",
        "Create a web hook for each event below: Greenhouse takes one event a web hook.",
        "In each, enter the address above as the endpoint URL and the secret above as the secret key.",
        "Save it: Greenhouse calls the address at once, and a web hook whose call is not answered is saved disabled.",
    ),
    subscription=Subscription(
        subscribe=subscribe,
        unsubscribe=unsubscribe,
        scopes=tuple(f"harvest:webhooks:{action}" for action in ("list", "create", "destroy")),
        is_for_partners=True,
    ),
)
