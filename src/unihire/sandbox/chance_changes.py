"""Changes of rows picked by chance, whichever way a stream's rows are stored."""

import random
from abc import ABC, abstractmethod
from typing import Any

from unihire.integration.emulate import Row, Shape, Watch


class ChanceChanges(ABC):
    """Changes and deletes rows by chance. The rows' class has `_shape` and `_random`, and the methods below."""

    _shape: Shape
    _random: random.Random

    @abstractmethod
    def find(self, number: int) -> Row | None: ...

    @abstractmethod
    def change(self, number: int, fields: Row) -> Any: ...

    @abstractmethod
    def delete(self, number: int) -> Any: ...

    @abstractmethod
    def _pick(self, count: int) -> list[int]:
        """Different rows, taken from the whole stream by chance."""

    def change_some(self, count: int, fields: Row | None = None, watch: Watch | None = None) -> int:
        """Change rows picked by chance, each believably unless fields are given; returns how many."""
        numbers = self._pick(count)
        for number in numbers:
            before = None if watch is None else self.find(number)
            after = self.change(number, self._shape.vary(self._random.getrandbits(32)) if fields is None else fields)
            if watch is not None:
                watch(before, after)
        return len(numbers)

    def delete_some(self, count: int, watch: Watch | None = None) -> int:
        """Delete rows picked by chance; returns how many."""
        numbers = self._pick(count)
        for number in numbers:
            before = None if watch is None else self.find(number)
            self.delete(number)
            if watch is not None:
                watch(before, None)
        return len(numbers)
