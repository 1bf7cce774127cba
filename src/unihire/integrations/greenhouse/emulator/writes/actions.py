"""The verbs: move, reject, hire, merge, anonymize and the like; each does what the interface's button does."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from unihire.integration.emulate import Row
from unihire.integrations.greenhouse.emulator.query import Invalid
from unihire.integrations.greenhouse.emulator.writes.bodies import declare_body, read_body
from unihire.integrations.greenhouse.emulator.writes.effects_hiring import enter_stage, list_stages
from unihire.integrations.greenhouse.emulator.writes.plain import OWNED, Act, Writer

Do = Callable[[Writer, Act, Row, Row], Row | None]
"""(writer, act, row, columns of the body) → the row to answer with, or None for an empty answer."""


class Action(NamedTuple):
    """One verb of a resource."""

    method: str
    verb: str
    status: int
    body: str
    do: Do


def _require_in_process(row: Row) -> None:
    if row["status"] != "in_process":
        raise Invalid(f"The application is {row['status']}.")


# Applications


def move(writer: Writer, act: Act, row: Row, given: Row) -> None:
    """To a stage of this job or of another; without either, one stage on."""
    _require_in_process(row)
    if row["job_id"] is None:
        raise Invalid("A prospect without a job cannot be moved.")
    # Readers differ on which of the two ids this is: harvest_v3.json, undecided.
    if given.get("from_stage_id") not in (row["job_interview_stage_id"], row["stage_id"]):
        raise Invalid({"from_stage_id": "is not the current stage"})
    to_job, to_stage = given.get("to_job_id"), given.get("to_stage_id")
    job = to_job or row["job_id"]
    ids = _list_stage_ids(writer, job)
    if to_stage is not None:
        if to_stage not in ids:
            raise Invalid({"to_stage_id": f"`{to_stage}` is not a stage of job {job}"})
    elif to_job is not None and to_job != row["job_id"]:
        to_stage = ids[0]
    else:
        place = ids.index(row["job_interview_stage_id"]) + 1 if row["job_interview_stage_id"] in ids else 0
        if place >= len(ids):
            raise Invalid("The application is in the last stage.")
        to_stage = ids[place]
    moved = enter_stage(writer, act, row, to_stage, job_id=job)
    writer.publish("candidate_stage_change", "application", moved)


def _list_stage_ids(writer: Writer, job: int) -> list[int]:
    ids = [stage["id"] for stage in list_stages(writer, job)]
    if not ids:
        raise Invalid(f"Job {job} has no active stage.")
    return ids


def reject(writer: Writer, act: Act, row: Row, given: Row) -> None:
    _require_in_process(row)
    note = None
    if given.get("notes"):
        note = writer.add(
            "notes",
            candidate_id=row["candidate_id"],
            application_id=row["id"],
            body=given["notes"],
            body_with_tags=given["notes"],
            type="NOTE",
            user_id=act.user,
            visibility="publicly_visible",
        )["id"]
    writer.add(
        "rejection_details",
        application_id=row["id"],
        rejected_by_id=act.user,
        rejection_note_id=note,
        rejection_reason_id=given.get("rejection_reason_id"),
        rejected_at=act.now,
    )
    done = writer.set("applications", row["id"], status="rejected", rejected_at=act.now, last_activity_at=act.now)
    writer.publish("reject_candidate", "application", done)


def unreject(writer: Writer, act: Act, row: Row, given: Row) -> None:
    if row["status"] != "rejected":
        raise Invalid("The application is not rejected.")
    for detail in writer.list_linked("rejection_details", "application_id", row["id"]):
        writer.remove("rejection_details", detail["id"])
    done = writer.set("applications", row["id"], status="in_process", rejected_at=None, last_activity_at=act.now)
    writer.publish("unreject_candidate", "application", done)


def hire(writer: Writer, act: Act, row: Row, given: Row) -> None:
    """Accepts the latest offer, or one made for it, and fills an opening: the one named, the offer's or the next."""
    _require_in_process(row)
    if row["job_id"] is None:
        raise Invalid("A prospect without a job cannot be hired.")
    offers = writer.list_linked("offers", "application_id", row["id"])
    latest = max(offers, key=lambda offer: int(offer["version"] or 0), default=None)
    opening = given.get("opening_id") or (None if latest is None else latest["opening_id"])
    free = [one for one in writer.list_linked("openings", "job_id", row["job_id"]) if one["open"]]
    if opening is None and free:
        opening = min(free, key=lambda one: (one["sort_order"] or 0, one["id"]))["id"]
    if opening is not None and opening not in [one["id"] for one in free]:
        raise Invalid({"opening_id": f"`{opening}` is not an open opening of job {row['job_id']}"})
    if latest is None:
        columns = {key: row[key] for key in ("job_id", "candidate_id")}
        latest = writer.add("offers", application_id=row["id"], version=1, status="Created", **columns)
    start = given.get("start_date")
    accepted = writer.set(
        "offers",
        latest["id"],
        status="Accepted",
        resolved_at=act.now,
        opening_id=opening,
        starts_on=latest["starts_on"] if start is None else start[:10],
    )
    if opening is not None:
        reason = given.get("close_reason_id")
        columns = {"open": False, "closed_at": act.now, "application_id": row["id"], "close_reason_id": reason}
        writer.set("openings", opening, **columns)
    done = writer.set("applications", row["id"], status="hired", last_activity_at=act.now)
    writer.publish("offer_updated", "offer", accepted)
    writer.publish("hire_candidate", "hired_application", done)


def convert(writer: Writer, act: Act, row: Row, given: Row) -> Row:
    """A prospect becomes a candidate for a job."""
    _require_in_process(row)
    if not row["prospect"]:
        raise Invalid("The application is not a prospect.")
    job = given["job_id"]
    ids = _list_stage_ids(writer, job)
    stage = given.get("to_job_interview_stage_id") or ids[0]
    if stage not in ids:
        raise Invalid({"to_job_interview_stage_id": f"`{stage}` is not a stage of job {job}"})
    for detail in writer.list_linked("prospect_details", "application_id", row["id"]):
        writer.remove("prospect_details", detail["id"])
    done = enter_stage(writer, act, row, stage, job_id=job, prospect=False, prospective_job_ids=[])
    writer.publish("new_candidate_application", "application", done)
    return done


# Candidates


def merge(writer: Writer, act: Act, row: Row, given: Row) -> Row:
    """What the other candidate has becomes this one's; the other is gone."""
    other = writer.get("candidates", given["secondary_candidate_id"])
    if other["id"] == row["id"]:
        raise Invalid({"secondary_candidate_id": "is the same candidate"})
    writer.publish("merge_candidate", "merged_person", {**other, "_into": row["id"]})
    for stream in ("attachments", "eeoc", "offers", *(name for name, _ in OWNED["candidates"])):
        for one in writer.list_linked(stream, "candidate_id", other["id"]):
            writer.set(stream, one["id"], candidate_id=row["id"])
    writer.rows.streams["candidates"].delete(other["id"])
    lists = ("email_addresses", "phone_numbers", "addresses", "website_addresses", "social_media_addresses", "tags")
    joined: Row = {name: row[name] + [one for one in other[name] if one not in row[name]] for name in lists}
    return writer.set("candidates", row["id"], last_activity_at=act.now, **joined)


_EMPTIED: Mapping[str, Row] = {
    "current_company": {"company": None},
    "current_title": {"title": None},
    "tags": {"tags": []},
    "phone_numbers": {"phone_numbers": []},
    "email_addresses": {"email_addresses": []},
    "social_media_links": {"social_media_addresses": []},
    "websites": {"website_addresses": []},
    "addresses": {"addresses": []},
    "custom_candidate_fields": {"custom_fields": {}},
}
_REMOVED: Mapping[str, str] = {
    "attachments": "attachments",
    "notes": "notes",
    "activity_items": "notes",
    "emails": "notes",
    "education": "candidate_educations",
    "employment": "candidate_employments",
    "scorecards_and_interviews": "scorecards interviews",
    "offers": "offers",
    "all_offer_versions": "offers",
    "rejection_reasons": "rejection_details",
}
_BLANKED: Mapping[str, Row] = {
    "source": {"source_id": None},
    "recruiter": {"recruiter_id": None},
    "coordinator": {"coordinator_id": None},
    "credited_to": {"referrer_id": None},
    "location": {"location_address": None},
    "application_questions": {"answers": []},
    "custom_application_fields": {"custom_fields": {}},
}
_IGNORED = (
    "referral_questions",
    "rejection_notes",
    "innotes",
    "inmails",
    "custom_rejection_question_fields",
    "headline",
    "prospect_owner",
    "prospect_jobs",
    "prospect_offices",
    "prospect_offices_and_departments",
    "prospect_pool_and_stage",
    "candidate_stage_data",
    "follow_up_reminders",
    "third_party_integrations",
    "touchpoints",
)
_NOTE_TYPES = {"emails": ("EMAIL",), "activity_items": ("ACTIVITY",), "notes": ("NOTE", "INTERVIEW", "FOLLOW_UP")}


def anonymize(writer: Writer, act: Act, row: Row, given: Row) -> Row:
    """Names become "Anonymized" and the id, lists are emptied: webhooks.md, candidate_anonymized."""
    asked = given["fields"]
    known = {"full_name", *_EMPTIED, *_REMOVED, *_BLANKED, *_IGNORED}
    unknown = [name for name in asked if name not in known]
    if unknown or not asked:
        raise Invalid({"fields": f"`{', '.join(map(str, unknown))}` cannot be anonymized"})
    number = row["id"]
    columns: Row = {"first_name": "Anonymized", "last_name": str(number)} if "full_name" in asked else {}
    for name in asked:
        columns |= _EMPTIED.get(name, {})
    applications = writer.list_linked("applications", "candidate_id", number)
    if "all_offer_versions" in asked:
        for application in applications:
            for offer in writer.list_linked("offers", "application_id", application["id"]):
                writer.publish("offer_deleted", "deleted_offer", offer)
    for name in asked:
        for stream in _REMOVED.get(name, "").split():
            _remove_all(writer, stream, number, applications, _NOTE_TYPES.get(name))
        if name in _BLANKED:
            for application in applications:
                writer.set("applications", application["id"], **_BLANKED[name])
    if "tags" in asked:
        for one in writer.list_linked("applied_candidate_tags", "candidate_id", number):
            writer.remove("applied_candidate_tags", one["id"])
    done = writer.set("candidates", number, **columns)
    writer.publish("candidate_anonymized", "anonymized", {**done, "_fields": asked})
    return done


def _remove_all(
    writer: Writer, stream: str, candidate: int, applications: list[Row], types: tuple[str, ...] | None
) -> None:
    found = {}
    for application in applications:
        for one in writer.list_linked(stream, "application_id", application["id"]) if stream[:9] != "candidate" else ():
            found[one["id"]] = one
    if stream in ("notes", "candidate_educations", "candidate_employments"):
        for one in writer.list_linked(stream, "candidate_id", candidate):
            found[one["id"]] = one
    for number, one in found.items():
        if types is None or one["type"] in types:
            writer.remove(stream, number)


# Approvals and users


def add_groups(writer: Writer, flow: int, groups: Any) -> None:
    """Raises Invalid for anything that is no list of groups with approvers who are users."""
    _require_groups(groups)
    found = [[_find_approver(writer, approver) for approver in group["approvers"]] for group in groups]
    for place, (group, users) in enumerate(zip(groups, found, strict=True)):
        required = group.get("approvals_required", 1)
        added = writer.add("approver_groups", approval_flow_id=flow, approvals_required=required, sort_order=place)
        for order, user in enumerate(users):
            columns = {"approver_group_id": added["id"], "user_id": user, "sort_order": order}
            writer.add("approvers", status="waiting", reminders_sent=0, **columns)


def _require_groups(groups: Any) -> None:
    if not isinstance(groups, list) or not all(_is_group(group) for group in groups):
        raise Invalid(
            {"approver_groups": 'must be a list such as [{"approvals_required": 1, "approvers": [{"user_id": 1}]}]'}
        )


def _is_group(group: Any) -> bool:
    approvers = group.get("approvers") if isinstance(group, dict) else None
    return isinstance(approvers, list) and bool(approvers)


def _find_approver(writer: Writer, approver: Any) -> int:
    """By user_id, email or employee_id."""
    asked = approver if isinstance(approver, dict) else {}
    for number, user in writer.rows.walk_all("users"):
        by_email = asked.get("email") is not None and user["primary_email"] == asked["email"]
        by_employee = asked.get("employee_id") is not None and user["employee_id"] == asked["employee_id"]
        if number == asked.get("user_id") or by_email or by_employee:
            return number
    raise Invalid({"approver_groups": f"`{approver}` is not a user"})


def finish_flow(writer: Writer, act: Act, row: Row, before: Row | None) -> None:
    add_groups(writer, row["id"], row.get("_groups", []))


def check_flow(writer: Writer, act: Act, columns: Row, before: Row | None) -> Row:
    groups = columns.pop("approver_groups", None) or []
    if before is not None:
        return columns
    if columns.get("job_id") is None:
        offer = writer.rows.find("offers", columns.get("offer_id"))
        if offer is None:
            raise Invalid({"job_id": "is missing"})
        columns["job_id"] = offer["job_id"]
    _require_groups(groups)
    for group in groups:
        for approver in group["approvers"]:
            _find_approver(writer, approver)
    return {"version": 1, **columns, "_groups": groups}


def replace_groups(writer: Writer, act: Act, row: Row, given: Row) -> Row:
    old = writer.list_linked("approver_groups", "approval_flow_id", row["id"])
    add_groups(writer, row["id"], given["approver_groups"])
    for group in old:
        writer.remove("approver_groups", group["id"])
    return writer.set("approval_flows", row["id"])


def request_approvals(writer: Writer, act: Act, row: Row, given: Row) -> None:
    groups = writer.list_linked("approver_groups", "approval_flow_id", row["id"])
    if not groups:
        raise Invalid("The approval flow has no approvers.")
    first = min(groups, key=lambda group: int(group["sort_order"] or 0))
    for group in groups if not row["sequential"] else [first]:
        for approver in writer.list_linked("approvers", "approver_group_id", group["id"]):
            columns = {"status": "due", "request_sent_at": act.now, "version_sent": row["version"]}
            writer.set("approvers", approver["id"], **columns)
    writer.set("approval_flows", row["id"], approval_status="pending", requested_by_id=act.user)


def replace_approver(writer: Writer, act: Act, row: Row, given: Row) -> Row:
    approvers = writer.list_linked("approvers", "approver_group_id", row["id"])
    leaving = next((one for one in approvers if one["user_id"] == given["remove_user_id"]), None)
    if leaving is None:
        raise Invalid({"remove_user_id": "is not an approver of this group"})
    writer.set("approvers", leaving["id"], user_id=given["add_user_id"])
    return writer.set("approver_groups", row["id"])


def activate(writer: Writer, act: Act, row: Row, given: Row) -> None:
    writer.set("users", row["id"], deactivated=False)


def deactivate(writer: Writer, act: Act, row: Row, given: Row) -> None:
    writer.set("users", row["id"], deactivated=True)


def revoke_permissions(writer: Writer, act: Act, row: Row, given: Row) -> None:
    for stream in ("user_job_permissions", "future_job_permissions"):
        for one in writer.list_linked(stream, "user_id", row["id"]):
            writer.remove(stream, one["id"])
    writer.set("users", row["id"], site_admin=False)


ACTIONS: Mapping[str, tuple[Action, ...]] = {
    "applications": (
        Action(
            "POST",
            "move",
            204,
            "from_stage_id!:int to_stage_id:job_interview_stages to_job_id:jobs",
            move,
        ),
        Action("POST", "reject", 204, "rejection_reason_id:rejection_reasons notes rejection_email:object", reject),
        Action("POST", "unreject", 204, "", unreject),
        Action("POST", "hire", 204, "start_date:moment opening_id:openings close_reason_id:close_reasons", hire),
        Action(
            "POST",
            "convert_to_candidate",
            200,
            "job_id!:jobs to_job_interview_stage_id:job_interview_stages",
            convert,
        ),
    ),
    "candidates": (
        Action("POST", "merge", 200, "secondary_candidate_id!:candidates", merge),
        Action("PATCH", "anonymize", 200, "fields!:list", anonymize),
    ),
    "approval_flows": (
        Action("PUT", "replace_approver_groups", 200, "approver_groups!:list", replace_groups),
        Action("POST", "request_approvals", 204, "", request_approvals),
    ),
    "approver_groups": (
        Action("PUT", "replace_approver", 200, "remove_user_id!:int add_user_id!:users", replace_approver),
    ),
    "users": (
        Action("POST", "activate", 204, "", activate),
        Action("POST", "deactivate", 204, "", deactivate),
        Action("POST", "revoke_permissions", 204, "", revoke_permissions),
    ),
}


def run_action(writer: Writer, act: Act, action: Action, row: Row, given: Row) -> Row | None:
    """Raises Invalid."""
    columns = read_body(writer.rows, declare_body(action.body), given, lets_unknown=not act.is_strict, is_new=True)
    return action.do(writer, act, row, columns)


def equip_with_flows(writer: Writer) -> None:
    writer.before["approval_flows", True] = writer.before["approval_flows", False] = check_flow
    writer.after["approval_flows", "create"] = finish_flow
