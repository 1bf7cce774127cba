"""An answer on its way out, as spoilers see it: its rows, its next link, its token, and how it will be sent."""

import random
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlsplit

import msgspec

from unihire.integration.emulate import EmulatorKind, EmulatorResponse, Request
from unihire.sandbox.spoiling.memory import Memory

Json = Any
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


@dataclass(frozen=True)
class Wire:
    """The connection an answer goes out on."""

    receive: Receive
    send: Send
    write: Callable[[bytes], None] | None
    """Writes bytes past the server, for what no server would send; None where the app has no socket."""


class Strike(NamedTuple):
    """What a spoiler needs: the rule's settings, and its own random generator."""

    seconds: float
    megabytes: float
    member: str | None
    """Only members whose name matches, `*` standing for anything."""
    rng: random.Random


SendReply = Callable[["OutgoingResponse", Strike, Wire], Awaitable[None]]


@dataclass
class OutgoingResponse:
    """Spoilers change it; `finish` gives the answer that comes of it.

    What a spoiler puts into the document may be `msgspec.Raw`, so that the bytes sent need not be JSON.
    """

    kind: EmulatorKind
    request: Request
    answer: EmulatorResponse
    memory: Memory
    stream: str | None = None
    """The stream whose list this is, if it is one."""
    has_socket: bool = False
    """Whether bytes can go past the server."""
    send: tuple[SendReply, Strike] | None = None
    """How it is sent, where not as usual."""
    spoiled: list[dict[str, str]] = field(default_factory=list)
    """What was spoiled in which row: word, id and, where it is one, the member."""
    is_touched: bool = False
    """Whether the document changed."""

    @cached_property
    def document(self) -> Json:
        """The body as JSON; None where there is none to be spoiled."""
        if self.answer.status not in (200, 201) or (self.answer.content_type or "") != "application/json":
            return None
        return msgspec.json.decode(self.answer.body)

    def drop_document(self) -> None:
        """The body is another one: there is no JSON left in it."""
        self.__dict__["document"] = None
        self.is_touched = False

    @property
    def is_token(self) -> bool:
        return isinstance(self.document, dict) and "access_token" in self.document

    # Rows

    @property
    def rows(self) -> list[Json] | None:
        """The list of rows itself, where this is an answer with several."""
        found = self._find_rows()
        return found if isinstance(found, list) else None

    def _find_rows(self) -> Json:
        """What is where an answer with several rows has them."""
        found = self.document
        for names in self.kind.rows_at:
            found = found.get(_pick_name(found, names)) if isinstance(found, dict) else None
        return found

    @property
    def single(self) -> dict[str, Json] | None:
        """The row, where this is an answer with one: the whole body, or where other answers have several."""
        for found in (self._find_rows(), self.document):
            if isinstance(found, dict) and "id" in found and not self.is_token:
                return found
        return None

    def list_rows(self) -> list[dict[str, Json]]:
        """All rows that are still objects."""
        if self.single is not None:
            return [self.single]
        return [row for row in self.rows or () if isinstance(row, dict)]

    def put_row(self, old: dict[str, Json], new: Json) -> None:
        """Put something else in the place of a row."""
        self.is_touched = True
        if self.rows is None:
            holder = self.document
            for names in self.kind.rows_at[:-1]:
                holder = holder[_pick_name(holder, names)]
            if old is self.document:
                self.__dict__["document"] = new
            else:
                holder[_pick_name(holder, self.kind.rows_at[-1])] = new
        else:
            self.rows[next(place for place, row in enumerate(self.rows) if row is old)] = new

    # The next link

    def find_next(self) -> str | None:
        if self.kind.next_at is None:
            link = dict(self.answer.headers).get("link", "")
            return link[1:].partition(">")[0] if 'rel="next"' in link else None
        found = self.document
        for name in self.kind.next_at:
            found = found.get(name) if isinstance(found, dict) else None
        return found if isinstance(found, str) else None

    def set_next(self, href: Json) -> None:
        """`href` is text; in a body it may be anything that JSON may be."""
        if self.kind.next_at is None:
            self.set_header("link", f'<{href}>; rel="next"')
            return
        *way, last = self.kind.next_at
        found = self.document
        for name in way:
            found = found.setdefault(name, {})
        found[last] = href
        self.is_touched = True

    def name_cursor(self) -> str:
        """The parameter that next links carry their place in."""
        pairs = parse_qsl(urlsplit(self.find_next() or "").query)
        return pairs[0][0] if pairs else "cursor"

    # Headers

    def set_header(self, name: str, value: str) -> None:
        headers = [(own, text) for own, text in self.answer.headers if own != name]
        self.answer = msgspec.structs.replace(self.answer, headers=[*headers, (name, value)])

    def set_body(self, body: bytes) -> None:
        self.drop_document()
        self.answer = msgspec.structs.replace(self.answer, body=body)

    def finish(self) -> EmulatorResponse:
        if self.is_touched:
            self.answer = msgspec.structs.replace(self.answer, body=msgspec.json.encode(self.document))
            self.is_touched = False
        return self.answer


def _pick_name(holder: dict[str, Json], names: str) -> str:
    """Of several names the first that is there; a row of its own has lists that are none of rows."""
    if "|" not in names:
        return names
    return next((name for name in names.split("|") if name in holder and "id" not in holder), "")


@dataclass(frozen=True)
class Spoiler:
    """One way to spoil: `can` says where there is something to spoil, and `spoil` does it."""

    help: str
    can: Callable[[OutgoingResponse], bool]
    spoil: Callable[[OutgoingResponse, Strike], None]
    megabytes: float = 0
    """How many, unless a rule says it."""


def pick_row(reply: OutgoingResponse, rng: random.Random) -> dict[str, Json]:
    return rng.choice(reply.list_rows())


def note(reply: OutgoingResponse, word: str, row: dict[str, Json], member: str | None = None) -> None:
    """Remember which row was spoiled, by its id before."""
    entry = {"word": word, "id": str(row.get("id", ""))[:100]}
    reply.spoiled.append(entry if member is None else {**entry, "member": member})


def has_rows(reply: OutgoingResponse) -> bool:
    return not reply.is_token and bool(reply.list_rows())


def encode(value: Json) -> bytes:
    return msgspec.json.encode(value)
