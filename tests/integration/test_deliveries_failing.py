"""Receivers that are down, slow, full, wrong or gone: what is tried again when, and what it costs the others."""

import asyncio
import time
from dataclasses import replace
from datetime import timedelta

import pytest
import pytest_asyncio
from aiohttp import web

from testbed.delivering import QUICK, Delivers, list_logged, list_records
from testbed.receiver import Answer, Received, Receiver, accept, answer_with
from testbed.tenants import Tenant, make_tenant
from testbed.vendor import Vendor, fill
from testbed.waiting import until, within
from unihire.events.deliveries.verdicts import PAUSES, SUSPECT_AFTER
from unihire.events.endpoints import EndpointOwner
from unihire.kit.seal import Sealer
from unihire.store import Pool
from unihire.store.gauges import count_gauges
from unihire.store.issues import list_issues, open_issue, resolve_issues
from unihire.sync.issues import IssueKind


@pytest_asyncio.fixture
async def tenant(pool: Pool, sealer: Sealer, vendor: Vendor) -> Tenant:
    fill(vendor)
    return await make_tenant(pool, sealer, base_url=vendor.base_url)


async def happen(tenant: Tenant, *, times: int = 1) -> None:
    """Something happens to the connector, in so many messages."""
    for number in range(times):
        await open_issue(tenant.pool, tenant.connector.number, IssueKind.FAULT, "of ours", stream=f"{number}")
        await resolve_issues(tenant.pool, tenant.connector.number, [IssueKind.FAULT], stream=f"{number}")


async def happen_once(tenant: Tenant, stream: str = "") -> None:
    await open_issue(tenant.pool, tenant.connector.number, IssueKind.FAULT, "of ours", stream=stream)


async def try_once(delivers: Delivers) -> None:
    """Let the deliverer do what is due, and no more: failed lanes wait for seconds at least."""
    async with delivers.work():
        await delivers.until_none_is_due()


async def list_kinds(tenant: Tenant, *, resolved: bool = False) -> list[str]:
    found = await list_issues(tenant.pool, tenant.connector.number, with_resolved=resolved)
    return [row["kind"] for row in found if row["kind"] != IssueKind.FAULT]


async def break_off(received: Received) -> web.StreamResponse:
    """No answer: the connection ends."""
    raise ConnectionResetError


async def say_nothing(received: Received) -> web.StreamResponse:
    await asyncio.sleep(20)
    return web.Response()


def trickle(status: int) -> Answer:
    """A status at once, and then a body that never ends."""

    async def answer(received: Received) -> web.StreamResponse:
        response = web.StreamResponse(status=status)
        assert received.request is not None
        await response.prepare(received.request)
        for _ in range(200):
            await response.write(b"x")
            await asyncio.sleep(0.1)
        return response

    return answer


@pytest.mark.parametrize("answer", [answer_with(500), answer_with(503), break_off, say_nothing, answer_with(408)])
async def test_message_that_does_not_arrive_is_tried_by_the_schedule_under_its_id_and_then_the_webhook_is_off(
    delivers: Delivers, tenant: Tenant, receiver: Receiver, answer: Answer
) -> None:
    endpoint = await delivers.add(tenant, name="Backend")
    receiver.otherwise["/hook"] = answer
    await happen_once(tenant)
    for number, pause in enumerate(PAUSES, 1):
        await try_once(delivers)
        assert len(receiver.list()) == number
        (lane,) = await delivers.list_lanes()
        assert lane["tries"] == number
        wait = await tenant.pool.fetchval("SELECT due_at - now() FROM lane")
        assert pause * 0.99 - timedelta(seconds=5) < wait <= pause * 1.1
        await delivers.pass_time(seconds=wait.total_seconds() - 3)
        assert await delivers.count_due() == 0
        await delivers.pass_time(seconds=4)
        assert (await delivers.get(endpoint))["is_enabled"]
    position = (await delivers.list_lanes())[0]["notice"]
    await try_once(delivers)
    assert len(receiver.list()) == 1 + len(PAUSES)
    assert len({one.id for one in receiver.list()}) == 1
    row = await delivers.get(endpoint)
    assert (row["is_enabled"], bool(row["off_reason"]), bool(row["off_at"])) == (False, True, True)
    assert await list_kinds(tenant) == ["webhook_off"]
    assert (await delivers.list_lanes())[0]["notice"] == position
    await happen_once(tenant, "later")
    await try_once(delivers)
    assert len(receiver.list()) == 1 + len(PAUSES)
    receiver.otherwise["/hook"] = accept
    await delivers.resume(endpoint)
    await delivers.deliver()
    arrived = receiver.list()[1 + len(PAUSES) :]
    assert [one.said["type"] for one in arrived] == ["issue.opened"] * 3 + ["issue.resolved"]
    assert arrived[0].id == receiver.list()[0].id
    assert await list_kinds(tenant) == []
    row = await delivers.get(endpoint)
    assert (row["is_enabled"], row["off_reason"], row["failing_since"], row["failures"]) == (True, None, None, 0)


async def test_receiver_that_was_down_for_a_day_gets_everything_in_order_when_it_is_back(
    delivers: Delivers, tenant: Tenant, vendor: Vendor, receiver: Receiver
) -> None:
    await delivers.add(tenant)
    receiver.otherwise["/hook"] = answer_with(502)
    await tenant.sync()
    for hours in range(24):
        vendor.lists["/jobs"][hours % 5] |= {"name": f"Renamed {hours}"}
        await tenant.sync(full=True)
        await try_once(delivers)
        await delivers.pass_time(hours=1)
    assert {one.id for one in receiver.list()} == {receiver.list()[0].id}
    tried = len(receiver.list())
    assert 5 <= tried <= 8
    receiver.otherwise["/hook"] = accept
    await delivers.pass_time(hours=16)
    await delivers.deliver()
    arrived = receiver.list()[tried:]
    assert list_records(arrived) == await list_logged(tenant.pool, tenant.connector.number)
    assert len({one.id for one in arrived}) == len(arrived)


async def test_receivers_that_do_not_respond_take_no_room_from_others(
    delivers: Delivers, tenant: Tenant, receiver: Receiver
) -> None:
    for number in range(3):
        await delivers.add(tenant, f"/dead{number}")
        receiver.otherwise[f"/dead{number}"] = say_nothing
    await happen_once(tenant)

    async def have_been_asked() -> bool:
        return len(receiver.received) == 3

    async def has_arrived() -> bool:
        return bool(receiver.list())

    async with delivers.work(slots=1, timeout=5.0, pace=replace(QUICK, lease=12.0)):
        await until(have_been_asked)  # each, though there is one slot
        await delivers.add(tenant)
        await happen_once(tenant, "later")
        began = time.monotonic()
        await until(has_arrived)
        assert time.monotonic() - began < 3


async def test_lanes_that_wait_or_are_tried_again_are_counted_for_who_watches(
    delivers: Delivers, tenant: Tenant, receiver: Receiver
) -> None:
    async def count() -> dict[tuple[str, str], float]:
        found = await count_gauges(tenant.pool)
        return {(one.name, one.kind): one.value for one in found if one.name.startswith("lanes")}

    await delivers.add(tenant)
    assert await count() == {("lanes_for", ""): 0}
    await happen_once(tenant)
    await delivers.pass_time(seconds=300)
    found = await count()
    assert found.pop(("lanes_for", "")) >= 300
    assert found == {("lanes", "waiting"): 1}
    receiver.otherwise["/hook"] = answer_with(500)
    await try_once(delivers)
    assert await count() == {("lanes", "retrying"): 1, ("lanes_for", ""): 0}
    receiver.otherwise["/hook"] = answer_with(410)
    await delivers.pass_time(seconds=10)
    await try_once(delivers)
    assert await count() == {("lanes_for", ""): 0}


async def test_gone_switches_the_webhook_off_at_once(delivers: Delivers, tenant: Tenant, receiver: Receiver) -> None:
    endpoint = await delivers.add(tenant)
    receiver.otherwise["/hook"] = answer_with(410)
    await happen(tenant)
    await try_once(delivers)
    assert len(receiver.list()) == 1
    row = await delivers.get(endpoint)
    assert (row["is_enabled"], row["off_reason"]) == (False, "it answered 410")
    assert await list_kinds(tenant) == ["webhook_off"]
    receiver.otherwise["/hook"] = accept
    await delivers.resume(endpoint)
    await delivers.deliver()
    assert [one.said["type"] for one in receiver.list()[1:3]] == ["issue.opened", "issue.resolved"]


@pytest.mark.parametrize(("status", "said", "seconds"), [(429, "120", 120), (503, "90", 90), (429, "999999999", 86400)])
async def test_wait_that_is_asked_for_is_obeyed_for_the_whole_endpoint_and_is_no_try(
    delivers: Delivers, tenant: Tenant, receiver: Receiver, sealer: Sealer, status: int, said: str, seconds: int
) -> None:
    other = await make_tenant(tenant.pool, sealer, base_url=tenant.connector.base_url)
    endpoint = await delivers.add(tenant)
    receiver.answers["/hook"] = [answer_with(status, Retry_After=said)]
    await happen_once(tenant)
    await try_once(delivers)
    wait = (await tenant.pool.fetchval("SELECT due_at - now() FROM lane WHERE due_at IS NOT NULL")).total_seconds()
    assert seconds - 5 < wait <= seconds
    assert {lane["tries"] for lane in await delivers.list_lanes()} == {0}
    await happen_once(other)
    await try_once(delivers)
    assert len(receiver.list()) == 1
    await delivers.pass_time(seconds=seconds - 10)
    await try_once(delivers)
    assert len(receiver.list()) == 1
    await delivers.pass_time(seconds=10)
    await delivers.deliver()
    assert len(receiver.list()) == 3
    assert (await delivers.get(endpoint))["is_enabled"]


async def test_receiver_that_asks_to_wait_for_days_is_switched_off_like_any_other(
    delivers: Delivers, tenant: Tenant, receiver: Receiver
) -> None:
    endpoint = await delivers.add(tenant)
    receiver.otherwise["/hook"] = answer_with(503, Retry_After="3600")
    await happen_once(tenant)
    for _ in range(80):
        await try_once(delivers)
        await delivers.pass_time(hours=1)
    assert 75 <= len(receiver.list()) <= 77
    assert not (await delivers.get(endpoint))["is_enabled"]


@pytest.mark.parametrize("status", [400, 401, 404, 422])
async def test_message_that_is_refused_for_35_minutes_is_passed_over_and_sent_again_on_request(
    delivers: Delivers, tenant: Tenant, receiver: Receiver, status: int
) -> None:
    endpoint = await delivers.add(tenant, events=["issue.resolved"])

    async def refuse_first(received: Received) -> web.StreamResponse:
        is_first = received.said["data"]["issue"]["stream"] == "0"
        return web.Response(status=status if is_first else 200)

    receiver.otherwise["/hook"] = refuse_first
    await happen(tenant, times=3)
    for seconds in (5, 300, 1800):
        await try_once(delivers)
        await delivers.pass_time(seconds=seconds * 1.11)
    assert len(receiver.list()) == 3
    await delivers.deliver()
    streams = [one.said["data"]["issue"]["stream"] for one in receiver.list()]
    assert streams == ["0", "0", "0", "0", "1", "2"]
    assert (await delivers.get(endpoint))["is_enabled"]
    assert await list_kinds(tenant) == ["webhook_refused"]
    (refused,) = await tenant.pool.fetch("SELECT * FROM undelivered")
    assert (refused["message"], refused["status"], refused["event"]) == (
        receiver.list()[0].id,
        status,
        "issue.resolved",
    )
    receiver.otherwise["/hook"] = accept
    assert (await delivers.replay_refused(endpoint)).count == 1
    await delivers.deliver()
    again, resolved = receiver.list()[6:]
    assert again.id == refused["message"]
    assert resolved.said["data"]["issue"]["kind"] == "webhook_refused"
    assert await tenant.pool.fetch("SELECT * FROM undelivered") == []
    assert await list_kinds(tenant) == []
    assert len(await delivers.list_lanes()) == 1


async def test_redirect_is_not_followed(delivers: Delivers, tenant: Tenant, receiver: Receiver) -> None:
    await delivers.add(tenant)
    receiver.otherwise["/hook"] = answer_with(307, Location="/elsewhere")
    await happen_once(tenant)
    await try_once(delivers)
    assert [one.path for one in receiver.received] == ["/hook"]
    (row,) = await tenant.pool.fetch("SELECT status, answer FROM delivery")
    assert row["status"] == 307
    assert b"/elsewhere" in row["answer"]
    assert (await delivers.list_lanes())[0]["tries"] == 1


@pytest.mark.parametrize(("status", "arrived"), [(200, True), (500, False)])
async def test_answer_whose_body_never_ends_counts_by_its_status(
    delivers: Delivers, tenant: Tenant, receiver: Receiver, status: int, arrived: bool
) -> None:
    await delivers.add(tenant)
    receiver.answers["/hook"] = [trickle(status)]
    await happen_once(tenant)
    async with delivers.work():
        await until(delivers.has_noted)
        await delivers.until_none_is_due()
    (lane,) = await delivers.list_lanes()
    assert (lane["due_at"] is None) == arrived


async def test_endpoint_that_is_down_is_tried_with_one_message_at_a_time_and_with_all_once_it_is_back(
    delivers: Delivers, tenant: Tenant, receiver: Receiver, sealer: Sealer
) -> None:
    tenants = [tenant, *[await make_tenant(tenant.pool, sealer) for _ in range(19)]]
    endpoint = await delivers.add(tenant)
    receiver.otherwise["/hook"] = answer_with(500)
    for one in tenants:
        await happen_once(one)
    await try_once(delivers)
    tried = len(receiver.list())
    assert SUSPECT_AFTER <= tried <= SUSPECT_AFTER + 4
    row = await delivers.get(endpoint)
    assert row["failures"] == SUSPECT_AFTER
    assert row["held_until"] is not None
    await delivers.pass_time(seconds=6)
    await try_once(delivers)
    assert len(receiver.list()) == tried + 1
    receiver.otherwise["/hook"] = accept
    await delivers.pass_time(minutes=6)
    await delivers.deliver()
    assert len({one.said["data"]["connector_id"] for one in receiver.list()[tried + 1 :]}) == 20
    assert (await delivers.get(endpoint))["failing_since"] is None


async def test_message_that_one_connector_cannot_get_rid_of_does_not_hold_up_the_others(
    delivers: Delivers, tenant: Tenant, receiver: Receiver, sealer: Sealer
) -> None:
    """It answers 500 to one connector's for three days; then that message is passed over, and nothing is off."""
    other = await make_tenant(tenant.pool, sealer)
    endpoint = await delivers.add(tenant)

    async def fail_one(received: Received) -> web.StreamResponse:
        is_bad = received.said["data"]["connector_id"] == str(tenant.connector.id)
        return web.Response(status=500 if is_bad and received.said["type"] == "issue.opened" else 200)

    receiver.otherwise["/hook"] = fail_one
    await happen(tenant)
    for hours in range(95):
        await happen_once(other, str(hours))
        await try_once(delivers)
        await delivers.pass_time(hours=1)
    ids = [one.said["data"]["connector_id"] for one in receiver.list()]
    assert ids.count(str(other.connector.id)) == 95
    row = await delivers.get(endpoint)
    assert row["is_enabled"]
    (refused,) = await tenant.pool.fetch("SELECT * FROM undelivered")
    assert refused["connector_id"] == tenant.connector.id
    receiver.otherwise["/hook"] = accept
    await delivers.pass_time(hours=24)
    await delivers.deliver()
    assert receiver.list()[-1].said["data"]["connector_id"] == str(tenant.connector.id)


async def test_events_that_are_no_longer_stored_are_an_issue_and_the_others_arrive(
    delivers: Delivers, tenant: Tenant, vendor: Vendor, receiver: Receiver
) -> None:
    endpoint = await delivers.add(tenant)
    owner = EndpointOwner(endpoint.organisation, endpoint.environment)
    await delivers.endpoints.change(owner, endpoint.id, lambda was: was, is_enabled=False)
    await tenant.sync()
    await delivers.cut_log(tenant)
    vendor.lists["/jobs"][0] |= {"name": "Renamed"}
    await tenant.sync(full=True)
    await try_once(delivers)
    assert receiver.received == []
    await delivers.resume(endpoint)
    await delivers.deliver()
    assert [kind for kind, _ in list_records(receiver.list())] == ["updated"]
    assert await list_kinds(tenant) == ["webhook_behind"]
    await delivers.resume(endpoint)
    assert await list_kinds(tenant) == []


async def test_deliverer_that_ends_gives_back_what_it_has(
    delivers: Delivers, tenant: Tenant, receiver: Receiver
) -> None:
    await delivers.add(tenant)
    receiver.answers["/hook"] = [say_nothing]
    await happen_once(tenant)
    deliverer = delivers.make(timeout=10.0, pace=QUICK.__class__(**{**vars_of(QUICK), "lease": 30.0}))
    task = asyncio.create_task(deliverer.run())
    await until(lambda: _has(receiver))
    deliverer.stop()
    await within(task, 5)
    (lane,) = await delivers.list_lanes()
    assert lane["claim"] is None
    await delivers.deliver()
    assert len({one.id for one in receiver.list()}) == 1


async def _has(receiver: Receiver) -> bool:
    return bool(receiver.received)


def vars_of(pace: object) -> dict[str, float]:
    return {name: getattr(pace, name) for name in pace.__slots__}  # type: ignore[attr-defined]
