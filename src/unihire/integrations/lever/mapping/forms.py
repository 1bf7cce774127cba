"""Lever's forms: what they ask, and what was answered. Application forms, scorecards, notes and offers are such."""

from collections.abc import Iterable
from typing import Any

import msgspec

from unihire.integration.declare import Data
from unihire.integrations.lever.mapping.values import (
    expect_list,
    list_objects,
    to_id,
    to_moment,
    to_said,
    to_text,
    to_word,
)
from unihire.model import Answer, Choice

QUESTION_TYPES = {
    "date": "DATE",
    "file-upload": "FILE",
    "dropdown": "SINGLE_SELECT",
    "multiple-choice": "SINGLE_SELECT",
    "university": "SINGLE_SELECT",
    "multiple-select": "MULTI_SELECT",
    "text": "SINGLE_LINE_TEXT",
    "textarea": "MULTI_LINE_TEXT",
    "code": "MULTI_LINE_TEXT",
    "note": "MULTI_LINE_TEXT",
    "currency": "NUMERIC",
    "score": "NUMERIC",
    "yes-no": "BOOLEAN",
}

CHOSEN = ("dropdown", "multiple-choice", "university", "multiple-select")
"""The types whose answers are among the options."""

SAID_IN = ("text", "value", "name", "amount", "code")
"""The member that has an answer which is an object: of a file, of money, of source code."""


def list_choices(field: Data) -> list[Choice] | None:
    options = field.get("options")
    if options is None:
        return None
    return [
        Choice(remote_id=to_id(one.get("optionId")), label=to_text(one.get("text"))) for one in list_objects(options)
    ]


def to_answer(field: Data, question: str | None = None) -> Answer:
    """What was answered to a field; `question` is the question's id where it is a record."""
    kind, value = field.get("type"), field.get("value")
    chosen = list_chosen(value) if kind in CHOSEN and value is not None else None
    return Answer(
        question=question,
        question_remote_id=to_id(field.get("id")),
        title=to_text(field.get("text")),
        type=to_word(QUESTION_TYPES, kind),
        text=write_answer(kind, value) if chosen is None else ", ".join(chosen) or None,
        values=chosen,
    )


def write_answer(kind: Any, value: Any) -> str | None:
    """As text; a day is milliseconds."""
    return to_moment(value) if kind == "date" and isinstance(value, int) else write_value(value)


def list_chosen(value: Any) -> list[str]:
    found = value if isinstance(value, list) else [value]
    return [said for one in found if (said := write_value(one)) is not None]


def is_answered(field: Data) -> bool:
    return field.get("value") not in (None, "", [])


def write_value(value: Any) -> str | None:
    """An answer of whatever type as one text."""
    match value:
        case None:
            return None
        case bool():
            return ("No", "Yes")[value]
        case str():
            return to_said(value)
        case int():
            return str(value)
        case float():
            return str(int(value)) if value.is_integer() else str(value)
        case list():
            return join_texts((write_value(one) for one in expect_list(value)), "; ")
        case dict():
            found = next((value[name] for name in SAID_IN if value.get(name) is not None), None)
            said = join_texts((write_value(found), write_value(value.get("currency"))), " ")
            return said or (msgspec.json.encode(value).decode() if value else None)
    raise TypeError(f"an answer of type {type(value).__name__}")


def join_texts(texts: Iterable[str | None], between: str) -> str | None:
    return between.join(text for text in texts if text is not None) or None
