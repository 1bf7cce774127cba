"""How a model is written down: a struct whose annotations carry meaning, words, relation and filter."""

import types
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin, get_type_hints

import msgspec

StructClass = type[msgspec.Struct]


class FilterMatch(Enum):
    """How records are looked for by a value: texts are compared composed, without blanks around them."""

    EXACT = "exact"
    FOLDED = "folded"  # letter case does not count
    ID = "id"  # an id of ours


@dataclass(frozen=True, slots=True)
class Field:
    """What the type of a field cannot say. `filter`: records are found by it, compared so.

    The native face does not show one marked `more`: it is stored beside the others, for richer faces. `format` is what
    texts must be that are written: a format of JSON Schema.
    """

    meaning: str
    example: Any = None
    words: Sequence[str] = ()
    to: str | None = None
    filter: FilterMatch | None = None
    more: bool = False
    format: str | None = None


class Record(msgspec.Struct, gc=False):
    """What every model has. `remote_id` is the vendor's id; ours is derived from it.

    A mapping fills relations with the vendor's ids of the other records; saving turns them into ours.
    """

    remote_id: Annotated[str | None, Field("Id the vendor gives the record.", "123321")] = None


@dataclass(frozen=True, slots=True, eq=False)
class FieldSpec:
    """A field, resolved: `type` is string, boolean, integer, number, object or array.

    `items` is the type inside an array: one of these, or the name of a struct in small letters. `struct` is the class
    of its value, where that has parts, and `parts` are these, resolved.
    """

    name: str
    type: str
    items: str | None
    meaning: str
    example: Any
    words: Sequence[str]
    to: str | None
    filter: FilterMatch | None
    is_more: bool = False
    struct: StructClass | None = None
    parts: tuple["FieldSpec", ...] = ()
    format: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class ModelSpec:
    """A model, resolved. `number` is its stable key in the database; it is never used again for another model.

    `noun` is the name as read in a sentence: `job interview stage`. `fields` are its members, in order, and `relations`
    and `filters` those of them; `more` are the fields beside them that only richer faces show. The native face has a
    model that `is_native`. `members_struct` and `more_struct` are structs of the two kinds of fields, for encoding; of
    the second, what is null is left out.
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
    more: tuple[FieldSpec, ...]
    is_native: bool
    members_struct: StructClass
    more_struct: StructClass


MODELS: dict[str, ModelSpec] = {}
"""Every model, by name."""

NATIVE_MODELS: dict[str, ModelSpec] = {}
"""Those on the native face."""

R = TypeVar("R", bound=Record)
_TYPES = {str: "string", bool: "boolean", int: "integer", float: "number"}


def model(
    name: str, *, plural: str, number: int, noun: str | None = None, is_native: bool = True
) -> Callable[[type[R]], type[R]]:
    """Enter a struct into the vocabulary under `name`; `plural` is its noun in paths.

    Raises TypeError where a field that is `more` comes before another.
    """

    def enter(record: type[R]) -> type[R]:
        every = resolve_fields(record)
        fields = tuple(field for field in every if not field.is_more)
        more = tuple(field for field in every if field.is_more)
        if every != fields + more:
            raise TypeError(f"{record.__name__} has a native field after one of `more`")
        meaning = (record.__doc__ or "").strip()
        spec = MODELS[name] = ModelSpec(
            name=name,
            plural=plural,
            number=number,
            noun=noun or name.replace("_", " "),
            meaning=meaning,
            record=record,
            fields=fields,
            relations=tuple(field for field in fields if field.to),
            filters=tuple(field for field in fields if field.filter),
            more=more,
            is_native=is_native,
            members_struct=_define(record, fields),
            more_struct=_define(record, more, omit_defaults=True),
        )
        if is_native:
            NATIVE_MODELS[name] = spec
        return record

    return enter


def _define(record: type[Record], fields: Sequence[FieldSpec], *, omit_defaults: bool = False) -> StructClass:
    """A struct of some of a record's fields, each null where it is not given."""
    types = {field.name: field.type for field in msgspec.structs.fields(record)}
    names = [(field.name, types[field.name], None) for field in fields]
    return msgspec.defstruct(record.__name__, names, omit_defaults=omit_defaults, gc=False)


def resolve_fields(struct: StructClass) -> tuple[FieldSpec, ...]:
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
    struct: StructClass | None = None
    if get_origin(inner) is list:
        (item,) = get_args(inner)
        struct = _as_struct(item)
        items = _TYPES.get(item, "object" if struct is None else struct.__name__.lower())
        kind = "array"
    else:
        struct = _as_struct(inner)
        kind = "object" if struct is not None or get_origin(inner) is dict else _TYPES[inner]
    return FieldSpec(
        name, kind, items, field.meaning, field.example, field.words, field.to, field.filter, field.more, struct,
        () if struct is None else resolve_fields(struct), field.format,
    )  # fmt: skip


def _as_struct(item: Any) -> StructClass | None:
    return item if isinstance(item, type) and issubclass(item, msgspec.Struct) else None


def spec_of(record: type[Record]) -> ModelSpec:
    """The spec of a record class; KeyError where the class is not in the vocabulary."""
    for spec in MODELS.values():
        if spec.record is record:
            return spec
    raise KeyError(record.__name__)
