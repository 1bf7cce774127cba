"""The schema's versions: numbered SQL files, applied forward, each in a transaction of its own."""

import asyncio
import hashlib
from dataclasses import dataclass
from importlib import resources

import asyncpg

from unihire.errors import ConfigError
from unihire.store import Connection
from unihire.store.work import jobs

_LOCK = 0x756E6968697265  # "unihire": one process migrates, others wait
_MINIMUM = 150000  # PostgreSQL 15

# Who waits for a table keeps everybody after him from it. So we wait little, and try again: longer than it takes the
# server to send its own cleaning away (a second, deadlock_timeout), and no longer than until it would end one of two
# that wait for each other, which may be the other.
LIMIT_WAITING = "SET LOCAL lock_timeout TO '1500ms'"
TRIES = 60
PAUSE_SECONDS = 0.5


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


async def migrate(connection: Connection, *, upto: int | None = None) -> list[int]:
    """Bring the schema to the newest version (or `upto`); returns the versions applied.

    Each version commits by itself, so a crash leaves a whole version. Others may be at work on the tables meanwhile.
    Raises ConfigError for a server that is too old, a schema newer than this program, an applied file that was altered
    since, or tables that somebody does not let go of.
    """
    server: int = await connection.fetchval("SELECT current_setting('server_version_num')::int")
    if server < _MINIMUM:
        raise ConfigError(f"PostgreSQL 15 or newer is needed; this server is {server // 10000}")
    await connection.execute("SELECT pg_advisory_lock($1)", _LOCK)
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
                await connection.execute(
                    "INSERT INTO schema_version (version, checksum) VALUES ($1, $2)",
                    migration.version,
                    migration.checksum,
                )
            return
        except (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError):
            await asyncio.sleep(PAUSE_SECONDS)
    raise ConfigError(
        f"schema version {migration.name} waits for a table that another session holds: end it (a backup, or a long "
        "query) and start again"
    )
