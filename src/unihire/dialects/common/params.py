"""The query of a list or of one record, read and checked: pydantic says what is wrong in FastAPI's words."""

import re
from collections.abc import Callable, Mapping, Sequence, Set
from datetime import datetime
from functools import cache, partial
from typing import Annotated, Any, Literal, TypeVar
from urllib.parse import parse_qsl, unquote_plus

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, create_model
from pydantic_core import PydanticCustomError

from unihire.dialects.common.admission import describe_problem
from unihire.dialects.common.expansion import parse_expand
from unihire.dialects.common.faces import Face
from unihire.dialects.common.filters import RANGES, FilterParam
from unihire.dialects.common.lists import PAGE_SIZE, UUID
from unihire.errors import Invalid
from unihire.kit.clock import parse_moment
from unihire.kit.text import normalise_text
from unihire.model import MODELS, FieldSpec, FilterMatch, ModelSpec
from unihire.platform.reads import Expansion, MomentRange

MOST_VALUES = 1_600
"""Ids of a list, and values of one filter: as many ids, their commas escaped, as the address of a call has room for."""

_UUIDS = re.compile(rf"(?:{UUID.pattern},)*{UUID.pattern}")
_PLAIN_CURSOR = re.compile(rb"[A-Za-z0-9_-]+").fullmatch
_LOST_PLUS = re.compile(r"(T[^ ]*) (\d\d:?\d\d)$")


def _parse_moment(text: object) -> datetime | None:
    """A moment of the query. A `+` that was not escaped arrives as a blank; it is taken for what it was."""
    if text is None:
        return None
    try:
        return parse_moment(_LOST_PLUS.sub(r"\1+\2", str(text)))
    except (ValueError, OverflowError):
        raise PydanticCustomError(
            "datetime_parsing", "Input should be a valid ISO 8601 date-time, such as 2026-01-31T09:30:00Z"
        ) from None


class RecordQuery(BaseModel):
    """What any read may be asked for."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    include_raw_data: bool = False
    include_custom_fields: bool = False
    include_deleted: bool = False
    expand: tuple[Expansion, ...] = ()


class ListQuery(RecordQuery):
    """What any list may be asked for; its filters, and the most of `page_size`, are added per model."""

    page_size: int = PAGE_SIZE
    cursor: str | None = None
    modified_after: Annotated[datetime | None, BeforeValidator(_parse_moment)] = None
    ids: str | None = None
    remote_id: str | None = None


Asked = TypeVar("Asked", bound=RecordQuery)


@cache
def _query_model(face: Face, spec: ModelSpec, base: type[RecordQuery]) -> type[RecordQuery]:
    """The query of a model: the common parameters, `expand` of its relations, and for a list its filters."""

    def read_expand(text: object) -> tuple[Expansion, ...]:
        try:
            return parse_expand(face, spec, str(text))
        except ValueError as error:
            raise PydanticCustomError("value_error", "Value error, {reason}", {"reason": str(error)}) from None

    fields: dict[str, Any] = {"expand": (Annotated[tuple[Expansion, ...], BeforeValidator(read_expand)], ())}
    if base is ListQuery:
        most = face.get_page_size_most(spec)
        fields["page_size"] = (Annotated[int, Field(ge=1, le=most)], PAGE_SIZE)
        for field in face.list_ranges(spec):
            for name in RANGES[field.name]:
                fields[name] = (Annotated[datetime | None, BeforeValidator(_parse_moment)], None)
        for param in face.filters[spec]:
            kind: Any = Literal[tuple(param.field.words)] if param.grammar.is_closed else str
            fields[param.name] = ((list[str] if param.grammar.is_repeated else kind) | None, None)
    return create_model(f"{spec.name}_{base.__name__}", __base__=base, **fields)


@cache
def list_names(face: Face, spec: ModelSpec, base: type[RecordQuery]) -> frozenset[str]:
    """The parameters that a read has."""
    lacking = set() if face.has_remote_id_filter(spec) else {"remote_id"}
    return frozenset(_query_model(face, spec, base).model_fields.keys() - lacking)


def suggest_way(face: Face, spec: ModelSpec, name: str) -> str:
    """Where records of a list are found by what they have not, but a record they belong to has: the offers of a
    candidate are those of the candidate's applications."""
    for param in face.filters[spec]:
        if param.field.to is None:
            continue
        target = MODELS[param.field.to]
        if any(other.name == name for other in face.filters.get(target, ())):
            return f"ask for /{target.plural}?{name}=… and then for /{spec.plural}?{param.name}=… with their ids"
    return ""


CheckNames = Callable[[Mapping[str, Any], Set[str], Callable[[str], str]], None]
"""Checks the names of a query's parameters against those there are; the last says where the answer to another is."""


def split_cursor(query: bytes) -> tuple[bytes, str]:
    """The query without its cursor, and the cursor; as it is, and empty, where that is not plain, or there twice."""
    name, found, rest = query.partition(b"cursor=")
    text, ampersand, after = rest.partition(b"&")
    if not found or name[-1:] not in b"&" or b"cursor" in after or not _PLAIN_CURSOR(text):
        return query, ""
    return (name + after if ampersand else name[:-1]), text.decode()


def read_record_query(face: Face, spec: ModelSpec, query: bytes, check_names: CheckNames | None = None) -> RecordQuery:
    """Raises Invalid."""
    return _read(face, spec, RecordQuery, query, check_names)


def read_list_query(face: Face, spec: ModelSpec, query: bytes, check_names: CheckNames | None = None) -> ListQuery:
    """Raises Invalid."""
    return _read(face, spec, ListQuery, query, check_names)


def _read(face: Face, spec: ModelSpec, base: type[Asked], query: bytes, check_names: CheckNames | None) -> Asked:
    filters = face.filters[spec]
    pairs = _read_pairs(filters, query)
    if check_names is not None and pairs:
        check_names(pairs, list_names(face, spec, base), partial(suggest_way, face, spec))
    found = _validate(_query_model(face, spec, base), pairs)
    assert isinstance(found, base)
    return found


def _read_pairs(filters: Sequence[FilterParam], query: bytes) -> dict[str, Any]:
    """The parameters by name: the last value counts, but of a repeatable one all do."""
    if not query:
        return {}
    # Escaped or, as curl sends what is typed, not: either way the bytes are UTF-8.
    # Lists come with their commas escaped, and the parser takes long over each escape.
    unescaped = query.replace(b"%2C", b",").replace(b"%2c", b",")
    if b"+" in unescaped:
        unescaped = b"&".join(_escape_plus(filters, pair) for pair in unescaped.split(b"&"))
    pairs = parse_qsl(unescaped.decode("utf-8", "replace"), keep_blank_values=True)
    values: dict[str, Any] = dict(pairs)
    for param in filters:
        if param.grammar.is_repeated and param.name in values:
            values[param.name] = [value for name, value in pairs if name == param.name]
    return values


def _escape_plus(filters: Sequence[FilterParam], pair: bytes) -> bytes:
    """A pair of the query; a `+` within a value that has no blanks is one, though forms write blanks so.

    Around it they are blanks, which do not count: an address that begins with a plus has it escaped.
    """
    name, equals, value = pair.partition(b"=")
    given = unquote_plus(name.decode("utf-8", "replace"))
    if any(param.name == given and param.grammar.has_no_blanks for param in filters):
        parts = value.split(b"+")
        moments = [
            place for place, part in enumerate(parts) if normalise_text(unquote_plus(part.decode("utf-8", "replace")))
        ]
        if moments:
            first, last = moments[0], moments[-1] + 1
            value = b"+".join([*parts[:first], b"%2B".join(parts[first:last]), *parts[last:]])
    return name + equals + value


def _validate(model: type[RecordQuery], values: Mapping[str, Any]) -> RecordQuery:
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise Invalid(
            [
                {**problem, "loc": ["query", *problem["loc"][:1]]}
                for problem in error.errors(include_url=False, include_context=True)
            ]
        ) from None


def read_filters(face: Face, spec: ModelSpec, query: ListQuery) -> list[tuple[FieldSpec, list[str]]]:
    """The filters of a list: fields, with values any of which fits."""
    found = []
    for param in face.filters[spec]:
        value = getattr(query, param.name)
        if value is None:
            continue
        if param.grammar.is_repeated:
            values = value
        elif param.match is FilterMatch.ID:
            values = split_commas(value.lower())
        elif param.grammar.takes_commas:
            values = [value, *split_commas(value)]
        else:
            values = [value]
        found.append((param.field, _check_number(param.name, list(dict.fromkeys(values)))))
    return found


def read_spans(face: Face, spec: ModelSpec, query: ListQuery) -> list[MomentRange]:
    """The ranges of moments that a list is narrowed by. Raises Invalid where deleted records are asked for as well."""
    found = []
    for field in face.list_ranges(spec):
        after, before = (getattr(query, name) for name in RANGES[field.name])
        if after is not None or before is not None:
            found.append(MomentRange(field.name, after, before))
    if found and query.include_deleted:
        names = RANGES[found[0].name]
        message = f"deleted records have no moments of the vendor's: ask for them without {' and '.join(names)}"
        raise Invalid([describe_problem("query", "include_deleted", message, "true")])
    return found


def _check_number(param: str, values: list[str]) -> list[str]:
    """Raises Invalid where they are too many to be asked for at once."""
    if len(values) > MOST_VALUES:
        message = f"{len(values):,} values are too many: at most {MOST_VALUES:,} can be asked for at once"
        raise Invalid([describe_problem("query", param, message, f"{len(values):,} values")])
    return values


def split_commas(text: str) -> list[str]:
    return [part.strip() for part in text.split(",")]


def parse_ids(text: str) -> list[str]:
    """The ids of a comma list; what is none is left out. Raises Invalid for too many."""
    lowered = text.lower()
    if _UUIDS.fullmatch(lowered):
        return _check_number("ids", lowered.split(","))
    return _check_number("ids", list(filter(UUID.fullmatch, split_commas(lowered))))
