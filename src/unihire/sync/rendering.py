"""Rows to records: each row is mapped, its relations become our ids, its JSON is written once."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from hashlib import blake2b
from typing import Any, TypeVar
from uuid import UUID

import msgspec

from unihire.errors import RecordError
from unihire.integration.declare import Data, RecordMapping, Source, Stream, find_member, list_values
from unihire.kit.ids import DerivedIds
from unihire.kit.text import ID_LENGTH
from unihire.model import ModelSpec, Record, spec_of
from unihire.outbound.paging import Row
from unihire.store.feed.rendered import Rendered, begin_content
from unihire.store.record_keys import JoinKeys, MemberKeys, derive_ids
from unihire.store.volatile import split_volatile
from unihire.sync.encoding import REMEMBERED, ModelRendering, remember
from unihire.sync.pruning import DETAIL, LeftOut, explain_error, find_kind, find_path, prune_fields, prune_source
from unihire.sync.quarantine import Quarantined, find_row_id, read_row_id

T = TypeVar("T")

_ENCODER = msgspec.json.Encoder()
_NO_DETAILS: Mapping[str, list[Data]] = {}

LARGEST_REPEATED = 1000
"""Most bytes of a part that is remembered with the record it becomes, since other rows may repeat it."""

SUSPECTED = 16
"""How many paths of bad parts are remembered for a stream."""

# A copy of a hash that is begun costs half of a new one.
_begin_more = blake2b(digest_size=8).copy

OWNED = "part of"
"""Stands for the name of a join in the keys of owned parts."""


class _StreamRendering:
    """What rendering the rows of one stream needs, computed once."""

    def __init__(self, number: int, stream: Stream) -> None:
        self.stream = stream
        self.volatile = stream.volatile
        self.keys: list[tuple[str, Callable[[str], int]]] = []
        self.keys_of: list[tuple[str, str, Callable[[str], int]]] = []
        for join in stream.joins:
            if join.key:
                key_of = remember(JoinKeys(number, stream.name, join.name).key)
                if join.via is None:
                    self.keys.append((join.key, key_of))
                else:
                    self.keys_of.append((join.via, join.key, key_of))
        for member in stream.found_by:
            self.keys.append((member, MemberKeys(number, stream.name, member).key))
        self.owned = JoinKeys(number, stream.name, OWNED).key
        self.has_rows = any(mapping.is_whole for mapping in stream.mappings)
        self.shared = [mapping for mapping in stream.mappings if mapping.is_shared]
        self.suspects: dict[int, dict[str, None]] = {}
        self.repeated: dict[int, dict[bytes, Rendered]] = {
            id(mapping): {} for mapping in self.shared if mapping.is_alone and stream.volatile is None
        }

    def find_details(self, mapping: RecordMapping, details: Mapping[str, list[Data]]) -> Mapping[str, list[Data]]:
        """The details of a row that its parts are mapped with.

        A shared part must be the same whether its row is mapped or skipped, and a skipped row has no details.
        """
        return details if mapping.is_owned or not self.has_rows else _NO_DETAILS

    def find_keys(self, row: Data, details: Mapping[str, list[Data]]) -> list[int]:
        """The keys by which a record is found when a row it displays changes, and by members of its own row.

        No key is needed to find it by its id.
        """
        found: list[int] = []
        for member, key in self.keys:
            value = row.get(member)
            if type(value) is str:
                found.append(key(value))
            elif type(value) is int:
                found.append(key(str(value)))
            elif value is not None or "." in member:
                found += map(key, list_values(row, member))
        for name, member, key in self.keys_of:
            shown = details.get(name)
            for one in shown if type(shown) is list else ():
                found += map(key, list_values(one, member))
        return list(dict.fromkeys(found)) if len(found) > 1 else found


class _Models(dict[type[Record], ModelRendering]):
    """What rendering the records of one connector takes, by their classes: made for each when it is first needed."""

    def __init__(self, connector: UUID, number: int) -> None:
        super().__init__()
        self._connector = connector
        self._number = number

    def __missing__(self, record: type[Record]) -> ModelRendering:
        found = self[record] = ModelRendering(self._connector, self._number, spec_of(record))
        return found


class Renderer:
    """Renders the rows of one connector."""

    def __init__(self, connector: UUID, number: int) -> None:
        self._connector = connector
        self._number = number
        self._row_ids: dict[str, DerivedIds] = {}
        self._streams: dict[str, _StreamRendering] = {}
        self._models = _Models(connector, number)

    def row_ids(self, stream: Stream, row_id: str) -> Iterator[str]:
        """The ids of the records that a row itself becomes, by its vendor id alone."""
        for mapping in stream.mappings:
            if mapping.is_whole:
                yield self._models[mapping.model].ids.text(row_id)

    def deleted_ids(self, stream: Stream, row: Row) -> list[str]:
        """The ids of the records of a row that the vendor lists as deleted."""
        row_id = find_row_id(stream, row)
        return [
            self._models[mapping.model].ids.text(row_id)
            for mapping in stream.mappings
            if mapping.is_whole and _is_deleted(mapping, row)
        ]

    def seen_id(self, stream: Stream, row_id: str) -> str:
        """The id a complete read stores as seen for a row: that of its record, or one of its own if it becomes none."""
        own = next(self.row_ids(stream, row_id), None)
        if own is not None:
            return own
        if stream.name not in self._row_ids:
            self._row_ids[stream.name] = derive_ids(self._connector, f"row of {stream.name}")
        return self._row_ids[stream.name].text(row_id)

    def seen_ids(self, stream: Stream, row_ids: Iterable[str]) -> list[str]:
        """As `seen_id`, of many."""
        for mapping in stream.mappings:
            if mapping.is_whole:
                return list(map(self._models[mapping.model].ids.text, row_ids))
        return [self.seen_id(stream, row_id) for row_id in row_ids]

    def render_rows(
        self,
        stream: Stream,
        rows: list[Row],
        details: Mapping[str, Mapping[str, list[Data]]],
        row_ids: Sequence[str] | None = None,
    ) -> tuple[list[Rendered], list[Quarantined]]:
        """The records of a page, each once, and the rows that did not map completely.

        A shared part is there once for each row that contains it.

        `details` are the rows' details by row id and name, `row_ids` the ids of the rows, if they are known. Of several
        rows with one id the first wins: lists come newest first.
        """
        rendering = self._get_rendering(stream)
        records: dict[str | tuple[str, str], Rendered] = {}
        quarantined: list[Quarantined] = []
        for place, row in enumerate(rows):
            row_id = find_row_id(stream, row) if row_ids is None else row_ids[place]
            found_details = details.get(row_id, _NO_DETAILS)
            try:
                found = self._render_row(rendering, row, row_id, found_details)
            except Exception as error:  # noqa: BLE001 - whatever a mapping raises over a row costs that row or a part of it
                found, entry = self._render_apart(rendering, row, row_id, found_details, error)
                if entry is not None:
                    quarantined.append(entry)
            for rendered in found:
                records.setdefault((rendered.id, row_id) if rendered.is_shared else rendered.id, rendered)
        return list(records.values()), quarantined

    def owned_key(self, stream: Stream, row_id: str) -> int:
        """The key by which a row's owned parts are found."""
        return self._get_rendering(stream).owned(row_id)

    def _get_rendering(self, stream: Stream) -> _StreamRendering:
        found = self._streams.get(stream.name)
        if found is None or found.stream is not stream:
            found = self._streams[stream.name] = _StreamRendering(self._number, stream)
        return found

    def _render_row(
        self, rendering: _StreamRendering, row: Row, row_id: str, details: Mapping[str, list[Data]]
    ) -> list[Rendered]:
        found = []
        for mapping in rendering.stream.mappings:
            if mapping.is_whole:
                data = row.data
                if mapping.is_deleted is not None and mapping.is_deleted(data):
                    continue
                keys = rendering.find_keys(data, details)
                found.append(self._render(rendering, mapping, Source(data, data, details), row.raw, keys, row_id))
            else:
                owned = [rendering.owned(row_id)] if mapping.is_owned else []
                known = rendering.find_details(mapping, details)
                for at, part in enumerate(mapping.list_parts(row.data, details)):
                    source = mapping.make_source(part, row.data, known, at)
                    found.append(self._render_part(rendering, mapping, source, owned, row_id))
        return found

    def render_shared(self, stream: Stream, row: Row) -> list[Rendered]:
        """Only the shared parts of a row. Raises whatever a mapping raises for them."""
        rendering = self._get_rendering(stream)
        return [
            self._render_part(
                rendering, mapping, mapping.make_source(part, row.data, _NO_DETAILS, at), [], row.row_id or ""
            )
            for mapping in rendering.shared
            for at, part in enumerate(mapping.list_parts(row.data, _NO_DETAILS))
        ]

    def _render_part(
        self, rendering: _StreamRendering, mapping: RecordMapping, source: Source, owned: list[int], row_id: str
    ) -> Rendered:
        raw = _ENCODER.encode(source.row)
        repeated = rendering.repeated.get(id(mapping))
        if repeated is None:
            return self._render(rendering, mapping, source, raw, [*owned], row_id)
        found = repeated.get(raw)
        if found is None:
            found = self._render(rendering, mapping, source, raw, [], row_id)
            if len(repeated) == REMEMBERED:
                repeated.clear()
            if len(raw) <= LARGEST_REPEATED:
                repeated[raw] = found
        return found if found.row_id == row_id else msgspec.structs.replace(found, row_id=row_id)

    def _render(
        self,
        rendering: _StreamRendering,
        mapping: RecordMapping,
        source: Source,
        raw: bytes,
        keys: list[int],
        row_id: str,
    ) -> Rendered:
        record = mapping.make(source)
        model = self._models[type(record)]
        remote_id = record.remote_id
        # What is_id says, without its call: surrogates have no UTF-8, which deriving the id needs.
        if (
            type(remote_id) is not str
            or not 0 < len(remote_id) <= ID_LENGTH
            or "\0" in remote_id
            or remote_id.isspace()
        ):
            raise RecordError(f"a {model.noun} without an id that can be stored")
        model.resolve(record)
        encoded, more = model.encode(record)
        for name, key, is_many in model.filters:
            value = getattr(record, name)
            if not value:
                continue
            if not is_many:
                keys.append(key(value))
            elif len(value) == 1:
                keys.append(key(value[0]))
            else:
                keys += dict.fromkeys(map(key, value))  # two spellings, one key
        custom = None if mapping.custom is None else _ENCODER.encode(mapping.custom(source))
        volatile, parts, ends_at = rendering.volatile, None, None
        if volatile is not None:
            split = split_volatile(volatile.pattern, volatile.find_end, encoded, raw, custom, more)
            encoded, raw, custom, more, parts, ends_at = split
        digest = begin_content()
        digest.update(encoded)
        digest.update(raw)
        beside = _begin_more()
        beside.update(more)
        return Rendered(
            model.ids.text(remote_id), model.number, remote_id, digest.digest() + beside.digest(), keys, encoded[1:-1],
            raw, custom, _find_words(mapping, source.row) if mapping.words else None, volatile is not None, row_id,
            mapping.is_shared, parts, ends_at, more,
        )  # fmt: skip

    def _render_apart(
        self, rendering: _StreamRendering, row: Row, row_id: str, details: Mapping[str, list[Data]], error: Exception
    ) -> tuple[list[Rendered], Quarantined | None]:
        """The records of a row that does not map as it is, each without the parts that cannot be mapped.

        None where a record that the row itself is cannot be made: what it was before stays.
        """
        try:
            apart = _Apart(self._render, rendering, row, row_id, details)
            found = [record for place in range(len(rendering.stream.mappings)) for record in apart.render(place)]
        except Exception as reason:  # noqa: BLE001 - as above
            return [], Quarantined.of_error(row_id, row, error if isinstance(reason, _Unmade) else reason)
        if not apart.left_out:
            return found, None
        return found, Quarantined.of_parts(row_id, row, apart.left_out, apart.hides)


class _Unmade(Exception):
    """The record that a row itself is cannot be made of any part of it."""


class _Apart:
    """One row, rendered record by record, each from as much of the row as maps."""

    def __init__(
        self,
        render: Callable[[_StreamRendering, RecordMapping, Source, bytes, list[int], str], Rendered],
        rendering: _StreamRendering,
        row: Row,
        row_id: str,
        details: Mapping[str, list[Data]],
    ) -> None:
        self.left_out: list[LeftOut] = []
        self.hides: set[int] = set()
        self._render = render
        self._rendering = rendering
        self._row = row
        self._row_id = row_id
        self._details = details
        self._needed = _find_identity(rendering.stream, row)

    def render(self, place: int) -> Iterator[Rendered]:
        """The records of one of the stream's `mappings`. Raises _Unmade where the row itself is one and gives none."""
        mapping, row = self._rendering.stream.mappings[place], self._row
        if mapping.is_whole:
            if _is_deleted(mapping, row):
                return
            source, keys = Source(row.data, row.data, self._details), self._rendering.find_keys(row.data, self._details)
            made = self._complete(place, mapping, source, row.raw, keys, at="")
            if made is None:
                raise _Unmade
            yield made
            return
        spec = spec_of(mapping.model)
        owned = [self._rendering.owned(self._row_id)] if mapping.is_owned else []
        details = self._rendering.find_details(mapping, self._details)
        for number, part in enumerate(self._list_parts(place, mapping, spec)):
            at = self._find_place(mapping, part, number) or f"a {spec.noun}"
            source = mapping.make_source(part, row.data, details, number)
            made = self._complete(place, mapping, source, _ENCODER.encode(part), owned, at=at)
            if made is None:
                self.hides.add(spec.number)
            else:
                yield made

    def _find_place(self, mapping: RecordMapping, part: Any, number: int) -> str | None:
        """The path of a part in the row or, where the parts are those of a detail, in that: it is asked for again."""
        if mapping.of is not None and mapping.split is None:
            return f"{DETAIL}{mapping.of}[{number}]"
        if mapping.of is not None:
            for at, row in enumerate(self._details.get(mapping.of, ())):
                if (path := find_path(row, part)) is not None:
                    return f"{DETAIL}{mapping.of}[{at}].{path}"
        return find_path(self._row.data, part) if isinstance(part, dict | list) else None

    def _list_parts(self, place: int, mapping: RecordMapping, spec: ModelSpec) -> list[Any]:
        row = self._row
        try:
            return list(mapping.list_parts(row.data, self._details))
        except Exception as error:  # noqa: BLE001 - as above
            why = explain_error(error, row.data)
        self.hides.add(spec.number)
        source = Source(row.data, row.data, self._details)
        pruned = self._prune(place, source, lambda some: list(mapping.list_parts(some.row, some.details)), at="")
        if pruned is None:
            self.left_out.append(LeftOut(f"every {spec.noun}", why))
        return pruned or []

    def _complete(
        self, place: int, mapping: RecordMapping, source: Source, raw: bytes, keys: list[int], *, at: str
    ) -> Rendered | None:
        """The record of a source, or of the most of it that maps."""

        def make(some: Source) -> Rendered:
            return self._render(self._rendering, mapping, some, raw, [*keys], self._row_id)

        try:
            return make(source)
        except Exception as error:  # noqa: BLE001 - as above
            why = explain_error(error, source.row)
        made = self._prune(place, source, make, at=at) or self._prune_record(mapping, source, raw, keys)
        if made is None:
            self.left_out.append(LeftOut(at, why))
        return made

    def _prune(self, place: int, source: Source, make: Callable[[Source], T], *, at: str) -> T | None:
        if not isinstance(source.row, dict):
            return None
        suspects = self._rendering.suspects.setdefault(place, {})
        size = len(self._row.raw)
        pruned = prune_source(source, make, needed=self._needed, at=at, size=size, suspects=suspects)
        if pruned is None:
            return None
        suspects |= dict.fromkeys(find_kind(left_out.path) for left_out in pruned.left_out[:SUSPECTED])
        while len(suspects) > SUSPECTED:
            del suspects[next(iter(suspects))]
        self.left_out += pruned.left_out
        return pruned.made

    def _prune_record(self, mapping: RecordMapping, source: Source, raw: bytes, keys: list[int]) -> Rendered | None:
        """The record without those fields that are not as the vocabulary has them, whatever the row."""
        try:
            record = mapping.make(source)
            fields = msgspec.structs.asdict(record)
            noun = spec_of(type(record)).noun
        except Exception:  # noqa: BLE001 - the caller has reported it
            return None

        def make(some: Data) -> Rendered:
            plain = replace(mapping, map=lambda source: type(record)(**some))
            return self._render(self._rendering, plain, source, raw, [*keys], self._row_id)

        pruned = prune_fields(fields, make, needed=("remote_id",), of=noun, size=len(self._row.raw))
        if pruned is None:
            return None
        self.left_out += pruned.left_out
        return pruned.made


def _is_deleted(mapping: RecordMapping, row: Row) -> bool:
    try:
        return mapping.is_deleted is not None and mapping.is_deleted(row.data)
    except Exception:  # noqa: BLE001 - a row that does not say so is not deleted
        return False


def _find_identity(stream: Stream, row: Row) -> frozenset[str]:
    """The members that a row's id is read from."""
    watched = _Watched(row.data)
    if read_row_id(stream, Row(watched, b"")) is None:
        return frozenset()
    return frozenset(watched.read)


class _Watched(dict[str, Any]):
    """A row that notes which of its members are read."""

    def __init__(self, data: Data) -> None:
        super().__init__(data)
        self.read: set[str] = set()

    def __getitem__(self, name: str) -> Any:
        self.read.add(name)
        return super().__getitem__(name)

    def get(self, name: str, default: Any = None) -> Any:
        self.read.add(name)
        return super().get(name, default)


def _find_words(mapping: RecordMapping, row: Data) -> bytes | None:
    """The vendor's own words, by field, as JSON."""
    said = {name: word for name, member in mapping.words.items() if (word := find_member(row, member)) is not None}
    return _ENCODER.encode(said) if said else None


def model_numbers(stream: Stream, *, rows_only: bool = False) -> list[int]:
    """The models a stream's rows become; with `rows_only`, those that are a row and not a part of one."""
    return [spec_of(mapping.model).number for mapping in stream.mappings if mapping.is_whole or not rows_only]


def beside_numbers(stream: Stream) -> set[int]:
    """The models whose records are rows of a detail or a join: those that are not in the stream's own rows."""
    return {spec_of(mapping.model).number for mapping in stream.mappings if mapping.of is not None}
