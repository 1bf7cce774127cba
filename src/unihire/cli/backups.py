"""`unihire backup` and `unihire restore`: the database as one file."""

from pathlib import Path
from typing import Annotated

import typer

from unihire.cli.console.ending import Ending, run
from unihire.cli.console.starting import start
from unihire.cli.console.terminal import Json, examples, note, print_json
from unihire.store.backup import restore_backup, write_backup

BACKUP_EPILOG = examples("unihire backup unihire-2026-11-29.dump")
RESTORE_EPILOG = examples(
    "unihire restore unihire-2026-11-29.dump",
    "UNIHIRE_HOME=/srv/elsewhere unihire restore unihire-2026-11-29.dump",
)

File = Annotated[Path, typer.Argument(help="The file.", show_default=False)]


def backup(file: File, is_json: Json = False) -> None:
    """Write the whole database to a new file.

    It is as of one moment, and running syncs go on. The keys that seal the vendors' credentials are not in it: keep
    UNIHIRE_ENCRYPTION_KEYS, or the file encryption.key in UNIHIRE_HOME, in another place.
    """
    settings = start()

    async def work(_: Ending) -> None:
        await write_backup(settings, file)

    run(work)
    size = file.stat().st_size
    if is_json:
        print_json({"file": str(file), "bytes": size})
        return
    note(f"Wrote {file}, {size / 1e6:,.1f} MB. The keys that open stored credentials are not in it.")


def restore(file: File, is_json: Json = False) -> None:
    """Fill an empty database with a backup.

    All of it or nothing. The database is the one that UNIHIRE_DATABASE_URL or UNIHIRE_HOME names; it may have no
    tables. Stop what still runs on the old one first: two installations that sync with the same grants take them from
    one another.
    """
    settings = start()

    async def work(_: Ending) -> None:
        await restore_backup(settings, file)

    run(work)
    if is_json:
        print_json({"file": str(file)})
        return
    note(f"Restored {file}. `unihire doctor` looks whether the keys open what is in it.")
