"""What the shapes of Harvest v1 share: moments, custom fields in both forms, users in short, rows by their members.

Shapes are as the documents of v1 show them; rows are Harvest v3's.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from unihire.integration.declare import Data
from unihire.integration.operate import Output
from unihire.kit.clock import parse_moment


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


def to_moment(value: str | None) -> str | None:
    """`2020-11-24T23:27:11.699Z`, the one form v1 wrote: UTC, always three digits, what is finer cut off.

    Raises ValueError for what is no moment.
    """
    if not value:
        return None
    return parse_moment(value).replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def to_custom_fields(row: Data) -> dict[str, Any]:
    """`custom_fields` of v1: values by the field's name of today, in lower case, spaces as `_`, other signs kept.

    Where two names fold into one, a value goes before none, and the first before others.
    """
    plain: dict[str, Any] = {}
    for key, field in (row.get("custom_fields") or {}).items():
        folded = fold_name((field or {}).get("name") or key)
        if plain.get(folded) is None:
            plain[folded] = None if field is None else field.get("value")
    return plain


def fold_name(name: str) -> str:
    """The key of a field in `custom_fields` of v1: `Equity Grant:` is `equity_grant:`."""
    return name.strip().lower().replace(" ", "_")


def to_keyed_fields(row: Data) -> dict[str, KeyedField]:
    """`keyed_custom_fields` of v1, for jobs, offers, openings, users: a field that is not set has a null value."""
    return {
        key: KeyedField(name=field.get("name") or key, type=field.get("type"), value=field.get("value"))
        for key, field in (row.get("custom_fields") or {}).items()
        if field is not None
    }


def to_keyed_fields_or_null(row: Data) -> dict[str, KeyedField | None]:
    """`keyed_custom_fields` of v1, for candidates: a field that is not set is null itself."""
    keyed = to_keyed_fields(row)
    return {
        key: keyed[key] if key in keyed and keyed[key].value is not None else None
        for key in (row.get("custom_fields") or {})
    }


def to_user_summary(row: Data) -> UserSummary:
    """A row of `users` in short."""
    return UserSummary(
        id=row["id"],
        first_name=row.get("first_name"),
        last_name=row.get("last_name"),
        name=to_user_name(row),
        employee_id=row.get("employee_id"),
    )


def to_user_name(row: Data) -> str | None:
    """The full name of a user; where there is none, the address, as v1 did."""
    parts = [part for part in (row.get("first_name"), row.get("last_name")) if part]
    return row.get("name") or " ".join(parts) or row.get("primary_email")


def find_user_summary(users: Mapping[int, Data], id: int | None) -> UserSummary | None:
    """The user in short; None for no id, and for a user the vendor does not show."""
    row = users.get(id) if id is not None else None
    return None if row is None else to_user_summary(row)


def show_user(users: Mapping[int, Data], id: int) -> UserSummary:
    """The user in short; of one the vendor does not show, the id alone."""
    return to_user_summary(users.get(id, {"id": id}))


def by_id(rows: Iterable[Data]) -> dict[int, Data]:
    return {row["id"]: row for row in rows}


def group_by(rows: Iterable[Data], member: str) -> dict[Any, list[Data]]:
    """The rows under each value of a member, in their order."""
    groups: dict[Any, list[Data]] = {}
    for row in rows:
        groups.setdefault(row[member], []).append(row)
    return groups
