"""Runs the store's tests on a database of a Citus cluster, which is there for nothing else.

`python -m testbed.citus postgresql://…`, in tests/: makes the schema, spreads it, and runs the tests. With `--plain` it
takes a PostgreSQL without Citus and spreads nothing. `--write` writes the statements that spread it into docs/scale.md.
"""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import asyncpg

from testbed.databases import ELSEWHERE, Databases, make_place
from testbed.distributing import list_statements
from unihire.store.migrate import migrate

TESTS = Path(__file__).parents[1]
PAGE = TESTS.parent / "docs" / "scale.md"
START, END = "<!-- the statements that spread the store -->", "<!-- end of the statements -->"

STORE = (
    "feed", "changes", "newer_rows", "shared_parts", "refused_values", "removal", "runs", "history", "calls_retained",
    "kept_rows", "reading_filters",
)  # fmt: skip
"""The tests that are run, of tests/integration."""

HAS_CITUS = "SELECT EXISTS (SELECT FROM pg_available_extensions WHERE name = 'citus')"

IS_SPREAD = "SELECT EXISTS (SELECT FROM citus_tables WHERE table_name = 'record'::regclass)"


async def spread(address: str) -> bool:
    """Make the schema in the database and spread it, unless that was done; False where the server has no Citus."""
    connection = await asyncpg.connect(address)
    try:
        if not await connection.fetchval(HAS_CITUS):
            return False
        await connection.execute("CREATE EXTENSION IF NOT EXISTS citus")
        await migrate(connection)
        if not await connection.fetchval(IS_SPREAD):
            for statement in await list_statements(connection):
                sys.stdout.write(f"{statement}\n")
                await connection.execute(statement)
        return True
    finally:
        await connection.close()


def run_tests(address: str) -> int:
    files = [str(TESTS / "integration" / f"test_{name}.py") for name in STORE]
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-n", "0", "-q", *files], env={**os.environ, ELSEWHERE: address}, check=False
    ).returncode


async def read_statements() -> list[str]:
    """The statements for the schema of now."""
    with make_place() as place:
        databases = Databases(place)
        try:
            await databases.prepare()
            async with databases.open() as pool, pool.acquire() as connection:
                return await list_statements(connection)
        finally:
            databases.server.close()


def place_statements(page: str, statements: list[str]) -> str:
    """The page with these statements in their place."""
    before, _, rest = page.partition(START)
    text = "".join(f"{statement};\n" for statement in statements)
    return f"{before}{START}\n```sql\n{text}```\n{END}{rest.partition(END)[2]}"


def main(arguments: list[str]) -> int:
    if arguments == ["--write"]:
        PAGE.write_text(place_statements(PAGE.read_text(), asyncio.run(read_statements())))
        return 0
    address = arguments[0]
    if "--plain" not in arguments and not asyncio.run(spread(address)):
        sys.stderr.write("the server has no Citus: install it, or say --plain to run the tests on it all the same\n")
        return 2
    return run_tests(address)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
