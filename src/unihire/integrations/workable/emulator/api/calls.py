"""What an endpoint is, a call of one, its answer and its refusal; and how a path finds its endpoint."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from urllib.parse import unquote

from unihire.integration.emulate import Faults, Request, Row
from unihire.integrations.workable.emulator.api.files import Files
from unihire.integrations.workable.emulator.rows.find import WorkableRows
from unihire.integrations.workable.emulator.rows.show import Show

BASE = "/spi/v3"


class Refused(Exception):
    """A call that is refused: status, text, and what is wrong with which field."""

    def __init__(self, status: int, error: str, **validation: str) -> None:
        super().__init__(error)
        self.status = status
        self.body: Row = {"error": error}
        if validation:
            self.body["validation_errors"] = {name: [text] for name, text in validation.items()}


def refuse_missing() -> Refused:
    return Refused(404, "Not found")


def refuse_field(name: str, text: str) -> Refused:
    return Refused(422, f"{name} {text}", **{name: text})


class Answer(NamedTuple):
    """A good answer; EMPTY as the body means none."""

    body: Any
    status: int = 200


EMPTY: Any = object()


@dataclass(frozen=True)
class Site:
    """What all calls share."""

    rows: WorkableRows
    show: Show
    faults: Faults
    files: Files
    options: Mapping[str, str]


@dataclass
class Call:
    """One call that was admitted: `names` are the parts of its path, `body` what is declared of it."""

    site: Site
    request: Request
    token: Row
    names: Mapping[str, str]
    base_url: str
    """What links begin with."""
    body: dict[str, Any] = field(default_factory=dict)
    query: dict[str, str] = field(default_factory=dict)

    @property
    def rows(self) -> WorkableRows:
        return self.site.rows

    def get(self, stream: str, id_: object) -> Row:
        """Raises Refused, 404."""
        row = self.rows.find(stream, id_)
        if row is None or self.rows.is_orphan(row):
            raise refuse_missing()
        return row

    def get_candidate(self) -> Row:
        """The one that the path names, of the job that it names. Raises Refused."""
        row = self.get("candidates", self.names["id"])
        if "shortcode" in self.names and row.get("job_shortcode") != self.names["shortcode"]:
            raise refuse_missing()
        return row

    def get_job(self) -> Row:
        row = self.rows.find_job(self.names["shortcode"])
        if row is None:
            raise refuse_missing()
        return row

    def link_file(self, kind: str, id_: object, name: str) -> str:
        return self.base_url + self.site.files.make_path(kind, str(id_), name)

    def show_candidate(self, row: Row) -> Row:
        """The detail, with its links."""
        resume = row.get("resume_metadata")
        name = resume.get("filename") if isinstance(resume, dict) else None
        link = self.link_file("resumes", row.get("id"), name) if isinstance(name, str) else None
        return self.site.show.candidate(row, is_detail=True, link=link)


@dataclass(frozen=True)
class Endpoint:
    """One endpoint: its path with names in braces, what a token needs for it, and what answers."""

    method: str
    path: str
    scope: str | None
    answer: Callable[[Call], Answer]
    body: Mapping[str, str] | None = None
    """Members of the body → kind, as `bodies` checks them."""
    stream: str | None = None
    """What it lists."""
    user_only: bool = False
    """Whether only tokens of members may call it."""

    @property
    def is_write(self) -> bool:
        return self.method != "GET"


class Routes:
    """Finds the endpoint of a path; a part that is written out goes before one with a name."""

    def __init__(self, endpoints: Iterable[Endpoint]) -> None:
        self._known: dict[tuple[str, int], list[tuple[list[str], Endpoint]]] = {}
        for endpoint in endpoints:
            parts = endpoint.path.strip("/").split("/")
            self._known.setdefault((endpoint.method, len(parts)), []).append((parts, endpoint))
        for same in self._known.values():
            same.sort(key=lambda pair: [part.startswith("{") for part in pair[0]])

    def find(self, method: str, path: str) -> tuple[Endpoint, dict[str, str]] | None:
        given = path.strip("/").split("/")
        for parts, endpoint in self._known.get((method, len(given)), ()):
            names = match(parts, given)
            if names is not None:
                return endpoint, names
        return None


def match(parts: Sequence[str], given: Sequence[str]) -> dict[str, str] | None:
    """What the names stand for; None for another path."""
    names = {}
    for part, text in zip(parts, given, strict=True):
        if part.startswith("{"):
            names[part.strip("{}")] = unquote(text)
        elif part != text:
            return None
    return names
