"""`write.finished`: what became of a write through an operation, said once and after the changes before it."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from testbed.creating import Company, Creating, open_creating
from testbed.databases import Databases
from testbed.delivering import Delivers
from testbed.receiver import Receiver
from testbed.vendor import say
from unihire.events.endpoints import EndpointOwner
from unihire.kit.seal import Sealer


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def creating(databases: Databases, sealer: Sealer) -> AsyncIterator[Creating]:
    async with open_creating(databases, sealer, size=100, seed=5) as opened:
        yield opened


@pytest_asyncio.fixture
async def delivers(creating: Creating, sealer: Sealer, receiver: Receiver) -> AsyncIterator[Delivers]:
    tenant = creating.tenant
    delivers = Delivers(tenant.pool, sealer, receiver)
    endpoint = await delivers.add(tenant, events=["write.finished"])
    yield delivers
    await delivers.endpoints.remove(EndpointOwner(tenant.organisation, tenant.connector.environment), endpoint.id)


def list_writes(receiver: Receiver) -> list[dict[str, Any]]:
    return [one.said["data"]["write"] for one in receiver.list()]


@pytest.mark.parametrize("key", [None, "one"])
async def test_write_is_said_to_be_done_once_with_what_it_made(
    creating: Creating, delivers: Delivers, receiver: Receiver, key: str | None
) -> None:
    company = Company(creating)
    person = company.make_person(f"Said{key}", applications=[{"job_id": company.jobs[0]["id"]}])
    for _ in range(2 if key else 1):
        await creating.make("create_candidate", person, key=key)
    await delivers.deliver()
    (write,) = list_writes(receiver)
    made = {row["id"] for row in creating.read("candidates") if row["last_name"] == f"Said{key}"}
    assert {write["made"]["candidate"]} == made
    assert {name: write[name] for name in ("operation", "outcome", "idempotency_key", "message")} == {
        "operation": "create_candidate", "outcome": "done", "idempotency_key": key, "message": None,
    }  # fmt: skip


async def test_write_that_the_vendor_refuses_or_does_not_answer_is_said_to_be_so(
    creating: Creating, delivers: Delivers, receiver: Receiver
) -> None:
    company = Company(creating)
    applications = [{"job_id": company.jobs[0]["id"]}]
    creating.line.drop("/v3/candidates", lambda _: say({"message": "No"}, 422))
    refused = await creating.call(
        "create_candidate", company.make_person("Refused", applications=applications), key="two"
    )
    creating.line.drop("/v3/candidates", lambda _: say({"message": "Internal Server Error"}, 500))
    lost = await creating.call("create_candidate", company.make_person("Lost", applications=applications))
    assert not refused.is_success
    assert not lost.is_success
    await delivers.deliver()
    first, second = list_writes(receiver)
    assert (first["outcome"], first["made"], first["message"]) == ("refused", {}, refused.output["message"])
    assert (second["outcome"], second["made"], second["message"]) == ("perhaps_made", {}, lost.output["message"])


async def test_reading_operation_says_nothing(creating: Creating, delivers: Delivers, receiver: Receiver) -> None:
    await creating.make("list_jobs", {})
    await delivers.deliver()
    assert list_writes(receiver) == []
