"""The Ashby emulator's writes about interviews, feedback, offers, application forms and surveys."""

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


def find_application(line: AshbyLine) -> Row:
    return next(row for row in line.walk("application.list", status="Active"))


def make_event(line: AshbyLine, **more: Any) -> Row:
    user = line.ask("user.list")[0]
    return {
        "startTime": "2027-01-01T10:00:00Z",
        "endTime": "2027-01-01T11:00:00Z",
        "interviewers": [{"email": user["email"], "feedbackRequired": True}],
        **more,
    }


# Interviews


def test_schedule_is_made_changed_and_cancelled(line: AshbyLine) -> None:
    row, interview = find_application(line), line.ask("interview.list")[0]
    made = line.ask(
        "interviewSchedule.create",
        applicationId=row["id"],
        interviewEvents=[make_event(line, interviewId=interview["id"], extraData={"a": "b"})],
    )
    (event,) = made["interviewEvents"]
    assert (made["status"], made["interviewStageId"]) == ("Scheduled", row["currentInterviewStage"]["id"])
    assert (event["interviewId"], event["extraData"]) == (interview["id"], {"a": "b"})
    assert event["interviewerUserIds"] == [event["interviewers"][0]["id"]]
    assert made == line.ask("interviewSchedule.list", applicationId=row["id"])[0]
    later = make_event(line, startTime="2027-01-02T10:00:00Z", endTime="2027-01-02T11:00:00Z")
    added = line.ask("interviewSchedule.update", interviewScheduleId=made["id"], interviewEvent=later)
    assert len(added["interviewEvents"]) == 2
    moved = line.ask(
        "interviewSchedule.update",
        interviewScheduleId=made["id"],
        interviewEvent={**later, "endTime": "2027-01-02T12:00:00Z", "interviewEventId": event["id"]},
    )
    assert moved["interviewEvents"][0]["endTime"] == "2027-01-02T12:00:00.000Z"
    assert list_ids(moved["interviewEvents"]) == list_ids(added["interviewEvents"])
    one_less = line.ask(
        "interviewSchedule.update", interviewScheduleId=made["id"], interviewEventIdToCancel=event["id"]
    )
    assert list_ids(one_less["interviewEvents"]) == list_ids(added["interviewEvents"])[1:]
    again = line.ask("interviewSchedule.cancel", id=made["id"], allowReschedule=True)
    assert again["status"] == "NeedsScheduling"
    assert line.ask("interviewSchedule.cancel", id=made["id"])["status"] == "Cancelled"


def test_schedule_is_refused_for_times_people_and_keys_that_do_not_fit(line: AshbyLine) -> None:
    row = find_application(line)
    for event, code in (
        (make_event(line, endTime="2026-01-01T00:00:00Z"), "invalid_input"),
        (make_event(line, interviewers=[{"email": "nobody@example.com"}]), "user_not_found"),
        (make_event(line, interviewers=[]), "invalid_input"),
        (make_event(line, interviewId=NOBODY), "interview_not_found"),
        ("event", "invalid_input"),
    ):
        with pytest.raises(Refusal, match=code):
            line.ask("interviewSchedule.create", applicationId=row["id"], interviewEvents=[event])
    computed = line.ask("interviewSchedule.list")[-1]
    with pytest.raises(Refusal, match="invalid_input"):
        line.ask("interviewSchedule.update", interviewScheduleId=computed["id"], interviewEvent=make_event(line))


def test_feedback_is_given_on_an_event_and_goes_with_it_only_where_it_may(line: AshbyLine) -> None:
    row = find_application(line)
    made = line.ask("interviewSchedule.create", applicationId=row["id"], interviewEvents=[make_event(line)])
    event = made["interviewEvents"][0]
    form = line.ask("feedbackFormDefinition.list", includeArchived=True)[-1]
    submission = {"fieldSubmissions": [{"path": "overall_recommendation", "value": "hire"}]}
    body = {"applicationId": row["id"], "formDefinitionId": form["id"], "feedbackForm": submission}
    user = event["interviewers"][0]["id"]
    found = line.ask("applicationFeedback.submit", **body, userId=user, interviewEventId=event["id"])
    listed = line.ask("applicationFeedback.list", applicationId=row["id"])[0]
    assert listed["submittedValues"] == {"overall_recommendation": "hire"}
    assert (listed["submittedByUser"]["id"], listed["interviewEventId"]) == (user, event["id"])
    assert found["submittedFormInstance"]["id"] == listed["id"]
    assert line.walk("interviewEvent.list", interviewScheduleId=made["id"])[0]["hasSubmittedFeedback"] is True
    cancel = {"interviewScheduleId": made["id"], "interviewEventIdToCancel": [event["id"]]}
    with pytest.raises(Refusal, match="invalid_input"):
        line.ask("interviewSchedule.update", **cancel)
    line.ask("interviewSchedule.update", **cancel, allowFeedbackDeletion=True)
    assert listed["id"] not in list_ids(line.ask("applicationFeedback.list", applicationId=row["id"]))


def test_feedback_of_every_form_is_checked(line: AshbyLine) -> None:
    row = find_application(line)
    forms = line.ask("feedbackFormDefinition.list")
    right = {
        "Interview scorecard": [
            ("overall_recommendation", "hire"),
            ("feedback_notes", {"type": "PlainText", "value": "x"}),
        ],
        "Score only": [("overall_recommendation", {"score": 4})],
        "Free text": [],
    }
    for form in forms:
        body = {"applicationId": row["id"], "formDefinitionId": form["id"]}
        entries = [{"path": path, "value": value} for path, value in right[form["title"]]]
        line.ask("applicationFeedback.submit", **body, feedbackForm={"fieldSubmissions": entries})
        for wrong in ([{"path": "nowhere", "value": "x"}], [{"path": "overall_recommendation", "value": 7}], "x"):
            with pytest.raises(Refusal, match="invalid_input"):
                line.ask("applicationFeedback.submit", **body, feedbackForm={"fieldSubmissions": wrong})
    rows = line.ask("applicationFeedback.list", applicationId=row["id"])
    assert {one["feedbackFormDefinitionId"] for one in rows} >= set(list_ids(forms))
    assert rows[0]["submittedByUser"]["firstName"] == "sandbox"


# Offers


def make_offer(line: AshbyLine, application: Row) -> Row:
    process = line.ask("offerProcess.start", applicationId=application["id"])
    assert process["status"] == "WaitingOnOfferCreation"
    started = line.ask("offer.start", offerProcessId=process["id"])
    paths = {
        entry["field"]["title"]: entry["field"]["path"] for entry in started["formDefinition"]["sections"][0]["fields"]
    }
    opening = line.ask("opening.list")[0]
    values = {
        paths["Start date"]: "2027-03-01",
        paths["Salary"]: {"value": 70000, "currencyCode": "EUR"},
        paths["Opening"]: opening["id"],
    }
    submissions = [{"path": path, "value": value} for path, value in values.items()]
    found: Row = line.ask(
        "offer.create",
        offerProcessId=process["id"],
        offerFormId=started["id"],
        offerForm={"fieldSubmissions": submissions},
    )
    with pytest.raises(Refusal, match="invalid_input"):
        line.ask(
            "offer.create",
            offerProcessId=process["id"],
            offerFormId=started["id"],
            offerForm={"fieldSubmissions": submissions},
        )
    return found


def test_offer_goes_its_way(line: AshbyLine) -> None:
    row = find_application(line)
    offer = make_offer(line, row)
    version = offer["latestVersion"]
    assert (version["startDate"], version["salary"]["value"]) == ("2027-03-01T00:00:00.000Z", 70000)
    assert (offer["offerStatus"], offer["acceptanceStatus"]) == ("WaitingOnApprovalStart", "Created")
    listed = line.ask("offer.list", applicationId=row["id"])[0]
    assert (listed["id"], listed["latestVersion"]) == (offer["id"], version)
    assert "formDefinition" not in listed
    salary = {"path": "_systemfield_salary", "value": {"value": 80000, "currencyCode": "EUR"}}
    changed = line.ask("offer.update", offerId=offer["id"], offerForm={"fieldSubmissions": [salary]})
    assert len(changed["versions"]) == 2
    assert changed["latestVersion"]["salary"]["value"] == 80000
    assert changed["latestVersion"]["startDate"] == version["startDate"]
    with pytest.raises(Refusal, match="offer_version_not_found"):
        line.ask("offer.approve", offerVersionId=version["id"])
    assert line.ask("offer.startApprovalProcess", offerId=offer["id"])["offerStatus"] == "WaitingOnOfferApproval"
    approved = line.ask("offer.approve", offerVersionId=changed["latestVersion"]["id"])
    assert (approved["offerStatus"], approved["acceptanceStatus"]) == (
        "WaitingOnCandidateResponse",
        "WaitingOnResponse",
    )
    line.change("offers", offer["id"], offerStatus="CandidateAccepted", acceptanceStatus="Accepted")
    assert line.ask("offer.info", offerId=offer["id"])["acceptanceStatus"] == "Accepted"


def test_offer_of_the_made_up_company_is_approved_and_changed(line: AshbyLine) -> None:
    offer = line.ask("offer.list", offerStatus=["WaitingOnOfferApproval", "WaitingOnApprovalStart"])[0]
    version = offer["latestVersion"]["id"]
    approved = line.ask("offer.approve", offerVersionId=version)
    assert (approved["id"], approved["offerStatus"]) == (offer["id"], "WaitingOnCandidateResponse")
    with pytest.raises(Refusal, match="invalid_input"):
        line.ask("offer.approve", offerVersionId=version)
    assert len(line.ask("offer.update", offerId=offer["id"], offerForm={"fieldSubmissions": []})["versions"]) >= 2


def test_offer_needs_its_form(line: AshbyLine) -> None:
    process = line.ask("offerProcess.start", applicationId=find_application(line)["id"])
    started = line.ask("offer.start", offerProcessId=process["id"])
    body = {"offerProcessId": process["id"], "offerFormId": started["id"]}
    for submissions in ([], [{"path": "x", "value": 1}], [{"path": "_systemfield_salary", "value": "much"}]):
        with pytest.raises(Refusal, match="invalid_input"):
            line.ask("offer.create", **body, offerForm={"fieldSubmissions": submissions})
    ended = next(row for row in line.walk("application.list", status="Archived"))
    with pytest.raises(Refusal, match="invalid_input"):
        line.ask("offerProcess.start", applicationId=ended["id"])


# Application forms


def find_posting(line: AshbyLine, *, fields: int) -> Row:
    """A published posting whose form has so many fields."""
    for row in line.ask("jobPosting.list"):
        found: Row = line.ask("jobPosting.info", jobPostingId=row["id"])
        form = found["applicationFormDefinition"]
        if sum(len(section["fields"]) for section in form["sections"]) == fields:
            return found
    raise AssertionError(f"no posting with {fields} fields")


def fill(**values: Any) -> Row:
    base = {"_systemfield_name": "Ada Example", "_systemfield_email": "ada@example.com", **values}
    return {"fieldSubmissions": [{"path": path, "value": value} for path, value in base.items()]}


def test_applicant_is_made_from_a_form(line: AshbyLine) -> None:
    posting, tag = find_posting(line, fields=4), line.ask("candidateTag.list")[0]
    body = {"jobPostingId": posting["id"], "tagIds": [tag["id"]]}
    found = line.ask("applicationForm.submit", **body, applicationForm=fill())
    assert found["formMessages"] == {"blocked": False}
    (candidate,) = line.ask("candidate.search", email="ada@example.com")
    (application,) = candidate["applicationIds"]
    shown = line.ask("application.info", applicationId=application, expand=["applicationFormSubmissions"])
    assert (shown["status"], shown["appliedViaJobPostingId"]) == ("Active", posting["id"])
    assert shown["currentInterviewStage"]["type"] == "PreInterviewScreen"
    assert shown["applicationFormSubmissions"] == [found["submittedFormInstance"]]
    assert list_ids(candidate["tags"]) == [tag["id"]]
    by_form = line.ask("application.info", submittedFormInstanceId=found["submittedFormInstance"]["id"])
    assert by_form["id"] == application
    line.ask("applicationForm.submit", jobPostingId=posting["id"], applicationForm=fill())
    (again,) = line.ask("candidate.search", email="ada@example.com")
    assert len(again["applicationIds"]) == 2


def test_form_is_refused_with_what_is_wrong_in_it(line: AshbyLine) -> None:
    posting = find_posting(line, fields=11)
    form = {
        entry["field"]["title"]: entry["field"]
        for section in posting["applicationFormDefinition"]["sections"]
        for entry in section["fields"]
    }
    needed = {form["Are you allowed to work here"]["path"]: True}
    line.ask("applicationForm.submit", jobPostingId=posting["id"], applicationForm=fill(**needed))
    for wrong in (
        {},
        {**needed, "nowhere": "x"},
        {**needed, form["Notice period"]["path"]: "never"},
        {**needed, form["Languages"]["path"]: "german"},
        {**needed, form["First day"]["path"]: "tomorrow"},
        {**needed, "_systemfield_email": "testing-fail-validation@example.com"},
    ):
        with pytest.raises(Refusal, match="invalid_input"):
            line.ask("applicationForm.submit", jobPostingId=posting["id"], applicationForm=fill(**wrong))


def test_unpublished_posting_takes_nobody_unless_it_may(line: AshbyLine) -> None:
    rows = line.ask("jobPosting.list", includeUnpublishedJobPostings=True)
    draft = next(
        row["id"]
        for row in rows
        if row["status"] == "Draft"
        and len(line.ask("jobPosting.info", jobPostingId=row["id"])["applicationFormDefinition"]["sections"]) == 1
    )
    body = {"jobPostingId": draft, "applicationForm": fill()}
    with pytest.raises(Refusal, match="job_posting_not_published"):
        line.ask("applicationForm.submit", **body)
    line.ask("applicationForm.submit", **body, allowSubmissionForUnpublishedJobPosting=True)


def test_blocked_applicant_makes_no_application(line: AshbyLine) -> None:
    posting = find_posting(line, fields=4)
    count = len(line.walk("application.list"))
    form = fill(_systemfield_email="blocked@example.com")
    found = line.ask("applicationForm.submit", jobPostingId=posting["id"], applicationForm=form)
    assert found["formMessages"]["blocked"] is True
    assert len(line.walk("application.list")) == count
    with pytest.raises(Refusal, match="application_blocked"):
        line.ask("application.info", submittedFormInstanceId=found["submittedFormInstance"]["id"])


def test_form_may_be_posted_with_files(line: AshbyLine) -> None:
    import msgspec

    posting = find_posting(line, fields=11)
    fields = [
        entry["field"] for section in posting["applicationFormDefinition"]["sections"] for entry in section["fields"]
    ]
    allowed = next(field["path"] for field in fields if field["title"] == "Are you allowed to work here")
    form = fill(**{allowed: True, "_systemfield_resume": "cv"})
    parts = [
        (b'name="jobPostingId"', posting["id"].encode()),
        (b'name="applicationForm"', msgspec.json.encode(form)),
        (b'name="cv"; filename="cv.pdf"', b"%PDF"),
    ]
    raw = b"".join(
        b"--x\r\nContent-Disposition: form-data; " + head + b"\r\n\r\n" + body + b"\r\n" for head, body in parts
    )
    answer = line.send("applicationForm.submit", raw + b"--x--\r\n", content_type="multipart/form-data; boundary=x")
    assert msgspec.json.decode(answer.body)["success"] is True
    (candidate,) = line.ask("candidate.search", email="ada@example.com")
    assert candidate["resumeFileHandle"]["name"] == "cv.pdf"


# Surveys and referrals


def test_surveys_are_answered_though_not_all_can_be_read(line: AshbyLine) -> None:
    row = line.walk("application.list")[0]
    body = {"candidateId": row["candidate"]["id"], "applicationId": row["id"]}
    forms = {form["surveyType"]: form for form in line.ask("surveyFormDefinition.list") if not form["isArchived"]}
    eeoc = line.ask("surveySubmission.create", **body, surveyFormDefinitionId=forms["EEOC"]["id"],
                    submittedValues={"_systemfield_eeoc_gender": "decline"})  # fmt: skip
    for type_ in ("CandidateExperience", "Questionnaire"):
        assert eeoc["id"] not in list_ids(line.walk("surveySubmission.list", surveyType=type_))
    path = forms["CandidateExperience"]["formDefinition"]["sections"][0]["fields"][0]["field"]["path"]
    own = line.ask("surveySubmission.create", **body, surveyFormDefinitionId=forms["CandidateExperience"]["id"],
                   submittedValues={path: {"score": 4}})  # fmt: skip
    assert line.ask("surveySubmission.list", surveyType="CandidateExperience")[0] == own
    with pytest.raises(Refusal, match="invalid_input"):
        line.ask(
            "surveySubmission.create", **body, surveyFormDefinitionId=forms["EEOC"]["id"], submittedValues={"x": 1}
        )
    request = line.ask("surveyRequest.create", **body, surveyFormDefinitionId=forms["CandidateExperience"]["id"])
    assert line.walk("surveyRequest.list", surveyType="CandidateExperience") == [request]


def test_referral_makes_candidate_and_application(line: AshbyLine) -> None:
    form, user, job = line.ask("referralForm.info"), line.ask("user.list")[0], line.ask("job.list", status=["Open"])[0]
    values = {"_systemfield_name": "Bo", "_systemfield_email": "bo@example.com", "_systemfield_job": job["id"]}
    submissions = [{"path": path, "value": value} for path, value in values.items()]
    made = line.ask("referral.create", id=form["id"], creditedToUserId=user["id"], fieldSubmissions=submissions)
    assert (made["candidate"]["name"], made["creditedToUser"]["id"]) == ("Bo", user["id"])
    shown = line.ask("application.info", applicationId=made["id"], expand=["referrals"])
    assert shown["referrals"][0]["user"]["id"] == user["id"]
