"""All that is sealed comes under the newest key, whatever runs beside it, and whatever ends it."""

import asyncio
import itertools
import json
from collections import Counter
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from testbed.databases import Databases
from testbed.partner import PARTNER, SECRETS, connect_partner, make_grant
from unihire.cli.doctor.examining import judge_marks
from unihire.errors import ConfigError
from unihire.events.endpoints import EndpointOwner, Endpoints, EndpointSettings
from unihire.events.inbox.hooks import seal_secrets
from unihire.kit.seal import MARK_BYTES, Sealer, new_key
from unihire.outbound.addresses import AddressPolicy
from unihire.outbound.auth import Grant
from unihire.platform import resealing
from unihire.platform.connectors import open_credentials
from unihire.platform.grants import StoredGrants
from unihire.platform.linking.link_rules import save_partner
from unihire.platform.linking.link_tokens import EndUser, create_link_token
from unihire.platform.organisations import ensure_organisation
from unihire.platform.resealing import reseal
from unihire.platform.sealing import make_grant_context, make_partner_context, make_pending_context
from unihire.store import Pool
from unihire.store.accounts.link_settings import list_link_integrations
from unihire.store.accounts.sealed import KINDS, count_marks
from unihire.store.accounts.tenancy import Connector, get_connector, list_connectors
from unihire.store.events.hooks import add_hook
from unihire.webhook_forms import FORMS

OLD, NEW, LOST = new_key(), new_key(), new_key()
BEFORE, BOTH, AFTER = Sealer([OLD]), Sealer([NEW, OLD]), Sealer([NEW])
GRANT = "SELECT sealed FROM connector_grant WHERE connector = $1"


@pytest_asyncio.fixture
async def place(databases: Databases) -> AsyncIterator[Pool]:
    async with databases.open() as pool:
        yield pool


async def connect(pool: Pool, sealer: Sealer = BEFORE) -> Connector:
    """A partner's connector, with a hook."""
    connector = await connect_partner(
        pool, sealer, integration=PARTNER, base_url="http://127.0.0.1:9", credentials=SECRETS, grant=make_grant()
    )
    async with pool.acquire() as connection, connection.transaction():
        secrets = seal_secrets(sealer, connector.id, ["secret of the hook"])
        assert await add_hook(connection, connector.number, connector.id.bytes, secrets)
    return connector


def keep(pool: Pool, sealer: Sealer, connector: Connector) -> StoredGrants:
    return StoredGrants(pool, sealer, connector=connector.id, number=connector.number, version=1)


async def read(pool: Pool, sealer: Sealer, connector: Connector) -> tuple[dict[str, str], Grant | None]:
    found = await get_connector(pool, connector.id)
    assert found is not None
    return open_credentials(found, sealer), await keep(pool, sealer, connector).find()


async def test_everything_opens_with_the_newest_key_alone_and_says_the_same(
    place: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resealing, "BATCH", 2)
    connectors = [await connect(place) for _ in range(5)]
    before = [await read(place, BEFORE, one) for one in connectors]
    bought = await place.fetch("SELECT saved_at FROM connector_grant ORDER BY connector")
    done = await reseal(place, BOTH)
    assert (done.resealed, done.left) == (Counter(credentials=5, grant=5, hook=5), [])
    assert [await read(place, AFTER, one) for one in connectors] == before
    assert await place.fetch("SELECT saved_at FROM connector_grant ORDER BY connector") == bought
    done = await reseal(place, BOTH)
    assert (done.resealed, done.left) == (Counter(), [])


async def test_what_does_not_open_is_named_and_the_others_are_resealed(place: Pool) -> None:
    lost, spoiled, good = await connect(place, Sealer([LOST])), await connect(place), await connect(place)
    await place.execute(
        "UPDATE connector_grant SET sealed = substring(sealed FROM 1 FOR 20) WHERE connector = $1", spoiled.number
    )
    done = await reseal(place, BOTH)
    assert done.resealed == Counter(credentials=2, grant=1, hook=2)
    left = [(one.kind, one.owner) for one in done.left]
    assert left == [("credentials", lost.id), ("grant", lost.id), ("grant", spoiled.id), ("hook", lost.id)]
    assert "no longer contains" in done.left[0].reason
    assert "does not open" in done.left[2].reason
    assert (await read(place, AFTER, good))[0] == SECRETS
    with pytest.raises(ConfigError):
        AFTER.open(await place.fetchval(GRANT, spoiled.number), make_grant_context(spoiled.id))


async def test_grant_that_is_renewed_meanwhile_stays_and_is_resealed_later(place: Pool) -> None:
    """A process that has the old key as its newest saves a grant between the look at the old one and its replacing."""
    connector = await connect(place)
    renewed = make_grant("refresh-of-the-renewed")
    async with place.acquire() as connection:
        transaction = connection.transaction()
        await transaction.start()
        await keep(place, BEFORE, connector).save(renewed, connection)
        resealing_it = asyncio.create_task(reseal(place, BOTH))
        async with asyncio.timeout(10):
            for _ in itertools.count():
                if await place.fetchval("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"):
                    break
                await asyncio.sleep(0.01)
        await transaction.commit()
    done = await resealing_it
    assert (done.resealed, done.left) == (Counter(credentials=1, grant=1, hook=1), [])
    assert (await read(place, AFTER, connector))[1] == renewed


async def test_what_is_always_sealed_under_another_key_again_is_left_and_says_why(
    place: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    connector = await connect(place)

    async def be_late(*_: object) -> bool:
        return False

    monkeypatch.setattr(resealing, "replace_sealed", be_late)
    done = await reseal(place, BOTH)
    assert done.resealed == Counter()
    kinds = [kind for kind in KINDS if kind not in ("webhook", "partner", "pending")]
    assert [(one.kind, one.owner) for one in done.left] == [(kind, connector.id) for kind in kinds]
    assert "restart it with the keys of this command" in done.left[0].reason


async def test_secrets_of_webhooks_come_under_the_newest_key_and_one_that_does_not_open_is_named(place: Pool) -> None:
    owner = EndpointOwner(await ensure_organisation(place, "default"), "production")
    settings = EndpointSettings(url="https://example.com")
    policy = AddressPolicy()
    good, secret = await Endpoints(place, BEFORE, FORMS, policy).create(owner, settings, format="standard")
    lost, _ = await Endpoints(place, Sealer([LOST]), FORMS, policy).create(owner, settings, format="standard")
    done = await reseal(place, BOTH)
    assert done.resealed == Counter(webhook=1)
    assert [(one.kind, one.owner) for one in done.left] == [("webhook", lost.id)]
    after = Endpoints(place, AFTER, FORMS, policy)
    (sealed,) = (await after.list_secrets([good]))[good.id]
    assert after.open_secret(sealed) == secret


async def test_what_links_seal_comes_under_the_newest_key(place: Pool) -> None:
    organisation = await ensure_organisation(place, "default")
    partner = {"client_id": "id", "client_secret": "secret"}
    await save_partner(place, BEFORE, organisation, "production", "greenhouse", partner)
    await create_link_token(
        place,
        organisation=organisation,
        environment="production",
        category="ATS",
        integration="greenhouse",
        end_user=EndUser("Customer", None),
    )
    session = await place.fetchval("SELECT id FROM link_session")
    sealed = BEFORE.seal(b"{}", make_pending_context(session))
    await place.execute("UPDATE link_session SET pending = $1", sealed)
    done = await reseal(place, BOTH)
    assert (done.resealed, done.left) == (Counter(partner=1, pending=1), [])
    said = (await list_link_integrations(place, organisation, "production"))["greenhouse"]
    assert json.loads(AFTER.open(said.partner or b"", make_partner_context(said.id))) == partner
    assert AFTER.open(await place.fetchval("SELECT pending FROM link_session"), make_pending_context(session)) == b"{}"


async def test_doctor_says_when_a_key_can_go(place: Pool) -> None:
    async def look(sealer: Sealer) -> tuple[str, str]:
        found = judge_marks(sealer, {kind: await count_marks(place, kind) for kind in KINDS}, "opens all")
        return found.status, found.detail

    await connect(place)
    assert await look(BEFORE) == ("ok", "opens all")
    status, said = await look(BOTH)
    assert status == "warning"
    assert "credentials of 1 connector and 1 grant sealed under an older key: unihire keys reseal" in said
    await reseal(place, BOTH)
    status, said = await look(BOTH)
    assert status == "ok"
    assert "the 1 older key can go" in said
    assert await look(AFTER) == ("ok", "opens all")
    assert (await look(BEFORE))[0] == "failed"


async def test_every_sealed_column_there_is_is_resealed(place: Pool) -> None:
    """A new one would be forgotten: what a table holds under the old key is found by how it begins."""
    await connect(place)
    await reseal(place, BOTH)
    mark = next(iter(BEFORE.marks))
    columns = await place.fetch(
        "SELECT table_name, column_name FROM information_schema.columns "
        "WHERE table_schema = 'public' AND data_type = 'bytea'"
    )
    for table, column in columns:
        statement = f"SELECT count(*) FROM {table} WHERE substring({column} FROM 1 FOR {MARK_BYTES}) = $1"
        assert await place.fetchval(statement, mark) == 0, f"{table}.{column}"
    assert len(await list_connectors(place)) == 1
