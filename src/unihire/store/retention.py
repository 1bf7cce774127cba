"""How long history is stored: runs that ended, issues that were resolved, calls and writes of operations."""

from datetime import timedelta

from unihire.store import Connection
from unihire.store.calls.operations import DROP_OLD_CALLS
from unihire.store.calls.operations import KEPT_FOR as CALLS_KEPT_FOR
from unihire.store.calls.writes import DROP_OLD_WRITES
from unihire.store.issues import DROP_OLD_ISSUES

KEPT_FOR = timedelta(days=30)

CUT_EVERY = timedelta(hours=1)

PLAUSIBLE = timedelta(days=2)
"""What was last cut longer ago than this, or is yet to be cut, may show a clock that was set: it is looked at again an
hour later, and nothing is cut before. So a clock that is wrong for less than an hour deletes nothing."""

AT_ONCE = 500

# How long ago history was cut last.
FIND_LAST_CUT = "SELECT now() - done_at FROM chore WHERE name = 'retention'"

NOTE_CUT = """
    INSERT INTO chore (name, done_at) VALUES ('retention', now()) ON CONFLICT (name) DO UPDATE SET done_at = now()
"""

# Ended runs, some at a time, but the latest of each connector.
DROP_OLD_RUNS = """
    DELETE FROM sync_run WHERE id IN (
        SELECT id FROM sync_run AS old
        WHERE finished_at < now() - $1::interval
            AND number < (SELECT max(number) FROM sync_run WHERE connector = old.connector)
        LIMIT $2
    )
"""


async def cut(connection: Connection) -> None:
    """Delete what ended longer ago than `KEPT_FOR`, some of it at a time; does nothing until `CUT_EVERY` is over.

    Call inside a transaction, as the only one.
    """
    since: timedelta | None = await connection.fetchval(FIND_LAST_CUT)
    if since is not None and timedelta() <= since < CUT_EVERY:
        return
    if since is not None and CUT_EVERY <= since <= PLAUSIBLE:
        cut = await connection.execute(DROP_OLD_RUNS, KEPT_FOR, AT_ONCE)
        await connection.execute(DROP_OLD_ISSUES, KEPT_FOR)
        calls = await connection.execute(DROP_OLD_CALLS, CALLS_KEPT_FOR, AT_ONCE)
        sent = await connection.execute(DROP_OLD_WRITES, CALLS_KEPT_FOR, AT_ONCE)
        if any(int(done.split()[-1]) == AT_ONCE for done in (cut, calls, sent)):
            return  # there is more: it is cut the next time
    await connection.execute(NOTE_CUT)
