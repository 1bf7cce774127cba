"""The streams: found, walked oldest first, and changed."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

from unihire.errors import ConfigError
from unihire.integration.emulate import NumberedRows, PartRows, Row, Shape, Tools
from unihire.integrations.workable.emulator.rows.catalog import Catalog
from unihire.integrations.workable.emulator.rows.hiring import Hiring
from unihire.integrations.workable.emulator.rows.ids import (
    NUMERIC,
    find_job_number,
    find_number,
    make_id,
    make_shortcode,
)
from unihire.integrations.workable.emulator.rows.jobs import Jobs
from unihire.integrations.workable.emulator.rows.people import People, empty_candidate
from unihire.integrations.workable.emulator.rows.values import hash_text, read_text, to_milli, to_second
from unihire.integrations.workable.emulator.rows.world import World
from unihire.kit.clock import to_micros

LINKS: dict[str, tuple[str, ...]] = {
    "candidates": ("_job", "_email"),
    "activities": ("_candidate", "_job"),
    "events": ("_candidate", "_job"),
    "offers": ("_candidate",),
    "files": ("_candidate",),
    "requisitions": ("_code",),
    "stages": ("pipeline",),
    "questions": ("job_number",),
    "api_keys": ("_token",),
}
"""Stream → the emulator's notes on its rows that they can be looked up by."""

SECONDS = ("candidates", "jobs", "requisitions")
MILLIS = ("activities",)
"""Streams whose rows have the moments of their creation and last change, and how fine."""

DEFAULTS: dict[str, Row] = {
    "jobs": {
        "title": "", "full_title": "", "code": None, "state": "draft", "sample": False, "confidential": False,
        "department": None, "department_hierarchy": [], "workplace_type": "on_site", "location": {}, "locations": [],
        "salary": {}, "keywords": None, "description": "", "requirements": None, "benefits": None,
        "employment_type": None, "industry": None, "function": None, "experience": None, "education": None, "team": [],
        "recruiter_ids": [], "pipeline": 0,
    },
    "members": {
        "name": "", "headline": None, "email": None, "role": "simple", "type": "Member", "hris_role": "hris_no_access",
        "roles": ["ats.simple"], "active": True, "collaboration_rules": [], "hris_member_scope": None,
    },
    "departments": {"name": "", "parent_id": None, "sample": False},
    "disqualification_reasons": {"description": "", "candidate_withdrew": False, "position": 99},
    "recruiters": {"name": "", "email": None},
    "custom_attributes": {"key": "", "type": "free_text", "enabled": True, "label": "", "hint": None},
    "stages": {"slug": "", "name": "", "kind": "other", "position": 99, "pipeline": 0},
    "questions": {"body": "", "type": "free_text", "required": False, "job_number": None},
    "activities": {
        "action": "comment", "action_stage": None, "target_stage": None, "body": None, "member_id": None,
        "candidate_id": None, "job_shortcode": None,
    },
    "events": {
        "title": "", "description": None, "type": "InterviewEvent", "starts_at": None, "ends_at": None,
        "cancelled": False, "members": [], "candidate_id": None, "job_shortcode": None,
    },
    "offers": {
        "candidate_id": None, "created_at": None, "state": "draft", "document_variables": [], "document_names": [],
    },
    "files": {"name": "file", "kind": "other", "source": "candidate", "candidate_id": None},
    "requisitions": {"code": None, "job_shortcode": None, "state": "pending", "approval_groups": []},
    "api_keys": {
        "title": "", "token": "", "kind": "account", "scopes": [], "member_id": None, "isEnabled": True,
        "expires_at": None,
    },
}  # fmt: skip
"""What a row has that is created with nothing said."""

_VARIED: dict[str, Callable[[int], Row]] = {
    "candidates": lambda bits: {"headline": f"Position {bits % 1000}"},
    "jobs": lambda bits: {"title": f"Made-up job {bits % 1000}"},
    "members": lambda bits: {"headline": f"Changed {bits % 1000}"},
    "disqualification_reasons": lambda bits: {"description": f"Reason {bits % 1000}"},
    "activities": lambda bits: {"body": f"Changed note {bits % 1000}"},
    "events": lambda bits: {"title": f"Interview {bits % 1000}"},
    "offers": lambda bits: {"state": ("sent", "accepted", "rejected")[bits % 3]},
    "requisitions": lambda bits: {"reason": f"Reason {bits % 1000}"},
    "questions": lambda bits: {"body": f"Question {bits % 1000}"},
    "custom_attributes": lambda bits: {"label": f"Label {bits % 1000}"},
    "api_keys": lambda bits: {"title": f"Token {bits % 1000}"},
    "subscriptions": lambda bits: {"note": f"Note {bits % 1000}"},
}


class RowChange(NamedTuple):
    """A row before and after; None where it was not there."""

    stream: str
    before: Row | None
    after: Row | None


class WorkableRows:
    """The streams and what requests need of them."""

    def __init__(self, tools: Tools, keys: list[Row]) -> None:
        self.world = World(tools)
        self._clock = tools.clock
        parts: dict[str, list[PartRows]] = {}
        for maker in (People(self.world), Jobs(self.world), Hiring(self.world), Catalog(self.world)):
            parts |= maker.list_parts()
        made = [{"id": make_id("api_keys", 1 + index), **key} for index, key in enumerate(keys)]
        parts["api_keys"] = [PartRows(len(made), 1, lambda index, _place: made[index])]
        self.streams: dict[str, NumberedRows] = {
            name: tools.make_numbered_rows(
                own,
                NUMERIC.get(name, 1),
                1,
                Shape(
                    self._make_reviser(name),
                    _VARIED.get(name, lambda bits: {"name": f"Changed {bits % 1000}"}),
                    links=LINKS.get(name, ()),
                ),
            )
            for name, own in parts.items()
        }
        self._stages = {
            (place, stage.slug): stage.number
            for place, pipeline in enumerate(self.world.pipelines)
            for stage in pipeline
        }
        self._acting_at: int | None = None
        self._journal: list[RowChange] | None = None

    # Finding

    def find(self, stream: str, id_: object) -> Row | None:
        number = find_number(stream, id_)
        return None if number is None else self.streams[stream].find(number)

    def find_job(self, shortcode: object) -> Row | None:
        number = find_job_number(shortcode)
        return None if number is None else self.streams["jobs"].find(number)

    def find_by_text(self, stream: str, note: str, text: str) -> Iterator[Row]:
        """Rows that people made or changed, by a note that is the hash of a text."""
        for number in self.streams[stream].find_linked(note, hash_text(text)):
            row = self.streams[stream].find(number)
            if row is not None:
                yield row

    def find_by_email(self, email: str) -> list[Row]:
        """Candidates with this address, oldest first."""
        person, stream = self.world.company.find_candidate(email), self.streams["candidates"]
        computed = () if person is None else self.world.company.applications_of(person)
        numbers = {1 + index for index in computed if not stream.is_touched(1 + index)}
        numbers.update(stream.find_linked("_email", hash_text(email)))
        rows = (stream.find(number) for number in sorted(numbers))
        return [row for row in rows if row is not None]

    def find_requisition(self, code: str) -> Row | None:
        """By its code; that of a computed one has its number in it."""
        for row in self.find_by_text("requisitions", "_code", code):
            return row
        digits = code.removeprefix("REQ-")
        if digits.isascii() and digits.isdecimal() and len(digits) < 9:
            found = self.streams["requisitions"].find(int(digits))
            if found is not None and found.get("code") == code:
                return found
        return None

    def is_orphan(self, row: Row) -> bool:
        """Whether it belongs to a candidate who is no longer there."""
        number = row.get("_candidate")
        rows = self.streams["candidates"]
        return isinstance(number, int) and rows.is_touched(number) and rows.find(number) is None

    def walk(self, stream: str, *, start: int = 0, since: int | None = None) -> Iterator[tuple[int, Row]]:
        """(number, row), the oldest first."""
        return self.streams[stream].walk_earliest(start=start, since=since)

    def list_all(self, stream: str) -> list[Row]:
        return [row for _, row in self.walk(stream)]

    def list_linked(self, stream: str, note: str, number: int) -> list[tuple[int, Row]]:
        """(number, row) of the rows that belong to a candidate or a job, the oldest first."""
        company, rows = self.world.company, self.streams[stream]
        owned: list[list[int]] = [[number - 1]]
        if note == "_job" and stream in ("candidates", "events", "activities"):
            is_computed = number <= company.jobs.count
            owned = [list(company.applications_to(number - 1)) if is_computed else []]
        if stream == "activities":
            owned = [[number - 1], *owned] if note == "_job" else [[], *owned]
        found = [
            (one, row)
            for one, row in rows.walk_owned(owned, note, [number])
            if not rows.is_touched(one) or row.get(note) == number
        ]
        return found[::-1]

    def list_stages(self, pipeline: object) -> list[Row]:
        """The stages of a pipeline in their order."""
        number = pipeline if isinstance(pipeline, int) and 0 <= pipeline < len(self.world.pipelines) else 0
        rows = [row for row in self.list_all("stages") if row.get("pipeline") == number]
        return sorted(rows, key=lambda row: one if isinstance(one := row.get("position"), int) else 0)

    def find_stage(self, pipeline: object, slug: object) -> Row | None:
        """By its slug."""
        if not isinstance(slug, str):
            return None
        number = self._stages.get((pipeline if isinstance(pipeline, int) else 0, slug))
        row = None if number is None else self.streams["stages"].find(number)
        if row is not None and row.get("slug") == slug:
            return row
        return next((row for row in self.list_stages(pipeline) if row.get("slug") == slug), None)

    def find_candidate_stage(self, row: Row) -> Row | None:
        job = self.find_job(row.get("job_shortcode"))
        return self.find_stage(0 if job is None else job.get("pipeline"), row.get("stage_slug"))

    # Changing

    @contextmanager
    def acting(self) -> Iterator[list[RowChange]]:
        """All that happens within has one moment; what changed is in the list."""
        self._acting_at, self._journal = self.now(), []
        try:
            yield self._journal
        finally:
            self._acting_at = self._journal = None

    def now(self) -> int:
        """In milliseconds; while something is under way, its moment."""
        return to_micros(self._clock.now()) // 1000 if self._acting_at is None else self._acting_at

    def create(self, stream: str, fields: Row) -> Row:
        row = self.streams[stream].find(self.streams[stream].create(fields))
        assert row is not None, "it was created just now"
        return row

    def change(self, stream: str, id_: object, fields: Row) -> Row:
        number = find_number(stream, id_)
        row = None if number is None else self.streams[stream].change(number, fields)
        assert row is not None, "it was found before"
        return row

    def delete(self, stream: str, id_: object) -> None:
        number = find_number(stream, id_)
        before = None if number is None else self.streams[stream].find(number)
        if number is not None and before is not None:
            self.streams[stream].delete(number)
            if self._journal is not None:
                self._journal.append(RowChange(stream, before, None))

    def _make_reviser(self, stream: str) -> Callable[[int, Row | None, Row, int], Row]:
        def revise(number: int, before: Row | None, fields: Row, now: int) -> Row:
            found = sorted(fields.keys() & {"id", "updated_at", "shortcode"})
            if found:
                raise ConfigError(f"{', '.join(found)}: no fields of {stream} that can be set")
            moment = now if self._acting_at is None else self._acting_at
            return self._revise(stream, number, before, fields, moment)

        return revise

    def _revise(self, stream: str, number: int, before: Row | None, fields: Row, now: int) -> Row:
        moment = to_milli(now) if stream in MILLIS else to_second(now // 1000)
        row: Row = dict(before or {})
        if before is None:
            row = empty_candidate(moment) if stream == "candidates" else dict(DEFAULTS.get(stream, {}))
            if stream in SECONDS + MILLIS:
                row["created_at"] = moment
            if stream == "jobs":
                row["shortcode"] = make_shortcode(number)
        row |= {name: value for name, value in fields.items() if not name.startswith("_")}
        row["id"] = number if stream in NUMERIC else make_id(stream, number)
        if stream in SECONDS + MILLIS and not fields.get("_untouched"):
            row["updated_at"] = moment
        row |= self._list_links(stream, row)
        if self._journal is not None:
            self._journal.append(RowChange(stream, before, row))
        return row

    @staticmethod
    def _list_links(stream: str, row: Row) -> Row:
        found: Row = {}
        for note in LINKS.get(stream, ()):
            if note == "_job":
                found[note] = find_job_number(row.get("job_shortcode"))
            elif note == "_candidate":
                found[note] = find_number("candidates", row.get("candidate_id"))
            elif note.startswith("_"):
                text = read_text(row, note[1:])
                found[note] = None if text is None else hash_text(text)
        return found
