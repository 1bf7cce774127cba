"""What a company sets up, in the shapes of Harvest v1: departments, offices, sources, users, custom fields.

Shapes and their members are those of v1's documents; `keyed_custom_fields` and the like are described in `values`.
"""

import asyncio
from collections.abc import Iterable
from typing import Any

from msgspec import UNSET, UnsetType

from unihire.integration.operate import OperationContext, Output
from unihire.integration.vendor_row import VendorRow, by_id, group_by, list_ids
from unihire.integrations.greenhouse.harvest_v1.values import (
    KeyedField,
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


class _Tree:
    """All rows of a list whose rows name their parents: a row names its parent, not its children."""

    def __init__(self, rows: Iterable[VendorRow]) -> None:
        self.rows = by_id(rows)
        self._children = group_by(self.rows.values(), "parent_id")

    def list_child_ids(self, id: int) -> list[int]:
        return list_ids(self._children.get(id, ()))

    def list_child_external_ids(self, id: int) -> list[str]:
        found = (child.find_text("external_id") for child in self._children.get(id, ()))
        return [external_id for external_id in found if external_id]

    def find_parent_external_id(self, row: VendorRow) -> str | None:
        parent = self.rows.get(row.find_number("parent_id") or 0)
        return parent.find_text("external_id") if parent else None


class DepartmentTree(_Tree):
    """All departments, shown one by one."""

    def find(self, id: int | None) -> Department | None:
        """None for no id, and for one there is not."""
        row = self.rows.get(id) if id is not None else None
        return None if row is None else self.show(row)

    def list(self, ids: Iterable[int]) -> list[Department]:
        """Those there are."""
        return [self.show(self.rows[id]) for id in ids if id in self.rows]

    def show(self, row: VendorRow) -> Department:
        id = row.get_number("id")
        return Department(
            id=id,
            name=row.get_text("name"),
            parent_id=row.find_number("parent_id"),
            parent_department_external_id=self.find_parent_external_id(row),
            child_ids=self.list_child_ids(id),
            child_department_external_ids=self.list_child_external_ids(id),
            external_id=row.find_text("external_id"),
        )


class OfficeTree(_Tree):
    """All offices, shown one by one."""

    def find(self, id: int | None) -> Office | None:
        """None for no id, and for one there is not."""
        row = self.rows.get(id) if id is not None else None
        return None if row is None else self.show(row)

    def list(self, ids: Iterable[int]) -> list[Office]:
        """Those there are."""
        return [self.show(self.rows[id]) for id in ids if id in self.rows]

    def show(self, row: VendorRow) -> Office:
        id = row.get_number("id")
        return Office(
            id=id,
            name=row.get_text("name"),
            location=Place(name=row.find_text("location")),
            primary_contact_user_id=row.find_number("primary_in_house_contact_user_id"),
            parent_id=row.find_number("parent_id"),
            parent_office_external_id=self.find_parent_external_id(row),
            child_ids=self.list_child_ids(id),
            child_office_external_ids=self.list_child_external_ids(id),
            external_id=row.find_text("external_id"),
        )


async def read_departments(context: OperationContext, ids: Iterable[int]) -> DepartmentTree:
    """All departments; none where none of these ids is one, and nothing is asked then."""
    return DepartmentTree(await context.all("departments") if any(ids) else ())


async def read_offices(context: OperationContext, ids: Iterable[int]) -> OfficeTree:
    """All offices; none where none of these ids is one, and nothing is asked then."""
    return OfficeTree(await context.all("offices") if any(ids) else ())


def to_source(row: VendorRow) -> Source:
    kind = row.find_part("type")
    shown = None if kind is None else SourceType(id=kind.get_number("id"), name=kind.get_text("name"))
    return Source(id=row.get_number("id"), name=row.get_text("name"), type=shown)


async def shape_users(context: OperationContext, rows: list[VendorRow], *, with_custom_fields: bool) -> list[User]:
    """Users with their offices and departments: 2 calls besides, whatever their number."""
    departments, offices = await asyncio.gather(
        read_departments(context, (id for row in rows for id in row.list_numbers("department_ids"))),
        read_offices(context, (id for row in rows for id in row.list_numbers("office_ids"))),
    )
    return [
        User(
            id=row.get_number("id"),
            name=to_user_name(row),
            first_name=row.find_text("first_name"),
            last_name=row.find_text("last_name"),
            primary_email_address=row.find_text("primary_email"),
            updated_at=to_moment(row.find_moment("updated_at")),
            created_at=to_moment(row.find_moment("created_at")),
            disabled=row.get_flag("deactivated"),
            site_admin=row.get_flag("site_admin"),
            emails=_list_addresses(row),
            employee_id=row.find_text("employee_id"),
            linked_candidate_ids=row.list_numbers("linked_candidate_ids"),
            offices=offices.list(row.list_numbers("office_ids")),
            departments=departments.list(row.list_numbers("department_ids")),
            custom_fields=to_custom_fields(row) if with_custom_fields else UNSET,
            keyed_custom_fields=to_keyed_fields(row) if with_custom_fields else UNSET,
        )
        for row in rows
    ]


def _list_addresses(row: VendorRow) -> list[str]:
    """All addresses of a user; `emails` of v3 may be null, the first one is apart then."""
    addresses, primary = row.list_texts("emails"), row.find_text("primary_email")
    return addresses if addresses or not primary else [primary]


async def shape_custom_fields(context: OperationContext, rows: list[VendorRow]) -> list[CustomField]:
    """Custom fields in their order, with their active options, and the offices and departments they are limited to."""
    ids = list_ids(rows)
    selects = [row for row in rows if row.find_text("value_type") in SELECTS]
    options, office_links, department_links = await asyncio.gather(
        context.find("custom_field_options", "custom_field_id", list_ids(selects)),
        context.find("custom_field_offices", "custom_field_id", ids),
        context.find("custom_field_departments", "custom_field_id", ids),
    )
    departments, offices = await asyncio.gather(
        read_departments(context, list_ids(department_links, "department_id")),
        read_offices(context, list_ids(office_links, "office_id")),
    )
    options_of = group_by(options, "custom_field_id")
    offices_of = group_by(office_links, "custom_field_id")
    departments_of = group_by(department_links, "custom_field_id")

    def show(row: VendorRow) -> CustomField:
        id = row.get_number("id")
        return CustomField(
            id=id,
            name=row.get_text("name"),
            active=is_active(row),
            field_type=row.get_text("field_type"),
            priority=row.find_number("sort_order"),
            value_type=row.get_text("value_type"),
            private=row.get_flag("private"),
            required=row.get_flag("required"),
            require_approval=row.get_flag("require_approval"),
            trigger_new_version=row.get_flag("trigger_new_version"),
            name_key=row.get_text("name_key"),
            description=row.find_text("description"),
            expose_in_job_board_api=row.get_flag("expose_in_job_board_api"),
            api_only=row.find_flag("api_only"),
            offices=offices.list(list_ids(offices_of.get(id, ()), "office_id")),
            departments=departments.list(list_ids(departments_of.get(id, ()), "department_id")),
            template_token_string=row.find_text("template_token_string"),
            custom_field_options=[to_option(option) for option in in_order(options_of.get(id, ()))],
        )

    return [show(row) for row in sorted(rows, key=_rank)]


def to_option(row: VendorRow) -> CustomFieldOption:
    return CustomFieldOption(
        id=row.get_number("id"),
        name=row.get_text("name"),
        priority=row.find_number("sort_order"),
        external_id=row.find_text("external_id"),
    )


def in_order(rows: Iterable[VendorRow]) -> list[VendorRow]:
    """The rows that are not switched off, as they are ordered by hand."""
    return sorted(filter(is_active, rows), key=_rank)


def is_active(row: VendorRow) -> bool:
    """Whether something is in use; where v3 says neither, it is."""
    return row.find_flag("active") is not False


def _rank(row: VendorRow) -> tuple[int, int]:
    return (row.find_number("sort_order") or 0, row.find_number("id") or 0)
