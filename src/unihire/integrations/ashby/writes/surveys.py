"""Answers for equal opportunity reports: the vendor takes them, and never shows them."""

import re
from typing import Annotated
from uuid import UUID

from msgspec import Meta

from unihire.errors import ReferenceMissing
from unihire.integration.declare import Data
from unihire.integration.operate import Trace, WriteContext
from unihire.integration.vendor_row import VendorRow
from unihire.integration.write import Given, Params, Write
from unihire.integrations.ashby.lookups import SURVEY_FORMS
from unihire.integrations.ashby.mapping.forms import find_path
from unihire.integrations.ashby.mapping.values import list_objects
from unihire.integrations.ashby.writes.calling import call, find_row, get_id, look_nowhere
from unihire.integrations.ashby.writes.forms import iterate_fields
from unihire.model.inputs import EEOCInput

EEOC = "EEOC"
SUBMISSIONS = "survey_submissions"
FIELDS = ("gender", "race", "veteran_status", "disability_status")

DECLINED = re.compile(r"(prefer|wish|want|choose) not|n[o']t (wish|want)|decline", re.IGNORECASE)

LABELS = {
    "gender": {
        "MALE": r"^(male|man)\b",
        "FEMALE": r"^(female|woman)\b",
        "NON-BINARY": r"non[ -]?binary",
        "OTHER": r"\bother\b",
    },
    "race": {
        "AMERICAN_INDIAN_OR_ALASKA_NATIVE": r"american indian|alaska",
        "ASIAN_OR_INDIAN_SUBCONTINENT": r"asian",
        "BLACK_OR_AFRICAN_AMERICAN": r"black|african",
        "HISPANIC_OR_LATINO": r"^hispanic|^latin",
        "NATIVE_HAWAIIAN_OR_OTHER_PACIFIC_ISLANDER": r"hawaiian|pacific",
        "TWO_OR_MORE_RACES": r"two or more",
        "WHITE": r"^white",
    },
    "veteran_status": {
        "I_AM_NOT_A_PROTECTED_VETERAN": r"\bnot a\b",
        "I_IDENTIFY_AS_ONE_OR_MORE_OF_THE_CLASSIFICATIONS_OF_A_PROTECTED_VETERAN": r"^(?!.*\bnot\b).*veteran",
    },
    "disability_status": {
        "YES_I_HAVE_A_DISABILITY_OR_PREVIOUSLY_HAD_A_DISABILITY": r"^yes",
        "NO_I_DONT_HAVE_A_DISABILITY": r"^no\b",
    },
}
"""What an answer is called in forms, whose words are the customer's [guess]; a regular expression for each."""

DECLINING = ("PREFER_NOT_TO_DISCLOSE", "I_DONT_WISH_TO_ANSWER")
WORDS = {
    field: (*labels, DECLINING[0] if field in ("gender", "race") else DECLINING[1]) for field, labels in LABELS.items()
}


class SurveyParams(Params):
    """Which application the answers go with."""

    application_id: Annotated[
        UUID | None, Meta(description="The vendor's id of the application; without it, the candidate's newest.")
    ] = None


async def submit_answers(context: WriteContext, given: Given[EEOCInput]) -> VendorRow:
    """The submission, of which nothing but its id is ever shown."""
    input, wanted = given.input, (given.params or SurveyParams()).application_id
    application = str(wanted) if wanted is not None else await _find_newest(context, input.candidate)
    form = await _find_form(context)
    values = {}
    for field in FIELDS:
        word = getattr(input, field)
        if word is not None:
            path, value = _choose(form.data.get("formDefinition"), field, word)
            values[path] = value
    context.plan(["answers"])
    body = {
        "candidateId": input.candidate,
        "applicationId": application,
        "surveyFormDefinitionId": get_id(form),
        "submittedValues": values,
    }
    sent = call("surveySubmission.create", body, given.actor)
    return await context.create("answers", sent, stream=SUBMISSIONS, trace=Trace(look=look_nowhere))


async def _find_newest(context: WriteContext, candidate: str | None) -> str:
    person = await find_row(context, "candidates", candidate, "candidate")
    rows = await context.find("applications", "id", person.list_texts("applicationIds"))
    if not rows:
        raise ReferenceMissing("candidate: the vendor stores these answers with an application, and there is none")
    return get_id(max(rows, key=lambda row: row.find_text("createdAt") or ""))


async def _find_form(context: WriteContext) -> VendorRow:
    rows = [
        row
        for row in await context.all(SURVEY_FORMS)
        if row.find_text("surveyType") == EEOC and row.find_flag("isArchived") is not True
    ]
    for row in [row for row in rows if row.find_flag("isDefaultForm")] or rows:
        return row
    raise ReferenceMissing("candidate: the company has no form for equal opportunity reports")


def _choose(form: Data | None, field: str, word: str) -> tuple[str, str]:
    """The path of the form's field, and the value of the option that means the word."""
    asked = next((one for one in iterate_fields(form) if str(find_path(one)).endswith(f"eeoc_{field}")), None)
    if asked is None:
        raise ReferenceMissing(f"{field}: the company's form does not ask for it")
    meant = DECLINED if word in DECLINING else re.compile(LABELS[field][word], re.IGNORECASE)
    options = list_objects(asked.get("selectableValues"))
    for option in options:
        label, value = option.get("label"), option.get("value")
        if isinstance(label, str) and isinstance(value, str) and meant.search(label):
            return find_path(asked) or "", value
    offered = ", ".join(str(option.get("label")) for option in options)
    raise ReferenceMissing(f"{field}: the company's form has no such answer; it offers {offered}")


SURVEY_WRITES = (
    Write(
        model="eeoc",
        verb="create",
        run=submit_answers,
        stream=None,
        takes=("candidate", *FIELDS),
        params=SurveyParams,
        words=WORDS,
        lost_answer="unknown",
        named={"candidateId": "candidate", "applicationId": "candidate"},
        note="The vendor never shows the answers again. They go with an application, and are found among those of the "
        "company's form by what they are called there.",
    ),
)
