"""Jobs, their postings and openings."""

from unihire.integration.emulate import Row
from unihire.integrations.ashby.emulator.api.bodies import check_body, check_entries
from unihire.integrations.ashby.emulator.api.calls import Call
from unihire.integrations.ashby.emulator.api.envelope import Answer, refuse_input
from unihire.integrations.ashby.emulator.rows.find import DROP
from unihire.integrations.ashby.emulator.rows.ids import make_id
from unihire.integrations.ashby.emulator.rows.values import from_millis, list_texts, pick, read_object
from unihire.integrations.ashby.emulator.writes.declaring import Write

STATES = "Draft|Open|Closed|Archived"
EMPLOYMENT = "FullTime|PartTime|Intern|Contract|Temporary|"
INTERVALS = "NONE|1 TIME|1 HOUR|1 DAY|1 WEEK|2 WEEK|1 MONTH|2 MONTH|1 YEAR|6 MONTH|0.5 MONTH|3 MONTH"
_COMPONENT = (
    "compensationType:Salary|EquityPercentage|EquityCashValue|Commission|Bonus! interval:text! currencyCode:text"
)


def create_job(call: Call) -> Answer:
    body = call.body
    plans = [row["id"] for row in call.rows.list_all("interview_plans") if row.get("isArchived") is not True]
    plan = (
        call.get("interview_plans", body["defaultInterviewPlanId"])["id"] if "defaultInterviewPlanId" in body else None
    )
    fields: Row = {
        "title": _read_title(body["title"]),
        "departmentId": call.get_named("departments", "teamId")["id"],
        "locationId": call.get_named("locations", "locationId")["id"],
        "interviewPlanIds": [plan or plans[0]] if plan or plans else [],
        "authorId": call.caller.actor_id,
    }
    if plan is not None:
        fields["defaultInterviewPlanId"] = plan
    for stream, member in (("brands", "brandId"), ("job_templates", "jobTemplateId")):
        if member in body:
            call.get_named(stream, member)
    fields["brandId"] = body.get("brandId") or make_id("brands", 1)
    return call.answer("jobs", call.rows.create("jobs", fields), has_pay=False)


def _read_title(title: str) -> str:
    if not title.strip():
        raise refuse_input("title must not be empty", "title")
    return title.strip()


def update_job(call: Call) -> Answer:
    body, row = call.body, call.get_named("jobs", "jobId")
    fields: Row = {}
    if "title" in body:
        fields["title"] = _read_title(body["title"])
    if "teamId" in body:
        fields["departmentId"] = call.get_named("departments", "teamId")["id"]
    if "locationId" in body:
        fields["locationId"] = call.get_named("locations", "locationId")["id"]
    if "defaultInterviewPlanId" in body:
        plan = call.get_named("interview_plans", "defaultInterviewPlanId")["id"]
        known = list_texts(row, "interviewPlanIds")
        fields |= {"defaultInterviewPlanId": plan, "interviewPlanIds": known if plan in known else [*known, plan]}
    if "customRequisitionId" in body:
        fields["customRequisitionId"] = body["customRequisitionId"]
    return call.answer("jobs", call.rows.change("jobs", row["id"], fields), has_pay=False)


def set_status(call: Call) -> Answer:
    """Opened for the first time, and closed, at this moment."""
    row, status = call.get_named("jobs", "jobId"), call.body["status"]
    now = from_millis(call.rows.now())
    fields: Row = {"status": status}
    if status == "Open":
        fields |= {"openedAt": row.get("openedAt") or now, "closedAt": None}
    elif status in ("Closed", "Archived") and row.get("status") == "Open":
        fields["closedAt"] = now
    return call.answer("jobs", call.rows.change("jobs", row["id"], fields), has_pay=False)


def update_compensation(call: Call) -> Answer:
    row = call.get_named("jobs", "jobId")
    tiers = []
    given = check_entries(
        "title:text additionalInformation:text components:list!", call.body["compensationTiers"], "compensationTiers"
    )
    for place, tier in enumerate(given):
        parts = [
            _make_component(call, one, place * 64 + part)
            for part, one in enumerate(
                check_entries(
                    f"{_COMPONENT} label:text minValue:number?! maxValue:number?!",
                    tier["components"][:32],
                    "components",
                )
            )
        ]
        tiers.append(
            {
                "id": make_id("compensation", (1 << 40) + call.rows.count * 4096 + place * 64 + 63),
                **pick(tier, "title", "additionalInformation"),
                "components": parts,
                "tierSummary": ", ".join(part["summary"] for part in parts),
            }
        )
    call.rows.change("jobs", row["id"], {"compensationTiers": tiers[:32]})
    found = call.answer("jobs", row, has_pay=False).results
    return Answer({**found, "compensationTiers": tiers[:32]})


def _make_component(call: Call, given: Row, place: int) -> Row:
    if given["interval"] not in INTERVALS.split("|"):
        raise refuse_input("interval is not one of those there are", "interval")
    bounds = " to ".join(str(value) for value in (given["minValue"], given["maxValue"]) if value is not None)
    return {
        **given,
        "id": make_id("compensation", (1 << 40) + call.rows.count * 4096 + place),
        "summary": f"{given.get('currencyCode', '')} {bounds}".strip(),
    }


# Postings


def update_posting(call: Call) -> Answer:
    body, row = call.body, call.get_named("job_postings", "jobPostingId")
    fields = pick(body, "workplaceType", "suppressDescriptionOpening", "suppressDescriptionClosing")
    if "title" in body:
        fields["title"] = _read_title(body["title"])
    if "description" in body:
        given = check_body("type:text! content:text!", body["description"], where="description.")
        if given["type"] != "text/html":
            raise refuse_input("description.type must be text/html", "description")
        part = {"html": given["content"], "plain": _strip_tags(given["content"])}
        fields["description"] = {**read_object(row, "description"), "descriptionBody": part}
    return call.answer("job_postings", call.rows.change("job_postings", row["id"], fields))


def _strip_tags(html: str) -> str:
    text, depth = [], 0
    for sign in html:
        depth = max(depth + (sign == "<") - (sign == ">"), 0)
        if depth == 0 and sign != ">":
            text.append(sign)
    return "".join(text)


# Openings


def create_opening(call: Call) -> Answer:
    body = call.body
    version = _read_version(call, {})
    version |= {
        "id": make_id("versions", (1 << 41) + call.rows.count),
        "identifier": body.get("identifier") or f"O-W{call.rows.count:05d}",
        "jobIds": [call.get("jobs", id_)["id"] for id_ in body.get("jobIds", [])],
        "locationIds": [call.get("locations", id_)["id"] for id_ in body.get("locationIds", [])],
        "hiringTeam": [],
        "customFieldValues": {},
    }
    fields: Row = {"openingState": body.get("openingState", "Draft"), "latestVersion": version}
    if fields["openingState"] == "Open":
        fields["openedAt"] = from_millis(call.rows.now())
    return call.answer("openings", call.rows.create("openings", fields))


def _read_version(call: Call, before: Row) -> Row:
    """What the body says of an opening's version."""
    body, found = call.body, dict(before)
    for name, otherwise in (
        ("identifier", ""), ("description", ""), ("isBackfill", False), ("employmentType", "FullTime"),
    ):  # fmt: skip
        found[name] = body.get(name, before.get(name, otherwise)) or otherwise
    for name in ("targetHireDate", "targetStartDate"):
        if name in body:
            found[name] = body[name]
    if "teamId" in body:
        found["teamId"] = call.get_named("departments", "teamId")["id"]
    return {
        **found,
        "id": make_id("versions", (1 << 41) + call.rows.count),
        "authorId": call.caller.actor_id,
        "createdAt": from_millis(call.rows.now()),
    }


def update_opening(call: Call) -> Answer:
    row = call.get_named("openings", "openingId")
    version = _read_version(call, read_object(row, "latestVersion"))
    return call.answer("openings", call.rows.change("openings", row["id"], {"latestVersion": version}))


def _change_list(call: Call, stream: str, named: str, member: str, *, adds: bool) -> Answer:
    row, other = call.get_named("openings", "openingId"), call.get_named(stream, named)
    version = read_object(row, "latestVersion")
    ids = [one for one in list_texts(version, member) if one != other["id"]]
    version = {**version, member: [*ids, other["id"]] if adds else ids}
    return call.answer("openings", call.rows.change("openings", row["id"], {"latestVersion": version}))


def set_opening_state(call: Call) -> Answer:
    row, state = call.get_named("openings", "openingId"), call.body["openingState"]
    fields: Row = {"openingState": state, "closedAt": DROP, "closeReasonId": DROP}
    if "closeReasonId" in call.body:
        fields["closeReasonId"] = call.get_named("close_reasons", "closeReasonId")["id"]
    if state == "Closed":
        fields["closedAt"] = from_millis(call.rows.now())
    if state == "Open" and "openedAt" not in row:
        fields["openedAt"] = from_millis(call.rows.now())
    return call.answer("openings", call.rows.change("openings", row["id"], fields))


def set_opening_archived(call: Call) -> Answer:
    row, archive = call.get_named("openings", "openingId"), call.body["archive"]
    fields: Row = {"isArchived": archive, "archivedAt": from_millis(call.rows.now()) if archive else DROP}
    return call.answer("openings", call.rows.change("openings", row["id"], fields))


_OPENING = (
    f"identifier:text description:text teamId:uuid targetHireDate:text targetStartDate:text isBackfill:bool"
    f" employmentType:{EMPLOYMENT}"
)
_MEMBER = "openingId:uuid!"

WRITES = (
    Write(
        "job.create",
        "jobsWrite",
        "title:text! teamId:uuid! locationId:uuid! defaultInterviewPlanId:uuid jobTemplateId:uuid brandId:uuid",
        create_job,
    ),
    Write(
        "job.update",
        "jobsWrite",
        "jobId:uuid! title:text teamId:uuid locationId:uuid defaultInterviewPlanId:uuid customRequisitionId:text",
        update_job,
    ),
    Write("job.setStatus", "jobsWrite", f"jobId:uuid! status:{STATES}!", set_status),
    Write("job.updateCompensation", "jobsWrite", "jobId:uuid! compensationTiers:list!", update_compensation),
    Write(
        "jobPosting.update",
        "jobsWrite",
        "jobPostingId:uuid! title:text workplaceType:OnSite|Hybrid|Remote suppressDescriptionOpening:bool"
        " suppressDescriptionClosing:bool description:object",
        update_posting,
    ),
    Write(
        "opening.create",
        "jobsWrite",
        f"{_OPENING} locationIds:uuids jobIds:uuids openingState:Draft|Approved|Open|Closed",
        create_opening,
    ),
    Write("opening.update", "jobsWrite", f"{_MEMBER} {_OPENING}", update_opening),
    Write(
        "opening.addJob",
        "jobsWrite",
        f"{_MEMBER} jobId:uuid!",
        lambda call: _change_list(call, "jobs", "jobId", "jobIds", adds=True),
    ),
    Write(
        "opening.removeJob",
        "jobsWrite",
        f"{_MEMBER} jobId:uuid!",
        lambda call: _change_list(call, "jobs", "jobId", "jobIds", adds=False),
    ),
    Write(
        "opening.addLocation",
        "jobsWrite",
        f"{_MEMBER} locationId:uuid!",
        lambda call: _change_list(call, "locations", "locationId", "locationIds", adds=True),
    ),
    Write(
        "opening.removeLocation",
        "jobsWrite",
        f"{_MEMBER} locationId:uuid!",
        lambda call: _change_list(call, "locations", "locationId", "locationIds", adds=False),
    ),
    Write(
        "opening.setOpeningState",
        "jobsWrite",
        f"{_MEMBER} openingState:Draft|Approved|Open|Closed! closeReasonId:uuid",
        set_opening_state,
    ),
    Write("opening.setArchived", "jobsWrite", f"{_MEMBER} archive:bool!", set_opening_archived),
)
