"""What a vendor gives at the end of a list, and takes the next time to show what changed since."""

from collections.abc import Sequence

from unihire.store import Connection, Pool
from unihire.store.work.runs import HAS_STORED, HOLD_RUN, Run, Superseded

# Store the sync token at the end of a stream's list. Updates nothing if another attempt has taken over the run.
NOTE_TOKEN = f"""
    UPDATE stream_run SET sync_token = $5 FROM ({HOLD_RUN}) AS ours
    WHERE connector = $1 AND run = $2 AND stream = $3 RETURNING run
"""  # noqa: S608 - of constants

# Read a stream whole after all, from its first page, and forget its sync token. Updates nothing as above.
READ_WHOLE = f"""
    WITH restarted AS (
        UPDATE stream_run SET phase = 'walk', position = NULL, growth = NULL, window_start = NULL, sync_token = NULL,
            is_tracking = {HAS_STORED.format(stream="$3", models="$5")}
        FROM ({HOLD_RUN}) AS ours
        WHERE connector = $1 AND run = $2 AND stream = $3 RETURNING run
    ), forgotten AS (
        UPDATE stream_state SET sync_token = NULL
        WHERE connector = $1 AND stream = $3 AND EXISTS (SELECT FROM restarted)
    )
    SELECT run FROM restarted
"""  # noqa: S608 - of constants


async def note_token(connection: Connection, run: Run, stream: str, token: str) -> None:
    """Store the sync token with which a stream's list ended. Raises Stopped as `move_stream` does."""
    if await connection.fetchval(NOTE_TOKEN, run.connector, run.id, stream, run.attempt, token) is None:
        raise Superseded(run)


async def read_whole(connection: Connection | Pool, run: Run, stream: str, *, models: Sequence[int]) -> None:
    """Let a stream be read whole, from its first page, and forget its sync token. Raises Stopped as `move_stream`."""
    if await connection.fetchval(READ_WHOLE, run.connector, run.id, stream, run.attempt, list(models)) is None:
        raise Superseded(run)
