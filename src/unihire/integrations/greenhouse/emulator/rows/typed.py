"""A stored row as the vendor's tables would store it: every column has its type, or what a new row has there.

Over the control plane people put anything into a row, and lists send it as it is. What the emulator itself makes of
rows — filters, writes, payloads — reads them through this, so that one odd member never breaks an answer.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from unihire.integration.emulate import Row


@dataclass
class Form:
    """What the values of one place look like, gathered from rows of the made-up company."""

    types: set[type] = field(default_factory=set)
    members: dict[str, "Form"] = field(default_factory=dict)
    """Of objects, by name."""
    entries: "Form | None" = None
    """Of lists."""

    def learn(self, value: Any) -> None:
        self.types.add(type(value))
        if isinstance(value, dict):
            for name, member in value.items():
                self.members.setdefault(name, Form()).learn(member)
        elif isinstance(value, list):
            for entry in value:
                if self.entries is None:
                    self.entries = Form()
                self.entries.learn(entry)

    @property
    def known(self) -> set[type]:
        return self.types - {type(None)}

    def fits(self, value: Any) -> bool:
        """Whether the value is of a type seen here; where none was seen, and for null, anything is."""
        return value is None or not self.known or type(value) in self.known

    def blank(self, *, is_column: bool) -> Any:
        """What a new row has here; within a column only lists are never null."""
        for type_ in (bool, list, dict) if is_column else (list,):
            if self.known == {type_}:
                return type_()
        return None

    def conform(self, value: Any, *, is_column: bool = False) -> Any:
        if value is None or not self.fits(value):
            return self.blank(is_column=is_column)
        if isinstance(value, list) and self.entries is not None:
            entries = self.entries
            return [entries.conform(entry) for entry in value if entry is not None and entries.fits(entry)]
        if isinstance(value, dict) and self.members:
            return self.conform_members(value)
        return value

    def conform_members(self, value: Row, *, is_row: bool = False) -> Row:
        """Members seen here are all there; one that was never seen must be like any that was."""
        types = set[type]().union(*(form.known for form in self.members.values()))
        names = self.members.keys() if self._is_record() else value.keys() & self.members.keys()
        found = {name: self.members[name].conform(value.get(name), is_column=is_row) for name in names}
        for name, member in value.items():
            if name not in self.members and (not types or type(member) in types):
                found[name] = member
        return found

    def _is_record(self) -> bool:
        """Whether these are the members of one thing, and no table by keys that people chose."""
        return any(form.known - {dict} for form in self.members.values())


# The documents name columns by their type (harvest_v3.json, v1_to_v3.general): for those that no sampled row fills.
_ENDINGS = {"_id": int, "_ids": list, "_at": str, "_on": str, "_date": str}


def learn_form(rows: Iterable[Row]) -> Form:
    form = Form()
    for row in rows:
        form.learn({name: value for name, value in row.items() if not name.startswith("_")})
    for name, member in form.members.items():
        if not member.known:
            member.types.update(type_ for ending, type_ in _ENDINGS.items() if name.endswith(ending))
    return form


def conform(form: Form, row: Row) -> Row:
    """The row with the emulator's own notes as they are."""
    notes = {name: value for name, value in row.items() if name.startswith("_")}
    plain = {name: value for name, value in row.items() if not name.startswith("_")}
    return {**form.conform_members(plain, is_row=True), **notes}
