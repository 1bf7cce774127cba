"""Which of a vendor's lists a load reads, and the vendor itself as a process: its emulator."""

import dataclasses
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import msgspec

from bench.processes import start_child
from unihire.cli.demo.pasting import pick_credentials
from unihire.integration.declare import Integration
from unihire.integration.registry import get_integration
from unihire.sandbox.runner import Ready


@dataclass(frozen=True, slots=True)
class Lists:
    """The lists of a vendor that are read: the named ones, or without names all that its integration declares."""

    slug: str
    names: tuple[str, ...] = ()

    @property
    def order(self) -> dict[str, Any]:
        """These lists in an order to a child, for `pick_lists`."""
        return {"slug": self.slug, "names": self.names}


HARVEST = Lists("greenhouse")


def pick_lists(order: Mapping[str, Any]) -> Integration:
    """The integration with the streams that the order names, and no others.

    Without names, all, but each list once: pages are recorded by its path.
    """
    integration = get_integration(order["slug"])
    if not order["names"]:
        first = {stream.path: stream for stream in reversed(integration.streams)}
        return dataclasses.replace(
            integration, streams=tuple(stream for stream in integration.streams if first[stream.path] is stream)
        )
    return dataclasses.replace(integration, streams=tuple(integration.get_stream(name) for name in order["names"]))


@dataclass(frozen=True, slots=True)
class Vendor:
    """Where a vendor's API is, an emulator's or that of recorded pages, and what it is asked with."""

    base_url: str
    credentials: Mapping[str, str]
    control_url: str = ""

    @property
    def order(self) -> dict[str, Any]:
        """This vendor in an order to a child."""
        return {"base_url": self.base_url, "credentials": self.credentials}


@asynccontextmanager
async def start_emulator(slug: str, size: int, **options: str) -> AsyncIterator[Vendor]:
    """An emulator of so many candidates, for as long as the block lasts."""
    arguments = [slug, "--json", "--exit-with-parent", "--size", str(size)]
    for name, value in options.items():
        arguments += ["--option", f"{name}={value}"]
    async with start_child("unihire.sandbox", {}, arguments=arguments) as child:
        ready = msgspec.convert(await child.read(), Ready)
        yield Vendor(ready.base_url, pick_credentials(get_integration(slug), ready), ready.control_url)


@asynccontextmanager
async def start_pages(lists: Lists, size: int, **options: str) -> AsyncIterator[tuple[str, dict[str, int]]]:
    """A server of the recorded pages of a made-up company, for as long as the block lasts.

    Yields its origin and how many rows each list has. `options` are those of the emulator that is recorded.
    """
    async with AsyncExitStack() as running:
        async with start_emulator(lists.slug, size, **options) as vendor:
            order = {**lists.order, **vendor.order}
            child = await running.enter_async_context(start_child("bench.vendor_pages", order))
            rows = await child.read()
        ready = await child.read()
        yield f"http://127.0.0.1:{ready['port']}", rows
