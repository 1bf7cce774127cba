"""The grammar of the `expand` parameter.

expand   := relation (',' relation)*
relation := name [ '[' field (',' field)* ']' ]
"""

import re

from unihire.dialects.common.faces import Face
from unihire.model import MODELS, ModelSpec
from unihire.platform.reads import Expansion

_RELATION = re.compile(r"([^\[\],]+)(?:\[([^\[\]]*)\])?(?:,|$)")


def write_expand_pattern(face: Face, spec: ModelSpec) -> str:
    """The grammar for one model, as a regular expression of JSON Schema: what it fits is taken."""
    each = []
    for relation in face.relations[spec]:
        assert relation.field.to is not None
        name = f"({'|'.join(face.list_keys(MODELS[relation.field.to]))})"
        each.append(rf"{relation.field.name}(\[{name}(,{name})*\])?")
    any_of_them = f"({'|'.join(each)})"
    return f"^({any_of_them}(,{any_of_them})*)?$"


def parse_expand(face: Face, spec: ModelSpec, text: str) -> tuple[Expansion, ...]:
    """The relations to expand. Raises ValueError that says what is possible."""
    relations = {relation.field.name: relation for relation in face.relations[spec]}
    found: dict[str, Expansion] = {}  # a relation named twice: the last counts
    place = 0
    while place < len(text):
        match = _RELATION.match(text, place)
        if match is None or (match.end() == len(text) and text.endswith(",")):
            raise ValueError("expand is relations joined by commas, each with an optional [field,field]")
        place = match.end()
        name, listed = match.group(1).strip(), match.group(2)
        relation = relations.get(name)
        if relation is None or relation.field.to is None:
            possible = f"possible: {', '.join(relations)}" if relations else "it has none"
            raise ValueError(f"{spec.noun} has no relation {name!r}; {possible}")
        target = MODELS[relation.field.to]
        fields = None if listed is None else _parse_fields(face, target, listed)
        found[name] = Expansion(relation.field, target, fields, relation.place)
    return tuple(found.values())


def _parse_fields(face: Face, target: ModelSpec, listed: str) -> tuple[str, ...]:
    possible = face.list_keys(target)
    fields = tuple(field.strip() for field in listed.split(","))
    for field in fields:
        if field not in possible:
            raise ValueError(f"{target.noun} has no field {field!r}; possible: {', '.join(possible)}")
    return fields
