"""`unihire events`: the change log, listed and followed."""

import asyncio
import logging
import sys
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from signal import SIGINT, SIGTERM
from typing import Annotated

import msgspec
import typer
from rich.markup import escape
from rich.padding import Padding

from unihire.cli.console.arguments import Environment, make_name_option
from unihire.cli.console.ending import Ending, run
from unihire.cli.console.picking import pick_connectors
from unihire.cli.console.starting import start
from unihire.cli.console.terminal import ERR, OUT, examples, note, show_moment
from unihire.dialects.unihire.event_views import (
    CHANGEABLE,
    END,
    Event,
    explain_way_back,
    find_place,
    show_event,
    write_cursor,
)
from unihire.errors import ConfigError, UnihireError
from unihire.events.log_reading import EventPage, EventQuery, EventReader, EventsMissed
from unihire.model import MODELS
from unihire.platform.organisations import list_organisations
from unihire.settings import Settings
from unihire.store import Pool
from unihire.store.database import open_database
from unihire.store.events.eras import Era
from unihire.store.events.order import LogPlace
from unihire.store.feed.changes import ChangeKind
from unihire.store.outages import is_outage

EPILOG = examples(
    "unihire events",
    "unihire events --connector 3f2c --model candidate --changed stage",
    "unihire events --after end --follow",
    "unihire events --follow --json | jq .remote_id",
)

READ_AT_ONCE = 200
"""Events that are read, and written, at once."""

POLL_SECONDS = 0.5
"""How often `--follow` looks for further events."""

LAST_WRITE_SECONDS = 2.0
"""For so long after a signal a reader of the output may take what is being written to it."""

COLOURS = {"created": "green", "updated": "yellow", "deleted": "red"}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    connector: str | None
    organisation: str | None
    environment: str
    model: str | None
    kind: ChangeKind | None
    changed: str | None
    after: str | None
    follows: bool
    is_json: bool


def _check_model(name: str | None) -> str | None:
    if name is not None and name not in MODELS:
        raise typer.BadParameter(f"there is no model {name!r}: it is one of {', '.join(MODELS)}")
    return name


def _check_changed(name: str | None) -> str | None:
    if name is not None and name not in CHANGEABLE:
        raise typer.BadParameter(f"no model has a field {name!r}: a field that only our own face shows is named more.x")
    return name


def events(
    connector: Annotated[
        str | None,
        typer.Option(metavar="ID", help="Only of this connector: its id, or the beginning.", show_default="all"),
    ] = None,
    organisation: Annotated[
        str | None, make_name_option("Whose events, where there are several organisations.", show_default=False)
    ] = None,
    environment: Annotated[Environment, typer.Option(help="Of this environment's connectors.")] = "production",
    model: Annotated[
        str | None,
        typer.Option(help="Only events of this model: candidate, say.", callback=_check_model, show_default="all"),
    ] = None,
    kind: Annotated[ChangeKind | None, typer.Option(help="Only events of this kind.", show_default="all")] = None,
    changed: Annotated[
        str | None,
        typer.Option(
            metavar="FIELD", help="Only updates in which this field differs: stage, more.rejected_at.",
            callback=_check_changed, show_default=False,
        ),
    ] = None,
    after: Annotated[
        str | None,
        typer.Option(
            metavar="CURSOR", help="Where to go on; end is after every event of now.",
            show_default="the oldest event stored",
        ),
    ] = None,
    follows: Annotated[
        bool, typer.Option("--follow", "-f", help="Wait for further events, until Ctrl-C.")
    ] = False,
    is_json: Annotated[
        bool, typer.Option("--json", help="One JSON document a line, with the members of the API's events.")
    ] = False,
) -> None:  # fmt: skip
    """List what became of records: each created, updated or deleted, oldest first.

    At its end it says the cursor from which the next call goes on, with --after. With --follow it writes events as
    they are committed, each once, also when the database goes away and comes back; Ctrl-C and SIGTERM end it with
    exit code 0.
    """
    asked = _Asked(
        connector=connector, organisation=organisation, environment=environment, model=model, kind=kind,
        changed=changed, after=after, follows=follows, is_json=is_json,
    )  # fmt: skip
    run(partial(_work, start(), asked))


async def _work(settings: Settings, asked: _Asked, ending: Ending) -> None:
    async with open_database(settings) as pool:
        wanted = await _build_query(pool, asked)
        if wanted is None:
            note("There is no event yet: unihire connect and unihire sync make the first.")
            return
        listing = EventListing(EventReader(pool), wanted, is_json=asked.is_json)
        await listing.begin(asked.after)
        if asked.follows:
            ending.good = frozenset({SIGINT, SIGTERM})
            # It warns, with a traceback, of a database that is away: that is said once, in a sentence.
            logging.getLogger("asyncpg.pool").setLevel(logging.ERROR)
        await listing.write_all(follows=asked.follows)


async def _build_query(pool: Pool, asked: _Asked) -> EventQuery | None:
    """The events that are asked for; None where there is no organisation yet. Raises ConfigError."""
    number = None
    if asked.connector is not None:
        (picked,) = await pick_connectors(pool, [asked.connector])
        organisation, environment, number = picked.organisation, picked.environment, (picked.id, picked.number)
    else:
        names = await list_organisations(pool)
        fitting = [id for id, name in names.items() if asked.organisation in (None, name)]
        if not names and asked.organisation is None:
            return None
        if not fitting:
            raise ConfigError(f"there is no organisation {asked.organisation!r}: `unihire keys` lists them")
        if len(fitting) > 1:
            raise ConfigError("there are several organisations: choose one with --organisation")
        organisation, environment = fitting[0], asked.environment
    return EventQuery(
        organisation=organisation,
        environment=environment,
        connector=number,
        model=None if asked.model is None else MODELS[asked.model],
        kind=asked.kind,
        changed=asked.changed,
    )


class EventListing:
    """Writes events on stdout, page by page, and knows after which of them to go on."""

    def __init__(self, reader: EventReader, wanted: EventQuery, *, is_json: bool) -> None:
        self._reader = reader
        self._wanted = wanted
        self._is_json = is_json
        self._place: tuple[Era, LogPlace] | None = None
        self._is_away = False

    async def begin(self, after: str | None) -> None:
        """Go on from a cursor; from the oldest event without one. Raises BadParameter where it is none."""
        if after == END:
            self._place = await self._reader.find_end(self._wanted)
        elif after is not None:
            self._place = find_place(self._wanted, after)
            if self._place is None:
                raise typer.BadParameter(f"{after!r} is not a cursor of these events", param_hint="--after")

    async def write_all(self, *, follows: bool) -> None:
        """Write all there are, then say the cursor; with `follows`, those to come too, until it is cancelled.

        While it follows, a database that is away is waited for. Raises UnihireError where events are no longer stored.
        """
        if follows and ERR.is_terminal:
            note("Ctrl-C ends.")
        try:
            while True:
                page = await self._read(follows=follows)
                if page is not None:
                    await self._write(page)
                if page is None or not page.has_more:
                    if not follows:
                        break
                    await asyncio.sleep(POLL_SECONDS)
        except asyncio.CancelledError:
            self._say_cursor()
            raise
        self._say_cursor()

    async def _read(self, *, follows: bool) -> EventPage | None:
        """What comes next; None while the database is away."""
        try:
            page = await self._reader.read(self._wanted, self._place, READ_AT_ONCE)
        except EventsMissed as missed:
            cursor = write_cursor(self._wanted, missed.era, missed.last)
            raise UnihireError(f"{missed}. {explain_way_back(missed)}, then continue with --after {cursor}") from None
        except Exception as error:
            if not follows or not is_outage(error):
                raise
            if not self._is_away:
                note("The database does not answer: waiting for it.")
            self._is_away = True
            return None
        if self._is_away:
            note("The database answers again.")
        self._is_away = False
        return page

    async def _write(self, page: EventPage) -> None:
        """Write a page: after it is where to go on, unless the output did not take it whole."""
        shown = [show_event(self._wanted, page.era, one) for one in page.events]
        written = b"".join(map(_encode, shown)) if self._is_json else _render(shown)
        # In a thread: whoever reads the output may not go on, and a signal is to end us all the same.
        writing = asyncio.ensure_future(asyncio.to_thread(_write_out, written))
        try:
            await asyncio.shield(writing)
        except asyncio.CancelledError:
            with suppress(OSError, TimeoutError):
                await asyncio.wait_for(asyncio.shield(writing), LAST_WRITE_SECONDS)
                self._place = page.era, page.place
            raise
        self._place = page.era, page.place

    def _say_cursor(self) -> None:
        if self._place is not None:
            note(f"To go on: --after {write_cursor(self._wanted, *self._place)}")


def _encode(event: Event) -> bytes:
    return msgspec.json.encode(event) + b"\n"


def _render(shown: list[Event]) -> bytes:
    """Events for people: in a terminal what changed is below its line where it would not fit in."""
    if not OUT.is_terminal:
        return "".join(f"{_line_up(event)}  {', '.join(event.changed)}".rstrip() + "\n" for event in shown).encode()
    with OUT.capture() as captured:
        for event in shown:
            line, changed, colour = _line_up(event), ", ".join(event.changed), COLOURS[event.kind]
            is_below = len(line) + 2 + len(changed) > OUT.width
            line = escape(line).replace(event.kind, f"[{colour}]{event.kind}[/{colour}]", 1)
            OUT.print(line if is_below or not changed else f"{line}  [dim]{changed}[/dim]")
            if is_below and changed:
                OUT.print(Padding(f"[dim]{changed}[/dim]", (0, 0, 0, 4), expand=False))
    return captured.get().encode(OUT.encoding, "replace")


def _line_up(event: Event) -> str:
    remote_id = "".join(one if one.isprintable() else "\ufffd" for one in event.remote_id)
    return f"{show_moment(event.at)[:19]}  {str(event.connector_id)[:8]}  {event.kind:<7}  {event.model} {remote_id}"


def _write_out(written: bytes) -> None:
    sys.stdout.buffer.write(written)
    sys.stdout.buffer.flush()
