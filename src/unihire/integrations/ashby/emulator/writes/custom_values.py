"""Custom fields: made, and their values set, checked and cleared."""

import re
from typing import Any

from unihire.integration.emulate import Row
from unihire.integrations.ashby.emulator.api.bodies import check_entries
from unihire.integrations.ashby.emulator.api.calls import Call
from unihire.integrations.ashby.emulator.api.envelope import Answer, refuse_input
from unihire.integrations.ashby.emulator.rows.values import find_millis, from_millis, list_objects, read_object
from unihire.integrations.ashby.emulator.writes.declaring import Write
from unihire.integrations.ashby.emulator.writes.submissions import is_measure

OBJECTS = {"Application": "applications", "Candidate": "candidates", "Job": "jobs", "Opening": "openings"}
CREATED_TYPES = "Boolean|CompensationRange|Date|LongText|MultiValueSelect|Number|NumberRange|String|ValueSelect|Url"
CREATED_OBJECTS = {"Opening_Version": "Opening", "Offer_Version": "Offer"}
SELECTS = ("ValueSelect", "MultiValueSelect")
MOST_OPTIONS = 1000
_URL = re.compile(r"https?://\S+")


def create_field(call: Call) -> Answer:
    body = call.body
    if not body["title"].strip():
        raise refuse_input("title must not be empty", "title")
    fields: Row = {
        "title": body["title"].strip(),
        "objectType": CREATED_OBJECTS.get(body["objectType"], body["objectType"]),
        "fieldType": body["fieldType"],
        "isPrivate": False,
        "isArchived": False,
        "isRequired": False,
    }
    if body["fieldType"] in SELECTS:
        fields["selectableValues"] = _read_options(body.get("selectableValues", []))
    elif body.get("selectableValues"):
        raise refuse_input("selectableValues are for fields with options", "selectableValues")
    return call.answer("custom_fields", call.rows.create("custom_fields", fields))


def _read_options(given: list[Any]) -> list[Row]:
    options = check_entries("label:text! value:text!", given[:MOST_OPTIONS], "selectableValues")
    return [{**option, "isArchived": False} for option in options]


def update_options(call: Call) -> Answer:
    """Those that are named no more are archived: values have them still."""
    row = call.get_named("custom_fields", "customFieldId")
    if row.get("fieldType") not in SELECTS:
        raise refuse_input("this field has no options", "customFieldId")
    options = _read_options(call.body["selectableValues"])
    named = {option["value"] for option in options}
    gone = [
        {**option, "isArchived": True}
        for option in list_objects(row, "selectableValues")
        if option.get("value") not in named
    ]
    fields = {"selectableValues": [*options, *gone][:MOST_OPTIONS]}
    return call.answer("custom_fields", call.rows.change("custom_fields", row["id"], fields))


def set_value(call: Call) -> Answer:
    body = call.body
    (value,) = _set_values(call, [{"fieldId": body["fieldId"], "fieldValue": body["fieldValue"]}])
    return Answer(value)


def set_values(call: Call) -> Answer:
    entries = check_entries("fieldId:uuid! fieldValue:any?!", call.body["values"], "values")
    if not entries:
        raise refuse_input("values must not be empty", "values")
    return Answer(_set_values(call, entries))


def _set_values(call: Call, entries: list[Row]) -> list[Row]:
    """All or none; null clears."""
    body = call.body
    stream = OBJECTS[body["objectType"]]
    row = call.get_named(stream, "objectId")
    holder = read_object(row, "latestVersion") if stream == "openings" else row
    values = dict(read_object(holder, "customFieldValues"))
    shown = []
    for entry in entries:
        field = call.get("custom_fields", entry["fieldId"])
        if field.get("objectType") != body["objectType"]:
            raise refuse_input(f"this field is of {field.get('objectType')}, not of {body['objectType']}", "fieldId")
        value = entry["fieldValue"]
        if value is None:
            values.pop(field["id"], None)
        else:
            value = values[field["id"]] = read_value(field, value)
        shown.append(call.site.show.custom_value(field, value))
    fields: Row = {"customFieldValues": values}
    if stream == "openings":
        fields = {"latestVersion": {**holder, "customFieldValues": values}}
    call.rows.change(stream, row["id"], fields)
    return shown


def read_value(field: Row, value: Any) -> Any:
    """The value as it is stored. Raises Refused for one that is not of the field's type."""
    type_ = str(field.get("fieldType"))
    options = {
        option.get("value")
        for option in list_objects(field, "selectableValues")
        if option.get("isArchived") is not True
    }
    millis = find_millis(value) if type_ == "Date" else None
    if type_ == "Boolean":
        is_right = isinstance(value, bool)
    elif type_ == "Date":
        is_right = millis is not None
    elif type_ == "ValueSelect":
        is_right = isinstance(value, str) and value in options
    elif type_ == "MultiValueSelect":
        is_right = isinstance(value, list) and all(isinstance(one, str) and one in options for one in value)
    elif type_ in ("Number", "NumberRange", "CompensationRange", "Currency"):
        is_right = is_measure(type_, value)
    elif type_ == "Url":
        is_right = isinstance(value, str) and _URL.fullmatch(value) is not None
    else:
        is_right = isinstance(value, str)
    if not is_right:
        raise refuse_input(f"fieldValue is no value of a {type_} field", "fieldValue")
    return value if millis is None else from_millis(millis)


_OBJECT = f"objectId:uuid! objectType:{'|'.join(OBJECTS)}!"

WRITES = (
    Write(
        "customField.create",
        "hiringProcessMetadataWrite",
        f"fieldType:{CREATED_TYPES}! title:text! description:text selectableValues:list isDateOnlyField:bool"
        " objectType:Application|Candidate|Job|Employee|Talent_Project|Opening_Version|Offer_Version!"
        " isExposableToCandidate:bool",
        create_field,
    ),
    Write(
        "customField.updateSelectableValues",
        "hiringProcessMetadataWrite",
        "customFieldId:uuid! selectableValues:list!",
        update_options,
    ),
    Write("customField.setValue", "candidatesWrite", f"{_OBJECT} fieldId:uuid! fieldValue:any?!", set_value),
    Write("customField.setValues", "candidatesWrite", f"{_OBJECT} values:list!", set_values),
)
