"""What a page of a vendor's rows became: everything that is to be written of it, row by row."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Self

import msgspec

from unihire.store.feed.position import LATEST
from unihire.store.feed.saving import Rendered
from unihire.store.joins import Joined
from unihire.store.streams import Noted


class SourceRow(msgspec.Struct, frozen=True, gc=False):
    """A row as the vendor sent it, and the key by which the parts that it alone has are found, where it has some."""

    row_id: str
    raw: bytes
    owned_key: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedPage:
    """A page ready to save.

    `rows` are those that were mapped, or tried to be; rows that are refused before are among the `quarantined` alone,
    and `read` counts both. `details` are `(name, row id, version, raw)`. `deleted` are the records that rows were which
    the vendor lists as deleted, by row id. `gone` are rows the vendor no longer has, `buried` living records to mark
    deleted. `joined` None: what others show of the rows stays, as do parts they no longer have.
    `asked` is a position in the feed before which the vendor was asked for the rows. `shown_by_rows` are the ids of the
    rows that show a shared part alike, by its id and fingerprint: the part is in `records` once for all of them.
    `hashes` are those of rows, by their ids, of which nothing but what is written of them here is to be stored; of the
    others none is.
    """

    read: int
    rows: list[SourceRow]
    records: list[Rendered]
    quarantined: Sequence[Noted] = ()
    details: Sequence[tuple[str, str, str, bytes]] = ()
    joined: Sequence[Joined] | None = ()
    deleted: Mapping[str, Sequence[str]] = field(default_factory=dict)
    asked: int = LATEST
    shown_by_rows: Mapping[tuple[str, bytes], Sequence[str]] = field(default_factory=dict)
    hashes: Mapping[str, int] = field(default_factory=dict)
    gone: Sequence[SourceRow] = ()
    buried: Sequence[str] = ()

    @property
    def is_empty(self) -> bool:
        """Whether nothing is to be written of it."""
        return not (self.rows or self.records or self.quarantined or self.gone or self.buried)

    @property
    def unserved(self) -> set[str]:
        """The ids of the rows that became nothing: what they were before stays."""
        return {one.row_id for one in self.quarantined if not one.is_served}

    @property
    def row_ids(self) -> list[str]:
        return [row.row_id for row in self.rows]

    @property
    def deleted_ids(self) -> Iterator[str]:
        return (id for ids in self.deleted.values() for id in ids)

    def list_all_ids(self) -> list[str]:
        """The ids of all its rows, each once, in order."""
        return list(dict.fromkeys([*self.row_ids, *(one.row_id for one in self.quarantined)]))

    def find_raw(self, row_id: str) -> bytes:
        """What the vendor sent as a row; nothing where that is not known."""
        rows = (row.raw for row in self.rows if row.row_id == row_id)
        return next(rows, None) or next((one.raw for one in self.quarantined if one.row_id == row_id), b"")

    def take(self, row_ids: Collection[str]) -> Self:
        """What is to be written of some of its rows. What concerns none of them is left out."""
        return replace(
            self,
            rows=[row for row in self.rows if row.row_id in row_ids],
            records=[record for record in self.records if record.row_id in row_ids],
            quarantined=[one for one in self.quarantined if one.row_id in row_ids],
            details=[one for one in self.details if one[1] in row_ids],
            joined=None if self.joined is None else [one for one in self.joined if one.row_id in row_ids],
            deleted={row_id: ids for row_id, ids in self.deleted.items() if row_id in row_ids},
            gone=(),
            buried=(),
        )
