"""What an endpoint is, and a call of one that passed key and permission."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from unihire.integration.emulate import Faults, Outbox, Request, Row
from unihire.integrations.lever.emulator.api.answers import Answer, Download, Refused, refuse_input, refuse_missing
from unihire.integrations.lever.emulator.api.files import Files
from unihire.integrations.lever.emulator.api.keys import Caller
from unihire.integrations.lever.emulator.api.queries import Query
from unihire.integrations.lever.emulator.rows.find import LeverRows
from unihire.integrations.lever.emulator.rows.show import Show, View
from unihire.kit.posted_forms import FormPart


@dataclass(frozen=True)
class Site:
    """What all calls share."""

    rows: LeverRows
    show: Show
    files: Files
    faults: Faults
    outbox: Outbox
    options: Mapping[str, str]


@dataclass
class Call:
    """One call: `ids` are those of its path, `body` has what is declared of it, each of its type."""

    site: Site
    request: Request
    caller: Caller
    query: Query
    ids: Sequence[str]
    body: dict[str, Any]
    parts: Sequence[FormPart] = ()
    actor: str | None = None
    """The user it is done as."""
    view: View = field(init=False)

    def __post_init__(self) -> None:
        expand = frozenset(word for text in self.query.values("expand") for word in text.split(","))
        include = frozenset(word for text in self.query.values("include") for word in text.split(",") if word)
        is_recorded = self.site.options["include"] == "recorded"
        self.view = View(expand, include, self.request.base_url, is_recorded)

    @property
    def rows(self) -> LeverRows:
        return self.site.rows

    def get(self, stream: str, id_: object) -> Row:
        """The row. Raises Refused: 404, and 403 for what is confidential to the caller."""
        row = self.rows.find(stream, id_)
        if row is None or self.rows.is_orphan(stream, row):
            raise refuse_missing(stream, id_)
        if self.site.show.is_confidential(stream, row) and not self.caller.sees_confidential:
            raise Refused(403, "This credential may not see confidential data.")
        return row

    def get_opportunity(self) -> Row:
        """The one that the path begins with."""
        return self.get("opportunities", self.ids[0])

    def get_owned(self, stream: str) -> Row:
        """The row at the end of the path, of the opportunity at its beginning."""
        opportunity, row = self.get_opportunity(), self.rows.find(stream, self.ids[1])
        if row is None or row.get("opportunityId") != opportunity["id"]:
            raise refuse_missing(stream, self.ids[1])
        return row

    def get_named(self, stream: str, name: str) -> Row | None:
        """The row that a member of the body names, if it names one. Raises Refused for an unknown one."""
        id_ = self.body.get(name)
        if id_ is None:
            return None
        row = self.rows.find(stream, id_)
        if row is None:
            raise refuse_input(f"{stream} {str(id_)[:100]} was not found", name)
        return row

    def answer(self, stream: str, row: Row, status: int = 200) -> Answer:
        """The row as it is now."""
        now = self.rows.find(stream, row["id"])
        return Answer(self.site.show.row(stream, row if now is None else now, self.view), status)


AnswerCall = Callable[[Call], Answer | Download]


class Endpoint(NamedTuple):
    """One endpoint: its method and path, the permission it needs, its body as `bodies` declares it, what answers.

    `actor` says whether a write names who does it: `must`, `may` or `none`.
    """

    method: str
    path: str
    permission: str
    answer: AnswerCall
    body: str = ""
    actor: str = "none"
    takes_form: bool = False
    stream: str | None = None
    """What it lists."""

    @property
    def is_write(self) -> bool:
        return self.method != "GET"
