"""The schedule over HTTP: told, changed, within its bounds."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from testbed.databases import Databases
from testbed.tenants import Tenant, open_api
from testbed.vendor import ACME
from unihire.integration import registry
from unihire.kit.seal import Sealer
from unihire.store.work.schedules import get_schedule

PATH = "/api/v1/schedule"


@pytest.fixture(autouse=True)
def acme(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "list_integrations", lambda: (ACME,))


async def put(api: httpx.AsyncClient, **body: Any) -> dict[str, Any]:
    answer = await api.put(PATH, json=body)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    assert (await api.get(PATH)).json() == told
    return told


async def test_connector_is_synced_every_hour_and_whole_every_day_unless_told_otherwise(
    api: httpx.AsyncClient,
) -> None:
    told = (await api.get(PATH)).json()
    assert (told["every"], told["full_every"], told["paused"]) == ("1h", "1d", False)
    assert told["next_at"].endswith("Z")


@pytest.mark.parametrize(
    ("sent", "told"), [("15m", "15m"), ("900s", "15m"), ("90m", "90m"), ("24h", "1d"), ("7d", "7d")]
)
async def test_schedule_is_changed_and_counts_from_now(
    api: httpx.AsyncClient, tenant: Tenant, sent: str, told: str
) -> None:
    before = datetime.now(UTC)
    assert (await put(api, every=sent, full_every=sent))["every"] == told
    kept = await get_schedule(tenant.pool, tenant.connector.number)
    assert kept.every == kept.full_every
    assert before + kept.every / 2 <= kept.next_at <= datetime.now(UTC) + kept.every * 3 / 2
    assert timedelta(minutes=15) <= kept.every <= timedelta(days=7)


async def test_what_is_left_out_stays(api: httpx.AsyncClient) -> None:
    await put(api, every="2h", full_every="3d")
    told = await put(api, full_every="2d")
    assert (told["every"], told["full_every"]) == ("2h", "2d")
    told = await put(api, every="3h")
    assert (told["every"], told["full_every"]) == ("3h", "2d")


@pytest.mark.parametrize(
    ("body", "where"),
    [
        (b"", []),
        (b"{}", []),
        (b"{", []),
        (b'{"every": "14m"}', ["every"]),
        (b'{"every": "899s"}', ["every"]),
        (b'{"every": "8d"}', ["every"]),
        (b'{"full_every": "169h"}', ["full_every"]),
        (b'{"every": "999999999d"}', ["every"]),
        (b'{"every": "soon"}', ["every"]),
        (b'{"every": 3600}', ["every"]),
        (b'{"every": null}', ["every"]),
        (b'{"every": "1h", "paused": true}', ["paused"]),
        (b'{"every": "1h", "full_every": "1m"}', ["full_every"]),
        (b'{"every": "2h", "fast_models": ["candidates"]}', ["fast_models"]),
        (b'{"every": "2h", "fast_models": ["scorecard"]}', ["fast_models"]),
        (b'{"every": "2h", "fast_models": ["job_interview_stage"]}', ["fast_models"]),
        (b'{"every": "2h", "fast_every": "1m"}', ["fast_models"]),
        (b'{"every": "2h", "fast_models": ["job"], "fast_every": "29s"}', ["fast_every"]),
        (b'{"every": "2h", "fast_models": ["job"], "fast_every": "25h"}', ["fast_every"]),
        (b'{"every": "2h", "fast_models": "job"}', ["fast_models"]),
        (b'{"every": "2h", "fast_models": null, "fast_every": "1m"}', ["fast_every"]),
    ],
)
async def test_schedule_that_cannot_be_is_told_by_its_member_and_changes_nothing(
    api: httpx.AsyncClient, body: bytes, where: list[str]
) -> None:
    before = (await api.get(PATH)).json()
    answer = await api.put(PATH, content=body)
    assert answer.status_code == 422
    assert [problem["loc"] for problem in answer.json()["detail"]] == [["body", *where]]
    assert (await api.get(PATH)).json() == before


async def test_fast_runs_are_chosen_changed_and_ended(api: httpx.AsyncClient, tenant: Tenant) -> None:
    def fast(said: dict[str, Any]) -> tuple[list[str], str]:
        return said["fast_models"], said["fast_every"]

    assert fast((await api.get(PATH)).json()) == ([], "1m")
    assert fast(await put(api, fast_models=["candidate"], fast_every="30s")) == (["candidate"], "30s")
    assert fast(await put(api, fast_models=["candidate", "job", "job"])) == (["candidate", "job"], "30s")
    assert fast(await put(api, fast_every="1d")) == (["candidate", "job"], "1d")
    assert fast(await put(api, every="2h")) == (["candidate", "job"], "1d")
    state = (await api.post("/api/v1/syncs/pause")).json()
    assert fast(state["schedule"]) == (["candidate", "job"], "1d")
    assert fast(await put(api, fast_models=[]))[0] == []
    assert fast(await put(api, fast_models=None)) == ([], "1m")


async def test_fast_runs_are_as_the_settings_say_where_the_connector_says_nothing(
    databases: Databases, tenant: Tenant, sealer: Sealer
) -> None:
    settings = databases.settings("migrated").model_copy(update={"fast_models": "candidate, job", "fast_every": "5m"})
    async with open_api(settings, tenant, sealer) as api:
        said = (await api.get(PATH)).json()
        assert (said["fast_models"], said["fast_every"]) == (["candidate", "job"], "5m")
        assert (await put(api, fast_models=[]))["fast_models"] == []
        assert (await put(api, fast_every="30s", fast_models=["job"]))["fast_models"] == ["job"]
        assert (await put(api, fast_models=None))["fast_every"] == "5m"


async def test_schedule_of_another_connector_is_its_own(api: httpx.AsyncClient, other_tenant: Tenant) -> None:
    await put(api, every="2d")
    assert (await api.get(PATH, headers=other_tenant.headers)).json()["every"] == "1h"
