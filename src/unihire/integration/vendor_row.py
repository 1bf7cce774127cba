"""Rows of a vendor, read member by member, for the shapes that operations give.

A vendor's documents say of which type a member is, and its answers may be otherwise. The one rule for all: `find_…`
gives a value of the type it names, or None where the member is missing, null or of another type; `get_…` and `list_…`,
for what a shape cannot do without, raise VendorChanged that names the row and the member. Nothing is ever made up.
"""

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any

from unihire.errors import VendorChanged, shorten
from unihire.integration.declare import Data
from unihire.kit.clock import read_moment

_KINDS: Mapping[type, str] = {
    bool: "a boolean", int: "a number", float: "a number", str: "a text", list: "a list", dict: "an object",
}  # fmt: skip

_LEFT_OUT = object()


class RowPart:
    """An object in a row; `name` says in errors whose it is: `offers 17: custom_fields.level`."""

    __slots__ = ("_name", "data")

    def __init__(self, data: Data, name: str) -> None:
        self.data = data
        self._name = name

    @property
    def name(self) -> str:
        return self._name

    def find_value(self, member: str) -> Any:
        """The member as it is, of any type."""
        return self.data.get(member)

    def find_text(self, member: str) -> str | None:
        value = self.data.get(member)
        return value if isinstance(value, str) else None

    def find_number(self, member: str) -> int | None:
        """A whole number."""
        return _to_number(self.data.get(member))

    def find_flag(self, member: str) -> bool | None:
        value = self.data.get(member)
        return value if isinstance(value, bool) else None

    def find_moment(self, member: str) -> datetime | None:
        """A moment however it is written, or None where it cannot be read."""
        value = self.data.get(member)
        try:
            return read_moment(value) if isinstance(value, str) and value else None
        except ValueError:
            return None

    def find_day(self, member: str) -> date | None:
        value = self.data.get(member)
        try:
            return date.fromisoformat(value) if isinstance(value, str) and value else None
        except ValueError:
            return None

    def find_part(self, member: str) -> "RowPart | None":
        value = self.data.get(member)
        return self._part(value, member) if isinstance(value, dict) else None

    def get_text(self, member: str) -> str:
        value = self.data.get(member)
        if isinstance(value, str):
            return value
        raise self._refuse(member, "a text")

    def get_number(self, member: str) -> int:
        number = _to_number(self.data.get(member))
        if number is not None:
            return number
        raise self._refuse(member, "a whole number")

    def get_flag(self, member: str, *, null: bool | None = None) -> bool:
        """`null` is what a null means, where the vendor documents one."""
        value = self.data.get(member, _LEFT_OUT)
        if isinstance(value, bool):
            return value
        if value is None and null is not None:
            return null
        raise self._refuse(member, "true or false")

    def list_texts(self, member: str) -> list[str]:
        """The texts of a list, without nulls; none where it is missing or null."""
        found = self._list(member)
        self._check(member, all(isinstance(each, str) for each in found), "texts")
        return found

    def list_numbers(self, member: str) -> list[int]:
        found = [number for each in self._list(member) if (number := _to_number(each)) is not None]
        self._check(member, len(found) == len(self._list(member)), "whole numbers")
        return found

    def list_parts(self, member: str) -> "list[RowPart]":
        found = self._list(member)
        self._check(member, all(isinstance(each, dict) for each in found), "objects")
        return [self._part(each, member) for each in found]

    def map_parts(self, member: str) -> "dict[str, RowPart | None]":
        """The objects under each name of an object; None for what is none. None at all where it is missing or null."""
        value = self.data.get(member)
        if value is None:
            return {}
        if not isinstance(value, dict):
            raise self._refuse(member, "an object")
        return {
            name: self._part(each, f"{member}.{name}") if isinstance(each, dict) else None
            for name, each in value.items()
        }

    def _part(self, value: Data, member: str) -> "RowPart":
        return RowPart(value, f"{self.name}{'.' if type(self) is RowPart else ': '}{member}")

    def _list(self, member: str) -> list[Any]:
        value = self.data.get(member)
        if value is None:
            return []
        if not isinstance(value, list):
            raise self._refuse(member, "a list")
        return [each for each in value if each is not None]

    def _check(self, member: str, is_good: bool, wanted: str) -> None:
        if not is_good:
            raise VendorChanged(f"{self.name}: `{member}` has something else than {wanted}, which the answer needs")

    def _refuse(self, member: str, wanted: str) -> VendorChanged:
        value = self.data.get(member, _LEFT_OUT)
        found = "missing" if value is _LEFT_OUT else "null" if value is None else _KINDS.get(type(value), "odd")
        return VendorChanged(f"{self.name}: `{member}` is {found}, and the answer needs {wanted} there")


class VendorRow(RowPart):
    """One row of a stream."""

    __slots__ = ("stream",)

    def __init__(self, stream: str, data: Data) -> None:
        self.data = data
        self.stream = stream

    @property
    def name(self) -> str:
        id = self.data.get("id")
        return f"{self.stream} {shorten(str(id), 50)}" if isinstance(id, int | str) else f"{self.stream} without an id"


def _to_number(value: Any) -> int | None:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    return int(value) if isinstance(value, float) and value.is_integer() else None


def read_rows(stream: str, rows: Iterable[Data]) -> list[VendorRow]:
    return [VendorRow(stream, row) for row in rows]


def by_id(rows: Iterable[VendorRow]) -> dict[int, VendorRow]:
    """The rows that have a numeric id, by it."""
    return {id: row for row in rows if (id := row.find_number("id")) is not None}


def group_by(rows: Iterable[VendorRow], member: str) -> dict[int, list[VendorRow]]:
    """The rows under each numeric id in a member, in their order; without those that have none there."""
    groups: dict[int, list[VendorRow]] = {}
    for row in rows:
        if (id := row.find_number(member)) is not None:
            groups.setdefault(id, []).append(row)
    return groups


def list_ids(rows: Iterable[VendorRow], member: str = "id") -> list[int]:
    """The numeric ids the rows have in a member, in their order."""
    return [id for row in rows if (id := row.find_number(member)) is not None]
