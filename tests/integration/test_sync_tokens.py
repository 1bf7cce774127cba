"""Lists that are read by POST, with a key in each call, cursors that die and sync tokens that say what changed."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from testbed.rpc_vendor import KEY, RPC, RpcVendor, run_rpc_vendor
from testbed.tenants import Tenant, make_tenant
from testbed.vendor import IMPATIENT, counts
from unihire.errors import CredentialsRefused, ReauthorizeNeeded, Stopped
from unihire.kit.seal import Sealer
from unihire.platform.connectors import open_client
from unihire.platform.grants import StoredGrants
from unihire.store import Pool
from unihire.store.work import runs


@pytest_asyncio.fixture
async def vendor() -> AsyncIterator[RpcVendor]:
    async with run_rpc_vendor() as vendor:
        for id in "12345":
            vendor.put("candidate", id, name=f"Person {id}", noted=id == "1", version=1)
        for id in "abc":
            vendor.put("note", id, of="1", text=f"Note {id}")
        vendor.put("tag", "t", name="Green")
        yield vendor


@pytest_asyncio.fixture
async def tenant(pool: Pool, sealer: Sealer, vendor: RpcVendor) -> Tenant:
    made = await make_tenant(
        pool, sealer, integration=RPC, base_url=vendor.base_url, credentials={"api_key": vendor.key}
    )
    report = await made.sync()
    assert (report.status, report.errors) == ("done", {})
    return made


async def list_names(tenant: Tenant) -> dict[str, str]:
    query = (
        "SELECT remote_id, body::jsonb ->> 'first_name' AS name FROM record WHERE deleted_at IS NULL AND stream = $1"
    )
    rows = await tenant.pool.fetch(query.replace("body::jsonb", "convert_from(body, 'utf8')::jsonb"), "candidates")
    return {row["remote_id"]: row["name"] for row in rows}


async def find_token(tenant: Tenant) -> str | None:
    query = "SELECT sync_token FROM stream_state WHERE stream = 'candidates'"
    token: str | None = await tenant.pool.fetchval(query)
    return token


async def test_whole_list_is_read_page_by_page_and_what_changed_while_it_was(tenant: Tenant, vendor: RpcVendor) -> None:
    assert vendor.list_asked("candidate.list") == [
        {"limit": 2, "includeArchived": True},
        {"limit": 2, "includeArchived": True, "cursor": "2"},
        {"limit": 2, "includeArchived": True, "cursor": "4"},
        {"limit": 2, "includeArchived": True, "syncToken": "9"},
    ]
    assert await list_names(tenant) == {id: f"Person {id}" for id in "12345"}
    assert await find_token(tenant) == "9"


async def test_all_pages_of_a_detail_are_read(tenant: Tenant, vendor: RpcVendor) -> None:
    assert vendor.list_asked("note.list") == [
        {"limit": 2, "candidateId": "1"},
        {"limit": 2, "candidateId": "1", "cursor": "2"},
    ]


async def test_next_run_asks_with_the_token_and_reads_what_changed_alone(tenant: Tenant, vendor: RpcVendor) -> None:
    vendor.put("candidate", "2", name="Renamed", noted=False, version=2)
    vendor.asked.clear()
    report = await tenant.sync()
    assert vendor.list_asked("candidate.list") == [{"limit": 2, "includeArchived": True, "syncToken": "9"}]
    assert counts(report, "candidates") == (0, 1, 0, 0)
    assert (await list_names(tenant))["2"] == "Renamed"
    assert await find_token(tenant) == "10"
    vendor.asked.clear()
    report = await tenant.sync()
    assert vendor.list_asked("candidate.list") == [{"limit": 2, "includeArchived": True, "syncToken": "10"}]
    assert next(part for part in report.streams if part.stream == "candidates").read == 0


@pytest.mark.parametrize("after", [0, 1])
async def test_token_that_is_no_longer_taken_means_a_whole_read_in_the_same_run(
    tenant: Tenant, vendor: RpcVendor, after: int
) -> None:
    del vendor.rows["candidate"]["3"]
    for id in "124":
        vendor.put("candidate", id, name=f"Renamed {id}", noted=False, version=2)
    vendor.fails["candidate.list"] = [*[None] * after, "token_dead"]
    report = await tenant.sync()
    assert (report.status, report.errors) == ("done", {})
    assert counts(report, "candidates")[2] == 1
    assert sorted(await list_names(tenant)) == ["1", "2", "4", "5"]
    assert await find_token(tenant) == str(vendor.counter)


async def test_vendor_that_takes_no_token_is_read_whole_each_time(tenant: Tenant, vendor: RpcVendor) -> None:
    vendor.dead_tokens = True
    for id in "12":  # each run finds the token of the one before refused, and its own
        vendor.put("candidate", id, name="Renamed", noted=False, version=2)
        report = await tenant.sync()
        assert (report.status, report.errors) == ("done", {})
        assert (await list_names(tenant))[id] == "Renamed"
    vendor.dead_tokens, vendor.gives_tokens = False, False
    await tenant.sync(full=True)
    vendor.asked.clear()
    report = await tenant.sync()
    assert report.status == "done"
    assert "syncToken" not in str(vendor.list_asked("candidate.list"))
    assert await find_token(tenant) is None
    await tenant.sync()
    assert "syncToken" not in str(vendor.list_asked("candidate.list"))


async def test_cursor_that_dies_within_a_whole_read_begins_it_again(tenant: Tenant, vendor: RpcVendor) -> None:
    vendor.fails["candidate.list"] = [None, "cursor_dead"]
    report = await tenant.sync(full=True)
    assert (report.status, report.errors) == ("done", {})
    assert len(await list_names(tenant)) == 5


async def test_token_of_a_run_that_dies_before_its_end_is_the_next_ones(
    tenant: Tenant, vendor: RpcVendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    vendor.put("candidate", "2", name="Renamed", noted=False, version=2)

    async def die(*_: object, **__: object) -> None:
        raise Stopped("killed")

    with monkeypatch.context() as patch:
        patch.setattr(runs, "finish_stream", die)
        with pytest.raises(Stopped):
            await tenant.sync()
    assert await find_token(tenant) == "9"
    assert (await tenant.sync()).status == "done"
    assert (await list_names(tenant))["2"] == "Renamed"
    assert await find_token(tenant) == "10"


async def test_failure_within_a_200_is_what_its_code_means(tenant: Tenant, vendor: RpcVendor) -> None:
    vendor.fails = {"tag.list": ["no_permission"], "candidate.list": ["busy", "busy"]}
    report = await tenant.sync()
    assert report.errors == {"tags": "the credentials lack tags"}
    vendor.fails = {"candidate.list": ["what_is_this"]}
    report = await tenant.sync()
    assert report.errors == {"candidates": "POST /candidate.list: the vendor answers what_is_this"}


async def test_row_that_the_vendor_no_longer_has_is_asked_for_by_its_id_and_deleted(
    tenant: Tenant, vendor: RpcVendor
) -> None:
    del vendor.rows["candidate"]["5"]
    vendor.asked.clear()
    report = await tenant.sync(full=True)
    assert counts(report, "candidates") == (0, 0, 1, 0)
    assert vendor.list_asked("candidate.info") == [{"id": "5"}, {"id": "5"}]


async def test_refused_key_is_asked_with_once_in_a_call_and_given_up_over_minutes(
    tenant: Tenant, vendor: RpcVendor, pool: Pool, sealer: Sealer
) -> None:
    client = open_client(RPC, {"api_key": "another"}, vendor.base_url, is_base_url_trusted=True, retry=IMPATIENT)
    async with client:
        with pytest.raises(ReauthorizeNeeded, match="key_unknown"):
            await client.check()
        assert client.calls == 1
    vendor.key = "changed meanwhile"
    grants = StoredGrants(
        pool, sealer, connector=tenant.connector.id, number=tenant.connector.number,
        version=tenant.connector.credentials_version,
    )  # fmt: skip
    async with open_client(
        RPC, {"api_key": KEY}, vendor.base_url, is_base_url_trusted=True, retry=IMPATIENT, grants=grants
    ) as opened:
        with pytest.raises(CredentialsRefused):
            await opened.check()
        assert opened.calls == 1
