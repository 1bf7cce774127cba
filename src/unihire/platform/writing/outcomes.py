"""What a write came to: its steps, the answer where it was done, and the error where it was not."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import msgspec

from unihire.errors import (
    ApiError,
    Conflict,
    Forbidden,
    Invalid,
    NotNow,
    PermissionMissing,
    ReauthorizeNeeded,
    ReferenceMissing,
    RetryLater,
    Unanswered,
    Uncertain,
    VendorError,
    VendorRefused,
    shorten,
)
from unihire.integration.declare import Integration
from unihire.integration.write import Write
from unihire.model import ModelSpec
from unihire.platform.context_writes import WriteProgress
from unihire.store.calls.operations import WriteStep

DONE, PARTLY_DONE, REFUSED, PERHAPS_MADE, NOT_MADE = "done", "partly_done", "refused", "perhaps_made", "not_made"
"""How writes end. What is refused, or not made, left nothing at the vendor."""

WAITING, RUNNING = "waiting", "running"
"""What they are before."""

_FIELD = re.compile(r"([a-z_]+(?:/[a-z_0-9]+)*): ")

MOST_REFUSAL = 20_000
"""Bytes of a vendor's refusal that are repeated and stored."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a write: `outcome` as of writes; `id` is the vendor's of what was made, `error` says why not."""

    step: str
    outcome: str
    id: str | None = None
    error: str | None = None


def list_steps(progress: WriteProgress, refused: Mapping[str, VendorError], failed: str | None = None) -> list[Step]:
    """The steps, those that were done first; `failed` is why the first that is missing was not done."""
    steps = [Step(name, DONE, str(id)) for name, id in progress.made.items()]
    steps += [Step(name, PERHAPS_MADE) for name in progress.unsure]
    steps += [Step(name, REFUSED, error=explain(error)) for name, error in refused.items()]
    missing = [name for name in progress.missing if name not in refused]
    return steps + [Step(name, NOT_MADE, error=None if place else failed) for place, name in enumerate(missing)]


def list_done(progress: WriteProgress, refused: Mapping[str, VendorError]) -> list[Step]:
    """The steps of a write that was done: one whose answer was lost is done as well, for its state was found."""
    steps = [Step(name, DONE, str(id)) for name, id in progress.made.items()]
    steps += [Step(name, DONE) for name in progress.unsure]
    return steps + [Step(name, REFUSED, error=explain(error)) for name, error in refused.items()]


def explain(error: VendorError) -> str:
    """The error in words, the vendor's own included."""
    said = find_words(error)
    return f"{error}: {said}" if said else str(error)


def find_words(error: VendorError) -> str:
    """What the vendor said, as text of bounded length; empty where it said nothing."""
    body = getattr(error, "body", b"")
    return shorten(body[:MOST_REFUSAL].decode("utf-8", "replace"), 1_000) if body else ""


def write_answer(record: bytes, members: Mapping[str, Any]) -> bytes:
    """A record's body, a JSON object, with further members."""
    further = msgspec.json.encode(members)
    return record[:-1] + b"," + further[1:]


def write_empty(model: ModelSpec, id: str, remote_id: str) -> bytes:
    """The body of a record that could not be read back: its ids, and nulls."""
    known = {"id": id, "remote_id": remote_id}
    names = ("id", "modified_at", *(field.name for field in model.fields), "custom_fields", "raw_data")
    return msgspec.json.encode({name: known.get(name) for name in names})


@dataclass(frozen=True, slots=True)
class Failure:
    """How a write ended that was not done: the error for the caller, and its status in the log."""

    status: str
    error: ApiError


def make_failure(
    error: VendorError, id: UUID, write: Write, integration: Integration, progress: WriteProgress, steps: list[Step]
) -> Failure:
    """What a vendor's error means: for the caller, and for the log of writes."""
    if progress.unsure:
        status = PERHAPS_MADE
    elif progress.made:
        status = PARTLY_DONE
    else:
        status = REFUSED if isinstance(error, VendorRefused | PermissionMissing | ReferenceMissing) else NOT_MADE
    members: dict[str, Any] = {"write_id": str(id), "outcome": status}
    if progress.has_begun or len(steps) > 1:
        members["steps"] = msgspec.to_builtins(steps)
    found = _make_error(error, id, write, integration, is_unsure=bool(progress.unsure), has_made=bool(progress.made))
    found.members = members
    return Failure(status, found)


def _make_error(
    error: VendorError, id: UUID, write: Write, integration: Integration, *, is_unsure: bool, has_made: bool
) -> ApiError:
    if is_unsure or isinstance(error, Unanswered):
        words = f"{error}. Look for it at {integration.name}, then settle this write at /api/v1/writes/{id}/resolve"
        return Uncertain(words)
    match error:
        case ReauthorizeNeeded():
            return Forbidden(f"{integration.name} refuses the credentials: the customer must connect again")
        case PermissionMissing():
            return Forbidden(explain(error))
        case VendorRefused(status=409):
            return Conflict(explain(error))
        case VendorRefused():
            return Invalid(list(_list_problems(error, write, integration)))
        case ReferenceMissing():
            return Invalid([_describe_missing(str(error))])
        case RetryLater() if not has_made:
            return NotNow(f"{integration.name} cannot take this now: {error}", error.after)
        case _:
            return Uncertain(str(error))


def _describe_missing(words: str) -> dict[str, Any]:
    """A fault that a vendor's function found itself: it begins with the field, `job: …`."""
    found = _FIELD.match(words)
    place = ["body"] if found is None else ["body", *found[1].split("/")]
    said = words if found is None else words[found.end() :]
    return {"type": "reference_missing", "loc": place, "msg": said, "input": None}


def _list_problems(error: VendorRefused, write: Write, integration: Integration) -> Iterator[dict[str, Any]]:
    """The vendor's faults, with the field each names, in its words."""
    read = integration.read_refusal
    found = list(read(error.body[:MOST_REFUSAL])) if read is not None else []
    for member, words in found or [(None, find_words(error) or str(error))]:
        name = None if member is None else write.named.get(member, member)
        place = ["body"] if name is None else ["body", name]
        yield {"type": "vendor_refused", "loc": place, "msg": words, "input": None, "ctx": {"status": error.status}}


def show_progress(steps: Mapping[str, WriteStep]) -> list[dict[str, Any]]:
    """The steps of a write that has no answer, as far as they came."""
    listed = [
        Step(name, PERHAPS_MADE) if step.row is None else Step(name, DONE, str(step.row["id"]))
        for name, step in steps.items()
    ]
    found: list[dict[str, Any]] = msgspec.to_builtins(listed)
    return found


def show_steps(steps: Mapping[str, WriteStep]) -> dict[str, Any]:
    """The rows the vendor answered with, by step."""
    return {name: step.row for name, step in steps.items() if step.row is not None}
