"""Records of one model to bytes: relations turned into our ids, every value of its field's type."""

from collections.abc import Callable
from typing import TypeVar
from uuid import UUID

import msgspec
from msgspec.structs import astuple, replace

from unihire.errors import RecordError
from unihire.kit.text import ID_LENGTH
from unihire.model import FieldSpec, ModelSpec, Record
from unihire.store.feed.rendered import NOTHING
from unihire.store.record_keys import FilterKeys, derive_ids
from unihire.sync.checking import clear_blanks, make_check

T = TypeVar("T")

_ENCODER = msgspec.json.Encoder()

NUMEROUS = {"application", "attachment", "candidate"}
"""Models of which a company has too many for the same one to be referred to again soon."""

REMEMBERED = 500
"""Texts of one kind whose ids or keys are remembered: a few hundred kB at most for all that a stream has."""


def _refer(derive: Callable[[str], str]) -> Callable[[str], str]:
    """The same function, but blank text stays empty, which `clear_blanks` makes null.

    What can be no record's id is refused: nothing would be there.
    """

    def derive_or_refuse(text: str) -> str:
        if not text or text.isspace():
            return ""
        if len(text) > ID_LENGTH or "\0" in text:
            raise RecordError("a relation to an id that cannot be stored")
        return derive(text)

    return derive_or_refuse


def remember(make: Callable[[str], T]) -> Callable[[str], T]:
    """The same function with a memory for the latest texts; what is no text is `make`'s to refuse."""
    known: dict[str, T] = {}

    def find_or_make(text: str) -> T:
        found = known.get(text) if type(text) is str else None
        if found is None:
            found = make(text)
            if len(known) == REMEMBERED:
                known.clear()
            if len(text) <= ID_LENGTH:
                known[text] = found
        return found

    return find_or_make


class ModelRendering:
    """What rendering a record of one model takes, worked out once."""

    def __init__(self, connector: UUID, number: int, spec: ModelSpec) -> None:
        self.number = spec.number
        self.noun = spec.noun
        self.ids = derive_ids(connector, spec.name)
        self._references: list[tuple[str, Callable[[str], str]]] = []
        self._lists: list[tuple[str, Callable[[str], str]]] = []
        self._inside: list[tuple[str, bool, list[tuple[str, Callable[[str], str]]]]] = []
        for field in (*spec.fields, *spec.more):
            if field.to is not None:
                relations = self._lists if field.type == "array" else self._references
                relations.append((field.name, _make_derive(connector, field)))
            if inside := [(part.name, _make_derive(connector, part)) for part in field.parts if part.to is not None]:
                self._inside.append((field.name, field.type == "array", inside))
        self.filters: list[tuple[str, Callable[[str], int], bool]] = []
        for field in spec.filters:
            hashed = FilterKeys(number, spec.number, field)
            self.filters.append((field.name, remember(hashed.key) if _recurs(field) else hashed.key, hashed.many))
        self._count = len(spec.fields)
        self._members = spec.members_struct
        self._more = spec.more_struct
        self._no_more = (None,) * len(spec.more)
        self._check = make_check(spec.members_struct)
        self._check_more = make_check(spec.more_struct)

    def resolve(self, record: Record) -> None:
        """Turn the vendor's ids in relations into ours. A struct with relations is replaced by a new one."""
        for name, derive in self._references:
            value = getattr(record, name)
            if value:
                setattr(record, name, derive(value))
        for name, derive in self._lists:
            value = getattr(record, name)
            if value:
                if type(value) is not list:
                    raise TypeError(f"{name} in a {type(value).__name__}")
                derived = list(map(derive, value))
                setattr(record, name, derived if len(derived) == 1 else list(dict.fromkeys(derived)))
        for name, is_list, inside in self._inside:
            value = getattr(record, name)
            if value:
                setattr(record, name, [_resolve(one, inside) for one in value] if is_list else _resolve(value, inside))

    def encode(self, record: Record) -> tuple[bytes, bytes]:
        """A record's members as a JSON object, and as another what only richer faces show, without what is null.

        A blank text is no value of any field: it is made null. Raises msgspec.ValidationError for a value of another
        type than the model's, which would reach the reader.
        """
        try:
            return self._encode(record)
        except msgspec.ValidationError:
            clear_blanks(record)
            return self._encode(record)

    def _encode(self, record: Record) -> tuple[bytes, bytes]:
        values = astuple(record)
        members = _ENCODER.encode(self._members(*values[: self._count]))
        self._check(members)
        beside = values[self._count :]
        if beside == self._no_more:
            return members, NOTHING
        more = _ENCODER.encode(self._more(*beside))
        self._check_more(more)
        return members, more


def _make_derive(connector: UUID, field: FieldSpec) -> Callable[[str], str]:
    assert field.to is not None
    derive = _refer(derive_ids(connector, field.to).text)
    return remember(derive) if _recurs(field) else derive


def _resolve(struct: msgspec.Struct, inside: list[tuple[str, Callable[[str], str]]]) -> msgspec.Struct:
    found = {name: derive(value) for name, derive in inside if (value := getattr(struct, name))}
    return replace(struct, **found) if found else struct


def _recurs(field: FieldSpec) -> bool:
    """Whether many records have the same there: the same job, the same name."""
    return field.to not in NUMEROUS if field.to else field.type == "string"
