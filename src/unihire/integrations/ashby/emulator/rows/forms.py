"""Forms: what is asked of applicants, interviewers, of surveys and of offers, and answers to them.

A field is known by its path: a system path, or the field's id.
"""

from collections.abc import Callable, Mapping
from typing import Any

from unihire.integration.emulate import Row
from unihire.integrations.ashby.emulator.rows.ids import make_id

EEOC_PATHS = ("gender", "race", "veteran_status", "disability_status")
DECLINE = {"label": "I prefer not to say", "value": "decline"}


def make_field(
    number: int,
    title: str,
    type_: str,
    *,
    path: str | None = None,
    options: tuple[str, ...] = (),
    is_required: bool = False,
) -> Row:
    """A field of a form as a form definition has it."""
    id_ = make_id("form_fields", number)
    field: Row = {
        "id": id_,
        "type": type_,
        "path": path or id_,
        "humanReadablePath": title,
        "title": title,
        "isNullable": not is_required,
    }
    if options:
        field["selectableValues"] = [{"label": label, "value": _name_option(label)} for label in options]
    description = f"About {title.lower()}."
    return {
        "isRequired": is_required,
        "descriptionHtml": f"<p>{description}</p>",
        "descriptionPlain": description,
        "field": field,
    }


def _name_option(label: str) -> str:
    return label.lower().replace(" ", "_")


def make_form(*sections: tuple[str, list[Row]]) -> Row:
    return {"sections": [{"title": title, "fields": fields} for title, fields in sections]}


def list_fields(form: Any) -> list[Row]:
    """The entries of a form definition's sections, each with `field`; of anything else none."""
    sections = form.get("sections") if isinstance(form, dict) else None
    found = []
    for section in sections if isinstance(sections, list) else ():
        fields = section.get("fields") if isinstance(section, dict) else None
        for entry in fields if isinstance(fields, list) else ():
            if isinstance(entry, dict) and isinstance(entry.get("field"), dict):
                found.append(entry)
    return found


APPLICATION_FORMS: tuple[Row, ...] = (
    make_form(
        (
            "About you",
            [
                make_field(1, "Name", "String", path="_systemfield_name", is_required=True),
                make_field(2, "Email", "Email", path="_systemfield_email", is_required=True),
                make_field(3, "Phone", "Phone", path="_systemfield_phone"),
                make_field(4, "Location", "Location", path="_systemfield_location"),
                make_field(5, "Resume", "File", path="_systemfield_resume"),
            ],
        ),
        (
            "Questions",
            [
                make_field(6, "Why this job", "LongText"),
                make_field(7, "Are you allowed to work here", "Boolean", is_required=True),
                make_field(8, "Notice period", "ValueSelect", options=("None", "One month", "Three months")),
                make_field(9, "Languages", "MultiValueSelect", options=("German", "English", "French")),
                make_field(10, "Years of experience", "Number"),
                make_field(11, "First day", "Date"),
            ],
        ),
    ),
    make_form(
        (
            "About you",
            [
                make_field(12, "Name", "String", path="_systemfield_name", is_required=True),
                make_field(13, "Email", "Email", path="_systemfield_email", is_required=True),
                make_field(14, "Profile", "SocialLink"),
                make_field(15, "Education", "EducationHistory", path="_systemfield_education_history"),
            ],
        )
    ),
)

FEEDBACK_FORMS: tuple[tuple[str, bool, Row], ...] = (
    (
        "Interview scorecard",
        False,
        make_form(
            (
                "Summary",
                [
                    make_field(
                        20,
                        "Overall Recommendation",
                        "ValueSelect",
                        path="overall_recommendation",
                        options=("Strong Hire", "Hire", "No Hire", "Strong No Hire"),
                        is_required=True,
                    ),
                    make_field(21, "Notes", "RichText", path="feedback_notes"),
                ],
            )
        ),
    ),
    (
        "Score only",
        False,
        make_form(
            (
                "Scores",
                [
                    make_field(22, "Overall Recommendation", "Score", path="overall_recommendation", is_required=True),
                    make_field(23, "Craft", "Score"),
                    make_field(24, "Would work with them", "Boolean"),
                ],
            )
        ),
    ),
    (
        "Free text",
        False,
        make_form(
            (
                "",
                [
                    make_field(25, "What went well", "LongText"),
                    make_field(26, "Topics", "MultiValueSelect", options=("Code", "Design", "Teamwork")),
                    make_field(27, "Seen on", "Date"),
                ],
            )
        ),
    ),
    ("Old scorecard", True, make_form(("Summary", [make_field(28, "Rating", "Number")]))),
)
"""(title, whether archived, definition) of feedback forms."""

OFFER_FORM = make_form(
    (
        "Offer",
        [
            make_field(40, "Start date", "Date", path="_systemfield_start_date", is_required=True),
            make_field(41, "Salary", "Currency", path="_systemfield_salary", is_required=True),
            make_field(42, "Opening", "UUID", path="_systemfield_opening"),
            make_field(43, "Letter", "File"),
            make_field(44, "Remark", "LongText"),
        ],
    )
)

REFERRAL_FORM = make_form(
    (
        "Referral",
        [
            make_field(50, "Candidate Name", "String", path="_systemfield_name", is_required=True),
            make_field(51, "Candidate Email", "Email", path="_systemfield_email"),
            make_field(52, "Job", "UUID", path="_systemfield_job", is_required=True),
        ],
    )
)


def _make_eeoc_form() -> Row:
    choices = {
        "gender": ("Female", "Male", "Non binary"),
        "race": ("Group one", "Group two", "Group three"),
        "veteran_status": ("Veteran", "Not a veteran"),
        "disability_status": ("Yes", "No"),
    }
    fields = []
    for place, name in enumerate(EEOC_PATHS):
        title = name.replace("_", " ").capitalize()
        field = make_field(
            60 + place, title, "ValueSelect", path=f"_systemfield_eeoc_{name}", options=choices[name], is_required=True
        )
        field["field"]["selectableValues"].append(DECLINE)
        fields.append(field)
    return make_form(("Equal opportunity", fields))


SURVEY_FORMS: tuple[tuple[str, str, bool, Row], ...] = (
    ("EEOC", "Equal opportunity", False, _make_eeoc_form()),
    (
        "Diversity",
        "Diversity",
        False,
        make_form(("", [make_field(70, "Pronouns", "ValueSelect", options=("She", "He", "They"))])),
    ),
    (
        "CandidateExperience",
        "How was it",
        False,
        make_form(
            (
                "",
                [
                    make_field(71, "How likely are you to recommend us", "Score", is_required=True),
                    make_field(72, "What should we do better", "LongText"),
                ],
            )
        ),
    ),
    (
        "Questionnaire",
        "Before the interview",
        False,
        make_form(
            (
                "",
                [
                    make_field(73, "Do you need a visa", "Boolean", is_required=True),
                    make_field(74, "Preferred office", "String"),
                ],
            )
        ),
    ),
    ("CandidateDataConsent", "Consent", False, make_form(("", [make_field(75, "I agree", "Boolean")]))),
    ("Questionnaire", "Old questionnaire", True, make_form(("", [make_field(76, "Car owner", "Boolean")]))),
)
"""(type, title, whether archived, definition) of survey forms."""


def make_answer(field: Row, bits: int) -> Any:
    """A believable answer to a form's field, by these bits."""
    options = [option["value"] for option in field.get("selectableValues") or ()]
    type_ = field["type"]
    if type_ == "ValueSelect":
        return options[bits % len(options)]
    if type_ == "MultiValueSelect":
        return [option for place, option in enumerate(options) if bits >> place & 1] or options[:1]
    make = _MAKE_ANSWER.get(type_)
    return None if make is None else make(bits)


_MAKE_ANSWER: Mapping[str, Callable[[int], Any]] = {
    "Boolean": lambda bits: bits & 1 == 0,
    "Score": lambda bits: {"score": 1 + bits % 4},
    "Number": lambda bits: bits % 12,
    "Date": lambda bits: f"2026-{1 + bits % 12:02d}-{1 + bits % 28:02d}",
    "LongText": lambda bits: f"Made-up text {bits % 1000}.",
    "RichText": lambda bits: {"type": "PlainText", "value": f"Made-up remark {bits % 1000}."},
    "String": lambda bits: f"Made-up answer {bits % 1000}",
    "SocialLink": lambda bits: f"https://www.linkedin.com/in/example-{bits % 1000}",
    "EducationHistory": lambda _bits: [{"schoolName": "Example University", "degree": "Bachelor", "isCurrent": False}],
    "Location": lambda _bits: {"city": "Berlin", "country": "Germany"},
    "Phone": lambda _bits: "+49 30 23125 000",
    "Email": lambda bits: f"answer.{bits % 1000}@example.com",
    "Currency": lambda bits: {"value": 50_000 + bits % 40 * 1000, "currencyCode": "EUR"},
    "Url": lambda bits: f"https://example.com/{bits % 1000}",
}


def fill_form(form: Row, bits: int) -> Row:
    """Answers to a form, by path; what is optional is left out now and then."""
    found: Row = {}
    for place, entry in enumerate(list_fields(form)):
        answer = make_answer(entry["field"], bits >> place)
        if answer is not None and (entry["isRequired"] or bits >> place + 3 & 3):
            found[entry["field"]["path"]] = answer
    return found
