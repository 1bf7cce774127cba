"""What is kept for a while: runs that ended, issues that were resolved."""

from datetime import datetime, timedelta

from unihire.store import Connection
from unihire.store.issues import DROP_OLD_ISSUES

KEPT_FOR = timedelta(days=30)

# Ended runs, some at a time, but the latest of each connector.
DROP_OLD_RUNS = """
    DELETE FROM sync_run WHERE id IN (
        SELECT id FROM sync_run AS old
        WHERE finished_at < $1 AND number < (SELECT max(number) FROM sync_run WHERE connector = old.connector)
        LIMIT 500
    )
"""


async def cut(connection: Connection, now: datetime) -> None:
    """Let go of what ended longer ago than `KEPT_FOR`, some of it at a time."""
    await connection.execute(DROP_OLD_RUNS, now - KEPT_FOR)
    await connection.execute(DROP_OLD_ISSUES, now - KEPT_FOR)
