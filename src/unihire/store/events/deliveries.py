"""The log of deliveries: a row for each attempt, and the messages that an endpoint refused."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg

from unihire.kit.clock import to_micros
from unihire.kit.ids import make_ordered_id
from unihire.store import Connection, Pool

SKEW = 300_000_000
"""Microseconds that clocks of deliverers may differ from the database's."""

LOOKED_AT = 5_000
"""Attempts that are read for a page of the log. If few match, the page is short, and its cursor continues."""

# Insert an attempt. A crash of the server may lose it.
INSERT_DELIVERY = """
    WITH noted AS (
        INSERT INTO delivery (
            connector, id, endpoint, organisation, environment, connector_id, message, event, url, position, notice,
            until_position, until_notice, seconds, status, error, request, answer
        )
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18) RETURNING connector
    )
    SELECT set_config('synchronous_commit', 'off', true) FROM noted
"""

# Insert a message that is passed over.
INSERT_UNDELIVERED = """
    INSERT INTO undelivered (
        connector, endpoint, message, connector_id, event, position, notice, until_position, until_notice, since,
        status, reason
    )
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
    ON CONFLICT (connector, endpoint, message) DO UPDATE
    SET at = now(), status = excluded.status, reason = excluded.reason
"""

# Delete a message that was passed over and has been accepted since.
DROP_UNDELIVERED = "DELETE FROM undelivered WHERE connector = $1 AND endpoint = $2 AND message = $3"

# Messages of an endpoint that were passed over, the oldest first, after one.
LIST_UNDELIVERED = """
    SELECT * FROM undelivered
    WHERE endpoint = $1 AND ($2::timestamptz IS NULL OR (at, message) > ($2, $3::text)) ORDER BY at, message LIMIT $4
"""

# Whether messages about a connector are passed over.
HAS_UNDELIVERED = "SELECT EXISTS (SELECT FROM undelivered WHERE connector = $1 AND endpoint = $2)"

DROP_OLD_UNDELIVERED = """
    DELETE FROM undelivered WHERE (connector, endpoint, message) IN (
        SELECT connector, endpoint, message FROM endpoint CROSS JOIN LATERAL (
            SELECT connector, endpoint, message FROM undelivered
            WHERE undelivered.endpoint = endpoint.id AND at < now() - $1::interval LIMIT $2 OFFSET 0
        ) AS old
        LIMIT $2
    )
"""


_SHOWN = """
    delivery.id, delivery.connector_id, delivery.endpoint, delivery.message, delivery.event, delivery.url, delivery.at,
    delivery.seconds, delivery.status, delivery.error, endpoint.name, connector.integration, connector.end_user,
    connector.origin_id
"""

_BESIDE = """
    LEFT JOIN endpoint ON endpoint.id = delivery.endpoint
    LEFT JOIN connector ON connector.id = delivery.connector_id
"""

# Attempts before an id, the latest first, in the order of an index; of these, those that match the filters.
_LIST = f"""
    SELECT {_SHOWN} FROM (
        SELECT * FROM delivery WHERE {{walk}} AND id < $3 AND id > $4 ORDER BY id DESC LIMIT {LOOKED_AT} OFFSET 0
    ) AS delivery {_BESIDE}
    WHERE delivery.organisation = $1 AND delivery.environment = $2
        AND ($5::uuid IS NULL OR delivery.endpoint = $5) AND ($6::integer IS NULL OR delivery.connector = $6)
        AND ($7::text[] IS NULL OR event = ANY($7)) AND ($8::smallint[] IS NULL OR delivery.status = ANY($8))
        AND ($9::timestamptz IS NULL OR delivery.at >= $9) AND ($10::timestamptz IS NULL OR delivery.at <= $10)
        AND (NOT $11::boolean OR delivery.status IS NULL OR delivery.status >= 400)
    ORDER BY delivery.id DESC LIMIT $12
"""  # noqa: S608 - of constants

# The last of the attempts that such a list reads.
_FIND_LAST = f"""
    SELECT id FROM delivery
    WHERE {{walk}} AND id < $1 AND id > $2 ORDER BY id DESC LIMIT 1 OFFSET {LOOKED_AT - 1}
"""  # noqa: S608 - of constants

_IS_FAILED = "(status IS NULL OR status >= 400)"

# The latest attempts of an environment, those that failed, those of an endpoint, those of a connector.
LIST_DELIVERIES = _LIST.format(walk="organisation = $1 AND environment = $2")
LIST_FAILED = _LIST.format(walk=f"organisation = $1 AND environment = $2 AND {_IS_FAILED}")
LIST_OF_ENDPOINT = _LIST.format(walk="endpoint = $5")
LIST_OF_CONNECTOR = _LIST.format(walk="connector = $6")

FIND_LAST_LOOKED_AT = _FIND_LAST.format(walk="organisation = $3 AND environment = $4")
FIND_LAST_FAILED = _FIND_LAST.format(walk=f"organisation = $3 AND environment = $4 AND {_IS_FAILED}")
FIND_LAST_OF_ENDPOINT = _FIND_LAST.format(walk="endpoint = $3")
FIND_LAST_OF_CONNECTOR = _FIND_LAST.format(walk="connector = $3")

# An attempt with request and response.
GET_DELIVERY = f"""
    SELECT {_SHOWN}, delivery.request, delivery.answer FROM delivery {_BESIDE}
    WHERE delivery.organisation = $1 AND delivery.environment = $2 AND delivery.id = $3
"""  # noqa: S608 - of constants

# The places of lanes before and after the messages of attempts.
LIST_SPANS = """
    SELECT connector, connector_id, message, position, notice, until_position, until_notice FROM delivery
    WHERE organisation = $1 AND environment = $2 AND id = ANY($3::uuid[]) AND endpoint = $4
"""

# Delete old attempts, some at a time.
DROP_OLD_DELIVERIES = """
    DELETE FROM delivery WHERE (connector, id) IN (
        SELECT old.connector, old.id FROM organisation
        CROSS JOIN unnest(ARRAY['production', 'development']) AS environment
        CROSS JOIN LATERAL (
            SELECT connector, id, at FROM delivery
            WHERE delivery.organisation = organisation.id AND delivery.environment = environment.environment
            ORDER BY id LIMIT $2 OFFSET 0
        ) AS old
        WHERE old.at < now() - $1::interval LIMIT $2
    )
"""


@dataclass(frozen=True, slots=True)
class LaneSpan:
    """The place of a lane before a message and after it: in the connector's feed, and among its notices."""

    position: int
    notice: int
    until_position: int
    until_notice: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryFilter:
    """Which attempts are listed; None: any. `connector` is its number. `is_failed`: without response, or from 400 on.

    `since` and `until` are inclusive.
    """

    endpoint: UUID | None = None
    connector: int | None = None
    events: Sequence[str] | None = None
    statuses: Sequence[int] | None = None
    since: datetime | None = None
    until: datetime | None = None
    is_failed: bool = False


@dataclass(frozen=True, slots=True)
class DeliveryAttempt:
    """An attempt that ended. `status` is None if no response came; `error` then says why."""

    id: UUID
    connector: int
    connector_id: UUID
    endpoint: UUID
    message: str
    event: str
    url: str
    span: LaneSpan
    seconds: float
    status: int | None
    error: str | None
    request: bytes
    answer: bytes


async def note_attempt(pool: Pool, organisation: UUID, environment: str, one: DeliveryAttempt) -> None:
    """Insert an attempt into the log."""
    await pool.execute(
        INSERT_DELIVERY, one.connector, one.id, one.endpoint, organisation, environment, one.connector_id, one.message,
        one.event, one.url, one.span.position, one.span.notice, one.span.until_position, one.span.until_notice,
        one.seconds, one.status, one.error, one.request, one.answer,
    )  # fmt: skip


async def note_undelivered(connection: Connection, one: DeliveryAttempt, *, since: datetime, reason: str) -> None:
    """Insert a message that is passed over, with the reason; `since`: when it was first sent."""
    span = one.span
    await connection.execute(
        INSERT_UNDELIVERED, one.connector, one.endpoint, one.message, one.connector_id, one.event, span.position,
        span.notice, span.until_position, span.until_notice, since, one.status, reason,
    )  # fmt: skip


async def list_undelivered(
    pool: Pool, endpoint: UUID, *, after: tuple[datetime, str] | None = None, limit: int
) -> Sequence[asyncpg.Record]:
    """Messages of an endpoint that were passed over, the oldest first, after one: moment and message."""
    return await pool.fetch(LIST_UNDELIVERED, endpoint, *((None, None) if after is None else after), limit)


async def list_deliveries(
    pool: Pool, organisation: UUID, environment: str, wanted: DeliveryFilter, *, before: UUID | None, limit: int
) -> tuple[Sequence[asyncpg.Record], UUID | None]:
    """Attempts before an id, the latest first, at most `limit`; and the id to continue at, None if there are no more.

    Of `LOOKED_AT` attempts that are read, few may match: a short page need not be the last.
    """
    whose: tuple[object, ...] = (organisation, environment)
    if wanted.endpoint is not None:
        query, find_last, whose = LIST_OF_ENDPOINT, FIND_LAST_OF_ENDPOINT, (wanted.endpoint,)
    elif wanted.connector is not None:
        query, find_last, whose = LIST_OF_CONNECTOR, FIND_LAST_OF_CONNECTOR, (wanted.connector,)
    elif wanted.is_failed:
        query, find_last = LIST_FAILED, FIND_LAST_FAILED
    else:
        query, find_last = LIST_DELIVERIES, FIND_LAST_LOOKED_AT
    # Ids are in the order of the deliverers' clocks, moments are the database's.
    first = UUID(int=0) if wanted.since is None else make_ordered_id(to_micros(wanted.since) - SKEW)
    last = UUID(int=2**128 - 1) if wanted.until is None else make_ordered_id(to_micros(wanted.until) + SKEW)
    bounds = min(last, before or last), first
    rows = await pool.fetch(
        query, organisation, environment, *bounds, wanted.endpoint, wanted.connector, wanted.events, wanted.statuses,
        wanted.since, wanted.until, wanted.is_failed, limit + 1,
    )  # fmt: skip
    if len(rows) > limit:
        return rows[:limit], rows[limit - 1]["id"]
    return rows, await pool.fetchval(find_last, *bounds, *whose)


async def find_delivery(pool: Pool, organisation: UUID, environment: str, id: UUID) -> asyncpg.Record | None:
    """An attempt with its `request` and `answer`."""
    return await pool.fetchrow(GET_DELIVERY, organisation, environment, id)
