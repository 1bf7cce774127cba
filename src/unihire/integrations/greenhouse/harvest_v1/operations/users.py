"""Operations that read users, in the shape of Harvest v1."""

from typing import Annotated

from msgspec import Meta

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
)
from unihire.integration.vendor_row import VendorRow, list_ids
from unihire.integrations.greenhouse.harvest_v1.operations import lists
from unihire.integrations.greenhouse.harvest_v1.shapes.company import User, shape_users
from unihire.integrations.greenhouse.harvest_v1.values import to_user_name

PEOPLE = {"show_service_accounts": "false"}
"""Users who are people: v1 knew no others, and v3 lists them alone unless asked."""


class GetUser(Input):
    user_id: Annotated[
        int, Meta(title="User", description="The user's id.", extra_json_schema=choose_from("list_users_ddl"))
    ]


class UserFound(Output):
    user_found: bool
    body: User | None


async def get_user(context: OperationContext, input: GetUser) -> UserFound:
    users = await shape_users(
        context, (await lists.find_by_id(context, "users", "id", input.user_id))[:1], with_custom_fields=True
    )
    return UserFound(user_found=bool(users), body=users[0] if users else None)


class ListUsers(Input):
    employee_id: Annotated[
        int | SearchText | None, Meta(title="Employee ID", description="The id the company gave the user.")
    ] = None
    created_before: lists.CreatedBefore = None
    created_after: lists.CreatedAfter = None
    updated_before: lists.UpdatedBefore = None
    updated_after: lists.UpdatedAfter = None
    email: Annotated[SearchText | None, Meta(title="Email", description="One of the user's addresses.")] = None
    user_attributes: Annotated[
        bool | None, Meta(title="User attributes", description="Whether to give the users' custom fields as well.")
    ] = None
    results_per_page: lists.PageSize = lists.DEFAULT_PAGE
    page: lists.PageNumber = 1


class Users(Output):
    results: list[User]


async def list_users(context: OperationContext, input: ListUsers) -> Users:
    """A page of users, newest first. By address or employee id, every user is found."""
    conditions = lists.within_times(input)
    conditions += lists.equals("employee_id", input.employee_id)
    if input.email is not None:
        emails = await context.all("user_emails", {"email": input.email})
        found = await context.find("users", "id", set(list_ids(emails, "user_id")))
    elif input.employee_id is not None:
        found = await context.find("users", "employee_id", [input.employee_id])
    else:
        rows = await lists.list_page(
            context, "users", conditions, page=input.page, size=input.results_per_page, also=PEOPLE
        )
        return Users(results=await shape_users(context, rows, with_custom_fields=bool(input.user_attributes)))
    rows = lists.cut(lists.filter_rows(found, conditions), page=input.page, size=input.results_per_page)
    return Users(results=await shape_users(context, rows, with_custom_fields=bool(input.user_attributes)))


async def list_users_ddl(context: OperationContext, input: Nothing) -> Choices:
    rows = await context.all("users", PEOPLE)
    return Choices(result=[_to_choice(row) for row in reversed(rows)])


def _to_choice(row: VendorRow) -> Choice:
    """A user by name; by id where they have none."""
    id = row.get_number("id")
    return Choice(text=to_user_name(row) or str(id), value=id)


OPERATIONS = (
    Operation(
        name="get_user",
        title="Get user",
        description="Retrieve a user by ID.",
        input=GetUser,
        output=UserFound,
        run=get_user,
        calls="1, and 2 for what belongs to it: all departments, all offices",
    ),
    Operation(
        name="list_users",
        title="List users",
        description="Retrieve a list of users, newest first. Can be filtered if required.",
        input=ListUsers,
        output=Users,
        run=list_users,
        calls=(
            "1, and 2 whatever their number: all departments, all offices; by email 1 more. By creation and update at "
            "once, pages of 500 users are read up to the one wanted"
        ),
    ),
    Operation(
        name="list_users_ddl",
        title="List users DDL",
        description="All users, by name.",
        kind="ddl",
        input=Nothing,
        output=Choices,
        run=list_users_ddl,
        calls="1 for 500 users",
    ),
)
