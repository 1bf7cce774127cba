"""Candidates as Harvest v1 showed them, made of the flat rows of v3."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from unihire.integration.operate import OperationContext, Output
from unihire.integration.vendor_row import VendorRow, by_id, group_by, list_ids
from unihire.integrations.greenhouse.harvest_v1.shapes.applications import Application, Attachment, shape_applications
from unihire.integrations.greenhouse.harvest_v1.values import (
    KeyedField,
    UserSummary,
    sort_newest,
    to_custom_fields,
    to_keyed_fields_or_null,
    to_moment,
)

OPTIONS = ("school_name", "degree", "discipline")
"""What an education names by the id of an option, in `<name>_custom_field_option_id`."""


class Contact(Output):
    """A phone number or an address of some kind."""

    value: str | None
    type: str | None


class SocialAddress(Output):
    value: str | None


class Education(Output):
    id: int
    school_name: str | None
    degree: str | None
    discipline: str | None
    start_date: str | None
    end_date: str | None


class Employment(Output):
    id: int
    company_name: str | None
    title: str | None
    start_date: str | None
    end_date: str | None


class Candidate(Output):
    """A person. `recruiter` and `coordinator` are those of the newest application that has one: v3 has them there."""

    id: int
    first_name: str | None
    last_name: str | None
    company: str | None
    title: str | None
    created_at: str | None
    updated_at: str | None
    last_activity: str | None
    is_private: bool
    photo_url: str | None
    attachments: list[Attachment]
    application_ids: list[int]
    phone_numbers: list[Contact]
    addresses: list[Contact]
    email_addresses: list[Contact]
    website_addresses: list[Contact]
    social_media_addresses: list[SocialAddress]
    recruiter: UserSummary | None
    coordinator: UserSummary | None
    can_email: bool
    tags: list[str]
    applications: list[Application]
    educations: list[Education]
    employments: list[Employment]
    linked_user_ids: list[int]
    custom_fields: dict[str, Any]
    keyed_custom_fields: dict[str, KeyedField | None]


async def shape_candidates(context: OperationContext, rows: Sequence[VendorRow]) -> list[Candidate]:
    """Rows of `candidates` as v1 showed them, in their order; what belongs to each newest first.

    Asks for their applications, educations and employments, fifty candidates a call, then for what those point at.
    """
    ids = list_ids(rows)
    applications, educations, employments = await asyncio.gather(
        context.find("applications", "candidate_id", ids),
        context.find("candidate_educations", "candidate_id", ids),
        context.find("candidate_employments", "candidate_id", ids),
    )
    chosen = [id for name in OPTIONS for id in list_ids(educations, f"{name}_custom_field_option_id")]
    shaped, options = await asyncio.gather(
        shape_applications(context, sort_newest(applications)),
        context.find("custom_field_options", "id", chosen),
    )
    return _put_together(rows, shaped, educations, employments, by_id(options))


def _put_together(
    rows: Sequence[VendorRow],
    applications: Sequence[Application],
    educations: Sequence[VendorRow],
    employments: Sequence[VendorRow],
    options: Mapping[int, VendorRow],
) -> list[Candidate]:
    learned = group_by(sort_newest(educations), "candidate_id")
    worked = group_by(sort_newest(employments), "candidate_id")
    applied: dict[int | None, list[Application]] = {}
    for application in applications:
        applied.setdefault(application.candidate_id, []).append(application)
    return [
        _shape(
            row,
            applied.get(id, []),
            [_shape_education(each, options) for each in learned.get(id, [])],
            [_shape_employment(each) for each in worked.get(id, [])],
        )
        for id, row in ((row.get_number("id"), row) for row in rows)
    ]


def _shape(
    row: VendorRow, applications: list[Application], educations: list[Education], employments: list[Employment]
) -> Candidate:
    return Candidate(
        id=row.get_number("id"),
        first_name=row.find_text("first_name"),
        last_name=row.find_text("last_name"),
        company=row.find_text("company"),
        title=row.find_text("title"),
        created_at=to_moment(row.find_moment("created_at")),
        updated_at=to_moment(row.find_moment("updated_at")),
        last_activity=to_moment(row.find_moment("last_activity_at")),
        is_private=row.get_flag("private", null=False),
        photo_url=None,
        attachments=[file for application in applications for file in application.attachments],
        application_ids=[application.id for application in applications],
        phone_numbers=_list_contacts(row, "phone_numbers"),
        addresses=_list_contacts(row, "addresses"),
        email_addresses=_list_contacts(row, "email_addresses"),
        website_addresses=_list_contacts(row, "website_addresses"),
        social_media_addresses=[
            SocialAddress(value=address.find_text("value")) for address in row.list_parts("social_media_addresses")
        ],
        recruiter=next((one.recruiter for one in applications if one.recruiter is not None), None),
        coordinator=next((one.coordinator for one in applications if one.coordinator is not None), None),
        can_email=row.get_flag("can_email"),
        tags=row.list_texts("tags"),
        applications=applications,
        educations=educations,
        employments=employments,
        linked_user_ids=row.list_numbers("linked_user_ids"),
        custom_fields=to_custom_fields(row),
        keyed_custom_fields=to_keyed_fields_or_null(row),
    )


def _list_contacts(row: VendorRow, member: str) -> list[Contact]:
    parts = row.list_parts(member)
    return [Contact(value=one.find_text("value"), type=one.find_text("type")) for one in parts]


def _shape_education(row: VendorRow, options: Mapping[int, VendorRow]) -> Education:
    """Days are midnights, as v1 wrote them."""
    school_name, degree, discipline = (_find_option(row, name, options) for name in OPTIONS)
    return Education(
        id=row.get_number("id"),
        school_name=school_name,
        degree=degree,
        discipline=discipline,
        start_date=to_moment(row.find_moment("start_at")),
        end_date=to_moment(row.find_moment("end_at")),
    )


def _find_option(row: VendorRow, name: str, options: Mapping[int, VendorRow]) -> str | None:
    option = options.get(row.find_number(f"{name}_custom_field_option_id") or 0)
    return None if option is None else option.find_text("name")


def _shape_employment(row: VendorRow) -> Employment:
    """Days are midnights, as v1 wrote them."""
    return Employment(
        id=row.get_number("id"),
        company_name=row.find_text("company_name"),
        title=row.find_text("title"),
        start_date=to_moment(row.find_moment("start_date")),
        end_date=to_moment(row.find_moment("end_date")),
    )
