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
from unihire.integrations.ashby.emulator.api.bodies import check_body, read_body, read_form_body
from unihire.integrations.ashby.emulator.api.calls import Call, Endpoint, Site
from unihire.integrations.ashby.emulator.api.envelope import (
    JSON,
    VERSION,
    Answer,
    Refused,
    RequestIds,
    encode_refusal,
    encode_success,
    refuse_input,
)
from unihire.integrations.ashby.emulator.api.files import CONTENT, STORAGE, Files
from unihire.integrations.ashby.emulator.api.keys import Keys, check_permission, complete_credentials, make_keys
from unihire.integrations.ashby.emulator.api.limits import Minute
from unihire.integrations.ashby.emulator.api.pages import Pages
from unihire.integrations.ashby.emulator.api.unanswered import UNANSWERED
from unihire.integrations.ashby.emulator.reads.lists import make_lists
from unihire.integrations.ashby.emulator.reads.single import make_reads
from unihire.integrations.ashby.emulator.rows.find import AshbyRows
from unihire.integrations.ashby.emulator.rows.ids import read_row_id
from unihire.integrations.ashby.emulator.rows.show import Show
from unihire.integrations.ashby.emulator.webhooks.changes import Reporter
from unihire.integrations.ashby.emulator.webhooks.messages import RULES
from unihire.integrations.ashby.emulator.writes import (
    applications,
    candidates,
    company,
    custom_values,
    interviews,
    jobs,
    offers,
)
from unihire.integrations.ashby.emulator.writes.applying import Applying
from unihire.integrations.ashby.emulator.writes.declaring import make_endpoints
from unihire.integrations.ashby.emulator.writes.hooks import Hooks
from unihire.kit.posted_forms import FormPart, is_form, read_form

OPTIONS = {
    "rate_limit": Option("1000", "calls a minute for each key; 0: no limit", least=0, in_demo="0"),
    "retry_after": Option("none", "sent: a 429 says in Retry-After when to come again", ("none", "sent")),
    "sync_pages": Option("100", "pages that may be read under one sync token; 0: no bound", least=0),
    "sync_token_days": Option("30", "days until a sync token expires; 0: never", least=0),
    "cursor_minutes": Option("1440", "minutes until a cursor expires; 0: never", least=0),
    "error_form": Option(
        "info", "where the code of a refusal is: errorInfo, or errors as texts or objects", ("info", "texts", "objects")
    ),
    "invalid_input_status": Option("200", "400: a body that is wrong is refused with this status", ("200", "400")),
    "without_permissions": Option(
        "", "permissions the first key lacks, such as offers:read,candidates:write", pattern=r"(\s*\w+:\w+\s*(,|$))*"
    ),
    "public_url": Option(
        "",
        "what links to files begin with, such as https://ats.example.com; otherwise the host of the request",
        pattern=r"(https?://[^\s/]+\S*)?",
    ),
}

ALL_WRITES = tuple(
    module.WRITES for module in (candidates, applications, interviews, offers, jobs, company, custom_values)
)

REFUSALS = {
    401: ("missing_api_key", "give an API key as the user name of Basic authentication"),
    403: ("missing_endpoint_permission", "this key lacks a permission"),
    404: ("endpoint_not_found", "there is no such endpoint"),
    429: ("rate_limit_exceeded", "too many calls: come again later"),
    500: ("internal_server_error", "something went wrong"),
}
"""Status → code and text of refusals that show in the status."""


class AshbyEmulator:
    """An Emulator (see integration/emulate.py)."""

    def __init__(self, tools: Tools) -> None:
        self._tools, options = tools, tools.options
        self.credentials: Credentials = complete_credentials(tools.credentials, tools.seed)
        lacking = frozenset(word.strip() for word in options["without_permissions"].split(",") if word.strip())
        keys = make_keys(self.credentials, lacking, "2026-01-05T09:00:00.000Z")
        self._rows = AshbyRows(tools, keys)
        self.streams: Mapping[str, EmulatedStream] = self._rows.streams
        self._keys = Keys(self._rows, keys)
        show = Show(self._rows)
        self._site = Site(self._rows, show, Pages(tools.seed, tools.clock, options), tools.faults)
        outbox = tools.make_outbox(RULES)
        self._reporter = Reporter(self._rows, show, outbox, tools.seed)
        outbox.watch(self._reporter.announce)
        self._files = Files(tools.seed, tools.clock)
        writes = (Applying(self._files).list_writes(), Hooks(outbox).list_writes(), *ALL_WRITES)
        self._endpoints: Mapping[str, Endpoint] = {
            **make_lists(),
            **make_reads(),
            **make_endpoints(*writes),
            **self._files.list_endpoints(),
        }
        self.reset()

    def reset(self) -> None:
        self._minute = Minute(int(self._tools.options["rate_limit"]), self._tools.clock)
        self._ids = RequestIds(self._tools.seed, self._tools.clock)
        self._site.pages.reset()
        self._rows.reset()
        self._files.reset()
        self._reporter.reset()

    def expire_tokens(self) -> None:
        """Sync tokens are the only tokens here."""
        self._site.pages.expire()

    def find_stream(self, path: str) -> str | None:
        endpoint = self._endpoints.get(path.removeprefix("/"))
        return None if endpoint is None else endpoint.stream

    # One request

    def answer(self, request: Request) -> EmulatorResponse:
        if request.path.startswith(STORAGE):
            return self._files.receive(request)
        if request.path.startswith(CONTENT):
            return self._files.read(request)
        name = unquote(request.path.removeprefix("/"))
        endpoint = self._endpoints.get(name)
        route = request.path if endpoint is not None else ""
        try:
            call = self._admit(request, endpoint)
            assert endpoint is not None, "_admit refuses unknown endpoints"
            answer = self._do(endpoint, call)
        except Refused as refused:
            return self._send_refusal(refused, route)
        return EmulatorResponse(200, encode_success(answer), JSON, self._list_headers(self._ids.make()), route)

    def _do(self, endpoint: Endpoint, call: Call) -> Answer:
        """All that a write touches changes at one moment, and is reported once it is done."""
        if not endpoint.is_write:
            return endpoint.answer(call)
        with self._rows.acting() as changes:
            answer = endpoint.answer(call)
            self._reporter.report(changes)
        return answer

    def _admit(self, request: Request, endpoint: Endpoint | None) -> Call:
        """Key, limit, path, permission, body: in this order. Raises Refused."""
        caller = self._keys.get_caller(request)
        if not self._minute.take(caller.key["id"]):
            raise Refused(*REFUSALS[429], status=429)
        version = request.headers.get("ashby-version")
        if version not in (None, VERSION):
            raise Refused("invalid_version", f"only version {VERSION} is active", status=400)
        if endpoint is None or request.method != "POST":
            code, message = REFUSALS[404]
            raise Refused(code, UNANSWERED.get(request.path.removeprefix("/"), message), status=404)
        check_permission(caller.key, endpoint.permission)
        body, parts = self._read(request, endpoint)
        return Call(self._site, endpoint.name, request, body, caller, self._find_url(request), parts)

    @staticmethod
    def _read(request: Request, endpoint: Endpoint) -> tuple[dict[str, Any], Sequence[FormPart]]:
        """The body, checked; of a form also its parts. Raises Refused."""
        kind = request.headers.get("content-type", "")
        if endpoint.takes_form and is_form(kind):
            try:
                parts = read_form(kind, request.body)
            except ValueError:
                raise refuse_input("the body is no form") from None
            body = read_form_body(parts)
            if endpoint.file_part is not None:
                name, member = endpoint.file_part
                if not any(part.name == name and part.filename is not None for part in parts):
                    raise refuse_input(f"{name} is required", name)
                body[member] = name
            return check_body(endpoint.body, body, is_strict=endpoint.is_strict), parts
        if kind.partition(";")[0].strip().lower() != JSON:
            raise Refused("unsupported_media_type", f"send {JSON}", status=415)
        return check_body(endpoint.body, read_body(request.body), is_strict=endpoint.is_strict), ()

    def _find_url(self, request: Request) -> str:
        return self._tools.options["public_url"].rstrip("/") or request.base_url

    def refuse(self, status: int, request: Request) -> EmulatorResponse:
        code, message = REFUSALS.get(status, REFUSALS[500])
        return self._send_refusal(Refused(code, message, status=status), request.path)

    def _send_refusal(self, refused: Refused, route: str) -> EmulatorResponse:
        options, request_id = self._tools.options, self._ids.make()
        status = int(options["invalid_input_status"]) if refused.code == "invalid_input" else refused.status
        headers = self._list_headers(request_id)
        if status == 429 and options["retry_after"] == "sent":
            headers.append(("retry-after", str(self._minute.count_seconds())))
        body = encode_refusal(refused, request_id, options["error_form"])
        return EmulatorResponse(status, body, JSON, headers, route)

    @staticmethod
    def _list_headers(request_id: str) -> list[tuple[str, str]]:
        return [("x-ashby-request-id", request_id), ("ashby-version", VERSION), ("ashby-version-status", "active")]


EMULATOR = EmulatorKind(
    slug="ashby",
    title="Ashby API",
    build=AshbyEmulator,
    options=OPTIONS,
    rows_at=("results",),
    scheme="Basic",
    read_id=read_row_id,
)
