"""Fields of forms, and answers to them."""

from typing import Any

from unihire.integration.emulate import Row
from unihire.integrations.lever.emulator.rows.ids import make_id

RATINGS = ("4 - Strong Hire", "3 - Hire", "2 - No Hire", "1 - Strong No Hire")
WITH_OPTIONS = ("dropdown", "multiple-choice", "multiple-select", "score-system")
SKILLS = ("Explains well", "Knows the trade")


def make_field(number: int, type_: str, text: str, *options: str, required: bool = False) -> Row:
    field: Row = {
        "id": make_id("fields", number),
        "type": type_,
        "text": text,
        "description": "",
        "required": required,
    }
    if type_ in WITH_OPTIONS:
        field |= {"prompt": "Select one", "options": [{"text": option} for option in options]}
    if type_ == "scorecard":
        field["scores"] = [{"text": option, "description": ""} for option in options]
    return field


RATING = make_field(1, "score-system", "Overall rating", *RATINGS, required=True)
FEEDBACK_FIELDS: tuple[tuple[str, list[Row]], ...] = (
    ("Screening call", [RATING, make_field(2, "textarea", "Notes of the call")]),
    (
        "On-site interview",
        [
            {**RATING, "id": make_id("fields", 3)},
            make_field(4, "scorecard", "Skills", *SKILLS),
            make_field(5, "yes-no", "Would you work with them?"),
            make_field(6, "multiple-select", "Strengths", "Care", "Speed", "Humour"),
        ],
    ),
)
FORM_FIELDS: tuple[tuple[str, list[Row]], ...] = (
    ("Checklist", [make_field(11, "yes-no", "Papers seen?"), make_field(12, "date", "Available from")]),
    ("Pay", [make_field(13, "currency", "Wanted pay"), make_field(14, "dropdown", "Paid by", "Month", "Hour")]),
)
REFERRAL_FIELDS = [
    make_field(21, "text", "Name of who refers"),
    make_field(22, "textarea", "How do you know them?"),
    make_field(23, "score", "How well do you know their work?"),
]
QUESTION_SETS: tuple[tuple[str, list[Row]], ...] = (
    (
        "About you",
        [
            make_field(31, "multiple-choice", "May you work here?", "Yes", "No", required=True),
            make_field(32, "textarea", "Why do you apply?"),
            make_field(33, "multiple-select", "Which shifts suit you?", "Morning", "Evening", "Night"),
        ],
    ),
    (
        "Practical",
        [
            make_field(41, "text", "How far would you travel?", required=True),
            make_field(42, "date", "When could you start?"),
            make_field(43, "file-upload", "Certificates"),
            make_field(44, "dropdown", "Type of licence", "None", "Car", "Lorry"),
        ],
    ),
)
EEO_ANSWERS: dict[str, tuple[str, ...]] = {
    "gender": ("Female", "Male", "Decline to self-identify"),
    "race": (
        "Hispanic or Latino",
        "White (Not Hispanic or Latino)",
        "Black or African American (Not Hispanic or Latino)",
        "Native Hawaiian or Other Pacific Islander (Not Hispanic or Latino)",
        "Asian (Not Hispanic or Latino)",
        "American Indian or Alaska Native (Not Hispanic or Latino)",
        "Two or More Races (Not Hispanic or Latino)",
        "Decline to self-identify",
    ),
    "veteran": ("I am a Protected Veteran", "I am not a Protected Veteran", "Decline to self-identify"),
    "disability": (
        "Yes, I have a disability, or have a history/record of having a disability",
        "No, I don't have a disability, or a history/record of having a disability",
        "I don't wish to answer",
    ),
}


def fill_field(field: Row, bits: int) -> Any:
    """A believable answer, by random bits; some are missing."""
    if bits & 15 == 3 and field.get("required") is not True:
        return None
    type_ = field.get("type")
    options = [one["text"] for one in field.get("options", ())]
    if type_ == "multiple-select":
        return [option for place, option in enumerate(options) if bits >> place & 1]
    if options:
        return options[bits % len(options)]
    if type_ == "scorecard":
        return [{"score": 1 + (bits >> place * 2) % 4, "comment": ""} for place in range(len(field["scores"]))]
    plain: dict[str, Any] = {
        "yes-no": ("yes", "no")[bits & 1],
        "date": 1_780_272_000_000 + bits % 300 * 86_400_000,
        "currency": {"amount": 30_000 + bits % 40 * 1000, "currency": "EUR"},
        "score": 1 + bits % 4,
        "file-upload": None,
    }
    return plain.get(str(type_), f"Made-up answer {bits % 1000}")


def fill_fields(fields: list[Row], bits: int) -> list[Row]:
    return [{**field, "value": fill_field(field, bits >> place * 2)} for place, field in enumerate(fields)]


def put_values(fields: list[Row], values: list[Row]) -> list[Row]:
    """The fields with the values given for their ids; the others stay as they were."""
    given = {str(value.get("id")): value.get("value") for value in values}
    return [{**field, "value": given.get(str(field.get("id")), field.get("value"))} for field in fields]
