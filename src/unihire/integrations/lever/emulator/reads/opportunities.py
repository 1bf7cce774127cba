"""The list of opportunities: by stage, and within a stage the one that advanced last comes first.

Computed rows of one stage are found by walking all in the order of their last advance, so nothing is sorted.
"""

import heapq
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from unihire.integration.emulate import Row
from unihire.integrations.lever.emulator.api.answers import Answer
from unihire.integrations.lever.emulator.api.calls import Call
from unihire.integrations.lever.emulator.api.queries import CONFIDENTIALITY, Query
from unihire.integrations.lever.emulator.reads.pages import BEYOND, Placed, answer_page
from unihire.integrations.lever.emulator.rows.find import LeverRows
from unihire.integrations.lever.emulator.rows.ids import find_number
from unihire.integrations.lever.emulator.rows.show import Show
from unihire.integrations.lever.emulator.rows.values import (
    FAR_MILLIS,
    find_millis,
    hash_email,
    list_texts,
    read_object,
    read_text,
    to_millis,
)
from unihire.integrations.lever.emulator.rows.world import STAGES

Place = tuple[int, int, int]
"""What orders rows: (number of the stage, last advance, negative; number, negative)."""

MOMENTS = {
    "created_at": "createdAt",
    "updated_at": "updatedAt",
    "advanced_at": "lastAdvancedAt",
    "archived_at": "archivedAt",
}


class Opportunities:
    """Answers the list."""

    def __init__(self, rows: LeverRows, show: Show) -> None:
        self._rows, self._show = rows, show
        self._sorted: tuple[int, list[Place]] = (-1, [])

    def answer(self, call: Call) -> Answer:
        accepts = self._make_filter(call)
        bounds = self._find_bounds(call.query)
        stages = {find_number("stages", id_) for id_ in call.query.values("stage_id")} or None
        narrowed = self._narrow(call.query)

        def walk(offset: list[Any] | None) -> Iterator[Placed]:
            start = _read_place(offset)
            places = self._walk_all(start, bounds, stages) if narrowed is None else self._list_places(narrowed, start)
            for place in places:
                row = self._rows.find_by_number("opportunities", -place[2])
                if row is not None and accepts(row):
                    yield Placed(place[0], -place[1], row)

        return answer_page(call, walk, lambda row: self._show.row("opportunities", row, call.view))

    # Which rows, and in which order

    def _find_place(self, number: int, row: Row) -> Place:
        advanced = find_millis(row.get("lastAdvancedAt"))
        return self._show.find_stage_place(row), -(advanced if advanced is not None else 0), -number

    def _list_places(self, numbers: Sequence[int], start: Place | None) -> list[Place]:
        found = []
        for number in numbers:
            row = self._rows.find_by_number("opportunities", number)
            if row is not None:
                found.append(self._find_place(number, row))
        return [place for place in sorted(found) if start is None or place >= start]

    def _list_touched(self) -> list[Place]:
        """The places of all rows that people changed."""
        if self._sorted[0] != self._rows.version:
            self._sorted = (self._rows.version, self._list_places(sorted(self._rows.touched), None))
        return self._sorted[1]

    def _walk_all(
        self, start: Place | None, bounds: tuple[int | None, int | None], stages: set[int | None] | None
    ) -> Iterator[Place]:
        touched = (place for place in self._list_touched() if start is None or place >= start)
        return heapq.merge(touched, self._walk_computed(start, bounds, stages))

    def _walk_computed(
        self, start: Place | None, bounds: tuple[int | None, int | None], stages: set[int | None] | None
    ) -> Iterator[Place]:
        world, (since, until) = self._rows.world, bounds
        for stage in range(len(STAGES)):
            number = stage + 1
            if (start is not None and number < start[0]) or (stages is not None and number not in stages):
                continue
            latest = until
            if start is not None and number == start[0]:
                # Seconds: the row itself and all of its second are walked again, and left out by their place.
                own = max(min(-start[1] // 1000, 1 << 40), -1) + 1
                latest = own if until is None else min(own, until)
            walks = [self._walk_stage(stage, since, latest)]
            if stage == 0:
                leads = world.company.candidates.walk_newest(since=since, until=latest)
                walks.append(
                    (1, -to_millis(at), -(1 + world.count + index)) for at, index in leads if world.is_lead_only(index)
                )
            for place in heapq.merge(*walks):
                if (start is None or place >= start) and not self._rows.is_touched("opportunities", -place[2]):
                    yield place

    def _walk_stage(self, stage: int, since: int | None, until: int | None) -> Iterator[Place]:
        world = self._rows.world
        for at, index in world.company.applications.walk_newest(since=since, until=until):
            if world.find_stage(index) == stage:
                yield stage + 1, -to_millis(at), -(1 + index)

    @staticmethod
    def _find_bounds(query: Query) -> tuple[int | None, int | None]:
        """Seconds between which the last advance of a computed row is, if a filter says so; themselves excluded."""
        starts = [at for name in MOMENTS if (at := query.find_millis(f"{name}_start")) is not None]
        ends = [at for name in MOMENTS if name != "created_at" and (at := query.find_millis(f"{name}_end")) is not None]
        return (
            max(starts) // 1000 - 1 if starts else None,
            min(ends) // 1000 + 1 if ends else None,
        )

    def _narrow(self, query: Query) -> list[int] | None:
        """Numbers of the rows that a filter leaves, where they can be found without reading all."""
        if "contact_id" in query:
            return sorted({one for id_ in query.values("contact_id") for one in self._rows.list_opportunities(id_)})
        for name in ("posting_id", "archived_posting_id"):
            if name in query:
                return sorted({one for id_ in query.values(name) for one in self._rows.list_for_posting(id_)})
        email = query.find("email")
        if email is not None:
            contact = self._rows.find_by_email("contacts", email)
            return [] if contact is None else self._rows.list_opportunities(contact["id"])
        return None

    # Filters

    def _make_filter(self, call: Call) -> Callable[[Row], bool]:
        """Raises Refused for values that are none."""
        query = call.query
        checks: list[Callable[[Row], bool]] = []
        confidentiality = query.find_word("confidentiality", CONFIDENTIALITY) or CONFIDENTIALITY[1]
        if not call.caller.sees_confidential:
            checks.append(lambda row: row.get("confidentiality") != "confidential")
        if confidentiality != "all":
            checks.append(lambda row: row.get("confidentiality") == confidentiality)
        for name, member in MOMENTS.items():
            least, most = query.find_millis(f"{name}_start"), query.find_millis(f"{name}_end")
            if least is not None or most is not None:
                checks.append(_make_window(member, least, most))
        for name, members in (("tag", "tags"), ("source", "sources")):
            if name in query:
                checks.append(_make_texts(members, frozenset(query.values(name))))
        words = {"origin": "origin", "stage_id": "stage", "contact_id": "contact", "location": "opportunityLocation"}
        for name, member in words.items():
            if name in query:
                checks.append(_make_word(member, frozenset(query.values(name))))
        if (is_archived := query.find_bool("archived")) is not None:
            checks.append(lambda row: isinstance(row.get("archived"), dict) is is_archived)
        if "archive_reason_id" in query:
            reasons = frozenset(query.values("archive_reason_id"))
            checks.append(lambda row: read_text(read_object(row, "archived"), "reason") in reasons)
        if (is_snoozed := query.find_bool("snoozed")) is not None:
            now = self._rows.now()
            checks.append(lambda row: ((find_millis(row.get("snoozedUntil")) or -FAR_MILLIS) > now) is is_snoozed)
        for name in ("posting_id", "archived_posting_id"):
            if name in query:
                checks.append(self._make_posting(frozenset(query.values(name)), archived=name.startswith("archived")))
        if (email := query.find("email")) is not None:
            checks.append(lambda row: self._has_email(row, email))
        return lambda row: all(check(row) for check in checks)

    def _make_posting(self, ids: frozenset[str], *, archived: bool) -> Callable[[Row], bool]:
        """Archived opportunities are found by a filter of their own."""

        def check(row: Row) -> bool:
            application = self._rows.find_application(row)
            return (
                application is not None
                and read_text(application, "posting") in ids
                and isinstance(row.get("archived"), dict) is archived
            )

        return check

    def _has_email(self, row: Row, email: str) -> bool:
        contact = self._rows.find("contacts", row.get("contact")) or {}
        return hash_email(email) in [hash_email(one) for one in list_texts(contact, "emails")]


def _read_place(offset: list[Any] | None) -> Place | None:
    if offset is None:
        return None
    rank, moment = offset[0], offset[1]
    number = find_number("opportunities", offset[2])
    if type(rank) is not int or find_millis(moment) is None or number is None:
        return BEYOND, 0, 0
    return rank, -moment, -number


def _make_window(member: str, least: int | None, most: int | None) -> Callable[[Row], bool]:
    """Both ends are within; a row without the moment is not."""

    def check(row: Row) -> bool:
        found = row if member != "archivedAt" else read_object(row, "archived")
        at = find_millis(found.get(member))
        return at is not None and (least is None or at >= least) and (most is None or at <= most)

    return check


def _make_texts(member: str, wanted: frozenset[str]) -> Callable[[Row], bool]:
    return lambda row: not wanted.isdisjoint(list_texts(row, member))


def _make_word(member: str, wanted: frozenset[str]) -> Callable[[Row], bool]:
    return lambda row: isinstance(row.get(member), str) and row[member] in wanted
