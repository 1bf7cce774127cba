"""What inputs of Harvest v1 refer to by other than v3's ids, found at the vendor before anything is written.

Each raises ReferenceMissing where the vendor has no such thing; the message says at which place of the input.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from unihire.errors import ReferenceMissing
from unihire.integration.declare import Data
from unihire.integration.operate import OperationContext
from unihire.integration.vendor_row import VendorRow, list_ids
from unihire.integrations.greenhouse.harvest_v1.inputs import CustomValue, Referrer, UserRef
from unihire.integrations.greenhouse.harvest_v1.values import fold_name
from unihire.kit.text import normalise_text

GREATEST_ID = 2**63 - 1
YES = {"true": True, "yes": True, "false": False, "no": False}


async def find_user_id(context: OperationContext, ref: UserRef | None, place: str) -> int | None:
    """The user's id; by address in one call."""
    if ref is None or ref.id is not None:
        return ref.id if ref is not None else None
    return await _find_by_email(context, ref.email, f"{place}/email") if ref.email else None


async def find_referrer_id(context: OperationContext, referrer: Referrer | None, place: str) -> int | None:
    """The id v3 has for who is credited, who was a user in v1; in one call, two by address, all referrers by name."""
    if referrer is None or referrer.type2 is None:
        return None
    place = f"{place}/value"
    if referrer.type2 == "outside":
        rows = await context.all("referrers")
        name = str(referrer.value)
        found = [row for row in rows if row.find_value("user_id") is None and _has_text(row, "name", name)]
    else:
        is_email = referrer.type2 == "email"
        user = await _find_by_email(context, str(referrer.value), place) if is_email else int(str(referrer.value))
        found = await context.find("referrers", "user_id", [user])
    if not found:
        raise ReferenceMissing(f"{place}: the vendor has no such referrer, and Harvest v3 cannot make one")
    return min(row.get_number("id") for row in found)


async def _find_by_email(context: OperationContext, email: str, place: str) -> int:
    rows = await context.all("user_emails", {"email": email})
    if not rows:
        raise ReferenceMissing(f"{place}: no user has this address")
    return rows[0].get_number("user_id")


async def check_there(context: OperationContext, stream: str, places: Mapping[str, int]) -> None:
    """Check that the vendor has the rows of these ids, by their place in the input; one call for fifty."""
    there = set(list_ids(await context.find(stream, "id", places.values())))
    for place, id in places.items():
        if id not in there:
            raise ReferenceMissing(f"{place}: the vendor has no such row in {stream}")


class WrittenValues(NamedTuple):
    """Values of custom fields as v3 takes them, and the keys of the fields by their ids."""

    values: list[Data]
    keys: dict[int, str]


async def write_custom_values(context: OperationContext, values: Sequence[CustomValue], place: str) -> WrittenValues:
    """The values as v3 takes them, in one call. A key of digits is an id; else it is a key, else a name."""
    given = [(number, one) for number, one in enumerate(values) if one.key not in (None, "")]
    if not given:
        return WrittenValues([], {})
    fields = await context.all("custom_fields", {"field_type": "candidate"})
    written = WrittenValues([], {})
    for number, one in given:
        field = _choose_field(fields, str(one.key))
        if field is None:
            raise ReferenceMissing(f"{place}/{number}/key: candidates have no such custom field")
        value = fit_value(one.value, field.find_text("value_type"))
        id = field.get_number("id")
        written.values.append({"custom_field_id": id, "value": value})
        written.keys[id] = field.find_text("name_key") or ""
    return written


def _choose_field(fields: Sequence[VendorRow], key: str) -> VendorRow | None:
    """The field meant; of several with one name the active one."""
    if key.isdecimal():
        return next((row for row in fields if row.find_number("id") == int(key)), None)
    by_key = [row for row in fields if _has_text(row, "name_key", key)]
    by_name = [row for row in fields if _has_text(row, "name", key)]
    by_folded_name = [row for row in fields if _has_text(row, "name", key, fold=fold_name)]
    found = by_key or by_name or by_folded_name
    return next((row for row in found if row.find_flag("active")), found[0] if found else None)


def _has_text(row: VendorRow, member: str, asked: str, *, fold: Callable[[str], str] = str) -> bool:
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
