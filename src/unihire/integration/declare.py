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

from unihire.model import Record, derive_native
from unihire.outbound.auth import AuthorizationCode, ClientCredentials
from unihire.outbound.budget import FixedWindowHeaders, TokenBucketHeaders
from unihire.outbound.paging import Paging

Data = dict[str, Any]
"""A JSON object as the vendor sent it, decoded."""


class Source(msgspec.Struct, frozen=True, gc=False):
    """What a mapping reads: a row of a stream or a part of one, and its details and joins by name.

    `within` is the whole row where `row` is a part of it, else the row itself. The rows of a join are in the order of
    their ids; the name of a join is missing from `details` while its stream was never read, for want of a permission
    perhaps: what it would tell is then null, not empty. `place` is where a part stands among
    those of its kind, 0 the first.
    """

    row: Data
    within: Data
    details: Mapping[str, list[Data]] = {}
    place: int = 0


@dataclass(frozen=True, slots=True)
class Maps:
    """How a stream's rows become records of one model.

    `to` turns a source into a record, purely. Whatever it raises costs the record the smallest part of the row without
    which it raises nothing; so it should take a row without any member but the id, and raise over what is not as
    documented. `each` picks the parts of a row that are records of their own (the department
    inside a job); by default the row itself. `words` says, for each normalised field, which member of the row
    (`status`, `race.description`) holds the vendor's own word; it is remembered with the record. `custom` gives the
    customer's own fields, by the names the vendor has for them. `is_owned` says that each part belongs to its row
    alone: one the row no longer has is gone; otherwise it takes a complete read to tell. `is_deleted` says which rows
    the vendor goes on listing although they are deleted: such a row is no record, and the one it was is gone.
    Operations find it all the same.
    """

    model: type[Record]
    to: Callable[[Source], Record]
    each: Callable[[Data], Iterable[Data]] | None = None
    words: Mapping[str, str] = field(default_factory=dict)
    custom: Callable[[Source], Mapping[str, Any]] | None = None
    is_owned: bool = False
    is_deleted: Callable[[Data], bool] | None = None
    of: str | None = None
    """A detail or a join of the stream whose rows are the parts, in place of `each`: the stages an application passed.
    They are the row's own (`is_owned`), and a source has all of them in its `details`. Raw data of such a record is
    what is stored of its row there: a join must keep every member."""
    is_alone: bool = False
    """The mapping reads the part and nothing around it, so one that many rows repeat is mapped once: `within` of its
    source is the part, and `place` 0."""

    @property
    def is_whole(self) -> bool:
        """Whether a record is a row itself, not a part of one."""
        return self.each is None and self.of is None

    def list_parts(self, row: Data, details: Mapping[str, list[Data]]) -> Iterable[Data]:
        """The parts of a row that are records, where not the row itself is one."""
        if self.of is not None:
            return details.get(self.of, ())
        assert self.each is not None
        return self.each(row)

    def make_source(self, part: Data, row: Data, details: Mapping[str, list[Data]], place: int) -> Source:
        """What the record of a part is made of; `place` is where it stands among the parts of its row."""
        return Source(part, part) if self.is_alone else Source(part, row, details, place)

    def make(self, source: Source) -> Record:
        """The record of a source, with what is derived of its fields."""
        record = self.to(source)
        derive_native(record)
        return record


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
    of: str | None = None
    """The member of its rows that names the row it belongs to: an answer that names another one is none."""
    again: Callable[[Data], bool] | None = None
    """For which rows daily whole reads ask once more within a month, though the stored answer is of the row's version;
    by default for all that need it. A row that is bound to change soon may do without."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Join:
    """Rows of another stream that a row's mapping reads as well, without a call of their own.

    Those rows belong to it whose member `on` equals the row's member `key`; without `key`, the row's id. Members are
    named as in `Maps.words`; numbers equal their text. Of each the members in `keep` are kept, beside its id, and of
    those rows only that `only` lets through. The other stream comes before this one, or is this one; when a row of it
    appears, changes or goes, the records that show it are made again.
    """

    name: str
    stream: str
    on: str
    key: str | None = None
    keep: tuple[str, ...] = ()
    only: Callable[[Data], bool] | None = None
    via: str | None = None
    """An earlier join of the stream: `key` is a member of its rows, not of the stream's own. So an education that is
    joined to a candidate leads on to the name of its school."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IdFilter:
    """The parameter with which a list shows the rows of these ids alone, at most `most` at a time, comma-separated.

    `by` names the parameter for the values of another member, where lists have such ones: `{member}s`.
    """

    param: str = "ids"
    most: int = 50
    by: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """What a vendor's list does with filters: it shows the rows for which `holds`.

    `values` tells of members what is known of them, as in `Stream.found_by`: such a row has one of these values there.
    `instead` names another stream whose rows are those to look at, where the list's own do not tell.
    """

    holds: Callable[[Data], bool]
    values: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    instead: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Volatile:
    """What of a row's JSON is no content, such as the signature in a link: another each time the row is read.

    A record in which nothing else differs has not changed. What was read last is served, whole; a deleted record, and
    what others show of the row, is without it.
    """

    pattern: re.Pattern[bytes]
    """Matches it in the JSON of rows, as the vendor escapes it, and of records, where `/` and `&` are themselves."""
    find_end: Callable[[bytes], datetime | None] | None = None
    """Until when a matched text is good; None where it does not say. A text that is good for a while is not stored anew
    each time it is read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """A list of things at the vendor and what becomes of its rows: records, or rows that joins show, or both.

    `changed_since` gives the query of an incremental read; None means the vendor has no marker and the list is read
    whole each time. `overlap` is how far a window reaches back before the previous run's start. `by_id` is the path of
    one row, or the filter by ids, with which the absence of a row is confirmed before its record is marked deleted;
    without it, being left out of a complete read is enough. `is_kept` keeps rows whole that become no record. Stored
    rows are found by their id and by the members in `found_by`; of a list in one, by each of its values where the row
    is a record. A run without a stream that `is_optional` is not partial: only operations read it, or records say less
    without it in fields that not every face shows. `permission` is the right the stream needs, in the customer's words.
    """

    name: str
    path: str
    paging: Paging
    id_of: Callable[[Data], str]
    maps: tuple[Maps, ...] = ()
    changed_since: Callable[[datetime], Mapping[str, str]] | None = None
    overlap: timedelta = timedelta(minutes=5)
    by_id: str | IdFilter | None = None
    details: tuple[Detail, ...] = ()
    joins: tuple[Join, ...] = ()
    is_kept: bool = False
    found_by: tuple[str, ...] = ()
    is_optional: bool = False
    volatile: Volatile | None = None
    """What of its rows is no content. Its rows cannot be stored whole."""
    permission: str | None = None
    is_merged: Callable[[str, Data], bool] | None = None
    """Whether a row answered for an id is the one that the row of that id was merged into, which is gone then. Without
    it, or where it says no, the row of another id is no answer: the one asked for is left as it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Integration:
    """A vendor we can connect.

    `streams` are in dependency order. `cannot` tells, for a model (`offer`) or a field (`job.status`) the vendor does
    not give, why it is empty. `match` tells what a stream's list does with filters; it raises KeyError with the name of
    one it does not know. `acting_credential` is the optional credential that names the user who acts. `is_refusal` says
    whether the JSON of a 2xx answer, to a write or to a read of an operation, is a refusal in words; `is_acceptance`
    whether it promises that a write follows.
    """

    slug: str
    name: str
    website: str
    base_url: str
    auth: ClientCredentials
    streams: tuple[Stream, ...]
    cannot: Mapping[str, str]
    partner_auth: AuthorizationCode | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    budget_headers: TokenBucketHeaders | FixedWindowHeaders | None = None
    match: Callable[[str, Mapping[str, str]], Match] | None = None
    acting_credential: str | None = None
    is_refusal: Callable[[Any], bool] | None = None
    is_acceptance: Callable[[Any], bool] | None = None
    category: str = "ATS"
    known_by: tuple[str, ...] = ()
    """Streams by whose rows an account is known: ids and moments of theirs are of one account alone. The first that
    shows a row that is stored tells."""
    made_at: str = "created_at"
    """The member in which those rows hold when they were made; it never changes."""

    def get_stream(self, name: str) -> Stream:
        """Raises KeyError for a name the integration does not declare."""
        for stream in self.streams:
            if stream.name == name:
                return stream
        raise KeyError(name)


def has_deleted(stream: Stream) -> bool:
    """Whether the stream's list shows rows that are deleted."""
    return any(maps.is_deleted is not None for maps in stream.maps)


def find_member(row: Data, name: str) -> Any:
    """The member of a row, `status` or further in `race.description`; None where it, or what it is in, is missing."""
    if "." not in name:
        return row.get(name)
    found: Any = row
    for part in name.split("."):
        found = found.get(part) if isinstance(found, dict) else None
    return found


def list_values(row: Data, name: str) -> list[str]:
    """The values of a member as text, as they stand in a query: `true`, `12`. Of lists on the way, those of each item.

    `email_addresses.value` has one for each address; what is null has none.
    """
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
