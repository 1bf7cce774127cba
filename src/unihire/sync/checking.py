"""Records as the vocabulary has them: every value of its field's type, no text empty."""

import types
from collections.abc import Callable
from functools import cache
from typing import Annotated, Any, Union, get_args, get_origin

import msgspec


@cache  # made once for all connectors: it takes longer than a run that finds nothing
def make_check(struct: type[msgspec.Struct]) -> Callable[[bytes], object]:
    """What raises a ValidationError for an encoded record with a value of another type, or an empty text.

    That no text is empty is looked at while the types are: looked for by itself it took a tenth of rendering's time.
    """
    return msgspec.json.Decoder(_refuse_empty(struct)).decode


def clear_blanks(record: msgspec.Struct) -> None:
    """Make empty and blank texts null, and leave them out of lists: the vendor says nothing there."""
    for name in record.__struct_fields__:
        value = getattr(record, name)
        if _is_blank(value):
            setattr(record, name, None)
        elif isinstance(value, msgspec.Struct):
            clear_blanks(value)
        elif type(value) is list:
            for one in value:
                if isinstance(one, msgspec.Struct):
                    clear_blanks(one)
            setattr(record, name, [one for one in value if not _is_blank(one)])


def _is_blank(value: Any) -> bool:
    return type(value) is str and (value == "" or value.isspace())


def _refuse_empty(struct: type[msgspec.Struct]) -> type[msgspec.Struct]:
    """The same struct, in which no text is empty."""
    fields = [(field.name, _constrain(field.type), None) for field in msgspec.structs.fields(struct)]
    return msgspec.defstruct(struct.__name__, fields, gc=False)


def _constrain(hint: Any) -> Any:
    """The same type, in which no text is empty; an object as the vendor describes it may contain anything."""
    if hint is str:
        return Annotated[str, msgspec.Meta(min_length=1)]
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        return _refuse_empty(hint)
    inner = get_args(hint)
    if get_origin(hint) is Annotated:
        return _constrain(inner[0])
    if get_origin(hint) is list:
        return list[_constrain(inner[0])]  # type: ignore[misc]
    if get_origin(hint) in (Union, types.UnionType):
        return Union[tuple(map(_constrain, inner))]  # noqa: UP007 - of a tuple
    return hint
