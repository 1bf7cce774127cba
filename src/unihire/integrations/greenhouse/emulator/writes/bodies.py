"""What the bodies of writes may contain, and how they are read.

A field is one word. `name` is text, `sort_order:int` a number, `starts_at:moment`, `starts_on:date`, `private:bool`,
`tags:list`, `rejection_email:object` what they say, `status=open|closed` one of these, `job_id:jobs` the id of a row
that exists, `office_ids:jobs*` several, `custom_fields:custom` values of custom fields. An exclamation mark after the
name says that it must be there; `note_type>type` that the row calls it otherwise.
"""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from unihire.integration.emulate import Row
from unihire.integrations.greenhouse.emulator.query import Invalid
from unihire.integrations.greenhouse.emulator.rows.find import GreenhouseRows
from unihire.integrations.greenhouse.emulator.rows.times import from_millis
from unihire.kit.clock import parse_moment, to_micros
from unihire.kit.nesting import decode_bounded

_TYPES: Mapping[str, tuple[type, str]] = {
    "text": (str, "string"),
    "int": (int, "integer"),
    "bool": (bool, "boolean"),
    "list": (list, "array"),
    "object": (dict, "object"),
}


class BodyField(NamedTuple):
    """One field of a body."""

    name: str
    column: str
    kind: str
    is_required: bool
    words: tuple[str, ...]


def declare_body(text: str) -> tuple[BodyField, ...]:
    fields = []
    for word in text.split():
        match = re.fullmatch(r"(\w+)(?:>(\w+))?(!?)(?::([\w*]+)|=([\w|]+))?", word)
        assert match is not None, word
        name, column, mark, kind, words = match.groups()
        fields.append(BodyField(name, column or name, kind or "text", bool(mark), tuple((words or "").split("|"))))
    return tuple(fields)


def read_object(body: bytes) -> Row:
    """The body as an object; nothing is an empty one. Raises Invalid."""
    try:
        found = decode_bounded(body) if body.strip() else {}
    except ValueError:
        raise Invalid("The request body is not valid JSON.") from None
    if not isinstance(found, dict):
        raise Invalid("The request body must be an object.")
    return found


def read_body(
    rows: GreenhouseRows,
    fields: tuple[BodyField, ...],
    given: Row,
    *,
    lets_unknown: bool,
    is_new: bool,
    never_null: frozenset[str] = frozenset(),
) -> Row:
    """The columns a body sets. Raises Invalid that names every field that does not fit.

    A null in what makes a row is a field left out, as the documents' examples have it; in a change it empties the
    column, unless the documents' schema says that this column is never null.
    """
    errors: list[Mapping[str, str]] = []
    columns: Row = {}
    for field in fields:
        if field.name not in given or (given[field.name] is None and field.is_required):
            if field.is_required and is_new:
                errors.append({field.name: "is missing"})
            continue
        if given[field.name] is None and (is_new or field.column in never_null):
            if not is_new:
                errors.append({field.name: f"`null` is not of type: {_name_type(field)}"})
            continue
        try:
            columns[field.column] = _read_value(rows, field, given[field.name])
        except Invalid as invalid:
            errors.extend(error for error in invalid.errors if isinstance(error, Mapping))
    if not lets_unknown:
        known = {field.name for field in fields}
        errors.extend({name: "is not a field of this request"} for name in given if name not in known)
    if errors:
        raise Invalid(*errors)
    return columns


def _name_type(field: BodyField) -> str:
    if field.kind in _TYPES:
        return _TYPES[field.kind][1]
    return "array" if field.kind.endswith("*") else "string" if field.kind in ("moment", "date") else "integer"


def _read_value(rows: GreenhouseRows, field: BodyField, value: Any) -> Any:
    name, kind = field.name, field.kind
    if value is None:
        return None
    if field.words != ("",):
        if value not in field.words:
            raise Invalid({name: f"`{value}` is not one of: {', '.join(field.words)}"})
        return value
    if kind in _TYPES:
        type_, word = _TYPES[kind]
        if not isinstance(value, type_) or (type_ is int and isinstance(value, bool)):
            raise Invalid({name: f"`{value}` is not of type: {word}"})
        return value
    if kind in ("moment", "date"):
        return _read_time(name, kind, value)
    if kind == "custom":
        return value  # read_custom_fields reads it, with the row at hand
    return _read_reference(rows, name, kind, value)


def _read_time(name: str, kind: str, value: Any) -> str:
    is_date = isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\d", value) is not None
    try:
        if isinstance(value, str) and is_date == (kind == "date"):
            moment = parse_moment(value)
            return value if is_date else from_millis(to_micros(moment) // 1000)
    except ValueError:
        pass
    raise Invalid({name: f"`{value}` is not a {'date' if kind == 'date' else 'date-time'}"})


def _read_reference(rows: GreenhouseRows, name: str, kind: str, value: Any) -> Any:
    """An id, or ids, of rows that exist."""
    target = kind.rstrip("*")
    values = value if kind.endswith("*") and isinstance(value, list) else [value]
    for one in values:
        if type(one) is not int:
            raise Invalid({name: f"`{one}` is not of type: integer"})
        if rows.streams[target].find(one) is None:
            raise Invalid({name: f"`{one}` does not exist"})
    return value


def read_custom_fields(rows: GreenhouseRows, kind: str, given: Any) -> Row:
    """The row's custom fields after a write, which replaces them all: what is not named is unset. Raises Invalid."""
    if not isinstance(given, list) or not all(isinstance(entry, dict) for entry in given):
        raise Invalid({"custom_fields": "must be a list of objects"})
    fields = [row for _, row in rows.walk_all("custom_fields") if row["field_type"] == kind and row["name_key"]]
    by_id = {row["id"]: row for row in fields}
    by_key = {row["name_key"]: row for row in fields}
    values: Row = {
        row["name_key"]: {
            "name": row["name"],
            "type": row["value_type"],
            "value": [] if row["value_type"] == "multi_select" else None,
        }
        for row in reversed(fields)
        if row["active"]
    }
    for entry in given:
        field = by_id.get(entry.get("custom_field_id")) or by_key.get(entry.get("name_key"))
        if field is None:
            asked = entry.get("custom_field_id", entry.get("name_key"))
            raise Invalid({"custom_fields": f"`{asked}` is not a custom field of this record"})
        value = _read_custom_value(rows, field, entry.get("value"))
        values[field["name_key"]] = {"name": field["name"], "type": field["value_type"], "value": value}
    return values


_CUSTOM_TYPES: Mapping[str, type | tuple[type, ...]] = {
    "short_text": str,
    "long_text": str,
    "rich_text": str,
    "url": str,
    "yes_no": bool,
    "number": (int, float),
    "date": str,
    "date_of_birth": str,
    "multi_select": list,
    "currency": dict,
    "currency_range": dict,
    "number_range": dict,
}


def _read_custom_value(rows: GreenhouseRows, field: Row, value: Any) -> Any:
    """The value as it is read back: options by name, a user as an object. Options may be written by id or name."""
    kind, key = field["value_type"], field["name_key"]
    if value is None:
        return [] if kind == "multi_select" else None
    wanted = _CUSTOM_TYPES.get(kind)
    if wanted is not None and not isinstance(value, wanted):
        raise Invalid({"custom_fields": f"`{value}` is not a value of {key}, which is {kind}"})
    if kind == "date" and re.fullmatch(r"\d{4}-\d\d-\d\d", value) is None:
        raise Invalid({"custom_fields": f"`{value}` is not a date for {key}"})
    if kind in ("single_select", "multi_select"):
        options = list(rows.walk_linked("custom_field_options", "custom_field_id", field["id"]))
        names: dict[Any, str] = {number: row["name"] for number, row in options}
        names |= {row["name"]: row["name"] for _, row in options}
        asked = value if isinstance(value, list) else [value]
        for one in asked:
            if not isinstance(one, int | str) or one not in names:
                raise Invalid({"custom_fields": f"`{one}` is not an option of {key}"})
        found = [names[one] for one in asked]
        return found if kind == "multi_select" else found[0]
    if kind == "user":
        user = rows.find("users", value.get("user_id") if isinstance(value, dict) else value)
        if user is None:
            raise Invalid({"custom_fields": f"`{value}` is not a user"})
        return {
            "user_id": user["id"],
            "name": user["name"],
            "email": user["primary_email"],
            "employee_id": user["employee_id"],
        }
    return value
