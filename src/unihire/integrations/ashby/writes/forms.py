"""Forms that customers make, filled in: of scorecards, offers and surveys."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from unihire.errors import ReferenceMissing
from unihire.integration.declare import Data
from unihire.integrations.ashby.mapping.forms import MULTIPLE, SINGLE, find_path, list_fields
from unihire.integrations.ashby.mapping.values import find_object, list_objects
from unihire.integrations.ashby.writes.calling import is_same_text

LONG_TEXTS = ("RichText", "LongText", "String")
NOTES = re.compile(r"notes?|comments?|feedback|summary", re.IGNORECASE)


def iterate_fields(form: Data | None) -> Iterator[Data]:
    """The fields of a form definition."""
    for entry in list_fields(form):
        field = find_object(entry, "field")
        if field is not None and find_path(field) is not None:
            yield field


def write_submission(answers: Mapping[str, Any]) -> Data:
    """Answers by their paths, as calls take them."""
    return {"fieldSubmissions": [{"path": path, "value": value} for path, value in answers.items()]}


def write_answers(form: Data | None, given: Mapping[str, Any] | None) -> dict[str, Any]:
    """Answers by the paths of fields, which are named by path, id or title; a choice by its label or its value."""
    answers: dict[str, Any] = {}
    for name, value in (given or {}).items():
        field = next((one for one in iterate_fields(form) if _is_named(one, name)), None)
        if field is None:
            titles = ", ".join(str(one.get("title")) for one in iterate_fields(form))
            raise ReferenceMissing(f"custom_fields: the form has no field {name}; it has {titles}")
        answers[find_path(field) or ""] = fit_answer(field, value)
    return answers


def _is_named(field: Data, name: str) -> bool:
    return name in (field.get("path"), field.get("id")) or is_same_text(field.get("title"), name)


def fit_answer(field: Data, value: Any) -> Any:
    """The value as the type of the field has it; what fits nothing stays as it is, for the vendor to judge."""
    match field.get("type"), value:
        case "RichText", str():
            return {"type": "PlainText", "value": value}
        case "Score", int():
            return {"score": value}
        case kind, str() if kind == SINGLE:
            return find_option(field, value) or value
        case kind, list() if kind == MULTIPLE:
            return [find_option(field, one) or one for one in value]
        case _:
            return value


def find_option(field: Data, label: Any) -> str | None:
    """The value of the option with a label."""
    for option in list_objects(field.get("selectableValues")):
        value = option.get("value")
        if isinstance(value, str) and is_same_text(option.get("label"), label):
            return value
    return None


def find_notes(form: Data | None) -> Data | None:
    """The field for a text: one that is called notes or the like, else the first that takes a text."""
    texts = [field for field in iterate_fields(form) if field.get("type") in LONG_TEXTS]
    named = [field for field in texts if NOTES.search(str(field.get("title")))]
    return next(iter(named or texts), None)
