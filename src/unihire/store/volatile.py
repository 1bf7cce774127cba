"""What of a record is no content, such as the signature in a link: stored beside the record, put in where it is read.

`record` has a volatile record without these texts, `record_volatile` the texts and where they belong. A link that is
signed again with each read rewrites one small row there, in place. A record without such a text has none.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

import msgspec

# Beside a record: its volatile texts, where it has some. For a list of columns in a query by one connector, $1, whose
# records are named `record`.
PARTS_COLUMN = (
    ", (SELECT v.parts FROM record_volatile AS v WHERE v.connector = $1 AND v.id = record.id OFFSET 0) AS parts"
)

Gaps = tuple[int, list[int]]
"""A content's length without its texts; then by turns a place in it and the number of the text that belongs there."""


ONE_TEXT = 2
"""So long is the second of these where there is one text: nearly always, so that is done without a loop."""


class Parts(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """A record's volatile texts, each once, and where they belong: in its members, its row, its custom fields and what
    only richer faces show of it; earlier programs know nothing of the last.
    """

    texts: list[bytes]
    members: Gaps | None
    raw: Gaps | None
    custom: Gaps | None
    more: Gaps | None = None


class Split(NamedTuple):
    """A record without its volatile texts; `parts` are these, encoded, None where it has none.

    `ends_at` is when the first of them ends, None where that is not known of all.
    """

    encoded: bytes
    raw: bytes
    custom: bytes | None
    more: bytes
    parts: bytes | None = None
    ends_at: datetime | None = None


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Parts).decode


def split_volatile(
    pattern: re.Pattern[bytes],
    find_end: Callable[[bytes], datetime | None] | None,
    encoded: bytes,
    raw: bytes,
    custom: bytes | None,
    more: bytes,
) -> Split:
    """Take out of a record what `pattern` matches; `encoded` is the JSON object of its members."""
    numbers: dict[bytes, int] = {}
    plain, members = _take_out(pattern, encoded, numbers, shift=-1)
    plain_raw, of_raw = _take_out(pattern, raw, numbers)
    plain_custom, of_custom = (None, None) if custom is None else _take_out(pattern, custom, numbers)
    plain_more, of_more = _take_out(pattern, more, numbers)
    if not numbers:
        return Split(encoded, raw, custom, more)
    texts = list(numbers)
    parts = _encode(Parts(texts, members, of_raw, of_custom, of_more))
    return Split(plain, plain_raw, plain_custom, plain_more, parts, _find_first_end(find_end, texts))


def _take_out(
    pattern: re.Pattern[bytes], content: bytes, numbers: dict[bytes, int], *, shift: int = 0
) -> tuple[bytes, Gaps | None]:
    """The content without what the pattern matches, and where that was; `shift` is added to the places.

    The length is of as much less at each end as `shift` says.
    """
    pieces: list[bytes] = []
    places: list[int] = []
    start = removed = 0
    for match in pattern.finditer(content):
        text = match.group()
        if text:
            pieces.append(content[start : match.start()])
            places += (match.start() - removed + shift, numbers.setdefault(text, len(numbers)))
            start = match.end()
            removed += len(text)
    if not places:
        return content, None
    pieces.append(content[start:])
    return b"".join(pieces), (len(content) - removed + 2 * shift, places)


def _find_first_end(find_end: Callable[[bytes], datetime | None] | None, texts: Iterable[bytes]) -> datetime | None:
    if find_end is None:
        return None
    try:
        ends = [find_end(text) for text in texts]
    except Exception:  # noqa: BLE001 - a text whose end cannot be read names none
        return None
    return min((end for end in ends if end is not None), default=None) if None not in ends else None


def fill_content(content: bytes, gaps: Gaps | None, texts: Sequence[bytes], before: int = 0, after: int = 0) -> bytes:
    """A stored content with its texts put in; so much `before` and `after` it is not of it.

    One of another length is not the one they were taken out of: an earlier program stored it with its own in it.
    """
    if gaps is None or len(content) - before - after != gaps[0]:
        return content
    places = gaps[1]
    if len(places) == ONE_TEXT:
        place = before + places[0]
        return content[:place] + texts[places[1]] + content[place:]
    pieces: list[bytes] = []
    start = 0
    for nth in range(0, len(places), 2):
        place = before + places[nth]
        pieces.append(content[start:place])
        pieces.append(texts[places[nth + 1]])
        start = place
    pieces.append(content[start:])
    return b"".join(pieces)


def read_parts(parts: bytes) -> Parts:
    return _decode(parts)


def fill_raw(raw: bytes, parts: bytes | None) -> bytes:
    """A row as the vendor sent it last, of one that is stored without what is volatile."""
    if parts is None:
        return raw
    read = _decode(parts)
    return fill_content(raw, read.raw, read.texts)
