"""The OpenAPI description of the data reads, drawn from the vocabulary: what is declared is what is served."""

from collections.abc import Sequence
from inspect import cleandoc
from itertools import chain

from unihire.dialects.common.cursors import ANY_CURSOR_PATTERN, CURSOR_PATTERN
from unihire.dialects.common.describing import (
    ID,
    TOKENED,
    Json,
    describe_cursor,
    describe_param,
    describe_responses,
    refer,
)
from unihire.dialects.common.expansion import write_expand_pattern
from unihire.dialects.common.faces import Face
from unihire.dialects.common.filters import RANGES, FilterParam
from unihire.dialects.common.lists import PAGE_SIZE
from unihire.dialects.common.params import MOST_VALUES
from unihire.model import MODELS, FieldSpec, FilterMatch, ModelSpec

_OPEN = "Any other value is the vendor's own, passed through unchanged."
_UUID = "[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}"
_IDS: Json = {
    "type": "string",
    "pattern": f"^{_UUID}(,{_UUID})*$",
    "maxLength": 37 * MOST_VALUES - 1,
}
"""Ids of ours, joined by commas."""

DELETED = "DeletedRecord"
"""The name of the schema of deleted records."""

_INCLUDE_DELETED = (
    "Answer deleted records as well, with `id`, `remote_id`, `modified_at` and `deleted` alone. Their position in a "
    "list is that of the deletion; `ids`, `remote_id` and `modified_after` narrow them, other filters do not."
)

_EXAMPLE_IDS = "5b0f7a52-3c1e-5d0b-9f57-6a4f6a0f9d11,0f1f4f0e-6a53-5c8d-8a55-2f2f6f2b1c22"


def describe_reads(face: Face) -> tuple[Json, Json]:
    """The paths of a face's reads, and the schemas they refer to."""
    paths: Json = {}
    schemas: Json = {
        **_struct_schemas(face),
        "Error": {
            "type": "object",
            "required": ["detail"],
            "properties": {"detail": {"type": "string", "description": "What went wrong, in words."}},
        },
        DELETED: {
            "type": "object",
            "description": "A deleted record; only with `include_deleted`.",
            "required": ["id", "remote_id", "modified_at", "deleted"],
            "properties": {
                "id": {**ID, "description": "Our id, never changed: a record that comes back has it again."},
                "remote_id": {"type": "string", "description": "Id the vendor gave the record."},
                "modified_at": {
                    "type": "string",
                    "format": "date-time",
                    "description": "When it was found to be deleted.",
                },
                "deleted": {"const": True},
            },
        },
        "ValidationError": {
            "type": "object",
            "required": ["loc", "msg", "type"],
            "properties": {
                "loc": {
                    "type": "array",
                    "items": {"type": ["string", "integer"]},
                    "description": "Path to the value; a number is a place in a list, from 0.",
                },
                "msg": {"type": "string", "description": "What was expected."},
                "type": {"type": "string", "description": "Machine-readable kind of fault."},
                "input": {"description": "The value received."},
                "ctx": {"type": "object", "description": "Further facts, such as a bound."},
            },
        },
        "HTTPValidationError": {
            "type": "object",
            "required": ["detail"],
            "properties": {"detail": {"type": "array", "items": {"$ref": "#/components/schemas/ValidationError"}}},
        },
    }
    for spec in face.models:
        name = face.name_schema(spec)
        schemas[name] = _model_schema(face, spec)
        schemas[f"{name}Page"] = _page_schema(face, spec)
        paths[f"{face.path}/{spec.plural}"] = {"get": _describe_list(face, spec)}
        paths[f"{face.path}/{spec.plural}/{{id}}"] = {"get": _describe_one(face, spec)}
    return paths, schemas


def _name_either(face: Face, spec: ModelSpec) -> tuple[str, str]:
    """The schemas of a live record and of a deleted one."""
    return face.name_schema(spec), DELETED


def _describe_list(face: Face, spec: ModelSpec) -> Json:
    return {
        "operationId": f"list_{spec.name}{face.operations}",
        "tags": [spec.noun],
        "summary": f"List {spec.plural.replace('-', ' ')}",
        "description": "A page of the list, in the order of change: to follow changes, store the latest `modified_at` "
        "you have read and ask for what was modified after it. The last page is the one whose `cursor` is null.",
        "security": TOKENED,
        "parameters": [
            *_list_params(face, spec),
            *(_filter_param(param) for param in face.filters[spec]),
            *_read_params(face, spec),
        ],
        "responses": describe_responses(f"{face.name_schema(spec)}Page", found=False),
    }


def _describe_one(face: Face, spec: ModelSpec) -> Json:
    return {
        "operationId": f"get_{spec.name}{face.operations}",
        "tags": [spec.noun],
        "summary": f"One {spec.noun}",
        "security": TOKENED,
        "parameters": [
            {"name": "id", "in": "path", "required": True, "schema": ID, "description": "Our id."},
            *_read_params(face, spec),
        ],
        "responses": describe_responses(*_name_either(face, spec), found=True),
    }


def _list_params(face: Face, spec: ModelSpec) -> list[Json]:
    ids = "Only the records with these ids of ours, joined by commas."
    params = [describe_param("ids", ids, schema=_IDS, example=_EXAMPLE_IDS)]
    if face.has_remote_id_filter(spec):
        params.append(describe_param("remote_id", "Only the record with this id of the vendor's.", example="123321"))
    size = {"type": "integer", "minimum": 1, "maximum": face.get_page_size_most(spec), "default": PAGE_SIZE}
    return [
        *params,
        {"name": "page_size", "in": "query", "schema": size, "description": "Most records in a page."},
        describe_cursor(ANY_CURSOR_PATTERN if face.has_ranges else CURSOR_PATTERN),
        _moment_param("modified_after", "Only records that changed here after this moment"),
        *_range_params(face, spec),
    ]


def _range_params(face: Face, spec: ModelSpec) -> list[Json]:
    params = []
    for field in face.list_ranges(spec):
        for name, end in zip(RANGES[field.name], ("after", "before"), strict=True):
            text = (
                f"In the order of `{field.name}`, and not together with `include_deleted`: only records where it is "
                f"strictly {end} this moment"
            )
            params.append(_moment_param(name, text))
    return params


def _moment_param(name: str, text: str) -> Json:
    return describe_param(
        name,
        f"{text}, ISO 8601; without an offset it is UTC.",
        schema={"type": "string", "format": "date-time"},
        example="2026-01-31T09:30:00Z",
    )


def _filter_param(param: FilterParam) -> Json:
    field, grammar = param.field, param.grammar
    named = f"Only records by `{field.name}`: {field.meaning[:1].lower()}{field.meaning[1:]}"
    if grammar.is_repeated:
        schema: Json = {"type": "array", "items": {"type": "string"}}
        text = f"{named} Repeat the parameter for several; letter case and blanks around it do not count."
        return {"name": param.name, "in": "query", "schema": schema, "description": text, "example": field.example}
    if grammar.is_closed:
        schema = {"type": "string", "enum": list(field.words)}
        return describe_param(param.name, named, schema=schema, example=field.example)
    if param.match is FilterMatch.ID:
        return describe_param(param.name, f"{named} Ids of ours, joined by commas.", schema=_IDS, example=_EXAMPLE_IDS)
    folds = "Letter case and blanks" if param.match is FilterMatch.FOLDED else "Blanks"
    several = " A comma list fits any of its values." if grammar.takes_commas else ""
    example = field.example[0] if isinstance(field.example, list) else field.example
    return describe_param(
        param.name, f"{named} The whole value must match. {folds} around it do not count.{several}", example=example
    )


def _read_params(face: Face, spec: ModelSpec) -> list[Json]:
    flag = {"type": "boolean", "default": False}
    params: list[Json] = [
        {"name": "include_raw_data", "in": "query", "schema": flag, "description": "Fill `raw_data`."},
        {"name": "include_custom_fields", "in": "query", "schema": flag, "description": "Fill `custom_fields`."},
        {"name": "include_deleted", "in": "query", "schema": flag, "description": _INCLUDE_DELETED},
    ]
    if face.relations[spec]:
        names = [relation.field.name for relation in face.relations[spec]]
        text = (
            f"Relations to answer as records instead of ids, joined by commas: {', '.join(names)}. "
            f"Fields in brackets narrow a record: `{names[0]}[id,remote_id]`."
        )
        schema = {"type": "string", "pattern": write_expand_pattern(face, spec)}
        params.append(describe_param("expand", text, schema=schema, example=names[0]))
    return params


def _model_schema(face: Face, spec: ModelSpec) -> Json:
    schema = _object_schema(face, spec.meaning, spec.fields)
    schema["properties"] = {
        "id": {"type": "string", "format": "uuid", "description": "Our id, never changed."},
        "modified_at": {
            "type": "string",
            "format": "date-time",
            "description": "When the record last changed here.",
        },
        **schema["properties"],
        **{
            member: _object_schema(face, "Fields that the native face does not have.", fields)
            for member, fields in face.find_beside(spec).items()
        },
        "custom_fields": {"type": ["object", "null"], "description": "Mapped custom fields; null unless requested."},
        "raw_data": {
            "type": ["object", "null"],
            "description": "What the vendor sent, unchanged; null unless requested.",
        },
    }
    schema["required"] = list(schema["properties"])
    return schema


def _struct_schemas(face: Face) -> Json:
    """The schemas of fields that have parts, by name."""
    found: dict[str, FieldSpec] = {}
    for spec in face.models:
        for field in (*spec.fields, *chain.from_iterable(face.find_beside(spec).values())):
            if field.struct is not None:
                found[_name_struct(face, field)] = field
    return {
        name: _object_schema(face, cleandoc(field.struct.__doc__ or "").split("\n\n")[0], field.parts, are_parts=True)
        for name, field in sorted(found.items())
        if field.struct is not None
    }


def _name_struct(face: Face, field: FieldSpec) -> str:
    assert field.struct is not None
    return f"{face.schemas}{field.struct.__name__}"


def _object_schema(face: Face, meaning: str, fields: Sequence[FieldSpec], *, are_parts: bool = False) -> Json:
    return {
        "type": "object",
        "description": meaning,
        "required": [field.name for field in fields],
        "properties": {field.name: _field_schema(face, field, is_part=are_parts) for field in fields},
    }


def _field_schema(face: Face, field: FieldSpec, *, is_part: bool) -> Json:
    """`is_part`: it is inside another field, where relations are not expanded."""
    described: Json = {"description": field.meaning}
    if field.words:
        described["description"] += f" One of {', '.join(field.words)}. {_OPEN}"
    if field.example is not None:
        described["examples"] = [field.example]
    if field.to is not None and is_part:
        return {**described, "type": ["string", "null"], "format": "uuid"}
    if field.to is not None:
        target = f"#/components/schemas/{face.name_schema(MODELS[field.to])}"
        # Expanded with a list of fields, a related record carries only those: a free object covers it.
        one: Json = {
            "anyOf": [{"type": "string", "format": "uuid"}, {"$ref": target}, {"type": "object"}],
        }
        if field.type == "array":
            return {**described, "type": ["array", "null"], "items": one}
        return {**described, "anyOf": [*one["anyOf"], {"type": "null"}]}
    parts = None if field.struct is None else {"$ref": f"#/components/schemas/{_name_struct(face, field)}"}
    if field.type == "array":
        return {**described, "type": ["array", "null"], "items": parts or {"type": field.items}}
    if parts is not None:
        return {**described, "anyOf": [parts, {"type": "null"}]}
    return {**described, "type": [field.type, "null"]}


def _page_schema(face: Face, spec: ModelSpec) -> Json:
    return {
        "type": "object",
        "required": ["cursor", "page_size", "items"],
        "properties": {
            "cursor": {"type": ["string", "null"], "description": "Where to continue; null on the last page."},
            "page_size": {"type": "integer", "description": "How many records this page has."},
            "items": {"type": "array", "items": refer(_name_either(face, spec))},
        },
    }
