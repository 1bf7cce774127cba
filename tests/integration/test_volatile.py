"""Links that are signed anew with each read: the one read last is served, and nothing but the link is stored anew."""

import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import msgspec
import pytest
import pytest_asyncio

from testbed.databases import Databases
from testbed.remapping import replace_fields, run, with_stream
from testbed.tenants import Tenant, make_tenant, open_api, read_all
from testbed.vendor import ACME, IMPATIENT, Vendor, counts, since
from unihire.integration.declare import Integration, Join, RecordMapping, Source, Stream, Volatile
from unihire.integration.registry import get_integration
from unihire.kit.seal import Sealer
from unihire.model import MODELS, Application, Attachment, Candidate
from unihire.outbound.paging import NextLink
from unihire.platform.access import Access
from unihire.platform.connectors import open_client
from unihire.platform.context_synced import SyncedContext
from unihire.store import Connection, Pool
from unihire.store.accounts.tenancy import delete_connector
from unihire.store.feed.changes import Change
from unihire.sync.pages import Pages
from unihire.sync.rows_by_id import sync_rows_by_id

OLD = "2026-01-01T00:00:00"
FILE = "https://files.example.com"
QUERY = (
    "X-Sign-Algorithm=AWS4-HMAC-SHA256&X-Sign-Credential=AKIAEXAMPLEEXAMPLE%2F20260505%2Fus-east-1%2Fs3%2Faws4_request"
    "&X-Sign-Date=20260505T000000Z&X-Sign-SignedHeaders=host&response-content-disposition=inline&sign={}{}"
)
MANY = 7000


def find_end(text: bytes) -> datetime | None:
    found = re.search(rb"ends=(\d+)", text)
    return None if found is None else datetime.fromtimestamp(int(found.group(1)), UTC)


def to_file(source: Source) -> Attachment:
    row = source.row
    (label,) = source.details.get("label") or [{}]
    return Attachment(
        remote_id=str(row["id"]), file_url=row["url"], file_name=label.get("name"), candidate=str(row["owner"])
    )


def to_person(source: Source) -> Candidate:
    files = source.details.get("files") or []
    return Candidate(
        remote_id=str(source.row["id"]),
        tags=[file["url"] for file in files],
        attachments=[str(file["id"]) for file in files],
    )


def to_entry(source: Source) -> Application:
    return Application(remote_id=str(source.row["id"]))


def list_rows(name: str, **others: Any) -> Stream:
    return Stream(
        name=name, path=f"/{name}", paging=NextLink(items="rows", link=("next",), page_size={"limit": "500"}),
        id_of=lambda row: str(row["id"]), changed_since=since, permission=f"{name}:read", **others,
    )  # fmt: skip


FILES: Integration = replace(
    ACME,
    streams=(
        list_rows("labels"),
        list_rows(
            "files",
            mappings=(RecordMapping(Attachment, to_file, custom=lambda source: {"link": source.row["url"]}),),
            by_id="/files/{id}",
            found_by=("owner",),
            joins=(Join(name="label", stream="labels", on="id", key="label", members=("name",)),),
            volatile=Volatile(pattern=re.compile(rb"\?[^\"]*sign=[^\"]*"), find_end=find_end),
        ),
        list_rows(
            "people",
            mappings=(RecordMapping(Candidate, to_person),),
            joins=(Join(name="files", stream="files", on="owner", members=("url",)),),
        ),
        list_rows("entries", mappings=(RecordMapping(Application, to_entry),)),
    ),
)


def sign(vendor: Vendor, mark: object, ends_in: timedelta | None = None) -> None:
    """Let every link have another signature, which may say until when it is good."""
    end = "" if ends_in is None else f"&ends={int((datetime.now(UTC) + ends_in).timestamp())}"
    for row in vendor.lists["/files"]:
        row["url"] = f"{FILE}/{row['id']}?{QUERY.format(mark, end)}"


def fill(vendor: Vendor, count: int) -> None:
    vendor.lists = {
        "/labels": [{"id": 1, "name": "Label", "at": OLD}],
        "/files": [
            {"id": id, "owner": 1 + id % 3, "label": 1, "at": OLD, "kind": "resume", "filename": f"Resume {id}.pdf"}
            for id in range(1, count + 1)
        ],
        "/people": [{"id": id, "at": OLD} for id in (1, 2, 3)],
        "/entries": [{"id": 1, "at": OLD}],
    }
    sign(vendor, "first")


@pytest_asyncio.fixture
async def tenant(pool: Pool, sealer: Sealer, vendor: Vendor) -> Tenant:
    fill(vendor, 7)
    return await make_tenant(pool, sealer, base_url=vendor.base_url, integration=FILES)


@pytest_asyncio.fixture
async def api(databases: Databases, tenant: Tenant) -> AsyncIterator[httpx.AsyncClient]:
    async with open_api(databases.settings("migrated"), tenant) as client:
        yield client


async def read_marks(api: httpx.AsyncClient) -> set[str]:
    """The signatures that are served: in the field, in the raw data, in the custom fields, each on its own link."""
    marks = set()
    for item in await read_all(api, "attachments", include_raw_data=True, include_custom_fields=True):
        links = {item["file_url"], item["raw_data"]["url"], item["custom_fields"]["link"]}
        assert len(links) == 1, item
        link = links.pop()
        assert link.startswith(f"{FILE}/{item['remote_id']}?"), item
        marks.add(re.sub("&ends.*", "", link.partition("&sign=")[2]))
    return marks


async def read_stored(pool: Pool, table: str) -> list[tuple[Any, ...]]:
    """The versions of a table's rows, as PostgreSQL has them."""
    return [tuple(row) for row in await pool.fetch(f"SELECT ctid, xmin FROM {table} ORDER BY 1")]


async def count_parts(pool: Pool) -> int:
    return int(await pool.fetchval("SELECT count(*) FROM record_volatile"))


async def measure(pool: Pool) -> int:
    """What all that holds the attachments takes, indexes and what is out of line included."""
    find = "SELECT pg_total_relation_size('record') + pg_total_relation_size('record_volatile')"
    return int(await pool.fetchval(find))


async def test_three_reads_with_new_signatures_leave_the_store_as_large_as_it_was(
    databases: Databases, sealer: Sealer, vendor: Vendor
) -> None:
    """Without a vacuum, and with signatures that do not say until when they are good."""
    fill(vendor, MANY)
    async with databases.open() as pool:
        for table in ("record", "record_volatile"):
            await pool.execute(f"ALTER TABLE {table} SET (autovacuum_enabled = off)")
        tenant = await make_tenant(pool, sealer, base_url=vendor.base_url, integration=FILES)
        await tenant.sync()
        before, size = await read_stored(pool, "record"), await measure(pool)
        for mark in "abc":
            sign(vendor, mark)
            assert counts(await tenant.sync(full=True), "files") == (0, 0, 0, 0)
        assert await measure(pool) <= 1.3 * size
        assert await read_stored(pool, "record") == before
        async with open_api(databases.settings("migrated"), tenant) as api:
            assert await read_marks(api) == {"c"}


async def test_new_link_is_served_by_every_kind_of_read(tenant: Tenant, vendor: Vendor, api: httpx.AsyncClient) -> None:
    await tenant.sync()
    assert await read_marks(api) == {"first"}
    sign(vendor, "second")
    await tenant.sync(full=True)
    assert await read_marks(api) == {"second"}
    items = await read_all(api, "attachments")
    people = await read_all(api, "candidates", expand="attachments")
    owners = [person["id"] for person in people]
    found = [
        *items,
        *await read_all(api, "attachments", ids=",".join(item["id"] for item in items)),
        *await read_all(api, "attachments", candidate=owners[0]),
        *await read_all(api, "attachments", candidate=",".join([*owners, *map(str, range(9))])),
        *[(await api.get(f"/api/ats/v1/attachments/{item['id']}")).json() for item in items],
        *[file for person in people for file in person["attachments"]],
    ]
    assert len(found) > 4 * len(items)
    assert {link.partition("sign=")[2] for link in (item["file_url"] for item in found)} == {"second"}


async def test_new_link_is_in_the_rows_that_operations_are_given(tenant: Tenant, vendor: Vendor) -> None:
    await tenant.sync()
    sign(vendor, "second")
    await tenant.sync(full=True)
    context = SyncedContext(pool=tenant.pool, connector=tenant.connector, integration=FILES)
    given = [
        *await context.page("files", 1, 3, {}), *await context.all("files"), *await context.find("files", "id", [1, 2]),
        *await context.find("files", "owner", [1]),
    ]  # fmt: skip
    assert len(given) == 3 + 7 + 2 + 2
    sent = {row["id"]: row for row in vendor.lists["/files"]}
    assert all(row.data == sent[row.data["id"]] for row in given)
    others = await context.find("people", "id", [1])
    assert [row.data for row in others] == [vendor.lists["/people"][0]]


async def test_row_that_is_read_by_its_id_has_its_newest_link(
    tenant: Tenant, vendor: Vendor, api: httpx.AsyncClient
) -> None:
    await tenant.sync()
    before = await read_stored(tenant.pool, "record")
    sign(vendor, "second")
    client = open_client(FILES, tenant.credentials, vendor.base_url, is_base_url_trusted=True, retry=IMPATIENT)
    async with client:
        await sync_rows_by_id(tenant.pool, tenant.connector, FILES, client, {"files": ["3"]})
    served = {item["remote_id"]: item["file_url"] for item in await read_all(api, "attachments")}
    assert [id for id, link in served.items() if link.endswith("second")] == ["3"]
    assert await read_stored(tenant.pool, "record") == before


async def test_new_link_moves_nothing_and_is_no_news_to_who_shows_the_row(
    tenant: Tenant, vendor: Vendor, api: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    logged: list[Change] = []
    make = Pages.__init__

    async def note(connection: Connection, connector: int, changes: Sequence[Change]) -> None:
        logged.extend(changes)

    def make_logged(pages: Pages, **given: Any) -> None:
        make(pages, **given)
        pages.log_changes = note

    monkeypatch.setattr(Pages, "__init__", make_logged)
    await tenant.sync()
    tables = ("record", "record_key", "joined")
    place = "SELECT last_seq FROM connector"
    before = [await read_stored(tenant.pool, table) for table in tables], await tenant.pool.fetchval(place)
    logged.clear()
    sign(vendor, "second")
    report = await tenant.sync(full=True)
    assert [counts(report, stream.name) for stream in FILES.streams] == [(0, 0, 0, 0)] * 4
    assert before == ([await read_stored(tenant.pool, table) for table in tables], await tenant.pool.fetchval(place))
    assert logged == []
    assert await read_marks(api) == {"second"}
    vendor.lists["/files"][0]["filename"] = "Another.pdf"
    sign(vendor, "third")
    assert counts(await tenant.sync(full=True), "files") == (0, 1, 0, 0)
    assert [(str(change.kind), change.fields) for change in logged] == [("updated", ("raw_data",))]
    assert await read_marks(api) == {"third"}


async def test_link_that_is_good_for_a_while_is_stored_anew_after_half_of_its_time(
    tenant: Tenant, vendor: Vendor, api: httpx.AsyncClient
) -> None:
    sign(vendor, "first", timedelta(days=7))
    await tenant.sync()
    left = await tenant.pool.fetch("SELECT refresh_at - now() AS left FROM record_volatile")
    assert all(timedelta(days=3.4) < row["left"] < timedelta(days=3.6) for row in left)
    before = await read_stored(tenant.pool, "record_volatile")
    sign(vendor, "second", timedelta(days=7))
    await tenant.sync(full=True)
    assert await read_marks(api) == {"first"}
    assert await read_stored(tenant.pool, "record_volatile") == before
    await tenant.pool.execute("UPDATE record_volatile SET refresh_at = refresh_at - '3.6 days'::interval")
    await tenant.sync(full=True)
    assert await read_marks(api) == {"second"}
    sign(vendor, "third", timedelta(days=7))
    vendor.lists["/files"][0]["filename"] = "Another.pdf"  # its own record is written, and its link with it
    await tenant.sync(full=True)
    assert await read_marks(api) == {"second", "third"}
    sign(vendor, "fourth")  # says nothing of its end
    await tenant.pool.execute("UPDATE record_volatile SET refresh_at = now()")
    for mark in ("fourth", "fifth"):
        sign(vendor, mark)
        await tenant.sync(full=True)
        assert await read_marks(api) == {mark}


@pytest.mark.parametrize("ends_in", [timedelta(days=-1), timedelta(days=40_000)])
async def test_end_that_is_past_or_far_away_does_not_stop_links_from_being_stored_anew(
    tenant: Tenant, vendor: Vendor, api: httpx.AsyncClient, ends_in: timedelta
) -> None:
    for mark in ("first", "second"):
        sign(vendor, mark, ends_in)
        await tenant.sync(full=True)
    assert await read_marks(api) == {"second" if ends_in < timedelta() else "first"}
    await tenant.pool.execute("UPDATE record_volatile SET refresh_at = refresh_at - '7 days'::interval")
    await tenant.sync(full=True)
    assert await read_marks(api) == {"second"}


async def test_link_that_moved_to_another_place_is_stored_though_the_one_before_is_good(
    tenant: Tenant, vendor: Vendor, api: httpx.AsyncClient
) -> None:
    """The content without the signatures is the same."""
    sign(vendor, "first", timedelta(days=7))
    first, second = vendor.lists["/files"][:2]
    first |= {"more": [f"{FILE}/a?sign=1&ends=4000000000", f"{FILE}/a"]}
    second["url"] = f"{FILE}/2?sign=1&ends=4000000000"
    await tenant.sync()
    first |= {"more": [f"{FILE}/a", f"{FILE}/a?sign=1&ends=4000000000"]}
    second["url"] = f"{FILE}/2"
    assert counts(await tenant.sync(full=True), "files") == (0, 0, 0, 0)
    items = {item["remote_id"]: item for item in await read_all(api, "attachments", include_raw_data=True)}
    assert items["1"]["raw_data"] == first
    assert items["2"]["raw_data"] == second
    assert items["2"]["file_url"] == second["url"]
    assert await count_parts(tenant.pool) == len(vendor.lists["/files"]) - 1


async def test_record_that_is_gone_or_without_a_link_leaves_none_behind(
    tenant: Tenant, vendor: Vendor, api: httpx.AsyncClient
) -> None:
    await tenant.sync()
    assert await count_parts(tenant.pool) == 7
    gone, other = vendor.lists["/files"].pop(), vendor.lists["/files"][0]
    other["url"] = None
    assert counts(await tenant.sync(full=True), "files") == (0, 1, 1, 0)
    assert await count_parts(tenant.pool) == 5
    assert next(item for item in await read_all(api, "attachments") if item["remote_id"] == "1")["file_url"] is None
    vendor.lists["/files"].append(gone)
    sign(vendor, "second")
    await tenant.sync(full=True)
    assert await count_parts(tenant.pool) == 7
    assert await read_marks(api) == {"second"}
    await delete_connector(tenant.pool, tenant.connector)
    assert await count_parts(tenant.pool) == 0


def to_loud_file(source: Source) -> Attachment:
    made = to_file(source)
    return replace_fields(made, file_name=f"{made.file_name}!", attachment_type="OTHER")


@pytest.mark.parametrize("changes", [True, False])
async def test_remap_leaves_the_newest_link_where_it_is(
    tenant: Tenant, vendor: Vendor, api: httpx.AsyncClient, changes: bool
) -> None:
    await tenant.sync()
    sign(vendor, "second")
    await tenant.sync(full=True)
    before = await read_stored(tenant.pool, "record")
    mapping = replace(FILES.get_stream("files").mappings[0], map=to_loud_file if changes else to_file)
    result = await run(tenant, with_stream(FILES, "files", mappings=(mapping,)))
    assert result["files"].changed == (7 if changes else 0)
    assert (await read_stored(tenant.pool, "record") == before) == (not changes)
    assert await read_marks(api) == {"second"}
    names = {item["file_name"] for item in await read_all(api, "attachments")}
    assert names == {"Label!" if changes else "Label"}


async def test_record_that_is_made_again_for_what_it_shows_has_the_newest_link(
    tenant: Tenant, vendor: Vendor, api: httpx.AsyncClient
) -> None:
    await tenant.sync()
    sign(vendor, "second")
    await tenant.sync(full=True)
    vendor.lists["/labels"][0] |= {"name": "Renamed", "at": "2027-01-01T00:00:00"}
    assert counts(await tenant.sync(), "files") == (0, 7, 0, 0)
    assert await read_marks(api) == {"second"}
    assert {item["file_name"] for item in await read_all(api, "attachments")} == {"Renamed"}


@pytest.mark.parametrize(
    ("integration", "models"),
    [
        (get_integration("greenhouse"), {"attachment"}),
        (get_integration("personio"), set()),
        (ACME, set(MODELS)),  # of no installed folder
    ],
)
async def test_records_of_other_models_are_read_without_looking_for_links(
    pool: Pool, sealer: Sealer, integration: Integration, models: set[str]
) -> None:
    tenant = await make_tenant(pool, sealer, integration=integration)
    access = Access(pool)
    scope = await access.check_token(await access.check_key(f"Bearer {tenant.key}"), tenant.token, "ATS")
    assert scope.volatile == {MODELS[model].number for model in models}


async def store_inline(tenant: Tenant, api: httpx.AsyncClient) -> None:
    """Let the records be as a program of before stores them: with the links in them."""
    served = await read_all(api, "attachments", include_raw_data=True, include_custom_fields=True)
    for item in served:
        raw, custom = (msgspec.json.encode(item.pop(name)) for name in ("raw_data", "custom_fields"))
        body = msgspec.json.encode({**item, "custom_fields": None, "raw_data": None})
        await tenant.pool.execute(
            "UPDATE record SET body = $2, raw = $3, custom = $4 WHERE id = $1", item["id"], body, raw, custom
        )


@pytest.mark.parametrize("is_mixed", [True, False])
async def test_links_that_a_program_of_before_stored_in_the_records_are_taken_out_of_them(
    tenant: Tenant, vendor: Vendor, api: httpx.AsyncClient, is_mixed: bool
) -> None:
    """With `is_mixed` such a program is at work beside this one."""
    await tenant.sync()
    served = await read_all(api, "attachments", include_raw_data=True, include_custom_fields=True)
    pure = await tenant.pool.fetch("SELECT id, seq, body, raw, custom FROM record ORDER BY 1")
    await store_inline(tenant, api)
    if not is_mixed:
        await tenant.pool.execute("DELETE FROM record_volatile")
    assert await read_all(api, "attachments", include_raw_data=True, include_custom_fields=True) == served
    sign(vendor, "second")
    assert counts(await tenant.sync(full=True), "files") == (0, 0, 0, 0)
    assert await read_marks(api) == {"second"}
    assert await tenant.pool.fetch("SELECT id, seq, body, raw, custom FROM record ORDER BY 1") == pure
