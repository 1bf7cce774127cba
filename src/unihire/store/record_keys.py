"""How records are found: their derived ids, and the keys of the filter index."""

from collections.abc import Callable, Iterable, Mapping
from hashlib import blake2b
from struct import Struct
from typing import Any
from uuid import UUID

from unihire.kit.ids import DerivedIds
from unihire.kit.text import ID_LENGTH, fold_text, is_writable, normalise_text
from unihire.model import FieldSpec, FilterMatch

_AS_KEY: Callable[[bytes], tuple[int]] = Struct("<q").unpack


def derive_ids(connector: UUID, model: str) -> DerivedIds:
    """The ids of a connector's records of one model, from the vendor's ids."""
    return DerivedIds(connector, f"{model}:")


class _Keys:
    """Hashes texts in the form in which they are compared.

    Earlier versions compared them as they were written, and until `sync/refiling.py` has been at a connector, its
    records have keys of that form: a text that is asked for is looked up under both.
    """

    __slots__ = ("_fold", "_fold_before", "_hash_text", "key")

    def __init__(
        self, hash_text: Callable[[str], int], fold: Callable[[str], str] | None, fold_before: Callable[[str], str]
    ) -> None:
        self._hash_text, self._fold, self._fold_before = hash_text, fold, fold_before

        def hash_folded(value: str) -> int:
            assert fold is not None
            return hash_text(fold(value))

        self.key: Callable[[str], int] = hash_text if fold is None else hash_folded

    def list_asked(self, values: Iterable[str]) -> list[int]:
        """The keys any of which a record has that has one of the values. What is empty when trimmed, no record has."""
        asked = list(values)
        if self._fold is None:
            return list(map(self._hash_text, asked))
        asked = [value for value in asked if normalise_text(value)]
        before = [moved[0] for value in asked if (moved := self.find_moved(value)) is not None]
        return list(dict.fromkeys([*before, *map(self.key, asked)]))

    def find_moved(self, value: str) -> tuple[int, int] | None:
        """The key that a value had in earlier versions, and the one it has; None where that is the same."""
        if self._fold is None or (before := self._fold_before(value)) == (now := self._fold(value)):
            return None
        return self._hash_text(before), self._hash_text(now)


class FilterKeys(_Keys):
    """Hashes the values of one filter of one connector's model.

    64 bits of BLAKE2b over connector, model, field and value. Within a connector of a million records two values
    meet by chance about once in ten million installations.
    """

    __slots__ = ("attribute", "many")

    def __init__(self, connector: int, model: int, field: FieldSpec) -> None:
        if field.filter is None:
            raise ValueError(f"{field.name} is not filterable")
        self.attribute = field.name
        self.many = field.type == "array"
        fold, fold_before = _FOLDS[field.filter]
        name = _HASHED_NAMES.get((model, field.name), field.name)
        super().__init__(_hash_after(f"{connector}\0{model}\0{name}\0"), fold, fold_before)


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


class MemberKeys(_Keys):
    """Hashes the values of a member that the rows of a stream are found by."""

    __slots__ = ()

    def __init__(self, connector: int, stream: str, member: str) -> None:
        super().__init__(JoinKeys(connector, stream, name_member(member)).key, normalise_text, _as_it_is)


def find_member_keys(value: Any) -> list[str]:
    """What rows stored whole are found by that have this value in a member: the key as it is, and as it was before."""
    if type(value) is not str:
        return [key] if (key := find_key(value)) is not None else []
    keys = (find_key(normalise_text(value)), find_key(value))
    return list(dict.fromkeys(key for key in keys if key is not None))


def find_key(value: Any) -> str | None:
    """What a member of a row is found by, fit for an index; numbers equal their text. None: it is found by nothing."""
    if type(value) is int:
        return str(value)
    if type(value) is not str:
        return str(value) if isinstance(value, bool | float) else None
    return value if len(value) <= ID_LENGTH and is_writable(value) else _stand_in(value)


def _stand_in(value: str) -> str:
    """Stands for a text that is too long for an index entry, or for a text column."""
    return "#" + blake2b(value.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def name_member(member: str) -> str:
    """Stands for the name of a join in the keys of rows that are found by one of their members."""
    return f"by {member}"


def _as_it_is(text: str) -> str:
    return text


_HASHED_NAMES: Mapping[tuple[int, str], str] = {(4, "tags"): "tag"}
"""The name of a field in its keys, where that is not its name: it is stored in every database."""

_FOLDS: Mapping[FilterMatch, tuple[Callable[[str], str] | None, Callable[[str], str]]] = {
    FilterMatch.EXACT: (normalise_text, _as_it_is),
    FilterMatch.FOLDED: (fold_text, str.casefold),
    FilterMatch.ID: (None, _as_it_is),
}
"""How the texts of a filter are compared, and how they were before; None: as they are."""


def _hash_after(start: str) -> Callable[[str], int]:
    """Hashes values after a fixed prefix, whose hash is computed once."""
    copy_start = blake2b(start.encode(), digest_size=8).copy

    def hash_text(value: str) -> int:
        digest = copy_start()
        digest.update(value.encode("utf-8", "surrogatepass"))
        return _AS_KEY(digest.digest())[0]

    return hash_text
