"""What the creates of Harvest v1 took, as the bodies v3 takes."""

from collections.abc import Sequence

from unihire.integration.declare import Data
from unihire.integrations.greenhouse.harvest_v1.inputs import (
    Address,
    EmailAddress,
    NewAttachment,
    NewEducation,
    NewEmployment,
    NewNote,
    PhoneNumber,
    WebsiteAddress,
)
from unihire.integrations.greenhouse.writes.making import leave_out_nones

ADMIN_ONLY = "admin_only"
"""A type of attachments in v1, a visibility in v3."""


def write_contacts(given: Sequence[PhoneNumber | Address | EmailAddress | WebsiteAddress] | None) -> list[Data] | None:
    """Those that have a value; None where there are none."""
    return [leave_out_nones(value=one.value, type=one.type2) for one in given or () if one.value] or None


def write_attachment(application_id: int, file: NewAttachment) -> Data:
    is_hidden = file.type2 == ADMIN_ONLY
    return leave_out_nones(
        application_id=application_id,
        filename=file.filename,
        type="other" if is_hidden else file.type2,
        visibility=ADMIN_ONLY if is_hidden else None,
        content=file.content or None,
        url=None if file.content else file.url,
    )


def write_note(candidate_id: int, note: NewNote) -> Data:
    return {"candidate_id": candidate_id, "body": note.body, "visibility": note.visibility}


def write_education(candidate_id: int, education: NewEducation) -> Data:
    return leave_out_nones(
        candidate_id=candidate_id,
        school_name_custom_field_option_id=education.school_id,
        degree_custom_field_option_id=education.degree_id,
        discipline_custom_field_option_id=education.discipline_id,
        start_date=education.start_day(),
        end_date=education.end_day(),
    )


def write_employment(candidate_id: int, employment: NewEmployment) -> Data:
    """Every member is sent; an end that is null says that they work there still."""
    return {
        "candidate_id": candidate_id,
        "company_name": employment.company_name,
        "title": employment.title,
        "start_date": employment.start_day(),
        "end_date": employment.end_day(),
    }
