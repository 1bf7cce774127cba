"""Reads: a typed query of one model's records, answered by bytes that are ready to send.

A dialect translates its words into a query, and chooses how records are shown. What is asked of the store, what is
hidden, and how related records are put in, is here.
"""

from collections.abc import Sequence, Set
from dataclasses import dataclass
from datetime import datetime
from functools import cache, lru_cache
from typing import Any, Protocol

import msgspec

from unihire.kit.logs import get_logger
from unihire.kit.nesting import MOST_DEPTH, decode_bounded
from unihire.model import FieldSpec, ModelSpec
from unihire.platform.access import Scope
from unihire.platform.hiding import CUSTOM_FIELDS, Hidden, empty_body, empty_stored
from unihire.store import Pool, ranges, reading
from unihire.store.bodies import Content, Stored
from unihire.store.list_queries import RecordSelection
from unihire.store.record_keys import FilterKeys, derive_ids

log = get_logger()


class Projection(Protocol):
    """How a dialect shows records that it does not show as they are stored."""

    def show(self, model: ModelSpec, record: Stored) -> bytes:
        """A record of the model, a JSON object."""

    def show_deleted(self, model: ModelSpec, tombstone: bytes) -> bytes:
        """A deleted one; `tombstone` is what is known of it: `id`, `remote_id`, `modified_at` and `deleted`, true."""
        return tombstone


@dataclass(frozen=True, slots=True)
class Expansion:
    """A relation that is shown as the records it points to; `fields` None shows them whole.

    `place` is where a record as it is shown has the relation: the names of the members that lead to it. `fields` are
    members of a record as it is shown.
    """

    relation: FieldSpec
    target: ModelSpec
    fields: tuple[str, ...] | None
    place: tuple[str, ...]


class RecordView(msgspec.Struct, frozen=True, kw_only=True):
    """How a record is shown, and what of it beside its fields. Without a projection it is shown as it is stored."""

    raw: bool = False
    custom: bool = False
    expand: Sequence[Expansion] = ()
    projection: Projection | None = None


@dataclass(frozen=True, slots=True)
class MomentRange:
    """Records with a moment of the vendor's strictly between two; None: no bound. `name` is the field's."""

    name: str
    after: datetime | None
    before: datetime | None


class Query(msgspec.Struct, frozen=True, kw_only=True):
    """A page of a model's live records, in feed order: those after the position `after` that fit every filter.

    `filters` are fields with values any of which fits. `ids` and `remote_id` narrow to records with these.
    `with_deleted`: deleted records as well, in their places; `ids` and `remote_id` narrow them, filters let each pass.

    With `spans` the page is in the order of the first one's moment and, of those with the same, in feed order; `place`
    is the moment and the position after which it begins. Deleted records have no such moments: not together.
    """

    model: ModelSpec
    limit: int
    after: int = 0
    filters: Sequence[tuple[FieldSpec, Sequence[str]]] = ()
    ids: Sequence[str] | None = None
    remote_id: str | None = None
    show: RecordView = RecordView()
    with_deleted: bool = False
    spans: Sequence[MomentRange] = ()
    place: tuple[str, int] | None = None


class RecordPage(msgspec.Struct, frozen=True):
    """Bodies in order; `last` is the position of the last one where more follow, else None.

    `moment` is that of the last one, as `Query.place` has it, where the order is that of a moment.
    """

    bodies: list[bytes]
    last: int | None
    moment: str | None = None


class Reader:
    """Answers queries from the store."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def list_records(self, scope: Scope, query: Query) -> RecordPage:
        """The page that a query asks for. Raises Forbidden where it looks at a field that is hidden."""
        model, show = query.model, query.show
        if scope.hidden is not None:
            scope.hidden.refuse(model, (field.name for field, _ in query.filters), "filtered by")
            scope.hidden.refuse(model, (span.name for span in query.spans), "filtered by")
            _refuse_expansions(scope.hidden, model, show.expand)
        ids = query.ids
        if query.remote_id is not None:
            named = derive_ids(scope.connector, model.name).text(query.remote_id)
            ids = [named] if ids is None or named in ids else []
        keys = [_hash_values(scope.number, model.number, field, tuple(values)) for field, values in query.filters]
        wanted = RecordSelection(
            scope.number, model.number, query.after, query.limit, keys, ids, _choose_content(scope, model, show),
            with_deleted=query.with_deleted,
        )  # fmt: skip
        if query.spans:
            found = await ranges.list_range(self._pool, wanted, [_bound(span) for span in query.spans], query.place)
        else:
            found = await reading.list_records(self._pool, wanted)
        return RecordPage(await self._show(scope, model, found, show), found.last, found.moment)

    async def find_record(
        self, scope: Scope, model: ModelSpec, id: str, show: RecordView, *, with_deleted: bool = False
    ) -> bytes | None:
        """The body of a live record; None where there is none with this id. `with_deleted` as in Query."""
        if scope.hidden is not None:
            _refuse_expansions(scope.hidden, model, show.expand)
        content = _choose_content(scope, model, show)
        found = await reading.find_record(
            self._pool, scope.number, model.number, id, content, with_deleted=with_deleted
        )
        bodies = await self._show(scope, model, found, show)
        return bodies[0] if bodies else None

    async def _show(self, scope: Scope, model: ModelSpec, found: reading.StoredPage, show: RecordView) -> list[bytes]:
        """What was found as it is shown; tombstones as they are."""
        bodies = _project(scope, model, found, show)
        return await self._expand(scope, bodies, found.deleted, show) if show.expand else bodies

    async def _expand(self, scope: Scope, bodies: list[bytes], deleted: Set[int], show: RecordView) -> list[bytes]:
        """The bodies with relations expanded, one query for each model pointed to; those of tombstones as they are.

        A related record that is not there (never synced, or deleted), or that cannot be decoded, stays an id; a body
        that cannot be decoded, for the raw data in it, is answered as it is.
        """
        decoded = [None if place in deleted else _decode(body) for place, body in enumerate(bodies)]
        records = [record for record in decoded if record is not None]
        targets: dict[str, dict[str, dict[str, object]]] = {}
        for model in {expansion.target.name: expansion.target for expansion in show.expand}.values():
            wanted: dict[str, None] = {}
            for expansion in show.expand:
                if expansion.target is model:
                    for record in records:
                        parent, name = _find_parent(record, expansion.place)
                        wanted.update(dict.fromkeys(_list_ids(parent[name])))
            ids, related = await reading.find_targets(
                self._pool, scope.number, model.number, list(wanted), _choose_content(scope, model, show)
            )
            shown = _project(scope, model, related, show)
            each = ((id, _decode(body)) for id, body in zip(ids, shown, strict=True))
            targets[model.name] = {id: record for id, record in each if record is not None}
        for expansion in show.expand:
            known = targets[expansion.target.name]
            for record in records:
                parent, name = _find_parent(record, expansion.place)
                value = parent[name]
                if isinstance(value, list):
                    parent[name] = [_shape(known, id, expansion.fields) for id in value]
                elif value is not None:
                    parent[name] = _shape(known, value, expansion.fields)
        answered = zip(bodies, decoded, strict=True)
        return [body if record is None else msgspec.json.encode(record) for body, record in answered]


def _choose_content(scope: Scope, model: ModelSpec, show: RecordView) -> Content:
    """What is read of a model's records: raw data is hidden where fields are, and where models are."""
    hidden = scope.hidden
    names = frozenset[str]() if hidden is None else hidden.names(model)
    return _make_content(
        raw=show.raw and not names and (hidden is None or hidden.models is None),
        custom=show.custom and CUSTOM_FIELDS not in names,
        is_volatile=model.number in scope.volatile,
        in_parts=show.projection is not None,
    )


REMEMBERED_LENGTH = 2_000
"""Values of a filter that have together no more characters are remembered with their keys: the pages of a list are
asked for with the same."""


def _hash_values(connector: int, model: int, field: FieldSpec, values: tuple[str, ...]) -> Sequence[int]:
    """The keys any of which a record has that has one of the values."""
    hash_them = _hash_few if sum(map(len, values)) <= REMEMBERED_LENGTH else _hash_few.__wrapped__
    return hash_them(connector, model, field, values)


@lru_cache(maxsize=1_000)
def _hash_few(connector: int, model: int, field: FieldSpec, values: tuple[str, ...]) -> Sequence[int]:
    return tuple(FilterKeys(connector, model, field).list_asked(values))


_make_content = cache(Content)
"""There are sixteen of them."""


def _project(scope: Scope, model: ModelSpec, found: reading.StoredPage, show: RecordView) -> list[bytes]:
    """The bodies of what was found, without related records."""
    names = frozenset[str]() if scope.hidden is None else scope.hidden.names(model)
    if show.projection is None:
        if not names:
            return found.bodies
        return [
            body if place in found.deleted else empty_body(model, body, names)
            for place, body in enumerate(found.bodies)
        ]
    write, write_deleted = show.projection.show, show.projection.show_deleted
    return [
        write_deleted(model, body)
        if stored is None
        else write(model, empty_stored(model, stored, names) if names else stored)
        for body, stored in zip(found.bodies, found.stored, strict=True)
    ]


def _refuse_expansions(hidden: Hidden, model: ModelSpec, expand: Sequence[Expansion]) -> None:
    hidden.refuse(model, (expansion.relation.name for expansion in expand), "expanded")
    for expansion in expand:
        hidden.refuse_model(expansion.target.name)
        hidden.refuse(expansion.target, expansion.fields or (), "asked for")


def _find_parent(record: dict[str, Any], place: Sequence[str]) -> tuple[dict[str, Any], str]:
    """The object that has a member at a place of a record, and the member's name."""
    for name in place[:-1]:
        record = record[name]
    return record, place[-1]


def _bound(span: MomentRange) -> ranges.Range:
    after = ranges.BEFORE_ALL if span.after is None else ranges.write_bound(span.after)
    return ranges.Range(span.name, after, ranges.AFTER_ALL if span.before is None else ranges.write_bound(span.before))


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
