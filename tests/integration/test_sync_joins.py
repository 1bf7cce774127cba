"""Records that show rows of other streams: what they show, and that they are made again when one of those changes."""

import re
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace
from typing import Any

import httpx
import msgspec
import pytest
import pytest_asyncio

from testbed.crashing import Crash
from testbed.databases import Databases
from testbed.records import find_ids
from testbed.tenants import Tenant, make_tenant, open_api, read_all
from testbed.vendor import ACME, IMPATIENT, LIST, Vendor, counts, say, since
from unihire.errors import Stopped
from unihire.integration.declare import IdFilter, Integration, Join, RecordMapping, Source, Stream, Volatile
from unihire.kit.seal import Sealer
from unihire.model import Application, Attachment, Candidate
from unihire.platform.connectors import open_client
from unihire.store import Pool
from unihire.store.accounts.tenancy import delete_connector
from unihire.store.work import runs
from unihire.store.work.runs import Run
from unihire.sync import joining
from unihire.sync.rows_by_id import sync_rows_by_id
from unihire.sync.streaming import StreamSync

OLD, NEW = "2026-01-01T00:00:00", "2027-01-01T00:00:00"
Row = dict[str, Any]


def to_candidate(source: Source) -> Candidate:
    files = source.details.get("files")
    return Candidate(
        remote_id=str(source.row["id"]),
        first_name=source.row["name"],
        attachments=None if files is None else [str(file["id"]) for file in files],
        tags=[kept for file in files or () for kept in sorted(file)],
    )


def to_application(source: Source) -> Application:
    (label,) = source.details.get("label") or [{"name": None}]
    return Application(remote_id=str(source.row["id"]), source=label["name"])


def to_file(source: Source) -> Attachment:
    return Attachment(remote_id=str(source.row["id"]), file_url=source.row["url"], attachment_type="OTHER")


def list_rows(name: str, **others: Any) -> Stream:
    return Stream(
        name=name, path=f"/{name}", paging=LIST, id_of=lambda row: str(row["id"]), changed_since=since,
        permission=f"{name}:read", **others,
    )  # fmt: skip


BETA: Integration = replace(
    ACME,
    streams=(
        list_rows("labels"),
        list_rows("settings", is_stored=True),
        list_rows(
            "files",
            mappings=(
                RecordMapping(
                    Attachment, to_file, words={"attachment_type": "kind.name"}, custom=lambda source: {"a": 1}
                ),
            ),
            by_id="/files/{id}",
            volatile=Volatile(pattern=re.compile(rb"\?sign=\d+")),
        ),
        list_rows(
            "people",
            mappings=(RecordMapping(Candidate, to_candidate),),
            joins=(
                Join(
                    name="files",
                    stream="files",
                    on="owner.id",
                    members=("url",),
                    where=lambda row: not row.get("hidden"),
                ),
            ),
        ),
        list_rows(
            "entries",
            mappings=(RecordMapping(Application, to_application),),
            joins=(Join(name="label", stream="labels", on="id", key="label", members=("name",)),),
        ),
    ),
)


def file(id: int, owner: int | None, at: str = OLD, **others: Any) -> Row:
    return {"id": id, "at": at, "owner": {"id": owner}, "url": f"https://files.example.com/{id}", **others}


def fill(vendor: Vendor) -> None:
    vendor.lists = {
        "/labels": [{"id": id, "name": f"Label {id}", "at": OLD} for id in (1, 2)],
        "/settings": [{"id": 1, "value": [1], "at": OLD}],
        "/files": [file(11, 1), file(2, 1), file(3, 2), file(4, None), file(5, 2, hidden=True)],
        "/people": [{"id": id, "name": f"Person {id}", "at": OLD} for id in (1, 2, 3)],
        "/entries": [{"id": id, "label": label, "at": OLD} for id, label in enumerate([1, 1, 1, 2, None], 1)],
    }


@pytest_asyncio.fixture
async def tenant(pool: Pool, sealer: Sealer, vendor: Vendor) -> Tenant:
    fill(vendor)
    return await make_tenant(pool, sealer, base_url=vendor.base_url, integration=BETA)


@pytest_asyncio.fixture
async def api(databases: Databases, tenant: Tenant) -> AsyncIterator[httpx.AsyncClient]:
    async with open_api(databases.settings("migrated"), tenant) as client:
        yield client


async def read_files(api: httpx.AsyncClient) -> dict[str, Any]:
    """By person: the vendor's ids of their files."""
    names = {item["id"]: item["remote_id"] for item in await read_all(api, "attachments")}
    return {
        item["remote_id"]: item["attachments"] and [names.get(id, "gone") for id in item["attachments"]]
        for item in await read_all(api, "candidates")
    }


async def read_sources(api: httpx.AsyncClient) -> dict[str, Any]:
    return {item["remote_id"]: item["source"] for item in await read_all(api, "applications")}


async def changed_after(api: httpx.AsyncClient, place: str) -> list[str]:
    plurals = ("attachments", "candidates", "applications")
    return [
        f"{plural} {id}"
        for plural in plurals
        for id in sorted(find_ids(await read_all(api, plural, modified_after=place)))
    ]


async def find_place(tenant: Tenant) -> str:
    """The end of the feed."""
    find = "SELECT max((convert_from(body, 'UTF8')::json)->>'modified_at') FROM record WHERE connector = $1"
    return str(await tenant.pool.fetchval(find, tenant.connector.number))


async def count(tenant: Tenant, table: str) -> int:
    """Rows of the connector."""
    find = f"SELECT count(*) FROM {table} WHERE connector = $1"
    return int(await tenant.pool.fetchval(find, tenant.connector.number))


async def test_records_show_rows_of_other_streams_by_their_own_id_and_by_a_member(
    tenant: Tenant, api: httpx.AsyncClient
) -> None:
    report = await tenant.sync()
    assert report.status == "done"
    assert await read_files(api) == {"1": ["2", "11"], "2": ["3"], "3": []}
    first = next(item for item in await read_all(api, "candidates") if item["remote_id"] == "1")
    assert first["tags"] == ["id", "url", "id", "url"]
    assert await read_sources(api) == {"1": "Label 1", "2": "Label 1", "3": "Label 1", "4": "Label 2", "5": None}
    assert counts(report, "labels") == (2, 0, 0, 0)
    assert await count(tenant, "stale") == 0


async def test_changed_row_changes_those_records_that_show_it_and_only_those(
    tenant: Tenant, vendor: Vendor, api: httpx.AsyncClient
) -> None:
    await tenant.sync()
    place = await find_place(tenant)
    vendor.lists["/labels"][1] |= {"name": "Other", "at": NEW}
    report = await tenant.sync()
    assert await changed_after(api, place) == ["applications 4"]
    assert counts(report, "entries") == (0, 1, 0, 0)
    place = await find_place(tenant)
    vendor.lists["/labels"][0] |= {"colour": "red"}  # not shown by anyone
    report = await tenant.sync(full=True)
    assert await changed_after(api, place) == []
    assert counts(report, "labels") == (0, 0, 0, 0)


async def test_row_that_moves_changes_the_records_it_leaves_and_comes_to(
    tenant: Tenant, vendor: Vendor, api: httpx.AsyncClient
) -> None:
    await tenant.sync()
    place = await find_place(tenant)
    vendor.lists["/files"][1] = file(2, 3, NEW)
    vendor.lists["/files"][4] = file(5, 2, NEW)  # hidden no more
    vendor.lists["/files"].append(file(6, 9, NEW))  # of a person there is not
    await tenant.sync()
    assert await read_files(api) == {"1": ["11"], "2": ["3", "5"], "3": ["2"]}
    assert await changed_after(api, place) == [
        "attachments 2", "attachments 5", "attachments 6", "candidates 1", "candidates 2", "candidates 3",
    ]  # fmt: skip


@pytest.mark.parametrize("damage", [b'{"id": ', b'{"id": 11, "url": ' + b"[" * 200 + b"]" * 200 + b"}", b"\xff"])
async def test_stored_row_that_cannot_be_decoded_is_not_shown_and_ends_nothing(
    tenant: Tenant, vendor: Vendor, api: httpx.AsyncClient, damage: bytes
) -> None:
    await tenant.sync()
    spoil = "UPDATE joined SET data = $2 WHERE connector = $1 AND origin = 'files' AND row_id = '11'"
    await tenant.pool.execute(spoil, tenant.connector.number, damage)
    vendor.lists["/people"][0] |= {"name": "Another", "at": NEW}
    assert (await tenant.sync()).status == "done"
    assert await read_files(api) == {"1": ["2"], "2": ["3"], "3": []}
    vendor.lists["/files"][0] |= {"at": NEW, "url": "https://files.example.com/new"}
    assert (await tenant.sync()).status == "done"
    assert await read_files(api) == {"1": ["2", "11"], "2": ["3"], "3": []}


async def test_gone_row_is_shown_no_more(tenant: Tenant, vendor: Vendor, api: httpx.AsyncClient) -> None:
    await tenant.sync()
    place = await find_place(tenant)
    del vendor.lists["/files"][1]
    del vendor.lists["/labels"][1]
    report = await tenant.sync(full=True)
    assert await read_files(api) == {"1": ["11"], "2": ["3"], "3": []}
    assert (await read_sources(api))["4"] is None
    assert await changed_after(api, place) == ["candidates 1", "applications 4"]
    assert (counts(report, "labels"), counts(report, "files")) == ((0, 0, 1, 0), (0, 0, 1, 0))


async def test_row_missed_by_the_walk_but_found_by_its_id_is_still_shown(
    pool: Pool, sealer: Sealer, vendor: Vendor, databases: Databases
) -> None:
    fill(vendor)
    streams = [replace(stream, by_id=IdFilter(most=1)) for stream in BETA.streams]
    tenant = await make_tenant(
        pool, sealer, base_url=vendor.base_url, integration=replace(BETA, streams=tuple(streams))
    )
    await tenant.sync()
    labels = vendor.lists["/labels"]
    vendor.lists["/labels"] = []
    vendor.will(
        "/labels",
        *[vendor.page] * 2,
        *[lambda request: say({"rows": [row for row in labels[:1] if str(row["id"]) == request.query["ids"]]})] * 2,
    )
    report = await tenant.sync(full=True)
    asked = [request.query["ids"] for request in vendor.log if "ids" in request.query]
    assert sorted(asked) == ["1", "2", "2"]  # what is gone must be said twice
    assert counts(report, "labels") == (0, 0, 1, 0)
    async with open_api(databases.settings("migrated"), tenant) as api:
        assert await read_sources(api) == {"1": "Label 1", "2": "Label 1", "3": "Label 1", "4": None, "5": None}


@pytest.mark.parametrize("stops", [0, 1, 2, 3])
async def test_key_that_many_records_show_is_worked_off_in_steps_that_survive_a_stop(
    tenant: Tenant, vendor: Vendor, api: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch, stops: int
) -> None:
    vendor.lists["/entries"] = [{"id": id, "label": 1 + (id > 7), "at": OLD} for id in range(1, 10)]
    await tenant.sync()
    before = {item["remote_id"]: item["modified_at"] for item in await read_all(api, "applications")}
    monkeypatch.setattr(joining, "STALE_BATCH", 2)
    for row in vendor.lists["/labels"]:
        row |= {"name": f"New {row['id']}", "at": NEW}
    steps = 0
    tell = StreamSync._report

    def stop_after_a_step(self: StreamSync, step: Any, phase: str) -> None:
        nonlocal steps
        tell(self, step, phase)
        is_of_entries = (phase, step.stream) == ("refresh", "entries")
        steps += is_of_entries
        if is_of_entries and steps <= stops:
            raise Stopped("here")

    monkeypatch.setattr(StreamSync, "_report", stop_after_a_step)
    for _ in range(stops):
        with pytest.raises(Stopped):
            await tenant.sync()
    report = await tenant.sync()
    assert report.is_resumed == bool(stops)
    assert await read_sources(api) == {str(id): f"New {1 + (id > 7)}" for id in range(1, 10)}
    after = {item["remote_id"]: item["modified_at"] for item in await read_all(api, "applications")}
    assert all(after[id] > before[id] for id in before)
    assert counts(report, "entries") == (0, 9, 0, 0)
    assert await count(tenant, "stale") == 0


async def test_records_made_again_that_a_crash_took_back_are_made_again_once_more(
    tenant: Tenant, vendor: Vendor, api: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between two batches of them the stream has no position."""
    vendor.lists["/labels"] = [{"id": id, "name": "Old", "at": OLD} for id in range(1, 8)]
    vendor.lists["/entries"] = [{"id": id, "label": id, "at": OLD} for id in range(1, 8)]
    await tenant.sync()
    monkeypatch.setattr(joining, "STALE_BATCH", 2)
    for label in vendor.lists["/labels"]:
        label |= {"name": "New", "at": NEW}
    move, batches = runs.move_stream, 0

    async def move_and_crash(connection: Any, run: Run, stream: str, phase: str, *given: Any, **named: Any) -> bool:
        nonlocal batches
        if (stream, phase, named["before"].phase) == ("entries", "refresh", "refresh"):
            batches += 1
            if batches == 1:
                await crash.remember()
            elif batches == 2:
                await crash.put_back()
        return await move(connection, run, stream, phase, *given, **named)

    monkeypatch.setattr(runs, "move_stream", move_and_crash)
    async with Crash(tenant.pool) as crash:
        with suppress(Stopped):
            await tenant.sync()
    await tenant.sync()
    assert batches > 2
    assert await read_sources(api) == {str(id): "New" for id in range(1, 8)}
    assert await count(tenant, "stale") == 0


async def test_what_nobody_may_read_is_null_until_it_may_be_read(
    tenant: Tenant, vendor: Vendor, api: httpx.AsyncClient
) -> None:
    vendor.will("/files", *[lambda request: say({}, 403)] * 2)
    assert (await tenant.sync()).status == "partial"
    assert await read_files(api) == {"1": None, "2": None, "3": None}
    assert (await tenant.sync()).status == "partial"
    report = await tenant.sync()
    assert report.status == "done"
    assert await read_files(api) == {"1": ["2", "11"], "2": ["3"], "3": []}
    assert counts(await tenant.sync(), "people") == (0, 0, 0, 0)


async def test_permission_lost_later_leaves_what_was_known(
    tenant: Tenant, vendor: Vendor, api: httpx.AsyncClient
) -> None:
    await tenant.sync()
    before = await read_files(api)
    vendor.will("/files", lambda request: say({}, 403))
    assert (await tenant.sync(full=True)).status == "partial"
    assert await read_files(api) == before


async def test_row_kept_whole_is_there_as_it_was_sent(tenant: Tenant, vendor: Vendor) -> None:
    await tenant.sync()
    find = "SELECT data FROM joined WHERE connector = $1 AND stream = 'settings' AND name = $2"
    arguments = (tenant.connector.number, joining.STORED_WHOLE)
    assert msgspec.json.decode(await tenant.pool.fetchval(find, *arguments)) == vendor.lists["/settings"][0]
    vendor.lists["/settings"] = []
    report = await tenant.sync(full=True)
    assert counts(report, "settings") == (0, 0, 1, 0)
    assert await tenant.pool.fetchval(find, *arguments) is None


async def test_row_kept_in_several_ways_is_one_row(pool: Pool, sealer: Sealer, vendor: Vendor) -> None:
    fill(vendor)
    labels, *others = BETA.streams
    kept = replace(BETA, streams=(replace(labels, is_stored=True, found_by=("name", "place.id")), *others))
    tenant = await make_tenant(pool, sealer, base_url=vendor.base_url, integration=kept)
    assert counts(await tenant.sync(), "labels") == (2, 0, 0, 0)
    find = "SELECT name, key FROM joined WHERE connector = $1 AND origin = 'labels' AND row_id = '2' ORDER BY name"
    found = [tuple(row) for row in await pool.fetch(find, tenant.connector.number)]
    assert found == [("by name", "Label 2"), ("label", "2"), ("rows", "2")]
    vendor.lists["/labels"][1] |= {"name": "Other", "place": {"id": 5}, "at": NEW}
    assert counts(await tenant.sync(), "labels") == (0, 1, 0, 0)
    found = [tuple(row) for row in await pool.fetch(find, tenant.connector.number)]
    assert found == [("by name", "Other"), ("by place.id", "5"), ("label", "2"), ("rows", "2")]
    del vendor.lists["/labels"][1]["place"]
    assert counts(await tenant.sync(full=True), "labels") == (0, 1, 0, 0)
    del vendor.lists["/labels"][1]
    assert counts(await tenant.sync(full=True), "labels") == (0, 0, 1, 0)
    assert await pool.fetch(find, tenant.connector.number) == []


async def test_run_without_what_only_operations_read_is_done_and_tells_it(
    pool: Pool, sealer: Sealer, vendor: Vendor
) -> None:
    fill(vendor)
    streams = tuple(replace(stream, is_optional=stream.name == "settings") for stream in BETA.streams)
    tenant = await make_tenant(pool, sealer, base_url=vendor.base_url, integration=replace(BETA, streams=streams))
    vendor.will("/settings", lambda request: say({}, 403))
    report = await tenant.sync()
    assert (report.status, report.errors) == ("done", {"settings": "the credentials lack settings:read"})
    vendor.will("/settings", lambda request: say({}, 403))
    vendor.will("/files", lambda request: say({}, 403))
    assert (await tenant.sync()).status == "partial"
    for stream in BETA.streams:
        if stream.name != "settings":
            vendor.will(stream.path, lambda request: say({}, 403))
    assert (await tenant.sync()).status == "failed"


async def test_new_signature_of_a_link_is_served_but_is_no_change(
    tenant: Tenant, vendor: Vendor, api: httpx.AsyncClient
) -> None:
    for row in vendor.lists["/files"]:
        row["url"] += "?sign=1"
    await tenant.sync()
    before = await read_all(api, "attachments", include_raw_data=True)
    for row in vendor.lists["/files"]:
        row["url"] = row["url"].replace("sign=1", "sign=2")
    await tenant.sync(full=True)
    after = await read_all(api, "attachments", include_raw_data=True)
    assert [item["modified_at"] for item in after] == [item["modified_at"] for item in before]
    assert all(item["file_url"].endswith("?sign=2") == item["raw_data"]["url"].endswith("2") == True for item in after)  # noqa: E712
    vendor.lists["/files"][0]["url"] += "&other"
    assert counts(await tenant.sync(full=True), "files") == (0, 1, 0, 0)


async def test_vendors_own_words_and_custom_fields_are_kept_with_the_record(
    tenant: Tenant, vendor: Vendor, api: httpx.AsyncClient
) -> None:
    vendor.lists["/files"][0]["kind"] = {"name": "Lebenslauf"}
    await tenant.sync()
    words = await tenant.pool.fetch(
        "SELECT remote_id, words FROM record WHERE words IS NOT NULL AND connector = $1", tenant.connector.number
    )
    assert [(row["remote_id"], bytes(row["words"])) for row in words] == [("11", b'{"attachment_type":"Lebenslauf"}')]
    item = (await read_all(api, "attachments", include_custom_fields=True))[0]
    assert item["custom_fields"] == {"a": 1}


async def test_deleted_connector_leaves_nothing_of_its_joins(tenant: Tenant) -> None:
    await tenant.sync()
    note = "INSERT INTO stale (connector, stream, name, key) VALUES ($1, 'entries', 'label', '1')"
    await tenant.pool.execute(note, tenant.connector.number)
    assert await count(tenant, "joined") > 0
    await delete_connector(tenant.pool, tenant.connector)
    assert [await count(tenant, table) for table in ("joined", "stale", "record")] == [0, 0, 0]


async def test_absorbed_rows_are_served_at_once_with_the_records_that_show_them(
    pool: Pool, sealer: Sealer, vendor: Vendor, databases: Databases
) -> None:
    fill(vendor)
    streams = tuple(replace(stream, by_id=f"/{stream.name}/{{id}}") for stream in BETA.streams)
    tenant = await make_tenant(pool, sealer, base_url=vendor.base_url, integration=replace(BETA, streams=streams))
    await tenant.sync()
    vendor.lists["/labels"][0]["name"] = "Absorbed"
    vendor.lists["/files"].append(file(7, 3))
    vendor.lists["/people"].append({"id": 4, "name": "New", "at": NEW})
    client = open_client(
        tenant.integration, tenant.credentials, vendor.base_url, is_base_url_trusted=True, retry=IMPATIENT
    )
    async with client:
        told = await sync_rows_by_id(
            pool, tenant.connector, tenant.integration, client,
            {"labels": ["1"], "files": ["7", "99"], "people": ["4"]},
        )  # fmt: skip
    assert {one.stream: (one.added, one.changed) for one in told} == {
        "labels": (0, 1), "settings": (0, 0), "files": (1, 0), "people": (1, 1), "entries": (0, 3),
    }  # fmt: skip
    async with open_api(databases.settings("migrated"), tenant) as api:
        assert (await read_sources(api))["1"] == "Absorbed"
        assert await read_files(api) == {"1": ["2", "11"], "2": ["3"], "3": ["7"], "4": []}
