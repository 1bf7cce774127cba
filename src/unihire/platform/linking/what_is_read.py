"""What a link lets us read and write: the models with their fields, as an integration declares them."""

from dataclasses import dataclass
from functools import cache

from unihire.integration.declare import Integration
from unihire.integration.registry import get_integration, list_writes
from unihire.model import spec_of
from unihire.model.spec import MODELS


@dataclass(frozen=True, slots=True)
class ReadModel:
    """A model that is read, its fields in the vocabulary's words, and what can be done to it: `create`, `update`."""

    name: str
    noun: str
    fields: tuple[str, ...]
    verbs: tuple[str, ...]


@cache
def list_read(slug: str) -> tuple[ReadModel, ...]:
    """In the order of the vocabulary."""
    integration = get_integration(slug)
    verbs: dict[str, list[str]] = {}
    for model, verb in list_writes(slug):
        verbs.setdefault(model, []).append(verb)
    read = {spec_of(mapping.model).name for stream in integration.streams for mapping in stream.mappings}
    return tuple(
        ReadModel(spec.name, spec.noun, _list_fields(integration, spec.name), tuple(verbs.get(spec.name, ())))
        for spec in MODELS.values()
        if spec.name in read
    )


def _list_fields(integration: Integration, model: str) -> tuple[str, ...]:
    spec = MODELS[model]
    return tuple(
        field.name
        for field in (*spec.fields, *spec.more)
        if f"{model}.{field.name}" not in integration.cannot and not field.name.startswith("remote_")
    )
