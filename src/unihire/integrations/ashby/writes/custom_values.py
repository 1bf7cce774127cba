"""Customers' own fields: which there are, and their values as `customField.setValues` takes them."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from unihire.errors import ReferenceMissing
from unihire.integration.declare import Data
from unihire.integration.operate import OperationContext, WriteContext
from unihire.integration.vendor_row import VendorRow
from unihire.integration.write import CustomField, OfferedValue, ReadCustomFields
from unihire.integrations.ashby.lookups import CUSTOM_FIELDS
from unihire.integrations.ashby.writes.calling import call, change_until, get_id, is_same_text
from unihire.kit.clock import parse_moment

Kind = Literal["text", "number", "integer", "boolean", "date", "url", "choice", "choices", "any"]

KINDS: Mapping[str, Kind] = {
    "String": "text",
    "LongText": "text",
    "Email": "text",
    "Phone": "text",
    "Number": "number",
    "Boolean": "boolean",
    "Date": "date",
    "Url": "url",
    "ValueSelect": "choice",
    "MultiValueSelect": "choices",
}
"""What a field takes, by its `fieldType`; ranges and amounts are objects, `any`."""

EMPTY: tuple[Any, ...] = (None, "", [])


def read_fields_of(object_type: str) -> ReadCustomFields:
    """The reader of the fields of `Candidate` or `Application`, named by their titles as in the records."""

    async def read(context: OperationContext) -> Sequence[CustomField]:
        rows = await _list_fields(context, object_type)
        titles = [row.find_text("title") for row in rows]
        return [
            CustomField(
                name=title if titles.count(title) == 1 else get_id(row),
                title=title,
                kind=KINDS.get(row.find_text("fieldType") or "", "any"),
                options=tuple(OfferedValue(value=label, title=label) for label in dict.fromkeys(_list_options(row))),
            )
            for row, title in zip(rows, titles, strict=True)
            if title
        ]

    return read


async def _list_fields(context: OperationContext, object_type: str) -> list[VendorRow]:
    return [
        row
        for row in await context.all(CUSTOM_FIELDS)
        if row.find_text("objectType") == object_type and row.find_flag("isArchived") is not True
    ]


def _list_options(row: VendorRow) -> Mapping[str, str]:
    """The values of the options that may be chosen, by their labels."""
    return {
        label: value
        for option in row.list_parts("selectableValues")
        if option.find_flag("isArchived") is not True
        and (label := option.find_text("label"))
        and (value := option.find_text("value")) is not None
    }


async def write_values(context: OperationContext, object_type: str, given: Mapping[str, Any] | None) -> list[Data]:
    """The values of an input's `custom_fields`: a field is named by its title or its id, a choice by its label."""
    if not given:
        return []
    fields, written = await _list_fields(context, object_type), []
    for name, value in given.items():
        field = _choose_field(fields, name)
        if field is None:
            raise ReferenceMissing(f"custom_fields: the vendor has no field {name}")
        written.append({"fieldId": get_id(field), "fieldValue": _fit_value(field, name, value)})
    return written


def _choose_field(fields: Sequence[VendorRow], name: str) -> VendorRow | None:
    by_id = [row for row in fields if get_id(row) == name or name.endswith(f"({get_id(row)})")]
    by_title = [row for row in fields if is_same_text(row.find_text("title"), name)]
    if not by_id and len(by_title) > 1:
        raise ReferenceMissing(f"custom_fields: several fields have the title {name}; name one by its id")
    return next(iter(by_id or by_title), None)


def _fit_value(field: VendorRow, name: str, value: Any) -> Any:
    """The value as the vendor takes it; what fits nothing stays as it is, for the vendor to judge. Null clears."""
    if value in EMPTY:
        return None
    kind, options = KINDS.get(field.find_text("fieldType") or "", "any"), _list_options(field)
    match kind, value:
        case "choice", str():
            return options.get(value, value)
        case "choices", str():
            return [options.get(value, value)]
        case "choices", list():
            return [options.get(one, one) if isinstance(one, str) else one for one in value]
        case "date", str():
            try:
                return parse_moment(value).strftime("%Y-%m-%dT%H:%M:%S.000Z")
            except ValueError:
                raise ReferenceMissing(f"custom_fields: {name} takes a date, and this is none") from None
        case "text", int() | float():
            return str(value)
        case _:
            return value


async def set_values(
    context: WriteContext, object_type: str, stream: str, id: str, values: list[Data], actor: str | None
) -> None:
    """Give a row these values; those that are not named stay."""

    async def holds() -> bool:
        shown = await context.find(stream, "id", [id])
        return bool(shown) and shows_values(shown[0], values)

    body = {"objectId": id, "objectType": object_type, "values": values}
    await change_until(context, "custom_fields", call("customField.setValues", body, actor), stream, id, holds)


def shows_values(row: VendorRow, values: Sequence[Data]) -> bool:
    """Whether the row has these values; one without a value is left out of rows."""
    shown = {one.find_text("id"): one.find_value("value") for one in row.list_parts("customFields")}
    return all(shown.get(one["fieldId"]) == one["fieldValue"] for one in values)
