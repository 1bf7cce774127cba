"""How records are found: their derived ids, and the keys of the filter index."""

from collections.abc import Callable
from hashlib import blake2b
from struct import Struct
from typing import Any
from uuid import UUID

from unihire.kit.ids import DerivedIds
from unihire.kit.text import ID_LENGTH, is_writable
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
    """Hashes what a join finds rows by, so that the records which show them are found by it. As `FilterKeys`.

    A text that is stored as a stand-in (`find_key`) has the key of its stand-in.
    """

    __slots__ = ("key",)

    def __init__(self, connector: int, stream: str, name: str) -> None:
        copy_start = blake2b(f"{connector}\0join\0{stream}\0{name}\0".encode(), digest_size=8).copy

        def hash_bounded(value: str) -> int:
            if len(value) > ID_LENGTH or "\0" in value:
                value = _stand_in(value)
            digest = copy_start()
            digest.update(value.encode("utf-8", "surrogatepass"))
            return _AS_KEY(digest.digest())[0]

        self.key: Callable[[str], int] = hash_bounded


def find_key(value: Any) -> str | None:
    """What a member of a row is found by, fit for an index; numbers equal their text. None: it is found by nothing."""
    if type(value) is int:
        return str(value)
    if type(value) is not str:
        return str(value) if isinstance(value, bool | float) else None
    return value if len(value) <= ID_LENGTH and is_writable(value) else _stand_in(value)


def _stand_in(value: str) -> str:
    """Stands for a text that no index entry holds, or no text column."""
    return "#" + blake2b(value.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


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
