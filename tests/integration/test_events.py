"""`GET /api/v1/events`: who sees what, in which order, narrowed how, and what is said where events are missing."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import httpx
import pytest
import pytest_asyncio

from testbed.databases import Databases
from testbed.event_log import save_logged
from testbed.records import id_in
from testbed.tenants import Tenant, make_tenant, open_api
from unihire.dialects.unihire.events import EventParams
from unihire.kit.clock import parse_moment, to_micros
from unihire.kit.seal import Sealer
from unihire.platform.access import Access, Caller
from unihire.platform.hiding import Hidden
from unihire.store import Pool
from unihire.store.events import log

PATH = "/api/v1/events"
ITEM = {"position", "connector_id", "model", "id", "remote_id", "kind", "changed", "at", "write_id"}


@pytest_asyncio.fixture
async def other(pool: Pool, sealer: Sealer, tenant: Tenant) -> Tenant:
    """Another connector of the same environment."""
    return await make_tenant(pool, sealer)


@pytest_asyncio.fixture
async def api(databases: Databases, tenant: Tenant) -> AsyncIterator[httpx.AsyncClient]:
    async with open_api(databases.settings("migrated"), tenant) as client:
        yield client


@pytest_asyncio.fixture
async def whole(api: httpx.AsyncClient) -> httpx.AsyncClient:
    """A client that names no connector."""
    api.headers.pop("X-Connector-Token", None)
    return api


async def ask(api: httpx.AsyncClient, **params: Any) -> dict[str, Any]:
    answer = await api.get(PATH, params=params)
    assert answer.status_code == 200, answer.text
    page: dict[str, Any] = answer.json()
    assert page.keys() == {"items", "page_size", "cursor", "more"}
    assert page["page_size"] == len(page["items"])
    assert page["cursor"]
    return page


async def read_on(api: httpx.AsyncClient, cursor: str | None = None, **params: Any) -> tuple[list[dict[str, Any]], str]:
    """Events until there are no more, and where to go on."""
    items: list[dict[str, Any]] = []
    while True:
        page = await ask(api, **params, **({"cursor": cursor} if cursor else {}))
        items += page["items"]
        cursor = page["cursor"]
        if not page["more"]:
            return items, cursor


def brief(items: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(item["remote_id"], item["kind"]) for item in items]


async def fill(tenant: Tenant) -> None:
    """Two candidates and a job, one renamed, one gone."""
    await save_logged(tenant, "candidate", {"remote_id": "1", "first_name": "Kim"}, {"remote_id": "2"})
    await save_logged(tenant, "job", {"remote_id": "j", "name": "Chemist"})
    await save_logged(tenant, "candidate", {"remote_id": "1", "first_name": "Sam"})
    await save_logged(tenant, "candidate", gone=["2"])


FILLED = [("1", "created"), ("2", "created"), ("j", "created"), ("1", "updated"), ("2", "deleted")]


async def test_events_of_a_connector_are_answered_in_its_order_with_what_changed(
    api: httpx.AsyncClient, tenant: Tenant, other: Tenant
) -> None:
    await fill(tenant)
    await save_logged(other, "candidate", {"remote_id": "9"})
    page = await ask(api)
    assert brief(page["items"]) == FILLED
    assert page["more"] is False
    updated = page["items"][3]
    assert updated.keys() == ITEM
    assert updated["connector_id"] == str(tenant.connector.id)
    assert (updated["model"], updated["id"]) == ("candidate", id_in(tenant, "candidate", "1"))
    assert "first_name" in updated["changed"]
    assert [item["changed"] for item in page["items"] if item["kind"] != "updated"] == [[]] * 4
    record = (await api.get(f"/api/v1/candidates/{updated['id']}")).json()
    assert updated["at"] == record["modified_at"]
    moments = [item["at"] for item in page["items"]]
    assert moments == sorted(moments)
    assert len({item["position"] for item in page["items"]}) == 5


async def test_events_of_all_connectors_are_those_of_the_keys_environment(
    whole: httpx.AsyncClient, pool: Pool, sealer: Sealer, tenant: Tenant, other: Tenant
) -> None:
    test = await make_tenant(pool, sealer, environment="development")
    stranger = await make_tenant(pool, sealer, organisation="Example Two")
    for one in (test, stranger, other):
        await save_logged(one, "candidate", {"remote_id": "9"})
    await fill(tenant)
    items, cursor = await read_on(whole)
    assert brief(items) == [("9", "created"), *FILLED]
    assert {item["connector_id"] for item in items} == {str(tenant.connector.id), str(other.connector.id)}
    for one, narrowed in ((other, items[:1]), (tenant, items[1:])):
        assert (await ask(whole, connector_id=one.connector.id))["items"] == narrowed
    for one in (test, stranger):
        assert (await whole.get(PATH, params={"connector_id": str(one.connector.id)})).status_code == 404
        headers = {"Authorization": f"Bearer {one.key}"}
        refused = await whole.get(PATH, params={"cursor": cursor}, headers=headers)
        assert (refused.status_code, refused.json()["detail"][0]["loc"]) == (422, ["query", "cursor"])


@pytest.mark.parametrize("page_size", [1, 2, 3, 200])
async def test_pages_of_any_size_lead_on_from_cursor_and_position(
    api: httpx.AsyncClient, tenant: Tenant, page_size: int
) -> None:
    await fill(tenant)
    items, cursor = await read_on(api, page_size=page_size)
    assert brief(items) == FILLED
    for number, item in enumerate(items, 1):
        assert (await read_on(api, item["position"], page_size=page_size))[0] == items[number:]
    assert (await ask(api, cursor=cursor)) == {"items": [], "page_size": 0, "cursor": cursor, "more": False}
    await save_logged(tenant, "candidate", {"remote_id": "3"})
    assert brief((await ask(api, cursor=cursor))["items"]) == [("3", "created")]
    api.headers.pop("X-Connector-Token", None)  # the same places are in the order over all connectors
    assert (await read_on(api, items[1]["position"], page_size=page_size))[0][:3] == items[2:]


async def test_log_without_events_has_a_cursor_behind_which_the_first_comes(
    api: httpx.AsyncClient, tenant: Tenant
) -> None:
    for _ in range(2):
        page = await ask(api)
        assert (page["items"], page["more"]) == ([], False)
        await save_logged(tenant, "candidate", {"remote_id": "1"})
        assert brief((await ask(api, cursor=page["cursor"]))["items"]) == [("1", "created")]
        await tenant.pool.execute("DELETE FROM event_page; DELETE FROM record")
        api.headers.pop("X-Connector-Token", None)


@pytest.mark.parametrize("with_token", [True, False])
async def test_end_is_behind_all_events_of_now(api: httpx.AsyncClient, tenant: Tenant, *, with_token: bool) -> None:
    if not with_token:
        api.headers.pop("X-Connector-Token", None)
    await fill(tenant)
    end = await ask(api, cursor="end")
    assert (end["items"], end["more"]) == ([], False)
    assert end["cursor"] == (await read_on(api))[1]
    await save_logged(tenant, "candidate", {"remote_id": "3"})
    assert brief((await ask(api, cursor=end["cursor"]))["items"]) == [("3", "created")]


@pytest.mark.parametrize(
    ("params", "found"),
    [
        ({"model": "job"}, [("j", "created")]),
        ({"model": "job_posting"}, []),
        ({"kind": "deleted"}, [("2", "deleted")]),
        ({"kind": "created", "model": "candidate"}, [("1", "created"), ("2", "created")]),
        ({"changed": "first_name"}, [("1", "updated")]),
        ({"changed": "raw_data", "model": "candidate"}, [("1", "updated")]),
        ({"changed": "last_name"}, []),
    ],
)
async def test_events_are_narrowed(
    api: httpx.AsyncClient, tenant: Tenant, params: dict[str, str], found: list[tuple[str, str]]
) -> None:
    await fill(tenant)
    for _ in range(2):
        items, cursor = await read_on(api, page_size=1, **params)
        assert brief(items) == found
        assert (await ask(api, cursor=cursor))["items"] == []  # it is behind those that do not fit, too
        api.headers.pop("X-Connector-Token", None)


async def test_fields_that_only_our_own_face_shows_are_named_with_more(api: httpx.AsyncClient, tenant: Tenant) -> None:
    await save_logged(tenant, "job", {"remote_id": "j", "name": "Chemist"})
    await save_logged(tenant, "job", {"remote_id": "j", "name": "Chemist", "category": "Science"})
    (updated,) = (await ask(api, changed="more.category"))["items"]
    assert updated["changed"] == ["more.category", "raw_data"]


async def test_few_that_fit_among_many_are_found_by_asking_on(
    api: httpx.AsyncClient, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("unihire.events.log_reading.MOST_WALKED", 20)
    await save_logged(tenant, "job", {"remote_id": "j"})
    for number in range(60):
        await save_logged(tenant, "candidate", {"remote_id": str(number)})
    await save_logged(tenant, "job", {"remote_id": "k"})
    for _ in range(2):
        page = await ask(api, model="job")
        assert (brief(page["items"]), page["more"]) == ([("j", "created")], True)
        assert brief((await read_on(api, page["cursor"], model="job"))[0]) == [("k", "created")]
        api.headers.pop("X-Connector-Token", None)


async def test_records_come_with_their_events_as_they_are_now(
    whole: httpx.AsyncClient, tenant: Tenant, other: Tenant
) -> None:
    await fill(tenant)
    await save_logged(other, "candidate", {"remote_id": "1", "first_name": "Other"})
    items, _ = await read_on(whole, include_record=True, page_size=4)
    assert all(item.keys() == ITEM | {"record"} for item in items)
    names = {(item["connector_id"], item["remote_id"]): item["record"] for item in items}
    assert names[str(other.connector.id), "1"]["first_name"] == "Other"
    assert [item["record"] and item["record"]["remote_id"] for item in items] == ["1", None, "j", "1", None, "1"]
    assert {item["record"]["first_name"] for item in items[0:4:3]} == {"Sam"}
    headers = tenant.headers
    shown = await whole.get(f"/api/v1/candidates/{items[0]['id']}", headers=headers)
    assert items[0]["record"] == shown.json()


@pytest.mark.parametrize("with_token", [True, False])
async def test_hidden_fields_are_neither_named_nor_found_by(
    api: httpx.AsyncClient, tenant: Tenant, monkeypatch: pytest.MonkeyPatch, *, with_token: bool
) -> None:
    await fill(tenant)
    check = Access.check_key
    hidden = Hidden({"candidate": frozenset({"first_name"}), "job": frozenset({"category"})})

    async def hide(access: Access, header: str | None) -> Caller:
        caller = await check(access, header)
        return Caller(caller.organisation, caller.environment, hidden)

    monkeypatch.setattr(Access, "check_key", hide)
    if not with_token:
        api.headers.pop("X-Connector-Token", None)
    (updated,) = (await ask(api, kind="updated", include_record=True))["items"]
    assert "first_name" not in updated["changed"]
    assert "raw_data" not in updated["changed"]
    assert updated["record"]["first_name"] is None
    for name in ("first_name", "raw_data"):
        assert (await ask(api, changed=name))["items"] == []


@pytest.mark.parametrize("with_token", [True, False])
async def test_reader_behind_what_is_stored_is_shown_the_way_back(
    api: httpx.AsyncClient, tenant: Tenant, *, with_token: bool
) -> None:
    if not with_token:
        api.headers.pop("X-Connector-Token", None)
    await fill(tenant)
    items, _ = await read_on(api)
    xid = await tenant.pool.fetchval("SELECT xid FROM event_page ORDER BY last_seq DESC LIMIT 1")
    await tenant.pool.execute("DELETE FROM event_page")
    cut = parse_moment(items[-1]["at"])
    await tenant.pool.execute(log.NOTE_CUT, tenant.connector.number, to_micros(cut), xid)
    answer = await api.get(PATH, params={"cursor": items[1]["position"]})
    assert answer.status_code == 410
    gone = answer.json()
    assert gone.keys() == {"detail", "modified_after", "cursor"}
    assert gone["modified_after"] < items[1]["at"]
    assert gone["modified_after"] in gone["detail"]
    params = {"modified_after": gone["modified_after"], "include_deleted": True}
    listed = (await api.get("/api/v1/candidates", params=params, headers=tenant.headers)).json()["items"]
    assert [(item["remote_id"], item.get("deleted", False)) for item in listed] == [("1", False), ("2", True)]
    assert (await ask(api, cursor=gone["cursor"]))["items"] == []
    await save_logged(tenant, "candidate", {"remote_id": "3"})
    assert brief((await ask(api, cursor=gone["cursor"]))["items"]) == [("3", "created")]
    assert brief((await ask(api))["items"]) == [("3", "created")]  # from the oldest that is stored


async def test_cursor_of_another_database_is_shown_the_whole_way(databases: Databases, sealer: Sealer) -> None:
    async with databases.open() as pool:
        tenant = await make_tenant(pool, sealer)
        await fill(tenant)
        async with open_api(databases.settings("migrated"), tenant) as api:
            _, cursor = await read_on(api)
            await pool.execute("UPDATE event_epoch SET epoch = epoch # 1")
            answer = await api.get(PATH, params={"cursor": cursor})
            assert (answer.status_code, answer.json()["modified_after"]) == (410, None)
            assert (await ask(api, cursor=answer.json()["cursor"]))["items"] == []


@pytest.mark.parametrize(
    ("params", "place"),
    [
        ({"page_size": "0"}, "page_size"),
        ({"page_size": "201"}, "page_size"),
        ({"cursor": "x"}, "cursor"),
        ({"cursor": "A" * 48}, "cursor"),
        ({"cursor": "ü"}, "cursor"),
        ({"model": "candidates"}, "model"),
        ({"kind": "moved"}, "kind"),
        ({"connector_id": "1"}, "connector_id"),
        ({"changed": "more.first_name"}, "changed"),
        ({"changed": "no_such_field"}, "changed"),
        ({"include_record": "perhaps"}, "include_record"),
        ({"modified_after": "2026-01-01"}, "modified_after"),
    ],
)
async def test_what_cannot_be_asked_is_refused_by_name(
    api: httpx.AsyncClient, params: dict[str, str], place: str
) -> None:
    answer = await api.get(PATH, params=params)
    assert answer.status_code == 422, answer.text
    assert [problem["loc"] for problem in answer.json()["detail"]] == [["query", place]]


async def test_position_of_another_connector_is_no_cursor_of_one(
    api: httpx.AsyncClient, tenant: Tenant, other: Tenant
) -> None:
    await save_logged(other, "candidate", {"remote_id": "1"})
    headers = {"X-Connector-Token": other.token}
    (item,) = (await api.get(PATH, headers=headers)).json()["items"]
    assert (await api.get(PATH, params={"cursor": item["position"]})).status_code == 422
    params = {"connector_id": str(other.connector.id)}
    assert (await api.get(PATH, params=params)).status_code == 404  # the token is another's
    assert (await api.get(PATH, params={"connector_id": str(uuid4())})).status_code == 404


async def test_bad_key_and_bad_token_are_refused(api: httpx.AsyncClient) -> None:
    for headers in ({"Authorization": "Bearer no"}, {"X-Connector-Token": "no"}, {"X-Connector-Token": ""}):
        assert (await api.get(PATH, headers=headers)).status_code == 401
    assert EventParams().page_size == 50
