"""How records are found: their derived ids, and the keys of the filter index."""

from collections.abc import Callable
from hashlib import blake2b
from struct import Struct
from uuid import UUID

from unihire.kit.ids import DerivedIds
from unihire.model import FieldSpec, Match

_AS_KEY: Callable[[bytes], tuple[int]] = Struct("<q").unpack


def derive_ids(connector: UUID, model: str) -> DerivedIds:
    """The ids of a connector's records of one model, from the vendor's ids."""
    return DerivedIds(connector, f"{model}:")


class FilterKeys:
    """Hashes the values of one filter of one connector's model.

    64 bits of BLAKE2b over connector, model, parameter and value. Within a connector of a million records two values
    meet by chance about once in ten million installations.
    """

    __slots__ = ("_folds", "_start", "attribute", "many")

    def __init__(self, connector: int, model: int, field: FieldSpec) -> None:
        if field.filter is None:
            raise ValueError(f"{field.name} is not filterable")
        self.attribute = field.name
        self.many = field.type == "array"
        self._folds = field.filter.match is Match.FOLDED
        self._start = blake2b(f"{connector}\0{model}\0{field.param}\0".encode(), digest_size=8)

    def key(self, value: str) -> int:
        return _finish(self._start, value.casefold() if self._folds else value)


class JoinKeys:
    """Hashes what a join finds rows by, so that the records which show them are found by it. As `FilterKeys`."""

    __slots__ = ("_start",)

    def __init__(self, connector: int, stream: str, name: str) -> None:
        self._start = blake2b(f"{connector}\0join\0{stream}\0{name}\0".encode(), digest_size=8)

    def key(self, value: str) -> int:
        return _finish(self._start, value)


def name_member(member: str) -> str:
    """Stands for the name of a join in the keys of rows that are found by one of their members."""
    return f"by {member}"


def _finish(start: blake2b, value: str) -> int:
    digest = start.copy()
    digest.update(value.encode("utf-8", "surrogatepass"))
    (key,) = _AS_KEY(digest.digest())
    return key
