"""Rows to answers: each row mapped, its relations turned into our ids, its JSON written once."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Self
from uuid import UUID

import msgspec

from unihire.errors import RecordError
from unihire.integration.declare import Data, Maps, Source, Stream, find_member, list_values
from unihire.kit.ids import DerivedIds
from unihire.model import MODELS, ModelSpec, Record, spec_of
from unihire.outbound.paging import Row
from unihire.store.keys import FilterKeys, JoinKeys, derive_ids, name_member
from unihire.store.saving import Rendered

_ENCODER = msgspec.json.Encoder()
_NO_DETAILS: Mapping[str, list[Data]] = {}
MISFITS = (LookupError, TypeError, ValueError, AttributeError, StopIteration, RecordError)
"""What a mapping raises over a row that is not as documented (msgspec's errors are ValueErrors)."""

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


class _ModelRendering:
    """What rendering a record of one model takes, worked out once."""

    def __init__(self, connector: UUID, number: int, spec: ModelSpec) -> None:
        self.number = spec.number
        self.noun = spec.noun
        self.ids = derive_ids(connector, spec.name)
        self.relations: list[tuple[str, Callable[[str], str], bool]] = [
            (field.name, derive_ids(connector, field.to).text, field.type == "array")
            for field in spec.relations
            if field.to
        ]
        self.filters = [FilterKeys(number, spec.number, field) for field in spec.filters]
        self.decoder = msgspec.json.Decoder(spec.record)


class Renderer:
    """Renders the rows of one connector."""

    def __init__(self, connector: UUID, number: int) -> None:
        self._connector = connector
        self._number = number
        self._row_ids: dict[str, DerivedIds] = {}
        self._keys: dict[str, list[tuple[str, JoinKeys]]] = {}
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
        records: dict[str, Rendered] = {}
        misfits: list[Misfit] = []
        for row in rows:
            row_id = find_row_id(stream, row)
            try:
                found = self._render_row(stream, row, details.get(row_id, _NO_DETAILS))
            except MISFITS as error:
                misfits.append(Misfit.of(row_id, row, error))
                continue
            for rendered in found:
                records.setdefault(rendered.id, rendered)
        return list(records.values()), misfits

    def _render_row(self, stream: Stream, row: Row, details: Mapping[str, list[Data]]) -> list[Rendered]:
        found = []
        for maps in stream.maps:
            if maps.each is None:
                source = Source(row.data, row.data, details)
                found.append(self._render(stream, maps, source, row.raw, self._find_keys(stream, row)))
            else:
                owned = self.owned_keys(stream, [find_row_id(stream, row)]) if maps.is_owned else []
                for part in maps.each(row.data):
                    source = Source(part, row.data, details)
                    found.append(self._render(stream, maps, source, _ENCODER.encode(part), [*owned]))
        return found

    def owned_keys(self, stream: Stream, row_ids: Iterable[str]) -> list[int]:
        """The keys by which the parts that these rows alone have are found."""
        hashed = JoinKeys(self._number, stream.name, OWNED)
        return [hashed.key(row_id) for row_id in row_ids]

    def _find_keys(self, stream: Stream, row: Row) -> list[int]:
        """The keys by which a record is found: when a row it shows changes, and by members of its own row.

        By its id it is found without.
        """
        hashed = self._keys.get(stream.name)
        if hashed is None:
            named = [(join.key, join.name) for join in stream.joins if join.key]
            named += [(member, name_member(member)) for member in stream.found_by]
            hashed = self._keys[stream.name] = [
                (member, JoinKeys(self._number, stream.name, name)) for member, name in named
            ]
        if not hashed:
            return []
        found = [keys.key(value) for member, keys in hashed for value in list_values(row.data, member)]
        return list(dict.fromkeys(found))

    def _render(self, stream: Stream, maps: Maps, source: Source, raw: bytes, keys: list[int]) -> Rendered:
        record = maps.to(source)
        rendering = self._models[type(record)]
        remote_id = record.remote_id
        if not isinstance(remote_id, str) or not remote_id:
            raise RecordError(f"a {rendering.noun} without an id")
        for name, derive, is_many in rendering.relations:
            value = getattr(record, name)
            if value is not None:
                setattr(record, name, [derive(one) for one in value] if is_many else derive(value))
        encoded = _ENCODER.encode(record)
        # A value of another type than the model's would reach the reader; this refuses it.
        rendering.decoder.decode(encoded)
        for hashed in rendering.filters:
            value = getattr(record, hashed.attribute)
            if value is None:
                continue
            if hashed.many:
                keys += dict.fromkeys(map(hashed.key, value))  # two spellings, one key
            else:
                keys.append(hashed.key(value))
        steady = stream.volatile
        digest = blake2b(steady.sub(b"", encoded) if steady else encoded, digest_size=16)
        digest.update(steady.sub(b"", raw) if steady else raw)
        return Rendered(
            rendering.ids.text(remote_id), rendering.number, remote_id, digest.digest(), keys, encoded[1:-1], raw,
            None if maps.custom is None else _ENCODER.encode(maps.custom(source)),
            _find_words(maps, source.row) if maps.words else None,
            steady is not None,
        )  # fmt: skip


def _find_words(maps: Maps, row: Data) -> bytes | None:
    """The vendor's own words, by field, as JSON."""
    words = {name: find_member(row, member) for name, member in maps.words.items()}
    said = {name: word for name, word in words.items() if word is not None}
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
