"""The OpenAPI description of writes and their meta, drawn from the vocabulary.

Bodies have every field that some vendor takes: which of them a connector's vendor takes is what its meta says.
"""

from collections.abc import Mapping
from typing import Any

from unihire.dialects.bindbee.face import NATIVE
from unihire.dialects.bindbee.write_routes import CREATED, OLDER_NAMES, READ_ONLY, REPLAYED, WRITE_PATHS, WritePath
from unihire.dialects.common.describing import (
    ID,
    TOKENED,
    Json,
    describe_param,
    describe_refusals,
    describe_response,
    refer,
)
from unihire.dialects.common.form_bodies import FILE, FORM
from unihire.dialects.common.write_options import MOST_BODY
from unihire.dialects.common.write_words import DRY_RUN, OUTCOME, STEPS, VENDOR_RESPONSE, WRITE_ID
from unihire.model import INPUTS, NATIVE_MODELS, InputSpec, ModelSpec
from unihire.platform.inputs import LONGEST_KEY
from unihire.platform.writing.body_schema import ACTOR, RELATION, describe_widest

REFERENCE = "RecordReference"
"""The name of the schema of a relation in a body."""

_MEMBERS = "WriteMembers"
_UNREAD = "UnreadRecord"
_LATER = "WriteWaiting"
_PLAN = "WritePlan"
_REFUSED = "WriteError"
_INVALID = "WriteValidationError"
_META = "WriteMeta"

_MEANINGS: Mapping[str, str] = {
    "400": "The body is not JSON, has a member under two names, or the idempotency key cannot be one.",
    "403": "The key lacks the scope or is limited to other models, the token is of another category, the vendor "
    "refuses the credentials, or they lack a permission.",
    "404": "There is no such record on this connector.",
    "409": "The key was used for another write or one is under way; the record has changed; or the vendor has what is "
    "in the way.",
    "413": f"The body is larger than {MOST_BODY // 1024 // 1024} MiB.",
    "422": "A parameter or a member of the body is not taken, here or by the vendor; nothing was made, unless the "
    "outcome is `partly_done`.",
    "501": "The vendor cannot do this; the text says why.",
    "502": "It was perhaps made: look at the vendor, then settle the write.",
    "503": "The vendor cannot take it now; nothing was made. Repeat it after `Retry-After` seconds.",
}


def describe_writes() -> tuple[Json, Json]:
    """The paths of all writes and of their meta, and the schemas they refer to."""
    paths: Json = {}
    schemas = _list_shared()
    for path in WRITE_PATHS:
        name, described = _describe_body(path)
        schemas |= described
        if name is not None and path.model == "attachment":
            schemas[_name_form(name)] = _describe_form(path)
        schemas[_name_answer(NATIVE_MODELS[path.model])] = _describe_written(NATIVE_MODELS[path.model])
        whole = paths.setdefault(f"{NATIVE.path}/{path.path}", {})
        whole[path.method.lower()] = _describe_write(path, name)
        paths.setdefault(f"{NATIVE.path}/{path.meta}", {"get": _describe_meta(path)})
    paths[f"{NATIVE.path}/attachments/{{id}}/content"] = {"get": _describe_content()}
    return paths, schemas


def _describe_content() -> Json:
    found = describe_response("The file.", "Error")
    found["content"] = {"*/*": {"schema": {"type": "string", "format": "binary"}}}
    refusals = describe_refusals()
    refusals["404"] = describe_response("There is no such attachment on this connector, or it has no file.", "Error")
    refusals["503"] = describe_response("The file cannot be had from the vendor now.", "Error", status=503)
    return {
        "operationId": "get_attachment_content",
        "tags": [NATIVE_MODELS["attachment"].noun],
        "summary": "The file of an attachment",
        "description": "Fetched with a link that the vendor makes now, and handed through.",
        "security": TOKENED,
        "parameters": [{"name": "id", "in": "path", "required": True, "schema": ID, "description": "Our id."}],
        "responses": {"200": found, **refusals},
    }


def name_operation(path: WritePath) -> str:
    """The id of the operation: the verb, and what it is done to."""
    if path.within is not None:
        return f"{path.verb}_{path.within}_{path.model}"
    return f"{path.verb}_{path.model}"


def _describe_write(path: WritePath, body: str | None) -> Json:
    spec, owner = INPUTS[path.model, path.verb], NATIVE_MODELS[path.within or path.model]
    status = CREATED.get(path.model, 200) if path.verb == "create" else 200
    has_target = "{id}" in path.path
    found: Json = {
        "operationId": name_operation(path),
        "tags": [owner.noun],
        "summary": _write_summary(path, spec),
        "description": f"Which fields the connector's vendor takes is what `{NATIVE.path}/{path.meta}` says. The "
        "answer is the record as it is then, read back from the vendor.",
        "security": TOKENED,
        "parameters": [
            *(_list_path_params(path, owner)),
            *_QUERY,
            *_KEYS,
            *([_IF_MATCH] if has_target and path.within is None else []),
            _PREFER,
        ],
    }
    if body is not None:
        is_needed = bool(spec.requires) and spec.requires != (path.within,)
        content: Json = {"application/json": {"schema": refer([body])}}
        if path.model == "attachment":
            content[FORM] = {"schema": refer([_name_form(body)])}
        found["requestBody"] = {"required": is_needed, "content": content}
    return {**found, "responses": _describe_answers(path, status, has_target=has_target)}


def _name_form(body: str) -> str:
    return f"{body}Form"


def _describe_form(path: WritePath) -> Json:
    """A form with a file: the members of the JSON body that are text, and the file as a part of its own."""
    fields = describe_widest(INPUTS[path.model, path.verb])["properties"]
    texts = {
        name: {**(ID if RELATION in one else {"type": "string"}), "description": one["description"]}
        for name, one in fields.items()
        if name not in (path.within, "file_content", "file_url") and (RELATION in one or "string" in one["type"])
    }
    file = {"type": "string", "contentMediaType": "application/octet-stream", "description": "The file."}
    return {"type": "object", "required": [FILE], "properties": {**texts, FILE: file}, "additionalProperties": False}


def _write_summary(path: WritePath, spec: InputSpec) -> str:
    if path.within is not None:
        return f"Add the {NATIVE_MODELS[path.model].noun} to a {NATIVE_MODELS[path.within].noun}"
    return spec.meaning.rstrip(".")


def _list_path_params(path: WritePath, owner: ModelSpec) -> list[Json]:
    params: list[Json] = []
    if "{id}" in path.path:
        params.append({
            "name": "id", "in": "path", "required": True, "schema": ID, "description": f"Our id of the {owner.noun}."
        })  # fmt: skip
    if path.member is not None:
        field = next(field for field in INPUTS[path.model, path.verb].fields if field.name == path.member)
        params.append({
            "name": path.member, "in": "path", "required": True, "description": field.meaning,
            "schema": {"type": "string", "minLength": 1},
            "example": field.example,
        })  # fmt: skip
    return params


def _describe_answers(path: WritePath, status: int, *, has_target: bool) -> Json:
    written = _name_answer(NATIVE_MODELS[path.model])
    done = "It was written: the record, with how the write ended."
    plan = "With `dry_run`: what would be sent; nothing was."
    answers = (
        {"200": describe_response(f"{done} {plan}", written, _PLAN)}
        if status == 200
        else {"200": describe_response(plan, _PLAN), str(status): describe_response(done, written)}
    )
    answers[str(status)]["headers"][REPLAYED] = {
        "description": "`true` where the answer is that of an earlier call under the same key.",
        "schema": {"const": "true"},
    }
    later = describe_response("It will be done later; `status_url` shows how it ended.", _LATER)
    later["headers"]["Preference-Applied"] = {"description": "That it is done later.", "schema": {"type": "string"}}
    refusals = describe_refusals()
    for code, meaning in _MEANINGS.items():
        if code == "404" and not has_target:
            continue
        refusals[code] = describe_response(meaning, _INVALID if code == "422" else _REFUSED, status=int(code))
    refusals["503"]["headers"]["Retry-After"] = {"description": "Seconds to wait.", "schema": {"type": "integer"}}
    return {**answers, "202": later, **dict(sorted(refusals.items()))}


_APPLICATION: Json = {
    "name": "application",
    "in": "query",
    "description": "Our id of an application: stages, openings and the like are those of its job alone.",
    "schema": ID,
}


def _describe_meta(path: WritePath) -> Json:
    refusals = describe_refusals()
    refusals["501"] = describe_response(_MEANINGS["501"], "Error", status=501)
    if path.narrows:
        refusals["404"] = describe_response("There is no such application.", "Error", status=404)
    return {
        "operationId": f"get_{path.verb}_{path.model}_meta",
        "tags": [NATIVE_MODELS[path.model].noun],
        "summary": f"What the connector takes: {INPUTS[path.model, path.verb].meaning[:1].lower()}"
        f"{INPUTS[path.model, path.verb].meaning[1:].rstrip('.')}",
        "description": "A JSON Schema of the body, from which a form can be drawn: the fields that the vendor takes, "
        "the customer's own fields, and the records that relations may name. It is read from what is stored.",
        "security": TOKENED,
        "parameters": [_APPLICATION] if path.narrows else [],
        "responses": {"200": describe_response("The schema is in `data`.", _META), **refusals},
    }


def _describe_body(path: WritePath) -> tuple[str | None, Json]:
    """The name of the schema of a body, and the schemas it needs; no name where there is no body."""
    if path.member is not None:
        return None, {}
    spec = INPUTS[path.model, path.verb]
    schema = {**describe_widest(spec), "description": spec.meaning}
    name = spec.struct.__name__
    if path.within is not None:
        name = f"{NATIVE_MODELS[path.within].record.__name__}{name}"
        schema["properties"] = {key: value for key, value in schema["properties"].items() if key != path.within}
        schema["required"] = [one for one in spec.requires if one != path.within]
    described, parts = _refer_to_parts(path, schema)
    if (path.model, path.verb) != ("candidate", "create"):
        return name, {**parts, name: described}
    wrapped, whole = f"Wrapped{name}", f"{name}OrWrapped"
    return whole, {
        **parts,
        name: described,
        wrapped: _describe_wrapped(described, name),
        whole: {
            **refer([name, wrapped]),
            "description": f"Both shapes of the contract. Members that no system takes may be there as null: "
            f"{', '.join(sorted(READ_ONLY))}.",
        },
    }


def _describe_wrapped(flat: Json, name: str) -> Json:
    """The contract's older shape: the candidate is in `data`, and some of its members have other names."""
    names = {ours: theirs for theirs, ours in OLDER_NAMES.items()}
    inner = {names.get(key, key): value for key, value in flat["properties"].items() if key != ACTOR}
    return {
        "type": "object",
        "description": f"As {name}, with the candidate in `data`.",
        "required": ["data"],
        "additionalProperties": False,
        "properties": {
            "data": {"type": "object", "properties": inner, "additionalProperties": False},
            ACTOR: flat["properties"][ACTOR],
            "job_requisition_id": {"type": "null", "description": "No connected system takes one: send the job."},
        },
    }


def _refer_to_parts(path: WritePath, schema: Json) -> tuple[Json, Json]:
    """The schema with relations and items by reference, and the schemas of the items."""
    fields = {field.name: field for field in INPUTS[path.model, path.verb].fields}
    parts: Json = {}
    properties: Json = {}
    for name, described in schema["properties"].items():
        struct = fields[name].struct if name in fields else None
        if struct is not None and "items" in described:
            part = f"{struct.__name__.removesuffix('Input')}Input"
            parts[part] = described["items"]
            described = {**described, "items": refer([part])}
        elif RELATION in described.get("items", {}):
            described = {**described, "items": _refer_to_record(described["items"])}
        elif RELATION in described:
            described = _refer_to_record(described)
        properties[name] = described
    return {**schema, "properties": properties}, parts


def _refer_to_record(described: Json) -> Json:
    """A relation by reference; which model it leads to is in its keyword."""
    one: Json = refer([REFERENCE])
    ways = {"anyOf": [one, {"type": "null"}]} if {"type": "null"} in described["anyOf"] else one
    return {**ways, **{key: value for key, value in described.items() if key != "anyOf"}}


def _name_answer(spec: ModelSpec) -> str:
    return f"Written{spec.record.__name__}"


def _describe_written(spec: ModelSpec) -> Json:
    return {"allOf": [refer([NATIVE.name_schema(spec), _UNREAD]), refer([_MEMBERS])]}


def _flag(name: str, meaning: str) -> Json:
    return describe_param(name, meaning, schema={"type": "boolean", "default": False})


_QUERY = [
    _flag("async", "Store the write and answer 202; it is done later, once, whatever becomes of the caller."),
    _flag("dry_run", "Check everything and answer what would be sent; nothing is written."),
    _flag("include_vendor_response", "Answer the vendor's rows as well."),
]


def _header(name: str, meaning: str, schema: Json, example: str) -> Json:
    return {"name": name, "in": "header", "schema": schema, "description": meaning, "example": example}


_KEY = {"type": "string", "pattern": "^[!-~]([ -~]*[!-~])?$", "minLength": 1, "maxLength": LONGEST_KEY}
_KEYS = [
    _header("X-Idempotency-Key", "A repeat under the same key writes nothing again.", _KEY, "candidate-4711"),
    _header("Idempotency-Key", "The same; `X-Idempotency-Key` goes before it.", _KEY, "candidate-4711"),
]
_IF_MATCH = _header(
    "If-Match",
    "The record's `modified_at` as you know it, in quotes: where the record has another by now, the answer is 409.",
    {"type": "string", "pattern": r'^"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?Z"$'},
    '"2026-01-31T09:30:00.000001Z"',
)
_PREFER = _header("Prefer", "As the parameter `async`.", {"type": "string", "enum": ["respond-async"]}, "respond-async")


def _list_shared() -> Json:
    """The schemas that all writes share."""
    members = {"write_id": WRITE_ID, "outcome": OUTCOME, "steps": STEPS}
    detail: Json = {"type": "string", "description": "What went wrong, in words."}
    remote: Any = next(one for one in _list_ways() if one["type"] == "object")
    return {
        REFERENCE: {"description": "A record: our id, or the vendor's.", "anyOf": [ID, remote]},
        _MEMBERS: {
            "type": "object",
            "description": "How a write ended.",
            "required": list(members),
            "properties": {**members, "vendor_response": VENDOR_RESPONSE},
        },
        _UNREAD: {
            "type": "object",
            "description": "A record that could not be read back: its ids, and nulls. The next sync has it.",
            "required": ["id", "remote_id", "modified_at"],
            "properties": {"id": ID, "remote_id": {"type": "string"}, "modified_at": {"type": "null"}},
        },
        _LATER: {
            "type": "object",
            "required": ["write_id", "outcome", "status_url"],
            "properties": {
                "write_id": WRITE_ID,
                "outcome": {"const": "waiting"},
                "status_url": {"type": "string", "description": "The path that shows how it ended."},
            },
        },
        _PLAN: DRY_RUN,
        _REFUSED: {
            "type": "object",
            "description": "Why nothing, or not all, was done. The members beside `detail` are there where a write was "
            "noted.",
            "required": ["detail"],
            "properties": {"detail": detail, **members},
        },
        _INVALID: {
            "type": "object",
            "description": "What is not taken, field by field.",
            "required": ["detail"],
            "properties": {"detail": {"type": "array", "items": refer(["ValidationError"])}, **members},
        },
        _META: {
            "type": "object",
            "required": ["success", "data", "error"],
            "properties": {
                "success": {"const": True},
                "data": {"type": "object", "description": "A JSON Schema, draft 2020-12."},
                "error": {"type": "null"},
            },
        },
    }


def _list_ways() -> list[Json]:
    """The ways in which a relation can be written, as bodies are checked."""
    described = describe_widest(INPUTS["candidate", "create"])["properties"]["job"]
    ways: list[Json] = described["anyOf"]
    return ways
