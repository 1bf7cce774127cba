"""Members, departments, requisitions and offers, written."""

from unihire.integration.emulate import Row
from unihire.integrations.workable.emulator.api.calls import (
    EMPTY,
    Answer,
    Call,
    Endpoint,
    Refused,
    refuse_field,
    refuse_missing,
)
from unihire.integrations.workable.emulator.reads.single import get_offer
from unihire.integrations.workable.emulator.rows.ids import name_job
from unihire.integrations.workable.emulator.rows.values import pick
from unihire.integrations.workable.emulator.writes.acting import get_admin

ROLES = {
    "ats.admin": "admin", "ats.recruiting_admin": "recruiting_admin", "ats.hiring_manager": "hiring_manager",
    "ats.simple": "simple", "ats.reviewer": "reviewer",
}  # fmt: skip
"""What roles of a member say about its role in hiring; others say nothing."""
OTHERS = ("hris.admin", "hris.employee", "workable.superadmin")
ACCOUNT, REQUISITIONS, OFFERS = "w_account", "w_requisitions", "w_offers"
REQUISITION = {
    "job_id": "text?", "department_id": "text?", "requester_id": "text?", "hiring_manager_id": "text?",
    "owner_id": "text?", "plan_date": "text?", "start_date": "text?", "salary_range": "object", "salary": "object",
    "employment_type": "text?", "reason": "text?", "requisition_attributes": "list",
}  # fmt: skip
REFERENCES = {
    "department_id": "departments", "requester_id": "members", "hiring_manager_id": "members", "owner_id": "members",
}  # fmt: skip
DECISIONS = {"approve": "approved", "reject": "rejected"}


def list_company_writes() -> tuple[Endpoint, ...]:
    invited = {"member_id": "text", "email": "text!", "roles": "texts!", "collaboration_rules": "list"}
    changed = {"id": "text!", "roles": "texts!", "collaboration_rules": "list"}
    department = {"name": "text", "parent_id": "text?", "sample": "bool"}
    new = {"code": "text!", **REQUISITION}
    return (
        Endpoint("POST", "/members/invite", ACCOUNT, invite_member, invited),
        Endpoint("PUT", "/members", ACCOUNT, change_member, changed),
        Endpoint("DELETE", "/members/{id}", ACCOUNT, deactivate_member),
        Endpoint("POST", "/members/{id}/enable", ACCOUNT, enable_member),
        Endpoint("POST", "/departments", ACCOUNT, create_department, {**department, "name": "text!"}),
        Endpoint("PUT", "/departments", ACCOUNT, change_department, {"id": "text!", **department}),
        Endpoint("DELETE", "/departments/{id}", ACCOUNT, delete_department),
        Endpoint("POST", "/requisitions", REQUISITIONS, create_requisition, new),
        Endpoint("PATCH", "/requisitions/{code}", REQUISITIONS, change_requisition, REQUISITION),
        Endpoint("PATCH", "/requisitions", REQUISITIONS, change_requisition, new),
        Endpoint("POST", "/requisitions/{code}/{decision}", REQUISITIONS, decide_requisition),
        Endpoint("POST", "/offers/{id}/{decision}", OFFERS, decide_offer, user_only=True),
    )


# Members


def _read_roles(call: Call) -> Row:
    roles = call.body["roles"]
    unknown = [role for role in roles if role not in ROLES and role not in OTHERS]
    if unknown or not roles:
        raise refuse_field("roles", "is invalid")
    role = next((ROLES[role] for role in roles if role in ROLES), "simple")
    return {"roles": roles, "role": role, **pick(call.body, "collaboration_rules")}


def invite_member(call: Call) -> Answer:
    get_admin(call)
    email = call.body["email"]
    if "@" not in email:
        raise refuse_field("email", "is invalid")
    if any(row.get("email") == email for row in call.rows.list_all("members")):
        raise refuse_field("email", "member already exists")
    name = email.partition("@")[0].replace(".", " ").title()
    row = call.rows.create("members", {"name": name, "email": email, **_read_roles(call)})
    return Answer(pick(row, "id", "email", "role", "hris_role", "roles", "collaboration_rules"))


def change_member(call: Call) -> Answer:
    row = call.get("members", call.body["id"])
    return Answer(call.site.show.plain("members", call.rows.change("members", row["id"], _read_roles(call))))


def deactivate_member(call: Call) -> Answer:
    call.rows.change("members", call.get("members", call.names["id"])["id"], {"active": False})
    return Answer(EMPTY, 204)


def enable_member(call: Call) -> Answer:
    row = call.rows.change("members", call.get("members", call.names["id"])["id"], {"active": True})
    return Answer(call.site.show.plain("members", row))


# Departments


def _read_department(call: Call) -> Row:
    fields = pick(call.body, "name", "parent_id", "sample")
    if fields.get("parent_id") is not None and call.rows.find("departments", fields["parent_id"]) is None:
        raise refuse_field("parent_id", "is invalid")
    return fields


def create_department(call: Call) -> Answer:
    return Answer(call.site.show.plain("departments", call.rows.create("departments", _read_department(call))))


def change_department(call: Call) -> Answer:
    row = call.get("departments", call.body["id"])
    fields = _read_department(call)
    if fields.get("parent_id") == row["id"]:
        raise refuse_field("parent_id", "is invalid")
    return Answer(call.site.show.plain("departments", call.rows.change("departments", row["id"], fields)))


def delete_department(call: Call) -> Answer:
    """One with others below it only by force; those are then below none."""
    row = call.get("departments", call.names["id"])
    children = [other for other in call.rows.list_all("departments") if other.get("parent_id") == row["id"]]
    if children and call.query.get("force") != "DELETE":
        raise Refused(422, "the department has others below it")
    for child in children:
        call.rows.change("departments", child["id"], {"parent_id": None})
    call.rows.delete("departments", row["id"])
    return Answer(EMPTY, 204)


# Requisitions and offers


def _read_requisition(call: Call) -> Row:
    fields = {name: call.body[name] for name in REQUISITION if name in call.body and name != "job_id"}
    for name, stream in REFERENCES.items():
        if fields.get(name) is not None and call.rows.find(stream, fields[name]) is None:
            raise refuse_field(name, "is invalid")
    if call.body.get("job_id") is not None:
        job = call.rows.find("jobs", call.body["job_id"])
        if job is None:
            raise refuse_field("job_id", "is invalid")
        fields["job_shortcode"] = name_job(job)
    return fields


def create_requisition(call: Call) -> Answer:
    code = call.body["code"]
    if call.rows.find_requisition(code) is not None:
        raise refuse_field("code", "is taken")
    row = call.rows.create("requisitions", {"code": code, **_read_requisition(call)})
    return Answer(call.site.show.requisition(row))


def _get_requisition(call: Call) -> Row:
    row = call.rows.find_requisition(call.names["code"] if "code" in call.names else call.body["code"])
    if row is None:
        raise refuse_missing()
    return row


def change_requisition(call: Call) -> Answer:
    row = _get_requisition(call)
    row = call.rows.change("requisitions", row["id"], _read_requisition(call))
    return Answer(call.site.show.requisition(row))


def _read_decision(call: Call) -> str:
    if call.names["decision"] not in DECISIONS:
        raise refuse_missing()
    return DECISIONS[call.names["decision"]]


def decide_requisition(call: Call) -> Answer:
    state, row = _read_decision(call), _get_requisition(call)
    if row.get("state") != "pending":
        raise Refused(422, "the requisition is not pending")
    return Answer(call.site.show.requisition(call.rows.change("requisitions", row["id"], {"state": state})))


def decide_offer(call: Call) -> Answer:
    state, row = _read_decision(call), call.get("offers", call.names["id"])
    if row.get("state") != "pending":
        raise Refused(422, "the offer is not pending")
    call.rows.change("offers", row["id"], {"state": state})
    return get_offer(call)
