"""The languages of pages: which one a reader gets, and what is said in it."""

from collections.abc import Callable
from functools import cache
from importlib import resources
from importlib.util import find_spec
from typing import Any

from babel.messages.pofile import read_po

from unihire.platform.linking.link_rules import LANGUAGES

ENGLISH = "en"
"""The language of the templates: its catalogue would be empty."""

NAMES = {"en": "English", "de": "Deutsch"}

LONGEST_HEADER = 500


def mark(text: str) -> str:
    """A text that catalogues have, where it is written; it is looked up where it is shown."""
    return text


@cache
def load_catalogue(language: str, package: str = "unihire.pages") -> dict[str, Any]:
    """What stands for each text that a package says; of one with a plural, what stands for each number."""
    if language == ENGLISH:
        return {}
    text = resources.files(package) / "locale" / f"{language}.po"
    if not text.is_file():
        return {}
    with text.open("rb") as file:
        catalogue = read_po(file, locale=language, abort_invalid=True)
    found: dict[str, Any] = {}
    for message in catalogue:
        if message.id:
            found[message.id if isinstance(message.id, str) else message.id[0]] = message.string
    return found


def load_vendor_catalogue(language: str, slug: str) -> dict[str, Any]:
    """The same of what a vendor's folder says of its credentials; nothing where it has none in this language."""
    folder = f"unihire.integrations.{slug}"
    return load_catalogue(language, folder) if find_spec(folder) else {}


def make_gettext(language: str) -> Callable[[str], str]:
    """What looks a text up; one that is not there stays as it is."""
    catalogue = load_catalogue(language)
    return lambda text: str(catalogue.get(text) or text)


def make_ngettext(language: str) -> Callable[[str, str, int], str]:
    catalogue = load_catalogue(language)

    def look_up(one: str, many: str, number: int) -> str:
        found = catalogue.get(one) or (one, many)
        return str(found[0 if number == 1 else 1])

    return look_up


def pick_language(asked: str | None, accepted: str | None, otherwise: str | None) -> str:
    """The language of a page: the one asked for, else the first that the browser accepts, else the organisation's."""
    if asked in LANGUAGES:
        return str(asked)
    wanted: list[tuple[float, str]] = []
    for part in (accepted or "")[:LONGEST_HEADER].split(","):
        tag, _, quality = part.strip().partition(";q=")
        try:
            weight = float(quality or 1)
        except ValueError:
            continue
        language = tag.partition("-")[0].lower()
        if language in LANGUAGES and weight > 0:
            wanted.append((-weight, language))
    if wanted:
        return min(wanted, key=lambda one: one[0])[1]
    return otherwise or ENGLISH
