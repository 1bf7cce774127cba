"""The streams: found, walked, changed; and what was deleted, for the lists of deletions."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from unihire.errors import ConfigError
from unihire.integration.emulate import EmulatedStream, NumberedRows, PartRows, Row, Shape, Tools, Watch
from unihire.integrations.lever.emulator.rows.catalog import Catalog
from unihire.integrations.lever.emulator.rows.hiring import Hiring
from unihire.integrations.lever.emulator.rows.ids import find_number, make_id
from unihire.integrations.lever.emulator.rows.jobs import Jobs
from unihire.integrations.lever.emulator.rows.links import (
    LINKS,
    MOVING,
    OF_OPPORTUNITY,
    UPDATED,
    list_links,
    make_defaults,
    make_varier,
)
from unihire.integrations.lever.emulator.rows.people import People
from unihire.integrations.lever.emulator.rows.values import hash_email, hash_text, list_objects, list_texts
from unihire.integrations.lever.emulator.rows.world import World
from unihire.kit.clock import to_micros


class RowChange(NamedTuple):
    """A row before and after; None where it was not there."""

    stream: str
    before: Row | None
    after: Row | None


class Deletion(NamedTuple):
    """A row that was deleted, as it was."""

    row: Row
    deleted_at: int
    """In milliseconds."""
    actor: str | None


class NotedRows:
    """An EmulatedStream (see integration/emulate.py) whose deletions are noted, whoever makes them."""

    def __init__(self, inner: NumberedRows, note: Callable[[Row], None]) -> None:
        self.inner, self._note = inner, note

    def find(self, number: int) -> Row | None:
        return self.inner.find(number)

    def count(self) -> dict[str, int]:
        return self.inner.count()

    def create(self, fields: Row, number: int | None = None) -> int:
        return self.inner.create(fields, number)

    def change(self, number: int, fields: Row) -> Row | None:
        return self.inner.change(number, fields)

    def delete(self, number: int) -> bool:
        before = self.inner.find(number)
        if before is None:
            return False
        self.inner.delete(number)
        self._note(before)
        return True

    def change_some(self, count: int, fields: Row | None = None, watch: Watch | None = None) -> int:
        return self.inner.change_some(count, fields, watch)

    def delete_some(self, count: int, watch: Watch | None = None) -> int:
        def see(before: Row | None, after: Row | None) -> None:
            if before is not None:
                self._note(before)
            if watch is not None:
                watch(before, after)

        return self.inner.delete_some(count, see)

    def walk_latest(
        self, *, upto: int | None = None, since: int | None = None, until: int | None = None
    ) -> Iterator[tuple[int, Row]]:
        return self.inner.walk_latest(upto=upto, since=since, until=until)

    def reset(self) -> None:
        self.inner.reset()


class LeverRows:
    """The streams and what requests need of them."""

    def __init__(self, tools: Tools, keys: list[Row]) -> None:
        self.world = World(tools)
        self._clock = tools.clock
        self._moves_by_contact = tools.options["interaction"] == "moves"
        parts: dict[str, list[PartRows]] = {}
        for maker in (Catalog(self.world), People(self.world), Jobs(self.world), Hiring(self.world)):
            parts |= maker.list_parts()
        parts["api_keys"] = [self.world.make_table("api_keys", keys)]
        self._rows: dict[str, NumberedRows] = {
            name: tools.make_numbered_rows(
                own, 1, 1, Shape(self._make_reviser(name), make_varier(name), links=tuple(LINKS.get(name, ())))
            )
            for name, own in parts.items()
        }
        noted = {name: NotedRows(rows, self._make_noter(name)) for name, rows in self._rows.items()}
        self.streams: Mapping[str, EmulatedStream] = noted
        self.version = 0
        """Another one after each change, and after a reset."""
        self._acting_at: int | None = None
        self._actor: str | None = None
        self._journal: list[RowChange] | None = None
        self.reset()

    def reset(self) -> None:
        """Forget what was deleted and touched; the rows themselves are put back by the sandbox."""
        self.count = 0
        """Of all changes since the beginning."""
        self.version += 1
        self.touched: set[int] = set()
        """Numbers of opportunities that somebody changed or made."""
        self.gone_with_contact: list[Row] = []
        """Opportunities that the last contact took with it."""
        self.deletions: dict[str, list[Deletion]] = {name: [] for name in ("opportunities", "applications", "postings")}

    # Finding

    def find(self, stream: str, id_: object) -> Row | None:
        number = find_number(stream, id_)
        return None if number is None else self._rows[stream].find(number)

    def find_by_number(self, stream: str, number: int) -> Row | None:
        return self._rows[stream].find(number)

    def is_touched(self, stream: str, number: int) -> bool:
        return self._rows[stream].is_touched(number)

    def walk(
        self, stream: str, *, upto: int | None = None, since: int | None = None, until: int | None = None
    ) -> Iterator[tuple[int, Row]]:
        """(number, row), the newest first."""
        return self._rows[stream].walk_latest(upto=upto, since=since, until=until)

    def list_all(self, stream: str) -> list[Row]:
        """The rows of a short stream, the oldest first."""
        return [row for _, row in self.walk(stream)][::-1]

    def walk_owned(self, stream: str, opportunity: object, *, upto: int | None = None) -> Iterator[tuple[int, Row]]:
        """(number, row) of what belongs to this opportunity, the newest first."""
        number = find_number("opportunities", opportunity)
        if number is None:
            return
        rows, index = self._rows[stream], number - 1
        owners: Sequence[Sequence[int]] = [[index]] if index < self.world.count else []
        for one, row in rows.walk_owned(owners, "_opportunity", [number], upto=upto):
            if not rows.is_touched(one) or row.get("_opportunity") == number:
                yield one, row

    def list_owned(self, stream: str, opportunity: object) -> list[Row]:
        """The same rows, the oldest first."""
        return [row for _, row in self.walk_owned(stream, opportunity)][::-1]

    def list_opportunities(self, contact: object) -> list[int]:
        """Numbers of the opportunities of this contact."""
        number = find_number("contacts", contact)
        if number is None:
            return []
        company, rows, index = self.world.company, self._rows["opportunities"], number - 1
        found = set(rows.find_linked("_contact", number))
        if index < company.candidates.count:
            computed = [1 + one for one in company.applications_of(index)] or [1 + self.world.count + index]
            found.update(one for one in computed if not rows.is_touched(one))
        return sorted(found)

    def list_for_posting(self, posting: object) -> list[int]:
        """Numbers of the opportunities with an application to this posting."""
        number = find_number("postings", posting)
        if number is None:
            return []
        rows, index = self._rows["applications"], number - 1
        found = [find_number("opportunities", row["opportunityId"]) for row in self._list_linked(rows, number)]
        if index < self.world.company.jobs.count:
            found += [1 + one for one in self.world.company.applications_to(index) if not rows.is_touched(1 + one)]
        return sorted({one for one in found if one is not None})

    @staticmethod
    def _list_linked(rows: NumberedRows, posting: int) -> list[Row]:
        found = [rows.find(one) for one in rows.find_linked("_posting", posting)]
        return [row for row in found if row is not None]

    def find_by_email(self, stream: str, email: str) -> Row | None:
        """The contact or user with this address in any letter case."""
        company, rows = self.world.company, self._rows[stream]
        index = company.find_candidate(email) if stream == "contacts" else company.find_employee(email)
        numbers = rows.find_linked("_emails", hash_email(email))
        if index is not None and not rows.is_touched(1 + index):
            numbers.insert(0, 1 + index)
        for number in numbers:
            row = rows.find(number)
            emails = [] if row is None else [row.get("email"), *list_texts(row, "emails")]
            if row is not None and email.strip().lower() in [str(one).strip().lower() for one in emails]:
                return row
        return None

    def find_by_text(self, stream: str, text: str) -> Row | None:
        """The tag or source; letter case counts."""
        for row in self.list_all(stream):
            if row.get("text") == text:
                return row
        return None

    def find_key(self, key: str, known: int | None) -> Row | None:
        rows = self._rows["api_keys"]
        for number in [known] if known is not None else rows.find_linked("_key", hash_text(key)):
            row = rows.find(number)
            if row is not None and row.get("key") == key:
                return row
        return None

    def find_application(self, opportunity: Row) -> Row | None:
        """The one application it has, if it has one."""
        return next((row for _, row in self.walk_owned("applications", opportunity.get("id"))), None)

    # Changing

    @contextmanager
    def acting(self, actor: str | None) -> Iterator[list[RowChange]]:
        """All that happens within has one moment; what changed is in the list."""
        self._acting_at, self._actor, self._journal = self.now(), actor, []
        try:
            yield self._journal
        finally:
            self._acting_at = self._actor = self._journal = None

    def now(self) -> int:
        """In milliseconds; while something is under way, its moment."""
        return to_micros(self._clock.now()) // 1000 if self._acting_at is None else self._acting_at

    def create(self, stream: str, fields: Row) -> Row:
        number = self._rows[stream].create(fields)
        row = self._rows[stream].find(number)
        assert row is not None, "it was created just now"
        return row

    def change(self, stream: str, id_: object, fields: Row) -> Row:
        number = find_number(stream, id_)
        row = None if number is None else self._rows[stream].change(number, fields)
        assert row is not None, "it was found before"
        return row

    def delete(self, stream: str, id_: object) -> None:
        number = find_number(stream, id_)
        before = None if number is None else self._rows[stream].find(number)
        if number is not None and before is not None:
            self.streams[stream].delete(number)
            if self._journal is not None:
                self._journal.append(RowChange(stream, before, None))

    def _count_change(self) -> None:
        self.count += 1
        self.version += 1

    def _make_noter(self, stream: str) -> Callable[[Row], None]:
        def note(before: Row) -> None:
            self._count_change()
            deletion = Deletion(before, self.now(), self._actor)
            if stream in self.deletions:
                self.deletions[stream].append(deletion)
            if stream == "opportunities":
                for row in self.list_owned("applications", before.get("id")):
                    self.deletions["applications"].append(deletion._replace(row=row))
            if stream == "contacts":
                numbers = self.list_opportunities(before.get("id"))
                found = [self.find_by_number("opportunities", number) for number in numbers]
                self.gone_with_contact = [row for row in found if row is not None]
                for number in numbers:
                    self.streams["opportunities"].delete(number)

        return note

    def _make_reviser(self, stream: str) -> Callable[[int, Row | None, Row, int], Row]:
        def revise(number: int, before: Row | None, fields: Row, now: int) -> Row:
            if not {"id", "updatedAt"}.isdisjoint(fields):
                raise ConfigError(f"id and updatedAt: no fields of {stream} that can be set")
            return self._revise(stream, number, before, fields, now if self._acting_at is None else self._acting_at)

        return revise

    def _revise(self, stream: str, number: int, before: Row | None, fields: Row, now: int) -> Row:
        row = make_defaults(stream, now) if before is None else dict(before)
        row |= fields
        row["id"] = make_id(stream, number)
        if stream == "opportunities":
            self._follow_opportunity(before, fields, row, now)
            self.touched.add(number)
        elif stream in UPDATED:
            row["updatedAt"] = now
        row.pop("_actorId", None)
        row |= list_links(stream, row)
        self._count_change()
        if self._journal is not None:
            self._journal.append(RowChange(stream, before, row))
        self._move_opportunities(stream, before, row)
        return row

    def _follow_opportunity(self, before: Row | None, fields: Row, row: Row, now: int) -> None:
        """Another stage is an entry of `stageChanges`; and only some members move `updatedAt`."""
        if before is None or not fields or not MOVING.isdisjoint(fields):
            row["updatedAt"] = now
        if "stageChanges" in fields or (before is not None and before.get("stage") == row.get("stage")):
            return
        stages = [one["id"] for one in self.list_all("stages")]
        entry: Row = {
            "toStageId": row.get("stage"),
            "toStageIndex": stages.index(row["stage"]) if row.get("stage") in stages else -1,
            "updatedAt": row["createdAt"] if before is None else now,
        }
        if (actor := fields.get("_actorId")) is not None:
            entry["userId"] = actor
        row["stageChanges"] = [*list_objects(row, "stageChanges"), entry]
        if before is not None:
            row |= {"lastAdvancedAt": now, "lastInteractionAt": now}

    def _move_opportunities(self, stream: str, before: Row | None, row: Row) -> None:
        """An opportunity changes with its contact and its application."""
        opportunities = self._rows["opportunities"]
        if stream == "contacts" and before is not None:
            for number in self.list_opportunities(row["id"]):
                opportunities.change(number, {})
        elif stream == "applications" or (self._moves_by_contact and stream in ("notes", "interviews")):
            owner = find_number("opportunities", row.get("opportunityId"))
            if owner is not None and opportunities.find(owner) is not None:
                fields: dict[str, Any] = {} if stream == "applications" else {"lastInteractionAt": self.now()}
                opportunities.change(owner, fields)

    def is_orphan(self, stream: str, row: Row) -> bool:
        """Whether it belongs to an opportunity that is not there."""
        return stream in OF_OPPORTUNITY and self.find("opportunities", row.get("opportunityId")) is None
