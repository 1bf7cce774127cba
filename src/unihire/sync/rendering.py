"""Rows to answers: each row mapped, its relations turned into our ids, its JSON written once."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from hashlib import blake2b
from typing import Self, TypeVar
from uuid import UUID

import msgspec

from unihire.errors import RecordError
from unihire.integration.declare import Data, Maps, Source, Stream, find_member, list_values
from unihire.kit.ids import DerivedIds
from unihire.model import MODELS, FieldSpec, ModelSpec, Record, spec_of
from unihire.outbound.paging import Row
from unihire.store.keys import FilterKeys, JoinKeys, derive_ids, name_member
from unihire.store.saving import Rendered

T = TypeVar("T")

_ENCODER = msgspec.json.Encoder()
_NO_DETAILS: Mapping[str, list[Data]] = {}
MISFITS = (LookupError, TypeError, ValueError, AttributeError, StopIteration, RecordError)
"""What a mapping raises over a row that is not as documented (msgspec's errors are ValueErrors)."""

NUMEROUS = {"application", "attachment", "candidate"}
"""Models of which a company has too many for the same one to be referred to again soon."""

REMEMBERED = 500
"""Texts of one kind whose ids or keys are remembered: a few hundred kB at most for all that a stream has."""

OWNED = "part of"
"""Stands for the name of a join in the keys of owned parts."""


@dataclass(frozen=True, slots=True)
class Misfit:
    """A row that would not map."""

    row_id: str
    reason: str
    raw: bytes

    @classmethod
    def of(cls, row_id: str, row: Row, error: Exception) -> Self:
        return cls(row_id, f"{type(error).__name__}: {error}", row.raw)


def _remember(make: Callable[[str], T]) -> Callable[[str], T]:
    """The same function with a memory for the latest texts; what is no text is `make`'s to refuse."""
    known: dict[str, T] = {}

    def find_or_make(text: str) -> T:
        found = known.get(text) if type(text) is str else None
        if found is None:
            found = make(text)
            if len(known) == REMEMBERED:
                known.clear()
            known[text] = found
        return found

    return find_or_make


class _ModelRendering:
    """What rendering a record of one model takes, worked out once."""

    def __init__(self, connector: UUID, number: int, spec: ModelSpec) -> None:
        self.number = spec.number
        self.noun = spec.noun
        self.ids = derive_ids(connector, spec.name)
        self.relations: list[tuple[str, Callable[[str], str], bool]] = []
        for field in spec.relations:
            assert field.to is not None
            derive = derive_ids(connector, field.to).text
            self.relations.append((field.name, _remember(derive) if _recurs(field) else derive, field.type == "array"))
        self.filters: list[tuple[str, Callable[[str], int], bool]] = []
        for field in spec.filters:
            hashed = FilterKeys(number, spec.number, field)
            self.filters.append((field.name, _remember(hashed.key) if _recurs(field) else hashed.key, hashed.many))
        self.check = msgspec.json.Decoder(spec.record).decode


def _recurs(field: FieldSpec) -> bool:
    """Whether many records have the same there: the same job, the same name."""
    return field.to not in NUMEROUS if field.to else field.type == "string"


class _StreamRendering:
    """What rendering the rows of one stream takes, worked out once."""

    def __init__(self, number: int, stream: Stream) -> None:
        self.stream = stream
        self.is_volatile = stream.volatile is not None
        self.strip = partial(stream.volatile.sub, b"") if stream.volatile else None
        self.keys: list[tuple[str, Callable[[str], int]]] = []
        for join in stream.joins:
            if join.key:
                self.keys.append((join.key, _remember(JoinKeys(number, stream.name, join.name).key)))
        for member in stream.found_by:
            self.keys.append((member, JoinKeys(number, stream.name, name_member(member)).key))
        self.owned = JoinKeys(number, stream.name, OWNED).key

    def find_keys(self, row: Data) -> list[int]:
        """The keys by which a record is found: when a row it shows changes, and by members of its own row.

        By its id it is found without.
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
        return list(dict.fromkeys(found)) if len(found) > 1 else found


class Renderer:
    """Renders the rows of one connector."""

    def __init__(self, connector: UUID, number: int) -> None:
        self._connector = connector
        self._number = number
        self._row_ids: dict[str, DerivedIds] = {}
        self._streams: dict[str, _StreamRendering] = {}
        self._models: Mapping[type[Record], _ModelRendering] = {
            spec.record: _ModelRendering(connector, number, spec) for spec in MODELS.values()
        }

    def row_ids(self, stream: Stream, row_id: str) -> Iterator[str]:
        """The ids of the records that a row itself becomes, by its vendor id alone."""
        for maps in stream.maps:
            if maps.each is None:
                yield self._models[maps.model].ids.text(row_id)

    def seen_id(self, stream: Stream, row_id: str) -> str:
        """What a complete read notes a row as: the id of its record; for a row that becomes none, one of its own."""
        own = next(self.row_ids(stream, row_id), None)
        if own is not None:
            return own
        if stream.name not in self._row_ids:
            self._row_ids[stream.name] = derive_ids(self._connector, f"row of {stream.name}")
        return self._row_ids[stream.name].text(row_id)

    def render_rows(
        self, stream: Stream, rows: list[Row], details: Mapping[str, Mapping[str, list[Data]]]
    ) -> tuple[list[Rendered], list[Misfit]]:
        """The records of a page, each once, and the rows that would not map.

        `details` are the rows' details by row id and name. Of a record that several rows tell, the first wins: lists
        come newest first.
        """
        rendering = self._get_rendering(stream)
        records: dict[str, Rendered] = {}
        misfits: list[Misfit] = []
        for row in rows:
            told = details.get(find_row_id(stream, row), _NO_DETAILS) if details else _NO_DETAILS
            try:
                found = self._render_row(rendering, row, told)
            except MISFITS as error:
                misfits.append(Misfit.of(find_row_id(stream, row), row, error))
                continue
            for rendered in found:
                records.setdefault(rendered.id, rendered)
        return list(records.values()), misfits

    def owned_keys(self, stream: Stream, row_ids: Iterable[str]) -> list[int]:
        """The keys by which the parts that these rows alone have are found."""
        return list(map(self._get_rendering(stream).owned, row_ids))

    def _get_rendering(self, stream: Stream) -> _StreamRendering:
        found = self._streams.get(stream.name)
        if found is None or found.stream is not stream:
            found = self._streams[stream.name] = _StreamRendering(self._number, stream)
        return found

    def _render_row(self, rendering: _StreamRendering, row: Row, details: Mapping[str, list[Data]]) -> list[Rendered]:
        found = []
        for maps in rendering.stream.maps:
            if maps.each is None:
                source = Source(row.data, row.data, details)
                found.append(self._render(rendering, maps, source, row.raw, rendering.find_keys(row.data)))
            else:
                owned = [rendering.owned(find_row_id(rendering.stream, row))] if maps.is_owned else []
                for part in maps.each(row.data):
                    source = Source(part, row.data, details)
                    found.append(self._render(rendering, maps, source, _ENCODER.encode(part), [*owned]))
        return found

    def _render(self, rendering: _StreamRendering, maps: Maps, source: Source, raw: bytes, keys: list[int]) -> Rendered:
        record = maps.to(source)
        model = self._models[type(record)]
        remote_id = record.remote_id
        if not isinstance(remote_id, str) or not remote_id:
            raise RecordError(f"a {model.noun} without an id")
        for name, derive, is_many in model.relations:
            value = getattr(record, name)
            if value is not None:
                setattr(record, name, list(map(derive, value)) if is_many else derive(value))
        encoded = _ENCODER.encode(record)
        model.check(encoded)  # a value of another type than the model's would reach the reader
        for name, key, is_many in model.filters:
            value = getattr(record, name)
            if value is None:
                continue
            if is_many:
                keys += dict.fromkeys(map(key, value))  # two spellings, one key
            else:
                keys.append(key(value))
        strip = rendering.strip
        digest = blake2b(encoded if strip is None else strip(encoded), digest_size=16)
        digest.update(raw if strip is None else strip(raw))
        return Rendered(
            model.ids.text(remote_id), model.number, remote_id, digest.digest(), keys, encoded[1:-1], raw,
            None if maps.custom is None else _ENCODER.encode(maps.custom(source)),
            _find_words(maps, source.row) if maps.words else None,
            rendering.is_volatile,
        )  # fmt: skip


def _find_words(maps: Maps, row: Data) -> bytes | None:
    """The vendor's own words, by field, as JSON."""
    said = {name: word for name, member in maps.words.items() if (word := find_member(row, member)) is not None}
    return _ENCODER.encode(said) if said else None


def find_row_id(stream: Stream, row: Row) -> str:
    """The vendor's id of a row; for a row without one, something that stands for it while it is set aside."""
    try:
        row_id = stream.id_of(row.data)
        if isinstance(row_id, str) and row_id:
            return row_id
    except MISFITS:
        pass
    return "?" + blake2b(row.raw, digest_size=8).hexdigest()


def model_numbers(stream: Stream, *, rows_only: bool = False) -> list[int]:
    """The models a stream's rows become; with `rows_only`, those that are a row and not a part of one."""
    return [spec_of(maps.model).number for maps in stream.maps if maps.each is None or not rows_only]
