"""Next links, spoiled: spelt otherwise, leading elsewhere, in circles, or on for ever."""

import zlib
from urllib.parse import urlsplit

from unihire.sandbox.spoiling.reply import Json, OutgoingResponse, Spoiler, Strike

ELSEWHERE = (
    "https://stranger.example.com{path}", "http://127.0.0.1:9{path}", "http://[::1]:1{path}",
    "{origin}@example.com{path}", "//stranger.example.com{path}",
    "http://169.254.169.254{path}", "ftp://{host}{path}", "file:///etc/passwd", "javascript:alert(1)", "data:,{path}",
)  # fmt: skip
BROKEN = (
    "", " ", "#", "?", "http://", "://", "http://[", "{origin}:99999999{path}", "%zz", "<>", "http:{path}",
    "\\\\stranger.example.com", "\x00", "{origin}/\x01{path}",
    "{origin}{path}\r\nX-Injected: yes", "{origin}/é{path}", "{origin} {path}",
)  # fmt: skip
NO_TEXTS: tuple[Json, ...] = (None, 7, True, [], {}, ["{origin}{path}"])


def _split(href: str) -> tuple[str, str, str]:
    """Origin, host with port, and the rest."""
    parts = urlsplit(href)
    origin = f"{parts.scheme}://{parts.netloc}"
    return origin, parts.netloc, href.removeprefix(origin)


def _follow(reply: OutgoingResponse) -> str:
    href = reply.find_next()
    assert href is not None, "asked only where there is a next link"
    return href


def respell(reply: OutgoingResponse, strike: Strike) -> None:
    """The same address, written in another way that RFC 3986 allows."""
    origin, host, rest = _split(_follow(reply))
    scheme = origin.partition(":")[0]
    path, _, query = rest.partition("?")
    forms = [
        rest,
        f"?{query}",
        f"//{host}{rest}",
        f"{scheme.upper()}://{host.upper()}{rest}",
        f"{path}/../{path.rpartition('/')[2]}?{query}",
    ]
    reply.set_next(strike.rng.choice(forms))


def lead_elsewhere(reply: OutgoingResponse, strike: Strike) -> None:
    origin, host, rest = _split(_follow(reply))
    reply.set_next(strike.rng.choice(ELSEWHERE).format(origin=origin, host=host, path=rest))


def break_link(reply: OutgoingResponse, strike: Strike) -> None:
    """Text that is no address; in a body also what is no text."""
    origin, _, rest = _split(_follow(reply))
    broken = list(BROKEN) if reply.kind.next_at is None else [*BROKEN, *NO_TEXTS]
    one = strike.rng.choice(broken)
    reply.set_next(one.format(origin=origin, path=rest) if isinstance(one, str) else one)


def give_huge(reply: OutgoingResponse, strike: Strike) -> None:
    """1 MB in a body, 30,000 characters in a header: what a server still sends."""
    size = 30_000 if reply.kind.next_at is None else 1_000_000
    reply.set_next(f"{_follow(reply)}&{'x' * size}")


def _make_link(reply: OutgoingResponse, cursor: str) -> str:
    request = reply.request
    return f"{request.base_url}{request.path}?{reply.name_cursor()}={cursor}"


def lead_in_circles(reply: OutgoingResponse, strike: Strike) -> None:
    """Back to one of the last pages, by the same link each time."""
    query = reply.memory.find_first_query(reply.request)
    name = f"{zlib.crc32(repr((reply.request.path, query)).encode()):08x}"
    reply.set_next(_make_link(reply, reply.memory.make_alias_cursor(query, name)))


def lead_on(reply: OutgoingResponse, strike: Strike) -> None:
    """The same page once more, by a link that nobody has seen yet: there is no end."""
    reply.set_next(_make_link(reply, reply.memory.make_alias_cursor(tuple(reply.request.query))))


def _has_next(reply: OutgoingResponse) -> bool:
    return reply.document is not None and reply.find_next() is not None


def _is_list(reply: OutgoingResponse) -> bool:
    return reply.stream is not None and reply.rows is not None


LINKS = {
    "spelt-next": Spoiler(
        "the right next link, written otherwise: relative, with capitals, with dots", _has_next, respell
    ),
    "other-next": Spoiler("the next link leads to another origin, scheme or machine", _has_next, lead_elsewhere),
    "broken-next": Spoiler("the next link is no address: empty, cut, with control characters", _has_next, break_link),
    "huge-next": Spoiler("the next link is 1 MB long; in a header 30,000 characters", _has_next, give_huge),
    "circle-next": Spoiler("the next link leads back to one of the last pages", _is_list, lead_in_circles),
    "endless-next": Spoiler("every next link leads to the same page, each time by a new cursor", _is_list, lead_on),
}
