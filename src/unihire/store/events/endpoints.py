"""Webhook endpoints: where an environment's events are sent, which of them, and the sealed secrets that sign them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

import asyncpg

from unihire.store import Connection, Pool

ENDPOINTS_CHANNEL = "unihire_endpoints"
"""Notified when an endpoint changes, so that every process reads them again."""

ENDPOINT_LOCKS = 0x454E4450
"""The space of the advisory locks, "ENDP" in letters, for adding endpoints and connectors to an environment."""

MOST_ENDPOINTS = 1_000
"""Endpoints of one environment, at most."""

MOST_SECRETS = 3
"""Secrets of an endpoint that are valid at once, at most."""

# Lock an environment until the transaction ends: no other adds an endpoint or a connector to it.
LOCK_ENVIRONMENT = "SELECT pg_advisory_xact_lock($1, hashtext($2::text || $3::text))"

# The same, shared with those who add connectors.
SHARE_ENVIRONMENT = "SELECT pg_advisory_xact_lock_shared($1, hashtext($2::text || $3::text))"

COUNT_ENDPOINTS = "SELECT count(*) FROM endpoint WHERE organisation = $1 AND environment = $2"

INSERT_ENDPOINT = """
    INSERT INTO endpoint (
        id, organisation, environment, format, url, name, description, events, models, connectors, includes_records,
        is_trusted
    )
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
"""

# An endpoint of an environment.
GET_ENDPOINT = "SELECT * FROM endpoint WHERE id = $1 AND organisation = $2 AND environment = $3"

# The same, locked until the transaction ends.
LOCK_ENDPOINT = f"{GET_ENDPOINT} FOR NO KEY UPDATE"

# The endpoints of an environment in the order of their creation, after one of them.
LIST_ENDPOINTS = """
    SELECT * FROM endpoint
    WHERE organisation = $1 AND environment = $2 AND ($3::boolean IS NULL OR is_enabled = $3)
        AND ($4::timestamptz IS NULL OR (created_at, id) > ($4, $5::uuid))
    ORDER BY created_at, id LIMIT $6
"""

# Every endpoint, in the order of their creation.
LIST_ALL_ENDPOINTS = "SELECT * FROM endpoint ORDER BY created_at, id"

# Change an endpoint; `version` counts changes of its filters.
CHANGE_ENDPOINT = """
    UPDATE endpoint SET url = $2, name = $3, description = $4, events = $5, models = $6, connectors = $7,
        includes_records = $8, is_trusted = $9, version = version + $10::integer,
        is_open = is_open AND $10::integer = 0
    WHERE id = $1
"""

# Stop sending to an endpoint, and continue.
PAUSE_ENDPOINT = "UPDATE endpoint SET is_enabled = false WHERE id = $1 AND is_enabled"

RESUME_ENDPOINT = """
    UPDATE endpoint SET is_enabled = true, off_reason = NULL, off_at = NULL, off_connector = NULL,
        failing_since = NULL, failures = 0, held_until = NULL
    WHERE id = $1
"""

DELETE_ENDPOINT = "DELETE FROM endpoint WHERE id = $1"

INSERT_SECRET = "INSERT INTO endpoint_secret (endpoint, id, sealed) VALUES ($1, $2, $3)"  # noqa: S105 - a statement

# Valid secrets of endpoints, the newest first.
LIST_SECRETS = """
    SELECT endpoint, id, sealed, created_at, ends_at FROM endpoint_secret
    WHERE endpoint = ANY($1::uuid[]) AND (ends_at IS NULL OR ends_at > now())
    ORDER BY endpoint, ends_at DESC NULLS FIRST, created_at DESC
"""

# Let the secrets of an endpoint end within this time; an earlier end stays.
SHORTEN_SECRETS = """
    UPDATE endpoint_secret SET ends_at = least(ends_at, now() + $2::interval) WHERE endpoint = $1
"""

# Delete the secrets of an endpoint that have ended, and of more than $2 valid ones those that end first.
DROP_SECRETS = """
    DELETE FROM endpoint_secret WHERE endpoint = $1 AND (ends_at <= now() OR id IN (
        SELECT id FROM endpoint_secret WHERE endpoint = $1 ORDER BY ends_at DESC NULLS FIRST, id OFFSET $2
    ))
"""


# Set when something was last sent to an endpoint, to ten seconds.
NOTE_SENT = """
    UPDATE endpoint SET last_sent_at = now()
    WHERE id = $1 AND (last_sent_at IS NULL OR last_sent_at < now() - interval '10 seconds')
"""

# Count a failure of an endpoint that may be down. From $2 failures in a row on nothing is sent to it for a time of the
# schedule $3. Attempts that began ($4) before such a wait do not count.
NOTE_FAILURE = """
    UPDATE endpoint SET failures = failures + 1, failing_since = coalesce(failing_since, now()),
        held_until = CASE WHEN failures + 1 >= $2 THEN
            now() + ($3::interval[])[least(failures + 2 - $2, cardinality($3::interval[]))]
        ELSE held_until END
    WHERE id = $1 AND is_enabled AND (held_until IS NULL OR held_until <= $4)
"""

# Send nothing to an endpoint for as long as it asked for.
DEFER_ENDPOINT = """
    UPDATE endpoint SET held_until = greatest(held_until, now() + $2::interval) WHERE id = $1 AND is_enabled
"""

# Clear the failures of an endpoint; returns how many there were in a row. No row if there were none.
NOTE_SUCCESS = """
    UPDATE endpoint SET failing_since = NULL, failures = 0, held_until = NULL FROM endpoint AS before
    WHERE endpoint.id = $1 AND before.id = $1 AND endpoint.failing_since IS NOT NULL RETURNING before.failures
"""

# Switch an endpoint off. No row if it is not enabled.
SWITCH_OFF = """
    UPDATE endpoint SET is_enabled = false, off_reason = $2, off_at = now(), off_connector = $3
    WHERE id = $1 AND is_enabled RETURNING id
"""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where events are sent. `events`, `models` (their numbers) and `connectors` None: all.

    `is_trusted`: the operator gave the address at the terminal. `off_reason`: why it was switched off; None while it is
    enabled, and if a caller paused it.
    """

    id: UUID
    organisation: UUID
    environment: str
    url: str
    name: str
    description: str
    format: str
    events: tuple[str, ...] | None
    models: tuple[int, ...] | None
    connectors: tuple[UUID, ...] | None
    includes_records: bool
    is_trusted: bool
    version: int
    created_at: datetime
    is_enabled: bool
    off_reason: str | None
    off_at: datetime | None
    off_connector: int | None
    last_sent_at: datetime | None
    failing_since: datetime | None
    failures: int
    held_until: datetime | None


def read_endpoint(row: asyncpg.Record) -> Endpoint:
    """An endpoint from its row."""
    found = {name: row[name] for name in Endpoint.__slots__}
    for name in ("events", "models", "connectors"):
        found[name] = None if found[name] is None else tuple(found[name])
    return Endpoint(**found)


@dataclass(frozen=True, slots=True)
class EndpointSecret:
    """A sealed secret of an endpoint. `ends_at` is None unless it was replaced."""

    endpoint: UUID
    id: UUID
    sealed: bytes = field(repr=False)
    created_at: datetime
    ends_at: datetime | None


async def find_endpoint(pool: Pool | Connection, id: UUID, organisation: UUID, environment: str) -> Endpoint | None:
    row = await pool.fetchrow(GET_ENDPOINT, id, organisation, environment)
    return None if row is None else read_endpoint(row)


async def list_endpoints(
    pool: Pool,
    organisation: UUID,
    environment: str,
    *,
    is_enabled: bool | None,
    after: tuple[datetime, UUID] | None,
    limit: int,
) -> Sequence[Endpoint]:
    """In the order of their creation, after the one that was created at a moment and has an id."""
    place = (None, None) if after is None else after
    rows = await pool.fetch(LIST_ENDPOINTS, organisation, environment, is_enabled, *place, limit)
    return [read_endpoint(row) for row in rows]


async def list_all_endpoints(pool: Pool) -> Sequence[Endpoint]:
    return [read_endpoint(row) for row in await pool.fetch(LIST_ALL_ENDPOINTS)]


async def list_secrets(pool: Pool | Connection, endpoints: Sequence[UUID]) -> dict[UUID, list[EndpointSecret]]:
    """The valid secrets of these endpoints, the newest first."""
    found: dict[UUID, list[EndpointSecret]] = {}
    for row in await pool.fetch(LIST_SECRETS, endpoints):
        found.setdefault(row["endpoint"], []).append(EndpointSecret(**row))
    return found


async def add_secret(connection: Connection, endpoint: UUID, id: UUID, sealed: bytes, old_valid_for: timedelta) -> None:
    """Add a secret; the endpoint's others stay valid for `old_valid_for`. Call inside a transaction."""
    await connection.execute(SHORTEN_SECRETS, endpoint, old_valid_for)
    await connection.execute(INSERT_SECRET, endpoint, id, sealed)
    await connection.execute(DROP_SECRETS, endpoint, MOST_SECRETS)


async def announce_endpoints(connection: Connection) -> None:
    """Notify every process that endpoints changed, when the transaction commits."""
    await connection.execute("SELECT pg_notify($1, '')", ENDPOINTS_CHANNEL)
