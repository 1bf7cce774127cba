"""Ashby's webhooks from end to end: asked for over the API, signed by the vendor, and what they touch is read again."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
import pytest_asyncio

from testbed.ashby import Refusal
from testbed.ashby_writing import ask, create_applicant, find_planned_job, find_user, list_stages_of
from testbed.databases import Databases
from testbed.receiver import Receiver, run_receiver
from testbed.tenants import read_all
from testbed.waiting import until
from testbed.writing import Json, Writing, open_writing
from unihire.events.inbox.hooks import _Api
from unihire.integration.webhooks import Delivery, Verdict
from unihire.integrations.ashby.webhooks import ONLY_IN_PAGES, WEBHOOKS, subscribe, unsubscribe
from unihire.kit.seal import Sealer
from unihire.platform.connectors import open_connector_client
from unihire.sync.rows_by_id import Touched, sync_touched_rows

SECRET = "made-up secret"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def ashby(databases: Databases, sealer: Sealer) -> AsyncIterator[Writing]:
    async with open_writing(databases, sealer, "ashby") as opened:
        yield opened


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with run_receiver() as running:
        yield running


async def take(receiver: Receiver, action: str) -> Delivery:
    """The delivery of an event, once it has come."""

    async def find() -> Delivery | None:
        for one in receiver.list():
            if json.loads(one.body)["action"] == action:
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
        by = {} if touch.by is None else {touch.by: [touch.id]}
        ids = [*known.ids, *([touch.id] if touch.by is None else [])]
        touched[touch.stream] = Touched(ids, {**known.of, **by}, known.wide)
    tenant = writing.tenant
    await sync_touched_rows(tenant.pool, tenant.connector, tenant.integration, client, touched)


async def get(writing: Writing, plural: str, id: str) -> Json:
    answer = await writing.api.get(f"/api/ats/v1/{plural}/{id}")
    assert answer.status_code == 200, answer.text
    found: Json = answer.json()
    return found


async def test_webhooks_are_asked_for_verified_read_and_ended(
    ashby: Writing, receiver: Receiver, sealer: Sealer
) -> None:
    person, application = await create_applicant(ashby)
    stage = (await list_stages_of(ashby, (await find_planned_job(ashby))["id"], "INTERVIEW"))[-1]
    remote = ask(ashby, "candidate.info", id=person["remote_id"])["applicationIds"][0]
    user = next(one for one in ashby.records["remote-users"] if one["id"] == find_user(ashby))
    async with open_connector_client(ashby.tenant.pool, ashby.tenant.connector, sealer) as client:
        api = _Api(client)
        made = await subscribe(api, receiver.at(), SECRET)
        assert len(made.ids) == len(WEBHOOKS.events) - len(ONLY_IN_PAGES)
        assert WEBHOOKS.read(await take(receiver, "ping")).touches == ()
        ask(ashby, "application.changeStage", applicationId=remote, interviewStageId=stage["remote_id"])
        moved = await take(receiver, "candidateStageChange")
        assert WEBHOOKS.verify is not None
        assert WEBHOOKS.verify(moved, [SECRET]) is Verdict.GOOD
        assert WEBHOOKS.verify(moved, ["another"]) is Verdict.FORGED
        await read_again(ashby, client, moved)
        assert (await get(ashby, "applications", application))["current_stage"] == stage["id"]
        event = {
            "startTime": "2027-01-01T09:00:00Z", "endTime": "2027-01-01T10:00:00Z",
            "interviewers": [{"email": user["email"]}],
        }  # fmt: skip
        ask(ashby, "interviewSchedule.create", applicationId=remote, interviewEvents=[event])
        await read_again(ashby, client, await take(receiver, "interviewScheduleCreate"))
        listed = await read_all(ashby.api, "scheduled-interviews")
        assert [one["interviewers"] for one in listed if one["application"] == application] == [[user["id"]]]
        await unsubscribe(api, made.ids)
        await unsubscribe(api, made.ids)
        with pytest.raises(Refusal):
            ask(ashby, "webhook.info", webhookId=made.ids[0])
