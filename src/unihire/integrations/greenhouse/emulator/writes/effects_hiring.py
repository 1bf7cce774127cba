"""What writes to candidates, applications, offers and interviews need beyond storing the body: columns that are
computed, rows that follow, events that are sent."""

from typing import Any

from unihire.integration.emulate import Row
from unihire.integrations.greenhouse.emulator.query import Invalid
from unihire.integrations.greenhouse.emulator.writes.bodies import read_body
from unihire.integrations.greenhouse.emulator.writes.plain import APPLICATION_BODY, Act, Writer

VISIBILITIES = {"private": "privately_visible", "admin_only": "admin_only_visible", "public": "publicly_visible"}
_PROSPECT = ("prospect_pool_id", "prospect_pool_stage_id", "prospect_owner_id")
RESPONSES = ("needs_action", "declined", "tentative", "accepted")


def pop(columns: Row, *names: str) -> list[Any]:
    return [columns.pop(name, None) for name in names]


# Candidates


def check_person(writer: Writer, act: Act, columns: Row, before: Row | None) -> Row:
    for name in ("phone_numbers", "addresses", "email_addresses", "website_addresses", "social_media_addresses"):
        for entry in columns.get(name) or ():
            if not isinstance(entry, dict) or not isinstance(entry.get("value"), str):
                raise Invalid({name: 'must be a list such as [{"value": "…", "type": "…"}]'})
    if before is None:
        for name in ("first_name", "last_name"):
            if not columns.get(name):
                raise Invalid({name: "is missing"})
        application = columns.pop("application", None)
        if application is not None:
            # Read now, so that nothing is created when it does not fit.
            read_application(writer, act, application)
            columns["_application"] = application
        columns.setdefault("can_email", True)
    columns["last_activity_at"] = act.now
    return columns


def read_application(writer: Writer, act: Act, given: Row) -> Row:
    columns = read_body(writer.rows, APPLICATION_BODY, given, lets_unknown=not act.is_strict, is_new=True)
    writer.read_custom("applications", columns)
    return check_application(writer, act, columns, None)


def finish_candidate(writer: Writer, act: Act, row: Row, before: Row | None) -> None:
    sync_tags(writer, row)
    given = row.pop("_application", None)
    if given is not None:
        application = Act("applications", act.user, act.now, False)
        writer.create(application, {**given, "candidate_id": row["id"]})


def update_candidate(writer: Writer, act: Act, row: Row, before: Row | None) -> None:
    sync_tags(writer, row)
    writer.publish("update_candidate", "candidate", row)


def sync_tags(writer: Writer, row: Row) -> None:
    """Make the applied tags those the candidate names; a name that is new becomes a tag."""
    names = {tag["name"]: number for number, tag in writer.rows.walk_all("candidate_tags")}
    applied = {
        one["candidate_tag_id"]: one for one in writer.list_linked("applied_candidate_tags", "candidate_id", row["id"])
    }
    wanted = [names.get(name) or writer.add("candidate_tags", name=name)["id"] for name in row["tags"]]
    for tag, one in applied.items():
        if tag not in wanted:
            writer.remove("applied_candidate_tags", one["id"])
    for tag in wanted:
        if tag not in applied:
            writer.add("applied_candidate_tags", candidate_tag_id=tag, candidate_id=row["id"])


def apply_tag(writer: Writer, act: Act, row: Row, before: Row | None) -> None:
    candidate = writer.get("candidates", row["candidate_id"])
    name = writer.get("candidate_tags", row["candidate_tag_id"])["name"]
    if name not in candidate["tags"]:
        writer.set("candidates", candidate["id"], tags=[*candidate["tags"], name])


def take_tag(writer: Writer, act: Act, row: Row, before: Row | None) -> None:
    candidate = writer.rows.find("candidates", row["candidate_id"])
    tag = writer.rows.find("candidate_tags", row["candidate_tag_id"])
    if candidate is not None and tag is not None:
        tags = [name for name in candidate["tags"] if name != tag["name"]]
        writer.set("candidates", candidate["id"], tags=tags)


def take_tag_everywhere(writer: Writer, act: Act, row: Row, before: Row | None) -> None:
    for one in writer.list_linked("applied_candidate_tags", "candidate_tag_id", row["id"]):
        take_tag(writer, act, one, None)


def delete_candidate(writer: Writer, act: Act, row: Row, before: Row | None) -> None:
    writer.publish("delete_candidate", "deleted_person", row)


def check_education(writer: Writer, act: Act, columns: Row, before: Row | None) -> Row:
    for name, end in (("start_date", "start"), ("end_date", "end")):
        (day,) = pop(columns, name)
        if day is not None:
            columns[f"{end}_at"] = f"{day}T00:00:00.000Z"
            columns[f"{name}_year"], columns[f"{name}_month"] = int(day[:4]), int(day[5:7])
    return columns


# Applications


def check_application(writer: Writer, act: Act, columns: Row, before: Row | None) -> Row:
    if before is not None:
        return {**columns, "last_activity_at": act.now}
    job, stage = pop(columns, "job_id", "initial_stage_id")
    details = dict(zip(("pool_id", "pool_stage_id", "prospect_owner_id"), pop(columns, *_PROSPECT), strict=True))
    columns["last_activity_at"] = act.now
    columns["status"] = "in_process"
    if columns.get("prospect"):
        return {**columns, "_prospect": details}
    if job is None:
        raise Invalid({"job_id": "is missing"})
    stages = list_stages(writer, job)
    chosen = next((one for one in stages if stage in (None, one["id"])), None)
    if chosen is None:
        raise Invalid({"initial_stage_id": f"`{stage}` is not a stage of job {job}"})
    columns.pop("prospective_job_ids", None)
    return {**columns, "prospect": False, "job_id": job, "_stage": chosen["id"]}


def list_stages(writer: Writer, job: int) -> list[Row]:
    """A job's active stages, the first first."""
    stages = (row for row in writer.list_linked("job_interview_stages", "job_id", job) if row["active"])
    return sorted(stages, key=lambda row: int(row["sort_order"] or 0))


def finish_application(writer: Writer, act: Act, row: Row, before: Row | None) -> None:
    if row["prospect"]:
        details = row["_prospect"]
        writer.add("prospect_details", application_id=row["id"], **details)
        writer.publish("new_prospect_application", "application", row)
        return
    enter_stage(writer, act, row, row["_stage"])
    writer.publish("new_candidate_application", "application", writer.get("applications", row["id"]))


def enter_stage(writer: Writer, act: Act, application: Row, stage: int, **columns: Any) -> Row:
    """The application leaves its stage, if it is in one, and enters this one."""
    current = writer.rows.find("application_stages", application["stage_id"])
    if current is not None:
        writer.set("application_stages", current["id"], current=False, exited_at=act.now)
    entered = writer.add(
        "application_stages",
        application_id=application["id"],
        job_interview_stage_id=stage,
        entered_at=act.now,
        days_in_stage=0,
        current=True,
    )
    return writer.set(
        "applications",
        application["id"],
        stage_id=entered["id"],
        stage_name=writer.get("job_interview_stages", stage)["name"],
        job_interview_stage_id=stage,
        last_activity_at=act.now,
        **columns,
    )


def update_application(writer: Writer, act: Act, row: Row, before: Row | None) -> None:
    writer.publish("application_updated", "application", row)


def delete_application(writer: Writer, act: Act, row: Row, before: Row | None) -> None:
    writer.publish("delete_application", "deleted_application", row)


def check_note(writer: Writer, act: Act, columns: Row, before: Row | None) -> Row:
    columns["visibility"] = VISIBILITIES[columns.get("visibility") or "public"]
    columns.setdefault("type", "NOTE")
    columns["user_id"] = act.user
    columns["body_with_tags"] = columns["body"]
    for name in ("email_to", "email_from"):
        if name in columns:
            columns[name] = ", ".join(map(str, columns[name])) or None
    return columns


def check_job_note(writer: Writer, act: Act, columns: Row, before: Row | None) -> Row:
    if "visibility" in columns:
        columns["visibility"] = {"private": "privately_visible", "admin_only": "admin_only_visible"}.get(
            columns["visibility"]
        )
    return columns if before is not None else {**columns, "user_id": act.user}


def check_attachment(writer: Writer, act: Act, columns: Row, before: Row | None) -> Row:
    content, url, _ = pop(columns, "content", "url", "visibility")
    if (content is None) == (url is None):
        raise Invalid("Provide exactly one of content and url.")
    candidate = writer.get("applications", columns["application_id"])["candidate_id"]
    return {**columns, "candidate_id": candidate, "url": url or ""}


def finish_attachment(writer: Writer, act: Act, row: Row, before: Row | None) -> None:
    if not row["url"]:
        writer.set("attachments", row["id"], url=f"/files/attachments/{row['id']}/{row['filename']}")


# Offers and interviews


def check_offer(writer: Writer, act: Act, columns: Row, before: Row | None) -> Row:
    if before is not None:
        return columns
    application = writer.get("applications", columns["application_id"])
    if application["job_id"] is None:
        raise Invalid("A prospect without a job cannot have an offer.")
    versions = writer.list_linked("offers", "application_id", application["id"])
    for offer in versions:
        if offer["status"] == "Created":
            writer.publish("offer_updated", "offer", writer.set("offers", offer["id"], status="Deprecated"))
    return {
        **columns,
        "version": max((offer["version"] or 0 for offer in versions), default=0) + 1,
        "job_id": application["job_id"],
        "candidate_id": application["candidate_id"],
        "status": "Created",
    }


def create_offer(writer: Writer, act: Act, row: Row, before: Row | None) -> None:
    writer.publish("offer_created", "offer", row)


def update_offer(writer: Writer, act: Act, row: Row, before: Row | None) -> None:
    writer.publish("offer_updated", "offer", row)


def check_interview(writer: Writer, act: Act, columns: Row, before: Row | None) -> Row:
    panel = columns.pop("interviewers", None)
    if panel is not None:
        columns["_panel"] = [_read_interviewer(writer, entry) for entry in panel]
    if before is None:
        application = writer.get("applications", columns["application_id"])
        planned = writer.get("job_interviews", columns["job_interview_id"])
        if planned["job_id"] != application["job_id"]:
            raise Invalid({"job_interview_id": "is not an interview of the application's job"})
        columns |= {"job_id": application["job_id"], "organizer_id": columns.get("organizer_id", act.user)}
        columns |= {"status": "scheduled", "scheduled_at": act.now}
        if columns.get("starts_at") is None and columns.get("all_day_start_on") is None:
            raise Invalid({"starts_at": "is missing"})
    begins = columns.get("starts_at", None if before is None else before["starts_at"])
    ends = columns.get("ends_at", None if before is None else before["ends_at"])
    if begins and ends and ends <= begins:
        raise Invalid({"ends_at": "must be after starts_at"})
    return columns


def _read_interviewer(writer: Writer, entry: object) -> Row:
    if not isinstance(entry, dict) or writer.rows.find("users", entry.get("user_id")) is None:
        raise Invalid({"interviewers": 'must be a list such as [{"user_id": 1, "response_status": "accepted"}]'})
    response = entry.get("response_status", "needs_action")
    if response not in RESPONSES:
        raise Invalid({"interviewers": f"`{response}` is not one of: {', '.join(RESPONSES)}"})
    return {"user_id": entry["user_id"], "response_status": response}


def finish_interview(writer: Writer, act: Act, row: Row, before: Row | None) -> None:
    """A panel that is given replaces the one there was."""
    panel = row.get("_panel")
    if panel is None:
        return
    for one in writer.list_linked("interviewers", "interview_id", row["id"]):
        writer.remove("interviewers", one["id"])
    for entry in panel:
        writer.add("interviewers", interview_id=row["id"], **entry)


def delete_interview(writer: Writer, act: Act, row: Row, before: Row | None) -> None:
    writer.publish("interview_deleted", "interview", row)
