"""Whether a row shows what was sent: every member that was sent, as far as the row shows it.

Vendors show values in forms of their own: other blanks and letter case, a phone number by its digits, the name of an
option that was sent by its id. What cannot be compared speaks neither for nor against.
"""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from unihire.integration.declare import Data
from unihire.integration.vendor_row import VendorRow
from unihire.kit.text import fold_text

PHONES = "phone_numbers"
CONTACTS = (PHONES, "addresses", "email_addresses", "website_addresses", "social_media_addresses")

SHORT = 200
"""Characters of a text that is remembered."""


def shows(row: VendorRow, body: Data, *members: str) -> bool:
    """Whether the row has what was sent for these members; one it does not have at all is passed over."""
    return all(agree(row.data[member], body.get(member)) for member in members if member in row.data)


def shows_person(row: VendorRow, body: Data, field_keys: Mapping[int, str]) -> bool:
    """Whether a candidate is as sent; `field_keys` are the keys of custom fields by their ids.

    What nobody sent, nobody has: but for tags and custom fields, which the vendor's own rules may set.
    """
    return (
        shows(row, body, "first_name", "last_name", "company", "title")
        and shows(row, body, *(name for name in ("private", "can_email") if name in body))
        and all(shows_contacts(row, body, member) for member in CONTACTS)
        and _show_tags(row, body.get("tags") or ())
        and shows_custom_values(row, body.get("custom_fields") or (), field_keys)
    )


def _show_tags(row: VendorRow, sent: Iterable[str]) -> bool:
    shown = row.find_value("tags")
    return not isinstance(shown, list) or {fold_tag(tag) for tag in shown} >= {fold_tag(tag) for tag in sent}


def fold_tag(name: Any) -> str:
    """The name of a tag as it compares."""
    return _fold(name)


def shows_contacts(row: VendorRow, body: Data, member: str) -> bool:
    """Whether the row has the numbers or addresses that were sent in a member, and no others."""
    shown = row.find_value(member)
    if not isinstance(shown, list):
        return True
    values = [
        sorted(fold_contact(member, _member(one, "value")) for one in each) for each in (shown, body.get(member) or [])
    ]
    return values[0] == values[1]


def fold_contact(member: str, value: Any) -> str:
    """A number or an address as it compares."""
    return _digits(value) if member == PHONES else _fold(value)


def shows_custom_values(row: VendorRow, sent: Iterable[Data], keys: Mapping[int, str]) -> bool:
    """Whether the row has the values of custom fields that were sent; `keys` are those of the fields by their ids."""
    fields = row.find_value("custom_fields")
    if not isinstance(fields, dict):
        return True
    for one in sent:
        field = fields.get(keys.get(one["custom_field_id"], ""))
        if isinstance(field, dict) and "value" in field and not agree(field["value"], one["value"]):
            return False
    return True


def agree(shown: Any, sent: Any) -> bool:
    """Whether a value that is shown can be the one that was sent."""
    if isinstance(shown, dict):  # a user, say, by name, address and id
        return any(agree(each, sent) for each in shown.values())
    if isinstance(shown, list) or isinstance(sent, list):
        have, asked = (value if isinstance(value, list) else [value] for value in (shown, sent))
        return len(have) == len(asked) and all(any(agree(one, each) for one in have) for each in asked)
    if isinstance(sent, int) and not isinstance(sent, bool) and isinstance(shown, str) and not _is_number(shown):
        return True  # an option or a user sent by id is shown by name
    return (type(shown) is type(sent) and shown == sent) or _fold(shown) == _fold(sent)


def _fold(value: Any) -> str:
    """A value as it compares; null and an empty text are one."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = str(value)
    return _fold_short(text) if len(text) <= SHORT else _fold_text(text)


def _fold_text(text: str) -> str:
    text = " ".join(fold_text(text).split())
    return {"true": "yes", "false": "no"}.get(text, text.removesuffix(".0") if _is_number(text) else text)


_fold_short = lru_cache(maxsize=1024)(_fold_text)
"""The same with a memory: of all rows of a list, what was sent is compared again and again."""


def _digits(value: Any) -> str:
    return "".join(sign for sign in str(value or "") if sign.isdigit())


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _member(value: Any, name: str) -> Any:
    return value.get(name) if isinstance(value, dict) else value
