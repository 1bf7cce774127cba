"""What belongs to an opportunity of Lever's must become, said a second time from the documents and the vocabulary."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any
from uuid import UUID, uuid5

from testbed.lever_line import Row

Part = tuple[str, str, Row, Row, Row | None]
"""A record: its model, its id, its raw data, its fields and its custom fields."""


@dataclass(frozen=True, slots=True)
class LeverRaw:
    """Everything the vendor shows to a key that may read all: lists by name, and what is beside rows by their ids."""

    rows: dict[str, list[Row]]
    forms: dict[str, Row]
    """The application forms of the postings to which one can apply."""
    below: dict[tuple[str, str], list[Row]]
    """What belongs to an opportunity, by its kind and the opportunity's id."""


class Truth:
    """The rows, and our ids of what they point at."""

    def __init__(self, raw: LeverRaw, connector: UUID) -> None:
        self.raw = raw
        self._connector = connector

    def ours(self, model: str, remote_id: Any) -> str | None:
        return None if remote_id is None else _derive(self._connector, f"{model}:{remote_id}")

    def all_ours(self, model: str, ids: Iterable[Any]) -> list[str | None]:
        return [self.ours(model, one) for one in dict.fromkeys(ids)]

    def steps(self, opportunity: Row) -> list[Row]:
        return sorted(opportunity["stageChanges"], key=lambda one: one["updatedAt"])

    def list_answers(self, application: Row) -> Iterator[Row]:
        """What was answered in the forms of an application; questions of a posting are records."""
        posting = application["posting"] if application["type"] == "posting" else None
        for form in application["customQuestions"]:
            for field in form["fields"]:
                if field["value"] not in (None, "", []):
                    question = None if posting is None else self.ours("screening_question", f"{posting}:{field['id']}")
                    yield tell_answer(field, question)


@cache
def _derive(connector: UUID, name: str) -> str:
    return str(uuid5(connector, name))


def text(value: str | None) -> str | None:
    return value or None


def moment(millis: int | None) -> str | None:
    if millis is None:
        return None
    found = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=millis)
    return found.replace(tzinfo=None).isoformat() + "Z"


def tell_all(rows: Iterable[Row], member: str) -> list[str]:
    return list(dict.fromkeys(one for row in rows for one in row[member]))


def find_application(opportunity: Row) -> Row:
    """The application of an opportunity; empty for a lead."""
    found: Row = next(iter(opportunity["applications"]), {})
    return found


CHOSEN = {
    "dropdown": "SINGLE_SELECT",
    "multiple-choice": "SINGLE_SELECT",
    "multiple-select": "MULTI_SELECT",
}
TYPES = {**CHOSEN, "text": "SINGLE_LINE_TEXT", "textarea": "MULTI_LINE_TEXT", "yes-no": "BOOLEAN", "date": "DATE"}


def tell_answer(field: Row, question: str | None = None) -> Row:
    kind, value = field["type"], field["value"]
    values = None
    if kind in CHOSEN:
        values = [str(one) for one in (value if isinstance(value, list) else [value])]
    elif kind == "date":
        value = moment(value)
    return {
        "question": question,
        "question_remote_id": field["id"],
        "title": text(field["text"]),
        "type": TYPES.get(kind, kind),
        "text": str(value) if values is None else ", ".join(values),
        "values": values,
    }


def tell_steps(truth: Truth, within: Row) -> Iterator[Part]:
    steps = truth.steps(within)
    for place, step in enumerate(steps):
        ours = {
            "application": truth.ours("application", within["id"]),
            "from_stage": truth.ours("job_interview_stage", steps[place - 1]["toStageId"]) if place else None,
            "to_stage": truth.ours("job_interview_stage", step["toStageId"]),
            "entered_at": moment(step["updatedAt"]),
            "left_at": moment(steps[place + 1]["updatedAt"]) if place + 1 < len(steps) else None,
            "user": truth.ours("remote_user", step.get("userId")),
        }
        yield "application_transition", f"{within['id']}:{place}", step, ours, None


def tell_notes(truth: Truth, within: Row) -> Iterator[Part]:
    for row in truth.raw.below["notes", within["id"]]:
        if row["deletedAt"] is not None:
            continue
        comments = row["fields"]
        ours = {
            "user": truth.ours("remote_user", (comments[0]["user"] if comments else None) or row["user"]),
            "activity_type": "NOTE",
            "body": "\n\n".join(one["value"] for one in comments if one["value"]) or None,
            "body_format": "TEXT",
            "visibility": "PRIVATE" if row["secret"] else "PUBLIC",
            "candidate": truth.ours("candidate", within["contact"]),
            "application": truth.ours("application", within["id"]),
            "remote_created_at": moment(row["createdAt"]),
        }
        yield "activity", row["id"], row, ours, None


def tell_files(truth: Truth, within: Row) -> Iterator[Part]:
    found = [("RESUME", row["id"], row["file"]) for row in truth.raw.below["resumes", within["id"]] if row["file"]]
    found += [("OTHER", row["id"], row) for row in truth.raw.below["files", within["id"]]]
    for kind, id, row in found:
        ours = {
            "file_name": text(row["name"]),
            "file_url": row["downloadUrl"],
            "attachment_type": kind,
            "size": row["size"],
            "remote_created_at": moment(row["uploadedAt"]),
            "candidate": truth.ours("candidate", within["contact"]),
            "application": truth.ours("application", within["id"]),
        }
        yield "attachment", id, {**row, "id": id}, ours, None


def tell_interviews(truth: Truth, within: Row) -> Iterator[Part]:
    for row in truth.raw.below["interviews", within["id"]]:
        is_over = row["canceledAt"] is not None
        people = [(truth.ours("remote_user", one["id"]), one) for one in row["interviewers"]]
        ours = {
            "application": truth.ours("application", within["id"]),
            "job_interview_stage": truth.ours("job_interview_stage", row["stage"]),
            "organizer": truth.ours("remote_user", row["user"]),
            "interviewers": [id for id, _ in people],
            "attendees": [
                {"user": id, "email": text(one["email"]), "name": text(one["name"]), "status": None}
                for id, one in people
            ],
            "location": text(row["location"]),
            "start_at": moment(row["date"]),
            "end_at": moment(row["date"] + row["duration"] * 60_000),
            "remote_created_at": moment(row["createdAt"]),
            "status": "CANCELLED" if is_over else "COMPLETE" if row["feedbackForms"] else "SCHEDULED",
            "is_cancelled": is_over,
            "time_zone": text(row["timezone"]),
            "title": text(row["subject"]),
            "group": row["panel"],
        }
        yield "scheduled_interview", row["id"], row, ours, None


VERDICTS = {4: "STRONG_YES", 3: "YES", 2: "NO", 1: "DEFINITELY_NO"}


def tell_scorecards(truth: Truth, within: Row) -> Iterator[Part]:
    for row in truth.raw.below["feedback", within["id"]]:
        if row["type"] != "interview" or row["deletedAt"] is not None:
            continue
        fields = row["fields"]
        overall = next((one for one in fields if one["type"] == "score-system"), None)
        value = None if overall is None else overall["value"]
        points = None if value is None else int(value[0])
        said = [one for one in fields if one["value"] not in (None, "", [])]
        ours = {
            "application": truth.ours("application", within["id"]),
            "interview": truth.ours("scheduled_interview", row["interview"]),
            "interviewer": truth.ours("remote_user", row["user"]),
            "remote_created_at": moment(row["createdAt"]),
            "remote_updated_at": moment(row["updatedAt"]),
            "submitted_at": moment(row["completedAt"]),
            "overall_recommendation": "NO_DECISION" if points is None else VERDICTS[points],
            "score": points,
            "score_max": None if points is None else 4,
            "status": "DRAFT" if row["completedAt"] is None else "COMPLETE",
            "attributes": list(_tell_ratings(fields)),
            "answers": [tell_answer(one) for one in said if one is not overall and one["type"] != "scorecard"],
            "notes": "\n\n".join(one["value"] for one in said if one["type"] in ("note", "textarea")) or None,
        }
        yield "scorecard", row["id"], row, ours, None


def _tell_ratings(fields: list[Row]) -> Iterator[Row]:
    for field in fields:
        if field["type"] == "scorecard":
            for skill, given in zip(field["scores"], field["value"] or (), strict=False):
                yield {
                    "name": skill["text"],
                    "kind": "ATTRIBUTE",
                    "rating": None,
                    "score": given["score"],
                    "note": text(given.get("comment")),
                }


def tell_offers(truth: Truth, within: Row) -> Iterator[Part]:
    for row in truth.raw.below["offers", within["id"]]:
        signed = ((row["signatures"] or {}).get("candidate") or {}).get("signedAt")
        custom = {one["identifier"]: one["value"] for one in row["fields"]}
        ours = {
            "application": truth.ours("application", within["id"]),
            "creator": truth.ours("remote_user", row["creator"]),
            "remote_created_at": moment(row["createdAt"]),
            "sent_at": moment(row["sentAt"]),
            "closed_at": moment(signed),
            "start_date": moment(custom.pop("anticipated_start_date", None)),
            "status": row["status"].upper(),
        }
        yield "offer", row["id"], row, ours, custom
        for member, name in (("sentDocument", "sent"), ("signedDocument", "signed")):
            if (document := row[member]) is not None:
                id = f"{row['id']}:{name}"
                letter = {
                    "file_name": document["fileName"],
                    "file_url": document["downloadUrl"],
                    "attachment_type": "OFFER_LETTER",
                    "remote_created_at": moment(document["uploadedAt"]),
                    "candidate": truth.ours("candidate", within["contact"]),
                    "application": truth.ours("application", within["id"]),
                }
                yield "attachment", id, {**document, "id": id}, letter, None


BELOW: tuple[Callable[[Truth, Row], Iterator[Part]], ...] = (
    tell_steps,
    tell_notes,
    tell_files,
    tell_interviews,
    tell_scorecards,
    tell_offers,
)
