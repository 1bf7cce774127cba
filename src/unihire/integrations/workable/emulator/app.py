"""An emulator of the vendor's API: every read and write that has to do with hiring, its webhooks and files.

Written from the vendor's documents alone (see docs/sandbox.md and quirks.md). Nothing here knows a connector.
"""

import re
from collections.abc import Mapping
from urllib.parse import urlsplit
from uuid import NAMESPACE_URL, uuid5

import msgspec

from unihire.integration.emulate import (
    Credentials,
    EmulatedStream,
    EmulatorKind,
    EmulatorResponse,
    Option,
    Request,
    Tools,
)
from unihire.integrations.workable.emulator.api.bodies import check_body, read_body
from unihire.integrations.workable.emulator.api.calls import (
    BASE,
    EMPTY,
    Answer,
    Call,
    Endpoint,
    Refused,
    Routes,
    Site,
    match,
    refuse_missing,
)
from unihire.integrations.workable.emulator.api.files import FILES, Files
from unihire.integrations.workable.emulator.api.limits import Windows
from unihire.integrations.workable.emulator.api.signing_in import SigningIn
from unihire.integrations.workable.emulator.api.tokens import (
    Tokens,
    check_scope,
    complete_credentials,
    is_wide,
    make_keys,
)
from unihire.integrations.workable.emulator.api.unanswered import UNANSWERED
from unihire.integrations.workable.emulator.reads.lists import list_reads
from unihire.integrations.workable.emulator.reads.single import list_single_reads
from unihire.integrations.workable.emulator.rows.find import WorkableRows
from unihire.integrations.workable.emulator.rows.ids import read_row_id
from unihire.integrations.workable.emulator.rows.show import Show
from unihire.integrations.workable.emulator.webhooks.changes import Reporter
from unihire.integrations.workable.emulator.webhooks.messages import make_rules
from unihire.integrations.workable.emulator.writes.candidates import list_candidate_writes
from unihire.integrations.workable.emulator.writes.company import list_company_writes
from unihire.integrations.workable.emulator.writes.hooks import Hooks
from unihire.integrations.workable.emulator.writes.moves import list_move_writes

JSON = "application/json"
OWN_HOSTS = (".workable.com", ".localhost")
"""Ends of host names whose first part says the account."""

OPTIONS = {
    "rate_limit": Option("10", "calls in ten seconds for each token of the account; 0: no limit", least=0, in_demo="0"),
    "partner_rate_limit": Option("50", "the same for tokens of partners; 0: no limit", least=0, in_demo="0"),
    "retry_after": Option("none", "sent: a 429 says in Retry-After when to come again", ("none", "sent")),
    "subdomain": Option("example", "the account, as hosts and paths name it", pattern=r"[a-z0-9][a-z0-9-]{0,62}"),
    "expired_token": Option(
        "named", "what a token whose time is over is answered: by name, or as any wrong one", ("named", "plain")
    ),
    "next_link": Option(
        "with-filters", "whether the next link has the filters of the list", ("with-filters", "without-filters")
    ),
    "comments_touch": Option("no", "whether comments and ratings move the candidate's updated_at", ("no", "yes")),
    "member_refusal": Option("403", "status for a member without rights on the job", ("403", "422")),
    "created_status": Option("200", "status of a candidate or subscription that was made", ("200", "201")),
    "signature": Option("hex", "how X-Workable-Signature is written", ("hex", "base64")),
    "oauth_seconds": Option("7200", "how long tokens live that partners sign in for", least=1),
    "file_seconds": Option("60000", "how long links to files live", least=1),
    "public_url": Option(
        "", "what links begin with; otherwise the host of the request", pattern=r"(https?://[^\s/]+\S*)?"
    ),
}

REFUSALS = {401: "Not authorized", 403: "Forbidden", 404: "Not found", 429: "Too many requests", 500: "Server error"}


class WorkableEmulator:
    """An Emulator (see integration/emulate.py)."""

    def __init__(self, tools: Tools) -> None:
        self._tools, options = tools, tools.options
        self.credentials: Credentials = complete_credentials(tools.credentials, tools.seed, options["subdomain"])
        keys = make_keys(self.credentials)
        self._rows = WorkableRows(tools, keys)
        self.streams: Mapping[str, EmulatedStream] = self._rows.streams
        self._tokens = Tokens(self._rows, keys, options["expired_token"])
        others = self.credentials.others
        self._signing_in = SigningIn(
            self._rows,
            (others["oauth_client_id"], others["oauth_client_secret"]),
            tools.seed,
            tools.clock,
            int(options["oauth_seconds"]),
        )
        show, files = Show(self._rows), Files(tools.seed, tools.clock, int(options["file_seconds"]))
        self._site = Site(self._rows, show, tools.faults, files, options)
        outbox = tools.make_outbox(make_rules(options["signature"]))
        self._reporter = Reporter(self._rows, show, outbox)
        outbox.watch(self._reporter.announce)
        self._routes = Routes(
            (
                *list_reads(),
                *list_single_reads(),
                *list_candidate_writes(),
                *list_move_writes(),
                *list_company_writes(),
                *Hooks(outbox).list_endpoints(),
            )
        )
        self.reset()

    def reset(self) -> None:
        self._windows = Windows(self._tools.clock)
        self._count = 0
        self._site.files.reset()
        self._signing_in.reset()
        self._reporter.reset()

    def expire_tokens(self) -> None:
        self._tokens.expire()

    def find_stream(self, path: str) -> str | None:
        found = self._routes.find("GET", self._strip(path)) if path.startswith(BASE) else None
        return None if found is None else found[0].stream

    def _strip(self, path: str) -> str:
        """The path below the base; the old form names the account in it."""
        rest = path.removeprefix(BASE)
        old = re.match(r"/accounts/([^/]+)(/.+)", rest)
        if old is None:
            return rest
        return old[2] if old[1] == self._rows.world.account else ""

    # One request

    def answer(self, request: Request) -> EmulatorResponse:
        if request.path.startswith(FILES):
            return self._site.files.read(request)
        if (beside := self._signing_in.answer(request)) is not None:
            return beside
        headers = self._list_headers()
        route = ""
        try:
            token = self._tokens.get_token(request)
            limit = int(self._tools.options["partner_rate_limit" if is_wide(token) else "rate_limit"])
            taken = self._windows.take(token["id"], limit)
            headers += taken.list_headers()
            if not taken.is_within:
                if self._tools.options["retry_after"] == "sent":
                    headers.append(("retry-after", str(max(taken.reset - self._rows.now() // 1000, 1))))
                raise Refused(429, REFUSALS[429])
            endpoint, names = self._find(request)
            route = BASE + endpoint.path
            answer = self._do(endpoint, self._admit(request, endpoint, names, token))
        except Refused as refused:
            return EmulatorResponse(refused.status, msgspec.json.encode(refused.body), JSON, headers, route)
        body = b"" if answer.body is EMPTY else msgspec.json.encode(answer.body)
        return EmulatorResponse(answer.status, body, JSON if body else None, headers, route)

    def _find(self, request: Request) -> tuple[Endpoint, dict[str, str]]:
        """Raises Refused, 404, for another account's host, and for what there is not."""
        host = urlsplit(request.base_url).hostname or ""
        first = host.partition(".")[0]
        if host.endswith(OWN_HOSTS) and first not in ("www", self._rows.world.account):
            raise refuse_missing()
        path = self._strip(request.path) if request.path.startswith(f"{BASE}/") else ""
        found = self._routes.find(request.method, path)
        if found is None:
            refused = refuse_missing()
            for (method, known), reason in UNANSWERED.items():
                parts, given = known.strip("/").split("/"), path.strip("/").split("/")
                if method == request.method and len(parts) == len(given) and match(parts, given) is not None:
                    refused.body["reason"] = reason
            raise refused
        return found

    def _admit(self, request: Request, endpoint: Endpoint, names: dict[str, str], token: dict[str, object]) -> Call:
        """Scope, then body. Raises Refused."""
        check_scope(token, endpoint.scope)
        if endpoint.user_only and token.get("kind") != "user":
            raise Refused(403, REFUSALS[403])
        body = {}
        if endpoint.body is not None:
            kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
            if request.body and kind != JSON:
                raise Refused(415, f"send {JSON}")
            body = check_body(endpoint.body, read_body(request.body))
        origin = self._tools.options["public_url"].rstrip("/") or request.base_url
        return Call(self._site, request, token, names, origin, body, dict(request.query))

    def _do(self, endpoint: Endpoint, call: Call) -> Answer:
        """All that a write touches changes at one moment, and is reported once it is done."""
        if not endpoint.is_write:
            return endpoint.answer(call)
        with self._rows.acting() as changes:
            answer = endpoint.answer(call)
            self._reporter.report(changes)
        return answer

    def refuse(self, status: int, request: Request) -> EmulatorResponse:
        body = msgspec.json.encode({"error": REFUSALS.get(status, REFUSALS[500])})
        headers = self._list_headers()
        limit = int(self._tools.options["rate_limit"])
        if status == 429 and limit:
            # As if the window were spent.
            reset = (self._rows.now() // 10_000 + 1) * 10
            headers += [
                ("x-rate-limit-limit", str(limit)),
                ("x-rate-limit-remaining", "0"),
                ("x-rate-limit-reset", str(reset)),
            ]
        return EmulatorResponse(status, body, JSON, headers, request.path)

    def _list_headers(self) -> list[tuple[str, str]]:
        self._count += 1
        request_id = str(uuid5(NAMESPACE_URL, f"request {self._tools.seed} {self._count}"))
        return [("cache-control", "max-age=0, private, must-revalidate"), ("x-request-id", request_id)]


EMULATOR = EmulatorKind(
    slug="workable",
    title="Workable API",
    build=WorkableEmulator,
    options=OPTIONS,
    rows_at=(
        "candidates|jobs|members|events|activities|requisitions|stages|questions|recruiters|custom_attributes|files"
        "|subscriptions|candidate",
    ),
    next_at=("paging", "next"),
    read_id=read_row_id,
)
