"""The audit trail: a line for each administrative act, written in the transaction of the act.

Who acts is the command, unless a call is let in: then it is the call's API key, for as long as the call is worked on.
"""

from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from unihire.kit.ids import new_ordered_id
from unihire.store import Connection, Pool

INSERT_LINE = """
    INSERT INTO audit (id, organisation, environment, key, actor, act, kind, object, before, after)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
"""

# Lines of an organisation, the latest first, before one of them: those of an environment and of the whole, of an
# object, of an act.
LIST_LINES = """
    SELECT * FROM audit
    WHERE organisation = $1 AND ($2::text IS NULL OR environment IS NULL OR environment = $2)
        AND ($3::uuid IS NULL OR id < $3) AND ($4::text IS NULL OR object = $4) AND ($5::text IS NULL OR act = $5)
    ORDER BY id DESC LIMIT $6
"""

# The same of every organisation.
LIST_ALL_LINES = """
    SELECT audit.*, organisation.name AS organisation_name
    FROM audit LEFT JOIN organisation ON organisation.id = audit.organisation
    WHERE ($1::text IS NULL OR object = $1) AND ($2::text IS NULL OR act = $2)
        AND ($3::uuid IS NULL OR organisation = $3)
    ORDER BY audit.id DESC LIMIT $4
"""

# Lines of long ago, some at a time.
DROP_OLD_LINES = """
    DELETE FROM audit WHERE id IN (SELECT id FROM audit WHERE at < now() - $1::interval ORDER BY id LIMIT $2)
"""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: an API key with its name, or the command."""

    key: UUID | None
    name: str


COMMAND = Actor(None, "command")

_ACTOR: ContextVar[Actor] = ContextVar("actor", default=COMMAND)


class ActingAs:
    """Acts within are this actor's: `with ActingAs(actor)`. Every call is one, so it is no generator."""

    __slots__ = ("_actor", "_token")

    def __init__(self, actor: Actor) -> None:
        self._actor = actor

    def __enter__(self) -> None:
        self._token = _ACTOR.set(self._actor)

    def __exit__(self, *error: object) -> None:
        _ACTOR.reset(self._token)


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """What was done to an `object`, named by its id. `before` and `after` say what changed, without secrets."""

    organisation: UUID
    environment: str | None
    act: str
    kind: str
    object: UUID | str
    before: Mapping[str, Any] | None = None
    after: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditLine:
    """A line of the trail. `organisation_name` is there where lines of several are read."""

    id: UUID
    at: datetime
    organisation: UUID
    organisation_name: str | None
    environment: str | None
    key: UUID | None
    actor: str
    act: str
    kind: str
    object: str
    before: Any
    after: Any


async def log_act(connection: Connection, act: Act) -> None:
    """Write an act down. Call inside the transaction that does it."""
    actor = _ACTOR.get()
    said = (None if one is None else msgspec.json.encode(one) for one in (act.before, act.after))
    await connection.execute(
        INSERT_LINE, new_ordered_id(), act.organisation, act.environment, actor.key, actor.name, act.act, act.kind,
        str(act.object), *said,
    )  # fmt: skip


async def list_lines(
    pool: Pool,
    organisation: UUID,
    environment: str | None,
    *,
    before: UUID | None = None,
    object: str | None = None,
    act: str | None = None,
    limit: int,
) -> Sequence[AuditLine]:
    """The latest first."""
    rows = await pool.fetch(LIST_LINES, organisation, environment, before, object, act, limit)
    return [_read_line(row, None) for row in rows]


async def list_all_lines(
    pool: Pool, *, organisation: UUID | None = None, object: str | None = None, act: str | None = None, limit: int
) -> Sequence[AuditLine]:
    """Those of every organisation, or of one, the latest first."""
    rows = await pool.fetch(LIST_ALL_LINES, object, act, organisation, limit)
    return [_read_line(row, row["organisation_name"]) for row in rows]


def _read_line(row: asyncpg.Record, organisation: str | None) -> AuditLine:
    found = {name: row[name] for name in AuditLine.__slots__ if name != "organisation_name"}
    for name in ("before", "after"):
        found[name] = None if found[name] is None else msgspec.json.decode(found[name])
    return AuditLine(organisation_name=organisation, **found)
