"""Which events a change of rows is, whoever made it."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from unihire.integration.emulate import Outbox, Row
from unihire.integrations.lever.emulator.rows.find import LeverRows, RowChange
from unihire.integrations.lever.emulator.rows.ids import make_id
from unihire.integrations.lever.emulator.rows.values import read_object, read_text
from unihire.integrations.lever.emulator.webhooks.messages import encode

SHOWN = frozenset(("name", "headline", "isAnonymized", "location", "emails", "phones", "dataProtection"))


class Event(NamedTuple):
    name: str
    data: Row
    origin: str | None = None


class Reporter:
    """Publishes what changes are."""

    def __init__(self, rows: LeverRows, outbox: Outbox) -> None:
        self._rows, self._outbox = rows, outbox

    def announce(self, stream: str, before: Row | None, after: Row | None) -> None:
        """A row changed in another way than over the API."""
        self.report([RowChange(stream, before, after)], None)

    def report(self, changes: Sequence[RowChange], actor: str | None) -> None:
        """All changes of one write: each row as it was before the first and is after the last."""
        now = self._rows.now()
        for change in _merge(changes):
            for event in self._list_events(change, actor, now):
                if self._outbox.has_receiver(event.name):
                    self._outbox.publish(event.name, encode(event.name, now, event.origin, event.data))

    def _list_events(self, change: RowChange, actor: str | None, now: int) -> Iterator[Event]:
        before, after = change.before, change.after
        if change.stream == "opportunities":
            yield from self._list_of_opportunity(before, after, actor)
        elif change.stream == "applications" and before is None and after is not None:
            opportunity = self._rows.find("opportunities", after.get("opportunityId")) or {}
            ids = {"applicationId": after["id"], **_name(opportunity), "candidateId": opportunity.get("id")}
            yield Event("applicationCreated", ids, read_text(opportunity, "origin"))
        elif change.stream == "interviews":
            row = after or before or {}
            ids = {"interviewId": row["id"], "panelId": row.get("panel"), "opportunityId": row.get("opportunityId")}
            name, member = ("Deleted", "deletedAt") if after is None else ("Updated", "updatedAt")
            if before is None:
                name, member = "Created", "createdAt"
            yield Event(f"interview{name}", {**ids, member: now})
        elif change.stream == "contacts" and after is None:
            for row in self._rows.gone_with_contact:
                yield from self._list_of_opportunity(row, None, actor)
        elif change.stream == "contacts" and after is not None:
            ids = {"contactId": after["id"], "accountId": make_id("accounts", 1)}
            if before is None:
                yield Event("contactCreated", {**ids, "createdAt": now})
            elif any(before.get(name) != after.get(name) for name in SHOWN):
                yield Event("contactUpdated", {**ids, "updatedAt": now})

    def _list_of_opportunity(self, before: Row | None, after: Row | None, actor: str | None) -> Iterator[Event]:
        """One that is made archived at once reports the archiving; its first stage is no change."""
        if after is None:
            gone = before or {}
            yield Event("candidateDeleted", {**_name(gone), "deletedBy": actor or gone.get("owner")})
            return
        origin = read_text(after, "origin")
        if before is not None and before.get("stage") != after.get("stage"):
            stages = {"fromStageId": before.get("stage"), "toStageId": after.get("stage")}
            yield Event("candidateStageChange", {**_name(after), "candidateId": after["id"], **stages}, origin)
        was, now = None if before is None else before.get("archived"), after.get("archived")
        if was != now:
            yield Event("candidateArchiveChange", {**_name(after), "fromArchived": was, "toArchived": now}, origin)
            if self._is_hired(after) and not (before is not None and self._is_hired(before)):
                yield Event("candidateHired", _name(after), origin)

    def _is_hired(self, row: Row) -> bool:
        reason = self._rows.find("archive_reasons", read_object(row, "archived").get("reason"))
        return reason is not None and reason.get("type") == "hired"


def _name(opportunity: Row) -> Row:
    return {"opportunityId": opportunity.get("id"), "contactId": opportunity.get("contact")}


def _merge(changes: Sequence[RowChange]) -> list[RowChange]:
    """One change a row, in the order of the first; none for what was made and deleted at once."""
    found: dict[tuple[str, object], RowChange] = {}
    for change in changes:
        row = change.after or change.before or {}
        key = (change.stream, row.get("id"))
        first = found.get(key, change)
        found[key] = RowChange(change.stream, first.before, change.after)
    return [change for change in found.values() if change.before is not None or change.after is not None]
