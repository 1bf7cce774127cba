"""Answers to forms that are written: every one checked against its form's field."""

import re
from typing import Any

from unihire.integration.emulate import Row
from unihire.integrations.ashby.emulator.api.bodies import check_entries
from unihire.integrations.ashby.emulator.api.envelope import Refused, refuse_input
from unihire.integrations.ashby.emulator.rows.forms import list_fields
from unihire.integrations.ashby.emulator.rows.ids import make_id
from unihire.integrations.ashby.emulator.rows.values import list_objects, read_text

FAILING_EMAIL = "testing-fail-validation@example.com"
"""An applicant with this address fails: applicationForm.submit documents it."""
_DATE = re.compile(r"\d{4}-\d\d-\d\d(T.*)?", re.ASCII)


def read_submissions(form: Row, given: Any, where: str, *, is_partial: bool = False) -> dict[str, Any]:
    """Path → value. Raises Refused for an unknown path, a value of the wrong kind, and what is required and missing."""
    entries = given.get("fieldSubmissions") if isinstance(given, dict) else given
    if not isinstance(entries, list):
        raise refuse_input(f"{where}.fieldSubmissions must be a list", where)
    fields = {entry["field"].get("path"): entry for entry in list_fields(form)}
    found: dict[str, Any] = {}
    for entry in check_entries("path:text! value:any?!", entries, f"{where}.fieldSubmissions"):
        path, value = entry["path"], entry["value"]
        if path not in fields:
            raise refuse_input(f"{path[:100]} is no field of this form", where)
        field = fields[path]["field"]
        if value is not None and not is_answer(field, value):
            raise refuse_input(f"{path}: not a value of a {field.get('type')} field", where)
        found[path] = value
    missing = [
        str(entry["field"].get("title"))
        for path, entry in fields.items()
        if entry.get("isRequired") is True and found.get(path) in (None, "") and not is_partial
    ]
    if missing:
        raise refuse_input(f"Missing entry for required field: {missing[0]}", where)
    return {path: value for path, value in found.items() if value is not None}


def is_answer(field: Row, value: Any) -> bool:
    """Whether a value is of the field's type."""
    type_ = field.get("type")
    options = {read_text(option, "value") for option in list_objects(field, "selectableValues")}
    if type_ == "Boolean":
        return isinstance(value, bool)
    if type_ in ("Number", "NumberRange", "CompensationRange", "Currency", "Score", "RichText", "Location"):
        return is_measure(str(type_), value)
    if type_ == "ValueSelect":
        return isinstance(value, str) and value in options
    if type_ == "MultiValueSelect":
        return isinstance(value, list) and all(isinstance(one, str) and one in options for one in value)
    if type_ == "Date":
        return isinstance(value, str) and _DATE.fullmatch(value) is not None
    if type_ == "Email":
        return isinstance(value, str) and "@" in value
    if type_ == "EducationHistory":
        return isinstance(value, list) and all(
            isinstance(one, dict) and isinstance(one.get("schoolName"), str) for one in value
        )
    return isinstance(value, str)


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def is_measure(type_: str, value: Any) -> bool:
    """Numbers and values with parts."""
    if type_ == "Number":
        return is_number(value)
    if not isinstance(value, dict):
        return False
    if type_ == "Score":
        return type(value.get("score")) is int and 1 <= value["score"] <= 4
    if type_ == "RichText":
        return value.get("type") == "PlainText" and isinstance(value.get("value"), str)
    if type_ == "Currency":
        return is_number(value.get("value")) and isinstance(value.get("currencyCode"), str)
    if type_ == "Location":
        return all(isinstance(value.get(name, ""), str) for name in ("city", "region", "country"))
    names = ("type", "currencyCode", "interval") if type_ == "CompensationRange" else ("type",)
    return all(is_number(value.get(name)) for name in ("minValue", "maxValue")) and all(
        isinstance(value.get(name), str) for name in names
    )


def make_submission(count: int, form: Row, values: dict[str, Any]) -> Row:
    """A form that was filled in, numbered by the count of changes."""
    return {
        "id": make_id("form_submissions", (1 << 40) + count),
        "formDefinition": form,
        "submittedValues": values,
    }


def check_applicant(email: object) -> None:
    """Raises Refused for the address that is there to fail."""
    if isinstance(email, str) and email.strip().lower() == FAILING_EMAIL:
        raise Refused("invalid_input", "Email: this address always fails validation", parameter="applicationForm")
