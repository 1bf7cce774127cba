"""The integrations there are: one folder each under `unihire.integrations`, found by looking."""

import importlib
import importlib.util
import pkgutil
from collections.abc import Mapping
from functools import cache
from typing import Any

from unihire.errors import ConfigError
from unihire.integration.declare import Integration
from unihire.integration.operate import Operation
from unihire.integration.webhooks import Webhooks
from unihire.integration.write import Write
from unihire.model import MODELS, spec_of

_FOLDERS = "unihire.integrations"


@cache
def list_integrations() -> tuple[Integration, ...]:
    """Every integration, by slug. A folder without a connector, such as one with only an emulator, is none yet."""
    folders = importlib.import_module(_FOLDERS).__path__
    slugs = sorted(
        module.name
        for module in pkgutil.iter_modules(folders)
        if module.ispkg and importlib.util.find_spec(f"{_FOLDERS}.{module.name}.connector")
    )
    return tuple(importlib.import_module(f"{_FOLDERS}.{slug}.connector").INTEGRATION for slug in slugs)


def get_integration(slug: str) -> Integration:
    """Raises ConfigError, naming those there are, for an unknown slug."""
    for integration in list_integrations():
        if integration.slug == slug:
            return integration
    known = ", ".join(integration.slug for integration in list_integrations())
    raise ConfigError(f"there is no integration {slug!r}; there are: {known}")


@cache
def list_volatile_models(slug: str) -> frozenset[int]:
    """The numbers of the models of which an integration has volatile records.

    All that there are where it is gone from this installation.
    """
    for integration in list_integrations():
        if integration.slug == slug:
            streams = (stream for stream in integration.streams if stream.volatile is not None)
            return frozenset(spec_of(mapping.model).number for stream in streams for mapping in stream.mappings)
    return frozenset(spec.number for spec in MODELS.values())


@cache
def list_operations(slug: str) -> Mapping[str, Operation]:
    """The operations of an integration, by name, in the order its folder gives them.

    None where it offers none, or is gone from this installation.
    """
    folder, module = f"{_FOLDERS}.{slug}", f"{_FOLDERS}.{slug}.operations"
    if importlib.util.find_spec(folder) is None or importlib.util.find_spec(module) is None:
        return {}
    return {operation.name: operation for operation in importlib.import_module(module).OPERATIONS}


@cache
def find_webhooks(slug: str) -> Webhooks | None:
    """What an integration declares of its vendor's webhooks; None where it has none, or is gone."""
    folder, module = f"{_FOLDERS}.{slug}", f"{_FOLDERS}.{slug}.webhooks"
    if importlib.util.find_spec(folder) is None or importlib.util.find_spec(module) is None:
        return None
    found: Webhooks = importlib.import_module(module).WEBHOOKS
    return found


@cache
def list_writes(slug: str) -> Mapping[tuple[str, str], Write]:
    """The writes of an integration, by model and verb; none where it declares none, or is gone."""
    return {(write.model, write.verb): write for write in _read_writes(slug, "WRITES", ())}


@cache
def list_unwritable(slug: str) -> Mapping[str, str]:
    """Why the vendor cannot do what its integration does not declare, by `model.verb`."""
    found: Mapping[str, str] = _read_writes(slug, "CANNOT_WRITE", {})
    return found


@cache
def list_writing(slug: str) -> tuple[Operation | Write, ...]:
    """What of an integration needs scopes beside those of reads: its operations and its writes."""
    return (*list_operations(slug).values(), *list_writes(slug).values())


def _read_writes(slug: str, name: str, otherwise: Any) -> Any:
    folder, module = f"{_FOLDERS}.{slug}", f"{_FOLDERS}.{slug}.writes"
    if importlib.util.find_spec(folder) is None or importlib.util.find_spec(module) is None:
        return otherwise
    return getattr(importlib.import_module(module), name, otherwise)
