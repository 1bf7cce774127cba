"""What the shapes of Harvest v1 share: moments, custom fields in both forms, users in short.

Shapes are as the documents of v1 show them; rows are Harvest v3's.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from unihire.integration.operate import Output
from unihire.integration.vendor_row import RowPart, VendorRow
from unihire.integrations.greenhouse.writes.custom_values import fold_name

CUSTOM_FIELDS = "custom_fields"


class KeyedField(Output):
    """A custom field by its key, which stays when the field is renamed."""

    name: str
    type: str
    value: Any


class UserSummary(Output):
    """A user as other things show one."""

    id: int
    first_name: str | None
    last_name: str | None
    name: str | None
    employee_id: str | None


def to_moment(moment: datetime | None) -> str | None:
    """`2020-11-24T23:27:11.699Z`, the one form v1 wrote: UTC, always three digits, what is finer cut off."""
    return None if moment is None else moment.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def to_custom_fields(row: RowPart, member: str = CUSTOM_FIELDS) -> dict[str, Any]:
    """`custom_fields` of v1: values by the field's name of today, in lower case, spaces as `_`, other signs kept.

    Where two names fold into one, a value goes before none, and the first before others.
    """
    plain: dict[str, Any] = {}
    for key, field in row.map_parts(member).items():
        folded = fold_name((field and field.find_text("name")) or key)
        if plain.get(folded) is None:
            plain[folded] = None if field is None else field.find_value("value")
    return plain


def to_keyed_fields(row: RowPart, member: str = CUSTOM_FIELDS) -> dict[str, KeyedField]:
    """`keyed_custom_fields` of v1, for jobs, offers, openings, users: a field that is not set has a null value."""
    fields = row.map_parts(member).items()
    return {key: _to_keyed_field(key, field) for key, field in fields if field is not None}


def to_keyed_fields_or_null(row: RowPart) -> dict[str, KeyedField | None]:
    """`keyed_custom_fields` of v1, for candidates: a field that is not set is null itself."""
    return {
        key: None if field is None or field.find_value("value") is None else _to_keyed_field(key, field)
        for key, field in row.map_parts(CUSTOM_FIELDS).items()
    }


def _to_keyed_field(key: str, field: RowPart) -> KeyedField:
    return KeyedField(name=field.find_text("name") or key, type=field.get_text("type"), value=field.find_value("value"))


def to_user_summary(row: VendorRow) -> UserSummary:
    """A row of `users` in short."""
    return UserSummary(
        id=row.get_number("id"),
        first_name=row.find_text("first_name"),
        last_name=row.find_text("last_name"),
        name=to_user_name(row),
        employee_id=row.find_text("employee_id"),
    )


def to_user_name(row: VendorRow | None) -> str | None:
    """The full name of a user; where there is none, the address, as v1 did."""
    if row is None:
        return None
    parts = [part for part in (row.find_text("first_name"), row.find_text("last_name")) if part]
    return row.find_text("name") or " ".join(parts) or row.find_text("primary_email")


def show_user(users: Mapping[int, VendorRow], id: int) -> UserSummary:
    """The user in short; of one the vendor does not show, the id alone."""
    row = users.get(id)
    if row is None:
        return UserSummary(id=id, first_name=None, last_name=None, name=None, employee_id=None)
    return to_user_summary(row)


def sort_newest(rows: Iterable[VendorRow]) -> list[VendorRow]:
    """The rows by descending id, as the vendor lists them; those without one come last."""
    return sorted(rows, key=lambda row: row.find_number("id") or 0, reverse=True)
