"""Notices of runs: that one began, how it ended."""

from typing import Any

import asyncpg

from unihire.store import Connection
from unihire.store.events.notices import NewNotice, NoticeKind

# What a run did, in numbers.
COUNT_DONE = """
    SELECT coalesce(sum(read), 0)::bigint AS read, coalesce(sum(added), 0)::bigint AS new,
        coalesce(sum(changed), 0)::bigint AS changed, coalesce(sum(deleted), 0)::bigint AS deleted
    FROM stream_run WHERE connector = $1 AND run = $2
"""


def describe_beginning(row: asyncpg.Record) -> NewNotice:
    """The notice of a run that was taken for the first time."""
    return NewNotice(NoticeKind.SYNC_STARTED, {"sync": {**_describe_run(row), "status": "running"}})


async def describe_end(connection: Connection, connector: int, row: asyncpg.Record) -> NewNotice:
    """The notice of a run that ended, with what it read and changed."""
    totals = await connection.fetchrow(COUNT_DONE, connector, row["id"])
    assert totals is not None
    ended = {"status": row["status"], "finished_at": row["finished_at"], "error": row["error"]}
    kind = NoticeKind.SYNC_FAILED if row["status"] == "failed" else NoticeKind.SYNC_FINISHED
    return NewNotice(kind, {"sync": {**_describe_run(row), **ended, "totals": dict(totals)}})


def _describe_run(row: asyncpg.Record) -> dict[str, Any]:
    return {
        "id": row["id"],
        "number": row["number"],
        "full": row["is_full"],
        "triggered_by": "schedule" if row["is_scheduled"] else "request",
        "started_at": row["started_at"],
    }
