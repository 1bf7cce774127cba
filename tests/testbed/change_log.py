"""A change log in memory, hung where saving tells what it changed."""

from collections.abc import Sequence
from typing import Any

import pytest

from unihire.store import Connection
from unihire.store.feed.changes import Change
from unihire.sync.pages import Pages


class Log:
    """What a change log was told, and where the feed was then."""

    def __init__(self) -> None:
        self.changes: list[Change] = []

    async def note(self, connection: Connection, connector: int, changes: Sequence[Change]) -> None:
        assert connection.is_in_transaction()
        last = await connection.fetchval("SELECT last_seq FROM feed WHERE connector = $1", connector)
        seqs = [change.seq for change in changes]
        assert seqs == sorted(set(seqs))
        assert seqs[-1] <= last
        self.changes += changes

    def take(self) -> list[tuple[str, ...]]:
        """What was told since, as kind and fields."""
        told, self.changes = self.changes, []
        return sorted((str(change.kind), str(change.model), *change.fields) for change in told)


def hang_log(monkeypatch: pytest.MonkeyPatch) -> Log:
    """A log that every later save of pages tells."""
    log, make = Log(), Pages.__init__

    def make_logged(pages: Pages, **given: Any) -> None:
        make(pages, **given)
        pages.log_changes = log.note

    monkeypatch.setattr(Pages, "__init__", make_logged)
    return log
