"""A page of a vendor's rows, mapped: everything that is to be written of it, row by row."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Self

import msgspec

from unihire.store.feed.position import LATEST
from unihire.store.feed.rendered import Rendered
from unihire.store.joins import Joined
from unihire.store.streams import Noted


class SourceRow(msgspec.Struct, frozen=True, gc=False):
    """A row as the vendor sent it. `owned_key` is the key of its owned parts, None if its stream has no such parts."""

    row_id: str
    raw: bytes
    owned_key: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedPage:
    """A page ready to save."""

    read: int
    """How many rows the page had."""

    rows: list[SourceRow]
    """Rows that were mapped, or failed to map. Rows refused before mapping are in `quarantined` only."""

    records: list[Rendered]

    quarantined: Sequence[Noted] = ()

    details: Sequence[tuple[str, str, str, bytes]] = ()
    """`(name, row id, version, raw)` of each detail to store."""

    joined: Sequence[Joined] | None = ()
    """What is stored of the rows for joins. None: leave stored joined rows and owned parts untouched."""

    listed_deleted: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """By row id, the ids of the records of rows that the vendor lists as deleted."""

    asked_seq: int = LATEST
    """A feed position: what others saved up to it was committed before the vendor was asked for the rows."""

    shown_by_rows: Mapping[tuple[str, bytes], Sequence[str]] = field(default_factory=dict)
    """By (id, fingerprint) of a shared part: the ids of the rows with that version of it, which `records` has once."""

    hashes: Mapping[str, int] = field(default_factory=dict)
    """By row id, the hash of each row that may be skipped when it comes again unchanged."""

    missing_rows: Sequence[SourceRow] = ()
    """Rows the vendor no longer has."""

    delete_ids: Sequence[str] = ()
    """Ids of live records to mark deleted."""

    @property
    def is_empty(self) -> bool:
        """Whether nothing is to be written."""
        return not (self.rows or self.records or self.quarantined or self.missing_rows or self.delete_ids)

    @property
    def unmapped_ids(self) -> set[str]:
        """Ids of rows that could not be mapped at all: the records of their previous versions stay."""
        return {one.row_id for one in self.quarantined if not one.is_served}

    @property
    def row_ids(self) -> list[str]:
        return [row.row_id for row in self.rows]

    @property
    def deleted_ids(self) -> Iterator[str]:
        return (id for ids in self.listed_deleted.values() for id in ids)

    def list_all_ids(self) -> list[str]:
        """The ids of all its rows, each once, in order."""
        return list(dict.fromkeys([*self.row_ids, *(one.row_id for one in self.quarantined)]))

    def find_raw(self, row_id: str) -> bytes:
        """The row as the vendor sent it; empty if that is not known."""
        rows = (row.raw for row in self.rows if row.row_id == row_id)
        return next(rows, None) or next((one.raw for one in self.quarantined if one.row_id == row_id), b"")

    def take(self, row_ids: Collection[str]) -> Self:
        """The page with these rows only. `missing_rows` and `delete_ids`, which belong to no row, are left out."""
        return replace(
            self,
            rows=[row for row in self.rows if row.row_id in row_ids],
            records=[record for record in self.records if record.row_id in row_ids],
            quarantined=[one for one in self.quarantined if one.row_id in row_ids],
            details=[one for one in self.details if one[1] in row_ids],
            joined=None if self.joined is None else [one for one in self.joined if one.row_id in row_ids],
            listed_deleted={row_id: ids for row_id, ids in self.listed_deleted.items() if row_id in row_ids},
            missing_rows=(),
            delete_ids=(),
        )
