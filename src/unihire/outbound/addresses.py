"""The address guard: where connections may lead, checked at each socket before it connects.

A name is checked by what it led to for this very connection, so neither a name that leads elsewhere the next time nor
an address written in an odd way passes. A connection that is open is used again without a further check: it leads where
it led.
"""

import errno
import socket
from collections.abc import Iterable
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from unihire.errors import AddressRefused, shorten
from unihire.kit.logs import get_logger

log = get_logger()

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

NAME_LENGTH = 100
"""Characters of a host that an error names."""

_PORTS = {"http": 80, "https": 443}

_OWN = {
    "127.0.0.0/8": "this machine",
    "10.0.0.0/8": "a private network",
    "172.16.0.0/12": "a private network",
    "192.168.0.0/16": "a private network",
    "100.64.0.0/10": "a network shared by a provider's customers",
    "::1/128": "this machine",
    "fc00::/7": "a private network",
}
"""Where people run services of their own; a name that the operator gave at the terminal may lead there."""

_OTHER = {
    "0.0.0.0/8": "no address, which is this machine",
    "169.254.0.0/16": "a link, where clouds answer with credentials",
    "168.63.129.16/32": "a cloud's own service",
    "192.0.0.0/24": "a reserved network",
    "192.0.2.0/24": "a network for examples",
    "192.88.99.0/24": "a relay to IPv6",
    "198.18.0.0/15": "a network for measurements",
    "198.51.100.0/24": "a network for examples",
    "203.0.113.0/24": "a network for examples",
    "224.0.0.0/4": "a multicast group",
    "255.255.255.255/32": "everybody on the network",
    "240.0.0.0/4": "a reserved network",
    "::/128": "no address, which is this machine",
    "64:ff9b::/96": "IPv4 through a translator",
    "64:ff9b:1::/48": "IPv4 through a translator",
    "2001::/32": "IPv4 through Teredo",
    "2001::/23": "a reserved network",
    "2001:db8::/32": "a network for examples",
    "2002::/16": "IPv4 through 6to4",
    "3fff::/20": "a network for examples",
    "fe80::/10": "a link",
    "fec0::/10": "a private network of old",
    "ff00::/8": "a multicast group",
}
"""Where nobody's service is, or not by that address; IANA's registries of special-purpose addresses. First match."""

_NAMED: list[tuple[Network, str]] = [(ip_network(text), words) for text, words in {**_OWN, **_OTHER}.items()]
_OWN_NETWORKS: list[Network] = [ip_network(text) for text in _OWN]
_UNICAST = IPv6Network("2000::/3")
"""All of IPv6 that is assigned; everything else is reserved, or IPv4 in a form that something might translate."""


@dataclass(frozen=True, slots=True)
class AddressPolicy:
    """Where connections may lead besides the public internet: nowhere else, unless this says so.

    `networks` are those the operator allows by setting, for every address wherever it came from. `origins` are hosts
    with their ports that the operator gave at the terminal: a literal address opens itself, a name also opens what of
    this machine and of private networks it leads to, both at that port and when asked for by that host alone.
    """

    networks: tuple[Network, ...] = ()
    origins: frozenset[tuple[str, int]] = frozenset()

    def allow_origin(self, url: str) -> "AddressPolicy":
        """This with the host and port of an address that the operator gave at the terminal."""
        parts = urlsplit(url)
        return replace(self, origins=self.origins | {name_origin(parts.hostname, parts.port or _PORTS[parts.scheme])})

    def find_refusal(self, address: Address, host: str = "", port: int = 0) -> str | None:
        """What the address is that nothing may connect to, in words; None where it may be connected to.

        `host` and `port` are what was asked for.
        """
        plain = _reduce(address)
        if any(one in network for network in self.networks for one in (plain, address)):
            return None
        words = _find_words(plain)
        if words is None or (host, port) not in self.origins:
            return words
        literal = _find_literal(host)
        if literal is not None:
            return None if _reduce(literal) == plain else words
        return None if any(plain in network for network in _OWN_NETWORKS) else words


def name_origin(host: str | None, port: int) -> tuple[str, int]:
    """Host and port as they are compared: lower case, no dot at the end, literals in one form."""
    name = (host or "").lower().rstrip(".")
    literal = _find_literal(name)
    return (name if literal is None else str(literal)), port


def make_connector(policy: AddressPolicy, **options: Any) -> aiohttp.TCPConnector:
    """A connector for a ClientSession whose every connection leads where the policy lets it, or raises AddressRefused.

    One connector serves addresses that are trusted alike, as an open connection is used again. `options` are those of
    aiohttp.TCPConnector. Nothing goes through a proxy: behind one, nobody would see where a connection leads.
    """
    return _GuardedConnector(policy, **options)


@dataclass(slots=True)
class _Attempt:
    """A connection that is being made: what for, and what became of the addresses it led to."""

    host: str
    port: int
    is_open: bool = False
    refused: set[str] = field(default_factory=set)


_ATTEMPT: ContextVar[_Attempt | None] = ContextVar("attempt", default=None)
"""Seen by the sockets of one connection, which may be tried side by side in tasks of their own."""


class _GuardedConnector(aiohttp.TCPConnector):
    def __init__(self, policy: AddressPolicy, **options: Any) -> None:
        super().__init__(**options, socket_factory=self._open_socket)
        self._policy = policy

    async def connect(
        self,
        req: aiohttp.ClientRequest,
        traces: list[Any],
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109 - aiohttp's own method
    ) -> aiohttp.connector.Connection:
        attempt = _Attempt(*name_origin(req.url.raw_host, req.url.port or 0))
        if req.proxy is not None:
            raise AddressRefused(f"{_show(attempt)} is not asked through a proxy: connections are made directly")
        token = _ATTEMPT.set(attempt)
        try:
            return await super().connect(req, traces, timeout)
        except aiohttp.ClientConnectorError as error:
            if attempt.is_open or not attempt.refused:
                raise
            raise AddressRefused(
                f"{_show(attempt)} is not connected to, for it leads to {_join(attempt.refused)}; where that is meant, "
                "the operator allows the network by UNIHIRE_ALLOWED_NETWORKS"
            ) from error
        finally:
            _ATTEMPT.reset(token)

    def _open_socket(self, info: aiohttp.AddrInfoType) -> socket.socket:
        """The socket for one address, which is connected next. Raises PermissionError where it must not be."""
        family, kind, protocol, _, address = info
        attempt = _ATTEMPT.get() or _Attempt("", 0)
        found = _find_literal(address[0])
        words = "no address" if found is None else self._policy.find_refusal(found, attempt.host, attempt.port)
        if words is not None:
            attempt.refused.add(words)
            log.warning("an address was refused", asked=_show(attempt), address=str(address[0]), reason=words)
            raise PermissionError(errno.EACCES, words)
        attempt.is_open = True
        return socket.socket(family, kind, protocol)


def _find_literal(host: str) -> Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None


def _reduce(address: Address) -> Address:
    """The IPv4 address that an IPv6 one is only another way to write: mapped, or compatible; else the address itself.

    Without the zone of a link (RFC 4007).
    """
    if isinstance(address, IPv4Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    number = int(address)
    return IPv4Address(number) if 1 < number < 1 << 32 else IPv6Address(number)


def _find_words(address: Address) -> str | None:
    for network, words in _NAMED:
        if address in network:
            return words
    is_given_out = isinstance(address, IPv4Address) or address in _UNICAST
    return None if is_given_out and address.is_global else "a reserved network"


def _show(attempt: _Attempt) -> str:
    host = shorten(attempt.host, NAME_LENGTH)
    return f"[{host}]:{attempt.port}" if ":" in host else f"{host}:{attempt.port}"


def _join(words: Iterable[str]) -> str:
    return " and ".join(sorted(words))
