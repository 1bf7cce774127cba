"""Webhooks: what happens arrives, in order, signed, once, and nothing else."""

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
import pytest_asyncio
from standardwebhooks import Webhook

from testbed.delivering import Delivers, list_logged, list_records
from testbed.receiver import Receiver, answer_with
from testbed.tenants import Tenant, make_tenant
from testbed.vendor import Vendor, fill
from unihire.dialects.unihire import standard_form as standard
from unihire.events.deliveries import deliverer as delivering
from unihire.kit.seal import Sealer
from unihire.model import MODELS
from unihire.platform.syncs import ask_sync, cancel_sync
from unihire.store import Pool
from unihire.store.accounts.tenancy import delete_connector
from unihire.store.events import notices
from unihire.store.issues import open_issue, resolve_issues
from unihire.sync.issues import ADVICE, IssueKind, ask_for_relink

SECRET = "whsec_" + "c2VjcmV0" * 4


@pytest_asyncio.fixture
async def tenant(pool: Pool, sealer: Sealer, vendor: Vendor) -> Tenant:
    fill(vendor)
    return await make_tenant(pool, sealer, base_url=vendor.base_url)


def list_types(receiver: Receiver, path: str = "/hook") -> list[str]:
    return [one.said["type"] for one in receiver.list(path)]


async def test_all_that_a_sync_changes_arrives_once_in_the_order_of_the_feed_between_its_beginning_and_its_end(
    delivers: Delivers, tenant: Tenant, receiver: Receiver
) -> None:
    await delivers.add(tenant)
    await tenant.sync()
    await delivers.deliver()
    assert list_records(receiver.list()) == await list_logged(tenant.pool, tenant.connector.number)
    types = list_types(receiver)
    assert (types[0], types[-1]) == ("sync.started", "sync.finished")
    assert set(types[1:-1]) == {"record.created"}
    assert len({one.id for one in receiver.list()}) == len(receiver.list())


async def test_message_has_what_changed_and_a_signature_that_the_public_library_takes(
    delivers: Delivers, tenant: Tenant, vendor: Vendor, receiver: Receiver
) -> None:
    await tenant.sync()
    await delivers.add(tenant, secret=SECRET)
    vendor.lists["/jobs"][0] |= {"name": "Renamed"}
    del vendor.lists["/people"][2]
    await tenant.sync(full=True)
    await delivers.deliver()
    said = [Webhook(SECRET).verify(one.body, dict(one.headers)) for one in receiver.list()]
    updated, deleted = (one for one in said if one["type"].startswith("record."))
    if updated["type"] == "record.deleted":
        updated, deleted = deleted, updated
    row = await tenant.pool.fetchrow("SELECT id::text, remote_id FROM record WHERE model = $1 AND remote_id = '1'",
                                     MODELS["job"].number)  # fmt: skip
    assert updated["data"]["connector_id"] == str(tenant.connector.id)
    (record,) = updated["data"]["records"]
    moment = record.pop("modified_at")
    assert updated["timestamp"] == moment
    assert record == {"model": "job", "id": row["id"], "remote_id": "1", "changed": ["name", "raw_data"]}
    (record,) = deleted["data"]["records"]
    assert (record["model"], record["remote_id"]) == ("candidate", "3")
    assert "changed" not in record


async def test_webhook_is_sent_what_happens_from_when_it_is_made_on(
    delivers: Delivers, tenant: Tenant, vendor: Vendor, receiver: Receiver
) -> None:
    await tenant.sync()
    await delivers.add(tenant)
    await delivers.deliver()
    assert receiver.received == []
    await tenant.sync(full=True)
    await delivers.deliver()
    assert list_types(receiver) == ["sync.started", "sync.finished"]  # nothing changed
    vendor.lists["/jobs"][0] |= {"name": "Renamed"}
    await tenant.sync(full=True)
    await delivers.deliver()
    assert list_types(receiver)[2:] == ["sync.started", "record.updated", "sync.finished"]


async def test_webhook_is_sent_what_it_asks_for(
    delivers: Delivers, tenant: Tenant, receiver: Receiver, sealer: Sealer, vendor: Vendor
) -> None:
    other = await make_tenant(tenant.pool, sealer, base_url=vendor.base_url)
    test = await make_tenant(tenant.pool, sealer, base_url=vendor.base_url, environment="development")
    stranger = await make_tenant(tenant.pool, sealer, base_url=vendor.base_url, organisation="Another")
    await delivers.add(tenant, "/events", events=["sync.finished"])
    await delivers.add(tenant, "/models", models=["job"])
    await delivers.add(tenant, "/connectors", connectors=[other.connector.id])
    await delivers.add(test, "/test")
    await delivers.add(stranger, "/stranger")
    for one in (tenant, other, test):
        await one.sync()
    await delivers.deliver()
    assert list_types(receiver, "/events") == ["sync.finished"] * 2
    found = receiver.list("/models")
    assert {record["model"] for one in found for record in one.said["data"].get("records", [])} == {"job"}
    ids = [{one.said["data"]["connector_id"] for one in receiver.list(path)} for path in ("/connectors", "/test")]
    assert ids == [{str(other.connector.id)}, {str(test.connector.id)}]
    assert list_records(receiver.list("/connectors")) == await list_logged(tenant.pool, other.connector.number)
    assert receiver.list("/stranger") == []


async def test_change_of_what_a_webhook_asks_for_counts_from_then_on(
    delivers: Delivers, tenant: Tenant, receiver: Receiver, sealer: Sealer, vendor: Vendor
) -> None:
    other = await make_tenant(tenant.pool, sealer, base_url=vendor.base_url)
    endpoint = await delivers.add(tenant, connectors=[tenant.connector.id])
    owner = delivers.own(endpoint)
    await tenant.sync()
    await other.sync()
    await delivers.deliver()
    receiver.received.clear()
    await delivers.endpoints.change(owner, endpoint.id, lambda was: replace(was, connectors=[other.connector.id]))
    assert [lane["connector"] for lane in await delivers.list_lanes()] == [other.connector.number]
    vendor.lists["/jobs"][0] |= {"name": "Renamed"}
    await tenant.sync(full=True)
    await other.sync(full=True)
    await delivers.deliver()
    assert {one.said["data"]["connector_id"] for one in receiver.list()} == {str(other.connector.id)}
    assert list_types(receiver) == ["sync.started", "record.updated", "sync.finished"]
    flags = "SELECT connector FROM feed WHERE has_lanes"
    assert [row[0] for row in await tenant.pool.fetch(flags)] == [other.connector.number]
    await delivers.endpoints.change(
        owner, endpoint.id, lambda was: replace(was, connectors=None, events=["sync.started"])
    )
    assert len(await delivers.list_lanes()) == 2
    await delivers.endpoints.remove(owner, endpoint.id)
    assert await delivers.list_lanes() == []
    assert await tenant.pool.fetch(flags) == []


async def test_connector_that_is_made_later_is_linked_and_sent_from_its_beginning(
    delivers: Delivers, tenant: Tenant, receiver: Receiver, sealer: Sealer, vendor: Vendor
) -> None:
    await delivers.add(tenant)
    await delivers.add(tenant, "/one", connectors=[tenant.connector.id])
    later = await make_tenant(tenant.pool, sealer, base_url=vendor.base_url)
    await later.sync()
    await delivers.deliver()
    assert list_types(receiver)[:2] == ["connector.linked", "sync.started"]
    linked = receiver.list()[0].said["data"]
    assert linked == {
        "connector_id": str(later.connector.id),
        "origin_id": None,
        "integration_slug": "acme",
        "end_user": "Customer Ltd",
        "is_relinked": False,
    }
    assert list_records(receiver.list()) == await list_logged(tenant.pool, later.connector.number)
    assert receiver.list("/one") == []


async def test_connector_that_is_deleted_is_said_to_be_and_its_lanes_end(
    delivers: Delivers, tenant: Tenant, receiver: Receiver
) -> None:
    await delivers.add(tenant)
    await tenant.sync()
    await delete_connector(tenant.pool, tenant.connector)
    await delivers.deliver()
    assert list_types(receiver)[-1] == "connector.deleted"
    assert receiver.list()[-1].said["data"]["connector_id"] == str(tenant.connector.id)
    assert await delivers.list_lanes() == []


async def test_relink_that_is_needed_is_said_once_with_the_issue_it_is(
    delivers: Delivers, tenant: Tenant, receiver: Receiver
) -> None:
    await delivers.add(tenant)
    await ask_for_relink(tenant.pool, tenant.connector, "refused")
    await ask_for_relink(tenant.pool, tenant.connector, "refused again")
    await delivers.deliver()
    assert list_types(receiver) == ["connector.relink_needed", "issue.opened"]
    needed, opened = (one.said["data"] for one in receiver.list())
    assert (needed["reason"], needed["end_user"]) == ("refused", "Customer Ltd")
    assert (opened["issue"]["kind"], opened["issue"]["advice"]) == ("reauthorize", ADVICE[IssueKind.REAUTHORIZE])


async def test_issues_are_said_when_they_open_and_when_they_are_resolved(
    delivers: Delivers, tenant: Tenant, receiver: Receiver
) -> None:
    number = tenant.connector.number
    await delivers.add(tenant)
    for _ in range(2):
        await open_issue(tenant.pool, number, IssueKind.FAULT, "of ours", stream="jobs")
    await resolve_issues(tenant.pool, number, [IssueKind.FAULT], stream="jobs")
    await resolve_issues(tenant.pool, number, [IssueKind.FAULT], stream="jobs")
    await delivers.deliver()
    assert list_types(receiver) == ["issue.opened", "issue.resolved"]
    opened, resolved = (one.said["data"]["issue"] for one in receiver.list())
    assert opened == resolved
    assert (opened["stream"], opened["message"]) == ("jobs", "of ours")
    assert datetime.fromisoformat(opened["opened_at"])


async def test_ends_of_runs_are_said_with_what_they_did(
    delivers: Delivers, tenant: Tenant, vendor: Vendor, receiver: Receiver
) -> None:
    await delivers.add(tenant, events=["sync.started", "sync.finished", "sync.failed"])
    await tenant.sync()
    await ask_sync(tenant.pool, tenant.connector, tenant.integration)
    await cancel_sync(tenant.pool, tenant.connector)  # nobody had taken it up
    await delivers.deliver()
    said = [one.said for one in receiver.list()]
    assert [one["type"] for one in said] == ["sync.started", "sync.finished"]
    started, finished = (one["data"]["sync"] for one in said)
    assert started["id"] == finished["id"]
    assert (started["status"], finished["status"], finished["number"]) == ("running", "done", 1)
    count = await tenant.pool.fetchval("SELECT count(*) FROM record")
    assert finished["totals"] == {"read": 10, "new": count, "changed": 0, "deleted": 0}
    assert finished["triggered_by"] == "request"


async def test_page_with_more_than_fits_in_a_message_is_several_with_nothing_twice(
    delivers: Delivers, tenant: Tenant, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(standard, "RECORDS_AT_ONCE", 2)
    await delivers.add(tenant)
    await tenant.sync()
    receiver.answers["/hook"] = [answer_with(200)] * 3 + [answer_with(500)]  # in the middle of a page
    await delivers.deliver()
    sizes = [len(one.said["data"]["records"]) for one in receiver.list() if one.said["type"] == "record.created"]
    assert max(sizes) == 2
    await delivers.pass_time(seconds=10)
    await delivers.deliver()
    assert list_records(receiver.list()) == await list_logged(tenant.pool, tenant.connector.number)


async def test_lane_gives_way_after_some_messages_and_goes_on(
    delivers: Delivers, tenant: Tenant, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivering, "MESSAGES_AT_ONCE", 1)
    monkeypatch.setattr(notices, "NOTICES_AT_ONCE", 2)
    monkeypatch.setattr("unihire.events.deliveries.lane_look.NOTICES_AT_ONCE", 2)
    monkeypatch.setattr("unihire.events.deliveries.lane_look.PAGES_AT_ONCE", 1)
    await delivers.add(tenant)
    for number in range(5):
        await open_issue(tenant.pool, tenant.connector.number, IssueKind.FAULT, "of ours", stream=str(number))
    await tenant.sync()
    await delivers.deliver()
    assert list_records(receiver.list()) == await list_logged(tenant.pool, tenant.connector.number)
    assert list_types(receiver)[:6] == ["issue.opened"] * 5 + ["sync.started"]
    assert list_types(receiver)[-1] == "sync.finished"


async def test_records_come_with_the_message_on_request(
    delivers: Delivers, tenant: Tenant, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    await delivers.add(tenant, includes_records=True, models=["job"], events=["record.created"])
    await tenant.sync()
    await delivers.deliver()
    found: list[dict[str, Any]] = [record for one in receiver.list() for record in one.said["data"]["records"]]
    assert len(found) == 5
    for one in found:
        assert (one["record"]["id"], one["record"]["remote_id"]) == (one["id"], one["remote_id"])
        assert "more" in one["record"]
    receiver.received.clear()
    monkeypatch.setattr(standard, "RECORDS_BYTES", 1)
    await delivers.replay_all()
    found = [record for one in receiver.list() for record in one.said["data"]["records"]]
    assert [one["record"] for one in found] == [None] * 5


async def test_saving_makes_no_look_for_lanes_where_there_are_none(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(*_: object) -> None:
        raise AssertionError("nobody asked for it")

    for place in ("log.wake_lanes", "notices.wake_lanes"):
        monkeypatch.setattr(f"unihire.store.events.{place}", refuse)
    await tenant.sync()
    assert await tenant.pool.fetchval("SELECT count(*) FROM notice") == 0
