"""Workable rows to unified records: the person in a candidate's row, and their files. Pure functions, tables on top."""

from collections.abc import Iterable, Sequence
from typing import Any

from unihire.integration.declare import Data, Source
from unihire.integrations.workable.mapping.activities import list_activities
from unihire.integrations.workable.mapping.company import find_source
from unihire.integrations.workable.mapping.values import (
    find_detail,
    find_object,
    find_parts,
    get_id,
    join_texts,
    list_objects,
    list_texts,
    to_flag,
    to_id,
    to_moment,
    to_rank,
    to_text,
)
from unihire.kit.text import is_id
from unihire.model import Attachment, Candidate, Contact, Education, Employment, Place, Url

PROFILE, FILES, OFFER = "profile", "files", "offer"
"""What a candidate has beside the row: the candidate alone, with all that lists leave out; files; the offer."""

URL_TYPES = {
    "linkedin": "SOCIAL_MEDIA",
    "twitter": "SOCIAL_MEDIA",
    "facebook": "SOCIAL_MEDIA",
    "googleplus": "SOCIAL_MEDIA",
    "github": "PORTFOLIO",
    "stackoverflow": "PORTFOLIO",
    "dribbble": "PORTFOLIO",
    "behance": "PORTFOLIO",
}
"""By the type of a profile, an open list; others are OTHER."""

INTERNAL = "Internal applications"
"""The category of sources that are people of the company."""

FILE_KINDS = {"resume": "RESUME", "cover_letter": "COVER_LETTER"}

UNNAMED = "file"
"""What a file is called that has no name."""

RESUME, OFFER_LETTER, OTHER = "RESUME", "OFFER_LETTER", "OTHER"

CONTENT_TYPES = {
    "pdf": "application/pdf",
    "doc": "application/msword",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "odt": "application/vnd.oasis.opendocument.text",
    "rtf": "application/rtf",
    "txt": "text/plain",
}
"""By the ending of a résumé's name, which Workable calls its type."""


def to_candidate(source: Source) -> Candidate:
    row, profile = source.row, find_detail(source, PROFILE)
    known = profile or {}
    origin, tags = find_source(row), known.get("tags")
    place, address = find_place(known), to_text(row.get("address"))
    texts = [address] if address is not None else [place.text] if place is not None and place.text is not None else None
    jobs = list_employments(known)
    return Candidate(
        remote_id=get_id(row),
        first_name=to_text(row.get("firstname")),
        last_name=to_text(row.get("lastname")),
        company=next((job.company for job in jobs or () if job.is_current and job.company is not None), None),
        title=to_text(row.get("headline")),
        last_interaction_at=find_last_interaction(list_activities(source)),
        locations=texts,
        urls=None if profile is None else list_urls(profile),
        tags=None if tags is None else list_texts(tags),
        applications=[get_id(row)],
        attachments=list_attachments(source),
        remote_created_at=to_moment(row.get("created_at")),
        remote_updated_at=to_moment(row.get("updated_at")),
        avatar=to_text(known.get("image_url")),
        places=None if place is None else [place],
        phones=list_contacts(row.get("phone")),
        emails=list_contacts(row.get("email")),
        is_internal=True if row.get("common_source_category") == INTERNAL else None,
        is_anonymized=to_flag(row.get("anonymized")),
        sources=None if origin is None else [origin],
        educations=list_educations(known),
        employments=jobs,
        remote_url=to_text(row.get("profile_url")),
    )


def list_contacts(value: Any) -> list[Contact]:
    """Workable has one address and one number, and no kinds of them."""
    found = to_text(value)
    return [] if found is None else [Contact(value=found)]


def list_urls(profile: Data) -> list[Url]:
    return [
        Url(value=one["url"], type=name_network(one.get("type")), url_type=find_url_type(one.get("type")))
        for one in list_objects(profile.get("social_profiles"))
        if to_text(one["url"]) is not None
    ]


def name_network(kind: Any) -> Any:
    """The name of a network in capitals: `LINKEDIN`."""
    return kind.upper() if isinstance(kind, str) else kind


def find_url_type(kind: Any) -> str:
    return URL_TYPES.get(kind.lower(), OTHER) if isinstance(kind, str) else OTHER


def find_place(profile: Data) -> Place | None:
    """Where the candidate lives: an object that is there also where nothing is known."""
    location = find_object(profile, "location") or {}
    city, region, country = (to_text(location.get(name)) for name in ("city", "region", "country"))
    text = to_text(location.get("location_str")) or join_texts((city, region, country))
    code, postal_code = to_text(location.get("country_code")), to_text(location.get("zip_code"))
    if text is None and code is None and postal_code is None:
        return None
    return Place(text=text, postal_code=postal_code, city=city, region=region, country_code=code)


def list_educations(profile: Data) -> list[Education] | None:
    entries = profile.get("education_entries")
    if entries is None:
        return None
    return [
        Education(
            remote_id=to_id(one.get("id")),
            school=to_text(one.get("school")),
            degree=to_text(one.get("degree")),
            field=to_text(one.get("field_of_study")),
            start=to_text(one.get("start_date")),
            end=to_text(one.get("end_date")),
        )
        for one in list_objects(entries)
    ]


def list_employments(profile: Data) -> list[Employment] | None:
    entries = profile.get("experience_entries")
    if entries is None:
        return None
    return [
        Employment(
            remote_id=to_id(one.get("id")),
            company=to_text(one.get("company")),
            title=to_text(one.get("title")),
            start=to_text(one.get("start_date")),
            end=to_text(one.get("end_date")),
            is_current=to_flag(one.get("current")),
            description=to_text(one.get("summary")),
        )
        for one in list_objects(entries)
    ]


def find_last_interaction(activities: Sequence[Data]) -> str | None:
    """The moment of the newest activity."""
    moments = [moment for one in activities if (moment := one.get("created_at"))]
    return to_moment(max(moments, key=to_rank, default=None))


def list_attachments(source: Source) -> list[str] | None:
    """The ids of a candidate's files; None where not all kinds were read."""
    row, profile = source.row, find_detail(source, PROFILE)
    if profile is None or source.details.get(FILES) is None:
        return None
    id = get_id(row)
    return [
        *(name_resume(id) for _ in list_resumes(profile)),
        *name_files(id, list_files(source)),
        *name_files(id, list_letters(source), "offer:"),
    ]


def name_files(candidate: str, files: Sequence[Any], kind: str = "") -> list[str]:
    """The ids of files; one that cannot be read, or stored, costs the record that it is itself."""
    found = [
        name_file(candidate, file, files[:at], kind)
        for at, file in enumerate(files)
        if isinstance(file, dict) and isinstance(file.get("name"), str | None)
    ]
    return [id for id in dict.fromkeys(found) if is_id(id)]


def list_files(source: Source) -> list[Any]:
    """All that was read of files."""
    found = source.details.get(FILES)
    return found if isinstance(found, list) else []


def list_resumes(profile: Data) -> Iterable[Data]:
    """The résumé, as the part of the candidate's row that has its address."""
    address = to_plain_text(profile.get("resume_url"))
    return [] if address is None else [{"resume_url": address}]


def to_plain_text(value: Any) -> str | None:
    """Raises TypeError for what is no text."""
    if value is not None and not isinstance(value, str):
        raise TypeError(f"a text of type {type(value).__name__}")
    return value or None


def name_resume(candidate: str) -> str:
    """The id of a résumé: files have none, and a candidate has one résumé."""
    return f"{candidate}:resume"


def name_file(candidate: str, file: Data, before: Sequence[Any], kind: str = "") -> str:
    """The id of a file: its name, and which it is of those of that name.

    One that an answer has twice, at the same address, is one file.
    """
    name, own, places = to_plain_text(file.get("name")) or UNNAMED, find_place_of(file), list[str | None]()
    for one in before:
        if isinstance(one, dict) and (one.get("name") or UNNAMED) == name:
            place = find_place_of(one)
            if place is None or place not in places:
                places.append(place)
    at = len(places) if own is None or own not in places else places.index(own)
    return f"{candidate}:{kind}{name}" if at == 0 else f"{candidate}:{kind}{name}:{at + 1}"


def find_place_of(file: Data) -> str | None:
    """The address of a file without what is signed of it."""
    address = file.get("preview_url")
    return address.partition("?")[0] or None if isinstance(address, str) else None


def to_resume(source: Source) -> Attachment:
    """Of the résumé the list of candidates has name, type and moments."""
    candidate = get_id(source.within)
    known = find_object(source.within, "resume_metadata") or {}
    return Attachment(
        remote_id=name_resume(candidate),
        file_name=to_text(known.get("filename")),
        file_url=to_text(source.row.get("resume_url")),
        attachment_type=RESUME,
        candidate=candidate,
        application=candidate,
        content_type=find_content_type(known.get("filetype")),
        remote_created_at=to_moment(known.get("created_at")),
        remote_updated_at=to_moment(known.get("updated_at")),
    )


def find_content_type(ending: Any) -> str | None:
    return CONTENT_TYPES.get(ending.lower()) if isinstance(ending, str) else None


def to_file(source: Source) -> Attachment:
    row, candidate = source.row, get_id(source.within)
    kind = row.get("kind")
    return Attachment(
        remote_id=name_file(candidate, row, list_files(source)[: source.place]),
        file_name=to_text(row.get("name")),
        file_url=to_text(row.get("preview_url")),
        attachment_type=FILE_KINDS.get(kind, OTHER) if isinstance(kind, str) else OTHER,
        candidate=candidate,
        application=candidate,
    )


def list_documents(offer: Data) -> Iterable[Data]:
    """The documents of an offer."""
    return list_objects(offer.get("documents"))


def list_letters(source: Source) -> list[Any]:
    """The documents of all that was read of offers."""
    found = [offer.get("documents") for offer in find_parts(source, OFFER) or ()]
    return [one for documents in found if isinstance(documents, list) for one in documents]


def to_offer_letter(source: Source) -> Attachment:
    row, candidate = source.row, get_id(source.within)
    return Attachment(
        remote_id=name_file(candidate, row, list_letters(source)[: source.place], "offer:"),
        file_name=to_text(row.get("name")),
        file_url=to_text(row.get("preview_url")),
        attachment_type=OFFER_LETTER,
        candidate=candidate,
        application=candidate,
    )
