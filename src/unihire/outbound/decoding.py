"""JSON that a vendor sent: decoded as a whole where it is good, in parts where something in it cannot be decoded.

Whatever decodes a vendor's bytes does it by `decode` or `decode_objects`: what is no UTF-8, nested without end or a
number of a thousand digits is Undecodable there, and nothing else is raised.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

import msgspec

from unihire.kit.nesting import is_deep

T = TypeVar("T")

ANYTHING = msgspec.json.Decoder(Any)
OBJECT = msgspec.json.Decoder(dict[str, Any])
MEMBERS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_OBJECTS = msgspec.json.Decoder(list[dict[str, Any]])
_ITEMS = msgspec.json.Decoder(list[msgspec.Raw])
_TEXT = msgspec.json.Decoder(str)
_SYNTAX = msgspec.json.Decoder(msgspec.Raw)

MOST_BYTES, MOST_TOKENS = 16 << 20, 1_000_000
"""Of a larger text, or one of more tokens, the good parts are not sought: at most a second is spent on it."""

BYTES_A_VALUE = 32
"""An answer may have one value for so many of the bytes that an answer may have: each takes up to 200 bytes of memory
when it is decoded, where three may have been sent for it."""

_SPACE = b" \t\n\r"
_TOKEN = re.compile(rb'"(?:[^"\\]++|\\.)*+"|["\[\]{},]', re.DOTALL)
_MEMBER = re.compile(rb'[ \t\n\r]*+("(?:[^"\\]++|\\.)*+")[ \t\n\r]*+:(.*)', re.DOTALL)

# Surrogates as escapes, pairs first: what is left over of them is half a character, cut off by a system that counts
# UTF-16 units. It is JSON to its grammar and text to nobody.
_HALF_PAIR = re.compile(
    rb"(?<!\\)((?:\\\\)*+)\\u(?:[dD][89abAB]XX\\u[dD][c-fC-F]XX|([dD][89a-fA-F]XX))".replace(b"XX", b"[0-9a-fA-F]{2}")
)


class Undecodable(ValueError):
    """These bytes are no JSON that could be decoded; the message says why, and nothing of their content."""


def decode(raw: bytes | msgspec.Raw, decoder: msgspec.json.Decoder[T]) -> T:
    """Raises Undecodable, whatever is wrong; a value that stays a msgspec.Raw may be nested as deep as it likes."""
    if decoder is not MEMBERS and is_deep(bytes(raw)):
        raise Undecodable("nested too deeply")
    return _decode(raw, decoder)


def decode_objects(items: Sequence[bytes]) -> list[dict[str, Any]]:
    """Objects, decoded at once. Raises Undecodable where one of them cannot be decoded."""
    if any(map(is_deep, items)):
        raise Undecodable("nested too deeply")
    objects = _decode(b"[%b]" % b",".join(items), _OBJECTS)
    if len(objects) != len(items):
        raise Undecodable("not JSON")
    return objects


def read_members(items: Sequence[bytes], decoder: msgspec.json.Decoder[list[T]]) -> list[T]:
    """Of each object what the decoder reads, which skips the rest of it. Raises as `decode_objects`."""
    found = _decode(b"[%b]" % b",".join(items), decoder)
    if len(found) != len(items):
        raise Undecodable("not JSON")
    return found


def split_items(raw: bytes | msgspec.Raw) -> list[bytes]:
    """As `split_array`, and faster where all of it is JSON."""
    try:
        return [bytes(item) for item in _decode(raw, _ITEMS)]
    except Undecodable:
        return split_array(bytes(raw))


def _decode(raw: bytes | msgspec.Raw, decoder: msgspec.json.Decoder[T]) -> T:
    try:
        return decoder.decode(raw)
    except (ValueError, RecursionError) as error:
        raise Undecodable(_name_fault(error)) from None


def _name_fault(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "nested too deeply"
    if isinstance(error, UnicodeError):
        return "not UTF-8"
    if isinstance(error, msgspec.ValidationError):
        return "a number out of range" if "out of range" in str(error) else "not a JSON object"
    return "not JSON"


def find_json(body: bytes) -> bytes | None:
    """The body where it is JSON, or was but for halves of surrogate pairs, which are U+FFFD then; None for any other.

    One is taken for JSON, too, that is not cut short and has parts that cannot be decoded: `decode` finds them.
    """
    if is_json(body):
        return body
    if len(body) > MOST_BYTES or body.count(b"\\ud") + body.count(b"\\uD") > MOST_TOKENS // 4:
        return None
    repaired = _HALF_PAIR.sub(lambda found: found[1] + rb"\ufffd" if found[2] else found[0], body)
    return repaired if is_json(repaired) or _is_whole(repaired) else None


def has_more_values(body: bytes, most: int) -> bool:
    """By the commas and brackets in it, those in its texts included."""
    return len(body) > most and body.count(b",") + body.count(b"{") + body.count(b"[") > most


def is_json(body: bytes) -> bool:
    """By its syntax; what its texts and numbers are is not looked at."""
    try:
        _SYNTAX.decode(body)
    except (ValueError, RecursionError):
        return False
    return True


def split_array(raw: bytes) -> list[bytes]:
    """The items of an array, each as sent. Raises Undecodable where there is no telling where they end."""
    items = [raw[start:end].strip(_SPACE) for start, end in _find_parts(raw, b"[")]
    if not all(items):
        raise Undecodable("not JSON")
    return items


def split_object(raw: bytes) -> dict[str, bytes]:
    """The members of an object, each as sent, without those whose name cannot be decoded. Raises as `split_array`."""
    members = {}
    for start, end in _find_parts(raw, b"{"):
        member = _MEMBER.fullmatch(raw, start, end)
        if member is not None:
            try:
                members[decode(member[1], _TEXT)] = member[2].strip(_SPACE)
            except Undecodable:
                continue
    return members


def _is_whole(body: bytes) -> bool:
    """Whether it is one array or object to its end, whatever it contains."""
    try:
        for _ in _find_parts(body, body.lstrip(_SPACE)[:1]):
            pass
    except Undecodable:
        return False
    return True


def _find_parts(raw: bytes, opening: bytes) -> Iterator[tuple[int, int]]:
    """Where the parts between the outermost commas begin and end; none in an empty array or object.

    Only quotes, brackets and commas are looked at, at any depth and without a stack.
    """
    closing = {b"[": b"]", b"{": b"}"}.get(opening)
    if closing is None or not raw.lstrip(_SPACE).startswith(opening) or len(raw) > MOST_BYTES:
        raise Undecodable("not JSON")
    depth = start = parts = 0
    for number, token in enumerate(_TOKEN.finditer(raw)):
        word = token[0]
        if number == MOST_TOKENS or word == b'"':  # a text without an end
            break
        if word in b"[{":
            depth += 1
            if depth == 1:
                start = token.end()
        elif word in b"]}":
            depth -= 1
            if depth == 0:
                if parts or raw[start : token.start()].strip(_SPACE):
                    yield start, token.start()
                if word == closing and not raw[token.end() :].strip(_SPACE):
                    return
                break
        elif word == b"," and depth == 1:
            parts += 1
            yield start, token.start()
            start = token.end()
    raise Undecodable("not JSON")
