"""The customer's own fields of candidates. Their values are in no answer: what was written cannot be looked at."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from unihire.errors import ReferenceMissing
from unihire.integration.declare import Data
from unihire.integration.operate import OperationContext, WriteContext
from unihire.integration.vendor_row import VendorRow
from unihire.integration.write import CustomField, OfferedValue
from unihire.integrations.workable.lookups import CUSTOM_ATTRIBUTES
from unihire.integrations.workable.writes.calling import CANDIDATES, call, get_id, is_same_text
from unihire.kit.clock import parse_moment

Kind = Literal["text", "number", "integer", "boolean", "date", "url", "choice", "choices", "any"]

KINDS: Mapping[str, Kind] = {
    "free_text": "text",
    "short_text": "text",
    "numeric": "number",
    "boolean": "boolean",
    "date": "date",
    "dropdown": "choice",
    "multiple_choice": "choices",
}
"""What a field takes, by its type; files and whatever is added are `any`."""


def find_kind(field: VendorRow) -> Kind:
    """Several choices may be offered of which one is taken."""
    kind = KINDS.get(field.find_text("type") or "", "any")
    return "choice" if kind == "choices" and field.find_flag("single_answer") is True else kind


async def read_fields(context: OperationContext) -> Sequence[CustomField]:
    """The fields that are in use, by their labels."""
    rows = await _list_fields(context)
    labels = [row.find_text("label") for row in rows]
    return [
        CustomField(
            name=label if labels.count(label) == 1 else get_id(row),
            title=label,
            kind=find_kind(row),
            options=tuple(OfferedValue(value=one, title=one) for one in _list_choices(row)),
        )
        for row, label in zip(rows, labels, strict=True)
        if label
    ]


async def _list_fields(context: OperationContext) -> list[VendorRow]:
    return [row for row in await context.all(CUSTOM_ATTRIBUTES) if row.find_flag("enabled") is not False]


def _list_choices(row: VendorRow) -> Mapping[str, str]:
    """The ids of the choices, by their texts."""
    return {
        text: id
        for one in row.list_parts("choices")
        if (text := one.find_text("body")) and (id := one.find_text("id")) is not None
    }


async def write_values(context: OperationContext, given: Mapping[str, Any] | None) -> list[Data]:
    """The bodies of the calls that write an input's `custom_fields`: one a field, named by its label or its id."""
    if not given:
        return []
    fields, written = await _list_fields(context), []
    for name, value in given.items():
        found = [row for row in fields if get_id(row) == name or is_same_text(row.find_text("label"), name)]
        if len(found) != 1:
            why = "the vendor has no field" if not found else "several fields have the name"
            raise ReferenceMissing(f"custom_fields: {why} {name}")
        key = found[0].find_text("key") or get_id(found[0])
        written.append({"custom_attribute_key": key, **_fit_value(found[0], name, value)})
    return written


def _fit_value(field: VendorRow, name: str, value: Any) -> Data:
    """The member that takes a value of this kind; what fits nothing is for the vendor to judge."""
    choices = _list_choices(field)
    match find_kind(field), value:
        case "boolean", _:
            return {"checked": value}
        case "choice" | "choices", list():
            return {"choices": [choices.get(one, one) if isinstance(one, str) else one for one in value]}
        case "choice" | "choices", str():
            return {"choices": [choices.get(value, value)]}
        case "date", str():
            try:
                return {"date": parse_moment(value).date().isoformat()}
            except ValueError:
                raise ReferenceMissing(f"custom_fields: {name} takes a date, and this is none") from None
        case _, int() | float():
            return {"value": str(value)}
        case _:
            return {"value": value}


async def set_values(context: WriteContext, id: str, values: Sequence[Data]) -> None:
    """Give a candidate these values, a call each; those that are not named stay. A second call does no harm."""

    async def holds() -> bool:
        return False

    for number, body in enumerate(values):
        sent = call("PATCH", "/candidates/{}/update_custom_attribute_value", body, id)
        await context.change(f"custom_fields.{number}", sent, stream=CANDIDATES, id=id, holds=holds)


def list_steps(values: Sequence[Data]) -> list[str]:
    return [f"custom_fields.{number}" for number in range(len(values))]
