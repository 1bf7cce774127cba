"""Faults let loose on a vendor's lists, and runs until the truth is served: the same over every emulator."""

from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Protocol

import httpx

from testbed.databases import Databases
from testbed.harvest_link import BEHIND, link_harvest
from testbed.personio import Json, check_same
from testbed.personio_link import link_personio
from testbed.tenants import Tenant
from unihire.errors import RetryLater
from unihire.integration.declare import Integration
from unihire.kit.clock import MovableClock
from unihire.kit.seal import Sealer
from unihire.outbound.client import Retry
from unihire.outbound.paging import LinkHeader, NextLink
from unihire.sync.run import Report

Records = dict[str, dict[str, Json]]
Rule = dict[str, Any]

PERSISTENT = Retry(attempts=20, first=0.001, longest=0.01, timeout=30)
"""Waits for an answer however busy the machine is: a fault that has struck is seen."""
HASTY = replace(PERSISTENT, timeout=0.3)
SOON_TIRED = replace(PERSISTENT, attempts=2)
HASTY_AND_SOON_TIRED = replace(SOON_TIRED, timeout=HASTY.timeout)
PAGE = 60
"""Rows of a page: few, so that lists have several."""

LATE = {"seconds": 0.5}
"""Later than the hasty wait."""

PASSING: Mapping[str, Rule] = {
    "429": {"next": 1},
    "500": {"next": 2},
    "401": {"next": 1},
    "redirect": {"next": 2},
    "slow": {"next": 1, **LATE},
    "hang": {"next": 1, **LATE},
    "cut-body": {"next": 2},
    "invalid-json": {"next": 2},
    "html": {"next": 2},
    "error-body": {"next": 2},
    "odd-type": {},
    "expired-token": {"next": 1},
    "self-next": {},
    "empty-page": {},
    "hollow-page": {"next": 2},
    "repeat-rows": {},
    "repeat-row": {},
    "stranger-next": {"next": 2},
}
"""Faults that are over by themselves within a run, and how they strike a list."""

CLOSING = {"403": "permission_missing", "404": "vendor_refused"}
"""Faults that end a stream's part, and the issue that they are."""

MOVING = ("update-row", "delete-row")
"""Faults that change what the truth is."""

LEAVING_OUT = "skip-row"
RETYPING = "text-ids"


class Link(Protocol):
    """A vendor, a connector to it and a client of the API."""

    tenant: Tenant
    control: httpx.AsyncClient
    expected: Records

    async def look(self) -> None: ...

    async def read_records(self) -> Records: ...

    async def sync(self, *, full: bool = False, retry: Retry = PERSISTENT) -> Report: ...

    async def wait_an_hour(self) -> None: ...


class LateClock(MovableClock):
    """A clock that is always in the last second of a minute: who is refused for a window's sake waits no longer."""

    def now(self) -> datetime:
        return super().now().replace(second=59)


def turn_small(integration: Integration) -> Integration:
    """The same with small pages."""
    return replace(integration, streams=tuple(replace(one, paging=_turn(one.paging)) for one in integration.streams))


def _turn(paging: Any) -> Any:
    if not isinstance(paging, NextLink | LinkHeader):
        return paging
    first, *others = paging.page_size
    return replace(paging, page_size={first: str(PAGE), **{name: paging.page_size[name] for name in others}})


LIST_OPEN = "SELECT stream, kind FROM issue WHERE resolved_at IS NULL"


@dataclass
class Scene:
    """A link under faults."""

    link: Link

    @property
    def lists(self) -> Mapping[str, str]:
        """The path of each stream's list."""
        return {stream.name: stream.path for stream in self.link.tenant.integration.streams if not stream.is_optional}

    async def let(self, rules: Iterable[Rule]) -> None:
        (await self.link.control.put("faults", json=list(rules))).raise_for_status()

    async def count_fired(self) -> Mapping[str, int]:
        """How often each fault struck; they do no more."""
        fired: dict[str, int] = (await self.link.control.get("faults")).raise_for_status().json()["fired"]
        await self.let([])
        return fired

    async def change(self, streams: Iterable[str], share: float = 0.15) -> None:
        """An hour later, some rows of each stream are others."""
        await self.link.wait_an_hour()
        known = (await self.link.control.get("streams")).raise_for_status().json()
        for stream in streams:
            if stream in known:
                (await self.link.control.patch(f"rows/{stream}", json={"share": share})).raise_for_status()
        await self.link.wait_an_hour()

    async def check(self, *aside: str) -> None:
        """What is served is what the vendor's rows must become, but for these fields."""
        await self.link.look()
        served, expected = await self.link.read_records(), self.link.expected
        for records in (*served.values(), *expected.values()):
            for record in records.values():
                for name in aside:
                    record.pop(name, None)
                if isinstance(record.get("applications"), list):
                    record["applications"].sort()
        check_same(served, expected)

    async def find_issues(self) -> dict[str, str]:
        """The kind of the open issue of each stream that a run must have read to be done."""
        rows = await self.link.tenant.pool.fetch(LIST_OPEN)
        return {row["stream"]: row["kind"] for row in rows if row["stream"] in ("", *self.lists)}

    async def _find_refused(self) -> bool:
        """Whether a list that a run can do without was refused by the latest."""
        streams = [row["stream"] for row in await self.link.tenant.pool.fetch(LIST_OPEN)]
        return any(stream not in ("", *self.lists) for stream in streams)

    async def list_buried(self) -> set[str]:
        rows = await self.link.tenant.pool.fetch("SELECT id FROM record WHERE deleted_at IS NOT NULL")
        return {str(row["id"]) for row in rows}

    async def work_until_done(self, *, full: bool = False, retry: Retry = SOON_TIRED) -> int:
        """Runs as a worker would do them: deferred and resumed, and another after one that is partial.

        One that is done all the same, without an optional list that was refused, is followed by another too. Returns
        how many it took. Raises AssertionError where there is no end.
        """
        for attempt in range(1, 400):
            try:
                report = await self.link.sync(full=full, retry=retry)
            except RetryLater:
                continue
            if report.status == "done" and not await self._find_refused():
                return attempt
            full = False  # the next run by the schedule reads what changed
        raise AssertionError("no run ended well")


def strike(words: Sequence[str], paths: Sequence[str]) -> list[Rule]:
    """A fault for each list, in turn."""
    return [{"word": word, "path": path, **PASSING[word]} for word, path in zip(_cycle(words), paths, strict=False)]


def _cycle(words: Sequence[str]) -> Iterable[str]:
    while True:
        yield from words


Opener = Callable[[Databases, Sealer], AbstractAsyncContextManager[Scene]]


@asynccontextmanager
async def open_greenhouse(databases: Databases, sealer: Sealer) -> AsyncIterator[Scene]:
    async with link_harvest(databases, sealer, size=100, seed=11, clock=LateClock(BEHIND)) as link:
        link.tenant = replace(link.tenant, integration=turn_small(link.tenant.integration))
        yield Scene(link)


@asynccontextmanager
async def open_personio(databases: Databases, sealer: Sealer) -> AsyncIterator[Scene]:
    async with link_personio(databases, sealer, size=130, seed=11) as link:
        link.tenant = replace(link.tenant, integration=turn_small(link.tenant.integration))
        yield Scene(link)


VENDORS: Mapping[str, Opener] = {"greenhouse": open_greenhouse, "personio": open_personio}

UNDATED = ("raw_data",)
"""What rows repeat of others changes without a new update time: Personio's raw data alone shows it."""
