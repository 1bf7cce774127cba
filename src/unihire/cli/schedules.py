"""`unihire schedule`, `pause`, `resume` and `cancel`: when connectors are synced, and what ends or rests."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Annotated, Any

import msgspec
import typer
from rich.markup import escape

from unihire.cli.console.each import Done, check_choice, work_on_each
from unihire.cli.console.ending import run
from unihire.cli.console.starting import start
from unihire.cli.console.tables import make_table
from unihire.cli.console.terminal import OUT, Json, examples, print_line, write_moment
from unihire.cli.doctor.engine import is_worker_alive, note_missing_worker
from unihire.cli.runs import show_minute
from unihire.dialects.unihire.views import schedule_view
from unihire.errors import ConfigError
from unihire.kit.durations import parse_duration, write_duration
from unihire.model import MODELS
from unihire.platform.syncs import cancel_sync, pause_syncs, resume_syncs
from unihire.settings import read_settings
from unihire.store import Pool
from unihire.store.accounts.tenancy import Connector
from unihire.store.work import runs
from unihire.store.work.fast_schedules import FastSchedule, check_fast_interval, get_fast, set_fast
from unihire.store.work.schedules import StoredSchedule, check_interval, get_schedule, set_schedule
from unihire.sync.fast_runs import plan_fast, read_fast_setting

SCHEDULE_EPILOG = examples(
    "unihire schedule",
    "unihire schedule 3f2c --every 15m",
    "unihire schedule 3f2c --fast candidate,application --fast-every 1m",
    "unihire schedule --all --every 1h --full-every 1d",
)
PAUSE_EPILOG = examples("unihire pause 3f2c", "unihire pause --all")
RESUME_EPILOG = examples("unihire resume 3f2c", "unihire resume --all")
CANCEL_EPILOG = examples("unihire cancel 3f2c", "unihire cancel --all --json")

BY_SETTING, NO_MODELS = "setting", "none"
"""Words for --fast: as UNIHIRE_FAST_MODELS says, and no fast runs."""

STOPPED = "Stopped; the connectors shown above are done."

Ids = Annotated[
    list[str] | None,
    typer.Argument(metavar="CONNECTOR_ID", help="Ids, or their beginnings; one or more.", show_default=False),
]
All = Annotated[bool, typer.Option("--all", help="Every connector.")]


def schedule(
    ids: Ids = None,
    is_all: All = False,
    every: Annotated[
        str | None, typer.Option("--every", metavar="DURATION", help="Between two syncs: 15m to 7d.")
    ] = None,
    full_every: Annotated[
        str | None, typer.Option("--full-every", metavar="DURATION", help="Between two full ones: 15m to 7d.")
    ] = None,
    fast: Annotated[
        str | None,
        typer.Option("--fast", metavar="MODELS", help="Of these, read what changed between syncs; none, setting."),
    ] = None,
    fast_every: Annotated[
        str | None, typer.Option("--fast-every", metavar="DURATION", help="Between two such reads: 30s to 1d.")
    ] = None,
    is_json: Json = False,
) -> None:
    """Show or change when connectors are synced.

    Each is synced at its own moments, so that all are spread evenly. A full sync reads every list whole, and so finds
    what was deleted too. Between these, fast runs read what changed of a few models. Without options the schedules are
    shown.
    """
    interval, full_interval = _read_interval(every, "--every"), _read_interval(full_every, "--full-every")
    fast_interval = _read_interval(fast_every, "--fast-every", check_fast_interval)
    models = _read_models(fast)
    if fast == BY_SETTING and fast_interval is not None:
        raise typer.BadParameter("it goes with models: the settings say how often", param_hint="--fast-every")
    is_fast_changed = fast is not None or fast_interval is not None
    is_change = interval is not None or full_interval is not None or is_fast_changed
    if ids or is_all or is_change:
        check_choice(ids, is_all=is_all)
    shown: list[tuple[Connector, StoredSchedule, FastSchedule]] = []

    async def work(pool: Pool, connector: Connector) -> Done:
        by_setting = read_fast_setting(read_settings())
        wanted = None
        if is_fast_changed and fast != BY_SETTING:
            wanted = await plan_fast(pool, connector, by_setting, models=models, every=fast_interval)
        if interval is not None or full_interval is not None:
            await set_schedule(pool, connector, every=interval, full_every=full_interval)
        if is_fast_changed:
            await set_fast(pool, connector, wanted)
        found = await get_schedule(pool, connector.number)
        fast_now = await get_fast(pool, connector.number, by_setting)
        return Done(0, _describe(found, fast_now), lambda: shown.append((connector, found, fast_now)))

    code = _work(ids, work, is_json=is_json)
    if shown:
        _show(shown)
    _end(code)


def pause(ids: Ids = None, is_all: All = False, is_json: Json = False) -> None:
    """Let connectors rest.

    No sync of theirs is begun until unihire resume; one under way rests after the page it is on. The API goes on
    answering from what is stored.
    """
    check_choice(ids, is_all=is_all)

    async def work(pool: Pool, connector: Connector) -> Done:
        await pause_syncs(pool, connector)
        number = await _find_unfinished(pool, connector)
        said = "paused" if number is None else f"paused; run {number} rests after the page it is on"
        return await _settle(pool, connector, said, number)

    _end(_work(ids, work, is_json=is_json))


def resume(ids: Ids = None, is_all: All = False, is_json: Json = False) -> None:
    """Let paused connectors go on.

    Their schedules count again, and a sync that rested goes on from its last saved page.
    """
    check_choice(ids, is_all=is_all)
    alive = []

    async def work(pool: Pool, connector: Connector) -> Done:
        await resume_syncs(pool, connector)
        alive.append(await is_worker_alive(pool))
        number = await _find_unfinished(pool, connector)
        if number is None:
            said = f"is synced by its schedule; next {_show_next(await get_schedule(pool, connector.number))}"
        else:
            said = f"goes on with run {number}"
        return await _settle(pool, connector, said, number)

    code = _work(ids, work, is_json=is_json)
    if alive and not any(alive):
        note_missing_worker()
    _end(code)


def cancel(ids: Ids = None, is_all: All = False, is_json: Json = False) -> None:
    """End the syncs under way.

    What they saved stays; the page they are on is not saved. The next sync reads what this one did not.
    """
    check_choice(ids, is_all=is_all)

    async def work(pool: Pool, connector: Connector) -> Done:
        cancelled = await cancel_sync(pool, connector)
        if cancelled is None:
            return await _settle(pool, connector, "no sync is under way", None)
        number = (await pool.fetch(runs.GET_RUN, connector.number, cancelled))[0]["number"]
        return await _settle(pool, connector, f"run {number} is cancelled", number)

    _end(_work(ids, work, is_json=is_json))


async def _find_unfinished(pool: Pool, connector: Connector) -> int | None:
    found = await pool.fetchrow(runs.FIND_UNFINISHED, connector.number)
    return None if found is None else found["number"]


async def _settle(pool: Pool, connector: Connector, said: str, number: int | None) -> Done:
    """What was done to a connector, and to the run of the number if there was one."""
    fast = await get_fast(pool, connector.number, read_fast_setting(read_settings()))
    shown = {**_describe(await get_schedule(pool, connector.number), fast), "run": number}
    name = f"{escape(connector.end_user)} ({connector.integration})"
    return Done(0, shown, lambda: print_line(f"[green]✓[/green] {name}: {said}"))


def _end(code: int) -> None:
    if code:
        raise typer.Exit(code)


def _work(ids: list[str] | None, work: Callable[[Pool, Connector], Awaitable[Done]], *, is_json: bool) -> int:
    settings = start()
    return run(lambda _: work_on_each(settings, ids or [], work, stopped=STOPPED, failed={}, is_json=is_json))


def _read_models(text: str | None) -> list[str] | None:
    if text is None or text == BY_SETTING:
        return None
    models = [] if text == NO_MODELS else [name.strip() for name in text.split(",")]
    if unknown := sorted(set(models) - MODELS.keys()):
        raise typer.BadParameter(
            f"there is no model {', '.join(unknown)}; there are {', '.join(MODELS)}", param_hint="--fast"
        )
    return models


def _read_interval(
    text: str | None, option: str, check: Callable[[timedelta], timedelta] = check_interval
) -> timedelta | None:
    if text is None:
        return None
    try:
        return check(parse_duration(text))
    except (ValueError, ConfigError) as error:
        raise typer.BadParameter(f"{text!r}: {error}", param_hint=option) from None


def _describe(found: StoredSchedule, fast: FastSchedule) -> dict[str, Any]:
    return {"status": "done", "error": None, **msgspec.to_builtins(schedule_view(found, fast))}


def _show(shown: list[tuple[Connector, StoredSchedule, FastSchedule]]) -> None:
    table = make_table()
    table.add_column("id", no_wrap=True)
    for title in ("customer", "every", "full every", "fast runs", "next sync"):
        table.add_column(title, overflow="fold")
    for connector, found, fast in shown:
        table.add_row(
            str(connector.id)[:8],
            escape(connector.end_user),
            write_duration(found.every),
            write_duration(found.full_every),
            f"{write_duration(fast.every)}: {', '.join(fast.models)}" if fast.models else "-",
            "[yellow]paused[/yellow]" if found.is_paused else _show_next(found),
        )
    OUT.print(table)


def _show_next(found: StoredSchedule) -> str:
    said = f"{show_minute(write_moment(found.next_at))} UTC"
    return f"[yellow]due since {said}[/yellow]" if found.is_due else said
