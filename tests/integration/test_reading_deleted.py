"""Deleted records among the living, for those who ask for them."""

from datetime import timedelta
from typing import Any

import httpx
import pytest

from testbed.databases import Databases
from testbed.mirror import DELETED, Mirror
from testbed.records import PLURALS, bury, find_ids, id_in, make_row, save
from testbed.tenants import Tenant, open_api, read_all
from unihire.store.feed.erasing import erase_deleted

ALL = pytest.mark.parametrize("plural", PLURALS)
SIZES = pytest.mark.parametrize("page_size", [1, 2, 3, 100])

APPLICATIONS = "/api/ats/v1/applications"


async def fill(tenant: Tenant) -> None:
    """Applications 0 to 8 of three jobs; of each job's three the second is deleted, and job 0 has lost its last too."""
    rows = [
        {"remote_id": str(number), "job": str(number // 3), "candidate": f"c{number}", "source": "Ads"}
        for number in range(9)
    ]
    for row in rows[:5]:
        await save(tenant, "application", row)
    await bury(tenant, "application", "4", "1")
    for row in rows[5:]:
        await save(tenant, "application", row)
    await bury(tenant, "application", "2", "7")


async def find(api: httpx.AsyncClient, page_size: int = 2, **params: Any) -> list[str]:
    """The vendor's ids of a list of applications with deleted ones, which have a minus before theirs."""
    items = await read_all(api, "applications", page_size=page_size, include_deleted=True, **params)
    stamps = [item["modified_at"] for item in items]
    assert stamps == sorted(set(stamps))
    return [("-" if item.get("deleted") else "") + item["remote_id"] for item in items]


@SIZES
async def test_deleted_records_stand_in_the_list_where_they_were_deleted(
    api: httpx.AsyncClient, tenant: Tenant, page_size: int
) -> None:
    await fill(tenant)
    assert await find(api, page_size) == ["0", "3", "-4", "-1", "5", "6", "8", "-2", "-7"]
    for params in ({}, {"include_deleted": False}):
        assert find_ids(await read_all(api, "applications", page_size=page_size, **params)) == ["0", "3", "5", "6", "8"]


@ALL
async def test_of_a_deleted_record_come_ids_and_when_and_nothing_else(
    api: httpx.AsyncClient, tenant: Tenant, plural: str
) -> None:
    spec = PLURALS[plural]
    await save(tenant, spec.name, make_row(spec, 1), {"remote_id": 'odd "1" \\ é\n'})
    before = {item["remote_id"]: item for item in await read_all(api, plural)}
    await bury(tenant, spec.name, *before)
    asked: dict[str, Any] = {"include_raw_data": True, "include_custom_fields": True}
    if spec.relations:
        asked["expand"] = ",".join(field.name for field in spec.relations)
    assert await read_all(api, plural, **asked) == []
    found = await read_all(api, plural, include_deleted=True, **asked)
    assert len(found) == 2
    for item in found:
        assert item.keys() == DELETED
        assert (item["id"], item["deleted"]) == (before[item["remote_id"]]["id"], True)
        assert item["modified_at"] > before[item["remote_id"]]["modified_at"]
        path = f"/api/ats/v1/{plural}/{item['id']}"
        assert (await api.get(path, params={**asked, "include_deleted": True})).json() == item
        for params in (asked, {"include_deleted": False}):
            assert (await api.get(path, params=params)).status_code == 404


async def test_live_records_beside_deleted_ones_are_answered_as_ever(
    databases: Databases, api: httpx.AsyncClient, tenant: Tenant
) -> None:
    await fill(tenant)
    await save(tenant, "job", {"remote_id": "0", "name": "One"})
    for params in ({}, {"include_raw_data": True}, {"include_custom_fields": True}, {"expand": "job[id,name]"}):
        living = await read_all(api, "applications", **params)
        found = await read_all(api, "applications", include_deleted=True, **params)
        assert [item for item in found if "deleted" not in item] == living
        one = f"{APPLICATIONS}/{living[0]['id']}"
        assert (await api.get(one, params={**params, "include_deleted": True})).json() == living[0]


async def test_deleted_record_is_of_its_list_and_its_connector_alone(
    databases: Databases, api: httpx.AsyncClient, tenant: Tenant, other_tenant: Tenant
) -> None:
    await fill(tenant)
    id = id_in(tenant, "application", "4")
    ask = {"include_deleted": True}
    assert (await api.get(f"{APPLICATIONS}/{id}", params=ask)).status_code == 200
    assert (await api.get(f"/api/ats/v1/jobs/{id}", params=ask)).status_code == 404
    assert await read_all(api, "jobs", include_deleted=True) == []
    async with open_api(databases.settings("migrated"), other_tenant) as other:
        assert (await other.get(f"{APPLICATIONS}/{id}", params=ask)).status_code == 404
        assert await read_all(other, "applications", include_deleted=True, ids=id) == []


@SIZES
async def test_ids_narrow_deleted_records_too(api: httpx.AsyncClient, tenant: Tenant, page_size: int) -> None:
    await fill(tenant)
    ids = ",".join(id_in(tenant, "application", number) for number in ("7", "0", "4", "5", "77"))
    assert await find(api, page_size, ids=ids) == ["0", "-4", "5", "-7"]
    assert await find(api, page_size, ids=ids, job=id_in(tenant, "job", "0")) == ["0", "-4", "-7"]
    assert await find(api, page_size, remote_id="4") == ["-4"]
    assert await find(api, page_size, remote_id="5") == ["5"]
    assert await find(api, page_size, remote_id="4", ids=id_in(tenant, "application", "5")) == []
    assert await find(api, page_size, ids="what?") == []


@SIZES
async def test_filters_let_every_deleted_record_pass(api: httpx.AsyncClient, tenant: Tenant, page_size: int) -> None:
    await fill(tenant)
    gone = ["-4", "-1", "-2", "-7"]
    jobs = [id_in(tenant, "job", str(number)) for number in range(3)]
    others = [f"{number:08}-0000-5000-8000-000000000000" for number in range(60)]
    people = ",".join(id_in(tenant, "candidate", f"c{number}") for number in (0, 3, 6))
    for params, expected in (
        ({"job": jobs[1]}, ["3", *gone[:2], "5", *gone[2:]]),
        ({"job": jobs[1], "source": "Ads"}, ["3", *gone[:2], "5", *gone[2:]]),
        ({"job": ",".join(jobs[1:])}, ["3", *gone[:2], "5", "6", "8", *gone[2:]]),
        ({"job": ",".join([*others, *jobs[:2]])}, ["0", "3", *gone[:2], "5", *gone[2:]]),
        ({"job": ",".join(jobs[:2]), "candidate": people}, ["0", "3", *gone]),
        ({"source": "nobody has this"}, gone),
    ):
        assert await find(api, page_size, **params) == expected, params


async def test_modified_after_counts_from_when_a_record_was_deleted(api: httpx.AsyncClient, tenant: Tenant) -> None:
    await fill(tenant)
    items = await read_all(api, "applications", include_deleted=True)
    for place, item in enumerate(items):
        found = await find(api, modified_after=item["modified_at"])
        assert len(found) == len(items) - place - 1
    assert found == []


async def test_record_that_comes_back_is_living_with_the_id_it_had(api: httpx.AsyncClient, tenant: Tenant) -> None:
    await save(tenant, "tag", {"remote_id": "1", "name": "a"}, {"remote_id": "2", "name": "b"})
    (before, _) = await read_all(api, "tags")
    path, ask = f"/api/ats/v1/tags/{before['id']}", {"include_deleted": True}
    mirror = Mirror(api, ["/api/ats/v1/tags"])
    await mirror.follow()
    for _ in range(2):
        await bury(tenant, "tag", "1")
        assert (await api.get(path, params=ask)).json()["deleted"]
        await mirror.follow()
        assert before["id"] not in mirror.records["/api/ats/v1/tags"]
        await save(tenant, "tag", {"remote_id": "1", "name": "a"})
        found = await read_all(api, "tags", include_deleted=True)
        assert [(item["remote_id"], item.get("deleted"), item["name"]) for item in found] == [
            ("2", None, "b"), ("1", None, "a"),
        ]  # fmt: skip
        now = (await api.get(path, params=ask)).json()
        assert {**now, "modified_at": ""} == {**before, "modified_at": ""}
        await mirror.follow()
        assert mirror.records["/api/ats/v1/tags"][before["id"]] == now


async def test_deleted_record_whose_content_was_let_go_shows_as_before(api: httpx.AsyncClient, tenant: Tenant) -> None:
    await fill(tenant)
    before = await read_all(api, "applications", include_deleted=True)
    await tenant.pool.execute("UPDATE record SET deleted_at = deleted_at - '2 days'::interval")
    assert await erase_deleted(tenant.pool, timedelta(days=1), 500) is False
    assert await tenant.pool.fetchval("SELECT count(*) FROM record WHERE fingerprint = ''") == 4
    assert await read_all(api, "applications", include_deleted=True) == before
    assert await find(api, job=id_in(tenant, "job", "2")) == ["-4", "-1", "6", "8", "-2", "-7"]


async def test_other_word_than_yes_or_no_is_refused(api: httpx.AsyncClient, tenant: Tenant) -> None:
    for path in (APPLICATIONS, f"{APPLICATIONS}/{id_in(tenant, 'application', '1')}"):
        answer = await api.get(path, params={"include_deleted": "all"})
        assert answer.status_code == 422
        assert [problem["loc"] for problem in answer.json()["detail"]] == [["query", "include_deleted"]]
