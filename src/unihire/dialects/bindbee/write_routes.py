"""Writes over the native face: creates at the lists, changes and actions at the records.

A call is checked in this order, and the first fault is answered: API key (401), connector token (422, 401, 403), rate
(429), path and query (404, 422), what the vendor can do (501), body (400, 422), record (404), relations and files
(422), idempotency key and `If-Match` (409). What the vendor says comes after that.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from unihire.dialects.bindbee.face import NATIVE
from unihire.dialects.common.admission import Reply, RequestGate, read_bytes
from unihire.dialects.common.form_bodies import Form, is_form, read_form
from unihire.dialects.common.lists import parse_id
from unihire.dialects.common.write_options import MOST_BODY, LargeBodies, WriteOptions, read_json, read_options
from unihire.errors import BadRequest, Invalid, NotFound
from unihire.model import INPUTS, NATIVE_MODELS, ModelSpec
from unihire.platform.access import Caller, Need, Scope
from unihire.platform.writing.body_schema import PARAMS
from unihire.platform.writing.meta import Meta
from unihire.platform.writing.unified_writes import UnifiedWrites, WriteAnswer, WriteRequest
from unihire.store import Pool
from unihire.store.accounts.tenancy import get_connector

REPLAYED = "Idempotency-Replayed"

CREATED = {"activity": 201, "job": 201}
"""The status of a create, where the contract says another than 200."""

READ_ONLY = frozenset(("applications", "avatar", "last_interaction_at", "remote_created_at", "remote_updated_at"))
"""Members of the contract's body of a candidate that no system takes: they are passed over where they are null."""

OLDER_NAMES = {
    "additional_attributes": PARAMS,
    "job_id": "job",
    "job_interview_stage_id": "job_interview_stage",
}
"""Other names that the contract has for members of a candidate, and ours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WritePath:
    """One write as a path: below the model's list, `{id}` is the record. `within`: the new thing belongs to it."""

    model: str
    verb: str
    method: str
    path: str
    plural: str
    within: str | None = None
    member: str | None = None
    """The member of the body that the end of the path says."""

    @property
    def narrows(self) -> bool:
        """Whether its meta can be asked for of one application."""
        is_of_one = self.model == "application" and self.verb != "create"
        return is_of_one or any(one.name == "application" for one in INPUTS[self.model, self.verb].fields)

    @property
    def meta(self) -> str:
        """Where its meta is."""
        return f"{self.plural}/{self.verb}/meta"


def _list_paths() -> tuple[WritePath, ...]:
    creates = [
        WritePath(model=spec.name, verb="create", method="POST", path=spec.plural, plural=spec.plural)
        for spec in NATIVE_MODELS.values()
    ]
    people, hiring = "candidates", "applications"
    of_candidates = [
        WritePath(model="candidate", verb="update", method="PATCH", path=f"{people}/{{id}}", plural=people),
        WritePath(model="candidate", verb="tag", method="POST", path=f"{people}/{{id}}/tags", plural=people),
        WritePath(
            model="candidate", verb="untag", method="DELETE", path=f"{people}/{{id}}/tags/{{name}}", plural=people,
            member="name",
        ),
        WritePath(model="candidate", verb="comment", method="POST", path=f"{people}/{{id}}/comments", plural=people),
        WritePath(
            model="attachment", verb="create", method="POST", path=f"{people}/{{id}}/attachments",
            plural="attachments", within="candidate",
        ),
    ]  # fmt: skip
    of_applications = [
        WritePath(model="application", verb="update", method="PATCH", path=f"{hiring}/{{id}}", plural=hiring),
        *(
            WritePath(model="application", verb=verb, method="POST", path=f"{hiring}/{{id}}/{verb}", plural=hiring)
            for verb in ("move", "reject", "unreject", "hire", "convert")
        ),
    ]
    return (*creates, *of_candidates, *of_applications)


WRITE_PATHS = _list_paths()
"""Every write, in the order of the documentation."""


class WriteRoutes:
    """Answers writes and their meta."""

    def __init__(self, pool: Pool, gate: RequestGate, writes: UnifiedWrites, meta: Meta) -> None:
        self._pool = pool
        self._gate = gate
        self._writes = writes
        self._meta = meta
        self._large_bodies = LargeBodies()

    def list_routes(self) -> Sequence[Route]:
        """Those of one path are one route, so that each says which methods there are."""
        routes = [
            Route(f"{NATIVE.path}/{one.path}", self._make_answer(one), methods=[one.method]) for one in WRITE_PATHS
        ]
        metas = {one.meta: one for one in reversed(WRITE_PATHS)}
        return [*routes, *(Route(f"{NATIVE.path}/{path}", self._make_meta(one)) for path, one in metas.items())]

    def _make_answer(self, path: WritePath) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            async def work(caller: Caller, scope: Scope) -> Reply:
                return await self._write(request, path, caller, scope)

            return await self._gate.serve_known(request, work, needs=Need.WRITE, model=path.model)

        return answer

    async def _write(self, request: Request, path: WritePath, caller: Caller, scope: Scope) -> Reply:
        options = read_options(request, self._gate)
        target = self._read_target(request, path)
        is_form_sent = path.model == "attachment" and is_form(request)
        is_on_disk = is_form_sent and not options.is_later
        async with self._large_bodies.enter(request, is_on_disk=is_on_disk):
            async with self._large_bodies.bound(request):
                form = await self._read_data(request, path, is_form_sent=is_form_sent)
            return await self._do(request, path, caller, scope, options, target, form)

    async def _do(
        self,
        request: Request,
        path: WritePath,
        caller: Caller,
        scope: Scope,
        options: WriteOptions,
        target: str | None,
        form: Form,
    ) -> Reply:
        wanted = await self._make_request(path, caller, scope, options, target, form)
        if options.is_dry:
            return Reply(await self._writes.plan(wanted))
        if options.is_later:
            done = await self._writes.enqueue(wanted)
            if not isinstance(done, WriteAnswer):
                log = f"{request.scope.get('root_path', '')}/api/v1/writes/{done}"
                body = {"write_id": str(done), "outcome": "waiting", "status_url": log}
                return Reply(msgspec.json.encode(body), 202, {"Preference-Applied": "respond-async"})
        else:
            done = await self._writes.write(wanted)
        status = CREATED.get(path.model, 200) if path.verb == "create" else 200
        return Reply(done.body, status, {REPLAYED: "true"} if done.is_repeat else {})

    async def _read_data(self, request: Request, path: WritePath, *, is_form_sent: bool) -> Form:
        """The body: JSON, or a form with a file where the write is of one."""
        if path.member is not None:
            return Form({path.member: request.path_params[path.member]})
        if is_form_sent:
            return await read_form(request, MOST_BODY)
        return Form(read_json(await read_bytes(request, MOST_BODY)))

    async def _make_request(
        self, path: WritePath, caller: Caller, scope: Scope, options: WriteOptions, target: str | None, form: Form
    ) -> WriteRequest:
        connector = await get_connector(self._pool, scope.connector)
        if connector is None:
            raise NotFound("The connector was removed meanwhile")
        return WriteRequest(
            connector=connector,
            scope=scope,
            model=NATIVE_MODELS[path.model],
            verb=path.verb,
            data=unwrap(path, form.members),
            file=form.file,
            target=target,
            within=path.within,
            key=options.key,
            asked_by=caller.key,
            expected=options.expected,
            shows_vendor=options.shows_vendor,
        )

    def _read_target(self, request: Request, path: WritePath) -> str | None:
        if "{id}" not in path.path:
            return None
        id = parse_id(request.path_params["id"])
        if id is None:
            raise NotFound(f"There is no {_find_owner(path).noun} with this id")
        return id

    def _make_meta(self, path: WritePath) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            async def work(scope: Scope) -> Reply:
                asked = dict(request.query_params)
                self._gate.check_names(asked, {"application"} if path.narrows else set())
                application = asked.get("application")
                if application is not None and (application := parse_id(application)) is None:
                    raise NotFound("There is no application with this id")
                connector = await get_connector(self._pool, scope.connector)
                if connector is None:
                    raise NotFound("The connector was removed meanwhile")
                found = await self._meta.describe(connector, scope, path.model, path.verb, application=application)
                return Reply(msgspec.json.encode({"success": True, "data": found, "error": None}))

            return await self._gate.serve_connector(request, work, needs=Need.WRITE, model=path.model)

        return answer


def _find_owner(path: WritePath) -> ModelSpec:
    return NATIVE_MODELS[path.within or path.model]


def unwrap(path: WritePath, data: Any) -> Any:
    """The body in the vocabulary's words: the contract has two shapes of a candidate, and older names.

    Raises Invalid for one that is neither.
    """
    if not isinstance(data, dict):
        return data
    if (path.model, path.verb) != ("candidate", "create"):
        return _rename(data, {name: PARAMS for name, ours in OLDER_NAMES.items() if ours == PARAMS})
    if isinstance(data.get("data"), dict):
        outer = {name: value for name, value in data.items() if name not in ("data", "job_requisition_id")}
        if data.get("job_requisition_id") is not None:
            raise Invalid([_refuse_requisition(data["job_requisition_id"])])
        inner = data["data"]
        if twice := outer.keys() & inner.keys():
            raise BadRequest(f"{sorted(twice)[0]} is in the body twice")
        data = {**inner, **outer}
    data = _rename(data, OLDER_NAMES)
    return {name: value for name, value in data.items() if value is not None or name not in READ_ONLY}


def _rename(data: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """The same under other names. Raises BadRequest where one is there under both."""
    renamed: dict[str, Any] = {}
    for name, value in data.items():
        known = names.get(name, name)
        if known in renamed:
            raise BadRequest(f"{known} is in the body twice, also as {name}")
        renamed[known] = value
    return renamed


def _refuse_requisition(given: Any) -> dict[str, Any]:
    words = "no connected system takes a requisition here: send the job"
    return {"type": "value_error", "loc": ["body", "job_requisition_id"], "msg": words, "input": given}
