"""A row read by its id that somebody saves meanwhile, with its parts or for a join: what is older is not saved."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from testbed.tenants import Tenant, make_tenant
from testbed.vendor import ACME, IMPATIENT, Vendor, fill
from testbed.waiting import within
from unihire.integration.declare import Join, RecordMapping, Stream
from unihire.kit.seal import Sealer
from unihire.model import Attachment, Candidate, spec_of
from unihire.outbound.paging import NextLink
from unihire.platform.connectors import open_client
from unihire.store import Pool
from unihire.store.feed import gate
from unihire.sync.rows_by_id import sync_rows_by_id

LIST = NextLink(items="rows", link=("next",), page_size={"limit": "50"})


def id_of(row: dict[str, Any]) -> str:
    return str(row["id"])


FILES = Stream(
    name="files", path="/files", by_id="/files/{id}", paging=LIST, id_of=id_of, is_stored=True,
    changed_since=lambda moment: {},
)  # fmt: skip
PEOPLE = Stream(
    name="people", path="/people", by_id="/people/{id}", paging=LIST, id_of=id_of,
    mappings=(
        RecordMapping(Candidate, lambda source: Candidate(remote_id=source.row["id"], first_name=source.row["name"])),
        RecordMapping(
            Attachment,
            lambda source: Attachment(remote_id=source.row["id"], file_name=source.row["name"]),
            of="files",
            is_owned=True,
        ),
    ),
    joins=(Join(name="files", stream="files", on="person_id", members=("id", "person_id", "name")),),
)  # fmt: skip
DELTA = replace(ACME, streams=(FILES, PEOPLE))


def change(vendor: Vendor) -> None:
    vendor.lists["/files"][0]["name"] = "new"


def add(vendor: Vendor) -> None:
    vendor.lists["/files"].append({"id": "2", "person_id": "1", "name": "other"})


def remove(vendor: Vendor) -> None:
    vendor.lists["/files"].clear()


@pytest.mark.parametrize("read", [{"people": ["1"]}, {"files": ["1"]}], ids=["its row", "a row it is made of"])
@pytest.mark.parametrize(("act", "expected"), [(change, {"1": "new"}), (add, {"1": "old", "2": "other"}), (remove, {})])
async def test_part_that_a_run_saved_since_is_not_overwritten_by_who_read_its_row_before(
    pool: Pool,
    sealer: Sealer,
    vendor: Vendor,
    monkeypatch: pytest.MonkeyPatch,
    act: Callable[[Vendor], None],
    expected: dict[str, str],
    read: dict[str, list[str]],
) -> None:
    fill(vendor)
    vendor.lists = {
        "/people": [{"id": "1", "name": "Ann"}],
        "/files": [{"id": "1", "person_id": "1", "name": "old"}],
    }
    tenant = await make_tenant(pool, sealer, base_url=vendor.base_url, integration=DELTA)
    await tenant.sync()
    is_mapped, may_save, write_feed = asyncio.Event(), asyncio.Event(), gate.write_feed

    async def wait_to_save(*given: Any, **named: Any) -> Any:
        monkeypatch.setattr("unihire.sync.pages.write_feed", write_feed)
        is_mapped.set()
        await within(may_save.wait())
        return await write_feed(*given, **named)

    monkeypatch.setattr("unihire.sync.pages.write_feed", wait_to_save)
    async with open_client(
        DELTA, tenant.credentials, vendor.base_url, is_base_url_trusted=True, retry=IMPATIENT
    ) as client:
        reading = asyncio.create_task(sync_rows_by_id(pool, tenant.connector, DELTA, client, read))
        await within(is_mapped.wait())
        act(vendor)
        assert (await tenant.sync(full=True)).status == "done"
        assert await list_files(tenant) == expected
        may_save.set()
        await within(reading)
    assert await list_files(tenant) == expected


async def list_files(tenant: Tenant) -> dict[str, str]:
    rows = await tenant.pool.fetch(
        "SELECT remote_id, convert_from(body, 'UTF8')::jsonb ->> 'file_name' AS name FROM record "
        "WHERE model = $1 AND deleted_at IS NULL",
        spec_of(Attachment).number,
    )
    return {row["remote_id"]: row["name"] for row in rows}
