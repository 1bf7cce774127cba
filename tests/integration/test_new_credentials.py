"""A connector that is given new credentials while something is done with the old ones: nothing of theirs is kept."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio

from testbed.accounts import NEW, OLD, Accounts, believe_at_once, reconnect
from testbed.partner import PARTNER, SECRETS, TokenEndpoint, connect_partner, make_grant
from testbed.tenants import Tenant, make_tenant
from testbed.vendor import ACME, Vendor, say
from testbed.waiting import within
from testbed.working import Works
from unihire.errors import ConfigError, CredentialsReplaced, ReauthorizeNeeded, Stopped
from unihire.integration import registry
from unihire.kit.seal import Sealer
from unihire.outbound.auth import Grant
from unihire.platform.clients import Clients
from unihire.platform.connectors import open_connector_client, reconnect_connector
from unihire.platform.context_live import LiveContext
from unihire.platform.grants import StoredGrants
from unihire.store import Connection, Pool, issues
from unihire.store.accounts import grants, tenancy
from unihire.store.accounts.tenancy import Connector
from unihire.store.work import runs
from unihire.sync.issues import IssueKind, ask_for_relink
from unihire.sync.rows_by_id import sync_rows_by_id
from unihire.sync.run import sync_connector

NOW = datetime(2126, 1, 31, 9, 30, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _integrations(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "list_integrations", lambda: (PARTNER,))


@pytest.fixture
def accounts(vendor: Vendor) -> Accounts:
    made = Accounts(vendor)
    made.open()
    return made


@pytest_asyncio.fixture
async def tenant(pool: Pool, sealer: Sealer, vendor: Vendor, accounts: Accounts) -> Tenant:
    return await make_tenant(pool, sealer, base_url=vendor.base_url, credentials=OLD)


async def list_saved(pool: Pool) -> list[str]:
    """The vendor's ids of living jobs."""
    rows = await pool.fetch("SELECT remote_id FROM record WHERE stream = 'jobs' AND deleted_at IS NULL ORDER BY 1")
    return [row["remote_id"] for row in rows if "-" in row["remote_id"]]


async def find_version(pool: Pool) -> tuple[int, bool] | None:
    """Of what credentials the row of the grant is, and whether something was bought with them."""
    row = await pool.fetchrow("SELECT credentials_version, sealed IS NOT NULL AS is_bought FROM connector_grant")
    return None if row is None else (row["credentials_version"], row["is_bought"])


def list_ids(account: str) -> list[str]:
    return [f"{account}-{number}" for number in range(1, 6)]


# Asking


async def test_client_opened_with_credentials_that_were_replaced_buys_nothing(
    pool: Pool, sealer: Sealer, tenant: Tenant, accounts: Accounts
) -> None:
    """Between reading the credentials and buying."""
    async with open_connector_client(pool, tenant.connector, sealer) as client:
        await reconnect(pool, sealer, tenant.connector, NEW)
        with pytest.raises(CredentialsReplaced, match="given new credentials"):
            await client.get("/jobs/old-1")
        with pytest.raises(CredentialsReplaced):
            await client.check()
    assert accounts.log == []


async def test_token_that_was_being_bought_is_neither_saved_nor_used(
    pool: Pool, sealer: Sealer, tenant: Tenant, accounts: Accounts
) -> None:
    """Between buying and saving."""
    pause = accounts.pause("/token", "old")
    async with open_connector_client(pool, tenant.connector, sealer) as client:
        asking = asyncio.create_task(client.get("/jobs/old-1"))
        await within(pause.arrived.wait())
        connector = await reconnect(pool, sealer, tenant.connector, NEW)
        pause.opened.set()
        with pytest.raises(CredentialsReplaced):
            await asking
    assert accounts.list_asked("old") == ["/token"]
    assert await find_version(pool) == (2, False)
    async with open_connector_client(pool, connector, sealer) as client:
        await client.get("/jobs/new-1")
    assert accounts.list_asked("new") == ["/token", "/jobs/new-1"]
    assert await find_version(pool) == (2, True)


async def test_bought_token_is_not_sent_any_more_not_even_by_who_holds_it(
    pool: Pool, sealer: Sealer, tenant: Tenant, accounts: Accounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_connector_client(pool, tenant.connector, sealer) as client:
        await client.get("/jobs/old-1")
        await reconnect(pool, sealer, tenant.connector, NEW)
        before = len(accounts.log)
        with pytest.raises(CredentialsReplaced):  # a write at once,
            await client.send("POST", "/jobs", b"{}")
        monkeypatch.setattr("unihire.outbound.granting.time", _Later())
        with pytest.raises(CredentialsReplaced):  # a read a second later
            await client.get("/jobs/old-1")
    assert accounts.log[before:] == []


class _Later:
    """The clock of somebody for whom a second has passed."""

    @staticmethod
    def monotonic() -> float:
        return asyncio.get_running_loop().time() + 1.0


async def test_who_acts_for_somebody_through_the_old_credentials_does_not_either(
    pool: Pool, sealer: Sealer, tenant: Tenant, accounts: Accounts
) -> None:
    async with open_connector_client(pool, tenant.connector, sealer) as client:
        acting = client.act_as({"sub": "5"})
        await acting.send("POST", "/jobs", b"{}")
        await reconnect(pool, sealer, tenant.connector, NEW)
        before = len(accounts.log)
        with pytest.raises(CredentialsReplaced):
            await acting.send("POST", "/jobs", b"{}")
        with pytest.raises(CredentialsReplaced):
            await client.act_as({"sub": "6"}).send("POST", "/jobs", b"{}")
    assert accounts.log[before:] == []


async def test_calls_after_new_credentials_use_a_client_of_theirs(
    pool: Pool, sealer: Sealer, tenant: Tenant, accounts: Accounts
) -> None:
    """The API process: one client stays open between calls."""
    clients = Clients(lambda connector: open_connector_client(pool, connector, sealer))
    async with clients.use(tenant.connector) as old:
        connector = await reconnect(pool, sealer, tenant.connector, NEW)
        async with clients.use(connector) as new:
            await new.get("/jobs/new-1")
        async with clients.use(tenant.connector) as late:  # who has read the connector before
            assert late is new
        with pytest.raises(CredentialsReplaced):
            await old.check()
    await clients.close()
    assert accounts.list_asked("old") == []


async def test_new_credentials_that_are_refused_say_nothing_of_others_and_the_other_way_round(
    pool: Pool, sealer: Sealer, tenant: Tenant, accounts: Accounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    believe_at_once(monkeypatch)
    accounts.refused = {"old"}
    pause = accounts.pause("/token", "old")
    async with open_connector_client(pool, tenant.connector, sealer) as client:
        asking = asyncio.create_task(client.get("/jobs/old-1"))
        await within(pause.arrived.wait())
        await reconnect(pool, sealer, tenant.connector, NEW)
        pause.opened.set()
        with pytest.raises(CredentialsReplaced):
            await asking
    assert await pool.fetchval("SELECT refused_times FROM connector_grant") == 0


# Runs


@pytest.mark.parametrize("full", [False, True], ids=["what changed", "full"])
async def test_run_under_way_is_cancelled_and_what_it_was_reading_is_not_saved(
    works: Works, sealer: Sealer, accounts: Accounts, full: bool
) -> None:
    accounts.open()
    tenant = await make_tenant(works.pool, sealer, base_url=works.vendor.base_url, credentials=OLD)
    await works.pool.execute("UPDATE connector SET next_sync_at = now() + '5 hours'")
    pause = accounts.pause("/jobs", "old")
    async with works.work():
        await works.ask(tenant, full=full)
        await within(pause.arrived.wait())
        await reconnect(works.pool, sealer, tenant.connector, NEW)
        pause.opened.set()
        run = await works.wait_for(tenant, number=2)
    first = (await works.list_runs(tenant))[1]
    assert (first["number"], first["status"]) == (1, "cancelled")
    assert run["is_full"]
    assert await list_saved(works.pool) == list_ids("new")
    assert await works.pool.fetchval("SELECT count(*) FROM record WHERE remote_id LIKE 'old%'") == 0
    assert accounts.list_asked("old")[-1] == "/jobs"
    assert await works.list_issues(tenant, with_resolved=True) == []


async def test_page_that_was_saved_before_stays_until_the_new_run_has_not_met_it(
    works: Works, sealer: Sealer, accounts: Accounts
) -> None:
    accounts.open()
    tenant = await make_tenant(works.pool, sealer, base_url=works.vendor.base_url, credentials=OLD)
    await works.pool.execute("UPDATE connector SET next_sync_at = now() + '5 hours'")
    async with works.work():
        await works.ask(tenant)
        await works.wait_for(tenant)
        assert await list_saved(works.pool) == list_ids("old")
        await reconnect(works.pool, sealer, tenant.connector, NEW)
        await works.wait_for(tenant, number=2)
    assert await list_saved(works.pool) == list_ids("new")


async def test_run_of_the_new_credentials_is_not_taken_up_with_the_old_ones(
    pool: Pool, sealer: Sealer, tenant: Tenant, accounts: Accounts
) -> None:
    """Between reading the connector and taking its run up."""
    connector = await reconnect(pool, sealer, tenant.connector, NEW)
    assert await runs.take_run(pool, connector.number, version=1) is None
    client = open_connector_client(pool, tenant.connector, sealer)
    with pytest.raises(Stopped, match="cancelled before it began"):
        await sync_connector(pool, tenant.connector, ACME, client)
    assert accounts.log == []
    assert (await sync_connector(pool, connector, ACME, open_connector_client(pool, connector, sealer))).is_full
    assert await list_saved(pool) == list_ids("new")


async def test_worker_that_read_the_connector_before_takes_the_run_up_with_the_new_credentials_later(
    works: Works, sealer: Sealer, accounts: Accounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    accounts.open()
    tenant = await make_tenant(works.pool, sealer, base_url=works.vendor.base_url, credentials=OLD)
    await works.pool.execute("UPDATE connector SET next_sync_at = now() + '5 hours'")
    was_read, go_on = asyncio.Event(), asyncio.Event()

    async def dawdle(pool: Pool, number: int) -> Connector | None:
        found = await tenancy.get_numbered(pool, number)
        was_read.set()
        await within(go_on.wait())
        return found

    monkeypatch.setattr("unihire.sync.worker.get_numbered", dawdle)
    async with works.work():
        await works.ask(tenant)
        await within(was_read.wait())
        await reconnect(works.pool, sealer, tenant.connector, NEW)
        go_on.set()
        await works.wait_for(tenant, number=2)
    assert accounts.list_asked("old") == []
    assert await list_saved(works.pool) == list_ids("new")


@pytest.mark.parametrize("ending", ["refused", "fault", "done"])
async def test_run_that_ends_after_new_credentials_came_says_nothing_of_them(
    works: Works, sealer: Sealer, accounts: Accounts, ending: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever its last call brings, status and issues are those of the new ones."""
    believe_at_once(monkeypatch)
    accounts.open()
    tenant = await make_tenant(works.pool, sealer, base_url=works.vendor.base_url, credentials=OLD)
    held, go_on = asyncio.Event(), asyncio.Event()
    errors = {
        "refused": ReauthorizeNeeded("the old ones are refused"),
        "fault": RuntimeError("of ours"),
    }

    async def sync(self: Any, state: Any, reads: Any, token: Any) -> None:
        held.set()
        await within(go_on.wait())
        if ending in errors:
            raise errors[ending]

    async with works.work():
        with monkeypatch.context() as patch:
            patch.setattr("unihire.sync.streaming.StreamSync.sync", sync)
            await works.ask(tenant)
            await within(held.wait())
            await reconnect(works.pool, sealer, tenant.connector, NEW)
            accounts.refused = {"new"}
        go_on.set()
        await works.wait_for(tenant, "failed", number=2)
    status, since = await works.pool.fetchrow("SELECT status, relink_needed_at IS NOT NULL FROM connector")
    assert (status, since) == ("RELINK_NEEDED", True)
    assert await works.list_issues(tenant, with_resolved=True) == ["reauthorize"]
    (issue,) = await issues.list_issues(works.pool, tenant.connector.number)
    assert "invalid_client" in issue["message"]
    assert [run["status"] for run in await works.list_runs(tenant)] == ["failed", "cancelled"]


async def test_rows_that_an_operation_read_with_the_old_credentials_are_not_saved(
    pool: Pool, sealer: Sealer, tenant: Tenant, accounts: Accounts
) -> None:
    pause = accounts.pause("/jobs/old-1", "old")
    async with open_connector_client(pool, tenant.connector, sealer) as client:
        absorbing = asyncio.create_task(sync_rows_by_id(pool, tenant.connector, ACME, client, {"jobs": ["old-1"]}))
        await within(pause.arrived.wait())
        await reconnect(pool, sealer, tenant.connector, NEW)
        pause.opened.set()
        with pytest.raises(CredentialsReplaced):
            await absorbing
    assert await pool.fetchval("SELECT count(*) FROM record") == 0


async def test_place_in_a_list_that_the_old_account_named_is_not_followed_with_the_new(
    pool: Pool, sealer: Sealer, tenant: Tenant, accounts: Accounts
) -> None:
    async def read_second_page(connector: Connector) -> list[str]:
        async with open_connector_client(pool, connector, sealer) as client:
            context = LiveContext(
                pool=pool, client=client, connector=connector, integration=ACME, steps={},
                save_steps=lambda steps: asyncio.sleep(0),
            )  # fmt: skip
            return [row.get_text("id") for row in await context.page("jobs", 2, 2, {})]

    assert await read_second_page(tenant.connector) == ["old-3", "old-4"]
    assert await read_second_page(tenant.connector) == ["old-3", "old-4"]
    assert accounts.list_asked("old").count("/jobs") == 3  # where the second page begins is known by then
    connector = await reconnect(pool, sealer, tenant.connector, NEW)
    assert await read_second_page(connector) == ["new-3", "new-4"]
    assert accounts.list_asked("new").count("/jobs") == 2


# Two transactions at once: the statement waits for the new credentials, and then finds that it is too late


Attempt = Callable[[Pool, Sealer, Connector], Awaitable[Any]]


async def _save(pool: Pool, sealer: Sealer, connector: Connector) -> None:
    keeper = StoredGrants(pool, sealer, connector=connector.id, number=connector.number, version=1)
    async with pool.acquire() as connection:
        with pytest.raises(CredentialsReplaced):
            await keeper.save(Grant("old-9", NOW), connection)


async def _doubt(pool: Pool, sealer: Sealer, connector: Connector) -> None:
    keeper = StoredGrants(pool, sealer, connector=connector.id, number=connector.number, version=1)
    with pytest.raises(CredentialsReplaced):
        await keeper.note_refusal()


async def _relink(pool: Pool, sealer: Sealer, connector: Connector) -> None:
    await ask_for_relink(pool, connector, "the old ones are refused")


async def _open_issue(pool: Pool, sealer: Sealer, connector: Connector) -> None:
    await issues.open_issue(pool, connector.number, IssueKind.FAULT, "of the old ones", version=1)


async def _say_complete(pool: Pool, sealer: Sealer, connector: Connector) -> None:
    await tenancy.set_status(pool, connector, "INCOMPLETE")


async def _take_run(pool: Pool, sealer: Sealer, connector: Connector) -> None:
    assert await runs.take_run(pool, connector.number, version=1) is None


@pytest.mark.parametrize("attempt", [_save, _doubt, _relink, _open_issue, _say_complete, _take_run])
@pytest.mark.parametrize("has_grant", [True, False])
async def test_what_meets_new_credentials_in_the_middle_waits_and_does_nothing(
    pool: Pool, sealer: Sealer, tenant: Tenant, attempt: Attempt, has_grant: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    connector = tenant.connector
    if has_grant:
        async with pool.acquire() as connection:
            sealed = sealer.seal(b"", b"")
            assert await grants.save_grant(connection, connector.number, 1, sealed)
    async with pool.acquire() as connection, connection.transaction():
        await runs.ask_run(connection, connector.number)
    almost, commit = asyncio.Event(), asyncio.Event()

    async def hold(connection: Connection) -> None:
        almost.set()
        await within(commit.wait())

    monkeypatch.setattr("unihire.store.accounts.tenancy.announce_access", hold)
    reconnecting = asyncio.create_task(reconnect_connector(pool, sealer, connector, ACME, NEW))
    await within(almost.wait())
    trying = asyncio.create_task(attempt(pool, sealer, connector))  # type: ignore[arg-type]
    done, _ = await asyncio.wait([trying], timeout=0.2)
    assert not done
    commit.set()
    await reconnecting
    await trying
    assert await find_version(pool) == (2, False)
    row = await pool.fetchrow("SELECT status, refused_times FROM connector JOIN connector_grant ON number = connector")
    assert tuple(row) == ("COMPLETE", 0)
    assert await issues.list_issues(pool, connector.number, with_resolved=True) == []
    found = await pool.fetch("SELECT status, attempt FROM sync_run ORDER BY number")
    assert [tuple(run) for run in found] == [("cancelled", 0), ("queued", 0)]


async def test_page_that_is_being_saved_is_saved_before_the_new_credentials_come(
    pool: Pool, sealer: Sealer, tenant: Tenant
) -> None:
    """The other order: who came first is waited for."""
    connector = tenant.connector
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute("SELECT FROM connector WHERE number = $1 FOR NO KEY UPDATE", connector.number)
        reconnecting = asyncio.create_task(reconnect_connector(pool, sealer, connector, ACME, NEW))
        done, _ = await asyncio.wait([reconnecting], timeout=0.2)
        assert not done
        assert await grants.is_current(connection, connector.number, 1)
    await reconnecting
    assert not await grants.is_current(pool, connector.number, 1)


async def test_row_that_a_program_before_this_one_left_is_taken_for_none(
    pool: Pool, sealer: Sealer, tenant: Tenant
) -> None:
    """It knows no versions: what it saves is of the first."""
    connector = await reconnect(pool, sealer, tenant.connector, NEW)
    await pool.execute("UPDATE connector_grant SET sealed = 'of an old one', credentials_version = 1")
    keeper = StoredGrants(pool, sealer, connector=connector.id, number=connector.number, version=2)
    assert await keeper.find() is None
    assert not await keeper.note_refusal()
    assert await keeper.find() is None
    assert await find_version(pool) == (2, False)
    async with keeper.lock() as held:
        await held.save(Grant("new-1", NOW))
    assert await keeper.find() == Grant("new-1", NOW)


# Partners


async def test_refresh_token_under_way_does_not_replace_the_customer_s_new_grant(works: Works, sealer: Sealer) -> None:
    works.install(PARTNER)
    endpoint = TokenEndpoint(works.vendor, pause=0.3)
    endpoint.open()
    connector = await connect_partner(
        works.pool, sealer, integration=PARTNER, base_url=works.vendor.base_url, credentials=SECRETS,
        grant=make_grant(),
    )  # fmt: skip
    await works.pool.execute("UPDATE connector SET next_sync_at = now() + '5 hours'")
    await works.pool.execute("UPDATE connector_grant SET saved_at = now() - '9 hours'::interval")
    async with works.work():
        await within(endpoint.was_asked.wait())
        await works.pool.execute("UPDATE connector SET is_paused = true")  # of the chores alone
        fresh = Grant("access-of-the-new", NOW, "refresh-of-the-new")
        connector = await reconnect(works.pool, sealer, connector, SECRETS, integration=PARTNER, grant=fresh)
        await asyncio.sleep(0.5)
    keeper = StoredGrants(works.pool, sealer, connector=connector.id, number=connector.number, version=2)
    assert await keeper.find() == fresh
    assert endpoint.spent == ["refresh-0"]
    assert await works.pool.fetchval("SELECT status FROM connector") == "COMPLETE"


# What reconnecting does besides


async def test_connector_that_is_gone_is_given_no_credentials(pool: Pool, sealer: Sealer, tenant: Tenant) -> None:
    await pool.execute("DELETE FROM connector")
    with pytest.raises(ConfigError, match="was removed meanwhile"):
        await reconnect_connector(pool, sealer, tenant.connector, ACME, NEW)


async def test_schedule_of_a_connector_that_needed_a_relink_counts_again(
    pool: Pool, sealer: Sealer, tenant: Tenant
) -> None:
    await pool.execute("UPDATE connector SET status = 'RELINK_NEEDED', next_sync_at = now() + '1 day'::interval")
    await reconnect(pool, sealer, tenant.connector, NEW)
    pause = await pool.fetchval("SELECT next_sync_at - now() FROM connector")
    assert timedelta(minutes=29) < pause < timedelta(minutes=91)


@pytest.mark.parametrize(("credentials", "is_known"), [(NEW, False), ({**OLD, "client_secret": "rolled"}, True)])
async def test_rate_budget_stays_known_where_the_account_is_the_same(
    pool: Pool, sealer: Sealer, tenant: Tenant, credentials: dict[str, str], is_known: bool
) -> None:
    await pool.execute("INSERT INTO budget (connector, version, state) SELECT number, 1, '' FROM connector")
    await reconnect(pool, sealer, tenant.connector, credentials)
    assert await pool.fetchval("SELECT count(*) FROM budget") == is_known


async def test_rest_that_the_old_account_is_to_take_is_none_of_the_new_one_s(
    pool: Pool, sealer: Sealer, tenant: Tenant, accounts: Accounts
) -> None:
    pause = accounts.pause("/jobs/old-1", "old")
    pause.instead = say({}, 429, Retry_After="3600")
    async with open_connector_client(pool, tenant.connector, sealer) as client:
        asking = asyncio.create_task(client.get("/jobs/old-1"))
        await within(pause.arrived.wait())
        connector = await reconnect(pool, sealer, tenant.connector, NEW)
        pause.opened.set()
        with pytest.raises(CredentialsReplaced):
            await asking
    async with open_connector_client(pool, connector, sealer) as client, asyncio.timeout(5):
        await client.get("/jobs/new-1")


async def test_credentials_replaced_twice_at_once_are_those_of_one_of_the_two(
    pool: Pool, sealer: Sealer, tenant: Tenant
) -> None:
    await asyncio.gather(*(reconnect_connector(pool, sealer, tenant.connector, ACME, NEW) for _ in range(4)))
    assert await pool.fetchval("SELECT credentials_version FROM connector") == 5
    assert await find_version(pool) == (5, False)
    assert await pool.fetchval("SELECT count(*) FROM sync_run WHERE status = 'queued'") == 1
