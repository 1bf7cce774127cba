"""Candidates as Harvest v1 showed them, made of the flat rows of v3."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from unihire.integration.declare import Data
from unihire.integration.operate import Desk, Output
from unihire.integrations.greenhouse.v1_applications import Application, Attachment, shape_applications, sort_newest
from unihire.integrations.greenhouse.v1_values import (
    KeyedField,
    UserSummary,
    by_id,
    group_by,
    to_custom_fields,
    to_keyed_fields_or_null,
    to_moment,
)

OPTIONS = ("school_name", "degree", "discipline")
"""What an education tells by the id of an option, in `<name>_custom_field_option_id`."""


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


async def shape_candidates(desk: Desk, rows: Sequence[Data]) -> list[Candidate]:
    """Rows of `candidates` as v1 showed them, in their order; what belongs to each newest first.

    Asks for their applications, educations and employments, fifty candidates a call, then for what those point at.
    """
    ids = [row["id"] for row in rows]
    applications, educations, employments = await asyncio.gather(
        desk.find("applications", "candidate_id", ids),
        desk.find("candidate_educations", "candidate_id", ids),
        desk.find("candidate_employments", "candidate_id", ids),
    )
    chosen = [row.get(f"{name}_custom_field_option_id") for row in educations for name in OPTIONS]
    shaped, options = await asyncio.gather(
        shape_applications(desk, sort_newest(applications)),
        desk.find("custom_field_options", "id", chosen),
    )
    return _put_together(rows, shaped, educations, employments, by_id(options))


def _put_together(
    rows: Sequence[Data],
    applications: Sequence[Application],
    educations: Sequence[Data],
    employments: Sequence[Data],
    options: Mapping[int, Data],
) -> list[Candidate]:
    learned = group_by(sort_newest(educations), "candidate_id")
    worked = group_by(sort_newest(employments), "candidate_id")
    applied: dict[int | None, list[Application]] = {}
    for application in applications:
        applied.setdefault(application.candidate_id, []).append(application)
    return [
        _shape(
            row,
            applied.get(row["id"], []),
            [_shape_education(each, options) for each in learned.get(row["id"], [])],
            [_shape_employment(each) for each in worked.get(row["id"], [])],
        )
        for row in rows
    ]


def _shape(
    row: Data, applications: list[Application], educations: list[Education], employments: list[Employment]
) -> Candidate:
    return Candidate(
        id=row["id"],
        first_name=row.get("first_name"),
        last_name=row.get("last_name"),
        company=row.get("company"),
        title=row.get("title"),
        created_at=to_moment(row.get("created_at")),
        updated_at=to_moment(row.get("updated_at")),
        last_activity=to_moment(row.get("last_activity_at")),
        is_private=bool(row.get("private")),
        photo_url=None,
        attachments=[file for application in applications for file in application.attachments],
        application_ids=[application.id for application in applications],
        phone_numbers=_list_contacts(row, "phone_numbers"),
        addresses=_list_contacts(row, "addresses"),
        email_addresses=_list_contacts(row, "email_addresses"),
        website_addresses=_list_contacts(row, "website_addresses"),
        social_media_addresses=[
            SocialAddress(value=address.get("value")) for address in row.get("social_media_addresses") or []
        ],
        recruiter=next((one.recruiter for one in applications if one.recruiter is not None), None),
        coordinator=next((one.coordinator for one in applications if one.coordinator is not None), None),
        can_email=bool(row.get("can_email")),
        tags=row.get("tags") or [],
        applications=applications,
        educations=educations,
        employments=employments,
        linked_user_ids=row.get("linked_user_ids") or [],
        custom_fields=to_custom_fields(row),
        keyed_custom_fields=to_keyed_fields_or_null(row),
    )


def _list_contacts(row: Data, member: str) -> list[Contact]:
    return [Contact(value=one.get("value"), type=one.get("type")) for one in row.get(member) or []]


def _shape_education(row: Data, options: Mapping[int, Data]) -> Education:
    """Days are midnights, as v1 wrote them."""
    school_name, degree, discipline = (
        options.get(row.get(f"{name}_custom_field_option_id") or 0, {}).get("name") for name in OPTIONS
    )
    return Education(
        id=row["id"],
        school_name=school_name,
        degree=degree,
        discipline=discipline,
        start_date=to_moment(row.get("start_at")),
        end_date=to_moment(row.get("end_at")),
    )


def _shape_employment(row: Data) -> Employment:
    """Days are midnights, as v1 wrote them."""
    return Employment(
        id=row["id"],
        company_name=row.get("company_name"),
        title=row.get("title"),
        start_date=to_moment(row.get("start_date")),
        end_date=to_moment(row.get("end_date")),
    )
