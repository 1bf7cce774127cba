"""Lists: which rows each gives, under which filters, and how it is paged.

Paged lists give the newest row first; short ones without pages the oldest.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from unihire.integration.emulate import Row, misprint
from unihire.integrations.ashby.emulator.api.calls import THINGS, Call, Endpoint
from unihire.integrations.ashby.emulator.api.envelope import Answer, refuse_input, refuse_missing
from unihire.integrations.ashby.emulator.api.keys import read_permission
from unihire.integrations.ashby.emulator.api.pages import STRANGER, PageRequest
from unihire.integrations.ashby.emulator.rows.ids import find_number
from unihire.integrations.ashby.emulator.rows.links import LINKS
from unihire.integrations.ashby.emulator.rows.values import find_millis, read_text

CURSOR = "cursor:text? limit:int"
SYNC = f"{CURSOR} syncToken:text?"
CREATED = "createdAfter:millis createdBefore:millis"

Accepts = Callable[[Call, Row], bool]


@dataclass(frozen=True)
class RowList:
    """A list of a stream's rows.

    `paging` is `token`, `cursor`, `envelope` (one page that says it is the last) or `none` (nothing beside the rows).
    """

    name: str
    stream: str
    permission: str
    paging: str = "token"
    body: str = ""
    accepts: Accepts = lambda _call, _row: True
    owner: tuple[str, str] | None = None
    """The member of the body that names a row, and the note of the list's rows with its number."""
    is_owner_needed: bool = True
    narrow: Callable[[Call], tuple[str, object] | None] | None = None
    """A note and an id by which the rows can be found without reading all, if the body names one."""


class ListReader:
    """Answers lists."""

    def __init__(self, spec: RowList) -> None:
        self._spec = spec

    def make_endpoint(self) -> Endpoint:
        spec = self._spec
        body = {"token": SYNC, "cursor": CURSOR}.get(spec.paging, "")
        return Endpoint(
            spec.name, read_permission(spec.permission), f"{spec.body} {body}", self.answer, stream=spec.stream
        )

    def answer(self, call: Call) -> Answer:
        spec = self._spec
        check_created(call)
        owner = None if spec.owner is None else call.body.get(spec.owner[0])
        if spec.owner is not None and owner is not None:
            target = LINKS[spec.stream][spec.owner[1]]
            if call.find(target, owner) is None:
                raise refuse_missing(THINGS[target])
        if spec.paging in ("none", "envelope"):
            return self._answer_whole(call, owner)
        page = call.site.pages.read(spec.name, call.body, call.rows.count, str(owner or ""))
        return self._answer_page(call, page, str(owner or ""), owner)

    def _answer_whole(self, call: Call, owner: object) -> Answer:
        rows = [self._show(call, row) for _, row in self._walk(call, None, owner)][::-1]
        misprint(rows, call.site.faults, call.request.path)
        return Answer(rows, {} if self._spec.paging == "none" else {"moreDataAvailable": False})

    def _answer_page(self, call: Call, page: PageRequest, bound: str, owner: object) -> Answer:
        faults, path, pages = call.site.faults, call.request.path, call.site.pages
        is_hollow = faults.fires("hollow-page", path)
        rows: list[Row] = []
        numbers: list[int] = []
        following = None
        for number, row in self._walk(call, page, owner):
            if is_hollow or len(rows) == page.limit:
                following = number
                break
            rows.append(self._show(call, row))
            numbers.append(number)
        if following is not None and len(rows) > 1 and faults.fires("repeat-rows", path):
            following = numbers[len(numbers) // 2]
        if following is None:
            following = self._go_on(call, page, numbers)
        misprint(rows, faults, path)
        if following is None:
            beside: dict[str, Any] = {"moreDataAvailable": False}
            if self._spec.paging == "token":
                beside["syncToken"] = pages.make_token(self._spec.name, page, bound)
            return Answer(rows, beside)
        own = call.body.get("cursor") if rows and following == page.upto else None  # a page that leads to itself
        cursor = own or pages.make_cursor(self._spec.name, call.body, page, following)
        if faults.fires("stranger-next", path):
            cursor = STRANGER + cursor
        return Answer(rows, {"moreDataAvailable": True, "nextCursor": cursor})

    @staticmethod
    def _go_on(call: Call, page: PageRequest, numbers: list[int]) -> int | None:
        """Where a last page leads by mistake; None where it is the last."""
        faults, path = call.site.faults, call.request.path
        if faults.fires("self-next", path):
            return page.upto or (numbers[0] if numbers else 0)
        return 0 if numbers and faults.fires("empty-page", path) else None

    def _walk(self, call: Call, page: PageRequest | None, owner: object) -> Iterator[tuple[int, Row]]:
        spec = self._spec
        for number, row in self._find(call, page, owner):
            if call.can_see(spec.stream, row) and spec.accepts(call, row):
                yield number, row

    def _find(self, call: Call, page: PageRequest | None, owner: object) -> Iterator[tuple[int, Row]]:
        spec, rows = self._spec, call.rows
        upto = None if page is None else page.upto
        if spec.owner is not None and owner is None and spec.is_owner_needed:
            return iter(())
        if page is not None and page.since is not None:
            moved = rows.list_moved(spec.stream, page.since, upto)
            if owner is None or spec.owner is None:
                return moved
            number, note = find_number(LINKS[spec.stream][spec.owner[1]], owner), spec.owner[1]
            return ((one, row) for one, row in moved if row.get(note) == number)
        narrowed = None if spec.narrow is None else spec.narrow(call)
        if owner is not None and spec.owner is not None:
            narrowed = (spec.owner[1], owner)
        if narrowed is not None:
            return rows.walk_linked(spec.stream, *narrowed, upto=upto)
        after, before = call.body.get("createdAfter"), call.body.get("createdBefore")
        since = None if after is None else after // 1000
        # A row that people made may have been created at any moment it says: only computed ones are left out here.
        return rows.walk(spec.stream, upto=upto, since=since, until=None if before is None else before // 1000 + 1)

    def _show(self, call: Call, row: Row) -> Row:
        return call.site.show.row(self._spec.stream, row, call.view)


def check_created(call: Call) -> None:
    """Raises Refused for a window that ends before it begins, or begins in the future."""
    after, before = call.body.get("createdAfter"), call.body.get("createdBefore")
    if after is not None and before is not None and after > before:
        raise refuse_input("createdAfter is later than createdBefore", "createdAfter")
    for name, value in (("createdAfter", after), ("createdBefore", before)):
        if value is not None and value > call.rows.now():
            raise refuse_input(f"{name} is in the future", name)


def find_added(row: Row) -> int | None:
    """When a row was added, in milliseconds: for what was written with an earlier date, when that was."""
    added = row.get("_addedAt")
    return added if isinstance(added, int) else find_millis(row.get("createdAt"))


def is_within(call: Call, row: Row, *, member: str = "createdAt") -> bool:
    """Whether createdAfter and createdBefore let the row through."""
    after, before = call.body.get("createdAfter"), call.body.get("createdBefore")
    if after is None and before is None:
        return True
    moment = find_added(row) if member == "added" else find_millis(row.get(member))
    if moment is None:
        return False
    return (after is None or moment > after) and (before is None or moment < before)


def accepts_archived(call: Call, row: Row) -> bool:
    """Archived rows are left out unless asked for."""
    return call.body.get("includeArchived") is True or row.get("isArchived") is not True


def _accepts_application(call: Call, row: Row) -> bool:
    body, status = call.body, call.body.get("status")
    if status is not None and call.rows.find_status(row) != status:
        return False
    if body.get("jobId") is not None and row.get("jobId") != body["jobId"]:
        return False
    return is_within(call, row)


def _accepts_job(call: Call, row: Row) -> bool:
    body, status = call.body, row.get("status")
    wanted = body.get("status")
    # Drafts come only where they are named: notes.md, Read this first.
    if (status == "Draft") if wanted is None else (status not in wanted):
        return False
    for name in ("opened", "closed"):
        after, before = body.get(f"{name}After"), body.get(f"{name}Before")
        if after is None and before is None:
            continue
        moment = find_millis(row.get(f"{name}At"))
        if moment is None or (after is not None and moment <= after) or (before is not None and moment >= before):
            return False
    return True


def _accepts_interview(call: Call, row: Row) -> bool:
    with_others = call.body.get("includeNonSharedInterviews") is True or call.body.get("includeNonShared") is True
    return accepts_archived(call, row) and (with_others or row.get("jobId") is None)


def _accepts_offer(call: Call, row: Row) -> bool:
    body = call.body
    for name in ("offerStatus", "acceptanceStatus"):
        if body.get(name) is not None and row.get(name) not in body[name]:
            return False
    return True


def _accepts_posting(call: Call, row: Row) -> bool:
    body = call.body
    if body.get("includeUnpublishedJobPostings") is not True and row.get("status") != "Published":
        return False
    if body.get("listedOnly") is True and row.get("isListed") is not True:
        return False
    names = call.site.show.row("job_postings", row, call.view)
    return all(
        body.get(parameter) is None or read_text(names, member) == body[parameter]
        for parameter, member in (("location", "locationName"), ("department", "departmentName"))
    )


def _accepts_schedule(call: Call, row: Row) -> bool:
    stage = call.body.get("interviewStageId")
    return (stage is None or row.get("interviewStageId") == stage) and is_within(call, row)


def _accepts_survey_request(call: Call, row: Row) -> bool:
    body = call.body
    return row.get("_surveyType") == body["surveyType"] and all(
        body.get(name) is None or row.get(name) == body[name] for name in ("applicationId", "candidateId")
    )


def _accepts_pool(call: Call, row: Row) -> bool:
    return call.body.get("includeArchivedPools") is True or row.get("isArchived") is not True


ARCHIVED = "includeArchived:bool"
JOB_STATES = "[Draft|Open|Closed|Archived]"
OFFER_STATES = (
    "[WaitingOnApprovalStart|WaitingOnOfferApproval|WaitingOnApprovalDefinition|WaitingOnCandidateResponse"
    "|CandidateRejected|CandidateAccepted|OfferCancelled]"
)
_METADATA = "hiringProcessMetadataRead"

LISTS: tuple[RowList, ...] = (
    RowList(
        "candidate.list", "candidates", "candidatesRead", body=CREATED,
        accepts=lambda call, row: is_within(call, row, member="added"),
    ),
    RowList(
        "application.list", "applications", "candidatesRead",
        body=f"{CREATED} status:Hired|Archived|Active|Lead jobId:uuid expand:[openings]", accepts=_accepts_application,
        narrow=lambda call: ("_job", call.body["jobId"]) if "jobId" in call.body else None,
    ),
    RowList(
        "applicationFeedback.list", "feedback", "candidatesRead", body=f"{CREATED} applicationId:uuid",
        accepts=lambda call, row: is_within(call, row, member="submittedAt"),
        owner=("applicationId", "_application"), is_owner_needed=False,
    ),
    RowList(
        "candidate.listNotes", "notes", "candidatesRead", body="candidateId:uuid!",
        owner=("candidateId", "_candidate"),
    ),
    RowList(
        "job.list", "jobs", "jobsRead",
        body=f"status:{JOB_STATES} openedAfter:millis openedBefore:millis closedAfter:millis closedBefore:millis"
        " includeUnpublishedJobPostingsIds:bool expand:[location|openings]",
        accepts=_accepts_job,
    ),
    RowList("opening.list", "openings", "jobsRead"),
    RowList("jobTemplate.list", "job_templates", "jobsRead", body="expand:[location]"),
    RowList(
        "jobPosting.list", "job_postings", "jobsRead", "none",
        body="location:text department:text listedOnly:bool jobBoardId:uuid includeUnpublishedJobPostings:bool",
        accepts=_accepts_posting,
    ),
    RowList("jobBoard.list", "job_boards", "jobsRead", "envelope"),
    RowList(
        "offer.list", "offers", "offersRead",
        body=f"offerStatus:{OFFER_STATES} applicationId:uuid"
        " acceptanceStatus:[Accepted|Declined|Pending|Created|Cancelled|WaitingOnResponse]",
        accepts=_accepts_offer, owner=("applicationId", "_application"), is_owner_needed=False,
    ),
    RowList(
        "interviewSchedule.list", "interview_schedules", "interviewsRead",
        body=f"{CREATED} applicationId:uuid interviewStageId:uuid", accepts=_accepts_schedule,
        owner=("applicationId", "_application"), is_owner_needed=False,
    ),
    RowList("interviewPlan.list", "interview_plans", "interviewsRead", body=ARCHIVED, accepts=accepts_archived),
    RowList(
        "interview.list", "interviews", "interviewsRead", accepts=_accepts_interview,
        body=f"{ARCHIVED} includeNonSharedInterviews:bool includeNonShared:bool"
        " excludeArchivedScheduleTemplateInterviews:bool",
    ),
    RowList(
        "interviewStage.list", "interview_stages", "interviewsRead", "envelope", body="interviewPlanId:uuid!",
        accepts=lambda call, row: row.get("interviewPlanId") == call.body["interviewPlanId"],
    ),
    RowList("interviewStageGroup.list", "interview_stage_groups", "interviewsRead", "none"),
    RowList(
        "interviewerPool.list", "interviewer_pools", _METADATA, accepts=_accepts_pool,
        body="includeArchivedPools:bool includeArchivedTrainingStages:bool",
    ),
    RowList("candidateTag.list", "candidate_tags", _METADATA, body=ARCHIVED, accepts=accepts_archived),
    RowList("customField.list", "custom_fields", _METADATA, body=ARCHIVED, accepts=accepts_archived),
    RowList("feedbackFormDefinition.list", "feedback_forms", _METADATA, body=ARCHIVED, accepts=accepts_archived),
    RowList("surveyFormDefinition.list", "survey_forms", _METADATA),
    RowList("archiveReason.list", "archive_reasons", _METADATA, "none", body=ARCHIVED, accepts=accepts_archived),
    RowList("closeReason.list", "close_reasons", _METADATA, "envelope", body=ARCHIVED, accepts=accepts_archived),
    RowList("source.list", "sources", _METADATA, "envelope", body=ARCHIVED, accepts=accepts_archived),
    RowList(
        "sourceTrackingLink.list", "tracking_links", _METADATA, "envelope", body="includeDisabled:bool",
        accepts=lambda call, row: call.body.get("includeDisabled") is True or row.get("enabled") is not False,
    ),
    RowList("communicationTemplate.list", "communication_templates", _METADATA, "none"),
    RowList("applicationHiringTeamRole.list", "hiring_roles", "candidatesRead", "none"),
    RowList("department.list", "departments", "organizationRead", body=ARCHIVED, accepts=accepts_archived),
    RowList(
        "location.list", "locations", "organizationRead", body=f"{ARCHIVED} includeLocationHierarchy:bool",
        accepts=lambda call, row: accepts_archived(call, row)
        and (call.body.get("includeLocationHierarchy") is True or row.get("type") != "LocationHierarchy"),
    ),
    RowList(
        "user.list", "users", "organizationRead", body="includeDeactivated:bool",
        accepts=lambda call, row: call.body.get("includeDeactivated") is True or row.get("isEnabled") is not False,
    ),
    RowList("brand.list", "brands", "organizationRead", "cursor"),
    RowList("project.list", "projects", "candidatesRead"),
    RowList(
        "surveySubmission.list", "survey_submissions", "candidatesRead",
        body="surveyType:CandidateExperience|Questionnaire!",
        accepts=lambda call, row: row.get("surveyType") == call.body["surveyType"],
    ),
    RowList(
        "surveyRequest.list", "survey_requests", "candidatesRead", accepts=_accepts_survey_request,
        body="surveyType:=CandidateExperience! applicationId:uuid candidateId:uuid",
    ),
)  # fmt: skip


def make_lists() -> dict[str, Endpoint]:
    return {spec.name: ListReader(spec).make_endpoint() for spec in LISTS}
