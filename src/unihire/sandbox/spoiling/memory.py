"""What a sandbox remembers of its answers, so that it can give one for another and lead in circles."""

from collections import OrderedDict, deque
from collections.abc import Sequence
from typing import Any

import msgspec

from unihire.integration.emulate import Request

MOST_ROWS, MOST_ALIASES, MOST_IDS = 50, 10_000, 100_000

Query = Sequence[tuple[str, str]]


class Memory:
    """Bounded, whatever is asked of it."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        self._rows: dict[str, deque[bytes]] = {}
        self._queries: dict[str, deque[Query]] = {}
        self._aliases: OrderedDict[str, Query] = OrderedDict()
        self._made = 0
        self.spoiled: dict[str, set[str]] = {}
        """Ids of the rows that were spoiled, by path."""

    # Rows that were sent

    def remember_rows(self, route: str, rows: Sequence[dict[str, Any]]) -> None:
        """Remember some rows of a list, under the list's route."""
        kept = self._rows.setdefault(route.partition("/{")[0], deque(maxlen=MOST_ROWS))
        kept.extend(msgspec.json.encode(row) for row in rows[:3] if "id" in row)

    def list_rows(self, route: str) -> list[dict[str, Any]]:
        return [msgspec.json.decode(row) for row in self._rows.get(route.partition("/{")[0], ())]

    def note_spoiled(self, path: str, id_: str) -> None:
        noted = self.spoiled.setdefault(path, set())
        if len(noted) < MOST_IDS:
            noted.add(id_)

    # Links that lead back

    def remember_query(self, request: Request) -> None:
        self._queries.setdefault(request.path, deque(maxlen=3)).append(tuple(request.query))

    def find_first_query(self, request: Request) -> Query:
        """The oldest of the last three queries of this path: following it again and again leads in a circle."""
        queries = self._queries.get(request.path)
        return queries[0] if queries else tuple(request.query)

    def make_alias_cursor(self, query: Query, name: str | None = None) -> str:
        """A cursor that represents this query: a new one each time, unless it has a name."""
        self._made += 1
        cursor = f"detour-{name or self._made}"
        self._aliases[cursor] = query
        while len(self._aliases) > MOST_ALIASES:
            self._aliases.popitem(last=False)
        return cursor

    def resolve(self, request: Request) -> Request:
        """The request that is meant, where a cursor was made here."""
        for _, value in request.query:
            if value in self._aliases:
                return msgspec.structs.replace(request, query=self._aliases[value])
        return request
