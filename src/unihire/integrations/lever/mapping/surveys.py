"""Lever rows to unified records: answers for equal opportunity reports. Pure functions, tables on top."""

from typing import Any

from unihire.integration.declare import Source
from unihire.integrations.lever.mapping.values import get_id, to_id, to_moment, to_said, to_word
from unihire.model import EEOC

GENDERS = {"Male": "MALE", "Female": "FEMALE", "Decline to self-identify": "PREFER_NOT_TO_DISCLOSE"}

RACES = {
    "Hispanic or Latino": "HISPANIC_OR_LATINO",
    "White": "WHITE",
    "Black or African American": "BLACK_OR_AFRICAN_AMERICAN",
    "Native Hawaiian or Other Pacific Islander": "NATIVE_HAWAIIAN_OR_OTHER_PACIFIC_ISLANDER",
    "Asian": "ASIAN_OR_INDIAN_SUBCONTINENT",
    "American Indian or Alaska Native": "AMERICAN_INDIAN_OR_ALASKA_NATIVE",
    "Two or More Races": "TWO_OR_MORE_RACES",
    "Decline to self-identify": "PREFER_NOT_TO_DISCLOSE",
}
"""Most are followed by `(Not Hispanic or Latino)`."""

VETERAN_STATUSES = {
    "I am a Protected Veteran": "I_IDENTIFY_AS_ONE_OR_MORE_OF_THE_CLASSIFICATIONS_OF_A_PROTECTED_VETERAN",
    "I am not a Protected Veteran": "I_AM_NOT_A_PROTECTED_VETERAN",
    "I am not a veteran": "I_AM_NOT_A_PROTECTED_VETERAN",
    "Decline to self-identify": "I_DONT_WISH_TO_ANSWER",
}

DISABILITY_STATUSES = {
    "Yes": "YES_I_HAVE_A_DISABILITY_OR_PREVIOUSLY_HAD_A_DISABILITY",
    "No": "NO_I_DONT_HAVE_A_DISABILITY",
    "I don't wish to answer": "I_DONT_WISH_TO_ANSWER",
}
"""By what stands before the comma."""


def to_eeoc(source: Source) -> EEOC:
    row = source.row
    return EEOC(
        remote_id=get_id(row),
        candidate=to_id(row.get("contact")),
        submitted_at=to_moment(row.get("eeoSurveyRespondedAt")),
        race=find_race(row.get("race")),
        gender=to_word(GENDERS, row.get("gender")),
        veteran_status=to_word(VETERAN_STATUSES, row.get("veteran")),
        disability_status=find_disability(row.get("disability")),
        application=to_id(row.get("opportunityId")),
    )


def find_race(word: Any) -> Any:
    said = to_said(word)
    return None if said is None else RACES.get(said.partition(" (")[0], said)


def find_disability(word: Any) -> Any:
    said = to_said(word)
    return None if said is None else DISABILITY_STATUSES.get(said.partition(",")[0], said)
