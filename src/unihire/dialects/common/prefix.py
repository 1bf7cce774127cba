"""The path prefix under which a proxy shows the API."""

import ipaddress
import re
from collections.abc import Sequence

from starlette.types import ASGIApp, Receive, Scope, Send

from unihire.settings import Network

HEADER = b"x-forwarded-prefix"

_PREFIX = re.compile(r"(?:/[A-Za-z0-9._~-]+)+")
_LONGEST = 200


class Prefixed:
    """An application behind a prefix, whether or not the proxy takes it off the path before it passes a request on.

    `prefix` is the operator's, and counts alone where there is one. Otherwise it is that of X-Forwarded-Prefix, which
    is accepted from the `trusted` addresses only, and only if it is a path.
    """

    def __init__(self, app: ASGIApp, prefix: str, trusted: Sequence[Network]) -> None:
        self._app = app
        self._prefix = prefix
        self._trusted = trusted

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and (prefix := self._prefix or self._find_forwarded(scope)):
            path: str = scope["path"]
            rest = path.removeprefix(prefix) if path == prefix or path.startswith(prefix + "/") else path
            scope = {**scope, "root_path": prefix, "path": prefix + (rest or "/")}
        await self._app(scope, receive, send)

    def _find_forwarded(self, scope: Scope) -> str:
        if not self._trusted or not _is_among(scope.get("client"), self._trusted):
            return ""
        found = [value for name, value in scope["headers"] if name == HEADER]
        said = found[0].decode("latin-1").rstrip("/") if len(found) == 1 else ""
        return said if is_prefix(said) else ""


def is_prefix(text: str) -> bool:
    """Whether it is a path to put in front of others: `/ats`, `/tools/ats`."""
    parts = text.split("/")
    return len(text) <= _LONGEST and _PREFIX.fullmatch(text) is not None and not {".", ".."} & set(parts)


def _is_among(client: tuple[str, int] | None, trusted: Sequence[Network]) -> bool:
    try:
        address = ipaddress.ip_address("" if client is None else client[0])
    except ValueError:  # a socket of the file system, or nothing
        return False
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return any(address in network for network in trusted)
