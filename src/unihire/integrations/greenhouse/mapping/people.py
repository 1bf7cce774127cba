"""Harvest v3 rows to unified records: candidates and their attachments, notes and answers. Pure functions."""

import re
from collections.abc import Mapping
from typing import Any

from unihire.integration.declare import Data, Source
from unihire.integrations.greenhouse.mapping.values import (
    find_by_id,
    get_id,
    index_joined,
    list_joined,
    to_id,
    to_moment,
    to_partial_date,
    to_text,
    to_word,
)
from unihire.model import EEOC, Activity, Attachment, Candidate, Contact, Education, Employment, Url

CONTACT_TYPES = {
    "personal": "PERSONAL",
    "home": "HOME",
    "work": "WORK",
    "mobile": "MOBILE",
    "skype": "SKYPE",
    "other": "OTHER",
}

ATTACHMENT_TYPES = {
    "resume": "RESUME",
    "cover_letter": "COVER_LETTER",
    "offer_packet": "OFFER_LETTER",
    "offer_letter": "OFFER_LETTER",
    "signed_offer_letter": "OFFER_LETTER",
    "other": "OTHER",
}

ACTIVITY_TYPES = {
    "NOTE": "NOTE",
    "EMAIL": "EMAIL",
}

VISIBILITIES = {
    "admin_only_visible": "ADMIN_ONLY",
    "privately_visible": "PRIVATE",
    "publicly_visible": "PUBLIC",
}

# The answers as the forms word them (quirks.md), in small letters and with straight apostrophes.
RACES = {
    "american indian or alaska native": "AMERICAN_INDIAN_OR_ALASKA_NATIVE",
    "american indian or alaskan native": "AMERICAN_INDIAN_OR_ALASKA_NATIVE",
    "asian": "ASIAN_OR_INDIAN_SUBCONTINENT",
    "black or african american": "BLACK_OR_AFRICAN_AMERICAN",
    "hispanic or latino": "HISPANIC_OR_LATINO",
    "native hawaiian or other pacific islander": "NATIVE_HAWAIIAN_OR_OTHER_PACIFIC_ISLANDER",
    "two or more races": "TWO_OR_MORE_RACES",
    "white": "WHITE",
    "decline to self identify": "PREFER_NOT_TO_DISCLOSE",
}

GENDERS = {
    "male": "MALE",
    "female": "FEMALE",
    "non-binary": "NON-BINARY",
    "other": "OTHER",
    "decline to self identify": "PREFER_NOT_TO_DISCLOSE",
}

VETERAN_STATUSES = {
    "i am not a protected veteran": "I_AM_NOT_A_PROTECTED_VETERAN",
    "i identify as one or more of the classifications of a protected veteran": (
        "I_IDENTIFY_AS_ONE_OR_MORE_OF_THE_CLASSIFICATIONS_OF_A_PROTECTED_VETERAN"
    ),
    "i don't wish to answer": "I_DONT_WISH_TO_ANSWER",
    "decline to self identify": "I_DONT_WISH_TO_ANSWER",
}

_HAS_A_DISABILITY = "YES_I_HAVE_A_DISABILITY_OR_PREVIOUSLY_HAD_A_DISABILITY"
_HAS_NO_DISABILITY = "NO_I_DONT_HAVE_A_DISABILITY"

DISABILITY_STATUSES = {
    "yes, i have a disability, or have a history/record of having a disability": _HAS_A_DISABILITY,
    "yes, i have a disability, or have had one in the past": _HAS_A_DISABILITY,
    "yes, i have a disability (or previously had a disability)": _HAS_A_DISABILITY,
    "no, i don't have a disability, or a history/record of having a disability": _HAS_NO_DISABILITY,
    "no, i do not have a disability and have not had one in the past": _HAS_NO_DISABILITY,
    "no, i don't have a disability": _HAS_NO_DISABILITY,
    "i don't wish to answer": "I_DONT_WISH_TO_ANSWER",
    "i do not want to answer": "I_DONT_WISH_TO_ANSWER",
    "decline to self identify": "I_DONT_WISH_TO_ANSWER",
}

_CURLED = "\N{RIGHT SINGLE QUOTATION MARK}"

LINKEDIN = re.compile(r"\s*(?:(?:https?:)?//)?(?:[a-z0-9-]+\.)*linkedin\.com(?:[:/?#]|\s*\Z)", re.IGNORECASE)
"""An address, with or without a scheme, whose host is linkedin.com or below it."""


def to_candidate(source: Source) -> Candidate:
    row = source.row
    return Candidate(
        remote_id=get_id(row),
        first_name=to_text(row.get("first_name")),
        last_name=to_text(row.get("last_name")),
        company=to_text(row.get("company")),
        title=to_text(row.get("title")),
        last_interaction_at=to_moment(row.get("last_activity_at")),
        is_private=row.get("private"),
        can_email=row.get("can_email"),
        locations=list_values(row.get("addresses")),
        phones=list_contacts(row.get("phone_numbers")),
        emails=list_contacts(row.get("email_addresses")),
        urls=list_urls(row.get("website_addresses"), row.get("social_media_addresses")),
        tags=row.get("tags"),
        applications=list_joined(source, "applications", "id"),
        attachments=list_joined(source, "attachments", "id"),
        remote_created_at=to_moment(row.get("created_at")),
        remote_updated_at=to_moment(row.get("updated_at")),
        tag_records=list_joined(source, "applied_candidate_tags", "candidate_tag_id"),
        is_anonymized=is_anonymized(row),
        educations=list_educations(source),
        employments=list_employments(source),
    )


def is_anonymized(row: Data) -> bool:
    """Whether the name is what the vendor puts in its place: there is no member that says so."""
    return row.get("first_name") == "Anonymized" and row.get("last_name") == get_id(row)


def list_contacts(entries: list[Data] | None) -> list[Contact] | None:
    """A list of `{"value", "type"}`, without empty ones."""
    if entries is None:
        return None
    return [
        Contact(value=entry["value"], type=to_word(CONTACT_TYPES, entry.get("type")))
        for entry in entries
        if entry.get("value")
    ]


def list_educations(source: Source) -> list[Education] | None:
    """Schools, degrees and disciplines are options of custom fields, known by their ids."""
    rows = source.details.get("candidate_educations")
    if rows is None:
        return None
    schools, degrees, disciplines = (index_joined(source, name) for name in ("schools", "degrees", "disciplines"))
    return [
        Education(
            remote_id=get_id(row),
            school=find_by_id(schools, row.get("school_name_custom_field_option_id"), "name"),
            degree=find_by_id(degrees, row.get("degree_custom_field_option_id"), "name"),
            field=find_by_id(disciplines, row.get("discipline_custom_field_option_id"), "name"),
            start=to_partial_date(row.get("start_date_year"), row.get("start_date_month"), row.get("start_at")),
            end=to_partial_date(row.get("end_date_year"), row.get("end_date_month"), row.get("end_at")),
        )
        for row in rows
    ]


def list_employments(source: Source) -> list[Employment] | None:
    """The API shows which is the latest, not whether it is current."""
    rows = source.details.get("candidate_employments")
    if rows is None:
        return None
    return [
        Employment(
            remote_id=get_id(row),
            company=to_text(row.get("company_name")),
            title=to_text(row.get("title")),
            start=to_text(row.get("start_date")),
            end=to_text(row.get("end_date")),
        )
        for row in rows
    ]


def list_values(entries: list[Data] | None) -> list[str] | None:
    """The values of a list of `{"value", "type"}`, without empty ones."""
    return None if entries is None else [entry["value"] for entry in entries if entry.get("value")]


def list_urls(websites: list[Data] | None, profiles: list[Data] | None) -> list[Url] | None:
    if websites is None and profiles is None:
        return None
    return [
        *[to_website(entry) for entry in websites or () if entry.get("value")],
        *[to_profile(entry["value"]) for entry in profiles or () if entry.get("value")],
    ]


def to_website(entry: Data) -> Url:
    """Harvest's kinds of website are ours in small letters."""
    kind = to_text(entry.get("type"))
    kind = None if kind is None else kind.upper()
    return Url(value=entry["value"], type=kind, url_type=kind)


def to_profile(address: str) -> Url:
    """Harvest does not name the network of an address."""
    return Url(value=address, type="LINKEDIN" if LINKEDIN.match(address) else "SOCIAL_MEDIA", url_type="SOCIAL_MEDIA")


def to_attachment(source: Source) -> Attachment:
    row = source.row
    return Attachment(
        remote_id=get_id(row),
        file_name=to_text(row.get("filename")),
        file_url=to_text(row.get("url")),
        attachment_type=to_word(ATTACHMENT_TYPES, row.get("type")),
        candidate=to_id(row.get("candidate_id")),
        application=to_id(row.get("application_id")),
        remote_created_at=to_moment(row.get("created_at")),
        remote_updated_at=to_moment(row.get("updated_at")),
    )


def to_eeoc(source: Source) -> EEOC:
    row = source.row
    return EEOC(
        remote_id=get_id(row),
        candidate=to_id(row.get("candidate_id")),
        submitted_at=to_moment(row.get("submitted_at")),
        race=to_answer(RACES, row.get("race")),
        gender=to_answer(GENDERS, row.get("gender")),
        veteran_status=to_answer(VETERAN_STATUSES, row.get("veteran_status")),
        disability_status=to_answer(DISABILITY_STATUSES, row.get("disability_status")),
        application=to_id(row.get("application_id")),
        remote_created_at=to_moment(row.get("created_at")),
        remote_updated_at=to_moment(row.get("updated_at")),
    )


def to_answer(answers: Mapping[str, str], given: Data | None) -> Any:
    """What was answered, by its text: letter case and the shape of apostrophes do not count."""
    text = None if given is None else to_text(given.get("description"))
    return None if text is None else answers.get(text.strip().casefold().replace(_CURLED, "'"), text)


def to_activity(source: Source) -> Activity:
    row = source.row
    return Activity(
        remote_id=get_id(row),
        user=to_id(row.get("user_id")),
        activity_type=to_word(ACTIVITY_TYPES, row.get("type")),
        subject=to_text(row.get("subject")),
        body=to_text(row.get("body")),
        visibility=to_word(VISIBILITIES, row.get("visibility")),
        candidate=to_id(row.get("candidate_id")),
        remote_created_at=to_moment(row.get("created_at")),
        application=to_id(row.get("application_id")),
        remote_updated_at=to_moment(row.get("updated_at")),
    )
