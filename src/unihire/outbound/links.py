"""Links to a next page: resolved as RFC 3986 says, and followed to where the page itself came from, nowhere else."""

import re
from collections.abc import Mapping
from urllib.parse import SplitResult, quote, urljoin, urlsplit

LINK_LENGTH = 8_000
"""Characters of the longest link that is followed: servers take no longer one in a request."""

NAME_LENGTH = 100
"""Characters of another host that an error names."""

_PORTS = {"http": 80, "https": 443}
_ODD = re.compile(r"[\x00-\x1f\x7f-\x9f\\]|^ *(?:[\w+.-]+:)?///")
"""Control characters, backslashes, and a host of no letters: what programs read in different ways."""

_PLAIN = re.compile(r"[!#-;=?-\[\]_a-z~]*+")
_UNQUOTED = ":/?#[]@!$&'()*+,;=%"
"""What has a meaning in an address, and is not encoded."""

_LINK = re.compile(r'<([^<>]*+)>((?:\s*+;\s*+[\w*-]++\s*+=\s*+(?:"[^"]*+"|[^",;\s]*+))*+)')
_PARAMETER = re.compile(r';\s*+([\w*-]++)\s*+=\s*+(?:"([^"]*+)"|([^",;\s]*+))')


class Unfollowed(ValueError):
    """The link leads to nowhere that is followed; the message says why, and has no query in it."""


def follow(link: str, *, origin: str, asked: str) -> str:
    """The path with query that `link` leads to, in the answer to `asked` (path with query) at `origin`.

    To follow one to another origin would hand our token to a stranger. Origins are compared as RFC 6454 says: without
    regard to the letter case of a host, and to whether a scheme's own port is named. Raises Unfollowed.
    """
    if len(link) > LINK_LENGTH:
        raise Unfollowed(f"has {len(link):,} characters, more than {LINK_LENGTH:,}")
    if _ODD.search(link):
        raise Unfollowed("is written as no address is")
    try:
        written = link if _PLAIN.fullmatch(link) else quote(link.strip(" "), safe=_UNQUOTED)
        found = urlsplit(urljoin(origin + asked, written))
        there, here = _find_origin(found), _find_origin(urlsplit(origin))
    except Unfollowed:
        raise
    except ValueError:
        raise Unfollowed("is not an address") from None
    if there != here:
        raise Unfollowed(f"leads to another address ({(found.hostname or found.scheme)[:NAME_LENGTH]})")
    if len(following := (found.path or "/") + (f"?{found.query}" if found.query else "")) > LINK_LENGTH:
        raise Unfollowed(f"has more than {LINK_LENGTH:,} characters")
    return following


def _find_origin(parts: SplitResult) -> tuple[str, str | None, int | None]:
    if "@" in parts.netloc:
        raise Unfollowed("contains a user's name, which no link of a vendor does")
    return parts.scheme, parts.hostname, _PORTS.get(parts.scheme) if parts.port is None else parts.port


def find_next_link(headers: Mapping[str, str]) -> str | None:
    """The link with the relation `next` in the Link headers (RFC 8288), which may be several."""
    get_all = getattr(headers, "getall", None)
    said = headers.get("Link", "") if get_all is None else ", ".join(get_all("Link", ()))
    for link in _LINK.finditer(said):
        rels = (quoted or bare for name, quoted, bare in _PARAMETER.findall(link[2]) if name.lower() == "rel")
        if "next" in next(rels, "").lower().split():  # the first rel counts; RFC 8288, 3.3
            return link[1]
    return None
