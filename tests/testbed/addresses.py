"""Addresses that nothing may connect to, and what shows whether somebody did."""

import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from aiohttp.abc import AbstractResolver, ResolveResult

REFUSED = {
    "0.0.0.0": "no address",
    "0.1.2.3": "no address",
    "10.0.0.1": "private",
    "10.255.255.255": "private",
    "100.64.0.1": "shared by a provider",
    "100.100.100.200": "shared by a provider",
    "127.0.0.1": "this machine",
    "127.1.2.3": "this machine",
    "168.63.129.16": "cloud",
    "169.254.1.1": "a link",
    "169.254.169.254": "a link",
    "172.16.0.1": "private",
    "172.31.255.255": "private",
    "192.0.0.9": "reserved",
    "192.0.0.192": "reserved",
    "192.0.2.1": "examples",
    "192.88.99.1": "relay",
    "192.168.1.1": "private",
    "198.18.0.1": "measurements",
    "198.51.100.1": "examples",
    "203.0.113.1": "examples",
    "224.0.0.1": "multicast",
    "239.255.255.250": "multicast",
    "240.0.0.1": "reserved",
    "255.255.255.255": "everybody",
    "::": "no address",
    "::1": "this machine",
    "::7f00:1": "this machine",
    "::a00:1": "private",
    "::a9fe:a9fe": "a link",
    "::ffff:0.0.0.0": "no address",
    "::ffff:10.0.0.1": "private",
    "::ffff:127.0.0.1": "this machine",
    "::ffff:169.254.169.254": "a link",
    "::ffff:0:127.0.0.1": "reserved",
    "64:ff9b::7f00:1": "translator",
    "64:ff9b::808:808": "translator",
    "64:ff9b:1::a00:1": "translator",
    "100::1": "reserved",
    "2001::1": "Teredo",
    "2001:0:7f00:1::": "Teredo",
    "2001:2::1": "reserved",
    "2001:10::1": "reserved",
    "2001:db8::1": "examples",
    "2002:7f00:1::": "6to4",
    "2002:808:808::": "6to4",
    "3fff::1": "examples",
    "4000::1": "reserved",
    "5f00::1": "reserved",
    "fc00::1": "private",
    "fd00:ec2::254": "private",
    "fe80::1": "a link",
    "fe80::1%2": "a link",
    "fec0::1": "private network of old",
    "ff02::1": "multicast",
    "ff0e::1": "multicast",
}
"""Addresses, and what is said of each."""


class Resolver(AbstractResolver):
    """Answers every name with the next of these answers, the last one for good."""

    def __init__(self, *answers: list[str]) -> None:
        self._answers = list(answers)
        self.asked: list[str] = []

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        self.asked.append(host)
        found = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        return [
            ResolveResult(
                hostname=host, host=address, port=port, proto=0, flags=0,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
            )
            for address in found
        ]  # fmt: skip

    async def close(self) -> None:
        """There is nothing to close."""


class Listener:
    """Listens on every address of this machine; nobody answers."""

    def __init__(self) -> None:
        family = socket.AF_INET6 if socket.has_dualstack_ipv6() else socket.AF_INET
        self._door = socket.create_server(("", 0), family=family, dualstack_ipv6=family == socket.AF_INET6)
        self._door.setblocking(False)
        self.port: int = self._door.getsockname()[1]

    def count_callers(self) -> int:
        """How many have connected; the system lets them without us."""
        callers = 0
        while True:
            try:
                caller, _ = self._door.accept()
            except BlockingIOError:
                return callers
            caller.close()
            callers += 1

    def close(self) -> None:
        self._door.close()


_watching: list[list[Any]] = []
_hooks: list[object] = []


@contextmanager
def watch_connections() -> Iterator[list[Any]]:
    """The addresses that this process asks the system to connect to meanwhile, whether or not anybody is there."""
    if not _hooks:  # one for good: none can be taken away
        _hooks.append(sys.addaudithook(_note))
    connected: list[Any] = []
    _watching.append(connected)
    try:
        yield connected
    finally:
        _watching.remove(connected)


def _note(event: str, given: tuple[Any, ...]) -> None:
    if event == "socket.connect" and given[0].family in (socket.AF_INET, socket.AF_INET6):
        for connected in _watching:
            connected.append(given[1])
