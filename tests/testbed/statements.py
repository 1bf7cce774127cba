"""The statements of a version of the program, recorded so that later schemas can be asked whether they take them.

`python -m testbed.statements`, in tests/, writes down those of the program as it is, as `statements/<version>.json` by
its schema: at every release, and the oldest file goes when there are three.
"""

import asyncio
import importlib
import json
import pkgutil
import sys
from pathlib import Path

import asyncpg

import unihire.store
from testbed.databases import Databases, make_place
from unihire.store.migrate import list_migrations

RECORDED = Path(__file__).parent / "statements"

LOOK_AT = "EXPLAIN (GENERIC_PLAN) "
"""Plans a statement whose parameters have no values: columns, types and the indexes of conflicts must be there."""


def list_statements() -> dict[str, str]:
    """The SQL constants of the store's modules, however deep they are, by their names: `feed.saving.UPSERT`."""
    found = {}
    for module in pkgutil.walk_packages(unihire.store.__path__, "unihire.store."):
        if not module.ispkg:
            loaded = importlib.import_module(module.name)
            place = module.name.removeprefix("unihire.store.")
            found |= {
                f"{place}.{name}": value.strip()
                for name, value in vars(loaded).items()
                if isinstance(value, str) and name.isupper() and loaded.__name__ == module.name
            }
    return found


async def find_refused(connection: "asyncpg.Connection[asyncpg.Record]", statements: dict[str, str]) -> dict[str, str]:
    """Why the schema does not take some of the statements, by their names."""
    refused = {}
    for name, statement in statements.items():
        try:
            await connection.execute(LOOK_AT + statement)
        except asyncpg.PostgresError as error:
            refused[name] = f"{type(error).__name__}: {error}"
    return refused


async def record() -> None:
    with make_place() as place:
        databases = Databases(place)
        try:
            await databases.prepare()
            async with databases.open() as pool, pool.acquire() as connection:
                statements = list_statements()
                refused = await find_refused(connection, statements)  # no statements, or parts of some
        finally:
            databases.server.close()
    version = list_migrations()[-1].version
    taken = {name: text for name, text in sorted(statements.items()) if name not in refused}
    RECORDED.mkdir(exist_ok=True)
    path = RECORDED / f"{version:04}.json"
    path.write_text(json.dumps(taken, indent=1) + "\n")
    sys.stdout.write(f"{path}: {len(taken)} statements; left out: {', '.join(sorted(refused))}\n")


if __name__ == "__main__":
    asyncio.run(record())
