"""`unihire audit`: who changed what, over all organisations."""

from collections.abc import Sequence
from typing import Annotated, Any

import msgspec
import typer
from rich.markup import escape

from unihire.cli.console.starting import run_on_database, start
from unihire.cli.console.terminal import OUT, Json, examples, note, print_json, print_line, show_moment
from unihire.cli.organising import pick_organisation
from unihire.dialects.unihire.audit_trail import show_line
from unihire.store import Pool
from unihire.store.audit import AuditLine, list_all_lines

EPILOG = examples("unihire audit", "unihire audit --act key.created", "unihire audit --object 3f2c… --json")

LISTED, LISTED_MOST = 50, 10_000


def audit(
    organisation: Annotated[
        str | None,
        typer.Option(metavar="ID", help="Only this organisation's, by its id or the beginning.", show_default="all"),
    ] = None,
    object: Annotated[
        str | None, typer.Option(metavar="ID", help="Only what was done to this key, connector or webhook.")
    ] = None,
    act: Annotated[str | None, typer.Option(metavar="ACT", help="Only such acts: key.created, say.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=LISTED_MOST, help="How many at most.")] = LISTED,
    is_json: Json = False,
) -> None:
    """List who changed what, by API key or by command, the latest first.

    Organisations, keys, connectors, syncs, schedules and webhooks: each act has a line, which was written with it.
    """

    async def read(pool: Pool) -> Sequence[AuditLine]:
        owner = None if organisation is None else await pick_organisation(pool, organisation)
        return await list_all_lines(pool, organisation=owner, object=object, act=act, limit=limit)

    found = run_on_database(read, start())
    if is_json:
        print_json([_to_json(line) for line in found])
        return
    if not found:
        note("There is no such line.")
    for line in found:
        where = f" · {line.environment}" if line.environment else ""
        print_line(
            f"{show_moment(line.at)[:19]} [bold]{line.act}[/bold] {escape(line.object)} by {escape(line.actor)}"
            f" · {escape(line.organisation_name or str(line.organisation))}{where}"
        )
        for word, said in (("was", line.before), ("is", line.after)):
            if said:
                text = ", ".join(f"{name} {_say(value)}" for name, value in said.items())
                OUT.print(f"  [dim]{word} {escape(text)}[/dim]")


def _say(value: Any) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _to_json(line: AuditLine) -> dict[str, Any]:
    shown: dict[str, Any] = msgspec.to_builtins(show_line(line))
    return {**shown, "organisation_id": str(line.organisation), "organisation": line.organisation_name}
