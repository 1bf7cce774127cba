"""Which events a change of rows is, whoever made it, and who subscribed to it."""

from collections.abc import Iterator, Sequence
from functools import partial

from unihire.integration.emulate import Outbox, Receiver, Row
from unihire.integrations.workable.emulator.rows.find import RowChange, WorkableRows
from unihire.integrations.workable.emulator.rows.ids import FIRST_SUBSCRIPTION
from unihire.integrations.workable.emulator.rows.show import Show
from unihire.integrations.workable.emulator.rows.values import to_milli
from unihire.integrations.workable.emulator.webhooks.messages import encode

ANY = ("", None)
"""What a subscription says instead of a job or a stage."""


class Reporter:
    """Publishes what changes are."""

    def __init__(self, rows: WorkableRows, show: Show, outbox: Outbox) -> None:
        self._rows, self._show, self._outbox = rows, show, outbox
        self.reset()

    def reset(self) -> None:
        self._count = 0

    def announce(self, stream: str, before: Row | None, after: Row | None) -> None:
        """A row changed in another way than over the API."""
        self.report([RowChange(stream, before, after)])

    def report(self, changes: Sequence[RowChange]) -> None:
        """All changes of one write: each row as it was before the first and is after the last."""
        for event, row in _list_events(changes):
            if self._outbox.has_receiver(event):
                self._count += 1
                data = self._show.candidate(row, is_detail=True)
                body = encode(event, self._count, to_milli(self._rows.now()), data)
                self._outbox.publish(event, body, partial(self._is_wanted, row))

    def _is_wanted(self, row: Row, receiver: Receiver) -> bool:
        """By its subscription; receivers of the control plane want everything."""
        if receiver.id < FIRST_SUBSCRIPTION:
            return True
        own = self._rows.find("subscriptions", receiver.id)
        return own is not None and all(
            own.get(name) in ANY or own.get(name) == row.get(name) for name in ("job_shortcode", "stage_slug")
        )


def _list_events(changes: Sequence[RowChange]) -> Iterator[tuple[str, Row]]:
    merged: dict[object, RowChange] = {}
    for change in changes:
        if change.stream == "candidates":
            id_ = (change.after or change.before or {}).get("id")
            merged[id_] = RowChange("candidates", merged.get(id_, change).before, change.after)
    for change in merged.values():
        if change.before is None and change.after is not None:
            yield "candidate_created", change.after
        elif change.after is None and change.before is not None:
            yield "candidate_deleted", change.before
        elif change.before is None or change.after is None:
            continue  # it was made and deleted at once
        elif change.before.get("stage_slug") != change.after.get("stage_slug"):
            yield "candidate_moved", change.after
