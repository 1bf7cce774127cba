"""Deliveries to hooks: what is good is on the disk before it is answered, what is not is refused and counted."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
import pytest_asyncio
from prometheus_client import generate_latest

from testbed.databases import Databases
from testbed.hooking import HOOKED, Hook, install, list_waiting, make_hook, row
from testbed.tenants import Tenant, make_tenant, open_api
from testbed.touching import DELTA
from unihire.dialects.unihire import hooks as routes
from unihire.errors import ConfigError
from unihire.events.inbox import hooks
from unihire.integration.webhooks import Delivery, Secret, Signature, WebhookReply
from unihire.kit.metrics import REGISTRY
from unihire.kit.seal import Sealer, new_key
from unihire.platform.resealing import reseal
from unihire.store import Pool
from unihire.store.accounts.tenancy import delete_connector
from unihire.store.events import inbox

NOW = datetime(2026, 1, 31, tzinfo=UTC)


@pytest_asyncio.fixture
async def tenant(pool: Pool, sealer: Sealer, monkeypatch: pytest.MonkeyPatch) -> Tenant:
    install(monkeypatch)
    return await make_tenant(pool, sealer, integration=DELTA)


@pytest_asyncio.fixture
async def api(databases: Databases, tenant: Tenant, sealer: Sealer) -> AsyncIterator[httpx.AsyncClient]:
    async with open_api(databases.settings("migrated"), tenant, sealer) as client:
        client.headers.clear()
        yield client


@pytest_asyncio.fixture
async def hook(tenant: Tenant, sealer: Sealer, api: httpx.AsyncClient) -> Hook:
    return await make_hook(tenant, sealer, api)


def count(status: str, integration: str = "acme") -> float:
    found = REGISTRY.get_sample_value("unihire_hook_deliveries_total", {"integration": integration, "status": status})
    return found or 0.0


async def test_good_delivery_is_written_down_before_it_is_answered(hook: Hook, pool: Pool) -> None:
    answer = await hook.send(row("people", "1"), row("tags", "1", by="person_id"), row("offers", "7", is_gone=True))
    assert (answer.status_code, answer.content) == (200, b"")
    assert await list_waiting(pool) == {("people", "", "1"), ("tags", "person_id", "1"), ("offers", "", "7")}
    (waiting,) = await pool.fetch("SELECT is_gone FROM inbox_touch WHERE stream = 'offers'")
    assert waiting["is_gone"]
    assert await pool.fetchval("SELECT due_at <= now() FROM inbox")


async def test_event_is_taken_once_however_often_it_is_delivered(hook: Hook, pool: Pool) -> None:
    before = count("accepted"), count("duplicate")
    assert (await hook.send(row("people", "1"), id="e-1")).status_code == 200
    await pool.execute("DELETE FROM inbox_touch")
    for _ in range(3):
        assert (await hook.send(row("people", "1"), id="e-1")).status_code == 200
    assert await list_waiting(pool) == set()
    assert (count("accepted"), count("duplicate")) == (before[0] + 1, before[1] + 3)
    assert (await hook.send(row("people", "1"), id="e-2")).status_code == 200
    assert await list_waiting(pool) == {("people", "", "1")}


async def test_delivery_without_an_id_of_its_event_is_known_by_its_body(hook: Hook, pool: Pool) -> None:
    body = json.dumps({"kind": "touched", "rows": [row("people", "1")]}).encode()
    await hook.post(body, None, hook.secret)
    await pool.execute("DELETE FROM inbox_touch")
    await hook.post(body, None, hook.secret)
    assert await list_waiting(pool) == set()
    await hook.post(body + b" ", None, hook.secret)
    assert await list_waiting(pool) == {("people", "", "1")}


async def test_same_event_of_another_connector_is_another(
    hook: Hook, pool: Pool, sealer: Sealer, api: httpx.AsyncClient
) -> None:
    other = await make_hook(await make_tenant(pool, sealer, organisation="B", integration=DELTA), sealer, api)
    await hook.send(row("people", "1"), id="e-1")
    await other.send(row("people", "1"), id="e-1")
    assert await pool.fetchval("SELECT count(*) FROM inbox_touch") == 2
    assert (await other.send(row("people", "2"), secret=hook.secret)).status_code == 401


async def test_burst_is_written_in_few_transactions_and_answered_whole(hook: Hook, pool: Pool) -> None:
    before = await pool.fetchval("SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()")
    answers = await asyncio.gather(
        *(hook.send(row("people", str(number % 300)), id=f"e-{number % 900}") for number in range(1000))
    )
    assert {answer.status_code for answer in answers} == {200}
    assert await pool.fetchval("SELECT count(*) FROM inbox_delivery") == 900
    assert await pool.fetchval("SELECT count(*) FROM inbox_touch") == 300
    await pool.execute("SELECT pg_stat_force_next_flush()")
    versions = await pool.fetchval("SELECT count(DISTINCT xmin::text) FROM inbox_delivery")
    assert versions < 200, f"{versions} transactions for a burst of 1,000 ({before})"


@pytest.mark.parametrize(
    "send",
    [
        lambda hook: hook.send(row("people", "1"), secret="another"),
        lambda hook: hook.send(row("people", "1"), **{"X-Signature": ""}),
        lambda hook: hook.api.post(hook.path, content=b"{}"),
    ],
    ids=["another secret", "empty", "unsigned"],
)
async def test_forged_delivery_is_refused_and_counted(hook: Hook, pool: Pool, send: Any) -> None:
    before = count("forged")
    answer = await send(hook)
    assert (answer.status_code, answer.json()) == (401, {"detail": "The signature is not good"})
    assert count("forged") == before + 1
    assert await pool.fetchval("SELECT count(*) FROM inbox_delivery") == 0


async def test_address_that_is_nobodys_is_refused_without_reading_what_comes(hook: Hook) -> None:
    before = count("unknown", "")
    token = hook.path.rpartition("/")[2]
    body = b'{"kind": "touched", "rows": []}'
    for path in (
        f"/hooks/acme/{token[:-1]}{'A' if token[-1] != 'A' else 'B'}",
        f"/hooks/greenhouse/{token}",
        f"/hooks/acme/{token}x",
        "/hooks/acme/x",
        f"/hooks/acme/{'%00' * 14}a",
    ):
        assert (await hook.api.post(path, content=body)).status_code == 404
    assert count("unknown", "") == before + 5
    assert (await hook.api.get(hook.path)).status_code == 405


async def test_too_large_a_body_is_refused_whether_it_says_so_or_not(
    hook: Hook, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(monkeypatch, most_bytes=1000)
    before = count("too_large")

    async def send_in_parts() -> AsyncIterator[bytes]:
        for _ in range(30):
            yield b" " * 100

    for content in (b" " * 1001, send_in_parts()):
        answer = await hook.api.post(hook.path, content=content)
        assert answer.status_code == 413
    assert count("too_large") == before + 2
    assert (await hook.post(b" " * 1000, None, "x")).status_code == 401


async def test_body_that_does_not_come_in_time_is_refused(hook: Hook, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(routes, "READ_SECONDS", 0.1)
    before, may_end = count("too_slow"), asyncio.Event()

    async def dawdle() -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.wait_for(may_end.wait(), 30)

    try:
        assert (await hook.api.post(hook.path, content=dawdle())).status_code == 408
    finally:
        may_end.set()
    assert count("too_slow") == before + 1


async def test_deliveries_beyond_the_rate_are_refused_with_when_to_come_again(
    databases: Databases, tenant: Tenant, sealer: Sealer
) -> None:
    before = count("too_many")
    async with open_api(databases.settings("migrated", hook_rate_limit=3), tenant, sealer) as api:
        hook = await make_hook(tenant, sealer, api)
        answers = [await hook.send(row("people", "1")) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert 1 <= int(answers[3].headers["Retry-After"]) <= 60
    assert count("too_many") == before + 1


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b'{"kind": 1}', b'{"kind": "x", "rows": [{}]}', b"[" * 5000], ids=range(6)
)
async def test_good_delivery_that_is_not_as_documented_is_accepted_and_touches_nothing(
    hook: Hook, pool: Pool, body: bytes
) -> None:
    before = count("unreadable")
    assert (await hook.post(body, "e", hook.secret)).status_code == 200
    assert count("unreadable") == before + 1
    assert await list_waiting(pool) == set()


async def test_what_cannot_be_stored_or_asked_for_is_left_out(hook: Hook, pool: Pool) -> None:
    odd = [row("people", id) for id in ("", "a\0b", "x" * 1000)]
    answer = await hook.send(*odd, row("nothing", "1"), row("people", "1"))
    assert answer.status_code == 200
    assert await list_waiting(pool) == {("people", "", "1")}
    await hook.send(*(row("people", str(number)) for number in range(5000)))
    assert len(await list_waiting(pool)) == 1000


async def test_touched_again_is_touched_once_from_when_it_was_touched_first(hook: Hook, pool: Pool) -> None:
    await hook.send(row("people", "1", is_wide=True))
    first = await pool.fetchrow("SELECT * FROM inbox_touch")
    await pool.execute("UPDATE inbox_touch SET tries = 3, due_at = now() + '1 hour'")
    await hook.send(row("people", "1", is_gone=True), row("people", "1"))
    (again,) = await pool.fetch("SELECT *, due_at <= now() AS is_due FROM inbox_touch")
    assert again["touched_at"] == first["touched_at"]
    assert again["version"] > first["version"]
    assert (again["is_wide"], again["is_gone"], again["tries"], again["is_due"]) == (True, False, 0, True)


async def test_vendors_own_status_of_success_is_answered(hook: Hook, monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, accepted=202)
    assert (await hook.send(row("people", "1"))).status_code == 202


async def test_handshake_is_answered_as_the_vendor_wants_and_written_nowhere(
    hook: Hook, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def shake(delivery: Delivery) -> WebhookReply | None:
        asked = delivery.find_header("X-Hook-Secret")
        return None if asked is None else WebhookReply(headers={"X-Hook-Secret": asked}, body=b"hello")

    install(monkeypatch, handshake=shake)
    before = count("handshake")
    answer = await hook.api.post(hook.path, headers={"X-Hook-Secret": "drawn by the vendor"})
    assert (answer.status_code, answer.headers["X-Hook-Secret"], answer.content) == (
        200,
        "drawn by the vendor",
        b"hello",
    )
    assert count("handshake") == before + 1
    assert (await hook.send(row("people", "1"))).status_code == 200
    assert await pool.fetchval("SELECT count(*) FROM inbox_delivery") == 1


async def test_unsigned_test_call_is_accepted_before_there_is_a_secret_and_a_delivery_is_not(
    tenant: Tenant, sealer: Sealer, api: httpx.AsyncClient, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(monkeypatch, secret=Secret(drawn_by="vendor"), is_test=lambda delivery: delivery.data == {"test": True})
    hook = await make_hook(tenant, sealer, api)
    assert hook.secret == ""
    before = count("test"), count("no_secret")
    assert (await api.post(hook.path, content=b'{"test": true}')).status_code == 200
    assert (await api.post(hook.path, content=b"{")).status_code == 401
    assert (await hook.send(row("people", "1"), secret="theirs")).status_code == 401
    assert (count("test"), count("no_secret")) == (before[0] + 1, before[1] + 2)
    webhooks = hooks.get_webhooks(tenant.connector)
    with pytest.raises(ConfigError, match="draws the secret itself"):
        await hooks.add_secret(pool, sealer, tenant.connector, webhooks)
    await hooks.add_secret(pool, sealer, tenant.connector, webhooks, secret="theirs")
    assert (await hook.send(row("people", "1"), secret="theirs")).status_code == 200
    assert await pool.fetchval("SELECT count(*) FROM inbox_delivery") == 1


async def test_secret_may_be_a_credential_of_the_connector(
    tenant: Tenant, sealer: Sealer, api: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(monkeypatch, secret=Secret(credentials=("token", "client_secret")))
    hook = await make_hook(tenant, sealer, api)
    assert (await hook.send(row("people", "1"), secret=tenant.credentials["client_secret"])).status_code == 200
    assert (await hook.send(row("people", "1"), secret=tenant.credentials["client_id"])).status_code == 401


async def test_vendor_that_signs_nothing_is_known_by_the_address_alone(
    tenant: Tenant, sealer: Sealer, api: httpx.AsyncClient, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(monkeypatch, verify=None, secret=None)
    hook = await make_hook(tenant, sealer, api)
    body = json.dumps({"kind": "touched", "rows": [row("people", "1")]}).encode()
    assert (await api.post(hook.path, content=body)).status_code == 200
    assert await list_waiting(pool) == {("people", "", "1")}


async def test_delivery_that_was_signed_long_ago_is_refused_as_such(
    hook: Hook, monkeypatch: pytest.MonkeyPatch
) -> None:
    signature = Signature(header="X-Signature", signed_at=lambda delivery: NOW)
    install(monkeypatch, verify=signature.verify)
    before = count("stale")
    answer = await hook.send(row("people", "1"))
    assert (answer.status_code, count("stale")) == (401, before + 1)


async def test_secret_that_is_replaced_is_good_beside_the_new_one_until_it_is_the_only_one(
    hook: Hook, tenant: Tenant, sealer: Sealer, pool: Pool
) -> None:
    secrets = [hook.secret]
    for _ in range(3):
        drawn = await hooks.add_secret(pool, sealer, tenant.connector, HOOKED)
        assert drawn is not None
        secrets.append(drawn)
    answers = [(await hook.send(row("people", "1"), secret=secret)).status_code for secret in secrets]
    assert answers == [401, 200, 200, 200], "the newest three are good"
    only = await hooks.add_secret(pool, sealer, tenant.connector, HOOKED, secret="mine", is_only=True)
    assert only is None
    answers = [(await hook.send(row("people", "1"), secret=secret)).status_code for secret in [*secrets, "mine"]]
    assert answers == [401, 401, 401, 401, 200]


async def test_address_that_is_replaced_ends_when_it_was_said_to(
    hook: Hook, tenant: Tenant, pool: Pool, api: httpx.AsyncClient
) -> None:
    second = await hooks.replace_address(pool, tenant.connector, old_valid_for=timedelta(hours=1))
    third = await hooks.replace_address(pool, tenant.connector, old_valid_for=timedelta(minutes=30))

    async def ask() -> list[int]:
        return [
            (await replace(hook, path=path).send(row("people", "1"))).status_code
            for path in (hook.path, second.path, third.path)
        ]

    assert await ask() == [200, 200, 200]
    await pool.execute("UPDATE hook_token SET ends_at = ends_at - interval '31 minutes'")
    assert await ask() == [404, 404, 200]
    last = await hooks.replace_address(pool, tenant.connector, old_valid_for=timedelta())
    assert await ask() == [404, 404, 404]
    assert (await replace(hook, path=last.path).send(row("people", "1"))).status_code == 200
    await hooks.close_hook(pool, tenant.connector)
    assert (await replace(hook, path=last.path).send(row("people", "1"))).status_code == 404
    with pytest.raises(ConfigError, match="has no hook"):
        await hooks.close_hook(pool, tenant.connector)
    with pytest.raises(ConfigError, match="has no hook"):
        await hooks.replace_address(pool, tenant.connector, old_valid_for=timedelta())


async def test_connector_has_one_hook_which_goes_with_it(
    hook: Hook, tenant: Tenant, sealer: Sealer, pool: Pool
) -> None:
    with pytest.raises(ConfigError, match="has a hook"):
        await hooks.open_hook(pool, sealer, tenant.connector, HOOKED)
    await hook.send(row("people", "1"))
    await delete_connector(pool, tenant.connector)
    assert (await hook.send(row("people", "1"))).status_code == 404
    for table in ("hook", "hook_token", "inbox", "inbox_touch", "inbox_delivery"):
        assert await pool.fetchval(f"SELECT count(*) FROM {table}") == 0


async def test_neither_token_nor_secret_is_readable_in_the_database(hook: Hook, pool: Pool) -> None:
    stored = [tuple(one) for table in ("hook", "hook_token") for one in await pool.fetch(f"SELECT * FROM {table}")]
    text = repr(stored)
    assert hook.secret not in text
    assert hook.path.rpartition("/")[2] not in text


async def test_secrets_come_under_a_new_key(hook: Hook, tenant: Tenant, sealer: Sealer, pool: Pool) -> None:
    old, new = new_key(), new_key()
    await pool.execute("UPDATE hook SET secrets = $1", hooks.seal_secrets(Sealer([old]), tenant.connector.id, ["mine"]))
    await pool.execute("UPDATE connector SET credentials = ''")
    done = await reseal(pool, Sealer([new, old]))
    assert done.resealed["hook"] == 1
    sealed = await pool.fetchval("SELECT secrets FROM hook")
    assert hooks.open_secrets(Sealer([new]), tenant.connector.id, sealed) == ["mine"]


async def test_secrets_that_do_not_open_are_the_operators_to_mend(hook: Hook, tenant: Tenant, pool: Pool) -> None:
    other = hooks.seal_secrets(Sealer([new_key()]), tenant.connector.id, ["mine"])
    await pool.execute("UPDATE hook SET secrets = $1", other)
    assert (await hook.send(row("people", "1"))).status_code == 503


async def test_deliveries_are_forgotten_when_no_vendor_sends_them_any_more(hook: Hook, pool: Pool) -> None:
    await hook.send(row("people", "1"), id="old")
    await pool.execute("UPDATE inbox_delivery SET received_at = now() - interval '7 days 1 second'")
    await hook.send(row("people", "1"), id="new")
    async with pool.acquire() as connection, connection.transaction():
        assert not await inbox.cut_deliveries(connection)
    assert await pool.fetchval("SELECT count(*) FROM inbox_delivery") == 1


async def test_no_address_of_a_hook_is_among_the_measures(hook: Hook) -> None:
    await hook.send(row("people", "1"))
    text = generate_latest(REGISTRY).decode()
    assert 'route="/hooks/{vendor}/{token}"' in text
    assert hook.path.rpartition("/")[2] not in text
