"""`unihire write` and `unihire writes`: a write through the unified API on a connector, and the log of them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
from rich.markup import escape
from rich.padding import Padding

from unihire.app import make_writes
from unihire.cli.console.arguments import read_document
from unihire.cli.console.exits import FAILED
from unihire.cli.console.picking import name_connector, pick_connectors
from unihire.cli.console.starting import run_on_database, start
from unihire.cli.console.terminal import OUT, Json, examples, note, print_json, print_line, show_moment
from unihire.dialects.bindbee.write_routes import WRITE_PATHS, WritePath, unwrap
from unihire.dialects.common.admission import write_detail
from unihire.dialects.common.lists import parse_id
from unihire.dialects.unihire.write_log import Outcome, show_write
from unihire.errors import ApiError, ConfigError
from unihire.integration.registry import list_volatile_models
from unihire.model import NATIVE_MODELS
from unihire.platform.access import Scope
from unihire.platform.clients import Clients
from unihire.platform.connectors import open_connector_client
from unihire.platform.sealing import open_sealer
from unihire.platform.writing.unified_writes import UnifiedWrites, WriteAnswer, WriteRequest
from unihire.store import Pool
from unihire.store.accounts.tenancy import Connector
from unihire.store.calls.requested_writes import list_stored_writes

LISTED = 100
"""How many writes are listed at most, unless asked otherwise."""

WRITE_EPILOG = examples(
    """unihire write 3f2c candidate.create --json '{"first_name": "Jane", "last_name": "Doe"}' --dry-run""",
    "unihire write 3f2c candidate.create --file candidate.json --key candidate-4711",
    "unihire write 3f2c application.unreject --target 5b0f7a52-3c1e-5d0b-9f57-6a4f6a0f9d11",
)

WRITES_EPILOG = examples("unihire writes 3f2c", "unihire writes 3f2c --outcome perhaps_made --json")

Named = Annotated[str, typer.Argument(metavar="CONNECTOR", help="Its id, or the beginning.", show_default=False)]


def write(
    id: Named,
    name: Annotated[
        str,
        typer.Argument(
            metavar="MODEL.VERB", help="What is written: unihire capabilities lists it.", show_default=False
        ),
    ],
    body: Annotated[
        str | None, typer.Option("--json", help="The body as JSON, - to read it from stdin.", show_default=False)
    ] = None,
    file: Annotated[Path | None, typer.Option(help="A file with the body.", show_default=False)] = None,
    target: Annotated[
        str | None, typer.Option(help="Our id of the record that is changed.", show_default=False)
    ] = None,
    key: Annotated[
        str | None, typer.Option(help="A repeat under the same key writes nothing again.", show_default=False)
    ] = None,
    is_dry: Annotated[
        bool, typer.Option("--dry-run", help="Check everything and show what would be sent; write nothing.")
    ] = False,
) -> None:
    """Write to a connector's system and print the answer as JSON.

    As the API does: the record as it is then, or why it was not written, with exit code 1.
    """
    path = _find_path(name)
    if body is not None and file is not None:
        raise ConfigError("--json and --file are two bodies: choose one")
    given = "{}" if body is None and file is None else body if body is not None else f"@{file}"
    data = read_document(str(given), option="--json")
    changed = _read_target(path, target)
    settings = start()

    async def write_once(pool: Pool) -> WriteAnswer | ApiError:
        sealer = await open_sealer(settings, pool)
        clients = Clients(lambda found: open_connector_client(pool, found, sealer, settings=settings))
        try:
            (connector,) = await pick_connectors(pool, [id])
            request = _make_request(path, connector, data, changed, key)
            return await _do(make_writes(settings, pool, clients), request, is_dry=is_dry)
        except ApiError as error:
            return error
        finally:
            await clients.close()

    answer = run_on_database(write_once, settings)
    if isinstance(answer, ApiError):
        print_json(write_detail(answer), pretty=True)
        note(f"[red]error[/red] {escape(str(answer))}")
        raise typer.Exit(FAILED)
    print_json(msgspec.Raw(answer.body), pretty=True)
    if answer.is_repeat:
        note("This is the first answer again: the key was used before.")


def writes(
    id: Named,
    outcome: Annotated[
        Outcome | None, typer.Option(help="Only those that ended so, or are there.", show_default=False)
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many at most.")] = LISTED,
    is_json: Json = False,
) -> None:
    """List the writes of a connector, the latest first.

    Each with how it ended, the record that was written, and why it was not where it was not.
    """

    async def read(pool: Pool) -> dict[str, Any]:
        (connector,) = await pick_connectors(pool, [id])
        found = await list_stored_writes(pool, connector.number, before=None, status=outcome, limit=limit)
        return {**name_connector(connector), "writes": [show_write(one) for one in found]}

    found = run_on_database(read, start())
    if is_json:
        print_json(found)
        return
    if not found["writes"]:
        note("There is no such write." if outcome else "Nothing was written yet.")
        return
    for one in found["writes"]:
        _show(one)


def _show(one: Mapping[str, Any]) -> None:
    outcome = one["outcome"].replace("_", " ")
    print_line(f"{show_moment(one['asked_at'])}  {one['model']}.{one['verb']}  [bold]{outcome}[/bold]")
    print_line(f"  write {one['id']}")
    if (record := one["record"] or one["target"]) is not None:
        print_line(f"  record {record}")
    if one["message"]:
        OUT.print(Padding(escape(one["message"]), (0, 0, 0, 2), expand=False))


def _find_path(name: str) -> WritePath:
    """Raises ConfigError for a write that the vocabulary does not have."""
    known = {f"{path.model}.{path.verb}": path for path in WRITE_PATHS if path.within is None}
    if name not in known:
        raise ConfigError(f"there is no write {name!r}: there are {', '.join(sorted(known))}")
    return known[name]


def _read_target(path: WritePath, target: str | None) -> str | None:
    needs_target = "{id}" in path.path
    if target is None and not needs_target:
        return None
    if target is None:
        raise ConfigError(f"{path.model}.{path.verb} changes a record: name it with --target")
    if not needs_target:
        raise ConfigError(f"{path.model}.{path.verb} makes a new record: it takes no --target")
    found = parse_id(target)
    if found is None:
        raise ConfigError(f"--target {target!r} is no id of a record")
    return found


def _make_request(
    path: WritePath, connector: Connector, data: Any, target: str | None, key: str | None
) -> WriteRequest:
    return WriteRequest(
        connector=connector,
        scope=Scope(connector.id, connector.number, list_volatile_models(connector.integration)),
        model=NATIVE_MODELS[path.model],
        verb=path.verb,
        data=unwrap(path, data),
        target=target,
        key=key,
    )


async def _do(unified: UnifiedWrites, request: WriteRequest, *, is_dry: bool) -> WriteAnswer:
    return WriteAnswer(await unified.plan(request)) if is_dry else await unified.write(request)
