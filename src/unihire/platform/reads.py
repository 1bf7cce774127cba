"""Reads: a typed query of one model's records, answered by bytes that are ready to send.

A dialect translates its words into a query. What is asked of the store, and how related records are put in, is here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import structlog

from unihire.kit.nesting import MOST_DEPTH, decode_bounded
from unihire.model import FieldSpec, ModelSpec
from unihire.platform.access import Scope
from unihire.store import Pool, reading
from unihire.store.keys import FilterKeys, derive_ids

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Expansion:
    """A relation that is shown as the records it points to; `fields` None shows them whole."""

    relation: FieldSpec
    target: ModelSpec
    fields: tuple[str, ...] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Show:
    """What is shown of a record beside its fields."""

    raw: bool = False
    custom: bool = False
    expand: Sequence[Expansion] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """A page of a model's living records, in feed order: those after the position `after` that fit every filter.

    `filters` are fields with values any of which fits. `ids` and `remote_id` narrow to records with these.
    `with_deleted`: deleted records as well, in their places; `ids` and `remote_id` narrow them, filters let each pass.
    """

    model: ModelSpec
    limit: int
    after: int = 0
    filters: Sequence[tuple[FieldSpec, Sequence[str]]] = ()
    ids: Sequence[str] | None = None
    remote_id: str | None = None
    show: Show = Show()
    with_deleted: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """Bodies in feed order; `last` is the position of the last one where more follow, else None."""

    bodies: list[bytes]
    last: int | None


class Reader:
    """Answers queries from the store."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def list_records(self, scope: Scope, query: Query) -> Page:
        """The page that a query asks for."""
        model, show = query.model, query.show
        ids = query.ids
        if query.remote_id is not None:
            named = derive_ids(scope.connector, model.name).text(query.remote_id)
            ids = [named] if ids is None or named in ids else []
        keys = []
        for field, values in query.filters:
            hashed = FilterKeys(scope.number, model.number, field)
            keys.append(hashed.list_asked(values))
        wanted = reading.Wanted(
            scope.number, model.number, query.after, query.limit, keys, ids,
            raw=show.raw, custom=show.custom, is_volatile=model.number in scope.volatile,
            with_deleted=query.with_deleted,
        )  # fmt: skip
        found = await reading.list_records(self._pool, wanted)
        return Page(await self._expand(scope, found, show), found.last)

    async def find_record(
        self, scope: Scope, model: ModelSpec, id: str, show: Show, *, with_deleted: bool = False
    ) -> bytes | None:
        """The body of a living record; None where there is none with this id. `with_deleted` as in Query."""
        found = await reading.find_record(
            self._pool, scope.number, model.number, id,
            raw=show.raw, custom=show.custom, is_volatile=model.number in scope.volatile, with_deleted=with_deleted,
        )  # fmt: skip
        bodies = await self._expand(scope, found, show)
        return bodies[0] if bodies else None

    async def _expand(self, scope: Scope, found: reading.Found, show: Show) -> list[bytes]:
        """The bodies with relations expanded, one query for each model pointed to; those of tombstones as they are.

        A related record that is not there (never synced, or deleted), or that cannot be decoded, stays an id; a body
        that cannot be decoded, for the raw data in it, is answered as it is.
        """
        bodies = found.bodies
        if not show.expand:
            return bodies
        decoded = [None if place in found.deleted else _decode(body) for place, body in enumerate(bodies)]
        records = [record for record in decoded if record is not None]
        targets: dict[str, dict[str, dict[str, object]]] = {}
        for model in {expansion.target.name: expansion.target for expansion in show.expand}.values():
            wanted: dict[str, None] = {}
            for expansion in show.expand:
                if expansion.target is model:
                    for record in records:
                        wanted.update(dict.fromkeys(_list_ids(record[expansion.relation.name])))
            related = await reading.find_targets(
                self._pool, scope.number, model.number, list(wanted),
                raw=show.raw, custom=show.custom, is_volatile=model.number in scope.volatile,
            )  # fmt: skip
            each = ((id, _decode(body)) for id, body in related.items())
            targets[model.name] = {id: record for id, record in each if record is not None}
        for expansion in show.expand:
            known = targets[expansion.target.name]
            for record in records:
                name = expansion.relation.name
                value = record[name]
                if isinstance(value, list):
                    record[name] = [_shape(known, id, expansion.fields) for id in value]
                elif value is not None:
                    record[name] = _shape(known, value, expansion.fields)
        shown = zip(bodies, decoded, strict=True)
        return [body if record is None else msgspec.json.encode(record) for body, record in shown]


def _decode(body: bytes) -> dict[str, Any] | None:
    try:
        return decode_bounded(body, dict[str, Any], most=MOST_DEPTH + 1)  # the raw data is one level down
    except ValueError:
        log.warning("a stored record cannot be decoded, and is not expanded")
        return None


def _list_ids(value: list[str] | str | None) -> list[str]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _shape(known: dict[str, dict[str, object]], id: str, fields: tuple[str, ...] | None) -> object:
    record = known.get(id)
    if record is None:
        return id
    return record if fields is None else {field: record[field] for field in fields}
