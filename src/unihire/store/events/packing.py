"""Events of a page in few bytes: 17 for each, and what they have in common once.

A packed page is a MessagePack array: the version of this form; the heads, which are the `[kind, model, changed fields]`
that occur; the runs of positions, as first and count in turn; a byte for each event that names its head; 16 bytes for
each that are its record's id; 16 bytes that are the id of the write which caused them, none for what a sync found.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple
from uuid import UUID

import msgspec

from unihire.store.feed.changes import Change, ChangeKind

VERSION = 1

MOST_PACKED = 256
"""Events of one packed page: a byte names the head of each, and the page fits into a row without a second one."""

_encode = msgspec.msgpack.Encoder().encode
_KINDS = tuple(ChangeKind)
_CODES = {kind: code for code, kind in enumerate(_KINDS)}


class _Packed(msgspec.Struct, frozen=True, array_like=True, gc=False):
    version: int
    heads: list[tuple[int, int, tuple[str, ...]]]
    runs: list[int]
    codes: bytes
    ids: bytes
    write: bytes = b""


_decode = msgspec.msgpack.Decoder(_Packed).decode


class Unpacked(NamedTuple):
    """An event as it was packed; `id` is the record's, `write` that of the write which caused it."""

    seq: int
    kind: ChangeKind
    model: int
    id: str
    changed: tuple[str, ...]
    write: UUID | None = None


def pack_changes(changes: Sequence[Change], write: UUID | None = None) -> bytes:
    """`MOST_PACKED` changes at most, in feed order, as `unpack` reads them; `write` caused them."""
    heads: dict[tuple[int, int, tuple[str, ...]], int] = {}
    runs: list[int] = []
    codes = bytearray()
    expected = -1
    for change in changes:
        codes.append(heads.setdefault((_CODES[change.kind], change.model, change.fields), len(heads)))
        if change.seq != expected:
            runs += (change.seq, 0)
            expected = change.seq
        runs[-1] += 1
        expected += 1
    ids = bytes.fromhex("".join([change.id for change in changes]).replace("-", ""))
    cause = () if write is None else (write.bytes,)
    return _encode((VERSION, list(heads), runs, codes, ids, *cause))


ShowChanged = Callable[[ChangeKind, int, tuple[str, ...]], tuple[str, ...] | None]
"""What is shown of the changed fields of events of a kind and model; None: they are passed over."""


def unpack(packed: bytes, after_seq: int = -1, show_changed: ShowChanged | None = None) -> Iterator[Unpacked]:
    """The events of a packed page after a position, in feed order.

    Raises ValueError where the page has another form: a newer program wrote it.
    """
    page = _decode(packed)
    if page.version != VERSION:
        raise ValueError(f"a page of events of version {page.version}, and this program reads {VERSION}")
    heads = [(_KINDS[kind], model, changed) for kind, model, changed in page.heads]
    shown = [changed if show_changed is None else show_changed(kind, model, changed) for kind, model, changed in heads]
    if all(changed is None for changed in shown):
        return
    write = UUID(bytes=page.write) if page.write else None
    place = 0
    for first, count in zip(page.runs[::2], page.runs[1::2], strict=True):
        for seq in range(first, first + count):
            code = page.codes[place]
            if seq > after_seq and (changed := shown[code]) is not None:
                kind, model, _ = heads[code]
                text = page.ids[16 * place : 16 * place + 16].hex()
                id = f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
                yield Unpacked(seq, kind, model, id, changed, write)
            place += 1
