"""Headers and encodings, spoiled. What no server would send goes past the server (see sending.py)."""

import gzip
import zlib
from functools import lru_cache
from typing import Any

import msgspec

from unihire.sandbox.spoiling.reply import OutgoingResponse, Spoiler, Strike

MEGABYTE = 1_000_000
LARGEST_BOMB = 1000
"""In megabytes, unpacked: what a machine with tests on it survives."""

# A waiting time: none, below none, a year, beyond numbers, beyond time, past, no number though it looks like one.
RETRY_AFTERS = (
    "0", "-1", "31536000", "9" * 400, "1e9", "1.5", "NaN", "", "soon", "\xb2", "0x10", "86400", "3600, 7200",
    "Fri, 31 Dec 9999 23:59:59 GMT", "Mon, 01 Jan 1990 00:00:00 GMT", "Fri, 31 Feb 2027 00:00:00 GMT",
    "Thu, 01 Jan 1970 00:00:00 -9999", "2027-01-01T00:00:00Z", "1803000000",
)  # fmt: skip
RATE_LIMITS = (
    "0", "-1", "-1e308", "1e308", "1e-7", "1e-320", "NaN", "inf", "9" * 400, "", "soon", "\xb2", "1.5", "150;w=30",
    "0.0", "1" + "0" * 18,
)  # fmt: skip
RATE_NAMES = ("x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset", "x-ratelimit-replenish-rate")
DATES = (
    "Fri, 31 Dec 9999 23:59:59 GMT", "Mon, 01 Jan 0001 00:00:00 GMT", "Thu, 01 Jan 1970 00:00:00 GMT", "", "now",
    "Fri, 31 Feb 2027 25:61:61 GMT", "1803000000", "Mon, 01 Jan 2035 00:00:00 GMT", "Mon, 01 Jan 2035 00:00:00 +9999",
)  # fmt: skip
CONTENT_TYPES = (
    "", "text/html", "text/plain", "application/json; charset=utf-16", "application/json; charset=nonsense",
    "application/json; charset", "json", "multipart/mixed; boundary=", "application/xml", ";;;",
    "application/json" * 500,
)  # fmt: skip
ENCODINGS = ("br", "zstd", "compress", "nonsense", "gzip, gzip", "gzip", "deflate", "", ",", "identity, br")
ODD_HEADERS = (
    ("x-odd", "a\x00b"), ("x-odd", "a\x07b"), ("x-odd", "\xff\xfe"), ("x odd", "a"), ("", "a"), ("x-odd", "a\nb"),
    ("x-odd", "x" * 200_000), ("set-cookie", "a=\x01; Domain=.; Max-Age=-1e9"), ("transfer-encoding", "nonsense"),
    ("connection", "close, keep-alive, nonsense"), ("content-range", "bytes 9-1/*"), ("location", "\x01"),
)  # fmt: skip


def mislabel(reply: OutgoingResponse, strike: Strike) -> None:
    reply.answer = msgspec.structs.replace(reply.finish(), content_type="text/html")


def change_type(reply: OutgoingResponse, strike: Strike) -> None:
    reply.answer = msgspec.structs.replace(reply.finish(), content_type=strike.rng.choice(CONTENT_TYPES))


def change_limits(reply: OutgoingResponse, strike: Strike) -> None:
    """Some of the budget's headers; where the vendor sends none, those that are usual."""
    own = [name for name, _ in reply.answer.headers if "ratelimit" in name] or list(RATE_NAMES)
    for name in strike.rng.sample(own, strike.rng.randint(1, len(own))):
        reply.set_header(name, strike.rng.choice(RATE_LIMITS))


def change_date(reply: OutgoingResponse, strike: Strike) -> None:
    reply.set_header("date", strike.rng.choice(DATES))


def add_odd(reply: OutgoingResponse, strike: Strike) -> None:
    """One header that no server should send, or 2,000 that it might."""
    if strike.rng.random() < 0.1:
        for place in range(2000):
            reply.answer = msgspec.structs.replace(
                reply.answer, headers=[*reply.answer.headers, (f"x-many-{place}", "x")]
            )
    else:
        reply.set_header(*strike.rng.choice(ODD_HEADERS))


def encode_oddly(reply: OutgoingResponse, strike: Strike) -> None:
    """Said to be packed in a way that it is not."""
    reply.finish()
    reply.set_header("content-encoding", strike.rng.choice(ENCODINGS))


def break_gzip(reply: OutgoingResponse, strike: Strike) -> None:
    """Packed, and cut, with a wrong checksum, or with something else after it."""
    packed = gzip.compress(reply.finish().body)
    middle = len(packed) // 2
    body = strike.rng.choice(
        (
            packed[:middle],
            packed[:-8] + b"\x00" * 8,
            packed + b"garbage",
            packed[:middle] + b"\xff" + packed[middle + 1 :],
        )
    )
    reply.set_body(body)
    reply.set_header("content-encoding", "gzip")


def give_bomb(reply: OutgoingResponse, strike: Strike) -> None:
    """The right answer after so many megabytes of spaces, packed a thousandfold."""
    body = reply.finish().body
    packed, packer = _pack_spaces(int(min(strike.megabytes, LARGEST_BOMB)))
    packer = packer.copy()
    reply.set_body(packed + packer.compress(body) + packer.flush())
    reply.set_header("content-encoding", "gzip")


@lru_cache(maxsize=2)
def _pack_spaces(megabytes: int) -> tuple[bytes, Any]:
    packer = zlib.compressobj(level=1, wbits=31)
    spaces = b" " * MEGABYTE
    return b"".join(packer.compress(spaces) for _ in range(megabytes)), packer


def _has_body(reply: OutgoingResponse) -> bool:
    return bool(reply.answer.body)


def _always(reply: OutgoingResponse) -> bool:
    return True


HEADERS = {
    "odd-type": Spoiler("the right answer, said to be text/html", _has_body, mislabel),
    "odd-content-type": Spoiler(
        "the right answer with an odd Content-Type: none, another charset, nonsense", _has_body, change_type
    ),
    "odd-rate-limit": Spoiler(
        "the headers of the rate budget are odd: negative, endless, no numbers", _always, change_limits
    ),
    "odd-date": Spoiler("the Date header is odd: the year 9999, 1970, no date", _always, change_date),
    "odd-header": Spoiler("a header with control characters, of 200 KB, or 2,000 headers", _always, add_odd),
    "odd-encoding": Spoiler("a Content-Encoding that the body does not have", _has_body, encode_oddly),
    "broken-gzip": Spoiler(
        "packed by gzip, and cut, wrongly summed, or followed by something else", _has_body, break_gzip
    ),
    "gzip-bomb": Spoiler("packed by gzip, so many `megabytes` unpacked (200 unless given)", _has_body, give_bomb, 200),
}
