"""The body of an application that is submitted over v1: what it may contain, and what is refused.

Fields, required ones, words and codes are official. Guesses: the names of nested fields (`files[0].category`); that a
value of another JSON type is refused without a code; that null is refused where a field may be left out; that
unknown fields are ignored; that a field is checked against the company's rows only when all fields fit by themselves.
"""

import re
from collections.abc import Sequence
from datetime import date
from typing import Any, NamedTuple

from unihire.integration.emulate import Row
from unihire.integrations.personio.emulator.documented_v1 import (
    ATTRIBUTES,
    BAD_DATE,
    BAD_EMAIL,
    BAD_SYSTEM_PHASE,
    FILE_CATEGORIES,
    FUTURE_DATE,
    REQUIRED,
    SYSTEM_PHASES,
    UNKNOWN_ATTRIBUTE,
    UNKNOWN_FILE_CATEGORY,
    UNKNOWN_OPTION,
)
from unihire.integrations.personio.emulator.v1_answers import V1Refusal
from unihire.kit.nesting import decode_bounded

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


class SubmittedFile(NamedTuple):
    """A file that was uploaded before."""

    uuid: str
    original_filename: str
    category: str


class Submission(NamedTuple):
    """A body whose fields fit by themselves."""

    first_name: str
    last_name: str
    email: str
    job_position_id: int
    recruiting_channel_id: int | None
    external_posting_id: str | None
    message: str | None
    application_date: str | None
    phase: tuple[str, str | int] | None
    """(type, id)."""
    tags: Sequence[str]
    files: Sequence[SubmittedFile]
    attributes: Sequence[tuple[str, str]]

    def list_written(self) -> Row:
        """The fields that were given, as they were written."""
        row = {name: value for name, value in self._asdict().items() if value is not None and value != []}
        if self.phase is not None:
            row["phase"] = {"type": self.phase[0], "id": self.phase[1]}
        if self.files:
            row["files"] = [file._asdict() for file in self.files]
        if self.attributes:
            row["attributes"] = [{"id": id_, "value": value} for id_, value in self.attributes]
        return row


def read_submission(body: bytes, today: date) -> Submission:
    """Raises V1Refusal that names every field that does not fit."""
    try:
        row = decode_bounded(body)
    except ValueError:
        raise V1Refusal(400, detail="The request body is not valid JSON.") from None
    if not isinstance(row, dict):
        raise V1Refusal(400, detail="The request body must be an object.")
    return _Reader().read(row, today)


class _Reader:
    """Reads one body; collects what does not fit."""

    def __init__(self) -> None:
        self._reasons: dict[str, list[str]] = {}

    def read(self, row: Row, today: date) -> Submission:
        submission = Submission(
            first_name=self._require(row, "first_name"),
            last_name=self._require(row, "last_name"),
            email=self._read_email(row),
            job_position_id=self._read_number(row, "job_position_id", is_required=True) or 0,
            recruiting_channel_id=self._read_number(row, "recruiting_channel_id"),
            external_posting_id=_take(row, "external_posting_id", str),
            message=_take(row, "message", str),
            application_date=self._read_application_date(row, today),
            phase=self._read_phase(row),
            tags=self._read_tags(row),
            files=self._read_files(row),
            attributes=self._read_attributes(row),
        )
        if self._reasons:
            raise V1Refusal(400, self._reasons)
        return submission

    def _refuse(self, field: str, code: str) -> None:
        self._reasons.setdefault(field, []).append(code)

    def _require(self, row: Row, name: str, place: str = "") -> str:
        """A text that is there and not blank; empty when it is refused."""
        text = row.get(name)
        if text is None or (isinstance(text, str) and not text.strip()):
            self._refuse(place + name, REQUIRED)
            return ""
        found: str = _check(text, place + name, str)
        return found

    def _read_email(self, row: Row) -> str:
        email = self._require(row, "email")
        if email and _EMAIL.fullmatch(email) is None:
            self._refuse("email", BAD_EMAIL)
        return email

    def _read_number(self, row: Row, name: str, *, is_required: bool = False) -> int | None:
        if is_required and row.get(name) is None:
            self._refuse(name, REQUIRED)
            return None
        number: int | None = _take(row, name, int)
        if number is not None and not 0 <= number < 2**53:
            raise V1Refusal(400, detail=f"{name} is out of range.")
        return number

    def _read_date(self, text: str, field: str) -> date | None:
        try:
            if _DAY.fullmatch(text) is not None:
                return date.fromisoformat(text)
        except ValueError:
            pass
        self._refuse(field, BAD_DATE)
        return None

    def _read_application_date(self, row: Row, today: date) -> str | None:
        text: str | None = _take(row, "application_date", str)
        day = None if text is None else self._read_date(text, "application_date")
        if day is not None and day > today:
            self._refuse("application_date", FUTURE_DATE)
        return text

    def _read_phase(self, row: Row) -> tuple[str, str | int] | None:
        phase = _take(row, "phase", dict)
        if phase is None:
            return None
        type_, id_ = self._require(phase, "type", "phase."), phase.get("id")
        if id_ is None or id_ == "":
            self._refuse("phase.id", REQUIRED)
            return None
        if type(id_) not in (int, str) or (isinstance(id_, int) and not 0 <= id_ < 2**53):
            raise V1Refusal(400, detail="phase.id has the wrong type.")
        if type_ and type_ not in ("system", "custom"):
            raise V1Refusal(400, detail="phase.type is not one of system, custom.")
        # That an invalid phase becomes `unassigned` and that there is this code are both official. That the code is
        # for a word that is no system phase at all is our reading of the two.
        if type_ == "system" and id_ not in SYSTEM_PHASES:
            self._refuse("phase.id", BAD_SYSTEM_PHASE)
        return type_, id_

    def _read_tags(self, row: Row) -> list[str]:
        tags = _take(row, "tags", list) or []
        return [self._require({f"tags[{place}]": tag}, f"tags[{place}]") for place, tag in enumerate(tags)]

    def _read_files(self, row: Row) -> list[SubmittedFile]:
        files = []
        for place, entry in enumerate(_take(row, "files", list) or []):
            at = f"files[{place}]."
            given: Row = _check(entry, at.rstrip("."), dict)
            file = SubmittedFile(*(self._require(given, name, at) for name in SubmittedFile._fields))
            if file.category and file.category not in FILE_CATEGORIES:
                self._refuse(f"{at}category", UNKNOWN_FILE_CATEGORY)
            files.append(file)
        return files

    def _read_attributes(self, row: Row) -> list[tuple[str, str]]:
        attributes = []
        for place, entry in enumerate(_take(row, "attributes", list) or []):
            at = f"attributes[{place}]."
            given: Row = _check(entry, at.rstrip("."), dict)
            id_, value = self._require(given, "id", at), self._require(given, "value", at)
            kind = ATTRIBUTES.get(id_)
            if id_ and kind is None:
                self._refuse(f"{at}id", UNKNOWN_ATTRIBUTE)
            elif value and kind == "date":
                self._read_date(value, f"{at}value")
            elif value and isinstance(kind, tuple) and value not in kind:
                self._refuse(f"{at}value", UNKNOWN_OPTION)
            attributes.append((id_, value))
        return attributes


def _take(row: Row, name: str, kind: type) -> Any:
    """The field's value, or None when it is left out."""
    return _check(row[name], name, kind) if name in row else None


def _check(value: Any, field: str, kind: type) -> Any:
    if type(value) is not kind:
        raise V1Refusal(400, detail=f"{field} has the wrong type.")
    return value
