"""Pages made of templates, with the headers that every one of them has."""

from collections.abc import Mapping, Sequence
from functools import cache
from importlib import resources
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.responses import HTMLResponse, Response

from unihire.pages.languages import make_gettext, make_ngettext

STYLESHEET, SCRIPT = "link.css", "link.js"

_TYPES = {STYLESHEET: "text/css", SCRIPT: "text/javascript"}

COMMON = {
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}


@cache
def _open_templates(language: str) -> Environment:
    templates = Environment(
        loader=PackageLoader("unihire.pages", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        extensions=["jinja2.ext.i18n"],
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.policies["ext.i18n.trimmed"] = True
    templates.install_gettext_callables(  # type: ignore[attr-defined]
        make_gettext(language), make_ngettext(language), newstyle=True
    )
    return templates


def render_page(
    template: str, language: str, values: Mapping[str, Any], *, status: int = 200, framed_by: Sequence[str] = ()
) -> Response:
    """The page in a language; only the origins in `framed_by` may frame it."""
    text = _open_templates(language).get_template(template).render({**values, "language": language})
    return HTMLResponse(text, status, {**COMMON, "content-security-policy": write_policy(framed_by)})


def write_policy(framed_by: Sequence[str]) -> str:
    """The Content-Security-Policy of a page."""
    return "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "img-src 'self' data:",
            "connect-src 'self'",
            "form-action 'self'",
            "base-uri 'none'",
            f"frame-ancestors {' '.join(framed_by) or chr(39) + 'none' + chr(39)}",
        )
    )


@cache
def load_asset(name: str) -> tuple[bytes, str]:
    """A file that pages refer to, and its type. KeyError for a name that is none."""
    kind = _TYPES[name]
    return (resources.files("unihire.pages") / "static" / name).read_bytes(), kind


def write_colours(colour: str | None) -> str:
    """A stylesheet that says the organisation's colour, and black or white for what is written on it."""
    if colour is None:
        return ""
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    light = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    # The contrast with black is the better one from here on (WCAG 2.2, relative luminance).
    text = "#000000" if (light + 0.05) ** 2 > 1.05 * 0.05 else "#ffffff"
    return f":root{{--accent:{colour};--on-accent:{text}}}\n"
