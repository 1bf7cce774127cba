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

    __slots__ = ("attribute", "key", "many")

    def __init__(self, connector: int, model: int, field: FieldSpec) -> None:
        if field.filter is None:
            raise ValueError(f"{field.name} is not filterable")
        self.attribute = field.name
        self.many = field.type == "array"
        hash_text = _hash_after(f"{connector}\0{model}\0{field.param}\0")

        def hash_folded(value: str) -> int:
            return hash_text(value.casefold())

        self.key: Callable[[str], int] = hash_folded if field.filter.match is Match.FOLDED else hash_text


class JoinKeys:
    """Hashes what a join finds rows by, so that the records which show them are found by it. As `FilterKeys`."""

    __slots__ = ("key",)

    def __init__(self, connector: int, stream: str, name: str) -> None:
        self.key: Callable[[str], int] = _hash_after(f"{connector}\0join\0{stream}\0{name}\0")


def name_member(member: str) -> str:
    """Stands for the name of a join in the keys of rows that are found by one of their members."""
    return f"by {member}"


def _hash_after(start: str) -> Callable[[str], int]:
    """Hashes values behind a fixed part, whose hash is kept."""
    copy_start = blake2b(start.encode(), digest_size=8).copy

    def hash_text(value: str) -> int:
        digest = copy_start()
        digest.update(value.encode("utf-8", "surrogatepass"))
        return _AS_KEY(digest.digest())[0]

    return hash_text
