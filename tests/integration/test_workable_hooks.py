"""Workable's webhooks from end to end: asked for over the API, signed by the vendor, and what they touch read again."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import httpx
import pytest
import pytest_asyncio

from testbed.databases import Databases
from testbed.receiver import Receiver, run_receiver
from testbed.tenants import read_all
from testbed.waiting import until
from testbed.workable_line import RefusedCall
from testbed.workable_writing import ask, list_jobs
from testbed.writing import Writing, draw_name, list_stages, open_writing
from unihire.events.inbox.hooks import _Api
from unihire.integration.webhooks import Delivery, Verdict
from unihire.integrations.workable.webhooks import EVENTS, WEBHOOKS, subscribe, unsubscribe
from unihire.kit.seal import Sealer
from unihire.outbound.client import VendorClient
from unihire.platform.connectors import open_connector_client
from unihire.sync.rows_by_id import Touched, sync_touched_rows


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def workable(databases: Databases, sealer: Sealer) -> AsyncIterator[Writing]:
    async with open_writing(databases, sealer, "workable") as opened:
        yield opened


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with run_receiver() as running:
        yield running


async def take(receiver: Receiver, kind: str) -> Delivery:
    """The delivery of an event, once it has come."""

    async def find() -> Delivery | None:
        for one in receiver.list():
            if json.loads(one.body)["event_type"] == kind:
                headers = {name.lower(): value for name, value in one.headers.items()}
                return Delivery(headers, one.body, datetime.now(UTC))
        return None

    found: Delivery = await until(find)
    return found


async def read_again(writing: Writing, client: VendorClient, delivery: Delivery) -> None:
    """What an event touches, as the inbox reads it."""
    event, tenant = WEBHOOKS.read(delivery), writing.tenant
    touched = {touch.stream: Touched((touch.id,)) for touch in event.touches}
    await sync_touched_rows(tenant.pool, tenant.connector, tenant.integration, client, touched)


async def test_every_event_is_asked_for_verified_and_read_again_and_ended(
    workable: Writing, receiver: Receiver, sealer: Sealer
) -> None:
    token = workable.tenant.credentials["api_token"]
    job, path = list_jobs(workable)[0], "/api/ats/v1"
    stage, name = list_stages(workable, job["id"])[3], draw_name()
    async with open_connector_client(workable.tenant.pool, workable.tenant.connector, sealer) as client:
        api = _Api(client)
        made = await subscribe(api, receiver.at(), None)
        assert len(made.ids) == len(EVENTS) == 3
        assert (await subscribe(api, receiver.at(), None)).ids == made.ids, "asked for twice"
        assert len(ask(workable, "GET", "/subscriptions")["subscriptions"]) == 3

        body = {"firstname": "Kim", "lastname": name, "email": f"{name.lower()}@example.com"}
        id = ask(workable, "POST", f"/jobs/{job['remote_id']}/candidates", {"candidate": body})["candidate"]["id"]
        created = await take(receiver, "candidate_created")
        assert WEBHOOKS.verify is not None
        assert WEBHOOKS.verify(created, [token]) is Verdict.GOOD
        assert WEBHOOKS.verify(created, ["another"]) is Verdict.FORGED
        await read_again(workable, client, created)
        known = {one["remote_id"]: one for one in await read_all(workable.api, "candidates")}
        assert known[id]["last_name"] == name

        actor = next(one for one in workable.records["remote-users"] if one["access_role"] == "SUPER_ADMIN")
        move = {"member_id": actor["remote_id"], "target_stage": stage["remote_id"].partition(":")[2]}
        ask(workable, "POST", f"/candidates/{id}/move", move)
        moved = await take(receiver, "candidate_moved")
        await read_again(workable, client, moved)
        application = known[id]["applications"][0]
        found = (await workable.api.get(f"{path}/applications/{application}")).json()
        assert found["current_stage"] == stage["id"]

        async with httpx.AsyncClient(base_url=workable.sandbox.ready.control_url) as control:
            (await control.delete(f"rows/candidates/{id}")).raise_for_status()
        gone = await take(receiver, "candidate_deleted")
        assert [touch.is_gone for touch in WEBHOOKS.read(gone).touches] == [True]
        await read_again(workable, client, gone)
        for plural, one in (("candidates", known[id]["id"]), ("applications", application)):
            assert (await workable.api.get(f"{path}/{plural}/{one}")).status_code == 404

        await unsubscribe(api, made.ids)
        await unsubscribe(api, made.ids)
        with pytest.raises(RefusedCall):
            ask(workable, "GET", "/subscriptions")
