"""What candidates send in: application forms, surveys; and what employees do, referrals."""

from typing import Any

from unihire.integration.emulate import Row
from unihire.integrations.ashby.emulator.api.calls import Call
from unihire.integrations.ashby.emulator.api.envelope import Answer, Refused, refuse_input
from unihire.integrations.ashby.emulator.api.files import Files
from unihire.integrations.ashby.emulator.reads.single import find_by_email, find_plan
from unihire.integrations.ashby.emulator.rows.forms import list_fields
from unihire.integrations.ashby.emulator.rows.values import from_millis, list_objects, list_texts, read_object
from unihire.integrations.ashby.emulator.writes.applications import find_first_screen
from unihire.integrations.ashby.emulator.writes.candidates import make_contact
from unihire.integrations.ashby.emulator.writes.declaring import Write
from unihire.integrations.ashby.emulator.writes.submissions import (
    check_applicant,
    is_answer,
    make_submission,
    read_submissions,
)

BLOCKED_EMAIL = "blocked@example.com"
"""An applicant with this address is blocked: a made-up rule, for the answer it gives."""
APPLIED = "Applied"


class Applying:
    """Application forms, with the files that come with them."""

    def __init__(self, files: Files) -> None:
        self._files = files

    def list_writes(self) -> tuple[Write, ...]:
        return (
            Write(
                "applicationForm.submit",
                "candidatesWrite",
                "jobPostingId:uuid! applicationForm:object! utmData:object tagIds:uuids"
                " allowSubmissionForUnpublishedJobPosting:bool",
                self.submit_application,
                takes_form=True,
            ),
            *WRITES,
        )

    def submit_application(self, call: Call) -> Answer:
        """Makes candidate and application, unless the applicant is blocked.

        The newest candidate with the same address is taken, where there is one.
        """
        body, posting = call.body, call.get_named("job_postings", "jobPostingId")
        may_be_unpublished = body.get("allowSubmissionForUnpublishedJobPosting", False)
        if posting.get("status") != "Published" and not may_be_unpublished:
            raise Refused("job_posting_not_published", "this job posting is not published")
        job = call.get("jobs", posting.get("jobId"))
        form = read_object(posting, "applicationFormDefinition")
        values = read_submissions(form, body["applicationForm"], "applicationForm")
        check_applicant(values.get("_systemfield_email"))
        tags = [call.get("candidate_tags", id_)["id"] for id_ in body.get("tagIds", [])]
        taken = self._take_files(call, form, values)
        submission = make_submission(call.rows.count, form, values)
        if str(values.get("_systemfield_email", "")).strip().lower() == BLOCKED_EMAIL:
            call.rows.blocked.add(submission["id"])
            message = "<p>You cannot apply again yet.</p>"
            return _answer_form(submission, {"blocked": True, "blockMessageForCandidateHtml": message})
        candidate = self._make_candidate(call, values, tags, taken)
        fields: Row = {
            "candidateId": candidate["id"],
            "jobId": job["id"],
            "interviewStageId": find_first_screen(call, find_plan(call, job))["id"],
            "sourceId": _find_source(call),
            "appliedViaJobPostingId": posting["id"],
            "formSubmissions": [submission],
        }
        call.rows.create("applications", fields)
        return _answer_form(submission, {"blocked": False})

    def _take_files(self, call: Call, form: Row, values: dict[str, Any]) -> dict[str, Row]:
        """Path → the file it names, which is a part of the form or a handle. Raises Refused where there is none."""
        found = {}
        for entry in list_fields(form):
            path = entry["field"].get("path")
            if entry["field"].get("type") == "File" and path in values:
                file = self._files.take(call, values[path], "ApplicationForm")
                found[path] = file
                values[path] = file
        return found

    def _make_candidate(self, call: Call, values: dict[str, Any], tags: list[str], taken: dict[str, Row]) -> Row:
        email = values.get("_systemfield_email")
        known = find_by_email(call, "candidates", email) if isinstance(email, str) else []
        before = known[-1] if known else None
        fields: Row = {"tagIds": list(dict.fromkeys([*list_texts(before or {}, "tagIds"), *tags]))}
        fields["files"] = [*list_objects(before or {}, "files"), *taken.values()]
        if "_systemfield_resume" in taken:
            fields["resumeFileId"] = taken["_systemfield_resume"]["id"]
        if before is not None:
            return call.rows.change("candidates", before["id"], fields)
        fields["name"] = values.get("_systemfield_name") or email or "Nameless"
        fields["sourceId"] = _find_source(call)
        if isinstance(email, str):
            fields["emailAddresses"] = [make_contact(email, is_primary=True)]
        if isinstance(phone := values.get("_systemfield_phone"), str):
            fields["phoneNumbers"] = [make_contact(phone, is_primary=True)]
        return call.rows.create("candidates", fields)


def _answer_form(submission: Row, messages: Row) -> Answer:
    return Answer({"submittedFormInstance": submission, "formMessages": messages})


def _find_source(call: Call) -> str | None:
    rows = call.rows.list_all("sources")
    return next((row["id"] for row in rows if row.get("title") == APPLIED), None)


# Surveys


def _read_survey(call: Call) -> tuple[Row, Row, Row]:
    candidate = call.get_named("candidates", "candidateId")
    application = call.get_named("applications", "applicationId")
    form = call.get_named("survey_forms", "surveyFormDefinitionId")
    owner = call.rows.resolve_candidate(application.get("candidateId"))
    if owner is None or owner["id"] != candidate["id"]:
        raise refuse_input("this application is of another candidate", "applicationId")
    return candidate, application, form


def create_request(call: Call) -> Answer:
    """Gives an address; sends nothing."""
    candidate, application, form = _read_survey(call)
    fields: Row = {
        "candidateId": candidate["id"],
        "applicationId": application["id"],
        "surveyFormDefinitionId": form["id"],
        "_surveyType": form.get("surveyType"),
        "surveyUrl": f"https://jobs.example.com/surveys/{call.rows.count}",
    }
    return call.answer("survey_requests", call.rows.create("survey_requests", fields))


def create_survey_submission(call: Call) -> Answer:
    """Answers of every kind of survey are taken, though not all can be read."""
    candidate, application, form = _read_survey(call)
    values, known = call.body["submittedValues"], {}
    for entry in list_fields(form.get("formDefinition")):
        known[entry["field"].get("path")] = known[entry["field"].get("id")] = entry["field"]
    for path, value in values.items():
        if path not in known or not is_answer(known[path], value):
            raise refuse_input(f"{path[:100]}: no field of this survey, or no value of it", "submittedValues")
    fields: Row = {
        "submittedAt": from_millis(call.rows.now()),
        "candidateId": candidate["id"],
        "applicationId": application["id"],
        "surveyType": form.get("surveyType"),
        "surveyFormId": form["id"],
        "submittedValues": values,
    }
    return call.answer("survey_submissions", call.rows.create("survey_submissions", fields))


def create_referral(call: Call) -> Answer:
    """Somebody of the company names a candidate for a job."""
    form = next((row for row in call.rows.list_all("referral_forms") if row["id"] == call.body["id"]), None)
    if form is None:
        raise Refused("referral_form_not_found", "Referral form not found")
    user = call.get_named("users", "creditedToUserId")
    values = read_submissions(read_object(form, "formDefinition"), call.body["fieldSubmissions"], "fieldSubmissions")
    job = call.get("jobs", values["_systemfield_job"])
    plan = find_plan(call, job)
    stage = find_first_screen(call, plan)
    email = values.get("_systemfield_email")
    now = from_millis(call.rows.now())
    person: Row = {"name": values["_systemfield_name"], "creditedToUserId": user["id"]}
    if email is not None:
        person["emailAddresses"] = [make_contact(email, is_primary=True)]
    candidate = call.rows.create("candidates", person)
    fields: Row = {
        "candidateId": candidate["id"],
        "jobId": job["id"],
        "interviewStageId": stage["id"],
        "creditedToUserId": user["id"],
        "referrals": [{"userId": user["id"], "referredAt": call.body.get("createdAt", now)}],
    }
    return call.answer("applications", call.rows.create("applications", fields))


_SURVEY = "candidateId:uuid! applicationId:uuid! surveyFormDefinitionId:uuid!"

WRITES = (
    Write("surveyRequest.create", "candidatesWrite", _SURVEY, create_request),
    Write("surveySubmission.create", "candidatesWrite", f"{_SURVEY} submittedValues:object!", create_survey_submission),
    Write(
        "referral.create",
        "candidatesWrite",
        "id:uuid! creditedToUserId:uuid! fieldSubmissions:list! createdAt:moment",
        create_referral,
    ),
)
