"""Bodies of writes: checked against the declaration, relations resolved, before anything is asked of the vendor."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import islice
from typing import Any, TypeVar
from uuid import UUID

import jsonschema_rs
import msgspec

from unihire.errors import MOST_PROBLEMS, Invalid
from unihire.integration.write import Given, Write
from unihire.model import INPUTS, MODELS, InputSpec
from unihire.platform.inputs import check_values, to_integers
from unihire.platform.writing.body_schema import ACTOR, PARAMS, RELATION, describe_body, list_known
from unihire.store import Pool
from unihire.store.calls.requested_writes import KnownRecord, find_remote_ids

Problem = dict[str, Any]

Made = TypeVar("Made", bound=msgspec.Struct)


@dataclass(frozen=True, slots=True)
class _Relation:
    """A relation in a body: where it is, what it leads to, and the record's id of ours."""

    place: tuple[str | int, ...]
    to: str
    id: str


@cache
def _validator(write: Write, *, has_actor: bool) -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator(describe_body(write, has_actor=has_actor), validate_formats=True)


def check_body(write: Write, vendor: str, data: Any, *, has_actor: bool = False) -> dict[str, Any]:
    """The body without what is null and not taken. Raises Invalid, with the field, for what does not fit.

    `vendor` is its name for people; `has_actor`: somebody acts where the body names nobody. Nothing has been asked of
    anybody by then.
    """
    spec = INPUTS[write.model, write.verb]
    if isinstance(data, dict | list):
        check_values(data)
    if isinstance(data, dict):
        known, taken = list_known(spec), describe_body(write)["properties"]
        data = {name: value for name, value in data.items() if value is not None or name in taken or name not in known}
    problems = [
        problem
        for error in islice(_validator(write, has_actor=has_actor).iter_errors(data), MOST_PROBLEMS)
        for problem in _describe_error(error, spec, write, vendor)
    ]
    if problems:
        raise Invalid(problems)
    checked: dict[str, Any] = data
    return checked


async def resolve(pool: Pool, connector: int, write: Write, data: dict[str, Any], target: str = "") -> Given[Any]:
    """The checked body as the vendor's function gets it: relations are the vendor's ids. Raises Invalid."""
    schema = describe_body(write)["properties"]
    relations = list(_list_relations(schema, data))
    known = await find_remote_ids(pool, connector, [relation.id for relation in relations])
    problems = [problem for one in relations if (problem := _check_relation(one, known.get(one.id))) is not None]
    if problems:
        raise Invalid(problems)
    resolved = {name: _resolve_value(schema.get(name, {}), value, known) for name, value in data.items()}
    actor, params = resolved.pop(ACTOR, None), resolved.pop(PARAMS, None)
    spec = INPUTS[write.model, write.verb]
    try:
        input = _convert(resolved, spec.struct)
        own = None if write.params is None else _convert(params or {}, write.params)
    except msgspec.ValidationError as error:
        raise Invalid([describe(("body",), str(error), None)]) from error
    return Given(input=input, sent=frozenset(resolved), target=target, actor=actor, params=own)


def _convert(data: dict[str, Any], to: type[Made]) -> Made:
    """Raises msgspec.ValidationError."""
    try:
        return msgspec.convert(data, to)
    except msgspec.ValidationError:  # `7.0` is an integer to a schema
        return msgspec.convert(to_integers(data), to)


def add_field(given: Given[Any], name: str, value: str) -> Given[Any]:
    """The same input with a field that the path says."""
    return replace(
        given, input=msgspec.structs.replace(given.input, **{name: value}), sent=given.sent | frozenset((name,))
    )


def _list_relations(schema: Mapping[str, Any], data: Mapping[str, Any]) -> Iterator[_Relation]:
    for name, value in data.items():
        described = schema.get(name, {})
        if RELATION in described and isinstance(value, str):
            yield _Relation((name,), described[RELATION], _write_id(value))
        elif RELATION in described.get("items", {}) and isinstance(value, list):
            for number, one in enumerate(value):
                if isinstance(one, str):
                    yield _Relation((name, number), described["items"][RELATION], _write_id(one))


def _write_id(value: str) -> str:
    return str(UUID(value))


def _check_relation(relation: _Relation, found: KnownRecord | None) -> Problem | None:
    noun = MODELS[relation.to].noun
    place = ("body", *relation.place)
    if found is None:
        return describe(place, f"there is no {noun} with this id", relation.id)
    if found.model != MODELS[relation.to].number:
        other = next(spec.noun for spec in MODELS.values() if spec.number == found.model)
        return describe(place, f"this is the id of a {other}, and must be that of a {noun}", relation.id)
    return describe(place, f"the {noun} with this id was deleted", relation.id) if found.is_deleted else None


def _resolve_value(schema: Mapping[str, Any], value: Any, known: Mapping[str, KnownRecord]) -> Any:
    if RELATION in schema:
        return _resolve_relation(value, known)
    if RELATION in schema.get("items", {}) and isinstance(value, list):
        return [_resolve_relation(one, known) for one in value]
    return value


def _resolve_relation(value: Any, known: Mapping[str, KnownRecord]) -> str | None:
    if value is None:
        return None
    if isinstance(value, dict):
        remote_id: str = value["remote_id"]
        return remote_id
    return known[_write_id(value)].remote_id


def describe(place: Sequence[str | int], message: str, given: Any) -> Problem:
    """An entry of a 422."""
    return {"type": "value_error", "loc": list(place), "msg": message, "input": given}


def _describe_error(
    error: jsonschema_rs.ValidationError, spec: InputSpec, write: Write, vendor: str
) -> Iterator[Problem]:
    kind, place = error.kind.as_dict(), ("body", *error.instance_path)
    match error.kind.name:
        case "required":
            yield {"type": "missing", "loc": [*place, kind["property"]], "msg": "Field required", "input": None}
        case "additionalProperties":
            for name in kind["unexpected"]:
                yield {
                    "type": "extra_forbidden",
                    "loc": [*place, name],
                    "msg": _explain_extra(name, spec, write, vendor, is_inside=len(place) > 1),
                    "input": error.instance.get(name) if isinstance(error.instance, dict) else None,
                }
        case "anyOf" if not error.instance_path:  # one of several fields is needed
            names = sorted({one.kind.as_dict().get("property", "") for branch in kind["context"] for one in branch})
            words = f"one of {', '.join(filter(None, names))} is needed"
            yield {"type": "missing", "loc": [*place, next(filter(None, names), "")], "msg": words, "input": None}
        case _ if _is_emptied(write, error):
            yield describe(place, f"{vendor} has no way to empty this", error.instance)
        case "not":
            yield {"type": "missing", "loc": [*place], "msg": "Field required", "input": None}
        case "anyOf" if _is_relation(write, error.instance_path):
            words = 'this must be the id of a record, a UUID, or the vendor\'s own as {"remote_id": "…"}'
            yield describe(place, words, error.instance)
        case _:
            yield describe(place, error.message, error.instance)


def _is_emptied(write: Write, error: jsonschema_rs.ValidationError) -> bool:
    """Whether the fault is a member that is to be emptied, and cannot be."""
    path = error.instance_path
    return len(path) == 1 and path[0] in write.cannot_empty and error.instance in (None, [])


def _is_relation(write: Write, path: Sequence[str | int]) -> bool:
    if not path:
        return False
    schema = describe_body(write)["properties"].get(path[0], {})
    return RELATION in schema or RELATION in schema.get("items", {})


def _explain_extra(name: str, spec: InputSpec, write: Write, vendor: str, *, is_inside: bool) -> str:
    if is_inside:
        return "Extra inputs are not permitted"
    if name == ACTOR and write.no_actor is not None:
        return write.no_actor
    if name in list_known(spec):
        return f"{vendor} does not take this here"
    taken = ", ".join(describe_body(write)["properties"])
    return f"Extra inputs are not permitted; this takes {taken}"
