"""Issues over HTTP: what is open, what is over, and what to do."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest

from testbed.tenants import Tenant, read_pages
from unihire.dialects.unihire.list_pages import write_place
from unihire.store.issues import open_issue, resolve_issues
from unihire.sync.issues import ADVICE, IssueKind

PATH = "/api/v1/issues"
NOW = datetime(2026, 1, 31, 9, 30, tzinfo=UTC)


async def open_one(tenant: Tenant, kind: str, stream: str = "", *, minutes: int = 0) -> None:
    await open_issue(tenant.pool, tenant.connector.number, kind, f"{kind} of {stream}", stream=stream)
    await tenant.pool.execute(
        "UPDATE issue SET seen_at = $2, opened_at = CASE times WHEN 1 THEN $2::timestamptz ELSE opened_at END "
        "WHERE connector = $1 AND kind = $3 AND stream = $4 AND resolved_at IS NULL",
        tenant.connector.number, NOW + timedelta(minutes=minutes), kind, stream,
    )  # fmt: skip


async def resolve(tenant: Tenant, kind: str, stream: str = "") -> None:
    await resolve_issues(tenant.pool, tenant.connector.number, [kind], stream=stream)
    await tenant.pool.execute(
        "UPDATE issue SET resolved_at = $2 WHERE connector = $1 AND resolved_at > $2",
        tenant.connector.number, NOW + timedelta(days=1),
    )  # fmt: skip


async def list_all(api: httpx.AsyncClient, **params: Any) -> list[dict[str, Any]]:
    return await read_pages(api, PATH, **params)


async def test_connector_without_issues_has_none(api: httpx.AsyncClient) -> None:
    assert (await api.get(PATH)).json() == {"cursor": None, "page_size": 0, "items": []}


async def test_issue_says_what_where_how_often_and_what_to_do(api: httpx.AsyncClient, tenant: Tenant) -> None:
    await open_one(tenant, IssueKind.PERMISSION_MISSING, "jobs")
    await open_one(tenant, IssueKind.PERMISSION_MISSING, "jobs", minutes=5)
    (issue,) = await list_all(api)
    assert issue.pop("id")
    assert issue == {
        "kind": "permission_missing",
        "stream": "jobs",
        "message": "permission_missing of jobs",
        "advice": ADVICE[IssueKind.PERMISSION_MISSING],
        "times": 2,
        "opened_at": "2026-01-31T09:30:00Z",
        "last_seen_at": "2026-01-31T09:35:00Z",
        "resolved_at": None,
    }


async def test_issue_of_the_whole_connector_names_no_list(api: httpx.AsyncClient, tenant: Tenant) -> None:
    await open_one(tenant, IssueKind.REAUTHORIZE)
    assert [issue["stream"] for issue in await list_all(api)] == [None]


async def test_issue_that_is_over_is_told_on_request_alone(api: httpx.AsyncClient, tenant: Tenant) -> None:
    await open_one(tenant, IssueKind.FAULT)
    await resolve(tenant, IssueKind.FAULT)
    assert await list_all(api) == []
    (issue,) = await list_all(api, resolved="true")
    assert issue["resolved_at"] == "2026-02-01T09:30:00Z"


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 6, 100])
async def test_pages_have_every_issue_once_open_ones_first_the_latest_first(
    api: httpx.AsyncClient, tenant: Tenant, size: int
) -> None:
    for stream, minutes in (("a", 0), ("b", 1), ("c", 1), ("d", 2), ("e", 3), ("f", 1)):
        await open_one(tenant, IssueKind.VENDOR_REFUSED, stream, minutes=minutes)
    await resolve(tenant, IssueKind.VENDOR_REFUSED, "d")
    await resolve(tenant, IssueKind.VENDOR_REFUSED, "b")
    streams = [issue["stream"] for issue in await list_all(api, resolved="true", page_size=size)]
    assert [*streams[:1], *sorted(streams[1:3]), *streams[3:]] == ["e", "c", "f", "a", "d", "b"]


async def test_kind_that_a_later_version_knows_is_told_without_advice(api: httpx.AsyncClient, tenant: Tenant) -> None:
    await open_one(tenant, "of_tomorrow")
    assert [(issue["kind"], issue["advice"]) for issue in await list_all(api)] == [("of_tomorrow", None)]


async def test_issues_of_another_connector_are_not_told(
    api: httpx.AsyncClient, tenant: Tenant, other_tenant: Tenant
) -> None:
    for kind in (IssueKind.FAULT, IssueKind.REAUTHORIZE):
        await open_one(tenant, kind)
    assert (await api.get(PATH, headers=other_tenant.headers)).json()["items"] == []
    cursor = (await api.get(PATH, params={"page_size": 1})).json()["cursor"]
    assert (await api.get(PATH, params={"cursor": cursor}, headers=other_tenant.headers)).status_code == 422


@pytest.mark.parametrize(
    ("params", "where"),
    [({"resolved": "perhaps"}, "resolved"), ({"page_size": "0"}, "page_size"), ({"cursor": "x"}, "cursor")],
)
async def test_query_that_cannot_be_is_told_by_its_parameter(
    api: httpx.AsyncClient, params: dict[str, str], where: str
) -> None:
    answer = await api.get(PATH, params=params)
    assert answer.status_code == 422
    assert [problem["loc"] for problem in answer.json()["detail"]] == [["query", where]]


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59"])
async def test_cursor_that_its_owner_made_up_is_refused(api: httpx.AsyncClient, tenant: Tenant, moment: str) -> None:
    place = (False, moment, UUID(int=0))
    answer = await api.get(PATH, params={"cursor": write_place(tenant.connector.id, "issues", place)})
    assert answer.status_code == 422
    assert [problem["loc"] for problem in answer.json()["detail"]] == [["query", "cursor"]]
