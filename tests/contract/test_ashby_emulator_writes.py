"""The Ashby emulator's writes: what each does, seen again in lists and single things, and what is refused."""

from typing import Any

import pytest

from testbed.ashby import AshbyLine, Refusal, Row, list_ids, open_ashby

NOBODY = "00000000-0000-4000-8000-000000000000"


@pytest.fixture(scope="module")
def served() -> AshbyLine:
    return open_ashby(size=150, seed=4)


@pytest.fixture
def line(served: AshbyLine) -> AshbyLine:
    served.reset()
    return served


def find_application(line: AshbyLine, status: str = "Active") -> Row:
    return next(row for row in line.walk("application.list", status=status))


def list_stages(line: AshbyLine, application: Row) -> dict[str, Row]:
    """The stages of its plan, by type; of several of a type the last."""
    plan = application["currentInterviewStage"]["interviewPlanId"]
    return {stage["type"]: stage for stage in line.ask("interviewStage.list", interviewPlanId=plan)}


# Candidates


def test_candidate_is_made_with_all_that_was_said(line: AshbyLine) -> None:
    source, user = line.ask("source.list")[0], line.ask("user.list")[0]
    made = line.ask(
        "candidate.create",
        name="Ada Example",
        email="ada@example.com",
        alternateEmailAddresses=["ada@work.example.com"],
        phoneNumber="+49 30 23125 000",
        linkedInUrl="https://www.linkedin.com/in/ada",
        website="https://example.com/ada",
        sourceId=source["id"],
        creditedToUserId=user["id"],
        location={"city": "Berlin", "country": "Germany"},
        createdAt="2020-01-01T00:00:00Z",
    )
    assert made == line.ask("candidate.info", id=made["id"]) == line.ask("candidate.list", limit=1)[0]
    assert made["primaryEmailAddress"] == {"value": "ada@example.com", "type": "Personal", "isPrimary": True}
    assert [one["isPrimary"] for one in made["emailAddresses"]] == [True, False]
    assert (made["createdAt"], made["source"]["id"]) == ("2020-01-01T00:00:00.000Z", source["id"])
    assert made["creditedToUser"]["id"] == user["id"]
    assert made["location"]["locationSummary"] == "Berlin, Germany"
    assert [link["type"] for link in made["socialLinks"]] == ["LinkedIn", "Website"]
    assert "position" not in made
    assert "resumeFileHandle" not in made
    # It was added just now, whatever it says: filters go by that.
    assert made["id"] in list_ids(line.walk("candidate.list", createdAfter=1_790_000_000_000))


def test_second_candidate_with_an_address_is_another_one(line: AshbyLine) -> None:
    first, second = (line.ask("candidate.create", name="Ada", email="ada@example.com") for _ in range(2))
    assert first["id"] != second["id"]
    assert list_ids(line.ask("candidate.search", email="ada@example.com")) == [first["id"], second["id"]]


def test_candidate_is_changed(line: AshbyLine) -> None:
    row = line.ask(
        "candidate.create", name="Ada", email="ada@example.com", phoneNumber="1", githubUrl="https://a.example.com"
    )
    after = line.ask(
        "candidate.update",
        candidateId=row["id"],
        name="Ada B",
        email="new@example.com",
        alternateEmail="other@example.com",
        websiteUrl="https://example.com/a",
    )
    assert after["name"] == "Ada B"
    assert [one["value"] for one in after["emailAddresses"]] == ["new@example.com", "other@example.com"]
    assert {link["type"] for link in after["socialLinks"]} == {"GitHub", "Website"}
    links = [{"type": "Medium", "url": "https://example.com/m"}]
    again = line.ask("candidate.update", candidateId=row["id"], socialLinks=links, linkedInUrl="https://x.example.com")
    assert again["socialLinks"] == links
    assert after["updatedAt"] >= row["updatedAt"]


def test_tags_and_projects_are_given_and_taken(line: AshbyLine) -> None:
    row = line.ask("candidate.create", name="Ada")
    tag = line.ask("candidateTag.create", title="Fresh")
    assert line.ask("candidateTag.create", title="fresh")["id"] == tag["id"]
    assert list_ids(line.ask("candidate.addTag", candidateId=row["id"], tagId=tag["id"])["tags"]) == [tag["id"]]
    assert list_ids(line.ask("candidate.addTag", candidateId=row["id"], tagId=tag["id"])["tags"]) == [tag["id"]]
    assert line.ask("candidate.removeTag", candidateId=row["id"], tagId=tag["id"])["tags"] == []
    with pytest.raises(Refusal, match="invalid_input"):
        line.ask("candidate.removeTag", candidateId=row["id"], tagId=tag["id"], more=1)
    project = line.ask("project.list")[0]
    line.ask("candidate.addProject", candidateId=row["id"], projectId=project["id"])
    assert line.walk("candidate.listProjects", candidateId=row["id"]) == [project]
    line.ask("candidate.removeProject", candidateId=row["id"], projectId=project["id"])
    assert line.walk("candidate.listProjects", candidateId=row["id"]) == []
    line.ask("candidateTag.archive", candidateTagId=tag["id"])
    assert tag["id"] not in list_ids(line.walk("candidateTag.list"))


def test_notes_are_written_and_listed(line: AshbyLine) -> None:
    row = line.ask("candidate.create", name="Ada")
    plain = line.ask("candidate.createNote", candidateId=row["id"], note="called")
    private = line.ask(
        "candidate.createNote",
        candidateId=row["id"],
        note={"type": "text/html", "value": "<b>hi</b>"},
        isPrivate=True,
        createdAt="2026-01-01T00:00:00Z",
    )
    assert line.walk("candidate.listNotes", candidateId=row["id"]) == [private, plain]
    assert (private["content"], private["isPrivate"]) == ("<b>hi</b>", True)
    assert plain["author"]["firstName"] == "sandbox"
    user = line.ask("user.list")[0]
    headers = {**line.headers, "x-on-behalf-of": user["id"]}
    acting = AshbyLine(line.app, headers)
    assert acting.ask("candidate.createNote", candidateId=row["id"], note="x")["author"]["id"] == user["id"]
    for note in (7, {"type": "text/x", "value": "x"}, {"type": "text/plain"}):
        with pytest.raises(Refusal, match="invalid_input"):
            line.ask("candidate.createNote", candidateId=row["id"], note=note)
    with_no_switch = line.with_key(line.keys["plain_key"])
    with pytest.raises(Refusal, match="403"):
        with_no_switch.ask("candidate.createNote", candidateId=row["id"], note="x", isPrivate=True)


def test_email_message_is_taken_once_and_strictly(line: AshbyLine) -> None:
    row = line.ask("candidate.create", name="Ada", email="ada@example.com")
    body = {
        "candidateId": row["id"], "emailProviderEmailId": "m1", "subject": "Hello", "from": "ada@example.com",
        "to": "we@example.com", "body": "<p>Hi</p>",
    }  # fmt: skip
    made = line.ask("candidate.addEmailMessage", **body)
    assert (made["threadId"], made["userIsSender"]) == ("m1", False)
    assert line.control("GET", f"rows/email_messages/{made['id']}")["subject"] == "Hello"
    for wrong in (body, {**body, "emailProviderEmailId": "m2", "more": 1}, {**body, "candidateId": NOBODY}):
        with pytest.raises(Refusal):
            line.ask("candidate.addEmailMessage", **wrong)


def test_candidate_is_anonymized_once_all_has_ended(line: AshbyLine) -> None:
    active = find_application(line)
    with pytest.raises(Refusal, match="invalid_input"):
        line.ask("candidate.anonymize", candidateId=active["candidate"]["id"])
    rows = {row["candidate"]["id"] for row in line.walk("application.list") if row["status"] in ("Active", "Lead")}
    one = next(row for row in line.walk("candidate.list") if row["id"] not in rows and row["emailAddresses"])
    found = line.ask("candidate.anonymize", candidateId=one["id"])
    assert (found["emailAddresses"], found["fileHandles"], found["tags"]) == ([], [], [])
    assert one["name"] not in str(found)
    assert line.ask("candidate.search", email=one["emailAddresses"][0]["value"]) == []


def test_fraud_status_is_set(line: AshbyLine) -> None:
    row = line.ask("candidate.list")[0]
    assert line.ask("candidate.setFraudStatus", candidateId=row["id"], fraudStatus="Unsure")["fraudStatus"] == "Unsure"
    assert line.walk("candidate.listFraudChecks", candidateId=row["id"]) == []


# Applications


def test_application_begins_as_a_lead_or_where_it_is_said(line: AshbyLine) -> None:
    candidate, job = line.ask("candidate.create", name="Ada"), line.ask("job.list", status=["Open"])[0]
    lead = line.ask("application.create", candidateId=candidate["id"], jobId=job["id"])
    assert (lead["status"], lead["currentInterviewStage"]["type"]) == ("Lead", "Lead")
    assert len(lead["applicationHistory"]) == 1
    screen = line.ask(
        "application.create", candidateId=candidate["id"], jobId=job["id"], interviewStageId="FirstPreInterviewScreen"
    )
    assert (screen["status"], screen["currentInterviewStage"]["type"]) == ("Active", "PreInterviewScreen")
    assert line.ask("candidate.info", id=candidate["id"])["applicationIds"] == [lead["id"], screen["id"]]
    assert list_ids(line.ask("application.list", limit=2)) == [screen["id"], lead["id"]]
    for wrong, code in (
        ({"candidateId": NOBODY}, "candidate_not_found"),
        ({"jobId": NOBODY}, "job_not_found"),
        ({"interviewStageId": NOBODY}, "interview_stage_not_found"),
        ({"sourceId": NOBODY}, "source_not_found"),
        ({"interviewPlanId": NOBODY}, "interview_plan_not_found"),
    ):
        with pytest.raises(Refusal, match=code):
            line.ask("application.create", **{"candidateId": candidate["id"], "jobId": job["id"], **wrong})


def test_moving_keeps_the_history_and_the_status(line: AshbyLine) -> None:
    row = find_application(line)
    stages = list_stages(line, row)
    before = line.ask("application.info", applicationId=row["id"])["applicationHistory"]
    for type_, status in (("Offer", "Active"), ("Hired", "Hired"), ("Lead", "Lead")):
        moved = line.ask("application.changeStage", applicationId=row["id"], interviewStageId=stages[type_]["id"])
        assert (moved["status"], moved["currentInterviewStage"]["id"]) == (status, stages[type_]["id"])
    history = line.walk("application.listHistory", applicationId=row["id"])
    assert [entry["title"] for entry in history[len(before) :]] == ["Offer", "Hired", "New Lead"]
    assert [("leftStageAt" in entry) for entry in history[-2:]] == [True, False]
    assert line.ask("application.info", applicationId=row["id"])["status"] == "Lead"


def test_rejecting_needs_a_reason_there_and_nowhere_else(line: AshbyLine) -> None:
    row = find_application(line)
    stages, reason = list_stages(line, row), line.ask("archiveReason.list")[0]
    archived, offer = stages["Archived"]["id"], stages["Offer"]["id"]
    other = next(
        stage["id"]
        for plan in line.ask("interviewPlan.list")
        for stage in line.ask("interviewStage.list", interviewPlanId=plan["id"])
        if plan["id"] != row["currentInterviewStage"]["interviewPlanId"]
    )
    for stage, reason_id, code in (
        (archived, None, "invalid_input"),
        (offer, reason["id"], "invalid_input"),
        (archived, NOBODY, "archive_reason_not_found"),
        (other, None, "interview_stage_not_found"),
    ):
        body = {"applicationId": row["id"], "interviewStageId": stage}
        with pytest.raises(Refusal, match=code):
            line.ask("application.changeStage", **body, **({"archiveReasonId": reason_id} if reason_id else {}))
    template = next(one for one in line.ask("communicationTemplate.list") if "email" not in one["intendedTypes"])
    body = {"applicationId": row["id"], "interviewStageId": archived, "archiveReasonId": reason["id"]}
    with pytest.raises(Refusal, match="communication_template_not_allowed"):
        line.ask("application.changeStage", **body, archiveEmail={"communicationTemplateId": template["id"]})
    rejected = line.ask("application.changeStage", **body)
    assert (rejected["status"], rejected["archiveReason"]["id"]) == ("Archived", reason["id"])
    assert rejected["archivedAt"]
    back = line.ask("application.changeStage", applicationId=row["id"], interviewStageId=offer)
    assert (back["status"], back["archiveReason"]) == ("Active", None)
    assert "archivedAt" not in back


def test_source_credit_and_date_are_changed(line: AshbyLine) -> None:
    row, source, user = find_application(line), line.ask("source.list")[3], line.ask("user.list")[3]
    changed = line.ask("application.changeSource", applicationId=row["id"], sourceId=source["id"])
    assert changed["source"]["id"] == source["id"]
    assert line.ask("application.changeSource", applicationId=row["id"], sourceId=None)["source"] is None
    with pytest.raises(Refusal, match="invalid_input"):
        line.ask("application.changeSource", applicationId=row["id"])
    updated = line.ask(
        "application.update", applicationId=row["id"], creditedToUserId=user["id"], createdAt="2021-05-05T05:05:05Z"
    )
    assert (updated["creditedToUser"]["id"], updated["createdAt"]) == (user["id"], "2021-05-05T05:05:05.000Z")


def test_application_is_transferred_and_deleted(line: AshbyLine) -> None:
    row = find_application(line)
    job = next(one for one in line.walk("job.list") if one["id"] != row["job"]["id"])
    plan = line.ask("jobInterviewPlan.info", jobId=job["id"])
    body = {"applicationId": row["id"], "jobId": job["id"], "interviewPlanId": plan["interviewPlanId"]}
    moved = line.ask("application.transfer", **body, interviewStageId=plan["stages"][2]["id"])
    assert (moved["job"]["id"], moved["currentInterviewStage"]["id"]) == (job["id"], plan["stages"][2]["id"])
    assert row["id"] in list_ids(line.walk("application.list", jobId=job["id"]))
    assert row["id"] not in list_ids(line.walk("application.list", jobId=row["job"]["id"]))
    with_feedback = line.walk("applicationFeedback.list")[0]["applicationId"]
    assert line.ask("application.delete", applicationId=with_feedback) == {"applicationId": with_feedback}
    assert with_feedback not in {one["applicationId"] for one in line.walk("applicationFeedback.list")}
    with pytest.raises(Refusal, match="application_not_found"):
        line.ask("application.info", applicationId=with_feedback)


def test_history_is_written_as_a_whole_with_the_switch(line: AshbyLine) -> None:
    row = find_application(line)
    stages = line.ask("interviewStage.list", interviewPlanId=row["currentInterviewStage"]["interviewPlanId"])
    history = [
        {"stageId": stage["id"], "stageNumber": place, "enteredStageAt": f"2025-0{place + 1}-01T00:00:00Z"}
        for place, stage in enumerate(stages[:3])
    ]
    found = line.ask("application.updateHistory", applicationId=row["id"], applicationHistory=history)
    assert [entry["stageId"] for entry in found["applicationHistory"]] == list_ids(stages[:3])
    assert found["currentInterviewStage"]["id"] == stages[2]["id"]
    plain = line.with_key(line.keys["plain_key"])
    with pytest.raises(Refusal, match="403"):
        plain.ask("application.updateHistory", applicationId=row["id"], applicationHistory=history)
    history[2]["enteredStageAt"] = "2020-01-01T00:00:00Z"
    with pytest.raises(Refusal, match="invalid_input"):
        line.ask("application.updateHistory", applicationId=row["id"], applicationHistory=history)


@pytest.mark.parametrize("prefix", ["application", "hiringTeam"])
def test_hiring_team_gains_and_loses_people(line: AshbyLine, prefix: str) -> None:
    row, user = find_application(line), line.ask("user.list")[1]
    role = line.ask("hiringTeamRole.list", namesOnly=False)[1]
    add, remove = {
        "application": ("application.addHiringTeamMember", "application.removeHiringTeamMember"),
        "hiringTeam": ("hiringTeam.addMember", "hiringTeam.removeMember"),
    }[prefix]
    body = {"applicationId": row["id"], "teamMemberId": user["id"], "roleId": role["id"]}
    member = line.ask(add, **body)
    assert member["role"] == role["title"]
    assert member in line.ask("application.info", applicationId=row["id"])["hiringTeam"]
    line.ask(remove, **body)
    assert member not in line.ask("application.info", applicationId=row["id"])["hiringTeam"]
    job, opening = line.ask("job.list")[0], line.ask("opening.list")[0]
    line.ask("hiringTeam.addMember", jobId=job["id"], teamMemberId=user["id"], roleId=role["id"])
    assert member in line.ask("job.info", id=job["id"])["hiringTeam"]
    line.ask("hiringTeam.addMember", openingId=opening["id"], teamMemberId=user["id"], roleId=role["id"])
    assert member in line.ask("opening.info", openingId=opening["id"])["latestVersion"]["hiringTeam"]


# Custom fields

VALUES: dict[str, tuple[Any, Any]] = {
    "Boolean": (True, "yes"),
    "CompensationRange": (
        {"type": "compensation-range", "minValue": 1, "maxValue": 2, "currencyCode": "EUR", "interval": "1 YEAR"},
        {"type": "compensation-range", "minValue": 1},
    ),
    "Currency": ({"value": 5, "currencyCode": "EUR"}, 5),
    "Date": ("2026-05-05T00:00:00.000Z", "soon"),
    "LongText": ("long", 5),
    "MultiValueSelect": (["red", "blue"], ["pink"]),
    "Number": (5, "five"),
    "NumberRange": ({"type": "number-range", "minValue": 1, "maxValue": 2}, [1, 2]),
    "String": ("short", {}),
    "ValueSelect": ("red", "grey"),
    "Url": ("https://example.com/x", "x"),
    "UUID": (NOBODY, 7),
}
"""Type of a custom field → a value it takes, and one it does not."""


@pytest.mark.parametrize("type_", VALUES)
@pytest.mark.parametrize(
    ("object_type", "listed"),
    [
        ("Candidate", "candidate.list"),
        ("Application", "application.list"),
        ("Job", "job.list"),
        ("Opening", "opening.list"),
    ],
)
def test_custom_values_of_every_kind_are_set_seen_and_cleared(
    line: AshbyLine, type_: str, object_type: str, listed: str
) -> None:
    field = next(
        one for one in line.walk("customField.list") if (one["objectType"], one["fieldType"]) == (object_type, type_)
    )
    row = line.ask(listed)[0]
    right, wrong = VALUES[type_]
    body = {"objectId": row["id"], "objectType": object_type, "fieldId": field["id"]}
    found = line.ask("customField.setValue", **body, fieldValue=right)
    assert (found["id"], found["value"]) == (field["id"], right)
    assert ("valueLabel" in found) == (type_ in ("ValueSelect", "MultiValueSelect"))

    def list_values() -> list[Row]:
        again = line.ask(listed)[0]
        return list((again["latestVersion"] if object_type == "Opening" else again)["customFields"])

    assert found in list_values()
    with pytest.raises(Refusal, match="invalid_input"):
        line.ask("customField.setValue", **body, fieldValue=wrong)
    line.ask(
        "customField.setValues",
        objectId=row["id"],
        objectType=object_type,
        values=[{"fieldId": field["id"], "fieldValue": None}],
    )
    assert field["id"] not in list_ids(list_values())


def test_values_are_set_all_or_none(line: AshbyLine) -> None:
    fields = {one["fieldType"]: one for one in line.walk("customField.list") if one["objectType"] == "Candidate"}
    row = line.ask("candidate.create", name="Ada")
    values = [
        {"fieldId": fields["Boolean"]["id"], "fieldValue": True},
        {"fieldId": fields["Number"]["id"], "fieldValue": "x"},
    ]
    with pytest.raises(Refusal, match="invalid_input"):
        line.ask("customField.setValues", objectId=row["id"], objectType="Candidate", values=values)
    assert line.ask("candidate.info", id=row["id"])["customFields"] == []
    values[1]["fieldValue"] = 7
    assert len(line.ask("customField.setValues", objectId=row["id"], objectType="Candidate", values=values)) == 2
    assert len(line.ask("candidate.info", id=row["id"])["customFields"]) == 2
    of_jobs = next(one for one in line.walk("customField.list") if one["objectType"] == "Job")
    with pytest.raises(Refusal, match="invalid_input"):
        line.ask(
            "customField.setValue", objectId=row["id"], objectType="Candidate", fieldId=of_jobs["id"], fieldValue=True
        )


def test_custom_field_is_made_with_options(line: AshbyLine) -> None:
    options = [{"label": "One", "value": "1"}, {"label": "Two", "value": "2"}]
    body = {"fieldType": "ValueSelect", "objectType": "Candidate", "title": "Size"}
    made = line.ask("customField.create", **body, selectableValues=options)
    assert made == line.ask("customField.info", customFieldId=made["id"])
    changed = line.ask("customField.updateSelectableValues", customFieldId=made["id"], selectableValues=options[1:])
    assert [(one["value"], one["isArchived"]) for one in changed["selectableValues"]] == [("2", False), ("1", True)]


# What a company sets up


def test_departments_and_locations_are_made_moved_and_archived(line: AshbyLine) -> None:
    top = line.ask("department.create", name="Top", externalName="Public")
    team = line.ask("department.create", name="Team", parentId=top["id"])
    assert (team["parentId"], top["parentId"]) == (top["id"], None)
    assert line.ask("department.update", departmentId=team["id"], name="Crew")["name"] == "Crew"
    with pytest.raises(Refusal, match="invalid_input"):
        line.ask("department.move", departmentId=top["id"], parentId=team["id"])
    assert line.ask("department.move", departmentId=team["id"])["parentId"] is None
    line.ask("department.archive", departmentId=team["id"])
    assert team["id"] not in list_ids(line.walk("department.list"))
    assert line.ask("department.restore", departmentId=team["id"])["isArchived"] is False

    region = line.ask("location.create", name="North", type="LocationHierarchy")
    address = {"postalAddress": {"addressCountry": "Norway", "addressLocality": "Oslo"}}
    office = line.ask(
        "location.create",
        name="Oslo",
        type="Location",
        address=address,
        workplaceType="Hybrid",
        parentLocationId=region["id"],
    )
    assert (office["address"], office["parentLocationId"]) == (address, region["id"])
    assert line.ask("location.updateName", locationId=office["id"], name="Bergen")["name"] == "Bergen"
    assert (
        line.ask("location.updateWorkplaceType", locationId=office["id"], workplaceType="Remote")["workplaceType"]
        == "Remote"
    )
    assert line.ask("location.updateAddress", locationId=office["id"], address={})["address"] == {"postalAddress": {}}
    assert line.ask("location.updateExternalName", locationId=office["id"], externalName="B")["externalName"] == "B"
    with pytest.raises(Refusal, match="invalid_input"):
        line.ask("location.move", locationId=office["id"], parentLocationHierarchyId=office["id"])
    line.ask("location.archive", locationId=office["id"])
    assert office["id"] not in list_ids(line.walk("location.list"))
    line.ask("location.restore", locationId=office["id"])
    assert office["id"] in list_ids(line.walk("location.list"))


def test_interviewer_pools_and_limits_are_kept(line: AshbyLine) -> None:
    user = line.ask("user.list")[0]
    pool = line.ask("interviewerPool.create", title="New", requiresTraining=True)
    line.ask("interviewerPool.addUser", interviewerPoolId=pool["id"], userId=user["id"])
    assert list_ids(line.ask("interviewerPool.info", interviewerPoolId=pool["id"])["qualifiedMembers"]) == [user["id"]]
    line.ask("interviewerPool.removeUser", interviewerPoolId=pool["id"], userId=user["id"])
    assert line.ask("interviewerPool.update", interviewerPoolId=pool["id"], title="Newer")["title"] == "Newer"
    line.ask("interviewerPool.archive", interviewerPoolId=pool["id"])
    assert pool["id"] not in list_ids(line.walk("interviewerPool.list"))
    assert pool["id"] in list_ids(line.walk("interviewerPool.list", includeArchivedPools=True))
    line.ask("interviewerPool.restore", interviewerPoolId=pool["id"])
    line.ask("user.updateInterviewerSettings", userId=user["id"], dailyLimit=2)
    assert line.ask("user.interviewerSettings", userId=user["id"])["dailyLimit"] == 2


# Jobs


def test_job_is_made_opened_and_closed(line: AshbyLine) -> None:
    department, location = line.ask("department.list")[0], line.ask("location.list")[0]
    job = line.ask("job.create", title="Baker", teamId=department["id"], locationId=location["id"])
    assert (job["status"], job["openedAt"], job["departmentId"]) == ("Draft", None, department["id"])
    assert job["id"] not in list_ids(line.walk("job.list"))
    opened = line.ask("job.setStatus", jobId=job["id"], status="Open")
    assert opened["openedAt"]
    assert job["id"] == line.ask("job.list")[0]["id"]
    closed = line.ask("job.setStatus", jobId=job["id"], status="Closed")
    assert (closed["status"], closed["openedAt"]) == ("Closed", opened["openedAt"])
    assert closed["closedAt"]
    plan = line.ask("interviewPlan.list")[1]
    updated = line.ask("job.update", jobId=job["id"], title="Chef", defaultInterviewPlanId=plan["id"])
    assert (updated["title"], updated["defaultInterviewPlanId"]) == ("Chef", plan["id"])
    component = {
        "compensationType": "Salary",
        "interval": "1 YEAR",
        "currencyCode": "EUR",
        "minValue": 1,
        "maxValue": None,
    }
    tiers = [{"title": "A", "components": [component]}]
    paid = line.ask("job.updateCompensation", jobId=job["id"], compensationTiers=tiers)
    assert paid["compensationTiers"][0]["components"][0]["minValue"] == 1
    assert line.ask("job.info", id=job["id"])["compensation"]["compensationTiers"] == paid["compensationTiers"]


def test_posting_text_is_changed(line: AshbyLine) -> None:
    posting = line.ask("jobPosting.list")[0]
    changed = line.ask(
        "jobPosting.update",
        jobPostingId=posting["id"],
        title="Other",
        workplaceType="Remote",
        suppressDescriptionOpening=True,
        description={"type": "text/html", "content": "<p>New &amp; text</p>"},
    )
    assert changed == line.ask("jobPosting.info", jobPostingId=posting["id"])
    assert "<p>New &amp; text</p>" in changed["descriptionHtml"]
    assert changed["descriptionParts"]["descriptionOpening"]["html"] not in changed["descriptionHtml"]
    assert next(row for row in line.ask("jobPosting.list") if row["id"] == posting["id"])["title"] == "Other"
    job = line.ask("jobPosting.info", jobPostingId=posting["id"], expand=["job"])["job"]
    assert job["id"] == posting["jobId"]


def test_openings_are_made_and_changed(line: AshbyLine) -> None:
    job, location = line.ask("job.list")[0], line.ask("location.list")[0]
    opening = line.ask("opening.create", identifier="X-1", description="Seat", openingState="Open")
    assert opening["latestVersion"]["identifier"] == "X-1"
    assert opening["openedAt"]
    line.ask("opening.addJob", openingId=opening["id"], jobId=job["id"])
    line.ask("opening.addLocation", openingId=opening["id"], locationId=location["id"])
    found = line.ask("opening.info", openingId=opening["id"])["latestVersion"]
    assert (found["jobIds"], found["locationIds"]) == ([job["id"]], [location["id"]])
    assert opening["id"] in list_ids(line.ask("job.info", id=job["id"], expand=["openings"])["openings"])
    line.ask("opening.removeJob", openingId=opening["id"], jobId=job["id"])
    line.ask("opening.removeLocation", openingId=opening["id"], locationId=location["id"])
    reason = line.ask("closeReason.list")[0]
    closed = line.ask(
        "opening.setOpeningState", openingId=opening["id"], openingState="Closed", closeReasonId=reason["id"]
    )
    assert closed["closeReasonId"] == reason["id"]
    assert closed["closedAt"]
    assert line.ask("opening.setArchived", openingId=opening["id"], archive=True)["archivedAt"]
    updated = line.ask("opening.update", openingId=opening["id"], description="Other")
    assert updated["latestVersion"]["description"] == "Other"
    assert updated["latestVersion"]["identifier"] == "X-1"
