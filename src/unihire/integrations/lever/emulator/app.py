"""An emulator of the vendor's API: every read and write that has to do with hiring, its webhooks and files.

Written from the vendor's documents alone (see docs/sandbox.md and quirks.md). Nothing here knows a connector.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import unquote

from unihire.integration.emulate import (
    Credentials,
    EmulatedStream,
    EmulatorKind,
    EmulatorResponse,
    Option,
    Request,
    Tools,
)
from unihire.integrations.lever.emulator.api.answers import (
    JSON,
    SERVER,
    Answer,
    Download,
    Refused,
    encode_refusal,
    encode_success,
    refuse_input,
)
from unihire.integrations.lever.emulator.api.bodies import check_body, read_body, read_form_body
from unihire.integrations.lever.emulator.api.calls import Call, Endpoint, Site
from unihire.integrations.lever.emulator.api.files import Files
from unihire.integrations.lever.emulator.api.keys import UNAUTHORIZED, Caller, Keys, complete_credentials, make_keys
from unihire.integrations.lever.emulator.api.limits import Buckets
from unihire.integrations.lever.emulator.api.queries import Query
from unihire.integrations.lever.emulator.api.tokens import AUTHORIZE, TOKEN, Tokens
from unihire.integrations.lever.emulator.api.unanswered import UNANSWERED
from unihire.integrations.lever.emulator.reads.lists import make_lists
from unihire.integrations.lever.emulator.reads.opportunities import Opportunities
from unihire.integrations.lever.emulator.reads.single import make_reads
from unihire.integrations.lever.emulator.rows.find import LeverRows
from unihire.integrations.lever.emulator.rows.ids import make_id, read_row_id
from unihire.integrations.lever.emulator.rows.show import Show
from unihire.integrations.lever.emulator.webhooks.changes import Reporter
from unihire.integrations.lever.emulator.webhooks.messages import RULES
from unihire.integrations.lever.emulator.writes import ALL_WRITES
from unihire.kit.posted_forms import FormPart, is_form, read_form

ROOT = "/v1"
APPLY = "/postings/{}/apply"

OPTIONS = {
    "rate_limit": Option("10", "calls a second that each key may make for long; 0: no limit", least=0, in_demo="0"),
    "burst": Option("20", "calls that a key may make at once", least=1),
    "apply_limit": Option("2", "applications a second that each key may post; 0: no limit", least=0, in_demo="0"),
    "include": Option(
        "recorded", "documented: followers and content are sent only where asked for", ("recorded", "documented")
    ),
    "interaction": Option("still", "moves: notes and interviews move lastInteractionAt", ("still", "moves")),
    "eeo_form": Option("plain", "wrapped: answers without names are in eeoResponses", ("plain", "wrapped")),
    "put_status": Option("200", "201: what a PUT of an interview or a requisition is answered with", ("200", "201")),
    "note_answer": Option("whole", "id: a new note is answered with its id alone", ("whole", "id")),
    "without_permissions": Option(
        "",
        "permissions the first key lacks, such as offers:read:admin,notes:write:admin",
        pattern=r"(\s*\w+:\w+:admin\s*(,|$))*",
    ),
}

MESSAGES = {
    401: UNAUTHORIZED,
    403: "This credential lacks a permission.",
    404: "Nothing was found.",
    429: "Too many requests: come again later.",
    500: "Something went wrong.",
}


class LeverEmulator:
    """An Emulator (see integration/emulate.py)."""

    def __init__(self, tools: Tools) -> None:
        self._tools, options = tools, tools.options
        self.credentials: Credentials = complete_credentials(tools.credentials, tools.seed)
        lacking = frozenset(word.strip() for word in options["without_permissions"].split(",") if word.strip())
        keys = make_keys(self.credentials, lacking)
        self._rows = LeverRows(tools, keys)
        self.streams: Mapping[str, EmulatedStream] = self._rows.streams
        self._tokens = Tokens(self.credentials, make_id("users", 1), tools.seed, tools.clock)
        self._keys = Keys(self._rows, keys, self._tokens)
        show, outbox = Show(self._rows), tools.make_outbox(RULES)
        self._site = Site(self._rows, show, Files(), tools.faults, outbox, options)
        self._reporter = Reporter(self._rows, outbox)
        outbox.watch(self._reporter.announce)
        listing = Opportunities(self._rows, show)
        endpoints = (
            Endpoint("GET", "/opportunities", "opportunities:read:admin", listing.answer, stream="opportunities"),
            *make_lists(),
            *make_reads(),
            *ALL_WRITES,
        )
        self._endpoints = {(endpoint.method, endpoint.path): endpoint for endpoint in endpoints}
        self._paths = {endpoint.path for endpoint in endpoints} | {name.split(" ")[1] for name in UNANSWERED}
        self.reset()

    def reset(self) -> None:
        options, clock = self._tools.options, self._tools.clock
        self._calls = Buckets(int(options["rate_limit"]), int(options["burst"]), clock)
        apply_rate = int(options["apply_limit"])
        self._applications = Buckets(apply_rate, apply_rate, clock)
        self._tokens.reset()
        self._rows.reset()
        self._site.files.reset()

    def expire_tokens(self) -> None:
        self._tokens.expire()

    def find_stream(self, path: str) -> str | None:
        endpoint = self._endpoints.get(("GET", self._find_path(path)[0]))
        return None if endpoint is None else endpoint.stream

    def _find_path(self, path: str) -> tuple[str, list[str]]:
        """The path with its ids left out, and the ids. What is said of candidates is said of opportunities."""
        parts = [unquote(part) for part in path.rstrip("/").removeprefix(ROOT).split("/")[1:]]
        if parts and parts[0] == "candidates":
            parts[0] = "opportunities"
        for places in ((), (1,), (1, 3), (2,), (2, 3)):
            found = ["{}" if place in places else part for place, part in enumerate(parts)]
            if (text := "/" + "/".join(found)) in self._paths and len(parts) > max(places, default=-1):
                return text, [parts[place] for place in places]
        return path, []

    # One request

    def answer(self, request: Request) -> EmulatorResponse:
        if (request.method, request.path) == ("GET", AUTHORIZE):
            return self._tokens.authorize(request)
        if (request.method, request.path) == ("POST", TOKEN):
            return self._tokens.exchange(request)
        path, ids = self._find_path(request.path)
        endpoint = self._endpoints.get((request.method, path))
        route = path if endpoint is not None else ""
        try:
            caller = self._keys.get_caller(request)
            if not self._calls.take(caller.id):
                raise Refused(429, MESSAGES[429])
            if endpoint is None:
                reason = UNANSWERED.get(f"{request.method} {path}")
                raise Refused(404, reason or f"{request.path[:200]} does not exist")
            answer = self._do(endpoint, request, caller, ids)
        except Refused as refused:
            return self._send_refusal(refused, route)
        if isinstance(answer, Download):
            return EmulatorResponse(200, answer.content, answer.content_type, [SERVER], route)
        kind = None if answer.status == 204 else JSON
        return EmulatorResponse(answer.status, encode_success(answer), kind, [SERVER], route)

    def _do(self, endpoint: Endpoint, request: Request, caller: Caller, ids: Sequence[str]) -> Answer | Download:
        """All that a write touches changes at one moment, and is reported once it is done."""
        caller.check(endpoint.permission)
        if endpoint.path == APPLY and endpoint.is_write and not self._applications.take(caller.id):
            raise Refused(429, MESSAGES[429])
        query = Query(request.query)
        if not endpoint.is_write:
            return endpoint.answer(Call(self._site, request, caller, query, ids, {}))
        actor = self._find_actor(endpoint, query, caller)
        body, parts = self._read(request, endpoint)
        call = Call(self._site, request, caller, query, ids, body, parts, actor)
        with self._rows.acting(actor) as changes:
            answer = endpoint.answer(call)
            self._reporter.report(changes, actor)
        return answer

    def _find_actor(self, endpoint: Endpoint, query: Query, caller: Caller) -> str | None:
        """Who does it. Raises Refused where that has to be said, and for somebody who is not there."""
        given = query.find("perform_as")
        if given is None:
            if endpoint.actor == "must":
                raise refuse_input("Missing required parameter perform_as", "perform_as")
            return caller.user
        if endpoint.actor == "none":
            return caller.user
        user = self._rows.find("users", given)
        if user is None:
            raise Refused(404, "user was not found")
        if user.get("deactivatedAt") is not None:
            raise refuse_input("The user is deactivated", "perform_as")
        return given

    @staticmethod
    def _read(request: Request, endpoint: Endpoint) -> tuple[dict[str, Any], Sequence[FormPart]]:
        """The body, checked; of a form also its parts. Raises Refused."""
        kind = request.headers.get("content-type", "")
        if is_form(kind):
            if not endpoint.takes_form:
                raise Refused(415, f"Send {JSON}")
            try:
                parts = read_form(kind, request.body)
            except ValueError:
                raise refuse_input("The body is no form") from None
            return check_body(endpoint.body, read_form_body(parts)), parts
        if request.body.strip() and kind.partition(";")[0].strip().lower() != JSON:
            raise Refused(415, f"Send {JSON}")
        return check_body(endpoint.body, read_body(request.body)), ()

    def refuse(self, status: int, request: Request) -> EmulatorResponse:
        path, _ids = self._find_path(request.path)
        return self._send_refusal(Refused(status, MESSAGES.get(status, MESSAGES[500])), path)

    @staticmethod
    def _send_refusal(refused: Refused, route: str) -> EmulatorResponse:
        return EmulatorResponse(refused.status, encode_refusal(refused), JSON, [SERVER], route)


EMULATOR = EmulatorKind(
    slug="lever",
    title="Lever Data API v1",
    build=LeverEmulator,
    options=OPTIONS,
    rows_at=("data",),
    scheme="Basic",
    read_id=read_row_id,
)
