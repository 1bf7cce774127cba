"""Pages of any list: rows in their order, and the token of what follows."""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from unihire.integration.emulate import Row, misprint
from unihire.integrations.lever.emulator.api.answers import Answer
from unihire.integrations.lever.emulator.api.calls import Call
from unihire.integrations.lever.emulator.api.queries import STRANGER, make_offset

BEYOND = 1 << 50
"""A rank after that of every row."""


class Placed(NamedTuple):
    """A row and its position: a rank and a moment, as tokens have them."""

    rank: int
    moment: int
    row: Row


def answer_page(
    call: Call, walk: Callable[[list[Any] | None], Iterator[Placed]], show: Callable[[Row], Row], end: int = BEYOND
) -> Answer:
    """`walk` begins with the row a token names, or where it would be; `end` is a rank behind the last row."""
    faults, path, limit = call.site.faults, call.request.path, call.query.read_limit()
    offset = call.query.read_offset()
    is_hollow = faults.fires("hollow-page", path)
    found: list[Placed] = []
    following: Placed | None = None
    for placed in walk(offset):
        if is_hollow or len(found) == limit:
            following = placed
            break
        found.append(placed)
    if following is not None and len(found) > 1 and faults.fires("repeat-rows", path):
        following = found[len(found) // 2]
    if following is None and found:
        if faults.fires("self-next", path):
            following = found[0]
        elif faults.fires("empty-page", path):
            following = Placed(end, 0, found[-1].row)
    rows = [show(placed.row) for placed in found]
    misprint(rows, faults, path)
    if following is None:
        return Answer(rows, beside={"hasNext": False})
    token = make_offset(following.rank, following.moment, str(following.row.get("id")))
    if faults.fires("stranger-next", path):
        token = STRANGER + token
    return Answer(rows, beside={"hasNext": True, "next": token})


def read_rank(offset: list[Any] | None) -> int | None:
    """The rank that a token says; what is no number is behind everything."""
    if offset is None:
        return None
    return offset[0] if type(offset[0]) is int else BEYOND
