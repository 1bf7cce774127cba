"""What a vendor folder declares: facts as typed objects, and functions where facts are not enough.

From one `Integration` come the registry entry, the connect form, the capability matrix and the sync of every
connector to that vendor.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import msgspec

from unihire.errors import ConfigError
from unihire.model import Record, derive_native
from unihire.outbound.auth import ApiKey, AuthorizationCode, ClientCredentials, Credential, WriteKey
from unihire.outbound.budget import BudgetRule, RouteLimit
from unihire.outbound.failures import Failures
from unihire.outbound.paging import Paging

Data = dict[str, Any]
"""A JSON object as the vendor sent it, decoded."""


class Source(msgspec.Struct, frozen=True, gc=False):
    """What a mapping reads: a row of a stream or a part of one, with its details and joined rows."""

    row: Data
    """The row, or the part of a row that becomes a record of its own."""
    within: Data
    """The whole row where `row` is a part of it, else the row itself."""
    details: Mapping[str, list[Data]] = {}
    """Rows of details and joins, by the name of the detail or join. The rows of a join are in the order of their ids.

    A join's name is missing while its stream was never read, for lack of a permission for example: the fields it would
    fill are then null, not empty.
    """
    place: int = 0
    """The position of a part among those of its kind; the first is 0."""


@dataclass(frozen=True, slots=True)
class RecordMapping:
    """How a stream's rows become records of one model.

    If `map`, `split`, `custom` or `is_deleted` raise for a row, the engine leaves out the smallest part of the row
    without which they do not raise, and notes it. So they must work on a row that has only its id, and raise where a
    member is not as documented.
    """

    model: type[Record]
    """The model of the records."""
    map: Callable[[Source], Record]
    """Turns a source into a record. A pure function."""
    split: Callable[[Data], Iterable[Data]] | None = None
    """Lists the parts of a row that are records, such as the department inside a job. Without it the row is one."""
    words: Mapping[str, str] = field(default_factory=dict)
    """For each normalised field, the member of the row that has the vendor's own word: `status`, `race.description`.

    The word is stored with the record.
    """
    custom: Callable[[Source], Mapping[str, Any]] | None = None
    """Reads the customer's own fields, by the vendor's names for them."""
    is_owned: bool = False
    """Whether a part belongs to its row alone: it is deleted when the row no longer has it. Other parts are deleted
    when a complete read of the list does not show them."""
    is_deleted: Callable[[Data], bool] | None = None
    """Which rows are deleted although the vendor still lists them: their records are deleted. Operations still find
    the rows."""
    of: str | None = None
    """A detail or join whose rows are the parts, instead of `split`: the stages that an application passed.

    It requires `is_owned`. A source has all the parts in its `details`. The raw data of such a record is what is stored
    of its row there, so a join must store every member. With `split`, that lists the parts of each row there: the
    questions of the form that a posting's detail shows.
    """
    is_alone: bool = False
    """Whether the mapping reads the part and nothing around it: a part that many rows repeat is then mapped once.
    `within` of its source is the part, and `place` is 0."""
    is_whole: bool = field(init=False)
    """Whether a record is a row itself, not a part of one."""
    is_shared: bool = field(init=False)
    """Whether several rows may have the same part."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "is_whole", self.split is None and self.of is None)
        object.__setattr__(self, "is_shared", not (self.is_whole or self.is_owned))

    def list_parts(self, row: Data, details: Mapping[str, list[Data]]) -> Iterable[Data]:
        """The parts of a row that are records, where not the row itself is one."""
        if self.of is not None:
            rows = details.get(self.of, ())
            return rows if self.split is None else [part for one in rows for part in self.split(one)]
        assert self.split is not None
        return self.split(row)

    def make_source(self, part: Data, row: Data, details: Mapping[str, list[Data]], place: int) -> Source:
        """What the record of a part is made of; `place` is its number among the parts of its row."""
        return Source(part, part) if self.is_alone else Source(part, row, details, place)

    def make(self, source: Source) -> Record:
        """The record of a source, with what is derived of its fields."""
        record = self.map(source)
        derive_native(record)
        return record


@dataclass(frozen=True, slots=True, kw_only=True)
class Detail:
    """A second call for some rows of a page."""

    name: str
    """Its name in `Source.details`."""
    path: str
    """The path of the call; `{id}` is the row's id, `{job.id}` another member of the row, `{posts.0}` the first item of
    a list."""
    paging: Paging
    """How the answer's pages follow one another; all are read."""
    params: Mapping[str, Any] = field(default_factory=dict)
    """What the call has in its query, or its body; in texts, names in braces as in `path`."""
    needed: Callable[[Data], bool]
    """For which rows the call is made."""
    version: Callable[[Data], str]
    """The version of a row: while it is the same, the stored answer is used and no call is made."""
    of: str | None = None
    """The member of the detail's rows that names the row they belong to: an answer with another id is discarded, and a
    lone object without one, which may be an error."""
    again: Callable[[Data], bool] | None = None
    """For which rows the call is repeated, though the version is the same; by default for all `needed`.

    A row that will change soon does not need it, and one that is known to be touched is asked for all the same.
    """
    again_within: int | None = None
    """Days within which that is, a month if nothing is said: daily complete reads spread these calls over them. Fewer
    for rows whose parent does not move when they do. Lists that every run reads whole ask in complete runs alone."""
    permission: str | None = None
    """The permission that the call needs, in the words of the vendor's settings page, where it is not the stream's.

    Without it the rows are stored all the same, and what the detail shows stays as it was.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class Join:
    """Rows of another stream that a mapping reads beside the row, as a left join in SQL: no call is made for them.

    When a joined row appears, changes or goes, the records that show it are made again.
    """

    name: str
    """Its name in `Source.details`."""
    stream: str
    """The other stream: one that comes before this one, or this one itself."""
    on: str
    """The member of the other stream's rows that is compared, named as in `RecordMapping.words`. Numbers equal their
    text."""
    key: str | None = None
    """The member of the row that it is compared with; without it, the row's id."""
    members: tuple[str, ...] = ()
    """The members of a joined row that the mapping gets, beside its id. One in an object, `candidate.id`, is found in
    the row under that name, without what is around it."""
    where: Callable[[Data], bool] | None = None
    """Which rows of the other stream are joined; without it, all."""
    via: str | None = None
    """An earlier join of the stream: `key` is then a member of its rows, not of the stream's own. So an education that
    is joined to a candidate leads on to the name of its school."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallById:
    """The call for one row by its id; with `body`, its JSON, a POST."""

    path: str
    """`{id}` is the row's id, here or in a text of the body."""
    body: Mapping[str, Any] | None = None
    item: str | None = None
    """The member of the answer that has the row, where the answer is not the row itself."""
    unlisted: tuple[str, ...] = ()
    """Members that the row has here and not in the list. They are left out of it, so that a row that has not changed is
    the same whichever way it is read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IdFilter:
    """A list's parameter that selects rows by their ids, comma-separated."""

    param: str = "ids"
    """The name of the parameter."""
    most: int = 50
    """How many ids one call takes."""
    by: str | None = None
    """The name of the parameter that selects rows by another member, where lists have one: `{member}s`."""
    until: str | None = None
    """The name of the parameter that takes the last id of a range, where `param` takes the first: one id a call."""

    @property
    def params(self) -> tuple[str, ...]:
        """The names of the parameters that ids are given in."""
        return (self.param,) if self.until is None else (self.param, self.until)


@dataclass(frozen=True, slots=True, kw_only=True)
class ShortList:
    """No call for a row: its list is so short that it is read whole, whichever rows of it are asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeletedFeed:
    """A list of the rows that were deleted in a stretch of time; nothing else of them is read than their ids."""

    path: str
    """The path of the list."""
    paging: Paging
    """How the list's pages follow one another."""
    id_of: Callable[[Data], str]
    """Reads the id of the deleted row."""
    between: Callable[[datetime, datetime], Mapping[str, Any]]
    """The parameters for what was deleted from one moment to another."""
    longest: timedelta
    """The longest stretch that may be asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RowFilter:
    """What the filters of a vendor's list select, for rows that are already stored."""

    accepts: Callable[[Data], bool]
    """Whether the list shows a row under the filters."""
    values: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Members, named as in `Stream.found_by`, of which every accepted row has one of these values: by them rows are
    found without reading all."""
    instead: str | None = None
    """Another stream whose rows are filtered instead, where a row of the list does not show what the filter asks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Volatile:
    """A part of a row's JSON that differs each time the row is read, such as the signature in a link.

    It is not content: a record in which nothing else differs has not changed. The text read last is served. A deleted
    record, and a record that shows the row through a join, is without it.
    """

    pattern: re.Pattern[bytes]
    """Matches the text in the JSON of rows, as the vendor escapes it, and of records, with `/` and `&` as they are."""
    find_end: Callable[[bytes], datetime | None] | None = None
    """The moment until which a matched text is valid; None where the text does not show it. A text that is valid for a
    while yet is not stored again at each read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """A list at the vendor. Its rows become records, or are stored for joins and operations, or both."""

    name: str
    """Unique in the integration."""
    path: str
    """The path of the list; of a lookup, `{name}` is the filter of that name: `/candidates/{candidate}/notes`."""
    paging: Paging
    """How the list's pages follow one another."""
    id_of: Callable[[Data], str]
    """Reads a row's id. Raises whatever it likes where there is none: the row is quarantined."""
    mappings: tuple[RecordMapping, ...] = ()
    """The records made of a row; none for a list that only joins and operations read."""
    params: Mapping[str, Any] = field(default_factory=dict)
    """What every call of the list has in its query or body."""
    changed_since: Callable[[datetime], Mapping[str, Any]] | None = None
    """What the calls have besides for rows that changed since a moment. Without it every run reads the whole list."""
    overlap: timedelta = timedelta(minutes=5)
    """How far before the start of the previous run `changed_since` asks."""
    sync_param: str | None = None
    """Instead of `changed_since`: the parameter that takes the sync token with which the list was last read, to show
    what changed since. The paging reads the token. Where there is none, or the vendor no longer takes it, the list is
    read whole."""
    moment_of: Callable[[Data], datetime] | None = None
    """Instead of both, for a list in the order of its changes, the newest first: the moment of a row's last change. A
    read ends at the page in which every row's is before the start of the previous run."""
    deleted_feed: DeletedFeed | None = None
    """The list in which the vendor tells which rows were deleted; each is asked for by its id before it is believed."""
    every: timedelta | None = None
    """How often the list is read at most, where every run is too often. Where each read is a whole one, it asks for
    the details that are due."""
    by_id: str | CallById | IdFilter | ShortList | None = None
    """The path of one row, or the call for it, or the filter by ids. A row that a complete read did not show is asked
    for with it before its record is marked deleted; without it, the record is marked deleted at once."""
    listed_by: tuple[str, ...] = ()
    """The members by whose values the list can be asked for, one value a call, each under its own name: so rows of a
    list without `by_id` are read when they are touched."""
    details: tuple[Detail, ...] = ()
    """Second calls for some rows."""
    joins: tuple[Join, ...] = ()
    """Rows of other streams that the mappings read."""
    is_stored: bool = False
    """Whether whole rows are stored that become no record. Rows that become records are stored with them."""
    found_by: tuple[str, ...] = ()
    """The members, beside the id, by which operations find stored rows; of a member in a list, each of its values
    where the row is a record."""
    is_optional: bool = False
    """Whether a run without this stream is still complete: only operations read it, or it fills fields that not every
    API face shows."""
    volatile: Volatile | None = None
    """The part of its rows that differs each time they are read. Excludes `is_stored`."""
    permission: str | None = None
    """The permission that the stream needs, in the words of the vendor's settings page."""
    is_merged: Callable[[str, Data], bool] | None = None
    """Whether a row that the vendor returned for another id is the one that the id was merged into: the record of that
    id is then deleted. Without it, or where it returns False, the answer is discarded and the record left as it is."""

    @property
    def is_incremental(self) -> bool:
        """Whether a run can read what changed since the previous one, and nothing else."""
        return not (self.changed_since is None and self.sync_param is None and self.moment_of is None)

    def ask_changed(self, since: datetime, token: str | None) -> Mapping[str, Any]:
        """The parameters for what changed since a moment, or since the read that ended with a sync token."""
        if self.sync_param is not None:
            return {} if token is None else {self.sync_param: token}
        return {} if self.changed_since is None else self.changed_since(since)


@dataclass(frozen=True, slots=True, kw_only=True)
class Integration:
    """A vendor we can connect."""

    slug: str
    """Its name in the API and in the command: the name of the folder."""
    name: str
    """Its name for people."""
    website: str
    """The vendor's web address."""
    base_url: str
    """The origin and path that all paths are joined to; `{name}` stands for the credential of that name, which is no
    secret and has a pattern or choices. A connector may have an address of its own; one without a path stands for the
    origin."""
    auth: ClientCredentials | ApiKey
    """How a connector with the customer's own credentials is authorised."""
    streams: tuple[Stream, ...]
    """The lists, each after those that its joins read."""
    lookups: tuple[Stream, ...] = ()
    """Lists that only writes ask for: no run reads them, and none of their rows are stored. `{name}` in the path of one
    stands for the filter of that name: `/candidates/{candidate}/notes`."""
    cannot: Mapping[str, str]
    """Why a model (`offer`) or a field (`job.status`) is never filled, by its name."""
    partner_auth: AuthorizationCode | None = None
    """How a connector that the customer authorised a partner for is authorised, where the vendor has partners."""
    write_key: WriteKey | None = None
    """What writes are authorised with, where that is not what reads are."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Headers of every request."""
    budget_rule: BudgetRule | None = None
    """How the vendor limits the rate of calls: the response headers that show it, or what it documents."""
    route_limits: tuple[RouteLimit, ...] = ()
    """The rates of routes that have one of their own."""
    calls_at_once: int | None = None
    """How many calls may be under way, where the vendor limits it."""
    match_filters: Callable[[str, Mapping[str, str]], RowFilter] | None = None
    """What the filters of a stream's list select. Raises KeyError with the name of a filter it does not know."""
    signs_files: bool = False
    """Whether addresses of files that are on the host of the API are asked with the key, as its calls are."""
    acting_credential: str | None = None
    """The optional credential that names the user on whose behalf writes are made."""
    failures: Failures | None = None
    """What the vendor's own codes of failures mean, also in 2xx responses."""
    is_refusal: Callable[[Any], bool] | None = None
    """Whether the JSON of a 2xx response, to a write or to a read of an operation, is a refusal in words."""
    read_refusal: Callable[[bytes], Iterable[tuple[str | None, str]]] | None = None
    """Reads the body of a refused write: for each fault the vendor's name of the member, if it says one, and its words.
    """
    is_acceptance: Callable[[Any], bool] | None = None
    """Whether the JSON of a 2xx response to a write promises that the write follows."""
    is_in_demo: bool = False
    """Whether the demo plays it where no vendors are named."""
    category: str = "ATS"
    """The kind of system, in the words of the API."""
    known_by: tuple[str, ...] = ()
    """Streams whose ids and creation moments are unique to one account, in the order in which new credentials are
    compared with what is stored: the first that shows a stored row decides."""
    made_at: str = "created_at"
    """The member of those rows that has the moment of their creation; it never changes."""

    def list_credentials(self, *, is_partner: bool = False) -> tuple[Credential, ...]:
        """All credentials that a connector can have: those of its authorisation, then those that only writes need.

        The latter are optional, and the customer's own, also where `is_partner`.
        """
        auth = self.partner_auth if is_partner else self.auth
        return (
            *(() if auth is None else auth.credentials),
            *(() if self.write_key is None else self.write_key.credentials),
        )

    def locate(self, credentials: Mapping[str, str]) -> str:
        """The base address of a connector with these credentials. Raises ConfigError for one that fits no address."""
        parts: dict[str, str] = {}
        for auth in (self.auth, self.partner_auth):
            for one in () if auth is None else auth.credentials:
                if f"{{{one.name}}}" in self.base_url:
                    fault = one.find_fault(credentials.get(one.name) or "")
                    if fault is not None:
                        raise ConfigError(f"{self.name}: {one.name} {fault}")
                    parts[one.name] = one.write_part(credentials.get(one.name))
        return self.base_url.format_map(parts)

    def get_stream(self, name: str) -> Stream:
        """Raises KeyError for a name the integration does not declare."""
        for stream in self.streams:
            if stream.name == name:
                return stream
        raise KeyError(name)

    def get_list(self, name: str) -> Stream:
        """A stream or a lookup. Raises KeyError for a name that is neither's."""
        for lookup in self.lookups:
            if lookup.name == name:
                return lookup
        return self.get_stream(name)


def has_deleted(stream: Stream) -> bool:
    """Whether the stream's list shows rows that are deleted."""
    return any(mapping.is_deleted is not None for mapping in stream.mappings)


def find_member(row: Data, name: str) -> Any:
    """The member of a row, `status`, further in `race.description`, or by its place in a list `emails.0`.

    None where it, or what it is in, is missing.
    """
    if "." not in name:
        return row.get(name)
    found: Any = row
    for part in name.split("."):
        if isinstance(found, list) and part.isdecimal():
            found = next(iter(found[int(part) :]), None)
        else:
            found = found.get(part) if isinstance(found, dict) else None
    return found


def always(row: Data) -> bool:
    """For `Detail.needed`: every row has it."""
    return True


def version_of(*members: str) -> Callable[[Data], str]:
    """For `Detail.version`: the members that move when what is asked for beside the row does."""

    def find(row: Data) -> str:
        return " ".join(str(row.get(member)) for member in members)

    return find


def pick_members(row: Data, names: Iterable[str]) -> Data:
    """The id of a row and these members, as joins show them; those that are missing are left out."""
    found = {name: row[name] for name in ("id", *names) if name in row}
    further = ((name, find_member(row, name)) for name in names if "." in name and name not in row)
    return found | {name: value for name, value in further if value is not None}


_IN_LIST = re.compile(r"\.\d+(?:\.|$)", re.ASCII)
"""In the name of a member: a place in a list."""


def list_values(row: Data, name: str) -> list[str]:
    """The values of a member as text, as they stand in a query: `true`, `12`. Of lists on the way, those of each item.

    `email_addresses.value` has one for each address, `emails.0` the first; what is null has none.
    """
    if _IN_LIST.search(name) is not None:
        first = find_member(row, name)
        return [] if first is None else list_values({"": first}, "")
    found: list[Any] = [row]
    for part in name.split("."):
        inner: list[Any] = []
        for each in found:
            value = each.get(part) if isinstance(each, dict) else None
            if isinstance(value, list):
                inner += value
            elif value is not None:
                inner.append(value)
        found = inner
    return [str(value).lower() if isinstance(value, bool) else str(value) for value in found if value is not None]
