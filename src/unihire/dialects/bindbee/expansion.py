"""The `expand` parameter: its grammar, and relations replaced by the records they point to.

expand   := relation (',' relation)*
relation := name [ '[' field (',' field)* ']' ]
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import structlog

from unihire.kit.nesting import MOST_DEPTH, decode_bounded
from unihire.model import MODELS, FieldSpec, ModelSpec
from unihire.platform.access import Scope
from unihire.store import Pool
from unihire.store.reading import find_targets

log = structlog.get_logger()

_RELATION = re.compile(r"([^\[\],]+)(?:\[([^\[\]]*)\])?(?:,|$)")
_COMMON = ("id", "modified_at", "custom_fields", "raw_data")


@dataclass(frozen=True, slots=True)
class Expansion:
    """A relation to expand; `fields` None means the whole record."""

    relation: FieldSpec
    target: ModelSpec
    fields: tuple[str, ...] | None


def wire_fields(spec: ModelSpec) -> tuple[str, ...]:
    """Every key of a model's answer."""
    return (*_COMMON[:2], *(field.name for field in spec.fields), *_COMMON[2:])


def write_expand_pattern(spec: ModelSpec) -> str:
    """The grammar for one model, as a regular expression of JSON Schema: what it fits is taken."""
    each = []
    for field in spec.relations:
        assert field.to is not None
        name = f"({'|'.join(wire_fields(MODELS[field.to]))})"
        each.append(rf"{field.name}(\[{name}(,{name})*\])?")
    relation = f"({'|'.join(each)})"
    return f"^({relation}(,{relation})*)?$"


def parse_expand(spec: ModelSpec, text: str) -> tuple[Expansion, ...]:
    """The relations to expand. Raises ValueError that says what is possible."""
    relations = {field.name: field for field in spec.relations}
    found: dict[str, Expansion] = {}  # a relation named twice: the last counts
    place = 0
    while place < len(text):
        match = _RELATION.match(text, place)
        if match is None or (match.end() == len(text) and text.endswith(",")):
            raise ValueError("expand is relations joined by commas, each with an optional [field,field]")
        place = match.end()
        name, listed = match.group(1).strip(), match.group(2)
        relation = relations.get(name)
        if relation is None or relation.to is None:
            possible = f"possible: {', '.join(relations)}" if relations else "it has none"
            raise ValueError(f"{spec.noun} has no relation {name!r}; {possible}")
        target = MODELS[relation.to]
        found[name] = Expansion(relation, target, None if listed is None else _parse_fields(target, listed))
    return tuple(found.values())


def _parse_fields(target: ModelSpec, listed: str) -> tuple[str, ...]:
    possible = wire_fields(target)
    fields = tuple(field.strip() for field in listed.split(","))
    for field in fields:
        if field not in possible:
            raise ValueError(f"{target.noun} has no field {field!r}; possible: {', '.join(possible)}")
    return fields


async def expand_bodies(
    pool: Pool, scope: Scope, bodies: Sequence[bytes], expansions: Sequence[Expansion], *, raw: bool, custom: bool
) -> list[bytes]:
    """The bodies with relations expanded, one query for each model pointed to.

    A related record that is not there (never synced, or deleted), or that cannot be decoded, stays an id; a body that
    cannot be decoded, for the raw data in it, is answered as it is.
    """
    decoded = [_find_record(body) for body in bodies]
    records = [record for record in decoded if record is not None]
    targets: dict[str, dict[str, dict[str, object]]] = {}
    for spec in {expansion.target.name: expansion.target for expansion in expansions}.values():
        wanted: dict[str, None] = {}
        for expansion in expansions:
            if expansion.target is spec:
                for record in records:
                    wanted.update(dict.fromkeys(_ids(record[expansion.relation.name])))
        found = await find_targets(pool, scope.number, spec.number, list(wanted), raw=raw, custom=custom)
        each = ((id, _find_record(body)) for id, body in found.items())
        targets[spec.name] = {id: record for id, record in each if record is not None}
    for expansion in expansions:
        known = targets[expansion.target.name]
        for record in records:
            name = expansion.relation.name
            value = record[name]
            if isinstance(value, list):
                record[name] = [_shape(known, id, expansion.fields) for id in value]
            elif value is not None:
                record[name] = _shape(known, value, expansion.fields)
    shown = zip(bodies, decoded, strict=True)
    return [body if record is None else msgspec.json.encode(record) for body, record in shown]


def _find_record(body: bytes) -> dict[str, Any] | None:
    try:
        return decode_bounded(body, dict[str, Any], most=MOST_DEPTH + 1)  # the raw data is one level down
    except ValueError:
        log.warning("a stored record cannot be decoded, and is not expanded")
        return None


def _ids(value: list[str] | str | None) -> list[str]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _shape(known: dict[str, dict[str, object]], id: str, fields: tuple[str, ...] | None) -> object:
    record = known.get(id)
    if record is None:
        return id
    return record if fields is None else {field: record[field] for field in fields}
