"""Issues: problems that somebody must know of or fix. They open when one occurs, and are resolved when it is over."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple, Self
from uuid import UUID, uuid4

import asyncpg

from unihire.kit.text import make_writable
from unihire.store import Connection, Pool
from unihire.store.events.notices import NewNotice, NoticeKind, add_notices
from unihire.store.work.runs import REASON_LENGTH

# Open an issue, or note that one is still there.
OPEN_ISSUE = """
    INSERT INTO issue AS known (id, connector, kind, stream, message, opened_at, seen_at)
    VALUES ($1, $2, $3, $4, $5, now(), now())
    ON CONFLICT (connector, kind, stream) WHERE resolved_at IS NULL DO UPDATE
    SET message = excluded.message, seen_at = excluded.seen_at, times = known.times + 1
    RETURNING id, kind, stream, message, times, opened_at
"""

# The same, of what was met with credentials of a version: nothing where the connector has others by now, nor where it
# is being given others.
OPEN_ISSUE_OF = """
    INSERT INTO issue AS known (id, connector, kind, stream, message, opened_at, seen_at)
    SELECT $1, number, $3, $4, $5, now(), now() FROM connector WHERE number = $2 AND credentials_version = $6
    FOR NO KEY UPDATE
    ON CONFLICT (connector, kind, stream) WHERE resolved_at IS NULL DO UPDATE
    SET message = excluded.message, seen_at = excluded.seen_at, times = known.times + 1
    RETURNING id, kind, stream, message, times, opened_at
"""

# Resolve issues; what was found with credentials of a version resolves none that were met with later ones.
RESOLVE_ISSUES = """
    UPDATE issue SET resolved_at = now()
    WHERE connector = $1 AND stream = $2 AND kind = ANY($3) AND resolved_at IS NULL AND (
        $4::integer IS NULL OR EXISTS (SELECT FROM connector WHERE number = $1 AND credentials_version = $4)
    )
    RETURNING id, kind, stream, message, opened_at
"""

# The same where nobody is to be sent that they were; whether somebody is, and nothing was done.
RESOLVE_UNSENT = f"""
    WITH sent AS (SELECT FROM feed WHERE connector = $1 AND has_lanes), resolved AS (
        {RESOLVE_ISSUES.partition("RETURNING")[0]} AND NOT EXISTS (SELECT FROM sent)
    )
    SELECT EXISTS (SELECT FROM sent)
"""  # noqa: S608 - of constants

# Issues of a connector, the latest first, those that are open before the others; after a place in this order.
LIST_ISSUES = """
    SELECT id, kind, stream, message, times, opened_at, seen_at, resolved_at FROM issue
    WHERE connector = $1 AND ($2 OR resolved_at IS NULL) AND (
        $4::boolean IS NULL OR (resolved_at IS NOT NULL) > $4
        OR (resolved_at IS NOT NULL) = $4 AND (opened_at < $5 OR opened_at = $5 AND id > $6)
    )
    ORDER BY resolved_at IS NOT NULL, opened_at DESC, id LIMIT $3
"""

# Connectors with open issues of these kinds about something.
LIST_CONNECTORS_OF = """
    SELECT DISTINCT connector FROM issue WHERE resolved_at IS NULL AND kind = ANY($1) AND stream = $2
"""

# How many are open, by connector.
COUNT_OPEN_BY_CONNECTOR = """
    SELECT connector, count(*) AS issues FROM issue WHERE resolved_at IS NULL GROUP BY connector
"""

# Issues that were resolved long ago, some at a time.
DROP_OLD_ISSUES = """
    DELETE FROM issue WHERE (connector, id) IN (
        SELECT connector, id FROM issue WHERE resolved_at < now() - $1::interval LIMIT $2
    )
"""


async def open_issue(
    pool: Pool, connector: int, kind: str, message: str, *, stream: str = "", version: int | None = None
) -> None:
    """Open an issue; where it is open already, its message and when it was seen last are those of now.

    `version` is that of the credentials with which it was met: it is none of the connector's where it has others by
    now. Then call it outside of any transaction that saves for the connector.
    """
    async with pool.acquire() as connection, connection.transaction():
        happened = await open_issue_within(connection, connector, kind, message, stream=stream, version=version)
        await add_notices(connection, connector, happened)


async def open_issue_within(
    connection: Connection, connector: int, kind: str, message: str, *, stream: str = "", version: int | None = None
) -> list[NewNotice]:
    """As `open_issue`, within a transaction; what is to be noted at its end."""
    text = make_writable(message, REASON_LENGTH)
    if version is None:
        row = await connection.fetchrow(OPEN_ISSUE, uuid4(), connector, kind, stream, text)
    else:
        row = await connection.fetchrow(OPEN_ISSUE_OF, uuid4(), connector, kind, stream, text, version)
    return [] if row is None or row["times"] > 1 else [_describe_notice(NoticeKind.ISSUE_OPENED, row)]


async def resolve_issues(
    pool: Pool, connector: int, kinds: Collection[str], *, stream: str = "", version: int | None = None
) -> None:
    """What these issues were about is over; with `version`, found with credentials of it, as in `open_issue`."""
    if not await pool.fetchval(RESOLVE_UNSENT, connector, stream, list(kinds), version):
        return
    async with pool.acquire() as connection, connection.transaction():
        happened = await resolve_issues_within(connection, connector, kinds, stream=stream, version=version)
        await add_notices(connection, connector, happened)


async def resolve_issues_within(
    connection: Connection, connector: int, kinds: Collection[str], *, stream: str = "", version: int | None = None
) -> list[NewNotice]:
    """As `resolve_issues`, within a transaction; what is to be noted at its end."""
    rows = await connection.fetch(RESOLVE_ISSUES, connector, stream, list(kinds), version)
    return [_describe_notice(NoticeKind.ISSUE_RESOLVED, row) for row in rows]


def _describe_notice(event: NoticeKind, row: asyncpg.Record) -> NewNotice:
    said = {name: row[name] for name in ("id", "kind", "message", "opened_at")}
    return NewNotice(event, {"issue": {**said, "stream": row["stream"] or None}})


class IssuePosition(NamedTuple):
    """Of an issue in the list. One that resolves moves to another place."""

    is_resolved: bool
    opened_at: datetime
    id: UUID

    @classmethod
    def of(cls, row: asyncpg.Record) -> Self:
        return cls(row["resolved_at"] is not None, row["opened_at"], row["id"])


async def list_issues(
    pool: Pool, connector: int, *, with_resolved: bool = False, limit: int = 100, after: IssuePosition | None = None
) -> Sequence[asyncpg.Record]:
    """`id`, `kind`, `stream`, `message`, `times`, `opened_at`, `seen_at`, `resolved_at`; open ones first."""
    place = (None, None, None) if after is None else after
    return await pool.fetch(LIST_ISSUES, connector, with_resolved, limit, *place)
