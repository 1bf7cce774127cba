"""Whether a list that is read still has new rows, or repeats the same ones."""

from bisect import bisect_left
from collections.abc import Sequence
from zlib import crc32

import msgspec

from unihire.errors import VendorChanged

EMPTY_PAGES = 100
"""Most pages without rows in a row: a vendor may filter after paging, but must not page without end."""

SIZE = 128
"""How many hashes are remembered: an estimate from them is mostly right within a tenth."""

REPEATS, SLACK = 2, 200
"""A list repeats its rows if each came REPEATS times on average, and SLACK rows more came. Some come twice in any list,
as they change while it is read."""


class _State(msgspec.Struct):
    rows: int = 0
    empty: int = 0
    hashes: list[int] = []


class Growth:
    """What a read has seen so far, in a few hundred bytes however long the list is.

    The number of different rows is estimated from the smallest hashes of their ids: hashes lie evenly, so the largest
    of the `SIZE` smallest says how dense they are. It is stored with the cursor, so that a resumed read knows the rows
    before it.
    """

    def __init__(self, stored: bytes | None = None) -> None:
        self._state = _State() if stored is None else msgspec.msgpack.decode(stored, type=_State)

    def dump(self) -> bytes:
        return msgspec.msgpack.encode(self._state)

    def note(self, ids: Sequence[str]) -> None:
        """Count a page with rows of these ids."""
        state = self._state
        state.rows += len(ids)
        state.empty = 0 if ids else state.empty + 1
        hashes = state.hashes
        limit = hashes[-1] if len(hashes) == SIZE else 2**32
        for found in {crc32(id.encode(errors="surrogatepass")) for id in ids}:
            if found < limit:
                place = bisect_left(hashes, found)
                if place == len(hashes) or hashes[place] != found:
                    hashes.insert(place, found)
                    del hashes[SIZE:]

    @property
    def different(self) -> int:
        """About how many different rows there were."""
        hashes = self._state.hashes
        return len(hashes) if len(hashes) < SIZE else (SIZE - 1) * 2**32 // hashes[-1]

    def check(self, of: str) -> None:
        """Raises VendorChanged where the list, named by `of`, does not grow any more."""
        state = self._state
        if state.empty > EMPTY_PAGES:
            raise VendorChanged(f"{of}: the list does not end: {EMPTY_PAGES} pages in a row have no rows")
        if state.rows > REPEATS * self.different + SLACK:
            raise VendorChanged(
                f"{of}: the list does not end: of {state.rows:,} rows it showed, some {self.different:,} are different"
            )
