"""Calls let in, counted and answered: what all routes that ask for a key have in common.

A call is checked in this order, and the first fault is answered: API key (401), its scopes and models (403),
connector-token header (422), connector token (401, 403), rate (429), and then what the route itself checks. What a key
may do is known with it, so a call that it may not make asks nothing of the database, and does not count.

Every route says what it `needs` of a key, and the `model` whose records it is about: `EVERY_MODEL` where it reaches
those of all, None where it reaches none, or shows them by what the scope hides.

Routes of a connector whose path names it by id take no token: the key needs `manage`, and a connector that is not of
its organisation and environment is a 404.
"""

import math
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence, Set
from difflib import get_close_matches
from typing import Any, TypeVar

import msgspec
from pydantic import BaseModel, ValidationError
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse

from unihire.dialects.common.category import CATEGORY
from unihire.errors import ApiError, BadRequest, Invalid, NotFound, NotNow, RateLimited, TooLarge, Unauthorized
from unihire.platform.access import Access, Caller, Need, Scope
from unihire.platform.limits import RateLimiter, RateLimitState, refuse
from unihire.store.audit import ActingAs

CONNECTOR_ID = "connector_id"
"""The part of a path that names a connector by its id, where no token does."""
BY_ID = f"/api/v1/connectors/{{{CONNECTOR_ID}}}"
"""Where a connector is, by its id: what a key that has the scope `manage` does with it is below."""

TOKEN_HEADER = "x-connector-token"  # noqa: S105 (the header's name)
MOST_BYTES = 64 * 1024
"""Of a body that says what to do."""

Asked = TypeVar("Asked", bound=BaseModel)
Who = TypeVar("Who")


class Reply(msgspec.Struct, frozen=True):
    """What a call comes to: JSON, or a `stream` of another type."""

    body: bytes
    status: int = 200
    headers: Mapping[str, str] = {}
    stream: AsyncIterator[bytes] | None = None
    media_type: str = "application/json"


Otherwise = Callable[[Caller, str], Awaitable[Reply | None]]
"""What answers a call by a connector's id where there is no such connector; None: nothing does, and it is a 404."""


def write_detail(error: ApiError) -> dict[str, Any]:
    """An error as the native face writes it: `detail` is text, or the list of problems of a 422."""
    return {"detail": error.problems if isinstance(error, Invalid) else error.detail, **error.members}


class RequestGate:
    """Lets calls in, by key or by key and connector token, and counts them.

    `is_lenient`: parameters of a query that nobody knows are passed over, not refused. `write_error` is the body of an
    error, `token_header` names the connector that a call reaches. Faces that share a limiter count a connector's calls
    together.
    """

    def __init__(
        self,
        access: Access,
        limiter: RateLimiter | None,
        *,
        is_lenient: bool = False,
        write_error: Callable[[ApiError], dict[str, Any]] = write_detail,
        token_header: str = TOKEN_HEADER,
    ) -> None:
        self._access = access
        self._limiter = limiter
        self._is_lenient = is_lenient
        self._write_error = write_error
        self._token_header = token_header

    async def serve_connector(
        self,
        request: Request,
        work: Callable[[Scope], Awaitable[Reply]],
        *,
        needs: Need,
        model: str | None = None,
        otherwise: Otherwise | None = None,
    ) -> Response:
        """What `work` gives of the connector the call reaches, or the error that stopped it; see `Otherwise`."""
        return await self.serve_known(
            request, lambda caller, scope: work(scope), needs=needs, model=model, otherwise=otherwise
        )

    async def serve_known(
        self,
        request: Request,
        work: Callable[[Caller, Scope], Awaitable[Reply]],
        *,
        needs: Need,
        model: str | None = None,
        otherwise: Otherwise | None = None,
    ) -> Response:
        """The same, for work that also asks who is calling."""

        by_id = request.path_params.get(CONNECTOR_ID)

        async def admit(caller: Caller) -> tuple[object, tuple[Caller, Scope | NotFound]]:
            if by_id is not None:
                try:
                    found = await self._access.find_scope(caller, by_id, CATEGORY)
                except NotFound as error:
                    if otherwise is None:
                        raise
                    return caller, (caller, error)
                return found.number, (caller, found)
            token = request.headers.get(self._token_header)
            if token is None:
                missing = {"type": "missing", "loc": ["header", self._token_header], "msg": "Field required"}
                raise Invalid([{**missing, "input": None}])
            scope = await self._access.check_token(caller, token, CATEGORY)
            return scope.number, (caller, scope)

        async def answer(who: tuple[Caller, Scope | NotFound]) -> Reply:
            caller, found = who
            if not isinstance(found, NotFound):
                return await work(caller, found)
            reply = None if otherwise is None or by_id is None else await otherwise(caller, by_id)
            if reply is None:
                raise found
            return reply

        needs = needs if by_id is None else Need.MANAGE
        return await self.serve(request, admit, answer, needs=needs, model=model)

    async def serve_either(
        self,
        request: Request,
        work: Callable[[Caller, Scope | None], Awaitable[Reply]],
        *,
        needs: Need,
        model: str | None = None,
    ) -> Response:
        """The same for a call that may name a connector; one that does not counts as those of `serve_caller`."""

        async def admit(caller: Caller) -> tuple[object, tuple[Caller, Scope | None]]:
            token = request.headers.get(self._token_header)
            if token is None:
                return caller, (caller, None)
            scope = await self._access.check_token(caller, token, CATEGORY)
            return scope.number, (caller, scope)

        async def answer(who: tuple[Caller, Scope | None]) -> Reply:
            return await work(*who)

        return await self.serve(request, admit, answer, needs=needs, model=model)

    async def serve_caller(
        self, request: Request, work: Callable[[Caller], Awaitable[Reply]], *, needs: Need, model: str | None = None
    ) -> Response:
        """The same for a call that names no connector; those of one organisation and environment count together."""

        async def admit(caller: Caller) -> tuple[object, Caller]:
            return caller, caller

        return await self.serve(request, admit, work, needs=needs, model=model)

    async def serve(
        self,
        request: Request,
        admit: Callable[[Caller], Awaitable[tuple[object, Who]]],
        work: Callable[[Who], Awaitable[Reply]],
        *,
        needs: Need,
        model: str | None = None,
    ) -> Response:
        """What `work` gives, or the error that stopped the call.

        `admit` says of a caller with a good key under what the call counts, and what `work` is given. A call that it
        refuses counts with those that name no connector, so that nobody tries tokens without end.
        """
        limit_state: RateLimitState | None = None
        try:
            caller = await self._access.check_key(request.headers.get("authorization"))
            caller.check(needs, model)
            try:
                counted_as, who = await admit(caller)
            except ApiError:
                limit_state = self._take(caller)
                _check(limit_state)
                raise
            limit_state = self._take(counted_as)
            _check(limit_state)
            with ActingAs(caller.actor):
                reply = await work(who)
            headers = {**_rate_headers(limit_state), **reply.headers}
            if reply.stream is not None:
                return StreamingResponse(reply.stream, reply.status, headers, reply.media_type)
            return Response(reply.body, reply.status, headers, reply.media_type)
        except ApiError as error:
            return self.refuse(error, limit_state)

    def _take(self, counted_as: object) -> RateLimitState | None:
        return None if self._limiter is None else self._limiter.take(counted_as)

    def read_query(self, request: Request, model: type[Asked]) -> Asked:
        """The query's parameters, the last of each name. Raises Invalid."""
        given = dict(request.query_params)
        self.check_names(given, model.model_fields.keys())
        try:
            return model.model_validate(given)
        except ValidationError as error:
            raise Invalid(list_problems("query", error)) from None

    def check_names(
        self, given: Mapping[str, Any], known: Set[str], suggest: Callable[[str], str] = lambda name: ""
    ) -> None:
        """Raises Invalid for parameters that are not among `known`; `suggest` says where the answer to one is.

        A filter that is passed over would answer everybody's records.
        """
        unknown = given.keys() - known
        if unknown and not self._is_lenient:
            raise Invalid([_describe_unknown(name, given[name], known, suggest(name)) for name in sorted(unknown)])

    def refuse(self, error: ApiError, limit_state: RateLimitState | None = None) -> Response:
        """An error, with its headers. Without a limit_state the call was not let in, and is nobody's."""
        if limit_state is None and self._limiter is not None:
            limit_state = self._limiter.look()
        headers = _rate_headers(limit_state)
        if isinstance(error, Unauthorized):
            headers["WWW-Authenticate"] = "Bearer"
        if isinstance(error, RateLimited):
            headers["Retry-After"] = str(error.retry_after)
        if isinstance(error, NotNow):
            headers["Retry-After"] = str(math.ceil(error.retry_after or 5))
        body = msgspec.json.encode(self._write_error(error))
        return Response(body, error.status, headers, "application/json")


def _check(limit_state: RateLimitState | None) -> None:
    """Raises RateLimited where the call was one too many."""
    if limit_state is not None and limit_state.remaining < 0:
        raise refuse(limit_state)


def _rate_headers(limit_state: RateLimitState | None) -> dict[str, str]:
    if limit_state is None:
        return {}
    return {
        "X-RateLimit-Limit": str(limit_state.limit),
        "X-RateLimit-Remaining": str(max(0, limit_state.remaining)),
        "X-RateLimit-Reset": str(limit_state.reset),
    }


async def read_body(request: Request, model: type[Asked]) -> Asked:
    """The body, JSON; an empty one is an empty object. Raises TooLarge and Invalid."""
    body = await read_bytes(request, MOST_BYTES)
    try:
        return model.model_validate_json(body or b"{}", strict=True)
    except ValidationError as error:
        raise Invalid(list_problems("body", error)) from None


async def read_bytes(request: Request, most: int) -> bytes:
    """The body as it is. Raises TooLarge, without reading on, and BadRequest where the caller hangs up within it."""
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > most:
                raise TooLarge(f"The body is larger than {most // 1024:,} KiB")
    except ClientDisconnect:
        raise BadRequest("The body ended early") from None
    return bytes(body)


def list_problems(place: str, error: ValidationError) -> list[dict[str, Any]]:
    """What is wrong, by the parameter or member it is wrong with."""
    return [
        {**problem, "loc": [place, *_name_member(problem["loc"])], "input": _show_input(problem)}
        for problem in error.errors(include_url=False, include_context=True)
    ]


def _name_member(loc: Sequence[int | str]) -> list[int | str]:
    """The parameter or member, and the member of that where it is an object: places in lists are not named."""
    return [*loc[:1], *(part for part in loc[1:2] if isinstance(part, str) and part.isidentifier())]


def _show_input(problem: Any) -> Any:
    return {} if problem["type"] == "json_invalid" else problem["input"]


def _describe_unknown(name: str, given: Any, known: Set[str], suggestion: str) -> dict[str, Any]:
    meant = next((one for one in sorted(known) if name and one.startswith(name)), None)
    meant = meant or next(iter(get_close_matches(name, known, n=1, cutoff=0.75)), None)
    parts = ["Extra inputs are not permitted", f"the parameters here are {', '.join(sorted(known))}"]
    if meant is not None:
        parts.append(f"is {meant} what you mean?")
    if suggestion:
        parts.append(suggestion)
    return {"type": "extra_forbidden", "loc": ["query", name], "msg": "; ".join(parts), "input": given}


def describe_problem(place: str, name: str, message: str, given: Any) -> dict[str, Any]:
    """An entry of `Invalid` that we find ourselves."""
    return {"type": "value_error", "loc": [place, name], "msg": f"Value error, {message}", "input": given}
