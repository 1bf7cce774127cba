"""Who uses the installation and what they connected: organisations, API keys, connectors."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from unihire.errors import Busy
from unihire.store import Connection, Pool
from unihire.store.accounts.grants import EMPTY_GRANT
from unihire.store.audit import Act, log_act
from unihire.store.commits import INSIST_ON_COMMIT
from unihire.store.events.notices import NewNotice, NoticeKind, add_notices
from unihire.store.feed.gate import lock_feed_row
from unihire.store.locks import SYNC_LOCKS

ACCESS_CHANNEL = "unihire_access"
"""Notified when a key or a connector changes, so that every process forgets what it remembered of them."""

# Be the only one to make an organisation, until the transaction ends.
LOCK_ORGANISATIONS = "LOCK TABLE organisation IN SHARE ROW EXCLUSIVE MODE"

INSERT_ORGANISATION = "INSERT INTO organisation (id, name) VALUES ($1, $2)"

GET_ORGANISATION = "SELECT name FROM organisation WHERE id = $1"

RENAME_ORGANISATION = "UPDATE organisation SET name = $2 WHERE id = $1"

# The organisation of that name, if there is one.
FIND_ORGANISATION = "SELECT id FROM organisation WHERE name = $1 ORDER BY created_at LIMIT 1"

LIST_ORGANISATIONS = "SELECT id, name FROM organisation ORDER BY created_at"

# Every organisation with what it has.
SUMMARISE_ORGANISATIONS = """
    SELECT id, name, created_at,
        (SELECT count(*) FROM connector WHERE connector.organisation = organisation.id) AS connectors, (
            SELECT count(*) FROM api_key
            WHERE api_key.organisation = organisation.id AND revoked_at IS NULL AND (ends_at IS NULL OR ends_at > now())
        ) AS keys
    FROM organisation ORDER BY created_at
"""

INSERT_KEY = """
    INSERT INTO api_key (id, hash, organisation, environment, name, ends_at, scopes, models)
    VALUES ($1, $2, $3, $4, $5, now() + $6::interval, $7, $8)
"""

# Every key, without its hash.
LIST_KEYS = """
    SELECT api_key.id, organisation.name AS organisation, environment, api_key.name, api_key.created_at, revoked_at,
        ends_at, revoked_at IS NULL AND (ends_at IS NULL OR ends_at > now()) AS is_good, scopes, models, last_used_at
    FROM api_key JOIN organisation ON organisation.id = api_key.organisation ORDER BY api_key.created_at
"""

# Keys of an organisation's environment in the order they were made, after one of them; $3: only this one.
LIST_OWN_KEYS = """
    SELECT id, environment, name, created_at, revoked_at, ends_at, scopes, models, last_used_at,
        revoked_at IS NULL AND (ends_at IS NULL OR ends_at > now()) AS is_good
    FROM api_key
    WHERE organisation = $1 AND environment = $2 AND ($3::uuid IS NULL OR id = $3)
        AND ($4::timestamptz IS NULL OR (created_at, id) > ($4, $5::uuid))
    ORDER BY created_at, id LIMIT $6
"""

# How many good keys an environment has.
COUNT_KEYS = """
    SELECT count(*) FROM api_key
    WHERE organisation = $1 AND environment = $2 AND revoked_at IS NULL AND (ends_at IS NULL OR ends_at > now())
"""

CHANGE_KEY = "UPDATE api_key SET name = $2, scopes = $3, models = $4, ends_at = $5 WHERE id = $1"

# Keys that ended long ago, some at a time.
DROP_OLD_KEYS = """
    DELETE FROM api_key WHERE id IN (
        SELECT id FROM api_key WHERE least(revoked_at, ends_at) < now() - $1::interval LIMIT $2
    )
"""

REVOKE_KEY = "UPDATE api_key SET revoked_at = now() WHERE id = $1 AND revoked_at IS NULL RETURNING id"

# The owner of a valid key, and what it may do. `lasts` is for how many seconds more, null for ever.
FIND_KEY = """
    SELECT id, name, organisation, environment, scopes, models, extract(epoch FROM ends_at - now())::float8 AS lasts
    FROM api_key
    WHERE hash = $1 AND revoked_at IS NULL AND (ends_at IS NULL OR ends_at > now())
"""

# Good keys, which stay as they are until the transaction ends.
LOCK_KEYS = """
    SELECT id, organisation, environment, name, ends_at, ends_at - now() AS lasts, scopes, models, now() FROM api_key
    WHERE id = ANY($1::uuid[]) AND revoked_at IS NULL AND (ends_at IS NULL OR ends_at > now()) ORDER BY id FOR UPDATE
"""

# Let a key end within this time, or when it ends anyway.
SHORTEN_KEY = "UPDATE api_key SET ends_at = least(ends_at, now() + $2::interval) WHERE id = $1"

# Write down that keys were used, at most once in $2 for each.
NOTE_USES = """
    UPDATE api_key SET last_used_at = now()
    WHERE id = ANY($1::uuid[]) AND (last_used_at IS NULL OR last_used_at <= now() - $2::interval)
"""

# A connector, under a number that was drawn for it before, or the next one.
INSERT_CONNECTOR = """
    INSERT INTO connector
        (id, organisation, environment, integration, category, end_user, origin_id, base_url, token_hash, credentials,
            is_partner, account, is_base_url_trusted, number)
    OVERRIDING SYSTEM VALUE
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13,
        coalesce($14, nextval(pg_get_serial_sequence('connector', 'number'))::integer))
    RETURNING number
"""

# A connector, with the number of the first one that asks the vendor with the same credentials.
_SELECT_CONNECTOR = """
    SELECT connector.*, coalesce(
        (SELECT min(other.number) FROM connector AS other WHERE other.account = connector.account), number
    ) AS budget_of FROM connector
"""

GET_CONNECTOR = f"{_SELECT_CONNECTOR} WHERE id = $1"

GET_NUMBERED = f"{_SELECT_CONNECTOR} WHERE number = $1"

LIST_CONNECTORS = f"{_SELECT_CONNECTOR} ORDER BY created_at"

# What connectors are of, by their numbers.
LIST_INTEGRATIONS = "SELECT id, number, integration FROM connector WHERE number = ANY($1::integer[])"

# The same, of a category, with what it is of.
FIND_LINKED = """
    SELECT id, number, integration FROM connector
    WHERE id = $1 AND organisation = $2 AND environment = $3 AND category = $4
"""

# An organisation's connector in an environment.
FIND_NUMBER = "SELECT number FROM connector WHERE id = $1 AND organisation = $2 AND environment = $3"

# Put a connector into an environment; the one it was in.
MOVE_CONNECTOR = """
    UPDATE connector SET environment = $2 FROM connector AS before
    WHERE connector.number = $1 AND before.number = $1 RETURNING before.environment
"""

# The version of the mapping that last tried the quarantined rows.
GET_MAPPED_BY = "SELECT mapped_by FROM connector WHERE number = $1"

SET_MAPPED_BY = "UPDATE connector SET mapped_by = $2 WHERE number = $1"

# In whose name the connector writes where a call names nobody: the vendor's id of a user.
SET_ACTING_USER = "UPDATE connector SET acting_user = $2 WHERE number = $1"

# What the customer must know of the credentials of this version; nothing where the connector has others by now.
SET_STATUS = """
    UPDATE connector SET status = $3, relink_needed_at = CASE WHEN $3 = 'RELINK_NEEDED' THEN now() END
    WHERE number = $1 AND credentials_version = $2 AND status <> $3
"""

# New credentials, which are taken to be good, and who asks the vendor with them: as before, or somebody else.
REPLACE_CREDENTIALS = """
    UPDATE connector SET credentials = $2, account = $3, credentials_version = connector.credentials_version + 1,
        status = 'COMPLETE', relink_needed_at = NULL, scopes = NULL
    FROM connector AS before WHERE connector.number = $1 AND before.number = $1
    RETURNING connector.credentials_version AS version, connector.account = before.account AS has_same_account
"""

# The connector, locked against change until the transaction ends, if its credentials are of this version.
LOCK_CREDENTIALS = "SELECT true FROM connector WHERE number = $1 AND credentials_version = $2 FOR NO KEY UPDATE"

FORGET_BUDGET = "DELETE FROM budget WHERE connector = $1"

# Whether a connector has a live record.
HAS_RECORDS = "SELECT EXISTS (SELECT FROM record WHERE connector = $1 AND deleted_at IS NULL)"

# Those of a connector's records that have these ids, as the vendor sent them.
FIND_RAW = "SELECT id, raw FROM record WHERE id = ANY($2::uuid[]) AND connector = $1"

# How many records of each model a connector has, live and deleted.
COUNT_RECORDS = """
    SELECT model, count(*) FILTER (WHERE NOT is_deleted) AS living, count(*) FILTER (WHERE is_deleted) AS deleted
    FROM (
        SELECT model, false AS is_deleted FROM record WHERE connector = $1 AND deleted_at IS NULL
        UNION ALL SELECT model, true FROM record WHERE connector = $1 AND deleted_at IS NOT NULL
    ) AS counted
    GROUP BY model ORDER BY model
"""

# How many records of each model a connector has that are not deleted: an index-only scan of its feed.
COUNT_LIVING = """
    SELECT model, count(*) AS living FROM record WHERE connector = $1 AND deleted_at IS NULL
    GROUP BY model ORDER BY model
"""

# The connector, before anything of it is removed.
LOCK_CONNECTOR = "SELECT FROM connector WHERE number = $1 FOR UPDATE"

# Everything a connector left in tables without a foreign key. Living records have one index, tombstones another.
DELETE_DATA = (
    "DELETE FROM record_key WHERE connector = $1",
    "DELETE FROM record WHERE connector = $1 AND deleted_at IS NULL",
    "DELETE FROM record WHERE connector = $1 AND deleted_at IS NOT NULL",
    "DELETE FROM record_volatile WHERE connector = $1",
    "DELETE FROM seen WHERE connector = $1",
    "DELETE FROM joined WHERE connector = $1",
    "DELETE FROM stale WHERE connector = $1",
    "DELETE FROM event_page WHERE connector = $1",
    "DELETE FROM connector WHERE number = $1",
)


@dataclass(frozen=True, slots=True)
class Connector:
    """One customer's link to one integration, credentials still sealed.

    `credentials_version` counts the credentials it was given. `budget_of` is the number of the connector whose rate
    budget it uses: another's, where the credentials are the same. `scopes` are those its vendor granted, None where it
    did not say which. `is_base_url_trusted`: the operator gave its address at the terminal (outbound/addresses.py).
    `acting_user` is the vendor's id of the user in whose name it writes where a call names nobody.
    """

    id: UUID
    number: int
    organisation: UUID
    environment: str
    integration: str
    category: str
    end_user: str
    origin_id: str | None
    base_url: str | None
    is_base_url_trusted: bool
    credentials: bytes = field(repr=False)
    credentials_version: int
    is_partner: bool
    status: str
    created_at: datetime
    scopes: list[str] | None
    budget_of: int
    acting_user: str | None


def _read_connector(row: asyncpg.Record) -> Connector:
    return Connector(**{name: row[name] for name in Connector.__slots__})


async def get_connector(pool: Pool, id: UUID) -> Connector | None:
    row = await pool.fetchrow(GET_CONNECTOR, id)
    return None if row is None else _read_connector(row)


async def get_numbered(pool: Pool, number: int) -> Connector | None:
    row = await pool.fetchrow(GET_NUMBERED, number)
    return None if row is None else _read_connector(row)


async def list_connectors(pool: Pool) -> list[Connector]:
    return [_read_connector(row) for row in await pool.fetch(LIST_CONNECTORS)]


async def set_status(connection: Connection | Pool, connector: Connector, status: str) -> bool:
    """What the connector's credentials turned out to be; whether that is new. Not where it has others by now."""
    done = await connection.execute(SET_STATUS, connector.number, connector.credentials_version, status)
    return done == "UPDATE 1"


def describe_link(connector: Connector) -> dict[str, Any]:
    """What is said of a connector itself where something happened to it."""
    return {"integration_slug": connector.integration, "end_user": connector.end_user, "origin_id": connector.origin_id}


def describe_act(
    connector: Connector,
    act: str,
    *,
    environment: str | None = None,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> Act:
    """An act on a connector, in its environment or another."""
    return Act(
        organisation=connector.organisation, environment=environment or connector.environment, act=act,
        kind="connector", object=connector.id, before=before, after=after,
    )  # fmt: skip


async def lock_credentials(connection: Connection, connector: Connector) -> bool:
    """Whether the connector has these credentials still; if so, until the transaction ends.

    What is said of them in the same transaction is said of no others.
    """
    found: bool | None = await connection.fetchval(LOCK_CREDENTIALS, connector.number, connector.credentials_version)
    return found is not None


async def replace_credentials(connection: Connection, number: int, sealed: bytes, account: bytes | None) -> int | None:
    """Give a connector new credentials, and forget what the old ones bought; their version, None where it is gone.

    Call inside a transaction, before the connector's row is locked: who saves for it ends first. What is known of the
    rate budget stays where it is that of the same account.
    """
    if not await lock_feed_row(connection, number):
        return None
    row = await connection.fetchrow(REPLACE_CREDENTIALS, number, sealed, account)
    if row is None:
        return None
    version: int = row["version"]
    await connection.execute(EMPTY_GRANT, number, version)
    if not row["has_same_account"]:
        await connection.execute(FORGET_BUDGET, number)
    return version


async def delete_connector(pool: Pool, connector: Connector) -> None:
    """Remove a connector with every record it has, in one transaction. Raises Busy while it is being synced.

    Who saves for it ends first, or finds it gone.
    """
    number = connector.number
    async with pool.acquire() as connection, connection.transaction():
        if not await connection.fetchval("SELECT pg_try_advisory_xact_lock($1, $2)", SYNC_LOCKS, number):
            raise Busy("the connector is being synced: stop that first")
        if not await lock_feed_row(connection, number):
            return
        await connection.execute(LOCK_CONNECTOR, number)
        for statement in DELETE_DATA:
            await connection.execute(statement, number)
        await announce_access(connection)
        await log_act(connection, describe_act(connector, "connector.deleted", before=describe_link(connector)))
        await add_notices(connection, number, [NewNotice(NoticeKind.DELETED, describe_link(connector))])


async def announce_access(connection: Connection) -> None:
    """Notify every process that keys or connectors changed. They hear it once the transaction is on disk.

    No crash of the server makes good again what was said to have ended.
    """
    await connection.execute(INSIST_ON_COMMIT)
    await connection.execute("SELECT pg_notify($1, '')", ACCESS_CHANNEL)
