"""Sending again: the messages of attempts, what an endpoint refused, or what happened since a moment."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import asyncpg

from unihire.errors import ConfigError
from unihire.events.endpoints import EndpointOwner
from unihire.store import Pool
from unihire.store.audit import Act
from unihire.store.events.deliveries import LIST_SPANS, list_undelivered
from unihire.store.events.endpoints import Endpoint
from unihire.store.events.replays import MOST_REPLAYS, Stretch, count_replays, find_stretches, insert_replays

REFUSED_AT_ONCE = 500
"""Refused messages that one replay sends again, the oldest first."""


class TooManyReplays(ConfigError):
    """The endpoint has as many replays under way as it can have."""


@dataclass(frozen=True, slots=True)
class Replay:
    """What is sent again: `count` messages, or connectors. `is_whole`: all that was requested."""

    count: int
    is_whole: bool = True


async def replay_tries(pool: Pool, owner: EndpointOwner, endpoint: Endpoint, ids: Sequence[UUID]) -> Replay:
    """Send the messages of these attempts again, each once, under the ids they had."""
    await _check_room(pool, endpoint)
    rows = await pool.fetch(LIST_SPANS, owner.organisation, owner.environment, list(ids), endpoint.id)
    messages = {row["message"]: row for row in rows}
    said = {"attempts": list(ids)}
    await _insert(pool, endpoint, [_make_stretch(row) for row in messages.values()], said)
    return Replay(len(messages), len(rows) == len(set(ids)))


async def replay_refused(pool: Pool, endpoint: Endpoint) -> Replay:
    """Send the oldest refused messages again; those that the endpoint accepts leave the list."""
    await _check_room(pool, endpoint)
    rows = await list_undelivered(pool, endpoint.id, limit=REFUSED_AT_ONCE + 1)
    some = rows[:REFUSED_AT_ONCE]
    await _insert(pool, endpoint, [_make_stretch(row) for row in some], {"refused": len(some)})
    return Replay(len(some), len(some) == len(rows))


async def replay_since(
    pool: Pool, endpoint: Endpoint, since: datetime, until: datetime | None, connectors: Sequence[UUID] | None
) -> Replay:
    """Send what happened from a moment on, and before another, again, in order for each connector.

    It is sent beside what happens meanwhile, under the ids it had. Not whole if some of it is no longer stored.
    """
    await _check_room(pool, endpoint)
    found, is_whole = await find_stretches(pool, endpoint.id, uuid4(), since, until, connectors)
    await _insert(pool, endpoint, found, {"since": since, "until": until, "connector_ids": connectors})
    return Replay(len(found), is_whole)


async def _insert(pool: Pool, endpoint: Endpoint, stretches: Sequence[Stretch], said: Mapping[str, Any]) -> None:
    act = Act(
        organisation=endpoint.organisation, environment=endpoint.environment, act="webhook.replayed", kind="webhook",
        object=endpoint.id, after=said,
    )  # fmt: skip
    await insert_replays(pool, endpoint.id, stretches, act)


async def _check_room(pool: Pool, endpoint: Endpoint) -> None:
    """Raises TooManyReplays."""
    count = await count_replays(pool, endpoint.id)
    if count >= MOST_REPLAYS:
        raise TooManyReplays(f"{count:,} replays of this webhook are under way: wait until some have ended")


def _make_stretch(row: asyncpg.Record) -> Stretch:
    place = row["position"], row["notice"], row["until_position"], row["until_notice"]
    return Stretch(row["connector"], row["connector_id"], uuid4(), *place)
