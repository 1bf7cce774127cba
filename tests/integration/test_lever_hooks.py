"""Lever's webhooks from end to end: asked for over the API, signed by the vendor, and what they touch is read again."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
import pytest_asyncio

from testbed.databases import Databases
from testbed.lever_line import LeverLine
from testbed.lever_writing import ask, create_person, open_lever_writing
from testbed.receiver import Receiver, run_receiver
from testbed.tenants import read_all
from testbed.waiting import until
from testbed.writing import Writing
from unihire.events.inbox.hooks import _Api
from unihire.integration.webhooks import Delivery, Verdict
from unihire.integrations.lever.webhooks import WEBHOOKS, subscribe, unsubscribe
from unihire.kit.seal import Sealer
from unihire.platform.connectors import open_client
from unihire.sync.rows_by_id import Touched, sync_touched_rows


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def lever(databases: Databases, sealer: Sealer) -> AsyncIterator[Writing]:
    async with open_lever_writing(databases, sealer) as opened:
        yield opened


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with run_receiver() as running:
        yield running


async def take(receiver: Receiver, event: str) -> Delivery:
    """The latest delivery of an event, once one has come."""

    async def find() -> Delivery | None:
        for one in reversed(receiver.list()):
            if json.loads(one.body)["event"] == event:
                headers = {name.lower(): value for name, value in one.headers.items()}
                return Delivery(headers, one.body, datetime.now(UTC))
        return None

    found: Delivery = await until(find)
    return found


async def read_again(writing: Writing, client: Any, delivery: Delivery) -> None:
    """What an event touches, as the inbox reads it."""
    touched: dict[str, Touched] = {}
    for touch in WEBHOOKS.read(delivery).touches:
        known = touched.get(touch.stream, Touched())
        touched[touch.stream] = Touched([*known.ids, touch.id], known.of, known.wide)
    tenant = writing.tenant
    await sync_touched_rows(tenant.pool, tenant.connector, tenant.integration, client, touched)


async def find_record(writing: Writing, plural: str, remote_id: str) -> dict[str, Any] | None:
    found = await read_all(writing.api, plural)
    return next((one for one in found if one["remote_id"] == remote_id), None)


async def test_every_event_is_asked_for_verified_and_what_it_touches_is_read(
    lever: Writing, receiver: Receiver
) -> None:
    line, tenant = LeverLine(lever.sandbox.app), lever.tenant
    users = [user["id"] for user in line.walk("/users")]
    person = await create_person(lever)
    (opportunity,) = ask(lever, "/opportunities", contact_id=person["remote_id"])
    path, posting = f"/opportunities/{opportunity['id']}", person["applications"]
    reasons = {row["type"]: row["id"] for row in ask(lever, "/archive_reasons")}
    seen: set[str] = set()

    async with open_client(
        tenant.integration, tenant.credentials, tenant.connector.base_url, is_base_url_trusted=True
    ) as client:
        made = await subscribe(_Api(client), receiver.at(), None)
        assert len(made.ids) == len(made.secrets) == len(WEBHOOKS.events)

        async def follow(event: str) -> None:
            delivery = await take(receiver, event)
            assert WEBHOOKS.verify is not None
            assert WEBHOOKS.verify(delivery, list(made.secrets)) is Verdict.GOOD
            assert WEBHOOKS.verify(delivery, ["another"]) is Verdict.FORGED
            assert WEBHOOKS.read(delivery).touches
            await read_again(lever, client, delivery)
            seen.add(event)

        line.act("PUT", f"{path}/stage", {"stage": "offer"})
        await follow("candidateStageChange")
        shown = await find_record(lever, "applications", opportunity["id"])
        stages = {one["id"]: one["remote_id"] for one in lever.records["job-interview-stages"]}
        assert shown is not None
        assert stages[shown["current_stage"]] == "offer"

        interview = {
            "subject": "Made up",
            "interviewers": [{"id": users[0]}],
            "date": 1_830_000_000_000,
            "duration": 30,
        }
        panel = line.act("POST", f"{path}/panels", {"timezone": "UTC", "interviews": [interview]})
        await follow("interviewCreated")
        id = panel["interviews"][0]["id"]
        assert await find_record(lever, "scheduled-interviews", id)
        body = {**interview, "location": "Room 7", "panel": panel["id"]}
        line.act("PUT", f"{path}/interviews/{id}", body)
        await follow("interviewUpdated")
        found = await find_record(lever, "scheduled-interviews", id)
        assert found is not None
        assert found["location"] == "Room 7"
        line.act("DELETE", f"{path}/interviews/{id}")
        await follow("interviewDeleted")
        assert await find_record(lever, "scheduled-interviews", id) is None

        line.act("PUT", f"{path}/archived", {"reason": reasons["non-hired"]})
        await follow("candidateArchiveChange")
        found = await find_record(lever, "applications", opportunity["id"])
        assert found is not None
        assert found["rejected_at"]
        line.act("PUT", f"{path}/archived", {"reason": reasons["hired"]})
        await follow("candidateHired")
        found = await find_record(lever, "applications", opportunity["id"])
        assert found is not None
        assert found["rejected_at"] is None

        row = ask(lever, f"/contacts/{person['remote_id']}")
        changed = {"name": "Robin Changed", "emails": row["emails"], "phones": row["phones"], "location": "Paris"}
        line.act("PUT", f"/contacts/{row['id']}", changed)
        await follow("contactUpdated")
        found = await find_record(lever, "candidates", row["id"])
        assert found is not None
        assert found["first_name"] == "Robin"

        assert posting
        new = line.act("POST", "/opportunities", {
            "name": "Ada New", "emails": ["ada.hook@example.com"],
            "postings": [next(job["remote_id"] for job in lever.records["jobs"] if job["status"] == "OPEN")],
        })  # fmt: skip
        await follow("contactCreated")
        await follow("applicationCreated")
        assert await find_record(lever, "candidates", new["contact"])
        assert await find_record(lever, "applications", new["id"])
        await line.control_async("DELETE", f"rows/opportunities/{new['id']}")
        await follow("candidateDeleted")
        assert await find_record(lever, "applications", new["id"]) is None
        assert seen == WEBHOOKS.events.keys()

        again = await subscribe(_Api(client), receiver.at(), None)
        assert len(ask(lever, "/webhooks")) == len(WEBHOOKS.events)
        await unsubscribe(_Api(client), again.ids)
        await unsubscribe(_Api(client), again.ids)
        assert ask(lever, "/webhooks") == []
