"""The schema's versions: numbered SQL files, applied forward, each whole or not at all, beside programs at work.

`NNNN_name.sql` is done in one transaction. What would take long in one, or block others, has two other kinds:

- `NNNN_name.beside.sql` makes indexes, each by a statement `CREATE [UNIQUE] INDEX CONCURRENTLY name …` of its own;
- `NNNN_name.batches.sql` is one statement that does a little and is done again, in a transaction each time, until it
  affects no row.

A version of these that was stopped in the middle is resumed: the indexes that are whole are not made again, and a
statement of batches finds what is left.
"""

import asyncio
import hashlib
import re
from dataclasses import dataclass
from importlib import resources

import asyncpg

from unihire.errors import ConfigError
from unihire.store import Connection
from unihire.store.work import jobs

_LOCK = 0x756E6968697265  # "unihire": one process migrates, others wait
_MINIMUM = 150000  # PostgreSQL 15

# A statement that waits for a table's lock blocks all statements behind it. So we wait little, and try again: longer
# than it takes the server to send its own cleaning away (a second, deadlock_timeout), and no longer than until it would
# end one of two that wait for each other, which may be the other.
LIMIT_WAITING = "SET LOCAL lock_timeout TO '1500ms'"
TRIES = 60
PAUSE_SECONDS = 0.5

POLL_SECONDS = 0.1

# Be the one process that migrates. Who waited within a statement would be waited for by an index that is made beside
# it: it looks at the tables as they were.
TRY_LOCK = "SELECT pg_try_advisory_lock($1)"

# Whether an index of this name is whole; false where making it was stopped.
IS_VALID = "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass($1)"

NOTE_VERSION = "INSERT INTO schema_version (version, checksum) VALUES ($1, $2)"

_MAKES_INDEX = re.compile(r"CREATE (?:UNIQUE )?INDEX CONCURRENTLY (\w+) ON ")


@dataclass(frozen=True, slots=True)
class Migration:
    version: int
    name: str
    sql: str

    @property
    def checksum(self) -> str:
        return hashlib.sha256(self.sql.encode()).hexdigest()


def list_migrations() -> list[Migration]:
    """Every version of the schema, oldest first."""
    files = resources.files("unihire.store") / "migrations"
    found = [
        Migration(int(file.name.partition("_")[0]), file.name, file.read_text(encoding="utf-8"))
        for file in files.iterdir()
        if file.name.endswith(".sql")
    ]
    return sorted(found, key=lambda migration: migration.version)


def split_statements(sql: str) -> list[str]:
    """The statements of a file, without comments; none of them has a semicolon within."""
    bare = re.sub(r"--[^\n]*", "", sql)
    return [statement.strip() for statement in bare.split(";") if statement.strip()]


async def migrate(connection: Connection, *, upto: int | None = None) -> list[int]:
    """Bring the schema to the newest version (or `upto`); returns the versions applied.

    Each version commits by itself, so a crash leaves a whole version, or one that the next call goes on with. Others
    may be at work on the tables meanwhile.
    Raises ConfigError for a server that is too old, a schema newer than this program, an applied file that was altered
    since, or tables that another session keeps locked.
    """
    server: int = await connection.fetchval("SELECT current_setting('server_version_num')::int")
    if server < _MINIMUM:
        raise ConfigError(f"PostgreSQL 15 or newer is needed; this server is {server // 10000}")
    await _be_alone(connection)
    try:
        await connection.execute(
            "CREATE TABLE IF NOT EXISTS schema_version (version integer PRIMARY KEY, checksum text NOT NULL, "
            "applied_at timestamptz NOT NULL DEFAULT now())"
        )
        applied = {row["version"]: row["checksum"] for row in await connection.fetch("SELECT * FROM schema_version")}
        done = await _apply(connection, applied, upto)
        await jobs.install(connection)
        return done
    finally:
        await connection.execute("SELECT pg_advisory_unlock($1)", _LOCK)


async def _be_alone(connection: Connection) -> None:
    while True:
        if await connection.fetchval(TRY_LOCK, _LOCK):
            return
        await asyncio.sleep(POLL_SECONDS)


async def _apply(connection: Connection, applied: dict[int, str], upto: int | None) -> list[int]:
    migrations = list_migrations()
    newest = migrations[-1].version
    if applied and max(applied) > newest:
        raise ConfigError(
            f"the database is at version {max(applied)}, this program knows {newest}: install a newer one"
        )
    done = []
    for migration in migrations:
        if upto is not None and migration.version > upto:
            break
        known = applied.get(migration.version)
        if known is None:
            if migration.name.endswith(".beside.sql"):
                await _make_indexes(connection, migration)
            elif migration.name.endswith(".batches.sql"):
                await _do_batches(connection, migration)
            else:
                await _apply_one(connection, migration)
            done.append(migration.version)
        elif known != migration.checksum:
            raise ConfigError(f"schema version {migration.name} was altered after it was applied to this database")
    return done


async def _apply_one(connection: Connection, migration: Migration) -> None:
    for _ in range(TRIES):
        try:
            async with connection.transaction():
                await connection.execute(LIMIT_WAITING)
                await connection.execute(migration.sql)
                await _note(connection, migration)
            return
        except (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError):
            await asyncio.sleep(PAUSE_SECONDS)
    raise ConfigError(
        f"schema version {migration.name} waits for a table that another session holds: end it (a backup, or a long "
        "query) and start again"
    )


async def _make_indexes(connection: Connection, migration: Migration) -> None:
    """Make the indexes of a version that are not whole. Nobody waits for it; it waits for transactions under way."""
    for statement in split_statements(migration.sql):
        made = _MAKES_INDEX.match(statement)
        if made is None:
            raise ValueError(f"{migration.name} makes more than indexes: {statement}")
        is_valid: bool | None = await connection.fetchval(IS_VALID, made[1])
        if is_valid is False:
            await connection.execute(f"DROP INDEX CONCURRENTLY {made[1]}")
        if not is_valid:
            await connection.execute(statement)
    await _note(connection, migration)


async def _do_batches(connection: Connection, migration: Migration) -> None:
    (statement,) = split_statements(migration.sql)
    affected = 1
    while affected:
        affected = int((await connection.execute(statement)).split()[-1])
    await _note(connection, migration)


async def _note(connection: Connection, migration: Migration) -> None:
    await connection.execute(NOTE_VERSION, migration.version, migration.checksum)
