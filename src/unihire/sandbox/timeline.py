"""When made-up records were created and updated, with any place in either order found by arithmetic.

Creation times rise with the index. For the last update the records are dealt into lanes by index; in each lane the
update comes after the same share of the time left until the end of the history, so a lane's update times rise with
the index as well. The order of all updates is a merge of the lanes.
"""

import heapq
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator

# Shares in thousandths of the time between creation and the end: two lanes in sixteen were never updated.
LANE_SHARES = (0, 200, 2, 450, 20, 1, 900, 60, 0, 300, 5, 150, 40, 650, 10, 100)
LANES = len(LANE_SHARES)
_NEAR = 6


class LaneTimeline:
    """A Timeline (see integration/emulate.py) over any creation times that never fall as the index rises.

    `guess` names an index created at about a given time: a hint that saves steps and decides nothing.
    """

    __slots__ = ("_guess", "count", "created_at", "end")

    def __init__(self, count: int, created_at: Callable[[int], int], guess: Callable[[int], int], end: int) -> None:
        self.count = count
        self.created_at = created_at
        self.end = end
        self._guess = guess

    def updated_at(self, index: int) -> int:
        created = self.created_at(index)
        return created + (self.end - created) * LANE_SHARES[index % LANES] // 1000

    def walk_newest(
        self, *, after: tuple[int, int] | None = None, since: int | None = None, until: int | None = None
    ) -> Iterator[tuple[int, int]]:
        bound = after
        if until is not None and (bound is None or (until, -1) < bound):
            bound = (until, -1)
        heap = []
        for lane in range(min(LANES, self.count)):
            index = self._last_before(lane, bound)
            if index >= 0:
                heap.append((-self.updated_at(index), -index))
        heapq.heapify(heap)
        updated_at = self.updated_at
        while heap:
            updated, index = heap[0]
            updated, index = -updated, -index
            if since is not None and updated <= since:
                return
            yield updated, index
            if index >= LANES:
                heapq.heapreplace(heap, (-updated_at(index - LANES), LANES - index))
            else:
                heapq.heappop(heap)

    def walk_latest(
        self, *, upto: int | None = None, since: int | None = None, until: int | None = None
    ) -> Iterator[int]:
        last = self.count - 1 if upto is None else min(upto, self.count - 1)
        if until is not None:
            last = min(last, bisect_right(range(self.count), until, key=self.created_at) - 1)
        if since is None:
            return iter(range(last, -1, -1))
        lanes = []
        for lane in range(min(LANES, self.count)):
            least = self._last_before(lane, (since, -1)) + LANES
            greatest = last - (last - lane) % LANES
            lanes.append(range(greatest, least - 1, -LANES))
        return heapq.merge(*lanes, reverse=True)

    def walk_earliest(self, *, start: int = 0, since: int | None = None) -> Iterator[int]:
        start = max(start, 0)
        if since is None:
            return iter(range(start, self.count))
        lanes = []
        for lane in range(min(LANES, self.count)):
            least = max(self._last_before(lane, (since, -1)) + LANES, lane)
            lanes.append(range(least if least >= start else start + (lane - start) % LANES, self.count, LANES))
        return heapq.merge(*lanes)

    def _last_before(self, lane: int, bound: tuple[int, int] | None) -> int:
        """The greatest index of the lane that comes before the bound in rising order, or a negative number."""
        length = (self.count - lane + LANES - 1) // LANES
        if bound is None:
            return lane + LANES * (length - 1)

        def place(step: int) -> tuple[int, int]:
            index = lane + LANES * step
            return self.updated_at(index), index

        share = LANE_SHARES[lane]
        created = (bound[0] * 1000 - self.end * share) // (1000 - share)
        middle = min(max((self._guess(created) - lane) // LANES, 0), length)
        low, high = max(middle - _NEAR, 0), min(middle + _NEAR, length)
        if low > 0 and place(low - 1) >= bound:
            low = 0
        if high < length and place(high) < bound:
            high = length
        # The hint can miss to either side: the part that is searched then reaches to that end.
        return lane + LANES * (bisect_left(range(length), bound, low, high, key=place) - 1)
