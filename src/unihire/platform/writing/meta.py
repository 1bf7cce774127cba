"""Meta: what this customer's system takes, as a JSON Schema from which a form can be drawn.

It is the declaration of a write with what the customer has: fields of their own, and the records that relations may
name. All of it is read from the store.
"""

import copy
import time
from collections import OrderedDict
from collections.abc import Mapping, Sequence, Set
from typing import Any, NamedTuple

import msgspec

from unihire.errors import NotFound
from unihire.integration.registry import get_integration
from unihire.integration.write import CustomField, OfferedValue, Write
from unihire.model import INPUTS, MODELS
from unihire.platform.access import Scope
from unihire.platform.context_synced import NotSynced, SyncedContext
from unihire.platform.reads import Query, Reader, RecordView
from unihire.platform.writing.body_schema import ACTOR, PARAMS, RELATION, Schema, describe_body
from unihire.platform.writing.unified_writes import find_write
from unihire.store import Pool
from unihire.store.accounts.tenancy import Connector
from unihire.store.calls.requested_writes import find_remote_ids
from unihire.store.feed.recency import get_position
from unihire.store.record_keys import derive_ids

MOST_OPTIONS = 500
"""Records that a relation lists as its options; of more it lists some as examples."""

MOST_EXAMPLES = 20

NUMEROUS = frozenset(("candidate", "application", "scheduled_interview"))
"""Models of which a form lets people search instead of choosing from a list."""

FRESH_SECONDS = 1.0
"""For how long a description is good while the store changes; while it does not, it stays good."""

REMEMBERED = 500

_KINDS: Mapping[str, Schema] = {
    "text": {"type": "string", "minLength": 1},
    "number": {"type": "number"},
    "integer": {"type": "integer"},
    "boolean": {"type": "boolean"},
    "date": {"type": "string", "format": "date"},
    "url": {"type": "string", "format": "uri"},
    "any": {},
}


class _Job(NamedTuple):
    """A job: our id and the vendor's."""

    id: str
    remote_id: str


class Meta:
    """Describes writes of connectors."""

    def __init__(self, pool: Pool, reader: Reader) -> None:
        self._pool = pool
        self._reader = reader
        self._known: OrderedDict[tuple[Any, ...], tuple[int, float, Schema]] = OrderedDict()

    async def describe(
        self, connector: Connector, scope: Scope, model: str, verb: str, *, application: str | None = None
    ) -> Schema:
        """The schema of a write's body on this connector. With an `application`, stages and other things are its job's.

        Raises Unsupported where the vendor cannot do it, NotFound where there is no such application.
        """
        write = find_write(get_integration(connector.integration), model, verb)
        job = None if application is None else await self._find_job(scope, application)
        key = (connector.number, write.name, scope.hidden, job, connector.acting_user)
        position = await get_position(self._pool, connector.number)
        known = self._known.get(key)
        if known is not None and (known[0] == position or time.monotonic() - known[1] < FRESH_SECONDS):
            self._known.move_to_end(key)
            return known[2]
        made = await self._make(connector, scope, write, job)
        self._known[key] = position, time.monotonic(), made
        if len(self._known) > REMEMBERED:
            self._known.popitem(last=False)
        return made

    async def _find_job(self, scope: Scope, application: str) -> "_Job | None":
        """The job of an application."""
        body = await self._reader.find_record(scope, MODELS["application"], application, RecordView())
        if body is None:
            raise NotFound("There is no application with this id")
        id = msgspec.json.decode(body).get("job")
        known = await find_remote_ids(self._pool, scope.number, [id]) if id is not None else {}
        return _Job(id, known[id].remote_id) if id in known else None

    async def _make(self, connector: Connector, scope: Scope, write: Write, job: "_Job | None") -> Schema:
        integration = get_integration(connector.integration)
        schema = copy.deepcopy(describe_body(write, has_actor=connector.acting_user is not None))
        schema["title"] = INPUTS[write.model, write.verb].meaning.rstrip(".")
        schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
        if write.note:
            schema["description"] = write.note
        context = SyncedContext(pool=self._pool, connector=connector, integration=integration)
        if write.custom_fields is not None:
            await self._describe_custom_fields(context, write, schema)
        taken = await self._describe_options(context, write, schema, job)
        records: dict[str, list[dict[str, Any]]] = {}
        for name, described in _list_relations(schema):
            to = described[RELATION]
            if to not in records:
                records[to] = await self._list_records(scope, to)
            some = records[to]
            if job is not None and to == "job_interview_stage":
                some = [record for record in some if record.get("job") in (None, job.id)]
            elif job is not None and name == "job":
                some = [record for record in some if record["id"] == job.id]
            if name in taken:
                some = [record for record in some if record["remote_id"] in taken[name]]
            _fill_relation(described, to, some)
        _narrow_stages(schema, records.get("job_interview_stage", []))
        if connector.acting_user is not None and ACTOR in schema["properties"]:
            schema["properties"][ACTOR]["default"] = derive_ids(connector.id, "remote_user").text(connector.acting_user)
        return schema

    async def _describe_options(
        self, context: SyncedContext, write: Write, schema: Schema, job: "_Job | None"
    ) -> Mapping[str, Set[str]]:
        """Let parameters and texts list their values; returns the vendor's ids that relations take, by field."""
        taken: dict[str, Set[str]] = {}
        for name, read in write.options.items():
            try:
                options = await read(context)
            except NotSynced:
                continue
            if job is not None:
                options = [option for option in options if option.job in (None, job.remote_id)]
            described = schema["properties"].get(name)
            if described is None:
                described = schema["properties"][PARAMS]["properties"][name]
            if RELATION in described:
                taken[name] = {str(option.value) for option in options}
            else:
                _offer(described, options)
        return taken

    async def _describe_custom_fields(self, context: SyncedContext, write: Write, schema: Schema) -> None:
        assert write.custom_fields is not None
        try:
            fields = await write.custom_fields(context)
        except NotSynced:
            return
        described = schema["properties"]["custom_fields"]
        required = [field.name for field in fields if field.is_required]
        described["properties"] = {field.name: _describe_custom(field) for field in fields}
        described["additionalProperties"] = False
        if required:
            described["required"], described["type"] = required, "object"
            schema["required"] = [*schema.get("required", ()), "custom_fields"]

    async def _list_records(self, scope: Scope, model: str) -> list[dict[str, Any]]:
        """Records of a model, at most one more than are listed."""
        limit = MOST_EXAMPLES if model in NUMEROUS else MOST_OPTIONS + 1
        page = await self._reader.list_records(scope, Query(model=MODELS[model], limit=limit))
        return [msgspec.json.decode(body) for body in page.bodies]


def _describe_custom(field: CustomField) -> Schema:
    if field.kind == "choice" and field.options:
        return {"title": field.title, "oneOf": _list_options(field.options)}
    if field.kind == "choices" and field.options:
        return {"title": field.title, "type": "array", "items": {"oneOf": _list_options(field.options)}}
    return {"title": field.title, **(field.shape or _KINDS.get(field.kind, {}))}


def _list_options(options: Sequence[OfferedValue]) -> list[Schema]:
    return [{"const": option.value, "title": option.title} for option in options[:MOST_OPTIONS]]


def _offer(described: Schema, options: Sequence[OfferedValue]) -> None:
    """Let a parameter or a text take these values alone: where there are none, it takes null, if it does at all."""
    is_nullable = "null" in described.get("type", ()) or {"type": "null"} in described.get("anyOf", ())
    listed = [*_list_options(options), *([{"type": "null"}] if is_nullable else ())]
    if listed:
        described.pop("anyOf", None)
        described["oneOf"] = listed


def _list_relations(schema: Schema) -> list[tuple[str, Schema]]:
    """The parts of a body's schema that are relations, with the names of their fields."""
    found = []
    for name, described in schema["properties"].items():
        if RELATION in described:
            found.append((name, described))
        elif RELATION in described.get("items", {}):
            found.append((name, described["items"]))
    return found


def _fill_relation(described: Schema, to: str, records: Sequence[Mapping[str, Any]]) -> None:
    """Let a relation list its records, or name some where there are too many."""
    is_nullable = {"type": "null"} in described.pop("anyOf")
    if to in NUMEROUS or len(records) > MOST_OPTIONS:
        described |= {
            "type": ["string", "null"] if is_nullable else "string",
            "format": "uuid",
            "examples": [record["id"] for record in records[:MOST_EXAMPLES]],
        }
        return
    usable = [record for record in records if not _is_over(to, record)] or records
    options: list[Schema] = [{"const": record["id"], "title": _name(record)} for record in _order(usable)]
    described["oneOf"] = [*options, {"type": "null"}] if is_nullable else options


def _is_over(model: str, record: Mapping[str, Any]) -> bool:
    """Whether nothing new may name the record: a job that is closed, a user who left."""
    if model == "job":
        return record.get("status") in ("CLOSED", "ARCHIVED")
    return model == "remote_user" and record.get("disabled") is True


def _order(records: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """By name; of jobs, those that are open first."""
    return sorted(records, key=lambda record: (record.get("status") not in (None, "OPEN"), _name(record)))


def _name(record: Mapping[str, Any]) -> str:
    """What a record is called."""
    names = [record.get("name"), record.get("title")]
    whole = " ".join(str(part) for part in (record.get("first_name"), record.get("last_name")) if part)
    return next((str(name) for name in (*names, whole, record.get("email"), record.get("remote_id")) if name), "")


def _narrow_stages(schema: Schema, stages: Sequence[Mapping[str, Any]]) -> None:
    """Where a body has a job and a stage: only stages of the job fit it."""
    properties = schema["properties"]
    name = next((name for name in ("job_interview_stage", "current_stage") if name in properties), None)
    if name is None or "job" not in properties or "oneOf" not in properties["job"] or "oneOf" not in properties[name]:
        return
    by_job: dict[str, list[str]] = {}
    for stage in stages:
        if stage.get("job") is not None:
            by_job.setdefault(stage["job"], []).append(stage["id"])
    if not by_job:
        return
    jobs = [option["const"] for option in properties["job"]["oneOf"] if "const" in option]
    schema["allOf"] = [
        *schema.get("allOf", ()),
        *(
            {
                "if": {"properties": {"job": {"const": job}}, "required": ["job"]},
                "then": {"properties": {name: {"enum": [*by_job.get(job, ()), None]}}},
            }
            for job in jobs
        ),
    ]
