"""Operations that read what a company sets up, in the shapes of Harvest v1."""

from collections.abc import Callable
from typing import Annotated, Any, Literal, get_args

from msgspec import Meta

from unihire.errors import VendorChanged
from unihire.integration.operate import (
    Choice,
    Choices,
    Input,
    Nothing,
    Operation,
    OperationContext,
    Output,
    SearchText,
    choose_from,
    describe_type,
)
from unihire.integration.vendor_row import VendorRow, group_by, list_ids
from unihire.integrations.greenhouse.harvest_v1.operations import lists
from unihire.integrations.greenhouse.harvest_v1.shapes.company import (
    CustomField,
    Department,
    DepartmentTree,
    Source,
    in_order,
    is_active,
    shape_custom_fields,
    to_source,
)

ATTACHMENT_TYPES = {
    "PDF": "application/pdf",
    "Word Document": "application/msword",
    "Image (JPEG)": "image/jpeg",
    "Image (PNG)": "image/png",
    "Plain Text": "text/plain",
}

RenderAs = Annotated[
    Literal["list", "tree"] | None, Meta(title="Render as", description="One after another, or each below its parent.")
]
ExternalId = Annotated[SearchText | None, Meta(title="External ID", description="The id another system gave it.")]

DEEPEST_TREE = 100
"""Levels of a tree: its answer is as deep."""

CHILDREN = Meta(extra_json_schema={"items": {"type": "object", "description": "The same again."}})


class DepartmentNode(Output):
    id: int
    name: str
    children: Annotated[list[Any], CHILDREN]
    external_id: str | None


class ListedOffice(Output):
    id: int
    name: str
    location: str | None
    primary_contact_id: int | None
    parent_id: int | None


class OfficeNode(ListedOffice):
    children: Annotated[list[Any], CHILDREN]


def either(*shapes: type[Output]) -> Meta:
    """The schema of a list whose items all have one of these shapes."""
    return Meta(extra_json_schema={"items": {"anyOf": [describe_type(shape) for shape in shapes]}})


class ListDepartments(Input):
    render_as: RenderAs = None
    external_id: ExternalId = None
    results_per_page: lists.PageSize = lists.DEFAULT_PAGE
    page: lists.PageNumber = 1


class Departments(Output):
    results: Annotated[list[Any], either(Department, DepartmentNode)]


async def list_departments(context: OperationContext, input: ListDepartments) -> Departments:
    """A page of departments, or of those on top with all below them.

    All are read: only the other departments name a department as their parent.
    """
    rows = await context.all("departments")
    asked = lists.filter_rows(rows, lists.equals("external_id", input.external_id))
    if input.render_as == "tree":
        found: list[Any] = _to_trees(rows, _find_roots(rows, asked), _to_department_node)
    else:
        departments = DepartmentTree(rows)
        found = [departments.show(row) for row in asked]
    return Departments(results=lists.cut(found, page=input.page, size=input.results_per_page))


class ListOffices(Input):
    render_as: RenderAs = None
    external_id: ExternalId = None
    results_per_page: lists.PageSize = lists.DEFAULT_PAGE
    page: lists.PageNumber = 1


class PageOf(Output):
    """`total` counts all rows there are, on every page."""

    total: int
    page: int
    per_page: int


class Offices(Output):
    offices: Annotated[list[Any], either(ListedOffice, OfficeNode)]
    meta: PageOf


async def list_offices(context: OperationContext, input: ListOffices) -> Offices:
    """A page of offices, or of those on top with all below them. All are read, to count them."""
    rows = await context.all("offices")
    asked = lists.filter_rows(rows, lists.equals("external_id", input.external_id))
    if input.render_as == "tree":
        found: list[Any] = _to_trees(rows, _find_roots(rows, asked), _to_office_node)
    else:
        found = [ListedOffice(**_read_office(row)) for row in asked]
    page, size = input.page or 1, input.results_per_page or lists.DEFAULT_PAGE
    return Offices(
        offices=lists.cut(found, page=page, size=size), meta=PageOf(total=len(found), page=page, per_page=size)
    )


def _read_office(row: VendorRow) -> dict[str, Any]:
    return {
        "id": row.get_number("id"),
        "name": row.get_text("name"),
        "location": row.find_text("location"),
        "primary_contact_id": row.find_number("primary_in_house_contact_user_id"),
        "parent_id": row.find_number("parent_id"),
    }


def _to_department_node(row: VendorRow, children: list[Any]) -> DepartmentNode:
    id, name = row.get_number("id"), row.get_text("name")
    return DepartmentNode(id=id, name=name, children=children, external_id=row.find_text("external_id"))


def _to_office_node(row: VendorRow, children: list[Any]) -> OfficeNode:
    return OfficeNode(**_read_office(row), children=children)


def _find_roots(rows: list[VendorRow], asked: list[VendorRow]) -> list[VendorRow]:
    """What a tree begins with: the rows asked for by external id, or else those without a parent among the rows."""
    if len(asked) < len(rows):
        return asked
    ids = set(list_ids(rows))
    return [row for row in rows if row.find_number("parent_id") not in ids]


def _to_trees(
    rows: list[VendorRow], roots: list[VendorRow], to_node: Callable[[VendorRow, list[Any]], Output]
) -> list[Any]:
    below = group_by(rows, "parent_id")

    def grow(row: VendorRow, above: tuple[int, ...] = ()) -> Output:
        id = row.get_number("id")
        if id in above or len(above) == DEEPEST_TREE:
            raise VendorChanged(f"{row.name}: it is below itself, or below more than {DEEPEST_TREE} others")
        return to_node(row, [grow(child, (*above, id)) for child in below.get(id, ())])

    return [grow(root) for root in roots]


class ListSources(Input):
    per_page: lists.PageSize = lists.DEFAULT_PAGE
    page: lists.PageNumber = 1


class Sources(Output):
    results: list[Source]


async def list_sources(context: OperationContext, input: ListSources) -> Sources:
    """A page of sources, those of one strategy together; all are read for that."""
    rows = sorted(await context.all("sources"), key=_rank_source)
    return Sources(results=[to_source(row) for row in lists.cut(rows, page=input.page, size=input.per_page)])


def _rank_source(row: VendorRow) -> int:
    kind = row.find_part("type")
    return (kind and kind.find_number("id")) or 0


FieldType = Literal[
    "job", "candidate", "application", "offer", "opening", "rejection_question", "referral_question", "user_attribute"
]
_FIELD_TYPES = get_args(FieldType)


class ListCustomFields(Input):
    field_type: Annotated[
        FieldType | None,
        Meta(title="Field type", description="What the fields are on; without one, fields of all types."),
    ] = None
    include_inactive: Annotated[
        bool | None, Meta(title="Include inactive", description="Whether to give fields no longer in use as well.")
    ] = None


class CustomFields(Output):
    results: list[CustomField]


async def list_custom_fields(context: OperationContext, input: ListCustomFields) -> CustomFields:
    """The fields of one type, or of all, type after type; inside a type as they are ordered by hand.

    A school, a degree and a discipline are no custom fields in Harvest v1, whose lists of their own they have.
    """
    rows = await context.all("custom_fields", {"field_type": input.field_type} if input.field_type else {})
    shown = [
        row for row in rows if row.find_text("field_type") != "standard" and (input.include_inactive or is_active(row))
    ]
    return CustomFields(results=sorted(await shape_custom_fields(context, shown), key=_rank_type))


def _rank_type(field: CustomField) -> int:
    """A type that Harvest v1 had not comes last."""
    return _FIELD_TYPES.index(field.field_type) if field.field_type in _FIELD_TYPES else len(_FIELD_TYPES)


async def list_attachment_content_types_ddl(context: OperationContext, input: Nothing) -> Choices:
    return Choices(result=[Choice(text=text, value=value) for text, value in ATTACHMENT_TYPES.items()])


async def list_job_custom_fields_ddl(context: OperationContext, input: Nothing) -> Choices:
    return lists.choose(in_order(await context.all("custom_fields", {"field_type": "job"})))


class ListJobCustomFieldOptionsDdl(Input):
    custom_field: Annotated[
        int,
        Meta(
            title="Custom field",
            description="The custom field's id.",
            extra_json_schema=choose_from("list_job_custom_fields_ddl"),
        ),
    ]


async def list_job_custom_field_options_ddl(context: OperationContext, input: ListJobCustomFieldOptionsDdl) -> Choices:
    return lists.choose(
        in_order(await lists.find_by_id(context, "custom_field_options", "custom_field_id", input.custom_field))
    )


async def list_sources_ddl(context: OperationContext, input: Nothing) -> Choices:
    return lists.choose(reversed(await context.all("sources")))


OPERATIONS = (
    Operation(
        name="list_custom_fields",
        title="List custom fields",
        description="Retrieve a list of custom fields, of one type or of all.",
        input=ListCustomFields,
        output=CustomFields,
        run=list_custom_fields,
        calls=(
            "1 for 500 fields, and for 50 fields up to 5: their options, offices and departments, all departments, "
            "all offices"
        ),
    ),
    Operation(
        name="list_departments",
        title="List departments",
        description="List all of an organization's departments.",
        input=ListDepartments,
        output=Departments,
        run=list_departments,
        calls="1 for 500 departments there are",
    ),
    Operation(
        name="list_offices",
        title="List offices",
        description="List all of an organization's offices.",
        input=ListOffices,
        output=Offices,
        run=list_offices,
        calls="1 for 500 offices there are",
    ),
    Operation(
        name="list_sources",
        title="List sources",
        description="Lists an organization's sources, grouped by strategy.",
        input=ListSources,
        output=Sources,
        run=list_sources,
        calls="1 for 500 sources there are",
    ),
    Operation(
        name="list_attachment_content_types_ddl",
        title="List attachment content types DDL",
        description="The content types of attachments.",
        kind="ddl",
        input=Nothing,
        output=Choices,
        run=list_attachment_content_types_ddl,
        calls="none",
    ),
    Operation(
        name="list_job_custom_field_options_ddl",
        title="List job custom field options DDL",
        description="The options of one custom field on jobs, by name.",
        kind="ddl",
        input=ListJobCustomFieldOptionsDdl,
        output=Choices,
        run=list_job_custom_field_options_ddl,
        calls="1 for 500 options",
    ),
    Operation(
        name="list_job_custom_fields_ddl",
        title="List job custom fields DDL",
        description="The custom fields on jobs, by name.",
        kind="ddl",
        input=Nothing,
        output=Choices,
        run=list_job_custom_fields_ddl,
        calls="1 for 500 fields",
    ),
    Operation(
        name="list_sources_ddl",
        title="List sources DDL",
        description="All sources, by name.",
        kind="ddl",
        input=Nothing,
        output=Choices,
        run=list_sources_ddl,
        calls="1 for 500 sources",
    ),
)
