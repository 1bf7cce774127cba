"""How a model is written down: a struct whose annotations carry meaning, words, relation and filter."""

import types
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin, get_type_hints

import msgspec


class Match(Enum):
    """How records are looked for by a value: texts are compared composed, without blanks around them."""

    EXACT = "exact"
    FOLDED = "folded"  # letter case does not count
    ID = "id"  # an id of ours


@dataclass(frozen=True, slots=True)
class Field:
    """What the type of a field cannot say. `filter`: records are found by it, compared so."""

    meaning: str
    example: Any = None
    words: Sequence[str] = ()
    to: str | None = None
    filter: Match | None = None


class Record(msgspec.Struct, gc=False):
    """What every model has. `remote_id` is the vendor's id; ours is derived from it.

    A mapping fills relations with the vendor's ids of the other records; saving turns them into ours.
    """

    remote_id: Annotated[str | None, Field("Id the vendor gives the record.", "123321")] = None


@dataclass(frozen=True, slots=True, eq=False)
class FieldSpec:
    """A field, resolved: `type` is string, boolean, integer or array, `items` the type inside an array."""

    name: str
    type: str
    items: str | None
    meaning: str
    example: Any
    words: Sequence[str]
    to: str | None
    filter: Match | None


@dataclass(frozen=True, slots=True, eq=False)
class ModelSpec:
    """A model, resolved. `number` is its stable key in the database; it is never used again for another model.

    `noun` is the name as read in a sentence: `job interview stage`.
    """

    name: str
    plural: str
    number: int
    noun: str
    meaning: str
    record: type[Record]
    fields: tuple[FieldSpec, ...]
    relations: tuple[FieldSpec, ...]
    filters: tuple[FieldSpec, ...]


MODELS: dict[str, ModelSpec] = {}

R = TypeVar("R", bound=Record)
_TYPES = {str: "string", bool: "boolean", int: "integer"}


def model(name: str, *, plural: str, number: int, noun: str | None = None) -> Callable[[type[R]], type[R]]:
    """Enter a struct into the vocabulary under `name`; `plural` is its noun in paths."""

    def enter(record: type[R]) -> type[R]:
        fields = resolve_fields(record)
        meaning = (record.__doc__ or "").strip()
        MODELS[name] = ModelSpec(
            name=name,
            plural=plural,
            number=number,
            noun=noun or name.replace("_", " "),
            meaning=meaning,
            record=record,
            fields=fields,
            relations=tuple(field for field in fields if field.to),
            filters=tuple(field for field in fields if field.filter),
        )
        return record

    return enter


def resolve_fields(struct: type[msgspec.Struct]) -> tuple[FieldSpec, ...]:
    """The fields of a struct of the vocabulary, in order."""
    hints = get_type_hints(struct, include_extras=True)
    return tuple(_resolve(name, hints[name]) for name in struct.__struct_fields__)


def _resolve(name: str, hint: Any) -> FieldSpec:
    if get_origin(hint) is not Annotated:
        raise TypeError(f"field {name} has no Field in its annotation")
    inner, field = get_args(hint)
    if get_origin(inner) in (Union, types.UnionType):
        inner = next(part for part in get_args(inner) if part is not type(None))
    items = None
    if get_origin(inner) is list:
        (item,) = get_args(inner)
        items = _TYPES.get(item, "url" if isinstance(item, type) and issubclass(item, msgspec.Struct) else "object")
    kind = "array" if items else _TYPES[inner]
    return FieldSpec(name, kind, items, field.meaning, field.example, field.words, field.to, field.filter)


def spec_of(record: type[Record]) -> ModelSpec:
    """The spec of a record class; KeyError where the class is not in the vocabulary."""
    for spec in MODELS.values():
        if spec.record is record:
            return spec
    raise KeyError(record.__name__)
