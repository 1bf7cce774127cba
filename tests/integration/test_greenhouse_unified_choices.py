"""What unified writes to Greenhouse may be given, of the rows of a customer that are stored."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from testbed.databases import Databases
from testbed.operating import Operating, open_operations
from testbed.unified_writing import find_write
from unihire.integration.registry import list_writes
from unihire.integration.write import CustomField, OfferedValue
from unihire.kit.seal import Sealer
from unihire.platform.context_synced import SyncedContext

FIELD_TYPES = {
    "candidate.create": "candidate",
    "candidate.update": "candidate",
    "application.create": "application",
    "application.update": "application",
    "job.create": "job",
    "offer.create": "offer",
    "remote_user.create": "user_attribute",
}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def operating(databases: Databases, sealer: Sealer) -> AsyncIterator[Operating]:
    async with open_operations(databases, sealer, size=100, seed=7) as opened:
        report = await opened.tenant.sync()
        assert (report.status, report.errors) == ("done", {})
        yield opened


@pytest.fixture
def stored(operating: Operating) -> SyncedContext:
    tenant = operating.tenant
    return SyncedContext(pool=tenant.pool, connector=tenant.connector, integration=tenant.integration)


def test_every_write_with_custom_fields_is_looked_at() -> None:
    writes = list_writes("greenhouse").values()
    assert {write.name for write in writes if write.custom_fields is not None} == FIELD_TYPES.keys()


@pytest.mark.parametrize("name", FIELD_TYPES)
async def test_customers_fields_are_those_in_use(operating: Operating, stored: SyncedContext, name: str) -> None:
    read = find_write(name).custom_fields
    assert read is not None
    fields = {field.name: field for field in await read(stored)}
    rows = [
        row
        for row in operating.read("custom_fields", field_type=FIELD_TYPES[name], active="true")
        if row["value_type"] != "attachment"
    ]
    assert fields.keys() == {row["name_key"] for row in rows}
    for row in rows:
        check_field(operating, fields[row["name_key"]], row)


def check_field(operating: Operating, field: CustomField, row: dict[str, object]) -> None:
    assert (field.title, field.is_required) == (row["name"], row["required"])
    options = operating.read("custom_field_options", custom_field_ids=row["id"], active="true")
    ordered = sorted(options, key=lambda one: (one["sort_order"], one["id"]))
    if row["value_type"] == "user":
        users = operating.read("users", show_service_accounts="true")
        in_use = {str(user["id"]): user["name"] for user in users if not user["deactivated"]}
        assert {one.value: one.title for one in field.options} == in_use
        assert in_use
    elif field.kind in ("choice", "choices"):
        assert [one.value for one in field.options] == [one["name"] for one in ordered]
        assert ordered
    else:
        assert field.options == ()
    kinds = {
        "short_text": "text", "long_text": "text", "rich_text": "text", "number": "number", "yes_no": "boolean",
        "date": "date", "date_of_birth": "date", "url": "url", "single_select": "choice", "multi_select": "choices",
        "currency": "any", "currency_range": "any", "number_range": "any", "user": "choice",
    }  # fmt: skip
    assert field.kind == kinds[str(row["value_type"])]


async def list_options(stored: SyncedContext, name: str, parameter: str) -> dict[str | int, str]:
    found: list[OfferedValue] = list(await find_write(name).options[parameter](stored))
    assert len({option.value for option in found}) == len(found)
    return {option.value: option.title for option in found}


async def test_openings_that_can_be_filled_are_named_with_their_job(
    operating: Operating, stored: SyncedContext
) -> None:
    options = await list_options(stored, "application.hire", "opening_id")
    openings = {row["id"]: row for row in operating.read("openings", open="true")}
    jobs = {row["id"]: row for row in operating.read("jobs")}
    assert options.keys() == openings.keys()
    for id, row in openings.items():
        assert options[id] == f"{row['opening_id'] or id} ({jobs[row['job_id']]['name']})"


async def test_close_reasons_are_named(operating: Operating, stored: SyncedContext) -> None:
    options = await list_options(stored, "application.hire", "close_reason_id")
    assert options == {row["id"]: row["name"] for row in operating.read("close_reasons")}
    assert options


async def test_planned_interviews_are_named_with_their_job(operating: Operating, stored: SyncedContext) -> None:
    options = await list_options(stored, "scheduled_interview.create", "job_interview_id")
    rows = operating.read("job_interviews", active="true")
    jobs = {row["id"]: row for row in operating.read("jobs")}
    assert options == {row["id"]: f"{row['name']} ({jobs[row['job_id']]['name']})" for row in rows}
    assert options
