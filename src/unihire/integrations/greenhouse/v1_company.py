"""What a company sets up, in the shapes of Harvest v1: departments, offices, sources, users, custom fields.

Shapes and their members are those of v1's documents; `keyed_custom_fields` and the like are told in `v1_values`.
"""

import asyncio
from collections.abc import Iterable
from typing import Any

from msgspec import UNSET, UnsetType

from unihire.integration.declare import Data
from unihire.integration.operate import Desk, Output
from unihire.integrations.greenhouse.v1_values import (
    KeyedField,
    by_id,
    group_by,
    to_custom_fields,
    to_keyed_fields,
    to_moment,
    to_user_name,
)

SELECTS = ("single_select", "multi_select")
"""The kinds of custom fields that have options."""


class Department(Output):
    id: int
    name: str
    parent_id: int | None
    parent_department_external_id: str | None
    child_ids: list[int]
    child_department_external_ids: list[str]
    external_id: str | None


class Place(Output):
    name: str | None


class Office(Output):
    id: int
    name: str
    location: Place
    primary_contact_user_id: int | None
    parent_id: int | None
    parent_office_external_id: str | None
    child_ids: list[int]
    child_office_external_ids: list[str]
    external_id: str | None


class SourceType(Output):
    id: int
    name: str


class Source(Output):
    id: int
    name: str
    type: SourceType | None


class User(Output):
    """A user; the custom fields are there where they were asked for."""

    id: int
    name: str | None
    first_name: str | None
    last_name: str | None
    primary_email_address: str | None
    updated_at: str | None
    created_at: str | None
    disabled: bool
    site_admin: bool
    emails: list[str]
    employee_id: str | None
    linked_candidate_ids: list[int]
    offices: list[Office]
    departments: list[Department]
    custom_fields: dict[str, Any] | UnsetType = UNSET
    keyed_custom_fields: dict[str, KeyedField] | UnsetType = UNSET


class CustomFieldOption(Output):
    id: int
    name: str
    priority: int | None
    external_id: str | None


class CustomField(Output):
    id: int
    name: str
    active: bool
    field_type: str
    priority: int | None
    value_type: str
    private: bool
    required: bool
    require_approval: bool
    trigger_new_version: bool
    name_key: str
    description: str | None
    expose_in_job_board_api: bool
    api_only: bool | None
    offices: list[Office]
    departments: list[Department]
    template_token_string: str | None
    custom_field_options: list[CustomFieldOption]


def to_departments(rows: Iterable[Data]) -> dict[int, Department]:
    """All departments by id, from all rows: a row tells its parent, not its children."""
    tree = _Tree(rows)
    return {
        id: Department(
            id=id,
            name=row["name"],
            parent_id=row.get("parent_id"),
            parent_department_external_id=tree.find_parent_external_id(row),
            child_ids=[child["id"] for child in tree.list_children(id)],
            child_department_external_ids=tree.list_child_external_ids(id),
            external_id=row.get("external_id"),
        )
        for id, row in tree.rows.items()
    }


def to_offices(rows: Iterable[Data]) -> dict[int, Office]:
    """All offices by id, from all rows."""
    tree = _Tree(rows)
    return {
        id: Office(
            id=id,
            name=row["name"],
            location=Place(name=row.get("location")),
            primary_contact_user_id=row.get("primary_in_house_contact_user_id"),
            parent_id=row.get("parent_id"),
            parent_office_external_id=tree.find_parent_external_id(row),
            child_ids=[child["id"] for child in tree.list_children(id)],
            child_office_external_ids=tree.list_child_external_ids(id),
            external_id=row.get("external_id"),
        )
        for id, row in tree.rows.items()
    }


class _Tree:
    """Rows that name their parents."""

    def __init__(self, rows: Iterable[Data]) -> None:
        self.rows = by_id(rows)
        self._children = group_by((row for row in self.rows.values() if row.get("parent_id")), "parent_id")

    def list_children(self, id: int) -> list[Data]:
        return self._children.get(id, [])

    def list_child_external_ids(self, id: int) -> list[str]:
        return [child["external_id"] for child in self.list_children(id) if child.get("external_id")]

    def find_parent_external_id(self, row: Data) -> str | None:
        parent = self.rows.get(row.get("parent_id") or 0)
        return parent.get("external_id") if parent else None


async def read_departments(desk: Desk, ids: Iterable[int | None]) -> dict[int, Department]:
    """All departments by id; none where none of these ids is one, and nothing is asked then."""
    return to_departments(await desk.all("departments")) if any(ids) else {}


async def read_offices(desk: Desk, ids: Iterable[int | None]) -> dict[int, Office]:
    """All offices by id; none where none of these ids is one, and nothing is asked then."""
    return to_offices(await desk.all("offices")) if any(ids) else {}


def to_source(row: Data) -> Source:
    kind = row.get("type")
    return Source(id=row["id"], name=row["name"], type=SourceType(id=kind["id"], name=kind["name"]) if kind else None)


async def shape_users(desk: Desk, rows: list[Data], *, with_custom_fields: bool) -> list[User]:
    """Users with their offices and departments: 2 calls besides, whatever their number."""
    departments, offices = await asyncio.gather(
        read_departments(desk, (id for row in rows for id in row.get("department_ids") or ())),
        read_offices(desk, (id for row in rows for id in row.get("office_ids") or ())),
    )
    return [
        User(
            id=row["id"],
            name=to_user_name(row),
            first_name=row.get("first_name"),
            last_name=row.get("last_name"),
            primary_email_address=row.get("primary_email"),
            updated_at=to_moment(row.get("updated_at")),
            created_at=to_moment(row.get("created_at")),
            disabled=row["deactivated"],
            site_admin=row["site_admin"],
            emails=_list_addresses(row),
            employee_id=row.get("employee_id"),
            linked_candidate_ids=row.get("linked_candidate_ids") or [],
            offices=[offices[id] for id in row.get("office_ids") or () if id in offices],
            departments=[departments[id] for id in row.get("department_ids") or () if id in departments],
            custom_fields=to_custom_fields(row) if with_custom_fields else UNSET,
            keyed_custom_fields=to_keyed_fields(row) if with_custom_fields else UNSET,
        )
        for row in rows
    ]


def _list_addresses(row: Data) -> list[str]:
    """All addresses of a user; `emails` of v3 may be null, the first one is told apart then."""
    addresses: list[str] = row.get("emails") or []
    primary = row.get("primary_email")
    return addresses if addresses or not primary else [primary]


async def shape_custom_fields(desk: Desk, rows: list[Data]) -> list[CustomField]:
    """Custom fields in their order, with their active options, and the offices and departments they are limited to."""
    ids = [row["id"] for row in rows]
    options, office_links, department_links = await asyncio.gather(
        desk.find(
            "custom_field_options", "custom_field_id", [row["id"] for row in rows if row["value_type"] in SELECTS]
        ),
        desk.find("custom_field_offices", "custom_field_id", ids),
        desk.find("custom_field_departments", "custom_field_id", ids),
    )
    departments, offices = await asyncio.gather(
        read_departments(desk, (link["department_id"] for link in department_links)),
        read_offices(desk, (link["office_id"] for link in office_links)),
    )
    options_of = group_by(options, "custom_field_id")
    offices_of = group_by(office_links, "custom_field_id")
    departments_of = group_by(department_links, "custom_field_id")
    return [
        CustomField(
            id=row["id"],
            name=row["name"],
            active=is_active(row),
            field_type=row["field_type"],
            priority=row.get("sort_order"),
            value_type=row["value_type"],
            private=row["private"],
            required=row["required"],
            require_approval=row["require_approval"],
            trigger_new_version=row["trigger_new_version"],
            name_key=row["name_key"],
            description=row.get("description"),
            expose_in_job_board_api=row["expose_in_job_board_api"],
            api_only=row.get("api_only"),
            offices=[
                offices[each["office_id"]] for each in offices_of.get(row["id"], ()) if each["office_id"] in offices
            ],
            departments=[
                departments[each["department_id"]]
                for each in departments_of.get(row["id"], ())
                if each["department_id"] in departments
            ],
            template_token_string=row.get("template_token_string"),
            custom_field_options=[to_option(option) for option in in_order(options_of.get(row["id"], ()))],
        )
        for row in sorted(rows, key=_rank)
    ]


def to_option(row: Data) -> CustomFieldOption:
    return CustomFieldOption(
        id=row["id"], name=row["name"], priority=row.get("sort_order"), external_id=row.get("external_id")
    )


def in_order(rows: Iterable[Data]) -> list[Data]:
    """The rows that are not switched off, as they are ordered by hand."""
    return sorted(filter(is_active, rows), key=_rank)


def is_active(row: Data) -> bool:
    """Whether something is in use; where v3 says neither, it is."""
    return row.get("active") is not False


def _rank(row: Data) -> tuple[int, int]:
    return (row.get("sort_order") or 0, row["id"])
