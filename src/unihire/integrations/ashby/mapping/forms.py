"""Forms that customers make: what they ask, and what was answered. Application forms and scorecards are such."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import msgspec

from unihire.integration.declare import Data
from unihire.integrations.ashby.mapping.values import (
    expect_list,
    find_object,
    list_objects,
    to_id,
    to_text,
    to_word,
)
from unihire.model import Answer, Choice

SCORE = "Score"
"""The type of a field that takes 1 to 4 points."""

SINGLE, MULTIPLE = "ValueSelect", "MultiValueSelect"

QUESTION_TYPES = {
    "Boolean": "BOOLEAN",
    "Date": "DATE",
    "File": "FILE",
    SINGLE: "SINGLE_SELECT",
    MULTIPLE: "MULTI_SELECT",
    "Number": "NUMERIC",
    SCORE: "NUMERIC",
    "Currency": "NUMERIC",
    "NumberRange": "NUMERIC",
    "CompensationRange": "NUMERIC",
    "LongText": "MULTI_LINE_TEXT",
    "RichText": "MULTI_LINE_TEXT",
    "EducationHistory": "MULTI_LINE_TEXT",
    "String": "SINGLE_LINE_TEXT",
    "Email": "SINGLE_LINE_TEXT",
    "Phone": "SINGLE_LINE_TEXT",
    "Url": "SINGLE_LINE_TEXT",
    "UUID": "SINGLE_LINE_TEXT",
    "Location": "SINGLE_LINE_TEXT",
    "SocialLink": "SINGLE_LINE_TEXT",
}

SAID_IN = ("value", "score", "name", "url")
"""The member that has an answer which is an object of one: a rich text, a score, a file, a link."""

LISTED_IN = ("city", "region", "country", "schoolName", "degree", "major")
"""The members of an answer that is a place or a school, in the order in which they are read."""


def list_fields(form: Data | None) -> Iterator[Data]:
    """The entries of a form, over all its sections."""
    for section in list_objects(None if form is None else form.get("sections")):
        yield from list_objects(section.get("fields"))


class Submitted(NamedTuple):
    """A field of a form that was filled in; `value` is None where nothing was answered."""

    field: Data
    path: str | None
    labels: Mapping[Any, Any]
    """The texts of the options it offers, by their values."""
    value: Any


def list_submitted(submission: Data) -> list[Submitted]:
    """The fields of a form, each with what was answered."""
    values, found = find_object(submission, "submittedValues") or {}, []
    for entry in list_fields(find_object(submission, "formDefinition")):
        field = find_object(entry, "field") or {}
        path, options = find_path(field), list_objects(field.get("selectableValues"))
        labels = {to_id(one.get("value")): to_label(one.get("label")) for one in options}
        found.append(Submitted(field, path, labels, None if path is None else values.get(path)))
    return found


def to_label(value: Any) -> str | None:
    """Raises TypeError for what is no text."""
    if value is None or isinstance(value, str):
        return value or None
    raise TypeError(f"a label of type {type(value).__name__}")


def find_path(field: Data) -> str | None:
    """What a field is known by in its form; None where it has neither path nor id."""
    path, id = to_id(field.get("path")), to_id(field.get("id"))
    return path or id


def list_choices(field: Data) -> list[Choice] | None:
    options = field.get("selectableValues")
    if options is None:
        return None
    return [Choice(remote_id=to_id(one.get("value")), label=to_text(one.get("label"))) for one in list_objects(options)]


def to_answer(submitted: Submitted, question: str | None = None) -> Answer:
    """What was answered to a field; `question` is the question's id where it is a record."""
    field, value = submitted.field, submitted.value
    kind = field.get("type")
    chosen = list_chosen(submitted) if kind in (SINGLE, MULTIPLE) and value is not None else None
    return Answer(
        question=question,
        question_remote_id=to_id(field.get("id")),
        title=to_text(field.get("title")),
        type=to_word(QUESTION_TYPES, kind),
        text=to_said(value) if chosen is None else ", ".join(chosen),
        values=chosen,
    )


def list_chosen(submitted: Submitted) -> list[str]:
    """The texts of the options that were chosen; an option that is gone has its value alone."""
    value = submitted.value
    found = [to_said(one) for one in (value if isinstance(value, list) else [value])]
    return [submitted.labels.get(one) or one for one in found if one is not None]


def to_said(value: Any) -> str | None:
    """An answer of whatever type as one text."""
    match value:
        case None:
            return None
        case bool():
            return ("No", "Yes")[value]
        case str():
            said: str | None = to_text(value)
            return said
        case int():
            return str(value)
        case float():
            return str(int(value)) if value.is_integer() else str(value)
        case list():
            return join_said([to_said(one) for one in expect_list(value)], "; ")
        case dict():
            alone = next((value[name] for name in SAID_IN if value.get(name) is not None), None)
            listed = join_said([to_said(value.get(name)) for name in LISTED_IN], ", ")
            between = join_said([to_said(value.get(name)) for name in ("minValue", "maxValue")], " to ")
            currency = to_said(value.get("currencyCode"))
            said = join_said([to_said(alone), listed, between, currency], " ")
            return said or (msgspec.json.encode(value).decode() if value else None)
    raise TypeError(f"an answer of type {type(value).__name__}")


def join_said(parts: list[str | None], between: str) -> str | None:
    return between.join(part for part in parts if part is not None) or None
