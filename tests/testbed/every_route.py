"""Every call that an application answers, from its own table of routes."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from starlette.applications import Starlette
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from unihire.dialects.bindbee.face import NATIVE

OPEN = frozenset(
    (
        "/", "/api/v1/capabilities", "/capabilities", "/consent", "/docs", "/health", "/hooks/{vendor}/{token}",
        "/metrics", "/openapi.json",
    )
)  # fmt: skip
"""The paths that ask for no API key: a new one has to be named here."""


@dataclass(frozen=True, slots=True)
class RouteCall:
    """A method at a path, whose parameters are in braces."""

    method: str
    path: str

    @property
    def params(self) -> list[str]:
        return re.findall(r"{(\w+)}", self.path)

    def fill(self, values: dict[str, str]) -> str:
        """The path with these values for its parameters."""
        return re.sub(r"{(\w+)}", lambda found: values[found[1]], self.path)


def list_calls(app: Starlette) -> list[RouteCall]:
    """Those of each route; the path of the lists of a face, which is one route, is one for each of its models."""
    return list(dict.fromkeys(_walk(app)))


def _walk(app: Starlette) -> Iterator[RouteCall]:
    for route in app.routes:
        if isinstance(route, Mount) and isinstance(route.app, StaticFiles):
            continue  # files of the page to try the API on
        assert isinstance(route, Route), f"{route} is of a kind that is not walked"
        paths = [re.sub(r":\w+}", "}", route.path)]
        if "{plural}" in route.path:
            paths = [paths[0].replace("{plural}", spec.plural) for spec in NATIVE.models]
        for method in sorted((route.methods or set()) - {"HEAD"}):
            for path in paths:
                yield RouteCall(method, path)


def list_closed_calls(app: Starlette) -> list[RouteCall]:
    """Those that ask for an API key."""
    return [call for call in list_calls(app) if call.path not in OPEN]
