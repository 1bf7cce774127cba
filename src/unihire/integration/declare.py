"""What a vendor folder declares: facts as typed objects, and functions where facts are not enough.

From one `Integration` come the registry entry, the connect form, the capability matrix and the sync of every
connector to that vendor.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import msgspec

from unihire.model import Record
from unihire.outbound.auth import ClientCredentials
from unihire.outbound.budget import TokenBucketHeaders
from unihire.outbound.paging import Paging

Data = dict[str, Any]
"""A JSON object as the vendor sent it, decoded."""


class Source(msgspec.Struct, frozen=True, gc=False):
    """What a mapping reads: a row of a stream or a part of one, with the details asked for it (by name).

    `within` is the whole row where `row` is a part of it, else the row itself.
    """

    row: Data
    within: Data
    details: Mapping[str, list[Data]] = {}


@dataclass(frozen=True, slots=True)
class Maps:
    """How a stream's rows become records of one model.

    `to` turns a source into a record, purely; it raises nothing the engine does not expect: whatever it raises sets
    the row aside with its raw data. `each` picks the parts of a row that are records of their own (the department
    inside a job); by default the row itself.
    """

    model: type[Record]
    to: Callable[[Source], Record]
    each: Callable[[Data], Iterable[Data]] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Detail:
    """A second call for some rows of a page, `path` formatted with the row's id.

    It is asked for rows that are `needed` only, and again only when `version` of the row differs from the one the
    stored answer was asked for.
    """

    name: str
    path: str
    paging: Paging
    needed: Callable[[Data], bool]
    version: Callable[[Data], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """A list of things at the vendor and what becomes of its rows.

    `changed_since` gives the query of an incremental read; None means the vendor has no marker and the list is read
    whole each time. `overlap` is how far a window reaches back before the previous run's start. `by_id` is the path
    of one row, with which the absence of a row is confirmed before its record is marked deleted; without it, being
    left out of a complete read is enough. `permission` is the right the stream needs, in the customer's words.
    """

    name: str
    path: str
    paging: Paging
    maps: tuple[Maps, ...]
    id_of: Callable[[Data], str]
    changed_since: Callable[[datetime], Mapping[str, str]] | None = None
    overlap: timedelta = timedelta(minutes=5)
    by_id: str | None = None
    details: tuple[Detail, ...] = ()
    permission: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Integration:
    """A vendor we can connect.

    `streams` are in dependency order. `cannot` tells, for a model (`offer`) or a field (`job.status`) the vendor does
    not give, why it is empty.
    """

    slug: str
    name: str
    website: str
    base_url: str
    auth: ClientCredentials
    streams: tuple[Stream, ...]
    cannot: Mapping[str, str]
    headers: Mapping[str, str] = field(default_factory=dict)
    budget_headers: TokenBucketHeaders | None = None
    category: str = "ATS"

    def get_stream(self, name: str) -> Stream:
        """Raises KeyError for a name the integration does not declare."""
        for stream in self.streams:
            if stream.name == name:
                return stream
        raise KeyError(name)
