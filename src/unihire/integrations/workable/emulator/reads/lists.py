"""Lists: with pages, of what belongs to a job or a candidate, and whole ones."""

from collections.abc import Callable, Iterator

from unihire.integration.emulate import Row
from unihire.integrations.workable.emulator.api.calls import Answer, Call, Endpoint, Refused, refuse_field
from unihire.integrations.workable.emulator.api.pages import (
    DEFAULT_LIMIT,
    Numbered,
    Onward,
    Window,
    answer_page,
    answer_whole,
    read_window,
)
from unihire.integrations.workable.emulator.rows.ids import find_job_number, find_number
from unihire.integrations.workable.emulator.rows.show import TEXTS
from unihire.integrations.workable.emulator.rows.values import find_second, list_texts, read_text

CARRIED = ("created_after", "updated_after", "max_id")
"""Filters of candidates that go along when the next link leads to the job's own list."""
EVENT_KINDS = {"call": "CallEvent", "interview": "InterviewEvent", "meeting": "MeetingEvent"}
JOB_STATES = ("draft", "published", "closed", "archived")


def list_reads() -> tuple[Endpoint, ...]:
    return (
        Endpoint("GET", "/candidates", "r_candidates", list_candidates, stream="candidates"),
        Endpoint("GET", "/jobs/{shortcode}/candidates", "r_candidates", list_of_job, stream="candidates"),
        Endpoint("GET", "/jobs", "r_jobs", list_jobs, stream="jobs"),
        Endpoint("GET", "/members", "r_jobs", list_members, stream="members"),
        Endpoint("GET", "/events", "r_candidates", list_events, stream="events"),
        Endpoint("GET", "/requisitions", "r_requisitions", list_requisitions, stream="requisitions"),
        Endpoint("GET", "/candidates/{id}/activities", "r_candidates", list_activities, stream="activities"),
        Endpoint("GET", "/jobs/{shortcode}/activities", "r_jobs", list_job_activities, stream="activities"),
        Endpoint("GET", "/recruiters", "r_jobs", list_recruiters, stream="recruiters"),
        Endpoint("GET", "/stages", "r_jobs", list_stages, stream="stages"),
        Endpoint("GET", "/departments", "r_jobs", list_departments, stream="departments"),
        Endpoint("GET", "/disqualification_reasons", "r_candidates", list_reasons, stream="disqualification_reasons"),
        Endpoint("GET", "/custom_attributes", "r_jobs", list_attributes, stream="custom_attributes"),
        Endpoint(
            "GET", "/jobs/{shortcode}/custom_attributes", "r_jobs", list_job_attributes, stream="custom_attributes"
        ),
        Endpoint("GET", "/jobs/{shortcode}/stages", "r_jobs", list_job_stages, stream="stages"),
        Endpoint("GET", "/jobs/{shortcode}/questions", "r_jobs", list_questions, stream="questions"),
        Endpoint("GET", "/jobs/{shortcode}/members", "r_jobs", list_job_members, stream="members"),
        Endpoint("GET", "/jobs/{shortcode}/recruiters", "r_jobs", list_job_recruiters, stream="recruiters"),
        Endpoint("GET", "/candidates/{id}/files", "r_candidates", list_files, stream="files"),
    )


# Candidates


def _show_brief(call: Call) -> Callable[[Row], Row]:
    return lambda row: call.site.show.candidate(row, is_detail=False)


def _filter(rows: Numbered, accepts: Callable[[Row], bool]) -> Numbered:
    return ((number, row) for number, row in rows if accepts(row))


def list_candidates(call: Call) -> Answer:
    window, query = read_window(call, "candidates"), call.query
    shortcode, slug, email = query.get("shortcode"), query.get("stage"), query.get("email")
    if shortcode:
        # The trap: the next link leads to the old list of the job, and its limit is the default one.
        filters = {name: query[name] for name in CARRIED if query.get(name)}
        if slug:
            filters["state"] = slug
        path = call.request.path.removesuffix("candidates") + f"jobs/{shortcode}/candidates"
        return _page_of_job(call, window, shortcode, slug, Onward(path, DEFAULT_LIMIT, filters))
    if email:
        rows: Numbered = iter(
            [(find_number("candidates", row["id"]) or 0, row) for row in call.rows.find_by_email(email)]
        )
    else:
        rows = call.rows.walk("candidates", start=window.start, since=window.since)
    found = _filter(rows, lambda row: window.accepts(row) and (not slug or row.get("stage_slug") == slug))
    return answer_page(call, "candidates", found, window, _show_brief(call))


def list_of_job(call: Call) -> Answer:
    call.get_job()
    window = read_window(call, "candidates")
    return _page_of_job(call, window, call.names["shortcode"], call.query.get("state"), None)


def _page_of_job(call: Call, window: Window, shortcode: str, slug: str | None, onward: Onward | None) -> Answer:
    number = find_job_number(shortcode)
    if number is None or call.rows.streams["jobs"].find(number) is None:
        raise Refused(404, "Not found")
    rows = iter(call.rows.list_linked("candidates", "_job", number))
    found = _filter(rows, lambda row: window.accepts(row) and (not slug or row.get("stage_slug") == slug))
    return answer_page(call, "candidates", found, window, _show_brief(call), onward=onward)


def list_activities(call: Call) -> Answer:
    candidate, window = call.get_candidate(), read_window(call, "activities")
    actions = [word for word in call.query.get("actions", "").split(",") if word]
    rows = iter(call.rows.list_linked("activities", "_candidate", find_number("candidates", candidate["id"]) or 0))
    found = _filter(rows, lambda row: window.accepts(row) and (not actions or row.get("action") in actions))
    return answer_page(call, "activities", found, window, call.site.show.activity)


def list_files(call: Call) -> Answer:
    candidate = call.get_candidate()
    rows = call.rows.list_linked("files", "_candidate", find_number("candidates", candidate["id"]) or 0)

    def show(row: Row) -> Row:
        name = read_text(row, "name") or "file"
        kind = "resumes" if row.get("kind") == "resume" else "files"
        link = call.link_file(kind, candidate["id"] if kind == "resumes" else row["id"], name)
        return {"preview_url": link, **call.site.show.plain("files", row)}

    return answer_whole(call, [row for _, row in rows], show, "files")


# Jobs


def list_jobs(call: Call) -> Answer:
    window, state = read_window(call, "jobs"), call.query.get("state")
    if state and state not in JOB_STATES:
        raise refuse_field("state", "is invalid")
    wanted = frozenset(call.query.get("include_fields", "").split(",")).intersection(TEXTS)
    rows = call.rows.walk("jobs", start=window.start, since=window.since)
    found = _filter(rows, lambda row: window.accepts(row) and (not state or row.get("state") == state))
    return answer_page(call, "jobs", found, window, lambda row: call.site.show.job(row, is_detail=False, wanted=wanted))


def list_job_activities(call: Call) -> Answer:
    call.get_job()
    window, number = read_window(call, "activities"), find_job_number(call.names["shortcode"]) or 0
    rows = iter(call.rows.list_linked("activities", "_job", number))
    found = _filter(rows, lambda row: window.accepts(row) and not call.rows.is_orphan(row))
    return answer_page(call, "activities", found, window, call.site.show.job_activity)


def _show_plain(call: Call, stream: str) -> Callable[[Row], Row]:
    return lambda row: call.site.show.plain(stream, row)


def list_job_stages(call: Call) -> Answer:
    rows = call.rows.list_stages(call.get_job().get("pipeline"))
    return answer_whole(call, rows, _show_plain(call, "stages"), "stages")


def list_job_questions(call: Call) -> list[Row]:
    job = call.get_job()
    return [row for _, row in call.rows.list_linked("questions", "job_number", find_number("jobs", job["id"]) or 0)]


def list_questions(call: Call) -> Answer:
    return answer_whole(call, list_job_questions(call), call.site.show.question, "questions")


def list_job_attributes(call: Call) -> Answer:
    """Those of the account, whichever the job."""
    call.get_job()
    return list_attributes(call)


def list_team(call: Call, job: Row) -> Iterator[tuple[Row, object]]:
    """(member, role): who was named for the job, and the account's admins, who see every one."""
    named = set()
    team = job.get("team")
    for entry in team if isinstance(team, list) else ():
        member = call.rows.find("members", entry.get("member_id")) if isinstance(entry, dict) else None
        if member is not None and member["id"] not in named:
            named.add(member["id"])
            yield member, entry.get("role")
    for member in call.rows.list_all("members"):
        if member.get("role") == "admin" and member["id"] not in named:
            yield member, "admin"


def list_job_members(call: Call) -> Answer:
    found = {member["id"]: role for member, role in list_team(call, call.get_job())}
    rows = [row for id_ in found if (row := call.rows.find("members", id_)) is not None]
    return answer_whole(call, rows, lambda row: call.site.show.member_of_job(row, found[row["id"]]), "members")


def list_job_recruiters(call: Call) -> Answer:
    ids = list_texts(call.get_job(), "recruiter_ids")
    rows = [row for id_ in ids if (row := call.rows.find("recruiters", id_)) is not None]
    return answer_whole(call, rows, _show_plain(call, "recruiters"), "recruiters")


# The account


def list_members(call: Call) -> Answer:
    window, query = read_window(call, "members"), call.query
    status = query.get("status", "active")
    if status not in ("active", "inactive", "all"):
        raise refuse_field("status", "is invalid")
    team: set[object] | None = None
    if query.get("shortcode"):
        job = call.rows.find_job(query["shortcode"])
        team = set() if job is None else {member["id"] for member, _ in list_team(call, job)}

    def accepts(row: Row) -> bool:
        if status != "all" and (row.get("active") is True) != (status == "active"):
            return False
        if team is not None and row["id"] not in team:
            return False
        return all(not query.get(name) or row.get(name) == query[name] for name in ("role", "email", "name"))

    found = _filter(call.rows.walk("members", start=window.start), accepts)
    return answer_page(call, "members", found, window, _show_plain(call, "members"))


def list_events(call: Call) -> Answer:
    window, query = read_window(call, "events"), call.query
    kind = query.get("type")
    if kind and kind not in EVENT_KINDS:
        raise refuse_field("type", "is invalid")
    if query.get("context", "user") != "user" and call.token.get("kind") != "user":
        raise Refused(403, "Forbidden")
    bounds = {}
    for name in ("start_date", "end_date"):
        if query.get(name):
            bounds[name] = find_second(query[name])
            if bounds[name] is None:
                raise refuse_field(name, "is not a date")
    first, last = bounds.get("start_date"), bounds.get("end_date")

    def accepts(row: Row) -> bool:
        if row.get("cancelled") is True and query.get("include_cancelled") != "true":
            return False
        if kind and row.get("type") != EVENT_KINDS[kind]:
            return False
        if query.get("shortcode") and row.get("job_shortcode") != query["shortcode"]:
            return False
        if query.get("member_id") and query["member_id"] not in _list_invited(row):
            return False
        start = find_second(row.get("starts_at"))
        if (first is not None or last is not None) and start is None:
            return False
        is_late = last is not None and start is not None and start > last
        is_early = first is not None and start is not None and start < first
        return not (is_late or is_early or call.rows.is_orphan(row))

    if query.get("candidate_id"):
        number = find_number("candidates", query["candidate_id"])
        rows = iter([] if number is None else call.rows.list_linked("events", "_candidate", number))
    else:
        # A computed event begins two days after its candidate's last change at the latest.
        since = None if first is None else int(first) - 3 * 86400
        rows = call.rows.walk("events", start=window.start, since=since)
    return answer_page(call, "events", _filter(rows, accepts), window, call.site.show.event)


def _list_invited(row: Row) -> list[object]:
    members = row.get("members")
    return [one.get("id") for one in members if isinstance(one, dict)] if isinstance(members, list) else []


def list_requisitions(call: Call) -> Answer:
    window, query = read_window(call, "requisitions"), call.query

    def accepts(row: Row) -> bool:
        plan = read_text(row, "plan_date") or ""
        if query.get("state") and row.get("state") != query["state"]:
            return False
        if query.get("job_id") and find_job_number(row.get("job_shortcode")) != find_number("jobs", query["job_id"]):
            return False
        if query.get("plan_date_from", "") > plan or (query.get("plan_date_to") and plan > query["plan_date_to"]):
            return False
        return window.accepts(row)

    rows = call.rows.walk("requisitions", start=window.start, since=window.since)
    return answer_page(call, "requisitions", _filter(rows, accepts), window, call.site.show.requisition)


def list_recruiters(call: Call) -> Answer:
    return answer_whole(call, call.rows.list_all("recruiters"), _show_plain(call, "recruiters"), "recruiters")


def list_stages(call: Call) -> Answer:
    """The account's own pipeline."""
    rows = call.rows.list_stages(0)
    return answer_whole(call, rows, _show_plain(call, "stages"), "stages")


def list_departments(call: Call) -> Answer:
    return answer_whole(call, call.rows.list_all("departments"), _show_plain(call, "departments"))


def list_reasons(call: Call) -> Answer:
    rows = call.rows.list_all("disqualification_reasons")
    return answer_whole(call, rows, _show_plain(call, "disqualification_reasons"))


def list_attributes(call: Call) -> Answer:
    rows = call.rows.list_all("custom_attributes")
    return answer_whole(call, rows, _show_plain(call, "custom_attributes"), "custom_attributes")
