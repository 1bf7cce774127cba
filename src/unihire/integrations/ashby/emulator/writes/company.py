"""What a company sets up: tags, departments, locations, interviewer pools, limits of interviewers."""

from unihire.integration.emulate import Row
from unihire.integrations.ashby.emulator.api.bodies import check_body
from unihire.integrations.ashby.emulator.api.calls import Call
from unihire.integrations.ashby.emulator.api.envelope import Answer, refuse_input
from unihire.integrations.ashby.emulator.rows.find import DROP
from unihire.integrations.ashby.emulator.rows.ids import make_id
from unihire.integrations.ashby.emulator.rows.values import list_texts, pick, read_object, read_text
from unihire.integrations.ashby.emulator.writes.declaring import Write

WORKPLACES = "OnSite|Hybrid|Remote"
_ADDRESS = "addressCountry:text addressRegion:text addressLocality:text postalCode:text streetAddress:text"
MOST_ABOVE = 50


def create_tag(call: Call) -> Answer:
    """One of this title that is there is given instead."""
    title = _read_name(call.body["title"], "title")
    for row in call.rows.list_all("candidate_tags"):
        if (read_text(row, "title") or "").lower() == title.lower() and row.get("isArchived") is not True:
            return call.answer("candidate_tags", row)
    return call.answer("candidate_tags", call.rows.create("candidate_tags", {"title": title}))


def _read_name(name: str, member: str) -> str:
    if not name.strip():
        raise refuse_input(f"{member} must not be empty", member)
    return name.strip()


def _set(call: Call, stream: str, member: str, fields: Row) -> Answer:
    row = call.get_named(stream, member)
    return call.answer(stream, call.rows.change(stream, row["id"], fields))


# Departments


def create_department(call: Call) -> Answer:
    body = call.body
    fields: Row = {"name": _read_name(body["name"], "name"), "externalName": body.get("externalName")}
    if "parentId" in body:
        fields["parentId"] = call.get_named("departments", "parentId")["id"]
    return call.answer("departments", call.rows.create("departments", fields))


def update_department(call: Call) -> Answer:
    fields = pick(call.body, "externalName")
    if "name" in call.body:
        fields["name"] = _read_name(call.body["name"], "name")
    return _set(call, "departments", "departmentId", fields)


def move_department(call: Call) -> Answer:
    """Not below itself."""
    row = call.get_named("departments", "departmentId")
    parent = call.get_named("departments", "parentId")["id"] if call.body.get("parentId") else None
    _refuse_circle(call, "departments", row["id"], parent, "parentId")
    return call.answer("departments", call.rows.change("departments", row["id"], {"parentId": parent}))


def _refuse_circle(call: Call, stream: str, own: str, parent: object, member: str) -> None:
    above = parent
    for _ in range(MOST_ABOVE):
        if above == own:
            raise refuse_input("nothing is moved below itself", member)
        row = call.rows.find(stream, above)
        if row is None:
            return
        above = row.get(member)


# Locations


def create_location(call: Call) -> Answer:
    body = call.body
    fields: Row = {
        "name": _read_name(body["name"], "name"),
        "type": body["type"],
        "isRemote": body.get("isRemote", False),
    }
    if "workplaceType" in body:
        fields["workplaceType"] = body["workplaceType"]
    if "address" in body:
        fields["address"] = _read_address(body["address"])
    if "parentLocationId" in body:
        fields["parentLocationId"] = _find_hierarchy(call, "parentLocationId")
    return call.answer("locations", call.rows.create("locations", fields))


def _read_address(given: Row) -> Row:
    postal = given.get("postalAddress", {})
    if not isinstance(postal, dict):
        raise refuse_input("address.postalAddress must be an object", "address")
    return {"postalAddress": check_body(_ADDRESS, postal, where="address.postalAddress.")}


def _find_hierarchy(call: Call, member: str) -> str:
    row = call.get_named("locations", member)
    if row.get("type") != "LocationHierarchy":
        raise refuse_input("this is no hierarchy of locations", member)
    found: str = row["id"]
    return found


def move_location(call: Call) -> Answer:
    row, parent = call.get_named("locations", "locationId"), _find_hierarchy(call, "parentLocationHierarchyId")
    _refuse_circle(call, "locations", row["id"], parent, "parentLocationId")
    return call.answer("locations", call.rows.change("locations", row["id"], {"parentLocationId": parent}))


# Interviewers


def update_settings(call: Call) -> Answer:
    row = call.get_named("users", "userId")
    fields = pick(call.body, "dailyLimit", "weeklyLimit")
    row = call.rows.change("users", row["id"], fields)
    return Answer({"id": row["id"], "dailyLimit": row.get("dailyLimit"), "weeklyLimit": row.get("weeklyLimit")})


def create_pool(call: Call) -> Answer:
    path = {
        "id": make_id("training_paths", (1 << 40) + call.rows.count),
        "enabled": call.body.get("requiresTraining", False),
        "trainingStages": [],
    }
    fields: Row = {
        "title": _read_name(call.body["title"], "title"),
        "isArchived": False,
        "trainingPath": path,
        "memberIds": [],
        "traineeIds": [],
    }
    return call.answer("interviewer_pools", call.rows.create("interviewer_pools", fields))


def update_pool(call: Call) -> Answer:
    row, fields = call.get_named("interviewer_pools", "interviewerPoolId"), Row()
    if "title" in call.body:
        fields["title"] = _read_name(call.body["title"], "title")
    if "requiresTraining" in call.body:
        fields["trainingPath"] = {**read_object(row, "trainingPath"), "enabled": call.body["requiresTraining"]}
    return call.answer("interviewer_pools", call.rows.change("interviewer_pools", row["id"], fields))


def _change_pool(call: Call, *, adds: bool) -> Answer:
    row, user = call.get_named("interviewer_pools", "interviewerPoolId"), call.get_named("users", "userId")
    fields = {name: [one for one in list_texts(row, name) if one != user["id"]] for name in ("memberIds", "traineeIds")}
    if adds:
        name = "traineeIds" if "interviewerPoolTrainingPathStageId" in call.body else "memberIds"
        fields[name].append(user["id"])
    return call.answer("interviewer_pools", call.rows.change("interviewer_pools", row["id"], fields))


_DEPARTMENT, _LOCATION, _POOL = "departmentId:uuid!", "locationId:uuid!", "interviewerPoolId:uuid!"


WRITES = (
    Write("candidateTag.create", "hiringProcessMetadataWrite", "title:text!", create_tag),
    Write(
        "candidateTag.archive",
        "hiringProcessMetadataWrite",
        "candidateTagId:uuid!",
        lambda call: _set(call, "candidate_tags", "candidateTagId", {"isArchived": True}),
    ),
    Write("department.create", "organizationWrite", "name:text! externalName:text parentId:uuid", create_department),
    Write("department.update", "organizationWrite", f"{_DEPARTMENT} name:text externalName:text", update_department),
    Write("department.move", "organizationWrite", f"{_DEPARTMENT} parentId:uuid?", move_department),
    Write(
        "department.archive",
        "organizationWrite",
        _DEPARTMENT,
        lambda call: _set(call, "departments", "departmentId", {"isArchived": True}),
    ),
    Write(
        "department.restore",
        "organizationWrite",
        _DEPARTMENT,
        lambda call: _set(call, "departments", "departmentId", {"isArchived": False}),
    ),
    Write(
        "location.create",
        "organizationWrite",
        f"name:text! type:Location|LocationHierarchy! address:object parentLocationId:uuid isRemote:bool"
        f" workplaceType:{WORKPLACES}",
        create_location,
    ),
    Write("location.move", "organizationWrite", f"{_LOCATION} parentLocationHierarchyId:uuid!", move_location),
    Write(
        "location.archive",
        "organizationWrite",
        _LOCATION,
        lambda call: _set(call, "locations", "locationId", {"isArchived": True}),
    ),
    Write(
        "location.restore",
        "organizationWrite",
        _LOCATION,
        lambda call: _set(call, "locations", "locationId", {"isArchived": False}),
    ),
    Write(
        "location.updateName",
        "organizationWrite",
        f"{_LOCATION} name:text!",
        lambda call: _set(call, "locations", "locationId", {"name": _read_name(call.body["name"], "name")}),
    ),
    Write(
        "location.updateExternalName",
        "organizationWrite",
        f"{_LOCATION} externalName:text?!",
        lambda call: _set(call, "locations", "locationId", {"externalName": call.body["externalName"] or DROP}),
    ),
    Write(
        "location.updateAddress",
        "organizationWrite",
        f"{_LOCATION} address:object!",
        lambda call: _set(call, "locations", "locationId", {"address": _read_address(call.body["address"])}),
    ),
    Write(
        "location.updateWorkplaceType",
        "organizationWrite",
        f"{_LOCATION} workplaceType:{WORKPLACES}!",
        lambda call: _set(call, "locations", "locationId", {"workplaceType": call.body["workplaceType"]}),
    ),
    Write(
        "user.updateInterviewerSettings",
        "organizationWrite",
        "userId:uuid! dailyLimit:int? weeklyLimit:int?",
        update_settings,
    ),
    Write("interviewerPool.create", "hiringProcessMetadataWrite", "title:text! requiresTraining:bool", create_pool),
    Write(
        "interviewerPool.update", "hiringProcessMetadataWrite", f"{_POOL} title:text requiresTraining:bool", update_pool
    ),
    Write(
        "interviewerPool.archive",
        "hiringProcessMetadataWrite",
        _POOL,
        lambda call: _set(call, "interviewer_pools", "interviewerPoolId", {"isArchived": True}),
    ),
    Write(
        "interviewerPool.restore",
        "hiringProcessMetadataWrite",
        _POOL,
        lambda call: _set(call, "interviewer_pools", "interviewerPoolId", {"isArchived": False}),
    ),
    Write(
        "interviewerPool.addUser",
        "hiringProcessMetadataWrite",
        f"{_POOL} userId:uuid! interviewerPoolTrainingPathStageId:uuid",
        lambda call: _change_pool(call, adds=True),
    ),
    Write(
        "interviewerPool.removeUser",
        "hiringProcessMetadataWrite",
        f"{_POOL} userId:uuid!",
        lambda call: _change_pool(call, adds=False),
    ),
)
