"""Rows as they are sent: what is copied from other rows, what is looked up, and what `expand` puts in place of ids."""

from collections.abc import Callable
from typing import Any, NamedTuple

from unihire.integration.emulate import Row
from unihire.integrations.lever.emulator.rows.find import LeverRows
from unihire.integrations.lever.emulator.rows.forms import EEO_ANSWERS
from unihire.integrations.lever.emulator.rows.ids import find_number
from unihire.integrations.lever.emulator.rows.jobs import SITE
from unihire.integrations.lever.emulator.rows.values import find_millis, list_objects, read_object, read_text

WEB = "https://hire.example.com"
HIDDEN: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("feedback", "panels", "offers", "referrals", "resumes", "files", "forms"), ("opportunityId",)),
    "notes": ("opportunityId", "viaApi"),
    "feedback_templates": ("viaApi",),
    "form_templates": ("viaApi",),
    "stages": ("pipeline", "rank", "hasInterview"),
    "tags": ("id",),
    "sources": ("id",),
    "requisition_fields": ("id", "key"),
    "postings": ("questionSets",),
    "uploads": ("expired",),
}
"""Members that rows have for the control plane and that are not sent."""

_USER = dict.fromkeys(("user", "owner", "hiringManager", "creator", "referrer", "sourcedBy"), "users")
EXPANDS: dict[str, dict[str, str]] = {
    "opportunities": {
        "applications": "applications",
        "stage": "stages",
        "owner": "users",
        "followers": "users",
        "sourcedBy": "users",
        "contact": "contacts",
    },
    "applications": {
        "posting": "postings",
        "postingHiringManager": "users",
        "postingOwner": "users",
        "user": "users",
    },
    "postings": {"user": "users", "owner": "users", "hiringManager": "users", "followers": "users"},
    "requisitions": {"creator": "users", "hiringManager": "users", "owner": "users", "postings": "postings"},
    "interviews": {"feedbackForms": "feedback", "user": "users", "stage": "stages", "postings": "postings"},
    "panels": {"user": "users", "stage": "stages"},
    "offers": {"creator": "users"},
    "feedback": {"user": "users"},
    "notes": {"user": "users"},
    "forms": {"user": "users"},
    "referrals": {"user": "users", "referrer": "users", "stage": "stages"},
    "eeo_responses": {"contact": "contacts", "hiringManager": "users", "posting": "postings"},
}
"""Stream → members that `expand` names, and of which stream their ids are."""


class View(NamedTuple):
    """How rows are asked for."""

    expand: frozenset[str] = frozenset()
    include: frozenset[str] = frozenset()
    base_url: str = ""
    is_recorded: bool = True
    """Whether followers and content come unasked, as they did where answers were recorded."""


class Show:
    """Makes rows as they are sent."""

    def __init__(self, rows: LeverRows) -> None:
        self._rows = rows
        self._makers: dict[str, Callable[[Row, Row, View], Row]] = {
            "opportunities": self._show_opportunity,
            "applications": self._show_application,
            "postings": self._show_posting,
            "interviews": self._show_interview,
            "panels": self._show_panel,
            "files": self._show_file,
            "resumes": self._show_resume,
            "offers": self._show_offer,
            "eeo_responses": self._show_eeo,
            "requisition_fields": lambda row, found, _view: {"id": row.get("key"), **found},
            "webhooks": self._show_webhook,
        }

    def row(self, stream: str, row: Row, view: View = View()) -> Row:  # noqa: B008 - a tuple
        hidden = HIDDEN.get(stream, ())
        found = {name: value for name, value in row.items() if not name.startswith("_") and name not in hidden}
        maker = self._makers.get(stream)
        if maker is not None:
            found = maker(row, found, view)
        for name in view.expand & EXPANDS.get(stream, {}).keys() & found.keys():
            found[name] = self._expand(EXPANDS[stream][name], found[name], view)
        return self._choose(stream, found, view)

    def _expand(self, stream: str, value: Any, view: View) -> Any:
        """The row in place of its id; an id of nothing stays."""
        if isinstance(value, list):
            return [self._expand(stream, entry, view) for entry in value]
        row = self._rows.find(stream, value)
        return value if row is None else self.row(stream, row, View(base_url=view.base_url))

    @staticmethod
    def _choose(stream: str, found: Row, view: View) -> Row:
        """`include` names all that is sent, but for what the vendor's documents say it adds."""
        added = {"opportunities": {"followers"}, "postings": {"content", "followers"}}.get(stream, set())
        if not view.is_recorded:
            for name in added - view.include:
                found.pop(name, None)
        named = view.include - added
        return found if not named else {name: value for name, value in found.items() if name in named or name == "id"}

    # Of each stream

    def _show_opportunity(self, row: Row, found: Row, _view: View) -> Row:
        contact = self._rows.find("contacts", row.get("contact")) or {}
        location = contact.get("location")
        applications = [one["id"] for one in self._rows.list_owned("applications", row["id"])]
        return {
            "id": row["id"],
            "name": contact.get("name", ""),
            "headline": contact.get("headline", ""),
            "location": location.get("name", "") if isinstance(location, dict) else location,
            "phones": contact.get("phones", []),
            "emails": contact.get("emails", []),
            "applications": applications,
            "urls": {"list": f"{WEB}/candidates", "show": f"{WEB}/candidates/{row['id']}"},
            "isAnonymized": contact.get("isAnonymized", False),
            **found,
        }

    def _show_application(self, row: Row, found: Row, _view: View) -> Row:
        posting = self._rows.find("postings", row.get("posting")) or {}
        opportunity = self._rows.find("opportunities", row.get("opportunityId")) or {}
        return {
            "candidateId": row.get("opportunityId"),
            "postingHiringManager": posting.get("hiringManager"),
            "postingOwner": posting.get("owner"),
            "archived": opportunity.get("archived"),
            **found,
        }

    def _show_posting(self, row: Row, found: Row, _view: View) -> Row:
        site = f"{SITE}/{row['id']}"
        is_seen = row.get("state") != "draft"
        urls = {"list": f"{WEB}/postings", "show": site, "apply": f"{site}/apply"} if is_seen else None
        return {"urls": urls, **found}

    def _list_interviewers(self, row: Row, **beside: str) -> list[Row]:
        found = []
        for entry in list_objects(row, "interviewers"):
            user = self._rows.find("users", entry.get("id")) or {}
            found.append({"name": user.get("name"), "email": user.get("email"), **entry, **beside})
        return found

    def _show_interview(self, row: Row, found: Row, _view: View) -> Row:
        forms = self._rows.list_owned("feedback", row.get("opportunityId"))
        named = [form["id"] for form in forms if form.get("interview") == row["id"]]
        return {"feedbackForms": named, **found, "interviewers": self._list_interviewers(row)}

    def list_interviews(self, panel: Row) -> list[Row]:
        interviews = self._rows.list_owned("interviews", panel.get("opportunityId"))
        return [one for one in interviews if one.get("panel") == panel["id"]]

    def _show_panel(self, row: Row, found: Row, _view: View) -> Row:
        """It is as long as its interviews."""
        own = self.list_interviews(row)
        starts = [at for one in own if (at := find_millis(one.get("date"))) is not None]
        ends = [
            at + 60_000 * (find_millis(one.get("duration")) or 0)
            for one in own
            if (at := find_millis(one.get("date"))) is not None
        ]
        names = ("id", "date", "duration", "feedbackReminder", "feedbackTemplate", "location", "note", "subject")
        interviews = [
            {name: one.get(name) for name in names}
            | {"interviewers": self._list_interviewers(one, responseStatus="needsAction")}
            for one in own
        ]
        times = {"start": min(starts, default=None), "end": max(ends, default=None)}
        return {**times, "interviews": interviews, **found}

    def _make_url(self, row: Row, kind: str, view: View) -> str:
        return f"{view.base_url}/v1/opportunities/{row.get('opportunityId')}/{kind}/{row['id']}/download"

    def _show_file(self, row: Row, found: Row, view: View) -> Row:
        return {"downloadUrl": self._make_url(row, "files", view), **found}

    def _show_resume(self, row: Row, found: Row, view: View) -> Row:
        if not isinstance(row.get("file"), dict):
            return found
        return {**found, "file": {"downloadUrl": self._make_url(row, "resumes", view), **row["file"]}}

    def _show_offer(self, row: Row, found: Row, view: View) -> Row:
        for name, status in (("sentDocument", "sent"), ("signedDocument", "signed")):
            if isinstance(found.get(name), dict):
                url = f"{self._make_url(row, 'offers', view)}?status={status}"
                found[name] = {"downloadUrl": url, **found[name]}
        return found

    @staticmethod
    def _show_webhook(_row: Row, found: Row, _view: View) -> Row:
        """The token of signatures is shown once, when it is made."""
        configuration = {
            name: value for name, value in read_object(found, "configuration").items() if name != "signatureToken"
        }
        return {**found, "configuration": configuration}

    # Answers for statistics

    def _show_eeo(self, row: Row, found: Row, _view: View) -> Row:
        application = self._rows.find("applications", row.get("applicationId")) or {}
        opportunity = self._rows.find("opportunities", row.get("opportunityId")) or {}
        posting = self._rows.find("postings", application.get("posting")) or {}
        archived = read_object(opportunity, "archived")
        reason = self._rows.find("archive_reasons", archived.get("reason")) or {}
        is_hired = reason.get("type") == "hired"
        return {
            **found,
            "id": row.get("applicationId"),
            "applicationTitle": posting.get("text", ""),
            "applicationArchivedAt": archived.get("archivedAt"),
            "applicationArchivedBy": opportunity.get("owner") if archived else None,
            "applicationArchiveReason": archived.get("reason"),
            "appliedAt": application.get("createdAt"),
            "currentStage": opportunity.get("stage"),
            "contact": opportunity.get("contact"),
            "hiredDate": archived.get("archivedAt") if is_hired else None,
            "hiringManager": posting.get("hiringManager"),
            "opportunityOwner": opportunity.get("owner"),
            "origin": opportunity.get("origin"),
            "posting": application.get("posting"),
            "sources": opportunity.get("sources", []),
            "requisitionCodes": posting.get("requisitionCodes", []),
        }

    def eeo_without_names(self, row: Row) -> Row:
        """The same without what leads to a person."""
        whole = self._show_eeo(row, {}, View())
        names = (
            "applicationTitle", "appliedAt", "currentStage", "applicationArchivedAt", "applicationArchivedBy",
            "applicationArchiveReason",
        )  # fmt: skip
        answers = {name: row[name] for name in EEO_ANSWERS if name in row}
        return {name: whole[name] for name in names} | answers

    def is_confidential(self, stream: str, row: Row) -> bool:
        return stream in ("opportunities", "postings", "requisitions") and row.get("confidentiality") == "confidential"

    def find_stage_place(self, row: Row) -> int:
        """Of the stage an opportunity is in; unknown ones come last."""
        return find_number("stages", read_text(row, "stage")) or 1_000_000
