"""Rows that do not become all they should: which rows are refused before they are mapped, and what is noted of them."""

from collections.abc import Iterable
from hashlib import blake2b
from typing import Any, Self

import msgspec

from unihire.integration.declare import Stream
from unihire.kit.text import is_id, make_writable
from unihire.outbound.paging import Row
from unihire.sync.pruning import LeftOut, explain_error

ROW_BYTES = 4_000_000
"""Most bytes of a row that is mapped: a text of a million characters has room in it three times."""

RAW_SHOWN = 64_000
"""So many bytes are stored of a row that is refused unmapped."""

LISTED = 20
"""So many parts of a row are named that were left out of its record."""

REASON_LENGTH = 1000

PATH_LENGTH = 200
"""So many characters of where a part is in its row."""

_ENCODER = msgspec.json.Encoder()


class Quarantined(msgspec.Struct, frozen=True, gc=False):
    """A row that does not map, or `is_served` without the parts named in `left_out`.

    `hides` are the models of which the row may have parts that became no records: one that is not met may be among
    them. `raw` is what the vendor sent; of a row that is refused unmapped, its beginning as a JSON text.
    """

    row_id: str
    reason: str
    raw: bytes
    is_served: bool = False
    left_out: tuple[str, ...] = ()
    hides: tuple[int, ...] = ()

    @classmethod
    def refuse(cls, row_id: str, row: Row, fault: str) -> Self:
        """A row that must not be mapped."""
        text = row.raw[:RAW_SHOWN].decode("utf-8", "replace")
        return cls(row_id, make_writable(fault, REASON_LENGTH), _ENCODER.encode(text))

    @classmethod
    def of_error(cls, row_id: str, row: Row, error: Exception) -> Self:
        """A row of which no part maps."""
        return cls(row_id, explain_error(error, row.data), row.raw)

    @classmethod
    def of_parts(cls, row_id: str, row: Row, left_out: Iterable[LeftOut], hides: Iterable[int] = ()) -> Self:
        """A row that is served without some parts."""
        reasons: dict[str, str] = {}
        for path, reason in left_out:  # a member's name is the vendor's, too
            reasons.setdefault(make_writable(path, PATH_LENGTH), reason)
        paths = list(reasons)[:LISTED]
        said = "; ".join(f"{path}: {reasons[path]}" for path in paths)
        if len(reasons) > LISTED:
            said = f"{len(reasons):,} parts, among them {said}"
        return cls(row_id, make_writable(said, REASON_LENGTH), row.raw, True, tuple(paths), tuple(sorted(set(hides))))

    def may_lack(self, path: str) -> bool:
        """Whether the part at this path of the row, or one within it, may be among those left out."""
        is_named = any(one == path or one.startswith((f"{path}[", f"{path}.")) for one in self.left_out)
        return is_named or not self.is_served or len(self.left_out) == LISTED


def merge_quarantined(found: Iterable[Quarantined]) -> list[Quarantined]:
    """One entry a row: what several say of it together."""
    by_id: dict[str, Quarantined] = {}
    for one in found:
        known = by_id.get(one.row_id)
        if known is None or not known.is_served or not one.is_served:
            by_id[one.row_id] = one if known is None or known.is_served else known
            continue
        left_out = tuple(dict.fromkeys((*known.left_out, *one.left_out)))[:LISTED]
        reason = known.reason if one.reason in known.reason else f"{known.reason}; {one.reason}"
        by_id[one.row_id] = Quarantined(
            one.row_id, make_writable(reason, REASON_LENGTH), one.raw, True, left_out,
            tuple(sorted({*known.hides, *one.hides})),
        )  # fmt: skip
    return list(by_id.values())


def read_row_id(stream: Stream, row: Row, head: Any = None) -> str | None:
    """The vendor's id of a row; None where it has none that can be stored.

    `head` has those of the row's members that are decoded already, and raises over every other.
    """
    if row.row_id is not None:
        return row.row_id
    try:
        row_id = stream.id_of(row.data if head is None else head)
    except Exception:  # noqa: BLE001 - whatever it raises, the row has no id to be read
        return None
    if not is_id(row_id):
        return None
    row.row_id = row_id
    return row_id


def find_row_id(stream: Stream, row: Row) -> str:
    """The vendor's id of a row; for a row without one, a substitute for the quarantine."""
    return read_row_id(stream, row) or "?" + blake2b(row.raw, digest_size=8).hexdigest()


def find_fault(row: Row) -> str | None:
    """Why a row must not be mapped, whatever it says: it could not be decoded, or is too large."""
    if row.fault is not None:
        return row.fault
    if len(row.raw) > ROW_BYTES:
        return f"a row of {len(row.raw):,} bytes, where {ROW_BYTES:,} are taken"
    return None
