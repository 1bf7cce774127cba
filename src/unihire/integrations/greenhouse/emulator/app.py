"""An emulator of the vendor's Harvest API, version 3: what it was seen to answer, for all its resources.

Written from the vendor's documents and recordings alone (see docs/sandbox.md). Nothing here knows the connector
beside it.
"""

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from unihire.integration.emulate import (
    Credentials,
    EmulatorKind,
    EmulatorResponse,
    NumberedRows,
    Option,
    Request,
    Row,
    Tools,
    misprint,
)
from unihire.integrations.greenhouse.emulator.api.auth import JSON, Token, TokenEndpoint, make_credentials
from unihire.integrations.greenhouse.emulator.api.limits import Window
from unihire.integrations.greenhouse.emulator.api.routes import PREFIX, Call, Refused, Route, WriteRoutes
from unihire.integrations.greenhouse.emulator.query import Invalid, ListQuery, make_cursor, read_list_query
from unihire.integrations.greenhouse.emulator.resources import RESOURCES
from unihire.integrations.greenhouse.emulator.rows.find import GreenhouseRows
from unihire.integrations.greenhouse.emulator.webhooks.changes import Changes
from unihire.integrations.greenhouse.emulator.webhooks.messages import RULES
from unihire.integrations.greenhouse.emulator.webhooks.payloads import Payloads
from unihire.integrations.greenhouse.emulator.writes.actions import equip_with_flows
from unihire.integrations.greenhouse.emulator.writes.effects import equip
from unihire.integrations.greenhouse.emulator.writes.plain import Writer

WINDOW_SECONDS, TOKEN_WINDOW_SECONDS = 30, 60

UNREADABLE = "Token could not be decoded. Please check that it is valid."
REFUSALS: dict[int, tuple[str, tuple[str, ...]]] = {
    401: ("Unauthorized", (UNREADABLE,)),
    403: ("Forbidden", ("Missing required permission",)),
    404: ("Resource not found", ()),
}
"""Message and errors of refusals that are faults."""

OPTIONS = {
    "rate_limit": Option("150", "requests in 30 seconds; 0: no limit", least=0, in_demo="0"),
    "token_rate_limit": Option("60", "token requests in 60 seconds; 0: no limit", least=0),
    "without_scopes": Option(
        "", "scopes the credential lacks, such as offers:list,notes:create", pattern=r"(\s*\w+:\w+\s*(,|$))*"
    ),
    "unknown_parameters": Option("let", "refuse: 422 for a query parameter the list does not have", ("let", "refuse")),
    "extra_fields": Option(
        "sent", "off: applications without job_interview_stage_id, which their schema lacks", ("sent", "off")
    ),
    "public_url": Option(
        "",
        "what absolute links begin with, such as https://ats.example.com; otherwise the host of the request",
        pattern=r"(https?://[^\s/]+\S*)?",
    ),
}


class GreenhouseEmulator:
    """An Emulator (see integration/emulate.py)."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self._clock = tools.clock
        self._rows = GreenhouseRows(tools, extra_fields=tools.options["extra_fields"] == "sent")
        self.streams: Mapping[str, NumberedRows] = self._rows.streams
        self.credentials: Credentials = tools.credentials or make_credentials(tools.seed)
        self._outbox = tools.make_outbox(RULES)
        payloads = Payloads(self._rows, self._outbox)
        self._outbox.watch(Changes(self._rows, payloads.publish).announce)
        self._writer = Writer(self._rows, payloads.publish)
        equip(self._writer)
        equip_with_flows(self._writer)
        routes = self._list_routes()
        self._exact = {(method, route.name): route for method, route in routes if "{" not in route.name}
        self._patterns = [
            (method, re.compile(re.sub(r"\{\w+\}", "([^/]+)", route.name)), route)
            for method, route in routes
            if "{" in route.name
        ]
        lacking = {f"harvest:{scope.strip()}" for scope in tools.options["without_scopes"].split(",") if scope.strip()}
        scopes = frozenset(route.scope for _, route in routes) - lacking
        self._tokens = TokenEndpoint(self.credentials, tools.seed, tools.clock, scopes, self._is_user)
        self.reset()

    def reset(self) -> None:
        options = self._tools.options
        self._requests = 0
        limit = int(options["rate_limit"])
        # "custom and partner credentials count apart": harvest_v3.json, rate_limit.
        self._windows = {is_partner: Window(limit, WINDOW_SECONDS, self._clock) for is_partner in (False, True)}
        self._token_window = Window(int(options["token_rate_limit"]), TOKEN_WINDOW_SECONDS, self._clock)
        self._tokens.reset()

    def expire_tokens(self) -> None:
        self._tokens.clear()

    def find_stream(self, path: str) -> str | None:
        route = self._exact.get(("GET", path))
        return None if route is None else route.resource

    def _find_actor(self, token: Token) -> int:
        return self.streams["users"].number(0, part=1) if token.user is None else token.user

    def _is_user(self, number: int) -> bool:
        return self.streams["users"].find(number) is not None

    def _list_routes(self) -> list[tuple[str, Route]]:
        routes = []
        for name in RESOURCES:
            # Listing bulk requests wants the scope of a write: harvest_v3.json, bulk_requests.
            scope = "harvest:openings:create" if name == "bulk_requests" else f"harvest:{name}:list"
            routes.append(("GET", Route(f"{PREFIX}{name}", name, scope, self._list)))
        path = f"{PREFIX}bulk_requests/{{bulk_action_uuid}}"
        routes.append(("GET", Route(path, "bulk_requests", "harvest:openings:create", self._show_bulk_request)))
        is_strict = self._tools.options["unknown_parameters"] == "refuse"
        writes = WriteRoutes(self._writer, self._clock, self._outbox, self._rows.send, self._find_actor, is_strict)
        return routes + writes.list()

    # One request

    def answer(self, request: Request) -> EmulatorResponse:
        if not request.path.startswith(PREFIX):
            return self._answer_beside(request)
        token = self._tokens.find(request.headers.get("authorization", ""))
        window = self._windows[token is not None and token.is_partner]
        route, ids = self._find_route(request.method, request.path)
        name = "" if route is None else route.name
        if not window.take():
            return _send_error(429, "Too Many Requests", (), window.list_refusal_headers(), name)
        headers = window.list_headers()
        try:
            if route is None:
                # The vendor looks for the route before it looks at the token.
                raise Refused(404, "Resource not found")
            answer = route.answer(self._pass_gate(request, route, ids, token))
        except Refused as refused:
            return _send_error(refused.status, refused.message, refused.errors, headers, name)
        except Invalid as invalid:
            return _send_error(422, "Unprocessable Content", invalid.errors, headers, name)
        return EmulatorResponse(answer.status, answer.body, answer.content_type, [*headers, *answer.headers], name)

    def refuse(self, status: int, request: Request) -> EmulatorResponse:
        route, _ = self._find_route(request.method, request.path)
        name = "" if route is None else route.name
        window = self._windows[False] if request.path.startswith(PREFIX) else self._token_window
        if status == 429:
            return _send_error(429, "Too Many Requests", (), window.list_refusal_headers(), name)
        if status in REFUSALS:
            return _send_error(status, *REFUSALS[status], window.list_headers(), name)
        return _send_error(status, "Internal Server Error", (), window.list_headers(), name)

    def _answer_beside(self, request: Request) -> EmulatorResponse:
        """What is not under /v3: signing in, and the files that links lead to."""
        if request.path == "/token" and request.method == "POST":
            if not self._token_window.take():
                return _send_error(429, "Too Many Requests", (), self._token_window.list_refusal_headers(), "/token")
            answer = self._tokens.hand_out(request)
            headers = [*answer.headers, *self._token_window.list_headers()]
            return EmulatorResponse(answer.status, answer.body, answer.content_type, headers, "/token")
        if request.path == "/authorize" and request.method == "GET":
            return self._tokens.authorize(request)
        match = re.fullmatch(r"/files/attachments/(\d{1,18})/[^/]+", request.path, re.ASCII)
        if match is not None and request.method == "GET":
            row = self._rows.find("attachments", int(match[1]))
            if row is not None:
                text = f"%PDF-1.4\n% {row['filename']} of application {row['application_id']}, made up\n%%EOF\n"
                return EmulatorResponse(200, text.encode(), "application/pdf", route="/files/attachments/{id}")
        return _send_error(404, "Resource not found", ())

    def _find_route(self, method: str, path: str) -> tuple[Route | None, tuple[str, ...]]:
        route = self._exact.get((method, path))
        if route is not None:
            return route, ()
        for its_method, pattern, route in self._patterns:
            match = pattern.fullmatch(path) if its_method == method else None
            if match is not None:
                return route, match.groups()
        return None, ()

    def _pass_gate(self, request: Request, route: Route, ids: tuple[str, ...], token: Token | None) -> Call:
        """Raises Refused for a request that may not go on."""
        if token is None:
            raise Refused(401, "Unauthorized", UNREADABLE)
        if RESOURCES[route.resource].is_partner_only and not token.is_partner:
            raise Refused(403, "Forbidden", f"{route.resource} is open to partner credentials only")
        if route.scope not in token.scopes:
            raise Refused(403, "Forbidden", f"Missing required permission: {route.scope}")
        if request.method == "GET" and token.user is not None:
            user = self._rows.find("users", token.user)
            if user is None or not user["site_admin"]:
                # "Lists need a Site Admin": harvest_v3.md, Auth.
                raise Refused(403, "Forbidden", f"{route.scope} needs a Site Admin; user {token.user} is none")
        base_url = self._tools.options["public_url"].rstrip("/") or request.base_url
        return Call(request, route.resource, ids, token, base_url)

    # Reading

    def _list(self, call: Call) -> EmulatorResponse:
        resource = RESOURCES[call.resource]
        lets_unknown = self._tools.options["unknown_parameters"] == "let"
        query = read_list_query(resource, call.request.query, lets_unknown=lets_unknown)
        send, base_url = self._rows.send, call.base_url
        page: list[Row] = []
        following = None
        faults, path = self._tools.faults, call.request.path
        is_hollow = faults.fires("hollow-page", path)
        for number, row in self._rows.walk(call.resource, query):
            if is_hollow or len(page) == query.per_page:
                following = number
                break
            page.append(send(call.resource, row, base_url))
        if following is not None and len(page) > 1 and faults.fires("repeat-rows", path):
            following = page[len(page) // 2]["id"]
        misprint(page, faults, path)
        if query.fields is not None:
            page = self._pick_fields(call.resource, query.fields, page)
        headers = self._link_next(call, query, following, is_empty=not page)
        return EmulatorResponse(200, msgspec.json.encode(page), JSON, headers)

    def _pick_fields(self, stream: str, fields: tuple[str, ...], page: list[Row]) -> list[Row]:
        known = self._rows.list_fields(stream)
        for name in fields:
            if name not in known:
                raise Invalid({"fields": f"`{name}` is not a field of {stream}"})
        return [{name: row[name] for name in fields if name in row} for row in page]

    def _link_next(
        self, call: Call, query: ListQuery, following: int | None, *, is_empty: bool
    ) -> list[tuple[str, str]]:
        """The Link header; a last page has none."""
        faults, here = self._tools.faults, call.base_url + call.request.path
        if following is not None and faults.fires("stranger-next", call.request.path):
            here = "https://stranger.example.com" + call.request.path
        self._requests += 1
        request_id = f"{self._tools.seed & 0xFFFFFFFF:08x}{self._requests:024x}"
        if following is None:
            if faults.fires("self-next", call.request.path):
                own = query._replace(page=max(query.page - 1, 1))
                following = query.upto or _ABOVE_ALL
                return [("link", f'<{here}?cursor={make_cursor(own, following, request_id)}>; rel="next"')]
            if is_empty or not faults.fires("empty-page", call.request.path):
                return []
            following = 0
        return [("link", f'<{here}?cursor={make_cursor(query, following, request_id)}>; rel="next"')]

    def _show_bulk_request(self, call: Call) -> EmulatorResponse:
        for _, row in self.streams["bulk_requests"].walk_latest():
            if row["bulk_action_uuid"] == call.ids[0]:
                return EmulatorResponse(
                    200, msgspec.json.encode(self._rows.send("bulk_requests", row, call.base_url)), JSON
                )
        raise Refused(404, "Resource not found")


def _send_error(
    status: int,
    message: str,
    errors: tuple[Any, ...],
    headers: list[tuple[str, str]] | None = None,
    route: str = "",
) -> EmulatorResponse:
    body: dict[str, Any] = {"message": message}
    if errors:
        body["errors"] = errors
    return EmulatorResponse(status, msgspec.json.encode(body), JSON, headers or [], route)


_ABOVE_ALL = 2**52

EMULATOR = EmulatorKind(slug="greenhouse", title="Greenhouse Harvest API v3", build=GreenhouseEmulator, options=OPTIONS)
