"""What an emulator is: a vendor's API answered from made-up data, and the tools it is given for that.

A vendor folder has `emulator`, a module or a package, with one constant, `EMULATOR`. It is written from the vendor's
documents and knows nothing of the folder's connector or mapping. The sandbox serves it, gives it a made-up company,
injects faults and stores the changes that callers make; all of that is the same for every vendor and declared here.

Longer than most files: the author of an emulator reads this one and no other.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, TypeAlias

import msgspec

from unihire.errors import ConfigError
from unihire.kit.clock import MovableClock

Row: TypeAlias = dict[str, Any]
"""One row as the vendor shapes it; keys that begin with `_` are the emulator's own notes and are never served."""

Key: TypeAlias = tuple[int, int]
"""The position of a row in a list: (updated, whole seconds since 1970; the row's number)."""

Watch: TypeAlias = Callable[[Row | None, Row | None], None]
"""Called with a row before and after it was created, changed or deleted; None where it was not there."""

Outcome: TypeAlias = Literal["rejected", "withdrawn", "offer", "hired"]


class Request(msgspec.Struct, frozen=True):
    """One request as the vendor's server would see it."""

    method: str
    path: str
    query: Sequence[tuple[str, str]]
    headers: Mapping[str, str]
    """By lower-case name; of a repeated header the last one."""
    body: bytes
    base_url: str
    """Scheme and host the caller used, without a slash at the end: what absolute links are built from."""


class EmulatorResponse(msgspec.Struct, frozen=True):
    """What is sent back."""

    status: int
    body: bytes = b""
    content_type: str | None = None
    headers: Sequence[tuple[str, str]] = ()
    route: str = ""
    """The path with its ids left out, such as `/v2/things/{id}`: what the request counters are counted by."""


class PersonFacts(msgspec.Struct, frozen=True, gc=False):
    """Somebody made up. An anonymized person has neither names nor an e-mail address: they are empty."""

    first_name: str
    last_name: str
    email: str
    phone: str | None
    linkedin: str | None
    city: str | None
    gender: Literal["female", "male", "diverse"] | None
    birthday: str | None
    is_anonymized: bool
    bits: int
    """32 random bits of this record, for variety of the vendor's own."""


class JobFacts(msgspec.Struct, frozen=True, gc=False):
    """A job; the numbers point into the company's lists."""

    title: str
    department: int | None
    category: int | None
    team: tuple[tuple[int, int], ...]
    """(employee, role) pairs; empty when nobody was named."""
    bits: int


class ApplicationFacts(msgspec.Struct, frozen=True, gc=False):
    """An application: who, to what, and how far it came."""

    candidate: int
    job: int
    channel: int | None
    reached: int
    """Position in the pipeline of the job's category; 0 is new, before the first stage."""
    outcome: Outcome | None
    bits: int


class HistoryEntry(msgspec.Struct, frozen=True, gc=False):
    """One entry of an application's history: a position in the pipeline, or the outcome."""

    position: int
    outcome: Outcome | None
    entered_at: int


class CategoryFacts(msgspec.Struct, frozen=True):
    """A kind of job and the stages its applications pass."""

    name: str
    stages: tuple[str, ...]


class Timeline(Protocol):
    """When the records of one kind were created and last updated, in whole seconds since 1970.

    Creation follows the index. The order of the last updates is another one, yet any place in it is found by
    arithmetic: nothing is sorted and nothing is stored.
    """

    count: int

    def created_at(self, index: int) -> int: ...

    def updated_at(self, index: int) -> int: ...

    def walk_newest(
        self, *, after: tuple[int, int] | None = None, since: int | None = None, until: int | None = None
    ) -> Iterator[tuple[int, int]]:
        """(updated, index) pairs, newest first and the greater index first where the second is the same.

        `after` is the last pair seen. `since` and `until` are left out themselves.
        """
        ...

    def walk_latest(
        self, *, upto: int | None = None, since: int | None = None, until: int | None = None
    ) -> Iterator[int]:
        """Indexes, the greatest first and none above `upto`, of records updated at `since` or later and created at
        `until` or earlier, themselves included."""
        ...

    def walk_earliest(self, *, start: int = 0, since: int | None = None) -> Iterator[int]:
        """Indexes, the least first and none below `start`, of records updated at `since` or later."""
        ...


class Company(Protocol):
    """A made-up company. Every fact is a function of the seed and an index, so no record is kept in memory."""

    name: str
    departments: Sequence[str]
    categories: Sequence[CategoryFacts]
    channels: Sequence[str]
    roles: Sequence[str]
    candidates: Timeline
    jobs: Timeline
    applications: Timeline
    employees: Timeline

    def candidate(self, index: int) -> PersonFacts: ...

    def employee(self, index: int) -> PersonFacts: ...

    def job(self, index: int) -> JobFacts: ...

    def application(self, index: int) -> ApplicationFacts: ...

    def steps(self, index: int) -> list[HistoryEntry]:
        """The application's history, oldest first: from its creation to no later than its last update."""
        ...

    def applications_of(self, candidate: int) -> Sequence[int]: ...

    def applications_to(self, job: int) -> Sequence[int]: ...

    def find_candidate(self, email: str) -> int | None:
        """The index of the candidate with this e-mail address in any letter case; nothing is scanned."""
        ...

    def find_employee(self, email: str) -> int | None: ...


@dataclass(frozen=True)
class CompanyRows:
    """The rows of a stream that come from the company: index → row, each with a number of its own."""

    timeline: Timeline
    first_number: int
    stride: int
    shape: Callable[[int], Row]

    def number(self, index: int) -> int:
        return self.first_number + self.stride * index

    def find_index(self, number: int) -> int | None:
        index, rest = divmod(number - self.first_number, self.stride)
        return index if rest == 0 and 0 <= index < self.timeline.count else None


class EmulatedStream(Protocol):
    """What every stream can do: what the control plane and the faults need."""

    def find(self, number: int) -> Row | None: ...

    def count(self) -> dict[str, int]: ...

    def create(self, fields: Row, number: int | None = None) -> int: ...

    def change(self, number: int, fields: Row) -> Row | None: ...

    def delete(self, number: int) -> bool: ...

    def change_some(self, count: int, fields: Row | None = None, watch: Watch | None = None) -> int: ...

    def delete_some(self, count: int, watch: Watch | None = None) -> int: ...

    def reset(self) -> None: ...


class Rows(EmulatedStream, Protocol):
    """One stream: the company's rows under a layer of rows that were created, changed or deleted."""

    def walk_newest(
        self, *, after: Key | None = None, since: int | None = None, until: int | None = None
    ) -> Iterator[tuple[Key, Row]]:
        """Rows in the order of `Timeline.walk_newest`."""
        ...

    def find_updated_at(self, number: int) -> int | None: ...

    def is_touched(self, number: int) -> bool:
        """Whether this row is the layer's: created, changed or deleted."""
        ...

    def find_touched(self, name: str) -> list[int]:
        """Numbers of the layer's rows that `Shape.look_up` names so."""
        ...


@dataclass(frozen=True)
class PartRows:
    """Rows that belong to records of one kind, for vendors that list by number: each record has a few of them.

    A row exists within the life of its record: it was not created before and not updated after it.
    """

    records: int
    places: int
    """How many rows a record has at most."""
    shape: Callable[[int, int], Row]
    """(record, place) → row."""
    used: Callable[[int], int] | None = None
    """How many rows this record has, in its first places; without it, `places`."""
    timeline: Timeline | None = None
    """Without one the records are as old as the company."""
    total: Callable[[], int] | None = None
    """How many rows there are, where that is known faster than by asking every record."""


class NumberedRows(EmulatedStream, Protocol):
    """One stream in the order of its numbers: computed rows under a layer of created, changed and deleted ones."""

    def number(self, record: int, place: int = 0, part: int = 0) -> int: ...

    def find_place(self, number: int) -> tuple[int, int, int] | None:
        """(part, record, place) of a number that can belong to a computed row."""
        ...

    def walk_latest(
        self, *, upto: int | None = None, since: int | None = None, until: int | None = None
    ) -> Iterator[tuple[int, Row]]:
        """(number, row) with falling numbers. Computed rows whose record was last updated before `since`, or was
        created after `until`, are left out; others outside these times may come."""
        ...

    def walk_earliest(self, *, start: int = 0, since: int | None = None) -> Iterator[tuple[int, Row]]:
        """(number, row) with rising numbers from `start`; `since` as with `walk_latest`."""
        ...

    def walk_owned(
        self, owners: Sequence[Sequence[int]], link: str, values: Sequence[int], *, upto: int | None = None
    ) -> Iterator[tuple[int, Row]]:
        """Rows of the named records, by part, and rows of the layer that have one of the values in this field."""
        ...

    def is_touched(self, number: int) -> bool: ...

    def find_linked(self, link: str, value: int) -> list[int]:
        """Numbers of the layer's rows that have this value in this field."""
        ...


@dataclass(frozen=True)
class Shape:
    """What only the vendor knows about writing its rows."""

    revise: Callable[[int, Row | None, Row, int], Row]
    """(number, row before or None, fields, now) → the whole row after. Raises ConfigError for fields it cannot take.

    Now is in whole seconds since 1970; of numbered rows, whose order does not depend on it, in milliseconds."""
    vary: Callable[[int], Row]
    """Fields of a believable change; the argument is random bits."""
    look_up: Callable[[Row], str | None] = field(default=lambda _row: None)
    """The name a changed row can be looked up by."""
    links: tuple[str, ...] = ()
    """Fields with numbers, or lists of numbers, that a changed numbered row can be looked up by."""


@dataclass(frozen=True)
class Receiver:
    """A webhook receiver on this machine."""

    id: int
    name: str
    url: str
    secret: str
    events: tuple[str, ...]
    """What it wants to hear of; none means everything."""
    user: str | None = None
    password: str | None = None


@dataclass(frozen=True)
class OutboxRules:
    """What only the vendor knows about sending webhooks."""

    waits: tuple[int, ...]
    """Seconds from each failed attempt to the next; after the last of them nothing more is tried."""
    sign: Callable[[Receiver, str, bytes], Mapping[str, str]]
    """(receiver, id of the event, body) → headers."""
    is_accepted: Callable[[int], bool]
    """Whether an answer of this status ends the attempts."""
    ping: Callable[[Receiver, bool, str], bytes]
    """(receiver, whether it is enabled, when it was set up) → the body sent when a receiver is set up."""
    events: tuple[str, ...]
    ends: Callable[[int], bool] = lambda _status: False
    """Whether an answer of this status, though not accepted, ends the attempts."""
    seal: Callable[[Receiver, str, bytes], bytes | None] = lambda _receiver, _event_id, body: body
    """(receiver, id of the event, body as published) → the body for this receiver, where it says who signed it; None
    where this receiver is not to hear of it."""


class Outbox(Protocol):
    """Webhooks on their way. They are sent by the sandbox, when the movable clock says that they are due."""

    def publish(self, event: str, body: bytes, accepts: Callable[[Receiver], bool] | None = None) -> None:
        """Send this to the receivers of the event, to those that `accepts` takes where it is given."""
        ...

    def has_receiver(self, event: str) -> bool: ...

    def watch(self, announce: Callable[[str, Row | None, Row | None], None]) -> None:
        """Call this with each row that somebody changes in other ways than over the vendor's API: the stream, the row
        before and after; None where it was not there."""
        ...

    def add_receiver(self, receiver: Receiver) -> None:
        """Raises ConfigError for an address outside this machine or an unknown event."""
        ...

    def add_pinged(self, receiver: Receiver) -> None:
        """The same, and ping it: one that does not accept that is disabled, and what waits for it is dropped."""
        ...

    def remove_receiver(self, number: int) -> bool: ...

    def find_enabled(self, number: int) -> bool | None:
        """Whether a receiver is enabled; None when there is none of this number."""
        ...


def misprint(page: list[Row], faults: "Faults", path: str) -> None:
    """Let a row come twice in a list's page, or be left out, where that was asked for."""
    if page and faults.fires("repeat-row", path):
        page.append(page[-1])
    if page and faults.fires("skip-row", path):
        del page[len(page) // 2]


class Faults(Protocol):
    """The faults people asked for."""

    def fires(self, word: str, path: str) -> bool:
        """Whether this fault strikes now. To be asked only where it can strike: asking uses up one of "the next n"."""
        ...


@dataclass(frozen=True)
class Option:
    """A setting of one emulator, given as text: `choices`, a whole number from `least` up, or what `pattern` says.

    `in_demo` is what the demo sets, where the vendor's own way would keep people waiting.
    """

    default: str
    help: str
    choices: tuple[str, ...] = ()
    least: int | None = None
    pattern: str | None = None
    in_demo: str | None = None

    def check(self, name: str, text: str) -> str:
        """The text itself when it fits. Raises ConfigError when it does not."""
        if self.choices and text not in self.choices:
            raise ConfigError(f"option {name}={text}: choose one of {', '.join(self.choices)}")
        if self.least is not None and not (re.fullmatch("[0-9]{1,12}", text) and int(text) >= self.least):
            raise ConfigError(f"option {name}={text[:40]}: give a whole number, {self.least} or more")
        if self.pattern is not None and re.fullmatch(self.pattern, text, re.ASCII) is None:
            raise ConfigError(f"option {name}={text}: {self.help}")
        return text


@dataclass(frozen=True)
class Credentials:
    """What a client signs in with."""

    client_id: str
    client_secret: str
    others: Mapping[str, str] = field(default_factory=dict)
    """What other parts of the vendor's API ask for instead, by name; the emulator makes up what is not chosen."""


@dataclass(frozen=True)
class Tools:
    """What the sandbox gives an emulator."""

    seed: int
    size: int
    """Candidates in all, those of the vendor's documents included."""
    options: Mapping[str, str]
    """Checked, with every declared option present."""
    clock: MovableClock
    faults: Faults
    credentials: Credentials | None
    """Set when the operator chose them; otherwise the emulator makes some up from the seed."""
    make_company: Callable[..., Company]
    """(candidates, jobs, applications, employees: all by name) → the company.

    Each at least one, and three applications to two candidates or more: some have none, and some several."""
    make_rows: Callable[[CompanyRows | None, Mapping[int, tuple[int, Row]], Shape], Rows]
    """(generated rows, rows taken from the vendor's documents by number as (updated, row), shape) → a stream."""
    make_numbered_rows: Callable[[Sequence[PartRows], int, int, Shape], NumberedRows]
    """(parts, first number, step between numbers, shape) → a stream in the order of its numbers."""
    make_outbox: Callable[[OutboxRules], Outbox]
    """For vendors that send webhooks; called once."""


class Emulator(Protocol):
    """A running emulator. Nothing in it waits: every answer is computed at once."""

    credentials: Credentials

    @property
    def streams(self) -> Mapping[str, EmulatedStream]: ...

    def answer(self, request: Request) -> EmulatorResponse: ...

    def refuse(self, status: int, request: Request) -> EmulatorResponse:
        """The vendor's answer for a fault: 401, 403, 404, 429 or 500."""
        ...

    def find_stream(self, path: str) -> str | None:
        """The stream that this path lists, if it lists one."""
        ...

    def expire_tokens(self) -> None:
        """Make every token that was handed out worthless."""
        ...

    def reset(self) -> None:
        """Forget tokens and spent budgets; the rows are put back by the sandbox."""
        ...


@dataclass(frozen=True)
class EmulatorKind:
    """What a vendor folder declares: who it is, what can be set, and how one is built."""

    slug: str
    title: str
    build: Callable[[Tools], Emulator]
    options: Mapping[str, Option] = field(default_factory=dict)
    rows_at: tuple[str, ...] = ()
    """Where an answer with several rows has them: names of members, from the outside in; none means the whole body.

    A name may be several with bars between them, `things|people`: the first that the answer has."""
    next_at: tuple[str, ...] | None = None
    """Where it has the next link; None means a Link header."""
    scheme: str = "Bearer"
    """How requests are signed: of the Authorization header the first word. Refusals for a bad token are for these."""
    read_id: Callable[[str], int | None] | None = None
    """An id of the vendor's → the row's number, for the control plane, where ids are no numbers."""
