"""Single things by their ids, searches, and lists of what belongs to one thing."""

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

from unihire.integration.emulate import Row
from unihire.integrations.ashby.emulator.api.calls import AnswerCall, Call, Endpoint
from unihire.integrations.ashby.emulator.api.envelope import VERSION, Answer, Refused, refuse_input, refuse_missing
from unihire.integrations.ashby.emulator.api.keys import read_permission, show_key
from unihire.integrations.ashby.emulator.reads.lists import CURSOR, SYNC
from unihire.integrations.ashby.emulator.rows.catalog import STAGE_TYPES
from unihire.integrations.ashby.emulator.rows.ids import find_number, make_id
from unihire.integrations.ashby.emulator.rows.links import hash_text
from unihire.integrations.ashby.emulator.rows.values import list_objects, list_texts, pick, read_object, read_text

MOST_FOUND = 100
SEARCHED = 20_000
"""Rows that a search by name looks through: the newest."""

INFOS = (
    ("job.info", "jobs", "jobsRead", "id", "includeUnpublishedJobPostingsIds:bool expand:[location|openings]"),
    ("jobPosting.info", "job_postings", "jobsRead", "jobPostingId", "expand:[job] jobBoardId:uuid"),
    ("opening.info", "openings", "jobsRead", "openingId", ""),
    ("offer.info", "offers", "offersRead", "offerId", ""),
    ("interview.info", "interviews", "interviewsRead", "id", ""),
    ("interviewStage.info", "interview_stages", "interviewsRead", "interviewStageId", ""),
    ("interviewerPool.info", "interviewer_pools", "hiringProcessMetadataRead", "interviewerPoolId", ""),
    ("customField.info", "custom_fields", "hiringProcessMetadataRead", "customFieldId", ""),
    ("department.info", "departments", "organizationRead", "departmentId", ""),
    ("location.info", "locations", "organizationRead", "locationId", ""),
    ("user.info", "users", "organizationRead", "userId", ""),
    ("project.info", "projects", "jobsRead", "projectId", ""),
    ("feedbackFormDefinition.info", "feedback_forms", "hiringProcessMetadataRead", "feedbackFormDefinitionId", ""),
    ("surveyFormDefinition.info", "survey_forms", "hiringProcessMetadataRead", "surveyFormDefinitionId", ""),
)
"""(name, stream, permission, the member with the id, the rest of the body)."""


def make_reads() -> dict[str, Endpoint]:
    found = [
        Endpoint(name, read_permission(permission), f"{member}:uuid! {more}", _make_info(stream, member))
        for name, stream, permission, member, more in INFOS
    ]
    others: tuple[tuple[str, str | None, str, AnswerCall], ...] = (
        ("apiKey.info", "apiKeysRead", "", lambda call: Answer(show_key(call.caller.key))),
        ("version.list", None, "", lambda _call: Answer([{"version": VERSION, "status": "active"}])),
        ("candidate.info", "candidatesRead", "id:uuid externalMappingId:text", _show_candidate),
        (
            "application.info",
            "candidatesRead",
            "applicationId:uuid submittedFormInstanceId:uuid expand:[openings|applicationFormSubmissions|referrals]",
            _show_application,
        ),
        ("candidate.search", "candidatesRead", "email:text name:text", _search_candidates),
        ("job.search", "jobsRead", "title:text requisitionId:text", _search_jobs),
        ("opening.search", "jobsRead", "identifier:text!", _search_openings),
        ("project.search", "candidatesRead", "title:text", _search_projects),
        ("user.search", "organizationRead", "email:text!", _search_users),
        ("hiringTeamRole.list", "organizationRead", "namesOnly:bool", _list_roles),
        ("jobInterviewPlan.info", "jobsRead", "jobId:uuid!", _show_plan_of_job),
        ("application.listHistory", "candidatesRead", f"applicationId:uuid! {CURSOR}", _list_history),
        ("candidate.listProjects", "candidatesRead", f"candidateId:uuid! {SYNC}", _list_projects),
        ("candidate.listClientInfo", "candidatesRead", f"candidateId:uuid! {SYNC}", _list_client_info),
        ("candidate.listFraudChecks", "candidatesRead", f"candidateId:uuid! {CURSOR}", _list_fraud_checks),
        (
            "interviewEvent.list",
            "interviewsRead",
            f"interviewScheduleId:uuid! expand:[interview] {SYNC}",
            _list_events,
        ),
        ("user.interviewerSettings", "organizationRead", "userId:uuid!", _show_settings),
        ("referralForm.info", "hiringProcessMetadataRead", "", _show_referral_form),
    )
    for name, permission, body, answer in others:
        found.append(Endpoint(name, None if permission is None else read_permission(permission), body, answer))
    return {endpoint.name: endpoint for endpoint in found}


def _make_info(stream: str, member: str) -> AnswerCall:
    return lambda call: call.answer(stream, call.get_named(stream, member))


# Candidates and applications


def _show_candidate(call: Call) -> Answer:
    body = call.body
    if "id" in body:
        return call.answer("candidates", call.get_named("candidates", "id"))
    if "externalMappingId" not in body:
        raise refuse_input("id or externalMappingId is required", "id")
    for _, row in call.rows.list_moved("candidates", 0, None):  # no computed row has one
        if row.get("externalMappingId") == body["externalMappingId"]:
            return call.answer("candidates", row)
    raise refuse_missing("candidate")


def _show_application(call: Call) -> Answer:
    body = call.body
    if "applicationId" in body:
        return call.answer("applications", call.get_named("applications", "applicationId"))
    if "submittedFormInstanceId" not in body:
        raise refuse_input("applicationId or submittedFormInstanceId is required", "applicationId")
    if body["submittedFormInstanceId"] in call.rows.blocked:
        raise Refused("application_blocked", "this submission was blocked: there is no application")
    row = _find_by_form(call, body["submittedFormInstanceId"])
    if row is None or not call.can_see("applications", row):
        raise refuse_missing("application")
    return call.answer("applications", row)


def _find_by_form(call: Call, id_: str) -> Row | None:
    """The application that came with this form."""
    number = find_number("form_submissions", id_)
    computed = None if number is None else call.rows.find("applications", make_id("applications", number))
    written = (row for _, row in call.rows.list_moved("applications", 0, None))
    for row in (*written, *([] if computed is None else [computed])):
        if any(one.get("id") == id_ for one in call.rows.list_submissions(row)):
            return row
    return None


def _search_candidates(call: Call) -> Answer:
    """By e-mail address and name, where both are given; the address decides without reading all."""
    email, name = call.body.get("email"), call.body.get("name")
    if not email and not name:
        raise refuse_input("email or name is required", "email")
    rows = find_by_email(call, "candidates", email) if email else (row for _, row in _take_newest(call, "candidates"))
    found = [row for row in rows if not name or str(name).strip().lower() in (read_text(row, "name") or "").lower()]
    return Answer([call.site.show.row("candidates", row, call.view) for row in found[:MOST_FOUND]])


def _take_newest(call: Call, stream: str) -> Iterator[tuple[int, Row]]:
    return islice(call.rows.walk(stream), SEARCHED)


def find_by_email(call: Call, stream: str, email: str) -> list[Row]:
    """The candidates or users with this address, in any letter case."""
    company, rows = call.rows.world.company, call.rows
    wanted = email.strip().lower()
    numbers = set(rows.streams[stream].find_linked("_emails", hash_text(wanted)))
    index = company.find_candidate(wanted) if stream == "candidates" else company.find_employee(wanted)
    if index is not None:
        numbers.add(1 + index)
    found = []
    for number in sorted(numbers):
        row = rows.find(stream, make_id(stream, number))
        if row is not None and wanted in _list_addresses(stream, row):
            found.append(row)
    return found


def _list_addresses(stream: str, row: Row) -> list[str]:
    values = [row.get("email")] if stream == "users" else [e.get("value") for e in list_objects(row, "emailAddresses")]
    return [value.strip().lower() for value in values if isinstance(value, str)]


# Searches of other things


def _search(call: Call, stream: str, is_wanted: Callable[[Row], bool]) -> Answer:
    found = (row for _, row in call.rows.walk(stream) if is_wanted(row) and call.can_see(stream, row))
    return Answer([call.site.show.row(stream, row, call.view) for row in islice(found, MOST_FOUND)])


def _search_jobs(call: Call) -> Answer:
    title, requisition = call.body.get("title"), call.body.get("requisitionId")
    if not title and not requisition:
        raise refuse_input("title or requisitionId is required", "title")

    def is_wanted(row: Row) -> bool:
        own = (read_text(row, "title") or "").lower()
        return (not title or title.lower() in own) and (
            not requisition or row.get("customRequisitionId") == requisition
        )

    return _search(call, "jobs", is_wanted)


def _search_openings(call: Call) -> Answer:
    wanted = call.body["identifier"]
    return _search(call, "openings", lambda row: read_object(row, "latestVersion").get("identifier") == wanted)


def _search_projects(call: Call) -> Answer:
    wanted = str(call.body.get("title", "")).lower()
    return _search(call, "projects", lambda row: wanted in (read_text(row, "title") or "").lower())


def _search_users(call: Call) -> Answer:
    found = find_by_email(call, "users", call.body["email"])
    return Answer([call.site.show.row("users", row, call.view) for row in found])


# What belongs to one thing


def answer_slice(call: Call, rows: list[Any], *, owner: str, has_token: bool, moved: bool = True) -> Answer:
    """A page of a short list that is there as a whole; under a sync token nothing, unless its owner changed."""
    pages = call.site.pages
    page = pages.read(call.name, call.body, call.rows.count, owner)
    if page.since is not None and not moved:
        rows = []
    start = 0 if page.upto is None else page.upto
    found, following = rows[start : start + page.limit], start + page.limit
    if following < len(rows):
        cursor = pages.make_cursor(call.name, call.body, page, following)
        return Answer(found, {"moreDataAvailable": True, "nextCursor": cursor})
    beside: dict[str, Any] = {"moreDataAvailable": False}
    if has_token:
        beside["syncToken"] = pages.make_token(call.name, page, owner)
    return Answer(found, beside)


def _has_moved(call: Call, stream: str, row: Row, owner: str) -> bool:
    """Whether the row changed after the sync token that was sent."""
    page = call.site.pages.read(call.name, call.body, call.rows.count, owner)
    if page.since is None:
        return True
    return any(one["id"] == row["id"] for _, one in call.rows.list_moved(stream, page.since, None))


def _list_history(call: Call) -> Answer:
    row = call.get_named("applications", "applicationId")
    return answer_slice(call, call.site.show.history(row), owner=row["id"], has_token=False)


def _list_projects(call: Call) -> Answer:
    row = call.get_named("candidates", "candidateId")
    found = (call.find("projects", id_) for id_ in list_texts(row, "projectIds"))
    shown = [call.site.show.row("projects", one) for one in found if one is not None]
    moved = _has_moved(call, "candidates", row, row["id"])
    return answer_slice(call, shown, owner=row["id"], has_token=True, moved=moved)


def _list_client_info(call: Call) -> Answer:
    row = call.get_named("candidates", "candidateId")
    found = [
        {
            "id": make_id("client_info", 1 + place),
            "ipAddress": application["submitterClientIp"],
            "userAgent": application.get("submitterUserAgent"),
            "relatedEntityType": "application",
            "relatedEntityId": application["id"],
            "candidateId": row["id"],
            "createdAt": application.get("createdAt"),
        }
        for place, application in enumerate(call.rows.list_applications(row))
        if application.get("submitterClientIp") is not None
    ]
    moved = _has_moved(call, "candidates", row, row["id"])
    return answer_slice(call, found, owner=row["id"], has_token=True, moved=moved)


def _list_fraud_checks(call: Call) -> Answer:
    row = call.get_named("candidates", "candidateId")
    return answer_slice(call, [], owner=row["id"], has_token=False)


def _list_events(call: Call) -> Answer:
    row = call.get_named("interview_schedules", "interviewScheduleId")
    shown = [call.site.show.event(event, call.view) for event in list_objects(row, "events")]
    moved = _has_moved(call, "interview_schedules", row, row["id"])
    return answer_slice(call, shown, owner=row["id"], has_token=True, moved=moved)


# What a company sets up


def _list_roles(call: Call) -> Answer:
    rows = call.rows.list_all("hiring_roles")
    if call.body.get("namesOnly", True):
        return Answer([row.get("title") for row in rows])
    return Answer([pick(row, "id", "title") for row in rows])


def _show_plan_of_job(call: Call) -> Answer:
    job = call.get_named("jobs", "jobId")
    plan = find_plan(call, job)
    stages = [row for row in call.rows.list_all("interview_stages") if row.get("interviewPlanId") == plan["id"]]
    return Answer(
        {
            "jobId": job["id"],
            "interviewPlanId": plan["id"],
            "stages": [
                {
                    **pick(stage, "id", "title", "type", "orderInInterviewPlan", "interviewStageGroupId"),
                    "activities": _list_activities(call, plan["id"], place, stage),
                }
                for place, stage in enumerate(stages)
            ],
        }
    )


def find_plan(call: Call, job: Row, id_: object = None) -> Row:
    """The named plan, or the job's default one, or its first. Raises Refused where there is none."""
    if id_ is not None:
        return call.get("interview_plans", id_)
    for one in (job.get("defaultInterviewPlanId"), *list_texts(job, "interviewPlanIds")):
        plan = call.rows.find("interview_plans", one)
        if plan is not None:
            return plan
    raise Refused("interview_plan_not_found", "this job has no interview plan")


def list_stages(call: Call, plan_id: object) -> list[Row]:
    """A plan's stages in their order."""
    rows = [row for row in call.rows.list_all("interview_stages") if row.get("interviewPlanId") == plan_id]
    return sorted(rows, key=lambda row: order if isinstance(order := row.get("orderInInterviewPlan"), int) else 0)


def _list_activities(call: Call, plan_id: str, place: int, stage: Row) -> list[Row]:
    """The interviews of a stage: of the first two of the plan's own stages one each."""
    if stage.get("type") != STAGE_TYPES[2] or not 2 <= place <= 3:
        return []
    plans = [row["id"] for row in call.rows.list_all("interview_plans")]
    number = 1 + plans.index(plan_id) * 2 + place - 2
    interview = call.rows.find("interviews", make_id("interviews", number))
    if interview is None:
        return []
    inner = {
        "id": make_id("activities", 2 * number),
        "title": interview.get("title"),
        "interviewId": interview["id"],
        "interviewDurationMinutes": 45,
        "isSchedulable": True,
    }
    return [{"id": make_id("activities", 2 * number + 1), "title": interview.get("title"), "interviews": [inner]}]


def _show_settings(call: Call) -> Answer:
    user = call.get_named("users", "userId")
    return Answer({"id": user["id"], "dailyLimit": user.get("dailyLimit"), "weeklyLimit": user.get("weeklyLimit")})


def _show_referral_form(call: Call) -> Answer:
    for row in call.rows.list_all("referral_forms"):
        return Answer(call.site.show.row("referral_forms", row))
    raise refuse_missing("referral_form")
