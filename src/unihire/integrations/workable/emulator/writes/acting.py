"""Who acts: the member that a write names, who must be active and have rights on the job; and what is noted of it."""

from unihire.integration.emulate import Row
from unihire.integrations.workable.emulator.api.calls import Call, Refused, refuse_field
from unihire.integrations.workable.emulator.reads.lists import list_team

EVERYWHERE = ("admin", "recruiting_admin")
"""Roles with rights on every job."""


def refuse_member(call: Call, text: str) -> Refused:
    status = int(call.site.options["member_refusal"])
    return Refused(status, f"member_id {text}", member_id=text) if status == 422 else Refused(status, text)


def get_actor(call: Call, *jobs: object) -> Row:
    """The member, who has rights on the jobs of these shortcodes. A member's own token need not say who.

    Raises Refused.
    """
    id_ = call.body.get("member_id") or call.token.get("member_id")
    if not id_:
        raise refuse_field("member_id", "is missing")
    member = call.rows.find("members", id_)
    if member is None or member.get("active") is not True:
        raise refuse_member(call, "is no active member")
    if member.get("role") in EVERYWHERE:
        return member
    for shortcode in jobs:
        job = call.rows.find_job(shortcode)
        if job is None or all(one["id"] != member["id"] for one, _ in list_team(call, job)):
            raise refuse_member(call, "has no rights on this job")
    return member


def get_admin(call: Call) -> Row:
    """Raises Refused."""
    member = get_actor(call)
    if member.get("role") not in EVERYWHERE:
        raise refuse_member(call, "may not do this")
    return member


def note_activity(call: Call, candidate: Row, action: str, member: Row | None, **fields: object) -> Row:
    """Let the timeline say that something happened to the candidate as it is in this row."""
    stage = call.rows.find_candidate_stage(candidate)
    own = {"action_stage": None if stage is None else stage["id"], **fields}
    names = {"candidate_id": candidate["id"], "job_shortcode": candidate.get("job_shortcode")}
    who = None if member is None else member["id"]
    return call.rows.create("activities", {"action": action, "member_id": who, **names, **own})
