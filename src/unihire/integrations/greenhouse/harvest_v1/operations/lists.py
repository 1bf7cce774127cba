"""Pages of lists under the filters of Harvest v1: v3 gets those that it has, and the rows are checked for the rest.

Also the inputs that lists share.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Annotated, Protocol, TypeVar

from msgspec import Meta

from unihire.integration.declare import list_values
from unihire.integration.operate import Choice, Choices, OperationContext
from unihire.integration.vendor_row import VendorRow
from unihire.integrations.greenhouse.harvest_v1.filters import Window, choose_window, write_filters
from unihire.kit.text import normalise_text

T = TypeVar("T")

LONGEST_PAGE = 500
DEFAULT_PAGE = 100
LAST_PAGE = 10**9
GREATEST_ID = 2**63 - 1

Moment = Annotated[datetime, Meta(extra_json_schema={"format": "date-time"})]
CreatedBefore = Annotated[Moment | None, Meta(title="Created before", description="Created before this moment.")]
CreatedAfter = Annotated[Moment | None, Meta(title="Created after", description="Created at this moment or later.")]
UpdatedBefore = Annotated[Moment | None, Meta(title="Updated before", description="Last updated before this moment.")]
UpdatedAfter = Annotated[
    Moment | None, Meta(title="Updated after", description="Last updated at this moment or later.")
]

PageSize = Annotated[
    Annotated[int, Meta(ge=1, le=LONGEST_PAGE)] | None,
    Meta(title="Results per page", description=f"How many rows a page has, {LONGEST_PAGE} at most."),
]
PageNumber = Annotated[
    Annotated[int, Meta(ge=1, le=LAST_PAGE)] | None,
    Meta(title="Page", description="Which page to give; the first is 1."),
]


@dataclass(frozen=True, slots=True)
class Condition:
    """What a row must meet: a check of the row, and the filter of v3, where it has one.

    The filter may let more rows through than the condition (`is_exact` False); then the row is checked too.
    """

    accepts: Callable[[VendorRow], bool]
    filters: Mapping[str, str] = field(default_factory=dict)
    is_exact: bool = True


def equals(member: str, value: object, *, param: str | None = None) -> list[Condition]:
    """That a member has this value, of any type: `12` equals `" 12 "`. None accepts every row.

    `param` is the filter of v3; without it there is none.
    """
    if value is None:
        return []
    asked = normalise_text(str(value))

    def accepts(row: VendorRow) -> bool:
        return normalise_text(str(row.find_value(member))) == asked

    return [Condition(accepts, {param: str(value)} if param else {})]


def includes(member: str, value: object, *, param: str) -> list[Condition]:
    """That the list in a member has this value, in any type. None asks for nothing."""
    if value is None:
        return []

    def accepts(row: VendorRow) -> bool:
        return str(value) in list_values(row.data, member)

    return [Condition(accepts, {param: str(value)})]


def within(*, created: Window, updated: Window) -> list[Condition]:
    """That a row was created and updated then. v3 refuses both filters at once: it gets one, narrowed."""
    filters = choose_window(created, updated)

    def accepts(row: VendorRow) -> bool:
        return created.contains(row.find_moment("created_at")) and updated.contains(row.find_moment("updated_at"))

    if not filters:
        return []
    return [Condition(accepts, filters, is_exact=filters == write_filters(created_at=created, updated_at=updated))]


class HasTimes(Protocol):
    """An input with v1's four filters by time."""

    created_after: datetime | None
    created_before: datetime | None
    updated_after: datetime | None
    updated_before: datetime | None


def within_times(given: HasTimes) -> list[Condition]:
    """That a row was created and updated when the input says, from each `after` on and before each `before`."""
    return within(
        created=Window(given.created_after, given.created_before),
        updated=Window(given.updated_after, given.updated_before),
    )


def within_moments(member: str, window: Window) -> list[Condition]:
    """That the moment in a member is inside the window. The filter of v3 has the member's name."""
    filters = write_filters(**{member: window})
    return [Condition(lambda row: window.contains(row.find_moment(member)), filters)] if filters else []


def within_days(member: str, after: date | None, before: date | None) -> list[Condition]:
    """That the day in a member is one of these, first and last included."""
    if after is None and before is None:
        return []
    bounds = (("gte", after), ("lte", before))

    def accepts(row: VendorRow) -> bool:
        day = row.find_day(member)
        return day is not None and (after is None or day >= after) and (before is None or day <= before)

    return [Condition(accepts, {member: "|".join(f"{by}|{bound}" for by, bound in bounds if bound is not None)})]


async def list_page(
    context: OperationContext,
    stream: str,
    conditions: Iterable[Condition],
    *,
    page: int | None,
    size: int | None,
    also: Mapping[str, str] | None = None,
) -> list[VendorRow]:
    """A page of the rows that meet the conditions, newest first. `also` are further filters of v3.

    Where v3 has a filter for all of them, it pages. Where not, pages of 500 are read from the newest on until the
    requested one is full: whatever the page size, a row is on one page only.
    """
    number, size = page or 1, size or DEFAULT_PAGE
    filters: dict[str, str] = dict(also or {})
    seen: list[Condition] = []
    for condition in conditions:
        is_sent = bool(condition.filters) and condition.filters.keys().isdisjoint(filters)
        if is_sent:
            filters.update(condition.filters)
        if not (is_sent and condition.is_exact):
            seen.append(condition)
    if not seen:
        return await context.page(stream, number, size, filters)
    found: list[VendorRow] = []
    asked = 1
    while len(found) < number * size:
        rows = await context.page(stream, asked, LONGEST_PAGE, filters)
        found += filter_rows(rows, seen)
        if len(rows) < LONGEST_PAGE:
            break
        asked += 1
    return cut(found, page=number, size=size)


async def find_by_id(context: OperationContext, stream: str, member: str, id: int) -> list[VendorRow]:
    """The rows with this id in a member. v3 refuses numbers that can be no id; v1 had nothing there, and so have we."""
    return await context.find(stream, member, [id]) if 0 < id <= GREATEST_ID else []


def filter_rows(rows: Iterable[VendorRow], conditions: Iterable[Condition]) -> list[VendorRow]:
    """The rows that meet every condition."""
    given = list(conditions)
    return [row for row in rows if all(condition.accepts(row) for condition in given)]


def cut(rows: Sequence[T], *, page: int | None, size: int | None) -> list[T]:
    """A page of rows that are all at hand."""
    number, size = page or 1, size or DEFAULT_PAGE
    return list(rows[(number - 1) * size : number * size])


def choose(rows: Iterable[VendorRow]) -> Choices:
    """The rows as choices of a drop-down, by their names."""
    return Choices(result=[Choice(text=row.get_text("name"), value=row.get_number("id")) for row in rows])
