"""The OpenAPI document as readers see it: with what it says once at each place that refers to it."""

from typing import Any

from unihire.app import describe_api


def describe_in_full() -> dict[str, Any]:
    """The document with every parameter, header and response in its place; schemas stay references."""
    document = describe_api()
    shared = {kind: document["components"][kind] for kind in ("parameters", "headers", "responses")}

    def follow(part: Any) -> Any:
        if isinstance(part, list):
            return [follow(one) for one in part]
        if not isinstance(part, dict):
            return part
        _, _, named = part.get("$ref", "").partition("#/components/")
        kind, _, name = named.partition("/")
        return follow(shared[kind][name]) if kind in shared else {key: follow(one) for key, one in part.items()}

    return {**document, "paths": follow(document["paths"])}
