"""The streams: found, walked and changed; and for sync tokens, in which order their rows changed.

Computed rows never change. So what changed after some point is among the rows that people changed, and each of those
remembers the count of all changes at its last one.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from unihire.errors import ConfigError
from unihire.integration.emulate import NumberedRows, PartRows, Row, Shape, Tools
from unihire.integrations.ashby.emulator.rows.catalog import Catalog
from unihire.integrations.ashby.emulator.rows.hiring import Hiring
from unihire.integrations.ashby.emulator.rows.ids import find_number, make_id
from unihire.integrations.ashby.emulator.rows.jobs import Jobs
from unihire.integrations.ashby.emulator.rows.links import (
    APPLICATION_OF,
    LINKS,
    UPDATED,
    list_links,
    list_parents,
    make_defaults,
)
from unihire.integrations.ashby.emulator.rows.people import HISTORY, People
from unihire.integrations.ashby.emulator.rows.values import from_millis, list_objects, read_text
from unihire.integrations.ashby.emulator.rows.varying import make_varier
from unihire.integrations.ashby.emulator.rows.world import World
from unihire.kit.clock import to_micros

DROP: Any = object()
"""A value that takes a member out of a row."""


class RowChange(NamedTuple):
    """A row before and after; None where it was not there."""

    stream: str
    before: Row | None
    after: Row | None


class AshbyRows:
    """The streams and what requests need of them."""

    def __init__(self, tools: Tools, keys: list[Row]) -> None:
        self.world = World(tools)
        self.people = People(self.world)
        self._clock = tools.clock
        parts: dict[str, list[PartRows]] = {}
        for maker in (Catalog(self.world), self.people, Jobs(self.world), Hiring(self.world)):
            parts |= maker.list_parts()
        parts["api_keys"] = [self.world.make_table("api_keys", keys)]
        self.streams: dict[str, NumberedRows] = {
            name: tools.make_numbered_rows(
                own, 1, 1, Shape(self._make_reviser(name), make_varier(name), links=tuple(LINKS.get(name, ())))
            )
            for name, own in parts.items()
        }
        self._acting_at: int | None = None
        self._journal: list[RowChange] | None = None
        self.reset()

    def reset(self) -> None:
        """Forget in which order rows changed; the rows themselves are put back by the sandbox."""
        self.count = 0
        """Of all changes so far."""
        self._moved: dict[str, dict[int, int]] = {name: {} for name in self.streams}
        self._sorted: dict[str, tuple[int, list[int]]] = {}
        self.blocked: set[str] = set()
        """Forms that were sent in and made no application."""

    # Finding

    def find(self, stream: str, id_: object) -> Row | None:
        number = find_number(stream, id_)
        row = None if number is None else self.streams[stream].find(number)
        return None if row is None or _is_merged(row) else row

    def is_orphan(self, stream: str, row: Row) -> bool:
        """Whether it belongs to a candidate or an application that was deleted."""
        if stream in APPLICATION_OF:
            if self._is_deleted("applications", row.get("applicationId")):
                return True
            if not self.streams["candidates"].count()["deleted"]:
                return False
            row = self.find("applications", row.get("applicationId")) or {}
        elif stream != "applications":
            return False
        return self._is_deleted("candidates", row.get("candidateId"))

    def _is_deleted(self, stream: str, id_: object) -> bool:
        number, rows = find_number(stream, id_), self.streams[stream]
        return number is not None and rows.is_touched(number) and rows.find(number) is None

    def resolve_candidate(self, id_: object) -> Row | None:
        """The candidate, or the one it was merged into."""
        number = find_number("candidates", id_)
        for _ in range(8):
            row = None if number is None else self.streams["candidates"].find(number)
            if row is None or not _is_merged(row):
                return row
            number = find_number("candidates", row["mergedIntoId"])
        return None

    def walk(
        self, stream: str, *, upto: int | None = None, since: int | None = None, until: int | None = None
    ) -> Iterator[tuple[int, Row]]:
        """(number, row), the newest first."""
        found = self.streams[stream].walk_latest(upto=upto, since=since, until=until)
        return ((number, row) for number, row in found if not _is_merged(row))

    def list_all(self, stream: str) -> list[Row]:
        """The rows of a short stream, the oldest first."""
        return [row for _, row in self.walk(stream)][::-1]

    def walk_linked(
        self, stream: str, link: str, owner: object, *, upto: int | None = None
    ) -> Iterator[tuple[int, Row]]:
        """(number, row) of the rows that point at this id, the newest first."""
        number = find_number(LINKS[stream][link], owner)
        if number is None:
            return
        owners = self._list_owned(stream, link, number - 1)
        for one, row in self.streams[stream].walk_owned([owners], link, [number], upto=upto):
            if not self.streams[stream].is_touched(one) or number in _as_list(row.get(link)):
                yield one, row

    def _list_owned(self, stream: str, link: str, index: int) -> Sequence[int]:
        """Records whose computed rows belong to the record of this index."""
        company = self.world.company
        if (stream, link) == ("applications", "_candidate"):
            return company.applications_of(index) if index < company.candidates.count else ()
        if (stream, link) == ("applications", "_job"):
            return company.applications_to(index) if index < company.jobs.count else ()
        if stream == "survey_submissions" and link == "_candidate":
            return company.applications_of(index) if index < company.candidates.count else ()
        return (index,)

    def list_applications(self, candidate: Row) -> list[Row]:
        """The candidate's applications, those of candidates merged into it included, the oldest first."""
        number = find_number("candidates", candidate.get("id"))
        owners = [candidate.get("id")]
        for merged in () if number is None else self.streams["candidates"].find_linked("_merged", number):
            owners.append(make_id("candidates", merged))
        found = [pair for owner in owners for pair in self.walk_linked("applications", "_candidate", owner)]
        return [row for _, row in sorted(found, key=lambda pair: pair[0])]

    def list_application_ids(self, candidate: Row) -> list[str]:
        """The same ids, without the rows."""
        number, stream = find_number("candidates", candidate.get("id")), self.streams["applications"]
        if number is None or self.streams["candidates"].find_linked("_merged", number):
            return [row["id"] for row in self.list_applications(candidate)]
        computed = [1 + index for index in self._list_owned("applications", "_candidate", number - 1)]
        own = {one for one in computed if not stream.is_touched(one)}
        return [make_id("applications", one) for one in sorted(own.union(stream.find_linked("_candidate", number)))]

    def list_submissions(self, application: Row) -> list[Row]:
        """The forms that an application came with."""
        if "formSubmissions" in application:
            return list_objects(application, "formSubmissions")
        index = self._find_computed(application)
        return [] if index is None else self.people.list_submissions(index)

    def _find_computed(self, application: Row) -> int | None:
        number = find_number("applications", application.get("id"))
        return number - 1 if number is not None and number <= self.world.company.applications.count else None

    def find_status(self, application: Row) -> str:
        """Lead, Active, Hired or Archived: what its stage says, unless the row says something itself."""
        own = read_text(application, "status")
        return own if own is not None else STATUS_OF.get(self.find_stage_type(application), "Active")

    def find_stage_type(self, application: Row) -> str:
        stage = self.find("interview_stages", application.get("interviewStageId"))
        return "" if stage is None else read_text(stage, "type") or ""

    def list_history(self, application: Row) -> list[Row]:
        """The stages it was in, oldest first."""
        if "history" in application:
            return list_objects(application, "history")
        index = self._find_computed(application)
        return [] if index is None else self.people.list_history(index)

    # What changed

    def list_moved(self, stream: str, since: int, upto: int | None) -> Iterator[tuple[int, Row]]:
        """(number, row) of what changed after this count of changes, the newest row first."""
        moved = self._moved[stream]
        at, numbers = self._sorted.get(stream, (-1, []))
        if at != self.count:
            numbers = sorted(moved)
            self._sorted[stream] = (self.count, numbers)
        end = len(numbers) if upto is None else bisect_right(numbers, upto)
        for place in range(end - 1, -1, -1):
            number = numbers[place]
            if moved[number] > since:
                row = self.streams[stream].find(number)
                if row is not None and not _is_merged(row):
                    yield number, row

    def note_moved(self, stream: str, id_: object) -> None:
        """Let this row be among what changed, though nothing of its own did."""
        number = find_number(stream, id_)
        if number is not None:
            self.count += 1
            self._moved[stream][number] = self.count

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
        number = self.streams[stream].create(fields)
        row = self.streams[stream].find(number)
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
            if not {"id", "updatedAt"}.isdisjoint(fields):
                raise ConfigError(f"id and updatedAt: no fields of {stream} that can be set")
            moment = now if self._acting_at is None else self._acting_at
            return self._revise(stream, number, before, fields, from_millis(moment))

        return revise

    def _revise(self, stream: str, number: int, before: Row | None, fields: Row, now: str) -> Row:
        row = make_defaults(stream, now) if before is None else dict(before)
        row |= fields
        row["id"] = make_id(stream, number)
        if stream in UPDATED:
            row["updatedAt"] = now
        if stream == "applications":
            self._follow_stage(before, fields, row, now)
        for name in [name for name, value in row.items() if value is DROP]:
            del row[name]
        row |= list_links(stream, row)
        self.note_moved(stream, row["id"])
        for parent, id_ in list_parents(stream, before, row):
            self.note_moved(parent, id_)
        if self._journal is not None:
            self._journal.append(RowChange(stream, before, row))
        return row

    def _follow_stage(self, before: Row | None, fields: Row, row: Row, now: str) -> None:
        """Another stage is an entry of the history, and says whether the application is archived."""
        history = [dict(entry) for entry in self.list_history(before)] if before is not None else []
        moved = before is None or (
            "interviewStageId" in fields and before.get("interviewStageId") != row["interviewStageId"]
        )
        if moved and "history" not in fields:
            if history:
                history[-1]["leftStageAt"] = now
            history.append(
                {
                    "id": make_id("history", _WRITTEN + self.count),
                    "stageId": row.get("interviewStageId"),
                    "enteredStageAt": row["createdAt"] if before is None else now,
                    "stageNumber": len(history),
                    "allowedActions": ["set_entered_at"],
                    "actorId": fields.get("_actorId"),
                }
            )
        if "history" not in fields:
            row["history"] = history[-HISTORY:]
        row.pop("_actorId", None)
        if moved:
            for name in ("status", "currentInterviewStage", "archiveReason"):
                if name not in fields:
                    row.pop(name, None)
            is_archived = self.find_stage_type(row) == "Archived"
            if is_archived and "archivedAt" not in fields:
                row["archivedAt"] = now
            elif not is_archived:
                row.pop("archivedAt", None)
                row["archiveReasonId"] = None


_WRITTEN = 1 << 40
"""Numbers of entries that were written begin here, above all computed ones."""

STATUS_OF = {
    "Lead": "Lead", "PreInterviewScreen": "Active", "Active": "Active", "Offer": "Active", "Hired": "Hired",
    "Archived": "Archived",
}  # fmt: skip
"""Type of the stage → status of the application."""


def _is_merged(row: Row) -> bool:
    return row.get("mergedIntoId") is not None


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
