"""Whether a list that is walked still grows, or shows the same rows again and again."""

from bisect import bisect_left
from collections.abc import Sequence
from zlib import crc32

import msgspec

from unihire.errors import VendorChanged

EMPTY_PAGES = 100
"""So many pages without rows in a row are passed over: a vendor may page first and filter then, or never stop."""

SIZE = 128
"""So many hashes are remembered: an estimate from them is mostly right within a tenth."""

REPEATS, SLACK = 2, 200
"""A list in which each row came so often, and so many rows more, shows them again. Some come twice in any list, as they
change while it is walked."""


class _State(msgspec.Struct):
    rows: int = 0
    empty: int = 0
    hashes: list[int] = []


class Growth:
    """What a walk has met so far, in a few hundred bytes however long the list is.

    How many different rows there were is estimated by the smallest hashes of their ids: hashes lie evenly, so the
    largest of the `SIZE` smallest says how dense they are. It is stored with the place of the walk, so that whoever
    goes on with it knows what came before.
    """

    def __init__(self, stored: bytes | None = None) -> None:
        self._state = _State() if stored is None else msgspec.msgpack.decode(stored, type=_State)

    def dump(self) -> bytes:
        return msgspec.msgpack.encode(self._state)

    def note(self, ids: Sequence[str]) -> None:
        """A page has the rows of these ids."""
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
