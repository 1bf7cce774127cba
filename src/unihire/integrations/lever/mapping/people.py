"""Lever rows to unified records: contacts, who are the candidates, files and notes. Pure functions, tables on top."""

import re
from collections.abc import Iterable, Iterator
from typing import Any

from unihire.integration.declare import Data, Source
from unihire.integrations.lever.mapping.forms import join_texts, write_value
from unihire.integrations.lever.mapping.jobs import CONFIDENTIAL
from unihire.integrations.lever.mapping.values import (
    find_object,
    get_id,
    list_objects,
    list_texts,
    split_name,
    to_flag,
    to_id,
    to_millis,
    to_moment,
    to_said,
    to_text,
    to_word,
)
from unihire.model import Activity, Attachment, Candidate, Consent, Contact, Place, Url

PHONE_TYPES = {"mobile": "MOBILE", "home": "HOME", "work": "WORK", "skype": "SKYPE", "other": "OTHER"}

HOSTS = {
    "linkedin": "SOCIAL_MEDIA",
    "twitter": "SOCIAL_MEDIA",
    "facebook": "SOCIAL_MEDIA",
    "github": "PORTFOLIO",
    "dribbble": "PORTFOLIO",
    "behance": "PORTFOLIO",
    "medium": "BLOG",
}
"""What an address is, by a name in its host; the vendor has addresses alone."""

PAGE = re.compile(r"https://hire\.((?:[a-z]+\.)?lever\.co)/")
"""The beginning of a page for people who are signed in; the API of the same region is beside it [documents; ours]."""

OPPORTUNITIES = "opportunities"
"""The opportunities of a contact."""

NOTES, RESUMES, FILES = "notes", "resumes", "files"
"""What is written and stored of an opportunity."""


def to_candidate(source: Source) -> Candidate:
    """A contact, with what its opportunities say of the person; null where these were never read."""
    row, rows = source.row, source.details.get(OPPORTUNITIES)
    first, last = split_name(row.get("name"))
    place = to_text((find_object(row, "location") or {}).get("name"))
    tags = None if rows is None else join_lists(rows, "tags")
    candidate = Candidate(
        remote_id=get_id(row),
        first_name=first,
        last_name=last,
        locations=[] if place is None else [place],
        name=to_text(row.get("name")),
        places=[] if place is None else [Place(text=place)],
        phones=list_phones(row),
        emails=[Contact(value=email) for email in list_texts(row.get("emails"))],
        is_anonymized=to_flag(row.get("isAnonymized")),
    )
    if rows:
        candidate.last_interaction_at = to_moment(find_last(rows, "lastInteractionAt"))
        candidate.is_private = find_privacy(rows)
        candidate.can_email = find_permission(rows)
        candidate.consent = find_consent(rows)
        candidate.remote_created_at = to_moment(find_first(rows, "createdAt"))
        candidate.remote_updated_at = to_moment(find_last(rows, "updatedAt"))
        candidate.is_internal = any(one.get("origin") == "internal" for one in rows)
        candidate.remote_url = find_page(max(rows, key=rank_by_creation))
    if rows is not None:
        candidate.urls = [to_url(link) for link in join_lists(rows, "links")]
        candidate.tags = tags
        candidate.tag_records = tags
        candidate.applications = [get_id(one) for one in rows]
        candidate.sources = join_lists(rows, "sources")
    return candidate


def list_phones(row: Data) -> list[Contact]:
    return [
        Contact(value=to_text(one.get("value")), type=to_word(PHONE_TYPES, one.get("type")))
        for one in list_objects(row.get("phones"))
    ]


def join_lists(rows: Iterable[Data], member: str) -> list[str]:
    """The texts that any of the rows has in a list, each once."""
    return list_texts([text for row in rows for text in list_texts(row.get(member))])


def list_moments(rows: Iterable[Data], member: str) -> list[int]:
    return [millis for row in rows if (millis := to_millis(row.get(member))) is not None]


def find_first(rows: Iterable[Data], member: str) -> int | None:
    return min(list_moments(rows, member), default=None)


def find_last(rows: Iterable[Data], member: str) -> int | None:
    return max(list_moments(rows, member), default=None)


def rank_by_creation(row: Data) -> tuple[int, str]:
    return to_millis(row.get("createdAt")) or 0, get_id(row)


def find_privacy(rows: Iterable[Data]) -> bool | None:
    """Whether an opportunity is confidential: then the person is not for everybody's eyes."""
    found = [to_flag(to_word(CONFIDENTIAL, row.get("confidentiality"))) for row in rows]
    return True if True in found else False if False in found else None


def list_policies(rows: Iterable[Data], name: str) -> list[Data]:
    """What data protection says of storing, or of writing to, the person; nothing where no policy applies."""
    found = [find_object(find_object(row, "dataProtection") or {}, name) for row in rows]
    return [one for one in found if one is not None]


def find_permission(rows: Iterable[Data]) -> bool | None:
    """Whether the person may be written to: not where a policy of one opportunity forbids it."""
    found = [to_flag(one.get("allowed")) for one in list_policies(rows, "contact")]
    return False if False in found else True if True in found else None


def find_consent(rows: Iterable[Data]) -> Consent | None:
    """Consent to storing; the one that ends last."""
    found = list_policies(rows, "store")
    if not found:
        return None
    last = max(found, key=lambda one: to_millis(one.get("expiresAt")) or 0)
    return Consent(given=to_flag(last.get("allowed")), expires_at=to_moment(last.get("expiresAt")))


def find_page(row: Data) -> Any:
    """The page of an opportunity."""
    return to_text((find_object(row, "urls") or {}).get("show"))


def to_url(link: str) -> Url:
    host = link.partition("//")[2] or link
    host = host.partition("/")[0].lower()
    name = next((name for name in HOSTS if f".{name}." in f".{host}"), None)
    if name is not None:
        return Url(value=link, type=name.upper(), url_type=HOSTS[name])
    return Url(value=link, url_type="BLOG" if "blog" in host else "OTHER")


def list_files_of_resume(resume: Data) -> Iterator[Data]:
    """The file of a résumé, with the résumé's id; none of one that was taken from a profile."""
    file = find_object(resume, "file")
    if file is not None:
        yield {**file, "id": get_id(resume)}


def to_resume(source: Source) -> Attachment:
    return write_attachment(source, "RESUME", find_resume(source))


def find_resume(source: Source) -> Any:
    """The address of a résumé's file; where that is a page for people who are signed in, the API's for the key."""
    address = to_text(source.row.get("downloadUrl"))
    page = PAGE.match(address) if isinstance(address, str) else None
    if page is None:
        return address
    return f"https://api.{page[1]}/v1/opportunities/{get_id(source.within)}/resumes/{get_id(source.row)}/download"


def to_file(source: Source) -> Attachment:
    return write_attachment(source, "OTHER", to_text(source.row.get("downloadUrl")))


def write_attachment(source: Source, kind: str, address: Any) -> Attachment:
    file, opportunity = source.row, source.within
    return Attachment(
        remote_id=get_id(file),
        file_name=name_file(file),
        file_url=address,
        attachment_type=kind,
        candidate=to_id(opportunity.get("contact")),
        application=get_id(opportunity),
        size=file.get("size"),
        remote_created_at=to_moment(file.get("uploadedAt")),
    )


def name_file(file: Data) -> str | None:
    """The name with its ending, which is a member of its own, with a dot or without."""
    name, ending = to_said(file.get("name")), (to_said(file.get("ext")) or "").lstrip(".")
    if name is None or not ending or name.lower().endswith(f".{ending.lower()}"):
        return name
    return f"{name}.{ending}"


def list_notes(note: Data) -> list[Data]:
    """A note, unless it was deleted: those can still be read."""
    return [] if note.get("deletedAt") is not None else [note]


def to_activity(source: Source) -> Activity:
    """A note: a thread of comments, whose author is that of the first."""
    row, opportunity = source.row, source.within
    comments = list_objects(row.get("fields"))
    secret = to_flag(row.get("secret"))
    return Activity(
        remote_id=get_id(row),
        user=next((user for one in comments[:1] if (user := to_id(one.get("user")))), to_id(row.get("user"))),
        activity_type="NOTE",
        body=join_texts((write_value(one.get("value")) for one in comments), "\n\n"),
        visibility=None if secret is None else "PRIVATE" if secret else "PUBLIC",
        candidate=to_id(opportunity.get("contact")),
        remote_created_at=to_moment(row.get("createdAt")),
        application=get_id(opportunity),
        body_format="TEXT",
    )
