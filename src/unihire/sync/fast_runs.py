"""Fast runs: what they read, and how they are asked for and make way for others.

A fast run reads what changed in a few lists, between the runs of the schedule. It deletes nothing, reads no list whole,
and ends when any other work on the connector is asked for.
"""

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta

from unihire.errors import Busy, ConfigError
from unihire.integration.declare import Integration
from unihire.integration.model_streams import find_streams
from unihire.integration.registry import get_integration
from unihire.kit.durations import parse_duration
from unihire.model import MODELS, spec_of
from unihire.settings import Settings
from unihire.store import Connection, Pool
from unihire.store.accounts.tenancy import Connector
from unihire.store.locks import lock_connector
from unihire.store.work import jobs
from unihire.store.work.fast_schedules import (
    FastDue,
    FastSchedule,
    ask_fast_run,
    cancel_fast_run,
    check_fast_interval,
    defer_fast,
    find_read_streams,
    get_fast,
    list_fast_due,
)

DUE_AT_ONCE = 50
ROUNDS = 10
"""So often in a row connectors that are due are looked for."""

ENDS_WITHIN = 10.0
"""Seconds that a cancelled fast run may take to end."""


def read_fast_setting(settings: Settings) -> FastSchedule:
    """What the settings say of fast runs. Raises ConfigError for what is no model, or no such interval."""
    models = settings.list_fast_models()
    if unknown := sorted(set(models) - MODELS.keys()):
        raise ConfigError(f"UNIHIRE_FAST_MODELS: there is no model {', '.join(unknown)}; there are {', '.join(MODELS)}")
    try:
        every = check_fast_interval(parse_duration(settings.fast_every))
    except (ValueError, ConfigError) as error:
        raise ConfigError(f"UNIHIRE_FAST_EVERY: {error}") from None
    return FastSchedule(models, every)


def find_fast_streams(integration: Integration, models: Collection[str]) -> list[str]:
    """The lists that a fast run of these models reads: of those `find_streams` finds, those with a marker of changes.

    Raises ConfigError for a model the integration does not fill, or of which no list has a marker.
    """
    able = {stream.name for stream in integration.streams if stream.is_incremental}
    if unable := sorted(set(models) - _list_able_models(integration)):
        find_streams(integration, models)  # names those that it does not fill at all
        raise ConfigError(f"{integration.name} cannot be asked for what changed of {', '.join(unable)}")
    return [name for name in find_streams(integration, models) if name in able]


def _list_able_models(integration: Integration) -> set[str]:
    """The models that are made of lists which the vendor can be asked for what changed in."""
    able = (stream for stream in integration.streams if stream.is_incremental)
    return {spec_of(mapping.model).name for stream in able for mapping in stream.mappings}


async def plan_fast(
    pool: Pool,
    connector: Connector,
    by_setting: FastSchedule,
    *,
    models: Collection[str] | None,
    every: timedelta | None,
) -> FastSchedule:
    """What the connector's fast runs are to be where this is changed; None: it stays. Nothing is written.

    Raises ConfigError for a model or an interval that cannot be, or an interval where there are no models.
    """
    now = await get_fast(pool, connector.number, by_setting)
    chosen = now.models if models is None else tuple(dict.fromkeys(models))
    if chosen:
        find_fast_streams(get_integration(connector.integration), chosen)
    elif models is None:
        raise ConfigError("the connector has no fast runs: say of which models")
    return FastSchedule(chosen, now.every if every is None else check_fast_interval(every))


async def ask_for_fast(connection: Connection, by_setting: FastSchedule) -> bool:
    """Ask for the fast runs that are due, some of them; returns whether there may be more. Call in a transaction."""
    due = await list_fast_due(connection, by_setting, DUE_AT_ONCE)
    for one in due:
        streams = _choose_streams(one)
        read = await find_read_streams(connection, one.number, streams) if streams else []
        if read and await ask_fast_run(connection, one.number, read):
            await jobs.defer_sync(connection, one.number)
        await defer_fast(connection, one, is_read=bool(streams))
    return len(due) >= DUE_AT_ONCE


def _choose_streams(due: FastDue) -> list[str]:
    """Of models that the settings name, those that the integration fills; none where it is gone."""
    try:
        integration = get_integration(due.integration)
    except ConfigError:
        return []
    return find_fast_streams(integration, _list_able_models(integration) & set(due.models))


@asynccontextmanager
async def lock_before_fast(pool: Pool, connector: int, *, otherwise: str) -> AsyncIterator[None]:
    """As `lock_connector`, but a fast run that is under way is cancelled, and makes way."""
    async with AsyncExitStack() as held:
        was_fast = await cancel_fast_run(pool, connector)
        ends_at = asyncio.get_running_loop().time() + ENDS_WITHIN
        while True:
            try:
                await held.enter_async_context(lock_connector(pool, connector, otherwise=otherwise))
                break
            except Busy:
                if not was_fast or asyncio.get_running_loop().time() > ends_at:
                    raise
            await asyncio.sleep(0.1)
        yield
