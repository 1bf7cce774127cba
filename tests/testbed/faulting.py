"""Faults let loose on a vendor's lists, and runs until the truth is served: the same over every emulator."""

from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Protocol
from urllib.parse import urlsplit

import httpx

from testbed.ashby_link import AshbyLink, link_ashby
from testbed.databases import Databases
from testbed.harvest_link import BEHIND, link_harvest
from testbed.lever_link import LeverLink, link_lever
from testbed.personio import Json, check_same
from testbed.personio_link import link_personio
from testbed.tenants import Tenant
from testbed.vendor_link import VendorLink, flatten
from testbed.workable_link import WorkableLink, leave_out_links, link_workable
from unihire.errors import RetryLater
from unihire.integration.declare import Integration, Stream
from unihire.kit.clock import MovableClock
from unihire.kit.seal import Sealer
from unihire.outbound.auth import ApiKey
from unihire.outbound.client import Retry
from unihire.outbound.paging import LinkHeader, NextLink
from unihire.outbound.paging_by_token import NextToken
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


def turn_small(integration: Integration, page: int = PAGE) -> Integration:
    """The same with small pages."""
    streams = tuple(replace(one, paging=_turn(one.paging, page)) for one in integration.streams)
    return replace(integration, streams=streams)


def _turn(paging: Any, page: int) -> Any:
    if not isinstance(paging, NextLink | LinkHeader | NextToken):
        return paging
    first, *others = paging.page_size
    size = type(paging.page_size[first])(page)
    return replace(paging, page_size={first: size, **{name: paging.page_size[name] for name in others}})


LIST_OPEN = "SELECT stream, kind FROM issue WHERE resolved_at IS NULL"


UNDATED = ("raw_data",)
"""What rows repeat of others changes without a new update time: Personio's raw data alone shows it."""


@dataclass
class Scene:
    """A link under faults. `calls` are the paths of the vendor's API; `undated` are the fields that only a complete
    read brings up to date, as they repeat what is in other rows.
    """

    link: Link
    calls: str = "/v*"
    undated: tuple[str, ...] = UNDATED
    fixed: tuple[str, ...] = ()
    """The streams whose rows are not changed: some are known by what they say, and would be others then."""
    share: float = 0.2
    """How many of the calls are struck where faults are mixed: fewer where a run makes very many."""

    @property
    def has_key(self) -> bool:
        """Whether each call carries a key: one that is refused ends the run, which is continued later."""
        return isinstance(self.link.tenant.integration.auth, ApiKey)

    @property
    def confirmed(self) -> list[str]:
        """The paths of the lists whose rows can be asked for by their ids."""
        streams = self.link.tenant.integration.streams
        return list(dict.fromkeys(self._locate(one) for one in streams if one.by_id and not one.is_optional))

    @property
    def lists(self) -> Mapping[str, str]:
        """The path of each stream's list; of streams that read the same one, of the first."""
        found = dict[str, str]()
        for stream in self.link.tenant.integration.streams:
            if not stream.is_optional and (path := self._locate(stream)) not in found.values():
                found[stream.name] = path
        return found

    def _locate(self, stream: Stream) -> str:
        """The path of a list at the vendor's host."""
        return urlsplit(self.link.tenant.integration.base_url).path + stream.path

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
            if stream in known and stream not in self.fixed:
                (await self.link.control.patch(f"rows/{stream}", json={"share": share})).raise_for_status()
        await self.link.wait_an_hour()

    async def check(self, *aside: str) -> None:
        """What is served is what the vendor's rows must become, but for these fields."""
        await self.link.look()
        served, expected = flatten(await self.link.read_records()), flatten(self.link.expected)
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

    async def _lacks_details(self) -> bool:
        """Whether a detail of rows was refused for lack of a permission: complete runs alone ask for it again."""
        return any("." in row["stream"] for row in await self.link.tenant.pool.fetch(LIST_OPEN))

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
            full = await self._lacks_details()  # else the next run by the schedule reads what changed
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
    async with link_harvest(databases, sealer, size=48, seed=11, clock=LateClock(BEHIND)) as link:
        link.tenant = replace(link.tenant, integration=turn_small(link.tenant.integration))
        yield Scene(link)


@asynccontextmanager
async def open_personio(databases: Databases, sealer: Sealer) -> AsyncIterator[Scene]:
    async with link_personio(databases, sealer, size=130, seed=11) as link:
        link.tenant = replace(link.tenant, integration=turn_small(link.tenant.integration))
        yield Scene(link)


class OfAllDays(VendorLink):
    """A link whose complete reads ask for every detail again, as those of a week do."""

    async def sync(self, *, full: bool = False, retry: Retry = PERSISTENT) -> Report:
        with self.ask_for_everything() if full else nullcontext():
            return await super().sync(full=full, retry=retry)


class AshbyLinkOfAllDays(OfAllDays, AshbyLink):
    pass


class LeverLinkOfAllDays(OfAllDays, LeverLink):
    pass


@asynccontextmanager
async def open_ashby(databases: Databases, sealer: Sealer) -> AsyncIterator[Scene]:
    async with link_ashby(databases, sealer, size=36, seed=11, clock=LateClock(BEHIND)) as link:
        tenant = replace(link.tenant, integration=turn_small(link.tenant.integration, 15))
        yield Scene(
            AshbyLinkOfAllDays(link.sandbox, link.control, tenant, sealer, link.api),
            calls="/*",
            undated=(*UNDATED, "source", "sources", "tags", "attendees"),
        )


@asynccontextmanager
async def open_lever(databases: Databases, sealer: Sealer) -> AsyncIterator[Scene]:
    async with link_lever(databases, sealer, size=16, seed=11) as link:
        tenant = replace(link.tenant, integration=turn_small(link.tenant.integration, 20))
        yield Scene(
            LeverLinkOfAllDays(link.sandbox, link.control, tenant, sealer, link.api),
            undated=(*UNDATED, "attendees", "race", "gender", "veteran_status", "disability_status"),
            share=0.02,
            fixed=("tags", "sources", "postings"),
        )


class WorkableLinkOfAllDays(OfAllDays, WorkableLink):
    """Rows are compared without what their way of being read adds."""

    async def look(self) -> None:
        await super().look()
        self.expected = leave_out_ways(self.expected)

    async def read_records(self) -> Records:
        return leave_out_ways(await super().read_records())


def leave_out_ways(records: Records) -> Records:
    """Without signed parts of addresses, and without members that a job has in a list alone."""
    found = leave_out_links(records)
    for plural in ("jobs", "job-postings"):
        for id, record in found[plural].items():
            row = dict(record["raw_data"])
            row.pop("sample", None)
            row["location"] = {name: one for name, one in row["location"].items() if name != "location_str"}
            found[plural][id] = {**record, "raw_data": row}
    return found


@asynccontextmanager
async def open_workable(databases: Databases, sealer: Sealer) -> AsyncIterator[Scene]:
    async with link_workable(databases, sealer, size=24, seed=11, clock=LateClock(BEHIND)) as link:
        tenant = replace(link.tenant, integration=turn_small(link.tenant.integration, 10))
        yield Scene(
            WorkableLinkOfAllDays(link.sandbox, link.control, tenant, sealer, link.api),
            calls="/spi/*",
            undated=(*UNDATED, *OF_OTHERS),
        )


OF_OTHERS = ("attendees", "reject_reason", "name", "current_stage", "stage_entered_at")
"""What Workable's rows have of others, names of members and stages, texts of reasons; names of stages move no job."""

VENDORS: Mapping[str, Opener] = {
    "greenhouse": open_greenhouse,
    "personio": open_personio,
    "ashby": open_ashby,
    "lever": open_lever,
    "workable": open_workable,
}
