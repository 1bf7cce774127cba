"""Ashby rows to unified records: candidates, their files and the notes on them. Pure functions, tables on top."""

from collections.abc import Iterable
from typing import Any

from unihire.integration.declare import Data, Source
from unihire.integrations.ashby.mapping.values import (
    find_id,
    find_object,
    get_id,
    list_ids,
    list_objects,
    to_flag,
    to_id,
    to_moment,
    to_text,
    to_word,
)
from unihire.model import Activity, Attachment, Candidate, Contact, Education, Employment, Place, Url

CONTACT_TYPES = {"Personal": "PERSONAL", "Work": "WORK", "Other": "OTHER"}

URL_TYPES = {
    "LinkedIn": "SOCIAL_MEDIA",
    "Twitter": "SOCIAL_MEDIA",
    "YouTube": "SOCIAL_MEDIA",
    "GitHub": "PORTFOLIO",
    "StackOverflow": "PORTFOLIO",
    "CodePen": "PORTFOLIO",
    "Medium": "BLOG",
    "Website": "PERSONAL",
}

NOTES = "notes"
"""The detail with the notes on a candidate."""


def to_candidate(source: Source) -> Candidate:
    row = source.row
    name = to_text(row.get("name"))
    first, last = split_name(name)
    location, origin = find_object(row, "location"), find_object(row, "source")
    summary = None if location is None else to_text(location.get("locationSummary"))
    tags, applications = row.get("tags"), row.get("applicationIds")
    has_files = row.get("fileHandles") is not None or row.get("resumeFileHandle") is not None
    return Candidate(
        remote_id=get_id(row),
        first_name=first,
        last_name=last,
        company=to_text(row.get("company")),
        title=to_text(row.get("position")),
        locations=None if summary is None else [summary],
        urls=list_urls(row.get("socialLinks")),
        tags=None if tags is None else [tag["title"] for tag in list_objects(tags)],
        applications=None if applications is None else list_ids(applications),
        attachments=list_ids(get_id(file) for file in list_files(row)) if has_files else None,
        remote_created_at=to_moment(row.get("createdAt")),
        remote_updated_at=to_moment(row.get("updatedAt")),
        name=name,
        places=None if location is None else [to_place(location)],
        phones=list_contacts(row.get("phoneNumbers")),
        emails=list_contacts(row.get("emailAddresses")),
        tag_records=None if tags is None else list_ids(get_id(tag) for tag in list_objects(tags)),
        sources=None if origin is None else [origin["title"]],
        educations=list_educations(row),
        employments=list_employments(row),
        remote_url=to_text(row.get("profileUrl")),
    )


def split_name(name: Any) -> tuple[str | None, str | None]:
    """First and last name: Ashby has one text, which is divided at its last space."""
    if name is None:
        return None, None
    first, _, last = name.strip().rpartition(" ")
    return (first.strip(), last) if first else (last, None)


def list_contacts(entries: Any) -> list[Contact] | None:
    """E-mail addresses or telephone numbers, without empty ones."""
    if entries is None:
        return None
    return [
        Contact(
            value=entry["value"],
            type=to_word(CONTACT_TYPES, entry.get("type")),
            is_primary=to_flag(entry.get("isPrimary")),
        )
        for entry in list_objects(entries)
        if to_text(entry["value"]) is not None
    ]


def list_urls(links: Any) -> list[Url] | None:
    if links is None:
        return None
    return [
        Url(value=link["url"], type=to_network(link.get("type")), url_type=to_word(URL_TYPES, link.get("type")))
        for link in list_objects(links)
        if to_text(link["url"]) is not None
    ]


def to_network(kind: Any) -> Any:
    """The name of a network in capitals: `LINKEDIN`."""
    return kind.upper() if isinstance(kind, str) else kind


def to_place(location: Data) -> Place:
    """The country is named without its code: it is in the text alone."""
    parts = {
        component.get("type"): to_text(component.get("name"))
        for component in list_objects(location.get("locationComponents"))
    }
    return Place(text=to_text(location.get("locationSummary")), city=parts.get("City"), region=parts.get("Region"))


def list_educations(row: Data) -> list[Education] | None:
    """Ashby has the name of one school."""
    school = to_text(row.get("school"))
    return None if school is None else [Education(school=school)]


def list_employments(row: Data) -> list[Employment] | None:
    """Ashby has one company and one position, and does not say since when."""
    company, title = to_text(row.get("company")), to_text(row.get("position"))
    return None if company is None and title is None else [Employment(company=company, title=title)]


def list_files(row: Data) -> Iterable[Data]:
    """The files of a candidate, each once; the résumé is among them, or beside them."""
    resume = find_object(row, "resumeFileHandle")
    files = [*list_objects(row.get("fileHandles")), *(() if resume is None else (resume,))]
    found: dict[str, Data] = {}
    for file in files:
        found.setdefault(get_id(file), file)
    return found.values()


def to_attachment(source: Source) -> Attachment:
    row, candidate = source.row, source.within
    resume = find_id(find_object(candidate, "resumeFileHandle"))
    return Attachment(
        remote_id=get_id(row),
        file_name=to_text(row.get("name")),
        attachment_type="RESUME" if get_id(row) == resume else "OTHER",
        candidate=get_id(candidate),
    )


def to_activity(source: Source) -> Activity:
    """A note. Whether it is private is only seen by a key that may see private notes: others do not get these."""
    row = source.row
    is_private = to_flag(row.get("isPrivate"))
    return Activity(
        remote_id=get_id(row),
        user=find_author(row),
        activity_type="NOTE",
        body=to_text(row.get("content")),
        visibility=None if is_private is None else "PRIVATE" if is_private else "PUBLIC",
        candidate=get_id(source.within),
        remote_created_at=to_moment(row.get("createdAt")),
    )


def find_author(note: Data) -> str | None:
    author = find_object(note, "author")
    return None if author is None else to_id(author.get("id"))
