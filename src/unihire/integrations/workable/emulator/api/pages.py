"""Lists: pages of rows by rising id, each with a link to the next, and the filters that all lists have."""

from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import Any, NamedTuple
from urllib.parse import urlencode

from unihire.integration.emulate import Row, misprint
from unihire.integrations.workable.emulator.api.calls import Answer, Call, refuse_field
from unihire.integrations.workable.emulator.rows.ids import NUMERIC, RANGES, make_id
from unihire.integrations.workable.emulator.rows.values import find_second

DEFAULT_LIMIT, MOST_ROWS = 50, 100
STRANGER = "https://stranger.example.com"
DATES = {"created_after": "created_at", "updated_after": "updated_at"}

Numbered = Iterator[tuple[int, Row]]


class Onward(NamedTuple):
    """Where the next link of a list leads, where that is not the list itself: path, limit, filters."""

    path: str
    limit: int
    filters: Mapping[str, str]


class Window(NamedTuple):
    """What a call asks of a list."""

    limit: int
    start: int
    """The least number that may come."""
    most: int | None
    since: int | None
    """Computed rows that were last updated before this second cannot be wanted."""
    dates: tuple[tuple[str, float], ...]
    """(member, second) that rows must be later than."""

    def accepts(self, row: Row) -> bool:
        for member, second in self.dates:
            moment = find_second(row.get(member))
            if moment is None or moment <= second:
                return False
        return True


def read_window(call: Call, stream: str) -> Window:
    """Raises Refused, 422, for what is no limit, id or date."""
    text = call.query.get("limit", str(DEFAULT_LIMIT))
    if not (text.isascii() and text.isdecimal() and len(text) < 10 and int(text)):
        raise refuse_field("limit", "is invalid")
    dates = []
    for name, member in DATES.items():
        if call.query.get(name):
            second = find_second(call.query[name])
            if second is None:
                raise refuse_field(name, "is not a date")
            dates.append((member, second))
    # Nothing changed before it was created, so both dates are bounds of the last change.
    since = max((int(second) for _, second in dates), default=None)
    start, most = (_read_id(call, stream, name) for name in ("since_id", "max_id"))
    return Window(min(int(text), MOST_ROWS), start or 0, most, since, tuple(dates))


def _read_id(call: Call, stream: str, name: str) -> int | None:
    text = call.query.get(name)
    if not text:
        return None
    try:
        number = int(text) if stream in NUMERIC else int(text, 16) - RANGES[stream][0]
    except ValueError:
        raise refuse_field(name, "is invalid") from None
    return min(max(number, 0), 1 << 60)


def answer_page(
    call: Call,
    stream: str,
    rows: Numbered,
    window: Window,
    show: Callable[[Row], Any],
    *,
    member: str | None = None,
    onward: Onward | None = None,
) -> Answer:
    """A page of rows that come in the order of their numbers and are already filtered."""
    fits: Numbered = (pair for pair in rows if pair[0] >= window.start)
    if window.most is not None:
        fits = _cut(fits, window.most)
    taken = list(islice(fits, window.limit + 1))
    page, following = taken[: window.limit], taken[window.limit][0] if len(taken) > window.limit else None
    faults, path = call.site.faults, call.request.path
    origin, extra = call.base_url, {}
    if page and faults.fires("hollow-page", path):
        # The link differs from that of the page itself, as pages are distinguished by their links.
        following, extra = page[0][0], {"again": str(int(call.query.get("again", "0") == "0"))}
        page = []
    elif following is None:
        if page and faults.fires("self-next", path):
            following = page[0][0]
        elif page and faults.fires("empty-page", path):
            following = page[-1][0] + 1
    elif faults.fires("repeat-rows", path):
        following = page[len(page) // 2][0]
    elif faults.fires("stranger-next", path):
        origin = STRANGER
    shown = [show(row) for _, row in page]
    misprint(shown, faults, path)
    body: Row = {member or stream: shown}
    if following is not None:
        to = onward or Onward(path, window.limit, _list_filters(call))
        since = str(following) if stream in NUMERIC else make_id(stream, following)
        query = urlencode({"limit": str(to.limit), "since_id": since, **to.filters, **extra})
        body["paging"] = {"next": f"{origin}{to.path}?{query}"}
    return Answer(body)


def _cut(rows: Numbered, most: int) -> Numbered:
    for pair in rows:
        if pair[0] > most:
            return
        yield pair


def _list_filters(call: Call) -> dict[str, str]:
    if call.site.options["next_link"] == "without-filters":
        return {}
    return {name: value for name, value in call.query.items() if name not in ("limit", "since_id", "again")}


def answer_whole(call: Call, rows: list[Row], show: Callable[[Row], Any], member: str | None = None) -> Answer:
    """A list without pages: under a member, or as a bare array."""
    shown = [show(row) for row in rows]
    misprint(shown, call.site.faults, call.request.path)
    return Answer(shown if member is None else {member: shown})
