"""What writes to jobs, posts, users and custom fields need beyond storing the body; and all hooks in one table."""

from unihire.integration.emulate import Row
from unihire.integrations.greenhouse.emulator.query import Invalid
from unihire.integrations.greenhouse.emulator.writes import effects_hiring as hiring
from unihire.integrations.greenhouse.emulator.writes.effects_hiring import list_stages, pop
from unihire.integrations.greenhouse.emulator.writes.plain import Act, Writer


def check_job(writer: Writer, act: Act, columns: Row, before: Row | None) -> Row:
    pop(columns, "team_and_responsibilities", "how_to_sell_this_job")
    if before is not None:
        return columns
    template, openings, post, name, labels = pop(
        columns, "template_job_id", "number_of_openings", "job_post_name", "job_name", "opening_ids"
    )
    source = writer.get("jobs", template)
    kept = {key: source[key] for key in ("department_id", "office_ids", "custom_fields", "confidential")}
    return {
        **kept,
        **columns,
        "name": name or source["name"],
        "status": "open",
        "opened_at": act.now,
        "copied_from_id": template,
        "_openings": list(labels or [None] * (1 if openings is None else openings)),
        "_post": post or name or source["name"],
    }


def finish_job(writer: Writer, act: Act, row: Row, before: Row | None) -> None:
    """The pipeline and the interview plan are copied from the template."""
    job = row["id"]
    stages: dict[int, int] = {}
    for stage in list_stages(writer, row["copied_from_id"]):
        copy = writer.add("job_interview_stages", **_copy(stage, "sort_order", "name", "active"), job_id=job)
        stages[stage["id"]] = copy["id"]
    for interview in reversed(writer.list_linked("job_interviews", "job_id", row["copied_from_id"])):
        kept = ("sort_order", "scheduling_type", "duration", "summary", "instructions", "name", "active")
        into = stages.get(interview["job_interview_stage_id"])
        if into is not None:
            columns = {**_copy(interview, *kept, "require_scorecard"), "job_interview_stage_id": into, "job_id": job}
            copy = writer.add("job_interviews", **columns)
            writer.add("interview_kits", job_id=job, job_interview_id=copy["id"])
    for place, label in enumerate(row["_openings"]):
        writer.add("openings", job_id=job, opening_id=label, sort_order=place, open=True, opened_at=act.now)
    writer.add("job_posts", job_id=job, title=row["_post"], active=True, job_board_id=_find_board(writer))
    writer.publish("job_created", "job", row)


def _copy(row: Row, *names: str) -> Row:
    return {name: row[name] for name in names}


def _find_board(writer: Writer) -> int:
    return min(number for number, row in writer.rows.walk_all("job_boards") if not row["internal"])


def update_job(writer: Writer, act: Act, row: Row, before: Row | None) -> None:
    writer.publish("job_updated", "job", row)


def check_opening(writer: Writer, act: Act, columns: Row, before: Row | None) -> Row:
    (status,) = pop(columns, "status")
    if before is None:
        place = len(writer.list_linked("openings", "job_id", columns["job_id"]))
        return {**columns, "open": True, "opened_at": act.now, "sort_order": place}
    if status == "closed":
        columns |= {"open": False, "closed_at": act.now}
    elif status == "open":
        columns |= {"open": True, "closed_at": None, "close_reason_id": None, "application_id": None}
    return columns


def check_post(writer: Writer, act: Act, columns: Row, before: Row | None) -> Row:
    (status,) = pop(columns, "job_application_status")
    if before is None:
        columns = {
            "title": writer.get("jobs", columns["job_id"])["name"],
            "job_board_id": _find_board(writer),
            **columns,
        }
        columns["active"] = True
    if status is not None:
        columns["live"] = status == "live"
        if columns["live"] and (before is None or before["first_published_at"] is None):
            columns["first_published_at"] = act.now
    return columns


def create_post(writer: Writer, act: Act, row: Row, before: Row | None) -> None:
    writer.publish("job_post_created", "job_post", row)


def update_post(writer: Writer, act: Act, row: Row, before: Row | None) -> None:
    writer.publish("job_post_updated", "job_post", row)


def check_location(writer: Writer, act: Act, columns: Row, before: Row | None) -> Row:
    (value,) = pop(columns, "value")
    type_ = columns["type"]
    if type_ == "free_text":
        return {**columns, "plain_text_location": value}
    column, stream = {
        "office": ("office_id", "offices"),
        "custom_list": ("custom_location_id", "job_board_custom_locations"),
    }[type_]
    if not value.isdecimal() or writer.rows.find(stream, int(value)) is None:
        raise Invalid({"value": f"`{value}` does not exist"})
    return {**columns, column: int(value)}


def check_owner(writer: Writer, act: Act, columns: Row, before: Row | None) -> Row:
    (responsibility,) = pop(columns, "candidate_responsibility")
    return {**columns, "responsible": responsibility in ("active", "all")}


def check_custom_field(writer: Writer, act: Act, columns: Row, before: Row | None) -> Row:
    pop(columns, "generate_email_token")
    options = columns.pop("custom_field_options", None) or []
    columns["updated_by_id"] = act.user
    if before is not None:
        return columns
    if not all(isinstance(one, dict) and isinstance(one.get("name"), str) for one in options):
        raise Invalid({"custom_field_options": 'must be a list such as [{"name": "A", "sort_order": 0}]'})
    key = columns.get("name_key") or columns["name"].lower().replace(" ", "_")
    columns = {"active": True, "sort_order": 99, **columns, "name_key": key}
    return {**columns, "_options": options}


def finish_custom_field(writer: Writer, act: Act, row: Row, before: Row | None) -> None:
    for place, option in enumerate(row["_options"]):
        writer.add(
            "custom_field_options",
            custom_field_id=row["id"],
            name=option["name"],
            sort_order=option.get("sort_order", place),
            external_id=option.get("external_id"),
            active=True,
        )


def check_option(writer: Writer, act: Act, columns: Row, before: Row | None) -> Row:
    return columns if before is not None else {"active": True, "sort_order": 0, **columns}


def check_user(writer: Writer, act: Act, columns: Row, before: Row | None) -> Row:
    pop(columns, "send_email_invite")
    email = columns.get("primary_email")
    if before is None:
        if find_emails(writer, str(email)):
            raise Invalid({"primary_email": "is taken"})
        columns["emails"] = [email]
    elif email is not None and not any(
        one["user_id"] == before["id"] and one["verified"] for one in find_emails(writer, email)
    ):
        raise Invalid({"primary_email": "must be a verified address of this user"})
    names = [columns.get(name, (before or {}).get(name)) for name in ("first_name", "last_name")]
    columns["name"] = " ".join(name for name in names if name)
    return columns


def find_emails(writer: Writer, email: str) -> list[Row]:
    rows = writer.rows.walk_all("user_emails")
    return [row for _, row in rows if (row["email"] or "").lower() == email.lower()]


def finish_user(writer: Writer, act: Act, row: Row, before: Row | None) -> None:
    writer.add("user_emails", user_id=row["id"], email=row["primary_email"], verified=True)


def check_email(writer: Writer, act: Act, columns: Row, before: Row | None) -> Row:
    pop(columns, "send_verification")
    if find_emails(writer, columns["email"]):
        raise Invalid({"email": "is taken"})
    return {**columns, "verified": False, "verification_token_sent_at": act.now}


def finish_email(writer: Writer, act: Act, row: Row, before: Row | None) -> None:
    user = writer.get("users", row["user_id"])
    writer.set("users", user["id"], emails=[*user["emails"], row["email"]])


def check_webhook(writer: Writer, act: Act, columns: Row, before: Row | None) -> Row:
    pop(columns, "secret")
    return columns


def equip(writer: Writer) -> None:
    """Give a writer its hooks."""
    pairs = {
        "candidates": hiring.check_person,
        "applications": hiring.check_application,
        "jobs": check_job,
        "openings": check_opening,
        "job_posts": check_post,
        "job_notes": hiring.check_job_note,
        "offers": hiring.check_offer,
        "interviews": hiring.check_interview,
        "custom_fields": check_custom_field,
        "custom_field_options": check_option,
        "users": check_user,
        "webhooks": check_webhook,
    }
    for stream, hook in pairs.items():
        writer.before[stream, True] = writer.before[stream, False] = hook
    writer.before |= {
        ("notes", True): hiring.check_note,
        ("attachments", True): hiring.check_attachment,
        ("candidate_educations", True): hiring.check_education,
        ("job_post_locations", True): check_location,
        ("job_owners", True): check_owner,
        ("user_emails", True): check_email,
    }
    writer.after |= {
        ("candidates", "create"): hiring.finish_candidate,
        ("candidates", "update"): hiring.update_candidate,
        ("candidates", "destroy"): hiring.delete_candidate,
        ("applied_candidate_tags", "create"): hiring.apply_tag,
        ("applied_candidate_tags", "destroy"): hiring.take_tag,
        ("candidate_tags", "destroy"): hiring.take_tag_everywhere,
        ("applications", "create"): hiring.finish_application,
        ("applications", "update"): hiring.update_application,
        ("applications", "destroy"): hiring.delete_application,
        ("attachments", "create"): hiring.finish_attachment,
        ("jobs", "create"): finish_job,
        ("jobs", "update"): update_job,
        ("job_posts", "create"): create_post,
        ("job_posts", "update"): update_post,
        ("offers", "create"): hiring.create_offer,
        ("offers", "update"): hiring.update_offer,
        ("interviews", "create"): hiring.finish_interview,
        ("interviews", "update"): hiring.finish_interview,
        ("interviews", "destroy"): hiring.delete_interview,
        ("custom_fields", "create"): finish_custom_field,
        ("users", "create"): finish_user,
        ("user_emails", "create"): finish_email,
    }
