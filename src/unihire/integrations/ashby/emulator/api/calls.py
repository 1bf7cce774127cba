"""What an endpoint is, and a call of one that passed key, permission and body."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from unihire.integration.emulate import Faults, Request, Row
from unihire.integrations.ashby.emulator.api.envelope import Answer, refuse_missing
from unihire.integrations.ashby.emulator.api.keys import Caller
from unihire.integrations.ashby.emulator.api.pages import Pages
from unihire.integrations.ashby.emulator.rows.find import AshbyRows
from unihire.integrations.ashby.emulator.rows.show import Show, View
from unihire.kit.posted_forms import FormPart

THINGS = {
    "candidates": "candidate",
    "applications": "application",
    "jobs": "job",
    "job_postings": "job_posting",
    "openings": "opening",
    "offers": "offer",
    "offer_processes": "offer_process",
    "interview_schedules": "interview_schedule",
    "interview_plans": "interview_plan",
    "interview_stages": "interview_stage",
    "interviews": "interview",
    "users": "user",
    "departments": "department",
    "locations": "location",
    "sources": "source",
    "archive_reasons": "archive_reason",
    "close_reasons": "close_reason",
    "candidate_tags": "candidate_tag",
    "custom_fields": "custom_field",
    "feedback_forms": "feedback_form_definition",
    "survey_forms": "survey_form_definition",
    "hiring_roles": "hiring_team_role",
    "communication_templates": "communication_template",
    "projects": "project",
    "interviewer_pools": "interviewer_pool",
    "brands": "brand",
    "job_boards": "job_board",
    "job_templates": "job_template",
    "webhooks": "webhook",
    "offer_forms": "offer_form",
}
"""Stream → what codes call one of its rows: `<thing>_not_found`."""

HIDDEN_WITH_JOB = {"jobs", "applications", "offers", "feedback", "interview_schedules", "job_postings"}
"""Streams whose rows a key without the switch for confidential jobs does not see, if they are of such a job."""


@dataclass(frozen=True)
class Site:
    """What all calls share."""

    rows: AshbyRows
    show: Show
    pages: Pages
    faults: Faults


@dataclass
class Call:
    """One call: `body` has what is declared of it, each of its type."""

    site: Site
    name: str
    request: Request
    body: dict[str, Any]
    caller: Caller
    base_url: str
    parts: Sequence[FormPart] = ()
    """Of a form that was posted; the body then has what its parts say that are no files."""
    view: View = field(init=False)

    def __post_init__(self) -> None:
        self.view = self.caller.make_view()._replace(
            expand=frozenset(self.body.get("expand") or ()),
            unpublished=self.body.get("includeUnpublishedJobPostingsIds") is True,
        )

    @property
    def rows(self) -> AshbyRows:
        return self.site.rows

    def find(self, stream: str, id_: object) -> Row | None:
        """The row, if the key may see it."""
        row = self.rows.find(stream, id_)
        return row if row is not None and self.can_see(stream, row) else None

    def get(self, stream: str, id_: object) -> Row:
        """Raises Refused with the code of what is missing."""
        row = self.find(stream, id_)
        if row is None:
            raise refuse_missing(THINGS[stream])
        return row

    def get_named(self, stream: str, name: str) -> Row:
        """The row that a member of the body names."""
        return self.get(stream, self.body.get(name))

    def can_see(self, stream: str, row: Row) -> bool:
        if self.rows.is_orphan(stream, row):
            return False
        view = self.view
        if not view.is_confidential:
            if stream in HIDDEN_WITH_JOB and self._is_confidential(stream, row):
                return False
            if stream == "projects" and row.get("confidential") is True:
                return False
        if not view.is_private:
            if stream == "notes" and row.get("isPrivate") is True:
                return False
            if stream == "custom_fields" and row.get("isPrivate") is True:
                return False
        return True

    def _is_confidential(self, stream: str, row: Row) -> bool:
        if stream == "jobs":
            return row.get("confidential") is True
        if stream in ("applications", "job_postings"):
            return self.site.show.is_of_confidential_job(row)
        application = self.rows.find("applications", row.get("applicationId"))
        return application is not None and self.site.show.is_of_confidential_job(application)

    def answer(self, stream: str, row: Row, *, is_detail: bool = True, has_pay: bool = True) -> Answer:
        """The row as it is now."""
        now = self.rows.find(stream, row["id"])
        view = self.view._replace(is_detail=is_detail, has_pay=has_pay)
        return Answer(self.site.show.row(stream, row if now is None else now, view))


AnswerCall = Callable[[Call], Answer]


@dataclass(frozen=True)
class Endpoint:
    """One endpoint: its permission as keys have it, its body as `bodies` declares it, and what answers."""

    name: str
    permission: str | None
    body: str
    answer: AnswerCall
    is_strict: bool = False
    """Whether unknown members of the body are refused."""
    is_write: bool = False
    stream: str | None = None
    """What it lists."""
    takes_form: bool = False
    """Whether the body may be a form with files."""
    file_part: tuple[str, str] | None = None
    """The part of a form with the file, and the member of the body that names a handle instead."""


Endpoints = Mapping[str, Endpoint]
