"""Eras of the change log: whether a server knows what readers were shown before.

A place in the log is worth something only on the server that gave it. `epoch` is another one wherever the log comes to
another server or database: restored from a dump, whose transactions are counted from the start. `token` is another
one after each crash and each failover: the server may lack the last that readers were shown, if it was not on its disk.
"""

import secrets
from typing import NamedTuple

from unihire.store import Connection, Pool

# Which server and which table this is: another after a restore, into the same database too.
GET_SERVER = """
    SELECT system_identifier || ':' || (SELECT oid FROM pg_database WHERE datname = current_database())
        || ':' || 'event_page'::regclass::oid
    FROM pg_control_system()
"""

# The server that wrote the log, which stays so until the transaction ends.
LOCK_EPOCH = "SELECT server FROM event_epoch FOR UPDATE"

FIND_EPOCH = "SELECT server FROM event_epoch"

INSERT_EPOCH = "INSERT INTO event_epoch (epoch, server) VALUES ($1, $2) ON CONFLICT DO NOTHING"

SET_EPOCH = "UPDATE event_epoch SET epoch = $1, server = $2"

# Whether this server has not yet come to the transactions of some page.
HAS_LATER = """
    SELECT EXISTS (SELECT FROM event_page WHERE xid > '0'::xid8 AND xid >= pg_current_xact_id())
"""

# Put all pages before those that are to come: in each connector's order they stay.
PUT_PAGES_FIRST = "UPDATE event_page SET xid = '3'::xid8"

PUT_CUTS_FIRST = "UPDATE event_cut SET xid = '3'::xid8"

FORGET_ALIVE = "DELETE FROM event_alive"

# Epoch and token.
FIND_ERA = "SELECT epoch, (SELECT token FROM event_alive) AS token FROM event_epoch"

NOTE_ALIVE = "INSERT INTO event_alive (token) VALUES ($1) ON CONFLICT DO NOTHING"


class Era(NamedTuple):
    """Numbers of 32 bits, as described above."""

    epoch: int
    token: int


async def ensure_epoch(connection: Connection) -> None:
    """Begin another epoch where the log was written by another server; call before anything is saved.

    What it wrote is put before all that is to come.
    """
    server = await connection.fetchval(GET_SERVER)
    if await connection.fetchval(FIND_EPOCH) == server:
        return
    async with connection.transaction():
        await connection.execute(INSERT_EPOCH, secrets.randbits(32), server)
        if await connection.fetchval(LOCK_EPOCH) == server:
            return
        if await connection.fetchval(HAS_LATER):
            await connection.execute(PUT_PAGES_FIRST)
            await connection.execute(PUT_CUTS_FIRST)
        await connection.execute(FORGET_ALIVE)
        await connection.execute(SET_EPOCH, secrets.randbits(32), server)


async def get_era(source: Pool | Connection) -> Era:
    """The era of now. What is read in it is of it."""
    row = await source.fetchrow(FIND_ERA)
    if row is None or row["token"] is None:
        await source.execute(NOTE_ALIVE, secrets.randbits(32))
        row = await source.fetchrow(FIND_ERA)
    assert row is not None, "the database was opened without being settled"
    return Era(row["epoch"], row["token"])
