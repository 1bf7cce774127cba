"""What our own face shows of a Personio beyond the native one, held against the vendor's rows field by field."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest
import pytest_asyncio

from testbed.databases import Databases
from testbed.personio import Json, make_emulated_tenant, read_vendor
from testbed.personio_more import MARKED, NEW, count_filled, expect_more
from testbed.tenants import Tenant, open_api, read_pages
from unihire.integration.registry import get_integration
from unihire.kit.seal import Sealer
from unihire.model import MODELS
from unihire.sandbox.runner import Ready, start_sandbox
from unihire.store import Pool

SIZE = 200
STATUSES = {"ACTIVE", "HIRED", "REJECTED", "WITHDRAWN"}


@pytest.fixture(scope="module")
def ready() -> Iterator[Ready]:
    with start_sandbox("personio", size=SIZE, seed=7) as sandbox:
        yield sandbox.ready


@pytest_asyncio.fixture
async def control(ready: Ready) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=ready.control_url) as client:
        (await client.post("reset")).raise_for_status()
        yield client


@pytest_asyncio.fixture
async def tenant(pool: Pool, sealer: Sealer, ready: Ready, control: httpx.AsyncClient) -> Tenant:
    made = await make_emulated_tenant(pool, sealer, ready)
    assert (await made.sync()).status == "done"
    return made


@pytest_asyncio.fixture
async def api(databases: Databases, tenant: Tenant) -> AsyncIterator[httpx.AsyncClient]:
    async with open_api(databases.settings("migrated"), tenant) as client:
        yield client


async def read_own(api: httpx.AsyncClient, model: str, **params: Any) -> dict[str, Json]:
    """The records of our own face, by the vendor's id: members and what is in `more` side by side."""
    items = await read_pages(api, f"/api/v1/{MODELS[model].plural}", page_size=100, **params)
    return {item["remote_id"]: {**item.pop("more"), **item} for item in items}


async def check_more(api: httpx.AsyncClient, tenant: Tenant, ready: Ready) -> dict[str, dict[str, Json]]:
    """Compare all that richer faces show with the vendor's rows; gives what was expected."""
    expected = expect_more(await read_vendor(ready), tenant.connector.id)
    for model, records in expected.items():
        served = await read_own(api, model)
        assert served.keys() == records.keys(), model
        for remote_id, fields in records.items():
            odd = {name: (served[remote_id][name], said) for name, said in fields.items()
                   if served[remote_id][name] != said}  # fmt: skip
            assert not odd, (model, remote_id, odd)
    return expected


async def ask(control: httpx.AsyncClient, tenant: Tenant, **settings: Any) -> list[str]:
    """A run; gives the paths it asked for."""
    await control.delete("requests")
    report = await tenant.sync(**settings)
    assert report.status == "done"
    return [entry["path"] for entry in (await control.get("requests")).json()["last"]]


async def test_every_field_the_vendor_has_is_as_its_rows_say_and_the_others_have_a_reason(
    api: httpx.AsyncClient, tenant: Tenant, ready: Ready
) -> None:
    expected = await check_more(api, tenant, ready)
    counts, cannot = count_filled(expected), get_integration("personio").cannot
    lines, left_out = [f"{sum(map(len, expected.values()))} records"], 0
    for place in (f"{model}.{name}" for model, names in {**MARKED, **NEW}.items() for name in names):
        reason = cannot.get(place) or cannot.get(place.partition(".")[0])
        assert (place in counts) == (reason is None), place
        assert reason is not None or counts[place] > 0, place
        left_out += reason is not None
        lines.append(f"  {place}: {counts[place] if reason is None else 'left out: ' + reason}")
    print("\n".join(lines))  # noqa: T201 - what is filled how often, for who runs it with -s
    assert left_out == 7
    # What makes the comparison worth something: the fields differ between records.
    applications = expected["application"].values()
    assert {one["status"] for one in applications} == STATUSES
    assert {one["is_anonymized"] for one in expected["candidate"].values()} == {True, False, None}
    assert {one["hiring_team"] is None for one in applications} == {True, False}
    assert {bool(one["jobs"]) for one in expected["job_interview_stage"].values()} >= {True}


async def test_vendors_own_words_stand_behind_status_and_stage(api: httpx.AsyncClient) -> None:
    said = {(one["status"], one["vendor_words"]["status"]) for one in (await read_own(api, "application")).values()}
    assert said >= {("ACTIVE", "UNASSIGNED"), ("ACTIVE", "CUSTOM"), ("HIRED", "ACCEPTED"), ("REJECTED", "REJECTED")}
    stages = (await read_own(api, "job_interview_stage")).values()
    assert {(one["stage_type"], one["vendor_words"]["stage_type"]) for one in stages} == {("OTHER", "CUSTOM")}


async def test_transitions_are_filtered_and_expanded(api: httpx.AsyncClient) -> None:
    every = await read_own(api, "application_transition", expand="application[id,more],to_stage[id,name]")
    some = next(one for one in every.values() if one["to_stage"] and one["from_stage"])
    assert some["application"]["more"]["status"] in STATUSES
    assert some["to_stage"]["name"]
    of_one = await read_own(api, "application_transition", application=some["application"]["id"])
    assert {one["application"] for one in of_one.values()} == {some["application"]["id"]}
    assert some["remote_id"] in of_one
    to_one = await read_own(api, "application_transition", to_stage=some["to_stage"]["id"])
    assert some["remote_id"] in to_one
    assert {one["to_stage"] for one in to_one.values()} == {some["to_stage"]["id"]}
    (found,) = (await read_own(api, "application_transition", remote_id=some["remote_id"])).values()
    assert found["id"] == some["id"]


async def test_sources_are_found_by_name_and_shown_by_applications(api: httpx.AsyncClient) -> None:
    for name, source in (await read_own(api, "source")).items():
        assert (source["name"], list(await read_own(api, "source", name=name))) == (name, [name])
    shown = await read_own(api, "application", expand="source_record[name]")
    assert {one["source_record"]["name"] == one["source"] for one in shown.values() if one["source_record"]} == {True}


async def test_idle_run_asks_for_no_history_and_a_changed_application_for_its_own(
    api: httpx.AsyncClient, tenant: Tenant, ready: Ready, control: httpx.AsyncClient
) -> None:
    lists = ["applications", "candidates", "categories", "jobs"]
    assert sorted(path.rpartition("/")[2] for path in await ask(control, tenant) if "token" not in path) == lists
    (await control.post("clock", json={"advance_seconds": 3600})).raise_for_status()
    served = await read_own(api, "application")
    id = next(id for id, one in served.items() if one["status"] == "ACTIVE" and one["current_stage"])
    hired = {"id": None, "kind": "SYSTEM", "name": None, "type": "ACCEPTED"}
    (await control.patch(f"rows/applications/{id}", json={"current_stage": hired})).raise_for_status()
    places = {model: max(one["modified_at"] for one in (await read_own(api, model)).values()) for model in NEW}
    asked = await ask(control, tenant)
    assert [path for path in asked if "stage-transitions" in path] == [
        f"/v2/recruiting/applications/{id}/stage-transitions"
    ]
    expected = await check_more(api, tenant, ready)
    assert expected["application"][id]["status"] == "HIRED"
    changed = await read_own(
        api, "application_transition", modified_after=places["application_transition"]
    )  # the step that is over now, and the new one
    assert {one["remote_id"].partition(":")[0] for one in changed.values()} == {id}
    assert sorted(one["left_at"] is None for one in changed.values()) == [False, True]
    assert not await read_own(api, "source", modified_after=places["source"])


async def test_whole_read_asks_only_for_histories_of_those_that_rest(
    tenant: Tenant, ready: Ready, control: httpx.AsyncClient
) -> None:
    closed = {
        row["id"]
        for row in (await read_vendor(ready, with_history=False)).rows["applications"]
        if row["current_stage"]["type"] in ("REJECTED", "WITHDRAWN")
    }
    asked = {path.split("/")[4] for path in await ask(control, tenant, full=True) if "stage-transitions" in path}
    assert asked <= closed
    assert len(asked) < len(closed) / 10


async def test_new_models_go_with_their_rows(
    api: httpx.AsyncClient, tenant: Tenant, ready: Ready, control: httpx.AsyncClient
) -> None:
    before = await read_own(api, "application_transition")
    rows = (await read_vendor(ready, with_history=False)).rows["applications"]
    name = next(row["channel"]["name"] for row in rows if "channel" in row)
    gone = [row["id"] for row in rows if row.get("channel", {}).get("name") == name]
    for id in gone:
        (await control.delete(f"rows/applications/{id}")).raise_for_status()
    assert (await tenant.sync(full=True)).status == "done"
    await check_more(api, tenant, ready)
    assert name not in await read_own(api, "source")
    lost = {id for id, one in before.items() if id.partition(":")[0] in gone}
    assert not lost & (await read_own(api, "application_transition")).keys()
    path = f"/api/v1/{MODELS['application_transition'].plural}"
    told = await read_pages(api, path, page_size=100, include_deleted="true")
    assert {item["remote_id"] for item in told if item.get("deleted")} == lost


async def test_store_of_before_is_filled_by_the_next_whole_read_and_no_record_moves(
    api: httpx.AsyncClient, tenant: Tenant, ready: Ready, control: httpx.AsyncClient
) -> None:
    pool, native = tenant.pool, [spec.number for spec in MODELS.values() if spec.is_native]
    find = "SELECT id, seq, body, raw FROM record WHERE model = ANY($1::int[]) ORDER BY id"
    await pool.execute("DELETE FROM record WHERE NOT model = ANY($1::int[])", native)
    await pool.execute("UPDATE record SET more = NULL, more_hash = NULL, row_hash = NULL")
    await pool.execute(
        "DELETE FROM detail WHERE row_id IN (SELECT remote_id FROM record WHERE model = 2 AND seq % 2 = 0)"
    )
    before = [tuple(row) for row in await pool.fetch(find, native)]
    assert not await read_own(api, "application_transition")
    await ask(control, tenant, full=True)
    assert [tuple(row) for row in await pool.fetch(find, native)] == before
    await check_more(api, tenant, ready)
