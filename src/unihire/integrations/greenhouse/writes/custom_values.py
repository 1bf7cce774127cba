"""The customer's own fields in writes: which there are, and their values as v3 takes and replaces them.

Source: harvest_v3.json, custom_fields; writes take `[{"custom_field_id", "value"}]`, and replace all values there were.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from unihire.errors import ReferenceMissing
from unihire.integration.declare import Data
from unihire.integration.operate import OperationContext
from unihire.integration.vendor_row import VendorRow, group_by, list_ids
from unihire.integration.write import CustomField, OfferedValue, ReadCustomFields
from unihire.integrations.greenhouse.comparing import shows_custom_values
from unihire.kit.text import normalise_text

GREATEST_ID = 2**63 - 1
YES = {"true": True, "yes": True, "false": False, "no": False}

Kind = Literal["text", "number", "integer", "boolean", "date", "url", "choice", "choices", "any"]

KINDS: Mapping[str, Kind] = {
    "short_text": "text",
    "long_text": "text",
    "rich_text": "text",
    "number": "number",
    "yes_no": "boolean",
    "date": "date",
    "date_of_birth": "date",
    "url": "url",
    "single_select": "choice",
    "multi_select": "choices",
}
"""What a field takes, by its `value_type`: amounts and ranges are objects, `any`."""


def _shape(**members: str) -> Mapping[str, Any]:
    properties = {name: {"type": kind} for name, kind in members.items()}
    return {"type": "object", "properties": properties, "required": [*members], "additionalProperties": False}


SHAPES: Mapping[str, Mapping[str, Any]] = {
    "currency": _shape(amount="number", unit="string"),
    "currency_range": _shape(min_value="number", max_value="number", unit="string"),
    "number_range": _shape(min_value="number", max_value="number"),
}
"""The objects, as records show them."""

FILE = "attachment"
"""The `value_type` of fields that have a file: their values are not written."""


USER = "user"
"""The `value_type` of fields that have a user: they are written by the id."""

UNSET: tuple[Any, ...] = (None, "", [])
"""How the value of a field looks that has none."""


class WrittenValues(NamedTuple):
    """Values of custom fields as v3 takes them, and the keys of the fields by their ids."""

    values: list[Data]
    keys: dict[int, str]


def read_fields_of(field_type: str) -> ReadCustomFields:
    """The reader of the fields of one `field_type`, known by their `name_key` as in the records."""

    async def read(context: OperationContext) -> Sequence[CustomField]:
        rows = await context.all("custom_fields", {"field_type": field_type, "active": "true"})
        fields = [row for row in rows if row.find_text("name_key") and row.find_text("value_type") != FILE]
        options = group_by(await _find_options(context, fields), "custom_field_id")
        has_users = any(row.find_text("value_type") == USER for row in fields)
        users = await _list_users(context) if has_users else ()
        return [_show_field(row, options.get(row.get_number("id"), ()), users) for row in fields]

    return read


async def _find_options(context: OperationContext, fields: Sequence[VendorRow]) -> list[VendorRow]:
    """The options in use of the fields that have some, in the order in which they are shown."""
    of = list_ids(row for row in fields if KINDS.get(row.find_text("value_type") or "") in ("choice", "choices"))
    rows = await context.find("custom_field_options", "custom_field_id", of)
    used = [row for row in rows if row.find_flag("active") is not False and row.find_text("name")]
    return sorted(used, key=lambda row: (row.find_number("sort_order") or 0, row.find_number("id") or 0))


async def _list_users(context: OperationContext) -> Sequence[OfferedValue]:
    """The users who may be the value of a field, by their ids."""
    rows = [row for row in await context.all("users") if row.find_flag("deactivated") is not True]
    ids = [(str(row.get_number("id")), row) for row in rows]
    return [OfferedValue(value=id, title=row.find_text("name") or id) for id, row in ids]


def _show_field(row: VendorRow, options: Sequence[VendorRow], users: Sequence[OfferedValue]) -> CustomField:
    """A field; its options are named as the records name them."""
    key, value_type = row.get_text("name_key"), row.find_text("value_type") or ""
    named = [OfferedValue(value=name, title=name) for name in dict.fromkeys(one.get_text("name") for one in options)]
    return CustomField(
        name=key,
        title=row.find_text("name") or key,
        kind="choice" if value_type == USER else KINDS.get(value_type, "any"),
        options=tuple(users if value_type == USER else named),
        is_required=row.find_flag("required") is True,
        shape=SHAPES.get(value_type, {}),
    )


async def write_values(
    context: OperationContext, field_type: str, given: Sequence[tuple[str | None, str, Any]]
) -> WrittenValues:
    """The values as v3 takes them, in one call: each as the place that errors name, the key, and the value.

    A key of digits is an id; else it is a key, else a name. Raises ReferenceMissing where there is no such field; one
    without a place is then left out.
    """
    written = WrittenValues([], {})
    if not given:
        return written
    fields = await context.all("custom_fields", {"field_type": field_type})
    for place, key, value in given:
        field = choose_field(fields, key)
        if field is None and place is None:
            continue
        if field is None:
            raise ReferenceMissing(f"{place}: {_PLURALS.get(field_type, field_type)} have no such custom field")
        id = field.get_number("id")
        written.values.append({"custom_field_id": id, "value": fit_value(value, field.find_text("value_type"))})
        written.keys[id] = field.find_text("name_key") or ""
    return written


_PLURALS = {
    "candidate": "candidates", "application": "applications", "job": "jobs", "offer": "offers",
    "user_attribute": "users",
}  # fmt: skip


async def write_given(context: OperationContext, field_type: str, given: Mapping[str, Any] | None) -> WrittenValues:
    """The values of an input's `custom_fields`."""
    return await write_values(
        context, field_type, [(f"custom_fields.{key}", key, value) for key, value in (given or {}).items()]
    )


async def write_changed(
    context: OperationContext, field_type: str, given: Mapping[str, Any] | None, row: VendorRow
) -> WrittenValues:
    """The values of a row after a change, which has to name those that stay as well; null in place of all empties all.

    A value that stays is sent as it is shown, a user by the id.
    """
    if given is None:
        return WrittenValues([], {})
    shown = {key: field for key, field in row.map_parts("custom_fields").items() if field is not None}
    staying = {
        key: _to_written(value)
        for key, field in shown.items()
        if key not in given and (value := field.find_value("value")) not in UNSET
    }
    changed = [(f"custom_fields.{key}", key, value) for key, value in given.items()]
    return await write_values(context, field_type, [*((None, key, value) for key, value in staying.items()), *changed])


def has_values(row: VendorRow, written: WrittenValues) -> bool:
    """Whether the row has these values of custom fields, and no others."""
    fields = row.map_parts("custom_fields").items()
    shown = {key for key, field in fields if field is not None and field.find_value("value") not in UNSET}
    sent = {written.keys[one["custom_field_id"]] for one in written.values if one["value"] not in UNSET}
    return shown == sent and shows_custom_values(row, written.values, written.keys)


def _to_written(value: Any) -> Any:
    return value["user_id"] if isinstance(value, dict) and "user_id" in value else value


def choose_field(fields: Sequence[VendorRow], key: str) -> VendorRow | None:
    """The field meant; of several with one name the active one."""
    if key.isdecimal():
        return next((row for row in fields if row.find_number("id") == int(key)), None)
    by_key = [row for row in fields if has_text(row, "name_key", key)]
    by_name = [row for row in fields if has_text(row, "name", key)]
    by_folded_name = [row for row in fields if has_text(row, "name", key, fold=fold_name)]
    found = by_key or by_name or by_folded_name
    return next((row for row in found if row.find_flag("active")), found[0] if found else None)


def fold_name(name: str) -> str:
    """The key that a field has by its name: `Equity Grant:` is `equity_grant:`."""
    return name.strip().lower().replace(" ", "_")


def has_text(row: VendorRow, member: str, asked: str, *, fold: Callable[[str], str] = str) -> bool:
    text = row.find_text(member)
    return text is not None and fold(normalise_text(text)) == fold(normalise_text(asked))


def fit_value(value: Any, value_type: str | None) -> Any:
    """The value in the JSON type that v3 wants: forms give text for numbers, yes and no, and ids of users.

    What cannot be one stays as it is, for the vendor to judge.
    """
    match value_type, value:
        case "number", str():
            return _to_number(value)
        case "yes_no", str():
            return YES.get(value.strip().lower(), value)
        case "user", str() if value.strip().isdecimal():
            return int(value)
        case "multi_select", str() | int():
            return [value]
        case (("short_text" | "long_text" | "rich_text" | "url"), int() | float()):
            return str(value)
        case _:
            return value


def _to_number(text: str) -> int | float | str:
    """The number; the text where it is none, or none that JSON has."""
    try:
        whole = int(text)
    except ValueError:
        pass
    else:
        return whole if abs(whole) <= GREATEST_ID else text
    try:
        number = float(text)
    except ValueError:
        return text
    return number if math.isfinite(number) else text
