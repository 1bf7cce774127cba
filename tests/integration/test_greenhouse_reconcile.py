"""Reconciling with a Greenhouse: counts as the emulator's own books say, whatever changes there."""

from collections.abc import Iterator

import httpx
import pytest
import pytest_asyncio

from testbed.counting import count, get, numbers
from testbed.harvest import connect_harvest, serve_harvest, walk
from testbed.tenants import Tenant, make_tenant
from unihire.integration.registry import get_integration
from unihire.kit.seal import Sealer
from unihire.model import MODELS, spec_of
from unihire.sandbox.runner import Ready, RunningSandbox
from unihire.store import Pool

SIZE = 150


@pytest.fixture(scope="module")
def harvest() -> Iterator[RunningSandbox]:
    with serve_harvest(size=SIZE, seed=7) as sandbox:
        yield sandbox


async def make_harvest_tenant(pool: Pool, sealer: Sealer, ready: Ready) -> Tenant:
    credentials = {"client_id": ready.client_id, "client_secret": ready.client_secret}
    integration = get_integration("greenhouse")
    return await make_tenant(pool, sealer, integration=integration, base_url=ready.base_url, credentials=credentials)


@pytest_asyncio.fixture
async def company(pool: Pool, sealer: Sealer, harvest: RunningSandbox) -> Tenant:
    """A connector that is up to date with a company as it was at its start."""
    async with httpx.AsyncClient(base_url=harvest.ready.control_url) as client:
        (await client.post("reset")).raise_for_status()
    made = await make_harvest_tenant(pool, sealer, harvest.ready)
    assert (await made.sync()).status == "done"
    return made


OF_OTHER_LISTS = {"application_transition"}
"""Models whose records are rows of another list than their stream's, which tells nothing of them."""


def expect_harvest_counts(tenant: Tenant, sandbox: RunningSandbox) -> dict[str, int]:
    """By model, from the emulator's own books; questions are inside the posts."""
    rows = httpx.get(f"{sandbox.ready.control_url}streams").raise_for_status().json()
    own = {spec_of(mapping.model).name: rows[stream.name]["rows"] for stream in tenant.integration.streams
           for mapping in stream.mappings if mapping.is_whole}  # fmt: skip
    with connect_harvest(sandbox) as client:
        posts = walk(client, "job_posts")
    questions = {
        question["id"] or f"{post['id']}:{question['name']}" for post in posts for question in post["questions"]
    }
    return {**own, "screening_question": len(questions)}


async def test_all_models_of_rows_are_counted_as_the_emulator_counts_them(
    company: Tenant, harvest: RunningSandbox
) -> None:
    found = await count(company)
    assert {model: row[:2] for model, row in numbers(found).items()} == {
        model: (number, number) for model, number in expect_harvest_counts(company, harvest).items()
    }
    assert len(found.models) == len(MODELS) - len(OF_OTHER_LISTS)
    assert found.is_equal


async def test_company_that_went_on_differs_by_what_changed_and_no_more(
    company: Tenant, harvest: RunningSandbox
) -> None:
    removed = {"candidates": 7, "offers": 1, "users": 2, "notes": 6, "job_posts": 1}
    async with httpx.AsyncClient(base_url=harvest.ready.control_url) as client:
        for stream, number in removed.items():
            (await client.request("DELETE", f"rows/{stream}", json={"count": number})).raise_for_status()
        new = (await client.post("rows/departments", json={"name": "New"})).raise_for_status().json()["id"]
    found = await count(company)
    expected = expect_harvest_counts(company, harvest)
    assert {model: row[0] for model, row in numbers(found).items()} == expected
    assert get(found, "department").missing_ids == [str(new)]
    assert {one.model: one.gone for one in found.models if one.gone} == {
        "candidate": 7, "offer": 1, "remote_user": 2, "activity": 6, "job_posting": 1,
        "screening_question": get(found, "screening_question").here - expected["screening_question"],
    }  # fmt: skip
    assert {one.model for one in found.models if one.missing} == {"department"}
    await company.sync(full=True)
    assert (await count(company)).is_equal


async def test_missing_scope_leaves_out_its_model_and_counts_the_others(pool: Pool, sealer: Sealer) -> None:
    with serve_harvest(size=100, seed=3, options={"without_scopes": "offers:list,job_owners:list"}) as sandbox:
        tenant = await make_harvest_tenant(pool, sealer, sandbox.ready)
        assert (await tenant.sync()).status == "partial"
        found = await count(tenant)
    (closed,) = found.unread  # what is joined only is no list of records
    assert (closed.stream, closed.models, closed.is_closed) == ("offers", ["offer"], True)
    assert closed.reason.startswith("the credentials lack harvest:offers:list")
    assert len(found.models) == len(MODELS) - len(OF_OTHER_LISTS) - 1
    assert found.is_equal
