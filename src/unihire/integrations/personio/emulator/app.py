"""An emulator of the vendor's v2 Recruiting API and of what its clients need around it: tokens, persons, documents,
and v1's two paths that write (`v1_api`).

Written from the vendor's documents alone (see docs/sandbox.md). Nothing here knows the connector beside it.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import msgspec

from unihire.integration.emulate import (
    Credentials,
    EmulatorKind,
    EmulatorResponse,
    Key,
    Option,
    Request,
    Row,
    Rows,
    Tools,
    misprint,
)
from unihire.integrations.personio.emulator.auth import TokenEndpoint, make_credentials
from unihire.integrations.personio.emulator.documented import (
    BAD_PARAMETERS,
    DOCUMENTS_SCOPE,
    FORBIDDEN,
    NO_ENDPOINT,
    NO_RESOURCE,
    PERSONS_SCOPE,
    RECRUITING_SCOPE,
    SERVER_ERROR,
    UNAUTHORIZED,
    WRONG_METHOD,
    Problem,
)
from unihire.integrations.personio.emulator.files import PersonioFiles, send_document
from unihire.integrations.personio.emulator.limits import Bucket, TokenLimit
from unihire.integrations.personio.emulator.query import (
    ListQuery,
    ListRules,
    Refusal,
    make_cursor,
    read_day,
    read_email,
    read_list_query,
    read_moment,
    read_since,
    read_until,
)
from unihire.integrations.personio.emulator.rows import PersonioRows
from unihire.integrations.personio.emulator.v1_api import RecruitingV1

JSON = "application/json"
PROBLEM_JSON = "application/problem+json"
RECRUITING = "/v2/recruiting"
DOCUMENTS = "/v2/document-management/documents"

AnswerRoute = Callable[[Request, tuple[str, ...]], EmulatorResponse]
"""(request, ids in its path) → answer. Raises Refusal."""

JOB_RULES = ListRules("jobs", ("updated_at.lt", "updated_at.gt"))
CANDIDATE_RULES = ListRules("candidates", ("updated_at.lt", "updated_at.gt", "email"))
APPLICATION_RULES = ListRules("applications", ("updated_at.lt", "updated_at.gt", "candidate.email"))
_PERSON_TIMES = ("created_at", "created_at.gt", "created_at.lt", "updated_at", "updated_at.gt", "updated_at.lt")
_PERSON_WORDS = ("first_name", "last_name", "preferred_name", "status")
PERSON_RULES = ListRules("persons", ("id", "email", *_PERSON_WORDS, *_PERSON_TIMES), 50, 10, None)
# That a page has 100 documents unless asked otherwise is a guess.
DOCUMENT_RULES = ListRules("documents", ("owner_id", "category_id", "created_at.gte", "created_at.lt"), 200, 100, None)
EMPLOYMENT_RULES = ListRules("employments", ("id", "updated_at", "updated_at.gt", "updated_at.lt"), 50, 10, None)

OPTIONS = {
    "mode": Option("ga", "beta-required: without the header Beta: true a list is not found", ("ga", "beta-required")),
    "auth": Option("required", "off: resources answer without a token", ("required", "off")),
    "candidate_times": Option("object", "how candidates carry created_at and updated_at", ("object", "text")),
    "burst_capacity": Option("20000", "requests an endpoint takes at once before 429", least=1),
    "replenish_rate": Option("10000", "requests an endpoint regains a second", least=1),
    "token_requests": Option("150", "token requests a minute, then one a second for a minute; 0: no limit", least=0),
    "v1_application_requests": Option("20", "applications submitted a minute; 0: no limit", least=0, in_demo="0"),
    "v1_document_requests": Option("20", "documents uploaded a minute; 0: no limit", least=0, in_demo="0"),
    "unpublished_jobs": Option(
        "", "ids of jobs nobody can apply to, such as 209321,495039", pattern=r"([0-9]{1,15}(,[0-9]{1,15})*)?"
    ),
}


@dataclass(frozen=True)
class Route:
    """One operation; `name` is its path with the ids left out."""

    method: str
    name: str
    answer: AnswerRoute
    scope: str | None
    stream: str | None = None
    """The stream it lists page by page."""
    denied: Problem = FORBIDDEN
    """The answer to a token without the scope."""


class PersonioEmulator:
    """An Emulator (see integration/emulate.py)."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self._clock = tools.clock
        self._rows = PersonioRows(tools)
        self._files = PersonioFiles(tools)
        self.credentials: Credentials = make_credentials(tools.seed, tools.credentials)
        self._v1 = RecruitingV1(tools, self._rows, self._files, self.credentials, self._make_trace_id)
        self.streams: Mapping[str, Rows] = {**self._rows.streams, **self._v1.streams}
        self._tokens = TokenEndpoint(self.credentials, tools.seed, tools.clock, self._make_trace_id)
        routes = self._list_routes()
        self._exact = {route.name: route for route in routes if "{" not in route.name}
        self._patterns = [
            (re.compile(re.sub(r"\{\w+\}", "([^/]+)", route.name)), route) for route in routes if "{" in route.name
        ]
        self.reset()

    def reset(self) -> None:
        self._traces = self._hollows = 0
        self._buckets: dict[str, Bucket] = {}
        self._token_limit = TokenLimit(int(self._tools.options["token_requests"]), self._clock)
        self._tokens.reset()
        self._v1.reset()

    def expire_tokens(self) -> None:
        self._tokens.clear()

    def find_stream(self, path: str) -> str | None:
        route = self._exact.get(path)
        return None if route is None else route.stream

    def _list_routes(self) -> list[Route]:
        rows = self._rows

        def make_person_route(path: str, answer: AnswerRoute, stream: str | None = None) -> Route:
            # 401 is what /v2/persons was seen to answer for a missing right, too (notes.md, Auth).
            return Route("GET", f"/v2/persons{path}", answer, PERSONS_SCOPE, stream, UNAUTHORIZED)

        routes = [
            Route("POST", "/v2/auth/token", self._hand_out_token, None),
            Route("POST", "/v2/auth/revoke", lambda request, _ids: self._tokens.revoke(request), None),
            make_person_route("", self._list_persons, "persons"),
            make_person_route("/{id}", self._one(rows.persons, rows.send_person)),
            make_person_route("/{id}/employments", self._list_employments),
            make_person_route("/{id}/employments/{id}", self._show_employment),
            Route("GET", f"{RECRUITING}/jobs", self._list_jobs, RECRUITING_SCOPE, "jobs"),
            Route("GET", f"{RECRUITING}/candidates", self._list_candidates, RECRUITING_SCOPE, "candidates"),
            Route("GET", f"{RECRUITING}/applications", self._list_applications, RECRUITING_SCOPE, "applications"),
            Route("GET", f"{RECRUITING}/categories", self._list_categories, RECRUITING_SCOPE),
            Route(
                "GET", f"{RECRUITING}/applications/{{id}}/stage-transitions", self._list_transitions, RECRUITING_SCOPE
            ),
            Route("GET", DOCUMENTS, self._list_documents, DOCUMENTS_SCOPE, "documents"),
            Route("GET", f"{DOCUMENTS}/{{id}}/download", self._download_document, DOCUMENTS_SCOPE),
        ]
        singles = {
            "jobs": rows.send_job,
            "candidates": rows.send_candidate,
            "applications": rows.send_application,
            "categories": rows.send_category,
        }
        for name, send in singles.items():
            answer = self._one(rows.streams[name], send)
            routes.append(Route("GET", f"{RECRUITING}/{name}/{{id}}", answer, RECRUITING_SCOPE))
        return routes

    # One request

    def answer(self, request: Request) -> EmulatorResponse:
        if self._v1.has(request.path):
            return self._v1.answer(request)
        route, ids = self._find_route(request.path)
        name = "" if route is None else route.name
        bucket = self._get_bucket(name)
        if not bucket.take():
            answer = EmulatorResponse(429)
        elif route is None:
            answer = self._find_nothing(request)
        else:
            try:
                answer = self._pass_gate(request, route) or route.answer(request, ids)
            except Refusal as refusal:
                answer = self._explain(refusal.problem)
        headers = [*answer.headers, *bucket.list_headers()]
        return EmulatorResponse(answer.status, answer.body, answer.content_type, headers, name)

    def refuse(self, status: int, request: Request) -> EmulatorResponse:
        if self._v1.has(request.path):
            return self._v1.refuse(status, request)
        route, _ = self._find_route(request.path)
        name = "" if route is None else route.name
        bucket = self._get_bucket(name)
        headers = bucket.list_headers()
        if status == 429:
            headers[0] = ("x-ratelimit-remaining", "0")
            return EmulatorResponse(429, headers=headers, route=name)
        refusals = {401: UNAUTHORIZED, 403: FORBIDDEN, 404: NO_RESOURCE}
        answer = self._explain(refusals.get(status, SERVER_ERROR))
        return EmulatorResponse(answer.status, answer.body, answer.content_type, headers, name)

    def _find_route(self, path: str) -> tuple[Route | None, tuple[str, ...]]:
        route = self._exact.get(path)
        if route is not None:
            return route, ()
        for pattern, route in self._patterns:
            match = pattern.fullmatch(path)
            if match is not None:
                return route, match.groups()
        return None, ()

    def _get_bucket(self, name: str) -> Bucket:
        bucket = self._buckets.get(name)
        if bucket is None:
            options = self._tools.options
            bucket = Bucket(int(options["burst_capacity"]), int(options["replenish_rate"]), self._clock)
            self._buckets[name] = bucket
        return bucket

    def _pass_gate(self, request: Request, route: Route) -> EmulatorResponse | None:
        """The answer to a request that may not go on; None when it may."""
        if request.method != route.method:
            answer = self._explain(WRONG_METHOD)
            return EmulatorResponse(405, answer.body, answer.content_type, [("allow", route.method)])
        if route.scope is None:
            return None
        if self._tools.options["auth"] == "required":
            scopes = self._tokens.find_scopes(request.headers.get("authorization", ""))
            if scopes is None:
                return self._explain(UNAUTHORIZED)
            if route.scope not in scopes:
                return self._explain(route.denied)
        needs_beta = self._tools.options["mode"] == "beta-required" and route.name.startswith(RECRUITING)
        if needs_beta and request.headers.get("beta", "").strip().lower() != "true":
            return self._find_nothing(request)
        return None

    def _hand_out_token(self, request: Request, _ids: tuple[str, ...]) -> EmulatorResponse:
        return self._tokens.hand_out(request) if self._token_limit.take() else EmulatorResponse(429)

    def _make_trace_id(self) -> str:
        self._traces += 1
        return str(uuid5(NAMESPACE_URL, f"trace {self._tools.seed} {self._traces}"))

    def _explain(self, problem: Problem, meta: Mapping[str, str] | None = None) -> EmulatorResponse:
        error: dict[str, Any] = {"title": problem.title, "detail": problem.detail, "type": problem.type}
        if meta is not None:
            error["_meta"] = meta
        body = {
            "personio_trace_id": self._make_trace_id(),
            "timestamp": self._clock.now().replace(microsecond=0).isoformat(),
            "errors": [error],
        }
        return EmulatorResponse(problem.status, msgspec.json.encode(body), PROBLEM_JSON)

    def _find_nothing(self, request: Request) -> EmulatorResponse:
        path = request.path
        return self._explain(NO_ENDPOINT._replace(detail=NO_ENDPOINT.detail.format(path=path)), {"path": path})

    # Lists

    def _list_jobs(self, request: Request, _ids: tuple[str, ...]) -> EmulatorResponse:
        query = read_list_query(JOB_RULES, request.query)
        return self._page(request, JOB_RULES, query, self._walk(self._rows.jobs, query), self._rows.send_job)

    def _list_candidates(self, request: Request, _ids: tuple[str, ...]) -> EmulatorResponse:
        query = read_list_query(CANDIDATE_RULES, request.query)
        rows = self._rows
        if "email" in query.filters:
            numbers = rows.find_candidates_by_email(read_email(query.filters["email"]))
            walk = self._walk_numbers(rows.candidates, numbers, query)
        else:
            walk = self._walk(rows.candidates, query)
        return self._page(request, CANDIDATE_RULES, query, walk, rows.send_candidate)

    def _list_applications(self, request: Request, _ids: tuple[str, ...]) -> EmulatorResponse:
        query = read_list_query(APPLICATION_RULES, request.query)
        rows = self._rows
        if "candidate.email" in query.filters:
            numbers = rows.find_applications_by_email(read_email(query.filters["candidate.email"]))
            walk = self._walk_numbers(rows.applications, numbers, query)
        else:
            walk = self._walk(rows.applications, query)
        return self._page(request, APPLICATION_RULES, query, walk, rows.send_application)

    def _list_persons(self, request: Request, _ids: tuple[str, ...]) -> EmulatorResponse:
        query = read_list_query(PERSON_RULES, request.query)
        fits = _read_person_filters(query.filters)
        walk = (pair for pair in self._rows.persons.walk_newest(after=query.after) if fits(pair[1]))
        return self._page(request, PERSON_RULES, query, walk, self._rows.send_person)

    def _list_employments(self, request: Request, ids: tuple[str, ...]) -> EmulatorResponse:
        employments = self._rows.list_employments(_read_id(ids[0]))
        if employments is None:
            raise Refusal(NO_RESOURCE)
        query = read_list_query(EMPLOYMENT_RULES, request.query)
        fits = _read_person_filters(query.filters)
        # The latest comes first, so the place in the list is the order: the key falls with it.
        keyed = (((0, -place), row) for place, row in enumerate(employments))
        walk = (pair for pair in keyed if (query.after is None or pair[0] < query.after) and fits(pair[1]))
        return self._page(request, EMPLOYMENT_RULES, query, walk, self._rows.send_employment)

    def _list_categories(self, request: Request, _ids: tuple[str, ...]) -> EmulatorResponse:
        rows = sorted(self._rows.categories.walk_newest(), key=lambda pair: pair[0][1])
        return self._send_whole(request, [self._rows.send_category(row, request.base_url) for _, row in rows])

    def _list_documents(self, request: Request, _ids: tuple[str, ...]) -> EmulatorResponse:
        query = read_list_query(DOCUMENT_RULES, request.query)
        filters = query.filters
        if not filters.get("owner_id"):
            raise Refusal(BAD_PARAMETERS)
        first, end = (read_day(filters, f"created_at.{operator}") for operator in ("gte", "lt"))
        walk = (
            (key, row)
            for key, row in self._files.walk_documents(filters["owner_id"], filters.get("category_id"))
            if (query.after is None or key < query.after)
            and (first is None or row["created_at"][:10] >= first)
            and (end is None or row["created_at"][:10] < end)
        )
        return self._page(request, DOCUMENT_RULES, query, walk, send_document)

    def _download_document(self, _request: Request, ids: tuple[str, ...]) -> EmulatorResponse:
        number = _read_id(ids[0])
        if self._files.documents.find(number) is None:
            raise Refusal(NO_RESOURCE)
        content_type, content = self._files.open_document(number)
        return EmulatorResponse(200, content, content_type)

    def _list_transitions(self, request: Request, ids: tuple[str, ...]) -> EmulatorResponse:
        transitions = self._rows.list_transitions(_read_id(ids[0]))
        if transitions is None:
            raise Refusal(NO_RESOURCE)
        return self._send_whole(request, transitions)

    def _send_whole(self, request: Request, rows: list[Row]) -> EmulatorResponse:
        links = {"self": {"href": request.base_url + request.path}}
        misprint(rows, self._tools.faults, request.path)
        return EmulatorResponse(200, msgspec.json.encode({"_data": rows, "_meta": {"links": links}}), JSON)

    def _walk(self, rows: Rows, query: ListQuery) -> Iterator[tuple[Key, Row]]:
        return rows.walk_newest(after=query.after, since=read_since(query.filters), until=read_until(query.filters))

    def _walk_numbers(self, rows: Rows, numbers: Iterable[int], query: ListQuery) -> Iterator[tuple[Key, Row]]:
        """The few rows of these numbers, newest first."""
        since, until = read_since(query.filters), read_until(query.filters)
        updates = ((rows.find_updated_at(number), number) for number in numbers)
        keys: list[Key] = [(updated, number) for updated, number in updates if updated is not None]
        for key in sorted(keys, reverse=True):
            if since is not None and key[0] <= since:
                continue
            if (until is not None and key[0] >= until) or (query.after is not None and key >= query.after):
                continue
            row = rows.find(key[1])
            if row is not None:
                yield key, row

    def _page(
        self,
        request: Request,
        rules: ListRules,
        query: ListQuery,
        walk: Iterator[tuple[Key, Row]],
        send: Callable[[Row, str], Row],
    ) -> EmulatorResponse:
        data: list[Row] = []
        last: Key | None = None
        has_more = False
        keys: list[Key] = []
        faults = self._tools.faults
        is_hollow = faults.fires("hollow-page", request.path)
        for key, row in walk:
            if is_hollow:
                self._hollows += 1  # so that no two of their links are the same
                keys.append((key[0], key[1] + self._hollows))
            if is_hollow or len(data) == query.limit:
                has_more = True
                break
            data.append(send(row, request.base_url))
            keys.append(key)
        if has_more and len(keys) > 1 and faults.fires("repeat-rows", request.path):
            last = keys[len(keys) // 2 - 1]
        elif keys:
            last = keys[-1]
        misprint(data, faults, request.path)
        here = request.base_url + request.path
        own = here if query.cursor is None else f"{here}?cursor={query.cursor}"
        links = {"self": {"href": own}}
        if last is not None:
            if has_more and faults.fires("stranger-next", request.path):
                here = "https://stranger.example.com" + request.path
            if not has_more and faults.fires("self-next", request.path):
                links["next"] = {"href": own}
            elif has_more or faults.fires("empty-page", request.path):
                links["next"] = {"href": f"{here}?cursor={make_cursor(rules, query, last)}"}
        return EmulatorResponse(200, msgspec.json.encode({"_data": data, "_meta": {"links": links}}), JSON)

    # Single rows

    def _one(self, rows: Rows, send: Callable[[Row, str], Row]) -> AnswerRoute:
        def show(request: Request, ids: tuple[str, ...]) -> EmulatorResponse:
            row = rows.find(_read_id(ids[0]))
            if row is None:
                raise Refusal(NO_RESOURCE)
            return EmulatorResponse(200, msgspec.json.encode(send(row, request.base_url)), JSON)

        return show

    def _show_employment(self, request: Request, ids: tuple[str, ...]) -> EmulatorResponse:
        for row in self._rows.list_employments(_read_id(ids[0])) or ():
            if row["id"] == ids[1]:
                return EmulatorResponse(
                    200, msgspec.json.encode(self._rows.send_employment(row, request.base_url)), JSON
                )
        raise Refusal(NO_RESOURCE)


def _read_id(text: str) -> int:
    """Raises Refusal for anything that cannot be an id here: there is no such resource."""
    if not (text.isascii() and text.isdecimal() and len(text) < 16) or text.startswith("0"):
        raise Refusal(NO_RESOURCE)
    return int(text)


def _read_person_filters(filters: Mapping[str, str]) -> Callable[[Row], bool]:
    """What a person or employment must be to fit; all filters together (recruiting's exclusion is not theirs)."""
    tests: list[Callable[[Row], bool]] = []
    for name, text in filters.items():
        field, _, operator = name.partition(".")
        if name in _PERSON_TIMES:
            tests.append(_test_time(field, operator, text))
        elif name in ("id", "email"):
            wanted = {part.strip().replace(" ", "+").lower() for part in text.split(",")}
            tests.append(lambda row, name=name, wanted=wanted: str(row[name]).lower() in wanted)  # type: ignore[misc]
        else:
            if name == "status" and text not in ("ACTIVE", "INACTIVE"):
                raise Refusal(BAD_PARAMETERS)
            tests.append(lambda row, name=name, text=text: row.get(name) == text)  # type: ignore[misc]
    return lambda row: all(test(row) for test in tests)


def _test_time(field: str, operator: str, text: str) -> Callable[[Row], bool]:
    moment = read_moment(text)

    def fits(row: Row) -> bool:
        value = read_moment(row[field])
        return value > moment if operator == "gt" else value < moment if operator == "lt" else value == moment

    return fits


EMULATOR = EmulatorKind(
    slug="personio",
    title="Personio Recruiting API v2",
    build=PersonioEmulator,
    options=OPTIONS,
    rows_at=("_data",),
    next_at=("_meta", "links", "next", "href"),
)
