"""Which streams models are made of."""

from collections.abc import Collection

from unihire.errors import ConfigError
from unihire.integration.declare import Integration
from unihire.model import spec_of


def find_streams(integration: Integration, models: Collection[str]) -> list[str]:
    """The streams that these models are made of, with those whose rows they show.

    Raises ConfigError for a name that is no model, or one the integration does not fill.
    """
    made = {spec_of(mapping.model).name for stream in integration.streams for mapping in stream.mappings}
    if unknown := sorted(set(models) - made):
        known = ", ".join(sorted(made))
        raise ConfigError(f"{integration.name} fills no {', '.join(unknown)}; what it fills: {known}")
    wanted = {
        stream.name
        for stream in integration.streams
        if any(spec_of(mapping.model).name in models for mapping in stream.mappings)
    }
    while True:
        shown = {join.stream for stream in integration.streams if stream.name in wanted for join in stream.joins}
        if shown <= wanted:
            return sorted(wanted)
        wanted |= shown
